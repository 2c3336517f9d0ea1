"""Chores with things against their bars: `python -m benchmarks.envs [--only STAGE]`; `--only oracle_pour_cup` runs one chore."""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.chore_runs import CHORES, ROBOT, noisy_rows, nothing_rows, oracle_rows, waving_steps_per_s
from benchmarks.robosuite_speed import robosuite_steps_per_s
from benchmarks.table import Row, run
from envs.chores.registry import make_household
from envs.disturbance import Disturbance
from envs.episodes import Episode, Episodes
from envs.household.picture import Placement, SceneRenderer
from envs.plants import find_plant

KITCHEN = "tidy_counter"
"""The scene with the most things: its speed is the one that is judged."""
_TURNS = 20
_MANY = 64
"""Environments side by side where threads are compared: what Python does between the physics hardly depends on their number."""


def speed() -> list[Row]:
    """Physics steps per second of whole environments, the robot moving, and what a second thread brings."""
    few, many = (waving_steps_per_s(KITCHEN, (1, 2), _TURNS, slots) for slots in (16, _MANY))
    one = few[:, 0].max()
    rows = [Row("speed_kitchen", one, 10_000, "steps/s")]
    rows.append(Row("speed_two_threads", float(np.median(many[:, 1] / many[:, 0])), 1.7, "x", note=f"{_MANY} environments"))
    rows.append(Row("speed_two_threads_16", float(np.median(few[:, 1] / few[:, 0])), unit="x", note="16 environments"))
    rows += [Row(f"speed_{chore}", waving_steps_per_s(chore, (1,), _TURNS).max(), unit="steps/s") for chore in CHORES if chore != KITCHEN]
    peer = robosuite_steps_per_s()
    rows.append(Row("speed_over_robosuite", one / peer.steps_per_s if peer.steps_per_s else float("nan"), 1.5, "x", note=peer.note))
    return rows


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
    "nothing": partial(nothing_rows, CHORES),
    **{f"oracle_{chore}": partial(oracle_rows, chore, 90.0) for chore in CHORES},
    **{f"noisy_{chore}": partial(noisy_rows, chore, 70.0, 85.0) for chore in CHORES},
}

if __name__ == "__main__":
    run("envs", STAGES)
