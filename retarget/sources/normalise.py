"""From a file's own units and axes to metres and z up; and the checks that left is left and bones are bones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from motion.errors import FileFormatError, UnknownNameError, require
from motion.landmarks import RIGID_BONES
from motion.transform import Array, matrix_from_wxyz, normalized, quaternion_product, wxyz_from_matrix

_UNITS_M = {"metres": 1.0, "inches": 0.0254, "centimetres": 0.01, "millimetres": 0.001}
_CHAIN = (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
_AXES = {"x": (1.0, 0, 0), "y": (0.0, 1, 0), "z": (0.0, 0, 1), "-x": (-1.0, 0, 0), "-y": (0.0, -1, 0), "-z": (0.0, 0, -1)}
_CHAIN_TOLERANCE = 1.45
_TYPICAL_STATURE_M = 1.70
_TYPICAL_PALM_M, _PALM_TOLERANCE = 0.09, 1.6
_PROPORTION = {"hip": 0.245, "knee": 0.246, "shoulder": 0.186, "elbow": 0.146}
"""Length of the bone that begins at each joint, as a part of stature. Source: Drillis & Contini 1966."""


@dataclass(frozen=True)
class World:
    """How a file's coordinates become ours: `ours = unit_m * rotation @ theirs`."""

    unit_m: float
    rotation: Array
    words: Mapping[str, str]

    def positions(self, theirs: Array) -> Array:
        """Positions (..., 3) in metres, z up."""
        return self.unit_m * theirs @ self.rotation.T

    def orientations(self, wxyz: Array) -> Array:
        """World orientations (..., 4) in our axes."""
        return quaternion_product(wxyz_from_matrix(self.rotation), wxyz)


def detect_world(points: Mapping[str, Array], where: str, unit_m: float | None = None, up: str | None = None) -> World:
    """Find unit and vertical axis of named positions (T, 3) in a file's own coordinates.

    Raises:
        FileFormatError: the limbs have no plausible length in any unit.
        UnknownNameError: `up` is no axis.
    """
    unit_name, scale = ("stated", unit_m) if unit_m else _detect_unit(points, where)
    if up is not None and up not in _AXES:
        raise UnknownNameError("axis", up, _AXES, f"{where}, source.up")
    axis = up or _detect_up(points, where)
    words = {"unit": f"{unit_name} ({scale:g} m)", "up": f"{axis} ({'stated' if up else 'detected'})"}
    return World(scale, _rotation_to_z_up(np.array(_AXES[axis])), words)


def world_of_hand(points: Mapping[str, Array], where: str, unit_m: float | None = None, up: str | None = None) -> World:
    """Unit of one hand's named positions (T, 3), by the size of its palm. A hand shows no vertical: the file's z is taken.

    Raises:
        FileFormatError: the palm has no plausible size in any unit.
        UnknownNameError: `up` is no axis.
    """
    if up is not None and up not in _AXES:
        raise UnknownNameError("axis", up, _AXES, f"{where}, source.up")
    name, scale = ("stated", unit_m) if unit_m else _unit_of_hand(points, where)
    words = {"unit": f"{name} ({scale:g} m)", "up": f"{up} (stated)" if up else "z (a hand does not show it)"}
    return World(scale, _rotation_to_z_up(np.array(_AXES[up or "z"])), words)


def _unit_of_hand(points: Mapping[str, Array], where: str) -> tuple[str, float]:
    side = next(iter(points)).partition("_")[0]
    length = _median_length(points, f"{side}_wrist", f"{side}_middle_mcp")
    name = min(_UNITS_M, key=lambda unit: abs(np.log(length * _UNITS_M[unit] / _TYPICAL_PALM_M)))
    ratio = length * _UNITS_M[name] / _TYPICAL_PALM_M
    require(
        bool(1 / _PALM_TOLERANCE < ratio < _PALM_TOLERANCE),
        FileFormatError,
        f"{where}: wrist to middle knuckle measures {length:.3g} units; no usual unit makes that a hand's {_TYPICAL_PALM_M} m. "
        "State it with source.unit_m=.",
    )
    return name, _UNITS_M[name]


def _median_length(points: Mapping[str, Array], a: str, b: str) -> float:
    return float(np.nanmedian(np.linalg.norm(points[a] - points[b], axis=-1)))


def _detect_unit(points: Mapping[str, Array], where: str) -> tuple[str, float]:
    pairs = [(f"left_{a}", f"left_{b}") for a, b in _CHAIN]
    known = [(a, b) for a, b in pairs if a in points and b in points]
    expected = _TYPICAL_STATURE_M * sum(_PROPORTION[a.removeprefix("left_")] for a, _ in known)
    require(bool(known), FileFormatError, f"{where}: no limb to tell the unit by; state it with source.unit_m=.")
    length = sum(_median_length(points, a, b) for a, b in known)
    name = min(_UNITS_M, key=lambda unit: abs(np.log(length * _UNITS_M[unit] / expected)))
    ratio = length * _UNITS_M[name] / expected
    if not 1 / _CHAIN_TOLERANCE < ratio < _CHAIN_TOLERANCE:
        raise FileFormatError(
            f"{where}: arm and leg measure {length:.3g} units; no usual unit makes that a person's {expected:.2f} m. "
            "State it with source.unit_m=."
        )
    return name, _UNITS_M[name]


def _detect_up(points: Mapping[str, Array], where: str) -> str:
    """The axis along which shoulders stand over hips and hips over ankles, over most of the recording."""
    pairs = [
        (f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for a, b in (("shoulder", "hip"), ("hip", "ankle"), ("ankle", "toe"))
    ]
    vectors = [normalized(points[a] - points[b]) for a, b in pairs if a in points and b in points]
    require(bool(vectors), FileFormatError, f"{where}: no hips to tell the vertical by; state it with source.up=.")
    mean = np.nanmean(np.concatenate(vectors), axis=0)
    axis = int(np.abs(mean).argmax())
    return ("-" if mean[axis] < 0 else "") + "xyz"[axis]


def _rotation_to_z_up(up: Array) -> Array:
    """The rotation that turns `up` into z by the least angle."""
    z = np.array([0.0, 0, 1])
    if np.allclose(up, z):
        return np.eye(3)
    if np.allclose(up, -z):
        return np.diag([1.0, -1, -1])
    half = normalized(up + z)
    return matrix_from_wxyz(np.r_[half @ z, np.cross(up, half)])


def check_sides(points: Mapping[str, Array], where: str) -> str:
    """Whether left is left: with z up and the toes forward, the left hip lies to the left.

    Raises:
        FileFormatError: the recording is mirrored, or left and right are exchanged.
    """
    needed = ("left_hip", "right_hip", "left_ankle", "right_ankle", "left_toe", "right_toe", "left_shoulder", "right_shoulder")
    if any(name not in points for name in needed):
        return "not checked (no legs)"
    forward = normalized(points["left_toe"] - points["left_ankle"]) + normalized(points["right_toe"] - points["right_ankle"])
    up = points["left_shoulder"] + points["right_shoulder"] - points["left_hip"] - points["right_hip"]
    left = points["left_hip"] - points["right_hip"]
    handed = np.einsum("ti,ti->t", np.cross(up, forward), left)
    agree = float(np.mean(handed[np.isfinite(handed)] > 0))
    if agree < 0.5:
        raise FileFormatError(f"{where}: left and right are exchanged (or the axes are left-handed) in {1 - agree:.0%} of the frames.")
    return f"left is left in {agree:.0%} of the frames"


def check_rigid(points: Mapping[str, Array], where: str) -> None:
    """Raise `FileFormatError` where upper arm, forearm, thigh or shank change length: the joint order is wrong."""
    for a, b in RIGID_BONES:
        if a not in points or b not in points:
            continue
        length = np.linalg.norm(points[a] - points[b], axis=-1)
        spread = np.nanpercentile(length, 90) - np.nanpercentile(length, 10)
        if spread > 0.2 * np.nanmedian(length):
            raise FileFormatError(
                f"{where}: the bone {a} - {b} changes its length by {spread / np.nanmedian(length):.0%}: "
                "the joint order is wrong. State it with source.joint_names=."
            )
