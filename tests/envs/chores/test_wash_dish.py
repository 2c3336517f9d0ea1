"""Each rule of `wash_dish` on both sides, its scenes, and the force between sponge and plate."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from envs.chores.wash_dish import ENOUGH, FALL_MPS, HALF, IN_RACK_M, IN_RACK_RAD, LEAST_N, MOST_N, NEAR_M, PRESS_N, WashDish
from envs.household.dishes import (
    DISC_M,
    FACE_M,
    GIVES_M,
    LEAST_SITES,
    MOST_SITES,
    PAD_UP_M,
    PRELOAD_M,
    RACK_GAP_M,
    SOFT_N_PER_M,
    in_slot,
    sites_of,
)
from envs.household.scene import Scene
from motion.transform import Array, Transform, so3_exp
from tests.envs.chores.scenes import check_as_gymnasium_does, idle_alone_and_beside, still_look, true_at
from tests.envs.household.running import made


@pytest.fixture(scope="module")
def chore() -> WashDish:
    found = made("wash_dish")
    assert isinstance(found, WashDish)
    return found


@pytest.fixture(scope="module")
def scene(chore: WashDish) -> Scene:
    found = chore.scene("full", 1)
    assert found.side == "right"
    return found


def clean_from(scene: Scene, dirty: int) -> Array:
    """(48,) spots of which so many are dirty."""
    return (np.arange(MOST_SITES) < dirty).astype(float)


def sponge_before(scene: Scene, off_m: float = 0.0, aside_m: float = 0.0) -> dict[str, Transform]:
    """The sponge's face so far off the plate's middle, along its normal, and aside of it."""
    plate = scene.thing("plate").pose
    face = plate.apply(np.array([aside_m, 0.0, DISC_M + off_m]))
    turn = plate.wxyz
    upright = Transform(np.zeros(3), turn) @ Transform(np.zeros(3), so3_exp([-np.pi / 2, 0.0, 0.0]))
    return {"sponge": Transform(face - upright.apply(np.array([0.0, FACE_M, PAD_UP_M])), upright.wxyz)}


def wiped_by(chore: WashDish, scene: Scene, press_n: float, off_m: float = 0.0, aside_m: float = 0.0) -> Array:
    """(S,) spots that one period wipes."""
    before = {"dirty": clean_from(scene, MOST_SITES) * np.isfinite(sites_of(scene.thing("plate"))[:, 0])}
    look = still_look(chore, scene, sponge_before(scene, off_m, aside_m), before=before, force_n=(0.0, press_n, 0.0))
    return before["dirty"] - chore.extra(look)["dirty"][0]


@pytest.mark.parametrize(("press_n", "wipes"), [(LEAST_N - 0.1, False), (LEAST_N, True), (MOST_N, True), (MOST_N + 0.1, False)])
def test_spots_are_wiped_by_a_force_in_range(chore: WashDish, scene: Scene, press_n: float, wipes: bool) -> None:
    assert wiped_by(chore, scene, press_n).any() == wipes


def test_spots_are_wiped_where_the_pad_is_near_them(chore: WashDish, scene: Scene) -> None:
    across = sites_of(scene.thing("plate"))[:, 0]
    assert wiped_by(chore, scene, 5.0, NEAR_M - 0.001).any()
    assert not wiped_by(chore, scene, 5.0, NEAR_M + 0.001).any()
    gone = wiped_by(chore, scene, 5.0, aside_m=0.07) > 0
    assert gone.any()
    assert across[gone].min() > 0.07 - 0.028 - NEAR_M - 1e-9
    assert not wiped_by(chore, scene, 5.0, aside_m=0.2).any()


def test_a_squeezed_pad_has_its_face_where_it_touches(chore: WashDish, scene: Scene) -> None:
    before = {"dirty": np.ones(MOST_SITES)}
    into = sponge_before(scene, -0.02)
    for squeezed_m, wipes in ((0.02, True), (0.0, False)):
        look = still_look(chore, scene, into, before=before, force_n=(0.0, 7.0, 0.0), hinges={"pad": squeezed_m})
        assert (chore.extra(look)["wiped"][0] > 0.1) == wipes


def test_what_is_wiped_stays_wiped_and_is_seen(chore: WashDish, scene: Scene) -> None:
    look = still_look(chore, scene, before={"dirty": clean_from(scene, 5)})
    assert chore.extra(look)["dirty"][0].sum() == 5.0
    seen = chore.observe(look.moment)
    assert seen["dirty"][0].sum() == 5.0
    assert seen["wiped"][0, 0] == pytest.approx(1 - 5 / np.isfinite(sites_of(scene.thing("plate"))[:, 0]).sum())


@pytest.mark.parametrize(("stage", "share"), [("half_wiped", HALF), ("wiped", ENOUGH)])
def test_wiped_from_a_share_on(chore: WashDish, scene: Scene, stage: str, share: float) -> None:
    count = int(np.isfinite(sites_of(scene.thing("plate"))[:, 0]).sum())
    most = int(np.floor((1 - share) * count + 1e-9))
    for dirty, reached in ((most, True), (most + 1, False)):
        assert true_at(chore, still_look(chore, scene, before={"dirty": clean_from(scene, dirty)}), stage) == reached


def test_taken(chore: WashDish, scene: Scene) -> None:
    for stage, thing in (("sponge_taken", "sponge"), ("plate_taken", "plate")):
        home = scene.thing(thing).pose
        for up_m, taken in ((0.033, True), (0.025, False)):
            raised = {thing: Transform(home.position_m + [0, 0, up_m], home.wxyz)}
            assert true_at(chore, still_look(chore, scene, raised), stage) == taken


def racked(scene: Scene, off_m: Array | None = None, lean_rad: float = 0.0) -> dict[str, Transform]:
    """The plate in the rack, shifted along the rack's axes."""
    rack = scene.thing("rack").pose
    moved = rack @ Transform(np.zeros(3) if off_m is None else off_m, np.array([1.0, 0, 0, 0]))
    return {"plate": in_slot(moved, scene.thing("plate").half_m[0], 1.0, lean_rad)}


def test_goal_in_the_rack_released_and_still(chore: WashDish, scene: Scene) -> None:
    assert true_at(chore, still_look(chore, scene, racked(scene)), "goal")
    assert not true_at(chore, still_look(chore, scene), "goal"), "in its stand"
    for thing in ("plate", "sponge"):
        assert not true_at(chore, still_look(chore, scene, racked(scene), touched=(thing,)), "goal")
    assert not true_at(chore, still_look(chore, scene, racked(scene), speed_mps=0.03), "goal")
    for axis, limit_m in enumerate((IN_RACK_M, RACK_GAP_M, IN_RACK_M)):
        for share, stands in ((0.9, True), (1.1, False)):
            off = share * limit_m * np.eye(3)[axis]
            assert true_at(chore, still_look(chore, scene, racked(scene, off)), "goal") == stands, f"axis {axis}"
    for share, stands in ((0.95, True), (1.05, False)):
        leans = racked(scene, lean_rad=share * IN_RACK_RAD)
        assert true_at(chore, still_look(chore, scene, leans), "goal") == stands, "leaning on a wall"
    turned = Transform(racked(scene)["plate"].position_m, scene.thing("rack").pose.wxyz)
    assert not true_at(chore, still_look(chore, scene, {"plate": turned}), "goal"), "lying on the rack"


def test_tasks_do_without_the_other_half(chore: WashDish) -> None:
    wipe, rack = chore.scene("wipe", 1), chore.scene("rack", 1)
    assert true_at(chore, still_look(chore, wipe), "goal"), "the plate stays"
    assert true_at(chore, still_look(chore, wipe), "plate_taken")
    assert not true_at(chore, still_look(chore, wipe), "sponge_taken")
    assert true_at(chore, still_look(chore, rack), "wiped")
    assert true_at(chore, still_look(chore, rack), "sponge_taken")
    assert not true_at(chore, still_look(chore, rack), "goal")
    assert not np.isfinite(sites_of(rack.thing("plate"))).any()


@pytest.mark.parametrize(("name", "safe", "harmful"), [("press_n", PRESS_N, 30.5), ("plate_fall_mps", FALL_MPS, 0.45)])
def test_harm(chore: WashDish, name: str, safe: float, harmful: float) -> None:
    for worst, harms in ((safe, False), (harmful, True)):
        signals = {key: np.zeros(3) for key in ("press_n", "plate_fall_mps")} | {name: np.array([0.0, worst, 0.0])}
        found = chore.harm(signals, {})
        assert [key for key, (value, limit) in found.items() if value > limit] == ([name] if harms else [])


def test_a_plate_falls_only_out_of_everybodys_hands(chore: WashDish, scene: Scene) -> None:
    assert chore.extra(still_look(chore, scene, speed_mps=-0.5))["plate_fall_mps"][0] == pytest.approx(0.5)
    assert chore.extra(still_look(chore, scene, speed_mps=0.5))["plate_fall_mps"][0] == 0.0
    assert chore.extra(still_look(chore, scene, speed_mps=-0.5, touched=("plate",)))["plate_fall_mps"][0] == 0.0
    assert chore.extra(still_look(chore, scene, force_n=(3.0, 4.0, 0.0)))["press_n"][0] == pytest.approx(5.0)


def test_plates_have_24_to_48_spots_and_mirrored_ones_are_mirrored(chore: WashDish) -> None:
    scenes = [chore.scene("full", seed) for seed in range(40)]
    counts = [int(np.isfinite(sites_of(scene.thing("plate"))[:, 0]).sum()) for scene in scenes]
    assert min(counts) >= LEAST_SITES
    assert max(counts) <= MOST_SITES
    assert len(set(counts)) > 8
    for scene in scenes:
        facing = scene.thing("plate").pose.rotation()[1, 2]
        assert (facing < 0) == (scene.side == "right"), "the face to the hand that wipes"
        assert chore.numbers(scene)["pad_side"] == (1.0 if scene.side == "right" else -1.0)


def test_held_out_things_and_places_lie_in_ranges_of_their_own(chore: WashDish) -> None:
    def numbers(variant: str) -> Array:
        found = [chore.scene(variant, seed) for seed in range(40)]
        pairs = [(scene.thing("plate"), scene.thing("stand")) for scene in found]
        return np.array([(plate.half_m[0], plate.mass_kg, plate.friction, stand.position_m[0]) for plate, stand in pairs])

    usual, things, places = numbers("full"), numbers("full@objects"), numbers("full@layouts")
    assert things[:, :2].min(0) == pytest.approx(np.maximum(things[:, :2].min(0), usual[:, :2].max(0)))
    assert things[:, 2].max() < usual[:, 2].min()
    assert places[:, 3].min() > usual[:, 3].max()


def test_it_starts_dirty_and_doing_nothing_reaches_no_stage(chore: WashDish) -> None:
    first, verdict, one = idle_alone_and_beside(chore, "full@layouts")
    assert first["dirty"][0].sum() >= LEAST_SITES
    assert first["wiped"][0, 0] == 0.0
    assert verdict.progress == 0.0
    assert not verdict.violations
    assert one.signals["wiped"].max() == 0.0


def test_it_is_a_gymnasium_env(chore: WashDish) -> None:
    check_as_gymnasium_does(chore)


def test_the_pad_gives_way_like_a_spring_and_presses_on_the_plate(chore: WashDish, scene: Scene) -> None:
    """A sponge that nothing moves, 1.4 cm into the plate: what its spring says is what the plate feels."""
    model = chore.setup(0, 1).scene
    assert model is not None
    data, place = mujoco.MjData(model), chore.station.T_world_counter @ sponge_before(scene, -0.014)["sponge"]
    heavy, own = model.body("thing/sponge"), data.joint("thing/sponge")
    heavy.mass, heavy.inertia, model.opt.gravity = 1e5 * heavy.mass, 1e5 * heavy.inertia, 0.0  # it stays where it is put
    own.qpos[:] = [*place.position_m, *place.wxyz]
    data.joint("thing/pad").qpos[:] = 0.014  # else it would begin behind the plate
    mujoco.mj_step(model, data, 300)
    felt, into = [], -scene.thing("plate").pose.rotation()[:, 2]
    for _ in range(100):
        mujoco.mj_step(model, data)
        felt.append(data.sensor("net/plate/pad").data @ into)
    squeezed = float(data.joint("thing/pad").qpos[0])
    assert 0.005 < squeezed < GIVES_M
    assert np.mean(felt) == pytest.approx(SOFT_N_PER_M * (squeezed + PRELOAD_M), rel=0.1)
