"""Episodes of the chores for benchmarks: nothing done, people's true recordings replayed, and noisy ones, refined where they fail."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.parallel import in_order
from benchmarks.table import Row
from envs.actors import HoldActor
from envs.chores.registry import make_household
from envs.episodes import Episode, Episodes
from envs.household.refine import RefineSettings
from envs.model import BaseMode
from envs.plants import find_plant
from envs.reference import PERIOD_S
from envs.rollout import all_episodes, rollout
from workers.household.demonstrate import Demonstrated, Source, demonstrate
from workers.household.film import record_chore

ROBOT = "g1_dex3"
CHORES = ("tidy_counter", "pour_cup", "stir_pot", "fragile_glass", "operate_appliance")
WORKERS = 20
IDLE_SEEDS, ORACLE_SEEDS, NOISY_SEEDS, ROUNDS = range(10), range(100), range(1000, 1020), 3
JOBS = os.cpu_count() or 1
_BLOCK, _SLOTS = 10, 10


@dataclass(frozen=True)
class Run:
    """What became of one recording."""

    seed: int
    admitted: bool
    plain: bool
    success: bool
    safe: bool
    rounds: int
    dropped_at: str
    reason: str
    violations: tuple[str, ...]


def idle(chore: str, robot: str, seeds: Sequence[int]) -> list[bool]:
    """Whether doing nothing succeeded, per seed."""
    made = make_household(chore, robot)
    return [
        done.success for done in rollout(made, HoldActor(), all_episodes(made, seeds=seeds, variants=made.variants[:1]), _SLOTS, threads=0)
    ]


def replayed(chore: str, robot: str, noisy: bool, seeds: Sequence[int], rounds: int, jobs: int, variant: str = "") -> list[Run]:
    """Recordings of as many workers as there are, one per seed, replayed on a robot, over the cores."""
    blocks = [tuple(seeds[begin : begin + _BLOCK]) for begin in range(0, len(seeds), _BLOCK)]
    tasks = [(chore, robot, noisy, block, rounds, variant) for block in blocks]
    return [run for runs in in_order(replay_block, tasks, jobs, "block", "replay") for run in runs]


def replay_block(
    chore: str, robot: str, noisy: bool, seeds: Sequence[int], rounds: int, variant: str, base: BaseMode | None = None
) -> list[Run]:
    """Record and replay some seeds in this process."""
    made = make_household(chore, robot, base)
    variant = variant or made.variants[0]
    recordings = {seed: record_chore(chore, variant, seed, seed % WORKERS) for seed in seeds}
    sources = [
        Source(str(seed), variant, seed, motion=recording.observed if noisy else recording.truth) for seed, recording in recordings.items()
    ]
    done = demonstrate(made, sources, stage=noisy, refine=RefineSettings(rounds=rounds), slots=_SLOTS, threads=1)
    return [_run(seed, one) for seed, one in zip(seeds, done, strict=True)]


def _run(seed: int, one: Demonstrated) -> Run:
    best = one.attempt.demonstration if one.attempt is not None else None
    return Run(
        seed=seed,
        admitted=one.admitted,
        plain=one.plain,
        success=best is not None and best.success,
        safe=best is not None and best.success and not best.violations,
        rounds=one.attempt.rounds if one.attempt is not None else 0,
        dropped_at=one.dropped_at,
        reason=one.reason,
        violations=best.violations if best is not None else (),
    )


def nothing_rows(chores: Sequence[str]) -> list[Row]:
    """Doing nothing to the end."""
    return [Row(f"nothing_{chore}", 100 * np.mean(idle(chore, ROBOT, IDLE_SEEDS)), 0.0, "%", False) for chore in chores]


def oracle_rows(chore: str, bar: float) -> list[Row]:
    """A worker's true recording, retargeted and replayed in that very layout."""
    runs = replayed(chore, ROBOT, False, ORACLE_SEEDS, 0, JOBS)
    return [
        Row(f"oracle_{chore}", 100 * np.mean([one.plain for one in runs]), bar, "%", note=_why(runs)),
        Row(f"oracle_{chore}_safe", 100 * np.mean([one.safe for one in runs]), unit="%", note=_harm(runs)),
    ]


def noisy_rows(chore: str, plain_bar: float, refined_bar: float) -> list[Row]:
    """A worker's noisy recording: the scene set from its tracks, replayed, refined where that fails."""
    runs = replayed(chore, ROBOT, True, NOISY_SEEDS, ROUNDS, JOBS)
    admitted = [one for one in runs if one.admitted]
    return [
        Row(f"noisy_{chore}_admitted", 100 * len(admitted) / len(runs), unit="%"),
        Row(f"noisy_{chore}", 100 * np.mean([one.plain for one in admitted]), plain_bar, "%"),
        Row(f"noisy_{chore}_refined", 100 * np.mean([one.success for one in admitted]), refined_bar, "%", note=_why(runs)),
        Row(f"noisy_{chore}_safe", 100 * np.mean([one.safe for one in admitted]), unit="%", note=_harm(runs)),
    ]


def _why(runs: Sequence[Run]) -> str:
    reasons = Counter((one.dropped_at, one.reason[:60]) for one in runs if one.reason)
    return "; ".join(f"{count} x {step}: {reason}" for (step, reason), count in reasons.most_common(3))


def _harm(runs: Sequence[Run]) -> str:
    harms = Counter(name for one in runs if one.success for name in one.violations)
    return ", ".join(f"{name} {count}" for name, count in harms.most_common(4))


def waving_steps_per_s(chore: str, threads: Sequence[int], turns: int, slots: int = 16, periods: int = 20) -> np.ndarray:
    """(turns, threads) physics steps per second of whole environments, the robot moving.

    Short runs on each number of threads, in turns, so that a busy moment of the machine hits all of them alike.
    """
    made = make_household(chore, ROBOT)
    ids, plant, names = np.arange(slots), find_plant("nominal"), made.action_names
    runners = [Episodes(made, slots, count) for count in threads]
    for runner in runners:
        runner.reset(ids, [Episode(made.variants[0], plant, seed) for seed in range(slots)])
    substeps, rest = round(PERIOD_S / made.physics.timestep_s), np.zeros(len(names))
    rest[: len(made.robot.rest_rad)] = made.robot.rest_rad
    joints = np.arange(len(names)) < len(made.robot.rest_rad)
    found = np.zeros((turns, len(runners)))
    for turn in range(turns):
        wave = 0.25 * np.sin(2 * np.pi * 0.5 * PERIOD_S * np.arange(turn * periods, (turn + 1) * periods))
        for index, runner in enumerate(runners):
            begin = time.perf_counter()
            for value in wave:
                runner.step(ids, np.tile(rest + value * joints, (slots, 1)))
            found[turn, index] = slots * substeps * periods / (time.perf_counter() - begin)
    return found
