"""Live: the same joints as streaming over the whole recording, bounds kept whatever comes in, and no jump at the start."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from motion.errors import MotionError, ShapeError
from motion.human import HumanMotion
from retarget.body_map import BodyMap, body_map
from retarget.live import LiveFrame, LiveRetargeter, LiveSettings
from retarget.problem import SolverSettings
from retarget.solve import solve
from retarget.sources.base import read_recording
from retarget.targets import build_targets
from robots import load_robot
from tests.motion.bodies import still_person
from tests.retarget.test_inspect import waving

STREAMING = SolverSettings(method="streaming", stream_contact=0.0)  # which foot stands is not known live


@pytest.fixture(scope="module")
def g1() -> BodyMap:
    return body_map(load_robot("g1"))


def pushed(live: LiveRetargeter, human: HumanMotion) -> list[LiveFrame]:
    return [live.push(*frame) for frame in zip(human.time_s, human.position_m, human.confidence, strict=True)]


def joints_of(frames: list[LiveFrame]) -> np.ndarray:
    return np.array([frame.joint_position_rad for frame in frames])


def within_bounds(body: BodyMap, frames: list[LiveFrame], share: float = 1.0) -> None:
    """Speed and acceleration (as in retarget/limits.py) over all frames, solved or not."""
    joints, dt = joints_of(frames), np.diff([frame.time_s for frame in frames])[:, None]
    speed = np.diff(joints, axis=0) / dt
    acceleration = np.diff(speed, axis=0) / ((dt[1:] + dt[:-1]) / 2)
    assert (joints >= body.robot.lower_rad).all()
    assert (joints <= body.robot.upper_rad).all()
    assert (np.abs(speed) <= share * body.robot.speed_radps).all()
    assert (np.abs(acceleration) <= share * body.robot.acceleration_radps2).all()


@pytest.mark.parametrize("name", ["g1", "g1_dex3", "allegro_right"])
def test_frame_by_frame_is_streaming_over_the_whole_recording(name: str) -> None:
    """With the recording as its own calibration every measure is the same, and so is every bit; nothing later was needed."""
    body, human = body_map(load_robot(name)), waving(50, 50.0, 3.0)
    whole, _ = solve(body, build_targets(body, human), STREAMING)
    frames = pushed(LiveRetargeter(body, human, LiveSettings(jump_in=True)), human)
    np.testing.assert_array_equal(joints_of(frames), whole.joint_position_rad)
    np.testing.assert_array_equal([frame.T_world_base.position_m for frame in frames], whole.T_world_base.position_m)
    np.testing.assert_array_equal([frame.observed for frame in frames], whole.observed)


def test_a_real_kick_with_another_recordings_calibration(g1: BodyMap, bandai: list[Path]) -> None:
    """Measures from the first second alone: lengths are medians of fewer frames, so the robot differs by a few mrad."""
    clip = next(path for path in bandai if "kick" in path.stem)
    human = dataclasses.replace(read_recording(clip).motion, segments=(), segment_wxyz=None)
    whole, _ = solve(g1, build_targets(g1, human), STREAMING)
    frames = pushed(LiveRetargeter(g1, human.slice(slice(0, 60)), LiveSettings(jump_in=True)), human)
    assert all(frame.solved for frame in frames)
    difference = np.abs(joints_of(frames) - whole.joint_position_rad)
    assert np.median(difference) < 0.005
    assert np.percentile(difference, 99) < 0.15
    within_bounds(g1, frames)


def test_the_robot_moves_from_where_it_is_within_its_bounds(g1: BodyMap) -> None:
    human = still_person(100, 100.0, elbow_rad=1.2)
    start = g1.robot.rest_rad + np.where(np.arange(29) % 2, 0.2, -0.2).clip(g1.robot.lower_rad - g1.robot.rest_rad, None)
    start = np.clip(start, g1.robot.lower_rad, g1.robot.upper_rad)
    slow = LiveSettings(solver=SolverSettings(speed_scale=0.2, acceleration_scale=0.2))
    frames = pushed(LiveRetargeter(g1, human, slow, start), human)
    assert np.abs(frames[0].joint_position_rad - start).max() <= 0.2 * g1.robot.speed_radps.max() / 100
    within_bounds(g1, frames, 0.2)
    settled = pushed(LiveRetargeter(g1, human, dataclasses.replace(slow, jump_in=True)), human)
    assert np.abs(joints_of(frames) - joints_of(settled))[80:].max() < 0.02  # as far as steps count as converged


def test_bounds_hold_over_lost_frames_and_a_clock_that_stutters(g1: BodyMap) -> None:
    """Frames come at random times, some show nobody; whatever the robot is told then, joints come to rest and go on."""
    human = waving(120, 60.0, 6.0)
    rng = np.random.default_rng(0)
    lost = np.zeros(120, bool)
    lost[40:52] = lost[80] = True
    position = np.where(lost[:, None, None], np.nan, human.position_m)
    time = np.cumsum(np.where(np.arange(120) == 100, 0.8, rng.uniform(0.004, 0.03, 120)))
    jumpy = dataclasses.replace(human, time_s=time, position_m=position)
    solver = SolverSettings(speed_scale=0.3, acceleration_scale=0.1)
    frames = pushed(LiveRetargeter(g1, human, LiveSettings(solver=solver)), jumpy)
    within_bounds(g1, frames, 0.3)
    dt = np.diff(time)[:, None]
    acceleration = np.diff(np.diff(joints_of(frames), axis=0) / dt, axis=0) / ((dt[1:] + dt[:-1]) / 2)
    assert (np.abs(acceleration) <= 0.1 * g1.robot.acceleration_radps2 * (1 + 1e-9)).all()
    np.testing.assert_array_equal([frame.solved for frame in frames], ~lost)
    assert not any(frame.observed.any() for frame, gone in zip(frames, lost, strict=True) if gone)
    moving = np.abs(np.diff(joints_of(frames)[40:52], axis=0)).max(1)
    assert moving[-1] < 1e-9, "at rest by the end of the gap"


def test_after_a_long_silence_nothing_leaps(g1: BodyMap) -> None:
    """The robot stood for 5 s while no frame came: it goes no further in the next than it could in 0.1 s from rest."""
    human = waving(60, 60.0, 3.0)
    raised = still_person(1, elbow_rad=1.5)
    solver = SolverSettings(speed_scale=0.1)
    live = LiveRetargeter(g1, human, LiveSettings(solver=solver))
    before = pushed(live, human)[-1]
    after = live.push(human.time_s[-1] + 5.0, raised.position_m[0])
    gone = np.abs(after.joint_position_rad - before.joint_position_rad)
    assert after.solved
    assert (gone <= 0.1 * g1.robot.speed_radps * 0.1 + 1e-9).all()
    assert gone.max() > 0.01


def test_nothing_is_given_away_before_the_first_frame_that_shows_somebody(g1: BodyMap) -> None:
    human = still_person(30, elbow_rad=0.5)
    live = LiveRetargeter(g1, human)
    nobody = live.push(0.0, np.full((len(human.landmarks), 3), np.nan))
    assert not nobody.solved
    np.testing.assert_array_equal(nobody.joint_position_rad, g1.robot.rest_rad)
    assert live.push(0.02, human.position_m[0]).solved


def test_an_arm_out_of_view_is_said_to_be_inferred(g1: BodyMap) -> None:
    human = still_person(60, elbow_rad=1.0)
    hidden = [
        index for index, name in enumerate(human.landmarks) if name.startswith(("left_elbow", "left_wrist")) or name[:10] == "left_thumb"
    ]
    position = human.position_m.copy()
    position[20:, hidden] = np.nan
    frames = pushed(LiveRetargeter(g1, human), dataclasses.replace(human, position_m=position))
    seen = {name: frames[-1].observed[index] for index, name in enumerate(g1.robot.joint_names)}
    assert frames[-1].solved
    assert (seen["left_elbow_joint"], seen["right_elbow_joint"]) == (False, True)
    assert frames[0].observed[g1.robot.joint_names.index("left_elbow_joint")]


def test_a_bone_that_is_stretched_is_not_followed(g1: BodyMap) -> None:
    human = still_person(30, elbow_rad=1.0)
    live = LiveRetargeter(g1, human)
    good = pushed(live, human)[-1]
    wrong = human.position_m[0].copy()
    wrong[human.landmarks.index("right_wrist")] += [0.5, 0.0, 0.5]
    frame = live.push(0.6, wrong)
    assert np.abs(frame.joint_position_rad - good.joint_position_rad).max() < 0.05


@pytest.mark.parametrize("time_s", [0.5, 0.4, np.nan])
def test_a_clock_that_does_not_rise_is_refused_and_harms_nothing(g1: BodyMap, time_s: float) -> None:
    human = still_person(10)
    live = LiveRetargeter(g1, human)
    live.push(0.5, human.position_m[0])
    with pytest.raises(MotionError, match="time has to rise"):
        live.push(time_s, human.position_m[0])
    assert live.push(0.6, human.position_m[0]).solved


def test_what_does_not_fit_the_calibration_is_refused(g1: BodyMap) -> None:
    human = still_person(10)
    live = LiveRetargeter(g1, human)
    with pytest.raises(ShapeError, match="calibration's landmarks want"):
        live.push(0.0, human.position_m[0, :5])
    with pytest.raises(ShapeError, match="confidence is"):
        live.push(0.0, human.position_m[0], np.ones(3))
    with pytest.raises(MotionError, match="one frame tells no frame rate"):
        LiveRetargeter(g1, human.slice(slice(0, 1)))
