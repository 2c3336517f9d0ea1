"""What a lens takes in, and where a camera looks."""

from __future__ import annotations

import numpy as np
import pytest

from motion.lens import HEAD_LENS, SHELF_LENS, Lens, look_at


def test_angles_by_hand_arithmetic() -> None:
    assert Lens(100, 200, 100.0).upright_deg == pytest.approx(90.0)
    across = [2 * np.degrees(np.arctan(lens.width_px / 2 / lens.focal_px)) for lens in (SHELF_LENS, HEAD_LENS)]
    assert across == pytest.approx([90.0, 110.0], abs=0.5)


def test_a_camera_looks_where_it_should_and_stands_upright() -> None:
    eye, target = np.array([[1.0, 2.0, 3.0]]), np.array([[-1.0, 0.5, 0.2]])
    camera = look_at(eye, target)
    local = camera.inverse().apply(target)[0]
    assert local[:2] == pytest.approx([0.0, 0.0], abs=1e-9)
    assert local[2] == pytest.approx(np.linalg.norm(target - eye))
    right, down = camera.rotation()[0, :, 0], camera.rotation()[0, :, 1]
    assert right[2] == pytest.approx(0.0, abs=1e-9)
    assert down[2] < 0
