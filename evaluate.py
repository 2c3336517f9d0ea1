"""Door: `python evaluate.py checkpoint=runs/mine/best motions=held_out/ output=runs/mine/score`.

The policy and the baselines follow every motion in every plant, or do a chore with things in every layout and plant
(`chore=stir_pot`), or are given people's recordings of one and do it in their scenes (`recordings=film/`). Episodes are kept
as they end, so that the same command goes on where it stopped.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from tqdm import tqdm

from envs.actors import HoldActor
from envs.chores.follow import Follow, FollowRules
from envs.chores.registry import make_household
from envs.disturbance import Disturbance
from envs.episodes import Episode
from envs.household.aimed import Aimed
from envs.household.chore import Household
from envs.plants import find_plant
from envs.replay import make_actor
from envs.rollout import all_episodes, rollout
from gap import EpisodeResult, Scorecard, Table, episode_results, episodes_provenance, score, scorecard_text, write_episodes, write_report
from gap.chores import FILMS, rates_table, score_in_chore
from gap.pictures import Shown, films, pictures
from gap.suites.conditions import load_suites
from gap.suites.run import Stop
from held_out import COMMANDS as OF_POLICIES
from held_out import evaluate_suite
from motion.demonstration import Actor, Demonstration
from motion.errors import UnderstudyError
from motion.provenance import Provenance, file_sha256, parent_of, record
from motion.robot_motion import RobotMotion
from motion.store import write_text
from policies import Policy, PolicyActor, Tracker, load_checkpoint, load_policy
from policies.checkpoint import CONFIG
from policies.data import SHOWN, list_entries, was_shown
from policies.observed import goal_of
from policies.readers.guided import PLAN
from policies.spec import GOAL
from real_logs import COMMANDS
from retarget.pipeline import find_recordings, output_names
from retarget.sources.base import read_recording
from robots import Robot, load_robot
from understudy import build, door, files_of, listed, needed, output_of, path_of, plain, plant_of
from workers.household.door import recordings_of
from workers.household.prompting import prompts_of, told_actors
from workers.household.replays import source_of

console = Console(width=140)
NOMINAL = "nominal"
_OF_SUITES = ("suite", "suite_version", "chores", "episodes", "curves", "stop", "worst", "jobs")


def main(config: dict[str, Any]) -> int:
    """Score a policy beside baselines, in the nominal plant and in perturbed ones; or several on a suite."""
    if config["suite"] is not None:
        return evaluate_suite(config)
    return _follow(config) if config["chore"]["name"] == Follow.name else _chore(config)


def _chore(config: dict[str, Any]) -> int:
    """A policy beside doing nothing, in layouts of a chore with things."""
    checkpoint, output = path_of(needed(config, "checkpoint", "runs/mine/best")), output_of(config, "runs/mine/score")
    seeds, slots, threads = (plain(config, key, int, least=1) for key in ("seeds", "slots", "threads"))
    first, filmed = plain(config, "first_seed", int | None, least=0), plain(config, "filmed", int, least=0)
    torch.set_num_threads(threads)
    loaded = load_checkpoint(checkpoint)
    policy, made_of = loaded.policy, loaded.provenance
    name, base = str(config["chore"]["name"]), config["chore"]["base"]
    chore = make_household(name, config["robot"]["name"] or policy.spec.robot, base)
    policy.spec.require_joints(chore.action_names, f"robot {chore.robot.name} with base={base}")
    policy.spec.require_period(chore.period_s)
    if config["recordings"]:
        actors, episodes, told = _told(chore, policy, config)
    elif PLAN in policy.spec.shapes:
        raise UnderstudyError("this policy is given a recording of what it shall do: recordings= is missing, e.g. recordings=film/.")
    elif GOAL in policy.spec.shapes:
        actors, episodes = _aimed(policy, config)
        told = []
    else:
        variants = [str(variant) for variant in listed(config["variants"])] if config["variants"] else [chore.variants[0]]
        actors, told = [_actor(policy, config), HoldActor()], []
        first = load_suites(str(config["suite_version"])).first_seed if first is None else first
        episodes = all_episodes(chore, _plants(config), range(first, first + seeds), variants)
    _say_shown(chore.name, episodes, made_of)
    _claim(output, checkpoint, told, config)
    with tqdm(total=len(actors) * len(episodes), unit="episode", desc=name) as bar:
        disturbance = build(Disturbance, config["disturbance"], "disturbance")
        rows = score_in_chore(chore, actors, episodes, output, slots, 0, disturbance, filmed, lambda _: bar.update())
    provenance = record(f"policy {policy.name} in {name}", "evaluate", [parent_of(checkpoint / CONFIG)])
    write_episodes(output / "episodes.parquet", rows, provenance)
    card = score(rows, provenance, nominal=_nominal(config), baselines=[actor.name for actor in actors[1:]])
    card.save(output / "scorecard.json")
    console.print(rates_table(rows).text(), highlight=False, markup=False)
    with Tracker(output, **config["wandb"]) as tracker:
        _track(tracker, config, card)
        for film in sorted((output / FILMS).rglob("*.mp4")):
            tracker.show(film, "/".join(film.relative_to(output).with_suffix("").parts), 0)
    print(f"wrote {output / 'scorecard.json'}, episodes.parquet, films/")
    return 0


def _say_shown(chore: str, episodes: Sequence[Episode], provenance: Provenance) -> None:
    """A policy that is scored on what it was trained on is not tested: say so."""
    known = provenance.config.get(SHOWN, {})
    leaked = [one.seed for one in episodes if was_shown(known, chore, one.variant, one.seed)]
    if leaked:
        count = f"{len(leaked)} of these {len(episodes)} episodes"
        console.print(f"This is no test: the policy was trained on {count}, e.g. layout {leaked[0]}. Choose another first_seed=.")


def _track(tracker: Tracker, config: dict[str, Any], card: Scorecard) -> None:
    """Settings, lineage, and success by actor and plant."""
    tracker.describe(config, card.provenance.parents)
    tracker.summarise({f"{cell.actor}/{cell.plant}/success": cell.success.value for cell in card.cells})


def _told(chore: Household, policy: Policy, config: dict[str, Any]) -> tuple[list[Actor], list[Episode], list[Path]]:
    """A policy that is given people's recordings, each in its own scene; beside it plain replay, and the replay with feedback."""
    if PLAN not in policy.spec.shapes:
        raise UnderstudyError(
            "recordings= is for a policy that was trained with contexts (python -m envs replay context=true); this one was not."
        )
    files = recordings_of(chore.name, files_of(config["recordings"]))
    prompts = prompts_of(chore, [source_of(path, chore, number=number) for number, path in enumerate(files)])
    for one in prompts.dropped.values():
        console.print(f"{one.name}: left out at {one.dropped_at}: {one.reason}", highlight=False, markup=False)
    if not prompts.scores:
        raise UnderstudyError(f"none of the {len(files)} recordings can be followed by {chore.robot.name}.")
    found = [find_plant(plant) for plant in _plants(config)]
    episodes = [Episode(variant, plant, seed) for plant in found for variant, seed in prompts.episodes]
    return told_actors(chore, _actor(policy, config), prompts), episodes, files


def _aimed(policy: Policy, config: dict[str, Any]) -> tuple[list[Actor], list[Episode]]:
    """A policy that is told a goal, in the scenes of demonstrations whose ends are its goals; beside it doing nothing."""
    entries = list_entries(str(path_of(needed(config, "goals", "dataset/test_layouts/tidy_counter"))))
    shown = [entry.read(()) for entry in entries if entry.success][: plain(config, "seeds", int, least=1)]
    if not shown:
        raise UnderstudyError(f"none of the {len(entries)} demonstrations in goals={config['goals']} succeeded; how they ended is no goal.")
    goals = {(one.variant, one.seed): {name: track[-1] for name, track in goal_of(one).items()} for one in shown}
    found = [find_plant(plant) for plant in _plants(config)]
    return [Aimed(_actor(policy, config), goals), HoldActor()], [
        Episode(variant, plant, seed) for plant in found for variant, seed in goals
    ]


def _actor(policy: Policy, config: dict[str, Any]) -> PolicyActor:
    """The policy, as it would act on a robot: how much of each chunk, how late, and how handed over."""
    execute_n = plain(config, "execute_n", int | None, least=1)
    latency_n, blend_n = (plain(config, key, int, least=0) for key in ("latency_n", "blend_n"))
    ensemble = plain(config, "ensemble", float | None)
    return PolicyActor(policy, execute_n, latency_n=latency_n, blend_n=blend_n, ensemble=ensemble)


def _plants(config: dict[str, Any]) -> list[Any]:
    """The nominal one and the one that is asked for; or those that are named."""
    asked = plant_of(config["plant"])
    return [plant_of(told) for told in config["plants"].values()] if asked == NOMINAL else [NOMINAL, asked]


def _nominal(config: dict[str, Any]) -> str:
    """Name of the plant that the others are compared with."""
    return str(next(iter(config["plants"]))) if plant_of(config["plant"]) == NOMINAL else NOMINAL


def _follow(config: dict[str, Any]) -> int:
    checkpoint = path_of(needed(config, "checkpoint", "runs/mine/best"))
    motions = files_of(needed(config, "motions", "held_out/"))
    output = output_of(config, "runs/mine/score")
    config = {**config, **{key: listed(config[key]) for key in ("baselines", "notes")}}
    seeds, slots, threads = (plain(config, key, int, least=1) for key in ("seeds", "slots", "threads"))
    tables, shown = _card_table(config["cards"]), list(_shown(motions, config["recordings"]))
    torch.set_num_threads(threads)
    policy = load_policy(checkpoint)
    robot = load_robot(config["robot"]["name"] or policy.spec.robot)
    rules = build(FollowRules, config["rules"], "rules")
    floor = plain(config["chore"], "floor", bool, where="chore")
    chore = Follow(robot, motions, config["chore"]["base"], rules, config["unsolved"], floor)
    policy.spec.require_joints(chore.action_names, f"robot {robot.name} with base={chore.model.base_mode}")
    actors: list[Actor] = [_actor(policy, config), *(make_actor(name, chore) for name in config["baselines"])]
    episodes = all_episodes(chore, _plants(config), range(seeds))
    _claim(output, checkpoint, motions, config)
    files = _run(chore, actors, episodes, output, build(Disturbance, config["disturbance"], "disturbance"), slots)
    _write(robot, files, shown, tables, motions, output, config)
    return 0


def _claim(output: Path, checkpoint: Path, motions: Sequence[Path], config: dict[str, Any]) -> None:
    """Say in the folder what is evaluated there; refuse a folder that holds something else."""
    quiet = ("output", "slots", "threads", "wandb", "recordings", "cards", "title", "notes", "filmed", *_OF_SUITES)
    asked = {
        "checkpoint": file_sha256(checkpoint / "weights.safetensors"),
        "motions": {path.stem: file_sha256(path) for path in motions},
        "settings": {key: value for key, value in config.items() if key not in (*quiet, "checkpoint", "motions")},
    }
    path = output / "evaluation.json"
    if path.is_file() and json.loads(path.read_text()) != json.loads(json.dumps(asked)):
        raise UnderstudyError(f"{output} holds another evaluation. Choose another output=, or remove it to start over.")
    write_text(path, json.dumps(asked, indent=1))


def _run(
    chore: Follow, actors: Sequence[Actor], episodes: Sequence[Episode], output: Path, disturbance: Disturbance, slots: int
) -> list[Path]:
    """Run what has not been run yet; returns every episode's file."""
    files = {(actor.name, episode): _file(output, actor.name, episode) for actor in actors for episode in episodes}
    with tqdm(total=len(files), unit="episode") as bar:
        for actor in actors:
            waiting = [episode for episode in episodes if not files[actor.name, episode].is_file()]
            bar.update(len(episodes) - len(waiting))
            bar.set_description(actor.name)
            for start in range(0, len(waiting), slots):
                block = waiting[start : start + slots]
                for episode, done in zip(block, rollout(chore, actor, block, slots, disturbance=disturbance), strict=True):
                    done.save(files[actor.name, episode])
                bar.update(len(block))
    return list(files.values())


def _file(output: Path, actor: str, episode: Episode) -> Path:
    return output / "episodes" / actor / episode.plant.name / f"{episode.variant}.{episode.seed}.npz"


def _write(
    robot: Robot,
    files: Sequence[Path],
    shown: Sequence[Shown],
    tables: Sequence[Table],
    motions: Sequence[Path],
    output: Path,
    config: dict[str, Any],
) -> None:
    """Rows, scorecard, report; only the episodes that are drawn are held in memory."""
    first = motions[0].stem
    rows: list[EpisodeResult] = []
    drawn, bare = [], []
    for path in tqdm(files, unit="episode", desc="score"):
        done = Demonstration.load(path)
        rows += episode_results([done], robot)
        bare.append(replace(done, observations={}, signals={}))
        if done.variant == first and done.seed == 0:
            drawn.append(done)
    provenance = episodes_provenance(bare)
    write_episodes(output / "episodes.parquet", rows, provenance)
    card = score(rows, provenance, nominal=_nominal(config), baselines=tuple(config["baselines"]))
    card.save(output / "scorecard.json")
    console.print(scorecard_text(card), highlight=False, markup=False)
    report = write_report(
        output / "report.html",
        card,
        rows,
        drawn,
        pictures(robot, shown),
        films(robot, shown, drawn),
        title=str(config["title"] or "Understudy: policies on held-out recordings"),
        notes=config["notes"],
        tables=tables,
        held_out=[path.stem for path in motions],
    )
    with Tracker(output, **config["wandb"]) as tracker:
        _track(tracker, config, card)
        tracker.attach(report, "report")
    print(f"wrote {report}")


def _shown(motions: Sequence[Path], recordings: str | None) -> Iterator[Shown]:
    """Motions to draw, at most one of each kind of recording, each with the person's recording where it is at hand."""
    people = find_recordings(str(recordings)) if recordings else []
    named = dict(zip((path.stem for path in output_names(people, Path())), people, strict=True))
    kinds: set[str] = set()
    for path in motions:
        kind = "_".join(part for part in path.stem.split("_") if not part.isdigit())
        if kind in kinds or len(kinds) == 4:
            continue
        kinds.add(kind)
        person = named.get(path.stem)
        human = read_recording(person).motion if person else None
        yield Shown(path.stem, RobotMotion.load(path), human)


def _card_table(cards: str | None) -> list[Table]:
    """Quality cards of the retargeting, as a table for the page."""
    if not cards:
        return []
    names = ("foot_mm", "hand_mm", "fingertip_mm", "limb_deg", "slip_mm_s", "unsolved_pct")
    rows = []
    for path in files_of(cards, ".card.json"):
        card = json.loads(path.read_text())
        numbers = [card["numbers"].get(name) for name in names]
        rows.append((path.name.removesuffix(".card.json"), card["verdict"], *("-" if n is None else f"{n:.1f}" for n in numbers)))
    return [
        Table(
            "Quality of the retargeting",
            ("recording", "verdict", *names),
            tuple(rows),
            "From the quality cards written beside the motions.",
        )
    ]


score_policy = door("evaluate", {"rules": FollowRules, "disturbance": Disturbance, "stop": Stop}, also=("plants",))(main)


def command() -> None:
    """Policies are scored, unless the first word asks for something else: `gap`, `identify`, `compare`, `paired`."""
    {**COMMANDS, **OF_POLICIES}.get(next(iter(sys.argv[1:]), ""), score_policy)()


if __name__ == "__main__":
    command()
