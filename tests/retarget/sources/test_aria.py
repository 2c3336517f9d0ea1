"""Aria's hand tracking: the real files, and a hand brought from the glasses' frame into the world by hand arithmetic."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError
from motion.landmarks import FINGERS
from retarget.sources.base import read_recording, sources

FOLDER = Path("hands/aria_mps_hand_tracking")


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_real_hands_by_rigid_bones_and_chirality(data: Path, version: str) -> None:
    path = data / FOLDER / f"hand_tracking_results_{version}.csv"
    assert [s.name for s in sources().values() if ".csv" in s.suffixes and s.accepts(path)] == ["aria"]
    reading = read_recording(path)
    motion = reading.motion
    assert reading.understood["hands"] == "left checked by its bend, right checked by its bend"
    assert reading.understood["seen"] == "left hand in 3 of 8 frames, right hand in 3 of 8 frames"
    assert reading.understood["frames missing"].startswith("1 gaps, the longest 53.4 s")
    np.testing.assert_allclose(motion.time_s[:2], [0, 0.199969], atol=1e-5)
    np.testing.assert_allclose(motion.point("left_thumb_tip")[0], [0.0645316, -0.248787, 0.250952])  # landmark 0, first row
    for side in ("left", "right"):
        for finger in FINGERS[1:]:
            mcp, pip = motion.point(f"{side}_{finger}_mcp"), motion.point(f"{side}_{finger}_pip")
            bone = np.linalg.norm(mcp - pip, axis=-1)
            assert np.nanstd(bone) < 1e-4
            assert 0.025 < np.nanmedian(bone) < 0.05
        unseen = np.isnan(motion.point(f"{side}_wrist")).any(-1)
        assert unseen.sum() == 5  # confidence -1 and zeros
        column = motion.landmarks.index(f"{side}_thumb_cmc")
        assert motion.confidence[:, column].max() == 0.5  # Aria has no such joint: inferred
        assert (motion.confidence[unseen, column] == 0).all()
    assert set(motion.segments) == {"left_hand", "right_hand"}


def test_wrists_alone(data: Path) -> None:
    reading = read_recording(data / FOLDER / "wrist_and_palm_poses_v2.csv")
    assert reading.motion.landmarks == ("right_wrist",)
    assert reading.motion.rate_hz == pytest.approx(10, abs=0.01)
    assert reading.understood["seen"] == "left hand in 0 of 122 frames, right hand in 6 of 122 frames"


def test_the_trajectory_of_the_glasses_gives_the_world(data: Path, tmp_path: Path) -> None:
    """Glasses at (1, 2, 1.6), a quarter turn about z: (x, y, z) of the device is (1 - y, 2 + x, 1.6 + z) of the world."""
    (tmp_path / "hand_tracking").mkdir()
    (tmp_path / "slam").mkdir()
    file = tmp_path / "hand_tracking" / "hand_tracking_results.csv"
    shutil.copy(data / FOLDER / "hand_tracking_results_v2.csv", file)
    device = read_recording(file).motion
    header = "graph_uid,tracking_timestamp_us,utc_timestamp_ns,tx_world_device,ty_world_device,tz_world_device,"
    header += "qx_world_device,qy_world_device,qz_world_device,qw_world_device\n"
    rows = [f"a,{stamp},-1,1,2,1.6,0,0,{np.sqrt(0.5)},{np.sqrt(0.5)}\n" for stamp in range(1_762_600_000, 1_762_900_000, 10_000)]
    (tmp_path / "slam" / "closed_loop_trajectory.csv").write_text(header + "".join(rows))
    reading = read_recording(file)
    assert reading.understood["frame"] == "the world of closed_loop_trajectory.csv"
    assert reading.understood["up"] == "z (by the format)"
    x, y, z = device.point("left_index_tip")[0]
    np.testing.assert_allclose(reading.motion.point("left_index_tip")[0], [1 - y, 2 + x, 1.6 + z], atol=1e-9)
    assert np.isnan(reading.motion.point("right_index_tip")[2:]).all()  # later than the trajectory


def test_landmarks_in_mediapipes_order_are_refused(data: Path, tmp_path: Path) -> None:
    """Some converters write the usual order into Aria's columns."""
    lines = (data / FOLDER / "hand_tracking_results_v1.csv").read_text().splitlines()
    header, rows = lines[0].split(","), [line.split(",") for line in lines[1:]]
    order = [5, 6, 6, 7, 0, 8, 9, 10, 1, 11, 12, 13, 2, 14, 15, 16, 3, 17, 18, 19, 4]  # Aria's number of MediaPipe's k-th joint
    columns = {name: k for k, name in enumerate(header)}
    for row, was in [(row, row.copy()) for row in rows]:
        for name in (name for name in header if "_landmark_" in name):
            number = int(name.split("_")[3])
            row[columns[name]] = was[columns[name.replace(f"_{number}_", f"_{order[number]}_")]]
    path = tmp_path / "hands.csv"
    path.write_text("\n".join(",".join(row) for row in (header, *rows)) + "\n")
    with pytest.raises(FileFormatError, match="joint order is wrong"):
        read_recording(path, name="aria")


def test_a_column_that_is_missing_is_named(data: Path, tmp_path: Path) -> None:
    text = (data / FOLDER / "hand_tracking_results_v1.csv").read_text()
    path = tmp_path / "hands.csv"
    path.write_text(text.replace("tx_left_landmark_7_device", "tx_left_landmark_seven_device"))
    with pytest.raises(FileFormatError, match=r"hands\.csv: of the left hand's 21 landmarks 20 have their columns"):
        read_recording(path)


def test_a_table_cut_off_is_one_clear_error(data: Path, tmp_path: Path) -> None:
    text = (data / FOLDER / "hand_tracking_results_v2.csv").read_text()
    path = tmp_path / "cut.csv"
    path.write_text(text[: len(text) - 300])
    with pytest.raises(FileFormatError, match=r"cut\.csv: cannot be read as a table"):
        read_recording(path)
