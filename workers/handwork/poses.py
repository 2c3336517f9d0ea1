"""Poses and paths of a hand's tool frame: pure functions over transforms. Everything is in the counter's frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from envs.household.things import Grip, Joint, Thing
from motion.errors import UnknownNameError
from motion.transform import Array, Transform, quaternion_product, rotate, so3_exp, so3_log
from workers.minimum_jerk import PEAK_OVER_MEAN_SPEED, progress

UP = np.array([0.0, 0.0, 1.0])
_MIDDLE_Y_M, _MIDDLE_YAW_RAD, _YAW_PER_M = -0.20, 0.35, 2.6
_YAW_RANGE_RAD = (-0.25, 1.05)
PEAK_RADPS = 2.2
"""Fastest turning of a hand while it carries or aims; wrists can do four times that."""
OVERLAP_SHARE = 0.4
"""Share of the shorter of two steps during which both go on: a third of the way of the second is made meanwhile."""
LEAST_STEP_S = 0.3
"""Shortest step, however near its end."""


def handed(side: str) -> float:
    """1 for the right hand, -1 for the left: the sign of y and yaw in what is written for a right hand."""
    return 1.0 if side == "right" else -1.0


def pose_at(position_m: Sequence[float] | Array, yaw_rad: float = 0.0) -> Transform:
    """An upright pose ()."""
    return Transform(np.asarray(position_m, float), so3_exp(yaw_rad * UP))


def shifted(pose: Transform, by_m: Sequence[float] | Array, side: str = "right") -> Transform:
    """A tool pose moved in its own frame; `by_m` is written for a right hand."""
    return Transform(pose.apply(np.asarray(by_m, float) * [1.0, handed(side), 1.0]), pose.wxyz)


def raised(pose: Transform, by_m: float) -> Transform:
    """A pose moved up."""
    return Transform(pose.position_m + by_m * UP, pose.wxyz)


def between(start: Transform, end: Transform, share: float, height_m: float) -> Transform:
    """A pose () at a share of the way from one to another, at a height."""
    turn = so3_exp(share * so3_log((start.inverse() @ end).wxyz))
    position = start.position_m + share * (end.position_m - start.position_m)
    return Transform(np.array([position[0], position[1], height_m]), quaternion_product(start.wxyz, turn))


def yaw_of(pose: Transform) -> float:
    """Where a tool's fingers point, about the vertical, from straight forward (rad)."""
    fingers = rotate(pose.wxyz, [1.0, 0.0, 0.0])
    return float(np.arctan2(fingers[1], fingers[0]))


def comfortable_yaw_rad(position_m: Array, side: str) -> float:
    """The yaw at which a forearm reaches a place: it comes from its own side, the more so the farther across it reaches."""
    sign = handed(side)
    inward = _MIDDLE_YAW_RAD + _YAW_PER_M * (sign * float(position_m[1]) - _MIDDLE_Y_M)
    return sign * float(np.clip(inward, *_YAW_RANGE_RAD))


def grip_frame(grip: Grip, spin_rad: float = 0.0) -> Transform:
    """T_thing_tool of a grip, turned about its spin axis."""
    turn = so3_exp(spin_rad * np.asarray(grip.spin))
    return Transform(rotate(turn, grip.position_m), quaternion_product(turn, grip.wxyz))


def aim(T_counter_thing: Transform, grip: Grip, yaw_rad: float) -> Transform:
    """The tool pose () of a grip; one that may spin is spun until the fingers point as near to `yaw_rad` as they can."""
    if not np.any(grip.spin):
        return T_counter_thing @ grip_frame(grip)
    spins = np.linspace(-np.pi, np.pi, 721)
    turns = so3_exp(spins[:, None] * np.asarray(grip.spin))
    poses = T_counter_thing @ Transform(rotate(turns, np.array(grip.position_m)), quaternion_product(turns, np.array(grip.wxyz)))
    fingers = rotate(poses.wxyz, np.array([1.0, 0.0, 0.0]))
    off = _wrapped(np.arctan2(fingers[:, 1], fingers[:, 0]) - yaw_rad)
    return poses[int(np.argmin(np.abs(off)))]


def grips_named(thing: Thing, name: str) -> dict[str, Grip]:
    """The grips called `name` or `name_...`: the same way to take a thing, from several sides.

    Raises:
        UnknownNameError: none.
    """
    found = {key: grip for key, grip in thing.grips.items() if key == name or key.startswith(f"{name}_")}
    if not found:
        raise UnknownNameError("grip", name, thing.grips, f"thing {thing.name}")
    return found


def best_aim(T_counter_thing: Transform, thing: Thing, name: str, yaw_rad: float) -> tuple[Grip, Transform]:
    """Among the grips of one name, the one whose fingers point nearest to `yaw_rad`, and its tool pose."""
    aims = [(grip, aim(T_counter_thing, grip, yaw_rad)) for grip in grips_named(thing, name).values()]
    return min(aims, key=lambda found: abs(float(_wrapped(yaw_of(found[1]) - yaw_rad))))


def _wrapped(angle_rad: Array | float) -> Array:
    return (np.asarray(angle_rad) + np.pi) % (2 * np.pi) - np.pi


def stroke(points: Sequence[Transform], peak_mps: float | Sequence[float], period_s: float) -> Transform:
    """A movement of a tool past via poses, at rest at its ends alone: minimum-jerk steps, each begun before the last has ended.

    So corners are rounded and never overshot, and the end of the last step is straight.
    Source: Flash & Henis 1991, J. Cogn. Neurosci. 3(3): movements towards a new goal are superimposed on those under way.

    Args:
        points: two poses or more.
        peak_mps: peak speed, of all steps or of each.
        period_s: of the samples.

    Returns:
        Batch (n,): the poses at 1, 2 .. n periods after the start.
    """
    start = points[0].inverse()
    turns = np.array([so3_log((start @ point).wxyz) for point in points])
    steps = np.hstack([np.diff([point.position_m for point in points], axis=0), np.diff(turns, axis=0)])
    lasts = _step_times_s(steps, np.broadcast_to(peak_mps, (len(steps),)))
    overlap = OVERLAP_SHARE * np.minimum(lasts[1:], lasts[:-1])
    begins = np.concatenate([[0.0], np.cumsum(lasts[:-1] - overlap)])
    count = int(np.ceil(float((begins + lasts).max()) / period_s))
    time_s = period_s * np.arange(1, count + 1)
    shares = progress(np.clip((time_s[:, None] - begins) / lasts, 0.0, 1.0))
    way = shares @ steps
    return Transform(points[0].position_m + way[:, :3], quaternion_product(points[0].wxyz, so3_exp(way[:, 3:])))


def _step_times_s(steps: Array, peak_mps: Array) -> Array:
    """How long each step (K, 6) takes, with peak speeds (K,)."""
    moving = PEAK_OVER_MEAN_SPEED * np.linalg.norm(steps[:, :3], axis=1) / peak_mps
    turning = PEAK_OVER_MEAN_SPEED * np.linalg.norm(steps[:, 3:], axis=1) / PEAK_RADPS
    return np.maximum(np.maximum(moving, turning), LEAST_STEP_S)


def moved_by_joint(joint: Joint, value: Array | float) -> Transform:
    """How far a joint at its values () or (n,) has moved its thing, in the thing's own frame."""
    way = np.asarray(value, float)[..., None] * np.asarray(joint.axis, float)
    if joint.kind == "slide":
        return Transform(way, np.broadcast_to([1.0, 0, 0, 0], (*way.shape[:-1], 4)).copy())
    return Transform(np.zeros_like(way), so3_exp(way))
