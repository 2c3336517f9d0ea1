"""A robot.yaml drafted from a URDF: what its body is, how it stands at ease, on what soles, moved by what motors."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from motion.landmarks import SIDES
from motion.transform import Array, matrix_from_wxyz
from robots.kinematics import Kinematics
from robots.onboard.analyse import analyse
from robots.onboard.anatomy import Anatomy
from robots.onboard.motors import Motor, propose_limits, propose_motors
from robots.onboard.overlaps import Room, links_below
from robots.onboard.packages import find_packages, lost_meshes, urdf_entry
from robots.onboard.rest import ARMS_OUT_RAD, Rest, find_rest
from robots.onboard.soles import FoundSole, find_sole
from robots.onboard.stance import height_without_soles, landmarks_of
from robots.robot import FramePoint, Robot
from robots.stand_ins import MOSTLY_BARE, engine_urdf, shaped_share
from robots.urdf import Urdf, read_urdf
from robots.yaml_loader import default_packages, robot_from

_FARTHER_RAD, _FARTHEST_RAD, _ROOM_M = 0.06, 0.5, 0.01
_OFF_DEG = 25.0
_SURE = 0.5
_ORDER = (
    *("urdf", "description", "packages", "missing_meshes", "base_height_m", "rest_rad", "landmarks", "soles"),
    *("speed_radps", "effort_nm", "motors", "no_collision"),
)
_DIGITS = {"rest": 3, "place": 4}


@dataclass(frozen=True)
class Part:
    """One line of the report: a segment, the link that stands for it, how sure that is (0..1), and what to know of it."""

    name: str
    link: str
    confidence: float
    remark: str = ""


@dataclass(frozen=True)
class Draft:
    """A drafted robot.

    Attributes:
        keys: of robot.yaml, in order.
        anatomy: what the URDF is a body of.
        robot: as `keys` describe it.
        parts: segments and soles, one by one.
        unsure: sentences, each saying what should be looked at.
    """

    keys: Mapping[str, Any]
    anatomy: Anatomy
    robot: Robot
    parts: tuple[Part, ...]
    unsure: tuple[str, ...]


def draft(urdf: Path, folder: Path, packages: Sequence[Path] = (), anatomy: Anatomy | None = None, name: str = "") -> Draft:
    """Draft the robot.yaml of a URDF, to be written to `folder`; nothing is written here.

    Args:
        urdf: the file.
        folder: where robot.yaml is to lie.
        packages: folders in which `package://` is resolved, beside those that are found.
        anatomy: what the URDF is a body of, where that is known; its root's z is up.
        name: of the robot; the URDF's by default.

    Raises:
        RobotError: no URDF, or neither a humanoid nor a hand.
    """
    work = _Drafting(urdf, folder, packages, anatomy)
    work.keys["description"] = _description(name or urdf.stem, work.anatomy, work.text)
    work.find_meshes()
    work.stand()
    work.place_landmarks()
    work.limit()
    work.drive()
    return work.done()


class _Drafting:
    """A draft in the making: `keys` grow step by step, and so does what is unsure."""

    def __init__(self, urdf: Path, folder: Path, packages: Sequence[Path], anatomy: Anatomy | None) -> None:
        self.urdf, self.folder, self.text = urdf, folder, read_urdf(urdf)
        self.packages = find_packages(urdf, packages)
        self.anatomy = anatomy or analyse(urdf, (*self.packages, *default_packages()))
        self.keys: dict[str, Any] = {"urdf": urdf_entry(urdf, folder)}
        self.unsure = list(self.anatomy.unsure)
        self.soles: dict[str, FoundSole] = {}
        self.rest = Rest(np.zeros(0), {})

    def robot(self) -> Robot:
        """The robot as far as it is known; limits of speed and effort that are not yet known do not matter."""
        free = {key: {".*": 1.0} for key in ("speed_radps", "effort_nm") if key not in self.keys}
        return robot_from(free | _without_empty(self.keys), self.folder)

    def find_meshes(self) -> None:
        """Where `package://` is; boxes where mesh files, or any shapes at all, are missing."""
        if self.packages:
            self.keys["packages"] = [os.path.relpath(path, self.folder.resolve()) for path in self.packages]
        lost = lost_meshes(self.urdf, (*self.packages, *default_packages()))
        shaped = shaped_share(engine_urdf(self.urdf), "collision")
        if lost:
            self._let_boxes_stand_in(f"{len(lost)} of {len(self.text.meshes)} mesh files are missing (the first: {lost[0]})")
        elif shaped < MOSTLY_BARE:
            self._let_boxes_stand_in(f"{1 - shaped:.0%} of the bodies have no collision shapes")

    def _let_boxes_stand_in(self, because: str) -> None:
        self.keys["missing_meshes"] = "stand_in"
        self.unsure.append(f"{because}: boxes with the links' inertia stand in for them, in pictures, in simulation and for self-contact.")

    def stand(self) -> None:
        """Soles, the posture of standing on them at ease, and links that overlap around it."""
        robot = self.robot()
        self.soles = _soles(robot, self.anatomy)
        if not all(sole.solid for sole in self.soles.values()) and "missing_meshes" not in self.keys:
            self._let_boxes_stand_in("The feet have no collision shapes")
        room = Room(robot)
        self.rest = _rest_with_room(room, robot, self.anatomy, self.soles)
        pairs = room.nearly_always(self.rest.joint_rad)
        joints = zip(robot.joint_names, self.rest.joint_rad, strict=True)
        self.keys["rest_rad"] = {name: round(float(q), _DIGITS["rest"]) + 0.0 for name, q in joints}
        self.keys["soles"] = {side: _sole_keys(self.anatomy.segments[f"{side}_foot"].link, sole) for side, sole in self.soles.items()}
        self.unsure += [f"The {side} sole is {sole.remark}." for side, sole in self.soles.items() if sole.confidence < _SURE]
        self.keys["no_collision"] = [list(pair) for pair in self._on_both_sides(pairs)]
        for name, off in self.rest.off_deg.items():
            if off > _OFF_DEG:
                self.unsure.append(f"At rest {name} is {off:.0f} degrees from how it should hang: its joints do not go there.")

    def _on_both_sides(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Pairs of links, and their mirror images where both links have one."""
        child = {joint.name: joint.child for joint in self.text.joints}
        other = {child[a]: child[b] for a, b in partners(self.anatomy).items()}
        trunk = {self.text.root, *(child[name] for part in ("trunk", "neck") for name in self.anatomy.chains.get(part, ()))}
        other |= {link: link for link in trunk}
        mirrored = {tuple(sorted(other[link] for link in pair)) for pair in pairs if set(pair) <= other.keys()}
        return sorted((first, second) for first, second in {*pairs, *mirrored})

    def place_landmarks(self) -> None:
        """Landmarks, and how high a root without soles stands."""
        robot = self.robot()
        marks = landmarks_of(robot, self.anatomy, self.soles)
        height, why = height_without_soles(robot, self.anatomy, marks)
        self.keys |= height
        self.unsure += [why] if why else []
        self.keys["landmarks"] = {name: _place(point) for name, point in marks.items()}

    def limit(self) -> None:
        """Speed and effort in the place of placeholders; joints that cannot move."""
        robot = self.robot()
        limits = propose_limits(robot, self.anatomy, self.text.joints, leg_length_m(robot, self.anatomy))
        self.keys["speed_radps"] = _either_side(self.anatomy, limits.speed_radps)
        self.keys["effort_nm"] = _either_side(self.anatomy, limits.effort_nm)
        stuck = [name for name, low, high in zip(robot.joint_names, robot.lower_rad, robot.upper_rad, strict=True) if low == high]
        if stuck:
            words = "have no range, or lose it to joints that mimic them"
            self.unsure.append(f"{len(stuck)} joints {words}, and cannot move: {', '.join(stuck)}. Correct their limits in the URDF.")
        self.unsure += limits.remarks

    def drive(self) -> None:
        """Motors."""
        self.keys["motors"] = _motors(self.anatomy, propose_motors(self.robot()))

    def done(self) -> Draft:
        """The draft, its robot loaded as robot.yaml will have it."""
        keys = _without_empty(self.keys)
        parts = _parts(self.anatomy, self.rest, self.soles)
        return Draft(keys, self.anatomy, robot_from(keys, self.folder), parts, tuple(self.unsure))


def _description(name: str, anatomy: Anatomy, text: Urdf) -> str:
    kind = {"upper_body": "upper body", "lower_body": "lower body"}.get(anatomy.kind, anatomy.kind)
    moving = sum(joint.mimic is None for joint in text.joints)
    return f"{anatomy.side + ' ' if anatomy.side else ''}{kind}, {moving} joints, from {name}.urdf"


def _soles(robot: Robot, anatomy: Anatomy) -> dict[str, FoundSole]:
    soles = {}
    for side in SIDES:
        foot = anatomy.segments.get(f"{side}_foot")
        if foot is None or f"{side}_ankle" not in anatomy.landmarks:
            continue
        ankle = anatomy.landmarks[f"{side}_ankle"]
        poses = Kinematics(robot).frame_poses([foot.link, ankle.frame], robot.rest_rad)[0]
        place = (poses[0].inverse() @ poses[1]).apply(np.array(ankle.offset_m))
        soles[side] = find_sole(robot, foot.link, matrix_from_wxyz(np.array(foot.wxyz)), place, leg_length_m(robot, anatomy))
    return soles


def leg_length_m(robot: Robot, anatomy: Anatomy) -> float:
    """Hip to knee to ankle; 0 for a robot without legs."""
    names = [f"left_{part}" for part in ("hip", "knee", "ankle")]
    if not set(names) <= anatomy.landmarks.keys():
        return 0.0
    points = [FramePoint(anatomy.landmarks[name].frame, anatomy.landmarks[name].offset_m) for name in names]
    place = Kinematics(robot).point_positions(points, robot.rest_rad)[0]
    return float(np.linalg.norm(np.diff(place, axis=0), axis=1).sum())


def _rest_with_room(room: Room, robot: Robot, anatomy: Anatomy, soles: Mapping[str, FoundSole]) -> Rest:
    """The rest posture, the arms as far out as it takes for forearms and hands to touch nothing."""
    turned = {f"{side}_foot": sole.axes for side, sole in soles.items()}
    out = ARMS_OUT_RAD
    rest = first = find_rest(robot, anatomy, turned, out)
    arms = _arm_links(robot, anatomy)
    while arms and room.clearance(arms, rest.joint_rad) < _ROOM_M:
        out += _FARTHER_RAD
        if out > _FARTHEST_RAD:
            return first
        rest = find_rest(robot, anatomy, turned, out, rest.joint_rad)
    return rest


def _arm_links(robot: Robot, anatomy: Anatomy) -> set[str]:
    """The links of forearms and hands, with all that they carry."""
    elbows = [found.link for side in SIDES if (found := anatomy.segments.get(f"{side}_forearm")) is not None]
    return {link for elbow in elbows for link in links_below(robot.urdf, elbow)}


def _sole_keys(link: str, sole: FoundSole) -> dict[str, Any]:
    return {"frame": link, "heel_m": _rounded(sole.heel_m), "toe_m": _rounded(sole.toe_m), "width_m": round(sole.width_m, 3)}


def _rounded(values: Array | Sequence[float]) -> list[float]:
    return [round(float(value), _DIGITS["place"]) + 0.0 for value in values]


def _place(point: FramePoint) -> str | list[Any]:
    offset = _rounded(point.offset_m)
    return [point.frame, *offset] if any(offset) else point.frame


def _either_side(anatomy: Anatomy, values: Mapping[str, float]) -> dict[str, float]:
    """Joint -> value, both sides given the larger one."""
    other = partners(anatomy)
    return {name: max(value, values.get(other.get(name, name), value)) for name, value in values.items()}


def partners(anatomy: Anatomy) -> dict[str, str]:
    """Joint -> the joint in its place on the other side."""
    out: dict[str, str] = {}
    for part, chain in anatomy.chains.items():
        mirrored = anatomy.chains.get(part.replace("left_", "right_", 1), ()) if part.startswith("left_") else ()
        if len(mirrored) == len(chain):
            out |= dict(zip(chain, mirrored, strict=True)) | dict(zip(mirrored, chain, strict=True))
    return out


def _motors(anatomy: Anatomy, motors: Mapping[str, Motor]) -> list[dict[str, Any]]:
    """Entries of `motors:`, one for all joints of the same gains; both sides have those of the stronger one."""
    other = partners(anatomy)
    groups: dict[tuple[float, float, float], list[str]] = {}
    for name, motor in motors.items():
        stronger = max(motor, motors.get(other.get(name, name), motor), key=lambda one: one.kp)
        groups.setdefault((stronger.kp, stronger.kd, stronger.armature), []).append(name)
    return [{"joints": pattern(names), "kp": kp, "kd": kd, "armature": rotor} for (kp, kd, rotor), names in groups.items()]


def pattern(names: Sequence[str]) -> str:
    """A regular expression that matches these names and no others."""
    return "|".join(name.replace(".", "[.]").replace("+", "[+]").replace("(", "[(]").replace(")", "[)]") for name in names)


def _without_empty(keys: Mapping[str, Any]) -> dict[str, Any]:
    return {key: keys[key] for key in _ORDER if key in keys and keys[key] not in ({}, [], "")}


def _parts(anatomy: Anatomy, rest: Rest, soles: Mapping[str, FoundSole]) -> tuple[Part, ...]:
    parts = []
    for name, found in anatomy.segments.items():
        off = rest.off_deg.get(name, 0.0)
        parts.append(Part(name, found.link, found.confidence, f"{off:.0f} degrees off at rest" if off > _OFF_DEG else ""))
    for side, sole in soles.items():
        parts.append(Part(f"{side}_sole", anatomy.segments[f"{side}_foot"].link, sole.confidence, sole.remark))
    return tuple(parts)
