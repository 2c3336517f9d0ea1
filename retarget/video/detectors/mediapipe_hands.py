"""Hands in pictures, by MediaPipe's hand landmarker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from motion.transform import Array
from retarget.video.detectors.base import Eye, Sees
from retarget.video.detectors.mediapipe_tasks import Task, opened, points, without_chatter
from retarget.video.detectors.same_hand import without_doubles
from retarget.video.seen import HandSeen


@dataclass(frozen=True)
class MediaPipeHands:
    """MediaPipe's hand landmarker, following hands from picture to picture.

    Attributes:
        most: hands it looks for at once.
        find: score from which a new palm counts. MediaPipe's own 0.5 loses every fifteenth hand of a head camera; at 0.3 none
            was lost and no false one came (benchmarks/film.py).
        keep: presence from which a hand seen before counts.
    """

    most: int = 2
    find: float = 0.3
    keep: float = 0.5
    name: str = "mediapipe_hands"
    sees: Sees = "hands"
    bundles: tuple[str, ...] = ("hand_landmarker.task",)

    @contextmanager
    def open(self, bundles: Mapping[str, Path], rate_hz: float) -> Iterator[Eye]:
        """Load the weights, for one film."""
        options = {"num_hands": self.most, "min_hand_detection_confidence": self.find, "min_hand_presence_confidence": self.keep}
        bundle = bundles[self.bundles[0]]
        with opened(lambda: Task("HandLandmarker", bundle, "VIDEO", min_tracking_confidence=self.keep, **options)) as (task,):
            yield _HandEye(task)


class _HandEye:
    def __init__(self, task: Task) -> None:
        self._task = task
        self._quiet = False

    def detect(self, rgb: Array, time_s: float) -> list[HandSeen]:
        """Hands in the next picture."""
        with nullcontext() if self._quiet else without_chatter():
            result = self._task.ask(rgb, time_s)
        self._quiet |= bool(result.hand_landmarks)
        size = np.array([rgb.shape[1], rgb.shape[0]], dtype=float)
        found = zip(result.hand_landmarks, result.hand_world_landmarks, result.handedness, strict=True)
        return without_doubles(
            [HandSeen(points(flat)[:, :2] * size, points(deep), _right(side[0]), side[0].score) for flat, deep, side in found]
        )


def _right(side: object) -> float:
    """How likely it is a right hand, from MediaPipe's more likely side and its share."""
    score = float(side.score)  # type: ignore[attr-defined]
    return score if side.category_name == "Right" else 1 - score  # type: ignore[attr-defined]


DETECTOR = MediaPipeHands()
