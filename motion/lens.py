"""Cameras that film people and robots alike: their lenses, and where they look. Camera frame: x right, y down, z into the scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.transform import Array, Transform, normalized, wxyz_from_matrix


@dataclass(frozen=True)
class Lens:
    """Image size and focal length, px; the optical axis meets the middle of the image."""

    width_px: int = 1920
    height_px: int = 1080
    focal_px: float = 960.0

    @property
    def upright_deg(self) -> float:
        """The angle between the lowest and the highest row of the image."""
        return float(2 * np.degrees(np.arctan(self.height_px / (2 * self.focal_px))))


SHELF_LENS = Lens(focal_px=960.0)
"""90 degrees across: the wide lens of a phone on a shelf."""

HEAD_LENS = Lens(focal_px=670.0)
"""110 degrees across: the ultra-wide lens of a phone strapped to the head."""

HEAD_TILT_DEG = (35.0, 45.0)
"""How far down a phone on the head looks, at least and at most: to where the hands work."""


def look_at(eye_m: Array, target_m: Array) -> Transform:
    """Poses, batch (T,), of upright cameras at `eye_m` (T, 3) whose optical axes meet `target_m` (T, 3)."""
    ahead = normalized(target_m - eye_m)
    right = normalized(np.cross(ahead, [0.0, 0.0, 1.0]))
    return Transform(eye_m, wxyz_from_matrix(np.stack([right, np.cross(ahead, right), ahead], axis=-1)))
