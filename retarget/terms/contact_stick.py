"""Contact stick: a point of the sole that stands stays where it stands, in m."""

from __future__ import annotations

import numpy as np

from retarget.body_map import BodyMap
from retarget.targets import Targets
from retarget.terms.points import PointRows, point_rows
from robots.kinematics import LinkStates


def contact_stick(states: LinkStates, body: BodyMap, targets: Targets, weight: float) -> PointRows:
    """One row per point of the soles that stands at some time; `weight` per m where it stands firmly."""
    count = len(targets.stick_points)
    return point_rows(states, [None] * count, targets.stick_points, np.ones(count), targets.stick_m, weight * targets.stick_strength)
