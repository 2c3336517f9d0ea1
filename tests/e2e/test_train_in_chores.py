"""A policy for a chore with things, from demonstrations to its score: train.py with rollouts while it trains, evaluate.py after."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from envs.actors import HoldActor
from envs.chores.registry import make_household
from envs.household.see_command import write_seen
from envs.rollout import all_episodes, rollout
from motion.demonstration import Demonstration
from motion.lerobot import write_dataset
from policies import PolicyActor, TrainConfig, fit, load_policy
from policies.deploy import Handover, load_exported
from policies.deploy.real_time import RealTimeActor

REPO = Path(__file__).resolve().parents[2]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """A door, in a process of its own."""
    return subprocess.run([sys.executable, *words], cwd=REPO, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two episodes of standing still, which are no success, and a policy that learnt from them, rolled out while it did."""
    folder = tmp_path_factory.mktemp("chore")
    glass = make_household("fragile_glass", "g1_dex3")
    for index, done in enumerate(rollout(glass, HoldActor(), all_episodes(glass, seeds=(0, 1), variants=("full",)))):
        done.save(folder / "demonstrations" / f"{index}.npz")
    words = [f"demonstrations={folder / 'demonstrations'}", f"output={folder / 'run'}", "policy.chunk_n=24", "policy.width=16"]
    words += ["train.steps=20", "train.evaluate_every=10", "evaluate.chore=fragile_glass", "evaluate.seeds=1", "threads=1"]
    done = run("train.py", *words, "policy.input_noise=1", "policy.pointers_n=2", "train.mirror=true")
    assert done.returncode == 0, done.stderr
    return folder


def test_success_is_measured_while_training(trained: Path) -> None:
    rows = (trained / "run" / "metrics.csv").read_text().splitlines()
    columns = rows[0].split(",")
    successes = [line.split(",")[columns.index("success")] for line in rows[1:]]
    assert [value for value in successes if value] == ["0.0", "0.0"]


def test_evaluations_are_filmed_for_wandb(trained: Path) -> None:
    words = [f"demonstrations={trained / 'demonstrations'}", f"output={trained / 'filmed'}", "policy.width=8", "threads=1"]
    words += ["train.steps=2", "train.evaluate_every=1", "evaluate.chore=fragile_glass", "evaluate.seeds=1", "evaluate.execute_n=8"]
    done = run("train.py", *words, "wandb.mode=offline")
    assert done.returncode == 0, done.stderr
    newest = trained / "filmed" / "films" / "full.800000.mp4"
    shown = sorted((trained / "filmed" / "wandb").glob("offline-run-*/files/media/videos/film_*.mp4"))
    assert [path.name.split("_")[1] for path in shown] == ["1", "2"]
    assert shown[1].read_bytes() == newest.read_bytes()
    assert not (trained / "run" / "films").exists()  # nobody asked for W&B there


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["evaluate.chore=fragile_glass", "evaluate.variant=ful"], "Did you mean 'full'"),
        (["evaluate.chore=fragile_glass", "refine.rounds=1"], "refine.recordings= is missing"),
    ],
)
def test_what_could_not_be_done_after_training_is_refused_before(trained: Path, tmp_path: Path, words: list[str], said: str) -> None:
    done = run("train.py", f"demonstrations={trained / 'demonstrations'}", f"output={tmp_path / 'run'}", *words)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "run").exists()


def test_a_score_in_a_chore_and_its_resume(trained: Path) -> None:
    words = [f"checkpoint={trained / 'run' / 'best'}", "chore=fragile_glass", "seeds=1", "execute_n=24", "filmed=0"]
    words += ["plant=slippery", f"output={trained / 'score'}"]
    done = run("evaluate.py", *words)
    assert done.returncode == 0, done.stderr
    assert "0 % [0, 79]" in done.stdout
    assert "no test" not in done.stdout
    card = json.loads((trained / "score" / "scorecard.json").read_text())
    assert {(cell["actor"], cell["plant"]) for cell in card["cells"]} == {(a, p) for a in ("bc", "hold") for p in ("nominal", "slippery")}
    row = trained / "score" / "rows" / "bc" / "nominal" / "full.900000.json"  # layouts of the tests, as nobody says which
    before = row.stat().st_mtime_ns
    assert run("evaluate.py", *words).returncode == 0
    assert row.stat().st_mtime_ns == before
    other = run("evaluate.py", *words, "seeds=2")
    assert (other.returncode, "another evaluation" in other.stderr) == (2, True)


def test_layouts_that_were_trained_in_are_no_test_and_films_reach_wandb(trained: Path) -> None:
    """As much of each chunk is carried out as is usual for the policy."""
    words = [f"checkpoint={trained / 'run' / 'best'}", "chore=fragile_glass", "first_seed=1", "wandb.mode=offline"]
    words += ["~plants.weak_motors", "~plants.slow_link", "~plants.heavy_sticky"]
    done = run("evaluate.py", *words, f"output={trained / 'tracked'}")
    assert done.returncode == 0, done.stderr
    assert "the policy was trained on 1 of these 1 episodes, e.g. layout 1" in " ".join(done.stdout.split())
    told = json.loads((trained / "tracked" / "run.json").read_text())
    assert told["summary"]["bc/nominal/success"] == 0.0
    assert told["lineage"]
    films = [path.name for path in (trained / "tracked" / "wandb").rglob("*.mp4")]
    assert len(films) == 2, films


def test_a_policy_that_sees_is_trained_and_rolled_out_through_its_camera(trained: Path) -> None:
    """Pictures are added to the demonstrations, and drawn wherever the policy looks; nobody tells it where things are."""
    shown = [Demonstration.load(path) for path in sorted((trained / "demonstrations").glob("*.npz"))]
    write_dataset(shown, trained / "set")
    assert write_seen(trained / "set", trained / "seen", ("head",), (64, 64), 1.0) == 2
    words = [f"demonstrations={trained / 'seen'}", f"output={trained / 'seeing'}", "policy.chunk_n=24", "policy.width=16", "threads=1"]
    words += ["train.steps=3", "train.batch_n=8", "evaluate.chore=fragile_glass", "evaluate.seeds=1", "evaluate.execute_n=24"]
    done = run("train.py", *words, "policy.pictures=[head]", "policy.picture_px=[32,32]", "policy.things=false")
    assert done.returncode == 0, done.stderr
    policy = load_policy(trained / "seeing" / "best")
    assert policy.spec.shapes["image_head"] == (64, 64, 3)
    assert "thing_position_m" not in policy.spec.shapes


def test_goals_come_from_demonstrations_that_succeeded(trained: Path) -> None:
    data = trained / "demonstrations"
    best = fit(data, TrainConfig(settings={"goal": True, "width": 8}, steps=1, validation_fraction=0), trained / "aimed").best
    words = [f"checkpoint={best}", "chore=fragile_glass", f"output={trained / 'aimed_score'}", f"goals={data}"]
    done = run("evaluate.py", *words)
    assert (done.returncode, "none of the 2 demonstrations in goals=" in done.stderr) == (2, True), done.stderr
    done = run("train.py", f"demonstrations={data}", f"output={trained / 'rolled'}", "policy.goal=true", "evaluate.chore=fragile_glass")
    assert (done.returncode, "knows no goals to tell" in done.stderr) == (2, True), done.stderr


def test_a_chore_that_is_none_is_said() -> None:
    done = run("train.py", "demonstrations=x", "output=y", "evaluate.chore=fragile_glas")
    assert done.returncode == 2
    assert "Did you mean 'fragile_glass'" in done.stderr


def test_an_exported_policy_acts_in_the_chore_as_the_policy_does(trained: Path) -> None:
    """What plays on a robot is rolled out through the same Actor; from what it saw, the policy itself would have done the same."""
    done = run("-m", "policies", "export", f"checkpoint={trained / 'run' / 'best'}", f"output={trained / 'exported'}")
    assert done.returncode == 0, done.stderr
    glass, execute_n = make_household("fragile_glass", "g1_dex3"), 24
    assert load_exported(trained / "exported").execute_n == load_policy(trained / "run" / "best").execute_n == 16
    actor = RealTimeActor(load_exported(trained / "exported"), Handover(execute_n))
    (played,) = rollout(glass, actor, all_episodes(glass, seeds=(3,), variants=("full",)))
    actor.close()
    steps_n = len(played.actions)
    assert (actor.timeliness.periods_n, actor.timeliness.held_n) == (steps_n, 0)
    assert actor.timeliness.chunks_n == -(-steps_n // execute_n)
    own = PolicyActor(load_policy(trained / "run" / "best"), execute_n)
    own.reset(1)
    for begin in range(0, steps_n, execute_n):
        chunk = own.act({name: track[begin : begin + 1] for name, track in played.observations.items()})[0]
        sent = played.actions[begin : begin + execute_n]
        np.testing.assert_allclose(sent, chunk[: len(sent)], atol=1e-5)
