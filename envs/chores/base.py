"""What a chore has to say: how it begins, what the actor sees, what is measured, and how well it went.

Every method works on n episodes at once, arrays in and arrays out, and never mixes them: row i of the result depends
on row i of the input alone. That is what makes an episode the same whatever runs beside it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from gymnasium import spaces

from envs.model import RobotModel
from envs.reference import PERIOD_S
from envs.simulation import State
from motion.errors import UnknownNameError
from motion.provenance import Parent
from motion.transform import Array


@dataclass(frozen=True)
class Start:
    """How n episodes begin: positions (n, nq), velocities (n, nv), and the posture (n, J) that the motors aim at."""

    qpos: Array
    qvel: Array
    target_rad: Array


@dataclass(frozen=True)
class Moment:
    """n episodes between two control periods.

    Attributes:
        variant: (n,) index of each one's variant.
        step: (n,) periods since the start.
        state: where the robots are.
        previous_action_rad: (n, J) the last targets that were carried out; at first the posture aimed at.
    """

    variant: np.ndarray
    step: np.ndarray
    state: State
    previous_action_rad: Array


@dataclass(frozen=True)
class Verdict:
    """How an episode went."""

    success: bool
    progress: float
    safety: Mapping[str, float] = field(default_factory=dict)


class Chore(ABC):
    """A chore for one robot model, with one or more variants (tasks within the chore).

    Attributes:
        name: of the chore.
        model: the robot.
        variants: names of the tasks.
        period_s: control period.
    """

    name: ClassVar[str]
    model: RobotModel
    variants: tuple[str, ...]
    period_s: float = PERIOD_S

    @property
    @abstractmethod
    def observation_space(self) -> spaces.Dict:
        """What one actor sees."""

    @property
    def action_space(self) -> spaces.Box:
        """Joint-position targets (J,), rad, within the joint limits (one turn where a joint has none)."""
        robot = self.model.robot
        turn = 2 * np.pi
        low, high = (np.where(np.isfinite(limit), limit, end) for limit, end in ((robot.lower_rad, -turn), (robot.upper_rad, turn)))
        return spaces.Box(low, high, dtype=np.float64)

    @property
    @abstractmethod
    def measured(self) -> Mapping[str, tuple[int, ...]]:
        """Signals of its own that `measure` returns, with their shapes; they go into the Demonstration."""

    @property
    def judged(self) -> Mapping[str, tuple[int, ...]]:
        """Signals that `measure` returns for `judge` alone."""
        return {}

    @property
    def recalled(self) -> frozenset[str]:
        """Observations that `recall` knows afterwards, and that need not be stored."""
        return frozenset()

    def recall(self, variant: int, steps: int) -> Mapping[str, np.ndarray]:
        """The `recalled` observations (T, ...) of the first `steps` steps."""
        return {}

    @abstractmethod
    def steps(self, variant: int) -> int:
        """Control periods that a variant lasts."""

    @abstractmethod
    def start(self, variants: np.ndarray, noise_rad: Array) -> Start:
        """How episodes of these variants (n,) begin, with the joints off by `noise_rad` (n, J)."""

    def gantry(self, variants: np.ndarray, step: np.ndarray) -> Array | None:
        """Where the gantry aims, (n, S, 7), during the S physics steps of the period; None for a fixed base."""
        return None

    @abstractmethod
    def observe(self, moment: Moment) -> dict[str, np.ndarray]:
        """Observations (n, ...)."""

    @abstractmethod
    def measure(self, moment: Moment) -> dict[str, np.ndarray]:
        """The `measured` and `judged` signals (n, ...) after a step."""

    @abstractmethod
    def reward(self, signals: Mapping[str, np.ndarray]) -> Array:
        """(n,) for the step just made."""

    @abstractmethod
    def lost(self, signals: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n,) whether the chore cannot be saved any more and the episode ends."""

    @abstractmethod
    def judge(self, variant: int, signals: Mapping[str, np.ndarray], diverged: bool) -> Verdict:
        """How an episode went, from all its signals (T, ...)."""

    def parent(self, variant: int) -> Parent:
        """What the variant was made from, for the lineage of its demonstrations."""
        return Parent(self.variants[variant], "")

    def variant_index(self, names: Sequence[str]) -> np.ndarray:
        """Indices of variants by name.

        Raises:
            UnknownNameError: no such variant.
        """
        for name in names:
            if name not in self.variants:
                raise UnknownNameError("variant", name, self.variants, f"chore {self.name}")
        return np.array([self.variants.index(name) for name in names], int)
