"""Joint angles of gloves and exoskeletons as CSV, a column per angle; an average skeleton gives them a body.

Angles are 0 in the rest posture: arm hanging, palm to the thigh, fingers straight and side by side, thumb beside the palm.
Flexion bends a finger to the palm, the elbow and the shoulder forward; abduction spreads fingers away from the middle finger
(the middle one to the thumb's side), lifts the thumb out of the palm and the arm sideways; rotation turns the forearm's palm
backward (pronation) and the upper arm inward. Names of columns: `angle_columns.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, require
from motion.landmarks import FINGERS, SIDES
from motion.transform import Array, matrix_from_wxyz, normalized, so3_exp
from retarget.reading.angle_columns import ABD, ANGLES, FLEX, ROT, AngleColumn, angle_columns, radians
from retarget.reading.average_hand import BONES_M, FIRST_JOINT_M, HAND_LENGTH_M, HAND_OVER_STATURE, finger_chain
from retarget.reading.clock import clock_of, is_time
from retarget.reading.csv_columns import header_of, read_columns
from retarget.reading.hand_names import side_of
from retarget.sources.base import Reading, SourceOptions
from retarget.sources.finish import Recorded, reading_of

_STATURE_M = 1.70
_UPPER_ARM, _FOREARM, _SHOULDER_HEIGHT, _SHOULDER_ASIDE, _NECK_HEIGHT = 0.186, 0.146, 0.818, 0.105, 0.85
"""As parts of stature. Source: Drillis & Contini 1966; the breadth between the joints' centres is rounded."""
_HANDS_APART_M = 0.4
_BACKWARD_RAD = -0.2
_SPREADS = {"index": 1.0, "middle": 1.0, "ring": -1.0, "pinky": -1.0}
"""To which side abduction takes a finger of a right hand: 1 the thumb's."""

# The thumb at rest, in the axes of a right hand: its bones point down and out of the palm, its pad faces the other fingers.
_THUMB_ALONG = normalized(np.array([0.45, 0.25, -0.86]))
_THUMB_PAD = normalized(np.array([-0.8, 0.5, 0.0]) - (np.array([-0.8, 0.5, 0.0]) @ _THUMB_ALONG) * _THUMB_ALONG)
_THUMB_BASE = np.stack([np.cross(_THUMB_ALONG, _THUMB_PAD), _THUMB_PAD, -_THUMB_ALONG], axis=-1)

_Angles = Mapping[str, Array]


class JointAnglesSource:
    """Reads CSV files whose columns are joint angles of hands, and of arms where there are any."""

    name = "joint_angles"
    suffixes = (".csv",)

    def accepts(self, path: Path) -> bool:
        """Whether at least three columns are joint angles."""
        return len(angle_columns(header_of(path))) >= 3

    def read(self, path: Path, options: SourceOptions) -> Reading:
        """Read the angles; an empty cell is unseen, an angle without a column rests, and the report says so.

        Raises:
            FileFormatError: no angles, no rate, angles that no joint reaches, or no word on whose hand it is.
        """
        header, values = read_columns(path)
        columns = angle_columns(header)
        require(len(columns) >= 3, FileFormatError, f"{path}: its columns are no joint angles. Angles: {', '.join(sorted(ANGLES))}.")
        stamps_name = next((name for name in header if is_time(name)), "")
        stamps = values[:, header.index(stamps_name)] if stamps_name else None
        clock = clock_of(str(path), len(values), stamps, stamps_name, stated_hz=options.rate_hz)
        angles, unit = radians(str(path), columns, values[clock.keep], options.angle_unit)
        angles, turned = _bending_forward(columns, angles)
        by_side = _by_side(path, columns, angles, options)
        stature_m = options.height_m or (options.hand_length_m / HAND_OVER_STATURE if options.hand_length_m else _STATURE_M)
        hand_m = options.hand_length_m or (HAND_OVER_STATURE * options.height_m if options.height_m else HAND_LENGTH_M)
        tracks: dict[str, Array] = {}
        for side, known in by_side.items():
            tracks |= _limb(side, known, len(angles), stature_m, hand_m / HAND_LENGTH_M)
        trunk = _trunk(len(angles), stature_m) if any(f"{side}_shoulder" in tracks for side in by_side) else {}
        recorded = Recorded(
            format="joint angles",
            time_s=clock.time_s,
            tracks=trunk | tracks,
            inferred=frozenset(trunk.keys() - tracks.keys()),
            unit_m=1.0,
            up="z",
            words={
                **clock.words,
                "angles": unit + turned,
                **_words(by_side),
                "hand length": f"{hand_m:.3g} m",
                **_passed_over(header, columns),
            },
        )
        return reading_of(path, recorded, options)


def _bending_forward(columns: list[AngleColumn], angles: Array) -> tuple[Array, str]:
    """Angles (T, A) with flexion above 0, and a word where it was below: no finger's middle joint bends backward that far."""
    fingers = np.array([c.angle.startswith(FINGERS) and c.angle.endswith(FLEX) for c in columns])
    middle = [k for k, c in enumerate(columns) if c.angle.endswith((f"_pip_{FLEX}", f"_dip_{FLEX}", f"_ip_{FLEX}"))]
    bend = angles[:, middle]
    if not np.isfinite(bend).any() or np.nanmean(bend) > _BACKWARD_RAD:
        return angles, ""
    return angles * np.where(fingers, -1.0, 1.0), "; flexion of the fingers is below 0 in the file: turned"


def _by_side(path: Path, columns: list[AngleColumn], angles: Array, options: SourceOptions) -> dict[str, dict[str, Array]]:
    """Side -> angle -> (T,)."""
    unsaid = options.side or side_of(path.stem)
    require(
        unsaid is not None or all(c.side for c in columns),
        FileFormatError,
        f"{path}: does not say whose hand it is; name columns left_... or right_..., or state source.side=left or right.",
    )
    found: dict[str, dict[str, Array]] = {}
    for k, column in enumerate(columns):
        side = column.side or unsaid
        assert side is not None
        found.setdefault(side, {})[column.angle] = angles[:, k]
    return found


def _limb(side: str, angles: _Angles, frames_n: int, stature_m: float, scale: float) -> dict[str, Array]:
    """Landmark -> (T, 3) of a hand, and of its arm where the file has angles of it; computed as a right one, and mirrored."""
    rest = np.zeros(frames_n)

    def angle(name: str) -> Array:
        return angles.get(name, rest)

    points: dict[str, Array] = {}
    upper = _turn("y", -angle("shoulder_flex")) @ _turn("x", -angle("shoulder_abd")) @ _turn("z", angle("shoulder_rot"))
    fore = upper @ _turn("y", -angle("elbow_flex")) @ _turn("z", angle(f"wrist_{ROT}"))
    hand = fore @ _turn("x", angle(f"wrist_{FLEX}")) @ _turn("y", -angle(f"wrist_{ABD}"))
    if any(name.startswith(("shoulder", "elbow")) for name in angles):
        points["shoulder"] = np.tile(stature_m * np.array([0, -_SHOULDER_ASIDE, _SHOULDER_HEIGHT]), (frames_n, 1))
        points["elbow"] = points["shoulder"] - stature_m * _UPPER_ARM * upper[..., 2]
        points["wrist"] = points["elbow"] - stature_m * _FOREARM * fore[..., 2]
    else:
        points["wrist"] = np.tile([0.0, -_HANDS_APART_M / 2, 0.0], (frames_n, 1))
    if any(name.startswith(FINGERS) for name in angles):
        for finger in FINGERS:
            points |= _finger(finger, points["wrist"], hand, angle, scale)
    elif any(name.startswith("wrist") for name in angles):  # the knuckles show how the hand is turned
        points |= {f"{finger}_mcp": points["wrist"] + scale * hand @ np.array(FIRST_JOINT_M[finger]) for finger in FINGERS[1:]}
    mirror = [1, 1, 1] if side == "right" else [1, -1, 1]
    return {f"{side}_{name}": track * mirror for name, track in points.items()}


def _finger(finger: str, wrist: Array, hand: Array, angle: Callable[[str], Array], scale: float) -> dict[str, Array]:
    """Joint -> (T, 3) of one finger of a right hand at (T, 3) whose axes are the columns of (T, 3, 3)."""
    chain = finger_chain(finger)
    place = wrist + scale * hand @ np.array(FIRST_JOINT_M[finger])
    turn = hand @ (_THUMB_BASE if finger == "thumb" else np.eye(3))
    turn = turn @ _turn("y", -_SPREADS.get(finger, 1.0) * angle(f"{chain[0]}_{ABD}"))
    points = {chain[0]: place}
    for joint, following, length in zip(chain, chain[1:], BONES_M[finger], strict=False):
        turn = turn @ _turn("x", angle(f"{joint}_{FLEX}"))
        place = place - scale * length * turn[..., 2]
        points[following] = place
    return points


def _turn(axis: str, angle_rad: Array) -> Array:
    """(T, 3, 3) turns about an axis; NaN where the angle is."""
    vector = np.zeros((len(angle_rad), 3))
    vector[:, "xyz".index(axis)] = angle_rad
    seen = np.isfinite(angle_rad)
    turns = matrix_from_wxyz(so3_exp(np.where(seen[:, None], vector, 0.0)))
    return np.asarray(np.where(seen[:, None, None], turns, np.nan))


def _trunk(frames_n: int, stature_m: float) -> dict[str, Array]:
    """Shoulders and neck of a person who stands still."""
    places = {f"{side}_shoulder": (0.0, y * _SHOULDER_ASIDE, _SHOULDER_HEIGHT) for side, y in zip(SIDES, (1, -1), strict=True)}
    return {name: np.tile(stature_m * np.array(place), (frames_n, 1)) for name, place in {**places, "neck": (0, 0, _NECK_HEIGHT)}.items()}


def _words(by_side: Mapping[str, _Angles]) -> dict[str, str]:
    """What each side has, and which of its angles rest because no column gives them."""
    words = {}
    for side, angles in by_side.items():
        parts = [limb for limb in ("shoulder", "elbow", "wrist", *FINGERS) if any(name.startswith(limb) for name in angles)]
        wanted = sorted(name for name in ANGLES - angles.keys() if name.startswith(tuple(parts)) or name.startswith(FINGERS))
        words[side] = f"{len(angles)} angles of {', '.join(parts)}"
        if wanted:
            words[f"{side}, at rest"] = ", ".join(wanted)
    return words


def _passed_over(header: list[str], columns: list[AngleColumn]) -> dict[str, str]:
    used = {column.column for column in columns}
    others = [name for k, name in enumerate(header) if k not in used and not is_time(name)]
    return {"columns passed over": ", ".join(others[:12]) + (" ..." if len(others) > 12 else "")} if others else {}


SOURCE = JointAnglesSource()
