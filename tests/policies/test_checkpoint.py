"""Checkpoints: plain files only, whole or not at all, and damage is noticed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from motion.demonstration import Demonstration
from motion.errors import CheckpointError
from motion.provenance import Provenance
from policies import Checkpoint, Policy, PolicySpec, TrainingState, find_policy, load_checkpoint, load_policy, make_config, save_checkpoint

FILES = {"weights.safetensors", "config.json", "training_state.safetensors", "training_state.json"}


@pytest.fixture
def policy(pendulum_demonstrations: list[Demonstration]) -> Policy:
    """A small `bc`."""
    torch.manual_seed(0)
    policy_class = find_policy("bc")
    spec = PolicySpec.of(pendulum_demonstrations, 4)
    return policy_class(spec, make_config(policy_class, {"chunk_n": 4, "width": 16}))


@pytest.fixture
def saved(policy: Policy, tmp_path: Path) -> Path:
    """It, saved with a training state."""
    state = TrainingState({"random": torch.arange(3, dtype=torch.uint8)}, {"step": 7, "best": {}})
    save_checkpoint(tmp_path / "saved", Checkpoint(policy, {"steps": 9}, Provenance("a test"), state))
    return tmp_path / "saved"


def test_holds_safetensors_and_json_only(saved: Path) -> None:
    assert {file.name for file in saved.iterdir()} == FILES
    assert [folder.name for folder in saved.parent.iterdir()] == ["saved"]


def test_comes_back_as_it_was(saved: Path, policy: Policy) -> None:
    loaded = load_checkpoint(saved)
    assert (loaded.train, loaded.provenance) == ({"steps": 9}, Provenance("a test"))
    assert loaded.state is not None
    assert loaded.state.values == {"step": 7, "best": {}}
    assert loaded.state.tensors["random"].tolist() == [0, 1, 2]
    assert all(torch.equal(a, b) for a, b in zip(loaded.policy.state_dict().values(), policy.state_dict().values(), strict=True))


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_missing_file_is_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        load_policy(saved)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_changed_file_is_noticed(saved: Path, name: str) -> None:
    data = bytearray((saved / name).read_bytes())
    data[len(data) // 2] ^= 1
    (saved / name).write_bytes(bytes(data))
    with pytest.raises(CheckpointError, match=name):
        load_policy(saved)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind": "robot_motion", "sha256": ""}'])
def test_a_config_that_is_none_is_refused(saved: Path, text: str) -> None:
    (saved / "config.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        load_policy(saved)


def test_joint_names_changed_by_hand_are_noticed(saved: Path) -> None:
    config = json.loads((saved / "config.json").read_text())
    config["spec"]["joint_names"].reverse()
    (saved / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="changed after it was saved"):
        load_policy(saved)


def resign(saved: Path, change: Callable[[dict[str, object]], None]) -> None:
    """Change the config and give it a matching digest, as another version of this program would."""
    from policies.sealed import digest_of

    config = json.loads((saved / "config.json").read_text())
    del config["sha256"]
    change(config)
    (saved / "config.json").write_text(json.dumps({**config, "sha256": digest_of(config)}))


def test_a_policy_that_is_not_installed_is_named(saved: Path) -> None:
    resign(saved, lambda config: config.update(policy="diffusion_xl"))
    with pytest.raises(CheckpointError, match=r"unknown policy 'diffusion_xl'.*Known: .*bc"):
        load_policy(saved)


def test_weights_of_another_size_are_refused(saved: Path) -> None:
    resign(saved, lambda config: config["settings"].update(width=17))  # type: ignore[attr-defined]
    with pytest.raises(CheckpointError, match="cannot be rebuilt"):
        load_policy(saved)


def test_a_newer_version_is_refused(saved: Path) -> None:
    resign(saved, lambda config: config.update(version=2))
    with pytest.raises(CheckpointError, match="version 2; this program reads 1"):
        load_policy(saved)


def test_no_folder_lists_the_checkpoints_beside_it(saved: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint folder there\. Checkpoints beside it: saved"):
        load_policy(saved.with_name("bets"))


def test_a_failed_write_leaves_the_old_checkpoint_and_no_rubbish(saved: Path, policy: Policy) -> None:
    with pytest.raises(ValueError, match="JSON"):
        save_checkpoint(saved, Checkpoint(policy, {"loss": float("nan")}, Provenance("a test")))
    assert load_checkpoint(saved).train == {"steps": 9}
    assert [folder.name for folder in saved.parent.iterdir()] == ["saved"]


def test_saving_again_replaces_the_whole_folder(saved: Path, policy: Policy) -> None:
    save_checkpoint(saved, Checkpoint(policy, {"steps": 10}, Provenance("a test")))
    loaded = load_checkpoint(saved)
    assert (loaded.train, loaded.state) == ({"steps": 10}, None)
    assert [folder.name for folder in saved.parent.iterdir()] == ["saved"]


def test_a_crash_between_the_two_renames_loses_nothing(saved: Path, policy: Policy) -> None:
    """The moment in which the old folder is set aside and the new one not yet in place."""
    saved.rename(saved.with_name(".saved.old"))
    assert load_checkpoint(saved).train == {"steps": 9}
    save_checkpoint(saved, Checkpoint(policy, {"steps": 10}, Provenance("a test")))
    assert load_checkpoint(saved).train == {"steps": 10}
    assert [folder.name for folder in saved.parent.iterdir()] == ["saved"]


def test_a_moved_checkpoint_still_loads(saved: Path, tmp_path: Path) -> None:
    shutil.move(saved, tmp_path / "elsewhere")
    assert load_policy(tmp_path / "elsewhere").name == "bc"
