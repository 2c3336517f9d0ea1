"""Humanoids that nobody has seen: segments are on their links, and turned as the standing body's own axes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motion.transform import matrix_from_wxyz
from robots.onboard.analyse import analyse
from tests.robots.made_humanoids import made_humanoid

TURNED_DEG = 15.0


@pytest.mark.parametrize("seed", range(60))
def test_a_made_humanoid(seed: int, tmp_path: Path) -> None:
    made = made_humanoid(seed, tmp_path / "made.urdf")
    anatomy = analyse(tmp_path / "made.urdf")
    assert anatomy.kind == "humanoid"
    links = {name: found.frame for name, found in anatomy.landmarks.items()} | {name: one.link for name, one in anatomy.segments.items()}
    assert {name: links.get(name) for name in made.truth} == made.truth
    turned = {}
    for name in set(made.truth) & set(anatomy.segments):
        one = anatomy.segments[name]
        rotation = made.poses[one.link][1].as_matrix() @ matrix_from_wxyz(np.array(one.wxyz))
        turned[name] = round(float(np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1)))))
    at_zero = ("pelvis", "chest", "head")  # frames of the zero posture, in which the waist may be turned
    assert {name: angle for name, angle in turned.items() if angle > TURNED_DEG and name not in at_zero} == {}
    assert made.root_turn.apply(anatomy.forward)[0] > 0.95
    assert made.root_turn.apply(anatomy.up)[2] > 0.95
