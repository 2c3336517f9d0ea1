"""Positions of joints, of bodies, hands or both: `.npy`, `.npz`, `.json`, `.csv`, with the joints' names or in a known order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, require
from motion.landmarks import SIDES
from motion.store import kind_of
from motion.transform import Array
from retarget.reading.clock import clock_of
from retarget.reading.joint_arrays import Block, JointArrays, blocks_of_one_person, holds_joints, joint_arrays, load_arrays
from retarget.reading.joint_blocks import Found, add_block
from retarget.reading.joint_text import load_csv, load_json, looks_like_joints
from retarget.reading.orders import MEASURED
from retarget.reading.recognise import ESTIMATED_BONE_CHANGE, check_proportions
from retarget.reading.smpl_arrays import is_smpl
from retarget.sources.base import Reading, SourceOptions
from retarget.sources.finish import Recorded, reading_of
from retarget.sources.manus import is_manus


class PositionsSource:
    """Reads arrays of joint positions: bodies, whole bodies, one hand or two."""

    name = "positions"
    suffixes = (".npy", ".npz", ".json", ".csv")

    def accepts(self, path: Path) -> bool:
        """Whether the file holds an array (T, J, 3) of joints, or text that names joints, and is not one of our own files."""
        if path.suffix.lower() in (".json", ".csv"):
            return looks_like_joints(path)
        if path.suffix.lower() == ".npz" and kind_of(path) is not None:
            return False
        try:
            arrays = load_arrays(path)
            if is_smpl(arrays) or is_manus(arrays):  # rotations, three numbers each like positions; or a glove's own layout
                return False
            return holds_joints(arrays) or path.suffix.lower() == ".npy"
        except FileFormatError:
            return path.suffix.lower() == ".npy"

    def read(self, path: Path, options: SourceOptions) -> Reading:
        """Read joint positions; missing values (NaN, 1e9, all-zero or all -1 joints) become NaN, never zeros.

        Raises:
            FileFormatError: no joints, an unknown order, image coordinates, no rate, or hands whose side cannot be told.
        """
        found = _load(path, options)
        require(len(found.blocks[0].position) > 0, FileFormatError, f"{path}: holds no frames.")
        one = options.side is None or len(found.blocks) == 1
        require(one, FileFormatError, f"{path}: holds several blocks of joints; leave out source.side, which is for files of one hand.")
        clock = clock_of(str(path), len(found.blocks[0].position), found.stamps, found.stamps_name, found.rate_hz, options.rate_hz)
        out = Found()
        for block in sorted(found.blocks, key=lambda block: block.side is not None):
            add_block(path, out, _kept(block, clock.keep), options)
        traits = next((t for t in out.traits if t != MEASURED), MEASURED)
        seen = {name for name, track in out.tracks.items() if np.isfinite(track).any()}
        legs = {"left_hip", "right_hip", "left_ankle", "right_ankle"} <= seen
        labels = ", ".join(repr(block.label) for block in found.blocks)
        recorded = Recorded(
            format=f"joint positions, array {labels}, order {'; '.join(out.orders)}",
            time_s=clock.time_s,
            tracks=out.tracks,
            wxyz=out.wxyz,
            segments=out.segments,
            confidence=out.confidence,
            unit_m=found.unit_m or traits.unit_m,
            up=found.up or (None if legs else traits.up),  # who stands shows it better than a convention
            bone_change=ESTIMATED_BONE_CHANGE if traits.estimated else 0.2,
            joints_n=sum(block.position.shape[1] for block in found.blocks),
            words={**out.words, **clock.words, **_pinned(out.tracks), **_apart(out.tracks)},
        )
        reading = reading_of(path, recorded, options)
        check_proportions({name: reading.motion.point(name) for name in out.tracks if name in reading.motion.landmarks}, str(path))
        return reading


def _load(path: Path, options: SourceOptions) -> JointArrays:
    suffix = path.suffix.lower()
    if suffix in (".json", ".csv"):
        found = load_json(path) if suffix == ".json" else load_csv(path)
        return replace(found, blocks=blocks_of_one_person(path, found.blocks, options.array))
    return joint_arrays(path, load_arrays(path), options.array)


def _kept(block: Block, keep: np.ndarray) -> Block:
    if keep.all():
        return block
    parts = {name: None if (array := getattr(block, name)) is None else array[keep] for name in ("confidence", "wxyz")}
    return Block(block.label, block.position[keep], block.names, block.side, **parts)


def _pinned(tracks: Mapping[str, Array]) -> dict[str, str]:
    """A word on bodies whose hips stand at the origin in every frame: their path through the room is lost."""
    left, right = tracks.get("left_hip"), tracks.get("right_hip")
    if left is None or right is None or len(left) < 2 or not np.isfinite(left - right).any():
        return {}
    middle, span = (left + right) / 2, np.nanmedian(np.linalg.norm(left - right, axis=-1))
    pinned = np.nanmax(np.abs(middle), initial=0.0) < 0.05 * span
    return {"path": "hips at the origin in every frame: the way through the room is not in the file"} if pinned else {}


def _apart(tracks: Mapping[str, Array]) -> dict[str, str]:
    """A word on two hands that each stand around the origin: where they are to each other is lost."""
    if "left_shoulder" in tracks or not all(f"{side}_wrist" in tracks for side in SIDES):
        return {}
    for side in SIDES:
        wrist = tracks[f"{side}_wrist"]
        hand = np.stack([track for name, track in tracks.items() if name.startswith(f"{side}_")])
        reach = _farthest(hand - wrist)
        if _farthest(wrist) > 0.05 * reach and _farthest(hand.mean(0)) > 0.5 * reach:
            return {}
    return {"hands' places": "each hand around the origin: where they are in the room is not in the file"}


def _farthest(track: Array) -> float:
    """How far places (..., 3) ever are from the origin, along the axis in which they are farthest; 0 where nothing is seen."""
    return float(np.nanmax(np.abs(track), initial=0.0))


SOURCE = PositionsSource()
