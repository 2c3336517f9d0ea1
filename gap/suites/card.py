"""What the rows of an evaluation say: rates, drops, curves, contests, each with an interval, and what they leave open."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from gap.episode import EpisodeResult
from gap.planning import detectable_drop, difference_at_all_times, halved, sequence_over
from gap.scorecard import SIM_TO_SIM
from gap.statistics import Interval, bootstrap_mean, clopper_pearson, newcombe, wilson, wilson_mean
from gap.suites.conditions import SEEN, Condition, Suites
from gap.suites.contest import ALL, Contest, adjusted, contest, letters
from gap.suites.curves import Curve, curve
from gap.suites.plan import Plan
from motion.provenance import Provenance
from motion.store import FORMAT, write_text

KIND, VERSION = "suite", 1


@dataclass(frozen=True)
class Rate:
    """One policy in one chore under one condition, or in all chores.

    Attributes:
        policy, chore, condition, part: which; the chore is "all chores" where they are taken together, and the part "" where success
            is not what was asked for (the words of another chore).
        episodes, successes: counted.
        success: Wilson's interval; one for all times where the evaluation could stop early.
        safe: success with nothing violated, Clopper-Pearson's interval, or one for all times.
        progress: mean share of the stages, Wilson's interval of a mean, for a number of episodes that was fixed beforehand.
        duration_s: mean of the successful episodes, the same.
        unstable, unstable_bound: episodes whose numbers left the finite range, and what their rate is proved to be below;
            where the evaluation could stop early, at all times.
        detectable: the smallest drop from this rate that as many episodes would show with a power of 80 %.
    """

    policy: str
    chore: str
    condition: str
    part: str
    episodes: int
    successes: int
    success: Interval
    safe: Interval
    progress: Interval
    duration_s: Interval
    unstable: int
    unstable_bound: Interval
    detectable: float


@dataclass(frozen=True)
class Drop:
    """How much less a policy succeeds where something is held out: seen minus held out, two samples.

    The interval is Newcombe's, or one for all times.
    """

    policy: str
    chore: str
    part: str
    drop: Interval


@dataclass(frozen=True)
class SuiteCard:
    """The result of an evaluation.

    Attributes:
        claim: what may be concluded from it.
        suite, version, sha256: which list of episodes.
        robot: who did it.
        policies: policy -> what is known of it: checkpoint, digest, what it was trained on, how it acted.
        rates, drops, curves, contests: see there.
        letters: part -> policy -> letters, over all chores.
        unstable: labels of episodes that became unstable; they count as failures.
        left_out: what was not run, and why.
        stopped: whether the evaluation could stop early.
        code: commit -> how many episodes that version of the code ran.
        provenance: of all of it.
    """

    claim: str
    suite: str
    version: str
    sha256: str
    robot: str
    policies: Mapping[str, Mapping[str, Any]]
    rates: tuple[Rate, ...]
    drops: tuple[Drop, ...]
    curves: tuple[Curve, ...]
    contests: tuple[Contest, ...]
    letters: Mapping[str, Mapping[str, str]]
    unstable: tuple[str, ...]
    left_out: tuple[str, ...]
    stopped: bool
    code: Mapping[str, int]
    provenance: Provenance

    @property
    def parts(self) -> tuple[str, ...]:
        """In order of appearance."""
        return tuple(dict.fromkeys(rate.part for rate in self.rates if rate.part))

    @property
    def chores(self) -> tuple[str, ...]:
        """In order of appearance, without "all chores"."""
        return tuple(dict.fromkeys(rate.chore for rate in self.rates if rate.chore != ALL))

    def rate(self, policy: str, chore: str, condition: str) -> Rate:
        """One of the rates; KeyError where there is none."""
        found = {(rate.policy, rate.chore, rate.condition): rate for rate in self.rates}
        return found[policy, chore, condition]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values: NaN is null, infinite is a word."""
        body: dict[str, Any] = _plain({**asdict(self), "provenance": self.provenance.to_json()})
        return {"format": FORMAT, "kind": KIND, "version_of_file": VERSION, **body}

    def save(self, path: Path) -> None:
        """Write as JSON."""
        write_text(Path(path), json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("beyond" if value > 0 else "below")
    return value


def suite_card(
    plan: Plan,
    suites: Suites,
    rows: Mapping[str, Sequence[EpisodeResult]],
    policies: Mapping[str, Mapping[str, Any]],
    provenance: Provenance,
    left_out: Sequence[str] = (),
    stopped: bool = False,
    code: Mapping[str, int] | None = None,
) -> SuiteCard:
    """Score the rows of a plan.

    Args:
        plan: what was run.
        suites: the frozen numbers that it is from.
        rows: policy -> rows.
        policies: policy -> what is known of it.
        provenance: of the rows.
        left_out: what was not run, and why.
        stopped: whether it could stop early.
        code: commit -> episodes, of `gap.suites.run.code_of`.
    """
    conditions = {condition.name: condition for condition in plan.conditions}
    rates = [
        _rate(policy, chore, condition, own, stopped)
        for policy, all_rows in rows.items()
        for condition in conditions.values()
        for chore, own in _by_chore(all_rows, condition, plan.chores)
    ]
    contests = adjusted(_contests(rows, conditions, plan.chores, stopped))
    parts = _parts(conditions)
    first = next(row for own in rows.values() for row in own)
    return SuiteCard(
        claim=SIM_TO_SIM,
        suite=plan.suite,
        version=plan.version,
        sha256=plan.sha256,
        robot=first.robot,
        policies=dict(policies),
        rates=tuple(rates),
        drops=tuple(_drops(rows, rates, conditions, stopped)),
        curves=tuple(_curves(rows, plan, suites)),
        contests=contests,
        letters={part: _letters(part, rates, contests, conditions) for part in parts if len(rows) > 1},
        unstable=tuple(f"{row.label} ({row.condition})" for own in rows.values() for row in own if not row.stable),
        left_out=tuple(left_out),
        stopped=stopped,
        code=dict(code or {}),
        provenance=provenance,
    )


def _parts(conditions: Mapping[str, Condition]) -> tuple[str, ...]:
    """Those in which policies are asked for what they are judged by."""
    return tuple(dict.fromkeys(condition.told_part for condition in conditions.values() if condition.told_part))


def over_all(rates: Sequence[Rate], part: str) -> str:
    """What stands for all of a part: all its chores together, or the only one."""
    chores = {rate.chore: None for rate in rates if rate.part == part}
    return ALL if ALL in chores else next(iter(chores))


def _by_chore(rows: Sequence[EpisodeResult], condition: Condition, chores: Sequence[str]) -> list[tuple[str, list[EpisodeResult]]]:
    """Each chore's rows under a condition, and those of all chores where there are several."""
    own = [row for row in rows if row.condition == condition.name]
    each = [(chore, [row for row in own if row.chore == chore]) for chore in chores]
    found = [(chore, some) for chore, some in each if some]
    return [*found, (ALL, own)] if len(found) > 1 else found


def _rate(policy: str, chore: str, condition: Condition, rows: Sequence[EpisodeResult], stopped: bool) -> Rate:
    count, won = len(rows), sum(row.success for row in rows)
    chores, safely, broken = [row.chore for row in rows], [row.success and row.safe for row in rows], [not row.stable for row in rows]
    unstable = sum(broken)
    return Rate(
        policy=policy,
        chore=chore,
        condition=condition.name,
        part=condition.told_part,
        episodes=count,
        successes=won,
        success=sequence_over(chores, [row.success for row in rows]) if stopped else wilson(won, count),
        safe=sequence_over(chores, safely) if stopped else clopper_pearson(sum(safely), count),
        progress=wilson_mean([row.progress for row in rows]),
        duration_s=bootstrap_mean([row.duration_s for row in rows if row.success]),
        unstable=unstable,
        unstable_bound=sequence_over(chores, broken) if stopped else clopper_pearson(unstable, count, side="upper"),
        detectable=detectable_drop(won / count, count),
    )


def _drops(
    rows: Mapping[str, Sequence[EpisodeResult]], rates: Sequence[Rate], conditions: Mapping[str, Condition], stopped: bool
) -> list[Drop]:
    seen = {(rate.policy, rate.chore): rate for rate in rates if rate.condition == SEEN}
    return [
        Drop(rate.policy, rate.chore, rate.condition, _drop_of(base, rate, rows[rate.policy], stopped))
        for rate in rates
        if not conditions[rate.condition].curve and rate.condition != SEEN and (base := seen.get((rate.policy, rate.chore)))
    ]


def _drop_of(base: Rate, rate: Rate, rows: Sequence[EpisodeResult], stopped: bool) -> Interval:
    if not stopped:
        return newcombe(base.successes, base.episodes, rate.successes, rate.episodes)
    own = [[row for row in rows if row.condition == one.condition and one.chore in (row.chore, ALL)] for one in (base, rate)]
    first, second = (sequence_over([row.chore for row in some], [row.success for row in some], halved()) for some in own)
    return difference_at_all_times(first, second)


def _curves(rows: Mapping[str, Sequence[EpisodeResult]], plan: Plan, suites: Suites) -> list[Curve]:
    names = tuple(dict.fromkeys(condition.curve for condition in plan.conditions if condition.curve))
    found = []
    for policy, own in rows.items():
        for chore in plan.chores:
            by_condition: dict[str, list[EpisodeResult]] = {}
            for row in own:
                if row.chore == chore:
                    by_condition.setdefault(row.condition, []).append(row)
            found += [curve(policy, chore, suites.curve(name), by_condition) for name in names if by_condition]
    return found


def _contests(
    rows: Mapping[str, Sequence[EpisodeResult]], conditions: Mapping[str, Condition], chores: Sequence[str], stopped: bool
) -> list[Contest]:
    """Every pair of policies in every chore, part by part; a part's curves and plants together."""
    found = []
    parts = _parts(conditions)
    for part in parts:
        there = {row.chore for own in rows.values() for row in own if conditions[row.condition].told_part == part}
        for chore in (*(name for name in chores if name in there), *((ALL,) if len(there) > 1 else ())):
            for one, other in combinations(rows, 2):
                own, others = (
                    [row for row in rows[name] if conditions[row.condition].told_part == part and chore in (row.chore, ALL)]
                    for name in (one, other)
                )
                if own and others:
                    found.append(contest(part, chore, (one, other), own, others, stopped))
    return found


def _letters(part: str, rates: Sequence[Rate], contests: Sequence[Contest], conditions: Mapping[str, Condition]) -> dict[str, str]:
    over = over_all(rates, part)
    counted: dict[str, tuple[int, int]] = {}
    for rate in rates:
        if rate.chore == over and conditions[rate.condition].told_part == part:
            won, count = counted.get(rate.policy, (0, 0))
            counted[rate.policy] = won + rate.successes, count + rate.episodes
    own = [one for one in contests if (one.part, one.chore) == (part, over)]
    return letters({name: won / count for name, (won, count) in counted.items()}, own)
