"""Workers film chores with things: one recording per worker, layout and take, with the truth beside."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from tqdm import tqdm

from envs.chores.registry import make_household
from envs.household.chore import Household
from motion.cores import over_cores
from motion.errors import UnderstudyError
from motion.human import HumanMotion
from workers.handwork.registry import handwork, known_scripts
from workers.handwork.style import HandStyle, draw_hand_style
from workers.household.record import record_handling, save_recording
from workers.record import Recording, Worker, draw_worker

ANY_ROBOT = "g1_dex3"
"""Scenes are the same for every robot; this one is built to draw them."""
_STYLE, _HANDWORK = 21, 22


def record_chore(chore: str, variant: str, seed: int, worker_seed: int, take: int = 0, view: str = "head") -> Recording:
    """Let a worker do a chore in one of its scenes. The same arguments give the same arrays, bit for bit.

    Args:
        chore: a chore with things.
        variant: its task and held-out axis; "" for its usual task.
        seed: of the scene.
        worker_seed: which worker.
        take: which of their takes.
        view: "head" or "shelf".

    Raises:
        UnknownNameError: no such chore, variant or view, or nobody knows how hands do it.
    """
    made, worker = _chore(chore), draw_worker(worker_seed)
    scene = made.scene(variant or made.variants[0], seed)
    salt = zlib.crc32(f"{chore}/{scene.variant}".encode())
    handling = handwork(scene, hand_style(worker), np.random.default_rng([_HANDWORK, worker_seed, seed, take, salt]))
    recording = record_handling(worker, handling, scene.things, take_seed=(salt + 7919 * seed + take) % 2**31, view=view)
    facts = {"chore": chore, "variant": scene.variant, "seed": seed, "worker_seed": worker_seed, "take": take}
    return Recording(_told(recording.observed, facts), _told(recording.truth, facts))


def hand_style(worker: Worker) -> HandStyle:
    """How a worker's hands work; the same in all of their takes."""
    return draw_hand_style(np.random.default_rng([_STYLE, worker.seed]), worker.style.main_side)


@lru_cache(maxsize=16)
def _chore(name: str) -> Household:
    return make_household(name, ANY_ROBOT)


def _told(motion: HumanMotion, facts: dict[str, object]) -> HumanMotion:
    provenance = replace(motion.provenance, config={**motion.provenance.config, **facts})
    return replace(motion, provenance=provenance)


def record_chores(
    chores: Sequence[str],
    worker_seeds: Iterable[int],
    layouts: int,
    folder: Path,
    variant: str = "",
    first_layout: int = 0,
    takes: int = 1,
    view: str = "head",
    jobs: int | None = None,
) -> tuple[Path, ...]:
    """Every worker does every chore in as many layouts, over the cores, with a progress bar.

    Every worker meets layouts of their own: the n-th worker those from `first_layout + n * layouts` on. Writes
    `worker_003_pour_cup_full_0012_00.npz` (worker, chore, variant, layout, take) into the folder, the truth into `truth/`.

    Raises:
        UnknownNameError: no such chore, variant or view.
        UnderstudyError: a process was killed.
    """
    for chore in chores:
        made = _chore(chore)
        made.variant_index([variant or made.variants[0]])
    own = [
        (chore, variant or _chore(chore).variants[0], first_layout + number * layouts + layout, worker, take, view, Path(folder))
        for number, worker in enumerate(worker_seeds)
        for chore in chores
        for layout in range(layouts)
        for take in range(takes)
    ]
    jobs = min(jobs or os.cpu_count() or 1, len(own))
    paths: dict[int, Path] = {}
    with tqdm(total=len(own), desc="record", unit="take", disable=None) as bar:
        done = over_cores(_record_to_file, own, jobs) if jobs > 1 else ((i, _record_to_file(*task)) for i, task in enumerate(own))
        for index, path in done:
            if path is None:
                raise UnderstudyError(f"the process that recorded {own[index][:5]} was killed from outside.")
            paths[index] = path
            bar.update()
    return tuple(paths[index] for index in range(len(own)))


def _record_to_file(chore: str, variant: str, seed: int, worker_seed: int, take: int, view: str, folder: Path) -> Path:
    recording = record_chore(chore, variant, seed, worker_seed, take, view)
    name = f"{draw_worker(worker_seed).name}_{chore}_{variant.replace('@', '-')}_{seed:04d}_{take:02d}"
    return save_recording(recording, folder, name)


def films_by_hand() -> tuple[str, ...]:
    """Chores with things that workers know how to do."""
    return tuple(known_scripts())
