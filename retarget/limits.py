"""Bounds on position, speed and acceleration, held by construction: where a joint may be in the next frame.

A joint may go wherever it can still stop before its limit. From there a next place always exists: braking. So a motion
that takes every place from `reachable` keeps all three bounds at every frame, whatever the frame times.
The acceleration at frame k is (v[k+1] - v[k]) / ((dt[k] + dt[k+1]) / 2), with v[k] the velocity between frames k - 1 and k.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.compiled import compiled
from motion.transform import Array
from robots.robot import Robot

_SHY = 1.0 - 1e-9
"""Bounds are drawn in by one part in 1e9, so that no rounding in the output passes a limit."""
_ENDLESS = 1e6


@dataclass(frozen=True)
class Bounds:
    """(J,) bounds of every joint: rad, rad/s, rad/s2; 1e6 where there is none."""

    lower_rad: Array
    upper_rad: Array
    speed_radps: Array
    acceleration_radps2: Array

    @classmethod
    def of(cls, robot: Robot, speed_scale: float = 1.0, acceleration_scale: float = 1.0, speed_radps: float = _ENDLESS) -> Bounds:
        """A robot's own, of which only a share of speed and acceleration may be used, and no more than `speed_radps`."""
        return cls(
            np.maximum(robot.lower_rad, -_ENDLESS),
            np.minimum(robot.upper_rad, _ENDLESS),
            np.minimum(robot.speed_radps * speed_scale, speed_radps) * _SHY,
            np.minimum(robot.acceleration_radps2 * acceleration_scale, _ENDLESS) * _SHY,
        )


@compiled
def fastest(room, acceleration, dt):  # type: ignore[no-untyped-def]
    """Highest velocity over a step of dt that leaves it possible to stop within `room` (rad) of where the step begins.

    A step of v * dt, then braking: v falls by `acceleration` times the time between the middles of two steps, so it stops
    within (v - acceleration dt / 2)^2 / (2 acceleration) of the step's end, however long the steps that follow are.
    """
    if room <= 0.0:
        return 0.0
    if 2 * room <= acceleration * dt * dt:
        return room / dt
    return np.sqrt(2 * acceleration * room) - acceleration * dt / 2


@compiled
def reachable(joint, velocity, last_dt, dt, lower, upper, speed, acceleration):  # type: ignore[no-untyped-def]
    """Lowest and highest place (rad) that one joint may take dt after it was at `joint`.

    Args:
        joint: rad.
        velocity: rad/s over the last step, which took `last_dt` s; 0 for `last_dt` where nothing came before.
        dt: s.
        lower, upper, speed, acceleration: bounds of the joint.
    """
    low, high = -min(speed, fastest(joint - lower, acceleration, dt)), min(speed, fastest(upper - joint, acceleration, dt))
    if last_dt > 0.0:
        change = acceleration * (last_dt + dt) / 2
        # Where rounding, or a start at speed, leaves nothing between: brake as hard as the joint can.
        low, high = min(max(low, velocity - change), velocity + change), max(min(high, velocity + change), velocity - change)
    first, last = min(max(lower, joint + low * dt), upper), max(min(upper, joint + high * dt), lower)
    return first, max(first, last)  # a joint that brakes right at its limit: rounding must not put the edges in each other's place


@compiled
def reachable_box(joints, velocity, last_dt, dt, lower, upper, speed, acceleration, low, high):  # type: ignore[no-untyped-def]
    """Fill `low` and `high` (J,) with `reachable` of every joint."""
    for j in range(len(joints)):
        low[j], high[j] = reachable(joints[j], velocity[j], last_dt, dt, lower[j], upper[j], speed[j], acceleration[j])


@compiled
def chased(here, path_before, path_now, dt, acceleration):  # type: ignore[no-untyped-def]
    """Where a joint that is `path_before - here` behind its path should go, so that it joins the path and does not swing past."""
    gap = path_before - here
    if 4 * abs(gap) <= acceleration * dt * dt:  # it arrives within this step
        return path_now
    closing = fastest(abs(gap), acceleration / 2, dt)
    return here + path_now - path_before + dt * (closing if gap > 0 else -closing)


@compiled
def hold_bounds(path, time_s, lower, upper, speed, acceleration, out):  # type: ignore[no-untyped-def]
    """The motion nearest to a path (T, J) that keeps all bounds, frame after frame, into `out`; what keeps them stays as it is.

    Args:
        path: (T, J) rad.
        time_s: (T,).
        lower, upper, speed, acceleration: (J,).
        out: (T, J), filled.

    Returns:
        How many values had to change.
    """
    changed = 0
    if len(path) == 0:  # nothing checks indices here: writing a first frame that is not there would break the heap
        return changed
    for j in range(path.shape[1]):
        velocity, last_dt = 0.0, 0.0
        out[0, j] = min(max(path[0, j], lower[j]), upper[j])
        changed += out[0, j] != path[0, j]
        for t in range(1, len(time_s)):
            dt, here = time_s[t] - time_s[t - 1], out[t - 1, j]
            low, high = reachable(here, velocity, last_dt, dt, lower[j], upper[j], speed[j], acceleration[j])
            out[t, j] = min(max(chased(here, path[t - 1, j], path[t, j], dt, acceleration[j]), low), high)
            changed += out[t, j] != path[t, j]
            velocity, last_dt = (out[t, j] - here) / dt, dt
    return changed
