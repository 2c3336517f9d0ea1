"""Features: which column holds which part of a Demonstration, in which type and shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from motion.demonstration import IMAGE, Demonstration
from motion.errors import FileFormatError, MotionError, require
from motion.lerobot.layout import ACTION, COUNTERS, IMAGES, OUTCOMES, STATE, STATE_NAME

VIDEO, STRING = "video", "string"
_JOINTWISE = ("joint_", "previous_action", "actuator_", "saturated", "reference_position_rad")
"""Beginnings of the names of tracks that hold one number per joint."""
_UNITS: Mapping[str, str] = {
    "radps": "rad/s",
    "mps": "m/s",
    "rad": "rad",
    "nm": "N m",
    "ns": "N s",
    "kg": "kg",
    "hz": "Hz",
    "m": "m",
    "s": "s",
    "n": "N",
    "wxyz": "unit quaternion",
}
_PICTURE_DIMENSIONS = 4


@dataclass(frozen=True)
class Feature:
    """One column of frames.

    Attributes:
        key: name of the column.
        group: "action", "observation" or "signal".
        name: of the track within its group.
        dtype: NumPy type of the track in the Demonstration.
        shape: of one frame of the track.
        stored: type in the file: a NumPy type, "string" or "video".
        names: of the column's numbers, where they have any.
    """

    key: str
    group: str
    name: str
    dtype: str
    shape: tuple[int, ...]
    stored: str
    names: tuple[str, ...] | None = None

    @property
    def width(self) -> int:
        """Numbers per frame."""
        return int(np.prod(self.shape, dtype=int))

    @property
    def unit(self) -> str:
        """SI unit by the name's ending; empty where it has none."""
        return "rad" if self.group == ACTION else _UNITS.get(self.name.rsplit("_", 1)[-1], "")

    def to_info(self) -> dict[str, Any]:
        """As `info.json` wants it."""
        if self.stored == VIDEO:
            return {"dtype": VIDEO, "shape": list(self.shape), "names": ["height", "width", "channels"]}
        return {"dtype": self.stored, "shape": [self.width], "names": list(self.names) if self.names else None}

    def to_json(self) -> dict[str, Any]:
        """As `understudy.json` wants it."""
        return {**asdict(self), "unit": self.unit}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Feature:
        """From what `to_json` gave."""
        known = {name: value for name, value in data.items() if name != "unit"}
        return cls(**{**known, "shape": tuple(known["shape"]), "names": tuple(known["names"]) if known["names"] else None})


def features_of(demonstration: Demonstration, videos: bool = True) -> tuple[Feature, ...]:
    """The features of a demonstration: the action first, then observations, then signals, each sorted by name.

    Tracks without numbers, such as the doors of a scene that has none, are left out: no column can hold them.

    Args:
        demonstration: any of the data set's.
        videos: store pictures, uint8 (T, H, W, 3), as videos; otherwise as columns of numbers.

    Raises:
        MotionError: a track that no data set can hold, or two that would share a column.
    """
    joints = demonstration.joint_names
    found = [_feature(ACTION, ACTION, ACTION, demonstration.actions, joints, False)]
    for group, tracks in (("observation", demonstration.observations), ("signal", demonstration.signals)):
        for name in sorted(name for name, track in tracks.items() if np.prod(np.shape(track)[1:], dtype=int)):
            found.append(_feature(_key(group, name, tracks[name], videos), group, name, tracks[name], joints, videos))
    keys = [feature.key for feature in found]
    twice = sorted({key for key in keys if keys.count(key) > 1 or key in COUNTERS or key in OUTCOMES})
    require(not twice, MotionError, f"columns {', '.join(twice)} would hold two tracks each; rename the observations or signals.")
    return tuple(found)


def is_pictures(track: np.ndarray) -> bool:
    """Whether a track is colour pictures: uint8 (T, H, W, 3)."""
    return track.dtype == np.uint8 and track.ndim == _PICTURE_DIMENSIONS and track.shape[-1] == 3


def _key(group: str, name: str, track: np.ndarray, videos: bool) -> str:
    """Column of a track. LeRobot forbids slashes."""
    plain = name.replace("/", ".")
    if group == "signal":
        return f"signal.{plain}"
    if videos and is_pictures(np.asarray(track)):
        return f"{IMAGES}{plain}"
    return STATE if name == STATE_NAME else f"observation.{plain}"


def _feature(key: str, group: str, name: str, track: np.ndarray, joints: Sequence[str], videos: bool) -> Feature:
    array = np.asarray(track)
    shape = array.shape[1:]
    require(bool(np.prod(shape, dtype=int)), MotionError, f"{name!r} is {array.shape}; a column of no numbers cannot be stored.")
    if videos and is_pictures(array):
        even = shape[0] % 2 == 0 and shape[1] % 2 == 0
        require(even, MotionError, f"pictures {name!r} are {shape[1]}x{shape[0]}; a video wants even numbers, or videos=False.")
        return Feature(key, group, name, "uint8", shape, VIDEO)
    jointwise = group == ACTION or (shape == (len(joints),) and name.startswith(_JOINTWISE))
    return Feature(key, group, name, array.dtype.str, shape, _stored(name, array), tuple(joints) if jointwise else None)


def _stored(name: str, track: np.ndarray) -> str:
    """Floats are stored as float32, as LeRobot does; everything else as it is."""
    if track.dtype.kind == "f":
        return "float32"
    if track.dtype.kind == "U":
        require(track.ndim == 1, MotionError, f"track {name!r} holds words in {track.shape}; only one word per frame can be stored.")
        return STRING
    require(track.dtype.kind in "biu", MotionError, f"track {name!r} is of type {track.dtype}; numbers, bools and words can be stored.")
    return str(track.dtype.name)


def tracks_of(demonstration: Demonstration) -> dict[tuple[str, str], np.ndarray]:
    """Every track of a demonstration by (group, name)."""
    tracks = {(ACTION, ACTION): np.asarray(demonstration.actions)}
    tracks |= {("observation", name): np.asarray(track) for name, track in demonstration.observations.items()}
    return tracks | {("signal", name): np.asarray(track) for name, track in demonstration.signals.items()}


def stored_track(feature: Feature, track: np.ndarray) -> np.ndarray:
    """A track as its column holds it: (T, width) of the stored type; (T,) words; pictures as they are.

    Raises:
        MotionError: a number too large for float32, or an action that is not finite.
    """
    if feature.stored == VIDEO or feature.stored == STRING:
        return track
    with np.errstate(over="ignore"):
        out = np.ascontiguousarray(track.reshape(len(track), -1), dtype=feature.stored)
    if track.dtype.kind == "f":
        finite = np.isfinite(track).reshape(out.shape)
        require(bool((np.isfinite(out) == finite).all()), MotionError, f"track {feature.name!r} holds numbers too large for float32.")
        require(feature.group != ACTION or bool(finite.all()), MotionError, "actions are not finite; nobody could carry them out.")
    return out


def restored_track(feature: Feature, column: np.ndarray) -> np.ndarray:
    """A track (T, *shape) in its own type, from its column."""
    dtype = column.dtype if feature.stored == STRING else np.dtype(feature.dtype)
    return column.reshape(len(column), *feature.shape).astype(dtype, copy=False)


def difference(wanted: Iterable[Feature], got: Iterable[Feature]) -> str:
    """In words, how the features of a demonstration differ from its data set's; empty where they do not."""
    ours, theirs = ({feature.key: feature for feature in features} for features in (wanted, got))
    parts = [f"lacks {key}" for key in ours if key not in theirs] + [f"has {key} besides" for key in theirs if key not in ours]
    for key in ours.keys() & theirs.keys():
        one, other = ours[key], theirs[key]
        if (one.shape, one.stored) != (other.shape, other.stored):
            parts.append(f"{key} is {other.stored} {other.shape}, not {one.stored} {one.shape}")
    return "; ".join(sorted(parts))


def foreign_features(info: Mapping[str, Any], where: str) -> tuple[Feature, ...]:
    """Features of a data set that others made, from its `info.json`.

    Raises:
        FileFormatError: a feature without type or shape.
    """
    found = []
    for key, entry in info.items():
        if key in COUNTERS or key in OUTCOMES:
            continue
        good = isinstance(entry, Mapping) and isinstance(entry.get("dtype"), str) and isinstance(entry.get("shape"), list | tuple)
        require(good, FileFormatError, f"{where}: feature {key!r} has no dtype and shape.")
        found.append(_foreign(key, entry))
    return tuple(found)


def _foreign(key: str, entry: Mapping[str, Any]) -> Feature:
    dtype, shape = str(entry["dtype"]), tuple(int(size) for size in entry["shape"])
    group, name = _foreign_place(key)
    if dtype in (VIDEO, "image"):
        return Feature(key, group, name, "uint8", shape, dtype)
    shape = () if shape == (1,) and group != ACTION else shape
    return Feature(key, group, name, dtype if dtype != STRING else "U", shape, dtype, flat_names(entry.get("names")))


def _foreign_place(key: str) -> tuple[str, str]:
    """Group and name of a column: what was seen is an observation, pictures `image_<camera>`; everything else is a signal."""
    if key == ACTION:
        return ACTION, ACTION
    if key.startswith(IMAGES):
        return "observation", IMAGE + key.removeprefix(IMAGES).removeprefix(IMAGE)
    return ("observation", key.removeprefix("observation.")) if key.startswith("observation.") else ("signal", key)


def flat_names(names: Any) -> tuple[str, ...] | None:
    """Names of a column's numbers: LeRobot's data sets have lists, and tables of lists ({"motors": [...]})."""
    if isinstance(names, Mapping):
        parts = [flat_names(part) if isinstance(part, list | tuple | Mapping) else (str(name),) for name, part in names.items()]
        return tuple(name for part in parts for name in part or ()) or None
    return tuple(str(name) for name in names) if isinstance(names, list | tuple) and names else None
