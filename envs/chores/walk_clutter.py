"""The chore `walk_clutter`: walk to a mark on the floor, round what stands in the way, and keep away from who crosses the room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.household.build import CounterKind, Physics
from envs.household.chore import Household
from envs.household.corridor import Floor, leads
from envs.household.draws import Draws
from envs.household.look import Look
from envs.household.places import Spot
from envs.household.scene import Scene
from envs.household.stages import GOAL_S, Stage
from envs.household.things import Joint, Shape, Thing
from envs.household.viewpoints import View
from envs.model import BaseMode
from envs.reference import PERIOD_S
from motion.transform import Array

START_M = (-0.20, 0.0)
"""Where the body stands at first: behind its stand, which is the room's frame."""
KINDS = ("crate", "bin")
MOST, LEAST = 12, 6
"""Obstacles: half of them crates, half bins; those that an episode does without wait far away."""
FAR_M = 25.0
HALF_WAY_M = 0.55
"""Half width of the corridor that every layout leaves: a robot, hands before it, and a hand's breadth."""
ROOM_M = ((-1.6, -3.2), (6.2, 3.2))
"""Corners of the floor that ways are looked for on."""
CLUTTER_M = ((0.5, -2.4), (5.2, 2.4))
FREE_M = 0.75
"""Air between an obstacle and where the robot starts and ends."""
IN_THE_WAY_M, IN_THE_WAY = 0.30, 2
"""So many obstacles stand nearer than this to the straight line from start to goal."""
PERSON_RADIUS_M, PERSON_M, PERSON_KG = 0.22, 1.70, 75.0
GLIDES_M = 0.01
"""How far over the floor the person glides: on it, friction would stop them."""
PERSON_AIR_M = 0.15
"""Between the person's way and the rims of obstacles."""
APART_M = 1.30
"""From the person's way to where the robot starts and ends: who waits there is passed."""
FAR_ENOUGH_M = 60.0
"""How far the person may glide."""
GOAL_M, GOAL_RAD = 0.30, float(np.radians(20.0))
STILL_MPS, STILL_RADPS = 0.05, 0.10
SET_OFF_M, NEAR_M = 0.5, 1.0
CONTACT_N = 1.0
"""Net force of obstacles or person on any class of links, over 20 ms, that is a contact."""
CLOSE_M = 0.20
LINK_M = 0.08
"""How thick a robot is around its landmarks."""
Line = tuple[Array, Array]
"""A point (2,) and a direction (2,)."""
TIMESTEP_S = 0.004
"""Nothing is gripped here: twice the usual step is as good, and half the work."""
_TRIES, _ROUNDS = 200, 10
_MARK_M = 0.001
_RGBA = {"crate": (0.62, 0.45, 0.28, 1.0), "bin": (0.45, 0.50, 0.56, 1.0)}


class WalkClutter(Household):
    """Cross a room full of things.

    The goal is a mark: reached is who stands at rest with the base within 30 cm of it and within 20 degrees of its arrow,
    for 1 s. Somebody crosses the room on a straight line, looks at nobody, and stops for nobody. Harm of its own: a contact
    with an obstacle or the person; less than 20 cm between the person and the robot, seen from above: its landmarks,
    8 cm thick.
    """

    name: ClassVar[str] = "walk_clutter"
    texts: ClassVar[Mapping[str, str]] = {
        "full": "Walk to the mark on the floor and stop there, facing as its arrow does; touch nothing and keep away from who crosses."
    }
    rephrased: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "full": (
            "Go to the marked spot without bumping into anything or getting in anybody's way, and look where its arrow points.",
            "Find a way through the furniture to the mark, give way to the person, and stop facing along the arrow.",
            "Cross the cluttered room and halt on the floor mark, turned as the arrow is; contact with objects or people is not allowed.",
        ),
    }
    duration_s: ClassVar[Mapping[str, float]] = {"full": 30.0}
    stages: ClassVar[tuple[Stage, ...]] = (
        Stage("set_off"),
        Stage("near", after=("set_off",)),
        Stage("goal", after=("near",), hold_s=GOAL_S),
    )
    physics: ClassVar[Physics] = Physics(timestep_s=TIMESTEP_S)
    bases: ClassVar[tuple[BaseMode, ...]] = ("planar",)
    counter: ClassVar[CounterKind] = "none"
    view_m: ClassVar[View | None] = ((-2.6, -3.4, 3.2), (2.0, 0.0, -0.6))

    def draw(self, task: str, draws: Draws) -> tuple[Thing, ...]:
        """A mark some metres ahead, somebody who crosses the way there, and obstacles that leave a corridor.

        Large obstacles may find no room beside a way; then all is drawn anew, mark, person and obstacles.
        """
        while True:
            goal = draws.place("goal")
            person, line = _person(draws, goal)
            made = [_obstacle(draws, index) for index in range(MOST)]
            count = int(draws.layout.integers(LEAST, MOST + 1))
            spots = _places([_radius_m(thing) for thing in made[:count]], goal, line, draws.layout)
            if spots is not None:
                break
        yaws = draws.layout.uniform(-np.pi, np.pi, MOST)
        standing = [
            thing.at((spots[index].x_m, spots[index].y_m, 0.0), float(yaws[index])) if index < len(spots) else _parked(thing, index)
            for index, thing in enumerate(made)
        ]
        return (_mark().at((goal[0], goal[1], 0.0), goal[2]), person, *standing)

    def numbers(self, scene: Scene) -> Mapping[str, np.ndarray | float]:
        """Where the mark is and where its arrow points: x, y (m) and yaw (rad)."""
        goal = scene.thing("goal")
        return {"goal": np.array([*goal.position_m[:2], 2 * np.arctan2(goal.wxyz[3], goal.wxyz[0])])}

    @property
    def extra_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """What `extra` tells."""
        return {"base_place": (3,), "goal_m": (), "goal_rad": (), "person_m": (), "contact_n": ()}

    def extra(self, look: Look) -> Mapping[str, np.ndarray]:
        """Where the base is in the room, how far from the goal, how far from the person, and what touches the robot."""
        base, goal = look.T_counter_world @ look.moment.state.T_world_base, look.facts["goal"]
        yaw = 2 * np.arctan2(base.wxyz[:, 3], base.wxyz[:, 0])
        return {
            "base_place": np.column_stack([base.position_m[:, :2], yaw]),
            "goal_m": np.linalg.norm(base.position_m[:, :2] - goal[:, :2], axis=-1),
            "goal_rad": np.abs(_wrapped(yaw - goal[:, 2])),
            "person_m": self._person_m(look),
            "contact_n": look.furniture_force_n().max(axis=-1),
        }

    def true_now(self, look: Look) -> Mapping[str, np.ndarray]:
        """See the class."""
        extra = look.extra
        pace = extra["base_place"] - look.before["base_place"]
        slow = np.linalg.norm(pace[:, :2], axis=-1) < STILL_MPS * PERIOD_S
        still = slow & (np.abs(_wrapped(pace[:, 2])) < STILL_RADPS * PERIOD_S) & (look.moment.step > 1)
        return {
            "set_off": np.linalg.norm(extra["base_place"][:, :2] - START_M, axis=-1) > SET_OFF_M,
            "near": extra["goal_m"] < NEAR_M,
            "goal": (extra["goal_m"] < GOAL_M) & (extra["goal_rad"] < GOAL_RAD) & still,
        }

    def harm(self, signals: Mapping[str, np.ndarray], facts: Mapping[str, np.ndarray]) -> Mapping[str, tuple[float, float]]:
        """The largest force of a contact, and how much of the least distance from the person was missing."""
        nearest = float(np.nanmin(signals["person_m"], initial=np.inf))
        return {
            "contact_n": (float(np.nanmax(signals["contact_n"], initial=0.0)), CONTACT_N),
            "too_close_m": (max(CLOSE_M - nearest, 0.0), 0.0),
        }

    def _person_m(self, look: Look) -> Array:
        """(n,) air between the person and the robot, seen from above."""
        robot = look.T_counter_world.apply(look.moment.state.landmark_m)[..., :2]
        off = np.linalg.norm(robot - look.position_m("person")[:, None, :2], axis=-1)
        return np.asarray(off.min(axis=1) - PERSON_RADIUS_M - LINK_M)


def person_spot(scene: Scene, time_s: Array) -> Array:
    """(T, 2) where the person is, at times since the start (T,)."""
    person = scene.thing("person")
    assert person.joint is not None
    way = person.pose.rotation()[:2] @ np.array(person.joint.axis)
    return np.array(person.position_m[:2]) + np.asarray(time_s)[:, None] * person.joint.speed * way


def floor_of(scene: Scene) -> Floor:
    """The room's floor with what stands on it in a scene."""
    there = [thing for thing in scene.things if thing.family in _families() and not thing.parked]
    return Floor(*ROOM_M, tuple(Spot(*thing.position_m[:2], _radius_m(thing)) for thing in there))


def _families() -> tuple[str, ...]:
    return tuple(f"{size}{kind}" for kind in KINDS for size in ("", "large "))


def _mark() -> Thing:
    """A disc with an arrow, painted on the floor."""
    shapes = (
        Shape("cylinder", (GOAL_M, _MARK_M), (0.0, 0.0, _MARK_M), rgba=(0.25, 0.65, 0.35, 1.0), touchable=False),
        Shape("box", (0.13, 0.03, _MARK_M), (0.0, 0.0, 3 * _MARK_M), rgba=(0.95, 0.95, 0.9, 1.0), touchable=False),
        Shape("box", (0.05, 0.05, _MARK_M), (0.13, 0.0, 3 * _MARK_M), _QUARTER, rgba=(0.95, 0.95, 0.9, 1.0), touchable=False),
    )
    return Thing("goal", shapes, joint=None, role="fixture", family="mark", half_m=(GOAL_M, GOAL_M, 0.002), on_floor=True)


_QUARTER = (float(np.cos(np.pi / 8)), 0.0, 0.0, float(np.sin(np.pi / 8)))
"""An eighth of a turn: a square on its corner is the arrow's head."""


def _person(draws: Draws, goal: Sequence[float]) -> tuple[Thing, Line]:
    """Somebody who crosses the straight way to the goal some seconds after the start; their line as a point and a direction."""
    rng, start, end = draws.layout, np.array(START_M), np.array(goal[:2])
    while True:
        crossing = start + rng.uniform(0.35, 0.65) * (end - start)
        across = np.arctan2(*(end - start)[::-1]) + rng.choice([-1.0, 1.0]) * (np.pi / 2 + rng.uniform(-0.5, 0.5))
        way = np.array([np.cos(across), np.sin(across)])
        if min(_off_line(start, crossing, way), _off_line(end, crossing, way)) > APART_M:
            break
    speed = draws.value("walk_mps")
    x, y = crossing - rng.uniform(4.0, 9.0) * speed * way
    half = PERSON_M / 2 - PERSON_RADIUS_M
    body = Shape("capsule", (PERSON_RADIUS_M, half), (0.0, 0.0, PERSON_M / 2 + GLIDES_M), mass_kg=PERSON_KG, rgba=(0.80, 0.35, 0.30, 1.0))
    joint = Joint("slide", (1.0, 0.0, 0.0), (-FAR_ENOUGH_M, FAR_ENOUGH_M), speed=speed)
    size = (PERSON_RADIUS_M, PERSON_RADIUS_M, PERSON_M / 2)
    thing = Thing("person", (body,), joint=joint, role="fixture", family="person", half_m=size, on_floor=True)
    return thing.at((float(x), float(y), 0.0), float(across)), (crossing, way)


def _obstacle(draws: Draws, index: int) -> Thing:
    """Crates and bins in turn; held out: large ones."""
    kind, name = KINDS[index % 2], f"{KINDS[index % 2]}_{index // 2}"
    half, height = draws.value(f"{kind}_half_m", name), draws.value(f"{kind}_height_m", name)
    size = (half, half, height / 2)
    shape = Shape("box", size, (0.0, 0.0, height / 2), rgba=_RGBA[kind])
    if kind == "bin":
        shape = Shape("cylinder", (half, height / 2), (0.0, 0.0, height / 2), rgba=_RGBA[kind])
    family = f"large {kind}" if draws.held_out_objects else kind
    return Thing(name, (shape,), joint=None, role="fixture", family=family, half_m=size, on_floor=True)


def _radius_m(thing: Thing) -> float:
    """Of the circle around an obstacle, seen from above."""
    return thing.half_m[0] * (np.sqrt(2.0) if thing.shapes[0].kind == "box" else 1.0)


def _parked(thing: Thing, index: int) -> Thing:
    """Far outside the room."""
    return replace(thing.at((-FAR_M, float(index), 0.0)), parked=True)


def _places(radii_m: list[float], goal: Sequence[float], line: Line, rng: np.random.Generator) -> list[Spot] | None:
    """Where obstacles stand: at least `LEAST` of them, and more where there is room; None where there is none."""
    for _ in range(_ROUNDS):
        spots = _scattered(radii_m, goal, line, rng)
        if len(spots) >= LEAST:
            return spots
    return None


def _scattered(radii_m: list[float], goal: Sequence[float], line: Line, rng: np.random.Generator) -> list[Spot]:
    """One after the other, each where a corridor is left; as many as find a place."""
    start, end = np.array(START_M), np.array(goal[:2])
    spots: list[Spot] = []
    for index, radius in enumerate(radii_m):
        for _ in range(_TRIES):
            spot = Spot(*_drawn(rng, start, end, index < IN_THE_WAY), radius)
            if _fits(spot, spots, start, end, line) and leads(Floor(*ROOM_M, (*spots, spot)), START_M, goal[:2], HALF_WAY_M):
                spots.append(spot)
                break
    return spots


def _drawn(rng: np.random.Generator, start: Array, end: Array, in_the_way: bool) -> tuple[float, float]:
    if not in_the_way:
        x, y = rng.uniform(*CLUTTER_M)
        return float(x), float(y)
    along, aside = rng.uniform(0.2, 0.8), rng.uniform(-IN_THE_WAY_M, IN_THE_WAY_M)
    ahead = (end - start) / np.linalg.norm(end - start)
    x, y = start + along * (end - start) + aside * np.array([-ahead[1], ahead[0]])
    return float(x), float(y)


def _fits(spot: Spot, spots: list[Spot], start: Array, end: Array, line: Line) -> bool:
    """Whether an obstacle stands clear of start, goal, other obstacles and the person's way."""
    place = np.array([spot.x_m, spot.y_m])
    ends = min(float(np.linalg.norm(place - start)), float(np.linalg.norm(place - end))) - spot.radius_m
    others = Floor(*ROOM_M, tuple(spots)).air_m(place) - spot.radius_m
    return ends > FREE_M and float(others) > 0.05 and _off_line(place, *line) > spot.radius_m + PERSON_RADIUS_M + PERSON_AIR_M


def _off_line(place: Array, point: Array, way: Array) -> float:
    """Distance of a place from a line through a point."""
    off = place - point
    return float(abs(way[0] * off[1] - way[1] * off[0]))


def _wrapped(angle_rad: Array) -> Array:
    return np.asarray((angle_rad + np.pi) % (2 * np.pi) - np.pi)
