"""Demonstrations in: from files or from memory, with the digests that a checkpoint's lineage is made of; and the split."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from motion.demonstration import Demonstration
from motion.errors import MotionError, require
from motion.provenance import Parent, parent_of

Place = Path | str | Demonstration
Source = Place | Sequence[Place]


def load_demonstrations(source: Source) -> tuple[list[Demonstration], tuple[Parent, ...]]:
    """Demonstrations and their lineage entries.

    Args:
        source: a file, a folder of `.npz` files, a Demonstration, or a sequence of these.

    Raises:
        MotionError: nothing was found.
        FileFormatError: a file is not a demonstration.
    """
    places: list[Place] = [source] if isinstance(source, Path | str | Demonstration) else list(source)
    found = [pair for place in places for pair in _load_place(place)]
    require(bool(found), MotionError, f"no demonstrations (*.npz) found in {', '.join(str(place) for place in places) or 'an empty list'}.")
    return [demonstration for demonstration, _ in found], tuple(parent for _, parent in found)


def _load_place(place: Place) -> list[tuple[Demonstration, Parent]]:
    if isinstance(place, Demonstration):
        return [(place, _parent_in_memory(place))]
    path = Path(place)
    files = sorted(path.glob("*.npz")) if path.is_dir() else [path]
    loaded = [(file, Demonstration.load(file)) for file in files]
    return [(demonstration, parent_of(file, demonstration.provenance)) for file, demonstration in loaded]


def _parent_in_memory(demonstration: Demonstration) -> Parent:
    digest = hashlib.sha256(repr((demonstration.robot, demonstration.joint_names, demonstration.period_s)).encode())
    for name, track in sorted({**demonstration.observations, "/actions": demonstration.actions}.items()):
        digest.update(name.encode() + repr(np.shape(track)).encode() + np.ascontiguousarray(track).tobytes())
    name = f"{demonstration.chore}/{demonstration.variant}/{demonstration.plant}/{demonstration.seed}"
    return Parent(name, digest.hexdigest(), demonstration.provenance.licence, demonstration.provenance.consent)


def split_episodes(demonstrations: Sequence[Demonstration], fraction: float, seed: int) -> tuple[list[Demonstration], list[Demonstration]]:
    """Training and validation episodes.

    Episodes of one variant (one motion) stay on one side, so that validation is on motions that training has not seen;
    only where there is a single variant are its episodes shared out.

    Args:
        demonstrations: all of them.
        fraction: of the groups, for validation; at least one group unless it is 0.
        seed: of the draw.

    Raises:
        MotionError: a fraction outside 0..1, or a single episode that cannot be on both sides.
    """
    require(0 <= fraction < 1, MotionError, f"validation_fraction is {fraction}; 0 <= fraction < 1 was wanted.")
    variants = sorted({demonstration.variant for demonstration in demonstrations})
    groups: list[object] = list(variants if len(variants) > 1 else range(len(demonstrations)))
    keys: list[object] = [d.variant for d in demonstrations] if len(variants) > 1 else list(range(len(demonstrations)))
    held_n = max(1, round(fraction * len(groups))) if fraction > 0 else 0
    require(held_n < len(groups), MotionError, f"{len(groups)} episode(s) cannot be split; give more, or set validation_fraction=0.")
    order = np.random.default_rng((seed, 1)).permutation(len(groups))
    held = {groups[int(place)] for place in order[:held_n]}
    training = [d for d, key in zip(demonstrations, keys, strict=True) if key not in held]
    return training, [d for d, key in zip(demonstrations, keys, strict=True) if key in held]
