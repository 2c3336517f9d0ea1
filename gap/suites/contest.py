"""Policies against each other: paired tests over the episodes that both did, others where they have none in common.

What is counted is a layout. Where policies did each layout under several conditions, as on a curve, a layout's mean is one number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy import stats

from gap.episode import EpisodeResult
from gap.planning import difference_at_all_times, evidence_of_difference, halved, sequence_over
from gap.statistics import Interval, holm, mcnemar_exact, newcombe, newcombe_means, newcombe_paired
from motion.transform import Array

ALL = "all chores"
LEVEL = 0.05
MCNEMAR, BOSCHLOO, FLIPS = "McNemar, exact", "Boschloo, exact", "signs flipped, by layout"
SHUFFLED = "shuffled, by layout"
E_VALUE, FIXED = "e-value, at all times", "; fixed n"
"""Where an evaluation could stop early: a test that holds all the same, and the mark of those that do not."""
_FLIPPED = 9999
_BOSCHLOO_MOST = 500
"""Of more episodes than this on a side Boschloo's test takes minutes; Fisher's, which is never less careful, stands in."""
Key = tuple[str, str, str, int]
Layout = tuple[str, str, int]


@dataclass(frozen=True)
class Contest:
    """One policy against another, in one part and chore.

    Attributes:
        part, chore: where.
        first, second: the policies.
        pairs: episodes, or layouts under several conditions, that both did; 0 where they did different ones.
        difference: success of the first minus success of the second; Newcombe's interval, of layouts' means where they are there
            under several conditions; where episodes could stop early, of pairs one for all times.
        test: how p was found.
        p, p_holm: that they succeed equally often, alone and among all contests of a table.
        left_out: episodes of the first and of the second that the other did not do; they count nowhere.
    """

    part: str
    chore: str
    first: str
    second: str
    pairs: int
    difference: Interval
    test: str
    p: float
    p_holm: float = math.nan
    left_out: tuple[int, int] = (0, 0)


def met_of(row: EpisodeResult) -> str:
    """What an episode met: its condition; without a suite the plant, and what is held out."""
    axis = row.variant.partition("@")[2]
    return row.condition or (f"{row.plant}@{axis}" if axis else row.plant)


def key_of(row: EpisodeResult) -> Key:
    """What pairs an episode with another policy's."""
    return row.condition or row.plant, row.chore, row.variant, row.seed


def layout_of(key: Key) -> Layout:
    """Chore, task and seed of an episode: with things or places held out, or in another plant, it is the same draw."""
    return key[1], key[2].partition("@")[0], key[3]


def contest(
    part: str, chore: str, names: tuple[str, str], one: Sequence[EpisodeResult], other: Sequence[EpisodeResult], stopped: bool = False
) -> Contest:
    """Two policies' rows in one part and chore: paired over the episodes that both did, as two samples where there are none.

    Args:
        part, chore, names: what of, and whose.
        one, other: rows.
        stopped: whether episodes could stop early, by what they had shown; tests that do not allow for it say "fixed n" then.
    """
    first, second = ({key_of(row): row.success for row in rows} for rows in (one, other))
    shared, mark = [key for key in first if key in second], FIXED if stopped else ""
    if not shared and (_several(first) or _several(second)):
        means = by_layout(first), by_layout(second)
        return Contest(part, chore, *names, 0, newcombe_means(*means, paired=False), SHUFFLED + mark, _shuffled(*means))
    if not shared:
        counts = [(sum(rows.values()), len(rows)) for rows in (first, second)]
        test, p = boschloo(*counts[0], *counts[1])
        return Contest(part, chore, *names, 0, newcombe(*counts[0], *counts[1]), test + mark, p)
    left_out = len(first) - len(shared), len(second) - len(shared)
    own, others = ({key: rows[key] for key in shared} for rows in (first, second))
    if _several(own):
        means = by_layout(own), by_layout(others)
        difference, p = newcombe_means(*means, paired=True), _flipped(means[0] - means[1])
        return Contest(part, chore, *names, len(means[0]), difference, FLIPS + mark, p, left_out=left_out)
    won = [(own[key], others[key]) for key in shared]
    both, alone_1, alone_2, none = (won.count(kind) for kind in ((True, True), (True, False), (False, True), (False, False)))
    if stopped:
        difference, p = _apart_at_all_times([key[1] for key in shared], won), min(1.0, 1 / evidence_of_difference(alone_1, alone_2))
        return Contest(part, chore, *names, len(won), difference, E_VALUE, p, left_out=left_out)
    difference, p = newcombe_paired(both, alone_1, alone_2, none), mcnemar_exact(alone_1, alone_2)
    return Contest(part, chore, *names, len(won), difference, MCNEMAR, p, left_out=left_out)


def _apart_at_all_times(chores: Sequence[str], won: Sequence[tuple[bool, bool]]) -> Interval:
    """How often only the first succeeded minus how often only the second did, which is the difference of their rates."""
    first, second = (sequence_over(chores, [pair == kind for pair in won], halved()) for kind in ((True, False), (False, True)))
    return difference_at_all_times(first, second)


def _several(rows: Mapping[Key, bool]) -> bool:
    """Whether a layout is there under several conditions."""
    return len({layout_of(key) for key in rows}) < len(rows)


def by_layout(rows: Mapping[Key, bool]) -> Array:
    """(n,) mean success of each layout."""
    found: dict[Layout, list[bool]] = {}
    for key, success in sorted(rows.items()):
        found.setdefault(layout_of(key), []).append(success)
    return np.array([np.mean(own) for own in found.values()])


def _flipped(difference: Array) -> float:
    """Two-sided p that differences (n,) have no sign of their own: how often flipped signs give a sum as far from zero.

    Source: R. A. Fisher, The Design of Experiments (1935), sec. 21.
    """
    signs = np.random.default_rng(len(difference)).integers(0, 2, (_FLIPPED, len(difference))) * 2 - 1
    far = np.abs(signs @ difference) >= abs(difference.sum()) - 1e-9
    return float((far.sum() + 1) / (_FLIPPED + 1))


def _shuffled(first: Array, second: Array) -> float:
    """Two-sided p that two samples of numbers (n,) and (m,) have one mean: how often it lies as far apart where they are shuffled."""

    def apart(one: Array, other: Array, axis: int) -> Array:
        return np.asarray(np.abs(one.mean(axis=axis) - other.mean(axis=axis)))

    rng = np.random.default_rng([len(first), len(second)])
    found = stats.permutation_test((first, second), apart, vectorized=True, n_resamples=_FLIPPED, alternative="greater", rng=rng)
    return float(found.pvalue)


def boschloo(successes_1: int, trials_1: int, successes_2: int, trials_2: int) -> tuple[str, float]:
    """Name and two-sided p of the exact test that two independent samples succeed equally often.

    Source: R. D. Boschloo, Statistica Neerlandica 24 (1970), as in SciPy.
    """
    table = [[successes_1, successes_2], [trials_1 - successes_1, trials_2 - successes_2]]
    if max(trials_1, trials_2) > _BOSCHLOO_MOST:
        return "Fisher, exact", float(stats.fisher_exact(table).pvalue)
    if successes_1 + successes_2 in (0, trials_1 + trials_2):
        return BOSCHLOO, 1.0
    return BOSCHLOO, min(1.0, float(stats.boschloo_exact(table).pvalue))


def adjusted(contests: Sequence[Contest]) -> tuple[Contest, ...]:
    """The same, with Holm's correction over all of them."""
    return tuple(replace(one, p_holm=p) for one, p in zip(contests, holm([one.p for one in contests]), strict=True))


def letters(rates: Mapping[str, float], contests: Sequence[Contest]) -> dict[str, str]:
    """Letters that policies share which no test tells apart, the best ones first: for display only.

    Args:
        rates: policy -> success.
        contests: of one part and chore, corrected.

    Source: H.-P. Piepho, J. Comput. Graph. Stat. 13:456-466 (2004), insert and absorb.
    """
    names = sorted(rates, key=lambda name: -rates[name])
    apart = {frozenset((one.first, one.second)) for one in contests if one.p_holm < LEVEL}
    groups: list[frozenset[str]] = [frozenset(names)]
    for one, other in combinations(names, 2):
        if frozenset((one, other)) in apart:
            split = [part for group in groups for part in ((group - {one}, group - {other}) if {one, other} <= group else (group,))]
            unique = list(dict.fromkeys(split))
            groups = [group for group in unique if not any(group < larger for larger in unique)]
    groups.sort(key=lambda group: [names.index(name) for name in sorted(group, key=names.index)])
    return {name: "".join(_letter(k) for k, group in enumerate(groups) if name in group) for name in names}


def _letter(number: int) -> str:
    return chr(ord("a") + number) if number < 26 else f"({number})"
