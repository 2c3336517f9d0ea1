"""Which recordings a batch takes, what it calls its outputs, and that it survives its processes."""

from __future__ import annotations

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest

from motion.cores import THREADS
from motion.errors import FileFormatError, UnderstudyError
from motion.store import write_npz
from retarget import batch
from retarget.batch import Outcome, refuse_overwriting, retarget_many
from retarget.pipeline import RetargetSettings, find_recordings, output_names, retarget_file
from tests.motion.bodies import still_person


def names(*inputs: str) -> list[str]:
    return [path.name for path in output_names([Path(path) for path in inputs], Path("out"))]


def test_outputs_keep_short_names_where_they_can() -> None:
    assert names("a/clip.bvh", "b/walk.bvh") == ["clip.npz", "walk.npz"]
    assert names("a/clip.bvh", "b/clip.npz", "b/walk.bvh") == ["a_clip.npz", "b_clip.npz", "walk.npz"]
    assert names("a/clip.bvh", "a/clip.npz") == ["clip_bvh.npz", "clip_npz.npz"]


@pytest.mark.parametrize(
    "inputs",
    [
        ("a/x/clip.bvh", "b/x/clip.bvh", "a/x/clip.npz"),
        ("/a/x/clip.bvh", "/b/x/clip.bvh", "/c/clip.bvh", "/c/a_x_clip.bvh"),
        ("x/clip.bvh", "y/clip.bvh", "x_clip.bvh", "clip_bvh.bvh"),
        ("clip.bvh", "../clip.bvh", "clip.npz"),
        ("a_b/c.npz", "a/b_c.npz", "x/c.npz", "y/b_c.npz"),
        ("a/b/c.npz", "a_b/c.npz", "a/b/c.bvh"),
    ],
)
def test_no_two_outputs_are_alike(inputs: tuple[str, ...]) -> None:
    assert len(set(names(*inputs))) == len(inputs)


def test_a_folder_means_the_recordings_in_it_and_nothing_that_was_made_of_them(tmp_path: Path) -> None:
    for name in ("b.bvh", "sub/a.npy", "truth/b.bvh", ".hidden/c.bvh", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    np.savez(tmp_path / "positions.npz", positions=np.zeros(3))
    for kind in ("human_motion", "robot_motion", "demonstration"):
        write_npz(tmp_path / "out" / f"{kind}.npz", kind, {}, {})
    found = [str(path.relative_to(tmp_path)) for path in find_recordings(str(tmp_path))]
    assert found == ["b.bvh", "out/human_motion.npz", "positions.npz", "sub/a.npy"]
    assert find_recordings(str(tmp_path / "truth")) == [tmp_path / "truth" / "b.bvh"]
    assert tmp_path / "truth" / "b.bvh" in find_recordings(f"{tmp_path}/**/*.bvh")
    assert find_recordings(f"{tmp_path}/out/robot*") == [tmp_path / "out" / "robot_motion.npz"]
    with pytest.raises(FileFormatError, match="no recording there"):
        find_recordings(f"{tmp_path}/su?")


def test_an_input_is_never_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = tmp_path / "clip.npz"
    clip.write_bytes(b"a recording")
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    for same in (clip, Path("clip.npz"), tmp_path / "link" / "clip.npz"):
        with pytest.raises(UnderstudyError, match="would be overwritten"):
            refuse_overwriting([clip], [same])
        with pytest.raises(UnderstudyError, match="would be overwritten"):
            next(retarget_many([clip], [same], "g1", RetargetSettings(), 1))
    assert clip.read_bytes() == b"a recording"
    refuse_overwriting([clip], [tmp_path / "other.npz"])


def _threads(path: Path, output: Path, robot: str, settings: RetargetSettings) -> Outcome:
    return Outcome(path, output, 0, None, " ".join(os.environ[name] for name in THREADS))


def _dies(path: Path, output: Path, robot: str, settings: RetargetSettings) -> Outcome:
    if path.name == "first":
        return Outcome(path, output, 7, None, "")
    os._exit(1)


def _sleeps(path: Path, output: Path, robot: str, settings: RetargetSettings) -> Outcome:
    if path.name != "first":
        time.sleep(60)
    return Outcome(path, output, 0, None, "")


def test_a_process_is_born_with_one_thread_and_the_parent_keeps_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "_one", _threads)
    monkeypatch.setenv(THREADS[0], "3")
    monkeypatch.delenv(THREADS[1])
    (done,) = retarget_many([tmp_path / "a"], [tmp_path / "b"], "g1", RetargetSettings(), 1)
    assert done.error == "1 1"
    assert os.environ[THREADS[0]] == "3"
    assert THREADS[1] not in os.environ


def test_a_killed_process_fails_the_recordings_that_are_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "_one", _dies)
    paths = [tmp_path / name for name in ("first", "second", "third")]
    outcomes = {done.path.name: done for done in retarget_many(paths, [path / "out" for path in paths], "g1", RetargetSettings(), 1)}
    assert outcomes["first"].frames_n == 7
    for name in ("second", "third"):
        assert outcomes[name].card is None
        assert f"{name}: not done, a process was killed" in outcomes[name].error


def test_a_pool_that_breaks_while_it_is_filled_fails_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: ProcessPoolExecutor, *_: object) -> None:
        raise BrokenProcessPool

    monkeypatch.setattr(ProcessPoolExecutor, "submit", broken)
    (done,) = retarget_many([tmp_path / "a"], [tmp_path / "b"], "g1", RetargetSettings(), 1)
    assert "a process was killed" in done.error


def test_who_stops_listening_stops_the_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "_one", _sleeps)
    before = set(multiprocessing.active_children())
    paths = [tmp_path / name for name in ("first", "second", "third")]
    outcomes = retarget_many(paths, [path / "out" for path in paths], "g1", RetargetSettings(), 1)
    assert next(outcomes).path.name == "first"
    (worker,) = set(multiprocessing.active_children()) - before
    outcomes.close()
    worker.join(10)
    assert not worker.is_alive()


def test_a_single_recording_is_not_overwritten_either(tmp_path: Path) -> None:
    path = tmp_path / "person.npz"
    still_person(3).save(path)
    before = path.read_bytes()
    with pytest.raises(FileFormatError, match="is the recording itself"):
        retarget_file(path, "g1", path)
    assert path.read_bytes() == before
