"""A hand that nobody described: how its fingers close and where they meet, found by moving its joints.

Everything is in the tool's axes (`motion.handling`), with the origin in the palm's link.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from motion.transform import Array, Transform
from robots.chain import Chain
from robots.robot import FramePoint, Robot

GRASP_M = 0.06
"""Diameter of the cylinder whose axis is the tool's z axis."""
_NUDGE_RAD = 0.02
_FIST = 0.85
"""Share of the fingers' range that a closed hand uses."""
_HALF = 0.5
_GRID_N, _GRID_MOST = 9, 10_000
_STEPS_N = 101


@dataclass(frozen=True)
class HandShape:
    """A hand's fingertips as functions of its joints.

    Attributes:
        robot: the robot.
        columns: (k,) the hand's joints among the robot's.
        inward: (3,) where the palm faces.
        thumb: whether there is one.
        chains: of the pads, the thumb's first.
        T_base_palm: of the palm in the rest posture, turned as the tool.
    """

    robot: Robot
    columns: np.ndarray
    inward: Array
    thumb: bool
    chains: tuple[Chain, ...]
    T_base_palm: Transform

    @classmethod
    def of(
        cls, robot: Robot, side: str, link: str, T_link_axes: Transform, joints: tuple[str, ...], pads: Mapping[str, FramePoint]
    ) -> HandShape:
        """The shape of one hand; the tool's axes stand in `T_link_axes`."""
        still = np.array([1.0, 0.0, 0.0, 0.0])
        return cls(
            robot=robot,
            columns=robot.joint_index(joints),
            inward=np.array([0.0, 1.0 if side == "right" else -1.0, 0.0]),
            thumb="thumb" in pads,
            chains=tuple(Chain(robot, pad.frame, Transform(np.array(pad.offset_m), still)) for pad in pads.values()),
            T_base_palm=Chain(robot, link, T_link_axes).poses(robot.rest_rad)[0],
        )

    @property
    def lower(self) -> Array:
        """(k,) rad."""
        return np.asarray(np.clip(self.robot.lower_rad[self.columns], -np.pi, np.pi))

    @property
    def upper(self) -> Array:
        """(k,) rad."""
        return np.asarray(np.clip(self.robot.upper_rad[self.columns], -np.pi, np.pi))

    def pads(self, posture: Array, which: int | None = None) -> Array:
        """(S, F, 3) places of the pads at postures (S, k); of one pad only, (S, 1, 3), where `which` says so."""
        postures = np.atleast_2d(posture)
        q = np.tile(self.robot.rest_rad, (len(postures), 1))
        q[:, self.columns] = postures
        chains = self.chains if which is None else self.chains[which : which + 1]
        home = self.T_base_palm.inverse()
        return np.stack([home.apply(chain.poses(q).position_m) for chain in chains], axis=1)


def guessed_postures(hand: HandShape) -> dict[str, tuple[Array, Array]]:
    """Grasp -> (open (k,), closed (k,)), rad."""
    straight, fist = _finger_ends(hand)
    if not hand.chains:
        return dict.fromkeys(("wrap", "nip", "pinch", "hook", "fork", "flat"), (straight, straight))
    thumb = _thumb_alone(hand)
    wide, over, meet = (_with_thumb(hand, thumb, straight, fist, share) for share in (None, _FIST, _HALF))
    opened = _filled(straight, thumb, wide)
    closed = _filled(straight + _FIST * (fist - straight), thumb, over)
    pinch = _filled(straight + _HALF * (fist - straight), thumb, meet)
    hook = _filled(straight + 0.6 * (fist - straight), thumb, wide)
    before = pinch + 0.6 * (opened - pinch)
    small = dict.fromkeys(("nip", "pinch"), (before, pinch))
    return {"wrap": (opened, closed), **small, "hook": (hook, closed), "fork": (opened, opened), "flat": (opened, opened)}


def guessed_tool_m(hand: HandShape, opened: Array, closed: Array) -> Array:
    """(3,) the middle between the thumb's pad and the others' when they have closed onto a cylinder of `GRASP_M`.

    Of a hand with two fingertips at least.
    """
    share = np.linspace(0.0, 1.0, _STEPS_N)[:, None]
    pads = hand.pads(opened + share * (closed - opened))
    thumb, others = pads[:, 0], pads[:, 1:].mean(axis=1)
    gap = np.linalg.norm(thumb - others, axis=-1)
    narrow = np.flatnonzero(gap <= GRASP_M)
    at = int(narrow[0]) if len(narrow) else int(gap.argmin())
    return np.asarray((thumb[at] + others[at]) / 2)


def _finger_ends(hand: HandShape) -> tuple[Array, Array]:
    """(k,) joints of straight fingers, and of flexed ones; a joint that spreads fingers stays, and so do the thumb's own."""
    straight = np.clip(np.zeros(len(hand.columns)), hand.lower, hand.upper)
    fist = straight.copy()
    if not hand.chains:
        return straight, fist
    home = hand.pads(straight)[0]
    for j in range(len(straight)):
        sign = 1.0 if hand.upper[j] - straight[j] >= straight[j] - hand.lower[j] else -1.0
        nudged = straight.copy()
        nudged[j] += sign * _NUDGE_RAD
        move = hand.pads(nudged)[0] - home
        fingers = move[1:].sum(axis=0) if hand.thumb else move.sum(axis=0)
        if hand.thumb and np.abs(move[0]).max() > 1e-6 and np.abs(fingers).max() > 1e-6:
            straight[j], fist[j] = _by_gap(hand, straight, j)
        elif abs(fingers @ hand.inward) > abs(fingers[2]):
            inwards = np.sign(fingers @ hand.inward) * sign
            fist[j] = hand.upper[j] if inwards > 0 else hand.lower[j]
    return straight, fist


def _by_gap(hand: HandShape, posture: Array, joint: int) -> tuple[float, float]:
    """Ends of a joint that moves thumb and fingers at once: where they are far apart, and where they are near."""
    ends = np.tile(posture, (2, 1))
    ends[:, joint] = hand.lower[joint], hand.upper[joint]
    pads = hand.pads(ends)
    gap = np.linalg.norm(pads[:, 0] - pads[:, 1:].mean(axis=1), axis=-1)
    return float(ends[gap.argmax(), joint]), float(ends[gap.argmin(), joint])


def _thumb_alone(hand: HandShape) -> np.ndarray:
    """Indices, among the hand's joints, of those that move the thumb and nothing else."""
    if not hand.thumb:
        return np.zeros(0, int)
    moved = [set(chain.columns.tolist()) for chain in hand.chains]
    own = moved[0].difference(*moved[1:]) if len(moved) > 1 else moved[0]
    return np.array([j for j, column in enumerate(hand.columns.tolist()) if column in own], int)


def _with_thumb(hand: HandShape, thumb: np.ndarray, straight: Array, fist: Array, share: float | None) -> Array:
    """The thumb's joints with its pad nearest to those of fingers flexed by a share; None: as far from the palm as it opposes them."""
    if not len(thumb) or len(hand.chains) < 2:
        return straight[thumb]
    per_joint = max(2, min(_GRID_N, int(_GRID_MOST ** (1 / len(thumb)))))
    axes = [np.linspace(hand.lower[j], hand.upper[j], per_joint) for j in thumb]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(thumb))
    flexed = straight + (_HALF if share is None else share) * (fist - straight)
    opposite = hand.pads(flexed)[0, 1:3].mean(axis=0)
    postures = np.tile(flexed, (len(grid), 1))
    postures[:, thumb] = grid
    away = hand.pads(postures, 0)[:, 0] - opposite
    effort = 0.002 * np.abs(grid - straight[thumb]).sum(axis=1)
    cost = np.linalg.norm(away, axis=-1) if share is not None else np.abs(away[:, 2]) - away @ hand.inward
    return np.asarray(grid[(cost + effort).argmin()])


def _filled(posture: Array, columns: np.ndarray, values: Array) -> Array:
    out = posture.copy()
    out[columns] = values
    return out
