"""Broken files of formats that hold turns of joints, or one hand: one clear error, or the motion of the sound file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from motion.human import HumanMotion
from retarget.sources.base import SourceOptions, read_recording
from tests.retarget.sources.good_files import GENERATED, REAL, Good
from tests.retarget.sources.oracle import outcome

Arrays = dict[str, np.ndarray]


def _offsets(text: str, change: Callable[[np.ndarray], np.ndarray]) -> str:
    """The BVH with other offsets of its joints."""

    def changed(found: re.Match[str]) -> str:
        return "OFFSET " + " ".join(f"{value:.6f}" for value in change(np.array(found[0].split()[1:], float)))

    return re.sub(r"OFFSET \S+ \S+ \S+", changed, text)


def _path(text: str, scale: float) -> str:
    """The BVH with another way through the room."""
    head, word, motion = text.partition("Frame Time: 0.01\n")
    rows = np.array([line.split() for line in motion.strip().split("\n")], float)
    rows[:, :3] *= scale
    return head + word + "\n".join(" ".join(f"{value:.6f}" for value in row) for row in rows) + "\n"


BVH: dict[str, tuple[Callable[[str], str], str]] = {
    "millimetres": (lambda t: _path(_offsets(t, lambda o: 10 * o), 10), "read"),
    "metres": (lambda t: _path(_offsets(t, lambda o: o / 100), 0.01), "read"),
    "inches": (lambda t: _path(_offsets(t, lambda o: o / 2.54), 1 / 2.54), "read"),
    "no unit": (lambda t: _path(_offsets(t, lambda o: o / 25), 1 / 25), "no usual unit"),
    "a path in millimetres": (lambda t: _path(t, 10), "its path is in another unit"),
    "limbs in another unit": (lambda t: _offsets(t, lambda o: o / 25), "no usual unit"),
    "left and right exchanged": (lambda t: t.replace("Left", "?").replace("Right", "Left").replace("?", "Right"), "are exchanged"),
    "mirrored": (lambda t: _offsets(t, lambda o: o * [-1, 1, 1]), "are exchanged"),
    "knee and elbow exchanged": (
        lambda t: t.replace("LeftLeg", "?").replace("LeftForeArm", "LeftLeg").replace("?", "LeftForeArm"),
        "hang below",
    ),
    "a name twice": (lambda t: t.replace("JOINT RightArm", "JOINT LeftArm"), "several joints are called LeftArm"),
    "more frames announced": (lambda t: t.replace("Frames: 40", "Frames: 999999999"), "999999999 frames of 66 channels"),
    "no frames": (lambda t: t.partition("Frames:")[0] + "Frames: 0\nFrame Time: 0.01\n", "holds no frames"),
    "a time below 0": (lambda t: t.replace("Time: 0.01", "Time: -0.01"), "frame time is -0.01 s"),
    "a time that is none": (lambda t: t.replace("Time: 0.01", "Time: nan"), "frame time is nan s"),
    "an infinite value": (lambda t: t.rstrip().rsplit(" ", 1)[0] + " inf\n", "no numbers"),
}


@pytest.fixture(scope="module")
def bvh(tmp_path_factory: pytest.TempPathFactory) -> tuple[Good, HumanMotion]:
    good = GENERATED["bvh"](tmp_path_factory.mktemp("bvh"))
    return good, read_recording(good.path).motion


@pytest.mark.parametrize("kind", BVH)
def test_broken_bvh(kind: str, bvh: tuple[Good, HumanMotion], tmp_path: Path) -> None:
    change, message = BVH[kind]
    path = tmp_path / "walk.bvh"
    path.write_text(change(bvh[0].path.read_text()))
    said, _ = outcome(path, SourceOptions(), bvh[1])
    assert re.search(message, said), said


def _moved(arrays: Arrays, change: Callable[[np.ndarray], np.ndarray]) -> Arrays:
    """A glove's data, their positions changed."""
    data = arrays["data"].astype(float)
    return {**arrays, "data": np.concatenate([change(data[..., :3]), data[..., 3:]], axis=-1)}


def _with(arrays: Arrays, name: str, value: float) -> Arrays:
    return {**arrays, name: np.full(arrays[name].shape, value)}


GLOVE: dict[str, tuple[Callable[[Arrays], Arrays], str]] = {
    "millimetres": (lambda a: _moved(a, lambda p: 1000 * p), "read"),
    "all NaN": (lambda a: _moved(a, lambda p: p * np.nan), "no joint is seen"),
    "infinite": (lambda a: _moved(a, lambda p: p + np.inf), "no joint is seen"),
    "shuffled": (lambda a: {**a, "data": a["data"][:, np.random.default_rng(0).permutation(25)]}, "joint order is wrong"),
    "one off": (lambda a: {**a, "data": np.roll(a["data"], 1, axis=1)}, "joint order is wrong|bends as a left one"),
    "mirrored": (lambda a: _moved(a, lambda p: p * [-1, 1, 1]), "bends as a left one"),
    "times that are none": (lambda a: _with(a, "timestamps", np.nan), "no numbers|rise in 0"),
    "infinite times": (lambda a: _with(a, "timestamps", np.inf), "no numbers|rise in"),
    "times that stand still": (lambda a: _with(a, "timestamps", 3.0), "rise in 1 of 40"),
    "fewer times": (lambda a: {**a, "timestamps": a["timestamps"][:-3]}, "time stamps"),
    "no frames": (lambda a: {**a, "data": a["data"][:0], "timestamps": a["timestamps"][:0]}, "holds no frames"),
}
POSES: dict[str, tuple[Callable[[Arrays], Arrays], str]] = {
    "degrees": (lambda a: {**a, "poses": np.degrees(a["poses"])}, "in radians were wanted"),
    "a path in centimetres": (lambda a: {**a, "trans": 100 * a["trans"]}, "its path is in another unit"),
    "NaN": (lambda a: _with(a, "poses", np.nan), "no numbers"),
    "an infinite path": (lambda a: _with(a, "trans", np.inf), "no numbers"),
    "a rate below 0": (lambda a: {**a, "mocap_framerate": np.array(-30.0)}, "mocap_framerate is -30"),
    "no rate": (lambda a: {name: array for name, array in a.items() if name != "mocap_framerate"}, "no frame rate"),
    "a shorter path": (lambda a: {**a, "trans": a["trans"][:-3]}, "translation"),
    "two numbers too few": (lambda a: {**a, "poses": a["poses"][:, :-2]}, "three numbers per joint"),
    "no frames": (lambda a: {**a, "poses": a["poses"][:0], "trans": a["trans"][:0]}, "holds no frames"),
    "one frame": (lambda a: {**a, "poses": a["poses"][:1], "trans": a["trans"][:1]}, "read"),
}


def check(name: str, change: Callable[[Arrays], Arrays], message: str, data: Path, folder: Path) -> None:
    good = REAL[name](folder, data)
    motion = read_recording(good.path, good.options).motion
    with np.load(good.path) as archive:
        arrays = {key: archive[key] for key in archive.files}
    path = folder / "broken.npz"
    np.savez(path, **change(arrays))
    said, _ = outcome(path, good.options, motion)
    assert re.search(message, said), said


@pytest.mark.parametrize("kind", GLOVE)
def test_broken_gloves(kind: str, data: Path, tmp_path: Path) -> None:
    check("manus", *GLOVE[kind], data, tmp_path)


@pytest.mark.parametrize("kind", POSES)
def test_broken_poses(kind: str, data: Path, tmp_path: Path) -> None:
    check("smpl", *POSES[kind], data, tmp_path)


OWN: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "millimetres": (lambda p: 1000 * p, "times as long as a person's; a human-motion file is in metres"),
    "mirrored": (lambda p: p * [1, -1, 1], "left and right are exchanged"),
    "all NaN": (lambda p: p * np.nan, "no landmark is seen"),
    "fewer frames": (lambda p: p[:-3], "position_m is"),
}


@pytest.mark.parametrize("kind", OWN)
def test_broken_files_of_our_own(kind: str, tmp_path: Path) -> None:
    change, message = OWN[kind]
    good = GENERATED["human_motion"](tmp_path)
    motion = read_recording(good.path).motion
    with np.load(good.path) as archive:
        arrays = {key: archive[key] for key in archive.files}
    np.savez(tmp_path / "broken_walk.npz", **{**arrays, "position_m": change(arrays["position_m"])})
    said, _ = outcome(tmp_path / "broken_walk.npz", SourceOptions(), motion)
    assert re.search(message, said), said


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '{"Frames": ' + "[" * 100_000, "1" * 100_000])
@pytest.mark.parametrize("source", ["positions", "deepmimic"])
def test_json_without_end(text: str, source: str, bvh: tuple[Good, HumanMotion], tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text(text)
    assert outcome(tmp_path / "deep.json", SourceOptions(rate_hz=30), bvh[1], source)[0] != "read"
