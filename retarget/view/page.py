"""The page: a scene, a clock, and a panel with everything that is known of the motions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import viser

from motion.transform import Array
from retarget.view.lane import Choice, Lane, lane_of
from retarget.view.lineage import Shown
from retarget.view.places import clock_of
from retarget.view.plots import COLOURS, LANES, cursor, height_px, plots
from retarget.view.recording import Recording
from retarget.view.server import close_server
from retarget.view.traces import Mark

SPEEDS = ("0.1", "0.25", "0.5", "1", "2", "4")
_TICK_S, _IDLE_S = 1 / 30, 0.2
"""Updates are no nearer to each other than the first: a browser without a GPU needs the processor for drawing them."""
_LISTED_N = 24
_FLOOR, _FLOOR_M = (170, 170, 175), 12
_FOV_RAD = 0.7


class Page:
    """One or two motions or recordings in a browser. Close it, or use it in a `with` block.

    Args:
        shown: what is to be seen.
        server: from `retarget.view.server.open_server`; browsers may be connected to it already.

    Attributes:
        drawn: the tick of the clock that is shown.
    """

    def __init__(self, shown: Sequence[Shown | Recording], server: viser.ViserServer) -> None:
        self.server = server
        self.lanes = [lane_of(self.server.scene, f"/{'ab'[index]}", item) for index, item in enumerate(shown)]
        self.clock_s, self.frames = clock_of([lane.time_s for lane in self.lanes])
        self._lock, self._wake = threading.Lock(), threading.Event()
        self._wanted, self.drawn, self._at_s = 0, -1, float(self.clock_s[0])
        self._playing, self._stale, self._leads = False, False, False
        self._handles: dict[str, Any] = {}
        self._plots_px = 0
        self._build()
        self.draw(0)
        self._measuring = threading.Thread(target=self._measure)
        self._measuring.start()

    def _build(self) -> None:
        gui = self.server.gui
        self._stage()
        gui.add_markdown("  \n".join(self._headline(index) for index in range(len(self.lanes))))
        self._timeline()
        self._layers()
        tabs = gui.add_tab_group()
        self._handles["curves"], self._handles["jumps"] = tabs.add_tab("Curves"), tabs.add_tab("Look at")
        for heading in ("Card", "Understood", "Origin"):
            said = [lane.pages[heading] for lane in self.lanes if heading in lane.pages]
            if said:
                with tabs.add_tab(heading):
                    gui.add_markdown("\n\n".join(said))

    def _headline(self, index: int) -> str:
        colour = f'<span style="color:{LANES[index]}">■</span> ' if len(self.lanes) > 1 else ""
        return colour + self.lanes[index].headline

    def _stage(self) -> None:
        """Floor and camera."""
        scene, stand = self.server.scene, self.lanes[0].stand
        if stand.on_floor:
            scene.add_line_segments("/a/floor", _floor_lines(), _FLOOR, thickness=1.0, thickness_units="screen")
        beside, apart = stand.beside_m if self._has_pairs else 0.0, self._apart_m
        middle = (beside - apart) * stand.left / 2 + stand.middle_m
        away = 2.2 * (stand.size_m + 0.6 * (beside + apart)) * (np.cos(0.4) * stand.forward - np.sin(0.4) * stand.left + [0, 0, 0.2])
        cameras: list[Any] = [self.server.initial_camera, *(client.camera for client in self.server.get_clients().values())]
        for camera in cameras:  # a browser that was there before the motion was keeps a camera of its own
            camera.fov, camera.position, camera.look_at = _FOV_RAD, tuple(middle + away), tuple(middle)

    @property
    def _has_pairs(self) -> bool:
        """Whether there is a person beside a robot of theirs."""
        return any({"person", "robot"} <= lane.layers for lane in self.lanes)

    @property
    def _apart_m(self) -> float:
        """How far two lanes stand apart at first; 0 for one."""
        return 2 * max(lane.stand.beside_m for lane in self.lanes) if len(self.lanes) > 1 else 0.0

    def _timeline(self) -> None:
        gui, last = self.server.gui, len(self.clock_s) - 1
        slider = gui.add_slider("Frame", 0, max(last, 1), 1, 0)
        slider.on_update(lambda event: self.seek(int(slider.value), by_slider=True) if event.client else None)
        words = gui.add_html("")
        play = gui.add_button("Play", icon=viser.Icon.PLAYER_PLAY)
        play.on_click(lambda _: self.play(not self._playing))
        step = gui.add_button_group("Step", ("|<", "-10", "-1", "+1", "+10", ">|"))
        step.on_click(lambda _: self._step(step.value))
        speed = gui.add_dropdown("Speed", SPEEDS, initial_value="1")
        self._handles |= {"slider": slider, "words": words, "play": play, "speed": speed}
        for label, key, move in (("Play or pause", "P", ""), ("One frame back", "A", "-1"), ("One frame on", "D", "+1")):
            command = gui.add_command(label, hotkey=key)  # type: ignore[arg-type]
            command.on_trigger(lambda _, move=move: self._step(move) if move else self.play(not self._playing))  # type: ignore[misc]

    def _measure(self) -> None:
        """Measure the motions and show how good they are: after the first picture, so that nobody waits for it."""
        with self._handles["curves"]:
            self._curves()
        with self._handles["jumps"]:
            self._jumps()

    def _curves(self) -> None:
        gui, lanes = self.server.gui, [lane.traces for lane in self.lanes]
        gui.add_html(plots(lanes, self.lanes[0].states, self.frames))
        self._plots_px = height_px(lanes)
        self._handles["cursor"] = gui.add_html(self._cursor(self.drawn))

    def _cursor(self, tick: int) -> str:
        return cursor((tick + 0.5) / len(self.clock_s), self._plots_px)

    def _layers(self) -> None:
        gui, handles, known = self.server.gui, self._handles, frozenset[str]().union(*(lane.layers for lane in self.lanes))
        beside = self.lanes[0].stand.beside_m
        with gui.add_folder("Layers"):
            handles["person"] = gui.add_checkbox("Person", "person" in known, disabled="person" not in known)
            if "robot" in known:
                handles["targets"] = gui.add_checkbox("Targets", False, disabled="targets" not in known)
                handles["robot"] = gui.add_checkbox("Robot", True)
            if self._has_pairs:
                handles["beside"] = gui.add_slider("Person beside, m", 0.0, 2.2 * beside, 0.01, beside)
            if len(self.lanes) > 1:
                handles["apart"] = gui.add_slider("Apart, m", 0.0, 2.2 * self._apart_m, 0.01, self._apart_m)
            handles["follow"] = gui.add_checkbox("Follow", True)
        for name in ("person", "targets", "robot", "beside", "apart", "follow"):
            if name in handles:
                handles[name].on_update(lambda _: self._redraw())

    def _jumps(self) -> None:
        gui, marks = self.server.gui, self._listed()
        if not marks:
            gui.add_markdown("No frame is beyond a bound, unsolved or broken.")
        for lane, mark in marks:
            at = lane.time_s[mark.worst]
            which = f"{'AB'[self.lanes.index(lane)]}: " if len(self.lanes) > 1 else ""
            button = gui.add_button(f"{which}{at:.2f} s: {mark.says}", color=_rgb(COLOURS[mark.kind]))
            tick = int(np.searchsorted(self.clock_s, at - 1e-9))
            button.on_click(lambda _, tick=tick: self.seek(tick))  # type: ignore[misc]

    def _listed(self) -> list[tuple[Lane, Mark]]:
        """The worst marks of all motions, unsolved and broken ones first, in the order of time."""
        order = ("unsolved", "broken", "reject", "unseen", "review")
        every = [(lane, mark) for lane in self.lanes for mark in lane.marks]
        every.sort(key=lambda pair: (order.index(pair[1].kind), -pair[1].severity))
        return sorted(every[:_LISTED_N], key=lambda pair: pair[0].time_s[pair[1].start])

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

    def _redraw(self) -> None:
        self._stale = True
        self._wake.set()

    def choice(self) -> Choice:
        """What the panel says is to be seen."""
        names = {"person": "person", "targets": "targets", "robot": "robot", "follow": "follow", "beside": "beside_m", "apart": "apart_m"}
        return Choice(**{field: self._handles[name].value for name, field in names.items() if name in self._handles})

    def draw(self, tick: int) -> None:
        """Show a tick of the clock now, as one update."""
        with self._lock, self.server.atomic():
            choice = self.choice()
            for index, lane in enumerate(self.lanes):
                lane.show(int(self.frames[index][tick]), choice, -index * choice.apart_m * self.lanes[0].stand.left)
            self.drawn = tick
            handles = self._handles
            handles["words"].content = self._moment(tick)
            if "cursor" in handles:
                handles["cursor"].content = self._cursor(tick)
            if self._leads:
                handles["slider"].value = tick

    def _moment(self, tick: int) -> str:
        lane, frame = self.lanes[0], int(self.frames[0][tick])
        state = f' <b style="color:{COLOURS["unsolved"]}">{lane.absent_says}</b>' if lane.absent[frame] else ""
        style = "font:12px sans-serif;color:#555;margin-left:4px"
        return f'<div style="{style}">{self.clock_s[tick]:.2f} s of {self.clock_s[-1]:.2f} s, frame {frame}{state}</div>'

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

    def close(self) -> None:
        """Stop serving."""
        self._measuring.join()
        close_server(self.server)

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _floor_lines() -> Array:
    """(N, 2, 3) a net of lines on the floor. A grid with a shader of its own costs a browser without a GPU more than a robot."""
    at = np.arange(-_FLOOR_M, _FLOOR_M + 1)
    far = np.full(len(at), float(_FLOOR_M))
    along = np.stack([np.stack([-far, at, 0 * far], 1), np.stack([far, at, 0 * far], 1)], 1)
    return np.concatenate([along, along[..., [1, 0, 2]]])


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
