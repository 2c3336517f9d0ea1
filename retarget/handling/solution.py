"""Retarget a handling: the robot's arms follow the tool frames, its fingers the grasps, and what it cannot do is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from motion.errors import MotionError, UnknownNameError, require
from motion.handling import Handling, HandTrack
from motion.provenance import record
from motion.resample import interpolate, interpolate_transform, uniform_times
from motion.robot_motion import RobotMotion
from motion.transform import Array, Transform, quaternion_product, so3_log
from retarget.handling.arms import Arms, arms_of
from retarget.handling.fingers import finger_track
from retarget.handling.moving import edge_height_m, paced, standing_back, taken_along
from retarget.handling.pushing import with_longer_pushes
from retarget.handling.settings import HandlingSettings
from retarget.handling.start import start_posture
from retarget.handling.tips import at_tips
from retarget.handling.tool_targets import tool_targets
from retarget.handling.waiting import WANTED, with_waiting_hands
from retarget.solve import solve
from robots.robot import Robot
from robots.station import Station, station
from robots.tool_frames import T_world_tool, side_columns

_ENDLESS_RAD = 1e6
_SHOWN = 0.5
"""A hand that the recording is this sure of was seen."""


@dataclass(frozen=True)
class HandlingReport:
    """How well a robot does a handling. NaN where the hand is not wanted anywhere, or the frame is unsolved.

    Attributes:
        position_error_m, orientation_error_rad: side -> (T,). The latter leaves out axes that settings let free.
        out_of_reach: side -> (T,) bool, by the settings' thresholds, unsolved frames included.
        worst_frame: side -> the frame with the largest error of place; absent where nothing is wanted.
        limit_use: joint of the arms -> how near it comes to a stop at worst: 0 in the middle of its range, 1 at a stop.
        speed_use: joint of the arms -> largest share of its speed limit.
        unsolved: frames without a posture.
    """

    position_error_m: Mapping[str, Array]
    orientation_error_rad: Mapping[str, Array]
    out_of_reach: Mapping[str, np.ndarray]
    worst_frame: Mapping[str, int]
    limit_use: Mapping[str, float]
    speed_use: Mapping[str, float]
    unsolved: int

    @property
    def reached(self) -> bool:
        """Whether every wanted frame is solved and within reach."""
        return not self.unsolved and not any(frames.any() for frames in self.out_of_reach.values())


@dataclass(frozen=True)
class HandlingSolution:
    """A robot's motion for a handling, at `settings.rate_hz`.

    Attributes:
        motion: of the whole robot, fingers included; its base stands at its station, or drives along where the handling stands;
            `objects` are the things in the world.
        handling: what was followed, at the motion's times.
        report: how well.
    """

    motion: RobotMotion
    handling: Handling
    report: HandlingReport = field(repr=False)


def retarget_handling(robot: Robot, handling: Handling, settings: HandlingSettings | None = None) -> HandlingSolution:
    """A handling with a robot's arms, its base where it works (`robots.station`), or, of somebody who walks about, driving.

    Args:
        robot: one whose legs are locked (`robots.upper_body`), or that has none.
        handling: what hands should do, in the counter's frame.
        settings: how closely.

    Raises:
        RobotError: the robot lacks such arms.
        MotionError: a track that holds NaN where its hand is wanted, no hand at all, or a stand that jumps.
    """
    settings = settings or HandlingSettings()
    arms, place = arms_of(robot), station(robot)
    near, stand, before = _near(robot, arms, at_tips(robot, handling), settings)
    wanted = near if stand is None else taken_along(near, stand, before)
    T_base_counter = place.T_world_base.inverse() @ place.T_world_counter
    targets = tool_targets(arms, near, T_base_counter, settings, 0.0 if stand is None else edge_height_m(near))
    start = robot.rest_rad[arms.columns] if settings.waiting else start_posture(arms, near, T_base_counter, settings)
    solved, _ = solve(arms.body, targets, settings.solver, start_rad=start)
    joints = np.tile(robot.rest_rad, (len(wanted.time_s), 1))
    joints[:, arms.columns] = solved.joint_position_rad
    for side in wanted.hands:
        joints[:, robot.joint_index(arms.hands[side].joint_names)] = finger_track(robot, arms.hands[side], wanted, settings.regrasp)
    joints[~solved.solved] = np.nan
    motion = RobotMotion(
        robot=robot.name,
        time_s=wanted.time_s,
        joint_names=robot.joint_names,
        joint_position_rad=joints,
        T_world_base=_base(place, wanted.stand, solved.solved),
        solved=solved.solved,
        observed=_observed(robot, arms, wanted),
        objects={name: place.T_world_counter @ track for name, track in wanted.things.items()},
        provenance=record(
            f"{handling.provenance.source}, by {robot.name}",
            "retarget handling",
            parents=handling.provenance.parents,
            config=asdict(settings),
            licence=handling.provenance.licence,
            consent=handling.provenance.consent,
        ),
    )
    return HandlingSolution(motion, wanted, report_of(robot, motion, wanted, settings))


def _near(robot: Robot, arms: Arms, handling: Handling, settings: HandlingSettings) -> tuple[Handling, Transform | None, int]:
    """What is followed, as seen from the stand; the stand, before hands had to come and go; and how many frames that begins earlier."""
    wanted = at_rate(handling, settings.rate_hz)
    _check(arms, wanted)
    wanted = with_longer_pushes(robot, arms.hands, wanted)
    if wanted.stand is not None:
        wanted = at_rate(paced(standing_back(wanted), station(robot).T_counter_base, settings.fastest_base), settings.rate_hz)
    near = with_waiting_hands(robot, wanted.from_stand()) if settings.waiting else wanted.from_stand()
    return near, wanted.stand, round((wanted.time_s[0] - near.time_s[0]) * settings.rate_hz)


def at_rate(handling: Handling, rate_hz: float) -> Handling:
    """The same handling at a constant rate, from its first time to its last."""
    times, own = uniform_times(handling.time_s, rate_hz), handling.time_s
    if len(times) == len(own) and np.allclose(times, own, atol=1e-9):
        return handling
    hands = {
        side: HandTrack(
            interpolate_transform(own, hand.T_counter_tool, times),
            interpolate(own, np.asarray(hand.opening, float), times),
            interpolate(own, np.asarray(hand.wanted, float), times),
            None if hand.confidence is None else interpolate(own, np.asarray(hand.confidence, float), times),
        )
        for side, hand in handling.hands.items()
    }
    things = {name: interpolate_transform(own, track, times) for name, track in handling.things.items()}
    stand = None if handling.stand is None else interpolate_transform(own, handling.stand, times)
    return replace(handling, time_s=times, hands=hands, things=things, stand=stand)


def report_of(robot: Robot, motion: RobotMotion, handling: Handling, settings: HandlingSettings | None = None) -> HandlingReport:
    """How far a motion is from a handling at the same times."""
    settings, T_world_counter = settings or HandlingSettings(), station(robot).T_world_counter
    position, turning, away, worst = {}, {}, {}, {}
    for side, hand in handling.hands.items():
        wanted = (np.asarray(hand.wanted) >= WANTED) & motion.solved
        position[side], turning[side] = np.full(len(wanted), np.nan), np.full(len(wanted), np.nan)
        if wanted.any():
            own = T_world_tool(robot, side, motion.joint_position_rad[wanted], motion.T_world_base[wanted])
            goal = T_world_counter @ hand.T_counter_tool[wanted]
            position[side][wanted] = np.linalg.norm(own.position_m - goal.position_m, axis=-1)
            turning[side][wanted] = _turned(own, goal, settings.turning)
            worst[side] = int(np.nanargmax(position[side]))
        far = (position[side] > settings.out_of_reach_m) | (turning[side] > settings.out_of_reach_rad)
        away[side] = far | (~motion.solved & (np.asarray(hand.wanted) >= WANTED))
    limit, speed = _use(robot, motion, arms_of(robot).columns)
    return HandlingReport(position, turning, away, worst, limit, speed, int((~motion.solved).sum()))


def _turned(own: Transform, goal: Transform, turning: tuple[float, float, float]) -> Array:
    """(n,) rad between orientations, about the axes of the goal's tool that are not free."""
    between = so3_log(quaternion_product(goal.wxyz * [1.0, -1, -1, -1], own.wxyz))
    return np.asarray(np.linalg.norm(between * (np.asarray(turning) > 0), axis=-1))


def _use(robot: Robot, motion: RobotMotion, columns: np.ndarray) -> tuple[dict[str, float], dict[str, float]]:
    """Joint -> largest share of the way from the middle of its range to a stop, and of its speed limit."""
    joints, solved = motion.joint_position_rad[:, columns], motion.solved
    lower, upper = np.maximum(robot.lower_rad[columns], -_ENDLESS_RAD), np.minimum(robot.upper_rad[columns], _ENDLESS_RAD)
    near = np.abs(joints[solved] - (lower + upper) / 2).max(axis=0, initial=0.0) / np.maximum((upper - lower) / 2, 1e-9)
    steps = solved[1:] & solved[:-1]
    rate = np.abs(np.diff(joints, axis=0)[steps] / np.diff(motion.time_s)[steps, None]).max(axis=0, initial=0.0)
    names = [robot.joint_names[column] for column in columns]
    return dict(zip(names, near.tolist(), strict=True)), dict(zip(names, (rate / robot.speed_radps[columns]).tolist(), strict=True))


def _check(arms: Arms, handling: Handling) -> None:
    require(bool(handling.hands), MotionError, f"{handling.provenance.source}: the handling has no hands.")
    for side, hand in handling.hands.items():
        if side not in arms.hands:
            raise UnknownNameError("hand", side, arms.hands, f"robot {arms.robot.name}")
        pose = hand.T_counter_tool
        known = np.isfinite(pose.position_m).all(-1) & np.isfinite(pose.wxyz).all(-1) & np.isfinite(np.asarray(hand.opening, float))
        lost = np.flatnonzero(~known)
        what = f"{handling.provenance.source}: the {side} hand's track is not known in {len(lost)} frames"
        require(not len(lost), MotionError, f"{what}, the first at {handling.time_s[lost[:1]]} s. Fill it before retargeting.")


def _observed(robot: Robot, arms: Arms, handling: Handling) -> np.ndarray:
    """(T, J) the joints of hands that are wanted where they were seen; all others rest, wait or are guessed."""
    observed = np.zeros((len(handling.time_s), len(robot.joint_names)), bool)
    for side, hand in handling.hands.items():
        shown = (np.asarray(hand.wanted) >= WANTED) & (hand.certain >= _SHOWN)
        observed[:, side_columns(robot, side)] |= shown[:, None]
    return observed


def _base(place: Station, stand: Transform | None, solved: np.ndarray) -> Transform:
    """(T,) the base, NaN where unsolved."""
    lost = ~solved[:, None]
    T_world_base = place.T_world_base if stand is None else place.T_world_counter @ stand @ place.T_counter_base
    return Transform(np.where(lost, np.nan, T_world_base.position_m), np.where(lost, np.nan, T_world_base.wxyz))


__all__ = ["HandlingReport", "HandlingSettings", "HandlingSolution", "at_rate", "report_of", "retarget_handling"]
