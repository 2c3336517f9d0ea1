"""Scenes set from tracks."""

from __future__ import annotations

import numpy as np
import pytest

from envs.household.scene import Scene
from envs.household.staging import staged
from envs.household.things import Shape, Thing
from motion.errors import UnknownNameError
from motion.transform import Transform, quaternion_product, so3_exp


def scene() -> Scene:
    tray = Thing("tray", (Shape("box", (0.1, 0.1, 0.002)),), None, position_m=(0.2, 0.1, 0.0), role="fixture", half_m=(0.1, 0.1, 0.003))
    on_tray = Thing("mug", (Shape("cylinder", (0.03, 0.05), mass_kg=0.2),), position_m=(0.23, 0.12, 0.004))
    apart = Thing("can", (Shape("cylinder", (0.03, 0.05), mass_kg=0.2),), position_m=(0.15, -0.2, 0.0))
    bead = Thing("bead_00", (Shape("sphere", (0.006,), mass_kg=0.001),), position_m=(0.15, -0.2, 0.02), role="bead")
    return Scene("chore", "full", 0, "right", (tray, on_tray, apart, bead), "text")


def pose(x: float, y: float, z: float, turn: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Transform:
    return Transform(np.array([x, y, z]), so3_exp(np.array(turn)))


def test_a_thing_stands_where_it_was_seen_upright_and_at_its_height() -> None:
    can = staged(scene(), {"can": pose(0.16, -0.21, 0.008, (0.05, -0.04, 0.5))}).thing("can")
    np.testing.assert_allclose(can.position_m, (0.16, -0.21, 0.0))
    np.testing.assert_allclose(can.wxyz[1:3], 0.0, atol=1e-12)
    assert 2 * np.arctan2(can.wxyz[3], can.wxyz[0]) == pytest.approx(0.5, abs=0.02)


def test_a_thing_that_was_seen_lying_lies() -> None:
    lying = pose(0.16, -0.21, 0.03, (1.5, 0.0, 0.0))
    can = staged(scene(), {"can": lying}).thing("can")
    np.testing.assert_allclose(can.wxyz, lying.wxyz)
    assert can.position_m[2] == pytest.approx(0.03)


def test_what_stands_on_a_fixture_goes_along_with_it() -> None:
    """The tray moves by (0.02, -0.01), the mug with it, whatever the mug's own track says."""
    out = staged(scene(), {"tray": pose(0.22, 0.09, 0.004), "mug": pose(0.2, 0.1, -0.006)})
    np.testing.assert_allclose(out.thing("tray").position_m, (0.22, 0.09, 0.0))
    np.testing.assert_allclose(out.thing("mug").position_m, (0.25, 0.11, 0.004))


def test_beads_go_along_with_what_holds_them() -> None:
    out = staged(scene(), {"can": pose(0.18, -0.2, 0.0), "tray": pose(0.2, 0.1, 0.0)})
    np.testing.assert_allclose(out.thing("bead_00").position_m, (0.18, -0.2, 0.02), atol=1e-12)


def test_nothing_seen_changes_nothing() -> None:
    assert staged(scene(), {}) == scene()


def test_unknown_things_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="'cann'.*Did you mean 'can'"):
        staged(scene(), {"cann": pose(0, 0, 0)})


def test_turning_with_a_fixture_keeps_the_place_on_it() -> None:
    """A quarter turn of the tray takes the mug's offset (0.03, 0.02) to (-0.02, 0.03)."""
    mug = staged(scene(), {"tray": pose(0.2, 0.1, 0.0, (0.0, 0.0, np.pi / 2))}).thing("mug")
    np.testing.assert_allclose(mug.position_m, (0.18, 0.13, 0.004), atol=1e-9)
    turned = quaternion_product(so3_exp(np.array([0, 0, np.pi / 2])), np.array([1.0, 0, 0, 0]))
    np.testing.assert_allclose(np.abs(mug.wxyz), np.abs(turned), atol=1e-9)
