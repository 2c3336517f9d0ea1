"""Robot motions of other tools: one reader per layout, found by itself, with a report of what was understood.

Files rarely name their joints. A list of as many joints as the robot has is taken in the robot's own order, 29 and 23
in the G1's orders below; joints that the file lacks are taken at rest, and the motion says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from motion.errors import FileFormatError, MotionError, ShapeError, UnknownNameError, require
from motion.pickles import read_pickle
from motion.provenance import parent_of, record
from motion.robot_motion import KIND, RobotMotion
from motion.store import kind_of, plain_arrays
from motion.transform import Array, Transform
from retarget.joint_orders import ORDERS, breadth_first
from retarget.robot_motion_checks import base_poses, check_angles, unit_quaternions
from robots.kinematics import Kinematics
from robots.robot import Robot

METADATA = "metadata_json"
"""Name of the entry in which files written here say what a layout of others has no place for."""
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
    """What a layout holds: joints (T, J) in an order of names, the base's poses (T,), the rate, and words."""

    joints: Array
    names: tuple[str, ...]
    base: Transform
    rate_hz: float
    words: Mapping[str, str]


@dataclass(frozen=True)
class _Table:
    """A CSV: its numbers (rows, columns), the names of its columns, and what lines that begin with # say."""

    values: Array
    columns: tuple[str, ...] = ()
    said: Mapping[str, Any] = field(default_factory=dict)


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
        try:
            motion = RobotMotion.load(path)
        except (MotionError, ShapeError) as error:
            raise FileFormatError(f"{path}: {error}") from error
        return RobotReading(motion, {"layout": "Understudy robot motion", "robot": motion.robot}, own_clock=True)
    content = _content(path)
    for name, (fits, read) in LAYOUTS.items():
        if fits(content):
            tracks = read(path, content, robot, rate_hz)
            return RobotReading(_motion(path, robot, tracks, _said(content)), {"layout": name, **_words(robot, tracks)})
    held = f" It holds: {', '.join(map(str, content))}." if isinstance(content, dict) else ""
    raise FileFormatError(f"{path}: no known layout of a robot's motion.{held} Known: Understudy .npz; {'; '.join(LAYOUTS)}.")


def robot_named_by(path: Path) -> str | None:
    """The robot that one of our own motions names; None for any other file."""
    return RobotMotion.load(path).robot if kind_of(path) == KIND else None


def robot_motions_in(folder: Path) -> list[Path]:
    """Files of a folder, and below, that could be robot motions, sorted; of one name the first ending of `SUFFIXES` first."""
    files = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    kept = [path for path in files if path.suffix.lower() != ".npz" or kind_of(path) in (None, KIND)]
    return sorted(kept, key=lambda path: (path.parent, path.stem, SUFFIXES.index(path.suffix.lower())))


def _content(path: Path) -> Any:
    """The file as a dict of arrays, or as one table of numbers."""
    suffix = path.suffix.lower()
    if suffix in (".pkl", ".pickle"):
        return _unwrapped(read_pickle(path))
    try:
        if suffix == ".npz":
            return plain_arrays(path)
        if suffix == ".csv":
            return _table(path)
    except (ValueError, OSError) as error:
        raise FileFormatError(f"{path}: cannot be read ({error}).") from error
    raise FileFormatError(f"{path}: a robot's motion is one of {', '.join(SUFFIXES)}. Layouts: Understudy .npz; {'; '.join(LAYOUTS)}.")


def _table(path: Path) -> _Table:
    """A CSV of numbers, with or without lines that say what they are."""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    said: dict[str, Any] = {}
    columns: tuple[str, ...] = ()
    first = 0
    while first < len(lines) and not _is_number(lines[first].split(",")[0]):
        text = lines[first].removeprefix("#").strip()
        first += 1
        if text.startswith("{"):
            found = json.loads(text)
            said |= found if isinstance(found, dict) else {}
        elif "," in text:
            columns = tuple(word.strip() for word in text.split(","))
    require(first < len(lines), FileFormatError, f"{path}: holds no rows of numbers.")
    values = np.loadtxt(lines[first:], delimiter=",", ndmin=2)
    many = f"{path}: {values.shape[1]} columns of numbers, and {len(columns)} names for them."
    require(len(columns) in (0, values.shape[1]), FileFormatError, many)
    return _Table(values, columns, said)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _unwrapped(content: Any) -> Any:
    """What a table of clips holds, where there is one clip."""
    if isinstance(content, dict) and len(content) == 1 and isinstance(next(iter(content.values())), dict):
        return next(iter(content.values()))
    return content


def _said(content: Any) -> dict[str, str]:
    """Licence and consent, where this project wrote the file and a layout of others has a place for them."""
    said: Any = content.said if isinstance(content, _Table) else {}
    if isinstance(content, dict) and METADATA in content:
        try:
            said = json.loads(str(content[METADATA]))
        except ValueError:
            said = {}
    table = said if isinstance(said, dict) else {}
    return {key: table[key] for key in ("licence", "consent") if isinstance(table.get(key), str)}


def _holds(*keys: str) -> Callable[[Any], bool]:
    return lambda content: isinstance(content, dict) and all(key in content for key in keys)


def _is_table(content: Any) -> bool:
    return isinstance(content, _Table)


def _array(path: Path, content: Mapping[str, Any], key: str, *tail: int | None) -> Array:
    """Array (T, *tail) of a file; None in `tail` is any length."""
    array = np.asarray(content[key])
    fits = array.dtype.kind in "fiu" and array.ndim == 1 + len(tail)
    fits = fits and all(want in (None, got) for want, got in zip(tail, array.shape[1:], strict=True))
    require(fits, FileFormatError, f"{path}: {key} is {array.shape}; (T{''.join(f', {n or chr(74)}' for n in tail)}) was wanted.")
    return array.astype(float)


def _rate(path: Path, stated: float | None, content: Mapping[str, Any] | None = None) -> float:
    for key in ("fps", "rate_hz"):
        if stated is None and content is not None and key in content:
            value = np.asarray(content[key])
            usable = value.dtype.kind in "fiu" and value.size == 1
            require(usable, FileFormatError, f"{path}: {key} is no number; state the rate with --robot-rate.")
            stated = float(value.reshape(-1)[0])
    require(
        stated is not None,
        FileFormatError,
        f"{path}: carries no frame rate; state it with --robot-rate (score) or input_rate_hz= (export).",
    )
    assert stated is not None
    sound = bool(np.isfinite(stated)) and 0 < stated < 1e5
    require(
        sound,
        FileFormatError,
        f"{path}: a frame rate of {stated:g} Hz is none; state it with --robot-rate (score) or input_rate_hz= (export).",
    )
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


def _rooted(position: str, turn: str, angles: str) -> Callable[[Path, Any, Robot, float | None], _Tracks]:
    """The reader of a layout of three arrays by name: base position, quaternion xyzw, joints."""

    def read(path: Path, content: Mapping[str, Any], robot: Robot, rate: float | None) -> _Tracks:
        joints, words = _array(path, content, angles, None), dict[str, str]()
        pose = base_poses(path, _array(path, content, position, 3), _array(path, content, turn, 4), "xyzw", words)
        return _Tracks(joints, _joint_names(path, robot, joints.shape[1], content), pose, _rate(path, rate, content), words)

    return read


def _unitree(path: Path, table: _Table, robot: Robot, rate: float | None) -> _Tracks:
    values, words = table.values, dict[str, str]()
    require(values.shape[1] > 7, FileFormatError, f"{path}: {values.shape[1]} columns; xyz, quaternion xyzw and joints were wanted.")
    pose = base_poses(path, values[:, :3], values[:, 3:7], "xyzw", words)
    named = tuple(name for name in table.columns[7:] if name in robot.joint_names)
    known = {"joint_names": np.array(table.columns[7:])} if named else {}
    names = _joint_names(path, robot, values.shape[1] - 7, known)
    return _Tracks(values[:, 7:], names, pose, _rate(path, rate, table.said), words)


def _beyond_mimic(path: Path, content: Mapping[str, Any], robot: Robot, rate: float | None) -> _Tracks:
    joints = _array(path, content, "joint_pos", None)
    bodies, turns = _array(path, content, "body_pos_w", None, 3), _array(path, content, "body_quat_w", None, 4)
    together = len(joints) == len(bodies) == len(turns) > 0 and bodies.shape[1] == turns.shape[1] > 0
    held = f"{path}: joint_pos {joints.shape}, body_pos_w {bodies.shape} and body_quat_w {turns.shape} do not belong together."
    require(together, FileFormatError, held)
    found = unit_quaternions(path, turns[:, 0])
    bases = {"wxyz": Transform(bodies[:, 0], found), "xyzw": Transform.from_xyzw(bodies[:, 0], found)}
    names, turned, words = _orders_that_fit(path, robot, joints, bases, bodies, content)
    return _Tracks(joints, names, bases[turned], _rate(path, rate, content), words)


def _orders_that_fit(
    path: Path, robot: Robot, joints: Array, bases: Mapping[str, Transform], bodies: Array, content: Mapping[str, Any]
) -> tuple[tuple[str, ...], str, dict[str, str]]:
    """The order of joints, and that of quaternions, whose forward kinematics puts links where the file says bodies are.

    Joints that the file names are taken so, even where another description of the robot puts its links elsewhere.
    """
    first = _joint_names(path, robot, joints.shape[1], content)
    named = "joint_names" in content or "dof_names" in content
    by_level = tuple(name for name in breadth_first(robot) if name in first)
    orders = {"named in the file": first} if named else {"depth first (MuJoCo)": first, "breadth first (Isaac Lab)": by_level}
    off = {(word, turned): _bodies_off_m(robot, joints, names, bases[turned], bodies) for word, names in orders.items() for turned in bases}
    word, turned = min(off, key=lambda pair: off[pair])
    fits = off[word, turned] < _SAME_PLACE_M
    require(
        fits or named,
        FileFormatError,
        f"{path}: no order of joints puts robot {robot.name}'s links where body_pos_w says ({1e3 * off[word, turned]:.0f} mm off at best). "
        "Name the right robot with --robot-model, or put the joints' names into the file as joint_names.",
    )
    turned = turned if fits else "wxyz"
    how = f"{word}, by the bodies' places" if not named else word
    words = {"joint order": f"{how} ({1e3 * off[word, turned]:.1f} mm off at most)"}
    if turned != "wxyz":
        words["quaternions"] = "xyzw, not wxyz as the layout has it: corrected, the bodies' places show it"
    return orders[word], turned, words


def _bodies_off_m(robot: Robot, joints: Array, names: Sequence[str], base: Transform, bodies: Array) -> float:
    """How far bodies (T, B, 3) lie from the robot's nearest links: the worst body of a frame, in the median of some frames."""
    rows = np.unique(np.linspace(0, len(joints) - 1, 5).astype(int))
    kinematics, posture = Kinematics(robot), np.tile(robot.rest_rad, (len(rows), 1))
    posture[:, robot.joint_index([name for name in names if name in robot.joint_names])] = joints[rows][
        :, [k for k, name in enumerate(names) if name in robot.joint_names]
    ]
    links = kinematics.frame_poses(kinematics.frames, posture, base[rows]).position_m
    nearest = np.linalg.norm(bodies[rows][:, :, None] - links[:, None], axis=-1).min(2)
    worst = nearest.max(1)
    return float(np.median(worst[np.isfinite(worst)])) if np.isfinite(worst).any() else np.inf


LAYOUTS: Mapping[str, tuple[Callable[[Any], bool], Callable[[Path, Any, Robot, float | None], _Tracks]]] = {
    "ASAP .npz or .pkl (root_trans_offset, root_rot xyzw, dof, fps)": (
        _holds("root_trans_offset", "root_rot", "dof"),
        _rooted("root_trans_offset", "root_rot", "dof"),
    ),
    "GMR .pkl (root_pos, root_rot xyzw, dof_pos, fps)": (
        _holds("root_pos", "root_rot", "dof_pos"),
        _rooted("root_pos", "root_rot", "dof_pos"),
    ),
    "BeyondMimic or mjlab .npz (joint_pos, body_pos_w, body_quat_w wxyz, fps)": (
        _holds("joint_pos", "body_pos_w", "body_quat_w"),
        _beyond_mimic,
    ),
    "Unitree .csv (xyz, quaternion xyzw, joints; no rate)": (_is_table, _unitree),
}
"""Name -> whether a file's content fits, and its reader."""
SUFFIXES = (".npz", ".pkl", ".pickle", ".csv")


def _motion(path: Path, robot: Robot, tracks: _Tracks, said: Mapping[str, str]) -> RobotMotion:
    for name in tracks.names:
        if name not in robot.joint_names:
            raise UnknownNameError("joint", name, robot.joint_names, f"{path}; robot {robot.name}")
    held = f"{tracks.joints.shape} joint angles, {len(tracks.names)} names and {len(tracks.base)} base poses"
    together = len(tracks.names) == tracks.joints.shape[1] and len(tracks.base) == len(tracks.joints) > 0
    require(together, FileFormatError, f"{path}: {held} do not belong together.")
    twice = len(set(tracks.names)) < len(tracks.names)
    require(not twice, FileFormatError, f"{path}: names a joint twice among {', '.join(tracks.names)}.")
    check_angles(path, robot, tracks.joints, tracks.names)
    columns, frames = robot.joint_index(tracks.names), len(tracks.joints)
    joints, observed = np.tile(robot.rest_rad, (frames, 1)), np.zeros((frames, len(robot.joint_names)), bool)
    joints[:, columns], observed[:, columns] = tracks.joints, True
    place, turn = tracks.base.position_m, tracks.base.wxyz
    solved = np.isfinite(joints).all(1) & np.isfinite(place).all(1) & np.isfinite(turn).all(1)
    require(bool(solved.any()), FileFormatError, f"{path}: no frame holds finite numbers only.")
    joints[~solved] = np.nan
    base = Transform(np.where(solved[:, None], place, np.nan), np.where(solved[:, None], turn, np.nan))
    return RobotMotion(
        robot=robot.name,
        time_s=np.arange(frames) / tracks.rate_hz,
        joint_names=robot.joint_names,
        joint_position_rad=joints,
        T_world_base=base,
        solved=solved,
        observed=observed,
        provenance=record(f"robot motion {path.name}", "retarget", [replace(parent_of(path), **said)]),
    )


def _words(robot: Robot, tracks: _Tracks) -> dict[str, str]:
    missing = [name for name in robot.joint_names if name not in tracks.names]
    words = {"robot": robot.name, "frames": f"{len(tracks.joints)} at {tracks.rate_hz:g} Hz", **tracks.words}
    joints = f"{len(tracks.names)} of {len(robot.joint_names)}"
    return words | {"joints": f"{joints}; at rest: {', '.join(missing)}" if missing else joints}
