"""What a policy that follows a reference has to know, per joint, as differences a small network can use at once.

The observation holds the reference from the next control period on. Fed raw, its 25 rows are nearly equal to each
other and to the joint positions; what decides the action (velocity, acceleration, tracking error) would be small
differences of large numbers. Here those differences are taken first.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from motion.errors import ShapeError, require

REFERENCE = "reference_rad"
POSITION = "joint_position_rad"
VELOCITY = "joint_velocity_radps"
PREVIOUS = "previous_action_rad"
OBSERVATIONS = (POSITION, VELOCITY, PREVIOUS, REFERENCE)

ACCELERATION_ROWS = (1, 2, 4, 7, 11, 16)
AHEAD_ROWS = (4, 9, 24)
_LAST_ROW = max(*AHEAD_ROWS, max(ACCELERATION_ROWS) + 1)

FLOORS = {
    "posture_rad": 0.05,
    "error_rad": 0.005,
    "velocity_error_radps": 0.1,
    "previous_offset_rad": 0.01,
    "velocity_radps": 0.05,
    **{f"acceleration_radps2_{row}": 0.5 for row in ACCELERATION_ROWS},
    **{f"ahead_rad_{row}": 0.02 for row in AHEAD_ROWS},
}
"""Channel -> the smallest spread that counts as a movement, in the channel's unit. The order is the channels' order."""

CHANNELS = tuple(FLOORS)


def reference_now_rad(reference_rad: Tensor) -> Tensor:
    """The reference (N, J) at the present instant, continued backward in a straight line from its next two rows."""
    return 2 * reference_rad[:, 0] - reference_rad[:, 1]


def follow_channels(observation: Mapping[str, Tensor], period_s: float) -> Tensor:
    """Channels (N, C, J), in the order of `CHANNELS`, raw units.

    Args:
        observation: `joint_position_rad`, `joint_velocity_radps`, `previous_action_rad` (N, J) and `reference_rad`
            (N, R, J), whose row k is the reference at (k + 1) periods from now.
        period_s: control period.
    """
    reference, position = observation[REFERENCE], observation[POSITION]
    now = reference_now_rad(reference)
    velocity = (reference[:, 1] - reference[:, 0]) / period_s
    second = (reference[:, 2:] - 2 * reference[:, 1:-1] + reference[:, :-2]) / period_s**2
    return torch.stack(
        [
            position,
            position - now,
            observation[VELOCITY] - velocity,
            observation[PREVIOUS] - now,
            velocity,
            *(second[:, row - 1] for row in ACCELERATION_ROWS),
            *(reference[:, row] - now for row in AHEAD_ROWS),
        ],
        dim=1,
    )


def reference_anchor_rad(observation: Mapping[str, Tensor], chunk_n: int) -> Tensor:
    """The reference (N, H, J) at the end of each period that the chunk's actions act in."""
    return observation[REFERENCE][:, :chunk_n]


def require_reference_rows(shapes: Mapping[str, tuple[int, ...]], chunk_n: int) -> None:
    """Refuse a reference too short for the channels or for the chunk.

    Raises:
        ShapeError: with the rows that are needed.
    """
    rows, needed = shapes[REFERENCE][0], max(_LAST_ROW + 1, chunk_n)
    require(rows >= needed, ShapeError, f"{REFERENCE} has {rows} rows; {needed} are needed (chunk_n={chunk_n}).")
