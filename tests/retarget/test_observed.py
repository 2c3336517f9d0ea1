"""Which joints a recording shows: named by hand for people with parts out of view."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from motion.human import HumanMotion
from retarget.body_map import body_map
from retarget.problem import SolverSettings
from retarget.solve import solve
from retarget.targets import build_targets
from robots import load_robot
from tests.motion.bodies import still_person

ARM_BODY = ("shoulder", "elbow", "wrist", "hand", "thumb", "index", "middle", "ring", "pinky")


def without(person: HumanMotion, *words: str) -> HumanMotion:
    """The person whose landmarks that begin with one of the words are out of view."""
    hidden = [index for index, name in enumerate(person.landmarks) if name.startswith(words)]
    position, confidence = person.position_m.copy(), person.confidence.copy()
    position[:, hidden], confidence[:, hidden] = np.nan, 0.0
    return dataclasses.replace(person, position_m=position, confidence=confidence)


def inferred(name: str, person: HumanMotion) -> set[str]:
    """Joints that are inferred in every frame; none may be so in some."""
    body = body_map(load_robot(name))
    motion, _ = solve(body, build_targets(body, person), SolverSettings(method="streaming"))
    assert motion.observed is not None
    assert motion.solved.all()
    assert (motion.observed == motion.observed[0]).all()
    return {joint for joint, seen in zip(motion.joint_names, motion.observed[0], strict=True) if not seen}


def of_arm(name: str, side: str) -> set[str]:
    return {joint for joint in load_robot(name).joint_names if joint.startswith(side) and any(word in joint for word in ARM_BODY)}


def test_all_is_seen_of_a_person_who_is_seen() -> None:
    person = still_person(4, elbow_rad=1.0, knee_rad=0.4)
    assert inferred("g1", person) == set()


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("name", ["g1", "g1_dex3"])
def test_an_arm_out_of_view_is_inferred_and_nothing_else(name: str, side: str) -> None:
    words = [f"{side}_{word}" for word in ARM_BODY if word not in ("shoulder", "hand")]
    assert inferred(name, without(still_person(4, elbow_rad=1.0, knee_rad=0.4), *words)) == of_arm(name, side)


def test_fingers_out_of_view_leave_wrist_and_fingers_inferred() -> None:
    """Without knuckles the palm has no orientation: what turns it, and the fingers, rest."""
    fingers = [f"{side}_{finger}" for side in ("left", "right") for finger in ("thumb", "index", "middle", "ring", "pinky")]
    gone = inferred("g1_dex3", without(still_person(4, elbow_rad=1.0, knee_rad=0.4), *fingers))
    hands = {joint for joint in load_robot("g1_dex3").joint_names if "_hand_" in joint}
    wrists = {f"{side}_wrist_{axis}_joint" for side in ("left", "right") for axis in ("roll", "pitch", "yaw")}
    assert hands <= gone <= hands | wrists
    assert len(gone & wrists) >= 4


def test_what_is_hidden_for_a_while_is_inferred_for_that_while() -> None:
    body, person = body_map(load_robot("g1")), still_person(60, elbow_rad=1.0, knee_rad=0.4)
    hidden = without(person, "left_elbow", "left_wrist", "left_thumb", "left_index", "left_middle", "left_ring", "left_pinky")
    gone = np.zeros(60, bool)
    gone[25:45] = True
    mixed = {part: np.where(gone.reshape(-1, *[1] * (getattr(person, part).ndim - 1)), getattr(hidden, part), getattr(person, part))
             for part in ("position_m", "confidence")}  # fmt: skip
    motion, _ = solve(body, build_targets(body, dataclasses.replace(person, **mixed)), SolverSettings(method="streaming"))
    assert motion.observed is not None
    elbow = motion.observed[:, motion.joint_names.index("left_elbow_joint")]
    assert not elbow[gone].any()
    assert elbow[:10].all()
    assert elbow[-5:].all()
    assert motion.observed[:, motion.joint_names.index("right_elbow_joint")].all()


@pytest.mark.parametrize("name", ["alex_psyonic", "icub"])
def test_coupled_hands_are_seen_with_their_fingers(name: str) -> None:
    """A drive that moves several joints is seen by the tip at their end."""
    robot = load_robot(name)
    person = still_person(4, elbow_rad=1.0, knee_rad=0.4)
    drives = {rule.of for rule in robot.mimic.values()}
    assert bool(drives) == (name == "alex_psyonic")
    assert not drives & inferred(name, person)
    fingers = [f"{side}_{finger}" for side in ("left", "right") for finger in ("thumb", "index", "middle", "ring", "pinky")]
    assert drives <= inferred(name, without(person, *fingers))


def test_nothing_is_said_of_frames_that_were_not_solved() -> None:
    body, person = body_map(load_robot("g1")), still_person(6, elbow_rad=1.0)
    targets = build_targets(body, person)
    motion, _ = solve(body, dataclasses.replace(targets, usable=np.arange(6) < 3), SolverSettings(method="streaming"))
    assert motion.observed is not None
    assert motion.observed[:3].any()
    assert not motion.observed[3:].any()
