"""Scoring actors in a chore with things: every episode's row is on the disk as soon as it ends, so a stopped run goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from envs.disturbance import MILD, Disturbance
from envs.episodes import Episode
from envs.household.chore import Household
from envs.household.film import FilmSettings, render_demonstration
from gap.attempts import attempts, rates
from gap.episode import EpisodeResult
from gap.tables import Table
from motion.demonstration import Actor, Demonstration
from motion.store import write_text

ROWS, FILMS = "rows", "films"


def score_in_chore(
    chore: Household,
    actors: Sequence[Actor],
    episodes: Sequence[Episode],
    output: Path,
    slots: int = 16,
    threads: int = 0,
    disturbance: Disturbance = MILD,
    filmed: int = 1,
    on_row: Callable[[EpisodeResult], object] | None = None,
) -> list[EpisodeResult]:
    """Rows of all actors in all episodes, actor by actor; a group of `slots` whose rows are all in `output` already is not run again.

    A group is run as a whole, because the numbers of a policy may round otherwise beside others: so a stopped run ends like any other.

    Args:
        chore: what is to be done.
        actors: who does it, each under a name of its own.
        episodes: the same for all of them.
        output: folder; rows go to `rows/`, films to `films/`.
        slots, threads, disturbance: as for `envs.rollout.rollout`.
        filmed: episodes of each actor, variant and plant that a film (.mp4) is made of, the first ones.
        on_row: told of every row, for a progress bar.
    """
    found: list[EpisodeResult] = []
    films = _Films(chore, output, episodes, filmed)
    for actor in actors:
        for begin in range(0, len(episodes), slots):
            block = episodes[begin : begin + slots]
            if all(_path(output, actor.name, episode).is_file() for episode in block):
                continue
            for episode, row in zip(block, attempts(chore, actor, block, slots, threads, disturbance, films.take), strict=True):
                write_text(_path(output, actor.name, episode), json.dumps(asdict(row)))
                if on_row is not None:
                    on_row(row)
        found += [_read(_path(output, actor.name, episode)) for episode in episodes]
    return found


class _Films:
    """Makes films of the first episodes of each variant and plant."""

    def __init__(self, chore: Household, output: Path, episodes: Sequence[Episode], filmed: int) -> None:
        self.chore, self.output = chore, output
        groups: dict[tuple[str, str], list[int]] = {}
        for episode in episodes:
            groups.setdefault((episode.variant, episode.plant.name), []).append(episode.seed)
        self._shown = {(*group, seed) for group, seeds in groups.items() for seed in seeds[:filmed]}

    def take(self, done: Demonstration) -> None:
        """Make a film of an episode, if it is one of those that are shown."""
        if (done.variant, done.plant, done.seed) in self._shown:
            path = self.output / FILMS / done.actor / done.plant / f"{done.variant}.{done.seed}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            render_demonstration(done, path, FilmSettings(size=(320, 240)), self.chore)


def rates_table(results: Sequence[EpisodeResult]) -> Table:
    """Success (Wilson), safe success (Clopper-Pearson) and progress, by actor, variant and plant."""
    groups: dict[tuple[str, str, str], list[EpisodeResult]] = {}
    for row in results:
        groups.setdefault((row.actor, row.variant, row.plant), []).append(row)
    lines = []
    for (actor, variant, plant), rows in groups.items():
        found = rates(rows)
        shares = [f"{100 * one.value:.0f} % [{100 * one.low:.0f}, {100 * one.high:.0f}]" for one in (found.success, found.safe)]
        lines.append((actor, variant, plant, str(found.episodes), *shares, f"{found.progress:.2f}"))
    header = ("actor", "variant", "plant", "episodes", "success", "safely", "progress")
    note = "In brackets 95 % intervals: Wilson of success, Clopper-Pearson of safe success."
    return Table("Success in the chore", header, tuple(lines), note)


def _path(output: Path, actor: str, episode: Episode) -> Path:
    return output / ROWS / actor / episode.plant.name / f"{episode.variant}.{episode.seed}.json"


def _read(path: Path) -> EpisodeResult:
    return EpisodeResult(**json.loads(path.read_text()))
