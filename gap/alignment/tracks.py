"""What an attempt and an ideal have in common, over time: joints, hands, things, and what is being done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from envs.household.chore import Household
from envs.household.replay import Score
from envs.reference import PERIOD_S
from gap.errors import ScoreError
from motion.demonstration import Demonstration
from motion.errors import require
from motion.handling import Handling, Hold
from motion.landmarks import SIDES
from motion.transform import Array, Transform
from robots.hands import hand_sides
from robots.tool_frames import T_world_tool

RELEASE_S = 0.4
"""How long after the end of a hold the hand is said to let go."""
LEAVE = "leave"


@dataclass(frozen=True)
class Tracks:
    """T moments at one period; positions in the counter's frame.

    Attributes:
        joint_names: J names.
        joint_rad: (T, J).
        hands: side -> `T_counter_tool`, batch (T,).
        things: name -> `T_counter_thing`, batch (T,).
        hinged: things whose turn about their own vertical counts, as that of a door does. Of others only their tilt does: round
            things are what hands mostly hold, and how one is turned about its axis is not even seen the same by everybody.
        period_s: between two moments.
    """

    joint_names: tuple[str, ...]
    joint_rad: Array
    hands: Mapping[str, Transform]
    things: Mapping[str, Transform]
    hinged: tuple[str, ...] = ()
    period_s: float = PERIOD_S

    def __post_init__(self) -> None:
        lengths = {name: len(track) for name, track in {**self.hands, **self.things}.items()}
        wrong = {name: length for name, length in lengths.items() if length != len(self.joint_rad)}
        require(not wrong, ScoreError, f"the joints have {len(self.joint_rad)} moments; {wrong} have others.")
        shape = np.shape(self.joint_rad)
        require(
            len(shape) == 2 and shape[1] == len(self.joint_names), ScoreError, f"joints are {shape}; {len(self.joint_names)} are named."
        )

    def __len__(self) -> int:
        return len(self.joint_rad)


def tracks_of_attempt(chore: Household, attempt: Demonstration) -> Tracks:
    """What an episode's robot and things did, as the actor saw them before each action."""
    seen, names = attempt.observations, chore.robot.joint_names
    hands = Transform(seen["hand_position_m"], seen["hand_wxyz"])
    things = Transform(seen["thing_position_m"], seen["thing_wxyz"])
    return Tracks(
        names,
        seen["joint_position_rad"][:, : len(names)],
        {side: hands[:, SIDES.index(side)] for side in hand_sides(chore.robot)},
        {name: things[:, column] for column, name in enumerate(chore.listing.things)},
        tuple(chore.listing.hinges),
        attempt.period_s,
    )


def tracks_of_score(chore: Household, score: Score) -> Tracks:
    """What the person did, as the robot would do it: the retargeted motion, and the things as they were recorded."""
    motion, back = score.motion, chore.station.T_world_counter.inverse()
    posture = motion.joint_position_rad
    hands = {side: back @ T_world_tool(chore.robot, side, posture, motion.T_world_base) for side in hand_sides(chore.robot)}
    known = {name: track for name, track in score.handling.things.items() if name in chore.listing.things}
    return Tracks(motion.joint_names, posture, hands, known, tuple(chore.listing.hinges))


def phases_of(handling: Handling, closed_share: float = 0.05) -> tuple[str, ...]:
    """(T,) what is being done at each moment, e.g. "approach ladle", "grasp ladle", "hold ladle", "release ladle", "leave".

    The rule: the newest hold that has begun counts. From its start until the fingers are closed it is "grasp", to its end "hold",
    for `RELEASE_S` more "release"; then the next hold's "approach" begins, or "leave" where none follows. Before the first hold
    it is approached.

    Args:
        handling: T moments.
        closed_share: of how far the hand closes in a hold; nearer than this to the most closed counts as closed.
    """
    time, holds = handling.time_s, handling.holds
    closed_s = [_closed_s(handling, hold, closed_share) for hold in holds]
    return tuple(_phase(float(at), holds, closed_s) for at in time)


def _closed_s(handling: Handling, hold: Hold, share: float) -> float:
    """When the fingers of a hold are closed."""
    inside = handling.during(hold)
    if not inside.any():
        return hold.start_s
    opening = np.asarray(handling.hands[hold.side].opening, float)[inside]
    least = opening.min()
    return float(handling.time_s[inside][np.argmax(opening <= least + share * (opening.max() - least + 1e-9))])


def _phase(at: float, holds: tuple[Hold, ...], closed_s: list[float]) -> str:
    begun = [index for index, hold in enumerate(holds) if hold.start_s <= at]
    running = [index for index in begun if at <= holds[index].end_s + RELEASE_S]
    if not running:
        return next((f"approach {hold.thing}" for hold in holds[len(begun) :]), LEAVE)
    newest = holds[running[-1]]
    if at > newest.end_s:
        return f"release {newest.thing}"
    return f"{'grasp' if at < closed_s[running[-1]] else 'hold'} {newest.thing}"
