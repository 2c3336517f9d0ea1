"""Cloth in MuJoCo: a flex whose edges keep their length, between points that slide freely, and what hands hold it with."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np

from envs.household.things import Thing, Weave
from envs.model import ROBOT_BIT, THING_BIT
from motion.landmarks import SIDES

_EDGE_S, _CONTACT_S, _HOLD_S = 0.01, 0.01, 0.02
"""Time constants of edges, of contacts, and of what a hand holds: a grip gives way before an edge does."""
_CLOTH_BIT = 4
"""What meshes of cloth collide by: with the robot."""
_DIMENSION = 3
"""Of the cloth's contacts: they slide; points do not turn, so nothing spins or rolls."""


def add_slides(body: mujoco.MjsBody, name: str) -> None:
    """Let a body go anywhere without turning."""
    for index, axis in enumerate(np.eye(3)):
        body.add_joint(name=f"{name}/{index}", type=mujoco.mjtJoint.mjJNT_SLIDE, axis=axis)


def lies_on(body: mujoco.MjsBody) -> None:
    """Let a point of cloth lie on counter and things: one contact a point, where a flex would make one for each corner of a mesh."""
    for geom in body.geoms:
        geom.contype, geom.conaffinity, geom.condim = 0, THING_BIT, _DIMENSION


def add_weave(spec: mujoco.MjSpec, name: str, weave: Weave, bodies: Sequence[str]) -> None:
    """Span cloth between bodies, whose edges keep the length that they have now; the robot, and nothing else, touches its meshes.

    Layers of one cloth pass through each other.
    """
    for geom in spec.geoms:
        if geom.contype == ROBOT_BIT:
            geom.conaffinity |= _CLOTH_BIT
    flex = spec.add_flex(name=name, dim=2, radius=weave.half_thick_m)
    flex.vertbody, flex.vert = list(bodies), [0.0] * (3 * len(bodies))
    flex.elem = triangles(len(bodies), weave.columns).ravel().tolist()
    flex.rgba, flex.condim, flex.priority = weave.rgba, _DIMENSION, 1
    flex.friction[0], flex.solref[0] = weave.friction, _CONTACT_S
    flex.contype, flex.conaffinity = _CLOTH_BIT, 0
    flex.selfcollide = mujoco.mjtFlexSelf.mjFLEXSELF_NONE
    keep = spec.add_equality(name=name, type=mujoco.mjtEq.mjEQ_FLEX, name1=name)
    keep.solref[0] = _EDGE_S


def triangles(points: int, columns: int) -> np.ndarray:
    """(E, 3) corners of the triangles between points that stand in rows: two to a mesh."""
    row, column = np.divmod(np.arange(points), columns)
    first = np.flatnonzero((row < points // columns - 1) & (column < columns - 1))
    ahead, beside, across = first + columns, first + 1, first + columns + 1
    return np.concatenate([np.stack([first, ahead, across], axis=1), np.stack([first, across, beside], axis=1)])


def hold_name(side: str, point: str) -> str:
    """Of the constraint with which a hand holds a point of cloth."""
    return f"hold/{side}/{point}"


def holds_of(things: Sequence[Thing]) -> list[tuple[str, str]]:
    """(side, point) of all that can be held of the cloth of a scene: every point by either hand."""
    points = [name for thing in things if thing.weave is not None for name in thing.weave.points]
    return [(side, point) for side in SIDES for point in points]


def add_hold(spec: mujoco.MjSpec, name: str, palm: str, point: str) -> None:
    """A constraint that ties a point of cloth to a palm, off at first; where it ties it is said when it is switched on."""
    hold = spec.add_equality(name=name, type=mujoco.mjtEq.mjEQ_CONNECT, objtype=mujoco.mjtObj.mjOBJ_BODY, name1=palm, name2=point)
    hold.active, hold.solref[0] = False, _HOLD_S
