"""A policy that is given a recording, from film to score, by the doors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from workers.household.film import record_chore
from workers.household.record import save_recording

REPO = Path(__file__).resolve().parents[2]
CHORE = "chore=fragile_glass"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """A door, in a process of its own."""
    return subprocess.run([sys.executable, *words], cwd=REPO, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One recording, its demonstration with a context, and what was learnt from that in a few steps."""
    folder = tmp_path_factory.mktemp("told")
    save_recording(record_chore("fragile_glass", "full", 0, 0), folder / "film", "worker_000")
    words = [CHORE, f"recordings={folder / 'film'}", "robot=g1_dex3", "plant=nominal", "context=true", "moved_m=0.01", "jobs=1"]
    shown = run("-m", "envs", "replay", *words, f"output={folder / 'told'}")
    assert shown.returncode == 0, shown.stderr
    words = ["+experiment=told_bc", f"demonstrations={folder / 'told'}", f"output={folder / 'run'}", "policy.width=16", "train.steps=10"]
    done = run("train.py", *words, "train.validation_fraction=0", "threads=1")
    assert done.returncode == 0, done.stderr
    return folder


def test_it_is_scored_beside_plain_replay_and_the_replay_with_feedback(trained: Path) -> None:
    plants = ["~plants.weak_motors", "~plants.slow_link", "~plants.heavy_sticky", "filmed=0", f"output={trained / 'score'}"]
    done = run("evaluate.py", f"checkpoint={trained / 'run' / 'best'}", CHORE, f"recordings={trained / 'film'}", *plants)
    assert done.returncode == 0, done.stderr
    card = json.loads((trained / "score" / "scorecard.json").read_text())
    success = {cell["actor"]: cell["success"]["value"] for cell in card["cells"]}
    assert set(success) == {"bc", "open_loop", "reference"}
    assert (success["open_loop"], success["reference"]) == (0.0, 1.0)
    assert len(card["comparisons"]) == 2


def test_it_is_not_scored_without_a_recording(trained: Path) -> None:
    done = run("evaluate.py", f"checkpoint={trained / 'run' / 'best'}", CHORE, f"output={trained / 'other'}")
    assert (done.returncode, "recordings= is missing" in done.stderr) == (2, True)


def test_a_training_that_would_roll_it_out_without_a_recording_says_so_before_its_first_step(trained: Path) -> None:
    words = ["+experiment=told_bc", f"demonstrations={trained / 'told'}", f"output={trained / 'rolled'}", "evaluate.chore=fragile_glass"]
    done = run("train.py", *words)
    assert (done.returncode, "evaluate.py recordings=" in done.stderr) == (2, True), done.stderr
    assert not (trained / "rolled").exists()
