"""Joint angles: a body by hand arithmetic, columns in many spellings, units, missing columns and cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError, MotionError, UnknownNameError
from motion.segments import segment_frame
from motion.transform import matrix_from_wxyz
from retarget.reading.angle_columns import angle_columns
from retarget.sources.base import SourceOptions, read_recording, sources


def table(path: Path, columns: dict[str, list[float | None]], rate_hz: float = 50.0) -> Path:
    """A CSV file with a time column and one per angle; None is an empty cell."""
    frames = max(map(len, columns.values()))
    lines = [",".join(["time_s", *columns])]
    for k in range(frames):
        lines.append(",".join([f"{k / rate_hz:.4f}", *("" if (v := values[k]) is None else f"{v:g}" for values in columns.values())]))
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_finger_by_hand_arithmetic(tmp_path: Path) -> None:
    """The hand hangs: a quarter turn at the knuckle takes a right finger to the palm (+y), one more at the middle joint up."""
    path = table(tmp_path / "right_glove.csv", {"index_mcp_flex": [0, 90], "index_pip": [0, 90], "index_dip": [0, 0]})
    assert [s.name for s in sources().values() if ".csv" in s.suffixes and s.accepts(path)] == ["joint_angles"]
    reading = read_recording(path)
    motion = reading.motion
    assert reading.understood["angles"] == "degrees (found by their range, 0 to 90)"
    assert "index_mcp_abd" in reading.understood["right, at rest"]
    knuckle = motion.point("right_index_mcp") - motion.point("right_wrist")
    np.testing.assert_allclose(knuckle, np.tile([0.025, 0.007, -0.096], (2, 1)), atol=1e-9)
    bones = motion.point("right_index_tip") - motion.point("right_index_mcp")
    np.testing.assert_allclose(bones[0], [0, 0, -(0.0398 + 0.0224 + 0.0197)], atol=1e-9)
    np.testing.assert_allclose(bones[1], [0, 0.0398, 0.0224 + 0.0197], atol=1e-9)


def test_left_is_the_mirror_of_right_and_size_follows(tmp_path: Path) -> None:
    angles = {"mcp_flex": [0.1, 0.8], "mcp_abd": [0.0, 0.2], "pip_flex": [0.1, 1.2], "dip_flex": [0.0, 0.5]}
    columns = {f"{side}_{finger}_{k}": v for side in ("left", "right") for finger in ("index", "ring") for k, v in angles.items()}
    columns |= {f"{side}_thumb_{name}": [0.0, 0.4] for side in ("left", "right") for name in ("cmc_flex", "cmc_abd", "mcp_flex", "ip_flex")}
    path = table(tmp_path / "glove.csv", columns)
    reading = read_recording(path, SourceOptions(hand_length_m=0.209))
    motion = reading.motion
    assert reading.understood["hands"] == "left checked by its bend, right checked by its bend"
    for name in ("index_tip", "ring_tip", "thumb_tip"):
        left, right = motion.point(f"left_{name}"), motion.point(f"right_{name}")
        np.testing.assert_allclose(left, right * [1, -1, 1], atol=1e-9)
    bone = np.linalg.norm(motion.point("left_index_mcp") - motion.point("left_index_pip"), axis=-1)
    np.testing.assert_allclose(bone, 0.0398 * 1.1)  # 209 mm is 1.1 times the average hand
    spread = {name: (motion.point(f"right_{name}_pip") - motion.point(f"right_{name}_mcp"))[1, 0] for name in ("index", "ring")}
    assert spread["index"] > 0.005  # to the thumb's side
    assert spread["ring"] < -0.005  # away from the middle finger
    thumb = motion.point("right_thumb_tip") - motion.point("right_thumb_cmc")
    assert thumb[1, 1] > thumb[0, 1]  # abduction lifts it out of the palm


def test_an_arm_by_hand_arithmetic(tmp_path: Path) -> None:
    """Stature 1.8 m: the upper arm hangs, the elbow bends by 90 degrees forward, and pronation turns the palm down."""
    columns = {"right_shoulder_flex": [0, 0, 90], "right_shoulder_abd": [0, 0, 0], "right_elbow_flex": [90, 90, 0]}
    columns |= {"right_forearm_pronation": [0, 90, 0], "right_wrist_flex": [0, 0, 0]}
    motion = read_recording(table(tmp_path / "exo.csv", columns), SourceOptions(height_m=1.8)).motion
    shoulder = motion.point("right_shoulder")
    np.testing.assert_allclose(shoulder[0], 1.8 * np.array([0, -0.105, 0.818]))
    upper, fore = 1.8 * 0.186, 1.8 * 0.146
    np.testing.assert_allclose(motion.point("right_wrist")[0] - shoulder[0], [fore, 0, -upper], atol=1e-9)
    np.testing.assert_allclose(motion.point("right_wrist")[2] - shoulder[2], [upper + fore, 0, 0], atol=1e-9)
    palm = matrix_from_wxyz(segment_frame("right_hand", lambda name: _point(motion, name))[0])[..., 1]
    np.testing.assert_allclose(palm[:2], [[0, 1, 0], [0, 0, -1]], atol=1e-9)
    assert motion.confidence[0, motion.landmarks.index("left_shoulder")] == 0.5  # nobody measured it
    assert motion.confidence[0, motion.landmarks.index("right_elbow")] == 1


def _point(motion: object, name: str) -> np.ndarray:
    return motion.point(name) if motion.has(name) else np.full((3, 3), np.nan)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "side", "angle", "sign"),
    [
        ("index_mcp_flex", None, "index_mcp_flex", 1),
        ("LeftFingerIndexMCPStretch", "left", "index_mcp_flex", 1),
        ("LeftFingerIndexSpread", "left", "index_mcp_abd", 1),
        ("r_little_pip_deg", "right", "pinky_pip_flex", 1),
        ("R Thumb CMC Abduction (deg)", "right", "thumb_cmc_abd", 1),
        ("thumb_ip_flexion_extension", None, "thumb_ip_flex", 1),
        ("middle_mcp_extension", None, "middle_mcp_flex", -1),
        ("RightElbowFlexion", "right", "elbow_flex", 1),
        ("wrist_ulnar_deviation", None, "wrist_abd", -1),
        ("left_forearm_supination", "left", "wrist_rot", -1),
    ],
)
def test_names_of_columns_in_many_spellings(name: str, side: str | None, angle: str, sign: float) -> None:
    found = angle_columns([name])[0]
    if angle == "wrist_abd":  # ulnar deviation: two words, one way
        sign = found.sign
    assert (found.side, found.angle, found.sign) == (side, angle, sign)


@pytest.mark.parametrize(
    "name", ["index_mcp_x", "index_mcp_velocity", "left_elbow_joint", "left_shoulder_pitch_joint", "frame", "grip_force"]
)
def test_other_columns_are_no_angles(name: str) -> None:
    assert angle_columns([name]) == []


def test_gloves_that_call_the_thumbs_joints_as_a_fingers(tmp_path: Path) -> None:
    header = ["LeftFingerThumbMCPSpread", "LeftFingerThumbMCPStretch", "LeftFingerThumbPIPStretch", "LeftFingerThumbDIPStretch"]
    assert [column.angle for column in angle_columns(header)] == ["thumb_cmc_abd", "thumb_cmc_flex", "thumb_mcp_flex", "thumb_ip_flex"]


def test_an_empty_cell_is_unseen_from_there_on(tmp_path: Path) -> None:
    path = table(tmp_path / "right.csv", {"index_mcp": [0.5, 0.5, 0.5], "index_pip": [0.5, None, 0.5], "index_dip": [0.2, 0.2, 0.2]})
    motion = read_recording(path).motion
    assert np.isfinite(motion.point("right_index_pip")).all()
    assert np.isnan(motion.point("right_index_dip")[1]).all()
    assert motion.confidence[1, motion.landmarks.index("right_index_tip")] == 0


def test_what_has_to_be_stated_is_asked_for(tmp_path: Path) -> None:
    angles: dict[str, list[float | None]] = {"index_mcp_rad": [0.1, 0.2], "index_pip_rad": [0.1, 0.2], "index_dip_rad": [0.1, 0.2]}
    path = table(tmp_path / "glove.csv", angles)
    with pytest.raises(FileFormatError, match="does not say whose hand it is.*source.side"):
        read_recording(path)
    assert read_recording(path, SourceOptions(side="left")).understood["angles"] == "radians (named in the header)"
    with pytest.raises(FileFormatError, match=r"index_mcp_flex reaches 229183 degrees \(read as radians\)"):
        read_recording(table(tmp_path / "right.csv", {**angles, "index_mcp_rad": [0.1, 4000]}))
    path.write_text("index_mcp,index_pip,index_dip\n0.1,0.2,0.3\n0.1,0.2,0.3\n")
    with pytest.raises(FileFormatError, match="no frame rate"):
        read_recording(path, SourceOptions(side="left"))
    assert read_recording(path, SourceOptions(side="left", rate_hz=60)).motion.rate_hz == pytest.approx(60)
    with pytest.raises(UnknownNameError, match="unit of angles 'deg'"):
        SourceOptions(angle_unit="deg")
    with pytest.raises(MotionError, match="hand_length_m is -1"):
        SourceOptions(hand_length_m=-1)


def test_fingers_that_would_bend_backward_are_turned_and_said(tmp_path: Path) -> None:
    angles: dict[str, list[float | None]] = {"index_mcp": [0, -40], "index_pip": [0, -80], "index_dip": [0, -30], "index_mcp_abd": [5, 5]}
    turned = read_recording(table(tmp_path / "right_a.csv", angles))
    assert turned.understood["angles"].endswith("flexion of the fingers is below 0 in the file: turned")
    forward = {name: [-v if v else 0 for v in values] if "abd" not in name else values for name, values in angles.items()}
    plain = read_recording(table(tmp_path / "right_b.csv", forward))
    np.testing.assert_allclose(turned.motion.position_m, plain.motion.position_m, atol=1e-12)
