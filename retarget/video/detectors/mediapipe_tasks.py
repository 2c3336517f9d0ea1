"""What the detectors on MediaPipe Tasks share: loading without its chatter, asking, and closing; and keeping it off the network.

MediaPipe sends "metrics about the performance and utilization" of its calls to its maker when a detector is closed (its privacy
notice, June 2026), and offers no switch against it. A worker's film is nobody else's business, not even that it was looked at:
while a detector is open, HTTPS in this process is sent to a closed local port.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from motion.errors import FileFormatError
from motion.transform import Array

_NOWHERE = "http://127.0.0.1:9"
_PROXIES = dict.fromkeys(("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"), _NOWHERE) | {"no_proxy": "", "NO_PROXY": ""}
_CHATTER = re.compile(
    rb"unaligned buffer|XNNPACK delegate|Logging before InitGoogle|inference_feedback_manager|landmark_projection_calculator"
    rb"|portable_clearcut_uploader|=== Source Location Trace|^wireless/|gl_context|GPU support is not available"
)
"""Lines that MediaPipe's C++ writes to the error stream about itself; they say nothing about the film."""

_lock = threading.Lock()
_open_n = 0
_kept: dict[str, str | None] = {}


class Task:
    """One open MediaPipe task in video mode.

    Args:
        kind: "HandLandmarker" or "PoseLandmarker".
        bundle: the file of its weights.
        mode: "VIDEO": it follows what it has seen; "IMAGE": every picture stands for itself.
        options: settings of the task.

    Raises:
        FileFormatError: the file does not hold the weights of such a task.
    """

    def __init__(self, kind: str, bundle: Path, mode: str, **options: Any) -> None:
        self._vision = import_module("mediapipe.tasks.python.vision")
        self._images = import_module("mediapipe.tasks.python.vision.core.image")
        base = import_module("mediapipe.tasks.python.core.base_options").BaseOptions(model_asset_path=str(bundle))
        running_mode = getattr(self._vision.RunningMode, mode)
        settings = getattr(self._vision, f"{kind}Options")(base_options=base, running_mode=running_mode, **options)
        try:
            self._task = getattr(self._vision, kind).create_from_options(settings)
        except (RuntimeError, ValueError, OSError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise FileFormatError(
                f"{bundle}: not the weights of MediaPipe's {kind} ({reason}). Delete it and let it be fetched again."
            ) from error
        self._mode, self._last_ms = mode, -1

    def ask(self, rgb: Array, time_s: float) -> Any:
        """MediaPipe's result for a picture (H, W, 3) uint8; in video mode, times that do not rise are moved on by a millisecond."""
        image = self._images.Image(self._images.ImageFormat.SRGB, np.ascontiguousarray(rgb))
        if self._mode == "IMAGE":
            return self._task.detect(image)
        self._last_ms = max(self._last_ms + 1, round(1000 * time_s))
        return self._task.detect_for_video(image, self._last_ms)

    def close(self) -> None:
        """Free it now: left to the interpreter's exit it raises."""
        self._task.close()


@contextmanager
def opened(*openers: Callable[[], Task]) -> Iterator[list[Task]]:
    """Open tasks, close them whatever happens; meanwhile they do not reach the network."""
    tasks: list[Task] = []
    with off_the_network():
        try:
            for opener in openers:
                with without_chatter():
                    tasks.append(opener())
            yield tasks
        finally:
            for task in tasks:
                task.close()


@contextmanager
def off_the_network() -> Iterator[None]:
    """Point this process's HTTPS at a closed local port; nested and parallel uses share one such time."""
    global _open_n
    with _lock:
        if _open_n == 0:
            _kept.update({name: os.environ.get(name) for name in _PROXIES})
            os.environ.update(_PROXIES)
        _open_n += 1
    try:
        yield
    finally:
        with _lock:
            _open_n -= 1
            if _open_n == 0:
                _restore()


def _restore() -> None:
    for name, value in _kept.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    _kept.clear()


@contextmanager
def without_chatter() -> Iterator[None]:
    """Hold the error stream back, and let go of all but the known chatter afterwards."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            said = b"".join(line for line in held if not _CHATTER.search(line))
            if said:
                os.write(2, said)


def points(landmarks: list[Any]) -> Array:
    """(N, 3) of MediaPipe's landmarks."""
    return np.array([(point.x, point.y, point.z) for point in landmarks])
