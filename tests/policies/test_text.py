"""Policies that are told in words what is to be done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motion.demonstration import Demonstration
from motion.errors import MotionError, UnknownNameError
from motion.lerobot import write_dataset
from motion.words import text_features
from policies import PolicyActor, PolicySpec, TrainConfig, fit, load_policy
from policies.data import list_entries
from policies.observed import observed, text_of
from policies.readers import read_names
from policies.spec import Reads
from tests.policies.spots import household, made

T = 40
SAID = {0.0: "Point at the box.", 1.0: "Point away from the mug."}
READS = Reads(text=True)


def episode(seed: int, chore: float, text: str | None = None, number: float = 0.0) -> Demonstration:
    """The action is where the thing is; in chore 1 its opposite. Only the words tell the two apart."""
    seen = household(T, 1, seed, number)
    sign = 1.0 if chore == 0 else -1.0
    done = replace(made(seen, sign * seen["thing_position_m"][:, 0, :2], f"chore_{chore:g}"), seed=seed)
    return replace(done, scene={"text": SAID[chore] if text is None else text})


def test_words_stand_in_place_of_the_chores_number() -> None:
    shown = episode(0, 0.0)
    shapes = PolicySpec.of([shown], 1, READS).shapes
    assert shapes["text"] == (256,)
    assert "chore" not in shapes
    assert "text" not in PolicySpec.of([shown], 1).shapes
    features = text_of(shown)["text"]
    np.testing.assert_array_equal(features, np.tile(text_features(SAID[0.0]), (T, 1)))
    np.testing.assert_array_equal(observed(PolicySpec.of([shown], 1, READS), shown)["text"], features)


def test_one_policy_does_what_it_is_asked_for(tmp_path: Path) -> None:
    """From a data set in which nothing but the words differs; asked for the other chore, it does the other."""
    write_dataset([episode(seed, chore) for chore in SAID for seed in range(6)], tmp_path / "set")
    assert PolicySpec.of([entry.read(()) for entry in list_entries(str(tmp_path / "set"))], 1, READS).shapes["text"] == (256,)
    settings = {"chunk_n": 1, "width": 64, "text": True}
    training = TrainConfig(settings=settings, steps=250, batch_n=64, learning_rate=3e-3, warmup_steps=10, ema_decay=0.9)
    policy = load_policy(fit(tmp_path / "set", replace(training, validation_fraction=0), tmp_path / "run").best)
    for chore, other in ((0.0, 1.0), (1.0, 0.0)):
        shown = episode(3, chore)
        wanted = np.asarray(shown.actions)
        for asked, sign in ((chore, 1.0), (other, -1.0)):
            told = {"text": np.tile(text_features(SAID[asked]), (T, 1))}
            got = PolicyActor(policy).act({**shown.observations, **told})[:, 0]
            assert np.sqrt(np.mean((got - sign * wanted) ** 2)) < 0.3 * np.sqrt(np.mean(wanted**2))
    with pytest.raises(UnknownNameError, match="unknown observation 'text'"):
        PolicyActor(policy).act(episode(3, 0.0).observations)


def test_the_number_is_not_read_beside_the_words() -> None:
    one, other = (PolicySpec.of([episode(0, 0.0, number=number)], 1, READS) for number in (0.0, 5.0))
    assert one == other


def test_what_was_never_said_cannot_be_learnt() -> None:
    with pytest.raises(MotionError, match="demonstration 'full' does not say in words what was to be done"):
        observed(PolicySpec.of([episode(0, 0.0)], 1, READS), episode(0, 0.0, text=""))


def test_words_for_who_reads_none_are_refused() -> None:
    recorded = ("joint_position_rad", "joint_velocity_radps", "previous_action_rad", "reference_rad", "text")
    with pytest.raises(MotionError, match="policy.text=true is for chores with things; a test is not of one"):
        read_names(recorded, "a test", READS)
