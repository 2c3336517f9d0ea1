"""What transport has to know of the things of a scene: where they begin, how large they are, where hands take them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from motion.handling import Handling, Hold
from motion.human import Label
from motion.transform import Array, Transform

_FLIP = np.array([1.0, -1.0, 1.0])
_FLIP_WXYZ = np.array([1.0, -1.0, 1.0, -1.0])
_UPRIGHT = float(np.cos(0.5))
"""Cosine of how far a round thing may lean and be upright."""
_OTHER = {"left": "right", "right": "left"}


@dataclass(frozen=True)
class SolidGrip:
    """One way to take a thing: the grasp's word, the tool frame's place and yaw in the thing's frame, and whether it may spin."""

    grasp: str
    position_m: tuple[float, float, float]
    yaw_rad: float = 0.0
    spins: bool = False


@dataclass(frozen=True)
class Solid:
    """One thing.

    Attributes:
        pose: T_counter_thing () at the start. The origin lies in the middle of its underside.
        half_m: half extents of the box around it.
        grips: ways to take it.
        loose: whether it can be carried; otherwise it stands fast, or hangs on a hinge or slide.
        load_n: grip force that just holds it: weight over friction; 0 where nobody knows.
    """

    pose: Transform
    half_m: tuple[float, float, float]
    grips: tuple[SolidGrip, ...] = ()
    loose: bool = True
    load_n: float = 0.0

    @property
    def is_round(self) -> bool:
        """As wide as deep, and upright: its own yaw says nothing. A plate that stands on its edge is turned as it is."""
        return abs(self.half_m[0] - self.half_m[1]) < 1e-6 and float(self.pose.rotation()[2, 2]) > _UPRIGHT


@dataclass(frozen=True)
class Layout:
    """A scene, as transport sees it.

    Attributes:
        solids: name -> thing; those that an episode does without are left out.
        stand: x, y (m) and yaw (rad) of where whoever works stands at first (`motion.handling`).
    """

    solids: Mapping[str, Solid] = field(default_factory=dict)
    stand: tuple[float, float, float] = (0.0, 0.0, 0.0)


def mirrored_handling(handling: Handling) -> Handling:
    """A handling seen in a mirror, left for right: what the other hand does in a mirrored scene."""
    hands = {_OTHER[side]: replace(hand, T_counter_tool=mirrored_pose(hand.T_counter_tool)) for side, hand in handling.hands.items()}
    holds = tuple(Hold(_OTHER[h.side], h.thing, h.start_s, h.end_s, h.grasp, h.force_n) for h in handling.holds)
    labels = tuple(Label(one.start_s, one.end_s, one.verb, one.object, one.outcome) for one in handling.labels)
    things = {name: mirrored_pose(track) for name, track in handling.things.items()}
    stand = None if handling.stand is None else mirrored_pose(handling.stand)
    return Handling(handling.time_s, hands, things, holds, labels, handling.provenance, stand)


def mirrored_layout(layout: Layout) -> Layout:
    """A layout seen in a mirror, left for right."""
    x, y, yaw = layout.stand
    return Layout({name: _mirrored(solid) for name, solid in layout.solids.items()}, (x, -y, -yaw))


def _mirrored(solid: Solid) -> Solid:
    grips = tuple(SolidGrip(g.grasp, _flipped(g.position_m), -g.yaw_rad, g.spins) for g in solid.grips)
    return Solid(mirrored_pose(solid.pose), solid.half_m, grips, solid.loose, solid.load_n)


def mirrored_pose(pose: Transform) -> Transform:
    """Poses (...,) seen in a mirror at y = 0."""
    return Transform(pose.position_m * _FLIP, pose.wxyz * _FLIP_WXYZ)


def _flipped(vector: tuple[float, float, float]) -> tuple[float, float, float]:
    return (vector[0], -vector[1], vector[2])


def yaw_of(wxyz: Array) -> Array:
    """(...) heading of the x axis about the vertical, rad."""
    w, x, y, z = np.moveaxis(np.asarray(wxyz, float), -1, 0)
    return np.asarray(np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)))
