"""Where the search for a plant begins: what the balance of forces says of the moments of a log, with nothing to simulate.

A motor's pull kp (command - position) - kd speed carries the robot's weight and inertia, and dry friction against the way that the
joint goes; where it stands, against the way that it last went, for there friction stopped it. That is an equation in 1 / kp,
kd / kp, friction / kp and the joints' zeros. It leaves out that friction may hold less than it could: a place to begin, not more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import least_squares

from gap.identification.unknowns import DELAY, Unknown
from gap.replay import Recorded, held
from motion.transform import Array
from robots.kinematics import Kinematics
from robots.robot import Robot

MOVING_RADPS = 0.03
_MOMENTS = 300
_STARTS = 8
_NOISE_RAD = 0.01
_LAW = ("kp", "kd", "friction")


def first_guess(robot: Robot, unknowns: Sequence[Unknown], recordings: Sequence[Recorded], seed: int = 0) -> Array:
    """Standardised numbers (U,) to begin with; 0 for what the equations do not hold.

    Args:
        robot: the robot, by whose weight forces are measured.
        unknowns: U.
        recordings: with position commands; others say nothing here.
        seed: of the zeros that the search begins with.
    """
    told = [own for own in recordings if own.log.command_rad is not None]
    x = np.zeros(len(unknowns))
    searched = [number for number, own in enumerate(unknowns) if own.kind in (*_LAW, "zero")]
    if not told or not searched:
        return x
    problem = _Equations(robot, unknowns, searched, told)
    rng, low, high = np.random.default_rng(seed), *(np.array(side) for side in zip(*(unknowns[k].bounds for k in searched), strict=True))
    zeros = np.array([unknowns[k].kind == "zero" for k in searched])
    best = None
    for start in range(_STARTS if zeros.any() else 1):
        begin = np.where(zeros, rng.normal(size=len(searched)) * 2.0 * (start > 0), 0.0)
        found = least_squares(problem, np.clip(begin, low + 1e-6, high - 1e-6), bounds=(low, high), loss="soft_l1", max_nfev=25)
        if best is None or found.cost < best.cost:
            best = found
    assert best is not None
    x[searched] = best.x
    return x


class _Equations:
    """Errors of the commands that the equations ask for, rad, in units of noise; and how far from what is assumed."""

    def __init__(self, robot: Robot, unknowns: Sequence[Unknown], searched: Sequence[int], recordings: Sequence[Recorded]) -> None:
        self.unknowns, self.searched = [unknowns[k] for k in searched], searched
        self.kinematics = Kinematics(robot)
        delay_s = next((float(own.value(np.zeros(()))) for own in unknowns if own.kind == DELAY), 0.0)
        self.columns = recordings[0].columns
        parts = zip(*(_moments(own, delay_s) for own in recordings), strict=True)
        position, speed, push, slip, given, way, gap = (np.concatenate(part) for part in parts)
        known = np.flatnonzero(way.any(1))
        chosen = known[np.linspace(0, len(known) - 1, min(_MOMENTS, len(known))).astype(int)] if len(known) else known
        self.slip, self.way, self.gap = slip[chosen], way[chosen], gap[chosen]
        still = np.zeros(len(robot.joint_names))
        self.posture, self.going, self.push = (np.tile(rest, (len(chosen), 1)) for rest in (robot.rest_rad, still, still))
        for whole, track in ((self.posture, position), (self.going, speed), (self.push, push)):
            whole[:, self.columns] = track[chosen]
        self.others_nm = robot.armature[self.columns] * push[chosen] - given[chosen]
        self._of_zeros: tuple[Array, Array] = (np.full(len(self.columns), np.nan), self.gap)

    def __call__(self, x: Array) -> Array:
        numbers = self._numbers(x)
        wanted = (self._load_nm(numbers["zero"]) + numbers["kd"] * self.slip + numbers["friction"] * self.way) / numbers["kp"]
        return np.r_[((wanted - self.gap) * (self.way != 0) / _NOISE_RAD).ravel(), x]

    def _load_nm(self, zero_rad: Array) -> Array:
        """(M, K) that the joints carry and push."""
        before, load = self._of_zeros
        if not np.array_equal(before, zero_rad):
            true = self.posture.copy()
            true[:, self.columns] -= zero_rad
            load = self.kinematics.inverse_dynamics(true, self.going, self.push)[:, self.columns] + self.others_nm
            self._of_zeros = (zero_rad, load)
        return load

    def _numbers(self, x: Array) -> dict[str, Array]:
        """Kind -> (K,)."""
        found = {"kp": np.full(len(self.columns), np.inf), **{kind: np.zeros(len(self.columns)) for kind in ("kd", "friction", "zero")}}
        place = {int(column): number for number, column in enumerate(self.columns)}
        for own, number in zip(self.unknowns, x, strict=True):
            found[own.kind][place[own.index]] = own.value(np.asarray(number))
        return found


def _moments(own: Recorded, delay_s: float) -> tuple[Array, ...]:
    """Of a recording, each (T, K): positions, speeds, accelerations, speeds beyond those commanded, torques commanded, the way that
    joints go or last went (-1, 0, 1), and (command - position)."""
    assert own.log.command_rad is not None
    position, speed = own.even.position_rad, own.speed_radps
    edges_s = np.append(own.even.time_s, own.even.time_s[-1] + own.period_s) - own.period_s / 2 - delay_s
    told = (own.log.command_rad, own.log.command_velocity_radps, own.log.command_torque_nm)
    command, slower, given = (
        other if track is None else np.where(np.isfinite(found := held(own.log.time_s, track, edges_s)), found, other)
        for track, other in zip(told, (position, np.zeros_like(position), np.zeros_like(position)), strict=True)
    )
    push = np.gradient(speed, own.period_s, axis=0)
    tracks = (position, speed, push, speed - slower, given, _last_way(speed), command - position)
    known = own.known & np.isfinite(push).all(axis=1)
    return tuple(track[known] for track in tracks)


def _last_way(speed_radps: Array) -> Array:
    moving = np.abs(speed_radps) > MOVING_RADPS
    last = np.maximum.accumulate(np.where(moving, np.arange(len(moving))[:, None], -1), axis=0)
    way = np.sign(np.take_along_axis(speed_radps, np.maximum(last, 0), axis=0))
    return np.where(last >= 0, way, 0.0)
