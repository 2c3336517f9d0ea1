"""Recordings in files become demonstrations in files; what was dropped, and why, stands beside them. One rollout of two recordings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.household.refine import RefineSettings
from motion.demonstration import Demonstration
from motion.errors import FileFormatError, UnderstudyError, UnknownNameError
from motion.human import HumanMotion
from motion.lerobot import Dataset
from motion.provenance import file_sha256
from tests.motion.lerobot.episodes import assert_same, episode
from tests.workers.household.test_demonstrate import shifted, without_counter
from workers.household.film import record_chore
from workers.household.record import save_recording
from workers.household.replays import REPLAYS, ReplayOptions, Row, replay_files, replays_table, write_replays

CHORE = "fragile_glass"
PLAINLY = ReplayOptions(CHORE, "g1_dex3", refine=RefineSettings(rounds=0))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two workers in one and the same episode, and three files that come to nothing."""
    folder = tmp_path_factory.mktemp("film")
    for worker in (0, 1):
        save_recording(record_chore(CHORE, "full", 0, worker), folder, f"worker_{worker}")
    motion = HumanMotion.load(folder / "worker_0.npz")
    without_counter(motion).save(folder / "lost_counter.npz")
    shifted(motion, [0.4, 0.0, 0.0]).save(folder / "far.npz")
    (folder / "text.npz").write_text("no recording")
    return folder


@pytest.fixture(scope="module")
def done(film: Path) -> list[tuple[Row, Demonstration | None]]:
    """What became of all of them, in one go."""
    return list(replay_files(sorted(film.glob("*.npz")), PLAINLY, jobs=1))


def kept(done: list[tuple[Row, Demonstration | None]]) -> list[Demonstration]:
    return [demonstration for _, demonstration in done if demonstration is not None]


def test_a_recording_becomes_a_demonstration_with_its_lineage(film: Path, done: list[tuple[Row, Demonstration | None]]) -> None:
    assert sorted(one.actor for one in kept(done)) == ["worker_0", "worker_1"]
    for one in kept(done):
        path = film / f"{one.actor}.npz"
        recorded = HumanMotion.load(path).provenance
        (parent,) = one.provenance.parents
        assert (parent.name, parent.sha256) == (path.name, file_sha256(path))
        assert (parent.licence, parent.consent) == (recorded.licence, recorded.consent)
        assert (one.provenance.licence, one.provenance.consent) == (recorded.licence, recorded.consent)
        assert (one.chore, one.variant, one.seed, one.plant, one.robot) == (CHORE, "full", 0, "nominal", "g1_dex3")
        assert one.scene["worker"] == f"worker_00{one.actor[-1]}"
        assert one.success


def test_two_recordings_of_one_episode_are_replayed_apart(film: Path, done: list[tuple[Row, Demonstration | None]]) -> None:
    """Each in the scene that its own tracks show, with the motion of its own worker."""
    one, other = kept(done)
    assert one.scene["sha256"] != other.scene["sha256"] or one.scene["places"] != other.scene["places"]
    assert one.actions.shape != other.actions.shape or np.abs(one.actions - other.actions).max() > 0.01


def test_rows_say_why_the_others_were_dropped(done: list[tuple[Row, Demonstration | None]]) -> None:
    rows = {row.name: row for row, _ in done}
    assert {name: row.dropped_at for name, row in rows.items()} == {
        "worker_0": "",
        "worker_1": "",
        "lost_counter": "understand",
        "far": "reach",
        "text": "read",
    }
    assert "nothing says where the counter is" in rows["lost_counter"].reason
    assert "out of reach" in rows["far"].reason
    assert "not an Understudy npz" in rows["text"].reason
    assert rows["worker_0"].plain
    assert rows["worker_0"].success
    assert (rows["far"].worker, rows["text"].worker) == ("worker_000", "")


def test_a_data_set_holds_what_the_files_hold(film: Path, done: list[tuple[Row, Demonstration | None]], tmp_path: Path) -> None:
    """The whole way into the LeRobot layout, for one recording; its bits are those of the batch of two."""
    files = [film / "text.npz", film / "worker_0.npz"]
    rows = write_replays(files, PLAINLY, tmp_path / "set", "lerobot", jobs=1)
    assert [row.name for row in rows] == ["text", "worker_0"]
    (got,) = Dataset(tmp_path / "set")
    (wanted,) = (one for one in kept(done) if one.actor == "worker_0")
    wanted.save(tmp_path / "wanted.npz")
    assert_same(got, _without_empty(Demonstration.load(tmp_path / "wanted.npz")))
    assert _told(tmp_path / "set") == [_plain(row) for row in rows]


@pytest.mark.parametrize("layout", ["npz", "lerobot"])
def test_where_nothing_succeeds_the_report_says_why(film: Path, tmp_path: Path, layout: str) -> None:
    rows = write_replays([film / "text.npz", film / "lost_counter.npz"], PLAINLY, tmp_path / "out", layout, jobs=1)
    assert [row.dropped_at for row in rows] == ["understand", "read"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == [REPLAYS]
    assert _told(tmp_path / "out") == [_plain(row) for row in rows]
    assert replays_table(rows).row_count == 5 + 2


def test_what_does_not_fit_is_refused_before_anything_is_replayed(film: Path, tmp_path: Path) -> None:
    files = [film / "worker_0.npz"]
    with pytest.raises(UnknownNameError, match="unknown format 'zarr'"):
        write_replays(files, PLAINLY, tmp_path / "out", "zarr", jobs=1)
    with pytest.raises(UnderstudyError, match="several recordings are named worker_0"):
        write_replays([*files, film / "truth" / "worker_0.npz"], PLAINLY, tmp_path / "out", jobs=1)
    assert not list(tmp_path.iterdir())
    episode(0).save(tmp_path / "other" / "a.npz")
    with pytest.raises(FileFormatError, match="no data set of ours"):
        write_replays(files, PLAINLY, tmp_path / "other", "lerobot", jobs=1)
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["a.npz"]


def test_a_recording_of_another_chore_is_dropped(film: Path) -> None:
    pour = ReplayOptions("pour_cup", "g1_dex3")
    ((row, none),) = replay_files([film / "worker_0.npz"], pour, jobs=1)
    assert none is None
    assert row.dropped_at == "read"
    assert "a recording of fragile_glass; chore=pour_cup was asked for" in row.reason


def _without_empty(one: Demonstration) -> Demonstration:
    """Less the tracks of things that the scene has none of (hinges, beads): a table has no columns without numbers."""
    groups = ({name: track for name, track in group.items() if track.size} for group in (one.observations, one.signals))
    observations, signals = groups
    return replace(one, observations=observations, signals=signals)


def _told(folder: Path) -> Any:
    return json.loads((folder / REPLAYS).read_text())


def _plain(row: Row) -> Any:
    return json.loads(json.dumps(row.__dict__))
