"""Whether a robot motion of another tool can be what it claims: quaternions, their order, and joints within their limits."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, require
from motion.transform import Array, Transform
from robots.robot import Robot

_UNIT = 1e-2
_BEYOND_RAD = 0.35
"""Angles may pass the limits of one's own description of the robot by this much: descriptions differ."""
_MOST_BEYOND = 0.05
_DEGREES_RAD = 10.0
_TILTED_RAD, _UPRIGHT_RAD = np.radians(60), np.radians(30)


def base_poses(path: Path, position_m: Array, quaternion: Array, order: str, words: dict[str, str]) -> Transform:
    """Poses (T,) from positions and quaternions in the order that a layout has, "wxyz" or "xyzw".

    A quaternion that lays the robot over in that order and stands it up in the other is taken in the other, and `words`
    say so.

    Raises:
        FileFormatError: quaternions that are none, or other counts than positions.
    """
    require(
        len(position_m) == len(quaternion), FileFormatError, f"{path}: {len(position_m)} base positions, {len(quaternion)} orientations."
    )
    found = unit_quaternions(path, quaternion)
    orders = {"wxyz": found, "xyzw": np.roll(found, 1, axis=-1)}
    other = "wxyz" if order == "xyzw" else "xyzw"
    if _tilt(orders[order]) > _TILTED_RAD and _tilt(orders[other]) < _UPRIGHT_RAD:
        words["quaternions"] = f"{other}, not {order} as the layout has it: corrected, the robot stands upright that way"
        order = other
    return Transform(position_m, orders[order])


def unit_quaternions(path: Path, quaternion: Array) -> Array:
    """Quaternions (..., 4) made unit to the last digit; NaN where not finite.

    Raises:
        FileFormatError: a length that is not 1.
    """
    finite = np.asarray(np.isfinite(quaternion).all(axis=-1, keepdims=True))
    norm = np.where(finite, np.linalg.norm(np.where(finite, quaternion, 1.0), axis=-1, keepdims=True), 1.0)
    wrong = np.abs(norm - 1) >= _UNIT
    worst = float(norm.ravel()[np.abs(norm - 1).argmax()]) if norm.size else 1.0
    said = f"{path}: no unit quaternions in {int(wrong.sum())} of {norm.size} poses (one has length {worst:.3g})"
    require(not wrong.any(), FileFormatError, f"{said}: other columns than the layout's?")
    return np.where(finite, quaternion / norm, np.nan)


def _tilt(wxyz: Array) -> float:
    """Median angle between the base's z and the vertical."""
    _, x, y, _ = np.moveaxis(wxyz, -1, 0)
    return float(np.nanmedian(np.arccos(np.clip(1 - 2 * (x * x + y * y), -1, 1)))) if np.isfinite(wxyz).any() else 0.0


def check_angles(path: Path, robot: Robot, joints_rad: Array, names: tuple[str, ...]) -> None:
    """Refuse angles (T, J) that the robot's joints cannot have.

    Raises:
        FileFormatError: naming the joints; degrees, or another order of joints.
    """
    columns = robot.joint_index(names)
    with np.errstate(invalid="ignore"):
        beyond = (joints_rad < robot.lower_rad[columns] - _BEYOND_RAD) | (joints_rad > robot.upper_rad[columns] + _BEYOND_RAD)
    share = beyond.mean(0) if len(joints_rad) else np.zeros(len(names))
    bad = [f"{names[k]} in {share[k]:.0%} of the frames" for k in np.argsort(-share)[:4] if share[k] > _MOST_BEYOND]
    if not bad:
        return
    biggest = float(np.nanmax(np.abs(np.where(np.isfinite(joints_rad), joints_rad, np.nan))))
    guess = "degrees instead of radians?" if biggest > _DEGREES_RAD else "another order of joints, or another robot?"
    raise FileFormatError(
        f"{path}: angles lie beyond the limits of robot {robot.name} by more than {_BEYOND_RAD} rad ({', '.join(bad)}): {guess} "
        "Put the joints' names into the file as joint_names, or name the right robot."
    )
