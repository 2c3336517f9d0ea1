"""How well bodies come out of film: one camera against three, on pose2sim's demonstration; and bodies that nobody saw.

`python -m benchmarks.film_bodies` prints both. Functions are plain, for `benchmarks/film.py`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from motion.landmarks import LANDMARKS, SIDES, hand_landmarks
from motion.transform import Array, Transform
from retarget.video.bodies.lift_body import lift_body
from retarget.video.bodies.person import POINT, PersonTrack, follow_person
from retarget.video.bodies.upper_body import infer_upper_body
from retarget.video.bodies.upright import balanced_up
from retarget.video.cameras.calibration import camera_of_film, read_calibration
from retarget.video.cameras.camera import Camera
from retarget.video.cameras.refine_cameras import refine_cameras
from retarget.video.cameras.triangulate import triangulate
from retarget.video.detectors.base import detector_for
from retarget.video.detectors.models import bundle
from retarget.video.paths import BodyPath, HandPath
from retarget.video.pictures.look import look
from retarget.video.pictures.reader import Film
from retarget.video.pictures.spool import Spool
from workers.camera import head_camera
from workers.performance import perform
from workers.record import draw_worker

JOINTS = tuple(f"{side}_{name}" for side in SIDES for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel", "toe"))
CAMERAS = ("cam01", "cam02", "cam03")
_CALIBRATION = "Calib.qca.txt"


@dataclass(frozen=True)
class Room:
    """Three synchronised views of one person, over T frames.

    Attributes:
        tracks: camera's name -> the person as that camera saw them.
        cameras: camera's name -> its numbers and T_world_camera, refined by what they saw.
        position_m: (T, 33, 3) triangulated.
        reprojection_px: median over everything that the views used.
    """

    tracks: Mapping[str, PersonTrack]
    cameras: Mapping[str, tuple[Camera, Transform]]
    position_m: Array
    reprojection_px: float


@dataclass(frozen=True)
class OneCamera:
    """What one camera alone makes of the person, against three.

    Attributes:
        clip_mm: median distance of joints after one rigid alignment of the whole clip.
        clip_scaled_mm: the same with the size aligned, too.
        frame_mm: after one rigid alignment per frame.
        scale: by which the body would have to grow.
        up_deg: how far off the vertical was that the person's balance says.
    """

    clip_mm: float
    clip_scaled_mm: float
    frame_mm: float
    scale: float
    up_deg: float


def person_in(film: Path, models: Path) -> tuple[PersonTrack, Film]:
    """The person of a film, as the detector of bodies saw them."""
    opened, kind = Film(film), detector_for("mediapipe_pose")
    with Spool() as spool:
        look(opened, [kind], {name: bundle(name, models) for name in kind.bundles}, spool)
        return follow_person(spool.bodies(), (opened.info.width_px, opened.info.height_px)), opened


def seen_by_three(folder: Path, models: Path) -> Room:
    """The films of a room, and where the person's points are by all views together."""
    calibration, tracks, views = read_calibration(folder / _CALIBRATION), {}, {}
    for name in CAMERAS:
        tracks[name], film = person_in(folder / f"{name}.mp4", models)
        size = film.info.width_px, film.info.height_px
        views[name] = camera_of_film(film.info.path, calibration, size, film.info.rotation_deg)[1]
    frames = min(len(track.time_s) for track in tracks.values())
    image = np.stack([track.image_px[:frames] for track in tracks.values()])
    weight = np.stack([track.visibility[:frames] for track in tracks.values()])
    refined = refine_cameras(list(views.values()), image, weight).views
    found = triangulate(refined, image, weight)
    used = np.where(found.used, found.reprojection_px, np.nan)
    return Room(tracks, dict(zip(CAMERAS, refined, strict=True)), found.position_m, float(np.nanmedian(used)))


def one_against_three(room: Room, name: str, height_m: float | None = None) -> OneCamera:
    """One camera's body beside the triangulated points."""
    camera, T_world_camera = room.cameras[name]
    body = lift_body(room.tracks[name], camera, height_m)
    own = joints_of(body)
    frames = min(len(own), len(room.position_m))
    truth = room.position_m[:frames, [POINT[joint.replace("toe", "foot_index")] for joint in JOINTS]]
    rigid, _ = aligned(own[:frames], truth)
    scaled, scale = aligned(own[:frames], truth, scale=True)
    frame = np.stack([aligned(own[t : t + 1], truth[t : t + 1])[0][0] for t in range(frames)])
    clip_mm, scaled_mm, frame_mm = (_median_mm(found, truth) for found in (rigid, scaled, frame))
    return OneCamera(clip_mm, scaled_mm, frame_mm, scale, _up_off_deg(body, T_world_camera))


def _up_off_deg(body: BodyPath, T_world_camera: Transform) -> float:
    found = balanced_up(body)
    return float("nan") if found is None else float(np.degrees(np.arccos(found[0] @ T_world_camera.rotation()[2])))


def joints_of(body: BodyPath) -> Array:
    """(T, J, 3) of `JOINTS`."""
    return np.stack([body.position_m[:, body.landmarks.index(joint)] for joint in JOINTS], axis=1)


def aligned(found: Array, truth: Array, scale: bool = False) -> tuple[Array, float]:
    """Points (T, J, 3) moved, turned and, if asked for, scaled as one onto others, and that scale.

    Source: Umeyama 1991, Least-Squares Estimation of Transformation Parameters Between Two Point Patterns.
    """
    good = np.isfinite(found).all(-1) & np.isfinite(truth).all(-1)
    a, b = found[good], truth[good]
    u, size, vt = np.linalg.svd((b - b.mean(0)).T @ (a - a.mean(0)))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ np.diag(sign) @ vt
    factor = float((size * sign).sum() / ((a - a.mean(0)) ** 2).sum()) if scale else 1.0
    return factor * (found - a.mean(0)) @ rotation.T + b.mean(0), factor


def _median_mm(found: Array, truth: Array) -> float:
    return 1e3 * float(np.nanmedian(np.linalg.norm(found - truth, axis=-1)))


def upper_body_off_mm(
    chores: tuple[str, ...] = ("wipe", "stir", "fold", "reach_place"), workers: int = 3, stature_known: bool = True
) -> dict[str, float]:
    """Median distance of inferred shoulders and elbows from those of simulated workers with a phone on their heads."""
    off: dict[str, list[Array]] = {"shoulder": [], "elbow": []}
    for chore in chores:
        for seed in range(workers):
            time_s, places, camera, stature_m = _head_film(chore, seed)
            body = infer_upper_body(time_s, camera, _hands(time_s, places), stature_m if stature_known else None).body
            for name, values in off.items():
                for side in SIDES:
                    joint = f"{side}_{name}"
                    values.append(np.linalg.norm(body.position_m[:, body.landmarks.index(joint)] - places[joint], axis=-1))
    return {name: 1e3 * float(np.median(np.concatenate(values))) for name, values in off.items()}


def _head_film(chore: str, seed: int, rate_hz: float = 15.0) -> tuple[Array, dict[str, Array], Transform, float]:
    """Times, true landmarks, the phone's poses and the stature of a worker."""
    worker = draw_worker(seed)
    performance = perform(worker.body, worker.style, chore, np.random.default_rng([2, seed]))
    time_s = np.arange(0.0, min(performance.duration_s, 12.0), 1 / rate_hz)
    names = {*(f"{side}_{name}" for side in SIDES for name in ("shoulder", "elbow")), *(n for side in SIDES for n in hand_landmarks(side))}
    position = performance.landmarks_at(time_s)
    places = {name: position[:, LANDMARKS.index(name)] for name in names}
    joints, base = performance.joints_at(time_s), performance.base_at(time_s)
    head = worker.body.kinematics.frame_poses(["middle_head"], joints, base)[:, 0]
    physique = worker.body.physique
    return time_s, places, head_camera(head, physique.head_and_neck_m, np.random.default_rng([3, seed])), physique.stature_m


def _hands(time_s: Array, places: Mapping[str, Array]) -> dict[str, HandPath]:
    hands = {}
    for side in SIDES:
        position = np.stack([places[name] for name in hand_landmarks(side)], axis=1)
        frames = len(time_s)
        image, sure = np.full((frames, 21, 2), np.nan), np.ones((frames, 21))
        hands[side] = HandPath(side, time_s, position, image, sure, np.zeros(frames), np.zeros(frames, bool), 0.19, "known")
    return hands


def main() -> None:
    """Print all of it."""
    shared = Path(__file__).resolve().parent.parent.parent / "shared"
    data = Path(os.environ.get("UNDERSTUDY_DATA", shared / "data"))
    room = seen_by_three(data / "video" / "pose2sim_single", Path(os.environ.get("UNDERSTUDY_MODELS", shared / "models")))
    print(f"triangulated: reprojects {room.reprojection_px:.1f} px (median)")
    for name in CAMERAS:
        one = one_against_three(room, name)
        print(
            f"{name} alone: {one.clip_mm:.0f} mm one alignment, {one.clip_scaled_mm:.0f} with scale {one.scale:.3f}, "
            f"{one.frame_mm:.0f} per frame; vertical off by {one.up_deg:.1f} degrees"
        )
    for known in (True, False):
        off = upper_body_off_mm(stature_known=known)
        words = ", ".join(f"{name}s {value:.0f} mm" for name, value in off.items())
        print(f"upper body inferred from head and wrists, stature {'known' if known else 'not known'}: {words}")


if __name__ == "__main__":
    main()
