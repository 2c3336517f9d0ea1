"""Which axis of a file points up: by the body, the floor and what is usual in the format; asked for where they disagree.

A trunk and its legs point up in whoever stands, sits or bends, but not in whoever lies, crawls or stands on the hands. The floor is
level and near zero in most files, along the true vertical only; and a format, or the rest pose of a skeleton, has a usual vertical.
No known system has x up.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from motion.errors import FileFormatError, require
from motion.landmarks import SIDES
from motion.transform import Array, normalized

AXES: dict[str, Array] = {
    sign + name: np.array(direction) * (-1.0 if sign else 1.0)
    for name, direction in (("x", (1.0, 0, 0)), ("y", (0.0, 1, 0)), ("z", (0.0, 0, 1)))
    for sign in ("", "-")
}
_STANDS_ON = (("shoulder", "hip"), ("hip", "ankle"))
_HALF = 0.5
"""Of who kneels, squats or sits on the floor, trunk and legs point along two axes; the floor decides between them."""
_AT_THE_HIPS_M = 0.08
_FLOOR_M, _ABOUT_THE_FLOOR_M = (-0.04, 0.25), (-0.35, 0.4)
"""Where the lowest joint of a body on a floor at zero lies; of one that stands, floors may be farther off."""
_LEVEL_M = 0.15
_DOUBTFUL_M = 0.3
_STANDS_ON = (("shoulder", "hip"), ("hip", "ankle"))
_HALF = 0.5
"""Of who kneels, squats or sits on the floor, trunk and legs point along two axes; the floor decides between them."""
_AT_THE_HIPS_M = 0.08
_FLOOR_M = (-0.12, 0.25)
"""Where the lowest joint of a body on a floor at zero lies; some recordings hang a little, and a sole or a back is below its joints."""
_LEVEL_M = 0.15
_DOUBTFUL_M = 0.3


def opposite(axis: str) -> str:
    """The same axis the other way round."""
    return axis[1:] if axis.startswith("-") else f"-{axis}"


def axis_along(direction: Array) -> str:
    """The axis nearest to a direction (3,)."""
    number = int(np.abs(direction).argmax())
    return ("-" if direction[number] < 0 else "") + "xyz"[number]


def detect_up(points: Mapping[str, Array], where: str, unit_m: float, usual: str | None = None) -> tuple[str, str]:
    """The vertical axis, and in words what shows it.

    Args:
        points: landmark -> (T, 3) in the file's unit and axes.
        where: file, for messages.
        unit_m: of the file.
        usual: the axis that is up in nearly all files of the format; None where they differ.

    Raises:
        FileFormatError: no hips, or body, floor and custom contradict each other.
    """
    upright = _upright(points)
    if upright is None:
        require(usual is not None, FileFormatError, f"{where}: no hips to tell the vertical by; state it with source.up=.")
        return str(usual), "usual in such files; no hips show it"
    body = axis_along(upright)
    axes = dict.fromkeys(("y", "z", usual or body, body, opposite(body)))
    lowest_m = {axis: _lowest_m(points, AXES[axis], unit_m) for axis in axes}
    on_floor = [axis for axis, low_m in lowest_m.items() if _is_floor(low_m, _FLOOR_M)]
    lies_on = [axis for axis in on_floor if axis not in (body, opposite(body))]
    stands = _is_floor(lowest_m[body], _ABOUT_THE_FLOOR_M) and usual not in lies_on
    if (stands or body in on_floor) and not body.endswith("x"):
        also = f"; the floor would be at zero along {' and '.join(lies_on)}, too: state source.up= if the person lies or crawls"
        return body, f"detected{also if lies_on and (usual in lies_on or body not in on_floor) else ''}"
    if opposite(body) in on_floor and (usual == opposite(body) or _on_hands(points, AXES[opposite(body)])):
        return opposite(body), f"detected by the floor; the body points along {body}, as it sits or stands on its hands"
    half = [axis for axis in lies_on if upright @ AXES[axis] > _HALF * upright @ AXES[body]]
    alone = [] if usual else lies_on if body.endswith("x") else half
    by_floor = usual if usual in lies_on else alone[0] if len(alone) == 1 else None
    if by_floor is not None:
        return by_floor, f"detected by the floor; the body points along {body}, as it sits, kneels, lies or crawls"
    return body, _without_floor(where, body, usual, lies_on, lowest_m[body])


def _without_floor(where: str, body: str, usual: str | None, lies_on: list[str], lowest_m: Array) -> str:
    """What to say where the body alone shows the vertical; `FileFormatError` where something else speaks against it."""
    if body.endswith("x") or lies_on or usual not in (None, body, opposite(body)):
        custom = f"such files have {usual} up" if usual else "no known system has that upward"
        shown = f"the floor lies level along {' or '.join(lies_on)}" if lies_on else custom
        state = "State the vertical axis with source.up= (y or z for most)."
        raise FileFormatError(f"{where}: the body points along {body}, but {shown}: it may lie or crawl. {state}")
    if not len(lowest_m):
        return "detected by the body alone: state source.up= if the person lies or crawls"
    far_m = float(np.median(lowest_m))
    doubt = f"; its lowest point lies {far_m:.2f} m from zero: state source.up= if the person lies or crawls"
    return f"detected{doubt if abs(far_m) > _DOUBTFUL_M else ''}"


def _upright(points: Mapping[str, Array]) -> Array | None:
    """(3,) the mean direction in which shoulders stand over hips and hips over ankles; None where none are seen."""
    pairs = [(f"{side}_{a}", f"{side}_{b}") for side in SIDES for a, b in _STANDS_ON]
    vectors = [normalized(points[a] - points[b]) for a, b in pairs if a in points and b in points]
    vectors = [vector[np.isfinite(vector).all(-1)] for vector in vectors]
    means = [vector.mean(axis=0) for vector in vectors if len(vector)]
    return np.asarray(np.mean(means, axis=0)) if means else None


def _lowest_m(points: Mapping[str, Array], direction: Array, unit_m: float) -> Array:
    """(N,) how low the body's lowest point lies along a direction, of the frames with a foot.

    Empty where that tells of no floor: feet are never seen, or the origin was put at the hips.
    """
    hips = [points[f"{side}_hip"] for side in SIDES if f"{side}_hip" in points]
    begin = np.mean(hips, axis=0)[:1] if hips else np.zeros((0, 3))
    if (unit_m * np.linalg.norm(begin, axis=-1) < _AT_THE_HIPS_M).any():
        return np.zeros(0)
    feet = [points[name] for side in SIDES for name in (f"{side}_ankle", f"{side}_toe", f"{side}_heel") if name in points]
    if not feet:
        return np.zeros(0)
    seen = np.isfinite(np.stack(feet)).all(-1).any(0)
    heights = np.stack([track[seen] @ direction for track in points.values()])
    return np.asarray(unit_m * np.nanmin(heights, axis=0))


def _is_floor(lowest_m: Array, between_m: tuple[float, float]) -> bool:
    if not len(lowest_m):
        return False
    low, middle = np.percentile(lowest_m, (10, 50))  # above it are leaps
    return bool(between_m[0] < middle < between_m[1] and middle - low < _LEVEL_M)


def _on_hands(points: Mapping[str, Array], up: Array) -> bool:
    """Whether the hands are lower than head and feet in most frames."""
    hands = [points[f"{side}_wrist"] @ up for side in SIDES if f"{side}_wrist" in points]
    others = [points[name] @ up for name in ("head", "head_top", "neck", "left_ankle", "right_ankle") if name in points]
    if not hands or not others:
        return False
    return bool(np.mean(np.min(hands, axis=0) < np.min(others, axis=0)) > 0.5)
