"""A film of what was understood of a film: skeletons over a picture that shows nothing but the worker's own hands."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from operator import or_
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from motion.errors import MotionError, require
from motion.landmarks import BONES
from motion.transform import Array
from retarget.video.cameras.camera import Camera
from retarget.video.paths import BodyPath, HandPath
from retarget.video.pictures.reader import Film, Picture
from retarget.video.privacy.guard import FindPeople, Guard, guard_of, private, with_neighbours
from retarget.video.quality.judge import FilmQuality

SIDE_COLOURS = {"left": (0, 158, 230), "right": (240, 120, 20)}
_BODY_COLOUR = (90, 200, 120)
_INK, _STRIP, _WARNING = (235, 235, 235), (20, 20, 20), (250, 200, 60)
_FINGERS = tuple((0, *range(first, first + 4)) for first in range(1, 21, 4))
_PALM = (5, 9, 13, 17)
_CLOCK_HZ = 90_000
_SAME_S = 1e-4
_MOST_WAITING = 30
"""Pictures at most that wait for those after them, and as many that are remembered: at 1280 x 720 30 of them take 83 MB."""
_NO_FINDER = "no detector of people: blank background"


@dataclass(frozen=True)
class OverlaySettings:
    """How the overlay looks.

    Attributes:
        longest_px: longer side of the pictures written.
        remembered_s: what was guarded is guarded for so long before and after, lest a face that is missed for a moment shows.
        strip_share: height of the strip of words under the picture.
    """

    longest_px: int = 1280
    remembered_s: float = 0.4
    strip_share: float = 0.05

    def __post_init__(self) -> None:
        require(self.longest_px >= 160, MotionError, f"overlay.longest_px={self.longest_px}: at least 160 is wanted.")
        require(self.remembered_s >= 0, MotionError, f"overlay.remembered_s={self.remembered_s:g}: at least 0 is wanted.")
        require(0.02 <= self.strip_share <= 0.3, MotionError, f"overlay.strip_share={self.strip_share:g}: 0.02 to 0.3 is wanted.")


@dataclass(frozen=True)
class Drawn:
    """What is drawn over a film, or over a clip of one.

    Attributes:
        hands: side -> path in the camera's frame.
        camera: of the film's upright pictures, at their full size.
        body: in the camera's frame; None where there is none.
        quality: whose findings are named while they last; None without.
        span_s: the clip's first and last time in the film; None: all of it.
    """

    hands: Mapping[str, HandPath]
    camera: Camera
    body: BodyPath | None = None
    quality: FilmQuality | None = None
    span_s: tuple[float, float] | None = None


def write_overlay(
    film_path: Path,
    drawn: Drawn,
    output: Path,
    find_people: FindPeople | None,
    settings: OverlaySettings | None = None,
    rotation_deg: int | None = None,
    unmirror: bool = False,
    on_picture: Callable[[], object] | None = None,
) -> Path:
    """Write the overlay (.mp4, without sound), whole or not at all, with the film's own time stamps; a clip's start at 0.

    Args:
        film_path: the film; what of it is shown is decided in `retarget.video.privacy.guard`.
        drawn: what was understood.
        output: the file.
        find_people: a detector of people; without one the background is blank, and the overlay says so.
        settings: how it looks.
        rotation_deg, unmirror: as it was read.
        on_picture: called after every picture, for a progress bar.

    Raises:
        FileFormatError: the film cannot be read.
        MotionError: the output would take the film's place, or is no .mp4.
    """
    settings = settings or OverlaySettings()
    require(output.suffix == ".mp4", MotionError, f"{output}: an overlay is an .mp4 file.")
    same = output.exists() and output.samefile(film_path)
    require(not same, MotionError, f"{output}: that is the film itself; the overlay needs another name.")
    film = Film(film_path, rotation_deg, settings.longest_px, unmirror)
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f".{output.stem}.partial{output.suffix}")
    try:
        _encode(partial, overlay_pictures(film, drawn, find_people, settings), on_picture)
        os.replace(partial, output)
    finally:
        partial.unlink(missing_ok=True)
    return output


def overlay_pictures(
    film: Film, drawn: Drawn, find_people: FindPeople | None, settings: OverlaySettings | None = None
) -> Iterator[tuple[float, Array]]:
    """Time (s, since the first) and picture (H, W, 3), uint8, of every frame of the overlay."""
    settings = settings or OverlaySettings()
    start_s, stop_s = drawn.span_s or (0.0, math.inf)
    scale = min(1.0, settings.longest_px / max(film.info.width_px, film.info.height_px))
    words = _NO_FINDER if find_people is None else ""

    def guarded() -> Iterator[tuple[Picture, list[Array], Guard]]:
        for picture in _between(film, start_s - settings.remembered_s, stop_s + settings.remembered_s):
            hands_px = tracked_px(drawn.hands, picture.time_s, scale)
            yield picture, hands_px, guard_of(picture.rgb, hands_px, find_people)

    around = with_neighbours(guarded(), lambda item: item[0].time_s, settings.remembered_s, _MOST_WAITING)
    for (picture, hands_px, own), near in around:
        if not start_s - _SAME_S <= picture.time_s <= stop_s + _SAME_S:
            continue
        guard = reduce(or_, (guard for *_, guard in near), own)
        shown = Image.fromarray(private(picture.rgb, hands_px, guard))
        _draw(shown, drawn, picture.time_s, scale)
        yield max(0.0, picture.time_s - start_s), _with_strip(shown, drawn, picture.time_s, settings.strip_share, words)


def _between(film: Film, start_s: float, stop_s: float) -> Iterator[Picture]:
    for picture in film:
        if picture.time_s > stop_s:
            return
        if picture.time_s >= start_s:
            yield picture


def tracked_px(hands: Mapping[str, HandPath], time_s: float, scale: float) -> list[Array]:
    """(21, 2) of each hand that was seen, not filled in, at a time; scaled to the picture shown."""
    found = []
    for path in hands.values():
        frame = frame_at(path.time_s, time_s)
        if frame is not None and not path.filled[frame] and np.isfinite(path.image_px[frame]).all():
            found.append(path.image_px[frame] * scale)
    return found


def frame_at(times_s: Array, time_s: float) -> int | None:
    """The frame shown at a time; None outside a path."""
    if not len(times_s):
        return None
    step = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
    nearest = int(np.argmin(np.abs(times_s - time_s)))
    return nearest if abs(times_s[nearest] - time_s) <= step / 2 + 1e-3 else None


def _draw(image: Image.Image, drawn: Drawn, time_s: float, scale: float) -> None:
    """Skeletons: full where seen, hollow where filled in or inferred, as strong as they are sure; points in space as small rings."""
    layer = Image.new("RGBA", image.size)
    pen = ImageDraw.Draw(layer)
    width = max(2, round(min(image.size) / 360))
    if drawn.body is not None and (frame := frame_at(drawn.body.time_s, time_s)) is not None:
        _draw_body(pen, drawn.body, frame, drawn.camera, scale, width)
    for side, path in drawn.hands.items():
        if (frame := frame_at(path.time_s, time_s)) is not None:
            _draw_hand(pen, side, path, frame, drawn.camera, scale, max(1, width // 2))
    image.paste(layer, mask=layer)


def _draw_hand(pen: ImageDraw.ImageDraw, side: str, path: HandPath, frame: int, camera: Camera, scale: float, width: int) -> None:
    in_space = camera.project(path.position_m[frame]) * scale
    seen = path.image_px[frame] * scale
    hollow = bool(path.filled[frame]) or not np.isfinite(seen).all()
    points = in_space if hollow else seen
    ink = (*SIDE_COLOURS[side], _opacity(path.confidence[frame].mean()))
    for chain in (*_FINGERS, _PALM):
        for a, b in pairwise(chain):
            _line(pen, points[a], points[b], ink, width, hollow)
    for point in points:
        _dot(pen, point, ink, 1.5 * width, hollow)
    if not hollow:
        for point in in_space:
            _dot(pen, point, (255, 255, 255, ink[3]), 1.5 * width, hollow=True)


def _draw_body(pen: ImageDraw.ImageDraw, path: BodyPath, frame: int, camera: Camera, scale: float, width: int) -> None:
    in_space = camera.project(path.position_m[frame]) * scale
    seen = path.image_px[frame] * scale
    guessed = bool(path.filled[frame]) | ~np.isfinite(seen).all(-1)
    points = np.where(guessed[:, None], in_space, seen)
    column = {name: k for k, name in enumerate(path.landmarks)}
    for a, b in BONES:
        if a in column and b in column:
            start, end = column[a], column[b]
            ink = (*_BODY_COLOUR, _opacity(min(path.confidence[frame, start], path.confidence[frame, end])))
            _line(pen, points[start], points[end], ink, width, bool(guessed[start] or guessed[end]))
    for name, k in column.items():
        colour = next((SIDE_COLOURS[side] for side in SIDE_COLOURS if name.startswith(side)), _BODY_COLOUR)
        _dot(pen, points[k], (*colour, _opacity(path.confidence[frame, k])), 1.5 * width, bool(guessed[k]))


def _opacity(confidence: float) -> int:
    return int(70 + 185 * float(np.clip(np.nan_to_num(confidence), 0, 1)))


def _line(pen: ImageDraw.ImageDraw, start: Array, end: Array, ink: tuple[int, ...], width: int, hollow: bool) -> None:
    """A line; dashed where hollow; nothing where an end is nowhere."""
    if not (np.isfinite(start).all() and np.isfinite(end).all()):
        return
    dashes = max(1, min(200, round(float(np.linalg.norm(end - start)) / (8 * width)))) if hollow else 1
    for k in range(dashes):
        a, b = start + (end - start) * k / dashes, start + (end - start) * (k + (0.5 if hollow else 1)) / dashes
        pen.line([*a, *b], fill=ink, width=width)


def _dot(pen: ImageDraw.ImageDraw, point: Array, ink: tuple[int, ...], radius: float, hollow: bool) -> None:
    if np.isfinite(point).all():
        box = [*(point - radius), *(point + radius)]
        pen.ellipse(box, outline=ink) if hollow else pen.ellipse(box, fill=ink)


def _with_strip(image: Image.Image, drawn: Drawn, time_s: float, share: float, words: str) -> Array:
    """The picture with a strip of words under it: time, state of the hands, and what is wrong at this time."""
    width, height = image.size[0] // 2 * 2, image.size[1] // 2 * 2
    strip = max(20, round(share * max(width, height))) // 2 * 2
    whole = Image.new("RGB", (width, height + strip), _STRIP)
    whole.paste(image)
    pen, font = ImageDraw.Draw(whole), ImageFont.load_default(0.6 * strip)
    x = 0.4 * strip
    states = [(f"{side}: {_state(path, time_s)}", SIDE_COLOURS[side]) for side, path in drawn.hands.items()]
    for text, colour in [
        (f"{time_s:.2f} s", _INK),
        *states,
        (words, _WARNING),
        *((word, _WARNING) for word in _wrong(drawn.quality, time_s)),
    ]:
        pen.text((x, height + 0.14 * strip), text, fill=colour, font=font)
        x += pen.textlength(text, font=font) + 0.8 * strip
    return np.asarray(whole)


def _state(path: HandPath, time_s: float) -> str:
    frame = frame_at(path.time_s, time_s)
    if frame is None or not np.isfinite(path.position_m[frame]).any():
        return "unseen"
    return "filled" if path.filled[frame] else "seen"


def _wrong(quality: FilmQuality | None, time_s: float) -> Sequence[str]:
    """Labels of the findings at a time."""
    findings = quality.findings if quality else ()
    at = [found for found in findings if any(start <= time_s <= stop for start, stop in found.spans_s)]
    return [found.what.replace("_", " ") for found in at]


def _encode(partial: Path, pictures: Iterator[tuple[float, Array]], on_picture: Callable[[], object] | None) -> None:
    import av

    with av.open(str(partial), "w", format="mp4") as container:
        stream: Any = None
        for time_s, picture in pictures:
            if stream is None:
                stream = container.add_stream("h264", rate=30)
                stream.height, stream.width, stream.pix_fmt = *picture.shape[:2], "yuv420p"
                stream.codec_context.time_base = Fraction(1, _CLOCK_HZ)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = round(time_s * _CLOCK_HZ), Fraction(1, _CLOCK_HZ)
            container.mux(stream.encode(frame))
            if on_picture:
                on_picture()
        require(stream is not None, MotionError, f"{partial}: a film needs at least one picture.")
        container.mux(stream.encode())
