"""The `hands:` block of robot.yaml, and `counter_m:`: what a robot's maker or user knows of its hands and where they work."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from motion.errors import RobotError, UnknownNameError, require
from motion.handling import GRASPS
from motion.landmarks import SIDES
from motion.transform import Array
from robots.robot import HandFacts

_KEYS = {
    "palm": "link of the palm",
    "tool_m": "[x, y, z] in that link: the axis of a cylinder of 6 cm in the hand",
    "fingers_along": "[x, y, z] in that link: where the fingers point",
    "thumb_side": "[x, y, z] in that link: from the little finger's side of the palm to the thumb's",
    "joints": "the hand's motorised joints, in the order of the postures",
    "postures": "grasp -> {open, closed}, lists of rad",
}
_OUTSIDE_RAD = 1e-3
_RIGHT_ANGLE = 0.1
"""Cosine up to which two axes count as at a right angle: they are made exactly so."""


def hand_facts(
    path: Path, entries: Mapping[str, Any], links: Collection[str], joint_names: Sequence[str], limits: Array
) -> dict[str, HandFacts]:
    """Side -> facts.

    Args:
        path: of robot.yaml, for messages.
        entries: the block.
        links: of the URDF.
        joint_names: J motorised joints.
        limits: (J, 2) rad.

    Raises:
        UnknownNameError: a side, key, link, joint or grasp that does not exist.
        RobotError: a list of the wrong length, axes not at right angles, or a posture outside the limits.
    """
    facts = {}
    for side, entry in entries.items():
        where = f"{path}, hands.{side}"
        _known("side", side, SIDES, f"{path}, hands")
        for key in entry:
            _known("key", key, _KEYS, where)
        if "palm" in entry:
            _known("link", entry["palm"], links, f"{where}.palm")
        joints = tuple(str(name) for name in entry.get("joints", ()))
        for name in joints:
            _known("joint", name, joint_names, f"{where}.joints")
        placed = {key: _vector(entry[key], f"{where}.{key}") for key in ("tool_m", "fingers_along", "thumb_side") if key in entry}
        require(not placed or "palm" in entry, RobotError, f"{where}: {', '.join(placed)} is in the frame of `palm:`, which is missing.")
        _check_axes(placed, where)
        own = limits[[list(joint_names).index(name) for name in joints]] if joints else np.zeros((0, 2))
        postures = tuple(_posture(grasp, pair, joints, own, where) for grasp, pair in entry.get("postures", {}).items())
        facts[str(side)] = HandFacts(palm=entry.get("palm"), joints=joints, postures=postures, **placed)
    return facts


def counter_m(path: Path, value: Any) -> tuple[float, float] | None:
    """How far ahead of the base a counter's edge stands, and how high its top is.

    Raises:
        RobotError: not two lengths.
    """
    if value is None:
        return None
    good = isinstance(value, list) and len(value) == 2 and all(isinstance(v, int | float) and 0 < v < 3 for v in value)
    require(good, RobotError, f"{path}, counter_m: wants [ahead, high] in m, above 0; got {value!r}.")
    return float(value[0]), float(value[1])


def _known(kind: str, name: str, names: Collection[str], where: str) -> None:
    if name not in names:
        raise UnknownNameError(kind, name, names, where)


def _vector(value: Any, where: str) -> tuple[float, float, float]:
    numbers = [float(number) for number in value]
    require(len(numbers) == 3 and bool(np.isfinite(numbers).all()), RobotError, f"{where}: wants [x, y, z]; got {value!r}.")
    return numbers[0], numbers[1], numbers[2]


def _check_axes(placed: Mapping[str, tuple[float, float, float]], where: str) -> None:
    axes = [np.array(placed[key]) for key in ("fingers_along", "thumb_side") if key in placed]
    require(all(np.linalg.norm(axis) > 0 for axis in axes), RobotError, f"{where}: an axis has no length.")
    if len(axes) == 2:
        cosine = abs(float(axes[0] @ axes[1])) / float(np.linalg.norm(axes[0]) * np.linalg.norm(axes[1]))
        message = f"{where}: fingers_along and thumb_side have to be at right angles; the cosine between them is {cosine:.2f}."
        require(cosine < _RIGHT_ANGLE, RobotError, message)


def _posture(
    grasp: str, pair: Mapping[str, Any], joints: tuple[str, ...], limits: Array, where: str
) -> tuple[str, tuple[float, ...], tuple[float, ...]]:
    _known("grasp", grasp, GRASPS, f"{where}.postures")
    at = f"{where}.postures.{grasp}"
    require(bool(joints), RobotError, f"{at}: `joints:` is missing; it says which joints the numbers are of.")
    require(set(pair) == {"open", "closed"}, RobotError, f"{at}: wants open and closed; got {', '.join(map(str, pair)) or 'nothing'}.")
    ends = []
    for end in ("open", "closed"):
        values = tuple(float(value) for value in pair[end])
        require(len(values) == len(joints), RobotError, f"{at}.{end}: {len(values)} numbers for {len(joints)} joints.")
        for name, value, (lower, upper) in zip(joints, values, limits, strict=True):
            inside = lower - _OUTSIDE_RAD <= value <= upper + _OUTSIDE_RAD
            require(inside, RobotError, f"{at}.{end}: {name} = {value:g} lies outside its limits {lower:g} .. {upper:g} rad.")
        ends.append(values)
    return str(grasp), ends[0], ends[1]
