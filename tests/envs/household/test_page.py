"""The page of a demonstration: what is where at which time, and, in a real browser, that it can be seen and played."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from envs.household.page import Page, force_plot
from envs.household.view_command import main
from motion.arguments import CommandError
from motion.demonstration import Demonstration
from motion.errors import FileFormatError, UnknownNameError
from motion.transform import Array
from robots.kinematics import Kinematics
from robots.page.server import open_server
from tests.envs.household.small_chore import BEADS, SmallChore
from tests.retarget.view.test_browser import CHROMIUM, FLAGS, eventually
from tests.retarget.view.test_command import REPO, free_port

REACHED = 12


@pytest.fixture(scope="module")
def page(shown: Demonstration, small: SmallChore) -> Iterator[Page]:
    """A demonstration whose stage is reached in step 12, and whose things rise by 1 cm a step."""
    signals = risen(shown.signals, small)
    signals["stage_reached"] = (np.arange(len(shown.actions)) >= REACHED)[:, None].astype(float)
    with Page(replace(shown, signals=signals, success=True), small, open_server(port=free_port())) as page:
        yield page


def risen(signals: Mapping[str, np.ndarray], small: SmallChore) -> dict[str, np.ndarray]:
    rise = 0.01 * np.arange(len(signals["progress"]))[:, None]
    things, beads = signals["thing_position_m"].copy(), signals["bead_position_m"].copy()
    things[:, [small.listing.things.index(name) for name in ("mug", "box", "cupboard", "door")], 2] += rise
    beads[..., 2] += rise
    return {**signals, "thing_position_m": things, "bead_position_m": beads}


def place(page: Page, name: str) -> Array:
    handle = page.server.scene.get_handle_by_name(name)
    assert handle is not None
    return np.array(handle.position)


def test_things_and_links_are_where_they_were(page: Page, small: SmallChore) -> None:
    model, shown = page._posed.model, page.demonstration
    for step in (0, 10):
        page.player.draw(step)
        for column, name in enumerate(small.listing.things):
            wanted = shown.signals["thing_position_m"][step, column]
            assert place(page, f"/things/{model.body(f'thing/{name}').id}") == pytest.approx(wanted, abs=1e-4), name
        (batch, members), *others = page._things._beads._batches
        assert not others
        assert len(members) == BEADS
        assert np.array(batch.batched_positions) == pytest.approx(shown.signals["bead_position_m"][step], abs=1e-4)
        joints, base = shown.signals["joint_position_rad"][step], small.station.T_world_base
        link = small.robot.landmarks["right_wrist"].frame
        wanted = Kinematics(small.robot).frame_poses([link], joints[None], base[None])[0].position_m[0]
        assert np.array(page._skin.bones[page._skin.links.index(link)].position) == pytest.approx(wanted, abs=1e-4)


def test_stages_turn_when_they_are_reached(page: Page) -> None:
    page.player.draw(REACHED - 1)
    assert "○ lifted" in page._stages.content
    assert "none yet" in page._says(REACHED - 1)
    page.player.draw(REACHED)
    assert "● lifted" in page._stages.content
    assert page._first_reached() == [("lifted", REACHED)]


def test_it_looks_from_another_camera(page: Page) -> None:
    stood = np.array(page.server.initial_camera.position)
    page._look_from("shoulder")
    assert np.linalg.norm(np.array(page.server.initial_camera.position) - stood) > 0.5


def test_forces_are_drawn_to_scale() -> None:
    plot = force_plot(np.array([[0.0, 0.0], [10.0, 5.0]]))
    assert "0 .. 11 N" in plot
    assert "750.0,9.1" in plot  # the left hand's 10 of 11 N, in the second of two columns
    assert "750.0,54.5" in plot
    assert "nan" not in force_plot(np.full((3, 2), np.nan))


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine; scripts/system_libraries.sh browser installs it")
def test_a_browser_shows_it_and_plays_it(page: Page) -> None:
    stopped, complaints = threading.Event(), list[str]()
    serving = threading.Thread(target=page.player.run, args=(stopped.is_set,))
    serving.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            tab = browser.new_page(viewport={"width": 1000, "height": 700})
            tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
            tab.goto(f"http://127.0.0.1:{page.server.get_port()}")

            def colours() -> np.ndarray:
                shot = Image.open(io.BytesIO(tab.screenshot(clip={"x": 0, "y": 170, "width": 560, "height": 500})))
                return np.asarray(shot.convert("RGB"), int).reshape(-1, 3)

            tab.get_by_role("button", name="lifted").click()
            eventually(lambda: page.player.drawn == REACHED)
            tab.get_by_text("● lifted").wait_for()
            for channel in (0, 2):  # the red box and the blue mug
                eventually(lambda channel=channel: (colours()[:, channel] - np.delete(colours(), channel, 1).max(1) > 60).sum() > 30)
            page.player.seek(0)
            eventually(lambda: page.player.drawn == 0)
            tab.get_by_role("button", name="Play", exact=True).click()
            eventually(lambda: page.player.drawn > 2)
            browser.close()
    finally:
        stopped.set()
        serving.join()
    assert complaints == []


def test_the_command_refuses_wrong_words(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'port'"):
        main(["a.npz", "prt=8080"])
    with pytest.raises(FileFormatError, match="no such file"):
        main([str(tmp_path / "none.npz")])
    with pytest.raises(CommandError, match="2 files"):
        main(["a.npz", "b.npz"])


def test_the_door_serves_until_ctrl_c(tidied: Path) -> None:
    words = [sys.executable, "-m", "envs", "view", str(tidied), f"port={free_port()}"]
    environment = {**os.environ, "PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    heeded = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # also where the tests themselves run in the background
    with subprocess.Popen(words, env=environment, text=True, preexec_fn=heeded, **pipes) as running:
        assert running.stdout is not None
        assert any("Ctrl-C ends it" in line for line in iter(running.stdout.readline, ""))
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=20)
    assert (running.returncode, said) == (0, "")
