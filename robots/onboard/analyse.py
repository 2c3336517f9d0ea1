"""From a URDF to its anatomy, by tree, geometry and mirror symmetry; no name is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from motion.errors import RobotError, require
from motion.transform import Array, wxyz_from_matrix
from robots.onboard.anatomy import Anatomy, FoundPoint, FoundSegment, Kind
from robots.onboard.directions import find_directions
from robots.onboard.geometry import frame, nearest_on_line, unit
from robots.onboard.hand_parts import blunt_direction, blunt_knuckles, blunt_points, finger_frames, finger_points, gripper_points
from robots.onboard.hands import Hand, find_hand, holds_most_joints, is_hand_alone
from robots.onboard.limb_parts import arm_frames, arm_left, leg_frames, limb_points, limb_sure
from robots.onboard.limbs import find_branches
from robots.onboard.mirror import find_symmetry
from robots.onboard.plan import Frame, Plan, Point, Side, Surface, make_plan
from robots.onboard.roles import Roles, find_roles
from robots.onboard.shapes import surface_of
from robots.onboard.tree import Bodies, bodies_of
from robots.onboard.trunk import head_chain, trunk_chain, trunk_frames, trunk_points
from robots.onboard.unsure import hand_doubts, plan_doubts
from robots.urdf import read_urdf

_LEAST_JOINTS_N = 4
_LARGEST_M = 25.0
_ACROSS = 0.7
_LEAST_SURE = 0.2
"""Limbs of humanoids scored 0.28 and more, those of other robots 0.15 and less."""
_LEAST_SURE_OF_BOTH = 0.1
"""Where there are arms and legs, arms that are hardly jointed are a doubt, no reason to refuse."""
_EITHER_SIDE = 0.4
"""How sure the parts of a hand are that may be a left or a right one."""
_GRIPPER_M = 0.4
_WANTED = "A humanoid has two mirrored arms or legs with an elbow or a knee each; a hand has a thumb and fingers of two joints or more."


def analyse(urdf: Path, package_dirs: Sequence[Path] = ()) -> Anatomy:
    """What a robot's body is.

    Args:
        urdf: its file; mesh files may be missing, but where they are there fingertips, heads and palms are found better.
        package_dirs: where package:// is resolved.

    Raises:
        RobotError: a broken URDF (joints without a range, or in millimetres, too), or a robot that is no humanoid, no half
            of one and no hand.
    """
    text = read_urdf(urdf)
    bodies = bodies_of(text)
    surface = surface_of(urdf, text, bodies, (*package_dirs, *urdf.resolve().parents))
    metres = f"{urdf}: its joints span {bodies.size_m:.0f} m. A URDF is in metres; is this one in millimetres?"
    require(bodies.size_m < _LARGEST_M, RobotError, metres)
    anatomy = _anatomy_of(urdf, bodies, surface)
    stuck = sum(joint.lower == joint.upper for joint in text.joints)
    message = f"{urdf}: {stuck} of {len(text.joints)} joints have no range (lower = upper). Write their limits."
    require(2 * stuck < len(text.joints), RobotError, message)
    return anatomy


def _anatomy_of(urdf: Path, bodies: Bodies, surface: Surface) -> Anatomy:
    if len(bodies) - 1 < _LEAST_JOINTS_N:
        raise _refused(urdf, bodies, "it has too few joints for a body or a hand")
    hand = find_hand(bodies, 0)
    if hand is not None and is_hand_alone(bodies, hand):
        return _hand_alone(bodies, surface, hand)
    if hand is not None and bodies.size_m < _GRIPPER_M and holds_most_joints(bodies, hand):
        raise _refused(urdf, bodies, f"a gripper of {len(hand.digits)} fingers or jaws, none of which stands out as a thumb")
    return _with_limbs(urdf, bodies, surface)


def _refused(urdf: Path, bodies: Bodies, why: str) -> RobotError:
    joints = len(bodies) - 1
    branches = sum(not children for children in bodies.children)
    found = f"{joints} moving joint{'s' * (joints != 1)} in {branches} branch{'es' * (branches != 1)}"
    return RobotError(f"{urdf}: neither a humanoid nor a hand: {why}. Found: {found}. {_WANTED}")


def _with_limbs(urdf: Path, bodies: Bodies, surface: Surface) -> Anatomy:
    symmetry = find_symmetry(bodies)
    if symmetry is None:
        raise _refused(urdf, bodies, "no two of its branches mirror each other")
    branches = find_branches(bodies, symmetry)
    roles = find_roles(bodies, symmetry, branches.pairs)
    if roles.refusal:
        raise _refused(urdf, bodies, roles.refusal)
    directions = find_directions(bodies, symmetry, roles, branches.trunk)
    plan = make_plan(bodies, symmetry, roles, branches.trunk, directions, surface)
    _check_limbs(urdf, plan)
    points = trunk_points(plan) | limb_points(plan)
    frames = trunk_frames(plan, points) | leg_frames(plan) | arm_frames(plan)
    for name, side in plan.arms.items():
        found = _arm_hand_points(plan, name, side)
        points |= found
        frames |= _hand_frames(points, name, side, found, plan)
    return _anatomy(bodies, _kind(roles), "", directions.frame(), points, frames, _chains(plan), plan_doubts(plan, points, frames))


def _kind(roles: Roles) -> Kind:
    if roles.legs is not None and roles.arms is not None:
        return "humanoid"
    return "upper_body" if roles.arms is not None else "lower_body"


def _check_limbs(urdf: Path, plan: Plan) -> None:
    """Limbs that are hardly any are no limbs."""
    for sides, flexion in ((plan.legs, plan.leg_flexion), (plan.arms, plan.arm_flexion)):
        for side in sides.values():
            assert flexion is not None
            sure = limb_sure(plan, side, flexion)
            first = plan.bodies.link[side.limb.chain[0]]
            if sure < (_LEAST_SURE_OF_BOTH if plan.legs and plan.arms else _LEAST_SURE):
                raise _refused(urdf, plan.bodies, f"the limb that begins at {first} has no clear elbow or knee ({sure:.2f} of 1)")
            bones = [np.linalg.norm(side.limb.middle - end) for end in (side.limb.start, side.limb.end)]
            if max(bones) > 4 * min(bones) and not (plan.legs and plan.arms):
                raise _refused(urdf, plan.bodies, f"one bone of the limb that begins at {first} is over four times as long as the other")


def _arm_hand_points(plan: Plan, name: str, side: Side) -> dict[str, Point]:
    """The landmarks of an arm's hand, its wrist left out."""
    assert plan.arm_flexion is not None
    limb, hand, sure = side.limb, side.hand, limb_sure(plan, side, plan.arm_flexion)
    if hand is not None and hand.thumb is not None:
        return finger_points(plan.bodies, plan.surface, hand, name, 0.9 * sure)
    forearm = unit(limb.end - limb.middle)
    if hand is not None:
        return gripper_points(plan.bodies, plan.surface, hand, name, limb.end, arm_left(plan, side), 0.6 * sure)
    palm = limb.end_body
    bent = any(abs(plan.bodies.axis[body] @ forearm) < _ACROSS for body in limb.distal)
    along = blunt_direction(plan.bodies, palm, limb.end, forearm) if bent else forearm
    knuckles = blunt_knuckles(plan.bodies, plan.surface, palm, limb.end, along, limb.tip)
    forward = np.cross(_palm_left(plan, side, forearm), limb.end - knuckles)
    return blunt_points(plan.bodies, palm, knuckles, forward, name, limb.end, (0.35 if limb.distal else 0.2) * sure)


def _palm_left(plan: Plan, side: Side, forearm: Array) -> Array:
    """The left of a hand without fingers: as the forearm's, along or across the nearest of the wrist's own joints."""
    left = arm_left(plan, side)
    crossing = [plan.bodies.axis[body] for body in side.limb.distal if abs(plan.bodies.axis[body] @ forearm) < 0.3]
    choices = [sign * axis for own in crossing for axis in (own, np.cross(forearm, own)) for sign in (1.0, -1.0)]
    return max(choices, key=lambda axis: float(axis @ left)) if choices else left


def _hand_frames(points: Mapping[str, Point], name: str, side: Side, found: dict[str, Point], plan: Plan) -> dict[str, Frame]:
    last = "pinky" if f"{name}_pinky_mcp" in points else "ring"
    index, middle, little = (points[f"{name}_{finger}_mcp"] for finger in ("index", "middle", last))
    rotation = frame("z", points[f"{name}_wrist"].place - middle.place, "x", index.place - little.place)
    palm = side.hand.palm if side.hand is not None else side.limb.end_body
    return {f"{name}_hand": Frame(palm, rotation, index.sure)} | finger_frames(found, name, rotation[:, 0])


def _chains(plan: Plan) -> dict[str, tuple[int, ...]]:
    out = {"trunk": trunk_chain(plan.bodies, plan.roles.arms, plan.roles.legs), "neck": head_chain(plan)}
    for part, sides in (("arm", plan.arms), ("leg", plan.legs)):
        for name, side in sides.items():
            out[f"{name}_{part}"] = side.limb.jointed
            if side.hand is not None:
                out |= _digit_chains(side.hand, name)
    return out


def _digit_chains(hand: Hand, side: str) -> dict[str, tuple[int, ...]]:
    if hand.thumb is None:
        return {f"{side}_gripper": tuple(body for digit in hand.digits for body in digit.chain)}
    thumbward = hand.toward_thumb({1: "right", -1: "left"}.get(hand.chirality, side))
    ordered = sorted(hand.fingers, key=lambda digit: -float(digit.base @ thumbward))
    out = {f"{side}_{finger}": digit.chain for finger, digit in zip(("index", "middle", "ring", "pinky"), ordered, strict=False)}
    return {f"{side}_thumb": hand.digits[hand.thumb].chain, **out}


def _hand_alone(bodies: Bodies, surface: Surface, hand: Hand) -> Anatomy:
    side = "left" if hand.chirality < 0 else "right"
    wrist = _wrist_of_hand(bodies, surface, hand)
    sure = 0.9 * min(1.0, 2 * hand.thumb_margin) * (1.0 if hand.chirality else _EITHER_SIDE)
    points = {f"{side}_wrist": wrist} | finger_points(bodies, surface, hand, side, sure)
    last = "pinky" if f"{side}_pinky_mcp" in points else "ring"
    index, middle, little = (points[f"{side}_{finger}_mcp"].place for finger in ("index", "middle", last))
    rotation = frame("z", wrist.place - middle, "x", index - little)
    frames = {f"{side}_hand": Frame(hand.palm, rotation, points[f"{side}_index_mcp"].sure)} | finger_frames(points, side, rotation[:, 0])
    chains = {f"{side}_arm": bodies.path(hand.palm)} | _digit_chains(hand, side)
    return _anatomy(bodies, "hand", side, rotation, points, frames, chains, hand_doubts(bodies, hand, side))


def _wrist_of_hand(bodies: Bodies, surface: Surface, hand: Hand) -> Point:
    """A hand's wrist joint, or the end of its palm that lies away from the fingers."""
    path = list(bodies.path(hand.palm))[-3:]
    if path:
        others = path[:-1]
        place = bodies.point_m[path[-1]]
        if others:
            place = nearest_on_line(place, bodies.axis[path[-1]], bodies.point_m[others], bodies.axis[others])
        return Point(hand.palm, place, 0.8)
    skin = surface(hand.palm)
    points = np.vstack([skin, bodies.extent_m[hand.palm], *(digit.base for digit in hand.digits)])
    back = float(((hand.knuckles - points) @ hand.direction).max())
    return Point(hand.palm, hand.knuckles - back * hand.direction, 0.5)


def _anatomy(
    bodies: Bodies,
    kind: Kind,
    side: str,
    axes: Array,
    points: Mapping[str, Point],
    frames: Mapping[str, Frame],
    chains: Mapping[str, tuple[int, ...]],
    unsure: tuple[str, ...],
) -> Anatomy:
    """Points and frames, link by link."""
    return Anatomy(
        kind=kind,
        base=bodies.link[0],
        side=side,
        forward=axes[:, 0],
        left=axes[:, 1],
        up=axes[:, 2],
        landmarks={name: _found_point(bodies, point) for name, point in points.items()},
        segments={name: _found_segment(bodies, one) for name, one in frames.items()},
        chains={part: driven for part, chain in chains.items() if (driven := _driven(bodies, chain))},
        unsure=unsure,
    )


def _driven(bodies: Bodies, chain: tuple[int, ...]) -> tuple[str, ...]:
    """The joints of a chain that have a motor of their own."""
    return tuple(bodies.joint[body] for body in chain if not bodies.following[body])


def _found_point(bodies: Bodies, point: Point) -> FoundPoint:
    link = bodies.link[point.body]
    pose = bodies.pose[link]
    x, y, z = (float(value) for value in np.round(pose[:3, :3].T @ (point.place - pose[:3, 3]), 6) + 0.0)
    return FoundPoint(link, (x, y, z), float(np.clip(point.sure, 0, 1)))


def _found_segment(bodies: Bodies, one: Frame) -> FoundSegment:
    link = bodies.link[one.body]
    require(bool(np.isfinite(one.rotation).all()), RobotError, f"link {link!r}: the axes of its segment fall together.")
    w, x, y, z = (float(value) for value in wxyz_from_matrix(bodies.pose[link][:3, :3].T @ one.rotation))
    return FoundSegment(link, (w, x, y, z), float(np.clip(one.sure, 0, 1)))
