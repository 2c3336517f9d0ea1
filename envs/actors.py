"""Actors that need no training: holding still, replaying the reference, and the expert that others learn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from envs.chores.follow import Follow
from envs.episodes import Episodes
from envs.feed_forward import leading_targets, moving_body_torque, rigid_body_torque
from envs.household.driving import base_velocity
from envs.planar import FASTEST_FOLLOWING
from envs.plant_draws import PlantDraw, nominal_draw
from envs.reference import PERIOD_S, Reference
from motion.errors import MotionError, require
from motion.transform import Array
from robots.kinematics import Kinematics


@runtime_checkable
class Briefed(Protocol):
    """An actor that is told more than it could see; `rollout` calls this after the episodes have begun."""

    def brief(self, episodes: Episodes) -> None:
        """Learn what the episodes in all slots are."""
        ...


@runtime_checkable
class Watching(Protocol):
    """An actor with a memory; `rollout` shows it every period, also those in which it is not asked for actions."""

    def watch(self, observation: Mapping[str, np.ndarray]) -> None:
        """See observations (N, ...) between two calls of `act`."""
        ...


@runtime_checkable
class Noting(Protocol):
    """An actor that has something to say of its own steps; `rollout` puts it among the signals of its demonstrations."""

    def notes(self, row: int) -> Mapping[str, np.ndarray]:
        """Name -> (T, ...), a row for each step of an episode so far; what comes after the episode's end is left out."""
        ...


class HoldActor:
    """Holds the posture in which the reference begins, and does not drive: what doing nothing scores."""

    name = "hold"
    execute_n = 1

    def reset(self, episodes: int) -> None:
        """Forget the posture."""
        self._posture: Array | None = None

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """The first posture aimed at, and no speed of the base, (N, 1, A)."""
        if self._posture is None:
            self._posture = np.array(observation["previous_action_rad"], float)
        return self._posture[:, None]


class ReplayActor:
    """Sends the reference of the period's end, open loop: what plain replay of a retargeted motion scores."""

    name = "replay"
    execute_n = 1

    def reset(self, episodes: int) -> None:
        """Nothing to forget."""

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """The reference one period ahead, and its speed where the base drives, (N, 1, A)."""
        target = np.asarray(observation["reference_rad"], float)[:, :1]
        if "reference_base_pose" not in observation:
            return target
        now, following = _base_reference(observation)
        seen = now * [0.0, 0.0, 1.0]  # as if the base looked where the reference looks
        return np.concatenate([target, base_velocity(now, following, seen, 0.0, FASTEST_FOLLOWING)[:, None]], axis=2)


@dataclass(frozen=True)
class ExpertLaw:
    """How the expert acts: feed-forward from inverse dynamics, and bounded feedback on the tracking error.

    Attributes:
        position_gain: rad of correction per rad of position error.
        velocity_gain: the same for the velocity error, as a multiple of kd / kp, each joint's own.
        bound_rad: largest correction.
        lead_s: how far ahead of the period's start the reference is aimed at.
        base_motion: whether the feed-forward knows how the gantry moves the base: a leg that walks is held back by its own mass
            otherwise. How a planar base moves it always knows.
        drive_per_s: how fast a planar base is brought back to the reference's, as a share of how far it is off.
        privileged: whether the feed-forward knows the episode's own plant (gains, masses, friction, delay) or only
            the nominal one. Masses count by their total: a plant that loads single links is met by feedback.
    """

    position_gain: float = 0.8
    velocity_gain: float = 0.4
    bound_rad: float = 0.3
    lead_s: float = 0.75 * PERIOD_S
    base_motion: bool = False
    drive_per_s: float = 6.0
    privileged: bool = False


LAW = ExpertLaw()


class ExpertActor:
    """Follows a reference with Pinocchio's inverse dynamics as feed-forward and feedback on top.

    The motors' servo makes torque = kp (target - q) - kd qd, so the target that moves the robot along the reference
    is q_ref + (kd qd_ref + torque) / kp. The feedback makes up for what the feed-forward does not know, and shows
    whoever learns from the expert how to recover.

    Args:
        chore: the chore, whose references are prepared once.
        law: how it acts.
    """

    execute_n = 1

    def __init__(self, chore: Follow, law: ExpertLaw = LAW) -> None:
        self.chore, self.law, self.name = chore, law, "expert"
        self._nominal = nominal_draw(chore.model)
        kinematics = Kinematics(chore.model.robot)
        moving = chore.model.base_mode == "planar" or (law.base_motion and chore.model.base_mode != "fixed")
        self._torque = [_torque(kinematics, reference, moving) for reference in chore.references]
        self.reset(0)

    def reset(self, episodes: int) -> None:
        """Begin anew; `brief` has to follow."""
        self._count, self._step, self._plan = episodes, 0, np.zeros((0, 0, 0))

    def brief(self, episodes: Episodes) -> None:
        """Plan the feed-forward of every slot's episode."""
        require(episodes.chore is self.chore, MotionError, "the expert was prepared for another chore than it is asked to act in.")
        plans = [self._feed_forward(int(episodes.variant[slot]), episodes.draws[slot]) for slot in range(self._count)]
        longest = max(len(plan) for plan in plans)
        self._plan = np.stack([np.concatenate([plan, np.repeat(plan[-1:], longest - len(plan), axis=0)]) for plan in plans])
        self._step = 0

    def _feed_forward(self, variant: int, own: PlantDraw) -> Array:
        """Targets (T, J) without feedback, for each step of a variant."""
        plant = own if self.law.privileged else self._nominal
        reference = self.chore.references[variant]
        weight = float((plant.link_mass_scale * self.chore.model.model.body_mass).sum() / self.chore.model.model.body_mass.sum())
        late = self.law.lead_s + plant.delay_steps * plant.timestep_s
        track = reference.joint_position_rad, reference.joint_velocity_radps, reference.joint_acceleration_radps2
        return leading_targets(self.chore.model.robot, *track, weight * self._torque[variant], plant, late)

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """Targets (N, 1, J), and for a planar base its speeds: (N, 1, A)."""
        require(len(self._plan) == len(observation["joint_position_rad"]), MotionError, "the expert acts only where it was briefed.")
        ahead = np.asarray(observation["reference_rad"], float)
        now, speed = 2 * ahead[:, 0] - ahead[:, 1], (ahead[:, 1] - ahead[:, 0]) / PERIOD_S
        error = now - observation["joint_position_rad"]
        damping = self.law.velocity_gain * self._nominal.kd / self._nominal.kp
        correction = self.law.position_gain * error + damping * (speed - observation["joint_velocity_radps"])
        target = self._plan[:, min(self._step, self._plan.shape[1] - 1)] + np.clip(correction, -self.law.bound_rad, self.law.bound_rad)
        self._step += 1
        robot = self.chore.model.robot
        sent = np.clip(target, robot.lower_rad, robot.upper_rad)[:, None]
        if "reference_base_pose" not in observation:
            return sent
        now, following = _base_reference(observation)
        speed = base_velocity(now, following, np.zeros_like(now), self.law.drive_per_s, self.chore.fastest_base)
        return np.concatenate([sent, speed[:, None]], axis=2)


def _base_reference(observation: Mapping[str, np.ndarray]) -> tuple[Array, Array]:
    """Where a planar base should be now and a period later (N, 3), seen from where it is.

    What is called "now" is the start of the next period, on a straight line back to the present: a motor that holds a speed is
    late by about a period.
    """
    ahead = np.asarray(observation["reference_base_pose"], float)
    step = ahead[:, 1] - ahead[:, 0]
    step[:, 2] = (step[:, 2] + np.pi) % (2 * np.pi) - np.pi
    return ahead[:, 0] - step, ahead[:, 0]


def _torque(kinematics: Kinematics, reference: Reference, moving: bool) -> Array:
    track = reference.joint_position_rad, reference.joint_velocity_radps, reference.joint_acceleration_radps2
    return (moving_body_torque if moving else rigid_body_torque)(kinematics, *track, reference.T_world_base)
