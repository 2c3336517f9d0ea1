"""Context: one recording as a robot would do it, and the prompter that tells a policy of it, period by period.

A context has a clock of its own: it stands still while a hand waits for its grip, as `waits` says. All that is told is looked
up at the clock; what is seen of things is taken from the observation, with whatever noise it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from motion.demonstration import Demonstration
from motion.errors import MotionError, ShapeError, require
from motion.landmarks import SIDES
from motion.provenance import Provenance
from motion.store import entries_of, read_npz, write_npz
from motion.transform import Array

KIND = "context"
AHEAD = 8
"""Periods, the present one among them, whose targets are told."""
PHASES = ("leading", "closing", "gripping", "carrying", "released", "turning", "to_start_s", "to_closed_s", "to_end_s", "since_end_s")
"""Numbers of each hand. The first six are shares, 0 .. 1: it is being led to a loose thing; its fingers close; they grip by force;
it carries a loose thing; it still has the shift with which it let go; how its thing is turned matters. Then times, at most `HORIZON_S`."""
HORIZON_S = 2.0
_PREVIOUS = "previous_action_rad"
GRIP_SHARE = 0.7
"""A grip is felt from this share of the wanted force on."""


@dataclass(frozen=True)
class Context:
    """One recording, for one robot; F frames of 0.02 s, hands left before right (S = 2), K things that the chore watches.

    Attributes:
        robot: name of the robot.
        joint_names: J names.
        things: K names.
        period_s: time between two frames.
        plan_rad: (F, J) targets that carry the robot along the recording, without any feedback.
        hand_position_m, hand_wxyz: (F, S, 3), (F, S, 4) where the tool frames are along it, in the counter's frame.
        reach: (F, S, J, 6) how far joints go for each metre along, and each radian about, the counter's axes that a hand is shifted.
        grip_rad: (F, S, J) from open to closed fingers of a hand that grips, or has just let go; else 0.
        closing: (F, S) how far the person's hand was closed, 0 .. 1.
        force_n: (F, S) grip force that is wanted; 0 where none is.
        thing: (F, S) which of the things a hand is at; -1 for none.
        thing_position_m, thing_wxyz: (F, S, 3), (F, S, 4) where the person had it; zeros for none.
        phase: (F, S, P), in the order of `PHASES`.
        waits: (F, S) whether the clock stands still here until the grip is felt.
        wait_s: how long it does, at most.
        provenance: where it came from.
    """

    robot: str
    joint_names: tuple[str, ...]
    things: tuple[str, ...]
    period_s: float
    plan_rad: Array
    hand_position_m: Array
    hand_wxyz: Array
    reach: Array
    grip_rad: Array
    closing: Array
    force_n: Array
    thing: np.ndarray
    thing_position_m: Array
    thing_wxyz: Array
    phase: Array
    waits: np.ndarray
    wait_s: float
    provenance: Provenance = field(default=Provenance(source="unknown"))

    def __post_init__(self) -> None:
        frames, sides, joints = len(self.plan_rad), len(SIDES), len(self.joint_names)
        wanted = {"plan_rad": (joints,), "hand_position_m": (sides, 3), "hand_wxyz": (sides, 4), "reach": (sides, joints, 6)}
        wanted |= {"grip_rad": (sides, joints), "closing": (sides,), "force_n": (sides,), "thing": (sides,), "waits": (sides,)}
        wanted |= {"thing_position_m": (sides, 3), "thing_wxyz": (sides, 4), "phase": (sides, len(PHASES))}
        for name, shape in wanted.items():
            found = np.shape(getattr(self, name))
            require(found == (frames, *shape), ShapeError, f"Context.{name} is {found}; {(frames, *shape)} was wanted.")

    @property
    def unwaiting(self) -> Context:
        """The same with a clock that never waits: as time goes by."""
        return replace(self, waits=np.zeros_like(self.waits))

    def save(self, path: Path) -> None:
        """Write as npz with a JSON header."""
        header = {name: getattr(self, name) for name in ("robot", "joint_names", "things", "period_s", "wait_s")}
        arrays = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in (*header, "provenance")}
        write_npz(path, KIND, {**header, "provenance": self.provenance.to_json()}, arrays)

    @classmethod
    def load(cls, path: Path) -> Context:
        """Read what `save` wrote.

        Raises:
            FileFormatError: not a context, or one that lacks a part.
        """
        header, arrays = read_npz(path, KIND)
        with entries_of(path):
            told: dict[str, Any] = {one.name: arrays[one.name] for one in fields(cls) if one.name in arrays}
            told |= {name: header[name] for name in ("robot", "period_s", "wait_s")}
            told |= {name: tuple(header[name]) for name in ("joint_names", "things")}
            return cls(**told, provenance=Provenance.from_json(header["provenance"]))


class Prompter:
    """Tells n robots, each of its own context, what comes next: `reference_...` beside what they see.

    Asked once per control period. What it tells of a period depends on the context and on what was seen until then, nothing else.

    Args:
        contexts: one per robot.
    """

    def __init__(self, contexts: Sequence[Context]) -> None:
        self.contexts = tuple(contexts)
        self.clock = np.zeros(len(self.contexts), int)
        self._before: list[Array | None] = [None] * len(self.contexts)
        self._waited_s = np.zeros((len(self.contexts), len(SIDES)))

    def tell(self, observation: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The `reference_...` of this period, each (n, ...); the clocks then go on, or wait.

        Args:
            observation: at least `thing_position_m` (n, K, 3), `thing_wxyz` (n, K, 4), `hand_force_n` (n, S, parts) and
                `previous_action_rad` (n, J).

        Raises:
            MotionError: another number of robots, or things other than the contexts'.
        """
        things = observation["thing_position_m"]
        require(len(things) == len(self.contexts), MotionError, f"{len(things)} robots, but {len(self.contexts)} contexts.")
        force_n = observation["hand_force_n"].sum(-1)
        told = []
        for row, context in enumerate(self.contexts):
            require(things.shape[1] == len(context.things), MotionError, f"{things.shape[1]} things are seen; {context.things} were meant.")
            told.append(self._of_one(row, context, things[row], observation["thing_wxyz"][row], observation[_PREVIOUS][row]))
            self.clock[row] += not self._waits(row, context, force_n[row])
        return {name: np.stack([one[name] for one in told]) for name in told[0]}

    def _of_one(self, row: int, context: Context, seen_m: Array, seen_wxyz: Array, sent_rad: Array) -> dict[str, np.ndarray]:
        last = len(context.plan_rad) - 1
        at = min(int(self.clock[row]), last)
        before, self._before[row] = self._before[row], context.plan_rad[at]
        before = sent_rad if before is None else before  # nothing was added to a plan that had not begun
        column = context.thing[at]
        at_thing = (column >= 0)[:, None]
        return {
            "reference_clock_s": np.array([at * context.period_s]),
            "reference_before_rad": before,
            "reference_plan_rad": context.plan_rad[np.minimum(at + np.arange(AHEAD), last)],
            "reference_hand_position_m": context.hand_position_m[at],
            "reference_hand_wxyz": context.hand_wxyz[at],
            "reference_reach": context.reach[at],
            "reference_grip_rad": context.grip_rad[at],
            "reference_closing": context.closing[at],
            "reference_force_n": context.force_n[at],
            "reference_phase": context.phase[at],
            "reference_thing_position_m": context.thing_position_m[at],
            "reference_thing_wxyz": context.thing_wxyz[at],
            "reference_seen_position_m": np.where(at_thing, seen_m[column], 0.0),
            "reference_seen_wxyz": np.where(at_thing, seen_wxyz[column], 0.0),
        }

    def _waits(self, row: int, context: Context, force_n: Array) -> bool:
        """Whether a clock waits because a grip is not felt yet."""
        at = min(int(self.clock[row]), len(context.plan_rad) - 1)
        for hand in range(len(SIDES)):
            if not context.waits[at, hand]:
                self._waited_s[row, hand] = 0.0
            elif force_n[hand] < GRIP_SHARE * context.force_n[at, hand] and self._waited_s[row, hand] < context.wait_s:
                self._waited_s[row, hand] += context.period_s
                return True
        return False


def with_context(demonstration: Demonstration, context: Context) -> Demonstration:
    """A demonstration with what a prompter would have told in it, were it not recorded yet.

    Its `previous_action_rad` are then those that were wanted: noise on their way to the motors is no one's intention, and nobody
    could tell it from what they meant to add to the plan.

    Raises:
        MotionError: of another robot, or of other joints.
    """
    same = (demonstration.robot, demonstration.joint_names) == (context.robot, context.joint_names)
    require(same, MotionError, f"{demonstration.variant}: a demonstration of {demonstration.robot}; the context is for {context.robot}.")
    seen, prompter = demonstration.observations, Prompter([context])
    needed = ("thing_position_m", "thing_wxyz", "hand_force_n", _PREVIOUS)
    told = [prompter.tell({name: seen[name][step : step + 1] for name in needed}) for step in range(len(demonstration.actions))]
    tracks = {name: np.concatenate([one[name] for one in told]) for name in told[0]}
    wanted = np.concatenate([seen[_PREVIOUS][:1], demonstration.actions[:-1]])
    return replace(demonstration, observations={**seen, **tracks, _PREVIOUS: wanted})
