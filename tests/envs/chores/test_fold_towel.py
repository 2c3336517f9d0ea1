"""Each rule of `fold_towel` on both sides, its scenes, and somebody who folds it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.chores.fold_towel import DRAGGED_M, FLAT_M, STRETCHED, FoldTowel, apart_m, beyond_m, nearest_pair_m
from envs.disturbance import MILD
from envs.episodes import Episode
from envs.household.cloth import CORNERS, HELD, STRETCH
from envs.household.look import Look
from envs.household.replay import Adjustment, ChoreReplay, Score
from envs.household.scene import Scene
from envs.plants import PLANTS
from envs.rollout import rollout
from motion.demonstration import Demonstration
from motion.landmarks import SIDES
from motion.transform import Array, Transform
from retarget.handling.solution import retarget_handling
from tests.envs.chores.scenes import still_look, true_at
from tests.envs.household.running import made
from workers.handwork.registry import handwork
from workers.handwork.style import draw_hand_style

SEED = 2


@pytest.fixture(scope="module")
def chore() -> FoldTowel:
    found = made("fold_towel")
    assert isinstance(found, FoldTowel)
    return found


@pytest.fixture(scope="module")
def scene(chore: FoldTowel) -> Scene:
    return chore.scene("full", SEED)


@pytest.fixture(scope="module")
def replay(chore: FoldTowel, scene: Scene) -> ChoreReplay:
    """Who knows how to fold it."""
    rng = np.random.default_rng(SEED)
    solved = retarget_handling(chore.robot, handwork(scene, draw_hand_style(rng), rng))
    return ChoreReplay(chore, {("full", SEED, 0): Score(solved.motion, solved.handling)})


@pytest.fixture(scope="module")
def done(chore: FoldTowel, replay: ChoreReplay) -> Demonstration:
    """Somebody folds it."""
    return rollout(chore, replay, [Episode("full", PLANTS["nominal"], SEED)], 1, 1, MILD)[0]


def points_m(scene: Scene) -> Array:
    weave = scene.thing("towel").weave
    assert weave is not None
    return np.array([scene.thing(name).position_m for name in weave.points])


def folded(scene: Scene, short_m: float = 0.0) -> Array:
    """The near half laid onto the far one, its edge so much short of the far edge."""
    grid = points_m(scene).reshape(7, 7, 3)
    shift = short_m * (grid[0] - grid[6]) / np.linalg.norm(grid[0] - grid[6], axis=-1, keepdims=True)
    near = np.stack([grid[6 - row] + (1 - row / 3) * shift for row in range(3)])
    return np.concatenate([near, grid[3:]]).reshape(-1, 3)


def seen(
    chore: FoldTowel, scene: Scene, points: Array, speed_mps: float = 0.0, held: tuple[int, int] = (0, 0), hand_on: tuple[int, int] = (0, 0)
) -> Look:
    """The towel's points somewhere, and what hands hold (points counted from 1) or have their fingers on."""
    weave = scene.thing("towel").weave
    assert weave is not None
    place = dict(zip(weave.points, points, strict=True))
    poses = {name: Transform(place[name], np.array([1.0, 0, 0, 0])) for name in CORNERS}
    look = still_look(chore, scene, poses, np.array([place[name] for name in chore.listing.beads]), speed_mps=speed_mps)
    look.extra[HELD][:] = held
    look.extra["hand_on"][:] = np.maximum(np.array(hand_on), np.array(held) > 0)
    return look


def test_taken_and_lifted(chore: FoldTowel, scene: Scene) -> None:
    flat, raised = points_m(scene), points_m(scene) + [0, 0, 0.05]
    for points, held, taken, lifted in ((flat, (0, 0), False, False), (flat, (0, 1), True, False), (raised, (1, 0), True, True)):
        look = seen(chore, scene, points, held=held)
        assert (true_at(chore, look, "taken"), true_at(chore, look, "lifted")) == (taken, lifted)
    assert not true_at(chore, seen(chore, scene, raised), "lifted"), "nobody holds it"


def test_carried_over(chore: FoldTowel, scene: Scene) -> None:
    assert not true_at(chore, seen(chore, scene, points_m(scene)), "carried_over")
    assert true_at(chore, seen(chore, scene, folded(scene, 0.08)), "carried_over")


@pytest.mark.parametrize(("short_m", "is_folded"), [(0.0, True), (0.02, True), (0.035, False)])
def test_folded_by_corners_and_area(chore: FoldTowel, scene: Scene, short_m: float, is_folded: bool) -> None:
    assert true_at(chore, seen(chore, scene, folded(scene, short_m)), "folded") == is_folded


def test_goal(chore: FoldTowel, scene: Scene) -> None:
    there = folded(scene)
    high = there + [0, 0, FLAT_M]
    far = there + [0.5, 0, 0]
    assert true_at(chore, seen(chore, scene, there), "goal")
    assert not true_at(chore, seen(chore, scene, points_m(scene)), "goal"), "not folded"
    assert not true_at(chore, seen(chore, scene, high), "goal"), "not flat"
    assert not true_at(chore, seen(chore, scene, far), "goal"), "over the edge"
    assert not true_at(chore, seen(chore, scene, there, speed_mps=0.05), "goal"), "not still"
    assert not true_at(chore, seen(chore, scene, there, held=(0, 7)), "goal"), "in a hand"
    assert not true_at(chore, seen(chore, scene, there, hand_on=(1, 0)), "goal"), "under a hand"
    assert chore.stages[-1].hold_s == 1.0
    assert [stage.after for stage in chore.stages] == [(), ("taken",), ("lifted",), ("carried_over",), ("folded",)]


def test_pairs_of_corners() -> None:
    """A square of 0.3 m: opposite sides 0.3 m apart; its far edge folded back by 0.28 m: 2 cm short."""
    square = np.array([[[0, 0, 0], [0, 0.3, 0], [0.3, 0.3, 0], [0.3, 0, 0]]], float)
    assert apart_m(square)[0] == pytest.approx(0.3)
    assert nearest_pair_m(square)[0] == pytest.approx(0.3)
    ahead, aside = square.copy(), square.copy()
    ahead[0, 2:, 0], aside[0, :2, 1], aside[0, 2:, 1] = 0.02, [0.0, 0.01], [0.01, 0.0]
    assert apart_m(ahead)[0] == pytest.approx(0.02)
    assert apart_m(aside)[0] == pytest.approx(0.01), "folded sideways"
    one = square.copy()
    one[0, 2] = one[0, 1]
    assert apart_m(one)[0] == pytest.approx(0.3), "one pair alone is not enough"
    assert nearest_pair_m(one)[0] == pytest.approx(0.0)


def test_beyond_the_counters_edge() -> None:
    """The counter is 0.6 m deep and 1.6 m wide."""
    for point, beyond in (((0.3, 0.0), -0.3), ((-0.02, 0.0), 0.02), ((0.63, 0.1), 0.03), ((0.3, -0.85), 0.05)):
        assert beyond_m(np.array([[[*point, 0.0]]]))[0] == pytest.approx(beyond)


@pytest.mark.parametrize(("name", "harm", "limit"), [(STRETCH, "stretched", STRETCHED), ("beyond_m", "dragged_off_m", DRAGGED_M)])
def test_harm(chore: FoldTowel, name: str, harm: str, limit: float) -> None:
    for worst, harms in ((0.99 * limit, False), (1.01 * limit, True)):
        signals = {STRETCH: np.zeros(3), "beyond_m": np.full(3, -0.1)} | {name: np.array([0.0, worst, 0.0])}
        found = chore.harm(signals, {})
        assert [key for key, (value, most) in found.items() if value > most] == ([harm] if harms else [])


def test_held_out_towels_and_places(chore: FoldTowel) -> None:
    usual, wet, askew = ([chore.scene(variant, seed) for seed in range(40)] for variant in ("full", "full@objects", "full@layouts"))
    mass = [[sum(thing.mass_kg for thing in one.things) for one in scenes] for scenes in (usual, wet)]
    assert max(mass[0]) < min(mass[1])
    assert {one.thing("towel").family for one in wet} == {"wet towel"}

    def turned(one: Scene) -> float:
        ahead = np.array(one.thing("corner_4").position_m) - one.thing("corner_1").position_m
        return abs(float(np.arctan2(ahead[1], ahead[0])))

    assert max(map(turned, usual)) < min(map(turned, askew))


def test_somebody_folds_it(done: Demonstration) -> None:
    assert done.success
    assert done.violations == ()
    assert done.progress == 1.0


def test_both_hands_took_a_corner_each_and_let_go(done: Demonstration, chore: FoldTowel) -> None:
    held = done.signals[HELD]
    assert chore.cloth is not None
    assert {chore.cloth.weave.points[int(point) - 1] for point in held[held > 0]} == {"corner_1", "corner_2"}
    assert not held[0].any()
    assert not held[-1].any()


def test_what_is_held_follows_the_hand(done: Demonstration, chore: FoldTowel) -> None:
    """While it is carried, a corner keeps its distance from the wrist: within 2 cm, as the wrist bends between them."""
    held, side = done.signals[HELD], SIDES.index("right")
    where = np.flatnonzero(held.all(1) & (done.signals["height_m"] > 0.05))
    assert chore.cloth is not None
    corner = chore.listing.things.index(chore.cloth.weave.points[int(held[where[0], side]) - 1])
    away = np.linalg.norm(done.signals["thing_position_m"][where, corner] - done.signals["wrist_m"][where, side], axis=-1)
    assert len(where) > 20
    assert np.ptp(away) < 0.02


def test_beside_another_one_it_is_the_same_to_the_bit(done: Demonstration, chore: FoldTowel, replay: ChoreReplay) -> None:
    """Switching one simulation's holds leaves the others' alone; the second take takes the corners 5 mm aside, and at other times."""
    aside = {number: Adjustment(offset_m=(0.005, 0.0, 0.0)) for number in range(2)}
    score = replay.scores["full", SEED, 0]
    both = ChoreReplay(chore, {**replay.scores, ("full", SEED, 1): replace(score, adjustments=aside)})
    wanted = [Episode("full", PLANTS["nominal"], SEED, take) for take in (1, 0)]
    other, same = rollout(chore, both, wanted, 2, 2, MILD)
    assert other.signals[HELD].any()
    assert not np.array_equal(other.signals[HELD], same.signals[HELD])
    for name, values in done.signals.items():
        assert np.array_equal(values, same.signals[name]), name
