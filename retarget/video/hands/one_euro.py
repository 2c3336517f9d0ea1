"""The One Euro filter, for live use: calm hands hold still, quick ones are followed with little lag.

Source: Casiez, Roussel & Vogel 2012, 1 Euro Filter, CHI '12, section 3 and appendix A.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from motion.errors import MotionError, require
from motion.transform import Array


@dataclass(frozen=True)
class OneEuroSettings:
    """Numbers of the filter, for points in metres.

    Attributes:
        min_cutoff_hz: of a point at rest: lower is calmer.
        beta: rise of the cut-off with speed, Hz per m/s: higher lags less.
        speed_cutoff_hz: of the speed itself.
    """

    min_cutoff_hz: float = 1.5
    beta: float = 15.0
    speed_cutoff_hz: float = 1.0


@dataclass
class OneEuro:
    """The filter of L points, frame by frame. Points that are unseen for a frame stay NaN and start anew after it."""

    settings: OneEuroSettings = field(default_factory=OneEuroSettings)
    _time_s: float | None = field(default=None, init=False)
    _position: Array | None = field(default=None, init=False)
    _speed: Array | None = field(default=None, init=False)

    def push(self, time_s: float, position_m: Array) -> Array:
        """The points (L, 3), filtered; times need not be even.

        Raises:
            MotionError: time stands still or runs back.
        """
        if self._time_s is None or self._position is None or self._speed is None:
            self._time_s, self._position, self._speed = time_s, position_m.copy(), np.zeros_like(position_m)
            return position_m.copy()
        step_s = time_s - self._time_s
        require(step_s > 0, MotionError, f"frames have to come in rising order of time; {time_s:g} s came after {self._time_s:g} s.")
        new = ~np.isfinite(self._position).all(-1, keepdims=True)
        raw = np.where(new, 0.0, (position_m - self._position) / step_s)
        speed = self._speed + smoothing(step_s, self.settings.speed_cutoff_hz) * (raw - self._speed)
        cutoff = self.settings.min_cutoff_hz + self.settings.beta * np.linalg.norm(speed, axis=-1, keepdims=True)
        position = self._position + smoothing(step_s, cutoff) * (position_m - self._position)
        position = np.where(new, position_m, position)
        self._time_s, self._position = time_s, position
        self._speed = np.where(np.isfinite(speed), speed, 0.0)
        return np.asarray(position.copy())


def smoothing(step_s: float, cutoff_hz: float | Array) -> Array:
    """The factor alpha of a low-pass of that cut-off: 1 / (1 + tau / step), tau = 1 / (2 pi cutoff)."""
    return np.asarray(1 / (1 + 1 / (2 * np.pi * np.asarray(cutoff_hz) * step_s)))
