"""`evaluate.py suite=...` and `compare`, by the doors: a trained policy, its card and page, resume, leaks, recordings."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import evaluate
from envs.actors import HoldActor
from envs.chores.registry import make_household
from envs.rollout import all_episodes, rollout
from gap.episode import read_episodes
from motion.errors import UnderstudyError
from understudy import CONF
from workers.household.film import record_chore
from workers.household.record import save_recording

REPO = Path(__file__).resolve().parents[2]
PLAIN = ["+experiment=chore_bc", "policy.width=16", "policy.chunk_n=24", "train.steps=10", "train.validation_fraction=0", "threads=1"]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """A door, in a process of its own."""
    return subprocess.run([sys.executable, *words], cwd=REPO, capture_output=True, text=True, timeout=500)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two policies that learnt from standing still in two layouts."""
    folder = tmp_path_factory.mktemp("suites")
    glass = make_household("fragile_glass", "g1_dex3")
    for index, done in enumerate(rollout(glass, HoldActor(), all_episodes(glass, seeds=(0, 1), variants=("full",)))):
        done.save(folder / "shown" / f"{index}.npz")
    for name in ("one", "two"):
        words = [f"demonstrations={folder / 'shown'}", f"output={folder / name}", f"train.seed={len(name)}", "train.failures=use"]
        done = run("train.py", *PLAIN, *words, *(["train.steps=12"] if name == "two" else []))
        assert done.returncode == 0, done.stderr
    return folder


def test_a_checkpoint_says_what_it_was_shown(trained: Path) -> None:
    told = json.loads((trained / "one" / "best" / "config.json").read_text())["provenance"]["config"]["shown"]
    assert told["episodes"] == {"fragile_glass": {"full": [[0, 1]]}}


def test_a_suite_from_checkpoints_to_page_and_its_resume(trained: Path) -> None:
    both = f"checkpoint=[{trained / 'one' / 'best'},{trained / 'two' / 'best'}]"
    words = ["evaluate.py", "suite=heldout_objects", both, "episodes=2", "worst=1", "jobs=2", f"output={trained / 'held_out'}"]
    done = run(*words)
    assert done.returncode == 0, done.stderr
    folder = trained / "held_out"
    card = json.loads((folder / "scorecard.json").read_text())
    assert {(rate["policy"], rate["condition"], rate["episodes"]) for rate in card["rates"]} == {
        (policy, part, 2) for policy in ("one", "two") for part in ("seen", "heldout_objects")
    }
    assert [actor["episodes"] for actor in json.loads((folder / "safety.json").read_text())["actors"]] == [4, 4]
    assert card["sha256"] == json.loads((folder / "episodes.json").read_text())["sha256"]
    assert [len(card[part]) for part in ("drops", "contests", "curves")] == [2, 2, 0]
    rows, _ = read_episodes(folder / "episodes.parquet")
    assert sorted({(row.actor, row.condition, row.variant, row.seed) for row in rows}) == [
        (policy, part, variant, seed)
        for policy in ("one", "two")
        for part, variant in (("heldout_objects", "full@objects"), ("seen", "full"))
        for seed in (900000, 900001)
    ]
    page = (folder / "report.html").read_text()
    assert "sim-to-sim robustness" in page
    assert page.count("data:video/mp4") == 2
    assert "http://" not in page.replace("http://www.w3.org", "")
    shutil.rmtree(folder / "films" / "two")
    for path in (folder / "blocks" / "two").glob("*.json"):  # as other code would have had it
        path.write_text(re.sub(r'"duration_s": [0-9.]+', '"duration_s": 0.02', path.read_text()))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.json") if path.parent.parent.name == "blocks"}
    (folder / "blocks" / "one" / "00001.json").unlink()
    assert run(*words).returncode == 0
    assert json.loads((folder / "scorecard.json").read_text())["rates"] == card["rates"]
    page = (folder / "report.html").read_text()
    assert page.count("data:video/mp4") == page.count("ended in another way when it was played again") == 1
    after = {path: path.stat().st_mtime_ns for path in before}
    assert [path.name for path in before if before[path] != after[path]] == ["00001.json"]
    other = run(*words, "execute_n=3")
    assert (other.returncode, "another evaluation" in other.stderr) == (2, True)
    compared = run("evaluate.py", "compare", str(folder), f"output={trained / 'compared.json'}")
    assert compared.returncode == 0, compared.stderr
    assert len(json.loads((trained / "compared.json").read_text())["contests"]) == 3


def test_what_a_policy_was_trained_on_is_no_test(trained: Path) -> None:
    words = ["evaluate.py", "suite=seen", f"checkpoint={trained / 'one' / 'best'}", "episodes=1", f"output={trained / 'leak'}"]
    done = run(*words, "first_seed=1")
    assert (done.returncode, "fragile_glass full, seed 1; that is no test" in done.stderr) == (2, True), done.stderr
    assert not (trained / "leak").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["suite=held_out"], "unknown suite 'held_out'"),
        (["suite=heldout_workers"], "these policies read none"),
        (["suite=seen", "chores=[stir_pott]"], "unknown chore 'stir_pott'"),
        (["suite=seen", "recordings=nothing"], "nothing: no .npz file there"),
        (["suite=robustness", "curves=[dynamics/delai]"], "unknown curve 'dynamics/delai'"),
        (["suite=seen", "+stop.half_width=2"], "half_width"),
        (["suite=seen", "seeds=7"], "seeds=: without use with suite="),
        (["suite=seen", "suite_version=v0"], "unknown suites 'v0'"),
        (["suite=seen", "chores=[operate_appliance/window]"], "window"),
    ],
)
def test_what_cannot_be_is_said(trained: Path, words: list[str], said: str) -> None:
    told = [f"checkpoint={trained / 'one' / 'best'}", f"output={trained / 'nowhere'}", *words]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config: dict[str, Any] = OmegaConf.to_container(compose("evaluate", told), resolve=True)  # type: ignore[assignment]
    with pytest.raises(UnderstudyError, match=re.escape(said)):
        evaluate.main(config)
    assert not (trained / "nowhere").exists()


def test_the_door_says_it_in_a_line(trained: Path) -> None:
    done = run("evaluate.py", f"checkpoint={trained / 'one' / 'best'}", f"output={trained / 'nowhere'}", "suite=held_out")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "unknown suite 'held_out'" in done.stderr


def test_folders_that_cannot_be_compared(trained: Path) -> None:
    done = run("evaluate.py", "compare", str(trained / "nothing"), str(trained / "shown"))
    assert (done.returncode, "no episodes.parquet there" in done.stderr) == (2, True)
    assert run("evaluate.py", "compare").returncode == 2


def test_recordings_of_people_and_chores_that_training_never_saw(tmp_path: Path) -> None:
    """A policy that learnt from worker 0 is given worker 1's recording, and one of another chore."""
    save_recording(record_chore("fragile_glass", "full", 0, 0), tmp_path / "film", "worker_000")
    words = ["chore=fragile_glass", f"recordings={tmp_path / 'film'}", "robot=g1_dex3", "plant=nominal", "context=true", "jobs=1"]
    shown = run("-m", "envs", "replay", *words, f"output={tmp_path / 'told'}")
    assert shown.returncode == 0, shown.stderr
    words = [
        "+experiment=told_bc",
        f"demonstrations={tmp_path / 'told'}",
        f"output={tmp_path / 'run'}",
        "policy.width=16",
        "train.steps=10",
    ]
    assert run("train.py", *words, "train.validation_fraction=0", "threads=1").returncode == 0
    save_recording(record_chore("fragile_glass", "full", 1, 1), tmp_path / "new", "worker_001")
    save_recording(record_chore("tidy_counter", "one", 0, 0), tmp_path / "new", "other_chore")
    words = ["evaluate.py", f"checkpoint={tmp_path / 'run' / 'best'}", f"recordings={tmp_path / 'new'}", "worst=0", "jobs=2"]
    done = run(*words, "suite=heldout", f"output={tmp_path / 'score'}")
    assert done.returncode == 0, done.stderr
    card = json.loads((tmp_path / "score" / "scorecard.json").read_text())
    assert {(rate["chore"], rate["part"]) for rate in card["rates"]} == {
        ("fragile_glass", "heldout_workers"),
        ("tidy_counter", "heldout_chores"),
    }
    assert {"open_loop", "reference"} < set(card["policies"])
    assert len(json.loads((tmp_path / "score" / "episodes.json").read_text())["given"]) == 2
    page = (tmp_path / "score" / "report.html").read_text()
    assert "Against the person" in page
    assert "it certifies nothing" in page
    done = run(*words[:2], "suite=heldout", f"output={tmp_path / 'other'}")
    assert (done.returncode, "recordings= is missing" in done.stderr) == (2, True), done.stderr
