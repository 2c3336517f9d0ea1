"""The chore `follow`: what it shows, and every rule of its judgement with a true and a false case."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.chores.follow import AHEAD, Follow, FollowRules
from envs.chores.registry import find_chore, known_chores
from envs.episodes import Episode, Episodes
from envs.plants import find_plant
from motion.errors import MotionError, RobotError, UnknownNameError
from motion.robot_motion import RobotMotion
from robots.robot import Robot
from tests.envs.conftest import swing_motion

STEPS = 75


def signals(follow: Follow, error_m: float = 0.0) -> dict[str, np.ndarray]:
    """An attempt at "swing" in which every landmark is `error_m` off all the time."""
    joints = len(follow.model.robot.joint_names)
    return {
        "landmark_error_m": np.full((STEPS, len(follow.model.robot.landmarks)), error_m),
        "joint_velocity_radps": np.zeros((STEPS, joints)),
        "saturated": np.zeros((STEPS, joints), bool),
        "self_contact": np.zeros(STEPS, bool),
        "gantry_force_n": np.zeros(STEPS),
    }


def test_a_close_attempt_succeeds_and_a_distant_one_does_not(follow: Follow) -> None:
    limit = follow.tolerance_m[0]
    near, far = (follow.judge(0, signals(follow, share * limit), diverged=False, facts={}) for share in (0.99, 1.01))
    assert near.success
    assert near.progress == 1
    assert not far.success
    assert far.progress == 0


def test_one_landmark_far_off_for_one_moment_fails_but_not_at_the_start(follow: Follow) -> None:
    late, early = signals(follow), signals(follow)
    late["landmark_error_m"][40, 3] = early["landmark_error_m"][10, 3] = 0.16
    assert not follow.judge(0, late, diverged=False, facts={}).success
    assert follow.judge(0, early, diverged=False, facts={}).success
    late["landmark_error_m"][40, 3] = 0.14
    assert follow.judge(0, late, diverged=False, facts={}).success


def test_an_attempt_that_ends_early_or_breaks_down_fails(follow: Follow) -> None:
    half = {name: track[:30] for name, track in signals(follow).items()}
    assert not follow.judge(0, half, diverged=False, facts={}).success
    assert follow.judge(0, half, diverged=False, facts={}).progress == pytest.approx(30 / STEPS)
    assert not follow.judge(0, signals(follow), diverged=True, facts={}).success
    blank = signals(follow, np.nan)
    assert not follow.judge(0, blank, diverged=False, facts={}).success


def test_safety_by_hand(follow: Follow) -> None:
    track = signals(follow)
    track["saturated"][:15, 4] = True  # 15 of 75 steps
    track["saturated"][:3, 5] = True
    track["self_contact"][:30] = True
    track["gantry_force_n"][7] = 512.0
    track["joint_velocity_radps"][5, 2] = -0.5 * follow.model.robot.speed_radps[2]
    assert follow.judge(0, track, diverged=False, facts={}).safety == {
        "torque_saturation_share": pytest.approx(0.2),
        "peak_gantry_force_n": 512.0,
        "joint_speed_ratio": pytest.approx(0.5),
        "self_contact_share": pytest.approx(0.4),
    }


def test_the_tolerance_never_lets_doing_nothing_pass(g1: Robot) -> None:
    rules = FollowRules(mean_m=10.0, least_m=0.001)
    follow = Follow(g1, {"wide": swing_motion(g1), "slight": swing_motion(g1, size=0.1)}, rules=rules)
    for index, reference in enumerate(follow.references):
        still = np.linalg.norm(reference.landmark_m - follow._held(reference), axis=-1)[1:].mean()
        assert follow.tolerance_m[index] == pytest.approx(still / 2)
    assert follow.tolerance_m[1] < 0.2 * follow.tolerance_m[0]


def test_what_an_actor_sees(follow: Follow, swing: RobotMotion) -> None:
    episodes = Episodes(follow, 1)
    seen = episodes.reset([0], [Episode("swing", find_plant("nominal"), 5)])
    reference = follow.references[0].joint_position_rad
    np.testing.assert_array_equal(seen["reference_rad"][0], reference[1 : AHEAD + 1])
    np.testing.assert_array_equal(seen["previous_action_rad"][0], reference[0])
    assert seen["reference_phase"][0, 0] == 0
    off = seen["joint_position_rad"][0] - reference[0]
    assert 0 < np.abs(off).max() < 0.06  # the noise of the start
    for step in range(STEPS):
        outcome = episodes.step([0], reference[step + 1][None] + 0.01)
        seen = outcome.observation
        rows = np.minimum(step + 2 + np.arange(AHEAD), STEPS)
        np.testing.assert_array_equal(seen["reference_rad"][0], reference[rows])
        np.testing.assert_allclose(seen["previous_action_rad"][0], reference[step + 1] + 0.01)
        assert seen["reference_phase"][0, 0] == pytest.approx((step + 1) / STEPS)
        assert outcome.truncated[0] == (step == STEPS - 1)
        assert not outcome.terminated[0]


def test_reward_is_one_on_the_reference_and_falls_with_the_error(follow: Follow) -> None:
    reward = [follow.reward({"landmark_error_m": np.full((1, 4), error)})[0] for error in (0.0, 0.02, 0.05, 0.5)]
    assert reward[0] == 1
    assert reward == sorted(reward, reverse=True)
    assert reward[2] == pytest.approx(np.exp(-1))
    assert follow.reward({"landmark_error_m": np.full((1, 4), np.nan)})[0] == 0


def test_a_robot_that_is_lost_is_given_up(follow: Follow) -> None:
    lost = follow.lost({"landmark_error_m": np.array([[0.4, 0.4], [0.6, 0.6], [np.nan, 0]])})
    np.testing.assert_array_equal(lost, [False, True, True])


def test_motions_with_unsolved_frames_are_refused_unless_told_otherwise(g1: Robot, swing: RobotMotion) -> None:
    joints, position, solved = swing.joint_position_rad.copy(), swing.T_world_base.position_m.copy(), swing.solved.copy()
    joints[:5], position[:5], solved[:5] = np.nan, np.nan, False
    pose = type(swing.T_world_base)(position, swing.T_world_base.wxyz)
    holed = replace(swing, joint_position_rad=joints, T_world_base=pose, solved=solved)
    with pytest.raises(MotionError, match="longest_span"):
        Follow(g1, holed)
    assert Follow(g1, holed, unsolved="longest_span").references[0].steps == int((45 - 5) / 30 / 0.02)


def test_chores_by_name(g1: Robot, swing: RobotMotion) -> None:
    assert find_chore("follow") is Follow
    assert set(known_chores()) >= {"follow"}
    with pytest.raises(UnknownNameError, match="Did you mean 'follow'"):
        find_chore("folow")
    with pytest.raises(UnknownNameError, match="motion"):
        Follow(g1, swing).variant_index(["dance"])
    with pytest.raises(RobotError, match="no landmarks"):
        Follow(replace(g1, landmarks={}), swing)
