"""A film, from its pictures to HumanMotion files.

Pass 1 looks at every picture and keeps what was seen on disk. The hand's size, one for the film, comes from a sample of it. Then
the film is understood clip by clip, so that memory does not grow with its length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, MotionError, UnderstudyError, require
from motion.human import HumanMotion, Subject
from motion.provenance import UNSTATED, Parent, Provenance, file_sha256, record
from motion.transform import Array
from retarget.video.assemble import human_motion
from retarget.video.cameras.camera import Camera
from retarget.video.cameras.camera_files import camera_of
from retarget.video.cameras.reach import within_reach
from retarget.video.detectors.base import Detector, Sees, detector_for, detectors
from retarget.video.detectors.models import bundle
from retarget.video.hands.hand_size import HandShape
from retarget.video.hands.tracks import HandTrack
from retarget.video.paths import at_frames, joined
from retarget.video.pictures.look import look
from retarget.video.pictures.reader import Film, probe
from retarget.video.pictures.spool import Spool
from retarget.video.poses.base import PoseOptions
from retarget.video.poses.camera_path import HEAD_TILT_DEG, CameraPath, camera_path, head_fixed, standing, standing_by_gravity
from retarget.video.poses.clock import FilmClock, clock_of
from retarget.video.privacy.guard import PERSONAL_DATA
from retarget.video.quality.judge import FilmQuality, judge
from retarget.video.quality.of_pictures import FilmFacts, facts_of
from retarget.video.seen import PictureStats
from retarget.video.settings import FilmSettings
from retarget.video.turned import body_turned, hands_turned
from retarget.video.understand import Seen, Understood, raised, shape_of_hand, thinned, tracked, understand
from retarget.video.view import are_hands, decide_view

_MARGIN_S = 2.0
"""Clips of a long film are understood with so much of their neighbours, so that they meet without a seam."""
_LOOKED_AT_N = 24
"""Pictures that decide the view."""
_ASKED_N = 500
"""Pictures, at most, that are asked whether people seen in them are hands."""


@dataclass(frozen=True)
class Clip:
    """One clip of a film, in memory.

    Attributes:
        index, clips_n: which one, of how many.
        span_s: of the film's time.
        quality: what was found about it.
        motion: None where the quality excludes the clip.
        understood: what was made of the pictures.
        pictures: how they are.
        camera: that took them.
        words: what was found and assumed.
    """

    index: int
    clips_n: int
    span_s: tuple[float, float]
    quality: FilmQuality
    motion: HumanMotion | None
    understood: Understood
    pictures: PictureStats
    camera: Camera
    words: Mapping[str, str]


@dataclass(frozen=True)
class Opened:
    """A film that is about to be looked at: all that can be wrong before that is found by now."""

    film: Film
    view: str
    camera: Camera
    poses: CameraPath
    words: dict[str, str]


def clips_of(
    path: Path,
    settings: FilmSettings | None = None,
    on_start: Callable[[int | None], Callable[[int], object]] | None = None,
) -> Iterator[Clip]:
    """Turn a film into HumanMotions, one clip after the other; one for the whole of it unless it is longer than `film.clip_s`.

    Args:
        path: the film.
        settings: what is known of the film.
        on_start: called with the number of pictures, None where the film does not say; gives what is called with the index of each
            picture that is done.

    Raises:
        FileFormatError, MotionError: what is wrong with the film, its camera or its poses.
    """
    settings = settings or FilmSettings()
    opened = open_film(path, settings)
    with Spool() as spool:
        kinds = _detectors(opened.view, settings)
        weights = bundles_for(kinds, settings)
        opened = replace(opened, words=opened.words | {"detectors": named(kinds, weights)})
        look(opened.film, kinds, weights, spool, on_start(opened.film.info.frames_n) if on_start else None)
        _refuse_nothing(path, spool, opened.view)
        facts = facts_of(opened.film.info, opened.film.report)
        spans = clip_spans(spool.times(), settings.film.clip_s)
        sample = _sample(spool, spans, opened, settings)
        shape = shape_of_hand(sample, settings)
        opened = _reachable(opened, sample, shape, settings)
        parents = parents_of([path, *_stated_files(settings)], settings)
        for index, span in enumerate(spans):
            yield _clip(spool, span, (index, len(spans)), shape, opened, facts, settings, parents)


def open_film(path: Path, settings: FilmSettings) -> Opened:
    """Open a film and everything that belongs to it, before any of its pictures is looked at but the few that tell the view."""
    film = Film(path, settings.film.rotation_deg, unmirror=settings.film.mirrored)
    info = film.info
    size = f"{info.width_px} x {info.height_px} px, {info.rate_hz:.4g} Hz{' (varies)' if info.variable_rate else ''}, {info.codec}"
    view, why = (settings.view, f"{settings.view}: stated") if settings.view != "auto" else _decided(film, settings)
    clock = _clock(film, settings)
    camera = camera_of(settings.camera, info.width_px, info.height_px, view, clock.rotation_deg)
    poses = _poses(clock, view, settings)
    poses = raised(poses, settings.subject.height_m) if view == "head" else poses
    return Opened(film, view, camera, poses, {"film": size, "view": why, "camera": camera.name, **poses.words})


def _decided(film: Film, settings: FilmSettings) -> tuple[str, str]:
    kinds = [hand_detector(settings), body_detector(settings)]
    with Spool() as spool:
        look(film.sampled(_LOOKED_AT_N), kinds, bundles_for(kinds, settings), spool, None)
        try:
            return decide_view(spool.hands(), spool.bodies(), (film.info.width_px, film.info.height_px))
        except UnderstudyError as error:
            raise FileFormatError(f"{film.info.path}: {error}") from error


def _clock(film: Film, settings: FilmSettings) -> FilmClock:
    """What poses and lenses have to fit: who says that a film is mirrored says that the camera beside the screen took it."""
    options = settings.film
    said_deg = None if options.rotation_deg is None else probe(film.info.path, unmirror=options.mirrored).rotation_deg
    return clock_of(film.info, options.mirrored, said_deg)


def _poses(clock: FilmClock, view: str, settings: FilmSettings) -> CameraPath:
    options = settings.film
    if settings.poses is not None:
        found = camera_path(Path(settings.poses).expanduser(), clock, PoseOptions(options.poses_topic, options.poses_offset_s or None))
        return standing_by_gravity(found) if view != "head" and found.kind == "gravity" else found
    if view == "head":
        return head_fixed(HEAD_TILT_DEG if options.tilt_deg is None else options.tilt_deg)
    return standing(options.tilt_deg or 0.0)


def hand_detector(settings: FilmSettings) -> Detector:
    """The detector of hands that was asked for."""
    return _detector(settings.film.hand_detector, "hands")


def body_detector(settings: FilmSettings) -> Detector:
    """The detector of people that was asked for."""
    return _detector(settings.film.body_detector, "bodies")


def _detector(name: str, sees: Sees) -> Detector:
    found = detector_for(name)
    which = ", ".join(other.name for other in detectors().values() if other.sees == sees)
    require(found.sees == sees, MotionError, f"the detector {name} sees {found.sees}, not {sees}; those that do: {which}.")
    return found


def _detectors(view: str, settings: FilmSettings) -> list[Detector]:
    return [hand_detector(settings), *([body_detector(settings)] if view == "third_person" else [])]


def bundles_for(kinds: Sequence[Detector], settings: FilmSettings) -> dict[str, Path]:
    """Name -> file of the weights that some detectors need; fetched if they are not there yet."""
    folder = None if settings.models_dir is None else Path(settings.models_dir).expanduser()
    return {name: bundle(name, folder) for kind in kinds for name in kind.bundles}


def named(kinds: Sequence[Detector], weights: Mapping[str, Path]) -> str:
    """Detectors and the digests of their weights, in words."""
    files = {kind.name: ", ".join(f"{name} {file_sha256(weights[name])[:16]}" for name in kind.bundles) for kind in kinds}
    return "; ".join(f"{name} ({files[name]})" if files[name] else name for name in files)


def _refuse_nothing(path: Path, spool: Spool, view: str) -> None:
    hands, bodies = spool.seen_n()
    what = "no person is" if view == "third_person" else "no hands are"
    found = bodies if view == "third_person" else hands
    advice = "Is this the right film? Film in good light, with hands in view; state view= if it was taken otherwise."
    require(found > 0, FileFormatError, f"{path}: {what} seen in any of its {len(spool)} pictures. {advice}")
    if view == "third_person":
        stride = -(-len(spool) // _ASKED_N)
        wrong = are_hands(spool.hands(stride=stride), spool.bodies(stride=stride))
        require(
            not wrong, FileFormatError, f"{path}: no person is seen; what may be taken for one is a hand. State view=hands or view=head."
        )


def clip_spans(time_s: Array, clip_s: float) -> list[slice]:
    """Equal parts of a film, none longer than `clip_s` (s)."""
    length = float(time_s[-1] - time_s[0])
    parts = max(1, int(np.ceil(length / clip_s)))
    edges = np.searchsorted(time_s, time_s[0] + length * np.arange(1, parts) / parts)
    bounds = [0, *map(int, edges), len(time_s)]
    return [slice(start, stop) for start, stop in pairwise(bounds) if stop > start]


def _sample(spool: Spool, spans: Sequence[slice], opened: Opened, settings: FilmSettings) -> dict[str, HandTrack]:
    """Side -> some frames of every clip in which the hand was seen."""
    kept: dict[str, list[HandTrack]] = {}
    for span in spans:
        for side, track in tracked(spool.hands(span.start, span.stop), opened.view, settings).items():
            kept.setdefault(side, []).append(thinned(track))
    return {side: joined(tracks, [len(one.time_s) for one in tracks]) for side, tracks in kept.items()}


def _reachable(opened: Opened, sample: Mapping[str, HandTrack], shape: HandShape, settings: FilmSettings) -> Opened:
    """The same with a lens that arms agree with, where the camera is on a head and its lens was not stated."""
    if opened.view != "head" or settings.camera is not None:
        return opened
    camera, words = within_reach(opened.camera, sample, shape, settings.subject.height_m)
    return replace(opened, camera=camera, words=opened.words | ({"reach": words} if words else {}))


def _clip(
    spool: Spool,
    span: slice,
    place: tuple[int, int],
    shape: HandShape,
    opened: Opened,
    facts: FilmFacts,
    settings: FilmSettings,
    parents: Sequence[Parent],
) -> Clip:
    """One clip, understood with a little of its neighbours."""
    times = spool.times()
    start = int(np.searchsorted(times, times[span.start] - _MARGIN_S))
    stop = int(np.searchsorted(times, times[span.stop - 1] + _MARGIN_S, side="right"))
    found = understand(_seen(spool, start, stop, opened.view), shape, opened.camera, opened.poses, opened.view, settings)
    found = at_frames(found, slice(span.start - start, span.stop - start), stop - start)
    pictures = spool.pictures(span.start, span.stop)
    quality = _judged(pictures, found, opened, _told(facts, found, opened.view), settings)
    span_s = (float(times[span.start]), float(times[span.stop - 1]))
    words = {**opened.words, **found.words}
    motion = None
    if quality.verdict != "exclude":
        subject = Subject(settings.subject.pseudonym, settings.subject.height_m)
        motion = human_motion(found.worker, subject, provenance_of(opened, span_s, words, quality, settings, parents))
    return Clip(*place, span_s, quality, motion, found, pictures, opened.camera, words)


def _told(facts: FilmFacts, found: Understood, view: str) -> FilmFacts:
    """The facts, and what its hands and body say of the film itself."""
    nothing = () if found.shows_anything else ("nothing in it can be placed in the world: neither a hand nor a person",)
    turned = hands_turned(found.tracks) if view == "head" else body_turned(found.body) if found.body is not None else ""
    return replace(facts, unusable=facts.unusable + nothing, faults=facts.faults + ((turned,) if turned else ()))


def _judged(pictures: PictureStats, found: Understood, opened: Opened, facts: FilmFacts, settings: FilmSettings) -> FilmQuality:
    body = found.worker.body if opened.view == "third_person" else None
    return judge(facts, pictures, found.tracks, found.worker.hands, opened.view, body, settings.profile)


def _seen(spool: Spool, start: int, stop: int, view: str) -> Seen:
    bodies = spool.bodies(start, stop) if view == "third_person" else None
    return Seen(spool.hands(start, stop), bodies, spool.pictures(start, stop))


def _stated_files(settings: FilmSettings) -> list[Path]:
    """Files that say where the film was taken, and through what lens."""
    said = [Path(path).expanduser() for path in (settings.poses, settings.camera) if path]
    return [path for path in said if path.is_file()]


def parents_of(files: Sequence[Path], settings: FilmSettings) -> list[Parent]:
    """What a motion was made of; all of it may be used for what the subject's film may be used for."""
    licence, consent = settings.subject.licence or UNSTATED, settings.subject.consent or UNSTATED
    return [Parent(file.name, file_sha256(file), licence, consent) for file in files]


def provenance_of(
    opened: Opened,
    span_s: tuple[float, float],
    words: Mapping[str, str],
    quality: FilmQuality,
    settings: FilmSettings,
    parents: Sequence[Parent],
) -> Provenance:
    """Provenance of one clip, with what was understood, found and assumed."""
    config = {
        "settings": {key: value for key, value in asdict(settings).items() if key != "profile"},
        "view": opened.view,
        "span_s": list(span_s),
        "understood": dict(words),
        "quality": {"verdict": quality.verdict, "profile": quality.profile.name},
        "privacy": PERSONAL_DATA,
    }
    return record(f"film {opened.film.info.path.name}", "retarget.video", parents, config)
