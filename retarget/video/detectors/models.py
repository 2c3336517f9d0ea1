"""The detectors' weights: from a folder of your own, from the cache, or fetched once and checked.

Digests are those of the files that their maker serves; several public projects name the same ones.
"""

from __future__ import annotations

import fcntl
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO

from tqdm import tqdm

from motion.errors import FileFormatError, UnknownNameError, require
from motion.plugins import plugins
from motion.provenance import file_sha256
from motion.store import cache_folder

_BASE = "https://storage.googleapis.com/mediapipe-models"
_TRIES = 4
"""Connections per fetch; each goes on where the last broke off."""
_TIMEOUT_S = 30.0
_BLOCK_BYTES = 2**18


@dataclass(frozen=True)
class Bundle:
    """A file of weights.

    Attributes:
        name: of the file.
        url: where its maker serves it.
        sha256: of its content.
        size_bytes: of the file.
        licence: it may be used under.
    """

    name: str
    url: str
    sha256: str
    size_bytes: int
    licence: str = "Apache-2.0"


BUNDLES: Mapping[str, Bundle] = {
    one.name: one
    for one in (
        Bundle(
            "hand_landmarker.task",
            f"{_BASE}/hand_landmarker/hand_landmarker/float16/1/hand_landmarker.task",
            "fbc2a30080c3c557093b5ddfc334698132eb341044ccee322ccf8bcf3607cde1",
            7_819_105,
        ),
        Bundle(
            "pose_landmarker_full.task",
            f"{_BASE}/pose_landmarker/pose_landmarker_full/float16/1/pose_landmarker_full.task",
            "4eaa5eb7a98365221087693fcc286334cf0858e2eb6e15b506aa4a7ecdcec4ad",
            9_398_198,
        ),
        Bundle(
            "blaze_face_short_range.tflite",
            f"{_BASE}/face_detector/blaze_face_short_range/float16/1/blaze_face_short_range.tflite",
            "b4578f35940bf5a1a655214a1cce5cab13eba73c1297cd78e1a04c2380b0152f",
            229_746,
        ),
    )
}


def bundle(name: str, models_dir: Path | None = None, table: Mapping[str, Bundle] | None = None) -> Path:
    """The file of some weights; fetched into the cache where it is nowhere yet.

    Args:
        name: of the bundle, as `BUNDLES` or a plug-in ("bundle.<name>") lists it.
        models_dir: folder of your own that holds it; its digest is not checked.
        table: bundles to choose from; those known where it is None.

    Raises:
        UnknownNameError: no such bundle.
        FileFormatError: it is not in the folder stated, cannot be fetched, or is not what it should be.
    """
    known = (BUNDLES | plugins("bundle")) if table is None else table  # type: ignore[operator]
    if models_dir is not None:
        return _own(name, Path(models_dir))
    if name not in known:
        raise UnknownNameError("bundle of weights", name, known)
    wanted = known[name]
    path = cache_dir() / name
    if _is_whole(path, wanted):
        return path
    with _alone(path):
        if not _is_whole(path, wanted):  # another process may have fetched it meanwhile
            _fetch(wanted, path)
    return path


def cache_dir() -> Path:
    """Where fetched weights lie: `models` in the cache."""
    return cache_folder() / "models"


def _own(name: str, folder: Path) -> Path:
    path = folder / name
    there = sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []
    exists = f"It holds: {', '.join(there)}." if there else "There is no such folder, or it is empty."
    require(path.is_file(), FileFormatError, f"{path}: no such file. {exists} Put it there, or leave models_dir out to have it fetched.")
    return path


def _is_whole(path: Path, wanted: Bundle) -> bool:
    return path.is_file() and path.stat().st_size == wanted.size_bytes and file_sha256(path) == wanted.sha256


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time fetch this file; the others wait."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = open(path.with_name(f".{path.name}.lock"), "w")  # noqa: SIM115  (closed below)
    except OSError as error:
        raise FileFormatError(
            f"{path.parent}: nothing can be kept there ({error.strerror}). Set UNDERSTUDY_CACHE to another folder."
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(wanted: Bundle, path: Path) -> None:
    """Fetch into `.part`, check, and rename: `path` is whole or not there."""
    part = path.with_name(f"{path.name}.part")
    resumed = part.exists() and part.stat().st_size > 0
    _download(wanted, part)
    if _is_whole(part, wanted):
        os.replace(part, path)
        return
    part.unlink()
    if resumed:  # what lay there may have been the beginning of something else
        _fetch(wanted, path)
        return
    wrong = f"what came is not {wanted.name}: its sha256 is not {wanted.sha256[:12]}... A proxy may have answered instead"
    raise FileFormatError(f"{wanted.url}: {wrong}. {_by_hand(wanted)}")


def _download(wanted: Bundle, part: Path) -> None:
    """Fill `part`; where a connection breaks, go on from there."""
    for last in (*[False] * (_TRIES - 1), True):
        try:
            _download_rest(wanted, part)
        except (OSError, HTTPException) as error:
            _report(wanted, part, error, final=last or isinstance(error, urllib.error.HTTPError))
        if part.exists() and part.stat().st_size >= wanted.size_bytes:
            return
    _report(wanted, part, ConnectionError("the connection broke off again and again"), final=True)


def _report(wanted: Bundle, part: Path, error: Exception, final: bool) -> None:
    """Raise what went wrong, unless there are tries left."""
    if not final:
        return
    got = part.stat().st_size if part.exists() else 0
    kept = f" {got} of {wanted.size_bytes} bytes are kept; the next try goes on from there." if got else ""
    reason = getattr(error, "reason", None) or error
    raise FileFormatError(f"{wanted.url}: cannot be fetched ({reason}).{kept} {_by_hand(wanted)}") from error


def _by_hand(wanted: Bundle) -> str:
    return f"Fetch it by hand and put it at {cache_dir() / wanted.name}, or into a folder of your own with models_dir=."


def _download_rest(wanted: Bundle, part: Path) -> None:
    """One connection: the bytes that are missing, or all of them where the server gives no parts."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(wanted.url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
            start = have if _goes_on(response, have) else 0
            with open(part, "r+b" if start else "wb") as file:
                file.seek(start)
                _copy(response, file, wanted, start)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        part.unlink(missing_ok=True)  # more was there than the server has: begin again


def _goes_on(response: HTTPResponse, have: int) -> bool:
    return response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _copy(response: HTTPResponse, file: IO[bytes], wanted: Bundle, start: int) -> None:
    """Copy at most what the bundle holds; a server that sends more is not believed."""
    left = wanted.size_bytes - start
    with tqdm(total=wanted.size_bytes, initial=start, unit="B", unit_scale=True, desc=wanted.name, disable=None, leave=False) as bar:
        while left > 0 and (block := response.read(min(_BLOCK_BYTES, left))):
            file.write(block)
            left -= len(block)
            bar.update(len(block))
