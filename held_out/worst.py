"""Films of the worst episodes, which are played again as they were."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from envs.household.film import FilmSettings, render_demonstration
from gap.episode import EpisodeResult
from gap.report import Video
from gap.suites.conditions import ROBUSTNESS
from gap.suites.plan import Block, Plan
from gap.suites.run import Rows
from held_out.performing import BESIDE, Stage
from motion.cores import over_cores
from motion.demonstration import Demonstration
from motion.errors import UnderstudyError, require

_UNLIKE = "No film, because it ended in another way when it was played again, as on another machine or with other code"


def worst_films(plan: Plan, rows: Rows, stage: Stage, output: Path, count: int, jobs: int) -> tuple[list[Video], list[str]]:
    """Films of each policy's worst episodes, those of curves apart: unstable ones, failures, and unsafe ones, the chores in turn.

    And what to know of those that are not shown, because they ended in another way when they were played again.

    Args:
        plan, rows, stage: what was run, and how.
        output: folder; films go to `films/`.
        count: of each policy.
        jobs: processes.
    """
    blocks = {(block.chore, block.condition.name, *one): block for block in plan.blocks for one in block.episodes}
    tasks = []
    for policy, own in rows.items():
        bad = [row for row in own if not (row.success and row.safe) and policy not in BESIDE]
        bad = [row for row in bad if _block(blocks, row).condition.part != ROBUSTNESS]
        bad.sort(key=lambda row: (row.stable, row.success, row.safe, row.progress))
        tasks += [(stage, policy, _block(blocks, row), row, output / "films") for row in _in_turn(bad)[:count]]
    films: dict[int, Path] = {}
    made = over_cores(film_one, tasks, max(1, min(jobs, len(tasks))))
    for index, film in tqdm(made, total=len(tasks), unit="film", desc="worst episodes", disable=not tasks):
        require(film is not None, UnderstudyError, "a process that made a film was killed from outside. Start again to go on.")
        assert film is not None
        films[index] = film
    captions = {film: _caption(tasks[index][3]) for index, film in sorted(films.items())}
    shown = [Video(film.read_bytes(), caption, film.name) for film, caption in captions.items() if film.is_file()]
    return shown, [f"{_UNLIKE}: {caption}" for film, caption in captions.items() if not film.is_file()]


def _block(blocks: dict[tuple[str, str, str, int], Block], row: EpisodeResult) -> Block:
    return blocks[row.chore, row.condition, row.variant, row.seed]


def _in_turn(rows: Sequence[EpisodeResult]) -> list[EpisodeResult]:
    """The first of each chore and condition, then the second, and so on."""
    turn: dict[tuple[str, str], int] = {}
    ranked = []
    for place, row in enumerate(rows):
        cell = (row.chore, row.condition)
        turn[cell] = turn.get(cell, -1) + 1
        ranked.append((turn[cell], place, row))
    return [row for *_, row in sorted(ranked, key=lambda one: one[:2])]


def _caption(row: EpisodeResult) -> str:
    ended = "unstable" if not row.stable else "done, but not safely" if row.success else f"failed, {100 * row.progress:.0f} % of the way"
    return f"{row.actor}, {row.chore}, {row.condition}, layout {row.seed}: {ended}."


def film_one(stage: Stage, policy: str, block: Block, row: EpisodeResult, folder: Path) -> Path:
    """Where the film of one episode is; there is none where it ended in another way than before.

    Its block is played again, because numbers may round otherwise without the others beside it.
    """
    path = folder / policy / f"{row.chore}.{row.condition.replace('/', '_')}.{row.variant}.{row.seed}.mp4"
    if path.is_file():
        return path
    kept: list[Demonstration] = []
    rows = stage.play(policy, block, lambda done: kept.append(done) if (done.variant, done.seed) == row.key else None)
    again = next(one for one in rows if one.key == row.key)
    same = (again.success, again.safe, again.duration_s) == (row.success, row.safe, row.duration_s)
    if same:
        path.parent.mkdir(parents=True, exist_ok=True)
        render_demonstration(kept[0], path, FilmSettings(size=(320, 240)), stage.chore(block.chore))
    return path
