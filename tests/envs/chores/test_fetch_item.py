"""Each rule of `fetch_item` on both sides, its scenes, a base that stands elsewhere, and what furniture does to the robot."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from envs.chores.fetch_item import FAMILIES, FURNITURE_N, ON_MARK_M, SHELF_HALF_M, FetchItem, place_before
from envs.chores.registry import make_household
from envs.episodes import Episode, Episodes
from envs.household.link_classes import LINK_CLASSES
from envs.household.scene import Scene
from envs.plants import PLANTS
from motion.errors import UnknownNameError
from motion.handling import stand_at
from motion.transform import Array, Transform, so3_exp
from robots.station import station
from tests.envs.chores.scenes import still_look, true_at


@pytest.fixture(scope="module")
def chore() -> FetchItem:
    found = make_household("fetch_item", "g1_dex3")
    assert isinstance(found, FetchItem)
    return found


@pytest.fixture(scope="module")
def scene(chore: FetchItem) -> Scene:
    return chore.scene("full", 1)


def on_table(scene: Scene, off_m: float = 0.0, up_m: float = 0.0, lean_rad: float = 0.0) -> dict[str, Transform]:
    """The item beside the mark's middle."""
    place = np.array(scene.thing("mark").position_m) + [0.0, off_m, up_m]
    return {"item": Transform(place, so3_exp([lean_rad, 0.0, 0.0]))}


def test_touched_and_taken(chore: FetchItem, scene: Scene) -> None:
    home = scene.thing("item").pose
    assert not true_at(chore, still_look(chore, scene), "touched")
    assert true_at(chore, still_look(chore, scene, touched=("item",)), "touched")
    for up_m, taken in ((0.025, True), (0.015, False)):
        raised = {"item": Transform(home.position_m + [0, 0, up_m], home.wxyz)}
        assert true_at(chore, still_look(chore, scene, raised, touched=("item",)), "taken") == taken
        assert not true_at(chore, still_look(chore, scene, raised), "taken"), "thrown"


def test_carried_near_the_mark(chore: FetchItem, scene: Scene) -> None:
    for off_m, carried in ((0.39, True), (0.41, False)):
        assert true_at(chore, still_look(chore, scene, on_table(scene, off_m, 0.1), touched=("item",)), "carried") == carried
    assert not true_at(chore, still_look(chore, scene, on_table(scene, 0.1, 0.1)), "carried")


def test_placed_upright_on_the_mark_still_and_released(chore: FetchItem, scene: Scene) -> None:
    assert true_at(chore, still_look(chore, scene, on_table(scene)), "placed")
    for off_m, placed in ((ON_MARK_M - 0.001, True), (ON_MARK_M + 0.001, False)):
        assert true_at(chore, still_look(chore, scene, on_table(scene, off_m)), "placed") == placed
    assert not true_at(chore, still_look(chore, scene, on_table(scene, up_m=0.012)), "placed")
    assert not true_at(chore, still_look(chore, scene, on_table(scene, lean_rad=0.25)), "placed")
    assert not true_at(chore, still_look(chore, scene, on_table(scene), touched=("item",)), "placed")
    assert not true_at(chore, still_look(chore, scene, on_table(scene), speed_mps=0.04), "placed")
    goal = chore.stages[-1]
    assert (goal.name, goal.after, goal.hold_s) == ("placed", ("carried",), 1.0)


@pytest.mark.parametrize(("force_n", "harms"), [(FURNITURE_N - 1, False), (FURNITURE_N + 1, True)])
def test_furniture_harms_beyond_its_limit(chore: FetchItem, force_n: float, harms: bool) -> None:
    force = np.zeros((3, len(LINK_CLASSES)))
    force[1, 4] = force_n
    value, limit = chore.harm({"furniture_force_n": force}, {})["furniture_force_n"]
    assert (value > limit) == harms


def test_an_item_on_the_floor_is_lost(chore: FetchItem, scene: Scene) -> None:
    low = {"item": Transform(np.array([-0.5, 0.0, -0.5]), np.array([1.0, 0, 0, 0]))}
    for poses, lost in ((low, 1.0), ({}, 0.0)):
        look = still_look(chore, scene, poses)
        assert chore.measure(look.moment)["lost"][0] == lost


def test_it_drives_or_does_nothing(chore: FetchItem) -> None:
    assert chore.model.base_mode == "planar"
    for base in ("fixed", "gantry"):
        with pytest.raises(UnknownNameError, match=f"unknown base '{base}' in chore fetch_item. Known: planar"):
            make_household("fetch_item", "g1_dex3", base)


def test_it_begins_where_the_scene_says(chore: FetchItem) -> None:
    """A robot's base is as far from the stand as it is from the counter's frame when it works there; mirrored scenes turn it round."""
    own, sides = station(chore.robot), set()
    for seed in range(8):
        scene, setup = chore.scene("full", seed), chore.setup(0, seed)
        sides.add(scene.side)
        place = chore.start(np.zeros(1, int), np.zeros((1, len(chore.robot.joint_names))), [setup]).qpos[0, :3]
        wanted = own.T_world_counter @ stand_at(np.array(scene.stand)) @ own.T_counter_base
        np.testing.assert_allclose(place[:2], wanted.position_m[:2], atol=1e-9)
        assert place[2] == pytest.approx(scene.stand[2])
        assert (scene.thing("shelf").position_m[1] > 0) == (scene.side == "left")
    assert sides == {"left", "right"}


def test_scenes_are_the_same_for_all_robots_above_the_floor(chore: FetchItem) -> None:
    """The item stands on its board, legs reach the floor, and what differs is only how far down that is."""
    other = make_household("fetch_item", "talos")
    assert chore.scene("full", 3) == other.scene("full", 3)
    for own in (chore, other):
        model = own.setup(0, 3).scene
        assert model is not None
        data = mujoco.MjData(model)
        mujoco.mj_kinematics(model, data)
        shelf = model.body("thing/shelf").id
        posts = [g for g in range(model.ngeom) if model.geom_bodyid[g] == shelf and model.geom_size[g, 2] > 0.1]
        assert len(posts) == 4
        assert data.geom_xpos[posts, 2] - model.geom_size[posts, 2] == pytest.approx(0.0, abs=1e-9)


def test_the_item_stands_where_a_hand_before_the_shelf_reaches_it(chore: FetchItem) -> None:
    for variant in chore.variants:
        for seed in range(30):
            scene = chore.scene(variant, seed)
            seen = stand_at(np.array(place_before(scene.thing("shelf")))).inverse().apply(scene.thing("item").position_m)
            side = -1.0 if scene.side == "right" else 1.0
            assert 0.16 < seen[0] < 0.24
            assert 0.07 < side * seen[1] < 0.25
            assert seen[2] == pytest.approx(scene.thing("shelf").position_m[2])
            assert seen[0] < 2 * SHELF_HALF_M[0]


def test_families_take_turns_and_always_have_the_same_parts(chore: FetchItem) -> None:
    kinds = set()
    for seed in range(20):
        item = chore.scene("full", seed).thing("item")
        kinds.add(item.family)
        assert [shape.kind for shape in item.shapes] == ["cylinder", "cylinder", "box"]
        assert item.grips
        assert item.mass_kg == pytest.approx(sum(shape.mass_kg for shape in item.shapes))
    assert kinds == set(FAMILIES)


def test_held_out_things_and_places_lie_in_ranges_of_their_own(chore: FetchItem) -> None:
    def numbers(variant: str) -> Array:
        scenes = [chore.scene(variant, seed) for seed in range(40)]
        return np.array(
            [(scene.thing("item").mass_kg, scene.thing("item").friction, abs(scene.thing("shelf").position_m[1])) for scene in scenes]
        )

    usual, things, places = numbers("full"), numbers("full@objects"), numbers("full@layouts")
    assert things[:, 0].min() > usual[:, 0].max()
    assert things[:, 1].max() < usual[:, 1].min()
    assert places[:, 2].min() > usual[:, 2].max()


def test_driving_into_the_table_is_felt(chore: FetchItem) -> None:
    """The robot drives ahead until it meets the table, and is felt to by its own links only."""
    episodes = Episodes(chore, 1)
    episodes.reset([0], [Episode("full", PLANTS["nominal"], 1)])
    seen = episodes.step([0], np.r_[chore.robot.rest_rad, 0.0, 0.0, 0.0][None]).observation
    felt = []
    for _ in range(150):
        yaw = seen["base_pose"][0, 2]
        seen = episodes.step([0], np.r_[chore.robot.rest_rad, 0.5 * np.cos(yaw), -0.5 * np.sin(yaw), -yaw][None]).observation
        felt.append(episodes.demonstration(0, "drive").signals["furniture_force_n"][-1])
        if felt[-1].max() > FURNITURE_N:
            break
    assert np.max(felt[:10]) == 0.0
    assert np.max(felt) > FURNITURE_N
    assert "furniture_force_n" in episodes.verdict(0).violations
