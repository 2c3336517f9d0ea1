"""Standing on two feet: a whole-body quadratic program gives the legs' torques, whatever the arms are at.

At every moment the program looks for accelerations of base and legs, and for forces under the soles, such that the base stays
where it should, the feet stay where they are, soles only push and do not slip, and no motor gives more than it has. Waist, arms
and hands it sees, but does not drive: their servos hold them stiffly on a way of their own, so that for the moment they count as
one rigid body with the base. What hangs in the hands it is not told.

The formulation is the usual one-level whole-body control with task weights (e.g. Bouyarmane and Kheddar, 2018); the solver is
ProxQP (Bambade et al., 2022).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import proxsuite
from scipy.optimize import least_squares

from motion.errors import RobotError, require
from motion.landmarks import SIDES
from motion.transform import Array, Transform, skew, so3_log
from robots.hands import RobotKey
from robots.kinematics import Kinematics
from robots.robot import Robot
from robots.upper_body import locked
from robots.whole_body import BodyState, WholeBody

_FREE = 6
_PYRAMID = 5
"""Conditions on one force: it pushes, and lies in a pyramid of four sides."""
_GRAVITY = 9.81
_UNBOUNDED = 1e20
_TIGHT = 1e-5
"""A limit is met where easing it would be worth that much."""
_REDUNDANT = 1e-11
"""Share by which each of several conditions gives way, so that they may say the same."""
_BENT = 0.05
"""By this share of its height at rest the base is lower when a robot balances."""
_STEP_M = 0.15
"""The soles are at most so far from where they are at rest."""
_NEAR_M, _NEAR_RAD = 1e-4, 1e-3
"""Soles that are as near as that to where they should be are there."""


@dataclass(frozen=True)
class StandingLaw:
    """How a robot keeps its balance. Gains are of accelerations: 1/s2 and 1/s.

    Attributes:
        base_gains: of the base's place.
        turn_gains: of its orientation.
        foot_gains: of feet that were moved.
        foot_weight, base_weight, turn_weight, ease_weight: what an acceleration (m/s2, rad/s2) that is not as wanted costs: of
            feet, of the base's place, of its orientation, of legs and, per N, of soles.
        friction: of soles on the floor, as the program counts on it.
        margin_m: how far from the soles' edges the weight is kept.
        accuracy, rounds: of the solver.
    """

    base_gains: tuple[float, float] = (60.0, 15.0)
    turn_gains: tuple[float, float] = (100.0, 20.0)
    foot_gains: tuple[float, float] = (50.0, 14.0)
    foot_weight: float = 1000.0
    base_weight: float = 100.0
    turn_weight: float = 20.0
    ease_weight: float = 1e-3
    friction: float = 0.6
    margin_m: float = 0.04
    accuracy: float = 1e-6
    rounds: int = 200


LAW = StandingLaw()


@dataclass(frozen=True)
class Stance:
    """How a robot with locked legs bends them to stand by itself.

    Attributes:
        joint_names: (L,) the joints that were locked.
        angle_rad: (L,).
        drop_m: how much lower its base is than in the rest posture.
    """

    joint_names: tuple[str, ...]
    angle_rad: Array
    drop_m: float


def stance(robot: Robot) -> Stance:
    """The stance of a robot whose legs are locked (`robots.upper_body`): in its rest posture its weight is over the middle of its soles.

    Straight legs cannot lift a hip: knees that are nearly stretched at rest are no posture to balance in.

    Raises:
        RobotError: no joint of it was locked, it has no free base or no soles, or its legs do not bend that way.
    """
    whole = robot.unlocked
    can = whole is not None and whole.floating and all(side in whole.soles for side in SIDES)
    require(can, RobotError, f"{robot.name} cannot stand by itself: it needs a free base, two legs, and soles for both in robot.yaml.")
    assert whole is not None
    return _stance(RobotKey(robot), RobotKey(whole))


@lru_cache(maxsize=16)
def _stance(locked: RobotKey, whole: RobotKey) -> Stance:
    own, robot = locked.robot, whole.robot
    soles = [robot.soles[side] for side in SIDES]
    kinematics, drop, frames = Kinematics(robot), _BENT * robot.base_height_m, [sole.frame for sole in soles]
    names = tuple(name for name in robot.joint_names if name not in own.joint_names)
    legs, posture = robot.joint_index(names), robot.rest_rad.copy()
    feet, middle = kinematics.frame_poses(frames, posture[None])[0], np.array([sole.corners_m.mean(0) for sole in soles])
    posture[robot.joint_index(own.joint_names)] = own.rest_rad

    def residual(unknown: Array) -> Array:
        """Of soles that are lower, level, and as far ahead as the last of the unknown says, and of the weight over them."""
        posture[legs] = unknown[:-1]
        now = kinematics.frame_poses(frames, posture[None])[0]
        place = now.position_m - feet.position_m - [unknown[-1], 0.0, drop]
        turn = so3_log((now.inverse() @ feet).wxyz)
        weight = kinematics.centre_of_mass(posture[None])[0] - now.apply(middle).mean(0)
        return np.concatenate([place.ravel() / _NEAR_M, turn.ravel() / _NEAR_RAD, weight[:1] / _NEAR_M])

    low, high = np.append(robot.lower_rad[legs], -_STEP_M), np.append(robot.upper_rad[legs], _STEP_M)
    start = np.clip(np.append(robot.rest_rad[legs], 0.0), low + _NEAR_RAD, high - _NEAR_RAD)
    found = least_squares(residual, start, bounds=(low, high))
    what = f"{robot.name}: its legs cannot stand {1e3 * drop:.0f} mm lower than at rest with its weight over the soles."
    require(bool(np.abs(found.fun).max() < 1), RobotError, what)
    return Stance(names, np.asarray(found.x[:-1]), drop)


def bent(robot: Robot) -> Robot:
    """The robot with its legs locked as they stand, not as they rest; the same posture of all that is above.

    Raises:
        RobotError: as `stance`.
    """
    legs = stance(robot)
    assert robot.unlocked is not None
    angles = {name: float(angle) for name, angle in zip(legs.joint_names, legs.angle_rad, strict=True)}
    return replace(locked(robot.unlocked, angles), rest_rad=robot.rest_rad)


@dataclass(frozen=True)
class Footing:
    """Where a robot stands, in the world; turns are rotation matrices.

    Attributes:
        base_m, base_turn: (3,), (3, 3) where its base is to be.
        feet_m, feet_turn: (2, 3), (2, 3, 3) where its feet are to stay, the left one first.
    """

    base_m: Array
    base_turn: Array
    feet_m: Array
    feet_turn: Array


class Standing:
    """Keeps robots of one kind standing where they stand; nothing is remembered from one moment to the next.

    Args:
        robot: with its legs locked; postures and velocities are those of `robot.unlocked`.
        law: how.

    Attributes:
        robot: the whole robot.
        legs: (L,) columns of the joints that are driven.

    Raises:
        RobotError: as `stance`.
    """

    def __init__(self, robot: Robot, law: StandingLaw = LAW) -> None:
        self._stance, self.law = stance(robot), law
        assert robot.unlocked is not None
        self.robot = robot = robot.unlocked
        self.legs = robot.joint_index(self._stance.joint_names)
        self._soles = [robot.soles[side] for side in SIDES]
        self._body = WholeBody(Kinematics(robot), [sole.frame for sole in self._soles])
        self._corners = np.stack([sole.corners_m for sole in self._soles])
        self._own = np.r_[np.arange(_FREE), _FREE + self.legs]
        self._limit = robot.effort_nm[self.legs]
        self._rotors = np.diag(np.r_[np.zeros(_FREE), robot.armature[self.legs]])

    @cached_property
    def _sizes(self) -> tuple[int, int, int]:
        """Numbers that are looked for: accelerations of base and legs, forces, and accelerations of feet that they should not have."""
        return len(self._own), 3 * self._corners.shape[0] * self._corners.shape[1], 6 * len(self._soles)

    def footing(self, T_world_base: Transform) -> Footing:
        """To stand with the base in one pose, the feet below it as `stance` has them."""
        posture, still = self.robot.rest_rad.copy(), np.zeros(_FREE + len(self.robot.joint_names))
        posture[self.legs] = self._stance.angle_rad
        body = self._body.at(posture, still, T_world_base)
        return Footing(T_world_base.position_m, T_world_base.rotation(), body.place_m, body.turn)

    def torque(self, footing: Footing, position_rad: Array, velocity_radps: Array, T_world_base: Transform, base_velocity: Array) -> Array:
        """(L,) Nm for the legs' motors now.

        Args:
            footing: where it is to stand.
            position_rad, velocity_radps: (J,).
            T_world_base: where the base is, one pose.
            base_velocity: (6,) linear in the world, angular in the base.
        """
        turn = T_world_base.rotation()
        tangent = np.concatenate([base_velocity[:3] @ turn, base_velocity[3:], velocity_radps])
        body = self._body.at(position_rad, tangent, T_world_base)
        mass, bias = body.mass[np.ix_(self._own, self._own)] + self._rotors, body.bias[self._own]
        push = self._corner_jacobian(body)
        wanted = self._base_acceleration(footing, body, T_world_base.position_m, turn, tangent)
        acceleration, force = self._solve(mass, bias, push, self._foot_rows(footing, body, tangent), wanted)
        torque = mass[_FREE:] @ acceleration + bias[_FREE:] - push[:, _FREE:].T @ force
        return np.asarray(np.clip(torque, -self._limit, self._limit))

    def _corner_jacobian(self, body: BodyState) -> Array:
        """(3P, 6 + L) velocities of the soles' corners."""
        own = body.jacobian[:, :, self._own]
        lever = skew(np.einsum("fij,fpj->fpi", body.turn, self._corners))
        return np.asarray((own[:, None, :3] - lever @ own[:, None, 3:]).reshape(-1, len(self._own)))

    def _foot_rows(self, footing: Footing, body: BodyState, tangent: Array) -> tuple[Array, Array]:
        """(12, 6 + L) and (12,): what accelerations keep the feet where they stand."""
        stiff, damp = self.law.foot_gains
        jacobian = body.jacobian.reshape(-1, len(tangent))
        off = np.concatenate([footing.feet_m - body.place_m, _turned(footing.feet_turn @ body.turn.swapaxes(1, 2))], axis=1)
        return jacobian[:, self._own], stiff * off.ravel() - damp * (jacobian @ tangent) - body.drift.ravel()

    def _base_acceleration(self, footing: Footing, body: BodyState, place_m: Array, turn: Array, tangent: Array) -> Array:
        """(6,) the tangent's wanted rate of change: back to the place, or as near to it as keeps the weight over the soles.

        The weight counts as where it would come to rest, like a pendulum that stands on its head, if the arms went on as they go
        (its capture point: Pratt et al., 2006).
        """
        corners = body.place_m[:, None] + np.einsum("fij,fpj->fpi", body.turn, self._corners)
        low, high = corners[..., :2].min((0, 1)) + self.law.margin_m, corners[..., :2].max((0, 1)) - self.law.margin_m
        off, local = footing.base_m - place_m, tangent[:3]
        going = np.sqrt(body.centre_m[2] / _GRAVITY) * (body.centre_mps - turn @ local)
        there = (body.centre_m + off + going)[:2]
        off[:2] += np.clip(there, low, high) - there
        turning = tangent[3:_FREE]
        stiff, damp = self.law.base_gains
        linear = stiff * (off @ turn) - damp * local - np.cross(turning, local)
        stiff, damp = self.law.turn_gains
        return np.concatenate([linear, stiff * _turned(turn.T @ footing.base_turn) - damp * turning])

    def _solve(self, mass: Array, bias: Array, push: Array, feet: tuple[Array, Array], wanted: Array) -> tuple[Array, Array]:
        """Accelerations (6 + L,) and forces (3P,)."""
        moving, pushing, slipping = self._sizes
        first, last = moving + pushing, moving + pushing + slipping
        cost, slope = np.full(last, self.law.ease_weight), np.zeros(last)
        weight = np.r_[np.full(3, self.law.base_weight), np.full(3, self.law.turn_weight)]
        cost[:_FREE] += weight
        cost[first:] = self.law.foot_weight
        slope[:_FREE] = -weight * wanted
        equal, level = np.zeros((_FREE + slipping, last)), np.concatenate([-bias[:_FREE], feet[1]])
        equal[:_FREE, :moving], equal[:_FREE, moving:first], equal[_FREE:, :moving] = mass[:_FREE], -push[:, :_FREE].T, feet[0]
        equal[_FREE:, first:] = -np.eye(slipping)
        cone = self._cone
        bounded = np.zeros((len(cone) + len(self.legs), last))
        bounded[: len(cone), moving:first] = cone
        bounded[len(cone) :, :moving], bounded[len(cone) :, moving:first] = mass[_FREE:], -push[:, _FREE:].T
        low = np.r_[np.zeros(len(cone)), -self._limit - bias[_FREE:]]
        high = np.r_[np.full(len(cone), _UNBOUNDED), self._limit - bias[_FREE:]]
        program = proxsuite.proxqp.dense.QP(last, len(level), len(low))
        program.settings.eps_abs, program.settings.max_iter = self.law.accuracy, self.law.rounds
        program.init(np.diag(cost), slope, equal, level, bounded, low, high)
        program.solve()
        limit = np.asarray(np.where(program.results.z > 0, high, low))
        tight = (np.abs(program.results.z) > _TIGHT) & (limit < _UNBOUNDED)
        found = _least(cost, slope, np.concatenate([equal, bounded[tight]]), np.concatenate([level, limit[tight]]))
        if not np.isfinite(found).all():  # nothing to stand on: a robot that lies on its back
            found = np.zeros(last)
        return found[:moving], found[moving:first]

    @cached_property
    def _cone(self) -> Array:
        """(5P, 3P) conditions on the forces, each at least 0."""
        corners = self._corners.shape[0] * self._corners.shape[1]
        one = np.array([[0, 0, 1.0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
        one[1:, 2] = self.law.friction
        return np.kron(np.eye(corners), one)


def _turned(turn: Array) -> Array:
    """(..., 3) rotation vectors of small rotations (..., 3, 3); of large ones, their sine."""
    return 0.5 * np.stack(
        [turn[..., 2, 1] - turn[..., 1, 2], turn[..., 0, 2] - turn[..., 2, 0], turn[..., 1, 0] - turn[..., 0, 1]], axis=-1
    )


def _least(cost: Array, slope: Array, rows: Array, level: Array) -> Array:
    """(n,) where half of cost x^2 + slope x is least with rows x = level (m,), some of which may say the same.

    The solver's last digits depend on where its memory lies. Told which limits it met, these do not.
    """
    light = rows / cost
    shared = rows @ light.T
    shared[np.diag_indices_from(shared)] *= 1 + _REDUNDANT
    price = np.linalg.solve(shared, level + light @ slope)
    return np.asarray((rows.T @ price - slope) / cost)
