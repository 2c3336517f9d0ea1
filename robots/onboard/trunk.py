"""Pelvis, chest, neck and head: points and frames."""

from __future__ import annotations

import numpy as np

from motion.transform import Array
from robots.onboard.limbs import LimbPair
from robots.onboard.plan import Frame, Plan, Point
from robots.onboard.tree import Bodies

_TRUNK_OVER_ARM, _HIPS_OVER_ARM = 0.92, 0.18
"""A person's hips to shoulders, and half the width of the hips, over shoulder to wrist: where a robot without legs has its hips."""
_TRUNK_OVER_LEG, _SHOULDERS_OVER_LEG = 0.59, 0.26
"""Likewise, over hip to ankle: where a robot without arms has its shoulders."""
_CHEST, _NECK = 0.7, 0.12
"""Heights over hips to shoulders: the chest's above the hips, a neck's above the shoulders."""


def trunk_points(plan: Plan) -> dict[str, Point]:
    """Pelvis, hips of robots without legs, shoulders of robots without arms, chest, neck, head and its top."""
    out = _pelvis_points(plan)
    if plan.roles.arms is None:
        pelvis = out["pelvis"]
        assert plan.roles.legs is not None
        return out | _shoulders_of_none(plan, plan.roles.legs, pelvis)
    shoulders = plan.roles.arms.middle_of("start")
    up, hips = plan.directions.up, out["pelvis"].place
    rise = float((shoulders - hips) @ up)
    # Straight above the hips, so that the pelvis's frame is upright in the zero posture.
    out["chest"] = Point(plan.roles.arms.carrier, hips + _CHEST * rise * up, 0.9 * plan.symmetric)
    return out | _head_points(plan, shoulders, rise)


def _pelvis_points(plan: Plan) -> dict[str, Point]:
    legs = plan.roles.legs
    if legs is not None:
        return {"pelvis": Point(legs.carrier, legs.middle_of("start"), 0.9 * plan.symmetric)}
    arms, directions = plan.roles.arms, plan.directions
    assert arms is not None
    middle = arms.middle_of("start") - _TRUNK_OVER_ARM * arms.length_m * directions.up
    half = _HIPS_OVER_ARM * arms.length_m * directions.left
    return {
        "pelvis": Point(0, middle, 0.3),
        "left_hip": Point(0, middle + half, 0.3),
        "right_hip": Point(0, middle - half, 0.3),
    }


def _shoulders_of_none(plan: Plan, legs: LimbPair, pelvis: Point) -> dict[str, Point]:
    """Where a robot without arms would have its shoulders: hips and shoulders together are a trunk that can be followed."""
    middle = pelvis.place + _TRUNK_OVER_LEG * legs.length_m * plan.directions.up
    half = _SHOULDERS_OVER_LEG * legs.length_m * plan.directions.left
    return {"left_shoulder": Point(pelvis.body, middle + half, 0.3), "right_shoulder": Point(pelvis.body, middle - half, 0.3)}


def trunk_frames(plan: Plan, points: dict[str, Point]) -> dict[str, Frame]:
    """Pelvis, chest and head look forward in the zero posture."""
    directions, legs, arms = plan.directions, plan.roles.legs, plan.roles.arms
    upright = directions.frame()
    sure = min(directions.forward_sure, directions.up_sure) * plan.symmetric
    out = {"pelvis": Frame(points["pelvis"].body, upright, sure if legs is not None else 0.3)}
    if arms is not None:
        out["chest"] = Frame(arms.carrier, upright, sure)
    if "head" in points:
        out["head"] = Frame(points["head"].body, upright, min(points["head"].sure, directions.forward_sure))
    return out


def head_chain(plan: Plan) -> tuple[int, ...]:
    """Bodies from the neck to the head; none where the head is one with the chest."""
    arms = plan.roles.arms
    if arms is None:
        return ()
    bodies, shoulders = plan.bodies, arms.middle_of("start")
    stem = {0, *bodies.path(arms.carrier), *(bodies.path(plan.roles.legs.carrier) if plan.roles.legs else ())}
    candidates = {}
    for body in plan.trunk[1:]:
        top = float(max((bodies.extent_m[other] - shoulders).dot(plan.directions.up).max() for other in bodies.below[body]))
        aside = abs((bodies.point_m[body] - shoulders) @ plan.symmetry.normal)
        begins = body not in stem and int(bodies.parent[body]) in stem and not bodies.sliding[body]
        if begins and top > -0.02 * bodies.size_m and aside < 0.1 * bodies.size_m:
            candidates[body] = top
    return _down_the_neck(plan, max(candidates, key=lambda body: candidates[body])) if candidates else ()


def _down_the_neck(plan: Plan, first: int) -> tuple[int, ...]:
    """From a neck's first body on, as long as one body follows another in the mirror plane; eyes and antennas do not count."""
    bodies, chain = plan.bodies, [first]
    while True:
        children = bodies.children[chain[-1]]
        middle = [child for child in children if plan.symmetry.partner[child] == child or len(children) == 1]
        heavy = [c for c in middle if bodies.mass_below_kg(c) > 0.3 * bodies.mass_kg[chain[-1]] or bodies.steps[c] > 1]
        if len(heavy) != 1:
            return tuple(chain)
        chain.append(heavy[0])


def _head_points(plan: Plan, shoulders: Array, rise: float) -> dict[str, Point]:
    chain, up = head_chain(plan), plan.directions.up
    if not chain:
        return _fixed_head(plan, shoulders, rise)
    bodies = plan.bodies
    neck = _on_midline(plan, chain[0], shoulders + _NECK * rise * up, 0.2 * rise)
    head = _on_midline(plan, chain[-1], neck, 0.6 * rise)
    top = _top(plan, chain[-1], head)
    if not 0.15 * rise < top < 0.8 * rise:
        top = 0.35 * rise
    if abs((head - neck) @ up) < 0.05 * rise:  # the neck's joints meet in a point: the head is above it
        head, top = head + 0.4 * top * up, 0.6 * top
    above = (bodies.point_m[chain[0]] - shoulders) @ up > 0
    sure = (0.9 if above else 0.5) * plan.symmetric
    crown = Point(chain[-1], head + top * up, 0.7 * sure)
    return {"neck": Point(chain[0], neck, sure), "head": Point(chain[-1], head, sure), "head_top": crown}


def _on_midline(plan: Plan, body: int, near: Array, far: float) -> Array:
    """A neck joint's centre: where its line crosses the mirror plane; for an upright line at the height of `near` if it is far off."""
    bodies, normal = plan.bodies, plan.symmetry.normal
    point, axis = bodies.point_m[body], bodies.axis[body]
    off = float((near - point) @ plan.directions.up)
    if abs(axis @ plan.directions.up) > 0.7 and abs(off) > far:
        point = point + axis * off / (axis @ plan.directions.up)
    return np.asarray(point - normal * (point @ normal - plan.symmetry.offset_m))


def _top(plan: Plan, body: int, head: Array) -> float:
    """How far a body rises above a point."""
    surface = plan.surface(body)
    if len(surface):
        return float(((surface - head) @ plan.directions.up).max())
    frames = float(((plan.bodies.extent_m[body] - head) @ plan.directions.up).max())
    return max(frames, 2 * float((plan.bodies.centre_m[body] - head) @ plan.directions.up))


def _fixed_head(plan: Plan, shoulders: Array, rise: float) -> dict[str, Point]:
    """Neck and head of a robot whose head is one with its chest, as far as that rises above the shoulders."""
    arms = plan.roles.arms
    assert arms is not None
    up = plan.directions.up
    neck = shoulders + _NECK * rise * up
    surface = plan.surface(arms.carrier)
    points = surface if len(surface) else plan.bodies.extent_m[arms.carrier]
    top = float(((points - neck) @ up).max())
    out = {"neck": Point(arms.carrier, neck, 0.5)}
    if top > 0.2 * rise:
        out |= {"head": Point(arms.carrier, neck + 0.35 * top * up, 0.4), "head_top": Point(arms.carrier, neck + top * up, 0.4)}
    return out


def trunk_chain(bodies: Bodies, arms: LimbPair | None, legs: LimbPair | None) -> tuple[int, ...]:
    """The joints between what carries the legs (or the base) and what carries the arms."""
    if arms is None:
        return ()
    below = set(bodies.path(legs.carrier)) if legs is not None else set()
    return tuple(body for body in bodies.path(arms.carrier) if body not in below)
