"""The engine that handwork scripts are written with: verbs that move hands, fingers and things on from where they are.

A script is a function of a `Script`: it calls verbs one after the other. Each verb appends movements to the hands' tool
frames (minimum jerk, past via points that do not stop), to the openings and to the labels, while the tracks of all
things follow: held things move rigidly with the tool, things on a joint move by it, the rest stands.

Everything is in the counter's frame (`motion.handling`). Offsets in a tool's frame are written for a right hand and are
mirrored for a left one. A loose thing's origin lies in the middle of its underside.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from motion.transform import Array
from workers.handwork.poses import UP, grips_named, shifted, yaw_of
from workers.handwork.verbs import PathOf
from workers.handwork.walking import Walking

__all__ = ["PathOf", "Script"]

MISS_M = (-0.13, 0.0, 0.0)
"""Where a hand is that closes too early: the fingers close in front of the thing and do not touch it."""


class Script(Walking):
    """Handwork being written: the verbs of one hand, and tasks made of them, with a worker's mistakes.

    Verbs move one hand at a time, `main` unless told; `side` is "left" or "right".
    """

    def pick(
        self,
        thing: str,
        grip: str = "side",
        side: str = "",
        yaw_rad: float | None = None,
        lift_m: float | None = None,
        close_s: float | None = None,
        verb: str = "reach",
        force_n: float | None = None,
    ) -> None:
        """Reach, grasp and lift; now and then the hand closes too early, opens again and reaches on."""
        side = side or self.main
        grasp = next(iter(grips_named(self._tape.props.thing(thing), grip).values())).grasp
        if self.rng.random() < self.style.miss_rate:
            self._miss(thing, grip, side, yaw_rad)
        self.reach(thing, grip, side, yaw_rad, verb=verb)
        self.grasp(thing, grasp, side, close_s, force_n)
        self.lift(lift_m, side)

    def put(
        self,
        to: Sequence[float] | Array,
        side: str = "",
        wrong: Sequence[float] | Array | None = None,
        above_m: float | None = None,
        yaw_rad: float | None = None,
        grip: str = "side",
        drop_m: float = 0.0,
    ) -> None:
        """Carry, place, release and retreat; now and then into a wrong place first, which is corrected.

        Args:
            to: where the thing's origin comes to stand (3,).
            side: the hand.
            wrong: a free place where the thing would stand wrong; None: no such mistake.
            above_m, yaw_rad: as of `carry`.
            grip: by which a misplaced thing is taken again.
            drop_m: from how high over `to` the thing is let go.
        """
        side = side or self.main
        thing = self.held(side)
        if wrong is not None and self.rng.random() < self.style.misplace_rate:
            self._put_once(np.asarray(wrong, float), side, above_m, yaw_of(self.tool(side)), 0.0, "failure")
            self.pick(thing, grip, side, yaw_of(self.tool(side)), above_m, verb="correct")
        wobble = np.append(self.rng.normal(0.0, 1.0, 2) * self.style.wobble_m, 0.0)
        self._put_once(np.asarray(to, float) + np.clip(wobble, -0.01, 0.01), side, above_m, yaw_rad, drop_m, "success")

    def _put_once(self, to: Array, side: str, above_m: float | None, yaw_rad: float | None, drop_m: float, outcome: str) -> None:
        let_go = to + drop_m * UP
        self.carry(let_go, side, above_m, yaw_rad)
        self.place(let_go, side, outcome=outcome)
        self.release(side, stands_at_m=float(to[2]))
        self.retreat(side)

    def _miss(self, thing: str, grip: str, side: str, yaw_rad: float | None) -> None:
        """The hand closes before it is there, and opens again."""
        short = shifted(self.at_grip(thing, grip, side, yaw_rad), MISS_M, side)
        self.go(*self._over(self._tape.tool[side], short), short, side=side, verb="reach", thing=thing, outcome="failure")
        self._fingers(side, 0.4, 0.6 * self.style.close_s, "grasp", thing, "failure")
        self.wait()
        self._fingers(side, 1.0, 0.5 * self.style.close_s, "correct", thing)
