"""Each rule of `operate_appliance` on both sides, the order of its stages, its scenes, and the door's catch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np
import pytest

from envs.actors import HoldActor
from envs.chores.operate_appliance import CLOSED_RAD, OPENED_RAD, SLAM_MPS, TURNED_RAD, WRONG_RAD, OperateAppliance
from envs.episodes import Episode, Episodes
from envs.household.microwave import DEPTH_M, DOOR_WIDTH_M, FLOOR_M, HANDLE_RADIUS_M, OPENING_M, OPENS_TO_RAD, WALL_M, WIDTH_M
from envs.household.scene import Scene
from envs.household.stages import stage_signals
from envs.plants import PLANTS
from envs.rollout import rollout
from motion.transform import Transform, so3_exp
from tests.envs.chores.scenes import check_as_gymnasium_does, still_look, true_at
from tests.envs.household.running import made

SIDES = ("right", "left")
LONG_N = 65
"""Periods of 20 ms: longer than closing and the goal have to hold."""


@pytest.fixture(scope="module")
def chore() -> OperateAppliance:
    found = made("operate_appliance")
    assert isinstance(found, OperateAppliance)
    return found


def scene_for(chore: OperateAppliance, side: str, variant: str = "full") -> Scene:
    return next(scene for scene in (chore.scene(variant, seed) for seed in range(40)) if scene.side == side)


def cup_at(scene: Scene, deep_m: float = 0.08, share: float = 0.5, up_m: float = 0.0, lean_rad: float = 0.0) -> dict[str, Transform]:
    """The cup in the cavity: so deep behind its front, at a share of its width from the hinge."""
    sign = 1.0 if scene.side == "right" else -1.0
    place = np.array([deep_m - DEPTH_M / 2, sign * (WIDTH_M / 2 - WALL_M - share * OPENING_M), FLOOR_M + up_m])
    return {"cup": scene.thing("microwave").pose @ Transform(place, so3_exp(np.array([lean_rad, 0.0, 0.0])))}


@pytest.mark.parametrize(("angle_rad", "opened"), [(OPENED_RAD + 0.01, True), (OPENED_RAD - 0.01, False)])
def test_opened_from_45_degrees_on(chore: OperateAppliance, angle_rad: float, opened: bool) -> None:
    assert true_at(chore, still_look(chore, chore.scene("full", 0), hinges={"door": angle_rad}), "opened") == opened


@pytest.mark.parametrize(("angle_rad", "closed"), [(0.5 * CLOSED_RAD, True), (1.2 * CLOSED_RAD, False)])
def test_closed_behind_the_catch(chore: OperateAppliance, angle_rad: float, closed: bool) -> None:
    assert true_at(chore, still_look(chore, chore.scene("full", 0), hinges={"door": angle_rad}), "closed") == closed


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    ("where", "inside"),
    [
        ({}, True),
        ({"deep_m": 0.02}, False),
        ({"deep_m": 0.04}, True),
        ({"share": 0.95}, True),
        ({"share": 1.05}, False),
        ({"up_m": 0.02}, False),
        ({"lean_rad": 0.4}, False),
    ],
)
def test_the_cup_is_in_when_it_stands_on_the_cavitys_floor(
    chore: OperateAppliance, side: str, where: Mapping[str, float], inside: bool
) -> None:
    scene = scene_for(chore, side)
    assert true_at(chore, still_look(chore, scene, cup_at(scene, **where)), "item_in") == inside


def test_a_cup_in_a_hand_is_not_in(chore: OperateAppliance) -> None:
    scene = chore.scene("full", 0)
    assert not true_at(chore, still_look(chore, scene, cup_at(scene), touched=("cup",)), "item_in")
    assert not true_at(chore, still_look(chore, scene), "item_in"), "on the counter"


def closed_before(knob_rad: float = 0.0) -> dict[str, np.ndarray]:
    """What is remembered once the door was closed with the knob at an angle."""
    return {"stage_reached": np.array([1.0, 1.0, 1.0, 0.0]), "knob_from_rad": np.array(knob_rad)}


@pytest.mark.parametrize(
    ("knob_rad", "from_rad", "door_rad", "touched", "done"),
    [
        (TURNED_RAD + 0.01, 0.0, 0.0, (), True),
        (TURNED_RAD - 0.01, 0.0, 0.0, (), False),
        (TURNED_RAD + 0.01, 0.3, 0.0, (), False),
        (TURNED_RAD + 0.31, 0.3, 0.0, (), True),
        (TURNED_RAD + 0.01, 0.0, 0.1, (), False),
        (TURNED_RAD + 0.01, 0.0, 0.0, ("knob",), False),
        (TURNED_RAD + 0.01, 0.0, 0.0, ("door",), False),
    ],
)
def test_done_with_the_knob_turned_since_the_door_was_closed_and_hands_off(
    chore: OperateAppliance, knob_rad: float, from_rad: float, door_rad: float, touched: tuple[str, ...], done: bool
) -> None:
    scene, hinges = chore.scene("full", 0), {"knob": knob_rad, "door": door_rad}
    look = still_look(chore, scene, cup_at(scene), touched=touched, before=closed_before(from_rad), hinges=hinges)
    assert true_at(chore, look, "done") == done


def test_done_wants_the_cup_inside(chore: OperateAppliance) -> None:
    look = still_look(chore, chore.scene("full", 0), before=closed_before(), hinges={"knob": 1.2})
    assert not true_at(chore, look, "done")


Step = tuple[float, bool, float]
"""Door angle, whether the cup is in, knob angle."""
SHUT, WIDE, FULL, FULL_SHUT, TURNED = (0.0, False, 0.0), (1.0, False, 0.0), (1.0, True, 0.0), (0.0, True, 0.0), (0.0, True, 1.2)


def succeeds(chore: OperateAppliance, variant: str, steps: Sequence[Step]) -> bool:
    """Whether a second or more of each step, one after the other, make a success."""
    scene = chore.scene(variant, 0)
    none = np.zeros((1, len(chore.stages)))
    now, knob_from = {"stage_reached": none, "stage_given": none, "stage_held_s": none, "progress": np.zeros(1)}, np.zeros(1)
    first = np.ones(1, bool)
    for door_rad, cup_in, knob_rad in steps:
        poses, hinges = cup_at(scene) if cup_in else {}, {"door": door_rad, "knob": knob_rad}
        for _ in range(LONG_N):
            before = {"stage_reached": now["stage_reached"][0], "knob_from_rad": knob_from[0]}
            look = still_look(chore, scene, poses, before=before, hinges=hinges)
            knob_from = chore.extra(look)["knob_from_rad"]
            now, first = stage_signals(chore.stages, chore.true_now(look), now, first, chore.period_s), np.zeros(1, bool)
    return bool(now["stage_reached"][0, -1])


@pytest.mark.parametrize(
    ("variant", "steps", "success"),
    [
        ("full", (SHUT, WIDE, FULL, FULL_SHUT, TURNED), True),
        ("full", (SHUT, FULL, FULL_SHUT, TURNED), True),
        ("full", (SHUT, WIDE, SHUT, (0.0, False, 1.2)), False),
        ("full", (SHUT, (0.0, False, 1.2), (1.0, True, 1.2), TURNED), False),
        ("full", (SHUT, WIDE, FULL, (1.0, True, 1.2)), False),
        ("full", (SHUT, WIDE, FULL, FULL_SHUT), False),
        ("full", (FULL_SHUT, TURNED), False),
        ("door", (SHUT, WIDE, SHUT), True),
        ("door", (SHUT,), False),
        ("door", (SHUT, WIDE), False),
        ("door", (SHUT, (0.5, False, 0.0), SHUT), False),
        ("knob", (SHUT, (0.0, False, 1.2)), True),
        ("knob", (SHUT, (0.0, False, 0.9)), False),
        ("knob", (SHUT, (0.3, False, 1.2)), False),
    ],
)
def test_the_order_matters(chore: OperateAppliance, variant: str, steps: Sequence[Step], success: bool) -> None:
    assert succeeds(chore, variant, steps) == success


def signals(chore: OperateAppliance, door: float = 0.0, door_speed: float = 0.0, knob: float = 0.0, closed: bool = False) -> dict:
    """Two periods: nothing, then this."""
    hinge, speed = np.zeros((2, len(chore.listing.hinges))), np.zeros((2, len(chore.listing.hinges)))
    columns = [chore.listing.hinges.index(name) for name in ("door", "knob")]
    hinge[1, columns], speed[1, columns[0]] = (door, knob), door_speed
    reached = np.zeros((2, len(chore.stages)))
    reached[:, :3] = closed
    return {"hinge": hinge, "hinge_speed": speed, "stage_reached": reached}


@pytest.mark.parametrize(
    ("variant", "what", "harms"),
    [
        ("full", {}, ()),
        ("full", {"door": 0.02, "door_speed": -1.1 * SLAM_MPS / DOOR_WIDTH_M}, ("door_slam_mps",)),
        ("full", {"door": 0.02, "door_speed": -0.9 * SLAM_MPS / DOOR_WIDTH_M}, ()),
        ("full", {"door": 0.5, "door_speed": -1.1 * SLAM_MPS / DOOR_WIDTH_M}, ()),
        ("full", {"door": OPENS_TO_RAD + 0.03}, ("door_strain_rad",)),
        ("full", {"door": OPENS_TO_RAD + 0.01}, ()),
        ("full", {"knob": 1.1 * WRONG_RAD}, ("wrong_knob_rad",)),
        ("full", {"knob": 0.9 * WRONG_RAD}, ()),
        ("full", {"knob": 1.2, "closed": True}, ()),
        ("door", {"knob": 1.1 * WRONG_RAD, "closed": True}, ("wrong_knob_rad",)),
        ("knob", {"knob": 1.2, "closed": True}, ()),
        ("knob", {"door": 1.1 * WRONG_RAD}, ("wrong_door_rad",)),
        ("knob", {"door": 0.9 * WRONG_RAD}, ()),
    ],
)
def test_harm(chore: OperateAppliance, variant: str, what: Mapping[str, float], harms: tuple[str, ...]) -> None:
    facts = chore.setup(chore.variants.index(variant), 0).facts
    found = chore.harm(signals(chore, **what), facts)
    assert tuple(name for name, (value, limit) in found.items() if value > limit) == harms


class Door:
    """The door of a scene, moved by a torque on its hinge; the robot stands by."""

    def __init__(self, chore: OperateAppliance) -> None:
        setup = chore.setup(chore.variants.index("full"), 0)
        start = chore.start(np.zeros(1, int), np.zeros((1, len(chore.robot.joint_names))), [setup])
        assert setup.scene is not None
        self.model, self.data = setup.scene, mujoco.MjData(setup.scene)
        self.data.qpos[:], self.data.ctrl[: start.target_rad.shape[1]] = start.qpos[0], start.target_rad[0]
        self._joint = self.model.joint("thing/door")

    def push(self, torque_nm: float, lasts_s: float) -> float:
        """The door's angle after a while."""
        self.data.qfrc_applied[self._joint.dofadr[0]] = torque_nm
        for _ in range(round(lasts_s / self.model.opt.timestep)):
            mujoco.mj_step(self.model, self.data)
        return float(self.data.qpos[self._joint.qposadr[0]])


def test_the_catch_holds_the_door_until_it_is_pulled_and_draws_it_shut(chore: OperateAppliance) -> None:
    door = Door(chore)
    assert door.push(0.0, 0.2) < 0.5 * CLOSED_RAD
    assert door.push(3.0 * HANDLE_RADIUS_M, 0.4) < CLOSED_RAD, "3 N at the handle are not enough"
    assert door.push(14.0 * HANDLE_RADIUS_M, 0.3) > 0.1, "14 N are"
    rests = door.push(0.0, 0.4)
    assert abs(door.push(0.0, 0.2) - rests) < 0.05, "an open door stays"
    assert 1.2 * CLOSED_RAD < door.push(-0.2, 3.0) < np.radians(6.0), "a gentle push leaves it leaning on the catch"
    door.push(-16.0 * HANDLE_RADIUS_M, 0.3)
    assert door.push(0.0, 0.2) < 0.5 * CLOSED_RAD


@pytest.mark.parametrize("variant", ["full", "full@layouts", "full@objects"])
def test_things_do_not_begin_in_each_other(chore: OperateAppliance, variant: str) -> None:
    """At most the striker touches its ball."""
    for seed in range(4):
        setup = chore.setup(chore.variants.index(variant), seed)
        assert setup.scene is not None
        start = chore.start(np.zeros(1, int), np.zeros((1, len(chore.robot.joint_names))), [setup])
        data = mujoco.MjData(setup.scene)
        data.qpos[:] = start.qpos[0]
        mujoco.mj_forward(setup.scene, data)
        bodies = [{setup.scene.body(setup.scene.geom_bodyid[geom]).name for geom in contact.geom} for contact in data.contact]
        deep = [pair for pair, contact in zip(bodies, data.contact, strict=True) if contact.dist < -1e-3]
        assert all(pair == {"thing/catch", "thing/door"} for pair in deep), deep


def test_held_out_is_disjoint(chore: OperateAppliance) -> None:
    radius = {variant: [chore.scene(variant, seed).thing("cup").half_m[0] for seed in range(20)] for variant in ("full", "full@objects")}
    assert max(radius["full"]) < min(radius["full@objects"])
    turned = {
        variant: [abs(chore.scene(variant, seed).thing("microwave").wxyz[3]) for seed in range(20)] for variant in ("full", "full@layouts")
    }
    assert max(turned["full"]) < min(turned["full@layouts"])


def test_doing_nothing_never_succeeds(chore: OperateAppliance) -> None:
    """Of the tasks the one that begins with most stages reached."""
    (done,) = rollout(chore, HoldActor(), [Episode("knob", PLANTS["nominal"], 1)], threads=1)
    assert len(done.actions) == chore.steps(chore.variants.index("knob"))
    assert not done.success


def test_the_same_seed_is_the_same_episode(chore: OperateAppliance) -> None:
    first, again = (_observed(chore) for _ in range(2))
    assert all(np.array_equal(first[name], again[name]) for name in first)


def _observed(chore: OperateAppliance) -> dict[str, np.ndarray]:
    episodes = Episodes(chore, 1)
    episodes.reset([0], [Episode("full@objects", PLANTS["nominal"], 5)])
    target = chore.robot.rest_rad[None] + 0.05
    for _ in range(10):
        seen = episodes.step([0], target).observation
    return seen


def test_gymnasiums_contract(chore: OperateAppliance) -> None:
    check_as_gymnasium_does(chore)
