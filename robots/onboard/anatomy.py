"""Anatomy: what a URDF's body is, as far as tree, geometry and mirror symmetry tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from motion.transform import Array

Kind = Literal["humanoid", "upper_body", "lower_body", "hand"]


@dataclass(frozen=True)
class FoundPoint:
    """A landmark's place on the robot: `offset_m` in the frame of link `frame`; confidence 0..1."""

    frame: str
    offset_m: tuple[float, float, float]
    confidence: float


@dataclass(frozen=True)
class FoundSegment:
    """A segment's link, the constant orientation of the segment's frame in it (wxyz), and how sure that is, 0..1."""

    link: str
    wxyz: tuple[float, float, float, float]
    confidence: float


@dataclass(frozen=True)
class Anatomy:
    """A robot's body. Nothing in it was read from a name.

    Attributes:
        kind: what it is a body of.
        base: root link of the URDF.
        side: "left" or "right" for a hand by itself, else "".
        forward, left, up: (3,) unit vectors in the frame of the root link, with all joints at their zero posture.
        landmarks: name (`motion.landmarks`) -> place: joint centres, knuckles, fingertips, neck, head, chest, pelvis.
            Heels and toes are not here: they follow from the feet's shapes.
        segments: name (`motion.segments`) -> link and orientation.
        chains: part -> its moving joints from the trunk outwards: "trunk", "neck", "left_arm" (shoulder to wrist),
            "left_leg", "left_thumb", "left_index" ..., or "left_gripper". Joints that mimic others are left out.
        unsure: sentences, each saying what should be looked at and why.
    """

    kind: Kind
    base: str
    side: str
    forward: Array
    left: Array
    up: Array
    landmarks: Mapping[str, FoundPoint]
    segments: Mapping[str, FoundSegment]
    chains: Mapping[str, tuple[str, ...]]
    unsure: tuple[str, ...] = ()
