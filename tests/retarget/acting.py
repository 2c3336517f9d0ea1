"""Synthetic people for tests of the solvers: somebody who shifts their weight, and somebody who strikes through their own body."""

from __future__ import annotations

import dataclasses

import numpy as np

from motion.human import HumanMotion
from tests.motion.bodies import standing_points, still_person

_LEGS = ("knee", "ankle", "heel", "toe")
_FEET = ("ankle", "heel", "toe")


def shifting(frames: int = 120, rate_hz: float = 60.0, sway_m: float = 0.06) -> HumanMotion:
    """Both feet stand; the body sways sideways over them and sinks a little. Feet creep by 5 mm, as in any recording."""
    person = still_person(frames, rate_hz, elbow_rad=0.9, knee_rad=0.5)
    position, time = person.position_m.copy(), person.time_s
    sway = sway_m * np.sin(2 * np.pi * 0.5 * time)
    for column, name in enumerate(person.landmarks):
        part = name.split("_")[-1]
        share = 0.0 if part in _FEET else 0.5 if part == "knee" else 1.0
        position[:, column, 1] += share * sway
        position[:, column, 0] += 0.005 * np.sin(2 * np.pi * 0.3 * time) if part in _FEET else 0.0
    return dataclasses.replace(person, position_m=position)


def violent(frames: int = 80, rate_hz: float = 60.0, seed: int = 0) -> HumanMotion:
    """Limbs thrown between random postures several times a second, bones keeping their lengths."""
    person, rng = still_person(frames, rate_hz, elbow_rad=0.3, knee_rad=0.3), np.random.default_rng(seed)
    points, time = standing_points(elbow_rad=0.3, knee_rad=0.3), person.time_s
    position = person.position_m.copy()
    for side in ("left", "right"):
        for root, parts in (("shoulder", ("elbow", "wrist", "thumb", "index", "middle", "ring", "pinky")), ("hip", _LEGS)):
            angle = 1.2 * np.sign(np.sin(2 * np.pi * rng.uniform(2, 5) * time + rng.uniform(0, 6)))
            centre = points[f"{side}_{root}"]
            for column, name in enumerate(person.landmarks):
                if name.startswith(side) and name.split("_")[1] in parts:
                    x, y, z = (points[name] - centre).T
                    turned = np.stack(
                        [x * np.cos(angle) - z * np.sin(angle), np.full(frames, y), x * np.sin(angle) + z * np.cos(angle)], -1
                    )
                    position[:, column] = centre + turned
    return dataclasses.replace(person, position_m=position)


def hugging(frames: int = 60, rate_hz: float = 60.0, inward_m: float = 0.02, turn_rad: float = 1.2) -> HumanMotion:
    """The right forearm swings across the belly and into it, and out again; the left arm is held out sideways."""
    person, hanging = still_person(frames, rate_hz, elbow_rad=1.5), standing_points()
    position = person.position_m.copy()
    shoulder = hanging["left_shoulder"]
    for column, name in enumerate(person.landmarks):
        if name.startswith("left") and name.split("_")[1] in ("elbow", *_HAND):  # held out sideways, out of the way
            x, y, z = hanging[name] - shoulder
            position[:, column] = shoulder + np.array([x, -z, y])
    elbow = person.point("right_elbow")[0]
    angle = turn_rad * np.sin(np.pi * np.arange(frames) / (frames - 1)) ** 2
    moving = [c for c, n in enumerate(person.landmarks) if n.split("_")[0] == "right" and n.split("_")[1] in _HAND]
    for column in moving:
        x, y, z = position[0, column] - elbow
        x_turned, y_turned = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
        position[:, column] = elbow + np.stack([x_turned, y_turned, np.full(frames, z)], -1)
        position[:, column, 0] -= inward_m * np.sin(np.pi * np.arange(frames) / (frames - 1)) ** 2
    position[:, person.landmarks.index("right_elbow"), 0] -= inward_m * np.sin(np.pi * np.arange(frames) / (frames - 1)) ** 2
    return dataclasses.replace(person, position_m=position)


_HAND = ("wrist", "thumb", "index", "middle", "ring", "pinky")
