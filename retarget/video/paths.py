"""What was made of the detections: one person's hands and body over a film, in metres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar, cast

import numpy as np

from motion.errors import ShapeError, require
from motion.transform import Array, Transform
from retarget.video.seen import HAND_POINTS_N

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class HandPath:
    """One hand over T frames, in a camera's frame or in the world, whichever the function says that made it.

    Attributes:
        side: "left" or "right".
        time_s: (T,) rising.
        position_m: (T, 21, 3); NaN where the hand is neither seen nor filled.
        image_px: (T, 21, 2) where the detector saw it; NaN where unseen, also where `position_m` was filled.
        confidence: (T, 21) in 0..1; 0 where `position_m` is NaN.
        reprojection_px: (T,) root mean square over the hand's points; NaN where unseen.
        filled: (T,) whether the position stands between frames that were seen.
        length_m: wrist to the tip of the straight middle finger, one number for the clip.
        length_is: how that is known, in words ("stated", "estimated over 412 frames, plus or minus 6 %").
    """

    side: str
    time_s: Array
    position_m: Array
    image_px: Array
    confidence: Array
    reprojection_px: Array
    filled: np.ndarray
    length_m: float
    length_is: str

    def __post_init__(self) -> None:
        frames = len(self.time_s)
        shapes = {
            "position_m": (frames, HAND_POINTS_N, 3),
            "image_px": (frames, HAND_POINTS_N, 2),
            "confidence": (frames, HAND_POINTS_N),
            "reprojection_px": (frames,),
            "filled": (frames,),
        }
        for name, shape in shapes.items():
            found = np.shape(getattr(self, name))
            require(found == shape, ShapeError, f"HandPath.{name} is {found}; {shape} was wanted.")


@dataclass(frozen=True)
class BodyPath:
    """One person over T frames, in a camera's frame or in the world, whichever the function says that made it.

    Attributes:
        time_s: (T,) rising.
        landmarks: L names of `motion.landmarks`.
        position_m: (T, L, 3); NaN where neither seen, filled nor inferred.
        confidence: (T, L) in 0..1; at most 0.5 where inferred or filled; 0 where `position_m` is NaN.
        image_px: (T, L, 2); NaN where unseen or inferred.
        filled: (T,) whether the frame stands between frames that were seen.
        inferred: landmarks that nobody saw in any frame.
        words: what was found and assumed, for the reader.
    """

    time_s: Array
    landmarks: tuple[str, ...]
    position_m: Array
    confidence: Array
    image_px: Array
    filled: np.ndarray
    inferred: frozenset[str]
    words: dict[str, str]

    def __post_init__(self) -> None:
        frames, names = len(self.time_s), len(self.landmarks)
        shapes = {
            "position_m": (frames, names, 3),
            "confidence": (frames, names),
            "image_px": (frames, names, 2),
            "filled": (frames,),
        }
        for name, shape in shapes.items():
            found = np.shape(getattr(self, name))
            require(found == shape, ShapeError, f"BodyPath.{name} is {found}; {shape} was wanted.")


def at_frames(thing: Thing, frames: slice | np.ndarray, frames_n: int) -> Thing:
    """The same thing over some of its frames.

    Args:
        thing: a dataclass, Transform or array over `frames_n` frames, or a mapping of such; parts that are none stay as they are.
        frames: which.
        frames_n: length of what is cut.
    """
    return _at(thing, frames, frames_n)


def _at(thing: Any, frames: slice | np.ndarray, frames_n: int) -> Any:
    if isinstance(thing, np.ndarray):
        return thing[frames] if thing.ndim and len(thing) == frames_n else thing
    if isinstance(thing, Transform):
        return Transform(thing.position_m[frames], thing.wxyz[frames]) if thing.position_m.ndim > 1 else thing
    if isinstance(thing, Mapping):
        return {name: _at(part, frames, frames_n) for name, part in thing.items()}
    if is_dataclass(thing) and not isinstance(thing, type):
        return replace(thing, **{part.name: _at(getattr(thing, part.name), frames, frames_n) for part in fields(thing)})
    return thing


def joined(parts: Sequence[Thing], frames_n: Sequence[int]) -> Thing:
    """Dataclasses over consecutive frames as one; what is no array over frames is the first one's.

    Args:
        parts: of one kind.
        frames_n: length of each.
    """
    first: Any = parts[0]
    arrays: dict[str, Any] = {}
    for part in fields(first):
        values = [getattr(one, part.name) for one in parts]
        if isinstance(values[0], np.ndarray) and all(len(value) == n for value, n in zip(values, frames_n, strict=True)):
            arrays[part.name] = np.concatenate(values)
    return cast(Thing, replace(first, **arrays))
