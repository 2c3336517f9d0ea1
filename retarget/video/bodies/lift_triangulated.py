"""A body from points that several cameras placed in space: gaps filled, limbs of constant length, smooth without lag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.errors import FileFormatError, ShapeError, require
from motion.transform import Array
from retarget.spans import bridged, runs
from retarget.video.bodies.body_bones import COLUMNS, Bones, measured_bones
from retarget.video.bodies.body_landmarks import FittedBody, body_path, long_gone
from retarget.video.bodies.clip_fit import ClipTerms, fit_clip
from retarget.video.bodies.lift_body import END_POINTS, still_from_speed
from retarget.video.paths import BodyPath
from retarget.video.seen import BODY_POINTS_N

_SEEN_SHARE = 0.5
"""Share of a body's points that have to be placed in a frame for the body to be."""


@dataclass(frozen=True)
class TriangulatedSettings:
    """How much to believe points in space.

    Attributes:
        place_m: standard deviation of a sure point.
        least_confidence: what is seen less surely counts as no surer than this.
        acceleration_mps2, end_acceleration_mps2: usual accelerations of trunk and limbs, and of hands and feet.
        still_mps: speed of a foot that stands.
        slow_mps: speed at which a foot may well stand.
        fill_s: what is unseen for no longer than this is filled in.
        rounds: steps of the fit, at most.
    """

    place_m: float = 0.02
    least_confidence: float = 0.15
    acceleration_mps2: float = 10.0
    end_acceleration_mps2: float = 25.0
    still_mps: float = 0.05
    slow_mps: float = 0.1
    fill_s: float = 0.5
    rounds: int = 15


def body_from_triangulation(
    time_s: Array,
    position_m: Array,
    confidence: Array | None = None,
    words: dict[str, str] | None = None,
    settings: TriangulatedSettings | None = None,
) -> BodyPath:
    """The body in the frame of the points, by the same landmarks as one camera's.

    Bones get the length that they have in the middle of the clip's frames, left and right alike. A point far from where bones
    and movement say counts little. The words say by how much points were moved.

    Args:
        time_s: (T,) rising.
        position_m: (T, 33, 3) in metres; NaN where unseen.
        confidence: (T, 33) in 0..1; 1 where None.
        words: what is already known.
        settings: how much to believe the points.

    Raises:
        FileFormatError: nobody is seen in any frame.
        ShapeError: other shapes.
    """
    settings = settings or TriangulatedSettings()
    frames = len(time_s)
    require(position_m.shape == (frames, BODY_POINTS_N, 3), ShapeError, f"points are {position_m.shape}; ({frames}, 33, 3) was wanted.")
    sure = np.ones(position_m.shape[:2]) if confidence is None else confidence
    sure = np.where(np.isfinite(position_m).all(-1), sure, 0.0)
    places, trust = position_m[:, COLUMNS], sure[:, COLUMNS]
    seen = (trust > 0).mean(1) >= _SEEN_SHARE
    require(bool(seen.any()), FileFormatError, "no person was placed in any frame: fewer than two cameras see them at the same time.")
    bones = measured_bones(position_m, sure)
    fitted = np.full(places.shape, np.nan)
    for run in runs(~long_gone(time_s, seen, settings.fill_s)):
        start = _started(time_s[run], places[run])
        fitted[run] = fit_clip(_terms(time_s[run], places[run], trust[run], bones, settings), start, settings.rounds)
    image = np.full((*places.shape[:2], 2), np.nan)
    body = FittedBody(time_s, fitted, trust, image, bones.stature_m, settings.fill_s)
    return body_path(body, (words or {}) | {"body": _words(fitted - places)})


def _started(time_s: Array, places: Array) -> Array:
    """(T, N, 3) to begin from: gaps of a point bridged, a point that is never seen in the middle of the others."""
    flat = [bridged(time_s, places[:, column]) for column in range(places.shape[1])]
    start = np.stack(flat, axis=1)
    middle = np.nanmean(start, axis=1, keepdims=True)
    return np.where(np.isfinite(start), start, middle)


def _terms(time_s: Array, places: Array, trust: Array, bones: Bones, settings: TriangulatedSettings) -> ClipTerms:
    frames, points = trust.shape
    way = np.full((frames, len(bones.a), 3), np.nan)
    return ClipTerms(
        time_s=time_s,
        flat=np.full((frames, points, 2), np.nan),
        flat_sigma=np.ones((frames, points)),
        a=bones.a,
        b=bones.b,
        way_m=way,
        way_information=np.zeros((*way.shape, 3)),
        length_m=bones.length_m,
        slack_m=bones.slack_m,
        still=still_from_speed(time_s, places, settings.slow_mps),
        still_mps=settings.still_mps,
        acceleration_mps2=np.where(END_POINTS, settings.end_acceleration_mps2, settings.acceleration_mps2),
        place_m=places,
        place_sigma_m=settings.place_m / np.maximum(trust, settings.least_confidence),
    )


def _words(moved: Array) -> str:
    by = 1e3 * np.linalg.norm(moved, axis=-1)
    return (
        f"limbs of constant length as measured; points moved by {np.sqrt(np.nanmean(by**2)):.0f} mm (RMS), half of them by less "
        f"than {np.nanmedian(by):.0f} mm, to fit bones and movement"
    )
