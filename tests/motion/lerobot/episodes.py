"""Small demonstrations with every kind of track, and a way to compare two."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from motion.demonstration import Demonstration
from motion.provenance import Parent, record

JOINTS = ("shoulder", "elbow", "thumb")
_MADE = record("simulated worker 1, pour", "test", [Parent("clip.npz", "ab" * 32)], {"gain": 2.0}, "apache-2.0", "not a person")
MADE = dataclasses.replace(_MADE, git_commit="ef" * 20)
"""With a commit of its own: that of the checkout may change between the two processes that a test compares."""


def episode(seed: int = 0, steps: int = 12, pictures: bool = False, **change: Any) -> Demonstration:
    """One episode; the same for the same seed."""
    rng = np.random.default_rng(seed)
    observations = {
        "joint_position_rad": rng.normal(size=(steps, 3)),
        "joint_velocity_radps": rng.normal(size=(steps, 3)),
        "object/pose": rng.normal(size=(steps, 2, 7)),
        "phase": np.linspace(0, 1, steps),
        "chore_id": np.full(steps, 4),
        "stage": np.array(["reach", "grasp"])[np.arange(steps) % 2],
    }
    if pictures:
        observations["head"] = moving_pictures(steps, seed)
    signals = {"saturated": rng.random((steps, 3)) < 0.3, "grip_force_n": np.where(np.arange(steps) < 3, np.nan, 2.5)}
    made = Demonstration(
        robot="g1_dex3",
        chore="pour_cup",
        variant="full@objects" if seed % 2 else "one",
        plant="nominal",
        actor="replay",
        seed=seed,
        period_s=0.02,
        joint_names=JOINTS,
        observations=observations,
        actions=rng.normal(size=(steps, 3)),
        signals=signals,
        success=bool(seed % 3),
        progress=0.25 * (seed % 4),
        safety={"spill_share": 0.2 * (seed % 2), "peak_force_n": 1.5},
        violations=("spill_share",) if seed % 2 else (),
        scene={"sha256": "cd" * 32, "worker": f"w{seed % 2:02d}", "places": {"cup": [0.1, -0.2]}},
        provenance=MADE,
    )
    return dataclasses.replace(made, **change)


def episodes(count: int, **settings: Any) -> Iterator[Demonstration]:
    return (episode(seed, 8 + seed, **settings) for seed in range(count))


def moving_pictures(steps: int, seed: int) -> np.ndarray:
    """(T, 32, 48, 3) smooth pictures whose brightness tells the frame and whose blue tells the episode."""
    picture = np.zeros((steps, 32, 48, 3))
    picture[..., 0] = 20 + 10 * np.arange(steps)[:, None, None]
    picture[..., 1] = np.linspace(0, 200, 48)
    picture[..., 2] = 60 * (seed % 4)
    return picture.astype(np.uint8)


def assert_same(got: Demonstration, wanted: Demonstration, but: tuple[str, ...] = ()) -> None:
    """Equal in every field; floats as float32 keeps them, in the type that they had."""
    for field in dataclasses.fields(Demonstration):
        if field.name not in ("observations", "signals", "actions"):
            assert getattr(got, field.name) == getattr(wanted, field.name), field.name
    np.testing.assert_array_equal(got.actions, _kept(wanted.actions))
    for group in ("observations", "signals"):
        ours, theirs = getattr(got, group), getattr(wanted, group)
        assert set(ours) == set(theirs)
        for name in set(ours) - set(but):
            assert ours[name].shape == theirs[name].shape
            assert ours[name].dtype == theirs[name].dtype or ours[name].dtype.kind == "U"
            np.testing.assert_array_equal(ours[name], _kept(theirs[name]), err_msg=name)


def _kept(track: np.ndarray) -> np.ndarray:
    return track.astype(np.float32).astype(track.dtype) if track.dtype.kind == "f" else track
