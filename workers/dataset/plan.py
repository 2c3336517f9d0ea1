"""What a data set is to be made of: a list of jobs, the same for any number of processes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from envs.disturbance import MILD, Disturbance
from envs.household.replay_law import LAW, ReplayLaw
from envs.household.splits import Splits
from motion.errors import UnderstudyError, UnknownNameError, require

TRAIN = "train"
TESTS: Mapping[str, str] = {"test_objects": "objects", "test_layouts": "layouts", "test_workers": "workers", "test_chores": "chores"}
"""Split -> the axis that it holds out; none of it is in training."""
RECORDED, AUGMENTED = "recorded", "augmented"
_APART = 100_000
"""Layouts of different splits are this far apart, so that none is in two of them."""


@dataclass(frozen=True)
class Recipe:
    """What a data set is made of.

    Attributes:
        chores: which.
        robot: whose demonstrations.
        workers: how many people of training show the chores.
        layouts: of each chore, in all: as many demonstrations are tried for.
        recorded: share of the layouts of training that people record; the others are carried over from these.
        tests: share of a chore's layouts that are kept for tests, evenly for each axis that it can hold out. Tests are recorded.
        origins: recordings that a carried-over layout may be made from, one after the other until one succeeds.
        rounds, tries: of the refinement of recordings; what is carried over is refined in `augmented_rounds`.
        augmented_rounds: see there.
        safely: keep only demonstrations that harm nothing.
        first_layout: seed of the first layout.
        view: of the camera: "head" or "shelf".
        plant: in which it is replayed.
        action_noise_rad: of noise on the actions while it is replayed (`envs.disturbance`); recorded are the actions that were
            wanted, so that demonstrations show the way back, too.
        base_drift: how far a driving base strays meanwhile, as a share of its speed; that shows the way back, too.
        least_grip_n: no grip is softer while it is replayed. Firm grips hold whatever a thing weighs and however smooth it is, which
            who learns from the demonstrations cannot see.
        tasks: chore -> which of its tasks, for chores whose usual one is not wanted.
    """

    chores: tuple[str, ...]
    robot: str = "g1_dex3"
    workers: int = 40
    layouts: int = 200
    recorded: float = 0.25
    tests: float = 0.2
    origins: int = 2
    rounds: int = 2
    tries: int = 6
    augmented_rounds: int = 0
    safely: bool = False
    first_layout: int = 0
    view: str = "head"
    plant: str = "nominal"
    action_noise_rad: float = 0.0
    base_drift: float = 0.0
    least_grip_n: float = LAW.least_grip_n
    tasks: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require(bool(self.chores), UnderstudyError, "a data set needs a chore: chores=.")
        require(min(self.workers, self.layouts, self.origins, self.tries) > 0, UnderstudyError, f"at least 1 of each is needed: {self}.")
        require(0 < self.recorded <= 1 and 0 <= self.tests < 1, UnderstudyError, "recorded= lies in 0 .. 1, tests= from 0 to below 1.")
        require(self.least_grip_n > 0, UnderstudyError, f"least_grip_n is {self.least_grip_n}; a grip that holds is above 0.")
        for name in ("action_noise_rad", "base_drift"):
            require(getattr(self, name) >= 0, UnderstudyError, f"{name} is {getattr(self, name)}; a spread is not negative.")
        twice = sorted({name for name in self.chores if self.chores.count(name) > 1})
        require(not twice, UnderstudyError, f"{', '.join(twice)}: named twice in chores=.")

    @property
    def law(self) -> ReplayLaw:
        """How recordings are replayed."""
        return replace(LAW, least_grip_n=self.least_grip_n)

    @property
    def disturbance(self) -> Disturbance:
        """What upsets every replay."""
        return replace(MILD, action_noise_rad=self.action_noise_rad, base_drift=self.base_drift)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self) | {"chores": list(self.chores), "tasks": dict(self.tasks)}


@dataclass(frozen=True)
class Job:
    """One demonstration that is to be made.

    Attributes:
        split: "train", or one of `TESTS`.
        chore, variant, layout: its scene; the layout is the seed.
        kind: "recorded" or "augmented".
        worker: seed of who records it; -1 for what is augmented: who showed its origin shows it.
    """

    split: str
    chore: str
    variant: str
    layout: int
    kind: str
    worker: int = -1

    @property
    def group(self) -> str:
        """The folder of its data set."""
        return f"{self.split}/{self.chore}"

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return f"{self.group}/{self.kind}_{self.layout:06d}"


def jobs_of(recipe: Recipe, variants: Mapping[str, Sequence[str]], splits: Splits) -> list[Job]:
    """All jobs, chore after chore: those of training first, recorded before augmented.

    Args:
        recipe: what is wanted.
        variants: chore -> its variants, the usual one first.
        splits: who and what is held out.

    Raises:
        UnderstudyError: more workers than training has.
        UnknownNameError: a chore that is not made, or a task that it does not have.
    """
    train, test = splits.workers(), splits.workers(held_out=True)
    rule = f"workers={recipe.workers}: training has {len(train)} workers in splits {splits.version}."
    require(recipe.workers <= len(train), UnderstudyError, rule)
    for chore in recipe.tasks:
        if chore not in recipe.chores:
            raise UnknownNameError("chore", chore, recipe.chores, "tasks=")
    found: list[Job] = []
    for chore in recipe.chores:
        usual = _usual(chore, variants[chore], recipe)
        if chore in splits.held_out_chores:
            found += _mixed("test_chores", chore, usual, recipe, recipe.layouts, train[: recipe.workers])
            continue
        kept = _kept_for_tests(usual, variants[chore], recipe)
        found += _mixed(TRAIN, chore, usual, recipe, recipe.layouts - sum(kept.values()), train[: recipe.workers])
        for split, count in kept.items():
            who = test if TESTS[split] == "workers" else train[: recipe.workers]
            variant = usual if TESTS[split] == "workers" else f"{usual}@{TESTS[split]}"
            found += _recorded(split, chore, variant, recipe, count, who)
    return found


def _usual(chore: str, variants: Sequence[str], recipe: Recipe) -> str:
    """The task that is wanted of a chore."""
    tasks = [variant for variant in variants if "@" not in variant]
    wanted = str(recipe.tasks.get(chore, tasks[0]))
    if wanted not in tasks:
        raise UnknownNameError("task", wanted, tasks, f"tasks= for chore {chore}")
    return wanted


def _kept_for_tests(usual: str, variants: Sequence[str], recipe: Recipe) -> dict[str, int]:
    """Test split -> how many layouts."""
    able = [split for split, axis in TESTS.items() if axis == "workers" or f"{usual}@{axis}" in variants]
    each = round(recipe.tests * recipe.layouts / len(able))
    return {split: each for split in able if each}


def _mixed(split: str, chore: str, variant: str, recipe: Recipe, count: int, workers: Sequence[int]) -> list[Job]:
    """Some layouts recorded, the others augmented from these."""
    shown = math.ceil(recipe.recorded * count)
    first = _first(recipe, split)
    carried = [Job(split, chore, variant, first + number, AUGMENTED) for number in range(shown, count)]
    return _recorded(split, chore, variant, recipe, shown, workers) + carried


def _recorded(split: str, chore: str, variant: str, recipe: Recipe, count: int, workers: Sequence[int]) -> list[Job]:
    first = _first(recipe, split)
    return [Job(split, chore, variant, first + number, RECORDED, workers[number % len(workers)]) for number in range(count)]


def _first(recipe: Recipe, split: str) -> int:
    return recipe.first_layout + _APART * (0 if split == TRAIN else 1 + list(TESTS).index(split))
