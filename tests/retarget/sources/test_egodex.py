"""EgoDex: episodes written with h5py in the layout that the data set documents (no episode may be kept here), by hand arithmetic."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from motion.errors import FileFormatError
from motion.transform import Array, matrix_from_wxyz
from retarget.sources.base import SourceOptions, read_recording, sources
from tests.motion.bodies import standing_points
from tests.retarget.sources.hands import closing_hand, y_up

FINGER_PARTS = {"mcp": "Knuckle", "pip": "IntermediateBase", "dip": "IntermediateTip", "tip": "Tip"}
THUMB_PARTS = {"cmc": "Knuckle", "mcp": "IntermediateBase", "ip": "IntermediateTip", "tip": "Tip"}
APPLE = {"thumb": "Thumb", "index": "IndexFinger", "middle": "MiddleFinger", "ring": "RingFinger", "pinky": "LittleFinger"}
TO_Y_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
"""Our axes (z up) in theirs."""
LOOKING_AHEAD = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
"""A camera that looks along our x: its x to our -y, its y to our -z, its z to our x, as columns."""


def episode(path: Path, frames: int = 30, confidences: bool = True, **attributes: str) -> Path:
    """A person who stands with hands that close and open; the camera 1.6 m above the ground looks ahead."""
    body = standing_points()
    joints = {"hip": "pelvis", "spine7": "chest", "neck1": "neck", "neck4": "head"}
    places: dict[str, Array] = {name: np.tile(body[ours], (frames, 1)) for name, ours in joints.items()}
    for side in ("left", "right"):
        arm = {"Shoulder": "clavicle", "Arm": "shoulder", "Forearm": "elbow", "Hand": "wrist"}
        places |= {f"{side}{name}": np.tile(body[f"{side}_{ours}"], (frames, 1)) for name, ours in arm.items()}
        for joint, track in closing_hand(side, frames, tuple(body[f"{side}_wrist"])).items():
            finger, _, part = joint.partition("_")
            if part:
                parts = THUMB_PARTS if finger == "thumb" else FINGER_PARTS
                places[f"{side}{APPLE[finger]}{parts[part]}"] = track
        for finger in ("index", "middle", "ring", "pinky"):
            places[f"{side}{APPLE[finger]}Metacarpal"] = np.tile(body[f"{side}_wrist"] + [0, 0, -0.03], (frames, 1))
    with h5py.File(path, "w") as file:
        for name, track in places.items():
            file[f"transforms/{name}"] = _poses(track, np.eye(3))
            if confidences:
                file[f"confidences/{name}"] = np.full(frames, 0.75, np.float32)
        file["transforms/camera"] = _poses(np.tile([0.1, 0, 1.6], (frames, 1)), LOOKING_AHEAD)
        file["camera/intrinsic"] = np.array([[736.6339, 0, 960], [0, 736.6339, 540], [0, 0, 1]], np.float32)
        file.attrs.update({"llm_description": "Lift the cup.", "task": "lift_cup", **attributes})
    return path


def _poses(track: Array, rotation: Array) -> np.ndarray:
    """(T, 4, 4) in their axes, float32 as in the data set."""
    poses = np.tile(np.eye(4, dtype=np.float32), (len(track), 1, 1))
    poses[:, :3, :3], poses[:, :3, 3] = TO_Y_UP @ rotation, y_up(track)
    return poses


def test_an_episode_by_hand_arithmetic(tmp_path: Path) -> None:
    path = episode(tmp_path / "0.hdf5")
    assert [s.name for s in sources().values() if ".hdf5" in s.suffixes and s.accepts(path)] == ["egodex"]
    reading = read_recording(path)
    motion, body = reading.motion, standing_points()
    assert motion.rate_hz == pytest.approx(30)
    assert reading.understood["up"] == "y (by the format)"
    assert reading.understood["hands"] == "left checked by its bend, right checked by its bend"
    for ours in ("pelvis", "chest", "neck", "left_clavicle", "left_shoulder", "left_elbow", "right_wrist"):
        np.testing.assert_allclose(motion.point(ours)[0], body[ours], atol=1e-6, err_msg=ours)
    for side in ("left", "right"):
        hand = closing_hand(side, 30, tuple(body[f"{side}_wrist"]))
        for joint in ("index_mcp", "index_pip", "pinky_dip", "thumb_cmc", "thumb_ip", "ring_tip"):
            np.testing.assert_allclose(motion.point(f"{side}_{joint}"), hand[joint], atol=1e-6, err_msg=joint)
    assert not motion.has("left_hip")
    assert motion.confidence.max() == pytest.approx(0.75)
    assert [(label.verb, label.start_s) for label in motion.labels] == [("Lift the cup.", 0.0)]
    assert motion.labels[0].end_s == pytest.approx(29 / 30)


def test_the_head_is_turned_as_its_camera(tmp_path: Path) -> None:
    motion = read_recording(episode(tmp_path / "0.hdf5")).motion
    assert set(motion.segments) == {"head", "left_hand", "right_hand"}
    head = matrix_from_wxyz(motion.segment_wxyz[:, motion.segments.index("head")])
    np.testing.assert_allclose(head, np.broadcast_to(np.eye(3), head.shape), atol=1e-6)  # ahead, left, up: the body's own axes


def test_the_second_description_where_the_file_says_so(tmp_path: Path) -> None:
    path = episode(tmp_path / "0.hdf5", llm_description2="Put it down.", which_llm_description="2", confidences=False)
    reading = read_recording(path, SourceOptions(rate_hz=15))
    assert reading.motion.labels[0].verb == "Put it down."
    assert reading.motion.rate_hz == pytest.approx(15)
    assert reading.understood["confidences"] == "none"
    assert reading.motion.confidence.max() == 1


def test_hands_that_were_not_tracked_are_unseen(tmp_path: Path) -> None:
    path = episode(tmp_path / "0.hdf5")
    with h5py.File(path, "r+") as file:
        for name, poses in file["transforms"].items():
            if name.startswith("right"):
                poses[5:8] = 0.0
    motion = read_recording(path).motion
    assert np.isnan(motion.point("right_index_tip")[5:8]).all()
    assert np.isfinite(motion.point("left_index_tip")).all()
    assert np.isnan(motion.segment_wxyz[5:8, motion.segments.index("right_hand")]).all()


def test_joints_one_off_are_refused(tmp_path: Path) -> None:
    """As some converters write them: each joint of a finger under the name of the next one out."""
    path = episode(tmp_path / "0.hdf5")
    parts = ("Metacarpal", *FINGER_PARTS.values())
    with h5py.File(path, "r+") as file:
        for finger in list(APPLE.values())[1:]:
            tracks = [file[f"transforms/right{finger}{part}"][()] for part in parts]
            for part, track in zip(parts[1:], tracks, strict=False):
                file[f"transforms/right{finger}{part}"][...] = track
    with pytest.raises(FileFormatError, match=r"0\.hdf5, right hand: .*joint order is wrong"):
        read_recording(path)


def test_exchanged_hands_are_refused(tmp_path: Path) -> None:
    path = episode(tmp_path / "0.hdf5")
    with h5py.File(path, "r+") as file:
        group = file["transforms"]
        for name in [name for name in group if name.startswith("left") and ("Finger" in name or "Thumb" in name or name == "leftHand")]:
            group.move(name, "was" + name)
            group.move(name.replace("left", "right"), name)
            group.move("was" + name, name.replace("left", "right"))
    with pytest.raises(FileFormatError, match="left hand bends as a right one|changes its length|no person"):
        read_recording(path)


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_file_cut_off_is_one_clear_error(tmp_path: Path, cut: float) -> None:
    path = episode(tmp_path / "0.hdf5")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * cut)])
    with pytest.raises(FileFormatError, match=r"0\.hdf5: cannot be read as EgoDex HDF5"):
        read_recording(path, name="egodex")


def test_another_hdf5_is_no_episode(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["data"] = np.zeros(3)
    with pytest.raises(FileFormatError, match="no source reads this file"):
        read_recording(tmp_path / "other.h5")
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        file["transforms/leftHand"] = np.zeros((3, 4))
    with pytest.raises(FileFormatError, match=r"transforms/leftHand is \(3, 4\)"):
        read_recording(tmp_path / "odd.h5")
