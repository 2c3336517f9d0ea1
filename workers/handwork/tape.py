"""What both hands and all things have done so far, period by period."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from envs.household.scene import Scene
from envs.household.things import Thing
from motion.errors import MotionError, require
from motion.handling import Handling, HandTrack, Hold, stand_at
from motion.human import Label
from motion.landmarks import SIDES
from motion.provenance import Provenance
from motion.transform import Array, Transform
from workers.handwork.poses import handed, pose_at
from workers.handwork.props import Props, repeated
from workers.minimum_jerk import progress

RATE_HZ = 50
PERIOD_S = 1 / RATE_HZ
REST_M = (-0.02, -0.20, 0.11)
"""Where a right hand is before and after the work: over the counter's edge, beside the work."""


def resting(side: str) -> Transform:
    """Tool pose () of a hand that does nothing."""
    return pose_at(np.array(REST_M) * [1.0, handed(side), 1.0])


def _is_seen(thing: Thing) -> bool:
    """Whether anybody who looks on sees a thing."""
    return thing.role in ("object", "fixture") and not thing.parked


class Tape:
    """Tracks of a scene that grow from left to right.

    Attributes:
        props: where the things are now.
        tool, opening, wanted: side -> what the hands are like now (`motion.handling.HandTrack`).
        stand: where whoever works stands now, () (`motion.handling.Handling`).
    """

    def __init__(self, scene: Scene) -> None:
        self.props = Props(scene.things)
        self.opening = dict.fromkeys(SIDES, 1.0)
        self.wanted = dict.fromkeys(SIDES, 0.0)
        self._scene = scene
        self._begun: dict[str, Hold] = {}  # side -> the hold that lasts; its end is not known yet
        self._frames: dict[str, list[Array]] = {}
        self._holds: list[Hold] = []
        self._labels: list[Label] = []
        self._count = 0
        self.stand = stand_at(np.array(scene.stand))
        self._stands: list[Array] = []
        self._walked = any(scene.stand)
        self.tool = {side: self.from_stand(resting(side)) for side in SIDES}
        self._record(1, {}, {}, {}, {})

    @property
    def now_s(self) -> float:
        """The time reached."""
        return (self._count - 1) * PERIOD_S

    def held(self, side: str) -> str:
        """Name of the thing that a hand holds; "" for none."""
        return self._begun[side].thing if side in self._begun else ""

    def from_stand(self, pose: Transform) -> Transform:
        """In the counter's frame, what is given as seen from where they stand."""
        return self.stand @ pose if self._walked else pose

    def seen_from_stand(self, pose: Transform) -> Transform:
        """As seen from where they stand, what is given in the counter's frame."""
        return self.stand.inverse() @ pose if self._walked else pose

    def append(
        self,
        count: int,
        label: tuple[str, str, str],
        tools: Mapping[str, Transform] | None = None,
        openings: Mapping[str, Array] | None = None,
        values: Mapping[str, Array] | None = None,
        wanted: Mapping[str, Array] | None = None,
        stand: Transform | None = None,
    ) -> None:
        """Let `count` periods pass; what is not given stays as it is. A hand that moves is wanted, or begins to be.

        Hands come along with a stand that moves, as they are to it.

        Args:
            count: periods.
            label: verb, object and outcome.
            tools: side -> poses, batch (count,).
            openings: side -> (count,).
            values: thing -> positions (count,) of its joint.
            wanted: side -> (count,).
            stand: `T_counter_stand`, batch (count,).
        """
        start_s = self.now_s
        rising = progress(np.linspace(0.0, 1.0, count))
        moving = {side: np.ones(count) if self.wanted[side] else rising for side in tools or {}}
        self._record(count, tools or {}, openings or {}, values or {}, {**moving, **(wanted or {})}, stand)
        self._labels.append(Label(start_s, self.now_s, *label))

    def hold(self, side: str, thing: str, grasp: str, force_n: float, start_s: float) -> None:
        """A hand has closed on a thing; from now on a loose thing moves with it."""
        joint = self.props.thing(thing).joint
        if joint is not None and joint.kind == "free":
            self.props.attach(thing, side, self.tool[side].inverse() @ self.props.poses(self.tool)[thing])
        self._begun[side] = Hold(side, thing, start_s, np.inf, grasp, force_n)

    def let_go(self, side: str) -> str:
        """A hand begins to open; gives the name of what it held, which stands where it is.

        Raises:
            MotionError: it holds nothing.
        """
        require(side in self._begun, MotionError, f"the {side} hand holds nothing to release.")
        hold = self._begun.pop(side)
        if hold.thing in self.props.carried:
            self.props.put(hold.thing, self.props.poses(self.tool)[hold.thing])
        self._holds.append(Hold(side, hold.thing, hold.start_s, self.now_s, hold.grasp, hold.force_n))
        return hold.thing

    def handling(self) -> Handling:
        """All of it.

        Raises:
            MotionError: a hand still holds something.
        """
        names = ", ".join(hold.thing for hold in self._begun.values())
        require(not names, MotionError, f"the script of {self._scene.chore} ends while a hand holds {names}.")
        stacked = {name: np.concatenate(frames) for name, frames in self._frames.items()}
        pose = {name: Transform(track[:, :3], track[:, 3:7]) for name, track in stacked.items()}
        hands = {side: HandTrack(pose[side], stacked[side][:, 7], stacked[side][:, 8]) for side in SIDES}
        things = {name: pose[name] for name, thing in self.props.things.items() if _is_seen(thing)}
        source = f"handwork of {self._scene.chore} {self._scene.variant} {self._scene.seed}"
        origin = Provenance(source=source, consent="not a person")
        stand = _transform(np.concatenate(self._stands)) if self._walked else None
        return Handling(PERIOD_S * np.arange(self._count), hands, things, tuple(self._holds), tuple(self._labels), origin, stand)

    def _record(
        self,
        count: int,
        tools: Mapping[str, Transform],
        openings: Mapping[str, Array],
        values: Mapping[str, Array],
        wanted: Mapping[str, Array],
        stand: Transform | None = None,
    ) -> None:
        carried = self._carried_along(count, stand)
        tools = {side: tools.get(side, carried[side]) for side in SIDES}
        values = {**self._gliding(count), **values}
        for side in SIDES:
            opening = np.broadcast_to(openings.get(side, self.opening[side]), (count,))
            weight = np.broadcast_to(wanted.get(side, self.wanted[side]), (count,))
            self._frame(side, np.column_stack([tools[side].position_m, tools[side].wxyz, opening, weight]))
            self.tool[side], self.opening[side], self.wanted[side] = tools[side][-1], float(opening[-1]), float(weight[-1])
        for name, pose in self.props.poses(tools, values).items():
            track = repeated(pose, count)
            self._frame(name, np.column_stack([track.position_m, track.wxyz]))
        self.props.value |= {name: float(track[-1]) for name, track in values.items()}
        self._count += count

    def _carried_along(self, count: int, stand: Transform | None) -> dict[str, Transform]:
        """Hands that do nothing of their own, while the stand moves or does not."""
        if stand is None:
            self._stands.append(np.tile(_row(self.stand), (count, 1)))
            return {side: repeated(self.tool[side], count) for side in SIDES}
        along = {side: stand @ (self.stand.inverse() @ self.tool[side]) for side in SIDES}
        self._stands.append(_row(stand))
        self.stand, self._walked = stand[-1], True
        return along

    def _gliding(self, count: int) -> dict[str, Array]:
        """Positions (count,) of things that move by themselves."""
        since_s = PERIOD_S * np.arange(1, count + 1) if self._count else np.zeros(count)
        joints = {name: thing.joint for name, thing in self.props.things.items()}
        return {name: self.props.value[name] + joint.speed * since_s for name, joint in joints.items() if joint is not None and joint.speed}

    def _frame(self, name: str, frames: Array) -> None:
        self._frames.setdefault(name, []).append(frames)


def _row(pose: Transform) -> Array:
    return np.concatenate([pose.position_m, pose.wxyz], axis=-1)


def _transform(rows: Array) -> Transform:
    return Transform(rows[:, :3], rows[:, 3:])
