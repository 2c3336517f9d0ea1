"""What `train.py refine.rounds=N` does once a policy is trained: it joins recordings, simulation and training (`gap.refinement`)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from envs.chores.registry import make_household
from envs.household.chore import Household
from envs.rollout import all_episodes
from gap.attempts import attempts
from gap.episode import EpisodeResult
from gap.refinement import Refined, RefinementSettings, Round, Work, refine
from motion.errors import UnderstudyError, require
from motion.provenance import file_sha256
from policies import Mix, Policy, PolicyActor, TrainConfig, fit, load_checkpoint, load_policy, save_checkpoint
from robots import load_robot
from robots.mirror import mirror_of
from understudy import build, files_of, needed, plain
from workers.household.ideals import Ideals
from workers.household.labelled import with_labels

REFINE, REFINED, TRAIN = "refine", "refined", "train"
_FILMS = "refine.recordings"


def refinement_settings(config: dict[str, Any]) -> RefinementSettings:
    """`refine.*` of `conf/train.yaml`, without the recordings.

    Raises:
        UnderstudyError: the policy that is to be trained first could not be refined: it sees pictures, or no chore or no recordings were
            named.
        FileFormatError: there are no recordings where it was said.
    """
    settings = build(RefinementSettings, {key: value for key, value in config["refine"].items() if key != "recordings"}, "refine")
    if settings.rounds:
        _without_pictures(config["policy"].get("pictures") or ())
        require(config["evaluate"]["chore"] is not None, UnderstudyError, "refine.rounds needs to know the chore: evaluate.chore=NAME.")
        _recordings(config)
    return settings


def _recordings(config: dict[str, Any]) -> list[Path]:
    return files_of(needed({_FILMS: config["refine"]["recordings"]}, _FILMS, "dataset/recordings/train/stir_pot"))


def _without_pictures(cameras: Sequence[str]) -> None:
    """Refuse a policy that sees."""
    said = f"refine.rounds cannot refine a policy that sees pictures ({', '.join(cameras)}): attempts are kept without them, so no"
    require(
        not cameras, UnderstudyError, f"{said} correction could be learnt from. Train it without policy.pictures, or leave refine.rounds=0."
    )


def refine_policy(
    start: Path,
    mixes: Sequence[Mix],
    training: TrainConfig,
    config: dict[str, Any],
    output: Path,
    log: Callable[[Round, int], object] = lambda *_: None,
) -> Refined:
    """Refine a trained policy; rounds go to `output/refine/`, the best checkpoint to `output/refined/`.

    Args:
        start: its checkpoint.
        mixes: the demonstrations that it was trained on.
        training: how.
        config: as of `conf/train.yaml`.
        output: folder of the run.
        log: hears of each round that is done, and at what training step.

    Raises:
        UnderstudyError: as for `refinement_settings`, or the policy sees pictures.
    """
    settings, policy = refinement_settings(config), load_policy(start)
    told = config["evaluate"]
    _without_pictures(policy.spec.pictures)
    files = _recordings(config)
    chore = make_household(str(told["chore"]), policy.spec.robot, told["base"])
    policy.spec.require_joints(chore.action_names, f"robot {policy.spec.robot} in {chore.name}")
    variant, threads = str(told["variant"] or chore.variants[0]), plain(config, "threads", int | None, least=1) or 0
    people = cache(lambda: Ideals(chore, files))

    def actor(checkpoint: Path) -> PolicyActor:
        return acting(load_policy(checkpoint), told)

    work = Work(
        chore=chore,
        ideal=lambda seed: people().of(variant, seed),
        actor=actor,
        train=trainer(mixes, training, settings, output / REFINE),
        score=lambda checkpoint: _validated(chore, actor(checkpoint), variant, told, threads),
        told=lambda done: log(done, training.steps + done.number * settings.steps),
        labelled=lambda done, ideal: with_labels(done, ideal.score, chore.robot),
        threads=threads,
        shaped_by=_shaped_by(chore, variant, told, files),
    )
    done = refine(work, start, settings, output / REFINE)
    save_checkpoint(output / REFINED, load_checkpoint(done.best))
    return done


def acting(policy: Policy, told: Mapping[str, Any]) -> PolicyActor:
    """A policy as it is rolled out while it is trained: as much of each chunk as `evaluate.execute_n` says, all of it at most."""
    asked = plain(told, "execute_n", int | None, least=1, where="evaluate")
    return PolicyActor(policy, None if asked is None else min(asked, policy.spec.chunk_n))


def _shaped_by(chore: Household, variant: str, told: Mapping[str, Any], files: Sequence[Path]) -> dict[str, Any]:
    """What attempts and validation come from, so that rounds that were scored otherwise are not compared."""
    recordings = hashlib.sha256("".join(sorted(map(file_sha256, files))).encode()).hexdigest()
    own = {"chore": chore.name, "variant": variant, **{key: told[key] for key in ("base", "seeds", "first_seed", "execute_n")}}
    return {**{f"evaluate.{key}": value for key, value in own.items()}, _FILMS: f"{len(files)} files, sha256 {recordings[:16]}"}


def trainer(
    mixes: Sequence[Mix], training: TrainConfig, settings: RefinementSettings, folder: Path
) -> Callable[[int, Path, Sequence[Path]], Path]:
    """How a round trains on: on all demonstrations and all corrections so far, from the weights that the round began with."""

    def train(number: int, checkpoint: Path, corrections: Sequence[Path]) -> Path:
        config = replace(
            training, start=str(checkpoint), steps=settings.steps, seed=training.seed + number, minutes=0.0, validation_fraction=0.0
        )
        mixed = [*mixes, *(Mix(str(place), settings.weight) for place in corrections)]
        return fit(mixed, config, folder / f"round_{number}" / TRAIN, mirror_of=lambda robot: mirror_of(load_robot(robot))).best

    return train


def _validated(chore: Household, actor: PolicyActor, variant: str, told: dict[str, Any], threads: int) -> list[EpisodeResult]:
    seeds, first = (plain(told, key, int, least=least, where="evaluate") for key, least in (("seeds", 1), ("first_seed", 0)))
    episodes = all_episodes(chore, seeds=range(first, first + seeds), variants=[variant])
    return list(attempts(chore, actor, episodes, threads=threads))
