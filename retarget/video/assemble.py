"""Hands and body of a film become one HumanMotion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from motion.human import HumanMotion, Subject
from motion.landmarks import hand_landmarks
from motion.provenance import Provenance
from motion.transform import Array, Transform
from retarget.video.paths import BodyPath, HandPath

FILLED = "filled"
"""Ending of the signals that say where a hand or body was filled in: 1 there, else 0."""


@dataclass(frozen=True)
class Worker:
    """All that was made of one person in the world, over T frames.

    Attributes:
        time_s: (T,) rising.
        hands: side -> path.
        body: None where nothing of it was seen or inferred.
        head_wxyz: (T, 4) orientation of the head in the axes of `motion.segments`; None where nobody measured it.
        T_world_camera: poses (T,) of the camera, x to the right, y down, z ahead.
    """

    time_s: Array
    hands: Mapping[str, HandPath]
    body: BodyPath | None
    head_wxyz: Array | None
    T_world_camera: Transform


def human_motion(worker: Worker, subject: Subject, provenance: Provenance) -> HumanMotion:
    """The HumanMotion of a film; time starts at 0.

    Fingers hang on the body's wrist where the body has one. `signals` say where gaps were filled ("left_hand_filled",
    "right_hand_filled", "body_filled") and where the camera was ("camera_position_m", "camera_wxyz").
    """
    tracks = _body_tracks(worker.body)
    signals: dict[str, Array] = {}
    for side, hand in worker.hands.items():
        if np.isfinite(hand.position_m).any():
            tracks |= _hand_tracks(side, hand, worker.body)
            signals[f"{side}_hand_{FILLED}"] = hand.filled.astype(float)
    if worker.body is not None:
        signals[f"body_{FILLED}"] = worker.body.filled.astype(float)
    signals |= {"camera_position_m": worker.T_world_camera.position_m, "camera_wxyz": worker.T_world_camera.wxyz}
    position = np.stack([track for track, _ in tracks.values()], axis=1)
    return HumanMotion(
        time_s=worker.time_s - worker.time_s[0],
        landmarks=tuple(tracks),
        position_m=position,
        confidence=np.where(np.isfinite(position).all(-1), np.stack([trust for _, trust in tracks.values()], axis=1), 0.0),
        segments=() if worker.head_wxyz is None else ("head",),
        segment_wxyz=None if worker.head_wxyz is None else worker.head_wxyz[:, None],
        signals=signals,
        subject=subject,
        provenance=provenance,
    )


def _body_tracks(body: BodyPath | None) -> dict[str, tuple[Array, Array]]:
    """Landmark -> positions (T, 3) and confidence (T,), of those that are there at all."""
    if body is None:
        return {}
    columns = {name: column for column, name in enumerate(body.landmarks) if np.isfinite(body.position_m[:, column]).any()}
    return {name: (body.position_m[:, column], body.confidence[:, column]) for name, column in columns.items()}


def _hand_tracks(side: str, hand: HandPath, body: BodyPath | None) -> dict[str, tuple[Array, Array]]:
    wrist = f"{side}_wrist"
    names, shift = hand_landmarks(side), np.zeros((len(hand.time_s), 3))
    if body is not None and wrist in body.landmarks:
        shift = body.position_m[:, body.landmarks.index(wrist)] - hand.position_m[:, 0]
        names = names[1:]
    first = len(hand_landmarks(side)) - len(names)
    return {name: (hand.position_m[:, k] + shift, hand.confidence[:, k]) for k, name in enumerate(names, start=first)}
