"""Streaming: bounds of the output, no knowledge of later frames, the same bits again, and frames that are not there."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from motion.human import HumanMotion
from motion.transform import Array
from retarget.body_map import BodyMap, body_map
from retarget.inspect import inspect
from retarget.measure import MeasureSettings, measure
from retarget.problem import Problem, SolverSettings
from retarget.solve import solve
from retarget.sources.base import read_recording
from retarget.streaming import StreamingSolver, stream
from retarget.targets import Targets, build_targets
from robots import load_robot
from tests.motion.bodies import still_person
from tests.retarget.acting import hugging, violent
from tests.retarget.test_inspect import waving

STREAMING = SolverSettings(method="streaming")


@pytest.fixture(scope="module")
def g1() -> BodyMap:
    return body_map(load_robot("g1"))


def use(joints: Array, time_s: Array) -> tuple[Array, Array]:
    """Largest speed and acceleration (J,) over frames that follow each other, as retarget/limits.py defines them."""
    dt = np.diff(time_s)[:, None]
    speed = np.diff(joints, axis=0) / dt
    acceleration = np.diff(speed, axis=0) / ((dt[1:] + dt[:-1]) / 2)
    return np.nanmax(np.abs(speed), axis=0), np.nanmax(np.abs(acceleration), axis=0)


def streamed(body: BodyMap, human: HumanMotion, settings: SolverSettings = STREAMING) -> Array:
    return solve(body, build_targets(body, human), settings)[0].joint_position_rad


@pytest.mark.parametrize("scales", [(1.0, 1.0), (0.3, 0.3), (0.05, 0.02)])
@pytest.mark.parametrize("name", ["g1", "icub", "alex_psyonic"])
def test_a_violent_person_breaks_no_bound(name: str, scales: tuple[float, float]) -> None:
    body, human = body_map(load_robot(name)), violent()
    found = inspect(human)
    believed = dataclasses.replace(found, broken=np.zeros_like(found.broken))  # such jumps would be refused
    settings = dataclasses.replace(STREAMING, speed_scale=scales[0], acceleration_scale=scales[1])
    joints, *_ = stream(Problem(body, build_targets(body, human, inspection=believed), settings.causal()))
    assert found.broken.any()
    speed, acceleration = use(joints, human.time_s)
    assert (speed <= scales[0] * body.robot.speed_radps).all()
    assert (acceleration <= scales[1] * body.robot.acceleration_radps2 * (1 + 1e-9)).all()
    assert (joints >= body.robot.lower_rad).all()
    assert (joints <= body.robot.upper_rad).all()
    assert np.abs(np.diff(joints, axis=0)).max() <= STREAMING.max_step_rad
    if scales[1] < 0.1:
        assert (acceleration > 0.99 * scales[1] * body.robot.acceleration_radps2).any()  # it did bind


def test_a_real_kick_breaks_no_bound(g1: BodyMap, bandai: list[Path]) -> None:
    human = read_recording(next(path for path in bandai if "kick" in path.stem)).motion
    for scale in (1.0, 0.1):
        settings = dataclasses.replace(STREAMING, speed_scale=scale, acceleration_scale=scale)
        speed, acceleration = use(streamed(g1, human, settings), human.time_s)
        assert (speed <= scale * g1.robot.speed_radps).all()
        assert (acceleration <= scale * g1.robot.acceleration_radps2 * (1 + 1e-9)).all()


def test_what_comes_later_changes_nothing_before(g1: BodyMap) -> None:
    """The same targets up to frame 30, others from there on: the same bits up to frame 30, and others afterwards."""
    targets = build_targets(g1, waving(60, 60.0, 3.0))
    late, wrists = np.arange(60)[:, None, None] >= 30, np.array([name.endswith("wrist") for name in targets.vector_names])[:, None]
    moved = dataclasses.replace(targets, vector_m=targets.vector_m + late * wrists * [0.1, -0.2, 0.05])
    a, b = (stream(Problem(g1, either, STREAMING.causal()))[0] for either in (targets, moved))
    np.testing.assert_array_equal(a[:30], b[:30])
    assert np.abs(a[30:] - b[30:]).max() > 0.05


@pytest.mark.parametrize("name", ["g1_dex3", "allegro_right"])
def test_the_same_bits_again(name: str) -> None:
    body = body_map(load_robot(name))
    targets = build_targets(body, waving(20, 60.0, 3.0))
    a, b = (solve(body, targets, STREAMING)[0] for _ in range(2))
    np.testing.assert_array_equal(a.joint_position_rad, b.joint_position_rad)
    np.testing.assert_array_equal(a.T_world_base.wxyz, b.T_world_base.wxyz)


def without_frames(targets: Targets, frames: slice) -> Targets:
    usable = targets.usable.copy()
    usable[frames] = False
    return dataclasses.replace(targets, usable=usable)


def test_unusable_frames_hold_nan_and_are_bridged_at_bounded_speed(g1: BodyMap) -> None:
    targets = without_frames(build_targets(g1, waving(60, 60.0, 3.0)), slice(20, 26))
    motion, report = solve(g1, targets, dataclasses.replace(STREAMING, speed_scale=0.2))
    assert np.flatnonzero(~motion.solved).tolist() == list(range(20, 26))
    assert np.isnan(motion.joint_position_rad[20:26]).all()
    assert np.isnan(motion.T_world_base.position_m[20:26]).all()
    assert not report.converged[20:26].any()
    assert not report.iterations[20:26].any()
    across = np.abs(motion.joint_position_rad[26] - motion.joint_position_rad[19]) / (targets.time_s[26] - targets.time_s[19])
    assert (across <= 0.2 * g1.robot.speed_radps).all()


def test_nobody_goes_on_as_they_went_for_as_long_as_a_clock_stood_still(g1: BodyMap) -> None:
    targets = build_targets(g1, waving(60, 60.0, 3.0))
    late = dataclasses.replace(targets, time_s=targets.time_s + 10.0 * (np.arange(60) >= 20))
    even, paused = (solve(g1, either, STREAMING)[1] for either in (targets, late))
    assert paused.converged.all()
    np.testing.assert_allclose(paused.residuals["direction_rad"], even.residuals["direction_rad"], atol=0.05)


def test_a_recording_whose_beginning_is_lost_starts_where_it_begins(g1: BodyMap) -> None:
    targets = build_targets(g1, still_person(20, elbow_rad=1.0))
    whole, late = (solve(g1, either, STREAMING)[0] for either in (targets, without_frames(targets, slice(0, 10))))
    assert late.solved.tolist() == [False] * 10 + [True] * 10
    np.testing.assert_allclose(late.joint_position_rad[10:], whole.joint_position_rad[10:], atol=0.02)


def test_a_start_posture_is_left_within_bounds_and_coasting_comes_to_rest(g1: BodyMap) -> None:
    problem = Problem(g1, build_targets(g1, waving(40, 60.0, 4.0)), dataclasses.replace(STREAMING, acceleration_scale=0.05).causal())
    start = np.clip(g1.robot.rest_rad + 0.3, g1.robot.lower_rad, g1.robot.upper_rad)
    solver = StreamingSolver(problem, start, 1 / 60)
    path, times = [start, start], [-2 / 60, -1 / 60]  # it stood there before
    for frame in range(60):
        if frame < 25:
            solver.step_at(frame, frame / 60)
        else:
            solver.coast(frame / 60)
        path.append(solver.joints.copy())
        times.append(frame / 60)
    speed, acceleration = use(np.array(path), np.array(times))
    assert (speed <= g1.robot.speed_radps).all()
    assert (acceleration <= 0.05 * g1.robot.acceleration_radps2 * (1 + 1e-9)).all()
    np.testing.assert_array_equal(path[-1], path[-2])
    assert np.abs(path[26] - path[27]).max() > 1e-3


def test_a_problem_follows_other_targets(g1: BodyMap) -> None:
    """Quickly where the rows are the same, and wholly anew where they are not: either way as if it had been made for them."""
    targets = build_targets(g1, waving(5, 60.0, 4.0))
    settings = dataclasses.replace(STREAMING, stream_contact=0.0).causal()  # what soles do is each problem's own
    problem = Problem(g1, targets, settings)
    arms = [index for index, name in enumerate(waving(5).landmarks) if "elbow" not in name]
    person = waving(5, 60.0, 2.0)
    fewer = dataclasses.replace(
        person,
        landmarks=tuple(person.landmarks[index] for index in arms),
        position_m=person.position_m[:, arms],
        confidence=person.confidence[:, arms],
    )
    for other in (build_targets(g1, person), build_targets(g1, fewer)):
        there = problem.following(other)
        assert (there.terms["ground"] is problem.terms["ground"]) == (other.points == targets.points)
        np.testing.assert_array_equal(stream(there)[0], stream(Problem(g1, other, settings))[0])
        np.testing.assert_array_equal(stream(problem)[0], stream(Problem(g1, targets, settings))[0])


def test_standing_feet_stay_where_they_came_to_stand(bandai: list[Path], g1: BodyMap) -> None:
    """A walk, frame by frame: with contacts the feet hardly slide; without, they follow the person's."""
    human = read_recording(next(path for path in bandai if path.stem == "dataset-1_walk_normal_001")).motion
    targets, slip = build_targets(g1, human), {}
    for weight in (0.0, 200.0):
        motion, _ = solve(g1, targets, dataclasses.replace(STREAMING, stream_contact=weight))
        slip[weight] = measure(g1, human, motion, settings=MeasureSettings(self_contact=False, forces=False)).numbers["slip_mm_s"]
    assert slip[200.0] < 0.25 * slip[0.0]


def test_a_stream_keeps_links_apart_when_asked_to(g1: BodyMap) -> None:
    """An arm that sweeps into the trunk."""
    targets = build_targets(g1, hugging(60, 60.0, 0.05))
    touched = {}
    for weight in (0.0, 150.0):
        motion, _ = solve(g1, targets, dataclasses.replace(STREAMING, stream_self_distance=weight))
        touched[weight] = g1.self_collision.frames(motion.joint_position_rad[motion.solved]).mean()
    assert touched[0.0] > 0.2
    assert touched[150.0] < 0.02
