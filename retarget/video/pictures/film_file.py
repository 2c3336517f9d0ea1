"""A film's file, as libav sees it: opening it safely, which stream holds the pictures, and what it claims about them.

Only files are opened, and only of kinds that hold films: a playlist, whatever it is called, reaches neither the network nor
another file.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type as SideDataType

from motion.errors import FileFormatError, require
from motion.transform import Array

USUAL_RATE_HZ = 30.0
"""Of a film of one picture, or without time stamps."""
_FORMATS = "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,flv,asf,ogg,mxf,ivf,h264,hevc,obu,av1,nut,dv,rm,yuv4mpegpipe,mjpeg,gif"
"""Kinds of file that hold films, by the names of libav's demuxers."""
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
_SAMPLED_PACKETS = 240
"""Time stamps that the rate is measured on, where the file has no index of all of them."""
_REORDERED_N = 16
"""Of the last packets sampled, some pictures between are not there yet: a decoder may hold back this many."""
_NEAR_SHARE, _UNEVEN_SHARE = 0.25, 0.05
"""A step within this share of the median is a usual one; a film with a larger share of other steps has a variable rate."""
_ANY_TIME_BASE = Fraction(1, 1000)
"""Of filters that turn pictures; nobody reads time stamps behind them."""


def opened(path: Path) -> Any:
    """The file, open; a context manager.

    Raises:
        FileFormatError: there is no such file, or it holds no film.
    """
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


def stream_of(container: Any, path: Path) -> Any:
    """The stream of the film's pictures; not a cover picture or a row of thumbnails.

    Raises:
        FileFormatError: there is none, or its coding is not known.
    """
    attached = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    films = [stream for stream in container.streams.video if not stream.disposition & attached]
    sound = "it holds sound only" if container.streams.audio else "it holds no pictures"
    require(bool(films), FileFormatError, f"{path}: not a film; {sound}.")
    stream = max(films, key=lambda film: (bool(film.disposition & av.stream.Disposition.default), film.width * film.height))
    known = stream.codec_context is not None
    require(known, FileFormatError, f"{path}: its pictures are packed in a way that is not known here. Convert it to H.264 first.")
    stream.thread_type = "AUTO"
    return stream


def claimed(container: Any, stream: Any) -> tuple[int | None, float | None]:
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


def stamps_s(container: Any, stream: Any) -> Array:
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


def rate(times_s: Array) -> tuple[float, bool]:
    """Rate in Hz, and whether it varies, from sorted time stamps (T,) in s."""
    steps_s = np.diff(times_s)
    steps_s = steps_s[steps_s > 0]
    if len(steps_s) == 0:
        return USUAL_RATE_HZ, False
    median_s = np.median(steps_s)
    near = np.abs(steps_s - median_s) <= _NEAR_SHARE * median_s
    return float(1 / steps_s[near].mean()), bool(np.mean(~near) > _UNEVEN_SHARE)


def display(frame: Any) -> tuple[int, bool]:
    """Clockwise quarter turns in degrees, and whether it is mirrored before them, from the film's display matrix."""
    matrices = [data for data in frame.side_data if data.type == SideDataType.DISPLAYMATRIX]
    if not matrices:
        return 0, False
    (a, b, _), (c, d, _), _ = np.frombuffer(bytes(matrices[0]), "<i4").reshape(3, 3).astype(float)
    mirrored = a * d - b * c < 0
    turned = np.degrees(np.arctan2(-b if mirrored else b, -a if mirrored else a))
    return int(round(turned / 90) * 90) % 360, bool(mirrored)


class Turn:
    """Mirrors and turns frames in the format they were decoded to, where it costs a tenth of turning RGB."""

    def __init__(self, rotation_deg: int, mirrored: bool) -> None:
        turns = {0: [], 90: ["transpose=clock"], 180: ["hflip", "vflip"], 270: ["transpose=cclock"]}
        self._steps = (["hflip"] if mirrored else []) + turns[rotation_deg]
        self._graph: Any = None
        self._wants: tuple[int, int, str] | None = None

    def __call__(self, frame: Any) -> Any:
        """The frame, upright."""
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


def pixels(frame: Any, kind: str, size_px: tuple[int, int] | None = None) -> Array:
    """A frame as an array (H, W, 3) or (H, W), uint8, contiguous."""
    scaled = {"width": size_px[0], "height": size_px[1], "interpolation": "AREA"} if size_px else {}
    return np.ascontiguousarray(frame.to_ndarray(format=kind, **scaled))
