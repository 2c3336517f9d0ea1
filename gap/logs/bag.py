"""ROS bags: `.bag` of ROS 1, `.mcap`, `.db3` and folders of ROS 2; joint states and what was commanded, SI as in ROS.

Read with `rosbags`, which needs no ROS.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.interfaces import Connection
from rosbags.typesys import Stores, get_typestore

from gap.logs.base import LogOptions
from gap.logs.log import RobotLog, standing, stood
from gap.logs.words import COMMAND, POSITION, TORQUE, VELOCITY
from motion.errors import FileFormatError, MotionError, UnknownNameError, require
from motion.provenance import Parent, parent_of, record
from motion.transform import Array

_STATE, _TRAJECTORY = "sensor_msgs/msg/JointState", "trajectory_msgs/msg/JointTrajectory"
_PLAIN = ("std_msgs/msg/Float64MultiArray", "std_msgs/msg/Float32MultiArray")
_COMMANDS = (_STATE, _TRAJECTORY, *_PLAIN)
_ASKED = ("command", "cmd", "target", "desired", "goal", "reference", "setpoint")
_META = "metadata.yaml"
_PLANNED_S = 0.01
"""Trajectories are taken as commands so far apart, and at their own points."""


class BagFormat:
    """Reads one bag: the topic of joint states, and the topic of commands where there is one.

    Commands are JointState, JointTrajectory or plain arrays in the states' order. Of several publishers of joint states each may name
    its own joints.
    """

    name = "bag"
    reads = ".bag, .mcap, .db3 or folder of ROS 2, with sensor_msgs/JointState"

    def accepts(self, path: Path) -> bool:
        """Whether it is called like one."""
        return (path.suffix.lower() in (".bag", ".mcap", ".db3") and path.is_file()) or (path / _META).is_file()

    def read(self, path: Path, options: LogOptions) -> Iterable[RobotLog]:
        """The one run: moments are those of the joint states.

        Raises:
            FileFormatError: a broken bag, no joint states, or several topics that could each be them.
            MotionError: commands without names that are not of all joints, or times of a joint or a trajectory that do not rise.
            UnknownNameError: a topic or joint that is not there.
        """
        try:
            with AnyReader([path], default_typestore=get_typestore(Stores.LATEST)) as bag:
                states = _states(bag, options)
                told = COMMAND in options.columns or _likely(bag, _COMMANDS, True)
                command = _commands(bag, options, states.names) if told else None
        except AnyReaderError as error:
            raise FileFormatError(f"cannot be read as a bag ({error}).") from error
        start_s = states.time_s[0]
        time_s, position = np.array(states.time_s) - start_s, states.track("position")
        velocity, torque = states.track("velocity"), states.track("effort")
        require(position is not None, FileFormatError, "its joint states hold no positions.")
        assert position is not None
        yield RobotLog(
            path.stem,
            tuple(states.names),
            time_s,
            position * options.scale(POSITION),
            command_rad=None if command is None else _stood(command, start_s, time_s, states.names) * options.scale(COMMAND),
            velocity_radps=None if velocity is None else velocity * options.scale(VELOCITY),
            torque_nm=None if torque is None else torque * options.scale(TORQUE),
            provenance=record(f"bag {path.name}", "log", _parents(path)),
        )


@dataclass
class _Series:
    """Numbers by joint at moments; a message need not name all of them."""

    names: list[str] = field(default_factory=list)
    time_s: list[float] = field(default_factory=list)
    rows: list[dict[str, dict[str, float]]] = field(default_factory=list)

    def add(self, at_s: float, names: Sequence[str], **values: Sequence[float]) -> None:
        self.names += [name for name in names if name not in self.names]
        self.time_s.append(at_s)
        self.rows.append({kind: dict(zip(names, told, strict=True)) for kind, told in values.items() if len(told) == len(names)})

    def in_order(self) -> _Series:
        """The same by time, what several publishers say of one moment in one row.

        Raises:
            MotionError: the time of a joint does not rise.
        """
        last: dict[tuple[str, str], float] = {}
        for at_s, row in zip(self.time_s, self.rows, strict=True):
            for own in ((kind, name) for kind, told in row.items() for name in told):
                before_s = last.get(own, -np.inf)
                require(at_s > before_s, MotionError, f"time does not rise: {at_s:g} s comes after {before_s:g} s, of joint {own[1]}.")
                last[own] = at_s
        merged = _Series(self.names)
        for index in np.argsort(self.time_s, kind="stable"):
            if merged.time_s and self.time_s[index] == merged.time_s[-1]:
                for kind, told in self.rows[index].items():
                    merged.rows[-1].setdefault(kind, {}).update(told)
            else:
                merged.time_s.append(self.time_s[index])
                merged.rows.append({kind: dict(told) for kind, told in self.rows[index].items()})
        return merged

    def track(self, kind: str) -> Array | None:
        """(T, J); NaN where a message says nothing of a joint. None where none says anything."""
        found = np.array([[row.get(kind, {}).get(name, np.nan) for name in self.names] for row in self.rows], float)
        return found if found.size and np.isfinite(found).any() else None


def _states(bag: AnyReader, options: LogOptions) -> _Series:
    series = _Series()
    for _, at_s, message in _messages(bag, _topic(bag, POSITION, (_STATE,), options)):
        kinds = {kind: getattr(message, kind) for kind in ("position", "velocity", "effort")}
        series.add(_stamped(message, at_s), message.name, **kinds)
    require(len(series.rows) >= 2, FileFormatError, f"{len(series.rows)} joint states; at least 2 are wanted.")
    return series.in_order()


def _stamped(message: Any, at_s: float) -> float:
    """The message's own time where it has one, else when it was recorded."""
    stamp = message.header.stamp
    own_s = stamp.sec + 1e-9 * stamp.nanosec
    return own_s if own_s > 0 else at_s


def _commands(bag: AnyReader, options: LogOptions, names: Sequence[str]) -> _Series:
    series, plans = _Series(), []
    for connection, at_s, message in _messages(bag, _topic(bag, COMMAND, _COMMANDS, options)):
        if connection.msgtype == _STATE:
            series.add(_stamped(message, at_s), message.name, position=message.position)
        elif connection.msgtype == _TRAJECTORY:
            plans.append((_stamped(message, at_s), message))
        else:
            told = list(message.data)
            fits = len(told) == len(names)
            require(
                fits,
                MotionError,
                f"commands of {connection.topic} are {len(told)} numbers without names; the {len(names)} of the states were wanted.",
            )
            series.add(at_s, names, position=told)
    _carry_out(plans, series)
    return series


def _carry_out(plans: Sequence[tuple[float, Any]], series: _Series) -> None:
    """Add trajectories and their starts as commands: each takes the place of what was planned before for its joints, from its start on.

    Between the points of one, commands go in straight lines, as a controller's without speeds do; before its first point, what was asked
    for last stands.
    """
    until_s: dict[str, float] = {}
    for start_s, message in reversed(plans):
        names = message.joint_names
        points = [point for point in message.points if len(point.positions) == len(names)]
        if points:
            own_s = np.array([start_s + point.time_from_start.sec + 1e-9 * point.time_from_start.nanosec for point in points])
            require(bool((np.diff(own_s) >= 0).all()), MotionError, f"a trajectory of {', '.join(names)}: its points' times do not rise.")
            at_s = np.union1d(np.arange(own_s[0], own_s[-1], _PLANNED_S), own_s)
            at_s = at_s[at_s < max(until_s.get(name, np.inf) for name in names)]
            told = [np.interp(at_s, own_s, track) for track in zip(*(point.positions for point in points), strict=True)]
            for now_s, row in zip(at_s, np.array(told).T, strict=True):
                kept = [number for number, name in enumerate(names) if now_s < until_s.get(name, np.inf)]
                series.add(now_s, [names[number] for number in kept], position=row[kept])
        until_s |= {name: min(start_s, until_s.get(name, np.inf)) for name in names}


def _stood(command: _Series, start_s: float, time_s: Array, names: Sequence[str]) -> Array:
    """(T, J): the last command before each moment, joint by joint; NaN before the first, and of joints that get none."""
    order, track = np.argsort(command.time_s, kind="stable"), command.track("position")
    told = np.full((len(order), len(names)), np.nan)
    for column, name in enumerate(names):
        if track is not None and name in command.names:
            told[:, column] = track[order, command.names.index(name)]
    if not len(order):
        return np.full((len(time_s), len(names)), np.nan)
    return standing(time_s, np.array(command.time_s)[order] - start_s, stood(told))


def _topic(bag: AnyReader, quantity: str, kinds: Sequence[str], options: LogOptions) -> list[Connection]:
    """The connections of the topic that is stated, or else of the only one that is likely."""
    stated = options.columns.get(quantity)
    if stated is not None:
        found = [connection for connection in bag.connections if connection.topic == stated]
        if not found:
            raise UnknownNameError("topic", stated, {f"{one.topic} ({one.msgtype})" for one in bag.connections})
        good = all(connection.msgtype in kinds for connection in found)
        require(good, FileFormatError, f"topic {stated} is {found[0].msgtype}; {' or '.join(kinds)} was wanted.")
        return found
    found = _likely(bag, kinds, quantity == COMMAND)
    topics = sorted({connection.topic for connection in found})
    there = ", ".join(sorted({f"{one.topic} ({one.msgtype})" for one in bag.connections})) or "none"
    require(
        len(topics) == 1,
        FileFormatError,
        f"{len(topics)} topics could be the {quantity}. Say which with read.columns={{{quantity}: /topic}}. There are: {there}.",
    )
    return found


def _likely(bag: AnyReader, kinds: Sequence[str], asked: bool) -> list[Connection]:
    """Connections of these kinds whose topics are, or are not, called as commands are."""
    named = {connection.topic: any(word in connection.topic.lower() for word in _ASKED) for connection in bag.connections}
    return [connection for connection in bag.connections if connection.msgtype in kinds and named[connection.topic] == asked]


def _messages(bag: AnyReader, connections: Sequence[Connection]) -> Iterator[tuple[Connection, float, Any]]:
    for connection, at_ns, raw in bag.messages(connections=connections):
        yield connection, 1e-9 * at_ns, bag.deserialize(raw, connection.msgtype)


def _parents(path: Path) -> list[Parent]:
    return [parent_of(path)] if path.is_file() else [parent_of(part) for part in sorted(path.iterdir()) if part.is_file()]


FORMAT = BagFormat()
