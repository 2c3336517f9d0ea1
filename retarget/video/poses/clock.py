"""Times of poses, brought to the clock of their film; and poses of another film told apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from motion.errors import FileFormatError, MotionError, require
from motion.transform import Array
from retarget.video.pictures.reader import FilmInfo

_NEAR_ZERO_S = 1.0
"""Times that begin within this of zero are the film's own; others count from some other moment, and the first is the film's first."""
_APART_SHARE, _APART_S = 0.1, 0.6
"""Poses last as long as their film within the larger of these."""
_APART_POSES_SHARE, _APART_POSES_N = 0.05, 5
"""Where there is one pose for every picture, there are as many within the larger of these."""
_COVERED_SHARE = 0.5
"""With a stated offset they have to cover this much of the film."""
_PAIRED_POSES_N = 2
"""A film may begin or end so many pictures off its poses, and still each picture has its own."""
_PAIRED_STEPS = 1.5
"""Poses and pictures of one recording end within this many steps of each other, unless one of their clocks stood still."""
_UNSORTED_SHARE = 0.02
"""More stamps than these that do not rise are no recording in order."""
_UNITS_S = (1.0, 1e-3, 1e-6, 1e-9)
_LONGEST_STEP_S = 2.0


@dataclass(frozen=True)
class FilmClock:
    """What of a film its poses have to fit.

    Attributes:
        duration_s: from its first picture to the end of its last; None where unknown.
        frames_n: its pictures; None where unknown.
        rotation_deg: how far the sensor's pictures are turned clockwise to stand upright: 0, 90, 180 or 270.
        front: whether the camera beside the phone's screen took it, not the one on its back.
        turned_on_deg: how much farther clockwise its pictures are turned than the file itself says, because the user stated it.
    """

    duration_s: float | None = None
    frames_n: int | None = None
    rotation_deg: int = 0
    front: bool = False
    turned_on_deg: int = 0

    def __post_init__(self) -> None:
        require(
            self.rotation_deg in (0, 90, 180, 270),
            MotionError,
            f"a film is turned by quarters of a circle, not {self.rotation_deg} degrees.",
        )


def clock_of(info: FilmInfo, front: bool = False, said_deg: int | None = None) -> FilmClock:
    """What of a film its poses have to fit; `front` as in `FilmClock`, `said_deg` the rotation in its file where another was stated.

    Sensors of phones lie across. Where stored pictures stand, the app has turned them before it stored them, by 90 degrees as for
    a phone held upright. Where they are mirrored, turning to one side turns what the sensor saw to the other.
    """
    turned = -info.rotation_deg if info.mirrored else info.rotation_deg
    shown_stands, across = info.height_px > info.width_px, info.rotation_deg % 180 == 90
    stored_stands = info.height_px != info.width_px and shown_stands != across
    rotation_deg = (turned + (90 if stored_stands else 0)) % 360
    turned_on_deg = 0 if said_deg is None else (info.rotation_deg - said_deg) % 360
    return FilmClock(info.duration_s, info.frames_n, rotation_deg, front, turned_on_deg)


@dataclass(frozen=True)
class PoseClock:
    """Times of the samples that are kept.

    Attributes:
        time_s: (N,) rising, 0 at the film's first picture.
        keep: (M,) which of the file's samples these are.
        words: what was understood.
    """

    time_s: Array
    keep: np.ndarray
    words: Mapping[str, str] = field(default_factory=dict)


def on_film_clock(where: str, stamp: Array, film: FilmClock, offset_s: float | None = None, per_picture: bool = False) -> PoseClock:
    """Times of poses on their film's clock.

    Args:
        where: file, for messages.
        stamp: (M,) as in the file, in any unit, from any zero.
        film: how long it is.
        offset_s: stated by the user, added in the end; then poses may begin before the film and end after it.
        per_picture: whether the format has one pose for every picture.

    Raises:
        FileFormatError: stamps that are no numbers, or do not rise.
        MotionError: poses that last longer or shorter than the film, or are more or fewer than its pictures.
    """
    known = np.isfinite(stamp)
    require(bool(known.any()), FileFormatError, f"{where}: its time stamps are no numbers.")
    highest = np.maximum.accumulate(np.where(known, stamp, -np.inf))
    keep = known & np.r_[True, highest[1:] > highest[:-1]]
    out = int((~keep).sum())
    require(
        out <= max(_UNSORTED_SHARE * len(stamp), 1 if len(stamp) > 10 else 0),
        FileFormatError,
        f"{where}: {out} of its {len(stamp)} time stamps do not rise; poses have to be in the order of time.",
    )
    unit_s = _unit_s(stamp[keep])
    time = stamp[keep] * unit_s
    near = abs(time[0]) <= _NEAR_ZERO_S
    words = {"poses' clock": "the film's own" if near else f"the first pose, at {time[0]:.3f} s, is put at the film's first picture"}
    time = time if near else time - time[0]
    if offset_s is not None:
        time = time + offset_s
        words["poses' clock"] += f"; {offset_s:+g} s as stated"
    paired = _paired(len(stamp), time, film) if per_picture and offset_s is None else None
    if paired is not None:
        time = paired[keep]
        words["poses' clock"] = "one pose for every picture: paired in their order, as their clocks do not run alike"
    if out:
        words["poses left out"] = f"{out} whose time did not rise"
    _fits(where, time, len(stamp), film, offset_s is not None, per_picture)
    return PoseClock(time, keep, words)


def _paired(poses_n: int, time_s: Array, film: FilmClock) -> Array | None:
    """Times (M,) of as many poses as the film has pictures, where the two last differently; None where their clocks agree.

    Some apps write pictures at an even rate, whatever was lost between them, and poses with the time they were taken.
    """
    if film.frames_n is None or not film.duration_s or poses_n < 2 or abs(poses_n - film.frames_n) > _PAIRED_POSES_N:
        return None
    step_s = film.duration_s / film.frames_n
    apart_s = abs(float(time_s[-1] - time_s[0]) - (film.duration_s - step_s))
    return np.arange(poses_n) * step_s if apart_s > (_PAIRED_STEPS + abs(poses_n - film.frames_n)) * step_s else None


def _unit_s(stamp: Array) -> float:
    """The largest unit in which poses come more often than every other second."""
    step = float(np.median(np.diff(stamp))) if len(stamp) > 1 else 0.0
    return next((unit for unit in _UNITS_S if step * unit < _LONGEST_STEP_S), _UNITS_S[-1])


def _fits(where: str, time_s: Array, poses_n: int, film: FilmClock, stated: bool, per_picture: bool) -> None:
    advice = "They seem to be of another film; if not, state the time of their first pose in the film with poses_offset_s=."
    if film.duration_s is not None and stated:
        covered = max(0.0, min(time_s[-1], film.duration_s) - max(time_s[0], 0.0))
        require(
            covered >= _COVERED_SHARE * film.duration_s,
            MotionError,
            f"{where}: poses from {time_s[0]:.1f} to {time_s[-1]:.1f} s cover {covered:.1f} s of a film of {film.duration_s:.1f} s. "
            "Check poses_offset_s=.",
        )
    elif film.duration_s is not None:
        lasts = time_s[-1] - min(time_s[0], 0.0)
        require(
            abs(lasts - film.duration_s) <= max(_APART_SHARE * film.duration_s, _APART_S),
            MotionError,
            f"{where}: poses last {lasts:.1f} s, the film {film.duration_s:.1f} s. {advice}",
        )
    if per_picture and film.frames_n is not None and not stated:
        require(
            abs(poses_n - film.frames_n) <= max(_APART_POSES_SHARE * film.frames_n, _APART_POSES_N),
            MotionError,
            f"{where}: {poses_n} poses for a film of {film.frames_n} pictures. {advice}",
        )
