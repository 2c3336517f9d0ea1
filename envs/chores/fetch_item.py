"""Fetch an item: from a shelf somewhere in the room to a mark on the table, upright.

The table is the counter. The shelf is a rack with boards, its front turned to whoever takes something from it; its origin lies
in the middle of the board that the item stands on. All that stands fast is furniture, and the robot feels what of it touches it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from envs.household.build import CounterKind
from envs.household.chore import Household
from envs.household.draws import Draws
from envs.household.look import Look
from envs.household.shapes import box, cylinder
from envs.household.stages import GOAL_S, Stage
from envs.household.things import Shape, Thing
from envs.household.viewpoints import View
from envs.model import BaseMode

FAMILIES = ("bottle", "box", "mug")
ON_MARK_M, MARK_M = 0.15, 0.05
"""How far the item may stand from the mark's middle; radius of the mark as it is drawn."""
TAKEN_M, NEAR_M = 0.02, 0.40
"""How high over its board an item counts as taken, and how near to the mark as carried."""
FURNITURE_N = 50.0
"""Largest force of furniture on a hand, an arm, or all the rest of the robot; means over 20 ms."""
SHELF_HALF_M = (0.16, 0.45, 0.01)
"""Half depth, half width and half thickness of a board."""
BOARDS_M = (-0.36, 0.0, 0.42)
"""Heights of the boards' tops; the highest one is half as deep, so that nobody's head meets it."""
POST_M, POST_HALF_M = 0.44, 0.014
"""Top and half width of the four posts, which reach down to the floor."""
_STILL_MPS, _LEAN, _STANDS_M = 0.03, float(np.cos(np.radians(12.0))), 0.01
_WOOD, _STEEL = (0.72, 0.56, 0.38, 1.0), (0.35, 0.36, 0.38, 1.0)
_COLOURS: Mapping[str, tuple[float, float, float, float]] = {
    "bottle": (0.25, 0.55, 0.35, 1.0),
    "box": (0.85, 0.65, 0.25, 1.0),
    "mug": (0.30, 0.45, 0.75, 1.0),
}
_NECK_M = (0.012, 0.02)
"""Radius and half height of a bottle's neck."""


def place_before(shelf: Thing) -> tuple[float, float, float]:
    """x, y (m) and yaw (rad) of the stand (`motion.handling`) of somebody who stands before a shelf: the middle of its front edge."""
    x, y, _ = shelf.pose.apply(np.array([-SHELF_HALF_M[0], 0.0, 0.0]))
    return float(x), float(y), 2 * float(np.arctan2(shelf.wxyz[3], shelf.wxyz[0]))


class FetchItem(Household):
    """A bottle, a box or a mug from the shelf to the table.

    Success: the item stands upright on the table, its middle within 15 cm of the mark's, still and released, for 1 s. Harm of
    its own: more than 50 N of furniture (table, shelf) on a hand, an arm or the rest of the robot; a dropped item counts as in
    every chore.
    """

    name: ClassVar[str] = "fetch_item"
    texts: ClassVar[Mapping[str, str]] = {"full": "Fetch the item from the shelf and stand it upright on the mark on the table."}
    rephrased: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "full": (
            "Go to the shelf, take what stands there, and place it upright on the table's mark.",
            "Bring the object over from the rack and set it down standing on the marked spot of the table.",
            "The table's mark is where the thing on the shelf belongs; get it and put it there.",
        ),
    }
    duration_s: ClassVar[Mapping[str, float]] = {"full": 36.0}
    bases: ClassVar[tuple[BaseMode, ...]] = ("planar",)
    counter: ClassVar[CounterKind] = "solid"
    view_m: ClassVar[View | None] = ((3.3, 0.0, 1.9), (-0.55, 0.0, -0.2))
    stages: ClassVar[tuple[Stage, ...]] = (
        Stage("touched"),
        Stage("taken", after=("touched",)),
        Stage("carried", after=("taken",)),
        Stage("placed", after=("carried",), hold_s=GOAL_S),
    )

    def draw(self, task: str, draws: Draws) -> tuple[Thing, ...]:
        """The shelf on the robot's right, the item on its board, the mark on the table."""
        x, y, yaw = draws.place("shelf")
        board_m = draws.value("board_m")
        shelf = _shelf().at((x, y, board_m), yaw)
        ahead, aside, turned = draws.place("item")
        spot = shelf.pose.apply(np.array([ahead - SHELF_HALF_M[0], aside, 0.0]))
        to_x, to_y, _ = draws.place("mark")
        family = FAMILIES[int(draws.objects.integers(len(FAMILIES)))]
        return (shelf, _mark().at((to_x, to_y, 0.0)), _item(draws, family).at(spot, yaw + turned))

    def draw_stand(self, task: str, draws: Draws) -> tuple[float, float, float]:
        """Somewhere between table and shelf, turned anyhow."""
        return draws.place("start")

    def true_now(self, look: Look) -> Mapping[str, np.ndarray]:
        """Touched on its board, lifted off it, near the mark, standing there alone."""
        place, touched = look.position_m("item"), look.touching("item")
        over_board = place[:, 2] - look.position_m("shelf")[:, 2]
        off = np.linalg.norm((place - look.position_m("mark"))[:, :2], axis=-1)
        still = (look.speed_mps("item") < _STILL_MPS) & ~touched
        stands = (np.abs(place[:, 2]) < _STANDS_M) & (look.upright("item") > _LEAN)
        return {
            "touched": touched,
            "taken": touched & (over_board > TAKEN_M),
            "carried": touched & (off < NEAR_M),
            "placed": stands & still & (off <= ON_MARK_M),
        }

    def harm(self, signals: Mapping[str, np.ndarray], facts: Mapping[str, np.ndarray]) -> Mapping[str, tuple[float, float]]:
        """How hard furniture was met."""
        return {"furniture_force_n": (float(np.nanmax(signals["furniture_force_n"], initial=0.0)), FURNITURE_N)}


def _shelf() -> Thing:
    """Boards between posts, fixed to the room."""
    depth, width, thick = SHELF_HALF_M
    low, middle, high = BOARDS_M
    boards = [Shape("box", SHELF_HALF_M, (0.0, 0.0, top - thick), rgba=_WOOD) for top in (low, middle)]
    boards += [Shape("box", (depth / 2, width, thick), (depth / 2, 0.0, high - thick), rgba=_WOOD)]
    half = (POST_HALF_M, POST_HALF_M, POST_HALF_M)
    corners = [(i * (depth - POST_HALF_M), j * (width + POST_HALF_M)) for i in (-1, 1) for j in (-1, 1)]
    posts = [Shape("box", half, (x, y, POST_M - POST_HALF_M), rgba=_STEEL, to_floor=True) for x, y in corners]
    return Thing("shelf", (*boards, *posts), joint=None, role="fixture", family="shelf", half_m=SHELF_HALF_M)


def _mark() -> Thing:
    disc = Shape("cylinder", (MARK_M, 0.0005), (0.0, 0.0, 0.0005), rgba=(0.85, 0.2, 0.2, 1.0), touchable=False)
    return Thing("mark", (disc,), joint=None, role="fixture", family="mark", half_m=(MARK_M, MARK_M, 0.0005))


def _item(draws: Draws, family: str) -> Thing:
    """A bottle, box or mug: always a cylinder, a smaller one and a box, of which those that the family lacks hide in
    the others: every scene has the same parts."""
    mass, friction = draws.value("mass_kg"), draws.value("friction")
    radius = {"bottle": draws.value("bottle_radius_m"), "mug": draws.value("mug_radius_m")}
    height = {"bottle": draws.value("bottle_height_m"), "mug": draws.value("mug_height_m")}
    half = (draws.value("box_half_m", "x"), draws.value("box_half_m", "y"), draws.value("box_half_height_m"))
    said, rgba = f"wet {family}" if draws.held_out_objects else family, _COLOURS[family]
    if family == "box":
        made = box("item", half, mass, friction, said, rgba)
        shapes = (_hidden("cylinder", friction), _hidden("cylinder", friction), made.shapes[0])
    else:
        made = cylinder("item", radius[family], height[family], mass, friction, said, rgba)
        shapes = (made.shapes[0], _top(family, radius[family], height[family], friction), _hidden("box", friction))
    return Thing("item", shapes, family=said, half_m=made.half_m, grips=made.grips)


def _top(family: str, radius_m: float, height_m: float, friction: float) -> Shape:
    """A bottle's neck, or the dark inside of a mug: nothing goes in."""
    if family == "bottle":
        return Shape("cylinder", _NECK_M, (0.0, 0.0, height_m + _NECK_M[1]), friction=friction, rgba=_COLOURS[family])
    flat = (radius_m - 0.004, 0.0005)
    return Shape("cylinder", flat, (0.0, 0.0, height_m), friction=friction, rgba=(0.15, 0.2, 0.3, 1.0))


def _hidden(kind: str, friction: float) -> Shape:
    half = (0.001, 0.001) if kind == "cylinder" else (0.001, 0.001, 0.001)
    return Shape(kind, half, (0.0, 0.0, 0.03), friction=friction)  # type: ignore[arg-type]
