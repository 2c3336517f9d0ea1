"""Floor and camera of a page."""

from __future__ import annotations

from typing import Any

import numpy as np
import viser

from motion.transform import Array

_FLOOR, _FLOOR_M = (170, 170, 175), 12
_FOV_RAD = 0.7


def add_floor(scene: viser.SceneApi, name: str) -> None:
    """A net of lines on the floor. A grid with a shader of its own costs a browser without a GPU more than a robot."""
    at = np.arange(-_FLOOR_M, _FLOOR_M + 1)
    far = np.full(len(at), float(_FLOOR_M))
    along = np.stack([np.stack([-far, at, 0 * far], 1), np.stack([far, at, 0 * far], 1)], 1)
    lines = np.concatenate([along, along[..., [1, 0, 2]]])
    scene.add_line_segments(name, lines, _FLOOR, thickness=1.0, thickness_units="screen")


def aim(server: viser.ViserServer, eye_m: Array, target_m: Array) -> None:
    """Look from one point (3,) at another, in browsers that are there already, too: those keep a camera of their own."""
    cameras: list[Any] = [server.initial_camera, *(client.camera for client in server.get_clients().values())]
    for camera in cameras:
        camera.fov, camera.position, camera.look_at = _FOV_RAD, tuple(eye_m), tuple(target_m)
