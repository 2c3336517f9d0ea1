"""Recordings by simulated workers: what a camera made of a chore, and what was truly done."""

from __future__ import annotations

import multiprocessing
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from tqdm import tqdm

from motion.errors import UnknownNameError
from motion.human import HumanMotion, Subject
from motion.landmarks import LANDMARKS
from motion.lens import HEAD_LENS, SHELF_LENS
from motion.provenance import record as record_provenance
from motion.transform import Array, Transform
from workers.anthropometry import draw_physique
from workers.body import WorkerBody, build_body
from workers.camera import Errors, frame_times, head_camera, observe, shelf_camera
from workers.paths import CHORES, Style, draw_style
from workers.performance import Performance, perform

VIEWS = ("shelf", "head")
TRUTH = "truth"
LICENCE, CONSENT = "CC0-1.0", "not a person"
_BODY, _STYLE, _TAKE, _CAMERA = range(4)


@dataclass(frozen=True)
class Worker:
    """One simulated worker: the same seed is the same worker.

    Attributes:
        seed: what they were drawn from.
        name: pseudonym, "worker_000".
        body: their body.
        style: how they work.
        rate_hz: nominal frame rate of their phone.
    """

    seed: int
    name: str
    body: WorkerBody
    style: Style
    rate_hz: float


@dataclass(frozen=True)
class Recording:
    """One take: `observed` by the camera, and the `truth` at the same times."""

    observed: HumanMotion
    truth: HumanMotion


@lru_cache(maxsize=64)
def draw_worker(seed: int) -> Worker:
    """The worker of a seed."""
    rng = np.random.default_rng([_STYLE, seed])
    body = build_body(draw_physique(np.random.default_rng([_BODY, seed])))
    return Worker(seed, f"worker_{seed:03d}", body, draw_style(rng), float(rng.choice([50.0, 60.0])))


def record(chore: str, worker_seed: int, take_seed: int = 0, view: str = "shelf", errors: Errors | None = None) -> Recording:
    """Let a worker do a chore before a camera. The same arguments give the same arrays, bit for bit.

    Args:
        chore: a name in `workers.paths.CHORES`.
        worker_seed: which worker.
        take_seed: which of their takes.
        view: "shelf" sees the whole person, "head" what the worker sees.
        errors: of the camera.

    Raises:
        UnknownNameError: no such chore or view.
    """
    for kind, name, known in (("chore", chore, CHORES), ("view", view, VIEWS)):
        if name not in known:
            raise UnknownNameError(kind, name, known, "workers.record")
    errors = errors or Errors()
    worker, take = draw_worker(worker_seed), zlib.crc32(chore.encode())
    performance = perform(worker.body, worker.style, chore, np.random.default_rng([_TAKE, worker_seed, take_seed, take]))
    rng = np.random.default_rng([_CAMERA, worker_seed, take_seed, take, VIEWS.index(view)])
    time_s = frame_times(performance.duration_s, worker.rate_hz, errors, rng)
    position = performance.landmarks_at(time_s)
    lens = SHELF_LENS if view == "shelf" else HEAD_LENS
    seen, confidence = observe(time_s, position, camera_poses(view, performance, time_s, rng), lens, errors, rng)
    source = f"simulated {worker.name}, {chore}, take {take_seed}"
    config = {"chore": chore, "worker_seed": worker_seed, "take_seed": take_seed, "view": view}
    return Recording(
        observed=_motion(performance, worker, time_s, seen, confidence, f"{source}, seen by a {view} camera", config),
        truth=_motion(performance, worker, time_s, position, np.ones(position.shape[:2]), f"{source}, as truly done", config),
    )


def camera_poses(view: str, performance: Performance, time_s: Array, rng: np.random.Generator) -> Transform:
    """Poses of a view's camera, batch (T,)."""
    if view == "shelf":
        return shelf_camera(len(time_s), rng)
    body = performance.body
    head = body.kinematics.frame_poses(["middle_head"], performance.joints_at(time_s), performance.base_at(time_s))
    return head_camera(head[:, 0], body.physique.head_and_neck_m, rng)


def _motion(
    performance: Performance,
    worker: Worker,
    time_s: Array,
    position: Array,
    confidence: Array,
    source: str,
    config: Mapping[str, object],
) -> HumanMotion:
    return HumanMotion(
        time_s=time_s,
        landmarks=LANDMARKS,
        position_m=position,
        confidence=confidence,
        labels=performance.labels,
        subject=Subject(worker.name, round(worker.body.physique.stature_m, 3)),
        provenance=record_provenance(source, "workers", config=config, licence=LICENCE, consent=CONSENT),
    )


def record_many(
    chores: Sequence[str], worker_seeds: Iterable[int], takes: int, folder: Path, view: str = "shelf", processes: int | None = None
) -> tuple[Path, ...]:
    """Record every chore by every worker, `takes` times, over the cores, with a progress bar.

    Writes `worker_003_stir_00.npz` (observed) into the folder and the truth, under the same name, into `truth/` in it.

    Args:
        processes: all cores by default; 1 works in this process.

    Returns:
        the observed files, in the order of workers, chores, takes.

    Raises:
        UnknownNameError: no such chore or view.
    """
    jobs = [(chore, seed, take, view, folder) for seed in worker_seeds for chore in chores for take in range(takes)]
    processes = min(processes or os.cpu_count() or 1, len(jobs))
    if processes <= 1:
        return _with_bar(map(_record_to_file, jobs), len(jobs))
    # Spawned, not forked: other rooms of the same program may run threads.
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        return _with_bar(pool.map(_record_to_file, jobs, chunksize=max(1, min(takes, len(jobs) // processes))), len(jobs))


def _with_bar(done: Iterator[Path], total: int) -> tuple[Path, ...]:
    return tuple(tqdm(done, total=total, desc="record", unit="take", disable=None))


def _record_to_file(job: tuple[str, int, int, str, Path]) -> Path:
    chore, seed, take, view, folder = job
    recording = record(chore, seed, take, view)
    path = Path(folder) / f"{draw_worker(seed).name}_{chore}_{take:02d}.npz"
    recording.truth.save(path.parent / TRUTH / path.name)
    recording.observed.save(path)
    return path
