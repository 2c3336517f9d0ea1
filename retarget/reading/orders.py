"""Joint orders of files that carry no names: bodies, whole bodies and hands, and what each format defines beside the order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from motion.landmarks import FINGERS, SIDES, hand_landmarks
from retarget.reading.average_hand import finger_chain


@dataclass(frozen=True)
class Traits:
    """What a format defines beside its order.

    Attributes:
        unit_m, up: its unit and vertical axis; None where files differ.
        estimated: whether its positions are guessed from pictures, so that bones breathe and image coordinates may be meant.
    """

    unit_m: float | None = None
    up: str | None = None
    estimated: bool = False


MEASURED = Traits()


def _both(*names: str) -> tuple[str, ...]:
    """Left and right of each name in turn."""
    return tuple(f"{side}_{name}" for name in names for side in SIDES)


def _each(side: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{side}_{name}" for name in names)


_SMPL_22 = tuple(
    "Pelvis L_Hip R_Hip Spine1 L_Knee R_Knee Spine2 L_Ankle R_Ankle Spine3 L_Foot R_Foot Neck L_Collar R_Collar Head "
    "L_Shoulder R_Shoulder L_Elbow R_Elbow L_Wrist R_Wrist".split()
)


def _smpl_fingers(side: str) -> tuple[str, ...]:
    return tuple(f"{side}_{finger}{k}" for finger in ("Index", "Middle", "Pinky", "Ring", "Thumb") for k in (1, 2, 3))


_SMPL_FINGERS = (*_smpl_fingers("L"), *_smpl_fingers("R"))
_OMOMO_ARM = ("Thorax", "Shoulder", "Elbow", "Wrist")
_LAFAN_22 = tuple(
    "Hips RightUpLeg RightLeg RightFoot RightToeBase LeftUpLeg LeftLeg LeftFoot LeftToeBase Spine Spine1 Spine2 Neck Head "
    "RightShoulder RightArm RightForeArm RightHand LeftShoulder LeftArm LeftForeArm LeftHand".split()
)
_MOCAP_ARM = ("Shoulder", "Arm", "ForeArm", "Hand", *(f"Hand{finger.capitalize()}{k}" for finger in FINGERS for k in (1, 2, 3)))
_CMU_LEG = ("hipjoint", "femur", "tibia", "foot", "toes", "toes_end")
_CMU_ARM = ("clavicle", "humerus", "radius", "wrist", "hand", "fingers", "fingers_end", "thumb", "thumb_end")

_COCO_17 = ("nose", *_both("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"))
_COCO_FEET = tuple(name for side in SIDES for name in _each(side, "big_toe", "small_toe", "heel"))
_MEDIAPIPE_33 = (
    "nose",
    *(name for side in SIDES for name in _each(side, "eye_inner", "eye", "eye_outer")),
    *_both("ear"),
    *("mouth_left", "mouth_right"),
    *_both("shoulder", "elbow", "wrist", "pinky", "index", "thumb", "hip", "knee", "ankle", "heel", "foot_index"),
)

ORDERS: dict[str, tuple[str, ...]] = {
    "smpl_24": (*_SMPL_22, "L_Hand", "R_Hand"),
    "smpl_22": _SMPL_22,
    "smplh_52": (*_SMPL_22, *_SMPL_FINGERS),
    "smplx_55": (*_SMPL_22, "Jaw", "L_Eye", "R_Eye", *_SMPL_FINGERS),
    "omomo_52": (
        "Pelvis",
        *(f"{side}_{part}" for side in "LR" for part in ("Hip", "Knee", "Ankle", "Toe")),
        *("Torso", "Spine", "Chest", "Neck", "Head"),
        *(name for side in "LR" for name in (*(f"{side}_{part}" for part in _OMOMO_ARM), *_smpl_fingers(side))),
    ),
    "lafan_22": _LAFAN_22,
    "mocap_53": (
        *("Hips", "Spine", "Spine1", "Neck", "Head"),
        *(f"{side}{part}" for side in ("Left", "Right") for part in _MOCAP_ARM),
        *(f"{side}{part}" for side in ("Left", "Right") for part in ("UpLeg", "Leg", "Foot", "ToeBase")),
        *("LeftFootMod", "RightFootMod"),
    ),
    "cmu_38": (
        "root",
        *(f"{side}{part}" for side in "lr" for part in _CMU_LEG),
        *("lowerback_base", "lowerback", "upperback", "lowerneck", "upperneck", "head", "head_end"),
        *(f"{side}{part}" for side in "lr" for part in _CMU_ARM),
    ),
    "mediapipe_33": _MEDIAPIPE_33,
    "coco_17": _COCO_17,
    "coco_wholebody_133": (
        *_COCO_17,
        *_COCO_FEET,
        *(f"face_{k}" for k in range(68)),
        *(f"{name}_of_hand" if name.endswith("wrist") else name for side in SIDES for name in hand_landmarks(side)),
    ),
    "halpe_26": (*_COCO_17, "head_top", "neck", "pelvis", *_both("big_toe", "small_toe", "heel")),
    "openpose_25": (
        *("nose", "neck"),
        *(name for side in ("right", "left") for name in _each(side, "shoulder", "elbow", "wrist")),
        *("pelvis", *(name for side in ("right", "left") for name in _each(side, "hip", "knee", "ankle"))),
        *("right_eye", "left_eye", "right_ear", "left_ear"),
        *(name for side in SIDES for name in _each(side, "big_toe", "small_toe", "heel")),
    ),
    "h36m_17": (
        "pelvis",
        *(name for side in ("right", "left") for name in _each(side, "hip", "knee", "ankle")),
        *("spine", "neck", "head", "head_top"),
        *(name for side in SIDES for name in _each(side, "shoulder", "elbow", "wrist")),
    ),
}
"""Name of an order -> names of its joints, which `names.DIALECTS` understand. Coordinates in a space of 3 dimensions, never pixels."""

ORDER_TRAITS: Mapping[str, Traits] = {
    "mediapipe_33": Traits(unit_m=1.0, up="-y", estimated=True),
    **dict.fromkeys(("coco_17", "coco_wholebody_133", "halpe_26", "openpose_25", "h36m_17"), Traits(estimated=True)),
}


_BY_FINGER = tuple(joint for finger in FINGERS for joint in finger_chain(finger))
_WITH_METACARPALS = tuple(
    joint for finger in FINGERS for joint in (*(() if finger == "thumb" else (f"{finger}_metacarpal",)), *finger_chain(finger))
)
_MANO_FINGERS = ("index", "middle", "pinky", "ring", "thumb")
_MANO_16 = ("wrist", *(joint for finger in _MANO_FINGERS for joint in finger_chain(finger)[:3]))

HAND_ORDERS: dict[str, tuple[str, ...]] = {
    "mediapipe_21": ("wrist", *_BY_FINGER),
    "mano_21": (*_MANO_16, *(f"{finger}_tip" for finger in FINGERS)),
    "mano_16": _MANO_16,
    "interhand_21": (*(joint for finger in FINGERS for joint in reversed(finger_chain(finger))), "wrist"),
    "aria_21": (
        *(f"{finger}_tip" for finger in FINGERS),
        *("wrist", "thumb_mcp", "thumb_ip"),
        *(joint for finger in FINGERS[1:] for joint in finger_chain(finger)[:3]),
        "palm",
    ),
    "webxr_25": ("wrist", *_WITH_METACARPALS),
    "openxr_26": ("palm", "wrist", *_WITH_METACARPALS),
    "visionos_27": ("wrist", *_WITH_METACARPALS, "forearm_wrist", "forearm_arm"),
}
"""Orders of one hand's joints, without the side. MANUS gloves and EgoDex order their 25 as WebXR does."""

HEADSET = Traits(unit_m=1.0, up="y")
HAND_TRAITS: Mapping[str, Traits] = {"openxr_26": HEADSET, "visionos_27": HEADSET, "mediapipe_21": Traits(estimated=True)}
