"""Film to keypoints against its bars: `python -m benchmarks.film [--only STAGE]`. Wants the machine for itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np

from benchmarks.film_bodies import CAMERAS, OneCamera, Room, one_against_three, seen_by_three, upper_body_off_mm
from benchmarks.film_hands import direction_error, recorded_hand, synthetic_errors
from benchmarks.table import Row, data_folder, run
from motion.human import HumanMotion
from motion.landmarks import SIDES
from retarget.video.film import Clip, clips_of
from retarget.video.settings import FilmSettings
from tests.retarget.video.test_bad_films import KINDS, run_kind

HEAD = "egodex_sample/sample.mp4"
ONE_HAND = ("dex_retargeting/human_hand_video.mp4", "mediapipe_hand_test/test_video.mp4", "mimic_hand/index_mcp.mp4")
FOUND_PCT, ONE_PCT, INDEX_DEG, BONE_M = 95.0, 99.0, 5.0, 1e-9
WRIST_MM, TURN_DEG, ALONE_MM, TOGETHER_PX = 25.0, 8.0, 90.0, 6.0
RATE_HZ, GROWTH, KINDS_N = 25.0, 1.05, 20
SPEED_LOOPS, HOUR_S, TENTH_S, SLOW_HZ = 10, 3600.0, 600.0, 3.0


def models_folder() -> Path:
    """Where the detectors' bundles lie; ends the program with one line where they are absent."""
    folder = Path(os.environ.get("UNDERSTUDY_MODELS", data_folder().parent / "models"))
    if not folder.is_dir():
        sys.exit(f"no bundles at {folder}; set UNDERSTUDY_MODELS")
    return folder


@cache
def understood(film: str, camera: str | None = None) -> Clip:
    """A film of the data folder, by the way that the command takes."""
    return next(clips_of(data_folder() / "video" / film, FilmSettings(camera=camera, models_dir=str(models_folder()))))


def _seen(clip: Clip, side: str) -> np.ndarray:
    tracks = clip.understood.tracks
    return tracks[side].seen if side in tracks else np.zeros(len(clip.understood.worker.time_s), bool)


def hands() -> list[Row]:
    """Hands found, as tracked: what was filled in does not count."""
    clip = understood(HEAD, "egodex")
    both = 100 * float((_seen(clip, "left") & _seen(clip, "right")).mean())
    rows = [Row("egodex_sample: both hands found", both, FOUND_PCT, "% of pictures", note="both are in view in all of them")]
    for film in ONE_HAND:
        clip = understood(film)
        left, right = (_seen(clip, side) for side in SIDES)
        rows.append(Row(f"{Path(film).parent}: one hand, never two", 100 * float((left ^ right).mean()), ONE_PCT, "% of pictures"))
    return rows


def shape() -> list[Row]:
    """The hand of dex_retargeting against the joints that were recorded of it."""
    path = understood(ONE_HAND[0]).understood.worker.hands["right"]
    chain = np.array([[0 if k % 4 == 1 else k - 1, k] for k in range(1, 21)])
    bones = np.linalg.norm(path.position_m[:, chain[:, 1]] - path.position_m[:, chain[:, 0]], axis=-1)
    fingers = bones[:, [k for k in range(20) if k % 4]]
    index, fine = direction_error(path, recorded_hand(data_folder()))
    return [
        Row("dex_retargeting: change of a finger bone's length", float(np.ptp(fingers, axis=0).max()), BONE_M, "m", at_least=False),
        Row("dex_retargeting: wrist to index knuckle", index, INDEX_DEG, "deg", at_least=False, note="median, in the hand's own axes"),
        Row("dex_retargeting: finger bones", fine, None, "deg", note="median over pictures of the mean over 15 bones"),
    ]


def depth() -> list[Row]:
    """Hands of simulated workers before a known camera, with noise as measured on real film."""
    tuned, other, unknown = synthetic_errors(), synthetic_errors(range(4, 8)), synthetic_errors(length_known=False)
    note = f"{tuned.frames_n} hands, median; {tuned.wrist_mm:.1f} mm as they were filmed"
    return [
        Row("workers 0-3: wrist at 0.5 m", tuned.wrist_at_half_metre_mm, WRIST_MM, "mm", at_least=False, note=note),
        Row("workers 0-3: orientation", tuned.turn_deg, TURN_DEG, "deg", at_least=False),
        Row("workers 4-7, never tuned on: wrist at 0.5 m", other.wrist_at_half_metre_mm, WRIST_MM, "mm", at_least=False),
        Row("workers 4-7, never tuned on: orientation", other.turn_deg, TURN_DEG, "deg", at_least=False),
        Row("hand length unknown: wrist at 0.5 m", unknown.wrist_at_half_metre_mm, None, "mm"),
        Row(
            "hands taken for the other side", float(tuned.wrong_side_n + other.wrong_side_n), None, f"of {tuned.frames_n + other.frames_n}"
        ),
    ]


def bodies() -> list[Row]:
    """One camera against three on pose2sim's demonstration; and bodies under a head."""
    room: Room = seen_by_three(data_folder() / "video" / "pose2sim_single", models_folder())
    rows = []
    for name in CAMERAS:
        alone: OneCamera = one_against_three(room, name)
        note = f"median, one alignment per clip; {alone.frame_mm:.0f} mm aligned frame by frame; vertical off by {alone.up_deg:.1f} deg"
        rows.append(Row(f"{name} alone: joints off three views", alone.clip_mm, ALONE_MM, "mm", at_least=False, note=note))
    rows.append(
        Row("three views: reprojection", room.reprojection_px, TOGETHER_PX, "px", at_least=False, note="median, views that were used")
    )
    off = upper_body_off_mm()
    return [*rows, *(Row(f"under a head: {name}s", value, None, "mm", note="nobody saw them") for name, value in off.items())]


def looped(film: Path, loops: int, output: Path, rate_hz: float | None = None) -> float:
    """Write a film several times over, its pictures as they are stored, on a clock of its own rate or another; returns its length in s."""
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        step = float(1 / (rate_hz or stream.average_rate))
        packets = [(bytes(packet), packet.is_keyframe) for packet in container.demux(stream) if packet.size]
        with av.open(str(output), "w") as out:
            copy = out.add_stream_from_template(stream)
            copy.time_base = stream.time_base
            for index in range(loops * len(packets)):
                data, key = packets[index % len(packets)]
                packet = av.Packet(data)
                packet.pts = packet.dts = round(index * step / copy.time_base)
                packet.time_base, packet.is_keyframe, packet.stream = copy.time_base, key, copy
                out.mux(packet)
    return loops * len(packets) * step


def command(film: Path, output: Path, *words: str) -> tuple[float, int]:
    """Run the real command: seconds, and pictures in what it wrote."""
    models = f"models_dir={models_folder()}"
    line = [sys.executable, "-m", "retarget.video", str(film), f"output={output}", models, *words]
    begin = time.perf_counter()
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    said, _ = process.communicate()
    seconds = time.perf_counter() - begin
    if process.returncode:
        sys.exit(f"{' '.join(line)} failed:\n{said}")
    written = sorted(output.parent.glob(f"{output.stem}*.npz"))
    pictures = sum(len(HumanMotion.load(path).time_s) for path in written)
    return seconds, pictures


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with TemporaryDirectory() as place:
        yield Path(place)


def speed() -> list[Row]:
    """The whole command on 1080p film of both hands: start, reading, detection, lifting, judging, writing."""
    with folder() as place:
        film = place / "long.mp4"
        length = looped(data_folder() / "video" / HEAD, SPEED_LOOPS, film)
        seconds, pictures = command(film, place / "motion.npz", "view=head", "camera=egodex")
    note = f"{pictures} pictures of 1080p, {length:.0f} s of film in {seconds:.0f} s on {os.cpu_count()} cores, start included"
    return [Row("both hands, everything included", pictures / seconds, RATE_HZ, "pictures/s", note=note)]


def memory() -> list[Row]:
    """Peak memory of an hour of film over that of ten minutes."""
    peaks = {}
    for length_s in (TENTH_S, HOUR_S):
        code = f"import sys; from pathlib import Path; from benchmarks.film import peak_mb; print(peak_mb(Path(sys.argv[1]), {length_s}))"
        with folder() as place:
            done = subprocess.run([sys.executable, "-c", code, str(place)], check=True, capture_output=True, text=True)
        peaks[length_s] = float(done.stdout.split()[-1])
    note = f"{peaks[HOUR_S]:.0f} over {peaks[TENTH_S]:.0f} MB, a looped film of {SLOW_HZ:g} pictures/s, written in clips of 300 s"
    return [Row("memory: an hour over ten minutes", peaks[HOUR_S] / peaks[TENTH_S], GROWTH, "x", at_least=False, note=note)]


def peak_mb(place: Path, length_s: float) -> float:
    """Convert a looped film in this process, and say how much memory it took at most."""
    from retarget.video.convert import convert

    source, film = data_folder() / "video" / ONE_HAND[1], place / "long.mp4"
    looped(source, round(length_s * SLOW_HZ / 202), film, SLOW_HZ)
    convert(film, place / "motion.npz", FilmSettings(view="hands", models_dir=str(models_folder())))
    held = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())  # getrusage counts what the parent had, too
    assert held is not None
    return int(held[1]) / 1024


def bad() -> list[Row]:
    """Bad input: one clear error each, or a motion with words about it; nothing half-written."""
    wrong = []
    for name in KINDS:
        with folder() as place:
            wrong += [f"{name}: {fault}" for fault in run_kind(name, place, data_folder(), models_folder())]
    for line in wrong:
        print(line)
    rows = [Row("bad input: kinds", float(len(KINDS)), KINDS_N)]
    return [*rows, Row("bad input: not answered as they should be", float(len(wrong)), 0.0, at_least=False)]


STAGES = {"hands": hands, "shape": shape, "depth": depth, "bodies": bodies, "speed": speed, "memory": memory, "bad": bad}

if __name__ == "__main__":
    run("film", STAGES)
