"""From a score to the context that a policy is given: targets, and of each hand what it is about to do with what."""

from __future__ import annotations

import numpy as np

from envs.household.chore import Household
from envs.household.holds import GRIPPING, HoldFrames, hold_frames, recorded_force_n, targets_of
from envs.household.replay import Score
from envs.household.replay_law import LAW, ReplayLaw
from envs.plant_draws import nominal_draw
from envs.reference import PERIOD_S
from motion.context import HORIZON_S, PHASES, Context
from motion.errors import MotionError, require
from motion.landmarks import SIDES
from motion.transform import Array, Transform
from robots.hands import hand_of, hand_sides
from robots.kinematics import Kinematics
from robots.tool_frames import tool_chain, tool_jacobian

BASES = ("fixed", "gantry")
_WEIGHT = np.array([1.0, 1.0, 1.0, 0.3, 0.3, 0.3])
"""How much a hand's shifts and turns count where joints cannot do both; as the replay has it."""


def context_of(chore: Household, score: Score, law: ReplayLaw = LAW) -> Context:
    """What a policy may be told of a score before it acts: nothing in it needs to be known of the things' weight or friction.

    Args:
        chore: where it is to act; its robot's base does not drive.
        score: what was recorded, for that robot.
        law: how long before a grasp a hand is led, and how long a shift lasts.

    Raises:
        MotionError: a robot that drives or stands on its feet, or a motion of another one.
    """
    base = chore.model.base_mode
    require(base in BASES, MotionError, f"base={base}: a context is for a base that stays where it is: {', '.join(BASES)}.")
    plan = targets_of(Kinematics(chore.robot), chore.robot, score.motion, nominal_draw(chore.model), law)
    hands = [_Hand(chore, score, law, side) for side in SIDES]
    return Context(
        robot=chore.robot.name,
        joint_names=chore.robot.joint_names,
        things=chore.listing.things,
        period_s=PERIOD_S,
        plan_rad=plan,
        **{name: np.stack([getattr(hand, name) for hand in hands], axis=1) for name in _TRACKS},
        wait_s=law.wait_s,
        provenance=score.handling.provenance,
    )


_TRACKS = (
    *("hand_position_m", "hand_wxyz", "reach", "grip_rad", "closing", "force_n"),
    *("thing", "thing_position_m", "thing_wxyz", "phase", "waits"),
)


class _Hand:
    """One hand's tracks; attributes as of `Context`, without the hands' axis. A hand that a robot lacks has zeros."""

    def __init__(self, chore: Household, score: Score, law: ReplayLaw, side: str) -> None:
        self._chore, self._score, self._law, self._side = chore, score, law, side
        frames, joints = score.motion.joint_position_rad.shape
        self.hand_position_m, self.hand_wxyz = np.zeros((frames, 3)), np.tile([1.0, 0.0, 0.0, 0.0], (frames, 1))
        self.reach, self.grip_rad = np.zeros((frames, joints, 6)), np.zeros((frames, joints))
        self.closing, self.force_n, self.thing = np.zeros(frames), np.zeros(frames), np.full(frames, -1)
        self.thing_position_m, self.thing_wxyz = np.zeros((frames, 3)), np.zeros((frames, 4))
        self.phase, self.waits = np.zeros((frames, len(PHASES))), np.zeros(frames, bool)
        if side in score.handling.hands:
            self.closing = 1.0 - np.asarray(score.handling.hands[side].opening, float)
        if side in hand_sides(chore.robot):
            self._place()
            for hold in hold_frames(score.handling, side, chore.listing):
                self._add(hold)

    def _place(self) -> None:
        chore, side = self._chore, self._side
        pose, jacobian = tool_jacobian(chore.robot, side, self._score.motion.joint_position_rad, chore.station.T_world_base)
        tool = chore.station.T_world_counter.inverse() @ pose
        self.hand_position_m, self.hand_wxyz = tool.position_m, tool.wxyz
        turned = np.kron(np.eye(2), chore.station.T_world_counter.rotation())
        self.reach = joints_per_shift(jacobian, tool_chain(chore.robot, side).columns, self._law.damping) @ turned

    def _add(self, hold: HoldFrames) -> None:
        """Where a hold is, or is about to begin, or has just ended; what begins first comes first, as in the replay."""
        law, time = self._law, np.arange(len(self.closing))
        near = (time >= hold.start - round(law.lead_in_s / PERIOD_S)) & (time <= hold.end) & (self.thing < 0)
        self._write_thing(hold, near)
        grips = hold.hold.grasp in GRIPPING
        since_s = (time - hold.end) * PERIOD_S
        self._mark("released", time > hold.end, np.exp(-np.maximum(since_s - (law.linger_s if grips else 0.0), 0.0) / law.fade_s))
        self._mark("released", near, 0.0)
        self._mark("leading", near & hold.loose & (time < hold.closed), 1.0)
        self._mark("carrying", near & hold.loose & (time >= hold.closed), 1.0)
        self._mark("turning", near, float(self._chore.listing.things[hold.column] not in self._chore.listing.points))
        for name, frame in (("to_start_s", hold.start), ("to_closed_s", hold.closed), ("to_end_s", hold.end)):
            self._mark(name, near, np.clip((frame - time) * PERIOD_S, -HORIZON_S, HORIZON_S))
        self._mark("since_end_s", time > hold.end, np.minimum(since_s, HORIZON_S))
        if grips:
            held = near & (time >= hold.start)
            self._mark("closing", held & (time <= hold.closed), 1.0)
            self._mark("gripping", held & (time > hold.closed), 1.0)
            self.grip_rad[held | (since_s > 0)] = self._way_of_fingers(hold.hold.grasp)
            self.force_n[held] = recorded_force_n(hold.hold, law)
        if hold.loose:
            self.waits[hold.closed], self.force_n[hold.closed] = True, recorded_force_n(hold.hold, law)

    def _write_thing(self, hold: HoldFrames, near: np.ndarray) -> None:
        track = self._score.handling.things[hold.hold.thing]
        known = near & np.isfinite(track.position_m).all(-1)
        self.thing[known] = hold.column
        self.thing_position_m[known], self.thing_wxyz[known] = track.position_m[known], _one_sign(track)[known]

    def _mark(self, phase: str, where: np.ndarray, value: Array | float) -> None:
        column = self.phase[:, PHASES.index(phase)]
        column[where] = np.broadcast_to(value, column.shape)[where]

    def _way_of_fingers(self, grasp: str) -> Array:
        hand = hand_of(self._chore.robot, self._side)
        opened, closed = hand.postures[grasp]
        out = np.zeros(self.grip_rad.shape[1])
        out[self._chore.robot.joint_index(hand.joint_names)] = closed - opened
        return out


def _one_sign(track: Transform) -> Array:
    return np.where(track.wxyz[:, :1] < 0, -track.wxyz, track.wxyz)


def joints_per_shift(jacobian: Array, columns: np.ndarray, damping: float) -> Array:
    """(n, J, 6) how far joints go for each metre and radian that a hand is to be shifted, in the world, by damped least squares.

    Args:
        jacobian: (n, 6, J) of the hand.
        columns: joints that may move.
        damping: m or rad per rad.
    """
    out = np.zeros((len(jacobian), jacobian.shape[-1], 6))
    own = _WEIGHT[:, None] * jacobian[:, :, columns]
    square = own @ own.swapaxes(1, 2) + damping**2 * np.eye(6)
    out[:, columns] = np.linalg.solve(square, own).swapaxes(1, 2) * _WEIGHT
    return out
