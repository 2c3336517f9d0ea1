"""Pictures of scenes: what stands there is in them, where it stands, as large and as coloured as in its episode."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from envs.episodes import Episode, Episodes
from envs.gl import RenderError
from envs.household.picture import SceneRenderer
from envs.household.posed import Placement
from envs.plants import PLANTS
from motion.errors import RobotError, ShapeError, UnknownNameError
from motion.lens import HEAD_LENS
from motion.transform import Array, Transform, quaternion_product
from tests.envs.household.small_chore import SmallChore

SIZE = (160, 120)


@pytest.fixture(scope="module")
def renderer(small: SmallChore) -> Iterator[SceneRenderer]:
    with SceneRenderer(small, *SIZE, cameras=("head", "shelf", "close")) as made:
        yield made


@pytest.fixture
def begun(small: SmallChore) -> Placement:
    """The beginning of episode 0, as it is simulated."""
    episodes = Episodes(small, 1)
    episodes.reset([0], [Episode("full", PLANTS["nominal"], 0)])
    return Placement.of_state(episodes.state(0))


def pixels(renderer: SceneRenderer, camera: str, part: str) -> np.ndarray:
    """Where a part is seen."""
    return renderer.parts_seen(camera) == renderer.parts.index(part)


def centre(mask: np.ndarray) -> Array:
    """Mean column and row."""
    rows, columns = np.nonzero(mask)
    return np.array([columns.mean(), rows.mean()])


@pytest.mark.parametrize("camera", ["head", "shelf", "close"])
def test_every_camera_sees_robot_counter_and_things(renderer: SceneRenderer, camera: str) -> None:
    renderer.set_episode("full", 0)
    picture = renderer.picture(camera)
    assert picture.shape == (120, 160, 3)
    assert picture.dtype == np.uint8
    for part in ("robot", "counter", "mug", "box", "cupboard"):
        assert pixels(renderer, camera, part).sum() > 25, f"{camera} does not see the {part}"


def test_things_have_their_colours_in_the_places_where_they_are_seen(renderer: SceneRenderer) -> None:
    renderer.set_episode("full", 0)
    picture = renderer.picture("close").astype(int)
    for part, channel in (("box", 0), ("mug", 2)):
        colour = picture[pixels(renderer, "close", part)].mean(0)
        assert colour.argmax() == channel, f"the {part} is {colour}"


def test_the_heads_camera_sees_what_a_workers_phone_would(small: SmallChore, renderer: SceneRenderer, begun: Placement) -> None:
    """The mug's pixel is where the lens puts it, with the camera where the renderer has it."""
    renderer.set_episode("full", 0)
    middle = np.array([0.15, -0.12, 0.05])
    alone = replace(begun, joint_position_rad=small.robot.rest_rad, bead_m=begun.bead_m + [0.0, 0.0, -5.0])
    renderer.place(alone)
    camera = renderer.camera_pose("head")
    local = camera.inverse().apply(small.station.T_world_counter.apply(middle))
    focal = HEAD_LENS.focal_px * SIZE[1] / HEAD_LENS.height_px
    wanted = focal * local[:2] / local[2] + np.array(SIZE) / 2
    assert centre(pixels(renderer, "head", "mug")) == pytest.approx(wanted, abs=2.0)
    mug = renderer.depth_m("head")[pixels(renderer, "head", "mug")]
    assert mug.mean() == pytest.approx(local[2], abs=0.04)
    ahead = camera.rotation()[:, 2]
    assert np.degrees(np.arcsin(-ahead[2])) == pytest.approx(40.0, abs=0.5)
    assert ahead[1] == pytest.approx(0.0, abs=1e-3)


def test_scenes_differ_in_size_and_colour(renderer: SceneRenderer, small: SmallChore) -> None:
    seen = []
    heights = [small.scene("full", seed).thing("box").half_m[2] for seed in range(6)]
    for seed in (int(np.argmin(heights)), int(np.argmax(heights))):
        renderer.set_episode("full", seed)
        box = pixels(renderer, "close", "box")
        seen.append((box.sum(), renderer.picture("close")[box].mean(0)))
    assert seen[1][0] > 1.15 * seen[0][0], "the taller box fills no more pixels"
    assert np.abs(seen[1][1] - seen[0][1]).max() > 2, "both boxes have one colour"


def test_things_hinges_beads_and_joints_are_drawn_where_they_are(renderer: SceneRenderer, begun: Placement, small: SmallChore) -> None:
    renderer.set_episode("full", 0)
    renderer.place(begun)
    before = {part: pixels(renderer, "close", part) for part in ("box", "door", "bead_0", "robot")}
    lifted, row = begun.thing_m.copy(), small.listing.things.index("box")
    lifted[row, 2] += 0.08
    turned, leaf = begun.thing_wxyz.copy(), small.listing.things.index("door")
    turned[leaf] = quaternion_product(turned[leaf], np.array([np.cos(0.7), 0.0, 0.0, -np.sin(0.7)]))
    renderer.place(
        replace(
            begun,
            thing_m=lifted,
            thing_wxyz=turned,
            bead_m=begun.bead_m + np.array([0.0, -0.08, 0.10]),
            joint_position_rad=np.clip(begun.joint_position_rad + 0.2, small.robot.lower_rad, small.robot.upper_rad),
        )
    )
    after = {part: pixels(renderer, "close", part) for part in before}
    assert centre(after["box"])[1] < centre(before["box"])[1] - 5, "the box was not lifted"
    assert after["door"].sum() > 1.5 * before["door"].sum(), "the door did not swing into view"
    assert not before["bead_0"].any()
    assert after["bead_0"].any(), "the bead is still in the mug"
    assert (after["robot"] != before["robot"]).mean() > 0.01


def test_scenes_that_were_set_elsewhere_are_drawn_there(renderer: SceneRenderer, begun: Placement, small: SmallChore) -> None:
    """A recording's fixtures stand where they were seen, not where the seed has them."""
    renderer.set_episode("full", 0)
    renderer.place(begun)
    before = pixels(renderer, "close", "cupboard")
    moved, row = begun.thing_m.copy(), small.listing.things.index("cupboard")
    moved[row, 2] += 0.1
    renderer.place(replace(begun, thing_m=moved))
    assert centre(pixels(renderer, "close", "cupboard"))[1] < centre(before)[1] - 5


def test_what_broke_down_changes_nothing(renderer: SceneRenderer, begun: Placement) -> None:
    renderer.place(begun)
    before = renderer.picture("shelf")
    renderer.place(replace(begun, joint_position_rad=np.full_like(begun.joint_position_rad, np.nan)))
    assert (renderer.picture("shelf") == before).all()


def test_a_base_that_drives_is_drawn_where_it_is(renderer: SceneRenderer, begun: Placement) -> None:
    renderer.place(begun)
    before = pixels(renderer, "shelf", "robot")
    base = Transform(begun.T_world_base.position_m + [-0.4, 0.0, 0.0], begun.T_world_base.wxyz)
    renderer.place(replace(begun, T_world_base=base))
    assert pixels(renderer, "shelf", "robot").sum() < before.sum()
    assert (pixels(renderer, "shelf", "counter").sum()) > 0


def test_fine_pictures_have_shadows(small: SmallChore) -> None:
    with SceneRenderer(small, *SIZE, cameras=("close",), fine=True) as fine, SceneRenderer(small, *SIZE, cameras=("close",)) as quick:
        counter = pixels(quick, "close", "counter")
        shaded = [(renderer.picture("close").max(2) < 150)[counter].mean() for renderer in (fine, quick)]
    assert shaded[0] > 0.003 > shaded[1]


@pytest.mark.parametrize("name", ["alex_psyonic", "talos"])
def test_other_robots_see_their_work(name: str) -> None:
    with SceneRenderer(SmallChore(name), *SIZE) as renderer:
        for camera in ("head", "shelf"):
            assert pixels(renderer, camera, "mug").sum() > 8
            share = pixels(renderer, camera, "robot").mean()
            assert 0.01 < share < 0.5, f"the robot fills {share:.0%} of {camera}"


def test_what_cannot_be_drawn_is_said(small: SmallChore, begun: Placement) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'shelf'"):
        SceneRenderer(small, cameras=("shelve",))
    renderer = SceneRenderer(small, *SIZE, cameras=("shelf",))
    with pytest.raises(UnknownNameError, match="head"):
        renderer.picture("head")
    renderer.close()
    renderer.close()
    with pytest.raises(RenderError, match="closed"):
        renderer.picture("shelf")
    with pytest.raises(ShapeError, match="thing_position_m"):
        Placement.of_signals({"joint_position_rad": np.zeros((1, 3))}, 0)


def test_a_robot_without_a_head_is_refused(small: SmallChore, monkeypatch: pytest.MonkeyPatch) -> None:
    landmarks = {name: point for name, point in small.robot.landmarks.items() if not name.startswith("head")}
    monkeypatch.setattr(small, "robot", replace(small.robot, landmarks=landmarks))
    with pytest.raises(RobotError, match="names no head"):
        SceneRenderer(small, cameras=("head",))
