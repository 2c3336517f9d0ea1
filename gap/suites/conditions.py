"""What episodes of a suite meet, and the frozen numbers that say so (`conf/suites/<version>.yaml`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from envs.disturbance import MILD, Disturbance
from envs.household.appearance import NEUTRAL, Appearance
from envs.household.asked import Words, of_another, rephrased
from envs.household.chore import Household
from envs.household.splits import digest_of, load_splits
from envs.plants import Change, Plant, find_plant, plant_to_dict
from gap.errors import ScoreError
from motion.errors import FileFormatError, UnknownNameError, require
from motion.store import write_text

FOLDER = Path(__file__).resolve().parents[2] / "conf" / "suites"
CURRENT = "v1"
SEEN, ROBUSTNESS, SAFETY = "seen", "robustness", "safety"
PLANTS = "plants"
"""Part of whoever adds plants of their own, as one that was identified from logs; no suite has it."""
HELD_OUT: Mapping[str, str] = {"heldout_objects": "objects", "heldout_layouts": "layouts"}
"""Part -> axis of the chores' variants."""
RECORDED = ("heldout_workers", "heldout_chores")
"""Parts for policies that are given a person's recording; who recorded what decides which of them an episode is in."""
PARTS = (SEEN, *HELD_OUT, *RECORDED, ROBUSTNESS, SAFETY)
_KEYS = {"version", "splits", "first_seed", "block", "parts", "suites", "safety_plants", "curves"}
_CURVE = {"unit", "neutral", "levels"}
_HOW = {"changes", "delay", "disturbance", "appearance", "words"}
REPHRASED, ANOTHER = "rephrased", "another chore's"
WORDS: Mapping[str, Callable[[Household], Words]] = {REPHRASED: rephrased, ANOTHER: of_another}
"""What an actor is asked for other than in the usual words -> how."""


@dataclass(frozen=True)
class Condition:
    """What an episode meets.

    Attributes:
        name: unique in a suite.
        part: one of `PARTS`, or `PLANTS`.
        plant: the robot and the things.
        axis: "objects" or "layouts" where these are held out.
        curve, level: of robustness: which curve, and where on it.
        disturbance: what upsets the episode.
        appearance: how it looks, for policies that see.
        words: one of `WORDS`, or "" for the usual ones, for policies that read.
    """

    name: str
    part: str
    plant: Plant
    axis: str = ""
    curve: str = ""
    level: float = 0.0
    disturbance: Disturbance = MILD
    appearance: Appearance = NEUTRAL
    words: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data, for the list of episodes."""
        return asdict(self) | {"plant": plant_to_dict(self.plant), "disturbance": _plain(vars(self.disturbance))}

    @property
    def told_part(self) -> str:
        """The part that its successes count in; "" where a policy was asked for another chore, so that it should not succeed."""
        return "" if self.words == ANOTHER else self.part

    def asked(self, chore: Household) -> Words | None:
        """What is asked for in a chore; None for its usual words."""
        return WORDS[self.words](chore) if self.words else None


def in_plant(name: str, plant: Plant) -> Condition:
    """The layouts of "seen" in a plant of one's own."""
    return Condition(f"{PLANTS}/{name}", PLANTS, plant)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


@dataclass(frozen=True)
class CurveRule:
    """One axis of robustness, as the frozen numbers have it.

    Attributes:
        name: "dynamics/delay": what kind, and which.
        unit: of the levels.
        neutral: where nothing differs from "seen".
        levels: away from it, each worse than the one before.
        changes: of the plant; `ranges` of each is the level times `times`.
        delay: whether the level is the delay of actions, s.
        disturbance, appearance: field of `Disturbance`, or of `Appearance`, that the level is; "" for none.
        words: of `WORDS`, those of the first level, of the second, and so on.
    """

    name: str
    unit: str
    neutral: float
    levels: tuple[float, ...]
    changes: tuple[Mapping[str, Any], ...] = ()
    delay: bool = False
    disturbance: str = ""
    appearance: str = ""
    words: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[float, ...]:
        """Levels at which a policy is asked for what it is judged by: all but those in the words of another chore."""
        return tuple(level for level in self.levels if self.condition(level).told_part)

    def condition(self, level: float) -> Condition:
        """What an episode at a level meets."""
        name = f"{self.name}={level:g}"
        changes = tuple(_change(change, level) for change in self.changes)
        plant = Plant(name, changes, (level, level) if self.delay else (0.0, 0.0), f"{self.name}: {level:g} {self.unit}")
        amounts: dict[str, Any] = {self.disturbance: level} if self.disturbance else {}
        return Condition(
            name,
            ROBUSTNESS,
            plant,
            curve=self.name,
            level=level,
            disturbance=replace(MILD, **amounts),
            appearance=replace(NEUTRAL, **{self.appearance: level}) if self.appearance else NEUTRAL,
            words=self.words[self.levels.index(level)] if self.words else "",
        )


def _change(told: Mapping[str, Any], level: float) -> Change:
    value = level * float(told.get("times", 1.0))
    return Change(**{**{key: entry for key, entry in told.items() if key != "times"}, "ranges": (value, value)})


@dataclass(frozen=True)
class Suites:
    """One version of the frozen numbers.

    Attributes:
        version, sha256: its name and the digest of its numbers.
        splits: version of the splits that held-out ranges are from.
        first_seed: of the layouts.
        block: episodes side by side.
        parts: part -> episodes of each chore, at each level or in each plant.
        suites: name -> parts.
        safety_plants: names.
        curves: axes of robustness.
    """

    version: str
    sha256: str
    splits: str
    first_seed: int
    block: int
    parts: Mapping[str, int]
    suites: Mapping[str, tuple[str, ...]]
    safety_plants: tuple[str, ...]
    curves: tuple[CurveRule, ...]

    def conditions(self, suite: str, curves: Sequence[str] | None = None) -> tuple[Condition, ...]:
        """All that a suite's episodes meet, "seen" first.

        Args:
            suite: its name.
            curves: names of curves, where not all are wanted.

        Raises:
            UnknownNameError: no such suite or curve.
        """
        if suite not in self.suites:
            raise UnknownNameError("suite", suite, self.suites, f"suites {self.version}")
        own = {rule.name: rule for rule in self.curves}
        for name in curves or ():
            if name not in own:
                raise UnknownNameError("curve", name, own, f"suites {self.version}")
        nominal, found = find_plant("nominal"), []
        for part in self.suites[suite]:
            if part == ROBUSTNESS:
                found += [own[name].condition(level) for name in curves or own for level in own[name].levels]
            elif part == SAFETY:
                found += [Condition(f"safety/{name}", SAFETY, find_plant(name)) for name in self.safety_plants]
            else:
                found.append(Condition(part, part, nominal, HELD_OUT.get(part, "")))
        return tuple(found)

    def curve(self, name: str) -> CurveRule:
        """One axis of robustness."""
        return next(rule for rule in self.curves if rule.name == name)


@lru_cache(maxsize=8)
def load_suites(version: str = CURRENT, folder: Path = FOLDER) -> Suites:
    """A version, as it was frozen.

    Raises:
        UnknownNameError: no such version.
        ScoreError: its numbers are not those that were frozen, or it was never frozen.
        FileFormatError: parts are missing, or make no sense.
    """
    data, digest = _read(version, folder)
    lock = folder / f"{version}.sha256"
    require(lock.is_file(), ScoreError, f"{lock} is missing: suites {version} were never frozen. Freeze them once, with `freeze`.")
    changed = f"{folder / version}.yaml has changed since it was frozen. Take the change back, or write a new version beside it."
    require(lock.read_text().strip() == digest, ScoreError, changed)
    return _suites(data, digest)


def frozen_of(suites: Suites) -> dict[str, str]:
    """Versions and digests of the frozen numbers: where they are the same, episodes of one name are."""
    splits = load_splits(suites.splits)
    return {
        "version": suites.version,
        "suites_sha256": suites.sha256,
        "splits": splits.version,
        "splits_sha256": splits.sha256,
    }


def freeze(version: str, folder: Path = FOLDER) -> str:
    """Write the digest beside a new version; the digest.

    Raises:
        UnknownNameError: no such version.
        FileFormatError: parts are missing, or make no sense.
        ScoreError: it was frozen before.
    """
    data, digest = _read(version, folder)
    _suites(data, digest)
    lock = folder / f"{version}.sha256"
    require(not lock.exists(), ScoreError, f"{lock} exists: suites {version} are frozen. Write other numbers into a new version.")
    write_text(lock, digest + "\n")
    return digest


def _read(version: str, folder: Path) -> tuple[Mapping[str, Any], str]:
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if version not in known:
        raise UnknownNameError("suites", version, known, str(folder))
    data = yaml.safe_load((folder / f"{version}.yaml").read_text())
    keys = set(data) if isinstance(data, Mapping) else set()
    require(keys == _KEYS, FileFormatError, f"suites {version}: the keys are {sorted(keys)}; wanted {sorted(_KEYS)}.")
    return data, digest_of(data)


def _suites(data: Mapping[str, Any], digest: str) -> Suites:
    where = f"suites {data['version']}"
    for name, parts in data["suites"].items():
        for part in parts:
            if part not in PARTS or part not in (*data["parts"], *RECORDED):
                raise UnknownNameError("part", part, PARTS, f"{where}, suite {name}")
        require(parts[0] == SEEN, FileFormatError, f"{where}, suite {name}: the first part has to be {SEEN!r}; the others stand beside it.")
    load_splits(data["splits"])
    least = min(data["block"], data["first_seed"] + 1, *data["parts"].values())
    require(least >= 1, FileFormatError, f"{where}: block, first_seed and episodes cannot be that few.")
    few = data["parts"][ROBUSTNESS] > data["parts"][SEEN]
    require(not few, FileFormatError, f"{where}: robustness takes its neutral level from {SEEN!r}, which needs as many episodes.")
    return Suites(
        version=data["version"],
        sha256=digest,
        splits=data["splits"],
        first_seed=int(data["first_seed"]),
        block=int(data["block"]),
        parts={name: int(count) for name, count in data["parts"].items()},
        suites={name: tuple(parts) for name, parts in data["suites"].items()},
        safety_plants=tuple(find_plant(name).name for name in data["safety_plants"]),
        curves=tuple(_curve(name, told, f"{where}, {name}") for name, told in data["curves"].items()),
    )


def _curve(name: str, told: Mapping[str, Any], where: str) -> CurveRule:
    keys = set(told)
    good = keys >= _CURVE and len(keys - _CURVE) == 1 and keys - _CURVE <= _HOW
    require(good, FileFormatError, f"{where}: the keys are {sorted(keys)}; wanted {sorted(_CURVE)} and one of {sorted(_HOW)}.")
    upset, look, words = told.get("disturbance", ""), told.get("appearance", ""), tuple(told.get("words", ()))
    for word, value, kind in (("disturbance", upset, Disturbance), ("appearance", look, Appearance)):
        names = [field.name for field in fields(kind)]
        if value and value not in names:
            raise UnknownNameError(word, value, names, where)
    for one in words:
        if one not in WORDS:
            raise UnknownNameError("words", one, WORDS, where)
    levels = [float(level) for level in told["levels"]]
    away = [abs(level - told["neutral"]) for level in levels]
    ordered = bool(levels) and away[0] > 0 and all(one < other for one, other in pairwise(away))
    require(ordered, FileFormatError, f"{where}: levels {levels} do not go ever further from the neutral {told['neutral']}.")
    fits = not words or len(words) == len(levels)
    require(fits, FileFormatError, f"{where}: {len(words)} kinds of words for {len(levels)} levels.")
    unit, neutral = str(told["unit"]), float(told["neutral"])
    rule = CurveRule(name, unit, neutral, tuple(levels), tuple(told.get("changes", ())), bool(told.get("delay")), upset, look, words)
    require(
        levels[: len(rule.asked)] == list(rule.asked) != [], FileFormatError, f"{where}: words of another chore come last, and not alone."
    )
    return rule
