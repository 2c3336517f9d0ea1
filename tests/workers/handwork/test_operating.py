"""What scripted hands do with the microwave, and that a robot can do the same."""

from __future__ import annotations

import numpy as np
import pytest

from envs.chores.operate_appliance import OPENED_RAD, TURNED_RAD, OperateAppliance
from envs.episodes import Episode
from envs.household.microwave import DEPTH_M
from envs.household.replay import ChoreReplay, Score
from envs.household.scene import Scene
from envs.plants import PLANTS
from envs.rollout import rollout
from motion.handling import Handling
from motion.transform import Transform, so3_log
from retarget.handling.solution import retarget_handling
from tests.envs.household.running import made
from workers.handwork.registry import handwork
from workers.handwork.style import HandStyle, draw_hand_style

SEEDS = range(8)
GRASPS = {"full": ["hook", "wrap", "flat", "pinch"], "door": ["hook", "flat"], "knob": ["pinch"]}


def chore() -> OperateAppliance:
    found = made("operate_appliance")
    assert isinstance(found, OperateAppliance)
    return found


def done(variant: str, seed: int, ideal: bool = False) -> tuple[Scene, Handling]:
    """A worker's handwork in a scene."""
    scene, rng = chore().scene(variant, seed), np.random.default_rng(seed)
    return scene, handwork(scene, HandStyle() if ideal else draw_hand_style(rng, scene.side), rng)


def turned_rad(track: Transform) -> np.ndarray:
    """(T,) how far a thing has turned since the start."""
    return np.linalg.norm(so3_log((track[:1].inverse() @ track).wxyz), axis=-1)


@pytest.mark.parametrize("variant", ["full", "door", "knob", "full@objects", "full@layouts"])
def test_it_does_what_the_task_asks_and_nothing_else(variant: str) -> None:
    for seed in SEEDS:
        scene, handling = done(variant, seed, ideal=True)
        task = variant.partition("@")[0]
        door, knob = (turned_rad(handling.things[name]) for name in ("door", "knob"))
        assert [hold.grasp for hold in handling.holds] == GRASPS[task]
        assert (door.max() > OPENED_RAD) == (task != "knob")
        assert door[-1] < 1e-6
        assert (knob[-1] > TURNED_RAD) == (task != "door")
        assert not (knob[door > 1e-6] > 1e-6).any()
        cup = (scene.thing("microwave").pose.inverse() @ handling.things["cup"]).position_m
        assert (cup[-1, 0] > -DEPTH_M / 2 + scene.thing("cup").half_m[0]) == (task == "full")


def test_the_skilled_hand_opens_and_the_other_one_closes() -> None:
    for seed in SEEDS:
        scene, handling = done("door", seed)
        other = "left" if scene.side == "right" else "right"
        assert [hold.side for hold in handling.holds] == [scene.side, other]


def test_the_tool_keeps_its_place_at_the_handle_while_the_door_opens() -> None:
    for seed in SEEDS:
        scene, handling = done("door", seed)
        hold = handling.holds[0]
        during = handling.during(hold)
        tool, door = handling.hands[hold.side].T_counter_tool[during], handling.things["door"][during]
        grip = np.array(scene.thing("door").grip("handle").position_m)
        assert np.linalg.norm(tool.position_m - door.apply(np.tile(grip, (int(during.sum()), 1))), axis=1).max() < 1e-3


def test_g1_turns_the_knob_with_real_contact() -> None:
    """In a left-handed layout."""
    _, handling = done("knob", 7, ideal=True)
    assert {hold.side for hold in handling.holds} == {"left"}
    solution = retarget_handling(chore().robot, handling)
    assert solution.report.reached
    actor = ChoreReplay(chore(), {("knob", 7, 0): Score(solution.motion, solution.handling)})
    (episode,) = rollout(chore(), actor, [Episode("knob", PLANTS["nominal"], 7)], threads=1)
    assert episode.success
