"""Scene: what stands on the counter in one episode."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from envs.household.things import Thing
from motion.errors import UnknownNameError


@dataclass(frozen=True)
class Scene:
    """What one episode begins with, in the counter's frame. The same (chore, variant, seed) gives the same scene.

    Attributes:
        chore, variant, seed: which episode.
        side: the hand that the layout suits, "right" or "left".
        things: all of them.
        text: what is to be done, in words.
        drawn: what `Draws.value` gave, "quantity" or "quantity/thing" -> number.
        stand: x, y (m) and yaw (rad) of where whoever works stands at first (`motion.handling`); zeros: before the counter.
    """

    chore: str
    variant: str
    seed: int
    side: str
    things: tuple[Thing, ...]
    text: str
    drawn: Mapping[str, float] = field(default_factory=dict)
    stand: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def thing(self, name: str) -> Thing:
        """A thing by name.

        Raises:
            UnknownNameError: none of that name.
        """
        for thing in self.things:
            if thing.name == name:
                return thing
        raise UnknownNameError("thing", name, [thing.name for thing in self.things], f"scene of {self.chore}")


def scene_facts(scene: Scene) -> dict[str, Any]:
    """What tells scenes apart, as plain JSON values: what a leak check compares, and what goes with a demonstration.

    `text` is what is to be done; `sha256` is the digest of all that stands there; `families` names each object's kind; `places`
    are x, y (m) and yaw (rad) as the right hand would have them; `drawn` are the numbers behind sizes, masses and frictions.
    """
    sign = -1.0 if scene.side == "left" else 1.0
    there = [thing for thing in scene.things if thing.role in ("object", "fixture") and not thing.parked]
    places = {thing.name: [thing.position_m[0], sign * thing.position_m[1], sign * _yaw_rad(thing)] for thing in there if not thing.parent}
    places |= {thing.name: _edge_place(scene, thing, sign) for thing in scene.things if thing.weave is not None}
    return {
        "text": scene.text,
        "sha256": _digest(scene),
        "side": scene.side,
        "families": {thing.name: thing.family for thing in there},
        "places": {name: [float(value) for value in place] for name, place in places.items()},
        "drawn": {name: float(value) for name, value in scene.drawn.items()},
    }


def _edge_place(scene: Scene, cloth: Thing, sign: float) -> list[float]:
    """Where a cloth lies: x, y (m) of its first row's middle, and yaw (rad) of that row to the counter's edge."""
    assert cloth.weave is not None
    ends = [np.array(scene.thing(cloth.weave.points[index]).position_m) * [1.0, sign, 1.0] for index in (0, cloth.weave.columns - 1)]
    (x, y, _), (along_x, along_y, _) = (ends[0] + ends[1]) / 2, ends[1] - ends[0]
    return [x, y, float(np.arctan2(-along_x, along_y))]


def scene_numbers(scene: Scene, watched: Sequence[str], hinges: Sequence[str]) -> dict[str, Any]:
    """Numbers of a scene that every chore needs: of K watched things, and where M hinges begin.

    `thing_half_m` (K, 3), `thing_mass_kg`, `thing_friction`, `fragile_n`, `parked`, `on_floor` (K,), `hinge_start` and
    `hinge_speed_start` (M,), `stand` (3,) as in `Scene`, and `side`: 1 for a layout that suits the left hand, -1 for the right one.
    """
    things, joints = [scene.thing(name) for name in watched], [scene.thing(name).joint for name in hinges]
    return {
        "thing_half_m": np.array([thing.half_m for thing in things]).reshape(-1, 3),
        "thing_mass_kg": np.array([thing.mass_kg for thing in things]),
        "thing_friction": np.array([thing.friction for thing in things]),
        "fragile_n": np.array([thing.fragile_n for thing in things]),
        "parked": np.array([thing.parked for thing in things]),
        "on_floor": np.array([thing.on_floor for thing in things]),
        "stand": np.array(scene.stand),
        "hinge_start": np.array([joint.start for joint in joints if joint is not None]),
        "hinge_speed_start": np.array([joint.speed for joint in joints if joint is not None]),
        "side": 1.0 if scene.side == "left" else -1.0,
    }


def _yaw_rad(thing: Thing) -> float:
    w, x, y, z = thing.wxyz
    return float(np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)))


def _digest(scene: Scene) -> str:
    things = [
        [thing.name, thing.family, thing.half_m, thing.position_m, thing.wxyz, thing.mass_kg, thing.friction] for thing in scene.things
    ]
    elsewhere = [scene.stand] if any(scene.stand) else []
    plain = json.dumps([scene.chore, things, *elsewhere], default=float)
    return hashlib.sha256(plain.encode()).hexdigest()
