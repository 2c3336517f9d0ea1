"""Sensors that are not perfect: noise on what is seen, anew in every period, off the episode's own stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from gymnasium import spaces

from envs.plants import SENSORS
from motion.transform import Array, quaternion_product, so3_exp

_TURNS = ("thing_wxyz",)
"""Orientations: the noise turns them, about axes of the frame that they are given in."""


def noisy(
    observation: Mapping[str, np.ndarray], deviation: Array, streams: Sequence[np.random.Generator], space: spaces.Dict
) -> dict[str, np.ndarray]:
    """Observations (n, ...) with noise, within the observation space; row i off its own stream, which nothing else moves.

    Args:
        observation: without noise; not changed.
        deviation: (n, S) standard deviations, in the order of `SENSORS`.
        streams: one per row.
        space: of the observations.
    """
    out = dict(observation)
    for column, name in enumerate(SENSORS):
        rows = np.flatnonzero(deviation[:, column]).tolist()
        if name not in observation or not rows:
            continue
        clean = observation[name]
        kind = (*clean.shape[1:-1], 3) if name in _TURNS else clean.shape[1:]
        noise = np.stack([deviation[row, column] * streams[row].standard_normal(kind) for row in rows])
        out[name] = clean.copy()
        out[name][rows] = _turned(clean[rows], noise) if name in _TURNS else _within(clean[rows] + noise, space[name])
    return out


def _turned(wxyz: Array, rotation_vector: Array) -> Array:
    turned = quaternion_product(so3_exp(rotation_vector), wxyz)
    return np.where(turned[..., :1] < 0, -turned, turned)


def _within(values: Array, space: spaces.Space) -> Array:
    assert isinstance(space, spaces.Box)
    return np.clip(values, space.low, space.high)
