"""Where all things are while hands work: standing, carried by a hand or by each other, or moved by their joint."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from envs.household.things import Thing
from motion.errors import MotionError, UnknownNameError, require
from motion.transform import Array, Transform, so3_exp, so3_log
from workers.handwork.poses import moved_by_joint


class Props:
    """The things of a scene, as they are now.

    Attributes:
        things: by name, all but the beads.
        carried: name -> (what carries it: a side or another thing, T_carrier_thing).
        value: name -> position of a hinge (rad) or slide (m).
    """

    def __init__(self, things: tuple[Thing, ...]) -> None:
        self.things = {thing.name: thing for thing in things if thing.role != "bead"}
        self.carried: dict[str, tuple[str, Transform]] = {}
        self.value = {name: thing.joint.start for name, thing in self.things.items() if thing.joint and thing.joint.kind != "free"}
        self._loose: dict[str, Transform] = {}
        self._loose = {name: self._start(thing) for name, thing in self.things.items() if thing.joint and thing.joint.kind == "free"}

    def thing(self, name: str) -> Thing:
        """A thing by name.

        Raises:
            UnknownNameError: none of that name that is tracked.
        """
        if name not in self.things:
            raise UnknownNameError("thing", name, self.things)
        return self.things[name]

    def poses(self, tools: Mapping[str, Transform], values: Mapping[str, Array] | None = None) -> dict[str, Transform]:
        """T_counter_thing of all things, while hands go along `tools` (side -> batch (n,)) and joints through `values` (n,)."""
        found: dict[str, Transform] = {}
        for name in self.things:
            self._pose(name, tools, {**self.value, **(values or {})}, found)
        return found

    def attach(self, name: str, carrier: str, T_carrier_thing: Transform) -> None:
        """From now on a loose thing moves with a hand or another thing."""
        joint = self.thing(name).joint
        require(joint is not None and joint.kind == "free", MotionError, f"{name} is fixed to its place; only loose things can be carried.")
        self.carried[name] = (carrier, T_carrier_thing)

    def put(self, name: str, T_counter_thing: Transform) -> None:
        """A loose thing stands by itself from now on."""
        self.carried.pop(name, None)
        self._loose[name] = T_counter_thing

    def _start(self, thing: Thing) -> Transform:
        return self._base(thing, {}, self.value, {}) @ thing.pose

    def _base(self, thing: Thing, tools: Mapping[str, Transform], values: Mapping[str, Array | float], found: dict) -> Transform:
        return self._pose(thing.parent, tools, values, found) if thing.parent else Transform.identity()

    def _pose(self, name: str, tools: Mapping[str, Transform], values: Mapping[str, Array | float], found: dict) -> Transform:
        if name not in found:
            found[name] = self._resolve(self.thing(name), tools, values, found)
        return found[name]

    def _resolve(self, thing: Thing, tools: Mapping[str, Transform], values: Mapping[str, Array | float], found: dict) -> Transform:
        if thing.name in self.carried:
            carrier, relative = self.carried[thing.name]
            return (tools[carrier] if carrier in tools else self._pose(carrier, tools, values, found)) @ relative
        if thing.name in self._loose:
            return self._loose[thing.name]
        place = self._base(thing, tools, values, found) @ thing.pose
        if thing.joint is None or thing.joint.kind == "free":
            return place
        return place @ moved_by_joint(thing.joint, values[thing.name])


def upright(pose: Transform, height_m: float) -> Transform:
    """A pose () turned the shortest way until its z axis is vertical, at a height."""
    up = pose.rotation()[:, 2]
    axis = np.cross(up, [0.0, 0.0, 1.0])
    sine, cosine = float(np.linalg.norm(axis)), float(up[2])
    turn = axis / sine * np.arctan2(sine, cosine) if sine > 1e-9 else np.zeros(3)
    level = Transform(np.zeros(3), so3_exp(turn)) @ Transform(np.zeros(3), pose.wxyz)
    yaw = so3_exp(so3_log(level.wxyz) * [0.0, 0.0, 1.0])
    return Transform(np.array([pose.position_m[0], pose.position_m[1], height_m]), yaw)


def repeated(pose: Transform, count: int) -> Transform:
    """Batch (count,) of a pose () or of a batch (count,)."""
    shape = (count,)
    return Transform(np.broadcast_to(pose.position_m, (*shape, 3)).copy(), np.broadcast_to(pose.wxyz, (*shape, 4)).copy())
