"""A lens that nobody named, checked by the arms: nobody's hands are farther from their head than their arms are long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from retarget.video.bodies.body_bones import DEFAULT_STATURE_M
from retarget.video.cameras.camera import Camera
from retarget.video.hands.hand_size import HandShape
from retarget.video.hands.lift_hand import lift_hands
from retarget.video.hands.tracks import HandTrack

_FAR_SHARE = 0.42
"""Of stature: from a phone on the forehead to a wrist whose arm is stretched out down to the front. The shoulder is 0.15 below
and 0.06 behind the phone, the wrist 0.33 from the shoulder (Drillis and Contini 1966)."""
_FAR_PERCENTILE = 90


def within_reach(camera: Camera, tracks: Mapping[str, HandTrack], shape: HandShape, stature_m: float | None) -> tuple[Camera, str]:
    """The assumed camera of a head, with a shorter lens where hands would be out of reach with it; and that in words.

    Distances of hands of known size are proportional to the focal length.

    Args:
        camera: assumed.
        tracks: hands of the wearer, a sample of the film.
        shape: of the hand.
        stature_m: of the wearer; a usual one where None.
    """
    wrists = [path.position_m[:, 0] for path in lift_hands(tracks, camera, shape).values()]
    away_m = np.linalg.norm(np.concatenate([*wrists, np.empty((0, 3))]), axis=-1)
    away_m = away_m[np.isfinite(away_m)]
    reach_m = _FAR_SHARE * (stature_m or DEFAULT_STATURE_M)
    if not len(away_m) or (far_m := float(np.percentile(away_m, _FAR_PERCENTILE))) <= reach_m:
        return camera, ""
    share = reach_m / far_m
    words = (
        f"hands would be {far_m:.2f} m away, out of reach, so a lens of {share:.2f} times the focal length is taken; "
        "state camera= for true distances"
    )
    return replace(camera, focal_px=(share * camera.focal_px[0], share * camera.focal_px[1])), words
