"""Logs made of arrays, one per quantity: which is which, in what unit, and runs that lie one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gap.logs.base import LogOptions
from gap.logs.log import RobotLog
from gap.logs.words import POSITION, TIME, TRACKS, column_of
from motion.errors import FileFormatError, UnknownNameError, require
from motion.provenance import Provenance
from motion.transform import Array

_NAMES = ("joint_names", "joints", "names")
_RUNS = ("episode", "episode_index", "run", "move", "trial", "segment")


def runs_of(name: str, arrays: Mapping[str, np.ndarray], options: LogOptions, provenance: Provenance) -> Iterator[RobotLog]:
    """The runs that are in some arrays: (T, J) or (J, T) of each quantity, (T,) of time.

    An array of words called `joint_names` names the joints, one of whole numbers called `episode`, `run` or `move` says which
    run each moment belongs to.

    Raises:
        FileFormatError: no positions or time, or arrays that could each be the same quantity.
        UnknownNameError: a column that is not there.
    """
    chosen = {quantity: _array(quantity, arrays, options) for quantity in (TIME, *TRACKS)}
    missing = [quantity for quantity in (TIME, POSITION) if chosen[quantity] is None]
    require(
        not missing,
        FileFormatError,
        f"no array is called {' or '.join(missing)}. There are {_listed(arrays)}. Say which one with read.columns=.",
    )
    own, time = chosen[TIME]  # type: ignore[misc]
    time_s = np.asarray(time, float).reshape(-1) * options.scale(TIME, _unit(own))
    joints = _joints(arrays, options)
    tracks = {
        TRACKS[quantity]: _track(quantity, *found, len(time_s), options) for quantity, found in chosen.items() if found and quantity != TIME
    }
    width = tracks["position_rad"].shape[1]
    joints = joints or tuple(f"joint_{number}" for number in range(width))
    require(len(joints) == width, FileFormatError, f"{len(joints)} joints are named, {width} are measured.")
    guessed = options.guessed((quantity, _unit(found[0])) for quantity, found in chosen.items() if found)
    for label, rows in _runs(arrays, time_s):
        part = time_s[rows]
        own_tracks = {field: track[rows] for field, track in tracks.items()}
        yield RobotLog(f"{name}{label}", joints, part - part[0], **own_tracks, provenance=provenance, guessed=guessed)


def _array(quantity: str, arrays: Mapping[str, np.ndarray], options: LogOptions) -> tuple[str, np.ndarray] | None:
    """Name and content of the array that holds a quantity; None where there is none."""
    if quantity in options.columns:
        own = options.columns[quantity]
        if own not in arrays:
            raise UnknownNameError("array", own, arrays)
        return own, arrays[own]
    fitting = [own for own, array in arrays.items() if array.dtype.kind in "fiu" and (said := column_of(own)) and said.quantity == quantity]
    short = [own for own in fitting if not column_of(own).joint]  # type: ignore[union-attr]
    fitting = short or fitting
    require(
        len(fitting) <= 1,
        FileFormatError,
        f"{' and '.join(fitting)} could each be the {quantity}. Say which one with read.columns={{{quantity}: ...}}.",
    )
    return (fitting[0], arrays[fitting[0]]) if fitting else None


def _track(quantity: str, own: str, array: np.ndarray, moments: int, options: LogOptions) -> Array:
    """(T, J), in our unit."""
    track = np.asarray(array, float)
    track = track.reshape(-1, 1) if track.ndim == 1 else track
    if track.ndim == 2 and len(track) != moments and track.shape[1] == moments:
        track = track.T
    require(track.ndim == 2 and len(track) == moments, FileFormatError, f"array {own} is {array.shape}; {moments} moments were wanted.")
    return track * options.scale(quantity, _unit(own))


def _unit(own: str) -> str:
    said = column_of(own)
    return said.unit if said else ""


def _joints(arrays: Mapping[str, np.ndarray], options: LogOptions) -> tuple[str, ...]:
    """Names that are stated, or that lie beside the arrays."""
    if options.joint_names:
        return tuple(options.joint_names)
    beside = next((arrays[own] for own in _NAMES if own in arrays and arrays[own].dtype.kind in "US"), None)
    return tuple(value.decode() if isinstance(value, bytes) else str(value) for value in beside) if beside is not None else ()


def _runs(arrays: Mapping[str, np.ndarray], time_s: Array) -> Iterator[tuple[str, Any]]:
    """What is added to the name, and the rows, of every run."""
    which = next((arrays[own] for own in _RUNS if own in arrays and arrays[own].shape == time_s.shape), None)
    if which is None:
        yield "", slice(None)
        return
    for label in dict.fromkeys(which.tolist()):
        yield f"_{label}", which == label


def _listed(arrays: Mapping[str, np.ndarray]) -> str:
    return ", ".join(f"{own} {array.shape}" for own, array in arrays.items())
