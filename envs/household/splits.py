"""Splits: what training may see and what is kept for the test, frozen in a file with its digest beside it.

One file per version, `conf/splits/<version>.yaml`, says for every chore the ranges of its things (sizes, masses, frictions)
and the regions of its layouts, each for training and held out, which chores are held out as a whole, and which workers.
`conf/splits/<version>.sha256` holds the digest of those numbers. A version whose numbers have changed is refused, so that
results of one version can be compared for ever; other numbers get another version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from motion.errors import FileFormatError, UnderstudyError, UnknownNameError, require
from motion.store import write_text

FOLDER = Path(__file__).resolve().parents[2] / "conf" / "splits"
CURRENT = "v1"
"""The version that chores draw from."""
_WHOLE_TURN = (-np.pi, np.pi)
Range = tuple[float, float]


def within(value: float, ends: Range) -> bool:
    """Whether a range holds a value: from its lower end up to, but not with, its upper end, as numbers are drawn."""
    return ends[0] <= value < ends[1] or value == ends[0]


class LeakError(UnderstudyError):
    """Something of a test was seen in training, or a split is not what it was."""


@dataclass(frozen=True)
class Quantity:
    """A number of a thing, drawn evenly from one of two ranges that share no value.

    Attributes:
        train: lowest and highest value in training.
        held_out: the same for the test; None for what is not held out.
    """

    train: Range
    held_out: Range | None = None

    def range(self, held_out: bool) -> Range:
        """The one to draw from."""
        return self.held_out if held_out and self.held_out is not None else self.train


@dataclass(frozen=True)
class Box:
    """Places on the counter, for the right hand.

    Attributes:
        x_m, y_m: lowest and highest, in the counter's frame.
        yaw_rad: lowest and highest.
    """

    x_m: Range
    y_m: Range
    yaw_rad: Range = _WHOLE_TURN

    def holds(self, x_m: float, y_m: float, yaw_rad: float = 0.0) -> bool:
        """Whether a place lies within."""
        return within(x_m, self.x_m) and within(y_m, self.y_m) and within(yaw_rad, self.yaw_rad)

    @property
    def low(self) -> Range:
        """The corner (x, y) that is nearest and furthest to the right."""
        return self.x_m[0], self.y_m[0]

    @property
    def high(self) -> Range:
        """The corner (x, y) across."""
        return self.x_m[1], self.y_m[1]


@dataclass(frozen=True)
class Region:
    """Where things stand at the start, in training and in the test.

    Attributes:
        of: names of the things.
        train, held_out: places that do not overlap; None for a region that is not held out.
    """

    of: tuple[str, ...]
    train: Box
    held_out: Box | None = None

    def box(self, held_out: bool) -> Box:
        """The one to draw from."""
        return self.held_out if held_out and self.held_out is not None else self.train


@dataclass(frozen=True)
class ChoreSplit:
    """What of one chore is held out: its quantities and regions by name, and families of things that training never sees."""

    objects: Mapping[str, Quantity]
    layouts: Mapping[str, Region]
    held_out_families: tuple[str, ...] = ()


@dataclass(frozen=True)
class Splits:
    """One version.

    Attributes:
        version: its name.
        sha256: digest of its numbers.
        held_out_chores: chores that training never sees where the axis "chores" is tested.
        train_workers, held_out_workers: lowest seed of the workers, and the one after the highest.
        chores: by name.
    """

    version: str
    sha256: str
    held_out_chores: tuple[str, ...]
    train_workers: tuple[int, int]
    held_out_workers: tuple[int, int]
    chores: Mapping[str, ChoreSplit]

    def chore(self, name: str) -> ChoreSplit:
        """What of a chore is held out.

        Raises:
            UnknownNameError: the version does not know it.
        """
        if name not in self.chores:
            raise UnknownNameError("chore", name, self.chores, f"splits {self.version}")
        return self.chores[name]

    def workers(self, held_out: bool = False) -> range:
        """Seeds of the workers whose recordings are for training, or for the test."""
        return range(*(self.held_out_workers if held_out else self.train_workers))

    def worker_is_held_out(self, seed: int) -> bool:
        """Whether a worker is one of those that training never sees."""
        return seed in self.workers(held_out=True)


@lru_cache(maxsize=8)
def load_splits(version: str = CURRENT, folder: Path = FOLDER) -> Splits:
    """A version, as it was frozen.

    Raises:
        UnknownNameError: no such version.
        LeakError: its numbers are not those that were frozen, or it was never frozen.
        FileFormatError: parts are missing, or training and test overlap.
    """
    data = _read(version, folder)
    digest, lock = digest_of(data), folder / f"{version}.sha256"
    require(lock.is_file(), LeakError, f"{lock} is missing: splits {version} were never frozen. Freeze them once, with `freeze`.")
    frozen = lock.read_text().strip()
    changed = f"{folder / version}.yaml has changed since it was frozen ({digest[:12]}, was {frozen[:12]})."
    require(digest == frozen, LeakError, f"{changed} Take the change back, or write the new numbers into a file of a new version.")
    return _splits(data, digest, f"splits {version}")


def freeze(version: str, folder: Path = FOLDER) -> str:
    """Write the digest beside a new version; the digest.

    Raises:
        UnknownNameError: no such version.
        FileFormatError: parts are missing, or training and test overlap.
        LeakError: it was frozen before.
    """
    data, lock = _read(version, folder), folder / f"{version}.sha256"
    digest = digest_of(data)
    _splits(data, digest, f"splits {version}")
    require(not lock.exists(), LeakError, f"{lock} exists: splits {version} are frozen. Write other numbers into a file of a new version.")
    write_text(lock, digest + "\n")
    return digest


def digest_of(data: Any) -> str:
    """SHA-256 of plain data, whatever the order of its keys; comments and spaces of its file do not count."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def _read(version: str, folder: Path) -> Mapping[str, Any]:
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if version not in known:
        raise UnknownNameError("splits", version, known, str(folder))
    data = yaml.safe_load((folder / f"{version}.yaml").read_text())
    _expect(data, {"version", "held_out_chores", "workers", "chores"}, set(), f"splits {version}")
    require(data["version"] == version, FileFormatError, f"{folder / version}.yaml calls itself version {data['version']!r}.")
    return dict(data)


def _expect(data: Any, needed: set[str], allowed: set[str], where: str) -> None:
    keys = set(data) if isinstance(data, Mapping) else set()
    problem = f"{where}: the keys are {sorted(keys)}; wanted {sorted(needed)}, allowed also {sorted(allowed)}."
    require(needed <= keys <= needed | allowed, FileFormatError, problem)


def _splits(data: Mapping[str, Any], digest: str, where: str) -> Splits:
    workers = data["workers"]
    _expect(workers, {"train", "held_out"}, set(), f"{where}, workers")
    low, high = (_range(workers[side], f"{where}, workers, {side}") for side in ("train", "held_out"))
    require(not _overlap(low, high), FileFormatError, f"{where}, workers: {low} and {high} overlap.")
    chores = {name: _chore(chore, f"{where}, {name}") for name, chore in data["chores"].items()}
    for name in data["held_out_chores"]:
        if name not in chores:
            raise UnknownNameError("chore", name, chores, f"{where}, held_out_chores")
    return Splits(
        version=data["version"],
        sha256=digest,
        held_out_chores=tuple(data["held_out_chores"]),
        train_workers=(int(low[0]), int(low[1])),
        held_out_workers=(int(high[0]), int(high[1])),
        chores=chores,
    )


def _chore(data: Any, where: str) -> ChoreSplit:
    _expect(data, {"objects", "layouts"}, {"held_out_families"}, where)
    objects = {name: _quantity(entry, f"{where}, {name}") for name, entry in data["objects"].items()}
    layouts = {name: _region(entry, f"{where}, {name}") for name, entry in data["layouts"].items()}
    return ChoreSplit(objects, layouts, tuple(data.get("held_out_families", ())))


def _quantity(data: Any, where: str) -> Quantity:
    _expect(data, {"train"}, {"held_out"}, where)
    train = _range(data["train"], f"{where}, train")
    held_out = _range(data["held_out"], f"{where}, held_out") if "held_out" in data else None
    apart = held_out is None or not _overlap(train, held_out)
    require(apart, FileFormatError, f"{where}: training {train} and test {held_out} overlap.")
    return Quantity(train, held_out)


def _region(data: Any, where: str) -> Region:
    _expect(data, {"of", "train"}, {"held_out"}, where)
    train = _box(data["train"], f"{where}, train")
    held_out = _box(data["held_out"], f"{where}, held_out") if "held_out" in data else None
    apart = held_out is None or not all(_overlap(getattr(train, name), getattr(held_out, name)) for name in vars(train))
    require(apart, FileFormatError, f"{where}: the places of training and test overlap: {train}, {held_out}.")
    return Region(tuple(data["of"]), train, held_out)


def _box(data: Any, where: str) -> Box:
    _expect(data, {"x_m", "y_m"}, {"yaw_rad"}, where)
    return Box(**{name: _range(value, f"{where}, {name}") for name, value in data.items()})


def _range(value: Any, where: str) -> Range:
    pair = isinstance(value, Sequence) and len(value) == 2 and all(isinstance(end, int | float) for end in value)
    require(pair and value[0] <= value[1], FileFormatError, f"{where}: {value!r} is not a lowest and a highest number.")
    return float(value[0]), float(value[1])


def _overlap(one: Range, other: Range) -> bool:
    """Whether two ranges share a value; the upper ends belong to neither, but a range of one value is that value."""
    if one[0] == one[1] or other[0] == other[1]:
        return within(one[0], other) or within(other[0], one)
    return one[0] < other[1] and other[0] < one[1]
