"""Episodes of the chores for benchmarks: nothing done, people's true recordings replayed, and noisy ones, refined where they fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from envs.actors import HoldActor
from envs.chores.registry import make_household
from envs.household.refine import RefineSettings
from envs.rollout import all_episodes, rollout
from retarget.cores import over_cores
from workers.household.demonstrate import Demonstrated, Source, demonstrate
from workers.household.film import record_chore

ROBOT = "g1_dex3"
CHORES = ("tidy_counter", "pour_cup", "stir_pot", "fragile_glass", "operate_appliance")
WORKERS = 20
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
    found: dict[int, list[Run]] = {}
    for index, runs in over_cores(replay_block, tasks, jobs):
        if runs is None:
            raise SystemExit(f"the process of {tasks[index]} was killed")
        found[index] = runs
    return [run for index in sorted(found) for run in found[index]]


def replay_block(chore: str, robot: str, noisy: bool, seeds: Sequence[int], rounds: int, variant: str) -> list[Run]:
    """Record and replay some seeds in this process."""
    made = make_household(chore, robot)
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
