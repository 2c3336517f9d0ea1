"""The small chore for G1 with Dex3 hands, made once."""

from __future__ import annotations

import pytest

from tests.envs.household.small_chore import SmallChore


@pytest.fixture(scope="session")
def small() -> SmallChore:
    return SmallChore("g1_dex3")
