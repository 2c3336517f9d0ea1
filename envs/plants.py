"""Plants: the robot as it is meant to be, and as it might really be. Data, not code.

A plant is the nominal robot plus changes, each said in five words: which field, of which joints or links, between
which values, drawn how, and applied how. An episode draws its own numbers from the plant with its own seed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

import mujoco
import numpy as np

from envs.model import FLOOR, TIMESTEP_S, RobotModel
from motion.errors import ShapeError, UnknownNameError, require
from motion.plugins import plugins
from motion.transform import Array

Distribution = Literal["constant", "uniform", "log_uniform", "uniform_shared"]
Operation = Literal["scale", "add", "set"]

FIELDS: Mapping[str, str] = {
    "kp": "position gain of the motors, Nm/rad",
    "kd": "velocity gain of the motors, Nm s/rad",
    "effort": "torque limit of the motors, Nm",
    "armature": "rotor inertia seen at the joint, kg m2",
    "joint_friction": "dry friction, as a share of the joint's nominal torque limit; nominal 0",
    "joint_damping": "viscous friction, as a share of the joint's nominal kd; nominal 0",
    "mass": "mass and inertia of links, as a multiple of the nominal; nominal 1",
    "floor_friction": "sliding friction of the floor; nominal 0.8",
}
MAX_DELAY_S = 0.2


def _range(value: float | Sequence[float], where: str) -> tuple[float, float]:
    low, high = (value, value) if isinstance(value, int | float) else (value[0], value[-1])
    require(float(low) <= float(high), ShapeError, f"{where}: the range is upside down: {low:g} > {high:g}.")
    return float(low), float(high)


@dataclass(frozen=True)
class Change:
    """One change, in five words.

    Attributes:
        field: one of `FIELDS`.
        selection: regular expression that a whole joint name (or link name, for "mass") has to match.
        ranges: lowest and highest value; one number stands for both.
        distribution: "constant" (the lowest), "uniform" or "log_uniform" (drawn for each joint or link by itself),
            "uniform_shared" (one draw for all of them).
        operation: "scale", "add" or "set".
    """

    field: str
    selection: str = ".*"
    ranges: tuple[float, float] = (1.0, 1.0)
    distribution: Distribution = "constant"
    operation: Operation = "scale"

    def __post_init__(self) -> None:
        low, high = _range(self.ranges, f"change of {self.field}")
        object.__setattr__(self, "ranges", (low, high))
        for kind, value, known in (
            ("plant field", self.field, FIELDS),
            ("distribution", self.distribution, get_args(Distribution)),
            ("operation", self.operation, get_args(Operation)),
        ):
            if value not in known:
                raise UnknownNameError(kind, value, known)
        require(
            self.distribution != "log_uniform" or low > 0,
            ShapeError,
            f"change of {self.field}: log_uniform needs values above 0; the lowest is {low:g}.",
        )


@dataclass(frozen=True)
class Plant:
    """A robot that differs from the nominal one.

    Attributes:
        name: short name, as in `plant=NAME`.
        changes: applied in order.
        action_delay_s: lowest and highest delay between an action and the motors; drawn per episode.
        description: one line.
    """

    name: str
    changes: tuple[Change, ...] = ()
    action_delay_s: tuple[float, float] = (0.0, 0.0)
    description: str = ""

    def __post_init__(self) -> None:
        low, high = _range(self.action_delay_s, f"plant {self.name}: action_delay_s")
        object.__setattr__(self, "action_delay_s", (low, high))
        object.__setattr__(self, "changes", tuple(self.changes))
        require(
            low >= 0 and high <= MAX_DELAY_S,
            ShapeError,
            f"plant {self.name}: action_delay_s is {low:g} .. {high:g}; 0 .. {MAX_DELAY_S} s can be simulated.",
        )


@dataclass(frozen=True)
class PlantDraw:
    """The numbers of one episode's plant.

    Attributes:
        kp, kd, effort_nm, armature: (J,) of the motors.
        friction_nm, damping: (J,) dry (Nm) and viscous (Nm s/rad) joint friction.
        link_mass_scale: (B,) multiple of the nominal mass, per body of the model.
        floor_friction: sliding friction.
        delay_steps: physics steps between an action and the motors.
    """

    kp: Array
    kd: Array
    effort_nm: Array
    armature: Array
    friction_nm: Array
    damping: Array
    link_mass_scale: Array
    floor_friction: float
    delay_steps: int


PLANTS: Mapping[str, Plant] = {
    plant.name: plant
    for plant in (
        Plant("nominal", description="the robot as its description states it"),
        Plant(
            "weak_motors",
            (Change("kp", ranges=(0.5, 0.5)), Change("kd", ranges=(0.7, 0.7)), Change("effort", ranges=(0.7, 0.7))),
            description="gains at 50 and 70 %, torque limits at 70 %",
        ),
        Plant("slow_link", action_delay_s=(0.04, 0.04), description="every action reaches the motors 40 ms late"),
        Plant(
            "heavy_sticky",
            (
                Change("mass", ranges=(1.3, 1.3)),
                Change("joint_friction", ranges=(0.03, 0.03), operation="set"),
                Change("joint_damping", ranges=(0.3, 0.3), operation="set"),
            ),
            description="30 % heavier, with dry friction of 3 % of the torque limits and viscous friction of 30 % of kd",
        ),
        Plant(
            "varied",
            (
                Change("kp", ranges=(0.5, 1.2), distribution="uniform_shared"),
                Change("kp", ranges=(0.85, 1.15), distribution="uniform"),
                Change("kd", ranges=(0.7, 1.2), distribution="uniform"),
                Change("mass", ranges=(0.9, 1.3), distribution="uniform_shared"),
                Change("joint_friction", ranges=(0.0, 0.03), distribution="uniform", operation="set"),
                Change("joint_damping", ranges=(0.0, 0.3), distribution="uniform", operation="set"),
            ),
            action_delay_s=(0.0, 0.04),
            description="drawn anew for every episode, to train in: everything above, a little",
        ),
    )
}


def known_plants() -> dict[str, Plant]:
    """Every plant by name, those of installed plug-ins among them."""
    return {**PLANTS, **plugins("plant")}


def find_plant(plant: str | Plant | Mapping[str, Any]) -> Plant:
    """A plant by name, from plain data, or as it is.

    Raises:
        UnknownNameError: no plant of that name.
    """
    if isinstance(plant, Plant):
        return plant
    if isinstance(plant, Mapping):
        return plant_from_dict(plant)
    known = known_plants()
    if plant not in known:
        raise UnknownNameError("plant", plant, known)
    return known[plant]


def plant_from_dict(data: Mapping[str, Any]) -> Plant:
    """A plant from plain data, as a YAML file holds it; `changes` is a list of mappings with the keys of `Change`.

    Raises:
        UnknownNameError: a key, field, distribution or operation that does not exist.
        ShapeError: a range upside down, or a name missing.
    """
    _known_keys(data, Plant, "plant")
    require("name" in data, ShapeError, "a plant needs a name.")
    changes = []
    for change in data.get("changes") or ():
        _known_keys(change, Change, f"plant {data['name']}, changes")
        require("field" in change, ShapeError, f"plant {data['name']}: a change needs a field.")
        changes.append(Change(**change))
    rest = {key: value for key, value in data.items() if key != "changes"}
    return Plant(**rest, changes=tuple(changes))


def _known_keys(data: Mapping[str, Any], kind: type, where: str) -> None:
    known = [field.name for field in fields(kind)]
    for key in data:
        if key not in known:
            raise UnknownNameError("key", key, known, where)


def nominal_draw(model: RobotModel) -> PlantDraw:
    """The numbers of the nominal plant."""
    robot, joints = model.robot, len(model.robot.joint_names)
    return PlantDraw(
        kp=robot.kp.copy(),
        kd=robot.kd.copy(),
        effort_nm=robot.effort_nm.copy(),
        armature=robot.armature.copy(),
        friction_nm=np.zeros(joints),
        damping=np.zeros(joints),
        link_mass_scale=np.ones(model.model.nbody),
        floor_friction=float(model.model.geom(FLOOR).friction[0]),
        delay_steps=0,
    )


def draw(plant: Plant, model: RobotModel, rng: np.random.Generator) -> PlantDraw:
    """One episode's numbers.

    Raises:
        UnknownNameError: a selection that matches no joint or link.
    """
    robot = model.robot
    values: dict[str, Array] = {
        "kp": robot.kp.copy(),
        "kd": robot.kd.copy(),
        "effort": robot.effort_nm.copy(),
        "armature": robot.armature.copy(),
        "joint_friction": np.zeros(len(robot.kp)),
        "joint_damping": np.zeros(len(robot.kp)),
        "mass": np.ones(model.model.nbody),
        "floor_friction": np.array([nominal_draw(model).floor_friction]),
    }
    for change in plant.changes:
        names = _names(change.field, model)
        chosen = np.array([index for index, name in enumerate(names) if re.fullmatch(change.selection, name)], int)
        if not len(chosen):
            raise UnknownNameError(f"{change.field} selection", change.selection, names, f"plant {plant.name}")
        values[change.field][chosen] = _OPERATIONS[change.operation](values[change.field][chosen], _amounts(change, len(chosen), rng))
    delay_s = rng.uniform(*plant.action_delay_s)
    torque_scale = np.where(np.isfinite(robot.effort_nm), robot.effort_nm, robot.kp)
    return replace(
        nominal_draw(model),
        kp=values["kp"],
        kd=values["kd"],
        effort_nm=values["effort"],
        armature=values["armature"],
        friction_nm=values["joint_friction"] * torque_scale,
        damping=values["joint_damping"] * robot.kd,
        link_mass_scale=values["mass"],
        floor_friction=float(values["floor_friction"][0]),
        delay_steps=round(delay_s / TIMESTEP_S),
    )


_OPERATIONS: Mapping[str, Callable[[Array, Array], Array]] = {
    "scale": lambda old, amount: old * amount,
    "add": lambda old, amount: old + amount,
    "set": lambda old, amount: amount,
}


def _names(field: str, model: RobotModel) -> tuple[str, ...]:
    if field == "mass":
        return tuple(model.model.body(index).name for index in range(model.model.nbody))
    return (FLOOR,) if field == "floor_friction" else model.robot.joint_names


def _amounts(change: Change, count: int, rng: np.random.Generator) -> Array:
    low, high = change.ranges
    if change.distribution == "constant":
        return np.full(count, low)
    if change.distribution == "uniform_shared":
        return np.full(count, rng.uniform(low, high))
    if change.distribution == "log_uniform":
        return np.exp(rng.uniform(np.log(low), np.log(high), count))
    return rng.uniform(low, high, count)


def apply_plant(model: mujoco.MjModel, robot_model: RobotModel, own: PlantDraw) -> None:
    """Write one episode's numbers into its own model. Delays are not the model's business."""
    joints, dof = len(own.kp), robot_model.joint_dof
    nominal_mass, nominal_inertia = model.body_mass.copy(), model.body_inertia.copy()
    model.actuator_gainprm[:joints, 0] = own.kp
    model.actuator_biasprm[:joints, 1] = -own.kp
    model.actuator_biasprm[:joints, 2] = -own.kd
    model.actuator_forcerange[:joints] = np.stack([-own.effort_nm, own.effort_nm], axis=1)
    model.dof_armature[dof] = own.armature
    model.dof_frictionloss[dof] = own.friction_nm
    model.dof_damping[dof] = own.damping
    model.body_mass[:] = nominal_mass * own.link_mass_scale
    model.body_inertia[:] = nominal_inertia * own.link_mass_scale[:, None]
    model.geom_friction[int(model.geom(FLOOR).id), 0] = own.floor_friction
    mujoco.mj_setConst(model, mujoco.MjData(model))
