"""The page in a real browser, without a screen."""

from __future__ import annotations

import io
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page as Tab
from playwright.sync_api import sync_playwright

from retarget.view.lineage import load_shown
from retarget.view.page import Page
from robots.page.server import open_server
from tests.retarget.view.conftest import BROKEN_FRAME
from tests.retarget.view.test_command import free_port

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox --disable-gpu --use-angle=swiftshader --enable-unsafe-swiftshader --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()
PATIENCE_S = 15.0
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine; scripts/system_libraries.sh browser installs it")


class Open:
    """A page that is served, and the tab that shows it."""

    def __init__(self, page: Page, tab: Tab) -> None:
        self.page, self.tab = page, tab
        self.complaints: list[str] = []
        tab.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))

    def picture(self) -> np.ndarray:
        """The scene (height, width, 3) without the panel."""
        shot = Image.open(io.BytesIO(self.tab.screenshot(clip={"x": 0, "y": 170, "width": 560, "height": 420})))
        return np.asarray(shot.convert("RGB"), int)

    def differs(self, before: np.ndarray, least: float = 0.002) -> None:
        """Wait until the scene is another one than `before`."""
        eventually(lambda: float((np.abs(self.picture() - before).max(2) > 24).mean()) > least)


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "it never did"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def opened(studio: Path) -> Iterator[Open]:
    stopped = threading.Event()
    with Page([load_shown(studio / "motions" / "clip.npz")], open_server(port=free_port())) as page:
        serving = threading.Thread(target=page.player.run, args=(stopped.is_set,))
        serving.start()
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                tab = browser.new_page(viewport={"width": 1000, "height": 700})
                opened = Open(page, tab)
                tab.goto(f"http://127.0.0.1:{page.server.get_port()}")
                tab.get_by_role("button", name="Play", exact=True).wait_for()
                eventually(lambda: opened.picture().std() > 5)
                yield opened
                browser.close()
        finally:
            stopped.set()
            serving.join()


def test_the_page_shows_person_and_robot_and_complains_of_nothing(opened: Open) -> None:
    eventually(lambda: orange(opened.picture()) > 0.001)
    assert opened.complaints == []
    assert opened.tab.get_by_text("on g1").count() == 1


def orange(picture: np.ndarray) -> float:
    """Share of the scene in the person's colours."""
    red, green, blue = np.moveaxis(picture, 2, 0)
    return float(((red > 180) & (red - blue > 70) & (green < red)).mean())


@pytest.mark.parametrize("layer", ["Person", "Targets", "Robot"])
def test_layers_can_be_switched(opened: Open, layer: str) -> None:
    box = opened.tab.get_by_label(layer, exact=True)
    before, was = opened.picture(), box.is_checked()
    box.click()
    opened.differs(before, 0.0005)
    assert box.is_checked() != was
    middle = opened.picture()
    box.click()
    opened.differs(middle, 0.0005)


def test_the_slider_and_the_buttons_move_the_time(opened: Open) -> None:
    tab, page = opened.tab, opened.page
    slider = tab.get_by_role("slider").first
    slider.focus()
    for _ in range(3):
        slider.press("ArrowRight")
    eventually(lambda: page.player.drawn == 3)
    tab.get_by_role("button", name="+10", exact=True).click()
    eventually(lambda: page.player.drawn == 13)
    tab.get_by_text("frame 13").wait_for()
    tab.get_by_role("button", name=">|", exact=True).click()
    eventually(lambda: page.player.drawn == len(page.clock_s) - 1)


def test_keys_step_through_the_frames(opened: Open) -> None:
    opened.page.player.seek(7)
    eventually(lambda: opened.page.player.drawn == 7)
    opened.tab.locator("body").press("d")
    eventually(lambda: opened.page.player.drawn == 8)
    opened.tab.locator("body").press("a")
    eventually(lambda: opened.page.player.drawn == 7)


def test_a_button_leads_to_what_is_broken(opened: Open) -> None:
    opened.tab.get_by_role("tab", name="Look at").click()
    opened.tab.get_by_role("button", name="recording broken").click()
    eventually(lambda: opened.page.player.drawn == BROKEN_FRAME)


def test_playing_moves_on_and_stops(opened: Open) -> None:
    tab, page = opened.tab, opened.page
    page.player.seek(0)
    eventually(lambda: page.player.drawn == 0)
    tab.get_by_role("button", name="Play", exact=True).click()
    eventually(lambda: page.player.drawn > 5)
    tab.get_by_role("button", name="Pause", exact=True).click()
    tab.get_by_role("button", name="Play", exact=True).wait_for()
    at = page.player.drawn
    time.sleep(0.3)
    assert page.player.drawn == at


def test_card_and_origin_can_be_read(opened: Open) -> None:
    opened.tab.get_by_role("tab", name="Card").click()
    opened.tab.get_by_text("limb direction p95").wait_for()
    opened.tab.get_by_role("tab", name="Origin").click()
    opened.tab.get_by_text("consent: not a person").wait_for()
    assert opened.complaints == []
