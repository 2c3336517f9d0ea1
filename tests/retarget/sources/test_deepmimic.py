"""DeepMimic: hand arithmetic on one row, and the published motions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError
from motion.transform import matrix_from_wxyz
from retarget.sources.base import SourceOptions, read_recording, source_for

_STILL = [1.0, 0, 0, 0]


def written(path: Path, rows: list[list[float]], **extra: object) -> Path:
    path.write_text(json.dumps({"Loop": "none", "Frames": rows, **extra}))
    return path


def row(lasts: float = 0.1, knee: float = 0.0, elbow: float = 0.0, hip: list[float] = _STILL) -> list[float]:
    """Standing at 0.9 m, the right knee and elbow bent; right side first."""
    side = [*hip, knee, *_STILL, *_STILL, elbow]
    return [lasts, 0, 0.9, 0, *_STILL, *_STILL, *_STILL, *side, *_STILL, 0, *_STILL, *_STILL, 0]


def test_one_row_by_hand(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", [row(), row(knee=-np.pi / 2, elbow=np.pi / 2)])
    motion = read_recording(path).motion
    # Theirs: x forward, y up, z right. Ours: y turned into z, so right is -y and x stays.
    np.testing.assert_allclose(motion.point("right_hip")[0], [0, -0.084887, 0.9], atol=1e-9)
    np.testing.assert_allclose(motion.point("right_knee")[0], [0, -0.084887, 0.9 - 0.421546], atol=1e-9)
    np.testing.assert_allclose(motion.point("right_ankle")[1], [-0.40987, -0.084887, 0.9 - 0.421546], atol=1e-9)  # bent back
    shoulder = np.array([-0.02405, -0.18311, 0.9 + 0.236151 + 0.2435])
    np.testing.assert_allclose(motion.point("right_shoulder")[0], shoulder, atol=1e-9)
    np.testing.assert_allclose(motion.point("right_wrist")[1], shoulder + [0.258947, 0, -0.274788], atol=1e-9)  # bent forward
    np.testing.assert_allclose(motion.point("left_toe")[0], [0.1335, 0.084887, 0.9 - 0.421546 - 0.40987 - 0.05], atol=1e-9)


def test_published_motions_are_people(data: Path) -> None:
    for path in sorted((data / "body" / "deepmimic").glob("*.txt")):
        assert source_for(path).name == "deepmimic"
        reading = read_recording(path)
        motion = reading.motion
        assert reading.understood["unit"] == "by the format (1 m)"
        assert reading.understood["up"] == "y (by the format)"
        frames = json.loads(path.read_text())["Frames"]
        root = np.array(frames[0])[1:4]
        np.testing.assert_allclose(motion.point("pelvis")[0], [root[0], -root[2], root[1]], atol=1e-12)
        assert motion.rate_hz == pytest.approx(1 / np.median([frame[0] for frame in frames[:-1]]), rel=1e-3)
        soles = np.minimum(motion.point("left_toe")[:, 2], motion.point("right_toe")[:, 2])
        assert -0.1 < np.percentile(soles, 5) < 0.1, path.name  # they stand on the floor
        assert motion.has("left_heel", "head_top")
        assert set(motion.segments) >= {"pelvis", "left_foot"}


def test_the_walk_goes_where_the_person_looks(data: Path) -> None:
    motion = read_recording(data / "body/deepmimic/humanoid3d_walk.txt").motion
    way = motion.point("pelvis")[-1] - motion.point("pelvis")[0]
    assert motion.segment_wxyz is not None
    ahead = matrix_from_wxyz(motion.segment_wxyz[:, motion.segments.index("pelvis")])[..., 0].mean(0)
    assert way[:2] @ ahead[:2] / np.linalg.norm(way[:2]) > 0.9


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([row()[:-1]], r"Frames is \(1, 43\).*rows of 44"),
        ([row(), row()[:-1]], "cannot be read"),
        ([[*row()[:-1], "x"]], "cannot be read"),
        ([[*row()[:-1], float("nan")]], "no numbers"),
        ([row(hip=[2.0, 0, 0, 0])], r"columns 16 to 19 \(right_hip\) are no unit quaternions"),
        ([row(lasts=0), row()], r"last 0 s.*source\.rate_hz"),
        ([], r"Frames is \(0,\)"),
    ],
)
def test_broken_rows_are_one_clear_error(tmp_path: Path, frames: list[list[float]], message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        read_recording(written(tmp_path / "a.json", frames), name="deepmimic")


def test_a_file_cut_off_and_a_rate_stated(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", [row(lasts=0), row(), row()])
    assert read_recording(path, SourceOptions(rate_hz=50)).motion.rate_hz == pytest.approx(50)
    path.write_text(path.read_text()[:-40])
    with pytest.raises(FileFormatError, match="cannot be read as a DeepMimic motion"):
        read_recording(path)


def test_other_text_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text('{"Frames": [[1, 2, 3]]}')
    with pytest.raises(FileFormatError, match="no source reads this file"):
        source_for(tmp_path / "notes.txt")
