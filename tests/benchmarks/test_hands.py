"""What the hand benchmarks rest on: whose point is whose, how a pinch is counted, and that the task can be solved."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks.bodies import streamed
from benchmarks.hands import TASKS, film, glove, hand, in_the_films_axes, kept_pinches, position_targets
from motion.human import HumanMotion
from motion.transform import Transform
from robots.robot import FramePoint

pytestmark = pytest.mark.usefixtures("data")


def hands_apart(gaps_mm: list[float]) -> HumanMotion:
    """The thumb's tip at the origin, the index's beside it."""
    position = np.zeros((len(gaps_mm), 2, 3))
    position[:, 1, 0] = np.array(gaps_mm) / 1e3
    return HumanMotion(np.arange(len(gaps_mm)) / 30, ("right_thumb_tip", "right_index_tip"), position, np.ones(position.shape[:2]))


def test_pinches_are_counted_as_by_hand() -> None:
    """Of three touching frames the robot keeps the first, misses the second and has no pose in the third."""
    human = hands_apart([2, 9, 9.9, 11])
    robot = {"right_thumb_tip": np.zeros((4, 3)), "right_index_tip": np.array([[0.009, 0, 0], [0.011, 0, 0], [np.nan] * 3, [0, 0, 0]])}
    assert kept_pinches(human, robot) == {"index": (3, 1)}


def test_the_gloves_columns_are_the_vocabularys() -> None:
    """Bones beyond the knuckles are rigid, and shorter from one to the next; another order would break both."""
    human = glove()
    for finger in ("index", "middle", "ring", "pinky"):
        chain = [human.point(f"right_{finger}_{point}") for point in ("mcp", "pip", "dip", "tip")]
        lengths = np.array([np.linalg.norm(b - a, axis=-1) for a, b in pairwise(chain)])
        assert lengths.std(1).max() < 1e-3, finger
        assert lengths[0].mean() > lengths[1].mean(), finger


def test_the_films_axes_are_the_films_own() -> None:
    turned = in_the_films_axes(film())
    assert np.median(np.linalg.norm(turned - film().position_m, axis=-1)) < 0.01


@pytest.mark.parametrize("name", TASKS)
def test_a_hand_reaches_its_own_points(name: str, data: Path) -> None:
    body = hand(name)
    joints = np.linspace(body.robot.rest_rad, 0.8 * body.robot.rest_rad + 0.2 * body.robot.upper_rad, 8)
    base = Transform.exp(np.tile([0.1, 0.2, 0.3, 0.5, -0.4, 0.8], (8, 1)))
    links = [FramePoint(point.frame) for point in body.robot.landmarks.values()]
    position = body.kinematics.point_positions(links, joints, base)
    human = HumanMotion(np.arange(8) / 5, tuple(body.robot.landmarks), position, np.ones(position.shape[:2]))
    targets = position_targets(body, human, weight=1000.0)
    motion = streamed(body, targets).motion
    assert motion.solved.all()
    again = body.kinematics.point_positions(targets.points, motion.joint_position_rad, motion.T_world_base)
    assert np.linalg.norm(again - targets.vector_m, axis=-1).mean() < 0.001
