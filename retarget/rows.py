"""Rows of targets under construction, and their weights."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from motion.transform import Array, normalized
from retarget.body_map import BodyMap
from retarget.settings import check_numbers
from robots.robot import FramePoint

WORLD = -1


@dataclass(frozen=True)
class TargetWeights:
    """Weights of one unit of error: per metre for positions, per radian for directions and orientations.

    `held` and `held_orientation` are of a wrist at the object in its hand.
    """

    foot: float = 20.0
    hip: float = 2.0
    elbow: float = 1.0
    wrist: float = 5.0
    fingertip: float = 8.0
    finger: float = 0.1
    limb: float = 2.0
    trunk: float = 1.0
    shoulders: float = 0.5
    pelvis: float = 0.7
    foot_orientation: float = 2.0
    hand_orientation: float = 0.5
    head: float = 0.3
    held: float = 30.0
    held_orientation: float = 3.0

    def __post_init__(self) -> None:
        check_numbers(self, "weights")


@dataclass
class Rows:
    """Rows under construction.

    Attributes:
        body: the robot.
        landmarks: names of the points used so far, of `body.points`.
        vectors, directions, orientations: name, indices or link, what is wanted, weight, and whether it is guessed rather than seen.
        used: further landmarks that rows rest on.
        sticks: point, place, strength.
    """

    body: BodyMap
    landmarks: list[str] = field(default_factory=list)
    vectors: list[tuple[str, int, int, Array, Array, np.ndarray]] = field(default_factory=list)
    directions: list[tuple[str, int, int, Array, Array, np.ndarray]] = field(default_factory=list)
    orientations: list[tuple[str, str, Array, Array, np.ndarray]] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    sticks: list[tuple[FramePoint, Array, Array]] = field(default_factory=list)

    def index(self, landmark: str) -> int:
        """Index of a point, which is taken up when it is new."""
        if landmark not in self.landmarks:
            self.landmarks.append(landmark)
        return self.landmarks.index(landmark)

    def seen(self) -> set[str]:
        """Landmarks of the person that the rows rest on."""
        return {name.partition("_on_")[0] for name in self.landmarks} | self.used

    def vector(
        self,
        to: str,
        wanted: Array,
        weight: Array,
        start: str | None = None,
        name: str | None = None,
        guessed: np.ndarray | None = None,
    ) -> None:
        """A point is wanted at `wanted` (T, 3) from another, or from the world's origin; weight (T,) per m."""
        origin = WORLD if start is None else self.index(start)
        self.vectors.append((name or to, origin, self.index(to), *_masked(wanted, weight), _mask(guessed, weight)))

    def direct(self, a: str, b: str, wanted: Array, weight: Array, guessed: np.ndarray | None = None) -> None:
        """The bone from a to b is wanted along `wanted` (T, 3); weight (T,) per rad."""
        ends = self.index(a), self.index(b)
        self.directions.append((f"{a}>{b}", *ends, *_masked(normalized(wanted), weight), _mask(guessed, weight)))

    def orient(self, segment: str, wanted: Array, weight: Array, guessed: np.ndarray | None = None) -> None:
        """A segment is wanted turned as `wanted` (T, 3, 3); weight (T,) per rad."""
        matrix = wanted @ self.body.link_R_segment[segment].T
        good = np.isfinite(matrix).all((1, 2)) & (weight > 0)
        turned = np.where(good[:, None, None], matrix, np.eye(3))
        self.orientations.append((segment, self.body.link[segment], turned, weight * good, _mask(guessed, weight)))


def _masked(wanted: Array, weight: Array) -> tuple[Array, Array]:
    good = np.isfinite(wanted).all(-1) & np.isfinite(weight)
    return np.where(good[:, None], wanted, 0.0), np.where(good, weight, 0.0)


def _mask(guessed: np.ndarray | None, weight: Array) -> np.ndarray:
    return np.zeros(len(weight), bool) if guessed is None else guessed
