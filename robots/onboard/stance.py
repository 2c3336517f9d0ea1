"""How a body stands: heels and toes on its soles, and how high its root is where it has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from motion.landmarks import LANDMARKS, mirror
from robots.kinematics import Kinematics
from robots.onboard.anatomy import Anatomy
from robots.onboard.geometry import xyz
from robots.onboard.overlaps import links_below
from robots.onboard.soles import FoundSole
from robots.robot import FramePoint, Robot
from robots.urdf import read_urdf

_SURE, _APART_M = 0.5, 0.005
_HIPS_PER_TRUNK = 1.8
"""A person's hips are about this many trunk lengths above the floor: so high a body without legs is hung."""
_WHEELS_N, _BASE_PER_ARM = 2, 1.25
"""A body that reaches this many arm lengths below its shoulders has a base to stand on; a person's trunk reaches one."""


def landmarks_of(robot: Robot, anatomy: Anatomy, soles: Mapping[str, FoundSole]) -> dict[str, FramePoint]:
    """All landmarks in the order of the vocabulary, one side after the other, heels and toes among them.

    Args:
        robot: in the rest posture.
        anatomy: what was found.
        soles: of the feet.
    """
    marks = {name: FramePoint(found.frame, found.offset_m) for name, found in anatomy.landmarks.items()}
    for side, sole in soles.items():
        link = anatomy.segments[f"{side}_foot"].link
        marks |= {f"{side}_heel": FramePoint(link, xyz(sole.heel_m)), f"{side}_toe": FramePoint(link, xyz(sole.toe_m))}
    marks |= _made_alike(robot, anatomy, marks)
    return {name: marks[name] for name in sorted(marks, key=_order)}


def _made_alike(robot: Robot, anatomy: Anatomy, marks: Mapping[str, FramePoint]) -> dict[str, FramePoint]:
    """Pairs of landmarks that are guesses, and differ by more than half a centimetre, put half way between both sides' guesses."""
    pairs = [(name, mirror(name)) for name in marks if name.startswith("left_") and mirror(name) in marks]
    if not pairs or not {"left_shoulder", "left_hip"} & marks.keys():
        return {}
    kinematics = Kinematics(robot)
    sides = [kinematics.point_positions([marks[pair[k]] for pair in pairs], robot.rest_rad)[0] for k in (0, 1)]
    centre = np.mean([sides[k][[pair[0].endswith(("shoulder", "hip")) for pair in pairs]] for k in (0, 1)], axis=(0, 1))
    flip = np.eye(3) - 2 * np.outer(anatomy.left, anatomy.left)
    out = {}
    for index, names in enumerate(pairs):
        left, right = (side[index] - centre for side in sides)
        sure = max(anatomy.landmarks[name].confidence if name in anatomy.landmarks else 1.0 for name in names)
        if sure < _SURE and np.linalg.norm(left @ flip - right) > _APART_M:
            middle = (left + right @ flip) / 2
            for name, place in zip(names, (middle, middle @ flip), strict=True):
                pose = kinematics.frame_poses([marks[name].frame], robot.rest_rad)[0, 0]
                out[name] = FramePoint(marks[name].frame, xyz(pose.inverse().apply(place + centre)))
    return out


def _order(name: str) -> tuple[int, int]:
    return {"left": 1, "right": 2}.get(name.split("_")[0], 0), LANDMARKS.index(name)


def height_without_soles(robot: Robot, anatomy: Anatomy, marks: Mapping[str, FramePoint]) -> tuple[dict[str, Any], str]:
    """`base_height_m:` of an upper body, and a sentence that says why; nothing for all others.

    A body on a column or on wheels stands on its own lowest point; one that ends at the waist hangs as high as a person's.
    """
    wanted = ("left_hip", "right_hip", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist")
    if anatomy.kind != "upper_body" or not set(wanted) <= marks.keys():
        return {}, ""
    kinematics = Kinematics(robot)
    place = kinematics.point_positions([marks[name] for name in wanted], robot.rest_rad)[0]
    arm = float(np.linalg.norm(np.diff(place[3:], axis=0), axis=1).sum())
    hips, shoulders = (float((pair @ anatomy.up).mean()) for pair in (place[:2], place[2:4]))
    trunk, lowest = shoulders - hips, _lowest(robot, kinematics, anatomy)
    if lowest < shoulders - _BASE_PER_ARM * arm or _has_wheels(robot, anatomy):
        return {
            "base_height_m": round(-lowest, 3)
        }, "It stands on a base of its own, which retargeting moves and tilts as it would a pelvis; it knows nothing of wheels."
    height = round(_HIPS_PER_TRUNK * trunk - hips, 3)
    return {"base_height_m": height}, "It ends at the waist: it is held as high as a person's waist would be (base_height_m)."


def _has_wheels(robot: Robot, anatomy: Anatomy) -> bool:
    """Whether joints without end turn that belong to no limb."""
    limbs = {name for chain in anatomy.chains.values() for name in chain}
    return sum(joint.kind == "continuous" and joint.name not in limbs for joint in read_urdf(robot.urdf).joints) >= _WHEELS_N


def _lowest(robot: Robot, kinematics: Kinematics, anatomy: Anatomy) -> float:
    """Height of the lowest point of the trunk's collision shapes and links at rest, in the root's frame; arms hang lower."""
    first = {chain[0] for part, chain in anatomy.chains.items() if part.endswith("_arm") and chain}
    arms = {link for joint in read_urdf(robot.urdf).joints if joint.name in first for link in links_below(robot.urdf, joint.child)}
    names = [name for name in kinematics.frames if name not in arms]
    poses = kinematics.frame_poses(names, robot.rest_rad)[0]
    shapes = kinematics.shapes()
    clouds = [(link, cloud) for link, cloud in zip(shapes.links, shapes.enclosing_points(), strict=True) if link not in arms]
    points = [poses[names.index(link)].apply(cloud) for link, cloud in clouds]
    return float(min((cloud @ anatomy.up).min() for cloud in (poses.position_m, *points)))
