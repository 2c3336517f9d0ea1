"""Running a plan: the list, resume, damage, and stopping early."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from gap.episode import EpisodeResult
from gap.errors import ScoreError
from gap.suites import run
from gap.suites.conditions import load_suites
from gap.suites.plan import Block, Plan, plan_suite
from gap.suites.run import NEVER, Rows, Stop, code_of, done_before, run_plan
from motion.errors import FileFormatError

REPO = Path(__file__).resolve().parents[3]
CHORES = {"stir_pot": "full", "pour_cup": "full"}
SLOW_S = 0.02
SCRIPT = "from tests.gap.suites.test_run import in_a_process; in_a_process({!r})"


def coin(rate: float, policy: str, block: Block) -> list[EpisodeResult]:
    """Episodes that succeed by chance, by their own seed."""
    rows = []
    for variant, seed in block.episodes:
        won = bool(np.random.default_rng([seed, len(policy), len(block.condition.name)]).random() < rate)
        rows.append(
            EpisodeResult("g1", block.chore, variant, block.condition.plant.name, "?", seed, 0.02, 3.0, True, won, True, float(won))
        )
    return rows


def never(policy: str, block: Block) -> list[EpisodeResult]:
    """What is done already is only read."""
    raise AssertionError(f"block {block.number} was run again")


def slow_coin(policy: str, block: Block) -> list[EpisodeResult]:
    """As `coin`, and it takes a while."""
    time.sleep(SLOW_S)
    return coin(0.7, policy, block)


def small_plan(suite: str = "heldout", episodes: int = 40) -> Plan:
    """Two chores."""
    return plan_suite(load_suites(), suite, CHORES, episodes)


def in_a_process(folder: str) -> None:
    """What is killed."""
    run_plan(small_plan(), ["a", "bb"], slow_coin, Path(folder), 2)


def test_the_list_is_the_same_for_everybody_and_its_digest_tells() -> None:
    plan = small_plan()
    assert plan.sha256 == small_plan().sha256
    assert plan.episodes == 2 * 3 * 40
    assert plan.sha256 not in (small_plan(episodes=39).sha256, small_plan("heldout_objects").sha256)
    assert [len(block.episodes) for block in plan.blocks[:3]] == [16, 16, 8]
    listed = [tuple(entry) for block in plan.to_json()["blocks"] for entry in block]
    assert len(set(listed)) == plan.episodes
    with pytest.raises(ScoreError, match="no chores"):
        plan_suite(load_suites(), "seen", {})


def test_rows_are_the_same_over_any_number_of_processes(tmp_path: Path) -> None:
    plan = small_plan()
    one = run_plan(plan, ["a", "bb"], partial(coin, 0.7), tmp_path / "one", 1)
    subprocess.run([sys.executable, "-c", SCRIPT.format(str(tmp_path / "two"))], cwd=REPO, check=True)
    ran = sorted((tmp_path / "two" / "blocks").rglob("*.json"))
    assert len(ran) == 2 * len(plan.blocks)
    two = run_plan(plan, ["a", "bb"], never, tmp_path / "two", 1)
    assert _text(one) == _text(two)
    assert {row.actor for row in one["bb"]} == {"bb"}
    assert [(row.chore, row.variant, row.seed) for row in one["a"]] == [(b.chore, *e) for b in plan.blocks for e in b.episodes]
    assert one["a"][-1].condition == "heldout_layouts"


def test_what_is_there_is_not_run_again(tmp_path: Path) -> None:
    plan = small_plan()
    before = run_plan(plan, ["a"], partial(coin, 0.7), tmp_path, 1)
    ran: list[int] = []

    def counting(policy: str, block: Block) -> list[EpisodeResult]:
        ran.append(block.number)
        return coin(0.7, policy, block)

    (tmp_path / "blocks" / "a" / "00004.json").unlink()
    told: list[int] = []
    assert done_before(plan, ["a"], tmp_path) == plan.episodes - 16
    assert _text(run_plan(plan, ["a"], counting, tmp_path, 1, NEVER, told.append)) == _text(before)
    assert ran == [4]
    assert sum(told) == 16, "a progress bar does not take old blocks for fast ones"


def test_the_versions_of_the_code_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two blocks of a later version, and one from before blocks said so."""
    plan = small_plan("seen")
    monkeypatch.setattr(run, "git_commit", lambda: "first")
    before = run_plan(plan, ["a"], partial(coin, 0.7), tmp_path, 1)
    blocks = sorted((tmp_path / "blocks" / "a").iterdir())
    for path in blocks[:2]:
        path.unlink()
    blocks[2].write_text(json.dumps(json.loads(blocks[2].read_text())["rows"]))
    monkeypatch.setattr(run, "git_commit", lambda: "second")
    assert _text(run_plan(plan, ["a"], partial(coin, 0.7), tmp_path, 1)) == _text(before)
    assert code_of(plan, ["a"], tmp_path) == {"second": 32, "not on record": 8, "first": 40}


def test_a_policy_whose_name_begins_with_a_dot_is_gone_on_with(tmp_path: Path) -> None:
    """Its folder is no half-written file, and half-written files in it are taken away."""
    before = run_plan(small_plan(), [".a"], partial(coin, 0.7), tmp_path, 1)
    left = tmp_path / "blocks" / ".a" / ".00000.json.tmp"
    left.write_text("[")
    assert _text(run_plan(small_plan(), [".a"], never, tmp_path, 1)) == _text(before)
    assert not left.exists()


def test_another_list_and_damage_are_refused(tmp_path: Path) -> None:
    run_plan(small_plan(), ["a"], partial(coin, 0.7), tmp_path, 1)
    with pytest.raises(ScoreError, match="another list of episodes"):
        run_plan(small_plan(episodes=10), ["a"], partial(coin, 0.7), tmp_path, 1)
    file = tmp_path / "blocks" / "a" / "00000.json"
    file.write_text(file.read_text()[:50])
    with pytest.raises(FileFormatError, match=r"00000\.json.*Remove it"):
        run_plan(small_plan(), ["a"], partial(coin, 0.7), tmp_path, 1)
    file.write_text("[]")
    with pytest.raises(ScoreError, match="block 0"):
        run_plan(small_plan(), ["a"], partial(coin, 0.7), tmp_path, 1)


def test_rows_of_other_episodes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match="were wanted"):
        run_plan(small_plan(), ["a"], lambda policy, block: coin(0.7, policy, block)[:-1], tmp_path, 1)
    assert not list((tmp_path / "blocks").rglob("*.json"))


def test_killed_at_random_moments_it_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    """Kill -9 of the whole group, five times; the benchmark does it 20 times with a real policy."""
    whole = run_plan(small_plan(), ["a", "bb"], partial(coin, 0.7), tmp_path / "whole", 1)
    folder, draw = tmp_path / "killed", random.Random(0)
    script = SCRIPT.format(str(folder))
    for _ in range(5):
        child = subprocess.Popen([sys.executable, "-c", script], cwd=REPO, start_new_session=True, stderr=subprocess.DEVNULL)
        deadline, blocks = time.monotonic() + 60, len(list(folder.rglob("*.json")))
        while len(list(folder.rglob("*.json"))) <= blocks + 1 and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(draw.uniform(0, 4 * SLOW_S))
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    assert _text(run_plan(small_plan(), ["a", "bb"], slow_coin, folder, 1)) == _text(whole)
    assert not list(folder.rglob(".*"))


def test_it_stops_when_the_rate_is_known_well_enough(tmp_path: Path) -> None:
    plan = plan_suite(load_suites(), "seen", CHORES)
    rows = run_plan(plan, ["a"], partial(coin, 1.0), tmp_path, 1, Stop(half_width=0.12))
    assert len(rows["a"]) == 2 * 32
    again = run_plan(plan, ["a"], partial(coin, 0.0), tmp_path, 1, Stop(half_width=0.12))
    assert _text(again) == _text(rows)
    assert len(run_plan(plan, ["a"], partial(coin, 0.5), tmp_path / "b", 1, Stop(half_width=0.12))["a"]) == 200


def test_it_stops_when_two_policies_are_told_apart(tmp_path: Path) -> None:
    plan = plan_suite(load_suites(), "seen", {"stir_pot": "full"})

    def unequal(policy: str, block: Block) -> list[EpisodeResult]:
        return coin(0.95 if policy == "good" else 0.1, policy, block)

    rows = run_plan(plan, ["good", "bad"], unequal, tmp_path, 1, Stop(evidence=20))
    assert len(rows["good"]) == len(rows["bad"]) == 16
    with pytest.raises(ScoreError, match=r"stop\.evidence=3: 0 for never, or 20 or more"):
        Stop(evidence=3)


def _text(rows: Rows) -> str:
    return json.dumps({name: [vars(row) | {"safety": dict(row.safety)} for row in own] for name, own in rows.items()})
