"""Real beside simulated success, as tables, sentences and a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gap.paired import PairedSuccess, kendall, mmrv_interval, mmrv_over_tasks, pearson, spearman
from gap.paired_trials import TrialGap
from gap.plots import looks, plain, png
from gap.report import Picture, data_uri, environment, provenance_facts
from gap.scorecard import null_for_nan
from gap.statistics import Interval, wilson
from gap.tables import DASH, Table
from motion.provenance import Provenance
from motion.store import write_text

CLAIM, MEANING = "real beside simulated success", "counts of trials on a real robot, as they were given; nobody here has watched them."
_ALL = "all tasks"


def predictors(rows: Sequence[PairedSuccess]) -> dict[str, dict[str, Interval]]:
    """Task -> name -> how well the simulation predicts reality over the policies; over all tasks, too, where there are several.

    Over all tasks each policy counts with its mean over the tasks that every policy was tried in.
    """
    tasks = list(dict.fromkeys(row.task for row in rows))
    groups = {task: [row for row in rows if row.task == task] for task in tasks}
    found = {task: _of(own) for task, own in groups.items() if len(own) > 1}
    policies = dict.fromkeys(row.policy for row in rows)
    shared = [task for task in tasks if {row.policy for row in groups[task]} == set(policies)]
    if len(shared) > 1 and len(policies) > 1:
        own = [[row for row in rows if row.policy == policy and row.task in shared] for policy in policies]
        means = [(float(np.mean([row.sim for row in some])), float(np.mean([row.real for row in some]))) for some in own]
        sim, real = ([pair[k] for pair in means] for k in (0, 1))
        order = [[next(row for row in groups[task] if row.policy == policy) for policy in policies] for task in shared]
        found[_ALL] = {
            "Pearson": pearson(sim, real),
            "Spearman": spearman(sim, real),
            "Kendall": kendall(sim, real),
            "MMRV": mmrv_over_tasks(order),
            "MMRV, ties are none": mmrv_over_tasks(order, signed=True),
        }
    return found


def _of(rows: Sequence[PairedSuccess]) -> dict[str, Interval]:
    sim, real = [row.sim for row in rows], [row.real for row in rows]
    return {
        "Pearson": pearson(sim, real),
        "Spearman": spearman(sim, real),
        "Kendall": kendall(sim, real),
        "MMRV": mmrv_interval(rows),
        "MMRV, ties are none": mmrv_interval(rows, signed=True),
    }


def paired_tables(rows: Sequence[PairedSuccess], trials: Sequence[TrialGap] = ()) -> tuple[Table, ...]:
    """Gap of every policy, how well the simulation predicts, and what single trials say."""
    gaps = tuple(
        (
            row.task,
            row.policy,
            f"{row.real_successes}/{row.real_trials}",
            f"{row.sim_successes}/{row.sim_trials}",
            _interval(gap, 100, 0, "+"),
        )
        for row, gap in gaps_of(rows, trials)
    )
    found = predictors(rows)
    names = list(dict.fromkeys(name for own in found.values() for name in own))
    lines = tuple(
        (task, str(next(iter(own.values())).n), *(_interval(own[name], 1, 3) if name in own else DASH for name in names))
        for task, own in found.items()
    )
    note = (
        "Over the policies; N of them. Correlations: intervals need five policies, Kendall's six. MMRV: mean of the worst wrong order, in "
        "real success; as published, and with ties that are no violation."
    )
    pairs = tuple(
        (
            one.task,
            one.policy,
            str(one.pairs),
            str(one.more_sim),
            _interval(one.difference, 100, 0, "+"),
            f"{one.p_mcnemar:.2g}",
            DASH if one.real is None else _interval(one.real, 100, 0),
        )
        for one in trials
    )
    how = "Newcombe's interval for pairs." if trials else "Newcombe's interval of two samples."
    made = (
        Table("Gap", ("Task", "Policy", "Real", "Simulated", "Simulated - real (points)"), gaps, how),
        Table("Is the simulation a good predictor?", ("Task", "N", *names), lines, note),
        Table(
            "Trial by trial",
            ("Task", "Policy", "Pairs", "Simulated beside", "Simulated - real (points)", "p (McNemar)", "Real success (%)"),
            pairs,
            "Real success: from pairs and simulation together, prediction-powered; simulation counts for as much as it agrees.",
        ),
    )
    return tuple(table for table in made if table.rows)


def gaps_of(rows: Sequence[PairedSuccess], trials: Sequence[TrialGap]) -> list[tuple[PairedSuccess, Interval]]:
    """Each policy's gap: of its pairs where its trials are known one by one, and of two samples where only counts are."""
    paired = {(one.policy, one.task): one.difference for one in trials if one.pairs}
    return [(row, paired.get((row.policy, row.task)) or row.gap()) for row in rows]


def _interval(interval: Interval, scale: float, digits: int, sign: str = "") -> str:
    if not np.isfinite(interval.value):
        return DASH
    ends = f" [{scale * interval.low:.{digits}f}, {scale * interval.high:.{digits}f}]" if interval.has_ends else ""
    return f"{scale * interval.value:{sign}.{digits}f}{ends}"


def paired_reading(rows: Sequence[PairedSuccess], trials: Sequence[TrialGap] = ()) -> tuple[str, ...]:
    """What the numbers mean, in sentences."""
    said = []
    gaps = gaps_of(rows, trials)
    for verb, side in (("flatters", [one for one in gaps if one[1].low > 0]), ("is too hard on", [one for one in gaps if one[1].high < 0])):
        if side:
            row, most = max(side, key=lambda one: abs(one[1].value))
            which = f"{row.policy} in {row.task}" if len(side) == 1 else f"{len(side)} of {len(rows)}, most on {row.policy} in {row.task}"
            said.append(f"The simulation {verb} {which}: {_interval(most, 100, 0, '+')} points.")
    if not said:
        said.append("No policy's gap is beyond chance; that does not mean that there is none.")
    for task, own in predictors(rows).items():
        one = own["Pearson"]
        if not one.has_ends:
            said.append(f"{task}: {one.n} policies are too few to say how well the simulation predicts.")
    return tuple(said)


def paired_picture(rows: Sequence[PairedSuccess]) -> Picture:
    """Simulated against real success, with Wilson's intervals both ways."""
    tasks = list(dict.fromkeys(row.task for row in rows))
    look = looks(tasks)
    figure = Figure(figsize=(5.2, 4.6), layout="constrained")
    axes = figure.subplots()
    plain(axes)
    axes.plot([0, 100], [0, 100], color="#999999", linewidth=1, linestyle=":")
    for row in rows:
        sim, real = wilson(row.sim_successes, row.sim_trials), wilson(row.real_successes, row.real_trials)
        ends = [[[100 * (one.value - one.low)], [100 * (one.high - one.value)]] for one in (sim, real)]
        colour, mark = look[row.task]
        axes.errorbar(100 * sim.value, 100 * real.value, xerr=ends[0], yerr=ends[1], fmt=mark, color=colour, capsize=2, linewidth=1)
        axes.annotate(row.policy, (100 * sim.value, 100 * real.value), xytext=(4, 4), textcoords="offset points", fontsize=7)
    for task in tasks:
        axes.plot([], [], look[task][1], color=look[task][0], label=task)
    axes.set(xlim=(-4, 104), ylim=(-4, 104), xlabel="simulated success (%)", ylabel="real success (%)")
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    return Picture(png(figure), "Simulated and real success of each policy, Wilson 95 %. On the dotted line they are equal.")


def write_paired_page(
    path: Path, rows: Sequence[PairedSuccess], provenance: Provenance, trials: Sequence[TrialGap] = (), title: str = "Real beside simulated"
) -> Path:
    """The page: one HTML file that asks nothing of the network."""
    picture = paired_picture(rows)
    section = {
        "title": "Numbers",
        "tables": list(paired_tables(rows, trials)),
        "pictures": [{"source": data_uri(picture.png, "image/png"), "caption": picture.caption}],
        "videos": [],
        "side_by_side": True,
    }
    counts = [("Policies", len({row.policy for row in rows})), ("Tasks", len({row.task for row in rows}))]
    counts += [("Real trials", sum(row.real_trials for row in rows)), ("Simulated trials", sum(row.sim_trials for row in rows))]
    page = (
        environment()
        .get_template("sections.html.j2")
        .render(
            title=title,
            claim=CLAIM,
            meaning=MEANING,
            notes=(),
            facts=[(name, str(count)) for name, count in counts],
            reading=paired_reading(rows, trials),
            sections=[section],
            provenance=provenance_facts(provenance),
            parents=provenance.parents,
            parents_left_out=0,
        )
    )
    write_text(path, page)
    return path


def paired_json(rows: Sequence[PairedSuccess], trials: Sequence[TrialGap] = ()) -> dict[str, Any]:
    """Plain data."""
    told: dict[str, Any] = null_for_nan(
        {
            "claim": CLAIM,
            "policies": [asdict(row) | {"gap": asdict(gap)} for row, gap in gaps_of(rows, trials)],
            "predictors": {task: {name: asdict(one) for name, one in own.items()} for task, own in predictors(rows).items()},
            "trials": [asdict(one) for one in trials],
        }
    )
    return told
