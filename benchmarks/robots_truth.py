"""What `robots add` has to find: for every robot at hand the link of each segment, read off its URDF by hand.

Beside the links: which way is forward and up in the root's frame, which fingertip is on which link, and which way
elbows and knees bend about their joints' axes. A segment's orientation follows from these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from motion.transform import matrix_from_wxyz
from robots.onboard.anatomy import Anatomy
from robots.urdf import read_urdf
from robots.yaml_loader import default_packages

Links = frozenset[str]
_NAMED = ("left", "right")


@dataclass(frozen=True)
class Truth:
    """A robot as a person reads it.

    Attributes:
        urdf: package://... of an installed package, or data://... of the folder of test data.
        kind, side: as in `Anatomy`.
        segments: segment -> links that are right for it.
        forward, up: the root's axes, such as "+x".
        tips: landmark -> link that carries it.
        bends: "left_elbow" -> (joint, +1 or -1), the sign of its angle as it bends.
        named: whether it is one of those that have to be right without a hand edit.
    """

    urdf: str
    kind: str
    segments: Mapping[str, Links]
    forward: str = "+x"
    up: str = "+z"
    side: str = ""
    tips: Mapping[str, str] = field(default_factory=dict)
    bends: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    named: bool = True


def truth_path(truth: Truth, data: Path) -> Path | None:
    """A robot's URDF file; None where it is not at hand.

    Args:
        data: folder of the test data, which holds `robots/`.
    """
    kind, _, name = truth.urdf.partition("://")
    places = [data / "robots"] if kind == "data" else list(default_packages())
    return next((place / name for place in places if (place / name).is_file()), None)


def judge(anatomy: Anatomy, urdf: Path, truth: Truth) -> dict[str, str]:
    """Every thing asked for -> "" if it was found, else what was found instead."""
    out = {"kind": _wrong(f"{anatomy.kind} {anatomy.side}".strip(), f"{truth.kind} {truth.side}".strip())}
    if truth.kind != "hand":
        out |= {name: _wrong(_axis(getattr(anatomy, name)), getattr(truth, name)) for name in ("forward", "up")}
    for segment, links in truth.segments.items():
        found = anatomy.segments.get(segment)
        out[segment] = "" if found is not None and found.link in links else f"on {found.link if found else 'nothing'}"
    for landmark, link in truth.tips.items():
        point = anatomy.landmarks.get(landmark)
        out[landmark] = _wrong(point.frame if point else "nothing", link)
    axes = {joint.name: joint.axis for joint in read_urdf(urdf).joints}
    for hinge, (joint, sign) in truth.bends.items():
        out[f"{hinge} bends"] = _bends(anatomy, hinge, sign * axes[joint]) if joint in axes else f"there is no joint {joint}"
    return out


def _wrong(found: str, wanted: str) -> str:
    return "" if found == wanted else f"{found}, not {wanted}"


def _axis(vector: np.ndarray) -> str:
    main = int(np.abs(vector).argmax())
    return f"{'+' if vector[main] > 0 else '-'}{'xyz'[main]}" if abs(vector[main]) > 0.97 else str(np.round(vector, 2))


def _bends(anatomy: Anatomy, hinge: str, axis: np.ndarray) -> str:
    """Elbows bend about -y of the forearm's frame, knees about +y of the shank's."""
    side, _, part = hinge.partition("_")
    segment, sign = (f"{side}_forearm", -1) if part == "elbow" else (f"{side}_shank", 1)
    if segment not in anatomy.segments:
        return "not found"
    along = float(sign * matrix_from_wxyz(np.array(anatomy.segments[segment].wxyz))[:, 1] @ axis)
    return "" if along > 0.95 else f"{along:+.2f} along the axis, not +1"


def _both(words: tuple[str, str] = _NAMED, **links: str) -> dict[str, Links]:
    """Segments of both sides; `@` stands for the side's word, and a blank for "or"."""
    return {
        f"{side}_{part}": frozenset(names.replace("@", word).split())
        for side, word in zip(_NAMED, words, strict=True)
        for part, names in links.items()
    }


def _one(**links: str) -> dict[str, Links]:
    return {part: frozenset(names.split()) for part, names in links.items()}


def _tips(words: tuple[str, str] = _NAMED, **links: str) -> dict[str, str]:
    return {
        f"{side}_{finger}_tip": name.replace("@", word) for side, word in zip(_NAMED, words, strict=True) for finger, name in links.items()
    }


def _bend(words: tuple[str, str] = _NAMED, **joints: tuple[str, int, int]) -> dict[str, tuple[str, int]]:
    """Hinge -> (joint, left's sign, right's sign)."""
    return {
        f"{side}_{part}": (joint.replace("@", word), signs[number])
        for number, (side, word) in enumerate(zip(_NAMED, words, strict=True))
        for part, (joint, *signs) in joints.items()
    }


_EXAMPLES = "package://example-robot-data/robots"
_LR, _UP_LR, _ALEX = ("l", "r"), ("L", "R"), ("Left", "Right")

_G1 = _one(pelvis="pelvis", chest="torso_link", head="torso_link head_link") | _both(
    thigh="@_hip_yaw_link",
    shank="@_knee_link",
    foot="@_ankle_roll_link",
    upper_arm="@_shoulder_yaw_link",
    forearm="@_elbow_link",
    hand="@_wrist_yaw_link @_hand_palm_link @_rubber_hand",
)
_H1_2 = _G1 | _both(thigh="@_hip_roll_link")
_UNITREE_BENDS = _bend(elbow=("@_elbow_joint", -1, -1), knee=("@_knee_joint", 1, 1))
_INSPIRE = {finger: f"@_{finger}_intermediate" for finger in ("index", "middle", "ring", "pinky")} | {"thumb": "@_thumb_distal"}

_TALOS = _one(pelvis="base_link", chest="torso_2_link", head="head_2_link") | _both(
    thigh="leg_@_3_link",
    shank="leg_@_4_link",
    foot="leg_@_6_link",
    upper_arm="arm_@_3_link",
    forearm="arm_@_4_link",
    hand="arm_@_7_link gripper_@_base_link",
)
_TALOS_BENDS = _bend(elbow=("arm_@_4_joint", -1, -1), knee=("leg_@_4_joint", 1, 1))

_ICUB = _one(pelvis="base_link root_link", chest="chest", head="head") | _both(
    _LR,
    thigh="@_upper_leg",
    shank="@_lower_leg",
    foot="@_ankle_2 @_foot",
    upper_arm="@_shoulder_3 @_upper_arm",
    forearm="@_elbow_1 @_forearm",
    hand="@_hand",
)
_ICUB_BENDS = _bend(_LR, elbow=("@_elbow", 1, 1), knee=("@_knee", -1, -1))

_ROMEO = (
    _one(pelvis="base_link body", chest="torso", head="HeadRollLink HeadRoll_link")
    | _both(_LR, foot="@_ankle", hand="@_wrist")
    | _both(
        _UP_LR,
        thigh="@HipPitchLink @HipPitch_link",
        shank="@KneePitchLink @KneePitch_link",
        upper_arm="@ElbowRollLink @ElbowRoll_link",
        forearm="@ElbowYawLink @ElbowYaw_link",
    )
)
_ROMEO_BENDS = _bend(_UP_LR, elbow=("@ElbowYaw", -1, 1), knee=("@KneePitch", 1, 1))

_ALEX_ARMS = _one(pelvis="Pelvis", chest="Torso", head="Head") | _both(
    _ALEX,
    upper_arm="@ShoulderYawLink",
    forearm="@ElbowPitchLink",
    hand="@GripperYawLink @PsyonicAbilityBaseLink @_thumb_base @SakePalmLink",
)
_ALEX_BENDS = _bend(_ALEX, elbow=("@ElbowPitch", -1, -1))
_PSYONIC = {finger: f"@_{finger}_L2" for finger in ("thumb", "index", "middle", "ring", "pinky")}

_SIMPLE = (
    _one(pelvis="base_link BODY", chest="torso")
    | _both(_LR, foot="@_ankle", hand="@_wrist")
    | _both(_UP_LR, thigh="@LEG_LINK3", shank="@LEG_LINK4", upper_arm="@ARM_LINK3", forearm="@ARM_LINK4")
)
_SIMPLE_BENDS = _bend(_UP_LR, elbow=("@ARM_ELBOW", -1, -1), knee=("@LEG_KNEE", 1, 1))

_ALLEGRO_TIPS = {"thumb": "link_15.0", "index": "link_3.0", "middle": "link_7.0", "ring": "link_11.0"}


def _allegro(urdf: str, side: str, palm: str, first: str = "link_3.0") -> Truth:
    """The index finger is the one on the thumb's side, whatever it is called."""
    links = _ALLEGRO_TIPS if first == "link_3.0" else _ALLEGRO_TIPS | {"index": "link_11.0", "ring": "link_3.0"}
    return Truth(urdf, "hand", _one(**{f"{side}_hand": palm}), side=side, tips={f"{side}_{f}_tip": link for f, link in links.items()})


TRUTH: dict[str, Truth] = {
    "g1": Truth(f"{_EXAMPLES}/g1_description/urdf/g1_29dof_rev_1_0.urdf", "humanoid", _G1, bends=_UNITREE_BENDS),
    "g1_dex3": Truth(
        f"{_EXAMPLES}/g1_description/urdf/g1_29dof_with_hand_rev_1_0.urdf",
        "humanoid",
        _G1,
        tips=_tips(thumb="@_hand_thumb_2_link", index="@_hand_index_1_link", middle="@_hand_middle_1_link"),
        bends=_UNITREE_BENDS,
    ),
    "h1_2": Truth("data://unitree_h1_2_nomesh/h1_2.urdf", "humanoid", _H1_2, tips=_tips(_UP_LR, **_INSPIRE), bends=_UNITREE_BENDS),
    "h1_2_handless": Truth("data://unitree_h1_2_nomesh/h1_2_handless.urdf", "humanoid", _H1_2, bends=_UNITREE_BENDS),
    "talos": Truth(f"{_EXAMPLES}/talos_data/robots/talos_full_v2.urdf", "humanoid", _TALOS, bends=_TALOS_BENDS),
    "talos_reduced": Truth(f"{_EXAMPLES}/talos_data/robots/talos_reduced.urdf", "humanoid", _TALOS, bends=_TALOS_BENDS),
    "alex_psyonic": Truth(
        f"{_EXAMPLES}/alex_description/urdf/alex_psyonic_hands.urdf",
        "upper_body",
        _ALEX_ARMS,
        tips=_tips(_ALEX, **_PSYONIC),
        bends=_ALEX_BENDS,
    ),
    "alex_nub": Truth(f"{_EXAMPLES}/alex_description/urdf/alex_nub_hands.urdf", "upper_body", _ALEX_ARMS, bends=_ALEX_BENDS),
    "alex_sake": Truth(f"{_EXAMPLES}/alex_description/urdf/alex_sake_hands.urdf", "upper_body", _ALEX_ARMS, bends=_ALEX_BENDS),
    "icub": Truth(f"{_EXAMPLES}/icub_description/robots/icub.urdf", "humanoid", _ICUB, forward="-x", bends=_ICUB_BENDS),
    "icub_nomesh": Truth("data://icub_nomesh/model.urdf", "humanoid", _ICUB, forward="-x", bends=_ICUB_BENDS),
    "romeo": Truth(
        f"{_EXAMPLES}/romeo_description/urdf/romeo.urdf",
        "humanoid",
        _ROMEO,
        tips=_tips(_UP_LR, thumb="@Thumb3Link", index="@Finger33Link", middle="@Finger23Link", ring="@Finger13Link"),
        bends=_ROMEO_BENDS,
    ),
    "romeo_small": Truth(f"{_EXAMPLES}/romeo_description/urdf/romeo_small.urdf", "humanoid", _ROMEO, bends=_ROMEO_BENDS),
    "tiago_pro": Truth(
        f"{_EXAMPLES}/tiago_pro_description/robots/tiago_pro.urdf",
        "upper_body",
        _one(pelvis="base_footprint base_link", chest="torso_lift_link", head="head_2_link")
        | _both(upper_arm="arm_@_3_link", forearm="arm_@_4_link", hand="arm_@_7_link gripper_@_base_link"),
        bends=_bend(elbow=("arm_@_4_joint", -1, -1)),
    ),
    "poppy": Truth(
        "data://poppy_humanoid_nomesh/poppy_humanoid.urdf",
        "humanoid",
        _one(pelvis="pelvis", chest="chest", head="head")
        | _both(_LR, thigh="@_thigh", shank="@_shin", foot="@_foot", upper_arm="@_upper_arm", forearm="@_forearm", hand="@_forearm"),
        forward="-y",
        # The left knee's limits are those of a knee that bends forward; the right one's are right.
        bends=_bend(_LR, elbow=("@_elbow_y", -1, 1), knee=("@_knee_y", -1, -1)),
    ),
    "allegro_right": _allegro(f"{_EXAMPLES}/allegro_hand_description/urdf/allegro_right_hand.urdf", "right", "palm_link"),
    "allegro_left": _allegro(f"{_EXAMPLES}/allegro_hand_description/urdf/allegro_left_hand.urdf", "left", "palm_link"),
    "allegro_right_dex": _allegro("data://allegro_hand/allegro_hand_right.urdf", "right", "base_link palm"),
    "allegro_left_dex": _allegro("data://allegro_hand/allegro_hand_left.urdf", "left", "base_link palm", "link_11.0"),
    "shadow_right": Truth(
        "data://shadow_hand/shadow_hand_right.urdf",
        "hand",
        _one(right_hand="palm"),
        side="right",
        tips={
            f"right_{finger}_tip": f"{word}distal"
            for finger, word in {"thumb": "th", "index": "ff", "middle": "mf", "ring": "rf", "pinky": "lf"}.items()
        },
    ),
    "human": Truth(
        f"{_EXAMPLES}/human_description/robots/human.urdf",
        "humanoid",
        _one(pelvis="middle_pelvis", chest="middle_thorax", head="middle_head")
        | _both(
            thigh="@_upperleg",
            shank="@_lowerleg",
            foot="@_foot",
            upper_arm="@_upperarm",
            forearm="@_lowerarm_virtual @_lowerarm",
            hand="@_hand",
        ),
        up="+y",
        bends=_bend(elbow=("@_elbow_Z", 1, 1), knee=("@_knee_Z", 1, 1)),
        named=False,
    ),
    "simple_humanoid": Truth(
        f"{_EXAMPLES}/simple_humanoid_description/urdf/simple_humanoid.urdf", "humanoid", _SIMPLE, bends=_SIMPLE_BENDS, named=False
    ),
    "pr2": Truth(
        f"{_EXAMPLES}/pr2_description/urdf/pr2.urdf",
        "upper_body",
        _one(pelvis="base_footprint base_link", chest="torso_lift_link", head="head_tilt_link")
        | _both(_LR, upper_arm="@_upper_arm_roll_link @_upper_arm_link", forearm="@_elbow_flex_link", hand="@_wrist_roll_link"),
        bends=_bend(_LR, elbow=("@_elbow_flex_joint", -1, -1)),
        named=False,
    ),
    "baxter": Truth(
        f"{_EXAMPLES}/baxter_description/urdf/baxter.urdf",
        "upper_body",
        _one(pelvis="base torso pedestal", chest="base torso", head="head")
        | _both(upper_arm="@_upper_elbow", forearm="@_lower_elbow", hand="@_wrist"),
        bends=_bend(elbow=("@_e1", 1, 1)),
        named=False,
    ),
    "tiago_dual": Truth(
        f"{_EXAMPLES}/tiago_description/robots/tiago_dual.urdf",
        "upper_body",
        _one(pelvis="base_footprint base_link", chest="torso_lift_link", head="head_2_link")
        | _both(upper_arm="arm_@_3_link", forearm="arm_@_4_link", hand="arm_@_7_link"),
        tips=_tips(
            thumb="hand_@_thumb_flex_2_link",
            index="hand_@_index_flex_3_link",
            middle="hand_@_middle_flex_3_link",
            ring="hand_@_ring_flex_3_link",
            pinky="hand_@_little_flex_3_link",
        ),
        bends=_bend(elbow=("arm_@_4_joint", 1, 1)),
        named=False,
    ),
    "centauro": Truth(
        f"{_EXAMPLES}/centauro_description/urdf/centauro.urdf",
        "upper_body",
        _one(pelvis="pelvis", chest="torso_2", head="velodyne_motor d435_head_motor")
        | _both(("1", "2"), upper_arm="arm@_3", forearm="arm@_4", hand="arm@_6"),
        bends=_bend(("1", "2"), elbow=("j_arm@_4", -1, -1)),
        named=False,
    ),
    "alexander_legs": Truth(
        f"{_EXAMPLES}/alexander_description/urdf/alexander_v1.lowerBodyOnly.urdf",
        "lower_body",
        _one(pelvis="PELVIS_LINK") | _both(("LEFT", "RIGHT"), thigh="@_THIGH", shank="@_SHIN", foot="@_FOOT"),
        bends=_bend(("LEFT", "RIGHT"), knee=("@_KNEE_Y", 1, 1)),
        named=False,
    ),
}

NO_HUMANOIDS: tuple[str, ...] = tuple(
    f"{_EXAMPLES}/{name}.urdf"
    for name in (
        *(f"ur_description/urdf/{name}" for name in ("ur3_gripper", "ur3_robot", "ur5_gripper", "ur5_robot", "ur10_robot", "ur3")),
        *(f"anymal_b_simple_description/robots/{name}" for name in ("anymal", "anymal-kinova")),
        *(f"b1_description/urdf/{name}" for name in ("b1", "b1-z1")),
        *(f"solo_description/robots/{name}" for name in ("solo", "solo12")),
        *(f"so_arm_description/urdf/{name}" for name in ("so100", "so101")),
        *(f"tiago_description/robots/{name}" for name in ("tiago", "tiago_no_hand")),
        *(f"double_pendulum_description/urdf/{name}" for name in ("double_pendulum", "double_pendulum_continuous")),
        *(f"iris_description/robots/{name}" for name in ("iris", "iris_simple")),
        "a1_description/urdf/a1",
        "anymal_c_simple_description/urdf/anymal",
        "asr_twodof_description/urdf/TwoDofs",
        "borinot_description/urdf/borinot_flying_arm_2",
        "finger_edu_description/robots/finger_edu",
        "go1_description/urdf/go1",
        "go2_description/urdf/go2",
        "hector_description/robots/quadrotor_base",
        "hextilt_description/urdf/hextilt_flying_arm_5",
        "hyq_description/robots/hyq_no_sensors",
        "kinova_description/robots/kinova",
        "laikago_description/urdf/laikago",
        "panda_description/urdf/panda",
        "quadruped_description/urdf/quadruped",
        "talos_data/robots/talos_left_arm",
        "xarm_description/urdf/xarm7",
        "z1_description/urdf/z1",
    )
)
"""Arms, quadrupeds, drones and pendulums, which are to be refused."""
