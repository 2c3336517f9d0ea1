"""Limb direction: a bone should point as the person's does. The bone over its length at rest, less a unit vector.

Bones are rigid, so the residual is linear in the bone's ends; it is the chord, the angle in rad where it is small.
"""

from __future__ import annotations

import numpy as np

from retarget.body_map import BodyMap
from retarget.targets import Targets
from retarget.terms.points import PointRows, point_rows
from robots.kinematics import LinkStates


def limb_direction(states: LinkStates, body: BodyMap, targets: Targets, factor: float = 1.0) -> PointRows:
    """One row per direction of the targets, their weights multiplied by `factor`."""
    starts = [targets.points[index] for index in targets.direction_from]
    ends = [targets.points[index] for index in targets.direction_to]
    rest = body.kinematics.point_positions([*starts, *ends], body.robot.rest_rad)[0]
    length = np.linalg.norm(rest[len(starts) :] - rest[: len(starts)], axis=-1)
    return point_rows(states, starts, ends, 1 / length, targets.direction, factor * targets.direction_weight)
