"""Which limbs are arms and which are legs, or why a robot has neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion.transform import Array
from robots.onboard.geometry import across, unit
from robots.onboard.limbs import LimbPair
from robots.onboard.mirror import Symmetry
from robots.onboard.tree import Bodies

_PARALLEL = 0.9
_A_LEG = 2.1
"""Legs scored 2.5 to 3.2, arms up to 1.6."""


@dataclass(frozen=True)
class Roles:
    """Legs and arms, where there are any; `refusal` says why there are none."""

    legs: LimbPair | None = None
    arms: LimbPair | None = None
    refusal: str = ""


def find_roles(bodies: Bodies, symmetry: Symmetry, pairs: Sequence[LimbPair]) -> Roles:
    """Tell arms from legs."""
    if not pairs:
        return Roles(refusal="no pair of mirrored limbs with an elbow or a knee")
    if len(pairs) == 1:
        return _single(bodies, symmetry, pairs[0])
    choices = [(legs, arms) for legs in pairs for arms in pairs if legs is not arms]
    legs, arms = max(choices, key=lambda choice: _likelihood(bodies, symmetry, *choice))
    level = _same_level_n(legs, pairs)
    if _are_twins(bodies, legs, arms):
        return Roles(refusal=f"two equal pairs of limbs on one body ({bodies.link[legs.carrier]}), as a quadruped has them")
    if _separation(legs, arms) < 0.15 and (legs.carrier == arms.carrier or level > 1):
        return Roles(refusal="two pairs of limbs at one height, as a quadruped has them")
    if level >= 2:
        return Roles(arms=arms)
    return Roles(legs=legs, arms=arms)


def _single(bodies: Bodies, symmetry: Symmetry, pair: LimbPair) -> Roles:
    """Arms begin far from the root, which is a pelvis or stands on the floor; hips are beside it."""
    away = float(np.linalg.norm(across(pair.middle_of("start") - bodies.point_m[0], symmetry.normal))) / pair.length_m
    score = leg_likeness(bodies, symmetry, pair) - float(np.clip((away - 0.35) / 0.3, 0, 1))
    legs = score > _A_LEG and _fingers_n(bodies, pair) < 2
    return Roles(legs=pair) if legs else Roles(arms=pair)


def leg_likeness(bodies: Bodies, symmetry: Symmetry, pair: LimbPair) -> float:
    """Above 0 for what looks like a leg, below for an arm."""
    limb = pair.limbs[0]
    axes = bodies.axis[list(limb.jointed)]
    shank = unit(limb.middle - limb.end)
    lateral = np.abs(axes @ symmetry.normal) > _PARALLEL
    ends_across = bool((np.abs(axes[-2:] @ shank) < 0.5).all())
    score = 1.0 * bool(lateral[limb.hinge]) + 0.5 * bool(lateral.sum() >= 3) - 1.0 * (_fingers_n(bodies, pair) >= 2)
    score += 0.6 if len(limb.jointed) <= 6 else -0.6
    score += 0.7 * ends_across - 0.7 * bool(abs(axes[-1] @ shank) > 0.85)
    return float(score + 0.4 * (pair.carrier == 0))


def _fingers_n(bodies: Bodies, pair: LimbPair) -> int:
    return len(bodies.children[pair.limbs[0].chain[-1]])


def _up(legs: LimbPair) -> Array:
    return unit(legs.middle_of("start") - legs.middle_of("end"))


def _separation(legs: LimbPair, arms: LimbPair) -> float:
    """How far the shoulders are above the hips, in leg lengths."""
    return float((arms.middle_of("start") - legs.middle_of("start")) @ _up(legs) / legs.length_m)


def _likelihood(bodies: Bodies, symmetry: Symmetry, legs: LimbPair, arms: LimbPair) -> float:
    """How well one pair does as legs while the other one does as arms."""
    mass = [bodies.mass_below_kg(pair.limbs[0].chain[0]) for pair in (legs, arms)]
    hands_above_feet = (arms.middle_of("end") - legs.middle_of("end")) @ _up(legs) > 0.15 * legs.length_m
    score = leg_likeness(bodies, symmetry, legs) - leg_likeness(bodies, symmetry, arms)
    score += 2.5 * float(np.clip(_separation(legs, arms), -1, 1))
    return score + 0.5 * float(np.sign(mass[0] - mass[1])) + 0.5 * (arms.carrier != 0) + 1.0 * bool(hands_above_feet)


def _same_level_n(legs: LimbPair, pairs: Sequence[LimbPair]) -> int:
    """How many pairs begin at the height of the legs, these included."""
    heights = [abs((pair.middle_of("start") - legs.middle_of("start")) @ _up(legs)) for pair in pairs]
    return sum(bool(height < 0.15 * legs.length_m) for height in heights)


def _are_twins(bodies: Bodies, a: LimbPair, b: LimbPair) -> bool:
    if a.carrier != b.carrier or len(a.limbs[0].chain) != len(b.limbs[0].chain):
        return False
    mass = [bodies.mass_below_kg(pair.limbs[0].chain[0]) for pair in (a, b)]
    bones = [
        [np.linalg.norm(pair.limbs[0].start - pair.limbs[0].middle), np.linalg.norm(pair.limbs[0].middle - pair.limbs[0].end)]
        for pair in (a, b)
    ]
    alike = bool(np.allclose(bones[0], bones[1], rtol=0.06))
    return alike and abs(mass[0] - mass[1]) <= 0.3 * max(mass) + 1e-9
