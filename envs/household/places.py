"""Places on a counter: things far enough apart for an open hand, and ways on which hand and forearm come to them.

Everything is in the counter's frame and written for a right hand; for a left one the y axis is turned round by the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion.errors import MotionError, require
from motion.transform import Array

BACK_OF_HAND_M, PALM_SIDE_M = 0.095, 0.065
"""How far a right hand with a thing of 6 cm in it reaches to its right and to its left of the thing's middle."""
FINGERS_AHEAD_M = 0.11
"""How far open fingers reach beyond the middle of what they are about to close on."""
ARM_BEHIND_M = 0.33
"""Length of hand and forearm behind the thing, as far as they are low over the counter."""
_TRIES = 20000


@dataclass(frozen=True)
class Spot:
    """A round thing on the counter, seen from above.

    Attributes:
        x_m, y_m: its middle.
        radius_m: of the circle around it.
    """

    x_m: float
    y_m: float
    radius_m: float


def clearance_m(goal: Spot, yaw_rad: float, others: Sequence[Spot], side: str = "right") -> float:
    """Air between a hand that has come to a thing at a yaw, forearm behind it, and the nearest other thing; below 0 they touch.

    Args:
        goal: the thing, or a place where one is put down.
        yaw_rad: of the hand.
        others: what else stands there.
        side: "right" or "left".
    """
    sign = 1.0 if side == "right" else -1.0
    cosine, sine = np.cos(yaw_rad), np.sin(yaw_rad)
    nearest = np.inf
    for other in others:
        dx, dy = other.x_m - goal.x_m, other.y_m - goal.y_m
        along, across = cosine * dx + sine * dy, sign * (cosine * dy - sine * dx)
        before = max(along - FINGERS_AHEAD_M, -ARM_BEHIND_M - along, 0.0)
        beside = max(across - PALM_SIDE_M, -BACK_OF_HAND_M - across, 0.0)
        inside = min(0.0, max(along - FINGERS_AHEAD_M, -ARM_BEHIND_M - along, across - PALM_SIDE_M, -BACK_OF_HAND_M - across))
        nearest = min(nearest, float(np.hypot(before, beside)) + inside - other.radius_m)
    return nearest


def order_of_taking(
    spots: Sequence[Spot], yaws_rad: Sequence[Sequence[float]], standing: Sequence[Spot] = (), side: str = "right"
) -> tuple[list[tuple[int, float]], float]:
    """An order in which things can be taken away one by one, each time the one with the freest way.

    Args:
        spots: the things.
        yaws_rad: for each, yaws at which it can be taken, the most comfortable first.
        standing: what stays there all the while.
        side: of the hand.

    Returns:
        Index and yaw of one thing after the other, and the least clearance on the way.
    """
    left, order, least = list(range(len(spots))), [], np.inf
    while left:
        ways = []
        for index in left:
            others = [*standing, *(spots[other] for other in left if other != index)]
            for rank, yaw in enumerate(yaws_rad[index]):
                # Above ENOUGH_M more air is worth nothing, and comfort decides.
                clearance = clearance_m(spots[index], yaw, others, side)
                ways.append((min(clearance, ENOUGH_M), -rank, -spots[index].x_m, clearance, index, yaw))
        _, _, _, clearance, index, yaw = max(ways)
        order.append((index, float(yaw)))
        least = min(least, clearance)
        left.remove(index)
    return order, least


ENOUGH_M = 0.015
"""Air that is enough for a hand that errs by a centimetre."""


def scattered(
    rng: np.random.Generator,
    low_m: Array | tuple[float, float],
    high_m: Array | tuple[float, float],
    radii_m: Sequence[float],
    apart_m: float,
) -> list[Spot]:
    """Places for n round things within a rectangle, drawn evenly among those with at least `apart_m` between the things.

    Args:
        rng: random numbers.
        low_m, high_m: corners of the rectangle, (2,) or of each thing's own, (n, 2).
        radii_m: (n,) of the things.
        apart_m: least air between any two.

    Raises:
        MotionError: there is no room for them.
    """
    for _ in range(_TRIES):
        xy: Array = rng.uniform(low_m, high_m, (len(radii_m), 2))
        spots = [Spot(float(x), float(y), float(radius)) for (x, y), radius in zip(xy, radii_m, strict=True)]
        if all(air_m(one, other) >= apart_m for k, one in enumerate(spots) for other in spots[:k]):
            return spots
    across = np.max(np.reshape(high_m, (-1, 2)), axis=0) - np.min(np.reshape(low_m, (-1, 2)), axis=0)
    size = f"{across[0]:.2f} x {across[1]:.2f} m"
    require(False, MotionError, f"no room for {len(radii_m)} things with {apart_m:g} m between them on {size}.")
    return []


def air_m(one: Spot, other: Spot) -> float:
    """Distance between the rims of two things."""
    return float(np.hypot(one.x_m - other.x_m, one.y_m - other.y_m)) - one.radius_m - other.radius_m
