"""Small films for tests, made by libav itself."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

CORNER_PX = 32
"""Side of the red square in the upper left corner of every picture."""


def drawn(index: int, width_px: int, height_px: int) -> np.ndarray:
    """(H, W, 3) uint8: a red square in the upper left corner, a white bar along the lower edge that moves, noise between."""
    picture = np.random.default_rng(index).integers(0, 60, (height_px, width_px, 3)).astype(np.uint8)
    picture[:CORNER_PX, :CORNER_PX] = (255, 0, 0)
    picture[-16:, (4 * index) % width_px :][:, :16] = 255
    return picture


def film(
    path: Path,
    frames_n: int = 30,
    size_px: tuple[int, int] = (160, 128),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    stamps_ms: Sequence[int] | None = None,
    turned_deg: int | None = None,
    mirrored: bool = False,
    container: dict[str, str] | None = None,
    pictures: Sequence[np.ndarray] | None = None,
) -> Path:
    """Write a film of 25 pictures a second, or with time stamps of one's own.

    Args:
        turned_deg: counter-clockwise, as libav counts.
    """
    with av.open(str(path), "w", options=container or {}) as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = *size_px, pixel_format
        stream.codec_context.time_base = Fraction(1, 1000)
        if turned_deg is not None or mirrored:
            stream.set_display_rotation(turned_deg or 0, hflip=mirrored)
        for index in range(frames_n):
            frame = av.VideoFrame.from_ndarray(drawn(index, *size_px) if pictures is None else pictures[index], "rgb24")
            frame.pts, frame.time_base = (40 * index if stamps_ms is None else stamps_ms[index]), Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def sound(path: Path) -> Path:
    """Write a tenth of a second of silence."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def red_corner(rgb: np.ndarray) -> str:
    """In which corner of the picture the red square lies ("upper left")."""
    red = (rgb[..., 0] > 180) & (rgb[..., 1] < 90) & (rgb[..., 2] < 90)
    y, x = (axis.mean() for axis in np.nonzero(red))
    return f"{'upper' if y < rgb.shape[0] / 2 else 'lower'} {'left' if x < rgb.shape[1] / 2 else 'right'}"
