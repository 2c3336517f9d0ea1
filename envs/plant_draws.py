"""An episode's plant in numbers: drawn from a `Plant`, and written into the episode's own model."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from envs.model import COUNTER, FLOOR, RobotModel
from envs.plants import GRAVITY_AXES, INTEGRATOR, INTEGRATORS, SENSORS, TILT_AXES, TIMESTEP, Change, Operation, Plant
from envs.reference import PERIOD_S
from motion.errors import ShapeError, UnknownNameError, require
from motion.transform import Array, Transform, matrix_from_wxyz, skew, so3_exp, wxyz_from_matrix
from robots.robot import Robot

_STARTUP = 11
"""Sets the random numbers of startups apart from all others."""
_EVERYTHING = ".*"
_FIRM, _QUICK = 0.9999, 2.0
"""Impedance of dry friction and, in time steps, its time constant: at MuJoCo's usual 0.9 and 20 ms a stuck joint creeps off in seconds."""
_SLIDES = 3
"""Joints of what goes anywhere without turning."""
_Values = dict[str, Array]


@dataclass(frozen=True)
class PlantDraw:
    """The numbers of one episode's plant, at its start or from some moment on.

    Attributes:
        kp, kd, effort_nm, armature: (J,) of the motors.
        friction_nm, damping: (J,) dry (Nm) and viscous (Nm s/rad) joint friction.
        zero_rad: (J,) what the joints read where the description says zero.
        link_mass_scale: (B,) multiple of the nominal mass, per body of the model.
        floor_friction: sliding friction.
        payload_kg: (L,) at the robot's landmarks.
        push_nm: (J,) from outside.
        thing_friction_scale, thing_mass_scale: (K,) multiples, per thing of the model.
        thing_size: thing -> multiple, of those that differ.
        counter_tilt_rad: (2,) about the x and the y axis of the counter's frame.
        gravity_mps2: (3,) in the world.
        timestep_s: of the physics.
        integrator: of the physics; see `envs.plants.FIELDS`.
        sensor_noise: (S,) standard deviations, in the order of `envs.plants.SENSORS`.
        delay_steps: physics steps between an action and the motors.
    """

    kp: Array
    kd: Array
    effort_nm: Array
    armature: Array
    friction_nm: Array
    damping: Array
    zero_rad: Array
    link_mass_scale: Array
    floor_friction: float
    payload_kg: Array
    push_nm: Array
    thing_friction_scale: Array
    thing_mass_scale: Array
    thing_size: Mapping[str, float]
    counter_tilt_rad: Array
    gravity_mps2: Array
    timestep_s: float
    integrator: int
    sensor_noise: Array
    delay_steps: int

    @property
    def substeps(self) -> int:
        """Physics steps in a control period."""
        return round(PERIOD_S / self.timestep_s)


def torque_scale_nm(robot: Robot) -> Array:
    """(J,) of which dry friction and pushes are shares: the torque limits; kp, as of one radian, where there is none."""
    return np.where(np.isfinite(robot.effort_nm), robot.effort_nm, robot.kp)


def nominal_draw(model: RobotModel) -> PlantDraw:
    """The numbers of the nominal plant."""
    return _as_draw(_nominal_values(model), model, 0.0, "nominal")


def draw(plant: Plant, model: RobotModel, rng: np.random.Generator) -> PlantDraw:
    """One episode's numbers at its start.

    Raises:
        UnknownNameError: a selection that matches no joint, link or thing.
        ShapeError: a number that cannot be simulated.
    """
    values, delay_s = _at_start(plant, model, rng)
    return _as_draw(values, model, delay_s, plant.name)


def draw_episode(
    plant: Plant, model: RobotModel, rng: np.random.Generator, within: np.random.Generator, duration_s: float
) -> tuple[PlantDraw, tuple[tuple[float, PlantDraw], ...]]:
    """One episode's numbers at its start, and (time in s, numbers from then on) for every change at intervals, in order.

    Args:
        plant: what to draw from.
        model: nominal.
        rng: as for `draw`, which gives the same start.
        within: for the changes at intervals.
        duration_s: of the episode.

    Raises:
        UnknownNameError: a selection that matches no joint, link or thing.
        ShapeError: a number that cannot be simulated.
    """
    values, delay_s = _at_start(plant, model, rng)
    repeated = [change for change in plant.changes if change.when == "interval"]
    chosen = [_chosen(change, model, plant.name) for change in repeated]
    events = [
        (time_s, number, _amounts(change, len(chosen[number]), within))
        for number, change in enumerate(repeated)
        for time_s in _times(change, within, duration_s)
    ]
    later: list[tuple[float, PlantDraw]] = []
    latest: dict[int, Array] = {}
    for time_s, number, amounts in sorted(events, key=lambda event: event[:2]):
        latest[number] = amounts
        now = {name: value.copy() for name, value in values.items()}
        for which in sorted(latest):
            _apply(now, repeated[which], chosen[which], latest[which])
        later.append((time_s, _as_draw(now, model, delay_s, plant.name)))
    return _as_draw(values, model, delay_s, plant.name), tuple(later)


def changed_things(model: RobotModel, draws: Sequence[PlantDraw]) -> list[str]:
    """Names of the things whose friction, mass or size is, in any of the draws, other than the scene's."""
    scales = np.array([[own.thing_friction_scale, own.thing_mass_scale] for own in draws])
    other = (scales != 1).any(axis=(0, 1))
    return [name for name, differs in zip(model.things, other, strict=True) if differs or any(name in own.thing_size for own in draws)]


def _times(change: Change, rng: np.random.Generator, duration_s: float) -> list[float]:
    times: list[float] = []
    time_s = rng.uniform(*change.every_s)
    while time_s < duration_s:
        times.append(float(time_s))
        time_s += rng.uniform(*change.every_s)
    return times


def _at_start(plant: Plant, model: RobotModel, rng: np.random.Generator) -> tuple[_Values, float]:
    """All values after the changes at startup and reset, and the delay in s."""
    values = _nominal_values(model)
    for when, numbers in (("startup", np.random.default_rng([_STARTUP, plant.startup_seed])), ("reset", rng)):
        for change in plant.changes:
            if change.when == when:
                chosen = _chosen(change, model, plant.name)
                _apply(values, change, chosen, _amounts(change, len(chosen), numbers))
    return values, float(rng.uniform(*plant.action_delay_s))


def _nominal_values(model: RobotModel) -> _Values:
    robot, physics = model.robot, model.model
    joints, things = len(robot.joint_names), len(model.things)
    return {
        "kp": robot.kp.copy(),
        "kd": robot.kd.copy(),
        "effort": robot.effort_nm.copy(),
        "armature": robot.armature.copy(),
        "joint_friction": np.zeros(joints),
        "joint_damping": np.zeros(joints),
        "joint_zero": np.zeros(joints),
        "mass": np.ones(len(model.links)),
        "floor_friction": physics.geom(FLOOR).friction[:1].copy(),
        "payload": np.zeros(len(robot.landmarks)),
        "push": np.zeros(joints),
        "thing_friction": np.ones(things),
        "thing_mass": np.ones(things),
        "thing_size": np.ones(things),
        "counter_tilt": np.zeros(len(TILT_AXES)),
        "gravity": physics.opt.gravity.copy(),
        TIMESTEP: np.array([physics.opt.timestep]),
        INTEGRATOR: np.array([float(physics.opt.integrator)]),
        "sensor_noise": np.zeros(len(SENSORS)),
    }


def _names(field: str, model: RobotModel) -> tuple[str, ...]:
    """What a field's selection chooses from."""
    if field.startswith("thing_"):
        return tuple(model.things)
    fixed: dict[str, tuple[str, ...]] = {
        "mass": tuple(model.links),
        "floor_friction": (FLOOR,),
        "payload": tuple(model.robot.landmarks),
        "counter_tilt": TILT_AXES if model.things else (),
        "gravity": GRAVITY_AXES,
        TIMESTEP: (TIMESTEP,),
        INTEGRATOR: (INTEGRATOR,),
        "sensor_noise": SENSORS,
    }
    return fixed.get(field, model.robot.joint_names)


def _chosen(change: Change, model: RobotModel, plant: str) -> np.ndarray:
    """Indices of what a change is about; "all there are" may be none, where there are no things."""
    names = _names(change.field, model)
    chosen = [index for index, name in enumerate(names) if re.fullmatch(change.selection, name)]
    if not chosen and change.selection != _EVERYTHING and (names or not change.field.startswith("thing_")):
        raise UnknownNameError(f"{change.field} selection", change.selection, names, f"plant {plant}")
    return np.array(chosen, int)


_OPERATIONS: Mapping[Operation, Callable[[Array, Array], Array]] = {
    "scale": lambda old, amount: old * amount,
    "add": lambda old, amount: old + amount,
    "set": lambda old, amount: amount,
}


def _apply(values: _Values, change: Change, chosen: np.ndarray, amounts: Array) -> None:
    values[change.field][chosen] = _OPERATIONS[change.operation](values[change.field][chosen], amounts)


def _amounts(change: Change, count: int, rng: np.random.Generator) -> Array:
    low, high = change.ranges
    if change.distribution == "constant":
        return np.full(count, low)
    if change.distribution == "uniform_shared":
        return np.full(count, rng.uniform(low, high))
    if change.distribution == "log_uniform":
        return np.exp(rng.uniform(np.log(low), np.log(high), count))
    return rng.uniform(low, high, count)


def _as_draw(values: Mapping[str, Array], model: RobotModel, delay_s: float, plant: str) -> PlantDraw:
    robot = model.robot
    scale_nm = torque_scale_nm(robot)
    mass_scale = np.ones(model.model.nbody)
    mass_scale[list(model.links.values())] = values["mass"]
    sizes = zip(model.things, values["thing_size"], strict=True)
    timestep_s = _checked(values, plant)
    return PlantDraw(
        kp=values["kp"],
        kd=values["kd"],
        effort_nm=values["effort"],
        armature=values["armature"],
        friction_nm=values["joint_friction"] * scale_nm,
        damping=values["joint_damping"] * robot.kd,
        zero_rad=values["joint_zero"],
        link_mass_scale=mass_scale,
        floor_friction=float(values["floor_friction"][0]),
        payload_kg=values["payload"],
        push_nm=values["push"] * scale_nm,
        thing_friction_scale=values["thing_friction"],
        thing_mass_scale=values["thing_mass"],
        thing_size={name: float(size) for name, size in sizes if size != 1},
        counter_tilt_rad=values["counter_tilt"],
        gravity_mps2=values["gravity"],
        timestep_s=timestep_s,
        integrator=int(values[INTEGRATOR][0]),
        sensor_noise=values["sensor_noise"],
        delay_steps=round(delay_s / timestep_s),
    )


def _checked(values: Mapping[str, Array], plant: str) -> float:
    """The time step of the physics, of values that can be simulated: the longest that the control period is a multiple of."""
    for field in ("thing_mass", "thing_size"):
        low = values[field].min(initial=np.inf)
        require(low > 0, ShapeError, f"plant {plant}: {field} has to be above 0; it is {low:g}.")
    for field in ("thing_friction", "payload", "sensor_noise"):
        low = values[field].min(initial=np.inf)
        require(low >= 0, ShapeError, f"plant {plant}: {field} cannot be negative; it is {low:g}.")
    integrator = float(values[INTEGRATOR][0])
    whole = integrator in range(INTEGRATORS)
    require(whole, ShapeError, f"plant {plant}: the integrator has to be a whole number below {INTEGRATORS}; it is {integrator:g}.")
    timestep_s = float(values[TIMESTEP][0])
    fits = 0 < timestep_s <= PERIOD_S
    require(fits, ShapeError, f"plant {plant}: the time step has to lie in 0..{PERIOD_S} s, the control period; it is {timestep_s:g} s.")
    return float(PERIOD_S / np.ceil(PERIOD_S / timestep_s - 1e-6))


def apply_plant(model: mujoco.MjModel, robot_model: RobotModel, own: PlantDraw) -> None:
    """Write one episode's numbers into a nominal model of its own. Delays, pushes and noise are not the model's business."""
    joints, dof = len(own.kp), robot_model.joint_dof
    model.opt.timestep, model.opt.integrator, model.opt.gravity = own.timestep_s, own.integrator, own.gravity_mps2
    model.actuator_gainprm[:joints, 0] = own.kp
    model.actuator_biasprm[:joints, 1] = -own.kp
    model.actuator_biasprm[:joints, 2] = -own.kd
    model.actuator_forcerange[:joints] = np.stack([-own.effort_nm, own.effort_nm], axis=1)
    model.dof_armature[dof] = own.armature
    model.dof_frictionloss[dof] = own.friction_nm
    model.dof_damping[dof] = own.damping
    rough = dof[own.friction_nm > 0]
    model.dof_solimp[rough, :2], model.dof_solref[rough, 0] = _FIRM, _QUICK * own.timestep_s
    _set_zeros(model, robot_model, own.zero_rad)
    bodies, mass_scale, friction_scale = list(robot_model.things.values()), own.link_mass_scale.copy(), np.ones(model.nbody)
    mass_scale[bodies], friction_scale[bodies] = own.thing_mass_scale, own.thing_friction_scale
    model.body_mass[:] = model.body_mass * mass_scale
    model.body_inertia[:] = model.body_inertia * mass_scale[:, None]
    model.geom_friction[:, 0] *= friction_scale[model.geom_bodyid]
    model.geom_friction[int(model.geom(FLOOR).id), 0] = own.floor_friction
    for cloth in range(model.nflex):  # it is named like the body of the thing that it is
        name = mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_FLEX, cloth)
        model.flex_friction[cloth, 0] *= friction_scale[model.body(name).id]
    for landmark in np.flatnonzero(own.payload_kg):
        _hang(model, int(robot_model.landmark_sites[landmark]), float(own.payload_kg[landmark]))
    if own.counter_tilt_rad.any():
        model.body(COUNTER).quat = (_counter(model) @ _tilt(own)).wxyz
    mujoco.mj_setConst(model, mujoco.MjData(model))


def _set_zeros(model: mujoco.MjModel, robot_model: RobotModel, zero_rad: Array) -> None:
    """Let joints read other numbers where they are; the ends of their range move along."""
    for joint, own_rad in zip(model.dof_jntid[robot_model.joint_dof], zero_rad, strict=True):
        model.qpos0[model.jnt_qposadr[joint]] += own_rad
        model.jnt_range[joint] += own_rad


def _hang(model: mujoco.MjModel, site: int, mass_kg: float) -> None:
    """Add a point mass to the body that carries a site."""
    body, place = int(model.site_bodyid[site]), model.site_pos[site]
    old_kg, middle = float(model.body_mass[body]), model.body_ipos[body].copy()
    new_kg = old_kg + mass_kg
    new_middle = (old_kg * middle + mass_kg * place) / new_kg
    turn = matrix_from_wxyz(model.body_iquat[body])
    inertia = turn @ np.diag(model.body_inertia[body]) @ turn.T
    for part_kg, arm in ((old_kg, middle - new_middle), (mass_kg, place - new_middle)):
        inertia -= part_kg * skew(arm) @ skew(arm)
    principal, axes = np.linalg.eigh(inertia)
    axes[:, 2] *= np.sign(np.linalg.det(axes))
    model.body_mass[body], model.body_ipos[body], model.body_inertia[body] = new_kg, new_middle, principal
    model.body_iquat[body] = wxyz_from_matrix(axes)
    model.body_sameframe[body], model.body_simple[body] = 0, 0  # its centre of mass is not where it was


def tilted(qpos: Array, robot_model: RobotModel, own: PlantDraw) -> Array:
    """Positions (nq,) at the start, with the things that stand free on the counter moved along with its tilt."""
    if not own.counter_tilt_rad.any():
        return qpos
    model, out = robot_model.model, qpos.copy()
    counter = _counter(model)
    turn = counter @ _tilt(own) @ counter.inverse()
    for body in robot_model.things.values():
        joint = int(model.body_jntadr[body])
        if joint >= 0 and model.body_jntnum[body] == _SLIDES:  # a point of cloth
            own_m = model.body_pos[body] + qpos[model.jnt_qposadr[joint] :][:_SLIDES]
            out[model.jnt_qposadr[joint] :][:_SLIDES] += turn.apply(own_m) - own_m
        elif joint >= 0 and model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_FREE:
            first = int(model.jnt_qposadr[joint])
            pose = turn @ Transform(qpos[first : first + 3], qpos[first + 3 : first + 7])
            out[first : first + 3], out[first + 3 : first + 7] = pose.position_m, pose.wxyz
    return out


def _counter(model: mujoco.MjModel) -> Transform:
    counter = model.body(COUNTER)
    return Transform(counter.pos.copy(), counter.quat.copy())


def _tilt(own: PlantDraw) -> Transform:
    return Transform(np.zeros(3), so3_exp(np.r_[own.counter_tilt_rad, 0.0]))
