"""Arms and legs: joint centres and frames."""

from __future__ import annotations

import numpy as np

from motion.transform import Array
from robots.onboard.flexion import PairFlexion
from robots.onboard.geometry import across, frame, unit
from robots.onboard.limbs import Limb
from robots.onboard.plan import Frame, Plan, Point, Side

_CLEAR = 0.15
"""A hinge less one-sided than this does not say which way it bends."""
_SNAP = np.cos(np.radians(15.0))


def limb_sure(plan: Plan, side: Side, flexion: PairFlexion) -> float:
    """0..1: how clear the hinge is, whether both sides agree, and how limb-like the bones are."""
    clear = min(1.0, 2 * side.limb.margin) * side.limb.quality * plan.symmetric * (1.0 if flexion.agree else 0.5)
    return clear * (0.5 + 0.5 * min(1.0, 2 * flexion.one_sided))


def limb_points(plan: Plan) -> dict[str, Point]:
    """Shoulder, elbow and wrist, hip, knee and ankle of both sides."""
    out: dict[str, Point] = {}
    for names, sides, flexion in (
        (("shoulder", "elbow", "wrist"), plan.arms, plan.arm_flexion),
        (("hip", "knee", "ankle"), plan.legs, plan.leg_flexion),
    ):
        for name, side in sides.items():
            assert flexion is not None
            limb, sure = side.limb, limb_sure(plan, side, flexion)
            start, middle, end = (f"{name}_{part}" for part in names)
            out[start] = Point(limb.upper_body, limb.start, sure)
            out[middle] = Point(limb.hinge_body, limb.middle, sure)
            out[end] = Point(*_end(plan, limb, names[2]), sure * (1.0 if limb.distal else 0.4))
    return out


def _end(plan: Plan, limb: Limb, name: str) -> tuple[int, Array]:
    """A wrist moves with the first joint across the forearm, an ankle with the foot."""
    if name == "ankle" or not limb.distal:
        return limb.end_body, limb.end
    bone = unit(limb.end - limb.middle)
    crossing = [body for body in limb.distal if abs(plan.bodies.axis[body] @ bone) < 0.7]
    return (crossing or list(limb.distal))[0], limb.end


def arm_frames(plan: Plan) -> dict[str, Frame]:
    """Upper arms and forearms: z along the bone, y against the axis about which the elbow bends."""
    out: dict[str, Frame] = {}
    for name, side in plan.arms.items():
        assert plan.arm_flexion is not None
        limb, sure = side.limb, limb_sure(plan, side, plan.arm_flexion)
        y = arm_left(plan, side)
        out[f"{name}_upper_arm"] = Frame(limb.upper_body, frame("z", limb.start - limb.middle, "y", y), sure)
        out[f"{name}_forearm"] = Frame(limb.hinge_body, frame("z", limb.middle - limb.end, "y", y), sure)
    return out


def arm_left(plan: Plan, side: Side) -> Array:
    """(3,) unit: the left of upper arm and forearm, against the axis about which the elbow bends.

    Where the elbow's range does not say which way that is: a hanging arm's bends forward.
    """
    assert plan.arm_flexion is not None
    if plan.arm_flexion.one_sided > _CLEAR:
        return -side.axis
    axis, directions = plan.bodies.axis[side.limb.hinge_body], plan.directions
    lateral = float(axis @ directions.left)
    if abs(lateral) > 0.3:
        return np.asarray(axis * np.sign(lateral))
    forward = float(np.cross(axis, side.limb.end - side.limb.middle) @ directions.forward)
    return np.asarray(-axis if forward > 0 else axis)


def leg_frames(plan: Plan) -> dict[str, Frame]:
    """Thighs and shanks: z along the bone, y along the axis about which the knee bends; and feet."""
    out: dict[str, Frame] = {}
    left = plan.directions.left
    for name, side in plan.legs.items():
        assert plan.leg_flexion is not None
        limb, sure = side.limb, limb_sure(plan, side, plan.leg_flexion)
        axis = plan.bodies.axis[limb.hinge_body]
        y = side.axis if plan.leg_flexion.one_sided > _CLEAR else axis * (1.0 if axis @ left >= 0 else -1.0)
        if y @ left < 0 and abs(axis @ left) > 0.5 and plan.directions.forward_sure > 0.5:
            y, sure = -y, 0.6 * sure  # the body's other parts outvote the knee
        out[f"{name}_thigh"] = Frame(limb.upper_body, frame("z", limb.start - limb.middle, "y", y), sure)
        out[f"{name}_shank"] = Frame(limb.hinge_body, frame("z", limb.middle - limb.end, "y", y), sure)
        out[f"{name}_foot"] = _foot(plan, limb, axis, sure)
    return out


def _foot(plan: Plan, limb: Limb, knee: Array, sure: float) -> Frame:
    """y along the ankle's pitch axis, x along its roll axis: both are the foot's own, however it is held at zero."""
    bodies, directions = plan.bodies, plan.directions
    foot = limb.end_body
    pitch = next((body for body in limb.distal if abs(bodies.axis[body] @ knee) > 0.8), None)
    y = directions.left if pitch is None else bodies.axis[pitch] * (1.0 if bodies.axis[pitch] @ directions.left >= 0 else -1.0)
    upright = unit(across(directions.up, y))
    # A roll joint before the pitch joint lies along the shank's idea of forward, not the foot's.
    beyond = limb.distal[limb.distal.index(pitch) + 1 :] if pitch is not None else ()
    roll = next((body for body in beyond if _is_roll(plan, body, y)), None)
    if roll is not None:
        x = bodies.axis[roll] * (1.0 if bodies.axis[roll] @ np.cross(y, upright) > 0 else -1.0)
        rotation = frame("y", y, "x", x)
    else:
        rotation = frame("y", y, "z", _snapped(bodies.pose[bodies.link[foot]][:3, :3], upright))
    known = {0: 0.1, 1: 0.8}.get(len(limb.distal), 1.0)
    level = 1.0 if rotation[:, 2] @ directions.up > 0.8 else 0.5
    return Frame(foot, rotation, sure * directions.forward_sure * known * level)


def _is_roll(plan: Plan, body: int, pitch: Array) -> bool:
    axis = plan.bodies.axis[body]
    return bool(abs(axis @ pitch) < 0.3 and abs(axis @ plan.directions.up) < 0.6)


def _snapped(axes: Array, direction: Array) -> Array:
    """One of a link's own axes, where one is near a direction."""
    cosine = axes.T @ direction
    main = int(np.abs(cosine).argmax())
    return np.asarray(axes[:, main] * np.sign(cosine[main])) if abs(cosine[main]) > _SNAP else direction
