"""What joins refinement with recordings and training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envs.chores.registry import make_household
from gap.refinement import RefinementSettings
from motion.demonstration import Demonstration
from motion.errors import FileFormatError, UnderstudyError, UnknownNameError
from policies import Mix, TrainConfig, fit, load_checkpoint, load_policy
from refining import _shaped_by, refine_policy, refinement_settings, trainer

ANY_FILE = Path(__file__)
CONFIG = TrainConfig(settings={"width": 16, "chunk_n": 4}, steps=6, batch_n=16, warmup_steps=1, minutes=5.0)


def config(chore: str | None = "fragile_glass", **told: Any) -> dict[str, Any]:
    """As of `conf/train.yaml`, as far as it matters here; any file is taken for a recording until it is read."""
    evaluate = {"chore": chore, "variant": None, "base": None, "seeds": 1, "first_seed": 0, "execute_n": 4}
    return {"threads": 1, "policy": {"name": "bc"}, "evaluate": evaluate, "refine": {"rounds": 1, "recordings": str(ANY_FILE), **told}}


@pytest.fixture(scope="module")
def shown(pendulum_demonstrations: list[Demonstration], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shown")
    for index, done in enumerate(pendulum_demonstrations):
        done.save(folder / f"{index}.npz")
    return folder


@pytest.fixture(scope="module")
def start(shown: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fit(shown, CONFIG, tmp_path_factory.mktemp("start")).best


def test_a_round_trains_on_from_its_checkpoint_with_the_corrections(shown: Path, start: Path, tmp_path: Path) -> None:
    corrections = tmp_path / "corrections"
    done = Demonstration.load(shown / "0.npz")
    done.save(corrections / "one.npz")
    train = trainer([Mix(str(shown))], CONFIG, RefinementSettings(steps=3, weight=2.5), tmp_path / "refine")
    made = train(2, start, [corrections])
    assert made == tmp_path / "refine" / "round_2" / "train" / "best"
    found = load_checkpoint(made)
    assert (found.train["start"], found.train["steps"], found.train["seed"], found.train["minutes"]) == (str(start), 3, 2, 0.0)
    assert "one.npz" in [parent.name for parent in found.provenance.parents]


def test_settings_of_the_loop_are_checked() -> None:
    assert refinement_settings(config(attempts=3)) == RefinementSettings(rounds=1, attempts=3)
    with pytest.raises(UnknownNameError, match="unknown setting 'atempts' in refine"):
        refinement_settings(config(atempts=3))


def test_a_policy_that_sees_is_refused_at_once(start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is trained; and where the checkpoint that is given sees."""
    with pytest.raises(UnderstudyError, match=r"cannot refine a policy that sees pictures \(head\)"):
        refinement_settings(config() | {"policy": {"name": "bc", "pictures": ["head"]}})
    seeing = load_policy(start)
    seeing.spec = replace(seeing.spec, observations=(*seeing.spec.observations, ("image_head", (8, 8, 3))))
    monkeypatch.setattr("refining.load_policy", lambda _: seeing)
    with pytest.raises(UnderstudyError, match="image_head"):
        refine_policy(start, [], CONFIG, config(), tmp_path)


def test_what_it_needs_to_know_is_asked_for_before_anything_is_trained(start: Path, tmp_path: Path) -> None:
    with pytest.raises(UnderstudyError, match="evaluate.chore=NAME"):
        refinement_settings(config(chore=None))
    with pytest.raises(UnderstudyError, match="refine.recordings= is missing"):
        refinement_settings(config(recordings=None))
    with pytest.raises(FileFormatError, match="no .npz file there"):
        refinement_settings(config(recordings=str(tmp_path / "gone")))
    with pytest.raises(UnderstudyError, match="refine.recordings= is missing"):
        refine_policy(start, [], CONFIG, config(recordings=None), tmp_path)
    refinement_settings(config(chore=None, recordings=None, rounds=0))


def test_a_folder_belongs_to_its_recordings_and_its_validation(shown: Path) -> None:
    """What is said of them does not depend on where the files lie, only on what they hold."""
    told, files = config()["evaluate"], [shown / "0.npz", shown / "1.npz"]
    chore = make_household("fragile_glass", "g1_dex3")
    own = _shaped_by(chore, "full", told, files)
    assert own == _shaped_by(chore, "full", told, files[::-1])
    assert own["refine.recordings"] != _shaped_by(chore, "full", told, files[:1])["refine.recordings"]
    for key, value in (("seeds", 2), ("first_seed", 9), ("execute_n", 1), ("base", "planar")):
        assert _shaped_by(chore, "full", told | {key: value}, files)[f"evaluate.{key}"] == value
