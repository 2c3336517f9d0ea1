"""Hands: what pinches ask for, the three modes, scales from rigid bones, the round trip, and tendons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.bodies import streamed
from benchmarks.hands import UNHURRIED, film, glove, hand, pinches
from benchmarks.round_trip import BENT, SEEDS, errors_rad
from motion.errors import MotionError, UnknownNameError
from motion.human import HumanMotion
from motion.landmarks import FINGERS
from motion.transform import Array
from retarget.body_map import BodyMap, body_map
from retarget.hand_targets import HandSettings, finger_scale
from retarget.inspect import inspect
from retarget.person import Person
from retarget.problem import SolverSettings
from retarget.rows import WORLD
from retarget.solve import solve
from retarget.targets import Targets, build_targets
from robots import load_robot

TOUCH_M = 0.010


def allegro() -> BodyMap:
    return body_map(load_robot("allegro_right"))


def itself(body: BodyMap, joints: Array) -> HumanMotion:
    """A hand's own landmarks as a person's, in postures (T, J), half a second each."""
    position = body.kinematics.landmark_positions(joints)
    return HumanMotion(np.arange(len(joints)) / 2, tuple(body.robot.landmarks), position, np.ones(position.shape[:2]))


def stretch(human: HumanMotion, part: slice) -> HumanMotion:
    """Some frames of a recording."""
    return HumanMotion(human.time_s[part], human.landmarks, human.position_m[part], human.confidence[part])


def moved(human: HumanMotion, name: str, place: Array) -> HumanMotion:
    """The same with one landmark elsewhere."""
    position = human.position_m.copy()
    position[:, human.landmarks.index(name)] = place
    return replace(human, position_m=position)


def pinch_of(targets: Targets, name: str) -> tuple[Array, Array]:
    """Wanted vectors (T, 3) and weights (T,) of a row."""
    row = targets.vector_names.index(name)
    return targets.vector_m[:, row], targets.vector_weight[:, row]


def gap_apart(gaps_mm: list[float]) -> HumanMotion:
    """Allegro's own landmarks, the index tip at given gaps from the thumb's."""
    body = allegro()
    human = itself(body, np.tile(body.robot.rest_rad, (len(gaps_mm), 1)))
    place = human.point("right_thumb_tip") + np.array(gaps_mm)[:, None] / 1e3 * [0, 1, 0]
    return moved(human, "right_index_tip", place)


def test_a_pinch_sets_in_smoothly_and_ends_in_a_touch() -> None:
    """Weights rise from 0 at 50 mm to 200 at 15 mm; the wanted gap is the person's at 20 mm, half of it at 10, 0 at 0."""
    targets = build_targets(allegro(), gap_apart([60, 50, 32.5, 20, 15, 10, 0]))
    wanted, weight = pinch_of(targets, "right_index_pinch")
    np.testing.assert_allclose(weight[[0, 1, 2, 4, 5, 6]], [0, 0, 100, 200, 200, 200], atol=1e-6)
    assert 100 < weight[3] < 200
    np.testing.assert_allclose(np.linalg.norm(wanted[[4, 5, 6]], axis=-1), [0.015 * (3 - 2 * 0.75) * 0.75**2, 0.005, 0.0], atol=1e-9)
    names = [f"right_{finger}_pinch" for finger in ("middle", "ring")]
    assert all(pinch_of(targets, name)[1].max() < 200 for name in names if name in targets.vector_names)


def test_fingers_that_touch_give_up_most_of_their_own_places() -> None:
    targets = build_targets(allegro(), gap_apart([60, 5]))
    apart, together = pinch_of(targets, "right_index_tip")[1]
    np.testing.assert_allclose(together / apart, 0.1, atol=0.02)  # the turn of the palm weighs in as well
    apart, together = pinch_of(build_targets(allegro(), gap_apart([60, 5]), hands=HandSettings("vector")), "right_index_tip")[1]
    np.testing.assert_allclose(together / apart, 1.0, atol=0.1)


def test_what_is_not_trusted_does_not_pinch() -> None:
    human = gap_apart([5, 5])
    confidence = human.confidence.copy()
    confidence[1, human.landmarks.index("right_thumb_tip")] = 0.25
    _, weight = pinch_of(build_targets(allegro(), replace(human, confidence=confidence)), "right_index_pinch")
    np.testing.assert_allclose(weight[1] / weight[0], 0.25, rtol=1e-6)


@pytest.mark.usefixtures("data")
def test_a_finger_that_the_robot_lacks_pinches_nothing() -> None:
    """Allegro has no little finger: the person's pinch with theirs leaves its fingers where they are."""
    human = stretch(glove(), slice(2))
    touching = moved(human, "right_pinky_tip", human.point("right_thumb_tip"))
    assert "right_pinky_pinch" not in build_targets(allegro(), touching).vector_names


def test_modes_ask_for_what_they_say() -> None:
    body, human = hand("shadow_right"), film()
    vector = build_targets(body, human, hands=HandSettings("vector"))
    position = build_targets(body, human, hands=HandSettings("position"))
    assert not any(name.endswith("_pinch") for name in vector.vector_names)
    assert set(position.vector_names) == {f"right_{f}_{p}" for f in FINGERS for p in ("tip", "mcp" if f == "thumb" else "pip")}
    assert (position.vector_from == WORLD).all()
    for row, name in enumerate(position.vector_names):
        np.testing.assert_array_equal(position.vector_m[:, row], human.point(name))


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="vector"):
        HandSettings("vectr")
    with pytest.raises(MotionError, match="pinch_far_m"):
        HandSettings(pinch_near_m=0.1)


def test_a_hand_is_as_large_as_itself_whatever_its_knuckles_are() -> None:
    """Dex3's middle knuckle lies beside the joint: the way from it to the next joint is no bone, and is not counted."""
    body = body_map(load_robot("g1_dex3"))
    assert ("left_middle_mcp", "left_middle_pip") not in body.rigid_bones
    assert ("left_middle_pip", "left_middle_tip") in body.rigid_bones
    bent = np.where([("hand" in name) for name in body.robot.joint_names], 1.5 * body.robot.rest_rad, body.robot.rest_rad)
    human = itself(body, np.linspace(body.robot.rest_rad, bent, 5))
    person = Person(human, inspect(human))
    for finger in ("thumb", "index", "middle"):
        np.testing.assert_allclose(finger_scale(body, person, "left", finger), 1.0, rtol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", BENT)
def test_arms_and_hands_come_back_to_the_joint(name: str, seed: int) -> None:
    off = errors_rad(name, seed)
    assert max(off.values()) < 1e-3, max(off, key=off.__getitem__)


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("tendons", [False, True], ids=["free", "tendons"])
def test_shadow_touches_where_the_person_does(tendons: bool) -> None:
    body, human = hand("shadow_right", tendons), film()
    asked, kept = np.sum(list(pinches(body, human, streamed(body, build_targets(body, human), UNHURRIED).motion).values()), axis=0)
    assert asked == 20
    assert kept >= 0.95 * asked
    without = streamed(body, build_targets(body, human, hands=HandSettings("vector")), UNHURRIED).motion
    assert np.sum(list(pinches(body, human, without).values()), axis=0)[1] < 0.5 * asked


@pytest.mark.usefixtures("data")
def test_tendons_bend_the_last_two_joints_alike() -> None:
    body = hand("shadow_right", tendons=True)
    assert len(body.robot.joint_names) == 20
    assert "FFJ1" not in body.robot.joint_names
    bent = body.robot.rest_rad.copy()
    bent[body.robot.joint_names.index("FFJ2")] = 0.7
    turns = body.kinematics.frame_poses(["ffproximal", "ffmiddle", "ffdistal"], bent)[0].rotation()
    angles = [np.arccos((np.trace(turns[k].T @ turns[k + 1]) - 1) / 2) for k in range(2)]
    np.testing.assert_allclose(angles, [0.7, 0.7], atol=1e-6)


@pytest.mark.usefixtures("data")
def test_a_whole_clip_keeps_its_pinches_and_its_limits() -> None:
    """A stretch of the glove with pinches of the index finger, solved as one clip, within the hand's own limits."""
    body, whole = allegro(), glove()
    gap = np.linalg.norm(whole.point("right_index_tip") - whole.point("right_thumb_tip"), axis=-1)
    middle = int(np.flatnonzero(gap < TOUCH_M)[20])
    human = stretch(whole, slice(middle - 150, middle + 150))
    motion, _ = solve(body, build_targets(body, human), SolverSettings())
    asked, kept = pinches(body, human, motion)["index"]
    assert asked > 20
    assert kept >= 0.95 * asked
    joints = motion.joint_position_rad[motion.solved]
    assert ((joints >= body.robot.lower_rad) & (joints <= body.robot.upper_rad)).all()


@pytest.mark.usefixtures("data")
def test_fingers_touch_and_do_not_pass_through_each_other() -> None:
    """Where the film's thumb lies over its fingers, a stream puts links deep into one another; a clip lets them touch."""
    body = hand("shadow_right")
    clip = stretch(film(), slice(0, 150))
    targets = build_targets(body, clip)
    streamed_motion, _ = solve(body, targets, SolverSettings(method="streaming"))
    whole, _ = solve(body, targets)
    assert body.self_collision.deepest(streamed_motion.joint_position_rad) > 0.008
    assert body.self_collision.deepest(whole.joint_position_rad) < 0.003
