"""A robot as MuJoCo simulates it: motors, mimic joints, base, floor, and what may collide with what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal, get_args

import mujoco
import numpy as np

from envs.urdf_spec import body_name, urdf_to_spec
from motion.errors import RobotError, UnknownNameError, require
from motion.transform import Array, Transform
from robots.robot import Robot
from robots.standing import Stance, stance

BaseMode = Literal["fixed", "gantry", "planar", "wbc"]
BASE_MODES: tuple[str, ...] = get_args(BaseMode)

TIMESTEP_S = 0.002
# The gantry: a critically damped pull towards the wanted pose, as of a base hung on a stiff spring.
GANTRY_TIME_CONSTANT_S = 0.02
_GANTRY_IMPEDANCE = 0.95
# MuJoCo pulls a body to rest at the mocap pose; leading the pose by this time cancels the lag of a moving one.
GANTRY_LEAD_S = 2 * _GANTRY_IMPEDANCE * GANTRY_TIME_CONSTANT_S
GANTRY_SENSOR, CONTACT_SENSOR = "gantry_force", "self_contact"
FLOOR, BASE_JOINT, GANTRY = "floor", "base", "gantry"
PLANAR_JOINTS = ("base_forward", "base_left", "base_yaw")
"""Of a planar base: two slides along the world's x and y, and a turn about its z."""
# A wheeled base: how hard its motors push (N, Nm) and how firmly they hold a velocity (N s/m, Nm s/rad).
_PLANAR_EFFORT, _PLANAR_GAIN = (300.0, 300.0, 120.0), (2000.0, 2000.0, 400.0)
COUNTER, THING_PREFIX = "counter", "thing/"
"""Bodies that are not the robot's: the counter, and what stands on it."""
# What the robot collides with, and what things do: things meet everything, the floor meets things and, maybe, feet.
ROBOT_BIT, THING_BIT = 1, 2


@dataclass(frozen=True)
class RobotModel:
    """A compiled model and where the robot's numbers lie in it. Controls are in the robot's joint order.

    Attributes:
        robot: the robot.
        base_mode: "fixed", "gantry", "planar" (on wheels), or "wbc" (on its own feet).
        model: the compiled model; never changed after compilation.
        joint_qpos, joint_dof: (J,) addresses of the motorised joints.
        leg_qpos, leg_dof: (L,) addresses of the joints with which it stands, and which nobody else asks for; only of "wbc".
        landmark_sites: (L,) sites, in the order of `robot.landmarks`.
    """

    robot: Robot
    base_mode: BaseMode
    model: mujoco.MjModel
    joint_qpos: np.ndarray
    joint_dof: np.ndarray
    landmark_sites: np.ndarray
    leg_qpos: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    leg_dof: np.ndarray = field(default_factory=lambda: np.zeros(0, int))

    @property
    def free(self) -> bool:
        """Whether the base can move any way."""
        return self.base_mode in ("gantry", "wbc")

    @cached_property
    def links(self) -> Mapping[str, int]:
        """Name -> index of every body that is neither the counter nor a thing."""
        names = {self.model.body(body).name: body for body in range(self.model.nbody)}
        return {name: body for name, body in names.items() if name != COUNTER and not name.startswith(THING_PREFIX)}

    @cached_property
    def things(self) -> Mapping[str, int]:
        """Name -> index of the body of every thing; none for chores without."""
        names = {self.model.body(body).name: body for body in range(self.model.nbody)}
        return {name.removeprefix(THING_PREFIX): body for name, body in names.items() if name.startswith(THING_PREFIX)}

    def qpos(self, joint_position_rad: Array, T_world_base: Transform) -> Array:
        """MuJoCo's positions (N, nq) for postures (N, J), mimic joints included; a fixed base ignores the pose."""
        posture = np.atleast_2d(np.asarray(joint_position_rad, float))
        out = np.zeros((len(posture), self.model.nq))
        if self.free:
            out[:, :3], out[:, 3:7] = T_world_base.position_m, T_world_base.wxyz
        if len(self.leg_qpos):
            out[:, self.leg_qpos] = stance(self.robot).angle_rad
        out[:, self.joint_qpos] = posture
        for name, rule in self.robot.mimic.items():
            source = posture[:, self.robot.joint_names.index(rule.of)]
            out[:, int(self.model.joint(name).qposadr[0])] = rule.multiplier * source + rule.offset
        return out

    def qvel(self, joint_velocity_radps: Array, base_velocity: Array | None = None) -> Array:
        """MuJoCo's velocities (N, nv); `base_velocity` (N, 6) is linear in the world, angular in the base."""
        velocity = np.atleast_2d(np.asarray(joint_velocity_radps, float))
        out = np.zeros((len(velocity), self.model.nv))
        if self.free and base_velocity is not None:
            out[:, :6] = base_velocity
        out[:, self.joint_dof] = velocity
        for name, rule in self.robot.mimic.items():
            out[:, int(self.model.joint(name).dofadr[0])] = rule.multiplier * velocity[:, self.robot.joint_names.index(rule.of)]
        return out

    def fixed_pose(self) -> Transform:
        """Where a base stands that goes nowhere: upright over the origin at the robot's base height, lower on bent legs."""
        drop = stance(self.robot).drop_m if self.base_mode == "wbc" else 0.0
        return Transform(np.array([0.0, 0, self.robot.base_height_m - drop]), np.array([1.0, 0, 0, 0]))


def robot_model(robot: Robot, base_mode: BaseMode = "gantry", floor: bool = True) -> RobotModel:
    """The compiled model of a robot; compiled once per process.

    Args:
        robot: the robot.
        base_mode: "gantry" (a free base, pulled along), "fixed" (bolted to a stand at its base height), "planar"
            (driven over the floor at that height by velocities), or "wbc" (standing on its own feet; for robots whose legs
            are locked: they are unlocked for it, and driven by torques).
        floor: whether the feet can touch the floor; never with a fixed or planar base, always with "wbc".

    Raises:
        UnknownNameError: no such base mode.
        RobotError: the description cannot be simulated.
    """
    if base_mode not in BASE_MODES:
        raise UnknownNameError("base mode", base_mode, BASE_MODES)
    return _robot_model(_Same(robot), base_mode, floor)


class _Same:
    """A robot as a dictionary key: the same folder and name, the same robot."""

    def __init__(self, robot: Robot) -> None:
        self.robot = robot

    def __hash__(self) -> int:
        return hash((self.robot.name, self.robot.folder))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.robot is other.robot


@lru_cache(maxsize=16)
def _robot_model(key: _Same, base_mode: BaseMode, floor: bool) -> RobotModel:
    robot = key.robot
    return located(robot, base_mode, compiled(robot_spec(robot, base_mode, floor), robot))


def located(robot: Robot, base_mode: BaseMode, model: mujoco.MjModel) -> RobotModel:
    """Where a robot's numbers lie in a model that holds it.

    Raises:
        RobotError: MuJoCo orders the joints otherwise than the URDF.
    """
    names = tuple(model.joint(int(joint)).name for joint in model.actuator_trnid[: len(robot.joint_names), 0])
    legs = stance(robot).joint_names if base_mode == "wbc" else ()
    require(names == robot.joint_names, RobotError, f"{robot.name}: MuJoCo orders the joints {names}; the URDF {robot.joint_names}.")
    return RobotModel(
        robot=robot,
        base_mode=base_mode,
        model=model,
        joint_qpos=np.array([model.joint(name).qposadr[0] for name in names]),
        joint_dof=np.array([model.joint(name).dofadr[0] for name in names]),
        landmark_sites=np.array([model.site(f"landmark/{name}").id for name in robot.landmarks], int),
        leg_qpos=np.array([model.joint(name).qposadr[0] for name in legs], int),
        leg_dof=np.array([model.joint(name).dofadr[0] for name in legs], int),
    )


def compiled(spec: mujoco.MjSpec, robot: Robot) -> mujoco.MjModel:
    """A model of what was specified.

    Raises:
        RobotError: MuJoCo cannot compile it.
    """
    try:
        return spec.compile()
    except ValueError as error:
        raise RobotError(f"{robot.urdf}: MuJoCo cannot compile it ({error}).") from error


def robot_spec(robot: Robot, base_mode: BaseMode, floor: bool = True) -> mujoco.MjSpec:
    """The robot, its motors, a floor, and the gantry where the base is pulled along; to be compiled, or added to first."""
    stands = base_mode == "wbc"
    legs = stance(robot) if stands else None
    spec = urdf_to_spec((robot.unlocked or robot) if stands else robot, "collision")
    _set_options(spec)
    _add_floor(spec, touchable=stands or (floor and base_mode == "gantry" and bool(robot.soles)))
    _add_motors(spec, robot)
    _add_mimics(spec, robot)
    _add_landmarks(spec, robot)
    base = spec.body(body_name(robot.base))
    base.pos = [0, 0, robot.base_height_m]
    if base_mode == "gantry":
        _add_gantry(spec, base)
    elif base_mode == "planar":
        _add_wheels(spec, base)
    elif legs is not None:
        _add_legs(spec, base, robot, legs)
    _add_contact_sensor(spec, base)
    _exclude(spec, ((body_name(a), body_name(b)) for a, b in robot.no_collision))
    _exclude(spec, _adjacent(compiled(spec, robot)))
    _exclude(spec, _touching_at_rest(spec, robot, legs))
    return spec


def _set_options(spec: mujoco.MjSpec) -> None:
    spec.option.timestep = TIMESTEP_S
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET  # a simulation that breaks down must not look well
    for geom in spec.geoms:
        geom.mass, geom.density = 0.0, 0.0  # the URDF's inertials say it all
        geom.friction[0] = 0.8


def _add_floor(spec: mujoco.MjSpec, touchable: bool) -> None:
    """A plane at z = 0, for robots with feet. With a fixed base the robot hangs on a stand and touches nothing."""
    floor = spec.worldbody.add_geom(name=FLOOR, type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 0.05])
    floor.friction[0], floor.priority = 0.8, 1  # its friction counts, not the larger of the two
    bits = THING_BIT | (ROBOT_BIT if touchable else 0)
    floor.contype, floor.conaffinity = bits, bits


def _add_motors(spec: mujoco.MjSpec, robot: Robot) -> None:
    """Position servos: torque = kp (target - q) - kd qd, limited by the effort; targets limited by the joint range."""
    for index, name in enumerate(robot.joint_names):
        joint = spec.joint(name)
        joint.armature = robot.armature[index]
        joint.actfrclimited = mujoco.mjtLimited.mjLIMITED_FALSE
        motor = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        motor.set_to_position(kp=robot.kp[index], kv=robot.kd[index])
        if np.isfinite(robot.effort_nm[index]):
            motor.forcelimited = mujoco.mjtLimited.mjLIMITED_TRUE
            motor.forcerange = [-robot.effort_nm[index], robot.effort_nm[index]]
        if np.isfinite([robot.lower_rad[index], robot.upper_rad[index]]).all():
            motor.ctrllimited = mujoco.mjtLimited.mjLIMITED_TRUE
            motor.ctrlrange = [robot.lower_rad[index], robot.upper_rad[index]]


def _add_mimics(spec: mujoco.MjSpec, robot: Robot) -> None:
    for name, rule in robot.mimic.items():
        law = spec.add_equality(name=f"mimic/{name}", type=mujoco.mjtEq.mjEQ_JOINT, name1=name, name2=rule.of)
        law.data[:5] = [rule.offset, rule.multiplier, 0, 0, 0]
        law.solref[0] = 2 * TIMESTEP_S


def _add_landmarks(spec: mujoco.MjSpec, robot: Robot) -> None:
    for name, point in robot.landmarks.items():
        spec.body(body_name(point.frame)).add_site(name=f"landmark/{name}", pos=list(point.offset_m))


def _add_gantry(spec: mujoco.MjSpec, base: mujoco.MjsBody) -> None:
    """A free base, pulled to a mocap body by a soft weld; a sensor at the mocap body reads the pull."""
    base.add_freejoint(name=BASE_JOINT)
    carrier = spec.worldbody.add_body(name=GANTRY, mocap=True, pos=base.pos)
    carrier.add_site(name=GANTRY)
    weld = spec.add_equality(name=GANTRY, type=mujoco.mjtEq.mjEQ_WELD, objtype=mujoco.mjtObj.mjOBJ_BODY, name1=GANTRY, name2=base.name)
    weld.data[:11] = [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]  # anchor, relative position, relative wxyz, torque scale
    weld.solref[:] = [GANTRY_TIME_CONSTANT_S, 1.0]
    weld.solimp[:2] = [_GANTRY_IMPEDANCE, _GANTRY_IMPEDANCE]
    spec.add_sensor(name=GANTRY_SENSOR, type=mujoco.mjtSensor.mjSENS_FORCE, objtype=mujoco.mjtObj.mjOBJ_SITE, objname=GANTRY)


def _add_wheels(spec: mujoco.MjSpec, base: mujoco.MjsBody) -> None:
    """Two slides and a turn with velocity motors, after the robot's own."""
    kinds, axes = mujoco.mjtJoint, ([1, 0, 0], [0, 1, 0], [0, 0, 1])
    for name, axis, effort, gain in zip(PLANAR_JOINTS, axes, _PLANAR_EFFORT, _PLANAR_GAIN, strict=True):
        base.add_joint(name=name, type=kinds.mjJNT_HINGE if name == "base_yaw" else kinds.mjJNT_SLIDE, axis=axis)
        motor = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        motor.set_to_velocity(kv=gain)
        motor.forcelimited, motor.forcerange = mujoco.mjtLimited.mjLIMITED_TRUE, [-effort, effort]


def _add_legs(spec: mujoco.MjSpec, base: mujoco.MjsBody, robot: Robot, legs: Stance) -> None:
    """A free base, and motors that give the legs torques, after the robot's own."""
    base.add_freejoint(name=BASE_JOINT)
    assert robot.unlocked is not None
    for name in legs.joint_names:
        column = robot.unlocked.joint_names.index(name)
        joint, limit = spec.joint(name), float(robot.unlocked.effort_nm[column])
        joint.armature, joint.actfrclimited = robot.unlocked.armature[column], mujoco.mjtLimited.mjLIMITED_FALSE
        motor = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        if np.isfinite(limit):
            motor.forcelimited, motor.forcerange = mujoco.mjtLimited.mjLIMITED_TRUE, [-limit, limit]


def _add_contact_sensor(spec: mujoco.MjSpec, base: mujoco.MjsBody) -> None:
    """Counts the contacts of the robot with itself."""
    body = mujoco.mjtObj.mjOBJ_XBODY
    sensor = spec.add_sensor(name=CONTACT_SENSOR, type=mujoco.mjtSensor.mjSENS_CONTACT)
    sensor.objtype, sensor.objname, sensor.reftype, sensor.refname = body, base.name, body, base.name
    sensor.intprm[:3] = [1, 0, 1]


def _exclude(spec: mujoco.MjSpec, pairs: Iterable[tuple[str, str]]) -> None:
    for a, b in pairs:
        spec.add_exclude(bodyname1=a, bodyname2=b)


def _adjacent(model: mujoco.MjModel) -> list[tuple[str, str]]:
    """Pairs of links with shapes that one joint, or none, lies between.

    MuJoCo leaves these out by itself, but not where the parent is bolted to the world.
    """
    island = np.zeros(model.nbody, int)  # the body whose joint moves each body; its base where none does
    for body in range(1, model.nbody):
        parent = int(model.body_parentid[body])
        rigid = model.body_jntnum[body] == 0 and parent != 0
        island[body] = island[parent] if rigid else body
    parent_island = np.array([island[model.body_parentid[island[body]]] for body in range(model.nbody)])
    shaped = [body for body in range(1, model.nbody) if model.body_geomnum[body]]
    return [
        (model.body(a).name, model.body(b).name)
        for a in shaped
        for b in shaped
        if a < b and (island[a] == island[b] or parent_island[b] == island[a] or parent_island[a] == island[b])
    ]


def _touching_at_rest(spec: mujoco.MjSpec, robot: Robot, legs: Stance | None) -> list[tuple[str, str]]:
    """Pairs of links whose hulls overlap though the robot stands at ease."""
    model = compiled(spec, robot)
    data = mujoco.MjData(model)
    bent = zip(legs.joint_names, legs.angle_rad, strict=True) if legs is not None else ()
    for name, angle in (*zip(robot.joint_names, robot.rest_rad, strict=True), *bent):
        data.joint(name).qpos[0] = angle
    for name, rule in robot.mimic.items():
        data.joint(name).qpos[0] = rule.multiplier * data.joint(rule.of).qpos[0] + rule.offset
    mujoco.mj_forward(model, data)
    bodies = {tuple(sorted(int(model.geom_bodyid[geom]) for geom in contact.geom)) for contact in data.contact}
    return [(model.body(a).name, model.body(b).name) for a, b in sorted(bodies) if a != 0]
