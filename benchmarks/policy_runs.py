"""Runs of the benchmark of policies: data sets, trained policies and their episodes, each made once and kept in a folder.

A stopped benchmark goes on where it was: data sets and runs by the doors that make them, episodes row by row.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from tqdm import tqdm

from benchmarks.parallel import in_order
from envs.chores.registry import make_household
from envs.household.leaks import LeakError
from envs.rollout import all_episodes
from gap.chores import score_in_chore
from gap.episode import EpisodeResult
from motion.cores import THREADS
from motion.errors import require
from motion.lerobot.layout import UNDERSTUDY
from motion.store import write_text
from policies import PolicyActor, TrainConfig, known_policies, load_checkpoint
from policies.data import SHOWN, was_shown

ROBOT, DEFAULT = "g1_dex3", TrainConfig().policy
TASKS: Mapping[str, str] = {
    "tidy_counter": "one",
    "stir_pot": "",
    "operate_appliance": "door",
    "walk_clutter": "",
    "pour_cup": "",
    "fragile_glass": "",
    "fetch_item": "",
}
"""Chore -> its task; empty: the usual one."""
EXECUTED: Mapping[str, int] = {"stir_pot": 24, "walk_clutter": 16, "fetch_item": 48}
"""Chore -> actions carried out per look where that is another number than the recipe's: who stirs or walks among things has to look often,
who backs away slowly with something in the hand holds it by going on. Chosen with `bc` in layouts of the validation, from 400000 on."""
_ROOT = Path(__file__).resolve().parent.parent
_DONE, _LOG = "done.json", "log.txt"
_SLOTS = 16

TEACHING = ("workers=20", "layouts=100", "tests=0", "action_noise_rad=0.005", "least_grip_n=12")
"""How data sets are made that policies learn from."""
BESIDES: Mapping[str, tuple[str, ...]] = {
    "walk_clutter": ("base_drift=0.6",),  # the way is the chore
    "tidy_counter": ("least_grip_n=20",),  # carried about, by fingers that know neither weight nor friction
    "fetch_item": ("least_grip_n=20",),
}
"""And what counts beside or in place of that. 20 N were chosen after grips of 12 N had lost wet things in the layouts from 900000 on."""


@dataclass(frozen=True)
class Options:
    """What is to be measured, and where it is kept.

    Attributes:
        sets: folder of the data sets, one for each chore; what is missing is made there.
        out: folder of runs and episodes.
        chores, policies, seeds: which; seeds are of the training.
        minutes: of training steps for each run; 0: as many steps as the recipe says.
        episodes: held-out layouts that each policy is judged on.
        settings: further words for `train.py`, e.g. "policy.width=512".
        checkpoint: "best" or "last".
        jobs: processes, of one thread each.
    """

    sets: Path = Path("runs/benchmarks/sets")
    out: Path = Path("runs/benchmarks/policies")
    chores: tuple[str, ...] = tuple(TASKS)
    policies: tuple[str, ...] = tuple(sorted(known_policies()))
    seeds: tuple[int, ...] = (0, 1, 2)
    minutes: float = 3.0
    episodes: int = 100
    settings: tuple[str, ...] = ()
    checkpoint: str = "best"
    jobs: int = 2

    @property
    def default(self) -> str:
        """The policy that the bars are of: the default one, or the only one that is asked for."""
        return DEFAULT if DEFAULT in self.policies else self.policies[0]


@dataclass(frozen=True)
class Run:
    """One policy that is trained on one chore."""

    policy: str
    chore: str
    seed: int

    @property
    def name(self) -> str:
        """Its folder, under `Options.out`."""
        return f"{self.policy}/{self.chore}/{self.seed}"


@dataclass(frozen=True)
class Trial:
    """Layouts that a trained policy is tried in.

    Attributes:
        run: which policy.
        axis: "" for layouts as in training but new, "objects" or "layouts" for what training never has.
        first_seed, episodes: of the layouts.
        execute_n: actions carried out per look.
    """

    run: Run
    axis: str
    first_seed: int
    episodes: int
    execute_n: int


# Data.


def demonstrations(options: Options, chore: str) -> Path:
    """The data set of a chore; made where it is missing, or goes on where it was stopped."""
    told = [part for part in (chore, TASKS[chore]) if part]
    folder = options.sets / "_".join(told)
    if not (folder / "index.json").is_file():
        words = ["-m", "workers", "dataset", f"chores=[{'/'.join(told)}]", *TEACHING, *BESIDES.get(chore, ()), f"jobs={options.jobs}"]
        command([*words, f"output={folder.resolve()}"], options.out / "sets" / chore)
    parts = [folder / split / chore for split in ("train", "test_chores")]
    found = next((part for part in parts if (part / UNDERSTUDY).is_file()), None)
    if found is None:
        sys.exit(f"{folder} holds no demonstrations of {chore}: its dropped.csv says why.")
    return found


# Training.


def train_all(runs: Sequence[Run], options: Options) -> dict[Run, float]:
    """Minutes that the training of each run took, from the command to its end, over all restarts; runs that are done stay."""
    data = {chore: demonstrations(options, chore) for chore in dict.fromkeys(run.chore for run in runs)}
    with ThreadPoolExecutor(options.jobs) as pool:
        each = pool.map(lambda run: _train(run, data[run.chore], options), runs)
        minutes = list(tqdm(each, total=len(runs), unit="run", desc="train"))
    return dict(zip(runs, minutes, strict=True))


def _train(run: Run, data: Path, options: Options) -> float:
    folder = options.out / run.name
    limit = [f"train.minutes={options.minutes:g}", "train.steps=10000000"] if options.minutes else []
    words = ["train.py", f"+experiment=chore_{run.policy}", f"train.seed={run.seed}", "threads=1", *limit, *options.settings]
    done, spent = folder / _DONE, folder / "spent_s.json"
    if done.is_file():
        told = json.loads(done.read_text())
        if told["words"] != words:
            sys.exit(f"{folder} holds another run: {' '.join(told['words'])}. Choose another --out, or remove it.")
        return float(told["minutes"])
    before_s, began_s = float(spent.read_text()) if spent.is_file() else 0.0, time.monotonic()
    try:
        command([*words, f"demonstrations={data.resolve()}", f"output={(folder / 'run').resolve()}"], folder)
    finally:
        write_text(spent, str(before_s + time.monotonic() - began_s))
    minutes = float(spent.read_text()) / 60
    write_text(done, json.dumps({"words": words, "minutes": minutes}))
    return minutes


def command(words: Sequence[str], folder: Path) -> None:
    """Run one of the doors, with one thread; what it says goes into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    single = {**os.environ, **dict.fromkeys(THREADS, "1")}
    with open(folder / _LOG, "ab") as log:
        done = subprocess.run([sys.executable, *words], cwd=_ROOT, stdout=log, stderr=log, env=single)
    if done.returncode:
        raise SystemExit(f"python {' '.join(words)} ended with {done.returncode}; what it said is in {folder / _LOG}.")


# Scoring.


def execute_n(chore: str) -> int:
    """How many actions of a chunk are carried out: as `EXECUTED` says, or else the recipes."""
    if chore in EXECUTED:
        return EXECUTED[chore]
    recipe = yaml.safe_load((_ROOT / "conf" / "experiment" / "chore.yaml").read_text())
    return int(recipe["policy"]["execute_n"])


def score_all(trials: Sequence[Trial], options: Options) -> dict[Trial, list[EpisodeResult]]:
    """Rows of every trial's episodes; what was run before is only read."""
    rows = in_order(_score, [(trial, options) for trial in trials], options.jobs, "trial", "score")
    return dict(zip(trials, rows, strict=True))


def _score(trial: Trial, options: Options) -> list[EpisodeResult]:
    torch.set_num_threads(1)
    folder = options.out / trial.run.name
    loaded = load_checkpoint(folder / "run" / options.checkpoint)
    policy, known = loaded.policy, loaded.provenance.config[SHOWN]
    chore = make_household(trial.run.chore, ROBOT)
    policy.spec.require_joints(chore.action_names, trial.run.chore)
    variant = "@".join(filter(None, (TASKS[trial.run.chore] or chore.variants[0], trial.axis)))
    actor = PolicyActor(policy, min(trial.execute_n, policy.spec.chunk_n))
    episodes = all_episodes(chore, seeds=range(trial.first_seed, trial.first_seed + trial.episodes), variants=[variant])
    leaked = [one.seed for one in episodes if was_shown(known, chore.name, one.variant, one.seed)]
    require(not leaked, LeakError, f"{trial.run} was trained in layout {leaked[:1]}; that is no test.")
    return score_in_chore(chore, [actor], episodes, folder / f"{options.checkpoint}_{actor.execute_n}", _SLOTS, threads=1, filmed=0)
