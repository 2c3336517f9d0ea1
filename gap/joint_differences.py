"""How far a simulated joint is from the real one over one run, each number with its interval (`gap.blocks`)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import signal, stats

from gap.blocks import BLOCKS, Ends, block_sums, blocks_of, ends_of, jackknife, means_without
from gap.metrics import MAX_LAG_S, joint_lags_s
from motion.transform import Array

_HIGHEST_HZ = 10.0
"""Encoders say nothing of joints beyond this."""
_SEGMENT, _LEAST_SEGMENT = 256, 16
_GRID = 0.015
"""Of a period: half the interval of rounding alone, as lags are found in fiftieths of it."""
_CHANCE = 0.1
"""A distance between distributions of which more than this is bias, by the jackknife, has no interval; of chance alone it is about half."""
_OF_THE_ROBOT = ("lag_real_s", "energy_real_j")
"""What is told of a joint without its simulation."""
LEAD_S = 0.05
"""No joint comes before its commands, but for what clocks are apart: lags are looked for from here on."""
_FOLLOWS = 0.5
"""Correlation below which a joint does not follow its command at all."""
_AS_HIGH, _VALLEY = 0.02, 0.1
"""Correlations that are as high as the best one, and how far they fall between two peaks, not just between two ripples of one."""
_Two = tuple[Array, Array]


@dataclass(frozen=True)
class JointGap:
    """One joint in one run.

    Attributes:
        joint: its name.
        rmse_rad: root of the mean squared difference of positions.
        worst_rad: the largest; of a largest there is no interval.
        lag_real_s, lag_sim_s: how long the real and the simulated joint come after the command; NaN where it stands, was not commanded, or
            moves so periodically that several lags are as likely.
        late_rmse_rad: what remains of `rmse_rad` when the simulated joint comes as late as the real one.
        velocity_rmse_radps: likewise of velocities.
        torque_rmse_nm: likewise of torques; of their sizes where the log's have no sign.
        spectral: mean difference of the powers' decimal logarithms up to 10 Hz: 1 is tenfold.
        position_w1_rad, velocity_w1_radps: Wasserstein-1 distance between the positions (velocities) that the two visit, whenever.
        energy_real_j, energy_sim_j: integral of |torque * velocity|.
        ends: name of a number -> ends of its 95 % interval; NaN where the run is too short for one.

    Where the simulation broke down, all but the real joint's own lag and energy are NaN: what it did before is not how far it is.
    """

    joint: str
    rmse_rad: float
    worst_rad: float
    lag_real_s: float
    lag_sim_s: float
    late_rmse_rad: float
    velocity_rmse_radps: float
    torque_rmse_nm: float
    spectral: float
    position_w1_rad: float
    velocity_w1_radps: float
    energy_real_j: float
    energy_sim_j: float
    ends: Mapping[str, Ends] = field(default_factory=dict)


@dataclass(frozen=True)
class Tracks:
    """What a robot did and what its simulation did; T moments, K joints, real before simulated.

    Attributes:
        period_s: from one moment to the next.
        position_rad, velocity_radps: (T, K) each.
        command_rad: (T, K), or None.
        torque_nm: (T - 1, K) each, up to each moment but the first, or None.
        unsigned: whether the real torques are sizes only.
    """

    period_s: float
    position_rad: _Two
    velocity_radps: _Two
    command_rad: Array | None = None
    torque_nm: _Two | None = None
    unsigned: bool = False

    @property
    def blocks(self) -> np.ndarray | None:
        """(T,) which block each moment is in."""
        return blocks_of(len(self.position_rad[0]), self.period_s)


def joint_gaps(names: Sequence[str], tracks: Tracks) -> tuple[JointGap, ...]:
    """Every joint's numbers.

    Args:
        names: K.
        tracks: of one run.
    """
    (real, sim), (fast, fast_sim) = tracks.position_rad, tracks.velocity_radps
    blocks, period_s, joints = tracks.blocks, tracks.period_s, range(len(names))
    numbers: dict[str, list[tuple[float, Ends]]] = {
        "rmse_rad": rms_with_ends(sim - real, blocks),
        "velocity_rmse_radps": rms_with_ends(fast_sim - fast, blocks),
        "spectral": [_spectral(real[:, k], sim[:, k], period_s, blocks) for k in joints],
        "position_w1_rad": [_wasserstein(real[:, k], sim[:, k], blocks) for k in joints],
        "velocity_w1_radps": [_wasserstein(fast[:, k], fast_sim[:, k], blocks) for k in joints],
    }
    unknown = [(math.nan, (math.nan, math.nan))] * len(names)
    lags = [unknown, unknown]
    if tracks.command_rad is not None:
        lags = [lags_with_ends(track, tracks.command_rad, period_s, blocks) for track in (real, sim)]
    numbers |= {"lag_real_s": lags[0], "lag_sim_s": lags[1]}
    numbers["late_rmse_rad"] = [_late(real[:, k], sim[:, k], lags[0][k][0] - lags[1][k][0], period_s, blocks) for k in joints]
    numbers |= {"torque_rmse_nm": unknown, "energy_real_j": unknown, "energy_sim_j": unknown}
    if tracks.torque_nm is not None:
        felt, given = tracks.torque_nm
        later = None if blocks is None else blocks[1:]
        numbers["torque_rmse_nm"] = rms_with_ends((np.abs(given) if tracks.unsigned else given) - felt, later)
        numbers["energy_real_j"] = _energy(felt, fast[1:], period_s, later)
        numbers["energy_sim_j"] = _energy(given, fast_sim[1:], period_s, later)
    worst = np.nanmax(np.abs(sim - real), axis=0)
    if not np.isfinite(sim).all():
        worst = np.full(len(names), np.nan)
        numbers = {what: own if what in _OF_THE_ROBOT else unknown for what, own in numbers.items()}
    return tuple(
        JointGap(
            name,
            worst_rad=float(worst[k]),
            **{what: own[k][0] for what, own in numbers.items()},
            ends={what: own[k][1] for what, own in numbers.items()},
        )
        for k, name in enumerate(names)
    )


def _with_ends(values: Array, without: Array | None, size: bool = True) -> list[tuple[float, Ends]]:
    """(K,) numbers and (B, K) without each block."""
    if without is None:
        return [(float(value), (math.nan, math.nan)) for value in values]
    low, high = jackknife(values, without, size)
    return [(float(value), (float(a), float(b))) for value, a, b in zip(values, low, high, strict=True)]


def rms_with_ends(values: Array, blocks: np.ndarray | None) -> list[tuple[float, Ends]]:
    """K roots of means of squares (T, K), each with the ends of its interval."""
    without = None if blocks is None else np.sqrt(means_without(values**2, blocks))
    return _with_ends(np.sqrt(_means(values**2)), without)


def _means(values: Array) -> Array:
    """(K,) of the finite values (T, K); NaN where there are none."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0.0).sum(axis=0) / known.sum(axis=0))


def _energy(torque: Array, speed: Array, period_s: float, blocks: np.ndarray | None) -> list[tuple[float, Ends]]:
    """Of as long a run as this."""
    power = np.abs(torque * speed)
    without = None if blocks is None else means_without(power, blocks) * np.isfinite(power).sum(0) * period_s
    return _with_ends(np.nansum(power, axis=0) * period_s, without)


def _late(real: Array, sim: Array, late_s: float, period_s: float, blocks: np.ndarray | None) -> tuple[float, Ends]:
    """The lags are taken as they were found: where they are best, the difference hardly depends on them."""
    time = np.arange(len(real), dtype=float)
    wanted = time - late_s / period_s
    inside = (wanted >= 0) & (wanted <= time[-1])
    if not math.isfinite(late_s) or not inside.any():
        return math.nan, (math.nan, math.nan)
    apart = np.interp(wanted[inside], time, sim) - real[inside]
    return rms_with_ends(apart[:, None], None if blocks is None else blocks[inside])[0]


# Lags.


def lags_with_ends(track: Array, command: Array, period_s: float, blocks: np.ndarray | None) -> list[tuple[float, Ends]]:
    """K lags (s) of tracks (T, K) behind their commands, each with the ends of its interval."""
    lags = command_lags_s(track, command, period_s)
    if blocks is None or not np.isfinite(lags).any():
        return _with_ends(lags, None)
    low, high = jackknife(lags, _lags_without(track, command, period_s, blocks), size=False)
    half = np.hypot((high - low) / 2, _GRID * period_s)
    return [(float(lag), (float(lag - own), float(lag + own))) for lag, own in zip(lags, half, strict=True)]


def command_lags_s(track: Array, command: Array, period_s: float) -> Array:
    """(K,) how long joints (T, K) come after their commands, s: `gap.metrics.joint_lags_s`, but from `LEAD_S` before them on.

    NaN where another lag is as likely: the joint moves periodically, and there is no telling which wave belongs to which.
    """
    lags, reach = joint_lags_s(track, command, period_s), _reach(len(track), period_s)
    if reach < 2 or not np.isfinite(lags).any():
        return lags
    shifts, likeness = _likeness_by_shift(track, command, period_s, None)
    at = _highest(shifts, likeness, reach)[0]
    inside = (at > 0) & (at < len(shifts) - 1) & (likeness[:, 0].max(0) > _FOLLOWS)
    after = _peaks(shifts, likeness, reach, period_s)[0]
    lags = np.where(lags >= -LEAD_S, lags, np.where(np.isfinite(lags) & inside & (after >= 0), after, np.nan))
    unsure = [math.isfinite(lag) and _unsure(likeness[:, 0, k], round(lag / period_s) - shifts[0]) for k, lag in enumerate(lags)]
    return np.where(unsure, np.nan, lags)


def _unsure(likeness: Array, at: int) -> bool:
    """Whether there is a peak as high as the one at `at`, or the way up to one, beyond a valley; of correlations (S,) by shift."""
    at = min(max(at, 0), len(likeness) - 1)
    lowest = np.r_[np.minimum.accumulate(likeness[at::-1])[::-1], np.minimum.accumulate(likeness[at:])[1:]]
    return bool(((likeness >= likeness[at] - _AS_HIGH) & (lowest < likeness[at] - _VALLEY)).any())


def _reach(moments: int, period_s: float) -> int:
    """The farthest shift that is looked at."""
    return min(round(MAX_LAG_S / period_s), moments // 4)


def _likeness_by_shift(track: Array, command: Array, period_s: float, blocks: np.ndarray | None) -> tuple[np.ndarray, Array]:
    """(S,) shifts, and (S, B, K) correlations of speeds without each block; without blocks (S, 1, K)."""
    reach = _reach(len(track), period_s)
    inner = slice(reach, len(track) - reach)
    mine = None if blocks is None else blocks[inner]
    attempt, reference = np.gradient(track, axis=0), np.gradient(command, axis=0)
    shifts = np.arange(-min(reach, math.ceil(LEAD_S / period_s)), reach + 1)
    return shifts, np.stack([_likeness(attempt[inner], reference[inner.start - k : inner.stop - k], mine) for k in shifts])


def _lags_without(track: Array, command: Array, period_s: float, blocks: np.ndarray) -> Array:
    """(B, K) as `joint_lags_s`, of the moments outside each block; the peak between samples is a parabola's."""
    shifts, likeness = _likeness_by_shift(track, command, period_s, blocks)
    return _peaks(shifts, likeness, _reach(len(track), period_s), period_s)


def _peaks(shifts: np.ndarray, likeness: Array, reach: int, period_s: float) -> Array:
    """(B, K) s; where the correlations (S, B, K) are highest."""
    at = np.clip(_highest(shifts, likeness, reach), 1, len(shifts) - 2)
    before, peak, after = (np.take_along_axis(likeness, (at + step)[None], axis=0)[0] for step in (-1, 0, 1))
    bend = before - 2 * peak + after
    with np.errstate(invalid="ignore", divide="ignore"):
        aside = np.where(bend < 0, 0.5 * (before - after) / bend, 0.0)
    return np.asarray((shifts[at] + np.clip(aside, -1, 1)) * period_s)


def _highest(shifts: np.ndarray, likeness: Array, reach: int) -> np.ndarray:
    """(B, K) places of the highest correlations (S, B, K); of those that are as high, of the one nearest to no shift."""
    return np.asarray((likeness - 0.02 * np.abs(shifts / reach)[:, None, None]).argmax(0))


def _likeness(one: Array, other: Array, blocks: np.ndarray | None) -> Array:
    """(B, K) correlations of (T, K) without each block; (1, K) where there are none."""
    values = (one, other, one**2, other**2, one * other)
    x, y, xx, yy, xy = (own.mean(axis=0)[None] if blocks is None else means_without(own, blocks) for own in values)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((xy - x * y) / np.sqrt((xx - x**2) * (yy - y**2)))


# Frequencies and states.


def _spectral(real: Array, sim: Array, period_s: float, blocks: np.ndarray | None) -> tuple[float, Ends]:
    """Power below what an encoder's step of a milliradian makes is not compared.

    Source: P. D. Welch, IEEE Trans. Audio Electroacoust. 15:70-73 (1967), the powers: means over segments that overlap by half.
    """
    known = np.isfinite(real) & np.isfinite(sim)
    length = min(_SEGMENT, int(known.sum()))
    if length < _LEAST_SEGMENT:
        return math.nan, (math.nan, math.nan)
    powers = []
    for track in (real[known], sim[known]):
        frequency, centre_s, power = signal.spectrogram(track, 1 / period_s, "hann", length, length // 2, detrend="constant")
        powers.append(power[(frequency > 0) & (frequency <= _HIGHEST_HZ)].T)
    value = float(_apart(powers[0].mean(0), powers[1].mean(0), period_s))
    if blocks is None:
        return value, (math.nan, math.nan)
    mine = blocks[known][np.round(centre_s / period_s).astype(int)]
    if len(np.unique(mine)) < BLOCKS:
        return value, (math.nan, math.nan)
    return value, ends_of(value, _apart(means_without(powers[0], mine), means_without(powers[1], mine), period_s))


def _apart(one: Array, other: Array, period_s: float) -> Array:
    floor = 1e-6 * period_s
    return np.asarray(np.mean(np.abs(np.log10(one + floor) - np.log10(other + floor)), axis=-1))


def _wasserstein(real: Array, sim: Array, blocks: np.ndarray | None) -> tuple[float, Ends]:
    """No ends where the distance may be chance: where it grows when less of the run is looked at."""
    known = np.isfinite(real) & np.isfinite(sim)
    if not known.any():
        return math.nan, (math.nan, math.nan)
    value = float(stats.wasserstein_distance(real[known], sim[known]))
    without = None if blocks is None else _wasserstein_without(real[known], sim[known], blocks[known])
    if without is None or (BLOCKS - 1) * (without.mean() - value) > _CHANCE * value:
        return value, (math.nan, math.nan)
    return value, ends_of(value, without)


def _wasserstein_without(real: Array, sim: Array, blocks: np.ndarray) -> Array:
    """(B,) area between the two distribution functions of the moments outside each block."""
    both = np.concatenate([real, sim])
    order = np.argsort(both)
    side = np.repeat([1.0, -1.0], len(real))[order]
    inside = np.tile(blocks, 2)[order] == np.arange(BLOCKS)[:, None]
    apart = np.cumsum(np.where(inside, 0.0, side), axis=1)[:, :-1]
    _, count = block_sums(real, blocks)
    return np.asarray((np.abs(apart) * np.diff(both[order])).sum(1) / (count.sum() - count))
