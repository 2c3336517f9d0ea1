"""What a controller of a whole body needs at one moment: masses, momentum and feet, by Pinocchio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pinocchio as pin

from motion.transform import Array, Transform
from robots.kinematics import Kinematics


@dataclass(frozen=True)
class BodyState:
    """A robot with a free base at one moment; N numbers of its tangent vector (`robots.kinematics`).

    Attributes:
        mass: (N, N) mass matrix, without rotors.
        bias: (N,) generalised forces of gravity and of velocities.
        centre_m, centre_mps: (3,) the centre of mass in the world, and its velocity.
        place_m, turn: (F, 3) and (F, 3, 3) where the watched links are in the world, and their rotation matrices.
        jacobian: (F, 6, N) their velocities, linear then angular, along the world's axes.
        drift: (F, 6) their accelerations where no joint and no base accelerates.
    """

    mass: Array
    bias: Array
    centre_m: Array
    centre_mps: Array
    place_m: Array
    turn: Array
    jacobian: Array
    drift: Array


class WholeBody:
    """Computes `BodyState` of a robot whose base is free.

    Args:
        kinematics: of the robot.
        links: F names to be watched.
    """

    def __init__(self, kinematics: Kinematics, links: Sequence[str]) -> None:
        self._kinematics, self._model = kinematics, kinematics._model
        self._data = self._model.createData()
        self._ids = [kinematics.frame_id(link) for link in links]

    def at(self, position_rad: Array, tangent_velocity: Array, T_world_base: Transform) -> BodyState:
        """The state in a posture (J,), moving at (N,), its base in one pose."""
        model, data, expand = self._model, self._data, self._kinematics._expand
        q, v = self._kinematics.configuration(position_rad, T_world_base), expand @ tangent_velocity
        upper = np.triu(pin.crba(model, data, q))
        mass = upper + upper.T - np.diag(np.diag(upper))
        bias = pin.nonLinearEffects(model, data, q, v)
        pin.computeJointJacobians(model, data, q)
        pin.forwardKinematics(model, data, q, v, np.zeros(model.nv))
        pin.updateFramePlacements(model, data)
        pin.centerOfMass(model, data, q, v, False)
        return BodyState(
            mass=expand.T @ mass @ expand,
            bias=expand.T @ bias,
            centre_m=data.com[0].copy(),
            centre_mps=data.vcom[0].copy(),
            place_m=np.array([data.oMf[index].translation for index in self._ids]),
            turn=np.array([data.oMf[index].rotation for index in self._ids]),
            jacobian=np.array([self._jacobian(index) for index in self._ids]) @ expand,
            drift=np.array([self._drift(index) for index in self._ids]),
        )

    def _jacobian(self, frame: int) -> Array:
        return np.asarray(pin.getFrameJacobian(self._model, self._data, frame, pin.ReferenceFrame.LOCAL_WORLD_ALIGNED))

    def _drift(self, frame: int) -> Array:
        motion = pin.getFrameClassicalAcceleration(self._model, self._data, frame, pin.ReferenceFrame.LOCAL_WORLD_ALIGNED)
        return np.asarray(motion.vector)
