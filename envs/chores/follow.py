"""The chore `follow`: do what the person did. A variant is one retargeted motion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.lib.stride_tricks import sliding_window_view

from envs.chores.base import Chore, Moment, Setup, Start, Verdict
from envs.household.driving import base_path, place_of
from envs.model import BaseMode, robot_model
from envs.planar import FASTEST_FOLLOWING, driven_robot, seen_from, speed_of_base
from envs.reference import Motions, Reference, Unsolved, make_reference, named_motions
from motion.errors import RobotError, UnknownNameError, require
from motion.provenance import Parent
from motion.transform import Array
from robots.kinematics import Kinematics
from robots.robot import Robot

AHEAD = 25
_BASES: tuple[BaseMode, ...] = ("gantry", "fixed", "planar")
_WIDEST_RAD, _FASTEST_RADPS, _FAR_M = 1e3, 1e4, 1e3


@dataclass(frozen=True)
class FollowRules:
    """When a motion counts as followed. Errors are distances between the robot's landmarks and the reference's.

    An attempt succeeds if it lasts to the end, the error averaged over landmarks and time stays below a tolerance,
    and no landmark is ever further off than `worst_m` (the start, when its noise decays, does not
    count). The tolerance is `mean_m`, but never more than `still_share` of what a robot that held the
    reference's first posture perfectly would score (doing nothing is no success), and never less than `least_m`.

    Attributes:
        mean_m: mean error of a success, at most.
        worst_m: error of any landmark at any time, at most.
        still_share: of the error of holding still.
        least_m: tolerance of a motion that hardly moves.
        lost_m: mean error at which the attempt is given up.
        settle_s: time at the start that does not count towards the worst error.
    """

    mean_m: float = 0.03
    worst_m: float = 0.15
    still_share: float = 0.5
    least_m: float = 0.005
    lost_m: float = 0.5
    settle_s: float = 0.5


RULES = FollowRules()


class Follow(Chore):
    """Track retargeted motions of one robot.

    Args:
        robot: the robot.
        motions: one motion, motions by name, or files.
        base: "gantry" (the base is carried along the motion's), "fixed" (the base stands still), or "planar" (the base drives
            along the motion's, level and at one height, the legs locked: `envs.planar` says what is left of the motion).
        rules: of success.
        unsolved: what to do about frames without a pose.
        floor: whether feet can touch the floor; without it the gantry carries the robot through the air.

    Raises:
        MotionError: a motion of another robot, too short, or with unsolved frames.
        RobotError: the robot has no landmarks to be judged by, or cannot be driven.
    """

    name: ClassVar[str] = "follow"
    fastest_base = FASTEST_FOLLOWING

    def __init__(
        self,
        robot: Robot,
        motions: Motions,
        base: BaseMode = "gantry",
        rules: FollowRules = RULES,
        unsolved: Unsolved = "refuse",
        floor: bool = True,
    ) -> None:
        require(bool(robot.landmarks), RobotError, f"{robot.name}: robot.yaml names no landmarks; following is judged by them.")
        if base not in _BASES:
            raise UnknownNameError("base", base, _BASES, f"chore {self.name}")
        own = driven_robot(robot) if base == "planar" else robot
        self.model, self.rules, self._drives = robot_model(own, base, floor), rules, base == "planar"
        kinematics = Kinematics(own)
        self.references: tuple[Reference, ...] = tuple(
            make_reference(name, motion, self.model, kinematics, unsolved, parent)
            for name, (motion, parent) in named_motions(motions).items()
        )
        self.variants = tuple(reference.name for reference in self.references)
        self.tolerance_m = np.array([self._tolerance(reference) for reference in self.references])
        self._stack()

    def _tolerance(self, reference: Reference) -> float:
        still = np.linalg.norm(reference.landmark_m - self._held(reference), axis=-1)[1:].mean()
        return float(np.clip(self.rules.still_share * still, self.rules.least_m, self.rules.mean_m))

    def _held(self, reference: Reference) -> Array:
        """Landmarks (T, L, 3) of the first posture carried along by the base."""
        in_base = reference.T_world_base[:1][:, None].inverse().apply(reference.landmark_m[:1])
        return reference.T_world_base[:, None].apply(in_base)

    def _stack(self) -> None:
        """All references end to end, each with its last frame repeated, so that one index reaches any moment."""
        lengths = np.array([reference.steps + 1 for reference in self.references])
        self._first = np.r_[0, np.cumsum(lengths + AHEAD)[:-1]]
        self._last = self._first + lengths - 1
        self._joints = np.concatenate([_held_at_end(reference.joint_position_rad) for reference in self.references])
        self._landmarks = np.concatenate([_held_at_end(reference.landmark_m) for reference in self.references])
        self._base_position = np.concatenate([_held_at_end(reference.T_world_base.position_m) for reference in self.references])
        self._base_wxyz = np.concatenate([_held_at_end(reference.T_world_base.wxyz) for reference in self.references])
        paths = [base_path(reference.T_world_base) for reference in self.references]
        self._places = np.concatenate([_held_at_end(path) for path in paths])
        self._lost_height = np.concatenate([_held_at_end(reference.lost_height_m) for reference in self.references])
        self._lost_lean = np.concatenate([_held_at_end(reference.lost_lean_rad) for reference in self.references])
        self._too_fast = [_too_fast_share(path, self.fastest_base, self.period_s) for path in paths]

    def text(self, variant: str) -> str:
        """The same for every motion."""
        return "Follow the motion."

    @property
    def observation_space(self) -> spaces.Dict:
        """Robot state, the reference of the next 0.5 s, and how far through it is."""
        joints, actions = len(self.model.robot.joint_names), len(self.action_names)
        own: dict[str, spaces.Space[Any]] = {
            "joint_position_rad": spaces.Box(-_WIDEST_RAD, _WIDEST_RAD, (joints,), np.float64),
            "joint_velocity_radps": spaces.Box(-_FASTEST_RADPS, _FASTEST_RADPS, (joints,), np.float64),
            "previous_action_rad": spaces.Box(-_WIDEST_RAD, _WIDEST_RAD, (actions,), np.float64),
            "reference_rad": spaces.Box(-_WIDEST_RAD, _WIDEST_RAD, (AHEAD, joints), np.float64),
            "reference_phase": spaces.Box(0.0, 1.0, (1,), np.float64),
        }
        if self._drives:
            own["reference_base_pose"] = spaces.Box(-_FAR_M, _FAR_M, (AHEAD, 3), np.float64)
        return spaces.Dict(own)

    @property
    def measured(self) -> Mapping[str, tuple[int, ...]]:
        """The reference at the moment of measurement."""
        joints = len(self.model.robot.joint_names)
        lost: dict[str, tuple[int, ...]] = {"lost_height_m": (), "lost_lean_rad": ()} if self._drives else {}
        return {"reference_position_rad": (joints,), "reference_base_position_m": (3,), "reference_base_wxyz": (4,), **lost}

    @property
    def judged(self) -> Mapping[str, tuple[int, ...]]:
        """Distance of every landmark from where it should be."""
        return {"landmark_error_m": (len(self.model.robot.landmarks),)}

    @property
    def recalled(self) -> frozenset[str]:
        """What depends on the reference alone."""
        return frozenset({"reference_rad", "reference_phase"})

    def recall(self, variant: int, steps: int) -> Mapping[str, np.ndarray]:
        """Views of the reference, as it was seen."""
        first, phase = self._first[variant], np.arange(steps) / self.steps(variant)
        ahead = sliding_window_view(self._joints[first + 1 : first + steps + AHEAD], AHEAD, axis=0)
        return {"reference_rad": ahead.swapaxes(1, 2), "reference_phase": phase[:, None]}

    def steps(self, variant: int) -> int:
        """Periods from the first to the last frame of the reference."""
        return self.references[variant].steps

    def start(self, variants: np.ndarray, noise_rad: Array, setups: Sequence[Setup]) -> Start:
        """In the reference's first posture, moving as it moves."""
        references = [self.references[index] for index in variants]
        robot, posture = self.model.robot, np.stack([reference.joint_position_rad[0] for reference in references])
        velocity = np.stack([reference.joint_velocity_radps[0] for reference in references])
        base = np.stack([reference.base_velocity for reference in references])
        pose = type(references[0].T_world_base)(
            np.stack([reference.T_world_base.position_m[0] for reference in references]),
            np.stack([reference.T_world_base.wxyz[0] for reference in references]),
        )
        noisy = np.clip(posture + noise_rad, robot.lower_rad, robot.upper_rad)
        qpos, qvel = self.model.qpos(noisy, pose), self.model.qvel(velocity, base)
        if self._drives:
            qpos[:, :3], qvel[:, :3] = self._places[self._first[variants]], base[:, [0, 1, 5]]
        return Start(qpos, qvel, posture)

    def gantry(self, variants: np.ndarray, step: np.ndarray) -> Array | None:
        """Along the reference's base."""
        if self.model.base_mode != "gantry":
            return None
        return np.stack([self.references[variant].gantry[index] for variant, index in zip(variants, step, strict=True)])

    def _row(self, moment: Moment) -> np.ndarray:
        return np.minimum(self._first[moment.variant] + moment.step, self._last[moment.variant])

    def observe(self, moment: Moment) -> dict[str, np.ndarray]:
        """Robot state, the reference of the next 0.5 s, and how far through it is."""
        first, last = self._first[moment.variant], self._last[moment.variant]
        rows = np.minimum(self._row(moment)[:, None] + np.arange(1, AHEAD + 1), last[:, None])
        base = {"reference_base_pose": self._base_ahead(moment, rows)} if self._drives else {}
        return {
            "joint_position_rad": np.clip(moment.state.joint_position_rad, -_WIDEST_RAD, _WIDEST_RAD),
            "joint_velocity_radps": np.clip(moment.state.joint_velocity_radps, -_FASTEST_RADPS, _FASTEST_RADPS),
            "previous_action_rad": moment.previous_action_rad.copy(),
            "reference_rad": self._joints[rows],
            "reference_phase": (np.minimum(moment.step, last - first) / (last - first))[:, None],
            **base,
        }

    def _base_ahead(self, moment: Moment, rows: np.ndarray) -> Array:
        """(n, AHEAD, 3) where the base should be at rows (n, AHEAD) of the reference, seen from where it is."""
        return np.clip(seen_from(place_of(moment.state.T_world_base), self._places[rows]), -_FAR_M, _FAR_M)

    def measure(self, moment: Moment) -> dict[str, np.ndarray]:
        """The reference now, and the distance of every landmark from it."""
        row = self._row(moment)
        offset = moment.state.landmark_m - self._landmarks[row]
        lost = {"lost_height_m": self._lost_height[row], "lost_lean_rad": self._lost_lean[row]} if self._drives else {}
        return {
            "reference_position_rad": self._joints[row],
            "reference_base_position_m": self._base_position[row],
            "reference_base_wxyz": self._base_wxyz[row],
            "landmark_error_m": np.sqrt((offset * offset).sum(-1)),
            **lost,
        }

    def reward(self, signals: Mapping[str, np.ndarray]) -> Array:
        """1 on the reference, 0.37 at a mean landmark error of 5 cm, 0 far off."""
        error = signals["landmark_error_m"].mean(-1)
        return np.nan_to_num(np.exp(-((error / 0.05) ** 2)))

    def lost(self, signals: Mapping[str, np.ndarray]) -> np.ndarray:
        """Whether the landmarks are hopelessly far from the reference."""
        lost: np.ndarray = ~(signals["landmark_error_m"].mean(-1) <= self.rules.lost_m)
        return lost

    def judge(self, variant: int, signals: Mapping[str, np.ndarray], diverged: bool, facts: Mapping[str, np.ndarray]) -> Verdict:
        """By the rules; progress is the share of the motion's periods that were within the tolerance."""
        error, steps = signals["landmark_error_m"], self.steps(variant)
        mean, settled = error.mean(1), error[round(self.rules.settle_s / self.period_s) :]
        complete = len(error) == steps and not diverged
        close = mean.mean() <= self.tolerance_m[variant] and settled.max(initial=0.0) <= self.rules.worst_m
        return Verdict(
            success=bool(complete and close),
            progress=float((mean <= self.tolerance_m[variant]).sum() / steps),
            safety=_safety(signals, self.model.robot) | (self._lost(variant, signals) if self._drives else {}),
        )

    def _lost(self, variant: int, signals: Mapping[str, np.ndarray]) -> dict[str, float]:
        """What a planar base left out of the motion: most height (m) and lean (rad), and the share of periods it is too fast for."""
        return {
            "lost_height_m": float(np.abs(signals["lost_height_m"]).max(initial=0.0)),
            "lost_lean_rad": float(signals["lost_lean_rad"].max(initial=0.0)),
            "base_too_fast_share": self._too_fast[variant],
        }

    def parents(self, variant: int) -> tuple[Parent, ...]:
        """The motion."""
        return (self.references[variant].parent,)


def _held_at_end(track: Array) -> Array:
    return np.concatenate([track, np.repeat(track[-1:], AHEAD, axis=0)])


def _too_fast_share(path: Array, fastest: tuple[float, float, float], period_s: float) -> float:
    """Share of a path's periods in which it is faster than a base is driven."""
    return float((np.abs(speed_of_base(path, period_s)) > fastest).any(1).mean())


def _safety(signals: Mapping[str, np.ndarray], robot: Robot) -> dict[str, float]:
    """Numbers that a motor or a bystander would care about; those of a diverged attempt are over its finite part."""
    speed = np.abs(signals["joint_velocity_radps"]) / robot.speed_radps
    return {
        "torque_saturation_share": float(signals["saturated"].mean(0).max()),
        "peak_gantry_force_n": float(np.nanmax(signals["gantry_force_n"], initial=0.0)),
        "joint_speed_ratio": float(np.nanmax(speed, initial=0.0)),
        "self_contact_share": float(signals["self_contact"].mean()),
    }
