"""A robot's logs -> the plant that they come from, as training and evaluation take it; judged on logs that the search did not see."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from envs.model import RobotModel
from envs.plant_draws import PlantDraw, nominal_draw, torque_scale_nm
from envs.plants import Change, Plant
from envs.table import TABLE, TableTop
from gap.identification.fit import HORIZON_S, ITERATIONS, Fitted, fit
from gap.identification.unknowns import DELAY, KINDS, STIFFNESS, USUAL, Unknown, plant_of, unknowns_of
from gap.logs import RobotLog
from gap.replay import Conditions, Recorded, recorded, replayed, stretches
from motion.errors import MotionError, UnknownNameError, require
from motion.transform import Array

SEEN = 0.5
"""A number whose standard deviation falls below this share of what was assumed has been seen by the data."""
_AGAIN = 3
"""Steps in which each run alone moves the numbers that were found from all."""
_FIELDS = {
    "kp": "kp",
    "kd": "kd",
    "friction": "joint_friction",
    "damping": "joint_damping",
    "armature": "armature",
    "zero": "joint_zero",
    "payload": "payload",
}
_GAINS = ("kp", "kd")
"""Of joints that are told a torque alone there are none."""
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Number:
    """One number of the plant.

    Attributes:
        kind, where: e.g. "kp" of "shoulder_pan"; "" for the whole robot.
        unit: of the values.
        assumed, value: before and after the data.
        low, high: 95 % interval of the value; NaN where the plant does not explain its logs. A delay's is a physics step wider on either
            side: nothing shorter is simulated.
        spread_low, spread_high: the value, and 1.96 standard deviations of where single runs move it, in a few steps from there on; of one
            run, the interval. A range to draw from, no interval: few runs do not show how far others would be.
        seen: whether the data say it; otherwise it stands where it was assumed, or where others drew it.
    """

    kind: str
    where: str
    unit: str
    assumed: float
    value: float
    low: float
    high: float
    spread_low: float
    spread_high: float
    seen: bool

    @property
    def name(self) -> str:
        """E.g. "kp shoulder_pan"."""
        return f"{self.kind} {self.where}".strip()


@dataclass(frozen=True)
class RunError:
    """How far simulation is from one run, from its beginning to its end.

    Attributes:
        name: of the log.
        held_out: whether the search did not see it.
        before_rad, after_rad: (K,) root of the mean squared difference per joint, in the nominal plant and in the one found; NaN where the
            simulation broke down.
        lost: share of moments from which on it had broken down, in the one plant and in the other.
    """

    name: str
    held_out: bool
    before_rad: Array
    after_rad: Array
    lost: tuple[float, float] = (0.0, 0.0)

    @property
    def before(self) -> float:
        """Over all joints, rad."""
        return float(np.sqrt(np.mean(self.before_rad**2)))

    @property
    def after(self) -> float:
        """Over all joints, rad."""
        return float(np.sqrt(np.mean(self.after_rad**2)))


@dataclass(frozen=True)
class Identified:
    """What was found.

    Attributes:
        joint_names: K, those that the logs hold.
        numbers: of the plant.
        runs: all, those that were held out among them.
        explains: whether the plant explains the logs that it was found from, so that its numbers have intervals.
        plant: every number as it was found.
        varied: the same, drawn anew in every episode from how much the runs differ.
        table: what the robot presses on in its logs, where that was looked for; no part of the plant.
    """

    joint_names: tuple[str, ...]
    numbers: tuple[Number, ...]
    runs: tuple[RunError, ...]
    explains: bool
    plant: Plant
    varied: Plant
    table: TableTop | None = None


def identify(
    model: RobotModel,
    logs: Sequence[RobotLog],
    held_out: Sequence[str] = (),
    kinds: Sequence[str] = USUAL,
    payloads: Sequence[str] = (),
    name: str = "identified",
    horizon_s: float = HORIZON_S,
    iterations: int = ITERATIONS,
    threads: int = 1,
    progress: Callable[[str, int, float], None] = lambda what, step, cost: None,
) -> Identified:
    """Find a robot's plant.

    Args:
        model: of the robot, on a fixed base; with a table where one is looked for.
        logs: of the same joints, with commands.
        held_out: names of logs that only judge.
        kinds: of numbers that are looked for; see `gap.identification.unknowns.KINDS`.
        payloads: landmarks that may carry something.
        name: of the plant.
        horizon_s: of the stretches that logs are cut into.
        iterations: at most.
        threads: of the CPU.
        progress: is told what is fitted, the number of each step, and its cost.

    Raises:
        UnknownNameError: a log, kind, joint or landmark that does not exist.
        MotionError: no log is left to learn from, logs of other joints, or nothing that could be found.
    """
    runs_there = [log.name for log in logs]
    for one in held_out:
        if one not in runs_there:
            raise UnknownNameError("log", one, runs_there)
    told = [recorded(log, model) for log in logs]
    shown = [own for own in told if own.log.name not in held_out]
    require(bool(shown), MotionError, "every log is held out; at least one is needed to learn from.")
    for own in told:
        same = own.log.joint_names == told[0].log.joint_names and np.array_equal(own.log.by_torque, told[0].log.by_torque)
        message = (
            f"log {own.log.name!r} is of other joints than {told[0].log.name!r}, or commands others; choose the same with read.joints=."
        )
        require(same, MotionError, message)
    nominal, names, free = nominal_draw(model), told[0].log.joint_names, told[0].log.by_torque
    unknowns = [own for own in unknowns_of(model, names, kinds, payloads) if own.kind not in _GAINS or not free[names.index(own.where)]]
    require(bool(unknowns), MotionError, "every joint is told a torque alone, so there are no gains to be found; find others.")
    found = fit(
        model, unknowns, shown, nominal, horizon_s, iterations, threads, progress=lambda step, cost: progress("all runs", step, cost)
    )
    alone = [found.x] if len(shown) == 1 else [_alone(model, found, own, nominal, horizon_s, threads, progress) for own in shown]
    numbers = tuple(_number(own, k, found, np.array(alone), nominal.timestep_s) for k, own in enumerate(unknowns))
    best = plant_of(unknowns, found.x, nominal)
    runs = tuple(_run_error(model, own, own.log.name in held_out, nominal, best, threads) for own in told)
    plant, varied = (_plant(name, model, numbers, drawn_anew) for drawn_anew in (False, True))
    return Identified(told[0].log.joint_names, numbers, runs, found.explains, plant, varied, best.table)


def _alone(
    model: RobotModel,
    found: Fitted,
    own: Recorded,
    nominal: PlantDraw,
    horizon_s: float,
    threads: int,
    progress: Callable[[str, int, float], None],
) -> Array:
    """Where one run moves the numbers that were found from all."""
    step = lambda number, cost: progress(own.log.name, number, cost)  # noqa: E731
    return fit(model, found.unknowns, [own], nominal, horizon_s, _AGAIN, threads, found.x, step).x


def _number(own: Unknown, index: int, found: Fitted, alone: Array, step_s: float) -> Number:
    """(runs, U) numbers of the runs alone."""
    width = float(norm.ppf((1 + _CONFIDENCE) / 2))
    x, spread = float(found.x[index]), float(found.spread[index])
    between = float(alone[:, index].std(ddof=1)) if len(alone) > 1 else spread
    bounded = lambda number: float(own.value(np.clip(np.asarray(number), *own.bounds)))  # noqa: E731
    low, high = ends_of(own, x, spread, step_s) if found.explains else (np.nan, np.nan)
    return Number(
        own.kind,
        own.where,
        KINDS[own.kind].unit,
        own.assumed,
        float(own.value(np.asarray(x))),
        low,
        high,
        bounded(x - width * between),
        bounded(x + width * between),
        spread < SEEN,
    )


def ends_of(own: Unknown, x: float, spread: float, step_s: float) -> tuple[float, float]:
    """Ends of the 95 % interval of a number, in its unit.

    Args:
        own: which number.
        x, spread: as found, and its standard deviation; standardised.
        step_s: of the physics.
    """
    half = float(norm.ppf((1 + _CONFIDENCE) / 2)) * spread + (step_s / KINDS[DELAY].spread if own.kind == DELAY else 0.0)
    low, high = (float(own.value(np.clip(np.asarray(x + way * half), *own.bounds))) for way in (-1, 1))
    return low, high


def _run_error(model: RobotModel, own: Recorded, held_out: bool, nominal: PlantDraw, best: Conditions, threads: int) -> RunError:
    found = replayed(model, [Conditions(nominal), best], stretches([own]), threads)
    before, after = np.sqrt(np.mean(found.error_rad**2, axis=(1, 2)))
    first, second = (~np.isfinite(found.simulated).all(axis=-1)).mean(axis=(1, 2))
    before, after = (np.where(np.isfinite(one).all(), one, np.nan) for one in (before, after))
    return RunError(own.log.name, held_out, before, after, (float(first), float(second)))


def _plant(name: str, model: RobotModel, numbers: Sequence[Number], varied: bool) -> Plant:
    """As training and evaluation take it."""
    robot, changes, delay_s = model.robot, [], (0.0, 0.0)
    scale_nm = torque_scale_nm(robot)
    for own in numbers:
        ends = (own.spread_low, own.spread_high) if varied else (own.value, own.value)
        if own.kind == DELAY:
            delay_s = ends
            continue
        if own.kind in (TABLE, STIFFNESS):
            continue
        in_shares = {"friction": scale_nm, "damping": robot.kd}.get(own.kind)
        share = 1.0 if in_shares is None else in_shares[robot.joint_names.index(own.where)]
        ranges = (float(ends[0] / share), float(ends[1] / share))
        changes.append(Change(_FIELDS[own.kind], re.escape(own.where), ranges, "uniform" if varied else "constant", "set"))
    said = "drawn anew for every episode from how much its logs leave open" if varied else "as its logs say"
    return Plant(f"{name}_varied" if varied else name, tuple(changes), delay_s, f"{robot.name}, {said}")
