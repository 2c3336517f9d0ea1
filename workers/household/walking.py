"""A body on foot: footprints along the way of its stand, feet that swing between them, and what the rest of it does meanwhile.

Everything is worked out in the body's own surroundings, as if it stood at its place before a counter (`Handling.from_stand`):
there the floor moves under it, and its feet with the floor. The way of the stand takes all of it into the world again.

Sources:
    Inman, Ralston & Todd 1981, Human Walking: the pelvis rises over the standing leg and moves towards it, both by some
        centimetres; arms swing with the leg of the other side; the feet stand together for a fifth of a step.
    Grieve & Gear 1966, Ergonomics 9(5): slow walkers make short steps.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from motion.landmarks import SIDES
from motion.transform import Array, Transform, quaternion_product, rotate, so3_exp, so3_log
from workers.minimum_jerk import progress

STEP_M = 0.28
"""Longest step, of an adult of average height, at the speeds that people walk at between furniture."""
STEP_RAD = 0.55
"""Widest turn in one step."""
LEAST_STEP_S = 0.42
"""Quickest step."""
SWING = (0.12, 0.90)
"""Share of a step between which its foot is in the air."""
CLEARANCE_M = 0.055
"""How high a foot is lifted over the floor."""
LONGEST_SWING_S = 0.75
"""A foot is in the air for no longer, however slow the walk."""
BOB_M, SHIFT_M = 0.012, 0.022
"""How far the pelvis sinks between steps, and how far it moves over the foot that stands."""
SINK = 0.045
"""How much lower the pelvis is on the way, as a share of the leg: knees stay bent when feet are a step apart."""
ARM_SWING = 0.7
"""How far a free hand swings for every metre that the foot of the other side is ahead."""
LOOK_S = 0.9
"""How far ahead of where they are people look."""
AHEAD_M = (3.0, 0.0, -0.1)
"""What people look at who walk, from their pelvis: the way before them, not its floor."""
_MOVES_MPS, _MOVES_RADPS = 0.01, 0.02
"""A stand slower than this rests."""
_AVERAGE_LEG_M = 0.85


@dataclass(frozen=True)
class Step:
    """One foot goes from one footprint to the next.

    Attributes:
        side: of the foot.
        start_s, end_s: when its step begins and ends; within it the foot is in the air for the share `SWING`.
        lands: `T_world_foot` () where it comes to stand.
    """

    side: str
    start_s: float
    end_s: float
    lands: Transform

    @property
    def air_s(self) -> tuple[float, float]:
        """When the foot leaves the floor, and when it is back."""
        middle = self.start_s + (sum(SWING) / 2) * (self.end_s - self.start_s)
        half = min((SWING[1] - SWING[0]) * (self.end_s - self.start_s), LONGEST_SWING_S) / 2
        return middle - half, middle + half


@dataclass(frozen=True)
class Walk:
    """A body's way over the floor, at T times.

    Attributes:
        time_s: (T,).
        T_world_body: batch (T,): takes what the body does at its place to where it is.
        feet: side -> poses of the foot's link as the body sees them, batch (T,).
        steps: in order.
        leg_m: length of the leg.
    """

    time_s: Array
    T_world_body: Transform
    feet: Mapping[str, Transform]
    steps: tuple[Step, ...]
    leg_m: float

    def pelvis_shift(self) -> Array:
        """(T, 3) how far the pelvis moves over the standing foot, and sinks between steps."""
        out = np.zeros((len(self.time_s), 3))
        for step in self.steps:
            share = np.clip((self.time_s - step.start_s) / (step.end_s - step.start_s), 0, 1)
            aside = -1.0 if step.side == "left" else 1.0
            out[:, 1] += aside * SHIFT_M * _hump(share)
            out[:, 2] += BOB_M * _hump(share)
        out[:, 2] -= (BOB_M + SINK * self.leg_m) * self.moving()
        return out

    def moving(self) -> Array:
        """(T,) 1 on the way, falling smoothly to 0 while it stands."""
        out = np.zeros(len(self.time_s))
        for first, last in self.walks():
            rise = np.clip((self.time_s - first.start_s) / (first.end_s - first.start_s), 0, 1)
            fall = np.clip((last.end_s - self.time_s) / (last.end_s - last.start_s), 0, 1)
            out += progress(np.minimum(rise, fall))
        return out

    def walks(self) -> list[tuple[Step, Step]]:
        """First and last steps of what is walked without a rest."""
        out: list[tuple[Step, Step]] = []
        for step in self.steps:
            if out and step.start_s - out[-1][1].end_s < 1e-6:
                out[-1] = (out[-1][0], step)
            else:
                out.append((step, step))
        return out

    def arm_swing(self) -> dict[str, Array]:
        """Side -> (T, 3) how far a hand that hangs swings: with the foot of the other side."""
        out = {}
        for side, other in zip(SIDES, reversed(SIDES), strict=True):
            ahead = self.feet[other].position_m[:, 0] - self.feet[side].position_m[:, 0]
            ahead = ahead - ahead[0] * (1 - self.moving())
            swing = ARM_SWING * 0.5 * ahead * self.moving()
            out[side] = np.column_stack([swing, np.zeros_like(swing), 0.35 * np.abs(swing)])
        return out

    def look_rad(self) -> Array:
        """(T,) how far to the left of where the body is turned it will go."""
        later = np.minimum(self.time_s + LOOK_S, self.time_s[-1])
        yaw = headings(self.T_world_body)
        return np.asarray(np.interp(later, self.time_s, yaw) - yaw)


def walk_along(time_s: Array, T_world_body: Transform, standing: Mapping[str, Transform], leg_m: float, first_side: str) -> Walk:
    """Footsteps along a way.

    Args:
        time_s: (T,).
        T_world_body: batch (T,), level: takes what the body does at its place to where it is.
        standing: side -> pose () of the foot's link when the body stands at its place.
        leg_m: length of the leg; long legs make long steps.
        first_side: the foot that sets off.
    """
    steps = _planned(time_s, T_world_body, standing, STEP_M * leg_m / _AVERAGE_LEG_M, first_side)
    back = T_world_body.inverse()
    feet = {}
    for side in SIDES:
        own = [step for step in steps if step.side == side]
        feet[side] = back @ _foot_path(time_s, T_world_body[0] @ standing[side], own)
    return Walk(time_s, T_world_body, feet, tuple(steps), leg_m)


def headings(track: Transform) -> Array:
    """(T,) yaw of level poses, without jumps."""
    return np.unwrap(2 * np.arctan2(track.wxyz[:, 3], track.wxyz[:, 0]))


def _planned(time_s: Array, way: Transform, standing: Mapping[str, Transform], step_m: float, first_side: str) -> list[Step]:
    """Steps of all walks; the last two of each bring the feet together."""
    out: list[Step] = []
    side = first_side
    for begin, end in _walks(time_s, way):
        bounds = _bounds(time_s, way, begin, end, step_m)
        for index, (start_s, end_s) in enumerate(itertools.pairwise(bounds)):
            last = index >= len(bounds) - 3
            # A foot lands where the body will be in the middle of the time that it stands.
            stands_s = end if last else end_s + 0.5 * (bounds[index + 2] - end_s)
            out.append(Step(side, start_s, end_s, _at(time_s, way, stands_s) @ standing[side]))
            side = _other(side)
    return out


def _bounds(time_s: Array, way: Transform, begin: float, end: float, step_m: float) -> list[float]:
    """When the steps of one walk begin and end: at equal parts of what is walked and turned, none quicker than people step.

    The last step follows when the body has come to rest.
    """
    inside = (time_s >= begin) & (time_s <= end)
    time, place, yaw = time_s[inside], way.position_m[inside], headings(way)[inside]
    walked = np.linalg.norm(np.diff(place[:, :2], axis=0), axis=1) / step_m
    turned = np.abs(np.diff(yaw)) / STEP_RAD
    gone = np.concatenate([[0.0], np.cumsum(np.maximum(walked, turned) + 1e-9)])
    count = max(int(np.ceil(gone[-1])), 1)
    bounds = np.interp(np.linspace(0, gone[-1], count + 1), gone, time)
    for index in range(1, len(bounds)):
        bounds[index] = max(bounds[index], bounds[index - 1] + LEAST_STEP_S)
    return [*bounds.tolist(), float(bounds[-1]) + LEAST_STEP_S]


def _walks(time_s: Array, way: Transform) -> list[tuple[float, float]]:
    """When the stand moves; rests that leave no time for the last step are none."""
    speed = np.linalg.norm(np.gradient(way.position_m, time_s, axis=0), axis=1)
    moves = (speed > _MOVES_MPS) | (np.abs(np.gradient(headings(way), time_s)) > _MOVES_RADPS)
    edges = np.flatnonzero(np.diff(np.r_[0, moves.astype(int), 0])).reshape(-1, 2)
    out: list[tuple[float, float]] = []
    for first, after in edges:
        begin, end = float(time_s[first]), float(time_s[after - 1])
        if out and begin - out[-1][1] < 2.5 * LEAST_STEP_S:
            out[-1] = (out[-1][0], end)
        else:
            out.append((begin, end))
    return out


def _foot_path(time_s: Array, start: Transform, steps: list[Step]) -> Transform:
    """`T_world_foot`, batch (T,): exactly still but for its swings."""
    position, wxyz = np.tile(start.position_m, (len(time_s), 1)), np.tile(start.wxyz, (len(time_s), 1))
    here = start
    for step in steps:
        rise, fall = step.air_s
        gone = np.clip((time_s - rise) / (fall - rise), 0, 1)
        share, going = progress(gone), time_s > rise
        way = here.position_m + share[:, None] * (step.lands.position_m - here.position_m)
        far = float(np.linalg.norm(step.lands.position_m - here.position_m))
        way[:, 2] += CLEARANCE_M * min(1.0, 0.5 + far) * _hump(gone)
        turned = quaternion_product(here.wxyz, so3_exp(share[:, None] * so3_log((here.inverse() @ step.lands).wxyz)))
        position[going], wxyz[going] = way[going], turned[going]
        here = step.lands
    return Transform(position, wxyz)


def _hump(share: Array) -> Array:
    """0 at both ends of 0..1, 1 in the middle, smooth."""
    return 64 * share**3 * (1 - share) ** 3


def _at(time_s: Array, way: Transform, at_s: float) -> Transform:
    """Pose () at a time."""
    yaw = float(np.interp(at_s, time_s, headings(way)))
    place = np.array([np.interp(at_s, time_s, column) for column in way.position_m.T])
    return Transform(place, so3_exp(np.array([0.0, 0.0, yaw])))


def _other(side: str) -> str:
    return SIDES[1 - SIDES.index(side)]


def gaze_ahead(pelvis_m: Array, look_rad: Array) -> Array:
    """(T, 3) where people look who walk: on the way before them, to where they will turn."""
    ahead = rotate(so3_exp(look_rad[:, None] * [0.0, 0.0, 1.0]), np.array(AHEAD_M))
    return np.asarray(pelvis_m + ahead)
