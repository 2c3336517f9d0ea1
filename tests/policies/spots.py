"""Demonstrations of a chore that only eyes can do: point at a bright spot. And of chores with things, as many as are wanted."""

from __future__ import annotations

import numpy as np

from motion.demonstration import Demonstration

SIZE_PX = (32, 24)
JOINTS = ("right", "down")


def spot(place: np.ndarray) -> np.ndarray:
    """(24, 32, 3), uint8: grey with a bright spot at a place (2,) of -1..1, right and down."""
    width, height = SIZE_PX
    right, down = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    near = np.exp(-(((right - place[0]) / 0.15) ** 2) - ((down - place[1]) / 0.2) ** 2)
    return np.stack([60 + 190 * near, 60 + 120 * near, np.full_like(near, 60.0)], axis=-1).astype(np.uint8)


def household(steps: int, things: int, seed: int, chore: float = 0.0, hinges: int = 0) -> dict[str, np.ndarray]:
    """Observations (T, ...) of a robot of two joints and so many things, each of which moves along a line of its own."""
    rng = np.random.default_rng(seed)
    wxyz = rng.normal(size=(steps, things, 4))
    far = rng.normal(size=(1, things, 3)) + np.linspace(0, 1, steps)[:, None, None] * rng.normal(size=(1, things, 3))
    seen = {
        "joint_position_rad": rng.normal(size=(steps, 2)),
        "joint_velocity_radps": rng.normal(size=(steps, 2)),
        "previous_action_rad": rng.normal(size=(steps, 2)),
        "base_place": np.zeros((steps, 3)),
        "hand_position_m": rng.normal(size=(steps, 2, 3)),
        "hand_wxyz": np.tile([1.0, 0.0, 0.0, 0.0], (steps, 2, 1)),
        "thing_position_m": far,
        "thing_wxyz": wxyz / np.linalg.norm(wxyz, axis=-1, keepdims=True),
        "thing_half_m": rng.uniform(0.02, 0.05, size=(1, things, 3)).repeat(steps, 0),
        "hand_force_n": rng.uniform(0, 5, size=(steps, 2, 3)),
        "elapsed_s": 0.02 * np.arange(steps)[:, None],
        "chore": np.full((steps, 1), chore),
    }
    return {**seen, "hinge": rng.uniform(size=(steps, hinges))} if hinges else seen


def made(observations: dict[str, np.ndarray], actions: np.ndarray, name: str = "spots") -> Demonstration:
    """One of these episodes."""
    return Demonstration("pointer", name, "full", "nominal", "expert", 0, 0.02, JOINTS, observations, actions, {}, True, 1.0)


def pointing(steps: int, seed: int) -> Demonstration:
    """The actions are the spot's place, rad; nothing but the pictures tells it."""
    places = np.random.default_rng(seed).uniform(-0.8, 0.8, size=(steps, 2))
    pictures = np.stack([spot(place) for place in places])
    return made({**household(steps, 1, seed), "image_head": pictures}, places)
