"""How scenes look other than in training: each kind by what it does to the model or to a picture, and in rollouts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

import mujoco
import numpy as np
import pytest

from envs.chores.registry import make_household
from envs.disturbance import STREAMS, stream
from envs.episodes import Episode
from envs.household.appearance import MOST, NEUTRAL, Appearance, guise_of, light_of_mired
from envs.household.guise import brighter, developed, recoloured
from envs.household.picture import SceneRenderer
from envs.household.posed import PosedScene
from envs.household.viewpoints import CAMERAS
from envs.plants import PLANTS
from envs.rollout import rollout
from motion.demonstration import Demonstration
from motion.errors import ShapeError, UnknownNameError
from motion.transform import Array, matrix_from_wxyz
from tests.envs.household.small_chore import SmallChore
from tests.envs.household.test_sight import EPISODES, SIZE, STILL, Looking, apart
from understudy import build

KINDS = tuple(field.name for field in fields(Appearance))
TASK = "small_chore/full"


@pytest.fixture(scope="module")
def renderer(small: SmallChore) -> Iterator[SceneRenderer]:
    with SceneRenderer(small, *SIZE, cameras=("head", "shelf", "close")) as made:
        yield made


def worn(renderer: SceneRenderer, small: SmallChore, seed: int = 1, **strengths: float) -> mujoco.MjModel:
    """The drawn model of an episode in an appearance; as in training without strengths."""
    scene = small.setup(0, 1).scene
    assert scene is not None
    guise = guise_of(Appearance(**strengths), seed, TASK, len(renderer.posed.bodies)) if strengths else None
    renderer.set_scene(scene, guise)
    return renderer.posed.model


def looks(small: SmallChore, **strengths: float) -> tuple[list[np.ndarray], list[Demonstration]]:
    """What an actor sees of two episodes, and what it did."""
    actor = Looking()
    done = rollout(small, actor, EPISODES, slots=2, threads=1, disturbance=STILL, appearance=Appearance(**strengths))
    return [seen["image_head"] for seen in actor.seen], done


def test_neutral_pictures_are_those_of_training_bit_for_bit(small: SmallChore) -> None:
    usual = Looking()
    rollout(small, usual, EPISODES, slots=2, threads=1, disturbance=STILL)
    neutral, done = looks(small)
    assert len(neutral) == len(usual.seen) > 2
    for one, other in zip(neutral, usual.seen, strict=True):
        np.testing.assert_array_equal(one, other["image_head"])
    assert NEUTRAL.neutral
    assert "appearance" not in done[0].provenance.config


def test_another_appearance_changes_what_is_seen_and_nothing_that_happens(small: SmallChore) -> None:
    """Nor does it matter what is drawn beside: an episode alone looks as it does among others."""
    strengths = {kind: 0.05 * MOST[kind] for kind in KINDS}
    (plain, before), (together, after) = looks(small), looks(small, **strengths)
    assert all(apart(one[slot], seen[slot]) > 5.0 for one, seen in zip(plain, together, strict=True) for slot in (0, 1))
    for one, same in zip(before, after, strict=True):
        assert same.provenance.config["appearance"] == strengths
        np.testing.assert_array_equal(one.actions, same.actions)
        for name in one.signals:
            np.testing.assert_array_equal(one.signals[name], same.signals[name])
    alone = Looking()
    rollout(small, alone, EPISODES[1:], slots=1, threads=1, disturbance=STILL, appearance=Appearance(**strengths))
    for one, seen in zip(alone.seen, together, strict=True):
        np.testing.assert_array_equal(one["image_head"][0], seen[1])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_seen_and_more_of_it_more(renderer: SceneRenderer, small: SmallChore, kind: str) -> None:
    worn(renderer, small)
    plain, far = renderer.picture("close"), []
    for share in (0.05, 0.3):
        appearance = Appearance(**{kind: share * MOST[kind]})
        worn(renderer, small, **vars(appearance))
        guise = guise_of(appearance, 1, TASK, len(renderer.posed.bodies))
        far.append(apart(developed(renderer.picture("close"), guise, "close", 0), plain))
    assert far[1] > far[0] > 0.3


def test_a_guise_that_is_taken_off_leaves_nothing(renderer: SceneRenderer, small: SmallChore) -> None:
    worn(renderer, small)
    before = renderer.picture("close")
    worn(renderer, small, **{kind: 0.1 * MOST[kind] for kind in KINDS})
    assert apart(renderer.picture("close"), before) > 3.0
    worn(renderer, small)
    np.testing.assert_array_equal(renderer.picture("close"), before)


@pytest.mark.parametrize("camera", ["head", "shelf", "close"])
def test_cameras_are_moved_and_turned_by_as_much_as_is_said(renderer: SceneRenderer, small: SmallChore, camera: str) -> None:
    worn(renderer, small)
    mount = renderer.camera_pose(camera)
    for seed in range(4):
        worn(renderer, small, seed, camera_moved_m=0.05)
        moved = mount.inverse() @ renderer.camera_pose(camera)
        assert np.linalg.norm(moved.position_m) == pytest.approx(0.05, abs=1e-6)
        assert camera != "head" or moved.position_m[2] >= 0, "a phone was pushed into the forehead"
        np.testing.assert_allclose(moved.wxyz, [1, 0, 0, 0], atol=1e-6)
        worn(renderer, small, seed, camera_turned_rad=0.2)
        turned = mount.inverse() @ renderer.camera_pose(camera)
        assert 2 * np.arccos(min(1.0, abs(turned.wxyz[0]))) == pytest.approx(0.2, abs=1e-6)
        np.testing.assert_allclose(turned.position_m, 0.0, atol=1e-6)


def test_a_wider_view_shows_a_thing_smaller(renderer: SceneRenderer, small: SmallChore) -> None:
    """A quarter wider or narrower; which way is the seed's."""
    half = np.tan(np.radians(worn(renderer, small).cam_fovy) / 2)
    mug, ways = renderer.parts.index("mug"), set()
    before = (renderer.parts_seen("close") == mug).sum()
    for seed in range(6):
        times = np.tan(np.radians(worn(renderer, small, seed, view_scaled=0.25).cam_fovy) / 2) / half
        wider = bool(times[0] > 1)
        np.testing.assert_allclose(times, 1.25 if wider else 0.8)
        assert wider == ((renderer.parts_seen("close") == mug).sum() < before)
        ways.add(wider)
    assert ways == {True, False}


def test_light_is_scaled_coloured_and_turned(renderer: SceneRenderer, small: SmallChore) -> None:
    """Twice the light is 2^(1/2.2) = 1.37 times as bright on a display."""
    plain = worn(renderer, small)
    lamp, head, direction = plain.light_diffuse[0].copy(), plain.vis.headlight.ambient.copy(), plain.light_dir0[0].copy()
    for seed in range(3):
        own = worn(renderer, small, seed, light_scaled=1.0)
        times = own.light_diffuse[0] / lamp
        np.testing.assert_allclose(own.vis.headlight.ambient / head, times, rtol=1e-6)
        np.testing.assert_allclose(np.abs(np.log(times)), np.log(2) / 2.2, rtol=1e-6)
        own = worn(renderer, small, seed, light_turned_rad=0.7)
        between = direction @ own.light_dir0[0] / np.linalg.norm(direction) / np.linalg.norm(own.light_dir0[0])
        assert np.arccos(between) == pytest.approx(0.7, abs=1e-6)
    worn(renderer, small)
    before = renderer.picture("close")
    worn(renderer, small, light_turned_rad=1.0)
    assert apart(renderer.picture("close"), before) > 1.0


def test_colour_temperatures_are_plancks() -> None:
    """At 3200 K a black body has 1.50 times the red and 0.47 times the blue that it has at 6500 K, both beside green.

    x = 0.014388 / (wavelength T): at 6500 K 3.6287, 4.0246, 4.7603, at 3200 K 7.3709, 8.1750, 9.6694 for red, green, blue;
    1 / (e^x - 1): 0.027283, 0.018195, 0.008637 and 0.00062970, 0.00028168, 0.000063170; ratios 0.023080, 0.015481, 0.0073139.
    """
    linear = light_of_mired(1e6 / 3200 - 1e6 / 6500) ** 2.2
    np.testing.assert_allclose(linear / linear[1], [1.4908, 1.0, 0.47244], rtol=2e-3)
    np.testing.assert_array_equal(light_of_mired(0.0), 1.0)
    warm, cold = light_of_mired(100.0), light_of_mired(-100.0)
    assert warm[0] == 1.0 > warm[1] > warm[2]
    assert cold[2] == 1.0 > cold[1] > cold[0]


def test_things_and_counter_are_recoloured_each_by_itself(renderer: SceneRenderer, small: SmallChore) -> None:
    plain = worn(renderer, small)
    before, part = plain.geom_rgba.copy(), renderer.posed.part_of[:-1]
    own = worn(renderer, small, seed=5, hue_rad=2.0, shade_scaled=0.5).geom_rgba
    np.testing.assert_array_equal(own[part < 2], before[part < 2])
    np.testing.assert_array_equal(own[:, 3], before[:, 3])
    changed = np.abs(own - before).max(1) > 0.02
    coloured = (part >= 2) & (before[:, 3] > 0)
    assert changed[coloured].all()
    turned = np.sign(guise_of(Appearance(hue_rad=1.0), 5, TASK, len(renderer.posed.bodies)).hue_rad)
    assert set(turned) == {1.0, -1.0}


def test_cloth_is_recoloured_as_a_thing_is() -> None:
    chore = make_household("fold_towel", "g1_dex3")
    posed, scene = PosedScene(chore), chore.setup(0, 1).scene
    assert scene is not None
    posed.set_scene(scene, guise=guise_of(Appearance(hue_rad=1.0), 1, "fold_towel/full", len(posed.bodies)))
    assert np.abs(posed.model.flex_rgba[:, :3] - scene.flex_rgba[:, :3]).max() > 0.1
    np.testing.assert_allclose(posed.model.flex_rgba[:, :3].sum(1), scene.flex_rgba[:, :3].sum(1), rtol=1e-6)


def test_a_third_of_the_wheel_turns_red_into_green_and_leaves_grey() -> None:
    colours = np.array([[0.9, 0.1, 0.1], [0.4, 0.4, 0.4]])
    turned = recoloured(colours, np.full(2, 2 * np.pi / 3), np.ones(2))
    np.testing.assert_allclose(turned, [[0.1, 0.9, 0.1], [0.4, 0.4, 0.4]], atol=1e-12)
    np.testing.assert_allclose(recoloured(colours, np.zeros(2), np.array([2.0, 1.0]))[0], [0.99, 0.19, 0.19])


def test_what_saturates_is_never_beyond_white() -> None:
    level = np.linspace(0.0, 1.0, 11)
    np.testing.assert_allclose(brighter(level, 1.0), level, atol=1e-15)
    assert brighter(np.array(0.001), 4.0) == pytest.approx(0.004, rel=0.01)
    assert (np.diff(brighter(level, 8.0)) > 0).all()
    assert brighter(level, 8.0).max() == 1.0


def test_a_camera_blurs_exposes_and_adds_noise_as_it_is_told() -> None:
    """A white dot on black: its blur keeps its light, 2.4 px wide. Grey 128 is 0.2195 of the light, a stop more 0.3908, so 166."""
    plain = guise_of(NEUTRAL, 0, TASK, 1)
    dot = np.zeros((48, 64, 3), np.uint8)
    assert developed(dot, plain, "head", 0) is dot
    dot[24, 32] = 255
    light = (developed(dot, replace(plain, blur=0.05), "head", 0)[..., 0] / 255) ** 2.2
    rows = np.arange(48)[:, None] - 24
    assert light.sum() == pytest.approx(1.0, abs=0.05)
    assert np.sqrt((light * rows**2).sum() / light.sum()) == pytest.approx(2.4, rel=0.05)
    grey = np.full((48, 64, 3), 128, np.uint8)
    assert (developed(grey, replace(plain, exposure=2.0), "head", 0) == 166).all()
    assert (developed(grey, replace(plain, gamma=2.0), "head", 0) == 64).all()
    speckled = replace(plain, noise=0.1, noise_seed=7)
    shots = {(camera, step): developed(grey, speckled, camera, step) for camera in ("head", "shelf") for step in (0, 1)}
    assert shots["head", 0].std() / 255 == pytest.approx(0.1, rel=0.05)
    np.testing.assert_array_equal(shots["head", 0], developed(grey, speckled, "head", 0))
    assert all(apart(shots["head", 0], shots[other]) > 10 for other in (("head", 1), ("shelf", 0), ("shelf", 1)))


def ways(seed: int, **strengths: float) -> dict[str, Array]:
    """All numbers of a guise, flat."""
    guise = guise_of(Appearance(**strengths), seed, TASK, 4)
    return {
        name: np.concatenate([*value.values()]) if isinstance(value, dict) else np.atleast_1d(value) for name, value in vars(guise).items()
    }


def test_a_stronger_appearance_goes_the_same_way_and_moves_no_other(small: SmallChore) -> None:
    weak, strong = ways(3, camera_moved_m=0.01, hue_rad=0.1), ways(3, camera_moved_m=0.04, hue_rad=0.4, noise=0.2)
    np.testing.assert_allclose(strong["moved_m"], 4 * weak["moved_m"])
    np.testing.assert_allclose(strong["hue_rad"], 4 * weak["hue_rad"])
    assert {name for name in weak if not np.array_equal(weak[name], strong[name])} == {"moved_m", "hue_rad", "noise"}
    other = ways(4, camera_moved_m=0.01)["moved_m"]
    assert np.abs(other - weak["moved_m"]).max() > 1e-3
    assert len(other) == 3 * len(CAMERAS)


def test_the_stream_of_looks_leaves_the_others_where_they_were() -> None:
    """The first numbers of every stream as they were before there were looks."""
    assert {name: place for name, place in STREAMS.items() if place < 8} == {
        name: place for place, name in enumerate(("plant", "start", "push", "action", "interval", "sensor", "shove", "drift"))
    }
    assert stream("start", 5, TASK).standard_normal() != stream("look", 5, TASK).standard_normal()


def test_turns_in_the_picture_are_rotations(renderer: SceneRenderer, small: SmallChore) -> None:
    """Whatever is worn, the axes of a camera stay upright on each other."""
    own = worn(renderer, small, camera_turned_rad=1.0, camera_moved_m=0.1)
    for wxyz in own.cam_quat:
        turn = matrix_from_wxyz(wxyz)
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)


@pytest.mark.parametrize(
    ("strengths", "message"),
    [
        ({"camera_moved_m": -0.1}, "camera_moved_m has to lie in 0 .. 0.5; it is -0.1"),
        ({"camera_turned_rad": 90.0}, "camera_turned_rad has to lie in 0 .. 1.571; it is 90"),
        ({"light_mired": 200.0}, "light_mired has to lie in 0 .. 150; it is 200"),
        ({"noise": float("nan")}, "noise has to lie in 0 .. 1; it is nan"),
        ({"exposure_stops": float("inf")}, "exposure_stops has to lie in 0 .. 6; it is inf"),
    ],
)
def test_what_an_appearance_cannot_be(strengths: dict[str, float], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        Appearance(**strengths)


def test_an_appearance_is_built_from_settings() -> None:
    assert build(Appearance, {"noise": 0.1, "light_mired": 50}, "appearance") == Appearance(noise=0.1, light_mired=50.0)
    with pytest.raises(UnknownNameError, match="Did you mean 'light_mired'"):
        build(Appearance, {"light_mirred": 50}, "appearance")


def test_a_look_is_no_ones_business_who_does_not_look(small: SmallChore) -> None:
    """It is noted all the same."""
    blind = Looking({})
    (done,) = rollout(small, blind, [Episode("full", PLANTS["nominal"], 1)], threads=1, appearance=Appearance(noise=0.1))
    assert done.provenance.config["appearance"]["noise"] == 0.1
    assert not any(name.startswith("image") for name in blind.names)
