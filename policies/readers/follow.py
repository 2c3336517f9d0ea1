"""What a policy that follows a reference has to know, per joint, as differences a small network can use at once.

The observation holds the reference from the next control period on. Fed raw, its 25 rows are nearly equal to each
other and to the joint positions; what decides the action (velocity, acceleration, tracking error) would be small
differences of large numbers. Here those differences are taken first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from motion.errors import ShapeError, require
from policies.readers.base import Reader

if TYPE_CHECKING:
    from policies.base import PolicySpec

REFERENCE = "reference_rad"
POSITION = "joint_position_rad"
VELOCITY = "joint_velocity_radps"
PREVIOUS = "previous_action_rad"
BASE = "reference_base_pose"
OBSERVATIONS = (POSITION, VELOCITY, PREVIOUS, REFERENCE)
BASE_OBSERVATIONS = (BASE,)
"""What is looked at, too, where a base drives: it counts as three more joints, whose position is 0 and whose targets are speeds."""

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


class FollowReader(Reader):
    """Channels of every joint, (C, J) flattened; actions are counted from the reference at the matching steps."""

    names: ClassVar[tuple[str, ...]] = OBSERVATIONS
    optional: ClassVar[tuple[str, ...]] = BASE_OBSERVATIONS

    def __init__(self, spec: PolicySpec, previous_action: bool) -> None:
        super().__init__(spec, previous_action)
        require_reference_rows(spec.shapes, spec.chunk_n)
        self.channels = tuple(name for name in CHANNELS if previous_action or name != "previous_offset_rad")
        self.channels_n, self.width = len(self.channels), len(self.channels) * spec.joints
        self.floor = torch.tensor([FLOORS[name] for name in self.channels]).repeat_interleave(spec.joints)

    def inputs(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Channel by channel, (N, C * J)."""
        chosen = [CHANNELS.index(name) for name in self.channels]
        return follow_channels(observation, self.spec.period_s)[:, chosen].flatten(1)

    def anchor_rad(self, observation: Mapping[str, Tensor]) -> Tensor:
        """The reference at the matching steps, (N, H, J)."""
        return reference_anchor_rad(observation, self.spec.chunk_n, self.spec.period_s)


def reference_now_rad(reference_rad: Tensor) -> Tensor:
    """The reference (N, J) at the present instant, continued backward in a straight line from its next two rows."""
    return 2 * reference_rad[:, 0] - reference_rad[:, 1]


def follow_channels(observation: Mapping[str, Tensor], period_s: float) -> Tensor:
    """Channels (N, C, J), in the order of `CHANNELS`, raw units; a driving base's three come after the joints'.

    Args:
        observation: `joint_position_rad`, `joint_velocity_radps`, `previous_action_rad` (N, J) and `reference_rad`
            (N, R, J), whose row k is the reference at (k + 1) periods from now; of a driving base `previous_action_rad`
            (N, J + 3) and `reference_base_pose` (N, R, 3), seen from the base, so that its own position is 0.
        period_s: control period.
    """
    reference, position = observation[REFERENCE], observation[POSITION]
    velocity_now, sent = observation[VELOCITY], observation[PREVIOUS]
    if BASE in observation:
        base = unturned(observation[BASE])
        speed = (base[:, 1] - base[:, 0]) / period_s
        # How fast the base goes is not seen: it is taken to go as it should. What was sent to it is a speed, not a place.
        last = sent[:, position.shape[1] :] - speed + reference_now_rad(base)
        position = torch.cat([position, torch.zeros_like(speed)], dim=1)
        reference, velocity_now = torch.cat([reference, base], dim=2), torch.cat([velocity_now, speed], dim=1)
        sent = torch.cat([sent[:, : -speed.shape[1]], last], dim=1)
    now = reference_now_rad(reference)
    velocity = (reference[:, 1] - reference[:, 0]) / period_s
    second = (reference[:, 2:] - 2 * reference[:, 1:-1] + reference[:, :-2]) / period_s**2
    return torch.stack(
        [
            position,
            position - now,
            velocity_now - velocity,
            sent - now,
            velocity,
            *(second[:, row - 1] for row in ACCELERATION_ROWS),
            *(reference[:, row] - now for row in AHEAD_ROWS),
        ],
        dim=1,
    )


def reference_anchor_rad(observation: Mapping[str, Tensor], chunk_n: int, period_s: float) -> Tensor:
    """The reference (N, H, J) at the end of each period that the chunk's actions act in; of a driving base its speeds then."""
    if BASE not in observation:
        return observation[REFERENCE][:, :chunk_n]
    return torch.cat([observation[REFERENCE][:, :chunk_n], base_speed(observation[BASE], chunk_n, period_s)], dim=2)


def base_speed(base: Tensor, chunk_n: int, period_s: float) -> Tensor:
    """Speeds (N, H, 3) ahead, to the left and of turning along places (N, R, 3), seen by a base that is where it should be."""
    path = unturned(base)
    step = (path[:, 1:] - path[:, :-1]) / period_s
    step = torch.cat([step, step[:, -1:]], dim=1)[:, :chunk_n]
    cosine, sine = torch.cos(path[:, :chunk_n, 2]), torch.sin(path[:, :chunk_n, 2])
    return torch.stack([cosine * step[..., 0] + sine * step[..., 1], cosine * step[..., 1] - sine * step[..., 0], step[..., 2]], dim=2)


def unturned(base: Tensor) -> Tensor:
    """Places (N, R, 3) whose yaw goes on where it has turned half round."""
    turn = torch.diff(base[..., 2], dim=1, prepend=base[:, :1, 2])
    turn = turn - 2 * torch.pi * torch.round(turn / (2 * torch.pi))
    return torch.cat([base[..., :2], (base[:, :1, 2] + torch.cumsum(turn, dim=1))[..., None]], dim=2)


def require_reference_rows(shapes: Mapping[str, tuple[int, ...]], chunk_n: int) -> None:
    """Refuse a reference too short for the channels or for the chunk.

    Raises:
        ShapeError: with the rows that are needed.
    """
    rows, needed = shapes[REFERENCE][0], max(_LAST_ROW + 1, chunk_n)
    require(rows >= needed, ShapeError, f"{REFERENCE} has {rows} rows; {needed} are needed (chunk_n={chunk_n}).")
