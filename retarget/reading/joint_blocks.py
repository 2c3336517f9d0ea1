"""From blocks of joints to named landmarks: which order they have, which of them are hands, and whose."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, UnknownNameError, require
from motion.landmarks import SIDES
from motion.transform import Array
from retarget.reading.chirality import SURE, palm_side
from retarget.reading.estimated import head_of_a_face, rough_hands, steady_limbs
from retarget.reading.hand_names import hand_joint, words_of
from retarget.reading.image_points import refuse_image_points
from retarget.reading.joint_arrays import Block
from retarget.reading.names import landmark_columns
from retarget.reading.normalise import check_rigid
from retarget.reading.orders import HAND_ORDERS, HAND_TRAITS, HEADSET, MEASURED, ORDER_TRAITS, ORDERS, Traits
from retarget.reading.recognise import ESTIMATED_BONE_CHANGE, body_orders, check_hand_order, hand_order, hand_points
from retarget.sources.base import SourceOptions

_HAND_OFF_WRIST_M = 0.03
"""A hand further from its body's wrist has an origin of its own (MediaPipe's hands do) and is set to the wrist."""
_HEADSET_WORDS = frozenset({"metacarpal", "knuckle", "phalanx", "intermediate"})
_Hands = list[tuple[str | None, str] | None]


@dataclass
class Found:
    """What the blocks of a file come to, in the file's own unit and axes."""

    tracks: dict[str, Array] = field(default_factory=dict)
    confidence: dict[str, Array] = field(default_factory=dict)
    wxyz: dict[str, Array] = field(default_factory=dict)
    segments: dict[str, Array] = field(default_factory=dict)
    orders: list[str] = field(default_factory=list)
    traits: list[Traits] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)


def add_block(path: Path, out: Found, block: Block, options: SourceOptions) -> None:
    """Name the joints of one block and add them."""
    order, names, traits = _names(path, block, options)
    out.orders.append(order)
    out.traits.append(traits)
    if traits.estimated:
        refuse_image_points(str(path), block.position, options.unit_m is not None)
    hands = [hand_joint(name) for name in names]
    if options.joint_map is None and sum(hand is not None for hand in hands) >= 5 and not _has_body(names):
        _add_hands(path, out, block, hands, options)
    else:
        _add_body(path, out, block, names, hands, options)


def _has_body(names: Iterable[str]) -> bool:
    words = " ".join(names).lower()
    return any(word in words for word in ("shoulder", "elbow", "knee", "humerus", "forearm_l", "lowerarm", "leftarm"))


def _add_body(path: Path, out: Found, block: Block, names: tuple[str, ...], hands: _Hands, options: SourceOptions) -> None:
    dialect, columns = landmark_columns(names, str(path), options.joint_map)
    if options.joint_map is None:
        for k, hand in enumerate(hands):
            if hand is not None and hand[0] is not None and f"{hand[0]}_{hand[1]}" not in columns:
                columns[f"{hand[0]}_{hand[1]}"] = k
    out.orders[-1] += f", dialect {dialect}"
    for landmark, column in columns.items():
        if not np.isfinite(block.position[:, column]).any():
            continue
        out.tracks[landmark] = block.position[:, column]
        if block.confidence is not None:
            out.confidence[landmark] = _share(block.confidence[:, column])
        if block.wxyz is not None:
            out.wxyz[landmark] = block.wxyz[:, column]
    if out.traits[-1].estimated:
        check_rigid(out.tracks, str(path), ESTIMATED_BONE_CHANGE)  # as they are in the file
        out.words["bones"] = steady_limbs(out.tracks, out.confidence)
        rough_hands(out.tracks, out.confidence)
        head = head_of_a_face({name: block.position[:, k] for k, name in enumerate(names)})
        if head is not None:
            out.segments["head"] = head[1]
            out.tracks.setdefault("head", head[0])


def _share(confidence: Array) -> Array:
    return np.clip(np.nan_to_num(confidence), 0.0, 1.0)


def _add_hands(path: Path, out: Found, block: Block, hands: _Hands, options: SourceOptions) -> None:
    sides: list[str | None] = [side for side in SIDES if any(hand is not None and hand[0] == side for hand in hands)]
    for side in sides or [None]:
        columns: dict[str, int] = {}
        for k, hand in enumerate(hands):
            if hand is not None and hand[0] == side:
                columns.setdefault(hand[1], k)
        joints, raw = tuple(columns), block.position[:, list(columns.values())]
        check_hand_order(f"{path}, {side or block.side or block.label}", joints, raw)
        whose, how = (side, "named in the file") if side else _side(path, block, joints, raw, options)
        points = hand_points(whose, joints, raw)
        if not np.isfinite(np.stack(list(points.values()))).any():
            continue
        _attach(out, whose, points)
        out.words["hand"] = ", ".join(filter(None, (out.words.get("hand"), f"{whose} ({how})")))
        for joint, column in columns.items():
            if block.confidence is not None and f"{whose}_{joint}" in points:
                out.confidence.setdefault(f"{whose}_{joint}", _share(block.confidence[:, column]))
        if block.wxyz is not None and "wrist" in columns:
            out.wxyz[f"{whose}_wrist"] = block.wxyz[:, columns["wrist"]]


def _side(path: Path, block: Block, joints: tuple[str, ...], raw: Array, options: SourceOptions) -> tuple[str, str]:
    """Whose hand a block is: stated, said by the file, or told by the way its fingers bend."""
    stated = options.side or block.side
    if stated is not None:
        return stated, "stated" if options.side else "said by the file"
    bend = palm_side(hand_points("right", joints, raw), "right")
    require(
        bool(abs(bend) > SURE),
        FileFormatError,
        f"{path}: no finger bends enough to tell which hand it is; state it with source.side=left or right.",
    )
    side = "right" if bend > 0 else "left"
    return side, f"fingers bend to the palm of a {side} hand"


def _attach(out: Found, side: str, points: dict[str, Array]) -> None:
    """Add a hand's points, at the body's wrist where there is a body and the hand has an origin of its own."""
    wrist, own = out.tracks.get(f"{side}_wrist"), points.get(f"{side}_wrist")
    if wrist is not None and own is not None:
        gap = wrist - own
        if np.nanmedian(np.linalg.norm(gap, axis=-1)) > _HAND_OFF_WRIST_M:
            points = {name: point + gap for name, point in points.items()}
            out.words[f"{side} hand set"] = "to the body's wrist: it has an origin of its own"
        points = {name: point for name, point in points.items() if name != f"{side}_wrist"}
    out.tracks |= points
    for name in points:
        out.confidence.pop(name, None)


def _names(path: Path, block: Block, options: SourceOptions) -> tuple[str, tuple[str, ...], Traits]:
    """The order's name in words, the names of the joints, and what the order's format defines."""
    joints = block.position.shape[1]
    known = ORDERS | HAND_ORDERS
    if options.joint_names is not None and not (block.side and len(_stated_names(path, options.joint_names)) != joints):
        names = _stated_names(path, options.joint_names)
        require(
            len(names) == joints,
            FileFormatError,
            f"{path}: has {joints} joints; source.joint_names={options.joint_names} names {len(names)}.",
        )
        found = hand_order(block.position) if options.joint_names in HAND_ORDERS else None
        require(
            found in (None, options.joint_names),
            FileFormatError,
            f"{path}: was stated to be in the order {options.joint_names}, but its bones are those of {found}.",
        )
        return options.joint_names, names, _traits(options.joint_names)
    if block.names is not None:
        from_headset = any(_HEADSET_WORDS & set(words_of(name)) for name in block.names)
        return "in the file", block.names, HEADSET if from_headset else MEASURED
    refuse_image_points(str(path), block.position, options.unit_m is not None)
    hand = hand_order(block.position)
    against = {} if hand else body_orders(str(path), block.position)
    fitting = [hand] if hand else [name for name, reason in against.items() if not reason]
    if len(fitting) != 1:
        counts = ", ".join(f"{name} ({len(order)})" for name, order in known.items())
        reasons = "".join(f" It is not {name}: {reason.partition('. ')[0].rstrip('.')}." for name, reason in against.items() if reason)
        raise FileFormatError(
            f"{path}: the names of its {joints} joints are not known.{reasons} State them with source.joint_names=: "
            f"one of {counts}, or a JSON list of names."
        )
    how = "recognised by count and bone lengths" if hand else "recognised by count, bone lengths and sides"
    return f"{fitting[0]} ({how})", known[fitting[0]], _traits(fitting[0])


def _traits(order: str) -> Traits:
    return ORDER_TRAITS.get(order) or HAND_TRAITS.get(order) or MEASURED


def _stated_names(path: Path, stated: str) -> tuple[str, ...]:
    known = ORDERS | HAND_ORDERS
    if stated in known:
        return known[stated]
    file = Path(stated)
    if not file.is_file():
        raise UnknownNameError("joint order", stated, known, f"{path}; a JSON list of names works too")
    try:
        names = json.loads(file.read_text())
    except json.JSONDecodeError as error:
        raise FileFormatError(f"{file}: not JSON ({error}).") from error
    ok = isinstance(names, list) and all(isinstance(name, str) for name in names)
    require(ok, FileFormatError, f"{file}: wants a JSON list of joint names.")
    return tuple(names)
