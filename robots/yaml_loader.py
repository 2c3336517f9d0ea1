"""robot.yaml: schema, checks and loading. A robot is a folder that holds this file."""

from __future__ import annotations

import math
import re
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from motion.errors import RobotError, UnknownNameError, require
from motion.landmarks import FINGERS, SIDES, mirror, require_known
from motion.transform import Array, normalized
from robots.hand_facts import counter_m, hand_facts
from robots.kinematics import Kinematics, standing_height_m
from robots.robot import FramePoint, Mimic, Robot, Sole
from robots.urdf import Urdf, UrdfJoint, read_urdf

FILE = "robot.yaml"
_KEYS = {
    "urdf": "path of the URDF, relative to this file or package://...",
    "description": "one line",
    "licence": "of the robot's description",
    "packages": "folders in which package:// is resolved",
    "floating": "false for a robot bolted down; true by default",
    "base_height_m": "height of the root link at rest; computed where the robot has soles",
    "rest_rad": "joint -> rad, standing at ease, arms hanging; joints not named rest at 0",
    "landmarks": "landmark -> link, or [link, x, y, z]",
    "soles": "side -> {frame, heel_m, toe_m, width_m}",
    "hands": "side -> {palm, tool_m, fingers_along, thumb_side, joints, postures}; what is not stated is computed",
    "motors": "list of {joints: regular expression, kp, kd, armature}; the first match counts",
    "speed_radps": "regular expression -> speed limit, where the URDF states none worth the name",
    "effort_nm": "regular expression -> effort limit, likewise",
    "acceleration_radps2": "regular expression -> acceleration limit; what the motor could do at most by default",
    "coupled": "joint -> {of, multiplier, offset}: joints that a tendon couples and the URDF calls free",
    "gates": "number of the quality card -> [review, reject]",
    "no_collision": "list of [link, link]",
    "counter_m": "[ahead, high]: the counter it works at; searched for by default",
    "missing_meshes": "stand_in: boxes of the links' inertia take the place of mesh files that are not there; error by default",
}
_MISSING, _SOLE_KEYS = ("error", "stand_in"), ("frame", "heel_m", "toe_m", "width_m")
_MOTOR_KEYS, _COUPLED_KEYS = ("joints", "kp", "kd", "armature"), ("of", "multiplier", "offset")
_HELP = "Every key is explained in docs/add_a_robot.md."
FLOOR_RADPS2 = 200.0
"""Joints may always accelerate by this much where robot.yaml states nothing. What a motor could do at most is its effort
over the least inertia that it moves, found among postures, with the base held. On a trunk that is too strict: a G1's
waist gets 60 rad/s2 that way, while people retargeted onto it reach 170 in a kick, because legs and trunk turn against
each other."""
_POSTURES_N = 64


def shipped_folder() -> Path:
    """Where the shipped robots lie."""
    return Path(__file__).resolve().parent


def catalogue() -> dict[str, Path]:
    """Name -> folder of every shipped robot."""
    return {path.parent.name: path.parent for path in sorted(shipped_folder().glob(f"*/{FILE}"))}


def default_packages() -> tuple[Path, ...]:
    """Where PyPI packages of robot descriptions put their files."""
    site = Path(sysconfig.get_paths()["purelib"])
    return (site / "cmeel.prefix" / "share",)


def load_robot(name_or_folder: str | Path) -> Robot:
    """Load a shipped robot by name, or any folder (or its robot.yaml) by path.

    Raises:
        UnknownNameError: neither a shipped robot nor a folder.
        RobotError: robot.yaml or the URDF breaks a rule, or another robot's folder has a shipped robot's name; the
            message says which and where.
    """
    shipped = catalogue()
    if str(name_or_folder) in shipped:
        return _load(shipped[str(name_or_folder)])
    folder = Path(name_or_folder)
    folder = folder.parent if folder.name == FILE else folder
    if not (folder / FILE).is_file():
        if folder.is_dir():
            raise RobotError(f"{folder}: holds no {FILE}. See docs/add_a_robot.md.")
        raise UnknownNameError("robot", name_or_folder, shipped, "the shipped robots; a path to a folder with robot.yaml works too")
    folder = folder.resolve()
    if shipped.get(folder.name, folder) != folder:
        raise RobotError(
            f"{folder}: {folder.name!r} is the name of a shipped robot, and a robot's name is its folder's: motions of the two could "
            f"not be told apart. Rename the folder, for example to {'my_' + folder.name!r}."
        )
    return _load(folder)


def robot_from(data: Mapping[str, Any], folder: Path) -> Robot:
    """The robot that a robot.yaml with these keys in `folder` would describe; nothing is read there but the URDF.

    Raises:
        UnknownNameError, RobotError: as `load_robot`.
    """
    return _finished(_from_keys(folder / FILE, data))


@lru_cache(maxsize=32)
def _load(folder: Path) -> Robot:
    return _finished(_read(folder))


def _finished(robot: Robot) -> Robot:
    """The robot with everything that follows from its kinematics."""
    kinematics = Kinematics(robot)
    stated = robot.acceleration_radps2
    return replace(
        robot,
        base_height_m=robot.base_height_m or standing_height_m(robot),
        soles=_turned_soles(robot, kinematics),
        acceleration_radps2=np.where(np.isnan(stated), _most_acceleration(robot, kinematics), stated),
    )


def _most_acceleration(robot: Robot, kinematics: Kinematics) -> Array:
    """(J,) what each motor could do at most; infinite where its effort is."""
    reach = (np.clip(robot.lower_rad, -np.pi, np.pi), np.clip(robot.upper_rad, -np.pi, np.pi))
    postures = np.random.default_rng(0).uniform(*reach, (_POSTURES_N, len(robot.joint_names)))
    least = kinematics.joint_inertias(np.vstack([robot.rest_rad, postures])).min(0) + robot.armature
    most = np.divide(robot.effort_nm, least, out=np.full(len(least), np.inf), where=least > 0)
    return np.asarray(np.maximum(most, FLOOR_RADPS2))


def _turned_soles(robot: Robot, kinematics: Kinematics) -> dict[str, Sole]:
    """The soles with their left side found: across what points forward and what is up in the rest posture."""
    soles = {}
    for side, sole in robot.soles.items():
        up = kinematics.frame_poses([sole.frame], robot.rest_rad)[0, 0].rotation().T @ [0.0, 0.0, 1.0]
        left = normalized(np.cross(up, np.subtract(sole.toe_m, sole.heel_m)))
        message = f"{robot.folder / FILE}, soles.{side}: heel_m and toe_m are one point, or above each other in the rest posture."
        require(bool(np.isfinite(left).all()), RobotError, message)
        soles[side] = replace(sole, left=_xyz(left))
    return soles


def _read(folder: Path) -> Robot:
    path = folder / FILE
    try:
        data = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise RobotError(f"{path}: not valid YAML ({error}).") from error
    return _from_keys(path, data)


def _from_keys(path: Path, data: Any) -> Robot:
    require(isinstance(data, dict), RobotError, f"{path}: holds no keys. Keys: {', '.join(_KEYS)}.")
    for key in data:
        if key not in _KEYS:
            raise UnknownNameError("key", key, _KEYS, str(path))
    require("urdf" in data, RobotError, f"{path}: `urdf:` is missing; it names the URDF, relative to this file or as package://...")
    packages = tuple((path.parent / entry).resolve() for entry in data.get("packages", ())) + default_packages()
    urdf_path = _urdf_path(path, str(data["urdf"]), packages)
    try:
        robot = _build(path, data, urdf_path, packages, read_urdf(urdf_path))
    except (AttributeError, KeyError, TypeError, ValueError, re.error) as error:
        what = f"{path} or {urdf_path.name}: a value is not of the kind it should be"
        raise RobotError(f"{what} ({type(error).__name__}: {error}). {_HELP}") from error
    _check_moving(path, robot)
    _check_together(path, robot)
    return robot


def _urdf_path(path: Path, name: str, packages: Iterable[Path]) -> Path:
    if name.startswith("package://"):
        candidates = [folder / name.removeprefix("package://") for folder in packages]
    else:
        candidates = [path.parent / name]
    for candidate in (candidate.resolve() for candidate in candidates):
        if candidate.is_file():
            return candidate
    raise RobotError(f"{path}: URDF not found: {name}. Searched: {', '.join(map(str, candidates))}.")


def _build(path: Path, data: Mapping[str, Any], urdf_path: Path, packages: tuple[Path, ...], urdf: Urdf) -> Robot:
    moving = _coupled(path, data.get("coupled", {}), urdf.joints)
    mimic = {joint.name: joint.mimic for joint in moving if joint.mimic is not None}
    joints = [joint for joint in moving if joint.mimic is None]
    names = tuple(joint.name for joint in joints)
    limits = np.array([_limits(joint, moving) for joint in joints])
    speed = _overridden(path, "speed_radps", data.get("speed_radps", {}), names, limits[:, 2])
    effort = _overridden(path, "effort_nm", data.get("effort_nm", {}), names, limits[:, 3])
    unstated = np.full(len(names), np.nan)
    acceleration = _overridden(path, "acceleration_radps2", data.get("acceleration_radps2", {}), names, unstated)
    motors = [_motor(path, data.get("motors", ()), joint) for joint in joints]
    rest = _rest(path, data.get("rest_rad", {}), names, limits)
    return Robot(
        name=path.parent.name,
        folder=path.parent,
        urdf=urdf_path,
        package_dirs=packages,
        base=urdf.root,
        floating=bool(data.get("floating", True)),
        joint_names=names,
        lower_rad=limits[:, 0],
        upper_rad=limits[:, 1],
        speed_radps=speed,
        effort_nm=effort,
        acceleration_radps2=acceleration,
        rest_rad=rest,
        base_height_m=float(data.get("base_height_m", 0.0)),
        kp=np.array([motor[0] for motor in motors]),
        kd=np.array([motor[1] for motor in motors]),
        armature=np.array([motor[2] for motor in motors]),
        mimic=mimic,
        landmarks=_landmarks(path, data.get("landmarks", {}), urdf),
        soles=_soles(path, data.get("soles", {}), urdf),
        no_collision=_pairs(path, data.get("no_collision", ()), urdf),
        gates=_gates(path, data.get("gates", {})),
        stand_ins=_stand_ins(path, data.get("missing_meshes", "error")),
        counter_m=counter_m(path, data.get("counter_m")),
        hands=hand_facts(path, data.get("hands", {}), urdf.links, names, limits[:, :2]),
        licence=str(data.get("licence", "")),
        description=str(data.get("description", "")),
    )


def _coupled(path: Path, entries: Mapping[str, Any], joints: tuple[UrdfJoint, ...]) -> list[UrdfJoint]:
    """The joints, those that a tendon couples made to mimic; every rule, the URDF's too, leads to a motorised joint."""
    names = [joint.name for joint in joints]
    for name, entry in entries.items():
        where = f"{path}, coupled.{name}"
        for key in entry:
            if key not in _COUPLED_KEYS:
                raise UnknownNameError("key", key, _COUPLED_KEYS, where)
        require("of" in entry, RobotError, f"{where}: lacks of, the joint that drives it.")
        for joint in (name, entry["of"]):
            if joint not in names:
                raise UnknownNameError("joint", joint, names, where)
    made = [replace(joint, mimic=_rule(path, entries[joint.name], joint)) if joint.name in entries else joint for joint in joints]
    leader = {joint.name: joint.mimic.of for joint in made if joint.mimic is not None}
    for name, of in leader.items():
        where = f"{path}, coupled.{name}" if name in entries else f"{path}: joint {name!r} of the URDF"
        require(of != name, RobotError, f"{where}: follows itself.")
        message = f"{where}: follows {of!r}, which itself follows {leader.get(of)!r}. Name the joint with the motor."
        require(of not in leader, RobotError, message)
    return made


def _rule(path: Path, entry: Mapping[str, Any], joint: UrdfJoint) -> Mimic:
    where = f"{path}, coupled.{joint.name}"
    require(joint.mimic is None, RobotError, f"{where}: the URDF couples this joint already (<mimic>).")
    rule = Mimic(str(entry["of"]), float(entry.get("multiplier", 1.0)), float(entry.get("offset", 0.0)))
    usable = math.isfinite(rule.multiplier) and rule.multiplier != 0 and math.isfinite(rule.offset)
    require(usable, RobotError, f"{where}: multiplier {rule.multiplier:g}, offset {rule.offset:g}; it wants numbers, the first not 0.")
    return rule


def _stand_ins(path: Path, word: Any) -> bool:
    if word not in _MISSING:
        raise UnknownNameError("choice", word, _MISSING, f"{path}, missing_meshes")
    return bool(word == "stand_in")


def _gates(path: Path, entries: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    gates = {}
    for name, values in entries.items():
        review, reject = (float(value) for value in values)
        message = f"{path}, gates.{name}: wants [review, reject] with review <= reject; got {list(values)}."
        require(review <= reject, RobotError, message)
        gates[str(name)] = (review, reject)
    return gates


def _limits(joint: UrdfJoint, joints: Iterable[UrdfJoint]) -> tuple[float, float, float, float]:
    """Limits of a joint, narrowed by the joints that mimic it."""
    lower, upper, speed = joint.lower, joint.upper, joint.speed
    for follower in joints:
        rule = follower.mimic
        if rule is None or rule.of != joint.name or rule.multiplier == 0:
            continue
        ends = sorted((limit - rule.offset) / rule.multiplier for limit in (follower.lower, follower.upper))
        lower, upper = max(lower, ends[0]), min(upper, ends[1])
        speed = min(speed, follower.speed / abs(rule.multiplier))
    require(lower <= upper, RobotError, f"joint {joint.name!r}: the limits of the joints that mimic it leave it no range.")
    return lower + 0.0, upper + 0.0, speed, joint.effort  # a range that ends at -0 would be upside down for numpy


def _overridden(path: Path, key: str, rules: Mapping[str, float], names: tuple[str, ...], values: np.ndarray) -> np.ndarray:
    out = values.copy()
    for pattern, value in rules.items():
        hits = [index for index, name in enumerate(names) if re.fullmatch(pattern, name)]
        if not hits:
            raise UnknownNameError("joint pattern", pattern, names, f"{path}, {key}")
        require(not math.isnan(float(value)), RobotError, f"{path}, {key}: {pattern}: {value} is no number.")
        out[hits] = float(value)
    return out


def _motor(path: Path, rules: Iterable[Mapping[str, Any]], joint: UrdfJoint) -> tuple[float, float, float]:
    for rule in rules:
        for key in rule:
            if key not in _MOTOR_KEYS:
                raise UnknownNameError("key", key, _MOTOR_KEYS, f"{path}, motors")
        missing = [key for key in ("joints", "kp", "kd") if key not in rule]
        require(not missing, RobotError, f"{path}, motors: {dict(rule)} lacks {', '.join(missing)}.")
        if re.fullmatch(str(rule["joints"]), joint.name):
            return float(rule["kp"]), float(rule["kd"]), float(rule.get("armature", 0.0))
    # Nothing stated: full effort at 0.2 rad, damped as a motor with this armature would want it.
    effort = joint.effort if math.isfinite(joint.effort) and joint.effort > 0 else 10.0
    return 5 * effort, 0.25 * effort, 1e-4 * effort


def _rest(path: Path, rest: Mapping[str, float], names: tuple[str, ...], limits: np.ndarray) -> np.ndarray:
    for name in rest:
        if name not in names:
            raise UnknownNameError("joint", name, names, f"{path}, rest_rad")
    values = np.array([float(rest.get(name, 0.0)) for name in names])
    for name, value, (lower, upper, *_) in zip(names, values, limits, strict=True):
        if name in rest and not lower <= value <= upper:
            raise RobotError(f"{path}, rest_rad: {name} = {value:g} lies outside its limits {lower:g} .. {upper:g} rad.")
    return np.clip(values, limits[:, 0], limits[:, 1])


def _point(value: Any, where: str, urdf: Urdf) -> FramePoint:
    frame, *offset = [value] if isinstance(value, str) else list(value)
    if frame not in urdf.links:
        raise UnknownNameError("frame", frame, urdf.links, where)
    require(len(offset) in (0, 3), RobotError, f"{where}: wants a link, or [link, x, y, z] in m; got {value!r}.")
    return FramePoint(frame, _xyz(offset or (0, 0, 0)))


def _xyz(values: Iterable[Any]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _landmarks(path: Path, entries: Mapping[str, Any], urdf: Urdf) -> dict[str, FramePoint]:
    require_known(entries, f"{path}, landmarks")
    return {name: _point(value, f"{path}, landmarks.{name}", urdf) for name, value in entries.items()}


def _soles(path: Path, entries: Mapping[str, Any], urdf: Urdf) -> dict[str, Sole]:
    soles = {}
    for side, entry in entries.items():
        where = f"{path}, soles.{side}"
        if side not in SIDES:
            raise UnknownNameError("side", side, SIDES, where)
        for key in entry:
            if key not in _SOLE_KEYS:
                raise UnknownNameError("key", key, _SOLE_KEYS, where)
        missing = [key for key in ("frame", "heel_m", "toe_m") if key not in entry]
        require(not missing, RobotError, f"{where}: lacks {', '.join(missing)}.")
        frame = _point(entry["frame"], where, urdf).frame
        width = float(entry.get("width_m", 0.0))
        require(0 <= width < math.inf, RobotError, f"{where}: width_m is {width:g}; it wants the length of the sole's edges in m.")
        soles[side] = Sole(frame, _xyz(entry["heel_m"]), _xyz(entry["toe_m"]), width)
    return soles


def _check_moving(path: Path, robot: Robot) -> None:
    """Some URDFs state 0 for "unknown": such a joint could never move."""
    acceleration = np.nan_to_num(robot.acceleration_radps2, nan=np.inf)  # NaN: not stated
    limits = {"speed_radps": robot.speed_radps, "effort_nm": robot.effort_nm, "acceleration_radps2": acceleration}
    for key, values in limits.items():
        stuck = [name for name, value in zip(robot.joint_names, values, strict=True) if not value > 0]
        require(not stuck, RobotError, f"{path}: the limit of {', '.join(stuck)} is not above 0; state it with `{key}:`.")


def _check_together(path: Path, robot: Robot) -> None:
    """Landmarks that retargeting takes together have to be there together."""

    def want(name: str, *others: str) -> None:
        missing = [other for other in others if other not in robot.landmarks]
        if name in robot.landmarks and missing:
            raise RobotError(f"{path}, landmarks: {name} wants {', '.join(missing)} beside it. {_HELP}")

    for side in SIDES:
        if f"{side}_hip" in robot.landmarks and f"{side}_shoulder" in robot.landmarks:
            for part in ("hip", "shoulder"):
                want(f"{side}_{part}", mirror(f"{side}_{part}"))
        want(f"{side}_ankle", *(f"{side}_{part}" for part in ("hip", "knee", "heel", "toe")))
        sole_is_there = f"{side}_ankle" not in robot.landmarks or side in robot.soles
        require(sole_is_there, RobotError, f"{path}, soles: a leg wants its sole, and soles.{side} is missing. {_HELP}")
        last = "ring" if f"{side}_ring_mcp" in robot.landmarks else "pinky"
        for finger in FINGERS:
            want(f"{side}_{finger}_tip", f"{side}_wrist", *(f"{side}_{knuckle}_mcp" for knuckle in ("index", "middle", last)))


def _pairs(path: Path, entries: Iterable[Any], urdf: Urdf) -> tuple[tuple[str, str], ...]:
    pairs = []
    for a, b in entries:
        for link in (a, b):
            if link not in urdf.links:
                raise UnknownNameError("frame", link, urdf.links, f"{path}, no_collision")
        pairs.append((str(a), str(b)))
    return tuple(pairs)


__all__ = ["FILE", "FLOOR_RADPS2", "Mimic", "catalogue", "default_packages", "load_robot", "robot_from"]
