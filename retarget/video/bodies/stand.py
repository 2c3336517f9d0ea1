"""A body from a camera's frame into the world: z up, the floor at zero, feet that stand where they stand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion.errors import MotionError, require
from motion.human import HumanMotion
from motion.landmarks import SIDES
from motion.transform import Array, Transform, normalized, quaternion_product, rotate, wxyz_from_matrix
from retarget.contacts import Contacts, detect_contacts
from retarget.fit import STATURE, standing_height_m
from retarget.inspect import stretched
from retarget.video.bodies.body_bones import DEFAULT_STATURE_M
from retarget.video.bodies.plant import planted
from retarget.video.bodies.upright import balanced_up, picture_up, together, trunk_up
from retarget.video.paths import BodyPath

_LEAST_GRAVITY = 0.1
"""Gravity shorter than this is a mistake, whether it is meant in m/s2, in g, or as a direction."""


def place_in_world(
    body: BodyPath,
    gravity_camera: Array | None = None,
    T_world_camera: Transform | None = None,
    height_m: float | None = None,
) -> tuple[BodyPath, Transform, dict[str, str]]:
    """The body in a world with z up and the floor at z = 0, where its feet stand.

    A standing camera looks along +x of that world and is at x = y = 0, unless poses say where it is.

    Args:
        body: in the camera's frame.
        gravity_camera: (3,) which way things fall in the frame of a standing camera, any length; None where unknown.
        T_world_camera: poses of the camera, one or (T,), in a world with z up; None where unknown.
        height_m: stature, for the floor of somebody whose feet are never seen.

    Returns:
        the body in the world, poses (T,) of the camera in that world, and what was found and assumed, in words.

    Raises:
        MotionError: gravity without direction, or as many poses as there are no frames.
    """
    pose, words = _camera(body, gravity_camera, T_world_camera)
    placed = replace(body, position_m=_applied(pose, body.position_m))
    contacts = contacts_of(placed)
    if gravity_camera is None and T_world_camera is None and contacts.up[2] < 1:
        pose, words["up"] = _levelled(pose, contacts), words["up"] + ", corrected by the plane on which the feet stand"
        placed = replace(body, position_m=_applied(pose, body.position_m))
        contacts = contacts_of(placed)
    floor, words["floor"] = _floor(placed, contacts, height_m)
    down = np.array([0.0, 0.0, -floor])
    placed = replace(placed, position_m=placed.position_m + down)
    placed, said = planted(placed, contacts_of(placed))
    words |= said
    return replace(placed, words=placed.words | words), Transform(pose.position_m + down, pose.wxyz), words


def contacts_of(body: BodyPath) -> Contacts:
    """What of the body's feet stands when; the body is in a world with z up."""
    motion = HumanMotion(body.time_s, body.landmarks, body.position_m, body.confidence)
    return detect_contacts(motion, stretched(motion))


def _applied(pose: Transform, position_m: Array) -> Array:
    """Points (T, L, 3) by poses (T,)."""
    return np.asarray(rotate(pose.wxyz[:, None], position_m) + pose.position_m[:, None])


def _camera(body: BodyPath, gravity: Array | None, poses: Transform | None) -> tuple[Transform, dict[str, str]]:
    frames = len(body.time_s)
    if poses is not None:
        one = poses.position_m.ndim == 1
        fits = one or len(poses) == frames
        require(fits, MotionError, f"poses of the camera: {0 if one else len(poses)}; {frames} were wanted, one per picture.")
        wide = np.broadcast_to(poses.position_m, (frames, 3)), np.broadcast_to(poses.wxyz, (frames, 4))
        return Transform(*wide), {"up": "as the camera's poses say"}
    up, said = _up(body, gravity)
    rotation = looking_along_x(up)
    return Transform(np.zeros((frames, 3)), np.broadcast_to(wxyz_from_matrix(rotation), (frames, 4))), {"up": said}


def _up(body: BodyPath, gravity: Array | None) -> tuple[Array, str]:
    """Unit vector up in the camera's frame, and how it is known."""
    if gravity is not None:
        down = np.asarray(gravity, float)
        good = down.shape == (3,) and bool(np.isfinite(down).all()) and bool(np.linalg.norm(down) > _LEAST_GRAVITY)
        require(good, MotionError, f"gravity in the camera's frame is {gravity}; three numbers with a direction were wanted.")
        return -normalized(down), "as gravity in the camera's frame says"
    found, how = balanced_up(body), "the weight over the standing feet"
    if found is None:
        trunk, how = trunk_up(body), "the trunk and the picture's own vertical"
        found = picture_up() if trunk is None else together(trunk, picture_up())
    up, sigma = found
    return up, f"estimated from {how}, plus or minus {np.degrees(sigma):.0f} degrees; give gravity or poses to be sure"


def looking_along_x(up: Array) -> Array:
    """R_world_camera (3, 3) of a camera in whose frame `up` (3,) points up, looking along +x as far as that is level."""
    ahead = np.array([0.0, 0.0, 1.0])
    if abs(up[2]) > np.cos(np.deg2rad(20.0)):  # it looks up or down: what is up in its picture is ahead
        ahead = np.array([0.0, 1.0 if up[2] > 0 else -1.0, 0.0])
    forward = normalized(ahead - (ahead @ up) * up)
    return np.stack([forward, np.cross(up, forward), up])


def _levelled(pose: Transform, contacts: Contacts) -> Transform:
    """The poses in a world turned so that the ground's normal is z."""
    x, y, z = contacts.up
    cross = np.array([[0, 0, -x], [0, 0, -y], [x, y, 0]])
    turn = Transform(np.zeros(3), wxyz_from_matrix(np.eye(3) + cross + cross @ cross / (1 + z)))
    return Transform(turn.apply(pose.position_m), quaternion_product(turn.wxyz, pose.wxyz))


def _floor(body: BodyPath, contacts: Contacts, height_m: float | None) -> tuple[float, str]:
    """Height of the floor, and how it is known."""
    stood = [f"{side} foot for {mask.mean():.0%}" for side in SIDES if (mask := contacts.feet.get(side)) is not None and mask.any()]
    if stood:
        return contacts.floor_m, f"where the feet stand ({', '.join(stood)} of the time)"
    stature = height_m or DEFAULT_STATURE_M
    for name, share in (("head", STATURE["head"]), ("neck", STATURE["leg"] + STATURE["trunk"])):
        track = body.position_m[:, body.landmarks.index(name), 2] if name in body.landmarks else np.zeros(0)
        if np.isfinite(track).any():
            floor = standing_height_m(track) - share * stature
            return floor, f"no foot is seen to stand: taken to be where it is for a standing person of {stature:.2f} m"
    return 0.0, "no foot is seen to stand: unknown"
