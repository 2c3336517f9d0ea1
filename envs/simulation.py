"""Many simulations of one robot, side by side: the one file that steps MuJoCo. Each has its own plant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
from mujoco.batch import Batch

from envs.model import CONTACT_SENSOR, FLOOR, GANTRY_SENSOR, RobotModel
from envs.plants import PlantDraw
from motion.transform import Array, Transform

_STATE = mujoco.mjtState
_DRIVE = _STATE.mjSTATE_CTRL | _STATE.mjSTATE_QFRC_APPLIED
_GANTRY_DRIVE = _DRIVE | _STATE.mjSTATE_MOCAP_POS | _STATE.mjSTATE_MOCAP_QUAT

_PER_SIMULATION = (
    "actuator_gainprm",
    "actuator_biasprm",
    "actuator_forcerange",
    "dof_armature",
    "dof_frictionloss",
    "dof_damping",
    "body_mass",
    "body_inertia",
    "geom_friction",
)


@dataclass(frozen=True)
class Drive:
    """What acts on n simulations during S physics steps.

    Attributes:
        target_rad: (n, S, J) position targets as they reach the motors.
        push_nm: (n, J) torques from outside, constant over the steps.
        gantry: (n, S, 7) position (m) and wxyz that the gantry pulls the base to; None for a fixed base.
    """

    target_rad: Array
    push_nm: Array
    gantry: Array | None


@dataclass(frozen=True)
class Effort:
    """What was felt during the S steps, each value at the state before its step.

    Attributes:
        torque_nm: (n, S, J) of the motors.
        gantry_force_n: (n, S) size of the force between gantry and base; 0 for a fixed base.
        self_contacts: (n, S) number of contacts of the robot with itself.
        diverged: (n,) whether a simulation broke down; its state is worth nothing from then on.
    """

    torque_nm: Array
    gantry_force_n: Array
    self_contacts: Array
    diverged: np.ndarray


@dataclass(frozen=True)
class State:
    """Where n robots are.

    Attributes:
        joint_position_rad, joint_velocity_radps: (n, J).
        T_world_base: batch (n,).
        landmark_m: (n, L, 3) in the world.
    """

    joint_position_rad: Array
    joint_velocity_radps: Array
    T_world_base: Transform
    landmark_m: Array


class Simulation:
    """`slots` simulations on `threads` threads; results do not depend on either number.

    Args:
        model: the robot.
        slots: how many.
        threads: of the CPU; 0 takes all.
    """

    def __init__(self, model: RobotModel, slots: int, threads: int = 1) -> None:
        self.model, self.slots = model, slots
        compiled = model.model
        self._batch = Batch(compiled, slots, threads)
        self._gantry = model.base_mode == "gantry"
        self._spec = int(_GANTRY_DRIVE if self._gantry else _DRIVE)
        self._drive_size = mujoco.mj_stateSize(compiled, self._spec)
        self._site_position = self._batch.bind("site_xpos")
        self._field = {name: self._batch.expand(name) for name in _PER_SIMULATION}
        self._contact_column = int(compiled.sensor(CONTACT_SENSOR).adr[0])
        self._force_column = int(compiled.sensor(GANTRY_SENSOR).adr[0]) if self._gantry else 0
        self._floor = int(compiled.geom(FLOOR).id)

    def set_plants(self, slots: np.ndarray, draws: Sequence[PlantDraw]) -> None:
        """Give each of the simulations its plant (delays are the caller's business)."""
        nominal, dof = self.model.model, self.model.joint_dof
        for slot, own in zip(slots, draws, strict=True):
            self._field["actuator_gainprm"][slot, :, 0] = own.kp
            self._field["actuator_biasprm"][slot, :, 1] = -own.kp
            self._field["actuator_biasprm"][slot, :, 2] = -own.kd
            self._field["actuator_forcerange"][slot] = np.stack([-own.effort_nm, own.effort_nm], axis=1)
            self._field["dof_armature"][slot, dof] = own.armature
            self._field["dof_frictionloss"][slot, dof] = own.friction_nm
            self._field["dof_damping"][slot, dof] = own.damping
            self._field["body_mass"][slot] = nominal.body_mass * own.link_mass_scale
            self._field["body_inertia"][slot] = nominal.body_inertia * own.link_mass_scale[:, None]
            self._field["geom_friction"][slot, self._floor, 0] = own.floor_friction
        self._batch.set_const(np.asarray(slots, np.int32))

    def reset(self, slots: np.ndarray, qpos: Array, qvel: Array, target_rad: Array) -> None:
        """Begin anew at positions (n, nq) and velocities (n, nv), motors aiming at (n, J)."""
        ids = np.asarray(slots, np.int32)
        self._batch.reset(ids, stage=mujoco.mjtStage.mjSTAGE_NONE.value)
        self._batch.qpos[ids], self._batch.qvel[ids], self._batch.ctrl[ids] = qpos, qvel, target_rad
        if self._gantry:
            self._batch.mocap_pos[ids, 0], self._batch.mocap_quat[ids, 0] = qpos[:, :3], qpos[:, 3:7]
        self._batch.forward(ids, mujoco.mjtStage.mjSTAGE_POS.value)

    def advance(self, slots: np.ndarray, drive: Drive) -> Effort:
        """Take as many physics steps as `drive` holds."""
        ids = np.asarray(slots, np.int32)
        steps = drive.target_rad.shape[1]
        warned = self._batch.warning[ids].sum(axis=tuple(range(1, self._batch.warning.ndim)))
        record = self._batch.rollout(steps, self._control(drive), self._spec, ("actuator_force", "sensordata"), ids)
        self._batch.forward(ids, mujoco.mjtStage.mjSTAGE_POS.value)
        sensors = record["sensordata"]
        force = sensors[..., self._force_column : self._force_column + 3] if self._gantry else np.zeros((len(ids), steps, 3))
        now_warned = self._batch.warning[ids].sum(axis=tuple(range(1, self._batch.warning.ndim)))
        finite = np.isfinite(self._batch.qpos[ids]).all(1) & np.isfinite(self._batch.qvel[ids]).all(1)
        return Effort(
            torque_nm=record["actuator_force"],
            gantry_force_n=np.sqrt((force * force).sum(-1)),
            self_contacts=sensors[..., self._contact_column],
            diverged=(now_warned != warned) | ~finite,
        )

    def _control(self, drive: Drive) -> Array:
        count, steps, joints = drive.target_rad.shape
        control = np.zeros((count, steps, self._drive_size))
        control[..., :joints] = drive.target_rad
        control[..., joints + self.model.joint_dof] = drive.push_nm[:, None]
        if drive.gantry is not None:
            control[..., -7:] = drive.gantry
        return control

    def state(self, slots: np.ndarray) -> State:
        """Where the robots are now."""
        ids = np.asarray(slots, int)
        qpos, qvel = self._batch.qpos[ids], self._batch.qvel[ids]
        qpos[~np.isfinite(qpos).all(1)] = np.nan
        fixed = self.model.fixed_pose()
        if self._gantry:
            pose = Transform(qpos[:, :3], qpos[:, 3:7])
        else:
            pose = Transform(np.tile(fixed.position_m, (len(ids), 1)), np.tile(fixed.wxyz, (len(ids), 1)))
        return State(
            joint_position_rad=qpos[:, self.model.joint_qpos],
            joint_velocity_radps=qvel[:, self.model.joint_dof],
            T_world_base=pose,
            landmark_m=self._site_position[ids][:, self.model.landmark_sites],
        )
