"""Cloth: what it covers, how it is laid, and when a hand holds it."""

from __future__ import annotations

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from envs.household.chore import Household
from envs.household.cloth import CORNERS, HELD, LAW, STRETCH, cloth, covered_m2, edges, laid
from envs.household.cloth_model import holds_of
from envs.household.look import Look
from envs.household.things import Thing
from motion.landmarks import SIDES
from motion.transform import Array, Transform, so3_exp
from tests.envs.chores.scenes import still_look
from tests.envs.household.running import made

SIDE_M, ROWS = 0.30, 7


def square(yaw_rad: float = 0.0) -> tuple[Thing, ...]:
    return cloth("rag", (SIDE_M, SIDE_M), ROWS, 0.049, 0.6, (1.0, 0, 0, 1), (0.2, 0.1), yaw_rad)


def places(things: tuple[Thing, ...]) -> Array:
    return np.array([thing.position_m for thing in things if thing.point])


def test_a_cloth_lies_around_its_middle_and_weighs_what_it_should() -> None:
    things = square(0.3)
    assert places(things)[:, :2].mean(0) == pytest.approx([0.2, 0.1])
    assert sum(thing.mass_kg for thing in things) == pytest.approx(0.049)
    corners = [np.array(next(thing for thing in things if thing.name == name).position_m) for name in CORNERS]
    assert [np.linalg.norm(corners[k] - corners[k - 1]) for k in range(4)] == pytest.approx([SIDE_M] * 4)
    assert len(things[-1].weave.points) == ROWS**2  # type: ignore[union-attr]


def test_edges_of_meshes_each_once() -> None:
    """Two rows of three points: 7 along rows and columns, and a diagonal in both meshes."""
    assert len(edges(6, 3)) == 9
    assert len(edges(ROWS**2, ROWS)) == 2 * ROWS * (ROWS - 1) + (ROWS - 1) ** 2


@pytest.mark.parametrize("yaw_rad", [0.0, 0.3, 0.785])
def test_what_a_cloth_covers(yaw_rad: float) -> None:
    """Cells on its rim count whole: half a cell too much all around, 2 % of the whole and 3 % of a half."""
    flat = places(square(yaw_rad))
    grid = flat.reshape(ROWS, ROWS, 3)
    half = np.concatenate([grid[:3:-1], grid[3:]])
    crumpled = np.concatenate([grid[3:4]] * ROWS)
    found = covered_m2(np.stack([flat, half.reshape(-1, 3), crumpled.reshape(-1, 3)]), ROWS)
    assert found[0] == pytest.approx(SIDE_M**2, rel=0.04)
    assert found[1] / found[0] == pytest.approx(0.5, abs=0.015)
    assert found[2] < 0.1 * found[0]


def test_rows_do_not_depend_on_each_other() -> None:
    flat, turned = places(square()), places(square(0.4))
    np.testing.assert_array_equal(covered_m2(np.stack([flat, turned]), ROWS), [covered_m2(one[None], ROWS)[0] for one in (flat, turned)])


def test_a_cloth_is_laid_where_its_corners_were_seen_and_keeps_its_size() -> None:
    things = square()
    move = Transform(np.array([0.05, -0.1, 0.0]), so3_exp(np.array([0.0, 0.0, 0.2])))
    noise = np.random.default_rng(0).normal(0.0, 0.003, (4, 3))
    known = {thing.name: thing for thing in things}
    seen = {
        name: Transform(move.apply(np.array(known[name].position_m)) + off, known[name].pose.wxyz)
        for name, off in zip(CORNERS, noise, strict=True)
    }
    there = places(laid(things, seen))
    assert np.abs(there[:, :2] - move.apply(places(things))[:, :2]).max() < 0.006
    own = places(things)
    np.testing.assert_allclose(np.linalg.norm(there - there[0], axis=1), np.linalg.norm(own - own[0], axis=1), atol=1e-12)
    np.testing.assert_array_equal(there[:, 2], own[:, 2])
    assert laid(things, {"corner_1": seen["corner_1"]}) == things, "one point says nothing of how it is turned"


@pytest.fixture(scope="module")
def chore() -> Household:
    return made("fold_towel")


def pinching(
    chore: Household,
    gap_m: float = 0.02,
    forces_n: tuple[float, float] = (1.0, 1.0),
    over_m: float = 0.008,
    held: float = 0,
    pulled_m: float = 0.0,
) -> Look:
    """The right hand, its thumb and the other fingertips so far apart over the first corner, which is pulled up."""
    assert chore.cloth is not None
    scene = chore.scene("full", 0)
    corner = np.array(scene.thing("corner_1").position_m)
    raised = {"corner_1": Transform(corner + [0, 0, pulled_m], np.array([1.0, 0, 0, 0]))}
    look = still_look(chore, scene, raised, before={HELD: np.array([0.0, held])})
    names = list(chore.robot.landmarks)
    landmark = look.moment.state.landmark_m.copy()
    for name in names:
        if name.startswith("right_") and name.endswith("_tip"):
            off = np.array([-gap_m / 2 if "thumb" in name else gap_m / 2, 0.0, over_m + pulled_m])
            landmark[0, names.index(name)] = chore.station.T_world_counter.apply(corner + off)
    sensors = look.moment.sensors.copy()
    links = look.fingers[SIDES.index("right")]
    for part, force in ((0, forces_n[0]), (1, forces_n[1])):
        sensors[0, chore.listing.columns["link_force_n"]] += force * links[part] / max(links[part].sum(), 1.0)
    moment = replace(look.moment, state=replace(look.moment.state, landmark_m=landmark), sensors=sensors)
    return replace(look, moment=moment)


def holds(chore: Household, look: Look) -> str:
    """What the right hand holds."""
    assert chore.cloth is not None
    number = int(chore.cloth.signals(look)[HELD][0, SIDES.index("right")])
    return chore.cloth.weave.points[number - 1] if number else ""


def test_thumb_and_finger_that_press_a_point_between_them_take_it(chore: Household) -> None:
    assert holds(chore, pinching(chore)) == "corner_1"


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"gap_m": LAW.near_m + 0.005}, "an open hand"),
        ({"forces_n": (0.0, 5.0)}, "a finger alone"),
        ({"forces_n": (5.0, 0.1)}, "a thumb alone"),
        ({"forces_n": (60.0, 5.0)}, "a fist that leans on it"),
        ({"over_m": 0.05}, "a hand above it"),
    ],
)
def test_other_hands_do_not(chore: Household, how: dict, why: str) -> None:
    assert not holds(chore, pinching(chore, **how)), why


def test_what_is_held_stays_held_without_force_until_the_fingers_open(chore: Household) -> None:
    number = 1 + chore.cloth.weave.points.index("corner_1")  # type: ignore[union-attr]
    assert holds(chore, pinching(chore, forces_n=(0.0, 0.0), held=number)) == "corner_1"
    assert holds(chore, pinching(chore, gap_m=LAW.near_m + 0.01, held=number)) == "corner_1"
    assert not holds(chore, pinching(chore, gap_m=LAW.open_m + 0.001, forces_n=(0.0, 0.0), held=number))


def test_what_is_pulled_too_hard_or_out_of_the_fingers_is_let_go(chore: Household) -> None:
    """Meshes are 5 cm wide: 3 cm straight up makes their edges longer by a sixth and more."""
    number = 1 + chore.cloth.weave.points.index("corner_1")  # type: ignore[union-attr]
    strained = pinching(chore, held=number, pulled_m=0.035)
    assert chore.cloth.signals(strained)[STRETCH][0] > LAW.stretch  # type: ignore[union-attr]
    assert not holds(chore, strained)
    assert not holds(chore, pinching(chore, over_m=LAW.slip_m + 0.005, held=number, forces_n=(0.0, 0.0)))


def test_one_switch_for_each_hand_and_point(chore: Household) -> None:
    assert chore.cloth is not None
    points = chore.cloth.weave.points
    pairs = holds_of(chore.scene("full", 0).things)
    on = chore.cloth.switches(np.array([[0.0, 3.0], [49.0, 0.0], [0.0, 0.0]]))
    assert [[pairs[k] for k in np.flatnonzero(row)] for row in on] == [[("right", points[2])], [("left", points[48])], []]
    model = chore.model.model
    names = [mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_EQUALITY, int(k)) for k in chore.listing.parts.switches]
    assert names == [f"hold/{side}/{point}" for side, point in pairs]
    assert not model.eq_active0[chore.listing.parts.switches].any()
