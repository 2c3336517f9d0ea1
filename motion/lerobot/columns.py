"""Columns of a data set as mapped files: copied once into the cache folder, then read at the disk's speed in any order."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from motion.errors import FileFormatError, require
from motion.lerobot.features import Feature
from motion.lerobot.locate import Place, Places
from motion.lerobot.tables import numbers, open_parquet
from motion.store import cache_folder


def column_mirror(folder: Path, places: Places, feature: Feature) -> np.ndarray:
    """A column of all frames (N, *shape), mapped read-only; episodes in order.

    Raises:
        FileFormatError: a data file is missing or broken, or holds fewer rows than the episode table says.
    """
    target = cache_folder() / "columns" / _state(folder, places) / f"{feature.key}.npy"
    if not target.is_file():
        _copy(target, places, feature)
    mapped: np.ndarray = np.load(target, mmap_mode="r", allow_pickle=False)
    return mapped


def _state(folder: Path, places: Places) -> str:
    """Digest of where the data files lie and when they were changed."""
    digest = hashlib.sha256(str(folder.resolve()).encode())
    for place in places.of:
        digest.update(f"{place.episode} {place.path.name} {place.first_row} {place.length}\n".encode())
    for path in sorted({place.path for place in places.of}):
        status = path.stat()
        digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]


def _copy(target: Path, places: Places, feature: Feature) -> None:
    """Fill a temporary file beside `target`, then rename it into place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".npy")
    os.close(handle)
    try:
        _fill(Path(temporary), places, feature)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _fill(path: Path, places: Places, feature: Feature) -> None:
    total = sum(place.length for place in places.of)
    out = np.lib.format.open_memmap(path, "w+", np.dtype(feature.stored), (total, *feature.shape))
    at = 0
    for run in _runs(places.of):
        row, end = run[0].first_row, run[-1].first_row + run[-1].length
        begin = row
        for first, values in _row_groups(run[0].path, feature):
            low, high = max(begin, first), min(end, first + len(values))
            if low < high:
                out[at + low - begin : at + high - begin] = values[low - first : high - first].reshape(high - low, *feature.shape)
                row = high
        require(row == end, FileFormatError, f"{run[0].path}: has {row} rows; the episode table says at least {end}.")
        at += end - begin
    out.flush()


def _runs(places: tuple[Place, ...]) -> Iterator[list[Place]]:
    """Episodes that follow each other in one file, together."""
    run: list[Place] = []
    for place in places:
        if run and (place.path != run[-1].path or place.first_row != run[-1].first_row + run[-1].length):
            yield run
            run = []
        run.append(place)
    yield run


def _row_groups(path: Path, feature: Feature) -> Iterator[tuple[int, np.ndarray]]:
    """First row and numbers (rows, width) of each row group of a file."""
    with open_parquet(path) as file:
        require(feature.key in file.schema_arrow.names, FileFormatError, f"{path}: has no column {feature.key}.")
        first = 0
        for group in range(file.num_row_groups):
            try:
                column = file.read_row_group(group, columns=[feature.key])[feature.key]
            except (OSError, pa.ArrowException) as error:
                raise FileFormatError(f"{path}: cannot be read ({type(error).__name__}: {error}).") from error
            values = numbers(column, feature.width, f"{path}: {feature.key}")
            yield first, values
            first += len(values)
