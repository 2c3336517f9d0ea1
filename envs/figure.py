"""Stick figures to draw beside a robot: a person's landmarks and the bones between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.transform import Array

Rgba = tuple[float, float, float, float]
PERSON_RGBA: Rgba = (0.93, 0.47, 0.13, 1.0)


@dataclass(frozen=True)
class Figure:
    """Points and the bones between them, drawn as balls and rods.

    Attributes:
        position_m: (T, P, 3) in the world; NaN is not drawn.
        bones: pairs of columns of `position_m`.
        radius_m: of the rods; the balls are half as thick again.
        offset_m: added to every point, to stand the figure beside the robot.
        rgba: colour.
    """

    position_m: Array
    bones: tuple[tuple[int, int], ...] = ()
    radius_m: float = 0.012
    offset_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rgba: Rgba = PERSON_RGBA

    def frame(self, index: int) -> Array:
        """Points (P, 3) of one frame."""
        return np.asarray(self.position_m[index], float) + self.offset_m
