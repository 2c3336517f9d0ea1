"""Replaying retargeted motions in simulation, into the demonstrations that policies are trained on."""

from __future__ import annotations

from collections.abc import Sequence

from envs.actors import LAW, ExpertActor, ExpertLaw, HoldActor, ReplayActor
from envs.chores.follow import RULES, Follow, FollowRules
from envs.disturbance import Disturbance
from envs.model import BaseMode
from envs.reference import Motions, Unsolved
from envs.rollout import Plants, Progress, all_episodes, rollout
from motion.demonstration import Actor, Demonstration
from motion.errors import UnknownNameError
from robots import load_robot
from robots.robot import Robot

ACTORS = ("hold", "replay", "expert")

TEACHING = Disturbance(start_noise_rad=0.05, action_noise_rad=0.03, pushes_per_s=0.5)
"""What the expert is upset by while it is watched: without it nobody who copies it learns how to recover."""


def make_actor(name: str, chore: Follow, law: ExpertLaw = LAW) -> Actor:
    """One of the actors that need no training.

    Raises:
        UnknownNameError: no actor of that name.
    """
    if name not in ACTORS:
        raise UnknownNameError("actor", name, ACTORS)
    if name == "expert":
        return ExpertActor(chore, law)
    return HoldActor() if name == "hold" else ReplayActor()


def replay(
    motions: Motions,
    robot: str | Robot,
    plant: Plants = "nominal",
    actor: str | Actor = "expert",
    disturbance: Disturbance = TEACHING,
    seeds: Sequence[int] = (0,),
    base: BaseMode = "gantry",
    law: ExpertLaw = LAW,
    rules: FollowRules = RULES,
    unsolved: Unsolved = "refuse",
    floor: bool = True,
    slots: int = 16,
    threads: int = 0,
    progress: Progress | None = None,
) -> list[Demonstration]:
    """Every motion in every plant with every seed, motions outermost.

    Args:
        motions: one, several by name, or files; all of this robot.
        robot: name, folder or Robot.
        plant: one or several; "varied" draws a new one for each episode.
        actor: "expert", "replay", "hold", or any Actor.
        disturbance: what upsets it. Noise on the actions is not in the recorded actions.
        seeds: of the episodes.
        base: "gantry", "fixed" or "planar".
        law: how the expert acts.
        rules: of success.
        unsolved: what to do about frames without a pose.
        floor: whether feet can touch the floor.
        slots: episodes at once.
        threads: of the CPU; 0 takes all.
        progress: told how many episodes have just ended.

    Raises:
        MotionError: a motion of another robot, too short, or with unsolved frames.
        UnknownNameError: no such robot, plant or actor.
    """
    known = robot if isinstance(robot, Robot) else load_robot(robot)
    chore = Follow(known, motions, base, rules, unsolved, floor)
    acting = make_actor(actor, chore, law) if isinstance(actor, str) else actor
    return rollout(chore, acting, all_episodes(chore, plant, seeds), slots, threads, disturbance, progress)
