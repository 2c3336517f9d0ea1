"""BVH: hierarchy and channels, in the dialects of LAFAN1 and Bandai-Namco; others whose joint names are known read too."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from motion.errors import FileFormatError, require
from motion.transform import Array, Transform
from retarget.sources.base import Reading, SourceOptions
from retarget.sources.finish import Recorded, reading_of
from retarget.sources.names import landmark_columns

_CHANNELS = tuple(f"{axis}{kind}" for kind in ("position", "rotation") for axis in "XYZ")


@dataclass(frozen=True)
class BvhJoint:
    """One joint of the hierarchy; `parent` is -1 for the root, `channels` name the joint's columns."""

    name: str
    parent: int
    offset: tuple[float, float, float]
    channels: tuple[str, ...]


@dataclass(frozen=True)
class Bvh:
    """A BVH file as written: joints, frame time (s, 0 where unstated), channel values (T, C) in degrees and the file's unit."""

    joints: tuple[BvhJoint, ...]
    frame_time_s: float
    values: Array


def read_bvh(path: Path) -> Bvh:
    """Parse a BVH file.

    Raises:
        FileFormatError: not BVH, or cut off.
    """
    text = path.read_text(errors="replace")
    head, found, tail = text.partition("MOTION")
    require(text.lstrip().startswith("HIERARCHY") and bool(found), FileFormatError, f"{path}: no BVH (HIERARCHY and MOTION are missing).")
    joints = _parse_hierarchy(path, head)
    lines = tail.strip().splitlines()
    require(len(lines) >= 2, FileFormatError, f"{path}: the motion part is cut off.")
    try:
        frames = int(lines[0].split(":")[1])
        frame_time = float(lines[1].split(":")[1])
        values = np.array([np.array(line.split(), float) for line in lines[2 : 2 + frames] if line.strip()])
    except (IndexError, ValueError) as error:
        raise FileFormatError(f"{path}: the motion part cannot be read ({error}).") from error
    columns = sum(len(joint.channels) for joint in joints)
    require(
        values.shape == (frames, columns),
        FileFormatError,
        f"{path}: {frames} frames of {columns} channels were announced; the file holds {values.shape}.",
    )
    require(bool(np.isfinite(values).all()), FileFormatError, f"{path}: the motion part holds values that are no numbers.")
    return Bvh(joints, frame_time, values)


class _Words:
    """The words of a hierarchy, one after the other; errors name the file and what was wanted."""

    def __init__(self, path: Path, text: str) -> None:
        self._path, self._words = path, iter(text.split())

    def error(self, what: str) -> FileFormatError:
        return FileFormatError(f"{self._path}: the hierarchy cannot be read: {what}.")

    def __iter__(self) -> Iterator[str]:
        return self._words

    def next(self, wanted: str) -> str:
        word = next(self._words, None)
        if word is None:
            raise self.error(f"it is cut off where {wanted} was wanted")
        return word

    def number(self, wanted: str) -> float:
        word = self.next(wanted)
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.error(f"{word!r} stands where {wanted} was wanted")
        return value


def _parse_hierarchy(path: Path, text: str) -> tuple[BvhJoint, ...]:
    words = _Words(path, text)
    joints: list[BvhJoint] = []
    stack: list[int | None] = []  # open braces: the joint that each belongs to, None for an end site
    words.next("HIERARCHY")
    for word in words:
        if word in ("ROOT", "JOINT", "End"):
            name = words.next(f"a name after {word}")
            if words.next(f"a brace after {word} {name}") != "{":
                raise words.error(f"no opening brace after {word} {name}")
            if word != "End":
                joints.append(BvhJoint(name, _open_joint(words, stack, name) if stack else -1, (0.0, 0.0, 0.0), ()))
            stack.append(None if word == "End" else len(joints) - 1)
        elif word == "OFFSET":
            x, y, z = (words.number(f"a number of an OFFSET after {joints[-1].name if joints else 'nothing'}") for _ in range(3))
            if not stack or stack[-1] is not None:
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
            raise words.error(f"{word!r} was not expected")
    if stack or not joints:
        raise words.error(f"{len(stack)} braces are left open" if stack else "it holds no joints")
    return tuple(joints)


def _open_joint(words: _Words, stack: list[int | None], word: str) -> int:
    """The joint whose braces are open."""
    if not stack or stack[-1] is None:
        raise words.error(f"{word} stands outside of a joint's braces")
    return stack[-1]


def _channels(words: _Words, joint: str) -> tuple[str, ...]:
    count = words.number(f"the number of channels of {joint}")
    found = tuple(words.next(f"a channel of {joint}") for _ in range(int(count)))
    for channel in found:
        if channel not in _CHANNELS or found.count(channel) > 1:
            raise words.error(f"{channel!r} among the {count:g} channels of {joint}; wanted are {', '.join(_CHANNELS)}, each at most once")
    return found


def skeleton_name(bvh: Bvh) -> str:
    """A pseudonym for whoever a hierarchy was made for: the same joints and offsets give the same name."""
    text = repr([(joint.name, joint.parent, tuple(round(value, 4) for value in joint.offset)) for joint in bvh.joints])
    return f"skeleton_{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def forward_kinematics(bvh: Bvh) -> Transform:
    """World poses, batch (T, J), in the file's own unit and axes. A joint's position channels replace its offset."""
    position = np.empty((len(bvh.values), len(bvh.joints), 3))
    wxyz = np.empty((len(bvh.values), len(bvh.joints), 4))
    column = 0
    for index, joint in enumerate(bvh.joints):
        values = bvh.values[:, column : column + len(joint.channels)]
        column += len(joint.channels)
        local = _local_pose(joint, values)
        if joint.parent >= 0:
            local = Transform(position[:, joint.parent], wxyz[:, joint.parent]) @ local
        position[:, index], wxyz[:, index] = local.position_m, local.wxyz
    return Transform(position, wxyz)


def _local_pose(joint: BvhJoint, values: Array) -> Transform:
    position = np.tile(np.array(joint.offset), (len(values), 1))
    for axis, letter in enumerate("XYZ"):
        if f"{letter}position" in joint.channels:
            position[:, axis] = values[:, joint.channels.index(f"{letter}position")]
    turns = [index for index, channel in enumerate(joint.channels) if channel.endswith("rotation")]
    if not turns:
        return Transform(position, np.tile([1.0, 0, 0, 0], (len(values), 1)))
    order = "".join(joint.channels[index][0] for index in turns)
    rotation = Rotation.from_euler(order, values[:, turns], degrees=True)
    return Transform.from_xyzw(position, rotation.as_quat())


def _period_s(path: Path, bvh: Bvh, options: SourceOptions) -> float:
    if options.rate_hz is not None:
        return 1 / options.rate_hz
    usable = math.isfinite(bvh.frame_time_s) and bvh.frame_time_s > 0
    require(usable, FileFormatError, f"{path}: the frame time is {bvh.frame_time_s:g} s; state the rate with source.rate_hz=.")
    return bvh.frame_time_s


class BvhSource:
    """Reads `.bvh` files."""

    name = "bvh"
    suffixes = (".bvh",)

    def accepts(self, path: Path) -> bool:
        """Whether the file begins as a BVH."""
        with open(path, errors="replace") as stream:
            return stream.read(64).lstrip().startswith("HIERARCHY")

    def read(self, path: Path, options: SourceOptions) -> Reading:
        """Read a BVH into a HumanMotion: positions of its joints, orientations of pelvis, feet and hands."""
        bvh = read_bvh(path)
        period_s = _period_s(path, bvh, options)
        poses = forward_kinematics(bvh)
        dialect, columns = landmark_columns([joint.name for joint in bvh.joints], str(path), options.joint_map)
        recorded = Recorded(
            format=f"BVH, dialect {dialect}",
            time_s=np.arange(len(bvh.values)) * period_s,
            tracks={name: poses.position_m[:, column] for name, column in columns.items()},
            wxyz={name: poses.wxyz[:, column] for name, column in columns.items()},
            joints_n=len(bvh.joints),
            pseudonym=skeleton_name(bvh),
        )
        return reading_of(path, recorded, options)


SOURCE = BvhSource()
