"""Where a file came from and what it may be used for. Written into every file that Understudy writes."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_LIBRARIES = ("numpy", "scipy", "pin", "mujoco", "torch", "av", "mediapipe")
UNSTATED = "unstated"


@dataclass(frozen=True)
class Parent:
    """One input of a derived file: its name, its content's digest, and what its own header said of its use."""

    name: str
    sha256: str
    licence: str = UNSTATED
    consent: str = UNSTATED


@dataclass(frozen=True)
class Provenance:
    """The origin of one file.

    Attributes:
        source: what was recorded or made, in words ("BVH clip", "simulated worker 3, stir").
        licence: what the content may be used for; `unstated` until somebody says so.
        consent: reference to the recorded person's consent; "not a person" for simulated workers.
        parents: the files it was made from.
        tool: the step that made it ("retarget 0.1.0").
        versions: versions of the libraries that shaped the numbers.
        git_commit: commit of Understudy, empty outside a checkout; ends in "+" where the checkout was changed.
        config: the settings of the step, as plain JSON values.
    """

    source: str
    licence: str = UNSTATED
    consent: str = UNSTATED
    parents: tuple[Parent, ...] = ()
    tool: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    git_commit: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Provenance:
        """From what `to_json` gave."""
        return cls(**{**data, "parents": tuple(Parent(**parent) for parent in data.get("parents", ()))})


def record(
    source: str,
    step: str,
    parents: Iterable[Parent] = (),
    config: Mapping[str, Any] | None = None,
    licence: str | None = None,
    consent: str | None = None,
) -> Provenance:
    """Provenance of something made now by `step`.

    The licence and the consent of the parents carry over: all of them are named when they differ, and `unstated`
    stays among them, so that nobody takes a mixture for cleared.
    """
    parents = tuple(parents)
    return Provenance(
        source=source,
        licence=licence or _merged(parent.licence for parent in parents),
        consent=consent or _merged(parent.consent for parent in parents),
        parents=parents,
        tool=f"{step} {package_version()}",
        versions=library_versions(),
        git_commit=git_commit(),
        config=dict(config or {}),
    )


def parent_of(path: Path, provenance: Provenance | None = None) -> Parent:
    """The parent entry of a file on disk."""
    known = provenance or Provenance(source=str(path))
    return Parent(path.name, file_sha256(path), known.licence, known.consent)


def file_sha256(path: Path) -> str:
    """Hex digest of a file's content."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def package_version() -> str:
    """Version of the installed `understudy` distribution, or "0+unknown" for a bare checkout."""
    try:
        return version("understudy")
    except PackageNotFoundError:
        return "0+unknown"


_installed = cache(version)


def library_versions() -> dict[str, str]:
    """Versions of the installed libraries that shape numbers."""
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = _installed(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def git_commit() -> str:
    """Commit of this checkout, with "+" after it when tracked files were changed; empty outside a checkout."""
    return commit_of(Path(__file__).resolve().parent.parent)


def commit_of(root: Path) -> str:
    """Commit of the checkout whose top folder is `root`, with "+" after it when tracked files were changed.

    Empty where git is not installed, and where `root` is no checkout's top: a package installed somewhere inside
    another project's checkout has no commit of its own.
    """

    def git(*words: str) -> str:
        try:
            done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
        except OSError:
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    top = git("rev-parse", "--show-toplevel")
    if not top or Path(top).resolve() != root.resolve():
        return ""
    commit = git("rev-parse", "HEAD")
    return commit + ("+" if commit and git("status", "--porcelain", "--untracked-files=no") else "")


def _merged(values: Iterable[str]) -> str:
    found = sorted(set(values))
    return " + ".join(found) if found else UNSTATED
