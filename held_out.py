"""What `python evaluate.py suite=NAME` does: policies on the frozen list of episodes of a suite, over the cores (`gap.suites`)."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from tqdm import tqdm

from envs.chores.registry import household_chores, make_household
from envs.household.chore import Household
from envs.household.film import FilmSettings, render_demonstration
from envs.household.leaks import LeakError
from gap.attempts import attempts
from gap.episode import EpisodeResult, write_episodes
from gap.report import Video
from gap.suites.card import suite_card
from gap.suites.compare import compared, rates_of, read_evaluations
from gap.suites.conditions import RECORDED, load_suites
from gap.suites.page import write_suite_page
from gap.suites.plan import Block, Plan, plan_suite
from gap.suites.run import Rows, Stop, run_plan
from gap.suites.tables import contest_table, suite_text
from motion.cores import over_cores
from motion.demonstration import Demonstration
from motion.errors import UnderstudyError, UnknownNameError, require
from motion.provenance import Provenance, parent_of, record
from motion.store import write_text
from policies import PolicyActor, Tracker, load_checkpoint, load_policy
from policies.checkpoint import CONFIG
from policies.data import SHOWN
from policies.readers.guided import PLAN
from policies.spec import GOAL
from understudy import build, listed, needed, output_of, plain, status_of

console = Console(width=150)
HEAD, COMPARE = "evaluation.json", "compare"
_SHARE = 2 / 3
"""Of a chunk that is carried out unless somebody says how much."""


@dataclass(frozen=True)
class Performer:
    """A policy, as it acts on a robot; what a process needs to make it.

    Attributes:
        name: in tables and folders.
        checkpoint: its folder.
        execute_n, latency_n, blend_n, ensemble: as of `PolicyActor`.
    """

    name: str
    checkpoint: Path
    execute_n: int
    latency_n: int
    blend_n: int
    ensemble: float | None

    def actor(self) -> PolicyActor:
        """Made anew."""
        policy = _policy(self.checkpoint)
        return PolicyActor(policy, self.execute_n, self.name, latency_n=self.latency_n, blend_n=self.blend_n, ensemble=self.ensemble)


@dataclass(frozen=True)
class Stage:
    """What processes need to play blocks.

    Attributes:
        robot, base: who does it; the chores' usual base where none is said.
        performers: name -> policy.
    """

    robot: str
    base: str | None
    performers: Mapping[str, Performer]

    def chore(self, name: str) -> Household:
        """One of the chores; each process makes it once."""
        return _household(name, self.robot, self.base)


@lru_cache(maxsize=4)
def _policy(checkpoint: Path) -> Any:
    torch.set_num_threads(1)
    return load_policy(checkpoint)


@lru_cache(maxsize=4)
def _household(name: str, robot: str, base: Any) -> Household:
    return make_household(name, robot, base)


def evaluate_suite(config: dict[str, Any]) -> int:
    """Run a suite, or go on with it; write its rows, its card and its page."""
    suites, output = load_suites(str(config["suite_version"])), output_of(config, "runs/mine/held_out")
    performers = _performers(config)
    robot = config["robot"]["name"] or _policy(next(iter(performers.values())).checkpoint).spec.robot
    chore = config["chore"]
    base = chore["base"] if chore["name"] in household_chores() and not config["chores"] else None
    stage = Stage(str(robot), base, performers)
    known = {name: load_checkpoint(one.checkpoint).provenance for name, one in performers.items()}
    tasks = _tasks(config, stage, known)
    curves = [str(name) for name in listed(config["curves"])] if config["curves"] else None
    first = plain(config, "first_seed", int | None, least=0)
    plan = plan_suite(suites, str(config["suite"]), tasks, plain(config, "episodes", int | None, least=1), first, curves)
    left_out = _checked(plan, known)
    stop = build(Stop, config["stop"], "stop")
    jobs = plain(config, "jobs", int | None, least=1) or os.cpu_count() or 1
    _claim(output, plan, stage, stop)
    with tqdm(total=plan.episodes * len(performers), unit="episode", desc=plan.suite) as bar:
        rows = run_plan(plan, list(performers), partial(play, stage), output, jobs, stop, bar.update)
    provenance = record(
        f"policies {', '.join(performers)} in suite {plan.suite}",
        "evaluate",
        [parent_of(one.checkpoint / CONFIG, known[name]) for name, one in performers.items()],
        {"suite": plan.suite, "version": plan.version, "episodes_sha256": plan.sha256},
    )
    write_episodes(output / "episodes.parquet", [row for own in rows.values() for row in own], provenance)
    card = suite_card(
        plan, suites, rows, {name: _told(one, known[name]) for name, one in performers.items()}, provenance, left_out, stop.wanted
    )
    card.save(output / "scorecard.json")
    console.print(suite_text(card), highlight=False, markup=False)
    videos = _worst(plan, rows, stage, output, plain(config, "worst", int, least=0), jobs)
    page = write_suite_page(output / "report.html", card, str(config["title"] or "Understudy: policies on what they have not seen"), videos)
    tracker = Tracker(output, **config["wandb"])
    tracker.describe({key: value for key, value in config.items() if key != "plants"}, provenance.parents)
    tracker.summarise({f"{rate.policy}/{rate.chore}/{rate.condition}/success": rate.success.value for rate in card.rates})
    tracker.attach(page, "report")
    tracker.close()
    print(f"wrote {page}, scorecard.json, episodes.parquet, episodes.json")
    return 0


def compare_evaluations() -> None:
    """`python evaluate.py compare A B ... [output=FILE]`: evaluations that are finished already, against each other."""
    words = [word for word in sys.argv[1:] if word != COMPARE]
    output = next((word.partition("=")[2] for word in words if word.startswith("output=")), "")
    folders = [word for word in words if "=" not in word and not word.startswith("-")]
    if {"--help", "-h"} & set(words) or not folders:
        print(compare_evaluations.__doc__)
        sys.exit(0 if folders or {"--help", "-h"} & set(words) else 2)
    sys.exit(status_of(lambda: _compare([Path(folder) for folder in folders], output)))


def _compare(folders: Sequence[Path], output: str) -> int:
    evaluations = read_evaluations(folders)
    contests = compared(evaluations)
    for table in (rates_of(evaluations, contests), contest_table(contests)):
        console.print(table.text(), "\n", highlight=False, markup=False)
    if output:
        write_text(Path(output), json.dumps({"contests": [asdict(one) for one in contests]}, indent=1) + "\n")
        print(f"wrote {output}")
    return 0


# Who, and what.


def _performers(config: dict[str, Any]) -> dict[str, Performer]:
    folders = [Path(str(one)) for one in listed(needed(config, "checkpoint", "runs/mine/best"))]
    execute_n = plain(config, "execute_n", int | None, least=1)
    latency_n, blend_n = (plain(config, key, int, least=0) for key in ("latency_n", "blend_n"))
    ensemble = plain(config, "ensemble", float | None)
    found = []
    for name, folder in zip(_names(folders), folders, strict=True):
        chunk_n = _policy(folder).spec.chunk_n
        found.append(Performer(name, folder, min(execute_n or max(1, round(_SHARE * chunk_n)), chunk_n), latency_n, blend_n, ensemble))
    robots = {_policy(one.checkpoint).spec.robot for one in found}
    require(
        len(robots) == 1, UnderstudyError, f"the policies move different robots ({', '.join(sorted(robots))}); score one robot at a time."
    )
    return {one.name: one for one in found}


def _names(folders: Sequence[Path]) -> list[str]:
    """As short as tells them apart: "mine" for runs/mine/best, or more of the way where two would be called alike."""
    parts = [[part for part in folder.parts if part not in (".", "/")] for folder in folders]
    for usual in (("best", "last"), ("run", "refined")):
        parts = [own[:-1] if len(own) > 1 and own[-1] in usual else own for own in parts]
    for length in range(1, max(len(own) for own in parts) + 1):
        names = ["_".join(own[-length:]) for own in parts]
        if len(set(names)) == len(names):
            return names
    raise UnderstudyError(f"a checkpoint is named twice: {', '.join(map(str, folders))}.")


def _tasks(config: dict[str, Any], stage: Stage, known: Mapping[str, Provenance]) -> dict[str, str]:
    """Chore -> task: as named, or else what all policies were shown."""
    named = [str(one) for one in listed(config["chores"])] if config["chores"] else []
    if not named and config["chore"]["name"] in household_chores():
        named = [str(config["chore"]["name"])]
    shown = [provenance.config.get(SHOWN, {}).get("episodes", {}) for provenance in known.values()]
    if not named:
        common = [chore for chore in shown[0] if all(chore in own for own in shown) and chore in household_chores()]
        said = "which chores? What these policies were trained on is not on record, or differs; say chores=[stir_pot,tidy_counter/one]."
        require(bool(common), UnderstudyError, said)
        named = common
    tasks = {}
    for one in named:
        name, _, task = one.partition("/")
        if name not in household_chores():
            raise UnknownNameError("chore", name, household_chores(), "chores=")
        chore = stage.chore(name)
        usual = next((variant.partition("@")[0] for own in shown for variant in own.get(name, {})), chore.variants[0])
        tasks[name] = task or usual
        chore.variant_index([tasks[name]])
        for performer in stage.performers.values():
            spec = _policy(performer.checkpoint).spec
            spec.require_joints(chore.action_names, f"robot {chore.robot.name} in {name}")
            spec.require_period(chore.period_s)
            what = "recordings" if PLAN in spec.shapes else "goals" if GOAL in spec.shapes else ""
            require(not what, UnderstudyError, f"{performer.name} has to be given {what}=, which suites do not have; leave out suite=.")
    return tasks


def _checked(plan: Plan, known: Mapping[str, Provenance]) -> list[str]:
    """What is not run or not known; an episode that a policy was trained on is no test.

    Raises:
        LeakError: there is one.
    """
    left_out = [f"{part}: nothing of a person reaches these policies, which read no recording" for part in RECORDED]
    left_out.append("robustness, appearance and words: these policies see no pictures and read no words")
    for name, provenance in known.items():
        shown = provenance.config.get(SHOWN)
        if shown is None:
            left_out.append(f"a check for leaks: what {name} was trained on is not on record")
            continue
        for block in plan.blocks:
            for variant, seed in block.episodes:
                ranges = shown["episodes"].get(block.chore, {}).get(variant, [])
                leaked = any(low <= seed <= high for low, high in ranges)
                said = f"{name} was trained on {block.chore} {variant}, seed {seed}; that is no test. Choose another first_seed=."
                require(not leaked, LeakError, said)
    return left_out


def _told(performer: Performer, provenance: Provenance) -> dict[str, Any]:
    """What is known of a policy, for the card."""
    shown = provenance.config.get(SHOWN, {}).get("episodes", {})
    counts = [
        f"{chore}: {sum(high - low + 1 for ranges in own.values() for low, high in ranges)}, {', '.join(own)}"
        for chore, own in shown.items()
    ]
    return {
        "checkpoint": str(performer.checkpoint),
        "sha256": json.loads((performer.checkpoint / CONFIG).read_text())["sha256"][:16],
        "policy": provenance.source,
        "shown": "; ".join(counts) or "not on record",
        "executed_actions": performer.execute_n,
        "latency": performer.latency_n,
        "licence": provenance.licence,
        "commit": provenance.git_commit[:12],
    }


def _length(ends: Sequence[int]) -> int:
    return ends[1] - ends[0] + 1


def _claim(output: Path, plan: Plan, stage: Stage, stop: Stop) -> None:
    """Say in the folder what is evaluated there; refuse a folder that holds something else."""
    asked = {
        "episodes_sha256": plan.sha256,
        "robot": stage.robot,
        "base": stage.base,
        "stop": vars(stop),
        "policies": {
            name: {
                "sha256": json.loads((one.checkpoint / CONFIG).read_text())["sha256"],
                "acts": [one.execute_n, one.latency_n, one.blend_n, one.ensemble],
            }
            for name, one in stage.performers.items()
        },
    }
    path = output / HEAD
    if path.is_file() and json.loads(path.read_text()) != asked:
        raise UnderstudyError(f"{output} holds another evaluation. Choose another output=, or remove it to start over.")
    write_text(path, json.dumps(asked, indent=1))


# Playing.


def play(stage: Stage, policy: str, block: Block) -> list[EpisodeResult]:
    """A block's rows."""
    return _played(stage, policy, block, lambda _: None)


def _played(stage: Stage, policy: str, block: Block, shown: Any) -> list[EpisodeResult]:
    chore, actor = stage.chore(block.chore), stage.performers[policy].actor()
    return list(attempts(chore, actor, block.run(), len(block.episodes), 1, block.condition.disturbance, shown))


def _worst(plan: Plan, rows: Rows, stage: Stage, output: Path, count: int, jobs: int) -> list[Video]:
    """Films of each policy's worst episodes, which are played again as they were: failures, the unsafe ones first."""
    tasks = []
    for policy, own in rows.items():
        blocks = {(block.chore, block.condition.name, *one): block for block in plan.blocks for one in block.episodes}
        failed = [row for row in own if not (row.success and row.safe) and row.condition.partition("=")[0] == row.condition]
        failed.sort(key=lambda row: (row.stable, row.success, row.safe, row.progress))
        for row in _varied(failed, count):
            tasks.append((stage, policy, blocks[row.chore, row.condition, row.variant, row.seed], row, output / "films"))
    videos: dict[int, Video] = {}
    for index, film in tqdm(
        over_cores(film_one, tasks, min(jobs, max(1, len(tasks)))), total=len(tasks), unit="film", desc="worst episodes"
    ):
        require(film is not None, UnderstudyError, "a process that made a film was killed from outside. Start again to go on.")
        assert film is not None
        row = tasks[index][3]
        ended = "unstable" if not row.stable else "done unsafely" if row.success else f"failed, {100 * row.progress:.0f} % of the way"
        videos[index] = Video(film.read_bytes(), f"{row.actor}, {row.chore}, {row.condition}, layout {row.seed}: {ended}.", film.name)
    return [videos[index] for index in sorted(videos)]


def _varied(rows: Sequence[EpisodeResult], count: int) -> list[EpisodeResult]:
    """The first of each chore and condition, then the second, and so on."""
    turn: dict[tuple[str, str], int] = {}
    ranked = []
    for place, row in enumerate(rows):
        cell = (row.chore, row.condition)
        turn[cell] = turn.get(cell, -1) + 1
        ranked.append((turn[cell], place, row))
    return [row for *_, row in sorted(ranked, key=lambda one: one[:2])[:count]]


def film_one(stage: Stage, policy: str, block: Block, row: EpisodeResult, folder: Path) -> Path:
    """The film of one episode, whose block is played again.

    Raises:
        UnderstudyError: it ended in another way than before.
    """
    path = folder / policy / f"{row.chore}.{row.condition.replace('/', '_')}.{row.seed}.mp4"
    if path.is_file():
        return path
    kept: list[Demonstration] = []
    rows = _played(stage, policy, block, lambda done: kept.append(done) if (done.variant, done.seed) == row.key else None)
    again = next(one for one in rows if one.key == row.key)
    same = (again.success, again.safe, again.duration_s) == (row.success, row.safe, row.duration_s)
    require(same, UnderstudyError, f"{row.label} ended in another way when it was played again. Was the evaluation run on another machine?")
    path.parent.mkdir(parents=True, exist_ok=True)
    render_demonstration(kept[0], path, FilmSettings(size=(320, 240)), stage.chore(block.chore))
    return path
