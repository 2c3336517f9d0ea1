"""Broken files of every format: each gives one clear error, or the motion of the sound file, never a wrong motion.

What is broken is broken in the bytes, or in the numbers before a file is written of them. The sound file of the same
person is the judge (`oracle.py`).
"""

from __future__ import annotations

import os
import pickle
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motion.errors import FileFormatError, UnderstudyError
from motion.human import HumanMotion
from retarget.sources.base import SourceOptions, read_recording, sources
from tests.retarget.sources.good_files import GENERATED, REAL, Good, smpl_order, tracks
from tests.retarget.sources.marker_files import RATE_HZ, person, write_c3d, write_qualisys, write_trc
from tests.retarget.sources.oracle import difference, outcome

TEXT = ("bvh", "joint_angles", "asf_amc", "deepmimic", "trc", "qualisys", "positions_csv", "positions_json", "aria")
EVERY = (*GENERATED, *REAL)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Any], tuple[Good, HumanMotion]]:
    """Format -> its sound file and that file's motion, each made once."""
    made: dict[str, tuple[Good, HumanMotion]] = {}

    def get(name: str, request: pytest.FixtureRequest) -> tuple[Good, HumanMotion]:
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            good = GENERATED[name](folder) if name in GENERATED else REAL[name](folder, request.getfixturevalue("data"))
            made[name] = good, read_recording(good.path, good.options).motion
        return made[name]

    return get


Change = Callable[[bytes], bytes]
CUTS: dict[str, Change] = {
    "empty": lambda data: b"",
    "cut in its head": lambda data: data[: min(len(data) // 10, 300)],
    "cut in half": lambda data: data[: len(data) // 2],
    "cut near its end": lambda data: data[: int(0.9 * len(data))],
    "without its last bytes": lambda data: data[:-7],
    "zeros": lambda data: bytes(len(data)),
    "noise": lambda data: np.random.default_rng(5).bytes(len(data)),
    "a picture": lambda data: b"\x89PNG\r\n\x1a\n" + data[:500],
    "noise in the middle": lambda data: data[: len(data) // 2] + np.random.default_rng(6).bytes(64) + data[len(data) // 2 + 64 :],
}
WRITINGS: dict[str, Change] = {
    "carriage returns": lambda data: data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
    "a byte-order mark": lambda data: b"\xef\xbb\xbf" + data,
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "Latin-1 with an umlaut": lambda data: data + "\n# f\xfcr".encode("latin-1"),
    "a zero byte": lambda data: data[:-40] + b"\0" + data[-40:],
    "blank lines at the end": lambda data: data + b"\n\n",
    "letters in a number": lambda data: _in_a_number(data),
}


def _in_a_number(data: bytes) -> bytes:
    """A digit of the last line but one becomes a letter."""
    at = max(k for k in range(len(data) - 30) if data[k : k + 1].isdigit())
    return data[:at] + b"q" + data[at + 1 :]


def beside(good: Good, folder: Path, change: Change) -> Path:
    """The changed file in another folder, beside what it needs (an AMC its ASF)."""
    for other in good.path.parent.iterdir():
        if other != good.path:
            shutil.copy(other, folder / other.name)
    path = folder / good.path.name
    path.write_bytes(change(good.path.read_bytes()))
    return path


@pytest.mark.parametrize("kind", CUTS)
@pytest.mark.parametrize("name", EVERY)
def test_broken_bytes(name: str, kind: str, sound: Any, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    good, motion = sound(name, request)
    said, _ = outcome(beside(good, tmp_path, CUTS[kind]), good.options, motion, good.source)
    if kind in ("empty", "zeros", "noise", "a picture", "cut in its head"):
        assert said != "read"


@pytest.mark.parametrize("kind", WRITINGS)
@pytest.mark.parametrize("name", TEXT)
def test_text_written_in_other_ways(name: str, kind: str, sound: Any, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    good, motion = sound(name, request)
    said, _ = outcome(beside(good, tmp_path, WRITINGS[kind]), good.options, motion, good.source)
    if kind in ("carriage returns", "a byte-order mark"):
        assert said == "read"


@pytest.mark.parametrize("name", EVERY)
def test_what_is_no_file_of_that_format(name: str, sound: Any, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    good, motion = sound(name, request)
    folder = tmp_path / f"folder{good.path.suffix}"
    folder.mkdir()
    for path in (folder, tmp_path / f"none{good.path.suffix}"):
        for source in (None, good.source):
            assert outcome(path, good.options, motion, source)[0] != "read"
    for suffix in sorted({suffix for source in sources().values() for suffix in source.suffixes} - {good.path.suffix}):
        path = beside(good, tmp_path, lambda data: data).rename(tmp_path / f"walk{suffix}")
        outcome(path, good.options, motion)


def test_exactly_one_source_accepts_each_file(sound: Any, request: pytest.FixtureRequest) -> None:
    for name in EVERY:
        good, _ = sound(name, request)
        taken = [source.name for source in sources().values() if good.path.suffix in source.suffixes and source.accepts(good.path)]
        assert taken == [good.source], name


def test_every_source_has_a_sound_file(sound: Any, request: pytest.FixtureRequest) -> None:
    assert {sound(name, request)[0].source for name in EVERY} == set(sources())


def test_an_amc_wants_its_skeleton_and_no_bone_besides(data: Path, tmp_path: Path) -> None:
    good = REAL["asf_amc"](tmp_path, data)
    text = good.path.read_text()
    good.path.write_text(text.replace("\nlfoot ", "\nltail "))
    with pytest.raises(FileFormatError, match="ltail"):
        read_recording(good.path)
    good.path.write_text(text)
    (tmp_path / "02.asf").unlink()
    with pytest.raises(FileFormatError, match=r"02_01\.amc.*skeleton"):
        read_recording(good.path)


def test_an_hdf5_file_without_transforms(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["images"] = np.zeros((3, 4, 4))
    for name in (None, "egodex"):
        with pytest.raises(UnderstudyError, match=r"other\.hdf5"):
            read_recording(tmp_path / "other.hdf5", name=name)


Tracks = dict[str, np.ndarray]
WRITERS: dict[str, tuple[str, Callable[..., Path]]] = {
    "trc": ("trc", write_trc),
    "c3d": ("c3d", write_c3d),
    "tsv": ("qualisys", write_qualisys),
}


def write_smpl(path: Path, points: Tracks) -> Path:
    np.savez(path, joints=smpl_order(points), fps=np.array(RATE_HZ))
    return path


def write_landmarks(path: Path, points: Tracks) -> Path:
    frames = len(next(iter(points.values())))
    header = ",".join(["time_s", *(f"{name}.{axis}" for name in points for axis in "xyz")])
    table = np.c_[np.arange(frames) / RATE_HZ, np.stack(list(points.values()), axis=1).reshape(frames, 3 * len(points))]
    np.savetxt(path, table, delimiter=",", header=header, comments="", fmt="%.6f")
    return path


KINDS: dict[str, tuple[str, Callable[[Path, Tracks], Path], Callable[[], Tracks]]] = {
    "trc": ("trc", write_trc, lambda: person(40)[1]),
    "c3d": ("c3d", write_c3d, lambda: person(40)[1]),
    "tsv": ("qualisys", write_qualisys, lambda: person(40)[1]),
    "npz": ("positions", write_smpl, tracks),
    "csv": ("positions", write_landmarks, tracks),
}


def _swapped(points: Tracks) -> Tracks:
    """Left called right, and right left."""
    other = {name: name.replace("left_", "?").replace("right_", "left_").replace("?", "right_") for name in points}
    other |= {name: {"L": "R", "R": "L"}[name[0]] + name[1:] for name in points if name[0] in "LR" and name[1:2].isupper()}
    return {name: points[other[name]] for name in points}


def _shifted(points: Tracks) -> Tracks:
    """Every name stands for its neighbour."""
    names = list(points)
    return {name: points[after] for name, after in zip(names, [*names[1:], names[0]], strict=True)}


def _shuffled(points: Tracks) -> Tracks:
    names = list(points)
    order = np.random.default_rng(8).permutation(len(names))
    return {name: points[names[k]] for name, k in zip(names, order, strict=True)}


def _with(points: Tracks, value: float, frames: slice, share: float = 1.0) -> Tracks:
    out = {name: track.copy() for name, track in points.items()}
    for name in list(out)[: max(1, int(share * len(out)))]:
        out[name][frames] = value
    return out


NUMBERS: dict[str, Callable[[Tracks], Tracks]] = {
    "ten times as large": lambda points: {name: 10 * track for name, track in points.items()},
    "a hundred times as large": lambda points: {name: 100 * track for name, track in points.items()},
    "a thousandth": lambda points: {name: track / 1000 for name, track in points.items()},
    "inches": lambda points: {name: track / 0.0254 for name, track in points.items()},
    "one joint in another unit": lambda points: points | {name: points[name] * 1000 for name in list(points)[-3:-2]},
    "mirrored": lambda points: {name: track * [1, -1, 1] for name, track in points.items()},
    "left and right exchanged": _swapped,
    "names one off": _shifted,
    "names shuffled": _shuffled,
    "lying on its side": lambda points: {name: track[:, [0, 2, 1]] * [1, -1, 1] for name, track in points.items()},
    "upside down": lambda points: {name: track * [1, -1, -1] for name, track in points.items()},
    "all NaN": lambda points: _with(points, np.nan, slice(None)),
    "some NaN": lambda points: _with(points, np.nan, slice(5, 9), 0.5),
    "infinite": lambda points: _with(points, np.inf, slice(5, 9), 0.5),
    "1e9 for missing": lambda points: _with(points, 1e9, slice(5, 9), 0.3),
    "all at one place": lambda points: {name: track * 0 + 1 for name, track in points.items()},
    "no frames": lambda points: {name: track[:0] for name, track in points.items()},
    "one frame": lambda points: {name: track[:1] for name, track in points.items()},
    "noise": lambda points: {name: np.random.default_rng(k).normal(size=track.shape) for k, (name, track) in enumerate(points.items())},
}
NEVER_READ = (
    "mirrored",
    "left and right exchanged",
    "names one off",
    "names shuffled",
    "all NaN",
    "all at one place",
    "no frames",
    "noise",
)


@pytest.mark.parametrize("change", NUMBERS)
@pytest.mark.parametrize("suffix", KINDS)
def test_broken_numbers(suffix: str, change: str, tmp_path: Path) -> None:
    source, write, make = KINDS[suffix]
    motion = read_recording(write(tmp_path / f"sound.{suffix}", make())).motion
    with np.errstate(invalid="ignore"):
        try:
            path = write(tmp_path / f"broken.{suffix}", NUMBERS[change](make()))
        except ZeroDivisionError:  # ezc3d itself writes no file without frames
            assert (suffix, change) == ("c3d", "no frames")
            return
    said, reading = outcome(path, SourceOptions(), motion, source)
    if change in NEVER_READ:
        assert said != "read"
    if change in ("a thousandth", "inches", "ten times as large") and reading is not None:
        assert "corrected" in reading.understood["unit"] or suffix in ("npz", "csv"), reading.understood["unit"]
    if change in ("some NaN", "1e9 for missing", "infinite"):
        assert reading is not None
        assert not np.isfinite(reading.motion.position_m).all()


def npz_that_claims(path: Path, shape: tuple[int, ...], descr: str = "<f8") -> Path:
    """An archive whose array claims a shape, with no data behind it."""
    header = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode()
    header += b" " * (64 - (10 + len(header) + 1) % 64) + b"\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("joints.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(64))
    return path


@pytest.mark.parametrize("shape", [(10**12, 24, 3), (-1, 24, 3), (10**6, 24, 3)])
def test_an_archive_that_claims_more_than_it_holds(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = npz_that_claims(tmp_path / "bomb.npz", shape)
    with pytest.raises(UnderstudyError, match=r"bomb\.npz"):
        read_recording(path, SourceOptions(rate_hz=30))


class Runs:
    """What a hostile pickle does when it is loaded."""

    def __init__(self, call: Callable[..., Any], *words: Any) -> None:
        self.call, self.words = call, words

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call, self.words


@pytest.mark.parametrize("suffix", [".pkl", ".npz", ".npy"])
def test_a_hostile_pickle_runs_nothing(tmp_path: Path, suffix: str) -> None:
    mark = tmp_path / "was_here"
    for call, words in ((os.mkdir, (str(mark),)), (os.system, (f"touch {mark}",)), (eval, (f"open({str(mark)!r}, 'w')",))):
        path = tmp_path / f"bad{suffix}"
        content = {"clip": {"smpl_joints": np.zeros((3, 24, 3)), "fps": Runs(call, *words)}}
        if suffix == ".pkl":
            path.write_bytes(pickle.dumps(content))
        elif suffix == ".npz":
            np.savez(path, joints=np.array([Runs(call, *words)], object), allow_pickle=True)
        else:
            np.save(path, np.array([Runs(call, *words)], object), allow_pickle=True)
        with pytest.raises(UnderstudyError, match="bad"):
            read_recording(path, SourceOptions(rate_hz=30))
        assert not mark.exists()


@pytest.mark.parametrize("rate", [-30.0, 0.0, np.nan, np.inf])
def test_a_rate_that_is_none(tmp_path: Path, rate: float) -> None:
    np.savez(tmp_path / "clip.npz", joints=smpl_order(tracks()), fps=np.array(rate))
    with pytest.raises(FileFormatError, match=r"clip\.npz.*source\.rate_hz="):
        read_recording(tmp_path / "clip.npz")
    assert read_recording(tmp_path / "clip.npz", SourceOptions(rate_hz=30)).motion.rate_hz == pytest.approx(30)


def trc_text(tmp_path: Path) -> str:
    return write_trc(tmp_path / "a.trc", person(20)[1]).read_text()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\tmm\t", "\tlightyears\t", r"unit 'lightyears' is not known.*source\.unit_m="),
        ("\tmm\t", "\tm\t", "read"),  # millimetres under the name of metres: corrected by the size of the body
        ("\t20\t34\tmm", "\t2000000000\t34\tmm", "read"),  # more frames announced than there are
        ("\t20\t34\tmm", "\t20\t35\tmm", "NumMarkers is 35, and 34 markers are named"),
        ("\tRKNE\t", "\tLKNE\t", "several markers are called LKNE"),
        ("Frame#", "Frames", "no line of marker names"),
        ("Units", "Unit", "the line DataRate ... Units"),
        ("\n5\t0.04000\t", "\n5\t0.01000\t", "the column Time does not rise after frame 4"),
        ("\n5\t0.04000\t", "\n5\t0.04000\t1.0\t", r"line 11: \d+ cells where the first line of numbers has \d+"),
        ("\n5\t0.04000\t", "\n5\t", r"line 11: \d+ cells; \d+ were announced"),
        ("\n5\t0.04000\t", "\n5\t0.04x00\t", "a cell is no number"),
    ],
)
def test_broken_trc(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = trc_text(tmp_path)
    assert old in text
    motion = read_recording(tmp_path / "a.trc").motion
    (tmp_path / "b.trc").write_text(text.replace(old, new, 1))
    if message == "read":
        assert outcome(tmp_path / "b.trc", SourceOptions(), motion)[0] == "read"
        return
    with pytest.raises(FileFormatError, match=rf"b\.trc.*{message}"):
        read_recording(tmp_path / "b.trc")


def test_a_trc_that_ends_within_a_number_loses_that_line_only(tmp_path: Path) -> None:
    text = trc_text(tmp_path)
    motion = read_recording(tmp_path / "a.trc").motion
    (tmp_path / "b.trc").write_text(text[:-4])
    reading = read_recording(tmp_path / "b.trc")
    assert reading.understood["cut off"].startswith("the last line ends within a number")
    np.testing.assert_array_equal(reading.motion.position_m, motion.position_m[:-1])


def test_a_c3d_without_points(tmp_path: Path) -> None:
    data = bytearray(write_c3d(tmp_path / "a.c3d", person(3)[1]).read_bytes())
    data[2:4] = bytes(2)  # how many points a frame has
    (tmp_path / "forces.c3d").write_bytes(bytes(data))
    with pytest.raises(FileFormatError, match=r"forces\.c3d: holds no points"):
        read_recording(tmp_path / "forces.c3d")


def test_a_c3d_that_announces_more_frames_than_it_holds(tmp_path: Path) -> None:
    data = bytearray(write_c3d(tmp_path / "a.c3d", person(10)[1]).read_bytes())
    data[8:10] = struct.pack("<H", 60000)  # the number of the last frame
    (tmp_path / "b.c3d").write_bytes(bytes(data))
    with pytest.raises(FileFormatError, match=r"b\.c3d: \d+ frames of 34 points were announced"):
        read_recording(tmp_path / "b.c3d")


def test_the_oracle_sees_what_is_wrong(tmp_path: Path) -> None:
    good = GENERATED["human_motion"](tmp_path)
    motion = HumanMotion.load(good.path)
    from dataclasses import replace

    assert difference(motion, motion) is None
    turned = motion.position_m @ np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]]).T + [3, 2, 1]
    assert difference(replace(motion, position_m=turned), motion) is None
    for change in (1.1 * motion.position_m, motion.position_m * [1, -1, 1], motion.position_m[:, ::-1], motion.position_m * [1, -1, -1]):
        assert difference(replace(motion, position_m=change), motion) is not None
    assert difference(replace(motion, time_s=motion.time_s * 2), motion) is not None
