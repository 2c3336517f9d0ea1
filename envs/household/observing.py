"""What one actor sees of a chore with things; positions in the counter's frame."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from envs.household.driving import place_of
from envs.household.hands import HAND_PARTS
from envs.household.look import Look
from envs.reference import PERIOD_S
from motion.landmarks import SIDES
from motion.transform import Array

_WIDEST_RAD, _FASTEST_RADPS, _FAR_M, _STRONG_N, _LONG_S = 100.0, 1000.0, 100.0, 1e5, 1e5
CHORE_ORDER = (
    "tidy_counter",
    "pour_cup",
    "stir_pot",
    "fragile_glass",
    "operate_appliance",
    "wash_dish",
    "fold_towel",
    "fetch_item",
    "walk_clutter",
)
"""Numbers of chores in observations: where they stand here."""


def household_space(joints: int, actions: int, things: int, hinges: int) -> spaces.Dict:
    """Robot, things and what the hands feel, for so many joints, actions, watched things, and hinges."""
    return spaces.Dict(
        {
            "joint_position_rad": _box(_WIDEST_RAD, joints),
            "joint_velocity_radps": _box(_FASTEST_RADPS, joints),
            "previous_action_rad": _box(_WIDEST_RAD, actions),
            "base_pose": _box(_FAR_M, 3),
            "base_place": _box(_FAR_M, 3),
            "hand_position_m": _box(_FAR_M, len(SIDES), 3),
            "hand_wxyz": _box(1.0 + 1e-6, len(SIDES), 4),
            "thing_position_m": _box(_FAR_M, things, 3),
            "thing_wxyz": _box(1.0 + 1e-6, things, 4),
            "thing_half_m": _box(_FAR_M, things, 3),
            "hinge": _box(_FAR_M, hinges),
            "hand_force_n": spaces.Box(0.0, _STRONG_N, (len(SIDES), len(HAND_PARTS)), np.float64),
            "elapsed_s": spaces.Box(0.0, _LONG_S, (1,), np.float64),
            "chore": _box(_FAR_M, 1),
        }
    )


def _box(limit: float, *shape: int) -> spaces.Box:
    return spaces.Box(-limit, limit, shape, np.float64)


def observed(look: Look, chore: str) -> dict[str, np.ndarray]:
    """Observations (n, ...) of the chore of that name."""
    moment, state = look.moment, look.moment.state
    return {
        "joint_position_rad": np.clip(state.joint_position_rad, -_WIDEST_RAD, _WIDEST_RAD),
        "joint_velocity_radps": np.clip(state.joint_velocity_radps, -_FASTEST_RADPS, _FASTEST_RADPS),
        "previous_action_rad": moment.previous_action_rad.copy(),
        "base_pose": np.clip(place_of(state.T_world_base), -_FAR_M, _FAR_M),
        "base_place": np.clip(place_of(look.T_counter_world @ state.T_world_base), -_FAR_M, _FAR_M),
        "hand_position_m": np.clip(look.hands.position_m, -_FAR_M, _FAR_M),
        "hand_wxyz": _one_sign(look.hands.wxyz),
        "thing_position_m": np.clip(look.things.position_m, -_FAR_M, _FAR_M),
        "thing_wxyz": _one_sign(look.things.wxyz),
        "thing_half_m": moment.facts["thing_half_m"],
        "hinge": np.clip(state.hinge, -_FAR_M, _FAR_M),
        "hand_force_n": np.clip(look.hand_force_n(), 0.0, _STRONG_N),
        "elapsed_s": moment.step[:, None] * PERIOD_S,
        "chore": np.full((len(moment.step), 1), float(CHORE_ORDER.index(chore) if chore in CHORE_ORDER else -1)),
    }


def _one_sign(wxyz: Array) -> Array:
    return np.where(wxyz[..., :1] < 0, -wxyz, wxyz)
