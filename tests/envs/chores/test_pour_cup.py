"""Each rule of `pour_cup` on both sides, its scenes, and beads that stay where walls are."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from envs.chores.pour_cup import BEADS, CUP_WALL_M, PourCup
from envs.household.scene import Scene
from motion.transform import Array, Transform, so3_exp
from tests.envs.chores.scenes import check_as_gymnasium_does, idle_alone_and_beside, still_look, true_at
from tests.envs.household.running import made


@pytest.fixture(scope="module")
def chore() -> PourCup:
    found = made("pour_cup")
    assert isinstance(found, PourCup)
    return found


@pytest.fixture(scope="module")
def scene(chore: PourCup) -> Scene:
    return chore.scene("full", 1)


def cup_at(scene: Scene, up_m: float = 0.0, lean_rad: float = 0.0) -> dict[str, Transform]:
    """The cup raised, and leaned about x through the middle of its underside."""
    place = np.array(scene.thing("cup").position_m) + [0, 0, up_m]
    return {"cup": Transform(place, so3_exp([lean_rad, 0.0, 0.0]))}


def poured(scene: Scene, in_bowl: int, beside: int = 0, above: int = 0) -> Array:
    """Beads: some in the bowl, some beside it, some in the air over the counter, the rest in the cup."""
    beads = np.array([thing.position_m for thing in scene.things if thing.role == "bead"])
    bowl = np.array(scene.thing("bowl").position_m)
    beads[:in_bowl] = bowl + [0.01, 0.0, 0.02]
    beads[in_bowl : in_bowl + beside] = bowl + [0.2, 0.0, 0.006]
    beads[in_bowl + beside : in_bowl + beside + above] = bowl + [0.2, 0.0, 0.1]
    return beads


def test_lifted(chore: PourCup, scene: Scene) -> None:
    assert true_at(chore, still_look(chore, scene, cup_at(scene, 0.06)), "lifted")
    assert not true_at(chore, still_look(chore, scene, cup_at(scene, 0.04)), "lifted")


def test_poured_from_nine_tenths_on(chore: PourCup, scene: Scene) -> None:
    assert true_at(chore, still_look(chore, scene, beads_m=poured(scene, 36)), "poured")
    assert not true_at(chore, still_look(chore, scene, beads_m=poured(scene, 35)), "poured")


def test_set_down_upright_on_the_counter(chore: PourCup, scene: Scene) -> None:
    assert true_at(chore, still_look(chore, scene, cup_at(scene, 0.005, 0.1)), "set_down")
    assert not true_at(chore, still_look(chore, scene, cup_at(scene, 0.005, 0.3)), "set_down")
    assert not true_at(chore, still_look(chore, scene, cup_at(scene, 0.02, 0.0)), "set_down")


def test_goal_released_and_still(chore: PourCup, scene: Scene) -> None:
    full = poured(scene, 38)
    assert true_at(chore, still_look(chore, scene, beads_m=full), "goal")
    assert not true_at(chore, still_look(chore, scene, beads_m=full, touched=("cup",)), "goal")
    assert true_at(chore, still_look(chore, scene, beads_m=full, touched=("bowl",)), "goal")
    assert not true_at(chore, still_look(chore, scene, beads_m=full, speed_mps=0.05), "goal")
    assert not true_at(chore, still_look(chore, scene, beads_m=poured(scene, 30)), "goal")
    assert not true_at(chore, still_look(chore, scene, cup_at(scene, 0.0, 1.57), full), "goal")


def test_spilling_counts_what_lies_beside_and_ends_the_episode(chore: PourCup, scene: Scene) -> None:
    little, much = (still_look(chore, scene, beads_m=poured(scene, 30, beside)) for beside in (4, 5))
    assert chore.extra(little)["spill"][0] == pytest.approx(4 / BEADS)
    assert not chore.broken(little)[0]
    assert chore.broken(much)[0]
    flying = still_look(chore, scene, beads_m=poured(scene, 20, 0, above=10))
    assert chore.extra(flying)["spill"][0] == 0.0


def test_spill_harms_beyond_a_tenth(chore: PourCup) -> None:
    for worst, harms in ((0.1, False), (0.125, True)):
        value, limit = chore.harm({"spill": np.array([0.0, worst, 0.05])}, {})["spill"]
        assert (value > limit) == harms


def test_beads_in_a_leaning_cup_are_not_spilled(chore: PourCup, scene: Scene) -> None:
    pose = cup_at(scene, 0.02, 1.2)["cup"]
    home = scene.thing("cup").pose
    beads = pose.apply(home.inverse().apply(poured(scene, 0)))
    assert chore.extra(still_look(chore, scene, {"cup": pose}, beads))["spill"][0] == 0.0
    assert chore.extra(still_look(chore, scene, cup_at(scene, 0.2), beads))["spill"][0] > 0.2


def test_held_out_things_and_places_lie_in_ranges_of_their_own(chore: PourCup) -> None:
    def cups(variant: str) -> Array:
        things = [chore.scene(variant, seed).thing("cup") for seed in range(60)]
        return np.array([(cup.half_m[0], cup.mass_kg, cup.friction, cup.position_m[0]) for cup in things])

    usual, things, places = cups("full"), cups("full@objects"), cups("full@layouts")
    assert things[:, 0].min() > usual[:, 0].max()
    assert things[:, 1].min() > usual[:, 1].max()
    assert things[:, 2].max() < usual[:, 2].min()
    assert places[:, 3].min() > usual[:, 3].max()
    assert np.ptp(places[:, 0]) < 0.01
    assert places[:, 0].max() < things[:, 0].min()


def test_cup_and_bowl_never_overlap_and_left_layouts_are_mirrored(chore: PourCup) -> None:
    sides = set()
    for variant in chore.variants:
        for seed in range(30):
            scene = chore.scene(variant, seed)
            cup, bowl = scene.thing("cup"), scene.thing("bowl")
            gap = np.hypot(*(np.array(cup.position_m) - bowl.position_m)[:2]) - cup.half_m[0] - bowl.half_m[0]
            assert gap > 0.06, "room for a hand"
            outward = 1.0 if scene.side == "left" else -1.0
            assert outward * cup.position_m[1] > outward * bowl.position_m[1]
            sides.add(scene.side)
    assert sides == {"left", "right"}


def test_doing_nothing_reaches_no_stage_and_the_same_seed_gives_the_same_bits(chore: PourCup) -> None:
    _, verdict, one = idle_alone_and_beside(chore, "full@objects")
    assert not verdict.success
    assert verdict.progress == 0.0
    assert not verdict.violations
    assert one.signals["in_bowl"].max() == 0.0
    assert one.signals["spill"].max() == 0.0


def test_it_is_a_gymnasium_env(chore: PourCup) -> None:
    check_as_gymnasium_does(chore)


def test_beads_that_fall_into_the_bowl_stay_in_it(chore: PourCup, scene: Scene) -> None:
    """From 15 cm they arrive with 1.7 m/s, 3.4 mm a time step; walls and bottom hold them."""
    model = chore.setup(0, 1).scene
    assert model is not None
    data = mujoco.MjData(model)
    bowl = scene.thing("bowl")
    middle = chore.station.T_world_counter.apply(np.array(bowl.position_m))
    for index, name in enumerate(chore.listing.beads):
        turn, ring = 2.4 * index, (bowl.half_m[0] - 0.015) * (index % 5) / 4
        data.joint(f"thing/{name}").qpos[:3] = middle + [ring * np.cos(turn), ring * np.sin(turn), 0.15 + 0.012 * (index // 5)]
    mujoco.mj_step(model, data, 350)
    beads = np.array([data.body(f"thing/{name}").xpos for name in chore.listing.beads]) - data.body("thing/bowl").xpos
    assert np.hypot(beads[:, 0], beads[:, 1]).max() < bowl.half_m[0] - 0.005
    assert beads[:, 2].min() > CUP_WALL_M
    assert beads[:, 2].max() < 2 * bowl.half_m[2]
