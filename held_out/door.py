"""`python evaluate.py suite=NAME`, `compare A B` and `paired TABLE`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from tqdm import tqdm

from gap.episode import EpisodeResult, write_episodes
from gap.human import HumanGap, human_table
from gap.paired import read_paired
from gap.paired_report import paired_json, paired_tables, write_paired_page
from gap.paired_trials import counted, has_trials, read_trials, trial_gaps
from gap.safety import SafetyScreen, safety_tables, screen
from gap.suites.card import suite_card
from gap.suites.compare import STOPPED, compared, rates_of, read_evaluations
from gap.suites.conditions import PLANTS, SAFETY, frozen_of, load_suites
from gap.suites.page import write_suite_page
from gap.suites.plan import Block, Plan
from gap.suites.run import Rows, Stop, code_of, done_before, run_plan
from gap.suites.tables import contest_table, suite_text
from gap.tables import Table
from held_out.asked import digest_of_checkpoint, lineage_of, performers_of, plan_of, refuse_unused, stage_of, told_of
from held_out.performing import BESIDE, Stage
from held_out.worst import worst_films
from motion.errors import UnderstudyError, require
from motion.provenance import parent_of, record
from motion.store import write_text
from policies import Tracker
from policies.checkpoint import CONFIG
from understudy import build, listed, output_of, plain, status_of

console = Console(width=150)
HEAD, COMPARE, PAIRED, PEOPLE = "evaluation.json", "compare", "paired", "people"
_HELP = {"--help", "-h"}
_TAKES = {COMPARE: "folders of finished evaluations, and output=FILE", PAIRED: "one table of trials, and output=FOLDER"}


def evaluate_suite(config: dict[str, Any]) -> int:
    """Run a suite, or go on with it; write its rows, its card and its page."""
    refuse_unused(config)
    output, stop = output_of(config, "runs/mine/held_out"), build(Stop, config["stop"], "stop")
    performers = performers_of(config)
    known = lineage_of(performers)
    stage, tasks = stage_of(config, performers, known)
    plan, left_out = plan_of(config, stage, tasks, known)
    jobs = plain(config, "jobs", int | None, least=1) or os.cpu_count() or 1
    _claim(output, plan, stage, stop)
    before = done_before(plan, stage.names, output)
    with tqdm(total=plan.episodes * len(stage.names), initial=before, unit="episode", desc=plan.suite) as bar:
        rows = run_plan(plan, stage.names, partial(_play, stage, output), output, jobs, stop, bar.update)
    provenance = record(
        f"policies {', '.join(performers)} in suite {plan.suite}",
        "evaluate",
        [parent_of(one.checkpoint / CONFIG, known[name]) for name, one in performers.items()],
        {"suite": plan.suite, "episodes_sha256": plan.sha256, STOPPED: stop.wanted, **frozen_of(load_suites(plan.version))},
    )
    write_episodes(output / "episodes.parquet", [row for own in rows.values() for row in own], provenance)
    told = {name: told_of(one, known[name]) for name, one in performers.items()}
    told |= {name: {"policy": what} for name, what in BESIDE.items() if name in stage.names}
    card = suite_card(plan, load_suites(plan.version), rows, told, provenance, left_out, stop.wanted, code_of(plan, stage.names, output))
    card.save(output / "scorecard.json")
    safety, people = _screened(plan, rows, stop.wanted), _people(plan, stage, output)
    write_text(output / "safety.json", json.dumps(safety.to_json(), indent=1) + "\n")
    console.print(suite_text(card), highlight=False, markup=False)
    for table in (safety_tables(safety)[0], *people):
        console.print("\n" + table.text(), highlight=False, markup=False)
    videos, unlike = worst_films(plan, rows, stage, output, plain(config, "worst", int, least=0), jobs)
    notes = [*(str(note) for note in listed(config["notes"])), *unlike]
    title = str(config["title"] or "Understudy: policies on what they have not seen")
    page = write_suite_page(output / "report.html", card, title, videos, [*people, *safety_tables(safety)], notes=notes)
    tracker = Tracker(output, **config["wandb"])
    tracker.describe({key: value for key, value in config.items() if key != "plants"}, provenance.parents)
    tracker.summarise({f"{rate.policy}/{rate.chore}/{rate.condition}/success": rate.success.value for rate in card.rates})
    tracker.attach(page, "report")
    tracker.close()
    print(f"wrote {page}, scorecard.json, safety.json, episodes.parquet, episodes.json")
    return 0


def _play(stage: Stage, output: Path, policy: str, block: Block) -> list[EpisodeResult]:
    """A block's rows; beside them, how its episodes differ from what the person did whose recording was given."""
    gaps: list[HumanGap | None] = []
    chore = stage.chore(block.chore)
    rows = stage.play(policy, block, (lambda done: gaps.append(stage.beside_person(chore, done))) if stage.recordings else None)
    if stage.recordings:
        told = [gap.to_json() | {"actor": policy} for gap in gaps if gap is not None]
        write_text(output / PEOPLE / policy / f"{block.number:05d}.json", json.dumps(told))
    return rows


def _people(plan: Plan, stage: Stage, output: Path) -> tuple[Table, ...]:
    """Everybody's attempts under nominal conditions, against the recordings."""
    own = [block.number for block in plan.blocks if block.condition.part not in (SAFETY, PLANTS)]
    paths = [output / PEOPLE / name / f"{number:05d}.json" for name in stage.names for number in own]
    gaps = [HumanGap.from_json(one) for path in paths if path.is_file() for one in json.loads(path.read_text())]
    return (human_table(gaps),) if gaps else ()


def _screened(plan: Plan, rows: Rows, stopped: bool) -> SafetyScreen:
    """Everything but the curves, which go where nobody would let a robot go."""
    curves = {condition.name for condition in plan.conditions if condition.curve}
    return screen([row for own in rows.values() for row in own if row.condition not in curves], stopped=stopped)


def _claim(output: Path, plan: Plan, stage: Stage, stop: Stop) -> None:
    """Say in the folder what is evaluated there; refuse a folder that holds something else."""
    asked = {
        "episodes_sha256": plan.sha256,
        "robot": stage.robot,
        "base": stage.base,
        "stop": vars(stop),
        "policies": {
            name: {"sha256": digest_of_checkpoint(one), "acts": [one.execute_n, one.latency_n, one.blend_n, one.ensemble]}
            for name, one in stage.performers.items()
        },
    }
    path = output / HEAD
    if path.is_file() and json.loads(path.read_text()) != asked:
        raise UnderstudyError(f"{output} holds another evaluation. Choose another output=, or remove it to start over.")
    write_text(path, json.dumps(asked, indent=1))


def compare_evaluations() -> None:
    """`python evaluate.py compare A B ... [output=FILE]`: folders of finished evaluations, against each other."""
    paths, output = _named(COMPARE, compare_evaluations.__doc__, most=None)
    sys.exit(status_of(lambda: _compare(paths, output)))


def pair_with_reality() -> None:
    """`python evaluate.py paired TABLE.csv output=FOLDER`: real beside simulated success, of policies tried in both worlds."""
    paths, output = _named(PAIRED, pair_with_reality.__doc__, most=1)
    sys.exit(status_of(lambda: _pair(paths[0], output)))


def _named(command: str, usage: str | None, most: int | None) -> tuple[list[Path], str]:
    """Paths, so many at most, and `output=` of the command line; without paths, how it is used; what nobody knows ends the program."""
    words = [word for word in sys.argv[1:] if word != command]
    helped = bool(_HELP & set(words))
    given = [word for word in words if word.startswith("output=")]
    paths = [word for word in words if word not in given and word not in _HELP]
    if helped or not paths:
        print(usage, file=sys.stdout if helped else sys.stderr)
        sys.exit(0 if helped else 2)
    odd = [word for word in paths if word.startswith("-") or ("=" in word and not Path(word).expanduser().exists())]
    odd += [] if most is None else [word for word in paths if word not in odd][most:]
    if odd or len(given) > 1:
        print(f"error: {' '.join(odd or given)}: {command} takes {_TAKES[command]}.", file=sys.stderr)
        sys.exit(2)
    return [Path(word).expanduser() for word in paths], given[0].partition("=")[2] if given else ""


def _pair(path: Path, output: str) -> int:
    folder = output_of({"output": output}, "runs/paired")
    trials = read_trials(path) if has_trials(path) else ()
    rows = counted(trials) if trials else read_paired(path)
    require(bool(rows), UnderstudyError, f"{path}: no trial was run on the real robot.")
    found = trial_gaps(trials)
    for table in paired_tables(rows, found):
        console.print(table.text() + "\n", highlight=False, markup=False)
    write_text(folder / "paired.json", json.dumps(paired_json(rows, found), indent=1) + "\n")
    page = write_paired_page(folder / "report.html", rows, record(f"trials in {path.name}", "evaluate paired", [parent_of(path)]), found)
    print(f"wrote {page}, paired.json")
    return 0


def _compare(folders: Sequence[Path], output: str) -> int:
    evaluations, stopped = read_evaluations(folders)
    contests = compared(evaluations, stopped)
    for table in (rates_of(evaluations, contests, stopped), contest_table(contests)):
        console.print(table.text() + "\n", highlight=False, markup=False)
    if output:
        write_text(Path(output), json.dumps({"contests": [asdict(one) for one in contests]}, indent=1) + "\n")
        print(f"wrote {output}")
    return 0
