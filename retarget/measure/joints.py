"""What the joints do: jumps, jerk, how much of the limits is used, and every value beyond a limit."""

from __future__ import annotations

import numpy as np

from motion.robot_motion import RobotMotion
from motion.transform import Array
from retarget.measure.card import Finding
from retarget.measure.statistics import evenly, highest, mean, percentile, worst_at
from retarget.measure.together import Scene
from robots.robot import Robot

_JUMP_RAD = 0.5
_AT_LIMIT_RAD = 1e-3


def joints(scene: Scene) -> dict[str, Finding]:
    """Numbers of the joints, compared with the limits without any tolerance. Frames without a pose count nowhere."""
    with np.errstate(invalid="ignore"):
        return {**_smoothness(scene), **_limits(scene), **_speed(scene), **_acceleration(scene), **_inferred(scene)}


def _named(scene: Scene, values: Array) -> dict[str, Array]:
    return dict(zip(scene.body.robot.joint_names, values.T, strict=True))


def _velocity(motion: RobotMotion) -> Array:
    """(T - 1, J) v_k = (q_k - q_{k-1}) / dt_k."""
    return np.asarray(np.diff(motion.joint_position_rad, axis=0) / np.diff(motion.time_s)[:, None])


def speed_use_pct(robot: Robot, motion: RobotMotion) -> Array:
    """(T - 1, J) speed of every joint over its limit."""
    return np.asarray(100 * np.abs(_velocity(motion)) / robot.speed_radps)


def acceleration_use_pct(robot: Robot, motion: RobotMotion) -> Array:
    """(T - 2, J) acceleration of every joint over its limit."""
    return np.asarray(100 * _acceleration_radps2(motion) / robot.acceleration_radps2)


def _acceleration_radps2(motion: RobotMotion) -> Array:
    """(T - 2, J) size, between the midpoints of two steps: (v_{k+1} - v_k) / ((dt_k + dt_{k+1}) / 2)."""
    dt = np.diff(motion.time_s)
    return np.asarray(np.abs(np.diff(_velocity(motion), axis=0)) / ((dt[1:] + dt[:-1]) / 2)[:, None])


def _smoothness(scene: Scene) -> dict[str, Finding]:
    time_s, position = scene.motion.time_s, scene.motion.joint_position_rad
    step = np.abs(np.diff(position, axis=0))
    jumps = (step > _JUMP_RAD).any(1)
    seen = np.isfinite(step).all(1)
    dt = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 1.0
    jerk = np.abs(np.diff(position, 3, axis=0)) / dt**3
    return {
        "jumps": Finding(float(jumps.sum())),
        "jump_pct": Finding(
            100 * float(jumps.sum() / seen.sum()) if seen.any() else np.nan, worst_at(time_s[1:], _named(scene, step), "{:.2f} rad")
        ),
        "jerk_rad_s3": Finding(mean(jerk), worst_at(time_s[3:], _named(scene, jerk), "{:.0f} rad/s3")),
    }


def _limits(scene: Scene) -> dict[str, Finding]:
    robot, position, solved = scene.body.robot, scene.motion.joint_position_rad, scene.motion.solved
    beyond = np.maximum(robot.lower_rad - position, position - robot.upper_rad)
    degrees = np.degrees(np.maximum(beyond, 0.0))
    at_stop = -beyond < _AT_LIMIT_RAD
    return {
        "beyond_stop_deg": Finding(highest(degrees), worst_at(scene.motion.time_s, _named(scene, degrees), "{:.2g} deg")),
        "position_violations": Finding(float((beyond > 0).sum())),
        "at_limit_pct": Finding(100 * float(at_stop[solved].mean()) if solved.any() else np.nan),
    }


def _speed(scene: Scene) -> dict[str, Finding]:
    speed, limit = np.abs(_velocity(scene.motion)), scene.body.robot.speed_radps
    use = speed_use_pct(scene.body.robot, scene.motion)
    where = worst_at(scene.motion.time_s[1:], _named(scene, use), "{:.0f} % of its speed")
    return {
        "speed_use_pct": Finding(percentile(99.9, use), where),
        "speed_use_max_pct": Finding(highest(use), where),
        "speed_violations": Finding(float((speed > limit).sum())),
    }


def _acceleration(scene: Scene) -> dict[str, Finding]:
    robot = scene.body.robot
    size, limit, use = _acceleration_radps2(scene.motion), robot.acceleration_radps2, acceleration_use_pct(robot, scene.motion)
    where = worst_at(scene.motion.time_s[1:-1], _named(scene, use), "{:.0f} % of its acceleration")
    return {
        "acceleration_use_pct": Finding(percentile(99.9, use), where),
        "acceleration_use_max_pct": Finding(highest(use), where),
        "acceleration_violations": Finding(float((size > limit).sum())),
    }


def _inferred(scene: Scene) -> dict[str, Finding]:
    observed = scene.motion.observed
    return {"inferred_pct": Finding(np.nan if observed is None else 100 * float(np.mean(~observed)))}


def self_contact(scene: Scene, frames_n: int) -> dict[str, Finding]:
    """Share of some evenly spread frames in which links lie inside one another."""
    chosen = evenly(np.flatnonzero(scene.motion.solved), frames_n)
    if not len(chosen):
        return {"self_contact_pct": Finding(np.nan)}
    found = scene.body.self_collision.touching(scene.motion.joint_position_rad[chosen])
    if not found:
        return {"self_contact_pct": Finding(0.0)}
    hit = np.unique(np.concatenate([*found.values()]))
    links = next(iter(found))
    where = f"most often {links[0]} and {links[1]}, first at {scene.motion.time_s[chosen[hit[0]]]:.2f} s"
    return {"self_contact_pct": Finding(100 * len(hit) / len(chosen), where)}
