"""The contract of every robot on robots drafted from their URDF alone, one with meshes and one without."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from contracts import examine, robot, robot_model, robot_retarget
from robots import load_robot
from robots.__main__ import main
from robots.onboard.add import add

CHECKS = (*robot.CHECKS, *robot_model.CHECKS, *robot_retarget.CHECKS)


@pytest.mark.parametrize("name", ["unitree_h1_2_nomesh/h1_2.urdf", "shadow_hand/shadow_hand_right.urdf"])
def test_a_draft_satisfies_the_contract(name: str, data: Path, tmp_path: Path) -> None:
    _, folder = add(data / "robots" / name, tmp_path / "drafted")
    assert [outcome for outcome in examine(load_robot(folder), CHECKS) if outcome.result == "failed"] == []


def test_check_prints_a_table_and_fails_where_a_check_does(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, folder = add(data / "robots/poppy_humanoid_nomesh/poppy_humanoid.urdf", tmp_path / "drafted")
    assert main(["check", str(folder)]) == 0
    assert "failed" not in capsys.readouterr().out.replace("0 failed", "")
    broken = tmp_path / "broken" / "robot.yaml"
    broken.parent.mkdir()
    text = (folder / "robot.yaml").read_text()
    broken.write_text(re.sub(r"width_m: [0-9.]+", "width_m: 0", text))
    assert main(["check", str(broken.parent)]) == 1
    assert "failed" in capsys.readouterr().out
