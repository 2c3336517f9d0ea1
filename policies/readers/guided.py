"""What a policy has to know that is given one recording of a chore, whatever the chore is.

Nothing here counts things or names a chore: it is told of each hand, of the thing that this hand is at, and of how both differ
from the recording. What is to be mended in space is turned into joints by the recording's own `reference_reach`, and what is to be
gripped by `reference_grip_rad`, so that the law from differences to actions is nearly the same for every chore. Actions are counted
from the recording's plan, and while a hand is at a thing from what was added to the plan before, so that a policy need not learn to
remember that: one that answers zero replays the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from motion.context import PHASES
from motion.errors import ShapeError, require
from policies.readers.base import Reader
from policies.readers.household import matrices
from policies.spec import FORCE

if TYPE_CHECKING:
    from policies.base import PolicySpec

POSITION, PREVIOUS = "joint_position_rad", "previous_action_rad"
HANDS = "hand_position_m"
PLAN, BEFORE, REACH, GRIP = "reference_plan_rad", "reference_before_rad", "reference_reach", "reference_grip_rad"
CLOSING, WANTED, PHASE = "reference_closing", "reference_force_n", "reference_phase"
HAND, HAND_TURN = "reference_hand_position_m", "reference_hand_wxyz"
THING, THING_TURN = "reference_thing_position_m", "reference_thing_wxyz"
SEEN, SEEN_TURN = "reference_seen_position_m", "reference_seen_wxyz"
TOUCH_SHARE = 0.1
"""A touch is felt from this share of the wanted force on."""
_FADED, _HARDLY = 0.02, 1e-6
"""A shift that has faded to this share is over; fingers so much less closed than the plan are as closed as it."""
_MOST_LACKING, _LEAST_N, _FAR_M, _LONG_M = 3.0, 0.5, 0.1, 0.3

CHANNELS = {
    "offset_rad": 0.01,
    "offset_leading_rad": 0.01,
    "offset_carrying_rad": 0.01,
    "offset_released_rad": 0.01,
    "offset_gripping_rad": 0.05,
    "tracking_rad": 0.01,
    "lead_rad": 0.01,
    "carry_rad": 0.01,
    "turn_rad": 0.01,
    "untouched_rad": 0.1,
    "touched_rad": 0.1,
    "lacking_rad": 0.1,
    "left_rad": 0.1,
    "step_rad": 0.005,
    "ahead_rad": 0.02,
}
"""Channel of every joint -> the smallest spread that counts as a change. The order is the channels' order."""
_OF_PREVIOUS = tuple(name for name in CHANNELS if name.startswith("offset"))

NUMBERS = {
    "thing_m": 0.01,
    "thing_turn_rad": 0.05,
    "hand_m": 0.01,
    "phase": 0.2,
    "force_log_n": 0.3,
    "wanted_log_n": 0.3,
    "lacking": 0.3,
    "closing": 0.1,
}
"""Group of numbers of each hand -> the same. The order is that of the inputs, behind the channels."""


class GuidedReader(Reader):
    """Channels of every joint, then numbers of each hand; actions are counted from the recording's plan."""

    names: ClassVar[tuple[str, ...]] = (
        *(POSITION, PREVIOUS, FORCE, HANDS, PLAN, BEFORE, REACH, GRIP, CLOSING, WANTED, PHASE),
        *(HAND, HAND_TURN, THING, THING_TURN, SEEN, SEEN_TURN),
    )
    offset_floor = 0.002

    def __init__(self, spec: PolicySpec, previous_action: bool) -> None:
        super().__init__(spec, previous_action)
        _require_plan(spec)
        self.channels = tuple(name for name in CHANNELS if previous_action or name not in _OF_PREVIOUS)
        self.channels_n = len(self.channels)
        blank = {name: torch.zeros(1, *shape) for name, shape in spec.shapes.items()}
        numbers = _numbers(blank, _Hands(blank))
        of_hands = [torch.full((values.shape[1],), NUMBERS[name]) for name, values in numbers.items()]
        self.floor = torch.cat([torch.tensor([CHANNELS[name] for name in self.channels]).repeat_interleave(spec.joints), *of_hands])
        self.width = len(self.floor)

    def inputs(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Channel by channel (C, J), then the groups of `NUMBERS`, end to end."""
        hands = _Hands(observation)
        channels = _channels(observation, hands)
        return torch.cat([*(channels[name] for name in self.channels), *_numbers(observation, hands).values()], dim=1)

    def anchor_rad(self, observation: Mapping[str, Tensor]) -> Tensor:
        """The plan of this period and of those that follow, with what hands at work have added to it already, (N, H, J)."""
        plan = observation[PLAN][:, : self.spec.chunk_n]
        return plan + _kept(observation)[:, None] - _not_closed_again(observation, plan) if self.previous_action else plan


def _kept(observation: Mapping[str, Tensor]) -> Tensor:
    """(N, J) what the previous action added to the plan, of arms that are led or carry and of fingers that grip; 0 of all others."""
    phase = dict(zip(PHASES, observation[PHASE].unbind(-1), strict=True))
    led = (phase["leading"] + phase["carrying"] > 0) | (phase["released"] > _FADED)
    arms = (observation[REACH].abs().sum(-1) > 0) & led[..., None]
    fingers = (observation[GRIP] != 0) & (phase["closing"] + phase["gripping"] > 0)[..., None]
    offset = observation[PREVIOUS] - observation[BEFORE]
    return torch.where((arms | fingers).any(1), offset, torch.zeros_like(offset))


def _not_closed_again(observation: Mapping[str, Tensor], plan: Tensor) -> Tensor:
    """(N, H, J) what of a plan (N, H, J) would close fingers that have just let go, and gripped less than the plan does."""
    phase = dict(zip(PHASES, observation[PHASE].unbind(-1), strict=True))
    way = observation[GRIP]
    size = (way**2).sum(-1).clamp(min=1e-6)
    behind = torch.einsum("nsj,nj->ns", way, observation[PREVIOUS] - observation[BEFORE]) / size < -_HARDLY
    held = behind & (phase["released"] > _FADED) & (phase["closing"] + phase["gripping"] == 0)
    more = torch.einsum("nsj,nhj->nhs", way, plan - observation[PREVIOUS][:, None]) / size[:, None]
    return torch.einsum("nhs,nsj->nhj", more.clamp(min=0.0) * held[:, None], way)


class _Hands:
    """What the parts of the inputs share, of both hands (N, S, ...): differences in the counter's frame, and forces."""

    def __init__(self, observation: Mapping[str, Tensor]) -> None:
        self.phase = dict(zip(PHASES, observation[PHASE].unbind(-1), strict=True))
        near = (observation[THING_TURN] != 0).any(-1, keepdim=True).to(observation[THING].dtype)
        self.error_m = _within((observation[SEEN] - observation[THING]) * near, _FAR_M)
        upright = self.phase["turning"][..., None] * near
        self.error_rad = _turn_of_axis(observation[THING_TURN], observation[SEEN_TURN]) * upright
        self.force_n, self.wanted_n = observation[FORCE].sum(-1).clamp(min=0.0), observation[WANTED]
        needed = self.wanted_n.clamp(min=_LEAST_N)
        self.lacking = ((needed - self.force_n) / needed).clamp(-_MOST_LACKING, 1.0)
        self.touches = (self.force_n >= TOUCH_SHARE * needed).to(needed.dtype)
        self.gripping = self.phase["closing"] + self.phase["gripping"]
        way = observation[GRIP]
        off = torch.einsum("nsj,nj->ns", way, observation[PREVIOUS] - observation[BEFORE]) / (way**2).sum(-1).clamp(min=1e-6)
        self.closed = (observation[CLOSING] + off) * self.gripping
        self.arm = (observation[REACH].abs().sum(-1) > 0).to(way.dtype)


def _channels(observation: Mapping[str, Tensor], hands: _Hands) -> dict[str, Tensor]:
    """Channel -> (N, J)."""
    plan, reach, grip, phase = observation[PLAN], observation[REACH], observation[GRIP], hands.phase
    offset = observation[PREVIOUS] - observation[BEFORE]

    def of_arms(share: Tensor) -> Tensor:
        return (share[..., None] * hands.arm).sum(1)

    def of_fingers(share: Tensor) -> Tensor:
        return torch.einsum("ns,nsj->nj", share * hands.gripping, grip)

    def shifted(share: Tensor, shift: Tensor, part: slice) -> Tensor:
        return torch.einsum("ns,nsjk,nsk->nj", share, reach[..., part], shift)

    arm = _within(observation[HAND] - observation[SEEN], _LONG_M)
    lead_m = -hands.error_m + torch.linalg.cross(-hands.error_rad, arm * phase["carrying"][..., None])
    return {
        "offset_rad": offset,
        "offset_leading_rad": offset * of_arms(phase["leading"]),
        "offset_carrying_rad": offset * of_arms(phase["carrying"]),
        "offset_released_rad": offset * of_arms(phase["released"]),
        "offset_gripping_rad": offset * (of_fingers(torch.ones_like(hands.force_n)) != 0),
        "tracking_rad": observation[POSITION] - plan[:, 0],
        "lead_rad": shifted(phase["leading"], hands.error_m, slice(0, 3)),
        "carry_rad": shifted(phase["carrying"], lead_m, slice(0, 3)),
        "turn_rad": shifted(phase["carrying"], -hands.error_rad, slice(3, 6)),
        "untouched_rad": of_fingers((1.0 - hands.touches) * phase["gripping"]),
        "touched_rad": of_fingers(hands.touches),
        "lacking_rad": of_fingers(hands.touches * hands.lacking),
        "left_rad": of_fingers((1.0 - hands.closed) * phase["gripping"]),
        "step_rad": plan[:, 0] - observation[BEFORE],
        "ahead_rad": plan[:, -1] - plan[:, 0],
    }


def _numbers(observation: Mapping[str, Tensor], hands: _Hands) -> dict[str, Tensor]:
    """Group -> (N, numbers of both hands), places and turns as the hands see them."""
    turn = matrices(observation[HAND_TURN])

    def seen(vector: Tensor) -> Tensor:
        return torch.einsum("nsi,nsij->nsj", vector, turn)

    groups = {
        "thing_m": seen(hands.error_m),
        "thing_turn_rad": seen(hands.error_rad),
        "hand_m": _within(seen(observation[HANDS] - observation[HAND]), _FAR_M),
        "phase": observation[PHASE],
        "force_log_n": torch.log1p(hands.force_n),
        "wanted_log_n": torch.log1p(hands.wanted_n),
        "lacking": hands.lacking * hands.gripping,
        "closing": torch.stack([observation[CLOSING], hands.closed], dim=-1),
    }
    return {name: groups[name].flatten(1) for name in NUMBERS}


def _within(vector: Tensor, length: float) -> Tensor:
    """Vectors (..., 3) cut to a length: a thing that has rolled away tells no more than that it has."""
    size = torch.sqrt((vector**2).sum(-1, keepdim=True))
    return vector * torch.clamp(length / size.clamp(min=1e-9), max=1.0)


def _turn_of_axis(wanted: Tensor, seen: Tensor) -> Tensor:
    """(..., 3) turn from wanted to seen orientations (..., 4), that about the wanted vertical left out; 0 for zeros.

    As long as twice the sine of half the angle, in rad: the angle where it is small, and never more than 2.
    """
    w, x, y, z = wanted.unbind(-1)
    a, b, c, d = seen.unbind(-1)
    scalar = a * w + b * x + c * y + d * z
    vector = torch.stack([-a * x + b * w - c * z + d * y, -a * y + b * z + c * w - d * x, -a * z - b * y + c * x + d * w], dim=-1)
    turn = 2.0 * vector * torch.where(scalar < 0, -torch.ones_like(scalar), torch.ones_like(scalar))[..., None]
    axis = matrices(wanted)[..., 2]
    return turn - (turn * axis).sum(-1, keepdim=True) * axis


def _require_plan(spec: PolicySpec) -> None:
    rows, joints = spec.shapes[PLAN]
    require(rows >= spec.chunk_n, ShapeError, f"{PLAN} tells {rows} periods; chunk_n={spec.chunk_n} are needed. Lower policy.chunk_n.")
    said = f"{PLAN} has {joints} joints, but there are {spec.joints} actions: a context is for a base that stays where it is."
    require(joints == spec.joints, ShapeError, said)
