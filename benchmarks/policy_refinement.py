"""What refinement gains: a policy that knows little, its own attempts beside people's recordings, three rounds, and how often it
then succeeds, beside a control that was trained on as long without corrections.

The policy is weak on purpose, so that there is something to gain: `bc` from 12 demonstrations, 2500 steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.parallel import in_order
from benchmarks.policy_runs import ROBOT, TASKS, Options, command, demonstrations
from benchmarks.table import Row
from envs.chores.registry import make_household
from envs.rollout import all_episodes
from gap.chores import score_in_chore
from gap.episode import EpisodeResult
from gap.refinement.loop import read_round
from gap.statistics import Interval, newcombe_paired, wilson
from motion.lerobot import Dataset
from policies import PolicyActor, load_policy

SHOWN, STEPS = 12, 2500
ROUNDS, ATTEMPTS, ROUND_STEPS, VALIDATED = 3, 32, 2000, 16
EXECUTE_N = 40
NEW, VALIDATION = 500_000, 600_000
"""First seeds of the layouts of the score, and of those in which rounds are chosen; attempts are made from 700,000 on."""
_IMPROVED = 4
_POLICY = ("policy=bc", "policy.width=256", "policy.chunk_n=50", "policy.input_noise=1", "train.batch_n=256")
_PLAIN = ("train.failures=exclude", "train.validation_fraction=0", "train.checkpoint_every=100000", "train.evaluate_every=100000")
_KINDS = ("before", "after", "control")


def refinement(options: Options) -> list[Row]:
    """Success before and after, the gain with its interval, and the gain over the control, in every chore."""
    rows, better, worse = [], [], []
    for chore, found in _tried(options).items():
        gain, over = _gain(found["after"], found["before"]), _gain(found["after"], found["control"])
        rows += [_success(chore, kind, found[kind]) for kind in _KINDS]
        rows += [_difference(f"{chore}: refined, beside before", gain), _difference(f"{chore}: refined, beside the control", over)]
        better += [chore] if gain.low > 0 else []
        worse += [chore] if gain.high < 0 else []
    all_chores = len(options.chores) >= _IMPROVED
    rows.append(Row("chores that refinement improves", len(better), _IMPROVED if all_chores else None, note=", ".join(better)))
    rows.append(Row("chores that refinement worsens", len(worse), 0, at_least=False, note=", ".join(worse)))
    return rows


def _tried(options: Options) -> dict[str, dict[str, list[EpisodeResult]]]:
    """Episodes of every kind in every chore; `options.jobs` chores side by side."""
    for chore in options.chores:
        demonstrations(options, chore)
    rows = in_order(_tried_in, [(chore, options) for chore in options.chores], options.jobs, "chore", "refinement")
    return dict(zip(options.chores, rows, strict=True))


def _tried_in(chore: str, options: Options) -> dict[str, list[EpisodeResult]]:
    torch.set_num_threads(1)
    return {kind: _scored(chore, kind, checkpoint, options) for kind, checkpoint in _trained(chore, options).items()}


def _trained(chore: str, options: Options) -> dict[str, Path]:
    """Checkpoints: before, refined, and trained on as long without corrections."""
    folder, data = (options.out / "refinement" / chore).resolve(), demonstrations(options, chore).resolve()
    shown = _few(data, folder / "demonstrations")
    people = data.parent.parent / "recordings" / data.parent.name / chore
    words = ["train.py", *_POLICY, *_PLAIN, f"demonstrations={shown}", "threads=1"]
    refined = folder / "refined"
    told = [f"evaluate.chore={chore}", f"evaluate.variant={TASKS[chore] or 'null'}", f"evaluate.seeds={VALIDATED}"]
    told += [f"evaluate.first_seed={VALIDATION}", f"evaluate.execute_n={EXECUTE_N}", f"train.steps={STEPS}", f"output={refined}"]
    told += [f"refine.rounds={ROUNDS}", f"refine.attempts={ATTEMPTS}", f"refine.steps={ROUND_STEPS}", f"refine.recordings={people}"]
    if not (refined / "refined" / "config.json").is_file():
        command([*words, *told], folder)
    rounds = [done for k in range(1, ROUNDS + 1) if (done := read_round(refined / "refine" / f"round_{k}")) is not None]
    start = control = refined / "best"
    for done in rounds:
        output = folder / "control" / str(done.number)
        more = [f"train.start={control}", f"train.steps={ROUND_STEPS}", f"train.seed={done.number}", f"output={output}"]
        control = output / "best"
        if not (control / "config.json").is_file():
            command([*words, *more], folder)
    return {"before": start, "after": refined / "refined", "control": control}


def _few(data: Path, folder: Path) -> Path:
    """The first demonstrations of a data set, as files."""
    dataset = Dataset(data)
    for index in range(min(SHOWN, len(dataset))):
        path = folder / f"{index:03d}.npz"
        if not path.is_file():
            dataset.episode(index).save(path)
    return folder


def _scored(chore: str, kind: str, checkpoint: Path, options: Options) -> list[EpisodeResult]:
    """Rows in layouts that neither training nor refinement had; what was run before is only read."""
    made = make_household(chore, ROBOT)
    episodes = all_episodes(made, seeds=range(NEW, NEW + options.episodes), variants=[TASKS[chore] or made.variants[0]])
    actor = PolicyActor(load_policy(checkpoint), EXECUTE_N, kind)
    return score_in_chore(made, [actor], episodes, options.out / "refinement" / chore / "score", threads=1, filmed=0)


def _gain(after: Sequence[EpisodeResult], before: Sequence[EpisodeResult]) -> Interval:
    """Difference of success in the same layouts, with its paired interval."""
    pairs = [(one.success, other.success) for one, other in zip(after, before, strict=True)]
    kinds = ((True, True), (True, False), (False, True), (False, False))
    return newcombe_paired(*(pairs.count(kind) for kind in kinds))


def _success(chore: str, kind: str, rows: Sequence[EpisodeResult]) -> Row:
    found = wilson(sum(row.success for row in rows), len(rows))
    return Row(f"{chore}: success {kind}", 100 * found.value, unit="%", note=_ends(found))


def _difference(name: str, found: Interval) -> Row:
    return Row(name, 100 * found.value, unit="points", note=_ends(found))


def _ends(found: Interval) -> str:
    return f"[{100 * found.low:.0f}, {100 * found.high:.0f}], {found.n} layouts"
