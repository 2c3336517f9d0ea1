"""Cloth: what it is made of, where a hand takes it, how stretched it is, how much it covers; and when a hand holds it.

Cloth has no shape that fingers could close around, so friction alone does not hold it. A hand holds a point of cloth from the
moment when its thumb and a finger opposite are close together, both press with a force within bounds, and the point lies
between them; until the fingers open, or the cloth is pulled so hard that it slips out. While it is held, the point is tied to
the palm where it was then (`envs.household.cloth_model`). Nothing here steps MuJoCo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from envs.household.build import Listing
from envs.household.cloth_model import triangles
from envs.household.hands import HAND_PARTS
from envs.household.look import Look
from envs.household.things import Grip, Role, Shape, Thing, Weave
from motion.errors import ShapeError, require
from motion.landmarks import FINGERS, SIDES
from motion.transform import Array, Transform, quaternion_product, so3_exp
from robots.robot import Robot

HELD, STRETCH = "cloth_held", "cloth_stretch"
"""Signals: number of the point that each hand holds, counted from 1, 0 for none; and how much longer than at first an edge is."""
EDGE = "cloth_edge_m"
"""Number of a scene: how long the cloth's edges are."""
CORNERS = ("corner_1", "corner_2", "corner_3", "corner_4")
"""Of a cloth, one after the other around it, the first two on the side of whoever works: the hand that the layout suits has 1."""
PITCH_RAD = float(np.radians(25.0))
"""How far the fingers of a hand that takes cloth off a counter point down; its palm looks down, too."""
OVER_M = 0.002
"""Height of the middle between thumb and finger over the point that they close on."""
INSIDE_M = 0.012
"""A corner is taken this far inside along both edges: half a thumb's breadth."""
_POINT_M = 0.003
_HANDS = {"main": "right", "other": "left"}
"""Whose grip is which hand's, in layouts for the right hand; their mirror images come by themselves."""


@dataclass(frozen=True)
class PinchLaw:
    """When a hand holds cloth.

    Attributes:
        least_n, most_n: what thumb and finger each press with, at least and at most: less is a touch, more is a fist that
            leans on the counter.
        near_m: thumb's and fingers' tips, middle to middle, are this close together, so that cloth is caught between them.
        open_m: farther apart than this they let go.
        patch_m: a point of cloth no farther from the middle between the tips than this is what they close on.
        slip_m: pulled farther than this out of the middle, it has slipped out.
        stretch: cloth beside the held point that is longer by more than this share is pulled out of the fingers.
    """

    least_n: float = 0.25
    most_n: float = 40.0
    near_m: float = 0.030
    open_m: float = 0.050
    patch_m: float = 0.030
    slip_m: float = 0.060
    stretch: float = 0.15

    def __post_init__(self) -> None:
        require(self.open_m > self.near_m, ShapeError, "fingers let go only when they are farther apart than where they take hold.")


LAW = PinchLaw()


def cloth(
    name: str,
    size_m: tuple[float, float],
    rows: int,
    mass_kg: float,
    friction: float,
    rgba: tuple[float, float, float, float],
    at_m: tuple[float, float] = (0.0, 0.0),
    yaw_rad: float = 0.0,
    family: str = "",
) -> tuple[Thing, ...]:
    """A cloth that lies flat on the counter: its corners, which are watched things, its other points, and what spans them.

    Args:
        name: of the cloth.
        size_m: along x and y.
        rows: points along each side.
        mass_kg: of all of it.
        friction: on whatever it lies.
        rgba: colour.
        at_m, yaw_rad: of its middle.
        family: which kind it is.
    """
    row, column = np.divmod(np.arange(rows * rows), rows)
    flat = np.column_stack([(row / (rows - 1) - 0.5) * size_m[0], (column / (rows - 1) - 0.5) * size_m[1]])
    turn = np.array([[np.cos(yaw_rad), -np.sin(yaw_rad)], [np.sin(yaw_rad), np.cos(yaw_rad)]])
    places = flat @ turn.T + np.asarray(at_m)
    corners = dict(zip((0, rows - 1, rows * rows - 1, rows * (rows - 1)), CORNERS, strict=True))
    names = [corners.get(index, f"{name}_{index:02d}") for index in range(rows * rows)]
    own_kg = mass_kg / rows**2
    inside_m = -INSIDE_M * np.sign(flat) @ turn.T
    points = [_point(own, place, own_kg, friction, family, off) for own, place, off in zip(names, places, inside_m, strict=True)]
    weave = Weave(tuple(names), rows, _POINT_M, friction, rgba)
    return (*points, Thing(name, (), joint=None, position_m=(*at_m, 0.0), role="scenery", family=family, weave=weave))


def _point(name: str, place: Array, mass_kg: float, friction: float, family: str, inside_m: Array) -> Thing:
    ball = Shape("sphere", (_POINT_M,), mass_kg=mass_kg, friction=friction, rgba=(0.0, 0.0, 0.0, 0.0))
    x, y = (float(value) for value in place)
    corner = name in CORNERS
    grips = {f"nip_{whose}": _corner_grip(side, inside_m) for whose, side in _HANDS.items()} if corner else {}
    role: Role = "object" if corner else "bead"
    return Thing(name, (ball,), position_m=(x, y, _POINT_M), role=role, family=family, half_m=(_POINT_M,) * 3, grips=grips, point=True)


def _corner_grip(side: str, inside_m: Array) -> Grip:
    """From above: palm and fingers look down, the hand comes from the front; thumb and finger land on the cloth, (2,) off its corner."""
    roll = so3_exp(np.array([-np.pi / 2 if side == "right" else np.pi / 2, 0.0, 0.0]))
    w, x, y, z = quaternion_product(so3_exp(np.array([0.0, PITCH_RAD, 0.0])), roll)
    return Grip("nip", (float(inside_m[0]), float(inside_m[1]), OVER_M), (float(w), float(x), float(y), float(z)), width_m=0.004)


def laid(things: Sequence[Thing], seen: Mapping[str, Transform]) -> tuple[Thing, ...]:
    """Things with each cloth moved, as a whole and without stretching it, to where its points were seen.

    Args:
        things: of a scene.
        seen: thing -> T_counter_thing (). A cloth of which fewer than two points were seen stays.
    """
    moved: dict[str, tuple[float, float, float]] = {}
    known = {thing.name: np.array(thing.position_m) for thing in things if thing.point}
    for thing in things:
        if thing.weave is not None:
            pairs = [(known[name], seen[name].position_m) for name in thing.weave.points if name in seen]
            if len(pairs) > 1:
                turn, shift = _rigid(np.array([own for own, _ in pairs])[:, :2], np.array([there for _, there in pairs])[:, :2])
                for name in thing.weave.points:
                    x, y = turn @ known[name][:2] + shift
                    moved[name] = (float(x), float(y), float(known[name][2]))
    return tuple(_at(thing, moved[thing.name]) if thing.name in moved else thing for thing in things)


def _at(thing: Thing, position_m: tuple[float, float, float]) -> Thing:
    return replace(thing, position_m=position_m)


def _rigid(own: Array, there: Array) -> tuple[Array, Array]:
    """Turn (2, 2) and shift (2,) that bring points (k, 2) nearest to others: Kabsch in the plane."""
    middle, goal = own.mean(0), there.mean(0)
    a, b = own - middle, there - goal
    angle = np.arctan2((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum(), (a * b).sum())
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turn, goal - turn @ middle


def edges(points: int, columns: int) -> np.ndarray:
    """(E, 2) pairs of points that an edge of the cloth runs between, each once."""
    corners = triangles(points, columns)
    pairs = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]), axis=1)
    return np.unique(pairs, axis=0)


def lengths_m(points_m: Array, pairs: np.ndarray) -> Array:
    """(..., E) of the edges `pairs` (E, 2) between points (..., V, 3)."""
    return np.asarray(np.linalg.norm(points_m[..., pairs[:, 0], :] - points_m[..., pairs[:, 1], :], axis=-1))


_CELL_M, _SAMPLES = 0.004, 16
"""Width of a cell that cloth covers or not, and places looked at along each side of a mesh: nearer to each other than cells are."""


def covered_m2(points_m: Array, columns: int) -> Array:
    """(n,) how much of the counter cloth covers, seen from above, however it lies: cells with cloth over them.

    Args:
        points_m: (n, V, 3) of its points, row by row; meshes no wider than 6 cm.
        columns: points in a row.
    """
    count = len(points_m)
    grid = np.nan_to_num(np.asarray(points_m, float))[..., :2].reshape(count, -1, columns, 2)
    share = (np.arange(_SAMPLES) + 0.5) / _SAMPLES
    along = grid[:, :-1, None] + share[:, None, None] * (grid[:, 1:] - grid[:, :-1])[:, :, None]  # (n, rows - 1, S, columns, 2)
    places = along[..., :-1, None, :] + share[:, None] * (along[..., 1:, :] - along[..., :-1, :])[..., None, :]
    cells = np.floor(places.reshape(count, -1, 2) / _CELL_M).astype(np.int64)
    key = cells[..., 0] * (1 << 20) + cells[..., 1]
    key.sort(axis=1)
    return np.asarray((1 + (np.diff(key, axis=1) != 0).sum(1)) * _CELL_M**2)


class ClothHands:
    """Which points of cloth the hands of n robots hold.

    Args:
        robot: whose hands; those without a thumb and another finger whose tips are known hold no cloth.
        listing: of scenes with one cloth.
        weave: the cloth.
        law: when a hand holds.
    """

    shapes: Mapping[str, tuple[int, ...]] = {HELD: (len(SIDES),), STRETCH: ()}

    def __init__(self, robot: Robot, listing: Listing, weave: Weave, law: PinchLaw = LAW) -> None:
        self.weave, self.law = weave, law
        self.edges = edges(len(weave.points), weave.columns)
        self._beside = np.zeros((len(weave.points), len(self.edges)), bool)
        self._beside[self.edges.ravel(), np.repeat(np.arange(len(self.edges)), 2)] = True
        names, tracked = list(robot.landmarks), (*listing.things, *listing.beads)
        self._points = np.array([tracked.index(name) for name in weave.points], int)
        self._tips = {side: _columns(names, side) for side in SIDES}

    def numbers(self, things: Sequence[Thing]) -> dict[str, Array]:
        """What is to be known of a scene: how long the cloth's edges are."""
        place = {thing.name: thing.position_m for thing in things if thing.point}
        return {EDGE: lengths_m(np.array([place[name] for name in self.weave.points]), self.edges)}

    def points_m(self, look: Look) -> Array:
        """(n, V, 3) of the cloth's points, row by row."""
        return np.concatenate([look.all_positions_m(), look.beads_m()], axis=1)[:, self._points]

    def signals(self, look: Look) -> dict[str, np.ndarray]:
        """`HELD` (n, 2) and `STRETCH` (n,) of the period just gone."""
        points = self.points_m(look)
        longer = lengths_m(points, self.edges) / look.facts[EDGE] - 1
        held = [self._held(look, side, points, longer) for side in SIDES]
        return {HELD: np.stack(held, axis=1).astype(float), STRETCH: longer.max(axis=1)}

    def switches(self, held: np.ndarray) -> np.ndarray:
        """(n, S) which constraints are on, in the order of `holds_of`, for `HELD` (n, 2)."""
        return np.asarray(held[..., None] == 1 + np.arange(len(self.weave.points))).reshape(len(held), -1)

    def _held(self, look: Look, side: str, points: Array, longer: Array) -> Array:
        """(n,) the point that a hand holds, counted from 1; 0 for none."""
        if "thumb" not in self._tips[side] or len(self._tips[side]) < 2:
            return np.zeros(len(points), int)
        law, index = self.law, SIDES.index(side)
        thumb, others = self._pads(look, side)
        gap, middle = np.linalg.norm(thumb - others, axis=-1), (thumb + others) / 2
        away = np.linalg.norm(points - middle[:, None], axis=-1)
        before = look.before[HELD][:, index].astype(int)
        rows, at = np.arange(len(points)), np.maximum(before - 1, 0)
        pulled = np.where(self._beside[at], longer, 0.0).max(axis=1)
        keeps = (before > 0) & (gap <= law.open_m) & (pulled <= law.stretch) & (away[rows, at] <= law.slip_m)
        takes = (before == 0) & (gap <= law.near_m) & (away.min(1) <= law.patch_m) & self._pressed(look, index)
        return np.where(keeps, before, np.where(takes, 1 + away.argmin(1), 0))

    def _pads(self, look: Look, side: str) -> tuple[Array, Array]:
        """(n, 3) the thumb's tip, and the middle of those opposite to it: index and middle finger's, where there are both."""
        tips = self._tips[side]
        place = look.T_counter_world.apply(look.moment.state.landmark_m)
        opposite = [column for finger, column in tips.items() if finger in ("index", "middle")] or [
            column for finger, column in tips.items() if finger != "thumb"
        ]
        return place[:, tips["thumb"]], place[:, opposite].mean(axis=1)

    def _pressed(self, look: Look, index: int) -> np.ndarray:
        """(n,) whether thumb and another finger press, neither too hard."""
        force = look.hand_force_n()[:, index, : len(FINGERS)]
        thumb = force[:, HAND_PARTS.index("thumb")]
        others = np.delete(force, HAND_PARTS.index("thumb"), axis=1).max(axis=1)
        weaker, stronger = np.minimum(thumb, others), np.maximum(thumb, others)
        return np.asarray((weaker >= self.law.least_n) & (stronger <= self.law.most_n))


def _columns(landmarks: Sequence[str], side: str) -> dict[str, int]:
    """Finger -> where the landmark of its tip stands, of those fingers that a hand has."""
    return {finger: landmarks.index(f"{side}_{finger}_tip") for finger in FINGERS if f"{side}_{finger}_tip" in landmarks}
