"""Plants that change things, the counter, time and sensors: by hand arithmetic, in the physics."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from envs.disturbance import Disturbance
from envs.episodes import Episode, Episodes
from envs.household.chore import Household
from envs.plant_draws import draw, nominal_draw
from envs.plants import PLANTS, Change, Plant
from motion.demonstration import Demonstration
from motion.errors import ShapeError, UnknownNameError
from motion.transform import rotate, so3_log
from tests.envs.household.running import digest, made

CALM = Disturbance(start_noise_rad=0.0)
SLEEPY = Plant("sleepy")


@pytest.fixture(scope="module")
def chore() -> Household:
    return made()


def waited(chore: Household, *plants: Plant, seconds: float = 0.3, seed: int = 2, disturbance: Disturbance = CALM) -> list[Demonstration]:
    """The robot holds still, once in each plant."""
    runner, slots = Episodes(chore, len(plants), disturbance=disturbance), np.arange(len(plants))
    runner.reset(slots, [Episode("full", plant, seed) for plant in plants])
    still = np.zeros(len(chore.action_names))
    still[: len(chore.robot.rest_rad)] = chore.robot.rest_rad
    for _ in range(round(seconds / 0.02)):
        runner.step(slots, np.tile(still, (len(plants), 1)))
    return [runner.demonstration(int(slot), "wait") for slot in slots]


def with_(field: str, low: float, high: float | None = None, selection: str = ".*", **words: object) -> Plant:
    ranges = (low, low if high is None else high)
    return Plant("own", (Change(field, selection, ranges, **words),))  # type: ignore[arg-type]


def glass(chore: Household, demonstration: Demonstration) -> tuple[np.ndarray, np.ndarray]:
    """Positions (T, 3) and wxyz (T, 4) of the glass in the world."""
    column = chore.listing.things.index("glass")
    return demonstration.signals["thing_position_m"][:, column], demonstration.signals["thing_wxyz"][:, column]


def test_each_field_of_things_changes_its_own_number(chore: Household) -> None:
    names = {"thing_friction": "thing_friction_scale", "thing_mass": "thing_mass_scale", "thing_size": "thing_size"}
    before = nominal_draw(chore.model)
    for field, attribute in {**names, "counter_tilt": "counter_tilt_rad"}.items():
        after = draw(with_(field, 0.01, operation="add"), chore.model, np.random.default_rng(0))
        assert [name for name in vars(before) if not np.array_equal(getattr(before, name), getattr(after, name))] == [attribute]


def test_links_and_things_are_chosen_apart(chore: Household) -> None:
    """A heavier robot does not make heavier things, nor the other way round."""
    heavy, full = (draw(with_(field, 2.0), chore.model, np.random.default_rng(0)) for field in ("mass", "thing_mass"))
    body = chore.model.model.body("thing/glass").id
    assert heavy.link_mass_scale[body] == 1
    assert (heavy.thing_mass_scale == 1).all()
    assert (full.link_mass_scale == 1).all()
    with pytest.raises(UnknownNameError, match="Known: glass, mark"):
        draw(with_("thing_mass", 2.0, selection="mug"), chore.model, np.random.default_rng(0))


def test_a_heavier_glass_presses_harder(chore: Household) -> None:
    """1.5 m g on the counter, where the scene says m."""
    (done,) = waited(chore, with_("thing_mass", 1.5, selection="gl.*"))
    scene = chore.scene("full", 2).thing("glass")
    force = done.signals["thing_force_n"][-5:, chore.listing.things.index("glass")].mean()
    assert force == pytest.approx(1.5 * scene.mass_kg * 9.81, rel=0.01)


def test_a_slippery_glass_slides_where_another_stands(chore: Household) -> None:
    """With gravity leaning by 0.2 g the glass slides if mu < 0.2: a = (0.2 - mu) g, so 0.5 a t^2 after t."""
    mu, lean = chore.scene("full", 2).thing("glass").friction, Change("gravity", "y", (-0.2 * 9.81, -0.2 * 9.81), operation="add")
    slippery = Plant("own", (lean, Change("thing_friction", ranges=(0.1 / mu, 0.1 / mu))))
    stands, slides = waited(chore, Plant("lean", (lean,)), slippery)
    moved = [glass(chore, done)[0][-1] - glass(chore, done)[0][0] for done in (stands, slides)]
    assert np.linalg.norm(moved[0]) < 1e-3
    assert -moved[1][1] == pytest.approx(0.5 * 0.1 * 9.81 * (0.3**2 - 0.02**2), rel=0.1)


def test_a_leaning_counter_takes_its_things_along(chore: Household) -> None:
    """By 0.02 rad about the counter's y axis, x ahead sinks by x sin(0.02), and the glass leans and stays."""
    plain, leaning = waited(chore, SLEEPY, with_("counter_tilt", 0.02, selection="about_y", operation="add"))
    (level, _), (position, wxyz) = glass(chore, plain), glass(chore, leaning)
    ahead = level[0, 0] - chore.station.T_world_counter.position_m[0]
    assert position[0, 2] - level[0, 2] == pytest.approx(-ahead * np.sin(0.02), abs=2e-4)
    assert np.linalg.norm(position[-1] - position[0]) < 1e-3
    lean = np.arccos(rotate(wxyz, np.array([0.0, 0.0, 1.0]))[:, 2])
    np.testing.assert_allclose(lean, 0.02, atol=1e-3)
    drawn = draw(PLANTS["uneven_counter"], chore.model, np.random.default_rng(0)).counter_tilt_rad
    assert 0 < np.abs(drawn).max() <= np.radians(0.7)


def test_a_thing_of_another_size_is_seen_and_simulated_so(chore: Household) -> None:
    own = with_("thing_size", 1.1, selection="glass")
    runner = Episodes(chore, 2, disturbance=CALM)
    runner.reset([0, 1], [Episode("full", SLEEPY, 2), Episode("full", own, 2)])
    column, scene = chore.listing.things.index("glass"), chore.scene("full", 2).thing("glass")
    np.testing.assert_allclose(runner.setups[1].facts["thing_half_m"][column], 1.1 * np.array(scene.half_m))
    sizes = [runner.model_of(slot).geom_size[runner.model_of(slot).body("thing/glass").geomadr[0]] for slot in (0, 1)]
    np.testing.assert_allclose(sizes[1][:2], 1.1 * sizes[0][:2])
    assert runner.model_of(1).body("thing/glass").mass[0] == pytest.approx(scene.mass_kg)
    assert chore.scene("full", 2).thing("glass") == scene


def test_physics_with_other_time_steps_run_side_by_side(chore: Household) -> None:
    """Each as if alone."""
    coarse, fine = with_("timestep", 2.0), with_("timestep", 0.001, operation="set")
    plants = (SLEEPY, coarse, fine)
    together = [digest(done) for done in waited(chore, *plants, seconds=0.1)]
    assert together == [digest(waited(chore, plant, seconds=0.1)[0]) for plant in plants]
    assert len(set(together)) == 3
    runner = Episodes(chore, 3, disturbance=CALM)
    runner.reset([0, 1, 2], [Episode("full", plant, 0) for plant in plants])
    assert [runner.model_of(slot).opt.timestep for slot in range(3)] == [0.002, 0.004, 0.001]


def test_a_time_step_that_does_not_fit_is_shortened(chore: Household) -> None:
    for wanted, own in ((0.003, 0.02 / 7), (0.008, 0.02 / 3), (0.02, 0.02)):
        assert draw(with_("timestep", wanted, operation="set"), chore.model, np.random.default_rng(0)).timestep_s == pytest.approx(own)
    with pytest.raises(ShapeError, match=r"has to lie in 0\.\.0\.02 s, the control period; it is 0\.03 s"):
        draw(with_("timestep", 0.03, operation="set"), chore.model, np.random.default_rng(0))


@pytest.mark.parametrize("timestep_s", [0.001, 0.002, 0.004])
def test_a_delay_is_as_long_with_any_time_step(chore: Household, timestep_s: float) -> None:
    late = Plant("late", (Change("timestep", ranges=(timestep_s, timestep_s), operation="set"),), action_delay_s=(0.024, 0.024))
    own = draw(late, chore.model, np.random.default_rng(0))
    assert own.delay_steps * own.timestep_s == pytest.approx(0.024)


def test_a_payload_hangs_on_the_wrist(chore: Household) -> None:
    """1 kg at height h changes the holding torque of every joint q by m g dh/dq, and its inertia by m |dp/dq|^2."""
    model, landmarks = chore.model, list(chore.robot.landmarks)
    wrist = int(model.landmark_sites[landmarks.index("right_wrist")])
    runner = Episodes(chore, 2, disturbance=CALM)
    runner.reset([0, 1], [Episode("full", plant, 0) for plant in (SLEEPY, with_("payload", 1.0, selection="right_wrist", operation="set"))])
    torque, inertia = [], []
    for slot in (0, 1):
        own = runner.model_of(slot)
        data = mujoco.MjData(own)
        data.qpos[model.joint_qpos] = chore.robot.rest_rad
        own.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONTACT
        mujoco.mj_inverse(own, data)
        torque.append(data.qfrc_bias[model.joint_dof].copy())
        data.qacc[model.joint_dof[chore.robot.joint_names.index("right_elbow_joint")]] = 1.0
        mujoco.mj_rne(own, data, 1, result := np.zeros(own.nv))
        inertia.append(result[model.joint_dof] - torque[-1])
    place = np.zeros((3, own.nv))
    mujoco.mj_jacSite(own, data, place, None, wrist)
    place = place[:, model.joint_dof]
    np.testing.assert_allclose(torque[1] - torque[0], 9.81 * place[2], atol=1e-9)
    assert np.abs(torque[1] - torque[0]).max() > 0.5
    elbow = chore.robot.joint_names.index("right_elbow_joint")
    np.testing.assert_allclose(inertia[1] - inertia[0], place.T @ place[:, elbow], atol=1e-9)


def test_noise_is_as_strong_as_it_says_and_only_in_what_is_seen(chore: Household) -> None:
    noisy, clean = waited(chore, PLANTS["noisy_sensors"], SLEEPY, seconds=1.5)
    for name in ("joint_position_rad", "joint_velocity_radps", "hand_force_n"):
        np.testing.assert_array_equal(noisy.signals[name], clean.signals[name])
    error = noisy.observations["joint_position_rad"] - clean.observations["joint_position_rad"]
    assert error.std() == pytest.approx(0.002, rel=0.05)
    assert abs(error.mean()) < 2e-4
    assert (noisy.observations["thing_position_m"] - clean.observations["thing_position_m"]).std() == pytest.approx(0.003, rel=0.1)
    turn = so3_log(noisy.observations["thing_wxyz"] * np.array([1.0, -1, -1, -1]))  # upright things, turned about the vertical alone
    assert turn[..., :2].std() == pytest.approx(0.02, rel=0.2)
    np.testing.assert_allclose(np.linalg.norm(noisy.observations["thing_wxyz"], axis=-1), 1.0)
    assert (noisy.observations["hand_force_n"] >= 0).all()
    assert noisy.observations["hand_force_n"].max() > 0.1
    space = chore.observation_space
    assert space.contains({name: values[5] for name, values in noisy.observations.items()})


def test_what_people_and_things_do_is_upset_by_pushes_as_before(chore: Household) -> None:
    """Pushes and noise move the robot; what nobody touches stays where it stood."""
    rough = Disturbance(start_noise_rad=0.03, action_noise_rad=0.03, pushes_per_s=5.0)
    (calm,), (upset,) = waited(chore, SLEEPY), waited(chore, SLEEPY, disturbance=rough)
    first = upset.observations["joint_position_rad"][0] - calm.observations["joint_position_rad"][0]
    assert 0.01 < first.std() < 0.06
    np.testing.assert_array_equal(upset.observations["thing_position_m"][0], calm.observations["thing_position_m"][0])
    assert np.abs(glass(chore, upset)[0] - glass(chore, calm)[0]).max() < 1e-4
    assert np.abs(upset.signals["joint_velocity_radps"]).max() > 5 * np.abs(calm.signals["joint_velocity_radps"]).max()


def test_a_planar_base_is_drawn_and_upset_like_a_fixed_one() -> None:
    """It stands where it should, holds its place under pushes, and what it does is the same in any slot."""
    planar = made(base="planar")
    rough = Disturbance(start_noise_rad=0.02, pushes_per_s=5.0)
    pushed, other, calm = waited(planar, PLANTS["varied_home"], PLANTS["restless"], SLEEPY, disturbance=rough, seconds=0.4)
    assert digest(waited(planar, PLANTS["varied_home"], disturbance=rough, seconds=0.4)[0]) == digest(pushed)
    for done in (pushed, other, calm):
        assert np.abs(done.signals["base_position_m"] - planar.station.T_world_base.position_m).max() < 0.01
        assert np.abs(glass(planar, done)[0][-1] - glass(planar, done)[0][0]).max() < 1e-3


def test_another_integrator_leaves_things_where_they_are(chore: Household) -> None:
    nominal, other = waited(chore, PLANTS["nominal"], PLANTS["other_integrator"])
    np.testing.assert_allclose(glass(chore, other)[0], glass(chore, nominal)[0], atol=1e-3)
    assert other.safety["unstable"] == 0
    assert not np.array_equal(other.observations["joint_position_rad"], nominal.observations["joint_position_rad"])
