"""Settings that no solver could use are refused by name, before anything is solved."""

from __future__ import annotations

import math

import pytest

from motion.errors import MotionError
from retarget.hand_targets import HandSettings
from retarget.problem import SolverSettings
from retarget.rows import TargetWeights


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (SolverSettings, "acceleration", -1.0),
        (SolverSettings, "posture", math.nan),
        (SolverSettings, "max_iterations", 0),
        (SolverSettings, "first_iterations", -3),
        (SolverSettings, "speed_scale", 0.0),
        (SolverSettings, "acceleration_scale", -2.0),
        (SolverSettings, "max_step_rad", 0.0),
        (TargetWeights, "wrist", -1.0),
        (TargetWeights, "foot", math.inf),
        (HandSettings, "pinch", -1.0),
        (HandSettings, "touch_m", 0.0),
    ],
)
def test_numbers_that_mean_nothing_are_refused(kind: type, name: str, value: float) -> None:
    with pytest.raises(MotionError, match=rf"\.{name}=.* has to be a number (above|of at least) 0"):
        kind(**{name: value})


def test_what_is_switched_off_is_fine() -> None:
    assert SolverSettings(contact=0.0, self_distance=0.0, clip_iterations=0).contact == 0.0
    assert TargetWeights(head=0.0).head == 0.0
