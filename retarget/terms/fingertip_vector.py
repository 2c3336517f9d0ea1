"""Fingertip vector and pinch: one point of the robot should be at a vector, given in the world, from another, in m."""

from __future__ import annotations

import numpy as np

from retarget.body_map import BodyMap
from retarget.targets import WORLD, Targets
from retarget.terms.points import PointRows, point_rows
from robots.kinematics import LinkStates


def fingertip_vector(states: LinkStates, body: BodyMap, targets: Targets) -> PointRows:
    """One row per vector of the targets between two points of the robot: wrist to tip, and thumb to tip where they pinch."""
    rows = np.flatnonzero(targets.vector_from != WORLD)
    starts = [targets.points[index] for index in targets.vector_from[rows]]
    ends = [targets.points[index] for index in targets.vector_to[rows]]
    return point_rows(states, starts, ends, np.ones(len(rows)), targets.vector_m[:, rows], targets.vector_weight[:, rows])
