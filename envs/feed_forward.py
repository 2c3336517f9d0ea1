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


def moving_body_torque(kinematics: Kinematics, position: Array, velocity: Array, acceleration: Array, T_world_base: Transform) -> Array:
    """(T, J) torques, Nm, as `rigid_body_torque`, with what it takes to carry the limbs along with a base that moves.

    Args:
        kinematics: of the robot.
        position, velocity, acceleration: (T, J), a frame every control period.
        T_world_base: batch (T,); its velocity is taken from its poses.
    """
    dofs = kinematics.base_dofs
    if not dofs:
        return rigid_body_torque(kinematics, position, velocity, acceleration, T_world_base)
    linear = np.einsum("tji,tj->ti", T_world_base.rotation(), np.gradient(T_world_base.position_m, PERIOD_S, axis=0))
    turns = (T_world_base[:-1].inverse() @ T_world_base[1:]).log()[:, 3:] / PERIOD_S
    angular = (np.concatenate([turns[:1], turns]) + np.concatenate([turns, turns[-1:]])) / 2
    base = np.column_stack([linear, angular])
    rates = np.column_stack([base, velocity]), np.column_stack([np.gradient(base, PERIOD_S, axis=0), acceleration])
    return kinematics.whole_body_dynamics(position, *rates, T_world_base)[:, dofs:]


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


class FeedForward:
    """What an environment adds to the targets it is given, so that arms follow them as if they weighed nothing.

    The bare robot's inverse dynamics at the wanted posture and at the speed from one wanted posture to the next; things in
    hands and what a plant changes are not known to it. The base counts as upright and still.

    Args:
        robot: whose gains and limits hold.
        T_world_base: where its base stands, one pose.
    """

    def __init__(self, robot: Robot, T_world_base: Transform) -> None:
        self._robot, self._kinematics, self._base = robot, Kinematics(robot), T_world_base

    def targets(self, wanted_rad: Array, before_rad: Array) -> Array:
        """Targets (n, J) that bring joints to where they are wanted (n, J), who were wanted elsewhere (n, J) a period ago."""
        robot, count = self._robot, len(wanted_rad)
        velocity = np.clip((wanted_rad - before_rad) / PERIOD_S, -robot.speed_radps, robot.speed_radps)
        base = Transform(np.tile(self._base.position_m, (count, 1)), np.tile(self._base.wxyz, (count, 1)))
        torque = self._kinematics.inverse_dynamics(wanted_rad, velocity, np.zeros_like(velocity), base)
        limited = np.clip(torque, -robot.effort_nm, robot.effort_nm)
        return np.asarray(np.clip(wanted_rad + (robot.kd * velocity + limited) / robot.kp, robot.lower_rad, robot.upper_rad))


def _shifted(track: Array, frames: float) -> Array:
    """(T - 1, J): the track read `frames` later, held at its end."""
    times = np.minimum(np.arange(len(track) - 1) + frames, len(track) - 1)
    before = np.minimum(times.astype(int), len(track) - 2)
    share = (times - before)[:, None]
    return track[before] * (1 - share) + track[before + 1] * share
