"""Hands and body in one recording: names, seen and filled, fingers on the body's wrist."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from motion.human import HumanMotion, Subject
from motion.landmarks import hand_landmarks
from motion.provenance import Provenance
from motion.transform import Transform
from retarget.video.assemble import Worker, human_motion
from retarget.video.paths import BodyPath, HandPath

FRAMES = 5
TIME_S = 2.0 + np.arange(FRAMES) / 30
STILL = Transform(np.zeros((FRAMES, 3)), np.tile([1.0, 0, 0, 0], (FRAMES, 1)))


def hand(side: str, at_m: float, unseen: slice = slice(0, 0)) -> HandPath:
    position = at_m + np.arange(21 * 3).reshape(21, 3) * 1e-3 + np.zeros((FRAMES, 1, 1))
    position[unseen] = np.nan
    filled = np.arange(FRAMES) == 3
    trust = np.full((FRAMES, 21), 0.8)
    return HandPath(side, TIME_S, position, np.zeros((FRAMES, 21, 2)), trust, np.zeros(FRAMES), filled, 0.19, "stated")


def body(*landmarks: str) -> BodyPath:
    shape = (FRAMES, len(landmarks))
    position = np.arange(len(landmarks))[:, None] + np.zeros((*shape, 3))
    return BodyPath(TIME_S, landmarks, position, np.full(shape, 0.4), np.zeros((*shape, 2)), np.zeros(FRAMES, bool), frozenset(), {})


def made(**parts: object) -> HumanMotion:
    whole = {"time_s": TIME_S, "hands": {}, "body": None, "head_wxyz": None, "T_world_camera": STILL} | parts
    return human_motion(Worker(**whole), Subject("worker"), Provenance("film"))  # type: ignore[arg-type]


def test_hands_alone_are_42_landmarks_with_their_gaps(tmp_path: Path) -> None:
    motion = made(hands={"left": hand("left", 0.1), "right": hand("right", 0.5, unseen=slice(1, 3))})
    assert motion.landmarks == hand_landmarks("left") + hand_landmarks("right")
    assert np.isnan(motion.point("right_index_tip")[1:3]).all()
    assert (motion.confidence[1:3, 21:] == 0).all()
    assert motion.signals["right_hand_filled"].tolist() == [0, 0, 0, 1, 0]
    assert motion.time_s[0] == 0
    motion.save(tmp_path / "motion.npz")
    np.testing.assert_array_equal(HumanMotion.load(tmp_path / "motion.npz").position_m, motion.position_m)


def test_a_hand_that_was_never_seen_is_left_out() -> None:
    motion = made(hands={"left": hand("left", 0.1, unseen=slice(None)), "right": hand("right", 0.5)})
    assert motion.landmarks == hand_landmarks("right")
    assert "left_hand_filled" not in motion.signals


def test_fingers_hang_on_the_bodys_wrist() -> None:
    path = hand("right", 0.5)
    motion = made(hands={"right": path}, body=body("neck", "right_wrist"))
    assert motion.landmarks.count("right_wrist") == 1
    np.testing.assert_allclose(motion.point("right_wrist"), 1.0)
    wanted = path.position_m[:, 8] - path.position_m[:, 0]
    np.testing.assert_allclose(motion.point("right_index_tip") - motion.point("right_wrist"), wanted)


def test_without_a_wrist_of_the_body_the_hand_keeps_its_own() -> None:
    motion = made(hands={"right": hand("right", 0.5)}, body=body("neck", "head"), head_wxyz=STILL.wxyz)
    np.testing.assert_allclose(motion.point("right_wrist"), hand("right", 0.5).position_m[:, 0])
    assert motion.segments == ("head",)
    assert motion.segment_wxyz is not None
    assert motion.segment_wxyz.shape == (FRAMES, 1, 4)
