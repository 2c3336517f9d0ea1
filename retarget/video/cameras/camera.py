"""The camera: from pixels to rays and back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from motion.transform import Array

_HALVINGS = 24
"""Of the radius, before Newton's steps: enough to begin within what the tangential part adds."""
_FARTHEST = 10.0
"""Tangent of 84 degrees; no lens of this kind sees farther off its axis."""
_ROUNDS = 20
"""Newton rounds that undo the lens; phones need two, the strongest lenses near their edge about ten."""
_DONE = 1e-13
"""Change, on the plane one metre ahead, below which another round gains nothing."""
_UNDONE = 1e-9
"""A ray whose bending differs from what was seen by more than this was not found."""
_NO_BEND = 1e-9
"""Distortion smaller than this bends no ray by a pixel."""
_EDGE = 0.999
"""Share of the radius at which the lens folds back that is still believed."""


@dataclass(frozen=True)
class Camera:
    """A pinhole with Brown's distortion. Camera frame: x to the right, y down, z ahead.

    Brown's polynomial turns back on itself beyond some radius. Rays beyond it have no pixel and pixels beyond it no ray: both
    are NaN, so `project` and `flat` are each other's inverse wherever they are finite.

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
        """Pixels (..., 2) of points (..., 3) in the camera frame; NaN for points not ahead, or beyond what the lens can bend."""
        depth = position_m[..., 2:]
        with np.errstate(invalid="ignore", divide="ignore"):
            flat = np.where(depth > 0, position_m[..., :2] / depth, np.nan)
        return self._bent(self._within(flat)) * self.focal_px + np.array(self.centre_px)

    def flat(self, image_px: Array) -> Array:
        """Where the rays of pixels (..., 2) meet the plane one metre ahead, (..., 2); NaN where the lens has no such ray."""
        bent = (image_px - np.array(self.centre_px)) / self.focal_px
        if not any(self.distortion):
            return bent
        found = self._without_tangential(bent)
        for _ in range(_ROUNDS):
            after = self._clipped(found + self._step(found, bent))
            change = np.abs(after - found)
            found = after
            if not (change > _DONE).any():
                break
        missed = np.abs(self._bent(found) - bent).max(-1, keepdims=True)
        return self._within(np.where(missed <= _UNDONE, found, np.nan))

    def rays(self, image_px: Array) -> Array:
        """Unit vectors (..., 3) towards pixels (..., 2)."""
        flat = self.flat(image_px)
        ray = np.concatenate([flat, np.ones_like(flat[..., :1])], axis=-1)
        return ray / np.linalg.norm(ray, axis=-1, keepdims=True)

    @cached_property
    def reach(self) -> float:
        """Largest tangent of the angle off the axis at which the lens still spreads outwards; infinite for most."""
        k1, k2, _, _, k3 = self.distortion
        roots = np.roots([number if abs(number) > _NO_BEND else 0.0 for number in (7 * k3, 5 * k2, 3 * k1)] + [1.0])
        folds = roots.real[(np.abs(roots.imag) < 1e-9 * (1 + np.abs(roots))) & (roots.real > 0)]
        return float(np.sqrt(folds.min())) * _EDGE if len(folds) else float("inf")

    def _without_tangential(self, bent: Array) -> Array:
        """Where the rays would be if the lens bent along the radius only, by bisection: the start for Newton's steps."""
        k1, k2, _, _, k3 = self.distortion
        wanted = np.linalg.norm(bent, axis=-1)
        low, high = np.zeros_like(wanted), np.full_like(wanted, min(self.reach, _FARTHEST))
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            r2 = middle * middle
            short = middle * (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) < wanted
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        return bent * (low / np.maximum(wanted, 1e-12))[..., None]

    def _within(self, flat: Array) -> Array:
        """The same, NaN beyond the lens's reach."""
        if not np.isfinite(self.reach):
            return flat
        with np.errstate(invalid="ignore"):
            return np.where(np.linalg.norm(flat, axis=-1, keepdims=True) <= self.reach, flat, np.nan)

    def _clipped(self, flat: Array) -> Array:
        """The same, drawn back to the lens's reach."""
        if not np.isfinite(self.reach):
            return flat
        radius = np.linalg.norm(flat, axis=-1, keepdims=True)
        return flat * np.minimum(1.0, self.reach / np.maximum(radius, 1e-12))

    def _bent(self, flat: Array) -> Array:
        """What the lens makes of points (..., 2) on the plane one metre ahead."""
        k1, k2, p1, p2, k3 = self.distortion
        if not any(self.distortion):
            return flat
        x, y = flat[..., 0], flat[..., 1]
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        return np.stack([x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x), y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y], axis=-1)

    def _step(self, flat: Array, wanted: Array) -> Array:
        """Newton's step (..., 2) towards the point whose bending is `wanted`."""
        k1, k2, p1, p2, k3 = self.distortion
        x, y = flat[..., 0], flat[..., 1]
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        slope = 2 * (k1 + r2 * (2 * k2 + r2 * 3 * k3))
        xx = radial + slope * x * x + 2 * p1 * y + 6 * p2 * x
        yy = radial + slope * y * y + 6 * p1 * y + 2 * p2 * x
        xy = slope * x * y + 2 * p1 * x + 2 * p2 * y
        missing = wanted - self._bent(flat)
        a, b = missing[..., 0], missing[..., 1]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.stack([yy * a - xy * b, xx * b - xy * a], axis=-1) / (xx * yy - xy * xy)[..., None]
