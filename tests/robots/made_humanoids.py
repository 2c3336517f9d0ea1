"""Humanoids made up at random: joint orders, offsets, zero postures, link frames and roots that no real robot need have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from motion.transform import Array

Place = Sequence[float] | Array
AXES = dict(zip("xyz", np.eye(3), strict=True))
HIP = {"x": (-0.5, 0.8), "y": (-2.2, 0.7), "z": (-0.6, 0.6)}
SHOULDER = {"x": (-0.3, 2.7), "y": (-2.9, 1.2), "z": (-1.6, 1.6)}
WRIST = {"x": (-0.5, 0.5), "y": (-0.9, 0.9), "z": (-1.8, 1.8)}
WAIST = {"x": (-0.5, 0.5), "y": (-0.4, 0.9), "z": (-1.5, 1.5)}
ZERO = {
    "standing": {},
    "arms out": {"shoulder x": np.pi / 2},
    "arms forward": {"shoulder y": -np.pi / 2},
    "elbows bent": {"elbow": -np.pi / 2},
    "crouched": {"hip y": -0.4, "knee": 0.8, "ankle y": -0.4},
}
"""Posture at which all joints are at zero -> joint -> its angle from standing upright."""
TURNS = (Rotation.identity(), Rotation.from_euler("z", 90, degrees=True), Rotation.from_euler("x", -90, degrees=True))


@dataclass
class Made:
    """A robot in the making, standing upright: x forward, y left, z up.

    Attributes:
        truth: segment or fingertip -> link.
        root_turn: the root link's orientation in that world.
    """

    rng: np.random.Generator
    frames: str
    zero: dict[str, float]
    root_turn: Rotation
    poses: dict[str, tuple[Array, Rotation]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    truth: dict[str, str] = field(default_factory=dict)

    def link(self, name: str, place: Place, mass: float, centre: Place) -> None:
        """A link whose frame is turned in one of the ways in which authors turn them."""
        turn = Rotation.identity()
        if self.frames == "square":
            turn = Rotation.from_euler("xyz", self.rng.choice([0, 90, 180, 270], 3), degrees=True)
        if self.frames == "any":
            turn = Rotation.from_quat(self.rng.normal(size=4))
        if not self.poses:
            turn = self.root_turn
        self.poses[name] = (np.array(place, float), turn)
        x, y, z = turn.inv().apply(np.subtract(centre, place))
        self.lines.append(f'<link name="{name}"><inertial><origin xyz="{x} {y} {z}"/><mass value="{mass}"/></inertial></link>')

    def joint(self, parent: str, child: str, axis: Array, limits: tuple[float, float], what: str = "", kind: str = "revolute") -> None:
        """A joint; `what` it is decides where its zero lies."""
        zero = self.zero.get(what, 0.0)
        (p, turn_p), (q, turn_q) = self.poses[parent], self.poses[child]
        own = turn_q.inv().apply(axis)
        x, y, z = turn_p.inv().apply(q - p)
        turned = turn_p.inv() * turn_q * Rotation.from_rotvec(own / np.linalg.norm(own) * zero)
        sign = self.rng.choice([1.0, -1.0])
        lower, upper = sorted(sign * (limit - zero) for limit in limits)
        roll, pitch, yaw = turned.as_euler("xyz", suppress_warnings=True)
        a, b, c = sign * own
        self.lines.append(
            f'<joint name="to_{child}" type="{kind}"><parent link="{parent}"/><child link="{child}"/><axis xyz="{a} {b} {c}"/>'
            f'<origin xyz="{x} {y} {z}" rpy="{roll} {pitch} {yaw}"/><limit lower="{lower}" upper="{upper}"/></joint>'
        )


def mirrored_axis(axis: Array, sign: float) -> Array:
    """The axis about which the other side's joint turns by the same angle."""
    return np.asarray(axis if sign > 0 else axis * [-1.0, 1.0, -1.0])


def made_humanoid(seed: int, path: Path) -> Made:
    """Write a humanoid's URDF, with the same seed always the same."""
    rng = np.random.default_rng(seed)
    made = Made(rng, str(rng.choice(["", "square", "any"])), ZERO[str(rng.choice(list(ZERO)))], TURNS[rng.integers(len(TURNS))])
    made.link("pelvis", (0, 0, 0.05), 10, (0, 0, 0.05))
    height = _trunk(made)
    bones = rng.uniform([0.3, 0.3, 0.22, 0.18], [0.42, 0.42, 0.32, 0.28])
    orders = {part: str(rng.choice(choices)) for part, choices in _ORDERS.items()}
    slack = rng.uniform(-0.02, 0.02, (2, 3))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _leg(made, side, sign, orders, bones[:2], slack[0])
        _arm(made, side, sign, orders, bones[2:], slack[1], height)
    made.truth |= {"pelvis": "pelvis", "chest": "torso", "head": "head"}
    path.write_text(f"<robot name='made'>{''.join(made.lines)}</robot>")
    return made


def made_legs(path: Path) -> Made:
    """Write the URDF of legs under a pelvis, and nothing else."""
    made = Made(np.random.default_rng(0), "", ZERO["standing"], TURNS[0])
    made.link("pelvis", (0, 0, 0.05), 10, (0, 0, 0.05))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _leg(made, side, sign, {"hip": "zxy", "ankle": "yx"}, np.array([0.4, 0.4]), np.zeros(3))
    path.write_text(f"<robot name='legs'>{''.join(made.lines)}</robot>")
    return made


_ORDERS = {
    "hip": ["zxy", "yxz", "xzy", "xyz"],
    "ankle": ["yx", "xy", "y"],
    "shoulder": ["yxz", "xyz"],
    "wrist": ["", "z", "zy", "zx", "zxy", "zyz"],
    "hand": ["", "fingers"],
}


def _trunk(made: Made) -> float:
    """Waist, torso, neck and head; returns the shoulders' height."""
    height = float(made.rng.uniform(0.36, 0.5))
    order = str(made.rng.choice(["z", "zy", "zxy", "yxz"]))
    before = "pelvis"
    for number, letter in enumerate(order):
        last = number == len(order) - 1
        name, place = ("torso" if last else f"waist_{number}"), np.array([0, 0, 0.08 + 0.03 * number])
        made.link(name, place, 15 if last else 1, (0, 0, 0.25) if last else place)
        made.joint(before, name, AXES[letter], WAIST[letter])
        before = name
    made.link("neck", (0, 0, height + 0.06), 0.3, (0, 0, height + 0.07))
    made.joint("torso", "neck", AXES["z"], (-1.2, 1.2))
    made.link("head", (0, 0, height + 0.1), 2, (0.01, 0, height + 0.2))
    made.joint("neck", "head", AXES["y"], (-0.6, 0.6))
    return height


def _leg(made: Made, side: str, sign: float, orders: dict[str, str], bones: Array, slack: Array) -> None:
    hip, knee = np.array([0, 0.1 * sign, 0]), np.array([0, 0.1 * sign, -bones[0]])
    ankle, before = knee - [0, 0, bones[1]], "pelvis"
    for number, letter in enumerate(orders["hip"]):
        name = f"{side}_hip_{number}" if number < 2 else f"{side}_thigh"
        place = hip + slack * [1, sign, 1] * (number < 2)
        made.link(name, place, 1 + 4 * (number == 2), (hip + knee) / 2 if number == 2 else place)
        made.joint(before, name, mirrored_axis(AXES[letter], sign), HIP[letter], f"hip {letter}")
        before = name
    made.link(f"{side}_shank", knee, 3, (knee + ankle) / 2)
    made.joint(before, f"{side}_shank", AXES["y"], (-0.05, 2.3), "knee")
    before = f"{side}_shank"
    for number, letter in enumerate(orders["ankle"]):
        name = f"{side}_foot" if number == len(orders["ankle"]) - 1 else f"{side}_ankle"
        place = ankle - [0, 0, 0.02 * number]
        made.link(name, place, 1, place + [0.03, 0, -0.03])
        made.joint(before, name, mirrored_axis(AXES[letter], sign), (-0.9, 0.6) if letter == "y" else (-0.4, 0.4), f"ankle {letter}")
        before = name
    made.truth |= {f"{side}_{part}": f"{side}_{part}" for part in ("thigh", "shank", "foot")}


def _arm(made: Made, side: str, sign: float, orders: dict[str, str], bones: Array, slack: Array, height: float) -> None:
    shoulder = np.array([0, 0.19 * sign, height])
    elbow, before = shoulder - [0, 0, bones[0]], "torso"
    wrist = elbow - [0, 0, bones[1]]
    for number, letter in enumerate(orders["shoulder"]):
        name = f"{side}_shoulder_{number}" if number < 2 else f"{side}_upper_arm"
        place = shoulder + slack * [1, sign, 1] * (number == 0)
        made.link(name, place, 1, (shoulder + elbow) / 2 if number == 2 else place)
        made.joint(before, name, mirrored_axis(AXES[letter], sign), SHOULDER[letter], f"shoulder {letter}")
        before = name
    made.link(f"{side}_forearm", elbow, 1, elbow - [0, 0, 0.5 * bones[1]])
    made.joint(before, f"{side}_forearm", AXES["y"], (-2.4, 0.05), "elbow")
    before = f"{side}_forearm"
    for number, letter in enumerate(orders["wrist"]):
        name = f"{side}_hand" if number == len(orders["wrist"]) - 1 else f"{side}_wrist_{number}"
        place = (elbow + wrist) / 2 if number == 0 else wrist
        made.link(name, place, 0.3, wrist - [0, 0, 0.06] if name.endswith("hand") else place)
        made.joint(before, name, mirrored_axis(AXES[letter], sign), WRIST[letter])
        before = name
    made.truth |= {f"{side}_upper_arm": f"{side}_upper_arm", f"{side}_forearm": f"{side}_forearm", f"{side}_hand": before}
    if orders["hand"] and orders["wrist"]:
        _fingers(made, side, sign, before, wrist)


def _fingers(made: Made, side: str, sign: float, palm: str, wrist: Array) -> None:
    """Four fingers that close towards the thigh, and a thumb ahead of them."""
    closing = np.array([-sign, 0, 0])
    for finger, ahead in (("index", 0.03), ("middle", 0.01), ("ring", -0.01), ("pinky", -0.03)):
        before = palm
        for bone, below in enumerate((0.09, 0.125, 0.15)):
            name, place = f"{side}_{finger}_{bone}", wrist + [ahead, 0, -below]
            made.link(name, place, 0.01, place - [0, 0, 0.012])
            made.joint(before, name, closing, (-0.1, 1.6))
            before = name
        made.truth[f"{side}_{finger}_tip"] = before
    before = palm
    for bone, (axis, offset) in enumerate(
        zip(
            (np.array([0, 0, sign]), np.array([-0.3, 0, 1.0]), np.array([-0.3, 0, 1.0])),
            ((0.03, -0.015, -0.03), (0.045, -0.03, -0.05), (0.05, -0.035, -0.075)),
            strict=True,
        )
    ):
        name, where = f"{side}_thumb_{bone}", wrist + np.multiply(offset, [1, sign, 1])
        made.link(name, where, 0.01, where + np.multiply((0.005, -0.004, -0.012), [1, sign, 1]))
        made.joint(before, name, axis if bone == 0 else mirrored_axis(axis, sign), (-0.2, 1.3))
        before = name
    made.truth[f"{side}_thumb_tip"] = before
