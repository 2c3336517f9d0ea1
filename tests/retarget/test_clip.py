"""The clip solver: its step against dense algebra, bounds through windows, bad starts, feet that stand, arms that stay outside."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from motion.human import HumanMotion
from motion.robot_motion import RobotMotion
from motion.transform import Array, Transform
from retarget import solve as solving
from retarget.body_map import BodyMap, body_map
from retarget.clip import ClipSolver
from retarget.problem import Problem, SolveReport, SolverSettings
from retarget.solve import solve
from retarget.targets import build_targets
from robots import load_robot
from tests.motion.bodies import still_person
from tests.retarget.acting import hugging, shifting
from tests.retarget.test_inspect import waving
from tests.retarget.test_streaming import use

STREAMING = SolverSettings(method="streaming")


@pytest.fixture(scope="module")
def g1() -> BodyMap:
    return body_map(load_robot("g1"))


def evaluated(body: BodyMap, human: HumanMotion, frozen: int = 0, **settings: float) -> ClipSolver:
    """A solver at a rough posture, some joints at their stops, its normal equations filled."""
    targets, frames = build_targets(body, human), len(human.time_s)
    rng, robot = np.random.default_rng(0), body.robot
    joints = np.clip(robot.rest_rad + rng.normal(0, 0.4, (frames, len(robot.rest_rad))), robot.lower_rad, robot.upper_rad)
    base = Transform.exp(0.1 * rng.normal(size=(frames, 6)))
    base = Transform(base.position_m + [0, 0, robot.base_height_m], base.wxyz)
    solver = ClipSolver(Problem(body, targets, SolverSettings(**settings)), 0, joints, base, frozen)
    solver._evaluate(joints, base)
    return solver


def dense(solver: ClipSolver) -> tuple[Array, Array]:
    """The clip's whole Hessian (S N, S N) and gradient (S N,), from what its terms added."""
    hessian, coupling, dofs = solver._normal.hessian, solver._coupling, solver._dofs
    frames, size = hessian.shape[:2]
    whole = np.zeros((frames, size, frames, size))
    for s in range(frames):
        whole[s, :, s] = np.tril(hessian[s]) + np.tril(hessian[s], -1).T
        for ahead, joints, base in ((1, coupling.after, coupling.base_after), (2, coupling.second, coupling.base_second)):
            if s + ahead < frames:
                block = np.diag(np.r_[np.zeros(dofs), joints[s]])
                block[:dofs, :dofs] = base[s, :dofs, :dofs]
                whole[s + ahead, :, s], whole[s, :, s + ahead] = block, block.T
    return whole.reshape(frames * size, -1), solver._normal.gradient.reshape(-1)


@pytest.mark.parametrize(("name", "frozen"), [("g1", 0), ("g1", 2), ("allegro_right", 0), ("icub", 1)])
def test_the_banded_step_is_the_dense_one(name: str, frozen: int) -> None:
    """Joints at a stop that the gradient pushes against, and frozen frames, stay; all else moves as the whole matrix says."""
    body, human = body_map(load_robot(name)), waving(7, 60.0, 3.0)
    solver = evaluated(body, human, frozen)
    robot, dofs, gradient = body.robot, solver._dofs, solver._normal.gradient
    push = gradient[:, dofs:]
    free = np.ones(gradient.shape, bool)
    free[:, dofs:] = ~((solver.joints <= robot.lower_rad) & (push > 0) | (solver.joints >= robot.upper_rad) & (push < 0))
    free[:frozen] = False
    assert not free[frozen:].all(), "some joint is held"
    damping = np.linspace(0.01, 1.0, len(gradient))
    hessian, slope = dense(solver)
    hessian += np.diag(np.repeat(damping, gradient.shape[1]))
    wanted, own = np.zeros(len(slope)), free.reshape(-1)
    wanted[own] = -np.linalg.solve(hessian[np.ix_(own, own)], slope[own])
    step = solver._step(damping)
    np.testing.assert_allclose(step.reshape(-1), wanted, atol=1e-8 * np.abs(wanted).max())


def test_the_gradient_is_that_of_half_the_cost(g1: BodyMap) -> None:
    """All terms of a clip together, along random directions of all joints and bases at once."""
    solver, rng = evaluated(g1, waving(5, 60.0, 3.0), self_distance=0.0), np.random.default_rng(1)
    gradient, joints, base = solver._normal.gradient.copy(), np.clip(solver.joints, -1, 1), solver.base
    solver._evaluate(joints, base)
    gradient = solver._normal.gradient.copy()
    for _ in range(3):
        way, step = rng.normal(size=gradient.shape), 1e-6
        costs = []
        for sign in (1, -1):
            solver._evaluate(joints + sign * step * way[:, 6:], base @ Transform.exp(sign * step * way[:, :6]))
            costs.append(solver._normal.cost.sum())
        assert (gradient * way).sum() == pytest.approx((costs[0] - costs[1]) / (4 * step), rel=1e-4)


def limbs(report: SolveReport) -> float:
    return float(np.nanmean(report.residuals["direction_rad"]))


def both(body: BodyMap, human: HumanMotion) -> tuple[RobotMotion, SolveReport, SolveReport]:
    """The clip and its report, and that of streaming. Links may meet, as streaming lets them: G1's arms hang in its thighs."""
    targets = build_targets(body, human)
    motion, report = solve(body, targets, SolverSettings(self_distance=0.0))
    return motion, report, solve(body, targets, STREAMING)[1]


@pytest.mark.parametrize("scales", [(1.0, 1.0), (0.1, 0.05)])
def test_bounds_hold_through_windows_without_a_seam(g1: BodyMap, monkeypatch: pytest.MonkeyPatch, scales: tuple[float, float]) -> None:
    human = shifting(150)
    settings = SolverSettings(speed_scale=scales[0], acceleration_scale=scales[1])
    targets = build_targets(g1, human)
    whole, _ = solve(g1, targets, settings)
    monkeypatch.setattr(solving, "WINDOW_N", 70)
    monkeypatch.setattr(solving, "OVERLAP_N", 30)
    parts, _ = solve(g1, targets, settings)
    for motion in (whole, parts):
        assert motion.solved.all()
        joints = motion.joint_position_rad
        speed, acceleration = use(joints, human.time_s)
        assert (joints >= g1.robot.lower_rad).all()
        assert (joints <= g1.robot.upper_rad).all()
        assert (speed <= scales[0] * g1.robot.speed_radps).all()
        assert (acceleration <= scales[1] * g1.robot.acceleration_radps2).all()
    if scales[0] == 1.0:
        difference = np.abs(whole.joint_position_rad - parts.joint_position_rad)
        assert difference.max() < 0.05
        jerk = np.abs(np.diff(parts.joint_position_rad, n=3, axis=0)) * 60**3
        assert jerk.max() < 500  # rad/s3, what a clip may have anywhere


def test_a_gap_is_crossed_at_bounded_speed(g1: BodyMap) -> None:
    """The recording is lost for three frames; what is on either side is solved apart, but it is one robot."""
    targets = build_targets(g1, waving(60, 60.0, 3.0))
    usable = targets.usable.copy()
    usable[30:33] = False
    motion, _ = solve(g1, dataclasses.replace(targets, usable=usable), SolverSettings(speed_scale=0.05))
    assert np.flatnonzero(~motion.solved).tolist() == [30, 31, 32]
    across = np.abs(motion.joint_position_rad[33] - motion.joint_position_rad[29]) / (targets.time_s[33] - targets.time_s[29])
    assert (across <= 0.05 * g1.robot.speed_radps).all()


def test_a_bad_start_ends_where_a_good_one_does(g1: BodyMap) -> None:
    targets = build_targets(g1, shifting(40))
    settings = dataclasses.replace(SolverSettings(), clip_iterations=60, clip_tolerance=1e-4, self_distance=0.0)
    good, _ = solve(g1, targets, settings)
    rest = np.tile(g1.robot.rest_rad, (40, 1))
    base = Transform(np.tile([0.1, 0.1, g1.robot.base_height_m + 0.1], (40, 1)), np.tile([1.0, 0, 0, 0], (40, 1)))
    problem = Problem(g1, targets, settings)
    solver = ClipSolver(problem, 0, rest, base)
    assert solver.solve().all()
    np.testing.assert_allclose(solver.joints, good.joint_position_rad, atol=0.05)
    np.testing.assert_allclose(solver.base.position_m, good.T_world_base.position_m, atol=0.01)


def soles(body: BodyMap, motion: RobotMotion) -> Array:
    """(T, C, 3) corners of the soles."""
    return body.kinematics.point_positions(body.sole_corners(), motion.joint_position_rad, motion.T_world_base)


def test_feet_that_stand_neither_slide_nor_sink(g1: BodyMap) -> None:
    """The person's feet creep by a centimetre; the robot's stay where they are while the body sways over them."""
    motion, report, stream = both(g1, shifting(120))
    assert motion.solved.all()
    corners = soles(g1, motion)
    assert np.ptp(corners[:, :, :2], axis=0).max() < 0.002
    assert corners[..., 2].min() > -0.001
    assert corners[..., 2].max() < 0.003
    assert np.ptp(motion.T_world_base.position_m[:, 1]) > 0.05  # and yet it sways
    assert limbs(report) < 1.05 * limbs(stream) + 1e-3


def test_a_bent_up_person_never_pushes_soles_into_the_floor(g1: BodyMap) -> None:
    """Toes point down by 20 degrees while the person hops: the robot's longer feet are held above the floor."""
    person = still_person(60, 60.0, elbow_rad=0.8, knee_rad=0.6)
    position = person.position_m.copy()
    hop = 0.1 * np.sin(2 * np.pi * person.time_s) ** 2
    position[:, :, 2] += hop[:, None]
    for side in ("left", "right"):
        position[:, person.landmarks.index(f"{side}_toe"), 2] -= 0.8 * hop
    motion, *_ = both(g1, dataclasses.replace(person, position_m=position))
    assert soles(g1, motion)[..., 2].min() > -0.001


@pytest.mark.parametrize("name", ["g1", "g1_dex3"])
def test_an_arm_that_would_go_through_the_trunk_stays_outside(name: str) -> None:
    body = body_map(load_robot(name))
    targets = build_targets(body, hugging())
    through, _ = solve(body, targets, SolverSettings(self_distance=0.0))
    around, _ = solve(body, targets)
    assert through.solved.all()
    assert around.solved.all()
    assert body.self_collision.frames(through.joint_position_rad).mean() > 0.3
    assert not body.self_collision.frames(around.joint_position_rad).any()


def test_limbs_point_no_worse_than_streaming(g1: BodyMap) -> None:
    _, report, stream = both(g1, waving(90, 60.0, 4.0))
    assert limbs(report) < 1.05 * limbs(stream) + 1e-3


def test_a_hand_alone_is_a_clip_too() -> None:
    """No base, no soles: the band holds joints only."""
    body = body_map(load_robot("allegro_right"))
    motion, report, stream = both(body, still_person(30, elbow_rad=0.5))
    assert motion.solved.all()
    assert np.nanmean(report.residuals["vector_m"]) < 1.05 * np.nanmean(stream.residuals["vector_m"]) + 1e-3


def test_too_few_frames_for_a_clip_are_streamed(g1: BodyMap) -> None:
    targets = build_targets(g1, still_person(2, elbow_rad=0.5))
    motion, _ = solve(g1, targets)
    np.testing.assert_array_equal(motion.joint_position_rad, solve(g1, targets, STREAMING)[0].joint_position_rad)
