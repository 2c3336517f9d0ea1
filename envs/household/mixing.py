"""How well two kinds of grains are mixed."""

from __future__ import annotations

import numpy as np

from motion.transform import Array

NEIGHBOURS = 3
"""Nearest grains that are asked for their kind. More would reach across the border of two separate heaps."""


def mixing_index(position_m: Array, kind: np.ndarray) -> Array:
    """(n,) 0 where every grain has only its own kind around it, 1 where neighbours are as in a random mixture.

    The share of a grain's nearest neighbours that are of the other kind, averaged over all grains, divided by what chance
    gives: the other kind's share among all other grains. More regular than random gives more than 1.
    Source: Godlieb, Deen & Kuipers 2007, "Characterizing solids mixing in DEM simulations": the nearest neighbours method.

    Args:
        position_m: (n, B, 3) of the grains.
        kind: (B,) 0 or 1.
    """
    kind = np.asarray(kind).astype(int)
    apart = np.linalg.norm(position_m[:, :, None] - position_m[:, None], axis=-1)
    apart[:, np.arange(len(kind)), np.arange(len(kind))] = np.inf
    near = np.argpartition(apart, NEIGHBOURS, axis=-1)[..., :NEIGHBOURS]
    other = kind[near] != kind[:, None]
    count = np.bincount(kind, minlength=2)
    chance = count[1 - kind] / (len(kind) - 1)
    return np.asarray(other.mean(-1).mean(-1) / chance.mean())
