"""Demonstrations as entries: found wherever they lie, read one by one, split, chosen and weighed."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from motion.demonstration import Demonstration
from motion.errors import FileFormatError, MotionError, UnknownNameError
from motion.lerobot import DatasetWriter, write_dataset
from motion.lerobot.layout import UNDERSTUDY
from motion.provenance import Provenance, file_sha256
from policies import PolicySpec, TrainConfig, find_policy, fit, load_checkpoint, make_config, make_windows
from policies.data import Entry, Mix, chosen, data_key, lineage, list_entries, shares, split_entries
from policies.sampling import epoch_order

CONFIG = TrainConfig(settings={"width": 8, "chunk_n": 2}, steps=3, batch_n=16, warmup_steps=1)


def named(demonstrations: list[Demonstration], workers: str, chores: str = "", lengths: tuple[int, ...] = ()) -> list[Entry]:
    """Entries by the given workers ("aab": two of a, one of b) in the given chores, cut to lengths."""
    made = []
    for number, worker in enumerate(workers):
        one, end = demonstrations[number % len(demonstrations)], lengths[number] if lengths else 50
        tracks = {name: track[:end] for name, track in one.observations.items()}
        scene = {"worker": worker, "sha256": f"{number:064d}"}
        chore = chores[number] if chores else "follow"
        made.append(replace(one, observations=tracks, actions=one.actions[:end], signals={}, chore=chore, scene=scene))
    return list_entries(made)


def groups(entries: list[Entry]) -> set[tuple[str, str]]:
    return {entry.group for entry in entries}


def drawn(entries: list[Entry], balance: str) -> Counter[tuple[str, str]]:
    """How often each (chore, worker) comes in one epoch."""
    share = shares(entries, balance)
    assert share is not None
    whose = np.repeat(np.arange(len(entries)), [entry.steps_n for entry in entries])
    order = epoch_order(len(whose), 0, 0, share).numpy()
    return Counter((entries[number].chore, entries[number].worker) for number in whose[order])


def test_files_folders_and_memory_may_be_mixed(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    first, second, third = pendulum_demonstrations[:3]
    licensed = replace(first, provenance=Provenance("x", licence="CC-BY-4.0", consent="not a person"))
    licensed.save(tmp_path / "folder" / "b.npz")
    second.save(tmp_path / "folder" / "a.npz")
    entries = list_entries([tmp_path / "folder", third])
    assert [entry.read().variant for entry in entries] == [second.variant, first.variant, third.variant]
    parents = lineage(entries)
    assert parents[0].sha256 == entries[0].digest == file_sha256(tmp_path / "folder" / "a.npz")
    assert (parents[1].licence, parents[1].consent) == ("CC-BY-4.0", "not a person")
    assert [entry.kind for entry in entries] == ["human-derived", "simulated", "human-derived"]
    assert data_key(entries[:2]) != data_key(entries[:1])
    assert data_key(entries) == ""  # what lies in memory alone is not kept


def test_data_sets_are_read_episode_by_episode(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "d") as writer:
        for number, demonstration in enumerate(pendulum_demonstrations):
            writer.add(replace(demonstration, success=number != 2), facts={"worker": f"w{number % 2}"})
    entries = list_entries(tmp_path / "d")
    assert [entry.worker for entry in entries] == ["w0", "w1"] * 3
    assert [entry.success for entry in entries] == [True, True, False, True, True, True]
    assert np.array_equal(entries[4].read().actions, pendulum_demonstrations[4].actions.astype(np.float32))
    assert len({entry.digest for entry in entries}) == 6
    parents = lineage(entries)
    assert [(parent.name, parent.sha256) for parent in parents] == [("d", file_sha256(tmp_path / "d" / "meta" / "understudy.json"))]
    assert PolicySpec.of([entry.form for entry in entries], 2) == PolicySpec.of(pendulum_demonstrations, 2)


def test_a_folder_of_workers_gives_its_training_part(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    """As `python -m workers dataset` lays it out: a data set for each split and chore."""
    for place, some in (("train/follow", pendulum_demonstrations[:2]), ("train/walk", [pendulum_demonstrations[2]])):
        write_dataset(some, tmp_path / place, split="train")
    write_dataset(pendulum_demonstrations[3:], tmp_path / "test_objects" / "follow", split="test")
    entries = list_entries(str(tmp_path))
    assert [entry.read().variant for entry in entries] == [d.variant for d in pendulum_demonstrations[:3]]
    assert [parent.name for parent in lineage(entries)] == ["follow", "walk"]


def test_training_from_a_data_set_is_training_from_its_files(
    pendulum_demonstrations: list[Demonstration], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data sets hold float32, so that the files do, too; then every weight is the same. Windows are kept by digest."""
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    halved = [replace(d, observations=_single(d.observations), actions=_single({"a": d.actions})["a"]) for d in pendulum_demonstrations]
    for number, demonstration in enumerate(halved):
        demonstration.save(tmp_path / "files" / f"{number}.npz")
    write_dataset(halved, tmp_path / "d")
    runs = [fit(tmp_path / place, CONFIG, tmp_path / f"run_{place}") for place in ("files", "d")]
    first, second = (load_checkpoint(run.best).policy.state_dict() for run in runs)
    assert all((first[name] == second[name]).all() for name in first)
    kept = sorted((tmp_path / "cache" / "windows").iterdir())
    assert len(kept) == 4  # training and validation, twice
    before = [folder.stat().st_mtime_ns for folder in kept]
    fit(tmp_path / "d", CONFIG, tmp_path / "again")
    assert [folder.stat().st_mtime_ns for folder in kept] == before


def _single(tracks: dict) -> dict:
    return {name: np.asarray(track, np.float32) for name, track in tracks.items()}


def test_one_demonstration_is_in_memory_at_a_time(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    write_dataset(pendulum_demonstrations, tmp_path / "d")
    entries, read, alive_n = list_entries(tmp_path / "d"), [], []

    def reading() -> Iterator[Demonstration]:
        for entry in entries:
            demonstration = entry.read()
            read.append(weakref.ref(demonstration))
            alive_n.append(sum(one() is not None for one in read))
            yield demonstration
            del demonstration

    policy_class = find_policy("bc")
    settings = make_config(policy_class, {"chunk_n": 2})
    policy = policy_class(PolicySpec.of([entry.form for entry in entries], 2), settings)
    assert len(make_windows(policy, reading())) == sum(entry.steps_n for entry in entries)
    assert len(read) == 6
    assert max(alive_n) <= 2  # the one just read, and the one before until its name is taken


def test_the_digest_in_memory_follows_the_content(pendulum_demonstrations: list[Demonstration]) -> None:
    first = pendulum_demonstrations[0]
    digests = [list_entries(d)[0].digest for d in (first, replace(first), replace(first, actions=first.actions + 1e-9))]
    assert digests[0] == digests[1] != digests[2]


def test_nothing_found_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MotionError, match="no demonstrations"):
        list_entries(tmp_path)
    with pytest.raises(FileFormatError, match="no such file"):
        list_entries(tmp_path / "gone.npz")


def test_a_mix_says_a_weight_and_a_kind() -> None:
    with pytest.raises(MotionError, match="weight of a/ is -1"):
        Mix("a/", -1)
    with pytest.raises(UnknownNameError, match="Did you mean 'teleoperated'"):
        Mix("a/", kind="teleoperatd")


def test_failures_and_violations_are_left_out_on_request(pendulum_demonstrations: list[Demonstration]) -> None:
    some = list(pendulum_demonstrations)
    some[1], some[2] = replace(some[1], success=False), replace(some[2], violations=("spill_share",))
    entries = list_entries(some)
    assert len(chosen(entries, "use", "use")) == 6
    assert chosen(entries, "exclude", "use") == entries[:1] + entries[2:]
    assert chosen(entries, "use", "exclude") == entries[:2] + entries[3:]
    with pytest.raises(MotionError, match="none of the 1 demonstrations is left by failures=exclude"):
        chosen(entries[1:2], "exclude", "use")


def test_a_motion_is_never_on_both_sides(pendulum_demonstrations: list[Demonstration]) -> None:
    """Six motions, each recorded three times under other pushes."""
    repeated = list_entries([replace(d, seed=seed) for d in pendulum_demonstrations for seed in range(3)])
    training, validation = split_entries(repeated, 0.34, seed=0)
    assert (len(training), len(validation)) == (12, 6)
    assert groups(training).isdisjoint(groups(validation))
    assert split_entries(repeated, 0.34, seed=0)[1] == validation
    assert any(groups(split_entries(repeated, 0.34, seed=s)[1]) != groups(validation) for s in range(1, 5))


def test_a_scene_is_never_on_both_sides(pendulum_demonstrations: list[Demonstration]) -> None:
    """One task of a chore, in three scenes, each shown twice: it is the scenes that are held out, not the task."""
    shown = [replace(pendulum_demonstrations[0], variant="full", seed=n // 2, scene={"sha256": f"{n // 2:064d}"}) for n in range(6)]
    training, validation = split_entries(list_entries(shown), 0.3, seed=0)
    assert (len(training), len(validation)) == (4, 2)
    assert groups(training).isdisjoint(groups(validation))


def test_a_single_motion_is_shared_out_by_episode(pendulum_demonstrations: list[Demonstration]) -> None:
    one = list_entries([replace(pendulum_demonstrations[0], seed=seed) for seed in range(5)])
    training, validation = split_entries(one, 0.1, seed=0)
    assert (len(training), len(validation)) == (4, 1)


def of_others(demonstrations: list[Demonstration], tasks: list[str]) -> list[Entry]:
    """Entries as of a data set that others made: of each episode nothing is known but its task."""
    some = [replace(demonstrations[n % 6], chore="unknown", variant=task, seed=n) for n, task in enumerate(tasks)]
    return list_entries([replace(one, actions=one.actions + 1e-6 * one.seed) for one in some])


def test_of_others_tasks_some_episodes_each_are_held_out(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    """A data set of 30 episodes of one task and 30 of another: 27 and 3 of both, drawn by seed."""
    short = pendulum_demonstrations[0]
    short = replace(short, observations={"joint_position_rad": short.actions[:3]}, actions=short.actions[:3], signals={})
    write_dataset([replace(short, seed=seed, scene={"text": ("push", "lift the cup")[seed % 2]}) for seed in range(60)], tmp_path)
    (tmp_path / UNDERSTUDY).unlink()
    for table in (tmp_path / "meta/episodes").rglob("*.parquet"):
        pq.write_table(pq.read_table(table).drop_columns(["chore", "variant", "scene"]), table)
    entries = list_entries(tmp_path)
    training, validation = split_entries(entries, 0.1, seed=0)
    assert Counter(entry.task for entry in training) == {"push": 27, "lift the cup": 27}
    assert Counter(entry.task for entry in validation) == {"push": 3, "lift the cup": 3}
    assert sorted(entry.seed for entry in training + validation) == list(range(60))
    assert split_entries(entries, 0.1, seed=0)[1] == validation != split_entries(entries, 0.1, seed=1)[1]


def test_of_others_tasks_of_one_episode_are_trained_on_unless_all_are_such(pendulum_demonstrations: list[Demonstration]) -> None:
    training, validation = split_entries(of_others(pendulum_demonstrations, list("aab")), 0.1, seed=0)
    assert ("".join(sorted(entry.task for entry in training)), [entry.task for entry in validation]) == ("ab", ["a"])
    training, validation = split_entries(of_others(pendulum_demonstrations, list("abcdefghij")), 0.2, seed=0)
    assert (len(training), len(validation)) == (8, 2)


def test_our_scenes_are_held_out_whole_beside_what_others_made(pendulum_demonstrations: list[Demonstration]) -> None:
    """Ours are drawn as if they were alone."""
    ours = list_entries([replace(d, seed=seed) for d in pendulum_demonstrations for seed in range(3)])
    theirs = of_others(pendulum_demonstrations, ["push"] * 10)
    training, validation = split_entries(theirs + ours, 0.34, seed=0)
    assert groups(training).isdisjoint(groups(validation))
    assert [entry for entry in validation if not entry.task] == split_entries(ours, 0.34, seed=0)[1]
    assert Counter(entry.task for entry in validation) == {"push": 3, "": 6}


def test_no_validation_on_request(pendulum_demonstrations: list[Demonstration]) -> None:
    training, validation = split_entries(list_entries(pendulum_demonstrations), 0, seed=0)
    assert (len(training), validation) == (6, [])


@pytest.mark.parametrize("fraction", [-0.1, 1.0])
def test_a_fraction_that_is_none_is_refused(pendulum_demonstrations: list[Demonstration], fraction: float) -> None:
    with pytest.raises(MotionError, match="validation_fraction"):
        split_entries(list_entries(pendulum_demonstrations), fraction, seed=0)


def test_without_balance_and_weights_every_step_counts_once(pendulum_demonstrations: list[Demonstration]) -> None:
    assert shares(list_entries(pendulum_demonstrations), "") is None
    with pytest.raises(UnknownNameError, match="balance 'workers'"):
        shares(list_entries(pendulum_demonstrations), "workers")


def test_workers_are_drawn_alike(pendulum_demonstrations: list[Demonstration]) -> None:
    """a shows 30 + 30 + 40 steps, b 50: each is drawn 75 times of the 150."""
    found = drawn(named(pendulum_demonstrations, "aaab", lengths=(30, 30, 40, 50)), "worker")
    assert found == {("follow", "a"): 75, ("follow", "b"): 75}


def test_chores_are_drawn_alike_and_within_them_workers(pendulum_demonstrations: list[Demonstration]) -> None:
    """Of 200 steps, 100 are x, half of them by a, although a shows a fifth of x; the other 100 are y, all by b."""
    entries = named(pendulum_demonstrations, "abbb", chores="xxxy", lengths=(30, 60, 60, 50))
    assert drawn(entries, "chore,worker") == pytest.approx({("x", "a"): 50, ("x", "b"): 50, ("y", "b"): 100}, abs=2)
    assert drawn(entries, "worker,chore") == pytest.approx({("x", "a"): 100, ("x", "b"): 50, ("y", "b"): 50}, abs=2)


def test_weights_multiply_what_is_drawn(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    """Three of each place; b counts twice: 1 : 2 by steps, and just so where kinds are balanced first."""
    for number, demonstration in enumerate(pendulum_demonstrations):
        replace(demonstration, scene={"worker": "ab"[number // 3]}).save(tmp_path / "ab"[number // 3] / f"{number}.npz")
    mixed = list_entries([Mix(str(tmp_path / "a")), Mix(str(tmp_path / "b"), 2.0, "teleoperated")])
    steps = sum(entry.steps_n for entry in mixed)
    assert drawn(mixed, "") == pytest.approx({("follow", "a"): steps / 3, ("follow", "b"): 2 * steps / 3}, abs=1)
    fewer = [mixed[0], *mixed[3:]]
    found = drawn(fewer, "kind")
    assert found[("follow", "b")] == pytest.approx(2 * found[("follow", "a")], abs=2)
