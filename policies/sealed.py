"""Folders that are written whole or not at all, and the JSON in them that knows its own digest and those of the files beside it."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from motion.errors import CheckpointError, require
from motion.provenance import file_sha256
from motion.store import write_text


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A fresh folder to fill, which then takes the place of what was at `path`; where filling fails, nothing changes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        yield temporary
        temporary.chmod(0o755)
        _swap(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def existing_folder(path: Path) -> Path | None:
    """Where the folder `path` lies now: in its place, or aside while another takes it."""
    return next((candidate for candidate in (path, _aside(path)) if candidate.is_dir()), None)


def write_sealed(file: Path, kind: str, version: int, values: Mapping[str, Any]) -> None:
    """Write values as JSON, with the digests of all files beside it, and its own."""
    beside = {other.name: file_sha256(other) for other in sorted(file.parent.iterdir())}
    values = {"format": "understudy", "kind": kind, "version": version, **values, "files": beside}
    write_text(file, json.dumps({**values, "sha256": digest_of(values)}, indent=1, allow_nan=False))


def read_sealed(file: Path, kind: str, version: int) -> dict[str, Any]:
    """What `write_sealed` wrote; `require_files` looks at the files beside it.

    Raises:
        CheckpointError: missing, damaged, changed, or of another kind or version.
    """
    try:
        values: dict[str, Any] = json.loads(file.read_text())
        digest = values.pop("sha256")
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise CheckpointError(f"{file} cannot be read as a {_words(kind)} ({type(error).__name__}: {error}).") from error
    require(values.get("kind") == kind, CheckpointError, f"{file} describes {values.get('kind')!r}; {kind!r} was wanted.")
    require(digest == digest_of(values), CheckpointError, f"{file} was changed after it was saved (sha256 differs).")
    require(values["version"] == version, CheckpointError, f"{file} has version {values['version']}; this program reads {version}.")
    return values


def require_files(folder: Path, digests: Mapping[str, str]) -> None:
    """Refuse a folder whose files are not those that were saved.

    Raises:
        CheckpointError: naming the first that is missing or another.
    """
    for name, digest in digests.items():
        require((folder / name).is_file(), CheckpointError, f"{folder}: {name} is missing; the checkpoint is incomplete.")
        require(file_sha256(folder / name) == digest, CheckpointError, f"{folder / name} is not the file that was saved (sha256 differs).")


def _words(kind: str) -> str:
    return {"policy": "policy's checkpoint", "exported_policy": "exported policy"}[kind]


def digest_of(values: Mapping[str, Any]) -> str:
    """Hex digest of plain values, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _swap(temporary: Path, path: Path) -> None:
    """Put a finished folder into place. Between the two renames the old one waits at `_aside`, where `existing_folder` finds it."""
    aside = _aside(path)
    if path.exists():
        shutil.rmtree(aside, ignore_errors=True)
        path.rename(aside)
    temporary.rename(path)
    shutil.rmtree(aside, ignore_errors=True)


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.old")
