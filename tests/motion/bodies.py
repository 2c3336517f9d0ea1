"""A stick person for tests: standing upright at the origin, facing +x, arms hanging, palms to the thighs."""

from __future__ import annotations

import numpy as np

from motion.human import HumanMotion
from motion.landmarks import FINGERS, SIDES
from motion.provenance import record

_FINGER_DEPTH = {"thumb": (0.03, 0.055, 0.08, 0.10), "index": (0.09, 0.13, 0.155, 0.175)}
_FINGER_DEPTH |= {"middle": (0.09, 0.135, 0.16, 0.18), "ring": (0.085, 0.125, 0.15, 0.17), "pinky": (0.08, 0.11, 0.13, 0.145)}
_FINGER_AHEAD = {"thumb": 0.035, "index": 0.025, "middle": 0.0, "ring": -0.015, "pinky": -0.03}


def standing_points(elbow_rad: float = 0.0, knee_rad: float = 0.0) -> dict[str, np.ndarray]:
    """Landmark -> (3,). Elbows and knees may be bent (rad)."""
    points = {
        "pelvis": (0, 0, 0.95),
        "spine": (0, 0, 1.05),
        "chest": (0, 0, 1.25),
        "neck": (0, 0, 1.48),
        "head": (0, 0, 1.58),
        "head_top": (0, 0, 1.72),
    }
    for side, y in zip(SIDES, (1, -1), strict=True):
        thigh, shank, arm, fore = 0.42, 0.42, 0.30, 0.25
        points[f"{side}_hip"] = (0, 0.09 * y, 0.92)
        points[f"{side}_knee"] = (thigh * np.sin(knee_rad / 2), 0.09 * y, 0.92 - thigh * np.cos(knee_rad / 2))
        ankle_x = points[f"{side}_knee"][0] - shank * np.sin(knee_rad / 2)
        points[f"{side}_ankle"] = (ankle_x, 0.09 * y, points[f"{side}_knee"][2] - shank * np.cos(knee_rad / 2))
        points[f"{side}_heel"] = (ankle_x - 0.05, 0.09 * y, 0.0)
        points[f"{side}_toe"] = (ankle_x + 0.18, 0.09 * y, 0.0)
        points[f"{side}_clavicle"] = (0, 0.05 * y, 1.44)
        points[f"{side}_shoulder"] = (0, 0.19 * y, 1.42)
        points[f"{side}_elbow"] = (0, 0.19 * y, 1.42 - arm)
        down = np.array([np.sin(elbow_rad), 0, -np.cos(elbow_rad)])
        ahead = np.array([np.cos(elbow_rad), 0, np.sin(elbow_rad)])
        wrist = np.array(points[f"{side}_elbow"]) + fore * down
        points[f"{side}_wrist"] = tuple(wrist)
        for finger in FINGERS:
            names = ("cmc", "mcp", "ip", "tip") if finger == "thumb" else ("mcp", "pip", "dip", "tip")
            for name, depth in zip(names, _FINGER_DEPTH[finger], strict=True):
                points[f"{side}_{finger}_{name}"] = tuple(wrist + depth * down + _FINGER_AHEAD[finger] * ahead)
    return {name: np.array(point, float) for name, point in points.items()}


def still_person(frames: int = 5, rate_hz: float = 50.0, **bend: float) -> HumanMotion:
    """The stick person over some frames."""
    points = standing_points(**bend)
    position = np.tile(np.stack(list(points.values())), (frames, 1, 1))
    return HumanMotion(
        time_s=np.arange(frames) / rate_hz,
        landmarks=tuple(points),
        position_m=position,
        confidence=np.ones(position.shape[:2]),
        provenance=record("stick person", "test", licence="CC0-1.0", consent="not a person"),
    )
