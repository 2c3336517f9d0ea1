"""Operate an appliance: open a microwave, put a cup in, close it, and turn its knob, in this order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from envs.household.chore import Household
from envs.household.draws import Draws
from envs.household.look import Look
from envs.household.microwave import DEPTH_M, DOOR_WIDTH_M, FLOOR_M, OPENING_M, OPENS_TO_RAD, WALL_M, WIDTH_M, Feel, microwave
from envs.household.scene import Scene
from envs.household.shapes import cylinder
from envs.household.stages import GOAL_S, Stage
from envs.household.things import Thing

OPENED_RAD = float(np.radians(45.0))
CLOSED_RAD = float(np.radians(1.5))
"""Below this the door's striker is behind the catch, which holds it; a door that leans on the catch stands at 3 degrees."""
TURNED_RAD = float(np.radians(60.0))
SLAM_MPS, SLAM_WITHIN_RAD = 0.8, float(np.radians(5.0))
"""Speed of the door's free edge, and how near closed it counts. Its catch alone draws a door shut at 0.4 to 0.65 m/s."""
STRAIN_RAD = 0.02
"""How far the door may be pulled beyond its stop."""
WRONG_RAD = float(np.radians(10.0))
"""How far a control may be moved when it is not its turn: a touch in passing."""
LEVEL_M, LEAN = 0.01, float(np.cos(np.radians(10.0)))
"""How the cup stands when it stands on the cavity's floor."""
_TOUCHED = ("microwave", "door", "knob", "cup")


class OperateAppliance(Household):
    """Door, cup, door, knob; in "door" only the door is opened and closed, in "knob" only the knob is turned."""

    name = "operate_appliance"
    texts: ClassVar[Mapping[str, str]] = {
        "full": "Open the microwave, put the cup in, close the door, and turn the knob by 60 degrees.",
        "door": "Open the microwave's door and close it again.",
        "knob": "Turn the microwave's knob by 60 degrees; its door stays closed.",
    }
    rephrased: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "full": (
            "Put the cup into the microwave oven, shut it, and set the dial to 60 degrees.",
            "Pull the oven open, place the mug inside, shut it again and rotate the dial by a sixth of a turn.",
            "Get the cup ready to be heated: inside the appliance, door shut, dial turned sixty degrees.",
        ),
        "door": (
            "Pull the microwave oven open, then push it shut.",
            "The appliance should be opened once and shut afterwards.",
            "Swing the door of the oven out and back until it latches.",
        ),
        "knob": (
            "Set the dial of the microwave oven to 60 degrees without opening it.",
            "Rotate the appliance's dial by a sixth of a turn and leave it shut.",
            "Only the dial is to be turned, sixty degrees.",
        ),
    }
    tasks = ("full", "door", "knob")
    duration_s: ClassVar[Mapping[str, float]] = {"full": 34.0, "door": 16.0, "knob": 8.0}
    stages = (
        Stage("opened"),
        Stage("item_in", after=("opened",), hold_s=0.2),
        Stage("closed", after=("opened", "item_in"), hold_s=0.2),
        Stage("done", after=("closed",), hold_s=GOAL_S),
    )

    def draw(self, task: str, draws: Draws) -> tuple[Thing, ...]:
        """The microwave in the middle, its front towards the worker; the cup on the counter, to the right of all that moves."""
        return (*microwave(*_hinge(draws), _feel(draws)), _cup(draws))

    def numbers(self, scene: Scene) -> Mapping[str, np.ndarray | float]:
        """What the scene's task asks for."""
        task, _ = self.task_of(scene.variant)
        return {"door_asked": float(task != "knob"), "item_asked": float(task == "full"), "knob_asked": float(task != "door")}

    def true_now(self, look: Look) -> Mapping[str, np.ndarray]:
        """What the task does not ask for counts as done."""
        no_door, no_item, no_knob = (look.facts[f"{name}_asked"] == 0 for name in ("door", "item", "knob"))
        closed, inside = look.joint("door") < CLOSED_RAD, self._inside(look)
        turned = look.joint("knob") - self._knob_from_rad(look) >= TURNED_RAD
        free = ~np.any([look.touching(name) for name in _TOUCHED], axis=0)
        return {
            "opened": no_door | (look.joint("door") >= OPENED_RAD),
            "item_in": no_item | (inside & ~look.touching("cup")),
            "closed": no_door | closed,
            "done": closed & (no_item | inside) & (no_knob | turned) & free,
        }

    @property
    def extra_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """From where the knob's turn counts."""
        return {"knob_from_rad": ()}

    def extra(self, look: Look) -> Mapping[str, np.ndarray]:
        """The knob's angle when the door was closed for good: only what it is turned from there on counts."""
        return {"knob_from_rad": self._knob_from_rad(look)}

    def harm(self, signals: Mapping[str, np.ndarray], facts: Mapping[str, np.ndarray]) -> Mapping[str, tuple[float, float]]:
        """Slamming the door, straining it, and moving a control when it is not its turn."""
        hinges = self.listing.hinges
        door, knob = (signals["hinge"][:, hinges.index(name)] for name in ("door", "knob"))
        closing = -signals["hinge_speed"][:, hinges.index("door")] * DOOR_WIDTH_M
        closed = signals["stage_reached"][:, _stage("closed")] > 0
        early = ~closed if facts["knob_asked"] else np.ones(len(door), bool)
        off = np.abs(knob - facts["hinge_start"][hinges.index("knob")])
        return {
            "door_slam_mps": (_most(closing[door < SLAM_WITHIN_RAD]), SLAM_MPS),
            "door_strain_rad": (_most(door - OPENS_TO_RAD), STRAIN_RAD),
            "wrong_knob_rad": (_most(off[early]), WRONG_RAD),
            "wrong_door_rad": (0.0 if facts["door_asked"] else _most(door), WRONG_RAD),
        }

    def _knob_from_rad(self, look: Look) -> np.ndarray:
        reached = look.before["stage_reached"][:, _stage("closed")] > 0
        return np.where(reached, look.before["knob_from_rad"], look.joint("knob"))

    def _inside(self, look: Look) -> np.ndarray:
        """(n,) whether the cup stands upright on the cavity's floor, wholly behind its front."""
        cup = (look.pose("microwave").inverse() @ look.pose("cup")).position_m
        radius = look.facts["thing_half_m"][:, self.listing.things.index("cup"), 0]
        hingewards = -look.facts["side"] * cup[:, 1]
        beside = (hingewards <= WIDTH_M / 2 - WALL_M) & (hingewards >= WIDTH_M / 2 - WALL_M - OPENING_M)
        return (cup[:, 0] >= radius - DEPTH_M / 2) & beside & (np.abs(cup[:, 2] - FLOOR_M) < LEVEL_M) & (look.upright("cup") > LEAN)


def _stage(name: str) -> int:
    return [stage.name for stage in OperateAppliance.stages].index(name)


def _most(values: np.ndarray) -> float:
    return float(values.max(initial=0.0))


def _feel(draws: Draws) -> Feel:
    """How door and knob resist; held out are stiffer ones."""
    return Feel(
        catch_n=draws.value("catch_n"),
        door_friction_nm=draws.value("door_friction_nm"),
        knob_friction_nm=draws.value("knob_friction_nm"),
    )


def _hinge(draws: Draws) -> tuple[tuple[float, float], float]:
    """Place of the hinge, and yaw of the front; held-out layouts turn it farther, to either side."""
    x, y, yaw = draws.place("hinge")
    return (x, y), yaw * float(draws.layout.choice([-1.0, 1.0]))


def _cup(draws: Draws) -> Thing:
    """A lidded cup; held out are thicker and heavier ones, and layouts with the cup farther away."""
    x, y, _ = draws.place("cup")
    size = draws.value("cup_radius_m"), draws.value("cup_height_m"), draws.value("cup_mass_kg")
    family = "large cup" if draws.held_out_objects else "cup"
    return cylinder("cup", *size, family=family, rgba=(0.95, 0.75, 0.30, 1.0)).at((x, y, 0.0))
