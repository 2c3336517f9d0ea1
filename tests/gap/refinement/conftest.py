"""A chore that is as short as one can be: a hand has to be raised. Who holds still fails; the person raises it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from envs.actors import HoldActor
from envs.episodes import Episode
from envs.household.look import Look
from envs.household.replay import Score
from envs.household.takeover import Ideal
from envs.plants import find_plant
from envs.reference import PERIOD_S
from envs.rollout import rollout
from gap.refinement.corrections import Attempt, beside_ideal
from motion.handling import Handling, HandTrack
from motion.provenance import Provenance
from motion.robot_motion import RobotMotion
from motion.transform import Transform
from robots.tool_frames import T_world_tool
from tests.envs.household.small_chore import SmallChore

FRAMES = 30


class RaiseHand(SmallChore):
    """The right hand has to be 4 cm above where it waits."""

    name = "raise_hand"

    def true_now(self, look: Look) -> Mapping[str, np.ndarray]:
        """By where the hand is."""
        waits = self.station.T_world_counter.inverse() @ T_world_tool(self.robot, "right", self.robot.rest_rad, self.station.T_world_base)
        return {"lifted": look.hands.position_m[:, 1, 2] > waits.position_m[..., 2] + 0.04}


@pytest.fixture(scope="session")
def raising() -> RaiseHand:
    return RaiseHand("g1_dex3")


def ideal_of(chore: RaiseHand, seed: int, raised_rad: float = 0.9) -> Ideal:
    """Somebody who bends the right elbow, quickly."""
    robot = chore.robot
    posture = np.tile(robot.rest_rad, (FRAMES, 1))
    column = robot.joint_names.index("right_elbow_joint")
    posture[:, column] -= raised_rad * np.clip(np.arange(FRAMES) / 15, 0, 1)
    base = chore.station.T_world_base
    bases = Transform(np.tile(base.position_m, (FRAMES, 1)), np.tile(base.wxyz, (FRAMES, 1)))
    origin = Provenance("somebody", "CC0", "given")
    time = np.arange(FRAMES) * PERIOD_S
    motion = RobotMotion(robot.name, time, robot.joint_names, posture, bases, np.ones(FRAMES, bool), provenance=origin)
    hand = HandTrack(Transform.identity(FRAMES), np.ones(FRAMES), np.ones(FRAMES))
    return Ideal("full", seed, Score(motion, Handling(time, {"right": hand}, {}, provenance=origin)), "film", "worker_007")


@pytest.fixture(scope="session")
def held(raising: RaiseHand) -> Attempt:
    """An attempt that does nothing."""
    ideal = ideal_of(raising, 5)
    done = rollout(raising, HoldActor(), [Episode("full", find_plant("nominal"), 5)], 1, 1)[0]
    return Attempt(ideal, done, beside_ideal(raising, ideal, done))
