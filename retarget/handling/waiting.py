"""What a robot's hands do while nobody wants them anywhere: they wait over the counter's edge, and come and go smoothly.

A person's idle hand hangs, and comes up past the counter's edge in no time. A robot's elbow cannot follow that; and
its environment begins with the hands ready. So before, between and after what is wanted, hands go by ways of their own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.interpolate import BPoly

from motion.handling import Handling, HandTrack
from motion.transform import Array, Transform, quaternion_product, so3_exp, so3_log
from robots.robot import Robot
from robots.station import station
from robots.tool_frames import T_world_tool

WANTED = 0.5
"""A hand's place counts from this `wanted` on."""
_FOLLOWED = 0.4
"""How much ways of their own are wanted: they are followed, but not judged."""
_PACE_MPS, _PACE_RADPS, _LEAST_S, _REST_S = 0.35, 1.6, 0.6, 0.2
"""Mean speeds of a way to and from waiting, its least duration, and how long a hand rests at both ends of a handling."""
_OVER_M = 0.0
"""A hand that holds nothing counts from the counter's edge on: a person's comes and goes close by their belly, where a robot's
elbow has no room."""
_CLEAR_M = 0.15
"""A hand this far from where it let go of a thing, or will take it, has its fingers free of it: they reach 11 cm ahead of the
tool frame, and half the thing's width is beyond that. Until then it comes and goes as the person's did, over the counter or not."""
_ARCH = 0.25
"""How high a way rises over the straight line, as a share of its length."""


def with_waiting_hands(robot: Robot, handling: Handling) -> Handling:
    """The handling with hands that begin and end where the robot holds them ready, and wait there while they are not wanted.

    It begins earlier and ends later where the ways need that; times, holds and labels stay as they are.

    Args:
        robot: ready for work (`robots.ready`); its rest posture is where hands wait.
        handling: at a constant rate.
    """
    step = float(np.median(np.diff(handling.time_s)))
    handling = replace(handling, hands={side: _over_the_counter(handling, side) for side in handling.hands})
    ready = {side: _ready(robot, side) for side in handling.hands}
    used = {side: track for side, track in handling.hands.items() if (np.asarray(track.wanted) >= WANTED).any()}
    before = max((_missing(track, ready[side], step) for side, track in used.items()), default=0)
    after = max((_missing(_reversed(track), ready[side], step) for side, track in used.items()), default=0)
    longer = _extended(handling, before, after, step)
    hands = {side: _waiting(track, ready[side], step) if side in used else track for side, track in longer.hands.items()}
    return replace(longer, hands=hands)


def _over_the_counter(handling: Handling, side: str) -> HandTrack:
    track = handling.hands[side]
    over = (track.T_counter_tool.position_m[:, 0] > _OVER_M) | handling.held(side) | _beside_things(handling, side)
    return replace(track, wanted=np.where(over, track.wanted, 0.0))


def _beside_things(handling: Handling, side: str) -> np.ndarray:
    """(T,) whether a hand has not drawn back yet from what it held, or is coming in already to what it will hold."""
    position, count = handling.hands[side].T_counter_tool.position_m, len(handling.time_s)
    beside = np.zeros(count, bool)
    for hold in handling.holds:
        if hold.side == side:
            held = np.flatnonzero(handling.during(hold))
            for frame, way in ((held[0], np.arange(held[0], -1, -1)), (held[-1], np.arange(held[-1], count))):
                gone = np.linalg.norm(position[way] - position[frame], axis=-1) > _CLEAR_M
                beside[way[: int(np.argmax(gone)) if gone.any() else count]] = True
    return beside


def _ready(robot: Robot, side: str) -> Transform:
    place = station(robot)
    return place.T_world_counter.inverse() @ T_world_tool(robot, side, robot.rest_rad[None], place.T_world_base[None])[0]


def _frames(here: Transform, there: Transform, step: float) -> int:
    """Periods that a way takes."""
    length = float(np.linalg.norm(there.position_m - here.position_m))
    angle = float(np.linalg.norm(_turn(here, there)))
    return int(np.ceil(max(_LEAST_S, length / _PACE_MPS, angle / _PACE_RADPS) / step)) if length + angle > 1e-6 else 0


def _turn(here: Transform, there: Transform) -> Array:
    """(3,) rotation vector in `here` that takes one orientation to the other, the short way round."""
    between = quaternion_product(here.wxyz * np.array([1.0, -1, -1, -1]), there.wxyz)
    return so3_log(between * (1.0 if between[0] >= 0 else -1.0))


def _missing(track: HandTrack, ready: Transform, step: float) -> int:
    """Frames that the way from waiting to the first wanted one needs before the track begins."""
    first = int(np.argmax(np.asarray(track.wanted) >= WANTED))
    rest = round(_REST_S / step)
    return max(_frames(ready, track.T_counter_tool[first], step) + rest - first, 0)


def _reversed(track: HandTrack) -> HandTrack:
    backwards = slice(None, None, -1)
    return HandTrack(track.T_counter_tool[backwards], np.asarray(track.opening)[backwards], np.asarray(track.wanted)[backwards])


def _extended(handling: Handling, before: int, after: int, step: float) -> Handling:
    """The first and the last moment held for some frames."""
    count = len(handling.time_s)
    rows = np.clip(np.arange(-before, count + after), 0, count - 1)
    time_s = handling.time_s[0] + step * np.arange(-before, count + after)
    time_s[before : before + count] = handling.time_s
    outside = (np.arange(-before, count + after) < 0) | (np.arange(-before, count + after) >= count)
    hands = {
        side: HandTrack(
            track.T_counter_tool[rows],
            np.asarray(track.opening, float)[rows],
            np.where(outside, 0.0, np.asarray(track.wanted, float)[rows]),
            None if track.confidence is None else np.asarray(track.confidence, float)[rows],
        )
        for side, track in handling.hands.items()
    }
    return replace(handling, time_s=time_s, hands=hands, things={name: track[rows] for name, track in handling.things.items()})


def _waiting(track: HandTrack, ready: Transform, step: float) -> HandTrack:
    position, wxyz = track.T_counter_tool.position_m.copy(), track.T_counter_tool.wxyz.copy()
    wanted = np.asarray(track.wanted) >= WANTED
    edges = np.flatnonzero(np.diff(np.r_[0, (~wanted).astype(int), 0])).reshape(-1, 2)
    rate, waits = np.diff(position, axis=0) / step, _Stop(ready, np.zeros(3))
    for begin, end in edges:
        first, last, span = begin == 0, end == len(wanted), slice(begin, end)
        start = waits if first else _Stop(track.T_counter_tool[begin - 1], _between(rate, wanted, begin - 2))
        goal = waits if last else _Stop(track.T_counter_tool[end], _between(rate, wanted, end))
        position[span], wxyz[span] = _span(start, goal, waits, int(end - begin), step)
    return replace(track, T_counter_tool=Transform(position, wxyz), wanted=np.where(wanted, 1.0, _FOLLOWED))


def _between(rate: Array, wanted: np.ndarray, frame: int) -> Array:
    """(3,) speed from a frame to the next, where the hand is wanted in both."""
    inside = 0 <= frame < len(rate) and wanted[frame] and wanted[frame + 1]
    return rate[frame] if inside else np.zeros(3)


class _Stop:
    """Where a way begins or ends, and how fast the hand is there."""

    def __init__(self, pose: Transform, speed_mps: Array) -> None:
        self.pose, self.speed_mps = pose, speed_mps


def _span(start: _Stop, goal: _Stop, waits: _Stop, count: int, step: float) -> tuple[Array, Array]:
    """Positions (count, 3) and wxyz (count, 4) of a hand that is not wanted: away, waiting, back; or straight where time is short."""
    away, back = (0 if stop is waits else _frames(stop.pose, waits.pose, step) for stop in (start, goal))
    if away and back and away + back > count:
        return _way(start, goal, count, step)
    away, back = min(away, count), min(back, count)
    still = Transform(np.tile(waits.pose.position_m, (count - away - back, 1)), np.tile(waits.pose.wxyz, (count - away - back, 1)))
    parts = [_way(start, waits, away, step), (still.position_m, still.wxyz), _way(waits, goal, back, step)]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _way(start: _Stop, goal: _Stop, count: int, step: float) -> tuple[Array, Array]:
    """From the frame after `start` on, `goal` being the frame after the last: smooth in place and speed, a little arched."""
    if count == 0:
        return np.zeros((0, 3)), np.zeros((0, 4))
    duration, at = (count + 1) * step, step * np.arange(1, count + 1)
    ends = [np.array([start.pose.position_m, start.speed_mps, np.zeros(3)]), np.array([goal.pose.position_m, goal.speed_mps, np.zeros(3)])]
    position = BPoly.from_derivatives([0.0, duration], ends)(at)
    share = at / duration
    eased = share**3 * (10 - 15 * share + 6 * share**2)
    position[:, 2] += _ARCH * np.linalg.norm(goal.pose.position_m - start.pose.position_m) * 16 * share**2 * (1 - share) ** 2
    turn = _turn(start.pose, goal.pose)
    wxyz = quaternion_product(np.broadcast_to(start.pose.wxyz, (count, 4)), so3_exp(eased[:, None] * turn))
    return position, wxyz
