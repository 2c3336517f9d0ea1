"""Demonstrations as a list of entries that are read one by one: where they lie, what they are, and how much each counts."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from motion.demonstration import Demonstration, Outline
from motion.errors import MotionError, UnknownNameError, require
from motion.lerobot import Dataset
from motion.lerobot.layout import INFO, UNDERSTUDY, read_json
from motion.lerobot.reader import UNKNOWN
from motion.mirror import Mirror, mirrored
from motion.provenance import UNSTATED, Parent, file_sha256, parent_of

SHOWN = "shown"
"""Where a checkpoint's provenance says what it was shown (`shown`)."""
KINDS = ("human-derived", "simulated", "teleoperated", "robot")
BALANCES = ("worker", "chore", "kind")
_NOT_A_PERSON = "not a person"


@dataclass(frozen=True)
class Mix:
    """Demonstrations of one place, and how much they count beside those of others.

    Attributes:
        path: a `.npz` file, a folder of them, a LeRobot data set, or a folder that `python -m workers dataset` made.
        weight: how often each of its steps is drawn, beside 1.
        kind: one of `KINDS`; where empty, "simulated" for what simulated workers showed, else "human-derived".
    """

    path: str
    weight: float = 1.0
    kind: str = ""

    def __post_init__(self) -> None:
        good = math.isfinite(self.weight) and self.weight >= 0
        require(good, MotionError, f"weight of {self.path} is {self.weight}; a number of at least 0 was wanted.")
        if self.kind and self.kind not in KINDS:
            raise UnknownNameError("kind of demonstrations", self.kind, KINDS, self.path)


Place = Path | str | Demonstration | Mix
Source = Place | Sequence[Place]


class Read(Protocol):
    """Reads one demonstration."""

    def __call__(self, pictures: Collection[str] | None = None) -> Demonstration:
        """The demonstration; where pictures take time, only those of these names, or all."""
        ...


@dataclass(frozen=True)
class Entry:
    """One demonstration that can be read, and what has to be known of it before it is.

    Attributes:
        read: reads it.
        digest: of its content.
        parent: the file or data set that it lies in, for the lineage.
        form: outline of the first demonstration that looks like it: robot, joints, period, shapes.
        steps_n: T.
        chore, worker, kind: what can be balanced; worker is empty where nobody says.
        variant, seed: which episode of the chore.
        group: what it is of: its scene, or its motion where it has no scene; in data sets that others made the episode itself. Never in
            training and validation both.
        task: in data sets that others made, what is done, in words; episodes of each are in training and in validation. Empty in ours.
        success, violated: how it ended; whether a safety number went beyond its limit.
        weight: how often each of its steps is drawn, beside 1.
        kept: whether it lies on the disk.
    """

    read: Read
    digest: str
    parent: Parent
    form: Outline
    steps_n: int
    chore: str
    worker: str
    kind: str
    variant: str
    seed: int
    group: tuple[str, str]
    task: str
    success: bool
    violated: bool
    weight: float
    kept: bool


@dataclass(frozen=True)
class _Found:
    """One demonstration, before it is known how much it counts."""

    outline: Outline
    read: Read
    digest: str
    parent: Parent
    kept: bool = True


def list_entries(source: Source) -> list[Entry]:
    """All demonstrations of a source, in order. Nothing is read but headers and, for the digests, bytes.

    Args:
        source: a place or several: a `.npz` file, a folder of them, a LeRobot data set, a folder that `python -m workers
            dataset` made (its training part), a Demonstration, or a `Mix`.

    Raises:
        MotionError: nothing was found.
        FileFormatError: a file is not a demonstration, or a data set is not whole.
    """
    places: list[Place] = [source] if isinstance(source, Path | str | Demonstration | Mix) else list(source)
    forms: dict[object, Outline] = {}
    entries = [entry for place in places for entry in _entries_of(place, forms)]
    told = ", ".join(str(place.path if isinstance(place, Mix) else place) for place in places)
    require(bool(entries), MotionError, f"no demonstrations (*.npz, or a LeRobot data set) found in {told or 'an empty list'}.")
    return entries


def told_of(source: Source) -> list[dict[str, Any]]:
    """Path, weight and kind of each place of a source as it was told, for the record; of a Demonstration in memory its name."""
    places: list[Place] = [source] if isinstance(source, Path | str | Demonstration | Mix) else list(source)
    return [asdict(place if isinstance(place, Mix) else Mix(_name(place))) for place in places]


def _name(place: Path | str | Demonstration) -> str:
    return _parent_in_memory(place).name if isinstance(place, Demonstration) else str(place)


def _entries_of(place: Place, forms: dict[object, Outline]) -> Iterator[Entry]:
    mix = place if isinstance(place, Mix) else Mix("")
    found = _in_memory(place) if isinstance(place, Demonstration) else _on_disk(Path(mix.path or str(place)))
    for one in found:
        outline = one.outline
        scene, foreign = outline.scene, outline.chore == UNKNOWN and not outline.scene.get("sha256")
        key = (outline.robot, outline.joint_names, outline.period_s, tuple(sorted(outline.shapes.items())))
        yield Entry(
            one.read,
            one.digest,
            one.parent,
            forms.setdefault(key, replace(outline, scene={})),
            outline.steps_n,
            outline.chore,
            str(scene.get("worker", "")),
            mix.kind or ("simulated" if outline.provenance.consent == _NOT_A_PERSON else "human-derived"),
            outline.variant,
            outline.seed,
            (outline.chore, one.digest if foreign else str(scene.get("sha256", "")) or outline.variant),
            outline.variant if foreign else "",
            bool(outline.success),
            bool(outline.violations),
            mix.weight,
            one.kept,
        )


def _in_memory(demonstration: Demonstration) -> Iterator[_Found]:
    parent = _parent_in_memory(demonstration)
    yield _Found(demonstration.outline(), partial(_whole, demonstration), parent.sha256, parent, kept=False)


def _on_disk(path: Path) -> Iterator[_Found]:
    if (path / INFO).is_file() or (path / UNDERSTUDY).is_file():
        yield from _in_dataset(path)
    elif made := _made_by_workers(path):
        yield from (found for folder in made for found in _in_dataset(folder))
    else:
        for file in sorted(path.glob("*.npz")) if path.is_dir() else [path]:
            outline = Outline.load(file)
            parent = parent_of(file, outline.provenance)
            yield _Found(outline, partial(_load, file), parent.sha256, parent)


def _whole(demonstration: Demonstration, pictures: Collection[str] | None = None) -> Demonstration:
    return demonstration


def _load(file: Path, pictures: Collection[str] | None = None) -> Demonstration:
    return Demonstration.load(file)


def _made_by_workers(folder: Path) -> list[Path]:
    """Data sets of the training part, one for each chore."""
    return sorted(info.parent.parent for info in folder.glob(f"train/*/{INFO}"))


def _in_dataset(folder: Path) -> Iterator[_Found]:
    dataset = Dataset(folder)
    parent = _parent_of_dataset(dataset)
    for index in range(len(dataset)):
        digest = hashlib.sha256(f"{parent.sha256}/{index}".encode()).hexdigest()
        yield _Found(dataset.outline(index), partial(dataset.episode, index), digest, parent)


def _parent_of_dataset(dataset: Dataset) -> Parent:
    """Of ours, what describes it, with the digest of every other file in it; of others', all files that hold numbers."""
    folder = dataset.folder
    if dataset.head:
        noted = read_json(folder / UNDERSTUDY).get("provenance", {})
        digest = file_sha256(folder / UNDERSTUDY)
        return Parent(folder.name, digest, noted.get("licence", UNSTATED), noted.get("consent", UNSTATED))
    files = sorted(file for part in ("meta", "data") for file in (folder / part).rglob("*") if file.is_file())
    told = "".join(f"{file.relative_to(folder)} {file_sha256(file)}\n" for file in files)
    return Parent(folder.name, hashlib.sha256(told.encode()).hexdigest())


def _parent_in_memory(demonstration: Demonstration) -> Parent:
    digest = hashlib.sha256(repr((demonstration.robot, demonstration.joint_names, demonstration.period_s)).encode())
    for name, track in sorted({**demonstration.observations, "/actions": demonstration.actions}.items()):
        digest.update(name.encode() + repr(np.shape(track)).encode() + np.ascontiguousarray(track).tobytes())
    name = f"{demonstration.chore}/{demonstration.variant}/{demonstration.plant}/{demonstration.seed}"
    return Parent(name, digest.hexdigest(), demonstration.provenance.licence, demonstration.provenance.consent)


def with_mirror_images(entries: Sequence[Entry], mirror: Mirror) -> list[Entry]:
    """Each entry, and its mirror image after it."""
    return [other for entry in entries for other in (entry, _mirrored(entry, mirror))]


def _mirrored(entry: Entry, mirror: Mirror) -> Entry:
    def read(pictures: Collection[str] | None = None) -> Demonstration:
        return mirrored(entry.read(pictures), mirror)

    return replace(entry, read=read, digest=hashlib.sha256(f"{entry.digest} mirrored".encode()).hexdigest())


def lineage(entries: Iterable[Entry]) -> tuple[Parent, ...]:
    """Files and data sets that the entries lie in; each data set once, files as often as they were given."""
    told: dict[object, Parent] = {}
    for number, entry in enumerate(entries):
        told.setdefault(number if entry.digest == entry.parent.sha256 else entry.parent, entry.parent)
    return tuple(told.values())


def data_key(entries: Iterable[Entry]) -> str:
    """Digest of what the entries hold, in their order; empty where one of them lies in memory alone."""
    found = list(entries)
    return hashlib.sha256(" ".join(entry.digest for entry in found).encode()).hexdigest() if all(e.kept for e in found) else ""


def chosen(entries: Sequence[Entry], failures: str, violations: str) -> list[Entry]:
    """Entries that are trained on.

    Args:
        entries: all of them.
        failures, violations: "use", or "exclude" those that failed, or in which a safety number went beyond its limit.

    Raises:
        MotionError: none is left.
    """
    found = [e for e in entries if (e.success or failures == "use") and not (e.violated and violations == "exclude")]
    require(bool(found), MotionError, f"none of the {len(entries)} demonstrations is left by failures={failures}, violations={violations}.")
    return found


def split_entries(entries: Sequence[Entry], fraction: float, seed: int) -> tuple[list[Entry], list[Entry]]:
    """Training and validation entries.

    Episodes of one scene (of one motion, where there is no scene) stay on one side, so that validation is on what training
    has not seen; only where there is a single one are its episodes shared out. Of data sets that others made nobody knows the
    scenes: of each task some episodes are held out, and a task of a single episode is trained on.

    Args:
        entries: all of them.
        fraction: of the groups, for validation; at least one group unless it is 0, of others' data sets one of each task.
        seed: of the draw.

    Raises:
        MotionError: a fraction outside 0..1, or a single episode that cannot be on both sides.
    """
    require(0 <= fraction < 1, MotionError, f"validation_fraction is {fraction}; 0 <= fraction < 1 was wanted.")
    if fraction == 0:
        return list(entries), []
    rng, tasks = np.random.default_rng((seed, 1)), defaultdict[str, list[int]](list)
    for place, entry in enumerate(entries):
        tasks[entry.task].append(place)
    groups = [entry.group for entry in entries]
    held = {place for _, places in sorted(tasks.items()) for place in _held_out(groups, places, fraction, rng)}
    held = held or _held_out(groups, range(len(groups)), fraction, rng)  # no task has a second episode
    require(bool(held), MotionError, f"{len(entries)} episode(s) cannot be split; give more, or set validation_fraction=0.")
    training = [entry for place, entry in enumerate(entries) if place not in held]
    return training, [entries[place] for place in sorted(held)]


def _held_out(groups: Sequence[tuple[str, str]], places: Sequence[int], fraction: float, rng: np.random.Generator) -> set[int]:
    """Places of the groups that are drawn for validation, of single entries where there is but one group; none of a single entry."""
    keys: dict[int, tuple[str, str | int]] = {place: groups[place] for place in places}
    if len(set(keys.values())) == 1:
        keys = {place: ("", place) for place in places}
    known = sorted(set(keys.values()))
    held_n = min(max(1, round(fraction * len(known))), len(known) - 1)
    held = {known[int(number)] for number in rng.permutation(len(known))[:held_n]}
    return {place for place, key in keys.items() if key in held}


def balance_names(balance: str) -> tuple[str, ...]:
    """Names in `balance`, e.g. "chore,worker".

    Raises:
        UnknownNameError: one that cannot be balanced.
    """
    names = tuple(name.strip() for name in balance.split(",") if name.strip())
    for name in names:
        if name not in BALANCES:
            raise UnknownNameError("balance", name, BALANCES)
    return names


def shares(entries: Sequence[Entry], balance: str) -> Tensor | None:
    """How often each step (S,) of the entries is wanted, end to end; None where all are wanted alike.

    "chore,worker" draws each chore as often as any other, and within a chore each worker as often as any other. A mix's weight
    comes on top.

    Raises:
        UnknownNameError: `balance` names what cannot be balanced.
    """
    names = balance_names(balance)
    if not names and len({entry.weight for entry in entries}) <= 1:
        return None
    paths = [tuple(str(getattr(entry, name)) for name in names) for entry in entries]
    steps_n: Counter[tuple[str, ...]] = Counter()
    beside: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for entry, path in zip(entries, paths, strict=True):
        steps_n[path] += entry.steps_n
        for depth, name in enumerate(path):
            beside[path[:depth]].add(name)
    part = {path: 1.0 / math.prod(len(beside[path[:depth]]) for depth in range(len(path))) for path in steps_n}
    each = [entry.weight * part[path] / steps_n[path] for entry, path in zip(entries, paths, strict=True)]
    return torch.repeat_interleave(torch.tensor(each, dtype=torch.float64), torch.tensor([entry.steps_n for entry in entries]))


def shown(entries: Sequence[Entry], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a policy is shown, so that a test can say whether it was: chore -> variant -> ranges [first, last] of seeds; and workers.

    Args:
        entries: that it is trained on.
        before: the same, of the policy that its training began with.
    """
    seeds: dict[tuple[str, str], set[int]] = {}
    for entry in entries:
        seeds.setdefault((entry.chore, entry.variant), set()).add(entry.seed)
    for chore, variants in ((before or {}).get("episodes") or {}).items():
        for variant, ranges in variants.items():
            seeds.setdefault((chore, variant), set()).update(seed for low, high in ranges for seed in range(low, high + 1))
    episodes: dict[str, dict[str, list[list[int]]]] = {}
    for (chore, variant), found in sorted(seeds.items()):
        episodes.setdefault(chore, {})[variant] = _ranges(found)
    workers = {entry.worker for entry in entries if entry.worker} | set((before or {}).get("workers") or ())
    return {"episodes": episodes, "workers": sorted(workers)}


def was_shown(known: Mapping[str, Any], chore: str, variant: str, seed: int) -> bool:
    """Whether a policy was trained on an episode.

    Args:
        known: what `shown` gave; `provenance.config.get(SHOWN, {})` of its checkpoint.
        chore, variant, seed: of the episode.
    """
    return any(low <= seed <= high for low, high in known.get("episodes", {}).get(chore, {}).get(variant, []))


def _ranges(seeds: Iterable[int]) -> list[list[int]]:
    """Runs of whole numbers, as [first, last]."""
    runs: list[list[int]] = []
    for seed in sorted(seeds):
        if runs and seed == runs[-1][1] + 1:
            runs[-1][1] = seed
        else:
            runs.append([seed, seed])
    return runs


def described(entries: Sequence[Entry]) -> dict[str, int]:
    """Numbers of episodes and steps, in all and by kind, for the run's summary."""
    told = {"episodes_n": len(entries), "steps_n": sum(entry.steps_n for entry in entries)}
    told |= {"failures_n": sum(not entry.success for entry in entries), "workers_n": len({e.worker for e in entries if e.worker})}
    return told | {f"{kind}_episodes_n": sum(e.kind == kind for e in entries) for kind in KINDS if any(e.kind == kind for e in entries)}
