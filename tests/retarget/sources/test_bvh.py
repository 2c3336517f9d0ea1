"""BVH: the dialects' names, end sites, varieties of the text, and names that no dialect knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError
from motion.landmarks import FINGERS, SIDES, mirror
from motion.transform import matrix_from_wxyz
from retarget.sources.base import Reading, SourceOptions, read_recording
from tests.retarget.sources.skeletons import FROM_FILE, acted, bvh_text

_TRUNK = ("pelvis", "spine", "chest", "neck", "head")
_LIMBS = ("clavicle", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")


def spelt(trunk: str, left: str, right: str, limbs: str, fingers: str = "") -> dict[str, str]:
    """landmark -> joint: five names of the trunk, and eight of a limb with {S} for the side."""
    names = dict(zip(_TRUNK, trunk.split(), strict=True))
    for side, word in zip(SIDES, (left, right), strict=True):
        names |= {f"{side}_{k}": name.replace("{S}", word) for k, name in zip(_LIMBS, limbs.split(), strict=True)}
        for finger in FINGERS if fingers else ():
            points = ("cmc", "mcp", "ip") if finger == "thumb" else ("mcp", "pip", "dip")
            for k, point in enumerate(points):
                names[f"{side}_{finger}_{point}"] = fingers.replace("{S}", word).format(F=finger.capitalize(), f=finger, k=k + 1)
    return names


_MOTIONBUILDER = "{S}Shoulder {S}Arm {S}ForeArm {S}Hand {S}UpLeg {S}Leg {S}Foot {S}ToeBase"
DIALECTS: dict[str, tuple[str, dict[str, str]]] = {
    "lafan1": ("lafan1", spelt("Hips Spine Spine1 Neck Head", "Left", "Right", _MOTIONBUILDER.replace("ToeBase", "Toe"))),
    "mixamo": (
        "lafan1",
        {k: f"mixamorig:{v}" for k, v in spelt("Hips Spine Spine1 Neck Head", "Left", "Right", _MOTIONBUILDER, "{S}Hand{F}{k}").items()},
    ),
    "bandai_namco": (
        "bandai_namco",
        spelt(
            "Hips Spine Chest Neck Head",
            "L",
            "R",
            "Shoulder_{S} UpperArm_{S} LowerArm_{S} Hand_{S} UpperLeg_{S} LowerLeg_{S} Foot_{S} Toes_{S}",
        ),
    ),
    "daz": ("daz", spelt("hip abdomen chest neck head", "l", "r", "{S}Collar {S}Shldr {S}ForeArm {S}Hand {S}Thigh {S}Shin {S}Foot {S}Toe")),
    "xsens": (
        "xsens",
        spelt("Hips Chest Chest4 Neck Head", "Left", "Right", "{S}Collar {S}Shoulder {S}Elbow {S}Wrist {S}Hip {S}Knee {S}Ankle {S}Toe"),
    ),
    "xsens_segments": (
        "xsens_segments",
        spelt(
            "Pelvis L5 T8 Neck Head", "Left", "Right", "{S}Shoulder {S}UpperArm {S}ForeArm {S}Hand {S}UpperLeg {S}LowerLeg {S}Foot {S}Toe"
        ),
    ),
    "noitom": (
        "lafan1",
        {k: f"Robot_{v}" for k, v in spelt("Hips Spine Spine1 Neck Head", "Left", "Right", _MOTIONBUILDER, "{S}Hand{F}{k}").items()},
    ),
    "smpl": (
        "smpl",
        spelt(
            "Pelvis Spine1 Spine3 Neck Head", "L", "R", "{S}_Collar {S}_Shoulder {S}_Elbow {S}_Wrist {S}_Hip {S}_Knee {S}_Ankle {S}_Foot"
        ),
    ),
    "rigify": (
        "generic",
        spelt(
            "spine spine.001 spine.003 spine.004 spine.006",
            "L",
            "R",
            "shoulder.{S} upper_arm.{S} forearm.{S} hand.{S} thigh.{S} shin.{S} foot.{S} toe.{S}",
            "f_{f}.0{k}.{S}",
        ),
    ),
    "unreal": (
        "generic",
        spelt(
            "pelvis spine_01 spine_03 neck_01 head",
            "l",
            "r",
            "clavicle_{S} upperarm_{S} lowerarm_{S} hand_{S} thigh_{S} calf_{S} foot_{S} ball_{S}",
            "{f}_0{k}_{S}",
        ),
    ),
    "rokoko": (
        "generic",
        spelt("Hips Spine1 Spine4 Neck Head", "Left", "Right", "{S}Shoulder {S}Arm {S}ForeArm {S}Hand {S}Thigh {S}Shin {S}Foot {S}Toe"),
    ),
    "max_biped": (
        "generic",
        spelt(
            "Bip01 Bip01_Spine Bip01_Spine2 Bip01_Neck Bip01_Head",
            "L",
            "R",
            "Bip01_{S}_Clavicle Bip01_{S}_UpperArm Bip01_{S}_Forearm Bip01_{S}_Hand "
            "Bip01_{S}_Thigh Bip01_{S}_Calf Bip01_{S}_Foot Bip01_{S}_Toe0",
        ),
    ),
    "classic": (
        "generic",
        spelt("Hips Chest Chest2 Neck Head", "Left", "Right", "{S}Collar {S}UpArm {S}LowArm {S}Hand {S}UpLeg {S}LowLeg {S}Foot {S}Toe"),
    ),
    "small_letters": (
        "generic",
        spelt(
            "pelvis spine chest neck head",
            "l",
            "r",
            "{S}clavicle {S}shoulder {S}elbow {S}wrist {S}hip {S}knee {S}ankle {S}toe",
            "{S}{f}{k}",
        ),
    ),
    "vrm": (
        "generic",
        spelt(
            "hips spine chest neck head",
            "left",
            "right",
            "{S}Shoulder {S}UpperArm {S}LowerArm {S}Hand {S}UpperLeg {S}LowerLeg {S}Foot {S}Toes",
        ),
    ),
}


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("up", ["y", "z"])
def test_every_joint_of_a_dialect_is_where_hand_arithmetic_puts_it(tmp_path: Path, name: str, up: str) -> None:
    expected, names = DIALECTS[name]
    body = acted(hands="left_index_mcp" in names, up=up, order="YXZ")
    reading = read_recording(written(tmp_path / "clip.bvh", bvh_text(body, names, "YXZ")))
    assert expected in reading.understood["format"]
    assert reading.understood["unit"].startswith("centimetres")
    assert reading.understood["up"].startswith(up)
    assert reading.motion.rate_hz == pytest.approx(120)
    back = FROM_FILE[up] / 100
    for landmark in names:
        np.testing.assert_allclose(reading.motion.point(landmark), body.point(landmark) @ back.T, atol=2e-6, err_msg=landmark)


_CMU_BETWEEN = {"left_hip": "LHipJoint", "right_hip": "RHipJoint", "spine": "LowerBack", "head": "Neck1"}
_IN_HAND = {f"{side}_{f}_mcp": f"{side.capitalize()}InHand{f.capitalize()}" for side in SIDES for f in FINGERS if f != "thumb"}


@pytest.mark.parametrize(("dialect", "between", "hands"), [("cmu_bvh", _CMU_BETWEEN, False), ("noitom", _IN_HAND, True)])
def test_joints_between_joints_are_passed_over(tmp_path: Path, dialect: str, between: dict[str, str], hands: bool) -> None:
    body = acted(hands=hands, between=between)
    fingers = "{S}Hand{F}{k}" if hands else ""
    names = spelt("Hips Spine Spine1 Neck Head", "Left", "Right", _MOTIONBUILDER, fingers) | {name: name for name in between.values()}
    reading = read_recording(written(tmp_path / "clip.bvh", bvh_text(body, names)))
    assert reading.understood["format"] == f"BVH, dialect {dialect}"
    for landmark in ("pelvis", "left_knee", "right_wrist", "head", *(["left_index_mcp", "right_pinky_dip"] if hands else [])):
        np.testing.assert_allclose(reading.motion.point(landmark), body.point(landmark) @ FROM_FILE["y"].T / 100, atol=2e-6)


def test_the_finger_joint_of_cmu_is_the_middle_of_all_fingers(tmp_path: Path) -> None:
    body = acted(hands=True, between=_CMU_BETWEEN)
    keep = [name for name in body.joints if name in (*DIALECTS["lafan1"][1], *_CMU_BETWEEN.values()) or name.endswith("index_mcp")]
    names = DIALECTS["lafan1"][1] | {name: name for name in _CMU_BETWEEN.values()}
    names |= {"left_index_mcp": "LeftHandIndex1", "right_index_mcp": "RightHandIndex1"}
    motion = read_recording(written(tmp_path / "clip.bvh", bvh_text(body.only(keep), names))).motion
    assert motion.has("left_middle_mcp")
    assert not motion.has("left_index_mcp")


def read_with(tmp_path: Path, change: Mapping[str, str] = {}, **settings: object) -> Reading:
    text = bvh_text(acted(), DIALECTS["lafan1"][1], **settings)  # type: ignore[arg-type]
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new)
    return read_recording(written(tmp_path / "clip.bvh", text))


def test_the_text_may_vary(tmp_path: Path) -> None:
    plain = read_with(tmp_path).motion.position_m
    varieties = [
        {"\n": "\r\n"},
        {"\t": "  ", "HIERARCHY": "\ufeffHIERARCHY"},
        {"OFFSET": "offset", "CHANNELS": "channels", "rotation": "ROTATION", "JOINT": "joint", "End Site": "END SITE", "MOTION": "motion"},
        {"\n{": " {", "Frame Time: ": "Frame Time:\t"},
    ]
    for change in varieties:
        np.testing.assert_allclose(read_with(tmp_path, change).motion.position_m, plain, atol=1e-9, err_msg=str(change))
    np.testing.assert_allclose(read_with(tmp_path, all_positions=True).motion.position_m, plain, atol=1e-9)


def test_position_channels_that_say_nothing_keep_the_bones(tmp_path: Path) -> None:
    body = acted()
    text = bvh_text(body, DIALECTS["lafan1"][1])
    silent = bvh_text(body, DIALECTS["lafan1"][1], all_positions=True)
    head, _, rows = silent.partition("Frame Time: 0.008333\n")
    values = np.array([line.split() for line in rows.splitlines()], float)
    for joint in range(1, len(body.joints)):
        values[:, 6 * joint : 6 * joint + 3] = 0
    zeroed = head + "Frame Time: 0.008333\n" + "\n".join(" ".join(f"{value:.6f}" for value in row) for row in values)
    plain = read_recording(written(tmp_path / "a.bvh", text)).motion
    np.testing.assert_allclose(read_recording(written(tmp_path / "b.bvh", zeroed)).motion.position_m, plain.position_m, atol=1e-9)


@pytest.mark.parametrize(
    ("frame_time", "rate"),
    [
        ("0.0333", 30),
        ("0.0333333", 30),
        (".008333", 120),
        ("0.008", 125),
        ("0.0166667", 60),
        ("0.017", 60),
        ("0.0111", 90),
        ("0.0334", 29.97),
    ],
)
def test_a_rounded_frame_time_means_a_usual_rate(tmp_path: Path, frame_time: str, rate: float) -> None:
    assert read_with(tmp_path, frame_time=frame_time).motion.rate_hz == pytest.approx(rate, rel=1e-9)


@pytest.mark.parametrize(
    ("scale", "unit"), [(1.0, "metres"), (1 / 0.0254, "inches"), (0.45 / 0.0254, "CMU's units"), (1000.0, "millimetres")]
)
def test_units(tmp_path: Path, scale: float, unit: str) -> None:
    body = acted(scale=scale)
    reading = read_recording(written(tmp_path / "clip.bvh", bvh_text(body, DIALECTS["lafan1"][1])))
    assert reading.understood["unit"].startswith(unit)
    thigh = reading.motion.point("left_hip") - reading.motion.point("left_knee")
    np.testing.assert_allclose(np.linalg.norm(thigh, axis=-1), 0.42, atol=1e-5)


def test_end_sites_are_crown_toes_knuckles_and_fingertips(tmp_path: Path) -> None:
    names = DIALECTS["rigify"][1]
    body = acted(hands=True)
    ends = {"head": (0.0, 17.0, 0.0), "left_index_dip": (0.0, -2.4, 0.5), "right_thumb_ip": (0.0, 0.0, 0.0)}
    motion = read_recording(written(tmp_path / "clip.bvh", bvh_text(body, names, ends=ends))).motion
    crown = body.point("head") + np.einsum("tij,j->ti", body.rotation[:, body.joints.index("head")], ends["head"])
    np.testing.assert_allclose(motion.point("head_top"), crown @ FROM_FILE["y"].T / 100, atol=2e-6)
    seen = motion.confidence[0]
    assert seen[motion.landmarks.index("left_index_tip")] == 1
    assert seen[motion.landmarks.index("right_thumb_tip")] < 1  # an end of no length: the tip is inferred


def test_a_foot_without_a_toe_joint_ends_at_its_end_site(tmp_path: Path) -> None:
    body = acted()
    short = body.only([name for name in body.joints if not name.endswith("toe")])
    ends = {f"{side}_ankle": tuple(body.offset[body.joints.index(f"{side}_toe")]) for side in SIDES}
    reading = read_recording(written(tmp_path / "clip.bvh", bvh_text(short, DIALECTS["lafan1"][1], ends=ends)))
    assert "left_toe" in reading.understood["end sites"]
    np.testing.assert_allclose(reading.motion.point("left_toe"), body.point("left_toe") @ FROM_FILE["y"].T / 100, atol=2e-6)


def test_the_end_of_a_foot_below_the_ankle_is_no_toe(tmp_path: Path) -> None:
    body = acted()
    short = body.only([name for name in body.joints if not name.endswith("toe")])
    ends = {f"{side}_ankle": (0.0, -9.0, 0.5) for side in SIDES}
    reading = read_recording(written(tmp_path / "clip.bvh", bvh_text(short, DIALECTS["lafan1"][1], ends=ends)))
    assert not reading.motion.has("left_toe")


def test_the_pelvis_turns_as_measured(tmp_path: Path) -> None:
    body = acted(frames=40)
    motion = read_recording(written(tmp_path / "clip.bvh", bvh_text(body, DIALECTS["lafan1"][1]))).motion
    assert set(motion.segments) >= {"pelvis", "left_foot", "right_foot"}
    assert motion.segment_wxyz is not None
    ours = matrix_from_wxyz(motion.segment_wxyz[:, motion.segments.index("pelvis")])
    theirs = FROM_FILE["y"] @ body.rotation[:, 0]
    relative = np.swapaxes(theirs, -1, -2) @ ours  # constant: a joint's axes in those of its segment
    np.testing.assert_allclose(relative, np.broadcast_to(relative[0], relative.shape), atol=1e-5)


def test_words_that_make_no_body_are_refused(tmp_path: Path) -> None:
    names = {name: f"bone_{index}" for index, name in enumerate(acted().joints)}
    with pytest.raises(FileFormatError, match=r"not understood.*source\.joint_map"):
        read_recording(written(tmp_path / "clip.bvh", bvh_text(acted(), names)))


@pytest.mark.parametrize(
    "pair", [("left_elbow", "left_wrist"), ("left_hip", "left_knee"), ("right_shoulder", "right_ankle"), ("left_knee", "right_knee")]
)
def test_names_that_were_exchanged_are_refused(tmp_path: Path, pair: tuple[str, str]) -> None:
    for dialect in ("lafan1", "unreal"):
        names = dict(DIALECTS[dialect][1])
        names[pair[0]], names[pair[1]] = names[pair[1]], names[pair[0]]
        with pytest.raises(FileFormatError):
            read_recording(written(tmp_path / "clip.bvh", bvh_text(acted(hands=dialect == "unreal"), names)))


@pytest.mark.parametrize("dialect", ["lafan1", "unreal"])
def test_left_and_right_exchanged_is_refused(tmp_path: Path, dialect: str) -> None:
    names = DIALECTS[dialect][1]
    swapped = {name: names[mirror(name)] for name in names}
    with pytest.raises(FileFormatError, match="left and right are exchanged"):
        read_recording(written(tmp_path / "clip.bvh", bvh_text(acted(hands=dialect == "unreal"), swapped)))


def test_one_bone_far_too_long_is_refused_in_names_no_dialect_knows(tmp_path: Path) -> None:
    body = acted(hands=True)
    for side in SIDES:
        body.offset[body.joints.index(f"{side}_wrist")] *= 3
    with pytest.raises(FileFormatError, match="as far"):
        read_recording(written(tmp_path / "clip.bvh", bvh_text(body, DIALECTS["unreal"][1])))


def test_an_own_map_of_joints_comes_first(tmp_path: Path) -> None:
    names = {name: f"bone_{index}" for index, name in enumerate(acted().joints)}
    table = {joint: landmark for landmark, joint in names.items()}
    (tmp_path / "map.json").write_text(json.dumps(table))
    options = SourceOptions(joint_map=str(tmp_path / "map.json"))
    motion = read_recording(written(tmp_path / "clip.bvh", bvh_text(acted(), names)), options).motion
    np.testing.assert_allclose(motion.point("left_knee"), acted().point("left_knee") @ FROM_FILE["y"].T / 100, atol=2e-6)


def test_a_file_of_no_frames_is_refused(tmp_path: Path) -> None:
    text = bvh_text(acted(), DIALECTS["lafan1"][1]).partition("Frames:")[0]
    with pytest.raises(FileFormatError, match="no frames"):
        read_recording(written(tmp_path / "clip.bvh", text + "Frames: 0\nFrame Time: 0.01\n"))
