"""Joint positions as plain arrays: `.npy` (T, J, 3), or `.npz` with such an array, and the names of the joints."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, UnderstudyError, UnknownNameError, require
from motion.store import kind_of
from motion.transform import Array
from retarget.sources.base import Reading, SourceOptions
from retarget.sources.finish import Recorded, reading_of
from retarget.sources.names import landmark_columns
from retarget.sources.normalise import check_rigid, check_sides, check_symmetric, detect_world
from retarget.sources.orders import ORDERS

_SENTINEL = 1e6
"""Nobody is a million units away: such values mean "missing" in several exporters."""
_RATE_KEYS = ("fps", "rate_hz", "mocap_framerate", "framerate")


class PositionsSource:
    """Reads `.npy` and `.npz` files of joint positions."""

    name = "positions"
    suffixes = (".npy", ".npz")

    def accepts(self, path: Path) -> bool:
        """Whether the file holds a (T, J, 3) array and is not one of our own files."""
        return path.suffix.lower() == ".npy" or kind_of(path) is None

    def read(self, path: Path, options: SourceOptions) -> Reading:
        """Read joint positions; missing values (NaN, 1e9, an all-zero joint) become NaN, never zeros."""
        arrays = load_arrays(path)
        array_name, raw = position_array(path, arrays, options.array)
        raw = without_sentinels(raw)
        order, names = _joint_names(path, arrays, options, raw)
        dialect, columns = landmark_columns(names, str(path), options.joint_map)
        rate, rate_from = frame_rate(path, arrays, options)
        recorded = Recorded(
            format=f"joint positions, array {array_name!r}, order {order}, dialect {dialect}",
            time_s=np.arange(len(raw)) / rate,
            tracks={name: raw[:, column] for name, column in columns.items()},
            joints_n=raw.shape[1],
            words={"rate": f"{rate:g} Hz ({rate_from})"},
        )
        return reading_of(path, recorded, options)


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Arrays of a `.npy` or `.npz` file by name; never a pickle."""
    try:
        data = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise FileFormatError(f"{path}: cannot be read as plain arrays ({error}).") from error
    if isinstance(data, np.ndarray):
        return {"array": data}
    with data:
        return {name: data[name] for name in data.files}


def position_array(path: Path, arrays: Mapping[str, np.ndarray], wanted: str | None) -> tuple[str, Array]:
    """Name and values (T, J, 3) of the array that holds positions: the one that is `wanted`, or the only one built so."""
    shapes = {name: array for name, array in arrays.items() if array.ndim == 3 and array.shape[-1] == 3 and array.dtype.kind == "f"}
    if wanted is not None:
        if wanted not in arrays:
            raise UnknownNameError("array", wanted, arrays, str(path))
        shapes = {wanted: arrays[wanted]}
    if len(shapes) > 1:
        named = {name: array for name, array in shapes.items() if "joint" in name or "position" in name}
        shapes = named if len(named) == 1 else shapes
    require(
        len(shapes) == 1,
        FileFormatError,
        f"{path}: {len(shapes)} arrays look like joint positions (T, J, 3); name one with source.array=. "
        f"Arrays: {', '.join(f'{name} {array.shape}' for name, array in arrays.items())}.",
    )
    name, array = next(iter(shapes.items()))
    return name, np.asarray(array, float)


def without_sentinels(raw: Array) -> Array:
    """Positions (T, J, 3) with NaN where a value stands for "missing"."""
    out = raw.copy()
    out[~np.isfinite(out).all(-1) | (np.abs(out) >= _SENTINEL).any(-1)] = np.nan
    zero = (out == 0).all(-1)
    # A joint exactly at the origin beside joints that are not there was never seen; one root at the origin is a habit.
    out[zero & (zero.sum(1, keepdims=True) > 1)] = np.nan
    return out


def _joint_names(path: Path, arrays: Mapping[str, np.ndarray], options: SourceOptions, raw: Array) -> tuple[str, tuple[str, ...]]:
    joints = raw.shape[1]
    if options.joint_names is not None:
        names = _stated_names(path, options.joint_names)
        require(
            len(names) == joints,
            FileFormatError,
            f"{path}: has {joints} joints; source.joint_names={options.joint_names} names {len(names)}.",
        )
        return options.joint_names, names
    for key in ("joint_names", "joints_names", "names"):
        if key in arrays and arrays[key].dtype.kind == "U":
            return f"in the file ({key})", tuple(map(str, arrays[key]))
    fitting = [name for name, order in ORDERS.items() if len(order) == joints and _is_plausible(path, order, raw)]
    require(
        len(fitting) == 1,
        FileFormatError,
        f"{path}: the names of its {joints} joints are not known. State them with source.joint_names=: "
        f"one of {', '.join(f'{name} ({len(order)})' for name, order in ORDERS.items())}, or a JSON list of names.",
    )
    return f"{fitting[0]} (recognised by count, bone lengths and sides)", ORDERS[fitting[0]]


def _stated_names(path: Path, stated: str) -> tuple[str, ...]:
    if stated in ORDERS:
        return ORDERS[stated]
    file = Path(stated)
    if not file.is_file():
        raise UnknownNameError("joint order", stated, ORDERS, f"{path}; a JSON list of names works too")
    try:
        names = json.loads(file.read_text())
    except json.JSONDecodeError as error:
        raise FileFormatError(f"{file}: not JSON ({error}).") from error
    ok = isinstance(names, list) and all(isinstance(name, str) for name in names)
    require(ok, FileFormatError, f"{file}: wants a JSON list of joint names.")
    return tuple(names)


def _is_plausible(path: Path, order: tuple[str, ...], raw: Array) -> bool:
    """Whether bones keep their length and left is left under this order of joints."""
    try:
        _, columns = landmark_columns(order, str(path))
        tracks = {name: raw[:, column] for name, column in columns.items()}
        world = detect_world(tracks, str(path))
        points = {name: world.positions(track) for name, track in tracks.items()}
        check_rigid(points, str(path))
        check_sides(points, str(path))
        check_symmetric(points, str(path))
    except UnderstudyError:
        return False
    return True


def frame_rate(path: Path, arrays: Mapping[str, np.ndarray], options: SourceOptions) -> tuple[float, str]:
    """Frames per second, and where that was found."""
    if options.rate_hz:
        return float(options.rate_hz), "stated"
    for key in _RATE_KEYS:
        if key in arrays and arrays[key].size == 1:
            return float(arrays[key]), f"in the file ({key})"
    raise FileFormatError(f"{path}: the file carries no frame rate; state it with source.rate_hz=.")


SOURCE = PositionsSource()
