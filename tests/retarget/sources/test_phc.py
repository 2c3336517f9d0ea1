"""Pickles of PHC and ASAP: the person beside the robot, clips by name, rotations, and pickles that would run code."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError, UnknownNameError
from motion.pickles import read_pickle
from motion.transform import normalized
from retarget.sources.base import SourceOptions, read_recording, source_for

_NAME = "walk_level1_filter"


@pytest.fixture
def pairs(data: Path) -> Path:
    return data / "reference" / "asap_smpl_to_g1"


def test_the_person_beside_the_robot(pairs: Path) -> None:
    path = pairs / "robot_g1" / f"{_NAME}.pkl"
    assert source_for(path).name == "phc"
    reading = read_recording(path)
    motion = reading.motion
    with np.load(pairs / "robot_g1" / f"{_NAME}.npz") as plain:
        joints = plain["smpl_joints"]
    np.testing.assert_allclose(motion.point("pelvis"), joints[:, 0], atol=1e-6)
    np.testing.assert_allclose(motion.point("right_wrist"), joints[:, 21], atol=1e-6)
    assert motion.rate_hz == pytest.approx(30)
    assert reading.understood["up"] == "z (detected)"
    assert reading.understood["clip"].endswith("walk_level1_filter_amass")
    assert "fitted to the robot" in reading.understood["body"]


def test_the_same_clip_as_rotations_moves_alike(pairs: Path) -> None:
    joints = read_recording(pairs / "robot_g1" / f"{_NAME}.pkl").motion
    turned = read_recording(pairs / "human_smpl" / f"{_NAME}.npz").motion
    for a, b in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist")):
        for side in ("left", "right"):
            ways = [normalized(motion.point(f"{side}_{b}") - motion.point(f"{side}_{a}")) for motion in (joints, turned)]
            angle = np.degrees(np.arccos((ways[0] * ways[1]).sum(-1).clip(-1, 1)))
            assert angle.mean() < 11, (side, a)  # two bodies of other proportions at rest
            assert np.ptp(angle) < 1, (side, a)  # and of one motion


def clip_of(pairs: Path, name: str = _NAME) -> dict[str, object]:
    """A person's clip as PHC writes one, of real rotations."""
    with np.load(pairs / "human_smpl" / f"{name}.npz") as said:
        return {"pose_aa": said["poses"], "trans_orig": said["trans"], "fps": 30, "beta": said["betas"], "gender": "neutral"}


def test_rotations_are_read_as_smpl(pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "phc.pkl").write_bytes(pickle.dumps({"walk": clip_of(pairs)}))
    reading = read_recording(tmp_path / "phc.pkl")
    np.testing.assert_allclose(
        reading.motion.position_m, read_recording(pairs / "human_smpl" / f"{_NAME}.npz").motion.position_m, atol=1e-6
    )
    clip = clip_of(pairs)
    offset = np.asarray(clip.pop("trans_orig")) + [0.1, 0.2, 0.3]
    (tmp_path / "offset.pkl").write_bytes(pickle.dumps({"walk": clip | {"root_trans_offset": offset}}))
    np.testing.assert_allclose(read_recording(tmp_path / "offset.pkl").motion.point("pelvis"), offset, atol=1e-6)


def test_several_clips_are_named(pairs: Path, tmp_path: Path) -> None:
    path = tmp_path / "many.pkl"
    path.write_bytes(pickle.dumps({"walk": clip_of(pairs), "kick": clip_of(pairs, "kick_level1_filter")}))
    with pytest.raises(FileFormatError, match=r"holds 2 clips; name one with source\.clip=\. Clips: walk, kick"):
        read_recording(path)
    with pytest.raises(UnknownNameError, match="unknown clip 'walking'.*Did you mean 'walk'"):
        read_recording(path, SourceOptions(clip="walking"))
    reading = read_recording(path, SourceOptions(clip="kick"))
    assert reading.understood["clip"] == "kick"
    np.testing.assert_allclose(
        reading.motion.position_m, read_recording(pairs / "human_smpl/kick_level1_filter.npz").motion.position_m, atol=1e-6
    )


def test_a_robot_alone_is_no_person(pairs: Path, tmp_path: Path) -> None:
    ((_, clip),) = read_pickle(pairs / "robot_g1" / f"{_NAME}.pkl").items()
    (tmp_path / "robot.pkl").write_bytes(pickle.dumps({"a": {name: value for name, value in clip.items() if name != "smpl_joints"}}))
    with pytest.raises(FileFormatError, match=r"holds no person.*pose_aa \(152, 27, 3\)"):
        read_recording(tmp_path / "robot.pkl")


class _Malicious:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch /tmp/should_not_be_there",)


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.pkl"
    path.write_bytes(pickle.dumps({"walk": {"smpl_joints": _Malicious(), "fps": 30}}))
    with pytest.raises(FileFormatError, match="could run code"):
        read_recording(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"smpl_joints": np.zeros((5, 23, 3))}, r"smpl_joints is \(5, 23, 3\)"),
        ({"smpl_joints": np.full((5, 24, 3), np.nan)}, "no numbers"),
        ({"fps": None}, r"no frame rate.*source\.rate_hz"),
        ({"fps": -1}, r"no frame rate.*source\.rate_hz"),
    ],
)
def test_broken_clips_are_one_clear_error(pairs: Path, tmp_path: Path, change: dict[str, object], message: str) -> None:
    ((name, clip),) = read_pickle(pairs / "robot_g1" / f"{_NAME}.pkl").items()
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({name: {**clip, **change}}))
    with pytest.raises(FileFormatError, match=message):
        read_recording(tmp_path / "a.pkl")
