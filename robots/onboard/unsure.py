"""What an analysis is unsure of, in sentences that say what to look at."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from robots.onboard.flexion import knee_before_hock
from robots.onboard.hands import Hand
from robots.onboard.limb_parts import limb_sure
from robots.onboard.plan import Frame, Plan, Point
from robots.onboard.tree import Bodies

_FORWARD, _LIMB, _HAND, _SYMMETRY = 0.3, 0.4, 0.35, 0.6
_PARALLEL, _UNLIKE_RAD = 0.95, 0.35


def plan_doubts(plan: Plan, points: Mapping[str, Point], frames: Mapping[str, Frame]) -> tuple[str, ...]:
    """Doubts about a robot with limbs, the gravest first."""
    return (*_direction_doubts(plan), *_limb_doubts(plan), *_hand_doubts(plan), *_trunk_doubts(plan, points))


def _direction_doubts(plan: Plan) -> list[str]:
    out = []
    if plan.directions.forward_sure < _FORWARD:
        out.append(
            f"Which way is forward ({plan.directions.forward_sure:.2f} of 1): knees, feet and elbows do not say it clearly. "
            "If left and right are swapped in the picture, swap the sides of all landmarks."
        )
    if plan.directions.up_sure < _FORWARD:
        out.append(f"Which way is up ({plan.directions.up_sure:.2f} of 1): look whether the robot stands upright in the picture.")
    if plan.symmetry.score < _SYMMETRY:
        out.append(f"Left and right mirror each other in {plan.symmetry.score:.0%} of the joints only: compare both sides' landmarks.")
    return out


def _limb_doubts(plan: Plan) -> list[str]:
    out = []
    for part, hinge, sides, flexion in (("arm", "elbow", plan.arms, plan.arm_flexion), ("leg", "knee", plan.legs, plan.leg_flexion)):
        if flexion is None:
            continue
        if not flexion.agree:
            links = " and ".join(plan.bodies.link[side.limb.hinge_body] for side in sides.values())
            out.append(f"The joint limits of {links} bend the {hinge}s to opposite sides: one of them is probably wrong in the URDF.")
        elif flexion.one_sided < 0.15:
            links = " and ".join(plan.bodies.link[side.limb.hinge_body] for side in sides.values())
            out.append(f"The {hinge}s ({links}) turn as far one way as the other: check in the picture which way they bend.")
        worst = min(sides.values(), key=lambda side: limb_sure(plan, side, flexion))
        sure = limb_sure(plan, worst, flexion)
        if sure < _LIMB:
            link = plan.bodies.link[worst.limb.hinge_body]
            out.append(f"Whether the {part}s' {hinge} is at {link} ({sure:.2f} of 1): check {hinge}, and both bones beside it.")
        out += _range_doubts(plan, part, [side.limb.jointed for side in sides.values()])
        for name, side in sides.items():
            out += _end_doubts(plan, part, name, side.limb.distal, side.limb.end_body)
    return out


def _range_doubts(plan: Plan, part: str, chains: Sequence[tuple[int, ...]]) -> list[str]:
    """Joints whose limits are not the mirror image of the other side's: mostly copied from there, with the wrong sign."""
    bodies, normal, odd = plan.bodies, plan.symmetry.normal, []
    for a, b in zip(*chains, strict=False):
        image = bodies.axis[a] - 2 * (bodies.axis[a] @ normal) * normal
        sign = -float(np.sign(image @ bodies.axis[b]))  # a mirrored turn goes the other way about the mirrored axis
        wanted, found = np.sort(sign * bodies.range_rad[a]), bodies.range_rad[b]
        comparable = np.isfinite([wanted, found]).all() and abs(image @ bodies.axis[b]) > _PARALLEL and not bodies.sliding[a]
        if comparable and np.abs(wanted - found).max() > _UNLIKE_RAD:
            odd.append(f"{bodies.joint[a]} and {bodies.joint[b]}")
    return (
        [f"The limits of the {part}s' joints are not each other's mirror images: {', '.join(odd)}. One side may be wrong."] if odd else []
    )


def _end_doubts(plan: Plan, part: str, side: str, distal: tuple[int, ...], last: int) -> list[str]:
    joint, end = ("wrist", "hand") if part == "arm" else ("ankle", "foot")
    link = plan.bodies.link[last]
    if not distal:
        return [f"The {side} {end} has no {joint} joint: {side}_{joint} is a guess on {link}."]
    if part == "leg" and len(distal) == 1:
        return [f"The {side} ankle has one joint: whether {link} stands flat at zero cannot be told without its shape."]
    return []


def _hand_doubts(plan: Plan) -> list[str]:
    out = []
    for name, side in plan.arms.items():
        hand, link = side.hand, plan.bodies.link[side.hand.palm if side.hand else side.limb.end_body]
        if hand is None:
            out.append(f"The {name} hand ({link}) has no fingers: its palm is taken to lie as the forearm does; check {name}_hand.")
        elif hand.thumb is None:
            out.append(f"The {name} hand ({link}) is a gripper: which jaw is the thumb follows from the forearm; check {name}_thumb_tip.")
        else:
            out += _thumb_doubts(plan.bodies, hand, name)
            if hand.chirality and hand.thumb_margin > 0.5 and (hand.chirality < 0) != (name == "left"):
                other = "right" if name == "left" else "left"
                out.append(f"The {name} arm carries what looks like a {other} hand ({link}): forward may be wrong, or the hand is.")
    return out


def _thumb_doubts(bodies: Bodies, hand: Hand, name: str) -> list[str]:
    assert hand.thumb is not None
    if hand.thumb_margin >= _HAND:
        return []
    thumb = bodies.link[hand.digits[hand.thumb].chain[0]]
    return [f"Which finger of the {name} hand is the thumb ({hand.thumb_margin:.2f} of 1): it is taken to begin at {thumb}."]


def _trunk_doubts(plan: Plan, points: Mapping[str, Point]) -> list[str]:
    out = []
    legs = plan.roles.legs
    if legs is None:
        out.append(f"There are no legs: hips are put where they would be, on {plan.bodies.link[0]}.")
    elif plan.roles.arms is None:
        out.append(f"There are no arms: shoulders are put where they would be, on {plan.bodies.link[legs.carrier]}.")
    if plan.roles.arms is not None and "head" not in points:
        out.append("No head was found above the shoulders.")
    hock = next(iter(plan.legs.values())).limb if legs is not None else None
    if hock is not None and knee_before_hock(plan.bodies, hock) is not None:
        link = plan.bodies.link[hock.hinge_body]
        out.append(f"The legs are a bird's: their longer bones meet in a hock ({link}), which stands for the knee but bends the other way.")
    elif legs is not None and _knees_n(plan) > 1:
        out.append("The legs have more than one hinge that could be the knee, as a bird's: the one between the longer bones is taken.")
    return out


def _knees_n(plan: Plan) -> int:
    """How many parallel lateral hinges lie between long bones of a leg."""
    limb, bodies = next(iter(plan.legs.values())).limb, plan.bodies
    axis = bodies.axis[limb.hinge_body]
    hinges = [body for body in limb.chain if abs(bodies.axis[body] @ axis) > 0.95]
    places = [bodies.point_m[body] for body in hinges]
    gaps = [float(np.linalg.norm(b - a)) for a, b in itertools.pairwise(places)]
    return max(1, sum(gap > 0.25 * limb.length_m for gap in gaps) - 1)


def hand_doubts(bodies: Bodies, hand: Hand, side: str) -> tuple[str, ...]:
    """Doubts about a hand by itself."""
    out = _thumb_doubts(bodies, hand, side)
    if not hand.chirality:
        out.append("Whether this is a left or a right hand: the thumb sits in the middle. It is taken for a right one.")
    if hand.palm == 0:
        out.append(f"Where the wrist is: the hand has no wrist joint, so the end of {bodies.link[0]} away from the fingers is taken.")
    return tuple(out)
