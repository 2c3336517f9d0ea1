"""How often trained policies succeed in the chores: in new layouts, with what training never has, and by how many actions they carry out.

Every policy is trained on each chore's data set by its recipe, `conf/experiment/chore_<policy>.yaml`, for the same time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.policy_runs import Options, Run, Trial, execute_n, score_all, train_all
from benchmarks.table import Row
from gap.attempts import rates
from gap.episode import EpisodeResult
from gap.statistics import Interval, newcombe

BARS: Mapping[str, float] = {
    "tidy_counter": 80.0,
    "stir_pot": 80.0,
    "operate_appliance": 80.0,
    "walk_clutter": 80.0,
    "pour_cup": 60.0,
    "fragile_glass": 60.0,
    "fetch_item": 60.0,
}
NEW, APART, SHOWN_TO_TESTERS = 900_000, 960_000, 300_000
"""First seeds of layouts that no data set holds, and in which nothing was tried while the recipes were made, but that 20 N were chosen
after things had been lost there; of those in which nobody had looked at how held-out objects are lost; and of those that `workers dataset`
lets people of the test film."""
VALIDATION = 800_000
"""First seed of layouts in which it is chosen how many actions are carried out."""
_MINUTES = 60.0
_DROP = 15.0
"""Points that success may drop."""
_EXECUTED = (1, 4, 8, 16, 24, 32, 40, 48)
_SWEPT = 50
"""Layouts for each number of executed actions."""


def chores(options: Options) -> list[Row]:
    """Every policy in every chore, in layouts that nobody showed; and the time that the default one took to train."""
    runs = [Run(policy, chore, seed) for policy in options.policies for chore in options.chores for seed in options.seeds]
    minutes = train_all(runs, options)
    found = score_all([_usual(run, options) for run in runs], options)
    rows = []
    for policy in options.policies:
        own = [run for run in runs if run.policy == policy]
        for chore in options.chores:
            tried = {run: found[_usual(run, options)] for run in own if run.chore == chore}
            rows.append(_success(policy, chore, tried, options))
        each = [sum(minutes[run] for run in own if run.seed == seed) / options.jobs for seed in options.seeds]
        bar = _MINUTES if policy == options.default and set(options.chores) >= set(BARS) else None
        said = f"{len(options.chores)} chores, {options.jobs} runs of one thread side by side; the slowest of {len(each)} seeds"
        rows.append(Row(f"minutes_{policy}", max(each), bar, "min", at_least=False, note=said))
    return rows


def _usual(run: Run, options: Options, axis: str = "", first_seed: int = NEW) -> Trial:
    return Trial(run, axis, first_seed, options.episodes, execute_n(run.chore))


def _success(policy: str, chore: str, tried: Mapping[Run, Sequence[EpisodeResult]], options: Options) -> Row:
    """Over all seeds of the training together; the bar is the default policy's."""
    together = rates([row for rows in tried.values() for row in rows])
    each = ", ".join(f"{100 * rates(rows).success.value:.0f}" for rows in tried.values())
    said = f"{_interval(together.success)}; seeds of training: {each}; safely {100 * together.safe.value:.0f} %"
    bar = BARS[chore] if policy == options.default else None
    return Row(f"{policy}_{chore}", 100 * together.success.value, bar, "%", note=f"{said}; stages {together.progress:.2f}")


def _interval(success: Interval) -> str:
    return f"[{100 * success.low:.0f}, {100 * success.high:.0f}]"


def held_out(options: Options) -> list[Row]:
    """By how many points the default policy drops: with objects out of training's ranges, and in the testers' layouts."""
    runs = [Run(options.default, chore, seed) for chore in options.chores for seed in options.seeds]
    train_all(runs, options)
    trials = {
        "new": {run: _usual(run, options) for run in runs},
        "objects": {run: _usual(run, options, "objects", APART) for run in runs},
        "workers": {run: _usual(run, options, first_seed=SHOWN_TO_TESTERS) for run in runs},
    }
    found = score_all([trial for each in trials.values() for trial in each.values()], options)
    rows = []
    for chore in options.chores:
        own = [run for run in runs if run.chore == chore]
        success = {name: rates([row for run in own for row in found[each[run]]]).success for name, each in trials.items()}
        new = success.pop("new")
        for name, other in success.items():
            drop = newcombe(round(new.value * new.n), new.n, round(other.value * other.n), other.n)
            said = f"{_interval(drop)}; {100 * other.value:.0f} % {_interval(other)}; new: {100 * new.value:.0f} % {_interval(new)}"
            rows.append(Row(f"drop_{chore}_{name}", 100 * drop.value, _DROP, "points", False, said))
    return rows


def executed(options: Options) -> list[Row]:
    """The default policy's success by the number of actions carried out per look, over all chores, in layouts of the validation."""
    runs = [Run(options.default, chore, options.seeds[0]) for chore in options.chores]
    train_all(runs, options)
    trials = {(run, count): Trial(run, "", VALIDATION, min(_SWEPT, options.episodes), count) for count in _EXECUTED for run in runs}
    found = score_all(list(trials.values()), options)
    rows = []
    for count in _EXECUTED:
        tried = {run.chore: rates(found[trials[run, count]]).success.value for run in runs}
        said = ", ".join(f"{chore} {100 * value:.0f}" for chore, value in tried.items())
        rows.append(Row(f"executed_{count}", 100 * sum(tried.values()) / len(tried), unit="%", note=said))
    return rows
