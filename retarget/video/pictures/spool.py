"""What was seen in a film, kept on disk: memory does not grow with the length of the film.

Three files without a name hold records of a fixed size each; the system frees them when they are closed, however the program
ends. What people's hands did is their own business, and nothing of it stays behind.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from motion.errors import MotionError, ShapeError, require
from motion.transform import Array
from retarget.video.seen import BODY_POINTS_N, HAND_POINTS_N, BodyDetections, BodySeen, HandDetections, HandSeen, PictureStats

HANDS_MOST, BODIES_MOST = 4, 3
"""Hands and people kept of one picture: those with the highest scores."""
_FRAME = np.dtype(
    [("time_s", "f8"), ("picture", "f4", 3), ("hand_first", "i8"), ("hands_n", "i4"), ("body_first", "i8"), ("bodies_n", "i4")]
)
_HAND = np.dtype([("image_px", "f4", (HAND_POINTS_N, 2)), ("relative_m", "f4", (HAND_POINTS_N, 3)), ("right", "f4"), ("score", "f4")])
_BODY = np.dtype(
    [("image_px", "f4", (BODY_POINTS_N, 2)), ("relative_m", "f4", (BODY_POINTS_N, 3)), ("visibility", "f4", BODY_POINTS_N), ("score", "f4")]
)


@dataclass(frozen=True)
class PictureStat:
    """How one picture is; the fields are those of `PictureStats`."""

    brightness: float
    sharpness: float
    change: float


class Spool:
    """Append picture by picture, read any span. A context manager: what it holds is gone when it is left."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._frames, self._hands, self._bodies = (_Records(self._open, kind) for kind in (_FRAME, _HAND, _BODY))

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def __len__(self) -> int:
        """Pictures appended so far."""
        return len(self._frames)

    def append(self, time_s: float, hands: Sequence[HandSeen], bodies: Sequence[BodySeen], picture: PictureStat) -> None:
        """Add what was seen in the next picture.

        Args:
            time_s: of the picture; rises from call to call.
            hands, bodies: seen in it.
            picture: how it is.

        Raises:
            ShapeError: a hand or a body does not have the points it should have.
            MotionError: the disk is full.
        """
        best_hands = sorted(hands, key=lambda hand: -hand.score)[:HANDS_MOST]
        best_bodies = sorted(bodies, key=lambda body: -body.score)[:BODIES_MOST]
        stats = (picture.brightness, picture.sharpness, picture.change)
        frame = (time_s, stats, len(self._hands), len(best_hands), len(self._bodies), len(best_bodies))
        self._hands.append([_row(_HAND, hand) for hand in best_hands])
        self._bodies.append([_row(_BODY, body) for body in best_bodies])
        self._frames.append([frame])

    def times(self) -> Array:
        """(T,) time stamps of all pictures, in s."""
        return self._frames.read(0, len(self))["time_s"].astype(float)

    def seen_n(self) -> tuple[int, int]:
        """Hands and people seen in all pictures together."""
        return len(self._hands), len(self._bodies)

    def hands(self, start: int = 0, stop: int | None = None, stride: int = 1) -> HandDetections:
        """Hands seen in the pictures `start:stop:stride`, in 64 bits."""
        frames, at = self._span(start, stop, stride)
        held = _slots(frames["hand_first"], frames["hands_n"], self._hands, HANDS_MOST)
        return HandDetections(at, *(held[name].astype(float) for name in ("image_px", "relative_m", "right", "score")))

    def bodies(self, start: int = 0, stop: int | None = None, stride: int = 1) -> BodyDetections:
        """People seen in the pictures `start:stop:stride`, in 64 bits."""
        frames, at = self._span(start, stop, stride)
        held = _slots(frames["body_first"], frames["bodies_n"], self._bodies, BODIES_MOST)
        return BodyDetections(at, *(held[name].astype(float) for name in ("image_px", "relative_m", "visibility", "score")))

    def pictures(self, start: int = 0, stop: int | None = None, stride: int = 1) -> PictureStats:
        """How the pictures `start:stop:stride` are."""
        frames, at = self._span(start, stop, stride)
        return PictureStats(at, *frames["picture"].astype(float).T)

    def _span(self, start: int, stop: int | None, stride: int) -> tuple[np.ndarray, Array]:
        require(stride > 0, MotionError, f"stride is {stride}; pictures are read forwards, with a stride of 1 or more.")
        first, last, step = slice(start, stop, stride).indices(len(self))
        frames = self._frames.read(first, max(last - first, 0))[::step]
        return frames, frames["time_s"].astype(float)


class _Records:
    """An append-only file of records of one kind."""

    def __init__(self, stack: ExitStack, kind: np.dtype) -> None:
        self._file: IO[bytes] = stack.enter_context(tempfile.TemporaryFile(buffering=0))  # noqa: SIM115  (the stack closes it)
        self._kind, self._count = kind, 0

    def __len__(self) -> int:
        return self._count

    def append(self, rows: list[Any]) -> None:
        if not rows:
            return
        data = np.array(rows, dtype=self._kind).tobytes()
        try:
            self._file.seek(0, os.SEEK_END)
            if self._file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            place = tempfile.gettempdir()
            raise MotionError(f"{place}: no room for what is seen in the film ({error.strerror}). Set TMPDIR to a larger disk.") from error
        self._count += len(rows)

    def read(self, first: int, count: int) -> np.ndarray:
        self._file.seek(first * self._kind.itemsize)
        return np.frombuffer(self._file.read(count * self._kind.itemsize), dtype=self._kind)


def _row(kind: np.dtype, seen: HandSeen | BodySeen) -> tuple[Any, ...]:
    """The fields of a record, by name; their shapes are checked, for NumPy would repeat a row that is too short."""
    assert kind.names is not None
    for name in kind.names:
        found, wanted = np.shape(getattr(seen, name)), kind[name].shape
        require(found == wanted, ShapeError, f"{type(seen).__name__}.{name} is {found}; {wanted} was wanted.")
    return tuple(getattr(seen, name) for name in kind.names)


def _slots(first: np.ndarray, count: np.ndarray, records: _Records, most: int) -> np.ndarray:
    """(T, most) records of frames whose records stand at `first`, `count` of them each; what is not there is NaN."""
    held = np.zeros((len(first), most), dtype=records._kind)
    for name in records._kind.names or ():
        held[name] = np.nan
    if count.sum():
        begin = int(first[0])
        read = records.read(begin, int(first[-1] + count[-1]) - begin)
        frame, slot = np.nonzero(np.arange(most) < count[:, None])
        held[frame, slot] = read[first[frame] - begin + slot]
    return held
