"""`train.py refine.rounds=1`: a policy that knows nothing, one attempt, what the reference controller makes of it, and training on."""

from __future__ import annotations

import json
from pathlib import Path

from envs.actors import HoldActor
from envs.chores.registry import make_household
from envs.rollout import all_episodes, rollout
from gap.refinement.records import read_rows
from policies import load_checkpoint
from tests.e2e.test_train_in_chores import run
from workers.household.film import record_chore


def test_a_round_of_refinement(tmp_path: Path) -> None:
    glass = make_household("fragile_glass", "g1_dex3")
    for index, done in enumerate(rollout(glass, HoldActor(), all_episodes(glass, seeds=(0, 1), variants=("full",)))):
        done.save(tmp_path / "demonstrations" / f"{index}.npz")
    record_chore("fragile_glass", "full", 3, worker_seed=2).observed.save(tmp_path / "films" / "film.npz")
    output = tmp_path / "run"
    words = [f"demonstrations={tmp_path / 'demonstrations'}", f"output={output}", "policy.chunk_n=24", "policy.width=16", "threads=1"]
    words += ["train.steps=5", "train.validation_fraction=0", "evaluate.chore=fragile_glass", "evaluate.seeds=1", "refine.rounds=1"]
    words += ["refine.attempts=1", "refine.takeovers=1", "refine.steps=3", f"refine.recordings={tmp_path / 'films'}"]
    done = run("train.py", *words)
    assert done.returncode == 0, done.stderr
    assert "1 rounds are done" in done.stdout
    own = output / "refine" / "round_1"
    told = json.loads((own / "summary.json").read_text())
    tried = read_rows(own / "corrections.parquet")
    assert (told["attempts"], told["takeovers"]) == (1, len(tried))
    assert read_rows(own / "attempts.parquet")[0]["recording"] == "film"
    assert tried[0]["file"]
    assert load_checkpoint(output / "refined").policy.name == "bc"
    assert load_checkpoint(own / "train" / "best").train["start"] == str(output / "best")
    assert "refine/success" in (output / "metrics.csv").read_text().splitlines()[0]
