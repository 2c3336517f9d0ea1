"""Hands of a recording: tool frames of a palm that does not bend, how far the fingers are open, and what grasp it is."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from motion.human import HumanMotion
from motion.landmarks import FINGERS, hand_landmarks
from motion.resample import interpolate
from motion.tool_frame import palm_landmarks, tool_pose
from motion.transform import Array, Transform, normalized, wxyz_from_matrix
from retarget.spans import bridged

OPPOSED_M = -0.005
"""A thumb whose tip is farther out of the palm than this, as seen from the tool's origin, stands against the fingers."""

STRAIGHT_RAD = 0.55
"""Middle joints of the fingers bent less than this are straight."""

STANDS_BY_M = 0.04
"""A ring finger whose tip is farther than this from the middle one's does not take part: the others pinch."""


def palm_track(motion: HumanMotion, side: str) -> Transform:
    """`T_world_tool`, batch (T,), NaN where fewer than three landmarks of the palm are seen.

    The palm's own shape, the median over the recording, is laid over what is seen in each frame: noise of single
    landmarks is shared by all.
    """
    place = np.stack([motion.point(name) for name in palm_landmarks(side)], axis=1)
    raw = tool_pose(motion.point, side)
    whole = np.isfinite(raw.position_m).all(-1)
    if not whole.any():
        return raw
    back = raw[whole].inverse()
    local = np.einsum("tij,tkj->tki", back.rotation(), place[whole]) + back.position_m[:, None]
    shape = np.median(local, axis=0)
    fitted = _laid_over(shape, place)
    named = dict(zip(palm_landmarks(side), shape[:, None], strict=True))
    return fitted @ _repeated(tool_pose(named.__getitem__, side)[0], len(place))


def palm_confidence(motion: HumanMotion, side: str, times: Array) -> Array:
    """(S,) mean confidence of the palm's landmarks at other times, 0 where they are unseen.

    Args:
        motion: of the person.
        side: of the hand.
        times: (S,).
    """
    _, confidence = motion.points(palm_landmarks(side))
    return np.asarray(interpolate(motion.time_s, confidence.mean(axis=1), times))


def fingers_in_tool(motion: HumanMotion, side: str, tool: Transform, times: Array, smooth_frames: float) -> Array:
    """(S, 20, 3) finger landmarks in the tool frame, at other times; gaps are bridged. NaN where a landmark is never seen.

    Args:
        motion: of the person.
        side: of the hand.
        tool: `T_world_tool`, batch (T,).
        times: (S,).
        smooth_frames: deviation of the Gaussian over them.
    """
    back = tool.inverse()
    out = []
    for name in hand_landmarks(side)[1:]:
        local = bridged(motion.time_s, back.apply(motion.point(name)))
        out.append(gaussian_filter1d(interpolate(motion.time_s, local, times), smooth_frames, axis=0, mode="nearest"))
    return np.stack(out, axis=1)


def openings(fingers: Array, held: Array, ready: Array) -> Array:
    """(S,) 1 where fingertips (S, 5, 3) are as in `ready` (5, 3), 0 where as in `held`."""
    way = (ready - held).ravel()
    share = (fingers.reshape(len(fingers), -1) - held.ravel()) @ way / max(float(way @ way), 1e-12)
    return np.asarray(np.clip(share, 0.0, 1.0))


def tips(fingers: Array) -> Array:
    """(S, 5, 3) thumb .. pinky of (S, 20, 3)."""
    return fingers[:, 3::4]


def grasp_word(fingers: Array, side: str) -> str:
    """The grasp that a hand's shape (20, 3), in the tool frame, looks like.

    A thumb against the fingers makes wrap, pinch or fork; a thumb beside them hook or flat. Which of them is told by how
    far the middle joints are bent, and by whether the ring finger goes with the others.
    """
    outward = 1.0 if side == "right" else -1.0
    thumb_out = outward * float(fingers[3, 1])
    middle = np.mean([bend(fingers, finger, (1,)) for finger in ("index", "middle", "ring")])
    if thumb_out < OPPOSED_M:
        return "hook" if middle > STRAIGHT_RAD else "flat"
    if middle < STRAIGHT_RAD and bend(fingers, "index", (0, 1, 2)) < 2 * STRAIGHT_RAD:
        return "fork"
    apart = float(np.linalg.norm(fingers[15] - fingers[11]))
    return "pinch" if apart > STANDS_BY_M else "wrap"


def bend(fingers: Array, finger: str, joints: tuple[int, ...]) -> float:
    """How far a finger is bent at its knuckle (0), middle (1) and end joint (2), rad, summed.

    The knuckle's bend is measured against the palm's long axis, which is the tool's x.
    """
    start = 4 * FINGERS.index(finger)
    bones = np.vstack([[[1.0, 0.0, 0.0]], normalized(np.diff(fingers[start : start + 4], axis=0))])
    angles = np.arccos(np.clip(np.einsum("ij,ij->i", bones[:-1], bones[1:]), -1, 1))
    return float(angles[list(joints)].sum())


def _laid_over(shape: Array, place: Array) -> Transform:
    """`T_world_shape`, batch (T,), of points (K, 3) that lie at (T, K, 3); unseen ones do not count.

    Source: Kabsch 1976, Acta Cryst. A32: the rotation of least squared distance, by a singular value decomposition.
    """
    seen = np.asarray(np.isfinite(place).all(-1))
    weight = (seen / np.maximum(seen.sum(1, keepdims=True), 1))[..., None]
    known = np.where(seen[..., None], place, 0.0)
    centre, middle = (weight * known).sum(1), (weight * shape).sum(1)
    cross = np.einsum("tki,tkj->tij", weight * (known - centre[:, None]), shape - middle[:, None])
    u, _, vt = np.linalg.svd(cross)
    sign = np.sign(np.linalg.det(u @ vt))
    u[..., -1] *= sign[:, None]
    rotation = u @ vt
    enough = seen.sum(1) >= 3
    position = centre - np.einsum("tij,tj->ti", rotation, middle)
    wxyz = wxyz_from_matrix(np.where(enough[:, None, None], rotation, np.nan))
    return Transform(np.where(enough[:, None], position, np.nan), wxyz)


def _repeated(pose: Transform, count: int) -> Transform:
    return Transform(np.tile(pose.position_m, (count, 1)), np.tile(pose.wxyz, (count, 1)))
