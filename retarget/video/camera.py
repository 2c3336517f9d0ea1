"""The camera: from pixels to rays and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.transform import Array

_ROUNDS = 8
"""Fixed-point rounds that undo the lens; each gains about a digit for lenses of phones."""


@dataclass(frozen=True)
class Camera:
    """A pinhole with Brown's distortion. Camera frame: x to the right, y down, z ahead.

    Attributes:
        width_px, height_px: of the upright picture that the numbers belong to.
        focal_px: (fx, fy).
        centre_px: (cx, cy), where the optical axis meets the picture.
        distortion: k1, k2, p1, p2, k3, as OpenCV orders them.
        name: where the numbers came from, in words.
    """

    width_px: int
    height_px: int
    focal_px: tuple[float, float]
    centre_px: tuple[float, float]
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    name: str = "stated"

    def project(self, position_m: Array) -> Array:
        """Pixels (..., 2) of points (..., 3) in the camera frame; NaN for points that are not ahead."""
        depth = position_m[..., 2:]
        with np.errstate(invalid="ignore", divide="ignore"):
            flat = np.where(depth > 0, position_m[..., :2] / depth, np.nan)
        return self._bent(flat) * self.focal_px + np.array(self.centre_px)

    def flat(self, image_px: Array) -> Array:
        """Where the rays of pixels (..., 2) meet the plane one metre ahead, (..., 2)."""
        bent = (image_px - np.array(self.centre_px)) / self.focal_px
        if not any(self.distortion):
            return bent
        found = bent
        for _ in range(_ROUNDS):
            found = found - (self._bent(found) - bent)
        return found

    def rays(self, image_px: Array) -> Array:
        """Unit vectors (..., 3) towards pixels (..., 2)."""
        flat = self.flat(image_px)
        ray = np.concatenate([flat, np.ones_like(flat[..., :1])], axis=-1)
        return ray / np.linalg.norm(ray, axis=-1, keepdims=True)

    def _bent(self, flat: Array) -> Array:
        """What the lens makes of points (..., 2) on the plane one metre ahead."""
        k1, k2, p1, p2, k3 = self.distortion
        if not any(self.distortion):
            return flat
        x, y = flat[..., 0], flat[..., 1]
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        return np.stack([x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x), y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y], axis=-1)
