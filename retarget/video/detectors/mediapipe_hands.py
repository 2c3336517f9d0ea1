"""Hands in pictures, by MediaPipe's hand landmarker, which looks through a window that follows the hands."""

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
from retarget.video.detectors.same_hand import box, size_px, without_doubles
from retarget.video.detectors.window import Frame, lightened
from retarget.video.seen import HandSeen

_RECENT_S = 0.5
"""A hand that was seen within this time is looked for where it was."""
_SEARCH_S = 0.2
"""Time between looks at another part of the picture while fewer hands are seen than there may be."""
_STEP = 0.75
"""A hand moves less than this many of its sizes between two pictures."""


@dataclass(frozen=True)
class MediaPipeHands:
    """MediaPipe's hand landmarker, following hands from picture to picture.

    It is shown a window of the picture, at first all of it. Where hands are few, other parts are searched from time to time;
    where one is lost, the window closes in on where it was. So small hands of head cameras are kept that the whole picture
    would lose, at no more cost.

    Attributes:
        most: hands it looks for at once.
        find: score from which a new palm counts. MediaPipe's own 0.5 loses every fifteenth hand of a head camera.
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
        bundle = bundles[self.bundles[0]]
        with opened(lambda: self._task(bundle, "VIDEO"), lambda: self._task(bundle, "IMAGE")) as (follower, scout):
            yield _HandEye(_Look(follower), _Look(scout), self.most)

    def _task(self, bundle: Path, mode: str) -> Task:
        options = {"num_hands": self.most, "min_hand_detection_confidence": self.find, "min_hand_presence_confidence": self.keep}
        return Task("HandLandmarker", bundle, mode, min_tracking_confidence=self.keep, **options)


class _Look:
    """One task, shown parts of pictures."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._quiet = False

    def hands(self, rgb: Array, time_s: float, window: Array) -> list[HandSeen]:
        """Hands in a window of a picture, in pixels of the picture."""
        left, upper, right, lower = window
        with nullcontext() if self._quiet else without_chatter():
            result = self._task.ask(lightened(rgb[upper:lower, left:right]), time_s)
        self._quiet |= bool(result.hand_landmarks)
        found = zip(result.hand_landmarks, result.hand_world_landmarks, result.handedness, strict=True)
        return [_hand(flat, deep, side[0], window) for flat, deep, side in found]

    def forget(self, time_s: float) -> None:
        """Let go of the hands that it follows, by a black picture."""
        self._task.ask(np.zeros((64, 64, 3), np.uint8), time_s)


def _hand(flat: list[Any], deep: list[Any], side: Any, window: Array) -> HandSeen:
    """MediaPipe tells the share of the more likely side; it tells no other score of a hand."""
    right = side.score if side.category_name == "Right" else 1 - side.score
    return HandSeen(points(flat)[:, :2] * (window[2:] - window[:2]) + window[:2], points(deep), right, side.score)


@dataclass(frozen=True)
class _Known:
    """Where a hand was seen last."""

    image_px: Array
    time_s: float


class _HandEye:
    def __init__(self, follower: _Look, scout: _Look, most: int) -> None:
        self._follower, self._scout, self._most = follower, scout, most
        self._known: list[_Known] = []
        self._window = np.zeros(4, dtype=int)
        self._tile = 0
        self._searched_s = -np.inf

    def detect(self, rgb: Array, time_s: float) -> list[HandSeen]:
        """Hands in the next picture."""
        frame = Frame(rgb.shape[1], rgb.shape[0])
        if not self._known:
            self._window = self._next_tile(frame)
        hands = without_doubles(self._follower.hands(rgb, time_s, self._window))
        self._remember(hands, time_s)
        if self._known and not self._content(frame, hands):
            hands = self._closer(frame, rgb, time_s, hands)
        elif hands and len(hands) < self._most and time_s - self._searched_s >= _SEARCH_S:
            hands = self._searched(frame, rgb, time_s, hands)
        return hands

    def _content(self, frame: Frame, hands: list[HandSeen]) -> bool:
        """Whether the window need not move: hands have room in it, and where one was lost it is close enough already."""
        boxes = np.array([box(known.image_px) for known in self._known])
        if len(hands) >= min(len(self._known), self._most):
            return frame.holds(self._window, boxes)
        return frame.fits(self._window, boxes)

    def _closer(self, frame: Frame, rgb: Array, time_s: float, hands: list[HandSeen]) -> list[HandSeen]:
        """Move the window to the hands known, and look again."""
        self._window = frame.around(np.array([box(known.image_px) for known in self._known]))
        self._follower.forget(time_s)
        hands = without_doubles(hands + self._follower.hands(rgb, time_s, self._window))[: self._most]
        self._remember(hands, time_s)
        return hands

    def _searched(self, frame: Frame, rgb: Array, time_s: float, hands: list[HandSeen]) -> list[HandSeen]:
        """Look at another part of the picture; what is found there has to be seen through the window, too."""
        self._searched_s = time_s
        found = self._scout.hands(rgb, time_s, self._next_tile(frame))
        if len(without_doubles(hands + found)) == len(hands):
            return hands
        self._remember(without_doubles(hands + found)[: self._most], time_s)
        return self._closer(frame, rgb, time_s, hands)

    def _next_tile(self, frame: Frame) -> Array:
        tiles = frame.tiles()
        self._tile += 1
        return tiles[(self._tile - 1) % len(tiles)]

    def _remember(self, hands: list[HandSeen], time_s: float) -> None:
        """Hands seen now, and those seen lately that are none of these."""
        now = [_Known(hand.image_px, time_s) for hand in hands]
        older = [known for known in self._known if time_s - known.time_s <= _RECENT_S]
        gone = [known for known in older if not any(_near(known.image_px, hand.image_px) for hand in hands)]
        self._known = (now + gone)[: self._most]


def _near(a: Array, b: Array) -> bool:
    """Whether a hand with points (21, 2) may have moved from one place to the other between two pictures."""
    apart_px = np.linalg.norm(a.mean(axis=0) - b.mean(axis=0))
    return bool(apart_px < _STEP * max(size_px(a), size_px(b)))


DETECTOR = MediaPipeHands()
