"""A context of a hand that takes one of two things, made of numbers that nobody recorded, and what a robot might see meanwhile."""

from __future__ import annotations

import numpy as np

from motion.context import PHASES, Context
from motion.transform import Array

JOINTS, THINGS, FRAMES, CLOSED, END = ("shoulder", "elbow", "finger"), ("cup", "plate"), 40, 12, 30
FORCE_N, WAIT_S, PERIOD_S = 5.0, 0.06, 0.02


def small_context(seed: int = 0) -> Context:
    """The right hand takes the plate from frame 8 on, waits at `CLOSED`, and lets go at `END`."""
    rng = np.random.default_rng(seed)
    time = np.arange(FRAMES)
    held = np.zeros((FRAMES, 2), bool)
    held[8 : END + 1, 1] = True
    phase = np.zeros((FRAMES, 2, len(PHASES)))
    for name, where in (("leading", held & (time < CLOSED)[:, None]), ("carrying", held & (time >= CLOSED)[:, None]), ("turning", held)):
        phase[..., PHASES.index(name)] = where
    phase[..., PHASES.index("gripping")] = held & (time > CLOSED)[:, None]
    reach, grip = 0.5 * rng.standard_normal((FRAMES, 2, 3, 6)), np.zeros((FRAMES, 2, 3))
    reach[:, 0], reach[:, :, 2] = 0.0, 0.0
    grip[held] = [0.0, 0.0, 1.5]
    waits = np.zeros((FRAMES, 2), bool)
    waits[CLOSED, 1] = True
    return Context(
        robot="small",
        joint_names=JOINTS,
        things=THINGS,
        period_s=PERIOD_S,
        plan_rad=np.cumsum(0.01 * rng.standard_normal((FRAMES, 3)), axis=0),
        hand_position_m=np.tile([[0.2, 0.1, 0.1], [0.2, -0.1, 0.1]], (FRAMES, 1, 1)),
        hand_wxyz=turns(rng, FRAMES, 2),
        reach=reach,
        grip_rad=grip,
        closing=np.where(held, 0.8, 0.0),
        force_n=np.where(held, FORCE_N, 0.0),
        thing=np.where(held, 1, -1),
        thing_position_m=np.where(held[..., None], rng.uniform(0.1, 0.3, (FRAMES, 2, 3)), 0.0),
        thing_wxyz=np.where(held[..., None], turns(rng, FRAMES, 2), 0.0),
        phase=phase,
        waits=waits,
        wait_s=WAIT_S,
    )


def turns(rng: np.random.Generator, *shape: int) -> Array:
    """Random orientations (..., 4)."""
    raw = rng.standard_normal((*shape, 4))
    return np.asarray(raw / np.linalg.norm(raw, axis=-1, keepdims=True))


def small_observation(seed: int, rows: int = 1, force_n: float = 0.0) -> dict[str, np.ndarray]:
    """What robots might see in one period, the right hand feeling a force."""
    rng = np.random.default_rng(seed)
    force = np.zeros((rows, 2, 6))
    force[:, 1, 0] = force_n
    return {
        "joint_position_rad": 0.1 * rng.standard_normal((rows, 3)),
        "previous_action_rad": 0.1 * rng.standard_normal((rows, 3)),
        "hand_position_m": rng.uniform(0.0, 0.3, (rows, 2, 3)),
        "hand_force_n": force,
        "thing_position_m": rng.uniform(0.1, 0.3, (rows, 2, 3)),
        "thing_wxyz": turns(rng, rows, 2),
    }
