"""Small quick corrections of a hand, where a person makes them: as they begin to hold a thing and as they let go of it.

A hand's way is a train of sub-movements, each of which shows as a peak of its speed. The large ones carry the hand; after them, and
about a grasp or a release, come small ones that put right what is left. Those are looked for here: peaks of the speed that rise and
fall within 0.1 .. 0.5 s (half a period at 5 .. 1 Hz; tremor, at 8 .. 12 Hz, is quicker) and move the hand by 3 cm at most.

What a correction adds is told from the hand's own smooth trend by the correction itself: its velocity less a straight line from the
speed minimum before it to the one after it. A band-pass of 1 .. 5 Hz over the whole way, which is the plain thing to do, will not do:
an ordinary reach of 0.3 m in 1 s leaves 13 mm in that band, more than the corrections do. The price: a correction without a speed peak
of its own, because it rides on a quick movement, is not found.

Source: R. S. Woodworth, Psychological Review Monographs 3 (1899), and D. E. Meyer et al., Psychological Review 95 (1988), for
corrective sub-movements; J. H. McAuley and C. D. Marsden, Brain 123 (2000), for tremor. Limits of size and nearness are our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from motion.resample import interpolate
from motion.transform import Array, Transform, quaternion_product, so3_log

BAND_HZ = (1.0, 5.0)
"""A correction is half a period of something between these."""
SMALL_M = 0.03
"""A sub-movement that adds more than this carries the hand."""
NEAR_S = 1.0
"""From the beginning or end of a hold."""
SLOWEST_MPS = 0.020
"""What adds less speed than this is none: trackers of hands leave half of it in a hand that rests."""
_NOISES = 4.0
"""Nor is what adds less than so many deviations of the noise."""
_FOOT = 0.1
"""A peak begins and ends where it has fallen to this share of its height."""
_HALF_POWER = float(np.sqrt(np.log(2) / 2) / (2 * np.pi))
"""Deviation (s) of a Gaussian that is 3 dB down at f Hz, times f."""


@dataclass(frozen=True)
class Correction:
    """One correction.

    Attributes:
        begin, end: frames of the speed minima before and after it.
    """

    begin: int
    end: int

    @property
    def frames(self) -> np.ndarray:
        """(n,) all of its frames."""
        return np.arange(self.begin, self.end + 1)


def smoothed(values: Array, period_s: float, cutoff_hz: float, order: int = 0) -> Array:
    """(T, ...) low-passed by a Gaussian, which neither lags nor rings; its derivative per second where `order` is 1."""
    frames = _HALF_POWER / cutoff_hz / period_s
    return np.asarray(gaussian_filter1d(values, frames, axis=0, order=order, mode="nearest")) / period_s**order


def velocities(track: Transform, period_s: float) -> Array:
    """(T, 6) velocity (m/s) and angular velocity (rad/s) of a hand, batch (T,), up to 5 Hz, in the frame that its poses are in.

    Frames in which it was not seen are bridged straight.
    """
    position, wxyz = _bridged(track)
    step = so3_log(quaternion_product(wxyz[1:], wxyz[:-1] * np.array([1.0, -1.0, -1.0, -1.0])))
    turned = np.concatenate([np.zeros((1, 3)), np.cumsum(step, axis=0)])
    return smoothed(np.concatenate([position, turned], axis=1), period_s, BAND_HZ[1], order=1)


def noise_mps(track: Transform, period_s: float) -> float:
    """Deviation of the speed (norm of three axes) that white noise of a hand's track leaves after smoothing.

    The noise is told from third differences, in which a hand's way is next to nothing: of white noise they have 20 times its variance.
    """
    jerks = np.diff(_bridged(track)[0], n=3, axis=0)
    if not len(jerks):
        return 0.0
    white = 1.4826 * np.median(np.abs(jerks), axis=0) / np.sqrt(20)
    impulse = np.zeros(101)
    impulse[50] = 1.0
    return float(np.linalg.norm(white) * np.linalg.norm(smoothed(impulse, period_s, BAND_HZ[1], order=1)))


def corrections(track: Transform, near_s: Sequence[float], period_s: float) -> tuple[Correction, ...]:
    """The corrections of a hand near some moments, in order; none while it was not seen.

    Args:
        track: of the hand, batch (T,); NaN where it was not seen.
        near_s: times since the first frame: when holds begin and end.
        period_s: between frames.
    """
    velocity = velocities(track, period_s)
    speed = np.linalg.norm(velocity[:, :3], axis=1)
    least = max(SLOWEST_MPS, _NOISES * noise_mps(track, period_s))
    seen = np.asarray(np.isfinite(track.position_m).all(-1))
    peaks, _ = find_peaks(speed, prominence=least)
    walls = [0, *(int(a + np.argmin(speed[a:b])) for a, b in pairwise(peaks)), len(speed) - 1]
    found = []
    for number, peak in enumerate(peaks):
        own = _between(speed, int(peak), walls[number], walls[number + 1])
        near = any(abs(peak * period_s - at) <= NEAR_S for at in near_s)
        if near and seen[own.frames].all() and _is_correction(added(velocity[own.frames]), period_s, least):
            found.append(own)
    return tuple(found)


def added(velocity: Array) -> Array:
    """(n, ...) what a velocity has beyond the straight line from its first value to its last."""
    share = np.linspace(0.0, 1.0, len(velocity))[:, None]
    return np.asarray(velocity - (1 - share) * velocity[0] - share * velocity[-1])


def _between(speed: Array, peak: int, low: int, high: int) -> Correction:
    """A peak down to its feet, within its walls."""
    before, after = speed[low : peak + 1], speed[peak : high + 1]
    begin = low + int(np.flatnonzero(before <= before.min() + _FOOT * (speed[peak] - before.min()))[-1])
    end = peak + int(np.flatnonzero(after <= after.min() + _FOOT * (speed[peak] - after.min()))[0])
    return Correction(begin, end)


def _is_correction(extra: Array, period_s: float, least_mps: float) -> bool:
    """Whether what a sub-movement adds is as quick and as small as a correction."""
    lasted_s = (len(extra) - 1) * period_s
    quick = 0.5 / BAND_HZ[1] <= lasted_s <= 0.5 / BAND_HZ[0]
    size_m = np.linalg.norm(extra[:, :3].sum(axis=0)) * period_s
    return bool(quick and size_m <= SMALL_M and np.linalg.norm(extra[:, :3], axis=1).max() >= least_mps)


def _bridged(track: Transform) -> tuple[Array, Array]:
    """Positions and orientations with gaps filled straight, and ends held."""
    seen = np.flatnonzero(np.isfinite(track.position_m).all(-1) & np.isfinite(track.wxyz).all(-1))
    if len(seen) == len(track):
        return track.position_m, track.wxyz
    times = np.arange(len(track), dtype=float)
    position = interpolate(seen.astype(float), track.position_m[seen], times)
    nearest = seen[np.clip(np.searchsorted(seen, times), 0, len(seen) - 1)]
    return position, track.wxyz[nearest]
