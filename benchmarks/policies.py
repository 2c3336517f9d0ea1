"""Policies and their training against their bars: `python -m benchmarks.policies [--only STAGE]`.

`speed` takes minutes; its peers run in Pythons of their own, named by $UNDERSTUDY_LEROBOT_PYTHON and $UNDERSTUDY_ROBOMIMIC_PYTHON.
`chores`, `held_out`, `executed` and `refinement` train and roll out for hours, and go on where they were stopped. `first` starts
from a clean clone, with $UNDERSTUDY_BENCH_INSTALL=1 from its installation on.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from benchmarks import policy_chores, policy_context, policy_device, policy_first, policy_refinement, policy_speed
from benchmarks.policy_runs import Options
from benchmarks.table import Row, run


def stages(options: Options) -> dict[str, Callable[[], list[Row]]]:
    """Name -> what is measured."""
    return {
        "speed": policy_speed.rows,
        "chores": partial(policy_chores.chores, options),
        "held_out": partial(policy_chores.held_out, options),
        "executed": partial(policy_chores.executed, options),
        "context": partial(policy_context.rows, options),
        "refinement": partial(policy_refinement.refinement, options),
        "first": partial(policy_first.rows, options),
        "device": partial(policy_device.rows, options),
    }


def options_of(given: argparse.Namespace) -> Options:
    """What the words of `policy_words` ask for."""
    usual = Options()
    return Options(
        sets=given.sets,
        out=given.out,
        chores=_names(given.chores) or usual.chores,
        policies=_names(given.policies) or usual.policies,
        seeds=tuple(map(int, _names(given.seeds))) or usual.seeds,
        minutes=given.minutes,
        episodes=given.episodes,
        settings=tuple(given.settings),
        checkpoint=given.checkpoint,
        jobs=given.jobs,
    )


def _names(words: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in words.split(",") if word.strip())


def policy_words() -> argparse.ArgumentParser:
    """The words that choose policies, chores and folders."""
    usual, parser = Options(), argparse.ArgumentParser(add_help=False)
    parser.add_argument("--sets", type=Path, default=usual.sets, help="folder of the chores' data sets; those that are missing are made")
    parser.add_argument("--out", type=Path, default=usual.out, help="folder of runs and episodes")
    parser.add_argument("--chores", default="", help="e.g. stir_pot,pour_cup; all by default")
    parser.add_argument("--policies", default="", help="e.g. bc,flow; all by default")
    parser.add_argument("--seeds", default="", help="of the training; 0,1,2 by default")
    parser.add_argument("--minutes", type=float, default=usual.minutes, help="of training for each run; 0: the recipes' own steps")
    parser.add_argument("--episodes", type=int, default=usual.episodes, help="held-out layouts")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE", help="a word for every train.py")
    parser.add_argument("--checkpoint", choices=("best", "last"), default=usual.checkpoint)
    parser.add_argument("--jobs", type=int, default=usual.jobs, help="processes of one thread")
    return parser


if __name__ == "__main__":
    known, _ = policy_words().parse_known_args()
    run("policies", stages(options_of(known)), options=[policy_words()])
