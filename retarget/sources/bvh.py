"""BVH: a hierarchy of joints with rest offsets, and per frame the joints' turns in degrees.

Joint names are understood by dialect (`names.py`), or by their words and the tree (`generic_names.py`).
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, require
from motion.transform import Array, Transform, normalized
from retarget.reading.generic_names import named_tracks, skeleton_columns
from retarget.reading.numbers import parse_numbers
from retarget.reading.rates import nominal_rate_hz
from retarget.reading.skeleton import euler_wxyz, world_poses
from retarget.reading.skeleton_ends import end_landmarks
from retarget.reading.vertical import AXES, axis_along
from retarget.sources.base import Reading, SourceOptions
from retarget.sources.finish import Recorded, reading_of

_CHANNELS = {f"{axis}{kind}".lower(): f"{axis}{kind}" for kind in ("position", "rotation") for axis in "XYZ"}
_MOTION = re.compile(rb"MOTION(?=\s+Frame)", re.IGNORECASE)
_FRAMES = re.compile(rb"\s*Frames\s*:\s*(\d+)[ \t]*\r?\n\s*Frame\s+Time\s*:\s*(\S+)", re.IGNORECASE)
_BOM = b"\xef\xbb\xbf"
_UPRIGHT = 0.9
"""Cosine of 26 degrees."""


@dataclass(frozen=True)
class BvhJoint:
    """One joint of the hierarchy; `parent` is -1 for the root, `channels` name the joint's columns."""

    name: str
    parent: int
    offset: tuple[float, float, float]
    channels: tuple[str, ...]


@dataclass(frozen=True)
class Bvh:
    """A BVH file as written.

    Attributes:
        joints: J, parents before children.
        frame_time_s: 0 where unstated.
        values: (T, C) channels, in degrees and the file's unit.
        ends: index of a joint that ends a chain -> offset of its end site.
        frame_time_decimals: digits after the point in the frame time.
    """

    joints: tuple[BvhJoint, ...]
    frame_time_s: float
    values: Array
    ends: dict[int, tuple[float, float, float]]
    frame_time_decimals: int = 9


def read_bvh(path: Path) -> Bvh:
    """Parse a BVH file.

    Raises:
        FileFormatError: not BVH, or cut off.
    """
    data = path.read_bytes().removeprefix(_BOM)
    found = _MOTION.search(data)
    if found is None or data.lstrip()[:9].upper() != b"HIERARCHY":
        raise FileFormatError(f"{path}: no BVH (HIERARCHY and MOTION are missing).")
    joints, ends = _parse_hierarchy(path, data[: found.start()].decode(errors="replace"))
    twice = sorted({joint.name for joint in joints if sum(other.name == joint.name for other in joints) > 1})
    require(not twice, FileFormatError, f"{path}: several joints are called {', '.join(twice)}; which is which cannot be told.")
    announced = _FRAMES.match(data, found.end())
    if announced is None:
        raise FileFormatError(f"{path}: the motion part cannot be read: Frames: or Frame Time: is missing or cut off.")
    frames, columns = int(announced[1]), sum(len(joint.channels) for joint in joints)
    frame_time = parse_numbers(announced[2], 1, f"{path}: the motion part: the frame time")
    values = parse_numbers(data[announced.end() :], frames * columns + 1, f"{path}: the motion part")
    if len(values) != frames * columns:
        rows = sum(bool(line.strip()) for line in data[announced.end() :].splitlines())
        raise FileFormatError(
            f"{path}: {frames} frames of {columns} channels were announced; the file holds {rows} lines"
            f"{f' and {len(values)} values' if len(values) < frames * columns else ''}."
        )
    require(bool(np.isfinite(values).all()), FileFormatError, f"{path}: the motion part holds values that are no numbers.")
    decimals = len(announced[2].partition(b".")[2])
    return Bvh(joints, float(frame_time[0]), values.reshape(frames, columns), ends, decimals)


class _Words:
    """The words of a hierarchy, one after the other; errors name the file and what was wanted."""

    def __init__(self, path: Path, text: str) -> None:
        self._path, self._words = path, iter(text.replace("{", " { ").replace("}", " } ").split())

    def error(self, what: str) -> FileFormatError:
        return FileFormatError(f"{self._path}: the hierarchy cannot be read: {what}.")

    def __iter__(self) -> Iterator[str]:
        return self._words

    def next(self, wanted: str) -> str:
        word = next(self._words, None)
        if word is None:
            raise self.error(f"it is cut off where {wanted} was wanted")
        return word

    def name(self, kind: str) -> str:
        """The name after JOINT, ROOT or End, which may hold blanks, and its opening brace."""
        words = [self.next(f"a name after {kind}")]
        while (word := self.next(f"a brace after {kind} {words[0]}")) != "{":
            if word.upper() in _KEYWORDS:
                raise self.error(f"no opening brace after {kind} {words[0]}")
            words.append(word)
        return " ".join(words)

    def number(self, wanted: str) -> float:
        word = self.next(wanted)
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.error(f"{word!r} stands where {wanted} was wanted")
        return value


_KEYWORDS = ("ROOT", "JOINT", "END", "OFFSET", "CHANNELS", "}")


def _parse_hierarchy(path: Path, text: str) -> tuple[tuple[BvhJoint, ...], dict[int, tuple[float, float, float]]]:
    words = _Words(path, text)
    joints: list[BvhJoint] = []
    ends: dict[int, tuple[float, float, float]] = {}
    stack: list[int | None] = []  # open braces: the joint that each belongs to, None for an end site
    words.next("HIERARCHY")
    for written in words:
        word = written.upper()
        if word in ("ROOT", "JOINT", "END"):
            name = words.name(written)
            if word != "END":
                joints.append(BvhJoint(name, _open_joint(words, stack, name) if stack else -1, (0.0, 0.0, 0.0), ()))
            stack.append(None if word == "END" else len(joints) - 1)
        elif word == "OFFSET":
            x, y, z = (words.number(f"a number of an OFFSET after {joints[-1].name if joints else 'nothing'}") for _ in range(3))
            if len(stack) > 1 and stack[-1] is None:
                ends.setdefault(_open_joint(words, stack[:-1], word), (x, y, z))
            else:
                index = _open_joint(words, stack, word)
                joints[index] = replace(joints[index], offset=(x, y, z))
        elif word == "CHANNELS":
            index = _open_joint(words, stack, word)
            joints[index] = replace(joints[index], channels=_channels(words, joints[index].name))
        elif word == "}":
            if not stack:
                raise words.error("a closing brace without an opening one")
            stack.pop()
        else:
            raise words.error(f"{written!r} was not expected")
    if stack or not joints:
        raise words.error(f"{len(stack)} braces are left open" if stack else "it holds no joints")
    return tuple(joints), ends


def _open_joint(words: _Words, stack: list[int | None], word: str) -> int:
    """The joint whose braces are open."""
    if not stack or stack[-1] is None:
        raise words.error(f"{word} stands outside of a joint's braces")
    return stack[-1]


def _channels(words: _Words, joint: str) -> tuple[str, ...]:
    count = words.number(f"the number of channels of {joint}")
    found = [words.next(f"a channel of {joint}") for _ in range(int(count))]
    for channel in found:
        if channel.lower() not in _CHANNELS or found.count(channel) > 1:
            wanted = ", ".join(_CHANNELS.values())
            raise words.error(f"{channel!r} among the {count:g} channels of {joint}; wanted are {wanted}, each at most once")
    return tuple(_CHANNELS[channel.lower()] for channel in found)


def skeleton_name(bvh: Bvh) -> str:
    """A pseudonym for whoever a hierarchy was made for: the same joints and offsets give the same name."""
    text = repr([(joint.name, joint.parent, tuple(round(value, 4) for value in joint.offset)) for joint in bvh.joints])
    return f"skeleton_{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def forward_kinematics(bvh: Bvh) -> Transform:
    """World poses, batch (T, J), in the file's own unit and axes.

    A joint's position channels replace its offset, but for those that say zero all along: their exporter means "as at rest".
    """
    first = np.cumsum([0, *(len(joint.channels) for joint in bvh.joints)])
    turns = [[c for c, channel in enumerate(joint.channels) if channel.endswith("rotation")] for joint in bvh.joints]
    width = max(map(len, turns))
    column, axis = np.zeros((len(turns), width), int), np.full((len(turns), width), -1)
    for index, (joint, channels) in enumerate(zip(bvh.joints, turns, strict=True)):
        column[index, : len(channels)] = first[index] + np.array(channels, int)
        axis[index, : len(channels)] = ["XYZ".index(joint.channels[c][0]) for c in channels]
    position = np.tile(np.array([joint.offset for joint in bvh.joints]), (len(bvh.values), 1, 1))
    for index, joint in enumerate(bvh.joints):
        moves = [c for c, channel in enumerate(joint.channels) if channel.endswith("position")]
        moved = bvh.values[:, first[index] + np.array(moves, int)]
        if joint.parent < 0 or moved.any():
            position[:, index, ["XYZ".index(joint.channels[c][0]) for c in moves]] = moved
    return world_poses([joint.parent for joint in bvh.joints], position, euler_wxyz(np.deg2rad(bvh.values[:, column]), axis))


def _usual_up(bvh: Bvh, columns: Mapping[str, int]) -> str | None:
    """y, as nearly all exporters write; None where the rest pose stands along another axis."""
    still = replace(bvh, values=np.zeros((1, bvh.values.shape[1])))
    place = forward_kinematics(still).position_m[0]
    chain = [columns[name] for name in ("left_shoulder", "left_hip", "left_ankle") if name in columns]
    bones = normalized(-np.diff(place[chain], axis=0))
    axis = axis_along(bones.sum(0))
    stands = len(bones) > 1 and bool((bones @ AXES[axis] > _UPRIGHT).all())
    return None if stands and axis != "y" else "y"


def _rate(path: Path, bvh: Bvh, options: SourceOptions) -> tuple[float, str]:
    """Frames per second, and where that was found."""
    if options.rate_hz is not None:
        return options.rate_hz, "stated"
    usable = math.isfinite(bvh.frame_time_s) and bvh.frame_time_s > 0
    require(usable, FileFormatError, f"{path}: the frame time is {bvh.frame_time_s:g} s; state the rate with source.rate_hz=.")
    rate = nominal_rate_hz(bvh.frame_time_s, bvh.frame_time_decimals)
    rounded = abs(rate * bvh.frame_time_s - 1) > 1e-6
    return rate, f"frame time {bvh.frame_time_s:g} s" + (", which is rounded" if rounded else "")


class BvhSource:
    """Reads `.bvh` files."""

    name = "bvh"
    suffixes = (".bvh",)

    def accepts(self, path: Path) -> bool:
        """Whether the file begins as a BVH."""
        with open(path, "rb") as stream:
            return stream.read(256).removeprefix(_BOM).lstrip()[:9].upper() == b"HIERARCHY"

    def read(self, path: Path, options: SourceOptions) -> Reading:
        """Read a BVH into a HumanMotion: positions of its joints and end sites, orientations of pelvis, feet and hands."""
        bvh = read_bvh(path)
        require(len(bvh.values) > 0, FileFormatError, f"{path}: holds no frames.")
        rate, rate_from = _rate(path, bvh, options)
        poses = forward_kinematics(bvh)
        parents = [joint.parent for joint in bvh.joints]
        naming = skeleton_columns([joint.name for joint in bvh.joints], parents, str(path), options.joint_map)
        tracks = named_tracks(naming, poses.position_m, str(path))
        ends = {index: poses[:, index].apply(np.array(offset)) for index, offset in bvh.ends.items()}
        from_ends = end_landmarks(tracks, naming.columns, ends)
        recorded = Recorded(
            format=f"BVH, dialect {naming.dialect}",
            time_s=np.arange(len(bvh.values)) / rate,
            tracks=tracks | from_ends,
            wxyz={name: poses.wxyz[:, column] for name, column in naming.columns.items()},
            usual_up=_usual_up(bvh, naming.columns),
            joints_n=len(bvh.joints) + len(bvh.ends),
            pseudonym=skeleton_name(bvh),
            words={"rate": f"{rate:.6g} Hz ({rate_from})", "end sites": ", ".join(from_ends) or "none used", **naming.words},
        )
        return reading_of(path, recorded, options)


SOURCE = BvhSource()
