"""From what was seen in a stretch of film to one person in the world; one function per view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from motion.errors import FileFormatError
from motion.transform import Array, Transform, quaternion_product
from retarget.video.assemble import Worker
from retarget.video.bodies.body_bones import DEFAULT_STATURE_M
from retarget.video.bodies.lift_body import head_in_camera, lift_body
from retarget.video.bodies.person import POINT, PersonTrack, follow_person
from retarget.video.bodies.stand import place_in_world
from retarget.video.bodies.upper_body import UpperBodySettings, infer_upper_body
from retarget.video.cameras.camera import Camera
from retarget.video.hands.confidence import blurred
from retarget.video.hands.hand_size import HandShape, hand_length, hand_shape
from retarget.video.hands.lift_hand import lift_hands
from retarget.video.hands.steady import SteadyReport, steady
from retarget.video.hands.tracks import HandTrack, TrackSettings, track_hands
from retarget.video.paths import BodyPath, HandPath, at_frames
from retarget.video.poses.camera_path import HEAD_TILT_DEG, CameraPath
from retarget.video.seen import BodyDetections, HandDetections, PictureStats
from retarget.video.settings import FilmSettings

_MOST_FRAMES = 500
"""Of each hand and clip, from which the shape of the hand is taken."""
_FINGERS_PX = 100.0
"""Of a person filmed from afar: hands that are smaller in the picture have no fingers that one could follow."""
_AT_WRIST = 0.5
"""How far a hand's wrist may be from the body's, over the hand's size in the picture."""
_CAMERA_HEIGHT = 0.95
"""Of a phone on the forehead of somebody who stands, over stature; eyes are at 0.936 (Drillis and Contini 1966)."""
_UPRIGHT_PERCENTILE = 90
"""Of the camera's heights: who works bends down now and then, but hardly jumps."""


@dataclass(frozen=True)
class Seen:
    """All that was seen in a stretch of film."""

    hands: HandDetections
    bodies: BodyDetections | None
    pictures: PictureStats


@dataclass(frozen=True)
class Understood:
    """What was made of a stretch of film, over T frames.

    Attributes:
        worker: in the world.
        tracks: side -> the hand in the picture.
        hands: side -> the hand in the camera's frame, before anything was filled or smoothed.
        body: in the camera's frame; None where no body was seen.
        words: what was found and assumed.
    """

    worker: Worker
    tracks: Mapping[str, HandTrack]
    hands: Mapping[str, HandPath]
    body: BodyPath | None
    words: dict[str, str]

    @property
    def shows_anything(self) -> bool:
        """Whether a hand, or a body, is anywhere in the world."""
        tracks = [path.position_m for path in self.worker.hands.values()]
        tracks += [self.worker.body.position_m] if self.worker.body is not None else []
        return any(bool(np.isfinite(track).any()) for track in tracks)


def tracked(hands: HandDetections, view: str, settings: FilmSettings) -> dict[str, HandTrack]:
    """Left and right hand of the worker, as far as they are wanted."""
    return track_hands(hands, TrackSettings(hands=settings.film.hands, view=view))


def size_px(track: HandTrack) -> float:
    """Longer side of the box around the hand in the picture, in the median; 0 where it was never seen."""
    boxes = np.ptp(track.image_px[track.seen], axis=1).max(-1)
    return float(np.median(boxes)) if len(boxes) else 0.0


def thinned(track: HandTrack) -> HandTrack:
    """Some of the frames in which the hand was seen, enough to know its shape by."""
    frames = np.flatnonzero(track.seen)
    frames = frames[:: max(1, -(-len(frames) // _MOST_FRAMES))]
    return at_frames(track, frames, len(track.time_s))


def shape_of_hand(tracks: Mapping[str, HandTrack], settings: FilmSettings) -> HandShape:
    """The worker's hand, one for the whole film."""
    length_m, how = hand_length(tracks, settings.subject.hand_length_m, settings.subject.height_m)
    return hand_shape(tracks, length_m, how)


def understand(seen: Seen, shape: HandShape, camera: Camera, poses: CameraPath, view: str, settings: FilmSettings) -> Understood:
    """One person in the world, by what was seen of them.

    Args:
        seen: the stretch of film.
        shape: size and proportions of the worker's hands.
        camera: of the upright pictures.
        poses: where the camera was.
        view: one of `retarget.video.view.VIEWS`.
        settings: of the film.

    Where nobody is seen, or the camera's pose is never known, there is nobody in the world.
    """
    tracks = tracked(seen.hands, view, settings)
    if view == "third_person":
        assert seen.bodies is not None
        try:
            return _beside_a_body(seen.bodies, seen.pictures, tracks, shape, camera, poses, settings)
        except FileFormatError as nobody:  # who leaves the picture for minutes does not spoil the rest of the film
            return _nobody(seen.pictures.time_s, {}, poses, {"person": str(nobody)})
    hands, words = _lifted(tracks, shape, camera, seen.pictures)
    T_world_camera, known = poses.at(seen.pictures.time_s)
    if not known.any():
        return _nobody(seen.pictures.time_s, tracks, poses, words | {"camera's pose": "not known in any of these pictures"})
    if view == "head":
        return _under_a_head(seen.pictures.time_s, tracks, hands, T_world_camera, known, words, settings)
    steadied, said = _steadied(hands, T_world_camera, known, settings)
    return Understood(Worker(seen.pictures.time_s, steadied, None, None, T_world_camera), tracks, hands, None, words | said)


def _nobody(time_s: Array, tracks: Mapping[str, HandTrack], poses: CameraPath, words: dict[str, str]) -> Understood:
    """A stretch of film in which nothing can be placed in the world."""
    T_world_camera, _ = poses.at(time_s)
    return Understood(Worker(time_s, {}, None, None, T_world_camera), tracks, {}, None, words)


def _lifted(
    tracks: Mapping[str, HandTrack], shape: HandShape, camera: Camera, pictures: PictureStats
) -> tuple[dict[str, HandPath], dict[str, str]]:
    hands = lift_hands(tracks, camera, shape)
    words = {"hand length": f"{shape.length_m * 1e3:.0f} mm, {shape.length_is}"} if hands else {}
    return {side: replace(path, confidence=blurred(path.confidence, pictures)) for side, path in hands.items()}, words


def _under_a_head(
    time_s: Array,
    tracks: Mapping[str, HandTrack],
    hands: Mapping[str, HandPath],
    T_world_camera: Transform,
    known: np.ndarray,
    words: dict[str, str],
    settings: FilmSettings,
) -> Understood:
    """Hands that the wearer of the camera sees, and the body that may be below the head."""
    height_m = settings.subject.height_m
    steadied, said = _steadied(hands, T_world_camera, known, settings)
    tilt_deg = HEAD_TILT_DEG if settings.film.tilt_deg is None else settings.film.tilt_deg
    how = UpperBodySettings(tilt_rad=float(np.radians(tilt_deg)))
    inferred = infer_upper_body(time_s, T_world_camera, steadied, height_m, how)
    worker = Worker(time_s, steadied, inferred.body, inferred.head_wxyz, T_world_camera)
    return Understood(worker, tracks, hands, None, words | said | inferred.body.words)


def raised(poses: CameraPath, height_m: float | None) -> CameraPath:
    """A camera on a head, lifted so that the floor is at z = 0 if the person stands; once for the whole film, lest its parts differ."""
    stature, where = height_m or DEFAULT_STATURE_M, poses.T_world_camera
    level = float(np.nanpercentile(where.position_m[:, 2], _UPRIGHT_PERCENTILE))
    up = np.array([0.0, 0.0, _CAMERA_HEIGHT * stature - level])
    words = f"assumed {_CAMERA_HEIGHT * stature:.2f} m below the camera: a person of {stature:.2f} m who stands, at least now and then"
    return replace(poses, T_world_camera=Transform(where.position_m + up, where.wxyz), words={**poses.words, "floor": words})


def _beside_a_body(
    bodies: BodyDetections,
    pictures: PictureStats,
    tracks: Mapping[str, HandTrack],
    shape: HandShape,
    camera: Camera,
    poses: CameraPath,
    settings: FilmSettings,
) -> Understood:
    """A person whom somebody else filmed, with fingers where hands are large enough in the picture."""
    person = follow_person(bodies, (camera.width_px, camera.height_px))
    tracks = at_the_wrists(tracks, person)
    hands, words = _lifted(tracks, shape, camera, pictures)
    body = lift_body(person, camera, settings.subject.height_m)
    T_world_camera, known = poses.at(bodies.time_s)
    gravity = -T_world_camera.rotation()[0, 2] if poses.kind == "gravity" else None
    measured = T_world_camera if poses.kind == "pose" else None
    placed, camera_pose, said = place_in_world(body, gravity, measured, settings.subject.height_m)
    steadied, more = _steadied(hands, camera_pose, known, settings)
    head_wxyz = quaternion_product(camera_pose.wxyz, head_in_camera(person, camera))
    worker = Worker(bodies.time_s, steadied, placed, head_wxyz, camera_pose)
    return Understood(worker, tracks, hands, body, words | placed.words | said | more)


def _steadied(
    hands: Mapping[str, HandPath], T_world_camera: Transform, known: np.ndarray, settings: FilmSettings
) -> tuple[dict[str, HandPath], dict[str, str]]:
    done: dict[str, tuple[HandPath, SteadyReport]] = {
        side: steady(path, T_world_camera, known, settings.steady) for side, path in hands.items()
    }
    words = {f"{side} hand": report.words() for side, (_, report) in done.items()}
    return {side: path for side, (path, _) in done.items()}, words


def at_the_wrists(tracks: Mapping[str, HandTrack], person: PersonTrack) -> dict[str, HandTrack]:
    """Hands that are at the person's own wrists, and large enough for fingers to be told; feet and other people's hands are not."""
    kept = {}
    for side, track in tracks.items():
        away = np.linalg.norm(track.image_px[:, 0] - person.image_px[:, POINT[f"{side}_wrist"]], axis=-1)
        with np.errstate(invalid="ignore"):
            own = away < _AT_WRIST * np.ptp(track.image_px, axis=1).max(-1)
        own_track = replace(
            track,
            image_px=np.where(own[:, None, None], track.image_px, np.nan),
            relative_m=np.where(own[:, None, None], track.relative_m, np.nan),
            score=np.where(own, track.score, 0.0),
            sure=np.where(own, track.sure, 0.0),
            relabelled=track.relabelled & own,
        )
        if size_px(own_track) >= _FINGERS_PX:
            kept[side] = own_track
    return kept


def before_camera(found: Understood) -> tuple[dict[str, HandPath], BodyPath | None]:
    """What was made of the film, back in the camera's frame, to be drawn over it: hands, and the body if it was seen."""
    to_camera = found.worker.T_world_camera.inverse()[:, None]
    hands = {side: replace(path, position_m=to_camera.apply(path.position_m)) for side, path in found.worker.hands.items()}
    return hands, found.body
