"""Short runs of chores with things, and a digest of all that came of them; also run in a process of its own."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from functools import cache

import numpy as np

from envs.chores.registry import make_household
from envs.disturbance import Disturbance
from envs.episodes import Episode, Episodes
from envs.household.chore import Household
from envs.model import BaseMode
from envs.plants import PLANTS, Change, Plant
from motion.demonstration import Demonstration

CHORE, ROBOT, STEPS = "fragile_glass", "g1_dex3", 25
ROUGH = Disturbance(start_noise_rad=0.02, action_noise_rad=0.02, pushes_per_s=3.0)
LIVELY = Plant(
    "lively",
    (
        Change("kp", ranges=(0.9, 1.1), distribution="uniform", when="startup"),
        Change("thing_mass", ranges=(0.8, 1.2), distribution="uniform"),
        Change("counter_tilt", ranges=(-0.01, 0.01), distribution="uniform", operation="add"),
        Change("sensor_noise", ranges=(0.001, 0.01), distribution="uniform", operation="set"),
        Change("thing_friction", ranges=(0.5, 1.0), distribution="uniform", when="interval", every_s=(0.05, 0.2)),
        Change("gravity", "x|y", (-0.2, 0.2), "uniform", "add", "interval", (0.1, 0.15)),
        Change("push", ranges=(-0.05, 0.05), distribution="uniform", operation="set", when="interval", every_s=(0.04, 0.1)),
    ),
    action_delay_s=(0.0, 0.04),
)
"""Changes at all three moments, often enough for a short run."""


@cache
def made(name: str = CHORE, base: BaseMode | None = None) -> Household:
    """A chore, built once for all tests."""
    return make_household(name, ROBOT, base)


def episodes(count: int) -> list[Episode]:
    """Different plants, variants and seeds, coarse time among them."""
    plants, variants = (LIVELY, PLANTS["coarse_time"], PLANTS["nominal"], PLANTS["varied_home"]), ("full", "full@objects", "full@layouts")
    return [Episode(variants[index % 3], plants[index % 4], index // 2) for index in range(count)]


def run(
    chore: Household, wanted: Sequence[Episode], slots: Sequence[int] | None = None, threads: int = 1, steps: int = STEPS
) -> list[Demonstration]:
    """Arms that wave for a while, an episode in each of the slots (0, 1, ... without them), in order of the episodes."""
    places = np.arange(len(wanted)) if slots is None else np.asarray(slots)
    return run_in(Episodes(chore, int(places.max()) + 1, threads, ROUGH), wanted, places, steps)


def run_in(runner: Episodes, wanted: Sequence[Episode], places: np.ndarray, steps: int = STEPS) -> list[Demonstration]:
    """The same in a runner that may have run before."""
    order, chore = np.argsort(places), runner.chore
    runner.reset(places[order], [wanted[index] for index in order])
    rest = np.zeros(len(chore.action_names))
    rest[: len(chore.model.robot.rest_rad)] = chore.model.robot.rest_rad
    for step in range(steps):
        runner.step(places[order], np.tile(rest + 0.1 * np.sin(0.3 * step), (len(wanted), 1)))
    return [runner.demonstration(int(slot), "wave") for slot in places]


def digest(demonstration: Demonstration) -> str:
    """Of every array and verdict of a demonstration."""
    total = hashlib.sha256(repr((demonstration.success, demonstration.progress, sorted(demonstration.safety.items()))).encode())
    for group in (demonstration.observations, demonstration.signals, {"actions": demonstration.actions}):
        for name in sorted(group):
            total.update(name.encode() + np.ascontiguousarray(group[name]).tobytes())
    return total.hexdigest()


if __name__ == "__main__":
    for demonstration in run(made(), episodes(int(sys.argv[1]))):
        print(digest(demonstration))
