"""Chores with things by the doors, as a user runs them: filmed, replayed, and one clear line for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from motion.demonstration import Demonstration
from motion.human import HumanMotion
from motion.provenance import file_sha256
from tests.e2e.test_doors import run

NAME = "worker_000_fragile_glass_full_0000_00"
REPLAY = ("-m", "envs", "replay", "chore=fragile_glass", "plant=nominal", "refine.rounds=0", "jobs=1")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a worker filmed a chore."""
    folder = tmp_path_factory.mktemp("studio")
    words = ("chores=[fragile_glass]", "workers=1", "layouts=1", "view=head", "output=film", "jobs=1")
    done = run(folder, "-m", "workers", "record", *words)
    assert done.status == 0, done.err
    assert "1 recordings in film, their truth in film/truth" in done.out
    return folder


def test_from_film_to_a_demonstration(studio: Path) -> None:
    assert {path.relative_to(studio).as_posix() for path in studio.rglob("*.npz")} == {f"film/{NAME}.npz", f"film/truth/{NAME}.npz"}
    (studio / "film" / "notes.npz").write_text("no recording")
    done = run(studio, *REPLAY, "recordings=film", "output=demonstrations")
    assert done.status == 0, done.err
    assert "Traceback" not in done.err
    assert "succeeded as recorded" in done.out
    assert "dropped at read: film/notes.npz" in " ".join(done.out.split())
    rows = {row["name"]: row for row in json.loads((studio / "demonstrations" / "replays.json").read_text())}
    assert {name: row["dropped_at"] for name, row in rows.items()} == {NAME: "", "notes": "read"}
    made = Demonstration.load(studio / "demonstrations" / f"{NAME}.nominal.npz")
    assert made.success
    assert made.actor == NAME
    assert made.provenance.parents[0].sha256 == file_sha256(studio / "film" / f"{NAME}.npz")
    assert made.provenance.consent == HumanMotion.load(studio / "film" / f"{NAME}.npz").provenance.consent == "not a person"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-m", "envs", "replay", "chore=fragile_glass", "output=out"), "error: recordings= is missing, e.g. recordings=film/."),
        (("-m", "envs", "replay", "chore=pour_cup", "recordings=film", "output=out"), "recordings is of pour_cup"),
        ((*REPLAY, "recordings=film", "output=out", "format=zarr"), "error: unknown format 'zarr' in format=."),
        (("-m", "workers", "record", "chores=[fragile_glas]", "output=out"), "error: unknown chore 'fragile_glas' in chores=."),
    ],
    ids=["recordings", "chore", "format", "record"],
)
def test_what_is_wrong_is_one_clear_line(studio: Path, words: tuple[str, ...], message: str) -> None:
    done = run(studio, *words)
    assert done.status == 2
    assert message in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not (studio / "out").exists()
