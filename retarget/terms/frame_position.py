"""Frame position: a point of the robot should be at a place in the world, in m."""

from __future__ import annotations

import numpy as np

from retarget.body_map import BodyMap
from retarget.targets import WORLD, Targets
from retarget.terms.points import PointRows, point_rows
from robots.kinematics import LinkStates


def frame_position(states: LinkStates, body: BodyMap, targets: Targets) -> PointRows:
    """One row per vector of the targets that starts in the world's origin."""
    rows = np.flatnonzero(targets.vector_from == WORLD)
    ends = [targets.points[index] for index in targets.vector_to[rows]]
    scale = np.ones(len(rows))
    return point_rows(states, [None] * len(rows), ends, scale, targets.vector_m[:, rows], targets.vector_weight[:, rows])
