"""Retargeting against its bars and its peers, one core unless a row says otherwise: `python -m benchmarks.retarget [--only STAGE]`."""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.bodies import bandai, bandai_targets, body, climbs, streamed, tracking
from benchmarks.clips import clip_stage
from benchmarks.hands import gloved, pinch_stage, position_rows
from benchmarks.peers import PEERS, Followed, follow
from benchmarks.round_trip import round_trip_rows
from benchmarks.table import Row, data_folder, run
from retarget.batch import retarget_many
from retarget.measure import measure
from retarget.pipeline import RetargetSettings, retarget_motion
from retarget.problem import SolverSettings
from retarget.robot_motions import read_robot_motion
from retarget.sources.base import read_recording
from retarget.targets import Targets, build_targets

REPEATS_N = 3
FILM_ACCELERATION = 0.02
COPIES_N = 8
"""How often every clip is retargeted over the cores, so that starting the processes does not count for much."""


def our_fps(robot: str, items: Sequence[Targets]) -> float:
    """Frames per second of the streaming solver over all clips, first frames (the start-up) included."""
    seconds = sum(float(streamed(body(robot), item).seconds.sum()) for item in items)
    return sum(int(item.usable.sum()) for item in items) / seconds


def peer_runs(name: str) -> tuple[float, list[Followed]]:
    """Frames per second of a peer over all clips, and what it made of them."""
    runs = [follow(PEERS[name](body(), item), item) for item in bandai_targets()]
    return sum(len(run.motion.time_s) for run in runs) / sum(run.seconds for run in runs), runs


def speed() -> list[Row]:
    """Frames per second of all sides, taken in turn, so that all see the same machine."""
    our_fps("g1", bandai_targets())  # warm-up
    ours: list[float] = []
    theirs: dict[str, list[float]] = {name: [] for name in PEERS}
    runs: dict[str, list[Followed]] = {}
    for _ in range(REPEATS_N):
        ours.append(our_fps("g1", bandai_targets()))
        for name in PEERS:
            fps, runs[name] = peer_runs(name)
            theirs[name].append(fps)
    rows = [Row("streaming frames/s, G1 29, one core", max(ours), 4000, "frames/s", note=f"best of {REPEATS_N}")]
    for name, bar in (("pin-pink", 7), ("mink", None)):
        ratio = float(np.median(np.array(ours) / theirs[name]))
        foot, limb = tracking(body(), [(run.motion, run.targets) for run in runs[name]])
        rows += [
            Row(f"times {name} (daqp), same targets", ratio, bar, "x", note=f"median of {REPEATS_N} paired runs"),
            Row(f"{name} frames/s", max(theirs[name]), None, "frames/s"),
            Row(f"{name} foot error", foot, None, "mm"),
            Row(f"{name} limb direction error", limb, None, "deg"),
        ]
    return rows + hands_and_body_speed()


def hands_and_body_speed() -> list[Row]:
    """Body and both hands in one solve: the clips, with the glove's fingers on both of the person's hands."""
    items = [build_targets(body("g1_dex3"), clip) for clip in gloved(bandai())]
    our_fps("g1_dex3", items)  # warm-up
    fps = max(our_fps("g1_dex3", items) for _ in range(REPEATS_N))
    return [Row("streaming frames/s, G1 + Dex3 43, body and both hands", fps, 2500, "frames/s", note=f"best of {REPEATS_N}")]


def quality() -> list[Row]:
    """Tracking, limits and what does not depend on targets, frame by frame as a stream."""
    done = [streamed(body(), item) for item in bandai_targets()]
    foot, limb = tracking(body(), zip((one.motion for one in done), bandai_targets(), strict=True))
    cards = [measure(body(), clip, one.motion, item).numbers for clip, one, item in zip(bandai(), done, bandai_targets(), strict=True)]
    unsolved = float(sum((~one.motion.solved).sum() for one in done))
    return [
        Row("foot error, 25 Bandai-Namco clips", foot, 9.5, "mm", at_least=False),
        Row("limb direction error", limb, 10.3, "deg", at_least=False),
        Row("position-limit violations", _total(cards, "position_violations"), 0, at_least=False),
        Row("speed-limit violations", _total(cards, "speed_violations"), 0, at_least=False),
        Row("unsolved frames", unsolved, 0, at_least=False),
        Row("foot slip while standing", _mean(cards, "slip_mm_s"), None, "mm/s"),
        Row("drift per stance", _mean(cards, "drift_mm"), None, "mm"),
        Row("float while standing", _mean(cards, "float_mm"), None, "mm"),
        Row("deepest sole", max(card["penetration_max_mm"] for card in cards), None, "mm"),
        Row("jumps over 0.5 rad", _total(cards, "jumps"), None),
        Row("mean jerk", _mean(cards, "jerk_rad_s3"), None, "rad/s3"),
        Row("self-contact", _mean(cards, "self_contact_pct"), None, "% of frames"),
    ]


def _total(cards: Iterable, key: str) -> float:
    return float(sum(card[key] for card in cards))


def _mean(cards: Iterable, key: str) -> float:
    return float(np.nanmean([card[key] for card in cards]))


def cores() -> list[Row]:
    """Files over one process and over two, from reading to writing, the start of the processes included."""
    paths = sorted((data_folder() / "body" / "bandai_namco").glob("*.bvh")) * COPIES_N
    seconds = {jobs: _batch_seconds(paths, jobs) for jobs in (1, 2)}
    return [
        Row("two processes over one", seconds[1] / seconds[2], 1.8, "x", note=f"{len(paths)} files"),
        Row("files/s, two processes", len(paths) / seconds[2], None, "files/s"),
    ]


def _batch_seconds(paths: Sequence[Path], jobs: int) -> float:
    with TemporaryDirectory() as folder:
        outputs = [Path(folder) / f"{index}.npz" for index in range(len(paths))]
        begin = time.perf_counter()
        failed = [done.error for done in retarget_many(paths, outputs, "g1", RetargetSettings(self_contact=False), jobs) if done.error]
        spent = time.perf_counter() - begin
    assert not failed, failed[0]
    return spent


def asap() -> list[Row]:
    """ASAP's own G1 motions beside ours from the same recordings, both by our score and as a stranger's.

    The recordings are estimated from film, and shake; ours are smoothed as one would smooth film.
    """
    ours, theirs, film = [], [], RetargetSettings(solver=SolverSettings(acceleration=FILM_ACCELERATION))
    for path in sorted((data_folder() / "reference" / "asap_smpl_to_g1" / "robot_g1").glob("*.npz")):
        human = read_recording(path).motion
        ours.append(measure(body(), human, retarget_motion(human, body(), film).motion).numbers)
        theirs.append(measure(body(), human, read_robot_motion(path, body().robot).motion).numbers)
    rows = []
    for key, name, unit in (
        ("slip_mm_s", "slip", "mm/s"),
        ("float_mm", "float", "mm"),
        ("jerk_rad_s3", "jerk", "rad/s3"),
        ("limb_deg", "limb direction", "deg"),
        ("penetration_max_mm", "deepest sole", "mm"),
        ("self_contact_pct", "self-contact", "%"),
    ):
        won = sum(a[key] < b[key] for a, b in zip(ours, theirs, strict=True))
        note = f"the bar is ASAP's mean; better in {won} of {len(ours)} clips"
        rows.append(Row(f"beside ASAP: {name}", _mean(ours, key), _mean(theirs, key), unit, at_least=False, note=note))
    return rows


def others() -> list[Row]:
    """The ASAP pairs, the window washer and the climb."""
    data = data_folder()
    pairs = sorted((data / "reference" / "asap_smpl_to_g1" / "robot_g1").glob("*.npz"))
    sets = {
        "ASAP human side (14 clips)": ([read_recording(path).motion for path in pairs], 0),
        "CMU window washing": ([read_recording(data / "body" / "cmu_washwindow" / "washwindow_1_xyz.npz").motion], 1),
        "climb": (climbs(), 10),
    }
    rows = []
    for name, (humans, broken) in sets.items():
        items = [build_targets(body(), human) for human in humans]
        motions = [streamed(body(), item).motion for item in items]
        foot, limb = tracking(body(), zip(motions, items, strict=True))
        unsolved = float(sum((~motion.solved).sum() for motion in motions))
        note = "(frames broken in the recording)" if broken else ""
        rows += [
            Row(f"{name}: unsolved frames", unsolved, broken, at_least=False, note=note),
            Row(f"{name}: foot error", foot, None, "mm"),
            Row(f"{name}: limb direction error", limb, None, "deg"),
        ]
    return rows


STAGES = {
    "quality": quality,
    "speed": speed,
    "clip": clip_stage,
    "hands": position_rows,
    "pinch": pinch_stage,
    "round_trip": round_trip_rows,
    "asap": asap,
    "others": others,
    "cores": cores,
}

if __name__ == "__main__":
    run("retarget", STAGES)
