"""Motions of DeepMimic's humanoid: JSON, `Frames` of 44 numbers, in metres with y up and x forward.

A row: how long the frame lasts (s), the root's position, and the joints' turns against their parents, in the order of
`_TURNS`: quaternions wxyz, but for knees and elbows, which turn about z by an angle.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, require
from motion.landmarks import SIDES
from motion.transform import Array
from retarget.reading import json_numbers
from retarget.reading.skeleton import Skeleton
from retarget.reading.text_tables import text_of
from retarget.sources.base import Reading, SourceOptions
from retarget.sources.finish import Recorded, reading_of

_TURNS = ("pelvis", "chest", "neck") + tuple(
    f"{side}_{name}" for side in ("right", "left") for name in ("hip", "knee", "ankle", "shoulder", "elbow")
)
_HINGES = frozenset(f"{side}_{name}" for side in SIDES for name in ("knee", "elbow"))
_COLUMNS_N = 4 + sum(1 if name in _HINGES else 4 for name in _TURNS)
_HEAD = re.compile(rb'"Frames"\s*:\s*\[\s*\[([^\]]*)')

# Joint -> parent, and its place there in metres; a right-hand side lies along z.
# Source: xbpeng/DeepMimic, data/characters/humanoid3d.txt (MIT): joints' attachments, and the boxes and spheres of foot and head.
_TREE: dict[str, tuple[str, tuple[float, float, float]]] = {
    "chest": ("pelvis", (0.0, 0.236151, 0.0)),
    "neck": ("chest", (0.0, 0.223894, 0.0)),
    "head": ("neck", (0.0, 0.0725, 0.0)),
    "head_top": ("neck", (0.0, 0.2775, 0.0)),
}
for _side, _z in (("right", 1.0), ("left", -1.0)):
    _TREE |= {
        f"{_side}_hip": ("pelvis", (0.0, 0.0, 0.084887 * _z)),
        f"{_side}_knee": (f"{_side}_hip", (0.0, -0.421546, 0.0)),
        f"{_side}_ankle": (f"{_side}_knee", (0.0, -0.40987, 0.0)),
        f"{_side}_toe": (f"{_side}_ankle", (0.1335, -0.05, 0.0)),
        f"{_side}_heel": (f"{_side}_ankle", (-0.0435, -0.05, 0.0)),
        f"{_side}_shoulder": ("chest", (-0.02405, 0.2435, 0.18311 * _z)),
        f"{_side}_elbow": (f"{_side}_shoulder", (0.0, -0.274788, 0.0)),
        f"{_side}_wrist": (f"{_side}_elbow", (0.0, -0.258947, 0.0)),
    }
_NAMES = ("pelvis", *_TREE)
HUMANOID = Skeleton(
    _NAMES,
    (-1, *(_NAMES.index(parent) for parent, _ in _TREE.values())),
    np.array([(0.0, 0.0, 0.0), *(place for _, place in _TREE.values())]),
)


class DeepMimicSource:
    """Reads `.txt` and `.json` files of DeepMimic's humanoid."""

    name = "deepmimic"
    suffixes = (".txt", ".json")

    def accepts(self, path: Path) -> bool:
        """Whether the file begins with Frames whose first row is a row of this humanoid or of another of DeepMimic's characters."""
        with open(path, "rb") as stream:
            head = stream.read(16384)
        found = _HEAD.search(head) if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{" else None
        return found is not None and found[1].count(b",") >= _COLUMNS_N // 2

    def read(self, path: Path, options: SourceOptions) -> Reading:
        """Read the joints' turns into a HumanMotion; heels and toes are the corners of the humanoid's feet."""
        rows, loop = read_rows(path)
        time_s, rate = _times(path, rows[:, 0], options)
        poses = HUMANOID.poses(_local_wxyz(path, rows), rows[:, 1:4])
        recorded = Recorded(
            format="DeepMimic humanoid",
            time_s=time_s,
            tracks={name: poses.position_m[:, column] for column, name in enumerate(HUMANOID.names)},
            wxyz={name: poses.wxyz[:, HUMANOID.names.index(name)] for name in _TURNS},
            inferred=frozenset({"head", "head_top"}),
            unit_m=1.0,
            up="y",
            joints_n=len(HUMANOID.names),
            pseudonym="deepmimic_humanoid",
            words={"rate": rate, "loop": loop},
        )
        return reading_of(path, recorded, options)


def read_rows(path: Path) -> tuple[Array, str]:
    """Rows (T, 44) as written, and how the motion goes on after its end.

    Raises:
        FileFormatError: no JSON, no such rows, or values that are no numbers.
    """
    try:
        data = json_numbers.loads(text_of(path))
        rows = np.array(data["Frames"], float)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path}: cannot be read as a DeepMimic motion ({type(error).__name__}: {error}).") from error
    fits = rows.ndim == 2 and rows.shape[1] == _COLUMNS_N
    require(fits, FileFormatError, f"{path}: Frames is {rows.shape}; DeepMimic's humanoid has rows of {_COLUMNS_N} numbers.")
    require(bool(np.isfinite(rows).all()), FileFormatError, f"{path}: Frames hold values that are no numbers.")
    return rows, str(data.get("Loop", "not said"))


def _times(path: Path, lasting_s: Array, options: SourceOptions) -> tuple[Array, str]:
    """When each frame begins, and in words where that was found; the last frame's time is not used."""
    if options.rate_hz is not None:
        return np.arange(len(lasting_s)) / options.rate_hz, "stated"
    lasts = bool((lasting_s[:-1] > 0).all())
    require(lasts, FileFormatError, f"{path}: some frames last 0 s or less; state the rate with source.rate_hz=.")
    time_s: Array = np.concatenate([[0.0], np.cumsum(lasting_s[:-1])])
    return time_s, "as long as each frame lasts"


def _local_wxyz(path: Path, rows: Array) -> Array:
    """Turns (T, J, 4) of all joints of the tree."""
    wxyz = np.tile([1.0, 0, 0, 0], (len(rows), len(HUMANOID.names), 1))
    column = 4
    for name in _TURNS:
        joint = HUMANOID.names.index(name)
        if name in _HINGES:
            half = rows[:, column] / 2
            wxyz[:, joint, 0], wxyz[:, joint, 3] = np.cos(half), np.sin(half)
            column += 1
            continue
        turn = rows[:, column : column + 4]
        norm = np.linalg.norm(turn, axis=-1, keepdims=True)
        unit = bool((np.abs(norm - 1) < 0.05).all())
        require(unit, FileFormatError, f"{path}: columns {column} to {column + 3} ({name}) are no unit quaternions.")
        wxyz[:, joint] = turn / norm
        column += 4
    return wxyz


SOURCE = DeepMimicSource()
