"""The loop: what is kept of a round, when it stops, what is best, and that it goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from envs.actors import HoldActor
from envs.household.takeover import Ideal
from gap.episode import EpisodeResult
from gap.errors import ScoreError
from gap.refinement import RefinementSettings, Round, Work, refine, rounds_table
from gap.refinement.loop import FARTHEST, PLOT
from gap.refinement.picture import rounds_plot
from gap.refinement.records import read_rows
from motion.demonstration import Demonstration
from tests.gap.refinement.conftest import RaiseHand, ideal_of

SETTINGS = RefinementSettings(rounds=2, attempts=2, takeovers=1, bound_rad=2.0, patience=2)


class Diary:
    """Trains by naming checkpoints, and scores them as it is told; keeps what was asked of it."""

    def __init__(self, chore: RaiseHand, folder: Path, successes: Sequence[int] = (1, 3, 2)) -> None:
        self.trained: list[tuple[int, str, list[str]]] = []
        self.scored: list[str] = []
        self.seeds: list[int] = []
        self.successes = successes
        self.chore = chore
        self.work = Work(
            chore=chore,
            ideal=self.ideal,
            actor=lambda _: HoldActor(),
            train=self.train,
            score=self.score,
            threads=1,
            shaped_by={"evaluate.seeds": 4},
        )
        self.folder = folder

    def ideal(self, seed: int) -> Ideal:
        """Somebody who raises a hand, in any layout."""
        self.seeds.append(seed)
        return ideal_of(self.chore, seed)

    def train(self, number: int, checkpoint: Path, corrections: Sequence[Path]) -> Path:
        """Name a checkpoint."""
        self.trained.append((number, checkpoint.name, [str(place.relative_to(self.folder)) for place in corrections]))
        return self.folder / f"after_{number}"

    def score(self, checkpoint: Path) -> list[EpisodeResult]:
        """Four episodes, of which some succeed."""
        won = self.successes[int(checkpoint.name.partition("_")[2] or 0)]
        self.scored.append(checkpoint.name)
        told = ("g1_dex3", "raise_hand", "full", "nominal", "x")
        return [EpisodeResult(*told, seed, 0.02, 1.0, True, seed < won, progress=0.5) for seed in range(4)]

    def refine(self, settings: RefinementSettings = SETTINGS) -> tuple[str, list[Round], str]:
        """Name of the best checkpoint, rounds, reason."""
        done = refine(self.work, Path("start"), settings, self.folder)
        return done.best.name, list(done.rounds), done.reason


@pytest.fixture(scope="module")
def done(raising: RaiseHand, tmp_path_factory: pytest.TempPathFactory) -> tuple[Diary, str, list[Round], str]:
    diary = Diary(raising, tmp_path_factory.mktemp("refine"))
    return diary, *diary.refine()


def test_the_best_round_is_kept(done: tuple[Diary, str, list[Round], str]) -> None:
    diary, best, rounds, reason = done
    assert (best, reason) == ("after_1", "2 rounds are done")
    assert [(own.number, own.successes, own.attempts, own.corrections) for own in rounds] == [(0, 1, 0, 0), (1, 3, 2, 2), (2, 2, 2, 2)]
    assert diary.scored == ["start", "after_1", "after_2"]


def test_each_round_goes_on_from_the_last_with_all_corrections(done: tuple[Diary, str, list[Round], str]) -> None:
    one, both = ["round_1/corrections"], ["round_1/corrections", "round_2/corrections"]
    assert done[0].trained == [(1, "start", one), (2, "after_1", both)]
    assert done[0].seeds == [700_000, 700_001, 700_004, 700_005]


def test_every_attempt_difference_and_correction_is_on_the_disk(done: tuple[Diary, str, list[Round], str]) -> None:
    folder = done[0].folder / "round_1"
    attempts, differences, corrections = (read_rows(folder / f"{name}.parquet") for name in ("attempts", "differences", "corrections"))
    assert [row["seed"] for row in attempts] == [700_000, 700_001]
    assert not any(row["success"] for row in attempts)
    kinds = {(row["kind"], row["name"]) for row in differences}
    assert {("joint_rad", "right_elbow_joint"), ("hand_m", "right")} <= kinds
    assert len(differences) == 2 * len(kinds)  # all of it is one phase, "leave"
    files = sorted(path.name for path in (folder / "corrections").iterdir())
    assert sorted(row["file"] for row in corrections) == files
    assert all(Demonstration.load(folder / "corrections" / name).success for name in files)
    assert (folder / FARTHEST).read_bytes().startswith(b"\x89PNG")
    assert (done[0].folder / PLOT).read_bytes().startswith(b"\x89PNG")


def test_what_is_done_is_not_done_again(done: tuple[Diary, str, list[Round], str], raising: RaiseHand) -> None:
    """A killed training goes on from the corrections that lie there; more rounds go on, other settings do not."""
    folder = done[0].folder
    (folder / "round_2" / "summary.json").unlink()
    again = Diary(raising, folder)
    assert again.refine()[0] == "after_1"
    assert (again.seeds, again.scored, [row[0] for row in again.trained]) == ([], ["after_2"], [2])
    with pytest.raises(ScoreError, match="refine.attempts: 2 there, 5 now"):
        again.refine(replace(SETTINGS, attempts=5))
    with pytest.raises(ScoreError, match="evaluate.seeds: 4 there, 8 now"):
        refine(replace(again.work, shaped_by={"evaluate.seeds": 8}), Path("start"), SETTINGS, folder)
    with pytest.raises(ScoreError, match="refines start, not other"):
        refine(again.work, Path("other"), SETTINGS, folder)


def test_it_stops_where_patience_ends(raising: RaiseHand, tmp_path: Path) -> None:
    best, rounds, reason = Diary(raising, tmp_path, successes=(3, 1, 1)).refine(replace(SETTINGS, rounds=9, attempts=1, patience=1))
    assert (best, len(rounds), reason) == ("start", 2, "no round was better than round 0 in the last 1")


def test_it_stops_where_no_correction_succeeds(raising: RaiseHand, tmp_path: Path) -> None:
    """No joint may be off at all, so nothing is taken over."""
    diary = Diary(raising, tmp_path, successes=(1,))
    best, rounds, reason = diary.refine(replace(SETTINGS, attempts=1, bound_rad=1e-6))
    assert (best, len(rounds), reason) == ("start", 2, "no correction succeeded")
    assert diary.trained == []


def test_a_layout_whose_ideal_fails_itself_is_passed_over(raising: RaiseHand, tmp_path: Path) -> None:
    """In the first layout somebody hardly raises the hand."""
    diary = Diary(raising, tmp_path)
    work = replace(diary.work, ideal=lambda seed: ideal_of(raising, seed, 0.02 if seed == 700_000 else 0.9))
    refine(work, Path("start"), replace(SETTINGS, rounds=1), tmp_path)
    assert [row["seed"] for row in read_rows(tmp_path / "round_1" / "attempts.parquet")] == [700_001, 700_002]


def test_layouts_without_a_recording_are_said(raising: RaiseHand, tmp_path: Path) -> None:
    work = replace(Diary(raising, tmp_path).work, ideal=lambda _: None)
    with pytest.raises(ScoreError, match="in none of 4 layouts"):
        refine(work, Path("start"), SETTINGS, tmp_path)


def test_rounds_as_a_table_and_a_picture() -> None:
    rounds = [Round(0, "a", 2, 16, 2, 0.4), Round(1, "b", 9, 16, 8, 0.7, 12, 3, 1.4, 20, 15)]
    text = rounds_table(rounds, "stopped").text()
    assert "9 of 16 [33, 77] %" in text
    assert "15 of 20" in text
    assert rounds_plot(rounds).startswith(b"\x89PNG")
