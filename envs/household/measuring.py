"""What is measured of things and hands in every control period, whatever the chore."""

from __future__ import annotations

import numpy as np

from envs.household.build import Listing
from envs.household.hands import HAND_PARTS
from envs.household.link_classes import LINK_CLASSES
from envs.household.look import Look
from envs.reference import PERIOD_S
from motion.landmarks import SIDES
from motion.transform import Array, Transform, rotate

_FLOOR_M = -0.15
"""A thing below this, over the counter, is on its way to the floor."""
_DOWN_SHARE, _LEAN = 0.7, 0.7
"""A base that is lower than this share of its height, or leans by more than acos of this, has fallen."""


def physical_shapes(listing: Listing, moving: bool = False) -> dict[str, tuple[int, ...]]:
    """Names and shapes of what `physical_signals` returns."""
    things = len(listing.things)
    return {
        **({"furniture_force_n": (len(LINK_CLASSES),)} if moving else {}),
        "thing_position_m": (things, 3),
        "thing_wxyz": (things, 4),
        "bead_position_m": (len(listing.beads), 3),
        "hinge": (len(listing.hinges),),
        "hinge_speed": (len(listing.hinges),),
        "thing_force_n": (things,),
        "touch": (len(SIDES), things),
        "hand_force_n": (len(SIDES), len(HAND_PARTS)),
        "class_force_n": (len(LINK_CLASSES),),
        "hand_speed_mps": (len(SIDES),),
        "wrist_m": (len(SIDES), 3),
        "fall_mps": (),
    }


def physical_signals(look: Look, wrist_m: Array, classes: Array, moving: bool = False) -> dict[str, np.ndarray]:
    """Things and hands in the world (n, ...), and the forces of the period just gone.

    Args:
        look: the moment.
        wrist_m: (n, 2, 3) in the world, left before right.
        classes: (R, C) which felt link belongs to which of `LINK_CLASSES`.
        moving: whether the robot drives about; then what of it touches furniture is told, too, by `LINK_CLASSES`.
    """
    state = look.moment.state
    first = (look.moment.step <= 1)[:, None]
    touch = look.felt("touch").reshape(len(look.moment.step), len(SIDES), -1) > 0
    return {
        **({"furniture_force_n": look.furniture_force_n()} if moving else {}),
        "thing_position_m": state.thing_m,
        "thing_wxyz": state.thing_wxyz,
        "bead_position_m": state.bead_m,
        "hinge": state.hinge,
        "hinge_speed": state.hinge_speed,
        "thing_force_n": look.felt("thing_force_n"),
        "touch": touch.astype(float),
        "hand_force_n": look.hand_force_n(),
        "class_force_n": np.einsum("nr,rc->nc", look.link_force_n(), classes),  # a matrix product rounds by the number of rows
        "hand_speed_mps": np.where(first, 0.0, np.linalg.norm(wrist_m - look.before["wrist_m"], axis=-1) / PERIOD_S),
        "wrist_m": wrist_m,
        "fall_mps": _falling_mps(look, touch),
    }


def _falling_mps(look: Look, touch: np.ndarray) -> Array:
    """(n,) speed of the fastest fall of a thing that no hand touches."""
    down = (look.before["thing_position_m"][..., 2] - look.moment.state.thing_m[..., 2]) / PERIOD_S
    loose = ~touch.any(1) & ~np.isin(look.listing.things, look.listing.points)  # cloth that sinks was not dropped
    down = np.where(loose & (look.moment.step > 1)[:, None], down, 0.0)
    return np.maximum(down.max(axis=1, initial=0.0), 0.0)


def on_floor(look: Look) -> np.ndarray:
    """(n,) whether a thing that was on the counter lies well below it."""
    low = look.all_positions_m()[..., 2] < _FLOOR_M
    return np.asarray((low & (look.facts["parked"] == 0) & (look.facts["on_floor"] == 0)).any(1))


def fallen(T_world_base: Transform, place: Transform) -> np.ndarray:
    """(...) whether a robot whose base is there, batch (...), and should be at one pose, has fallen; one that broke down has not."""
    up = rotate((T_world_base @ place.inverse()).wxyz, np.array([0.0, 0.0, 1.0]))[..., 2]
    return np.asarray((T_world_base.position_m[..., 2] < _DOWN_SHARE * place.position_m[2]) | (up < _LEAN))
