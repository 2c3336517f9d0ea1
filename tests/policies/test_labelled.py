"""Labelled steps are learnt or left out, as it was asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from motion.demonstration import CONFIDENCE, CORRECTION, MISTAKE, Demonstration
from motion.errors import UnknownNameError
from policies import TrainConfig, fit, load_policy
from policies.labelled import without_labelled


def labelled(demonstration: Demonstration) -> Demonstration:
    """Steps 2 and 3 are a mistake, 4 puts it right; the first joint is half believed."""
    count, joints = demonstration.actions.shape
    mistake, correction = np.zeros(count, bool), np.zeros(count, bool)
    mistake[2:4], correction[4] = True, True
    trust = np.ones((count, joints))
    trust[:, 0] = 0.5
    return replace(demonstration, signals={**demonstration.signals, MISTAKE: mistake, CORRECTION: correction, CONFIDENCE: trust})


def believed(demonstration: Demonstration, **choices: str) -> np.ndarray:
    told = without_labelled(demonstration, choices.get("mistakes", "use"), choices.get("corrections", "use"))
    return np.asarray(told.signals[CONFIDENCE])[:6, :2]


def test_what_is_left_out_counts_nothing(pendulum_demonstrations: list[Demonstration]) -> None:
    done = labelled(pendulum_demonstrations[0])
    np.testing.assert_array_equal(believed(done), [[0.5, 1.0]] * 6)
    np.testing.assert_array_equal(believed(done, mistakes="exclude")[:, 1], [1, 1, 0, 0, 1, 1])
    np.testing.assert_array_equal(believed(done, corrections="exclude")[:, 0], [0.5, 0.5, 0.5, 0.5, 0, 0.5])
    np.testing.assert_array_equal(believed(done, mistakes="exclude", corrections="exclude")[:, 1], [1, 1, 0, 0, 0, 1])
    assert done.signals[CONFIDENCE][2, 1] == 1.0  # what was given stays as it is


def test_unlabelled_demonstrations_stay_as_they_are(pendulum_demonstrations: list[Demonstration]) -> None:
    assert without_labelled(pendulum_demonstrations[0], "exclude", "exclude") is pendulum_demonstrations[0]


def weights(given: list[Demonstration], mistakes: Literal["use", "exclude"], folder: Path) -> np.ndarray:
    """What a few steps of training come to."""
    settings = {"chunk_n": 2, "width": 8, "depth": 1}
    config = TrainConfig(settings=settings, steps=2, batch_n=16, mistakes=mistakes, validation_fraction=0.0)
    policy = load_policy(fit(given, config, folder).last)
    return np.concatenate([weight.detach().numpy().ravel() for name, weight in policy.named_parameters() if not name.startswith("servo")])


def test_the_switch_reaches_the_loss(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    """Who uses mistakes ends with the same weights as where none is labelled; who leaves them out does not."""
    plain = pendulum_demonstrations[:2]
    marked = [labelled(one) for one in plain]
    believed_alike = [replace(one, signals={**one.signals, CONFIDENCE: marked[0].signals[CONFIDENCE]}) for one in plain]
    used = weights(marked, "use", tmp_path / "used")
    np.testing.assert_array_equal(used, weights(believed_alike, "exclude", tmp_path / "plain"))
    assert not np.array_equal(used, weights(marked, "exclude", tmp_path / "excluded"))


def test_a_choice_that_does_not_exist_is_named() -> None:
    with pytest.raises(UnknownNameError, match="exclude"):
        TrainConfig(mistakes="only")  # type: ignore[arg-type]
