"""What a chore looks at to judge itself: things, joints, touches and forces of n episodes, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from envs.chores.base import Moment
from envs.household.build import Listing
from envs.reference import PERIOD_S
from motion.landmarks import SIDES
from motion.transform import Array, Transform


@dataclass(frozen=True)
class Look:
    """n episodes at one moment; positions in the counter's frame.

    Attributes:
        moment: as the episodes tell it.
        listing: what the scenes consist of.
        T_counter_world: the world, as the counter sees it.
        things: poses of all watched things in the counter's frame, batch (n, K).
        fingers: (2, P, R) which felt links belong to which part of which hand.
        T_palm_tool: where the hands grasp (`RobotHand.T_link_tool`), in their palms, batch (2,).
        extra: what the chore's own `extra` said of this moment, each (n, ...); nothing yet while it is being asked.
    """

    moment: Moment
    listing: Listing
    T_counter_world: Transform
    things: Transform
    fingers: Array
    T_palm_tool: Transform
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def facts(self) -> Mapping[str, np.ndarray]:
        """Numbers of the scenes, each (n, ...)."""
        return self.moment.facts

    @property
    def before(self) -> Mapping[str, np.ndarray]:
        """What was measured a period ago."""
        return self.moment.before

    @property
    def hands(self) -> Transform:
        """Tool frames of both hands in the counter's frame, left before right, batch (n, 2)."""
        state = self.moment.state
        return self.T_counter_world @ Transform(state.palm_m, state.palm_wxyz) @ self.T_palm_tool

    def position_m(self, thing: str) -> Array:
        """(n, 3) of a thing's origin."""
        return self.things.position_m[:, self.listing.things.index(thing)]

    def all_positions_m(self) -> Array:
        """(n, K, 3) of all watched things."""
        return self.things.position_m

    def beads_m(self) -> Array:
        """(n, B, 3) of the beads."""
        return self.T_counter_world.apply(self.moment.state.bead_m)

    def pose(self, thing: str) -> Transform:
        """Poses in the counter's frame, batch (n,)."""
        return self.things[:, self.listing.things.index(thing)]

    def upright(self, thing: str) -> Array:
        """(n,) cosine of the angle between a thing's own vertical and the counter's."""
        _, x, y, _ = self.pose(thing).wxyz.T
        return np.asarray(1.0 - 2.0 * (x * x + y * y))

    def joint(self, thing: str) -> Array:
        """(n,) angle (rad) or shift (m) of a thing's hinge or slide."""
        return self.moment.state.hinge[:, self.listing.hinges.index(thing)]

    def speeds_mps(self) -> Array:
        """(n, K) of all watched things' origins, from the period before."""
        if "thing_position_m" not in self.before:
            return np.zeros(self.moment.state.thing_m.shape[:2])
        step = self.moment.state.thing_m - self.before["thing_position_m"]
        return np.where((self.moment.step > 1)[:, None], np.linalg.norm(step, axis=-1) / PERIOD_S, 0.0)

    def speed_mps(self, thing: str) -> Array:
        """(n,) of a thing's origin, from the period before."""
        return self.speeds_mps()[:, self.listing.things.index(thing)]

    def touched(self, side: str = "") -> np.ndarray:
        """(n, K) whether a hand (either, without a side) touched each watched thing in the period just gone."""
        touch = self.felt("touch").reshape(-1, len(SIDES), len(self.listing.things)) > 0
        return np.asarray(touch[:, SIDES.index(side)] if side else touch.any(1))

    def touching(self, thing: str, side: str = "") -> np.ndarray:
        """(n,) whether a hand (either, without a side) touched a thing in the period just gone."""
        return self.touched(side)[:, self.listing.things.index(thing)]

    def thing_force_n(self, thing: str) -> Array:
        """(n,) sum of the normal forces on a thing, over 20 ms; its own weight on the counter included."""
        return self.felt("thing_force_n")[:, self.listing.things.index(thing)]

    def net_force_n(self, index: int) -> Array:
        """(n, 3) of the chore's own `forces`, in the world, over 20 ms."""
        return self.felt("force_n").reshape(len(self.moment.step), -1, 3)[:, index]

    def link_force_n(self) -> Array:
        """(n, R) sum of the normal forces on each link, over 20 ms."""
        return self.felt("link_force_n")

    def furniture_force_n(self) -> Array:
        """(n, C) size of the net force of all furniture on each of `LINK_CLASSES`, over 20 ms; for chores that feel it."""
        left, right, left_arm, right_arm, whole = self.felt("furniture_force_n").reshape(len(self.moment.step), -1, 3).swapaxes(0, 1)
        own = np.stack([left, right, left_arm - left, right_arm - right, whole - left_arm - right_arm], axis=1)
        return np.asarray(np.linalg.norm(own, axis=-1))

    def hand_force_n(self) -> Array:
        """(n, 2, P) sum of the normal forces on the parts of both hands, left before right."""
        return np.einsum("spr,nr->nsp", self.fingers, self.link_force_n())

    def felt(self, group: str) -> Array:
        """(n, c) one group of the felt numbers, as `Listing.columns` names them."""
        return self.moment.sensors[:, self.listing.columns[group]]
