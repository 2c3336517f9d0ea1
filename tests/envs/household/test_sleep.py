"""What lies still is left out of the physics, until something wakes it."""

from __future__ import annotations

import mujoco
import numpy as np

from envs.disturbance import Disturbance
from envs.episodes import Episode, Episodes
from envs.plants import PLANTS, Change, Plant
from tests.envs.household.running import made
from tests.envs.household.small_chore import SmallChore

CALM = Disturbance(start_noise_rad=0.0, action_noise_rad=0.0, pushes_per_s=0.0)


def _box_way_m(chore: SmallChore, plant: Plant, periods: int) -> np.ndarray:
    """Where the box is, period by period (T, 3), the robot holding still."""
    runner = Episodes(chore, 1, disturbance=CALM)
    runner.reset([0], [Episode("full", plant, 0)])
    column = chore.listing.things.index("box")
    way = []
    for _ in range(periods):
        runner.step([0], chore.robot.rest_rad[None])
        way.append(runner.state(0).thing_m[0, column])
    return np.array(way)


def test_what_lies_still_does_not_move_a_bit(small: SmallChore) -> None:
    way = _box_way_m(small, PLANTS["nominal"], 30)
    assert (way[10:] == way[10]).all()


def test_a_change_of_the_plant_wakes_what_sleeps(small: SmallChore) -> None:
    tilting = Plant("tilting", (Change("gravity", "x", (9.0, 9.0), "uniform", "add", when="interval", every_s=(0.3, 0.3)),))
    way = _box_way_m(small, tilting, 28)
    assert (way[8:14] == way[8]).all()
    assert way[-1, 0] - way[14, 0] > 0.005


def test_fixtures_of_a_new_episode_stand_where_its_scene_has_them() -> None:
    """A slot that is used again keeps nothing of the scene before, though what stands fast is computed once only."""
    chore = made("tidy_counter")
    runner = Episodes(chore, 1, disturbance=CALM)
    for seed in (0, 1, 2):
        runner.reset([0], [Episode("full", PLANTS["nominal"], seed)])
        runner.step([0], chore.robot.rest_rad[None])
        model, state = runner.model_of(0), runner.state(0)
        plain = mujoco.MjData(model)
        mujoco.mj_forward(model, plain)
        fast = [k for k, body in enumerate(chore.parts.bodies) if model.body_jntnum[body] == 0]
        assert len(fast) == 2
        np.testing.assert_array_equal(state.thing_m[0, fast], plain.xpos[chore.parts.bodies[fast]])
