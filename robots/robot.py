"""Robot: what every room needs to know of one robot, and nothing that only one engine knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from motion.errors import UnknownNameError
from motion.transform import Array


@dataclass(frozen=True)
class FramePoint:
    """A point fixed in a link: `offset_m` (3,) in the frame of link `frame`."""

    frame: str
    offset_m: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Sole:
    """The sole of one foot: a rectangle on its underside, in the frame of link `frame`.

    Attributes:
        frame: link.
        heel_m, toe_m: middle of the rear and of the front edge.
        width_m: length of these edges; 0 where only the mid-line is known.
        left: unit vector to the foot's left; follows from heel, toe and what is up in the rest posture.
    """

    frame: str
    heel_m: tuple[float, float, float]
    toe_m: tuple[float, float, float]
    width_m: float = 0.0
    left: tuple[float, float, float] = (0.0, 1.0, 0.0)

    @property
    def corners_m(self) -> Array:
        """(4, 3) heel left, heel right, toe left, toe right, in the frame of the link."""
        aside = np.outer((0.5, -0.5, 0.5, -0.5), self.left) * self.width_m
        return np.array([self.heel_m, self.heel_m, self.toe_m, self.toe_m]) + aside


@dataclass(frozen=True)
class HandFacts:
    """What robot.yaml states of one hand; None and what is missing are computed (`robots.hands`).

    Attributes:
        palm: link of the palm.
        tool_m: (3,) origin of the tool frame, in the palm's link.
        fingers_along, thumb_side: its x and z axis there.
        joints: the hand's motorised joints, in the order of the postures.
        postures: (grasp, open, closed), rad in the order of `joints`.
    """

    palm: str | None = None
    tool_m: tuple[float, float, float] | None = None
    fingers_along: tuple[float, float, float] | None = None
    thumb_side: tuple[float, float, float] | None = None
    joints: tuple[str, ...] = ()
    postures: tuple[tuple[str, tuple[float, ...], tuple[float, ...]], ...] = ()


@dataclass(frozen=True)
class Mimic:
    """A joint without a motor of its own, by the URDF or by a tendon: position = multiplier * position(of) + offset."""

    of: str
    multiplier: float
    offset: float


@dataclass(frozen=True)
class Robot:
    """One robot. Arrays (J,) follow `joint_names`: the motorised joints, depth first in the order of the URDF.

    Attributes:
        name: short name, as in `robot=NAME`.
        folder: where robot.yaml lies.
        urdf: the URDF file.
        package_dirs: folders in which `package://` is resolved.
        base: root link.
        floating: whether the base moves freely.
        joint_names: J names.
        lower_rad, upper_rad, speed_radps, effort_nm: (J,) limits. Joints that mimic have passed theirs on to the
            joint that drives them.
        rest_rad: (J,) posture of standing at ease, arms hanging; a hand's is half open.
        acceleration_radps2: (J,) limit; where robot.yaml states none, what the motor could do at most
            (`robots.yaml_loader.FLOOR_RADPS2` says how).
        base_height_m: height of the base in the rest posture with the soles on the floor.
        kp, kd, armature: (J,) position gains (Nm/rad, Nm s/rad) and rotor inertia seen at the joint (kg m2).
        mimic: joint -> what drives it.
        landmarks: landmark of the vocabulary -> point of the robot that stands for it.
        soles: side -> sole.
        no_collision: pairs of links that may overlap.
        gates: number of the quality card -> the values from which a motion wants review and is rejected, where this
            robot's differ from the usual ones.
        stand_ins: whether shapes made up from the links' inertia take the place of mesh files that are missing
            (`robots.stand_ins`).
        hands: side -> what robot.yaml states of the hand.
        counter_m: how far ahead of the base a counter's edge stands, and how high its top is, where robot.yaml states it.
        licence: of the robot's description.
        unlocked: the robot that this one is with some joints fixed (`robots.upper_body`); None where all are free.
    """

    name: str
    folder: Path
    urdf: Path
    package_dirs: tuple[Path, ...]
    base: str
    floating: bool
    joint_names: tuple[str, ...]
    lower_rad: Array
    upper_rad: Array
    speed_radps: Array
    effort_nm: Array
    acceleration_radps2: Array
    rest_rad: Array
    base_height_m: float
    kp: Array
    kd: Array
    armature: Array
    mimic: Mapping[str, Mimic]
    landmarks: Mapping[str, FramePoint]
    soles: Mapping[str, Sole]
    no_collision: tuple[tuple[str, str], ...] = ()
    gates: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    stand_ins: bool = False
    hands: Mapping[str, HandFacts] = field(default_factory=dict)
    counter_m: tuple[float, float] | None = None
    licence: str = ""
    description: str = ""
    unlocked: Robot | None = None

    def joint_index(self, names: Sequence[str]) -> np.ndarray:
        """Columns of `names` in the robot's joint order.

        Raises:
            UnknownNameError: a name that is no motorised joint of this robot.
        """
        column = {name: index for index, name in enumerate(self.joint_names)}
        for name in names:
            if name not in column:
                raise UnknownNameError("joint", name, self.joint_names, f"robot {self.name}")
        return np.array([column[name] for name in names], int)
