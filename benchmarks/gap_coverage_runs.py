"""How often intervals of runs (`gap.blocks`) and of plants (`gap.identification`) hold the truth, by simulation."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from scipy import signal

from envs.model import RobotModel, robot_model
from envs.open_loop import Orders, carry_out
from envs.plant_draws import nominal_draw
from gap.blocks import BLOCKS, rms_over_units
from gap.differences import whole_numbers
from gap.identification.fit import fit
from gap.identification.identify import ends_of
from gap.identification.unknowns import DELAY, Unknown, plant_of, unknowns_of
from gap.joint_differences import Tracks, joint_gaps
from gap.logs import RobotLog
from gap.replay import held, recorded
from robots import load_robot

ARMS = Path(__file__).resolve().parent.parent / "examples" / "arms"
Cells = dict[str, list[tuple[float, int]]]
_PERIOD_S, _JOINTS, _LONG_S, _EDGE = 0.02, 3, 3000.0, 200
_RUNS, _GROUPS, _PLANTS = 330, 330, 5
_LENGTHS_S = (20.0, 40.0, 80.0)
_NAMES = tuple(str(k) for k in range(_JOINTS))
IDENTIFIED = "identified,"
_CHANCE, BY_CHANCE = 0.05, "(an interval where there should be none)"
_FIT_S, _HORIZON_S, _NOISE_RAD, _FARTHEST = 20.0, 4.0, 0.0005, 1.5
_KINDS = ("kp", "kd", "friction", "armature", "zero", DELAY)


# Runs.


def run_coverage(part: int, scale: float) -> Cells:
    """Numbers of runs of 20 to 80 s: waves below 0.6 Hz, a real and a simulated robot that are filters of them, with other lags and errors
    of their own, and joints that depend on nothing of each other.

    The truth is that of 50 minutes; of what depends on the length (energy, DTW, smoothness), its mean over the runs.
    """
    duration_s = _LENGTHS_S[part % len(_LENGTHS_S)]
    rng, count = np.random.default_rng([5, part]), max(2, round(_RUNS * scale))
    long = joint_gaps([str(k) for k in range(8)], _made(np.random.default_rng(6), _LONG_S, 8))
    truth = {name: float(np.mean([getattr(own, name) for own in long])) for name in long[0].ends}
    runs = [_made(rng, duration_s, _JOINTS) for _ in range(count)]
    joints = [own for tracks in runs for own in joint_gaps(_NAMES, tracks)]
    cells: Cells = {}
    for name in long[0].ends:
        true = float(np.mean([getattr(own, name) for own in joints])) if name.startswith("energy") else truth[name]
        _count(cells, f"run, joint: {name}", np.array([own.ends[name] for own in joints]), true)
    wholes = [whole_numbers(tracks) for tracks in runs]
    total = math.sqrt(np.mean([own.rmse_rad**2 for own in long]))
    for name in wholes[0]:
        true = total if name == "rmse_rad" else float(np.mean([own[name][0] for own in wholes]))
        _count(cells, f"run: {name}", np.array([own[name][1] for own in wholes]), true)
    squares = np.array([[_square(rng, duration_s) for _ in range(BLOCKS)] for _ in range(round(_GROUPS * scale))])
    _count(cells, "runs: rmse_rad over six runs", np.array([rms_over_units(own, np.ones(BLOCKS)) for own in squares]), total)
    return cells


def _square(rng: np.random.Generator, duration_s: float) -> float:
    """Mean squared difference of another run."""
    real, sim = _made(rng, duration_s, _JOINTS).position_rad
    return float(np.mean((sim - real) ** 2))


def _count(cells: Cells, name: str, ends: np.ndarray, truth: float) -> None:
    """Hits among those that have an interval; where hardly any has, how many have one in spite of that."""
    known = np.isfinite(ends[:, 0])
    if 0 < known.mean() < _CHANCE:
        cells.setdefault(f"{name} {BY_CHANCE}", []).append((float(known.mean()), len(known)))
    elif known.any():
        hits = (ends[known, 0] <= truth) & (truth <= ends[known, 1])
        cells.setdefault(name, []).append((float(hits.mean()), int(known.sum())))


def _made(rng: np.random.Generator, duration_s: float, joints: int) -> Tracks:
    moments = round(duration_s / _PERIOD_S) + _EDGE
    command = _waves(rng, moments, joints, 0.6)
    real = _slow(_late(command, 0.07), 3.0) + 0.1 * _waves(rng, moments, joints, 0.5) + 0.02 + rng.normal(0, 5e-4, command.shape)
    sim = 0.95 * _slow(_late(command, 0.03), 5.0)
    command, real, sim = (track[_EDGE:] for track in (command, real, sim))
    speed, fast = (np.gradient(signal.savgol_filter(track, 7, 2, axis=0), _PERIOD_S, axis=0) for track in (real, sim))
    torque = tuple((2 * v + 5 * x)[1:] for v, x in ((speed, real), (fast, sim)))
    return Tracks(_PERIOD_S, (real, sim), (speed, fast), command, (torque[0], torque[1]))


def _waves(rng: np.random.Generator, moments: int, joints: int, highest_hz: float) -> np.ndarray:
    """About 0.3 rad."""
    nyquist_hz = 0.5 / _PERIOD_S
    low = signal.lfilter(*signal.butter(2, highest_hz / nyquist_hz), rng.normal(size=(moments + 500, joints)), axis=0)[500:]
    return np.asarray(0.3 * low / math.sqrt(1.1 * highest_hz / nyquist_hz))


def _slow(track: np.ndarray, highest_hz: float) -> np.ndarray:
    return np.asarray(signal.lfilter(*signal.butter(1, highest_hz * 2 * _PERIOD_S), track, axis=0))


def _late(track: np.ndarray, by_s: float) -> np.ndarray:
    steps = by_s / _PERIOD_S
    whole, part = int(steps), steps - int(steps)
    return np.asarray((1 - part) * np.roll(track, whole, axis=0) + part * np.roll(track, whole + 1, axis=0))


# Plants.


def identified_coverage(part: int, scale: float) -> Cells:
    """Numbers of a drive that swings a pendulum, whose true values are drawn as is assumed of them, at most 1.5 spreads off; each found
    from one log of 20 s. Where the plant does not explain its log nothing is said, and nothing is counted."""
    model = robot_model(load_robot(ARMS / "pendulum"), "fixed", floor=False)
    unknowns = unknowns_of(model, model.robot.joint_names, _KINDS)
    hits: dict[str, list[bool]] = {own.kind: [] for own in unknowns}
    for number in range(max(1, round(_PLANTS * scale))):
        rng = np.random.default_rng([7, part, number])
        true = np.array([_drawn(own, rng) for own in unknowns])
        found = fit(model, unknowns, [recorded(_log(model, unknowns, true, rng), model)], nominal_draw(model), _HORIZON_S)
        for own, x, spread, truth in zip(unknowns, found.x, found.spread, true, strict=True):
            low, high = ends_of(own, float(x), float(spread), model.model.opt.timestep)
            if found.explains:
                hits[own.kind].append(low <= float(own.value(truth)) <= high)
    return {f"{IDENTIFIED} {kind}": [(float(np.mean(own)), len(own))] for kind, own in hits.items() if own}


def _drawn(own: Unknown, rng: np.random.Generator) -> float:
    while True:
        x = float(rng.normal())
        if abs(x) <= _FARTHEST and own.bounds[0] <= x <= own.bounds[1]:
            return x


def _log(model: RobotModel, unknowns: tuple[Unknown, ...], true: np.ndarray, rng: np.random.Generator) -> RobotLog:
    """Waves, and steps that are held, at 50 Hz."""
    conditions = plant_of(unknowns, true, nominal_draw(model))
    time_s, step_s = np.arange(0, _FIT_S, _PERIOD_S), model.model.opt.timestep
    size, speed, phase = rng.uniform(0.1, 0.5, 4), rng.uniform(0.5, 6.0, 4), rng.uniform(0, 6.3, 4)
    waves = (size * np.sin(speed * time_s[:, None] + phase)).sum(axis=1)
    steps = rng.uniform(-1, 1, len(time_s) // 75 + 1).repeat(75)[: len(time_s)]
    told = np.where(time_s % 10 < 5, waves, steps)[:, None]
    every = round(_PERIOD_S / step_s)
    command = held(time_s, told, step_s * np.arange(len(time_s) * every + 1) - conditions.late_s)
    done = carry_out(model, [conditions.plant], Orders(told[:1], np.zeros((1, 1)), command[None]), every)
    position = done.position_rad[0, 0, :-1] + rng.normal(0, _NOISE_RAD, told.shape)
    return RobotLog("made", model.robot.joint_names, time_s, position, told)
