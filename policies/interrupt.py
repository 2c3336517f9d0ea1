"""Stop requests (SIGTERM from a scheduler, Ctrl-C from a person) noted, so that a loop can end between two steps."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)
_ECHO_S = 0.5
"""`timeout`, for one, signals a process and then its whole group: what comes so soon after a request is no second one."""


class Stopped(KeyboardInterrupt):
    """Somebody asked to stop, by `signal`, where there was no reason to wait."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.signal = number


class StopRequest:
    """Whether somebody asked to stop, and by which signal."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._waits, self._first_s = True, 0.0

    def note(self, number: int, frame: FrameType | None) -> None:
        """The signal handler. Who asks a second time does not want to wait: the process ends as if nobody had caught the signal."""
        if self.signal is None:
            self.signal, self._first_s = signal.Signals(number), time.monotonic()
            self._leave()
        elif time.monotonic() - self._first_s > _ECHO_S:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """For the duration a request is not only noted: wherever the program is, it leaves.

        Raises:
            Stopped: there was a request, now or before.
        """
        self._waits = False
        try:
            self._leave()
            yield
        finally:
            self._waits = True

    def _leave(self) -> None:
        if self.signal is not None and not self._waits:
            raise Stopped(self.signal)


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Note stop signals for the duration; outside the main thread none can arrive, and none is caught."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, request.note) for number in SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
