"""Floor and camera of a page."""

from __future__ import annotations

from typing import Any

import numpy as np
import viser

from motion.transform import Array

_FLOOR, _FLOOR_M = (170, 170, 175), 12
_FOV_RAD = 0.7


def add_floor(scene: viser.SceneApi, name: str) -> None:
    """A net of lines on the floor. A grid with a shader of its own costs a browser without a GPU more than a robot.

    In pieces of 1 m: browsers draw a line that passes behind the camera over what stands before it.
    """
    ends = np.arange(-_FLOOR_M, _FLOOR_M + 1.0)
    at, begin = np.meshgrid(ends, ends[:-1])
    along = np.stack([np.stack([begin + far, at, 0 * at], -1) for far in (0, 1)], -2).reshape(-1, 2, 3)
    lines = np.concatenate([along, along[..., [1, 0, 2]]])
    scene.add_line_segments(name, lines, _FLOOR, thickness=1.0, thickness_units="screen")


def aim(server: viser.ViserServer, eye_m: Array, target_m: Array) -> None:
    """Look from one point (3,) at another, in browsers that are there already, too: those keep a camera of their own."""
    cameras: list[Any] = [server.initial_camera, *(client.camera for client in server.get_clients().values())]
    for camera in cameras:
        camera.fov, camera.position, camera.look_at = _FOV_RAD, tuple(eye_m), tuple(target_m)
