"""Tables of an evaluation, the same for the terminal and the page; and sentences that say what they mean."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gap.statistics import Interval
from gap.suites.card import Drop, SuiteCard, over_all
from gap.suites.conditions import PLANTS, ROBUSTNESS, SEEN
from gap.suites.contest import ALL, LEVEL, Contest
from gap.suites.curves import Curve
from gap.tables import DASH, Table

_ALWAYS = "intervals for all times, whenever it stopped"
_FIXED = "for a number of episodes that was fixed beforehand, which it was not here"


def leaderboard(card: SuiteCard) -> Table:
    """Policies by success over all chores, part by part; letters say which are not told apart."""
    rows = []
    for part in card.parts:
        over = over_all(card.rates, part)
        found = [(policy, *_pooled(card, policy, over, part)) for policy in card.policies]
        for policy, won, count in sorted((one for one in found if one[2]), key=lambda row: -row[1] / row[2]):
            rates = [rate for rate in card.rates if (rate.policy, rate.chore, rate.part) == (policy, over, part)]
            said = _percent(rates[0].success) if len(rates) == 1 else f"{100 * won / count:.0f}"
            rows.append((part, policy, card.letters.get(part, {}).get(policy, ""), f"{won}/{count}", said))
    alone = len(card.policies) == 1
    kept = tuple(row[:2] + row[3:] for row in rows) if alone else tuple(rows)
    header = ("Part", "Policy", "Episodes", "Success (%)") if alone else ("Part", "Policy", "Letters", "Episodes", "Success (%)")
    how = _ALWAYS if card.stopped else "Wilson 95 %"
    note = f"{'All chores together. ' if len(card.chores) > 1 else ''}In brackets: {how}."
    return Table(
        "Success", header, kept, note if alone else f"{note} Policies with a letter in common are not told apart ({LEVEL:g}, Holm)."
    )


def chore_table(card: SuiteCard) -> Table:
    """Chore by chore, policy by policy, under every condition that is not on a curve."""
    rows = [
        (
            rate.condition,
            rate.chore,
            rate.policy,
            f"{rate.successes}/{rate.episodes}",
            _percent(rate.success),
            _percent(rate.safe),
            _number(rate.progress, 2),
            _number(rate.duration_s, 1),
            f"{rate.unstable}",
            f"{100 * rate.unstable_bound.high:.1f}",
            DASH if math.isnan(rate.detectable) else f"{100 * rate.detectable:.0f}",
        )
        for rate in card.rates
        if rate.part not in ("", ROBUSTNESS)
    ]
    header = (
        "Condition",
        "Chore",
        "Policy",
        "Episodes",
        "Success (%)",
        "Safely (%)",
        "Progress",
        "Time (s)",
        "Unstable",
        "Below (%)",
        "Shows",
    )
    note = (
        f"Safely: succeeded, and nothing was violated; {_ALWAYS if card.stopped else 'Clopper-Pearson'}. Time: of successes. "
        "Unstable: left the finite range, counted as failed; below: what their rate is proved to be under. Shows: the smallest drop, in "
        f"points, that as many episodes would show with a power of 80 %.{f' Progress and time: {_FIXED}.' if card.stopped else ''}"
    )
    return Table("Chore by chore", header, tuple(rows), note)


def drop_table(card: SuiteCard) -> Table:
    """What is lost where something is held out."""
    rows = tuple((drop.part, drop.chore, drop.policy, _points(drop.drop)) for drop in card.drops)
    how = _ALWAYS if card.stopped else "Newcombe's interval of two samples"
    note = f"Seen minus held out, in points; {how}. A star marks one that does not reach zero."
    return Table("Drop against what was seen", ("Held out", "Chore", "Policy", "Drop (points)"), rows, note)


def curve_table(card: SuiteCard) -> Table:
    """Area and half-way level of every curve."""
    rows = tuple((one.name, one.chore, one.policy, one.unit, _levels(one), _number(one.area, 2), _half(one)) for one in card.curves)
    note = (
        "Successes in per cent from the neutral to the last level. Area: mean success over the width of the curve, 1 is best; in "
        "another chore's words nobody should succeed, so that level is no part of it. s50: where "
        "half of the neutral success is left, of the curve made monotone. Intervals are over layouts"
        f"{f', {_FIXED}' if card.stopped else ''}."
    )
    return Table("Robustness", ("Axis", "Chore", "Policy", "Unit", "Level: success (%)", "Area", "s50"), rows, note)


def contest_table(contests: Sequence[Contest]) -> Table:
    """Policies against each other."""
    rows = tuple(
        (
            one.part,
            one.chore,
            f"{one.first} vs {one.second}",
            str(one.pairs) if one.pairs else DASH,
            _points(one.difference),
            one.test,
            f"{one.p:.2g}",
            f"{one.p_holm:.2g}",
        )
        for one in contests
    )
    note = (
        "First minus second, in points, Newcombe's interval; where layouts were done under several conditions, of the layouts' means. "
        "Pairs: episodes, or layouts, that both did; a dash where they did different ones. "
        "p: that they succeed equally often; corrected by Holm over this table. Where it could stop early: e-values, with intervals for "
        "all times; a test that says fixed n takes the number of episodes as fixed beforehand."
    )
    header = ("Part", "Chore", "Policies", "Pairs", "Difference (points)", "Test", "p", "p corrected")
    return Table("Policies against each other", header, rows, note)


def known_table(card: SuiteCard) -> Table:
    """Episodes that became unstable, what was not run, and whether the code changed in between."""
    rows = [("unstable, counted as failed", name) for name in card.unstable]
    rows += [("not run", what) for what in card.left_out]
    if len(card.code) > 1:
        rows += [("more than one version of the code", f"{commit[:12]}: {count} episodes") for commit, count in card.code.items()]
    return Table("To know of", ("What", "Which"), tuple(rows))


def suite_tables(card: SuiteCard) -> tuple[Table, ...]:
    """All of them, without those that would be empty."""
    found = (leaderboard(card), chore_table(card), drop_table(card), curve_table(card), contest_table(card.contests), known_table(card))
    return tuple(table for table in found if table.rows)


def suite_text(card: SuiteCard) -> str:
    """For the terminal."""
    head = f"{card.claim.capitalize()}: {card.robot}, suite {card.suite} {card.version} ({card.sha256[:12]})."
    found = (leaderboard(card), drop_table(card), curve_table(card), contest_table(card.contests), known_table(card))
    return "\n\n".join([head, *(table.text() for table in found if table.rows)])


def reading(card: SuiteCard) -> tuple[str, ...]:
    """What the numbers mean, in sentences."""
    said = []
    for policy in card.policies:
        over = ALL if len(card.chores) > 1 else card.chores[0]
        seen = next((rate for rate in card.rates if (rate.policy, rate.chore, rate.condition) == (policy, over, SEEN)), None)
        if seen is None:
            continue
        said.append(
            f"{policy} does {seen.successes} of {seen.episodes} episodes of the kind it was trained on ({_percent(seen.success)} %)."
        )
        said += [
            _drop_said(drop)
            for drop in card.drops
            if (drop.policy, drop.chore) == (policy, over) and drop.part.startswith(("heldout", PLANTS))
        ]
        weak = sorted((one for one in card.curves if one.policy == policy and one.area.n), key=lambda one: one.area.value)[:3]
        if weak:
            named = ", ".join(f"{one.name} in {one.chore} (area {one.area.value:.2f}, s50 {_half(one)} {one.unit})" for one in weak)
            said.append(f"{policy} is hurt most by {named}.")
    clear = [one for one in card.contests if one.p_holm < LEVEL]
    said += [
        f"{_winner(one.first, one.second, one.difference)} in {one.part}, {one.chore} ({_points(one.difference)} points)." for one in clear
    ]
    if card.contests and not clear:
        said.append("No two policies are told apart.")
    return tuple(said)


def _drop_said(drop: Drop) -> str:
    value, plant = drop.drop, drop.part.removeprefix(f"{PLANTS}/")
    where = f"With held-out {drop.part.removeprefix('heldout_')}" if plant == drop.part else f"In the plant {plant}"
    sure = value.low > 0 or value.high < 0
    verb = "loses" if value.value >= 0 else "gains"
    tail = "" if sure else "; that may be chance"
    return f"{where}, {drop.policy} {verb} {abs(100 * value.value):.0f} points [{_ends(value)}]{tail}."


def _winner(first: str, second: str, difference: Interval) -> str:
    return f"{first} is better than {second}" if difference.value > 0 else f"{second} is better than {first}"


def _pooled(card: SuiteCard, policy: str, chore: str, part: str) -> tuple[int, int]:
    own = [rate for rate in card.rates if (rate.policy, rate.chore, rate.part) == (policy, chore, part)]
    return sum(rate.successes for rate in own), sum(rate.episodes for rate in own)


def _percent(interval: Interval) -> str:
    if math.isnan(interval.value):
        return DASH
    return f"{100 * interval.value:.0f} [{100 * interval.low:.0f}, {100 * interval.high:.0f}]"


def _said(interval: Interval) -> str:
    return f"{100 * interval.value:.0f} % [{_ends(interval)}]"


def _ends(interval: Interval) -> str:
    return f"{100 * interval.low:.0f}, {100 * interval.high:.0f}"


def _points(interval: Interval) -> str:
    star = "*" if interval.low > 0 or interval.high < 0 else ""
    return f"{100 * interval.value:+.0f} [{_ends(interval)}]{star}"


def _number(interval: Interval, digits: int) -> str:
    if math.isnan(interval.value):
        return DASH
    ends = f" [{interval.low:.{digits}f}, {interval.high:.{digits}f}]" if interval.has_ends else ""
    return f"{interval.value:.{digits}f}{ends}"


def _levels(one: Curve) -> str:
    return ", ".join(f"{level:g}: {100 * rate.value:.0f}" for level, rate in zip(one.levels, one.success, strict=True))


def _half(one: Curve) -> str:
    if math.isnan(one.s50.value):
        return DASH
    last = f"beyond {one.last:g}"
    value, low, high = (f"{end:.2g}" if math.isfinite(end) else last for end in (one.s50.value, one.s50.low, one.s50.high))
    return value if value == low == high or not one.s50.has_ends else f"{value} [{low}, {high}]"
