"""Which order the joints of a file without names have: told by the lengths of bones, and the sides by the way hands bend."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from motion.errors import FileFormatError, UnderstudyError, require
from motion.landmarks import FINGERS, SIDES
from motion.transform import Array
from retarget.reading.average_hand import bone_lengths, finger_chain
from retarget.reading.names import landmark_columns
from retarget.reading.normalise import check_rigid, check_sides, check_symmetric
from retarget.reading.orders import HAND_ORDERS, MEASURED, ORDER_TRAITS, ORDERS

ESTIMATED_BONE_CHANGE = 0.6
_FRAMES_N = 200
"""As many frames, spread over the recording, are enough to know an order."""
_HAND_COST = 0.5
"""A hand's bones differ from the average hand's by less than this (root mean square of the logarithm of lengths and of their change)."""
_NO_HAND_COST = 0.75
"""Of a hand that an estimator hardly saw; above it the order is wrong."""
_CLEARLY_BETTER = 1.3
_USUAL = "mediapipe_21"
"""The order that most files have, and poor estimates of hardly seen hands, too."""
_BONES_N = 8
"""Fewer bones do not tell a hand."""
_EXCHANGED, _NOISE, _ODD_HAND_COST = 0.85, 0.01, 0.35
_SHARES = {("hip", "knee"): 0.245, ("knee", "ankle"): 0.246, ("shoulder", "elbow"): 0.186, ("elbow", "wrist"): 0.146}
_TRUNK, _BREADTHS = 0.30, {"shoulder": 0.21, "hip": 0.13}
"""Lengths as parts of stature, between joint centres. Source: Drillis & Contini 1966; the last three from public recordings."""
_UNLIKELY, _UNLIKELY_TRUNK = 1.8, 2.6
"""By such a factor no limb's bone differs from the others; the trunk's breadths depend on where a format puts its joints."""


@dataclass(frozen=True)
class _Spread:
    """How far joints (J, J) are apart: the middle over the frames, and by which part of it that changes."""

    middle: Array
    change: Array


def _spread(raw: Array) -> _Spread:
    """Of (T, J, 3); NaN between joints that are never seen together."""
    apart = np.linalg.norm(raw[:, :, None] - raw[:, None], axis=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # joints that are never seen
        low, middle, high = np.nanpercentile(apart, (10, 50, 90), axis=0)
    return _Spread(np.maximum(middle, 1e-12), (high - low) / np.maximum(middle, 1e-12))


def _cost(joints: tuple[str, ...], spread: _Spread) -> float:
    """How badly joints fit a hand under an order of them: 0 for an average hand whose bones keep their length.

    Each bone counts the logarithm of its length over the average hand's, beside that of the whole hand, and how much it changes.
    """
    return float(np.hypot(*_terms(joints, spread)))


def _terms(joints: tuple[str, ...], spread: _Spread) -> tuple[float, float]:
    """How far the lengths of bones are off, and how much they change; infinite where there are too few bones to tell."""
    column = {joint: k for k, joint in enumerate(joints)}
    bones = [(column[a], column[b], mean) for (a, b), mean in bone_lengths().items() if a in column and b in column]
    bones = [bone for bone in bones if np.isfinite(spread.middle[bone[0], bone[1]])]
    if len(bones) < _BONES_N:
        return np.inf, np.inf
    first, second, mean = (np.array(values) for values in zip(*bones, strict=True))
    off = np.log(spread.middle[first, second] / mean)
    change = np.minimum(spread.change[first, second], 2.0)
    return float(np.sqrt(np.mean((off - np.median(off)) ** 2))), float(np.sqrt(np.mean(change**2)))


def hand_order(raw: Array) -> str | None:
    """The order of one hand's joints (T, J, 3); None where none fits, or two do alike."""
    orders = {name: order for name, order in HAND_ORDERS.items() if len(order) == raw.shape[1]}
    if not orders:
        return None
    spread = _spread(_some_frames(raw))
    costs = {name: _cost(order, spread) for name, order in orders.items()}
    ranked = sorted(costs, key=costs.__getitem__)
    if not ranked or costs[ranked[0]] > _NO_HAND_COST:
        return None
    best = ranked[0]
    clear = len(ranked) == 1 or costs[ranked[1]] > _CLEARLY_BETTER * costs[best]
    sure = costs[best] < _HAND_COST or (best == _USUAL and _exchanged(HAND_ORDERS[best], spread) is None)
    return best if clear and sure else None


def _exchanged(joints: tuple[str, ...], spread: _Spread) -> tuple[str, str] | None:
    """The two joints that would make the best hand if they were exchanged, where that were much better than the order given."""

    def exchanged(pair: tuple[str, str]) -> tuple[str, ...]:
        a, b = pair
        return tuple(b if joint == a else a if joint == b else joint for joint in joints)

    costs = {pair: _cost(exchanged(pair), spread) for pair in combinations(joints, 2)}
    best = min(costs, key=costs.__getitem__)
    cost = _cost(joints, spread)
    steadier = _terms(exchanged(best), spread)[1] < _EXCHANGED * _terms(joints, spread)[1] - _NOISE
    # Lengths alone may be those of an odd hand, or of a drawn one; bones that keep their length are another matter.
    much_better = costs[best] < _EXCHANGED * cost - _NOISE and (steadier or cost > _ODD_HAND_COST)
    return best if much_better else None


def check_hand_order(where: str, joints: tuple[str, ...], raw: Array) -> None:
    """Raise `FileFormatError` where the joints (T, J, 3) of a hand are in another order than `joints`.

    They are where the bones have no hand's lengths, or where exchanging two joints would make a much better hand.
    """
    spread = _spread(_some_frames(raw))
    cost = _cost(joints, spread)
    if not np.isfinite(cost):
        return  # too few joints to tell
    require(
        cost < _NO_HAND_COST,
        FileFormatError,
        f"{where}: the bones of the hand have lengths that no hand has: the joint order is wrong. State it with source.joint_names=.",
    )
    pair = _exchanged(joints, spread)
    require(
        pair is None,
        FileFormatError,
        f"{where}: {' and '.join(pair or ())} of the hand seem to be exchanged: the joint order is wrong. "
        "State it with source.joint_names=.",
    )


def body_orders(where: str, raw: Array) -> dict[str, str]:
    """The orders of as many joints as (T, J, 3) has, and what speaks against each; nothing does where it fits.

    Under one that fits bones keep their length, left is left and limbs are a person's.
    """
    some = _some_frames(raw)
    return {name: _against(where, name, order, some) for name, order in ORDERS.items() if len(order) == raw.shape[1]}


def _against(where: str, name: str, order: tuple[str, ...], raw: Array) -> str:
    estimated = ORDER_TRAITS.get(name, MEASURED).estimated
    try:
        _, columns = landmark_columns(order, where)
        points = {landmark: raw[:, column] for landmark, column in columns.items() if np.isfinite(raw[:, column]).any()}
        check_rigid(points, where, ESTIMATED_BONE_CHANGE if estimated else 0.2)
        check_sides(points, where)
        check_symmetric(points, where)
        check_proportions(points, where)
    except UnderstudyError as error:
        return str(error).removeprefix(f"{where}: ")
    return ""


def check_proportions(points: Mapping[str, Array], where: str) -> None:
    """Raise `FileFormatError` where a limb's bone or the trunk has a share of the body that no person's has: wrong joint order."""

    def middle(name: str) -> Array | None:
        left, right = points.get(f"left_{name}"), points.get(f"right_{name}")
        return None if left is None or right is None else (left + right) / 2

    bones = [(f"{side}_{a}", f"{side}_{b}", share) for side in SIDES for (a, b), share in _SHARES.items()]
    ends = [(points.get(a), points.get(b), share, _UNLIKELY) for a, b, share in bones]
    ends += [(points.get(f"left_{name}"), points.get(f"right_{name}"), share, _UNLIKELY_TRUNK) for name, share in _BREADTHS.items()]
    ends.append((middle("shoulder"), middle("hip"), _TRUNK, _UNLIKELY_TRUNK))
    seen = [(a - b, share, most) for a, b, share, most in ends if a is not None and b is not None and np.isfinite(a - b).any()]
    if not seen:
        return
    off = np.log([max(float(np.nanmedian(np.linalg.norm(way, axis=-1))), 1e-12) / share for way, share, _ in seen])
    require(
        bool((np.abs(off - np.median(off)) < np.log([most for *_, most in seen])).all()),
        FileFormatError,
        f"{where}: limbs and trunk are in no human proportion: the joint order is wrong. State it with source.joint_names=.",
    )


def _some_frames(raw: Array) -> Array:
    """Up to `_FRAMES_N` frames in which something is seen, spread over the recording."""
    seen = np.flatnonzero(np.isfinite(raw).any((1, 2)))
    return raw[seen[:: max(1, len(seen) // _FRAMES_N)]] if len(seen) else raw[:1]


def hand_points(side: str, joints: tuple[str, ...], raw: Array) -> dict[str, Array]:
    """Landmark -> (T, 3) of one hand's joints (T, J, 3); joints without a landmark are left out."""
    known = {"wrist", "elbow", *(joint for finger in FINGERS for joint in finger_chain(finger))}
    return {f"{side}_{joint}": raw[:, k] for k, joint in enumerate(joints) if joint in known}
