"""Actors that need no training: each knows more than the one before, and it shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.actors import Briefed, ExpertActor, ExpertLaw, HoldActor, ReplayActor
from envs.chores.follow import Follow
from envs.disturbance import Disturbance
from envs.episodes import Episode, Episodes
from envs.plants import PLANTS
from envs.replay import make_actor
from envs.rollout import all_episodes, rollout
from motion.demonstration import Actor, Demonstration
from motion.errors import MotionError, UnknownNameError
from motion.robot_motion import RobotMotion
from motion.transform import Transform
from robots import load_robot
from robots.kinematics import Kinematics
from robots.robot import Robot

NAMED = ("nominal", "weak_motors", "slow_link", "heavy_sticky")
CALM = Disturbance(start_noise_rad=0.0)


def error_mm(episode: Demonstration, kinematics: Kinematics) -> float:
    """Mean distance of the landmarks from the reference's, from the signals alone."""
    signals = episode.signals
    actual = kinematics.landmark_positions(signals["joint_position_rad"], Transform(signals["base_position_m"], signals["base_wxyz"]))
    base = Transform(signals["reference_base_position_m"], signals["reference_base_wxyz"])
    return float(1e3 * np.linalg.norm(actual - kinematics.landmark_positions(signals["reference_position_rad"], base), axis=-1).mean())


@pytest.fixture(scope="module")
def scores(follow: Follow) -> dict[str, dict[str, float]]:
    kinematics = Kinematics(follow.model.robot)
    actors: dict[str, Actor] = {"hold": HoldActor(), "replay": ReplayActor(), "expert": ExpertActor(follow)}
    actors["privileged"] = ExpertActor(follow, ExpertLaw(privileged=True))
    tasks = all_episodes(follow, NAMED, variants=["swing"])
    runs = {name: rollout(follow, actor, tasks, threads=1) for name, actor in actors.items()}
    return {name: {run.plant: error_mm(run, kinematics) for run in found} for name, found in runs.items()}


@pytest.mark.parametrize("plant", NAMED)
def test_the_expert_beats_replay_beats_holding_still(scores: dict[str, dict[str, float]], plant: str) -> None:
    assert 1.5 * scores["expert"][plant] < scores["replay"][plant]
    assert scores["replay"][plant] < 0.6 * scores["hold"][plant]


@pytest.mark.parametrize("plant", ["weak_motors", "slow_link", "heavy_sticky"])
def test_knowing_the_plant_helps(scores: dict[str, dict[str, float]], plant: str) -> None:
    assert scores["privileged"][plant] < 0.8 * scores["expert"][plant]
    assert scores["privileged"]["nominal"] == scores["expert"]["nominal"]


def test_verdicts_follow(follow: Follow) -> None:
    tasks = all_episodes(follow, variants=["swing"])
    verdicts = [rollout(follow, actor, tasks, threads=1)[0] for actor in (HoldActor(), ReplayActor(), ExpertActor(follow))]
    assert not verdicts[0].success, "doing nothing succeeded"
    assert verdicts[2].success
    assert verdicts[0].progress < verdicts[1].progress <= verdicts[2].progress == 1


def test_feed_forward_alone_tracks_a_smooth_motion_within_millimetres(g1: Robot, swing: RobotMotion) -> None:
    """On a fixed base nothing is left out of the inverse dynamics but the hold of each action over its period."""
    follow = Follow(g1, swing, base="fixed")
    bare = ExpertActor(follow, ExpertLaw(position_gain=0, velocity_gain=0, lead_s=0.01))
    run = rollout(follow, bare, all_episodes(follow), threads=1, disturbance=CALM)[0]
    assert error_mm(run, Kinematics(g1)) < 2.5


def test_the_feed_forward_is_the_servo_turned_round(follow: Follow) -> None:
    """u = q + (kd qd + tau) / kp, at a moment where the reference moves."""
    actor = ExpertActor(follow, ExpertLaw(lead_s=0.0))
    robot, reference = follow.model.robot, follow.references[0]
    run = Episodes(follow, 1, disturbance=CALM)
    run.reset([0], [Episode("swing", PLANTS["nominal"], 0)])
    actor.reset(1)
    actor.brief(run)
    zero = {name: getattr(reference, f"joint_{name}")[30] for name in ("position_rad", "velocity_radps", "acceleration_radps2")}
    torque = Kinematics(robot).inverse_dynamics(*zero.values(), reference.T_world_base[30:31])[0]
    torque += robot.armature * zero["acceleration_radps2"]
    wanted = zero["position_rad"] + (robot.kd * zero["velocity_radps"] + torque) / robot.kp
    np.testing.assert_allclose(actor._plan[0, 30], np.clip(wanted, robot.lower_rad, robot.upper_rad), atol=1e-12)


def test_the_correction_is_bounded_and_points_home(follow: Follow) -> None:
    law = ExpertLaw(position_gain=0.5, velocity_gain=0.0, bound_rad=0.1)
    actor, run = ExpertActor(follow, law), Episodes(follow, 1, disturbance=CALM)
    seen = run.reset([0], [Episode("swing", PLANTS["nominal"], 0)])
    planned = []
    for shift in (0.0, 0.04, -1.0):
        actor.reset(1)
        actor.brief(run)
        planned.append(actor.act({**seen, "joint_position_rad": seen["joint_position_rad"] + shift})[0, 0])
    elbow = follow.model.robot.joint_names.index("left_elbow_joint")
    assert planned[1][elbow] - planned[0][elbow] == pytest.approx(-0.02, abs=1e-9)
    assert planned[2][elbow] - planned[0][elbow] == pytest.approx(0.1, abs=5e-3)


def test_an_expert_acts_only_where_it_was_briefed(follow: Follow, g1: Robot, swing: RobotMotion) -> None:
    actor, elsewhere = ExpertActor(follow), Episodes(Follow(g1, swing), 1)
    assert isinstance(actor, Briefed)
    assert not isinstance(ReplayActor(), Briefed)
    seen = elsewhere.reset([0], [Episode("motion", PLANTS["nominal"], 0)])
    actor.reset(1)
    with pytest.raises(MotionError, match="another chore"):
        actor.brief(elsewhere)
    with pytest.raises(MotionError, match="briefed"):
        actor.act(seen)


def test_actors_by_name(follow: Follow) -> None:
    assert [make_actor(name, follow).name for name in ("hold", "replay", "expert")] == ["hold", "replay", "expert"]
    with pytest.raises(UnknownNameError, match="expert, hold, replay"):
        make_actor("exprt", follow)


@pytest.mark.parametrize("name", ["allegro_right", "talos"])
def test_other_bodies_are_followed_too(name: str) -> None:
    """A hand without a body, and a robot with joints that mimic others."""
    robot = load_robot(name)
    time = np.arange(0, 1.2, 1 / 30)
    rest = np.clip(robot.rest_rad, robot.lower_rad + 0.1, robot.upper_rad - 0.1)
    chosen = [
        column for column, joint in enumerate(robot.joint_names) if name == "allegro_right" or joint.startswith(("arm", "head", "gripper"))
    ]
    joints = np.tile(rest, (len(time), 1))
    reach = 0.25 * (robot.upper_rad - robot.lower_rad).clip(max=1.2)
    joints[:, chosen] = (
        rest + np.outer(1 - np.cos(4 * time), reach / 2) * np.where(rest > (robot.lower_rad + robot.upper_rad) / 2, -1, 1)
    )[:, chosen]
    still = Transform(np.tile([0, 0, robot.base_height_m + 0.2], (len(time), 1)), np.tile([1.0, 0, 0, 0], (len(time), 1)))
    motion = RobotMotion(name, time, robot.joint_names, joints, still, np.ones(len(time), bool))
    follow = Follow(robot, motion)
    held, expert = (rollout(follow, make_actor(actor, follow), all_episodes(follow), threads=1)[0] for actor in ("hold", "expert"))
    kinematics = Kinematics(robot)
    assert not held.success
    assert expert.success, error_mm(expert, kinematics)
    assert error_mm(expert, kinematics) < 0.3 * error_mm(held, kinematics)


def test_the_law_is_plain_data() -> None:
    assert replace(ExpertLaw(), privileged=True).privileged
