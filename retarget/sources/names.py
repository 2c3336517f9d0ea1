"""Joint names of the formats, mapped to the landmark vocabulary; and the joint orders of files that carry no names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from motion.errors import FileFormatError, UnknownNameError, require
from motion.landmarks import FINGERS, SIDES, require_known

_FINGER_JOINTS = {"Thumb": ("cmc", "mcp", "ip", "tip")} | dict.fromkeys(("Index", "Middle", "Ring", "Pinky"), ("mcp", "pip", "dip", "tip"))


def _sided(table: Mapping[str, str], patterns: Mapping[str, str]) -> dict[str, str]:
    """Spell out a table for both sides: `{S}` in a joint name becomes the format's word for the side."""
    return {joint.replace("{S}", patterns[side]): f"{side}_{name}" for side in SIDES for joint, name in table.items()}


def _fingers(pattern: str, words: Mapping[str, str], joints_n: int) -> dict[str, str]:
    return {
        pattern.format(S=words[side], finger=finger, k=k + 1): f"{side}_{finger.lower()}_{_FINGER_JOINTS[finger][k]}"
        for side in SIDES
        for finger in _FINGER_JOINTS
        for k in range(joints_n)
    }


_WORDS = {"left": "Left", "right": "Right"}
_LETTERS = {"left": "L", "right": "R"}

DIALECTS: dict[str, dict[str, str]] = {
    "lafan1": {"Hips": "pelvis", "Spine": "spine", "Spine1": "chest", "Neck": "neck", "Head": "head"}
    | _sided(
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
    | _fingers("{S}Hand{finger}{k}", _WORDS, 4),
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
            "{S}wrist": "wrist",
            "{S}fingers": "middle_mcp",
            "{S}fingers_end": "middle_pip",
            "{S}thumb_end": "thumb_mcp",
            "{S}femur": "hip",
            "{S}tibia": "knee",
            "{S}foot": "ankle",
            "{S}toes": "toe",
        },
        {"left": "l", "right": "r"},
    ),
}


def _cmu_side(s: str) -> tuple[list[str], list[str]]:
    leg = [f"{s}hipjoint", f"{s}femur", f"{s}tibia", f"{s}foot", f"{s}toes", f"{s}toes_end"]
    arm = [
        f"{s}clavicle",
        f"{s}humerus",
        f"{s}radius",
        f"{s}wrist",
        f"{s}hand",
        f"{s}fingers",
        f"{s}fingers_end",
        f"{s}thumb",
        f"{s}thumb_end",
    ]
    return leg, arm


_SMPL_24 = (
    "Pelvis L_Hip R_Hip Spine1 L_Knee R_Knee Spine2 L_Ankle R_Ankle Spine3 L_Foot R_Foot Neck L_Collar R_Collar Head "
    "L_Shoulder R_Shoulder L_Elbow R_Elbow L_Wrist R_Wrist L_Hand R_Hand"
).split()
_LAFAN_22 = (
    "Hips RightUpLeg RightLeg RightFoot RightToeBase LeftUpLeg LeftLeg LeftFoot LeftToeBase Spine Spine1 Spine2 Neck Head "
    "RightShoulder RightArm RightForeArm RightHand LeftShoulder LeftArm LeftForeArm LeftHand"
).split()
_MOCAP_ARM = [
    "{S}Shoulder",
    "{S}Arm",
    "{S}ForeArm",
    "{S}Hand",
    *(f"{{S}}Hand{finger.capitalize()}{k}" for finger in FINGERS for k in (1, 2, 3)),
]

ORDERS: dict[str, tuple[str, ...]] = {
    "smpl_24": tuple(_SMPL_24),
    "lafan_22": tuple(_LAFAN_22),
    "mocap_53": (
        *("Hips", "Spine", "Spine1", "Neck", "Head"),
        *(name.replace("{S}", side) for side in ("Left", "Right") for name in _MOCAP_ARM),
        *(f"{side}{part}" for side in ("Left", "Right") for part in ("UpLeg", "Leg", "Foot", "ToeBase")),
        *("LeftFootMod", "RightFootMod"),
    ),
    "cmu_38": (
        "root",
        *_cmu_side("l")[0],
        *_cmu_side("r")[0],
        *("lowerback_base", "lowerback", "upperback", "lowerneck", "upperneck", "head", "head_end"),
        *_cmu_side("l")[1],
        *_cmu_side("r")[1],
    ),
}


def landmark_columns(joint_names: Sequence[str], where: str, joint_map: str | None = None) -> tuple[str, dict[str, int]]:
    """The dialect that knows most of `joint_names`, and landmark -> column.

    Args:
        joint_names: of the file; a prefix that ends in a colon is passed over.
        where: file, for messages.
        joint_map: path to a user's own JSON object, joint -> landmark, instead of the dialects.

    Raises:
        FileFormatError: no dialect knows the shoulders, elbows and wrists of both sides, or the map does not fit.
    """
    plain = [name.rpartition(":")[2] for name in joint_names]
    dialects = {joint_map: _own_dialect(joint_map, {*plain, *joint_names})} if joint_map else DIALECTS
    best = max(dialects, key=lambda dialect: sum(name in dialects[dialect] for name in plain))
    columns: dict[str, int] = {}
    for column, (name, full) in enumerate(zip(plain, joint_names, strict=True)):
        landmark = dialects[best].get(name) or dialects[best].get(full)
        if landmark and landmark not in columns:
            columns[landmark] = column
    missing = [f"{side}_{part}" for side in SIDES for part in ("shoulder", "elbow", "wrist") if f"{side}_{part}" not in columns]
    if missing and not joint_map:
        raise FileFormatError(
            f"{where}: joint names not understood (nearest dialect {best!r} lacks {', '.join(missing)}). "
            f"Got: {', '.join(joint_names[:40])}. Dialects: {', '.join(DIALECTS)}. "
            "Name the landmarks yourself: source.joint_map=map.json, an object of joint -> landmark."
        )
    return best, columns


def _own_dialect(file: str, joints: set[str]) -> dict[str, str]:
    """A user's own map, joint -> landmark."""
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
