"""Plants are data, and they really change the physics."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import pytest
import yaml

from envs.chores.follow import Follow
from envs.disturbance import Disturbance
from envs.episodes import Episode, Episodes
from envs.model import RobotModel, robot_model
from envs.open_loop import Orders, carry_out
from envs.plant_draws import draw, draw_episode, nominal_draw
from envs.plants import FIELDS, PLANTS, Change, Plant, find_plant, plant_from_dict, write_plant
from envs.reference import SUBSTEPS
from envs.simulation import Drive, Effort, Simulation
from motion.errors import FileFormatError, ShapeError, UnknownNameError
from robots.kinematics import Kinematics
from robots.robot import Robot

CALM = Disturbance(start_noise_rad=0.0)


@pytest.fixture(scope="module")
def model(g1: Robot) -> RobotModel:
    return robot_model(g1, "fixed")


def held(model: RobotModel, plant: Plant, periods: int = 150) -> tuple[np.ndarray, Effort]:
    """Posture (J,) and effort at the end of holding the rest posture in a plant."""
    simulation, slot, robot = Simulation(model, 1), np.array([0]), model.robot
    simulation.set_models(slot, [draw(plant, model, np.random.default_rng(0))])
    simulation.reset(slot, model.qpos(robot.rest_rad, model.fixed_pose()), np.zeros((1, model.model.nv)), robot.rest_rad[None])
    target, still = np.tile(robot.rest_rad, (1, SUBSTEPS, 1)), np.zeros((1, len(robot.rest_rad)))
    gantry = None if model.base_mode == "fixed" else np.tile(np.r_[model.fixed_pose().position_m, 1, 0, 0, 0], (1, SUBSTEPS, 1))
    for _ in range(periods):
        effort = simulation.advance(slot, Drive(target, still, gantry))
    return simulation.state(slot).joint_position_rad[0], effort


def test_half_the_gain_sags_twice_as_far(model: RobotModel) -> None:
    """Sag = gravity torque / kp, the torque at the posture reached."""
    robot, still = model.robot, np.zeros((1, len(model.robot.rest_rad)))
    for name, share in (("nominal", 1.0), ("weak_motors", 0.5)):
        q, _ = held(model, PLANTS[name])
        gravity = Kinematics(robot).inverse_dynamics(q, still, still)[0]
        np.testing.assert_allclose(robot.rest_rad - q, gravity / (share * robot.kp), atol=2e-4)


def test_a_heavier_robot_hangs_heavier(g1: Robot) -> None:
    """33.34 kg * 1.3 * 9.81 = 425.2 N."""
    carried = robot_model(g1, "gantry", floor=False)
    assert held(carried, PLANTS["nominal"])[1].gantry_force_n[0] == pytest.approx(327.08, rel=2e-3)
    assert held(carried, PLANTS["heavy_sticky"])[1].gantry_force_n[0] == pytest.approx(425.2, rel=2e-3)


def test_dry_friction_holds_a_joint_that_nothing_drives(model: RobotModel) -> None:
    """Without gains the arm falls; friction above the gravity torque keeps it where it is, for good."""
    limp = (Change("kp", ranges=(1e-6, 1e-6)), Change("kd", ranges=(1e-6, 1e-6)))
    fallen, _ = held(model, Plant("limp", limp), 20)
    stuck, _ = held(model, Plant("stuck", (*limp, Change("joint_friction", ranges=(0.9, 0.9), operation="set"))), 250)
    assert np.abs(fallen - model.robot.rest_rad).max() > 0.3
    assert np.abs(stuck - model.robot.rest_rad).max() < 1e-3


def test_a_wrong_zero_moves_the_link_and_not_the_number(model: RobotModel) -> None:
    """Who reads 0.3 rad too much is where the nominal robot is at 0.3 rad less."""
    simulation, slots, robot = Simulation(model, 2), np.arange(2), model.robot
    off = Plant("off", (Change("joint_zero", "left_elbow_joint", (0.3, 0.3), operation="set"),))
    simulation.set_models(slots, [draw(off, model, np.random.default_rng(0)), nominal_draw(model)])
    read = np.stack([robot.rest_rad, robot.rest_rad])
    read[1, robot.joint_names.index("left_elbow_joint")] -= 0.3
    simulation.reset(slots, model.qpos(read, model.fixed_pose()), np.zeros((2, model.model.nv)), read)
    state = simulation.state(slots)
    np.testing.assert_allclose(state.landmark_m[0], state.landmark_m[1], atol=1e-9)
    np.testing.assert_allclose(state.joint_position_rad, read)
    ends = [simulation.model_of(slot).joint("left_elbow_joint").range for slot in slots]
    np.testing.assert_allclose(ends[0] - ends[1], 0.3)


def test_torque_limits_bind(model: RobotModel) -> None:
    _, effort = held(model, Plant("feeble", (Change("effort", ".*elbow.*", (0.02, 0.02)),)), 50)
    elbow = model.robot.joint_names.index("left_elbow_joint")
    assert np.abs(effort.torque_nm[0, elbow]) <= 0.02 * model.robot.effort_nm[elbow] + 1e-9


@pytest.mark.parametrize("steps", [0, 1, 7, 10, 25, 100])
def test_a_delay_is_exact_in_physics_steps(follow: Follow, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The n-th action reaches the motors `steps` physics steps after it was sent, and is then held for a period."""
    arrived: list[np.ndarray] = []

    def listen(self: Simulation, slots: np.ndarray, drive: Drive) -> Effort:
        arrived.append(drive.target_rad[0, :, 0].copy())
        return advance(self, slots, drive)

    advance = Simulation.advance
    monkeypatch.setattr(Simulation, "advance", listen)
    episodes, late = Episodes(follow, 1, disturbance=CALM), Plant("late", action_delay_s=(steps * 0.002, steps * 0.002))
    first = episodes.reset([0], [Episode("short", late, 0)])["previous_action_rad"]
    sent = [first + 0.001 * (period + 1) for period in range(14)]
    for action in sent:
        episodes.step([0], action)
    wanted = np.concatenate([np.full(steps, first[0, 0]), np.repeat([action[0, 0] for action in sent], SUBSTEPS)])
    np.testing.assert_array_equal(np.concatenate(arrived), wanted[: len(sent) * SUBSTEPS])


def test_slow_link_is_forty_milliseconds(model: RobotModel) -> None:
    assert draw(PLANTS["slow_link"], model, np.random.default_rng(0)).delay_steps == 20
    assert draw(PLANTS["nominal"], model, np.random.default_rng(0)).delay_steps == 0


def test_every_field_changes_its_own_number_and_no_other(model: RobotModel) -> None:
    """Fields of things are tried where there are things: tests/envs/household/test_plants_of_things.py."""
    before = nominal_draw(model)
    names = {"kp": "kp", "kd": "kd", "effort": "effort_nm", "armature": "armature", "joint_friction": "friction_nm"}
    names |= {"joint_damping": "damping", "mass": "link_mass_scale", "floor_friction": "floor_friction"}
    names |= {"payload": "payload_kg", "push": "push_nm", "gravity": "gravity_mps2", "timestep": "timestep_s"}
    names |= {"sensor_noise": "sensor_noise", "joint_zero": "zero_rad", "integrator": "integrator"}
    of_things = {"thing_friction", "thing_mass", "thing_size", "counter_tilt"}
    assert set(names) | of_things == set(FIELDS)
    for field, attribute in {**names, **dict.fromkeys(of_things, "")}.items():
        more = -1.0 if field == "integrator" else 0.002
        after = draw(Plant("p", (Change(field, ranges=(more, more), operation="add"),)), model, np.random.default_rng(0))
        changed = [name for name in vars(before) if not np.array_equal(getattr(before, name), getattr(after, name))]
        assert changed == ([attribute] if attribute else [])


def test_a_draw_is_made_as_it_is_said(model: RobotModel) -> None:
    def kp(distribution: str) -> np.ndarray:
        change = Change("kp", "left_.*", (0.5, 2.0), distribution)  # type: ignore[arg-type]
        return draw(Plant("p", (change,)), model, np.random.default_rng(3)).kp / model.robot.kp

    left = np.array([name.startswith("left_") for name in model.robot.joint_names])
    for distribution in ("uniform", "log_uniform", "uniform_shared", "constant"):
        assert (kp(distribution)[~left] == 1).all()
        assert ((kp(distribution)[left] >= 0.5) & (kp(distribution)[left] <= 2)).all()
    assert len(np.unique(kp("uniform")[left])) == left.sum()
    assert np.ptp(kp("uniform_shared")[left]) < 1e-12
    assert kp("uniform_shared")[left][0] not in (0.5, 2.0)
    np.testing.assert_allclose(kp("constant")[left], 0.5)


def test_plants_from_yaml_and_by_name(model: RobotModel) -> None:
    text = "{name: mine, action_delay_s: [0.01, 0.01], changes: [{field: mass, selection: torso_link, ranges: [2, 2]}]}"
    own = find_plant(yaml.safe_load(text))
    scale = draw(own, model, np.random.default_rng(0)).link_mass_scale
    assert scale[model.model.body("torso_link").id] == 2
    assert scale.sum() == len(scale) + 1
    assert find_plant(own) is own
    assert find_plant("slow_link") is PLANTS["slow_link"]
    assert plant_from_dict({"name": "n"}).changes == ()
    assert {"nominal", "weak_motors", "slow_link", "heavy_sticky"} <= set(PLANTS)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ({"name": "p", "chnages": []}, UnknownNameError, "Did you mean 'changes'"),
        ({"name": "p", "changes": [{"field": "masses"}]}, UnknownNameError, "Did you mean 'mass'"),
        ({"name": "p", "changes": [{"field": "mass", "operation": "times"}]}, UnknownNameError, "scale"),
        ({"name": "p", "changes": [{"field": "mass", "distribution": "normal"}]}, UnknownNameError, "log_uniform"),
        ({"name": "p", "changes": [{"field": "mass", "ranges": [2, 1]}]}, ShapeError, "upside down"),
        ({"name": "p", "changes": [{"selection": ".*"}]}, ShapeError, "needs a field"),
        ({"changes": []}, ShapeError, "needs a name"),
        ({"name": "p", "changes": [{"field": "mass", "when": "noon"}]}, UnknownNameError, "startup"),
        ({"name": "p", "changes": [{"field": "mass", "when": "interval"}]}, ShapeError, "need every_s"),
        ({"name": "p", "changes": [{"field": "mass", "every_s": 1}]}, ShapeError, "only those, need every_s"),
        ({"name": "p", "changes": [{"field": "timestep", "when": "interval", "every_s": 1}]}, ShapeError, "within an episode"),
        ({"name": "p", "action_delay_s": [0.1, 5]}, ShapeError, "0.2 s can be simulated"),
        ("weak_motor", UnknownNameError, "Did you mean 'weak_motors'"),
    ],
)
def test_what_a_plant_cannot_be(data: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        find_plant(data)


def test_a_selection_that_matches_nothing_is_an_error(model: RobotModel) -> None:
    with pytest.raises(UnknownNameError, match="left_elbow_joint"):
        draw(Plant("p", (Change("kp", "elbow"),)), model, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("field", "value"),
    [("payload", -1.0), ("sensor_noise", -1.0), ("timestep", 0.0), ("timestep", 0.04), ("integrator", 0.5), ("integrator", 4)],
)
def test_numbers_that_cannot_be_simulated_are_refused(model: RobotModel, field: str, value: float) -> None:
    with pytest.raises(ShapeError, match=f"plant odd: {field}|the time step|the integrator"):
        draw(Plant("odd", (Change(field, ranges=(value, value), operation="set"),)), model, np.random.default_rng(0))


def test_a_startup_is_drawn_once_and_another_robot_by_its_seed(model: RobotModel) -> None:
    change = Change("kp", ranges=(0.5, 2.0), distribution="uniform", when="startup")
    first, again, other = (
        draw(Plant("p", (change,), startup_seed=line), model, np.random.default_rng(seed)).kp for line, seed in ((0, 0), (0, 1), (1, 0))
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()


def test_changes_at_intervals_start_from_the_start_every_time(model: RobotModel) -> None:
    """kp x2 at the reset, then x0.5 .. x1 of that again and again: never below the nominal, never above twice."""
    changes = (
        Change("kp", ranges=(2.0, 2.0)),
        Change("kp", ranges=(0.5, 1.0), distribution="uniform_shared", when="interval", every_s=(0.2, 0.4)),
        Change("gravity", "z", (0.5, 0.5), operation="scale", when="interval", every_s=0.9),  # type: ignore[arg-type]
    )
    start, later = draw_episode(Plant("p", changes), model, *(np.random.default_rng(seed) for seed in (0, 1)), duration_s=2.0)
    nominal = model.robot.kp
    np.testing.assert_array_equal(start.kp, 2 * nominal)
    times = [time_s for time_s, _ in later]
    assert times == sorted(times)
    gaps = np.diff([0.0, *(time_s for time_s in times if time_s % 0.9 > 1e-6)])
    assert ((gaps >= 0.2) & (gaps <= 0.4)).all()
    shares = np.array([own.kp[0] / nominal[0] for _, own in later])
    assert ((shares >= 1) & (shares <= 2)).all()
    assert len(np.unique(shares)) == len(gaps) > 3
    gravity = [own.gravity_mps2[2] for _, own in later]
    assert gravity == [-9.81 if time_s < 0.9 else -4.905 for time_s in times]


def test_a_change_comes_when_its_time_has_come(follow: Follow) -> None:
    """Every 0.1 s from 0.1 s on: before the sixth period begins, periods being 0.02 s, and so on."""
    shaky = Plant(
        "shaky", (Change("push", ranges=(-0.1, 0.1), distribution="uniform", when="interval", operation="set", every_s=(0.1, 0.1)),)
    )
    run = Episodes(follow, 2, disturbance=CALM)
    first = run.reset([0, 1], [Episode("short", shaky, 0), Episode("short", PLANTS["nominal"], 0)])["previous_action_rad"]
    pushes = []
    for _ in range(20):
        run.step([0, 1], first)
        pushes.append(run.draws[0].push_nm[0])
    assert np.flatnonzero(np.diff(pushes)).tolist() == [4, 9, 14]
    assert pushes[:5] == [0.0] * 5
    moved = [run.demonstration(slot, "t").signals["joint_position_rad"] for slot in (0, 1)]
    np.testing.assert_array_equal(moved[0][:5], moved[1][:5])
    assert np.abs(moved[0][5] - moved[1][5]).max() > 1e-6


def test_every_named_plant_works_where_nothing_stands(follow: Follow) -> None:
    """Plants that change things, or a floor that is not touched, change nothing of a robot alone."""
    run = Episodes(follow, len(PLANTS), disturbance=CALM)
    slots = list(range(len(PLANTS)))
    first = run.reset(slots, [Episode("short", plant, 0) for plant in PLANTS.values()])["previous_action_rad"]
    for _ in range(3):
        outcome = run.step(slots, first)
    assert not outcome.terminated.any()
    done = {name: run.demonstration(slot, "t").signals["joint_position_rad"] for slot, name in enumerate(PLANTS)}
    same = [name for name in PLANTS if name != "nominal" and np.array_equal(done[name], done["nominal"])]
    assert same == ["slow_link", "slippery", "heavy_things", "noisy_sensors", "uneven_counter", "restless"]
    assert all(plant.description for plant in PLANTS.values())


def test_a_plant_survives_its_file(tmp_path: Path) -> None:
    for plant in PLANTS.values():
        write_plant(tmp_path / "mine.yaml", plant, "found in two runs\nof one robot")
        assert find_plant(str(tmp_path / "mine.yaml")) == plant
        assert (tmp_path / "mine.yaml").read_text().startswith("# found in two runs\n# of one robot\nname:")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        ("just words", "no plant; name, changes and action_delay_s were wanted"),
        ("name: [", "no plant"),
        ("changes: []", "a plant needs a name"),
        ("{name: a, changes: [{field: kp, ranges: [2, 1]}]}", "upside down"),
        ("{name: a, changes: 3}", "no plant"),
    ],
)
def test_a_file_without_a_plant_is_named(content: str | None, said: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "mine.yaml").write_text(content)
    with pytest.raises(FileFormatError, match=f"mine.yaml: .*{said}"):
        find_plant(str(tmp_path / "mine.yaml"))


def test_another_integrator_is_near_and_not_the_same(model: RobotModel) -> None:
    """Waving arms are off by milliradians, as two ways to integrate the same equations are; not by more."""
    nominal, other = (draw(PLANTS[name], model, np.random.default_rng(0)) for name in ("nominal", "other_integrator"))
    assert (nominal.integrator, other.integrator) == (mujoco.mjtIntegrator.mjINT_IMPLICITFAST, mujoco.mjtIntegrator.mjINT_EULER)
    rest, time_s = model.robot.rest_rad, 0.002 * np.arange(1000)[:, None]
    command = (rest + 0.2 * np.sin(2 * np.pi * np.linspace(0.3, 2, len(rest)) * time_s))[None]
    found = carry_out(model, [nominal, other], Orders(command[:, 0], np.zeros((1, len(rest))), command), 10).position_rad[:, 0]
    apart = np.abs(found[1] - found[0]).max()
    assert 1e-4 < apart < 0.02
