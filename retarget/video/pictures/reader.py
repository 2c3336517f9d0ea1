"""Films, picture by picture: upright, with the time stamps they were recorded with, and nothing lost in silence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from motion.errors import FileFormatError, MotionError, require
from motion.transform import Array
from retarget.video.pictures.film_file import Turn, claimed, display, opened, pixels, rate, stamps_s, stream_of

GREY_WIDE_PX = 320
"""Width of the small grey copy of every picture."""
_CUT_SHARE, _CUT_S, _CUT_STEPS = 0.02, 0.5, 1.5
"""A film ends early if more is missing than both this share and this many seconds of what it claims: that may be the sound's
length. Where the claim is a number of pictures, more than this many steps."""
_QUARTERS = (0, 90, 180, 270)
_BURST_N = 4
"""Pictures in a row that a sample takes from every place: detectors see more in a row than in single pictures."""
_PASSED_N = 300
"""Pictures passed over at most on the way from a whole picture, where decoding can begin, to the place wanted."""


@dataclass(frozen=True)
class FilmInfo:
    """What a film says of itself, and what its first pictures show.

    Attributes:
        path: the file.
        width_px, height_px: of the upright picture.
        rotation_deg: 0, 90, 180 or 270: how far the stored picture is turned clockwise to stand upright.
        mirrored: whether the film asks to be shown mirrored (before it is turned).
        rate_hz: from the time stamps: one over the usual step.
        frames_n: pictures that the container claims; None where it does not say.
        duration_s: length that the container claims; None where it does not say.
        codec: its name ("h264", "hevc").
        variable_rate: whether more than one step in twenty is far from the usual one.
    """

    path: Path
    width_px: int
    height_px: int
    rotation_deg: int
    mirrored: bool
    rate_hz: float
    frames_n: int | None
    duration_s: float | None
    codec: str
    variable_rate: bool


@dataclass(frozen=True)
class Picture:
    """One picture of a film.

    Attributes:
        index: 0 for the first one given; no number is left out.
        time_s: since the first picture; rises from picture to picture.
        rgb: (H, W, 3) uint8, upright, contiguous.
        grey: (h, 320) uint8, the same, small.
    """

    index: int
    time_s: float
    rgb: Array
    grey: Array


@dataclass(frozen=True)
class ReadReport:
    """What came of reading a film to its end.

    Attributes:
        pictures_n: that were given.
        lost_n: stored pictures that could not be decoded, or only with holes; they were left out.
        restamped_n: pictures whose time stamp was missing or did not rise, and was put one usual step after the one before.
        resized_n: pictures of another size than the first, scaled to it.
        missing_s: length claimed but not there; 0 for a whole film.
        faults: the same in words, one sentence each; empty for a sound film.
    """

    pictures_n: int
    lost_n: int
    restamped_n: int
    resized_n: int
    missing_s: float
    faults: tuple[str, ...]


class Film:
    """A film that can be read from its start any number of times.

    Args:
        path: the file.
        rotation_deg: turn the stored pictures clockwise by 0, 90, 180 or 270 degrees, whatever the file says.
        longest_px: scale pictures down on reading so that no side is longer; None: as they are.
        unmirror: show it the other way round, left for right.

    Raises:
        FileFormatError: there is no such file, it is no film, it holds sound only, or none of its pictures can be decoded.
        MotionError: a rotation or size that no film can have.
    """

    def __init__(self, path: Path, rotation_deg: int | None = None, longest_px: int | None = None, unmirror: bool = False) -> None:
        require(longest_px is None or longest_px >= 16, MotionError, f"longest_px is {longest_px}; it wants at least 16, or nothing.")
        self.info = probe(path, rotation_deg, unmirror)
        self.longest_px = longest_px
        self._report: ReadReport | None = None

    @property
    def report(self) -> ReadReport:
        """Of the last time that the film was read to its end.

        Raises:
            MotionError: it has not been read to its end yet.
        """
        if self._report is None:
            raise MotionError(f"{self.info.path}: read the film to its end first; then there is a report.")
        return self._report

    def __iter__(self) -> Iterator[Picture]:
        """Its pictures, in order. What cannot be read is left out and told in `report` afterwards, never raised."""
        upright, clock = _Upright(self.info, self.longest_px), _Clock(self.info.rate_hz)
        given_n, fields = 0, False
        with opened(self.info.path) as container:
            stream = stream_of(container, self.info.path)
            frames = _Frames(container, stream)
            for frame in frames:
                fields |= frame.interlaced_frame
                stamp_s = None if frame.pts is None else float(frame.pts * stream.time_base)
                yield upright.picture(given_n, clock.time_s(stamp_s), frame)
                given_n += 1
        self._report = _report(self.info, given_n, frames, clock, upright.resized_n, fields)

    def sampled(self, pictures_n: int) -> FilmSample:
        """About so many of its pictures, a few in a row from places spread over all of it."""
        return FilmSample(self.info, pictures_n, self.longest_px)


def probe(path: Path, rotation_deg: int | None = None, unmirror: bool = False) -> FilmInfo:
    """Look at a film without reading it through; its first picture is decoded.

    Args:
        path: the file.
        rotation_deg: stands in for what the file says of its rotation.
        unmirror: whether left and right are exchanged in it, and are to be put right.

    Raises:
        FileFormatError: there is no such file, it is no film, it holds sound only, or none of its pictures can be decoded.
        MotionError: a rotation that is no quarter turn.
    """
    path = Path(path)
    require(rotation_deg in (None, *_QUARTERS), MotionError, f"rotation_deg is {rotation_deg}; it wants 0, 90, 180 or 270.")
    with opened(path) as container:
        stream = stream_of(container, path)
        claimed_n, claimed_s = claimed(container, stream)
        rate_hz, variable = rate(stamps_s(container, stream))
    with opened(path) as container:
        stream = stream_of(container, path)
        codec = stream.codec_context.name
        frame = _first_frame(container, stream, path)
    turned, mirrored = display(frame)
    turned = turned if rotation_deg is None else rotation_deg
    if unmirror:  # mirroring the upright picture is mirroring the stored one and turning it the other way
        turned, mirrored = -turned % 360, not mirrored
    width_px, height_px = (frame.height, frame.width) if turned % 180 else (frame.width, frame.height)
    return FilmInfo(path, width_px, height_px, turned, mirrored, rate_hz, claimed_n, claimed_s, codec, variable)


class FilmSample:
    """Some pictures of a film, a few in a row from places spread over all of it; made by `Film.sampled`."""

    def __init__(self, info: FilmInfo, pictures_n: int, longest_px: int | None) -> None:
        self.info = info
        self._pictures_n, self._longest_px = pictures_n, longest_px

    def __iter__(self) -> Iterator[Picture]:
        """The pictures; their times rise."""
        places = max(self._pictures_n // _BURST_N, 1)
        starts_s = (self.info.duration_s or 0.0) * (np.arange(places) + 0.5) / places
        upright = _Upright(self.info, self._longest_px)
        index, last_s = 0, -np.inf
        with opened(self.info.path) as container:
            stream = stream_of(container, self.info.path)
            for start_s in starts_s:
                for time_s, frame in self._burst(container, stream, start_s, last_s, _BURST_N):
                    yield upright.picture(index, time_s, frame)
                    index, last_s = index + 1, time_s
            if index == 0:  # shorter than it claims: none of the places is there
                for index, (time_s, frame) in enumerate(self._burst(container, stream, 0.0, last_s, self._pictures_n)):
                    yield upright.picture(index, time_s, frame)

    def _burst(self, container: Any, stream: Any, start_s: float, last_s: float, most: int) -> Iterator[tuple[float, Any]]:
        """Up to `most` frames and their times from a place on, all later than `last_s`."""
        first_s = float((stream.start_time or 0) * stream.time_base)
        given = 0
        try:
            container.seek(round((start_s + first_s) / stream.time_base), stream=stream)
            for passed, frame in enumerate(_Frames(container, stream)):
                time_s = -np.inf if frame.pts is None else float(frame.pts * stream.time_base) - first_s
                if time_s > last_s and (time_s >= start_s or passed >= _PASSED_N):
                    yield time_s, frame
                    given += 1
                if given == most:
                    return
        except av.FFmpegError:
            return  # a place that cannot be reached; reading the film through will tell


class _Frames:
    """What the decoder makes of a film, and what it could not."""

    def __init__(self, container: Any, stream: Any) -> None:
        self._container, self._stream = container, stream
        self.stored_n = 0
        self.broke: str | None = None

    def __iter__(self) -> Iterator[Any]:
        """Frames that are whole; a packet that the decoder refuses is passed over."""
        for packet in self._whole_packets():
            try:
                frames = self._stream.codec_context.decode(packet)
            except av.FFmpegError:
                continue
            yield from (frame for frame in frames if not frame.is_corrupt)

    def _whole_packets(self) -> Iterator[Any]:
        """Packets, then None to drain the decoder. A last one that was cut off is dropped: threads would lose whole ones over it."""
        waiting = None
        for packet in self._packets():
            self.stored_n += not packet.is_discard
            if waiting is not None:
                yield waiting
            waiting = packet
        if waiting is not None and not waiting.is_corrupt:
            yield waiting
        yield None

    def _packets(self) -> Iterator[Any]:
        try:
            yield from (packet for packet in self._container.demux(self._stream) if packet.size)
        except av.FFmpegError as error:
            self.broke = error.strerror


class _Upright:
    """Makes pictures of frames: of the size wanted, and upright."""

    def __init__(self, info: FilmInfo, longest_px: int | None) -> None:
        scale = min(1.0, (longest_px or np.inf) / max(info.width_px, info.height_px))
        width_px, height_px = max(round(info.width_px * scale), 1), max(round(info.height_px * scale), 1)
        self._stored_px = (height_px, width_px) if info.rotation_deg % 180 else (width_px, height_px)
        self._grey_px = (GREY_WIDE_PX, max(round(GREY_WIDE_PX * height_px / width_px), 3))
        self._turn = Turn(info.rotation_deg, info.mirrored)
        self._size: tuple[int, int] | None = None
        self.resized_n = 0

    def picture(self, index: int, time_s: float, frame: Any) -> Picture:
        """The picture of a frame."""
        size = (frame.width, frame.height)
        self._size = self._size or size
        self.resized_n += size != self._size
        if size != self._stored_px:
            frame = frame.reformat(width=self._stored_px[0], height=self._stored_px[1], interpolation="AREA")
        turned = self._turn(frame)
        return Picture(index, time_s, pixels(turned, "rgb24"), pixels(turned, "gray", self._grey_px))


class _Clock:
    """Times since the first picture, that rise whatever the stamps say."""

    def __init__(self, rate_hz: float) -> None:
        self._step_s = 1 / rate_hz
        self._first_s: float | None = None
        self.last_s = 0.0
        self.restamped_n = 0

    def time_s(self, stamp_s: float | None) -> float:
        """Time of the next picture; one usual step after the one before where its stamp is missing or does not rise."""
        if self._first_s is None:
            self._first_s = stamp_s or 0.0
            return 0.0
        time_s = -np.inf if stamp_s is None else stamp_s - self._first_s
        if time_s <= self.last_s:
            self.restamped_n += 1
            time_s = self.last_s + self._step_s
        self.last_s = time_s
        return time_s


def _report(info: FilmInfo, given_n: int, frames: _Frames, clock: _Clock, resized_n: int, fields: bool) -> ReadReport:
    """What came of reading. Films of half pictures (fields) store two for each, so none counts as lost there."""
    lost_n = 0 if fields else max(frames.stored_n - given_n, 0)
    end_s = clock.last_s + 1 / info.rate_hz if given_n else 0.0
    missing_s = _missing_s(info, end_s)
    told = (
        (frames.broke, f"breaks off after {end_s:.1f} s ({frames.broke})."),
        (missing_s, f"ends at {end_s:.1f} s of {end_s + missing_s:.1f} s: it is cut off, or its end cannot be read."),
        (lost_n, f"{lost_n} of {frames.stored_n} stored pictures cannot be decoded whole and are left out."),
        (clock.restamped_n, f"{clock.restamped_n} pictures had no rising time stamp; the usual step was taken."),
        (resized_n, f"{resized_n} pictures have another size than the first and were scaled to it."),
    )
    return ReadReport(given_n, lost_n, clock.restamped_n, resized_n, missing_s, tuple(words for told_of, words in told if told_of))


def _missing_s(info: FilmInfo, end_s: float) -> float:
    claimed_s = info.duration_s or 0.0
    usual_s = _CUT_STEPS / info.rate_hz if info.frames_n else max(_CUT_SHARE * claimed_s, _CUT_S)
    return claimed_s - end_s if claimed_s - end_s > usual_s else 0.0


def _first_frame(container: Any, stream: Any, path: Path) -> Any:
    frame = next(iter(_Frames(container, stream)), None)
    if frame is None:
        raise FileFormatError(f"{path}: none of its pictures can be decoded. Copy it from the camera again.")
    return frame
