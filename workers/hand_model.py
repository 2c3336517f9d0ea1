"""Kinematic model of a hand: 20 finger landmarks from finger posture, with constant bones.

Hand coordinates (m), the same for both sides: d distal (wrist to middle knuckle), r radial (toward the thumb),
p palmar (out of the palm). Mirroring the hand is choosing the world direction of r.

Sources:
    Buryanov & Kotiuk 2010, Int. J. Morphol. 28(3): lengths of metacarpals, phalanges and finger pulp.
    Youm et al. 1978, J. Hand Surg. 3(5): carpal height 0.54 of the third metacarpal.
    Santello, Flanders & Soechting 1998, J. Neurosci. 18(23): two postural synergies give > 80 % of the variance of
        grasping postures: all finger joints closing together with the thumb turning into opposition, and knuckles
        against middle joints (flat grip against hook). Their shape is taken from there; the numbers are rounded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.landmarks import hand_landmarks
from motion.transform import Array
from workers.anthropometry import Physique

FINGER_LANDMARKS: tuple[str, ...] = tuple(name.removeprefix("left_") for name in hand_landmarks("left")[1:])
"""The 20 landmarks without their side, in the order of the vocabulary."""

_CARPUS_MM = 0.54 * 64.6
_METACARPAL_MM = {"thumb": 46.2, "index": 68.1, "middle": 64.6, "ring": 58.0, "pinky": 53.7}
_PHALANGES_MM = {
    "thumb": (31.6, 21.7 + 5.7),
    "index": (39.8, 22.4, 15.8 + 3.8),
    "middle": (44.6, 26.3, 17.4 + 4.0),
    "ring": (41.4, 25.7, 17.3 + 4.0),
    "pinky": (32.7, 18.1, 16.0 + 3.7),
}
_FOUR = ("index", "middle", "ring", "pinky")
_MODEL_LENGTH_MM = _CARPUS_MM + _METACARPAL_MM["middle"] + sum(_PHALANGES_MM["middle"])
_CARPUS_SHARE = {"index": 0.86, "middle": 1.0, "ring": 0.97, "pinky": 0.92}
_KNUCKLE_RADIAL = {"index": 0.34, "middle": 0.10, "ring": -0.13, "pinky": -0.34}
_KNUCKLE_PALMAR = {"index": 0.0, "middle": -0.01, "ring": 0.02, "pinky": 0.06}
_SPREAD_RAD = {"index": 0.10, "middle": 0.02, "ring": -0.07, "pinky": -0.18}
_THUMB_BASE = (0.55, 0.27, 0.10)
"""Carpometacarpal joint of the thumb: distal in lengths of the carpus, radial and palmar in hand breadths."""

# Angles in rad per finger (index .. pinky): knuckle, middle joint, end joint.
_OPEN = np.array([[0.10, 0.16, 0.08], [0.12, 0.18, 0.10], [0.14, 0.20, 0.10], [0.14, 0.20, 0.10]])
_CLOSING = np.array([[0.95, 1.05, 0.60], [1.05, 1.10, 0.65], [1.10, 1.10, 0.65], [1.10, 1.00, 0.60]])
_HOOKING = np.array([[-0.45, 0.55, 0.30], [-0.45, 0.60, 0.35], [-0.45, 0.60, 0.35], [-0.40, 0.55, 0.35]])
# Thumb: opposition (turn about the hand's long axis), radial abduction, knuckle, end joint.
_THUMB_OPEN = np.array([0.20, 0.70, 0.10, 0.10])
_THUMB_CLOSING = np.array([1.05, -0.20, 0.45, 0.40])
_THUMB_HOOKING = np.array([-0.35, -0.10, 0.10, 0.20])

LOWER_RAD, UPPER_RAD = np.array([-0.35, 0.0, 0.0]), np.array([1.57, 1.92, 1.40])
"""Range of knuckle, middle and end joints: no finger bends backward beyond 20 degrees at the knuckle."""
_THUMB_LOWER_RAD, _THUMB_UPPER_RAD = np.array([0.0, 0.1, -0.1, -0.1]), np.array([1.6, 1.0, 1.0, 1.4])
LOWEST_RAD, HIGHEST_RAD = (
    np.concatenate([np.tile(four, 4), thumb]) for four, thumb in ((LOWER_RAD, _THUMB_LOWER_RAD), (UPPER_RAD, _THUMB_UPPER_RAD))
)
"""(16,) range of all finger angles, as `joined` stacks them."""


@dataclass(frozen=True)
class HandModel:
    """Sizes of one worker's hands, m.

    Attributes:
        knuckles_m: (4, 3) index .. pinky MCP in (d, r, p).
        phalanges_m: (4, 3) bone lengths, the last with the finger pulp.
        thumb_base_m: (3,) thumb CMC.
        thumb_m: (3,) metacarpal and two phalanges.
        length_m: wrist to tip of the straight middle finger.
    """

    knuckles_m: Array
    phalanges_m: Array
    thumb_base_m: Array
    thumb_m: Array
    length_m: float


def hand_model(physique: Physique) -> HandModel:
    """The hand of one body: published proportions scaled to its length and breadth."""
    scale = physique.hand_length_m / _MODEL_LENGTH_MM
    breadth = physique.hand_breadth_m
    radial = np.array([_KNUCKLE_RADIAL[name] for name in _FOUR]) * breadth
    palmar = np.array([_KNUCKLE_PALMAR[name] for name in _FOUR]) * breadth
    radial, palmar = radial - radial[1], palmar - palmar[1]  # the middle knuckle lies straight ahead of the wrist
    reach = np.array([_CARPUS_SHARE[name] * _CARPUS_MM + _METACARPAL_MM[name] for name in _FOUR]) * scale
    distal = np.sqrt(reach**2 - radial**2 - palmar**2)
    along, side, out = _THUMB_BASE
    return HandModel(
        knuckles_m=np.stack([distal, radial, palmar], axis=1),
        phalanges_m=np.array([_PHALANGES_MM[name] for name in _FOUR]) * scale,
        thumb_base_m=np.array([along * _CARPUS_MM * scale, side * breadth, out * breadth]),
        thumb_m=np.array([_METACARPAL_MM["thumb"], *_PHALANGES_MM["thumb"]]) * scale,
        length_m=physique.hand_length_m,
    )


def finger_posture(closing: Array, hooking: Array) -> tuple[Array, Array]:
    """Joint angles from the two synergies.

    Args:
        closing: (T,) 0 open .. 1 fist.
        hooking: (T,) -1 flat fingers bent at the knuckles .. 1 straight knuckles, bent middle joints.

    Returns:
        flexion (T, 4, 3) of index .. pinky (knuckle, middle, end joint) and thumb (T, 4): opposition, radial
        abduction, knuckle and end flexion; rad, within the joints' range.
    """
    first, second = closing[:, None, None], hooking[:, None, None]
    flexion = np.clip(_OPEN + first * _CLOSING + second * _HOOKING, LOWER_RAD, UPPER_RAD)
    thumb = _THUMB_OPEN + closing[:, None] * _THUMB_CLOSING + hooking[:, None] * _THUMB_HOOKING
    return flexion, np.clip(thumb, _THUMB_LOWER_RAD, _THUMB_UPPER_RAD)


def joined(flexion: Array, thumb: Array) -> Array:
    """(T, 16) all angles of a hand: flexion (T, 4, 3) of index .. pinky, then thumb (T, 4)."""
    return np.concatenate([flexion.reshape(len(flexion), 12), thumb], axis=1)


def parted(angles: Array) -> tuple[Array, Array]:
    """Flexion (T, 4, 3) and thumb (T, 4) of what `joined` stacked."""
    return angles[:, :12].reshape(-1, 4, 3), angles[:, 12:]


def finger_points(hand: HandModel, flexion: Array, thumb: Array) -> Array:
    """Landmarks (T, 20, 3) in hand coordinates (d, r, p), in the order of `FINGER_LANDMARKS`."""
    return np.concatenate([_thumb_points(hand, thumb), _four_points(hand, flexion)], axis=1)


def _four_points(hand: HandModel, flexion: Array) -> Array:
    spread = np.array([_SPREAD_RAD[name] for name in _FOUR])
    straight = np.stack([np.cos(spread), np.sin(spread), np.zeros(4)], axis=1)[:, None, :]
    bend = np.cumsum(flexion, axis=2)[..., None]
    bones = (np.cos(bend) * straight + np.sin(bend) * [0.0, 0.0, 1.0]) * hand.phalanges_m[..., None]
    chain = np.concatenate([np.broadcast_to(hand.knuckles_m[:, None], (len(flexion), 4, 1, 3)), bones], axis=2)
    return np.cumsum(chain, axis=2).reshape(len(flexion), 16, 3)


def _thumb_points(hand: HandModel, thumb: Array) -> Array:
    """The thumb bends in one plane: away from the hand's long axis, turned by opposition from radial to palmar."""
    opposition, abduction, knuckle, end = thumb.T
    outward = np.stack([np.zeros_like(opposition), np.cos(opposition), np.sin(opposition)], axis=1)
    lean = np.stack([abduction, abduction - knuckle, abduction - knuckle - end], axis=1)[..., None]
    bones = (np.cos(lean) * [1.0, 0.0, 0.0] + np.sin(lean) * outward[:, None]) * hand.thumb_m[:, None]
    base = np.broadcast_to(hand.thumb_base_m, (len(thumb), 1, 3))
    return np.cumsum(np.concatenate([base, bones], axis=1), axis=1)
