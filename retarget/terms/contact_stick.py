"""Contact stick: a point of the sole that stands stays where it stands, in m."""

from __future__ import annotations

import numpy as np

from retarget.body_map import BodyMap
from retarget.targets import Targets
from retarget.terms.points import PointRows, point_rows
from robots.kinematics import LinkStates


def contact_stick(states: LinkStates, body: BodyMap, targets: Targets, weight: float) -> PointRows:
    """One row per point of the soles that stands at some time; `weight` per m where it stands firmly.

    The arrays are the term's own: a stream moves the places to where its soles came to stand.
    """
    count, place = len(targets.stick_points), targets.stick_m.copy()
    return point_rows(states, [None] * count, targets.stick_points, np.ones(count), place, weight * targets.stick_strength)
