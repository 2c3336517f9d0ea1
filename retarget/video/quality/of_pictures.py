"""What is wrong with a film's clock and pictures, before anybody looks for hands in them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from motion.transform import Array
from retarget.video.pictures.reader import FilmInfo, ReadReport
from retarget.video.quality.measured import Measured, longest_s, pct, spans_of
from retarget.video.quality.profile import QualityProfile
from retarget.video.seen import PictureStats

_UNEVEN = 0.3
_LEFT_OUT = 1.5
"""A step of so many usual ones, and more, has left a picture out."""


@dataclass(frozen=True)
class FilmFacts:
    """What the file is, whatever is to be seen in it.

    Attributes:
        width_px, height_px: of the upright picture.
        frames_n: pictures that could be read.
        unread_share: of the film that the file claims to hold, 0..1.
        bad_stamps_n: pictures whose time stamp stood still, ran backwards or was missing.
        faults: what else is odd about the file, in sentences; each asks for review.
        unusable: what forbids to use it (poses that are of another film), in sentences; each excludes.
    """

    width_px: int
    height_px: int
    frames_n: int
    unread_share: float = 0.0
    bad_stamps_n: int = 0
    faults: tuple[str, ...] = ()
    unusable: tuple[str, ...] = ()


def facts_of(info: FilmInfo, report: ReadReport, unusable: tuple[str, ...] = ()) -> FilmFacts:
    """The facts of a film that was read to its end; `unusable` as in `FilmFacts`."""
    lost = report.lost_n / max(1, report.lost_n + report.pictures_n)
    missing = report.missing_s / info.duration_s if info.duration_s else 0.0
    unread = 1 - (1 - lost) * (1 - min(1.0, missing))
    return FilmFacts(info.width_px, info.height_px, report.pictures_n, unread, report.restamped_n, report.faults, unusable)


def measure_file(facts: FilmFacts) -> Iterator[Measured]:
    """Size of the picture, and what could not be read."""
    yield Measured("short_side_px", min(facts.width_px, facts.height_px))
    yield Measured("unread_pct", 100 * facts.unread_share)
    yield Measured("bad_stamps_pct", 100 * facts.bad_stamps_n / max(1, facts.frames_n))


def measure_clock(time_s: Array) -> Iterator[Measured]:
    """Length, rate, and steps that are too long or uneven; `time_s` (T,) rises."""
    yield Measured("seconds", float(time_s[-1] - time_s[0]) if len(time_s) else 0.0)
    if len(time_s) < 2:
        return
    step = np.diff(time_s)
    usual = float(np.median(step))
    yield Measured("rate_hz", 1 / usual)
    long = step > _LEFT_OUT * usual
    out_n = np.where(long, np.round(step / usual) - 1, 0).sum()
    after = np.r_[False, long]
    yield Measured("missing_pct", 100 * float(out_n / (out_n + len(time_s))), spans_of(time_s, after | np.r_[long, False]))
    worst = int(np.argmax(step))
    yield Measured("gap_s", float(step[worst]), ((round(float(time_s[worst]), 3), round(float(time_s[worst + 1]), 3)),))
    uneven = np.abs(step / usual - 1) > _UNEVEN
    yield Measured("uneven_pct", pct(uneven), spans_of(time_s, np.r_[False, uneven]))


def measure_pictures(pictures: PictureStats, profile: QualityProfile) -> Iterator[Measured]:
    """Darkness, over-exposure, blur, and pictures shown again."""
    time_s = pictures.time_s
    for name, mask in (
        ("dark_pct", pictures.brightness < profile.dark_brightness),
        ("bright_pct", pictures.brightness > profile.bright_brightness),
        ("blurred_pct", blurred(pictures, profile)),
        ("repeated_pct", repeated(pictures, profile)),
    ):
        yield Measured(name, pct(mask), spans_of(time_s, mask))
    again = repeated(pictures, profile)
    yield Measured("frozen_s", longest_s(time_s, again), spans_of(time_s, again, join_s=0, most=1))


def blurred(pictures: PictureStats, profile: QualityProfile) -> np.ndarray:
    """(T,) pictures out of focus, and pictures far less sharp than those around them.

    Sharpness is taken over the square of the brightness, so that a dark film is not called blurred.
    """
    if not len(pictures.time_s):
        return np.zeros(0, bool)
    sharp = pictures.sharpness / np.maximum(pictures.brightness, 1e-3) ** 2
    step = np.median(np.diff(pictures.time_s)) if len(sharp) > 1 else 1.0
    around = median_filter(sharp, size=2 * max(1, round(profile.around_s / step)) + 1, mode="nearest")
    return np.asarray((sharp < profile.blurred_sharpness) | (sharp < profile.blurred_drop * around))


def repeated(pictures: PictureStats, profile: QualityProfile) -> np.ndarray:
    """(T,) pictures that are the one before, shown again."""
    return np.asarray(np.nan_to_num(pictures.change, nan=math.inf) <= profile.repeated_change)
