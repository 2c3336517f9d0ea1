"""What is written comes back."""

from __future__ import annotations

import dataclasses
import json
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from motion.demonstration import Demonstration
from motion.errors import FileFormatError, MotionError, UnknownNameError
from motion.lerobot import Dataset, DatasetSettings, DatasetWriter, episode_name, write_dataset
from tests.motion.lerobot.episodes import JOINTS, assert_same, episode, episodes

TINY = DatasetSettings(data_file_mb=0.02)
"""Two or three episodes per file."""


@pytest.mark.parametrize("settings", [DatasetSettings(), TINY], ids=["one file", "many files"])
def test_demonstrations_come_back_equal(tmp_path: Path, settings: DatasetSettings) -> None:
    wanted = list(episodes(7))
    done = write_dataset(iter(wanted), tmp_path / "set", settings)
    assert (done.episodes, done.added, done.kept) == (7, tuple(episode_name(d) for d in wanted), ())
    dataset = Dataset(tmp_path / "set")
    assert len(dataset) == 7
    for got, demonstration in zip(dataset, wanted, strict=True):
        assert_same(got, demonstration)
    assert dataset.joint_names == JOINTS
    assert dataset.tasks == ("pour cup: one", "pour cup: full")
    dataset.verify()


def test_actions_of_float32_are_bit_equal(tmp_path: Path) -> None:
    actions = np.random.default_rng(3).normal(size=(12, 3)).astype(np.float32)
    write_dataset([episode(actions=actions)], tmp_path)
    got = Dataset(tmp_path).episode(0).actions
    assert got.dtype == np.float32
    assert got.tobytes() == actions.tobytes()


def test_a_robot_with_one_joint_and_an_episode_of_one_step(tmp_path: Path) -> None:
    one = episode(5, 1, joint_names=("knob",), actions=np.array([[0.5]]), observations={"x": np.ones((1, 1))}, signals={})
    write_dataset([one], tmp_path)
    assert_same(Dataset(tmp_path).episode(0), one)
    assert Dataset(tmp_path).stats()["action"]["q99"].tolist() == [0.5]


def test_tracks_without_numbers_are_left_out(tmp_path: Path) -> None:
    one = episode(0)
    write_dataset([dataclasses.replace(one, signals={**one.signals, "hinge": np.ones((len(one.actions), 0))})], tmp_path)
    assert_same(Dataset(tmp_path).episode(0), one)


def test_pictures_become_videos_and_come_back_nearly(tmp_path: Path) -> None:
    wanted = [episode(seed, 9 + seed, pictures=True) for seed in range(3)]
    write_dataset(wanted, tmp_path)
    assert [path.name for path in (tmp_path / "videos/observation.images.head/chunk-000").iterdir()] == ["file-000.mp4"]
    for got, demonstration in zip(Dataset(tmp_path), wanted, strict=True):
        assert_same(got, demonstration, but=("head",))
        apart = np.abs(got.observations["head"].astype(float) - demonstration.observations["head"])
        assert apart.mean() < 3.0  # the next frame is 3.3 away, another episode's 20
        assert got.observations["head"].shape == demonstration.observations["head"].shape


def test_pictures_can_be_kept_exactly(tmp_path: Path) -> None:
    wanted = episode(1, 4, pictures=True)
    write_dataset([wanted], tmp_path, videos=False)
    assert_same(Dataset(tmp_path).episode(0), wanted)
    assert not (tmp_path / "videos").exists()


def test_facts_of_an_episode_and_words_for_its_task(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path, split="val", task_of=lambda d: f"Please pour, {d.seed}.") as writer:
        writer.add(episode(1), facts={"worker": "w03", "height_m": 1.7})
        writer.add(episode(2), name="by hand")
    dataset = Dataset(tmp_path)
    assert dataset.facts(0) == {"worker": "w03", "height_m": 1.7}
    assert dataset.facts(1) == {}
    assert dataset.tasks == ("Please pour, 1.", "Please pour, 2.")
    assert dataset.row(1)["name"] == "by hand"
    assert dataset.info["splits"] == {"val": "0:2"}
    assert "Workers: w03 (1), w00 (1)." in (tmp_path / "README.md").read_text()


def test_outlines_say_what_the_episodes_are(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "d") as writer:
        writer.add(episode(1))
        writer.add(episode(2, scene={}), facts={"worker": "w07"})
    dataset = Dataset(tmp_path / "d")
    whole = dataset.episode(0).outline()
    assert dataset.outline(0) == whole
    assert whole.scene["worker"] == "w01"
    assert dataset.outline(1).scene == {"worker": "w07"}


def test_a_scene_says_in_its_own_words_what_is_to_be_done(tmp_path: Path) -> None:
    told = episode(2, scene={"text": "Pour it all."})
    write_dataset([episode(1), told], tmp_path)
    assert Dataset(tmp_path).tasks == ("pour cup: full", "Pour it all.")


def test_columns_are_mapped_and_follow_the_episodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    wanted = list(episodes(6))
    write_dataset(wanted, tmp_path / "set", TINY)
    dataset = Dataset(tmp_path / "set")
    actions = dataset.column("action")
    assert isinstance(actions, np.memmap)
    np.testing.assert_array_equal(actions, np.concatenate([d.actions for d in wanted]).astype(np.float32))
    poses = dataset.column("observation.object.pose")
    for (first, end), demonstration in zip(dataset.bounds, wanted, strict=True):
        np.testing.assert_array_equal(poses[first:end], demonstration.observations["object/pose"].astype(np.float32))
    np.testing.assert_array_equal(dataset.column("index"), np.arange(len(actions)))
    assert dataset.column("next.done").sum() == 6
    with pytest.raises(MotionError, match="holds strings; only numbers"):
        dataset.column("observation.stage")
    with pytest.raises(UnknownNameError, match="Did you mean 'action'"):
        dataset.column("actoin")


def test_a_mapped_column_is_made_anew_when_the_data_set_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    write_dataset([episode(0)], tmp_path / "set")
    assert len(Dataset(tmp_path / "set").column("action")) == 12
    write_dataset([episode(1)], tmp_path / "set")
    assert len(Dataset(tmp_path / "set").column("action")) == 24


def test_writing_keeps_one_episode_in_memory(tmp_path: Path) -> None:
    """40 episodes of 2 MB each pass through a generator; the process grows by far less than all of them."""

    def long(count: int) -> Iterator[Demonstration]:
        for seed in range(count):
            wide = np.random.default_rng(seed).normal(size=(2000, 128))
            yield episode(seed, 2000, observations={"wide": wide}, signals={})

    settings = DatasetSettings(data_file_mb=10)
    write_dataset(long(3), tmp_path / "warm", settings)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    write_dataset(long(40), tmp_path / "set", settings)
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown_mb < 30


def test_the_card_tells_what_the_set_is(tmp_path: Path) -> None:
    write_dataset(episodes(6), tmp_path)
    text = (tmp_path / "README.md").read_text()
    front, body = text.split("---\n", 2)[1:]
    assert "license: apache-2.0\n" in front
    assert "data_files: data/*/*.parquet" in front
    assert "6 episodes of the robot `g1_dex3` (3 joints) at 50 Hz: 63 frames" in body
    assert "| pour_cup | one | nominal | 3 | 66.7% | 66.7% |" in body  # seeds 0, 2, 4: 0 fails, none violates
    assert "| pour_cup | full@objects | nominal | 3 | 66.7% | 0.0% |" in body  # seeds 1, 3, 5: 3 fails, all violate
    assert "Consent: not a person." in body
    assert "`observation.joint_velocity_radps` | float32 | [3] | rad/s" in body


@pytest.mark.parametrize(("licence", "front"), [("unstated", "license: unknown"), ("Our own", "license: other\nlicense_name: Our own")])
def test_a_licence_that_the_hub_does_not_know_is_not_made_up(tmp_path: Path, licence: str, front: str) -> None:
    provenance = type(episode().provenance)(source="a person", licence=licence)
    write_dataset([episode(provenance=provenance)], tmp_path)
    assert front in (tmp_path / "README.md").read_text()


def test_digests_tell_a_changed_file(tmp_path: Path) -> None:
    write_dataset([episode()], tmp_path)
    info = tmp_path / "meta/info.json"
    info.write_text(json.dumps(json.loads(info.read_text())))
    with pytest.raises(FileFormatError, match=r"info.json: has changed"):
        Dataset(tmp_path).verify()
