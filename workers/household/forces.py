"""How hard a worker grips: a little more than the least that holds, more while the thing is lifted with a jerk.

Sources:
    Westling & Johansson 1984, Exp. Brain Res. 53: people grip with the least force that holds plus a margin of their own,
        typically 1.2 to 2 times the least.
    Flanagan & Wing 1993, Exp. Brain Res. 95: grip force follows the load, gravity and acceleration, without delay.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from envs.household.things import Thing
from motion.handling import Handling, Hold
from motion.transform import Array
from workers.household.fingers import TOUCH
from workers.minimum_jerk import progress

GRAVITY_MPS2 = 9.81
SKIN_FRICTION = 0.8
"""Of things that nobody describes."""

UNKNOWN_N = 8.0
"""Grip on a thing whose weight nobody tells, a door handle for instance."""

_LEAST_N = 1.0
"""Nobody grips with less, however light the thing."""

_LET_GO_S = 0.5
"""After a hold the fingers have left the thing within this time."""

_PRESS_S = 0.2
"""How long a push takes to become firm where no finger closes."""

_MARGIN = (1.3, 2.0)
_KEY = 77


def safety_margin(worker_seed: int) -> float:
    """Grip force over the least that holds; the same in all of a worker's takes."""
    return float(np.random.default_rng([_KEY, worker_seed]).uniform(*_MARGIN))


def grip_forces(handling: Handling, side: str, margin: float, things: Sequence[Thing] = ()) -> Array:
    """(T,) grip force of a hand, N: the sum of its fingers' normal forces, the thumb's among them. 0 where it holds nothing.

    Args:
        handling: what is done.
        side: of the hand.
        margin: of the worker.
        things: what is handled.
    """
    force = np.zeros(len(handling.time_s))
    if side not in handling.hands:
        return force
    opening = np.asarray(handling.hands[side].opening, float)
    for hold in handling.holds:
        if hold.side == side:
            force = force + hold_force_n(hold, handling, margin, things) * _pressed(handling, hold, opening)
    return force


def _pressed(handling: Handling, hold: Hold, opening: Array) -> Array:
    """(T,) 0..1 how firm a hold is: it follows the fingers where they close, else it comes and goes with the hold."""
    during = handling.during(hold)
    if opening[during].min() < TOUCH:
        let_go = (handling.time_s >= hold.start_s) & (handling.time_s <= hold.end_s + _LET_GO_S)
        return progress(np.clip(1 - opening / TOUCH, 0, 1)) * let_go
    edge_s = np.minimum(handling.time_s - hold.start_s, hold.end_s - handling.time_s)
    return progress(np.clip(edge_s / _PRESS_S, 0, 1))


def hold_force_n(hold: Hold, handling: Handling, margin: float, things: Sequence[Thing] = ()) -> Array:
    """(T,) grip force that a hold keeps up once the fingers have closed: the hold's own where it names one, else by weight."""
    load = _load_per_kg(handling, hold.thing) / GRAVITY_MPS2
    thing = next((thing for thing in things if thing.name == hold.thing), None)
    if np.isfinite(hold.force_n):
        return hold.force_n * load
    if thing is None or thing.joint is None or thing.joint.kind != "free":
        return np.full(len(load), UNKNOWN_N * margin)
    # Each of two opposite sides presses with mg / (2 mu); sensors on all fingers feel both.
    least = thing.mass_kg * GRAVITY_MPS2 * load / friction_of(thing)
    return np.maximum(margin * least, _LEAST_N)


def friction_of(thing: Thing) -> float:
    """Least friction of a thing's shapes."""
    return min((shape.friction for shape in thing.shapes if shape.touchable), default=SKIN_FRICTION)


def _load_per_kg(handling: Handling, thing: str) -> Array:
    """(T,) force that carries each kg of a thing, N/kg: gravity and what its acceleration takes."""
    way = handling.things[thing].position_m
    acceleration = np.gradient(np.gradient(way, handling.time_s, axis=0), handling.time_s, axis=0)
    return np.linalg.norm(acceleration + [0.0, 0.0, GRAVITY_MPS2], axis=-1)
