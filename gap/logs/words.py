"""What columns of other people's logs are called: quantity, joint and unit of a name such as `left_knee_cmd_deg`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from motion.errors import UnknownNameError

TIME, POSITION, VELOCITY, TORQUE = "time", "position", "velocity", "torque"
COMMAND, COMMAND_VELOCITY, COMMAND_TORQUE = "command", "command_velocity", "command_torque"
QUANTITIES = (TIME, POSITION, COMMAND, VELOCITY, TORQUE, COMMAND_VELOCITY, COMMAND_TORQUE)

TRACKS: Mapping[str, str] = {
    POSITION: "position_rad",
    COMMAND: "command_rad",
    VELOCITY: "velocity_radps",
    TORQUE: "torque_nm",
    COMMAND_VELOCITY: "command_velocity_radps",
    COMMAND_TORQUE: "command_torque_nm",
}
"""Quantity of a joint -> the track of a RobotLog that holds it."""

_ANGLE = {"rad": 1.0, "mrad": 1e-3, "deg": math.pi / 180, "turn": 2 * math.pi}
_SPEED = {"rad/s": 1.0, "deg/s": math.pi / 180, "rpm": math.pi / 30, "turn/s": 2 * math.pi}
_TORQUE = {"Nm": 1.0, "mNm": 1e-3, "Ncm": 1e-2, "kgcm": 0.0980665}
UNITS: Mapping[str, Mapping[str, float]] = {
    TIME: {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9},
    POSITION: _ANGLE,
    COMMAND: _ANGLE,
    VELOCITY: _SPEED,
    TORQUE: _TORQUE,
    COMMAND_VELOCITY: _SPEED,
    COMMAND_TORQUE: _TORQUE,
}
"""Quantity -> unit -> how much of ours (s, rad, rad/s, Nm) it is."""

_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("time", "timestamp", "stamp", "t"), TIME),
    **dict.fromkeys(("position", "positions", "pos", "q", "qpos", "angle", "measured", "actual", "present", "state"), POSITION),
    **dict.fromkeys(
        ("command", "commanded", "commands", "cmd", "target", "targets", "goal", "desired", "des", "reference", "ref", "setpoint"), COMMAND
    ),
    **dict.fromkeys(("velocity", "velocities", "vel", "speed", "qd", "dq", "qvel"), VELOCITY),
    **dict.fromkeys(("torque", "torques", "tau", "effort"), TORQUE),
}
_OTHERS = frozenset(("acceleration", "accelerations", "acc", "accel", "jerk", "current", "voltage", "temperature", "temp", "force"))
"""Quantities that are none of ours: `desired_acceleration` is no command of a joint called acceleration."""
_UNIT_WORDS: Mapping[str, tuple[str, ...]] = {
    **{word: (word,) for word in ("s", "ms", "us", "ns", "rad", "mrad", "deg", "turn", "rpm")},
    **{"sec": ("s",), "seconds": ("s",), "degrees": ("deg",), "radians": ("rad",)},
    **{"radps": ("rad/s",), "degps": ("deg/s",), "dps": ("deg/s",), "nm": ("Nm",), "mnm": ("mNm",), "ncm": ("Ncm",), "kgcm": ("kgcm",)},
}


_SPLIT, _HUMP, _NUMBERED = re.compile(r"[\s_./:\[\]()-]+"), re.compile(r"(?<=[a-z])(?=[A-Z])"), re.compile(r"([A-Za-z]+)(\d+)")


@dataclass(frozen=True)
class Column:
    """What a name says: one of `QUANTITIES`, the joint ("" where there is none), the unit ("" where it is not said)."""

    quantity: str
    joint: str
    unit: str


def column_of(name: str) -> Column | None:
    """What a column holds, by its name; None where it is nothing of `QUANTITIES`.

    A quantity is said first or last, and a unit after all: `knee_pos`, `q_knee`, `knee.cmd_deg`. A column of both a command
    and another quantity is that quantity's command.
    """
    tokens = [part for token in _SPLIT.split(_HUMP.sub("_", name.strip())) if token for part in _numbered(token)]
    unit = ""
    if len(tokens) > 1 and tokens[-1].lower() in _UNIT_WORDS:
        (unit,) = _UNIT_WORDS[tokens.pop().lower()]
    if any(token.lower() in _OTHERS for token in tokens):
        return None
    front = _leading(tokens)
    rest = tokens[len(front) :]
    back = _leading(rest[::-1])
    found = {*front, *back}
    rest = rest[: len(rest) - len(back)]
    quantity = _one(found)
    if quantity is None or (unit and unit not in UNITS[quantity]):
        return None
    return Column(quantity, "_".join(rest), unit)


def _numbered(token: str) -> list[str]:
    """`q3` in two parts: a quantity and a joint that has a number only."""
    parts = _NUMBERED.fullmatch(token)
    return list(parts.groups()) if parts and parts[1].lower() in _WORDS else [token]


def _leading(tokens: list[str]) -> list[str]:
    """Quantities that the tokens begin with."""
    found = []
    for token in tokens:
        if token.lower() not in _WORDS:
            break
        found.append(_WORDS[token.lower()])
    return found


def _one(found: set[str]) -> str | None:
    """The quantity of some words together; None where they say nothing that is known."""
    if found == {COMMAND, TORQUE}:
        return COMMAND_TORQUE
    if found == {COMMAND, VELOCITY}:
        return COMMAND_VELOCITY
    if found == {COMMAND, POSITION}:
        return COMMAND
    if POSITION in found and len(found) == 2:  # "measured torque"
        found = found - {POSITION}
    return next(iter(found)) if len(found) == 1 else None


def scale_of(quantity: str, unit: str) -> float:
    """How much of our unit one of that unit is.

    Raises:
        UnknownNameError: no unit of that quantity.
    """
    if unit not in UNITS[quantity]:
        raise UnknownNameError(f"unit of {quantity}", unit, UNITS[quantity])
    return UNITS[quantity][unit]
