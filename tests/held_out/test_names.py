"""What policies are called on a page: as short as tells them apart, and never by a number alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from held_out.asked import names_of
from motion.errors import UnderstudyError


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (["runs/mine/best"], ["mine"]),
        (["runs/mine/run/best", "runs/yours/run/best"], ["mine", "yours"]),
        (["a/glass/best", "b/glass/best"], ["a_glass", "b_glass"]),
        (["runs/stir_pot/0/run/best"], ["stir_pot_0"]),
        (["runs/stir_pot/0/run/best", "runs/stir_pot/1/run/best"], ["stir_pot_0", "stir_pot_1"]),
        (["0/best"], ["0"]),
    ],
)
def test_names_are_as_short_as_tells_policies_apart(folders: list[str], names: list[str]) -> None:
    assert names_of([Path(folder) for folder in folders]) == names


def test_a_folder_above_is_called_by_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine" / "scores").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "mine" / "scores")
    assert names_of([Path("../best")]) == ["mine"]
    assert names_of([Path("../../yours/best"), Path("../best")]) == ["yours", "mine"]


def test_a_policy_that_is_named_twice_is_refused() -> None:
    with pytest.raises(UnderstudyError, match="a checkpoint is named twice"):
        names_of([Path("runs/mine/best"), Path("runs/mine/best")])
