"""Sources: hand arithmetic on small files, the same contract over real ones, and refusals that say what is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motion.errors import FileFormatError, MotionError, UnknownNameError
from motion.human import HumanMotion, Subject
from motion.landmarks import RIGID_BONES
from retarget.reading.normalise import detect_world
from retarget.reading.orders import ORDERS
from retarget.sources.base import Reading, SourceOptions, read_recording, source_for, sources
from retarget.sources.bvh import forward_kinematics, read_bvh
from tests.motion.bodies import standing_points, still_person

CLIMB = Path("body/holosoma_climb/seq_1/mocap_climb_seq_1_joint_positions_f0-2422.npy")
CMU = Path("body/cmu_washwindow/washwindow_1_xyz.npz")

TINY_BVH = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT Spine
  {
    OFFSET 0 10 0
    CHANNELS 3 Zrotation Yrotation Xrotation
    End Site
    {
      OFFSET 0 5 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.025
1 2 3 90 0 0 0 0 0
1 2 3 0 0 0 0 90 0
"""


def smpl_file(path: Path, scale: float = 1.0, up: str = "z", mirrored: bool = False, **extra: object) -> Path:
    """A walking-on-the-spot stick person as SMPL joint positions in a file's own unit and axes."""
    frames = []
    for phase in np.linspace(0, 2 * np.pi, 40):
        points = standing_points(0.6 + 0.2 * np.sin(phase), 0.5 + 0.3 * np.sin(phase))
        joints = {"Pelvis": "pelvis", "Spine1": "spine", "Spine3": "chest", "Neck": "neck", "Head": "head"}
        names = {
            "Collar": "clavicle",
            "Shoulder": "shoulder",
            "Elbow": "elbow",
            "Wrist": "wrist",
            "Hip": "hip",
            "Knee": "knee",
            "Ankle": "ankle",
        }
        names |= {"Foot": "toe", "Hand": "middle_mcp"}
        joints |= {f"{s[0].upper()}_{a}": f"{s}_{b}" for s in ("left", "right") for a, b in names.items()}
        frames.append([points[joints[name]] if name in joints else (points["spine"] + points["chest"]) / 2 for name in ORDERS["smpl_24"]])
    position = np.array(frames) * ([1, -1, 1] if mirrored else 1)
    theirs = {"z": position, "y": position[..., [1, 2, 0]], "-y": position[..., [1, 2, 0]] * [-1, -1, 1]}[up] * scale
    np.savez(path, joints=theirs.astype(np.float32), **extra)
    return path


def test_bvh_kinematics_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "tiny.bvh"
    path.write_text(TINY_BVH)
    bvh = read_bvh(path)
    assert bvh.frame_time_s == 0.025
    assert [joint.name for joint in bvh.joints] == ["Hips", "Spine"]
    place = forward_kinematics(bvh)
    np.testing.assert_allclose(place.position_m[0, 1], [1 - 10, 2, 3], atol=1e-12)  # a quarter turn about z: y goes to -x
    np.testing.assert_allclose(place.position_m[1, 1], [1, 12, 3], atol=1e-12)
    np.testing.assert_allclose(place[1, 1].rotation() @ [0, 0, 1], [1, 0, 0], atol=1e-12)  # a quarter turn about y


def test_bvh_angles_are_applied_in_channel_order(tmp_path: Path) -> None:
    path = tmp_path / "tiny.bvh"
    path.write_text(TINY_BVH.replace("1 2 3 90 0 0 0 0 0", "0 0 0 90 90 0 0 0 0"))
    rotation = forward_kinematics(read_bvh(path))[0, 0].rotation()
    z = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])
    y = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0.0]])
    np.testing.assert_allclose(rotation, z @ y, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("HIERARCHY", "HELLO"), "no BVH"),
        (("Frames: 2", "Frames: 3"), "3 frames of 9 channels were announced"),
        (("1 2 3 0 0 0 0 90 0", "1 2 3 0"), "cannot be read|were announced"),
        (("1 2 3 0 0 0 0 90 0", "1 2 3 0 0 0 0 x 0"), "cannot be read"),
        (("1 2 3 0 0 0 0 90 0", "1 2 3 0 0 0 0 nan 0"), "no numbers"),
        (("JOINT Spine", "JONT Spine"), "'JONT' was not expected"),
        (("OFFSET 0 10 0", "OFFSET 0 ten 0"), "'ten' stands where a number of an OFFSET after Spine was wanted"),
        (("OFFSET 0 10 0", "OFFSET 0 10"), "'CHANNELS' stands where a number of an OFFSET after Spine"),
        (("OFFSET 0 10 0", "OFFSET 0 nan 0"), "'nan' stands where"),
        (("CHANNELS 3", "CHANNELS three"), "'three' stands where the number of channels of Spine"),
        (("CHANNELS 3", "CHANNELS 4"), "'End' among the 4 channels of Spine"),
        (("CHANNELS 3 Zrotation", "CHANNELS 3 Xrotation"), "'Xrotation' among the 3 channels of Spine"),
        (("CHANNELS 3 Zrotation", "CHANNELS 2 Zrotation"), "'Xrotation' was not expected"),
        (("JOINT Spine\n  {", "JOINT Spine\n"), "no opening brace after JOINT Spine"),
        (("ROOT Hips\n{", "OFFSET 0 0 0\nROOT Hips\n{"), "OFFSET stands outside of a joint's braces"),
        (("ROOT Hips\n{", "CHANNELS 0\nROOT Hips\n{"), "CHANNELS stands outside of a joint's braces"),
        (("End Site\n    {", "End Site\n    { JOINT Odd {"), "Odd stands outside of a joint's braces"),
        (("}\nMOTION", "} }\nMOTION"), "a closing brace without an opening one"),
        (("}\nMOTION", "MOTION"), "1 braces are left open"),
        ((TINY_BVH.partition("ROOT")[2].partition("MOTION")[0], ""), "cut off where a name after ROOT"),
        ((TINY_BVH.partition("HIERARCHY")[2].partition("MOTION")[0], "\n"), "holds no joints"),
        (("Frames: 2\n", ""), "cannot be read|cut off"),
    ],
)
def test_a_broken_bvh_is_one_clear_error(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    path = tmp_path / "tiny.bvh"
    path.write_text(TINY_BVH.replace(*change))
    with pytest.raises(FileFormatError, match=message):
        read_bvh(path)


def test_a_bvh_cut_off_anywhere_in_its_hierarchy_is_one_clear_error(tmp_path: Path) -> None:
    head, motion, tail = TINY_BVH.partition("MOTION")
    words = head.split()
    for count in range(1, len(words)):
        path = tmp_path / "cut.bvh"
        path.write_text(" ".join(words[:count]) + "\n" + motion + tail)
        with pytest.raises(FileFormatError, match=r"cut\.bvh: the hierarchy cannot be read"):
            read_bvh(path)


def test_a_bvh_without_a_frame_time_takes_the_stated_rate(tmp_path: Path, bandai: list[Path]) -> None:
    text = bandai[0].read_text()
    path = tmp_path / "still.bvh"
    path.write_text(re.sub(r"Frame Time:.*", "Frame Time: 0", text))
    with pytest.raises(FileFormatError, match=r"still\.bvh: the frame time is 0 s; state the rate with source\.rate_hz="):
        read_recording(path)
    assert read_recording(path, SourceOptions(rate_hz=30)).motion.rate_hz == pytest.approx(30)


@pytest.mark.parametrize("name", ["rate_hz", "unit_m", "height_m"])
@pytest.mark.parametrize("value", [0, -1.0, np.nan, np.inf, "fast"])
def test_stated_numbers_lie_above_zero(name: str, value: object) -> None:
    with pytest.raises(MotionError, match=rf"source\.{name} is {value}; it wants a number above 0"):
        SourceOptions(**{name: value})  # type: ignore[arg-type]


def test_a_bvh_without_a_body_names_its_joints_and_the_dialects(tmp_path: Path) -> None:
    path = tmp_path / "tiny.bvh"
    path.write_text(TINY_BVH)
    with pytest.raises(FileFormatError, match=r"not understood.*lacks left_shoulder.*Got: Hips, Spine.*lafan1"):
        read_recording(path)


@pytest.mark.parametrize(("scale", "unit"), [(1.0, "metres"), (100.0, "centimetres"), (1000.0, "millimetres"), (1 / 0.0254, "inches")])
@pytest.mark.parametrize("up", ["z", "y", "-y"])
def test_unit_and_axis_are_found(tmp_path: Path, scale: float, unit: str, up: str) -> None:
    reading = read_recording(smpl_file(tmp_path / "clip.npz", scale, up, fps=np.array(25)))
    assert reading.understood["unit"].startswith(unit)
    assert reading.understood["up"].startswith(up)
    assert reading.motion.rate_hz == pytest.approx(25)
    knee = reading.motion.point("left_knee") - reading.motion.point("left_ankle")
    np.testing.assert_allclose(np.linalg.norm(knee, axis=-1), 0.42, atol=1e-4)
    assert (reading.motion.point("head")[:, 2] > reading.motion.point("left_toe")[:, 2] + 1.2).all()


def test_a_mirrored_recording_is_refused(tmp_path: Path) -> None:
    path = smpl_file(tmp_path / "clip.npz", mirrored=True)
    with pytest.raises(FileFormatError, match="left and right are exchanged"):
        read_recording(path, SourceOptions(rate_hz=30, joint_names="smpl_24"))


def test_a_wrong_joint_order_is_refused_by_its_bones(tmp_path: Path) -> None:
    swapped = list(ORDERS["smpl_24"])
    swapped[4], swapped[18] = swapped[18], swapped[4]  # a knee where the elbow should be
    (tmp_path / "names.json").write_text(json.dumps(swapped))
    path = smpl_file(tmp_path / "clip.npz")
    with pytest.raises(FileFormatError, match=r"on one side as on the other.*source\.joint_names"):
        read_recording(path, SourceOptions(rate_hz=30, joint_names=str(tmp_path / "names.json")))


def test_what_is_not_known_is_asked_for(tmp_path: Path) -> None:
    path = smpl_file(tmp_path / "clip.npz")
    with pytest.raises(FileFormatError, match=r"no frame rate; state it with source\.rate_hz"):
        read_recording(path)
    with pytest.raises(UnknownNameError, match="unknown joint order 'smpl_25'.*Did you mean 'smpl_24'"):
        read_recording(path, SourceOptions(rate_hz=30, joint_names="smpl_25"))
    with pytest.raises(FileFormatError, match="has 24 joints; source.joint_names=lafan_22 names 22"):
        read_recording(path, SourceOptions(rate_hz=30, joint_names="lafan_22"))
    with pytest.raises(UnknownNameError, match="unknown axis 'w'"):
        read_recording(path, SourceOptions(rate_hz=30, up="w"))
    with pytest.raises(UnknownNameError, match="unknown source 'bwh'.*Did you mean 'bvh'"):
        source_for(path, "bwh")
    with pytest.raises(FileFormatError, match="no source reads this file. Sources: .*bvh"):
        read_recording(Path(__file__))


@pytest.mark.parametrize("sentinel", [np.nan, 1e9, 0.0])
def test_missing_values_become_nan_never_zeros(tmp_path: Path, sentinel: float) -> None:
    path = smpl_file(tmp_path / "clip.npz")
    joints = np.load(path)["joints"]
    hand, wrist = ORDERS["smpl_24"].index("L_Hand"), ORDERS["smpl_24"].index("L_Wrist")
    joints[5, [hand, wrist]] = sentinel
    np.savez(path, joints=joints)
    motion = read_recording(path, SourceOptions(rate_hz=30, joint_names="smpl_24")).motion
    assert np.isnan(motion.point("left_wrist")[5]).all()
    assert motion.confidence[5, motion.landmarks.index("left_wrist")] == 0
    assert np.isfinite(motion.point("left_wrist")[[4, 6]]).all()


def test_the_unit_of_something_that_is_no_person_is_asked_for() -> None:
    points = {name: point[None] * 7.0 for name, point in standing_points().items()}
    with pytest.raises(FileFormatError, match="no usual unit makes that a person's"):
        detect_world(points, "giant.bvh")


def test_inferred_heels_lie_behind_flat_feet(tmp_path: Path) -> None:
    motion = read_recording(smpl_file(tmp_path / "clip.npz", fps=np.array(30))).motion
    heel, ankle, toe = (motion.point(f"left_{name}") for name in ("heel", "ankle", "toe"))
    assert (heel[:, 0] < ankle[:, 0]).all()
    assert (toe[:, 0] > ankle[:, 0]).all()
    assert motion.confidence[:, motion.landmarks.index("left_heel")].max() < 1  # inferred, and said to be


def test_our_own_files_come_back_as_they_were(tmp_path: Path) -> None:
    person = still_person()
    person.save(tmp_path / "person.npz")
    reading = read_recording(tmp_path / "person.npz")
    assert reading.understood["format"] == "human motion"
    np.testing.assert_array_equal(reading.motion.position_m, person.position_m)


def test_whose_our_own_file_is_may_be_stated_anew(tmp_path: Path) -> None:
    path = tmp_path / "person.npz"
    person = still_person()
    person.save(path)
    kept = read_recording(path).motion
    assert (kept.provenance, kept.subject) == (person.provenance, person.subject)
    motion = read_recording(path, SourceOptions(licence="CC-BY-4.0", consent="form 7", pseudonym="worker_7", height_m=1.71)).motion
    assert (motion.provenance.licence, motion.provenance.consent) == ("CC-BY-4.0", "form 7")
    assert motion.subject == Subject("worker_7", 1.71)
    assert motion.provenance.tool == person.provenance.tool


@pytest.mark.parametrize("option", [{"rate_hz": 30.0}, {"unit_m": 0.01}, {"up": "y"}, {"joint_names": "smpl_24"}, {"array": "joints"}])
def test_what_our_own_file_knows_cannot_be_stated(tmp_path: Path, option: dict[str, Any]) -> None:
    still_person().save(tmp_path / "person.npz")
    with pytest.raises(FileFormatError, match=rf"person\.npz: .*leave out source\.{next(iter(option))}\."):
        read_recording(tmp_path / "person.npz", SourceOptions(**option))


def real_readings(data: Path, bandai: list[Path], asap: list[Path]) -> dict[str, Reading]:
    readings = {path.stem: read_recording(path) for path in (bandai[0], bandai[-1], asap[0], asap[-1], data / CMU)}
    return readings | {"climb": read_recording(data / CLIMB, SourceOptions(rate_hz=120))}


def test_real_recordings_upright_metric_and_left_is_left(data: Path, bandai: list[Path], asap: list[Path]) -> None:
    for name, reading in real_readings(data, bandai, asap).items():
        motion: HumanMotion = reading.motion
        for a, b in RIGID_BONES:
            length = np.nanmedian(np.linalg.norm(motion.point(a) - motion.point(b), axis=-1))
            assert 0.15 < length < 0.55, (name, a, b, length)
        assert np.nanmedian(motion.point("neck")[:, 2] - motion.point("left_ankle")[:, 2]) > 0.9, name
        assert reading.understood["sides"].startswith("left is left in 1"), name  # 100 %
        assert motion.provenance.parents[0].sha256
        assert motion.provenance.licence == "unstated"


def test_dialects_and_orders_are_recognised(data: Path, bandai: list[Path], asap: list[Path]) -> None:
    readings = real_readings(data, bandai, asap)
    assert "bandai_namco" in readings[bandai[0].stem].understood["format"]
    assert "smpl_24" in readings[asap[0].stem].understood["format"]
    assert "cmu_38" in readings[CMU.stem].understood["format"]
    assert "mocap_53" in readings["climb"].understood["format"]
    assert readings["climb"].motion.has("left_index_dip", "right_thumb_cmc")
    stated = json.loads((data / "joint_orders.json").read_text())
    ours = {"smpl_24": "smpl_24", "lafan_22": "lafan_22", "mocap_53": "holosoma_climb_53", "omomo_52": "omomo_smplh_52"}
    for name, key in ours.items():
        assert list(ORDERS[name]) == stated[key]


def test_the_registry_finds_every_file() -> None:
    assert set(sources()) >= {"bvh", "positions", "human_motion"}


def test_one_arm_by_name_is_enough(tmp_path: Path) -> None:
    names = ["right_shoulder", "right_elbow", "right_wrist"]
    position = np.stack([standing_points(elbow_rad=0.8)[name] for name in names])
    np.savez(tmp_path / "arm.npz", position_m=np.tile(position, (4, 1, 1)), joint_names=np.array(names), fps=30)
    motion = read_recording(tmp_path / "arm.npz", SourceOptions(up="z")).motion
    assert motion.landmarks == tuple(names)
    np.testing.assert_allclose(motion.position_m[0], position, atol=1e-12)
