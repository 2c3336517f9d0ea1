"""Numbers of a plant that are not known: what is assumed of each, within which bounds, and how a vector of them is a plant."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from envs.model import RobotModel
from envs.plant_draws import PlantDraw, nominal_draw, torque_scale_nm
from envs.plants import MAX_DELAY_S
from envs.table import STIFFEST_NPM, TABLE, TableTop
from gap.replay import Conditions
from motion.errors import ShapeError, UnknownNameError, require
from motion.transform import Array

DELAY, STIFFNESS = "delay", "table_stiffness"
_LEAST = 1e-9


@dataclass(frozen=True)
class Kind:
    """What is assumed of one kind of number before any data.

    Attributes:
        draw: attribute of `PlantDraw`; "" for the delay and the table.
        unit: of the number.
        of: "joint", "landmark" or "" (one for the whole robot).
        spread: standard deviation of what is assumed: of the natural logarithm where `positive`, else in units.
        low, high: bounds: multiples of what is assumed where `positive`, else in units from it.
        positive: whether the logarithm is looked for.
    """

    draw: str
    unit: str
    of: str
    spread: float
    low: float
    high: float
    positive: bool = True


KINDS: Mapping[str, Kind] = {
    "kp": Kind("kp", "Nm/rad", "joint", 1.0, 0.02, 50.0),
    "kd": Kind("kd", "Nm s/rad", "joint", 1.0, 0.01, 100.0),
    "friction": Kind("friction_nm", "Nm", "joint", 1.5, 0.001, 200.0),
    "damping": Kind("damping", "Nm s/rad", "joint", 1.5, 0.001, 1000.0),
    "armature": Kind("armature", "kg m2", "joint", 1.0, 0.02, 50.0),
    "zero": Kind("zero_rad", "rad", "joint", 0.3, -1.6, 1.6, positive=False),
    "payload": Kind("payload_kg", "kg", "landmark", 0.2, 0.0, 3.0, positive=False),
    DELAY: Kind("", "s", "", 0.03, 0.0, MAX_DELAY_S, positive=False),
    TABLE: Kind("", "m", "", 0.1, -1.5, 1.5, positive=False),
    STIFFNESS: Kind("", "N/m", "", 1.5, 0.01, STIFFEST_NPM / 1000.0),
}
"""What can be looked for. Viscous friction ("damping") acts like `kd` unless speeds are commanded, too: look for one of them."""
USUAL = ("kp", "kd", "friction", "armature", "zero", DELAY)
"""What is looked for if nobody says otherwise."""
_FRICTION_SHARE = 0.01
"""Dry friction that is assumed, as a share of the torque limit: a robot's description says nothing of it."""
_DAMPING_SHARE = 0.1
"""Viscous friction that is assumed, as a share of kd."""
_BEGIN_PAYLOAD_KG = 0.02
_WHOLE: Mapping[str, float] = {DELAY: 0.01, TABLE: 0.0, STIFFNESS: 1000.0}
"""What is assumed of numbers of which there is one; of the height of a table, that the robot stands on it."""


@dataclass(frozen=True)
class Unknown:
    """One number.

    Attributes:
        kind: one of `KINDS`.
        where: joint or landmark; "" for the whole robot.
        index: of it, in the robot.
        assumed: value before any data, in units.
    """

    kind: str
    where: str
    index: int
    assumed: float

    @property
    def name(self) -> str:
        """E.g. "kp shoulder_pan"."""
        return f"{self.kind} {self.where}".strip()

    def value(self, x: Array) -> Array:
        """In units, of standardised numbers: how many spreads from what is assumed."""
        own = KINDS[self.kind]
        return np.asarray(self.assumed * np.exp(own.spread * x) if own.positive else self.assumed + own.spread * x)

    @property
    def bounds(self) -> tuple[float, float]:
        """Standardised."""
        own = KINDS[self.kind]
        if own.positive:
            return math.log(own.low) / own.spread, math.log(own.high) / own.spread
        return (own.low - (0.0 if own.of == "joint" else self.assumed)) / own.spread, own.high / own.spread


def unknowns_of(
    model: RobotModel,
    joints: Iterable[str],
    kinds: Sequence[str] = USUAL,
    payloads: Iterable[str] = (),
) -> tuple[Unknown, ...]:
    """What is looked for on some joints of a robot, and at landmarks that may carry something.

    Raises:
        UnknownNameError: a kind, joint or landmark that does not exist.
        ShapeError: a number that is assumed to be 0 and whose logarithm would be looked for.
    """
    robot = model.robot
    found: list[Unknown] = []
    for kind in kinds:
        if kind not in KINDS:
            raise UnknownNameError("kind of unknown", kind, KINDS)
        if KINDS[kind].of == "joint":
            for joint in joints:
                if joint not in robot.joint_names:
                    raise UnknownNameError("joint", joint, robot.joint_names)
                index = robot.joint_names.index(joint)
                found.append(Unknown(kind, joint, index, _assumed(kind, index, model)))
    for landmark in payloads:
        if landmark not in robot.landmarks:
            raise UnknownNameError("landmark", landmark, robot.landmarks)
        found.append(Unknown("payload", landmark, list(robot.landmarks).index(landmark), _BEGIN_PAYLOAD_KG))
    found += [Unknown(kind, "", 0, assumed) for kind, assumed in _WHOLE.items() if kind in kinds]
    for own in found:
        message = f"{robot.name}: {own.name} is {own.assumed:g}; say in robot.yaml what it is about, or leave it out of what is looked for."
        require(not KINDS[own.kind].positive or own.assumed > 0, ShapeError, message)
    return tuple(found)


def _assumed(kind: str, index: int, model: RobotModel) -> float:
    if kind == "friction":
        return float(_FRICTION_SHARE * torque_scale_nm(model.robot)[index])
    if kind == "damping":
        return float(_DAMPING_SHARE * nominal_draw(model).kd[index])
    return float(getattr(nominal_draw(model), KINDS[kind].draw)[index])


def plant_of(unknowns: Sequence[Unknown], x: Array, nominal: PlantDraw) -> Conditions:
    """A plant with standardised numbers x (U,), its delay, and a table if one is looked for; all else stays as in `nominal`."""
    changed: dict[str, Any] = {}
    whole: dict[str, float] = {}
    for own, number in zip(unknowns, x, strict=True):
        value = float(own.value(np.asarray(number)))
        if own.kind in _WHOLE:
            whole[own.kind] = value
        else:
            attribute = KINDS[own.kind].draw
            changed.setdefault(attribute, getattr(nominal, attribute).copy())[own.index] = value
    touched = TABLE in whole or STIFFNESS in whole
    table = TableTop(whole.get(TABLE, _WHOLE[TABLE]), whole.get(STIFFNESS, _WHOLE[STIFFNESS])) if touched else None
    return Conditions(replace(nominal, **changed), whole.get(DELAY), table)
