"""Hands by themselves as files: which hand it is, its size, the glove's keypoints, and tips that a format leaves out."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError
from motion.landmarks import FINGERS, hand_landmarks
from motion.transform import Array
from retarget.reading.complete import inferred_tips
from retarget.sources.base import SourceOptions, read_recording, source_for

FILM = Path("hands/dex_retargeting/human_joint_right.npz")
GLOVE = Path("hands/manus_glove/manus_right_subject-000_run-010.npz")
ALONG = {"mcp": 0.09, "pip": 0.13, "dip": 0.155, "tip": 0.175}


def hand(bend_rad: float, frames: int = 3) -> Array:
    """(T, 21, 3) a right hand along x, thumb's side +y, palm to -z; fingers bend to the palm by one angle at either joint."""
    points = {"wrist": np.zeros(3)}
    for k, finger in enumerate(FINGERS[1:]):
        y = 0.03 - 0.02 * k
        place, angle = np.array([0.09, y, 0.0]), 0.0
        points[f"{finger}_mcp"] = place
        for (a, b), name in zip(pairwise(ALONG), ("pip", "dip", "tip"), strict=True):
            place = place + (ALONG[b] - ALONG[a]) * np.array([np.cos(angle), 0, -np.sin(angle)])
            points[f"{finger}_{name}"], angle = place, angle + bend_rad
    for k, name in enumerate(("cmc", "mcp", "ip", "tip")):
        points[f"thumb_{name}"] = np.array([0.02 + 0.025 * k, 0.03 + 0.015 * k, 0.0])
    one = np.array([points[name.partition("_")[2]] for name in hand_landmarks("right")])
    return np.tile(one, (frames, 1, 1))


def saved(path: Path, position: Array) -> Path:
    np.savez(path, joints=position, fps=30)
    return path


def test_bending_fingers_tell_the_hand(tmp_path: Path) -> None:
    right, left = saved(tmp_path / "right.npz", hand(0.5)), saved(tmp_path / "left.npz", hand(0.5) * [1, 1, -1])
    assert read_recording(right).motion.landmarks == hand_landmarks("right")
    assert read_recording(left).motion.landmarks == hand_landmarks("left")


def test_a_flat_hand_has_to_be_stated(tmp_path: Path) -> None:
    path = saved(tmp_path / "flat.npz", hand(0.0))
    with pytest.raises(FileFormatError, match="source.side=left"):
        read_recording(path)
    assert read_recording(path, SourceOptions(side="left")).motion.landmarks == hand_landmarks("left")


def test_millimetres_become_metres_and_a_dwarf_is_refused(tmp_path: Path) -> None:
    motion = read_recording(saved(tmp_path / "mm.npz", hand(0.5) * 1e3)).motion
    np.testing.assert_allclose(motion.position_m, hand(0.5))
    with pytest.raises(FileFormatError, match="unit_m"):
        read_recording(saved(tmp_path / "dwarf.npz", hand(0.5) * 0.3))


def test_bodies_of_21_joints_are_no_hands(tmp_path: Path) -> None:
    body = np.random.default_rng(0).normal(size=(1, 21, 3)) + np.zeros((5, 1, 1))
    assert source_for(saved(tmp_path / "body.npz", body)).name == "positions"


def test_the_glove_and_the_film_are_recognised(data: Path) -> None:
    film, glove = read_recording(data / FILM), read_recording(data / GLOVE)
    assert (film.understood["hand"].split()[0], glove.understood["hand"]) == ("right", "right")
    assert glove.motion.landmarks == hand_landmarks("right")
    for motion, jitter_m in ((film.motion, 5e-3), (glove.motion, 1e-3)):
        for finger in FINGERS[1:]:
            chain = [motion.point(f"right_{finger}_{name}") for name in ("mcp", "pip", "dip", "tip")]
            lengths = np.array([np.linalg.norm(b - a, axis=-1) for a, b in pairwise(chain)])
            assert lengths.std(1).max() < jitter_m
            assert lengths[0].mean() > lengths[1].mean()


def test_a_glove_that_does_not_say_which_hand_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "glove.npz"
    np.savez(path, data=np.zeros((4, 25, 7)), timestamps=np.arange(4.0))
    with pytest.raises(FileFormatError, match="which hand"):
        read_recording(path)


def test_a_tip_goes_on_where_the_finger_bends_by_hand() -> None:
    """A bend of 90 degrees at the middle joint is 60 more at the last: 150 from the first bone, 0.88 of the middle bone long."""
    joints = {"mcp": [0, 0, 0.0], "pip": [0.04, 0, 0], "dip": [0.04, 0, -0.025]}
    points = {f"right_index_{name}": np.array([place]) for name, place in joints.items()}
    tip = inferred_tips(points)["right_index_tip"][0]
    turn = np.radians(150)
    np.testing.assert_allclose(tip, np.array([0.04, 0, -0.025]) + 0.88 * 0.025 * np.array([np.cos(turn), 0, -np.sin(turn)]), atol=1e-12)


def test_inferred_tips_are_where_a_glove_measured_them(data: Path) -> None:
    motion = read_recording(data / GLOVE).motion
    joints = {name: motion.point(name) for name in motion.landmarks if not name.endswith("_tip")}
    for name, tip in inferred_tips(joints).items():
        off = np.linalg.norm(tip - motion.point(name), axis=-1)
        assert np.median(off) < 0.012, (name, np.median(off))


def test_a_measured_tip_is_never_inferred() -> None:
    points = {f"right_index_{name}": np.zeros((1, 3)) for name in ("mcp", "pip", "dip", "tip")}
    assert inferred_tips(points) == {}
