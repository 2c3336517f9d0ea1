"""Short films cut out of real ones, small enough that a table of them is looked through in seconds."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np

from retarget.video.pictures.reader import Film
from tests.retarget.video.filming import film

BOTH_HANDS, ONE_HAND, PERSON = "egodex_sample/sample.mp4", "dex_retargeting/human_hand_video.mp4", "pose2sim_single/cam02.mp4"
"""A film from the head, one of a hand, one of a person, below the folder of real films."""
PICTURES_N, LONGEST_PX = 20, 640


@lru_cache(maxsize=8)
def pictures_of(path: Path, pictures_n: int = PICTURES_N, longest_px: int = LONGEST_PX, step: int = 1) -> tuple[np.ndarray, ...]:
    """The first pictures (H, W, 3) of a film, every `step`-th, scaled down, of even size."""
    found = islice(Film(path, longest_px=longest_px), 0, pictures_n * step, step)
    return tuple(picture.rgb[: picture.rgb.shape[0] // 2 * 2, : picture.rgb.shape[1] // 2 * 2] for picture in found)


def film_of(path: Path, pictures: tuple[np.ndarray, ...] | list[np.ndarray], rate_hz: float = 30, **how: object) -> Path:
    """Write a film of some pictures, so many a second."""
    height, width = pictures[0].shape[:2]
    stamps = {"stamps_ms": [round(1000 * number / rate_hz) for number in range(len(pictures))]}
    return film(path, len(pictures), (width, height), pictures=[np.ascontiguousarray(one) for one in pictures], **{**stamps, **how})  # type: ignore[arg-type]
