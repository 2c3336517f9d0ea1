"""Names of columns of joint angles, as gloves and exoskeletons write them: whose joint, which way, in which unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion.errors import FileFormatError, require
from motion.landmarks import FINGERS
from motion.transform import Array
from retarget.reading.average_hand import finger_chain
from retarget.reading.hand_names import FINGER_WORDS, side_of, words_of

FLEX, ABD, ROT = "flex", "abd", "rot"
_WAYS = {
    **dict.fromkeys(("flex", "flexion", "fe", "bend", "stretch", "pitch", "curl", "angle"), (FLEX, 1.0)),
    **dict.fromkeys(("ext", "extension"), (FLEX, -1.0)),
    **dict.fromkeys(("abd", "abduction", "aa", "abad", "spread", "splay", "yaw", "deviation", "dev", "radial"), (ABD, 1.0)),
    **dict.fromkeys(("add", "adduction", "ulnar"), (ABD, -1.0)),
    **dict.fromkeys(("rot", "rotation", "internal", "pronation", "pron", "pronosupination"), (ROT, 1.0)),
    **dict.fromkeys(("external", "supination", "sup"), (ROT, -1.0)),
}
_DOUBTFUL = frozenset({"pitch", "yaw", "angle", "bend", "curl"})
"""Words that robots' joints bear, too: a person's arm is told by the others."""
_OF_FINGERS = {"cmc": "cmc", "tm": "cmc", "mcp": "mcp", "mp": "mcp", "pip": "pip", "dip": "dip", "ip": "ip"}
_ARM = ("shoulder", "elbow", "forearm", "wrist")
_UNITS = dict.fromkeys(("deg", "degree", "degrees"), "degrees") | dict.fromkeys(("rad", "radian", "radians"), "radians")
_OTHER = frozenset("x y z w vel velocity speed acc torque force moment current emg tip confidence".split())
_LARGEST_RAD = 3.6
"""No joint of an arm or a hand turns further."""

ANGLES: frozenset[str] = frozenset(
    {f"{joint}_{FLEX}" for finger in FINGERS for joint in finger_chain(finger)[:3]}
    | {f"{finger_chain(finger)[0]}_{ABD}" for finger in FINGERS}
    | {"shoulder_flex", "shoulder_abd", "shoulder_rot", "elbow_flex", "wrist_rot", "wrist_flex", "wrist_abd"}
)
"""All angles: a joint and a way. wrist_rot is the forearm's pronation, wrist_abd the deviation to the thumb's side."""


@dataclass(frozen=True)
class AngleColumn:
    """One column: whose ("left", "right", None where the name does not say), which angle of `ANGLES`, its sign and unit."""

    column: int
    side: str | None
    angle: str
    sign: float
    unit: str | None


def angle_columns(header: Sequence[str]) -> list[AngleColumn]:
    """The columns that are joint angles; of two for one angle the first."""
    found: dict[tuple[str | None, str], AngleColumn] = {}
    parted = [words_of(name) for name in header]
    # Some gloves call the thumb's joints mcp, pip and dip.
    long_thumb = any("thumb" in words and {"pip", "dip"} & set(words) for words in parted)
    for column, (name, words) in enumerate(zip(header, parted, strict=True)):
        known = _angle(words, long_thumb)
        if known is not None:
            angle, sign = known
            unit = next((_UNITS[word] for word in words if word in _UNITS), None)
            found.setdefault((side_of(name), angle), AngleColumn(column, side_of(name), angle, sign, unit))
    return list(found.values())


def _angle(words: list[str], long_thumb: bool) -> tuple[str, float] | None:
    """Angle and sign of a column whose name has these words."""
    if _OTHER & set(words):
        return None
    ways = [_WAYS[word] for word in words if word in _WAYS]
    way, sign = ways[0] if ways else (FLEX, 1.0)
    sign = 1.0 if len({s for _, s in ways}) > 1 else sign  # flexion_extension is one angle
    finger = next((FINGER_WORDS[word] for word in words if word in FINGER_WORDS), None)
    if finger is not None:
        joint = next((_OF_FINGERS[word] for word in words if word in _OF_FINGERS), None)
        if finger == "thumb" and long_thumb:
            joint = {"mcp": "cmc", "pip": "mcp", "dip": "ip"}.get(joint or "mcp", joint)
        if joint is None and way == ABD:
            joint = finger_chain(finger)[0].partition("_")[2]
        angle = f"{finger}_{joint}_{way}"
    else:
        limb = next((word for word in words if word in _ARM), None)
        if limb is None or not any(word in _WAYS and word not in _DOUBTFUL for word in words) or "joint" in words:
            return None
        angle = f"{'wrist' if limb == 'forearm' else limb}_{way}"
    return (angle, sign) if angle in ANGLES else None


def radians(where: str, columns: Sequence[AngleColumn], values: Array, stated: str | None) -> tuple[Array, str]:
    """Angles (T, A) in rad of the columns' values, and how their unit was known.

    Raises:
        FileFormatError: angles that no joint reaches.
    """
    raw = np.stack([values[:, c.column] for c in columns], axis=1)
    seen = raw[np.isfinite(raw)]
    require(len(seen) > 0, FileFormatError, f"{where}: no angle is seen in any frame.")
    found = "degrees" if np.abs(seen).max() > _LARGEST_RAD else "radians"
    named = [c.unit for c in columns]
    units = [stated or unit or found for unit in named]
    scale = np.where([unit == "degrees" for unit in units], np.pi / 180, 1.0)
    angles = raw * scale * np.array([c.sign for c in columns])
    largest = np.nanmax(np.abs(angles), axis=0, initial=0.0)
    worst = int(largest.argmax())
    require(
        bool(largest[worst] <= _LARGEST_RAD),
        FileFormatError,
        f"{where}: {columns[worst].angle} reaches {np.degrees(largest[worst]):.0f} degrees (read as {units[worst]}); no joint does. "
        "State source.angle_unit=degrees or radians.",
    )
    how = "stated" if stated else "named in the header" if all(named) else f"found by their range, {seen.min():.3g} to {seen.max():.3g}"
    return angles, f"{' and '.join(sorted(set(units)))} ({how})"
