"""Hands: digits, the thumb among them, the palm's side, and whether it is a left or a right one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.transform import Array
from robots.onboard.geometry import across, unit
from robots.onboard.tree import Bodies

_SHORTEST = 0.35
"""A digit shorter than this share of the longest is a bar of a linkage, or a sensor."""
_ROW, _CLEAR_THUMB, _WRIST_JOINTS_N = 0.3, 0.3, 3
_CURLED = 0.6
_MOST = 0.8
_PARALLEL = 0.7
_ROLLS = np.cos(np.radians(40.0))


@dataclass(frozen=True)
class Digit:
    """A finger.

    Attributes:
        chain: its moving bodies from the palm outwards.
        base, tip: (3,) where it begins to bend, and where it ends.
        axis: (3,) of its last hinge, either way round.
    """

    chain: tuple[int, ...]
    base: Array
    tip: Array
    axis: Array

    @property
    def direction(self) -> Array:
        """(3,) unit, from base to tip."""
        return unit(self.tip - self.base)

    @property
    def length_m(self) -> float:
        """From base to tip."""
        return float(np.linalg.norm(self.tip - self.base))


@dataclass(frozen=True)
class Hand:
    """A hand or a gripper.

    Attributes:
        palm: body that carries the digits.
        digits: all of them, the thumb too.
        thumb: index in `digits`; None for a gripper.
        thumb_margin: 0..1, how clearly that one is the thumb.
        chirality: +1 for a right hand, -1 for a left one, 0 where the thumb sits in the middle.
        knuckles: (3,) middle of the fingers' bases.
        direction: (3,) unit, along the hand towards the fingers.
        normal: (3,) unit, out of the palm; for a gripper the way it opens, either way round.
    """

    palm: int
    digits: tuple[Digit, ...]
    thumb: int | None
    thumb_margin: float
    chirality: int
    knuckles: Array
    direction: Array
    normal: Array

    @property
    def fingers(self) -> tuple[Digit, ...]:
        """The digits without the thumb."""
        return tuple(digit for number, digit in enumerate(self.digits) if number != self.thumb)

    def toward_thumb(self, side: str) -> Array:
        """(3,) unit: across the palm, from the little finger's side to the index finger's."""
        return unit(np.cross(self.direction, self.normal)) * (1.0 if side == "right" else -1.0)


def find_hand(bodies: Bodies, palm: int, wrist: Array | None = None) -> Hand | None:
    """The hand that hangs on a body or beyond it; None where fewer than two digits do."""
    palm = _carrier(bodies, palm)
    found = [_digit(bodies, child) for child in _finger_roots(bodies, palm)]
    longest = max((digit.length_m for digit in found), default=0.0)
    digits = tuple(digit for digit in found if digit.length_m > _SHORTEST * longest)
    if len(digits) < 2:
        return None
    origin = bodies.point_m[palm] if wrist is None else wrist
    thumb, margin = _find_thumb(digits)
    if thumb is None or _is_gripper(digits):
        return _gripper(bodies, palm, digits, origin)
    return _with_thumb(bodies, palm, digits, thumb, margin, origin)


def _carrier(bodies: Bodies, body: int) -> int:
    """The first body from here outwards that several digits hang on; a sensor on the way is none."""
    while bodies.children[body]:
        most = max(bodies.children[body], key=lambda child: len(bodies.below[child]))
        forks = any(len(bodies.children[other]) > 1 for other in bodies.below[most])
        if not forks or len(bodies.below[most]) < _MOST * (len(bodies.below[body]) - 1):
            break
        body = most
    return body


def _finger_roots(bodies: Bodies, palm: int) -> list[int]:
    """The first body of every digit; a moving metacarpal may carry several."""
    roots: list[int] = []
    for child in bodies.children[palm]:
        end = child
        while len(bodies.children[end]) == 1:
            end = bodies.children[end][0]
        forked = [
            other for other in bodies.children[end] if bodies.steps[other] >= 2 and bodies.reach_m(other) > 0.4 * bodies.reach_m(child)
        ]
        roots += forked if len(forked) >= 2 else [child]
    return roots


def _digit(bodies: Bodies, root: int) -> Digit:
    chain = [root]
    while bodies.children[chain[-1]]:
        chain.append(max(bodies.children[chain[-1]], key=lambda child: bodies.steps[child]))
    knuckle = next(body for body in chain if abs(bodies.axis[body] @ bodies.axis[chain[-1]]) > _PARALLEL)
    return Digit(tuple(chain), bodies.point_m[knuckle], _end(bodies, chain[-1]), bodies.axis[chain[-1]])


def _end(bodies: Bodies, last: int) -> Array:
    """Where a finger's last body ends, on the line through its middle: its corners lie aside."""
    origin, points = bodies.point_m[last], np.vstack([bodies.extent_m[last], 2 * bodies.centre_m[last] - bodies.point_m[last]])
    along = unit(points.mean(0) - origin)
    return np.asarray(origin + along * float(((points - origin) @ along).max()))


def _is_gripper(digits: tuple[Digit, ...]) -> bool:
    """Whether the digits are jaws or the bars of a linkage."""
    return len(digits) < 3 or float(np.median([len(digit.chain) for digit in digits])) < 2


def _find_thumb(digits: tuple[Digit, ...]) -> tuple[int | None, float]:
    """The digit without which the others are most alike: parallel, on parallel hinges, their bases in a row."""
    if len(digits) < 3:
        return None, 0.0
    unlike = [_unlikeness([other for k, other in enumerate(digits) if k != number]) for number in range(len(digits))]
    best, second = sorted(unlike)[:2]
    return int(np.argmin(unlike)), 1 - best / second


def _unlikeness(digits: list[Digit]) -> float:
    directions = np.array([digit.direction for digit in digits])
    bases = np.array([digit.base for digit in digits])
    spread = float(np.mean(1 - directions @ unit(directions.mean(0))))
    hinges = float(np.mean(1 - np.abs(np.array([digit.axis for digit in digits]) @ _common_axis(digits))))
    off_row = float(np.linalg.svd(bases - bases.mean(0))[1][1] / np.mean([digit.length_m for digit in digits]))
    return spread + hinges + 0.5 * off_row + 0.02


def _common_axis(digits: list[Digit] | tuple[Digit, ...]) -> Array:
    return np.asarray(np.linalg.svd(np.array([digit.axis for digit in digits]))[2][0])


def _closing_axis(bodies: Bodies, digits: tuple[Digit, ...]) -> tuple[Array, float]:
    """The axis about which fingers close, (3,) unit, and how one-sided their hinges' ranges are, 0..1."""
    axis, votes = _common_axis(digits), []
    for digit in digits:
        for body in digit.chain:
            along = float(bodies.axis[body] @ axis)
            if abs(along) > 0.7 and not bodies.sliding[body] and not bodies.turns_without_limit(body):
                lower, upper = bodies.range_rad[body]
                votes.append(np.sign(along) * (upper + lower) / (upper - lower))
    vote = float(np.mean(votes)) if votes else 0.0
    return (axis if vote >= 0 else -axis), abs(vote)


def _with_thumb(bodies: Bodies, palm: int, digits: tuple[Digit, ...], thumb: int, margin: float, wrist: Array) -> Hand:
    fingers = tuple(digit for number, digit in enumerate(digits) if number != thumb)
    knuckles = np.mean([digit.base for digit in fingers], axis=0)
    direction = unit(np.mean([digit.direction for digit in fingers], axis=0))
    axis, _ = _closing_axis(bodies, fingers)
    normal = np.cross(axis, direction)
    along = unit(knuckles - wrist)
    reaches = float(np.linalg.norm(knuckles - wrist)) > 0.1 * fingers[0].length_m
    if reaches and along @ direction < _CURLED:
        # Curled at zero: the hand lies along wrist and knuckles, and the tips show where the palm is.
        across_hand = np.cross(_common_axis(fingers), along)
        if np.linalg.norm(across_hand) > 0.4 and abs(direction @ unit(across_hand)) > 0.4:
            normal, direction = across_hand * np.sign(direction @ across_hand), along
    normal = unit(across(normal, direction))
    toward = (digits[thumb].base + digits[thumb].tip) / 2 - knuckles
    sine = float(unit(toward) @ np.cross(direction, normal))
    chirality = int(np.sign(sine)) if abs(sine) > 0.15 else 0
    return Hand(palm, digits, thumb, margin, chirality, knuckles, direction, normal)


def _gripper(bodies: Bodies, palm: int, digits: tuple[Digit, ...], wrist: Array) -> Hand:
    knuckles = np.mean([digit.base for digit in digits], axis=0)
    tips = np.mean([digit.tip for digit in digits], axis=0)
    roll = _roll_axis(bodies, palm, unit(tips - wrist))
    direction = unit(tips - wrist) if roll is None else roll
    if roll is not None:  # a gripper may pass beside the wrist: hold it as it points, not as it is mounted
        knuckles = wrist + roll * float((knuckles - wrist) @ roll)
    sliding = [bodies.axis[digit.chain[0]] for digit in digits if bodies.sliding[digit.chain[0]]]
    opening = sliding[0] if sliding else np.cross(_common_axis(digits), direction)
    return Hand(palm, digits, None, 0.0, 0, knuckles, direction, unit(across(opening, direction)))


def _roll_axis(bodies: Bodies, palm: int, toward: Array) -> Array | None:
    """(3,) unit: the axis of the joint that turns a gripper about itself, towards its tips; None where no such joint carries it."""
    axis = bodies.axis[palm] * (1.0 if bodies.axis[palm] @ toward > 0 else -1.0)
    return axis if palm and axis @ toward > _ROLLS else None


def is_hand_alone(bodies: Bodies, hand: Hand) -> bool:
    """Whether the robot is nothing but this hand: several fingers close together that hold most of its joints."""
    if hand.thumb is None or len(bodies.path(hand.palm)) > _WRIST_JOINTS_N:
        return False
    bases = np.array([digit.base for digit in hand.fingers])
    longest = max(digit.length_m for digit in hand.digits)
    in_a_row = float(np.linalg.svd(bases - bases.mean(0))[1][1]) < _ROW * longest
    curling = all(_curls(bodies, digit) for digit in hand.fingers)
    plain = sum(_is_plain(bodies, digit) for digit in hand.fingers) > 0.5 * len(hand.fingers)
    return in_a_row and curling and plain and holds_most_joints(bodies, hand) and hand.thumb_margin > _CLEAR_THUMB


def holds_most_joints(bodies: Bodies, hand: Hand) -> bool:
    """Whether most of a robot's joints are in this hand's digits."""
    return sum(len(digit.chain) for digit in hand.digits) > 0.5 * (len(bodies) - 1)


def _is_plain(bodies: Bodies, digit: Digit) -> bool:
    """Whether all joints turn about axes of one plane: fingers spread and flex, hips and shoulders turn every way."""
    return len(digit.chain) < 3 or float(np.linalg.svd(bodies.axis[list(digit.chain)])[1][2]) < 0.3


def _curls(bodies: Bodies, digit: Digit) -> bool:
    """Whether the last two joints are parallel hinges: fingers end so, arms and legs do not."""
    if len(digit.chain) < 2:
        return False
    before, last = digit.chain[-2:]
    return bool(abs(bodies.axis[before] @ bodies.axis[last]) > 0.9)
