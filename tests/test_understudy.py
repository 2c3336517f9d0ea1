"""What the doors share."""

from __future__ import annotations

import sys

import pytest

from envs.replay import TEACHING
from policies import TrainConfig
from retarget.__main__ import command
from understudy import _defaults


def test_help_ends_with_every_default(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Hydra leaves the program after its own part of the help; ours has to come all the same."""
    monkeypatch.setattr(sys, "argv", ["retarget", "--help"])
    with pytest.raises(SystemExit):
        command()
    own, _, defaults = capsys.readouterr().out.partition("Defaults:")
    assert "python -m retarget input=clip.bvh" in own
    assert "solver.max_iterations=30" in defaults
    assert "source.rate_hz=None" in defaults


def test_defaults_are_those_of_the_class_or_of_the_instance() -> None:
    assert "d.start_noise_rad=0.05" in _defaults({"d": TEACHING})
    assert "d.start_noise_rad=0.01" in _defaults({"d": type(TEACHING)})
    assert "train.settings" not in _defaults({"train": TrainConfig})
