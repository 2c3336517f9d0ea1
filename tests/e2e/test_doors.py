"""The doors, as a user runs them: from recordings to a score, going on after a stop, and errors of one line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from motion.demonstration import Demonstration
from motion.human import HumanMotion
from motion.robot_motion import RobotMotion
from retarget.sources.base import read_recording
from tests.conftest import REPO


@dataclass(frozen=True)
class Run:
    status: int
    out: str
    err: str


def run(folder: Path, *words: str) -> Run:
    """Run `python WORDS` in a folder, with this checkout on the path."""
    environment = {**os.environ, "PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1", "WANDB_SILENT": "true", "COLUMNS": "120"}
    words = tuple(str(REPO / word) if word in ("train.py", "evaluate.py") else word for word in words)
    done = subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False)
    return Run(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which film was recorded, retargeted, replayed, learned from and scored, all by the doors."""
    folder = tmp_path_factory.mktemp("studio")
    for words in (
        ("-m", "workers", "record", "chores=[wipe,stir]", "workers=2", "output=film", "jobs=1"),
        ("-m", "retarget", "input='film/*.npz'", "robot=g1_dex3", "smooth.cutoff_hz=4", "output=motions", "jobs=1", "self_contact=false"),
        ("-m", "envs", "replay", "motions=motions", "output=demonstrations", "plant=varied", "unsolved=longest_span"),
        ("train.py", *TRAIN),
        ("evaluate.py", *EVALUATE),
    ):
        done = run(folder, *words)
        assert done.status == 0, f"{words}\n{done.out}\n{done.err}"
    return folder


TRAIN = ("demonstrations=demonstrations", "output=policy", "train.steps=60", "train.validate_every=20", "wandb.mode=offline", "threads=1")
EVALUATE = ("checkpoint=policy/best", "motions='motions/worker_001_*.npz'", "output=score", "unsolved=longest_span", "recordings=film")


def test_every_stage_left_its_file(studio: Path) -> None:
    film = HumanMotion.load(studio / "film" / "worker_000_wipe_00.npz")
    assert film.provenance.consent == "not a person"
    assert HumanMotion.load(studio / "film" / "truth" / "worker_000_wipe_00.npz").confidence.min() == 1
    motion = RobotMotion.load(studio / "motions" / "worker_000_wipe_00.npz")
    assert motion.provenance.parents[0].name == "worker_000_wipe_00.npz"
    assert motion.provenance.licence == "CC0-1.0"
    card = json.loads((studio / "motions" / "worker_000_wipe_00.card.json").read_text())
    assert card["numbers"]["foot_mm"] < 12
    assert card["understood"]["smoothing"].startswith("low-pass 4 Hz took")
    demo = Demonstration.load(studio / "demonstrations" / "worker_000_wipe_00.varied.0.npz")
    assert demo.provenance.parents[0].name == "worker_000_wipe_00.npz"
    assert demo.provenance.licence == "CC0-1.0"
    assert (studio / "policy" / "best" / "weights.safetensors").is_file()


def test_wandb_offline_leaves_a_run_and_the_plain_csv(studio: Path) -> None:
    assert list((studio / "policy" / "wandb").glob("offline-run-*"))
    assert "loss" in (studio / "policy" / "metrics.csv").read_text().splitlines()[0]


def test_the_scorecard_says_what_it_is_and_pairs_its_episodes(studio: Path) -> None:
    card = json.loads((studio / "score" / "scorecard.json").read_text())
    assert "sim-to-sim robustness" in json.dumps(card).lower()
    rows = parquet.read_table(studio / "score" / "episodes.parquet").to_pylist()
    assert len(rows) == 2 * 3 * 4  # two motions by bc, hold, replay in four plants
    assert {parent["name"] for parent in card["provenance"]["parents"]} == {f"worker_001_{chore}_00.npz" for chore in ("stir", "wipe")}
    assert {row["plant"] for row in rows} == {"nominal", "weak_motors", "slow_link", "heavy_sticky"}
    page = (studio / "score" / "report.html").read_text()
    assert "sim-to-sim" in page
    assert "data:image/png" in page
    assert "data:video/mp4" in page
    assert 'src="http' not in page


def test_training_that_is_done_is_not_done_again(studio: Path) -> None:
    before = (studio / "policy" / "best" / "weights.safetensors").read_bytes()
    done = run(studio, "train.py", *TRAIN)
    assert done.status == 0, done.err
    assert (studio / "policy" / "best" / "weights.safetensors").read_bytes() == before
    other = run(studio, "train.py", *TRAIN, "train.seed=1")
    assert other.status == 2
    assert "another run" in other.err
    assert "Traceback" not in other.err


def test_an_evaluation_goes_on_where_it_stopped_and_comes_to_the_same(studio: Path) -> None:
    card = studio / "score" / "scorecard.json"
    before = json.loads(card.read_text())
    lost = sorted((studio / "score" / "episodes" / "bc").rglob("*.npz"))[:2]
    kept = sorted((studio / "score" / "episodes" / "replay").rglob("*.npz"))[0]
    stamp = kept.stat().st_mtime_ns
    for path in lost:
        path.unlink()
    card.unlink()
    done = run(studio, "evaluate.py", *EVALUATE)
    assert done.status == 0, done.err
    assert json.loads(card.read_text()) == before
    assert kept.stat().st_mtime_ns == stamp
    other = run(studio, "evaluate.py", *EVALUATE, "seeds=2")
    assert other.status == 2
    assert "holds another evaluation" in other.err


def test_a_folder_with_a_bad_file_is_retargeted_past_it(studio: Path, tmp_path: Path) -> None:
    for path in sorted((studio / "film").glob("*.npz"))[:2]:
        shutil.copy(path, tmp_path / path.name)
    (tmp_path / "broken.bvh").write_text("HIERARCHY\nROOT")
    done = run(tmp_path, "-m", "retarget", "input=.", "robot=g1", "output=out", "jobs=2", "self_contact=false")
    assert done.status == 1
    assert "2 written to out, 1 failed" in done.out
    assert "broken.bvh" in done.out.splitlines()[-1]
    assert len(list((tmp_path / "out").glob("*.npz"))) == 2
    corpus = json.loads((tmp_path / "out" / "corpus.json").read_text())
    assert sum(clip["verdict"] == "failed" for clip in corpus["clips"]) == 1
    assert (tmp_path / "out" / "corpus.html").is_file()
    again = run(tmp_path, "-m", "retarget", "input=.", "robot=g1", "output=out", "jobs=2", "self_contact=false")
    assert "2 written to out, 1 failed" in again.out


def test_a_recording_is_read_told_and_written(studio: Path, tmp_path: Path) -> None:
    """`read` says what was understood, goes past a bad file, and what it writes is a recording again."""
    clips = tmp_path / "clips"
    clips.mkdir()
    good = sorted((studio / "film").glob("*.npz"))[0]
    shutil.copy(good, clips / "a.npz")
    (clips / "b.bvh").write_text("HIERARCHY nothing")
    done = run(tmp_path, "-m", "retarget", "read", "input=clips", "source.licence=CC0-1.0", "output=human")
    assert done.status == 1
    assert "b.bvh" in done.out
    assert "human motion" in done.out
    assert "body 100%" in done.out
    written = HumanMotion.load(tmp_path / "human" / "a.npz")
    np.testing.assert_array_equal(written.position_m, HumanMotion.load(good).position_m)
    assert written.provenance.licence == "CC0-1.0"
    assert not list((tmp_path / "human").glob("b*"))
    told = run(tmp_path, "-m", "retarget", "read", "input=clips/a.npz")
    assert told.status == 0
    assert "subject" in told.out
    assert run(tmp_path, "-m", "retarget", "read", "input=clips/b.bvh").err.startswith("error: clips/b.bvh: ")


def test_a_recording_is_not_overwritten_by_its_own_motion(studio: Path, tmp_path: Path) -> None:
    clip = tmp_path / "clip [b], (1).npz"
    shutil.copy(studio / "film" / "worker_000_stir_00.npz", clip)
    for output in (clip.name, "."):
        done = run(tmp_path, "-m", "retarget", f"input={clip.name}", f"output={output}")
        assert done.status == 2
        assert "would be overwritten" in done.err
    assert HumanMotion.load(clip)
    done = run(tmp_path, "-m", "retarget", f"input={clip.name}", "output=2024/m [b].npz", "self_contact=false")
    assert done.status == 0, done.err
    assert "wrote 2024/m [b].npz" in done.out
    assert clip.name in done.out
    assert RobotMotion.load(tmp_path / "2024" / "m [b].npz").robot == "g1"


def test_ctrl_c_stops_a_batch_at_once(studio: Path, tmp_path: Path) -> None:
    words = ("-m", "retarget", "input=film", "robot=g1_dex3", f"output={tmp_path}", "jobs=2")
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    heeded = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # also where the tests themselves run in the background
    process = subprocess.Popen(
        [sys.executable, *words], cwd=studio, env=environment, stderr=subprocess.PIPE, start_new_session=True, preexec_fn=heeded
    )
    assert process.stderr
    begin = process.stderr.read(1)  # of the progress bar
    os.killpg(process.pid, signal.SIGINT)
    rest = process.communicate(timeout=20)[1]
    assert process.returncode == 130
    assert rest.endswith(b"stopped.\n")
    assert b"Traceback" not in begin + rest


def test_one_real_clip_by_the_door(bandai: list[Path], tmp_path: Path) -> None:
    done = run(tmp_path, "-m", "retarget", f"input={bandai[0]}", "robot=g1_dex3", "output=motion.npz", "source.licence=CC-BY-NC-4.0")
    assert done.status == 0, done.err
    assert "dialect bandai_namco" in done.out
    assert "foot_mm" in done.out
    assert "frame/s" in done.err  # the progress bar
    motion = RobotMotion.load(tmp_path / "motion.npz")
    assert motion.solved.all()
    assert motion.provenance.licence == "CC-BY-NC-4.0"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-m", "retarget", "output=x.npz"), "error: input= is missing, e.g. input=clip.bvh"),
        (("-m", "retarget", "input=nothing.bvh", "output=x.npz"), "error: nothing.bvh: no recording there"),
        (("-m", "retarget", "score", "--human", "x.bvh", "--robot", "y.npz"), "error: x.bvh: no such file or folder"),
        (("-m", "retarget", "input=.", "output=x.npz", "robot=./nowhere"), "error: unknown robot './nowhere'"),
        (("-m", "retarget", "input=.", "output=x.npz", "robot=g7"), "Available options in 'robot':"),
        (("-m", "retarget", "input=.", "output=x", "solver.postur=1"), "Did you mean 'posture'"),
        (("evaluate.py", "checkpoint=none", "motions=none", "output=x"), "error: none: no .npz file there"),
        (("train.py", "demonstrations=none", "output=x"), "error: demonstrations=none: nothing is there."),
        (("train.py", "policy=acts", "demonstrations=.", "output=x"), "Available options in 'policy':"),
        (("-m", "envs", "replay", "plant=broken", "motions=.", "output=x"), "Available options in 'plant':"),
        (
            ("-m", "envs", "replay", "chore.name=pour", "motions=.", "output=x"),
            "error: unknown chore 'pour' in chore=. Did you mean 'pour_cup'",
        ),
        (("-m", "workers", "record", "workers=0", "output=x"), "error: workers=0: a whole number is wanted, at least 1"),
        (("-m", "workers", "output=x"), "error: the command is missing or unknown; say `record`"),
        (("-m", "retarget", "input=.", "output=x", "solver.posture=abc"), "error: solver.posture=abc: a number is wanted"),
        (("-m", "retarget", "input=.", "output=x", "jobs=abc"), "error: jobs=abc: a whole number or null is wanted"),
        (("-m", "retarget", "input=.", "output=x", "robot.nam=x"), "Could not override 'robot.nam'"),
        (("-m", "retarget", "input=no,thing (1).bvh", "output=x"), "error: no,thing (1).bvh: no recording there"),
        (("-m", "envs", "replay", "chore.bsae=fixed", "motions=.", "output=x"), "Could not override 'chore.bsae'"),
        (("train.py", "wandb.moed=offline", "demonstrations=.", "output=x"), "Could not override 'wandb.moed'"),
        (("train.py", "policy.width=wide", f"demonstrations={__file__}", "output=x"), "error: policy.width=wide: a whole number is wanted"),
        (("train.py", "train.policy=act", f"demonstrations={__file__}", "output=x"), "a policy is chosen with policy=NAME"),
        (("train.py", f"demonstrations={__file__}", f"output={__file__}/x"), "is a file; a folder is needed there"),
        (("evaluate.py", "checkpoint=none", f"motions={__file__}", "recordings=nobody", "output=x"), "error: nobody: no recording there"),
        (
            ("evaluate.py", "checkpoint=none", f"motions={__file__}", "cards=nothing", "output=x"),
            "error: nothing: no .card.json file there",
        ),
        (("-m", "robots", "show", "g1_dex"), "Did you mean 'g1_dex3'"),
    ],
)
def test_what_is_wrong_is_one_clear_line(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    done = run(tmp_path, *words)
    assert done.status != 0
    assert message in done.err
    assert "Traceback" not in done.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words", [("-m", "retarget"), ("-m", "envs", "replay"), ("-m", "workers", "record"), ("train.py",), ("evaluate.py",)]
)
def test_help_is_readable(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run(tmp_path, *words, "--help")
    assert done.status == 0
    assert "Example" in done.out
    assert "output" in done.out
    assert len(done.out.splitlines()) < 130


def test_real_clips_from_retargeting_to_a_score(bandai: list[Path], tmp_path: Path) -> None:
    """Clips of some skeletons to learn from, of another to be judged on; the policy must do better than nothing."""
    words = {"clips": ("bow_n", "bye_normal", "call_n", "guide_active"), "held_out": ("guide_normal", "respond_normal")}
    skeletons = {}
    for name, parts in words.items():
        (tmp_path / name).mkdir()
        paths = [path for path in bandai if any(f"_{part}" in path.stem for part in parts)]
        skeletons[name] = {read_recording(path).motion.subject.pseudonym for path in paths}
        for path in paths:
            (tmp_path / name / path.name).symlink_to(path)
    assert not skeletons["clips"] & skeletons["held_out"]
    for words in (
        ("-m", "retarget", "input=clips", "robot=g1", "output=motions", "jobs=1", "self_contact=false"),
        ("-m", "retarget", "input=held_out", "robot=g1", "output=judged", "jobs=1", "self_contact=false"),
        ("-m", "envs", "replay", "motions=motions", "output=demonstrations", "seeds=2"),
        ("train.py", "demonstrations=demonstrations", "output=policy", "train.steps=300", "threads=1"),
        ("evaluate.py", "checkpoint=policy/best", "motions=judged", "output=score"),
    ):
        done = run(tmp_path, *words)
        assert done.status == 0, f"{words}\n{done.out}\n{done.err}"
    rows = parquet.read_table(tmp_path / "score" / "episodes.parquet").to_pylist()
    error = {
        (actor, plant): np.mean([row["joint_rmse_rad"] for row in rows if (row["actor"], row["plant"]) == (actor, plant)])
        for actor in ("bc", "hold", "replay")
        for plant in ("nominal", "weak_motors", "slow_link", "heavy_sticky")
    }
    for plant in ("nominal", "weak_motors", "slow_link", "heavy_sticky"):
        assert error["bc", plant] < 0.7 * error["hold", plant]
    assert sum(error["bc", plant] < error["replay", plant] for plant in ("weak_motors", "slow_link", "heavy_sticky")) >= 2
