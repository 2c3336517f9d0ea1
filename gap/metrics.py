"""Numbers that describe one episode: pure functions over arrays. T steps, J joints, L landmarks; SI unless the name says.

What cannot be measured (the lag of a robot that stands still) is NaN, never a made-up number.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize_scalar

from motion.errors import ShapeError, require
from motion.transform import Array, Transform

MAX_LAG_S = 0.4
_MOVES_RAD = 0.01  # standard deviation below which a joint's reference says nothing of time
_MOVES_RADPS = 0.05  # peak speed below which a motion has no smoothness to speak of
_LIKENESS = 0.5  # correlation below which the attempt does not follow the reference at all
_FINE = 50  # lags tried within one sample


def joint_rmse_rad(attempt_rad: ArrayLike, reference_rad: ArrayLike) -> float:
    """Root of the mean squared joint error over all steps and joints, rad, of (T, J) positions."""
    attempt, reference = _pair(attempt_rad, reference_rad)
    return float(np.sqrt(np.mean((attempt - reference) ** 2)))


def joint_error_over_time_rad(attempt_rad: ArrayLike, reference_rad: ArrayLike) -> Array:
    """(T,) root of the mean squared joint error over the joints at every step, rad."""
    attempt, reference = _pair(attempt_rad, reference_rad)
    return np.asarray(np.sqrt(np.mean((attempt - reference) ** 2, axis=1)), float)


def mpjpe_mm(attempt_m: ArrayLike, reference_m: ArrayLike) -> float:
    """Mean distance (mm) of landmarks (T, L, 3) from where the reference has them.

    Source: C. Ionescu et al., "Human3.6M", PAMI 36 (2014), eq. 8 (mean per joint position error).
    """
    attempt, reference = _pair(attempt_m, reference_m)
    return float(1000 * np.linalg.norm(attempt - reference, axis=-1).mean())


def root_relative_m(landmarks_m: ArrayLike, T_world_base: Transform) -> Array:
    """World positions (T, L, 3) seen from the robot's base, whose pose is a batch (T,)."""
    return T_world_base[:, None].inverse().apply(np.asarray(landmarks_m, float))


def joint_lags_s(attempt_rad: ArrayLike, reference_rad: ArrayLike, period_s: float, max_lag_s: float = MAX_LAG_S) -> Array:
    """How long every joint comes after its reference (s); negative where it comes before.

    The lag at which the velocities of attempt and reference correlate best. All lags are judged on the same steps of
    the attempt, so that a pure delay correlates exactly at its own lag; the peak between samples is found on a spline
    through the correlations. Of peaks that are equally high (a periodic motion) the one nearest to zero counts.

    Args:
        attempt_rad, reference_rad: (T, J) positions.
        period_s: of the steps.
        max_lag_s: how far to look to both sides; at most a quarter of the episode is used.

    Returns:
        (J,); NaN where the reference stands still, the attempt does not follow it, or the peak lies at the end of the range.
    """
    attempt, reference = _pair(attempt_rad, reference_rad)
    reach = min(round(max_lag_s / period_s), len(attempt) // 4)
    if reach < 2:
        return np.full(attempt.shape[1], np.nan)
    likeness = _correlations(np.gradient(attempt, axis=0), np.gradient(reference, axis=0), reach)
    lags = np.arange(-reach, reach + 1)
    known = np.isfinite(likeness).all(0) & (reference.std(0) > _MOVES_RAD)
    likeness = np.where(known, likeness, 0.0)
    nearest_first = likeness - 0.02 * np.abs(lags / reach)[:, None]
    coarse = lags[nearest_first.argmax(0)]
    known &= (np.abs(coarse) < reach) & (likeness.max(0) > _LIKENESS)
    steps = np.arange(-_FINE, _FINE + 1) / _FINE
    fine = coarse + steps[:, None]  # (2 * _FINE + 1, J)
    spline = CubicSpline(lags, likeness)
    heights = np.stack([spline(fine[:, j])[:, j] for j in range(fine.shape[1])], axis=1)
    best = coarse + steps[heights.argmax(0)]
    return np.where(known, best * period_s, np.nan)


def lag_s(attempt_rad: ArrayLike, reference_rad: ArrayLike, period_s: float, max_lag_s: float = MAX_LAG_S) -> float:
    """One lag (s) for the whole robot: the median over the joints that move, weighted by how fast they move."""
    lags = joint_lags_s(attempt_rad, reference_rad, period_s, max_lag_s)
    weights = np.gradient(np.asarray(reference_rad, float), axis=0).std(0)
    order = [j for j in np.argsort(lags, kind="stable") if np.isfinite(lags[j])]
    if not order:
        return math.nan
    share = np.cumsum(weights[order]) / weights[order].sum()
    return float(lags[order][np.searchsorted(share, 0.5)])


def nearest_lag_s(attempt_rad: ArrayLike, reference_rad: ArrayLike, period_s: float, max_lag_s: float = MAX_LAG_S) -> float:
    """The lag (s) of the whole robot that leaves the smallest `lag_corrected_rmse_rad`.

    Unlike `lag_s`, which asks when the same movement comes, this counts joints that are held back or stop short as late, too.

    Args:
        attempt_rad, reference_rad: (T, J) positions.
        period_s: of the steps.
        max_lag_s: how far to look to both sides; at most a quarter of the episode is used.

    Returns:
        NaN where no joint of the reference moves, a position is missing, or the smallest lies at the end of the range.
    """
    attempt, reference = _pair(attempt_rad, reference_rad)
    reach = min(round(max_lag_s / period_s), len(attempt) // 4)
    known = np.isfinite(attempt).all() and np.isfinite(reference).all()
    if reach < 2 or not known or (reference.std(0) <= _MOVES_RAD).all():
        return math.nan
    steps = np.arange(reach, len(attempt) - reach)  # all lags are judged on the same steps of the attempt
    coarse = min(range(-reach, reach + 1), key=lambda lag: joint_rmse_rad(attempt[steps], reference[steps - lag]))
    if abs(coarse) == reach:
        return math.nan
    spline = CubicSpline(np.arange(len(attempt)), reference)

    def left(lag: float) -> float:
        return joint_rmse_rad(attempt[steps], spline(steps - lag))

    return float(minimize_scalar(left, bounds=(coarse - 1, coarse + 1), method="bounded", options={"xatol": 1 / _FINE}).x * period_s)


def lag_corrected_rmse_rad(attempt_rad: ArrayLike, reference_rad: ArrayLike, period_s: float, lag: float) -> float:
    """Joint RMSE (rad) that remains when the reference is delayed by `lag` (s), over the steps where both exist; NaN for NaN."""
    attempt, reference = _pair(attempt_rad, reference_rad)
    time = np.arange(len(attempt), dtype=float)
    wanted = time - lag / period_s
    inside = (wanted >= 0) & (wanted <= time[-1])
    if not np.isfinite(lag) or inside.sum() < 2:
        return math.nan
    return joint_rmse_rad(attempt[inside], CubicSpline(time, reference)(wanted[inside]))


def energy_j(torque_nm: ArrayLike, velocity_radps: ArrayLike, period_s: float) -> float:
    """Integral of |torque * velocity| over time and joints (J), of (T, J): braking costs as much as driving."""
    torque, velocity = _pair(torque_nm, velocity_radps)
    return float(np.abs(torque * velocity).sum() * period_s)


def saturation_share(saturated: ArrayLike) -> float:
    """Share (0..1) of steps and joints (T, J) at which a motor gave all that it has."""
    return float(np.mean(np.asarray(saturated, bool)))


def speed_radps(velocity_radps: ArrayLike) -> Array:
    """(T,) joint speed of the whole robot: the norm over the joints of velocities (T, J)."""
    return np.asarray(np.linalg.norm(np.asarray(velocity_radps, float), axis=1), float)


def sparc(speed: ArrayLike, rate_hz: float, cutoff_hz: float = 10.0, threshold: float = 0.05) -> float:
    """Spectral arc length of a speed profile (T,); nearer to zero is smoother.

    Source: S. Balasubramanian, A. Melendez-Calderon, A. Roby-Brami and E. Burdet, "On the analysis of movement
    smoothness", J. NeuroEng. Rehabil. 12:112 (2015), eq. 5-7, with the spectrum padded by 2^4.
    """
    profile = np.asarray(speed, float)
    if len(profile) < 3 or np.abs(profile).max() == 0:
        return math.nan
    bins = 2 ** (math.ceil(math.log2(len(profile))) + 4)
    frequency = np.arange(bins // 2 + 1) * rate_hz / bins
    height = np.abs(np.fft.rfft(profile, bins))
    height = height[frequency <= cutoff_hz] / height.max()
    loud = np.flatnonzero(height >= threshold)
    height = height[loud[0] : loud[-1] + 1]
    if len(height) < 2:
        return math.nan
    return float(-np.hypot(1 / (len(height) - 1), np.diff(height)).sum())


def ldlj(velocity: ArrayLike, rate_hz: float) -> float:
    """Log dimensionless jerk of a velocity (T,) or (T, D); nearer to zero is smoother.

    Source: as `sparc`, eq. 3-4: -ln( D^3 / v_peak^2 * integral |d2v/dt2|^2 dt ), D the duration.
    """
    v = np.asarray(velocity, float).reshape(len(np.asarray(velocity)), -1)
    peak = np.linalg.norm(v, axis=1).max(initial=0.0)
    if len(v) < 3 or peak == 0:
        return math.nan
    jerk = np.diff(v, 2, axis=0) * rate_hz**2
    duration_s = len(v) / rate_hz
    total = (jerk**2).sum() / rate_hz * duration_s**3 / peak**2
    return float(-np.log(total)) if total > 0 else math.nan


def smoothness(velocity_radps: ArrayLike, rate_hz: float) -> tuple[float, float]:
    """SPARC and LDLJ of joint velocities (T, J); NaN for a robot that hardly moves."""
    speed = speed_radps(velocity_radps)
    if speed.max(initial=0.0) < _MOVES_RADPS:
        return math.nan, math.nan
    return sparc(speed, rate_hz), ldlj(velocity_radps, rate_hz)


def _pair(attempt: ArrayLike, reference: ArrayLike) -> tuple[Array, Array]:
    a, b = np.asarray(attempt, float), np.asarray(reference, float)
    require(
        a.shape == b.shape and a.ndim >= 2 and a.size > 0,
        ShapeError,
        f"two equal shapes (T, ...) were wanted; got {a.shape} and {b.shape}.",
    )
    return a, b


def _correlations(attempt: Array, reference: Array, reach: int) -> Array:
    """(2 reach + 1, J) Pearson correlation of the attempt's inner steps with the reference shifted by -reach .. reach."""
    inner = attempt[reach : len(attempt) - reach]
    inner = inner - inner.mean(0)
    rows = []
    for lag in range(-reach, reach + 1):
        other = reference[reach - lag : len(reference) - reach - lag]
        other = other - other.mean(0)
        with np.errstate(invalid="ignore", divide="ignore"):
            rows.append((inner * other).sum(0) / np.sqrt((inner**2).sum(0) * (other**2).sum(0)))
    return np.stack(rows)
