"""Targets that make a position servo follow a motion: what its own law would lose is added beforehand."""

from __future__ import annotations

import numpy as np

from envs.plant_draws import PlantDraw
from envs.reference import PERIOD_S
from motion.transform import Array, Transform
from robots.kinematics import Kinematics
from robots.robot import Robot


def rigid_body_torque(kinematics: Kinematics, position: Array, velocity: Array, acceleration: Array, T_world_base: Transform) -> Array:
    """(T, J) torques, Nm, that move the bare robot along a motion, its base along poses (T,)."""
    return kinematics.inverse_dynamics(position, velocity, acceleration, T_world_base)


def leading_targets(
    robot: Robot, position: Array, velocity: Array, acceleration: Array, torque: Array, plant: PlantDraw, late_s: float
) -> Array:
    """Targets (T - 1, J), one per control period, that follow a motion (T, J) in a plant.

    The motors' servo makes torque = kp (target - q) - kd qd, so the target that moves the robot along the motion is
    q + (kd qd + torque) / kp.

    Args:
        robot: whose limits hold.
        position, velocity, acceleration: (T, J).
        torque: (T, J) of the rigid body, without rotors and friction.
        plant: as far as it is known.
        late_s: how much earlier a target has to be sent than it is meant.
    """
    needed = torque + plant.armature * acceleration + plant.damping * velocity + plant.friction_nm * np.tanh(velocity / 0.05)
    limited = np.clip(needed, -plant.effort_nm, plant.effort_nm)
    target = position + (plant.kd * velocity + limited) / plant.kp
    return np.clip(_shifted(target, late_s / PERIOD_S), robot.lower_rad, robot.upper_rad)


def _shifted(track: Array, frames: float) -> Array:
    """(T - 1, J): the track read `frames` later, held at its end."""
    times = np.minimum(np.arange(len(track) - 1) + frames, len(track) - 1)
    before = np.minimum(times.astype(int), len(track) - 2)
    share = (times - before)[:, None]
    return track[before] * (1 - share) + track[before + 1] * share
