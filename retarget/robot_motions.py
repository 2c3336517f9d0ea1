"""Robot motions of other tools: one reader per layout, found by itself, with a report of what was understood.

Files rarely name their joints. A list of as many joints as the robot has is taken in the robot's own order, 29 and 23
in the G1's orders below; joints that the file lacks are taken at rest, and the motion says so.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from motion.errors import FileFormatError, UnknownNameError, require
from motion.provenance import parent_of, record
from motion.robot_motion import KIND, RobotMotion
from motion.store import kind_of
from motion.transform import Array, Transform
from retarget.pickles import read_pickle
from robots.kinematics import Kinematics
from robots.robot import Robot
from robots.urdf import read_urdf

_LEG = tuple(f"{part}_joint" for part in ("hip_pitch", "hip_roll", "hip_yaw", "knee", "ankle_pitch", "ankle_roll"))
_ARM = tuple(f"{part}_joint" for part in ("shoulder_pitch", "shoulder_roll", "shoulder_yaw", "elbow"))
_WRIST = tuple(f"wrist_{axis}_joint" for axis in ("roll", "pitch", "yaw"))
_WAIST = tuple(f"waist_{axis}_joint" for axis in ("yaw", "roll", "pitch"))


def _sides(*parts: str) -> tuple[str, ...]:
    return tuple(f"{side}_{part}" for side in ("left", "right") for part in parts)


G1_29 = (*_sides(*_LEG), *_WAIST, *_sides(*_ARM, *_WRIST))
G1_23 = (*_sides(*_LEG), *_WAIST, *_sides(*_ARM))
"""The G1 without its wrists."""
ORDERS: Mapping[int, tuple[str, ...]] = {29: G1_29, 23: G1_23}
_SAME_PLACE_M = 0.02


@dataclass(frozen=True)
class RobotReading:
    """A robot's motion as read, and what was understood of the file, in words.

    `own_clock` tells whether its times are those of the recording; a file with no more than a rate starts at 0.
    """

    motion: RobotMotion
    understood: Mapping[str, str] = field(default_factory=dict)
    own_clock: bool = False


@dataclass(frozen=True)
class _Tracks:
    """What a layout holds: joints (T, J) in an order of names, the base's pose (T,), the rate, and words."""

    joints: Array
    names: tuple[str, ...]
    base_m: Array
    base_wxyz: Array
    rate_hz: float
    words: Mapping[str, str]


def read_robot_motion(path: Path, robot: Robot, rate_hz: float | None = None) -> RobotReading:
    """Read a robot's motion in any layout of `LAYOUTS`, or our own.

    Args:
        path: the file.
        robot: whose motion it is.
        rate_hz: frame rate, where the file carries none.

    Raises:
        FileFormatError: no layout fits, or the file breaks its layout.
    """
    require(path.is_file(), FileFormatError, f"{path}: no such file.")
    if kind_of(path) == KIND:
        motion = RobotMotion.load(path)
        return RobotReading(motion, {"layout": "Understudy robot motion", "robot": motion.robot}, own_clock=True)
    content = _content(path)
    for name, (fits, read) in LAYOUTS.items():
        if fits(content):
            tracks = read(path, content, robot, rate_hz)
            return RobotReading(_motion(path, robot, tracks), {"layout": name, **_words(robot, tracks)})
    held = f" It holds: {', '.join(map(str, content))}." if isinstance(content, dict) else ""
    raise FileFormatError(f"{path}: no known layout of a robot's motion.{held} Known: Understudy .npz; {'; '.join(LAYOUTS)}.")


def robot_named_by(path: Path) -> str | None:
    """The robot that one of our own motions names; None for any other file."""
    return RobotMotion.load(path).robot if kind_of(path) == KIND else None


def _content(path: Path) -> Any:
    """The file as a dict of arrays, or as one table of numbers."""
    suffix = path.suffix.lower()
    if suffix in (".pkl", ".pickle"):
        return _unwrapped(read_pickle(path))
    try:
        if suffix == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        if suffix == ".csv":
            return _table(path)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise FileFormatError(f"{path}: cannot be read ({error}).") from error
    raise FileFormatError(f"{path}: a robot's motion is one of {', '.join(SUFFIXES)}. Layouts: Understudy .npz; {'; '.join(LAYOUTS)}.")


def _table(path: Path) -> Array:
    """A CSV of numbers, with or without a line of names."""
    first = path.read_text().split("\n", 1)[0].split(",")[0]
    try:
        float(first)
    except ValueError:
        return np.loadtxt(path, delimiter=",", ndmin=2, skiprows=1)
    return np.loadtxt(path, delimiter=",", ndmin=2)


def _unwrapped(content: Any) -> Any:
    """What a table of clips holds, where there is one clip."""
    if isinstance(content, dict) and len(content) == 1 and isinstance(next(iter(content.values())), dict):
        return next(iter(content.values()))
    return content


def _holds(*keys: str) -> Callable[[Any], bool]:
    return lambda content: isinstance(content, dict) and all(key in content for key in keys)


def _is_table(content: Any) -> bool:
    return isinstance(content, np.ndarray)


def _array(path: Path, content: Mapping[str, Any], key: str, *tail: int | None) -> Array:
    """Array (T, *tail) of a file; None in `tail` is any length."""
    array = np.asarray(content[key])
    fits = array.dtype.kind in "fiu" and array.ndim == 1 + len(tail)
    fits = fits and all(want in (None, got) for want, got in zip(tail, array.shape[1:], strict=True))
    require(fits, FileFormatError, f"{path}: {key} is {array.shape}; (T{''.join(f', {n or chr(74)}' for n in tail)}) was wanted.")
    return array.astype(float)


def _rate(path: Path, stated: float | None, content: Mapping[str, Any] | None = None) -> float:
    if stated is None and content is not None and "fps" in content:
        stated = float(np.asarray(content["fps"]).reshape(-1)[0])
    require(stated is not None and stated > 0, FileFormatError, f"{path}: carries no frame rate; state it with --robot-rate.")
    assert stated is not None
    return float(stated)


def _joint_names(path: Path, robot: Robot, count: int, content: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """The names of a file's joints: its own, or those of a known order of that many joints."""
    for key in ("joint_names", "dof_names"):
        if content is not None and key in content:
            return tuple(map(str, np.asarray(content[key]).tolist()))
    if count == len(robot.joint_names):
        return robot.joint_names
    names = ORDERS.get(count, ())
    if names and set(names) <= set(robot.joint_names):
        return names
    known = ", ".join(f"{number} (the G1's)" for number in ORDERS)
    raise FileFormatError(
        f"{path}: has {count} joints and names none of them; robot {robot.name} has {len(robot.joint_names)}. Known orders: {known}. "
        "Name the right robot with --robot-model, or put their names into the file as joint_names."
    )


def _asap(path: Path, content: Mapping[str, Any], robot: Robot, rate: float | None) -> _Tracks:
    joints = _array(path, content, "dof", None)
    pose = Transform.from_xyzw(_array(path, content, "root_trans_offset", 3), _array(path, content, "root_rot", 4))
    names = _joint_names(path, robot, joints.shape[1], content)
    return _Tracks(joints, names, pose.position_m, pose.wxyz, _rate(path, rate, content), {})


def _gmr(path: Path, content: Mapping[str, Any], robot: Robot, rate: float | None) -> _Tracks:
    joints = _array(path, content, "dof_pos", None)
    pose = Transform.from_xyzw(_array(path, content, "root_pos", 3), _array(path, content, "root_rot", 4))
    names = _joint_names(path, robot, joints.shape[1], content)
    return _Tracks(joints, names, pose.position_m, pose.wxyz, _rate(path, rate, content), {})


def _unitree(path: Path, table: Array, robot: Robot, rate: float | None) -> _Tracks:
    require(table.shape[1] > 7, FileFormatError, f"{path}: {table.shape[1]} columns; xyz, quaternion xyzw and joints were wanted.")
    off = np.abs(np.linalg.norm(table[:, 3:7], axis=1) - 1).max()
    require(off < 1e-2, FileFormatError, f"{path}: columns 4 to 7 are no unit quaternion (off by {off:.3g}); xyz, xyzw, joints was wanted.")
    pose = Transform.from_xyzw(table[:, :3], table[:, 3:7] / np.linalg.norm(table[:, 3:7], axis=1, keepdims=True))
    return _Tracks(table[:, 7:], _joint_names(path, robot, table.shape[1] - 7), pose.position_m, pose.wxyz, _rate(path, rate), {})


def _beyond_mimic(path: Path, content: Mapping[str, Any], robot: Robot, rate: float | None) -> _Tracks:
    joints = _array(path, content, "joint_pos", None)
    bodies, turns = _array(path, content, "body_pos_w", None, 3), _array(path, content, "body_quat_w", None, 4)
    pose = Transform(bodies[:, 0], turns[:, 0])
    names, words = _order_that_fits(path, robot, joints, pose, bodies, content)
    return _Tracks(joints, names, pose.position_m, pose.wxyz, _rate(path, rate, content), words)


def _order_that_fits(
    path: Path, robot: Robot, joints: Array, base: Transform, bodies: Array, content: Mapping[str, Any]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The order of joints, depth first or breadth first, whose forward kinematics puts links where the file says bodies are."""
    if "joint_names" in content:
        return _joint_names(path, robot, joints.shape[1], content), {"joint order": "named in the file"}
    depth_first = _joint_names(path, robot, joints.shape[1])
    breadth_first = tuple(name for name in _breadth_first(robot) if name in depth_first)
    rows = np.unique(np.linspace(0, len(joints) - 1, 5).astype(int))
    kinematics, off = Kinematics(robot), {}
    for word, names in (("depth first (MuJoCo)", depth_first), ("breadth first (Isaac Lab)", breadth_first)):
        posture = np.tile(robot.rest_rad, (len(rows), 1))
        posture[:, robot.joint_index(names)] = joints[rows]
        links = kinematics.frame_poses(kinematics.frames, posture, base[rows]).position_m
        nearest = np.linalg.norm(bodies[rows][:, :, None] - links[:, None], axis=-1).min(2)
        off[word] = (float(np.median(nearest.max(1))), names)
    best = min(off, key=lambda word: off[word][0])
    require(
        off[best][0] < _SAME_PLACE_M,
        FileFormatError,
        f"{path}: no order of joints puts robot {robot.name}'s links where body_pos_w says ({1e3 * off[best][0]:.0f} mm off at best). "
        "Name the right robot with --robot-model, or put the joints' names into the file as joint_names.",
    )
    return off[best][1], {"joint order": f"{best}, by the bodies' places ({1e3 * off[best][0]:.1f} mm off at most)"}


def _breadth_first(robot: Robot) -> list[str]:
    """The robot's joints level by level, siblings in the order of the URDF."""
    joints = read_urdf(robot.urdf).joints
    depth = {robot.base: 0}
    for joint in joints:  # depth first: a joint's parent came before, through fixed joints the base stands in
        depth[joint.child] = depth.get(joint.parent, 0) + 1
    return [joint.name for joint in sorted(joints, key=lambda joint: depth[joint.child]) if joint.name in robot.joint_names]


LAYOUTS: Mapping[str, tuple[Callable[[Any], bool], Callable[[Path, Any, Robot, float | None], _Tracks]]] = {
    "ASAP .npz or .pkl (root_trans_offset, root_rot xyzw, dof, fps)": (_holds("root_trans_offset", "root_rot", "dof"), _asap),
    "GMR .pkl (root_pos, root_rot xyzw, dof_pos, fps)": (_holds("root_pos", "root_rot", "dof_pos"), _gmr),
    "BeyondMimic or mjlab .npz (joint_pos, body_pos_w, body_quat_w wxyz, fps)": (
        _holds("joint_pos", "body_pos_w", "body_quat_w"),
        _beyond_mimic,
    ),
    "Unitree .csv (xyz, quaternion xyzw, joints; no rate)": (_is_table, _unitree),
}
"""Name -> whether a file's content fits, and its reader."""
SUFFIXES = (".npz", ".pkl", ".pickle", ".csv")


def _motion(path: Path, robot: Robot, tracks: _Tracks) -> RobotMotion:
    for name in tracks.names:
        if name not in robot.joint_names:
            raise UnknownNameError("joint", name, robot.joint_names, f"{path}; robot {robot.name}")
    held = f"{tracks.joints.shape} joint angles, {len(tracks.names)} names and {len(tracks.base_m)} base poses"
    together = len(tracks.names) == tracks.joints.shape[1] and len(tracks.base_m) == len(tracks.joints) > 0
    require(together, FileFormatError, f"{path}: {held} do not belong together.")
    columns, frames = robot.joint_index(tracks.names), len(tracks.joints)
    joints, observed = np.tile(robot.rest_rad, (frames, 1)), np.zeros((frames, len(robot.joint_names)), bool)
    joints[:, columns], observed[:, columns] = tracks.joints, True
    solved = np.isfinite(joints).all(1) & np.isfinite(tracks.base_m).all(1) & np.isfinite(tracks.base_wxyz).all(1)
    joints[~solved] = np.nan
    base = Transform(np.where(solved[:, None], tracks.base_m, np.nan), np.where(solved[:, None], tracks.base_wxyz, np.nan))
    return RobotMotion(
        robot=robot.name,
        time_s=np.arange(frames) / tracks.rate_hz,
        joint_names=robot.joint_names,
        joint_position_rad=joints,
        T_world_base=base,
        solved=solved,
        observed=observed,
        provenance=record(f"robot motion {path.name}", "retarget", [parent_of(path)]),
    )


def _words(robot: Robot, tracks: _Tracks) -> dict[str, str]:
    missing = [name for name in robot.joint_names if name not in tracks.names]
    words = {"robot": robot.name, "frames": f"{len(tracks.joints)} at {tracks.rate_hz:g} Hz", **tracks.words}
    joints = f"{len(tracks.names)} of {len(robot.joint_names)}"
    return words | {"joints": f"{joints}; at rest: {', '.join(missing)}" if missing else joints}
