"""The viewer against its bars, in Chromium without a screen or a GPU: `python -m benchmarks.view [--only STAGE]`."""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import dataclasses
import io
import shutil
import socket
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.table import Row, data_folder, run
from motion.human import HumanMotion
from motion.resample import resample_human
from retarget.pipeline import RetargetSettings, retarget_file
from retarget.problem import SolverSettings
from retarget.sources.base import read_recording
from retarget.view import page as viewer
from retarget.view.lane import RobotLane
from retarget.view.lineage import load_shown
from robots import load_robot
from robots.page.server import open_server
from robots.robot import Robot

CLIP_S = 120.0
ROBOTS = ("g1_dex3", "alex_psyonic")
WATCH_S = 4.0
FLAGS = (
    "--no-sandbox --disable-gpu --use-angle=swiftshader --enable-unsafe-swiftshader --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()
SHOWN_PER_S = """async (seconds) => {
  const leaf = d => !d.children.length && / s of /.test(d.textContent);
  const words = () => [...document.querySelectorAll('div')].filter(leaf).pop()?.textContent;
  let shown = 0, last = words();
  const start = performance.now();
  while (performance.now() - start < 1000 * seconds) {
    await new Promise(requestAnimationFrame);
    const now = words();
    if (now !== last) { shown++; last = now; }
  }
  return shown / seconds;
}"""
"""How many frames of the motion the browser shows per second: counted whenever it has drawn."""


@cache
def motion(robot: str, rate_hz: float) -> Path:
    """A robot's motion of 120 s, made from a clip that goes to and fro, the recording beside it."""
    folder = Path(mkdtemp(prefix="view-"))
    clip = read_recording(sorted((data_folder() / "body" / "bandai_namco").glob("*walk_normal*.bvh"))[0]).motion
    resample_human(_lengthened(clip), rate_hz).save(folder / "clip.npz")
    settings = RetargetSettings(solver=SolverSettings(method="streaming"), self_contact=False)
    retarget_file(folder / "clip.npz", robot, folder / "motion.npz", settings)
    return folder / "motion.npz"


def _lengthened(clip: HumanMotion) -> HumanMotion:
    frames = int(CLIP_S * clip.rate_hz) + 1
    there_and_back = np.r_[np.arange(len(clip.time_s)), np.arange(len(clip.time_s) - 2, 0, -1)]
    rows = np.resize(there_and_back, frames)
    assert clip.segment_wxyz is not None
    return dataclasses.replace(
        clip,
        time_s=np.arange(frames) / clip.rate_hz,
        position_m=clip.position_m[rows],
        confidence=clip.confidence[rows],
        segment_wxyz=clip.segment_wxyz[rows],
        objects={},
        signals={},
        labels=(),
    )


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser without a screen."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        sys.exit("no Chromium on this machine")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def open_tab(chromium: Browser, port: int) -> Page:
    """A tab with the page, once the robot is to be seen."""
    tab = chromium.new_page(viewport={"width": 1280, "height": 800})
    tab.goto(f"http://127.0.0.1:{port}")
    tab.get_by_role("button", name="Play", exact=True).wait_for()
    while np.asarray(Image.open(io.BytesIO(tab.screenshot(clip={"x": 100, "y": 170, "width": 600, "height": 500}))), int).std() < 15:
        time.sleep(0.02)
    return tab


def load() -> list[Row]:
    """From the command to the first picture: the server's start, and the browser's, which is open already."""
    rows = []
    with browser() as chromium:
        for robot, rate_hz in ((ROBOTS[0], 30.0), (ROBOTS[1], 30.0), (ROBOTS[0], 120.0)):
            server_s, picture_s = _load_seconds(chromium, motion(robot, rate_hz))
            name = f"2 minutes at {rate_hz:g} Hz, {robot}"
            note = f"server {server_s:.2f} s, then first picture {picture_s:.2f} s"
            rows.append(Row(f"load {name}", server_s + picture_s, 5.0, "s", at_least=False, note=note))
    return rows


def _load_seconds(chromium: Browser, path: Path) -> tuple[float, float]:
    port = free_port()
    begun = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "retarget", "view", str(path), f"port={port}"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        while "Ctrl-C" not in server.stdout.readline():
            assert server.poll() is None, "the viewer ended"
        ready = time.perf_counter()
        open_tab(chromium, port).close()
        seen = time.perf_counter()
        server.terminate()
    return ready - begun, seen - ready


def scrub() -> list[Row]:
    """How many frames per second server and browser show while the time is dragged to and fro, and what one costs the server."""
    rows = []
    for robot in ROBOTS:
        shown_per_s, update_ms = _scrubbed(motion(robot, 30.0))
        rows += [
            Row(f"scrub, {robot}", shown_per_s, 20.0, "frames/s", note="drawn in software"),
            Row(f"update of one frame, {robot}", update_ms, None, "ms"),
        ]
    return rows


def _scrubbed(path: Path) -> tuple[float, float]:
    stopped = threading.Event()
    with viewer.Page([load_shown(path)], open_server(port=free_port())) as page, browser() as chromium:
        threads = [threading.Thread(target=target) for target in (lambda: page.player.run(stopped.is_set), lambda: _drag(page, stopped))]
        tab = open_tab(chromium, page.server.get_port())
        for thread in threads:
            thread.start()
        time.sleep(1.0)
        shown_per_s = float(tab.evaluate(SHOWN_PER_S, WATCH_S))
        stopped.set()
        for thread in threads:
            thread.join()
        begun = time.perf_counter()
        for tick in range(100):
            page.player.draw(7 * tick)
        return shown_per_s, 10 * (time.perf_counter() - begun)


def _drag(page: viewer.Page, stopped: threading.Event) -> None:
    """Drag the time to and fro, 60 times a second."""
    while not stopped.wait(1 / 60):
        page.player.seek(int(abs((time.perf_counter() * 0.4) % 2 - 1) * (len(page.clock_s) - 1)))


def hands() -> list[Row]:
    """Links of both hands that the robot's description gives a shape, and how many of those have a mesh on the page."""
    rows = []
    for name in ROBOTS:
        robot = load_robot(name)
        links = _finger_links(robot)
        with viewer.Page([load_shown(motion(name, 30.0))], open_server(port=free_port())) as page:
            lane = page.lanes[0]
            assert isinstance(lane, RobotLane)
            drawn = links & set(lane.robot.skin.links)
        rows.append(Row(f"links of both hands that are drawn, {name}", len(drawn), len(links)))
    return rows


def _finger_links(robot: Robot) -> set[str]:
    """Links between a wrist and its fingertips, both included, that have a shape in the URDF."""
    root = ElementTree.parse(robot.urdf).getroot()
    parent = {joint.find("child").get("link"): joint.find("parent").get("link") for joint in root.findall("joint")}  # type: ignore[union-attr]
    shaped = {link.get("name", "") for link in root.findall("link") if link.find("visual") is not None}
    links = set()
    for mark, point in robot.landmarks.items():
        wrist = robot.landmarks.get(f"{mark.split('_')[0]}_wrist")
        link: str | None = point.frame
        while mark.endswith("_tip") and link is not None and wrist is not None and link != wrist.frame:
            links.add(link)
            link = parent.get(link)
    return links & shaped


STAGES = {"load": load, "scrub": scrub, "hands": hands}

if __name__ == "__main__":
    run("view", STAGES)
