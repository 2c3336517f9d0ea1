"""What one hand does at a time: reach, grasp, carry, place, turn, let go; and where everything is meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from envs.household.scene import Scene
from motion.errors import MotionError, require
from motion.handling import Handling
from motion.transform import Array, Transform, quaternion_product, rotate, so3_exp
from workers.handwork.poses import UP, best_aim, between, comfortable_yaw_rad, handed, pose_at, raised, shifted, stroke, yaw_of
from workers.handwork.props import repeated, upright
from workers.handwork.style import HandStyle
from workers.handwork.tape import PERIOD_S, RATE_HZ, Tape, resting
from workers.minimum_jerk import progress

GRAVITY_MPS2 = 9.81
EDGED = 2.5
"""A box is gripped this much harder than a round thing: bent fingers meet its faces and edges aslant, and would push it out."""
LEAST_GRIP_N = 2.0
"""Grip force below which nobody holds anything, however light."""
BEHIND_M = (-0.14, -0.01, 0.0)
"""From where an open hand slides in along its fingers: straight fingers reach 11 cm ahead of the tool frame."""
OVER_M = (-0.15, -0.015, 0.05)
"""What a hand passes on its way to `BEHIND_M`: a little aside and above."""
AWAY_M = (-0.18, -0.03, 0.06)
"""Where a hand that has drawn back is free to turn: its fingertips are behind what it let go."""
ASIDE_M = (-0.10, -0.32, 0.10)
"""Where a right hand is out of the left one's way."""
NEAR_TEMPO = 0.65
"""Share of the usual speed with which a hand comes down behind a thing, slides in and draws back."""
SHORT_WAY_M = 0.12
"""A hand goes straight to a place nearer than this, and up and over to one farther."""

PathOf = Callable[[Array], Transform]
"""A path: shares (n,) in 0..1, rising to 1, to poses (n,)."""


class Verbs:
    """Handwork being written. Verbs move one hand at a time, `main` unless told; `side` is "left" or "right".

    Attributes:
        scene: what stands on the counter.
        style: whose hands.
        rng: what varies from take to take.
        main: the hand that the layout suits.
        travel_m: height at which tools travel over the counter, clear of what stands there.
    """

    def __init__(self, scene: Scene, style: HandStyle, rng: np.random.Generator) -> None:
        self.scene, self.style, self.rng = scene, style, rng
        self.main = scene.side
        self.travel_m = 0.14
        self._tape = Tape(scene)

    # What is where now

    @property
    def now_s(self) -> float:
        """The time reached."""
        return self._tape.now_s

    @property
    def other(self) -> str:
        """The hand that is not `main`."""
        return "left" if self.main == "right" else "right"

    def tool(self, side: str = "") -> Transform:
        """T_counter_tool () of a hand."""
        return self._tape.tool[side or self.main]

    def pose(self, thing: str) -> Transform:
        """T_counter_thing () of a thing."""
        return self._tape.props.poses(self._tape.tool)[self._tape.props.thing(thing).name]

    def value(self, thing: str) -> float:
        """Position of a thing's hinge (rad) or slide (m)."""
        return self._tape.props.value[thing]

    def held(self, side: str = "") -> str:
        """Name of the thing that a hand holds; "" for none."""
        return self._tape.held(side or self.main)

    def yaw(self, thing_or_place: str | Sequence[float] | Array, side: str = "") -> float:
        """A comfortable yaw (rad) of a hand at a thing or a place."""
        place = self.pose(thing_or_place).position_m if isinstance(thing_or_place, str) else np.asarray(thing_or_place, float)
        seen = self._tape.seen_from_stand(Transform(place, np.array([1.0, 0.0, 0.0, 0.0]))).position_m
        return yaw_of(self._tape.stand) + comfortable_yaw_rad(seen, side or self.main)

    def at_grip(self, thing: str, grip: str = "side", side: str = "", yaw_rad: float | None = None) -> Transform:
        """T_counter_tool () of a hand that has a thing by one of its grips, turned near a yaw (the comfortable one)."""
        side = side or self.main
        wanted = self.yaw(thing, side) if yaw_rad is None else yaw_rad
        return best_aim(self.pose(thing), self._tape.props.thing(thing), grip, wanted)[1]

    # Verbs of one hand

    def go(self, *points: Transform, side: str = "", tempo: float = 1.0, verb: str = "move", thing: str = "", outcome: str = "") -> None:
        """Move a hand past tool poses () and stop at the last; a held thing comes along."""
        side = side or self.main
        path = stroke([self._tape.tool[side], *points], self.style.peak_mps * tempo, PERIOD_S)
        self._tape.append(len(path), (verb, thing or self.held(side), outcome), {side: path})

    def go_both(self, ways: Mapping[str, Sequence[Transform]], tempo: float = 1.0, verb: str = "move", thing: str = "") -> None:
        """Move both hands at once, each past tool poses () of its own (side -> poses); the one that is there first waits."""
        paths = {side: stroke([self._tape.tool[side], *points], self.style.peak_mps * tempo, PERIOD_S) for side, points in ways.items()}
        count = max(len(path) for path in paths.values())
        padded = {side: path[np.minimum(np.arange(count), len(path) - 1)] for side, path in paths.items()}
        self._tape.append(count, (verb, thing, "success"), padded)

    def move(
        self,
        path: PathOf,
        duration_s: float,
        side: str = "",
        verb: str = "move",
        thing: str = "",
        smooth: bool = False,
        of_thing: bool = False,
    ) -> None:
        """Move a hand along a path of its tool, or with `of_thing` of the thing that it holds.

        Args:
            path: shares (n,) to poses (n,); its start is where the hand is now.
            duration_s: how long it takes.
            side, verb, thing: who, and what the label says.
            smooth: shares run with minimum jerk, at rest at both ends, instead of evenly.
            of_thing: the path is the held thing's.
        """
        side = side or self.main
        share = self._shares(duration_s, smooth)
        poses = path(share)
        if of_thing:
            poses = poses @ self._thing_in_tool(side).inverse()
        self._tape.append(len(share), (verb, thing or self.held(side), "success"), {side: poses})

    def reach(
        self,
        thing: str,
        grip: str = "side",
        side: str = "",
        yaw_rad: float | None = None,
        behind_m: Sequence[float] = BEHIND_M,
        over_m: Sequence[float] = OVER_M,
        tempo: float = 1.0,
        verb: str = "reach",
    ) -> None:
        """Bring an open hand to a thing: over `over_m` and `behind_m` (in the frame of the grip), then straight in."""
        side = side or self.main
        goal = self.at_grip(thing, grip, side, self._wobbled_yaw(thing, side, yaw_rad))
        self.approach(goal, thing, side, behind_m, over_m, tempo, verb)

    def approach(
        self,
        goal: Transform,
        thing: str = "",
        side: str = "",
        behind_m: Sequence[float] = BEHIND_M,
        over_m: Sequence[float] = OVER_M,
        tempo: float = 1.0,
        verb: str = "reach",
    ) -> None:
        """`reach` to a tool pose of your own."""
        side = side or self.main
        behind, over = shifted(goal, behind_m, side), shifted(goal, over_m, side)
        points = [self._tape.tool[side], *self._over(self._tape.tool[side], over), over, behind, goal]
        peaks = [*np.full(len(points) - 3, 1.0), NEAR_TEMPO, NEAR_TEMPO]
        path = stroke(points, [self.style.peak_mps * tempo * peak for peak in peaks], PERIOD_S)
        share = progress(np.linspace(0, 1, len(path)))
        opening = {side: np.maximum(self._tape.opening[side], np.minimum(2 * share, 1))}
        self._tape.append(len(path), (verb, thing, "success"), {side: path}, opening)

    def grasp(self, thing: str, grasp: str = "wrap", side: str = "", close_s: float | None = None, force_n: float | None = None) -> None:
        """Close the fingers where the hand is; from then on a loose thing moves with it. `force_n` defaults to what it needs."""
        side = side or self.main
        require(not self.held(side), MotionError, f"the {side} hand holds {self.held(side)} already.")
        start_s = self.now_s
        self._fingers(side, 0.0, self.style.close_s if close_s is None else close_s, "grasp", thing)
        self._tape.hold(side, thing, grasp, self.grip_force_n(thing) if force_n is None else force_n, start_s)

    def grip_force_n(self, thing: str) -> float:
        """Sum of the fingers' normal forces that the worker takes: the least that friction needs, and a margin."""
        made_of = self._tape.props.thing(thing)
        friction = min(shape.friction for shape in made_of.shapes)
        edged = EDGED if any(shape.kind == "box" for shape in made_of.shapes) and len(made_of.shapes) == 1 else 1.0
        return max(LEAST_GRIP_N, edged * self.style.grip_margin * made_of.mass_kg * GRAVITY_MPS2 / friction)

    def lift(self, by_m: float | None = None, side: str = "") -> None:
        """Raise the hand and what it holds, straight up."""
        height = self.style.clearance_m if by_m is None else by_m
        self.go(raised(self.tool(side), height), side=side, tempo=0.6, verb="lift", outcome="success")

    def carry(
        self,
        to: Transform | Sequence[float] | Array,
        side: str = "",
        above_m: float | None = None,
        yaw_rad: float | None = None,
        tempo: float = 0.8,
    ) -> None:
        """Carry what a hand holds to above a place, not lower than it is lifted.

        Args:
            to: pose () of the thing, or the place (3,) of its origin: then it comes upright, the hand at `yaw_rad`.
            side: the hand.
            above_m: height over `to`; the style's clearance unless given.
            yaw_rad: of the hand; the comfortable one unless given.
            tempo: share of the usual speed.
        """
        side = side or self.main
        above = self.style.clearance_m if above_m is None else above_m
        self.go(raised(self.tool_for(to, side, yaw_rad), above), side=side, tempo=tempo, verb="carry", outcome="success")

    def place(
        self, to: Transform | Sequence[float] | Array, side: str = "", yaw_rad: float | None = None, outcome: str = "success"
    ) -> None:
        """Lower what a hand holds down to a pose or place; the hand keeps its yaw unless told."""
        side = side or self.main
        yaw = yaw_of(self._tape.tool[side]) if yaw_rad is None else yaw_rad
        self.go(self.tool_for(to, side, yaw), side=side, tempo=0.5, verb="place", outcome=outcome)

    def tool_for(self, to: Transform | Sequence[float] | Array, side: str = "", yaw_rad: float | None = None) -> Transform:
        """T_counter_tool () that brings the held thing to a pose, or upright to a place with the hand at a yaw."""
        side = side or self.main
        in_tool = self._thing_in_tool(side)
        if isinstance(to, Transform):
            return to @ in_tool.inverse()
        place = np.asarray(to, float)
        yaw = self.yaw(place, side) if yaw_rad is None else yaw_rad
        thing = upright(self._tape.tool[side] @ in_tool, 0.0)
        tool = Transform(place, thing.wxyz) @ in_tool.inverse()
        return Transform(place, so3_exp((yaw - yaw_of(tool)) * UP)) @ Transform(np.zeros(3), thing.wxyz) @ in_tool.inverse()

    def release(self, side: str = "", stands_at_m: float | None = None, rides_on: str = "", open_s: float | None = None) -> None:
        """Open the fingers. What was held stands where it is, or upright with its underside at a height, or rides on a thing."""
        side = side or self.main
        thing = self._tape.let_go(side)
        if stands_at_m is not None:
            self._tape.props.put(thing, upright(self.pose(thing), stands_at_m))
        if rides_on:
            self._tape.props.attach(thing, rides_on, self.pose(rides_on).inverse() @ self.pose(thing))
        self._fingers(side, 1.0, 0.8 * self.style.close_s if open_s is None else open_s, "release", thing)

    def retreat(self, side: str = "", behind_m: Sequence[float] = BEHIND_M, away_m: Sequence[float] = AWAY_M, tempo: float = 1.0) -> None:
        """Draw an open hand back along its fingers, then up and aside."""
        side = side or self.main
        here = self._tape.tool[side]
        points = [here, shifted(here, behind_m, side), shifted(here, away_m, side)]
        path = stroke(points, [NEAR_TEMPO * self.style.peak_mps * tempo, self.style.peak_mps * tempo], PERIOD_S)
        self._tape.append(len(path), ("withdraw", "", ""), {side: path})

    def turn(
        self,
        thing: str,
        to: float,
        duration_s: float,
        side: str = "",
        follow: float = 1.0,
        verb: str = "turn",
        smooth: bool = True,
        still: bool = False,
        touch_m: Sequence[float] = (0.0, 0.0, 0.0),
    ) -> None:
        """Move a thing on a hinge or slide; the hand goes along with the place where it has it.

        Args:
            thing: its name.
            to: value that the joint goes to (rad or m).
            duration_s: how long it takes.
            side: the hand.
            follow: share of a hinge's angle that the hand itself turns; 1: rigid, 0: it keeps its orientation.
            verb: what the label says.
            smooth: minimum jerk, or even.
            still: the thing moves by itself (a spring), the hand stays.
            touch_m: the point, in the tool's frame, that keeps its place on the thing while the hand turns less than it.
        """
        side = side or self.main
        share = self._shares(duration_s, smooth)
        start = self._tape.props.value[thing]
        values = start + share * (to - start)
        poses = self._tape.props.poses({name: repeated(pose, len(share)) for name, pose in self._tape.tool.items()}, {thing: values})[thing]
        path = poses @ (self.pose(thing).inverse() @ self._tape.tool[side])
        joint = self._tape.props.thing(thing).joint
        assert joint is not None
        if joint.kind == "hinge" and follow != 1.0:
            axis = rotate(self.pose(thing).wxyz, np.array(joint.axis))
            back = so3_exp(((follow - 1.0) * (values - start))[:, None] * axis)
            turned, touch = quaternion_product(back, path.wxyz), np.asarray(touch_m, float) * [1.0, handed(side), 1.0]
            path = Transform(path.apply(touch) - rotate(turned, touch), turned)
        self._tape.append(len(share), (verb, thing, "success"), {} if still else {side: path}, values={thing: values})

    def wait(self, duration_s: float | None = None, verb: str = "pause") -> None:
        """Everything rests for a while; a pause of the worker's usual length unless given."""
        length = self.style.pause_s * self.rng.uniform(0.5, 1.5) if duration_s is None else duration_s
        self._tape.append(max(round(length * RATE_HZ), 1), (verb, "", ""))

    def clear_away(self, side: str = "") -> None:
        """Take a hand that does not work (`other` unless told) out of the way of the one that does, beside the counter's edge."""
        side = side or self.other
        aside = self._tape.from_stand(pose_at(np.array(ASIDE_M) * [1.0, handed(side), 1.0]))
        self.go(aside, side=side, verb="withdraw")

    def home(self, side: str = "") -> None:
        """Take a hand back to where it rests."""
        side = side or self.main
        rest, here = self._tape.from_stand(resting(side)), self._tape.tool[side]
        path = stroke([here, *self._over(here, rest), rest], self.style.peak_mps, PERIOD_S)
        wanted = self._tape.wanted[side] * (1 - progress(np.linspace(0, 1, len(path))))
        self._tape.append(len(path), ("withdraw", "", ""), {side: path}, wanted={side: wanted})

    def fingers(self, opening: float, duration_s: float, side: str = "", verb: str = "close", thing: str = "") -> None:
        """Open or close a hand that holds nothing: a fork for a knob, a flat hand, a hook."""
        self._fingers(side or self.main, opening, duration_s, verb, thing)

    def handling(self) -> Handling:
        """What was written.

        Raises:
            MotionError: a hand still holds something.
        """
        return self._tape.handling()

    # Inside

    def _wobbled_yaw(self, thing: str, side: str, yaw_rad: float | None) -> float:
        wanted = self.yaw(thing, side) if yaw_rad is None else yaw_rad
        return wanted + float(np.clip(self.rng.normal(), -2, 2)) * self.style.wobble_rad

    def _over(self, start: Transform, end: Transform) -> list[Transform]:
        """Via poses of a long way, at the height that hands travel at."""
        if np.linalg.norm((end.position_m - start.position_m)[:2]) < SHORT_WAY_M:
            return []
        height = max(self.travel_m, float(start.position_m[2]), float(end.position_m[2]))
        return [between(start, end, share, height) for share in (0.25, 0.75)]

    def _thing_in_tool(self, side: str) -> Transform:
        name = self.held(side)
        require(bool(name), MotionError, f"the {side} hand holds nothing that could be moved.")
        return self._tape.tool[side].inverse() @ self.pose(name)

    def _shares(self, duration_s: float, smooth: bool) -> Array:
        """Shares (n,) of a way at the periods of a duration, from the first after now to 1."""
        count = max(round(duration_s * RATE_HZ), 1)
        even = np.arange(1, count + 1) / count
        return progress(even) if smooth else even

    def _fingers(self, side: str, opening: float, duration_s: float, verb: str, thing: str, outcome: str = "success") -> None:
        share = self._shares(duration_s, smooth=True)
        now = self._tape.opening[side]
        self._tape.append(len(share), (verb, thing, outcome), openings={side: now + share * (opening - now)})
