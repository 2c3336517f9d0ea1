"""Hands as Project Aria's machine perception services write them: `hand_tracking_results.csv`, `wrist_and_palm_poses.csv`.

Positions are in the glasses' device frame, which moves with the head; where `closed_loop_trajectory.csv` lies beside the
file or in `slam/`, they are brought into its world, whose z is up.
Source: Project Aria documentation, MPS data formats.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, require
from motion.landmarks import SIDES
from motion.segments import segment_frame
from motion.transform import Array, Transform, matrix_from_wxyz, quaternion_product
from retarget.reading.average_hand import place_in_palm
from retarget.reading.clock import clock_of
from retarget.reading.csv_columns import header_of, read_columns
from retarget.reading.orders import HAND_ORDERS
from retarget.reading.recognise import check_hand_order, hand_points
from retarget.sources.base import Reading, SourceOptions
from retarget.sources.finish import Recorded, reading_of

_STAMPS = "tracking_timestamp_us"
_TRAJECTORY = "closed_loop_trajectory.csv"
_POSE = (
    "tx_world_device",
    "ty_world_device",
    "tz_world_device",
    "qw_world_device",
    "qx_world_device",
    "qy_world_device",
    "qz_world_device",
)
_WORN_S = 0.5
"""A hand seen longer before or after the trajectory than this has no place in the world."""


class AriaSource:
    """Reads hand tracking results of Aria glasses, of either generation."""

    name = "aria"
    suffixes = (".csv",)

    def accepts(self, path: Path) -> bool:
        """Whether the columns are landmarks, or wrists, in the device frame."""
        header = set(header_of(path))
        return _STAMPS in header and any(f"tx_{side}_{what}_device" in header for side in SIDES for what in ("landmark_0", "wrist"))

    def read(self, path: Path, options: SourceOptions) -> Reading:
        """Read both hands; what was not tracked (confidence -1, zeros) is NaN.

        Raises:
            FileFormatError: not such a table, or no hand in it.
        """
        header, values = read_columns(path)
        column = {name: k for k, name in enumerate(header)}
        require(_STAMPS in column, FileFormatError, f"{path}: has no column {_STAMPS}.")
        clock = clock_of(str(path), len(values), values[:, column[_STAMPS]], _STAMPS, stated_hz=options.rate_hz)
        values = values[clock.keep]
        tracks: dict[str, Array] = {}
        wxyz: dict[str, Array] = {}
        confidence: dict[str, Array] = {}
        seen = {}
        for side in SIDES:
            said = _columns(values, column, [f"{side}_tracking_confidence"])
            trust = np.clip(np.nan_to_num(said[:, 0]), 0, 1) if said is not None else np.ones(len(values))
            found, turned = _hand(path, values, column, side, trust > 0)
            tracks |= found
            wxyz |= turned
            confidence |= dict.fromkeys(found, trust)
            seen[side] = int(np.isfinite(found[f"{side}_wrist"]).all(-1).sum()) if found else 0
        tracks, wxyz, up, frame = _in_the_world(path, values[:, column[_STAMPS]], tracks, wxyz)
        recorded = Recorded(
            format="Aria hand tracking",
            time_s=clock.time_s,
            tracks=tracks,
            wxyz=wxyz,
            confidence=confidence,
            inferred=frozenset(name for name in tracks if name.endswith("thumb_cmc")),
            unit_m=1.0,
            up=up,
            joints_n=42 if "tx_left_landmark_0_device" in column else 2,
            words={
                **clock.words,
                "frame": frame,
                "seen": ", ".join(f"{side} hand in {n} of {len(values)} frames" for side, n in seen.items()),
            },
        )
        return reading_of(path, recorded, options)


def _columns(values: Array, column: Mapping[str, int], names: list[str]) -> Array | None:
    return values[:, [column[name] for name in names]] if all(name in column for name in names) else None


def _hand(
    path: Path, values: Array, column: Mapping[str, int], side: str, tracked: np.ndarray
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Landmark -> (T, 3) and the wrist's orientation of one hand, NaN where it was not tracked."""
    order = HAND_ORDERS["aria_21"]
    parts = [_columns(values, column, [f"t{axis}_{side}_landmark_{k}_device" for axis in "xyz"]) for k in range(len(order))]
    landmarks = [part for part in parts if part is not None]
    whole = len(landmarks) in (0, len(order))
    require(whole, FileFormatError, f"{path}: of the {side} hand's {len(order)} landmarks {len(landmarks)} have their columns.")
    turned = _columns(values, column, [f"q{axis}_{side}_device_wrist" for axis in "wxyz"])
    wrist = _columns(values, column, [f"t{axis}_{side}_wrist_device" for axis in "xyz"])
    if landmarks:
        raw = np.where(tracked[:, None, None], np.stack(landmarks, axis=1), np.nan)
        if not np.isfinite(raw).any():
            return {}, {}
        check_hand_order(f"{path}, {side} hand", order, raw)
        points = hand_points(side, order, raw)
        points |= _thumb_base(points, side)
    elif wrist is not None:
        points = {f"{side}_wrist": np.where(tracked[:, None], wrist, np.nan)}
    else:
        return {}, {}
    return points, {} if turned is None else {f"{side}_wrist": np.where(tracked[:, None], turned, np.nan)}


def _thumb_base(points: Mapping[str, Array], side: str) -> dict[str, Array]:
    """The thumb's first joint, which Aria leaves out, where an average palm of this size has it."""
    wrist, middle = points[f"{side}_wrist"], points[f"{side}_middle_mcp"]
    missing = np.full_like(wrist, np.nan)
    wxyz, _ = segment_frame(f"{side}_hand", lambda name: points.get(name, missing))
    palm = np.linalg.norm(middle - wrist, axis=-1, keepdims=True)
    return {f"{side}_thumb_cmc": wrist + palm * (matrix_from_wxyz(wxyz) @ place_in_palm("thumb", side))}


def _in_the_world(
    path: Path, stamps_us: Array, tracks: Mapping[str, Array], wxyz: Mapping[str, Array]
) -> tuple[dict[str, Array], dict[str, Array], str | None, str]:
    """Tracks in the world of the glasses' trajectory, where there is one; else as they are."""
    folders = (path.parent, path.parent / "slam", path.parent.parent / "slam")
    file = next((folder / _TRAJECTORY for folder in folders if (folder / _TRAJECTORY).is_file()), None)
    if file is None:
        return dict(tracks), dict(wxyz), None, f"the glasses', which moves with the head: no {_TRAJECTORY} beside the file or in slam/"
    header, values = read_columns(file)
    column = {name: k for k, name in enumerate(header)}
    pose, stamps = _columns(values, column, list(_POSE)), _columns(values, column, [_STAMPS])
    require(pose is not None and stamps is not None, FileFormatError, f"{file}: wants the columns {_STAMPS}, {', '.join(_POSE)}.")
    assert pose is not None
    assert stamps is not None
    nearest = _nearest(stamps[:, 0], stamps_us)
    known = np.abs(stamps[nearest, 0] - stamps_us) < _WORN_S * 1e6
    glasses = Transform(np.where(known[:, None], pose[nearest, :3], np.nan), pose[nearest, 3:])
    placed = {name: glasses.apply(track) for name, track in tracks.items()}
    turned = {name: quaternion_product(glasses.wxyz, turn) for name, turn in wxyz.items()}
    return placed, turned, "z", f"the world of {file.name}"


def _nearest(rising: Array, wanted: Array) -> np.ndarray:
    if len(rising) < 2:
        return np.zeros(len(wanted), int)
    after = np.clip(np.searchsorted(rising, wanted), 1, len(rising) - 1)
    return after - (wanted - rising[after - 1] < rising[after] - wanted)


SOURCE = AriaSource()
