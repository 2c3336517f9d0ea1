"""The page's server side: what is where at which time."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from motion.resample import resample_robot
from motion.transform import Transform
from retarget.view.lane import RobotLane
from retarget.view.lineage import Shown, load_shown
from retarget.view.page import Page
from retarget.view.places import clock_of
from robots.page.server import open_server
from tests.retarget.view.test_command import free_port

LOST = 20


@pytest.fixture(scope="module")
def shown(studio: Path) -> Shown:
    return load_shown(studio / "motions" / "clip.npz")


@pytest.fixture(scope="module")
def page(shown: Shown) -> Iterator[Page]:
    """Two motions: one with a frame lost, and the same at half the rate."""
    motion = shown.motion
    solved, joints, base = motion.solved.copy(), motion.joint_position_rad.copy(), motion.T_world_base.position_m.copy()
    solved[LOST], joints[LOST], base[LOST] = False, np.nan, np.nan
    pose = Transform(base, np.where(solved[:, None], motion.T_world_base.wxyz, np.nan))
    lost = dataclasses.replace(motion, solved=solved, joint_position_rad=joints, T_world_base=pose)
    slow = resample_robot(dataclasses.replace(motion, observed=None, contacts={}), 30.0)
    pair = [dataclasses.replace(shown, motion=lost), dataclasses.replace(shown, motion=slow, human=None, targets=None, inspection=None)]
    with Page(pair, open_server(port=free_port())) as page:
        yield page


def lane_of(page: Page, index: int = 0) -> RobotLane:
    lane = page.lanes[index]
    assert isinstance(lane, RobotLane)
    return lane


def node(page: Page, name: str) -> Transform:
    """Where a node stands in its parent."""
    handle = page.server.scene.get_handle_by_name(name)
    assert handle is not None
    return Transform(np.array(handle.position), np.array(handle.wxyz))


def test_links_are_where_kinematics_puts_them(page: Page) -> None:
    page.player.draw(50)
    for index in range(2):
        lane = lane_of(page, index)
        motion, frame = lane.shown.motion, int(page.frames[index][50])
        rows = slice(frame, frame + 1)
        links = ["pelvis", "left_wrist_yaw_link"]
        poses = lane.shown.body.kinematics.frame_poses(links, motion.joint_position_rad[rows], motion.T_world_base[rows])[0]
        for link, position, wxyz in zip(links, poses.position_m, poses.wxyz, strict=True):
            bone = lane.robot.skin.bones[lane.robot.skin.links.index(link)]
            np.testing.assert_allclose(bone.position, position, atol=1e-6)
            assert abs(float(bone.wxyz @ wxyz)) == pytest.approx(1)


def test_a_frame_without_a_pose_shows_no_robot_but_the_person(page: Page) -> None:
    page.player.draw(LOST)
    assert not lane_of(page).robot.node.visible
    assert lane_of(page).person is not None
    assert lane_of(page).person.node.visible
    assert lane_of(page, 1).robot.node.visible
    page.player.draw(LOST + 1)
    assert lane_of(page).robot.node.visible


def test_the_camera_follows_and_the_second_robot_stands_aside(page: Page) -> None:
    page.player.draw(50)
    first, second = node(page, "/a").position_m, node(page, "/b").position_m
    base = lane_of(page).shown.motion.T_world_base.position_m[50]
    np.testing.assert_allclose(first[:2], -base[:2], atol=1e-6)
    assert np.linalg.norm((second - first)[:2]) == pytest.approx(1.8, abs=0.02)


def test_the_person_stands_on_the_floor_beside_the_robot(page: Page) -> None:
    lane = lane_of(page)
    assert lane.person is not None
    human, shift = lane.shown.human, lane.shift(50)
    assert human is not None
    hips = (human.point("left_hip") + human.point("right_hip"))[50] / 2 + shift
    np.testing.assert_allclose(hips[:2], lane.shown.motion.T_world_base.position_m[50][:2], atol=1e-6)
    toes = min(float((human.point(f"{side}_toe")[50] + shift)[2]) for side in ("left", "right"))
    assert abs(toes) < 0.02


def test_the_latest_wish_is_drawn_and_playing_moves_on(page: Page) -> None:
    stopped = threading.Event()
    serving = threading.Thread(target=page.player.run, args=(stopped.is_set,))
    serving.start()
    try:
        for tick in range(40):
            page.player.seek(tick)
        _until(lambda: page.player.drawn == 39)
        page.player.play(True)
        _until(lambda: page.player.drawn > 45)
    finally:
        page.player.play(False)
        stopped.set()
        serving.join()


def _until(holds: object) -> None:
    assert callable(holds)
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_motions_of_different_rates_share_a_clock() -> None:
    slow, fast = np.arange(5) / 10, 0.1 + np.arange(41) / 100
    clock, (of_slow, of_fast) = clock_of([slow, fast])
    assert (clock[0], round(float(clock[-1]), 6)) == (0.0, 0.5)
    np.testing.assert_allclose(np.diff(clock), 0.01)
    assert of_slow[[0, 4, 6, 40, 50]].tolist() == [0, 0, 1, 4, 4]
    assert of_fast[[0, 10, 11, 50]].tolist() == [0, 0, 1, 40]


@pytest.mark.parametrize("frames", [slice(5, 6), slice(5, 7)])
@pytest.mark.parametrize("lost", [False, True])
def test_the_shortest_and_the_emptiest_motions_are_shown(shown: Shown, frames: slice, lost: bool) -> None:
    motion, rows = dataclasses.replace(shown.motion, observed=None, contacts={}, objects={}), frames
    joints, base, solved = motion.joint_position_rad[rows].copy(), motion.T_world_base[rows], motion.solved[rows].copy()
    if lost:
        joints[:], solved[:] = np.nan, False
        base = Transform(np.full_like(base.position_m, np.nan), np.full_like(base.wxyz, np.nan))
    short = dataclasses.replace(motion, time_s=motion.time_s[rows], joint_position_rad=joints, T_world_base=base, solved=solved)
    human = None if shown.human is None else shown.human.slice(rows)
    one = dataclasses.replace(shown, motion=short, human=human, targets=None, inspection=None)
    with Page([one], open_server(port=free_port())) as page:
        page.player.seek(99)
        page.player.draw(len(page.clock_s) - 1)
        assert lane_of(page).robot.node.visible is not lost
