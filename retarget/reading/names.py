"""Joint names of the formats, mapped to the landmark vocabulary."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from motion.errors import FileFormatError, UnknownNameError, require
from motion.landmarks import LANDMARKS, SIDES, require_known

_UNUSED = ""
"""In a dialect: a joint that belongs to it and is no landmark."""

_FINGER_JOINTS = {"Thumb": ("cmc", "mcp", "ip", "tip")} | dict.fromkeys(("Index", "Middle", "Ring", "Pinky"), ("mcp", "pip", "dip", "tip"))


def _sided(table: Mapping[str, str], patterns: Mapping[str, str]) -> dict[str, str]:
    """Spell out a table for both sides: `{S}` in a joint name becomes the format's word for the side."""
    return {joint.replace("{S}", patterns[side]): f"{side}_{name}" if name else _UNUSED for side in SIDES for joint, name in table.items()}


def _fingers(pattern: str, words: Mapping[str, str], joints_n: int) -> dict[str, str]:
    return {
        pattern.format(S=words[side], finger=finger, k=k + 1): f"{side}_{finger.lower()}_{_FINGER_JOINTS[finger][k]}"
        for side in SIDES
        for finger in _FINGER_JOINTS
        for k in range(joints_n)
    }


_FIRST_WORD = re.compile(r"[^_. ]+[_. ]+")
_COMMON_SHARE = 0.8
_SIDE_WORDS = ("left", "right", "l", "r")
"""Before every name of a file of one arm, and still part of them."""
_WORDS = {"left": "Left", "right": "Right"}
_LETTERS = {"left": "L", "right": "R"}
_SMALL_LETTERS = {"left": "l", "right": "r"}
_LOWER = {"left": "left", "right": "right"}

_MOTIONBUILDER = _sided(
    {
        "{S}Shoulder": "clavicle",
        "{S}Arm": "shoulder",
        "{S}ForeArm": "elbow",
        "{S}Hand": "wrist",
        "{S}UpLeg": "hip",
        "{S}Leg": "knee",
        "{S}Foot": "ankle",
        "{S}Toe": "toe",
        "{S}ToeBase": "toe",
    },
    _WORDS,
)
"""Here {S}Shoulder is the collar bone, and {S}Arm the shoulder."""
_MOTIONBUILDER_FINGERS = _fingers("{S}Hand{finger}{k}", _WORDS, 4)
_TRUNK = {"Hips": "pelvis", "Spine": "spine", "Spine1": "chest", "Neck": "neck", "Head": "head"}

DIALECTS: dict[str, dict[str, str]] = {
    "lafan1": _TRUNK | _MOTIONBUILDER | _MOTIONBUILDER_FINGERS,
    "mixamo": _TRUNK
    | _MOTIONBUILDER
    | _MOTIONBUILDER_FINGERS
    | {"HeadTop_End": "head_top", "LeftToe_End": _UNUSED, "RightToe_End": _UNUSED, "Spine2": _UNUSED},
    "noitom": _TRUNK
    | _MOTIONBUILDER
    | _MOTIONBUILDER_FINGERS
    | {f"{side}InHand{finger}": _UNUSED for side in _WORDS.values() for finger in _FINGER_JOINTS},
    "cmu_bvh": _TRUNK
    | _MOTIONBUILDER
    | _sided({"{S}HandIndex1": "middle_mcp"}, _WORDS)  # one bone for all four fingers
    | dict.fromkeys(("LHipJoint", "RHipJoint", "LowerBack", "Neck1", "LeftFingerBase", "RightFingerBase", "LThumb", "RThumb"), _UNUSED),
    "daz": {"hip": "pelvis", "abdomen": "spine", "chest": "chest", "neck": "neck", "head": "head"}
    | dict.fromkeys(("lButtock", "rButtock", "leftEye", "rightEye"), _UNUSED)
    | _sided(
        {
            "{S}Collar": "clavicle",
            "{S}Shldr": "shoulder",
            "{S}ForeArm": "elbow",
            "{S}Hand": "wrist",
            "{S}Thigh": "hip",
            "{S}Shin": "knee",
            "{S}Foot": "ankle",
            "{S}Toe": "toe",
            "{S}Mid1": "middle_mcp",
            "{S}Mid2": "middle_pip",
            "{S}Mid3": "middle_dip",
        },
        _SMALL_LETTERS,
    )
    | _fingers("{S}{finger}{k}", _SMALL_LETTERS, 3),
    "xsens": {"Hips": "pelvis", "Chest": "spine", "Chest2": _UNUSED, "Chest3": _UNUSED, "Chest4": "chest", "Neck": "neck", "Head": "head"}
    | _sided(
        {
            "{S}Collar": "clavicle",
            "{S}Shoulder": "shoulder",
            "{S}Elbow": "elbow",
            "{S}Wrist": "wrist",
            "{S}Hip": "hip",
            "{S}Knee": "knee",
            "{S}Ankle": "ankle",
            "{S}Toe": "toe",
        },
        _WORDS,
    ),
    "xsens_segments": {"Pelvis": "pelvis", "L5": "spine", "L3": _UNUSED, "T12": _UNUSED, "T8": "chest", "Neck": "neck", "Head": "head"}
    | _sided(
        {
            "{S}Shoulder": "clavicle",
            "{S}UpperArm": "shoulder",
            "{S}ForeArm": "elbow",
            "{S}Hand": "wrist",
            "{S}UpperLeg": "hip",
            "{S}LowerLeg": "knee",
            "{S}Foot": "ankle",
            "{S}Toe": "toe",
        },
        _WORDS,
    ),
    "bandai_namco": {"Hips": "pelvis", "Spine": "spine", "Chest": "chest", "Neck": "neck", "Head": "head"}
    | _sided(
        {
            "Shoulder_{S}": "clavicle",
            "UpperArm_{S}": "shoulder",
            "LowerArm_{S}": "elbow",
            "Hand_{S}": "wrist",
            "UpperLeg_{S}": "hip",
            "LowerLeg_{S}": "knee",
            "Foot_{S}": "ankle",
            "Toes_{S}": "toe",
        },
        _LETTERS,
    ),
    "smpl": {"Pelvis": "pelvis", "Spine1": "spine", "Torso": "spine", "Spine3": "chest", "Chest": "chest", "Neck": "neck", "Head": "head"}
    | _sided(
        {
            "{S}_Collar": "clavicle",
            "{S}_Thorax": "clavicle",
            "{S}_Shoulder": "shoulder",
            "{S}_Elbow": "elbow",
            "{S}_Wrist": "wrist",
            "{S}_Hip": "hip",
            "{S}_Knee": "knee",
            "{S}_Ankle": "ankle",
            "{S}_Foot": "toe",
            "{S}_Toe": "toe",
            "{S}_Hand": "middle_mcp",
        },
        _LETTERS,
    )
    | _fingers("{S}_{finger}{k}", _LETTERS, 3),
    "cmu": {"root": "pelvis", "lowerback": "spine", "upperback": "chest", "lowerneck": "neck", "head": "head", "head_end": "head_top"}
    | _sided(
        {
            "{S}clavicle": "clavicle",
            "{S}humerus": "shoulder",
            "{S}radius": "elbow",
            "{S}wrist": _UNUSED,  # halfway down the forearm, where it twists; the hand bends on it further on
            "{S}hand": "wrist",
            "{S}fingers": "middle_mcp",
            "{S}fingers_end": "middle_pip",
            "{S}thumb_end": "thumb_mcp",
            "{S}femur": "hip",
            "{S}tibia": "knee",
            "{S}foot": "ankle",
            "{S}toes": "toe",
        },
        _SMALL_LETTERS,
    ),
    # Estimators of keypoints (MediaPipe, COCO, OpenPose), and files whose joints have our own names.
    "keypoints": {name: name for name in LANDMARKS}
    | _sided({"{S}_foot_index": "toe", "{S}_big_toe": "toe", "{S}_index": "index_mcp", "{S}_pinky": "pinky_mcp"}, _LOWER)
    | {"mid_hip": "pelvis", "thorax": "neck"},
}


def plain_names(joint_names: Sequence[str]) -> list[str]:
    """The names without what stands before a colon (`mixamorig:Hips`) or before nearly all of them (`Robot_Hips`)."""
    plain = [name.rpartition(":")[2] for name in joint_names]
    first_words = [found[0] for name in plain if (found := _FIRST_WORD.match(name))]
    for word in sorted(set(first_words)):
        if first_words.count(word) > _COMMON_SHARE * len(plain) and word.rstrip("_. ").lower() not in _SIDE_WORDS:
            return [name.removeprefix(word) or name for name in plain]
    return plain


def landmark_columns(joint_names: Sequence[str], where: str, joint_map: str | None = None) -> tuple[str, dict[str, int]]:
    """The dialect that knows most of `joint_names`, and landmark -> column.

    Args:
        joint_names: of the file; what stands before a colon, or before most of the names, is passed over.
        where: file, for messages.
        joint_map: path to a user's own JSON object, joint -> landmark, instead of the dialects.

    Raises:
        FileFormatError: no dialect knows shoulder, elbow and wrist of the arms that are there, or the map does not fit.
    """
    plain = plain_names(joint_names)
    dialects = {joint_map: read_joint_map(joint_map, {*plain, *joint_names})} if joint_map else DIALECTS
    best = max(dialects, key=lambda dialect: sum(name in dialects[dialect] for name in plain))
    columns: dict[str, int] = {}
    for column, (name, full) in enumerate(zip(plain, joint_names, strict=True)):
        landmark = dialects[best].get(name) or dialects[best].get(full)
        if landmark and landmark not in columns:
            columns[landmark] = column
    arms = [[name for part in ("shoulder", "elbow", "wrist") if (name := f"{side}_{part}") not in columns] for side in SIDES]
    one_arm = sorted(map(len, arms)) == [0, 3]
    missing = [name for arm in arms for name in arm]
    if missing and not one_arm and not joint_map:
        raise FileFormatError(
            f"{where}: joint names not understood (nearest dialect {best!r} lacks {', '.join(missing)}). "
            f"Got: {', '.join(joint_names[:40])}. Dialects: {', '.join(DIALECTS)}. "
            "Name the landmarks yourself: source.joint_map=map.json, an object of joint -> landmark."
        )
    return best, columns


def read_joint_map(file: str, joints: set[str]) -> dict[str, str]:
    """A user's own map, joint -> landmark, of joints that the file has."""
    try:
        table = json.loads(Path(file).read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise FileFormatError(f"source.joint_map={file}: cannot be read as JSON ({error}).") from error
    usable = isinstance(table, dict) and all(isinstance(value, str) for value in table.values())
    require(usable, FileFormatError, f"{file}: wants a JSON object of joint -> landmark.")
    require_known(table.values(), file)
    for name in table:
        if name not in joints:
            raise UnknownNameError("joint", name, joints, file)
    return table
