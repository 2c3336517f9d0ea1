"""Sweeps by the door: a run for each combination, in a folder of its own, and the table at the end."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from motion.demonstration import Demonstration
from motion.errors import MotionError
from policies.sweep import SweptRun, read_sweep, sweep_text
from train import command


@pytest.fixture
def folder(pendulum_demonstrations: list[Demonstration], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with demonstrations, in which commands run."""
    for number, demonstration in enumerate(pendulum_demonstrations):
        demonstration.save(tmp_path / "d" / f"{number}.npz")
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Exit status of `python train.py WORDS`."""
    monkeypatch.setattr(sys, "argv", ["train.py", *words])
    with pytest.raises(SystemExit) as left:
        command()
    return int(left.value.code or 0)


SWEEP = ("-m", "demonstrations=d/", "output=sweep", "train.steps=3", "train.warmup_steps=1", "train.batch_n=16")


def test_two_by_two_runs_and_their_table(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(monkeypatch, *SWEEP, "policy.width=4,8", "train.seed=0,1") == 0
    table = capsys.readouterr().out.splitlines()[-3:]
    assert table[0].split()[:3] == ["policy.width", "runs", "loss"]
    assert sorted(line.split()[:2] for line in table[1:]) == [["4", "2"], ["8", "2"]]
    with open(folder / "sweep" / "sweep.csv", newline="") as stream:
        rows = {(row["policy.width"], row["train.seed"]): row for row in csv.DictReader(stream)}
    assert set(rows) == {("4", "0"), ("4", "1"), ("8", "0"), ("8", "1")}
    for (width, seed), row in rows.items():
        assert row["run"] == f"policy.width={width},train.seed={seed}"
        config = json.loads((folder / "sweep" / row["run"] / "best" / "config.json").read_text())
        assert (config["settings"]["width"], config["train"]["seed"]) == (int(width), int(seed))
        about = json.loads((folder / "sweep" / row["run"] / "run.json").read_text())
        assert float(row["best_loss"]) == about["summary"]["best_loss"]
    losses = {width: [float(rows[width, seed]["best_loss"]) for seed in "01"] for width in ("4", "8")}
    best = min(losses, key=lambda width: sum(losses[width]))
    assert table[1].split()[0] == best
    assert f"{sum(losses[best]) / 2:.4g} [{min(losses[best]):.4g}, {max(losses[best]):.4g}]" in table[1]


def test_a_run_that_fails_is_in_the_table_and_the_others_go_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(monkeypatch, *SWEEP, "policy.width=0,8") == 2
    out = capsys.readouterr().out
    assert "failed: policy.width=0: width 0 and depth 2 make no network." in out
    assert (folder / "sweep" / "policy.width=8" / "best").is_dir()
    before = (folder / "sweep" / "policy.width=8" / "last" / "config.json").stat().st_mtime_ns
    assert said(monkeypatch, *SWEEP, "policy.width=4,8") == 2  # the failed one still lies there
    assert (folder / "sweep" / "policy.width=8" / "last" / "config.json").stat().st_mtime_ns == before  # done is done
    assert said(monkeypatch, "table=sweep") == 2
    assert "3 steps" not in capsys.readouterr().out.splitlines()[-1]


def test_runs_side_by_side(folder: Path) -> None:
    """By joblib, in processes of their own."""
    door = Path(__file__).resolve().parents[2] / "train.py"
    words = [*SWEEP, "threads=1", "train.seed=0,1", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    done = subprocess.run([sys.executable, str(door), *words], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    with open(folder / "sweep" / "sweep.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert sorted(row["train.seed"] for row in rows) == ["0", "1"]
    assert all(row["best_loss"] for row in rows)
    assert all((folder / "sweep" / row["run"] / "best").is_dir() for row in rows)


def test_a_sweep_needs_one_folder(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(monkeypatch, "-m", "demonstrations=d/", "train.seed=0,1") == 2
    assert "a sweep needs one output=" in capsys.readouterr().err


def test_mixes_and_globs_by_the_door(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    mix = "demonstrations=[{path: d/, weight: 2, kind: teleoperated}, 'd/[01].npz']"
    assert said(monkeypatch, mix, "output=run", "train.steps=2", "train.balance=kind") == 0
    about = json.loads((folder / "run" / "run.json").read_text())
    assert about["summary"]["data"] == {
        "episodes_n": 8,
        "steps_n": about["summary"]["data"]["steps_n"],
        "failures_n": 0,
        "workers_n": 0,
        "human-derived_episodes_n": 2,
        "teleoperated_episodes_n": 6,
    }
    assert about["config"]["demonstrations"] == [
        {"path": "d", "weight": 2, "kind": "teleoperated"},
        *({"path": f"d/{name}.npz", "weight": 1.0, "kind": ""} for name in "01"),
    ]
    assert about["config"]["evaluate"]["seeds"] == 16
    assert about["config"]["refine"]["rounds"] == 0
    assert said(monkeypatch, "demonstrations=[{path: d/, wight: 2}]", "output=run") == 2
    assert "Did you mean 'weight'" in capsys.readouterr().err
    assert said(monkeypatch, "demonstrations=e*/", "output=run") == 2
    assert "demonstrations=e*/: nothing is there. Give a .npz file, a folder of them, a LeRobot data set" in capsys.readouterr().err


def test_the_order_is_by_success_then_by_loss() -> None:
    """By hand: means of success 0.5 (0.4 and 0.6), 0.7 and none."""
    runs = [
        SweptRun("a", {"policy": "bc", "train.seed": "0"}, {"best_success": 0.4, "best_loss": 1.0}),
        SweptRun("b", {"policy": "bc", "train.seed": "1"}, {"best_success": 0.6, "best_loss": 3.0}),
        SweptRun("c", {"policy": "act", "train.seed": "0"}, {"best_success": 0.7, "best_loss": 9.0}),
        SweptRun("d", {"policy": "act", "train.seed": "1"}, {}, "it broke"),
    ]
    lines = [line.split() for line in sweep_text(runs).splitlines()]
    assert lines[0] == ["policy", "runs", "success", "loss"]
    assert lines[1][:6] == ["act", "1", "of", "2", "0.7", "9"]
    assert lines[2] == ["bc", "2", "0.5", "[0.4,", "0.6]", "2", "[1,", "3]"]
    assert " ".join(lines[3]) == "failed: d: it broke"


def test_no_sweep_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MotionError, match="no sweep lies there"):
        read_sweep(tmp_path)
