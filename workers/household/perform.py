"""A body does a handling: it stands at a counter that suits it, and its hands follow the tool frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from envs.household.things import Grip, Thing
from motion.handling import Handling, Hold
from motion.landmarks import LANDMARKS, SIDES, hand_landmarks
from motion.tool_frame import tool_pose
from motion.transform import Array, Transform, matrix_from_wxyz, so3_log, wxyz_from_matrix
from workers.body import PALM_AXES, WorkerBody, pelvis_height_m
from workers.household.clock import led_in
from workers.household.fingers import GraspPosture, grasp_posture, hand_tool
from workers.household.hand_paths import Rest, driven, eased, edge_point, finger_path, hand_path, way_s
from workers.household.walking import Walk, gaze_ahead, walk_along
from workers.performance import (
    CROUCH,
    SOLVE_HZ,
    Performance,
    footprints,
    gaze_point,
    head_rotation,
    lean_rad,
    palm_rotation,
    sway,
    workplace,
)
from workers.posture import Firmness, PostureSolver, Wishes, grip_point
from workers.record import Worker

EDGE_M = (0.17, 0.21)
"""How far the counter's front edge is before the hip joints: a belly and a hand's breadth."""

INWARD_M, ASIDE_M = 0.10, 0.16
"""A hand works at least this far on its own side of the body where a step of no more than that allows it."""

WIDTH_M = 0.06
"""Width of things of which nobody says how thick they are."""

FIRM = Firmness(hand_m=4e-4, hand_rad=0.01, pelvis_m=0.05, pelvis_rad=0.15, trunk_rad=0.25)
"""Much firmer hands than in free-hand chores: what is held stands where the handling says. The trunk turns and leans for it."""

FIRM_ON_FOOT = replace(FIRM, pelvis_m=0.015, pelvis_rad=0.08)
"""On foot the pelvis goes its own way, and legs follow."""

_OUTWARD = {"left": 1.0, "right": -1.0}
_PAUSE_S = 0.3
"""Standing still before the hands come up, and after they hang again."""


@dataclass(frozen=True)
class HandlingPerformance:
    """A handling, as a body does it.

    Attributes:
        performance: the body's motion in the world; its pelvis stands over the origin and looks along x.
        handling: what was asked, on the performance's clock: it begins when the hands have come up.
        T_world_counter: the counter's frame, batch ().
    """

    performance: Performance
    handling: Handling
    T_world_counter: Transform

    def tools_at(self, time_s: Array) -> dict[str, Transform]:
        """side -> `T_counter_tool` of the hands as they truly are, batch (T,)."""
        position = dict(zip(_names(), np.moveaxis(self.performance.landmarks_at(time_s)[:, _columns()], 1, 0), strict=True))
        return {side: self.T_world_counter.inverse() @ tool_pose(position.__getitem__, side) for side in SIDES}

    def residual(self, side: str) -> tuple[Array, Array]:
        """How far a hand is off what the handling asks, where it asks: distance (n,), m, and angle (n,), rad."""
        track = self.handling.hands[side]
        there = driven(track)
        found, asked = self.tools_at(self.handling.time_s[there])[side], track.T_counter_tool[there]
        off = np.linalg.norm(found.position_m - asked.position_m, axis=-1)
        return off, np.linalg.norm(so3_log((asked.inverse() @ found).wxyz), axis=-1)


def perform_handling(worker: Worker, handling: Handling, rng: np.random.Generator, things: Sequence[Thing] = ()) -> HandlingPerformance:
    """Let a worker do a handling.

    Args:
        worker: who.
        handling: what their hands do, in the counter's frame.
        rng: what makes this take different from the worker's others: sway, footprints, distance from the counter.
        things: what is handled; their grips say how thick it is where it is held.
    """
    body = worker.body
    aside = stance_m(handling) if handling.stand is None else 0.0  # who walks stands where the handling says
    T_world_counter = counter_of(worker, float(rng.uniform(*EDGE_M)), aside)
    rests = {side: _rest(worker, side, T_world_counter) for side in SIDES}
    seen = handling.from_stand()
    longer = led_in(handling, _lead_s(seen, rests, first=True), _lead_s(seen, rests, first=False), SOLVE_HZ)
    time_s, own = longer.time_s, longer.from_stand()
    tools = {side: T_world_counter @ hand_path(time_s, own.hands.get(side), rests[side]) for side in SIDES}
    if longer.stand is None:
        joints, base = PostureSolver(body, FIRM).solve(_wishes(body, tools, time_s, rng), steps=4)
    else:
        walk = _walk(body, T_world_counter @ longer.stand @ T_world_counter.inverse(), time_s, rng)
        joints, base = PostureSolver(body, FIRM_ON_FOOT).solve(_wishes_on_foot(body, tools, own, walk, rng), steps=4)
        base = walk.T_world_body @ base
    postures = hold_postures(body, longer, things)
    fingers = {side: finger_path(time_s, longer, side, postures) for side in SIDES}
    return HandlingPerformance(Performance(body, time_s, joints, base, fingers, longer.labels), longer, T_world_counter)


def stance_m(handling: Handling) -> float:
    """How far to the left of the counter's middle people stand: no hand likes to work in front of the other shoulder.

    Where both hands would have people step aside, they stay as near to the middle as the two agree on.
    """
    aside = 0.0
    for side, track in handling.hands.items():
        there = driven(track)
        if there.any():
            inward = float((-_OUTWARD[side] * track.T_counter_tool.position_m[there, 1]).max())
            aside -= _OUTWARD[side] * float(np.clip(inward + INWARD_M, 0.0, ASIDE_M))
    return aside


def counter_of(worker: Worker, edge_m: float, aside_m: float = 0.0) -> Transform:
    """`T_world_counter`, batch (): as high as suits the worker, its front edge so far before the pelvis, its middle to the right."""
    height = worker.body.physique.elbow_height_m - worker.style.counter_below_elbow_m
    return Transform(np.array([edge_m, -aside_m, height]), np.array([1.0, 0, 0, 0]))


def hold_postures(body: WorkerBody, handling: Handling, things: Sequence[Thing]) -> dict[int, GraspPosture]:
    """Index of each hold -> how the fingers hold."""
    wanted = [(hold.grasp, width_of(hold, handling, things)) for hold in handling.holds]
    found = {grasp: grasp_posture(body.hand, *grasp) for grasp in dict.fromkeys(wanted)}
    return {index: found[grasp] for index, grasp in enumerate(wanted)}


def width_of(hold: Hold, handling: Handling, things: Sequence[Thing]) -> float:
    """How thick a thing is where a hold takes it: of the grip of that grasp nearest to the tool; `WIDTH_M` where nobody says."""
    grips = [grip for thing in things if thing.name == hold.thing for grip in thing.grips.values() if grip.grasp == hold.grasp]
    if not grips:
        return WIDTH_M
    middle = int(np.searchsorted(handling.time_s, (hold.start_s + hold.end_s) / 2))
    place = handling.things[hold.thing][middle].inverse().apply(handling.hands[hold.side].T_counter_tool.position_m[middle])

    def away(grip: Grip) -> float:
        return float(np.linalg.norm(np.array(grip.position_m) - place))

    return min(grips, key=away).width_m


def _lead_s(handling: Handling, rests: dict[str, Rest], first: bool) -> float:
    """Time that hands need to come up before the handling, or to go back after it, beyond what it leaves itself."""
    most = 0.0
    for side, track in handling.hands.items():
        there = np.flatnonzero(driven(track))
        if len(there):
            frame = int(there[0] if first else there[-1])
            spare = abs(float(handling.time_s[frame] - handling.time_s[0 if first else -1]))
            most = max(most, way_s(track.T_counter_tool[frame], rests[side]) - spare)
    return most + _PAUSE_S


def _rest(worker: Worker, side: str, T_world_counter: Transform) -> Rest:
    """A hanging hand, as in free-hand chores."""
    channels = workplace(worker.body, worker.style).rest
    palm = palm_rotation(channels[None, 3:6], side)[0]
    hand = Transform(np.zeros(3), wxyz_from_matrix(palm @ PALM_AXES[side]))
    grip = channels[:3] * [1.0, _OUTWARD[side], 1.0]
    hand = Transform(grip - hand.apply(grip_point(worker.body, side).offset_m), hand.wxyz)
    tool = T_world_counter.inverse() @ hand @ hand_tool(worker.body, side)
    return Rest(tool, edge_point(tool.position_m))


def _wishes(body: WorkerBody, tools: dict[str, Transform], time_s: Array, rng: np.random.Generator) -> Wishes:
    grip, palm = _grips(body, tools)
    pelvis = np.array([0.0, 0.0, CROUCH * pelvis_height_m(body.physique)]) + sway(time_s, rng)
    gaze = gaze_point(grip, pelvis)
    return Wishes(grip, palm, pelvis, head_rotation(body, gaze), footprints(body, rng), lean_rad(body, grip))


def _walk(body: WorkerBody, T_world_body: Transform, time_s: Array, rng: np.random.Generator) -> Walk:
    leg_m = body.physique.thigh_m + body.physique.shank_m
    return walk_along(time_s, T_world_body, footprints(body, rng), leg_m, str(rng.choice(SIDES)))


def _wishes_on_foot(body: WorkerBody, tools: dict[str, Transform], own: Handling, walk: Walk, rng: np.random.Generator) -> Wishes:
    """As `_wishes`, in the body's own surroundings: the floor moves under it."""
    swing = walk.arm_swing()
    swung = {}
    for side, track in tools.items():
        hand = own.hands.get(side)
        free = 1 - eased(walk.time_s, driven(hand)) if hand is not None else np.ones(len(walk.time_s))
        swung[side] = Transform(track.position_m + free[:, None] * swing[side], track.wxyz)
    grip, palm = _grips(body, swung)
    pelvis = np.array([0.0, 0.0, CROUCH * pelvis_height_m(body.physique)]) + sway(walk.time_s, rng) + walk.pelvis_shift()
    gaze = gaze_point(grip, pelvis, gaze_ahead(pelvis, walk.look_rad()))
    return Wishes(grip, palm, pelvis, head_rotation(body, gaze), dict(walk.feet), lean_rad(body, grip))


def _grips(body: WorkerBody, tools: dict[str, Transform]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Grip points (T, 3) and palms (T, 3, 3) of hands, from their tool frames."""
    grip, palm = {}, {}
    for side in SIDES:
        hand = tools[side] @ hand_tool(body, side).inverse()
        grip[side] = hand.apply(np.array(grip_point(body, side).offset_m))
        palm[side] = matrix_from_wxyz(hand.wxyz) @ PALM_AXES[side].T
    return grip, palm


def _names() -> list[str]:
    return [name for side in SIDES for name in hand_landmarks(side)]


def _columns() -> list[int]:
    return [LANDMARKS.index(name) for name in _names()]
