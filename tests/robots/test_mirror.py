"""Mirror images of robots: a mirrored posture brings every hand to where the other one was, mirrored, whatever joints are called."""

from __future__ import annotations

import numpy as np
import pytest

from motion.transform import Transform
from robots import load_robot
from robots.hands import hand_sides
from robots.mirror import mirror_of
from robots.tool_frames import T_world_tool

ACROSS = np.array([1.0, -1.0, 1.0])


@pytest.mark.parametrize("name", ["g1_dex3", "talos", "alex_psyonic"])
def test_a_mirrored_posture_is_the_mirror_image(name: str) -> None:
    robot = load_robot(name)
    mirror = mirror_of(robot)
    rng = np.random.default_rng(0)
    posture = robot.lower_rad + (robot.upper_rad - robot.lower_rad) * rng.uniform(0.3, 0.7, (8, len(robot.joint_names)))
    assert np.allclose(mirror.joints(mirror.joints(posture)), posture)
    assert set(hand_sides(robot)) == {"left", "right"}
    here, there = (T_world_tool(robot, "left", postures, Transform.identity()) for postures in (posture, mirror.joints(posture)))
    other_here, other_there = (T_world_tool(robot, "right", p, Transform.identity()) for p in (posture, mirror.joints(posture)))
    assert np.allclose(here.position_m * ACROSS, other_there.position_m, atol=5e-3)
    assert np.allclose(other_here.position_m * ACROSS, there.position_m, atol=5e-3)
    image = here.wxyz * np.array([1.0, -1.0, 1.0, -1.0])
    assert np.abs((image * other_there.wxyz).sum(-1)).min() > np.cos(np.radians(1.5) / 2)
