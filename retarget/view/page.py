"""The page: a scene, a clock, and a panel with everything that is known of the motions."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import viser

from retarget.view.lane import Choice, Lane, lane_of
from retarget.view.lineage import Shown
from retarget.view.places import clock_of
from retarget.view.plots import COLOURS, LANES, cursor, height_px, plots
from retarget.view.recording import Recording
from retarget.view.traces import Mark
from robots.page.player import Player
from robots.page.server import close_server
from robots.page.stage import add_floor, aim

_LISTED_N = 24


class Page:
    """One or two motions or recordings in a browser. Close it, or use it in a `with` block.

    Args:
        shown: what is to be seen.
        server: from `robots.page.server.open_server`; browsers may be connected to it already.

    Attributes:
        player: the clock that it shows.
    """

    def __init__(self, shown: Sequence[Shown | Recording], server: viser.ViserServer) -> None:
        self.server = server
        self.lanes = [lane_of(self.server.scene, f"/{'ab'[index]}", item) for index, item in enumerate(shown)]
        self.clock_s, self.frames = clock_of([lane.time_s for lane in self.lanes])
        self._handles: dict[str, Any] = {}
        self._plots_px = 0
        self._build()
        self.player.draw(0)
        self._measuring = threading.Thread(target=self._measure)
        self._measuring.start()

    def _build(self) -> None:
        gui = self.server.gui
        self._stage()
        gui.add_markdown("  \n".join(self._headline(index) for index in range(len(self.lanes))))
        self.player = Player(self.server, self.clock_s, self._show, self._moment)
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
            add_floor(scene, "/a/floor")
        beside, apart = stand.beside_m if self._has_pairs else 0.0, self._apart_m
        middle = (beside - apart) * stand.left / 2 + stand.middle_m
        away = 2.2 * (stand.size_m + 0.6 * (beside + apart)) * (np.cos(0.4) * stand.forward - np.sin(0.4) * stand.left + [0, 0, 0.2])
        aim(self.server, middle + away, middle)

    @property
    def _has_pairs(self) -> bool:
        """Whether there is a person beside a robot of theirs."""
        return any({"person", "robot"} <= lane.layers for lane in self.lanes)

    @property
    def _apart_m(self) -> float:
        """How far two lanes stand apart at first; 0 for one."""
        return 2 * max(lane.stand.beside_m for lane in self.lanes) if len(self.lanes) > 1 else 0.0

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
        self._handles["cursor"] = gui.add_html(self._cursor(self.player.drawn))

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
                handles[name].on_update(lambda _: self.player.redraw())

    def _jumps(self) -> None:
        gui, marks = self.server.gui, self._listed()
        if not marks:
            gui.add_markdown("No frame is beyond a bound, unsolved or broken.")
        for lane, mark in marks:
            at = lane.time_s[mark.worst]
            which = f"{'AB'[self.lanes.index(lane)]}: " if len(self.lanes) > 1 else ""
            button = gui.add_button(f"{which}{at:.2f} s: {mark.says}", color=_rgb(COLOURS[mark.kind]))
            tick = int(np.searchsorted(self.clock_s, at - 1e-9))
            button.on_click(lambda _, tick=tick: self.player.seek(tick))  # type: ignore[misc]

    def _listed(self) -> list[tuple[Lane, Mark]]:
        """The worst marks of all motions, unsolved and broken ones first, in the order of time."""
        order = ("unsolved", "broken", "reject", "unseen", "review")
        every = [(lane, mark) for lane in self.lanes for mark in lane.marks]
        every.sort(key=lambda pair: (order.index(pair[1].kind), -pair[1].severity))
        return sorted(every[:_LISTED_N], key=lambda pair: pair[0].time_s[pair[1].start])

    def choice(self) -> Choice:
        """What the panel says is to be seen."""
        names = {"person": "person", "targets": "targets", "robot": "robot", "follow": "follow", "beside": "beside_m", "apart": "apart_m"}
        return Choice(**{field: self._handles[name].value for name, field in names.items() if name in self._handles})

    def _show(self, tick: int) -> None:
        """Draw a tick of the clock."""
        choice = self.choice()
        for index, lane in enumerate(self.lanes):
            lane.show(int(self.frames[index][tick]), choice, -index * choice.apart_m * self.lanes[0].stand.left)
        if "cursor" in self._handles:
            self._handles["cursor"].content = self._cursor(tick)

    def _moment(self, tick: int) -> str:
        lane, frame = self.lanes[0], int(self.frames[0][tick])
        state = f' <b style="color:{COLOURS["unsolved"]}">{lane.absent_says}</b>' if lane.absent[frame] else ""
        return f"{self.clock_s[tick]:.2f} s of {self.clock_s[-1]:.2f} s, frame {frame}{state}"

    def close(self) -> None:
        """Stop serving."""
        self._measuring.join()
        close_server(self.server)

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
