"""Films, picture by picture: upright, with the time stamps they were recorded with, and nothing lost in silence.

libav does the decoding. Only files are opened, and only of kinds that hold films: a playlist, whatever it is called, reaches
neither the network nor another file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type as SideDataType

from motion.errors import FileFormatError, MotionError, require
from motion.transform import Array

_FORMATS = "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,flv,asf,ogg,mxf,ivf,h264,hevc,obu,av1,nut,dv,rm,yuv4mpegpipe,mjpeg,gif"
"""Kinds of file that hold films, by the names of libav's demuxers."""
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
_SAMPLED_PACKETS = 240
"""Time stamps that the rate is measured on, where the file has no index of all of them."""
_REORDERED_N = 16
"""Of the last packets sampled, some pictures between are not there yet: a decoder may hold back this many."""
_NEAR_SHARE, _UNEVEN_SHARE = 0.25, 0.05
"""A step within this share of the median is a usual one; a film with a larger share of other steps has a variable rate."""
_USUAL_RATE_HZ = 30.0
"""Of a film of one picture, or without time stamps."""
_CUT_SHARE, _CUT_S, _CUT_STEPS = 0.02, 0.5, 1.5
"""A film ends early if more is missing than both this share and this many seconds of what it claims: that may be the sound's
length. Where the claim is a number of pictures, more than this many steps."""
_ANY_TIME_BASE = Fraction(1, 1000)
"""Of filters that turn pictures; nobody reads time stamps behind them."""
GREY_WIDE_PX = 320
"""Width of the small grey copy of every picture."""
_QUARTERS = (0, 90, 180, 270)


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

    Raises:
        FileFormatError: there is no such file, it is no film, it holds sound only, or none of its pictures can be decoded.
        MotionError: a rotation or size that no film can have.
    """

    def __init__(self, path: Path, rotation_deg: int | None = None, longest_px: int | None = None) -> None:
        require(longest_px is None or longest_px >= 16, MotionError, f"longest_px is {longest_px}; it wants at least 16, or nothing.")
        self.info = probe(path, rotation_deg)
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
        reading = _Reading(self.info, self.longest_px)
        with _opened(self.info.path) as container:
            yield from reading.pictures(container, _stream_of(container, self.info.path))
        self._report = reading.report()


def probe(path: Path, rotation_deg: int | None = None) -> FilmInfo:
    """Look at a film without reading it through; its first picture is decoded.

    Args:
        path: the file.
        rotation_deg: stands in for what the file says of its rotation.

    Raises:
        FileFormatError: there is no such file, it is no film, it holds sound only, or none of its pictures can be decoded.
        MotionError: a rotation that is no quarter turn.
    """
    path = Path(path)
    require(rotation_deg in (None, *_QUARTERS), MotionError, f"rotation_deg is {rotation_deg}; it wants 0, 90, 180 or 270.")
    with _opened(path) as container:
        stream = _stream_of(container, path)
        claimed_n, claimed_s = _claimed(container, stream)
        stamps_s = _stamps_s(container, stream)
    with _opened(path) as container:
        stream = _stream_of(container, path)
        codec = stream.codec_context.name
        frame = _first_frame(container, stream, path)
    turned, mirrored = _display(frame)
    turned = turned if rotation_deg is None else rotation_deg
    rate_hz, variable = _rate(stamps_s)
    width_px, height_px = (frame.height, frame.width) if turned % 180 else (frame.width, frame.height)
    return FilmInfo(path, width_px, height_px, turned, mirrored, rate_hz, claimed_n, claimed_s, codec, variable)


class _Reading:
    """One pass over a film: its pictures, and the count of what went wrong."""

    def __init__(self, info: FilmInfo, longest_px: int | None) -> None:
        self._info = info
        scale = min(1.0, (longest_px or np.inf) / max(info.width_px, info.height_px))
        upright = (max(round(info.width_px * scale), 1), max(round(info.height_px * scale), 1))
        self._stored_px = upright[::-1] if info.rotation_deg % 180 else upright
        self._grey_px = (GREY_WIDE_PX, max(round(GREY_WIDE_PX * upright[1] / upright[0]), 3))
        self._turn = _Turn(info.rotation_deg, info.mirrored)
        self._size: tuple[int, int] | None = None
        self._first_s: float | None = None
        self._last_s = -np.inf
        self._given_n = self._stored_n = self._restamped_n = self._resized_n = 0
        self._fields = False
        self._broke: str | None = None

    def pictures(self, container: Any, stream: Any) -> Iterator[Picture]:
        """Every picture that can be decoded whole."""
        stream.thread_type = "AUTO"
        for frame in self._frames(container, stream):
            if frame.is_corrupt:
                continue
            self._fields |= frame.interlaced_frame
            stamp_s = None if frame.pts is None else float(frame.pts * stream.time_base)
            upright = self._turn(self._sized(frame))
            yield Picture(self._given_n, self._time_s(stamp_s), _pixels(upright, "rgb24"), _pixels(upright, "gray", self._grey_px))
            self._given_n += 1

    def _frames(self, container: Any, stream: Any) -> Iterator[Any]:
        """What the decoder makes of the packets; a packet that it refuses is passed over."""
        for packet in self._whole_packets(container, stream):
            try:
                frames = stream.codec_context.decode(packet)
            except av.FFmpegError:
                continue
            yield from frames

    def _whole_packets(self, container: Any, stream: Any) -> Iterator[Any]:
        """Packets, then None to drain the decoder. A last one that was cut off is dropped: threads would lose whole ones over it."""
        waiting = None
        for packet in self._packets(container, stream):
            self._stored_n += not packet.is_discard
            if waiting is not None:
                yield waiting
            waiting = packet
        if waiting is not None and not waiting.is_corrupt:
            yield waiting
        yield None

    def _packets(self, container: Any, stream: Any) -> Iterator[Any]:
        try:
            yield from (packet for packet in container.demux(stream) if packet.size)
        except av.FFmpegError as error:
            self._broke = error.strerror

    def _time_s(self, stamp_s: float | None) -> float:
        """Time since the first picture; one usual step after the one before where the stamp is missing or does not rise."""
        if self._first_s is None:
            self._first_s = stamp_s or 0.0
            self._last_s = 0.0
            return 0.0
        time_s = -np.inf if stamp_s is None else stamp_s - self._first_s
        if time_s <= self._last_s:
            self._restamped_n += 1
            time_s = self._last_s + 1 / self._info.rate_hz
        self._last_s = time_s
        return time_s

    def _sized(self, frame: Any) -> Any:
        """The frame, scaled where another size is wanted."""
        size = (frame.width, frame.height)
        self._size = self._size or size
        self._resized_n += size != self._size
        if size == self._stored_px:
            return frame
        return frame.reformat(width=self._stored_px[0], height=self._stored_px[1], interpolation="AREA")

    def report(self) -> ReadReport:
        lost_n = 0 if self._fields else max(self._stored_n - self._given_n, 0)
        missing_s = self._missing_s()
        counted = (
            (lost_n, f"{lost_n} of {self._stored_n} stored pictures cannot be decoded whole and are left out."),
            (self._restamped_n, f"{self._restamped_n} pictures had no rising time stamp; the usual step was taken."),
            (self._resized_n, f"{self._resized_n} pictures have another size than the first and were scaled to it."),
        )
        faults = [words for count, words in counted if count]
        if missing_s:
            faults.insert(
                0, f"ends at {self._end_s():.1f} s of {self._info.duration_s:.1f} s: the file is cut off, or its end cannot be read."
            )
        if self._broke:
            faults.insert(0, f"breaks off after {self._end_s():.1f} s ({self._broke}).")
        return ReadReport(self._given_n, lost_n, self._restamped_n, self._resized_n, missing_s, tuple(faults))

    def _end_s(self) -> float:
        return float(self._last_s) + 1 / self._info.rate_hz if self._given_n else 0.0

    def _missing_s(self) -> float:
        claimed_s = self._info.duration_s or 0.0
        missing_s = claimed_s - self._end_s()
        usual_s = _CUT_STEPS / self._info.rate_hz if self._info.frames_n else max(_CUT_SHARE * claimed_s, _CUT_S)
        return missing_s if missing_s > usual_s else 0.0


class _Turn:
    """Mirrors and turns frames in the format they were decoded to, where it costs a tenth of turning RGB."""

    def __init__(self, rotation_deg: int, mirrored: bool) -> None:
        turns = {0: [], 90: ["transpose=clock"], 180: ["hflip", "vflip"], 270: ["transpose=cclock"]}
        self._steps = (["hflip"] if mirrored else []) + turns[rotation_deg]
        self._graph: Any = None
        self._wants: tuple[int, int, str] | None = None

    def __call__(self, frame: Any) -> Any:
        if not self._steps:
            return frame
        wants = (frame.width, frame.height, frame.format.name)
        if self._graph is None or wants != self._wants:
            self._graph, self._wants = self._built(frame), wants
        self._graph.push(frame)
        return self._graph.pull()

    def _built(self, frame: Any) -> Any:
        graph = av.filter.Graph()
        source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=_ANY_TIME_BASE)
        steps = [graph.add(*step.split("=")) for step in self._steps]
        graph.link_nodes(source, *steps, graph.add("buffersink")).configure()
        return graph


def _pixels(frame: Any, kind: str, size_px: tuple[int, int] | None = None) -> Array:
    """A frame as an array (H, W, 3) or (H, W), uint8, contiguous."""
    scaled = {"width": size_px[0], "height": size_px[1], "interpolation": "AREA"} if size_px else {}
    return np.ascontiguousarray(frame.to_ndarray(format=kind, **scaled))


def _opened(path: Path) -> Any:
    require(path.is_file(), FileFormatError, f"{path}: no such file." if not path.exists() else f"{path}: not a file but a folder.")
    require(path.stat().st_size > 0, FileFormatError, f"{path}: the file is empty. Copy it from the camera again.")
    try:
        return av.open(str(path.resolve()), options=_OPTIONS)
    except (av.FFmpegError, ValueError) as error:
        raise FileFormatError(f"{path}: not a film that can be read ({_why(path, error)}).") from error


def _why(path: Path, error: Exception) -> str:
    with open(path, "rb") as stream:
        start = stream.read(12)
    if start[4:8] == b"ftyp":
        return "its index is missing, as in a recording that was interrupted; tools that repair MP4 files from a sound one may help"
    return getattr(error, "strerror", None) or str(error)


def _stream_of(container: Any, path: Path) -> Any:
    """The film's pictures; not a cover picture or a row of thumbnails."""
    attached = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    films = [stream for stream in container.streams.video if not stream.disposition & attached]
    sound = "it holds sound only" if container.streams.audio else "it holds no pictures"
    require(bool(films), FileFormatError, f"{path}: not a film; {sound}.")
    stream = max(films, key=lambda film: (bool(film.disposition & av.stream.Disposition.default), film.width * film.height))
    known = stream.codec_context is not None
    require(known, FileFormatError, f"{path}: its pictures are packed in a way that is not known here. Convert it to H.264 first.")
    return stream


def _first_frame(container: Any, stream: Any, path: Path) -> Any:
    reading = _Reading(FilmInfo(path, 1, 1, 0, False, _USUAL_RATE_HZ, None, None, "", False), None)
    frame = next((frame for frame in reading._frames(container, stream) if not frame.is_corrupt), None)
    if frame is None:
        raise FileFormatError(f"{path}: none of its pictures can be decoded. Copy it from the camera again.")
    return frame


def _claimed(container: Any, stream: Any) -> tuple[int | None, float | None]:
    """Number of pictures and seconds; from the index where there is one: it leaves out what an edit list cuts away."""
    shown = [entry.timestamp for entry in stream.index_entries if not entry.is_discard] if _indexed(stream) else []
    if len(shown) > 1:
        span = (max(shown) - min(shown)) * len(shown) / (len(shown) - 1)
        return len(shown), float(span * stream.time_base)
    if stream.duration:
        return stream.frames or None, float(stream.duration * stream.time_base)
    return stream.frames or None, container.duration / av.time_base if container.duration else None


def _indexed(stream: Any) -> bool:
    """Whether the file's index holds every picture."""
    return bool(stream.frames) and len(stream.index_entries) >= stream.frames


def _stamps_s(container: Any, stream: Any) -> Array:
    """Time stamps in order: all of them where the file has an index, otherwise those of the first packets."""
    if _indexed(stream):
        stamps = [entry.timestamp for entry in stream.index_entries]
    else:
        packets = (packet for packet in container.demux(stream) if packet.size)
        stamps = sorted(stamp for packet in _readable(islice(packets, _SAMPLED_PACKETS)) if (stamp := packet.pts) is not None)
        stamps = stamps[:-_REORDERED_N] if len(stamps) > 2 * _REORDERED_N else stamps
    return np.sort(np.array(stamps, dtype=float)) * float(stream.time_base)


def _readable(packets: Iterator[Any]) -> Iterator[Any]:
    """Packets up to the first that cannot be read; reading the film tells of it."""
    try:
        yield from packets
    except av.FFmpegError:
        return


def _rate(stamps_s: Array) -> tuple[float, bool]:
    """Rate in Hz, and whether it varies, from sorted time stamps (T,)."""
    steps_s = np.diff(stamps_s)
    steps_s = steps_s[steps_s > 0]
    if len(steps_s) == 0:
        return _USUAL_RATE_HZ, False
    median_s = np.median(steps_s)
    near = np.abs(steps_s - median_s) <= _NEAR_SHARE * median_s
    return float(1 / steps_s[near].mean()), bool(np.mean(~near) > _UNEVEN_SHARE)


def _display(frame: Any) -> tuple[int, bool]:
    """Clockwise quarter turns in degrees, and whether it is mirrored before them, from the film's display matrix."""
    matrices = [data for data in frame.side_data if data.type == SideDataType.DISPLAYMATRIX]
    if not matrices:
        return 0, False
    (a, b, _), (c, d, _), _ = np.frombuffer(bytes(matrices[0]), "<i4").reshape(3, 3).astype(float)
    mirrored = a * d - b * c < 0
    turned = np.degrees(np.arctan2(-b if mirrored else b, -a if mirrored else a))
    return int(round(turned / 90) * 90) % 360, bool(mirrored)
