"""A hand of average size that closes and opens, by plain trigonometry, for files of any order and any names."""

from __future__ import annotations

import numpy as np

from motion.landmarks import FINGERS
from motion.transform import Array

PLACES = {"index": (0.025, 0.007, -0.096), "middle": (0, 0, -0.098), "ring": (-0.022, 0.003, -0.09), "pinky": (-0.039, 0.007, -0.078)}
BONES = {"index": (0.040, 0.022, 0.020), "middle": (0.045, 0.026, 0.021), "ring": (0.041, 0.026, 0.021), "pinky": (0.033, 0.018, 0.020)}
THUMB = {"cmc": (0.023, 0.017, -0.023), "mcp": (0.044, 0.028, -0.063), "ip": (0.052, 0.036, -0.091), "tip": (0.056, 0.043, -0.115)}


def closing_hand(side: str = "right", frames: int = 40, offset: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> dict[str, Array]:
    """Joint -> (T, 3): a hand that hangs, thumb ahead (+x), palm to the thigh (+y of a right one); its joints bend up to 60 degrees."""
    bend = np.radians(30) * (1 - np.cos(np.linspace(0, 2 * np.pi, frames)))
    points = {"wrist": np.zeros((frames, 3))}
    for finger in FINGERS[1:]:
        place = np.tile(np.array(PLACES[finger], float), (frames, 1))
        points[f"{finger}_mcp"] = place
        for k, joint in enumerate(("pip", "dip", "tip")):
            angle = (k + 1) * bend
            place = place + BONES[finger][k] * np.stack([0 * angle, np.sin(angle), -np.cos(angle)], axis=1)
            points[f"{finger}_{joint}"] = place
    # The thumb turns about the wrist's z as a whole, a little.
    for joint, where in THUMB.items():
        turn = 0.2 * bend if joint != "cmc" else 0 * bend
        x, y, z = np.subtract(where, THUMB["cmc"])
        turned = np.stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn), z + 0 * turn], axis=1)
        points[f"thumb_{joint}"] = turned + THUMB["cmc"]
    mirror = np.array([1, 1 if side == "right" else -1, 1])
    return {name: track * mirror + np.array(offset) for name, track in points.items()}


def in_order(points: dict[str, Array], joints: tuple[str, ...]) -> Array:
    """(T, J, 3) in an order; a joint that the hand has not lies in the palm, or up the forearm."""
    palm = (points["middle_mcp"] + points["wrist"]) / 2
    forearm = points["wrist"] + [0, 0, 0.25]
    return np.stack([points.get(joint, forearm if "forearm" in joint else palm) for joint in joints], axis=1)


def y_up(points: Array) -> Array:
    """Positions (..., 3) of a z-up world in one whose y is up: x stays, z becomes y, y becomes -z."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)
