"""How far a simulated run is from the real one: joint by joint, at many horizons, in time, in frequency and in what states are visited.

What was not measured is NaN. Everything is of one run, from its beginning to its end, unless a name says otherwise. Intervals count blocks
of the run, not samples (`gap.blocks`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from envs.model import RobotModel
from gap.alignment.warping import warp
from gap.blocks import (
    BLOCKS,
    LEAST_BLOCK_S,
    NO_ENDS,
    Ends,
    block_sums,
    blocks_of,
    ends_of,
    ends_of_rms,
    means_without,
    pieces,
    rms_over_units,
)
from gap.joint_differences import JointGap, Tracks, joint_gaps
from gap.metrics import ldlj, sparc, speed_radps
from gap.replay import Conditions, Recorded, replayed, stretches
from gap.statistics import Interval
from motion.transform import Array
from robots.kinematics import Kinematics

HORIZONS_S = (0.02, 0.1, 0.3, 1.0, 3.0)
"""How long simulation goes its own way before it is compared, to the nearest moments of a log: what is told is the time of these."""
_EVERY_S = 0.5
_WARPED = 1500
"""Moments that are aligned in time at most; longer runs are thinned out."""
_MOVES_RADPS = 0.05
"""Peak speed below which a piece of a run has no smoothness to speak of."""
_LEAST_HZ = 20.0
"""Smoothness is of what moves at up to 10 Hz; logs that are slower do not show it, nor do those of less than a second."""


@dataclass(frozen=True)
class RunGap:
    """One run.

    Attributes:
        name: of the log.
        duration_s: of the run.
        joints: K.
        horizon_rmse_rad: horizon (s, to the millisecond) -> root of the mean squared difference over joints so long after being where the
            robot was.
        horizon_mpjpe_mm: horizon -> mean distance of the robot's landmarks; empty for robots without.
        dtw_rad: mean distance of postures that belong together once both runs are aligned in time.
        sparc_real, sparc_sim, ldlj_real, ldlj_sim: smoothness of the joints' common speed, mean over pieces of two seconds.
        unsigned_torque: whether the log tells sizes of torques only.
        real_rad, sim_rad, command_rad: (T, K) for pictures; the command is None where there is none.
        time_s: (T,).
        ends: name of a number -> ends of its 95 % interval; NaN where the run is too short for one.
        horizon_rmse_ends, horizon_mpjpe_ends: horizon -> likewise.
        lost: share of moments from which on the simulation had broken down; where it did, differences from it are NaN.
        left_out: share of the log before, between and after what was carried out: motors off, or positions or commands unknown.
        unsaid: share of commands that are missing after a joint's first one, where the last one stands.
        still: joints that nobody commanded; held where they were, and not compared.
    """

    name: str
    duration_s: float
    joints: tuple[JointGap, ...]
    horizon_rmse_rad: Mapping[float, float]
    horizon_mpjpe_mm: Mapping[float, float]
    dtw_rad: float
    sparc_real: float
    sparc_sim: float
    ldlj_real: float
    ldlj_sim: float
    unsigned_torque: bool
    time_s: Array
    real_rad: Array
    sim_rad: Array
    command_rad: Array | None
    ends: Mapping[str, Ends] = field(default_factory=dict)
    horizon_rmse_ends: Mapping[float, Ends] = field(default_factory=dict)
    horizon_mpjpe_ends: Mapping[float, Ends] = field(default_factory=dict)
    lost: float = 0.0
    left_out: float = 0.0
    unsaid: float = 0.0
    still: tuple[str, ...] = ()

    @property
    def rmse_rad(self) -> float:
        """Over all joints; NaN where the simulation broke down."""
        return float(np.sqrt(np.mean([own.rmse_rad**2 for own in self.joints])))

    @property
    def worst(self) -> JointGap:
        """The joint that differs most."""
        return max(self.joints, key=lambda own: own.rmse_rad)


def rmse_over_runs(runs: Sequence[RunGap]) -> Interval:
    """Difference over all runs and joints, rad; runs count alike. The interval counts runs where there are as many as blocks, else blocks.

    Few runs, any of them too short for blocks, have no interval. NaN where a simulation broke down.
    """
    value = float(np.sqrt(np.mean([run.rmse_rad**2 for run in runs])))
    if not math.isfinite(value):
        return Interval(math.nan, *NO_ENDS, len(runs), "none: a simulation broke down")
    if len(runs) >= BLOCKS:
        squares, method = np.array([run.rmse_rad**2 for run in runs]), f"jackknife over {len(runs)} runs"
    else:
        parts = [_block_squares(run) for run in runs]
        squares, method = np.concatenate([part for part in parts if part is not None] or [np.zeros(0)]), "jackknife over blocks"
        if len(squares) < BLOCKS * len(runs):
            return Interval(value, *NO_ENDS, len(runs), method)
    low, high = rms_over_units(squares, np.ones(len(squares)))
    return Interval(value, low, high, len(squares), method)


def _block_squares(run: RunGap) -> Array | None:
    """(B,) mean squared difference in each block of a run."""
    blocks = blocks_of(len(run.time_s), _period_s(run))
    if blocks is None:
        return None
    total, count = block_sums((run.sim_rad - run.real_rad) ** 2, blocks)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((total / count).mean(axis=1))


def _period_s(run: RunGap) -> float:
    return float(run.time_s[1] - run.time_s[0]) if len(run.time_s) > 1 else 0.0


def run_gap(model: RobotModel, own: Recorded, conditions: Conditions, threads: int = 1) -> RunGap:
    """How far the same commands in a plant are from what the robot did.

    Args:
        model: of the robot, on a fixed base.
        own: the run.
        conditions: in which the robot is simulated.
        threads: of the CPU.

    Raises:
        MotionError: the motors were never on, or no stretch of the run has known positions.
    """
    whole = replayed(model, [conditions], stretches([own])[:1], threads)
    begin, end = whole.stretches[0].begin, whole.stretches[0].end
    now = slice(begin, end + 1)
    command, torque = (None if track is None else track[now] for track in (own.even.command_rad, own.even.torque_nm))
    tracks = Tracks(
        own.period_s,
        (whole.measured[0], whole.simulated[0, 0]),
        (own.speed_radps[now], whole.velocity_radps[0, 0]),
        command,
        None if torque is None else (torque[1:], whole.torque_nm[0, 0]),
        torque is not None and bool(np.isfinite(torque).any() and np.nanmin(torque) >= 0),
    )
    horizons = _horizons(model, own, conditions, threads)
    real, sim = tracks.position_rad
    numbers = whole_numbers(tracks)
    return RunGap(
        own.log.name,
        float((end - begin) * own.period_s),
        joint_gaps(whole.joint_names, tracks),
        {horizon_s: told[0] for horizon_s, (told, _) in horizons.items()},
        {horizon_s: told[0] for horizon_s, (_, told) in horizons.items() if told is not None},
        **{name: value for name, (value, _) in numbers.items() if name != "rmse_rad"},
        unsigned_torque=tracks.unsigned,
        time_s=own.period_s * np.arange(len(real)),
        real_rad=real,
        sim_rad=sim,
        command_rad=command,
        ends={name: ends for name, (_, ends) in numbers.items()},
        horizon_rmse_ends={horizon_s: told[1] for horizon_s, (told, _) in horizons.items()},
        horizon_mpjpe_ends={horizon_s: told[1] for horizon_s, (_, told) in horizons.items() if told is not None},
        lost=float(np.mean(~np.isfinite(sim).all(axis=1))),
        left_out=1 - (end - begin) / max(1, own.moments - 1),
        unsaid=own.unsaid,
        still=() if own.still is None else tuple(np.array(own.still.joint_names)[~own.still.by_velocity].tolist()),
    )


_Number = tuple[float, Ends]


def whole_numbers(tracks: Tracks) -> dict[str, _Number]:
    """Of a whole run: rmse_rad, dtw_rad and smoothness, each with the ends of its interval; NaN where the simulation broke down."""
    (real, sim), (fast, fast_sim) = tracks.position_rad, tracks.velocity_radps
    if not np.isfinite(sim).all():
        names = ("rmse_rad", "dtw_rad", "sparc_sim", "ldlj_sim")
        own = {f"{name}_real": number for name, number in smoothness_ends(fast, tracks.period_s, tracks.blocks).items()}
        return dict.fromkeys(names, (math.nan, NO_ENDS)) | own
    found = {"rmse_rad": (float(np.sqrt(np.nanmean((sim - real) ** 2))), ends_of_rms(sim - real, tracks.blocks))}
    found["dtw_rad"] = _warped(real, sim, tracks.blocks)
    for side, speed in (("real", fast), ("sim", fast_sim)):
        found |= {f"{name}_{side}": number for name, number in smoothness_ends(speed, tracks.period_s, tracks.blocks).items()}
    return found


def _warped(real: Array, sim: Array, blocks: np.ndarray | None) -> _Number:
    known = np.isfinite(real).all(1) & np.isfinite(sim).all(1)
    thin = max(1, math.ceil(len(real) / _WARPED))
    one, other = real[known][::thin], sim[known][::thin]
    path = warp(one, other)
    value = path.distance / math.sqrt(real.shape[1])
    if blocks is None:
        return value, NO_ENDS
    apart = np.linalg.norm(one[path.first] - other[path.second], axis=1)
    return value, ends_of(value, means_without(apart, blocks[known][::thin][path.first]))


def smoothness_ends(speed_of: Array, period_s: float, blocks: np.ndarray | None) -> dict[str, _Number]:
    """SPARC and LDLJ of speeds (T, K): means over those pieces of two seconds in which it moves, with the ends of their intervals."""
    rate_hz, chosen = 1 / period_s, pieces(len(speed_of), period_s)
    if rate_hz < _LEAST_HZ or len(speed_of) * period_s < LEAST_BLOCK_S / 2:
        return dict.fromkeys(("sparc", "ldlj"), (math.nan, NO_ENDS))
    moving = [own for own in chosen if speed_radps(speed_of[own]).max(initial=0.0) >= _MOVES_RADPS]  # where a reading is missing: no
    measures = {"sparc": lambda own: sparc(speed_radps(speed_of[own]), rate_hz), "ldlj": lambda own: ldlj(speed_of[own], rate_hz)}
    found = {}
    for name, measure in measures.items():
        values = np.array([measure(own) for own in moving])
        value = float(np.nanmean(values)) if np.isfinite(values).any() else math.nan
        mine = None if blocks is None else blocks[[(own.start + own.stop) // 2 for own in moving]] if moving else None
        full = mine is not None and len(np.unique(mine)) == BLOCKS
        found[name] = (value, ends_of(value, means_without(values, mine), size=False) if full and mine is not None else NO_ENDS)
    return found


def _horizons(model: RobotModel, own: Recorded, conditions: Conditions, threads: int) -> dict[float, tuple[_Number, _Number | None]]:
    """Horizon -> differences of joints and, where the robot has any, of landmarks after it, over stretches that begin every half second.

    Horizons are those of `HORIZONS_S`, as whole numbers of the recording's moments; NaN where one of the simulations broke down within.
    """
    counts = sorted({max(1, round(horizon_s / own.period_s)) for horizon_s in HORIZONS_S})
    steps = {round(count * own.period_s, 3): count for count in counts}
    longest = stretches([own])[0]
    usable = {horizon_s: step for horizon_s, step in steps.items() if step <= longest.end - longest.begin}
    if not usable:
        return {}
    found = replayed(model, [conditions], stretches([own], max(usable.values()) * own.period_s, _EVERY_S), threads)
    kinematics = Kinematics(model.robot)
    count, short = len(found.stretches), blocks_of(longest.end - longest.begin + 1, own.period_s) is None
    blocks = None if short or count < BLOCKS else np.arange(count) * BLOCKS // count
    told: dict[float, tuple[_Number, _Number | None]] = {}
    for horizon_s, step in usable.items():
        pair = found.measured[:, step], found.simulated[0, :, step]
        if not np.isfinite(pair[1]).all():
            told[horizon_s] = ((math.nan, NO_ENDS), (math.nan, NO_ENDS) if model.robot.landmarks else None)
            continue
        joints = (float(np.sqrt(np.nanmean((pair[1] - pair[0]) ** 2))), ends_of_rms(pair[1] - pair[0], blocks))
        told[horizon_s] = (joints, None)
        if model.robot.landmarks:
            places = [kinematics.landmark_positions(_postures(model, own, rows)) for rows in pair]
            apart_mm = 1000 * np.linalg.norm(places[1] - places[0], axis=-1).mean(axis=1)
            mean_mm = float(np.nanmean(apart_mm))
            told[horizon_s] = (joints, (mean_mm, ends_of(mean_mm, None if blocks is None else means_without(apart_mm, blocks))))
    return told


def _postures(model: RobotModel, own: Recorded, rows: Array) -> Array:
    postures = np.tile(model.robot.rest_rad, (len(rows), 1))
    postures[:, own.columns] = rows
    return postures
