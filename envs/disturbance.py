"""What upsets an episode: noise at the start, pushes, and noise on the actions. Drawn from the episode's own seed."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from envs.reference import PERIOD_S
from motion.errors import ShapeError, require
from motion.transform import Array
from robots.robot import Robot

STREAMS = {"plant": 0, "start": 1, "push": 2, "action": 3, "interval": 4, "sensor": 5, "shove": 6, "drift": 7, "look": 8, "words": 9}
"""One stream of random numbers per purpose: more pushes must not change the noise at the start."""
TURNS_OVER_M = 0.5
"""A base that drifts by this much turns by 1 rad as well: about as far as its wheels are apart."""


@dataclass(frozen=True)
class Disturbance:
    """How much an episode is upset.

    Attributes:
        start_noise_rad: standard deviation of the joints at the start.
        action_noise_rad: standard deviation of what is added to every action on its way to the motors. The action
            that is recorded is the one that was wanted (DART: Laskey et al., 2017).
        action_noise_s: time over which that noise forgets itself.
        base_drift: how far a driving base strays to the side of where it is told to go, standard deviation as a share of its speed;
            who stands, stays. It turns as much, rad for every `TURNS_OVER_M`. As with the noise, what was wanted is recorded.
        base_drift_s: time over which that forgets itself.
        pushes_per_s: mean number of pushes.
        push_share: torque of a push on a joint, standard deviation as a share of the joint's torque limit.
        push_s: shortest and longest push.
        shoves_per_s: mean number of shoves against a base that stands on its own feet; no other base feels them.
        shove_n: force of a shove, level, from anywhere.
        shove_s: how long it lasts.
    """

    start_noise_rad: float = 0.01
    action_noise_rad: float = 0.0
    action_noise_s: float = 0.2
    base_drift: float = 0.0
    base_drift_s: float = 1.0
    pushes_per_s: float = 0.0
    push_share: float = 0.15
    push_s: tuple[float, float] = (0.06, 0.3)
    shoves_per_s: float = 0.0
    shove_n: float = 30.0
    shove_s: float = 0.1

    def __post_init__(self) -> None:
        amounts = (self.start_noise_rad, self.action_noise_rad, self.pushes_per_s, self.push_share, self.shoves_per_s, self.shove_n)
        require(min(*amounts, self.base_drift) >= 0, ShapeError, f"a disturbance cannot be negative: {self}.")
        in_order = min(self.action_noise_s, self.base_drift_s) > 0 and 0 < self.push_s[0] <= self.push_s[1] and self.shove_s > 0
        require(in_order, ShapeError, f"times have to be above 0 and in order: {self}.")


MILD = Disturbance()
"""A little noise at the start and nothing else: what episodes meet unless told otherwise."""


def stream(purpose: str, seed: int, task: str) -> np.random.Generator:
    """The random numbers of one purpose in one episode; `task` names chore and variant."""
    return np.random.default_rng([STREAMS[purpose], seed, zlib.crc32(task.encode())])


def start_noise_rad(disturbance: Disturbance, robot: Robot, rng: np.random.Generator) -> Array:
    """(J,) off-set of the joints at the start."""
    return disturbance.start_noise_rad * rng.standard_normal(len(robot.joint_names))


def action_noise_rad(disturbance: Disturbance, robot: Robot, steps: int, rng: np.random.Generator) -> Array:
    """(T, J) noise on the actions: a first-order random process, so that it carries the robot somewhere."""
    if not disturbance.action_noise_rad:
        return np.zeros((steps, len(robot.joint_names)))
    return disturbance.action_noise_rad * _wandering(disturbance.action_noise_s, (steps, len(robot.joint_names)), rng)


def base_drift(disturbance: Disturbance, steps: int, rng: np.random.Generator) -> Array:
    """(T, 3) what is added to a driving base's speeds (ahead, to the left, turning), for every m/s that it is told to go."""
    if not disturbance.base_drift:
        return np.zeros((steps, 3))
    aside, turning = _wandering(disturbance.base_drift_s, (steps, 2), rng).T
    return disturbance.base_drift * np.column_stack([np.zeros(steps), aside, turning / TURNS_OVER_M])


def _wandering(forgets_s: float, shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """(T, n) first-order random processes of deviation 1."""
    keep = np.exp(-PERIOD_S / forgets_s)
    kicks = rng.standard_normal(shape)
    kicks[1:] *= np.sqrt(1 - keep**2)
    return np.asarray(lfilter([1.0], [1.0, -keep], kicks, axis=0))


def push_nm(disturbance: Disturbance, robot: Robot, steps: int, rng: np.random.Generator) -> Array:
    """(T, J) torques from outside: each push acts for a while on about a third of the joints."""
    out = np.zeros((steps, len(robot.joint_names)))
    limit = np.where(np.isfinite(robot.effort_nm), robot.effort_nm, robot.kp)
    for begin in np.flatnonzero(rng.random(steps) < disturbance.pushes_per_s * PERIOD_S):
        length = max(1, round(rng.uniform(*disturbance.push_s) / PERIOD_S))
        hit = rng.random(len(limit)) < 1 / 3
        out[begin : begin + length] += hit * disturbance.push_share * limit * rng.standard_normal(len(limit))
    return out


def shove_n(disturbance: Disturbance, steps: int, rng: np.random.Generator) -> Array:
    """(T, 3) forces on the base, in the world."""
    out = np.zeros((steps, 3))
    length = max(1, round(disturbance.shove_s / PERIOD_S))
    for begin in np.flatnonzero(rng.random(steps) < disturbance.shoves_per_s * PERIOD_S):
        angle = rng.uniform(0.0, 2 * np.pi)
        out[begin : begin + length, :2] = disturbance.shove_n * np.array([np.cos(angle), np.sin(angle)])
    return out
