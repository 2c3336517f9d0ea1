"""Several calibrated cameras that film one person at the same time: no guess of depth, but triangulation.

The films start together. Joints of all views are put on the first film's clock, left and right agreed between views, cameras
moved the little by which calibrations go stale, and points placed where the rays meet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, require
from motion.human import Subject
from motion.transform import Array, Transform
from retarget.reading.orders import ORDERS
from retarget.video.assemble import Worker, human_motion
from retarget.video.bodies.lift_triangulated import body_from_triangulation
from retarget.video.bodies.person import PersonTrack, follow_person
from retarget.video.bodies.stand import place_in_world
from retarget.video.cameras.calibration import View, camera_of_film, read_calibration
from retarget.video.cameras.refine_cameras import Refined, refine_cameras
from retarget.video.cameras.triangulate import Triangulated, triangulate, unswapped
from retarget.video.film import Clip, Opened, body_detector, bundles_for, named, parents_of, provenance_of
from retarget.video.pictures.look import look
from retarget.video.pictures.reader import Film
from retarget.video.pictures.spool import Spool
from retarget.video.poses.camera_path import standing
from retarget.video.quality.judge import judge
from retarget.video.quality.of_pictures import facts_of
from retarget.video.settings import FilmSettings
from retarget.video.understand import Understood

_POINTS = ORDERS["mediapipe_33"]
_MIRROR = [_POINTS.index(name.replace("left", "@").replace("right", "left").replace("@", "right")) for name in _POINTS]
_JOINTS = [
    index for index, name in enumerate(_POINTS) if any(part in name for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"))
]
"""A face is seen by few of the cameras, and drawn by the detector where it is not seen."""
_TOGETHER_S = 0.5
"""Films of one take end within this of each other."""


@dataclass(frozen=True)
class Take:
    """One person seen by V cameras over T frames.

    Attributes:
        time_s: (T,) of the first film.
        views: cameras as they were refined.
        points: where the rays meet.
        refined: how the cameras were refined.
        swapped: (V, T) in which views left and right were exchanged.
        image_px, weight: (V, T, 33, 2), (V, T, 33) what was triangulated.
    """

    time_s: Array
    views: Sequence[View]
    points: Triangulated
    refined: Refined
    swapped: np.ndarray
    image_px: Array
    weight: Array


def clip_of_views(
    paths: Sequence[Path],
    calibration: Path,
    settings: FilmSettings,
    on_start: Callable[[int | None], Callable[[int], object]] | None = None,
) -> Clip:
    """One HumanMotion from the films of several calibrated cameras.

    Args:
        paths: films that start at the same time; each is named after its camera.
        calibration: as `read_calibration` reads it.
        settings: of the film; those of a single camera do not count.
        on_start: as in `retarget.video.film.clips_of`.

    Raises:
        FileFormatError: fewer than two films, films of other cameras, of different length, or nobody in them.
    """
    require(len(paths) >= 2, FileFormatError, f"{paths[0]}: calibration= wants the films of two cameras or more, of one take.")
    known = read_calibration(calibration)
    films = [Film(path, settings.film.rotation_deg) for path in paths]
    views = [_view(film, known) for film in films]
    _refuse_other_takes(films)
    count = [film.info.frames_n for film in films]
    on_frame = on_start(None if None in count else sum(n or 0 for n in count)) if on_start else None
    with ExitStack() as stack:
        spools = [stack.enter_context(Spool()) for _ in films]
        kinds = [body_detector(settings)]
        weights = bundles_for(kinds, settings)
        for film, spool in zip(films, spools, strict=True):
            look(film, kinds, weights, spool, on_frame)
        tracks = _followed(films, spools)
        take = triangulated(tracks, views)
        return _clip(take, films, spools[0], settings, [*paths, calibration], named(kinds, weights))


def triangulated(tracks: Sequence[PersonTrack], views: Sequence[View]) -> Take:
    """The person in the world of the calibration, by tracks of the same T frames in V views."""
    image = np.stack([track.image_px for track in tracks])
    weight = np.stack([np.where(track.seen[:, None], track.visibility, 0.0) for track in tracks])
    image, weight, first = unswapped(views, image, weight, _MIRROR)
    refined = refine_cameras(views, image[:, :, _JOINTS], weight[:, :, _JOINTS])
    image, weight, second = unswapped(refined.views, image, weight, _MIRROR)
    points = triangulate(refined.views, image, weight)
    return Take(tracks[0].time_s, refined.views, points, refined, first ^ second, image, weight)


def _view(film: Film, known: dict[str, View]) -> View:
    info = film.info
    return camera_of_film(info.path, known, (info.width_px, info.height_px), info.rotation_deg)[1]


def _refuse_other_takes(films: Sequence[Film]) -> None:
    lengths = {film.info.path.name: film.info.duration_s for film in films if film.info.duration_s is not None}
    apart = max(lengths.values(), default=0.0) - min(lengths.values(), default=0.0)
    said = ", ".join(f"{name} {length:.2f} s" for name, length in lengths.items())
    require(apart <= _TOGETHER_S, FileFormatError, f"films of one take start and end together; these do not: {said}. Cut them to it.")


def _followed(films: Sequence[Film], spools: Sequence[Spool]) -> list[PersonTrack]:
    """The person in every view, at the times of the first."""
    times = spools[0].times()
    tracks = []
    for film, spool in zip(films, spools, strict=True):
        require(spool.seen_n()[1] > 0, FileFormatError, f"{film.info.path}: no person is seen in any of its {len(spool)} pictures.")
        track = follow_person(spool.bodies(), (film.info.width_px, film.info.height_px))
        tracks.append(_at_times(track, times))
    return tracks


def _at_times(track: PersonTrack, times: Array) -> PersonTrack:
    """The nearest frames of a track; unseen where there is none within a step."""
    after = np.clip(np.searchsorted(track.time_s, times), 1, len(track.time_s) - 1)
    nearest = after - (times - track.time_s[after - 1] < track.time_s[after] - times)
    near = np.abs(track.time_s[nearest] - times) <= np.median(np.diff(track.time_s))
    return replace(
        track,
        time_s=times,
        image_px=np.where(near[:, None, None], track.image_px[nearest], np.nan),
        relative_m=np.where(near[:, None, None], track.relative_m[nearest], np.nan),
        visibility=np.where(near[:, None], track.visibility[nearest], 0.0),
        score=np.where(near, track.score[nearest], 0.0),
        exchanged=track.exchanged[nearest],
    )


def _clip(take: Take, films: Sequence[Film], spool: Spool, settings: FilmSettings, files: Sequence[Path], detector: str) -> Clip:
    still = Transform(np.zeros(3), np.array([1.0, 0.0, 0.0, 0.0]))
    sure = np.where(take.points.used, take.weight, 0.0).max(0)
    words = {"detectors": detector, "cameras": take.refined.words, "points": _words(take)}
    body = body_from_triangulation(take.time_s, take.points.position_m, sure, words)
    placed, shift, said = place_in_world(body, None, still, settings.subject.height_m)
    camera, pose = take.views[0]
    T_world_camera = shift @ pose
    seen = np.isfinite(take.points.position_m).all(-1).mean(1) > 0
    image = camera.project(T_world_camera.inverse()[:, None].apply(placed.position_m))
    placed = replace(placed, image_px=np.where(seen[:, None, None], image, np.nan))
    worker = Worker(take.time_s, {}, placed, None, T_world_camera)
    pictures = spool.pictures()
    quality = judge(facts_of(films[0].info, films[0].report), pictures, {}, {}, "third_person", placed, settings.profile)
    words = placed.words | said
    opened = Opened(films[0], "third_person", camera, standing(), words)
    span_s = (float(take.time_s[0]), float(take.time_s[-1]))
    motion = None
    if quality.verdict != "exclude":
        subject = Subject(settings.subject.pseudonym, settings.subject.height_m)
        motion = human_motion(worker, subject, provenance_of(opened, span_s, words, quality, settings, parents_of(files, settings)))
    return Clip(0, 1, span_s, quality, motion, Understood(worker, {}, {}, None, words), pictures, camera, words)


def _words(take: Take) -> str:
    """How well the rays meet, in words."""
    off = np.where(take.points.used, take.points.reprojection_px, np.nan)[:, :, _JOINTS]
    swapped = int(take.swapped.sum())
    sides = f"; left and right exchanged back in {swapped} pictures" if swapped else ""
    return f"triangulated from {len(take.views)} views; joints reproject {np.nanmedian(off):.1f} px off in the median{sides}"
