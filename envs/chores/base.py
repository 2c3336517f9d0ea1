"""What a chore has to say: how it begins, what the actor sees, what is measured, and how well it went.

Every method works on n episodes at once, arrays in and arrays out, and never mixes them: row i of the result depends
on row i of the input alone. That is what makes an episode the same whatever runs beside it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import mujoco
import numpy as np
from gymnasium import spaces

from envs.model import RobotModel
from envs.reference import PERIOD_S
from envs.simulation import NO_PARTS, Parts, State
from motion.errors import UnknownNameError
from motion.provenance import Parent
from motion.transform import Array

BASE_ACTIONS = ("base_forward_mps", "base_left_mps", "base_yaw_radps")
FASTEST_BASE = (0.6, 0.4, 1.0)
"""What a planar base is asked for at most, where a chore does not say otherwise."""


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
        state: where the robots and things are.
        previous_action_rad: (n, A) the last actions that were carried out; at first the posture aimed at, and no speed.
        sensors: (n, C) means over the period just gone of what `Chore.parts` watches; 0 before the first.
        facts: name -> (n, ...), numbers of each one's scene, from `Chore.setup`.
        before: name -> (n, ...), what `Chore.measure` said a period ago; 0 before the first.
    """

    variant: np.ndarray
    step: np.ndarray
    state: State
    previous_action_rad: Array
    sensors: Array
    facts: Mapping[str, np.ndarray]
    before: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Setup:
    """What one episode begins with, beside the robot.

    Attributes:
        scene: its own model, compiled with the same layout as the chore's; None where all episodes share one.
        facts: name -> numbers of the scene that observations and judgement need; the same names and shapes in every episode.
    """

    scene: mujoco.MjModel | None = None
    facts: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """How an episode went.

    Attributes:
        success: whether the chore was done.
        progress: 0..1.
        safety: name -> number.
        violations: names of the safety numbers that are beyond their limit.
    """

    success: bool
    progress: float
    safety: Mapping[str, float] = field(default_factory=dict)
    violations: tuple[str, ...] = ()

    @property
    def safe_success(self) -> bool:
        """Done, and nothing unsafe on the way."""
        return self.success and not self.violations


class Chore(ABC):
    """A chore for one robot model, with one or more variants (tasks within the chore).

    Attributes:
        name: of the chore.
        model: the robot.
        variants: names of the tasks.
        period_s: control period.
        parts: what of the scene is watched.
        feed_forward: whether the robot's inverse dynamics are added to what an actor asks for.
        fastest_base: what a planar base is asked for at most, ahead, to the left (m/s) and turning (rad/s).
        settle_s: how long things come to rest, the robot holding still, before an episode begins.
    """

    name: ClassVar[str]
    model: RobotModel
    variants: tuple[str, ...]
    period_s: float = PERIOD_S
    parts: Parts = NO_PARTS
    settle_s: float = 0.0
    feed_forward: bool = False
    fastest_base: tuple[float, float, float] = FASTEST_BASE

    @property
    @abstractmethod
    def observation_space(self) -> spaces.Dict:
        """What one actor sees."""

    @property
    def action_space(self) -> spaces.Box:
        """Joint-position targets (J,), rad, within the joint limits (one turn where a joint has none); see `action_names`."""
        robot = self.model.robot
        turn = 2 * np.pi
        low, high = (np.where(np.isfinite(limit), limit, end) for limit, end in ((robot.lower_rad, -turn), (robot.upper_rad, turn)))
        if self.model.base_mode == "planar":
            low, high = np.r_[low, -np.array(self.fastest_base)], np.r_[high, self.fastest_base]
        return spaces.Box(low, high, dtype=np.float64)

    @property
    def action_names(self) -> tuple[str, ...]:
        """(A,) the joints, and for a planar base its velocities ahead and to the left (m/s) and its turning (rad/s)."""
        return self.model.robot.joint_names + (BASE_ACTIONS if self.model.base_mode == "planar" else ())

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

    def setup(self, variant: int, seed: int, sizes: tuple[tuple[str, float], ...] = ()) -> Setup:
        """The scene of one episode, in which some things (name, multiple) have another size than they should."""
        return Setup()

    def facts_of_scene(self, variant: int, seed: int) -> Mapping[str, Any]:
        """What stood there in an episode, as plain JSON values, for its demonstration; none where nothing does."""
        return {}

    @abstractmethod
    def start(self, variants: np.ndarray, noise_rad: Array, setups: Sequence[Setup]) -> Start:
        """How episodes of these variants (n,) begin, with the joints off by `noise_rad` (n, J), in their n scenes."""

    def gantry(self, variants: np.ndarray, step: np.ndarray) -> Array | None:
        """Where the gantry aims, (n, S, 7), during the S physics steps of the period; None without a gantry."""
        return None

    def won(self, signals: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """(n,) whether the chore is done and the episode ends; None for chores that last their full time."""
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

    def switches(self, signals: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """(n, S) which of the scene's switches (`Parts.switches`) are on from now, by the step just made; None for a scene without."""
        return None

    @abstractmethod
    def judge(self, variant: int, signals: Mapping[str, np.ndarray], diverged: bool, facts: Mapping[str, np.ndarray]) -> Verdict:
        """How an episode went, from all its signals (T, ...) and its scene's facts (...)."""

    def text(self, variant: str) -> str:
        """What a variant asks for, in words; "" where nobody says."""
        return ""

    def parents(self, variant: int) -> tuple[Parent, ...]:
        """What the variant was made from, for the lineage of its demonstrations."""
        return ()

    def variant_index(self, names: Sequence[str]) -> np.ndarray:
        """Indices of variants by name.

        Raises:
            UnknownNameError: no such variant.
        """
        for name in names:
            if name not in self.variants:
                raise UnknownNameError("variant", name, self.variants, f"chore {self.name}")
        return np.array([self.variants.index(name) for name in names], int)
