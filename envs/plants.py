"""Plants: the robot as it is meant to be, and as it might really be. Data, not code.

A plant is the nominal robot and scene plus changes, each said in five words: which field, of which joints, links or
things, between which values, drawn how, and applied how. A change is made at one of three moments: at startup (the same for
every episode in the plant: what this very robot is like), at the reset of each episode, or at intervals within it. An
episode draws its own numbers from the plant with its own seed (`envs.plant_draws`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from motion.errors import FileFormatError, ShapeError, UnknownNameError, require
from motion.plugins import plugins
from motion.store import write_text

Distribution = Literal["constant", "uniform", "log_uniform", "uniform_shared"]
Operation = Literal["scale", "add", "set"]
When = Literal["startup", "reset", "interval"]

FIELDS: Mapping[str, str] = {
    "kp": "position gain of the motors, Nm/rad",
    "kd": "velocity gain of the motors, Nm s/rad",
    "effort": "torque limit of the motors, Nm",
    "armature": "rotor inertia seen at the joint, kg m2",
    "joint_friction": "dry friction, as a share of the joint's nominal torque limit; nominal 0",
    "joint_damping": "viscous friction, as a share of the joint's nominal kd; nominal 0",
    "joint_zero": "what a joint reads where its description says zero, rad; nominal 0",
    "mass": "mass and inertia of links, as a multiple of the nominal; nominal 1",
    "floor_friction": "sliding friction of the floor; nominal 0.8",
    "payload": "point masses at the robot's landmarks, kg; nominal 0",
    "push": "torque from outside, as a share of the joint's nominal torque limit, until the next one; nominal 0",
    "thing_friction": "sliding friction of things, as a multiple of the scene's; nominal 1",
    "thing_mass": "mass and inertia of things, as a multiple of the scene's; nominal 1",
    "thing_size": "size of things that stand by themselves, as a multiple of the scene's; nominal 1",
    "counter_tilt": "turn of the counter about the x and the y axis of its frame, rad; nominal 0",
    "gravity": "along the world's x, y and z, m/s2; nominal 0, 0 and -9.81",
    "timestep": "of the physics, s; shortened until the control period of 0.02 s is a multiple",
    "integrator": "of the physics: 0 semi-implicit Euler, 1 fourth-order Runge-Kutta, 2 implicit, 3 implicit but fast; nominal 3",
    "sensor_noise": "standard deviation of what is added to observations anew in every period, in their own units; nominal 0",
}
SENSORS: tuple[str, ...] = (
    "joint_position_rad",
    "joint_velocity_radps",
    "base_pose",
    "hinge",
    "thing_position_m",
    "thing_wxyz",
    "hand_force_n",
)
"""Observations that can be noisy; the turn of "thing_wxyz" is counted in rad."""
TILT_AXES, GRAVITY_AXES, TIMESTEP, INTEGRATOR = ("about_x", "about_y"), ("x", "y", "z"), "timestep", "integrator"
INTEGRATORS = 4
_ONLY_BEFORE = ("thing_size", "counter_tilt", TIMESTEP, INTEGRATOR)
"""Fields that cannot change while an episode runs."""
_SUFFIXES = (".yaml", ".yml")
MAX_DELAY_S = 0.2
_SHORTEST_INTERVAL_S = 0.02


def _range(value: float | Sequence[float], where: str) -> tuple[float, float]:
    low, high = (value, value) if isinstance(value, int | float) else (value[0], value[-1])
    require(float(low) <= float(high), ShapeError, f"{where}: the range is upside down: {low:g} > {high:g}.")
    return float(low), float(high)


@dataclass(frozen=True)
class Change:
    """One change, in five words.

    Attributes:
        field: one of `FIELDS`.
        selection: regular expression that the whole name has to match: of a joint; of a link for "mass"; of a landmark for
            "payload"; of a thing for "thing_..."; of an observation for "sensor_noise"; of an axis for "counter_tilt"
            ("about_x", "about_y") and "gravity" ("x", "y", "z").
        ranges: lowest and highest value; one number stands for both.
        distribution: "constant" (the lowest), "uniform" or "log_uniform" (drawn for each joint or link by itself),
            "uniform_shared" (one draw for all of them).
        operation: "scale", "add" or "set".
        when: "startup" (once, off the plant's own `startup_seed`), "reset" (in every episode), or "interval" (again and
            again within an episode, each time on the value that the episode began with).
        every_s: shortest and longest time between two changes at intervals; one number stands for both.
    """

    field: str
    selection: str = ".*"
    ranges: tuple[float, float] = (1.0, 1.0)
    distribution: Distribution = "constant"
    operation: Operation = "scale"
    when: When = "reset"
    every_s: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        low, high = _range(self.ranges, f"change of {self.field}")
        object.__setattr__(self, "ranges", (low, high))
        object.__setattr__(self, "every_s", _range(self.every_s, f"change of {self.field}, every_s"))
        for kind, value, known in (
            ("plant field", self.field, FIELDS),
            ("distribution", self.distribution, get_args(Distribution)),
            ("operation", self.operation, get_args(Operation)),
            ("moment", self.when, get_args(When)),
        ):
            if value not in known:
                raise UnknownNameError(kind, value, known)
        require(
            self.distribution != "log_uniform" or low > 0,
            ShapeError,
            f"change of {self.field}: log_uniform needs values above 0; the lowest is {low:g}.",
        )
        self._check_moment()

    def _check_moment(self) -> None:
        repeated, often = self.when == "interval", self.every_s[0] >= _SHORTEST_INTERVAL_S
        message = f"change of {self.field}: changes at intervals, and only those, need every_s of at least {_SHORTEST_INTERVAL_S} s;"
        require(often if repeated else self.every_s == (0.0, 0.0), ShapeError, f"{message} it is {self.every_s[0]:g}.")
        require(
            not (repeated and self.field in _ONLY_BEFORE),
            ShapeError,
            f"change of {self.field}: it cannot change within an episode; when has to be startup or reset.",
        )


@dataclass(frozen=True)
class Plant:
    """A robot that differs from the nominal one.

    Attributes:
        name: short name, as in `plant=NAME`.
        changes: applied in order.
        action_delay_s: lowest and highest delay between an action and the motors; drawn per episode.
        description: one line.
        startup_seed: of the changes at startup. The same plant with another one is another robot off the same line.
    """

    name: str
    changes: tuple[Change, ...] = ()
    action_delay_s: tuple[float, float] = (0.0, 0.0)
    description: str = ""
    startup_seed: int = 0

    def __post_init__(self) -> None:
        low, high = _range(self.action_delay_s, f"plant {self.name}: action_delay_s")
        object.__setattr__(self, "action_delay_s", (low, high))
        object.__setattr__(self, "changes", tuple(self.changes))
        require(
            low >= 0 and high <= MAX_DELAY_S,
            ShapeError,
            f"plant {self.name}: action_delay_s is {low:g} .. {high:g}; 0 .. {MAX_DELAY_S} s can be simulated.",
        )


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
        Plant(
            "soft_gains",
            (
                Change("kp", ranges=(0.6, 0.8), distribution="uniform_shared"),
                Change("kd", ranges=(0.6, 0.8), distribution="uniform_shared"),
            ),
            description="gains between 60 and 80 %",
        ),
        Plant("heavy_rotors", (Change("armature", ranges=(2.0, 2.0)),), description="rotors with twice the inertia"),
        Plant(
            "payload",
            (Change("payload", ".*_wrist", (0.3, 0.6), "uniform", "set"),),
            description="300 to 600 g at each wrist that nobody told the robot of",
        ),
        Plant(
            "slippery",
            (Change("thing_friction", ranges=(0.6, 0.8), distribution="uniform"), Change("floor_friction", ranges=(0.6, 0.6))),
            description="things with 60 to 80 % of their friction, the floor with 60 %",
        ),
        Plant(
            "heavy_things",
            (Change("thing_mass", ranges=(1.3, 1.6), distribution="uniform"),),
            description="things that weigh 30 to 60 % more than they look",
        ),
        Plant(
            "noisy_sensors",
            (
                Change("sensor_noise", "joint_position_rad", (0.002, 0.002), operation="set"),
                Change("sensor_noise", "joint_velocity_radps", (0.05, 0.05), operation="set"),
                Change("sensor_noise", "base_pose|hinge", (0.002, 0.002), operation="set"),
                Change("sensor_noise", "thing_position_m", (0.003, 0.003), operation="set"),
                Change("sensor_noise", "thing_wxyz", (0.02, 0.02), operation="set"),
                Change("sensor_noise", "hand_force_n", (0.2, 0.2), operation="set"),
            ),
            description="noise on all that is seen: joints 2 mrad and 0.05 rad/s, things 3 mm and 1.1 deg, forces 0.2 N",
        ),
        Plant(
            "uneven_counter",
            (Change("counter_tilt", ranges=(-0.0122, 0.0122), distribution="uniform", operation="add"),),
            description="a counter that leans by up to 0.7 deg each way, up to 1 deg in all",
        ),
        Plant(
            "coarse_time",
            (Change("timestep", ranges=(2.0, 2.0)),),
            description="physics in steps twice as long: 4 ms instead of 2",
        ),
        Plant(
            "other_integrator",
            (Change(INTEGRATOR, ranges=(0, 0), operation="set"),),
            description="physics integrated by semi-implicit Euler instead of implicitly: dampers and motors act with the last speed",
        ),
        Plant(
            "restless",
            (
                Change("push", ranges=(-0.03, 0.03), distribution="uniform", operation="set", when="interval", every_s=(0.3, 1.0)),
                Change("thing_friction", ranges=(0.8, 1.0), distribution="uniform", when="interval", every_s=(1.0, 2.0)),
                Change("gravity", "x|y", (-0.1, 0.1), "uniform", "add", when="interval", every_s=(0.5, 1.5)),
            ),
            description="within an episode: torques of 3 % of the limits, friction down to 80 %, gravity tilting by up to 0.8 deg",
        ),
        Plant(
            "varied_home",
            (
                Change("kp", ranges=(0.9, 1.1), distribution="uniform", when="startup"),
                Change("kp", ranges=(0.8, 1.1), distribution="uniform_shared"),
                Change("kd", ranges=(0.8, 1.1), distribution="uniform_shared"),
                Change("armature", ranges=(1.0, 1.5), distribution="uniform_shared"),
                Change("joint_friction", ranges=(0.0, 0.01), distribution="uniform", operation="set"),
                Change("payload", ".*_wrist", (0.0, 0.2), "uniform", "set"),
                Change("counter_tilt", ranges=(-0.006, 0.006), distribution="uniform", operation="add"),
                Change("sensor_noise", "joint_position_rad", (0.001, 0.001), operation="set"),
                Change("sensor_noise", "thing_position_m", (0.0, 0.003), "uniform", "set"),
                Change("sensor_noise", "thing_wxyz", (0.0, 0.02), "uniform", "set"),
                Change("push", ranges=(-0.01, 0.01), distribution="uniform", operation="set", when="interval", every_s=(0.3, 1.0)),
            ),
            action_delay_s=(0.0, 0.02),
            description="drawn anew for every episode, to train in among things, which stay as the scene has them: all else, a little",
        ),
    )
}


def known_plants() -> dict[str, Plant]:
    """Every plant by name, those of installed plug-ins among them."""
    return {**PLANTS, **plugins("plant")}


def find_plant(plant: str | Plant | Mapping[str, Any]) -> Plant:
    """A plant by name, from a YAML file (`mine.yaml`), from plain data, or as it is.

    Raises:
        UnknownNameError: no plant of that name.
        FileFormatError: a file that is not there, or holds no plant.
    """
    if isinstance(plant, Plant):
        return plant
    if isinstance(plant, Mapping):
        return plant_from_dict(plant)
    if plant.endswith(_SUFFIXES):
        return read_plant(Path(plant))
    known = known_plants()
    if plant not in known:
        raise UnknownNameError("plant", plant, known)
    return known[plant]


def read_plant(path: Path) -> Plant:
    """The plant of a YAML file, as `write_plant` writes it.

    Raises:
        FileFormatError: there is no such file, or it holds no plant.
    """
    require(path.is_file(), FileFormatError, f"{path}: no such file; a plant was wanted, as `python evaluate.py identify` writes it.")
    try:
        data = yaml.safe_load(path.read_text())
        require(isinstance(data, dict), FileFormatError, f"{path}: no plant; name, changes and action_delay_s were wanted.")
        return plant_from_dict(data)
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, ValueError, ShapeError) as error:
        raise FileFormatError(f"{path}: no plant ({error}).") from error


def write_plant(path: Path, plant: Plant, said: str = "") -> None:
    """Write a plant as YAML, below comments `said`."""
    told = "".join(f"# {line}\n" for line in said.splitlines())
    write_text(path, told + yaml.safe_dump(plant_to_dict(plant), sort_keys=False, default_flow_style=None, width=120))


def plant_to_dict(plant: Plant) -> dict[str, Any]:
    """Plain data; what stands at its default is left out."""
    data = {name: value for name, value in asdict(plant).items() if name != "changes"}
    usual = {field.name: field.default for field in fields(Change)}
    changes = [{name: value for name, value in asdict(change).items() if value != usual[name]} for change in plant.changes]
    return _as_lists({**data, "changes": changes})


def _as_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_lists(part) for name, part in value.items()}
    return [_as_lists(part) for part in value] if isinstance(value, tuple | list) else value


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
