"""Joint names that no dialect knows: understood by their words, the tree of joints, and the proportions of a body.

A name is cut into words. One of them says the side, others the part: "upper_arm.L" and "lThigh" are plain; whether a
"LeftShoulder" is the collar bone or the shoulder joint depends on what else the arm has. What is found must then be a
body: each limb one chain in the tree, its bones in proportion. Otherwise the user is asked, never a guess returned.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from motion.errors import FileFormatError
from motion.landmarks import FINGERS, SIDES
from motion.transform import Array
from retarget.reading.names import landmark_columns, plain_names

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SIDE_WORDS = {"left": "left", "l": "left", "lt": "left", "lft": "left", "right": "right", "r": "right", "rt": "right", "rgt": "right"}
_NO_JOINT = frozenset(
    "twist roll ik fk pole target eye eyelid jaw ctrl control helper nub end prop weapon tongue breast hair tail wing corrective "
    "hold holder attach socket brow cheek lip teeth ear nose pectoral muscle bulge butt buttock floor".split()
)
# What a limb's joints are called, most telling name first; a name further back counts where none before it is there.
_LIMB_WORDS: dict[str, tuple[str, ...]] = {
    "shoulder": ("upperarm", "uparm", "armupper", "humerus", "shldr", "arm", "shoulder", "glenohumeral"),
    "elbow": ("elbow", "forearm", "lowerarm", "lowarm", "armlower", "radius"),
    "wrist": ("wrist", "hand", "palm"),
    "hip": ("thigh", "upperleg", "upleg", "legupper", "femur", "hip", "leg"),
    "knee": ("knee", "shin", "calf", "lowerleg", "lowleg", "leglower", "tibia", "shank", "leg"),
    "ankle": ("ankle", "foot", "talus"),
    "toe": ("toebase", "ball", "toe", "toes", "football", "foot"),
    "clavicle": ("clavicle", "collar", "collarbone", "scapula", "shoulder"),
}
_MIDLINE_WORDS = {
    "pelvis": ("pelvis", "hips", "hip"),
    "spine": ("abdomen", "spine", "lowerback", "torso"),
    "neck": ("neck",),
    "head": ("head",),
}
_FINGER_WORDS = {"thumb": "thumb", "index": "index", "middle": "middle", "mid": "middle", "ring": "ring"} | dict.fromkeys(
    ("pinky", "pinkie", "little", "small"), "pinky"
)
_PARTS = frozenset(_FINGER_WORDS) | {word for called in _LIMB_WORDS.values() for word in called}
_INSIDE_THE_PALM = frozenset({"metacarpal", "meta", "carpal", "inhand", "in", "palm"})
_CHAINS = tuple(
    tuple(f"{side}_{name}" for name in chain)
    for side in SIDES
    for chain in (("clavicle", "shoulder", "elbow", "wrist"), ("hip", "knee", "ankle", "toe"))
)
_LIMBS = tuple(f"{side}_{name}" for side in SIDES for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"))
# Bones, the shortest and the longest that the first may be beside the second.
_PROPORTIONS = (
    (("hip", "knee"), ("knee", "ankle"), 0.65, 1.5),
    (("shoulder", "elbow"), ("elbow", "wrist"), 0.65, 1.8),
    (("shoulder", "elbow"), ("hip", "knee"), 0.4, 1.15),
)


@dataclass(frozen=True)
class Naming:
    """Which joint is which landmark: the dialect in words, landmark -> joint, and more of what was understood."""

    dialect: str
    columns: Mapping[str, int]
    generic: bool = False
    words: Mapping[str, str] = field(default_factory=dict)


def skeleton_columns(joint_names: Sequence[str], parents: Sequence[int], where: str, joint_map: str | None = None) -> Naming:
    """Which joint of a tree is which landmark: by the user's map, by a dialect, or by words and tree.

    Args:
        joint_names, parents: of the file; parents come first, a root's is -1.
        where: file, for messages.
        joint_map: path to a user's own JSON object, joint -> landmark.

    Raises:
        FileFormatError: neither a dialect nor the words make a body of the names.
    """
    if joint_map:
        return Naming(*landmark_columns(joint_names, where, joint_map))
    refused: FileFormatError | None = None
    known: dict[str, int] = {}
    dialect = ""
    try:
        dialect, known = landmark_columns(joint_names, where)
    except FileFormatError as error:
        refused = error
    broken = out_of_order(known, parents)
    worded = _by_words(plain_names(joint_names), parents)
    fits = not out_of_order(worded, parents) and _has_limbs(worded)
    if known and not broken and (not fits or _limbs_n(known) >= _limbs_n(worded)):
        return Naming(dialect, known)
    if fits:
        telling = [name for name in worded if "_" not in name or name in _LIMBS]
        named = "; ".join(f"{name}: {joint_names[worded[name]]}" for name in telling)
        return Naming("generic (by the words of the names, the tree and the proportions)", worded, True, {"joints": named})
    if broken is None:
        assert refused is not None  # names that a dialect knows, in order, were returned above
        raise refused
    near, far = broken
    raise FileFormatError(
        f"{where}: the joint {joint_names[known[far]]!r} does not hang below {joint_names[known[near]]!r}, as {far} below "
        f"{near} must (dialect {dialect!r}). Name the landmarks yourself: source.joint_map=map.json, an object of joint -> landmark."
    )


def out_of_order(columns: Mapping[str, int], parents: Sequence[int]) -> tuple[str, str] | None:
    """The first two neighbours in a limb of which the far one does not hang below the near one; None where all do."""
    for chain in _CHAINS:
        for near, far in pairwise([name for name in chain if name in columns]):
            if columns[near] not in _ancestors(columns[far], parents):
                return near, far
    return None


def named_tracks(naming: Naming, position: Array, where: str) -> dict[str, Array]:
    """Landmark -> (T, 3) of a tree's joints (T, J, 3).

    Raises:
        FileFormatError: limbs that were found by words have bones in no human proportion.
    """
    tracks = {name: position[:, column] for name, column in naming.columns.items()}
    if naming.generic:
        _check_limbs(tracks, where)
    return tracks


def _check_limbs(tracks: Mapping[str, Array], where: str) -> None:
    for side in SIDES:
        for (a, b), (c, d), least, most in _PROPORTIONS:
            points = [tracks.get(f"{side}_{name}") for name in (a, b, c, d)]
            if any(point is None for point in points):
                continue
            first, second = (float(np.linalg.norm(p[0] - q[0])) for p, q in (points[:2], points[2:]))  # type: ignore[index]
            if not least * second <= first <= most * second:
                times = first / max(second, 1e-9)
                raise FileFormatError(
                    f"{where}: joint names not understood: from {side} {a} to {b} it would be {times:.1f} times as far as from {c} to {d}. "
                    "Name the landmarks yourself: source.joint_map=map.json, an object of joint -> landmark."
                )


def _limbs_n(columns: Mapping[str, int]) -> int:
    return sum(name in columns for name in _LIMBS)


def _has_limbs(columns: Mapping[str, int]) -> bool:
    """Whether both arms are there whole, and legs whole or not at all."""
    arms = all(f"{side}_{name}" in columns for side in SIDES for name in ("shoulder", "elbow", "wrist"))
    legs = [f"{side}_{name}" in columns for side in SIDES for name in ("hip", "knee", "ankle")]
    return arms and (all(legs) or not any(legs))


def _ancestors(joint: int, parents: Sequence[int]) -> list[int]:
    """From the joint's parent up to the root."""
    line = []
    while parents[joint] >= 0:
        joint = parents[joint]
        line.append(joint)
    return line


def _by_words(names: Sequence[str], parents: Sequence[int]) -> dict[str, int]:
    cut = [_cut(name) for name in names]
    columns: dict[str, int] = {}
    for side in SIDES:
        own = {joint: words for joint, (where, words) in enumerate(cut) if where == side and not _NO_JOINT & set(words)}
        limbs = {joint: _text(words) for joint, words in own.items()}
        fingers = {joint for joint, words in own.items() if any(word in _FINGER_WORDS for word in words)}
        columns |= {f"{side}_{name}": joint for name, joint in _limb({j: w for j, w in limbs.items() if j not in fingers}, parents).items()}
        columns |= {f"{side}_{name}": joint for name, joint in _fingers(own, fingers, parents).items()}
    middle = {joint: _text(words) for joint, (where, words) in enumerate(cut) if not where and not _NO_JOINT & set(words)}
    for name, called in _MIDLINE_WORDS.items():
        joint = next((joint for word in called for joint, text in middle.items() if text == word), None)
        if joint is not None:
            columns[name] = joint
    trunk = _trunk(columns, parents)
    if "head" not in columns and "chest" in trunk:
        above = [joint for joint in middle if trunk["chest"] in _ancestors(joint, parents)]
        if len(above) > 1 and all(low in _ancestors(high, parents) for low, high in pairwise(above)):  # Rigify: all are "spine"
            trunk |= {"neck": above[0], "head": above[-1]}
    return {name: joint for name, joint in columns.items() if joint not in trunk.values()} | trunk


def _text(words: Sequence[str]) -> str:
    return "".join(word for word in words if not word.isdigit())


def _cut(name: str) -> tuple[str, list[str]]:
    """Side ("" for the middle) and words of a name, lower case."""
    words = [word.lower() for word in _WORD.findall(name)]
    side = next((_SIDE_WORDS[word] for word in words if word in _SIDE_WORDS), "")
    if side:
        return side, [word for word in words if word not in _SIDE_WORDS]
    for start in SIDES:  # lefthand
        if words and words[0].startswith(start):
            return start, [words[0].removeprefix(start), *words[1:]]
    if words and words[0][:1] in "lr" and words[0][1:] in _PARTS:  # lthigh
        return _SIDE_WORDS[words[0][0]], [words[0][1:], *words[1:]]
    return "", words


def _limb(texts: Mapping[int, str], parents: Sequence[int]) -> dict[str, int]:
    """Joint of each landmark of one side's arm and leg; each joint is used once."""
    found: dict[str, int] = {}
    for name, called in _LIMB_WORDS.items():
        for word in called:
            fitting = [joint for joint, text in texts.items() if text == word and joint not in found.values()]
            if word == "foot" and name == "toe":  # only below an ankle that is named so
                fitting = [joint for joint in fitting if found.get("ankle") in _ancestors(joint, parents)]
            if fitting:
                found[name] = fitting[0]
                break
    return found


def _fingers(words: Mapping[int, Sequence[str]], joints: set[int], parents: Sequence[int]) -> dict[str, int]:
    """Joint of each finger landmark of one side: chains in tree order, without what lies inside the palm."""
    found: dict[str, int] = {}
    for finger in FINGERS:
        chain = [joint for joint in sorted(joints) if finger in {_FINGER_WORDS.get(word) for word in words[joint]}]
        if any(before not in _ancestors(joint, parents) for before, joint in pairwise(chain)):
            continue
        chain = [joint for joint in chain if not _INSIDE_THE_PALM & set(words[joint])] if finger != "thumb" else chain
        if len(chain) == 4 and finger != "thumb" and "0" in "".join(words[chain[0]]) and not {"01", "1"} & set(words[chain[0]]):
            chain = chain[1:]
        points = ("cmc", "mcp", "ip", "tip") if finger == "thumb" else ("mcp", "pip", "dip", "tip")
        if len(chain) in (3, 4):
            found |= {f"{finger}_{point}": joint for point, joint in zip(points, chain, strict=False)}
    return found


def _trunk(columns: Mapping[str, int], parents: Sequence[int]) -> dict[str, int]:
    """Pelvis, chest and spine by the tree: where the legs part, where the arms part, and the joint between that is next to the pelvis."""
    found: dict[str, int] = {}
    legs, arms = (_shared_ancestors(columns, name, parents) for name in ("hip", "shoulder"))
    if legs and "pelvis" not in columns:
        found["pelvis"] = legs[0]
    pelvis = found.get("pelvis", columns.get("pelvis"))
    if arms and arms[0] not in (pelvis, columns.get("neck"), columns.get("head")):
        found["chest"] = arms[0]
        between = arms[1 : arms.index(pelvis)] if pelvis in arms else []
        if between:
            found["spine"] = between[-1]
    return found


def _shared_ancestors(columns: Mapping[str, int], name: str, parents: Sequence[int]) -> list[int]:
    """Joints above the left and the right landmark of that name, the nearest first."""
    pair = [columns[f"{side}_{name}"] for side in SIDES if f"{side}_{name}" in columns]
    if len(pair) < len(SIDES):
        return []
    left, right = (_ancestors(joint, parents) for joint in pair)
    return [joint for joint in left if joint in right]
