"""Scorecard: what a set of episodes says of its actors in its plants, with an interval on every number."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from gap.catalogue import METRICS, PROGRESS, SAFETY
from gap.episode import EpisodeResult
from gap.errors import ScoreError
from gap.statistics import (
    Interval,
    bootstrap_difference,
    bootstrap_mean,
    clopper_pearson,
    holm,
    mcnemar_exact,
    newcombe_paired,
    wilson,
    wilson_mean,
)
from motion.errors import FileFormatError, require
from motion.provenance import Provenance
from motion.store import FORMAT, write_text

KIND = "scorecard"
VERSION = 1
SIM_TO_SIM = "sim-to-sim robustness"
NOMINAL = "nominal"
BASELINES = ("hold", "replay")


@dataclass(frozen=True)
class Cell:
    """One actor in one plant.

    Attributes:
        actor, plant: which.
        episodes: how many ran; every one counts in `success`.
        recordings: how many different recordings they followed.
        successes: how many succeeded.
        success: rate with its Wilson interval.
        unstable: how many left the finite range.
        unstable_bound: their rate with the one-sided Clopper-Pearson bound above it.
        metrics: column of the episode rows -> mean with bootstrap interval, over the episodes that could be measured.
        worst: safety number of the chore -> highest of any episode.
    """

    actor: str
    plant: str
    episodes: int
    recordings: int
    successes: int
    success: Interval
    unstable: int
    unstable_bound: Interval
    metrics: Mapping[str, Interval]
    worst: Mapping[str, float] = field(default_factory=dict)

    @property
    def stable_episodes(self) -> int:
        """How many episodes have metrics."""
        return self.episodes - self.unstable


@dataclass(frozen=True)
class Difference:
    """(actor, plant) minus (against_actor, against_plant), paired by recording and seed.

    Attributes:
        pairs: how many episodes have a partner.
        success: difference of the success rates, Newcombe's interval for pairs.
        p_mcnemar, p_holm: exact test of that difference, alone and among all of its table.
        metrics: column -> mean difference with bootstrap interval, over the pairs in which both could be measured.
    """

    actor: str
    plant: str
    against_actor: str
    against_plant: str
    pairs: int
    success: Interval
    p_mcnemar: float
    metrics: Mapping[str, Interval]
    p_holm: float = math.nan


@dataclass(frozen=True)
class Scorecard:
    """The score of one robot in one chore.

    Attributes:
        claim: what may be concluded; "sim-to-sim robustness" as long as no real log was used.
        robot, chore: what ran.
        nominal: the plant that gaps are taken from.
        actors, plants, recordings: names, in the order in which they are shown.
        drawn: the unit of the bootstrap, "recording" or "episode".
        cells: per actor and plant.
        gaps: nominal minus plant, per actor.
        comparisons: actor minus baseline, per plant.
        unstable: labels of the episodes that became unstable.
        unpaired: labels of the episodes without a partner in the nominal plant.
        provenance: of the episodes.
    """

    claim: str
    robot: str
    chore: str
    nominal: str
    actors: tuple[str, ...]
    plants: tuple[str, ...]
    recordings: tuple[str, ...]
    drawn: str
    cells: tuple[Cell, ...]
    gaps: tuple[Difference, ...]
    comparisons: tuple[Difference, ...]
    unstable: tuple[str, ...]
    unpaired: tuple[str, ...]
    provenance: Provenance

    def cell(self, actor: str, plant: str) -> Cell:
        """The cell of one actor in one plant; KeyError where it did not run."""
        found = {(cell.actor, cell.plant): cell for cell in self.cells}
        return found[actor, plant]

    @property
    def episodes(self) -> int:
        """How many episodes stand behind the card."""
        return sum(cell.episodes for cell in self.cells)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; NaN becomes null."""
        return {"format": FORMAT, "kind": KIND, "version": VERSION, **null_for_nan(asdict(self))}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Scorecard:
        """From what `to_json` gave.

        Raises:
            FileFormatError: not a scorecard, or of another version.
        """
        got = (data.get("format"), data.get("kind"), data.get("version"))
        require(got == (FORMAT, KIND, VERSION), FileFormatError, f"holds {got}; {(FORMAT, KIND, VERSION)} was wanted.")
        body = {key: value for key, value in data.items() if key not in ("format", "kind", "version")}
        for name in ("actors", "plants", "recordings", "unstable", "unpaired"):
            body[name] = tuple(body[name])
        body["cells"] = tuple(_cell_from_json(entry) for entry in body["cells"])
        for name in ("gaps", "comparisons"):
            body[name] = tuple(_difference_from_json(entry) for entry in body[name])
        body["provenance"] = Provenance.from_json(body["provenance"])
        return cls(**body)

    def save(self, path: Path) -> None:
        """Write as JSON."""
        write_text(Path(path), json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n")

    @classmethod
    def load(cls, path: Path) -> Scorecard:
        """Read what `save` wrote.

        Raises:
            FileFormatError: not a scorecard.
        """
        try:
            data = json.loads(Path(path).read_text())
        except (OSError, ValueError) as error:
            raise FileFormatError(f"{path}: not a scorecard ({type(error).__name__}: {error}).") from error
        require(isinstance(data, dict), FileFormatError, f"{path}: not a scorecard (a JSON object was wanted).")
        return cls.from_json(data)


def score(
    results: Iterable[EpisodeResult],
    provenance: Provenance,
    nominal: str = NOMINAL,
    baselines: Sequence[str] = BASELINES,
    seed: int = 0,
) -> Scorecard:
    """Score episodes of one robot in one chore.

    Recordings, not episodes, are drawn by the bootstrap where several were followed: two seeds of one recording are
    not two independent looks at the actor.

    Args:
        results: rows; every (actor, plant, variant, seed) at most once.
        provenance: of the episodes, e.g. from `episodes_provenance`.
        nominal: plant that the gaps are taken from.
        baselines: actors that every other actor is compared with, as far as they ran.
        seed: of the bootstrap.

    Raises:
        ScoreError: no rows, rows of several robots or chores, or an episode given twice.
    """
    rows = list(results)
    robot, chore = _one_robot_and_chore(rows)
    table = _by_key(rows)
    actors, plants = _in_order(rows, "actor", last=baselines), _in_order(rows, "plant", first=(nominal,))
    recordings = tuple(sorted({row.variant for row in rows}))
    drawn = "recording" if len(recordings) > 1 else "episode"
    ran = [(actor, plant) for actor in actors for plant in plants if table.get((actor, plant))]
    gap_pairs = [((actor, nominal), (actor, plant)) for actor, plant in ran if plant != nominal and (actor, nominal) in ran]
    rivals = [(a, b) for a in actors if a not in baselines for b in actors if b in baselines]
    rival_pairs = [((a, plant), (b, plant)) for plant in plants for a, b in rivals if {(a, plant), (b, plant)} <= set(ran)]
    return Scorecard(
        claim=SIM_TO_SIM,
        robot=robot,
        chore=chore,
        nominal=nominal,
        actors=actors,
        plants=plants,
        recordings=recordings,
        drawn=drawn,
        cells=tuple(_cell(actor, plant, list(table[actor, plant].values()), drawn, seed) for actor, plant in ran),
        gaps=_differences(gap_pairs, table, drawn, seed),
        comparisons=_differences(rival_pairs, table, drawn, seed),
        unstable=tuple(row.label for row in rows if not row.stable),
        unpaired=tuple(row.label for row in rows if row.plant != nominal and row.key not in table.get((row.actor, nominal), {})),
        provenance=provenance,
    )


_Rows = dict[tuple[str, int], EpisodeResult]
_Where = tuple[str, str]


def _one_robot_and_chore(rows: Sequence[EpisodeResult]) -> tuple[str, str]:
    found = sorted({(row.robot, row.chore) for row in rows})
    require(bool(found), ScoreError, "there are no episodes to score.")
    require(len(found) == 1, ScoreError, f"episodes of several robots or chores were given: {found}; score one at a time.")
    return found[0]


def _by_key(rows: Sequence[EpisodeResult]) -> dict[_Where, _Rows]:
    """(actor, plant) -> (variant, seed) -> row."""
    table: dict[_Where, _Rows] = {}
    for row in rows:
        mine = table.setdefault((row.actor, row.plant), {})
        if row.key in mine:
            raise ScoreError(f"{row.label}: this episode was given twice; every (actor, plant, recording, seed) counts once.")
        mine[row.key] = row
    return table


def _in_order(rows: Sequence[EpisodeResult], name: str, first: Sequence[str] = (), last: Sequence[str] = ()) -> tuple[str, ...]:
    """Names as they first appear, but `first` before and `last` after the others."""
    found = list(dict.fromkeys(getattr(row, name) for row in rows))
    middle = [value for value in found if value not in first and value not in last]
    return (*(value for value in first if value in found), *middle, *(value for value in last if value in found))


def _cell(actor: str, plant: str, rows: Sequence[EpisodeResult], drawn: str, seed: int) -> Cell:
    stable = [row for row in rows if row.stable]
    numbers = [row.numbers() for row in stable]
    names = [*METRICS, *sorted({name for entry in numbers for name in entry if name.startswith(SAFETY)})]
    successes, unstable = sum(row.success for row in rows), len(rows) - len(stable)
    return Cell(
        actor=actor,
        plant=plant,
        episodes=len(rows),
        recordings=len({row.variant for row in rows}),
        successes=successes,
        success=wilson(successes, len(rows)),
        unstable=unstable,
        unstable_bound=clopper_pearson(unstable, len(rows), side="upper"),
        metrics={name: _mean(name, stable, numbers, drawn, seed) for name in names},
        worst={name: max(_finite(name, numbers)) for name in names if name.startswith(SAFETY) and _finite(name, numbers)},
    )


def _finite(name: str, numbers: Sequence[Mapping[str, float]]) -> list[float]:
    return [entry[name] for entry in numbers if math.isfinite(entry.get(name, math.nan))]


def _mean(name: str, rows: Sequence[EpisodeResult], numbers: Sequence[Mapping[str, float]], drawn: str, seed: int) -> Interval:
    known = [(row, entry[name]) for row, entry in zip(rows, numbers, strict=True) if math.isfinite(entry.get(name, math.nan))]
    values, clusters = [value for _, value in known], _clusters([row for row, _ in known], drawn)
    return wilson_mean(values, clusters) if name == PROGRESS else bootstrap_mean(values, clusters, seed)


def _clusters(rows: Sequence[EpisodeResult], drawn: str) -> list[str] | None:
    return [row.variant for row in rows] if drawn == "recording" else None


def _differences(pairs: Sequence[tuple[_Where, _Where]], table: Mapping[_Where, _Rows], drawn: str, seed: int) -> tuple[Difference, ...]:
    found = [_difference(one, other, table, drawn, seed) for one, other in pairs if table[one].keys() & table[other].keys()]
    adjusted = holm([difference.p_mcnemar for difference in found])
    return tuple(replace(difference, p_holm=p) for difference, p in zip(found, adjusted, strict=True))


def _difference(one: _Where, other: _Where, table: Mapping[_Where, _Rows], drawn: str, seed: int) -> Difference:
    shared = [key for key in table[one] if key in table[other]]
    first, second = [table[one][key] for key in shared], [table[other][key] for key in shared]
    wins = [(a.success, b.success) for a, b in zip(first, second, strict=True)]
    both, only_first, only_second, neither = (wins.count(kind) for kind in ((True, True), (True, False), (False, True), (False, False)))
    numbers = [(a, a.numbers(), b.numbers()) for a, b in zip(first, second, strict=True) if a.stable and b.stable]
    names = [*METRICS, *sorted({name for _, a, b in numbers for name in a if name.startswith(SAFETY) and name in b})]
    return Difference(
        actor=one[0],
        plant=one[1],
        against_actor=other[0],
        against_plant=other[1],
        pairs=len(shared),
        success=newcombe_paired(both, only_first, only_second, neither),
        p_mcnemar=mcnemar_exact(only_first, only_second),
        metrics={name: _mean_difference(name, numbers, drawn, seed) for name in names},
    )


def _mean_difference(
    name: str, numbers: Sequence[tuple[EpisodeResult, Mapping[str, float], Mapping[str, float]]], drawn: str, seed: int
) -> Interval:
    known = [(row, a[name], b[name]) for row, a, b in numbers if math.isfinite(a.get(name, math.nan) - b.get(name, math.nan))]
    clusters = _clusters([row for row, _, _ in known], drawn)
    return bootstrap_difference([a for _, a, _ in known], [b for _, _, b in known], clusters, seed)


def null_for_nan(value: Any) -> Any:
    """Plain data as JSON knows it: what is not finite is null."""
    if isinstance(value, Mapping):
        return {key: null_for_nan(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [null_for_nan(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _interval_from_json(data: Mapping[str, Any]) -> Interval:
    filled: dict[str, Any] = {key: math.nan if value is None else value for key, value in data.items()}
    return Interval(**filled)


def _cell_from_json(data: Mapping[str, Any]) -> Cell:
    intervals = {name: _interval_from_json(data[name]) for name in ("success", "unstable_bound")}
    return Cell(**{**data, **intervals, "metrics": {name: _interval_from_json(entry) for name, entry in data["metrics"].items()}})


def _difference_from_json(data: Mapping[str, Any]) -> Difference:
    metrics = {name: _interval_from_json(entry) for name, entry in data["metrics"].items()}
    return Difference(**{**data, "success": _interval_from_json(data["success"]), "metrics": metrics})
