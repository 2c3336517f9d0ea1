"""Player: a clock on a page, with its slider, buttons and keys. One for all pages that show something in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import viser

from motion.transform import Array

SPEEDS = ("0.1", "0.25", "0.5", "1", "2", "4")
_TICK_S, _IDLE_S = 1 / 30, 0.2
"""Updates are no nearer to each other than the first: a browser without a GPU needs the processor for drawing them."""
_STYLE = "font:12px sans-serif;color:#555;margin:0 10px 6px"


class Player:
    """Shows one tick of a clock after the other, or the one that is asked for. Controls are added where it is made.

    Args:
        server: the page's.
        clock_s: (C,) rising.
        show: draws a tick; called with all of its changes sent as one.
        says: words (HTML) about a tick, shown below the slider.

    Attributes:
        drawn: the tick that is shown; -1 before the first.
    """

    def __init__(self, server: viser.ViserServer, clock_s: Array, show: Callable[[int], None], says: Callable[[int], str]) -> None:
        self.clock_s, self._server, self._show, self._says = clock_s, server, show, says
        self._lock, self._wake = threading.Lock(), threading.Event()
        self._wanted, self.drawn, self._at_s = 0, -1, float(clock_s[0])
        self._playing, self._stale, self._leads = False, False, False
        self._add_controls()

    def _add_controls(self) -> None:
        gui, last = self._server.gui, len(self.clock_s) - 1
        slider = gui.add_slider("Frame", 0, max(last, 1), 1, 0)
        slider.on_update(lambda event: self.seek(int(slider.value), by_slider=True) if event.client else None)
        words = gui.add_html("")
        play = gui.add_button("Play", icon=viser.Icon.PLAYER_PLAY)
        play.on_click(lambda _: self.play(not self._playing))
        step = gui.add_button_group("Step", ("|<", "-10", "-1", "+1", "+10", ">|"))
        step.on_click(lambda _: self._step(step.value))
        speed = gui.add_dropdown("Speed", SPEEDS, initial_value="1")
        self._handles: dict[str, Any] = {"slider": slider, "words": words, "play": play, "speed": speed}
        for label, key, move in (("Play or pause", "P", ""), ("One frame back", "A", "-1"), ("One frame on", "D", "+1")):
            command = gui.add_command(label, hotkey=key)  # type: ignore[arg-type]
            command.on_trigger(lambda _, move=move: self._step(move) if move else self.play(not self._playing))  # type: ignore[misc]

    def _step(self, word: str) -> None:
        ends = {"|<": 0, ">|": len(self.clock_s) - 1}
        self.seek(ends[word] if word in ends else self._wanted + int(word))

    def seek(self, tick: int, by_slider: bool = False) -> None:
        """Show a tick of the clock, soon: of several that are asked for in quick succession, the last."""
        tick = min(max(tick, 0), len(self.clock_s) - 1)
        self._wanted, self._at_s, self._leads = tick, float(self.clock_s[tick]), not by_slider
        self._wake.set()

    def play(self, playing: bool) -> None:
        """Start or stop playing."""
        if playing and self._wanted >= len(self.clock_s) - 1:
            self.seek(0)
        self._playing = playing
        self._handles["play"].label = "Pause" if playing else "Play"
        self._handles["play"].icon = viser.Icon.PLAYER_PAUSE if playing else viser.Icon.PLAYER_PLAY
        self._wake.set()

    def redraw(self) -> None:
        """Show the same tick once more, soon: what is to be seen of it has changed."""
        self._stale = True
        self._wake.set()

    def draw(self, tick: int) -> None:
        """Show a tick of the clock now, as one update."""
        with self._lock, self._server.atomic():
            self._show(tick)
            self.drawn = tick
            self._handles["words"].content = f'<div style="{_STYLE}">{self._says(tick)}</div>'
            if self._leads:
                self._handles["slider"].value = tick

    def run(self, until: Callable[[], bool] | None = None) -> None:
        """Serve until Ctrl-C, or until `until` says so."""
        before = time.perf_counter()
        while until is None or not until():
            self._wake.wait(0.0 if self._playing else _IDLE_S)
            self._wake.clear()
            now = time.perf_counter()
            if self._playing:
                self._advance(now - before)
            before = now
            if self._wanted != self.drawn or self._stale:
                self._stale = False
                self.draw(self._wanted)
            elif not self._playing:
                continue
            time.sleep(max(0.0, _TICK_S - (time.perf_counter() - now)))

    def _advance(self, passed_s: float) -> None:
        """Move the clock on while playing; begin again at the end."""
        self._at_s += passed_s * float(self._handles["speed"].value)
        if self._at_s > self.clock_s[-1]:
            self._at_s = float(self.clock_s[0])
        self._wanted, self._leads = int(np.searchsorted(self.clock_s, self._at_s, side="right")) - 1, True
