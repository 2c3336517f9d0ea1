"""All people in single pictures, by MediaPipe's pose landmarker: what privacy needs to know before a picture is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from motion.transform import Array
from retarget.video.detectors.mediapipe_tasks import Task, opened, points
from retarget.video.seen import BodySeen

BUNDLE = "pose_landmarker_full.task"
_LEAST_SCORE = 0.3
"""Below the usual 0.5: to take something for a person costs a blurred patch, to miss one costs a face."""
_FACE = slice(0, 11)


@contextmanager
def open_people(bundle: Path, most: int = 4) -> Iterator[Callable[[Array], list[BodySeen]]]:
    """A finder of the people in pictures that have nothing to do with one another.

    A person's score is how present their face is, or all of them, whichever is more.

    Args:
        bundle: the file `BUNDLE`.
        most: people looked for in a picture.

    Raises:
        FileFormatError: the file does not hold these weights.
    """
    options = {"num_poses": most, "min_pose_detection_confidence": _LEAST_SCORE, "min_pose_presence_confidence": _LEAST_SCORE}
    with opened(lambda: Task("PoseLandmarker", bundle, "IMAGE", **options)) as (task,):

        def people(rgb: Array) -> list[BodySeen]:
            found, size = task.ask(rgb, 0.0), np.array([rgb.shape[1], rgb.shape[0]], float)
            seen = []
            for flat, deep in zip(found.pose_landmarks, found.pose_world_landmarks, strict=True):
                presence, visibility = (np.array([getattr(point, name) for point in flat]) for name in ("presence", "visibility"))
                score = max(float(presence[_FACE].mean()), float(presence.mean()))
                seen.append(BodySeen(points(flat)[:, :2] * size, points(deep), visibility, score))
            return seen

        yield people
