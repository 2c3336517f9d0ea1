"""People whose true motion is known, as a detector of bodies would see them before a standing camera."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from motion.landmarks import SIDES
from motion.segments import segment_frame
from motion.transform import Array, Transform, matrix_from_wxyz
from retarget.video.bodies.person import BODY_POINTS, PersonTrack
from retarget.video.bodies.stand import looking_along_x
from retarget.video.cameras.camera import Camera
from workers import record

CAMERA = Camera(1280, 720, (700.0, 700.0), (640.0, 360.0))
_FACE = {"nose": (0.11, 0.0, 0.0), "eye": (0.09, 0.032, 0.03), "ear": (0.0, 0.075, 0.0), "mouth": (0.10, 0.025, -0.05)}
_SAME = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel")
_OTHER = {"foot_index": "toe", "index": "index_mcp", "pinky": "pinky_mcp", "thumb": "thumb_ip"}


@dataclass(frozen=True)
class Filmed:
    """A worker's take: what a detector would say, and what is true.

    Attributes:
        track: as seen by `CAMERA`.
        truth_m: landmark -> (T, 3) in the camera's frame.
        T_world_camera: where the camera stands.
        stature_m: of the worker.
        points_m: (T, 33, 3) the true points in the world.
    """

    track: PersonTrack
    truth_m: dict[str, Array]
    T_world_camera: Transform
    stature_m: float
    points_m: Array


@lru_cache(maxsize=4)
def filmed(chore: str = "reach_place", worker: int = 0, seconds: float = 4.0, tilt_rad: float = 0.25, noise: float = 1.0) -> Filmed:
    """A worker before a camera that looks down a little, detector's errors included: 4 px, and depth a fifth too flat."""
    truth = record(chore, worker).truth
    step = max(1, round(truth.rate_hz / 30.0))
    truth = truth.slice(slice(0, int(seconds * truth.rate_hz), step))
    points = _points(truth.point)
    camera = _camera(tilt_rad)
    local = camera.inverse().apply(points)
    rng = np.random.default_rng(0)
    image = CAMERA.project(local) + 4.0 * noise * rng.standard_normal((*local.shape[:2], 2))
    middle = local[:, [BODY_POINTS.index(f"{side}_hip") for side in SIDES]].mean(1, keepdims=True)
    relative = (local - middle) * [1.0, 1.0, 1.0 - 0.2 * noise] + 0.02 * noise * rng.standard_normal(local.shape)
    ones = np.ones(local.shape[:2])
    track = PersonTrack(truth.time_s, image, relative, 0.95 * ones, 0.95 * ones[:, 0])
    true = {name: camera.inverse().apply(truth.point(name)) for name in truth.landmarks}
    stature = truth.subject.height_m
    assert stature is not None
    return Filmed(track, true, camera, stature, points)


def _camera(tilt_rad: float) -> Transform:
    """3.2 m ahead of the worker, 1.6 m over the floor, looking back at them and down."""
    up = np.array([0.0, -np.cos(tilt_rad), -np.sin(tilt_rad)])
    back = np.diag([-1.0, -1.0, 1.0])
    rotation = back @ looking_along_x(up)
    return Transform.from_matrix(np.block([[rotation, np.array([[3.2], [0.0], [1.6]])], [np.zeros((1, 3)), np.ones((1, 1))]]))


def _points(point: object) -> Array:
    assert callable(point)
    head = point("head")
    turned = matrix_from_wxyz(segment_frame("head", point)[0])
    places = {}
    for name, (x, y, z) in _FACE.items():
        for side, sign in (("left", 1.0), ("right", -1.0)):
            places[f"{side}_{name}"] = head + turned @ np.array([x, sign * y, z])
    for side in SIDES:
        places |= {f"{side}_{name}": point(f"{side}_{name}") for name in _SAME}
        places |= {f"{side}_{name}": point(f"{side}_{theirs}") for name, theirs in _OTHER.items()}
        places |= {f"{side}_eye_{which}": places[f"{side}_eye"] for which in ("inner", "outer")}
        places[f"mouth_{side}"] = places[f"{side}_mouth"]
    places["nose"] = head + turned @ np.array(_FACE["nose"])
    return np.stack([places[name] for name in BODY_POINTS], axis=1)
