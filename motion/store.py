"""The project's file: an `.npz` of plain arrays with one JSON header. Never a pickle, never half-written."""

from __future__ import annotations

import json
import os
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from motion.errors import FileFormatError

HEADER = "header_json"
UNREADABLE = (ValueError, KeyError, OSError, EOFError, MemoryError, NotImplementedError, zipfile.BadZipFile, zlib.error, struct.error)
"""What NumPy raises over files that are cut off, broken, or claim more than they hold."""
_LARGE_BYTES, _DENSEST = 2**30, 200
"""An archive may unpack to more than a gigabyte only where it is not packed a hundredfold: recordings never are."""
FORMAT = "understudy"


def cache_folder() -> Path:
    """Where rewritten and fetched files lie: $UNDERSTUDY_CACHE, else the user's cache folder."""
    chosen = os.environ.get("UNDERSTUDY_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "understudy"


class _Entries(dict[str, Any]):
    """Entries of a file by name; one that is missing is the file's fault, and the error says so."""

    def __init__(self, path: Path, part: str, entries: Mapping[str, Any]) -> None:
        super().__init__(entries)
        self._where = f"{path}: {part}"

    def __missing__(self, key: str) -> Any:
        raise FileFormatError(f"{self._where} {key!r} is missing. It holds: {', '.join(sorted(self)) or 'none'}.")


@contextmanager
def entries_of(path: Path) -> Iterator[None]:
    """Turn what an entry of the wrong kind causes while a file is taken apart into one `FileFormatError`."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path}: an entry is not of the kind it should be ({type(error).__name__}: {error}).") from error


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it into place: a reader sees all or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    write_atomically(path, lambda stream: stream.write(text.encode()))


def write_npz(path: Path, kind: str, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays under a JSON header that names the kind of file ("human_motion").

    Raises:
        FileFormatError: an array holds Python objects.
    """
    for name, array in arrays.items():
        if np.asarray(array).dtype.hasobject:
            raise FileFormatError(f"{path}: array {name!r} holds Python objects; only plain arrays are written.")
    text = json.dumps({"format": FORMAT, "kind": kind, **header}, allow_nan=False)
    named: dict[str, Any] = {HEADER: np.array(text), **arrays}
    write_atomically(Path(path), lambda stream: np.savez_compressed(stream, allow_pickle=False, **named))


def plain_arrays(path: Path, leave_objects: bool = False) -> dict[str, np.ndarray]:
    """Arrays of any `.npz` by name, or of a `.npy` as "array"; never a pickle, and never more than the file can hold.

    Args:
        path: the file.
        leave_objects: pass over arrays of Python objects, instead of refusing the file for them.

    Raises:
        FileFormatError: not such a file, cut off, broken, or an archive that would unpack to far more than its size.
    """
    try:
        with open(path, "rb") as stream:
            loaded = np.load(stream, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return {"array": loaded}
            with loaded:
                _refuse_bombs(path, loaded.zip)
                return {name: loaded[name] for name in loaded.files if not (leave_objects and _holds_objects(loaded.zip, name))}
    except UNREADABLE as error:
        raise FileFormatError(f"{path}: cannot be read as plain arrays ({error}).") from error


def _holds_objects(archive: zipfile.ZipFile, name: str) -> bool:
    """Whether an array of the archive is one of Python objects, by its header."""
    return bool(_npy_header(archive, name)[2].hasobject)


def _npy_header(archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, order and type of an array of the archive; nothing else of it is unpacked."""
    with archive.open(f"{name}.npy") as stream:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        return read(stream)


def array_names(path: Path) -> list[str]:
    """Names of the arrays of a `.npz`; none for any other file."""
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return list(archive.files)
    except (*UNREADABLE, AttributeError, TypeError):
        return []


def _refuse_bombs(path: Path, archive: zipfile.ZipFile) -> None:
    packed, unpacked = (sum(getattr(entry, size) for entry in archive.infolist()) for size in ("compress_size", "file_size"))
    if unpacked > _LARGE_BYTES and unpacked > _DENSEST * packed:
        raise FileFormatError(f"{path}: would unpack to {unpacked / 2**30:.0f} GB from {packed / 2**20:.0f} MB; no recording does.")


def read_npz(path: Path, kind: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a file written by `write_npz`; to ask either for a key it lacks is a `FileFormatError`.

    Raises:
        FileFormatError: not such a file, or of another kind.
    """
    with _opened(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
        header = json.loads(str(arrays.pop(HEADER)))
    return _checked_header(path, header, kind), _Entries(path, "array", arrays)


def read_header(path: Path, kind: str) -> tuple[dict[str, Any], dict[str, tuple[int, ...]]]:
    """Header and shapes of the arrays of a file written by `write_npz`; the arrays themselves are not unpacked.

    Raises:
        FileFormatError: not such a file, or of another kind.
    """
    with _opened(path) as archive:
        header = json.loads(str(archive[HEADER]))
        shapes = {name: _npy_header(archive.zip, name)[0] for name in archive.files if name != HEADER}
    return _checked_header(path, header, kind), _Entries(path, "array", shapes)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The archive at a path; whatever goes wrong while it is read becomes one `FileFormatError`."""
    path = Path(path)
    if not path.is_file():
        raise FileFormatError(f"{path}: no such file.")
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as archive:
            yield archive
    except (*UNREADABLE, AttributeError, TypeError) as error:
        raise FileFormatError(f"{path}: not an Understudy npz with a JSON header ({type(error).__name__}: {error}).") from error


def _checked_header(path: Path, header: Any, kind: str) -> dict[str, Any]:
    if not isinstance(header, dict):
        raise FileFormatError(f"{path}: its header is no table of names and values.")
    if header.get("format") != FORMAT or header.get("kind") != kind:
        raise FileFormatError(f"{path}: holds {header.get('kind')!r}; {kind!r} was wanted.")
    return _Entries(path, "header key", header)


def kind_of(path: Path) -> str | None:
    """The kind of an Understudy npz; None for any other file."""
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as archive:
            header = json.loads(str(archive[HEADER])) if HEADER in archive.files else {}
    except (*UNREADABLE, AttributeError, TypeError):
        return None
    return header.get("kind") if isinstance(header, dict) and header.get("format") == FORMAT else None
