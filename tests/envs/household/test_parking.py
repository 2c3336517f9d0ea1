"""Things that an episode does without: they stay where they are, asleep, and nobody sees or misses them."""

from __future__ import annotations

import numpy as np
import pytest

from envs.disturbance import Disturbance
from envs.episodes import Episode, Episodes
from envs.household.build import COUNTER_HALF_M
from envs.household.parking import parked, shelf
from envs.household.picture import SceneRenderer
from envs.household.scene import Scene
from envs.household.shapes import cylinder
from envs.household.viewpoints import CAMERAS
from envs.plants import PLANTS
from tests.envs.household.running import made

CALM = Disturbance(start_noise_rad=0.0, action_noise_rad=0.0, pushes_per_s=0.0)


def test_four_things_stand_on_the_shelf_under_the_counter() -> None:
    board, widest = shelf(), 0.045
    things = [parked(cylinder("jar", widest, 0.15, 0.2), index) for index in range(4)]
    depth, width, thick = COUNTER_HALF_M
    for thing in things:
        assert thing.parked
        off = np.abs(np.array(thing.position_m) - np.array(board.position_m))
        assert off[0] + widest <= board.half_m[0]
        assert off[1] + widest <= board.half_m[1]
        assert off[2] == pytest.approx(board.half_m[2])
        assert thing.position_m[2] + 0.15 < -2 * thick
    assert np.diff([thing.position_m[1] for thing in things]).min() > 2 * widest
    assert board.position_m[0] + board.half_m[0] < 2 * depth
    assert board.half_m[1] < width


@pytest.fixture(scope="module")
def scene() -> Scene:
    """Of two things less than there could be."""
    scenes = (made("tidy_counter").scene("full", seed) for seed in range(30))
    return next(scene for scene in scenes if len(_parked(scene)) == 2)


def _parked(scene: Scene) -> list[str]:
    return [thing.name for thing in scene.things if thing.parked]


def test_parked_things_stay_and_are_not_lost(scene: Scene) -> None:
    chore, things = made("tidy_counter"), made("tidy_counter").listing.things
    runner = Episodes(chore, 1, disturbance=CALM)
    runner.reset([0], [Episode("full", PLANTS["nominal"], scene.seed)])
    columns, way = [things.index(name) for name in _parked(scene)], []
    for _ in range(20):
        runner.step([0], chore.robot.rest_rad[None])
        way.append(runner.state(0).thing_m[0, columns])
    assert np.ptp(way, axis=0).max() < 1e-3
    np.testing.assert_array_equal(way[-1], way[-5])  # they sleep
    verdict = runner.verdict(0)
    assert verdict.safety["lost"] == 0
    assert verdict.progress == 0


def test_no_camera_sees_what_is_parked(scene: Scene) -> None:
    with SceneRenderer(made("tidy_counter"), 160, 120, cameras=CAMERAS) as renderer:
        renderer.set_episode("full", scene.seed)
        for camera in CAMERAS:
            seen = {renderer.parts[part] for part in np.unique(renderer.parts_seen(camera))}
            assert {"counter", "can"} <= seen
            assert not {"shelf", *_parked(scene)} & seen
