"""Videos of a data set: pictures of one episode in, many episodes in one file, pictures of one episode out. PyAV stays here."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np

from motion.errors import FileFormatError, require
from motion.lerobot.layout import DatasetSettings
from motion.store import write_atomically

_PIXELS = "yuv420p"
_FINEST_HZ = 1_000_000
"""Denominator to which a rate is rounded."""


def rate(period_s: float) -> Fraction:
    """Frames per second of a period."""
    return 1 / Fraction(period_s).limit_denominator(_FINEST_HZ)


def encode(path: Path, pictures: np.ndarray, period_s: float, settings: DatasetSettings) -> None:
    """Write (T, H, W, 3) uint8 pictures as an mp4, whole or not at all."""

    def fill(stream: BinaryIO) -> None:
        with av.open(stream, "w", format="mp4") as container:
            video = container.add_stream(settings.codec, rate=rate(period_s))
            video.height, video.width = pictures.shape[1:3]
            video.pix_fmt, video.gop_size, video.max_b_frames = _PIXELS, settings.picture_group, 0
            video.options = {"crf": str(settings.crf)}
            for picture in pictures:
                container.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
            container.mux(video.encode())

    write_atomically(path, fill)


def join(path: Path, parts: Sequence[Path], lengths: Sequence[int], period_s: float) -> None:
    """Put videos of `lengths` frames behind each other in one mp4, without coding them anew."""

    def fill(stream: BinaryIO) -> None:
        with av.open(stream, "w", format="mp4") as container:
            out, before = None, 0
            for part, length in zip(parts, lengths, strict=True):
                with av.open(str(part)) as source:
                    out = out or container.add_stream_from_template(source.streams.video[0])
                    _append(container, out, source, before / rate(period_s))
                before += length

    write_atomically(path, fill)


def _append(container: Any, out: Any, source: Any, start_s: Fraction) -> None:
    """Packets of a video, `start_s` later than they were."""
    stream = source.streams.video[0]
    offset = round(start_s / stream.time_base)
    for packet in source.demux(stream):
        if packet.dts is None:
            continue
        packet.pts, packet.dts, packet.stream = packet.pts + offset, packet.dts + offset, out
        container.mux(packet)


def decode(path: Path, start_s: float, length: int, period_s: float) -> np.ndarray:
    """`length` pictures (T, H, W, 3) uint8 of a video, from `start_s` on.

    Raises:
        FileFormatError: no such file, no video, or too few pictures.
    """
    require(path.is_file(), FileFormatError, f"{path}: no such file.")
    try:
        with av.open(str(path)) as container:
            pictures = _pictures(container, start_s - period_s / 2, length)
    except (av.error.FFmpegError, IndexError) as error:
        raise FileFormatError(f"{path}: cannot be read as a video ({type(error).__name__}: {error}).") from error
    require(
        len(pictures) == length, FileFormatError, f"{path}: holds {len(pictures)} pictures from {start_s:g} s on; {length} were wanted."
    )
    return np.stack(pictures)


def _pictures(container: Any, from_s: float, length: int) -> list[np.ndarray]:
    stream = container.streams.video[0]
    container.seek(max(0, int(from_s / stream.time_base)), stream=stream)
    found: list[np.ndarray] = []
    for frame in container.decode(stream):
        if frame.time >= from_s and len(found) < length:
            found.append(frame.to_ndarray(format="rgb24"))
        if len(found) == length:
            break
    return found


def describe(path: Path) -> dict[str, Any]:
    """What LeRobot notes of a video in `info.json`."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        codec = stream.codec_context
        return {
            "video.height": codec.height,
            "video.width": codec.width,
            "video.codec": stream.codec.canonical_name,
            "video.pix_fmt": codec.pix_fmt,
            "video.is_depth_map": False,
            "video.fps": plain(stream.average_rate),
            "video.channels": 3,
            "has_audio": False,
        }


def plain(hz: Fraction) -> int | float:
    """A rate as JSON has it: a whole number where it is one."""
    return int(hz) if hz.denominator == 1 else float(hz)
