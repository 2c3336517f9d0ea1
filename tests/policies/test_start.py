"""Training that begins with another checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from motion.demonstration import Demonstration
from motion.errors import CheckpointError
from policies import TrainConfig, fit, load_checkpoint

CONFIG = TrainConfig(settings={"width": 16, "chunk_n": 4}, steps=8, batch_n=16, warmup_steps=1, validation_fraction=0.0)


@pytest.fixture(scope="module")
def first(pendulum_demonstrations: list[Demonstration], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fit(pendulum_demonstrations, CONFIG, tmp_path_factory.mktemp("first")).best


def test_it_goes_on_from_the_weights_and_keeps_the_statistics(
    pendulum_demonstrations: list[Demonstration], first: Path, tmp_path: Path
) -> None:
    """One step with hardly any learning rate leaves the weights where they were, whatever is trained on."""
    settings = replace(CONFIG, start=str(first), steps=1, learning_rate=1e-9, seed=5)
    before = load_checkpoint(first).policy.state_dict()
    after = load_checkpoint(fit(pendulum_demonstrations[:2], settings, tmp_path).best).policy.state_dict()
    assert all(torch.allclose(after[name], before[name], atol=1e-6) for name in before)
    fresh = load_checkpoint(fit(pendulum_demonstrations[:2], replace(settings, start=""), tmp_path / "fresh").best).policy.state_dict()
    assert not all(torch.allclose(fresh[name], before[name], atol=1e-6) for name in before)


def test_the_start_is_named_as_an_origin(pendulum_demonstrations: list[Demonstration], first: Path, tmp_path: Path) -> None:
    done = load_checkpoint(fit(pendulum_demonstrations, replace(CONFIG, start=str(first), steps=2), tmp_path).best)
    assert "weights.safetensors" in [parent.name for parent in done.provenance.parents]


def test_another_policy_is_refused_by_what_differs(pendulum_demonstrations: list[Demonstration], first: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"another settings: width 16 there, 24 now\.$"):
        fit(pendulum_demonstrations, replace(CONFIG, start=str(first), settings={"width": 24, "chunk_n": 4}), tmp_path)
    with pytest.raises(CheckpointError, match="policy: 'bc' there, 'act' now"):
        fit(pendulum_demonstrations, replace(CONFIG, start=str(first), policy="act", settings={"chunk_n": 4}), tmp_path)
    with pytest.raises(CheckpointError, match="no checkpoint folder there"):
        fit(pendulum_demonstrations, replace(CONFIG, start=str(tmp_path / "nothing")), tmp_path)
