"""A table that a robot with a fixed base may press on, where its logs are carried out again: a spring without friction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from envs.model import ROBOT_BIT, TIMESTEP_S, RobotModel, compiled, located, robot_spec
from envs.plant_draws import PlantDraw
from motion.errors import ShapeError, require
from motion.transform import Array
from robots.robot import Robot

TABLE = "table"
"""The table's body and its joint."""
STIFFEST_NPM = 20_000.0
"""Stiffer ones tremble in steps of 2 ms."""
_REACH_M, _THICK_M = 3.0, 0.1
_UPRIGHT = 0.999
_FIRM = 0.9999
"""Impedance of the contact, whose own give would come on top of the spring's."""
_PERIOD_S = 0.01
"""The table weighs as much as makes it swing once in 2 pi of these, whatever its stiffness; it does not swing on."""


@dataclass(frozen=True)
class TableTop:
    """What a robot may press on.

    Attributes:
        height_m: of its top, above the origin of the robot's base.
        stiffness_npm: with which it gives way, N/m; the give of the robot's own links is among it.

    Raises:
        ShapeError: a stiffness that is not simulated.
    """

    height_m: float
    stiffness_npm: float = 1000.0

    def __post_init__(self) -> None:
        message = f"a table gives way with more than 0 and up to {STIFFEST_NPM:.0f} N/m, not {self.stiffness_npm:g}."
        require(0 < self.stiffness_npm <= STIFFEST_NPM, ShapeError, message)


def model_with_table(robot: Robot) -> RobotModel:
    """A robot on a fixed base, and a table that links which can be lowered can touch; they do not touch each other.

    Raises:
        RobotError: the description cannot be simulated.
    """
    spec = robot_spec(robot, "fixed", floor=False)
    lowered = _lowered(compiled(spec, robot))
    for body in spec.bodies:
        for geom in body.geoms:
            geom.contype, geom.conaffinity = 0, ROBOT_BIT if body.name in lowered else 0
    table = spec.worldbody.add_body(name=TABLE, gravcomp=1.0, mass=1.0, inertia=[1.0, 1.0, 1.0], explicitinertial=True)
    table.add_joint(name=TABLE, type=mujoco.mjtJoint.mjJNT_SLIDE, axis=[0, 0, 1])
    top = table.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=[_REACH_M, _REACH_M, _THICK_M], pos=[0, 0, -_THICK_M], density=0)
    top.contype, top.conaffinity, top.condim, top.priority = ROBOT_BIT, 0, 1, 1
    top.solref[0], top.solimp[:2] = 2 * TIMESTEP_S, _FIRM
    return located(robot, "fixed", compiled(spec, robot))


def _lowered(model: mujoco.MjModel) -> set[str]:
    """Names of the bodies that some joint can lower: what only turns about the vertical presses on nothing."""
    data, found = mujoco.MjData(model), np.zeros(model.nbody, bool)
    mujoco.mj_kinematics(model, data)
    for body in range(1, model.nbody):
        first = int(model.body_jntadr[body])
        joints = range(first, first + int(model.body_jntnum[body]))
        level = [model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_HINGE and abs(data.xaxis[joint, 2]) > _UPRIGHT for joint in joints]
        found[body] = found[model.body_parentid[body]] or not all(level)
    return {model.body(body).name for body in np.flatnonzero(found)}


def has_table(model: RobotModel) -> bool:
    """Whether a model is one of `model_with_table`."""
    return TABLE in {model.model.body(body).name for body in range(model.model.nbody)}


def put_table(made: mujoco.MjModel, robot: Robot, table: TableTop) -> None:
    """Place the table in a model of a robot that has one."""
    body, joint = made.body(TABLE).id, made.joint(TABLE)
    stiffness = table.stiffness_npm
    mass = stiffness * _PERIOD_S**2
    made.body_pos[body, 2] = robot.base_height_m + table.height_m
    made.body_mass[body] = made.body_subtreemass[body] = mass
    made.jnt_stiffness[joint.id] = stiffness
    made.dof_damping[int(joint.dofadr[0])] = 2 * np.sqrt(stiffness * mass)


def table_qpos(model: RobotModel) -> int:
    """Where its place lies among MuJoCo's positions: 0 where nothing presses on it, negative where something does."""
    return int(model.model.joint(TABLE).qposadr[0])


def pressed_m(model: RobotModel, posture_rad: Array, plants: Sequence[PlantDraw], tables: Sequence[TableTop | None]) -> Array:
    """(P, N) where robots that read postures (N, J) in each of P plants have pressed its table to; 0 where they do not reach it."""
    lowest: dict[bytes, Array] = {}
    out = np.zeros((len(plants), len(posture_rad)))
    for row, (plant, table) in enumerate(zip(plants, tables, strict=True)):
        if table is not None:
            zeros = plant.zero_rad.tobytes()
            if zeros not in lowest:
                lowest[zeros] = lowest_m(model, posture_rad, plant.zero_rad)
            out[row] = np.minimum(0.0, lowest[zeros] - table.height_m)
    return out


def lowest_m(model: RobotModel, posture_rad: Array, zero_rad: Array | float = 0.0) -> Array:
    """(N,) heights of the lowest point of links that can be lowered, above the origin of the robot's base; inf where none has a shape.

    Args:
        model: with a table.
        posture_rad: (N, J) that are read.
        zero_rad: (J,) what is read where the description says zero.
    """
    made, data = model.model, mujoco.MjData(model.model)
    top = int(made.body(TABLE).geomadr[0])
    links = np.flatnonzero(made.geom_conaffinity & made.geom_contype[top])
    out = np.full(len(posture_rad), np.inf)
    for row, qpos in enumerate(model.qpos(posture_rad - zero_rad, model.fixed_pose())):
        data.qpos[:] = qpos
        data.qpos[table_qpos(model)] = -_REACH_M
        mujoco.mj_kinematics(made, data)
        for link in links:
            out[row] = min(out[row], mujoco.mj_geomDistance(made, data, int(link), top, 2 * _REACH_M, None))
    return out - _REACH_M - model.robot.base_height_m
