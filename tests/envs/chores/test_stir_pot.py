"""Each rule of `stir_pot` on both sides, its scenes, and the force between spoon and pot."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from envs.chores.stir_pot import BEAD_RADIUS_M, LATERAL_N, MOVED_M, POT_WALL_M, StirPot
from envs.household.scene import Scene
from motion.transform import Array, Transform, so3_exp
from tests.envs.chores.scenes import check_as_gymnasium_does, idle_alone_and_beside, still_look, true_at
from tests.envs.household.running import made


@pytest.fixture(scope="module")
def chore() -> StirPot:
    found = made("stir_pot")
    assert isinstance(found, StirPot)
    return found


@pytest.fixture(scope="module")
def scene(chore: StirPot) -> Scene:
    return chore.scene("full", 1)


def spoon_at(scene: Scene, angle_rad: float, radius_m: float = 0.03, over_bottom_m: float = 0.004) -> dict[str, Transform]:
    """The spoon upright in the pot, its tip at an angle about the pot's axis."""
    bottom = np.array(scene.thing("pot").position_m) + [0, 0, POT_WALL_M]
    place = bottom + [radius_m * np.cos(angle_rad), radius_m * np.sin(angle_rad), over_bottom_m]
    return {"spoon": Transform(place, scene.thing("spoon").pose.wxyz)}


def turned(chore: StirPot, scene: Scene, angles_rad: Array, over_bottom_m: float = 0.004) -> float:
    """Turns counted while the tip goes along angles."""
    before: dict[str, float] = {}
    for angle in angles_rad:
        extra = chore.extra(still_look(chore, scene, spoon_at(scene, angle, 0.03, over_bottom_m), before=before))
        before = {name: float(extra[name][0]) for name in ("turns", "tip_angle_rad", "tip_counts", "mixing")}
    return before["turns"]


def test_taken(chore: StirPot, scene: Scene) -> None:
    home = scene.thing("spoon").pose
    for up_m, taken in ((0.06, True), (0.04, False)):
        raised = {"spoon": Transform(home.position_m + [0, 0, up_m], home.wxyz)}
        assert true_at(chore, still_look(chore, scene, raised), "taken") == taken


@pytest.mark.parametrize(
    ("where", "dipped"),
    [
        ({}, True),
        ({"over_bottom_m": 2 * BEAD_RADIUS_M - 0.0095}, False),
        ({"over_bottom_m": 2 * BEAD_RADIUS_M - 0.0115}, True),
        ({"radius_m": 0.005}, False),
        ({"radius_m": 0.09}, False),
        ({"over_bottom_m": -0.01}, False),
    ],
)
def test_dipped_a_centimetre_below_the_beads_and_off_the_axis(chore: StirPot, scene: Scene, where: dict[str, float], dipped: bool) -> None:
    beads = np.array([thing.position_m for thing in scene.things if thing.role == "bead"])
    beads[:, 2] = POT_WALL_M + BEAD_RADIUS_M
    assert true_at(chore, still_look(chore, scene, spoon_at(scene, 1.0, **where), beads), "dipped") == dipped


def test_turns_add_up_at_depth_alone_and_cancel_backwards(chore: StirPot, scene: Scene) -> None:
    forth = np.linspace(0.0, 4 * np.pi, 25)
    assert turned(chore, scene, forth) == pytest.approx(2.0)
    assert turned(chore, scene, -forth) == pytest.approx(-2.0)
    assert turned(chore, scene, np.r_[forth, forth[::-1]]) == pytest.approx(0.0, abs=1e-9)
    assert turned(chore, scene, forth, over_bottom_m=0.03) == 0.0


def test_stirred_from_five_turns_on_either_way(chore: StirPot, scene: Scene) -> None:
    for turns, stirred in ((5.01, True), (-5.01, True), (4.9, False)):
        assert true_at(chore, still_look(chore, scene, before={"turns": turns}), "stirred") == stirred


def test_mixed_by_the_mean_of_a_while(chore: StirPot, scene: Scene) -> None:
    heaps = np.array([thing.position_m for thing in scene.things if thing.role == "bead"])
    shuffled = np.random.default_rng(0).permutation(heaps)
    assert true_at(chore, still_look(chore, scene, beads_m=shuffled, before={"mixing": 0.85}), "mixed")
    assert not true_at(chore, still_look(chore, scene, beads_m=shuffled, before={"mixing": 0.3}), "mixed"), "a moment is not enough"
    assert not true_at(chore, still_look(chore, scene, beads_m=heaps, before={"mixing": 0.79}), "mixed")


def test_goal_put_away_released_and_still(chore: StirPot, scene: Scene) -> None:
    assert true_at(chore, still_look(chore, scene), "goal"), "in the holder"
    assert not true_at(chore, still_look(chore, scene, touched=("spoon",)), "goal")
    assert not true_at(chore, still_look(chore, scene, speed_mps=0.05), "goal")
    assert not true_at(chore, still_look(chore, scene, spoon_at(scene, 0.0)), "goal"), "left in the pot"
    laid = Transform(np.array([0.2, -0.4, 0.012]), so3_exp([0.0, np.pi / 2, 0.0]))
    assert true_at(chore, still_look(chore, scene, {"spoon": laid}), "goal"), "lying on the counter"
    held = Transform(np.array([0.2, -0.4, 0.2]), so3_exp([0.0, 0.0, 0.0]))
    assert not true_at(chore, still_look(chore, scene, {"spoon": held}), "goal")


def test_the_goal_waits_for_stirring_and_mixing(chore: StirPot) -> None:
    goal = chore.stages[-1]
    assert goal.name == "goal"
    assert set(goal.after) == {"stirred", "mixed"}
    assert goal.hold_s == 1.0


@pytest.mark.parametrize(
    ("name", "safe", "harmful"), [("pot_moved_m", MOVED_M, 0.051), ("lateral_n", LATERAL_N, 15.5), ("beside", 0.0, 1.0)]
)
def test_harm(chore: StirPot, name: str, safe: float, harmful: float) -> None:
    for worst, harms in ((safe, False), (harmful, True)):
        signals = {key: np.zeros(3) for key in ("pot_moved_m", "lateral_n", "beside")} | {name: np.array([0.0, worst, 0.0])}
        found = chore.harm(signals, {})
        assert [key for key, (value, limit) in found.items() if value > limit] == ([name] if harms else [])


def test_what_is_done_to_the_pot_is_measured(chore: StirPot, scene: Scene) -> None:
    pot = scene.thing("pot").pose
    moved = {"pot": Transform(pot.position_m + [0.03, 0.04, 0.0], pot.wxyz)}
    extra = chore.extra(still_look(chore, scene, moved, force_n=(3.0, 4.0, -50.0)))
    assert extra["pot_moved_m"][0] == pytest.approx(0.05)
    assert extra["lateral_n"][0] == pytest.approx(5.0), "what presses down does not count"


def test_a_bead_beside_the_pot_is_counted_and_one_on_top_is_not(chore: StirPot, scene: Scene) -> None:
    beads = np.array([thing.position_m for thing in scene.things if thing.role == "bead"])
    beads[0] = np.array(scene.thing("pot").position_m) + [0.0, 0.0, 2 * scene.thing("pot").half_m[2] + 0.01]
    assert chore.extra(still_look(chore, scene, beads_m=beads))["beside"][0] == 0.0
    beads[1:3] = np.array(scene.thing("pot").position_m) + [0.15, 0.0, 0.011]
    assert chore.extra(still_look(chore, scene, beads_m=beads))["beside"][0] == 2.0


def test_held_out_things_and_places_lie_in_ranges_of_their_own(chore: StirPot) -> None:
    def numbers(variant: str) -> Array:
        scenes = [chore.scene(variant, seed) for seed in range(60)]
        pairs = [(scene.thing("spoon"), scene.thing("pot")) for scene in scenes]
        return np.array([(spoon.mass_kg, spoon.friction, pot.half_m[0], spoon.position_m[0]) for spoon, pot in pairs])

    usual, things, places = numbers("full"), numbers("full@objects"), numbers("full@layouts")
    assert things[:, 0].min() > usual[:, 0].max()
    assert things[:, 1].max() < usual[:, 1].min()
    assert things[:, 2].min() > usual[:, 2].max()
    assert places[:, 3].min() > usual[:, 3].max()
    assert places[:, 2].max() < things[:, 2].min()


def test_it_starts_unmixed_and_doing_nothing_reaches_no_stage(chore: StirPot) -> None:
    _, verdict, one = idle_alone_and_beside(chore, "full@layouts")
    assert not verdict.success
    assert verdict.progress == 0.0
    assert not verdict.violations
    assert one.signals["mixing"].max() < 0.3
    assert one.signals["beside"].max() == 0.0


def test_it_is_a_gymnasium_env(chore: StirPot) -> None:
    check_as_gymnasium_does(chore)


def test_the_force_on_the_pot_is_felt_in_the_world_and_downwards(chore: StirPot, scene: Scene) -> None:
    """A spoon that stands on the pot's bottom presses on it with its weight; the beads are out of the way."""
    model = chore.setup(0, 1).scene
    assert model is not None
    data, place = mujoco.MjData(model), chore.station.T_world_counter
    for index, name in enumerate(chore.listing.beads):
        data.joint(f"thing/{name}").qpos[:3] = place.apply(np.array([0.5, -0.3 + 0.03 * index, 0.011]))
    data.joint("thing/spoon").qpos[:3] = place.apply(spoon_at(scene, 0.0, 0.0, 0.0)["spoon"].position_m)
    mujoco.mj_step(model, data, 20)
    felt = []
    for _ in range(50):
        mujoco.mj_step(model, data)
        felt.append(data.sensor("net/pot/spoon").data.copy())
    down = -scene.thing("spoon").mass_kg * 9.81
    assert np.mean(felt, axis=0) == pytest.approx([0.0, 0.0, down], abs=0.15 * abs(down))
