"""Setting a scene from where things were seen, so that physics can begin with it.

Tracks are a few millimetres and degrees off. Things that stand keep the height and the uprightness that the scene gives
them, and what stands in or on a fixture comes along with it: otherwise a cup would begin inside its tray.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from envs.household.cloth import laid
from envs.household.scene import Scene
from envs.household.things import Thing
from motion.transform import Transform, rotate

NEAR_M, NEAR_RAD = 0.02, 0.2
"""A thing seen this near the height, and this near the uprightness, that the scene gives it, has these."""
_UP = np.array([0.0, 0.0, 1.0])


def staged(scene: Scene, poses: Mapping[str, Transform]) -> Scene:
    """A scene with its things where they were seen.

    Args:
        scene: as it was drawn.
        poses: thing -> T_counter_thing (); the others stay, or go along with what carries them.

    Raises:
        UnknownNameError: a pose of a thing that the scene does not have.
    """
    woven = {name for thing in scene.things if thing.weave is not None for name in thing.weave.points}
    scene = replace(scene, things=laid(scene.things, poses))
    poses = {name: pose for name, pose in poses.items() if name not in woven}
    seen = {name: _snapped(scene.thing(name), pose) for name, pose in poses.items()}
    shift = {name: pose @ scene.thing(name).pose.inverse() for name, pose in seen.items() if not scene.thing(name).parent}
    return replace(scene, things=tuple(_placed(scene, thing, seen, shift) for thing in scene.things))


def _placed(scene: Scene, thing: Thing, seen: Mapping[str, Transform], shift: Mapping[str, Transform]) -> Thing:
    if thing.parent or thing.point:
        return thing
    carrier = _carrier(scene, thing, shift)
    if carrier:
        return _moved(thing, shift[carrier] @ thing.pose)
    return _moved(thing, seen[thing.name]) if thing.name in seen else thing


def _carrier(scene: Scene, thing: Thing, shift: Mapping[str, Transform]) -> str:
    """The seen thing that another one stands in or on at the start; "" for none. Beads go with the nearest thing."""
    away = {}
    for name in shift:
        other = scene.thing(name)
        over = np.abs(other.pose.inverse().apply(thing.pose.position_m))[:2] <= np.array(other.half_m)[:2]
        holds = other.role == "fixture" and thing.role == "object" and thing.joint is not None and bool(over.all())
        if name != thing.name and (holds or thing.role == "bead"):
            away[name] = float(np.linalg.norm(other.pose.position_m - thing.pose.position_m))
    return min(away, key=lambda name: away[name], default="")


def _snapped(thing: Thing, pose: Transform) -> Transform:
    """A seen pose with the scene's height and uprightness where it is near these; the floor is where the robot's is."""
    position, wxyz = np.array(pose.position_m, float), np.array(pose.wxyz, float)
    if thing.on_floor or abs(position[2] - thing.position_m[2]) < NEAR_M:
        position[2] = thing.position_m[2]
    own, wanted = rotate(wxyz, _UP), rotate(np.array(thing.wxyz), _UP)
    if own @ wanted > np.cos(NEAR_RAD):
        w, z = wxyz @ np.array([1, 0, 0, 0]), wxyz @ np.array([0, 0, 0, 1])
        flat, upright = abs(wanted[2]) > np.cos(1e-3), np.hypot(w, z) > 1e-6
        wxyz = np.array([w, 0.0, 0.0, z]) / np.hypot(w, z) if flat and upright else np.array(thing.wxyz)
    return Transform(position, wxyz)


def _moved(thing: Thing, pose: Transform) -> Thing:
    x, y, z = (float(value) for value in pose.position_m)
    w, i, j, k = (float(value) for value in pose.wxyz)
    return replace(thing, position_m=(x, y, z), wxyz=(w, i, j, k))
