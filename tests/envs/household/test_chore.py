"""What Household refuses, and what it measures of things whatever the chore."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from envs.household.draws import Draws
from envs.household.link_classes import LINK_CLASSES, class_matrix
from envs.household.measuring import on_floor, physical_signals
from envs.household.things import Thing
from motion.errors import ShapeError, UnknownNameError
from motion.transform import Transform
from tests.envs.chores.scenes import still_look
from tests.envs.household.small_chore import SmallChore


class Unsaid(SmallChore):
    """Has a task that nobody put into words."""

    tasks = ("full", "half")


class Growing(SmallChore):
    """Has fewer beads in its second scene."""

    texts: ClassVar[Mapping[str, str]] = {"full": "Lift the box."}

    def draw(self, task: str, draws: Draws) -> tuple[Thing, ...]:
        """One bead less."""
        return super().draw(task, draws)[: None if draws.seed == 0 else -1]


def test_a_task_without_words_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="'half'.*texts of chore small_chore"):
        Unsaid("g1_dex3")


def test_scenes_with_other_parts_are_refused() -> None:
    chore = Growing("g1_dex3")
    chore.setup(0, 0)
    with pytest.raises(ShapeError, match="scene 1 of full has other parts"):
        chore.setup(0, 1)


def test_each_link_is_of_one_class(small: SmallChore) -> None:
    links = [small.robot.landmarks[name].frame for name in ("left_wrist", "right_index_tip", "left_elbow", "right_shoulder")]
    found = class_matrix(small.robot, [*links, "torso_link"])
    assert [LINK_CLASSES[column] for column in found.argmax(1)] == ["left_hand", "right_hand", "left_arm", "right_arm", "trunk"]
    assert (found.sum(1) == 1).all()


@pytest.mark.parametrize(("down_m", "lost"), [(0.10, False), (0.20, True)])
def test_a_thing_well_below_the_counter_is_lost(small: SmallChore, down_m: float, lost: bool) -> None:
    scene = small.scene("full", 0)
    fallen = {"box": Transform(np.array([0.15, -0.28, -down_m]), np.array([1.0, 0.0, 0.0, 0.0]))}
    assert on_floor(still_look(small, scene, fallen))[0] == lost


@pytest.mark.parametrize(
    ("touched", "speed_mps", "falls_mps"), [((), -0.5, 0.5), ((), 0.5, 0.0), (("mug", "box", "cupboard", "door"), -0.5, 0.0)]
)
def test_what_falls_out_of_all_hands(small: SmallChore, touched: tuple[str, ...], speed_mps: float, falls_mps: float) -> None:
    look = still_look(small, small.scene("full", 0), touched=touched, speed_mps=speed_mps)
    signals = physical_signals(look, np.zeros((1, 2, 3)), class_matrix(small.robot, small.listing.bodies))
    assert signals["fall_mps"] == pytest.approx(falls_mps)


def test_nothing_falls_or_moves_in_the_first_period(small: SmallChore) -> None:
    look = still_look(small, small.scene("full", 0), speed_mps=-0.5)
    first = replace(look, moment=replace(look.moment, step=np.array([1])))
    signals = physical_signals(first, np.ones((1, 2, 3)), class_matrix(small.robot, small.listing.bodies))
    assert not signals["fall_mps"].any()
    assert not signals["hand_speed_mps"].any()
