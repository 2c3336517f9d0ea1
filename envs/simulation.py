"""Many simulations side by side, each with its own model, step by step as somebody acts; written commands: `envs.open_loop`."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import mujoco
import numpy as np
from mujoco.batch import Batch

from envs.model import CONTACT_SENSOR, GANTRY_SENSOR, PLANAR_JOINTS, RobotModel
from envs.plant_draws import PlantDraw, apply_plant
from motion.transform import Array, Transform
from robots.standing import Footing, Standing

_STATE = mujoco.mjtState
_DRIVE = _STATE.mjSTATE_CTRL | _STATE.mjSTATE_QFRC_APPLIED
_GANTRY_DRIVE = _DRIVE | _STATE.mjSTATE_MOCAP_POS | _STATE.mjSTATE_MOCAP_QUAT
_SATURATED = 0.999
_WAKING = 1e-12
"""A speed that moves nothing, but wakes what sleeps."""


@dataclass(frozen=True)
class Parts:
    """What of a scene's model is watched, beside the robot. Indices into the model; the same in every episode of a chore.

    Attributes:
        bodies: (K,) things whose poses are watched.
        beads: (B,) grains whose positions are watched.
        joint_qpos, joint_dof: (M,) addresses of hinges and slides of things.
        sensors: (C,) columns of the sensor data that are averaged over the control period.
        own_contacts: columns that count contacts of the robot with itself that are ordinary: fingers of one hand.
        switches: (S,) constraints of two bodies' points that can be switched on and off.
        palms: (2,) palms of the robot, left before right; none for chores without things.
    """

    bodies: np.ndarray
    beads: np.ndarray
    joint_qpos: np.ndarray
    joint_dof: np.ndarray
    sensors: np.ndarray
    own_contacts: np.ndarray
    switches: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    palms: np.ndarray = field(default_factory=lambda: np.zeros(0, int))


NO_PARTS = Parts(*(np.zeros(0, int) for _ in range(6)))


@dataclass(frozen=True)
class Drive:
    """What acts on n simulations during S physics steps.

    Attributes:
        target_rad: (n, S, J) position targets as they reach the motors.
        push_nm: (n, J) torques from outside, constant over the steps.
        shove_n: (n, 3) force from outside on a base that stands on its own feet, in the world; None for others.
        gantry: (n, S, 7) position (m) and wxyz that the gantry pulls the base to; None for a base without gantry.
        base_mps: (n, 3) velocities of a planar base along the world's x and y (m/s) and about z (rad/s); None for others.
    """

    target_rad: Array
    push_nm: Array
    gantry: Array | None
    base_mps: Array | None = None
    shove_n: Array | None = None


@dataclass(frozen=True)
class Effort:
    """What was felt during the S steps, each value at the state before its step.

    Attributes:
        torque_nm: (n, J) of the motors, in the last step.
        saturated: (n, J) whether a motor was at its limit in any step.
        gantry_force_n: (n,) mean size of the force between gantry and base; 0 without gantry.
        self_contact: (n,) whether the robot touched itself, fingers of one hand apart.
        sensors: (n, C) mean over the steps of the columns of `Parts.sensors`.
        diverged: (n,) whether a simulation broke down; its state is worth nothing from then on.
    """

    torque_nm: Array
    saturated: np.ndarray
    gantry_force_n: Array
    self_contact: np.ndarray
    sensors: Array
    diverged: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[Effort], rows: Sequence[np.ndarray]) -> Effort:
        """Several as one, the i-th row of a part being row `rows[part][i]` of the whole."""
        order = np.argsort(np.concatenate(rows))
        return cls(**{field.name: np.concatenate([getattr(part, field.name) for part in parts])[order] for field in fields(cls)})


@dataclass(frozen=True)
class State:
    """Where n robots, and the things around them, are.

    Attributes:
        joint_position_rad, joint_velocity_radps: (n, J).
        T_world_base: batch (n,).
        landmark_m: (n, L, 3) in the world.
        thing_m, thing_wxyz: (n, K, 3), (n, K, 4) of watched things in the world.
        bead_m: (n, B, 3).
        hinge, hinge_speed: (n, M) of things' hinges (rad) and slides (m).
        palm_m, palm_wxyz: (n, 2, 3), (n, 2, 4) of the robot's palms in the world.
    """

    joint_position_rad: Array
    joint_velocity_radps: Array
    T_world_base: Transform
    landmark_m: Array
    thing_m: Array
    thing_wxyz: Array
    bead_m: Array
    hinge: Array
    hinge_speed: Array
    palm_m: Array
    palm_wxyz: Array


class Simulation:
    """`slots` simulations on `threads` threads; results do not depend on either number.

    Args:
        model: the robot, and all that is in its scene.
        slots: how many.
        threads: of the CPU; 0 takes all.
        parts: what of the scene is watched.
    """

    def __init__(self, model: RobotModel, slots: int, threads: int = 1, parts: Parts = NO_PARTS) -> None:
        self.model, self.slots, self.parts = model, slots, parts
        compiled = model.model
        asleep = bool(compiled.opt.enableflags & mujoco.mjtEnableBit.mjENBL_SLEEP)
        self._batch = Batch(compiled, slots, threads, persistent=asleep)  # who sleeps is not part of the state
        self._models = [compiled] * slots
        self._gantry, self._planar = model.base_mode == "gantry", model.base_mode == "planar"
        self._fixed = model.fixed_pose()
        self._spec = int(_GANTRY_DRIVE if self._gantry else _DRIVE)
        self._drive_size = mujoco.mj_stateSize(compiled, self._spec)
        self._site_position = self._batch.bind("site_xpos")
        self._body_position, self._body_wxyz = self._batch.bind("xpos"), self._batch.bind("xquat")
        self._active = self._batch.bind("eq_active")
        self._contact_column = int(compiled.sensor(CONTACT_SENSOR).adr[0])
        self._force_column = int(compiled.sensor(GANTRY_SENSOR).adr[0]) if self._gantry else 0
        self._effort_limit = np.full((slots, len(model.joint_dof)), np.inf)
        self._standing = _Legs(model) if model.base_mode == "wbc" else None
        self._footing: list[Footing | None] = [None] * slots

    def set_models(self, slots: np.ndarray, draws: Sequence[PlantDraw], scenes: Sequence[mujoco.MjModel] | None = None) -> None:
        """Give each of the simulations its scene (the nominal one where none is given) in its plant, and wake what sleeps.

        Delays are the caller's business.
        """
        for row, (slot, own) in enumerate(zip(slots, draws, strict=True)):
            scene = copy.copy(scenes[row] if scenes is not None else self.model.model)
            apply_plant(scene, self.model, own)
            scene.eq_data[self.parts.switches] = self._models[slot].eq_data[self.parts.switches]  # what is held stays held
            self._models[slot] = scene
            self._effort_limit[slot] = own.effort_nm
        self._batch.set_models(self._models)
        speed = self._batch.qvel[slots]
        self._batch.qvel[slots] = np.where(speed == 0.0, _WAKING, speed)

    def switch(self, slots: np.ndarray, on: np.ndarray) -> None:
        """Switch constraints of `Parts.switches` on or off, on (n, S); those that come on hold their bodies as these are now."""
        ids, which = np.asarray(slots, int), self.parts.switches
        begins = on & (self._active[ids[:, None], which] == 0)
        for row, column in np.argwhere(begins):
            self._tie(int(ids[row]), int(which[column]))
        if begins.any():
            self._batch.set_models(self._models)
        self._active[ids[:, None], which] = on

    def _tie(self, slot: int, constraint: int) -> None:
        """Let a constraint ask for the second body's origin to stay where it is in the first one's frame."""
        model = self._models[slot]
        one, other = int(model.eq_obj1id[constraint]), int(model.eq_obj2id[constraint])
        first = Transform(self._body_position[slot, one], self._body_wxyz[slot, one])
        model.eq_data[constraint, :6] = np.r_[first.inverse().apply(self._body_position[slot, other]), np.zeros(3)]

    def model_of(self, slot: int) -> mujoco.MjModel:
        """The model that a simulation runs on, for drawing it."""
        return self._models[slot]

    def reset(self, slots: np.ndarray, qpos: Array, qvel: Array, target_rad: Array) -> None:
        """Begin anew at positions (n, nq) and velocities (n, nv), motors aiming at (n, J)."""
        ids = np.asarray(slots, np.int32)
        self._batch.reset(ids, stage=mujoco.mjtStage.mjSTAGE_NONE.value)
        self._batch.qpos[ids], self._batch.qvel[ids] = qpos, qvel
        self._batch.ctrl[ids, : target_rad.shape[1]] = target_rad
        if self._gantry:
            self._batch.mocap_pos[ids, 0], self._batch.mocap_quat[ids, 0] = qpos[:, :3], qpos[:, 3:7]
        if self._standing is not None:
            for slot, base in zip(ids, qpos[:, :7], strict=True):
                self._footing[slot] = self._standing.program.footing(Transform(base[:3], base[3:]))
        self._batch.forward(ids, mujoco.mjtStage.mjSTAGE_VEL.value)

    def advance(self, slots: np.ndarray, drive: Drive) -> Effort:
        """Take as many physics steps as `drive` holds."""
        ids = np.asarray(slots, np.int32)
        warned = self._warnings(ids)
        record = self._rolled(ids, self._control(drive))
        self._batch.forward(ids, mujoco.mjtStage.mjSTAGE_VEL.value)
        sensors, torque = record["sensordata"], record["actuator_force"][..., : drive.target_rad.shape[2]]
        ordinary = sensors.take(self.parts.own_contacts, axis=-1).sum(-1)
        finite = np.isfinite(self._batch.qpos[ids]).all(1) & np.isfinite(self._batch.qvel[ids]).all(1)
        return Effort(
            torque_nm=torque[:, -1],
            saturated=np.asarray((np.abs(torque) >= _SATURATED * self._effort_limit[ids][:, None]).any(1)),
            gantry_force_n=self._gantry_force_n(sensors),
            self_contact=(sensors[..., self._contact_column] > ordinary).any(1),
            sensors=sensors[..., self.parts.sensors].mean(1),
            diverged=(self._warnings(ids) != warned) | ~finite,
        )

    def _warnings(self, ids: np.ndarray) -> np.ndarray:
        return np.asarray(self._batch.warning[ids].reshape(len(ids), -1).sum(1))

    def _gantry_force_n(self, sensors: Array) -> Array:
        if not self._gantry:
            return np.zeros(len(sensors))
        force = sensors[..., self._force_column : self._force_column + 3]
        return np.asarray(np.sqrt((force * force).sum(-1)).mean(1))

    def _control(self, drive: Drive) -> Array:
        count, steps, joints = drive.target_rad.shape
        control = np.zeros((count, steps, self._drive_size))
        control[..., :joints] = drive.target_rad
        if drive.base_mps is not None:
            control[..., joints : joints + len(PLANAR_JOINTS)] = drive.base_mps[:, None]
        control[..., self.model.model.nu + self.model.joint_dof] = drive.push_nm[:, None]
        if drive.gantry is not None:
            control[..., -7:] = drive.gantry
        if drive.shove_n is not None:
            control[..., self.model.model.nu : self.model.model.nu + 3] = drive.shove_n[:, None]
        return control

    def _rolled(self, ids: np.ndarray, control: Array) -> dict[str, Array]:
        """Step by controls (n, S, C); legs that the robot stands on get their torques before every step."""
        names = ("actuator_force", "sensordata")
        if self._standing is None:
            return dict(self._batch.rollout(control.shape[1], control, self._spec, names, ids))
        steps = []
        for step in range(control.shape[1]):
            now = control[:, step : step + 1]
            self._stand(ids, now[:, 0])
            record = self._batch.rollout(1, now, self._spec, names, ids)
            steps.append({name: np.array(record[name]) for name in names})
        return {name: np.concatenate([step[name] for step in steps], axis=1) for name in names}

    def _stand(self, ids: np.ndarray, control: Array) -> None:
        """Write the legs' torques into controls (n, C)."""
        stands = self._standing
        assert stands is not None
        for row, slot in enumerate(ids):
            footing = self._footing[slot]
            assert footing is not None
            torque = stands.torque(footing, self._batch.qpos[slot], self._batch.qvel[slot])
            control[row, len(self.model.joint_dof) :][: len(torque)] = torque

    def state(self, slots: np.ndarray) -> State:
        """Where everything is now."""
        ids, parts = np.asarray(slots, int), self.parts
        qpos, qvel = self._batch.qpos[ids], self._batch.qvel[ids]
        qpos[~np.isfinite(qpos).all(1)] = np.nan
        return State(
            joint_position_rad=qpos[:, self.model.joint_qpos],
            joint_velocity_radps=qvel[:, self.model.joint_dof],
            T_world_base=self._base(ids, qpos),
            landmark_m=self._site_position[ids][:, self.model.landmark_sites],
            thing_m=self._body_position[ids][:, parts.bodies],
            thing_wxyz=self._body_wxyz[ids][:, parts.bodies],
            bead_m=self._body_position[ids][:, parts.beads],
            hinge=qpos[:, parts.joint_qpos],
            hinge_speed=qvel[:, parts.joint_dof],
            palm_m=self._body_position[ids][:, parts.palms],
            palm_wxyz=self._body_wxyz[ids][:, parts.palms],
        )

    def _base(self, ids: np.ndarray, qpos: Array) -> Transform:
        if self.model.free:
            return Transform(qpos[:, :3], qpos[:, 3:7])
        position, wxyz = np.empty((len(ids), 3)), np.empty((len(ids), 4))
        position[:], wxyz[:] = self._fixed.position_m, self._fixed.wxyz
        if self._planar:
            position[:, :2] += qpos[:, :2]
            wxyz[:, 0], wxyz[:, 3] = np.cos(qpos[:, 2] / 2), np.sin(qpos[:, 2] / 2)
        return Transform(position, wxyz)


class _Legs:
    """What keeps simulated robots on their feet, between MuJoCo's numbers and the program's."""

    def __init__(self, model: RobotModel) -> None:
        whole = model.robot.unlocked
        assert whole is not None
        self.program = Standing(model.robot)
        self._qpos = np.array([model.model.joint(name).qposadr[0] for name in whole.joint_names])
        self._dof = np.array([model.model.joint(name).dofadr[0] for name in whole.joint_names])

    def torque(self, footing: Footing, qpos: Array, qvel: Array) -> Array:
        """(L,) Nm of the legs; none in a simulation that has broken down."""
        if not (np.isfinite(qpos).all() and np.isfinite(qvel).all()):
            return np.zeros(len(self.program.legs))
        base = Transform(qpos[:3], qpos[3:7])
        return self.program.torque(footing, qpos[self._qpos], qvel[self._dof], base, qvel[:6])
