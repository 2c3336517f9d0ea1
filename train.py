"""Door: `python train.py demonstrations=demonstrations/ output=runs/mine`. The same command goes on where it stopped.

`torchrun --nproc-per-node 2 train.py ...` trains with two processes, `python train.py -m policy=bc,act train.seed=0,1 ...` all four
combinations, one after the other, and prints a table of them.
"""

from __future__ import annotations

import glob
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from envs.chores.registry import check_household, make_household
from envs.episodes import Episode
from envs.gl import RenderError
from envs.household.chore import Household
from envs.household.film import FilmSettings, render_demonstration
from envs.rollout import all_episodes
from gap.attempts import attempts, rates
from gap.chores import FILMS
from gap.refinement import RefinementSettings, Round, rounds_table
from motion.demonstration import Demonstration
from motion.errors import FileFormatError, UnderstudyError, require
from motion.mirror import Mirror
from policies import FitResult, Mix, Policy, PolicyConfig, Tracker, TrainConfig, TrainingInterrupted, find_policy, fit
from policies.data import list_entries
from policies.parallel import rank_here, ranks_here
from policies.readers.guided import PLAN
from policies.sweep import sweep_text, write_sweep
from refining import REFINED, acting, refine_policy, refinement_settings
from robots import load_robot
from robots.mirror import mirror_of
from understudy import build, check, door, listed, needed, output_of, path_of, plain

_FILM_PX = (320, 240)
"""Each camera's picture in a film of an evaluation."""


def main(config: dict[str, Any]) -> int:
    """Train a policy on demonstrations, or show the table of a sweep."""
    return show_table(path_of(config["table"])) if config["table"] else train(config)


@dataclass(frozen=True)
class Rollouts:
    """Episodes in a chore that a policy is measured in while it is trained.

    Attributes:
        chore: for the demonstrations' robot.
        episodes: the same each time.
        told: `evaluate` of `conf/train.yaml`.
    """

    chore: Household
    episodes: Sequence[Episode]
    told: Mapping[str, Any]

    @classmethod
    def of(cls, told: Mapping[str, Any], robot: str) -> Rollouts:
        """As `evaluate` of `conf/train.yaml` says.

        Raises:
            UnknownNameError: the chore has no such variant or base.
            UnderstudyError: a setting of another kind.
        """
        seeds, first = (plain(told, key, int, least=least, where="evaluate") for key, least in (("seeds", 1), ("first_seed", 0)))
        plain(told, "execute_n", int | None, least=1, where="evaluate")
        chore = make_household(str(told["chore"]), robot, told["base"])
        variant = str(told["variant"] or chore.variants[0])
        chore.variant_index([variant])
        return cls(chore, all_episodes(chore, seeds=range(first, first + seeds), variants=[variant]), told)

    def measure(self, policy: Policy, shown: Callable[[Demonstration], object] | None = None) -> dict[str, float]:
        """What a policy is worth; `shown` hears of the first episode."""
        policy.spec.require_joints(self.chore.action_names, f"robot {policy.spec.robot} in {self.chore.name}")

        def first(done: Demonstration) -> None:
            if shown is not None and done.seed == self.episodes[0].seed:
                shown(done)

        found = rates(list(attempts(self.chore, acting(policy, self.told), self.episodes, shown=first)))
        return {"success": found.success.value, "safe_success": found.safe.value, "progress": found.progress}

    def film(self, done: Demonstration, tracker: Tracker, folder: Path) -> None:
        """Show a film of an episode with the W&B run, beside the numbers that are logged next; of all of them the newest is kept."""
        path = folder / f"{done.variant}.{done.seed}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            tracker.show(render_demonstration(done, path, FilmSettings(size=_FILM_PX), self.chore), "film")
        except RenderError as error:
            logging.getLogger(__name__).warning("no film of the evaluation: %s", error)


def train(config: dict[str, Any]) -> int:
    """Train a policy.

    Args:
        config: as of `conf/train.yaml`.
    """
    told = config["evaluate"]
    if told["chore"] is not None:
        check_household(str(told["chore"]))
    filmed = plain(told, "film", bool, where="evaluate") and config["wandb"]["mode"] != "disabled"
    mixes = [mix for item in listed(needed(config, "demonstrations", "demonstrations/")) for mix in _mixes(item)]
    output = output_of(config, "runs/mine")
    training, settings = train_settings(config), refinement_settings(config)
    rollouts = _rollouts(told, mixes, training)
    threads = plain(config, "threads", int | None, least=1)
    if threads:
        torch.set_num_threads(threads)
    require(not settings.rounds or ranks_here() == 1, UnderstudyError, "refine.rounds works in one process, not under torchrun.")
    beside = {key: config[key] for key in ("evaluate", "refine", "threads")}
    tracker = Tracker(output, **config["wandb"], beside=beside) if rank_here() == 0 else None
    try:
        film = partial(rollouts.film, tracker=tracker, folder=output / FILMS) if rollouts and tracker and filmed else None
        evaluate = partial(rollouts.measure, shown=film) if rollouts else None
        done = fit(mixes, training, output, tracker, evaluate, robot_mirror)
        refined = refine_policy(done.best, mixes, training, config, output, partial(_log, tracker)) if settings.rounds else None
    except TrainingInterrupted as stopped:
        if tracker is not None:
            print(stopped)
        return 128 + stopped.signal
    finally:
        if tracker is not None:
            tracker.close()
    if tracker is not None:
        print(_said(done))
    if refined is not None:
        print(rounds_table(refined.rounds, f"stopped: {refined.reason}; best: {output / REFINED}").text())
    return 0


def _rollouts(told: Mapping[str, Any], mixes: Sequence[Mix], training: TrainConfig) -> Rollouts | None:
    """What the policy is rolled out in; None where no chore is named.

    Raises:
        UnderstudyError: it could not be rolled out there.
    """
    if told["chore"] is None:
        return None
    if training.settings.get("goal"):
        raise UnderstudyError("evaluate.chore= knows no goals to tell a policy with policy.goal=true; score it with evaluate.py goals=.")
    form = list_entries(mixes)[0].form
    if PLAN in form.shapes:
        raise UnderstudyError(
            "evaluate.chore= has no recordings for a policy that is given one, as these demonstrations (context=true) make it. "
            "Leave it out, and score the policy with evaluate.py recordings=."
        )
    return Rollouts.of(told, form.robot)


def _log(tracker: Tracker | None, done: Round, step: int) -> None:
    """Numbers of a round of refinement."""
    if tracker is not None:
        values = {"success": done.success, "progress": done.progress, "attempts_succeeded": done.attempts_succeeded}
        values |= {"strayed": done.strayed, "corrections": done.corrections, "round": done.number}
        tracker.log({f"refine/{name}": float(value) for name, value in values.items() if value == value}, step)


def robot_mirror(robot: str) -> Mirror:
    """A robot's mirror image, by its name or folder."""
    return mirror_of(load_robot(robot))


def train_settings(config: dict[str, Any]) -> TrainConfig:
    """Settings of the run, the policy's among them."""
    policy = dict(config["policy"])
    name = str(policy.pop("name"))
    check(find_policy(name).Config, policy, "policy")
    if {"policy", "settings"} & set(config["train"]):
        raise UnderstudyError("a policy is chosen with policy=NAME, and set with policy.KEY=VALUE.")
    return build(TrainConfig, {**config["train"], "policy": name, "settings": policy}, "train")


def _mixes(item: Any) -> Iterator[Mix]:
    """Places meant by a path or a glob, or by {path: ..., weight: ..., kind: ...}."""
    mix = build(Mix, item, "demonstrations") if isinstance(item, dict) else Mix(str(item))
    path = path_of(mix.path)
    found = [str(path)] if path.exists() else sorted(glob.glob(str(path), recursive=True))
    known = "a .npz file, a folder of them, a LeRobot data set, a folder of `python -m workers dataset`, or a quoted glob"
    require(bool(found), FileFormatError, f"demonstrations={mix.path}: nothing is there. Give {known}.")
    yield from (replace(mix, path=name) for name in found)


def _said(done: FitResult) -> str:
    numbers = ", ".join(f"{name} {value:.4g}" for name, value in done.validation.items())
    return f"{done.steps} steps, {done.duration_s:.0f} s; best at step {done.best_step} ({numbers or 'nothing held out'}): {done.best}"


def show_table(folder: Path) -> int:
    """Print a sweep's table and write it as `sweep.csv`; exit status 2 where a run failed."""
    runs = write_sweep(folder)
    print(sweep_text(runs))
    return 2 if any(run.error for run in runs) else 0


def _policy_settings(config: Mapping[str, Any]) -> type[PolicyConfig]:
    """The settings that the chosen policy has."""
    return find_policy(str(config["policy"]["name"])).Config


_SETTINGS = {"train": TrainConfig, "policy": find_policy(TrainConfig.policy).Config, "refine": RefinementSettings}
command = door("train", _SETTINGS, after_sweep=show_table, chosen={"policy": _policy_settings}, refused=("train.policy",))(main)

if __name__ == "__main__":
    command()
