"""Chores with things against their bars: `python -m benchmarks.envs [--only STAGE]`; `--only oracle_pour_cup` runs one chore."""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import hashlib
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from benchmarks.chore_runs import CHORES, ROBOT, Run, idle, replayed
from benchmarks.robosuite_speed import robosuite_steps_per_s
from benchmarks.table import Row, run
from envs.chores.registry import make_household
from envs.disturbance import Disturbance
from envs.episodes import Episode, Episodes
from envs.household.picture import Placement, SceneRenderer
from envs.plants import find_plant

KITCHEN = "tidy_counter"
"""The scene with the most things: its speed is the one that is judged."""
IDLE_SEEDS, ORACLE_SEEDS, NOISY_SEEDS = range(10), range(100), range(1000, 1020)
_JOBS = os.cpu_count() or 1
_TURNS = 20


def nothing() -> list[Row]:
    """Doing nothing."""
    return [Row(f"nothing_{chore}", 100 * np.mean(idle(chore, ROBOT, IDLE_SEEDS)), 0.0, "%", False) for chore in CHORES]


def oracle(chore: str) -> list[Row]:
    """A worker's true recording, retargeted and replayed in that very layout."""
    runs = replayed(chore, ROBOT, False, ORACLE_SEEDS, 0, _JOBS)
    return [
        Row(f"oracle_{chore}", 100 * np.mean([one.plain for one in runs]), 90.0, "%", note=_why(runs)),
        Row(f"oracle_{chore}_safe", 100 * np.mean([one.safe for one in runs]), unit="%", note=_harm(runs)),
    ]


def noisy(chore: str) -> list[Row]:
    """A worker's noisy recording: the scene set from its tracks, replayed, refined where that fails."""
    runs = replayed(chore, ROBOT, True, NOISY_SEEDS, 3, _JOBS)
    admitted = [one for one in runs if one.admitted]
    return [
        Row(f"noisy_{chore}_admitted", 100 * len(admitted) / len(runs), unit="%"),
        Row(f"noisy_{chore}", 100 * np.mean([one.plain for one in admitted]), 70.0, "%"),
        Row(f"noisy_{chore}_refined", 100 * np.mean([one.success for one in admitted]), 85.0, "%", note=_why(runs)),
        Row(f"noisy_{chore}_safe", 100 * np.mean([one.safe for one in admitted]), unit="%", note=_harm(runs)),
    ]


def _why(runs: list[Run]) -> str:
    reasons = Counter((one.dropped_at, one.reason[:60]) for one in runs if one.reason)
    return "; ".join(f"{count} x {step}: {reason}" for (step, reason), count in reasons.most_common(3))


def _harm(runs: list[Run]) -> str:
    harms = Counter(name for one in runs if one.success for name in one.violations)
    return ", ".join(f"{name} {count}" for name, count in harms.most_common(4))


def speed() -> list[Row]:
    """Physics steps per second of whole environments, the robot moving, and what a second thread brings."""
    both = _steps_per_s(KITCHEN, (1, 2))
    one, ratio = both[:, 0].max(), float(np.median(both[:, 1] / both[:, 0]))
    rows = [Row("speed_kitchen", one, 10_000, "steps/s"), Row("speed_two_threads", ratio, 1.7, "x")]
    rows += [Row(f"speed_{chore}", _steps_per_s(chore, (1,)).max(), unit="steps/s") for chore in CHORES if chore != KITCHEN]
    peer = robosuite_steps_per_s()
    rows.append(Row("speed_over_robosuite", one / peer.steps_per_s if peer.steps_per_s else float("nan"), 1.5, "x", note=peer.note))
    return rows


def _steps_per_s(chore: str, threads: Sequence[int], slots: int = 16, periods: int = 20) -> np.ndarray:
    """(turns, threads) of short runs, in turns, so that a busy moment of the machine hits all numbers of threads alike."""
    made = make_household(chore, ROBOT)
    ids, plant = np.arange(slots), find_plant("nominal")
    runners = [Episodes(made, slots, count) for count in threads]
    for runner in runners:
        runner.reset(ids, [Episode(made.variants[0], plant, seed) for seed in range(slots)])
    substeps = round(0.02 / made.physics.timestep_s)
    found = np.zeros((_TURNS, len(runners)))
    for turn in range(_TURNS):
        wave = 0.25 * np.sin(2 * np.pi * 0.5 * 0.02 * np.arange(turn * periods, (turn + 1) * periods))
        for index, runner in enumerate(runners):
            begin = time.perf_counter()
            for value in wave:
                runner.step(ids, np.tile(made.robot.rest_rad + value, (slots, 1)))
            found[turn, index] = slots * substeps * periods / (time.perf_counter() - begin)
    return found


def determinism() -> list[Row]:
    """Whether the same episodes are bit-equal beside 0, 1 and 15 others, on two threads, and in another process."""
    rows = []
    for chore in CHORES:
        digests = {digest_of(chore, slots, threads) for slots, threads in ((1, 1), (2, 2), (16, 1))}
        words = [sys.executable, "-c", f"from benchmarks.envs import digest_of; print(digest_of({chore!r}, 2, 1))"]
        digests.add(subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()[-1])
        rows.append(Row(f"determinism_{chore}", len(digests), 1, "different results", False))
    return rows


def digest_of(chore: str, slots: int, threads: int) -> str:
    """Digest of all arrays of 16 episodes' first second, in a plant that draws, upset by noise and pushes, arms waving."""
    made = make_household(chore, ROBOT)
    runner = Episodes(made, slots, threads, Disturbance(start_noise_rad=0.02, action_noise_rad=0.02, pushes_per_s=0.5))
    digest, ids, plant = hashlib.sha256(), np.arange(slots), find_plant("varied_home")
    for first in range(0, 16, slots):
        runner.reset(ids, [Episode(made.variants[0], plant, first + slot) for slot in ids])
        for step in range(50):
            runner.step(ids, np.tile(made.robot.rest_rad + 0.2 * np.sin(0.1 * step), (slots, 1)))
        for slot in ids:
            done = runner.demonstration(int(slot), "wave")
            for group in (done.observations, done.signals, {"actions": done.actions}):
                for name in sorted(group):
                    digest.update(np.ascontiguousarray(group[name]).tobytes())
            digest.update(f"{done.success} {done.progress!r} {sorted(done.safety.items())!r}".encode())
    return digest.hexdigest()


def rendering() -> list[Row]:
    """A picture of the full scene on one core."""
    made = make_household(KITCHEN, ROBOT)
    episodes = Episodes(made, 1, 1)
    episodes.reset([0], [Episode(made.variants[0], find_plant("nominal"), 0)])
    times = []
    with SceneRenderer(made) as renderer:
        renderer.set_episode(made.variants[0], 0)
        for camera in 60 * ("head", "shelf"):
            begin = time.perf_counter()
            renderer.place(Placement.of_state(episodes.state(0)))
            renderer.picture(camera)
            times.append(time.perf_counter() - begin)
    return [Row("rendering_320x240", 1e3 * float(np.median(times)), 15.0, "ms", False)]


STAGES: dict[str, Callable[[], list[Row]]] = {
    "speed": speed,
    "rendering": rendering,
    "determinism": determinism,
    "nothing": nothing,
    **{f"oracle_{chore}": partial(oracle, chore) for chore in CHORES},
    **{f"noisy_{chore}": partial(noisy, chore) for chore in CHORES},
}

if __name__ == "__main__":
    run("envs", STAGES)
