"""The chore `wash_dish`: take the sponge, wipe the plate clean, put the sponge down, and put the plate into the rack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from gymnasium import spaces

from envs.chores.base import Moment
from envs.household.build import Force, Physics
from envs.household.chore import Household
from envs.household.dishes import (
    FACE_M,
    MOST_SITES,
    PAD_M,
    PAD_UP_M,
    RACK_GAP_M,
    TALL_M,
    leaning,
    plate,
    rack,
    rest_height_m,
    sites_of,
    sponge,
    stand,
)
from envs.household.draws import Draws
from envs.household.look import Look
from envs.household.scene import Scene
from envs.household.stages import GOAL_S, Stage
from envs.household.things import Thing
from envs.reference import PERIOD_S
from motion.transform import Array, rotate

NEAR_M = 0.015
LEAST_N, MOST_N = 1.0, 15.0
"""A spot is wiped while the pad's face is as near as that, and presses on the plate with a force in between."""
HALF, ENOUGH = 0.5, 0.9
"""Shares of the spots."""
TAKEN_M = 0.03
"""A thing that is this much higher than it stood has been taken."""
IN_RACK_M, IN_RACK_RAD = 0.03, float(np.radians(30.0))
"""How far the foot of a plate between the rack's walls may be from where it is in the middle of the rack, along it and upwards; and
how far the plate may lean: one that leans on a wall's upper edge does so by 27 degrees."""
STILL_MPS = 0.02
PRESS_N, FALL_MPS = 30.0, 0.4
"""Limits of what is done to the plate."""
_WIPES, _RACKS = ("full", "wipe"), ("full", "rack")
_FORCES = (Force("plate", "pad"),)


class WashDish(Household):
    """Wipe a plate and put it away.

    The plate leans upright in a stand. Its 24 to 48 spots are points of its own frame. One is wiped while the face of the
    sponge's pad is within 1.5 cm of it, and the pad presses on the plate with 1 to 15 N (net force, mean over 20 ms).
    Success: at least 90 % of the spots are wiped, then the plate stands in the rack, plate and sponge are still and released,
    for 1 s. Harm of its own: a force of the sponge on the plate above 30 N; a plate that falls, faster than 0.4 m/s, out of
    everybody's hands.
    """

    name: ClassVar[str] = "wash_dish"
    tasks: ClassVar[tuple[str, ...]] = ("full", "wipe", "rack")
    texts: ClassVar[Mapping[str, str]] = {
        "full": "Take the sponge, wipe the plate clean, put the sponge down, and put the plate into the rack.",
        "wipe": "Take the sponge, wipe the plate clean and put the sponge down. Leave the plate where it is.",
        "rack": "The plate is clean. Put it into the rack.",
    }
    rephrased: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "full": (
            "Clean the plate with the sponge, lay the sponge aside, and stand the plate in the drying rack.",
            "Scrub the dirty dish until no spot is left, then drop the sponge and leave the dish to dry in its rack.",
            "The plate is dirty: wash it, and once the sponge is out of your hand, slot it into the rack.",
        ),
        "wipe": (
            "Clean the plate with the sponge, lay the sponge aside, and do not move the plate.",
            "Scrub the dish where it lies until no spot is left, then drop the sponge.",
            "Only wash the plate; it stays there, and the sponge ends up out of your hand.",
        ),
        "rack": (
            "Stand the clean plate in the drying rack.",
            "The dish needs no washing any more: slot it into its rack.",
            "Pick up the plate and leave it to dry in the rack.",
        ),
    }
    duration_s: ClassVar[Mapping[str, float]] = {"full": 32.0, "wipe": 21.0, "rack": 12.0}
    stages: ClassVar[tuple[Stage, ...]] = (
        Stage("sponge_taken"),
        Stage("half_wiped", after=("sponge_taken",)),
        Stage("wiped", after=("half_wiped",)),
        Stage("plate_taken", after=("wiped",)),
        Stage("goal", after=("wiped", "plate_taken"), hold_s=GOAL_S),
    )
    physics: ClassVar[Physics] = Physics()
    forces: ClassVar[tuple[Force, ...]] = _FORCES
    settle_s: float = 0.3

    def draw(self, task: str, draws: Draws) -> tuple[Thing, ...]:
        """A plate in its stand, a rack to the right of it, and the sponge to the right of both."""
        washed, holder, (held, pad) = plate(draws, task in _WIPES), stand(draws), sponge(draws)
        return (held, leaning(washed, holder), holder, rack(draws), pad)

    def numbers(self, scene: Scene) -> Mapping[str, np.ndarray | float]:
        """What the task asks for (0 or 1), the spots in the plate's frame (m), the plate's radius, and the pad's side (1: left)."""
        task = self.task_of(scene.variant)[0]
        sites = sites_of(scene.thing("plate"))
        return {
            "wipes": float(task in _WIPES),
            "racks": float(task in _RACKS),
            "site_m": sites,
            "dirty_at_first": np.isfinite(sites[:, 0]).astype(float),
            "radius_m": scene.thing("plate").half_m[0],
            "pad_side": float(np.sign(scene.thing("pad").shapes[0].position_m[1])),
        }

    @property
    def observation_space(self) -> spaces.Dict:
        """With the spots that are still dirty (1; 0 for those that are clean, or none), and the share that is wiped."""
        space = dict(super().observation_space.spaces)
        space["dirty"] = spaces.Box(0.0, 1.0, (MOST_SITES,), np.float64)
        space["wiped"] = spaces.Box(0.0, 1.0, (1,), np.float64)
        return spaces.Dict(space)

    def observe(self, moment: Moment) -> dict[str, np.ndarray]:
        """Observations (n, ...)."""
        dirty = self._dirty(self.look(moment))
        return {**super().observe(moment), "dirty": dirty.astype(float), "wiped": _share(dirty, moment.facts)[:, None]}

    @property
    def extra_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """What `extra` tells."""
        return {"dirty": (MOST_SITES,), "wiped": (), "press_n": (), "plate_fall_mps": ()}

    def extra(self, look: Look) -> Mapping[str, np.ndarray]:
        """Which spots are still dirty, the share that is not, how hard the sponge presses, and how fast the plate falls."""
        dirty = self._dirty(look)
        down = (look.before["thing_position_m"] - look.moment.state.thing_m)[:, look.listing.things.index("plate"), 2] / PERIOD_S
        loose = ~look.touching("plate") & (look.moment.step > 1)
        return {
            "dirty": dirty.astype(float),
            "wiped": _share(dirty, look.facts),
            "press_n": _press_n(look),
            "plate_fall_mps": np.where(loose, np.maximum(down, 0.0), 0.0),
        }

    def true_now(self, look: Look) -> Mapping[str, np.ndarray]:
        """See the class. A task that does without a stage has it from the start."""
        wiped, facts = look.extra["wiped"], look.facts
        middle = look.pose("plate").apply(np.array([0.0, 0.0, TALL_M / 2]))
        let_go = ~look.touching("plate") & ~look.touching("sponge")
        still = (look.speed_mps("plate") < STILL_MPS) & (look.speed_mps("sponge") < STILL_MPS)
        return {
            "sponge_taken": (look.position_m("sponge")[:, 2] > TAKEN_M) | (facts["wipes"] == 0),
            "half_wiped": wiped >= HALF,
            "wiped": wiped >= ENOUGH,
            "plate_taken": (middle[:, 2] > rest_height_m(facts["radius_m"]) + TAKEN_M) | (facts["racks"] == 0),
            "goal": let_go & still & (_in_rack(look) | (facts["racks"] == 0)),
        }

    def harm(self, signals: Mapping[str, np.ndarray], facts: Mapping[str, np.ndarray]) -> Mapping[str, tuple[float, float]]:
        """What was done to the plate."""
        worst = {name: float(np.nanmax(signals[name], initial=0.0)) for name in ("press_n", "plate_fall_mps")}
        return {"press_n": (worst["press_n"], PRESS_N), "plate_fall_mps": (worst["plate_fall_mps"], FALL_MPS)}

    def _dirty(self, look: Look) -> np.ndarray:
        """(n, S) spots that are still dirty; in an episode's first moment, and before, none has been wiped."""
        before = look.facts["dirty_at_first"]
        if "dirty" in look.before:
            before = np.where((look.moment.step <= 1)[:, None], before, look.before["dirty"])
        press = _press_n(look)
        presses = (press >= LEAST_N) & (press <= MOST_N)
        return np.asarray((before > 0) & ~(presses[:, None] & (_away_m(look) <= NEAR_M)))


def _share(dirty: np.ndarray, facts: Mapping[str, np.ndarray]) -> Array:
    """(n,) of the spots that are wiped; 1 where there are none."""
    return np.asarray(1.0 - dirty.sum(1) / np.maximum(facts["dirty_at_first"].sum(1), 1.0))


def _press_n(look: Look) -> Array:
    """(n,) force of the sponge on the plate."""
    return np.asarray(np.linalg.norm(look.net_force_n(0), axis=-1))


def _away_m(look: Look) -> Array:
    """(n, S) how far the spots are from the pad's face; far for those that are none."""
    sites = look.pose("plate")[:, None].apply(np.nan_to_num(look.facts["site_m"], nan=1e3))
    local = look.pose("sponge")[:, None].inverse().apply(sites)
    deep = look.facts["pad_side"][:, None] * local[..., 1] - (FACE_M - look.joint("pad"))[:, None]
    beside = np.maximum(np.abs(local[..., [0, 2]] - [0.0, PAD_UP_M]) - [PAD_M[0], PAD_M[2]], 0.0)
    return np.asarray(np.sqrt((beside**2).sum(-1) + deep**2))


def _in_rack(look: Look) -> np.ndarray:
    """(n,) whether the plate stands in the rack: its lowest point between the walls."""
    seen, radius = look.pose("rack").inverse() @ look.pose("plate"), np.asarray(look.facts["radius_m"])
    normal = rotate(seen.wxyz, np.array([0.0, 0.0, 1.0]))
    flat = np.maximum(np.linalg.norm(normal[:, :2], axis=-1), 1e-9)[:, None]
    down = (normal * normal[:, 2:] - [0.0, 0.0, 1.0]) / flat
    off = seen.position_m + TALL_M / 2 * normal + radius[:, None] * down
    off[:, 2] -= rest_height_m(radius) - radius
    return np.asarray((np.abs(off) < [IN_RACK_M, RACK_GAP_M, IN_RACK_M]).all(-1) & (np.abs(normal[:, 1]) > np.cos(IN_RACK_RAD)))
