"""ASF/AMC: hand arithmetic on one arm, CMU's own files, and where the skeleton is looked for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError
from retarget.sources.asf_amc import find_skeleton, local_wxyz, read_amc, read_asf, skeleton_of
from retarget.sources.base import SourceOptions, read_recording

INCH_45 = 0.0254 / 0.45

TINY_ASF = """:version 1.10
:units
  mass 1.0
  length 0.45
  angle deg
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name upper  # its own z lies along the world's y
     direction 1 0 0
     length 5
     axis -90 0 0 XYZ
    dof rz
    limits (-90 90)
  end
  begin
     id 2
     name lower
     direction 1 0 0
     length 4
     axis 0 0 0 XYZ
    dof rx ry
  end
:hierarchy
  begin
    root upper
    upper lower
  end
"""
TINY_AMC = """#!OML:ASF
:FULLY-SPECIFIED
:DEGREES
1
root 1 2 3 0 0 0
upper 90
lower 0 0
2
root 1 2 3 0 90 0
upper 0
lower 90 90
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    (tmp_path / "a.asf").write_text(TINY_ASF)
    (tmp_path / "a_01.amc").write_text(TINY_AMC)
    return tmp_path / "a_01.amc"


@pytest.fixture(scope="module")
def walk(data: Path) -> Path:
    return data / "body" / "cmu_amc" / "02_01.amc"


def test_kinematics_by_hand(tiny: Path) -> None:
    asf = read_asf(tiny.with_name("a.asf"))
    assert asf.unit_m == pytest.approx(INCH_45)
    channels = read_amc(tiny, asf)
    poses = skeleton_of(asf).poses(local_wxyz(asf, channels, 2, degrees=True), channels["root"][:, :3])
    # A quarter turn about the upper bone's own z, which is the world's y: what points along x points along -z.
    np.testing.assert_allclose(poses.position_m[0], [[1, 2, 3], [1, 2, 3], [1, 2, 3 - 5]], atol=1e-9)
    # The root turns about y: the upper bone, along x at rest, points along -z.
    np.testing.assert_allclose(poses.position_m[1, 2], [1, 2, 3 - 5], atol=1e-9)
    # lower turns about x, then about the standing y; y of the bone goes to z, and by the turn about y to x; and then with the root.
    np.testing.assert_allclose(poses[1, 2].rotation() @ [0, 1, 0], [0, 0, -1], atol=1e-9)


def test_a_walk_of_cmu_is_a_person_walking(walk: Path) -> None:
    reading = read_recording(walk)
    motion = reading.motion
    assert reading.understood["format"] == "ASF/AMC, dialect cmu"
    assert reading.understood["unit"] == "by the format (0.0564444 m)"
    assert reading.understood["up"] == "y (by the format)"
    assert "CMU's convention" in reading.understood["rate"]
    assert motion.rate_hz == pytest.approx(120)
    assert motion.position_m.shape[0] == 343
    # The root of frame 1 as written, in metres, y turned into z.
    np.testing.assert_allclose(motion.point("pelvis")[0], np.array([10.4194, 30.1003, 16.7048]) * INCH_45, atol=1e-9)
    soles = np.minimum(motion.point("left_toe")[:, 2], motion.point("right_toe")[:, 2])
    assert 1.45 < np.median(motion.point("head_top")[:, 2] - soles) < 1.75
    forearm = np.linalg.norm(motion.point("left_elbow") - motion.point("left_wrist"), axis=-1)
    np.testing.assert_allclose(forearm, (3.35554 + 1.67777) * INCH_45, atol=1e-6)  # radius and wrist: the hand bends on the latter's end
    assert [parent.name for parent in motion.provenance.parents] == ["02_01.amc", "02.asf"]
    speed = np.linalg.norm(motion.point("pelvis")[-1, :2] - motion.point("pelvis")[0, :2]) / motion.time_s[-1]
    assert 0.8 < speed < 2.0


def test_bones_are_as_long_as_in_the_other_file_of_that_skeleton(walk: Path, data: Path) -> None:
    other = json.loads((data / "body/cmu_washwindow/skeleton.json").read_text())
    motion = read_recording(walk).motion
    for index, (a, b) in {3: ("left_hip", "left_knee"), 4: ("left_knee", "left_ankle"), 22: ("left_shoulder", "left_elbow")}.items():
        length = np.linalg.norm(motion.point(a) - motion.point(b), axis=-1)
        np.testing.assert_allclose(length, np.linalg.norm(other["offset_m"][index]), atol=2e-4)


def test_the_skeleton_is_found_or_asked_for(walk: Path, tmp_path: Path) -> None:
    assert find_skeleton(walk, None) == walk.with_name("02.asf")
    lone = Path(shutil.copy(walk, tmp_path / "walk.amc"))
    with pytest.raises(FileFormatError, match=r"walk\.amc: its skeleton is not beside it.*none.*source\.skeleton="):
        read_recording(lone)
    stated = read_recording(lone, SourceOptions(skeleton=str(walk.with_name("02.asf")))).motion
    np.testing.assert_array_equal(stated.position_m, read_recording(walk).motion.position_m)
    (tmp_path / "other.asf").write_text(TINY_ASF)
    assert find_skeleton(lone, None) == tmp_path / "other.asf"  # the only one
    with pytest.raises(FileFormatError, match=r"moves the bone 'lowerback'; the skeleton has root, upper, lower"):
        read_recording(lone)
    with pytest.raises(FileFormatError, match=r"source\.skeleton=no\.asf: no such file"):
        read_recording(lone, SourceOptions(skeleton="no.asf"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("lower 90 90\n", ""), "cut off"),
        (("lower 90 90", "lower 90"), "cut off"),
        (("\n2\n", "\n3\n"), "frames are missing"),
        (("upper 90", "upper nan"), "another"),
        (("upper 90", "upper 9?0"), "no numbers"),
        (("upper 0\nlower 90 90", "lower 90 90\nupper 0"), "another order"),
        (("1\nroot 1 2 3 0 0 0\nupper 90\nlower 0 0\n2\n", ""), "no line holds the number of a frame"),
    ],
)
def test_a_broken_amc_is_one_clear_error(tiny: Path, change: tuple[str, str], message: str) -> None:
    assert change[0] in TINY_AMC
    tiny.write_text(TINY_AMC.replace(*change))
    with pytest.raises(FileFormatError, match=message):
        read_amc(tiny, read_asf(tiny.with_name("a.asf")))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((":hierarchy", ":tree"), "lacks :hierarchy"),
        (("    upper lower\n", ""), "without a place in the hierarchy: lower"),
        (("upper lower", "upper hand"), "names the bone 'hand'"),
        (("root upper\n    upper lower", "upper lower\n    root upper"), "'upper' stands in the hierarchy before"),
        (("length 5", "length five"), "cannot be read"),
        (("direction 1 0 0\n     length 5", "length 5"), "cannot be read"),
        (("length 0.45", "length 0"), "cannot be read"),
    ],
)
def test_a_broken_asf_is_one_clear_error(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    assert change[0] in TINY_ASF
    (tmp_path / "a.asf").write_text(TINY_ASF.replace(*change))
    with pytest.raises(FileFormatError, match=message):
        read_asf(tmp_path / "a.asf")
