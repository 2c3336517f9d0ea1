"""A robot's mirror image, from its URDF: by where the joints' axes lie, whatever they are called."""

from __future__ import annotations

import numpy as np

from motion.errors import MotionError, require
from motion.mirror import Mirror
from robots.onboard.mirror import find_symmetry
from robots.onboard.tree import bodies_of
from robots.robot import Robot
from robots.urdf import read_urdf


def mirror_of(robot: Robot) -> Mirror:
    """Which joint is which one's mirror image, and whether it turns the same way, for the joints of a robot.

    All joints at zero have to be a posture that is its own mirror image, as in all robots we know.

    Raises:
        MotionError: a joint has no mirror image.
    """
    bodies = bodies_of(read_urdf(robot.urdf))
    symmetry = find_symmetry(bodies)
    require(symmetry is not None, MotionError, f"robot {robot.name} has no mirror plane.")
    assert symmetry is not None
    place = {name: body for body, name in enumerate(bodies.joint)}
    own = np.array([place[name] for name in robot.joint_names])
    other = symmetry.partner[own]
    lone = [name for name, body in zip(robot.joint_names, other, strict=True) if bodies.joint[body] not in robot.joint_names or body < 0]
    require(not lone, MotionError, f"robot {robot.name}: {', '.join(lone)} of its joints have no mirror image.")
    image = bodies.axis[other] - 2 * (bodies.axis[other] @ symmetry.normal)[:, None] * symmetry.normal
    sign = -np.sign((image * bodies.axis[own]).sum(1))  # a mirrored turn goes the other way about the mirrored axis
    return Mirror(robot.joint_names, np.array([robot.joint_names.index(bodies.joint[body]) for body in other]), sign)
