"""Files: round trips field by field, nothing half-written, nothing but plain arrays, errors that say what is wrong."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from motion.demonstration import Demonstration, Outline
from motion.errors import FileFormatError, MotionError, ShapeError, UnderstudyError, UnknownNameError
from motion.human import HumanMotion, Label, Subject
from motion.provenance import UNSTATED, Parent, Provenance, commit_of, parent_of, record
from motion.robot_motion import RobotMotion
from motion.store import kind_of, read_npz, write_atomically, write_npz
from motion.transform import Transform
from tests.motion.bodies import still_person


def assert_same(a: object, b: object) -> None:
    """Field by field, arrays bit for bit."""
    for field in dataclasses.fields(a):  # type: ignore[arg-type]
        x, y = getattr(a, field.name), getattr(b, field.name)
        if isinstance(x, dict):
            assert list(x) == list(y)
            for key in x:
                (assert_same if isinstance(x[key], Transform) else np.testing.assert_array_equal)(x[key], y[key])
        elif isinstance(x, Transform):
            assert_same(x, y)
        elif isinstance(x, np.ndarray):
            np.testing.assert_array_equal(x, y)
        else:
            assert x == y, field.name


def full_person() -> HumanMotion:
    person = still_person(4)
    position = person.position_m.copy()
    position[1, 3] = np.nan
    return dataclasses.replace(
        person,
        position_m=position,
        segments=("pelvis", "left_hand"),
        segment_wxyz=np.tile([0.6, 0, 0.8, 0], (4, 2, 1)),
        objects={"cup": Transform.exp(np.random.default_rng(0).normal(size=(4, 6)))},
        signals={"left_grip_force_n": np.arange(4.0)},
        labels=(Label(0.0, 0.04, "grasp", "cup", "success"),),
        subject=Subject("worker_007", 1.71),
    )


def test_human_motion_round_trip(tmp_path: Path) -> None:
    person = full_person()
    person.save(tmp_path / "person.npz")
    assert_same(HumanMotion.load(tmp_path / "person.npz"), person)
    assert kind_of(tmp_path / "person.npz") == "human_motion"


def robot_motion() -> RobotMotion:
    joints = np.array([[0.1, 0.2], [np.nan, np.nan], [0.3, 0.4]])
    base = Transform(np.array([[0, 0, 1.0], [np.nan] * 3, [0, 0, 1]]), np.array([[1.0, 0, 0, 0], [np.nan] * 4, [1, 0, 0, 0]]))
    return RobotMotion(
        "g1",
        np.array([0, 0.1, 0.2]),
        ("a", "b"),
        joints,
        base,
        np.array([True, False, True]),
        {"left": np.array([True, True, False])},
        observed=np.array([[True, False], [False, False], [True, True]]),
        objects={"cup": Transform(np.arange(9.0).reshape(3, 3), np.tile([0.6, 0, 0.8, 0], (3, 1)))},
    )


def test_robot_motion_round_trip_keeps_unsolved_frames_unsolved(tmp_path: Path) -> None:
    motion = robot_motion()
    motion.save(tmp_path / "motion.npz")
    assert_same(RobotMotion.load(tmp_path / "motion.npz"), motion)
    assert motion.solved_spans(1) == [slice(0, 1), slice(2, 3)]
    assert motion.solved_spans() == []


def test_an_unsolved_frame_may_not_hold_a_pose() -> None:
    with pytest.raises(MotionError, match="exactly where it is solved"):
        dataclasses.replace(robot_motion(), solved=np.array([False, False, True]))


def demonstration() -> Demonstration:
    return Demonstration(
        robot="g1",
        chore="follow",
        variant="clip",
        plant="nominal",
        actor="expert",
        seed=3,
        period_s=0.02,
        joint_names=("a", "b"),
        observations={"joint_position_rad": np.zeros((5, 2))},
        actions=np.ones((5, 2)),
        signals={"gantry_force_n": np.arange(5.0)},
        success=True,
        progress=1.0,
        safety={"saturated": 0.1},
    )


def test_demonstration_round_trip(tmp_path: Path) -> None:
    demo = demonstration()
    demo.save(tmp_path / "demo.npz")
    assert_same(Demonstration.load(tmp_path / "demo.npz"), demo)
    with pytest.raises(ShapeError, match="has 4 steps; the actions have 5"):
        dataclasses.replace(demo, signals={"gantry_force_n": np.arange(4.0)})


def test_an_outline_is_read_without_unpacking_the_tracks(tmp_path: Path) -> None:
    """A file whose tracks are spoilt has the same outline; only who reads the tracks finds out."""
    path, made = tmp_path / "d.npz", demonstration()
    long = np.random.default_rng(0).normal(size=(20_000, len(made.joint_names)))
    made = dataclasses.replace(made, actions=long, observations={"joint_position_rad": long}, signals={})
    made.save(path)
    outline = Outline.load(path)
    assert outline == made.outline()
    assert (outline.steps_n, dict(outline.shapes)) == (len(made.actions), {k: v.shape[1:] for k, v in made.observations.items()})
    whole = bytearray(path.read_bytes())
    place = whole.index(b"actions.npy") + 200_000
    whole[place : place + 20] = bytes(20)
    path.write_bytes(whole)
    assert Outline.load(path).variant == made.variant
    with pytest.raises(FileFormatError):
        Demonstration.load(path)


def test_a_file_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    robot_motion().save(tmp_path / "motion.npz")
    with pytest.raises(FileFormatError, match="holds 'robot_motion'; 'human_motion' was wanted"):
        HumanMotion.load(tmp_path / "motion.npz")


def cut(path: Path, key: str | None = None, array: str | None = None, **change: object) -> None:
    """Take a header key or an array out of a file, or give a header key another value."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files if name != array}
    header = {name: value for name, value in json.loads(str(arrays["header_json"])).items() if name != key}
    np.savez(path, **arrays | {"header_json": np.array(json.dumps(header | change))})


@pytest.mark.parametrize(
    ("make", "key", "array"),
    [(full_person, "subject", "confidence"), (robot_motion, "robot", "solved"), (demonstration, "plant", "actions")],
)
def test_a_file_that_lacks_a_part_is_one_clear_error(
    tmp_path: Path, make: Callable[[], HumanMotion | RobotMotion | Demonstration], key: str, array: str
) -> None:
    whole, path = make(), tmp_path / "part.npz"
    for name in (key, "provenance"):
        whole.save(path)
        cut(path, key=name)
        with pytest.raises(FileFormatError, match=rf"part\.npz: header key '{name}' is missing\. It holds: .*format"):
            type(whole).load(path)
    whole.save(path)
    cut(path, array=array)
    with pytest.raises(FileFormatError, match=rf"part\.npz: array '{array}' is missing"):
        type(whole).load(path)
    whole.save(path)
    cut(path, provenance={"origin": "x"})
    with pytest.raises(FileFormatError, match=r"part\.npz: an entry is not of the kind it should be .*'origin'"):
        type(whole).load(path)


def test_a_header_that_is_no_table_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "list.npz", header_json=np.array("[1]"))
    with pytest.raises(FileFormatError, match=r"list\.npz: its header is no table"):
        HumanMotion.load(tmp_path / "list.npz")
    assert kind_of(tmp_path / "list.npz") is None


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04cut"])
def test_a_broken_file_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.npz"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"broken\.npz"):
        HumanMotion.load(path)
    assert kind_of(path) is None
    with pytest.raises(FileFormatError, match="no such file"):
        HumanMotion.load(tmp_path / "absent.npz")


def test_pickles_are_neither_written_nor_read(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="Python objects"):
        write_npz(tmp_path / "x.npz", "thing", {}, {"bad": np.array([{}], dtype=object)})
    np.savez(tmp_path / "y.npz", header_json=np.array([{}], dtype=object))
    with pytest.raises(FileFormatError):
        read_npz(tmp_path / "y.npz", "thing")


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "kept.bin"
    path.write_bytes(b"old")

    def fail(stream: object) -> None:
        stream.write(b"half")  # type: ignore[attr-defined]
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        write_atomically(path, fail)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_time_must_rise_and_names_must_be_known() -> None:
    person = still_person(3)
    with pytest.raises(MotionError, match=r"does not rise at frame 2 \(0.5000 s -> 0.4000 s\)"):
        dataclasses.replace(person, time_s=np.array([0, 0.5, 0.4]))
    with pytest.raises(UnknownNameError, match="Did you mean 'left_knee'"):
        dataclasses.replace(person, landmarks=("left_kne", *person.landmarks[1:]))
    with pytest.raises(ShapeError, match="position_m"):
        dataclasses.replace(person, position_m=np.zeros((3, 2, 3)))


@pytest.mark.parametrize("value", [-0.1, 1.01, np.nan])
def test_confidence_lies_in_0_to_1(value: float) -> None:
    person = still_person(3)
    confidence = person.confidence.copy()
    confidence[2, 1] = value
    with pytest.raises(MotionError, match=f"confidence of {person.landmarks[1]} at frame 2 is {value:g}; it lies in 0..1"):
        dataclasses.replace(person, confidence=confidence)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_commit_is_that_of_ones_own_checkout(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        who = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
        return subprocess.run(["git", *who, *words], cwd=tmp_path, capture_output=True, text=True, check=True).stdout.strip()

    assert commit_of(tmp_path) == ""
    git("init", "-q")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-q", "-m", "first")
    assert commit_of(tmp_path) == git("rev-parse", "HEAD")
    (tmp_path / "file").write_text("2")
    assert commit_of(tmp_path) == git("rev-parse", "HEAD") + "+"
    (tmp_path / "site-packages").mkdir()
    assert commit_of(tmp_path / "site-packages") == ""  # installed inside somebody else's checkout


def test_without_git_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_of(Path(__file__).parents[2]) == ""


def test_provenance_merges_licences_and_never_clears_the_unstated(tmp_path: Path) -> None:
    (tmp_path / "clip.bvh").write_bytes(b"abc")
    clip = parent_of(tmp_path / "clip.bvh", Provenance("clip", licence="CC-BY-NC-4.0", consent="form 12"))
    assert clip.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, "abc"
    mixed = record("mixture", "test", [clip, Parent("other", "0")])
    assert mixed.licence == f"CC-BY-NC-4.0 + {UNSTATED}"
    assert mixed.consent == f"form 12 + {UNSTATED}"
    assert {"numpy", "pin", "mujoco", "torch"} <= set(mixed.versions)
    assert Provenance.from_json(mixed.to_json()) == mixed


def test_errors_share_one_root_and_list_what_exists() -> None:
    error = UnknownNameError("plant", "nominl", ["nominal", "slow_link"], "train.yaml")
    assert isinstance(error, UnderstudyError)
    assert str(error) == "unknown plant 'nominl' in train.yaml. Did you mean 'nominal'? Known: nominal, slow_link."
