"""What people do on foot: walk somewhere, step aside, turn; and how they carry what they hold meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from motion.transform import Array, Transform
from workers.handwork.poses import handed, pose_at
from workers.handwork.tape import PERIOD_S
from workers.handwork.verbs import Verbs
from workers.handwork.ways import body_of, stand_of, step, walk

CARRY_M = (0.10, -0.17, 0.16)
"""Where a right hand carries something on foot, as seen from the stand: before the body, elbow bent."""
STEP_TEMPO = 0.6
"""Share of the walking speed at which people side-step and step back."""


class Walking(Verbs):
    """Verbs of the whole body. The stand (`motion.handling.Handling.stand`) is where it goes; hands come along as they are."""

    @property
    def stand(self) -> Transform:
        """T_counter_stand () now."""
        return self._tape.stand

    @property
    def body(self) -> Array:
        """(3,) where the body stands, in the counter's frame: x, y (m) and yaw (rad)."""
        return body_of(self._tape.stand)

    def walk_to(self, x_m: float, y_m: float, yaw_rad: float, via_m: Sequence[Sequence[float]] | Array = (), tempo: float = 1.0) -> None:
        """Walk until the stand is at a place: turn to where it goes, ahead past via points, and turn as it shall stand.

        Args:
            x_m, y_m, yaw_rad: of the stand, in the counter's frame: before a table, the middle of the table's edge.
            via_m: (K, 2) points that the body passes on its way.
            tempo: share of the usual speed.
        """
        goal = body_of(pose_at((x_m, y_m, 0.0), yaw_rad))
        self.walk_body(np.vstack([np.asarray(via_m, float).reshape(-1, 2), goal[:2]]), float(goal[2]), tempo)

    def walk_body(self, points_m: Sequence[Sequence[float]] | Array, yaw_rad: float, tempo: float = 1.0) -> None:
        """Walk past points (K, 2) that the body, not the stand, passes, and stop at the last, turned to a yaw."""
        self._go_along(walk(self.body, points_m, yaw_rad, tempo * self.style.walk_mps, PERIOD_S), "walk")

    def side_step(self, x_m: float, y_m: float, yaw_rad: float | None = None) -> None:
        """Step so that the stand comes to a place near by, without turning to where it goes; it keeps its yaw unless told."""
        here = self.body
        goal = body_of(pose_at((x_m, y_m, 0.0), float(here[2]) if yaw_rad is None else yaw_rad))
        self._go_along(step(here, _near(goal, here), STEP_TEMPO * self.style.walk_mps, PERIOD_S), "step")

    def step_back(self, by_m: float) -> None:
        """Step straight back."""
        x, y = self.stand.apply(np.array([-by_m, 0.0, 0.0]))[:2]
        self.side_step(float(x), float(y))

    def draw_in(self, side: str = "", least_up_m: float = 0.0) -> None:
        """Bring a hand and what it holds before the body, where it is carried on foot, not lower than `least_up_m` over the counter."""
        side = side or self.main
        x, y, z = CARRY_M
        place = self.stand.apply(np.array([x, handed(side) * y, max(z, least_up_m)]))
        there = Transform(place, (self.stand @ pose_at((0, 0, 0), handed(side) * 0.3)).wxyz)
        self.go(there, side=side, tempo=0.8, verb="carry")

    def _go_along(self, bodies: Array, verb: str) -> None:
        if len(bodies):
            self._tape.append(len(bodies), (verb, "", "success"), stand=stand_of(bodies))


def _near(goal: Array, here: Array) -> Array:
    """A body's goal (3,) with its yaw the shortest way round from here."""
    turn = (goal[2] - here[2] + np.pi) % (2 * np.pi) - np.pi
    return np.array([goal[0], goal[1], here[2] + turn])
