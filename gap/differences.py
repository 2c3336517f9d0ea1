"""How far a simulated run is from the real one: joint by joint, at many horizons, in time, in frequency and in what states are visited.

What was not measured is NaN. Everything is of one run, from its beginning to its end, unless a name says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import signal, stats

from envs.model import RobotModel
from envs.plant_draws import PlantDraw
from gap.alignment.warping import warp
from gap.metrics import joint_lags_s, ldlj, sparc, speed_radps
from gap.replay import Recorded, replayed, stretches
from motion.transform import Array
from robots.kinematics import Kinematics

HORIZONS_S = (0.02, 0.1, 0.3, 1.0, 3.0)
"""How long simulation goes its own way before it is compared; the first is one step of the dynamics."""
_EVERY_S = 0.5
_WARPED = 1500
"""Moments that are aligned in time at most; longer runs are thinned out."""
_HIGHEST_HZ = 10.0
"""Encoders say nothing of joints beyond this."""


@dataclass(frozen=True)
class JointGap:
    """One joint in one run.

    Attributes:
        joint: its name.
        rmse_rad: root of the mean squared difference of positions.
        worst_rad: the largest.
        lag_real_s, lag_sim_s: how long the real and the simulated joint come after the command; NaN where it stands, or was not commanded.
        late_rmse_rad: what remains of `rmse_rad` when the simulated joint comes as late as the real one.
        velocity_rmse_radps: likewise of velocities.
        torque_rmse_nm: likewise of torques; of their sizes where the log's have no sign.
        spectral: mean difference of the powers' decimal logarithms up to 10 Hz: 1 is tenfold.
        position_w1_rad, velocity_w1_radps: Wasserstein-1 distance between the positions (velocities) that the two visit, whenever.
        energy_real_j, energy_sim_j: integral of |torque * velocity|.
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


@dataclass(frozen=True)
class RunGap:
    """One run.

    Attributes:
        name: of the log.
        duration_s: of the run.
        joints: K.
        horizon_rmse_rad: horizon (s) -> root of the mean squared difference over joints so long after being where the robot was.
        horizon_mpjpe_mm: horizon -> mean distance of the robot's landmarks; empty for robots without.
        dtw_rad: mean distance of postures that belong together once both runs are aligned in time.
        sparc_real, sparc_sim, ldlj_real, ldlj_sim: smoothness of the joints' common speed.
        unsigned_torque: whether the log tells sizes of torques only.
        real_rad, sim_rad, command_rad: (T, K) for pictures; the command is None where there is none.
        time_s: (T,).
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

    @property
    def rmse_rad(self) -> float:
        """Over all joints."""
        return float(np.sqrt(np.mean([own.rmse_rad**2 for own in self.joints])))

    @property
    def worst(self) -> JointGap:
        """The joint that differs most."""
        return max(self.joints, key=lambda own: own.rmse_rad)


def run_gap(model: RobotModel, own: Recorded, plant: PlantDraw, delay_s: float | None = None, threads: int = 1) -> RunGap:
    """How far the same commands in a plant are from what the robot did.

    Args:
        model: of the robot, on a fixed base.
        own: the run.
        plant: in which the robot is simulated.
        delay_s: from a command to the motors; None: the plant's own.
        threads: of the CPU.

    Raises:
        MotionError: the motors were never on, or no stretch of the run has known positions.
    """
    late = None if delay_s is None else [delay_s]
    whole = replayed(model, [plant], stretches([own])[:1], late, threads)
    begin, end = whole.stretches[0].begin, whole.stretches[0].end
    real, sim = whole.measured[0], whole.simulated[0, 0]
    speed_real, speed_sim = own.speed_radps[begin : end + 1], whole.velocity_radps[0, 0]
    command = None if own.even.command_rad is None else own.even.command_rad[begin : end + 1]
    torque = None if own.even.torque_nm is None else own.even.torque_nm[begin : end + 1]
    unsigned = torque is not None and bool(np.nanmin(torque) >= 0)
    lags = (
        [np.full(real.shape[1], np.nan)] * 2 if command is None else [joint_lags_s(track, command, own.period_s) for track in (real, sim)]
    )
    joints = tuple(
        _joint_gap(
            name,
            own.period_s,
            (real[:, k], sim[:, k]),
            (speed_real[:, k], speed_sim[:, k]),
            None if torque is None else (torque[1:, k], whole.torque_nm[0, 0, :, k]),
            (float(lags[0][k]), float(lags[1][k])),
            unsigned,
        )
        for k, name in enumerate(whole.joint_names)
    )
    rmse, mpjpe = _horizons(model, own, plant, late, threads)
    thin = max(1, math.ceil(len(real) / _WARPED))
    known = np.isfinite(real).all(1) & np.isfinite(sim).all(1)
    dtw = warp(real[known][::thin], sim[known][::thin]).distance if known.any() else math.nan
    rate_hz = 1 / own.period_s
    return RunGap(
        own.log.name,
        float((end - begin) * own.period_s),
        joints,
        rmse,
        mpjpe,
        dtw / math.sqrt(len(joints)),
        sparc(speed_radps(speed_real), rate_hz),
        sparc(speed_radps(speed_sim), rate_hz),
        ldlj(speed_real, rate_hz),
        ldlj(speed_sim, rate_hz),
        unsigned,
        own.period_s * np.arange(len(real)),
        real,
        sim,
        command,
    )


_Two = tuple[Array, Array]


def _joint_gap(
    joint: str, period_s: float, position: _Two, speed: _Two, torque: _Two | None, lags: tuple[float, float], unsigned: bool
) -> JointGap:
    """Real before simulated, everywhere."""
    apart = position[1] - position[0]
    energy = (
        [math.nan] * 2 if torque is None else [float(np.nansum(np.abs(t * v[1:])) * period_s) for t, v in zip(torque, speed, strict=True)]
    )
    return JointGap(
        joint=joint,
        rmse_rad=_rms(apart),
        worst_rad=float(np.nanmax(np.abs(apart))),
        lag_real_s=lags[0],
        lag_sim_s=lags[1],
        late_rmse_rad=_late_rmse(*position, lags[0] - lags[1], period_s),
        velocity_rmse_radps=_rms(speed[1] - speed[0]),
        torque_rmse_nm=math.nan if torque is None else _rms((np.abs(torque[1]) if unsigned else torque[1]) - torque[0]),
        spectral=_spectral(*position, period_s),
        position_w1_rad=_wasserstein(*position),
        velocity_w1_radps=_wasserstein(*speed),
        energy_real_j=energy[0],
        energy_sim_j=energy[1],
    )


def _lags(track: Array, command: Array | None, period_s: float) -> Array:
    return np.full(track.shape[1], np.nan) if command is None else joint_lags_s(track, command, period_s)


def _energy(torque: Array | None, speed: Array, period_s: float) -> float:
    return math.nan if torque is None else float(np.nansum(np.abs(torque * speed[1:])) * period_s)


def _rms(values: Array) -> float:
    return float(np.sqrt(np.nanmean(values**2)))


def _late_rmse(real: Array, sim: Array, late_s: float, period_s: float) -> float:
    if not math.isfinite(late_s):
        return math.nan
    time = np.arange(len(real), dtype=float)
    wanted = time - late_s / period_s
    inside = (wanted >= 0) & (wanted <= time[-1])
    return _rms(np.interp(wanted[inside], time, sim) - real[inside]) if inside.any() else math.nan


def _spectral(real: Array, sim: Array, period_s: float) -> float:
    """Power below what an encoder's step of a milliradian makes is not compared."""
    both = [track[np.isfinite(real) & np.isfinite(sim)] for track in (real, sim)]
    length = min(256, len(both[0]))
    if length < 16:
        return math.nan
    (frequency, one), (_, other) = (signal.welch(track, 1 / period_s, nperseg=length) for track in both)
    heard = (frequency > 0) & (frequency <= _HIGHEST_HZ)
    floor = 1e-6 * period_s
    return float(np.mean(np.abs(np.log10(one[heard] + floor) - np.log10(other[heard] + floor))))


def _wasserstein(real: Array, sim: Array) -> float:
    known = np.isfinite(real) & np.isfinite(sim)
    return float(stats.wasserstein_distance(real[known], sim[known])) if known.any() else math.nan


def _horizons(
    model: RobotModel, own: Recorded, plant: PlantDraw, late: Sequence[float] | None, threads: int
) -> tuple[dict[float, float], dict[float, float]]:
    """Differences after each horizon, over stretches that begin every half second."""
    steps = {horizon_s: max(1, round(horizon_s / own.period_s)) for horizon_s in HORIZONS_S}
    usable = {horizon_s: step for horizon_s, step in steps.items() if step < own.moments}
    if not usable:
        return {}, {}
    found = replayed(model, [plant], stretches([own], max(usable.values()) * own.period_s, _EVERY_S), late, threads)
    kinematics = Kinematics(model.robot)
    rmse, mpjpe = {}, {}
    for horizon_s, step in usable.items():
        pair = found.measured[:, step], found.simulated[0, :, step]
        rmse[horizon_s] = _rms(pair[1] - pair[0])
        if model.robot.landmarks:
            places = [kinematics.landmark_positions(_postures(model, own, rows)) for rows in pair]
            mpjpe[horizon_s] = float(1000 * np.nanmean(np.linalg.norm(places[1] - places[0], axis=-1)))
    return rmse, mpjpe


def _postures(model: RobotModel, own: Recorded, rows: Array) -> Array:
    postures = np.tile(model.robot.rest_rad, (len(rows), 1))
    postures[:, own.columns] = rows
    return postures
