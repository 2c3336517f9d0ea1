"""Poses and accelerations in MCAP files: Foxglove's messages in JSON or Protobuf, ROS 2's as CDR.

| message | camera axes, unless stated |
|---|---|
| foxglove PoseInFrame, PosesInFrame of one pose each; geometry_msgs PoseStamped, PoseWithCovarianceStamped | x right, y down, z ahead |
| foxglove FrameTransform(s); geometry_msgs TransformStamped; tf2_msgs TFMessage; nav_msgs Odometry | by the child frame's name |
| sensor_msgs Imu | x ahead, y left, z up, unless its frame is an optical one |

A frame whose name ends in link, or speaks of a base, body or imu, has x ahead, y left, z up (REP 103); any other x right, y down, z
ahead. Worlds have z up. A transform counts from its parent frame, whichever that is; chains of them are not followed.
Source: docs.foxglove.dev (message schemas), ROS REP 103 and 145.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from mcap.decoder import DecoderFactory
from mcap.exceptions import McapError
from mcap.reader import make_reader
from mcap.records import Schema
from mcap_protobuf.decoder import DecoderFactory as ProtobufFactory
from mcap_ros2.decoder import DecoderFactory as Ros2Factory

from motion.errors import FileFormatError, UnknownNameError, require
from retarget.video.poses.base import GravitySamples, PoseOptions, PoseSamples, Samples, rotations_from_xyzw

_MAGIC = b"\x89MCAP0\r\n"
_BODY_FRAME = re.compile(r"(link$|base|body|imu)")
_POSES = ("PoseInFrame", "PosesInFrame", "PoseStamped", "PoseWithCovarianceStamped", "Odometry")
_TRANSFORMS = ("FrameTransform", "FrameTransforms", "TransformStamped", "TFMessage")
_IMU = "Imu"
_BROKEN = (McapError, DecodeError, json.JSONDecodeError, KeyError, AttributeError, TypeError, ValueError, EOFError)
"""What decoders raise over files that are cut off, or messages that are not what their schema says."""


@dataclass
class _Track:
    """What one topic says of one frame, message by message."""

    frame: str
    stamp_s: list[float] = field(default_factory=list)
    values: list[list[float]] = field(default_factory=list)


class McapPoses:
    """Reads MCAP files."""

    name = "MCAP"

    def accepts(self, path: Path) -> bool:
        """Whether it begins as one."""
        try:
            with open(path, "rb") as stream:
                return stream.read(len(_MAGIC)) == _MAGIC
        except OSError:
            return False

    def read(self, path: Path, options: PoseOptions) -> Samples:
        """Read the poses of the one topic that holds some, or of the stated one; where there are none, what an IMU felt.

        Raises:
            FileFormatError: cut off, no such messages, or several topics that hold some.
            UnknownNameError: the stated topic holds none; the message lists those that do.
        """
        try:
            poses, felt = _tracks(path)
        except _BROKEN as error:
            raise FileFormatError(f"{path}: cannot be read to its end; cut off or broken ({type(error).__name__}: {error}).") from error
        if options.topic is not None and options.topic in felt:
            poses = {}
        name, track = _chosen(path, poses or felt, options.topic)
        stamp, values = np.array(track.stamp_s), np.array(track.values, float)
        axes = options.axes or ("body" if _BODY_FRAME.search(track.frame) else "optical")
        words = {"topic": f"{name}, {len(stamp)} messages" + (f", frame {track.frame}" if track.frame else "")}
        if poses:
            rotation = rotations_from_xyzw(values[:, 3:], f"{path}, {name}")
            return PoseSamples("MCAP", stamp, values[:, :3], rotation, "z", axes, "stored", per_picture=False, words=words)
        return GravitySamples("MCAP, sensor_msgs/Imu", stamp, -values, options.axes or _imu_axes(track.frame), sign_known=True, words=words)


def _imu_axes(frame: str) -> str:
    return "optical" if "optical" in frame else "body"


def _chosen(path: Path, tracks: dict[str, _Track], topic: str | None) -> tuple[str, _Track]:
    known = ", ".join(tracks)
    require(
        bool(tracks),
        FileFormatError,
        f"{path}: holds no messages of poses or accelerations. Known: {', '.join((*_POSES, *_TRANSFORMS, _IMU))}.",
    )
    if topic is not None:
        fits = [name for name in tracks if topic in (name, name.partition(":")[0])]
        if not fits:
            raise UnknownNameError("topic", topic, tracks, str(path))
        tracks = {name: tracks[name] for name in fits}
    require(len(tracks) == 1, FileFormatError, f"{path}: holds {len(tracks)} tracks; state the camera's with topic=. Known: {known}.")
    return next(iter(tracks.items()))


def _tracks(path: Path) -> tuple[dict[str, _Track], dict[str, _Track]]:
    """Tracks of poses, and of accelerations, by topic, transforms by topic and child frame."""
    poses: dict[str, _Track] = {}
    felt: dict[str, _Track] = {}
    with open(path, "rb") as stream:
        reader = make_reader(stream, decoder_factories=[_JsonFactory(), ProtobufFactory(), Ros2Factory()])
        summary = reader.get_summary()
        kinds = {
            channel.topic: re.split(r"[./]", summary.schemas[channel.schema_id].name)[-1]
            for channel in (summary.channels.values() if summary else ())
            if summary and channel.schema_id in summary.schemas
        }
        topics = [topic for topic, kind in kinds.items() if kind in (*_POSES, *_TRANSFORMS, _IMU)]
        for found in reader.iter_decoded_messages(topics=topics) if topics else ():
            kind, topic = kinds[found.channel.topic], found.channel.topic
            for name, frame, stamp_s, values in _read(kind, topic, found.decoded_message, found.message.log_time * 1e-9):
                track = (felt if kind == _IMU else poses).setdefault(name, _Track(frame))
                track.stamp_s.append(stamp_s)
                track.values.append(values)
    return poses, felt


def _read(kind: str, topic: str, message: Any, log_time_s: float) -> Iterator[tuple[str, str, float, list[float]]]:
    """Track, frame, time and numbers of everything in a message."""
    if kind in _TRANSFORMS:
        inside = _get(message, "transforms") if kind in ("FrameTransforms", "TFMessage") else [message]
        for one in inside:
            frame = str(_get(one, "child_frame_id"))
            pose = _get(one, "transform", one)
            yield f"{topic}:{frame}", frame, _stamp(one, log_time_s), [*_xyz(_get(pose, "translation")), *_xyzw(_get(pose, "rotation"))]
    elif kind == _IMU:
        frame = str(_get(_get(message, "header"), "frame_id"))
        yield topic, frame, _stamp(message, log_time_s), _xyz(_get(message, "linear_acceleration"))
    else:
        many = list(_get(message, "poses", None) or [])
        if kind == "PosesInFrame" and len(many) != 1:
            raise ValueError(f"a message of {topic} holds {len(many)} poses; one camera has one at a time")
        pose = many[0] if many else _get(message, "pose")
        pose = _get(pose, "pose", pose)
        frame = str(_get(message, "child_frame_id", ""))
        yield topic, frame, _stamp(message, log_time_s), [*_xyz(_get(pose, "position")), *_xyzw(_get(pose, "orientation"))]


_MISSING = object()


def _get(message: Any, name: str, default: Any = _MISSING) -> Any:
    """A field of a message, whether decoded to a table or to an object."""
    value = message.get(name, _MISSING) if isinstance(message, dict) else getattr(message, name, _MISSING)
    if value is not _MISSING:
        return value
    if default is _MISSING:
        raise KeyError(f"a message without {name}")
    return default


def _xyz(vector: Any) -> list[float]:
    return [float(_get(vector, axis)) for axis in "xyz"]


def _xyzw(quaternion: Any) -> list[float]:
    return [float(_get(quaternion, axis)) for axis in "xyzw"]


def _stamp(message: Any, log_time_s: float) -> float:
    """When it was measured, s; where the message does not say, when it was logged."""
    header = _get(message, "header", None)
    stamp = _get(header, "stamp", None) if header is not None else _get(message, "timestamp", None)
    if stamp is None:
        return log_time_s
    seconds = _get(stamp, "sec", None)
    whole = float(_get(stamp, "seconds") if seconds is None else seconds)
    nanos = next((_get(stamp, name) for name in ("nanosec", "nsec", "nanos") if _get(stamp, name, None) is not None), 0)
    return whole + float(nanos) * 1e-9 if whole or nanos else log_time_s


class _JsonFactory(DecoderFactory):
    """Decodes JSON messages; the library leaves these to its users."""

    def decoder_for(self, message_encoding: str, schema: Schema | None) -> Callable[[bytes], Any] | None:
        """Python's own, for JSON."""
        return json.loads if message_encoding == "json" else None


FORMAT = McapPoses()
