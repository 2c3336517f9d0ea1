"""From a file's own units and axes to metres and z up; and the checks that left is left and bones are bones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from motion.errors import FileFormatError, UnknownNameError, require
from motion.landmarks import RIGID_BONES, SIDES
from motion.transform import Array, matrix_from_wxyz, normalized, quaternion_product, wxyz_from_matrix
from retarget.reading.vertical import AXES, detect_up

_UNITS_M = {"metres": 1.0, "CMU's units of 1/0.45 inch": 0.0254 / 0.45, "inches": 0.0254, "centimetres": 0.01, "millimetres": 0.001}
_CHAIN = (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
_CHAIN_TOLERANCE = 1.45
_UNEVEN = 1.35
_REACH_M = 2.5
"""Nothing of a person is so far from the middle of the rest."""
_LOOKED_AT_N = 100
_FASTEST_MPS, _STRIDE_S = 12.5, 0.2
"""Nobody has run faster; steps are looked at over this time, so that shaking does not count."""
_CARRIED_BY = ("pelvis", "left_hip", "right_hip", "chest", "neck", "left_shoulder", "right_shoulder")
_TYPICAL_STATURE_M = 1.70
_TYPICAL_PALM_M, _PALM_TOLERANCE = 0.09, 1.6
_CLEARLY_BENT = 0.1
"""Knees bent less, by about 10 degrees each, do not show where ahead is; as a part of a leg's length squared."""
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


def detect_world(
    points: Mapping[str, Array],
    where: str,
    unit_m: float | None = None,
    up: str | None = None,
    format_unit_m: float | None = None,
    format_up: str | None = None,
    usual_up: str | None = None,
    hands_alone: bool = False,
) -> World:
    """Find unit and vertical axis of named positions (T, 3) in a file's own coordinates.

    What was stated counts before what the format defines, and that before what is found. A format's unit that would make
    a giant or a dwarf of the person is set right where a usual unit fits, and the words say so.

    Args:
        points: landmark -> (T, 3).
        where: file, for messages.
        unit_m, up: stated by the user.
        format_unit_m, format_up: defined by the format.
        usual_up: by the format's custom, where it defines none.
        hands_alone: the size is told by a palm; hands show no vertical, and the custom's, or z, is taken.

    Raises:
        FileFormatError: limbs or palm have no plausible length in any unit, or nothing shows the vertical.
        UnknownNameError: `up` is no axis.
    """
    _check_axis(up, where)
    detect, fits = (_unit_of_hand, _fits_a_palm) if hands_alone else (_detect_unit, _fits_a_body)
    unit = _unit(unit_m, format_unit_m, lambda: detect(points, where), lambda scale: fits(points, scale))
    if up or format_up:
        return _world(unit, up or str(format_up), "stated" if up else "by the format")
    if hands_alone:
        return _world(unit, usual_up or "z", "a hand does not show it")
    return _world(unit, *detect_up(points, where, unit[1], usual_up))


def _check_axis(up: str | None, where: str) -> None:
    if up is not None and up not in AXES:
        raise UnknownNameError("axis", up, AXES, f"{where}, source.up")


def _world(unit: tuple[str, float], axis: str, how: str) -> World:
    name, scale = unit
    return World(scale, _rotation_to_z_up(AXES[axis]), {"unit": f"{name} ({scale:g} m)", "up": f"{axis} ({how})"})


def _unit(
    stated: float | None, defined: float | None, detect: Callable[[], tuple[str, float]], fits: Callable[[float], bool | None]
) -> tuple[str, float]:
    """Name and length in m of a file's unit; `fits` is None where nothing shows the size."""
    if stated:
        return "stated", stated
    if defined is None:
        return detect()
    if fits(defined) is not False:
        return "by the format", defined
    name, scale = detect()
    return f"{name}, not {defined:g} m as the format defines: corrected by the size of the body", scale


def _unit_of_hand(points: Mapping[str, Array], where: str) -> tuple[str, float]:
    length = _palm_length(points)
    require(length is not None, FileFormatError, f"{where}: neither limbs nor a palm to tell the unit by; state it with source.unit_m=.")
    assert length is not None
    require(length > 0, FileFormatError, f"{where}: the palm has no length: all joints lie at one place.")
    name = min(_UNITS_M, key=lambda unit: abs(np.log(length * _UNITS_M[unit] / _TYPICAL_PALM_M)))
    ratio = length * _UNITS_M[name] / _TYPICAL_PALM_M
    require(
        bool(1 / _PALM_TOLERANCE < ratio < _PALM_TOLERANCE),
        FileFormatError,
        f"{where}: wrist to middle knuckle measures {length:.3g} units; no usual unit makes that a hand's {_TYPICAL_PALM_M} m. "
        "State it with source.unit_m=.",
    )
    return name, _UNITS_M[name]


def _palm_length(points: Mapping[str, Array]) -> float | None:
    lengths = [_median_length(points, f"{s}_wrist", f"{s}_middle_mcp") for s in SIDES if {f"{s}_wrist", f"{s}_middle_mcp"} <= points.keys()]
    return float(np.mean(lengths)) if lengths else None


def _fits_a_palm(points: Mapping[str, Array], unit_m: float) -> bool | None:
    length = _palm_length(points)
    return None if length is None else bool(1 / _PALM_TOLERANCE < length * unit_m / _TYPICAL_PALM_M < _PALM_TOLERANCE)


def _median_length(points: Mapping[str, Array], a: str, b: str) -> float:
    length = np.linalg.norm(points[a] - points[b], axis=-1)
    return float(np.nanmedian(length)) if np.isfinite(length).any() else np.nan


def size_of_body(points: Mapping[str, Array]) -> float:
    """How long arms and legs in metres are, as a part of a typical person's; 1 where none is seen."""
    limbs = _limb_length(points)
    return 1.0 if limbs is None else limbs[0] / limbs[1]


def _limb_length(points: Mapping[str, Array]) -> tuple[float, float] | None:
    """Length of the limb bones that were seen, and what a typical person's would be (m)."""
    pairs = [(f"{side}_{a}", f"{side}_{b}") for side in SIDES for a, b in _CHAIN]
    measured = {pair: _median_length(points, *pair) for pair in pairs if pair[0] in points and pair[1] in points}
    seen = {pair: length for pair, length in measured.items() if np.isfinite(length)}
    expected = _TYPICAL_STATURE_M * sum(_PROPORTION[a.partition("_")[2]] for a, _ in seen)
    return (sum(seen.values()), expected) if seen else None


def _fits_a_body(points: Mapping[str, Array], unit_m: float) -> bool | None:
    limbs = _limb_length(points)
    return None if limbs is None else bool(1 / _CHAIN_TOLERANCE < limbs[0] * unit_m / limbs[1] < _CHAIN_TOLERANCE)


def _detect_unit(points: Mapping[str, Array], where: str) -> tuple[str, float]:
    limbs = _limb_length(points)
    require(limbs is not None, FileFormatError, f"{where}: no limb to tell the unit by; state it with source.unit_m=.")
    assert limbs is not None
    length, expected = limbs
    require(length > 0, FileFormatError, f"{where}: arms and legs have no length: all joints lie at one place.")
    name = min(_UNITS_M, key=lambda unit: abs(np.log(length * _UNITS_M[unit] / expected)))
    if not _fits_a_body(points, _UNITS_M[name]):
        raise FileFormatError(
            f"{where}: arms and legs measure {length:.3g} units; no usual unit makes that a person's {expected:.2f} m. "
            "State it with source.unit_m=."
        )
    return name, _UNITS_M[name]


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
    """Whether left is left: knees bend to the back and toes point to the front of the shank, whatever the body does.

    Raises:
        FileFormatError: the recording is mirrored, or left and right are exchanged.
    """
    needed = {f"{side}_{name}" for side in SIDES for name in ("hip", "knee", "ankle")}
    if not needed <= points.keys():
        return "not checked (no legs)"
    axes = sum(np.nan_to_num(_axis_of_leg(points, side)) for side in SIDES)
    handed = (axes * (points["left_hip"] - points["right_hip"])).sum(-1)
    told = np.isfinite(handed) & (handed != 0)
    if not {"left_toe", "right_toe"} & points.keys():
        leg = np.nanmedian(np.linalg.norm(points["left_hip"] - points["left_ankle"], axis=-1))
        told &= np.linalg.norm(axes, axis=-1) > _CLEARLY_BENT * leg**2
    if not told.any():
        return "not checked (no toes, and straight knees)"
    agree = float(np.mean(handed[told] > 0))
    if agree < 0.5:
        raise FileFormatError(f"{where}: left and right are exchanged (or the axes are left-handed) in {1 - agree:.0%} of the frames.")
    return f"left is left in {agree:.0%} of the frames"


def _axis_of_leg(points: Mapping[str, Array], side: str) -> Array:
    """(T, 3) to the left, as long as it is sure: about it the knee bends, and the foot stands to the front of the shank.

    A kneeling person's toes point backwards, but never behind the shank.
    """
    hip, knee, ankle = (points[f"{side}_{name}"] for name in ("hip", "knee", "ankle"))
    bent = np.cross(hip - knee, knee - ankle)
    toe = points.get(f"{side}_toe")
    return bent if toe is None else bent + np.nan_to_num(np.cross(knee - ankle, toe - ankle))


def check_rigid(points: Mapping[str, Array], where: str, change: float = 0.2) -> None:
    """Raise `FileFormatError` where upper arm, forearm, thigh or shank change length by more than `change` of it: wrong joint order."""
    for a, b in RIGID_BONES:
        if a not in points or b not in points:
            continue
        length = np.linalg.norm(points[a] - points[b], axis=-1)
        spread = np.nanpercentile(length, 90) - np.nanpercentile(length, 10)
        if spread > change * np.nanmedian(length):
            raise FileFormatError(
                f"{where}: the bone {a} - {b} changes its length by {spread / np.nanmedian(length):.0%}: "
                "the joint order is wrong. State it with source.joint_names=."
            )


def check_together(points: Mapping[str, Array], where: str) -> None:
    """Raise `FileFormatError` where a joint mostly lies metres away from the others: another unit, or no joint of this body."""
    frames_n = len(next(iter(points.values())))
    rows = np.unique(np.linspace(0, frames_n - 1, min(frames_n, _LOOKED_AT_N)).astype(int))
    looked = np.ma.masked_invalid(np.stack([track[rows] for track in points.values()]))
    middle = np.ma.median(looked, axis=0).filled(np.nan)
    for name, track in points.items():
        away = np.linalg.norm(track[rows] - middle, axis=-1)
        far = float(np.nanmedian(away)) if np.isfinite(away).any() else 0.0
        alone = f"{where}: {name} lies {far:.3g} m away from the other joints: it is in another unit, or no joint of this body."
        require(far < _REACH_M, FileFormatError, alone)


def check_pace(time_s: Array, points: Mapping[str, Array], where: str) -> None:
    """Raise `FileFormatError` where the body mostly moves faster than anybody runs: its path is in another unit, or the rate wrong."""
    name = next((name for name in _CARRIED_BY if name in points), None)
    step = int(np.searchsorted(time_s, _STRIDE_S)) if len(time_s) else 0
    if name is None or not 0 < step < len(time_s):
        return
    way = np.linalg.norm(points[name][step:] - points[name][:-step], axis=-1) / (time_s[step:] - time_s[:-step])
    seen = way[np.isfinite(way)]
    pace = float(np.percentile(seen, 75)) if len(seen) else 0.0
    said = f"{where}: the body moves at {pace:.3g} m/s: its path is in another unit than its limbs, or the frame rate is wrong"
    require(pace < _FASTEST_MPS, FileFormatError, f"{said}. State source.rate_hz= or set the file right.")


def check_symmetric(points: Mapping[str, Array], where: str) -> None:
    """Raise `FileFormatError` where a limb's bone is much longer on one side than on the other: wrong joint order."""
    for a, b in _CHAIN:
        if all(f"{side}_{name}" in points for side in SIDES for name in (a, b)):
            left, right = (_median_length(points, f"{side}_{a}", f"{side}_{b}") for side in SIDES)
            if abs(np.log(left / right)) > np.log(_UNEVEN):
                raise FileFormatError(
                    f"{where}: from {a} to {b} it is {max(left, right) / min(left, right):.1f} times as far on one side as on the other: "
                    "the joint order is wrong. State it with source.joint_names=."
                )
