"""The engine that handwork scripts are written with: verbs that move hands, fingers and things on from where they are.

A script is a function of a `Script`: it calls verbs one after the other. Each verb appends movements to the hands' tool
frames (minimum jerk, past via points that do not stop), to the openings and to the labels, while the tracks of all
things follow: held things move rigidly with the tool, things on a joint move by it, the rest stands.

Everything is in the counter's frame (`motion.handling`). Offsets in a tool's frame are written for a right hand and are
mirrored for a left one. A loose thing's origin lies in the middle of its underside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from envs.household.scene import Scene
from motion.errors import MotionError, require
from motion.handling import Handling, HandTrack, Hold
from motion.human import Label
from motion.landmarks import SIDES
from motion.provenance import Provenance
from motion.transform import Array, Transform, quaternion_product, rotate, so3_exp
from workers.handwork.poses import (
    UP,
    best_aim,
    between,
    comfortable_yaw_rad,
    grips_named,
    handed,
    pose_at,
    raised,
    shifted,
    stroke,
    yaw_of,
)
from workers.handwork.props import Props, repeated, upright
from workers.handwork.style import HandStyle
from workers.minimum_jerk import progress

RATE_HZ = 50
PERIOD_S = 1 / RATE_HZ
GRAVITY_MPS2 = 9.81
LEAST_GRIP_N = 2.0
"""Grip force below which nobody holds anything, however light."""
BEHIND_M = (-0.11, -0.01, 0.0)
"""From where an open hand slides in along its fingers: far enough for them to be clear of a thing 9 cm wide."""
OVER_M = (-0.11, -0.03, 0.04)
"""What a hand passes on its way to `BEHIND_M`: a little aside and above."""
REST_M = (-0.08, -0.26, 0.12)
"""Where a right hand is before and after the work: before the counter's edge and above it."""

MISS_M = (-0.10, 0.0, 0.0)
"""Where a hand is that closes too early: the fingers close in front of the thing and do not touch it."""
SHORT_WAY_M = 0.12
"""A hand goes straight to a place nearer than this, and up and over to one farther."""

PathOf = Callable[[Array], Transform]
"""A path: shares (n,) in 0..1, rising to 1, to poses (n,)."""


class Script:
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
        self._props = Props(scene.things)
        self._tool = {side: pose_at(np.array(REST_M) * [1.0, handed(side), 1.0]) for side in SIDES}
        self._opening = dict.fromkeys(SIDES, 1.0)
        self._wanted = dict.fromkeys(SIDES, 0.0)
        self._begun: dict[str, tuple[float, str, str, float]] = {}  # side -> start, thing, grasp, force of the hold that lasts
        self._frames: dict[str, list[Array]] = {}
        self._holds: list[Hold] = []
        self._labels: list[Label] = []
        self._count = 0
        self._record(1, {}, {}, {}, {})

    # What is where now

    @property
    def now_s(self) -> float:
        """The time reached."""
        return (self._count - 1) * PERIOD_S

    @property
    def other(self) -> str:
        """The hand that is not `main`."""
        return "left" if self.main == "right" else "right"

    def tool(self, side: str = "") -> Transform:
        """T_counter_tool () of a hand."""
        return self._tool[side or self.main]

    def pose(self, thing: str) -> Transform:
        """T_counter_thing () of a thing."""
        return self._props.poses(self._tool)[self._props.thing(thing).name]

    def value(self, thing: str) -> float:
        """Position of a thing's hinge (rad) or slide (m)."""
        return self._props.value[thing]

    def held(self, side: str = "") -> str:
        """Name of the thing that a hand holds; "" for none."""
        return self._begun[side or self.main][1] if (side or self.main) in self._begun else ""

    def yaw(self, thing_or_place: str | Sequence[float] | Array, side: str = "") -> float:
        """A comfortable yaw (rad) of a hand at a thing or a place."""
        place = self.pose(thing_or_place).position_m if isinstance(thing_or_place, str) else np.asarray(thing_or_place, float)
        return comfortable_yaw_rad(place, side or self.main)

    def at_grip(self, thing: str, grip: str = "side", side: str = "", yaw_rad: float | None = None) -> Transform:
        """T_counter_tool () of a hand that has a thing by one of its grips, turned near a yaw (the comfortable one)."""
        side = side or self.main
        wanted = self.yaw(thing, side) if yaw_rad is None else yaw_rad
        return best_aim(self.pose(thing), self._props.thing(thing), grip, wanted)[1]

    # Verbs of one hand

    def go(self, *points: Transform, side: str = "", tempo: float = 1.0, verb: str = "move", thing: str = "", outcome: str = "") -> None:
        """Move a hand past tool poses () and stop at the last; a held thing comes along."""
        side = side or self.main
        path = stroke([self._tool[side], *points], self.style.peak_mps * tempo, PERIOD_S)
        self._do(verb, thing or self.held(side), len(path), {side: path}, outcome=outcome)

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
        self._do(verb, thing or self.held(side), len(share), {side: poses})

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
        travel = self._over(self._tool[side], over)
        first = stroke([self._tool[side], *travel, over, behind], self.style.peak_mps * tempo, PERIOD_S)
        last = stroke([behind, goal], 0.65 * self.style.peak_mps * tempo, PERIOD_S)
        wanted = {side: progress(np.linspace(0, 1, len(first)))} if self._wanted[side] == 0 else {}
        opening = {side: np.maximum(self._opening[side], progress(np.linspace(0, 1, len(first))))}
        start_s = self.now_s
        self._record(len(first), {side: first}, opening, {}, wanted)
        self._record(len(last), {side: last}, {}, {}, {})
        self._labels.append(Label(start_s, self.now_s, verb, thing, "success"))

    def grasp(self, thing: str, grasp: str = "wrap", side: str = "", close_s: float | None = None, force_n: float | None = None) -> None:
        """Close the fingers where the hand is; from then on a loose thing moves with it. `force_n` defaults to what it needs."""
        side = side or self.main
        require(side not in self._begun, MotionError, f"the {side} hand holds {self.held(side)} already.")
        force = self.grip_force_n(thing) if force_n is None else force_n
        start_s = self.now_s
        self._fingers(side, 0.0, self.style.close_s if close_s is None else close_s, "grasp", thing)
        joint = self._props.thing(thing).joint
        if joint is not None and joint.kind == "free":
            self._props.attach(thing, side, self._tool[side].inverse() @ self.pose(thing))
        self._begun[side] = (start_s, thing, grasp, force)

    def grip_force_n(self, thing: str) -> float:
        """Sum of the fingers' normal forces that the worker takes: the least that friction needs, and a margin."""
        made_of = self._props.thing(thing)
        friction = min(shape.friction for shape in made_of.shapes)
        return max(LEAST_GRIP_N, self.style.grip_margin * made_of.mass_kg * GRAVITY_MPS2 / friction)

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
        yaw = yaw_of(self._tool[side]) if yaw_rad is None else yaw_rad
        self.go(self.tool_for(to, side, yaw), side=side, tempo=0.5, verb="place", outcome=outcome)

    def tool_for(self, to: Transform | Sequence[float] | Array, side: str = "", yaw_rad: float | None = None) -> Transform:
        """T_counter_tool () that brings the held thing to a pose, or upright to a place with the hand at a yaw."""
        side = side or self.main
        in_tool = self._thing_in_tool(side)
        if isinstance(to, Transform):
            return to @ in_tool.inverse()
        place = np.asarray(to, float)
        yaw = comfortable_yaw_rad(place, side) if yaw_rad is None else yaw_rad
        thing = upright(self._tool[side] @ in_tool, 0.0)
        tool = Transform(place, thing.wxyz) @ in_tool.inverse()
        return Transform(place, so3_exp((yaw - yaw_of(tool)) * UP)) @ Transform(np.zeros(3), thing.wxyz) @ in_tool.inverse()

    def release(self, side: str = "", stands_at_m: float | None = None, rides_on: str = "", open_s: float | None = None) -> None:
        """Open the fingers. What was held stands where it is, or upright with its underside at a height, or rides on a thing."""
        side = side or self.main
        require(side in self._begun, MotionError, f"the {side} hand holds nothing to release.")
        start_s, thing, grasp, force_n = self._begun.pop(side)
        if thing in self._props.carried:
            pose = self.pose(thing)
            pose = pose if stands_at_m is None else upright(pose, stands_at_m)
            self._props.put(thing, pose)
            if rides_on:
                self._props.attach(thing, rides_on, self.pose(rides_on).inverse() @ pose)
        self._holds.append(Hold(side, thing, start_s, self.now_s, grasp, force_n))
        self._fingers(side, 1.0, 0.8 * self.style.close_s if open_s is None else open_s, "release", thing)

    def retreat(self, side: str = "", behind_m: Sequence[float] = BEHIND_M, over_m: Sequence[float] = OVER_M, tempo: float = 0.8) -> None:
        """Draw an open hand back along its fingers, then up and aside."""
        side = side or self.main
        here = self._tool[side]
        back, over = shifted(here, behind_m, side), shifted(here, over_m, side)
        self.go(back, side=side, tempo=0.65 * tempo, verb="withdraw")
        self.go(over, side=side, tempo=tempo, verb="withdraw")

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
        """
        side = side or self.main
        share = self._shares(duration_s, smooth)
        start = self._props.value[thing]
        values = start + share * (to - start)
        poses = self._props.poses({name: repeated(pose, len(share)) for name, pose in self._tool.items()}, {thing: values})[thing]
        path = poses @ (self.pose(thing).inverse() @ self._tool[side])
        joint = self._props.thing(thing).joint
        assert joint is not None
        if joint.kind == "hinge" and follow != 1.0:
            axis = rotate(self.pose(thing).wxyz, np.array(joint.axis))
            back = so3_exp(((follow - 1.0) * (values - start))[:, None] * axis)
            path = Transform(path.position_m, quaternion_product(back, path.wxyz))
        self._do(verb, thing, len(share), {} if still else {side: path}, {thing: values})
        self._props.value[thing] = float(to)

    def wait(self, duration_s: float | None = None, verb: str = "pause") -> None:
        """Everything rests for a while; a pause of the worker's usual length unless given."""
        length = self.style.pause_s * self.rng.uniform(0.5, 1.5) if duration_s is None else duration_s
        self._do(verb, "", max(round(length * RATE_HZ), 1), {}, outcome="")

    def home(self, side: str = "") -> None:
        """Take a hand back to where it rests."""
        side = side or self.main
        rest = pose_at(np.array(REST_M) * [1.0, handed(side), 1.0])
        path = stroke([self._tool[side], *self._over(self._tool[side], rest), rest], self.style.peak_mps, PERIOD_S)
        wanted = self._wanted[side] * (1 - progress(np.linspace(0, 1, len(path))))
        self._do("withdraw", "", len(path), {side: path}, wanted={side: wanted}, outcome="")

    def fingers(self, opening: float, duration_s: float, side: str = "", verb: str = "close", thing: str = "") -> None:
        """Open or close a hand that holds nothing: a fork for a knob, a flat hand, a hook."""
        self._fingers(side or self.main, opening, duration_s, verb, thing)

    # Tasks made of verbs, with a worker's mistakes

    def pick(
        self,
        thing: str,
        grip: str = "side",
        side: str = "",
        yaw_rad: float | None = None,
        lift_m: float | None = None,
        verb: str = "reach",
    ) -> None:
        """Reach, grasp and lift; now and then the hand closes too early, opens again and reaches on."""
        side = side or self.main
        grasp = next(iter(grips_named(self._props.thing(thing), grip).values())).grasp
        if self.rng.random() < self.style.miss_rate:
            self._miss(thing, grip, side, yaw_rad)
        self.reach(thing, grip, side, yaw_rad, verb=verb)
        self.grasp(thing, grasp, side)
        self.lift(lift_m, side)

    def put(
        self,
        to: Sequence[float] | Array,
        side: str = "",
        wrong: Sequence[float] | Array | None = None,
        above_m: float | None = None,
        yaw_rad: float | None = None,
        grip: str = "side",
    ) -> None:
        """Carry, place, release and retreat; now and then into a wrong place first, which is corrected.

        Args:
            to: where the thing's origin comes to stand (3,).
            side: the hand.
            wrong: a free place where the thing would stand wrong; None: no such mistake.
            above_m, yaw_rad: as of `carry`.
            grip: by which a misplaced thing is taken again.
        """
        side = side or self.main
        thing = self.held(side)
        if wrong is not None and self.rng.random() < self.style.misplace_rate:
            self._put_once(np.asarray(wrong, float), side, above_m, None, "failure")
            self.pick(thing, grip, side, verb="correct")
        wobble = np.append(self.rng.normal(0.0, 1.0, 2) * self.style.wobble_m, 0.0)
        self._put_once(np.asarray(to, float) + np.clip(wobble, -0.01, 0.01), side, above_m, yaw_rad, "success")

    def handling(self) -> Handling:
        """What was written.

        Raises:
            MotionError: a hand still holds something.
        """
        require(
            not self._begun,
            MotionError,
            f"the script of {self.scene.chore} ends while a hand holds {', '.join(map(self.held, self._begun))}.",
        )
        stacked = {name: np.concatenate(frames) for name, frames in self._frames.items()}
        pose = {name: Transform(track[:, :3], track[:, 3:7]) for name, track in stacked.items()}
        hands = {side: HandTrack(pose[side], stacked[side][:, 7], stacked[side][:, 8]) for side in SIDES}
        things = {name: pose[name] for name, thing in self._props.things.items() if thing.role in ("object", "fixture")}
        origin = Provenance(source=f"handwork of {self.scene.chore} {self.scene.variant} {self.scene.seed}", consent="not a person")
        return Handling(PERIOD_S * np.arange(self._count), hands, things, tuple(self._holds), tuple(self._labels), origin)

    # Inside

    def _put_once(self, to: Array, side: str, above_m: float | None, yaw_rad: float | None, outcome: str) -> None:
        self.carry(to, side, above_m, yaw_rad)
        self.place(to, side, outcome=outcome)
        self.release(side, stands_at_m=float(to[2]))
        self.retreat(side)

    def _miss(self, thing: str, grip: str, side: str, yaw_rad: float | None) -> None:
        """The hand closes before it is there, and opens again."""
        short = shifted(self.at_grip(thing, grip, side, yaw_rad), MISS_M, side)
        self.go(*self._over(self._tool[side], short), short, side=side, verb="reach", thing=thing, outcome="failure")
        self._fingers(side, 0.4, 0.6 * self.style.close_s, "grasp", thing, "failure")
        self.wait()
        self._fingers(side, 1.0, 0.5 * self.style.close_s, "correct", thing)

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
        return self._tool[side].inverse() @ self.pose(name)

    def _shares(self, duration_s: float, smooth: bool) -> Array:
        """Shares (n,) of a way at the periods of a duration, from the first after now to 1."""
        count = max(round(duration_s * RATE_HZ), 1)
        even = np.arange(1, count + 1) / count
        return progress(even) if smooth else even

    def _fingers(self, side: str, opening: float, duration_s: float, verb: str, thing: str, outcome: str = "success") -> None:
        share = self._shares(duration_s, smooth=True)
        path = self._opening[side] + share * (opening - self._opening[side])
        start_s = self.now_s
        self._record(len(share), {}, {side: path}, {}, {})
        self._labels.append(Label(start_s, self.now_s, verb, thing, outcome))

    def _do(
        self,
        verb: str,
        thing: str,
        count: int,
        tools: Mapping[str, Transform],
        values: Mapping[str, Array] | None = None,
        wanted: Mapping[str, Array] | None = None,
        outcome: str = "success",
    ) -> None:
        """Append a movement of `count` periods, and its label."""
        start_s = self.now_s
        rising = {side: np.ones(count) for side in tools if self._wanted[side] == 0}
        self._record(count, tools, {}, values or {}, {**rising, **(wanted or {})})
        self._labels.append(Label(start_s, self.now_s, verb, thing, outcome))

    def _record(
        self,
        count: int,
        tools: Mapping[str, Transform],
        openings: Mapping[str, Array],
        values: Mapping[str, Array],
        wanted: Mapping[str, Array],
    ) -> None:
        """Append `count` periods of all tracks; what is not given stays as it is."""
        tools = {side: tools[side] if side in tools else repeated(self._tool[side], count) for side in SIDES}
        for side in SIDES:
            opening = np.broadcast_to(openings.get(side, self._opening[side]), (count,))
            weight = np.broadcast_to(wanted.get(side, self._wanted[side]), (count,))
            self._append(side, np.column_stack([tools[side].position_m, tools[side].wxyz, opening, weight]))
            self._tool[side], self._opening[side], self._wanted[side] = tools[side][-1], float(opening[-1]), float(weight[-1])
        for name, pose in self._props.poses(tools, values).items():
            pose = repeated(pose, count)
            self._append(name, np.column_stack([pose.position_m, pose.wxyz]))
        self._count += count

    def _append(self, name: str, frames: Array) -> None:
        self._frames.setdefault(name, []).append(frames)
