"""Replaying a handling with real contact: arms follow the retargeted motion, fingers close until they feel enough.

While a hand holds a loose thing, the arm is corrected slowly so that the thing, not the hand, follows its recorded track:
nothing lies in a robot's hand quite as it lay in a person's. Before a grasp the hand is led to where the thing really is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from envs.episodes import Episodes
from envs.household.chore import Household
from envs.household.driving import base_path, base_poses, base_velocity
from envs.household.holds import GRIPPING, HoldFrames, grip_force_n, hold_frames, targets_of
from envs.household.replay_law import LAW, ReplayLaw
from envs.household.shifts import between, difference, toward
from envs.plant_draws import nominal_draw
from envs.reference import PERIOD_S
from motion.errors import MotionError, require
from motion.handling import Handling
from motion.landmarks import SIDES
from motion.robot_motion import RobotMotion
from motion.transform import Array, Transform, rotate
from robots.hands import RobotHand, hand_of, hand_sides
from robots.kinematics import Kinematics
from robots.tool_frames import T_world_tool, tool_chain, tool_jacobian

FRAME = "replay_frame"
"""Signal (T,): the frame of the retargeted motion that an action was for. It stays where the motion waits for a grip."""
_NOTHING = 1e-5
"""A shift (m, rad) that fades below this is over."""


@dataclass(frozen=True)
class Adjustment:
    """A small change of one hold, as refinement tries it.

    Attributes:
        offset_m: (3,) of the hand while it grasps and holds, in the tool's frame.
        lower_m: how much lower the thing is put down.
        force: multiple of the grip force.
    """

    offset_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    lower_m: float = 0.0
    force: float = 1.0


@dataclass(frozen=True)
class Score:
    """What one episode is to replay.

    Attributes:
        motion: the robot's, at 50 Hz, from `retarget_handling`.
        handling: what it was made from, at the same times.
        adjustments: hold's number -> change.
    """

    motion: RobotMotion
    handling: Handling
    adjustments: Mapping[int, Adjustment] = field(default_factory=dict)


@dataclass(frozen=True)
class _Hold(HoldFrames):
    """A hold, how hard it grips, and what is changed of it."""

    force_n: float
    adjustment: Adjustment


@dataclass
class _Hand:
    """One hand of one episode: its holds, what its fingers (`columns` of the joints) do, how it is shifted, and how as its base sways."""

    hand: RobotHand
    columns: np.ndarray
    holds: list[_Hold]
    grasp: str = ""
    closing: float = 0.0
    waited_s: float = 0.0
    shift: Array = field(default_factory=lambda: np.zeros(6))
    sway: Array = field(default_factory=lambda: np.zeros(6))


class ChoreReplay:
    """Replays scores, one per episode. An `Actor`; told which episodes run by `brief`.

    Args:
        chore: where it acts.
        scores: (variant, seed, take) -> what to replay.
        law: how.
        name: of the actor.
    """

    execute_n = 1

    def __init__(
        self, chore: Household, scores: Mapping[tuple[str, int, int], Score], law: ReplayLaw = LAW, name: str = "handling"
    ) -> None:
        self.chore, self.scores, self.law, self.name = chore, scores, law, name
        self._kinematics = Kinematics(chore.robot)
        self._nominal = nominal_draw(chore.model)
        self._T_counter_world = chore.station.T_world_counter.inverse()
        self._drives, self._stands = chore.model.base_mode == "planar", chore.model.base_mode == "wbc"
        self._arms = {side: tool_chain(chore.robot, side).columns for side in hand_sides(chore.robot)}
        self.reset(0)

    def reset(self, episodes: int) -> None:
        """Begin anew; `brief` has to follow."""
        self._count, self._clock = episodes, np.zeros(episodes, int)
        self._briefed = False
        self._sent: list[np.ndarray] = []

    def brief(self, episodes: Episodes) -> None:
        """Prepare every slot's episode."""
        require(episodes.chore is self.chore, MotionError, "the replay was prepared for another chore than it is asked to act in.")
        own = []
        for slot in range(self._count):
            episode = episodes.episodes[slot]
            assert episode is not None
            key = (episode.variant, episode.seed, episode.take)
            require(
                key in self.scores, MotionError, f"no score for {self.chore.name} {key[0]}, seed {key[1]}; there are {len(self.scores)}."
            )
            own.append((self.scores[key], episodes.setups[slot].facts))
        frames = max(len(score.motion.time_s) for score, _ in own)
        self._joints, self._plan = (
            np.stack([_padded(track, frames) for track in tracks]) for tracks in zip(*map(self._tracks, own), strict=True)
        )
        self._base = np.stack([_padded(base_path(score.motion.T_world_base), frames) for score, _ in own])
        self._things = self._thing_tracks([score for score, _ in own], frames)
        self._opening = {side: np.stack([_padded(_opening(score.handling, side), frames) for score, _ in own]) for side in self._arms}
        self._hands = [{side: self._hand(side, score, facts) for side in self._arms} for score, facts in own]
        self._clock, self._briefed = np.zeros(self._count, int), True

    def _tracks(self, own: tuple[Score, Mapping[str, np.ndarray]]) -> tuple[Array, Array]:
        """Postures (T, J) and targets (T, J) of a score."""
        motion = own[0].motion
        return motion.joint_position_rad, targets_of(self._kinematics, self.chore.robot, motion, self._nominal, self.law)

    def _thing_tracks(self, scores: Sequence[Score], frames: int) -> Transform:
        """T_counter_thing, batch (n, T, K); NaN for things that a handling does not know."""
        count, things = len(scores), self.chore.listing.things
        position, wxyz = np.full((count, frames, len(things), 3), np.nan), np.full((count, frames, len(things), 4), np.nan)
        for row, score in enumerate(scores):
            for column, name in enumerate(things):
                if name in score.handling.things:
                    track = score.handling.things[name]
                    position[row, :, column], wxyz[row, :, column] = _padded(track.position_m, frames), _padded(track.wxyz, frames)
        return Transform(position, wxyz)

    def _hand(self, side: str, score: Score, facts: Mapping[str, np.ndarray]) -> _Hand:
        holds = [self._known(frames, score, facts) for frames in hold_frames(score.handling, side, self.chore.listing)]
        hand = hand_of(self.chore.robot, side)
        return _Hand(hand, self.chore.robot.joint_index(hand.joint_names), holds)

    def _known(self, frames: HoldFrames, score: Score, facts: Mapping[str, np.ndarray]) -> _Hold:
        adjustment = score.adjustments.get(frames.number, Adjustment())
        return _Hold(**vars(frames), force_n=grip_force_n(frames, facts, self.law) * adjustment.force, adjustment=adjustment)

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """Targets (N, 1, A)."""
        require(
            self._briefed and len(observation["joint_position_rad"]) == self._count,
            MotionError,
            "the replay acts only where it was briefed.",
        )
        rows, at = range(self._count), np.minimum(self._clock, self._joints.shape[1] - 1)
        self._sent.append(at)
        reference, target = self._joints[np.arange(self._count), at], self._plan[np.arange(self._count), at]
        actual = Transform(observation["thing_position_m"], observation["thing_wxyz"])
        for side in self._arms:
            led = [row for row in rows if self._is_led(self._hands[row][side], int(at[row]))]
            if led:
                base = self._bases(observation["base_pose"][led])
                pose, jacobian = tool_jacobian(self.chore.robot, side, reference[led], base)
                tool, meant = self._T_counter_world @ pose, self._meant(led, side, at, pose)
                shifts = np.stack(
                    [self._shift(row, side, int(at[row]), tool[index], meant[index], actual[row]) for index, row in enumerate(led)]
                )
                target[led] += self._in_joints(jacobian, shifts, self._arms[side])
            for row in rows:
                self._close(row, side, int(at[row]), float(observation["hand_force_n"][row, SIDES.index(side)].sum()), target[row])
        going = np.array([not self._waits(row, int(at[row]), observation["hand_force_n"][row]) for row in rows])
        self._clock += going
        robot = self.chore.robot
        out = np.zeros((self._count, 1, len(self.chore.action_names)))
        out[:, 0, : len(robot.joint_names)] = np.clip(target, robot.lower_rad, robot.upper_rad)
        if self._drives:
            out[:, 0, len(robot.joint_names) :] = self._driven(at, going, observation["base_pose"])
        return out

    def go_on(self, row: int, action: Array, seen: Mapping[str, Array]) -> None:
        """Go on with an episode where its clock stands, from what another actor did last.

        Args:
            row: of the episode.
            action: (A,) the last one.
            seen: the episode's own observation, (...).
        """
        at, joints = int(self._clock[row]), self._joints[row, self._clock[row]]
        base = self._bases(seen["base_pose"][None])
        for side, own in self._hands[row].items():
            own.waited_s, own.shift, own.sway, own.grasp = 0.0, np.zeros(6), np.zeros(6), ""
            own.closing = 1.0 - float(self._opening[side][row, at])
            hold = self._current(own, at)
            if hold is None:
                continue
            place = SIDES.index(side)
            actual = Transform(seen["hand_position_m"][place][None], seen["hand_wxyz"][place][None])
            tool = self._T_counter_world @ T_world_tool(self.chore.robot, side, joints[None], base)
            own.shift = toward(np.zeros(6), between(actual, tool)[0], (np.inf, np.inf), self.law.bounds[1])
            if hold.start <= at and hold.hold.grasp in GRIPPING:
                own.grasp = hold.hold.grasp
                own.closing = _closing(own.hand, own.grasp, action[own.columns])

    def notes(self, row: int) -> dict[str, np.ndarray]:
        """`FRAME`: which frame of its score every action was for."""
        return {FRAME: np.array([at[row] for at in self._sent], int)}

    # Where the base goes.

    def _driven(self, at: np.ndarray, going: np.ndarray, seen: Array) -> Array:
        """(N, 3) velocities of the bases along their paths; those whose motion waits stay."""
        rows, last = np.arange(self._count), self._base.shape[1] - 1
        return base_velocity(self._base[rows, at], self._base[rows, np.minimum(at + going, last)], seen, self.law.drive_per_s)

    def _bases(self, seen: Array) -> Transform:
        """T_world_base: of bases that can be elsewhere, where they are seen (n, 3); one pose of others, which stand where they should."""
        place = self.chore.station.T_world_base
        return base_poses(seen, float(place.position_m[2])) if self._drives or self._stands else place

    def _meant(self, led: Sequence[int], side: str, at: np.ndarray, actual: Transform) -> Array:
        """(n, 6) how far a hand is from where it would be if its base were on its path: shift (m) and turn (rad), in the world."""
        if not (self._drives or self._stands):
            return np.zeros((len(led), 6))
        reference, place = self._joints[led, at[led]], self.chore.station.T_world_base
        wanted = T_world_tool(self.chore.robot, side, reference, base_poses(self._base[led, at[led]], float(place.position_m[2])))
        return between(wanted, actual)

    # Where a hand is led to.

    def _shift(self, row: int, side: str, at: int, tool: Transform, meant: Array, actual: Transform) -> Array:
        """(6,) how a hand is shifted (m) and turned (rad) now, in the counter's frame, `meant` (6,) of it for a base off its path."""
        own, law = self._hands[row][side], self.law
        if self._stands:
            own.sway = toward(own.sway, meant, law.bounds[0], (np.inf, np.inf))
            return own.sway + self._correction(row, side, at, tool, np.zeros(6), actual)
        return self._correction(row, side, at, tool, meant, actual)

    def _correction(self, row: int, side: str, at: int, tool: Transform, meant: Array, actual: Transform) -> Array:
        """The same within the bounds of a correction."""
        own, law = self._hands[row][side], self.law
        hold, wanted = self._current(own, at), meant.copy()
        if hold is None:
            released = max((past.end for past in own.holds if past.end < at and past.hold.grasp in GRIPPING), default=0)
            if (at - released) * PERIOD_S > law.linger_s:
                own.shift = own.shift * (1 - PERIOD_S / law.fade_s)
            return own.shift
        recorded = self._things[row, at, hold.column]
        offset = rotate(tool.wxyz, np.array(hold.adjustment.offset_m))
        if not np.isfinite(recorded.position_m).all():
            wanted[:3] += offset
            own.shift = toward(own.shift, wanted, *law.bounds)
            return own.shift
        error = difference(recorded, actual[hold.column])
        if self.chore.listing.things[hold.column] in self.chore.listing.points:
            error[3:] = 0.0  # a point of cloth never turns, whatever the hand does
        if at < hold.closed or not hold.loose:
            wanted[:3] += (error[:3] if hold.loose else 0.0) + offset
            own.shift = toward(own.shift, wanted, *law.bounds)
        else:
            lowered = min(1.0, max(0.0, (at - hold.end) * PERIOD_S / 0.4 + 1.0)) * hold.adjustment.lower_m
            lead = -error
            lead[2] -= lowered
            lead[:3] += np.cross(lead[3:], tool.position_m - actual[hold.column].position_m)
            own.shift = toward(own.shift, own.shift + law.follow_per_s * PERIOD_S * lead, *law.bounds)
        return own.shift

    def _is_led(self, own: _Hand, at: int) -> bool:
        """Whether a hand is shifted, or about to be; always above a base that sways."""
        if self._current(own, at) is None and np.abs(own.shift).max() < _NOTHING:
            own.shift = np.zeros(6)
            return self._stands
        return True

    def _current(self, own: _Hand, at: int) -> _Hold | None:
        """The hold that a hand is in, or is about to begin."""
        lead_in = round(self.law.lead_in_s / PERIOD_S)
        for hold in own.holds:
            if hold.start - lead_in <= at <= hold.end:
                return hold
        return None

    def _in_joints(self, jacobian: Array, shifts: Array, columns: np.ndarray) -> Array:
        """(n, J) joint corrections that shift a hand, by damped least squares; the counter is not turned in the world."""
        out = np.zeros((len(shifts), jacobian.shape[-1]))
        own = jacobian[:, :, columns]
        weight = np.diag([1.0, 1.0, 1.0, 0.3, 0.3, 0.3])
        own = weight @ own
        square = own @ own.swapaxes(1, 2) + self.law.damping**2 * np.eye(6)
        world = np.concatenate([rotate(self.chore.station.T_world_counter.wxyz, part) for part in (shifts[:, :3], shifts[:, 3:])], axis=-1)
        out[:, columns] = np.einsum("nij,ni->nj", own, np.linalg.solve(square, (world @ weight)[..., None])[..., 0])
        return out

    # Fingers.

    def _close(self, row: int, side: str, at: int, force_n: float, target: Array) -> None:
        """Write the fingers' targets: as recorded, but gripping hands close until they feel enough, and open from there."""
        own = self._hands[row][side]
        recorded = 1.0 - float(self._opening[side][row, at])
        hold = next((hold for hold in own.holds if hold.start <= at <= hold.end), None)
        if hold is not None and hold.hold.grasp in GRIPPING:
            own.grasp = hold.hold.grasp
            own.closing = self._regulated(own.closing, recorded if at <= hold.closed else 1.0, force_n, hold.force_n)
        elif hold is not None or recorded <= own.closing:
            own.grasp, own.closing = "", recorded
        if own.grasp:
            target[own.columns] = own.hand.posture(own.grasp, 1.0 - own.closing)[0]

    def _regulated(self, closing: float, recorded: float, force_n: float, wanted_n: float) -> float:
        """How far a gripping hand is closed a period later: quickly up to the first touch, then by what it feels."""
        law, lacking = self.law, (wanted_n - force_n) / wanted_n
        if force_n < law.touch_share * wanted_n:
            step = min(law.close_per_s * PERIOD_S, max(recorded - closing, 0.0))
        elif abs(lacking) < law.dead_band:
            step = 0.0
        else:
            step = float(np.clip(lacking, -3.0, 1.0)) * law.press_per_s * PERIOD_S
        return float(np.clip(closing + step, 0.0, 1.0))

    def _waits(self, row: int, at: int, force_n: Array) -> bool:
        """Whether the motion waits because a grip is not felt yet."""
        for side, own in self._hands[row].items():
            hold = next((hold for hold in own.holds if hold.loose and hold.closed == at), None)
            if hold is None:
                own.waited_s = 0.0
            elif force_n[SIDES.index(side)].sum() < 0.7 * hold.force_n and own.waited_s < self.law.wait_s:
                own.waited_s += PERIOD_S
                return True
        return False


def _opening(handling: Handling, side: str) -> Array:
    return np.asarray(handling.hands[side].opening, float) if side in handling.hands else np.ones(len(handling.time_s))


def _closing(hand: RobotHand, grasp: str, fingers_rad: Array) -> float:
    """How far a hand is closed whose fingers are at (k,) angles: the nearest that the grasp can be."""
    opening = np.linspace(0.0, 1.0, 51)
    return float(1.0 - opening[np.argmin(np.abs(hand.posture(grasp, opening) - fingers_rad).sum(axis=1))])


def _padded(track: Array, frames: int) -> Array:
    return np.concatenate([track, np.repeat(track[-1:], frames - len(track), axis=0)])
