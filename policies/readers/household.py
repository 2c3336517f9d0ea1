"""What a policy that works with things has to know: where they are from the robot, and from each of its hands.

Everything is told from where the robot stands, so that a robot that drives sees the same wherever it stands; and each thing
from each hand, in the hand's own frame, because that difference, of a centimetre or so, decides whether a grasp succeeds.
A policy for several chores has room for the most things that any of them has; all numbers of a thing that is not there are 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from motion.words import TEXT
from policies.readers.base import Reader, Told
from policies.readers.route import near_or_handy, way_left_m
from policies.spec import FORCE, GOAL, GOAL_TURN, HINGE, SIZES, THINGS, THINGS_TURN

if TYPE_CHECKING:
    from policies.base import PolicySpec

POSITION, VELOCITY, PREVIOUS = "joint_position_rad", "joint_velocity_radps", "previous_action_rad"
PLACE, HANDS, HANDS_TURN = "base_place", "hand_position_m", "hand_wxyz"
CLOCK, CHORE = "elapsed_s", "chore"
CHORES_N = 16
"""Room for so many chores, and one place for those that are none of ours."""

NEAR_M = 0.05
"""Reaches much shorter than this are told finely, once more, as `tanh(reach / NEAR_M)`: a centimetre decides there."""

SCALES = {
    "posture_rad": (0.05, 0.03),
    "velocity_radps": (0.1, 0.15),
    "previous_rad": (0.02, 0.03),
    "place_m": (0.05, 0.005),
    "hand_m": (0.02, 0.01),
    "hand_turn": (0.1, 0.05),
    "thing_m": (0.02, 0.003),
    "thing_turn": (0.1, 0.03),
    "size_m": (0.005, 0.001),
    "reach_m": (0.02, 0.004),
    "near": (0.2, 0.08),
    "hinge": (0.05, 0.01),
    "force_log_n": (0.3, 0.3),
    "clock_s": (1.0, 0.1),
    "chore": (1.0, 0.0),
    "goal_m": (0.02, 0.003),
    "goal_turn": (0.1, 0.03),
    "way_m": (0.02, 0.003),
    "way_left_m": (0.1, 0.03),
    "text": (0.05, 0.0),
}
"""Group of numbers -> in the group's unit, the smallest spread that counts as a change, and the noise (`Reader.noise`). What decides a
grasp has little: the places of things, beside the robot's own posture. The order is that of the inputs."""

DRIVING = {"place_m": (0.05, 0.05)}
"""The same where the base drives: what matters is where things are from the robot, and no place is ever met again exactly."""

UNITS = {"thing_m": 0.2, "thing_turn": 1.0, "size_m": 0.05, "reach_m": 0.2, "near": 1.0, "goal_m": 0.2, "goal_turn": 1.0, "way_m": 0.2}
"""Group of numbers that tells of every thing -> what counts as much as 1, in the group's unit."""
KEPT = ("size_m",)
"""Groups that a policy keeps within what it was shown (`Reader.kept`)."""
OF_HANDS, HANDS_N = ("reach_m", "near"), 2
"""Groups that tell of every thing for each hand."""


class HouseholdReader(Reader):
    """Robot, hands, things, and things seen from the hands, each as far as it is read; actions are absolute targets."""

    names: ClassVar[tuple[str, ...]] = (
        *(POSITION, VELOCITY, PREVIOUS, PLACE, HANDS, HANDS_TURN, THINGS, THINGS_TURN, SIZES, FORCE, CLOCK, CHORE),
    )
    optional: ClassVar[tuple[str, ...]] = (HINGE,)  # a data set leaves out tracks without numbers, as of scenes without doors
    things: ClassVar[tuple[str, ...]] = (THINGS, THINGS_TURN, SIZES, HINGE)
    instead_of_text: ClassVar[tuple[str, ...]] = (CHORE,)
    carried_out: ClassVar[float] = 2 / 3  # who looks more often hesitates where a hand closes, and the thing slips

    def __init__(self, spec: PolicySpec, previous_action: bool) -> None:
        super().__init__(spec, previous_action)
        blank = {name: torch.zeros(1, *shape) for name, shape in spec.shapes.items()}
        groups = self._groups(blank)
        scales = SCALES | DRIVING if spec.drives else SCALES
        self.floor, self.noise = (torch.cat([torch.full((v.shape[1],), scales[name][k]) for name, v in groups.items()]) for k in (0, 1))
        self.width = len(self.floor)
        self.kept = torch.cat([torch.full((v.shape[1],), name in KEPT) for name, v in groups.items()])
        self.told = _told(groups, spec.shapes[THINGS][0]) if THINGS in spec.shapes else None

    def inputs(self, observation: Mapping[str, Tensor]) -> Tensor:
        """The groups of `SCALES`, end to end."""
        return torch.cat(list(self._groups(observation).values()), dim=1)

    def anchor_rad(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Nothing: (N, 1, J) zeros."""
        position = observation[POSITION]
        return position.new_zeros(len(position), 1, self.spec.joints)

    def _groups(self, observation: Mapping[str, Tensor]) -> dict[str, Tensor]:
        place = observation[PLACE]
        back = _yaw_matrix(-place[:, 2])
        hands, hand_turn = _level(observation[HANDS], place, back), back[:, None] @ matrices(observation[HANDS_TURN])
        groups = {
            "posture_rad": observation[POSITION],
            "velocity_radps": observation[VELOCITY],
            "previous_rad": observation[PREVIOUS],
            "place_m": place,
            "hand_m": hands,
            "hand_turn": hand_turn[..., :2],
            "force_log_n": torch.log1p(observation[FORCE].clamp(min=0.0)),
            "clock_s": observation[CLOCK],
        }
        groups |= {"text": observation[TEXT]} if TEXT in observation else {"chore": _one_hot(observation[CHORE][:, 0])}
        if THINGS in observation:
            there, things, turn = _things(observation[THINGS], observation[THINGS_TURN], place, back)
            size = observation[SIZES]
            way = {"way_left_m": way_left_m(things, turn[:, :, :2, 0], size)} if self.spec.drives else {}
            if self.spec.drives:
                near = near_or_handy(things, size)[..., None]
                there, things, turn, size = there * near, things * near, turn * near[..., None], size * near
            reach = torch.einsum("nhki,nhij->nhkj", things[:, None] - hands[:, :, None], hand_turn) * there[:, None]
            groups |= {"thing_m": things, "thing_turn": turn, "size_m": size}
            groups |= {"reach_m": reach, "near": torch.tanh(reach / NEAR_M)}
            groups |= {"hinge": observation[HINGE]} if HINGE in observation else {}
            groups |= way
        if GOAL in observation:
            wanted, goal, turn = _things(observation[GOAL], observation[GOAL_TURN], place, back)
            groups |= {"goal_m": goal, "goal_turn": turn}
            groups |= {"way_m": (goal - things) * wanted * there} if THINGS in observation else {}
        if not self.previous_action:
            del groups["previous_rad"]
        return {name: groups[name].flatten(1) for name in SCALES if name in groups}


def _told(groups: Mapping[str, Tensor], things_n: int) -> Told:
    """Where the groups of things stand in the inputs, thing by thing; what both hands have of one lies together."""
    places = torch.arange(sum(values.shape[1] for values in groups.values())).split([values.shape[1] for values in groups.values()])
    columns, unit = [], []
    for (name, values), own in zip(groups.items(), places, strict=True):
        if name in UNITS:
            hands_n = HANDS_N if name in OF_HANDS else 1
            columns.append(own.view(hands_n, things_n, -1).transpose(0, 1).flatten(1))
            unit.append(torch.full((values.shape[1] // things_n,), UNITS[name]))
    return Told(torch.cat(columns, dim=1), torch.cat(unit))


def matrices(wxyz: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) of unit quaternions (..., 4); of zeros, which stand for nothing, the identity."""
    w, x, y, z = wxyz.unbind(-1)
    rows = [
        *(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        *(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        *(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    ]
    return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))


def _yaw_matrix(yaw: Tensor) -> Tensor:
    cosine, sine, zero, one = torch.cos(yaw), torch.sin(yaw), torch.zeros_like(yaw), torch.ones_like(yaw)
    return torch.stack([cosine, -sine, zero, sine, cosine, zero, zero, zero, one], dim=-1).unflatten(-1, (3, 3))


def _level(points: Tensor, place: Tensor, back: Tensor) -> Tensor:
    """Points (N, K, 3) of the counter's frame as seen from a base at places (N, 3); heights stay the counter's."""
    origin = torch.cat([place[:, :2], torch.zeros_like(place[:, :1])], dim=1)
    return (points - origin[:, None]) @ back.transpose(1, 2)


def _things(points: Tensor, wxyz: Tensor, place: Tensor, back: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Which of K things are there, (N, K, 1) ones and zeros; and as seen from the base, 0 where one is not, where they are (N, K, 3)
    and two axes of each (N, K, 3, 2)."""
    there = (wxyz != 0).any(-1, keepdim=True).to(points.dtype)
    turn = back[:, None] @ matrices(wxyz)
    return there, _level(points, place, back) * there, turn[..., :2] * there[..., None]


def _one_hot(number: Tensor) -> Tensor:
    known = (number >= 0) & (number < CHORES_N)
    place = torch.where(known, number, torch.full_like(number, CHORES_N)).long()
    return torch.nn.functional.one_hot(place, CHORES_N + 1).to(number.dtype)
