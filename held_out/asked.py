"""What is asked of `evaluate.py suite=NAME`: which policies, in which chores, on which episodes, and what none of them can show."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from envs.chores.registry import household_chores
from envs.household.leaks import LeakError
from envs.plants import find_plant
from gap.suites.conditions import HELD_OUT, RECORDED, ROBUSTNESS, SEEN, Condition, CurveRule, Suites, in_plant, load_suites
from gap.suites.plan import Given, Plan, plan_given, plan_suite
from held_out.performing import Performer, Stage
from motion.errors import UnderstudyError, UnknownNameError, require
from motion.human import HumanMotion
from motion.provenance import Provenance, file_sha256
from motion.words import TEXT
from policies import load_checkpoint
from policies.checkpoint import CONFIG
from policies.data import SHOWN, was_shown
from policies.deploy.handover import usual
from policies.readers.guided import PLAN
from policies.spec import GOAL
from understudy import CONF, files_of, listed, needed, path_of, plain, plant_of

_USUAL = ("best", "last", "run", "refined")
"""Folders that say nothing of which policy it is."""
Known = Mapping[str, Provenance]


_ELSEWHERE = (
    "motions",
    "baselines",
    "variants",
    "filmed",
    "goals",
    "seeds",
    "slots",
    "threads",
    "unsolved",
    "disturbance",
    "rules",
    "cards",
)
"""Settings of `evaluate.py` that suites have no use for."""


def refuse_unused(config: Mapping[str, Any]) -> None:
    """Refuse what was asked for and would be ignored.

    Raises:
        UnderstudyError: a setting that suites have no use for is not as usual, or a plant that is always there.
    """
    usual = _usual()
    odd = [key for key in _ELSEWHERE if config[key] != usual[key]]
    takes = "suites have layouts, plants and disturbances of their own, and take chores=, episodes=, first_seed=, curves=, worst=, jobs="
    require(not odd, UnderstudyError, f"{', '.join(f'{key}=' for key in odd)}: without use with suite=; {takes}.")
    own = [name for name, plant in _usual_plants().items() if plant_of(config["plants"].get(name)) != plant]
    said = (
        f"{', '.join(f'plants.{name}' for name in own)}: suites have plants of their own; add one by another name, +plants.mine=plant.yaml."
    )
    require(not own, UnderstudyError, said)


@cache
def _usual() -> Mapping[str, Any]:
    """What `conf/evaluate.yaml` says."""
    found: Mapping[str, Any] = yaml.safe_load((CONF / "evaluate.yaml").read_text())
    return found


def _usual_plants() -> dict[str, str]:
    """Name -> plant, of those that `conf/evaluate.yaml` has."""
    groups = [entry for entry in _usual()["defaults"] if isinstance(entry, Mapping)]
    return {key.partition("@plants.")[2]: plant for entry in groups for key, plant in entry.items() if "@plants." in key}


def _added_plants(config: Mapping[str, Any]) -> list[Condition]:
    """A condition for each plant that was named beside the usual ones, which suites do not run: plants.NAME=, or plant=."""
    usual = _usual_plants()
    added = {name: find_plant(plant_of(told)) for name, told in config["plants"].items() if name not in usual}
    asked = find_plant(plant_of(config["plant"]))
    if asked.name != usual["nominal"]:
        added.setdefault(asked.name, asked)
    return [in_plant(name, plant) for name, plant in added.items()]


def performers_of(config: dict[str, Any]) -> dict[str, Performer]:
    """The policies of `checkpoint=`.

    Raises:
        UnderstudyError: one is named twice, or they move different robots, or some are given recordings and others not.
    """
    folders = [path_of(one) for one in listed(needed(config, "checkpoint", "runs/mine/best"))]
    execute_n = plain(config, "execute_n", int | None, least=1)
    latency_n, blend_n = (plain(config, key, int, least=0) for key in ("latency_n", "blend_n"))
    ensemble = plain(config, "ensemble", float | None)
    found = []
    for name, folder in zip(names_of(folders), folders, strict=True):
        policy = Performer(name, folder, 1).policy
        chosen_n = min(execute_n or usual(policy.execute_n, ensemble), policy.spec.chunk_n)
        found.append(Performer(name, folder, chosen_n, latency_n, blend_n, ensemble))
    robots = {one.policy.spec.robot for one in found}
    require(len(robots) == 1, UnderstudyError, f"the policies move different robots ({', '.join(sorted(robots))}); score one at a time.")
    told = {PLAN in one.policy.spec.shapes for one in found}
    require(len(told) == 1, UnderstudyError, "some of these policies are given a recording and some are not; score them apart.")
    aimed = [one.name for one in found if GOAL in one.policy.spec.shapes]
    require(not aimed, UnderstudyError, f"{', '.join(aimed)}: given a goal, which suites do not have; leave out suite=, and say goals=.")
    return {one.name: one for one in found}


def names_of(folders: Sequence[Path]) -> list[str]:
    """As short as tells them apart: "mine" for runs/mine/best, or more of the way where two would be called alike, or by a number."""
    whole = [folder.resolve() if ".." in folder.parts else folder for folder in folders]
    parts = [[part for part in folder.parts if part not in (".", folder.anchor)] for folder in whole]
    for own in parts:
        while len(own) > 1 and own[-1] in _USUAL:
            own.pop()
    longest = max(len(own) for own in parts)
    for length in range(1, longest + 1):
        names = ["_".join(own[-length:]) for own in parts]
        if len(set(names)) == len(names) and (not any(name.isdigit() for name in names) or length == longest):
            return names
    raise UnderstudyError(f"a checkpoint is named twice: {', '.join(map(str, folders))}.")


def lineage_of(performers: Mapping[str, Performer]) -> dict[str, Provenance]:
    """Where each policy comes from."""
    return {name: load_checkpoint(one.checkpoint).provenance for name, one in performers.items()}


def _shown(provenance: Provenance) -> Mapping[str, Any]:
    """chore -> variant -> ranges of seeds that a policy was shown; nothing where that is not on record."""
    found: Mapping[str, Any] = provenance.config.get(SHOWN, {}).get("episodes", {})
    return found


def stage_of(config: dict[str, Any], performers: dict[str, Performer], known: Known) -> tuple[Stage, dict[str, str]]:
    """Who performs what: the stage, and chore -> task, as named, or else what all policies were shown.

    Raises:
        UnderstudyError: nobody says which chores, or the policies were made for another robot or period, or recordings are missing.
        UnknownNameError: no such chore or task.
    """
    first = next(iter(performers.values())).policy.spec
    chore, robot = config["chore"], str(config["robot"]["name"] or first.robot)
    needs = PLAN in first.shapes
    given = [] if config["recordings"] is None else files_of(config["recordings"])
    said = "these policies are given" if needs else "these policies are given no"
    require(bool(given) == needs, UnderstudyError, f"{said} recordings: {'recordings= is missing' if needs else 'leave out recordings='}.")
    named = [str(one) for one in listed(config["chores"])] if config["chores"] else []
    base = chore["base"] if chore["name"] in household_chores() and not named else None
    if not named and chore["name"] in household_chores():
        named = [str(chore["name"])]
    found = _by_chore(given)
    named = named or (sorted(found) if given else _common(known))
    for one in named:
        if one.partition("/")[0] not in household_chores():
            raise UnknownNameError("chore", one.partition("/")[0], household_chores(), "chores=")
    recordings = {name: found[name] for name in (one.partition("/")[0] for one in named) if name in found}
    require(not given or bool(recordings), UnderstudyError, f"none of the {len(given)} recordings is of {', '.join(named)}.")
    stage = Stage(robot, base, performers, recordings)
    return stage, {one.partition("/")[0]: _task(one, stage, known) for one in named if not given or one.partition("/")[0] in recordings}


def _common(known: Known) -> list[str]:
    shown = [_shown(provenance) for provenance in known.values()]
    common = [chore for chore in shown[0] if all(chore in own for own in shown) and chore in household_chores()]
    said = "which chores? What these policies were trained on is not on record, or differs; say chores=[stir_pot,tidy_counter/one]."
    require(bool(common), UnderstudyError, said)
    return common


def _by_chore(files: Sequence[Path]) -> dict[str, tuple[Path, ...]]:
    found: dict[str, tuple[Path, ...]] = {}
    for file in files:
        chore = str(HumanMotion.load(file).provenance.config.get("chore", ""))
        require(bool(chore), UnderstudyError, f"{file}: it does not say of which chore it is; with suite= it has to.")
        found[chore] = (*found.get(chore, ()), file)
    return found


def _task(named: str, stage: Stage, known: Known) -> str:
    name, _, task = named.partition("/")
    chore = stage.chore(name)
    shown = [variant.partition("@")[0] for provenance in known.values() for variant in _shown(provenance).get(name, {})]
    task = task or next(iter(shown), chore.variants[0])
    chore.variant_index([task])
    for performer in stage.performers.values():
        performer.policy.spec.require_joints(chore.action_names, f"robot {chore.robot.name} in {name}")
        performer.policy.spec.require_period(chore.period_s)
    return task


# Which episodes.


def plan_of(config: dict[str, Any], stage: Stage, tasks: Mapping[str, str], known: Known) -> tuple[Plan, list[str]]:
    """The list of episodes, and what is not run or not known.

    Raises:
        UnknownNameError: no such suite, curve or plant.
        UnderstudyError: the suite needs recordings, and the policies read none; or no recording is left; or curves= without curves.
        LeakError: a policy was trained on one of the episodes.
    """
    suites, suite = load_suites(str(config["suite_version"])), str(config["suite"])
    suites.conditions(suite)
    parts, plants = suites.suites[suite], _added_plants(config)
    count, first = plain(config, "episodes", int | None, least=1), plain(config, "first_seed", int | None, least=0)
    curved = ROBUSTNESS in parts and not stage.recordings
    without = "policies that are given recordings have no curves" if stage.recordings else f"suite={suite} has no curves, robustness has"
    require(curved or not config["curves"], UnderstudyError, f"curves=: {without}; leave it out.")
    left_out = [f"a check for leaks: what {name} was trained on is not on record" for name, one in known.items() if SHOWN not in one.config]
    if stage.recordings:
        require(
            first is None, UnderstudyError, "first_seed=: policies that are given recordings act in the recordings' layouts; leave it out."
        )
        given, dropped = _given(stage, tasks, known, parts)
        said = f"none of the recordings can be scored in suite {suite}: {'; '.join(dropped)}."
        require(bool(given), UnderstudyError, said)
        left_out += [f"{ROBUSTNESS}: {without}"] if ROBUSTNESS in parts else []
        return plan_given(suites, suite, given, count, plants), left_out + dropped
    only = f"suite={suite} is of recordings, and these policies read none."
    require(suite not in RECORDED, UnderstudyError, only)
    curves = [str(name) for name in listed(config["curves"])] if config["curves"] else _curves(stage, suites)
    plan = plan_suite(suites, suite, tasks, count, first, curves, plants)
    _refuse_leaks(plan, known)
    left_out += [f"{part}: nothing of a person reaches these policies, which read no recordings" for part in RECORDED if part in parts]
    if ROBUSTNESS in parts and not config["curves"]:
        left_out += [f"{rule.name}: {_WITHOUT[_kind(rule)]}" for rule in suites.curves if rule.name not in curves]
    return plan, left_out


_WITHOUT = {"pictures": "these policies see no pictures", "words": "these policies read no words"}


def _kind(rule: CurveRule) -> str:
    """What a policy has to take in for a curve to say anything of it; "" for nothing."""
    return "pictures" if rule.appearance else "words" if rule.words else ""


def _curves(stage: Stage, suites: Suites) -> list[str]:
    """Names of the curves that say something of one of the policies at least."""
    specs = [one.policy.spec for one in stage.performers.values()]
    takes = {"": True, "pictures": any(spec.pictures for spec in specs), "words": any(TEXT in spec.shapes for spec in specs)}
    return [rule.name for rule in suites.curves if takes[_kind(rule)]]


def _refuse_leaks(plan: Plan, known: Known) -> None:
    for block in plan.blocks:
        for variant, seed in block.episodes:
            leaked = _trained_on(block.chore, variant, seed, known)
            said = f"{leaked} was trained on {block.chore} {variant}, seed {seed}; that is no test. Choose another first_seed=."
            require(not leaked, LeakError, said)


def _trained_on(chore: str, variant: str, seed: int, known: Known) -> str:
    """A policy that was shown this layout; "" for none."""
    for name, provenance in known.items():
        if was_shown(provenance.config.get(SHOWN, {}), chore, variant, seed):
            return name
    return ""


def _given(stage: Stage, tasks: Mapping[str, str], known: Known, parts: Sequence[str]) -> tuple[list[Given], list[str]]:
    """Episodes of recordings, each in the first part that holds of it; and recordings that are left out, those of trained layouts too."""
    given, left_out = [], []
    for name in tasks:
        prompts = stage.prompts(name)
        for index, source in sorted(prompts.sources.items()):
            assert source.motion is not None
            part = _part(name, source.variant, source.motion.subject.pseudonym, known)
            digest = file_sha256(stage.recordings[name][index])
            own = "seed" in source.motion.provenance.config  # of others the seed is but their number
            leaked = _trained_on(name, source.variant, source.seed, known) if own else ""
            if leaked:
                left_out.append(f"{source.name}: {leaked} was trained on its layout ({source.variant}, seed {source.seed})")
            elif part in parts:
                given.append(Given(name, source.variant, source.seed, part, source.name, digest))
            else:
                left_out.append(f"{source.name}: of {part}, which this suite does not have")
        left_out += [f"{one.name}: left out at {one.dropped_at}: {one.reason}" for one in prompts.dropped.values()]
    return given, left_out


def _part(chore: str, variant: str, worker: str, known: Known) -> str:
    """Which part a recording's episode is in: of a chore that no policy was shown, then of things, places, and of workers."""
    own = [provenance.config.get(SHOWN, {}) for provenance in known.values()]
    if not any(chore in one.get("episodes", {}) for one in own):
        return "heldout_chores"
    axis = variant.partition("@")[2]
    for part, held_out in HELD_OUT.items():
        if axis == held_out:
            return part
    return SEEN if any(worker in one.get("workers", ()) for one in own) else "heldout_workers"


# What is known of them.


def told_of(performer: Performer, provenance: Provenance) -> dict[str, Any]:
    """What is known of a policy, for the card."""
    counts = [f"{chore} ({', '.join(own)}): {_layouts(own)} layouts" for chore, own in _shown(provenance).items()]
    return {
        "checkpoint": str(performer.checkpoint),
        "sha256": digest_of_checkpoint(performer)[:16],
        "policy": provenance.source,
        "shown": "; ".join(counts) or "not on record",
        "executed_actions": performer.execute_n,
        "latency": performer.latency_n,
        "licence": provenance.licence,
        "commit": (provenance.git_commit or "")[:12],
    }


def _layouts(variants: Mapping[str, Sequence[Sequence[int]]]) -> int:
    return sum(high - low + 1 for ranges in variants.values() for low, high in ranges)


def digest_of_checkpoint(performer: Performer) -> str:
    """SHA-256 of its settings and weights."""
    return str(json.loads((performer.checkpoint / CONFIG).read_text())["sha256"])
