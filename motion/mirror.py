"""Mirror images of demonstrations: what a robot did with its right hand, done with its left one in the mirrored scene.

A humanoid is its own mirror image, and so is the world that it works in: every demonstration shows two ways of doing a chore.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from motion.demonstration import CONFIDENCE, CORRECTION, IMAGE, MISTAKE, Demonstration
from motion.errors import ShapeError, UnknownNameError, require
from motion.transform import Array

_POINT, _TURN, _PLACE = np.array([1.0, -1.0, 1.0]), np.array([1.0, -1.0, 1.0, -1.0]), np.array([1.0, -1.0, -1.0])
"""Across the plane y = 0: of points; of orientations (wxyz); of places (x, y, yaw) and of a driving base's speeds."""


@dataclass(frozen=True)
class Mirror:
    """A robot's mirror image: what joint i does, joint `partner[i]` does there, times `sign[i]`.

    Attributes:
        joint_names: J names.
        partner: (J,) which joint is a joint's mirror image; itself on the plane.
        sign: (J,) 1.0 or -1.0: the same for both of a pair.
    """

    joint_names: tuple[str, ...]
    partner: np.ndarray
    sign: Array

    def __post_init__(self) -> None:
        count = len(self.joint_names)
        shapes = (np.shape(self.partner), np.shape(self.sign))
        require(shapes == ((count,), (count,)), ShapeError, f"a mirror of {count} joints has partners and signs {shapes}.")
        twice = np.array_equal(self.partner[self.partner], np.arange(count)) and np.array_equal(self.sign[self.partner], self.sign)
        require(twice, ShapeError, "mirrored twice, a robot has to be itself: partners are not mutual, or their signs differ.")

    def of(self, joint_names: Sequence[str]) -> Mirror:
        """The same for some of the joints, in another order.

        Raises:
            ShapeError: one is not the robot's, or its partner is left out.
        """
        odd = [name for name in joint_names if name not in self.joint_names]
        require(not odd, ShapeError, f"the mirror knows no joint {', '.join(odd)}; it knows {', '.join(self.joint_names)}.")
        index = np.array([self.joint_names.index(name) for name in joint_names], dtype=int)
        lone = [self.joint_names[other] for other in self.partner[index] if self.joint_names[other] not in joint_names]
        require(not lone, ShapeError, f"{', '.join(lone)} are mirror images of joints that were asked for, but were not asked for.")
        partner = np.array([list(joint_names).index(self.joint_names[other]) for other in self.partner[index]], dtype=int)
        return Mirror(tuple(joint_names), partner, self.sign[index])

    def joints(self, track: Array) -> Array:
        """Joint angles, speeds or targets (T, J or J + 3), mirrored; three more are the speeds of a driving base."""
        count = len(self.joint_names)
        return np.concatenate([track[:, self.partner] * self.sign, track[:, count:] * _PLACE[: track.shape[1] - count]], axis=1)


def mirrored(demonstration: Demonstration, mirror: Mirror) -> Demonstration:
    """A demonstration's mirror image, across the plane y = 0 of the counter's frame.

    Of its signals only those that say how far actions are believed are kept: the others are of a simulation that never ran.

    Args:
        demonstration: of any joints that the mirror knows; three more are the speeds of a driving base.
        mirror: of its robot.

    Raises:
        ShapeError: the demonstration is of other joints.
        UnknownNameError: an observation that nobody knows how to mirror, e.g. pictures from aside.
    """
    driven = sum(name not in mirror.joint_names for name in demonstration.joint_names)
    count = len(demonstration.joint_names) - (driven if driven == len(_PLACE) else 0)
    mirror = mirror.of(demonstration.joint_names[:count])
    observations = {name: _mirrored(name, np.asarray(track), mirror) for name, track in demonstration.observations.items()}
    signals = {name: track for name, track in demonstration.signals.items() if name in (MISTAKE, CORRECTION)}
    if CONFIDENCE in demonstration.signals:
        trust = np.asarray(demonstration.signals[CONFIDENCE])
        signals[CONFIDENCE] = trust if trust.ndim == 1 else np.concatenate([trust[:, mirror.partner], trust[:, count:]], axis=1)
    return replace(demonstration, observations=observations, actions=mirror.joints(np.asarray(demonstration.actions)), signals=signals)


def _mirrored(name: str, track: np.ndarray, mirror: Mirror) -> np.ndarray:
    if name in _OF_JOINTS:
        return mirror.joints(track)
    if name not in _RULES:
        raise UnknownNameError("observation to mirror", name, [*_OF_JOINTS, *_RULES])
    return _RULES[name](track)


def _places(track: np.ndarray) -> np.ndarray:
    return track * _PLACE


def _points(track: np.ndarray) -> np.ndarray:
    return track * _POINT


def _turns(track: np.ndarray) -> np.ndarray:
    turned = track * _TURN
    return np.where(turned[..., :1] < 0, -turned, turned)


def _hands(track: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(track[:, ::-1])


def _picture(track: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(track[:, :, ::-1])


def _same(track: np.ndarray) -> np.ndarray:
    return track


_OF_JOINTS = ("joint_position_rad", "joint_velocity_radps", "previous_action_rad")
_RULES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "base_pose": _places,
    "base_place": _places,
    "hand_position_m": lambda track: _points(_hands(track)),
    "hand_wxyz": lambda track: _turns(_hands(track)),
    "hand_force_n": _hands,
    "thing_position_m": _points,
    "thing_wxyz": _turns,
    "thing_half_m": _same,
    "goal_position_m": _points,
    "goal_wxyz": _turns,
    "hinge": _same,  # a door opens as far, to the other side
    f"{IMAGE}head": _picture,  # the camera looks along the plane
    "elapsed_s": _same,
    "chore": _same,
}
"""Observation -> its mirror image. Frames of both hands are each other's mirror images."""
