"""What people did, carried over to layouts that nobody filmed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envs.chores.registry import make_household
from envs.household.chore import Household
from motion.errors import MotionError
from motion.human import HumanMotion
from workers.household.film import record_chore
from workers.household.ideals import Ideals

CHORE, FILMED, OTHER = "fragile_glass", 3, 11


@pytest.fixture(scope="module")
def chore() -> Household:
    return make_household(CHORE, "g1_dex3")


@pytest.fixture(scope="module")
def filmed() -> HumanMotion:
    return record_chore(CHORE, "full", FILMED, worker_seed=2).observed


@pytest.fixture(scope="module")
def ideals(chore: Household, filmed: HumanMotion, tmp_path_factory: pytest.TempPathFactory) -> Ideals:
    folder = tmp_path_factory.mktemp("films")
    filmed.save(folder / "film.npz")
    foreign = replace(filmed, provenance=replace(filmed.provenance, config={**filmed.provenance.config, "chore": "pour_cup"}))
    foreign.save(folder / "foreign.npz")
    (folder / "torn.npz").write_bytes(b"PK")
    return Ideals(chore, sorted(folder.glob("*.npz")))


def test_what_cannot_be_used_is_said(ideals: Ideals) -> None:
    assert len(ideals) == 1
    assert ideals.unread["foreign.npz"] == "foreign.npz is a recording of pour_cup."
    assert "torn.npz" in ideals.unread["torn.npz"]


def test_a_recording_is_carried_over_to_another_layout(chore: Household, ideals: Ideals, filmed: HumanMotion) -> None:
    ideal = ideals.of("full", OTHER)
    assert ideal is not None
    start = ideal.score.handling.things["glass"].position_m[0]
    assert start == pytest.approx(chore.scene("full", OTHER).thing("glass").pose.position_m, abs=0.005)
    assert np.linalg.norm(start - chore.scene("full", FILMED).thing("glass").pose.position_m) > 0.02
    assert (ideal.recording, ideal.worker, ideal.seed) == ("film", filmed.subject.pseudonym, OTHER)
    assert ideal.score.motion.solved.all()


def test_without_a_usable_recording_there_is_no_ideal(chore: Household, tmp_path: Path) -> None:
    (tmp_path / "torn.npz").write_bytes(b"PK")
    with pytest.raises(MotionError, match=r"no recording of fragile_glass can be used \(.*torn"):
        Ideals(chore, [tmp_path / "torn.npz"])


def test_a_recording_that_names_no_layout_says_itself_what_stood_where(chore: Household, filmed: HumanMotion, tmp_path: Path) -> None:
    """As a real person's does."""
    told = {key: value for key, value in filmed.provenance.config.items() if key not in ("seed", "variant", "chore")}
    replace(filmed, provenance=replace(filmed.provenance, config=told)).save(tmp_path / "real.npz")
    ideal = Ideals(chore, [tmp_path / "real.npz"]).of("full", OTHER)
    assert ideal is not None
    assert ideal.score.handling.things["glass"].position_m[0] == pytest.approx(
        chore.scene("full", OTHER).thing("glass").pose.position_m, abs=0.005
    )
