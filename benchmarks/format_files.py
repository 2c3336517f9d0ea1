"""A clip of any length in every format: real recordings, repeated until they are long enough, else what a writer of the format gives."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.table import data_folder
from motion.human import HumanMotion
from motion.pickles import read_pickle
from retarget.sources.base import SourceOptions, read_recording
from tests.retarget.sources.marker_files import person, write_c3d, write_trc
from tests.retarget.sources.test_egodex import episode
from tests.retarget.sources.test_joint_angles import table

CLIMB = "body/holosoma_climb/seq_1/mocap_climb_seq_1_joint_positions_f0-2422.npy"


@dataclass(frozen=True)
class Clip:
    """A file, what has to be stated to read it, and whether a recording stands behind it."""

    path: Path
    options: SourceOptions = SourceOptions()
    real: bool = True


def _repeated(array: np.ndarray, frames: int) -> np.ndarray:
    """(frames, ...) the array again and again."""
    return array[np.arange(frames) % len(array)]


def bvh(folder: Path, seconds: float) -> Clip:
    """A walk of Bandai-Namco."""
    text = (data_folder() / "body" / "bandai_namco" / "dataset-1_walk_normal_001.bvh").read_text()
    head, _, motion = text.partition("MOTION")
    _, time, *rows = motion.strip().splitlines()
    step = float(time.split(":")[1])
    frames = round(seconds / step)
    body = "\n".join(rows[k % len(rows)] for k in range(frames))
    (folder / "clip.bvh").write_text(f"{head}MOTION\nFrames: {frames}\n{time}\n{body}\n")
    return Clip(folder / "clip.bvh")


def asf_amc(folder: Path, seconds: float) -> Clip:
    """CMU's walk, with its skeleton."""
    source = data_folder() / "body" / "cmu_amc"
    shutil.copyfile(source / "02.asf", folder / "02.asf")
    lines = (source / "02_01.amc").read_text().splitlines()
    starts = [k for k, line in enumerate(lines) if line.strip().isdigit()]
    frames = ["\n".join(lines[a + 1 : b]) for a, b in zip(starts, [*starts[1:], len(lines)], strict=True)]
    body = "\n".join(f"{k + 1}\n{frames[k % len(frames)]}" for k in range(round(120 * seconds)))
    (folder / "02_01.amc").write_text("\n".join(lines[: starts[0]]) + f"\n{body}\n")
    return Clip(folder / "02_01.amc")


def deepmimic(folder: Path, seconds: float) -> Clip:
    """A walk of DeepMimic."""
    data = json.loads((data_folder() / "body" / "deepmimic" / "humanoid3d_walk.txt").read_text())
    rows = data["Frames"][:-1]  # the last one lasts no time
    frames = round(seconds / rows[0][0])
    (folder / "clip.txt").write_text(json.dumps({**data, "Frames": [rows[k % len(rows)] for k in range(frames)]}))
    return Clip(folder / "clip.txt")


def positions_npy(folder: Path, seconds: float) -> Clip:
    """The climb, as an array."""
    np.save(folder / "clip.npy", _repeated(np.load(data_folder() / CLIMB), round(120 * seconds)))
    return Clip(folder / "clip.npy", SourceOptions(rate_hz=120))


def positions_npz(folder: Path, seconds: float) -> Clip:
    """The window washing, as arrays."""
    with np.load(data_folder() / "body" / "cmu_washwindow" / "washwindow_1_xyz.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    frames_n = max(len(array) for array in arrays.values() if array.ndim == 3)
    longer = {name: _repeated(a, round(120 * seconds)) if a.ndim and len(a) == frames_n else a for name, a in arrays.items()}
    np.savez(folder / "clip.npz", **longer)
    return Clip(folder / "clip.npz", SourceOptions(rate_hz=120))


@cache
def _climber(frames: int) -> HumanMotion:
    """The climber's landmarks, for formats that no recording is at hand of."""
    motion = read_recording(data_folder() / CLIMB, SourceOptions(rate_hz=120)).motion
    longer = np.arange(frames) % len(motion.time_s)
    assert motion.segment_wxyz is not None
    time_s, position, confidence = np.arange(frames) / 120, motion.position_m[longer], motion.confidence[longer]
    return replace(motion, time_s=time_s, position_m=position, confidence=confidence, segment_wxyz=motion.segment_wxyz[longer])


def positions_csv(folder: Path, seconds: float) -> Clip:
    """The climber, a column per coordinate."""
    motion = _climber(round(120 * seconds))
    header = ",".join(["time_s", *(f"{name}.{axis}" for name in motion.landmarks for axis in "xyz")])
    values = np.c_[motion.time_s, motion.position_m.reshape(len(motion.time_s), -1)]
    np.savetxt(folder / "clip.csv", values, delimiter=",", header=header, comments="", fmt="%.5f")
    return Clip(folder / "clip.csv")


def positions_json(folder: Path, seconds: float) -> Clip:
    """The climber, as a table in JSON."""
    motion = _climber(round(120 * seconds))
    position = motion.position_m.round(5).tolist()
    (folder / "clip.json").write_text(json.dumps({"rate_hz": 120, "joints": list(motion.landmarks), "position_m": position}))
    return Clip(folder / "clip.json")


def human_motion(folder: Path, seconds: float) -> Clip:
    """The climber, in our own file."""
    _climber(round(120 * seconds)).save(folder / "clip.npz")
    return Clip(folder / "clip.npz")


def hand_positions(folder: Path, seconds: float) -> Clip:
    """The film of a hand."""
    with np.load(data_folder() / "hands" / "dex_retargeting" / "human_joint_right.npz") as archive:
        joints = next(archive[name] for name in archive.files if archive[name].ndim == 3)
    np.savez(folder / "hand.npz", joints=_repeated(joints, round(30 * seconds)), fps=np.array(30.0))
    return Clip(folder / "hand.npz", SourceOptions(side="right"))


def manus(folder: Path, seconds: float) -> Clip:
    """The glove."""
    with np.load(data_folder() / "hands" / "manus_glove" / "manus_right_subject-000_run-010.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    stamps = arrays["timestamps"]
    step = float(np.median(np.diff(stamps)))
    frames = round(seconds / step)
    arrays |= {"data": _repeated(arrays["data"], frames), "timestamps": stamps[0] + step * np.arange(frames)}
    np.savez(folder / "glove.npz", **arrays)
    return Clip(folder / "glove.npz", SourceOptions(side="right"))


def aria(folder: Path, seconds: float) -> Clip:
    """Aria's sample."""
    lines = (data_folder() / "hands" / "aria_mps_hand_tracking" / "hand_tracking_results_v2.csv").read_text().splitlines()
    rows = [line.partition(",")[2] for line in lines[1:]]
    body = "\n".join(f"{round(k * 1e6 / 30)},{rows[k % len(rows)]}" for k in range(round(30 * seconds)))
    (folder / "hand_tracking_results.csv").write_text(f"{lines[0]}\n{body}\n")
    return Clip(folder / "hand_tracking_results.csv")


def egodex(folder: Path, seconds: float) -> Clip:
    """An episode in the layout of EgoDex, written for this."""
    return Clip(episode(folder / "0.hdf5", round(30 * seconds)), real=False)


def joint_angles(folder: Path, seconds: float) -> Clip:
    """Angles of a glove, written for this."""
    bend: list[float | None] = [round(40 * (1 - float(np.cos(k / 20))), 3) for k in range(round(50 * seconds))]
    joints = ("mcp_flex", "pip_flex", "dip_flex")
    angles = {f"{finger}_{joint}": bend for finger in ("index", "middle", "ring", "pinky") for joint in joints}
    return Clip(table(folder / "right_glove.csv", angles), SourceOptions(angle_unit="degrees"), real=False)


def smpl(folder: Path, seconds: float) -> Clip:
    """A clip of ASAP's people, as AMASS has it."""
    with np.load(data_folder() / "reference" / "asap_smpl_to_g1" / "human_smpl" / "walk_level1_filter.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    frames_n = len(arrays["trans"])
    longer = {name: _repeated(a, round(30 * seconds)) if a.ndim and len(a) == frames_n else a for name, a in arrays.items()}
    np.savez(folder / "clip.npz", **longer)
    return Clip(folder / "clip.npz")


def phc(folder: Path, seconds: float) -> Clip:
    """A clip of ASAP's people, as PHC has it."""
    source = data_folder() / "reference" / "asap_smpl_to_g1" / "robot_g1" / "walk_level1_filter.pkl"
    ((name, clip),) = read_pickle(source).items()
    frames_n = len(clip["smpl_joints"])
    longer = {
        k: _repeated(v, round(30 * seconds)) if isinstance(v, np.ndarray) and v.ndim and len(v) == frames_n else v for k, v in clip.items()
    }
    (folder / "clip.pkl").write_bytes(pickle.dumps({name: longer}))
    return Clip(folder / "clip.pkl")


def qualisys(folder: Path, seconds: float) -> Clip:
    """A hand and a pillow."""
    lines = (data_folder() / "reference" / "dfki_pillow_hand" / "recording.tsv").read_text().splitlines()
    first = next(k for k, line in enumerate(lines) if line[:1].isdigit())
    rows, frames = [line for line in lines[first:] if line], round(100 * seconds)
    head = [f"NO_OF_FRAMES\t{frames}", *lines[1:first]]
    (folder / "clip.tsv").write_text("\n".join([*head, *(rows[k % len(rows)] for k in range(frames)), ""]))
    return Clip(folder / "clip.tsv")


@cache
def _markers() -> dict[str, np.ndarray]:
    return person(400)[1]


def trc(folder: Path, seconds: float) -> Clip:
    """Markers of a made-up person."""
    frames = round(100 * seconds)
    return Clip(write_trc(folder / "clip.trc", {name: _repeated(track, frames) for name, track in _markers().items()}), real=False)


def c3d(folder: Path, seconds: float) -> Clip:
    """Markers of a made-up person, by the format's own library."""
    frames = round(100 * seconds)
    return Clip(write_c3d(folder / "clip.c3d", {name: _repeated(track, frames) for name, track in _markers().items()}), real=False)


FORMATS: dict[str, Callable[[Path, float], Clip]] = {
    function.__name__: function
    for function in (
        *(bvh, asf_amc, deepmimic, smpl, phc, positions_npy, positions_npz, positions_csv, positions_json, human_motion),
        *(hand_positions, manus, aria, egodex, joint_angles, qualisys, trc, c3d),
    )
}
