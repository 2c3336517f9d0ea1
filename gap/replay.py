"""Real logs, carried out again in simulation: the same commands, from the same places, on the same robot in one plant or many."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from scipy.signal import savgol_filter

from envs.model import RobotModel
from envs.open_loop import Carried, Orders, carry_out
from envs.plant_draws import PlantDraw
from envs.table import TableTop, lowest_m
from gap.logs import RobotLog
from gap.logs.base import asked_unit
from gap.logs.log import stood
from gap.logs.words import COMMAND, POSITION, TRACKS
from motion.errors import MotionError, UnknownNameError, require
from motion.transform import Array

_SMOOTH_S, _ORDER = 0.1, 2
"""Positions are smoothed over so long for the speed that a stretch begins with: measured speeds are coarse, and often late."""
_ASIDE = ("command_velocity_radps", "command_torque_nm")
"""Commands that a log may hold beside positions."""
_BEYOND_RAD = 0.5
"""Angles whose unit nobody said may lie so far beyond a joint's limits: zeros are seldom where the description has them."""
_LOOKED_S = 0.25
"""How often it is looked at how low a robot came."""
_LEAST_PERIOD_S = 0.004
"""Logs that are denser are compared at fewer moments: neighbours that near say nothing new."""


@dataclass(frozen=True)
class Recorded:
    """A log as it is compared with a simulation, at even times; T moments, K joints that it holds.

    Attributes:
        log: what was recorded, as it was.
        even: the same at even times.
        period_s: of `even`; a whole number of physics steps.
        columns: (K,) of the robot's joints.
        speed_radps: (T, K) of the smoothed positions.
        still: joints that were measured but told no position and no torque, at the same times, if any: they are held where a stretch finds
            them, and not compared.
        still_columns: of the robot's joints.
        unsaid: share of position commands that are missing after a joint's first one: there the last one stands.
    """

    log: RobotLog
    even: RobotLog
    period_s: float
    columns: np.ndarray
    speed_radps: Array
    still: RobotLog | None = None
    still_columns: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    unsaid: float = 0.0

    @property
    def moments(self) -> int:
        """T."""
        return len(self.even)

    @property
    def known(self) -> np.ndarray:
        """(T,) bool, whether all positions are known, every joint had been commanded, and the motors were on."""
        tracks = (self.even.position_rad, *(getattr(self.even, name) for name in ("command_rad", *_ASIDE)))
        # of a kind of command that a joint is never given it is told nothing
        told = [np.isfinite(track) | ~np.isfinite(track).any(axis=0) for track in tracks if track is not None]
        known = np.isfinite(self.even.position_rad).all(axis=1) & np.concatenate(told, axis=1).all(axis=1)
        return np.asarray(known if self.even.driven is None else known & self.even.driven)

    @property
    def kind(self) -> tuple[object, ...]:
        """The same for all that can be replayed side by side: its joints, which of them are told a torque alone, and its period."""
        return tuple(self.columns.tolist()), tuple(self.log.by_torque.tolist()), round(self.period_s, 9)

    def postures(self, model: RobotModel, rows: np.ndarray) -> Array:
        """(N, J) of the whole robot at some moments (N,); joints that were not measured at rest."""
        out = np.tile(model.robot.rest_rad, (len(rows), 1))
        out[:, self.columns] = self.even.position_rad[rows]
        if self.still is not None:
            found = self.still.position_rad[rows]
            out[:, self.still_columns] = np.where(np.isfinite(found), found, out[:, self.still_columns])
        return out


@dataclass(frozen=True)
class Stretch:
    """Part of a recording that is carried out from its own start.

    Attributes:
        recorded: which recording.
        begin, end: moments of `recorded.even`; the end is included.
    """

    recorded: Recorded
    begin: int
    end: int


@dataclass(frozen=True)
class Replayed:
    """What P plants did in W stretches of N moments, beside what was measured; K joints.

    Attributes:
        joint_names: K.
        period_s: from one moment to the next.
        stretches: W.
        measured: (W, N, K) positions, rad; NaN where nothing was measured.
        simulated: (P, W, N, K) positions, rad; NaN where a simulation broke down.
        velocity_radps: (P, W, N, K) simulated.
        torque_nm: (P, W, N - 1, K) simulated.
    """

    joint_names: tuple[str, ...]
    period_s: float
    stretches: tuple[Stretch, ...]
    measured: Array
    simulated: Array
    velocity_radps: Array
    torque_nm: Array

    @property
    def error_rad(self) -> Array:
        """(P, W, N, K) simulated less measured."""
        return self.simulated - self.measured


class Conditions(NamedTuple):
    """In which a recording is carried out again.

    Attributes:
        plant: of the robot.
        delay_s: from a command to the motors; None: the plant's own, in whole physics steps.
        table: that the robot may press on, in a model with a table; None: nothing is touched.
    """

    plant: PlantDraw
    delay_s: float | None = None
    table: TableTop | None = None

    @property
    def late_s(self) -> float:
        """From a command to the motors."""
        return self.plant.delay_steps * self.plant.timestep_s if self.delay_s is None else self.delay_s


def recorded(log: RobotLog, model: RobotModel, period_s: float = 0.0) -> Recorded:
    """A log as the robot's simulation can carry it out: every command stands until the next, and joints that got none are set aside.

    Args:
        log: with commands.
        model: of the robot.
        period_s: of the comparison, rounded to physics steps; 0: the log's own, or 4 ms where that is shorter.

    Raises:
        MotionError: nothing was commanded, or velocities alone, or angles of which nobody said the unit cannot well be radians.
        UnknownNameError: a joint that the robot does not have.
    """
    joints_of(log, model)
    step_s, told = model.model.opt.timestep, log.commanded
    what = "velocities as its only commands, and these alone are not carried out" if log.by_velocity.any() else "no commands"
    require(bool(told.any()), MotionError, f"log {log.name!r} holds {what}: there is nothing to carry out again.")
    wanted_s = period_s or max(log.period_s, _LEAST_PERIOD_S)
    own_s = max(1, round(wanted_s / step_s)) * step_s
    time_s = np.arange(0.0, log.time_s[-1] - log.time_s[0] + 1e-9, own_s) + log.time_s[0]
    moved = log.with_standing_commands()
    even, still = moved.at(time_s), None
    if not told.all():
        names = np.array(log.joint_names)
        still = even.of_joints(names[~told].tolist())
        moved, even = (own.of_joints(names[told].tolist()) for own in (moved, even))
    columns, still_columns = (joints_of(own, model) if own else np.zeros(0, int) for own in (moved, still))
    unsaid = 0.0 if log.command_rad is None else float(np.mean(~np.isfinite(log.command_rad) & np.isfinite(stood(log.command_rad))))
    return Recorded(moved, even, own_s, columns, smoothed_speed(even.position_rad, own_s), still, still_columns, unsaid)


def joints_of(log: RobotLog, model: RobotModel) -> np.ndarray:
    """(K,) columns of the robot's joints that the log holds.

    Raises:
        UnknownNameError: a joint that the robot does not have.
        MotionError: angles far beyond a joint's limits, of which nobody said the unit.
    """
    names = model.robot.joint_names
    for name in log.joint_names:
        if name not in names:
            raise UnknownNameError("joint", name, names, f"log {log.name!r}; say which is which with read.joints=")
    columns = np.array([names.index(name) for name in log.joint_names], int)
    for quantity in (POSITION, COMMAND):
        track = getattr(log, TRACKS[quantity])
        if quantity in log.guessed and track is not None:
            _require_within(log, quantity, track, model.robot.lower_rad[columns], model.robot.upper_rad[columns])
    return columns


def _require_within(log: RobotLog, quantity: str, track: Array, lower_rad: Array, upper_rad: Array) -> None:
    """Refuse angles whose unit nobody said, and that cannot well be radians."""
    beyond = np.nan_to_num(np.maximum(lower_rad - track, track - upper_rad), nan=-np.inf)
    row, column = np.unravel_index(beyond.argmax(), beyond.shape)
    message = (
        f"log {log.name!r}: the {quantity} of joint {log.joint_names[column]} reaches {track[row, column]:.3g} rad, beyond its limits of "
        f"{lower_rad[column]:.3g} to {upper_rad[column]:.3g} rad. {asked_unit(log, quantity)}"
    )
    require(bool(beyond.max() <= _BEYOND_RAD), MotionError, message)


def smoothed_speed(position_rad: Array, period_s: float) -> Array:
    """(T, K) speeds of positions at even times, smoothed over a tenth of a second; NaN beside what is missing on both sides.

    Each piece without a gap is smoothed by itself.
    """
    known = np.isfinite(position_rad)
    if known.all():
        return _smoothed_speed(position_rad, period_s)
    out = np.full(position_rad.shape, np.nan)
    for column, mine in enumerate(known.T):
        for begin, end in _pieces(mine):
            if end > begin:
                out[begin : end + 1, column] = _smoothed_speed(position_rad[begin : end + 1, [column]], period_s)[:, 0]
    return out


def _smoothed_speed(position_rad: Array, period_s: float) -> Array:
    width = min(len(position_rad) - 1, 2 * math.ceil(_SMOOTH_S / period_s / 2)) // 2 * 2 + 1
    if width <= _ORDER:
        return np.gradient(position_rad, period_s, axis=0)
    return np.asarray(savgol_filter(position_rad, width, _ORDER, deriv=1, delta=period_s, axis=0))


def reached_m(model: RobotModel, recordings: Iterable[Recorded], zero_rad: Array | float = 0.0) -> float:
    """Height of the lowest point that links came to, above the robot's base; inf where none that can be lowered has a shape.

    Args:
        model: with a table.
        recordings: of the robot.
        zero_rad: (J,) what its joints read where the description says zero.
    """
    heights = []
    for own in recordings:
        rows = np.flatnonzero(own.known)[:: max(1, round(_LOOKED_S / own.period_s))]
        heights.append(lowest_m(model, own.postures(model, rows), zero_rad))
    return float(np.concatenate(heights).min())


def stretches(recordings: Iterable[Recorded], horizon_s: float = math.inf, every_s: float = 0.0) -> tuple[Stretch, ...]:
    """Stretches of `horizon_s`, one beginning every `every_s`, while motors were on and positions and commands known.

    With `every_s` 0 there are as few as cover the recording, evenly, so that neighbours may share some moments. A recording in which the
    horizon never fits, or is infinite, gives its longest stretch. Stretches that are replayed together are cut to the shortest.

    Raises:
        MotionError: there is none.
    """
    found: list[Stretch] = []
    told = list(recordings)
    for own in told:
        pieces = _pieces(own.known)
        longest = max((end - begin for begin, end in pieces), default=0)
        count = longest if not math.isfinite(horizon_s) else min(longest, max(1, round(horizon_s / own.period_s)))
        for begin, end in pieces:
            if 0 < count <= end - begin:
                found += [Stretch(own, place, place + count) for place in _begins(begin, end - count, count, every_s / own.period_s)]
    require(bool(found), MotionError, f"nowhere were motors on and positions and commands known in {_listed(told)}.")
    return tuple(found)


def _pieces(known: np.ndarray) -> list[tuple[int, int]]:
    """First and last moments of pieces without a gap."""
    edges = np.flatnonzero(np.diff(np.r_[0, known.astype(int), 0]))
    return [(int(begin), int(end) - 1) for begin, end in edges.reshape(-1, 2)]


def _begins(first: int, last: int, count: int, hop: float) -> list[int]:
    """From the first to the last place, `hop` apart; 0: as few as cover everything."""
    if hop:
        return list(range(first, last + 1, max(1, round(hop))))
    return [round(place) for place in np.linspace(first, last, math.ceil((last - first + count) / count))]


def _listed(recordings: Sequence[Recorded]) -> str:
    return ", ".join(own.log.name for own in recordings) or "no logs"


def replayed(model: RobotModel, conditions: Sequence[Conditions], chosen: Sequence[Stretch], threads: int = 1) -> Replayed:
    """Carry stretches out in every plant; joints that were told a torque and never a position have no gains.

    Args:
        model: nominal, on a fixed base.
        conditions: P, with plants of one time step.
        chosen: W stretches of recordings with the same joints and period; those that are longer are cut to the shortest.
        threads: of the CPU.

    Raises:
        MotionError: recordings of other joints, other kinds of commands or another period, or a plant whose steps do not fit the period.
    """
    first, step_s = chosen[0].recorded, conditions[0].plant.timestep_s
    for other in chosen:
        message = (
            f"{other.recorded.log.name!r} cannot be carried out beside {first.log.name!r}: other joints, or another period, or others of "
            "them are told a torque alone."
        )
        require(other.recorded.kind == first.kind, MotionError, message)
    conditions = [_driven(own, first) for own in conditions]
    every = round(first.period_s / step_s)
    message = f"the comparison's period of {first.period_s:g} s is not a multiple of the time step, {step_s:g} s."
    require(math.isclose(every * step_s, first.period_s), MotionError, message)
    count = min(own.end - own.begin for own in chosen)
    orders = _orders(model, conditions, chosen, count * every, step_s)
    carried = carry_out(model, [own.plant for own in conditions], orders, every, threads, [own.table for own in conditions])
    measured = np.stack([own.recorded.even.position_rad[own.begin : own.begin + count + 1] for own in chosen])
    seen = Carried(*(getattr(carried, name)[..., first.columns] for name in Carried.__dataclass_fields__))
    names = tuple(model.robot.joint_names[column] for column in first.columns)
    shown = tuple(replace(own, end=own.begin + count) for own in chosen)
    return Replayed(names, first.period_s, shown, measured, seen.position_rad, seen.velocity_radps, seen.torque_nm)


def _driven(own: Conditions, recording: Recorded) -> Conditions:
    """The same, joints that are told a torque alone without gains."""
    free = recording.columns[recording.log.by_torque]
    if not len(free):
        return own
    kp, kd = own.plant.kp.copy(), own.plant.kd.copy()
    kp[free], kd[free] = 0.0, 0.0
    return own._replace(plant=replace(own.plant, kp=kp, kd=kd))


def _orders(model: RobotModel, conditions: Sequence[Conditions], chosen: Sequence[Stretch], steps: int, step_s: float) -> Orders:
    """What the motors hear: every command stands until the next; within a physics step its mean over the step counts."""
    columns = chosen[0].recorded.columns
    start = np.concatenate([own.recorded.postures(model, np.array([own.begin])) for own in chosen])
    speed = np.zeros_like(start)
    for row, own in enumerate(chosen):
        speed[row, columns] = own.recorded.speed_radps[own.begin]
    aside = [name for name in _ASIDE if any(getattr(own.recorded.log, name) is not None for own in chosen)]
    late_s = [own.late_s for own in conditions]
    heard = {late: _heard(chosen, start, steps, step_s, late, ("command_rad", *aside)) for late in set(late_s)}
    if len(heard) == 1 and "command_velocity_radps" not in aside:  # the same for every plant
        (told,) = heard.values()
    else:
        told = {name: np.stack([heard[late][name] for late in late_s]) for name in ("command_rad", *aside)}
    if "command_velocity_radps" in told:  # motors know none: they are told of positions so far ahead that the same torque results
        gains = [(own.plant.kp, own.plant.kd) for own in conditions]
        ahead_s = np.stack([np.divide(kd, kp, out=np.zeros_like(kp), where=kp > 0) for kp, kd in gains])
        told["command_rad"] += ahead_s[:, None, None] * told["command_velocity_radps"]
    return Orders(start, speed, told["command_rad"], told.get("command_torque_nm"))


def _heard(chosen: Sequence[Stretch], start: Array, steps: int, step_s: float, late_s: float, names: Sequence[str]) -> dict[str, Array]:
    """Command -> (W, S, J); joints and logs without it stay where they are, and are told of no speed and no torque."""
    out = {name: np.zeros((len(chosen), steps, start.shape[1])) for name in names}
    out["command_rad"] += start[:, None]
    for row, own in enumerate(chosen):
        log, columns = own.recorded.log, own.recorded.columns
        edges_s = own.recorded.even.time_s[own.begin] + step_s * np.arange(steps + 1) - late_s
        for name in names:
            track = getattr(log, name)
            if track is not None:
                found = held(log.time_s, track, edges_s)
                out[name][row][:, columns] = np.where(np.isfinite(found), found, out[name][row][:, columns])
    return out


def held(time_s: Array, track: Array, edges_s: Array) -> Array:
    """(S, K) means between edges (S + 1,) of what stands from each moment to the next; before the first and after the last, too.

    NaN where nothing is ever said.
    """
    known = np.isfinite(track)
    if not known.all():
        first = np.take_along_axis(track, known.argmax(axis=0)[None], axis=0)
        track = np.where(np.maximum.accumulate(known, axis=0), stood(track), first)
    gone = np.vstack([np.zeros(track.shape[1]), np.cumsum(track[:-1] * np.diff(time_s)[:, None], axis=0)])
    index = np.clip(np.searchsorted(time_s, edges_s, side="right") - 1, 0, len(time_s) - 1)
    sums = gone[index] + track[index] * (edges_s - time_s[index])[:, None]
    return np.asarray(np.diff(sums, axis=0) / np.diff(edges_s)[:, None])
