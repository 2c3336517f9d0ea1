"""Settings of retargeting a handling."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from motion.errors import MotionError, require
from retarget.problem import SolverSettings
from retarget.settings import check_numbers


def _solver() -> SolverSettings:
    """A station has no ground to stand on, and arms that reach for something have no rest to prefer to it."""
    return SolverSettings(ground=0.0, posture=0.05, acceleration=2e-3, first_iterations=400, tolerance_rad=0.005)


@dataclass(frozen=True)
class HandlingSettings:
    """How tool frames are followed.

    Attributes:
        rate_hz: of the result.
        waiting: whether the motion begins and ends in the robot's rest posture, and hands that are not wanted wait there
            (`retarget.handling.waiting`); otherwise they go where the person's go, as far as that matters.
        position: weight per m of a tool's place.
        turning: weights per rad of turning about the tool's x, y and z axis. Smaller about an axis the grip is free to turn
            about: a round cup may be taken from any side, so its z. No weight may be larger than the other two together
            (as roots of squares), and all three 0 follows places alone.
        trunk: weight per rad of a trunk that leaves its rest posture.
        fastest_base: of a base that drives about, ahead and to the left (m/s) and turning (rad/s): a little less than what a
            planar base is asked for at most, so that it can catch up.
        clearance_m: that forearms and hands keep from the counter.
        out_of_reach_m, out_of_reach_rad: a wanted frame further off than one of these is said to be out of reach.
        regrasp: share of the time between two holds after which the fingers begin, and have ended, to take the next
            grasp's preshape.
        solver: of the arms' joints.
    """

    rate_hz: float = 50.0
    waiting: bool = True
    position: float = 200.0
    turning: tuple[float, float, float] = (40.0, 40.0, 40.0)
    trunk: float = 0.3
    fastest_base: tuple[float, float, float] = (0.55, 0.36, 0.9)
    clearance_m: float = 0.008
    out_of_reach_m: float = 0.01
    out_of_reach_rad: float = 0.15
    regrasp: tuple[float, float] = (0.35, 0.65)
    solver: SolverSettings = field(default_factory=_solver)

    def __post_init__(self) -> None:
        check_numbers(self, "handling", ("rate_hz", "position", "out_of_reach_m", "out_of_reach_rad"))
        start, end = self.regrasp
        require(0 <= start < end <= 1, MotionError, f"handling.regrasp={self.regrasp} has to rise within 0 .. 1.")
        require(
            min(self.fastest_base) > 0, MotionError, f"handling.fastest_base={self.fastest_base}: a base that may not move goes nowhere."
        )
        self.axis_weights()

    def axis_weights(self) -> tuple[float, float, float]:
        """Weights per rad of the directions of the tool's x, y and z axes, that together give `turning`.

        Turning about x by a small angle moves the directions of y and z by as much, and so on: turning_x^2 = y^2 + z^2.

        Raises:
            MotionError: no weights give it.
        """
        square = np.square(np.asarray(self.turning, float))
        axes = square.sum() / 2 - square
        rule = (
            f"handling.turning={self.turning}: the square of one may not be larger than those of the other two together, nor any below 0."
        )
        require(bool((axes >= -1e-9).all() and min(self.turning) >= 0 and np.isfinite(axes).all()), MotionError, rule)
        x, y, z = np.sqrt(np.maximum(axes, 0.0))
        return float(x), float(y), float(z)
