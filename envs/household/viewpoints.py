"""Where the cameras of a household stand: on the robot's head as a worker's phone, on a shelf ahead, and near the work."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np

from envs.urdf_spec import body_name
from motion.errors import RobotError, UnknownNameError, require
from motion.lens import HEAD_LENS, HEAD_TILT_DEG, look_at
from motion.transform import Array, Transform
from robots.kinematics import Kinematics
from robots.robot import Robot
from robots.station import Station

CAMERAS = ("head", "shelf", "close", "shoulder")
"""On the robot's head, as a worker's phone; ahead and aside, with robot and counter in view; near what is worked on; and
behind the robot's right shoulder, for fronts that face it."""
_AHEAD_M, _UP_SHARE, _UP_M = 0.11, 0.72, 0.08
"""A phone on the forehead: ahead of the head's joint, and up by this share of the head, or so far where its top is unknown."""
_SHELF = (2.1, -1.75, 1.5), (0.1, -0.05, 0.22)
"""Eye and what it looks at, from the middle of the counter's front edge, in reaches of the arm: the whole trunk is in view."""
_NEAR_M = {"close": ((0.45, -0.70, 0.74), (0.14, -0.10, 0.10)), "shoulder": ((-0.50, -0.80, 0.75), (0.22, 0.0, 0.14))}
"""The same in metres, as things are as large for every robot."""
_STANDING_DEG = 42.0
"""The angle from the lowest to the highest row, of cameras that stand."""
View = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Eye and what it looks at, m."""
_TO_MUJOCO = np.array([0.0, 1.0, 0.0, 0.0])
"""Half a turn about x: MuJoCo's cameras have y up and look along -z."""


def check_cameras(cameras: Sequence[str]) -> tuple[str, ...]:
    """The names, all known.

    Raises:
        UnknownNameError: no such camera.
    """
    for name in cameras:
        if name not in CAMERAS:
            raise UnknownNameError("camera", name, CAMERAS)
    return tuple(cameras)


def add_cameras(spec: mujoco.MjSpec, robot: Robot, station: Station, cameras: Sequence[str], room: View | None = None) -> None:
    """Cameras of these names.

    Args:
        spec: holds the robot.
        robot: ready for work.
        station: where it works.
        cameras: some of `CAMERAS`.
        room: as of `standing_view`.

    Raises:
        RobotError: a head camera for a robot whose robot.yaml names no head.
    """
    for name in cameras:
        if name == "head":
            link, pose = _on_the_head(robot, station)
            _add(spec.body(body_name(link)), name, pose, HEAD_LENS.upright_deg)
        else:
            eye_m, target_m = standing_view(station, name, room)
            _add(spec.worldbody, name, look_at(eye_m[None], target_m[None])[0], _STANDING_DEG)


def standing_view(station: Station, name: str, room: View | None = None) -> tuple[Array, Array]:
    """Eye and what it looks at, each (3,) in the world, of all cameras but the one on the head.

    Args:
        station: where the robot works.
        name: of the camera.
        room: what "shelf" sees instead, in the counter's frame, where work is done all over a room.
    """
    usual = station.reach_m * np.array(_SHELF) if name == "shelf" else np.array(_NEAR_M[name])
    eye_m, target_m = usual if room is None or name != "shelf" else np.array(room)
    middle_m = station.T_world_counter.position_m
    return middle_m + eye_m, middle_m + target_m


def _on_the_head(robot: Robot, station: Station) -> tuple[str, Transform]:
    """A link, and where a camera sits in its frame: on the forehead, looking down as a worker's phone does on average."""
    where = f"{robot.name}: robot.yaml names no head; a head camera needs one."
    require("head" in robot.landmarks, RobotError, where)
    link = robot.landmarks["head"].frame
    kinematics, rest, base = Kinematics(robot), robot.rest_rad[None], station.T_world_base[None]
    place = dict(zip(robot.landmarks, kinematics.landmark_positions(rest, base)[0], strict=True))
    up = _UP_SHARE * (place["head_top"] - place["head"])[2] if "head_top" in place else _UP_M
    eye: Array = place["head"] + [_AHEAD_M, 0.0, up]
    tilt = np.radians(np.mean(HEAD_TILT_DEG))
    camera = look_at(eye[None], (eye + [np.cos(tilt), 0.0, -np.sin(tilt)])[None])[0]
    return link, kinematics.frame_poses([link], rest, base)[0][0].inverse() @ camera


def _add(body: mujoco.MjsBody, name: str, pose: Transform, angle_deg: float) -> None:
    turned = pose @ Transform(np.zeros(3), _TO_MUJOCO)
    body.add_camera(name=name, pos=turned.position_m, quat=turned.wxyz, fovy=angle_deg)
