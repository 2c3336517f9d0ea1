"""Pass 1 over a film: look at every picture, and keep what is seen.

Pictures are decoded in one thread and looked at in one thread per detector, while this one gathers what they found. Decoder and
detectors do their work outside of the interpreter's lock. All queues are short: memory does not grow with the film.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from motion.transform import Array
from retarget.video.detectors.base import Detector, Eye
from retarget.video.pictures.reader import FilmInfo, Picture
from retarget.video.pictures.spool import PictureStat, Spool

_AHEAD_N = 3
"""Pictures decoded ahead of the detectors, and pictures that detectors may lag behind each other."""
_PATIENCE_S = 0.1
"""How often a waiting thread looks whether it should end."""


class Pictures(Protocol):
    """A film, or some pictures of one, in order."""

    info: FilmInfo

    def __iter__(self) -> Iterator[Picture]:
        """Its pictures; their times rise."""
        ...


def look(
    film: Pictures,
    detectors: Sequence[Detector],
    bundles: Mapping[str, Path],
    spool: Spool,
    on_frame: Callable[[int], object] | None = None,
) -> None:
    """Show every picture to every detector and append what they see to the spool, in order.

    Args:
        film: its pictures may be scaled down; what is kept is in pixels of the upright film.
        detectors: what is looked for.
        bundles: name -> file of the detectors' weights.
        spool: what is seen goes here.
        on_frame: called with the index of each picture that is done.

    Raises:
        FileFormatError: the weights of a detector cannot be loaded.
    """
    with ExitStack() as stack:
        lanes = [(one.sees, stack.enter_context(one.open(bundles, film.info.rate_hz)), stack.enter_context(_lane())) for one in detectors]
        pictures = stack.enter_context(_read_ahead(film))
        waiting: deque[_Asked] = deque()
        last = _Last()
        for picture in pictures:
            waiting.append(_Asked(picture, last.stat(picture.grey), lanes))
            if len(waiting) > _AHEAD_N:
                waiting.popleft().keep(film.info, spool, on_frame)
        while waiting:
            waiting.popleft().keep(film.info, spool, on_frame)


class _Asked:
    """A picture that the detectors are at work on."""

    def __init__(self, picture: Picture, stat: PictureStat, lanes: Sequence[tuple[str, Eye, ThreadPoolExecutor]]) -> None:
        self._index, self._time_s, self._stat = picture.index, picture.time_s, stat
        self._wide = picture.rgb.shape[1]
        self._found: list[tuple[str, Future[Any]]] = [
            (sees, lane.submit(eye.detect, picture.rgb, picture.time_s)) for sees, eye, lane in lanes
        ]

    def keep(self, info: FilmInfo, spool: Spool, on_frame: Callable[[int], object] | None) -> None:
        """Wait for the detectors, and append what they saw."""
        seen: dict[str, list[Any]] = {"hands": [], "bodies": []}
        for sees, found in self._found:
            seen[sees] += [_scaled(one, info.width_px / self._wide) for one in found.result()]
        spool.append(self._time_s, seen["hands"], seen["bodies"], self._stat)
        if on_frame:
            on_frame(self._index)


class _Last:
    """Compares each picture with the one before."""

    def __init__(self) -> None:
        self._grey: Array | None = None

    def stat(self, grey: Array) -> PictureStat:
        """How a picture is, from its small grey copy (H, W) uint8."""
        change = np.nan if self._grey is None else float(np.mean(np.abs(grey.astype(np.int16) - self._grey)) / 255)
        self._grey = grey.astype(np.int16)
        return PictureStat(float(grey.mean() / 255), _sharpness(grey), change)


def _sharpness(grey: Array) -> float:
    """Variance of the Laplacian of grey levels 0..1; the edge of the picture is left out."""
    levels = grey.astype(np.float32) / 255
    middle = levels[1:-1, 1:-1]
    return float(np.var(levels[:-2, 1:-1] + levels[2:, 1:-1] + levels[1:-1, :-2] + levels[1:-1, 2:] - 4 * middle))


def _scaled(seen: Any, factor: float) -> Any:
    """A hand or a body in pixels of the film, from pixels of the picture shown."""
    if factor == 1:
        return seen
    return type(seen)(**(vars(seen) | {"image_px": seen.image_px * factor}))


@contextmanager
def _lane() -> Iterator[ThreadPoolExecutor]:
    """One thread, which takes pictures in order; what it has not begun when an error ends the pass is dropped."""
    lane = ThreadPoolExecutor(1, thread_name_prefix="detector")
    try:
        yield lane
    finally:
        lane.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _read_ahead(film: Pictures) -> Iterator[Iterator[Picture]]:
    """The film's pictures, decoded in a thread of their own; an error there is raised here."""
    ready: queue.Queue[Picture | BaseException | None] = queue.Queue(_AHEAD_N)
    ended = threading.Event()

    def put(item: Picture | BaseException | None) -> None:
        while not ended.is_set():
            try:
                return ready.put(item, timeout=_PATIENCE_S)
            except queue.Full:
                continue

    def read() -> None:
        try:
            for picture in film:
                put(picture)
                if ended.is_set():
                    return
            put(None)
        except BaseException as error:  # whatever it is, it is raised where somebody waits
            put(error)

    thread = threading.Thread(target=read, name="film", daemon=True)
    thread.start()
    try:
        yield _drained(ready)
    finally:
        ended.set()
        thread.join()


def _drained(ready: queue.Queue[Picture | BaseException | None]) -> Iterator[Picture]:
    while (item := ready.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item
