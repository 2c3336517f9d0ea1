"""Formats in and out against their bars, one core: `python -m benchmarks.formats [--only STAGE]`."""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import re
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.format_files import FORMATS, Clip
from benchmarks.table import Row, data_folder, run
from motion.human import HumanMotion
from motion.landmarks import SIDES
from motion.robot_motion import RobotMotion
from retarget.exports.base import export_motion, exports
from retarget.robot_motions import read_robot_motion
from retarget.sources.base import read_recording, sources
from robots import load_robot
from tests.retarget.sources.test_broken_files import CUTS, NUMBERS, WRITINGS
from tests.retarget.sources.test_broken_skeletons import BVH, GLOVE, OWN, POSES
from tests.retarget.test_broken_robot_motions import BROKEN, CSV_CHANGES

SECONDS = 60.0
REPEATS_N = 3
FASTER, PROPORTIONAL, BROKEN_KINDS_N, LOST = 100.0, 1.2, 30, 1e-6
STATURE_M = (1.25, 2.1)
"""By legs and arms; the people of ASAP's clips have been shrunk to a G1's size."""
LEG_OVER_STATURE, ARM_OVER_STATURE = 0.491, 0.332
"""Hip to ankle, and shoulder to wrist. Source: Drillis & Contini 1966."""
PALM_M = (0.06, 0.14)
TESTS = (
    "tests/retarget/sources/test_broken_files.py",
    "tests/retarget/sources/test_broken_skeletons.py",
    "tests/retarget/test_broken_robot_motions.py",
)


def _in_folder(work: Callable[[Path], list[Row]]) -> list[Row]:
    with TemporaryDirectory() as folder:
        return work(Path(folder))


def speed() -> list[Row]:
    """Seconds of recording read in a second, finding the format included."""
    rows = []
    for name, make in FORMATS.items():

        def one(folder: Path, name: str = name, make: Callable[[Path, float], Clip] = make) -> list[Row]:
            clip = make(folder, SECONDS)
            times = []
            for _ in range(REPEATS_N):
                begin = time.perf_counter()
                motion = read_recording(clip.path, clip.options).motion
                times.append(time.perf_counter() - begin)
            length = float(motion.time_s[-1] - motion.time_s[0])
            size = clip.path.stat().st_size / 2**20
            note = f"{length:.0f} s, {len(motion.time_s)} frames, {size:.1f} MB, {'a recording' if clip.real else 'written for this'}"
            return [Row(f"{name}: read, times real time", length / min(times), FASTER, "x", note=note)]

        rows += _in_folder(one)
    return rows


def _peak_bytes(clip: Clip) -> int:
    tracemalloc.start()
    read_recording(clip.path, clip.options)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def memory() -> list[Row]:
    """Peak memory of a clip of twice the length, over twice the peak of the clip: 1 is proportional."""
    rows = []
    for name, make in FORMATS.items():

        def one(folder: Path, name: str = name, make: Callable[[Path, float], Clip] = make) -> list[Row]:
            peaks = []
            for seconds in (SECONDS / 2, SECONDS / 2, SECONDS):  # the first also loads what is loaded once
                clip = make(folder, seconds)
                peaks.append(_peak_bytes(clip))
            share, note = peaks[2] / (2 * peaks[1]), f"{peaks[2] / 2**20:.0f} MB for {SECONDS:g} s"
            return [Row(f"{name}: memory over proportional", share, PROPORTIONAL, "x", at_least=False, note=note)]

        rows += _in_folder(one)
    return rows


def body() -> list[Row]:
    """Whether left is left, up is up and metres are metres, in what each format gives."""
    rows = []
    for name, make in FORMATS.items():

        def one(folder: Path, name: str = name, make: Callable[[Path, float], Clip] = make) -> list[Row]:
            clip = make(folder, 4.0)
            wrong = _wrong(read_recording(clip.path, clip.options).motion)
            return [Row(f"{name}: left, up or metres wrong", len(wrong), 0, at_least=False, note="; ".join(wrong))]

        rows += _in_folder(one)
    return rows


def _wrong(motion: HumanMotion) -> list[str]:
    """What is wrong with a person's size, left and up, in words."""
    statures = _statures(motion)
    stature = float(np.mean(statures)) if statures else np.mean(STATURE_M)
    wrong = [] if STATURE_M[0] < stature < STATURE_M[1] else [f"stature {stature:.2f} m"]
    for side in SIDES:
        if motion.has(f"{side}_middle_mcp", f"{side}_middle_pip", f"{side}_index_pip", f"{side}_wrist"):
            palm = _length(motion, f"{side}_wrist", f"{side}_middle_mcp")
            wrong += [] if PALM_M[0] < palm < PALM_M[1] else [f"palm {palm:.3f} m"]
    hips, feet = ("left_hip", "right_hip"), ("left_ankle", "right_ankle", "left_toe", "right_toe")
    if motion.has(*hips, *feet, "left_shoulder"):
        up = motion.point("left_shoulder") - motion.point("left_ankle")
        wrong += [] if np.nanmedian(up[:, 2]) > 0.5 * np.nanmedian(np.linalg.norm(up, axis=1)) else ["up is not up"]
        ahead = motion.point("left_toe") - motion.point("left_ankle") + motion.point("right_toe") - motion.point("right_ankle")
        left = np.cross([0, 0, 1.0], ahead)
        aside = motion.point("left_hip") - motion.point("right_hip")
        wrong += [] if np.nanmean((left * aside).sum(1) > 0) > 0.5 else ["left is not left"]
    return wrong


def _statures(motion: HumanMotion) -> list[float]:
    found = []
    chains = (("hip", "knee", "ankle", LEG_OVER_STATURE), ("shoulder", "elbow", "wrist", ARM_OVER_STATURE))
    for side in SIDES:
        for a, b, c, share in chains:
            if motion.has(*(f"{side}_{name}" for name in (a, b, c))):
                found.append((_length(motion, f"{side}_{a}", f"{side}_{b}") + _length(motion, f"{side}_{b}", f"{side}_{c}")) / share)
    return found


def _length(motion: HumanMotion, a: str, b: str) -> float:
    return float(np.nanmedian(np.linalg.norm(motion.point(a) - motion.point(b), axis=-1)))


def broken() -> list[Row]:
    """Kinds of broken files, and how many files of them gave neither one clear error nor the right motion."""
    kinds = len({*CUTS, *WRITINGS, *NUMBERS, *BROKEN, *CSV_CHANGES, *BVH, *GLOVE, *POSES, *OWN})
    done = subprocess.run([sys.executable, "-m", "pytest", *TESTS], capture_output=True, text=True, check=False)
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|errors?|skipped)", done.stdout)}
    unhandled = sum(counts.get(word, 0) for word in ("failed", "error", "errors")) or int(done.returncode != 0 or not counts.get("passed"))
    return [
        Row("kinds of broken files", kinds, BROKEN_KINDS_N),
        Row("broken files not handled", unhandled, 0, at_least=False, note=f"of {counts.get('passed', 0) + unhandled} checks, all formats"),
        Row("formats read", len(sources()), None),
    ]


@cache
def _robot_clip() -> RobotMotion:
    path = data_folder() / "reference" / "g1_moves" / "B_HandsUp.csv"
    return read_robot_motion(path, load_robot("g1"), 60.0).motion


def out() -> list[Row]:
    """What is lost by writing a real motion and reading it back, and how fast it is written."""
    robot, motion = load_robot("g1"), _robot_clip()
    rows = []
    for name in sorted(exports()):

        def one(folder: Path, name: str = name) -> list[Row]:
            path = folder / f"motion{exports()[name].suffix}"
            begin = time.perf_counter()
            export_motion(motion, robot, exports()[name], path, rate_hz=60.0)
            spent = time.perf_counter() - begin
            read = read_robot_motion(path, robot).motion
            lost = max(
                float(np.abs(read.joint_position_rad - motion.joint_position_rad).max()),
                float(np.abs(read.T_world_base.matrix() - motion.T_world_base.matrix()).max()),
                float(np.abs(read.time_s - motion.time_s).max()),
            )
            faster = float(motion.time_s[-1]) / spent
            return [
                Row(f"{name}: largest number lost, read back", lost, LOST, "m or rad", at_least=False, note=f"{len(motion.time_s)} frames"),
                Row(f"{name}: written, times real time", faster, None, "x"),
            ]

        rows += _in_folder(one)
    return rows


STAGES = {"speed": speed, "memory": memory, "body": body, "broken": broken, "out": out}

if __name__ == "__main__":
    run("formats", STAGES)
