"""Each rule of `fragile_glass` on both sides, and its scenes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.chores.fragile_glass import CARRIED_M, LEAST_BREAK_N, LIFTED_M, ON_MARK_M, SLIP_M, WAY_M, FragileGlass, slip_m
from envs.household.look import Look
from envs.household.scene import Scene
from motion.landmarks import SIDES
from motion.transform import Transform, so3_exp
from tests.envs.chores.scenes import still_look, true_at
from tests.envs.household.running import made


@pytest.fixture(scope="module")
def chore() -> FragileGlass:
    found = made("fragile_glass")
    assert isinstance(found, FragileGlass)
    return found


@pytest.fixture(scope="module")
def scene(chore: FragileGlass) -> Scene:
    return chore.scene("full", 1)


def on_mark(scene: Scene, off_m: float = 0.0, up_m: float = 0.0, lean_rad: float = 0.0) -> dict[str, Transform]:
    mark = scene.thing("mark").position_m
    return {"glass": Transform(np.array([mark[0] + off_m, mark[1], up_m]), so3_exp([lean_rad, 0.0, 0.0]))}


def squeezed(chore: FragileGlass, look: Look, share: float) -> Look:
    """The same moment, the glass under a share of the force that breaks it."""
    column, where = chore.listing.things.index("glass"), chore.listing.columns["thing_force_n"]
    sensors = look.moment.sensors.copy()
    sensors[0, where.start + column] = share * look.facts["fragile_n"][0, column]
    return replace(look, moment=replace(look.moment, sensors=sensors))


def test_held_and_lifted_in_a_hand(chore: FragileGlass, scene: Scene) -> None:
    for stage, enough, too_low in (("held", 0.01, 0.002), ("lifted", LIFTED_M + 0.001, LIFTED_M - 0.001)):
        assert true_at(chore, still_look(chore, scene, on_mark(scene, 0.2, enough), touched=("glass",)), stage)
        assert not true_at(chore, still_look(chore, scene, on_mark(scene, 0.2, too_low), touched=("glass",)), stage)
        assert not true_at(chore, still_look(chore, scene, on_mark(scene, 0.2, enough)), stage)


def test_carried_over_the_mark(chore: FragileGlass, scene: Scene) -> None:
    assert true_at(chore, still_look(chore, scene, on_mark(scene, CARRIED_M - 0.005, 0.1), touched=("glass",)), "carried")
    assert not true_at(chore, still_look(chore, scene, on_mark(scene, CARRIED_M + 0.005, 0.1), touched=("glass",)), "carried")


def test_set_down_upright_on_the_mark_and_let_go(chore: FragileGlass, scene: Scene) -> None:
    assert true_at(chore, still_look(chore, scene, on_mark(scene, ON_MARK_M - 0.005)), "set_down")
    assert not true_at(chore, still_look(chore, scene, on_mark(scene, ON_MARK_M + 0.005)), "set_down")
    assert not true_at(chore, still_look(chore, scene, on_mark(scene, up_m=0.02)), "set_down")
    assert not true_at(chore, still_look(chore, scene, on_mark(scene, lean_rad=0.3)), "set_down")
    assert not true_at(chore, still_look(chore, scene, on_mark(scene), touched=("glass",)), "set_down")
    assert not true_at(chore, still_look(chore, scene, on_mark(scene), speed_mps=0.06), "set_down")


def test_it_breaks_under_its_force_and_is_no_success_then(chore: FragileGlass, scene: Scene) -> None:
    standing = still_look(chore, scene, on_mark(scene))
    whole, broken = squeezed(chore, standing, 0.9), squeezed(chore, standing, 1.1)
    assert not chore.broken(whole)[0]
    assert chore.broken(broken)[0]
    assert true_at(chore, whole, "set_down")
    assert not true_at(chore, broken, "set_down")


def test_force_impulse_slip_and_fall_harm(chore: FragileGlass, scene: Scene) -> None:
    column, frames = chore.listing.things.index("glass"), 40
    facts = {"fragile_n": np.full(len(chore.listing.things), 30.0)}

    def harms(force_n: float = 2.0, hit_n: float = 0.0, slip: float = 0.0, fall_mps: float = 0.0, lean_rad: float = 0.0) -> set[str]:
        things = len(chore.listing.things)
        place = np.zeros((frames, things, 3))
        place[:, column, 2] = chore.station.T_world_counter.position_m[2] + 0.1
        place[20:, column, 2] -= slip
        wxyz = np.tile([1.0, 0.0, 0.0, 0.0], (frames, things, 1))
        wxyz[30, column] = so3_exp([lean_rad, 0.0, 0.0])
        force = np.full((frames, things), force_n)
        force[10:13] += hit_n
        touch = np.zeros((frames, len(SIDES), things))
        touch[:, 1, column] = 1.0
        signals = {
            "thing_position_m": place,
            "thing_wxyz": wxyz,
            "thing_force_n": force,
            "touch": touch,
            "wrist_m": np.tile(place[0, column] + [-0.1, 0.0, 0.05], (frames, 2, 1)),
            "fall_mps": np.full(frames, fall_mps),
        }
        return {name for name, (value, limit) in chore.harm(signals, facts).items() if value > limit}

    assert harms() == set()
    assert harms(force_n=31.0) >= {"glass_force_n"}
    assert harms(hit_n=25.0) == {"glass_impulse_ns"}
    assert harms(slip=0.015) == set()
    assert harms(slip=0.025) == {"glass_slip_m"}
    assert harms(fall_mps=0.5) == {"glass_drop_mps"}
    assert "glass_tilt_deg" in harms(lean_rad=1.0)


def test_slip_is_sliding_and_not_turning_with_the_hand() -> None:
    angle = np.linspace(0.0, 1.0, 20)
    turning = Transform(np.zeros((20, 3)), so3_exp(angle[:, None] * [0.0, 0.0, 1.0]))
    wrist = turning.apply(np.array([-0.1, 0.0, 0.06]))
    held = np.ones(20, bool)
    assert slip_m(turning, wrist, held) < 1e-9
    sliding = Transform(np.outer(0.03 * angle, [0.0, 0.0, -1.0]), turning.wxyz)
    assert slip_m(sliding, wrist, held) == pytest.approx(0.03)
    assert slip_m(sliding, wrist, ~held) == 0.0
    assert slip_m(sliding, wrist, angle > 0.9) < SLIP_M


def test_scenes(chore: FragileGlass) -> None:
    for variant in chore.variants:
        for seed in range(8):
            things = chore.scene(variant, seed)
            cup, mark = things.thing("glass"), things.thing("mark")
            assert np.hypot(*(np.array(cup.position_m) - mark.position_m)[:2]) >= WAY_M
            assert cup.fragile_n >= max(LEAST_BREAK_N, 2.9 * cup.mass_kg * 9.81 / cup.shapes[0].friction)
            assert (cup.family == "wet glass") == variant.endswith("@objects")
