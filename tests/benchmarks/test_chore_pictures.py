"""Pictures for the docs: two moments that differ, in a small file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.chore_pictures import start_and_success, successful, write_jpeg
from motion.demonstration import Demonstration
from motion.errors import UnderstudyError
from tests.envs.household.conftest import played
from tests.envs.household.small_chore import SmallChore


@pytest.fixture(scope="module")
def small() -> SmallChore:
    return SmallChore("g1_dex3")


@pytest.fixture(scope="module")
def shown(small: SmallChore) -> Demonstration:
    return played(small, steps=15)


def test_start_and_success_stand_side_by_side_in_a_small_file(shown: Demonstration, small: SmallChore, tmp_path: Path) -> None:
    picture = start_and_success(shown, small, "close", size=(160, 120))
    assert picture.shape == (120, 326, 3)
    assert (np.abs(picture[:90, :160].astype(int) - picture[:90, 166:]).max(-1) > 25).mean() > 0.01, "both moments look the same"
    size = write_jpeg(tmp_path / "deep" / "chore.jpg", picture, 20_000)
    assert 1000 < size <= 20_000
    assert size == (tmp_path / "deep" / "chore.jpg").stat().st_size
    assert np.asarray(Image.open(tmp_path / "deep" / "chore.jpg")).shape == picture.shape


def test_a_picture_that_fits_nowhere_is_said(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (100, 100, 3), np.uint8)
    with pytest.raises(UnderstudyError, match="does not fit"):
        write_jpeg(tmp_path / "noise.jpg", noise, 500)
    assert not list(tmp_path.iterdir())


def test_the_safe_success_is_chosen(shown: Demonstration, tmp_path: Path) -> None:
    made = {
        "failed": replace(shown, success=False, violations=()),
        "rough": replace(shown, success=True, violations=("impulse_ns",), seed=2),
        "safe": replace(shown, success=True, violations=(), seed=3),
        "other": replace(shown, success=True, violations=(), chore="pour_cup", seed=4),
    }
    for name, one in made.items():
        one.save(tmp_path / f"{name}.npz")
    best = successful(sorted(tmp_path.glob("*.npz")), shown.chore, shown.robot)
    assert best is not None
    assert best.seed == 3
    assert successful([tmp_path / "failed.npz"], shown.chore, shown.robot) is None
