"""Things that hands take: cups, boxes, glasses. The origin of each lies in the middle of its underside.

A robot's hand is 4.4 cm tall each way and slides in from behind with open fingers, so a grip lies no lower than
`LOWEST_GRIP_M`, and what is to be wrapped is 3 to 9 cm across.
"""

from __future__ import annotations

from envs.household.things import FRICTION, Grip, Shape, Thing, hollow

LOWEST_GRIP_M = 0.06
"""Lowest height of a grip over what a thing stands on: half a hand, and a finger's breadth of air."""
_QUARTER = 0.7071067811865476
_TURNS = {"side_ahead": (1.0, 0.0, 0.0, 0.0), "side_left": (_QUARTER, 0.0, 0.0, _QUARTER)}
_TURNS |= {"side_back": (0.0, 0.0, 0.0, 1.0), "side_right": (_QUARTER, 0.0, 0.0, -_QUARTER)}


def grip_height_m(height_m: float) -> float:
    """Where a thing of a height is wrapped: at its middle, or as low as a hand comes."""
    return max(LOWEST_GRIP_M, height_m / 2)


def round_grips(radius_m: float, height_m: float) -> dict[str, Grip]:
    """The grip "side" of an upright round thing: fingers around it from any direction."""
    return {"side": Grip("wrap", (0.0, 0.0, grip_height_m(height_m)), width_m=2 * radius_m, spin=(0.0, 0.0, 1.0))}


def cylinder(
    name: str,
    radius_m: float,
    height_m: float,
    mass_kg: float,
    friction: float = FRICTION,
    family: str = "can",
    rgba: tuple[float, float, float, float] = (0.8, 0.25, 0.2, 1.0),
) -> Thing:
    """An upright solid cylinder: a can, a jar, a candle."""
    body = Shape("cylinder", (radius_m, height_m / 2), (0.0, 0.0, height_m / 2), mass_kg=mass_kg, friction=friction, rgba=rgba)
    half = (radius_m, radius_m, height_m / 2)
    return Thing(name, (body,), family=family, half_m=half, grips=round_grips(radius_m, height_m))


def box(
    name: str,
    half_m: tuple[float, float, float],
    mass_kg: float,
    friction: float = FRICTION,
    family: str = "box",
    rgba: tuple[float, float, float, float] = (0.85, 0.65, 0.25, 1.0),
) -> Thing:
    """An upright box, taken by two of its opposite sides: "side_ahead", "side_left", "side_back", "side_right"."""
    body = Shape("box", half_m, (0.0, 0.0, half_m[2]), mass_kg=mass_kg, friction=friction, rgba=rgba)
    height = grip_height_m(2 * half_m[2])
    widths = {key: 2 * (half_m[1] if key in ("side_ahead", "side_back") else half_m[0]) for key in _TURNS}
    grips = {key: Grip("wrap", (0.0, 0.0, height), turn, widths[key]) for key, turn in _TURNS.items()}
    return Thing(name, (body,), family=family, half_m=half_m, grips=grips)


def glass(
    name: str,
    radius_m: float,
    height_m: float,
    mass_kg: float,
    friction: float = 0.5,
    fragile_n: float = float("inf"),
    family: str = "glass",
    rgba: tuple[float, float, float, float] = (0.6, 0.8, 1.0, 0.4),
) -> Thing:
    """An upright drinking glass; as it is empty and nothing goes in, a solid cylinder stands for its outside."""
    made = cylinder(name, radius_m, height_m, mass_kg, friction, family, rgba)
    return Thing(name, made.shapes, family=family, half_m=made.half_m, grips=made.grips, fragile_n=fragile_n)


def mug(
    name: str,
    radius_m: float,
    height_m: float,
    mass_kg: float,
    wall_m: float = 0.004,
    friction: float = FRICTION,
    family: str = "mug",
    rgba: tuple[float, float, float, float] = (0.3, 0.45, 0.75, 1.0),
) -> Thing:
    """An upright hollow cup without a handle, open at the top; taken from the side."""
    shapes = hollow(radius_m, height_m, wall_m, mass_kg, friction=friction, rgba=rgba)
    half = (radius_m, radius_m, height_m / 2)
    return Thing(name, shapes, family=family, half_m=half, grips=round_grips(radius_m, height_m))


def rimmed(name: str, half_m: tuple[float, float], floor_m: float, rim_m: float, rgba: tuple[float, float, float, float]) -> Thing:
    """A tray or a low box that stands fast: a floor of half extents `half_m` inside, and a rim of a height around it.

    Args:
        name: of the thing.
        half_m: of the floor, inside the rim.
        floor_m: its thickness.
        rim_m: height of the rim over the counter.
        rgba: colour.
    """
    (x, y), wall = half_m, 0.002
    floor = Shape("box", (x, y, floor_m / 2), (0.0, 0.0, floor_m / 2), rgba=rgba)
    long, wide = (wall, y + 2 * wall, rim_m / 2), (x, wall, rim_m / 2)
    rims = [Shape("box", long, (sign * (x + wall), 0.0, rim_m / 2), rgba=rgba) for sign in (1.0, -1.0)]
    rims += [Shape("box", wide, (0.0, sign * (y + wall), rim_m / 2), rgba=rgba) for sign in (1.0, -1.0)]
    return Thing(name, (floor, *rims), joint=None, role="fixture", family=name, half_m=(x, y, rim_m / 2))
