"""The loop: attempt, compare, correct, train, score; stopped and gone on with at any round.

DAgger with the reference controller as expert (S. Ross, G. Gordon, D. Bagnell, AISTATS 2011), whose corrections are kept only where
physics says that they succeed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from envs.disturbance import MILD, Disturbance
from envs.episodes import Episode
from envs.household.chore import Household
from envs.household.replay import ChoreReplay
from envs.household.takeover import Ideal
from envs.plants import find_plant
from envs.rollout import rollout
from gap.alignment.picture import alignment_plot
from gap.episode import EpisodeResult
from gap.errors import ScoreError
from gap.refinement.corrections import Attempt, Labelled, beside_ideal, correct, phase_weights
from gap.refinement.picture import rounds_plot
from gap.refinement.records import (
    CORRECTIONS,
    KEPT,
    Round,
    read_round,
    read_rows,
    scored,
    write_attempts,
    write_corrections,
    write_round,
)
from gap.refinement.settings import RefinementSettings
from motion.demonstration import Actor, Demonstration
from motion.errors import require
from motion.store import entries_of, write_atomically, write_text

PLOT, FARTHEST, SETTINGS = "success_by_round.png", "farthest.png", "settings.json"


@dataclass(frozen=True)
class Work:
    """What a refinement needs done; it knows neither recordings nor learning.

    Attributes:
        chore: where attempts are made.
        ideal: seed of a layout -> what a person would do in it; None where nobody can say.
        actor: checkpoint -> who acts by it.
        train: (number of the round, checkpoint to begin from, folders of all corrections so far) -> checkpoint.
        score: checkpoint -> rows of the validation episodes, the same ones each time.
        labelled: as for `corrections.correct`.
        told: hears of each round as soon as it is done, and again of all that are done already where it goes on.
        shaped_by: what `ideal`, `actor` and `score` come from, as plain JSON by the name of the setting; rounds of one folder share it.
        slots, threads, disturbance: as for `envs.rollout.rollout`.
    """

    chore: Household
    ideal: Callable[[int], Ideal | None]
    actor: Callable[[Path], Actor]
    train: Callable[[int, Path, Sequence[Path]], Path]
    score: Callable[[Path], Sequence[EpisodeResult]]
    labelled: Labelled = lambda done, _: done
    told: Callable[[Round], object] = lambda _: None
    shaped_by: Mapping[str, Any] = field(default_factory=dict)
    slots: int = 16
    threads: int = 0
    disturbance: Disturbance = MILD


@dataclass(frozen=True)
class Refined:
    """What a refinement came to: the checkpoint of the best round, all rounds from round 0 on, and why it stopped."""

    best: Path
    rounds: tuple[Round, ...]
    reason: str


def refine(work: Work, start: Path, settings: RefinementSettings, folder: Path) -> Refined:
    """Refine a policy by its own attempts.

    Each round begins from the weights that the last one ended with. The best round is the one with the most successes in validation,
    of equals with the most progress, then the latest. It stops after `settings.rounds`, or where all attempts of a round succeeded
    without straying, or none of its corrections succeeded, or when `settings.patience` rounds in a row were not better than the best
    before them.

    Args:
        work: what does the work.
        start: checkpoint to begin from.
        settings: how.
        folder: of the rounds; what is done there already is not done again.

    Raises:
        ScoreError: the folder was begun with other settings, or no layout has an ideal that succeeds.
    """
    _claim(folder / SETTINGS, settings, work.shaped_by)
    rounds = [_begun(work, start, folder / "round_0")]
    while not (reason := _over(rounds, settings)):
        number = len(rounds)
        own = folder / f"round_{number}"
        done = read_round(own) or _round(work, number, Path(rounds[-1].checkpoint), settings, folder)
        rounds.append(done)
        work.told(done)
        write_atomically(folder / PLOT, lambda stream: stream.write(rounds_plot(rounds)))
    best = max(rounds, key=lambda one: (*one.rank, one.number))
    return Refined(Path(best.checkpoint), tuple(rounds), reason)


def _claim(path: Path, settings: RefinementSettings, shaped_by: Mapping[str, Any]) -> None:
    """Say how it is refined; a folder that was begun otherwise is refused. More rounds, or more patience, go on with it."""
    free = ("rounds", "patience")
    own = {f"refine.{key}": value for key, value in asdict(settings).items() if key not in free}
    asked: dict[str, Any] = json.loads(json.dumps(own | dict(shaped_by)))
    if path.is_file():
        with entries_of(path):
            there = dict(json.loads(path.read_text()))
        differing = [f"{key}: {there.get(key)} there, {value} now" for key, value in asked.items() if there.get(key) != value]
        require(not differing, ScoreError, f"{path.parent} was begun otherwise ({'; '.join(differing)}); choose another output=.")
    write_text(path, json.dumps(asked, indent=1))


def _begun(work: Work, start: Path, folder: Path) -> Round:
    done = read_round(folder)
    if done is None:
        done = scored(0, start, work.score(start))
        write_round(folder, done)
    require(done.checkpoint == str(start), ScoreError, f"{folder.parent} refines {done.checkpoint}, not {start}; choose another output=.")
    work.told(done)
    return done


def _over(rounds: Sequence[Round], settings: RefinementSettings) -> str:
    """Why it is over; "" where it is not."""
    last = rounds[-1]
    if last.number and not last.takeovers:
        return "all attempts succeeded without straying"
    if last.number and not last.corrections:
        return "no correction succeeded"
    if last.number >= settings.rounds:
        return f"{settings.rounds} rounds are done"
    best = max(rounds, key=lambda one: one.rank)
    if last.number - best.number >= settings.patience:
        return f"no round was better than round {best.number} in the last {settings.patience}"
    return ""


def _round(work: Work, number: int, checkpoint: Path, settings: RefinementSettings, folder: Path) -> Round:
    own = folder / f"round_{number}"
    if not (own / CORRECTIONS).is_file():
        attempts = _attempts(work, number, checkpoint, settings)
        write_attempts(own, attempts)
        farthest = max(attempts, key=lambda one: float(one.comparison.strayed.mean()))
        write_atomically(own / FARTHEST, lambda stream: stream.write(alignment_plot(farthest.comparison)))
        weights = phase_weights(attempts, settings.least_weight)
        corrections = correct(work.chore, attempts, settings, weights, work.slots, work.threads, work.disturbance, work.labelled)
        write_corrections(own, corrections, attempts)
    attempted, corrected = read_rows(own / "attempts.parquet"), read_rows(own / CORRECTIONS)
    kept = sum(bool(row["file"]) for row in corrected)
    folders = [place for place in (folder / f"round_{k}" / KEPT for k in range(1, number + 1)) if place.is_dir()]
    after = work.train(number, checkpoint, folders) if kept else checkpoint
    done = scored(
        number,
        after,
        work.score(after),
        attempts=len(attempted),
        attempts_succeeded=sum(row["success"] for row in attempted),
        strayed=float(np.mean([row["strayed_mean"] for row in attempted])),
        takeovers=len(corrected),
        corrections=kept,
    )
    write_round(own, done)
    return done


def _attempts(work: Work, number: int, checkpoint: Path, settings: RefinementSettings) -> list[Attempt]:
    """Attempts of the policy in layouts that no other round had."""
    ideals = _ideals(work, number, settings)
    done = _run(work, work.actor(checkpoint), ideals)
    return [Attempt(ideal, one, beside_ideal(work.chore, ideal, one)) for ideal, one in zip(ideals, done, strict=True)]


def _ideals(work: Work, number: int, settings: RefinementSettings) -> list[Ideal]:
    """Ideals that the reference controller itself brings to a success; layouts without one are passed over, as many as are wanted."""
    reserved = 2 * settings.attempts
    seeds = iter(range(settings.first_layout + (number - 1) * reserved, settings.first_layout + number * reserved))
    found: list[Ideal] = []
    while len(found) < settings.attempts and (block := list(islice(seeds, settings.attempts - len(found)))):
        told = [ideal for seed in block if (ideal := work.ideal(seed)) is not None]
        scores = {(ideal.variant, ideal.seed, 0): ideal.score for ideal in told}
        done = _run(work, ChoreReplay(work.chore, scores), told) if told else []
        found += [ideal for ideal, one in zip(told, done, strict=True) if one.success]
    said = f"in none of {reserved} layouts the reference controller succeeds with a recording that is carried over; record more people."
    require(bool(found), ScoreError, said)
    return found


def _run(work: Work, actor: Actor, ideals: Sequence[Ideal]) -> list[Demonstration]:
    """Episodes of an actor in the ideals' layouts."""
    plant = find_plant("nominal")
    episodes = [Episode(ideal.variant, plant, ideal.seed) for ideal in ideals]
    return rollout(work.chore, actor, episodes, work.slots, work.threads, work.disturbance)
