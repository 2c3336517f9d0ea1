"""People in pictures, by MediaPipe's pose landmarker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from motion.transform import Array
from retarget.video.detectors.base import Eye, Sees
from retarget.video.detectors.mediapipe_tasks import Task, opened, points, without_chatter
from retarget.video.seen import BodySeen


@dataclass(frozen=True)
class MediaPipePose:
    """MediaPipe's pose landmarker, following people from picture to picture.

    Attributes:
        most: people it looks for at once.
        find: score from which a new person counts.
        keep: presence from which a person seen before counts.
    """

    most: int = 3
    find: float = 0.5
    keep: float = 0.5
    name: str = "mediapipe_pose"
    sees: Sees = "bodies"
    bundles: tuple[str, ...] = ("pose_landmarker_full.task",)

    @contextmanager
    def open(self, bundles: Mapping[str, Path], rate_hz: float) -> Iterator[Eye]:
        """Load the weights, for one film."""
        options = {"num_poses": self.most, "min_pose_detection_confidence": self.find, "min_pose_presence_confidence": self.keep}
        bundle = bundles[self.bundles[0]]
        with opened(lambda: Task("PoseLandmarker", bundle, "VIDEO", min_tracking_confidence=self.keep, **options)) as (task,):
            yield _PoseEye(task)


class _PoseEye:
    def __init__(self, task: Task) -> None:
        self._task = task
        self._quiet = False

    def detect(self, rgb: Array, time_s: float) -> list[BodySeen]:
        """People in the next picture."""
        with nullcontext() if self._quiet else without_chatter():
            result = self._task.ask(rgb, time_s)
        self._quiet |= bool(result.pose_landmarks)
        size = np.array([rgb.shape[1], rgb.shape[0]], dtype=float)
        return [_body(flat, deep, size) for flat, deep in zip(result.pose_landmarks, result.pose_world_landmarks, strict=True)]


def _body(flat: list[Any], deep: list[Any], size: Array) -> BodySeen:
    visibility = np.array([point.visibility for point in flat])
    score = float(np.mean([point.presence for point in flat]))
    return BodySeen(points(flat)[:, :2] * size, points(deep), visibility, score)


DETECTOR = MediaPipePose()
