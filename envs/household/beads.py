"""Beads: small balls that stand for what is poured and stirred, where they lie, and what vessel holds them."""

from __future__ import annotations

import numpy as np

from envs.household.look import Look
from envs.household.things import Shape, Thing
from motion.errors import ShapeError, require
from motion.transform import Array

DENSITY_KGPM3 = 1000.0
"""Of water and of most food."""
LOW_M = 0.03
"""A bead that lies lower than this over the counter, outside every vessel, was spilled; one higher up may be on its way."""
_GAP = 1.04
"""Beads start this many diameters apart, so that none overlap."""


def bead(
    name: str,
    radius_m: float,
    position_m: Array,
    friction: float,
    rgba: tuple[float, float, float, float],
    family: str = "bead",
) -> Thing:
    """One ball. Balls slide past each other without friction, one number a contact instead of three; walls rub them."""
    mass_kg = DENSITY_KGPM3 * 4 / 3 * np.pi * radius_m**3
    ball = Shape("sphere", (radius_m,), mass_kg=mass_kg, friction=friction, rgba=rgba, condim=1, solref_s=0.006)
    x, y, z = (float(value) for value in position_m)
    return Thing(name, (ball,), position_m=(x, y, z), role="bead", family=family, half_m=(radius_m,) * 3)


def layers(count: int, bead_radius_m: float, inner_radius_m: float, bottom_m: float) -> Array:
    """Centres (count, 3) of beads in layers, each a ring along the wall and what goes into its middle, upright vessel at 0.

    Args:
        count: how many.
        bead_radius_m: of a bead.
        inner_radius_m: free radius inside the vessel.
        bottom_m: height of its inside bottom.
    """
    layer = _layer(bead_radius_m, inner_radius_m)
    number, within = np.divmod(np.arange(count), len(layer))
    turn = 0.5 * number  # each layer is turned against the one below
    x, y = layer[within].T
    height = bottom_m + _GAP * bead_radius_m * (1 + 2 * number)
    return np.column_stack([np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y, height])


def half_layers(count: int, bead_radius_m: float, inner_radius_m: float, bottom_m: float, turn_rad: float) -> Array:
    """Centres (count, 3) of one layer in two heaps, the first half of the beads on one side: as far apart as they fit.

    Args:
        count: how many, even.
        bead_radius_m, inner_radius_m, bottom_m: as of `layers`.
        turn_rad: direction, about the vessel's axis, in which the first heap lies.

    Raises:
        ShapeError: one layer does not hold them.
    """
    places = _layer(bead_radius_m, inner_radius_m)
    order = np.argsort(-places[:, 0], kind="stable")
    require(len(places) >= count, ShapeError, f"one layer holds {len(places)} beads, not {count}.")
    x, y = places[np.r_[order[: count // 2], order[-(count // 2) :]]].T
    cos, sin = np.cos(turn_rad), np.sin(turn_rad)
    return np.column_stack([cos * x - sin * y, sin * x + cos * y, np.full(count, bottom_m + _GAP * bead_radius_m)])


def _layer(bead_radius_m: float, inner_radius_m: float) -> Array:
    """Places (k, 2) of one layer: rings a bead's width apart, from the wall inwards."""
    pitch = 2 * _GAP * bead_radius_m
    places = []
    ring = inner_radius_m - _GAP * bead_radius_m
    while ring > pitch / 2:
        around = int(np.pi / np.arcsin(min(pitch / 2 / ring, 1.0)))
        angle = 2 * np.pi * np.arange(around) / around
        places.append(ring * np.column_stack([np.cos(angle), np.sin(angle)]))
        ring -= pitch
    if ring > -1e-9 or not places:
        places.append(np.zeros((1, 2)))
    return np.concatenate(places)


def inside(look: Look, vessel: str, radius_m: Array, height_m: Array) -> np.ndarray:
    """(n, B) whether each bead's centre is in an open round vessel, however it is tilted.

    Args:
        look: the moment.
        vessel: name of a thing whose origin is in the middle of its underside.
        radius_m, height_m: (n,) of the vessel.
    """
    local = look.pose(vessel)[:, None].inverse().apply(look.beads_m())
    across = np.hypot(local[..., 0], local[..., 1])
    return np.asarray((across < radius_m[:, None]) & (local[..., 2] > 0) & (local[..., 2] < height_m[:, None]))


def spilled(look: Look, held: np.ndarray) -> np.ndarray:
    """(n, B) whether each bead lies low, outside the vessels.

    Args:
        look: the moment.
        held: (n, B) which are in a vessel.
    """
    return np.asarray(~held & (look.beads_m()[..., 2] < LOW_M))
