"""Pieces of tracks: detections of neighbouring frames that surely are one hand, and what each says of its side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.transform import Array
from retarget.video.seen import HandDetections

_PALM = [0, 1, 5, 9, 13, 17]
_MOST_NATS = 1.5
"""A single frame's label never weighs more: the detector is as sure when it is wrong."""
_BEND_NATS = 1.0
"""Weight of the way the fingers bend, fully bent."""
_FRAMES_ALIKE = 5.0
"""Neighbouring frames err together: so many of them are worth one."""


@dataclass(frozen=True)
class LinkSettings:
    """What makes detections of two frames one hand, and two detections of one frame the same hand twice.

    Attributes:
        furthest: distance between frames in hand lengths, a thirtieth of a second apart, above which they are two hands.
        clearer: how many times further the next best hand has to be, or the link is left open.
        twice: mean distance of the points of two hands in one frame, in hand lengths, below which they are one hand.
        turn_s: half the time over which evidence of the side is summed when a track is looked through for a change of hands.
        turn_nats: evidence on either side that makes such a change.
    """

    furthest: float = 0.8
    clearer: float = 1.5
    twice: float = 0.3
    turn_s: float = 0.5
    turn_nats: float = 2.0


@dataclass(frozen=True)
class Tracklet:
    """Detections of frames in a row that are one hand: `frames` (N,) rising by one, `columns` (N,) which of the K hands."""

    frames: np.ndarray
    columns: np.ndarray


def hand_scale_px(detections: HandDetections) -> Array:
    """(T, K) how long the hand would be in the picture, held across the line of sight; NaN where unseen.

    The scale between the detector's relative shape and the picture, by least squares, so that turning a hand leaves it alone.
    """
    image = detections.image_px - detections.image_px.mean(2, keepdims=True)
    shape = detections.relative_m - detections.relative_m.mean(2, keepdims=True)
    flat = shape[..., :2]
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = (image * flat).sum((2, 3)) / (flat**2).sum((2, 3))
    chain = detections.relative_m[:, :, [0, 9, 10, 11, 12]]
    return np.asarray(np.abs(scale) * np.linalg.norm(np.diff(chain, axis=2), axis=-1).sum(-1))


def same_hand_twice(detections: HandDetections, usable: np.ndarray, settings: LinkSettings) -> np.ndarray:
    """(T, K) detections that lie on a better one of the same frame, point by point."""
    image, size = detections.image_px, hand_scale_px(detections)
    apart = np.linalg.norm(image[:, :, None] - image[:, None], axis=-1).mean(-1)
    near = apart < settings.twice * np.minimum(size[:, :, None], size[:, None])
    score = np.where(usable, detections.score, -np.inf)
    count = score.shape[1]
    first = np.arange(count)[:, None] > np.arange(count)  # of equal scores the first one stays
    better = (score[:, None] > score[:, :, None]) | ((score[:, None] == score[:, :, None]) & first)
    return np.asarray((near & better & usable[:, :, None] & usable[:, None]).any(2))


def right_evidence(detections: HandDetections) -> Array:
    """(T, K) evidence for a right hand, in nats, below 0 for a left one: label and bend of the fingers. 0 where unseen."""
    right = np.clip(detections.right, 1e-3, 1 - 1e-3)
    label = np.clip(np.log(right / (1 - right)), -_MOST_NATS, _MOST_NATS)
    return np.asarray(np.nan_to_num(label + _BEND_NATS * bend_to_right(detections.relative_m)) / _FRAMES_ALIKE)


def bend_to_right(relative_m: Array) -> Array:
    """(...,) from 1 for fingers (..., 21, 3) that bend, and a thumb that stands, as a right hand's do, to -1 for a left one's."""
    along = _unit(relative_m[..., 9, :] - relative_m[..., 0, :])
    across = relative_m[..., 5, :] - relative_m[..., 17, :]
    palmar = _unit(np.cross(across, along))  # out of the palm of a right hand
    tips, firsts, knuckles = relative_m[..., [8, 12, 16, 20], :], relative_m[..., [6, 10, 14, 18], :], relative_m[..., [5, 9, 13, 17], :]
    bone, rest = _unit(firsts - knuckles), _unit(tips - firsts)
    out = rest - (rest * bone).sum(-1, keepdims=True) * bone
    fingers = (out * palmar[..., None, :]).sum(-1).mean(-1)
    thumb = (_unit(relative_m[..., 2, :] - relative_m[..., 0, :]) * palmar).sum(-1)
    return np.clip(fingers + thumb, -1.0, 1.0)


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-9))


def tracklets(detections: HandDetections, usable: np.ndarray, settings: LinkSettings) -> list[Tracklet]:
    """All usable detections, in pieces that surely are one hand each, in the order of their beginnings."""
    after = _links(detections, usable, settings)
    taken, pieces = np.zeros(usable.shape, bool), []
    for frame, column in zip(*np.nonzero(usable), strict=True):
        if not taken[frame, column]:
            columns = [int(column)]
            while after[frame + len(columns) - 1, columns[-1]] >= 0:
                columns.append(int(after[frame + len(columns) - 1, columns[-1]]))
            piece = Tracklet(np.arange(frame, frame + len(columns)), np.array(columns))
            taken[piece.frames, piece.columns] = True
            pieces += _where_evidence_turns(detections, piece, settings)
    return sorted(pieces, key=lambda piece: (int(piece.frames[0]), int(piece.columns[0])))


def _links(detections: HandDetections, usable: np.ndarray, settings: LinkSettings) -> np.ndarray:
    """(T, K) column of the same hand in the next frame, or -1: each the other's nearest, and clearly so."""
    image = np.where(usable[..., None, None], detections.image_px, np.nan)
    size = hand_scale_px(detections)
    after = np.full(usable.shape, -1)
    if len(usable) < 2:
        return after
    frames = np.maximum(np.diff(detections.time_s)[:, None, None] * 30.0, 1.0)
    apart = np.linalg.norm(image[:-1, :, None] - image[1:, None], axis=-1).mean(-1)
    apart = apart / (np.maximum(size[:-1, :, None], size[1:, None]) * frames)
    apart = np.where(apart < settings.furthest, apart, np.inf)  # NaN, too, is far
    best = apart.argmin(2)
    rows, columns = np.arange(len(apart))[:, None], np.arange(usable.shape[1])
    shortest = apart[rows, columns, best]
    others = apart.copy()
    others[rows, columns, best] = np.inf
    beside = apart.copy()
    beside[rows, columns, best] = np.inf
    rivals = np.minimum(others.min(2), beside.min(1)[rows, best])
    clear = np.isfinite(shortest) & (apart.argmin(1)[rows, best] == columns) & (rivals > settings.clearer * shortest)
    after[:-1] = np.where(clear, best, -1)
    return after


def _where_evidence_turns(detections: HandDetections, piece: Tracklet, settings: LinkSettings) -> list[Tracklet]:
    """The piece, cut where what it says of its side turns over for good: a detector may slide from one hand to the other."""
    evidence = right_evidence(detections)[piece.frames, piece.columns]
    total, time_s = np.r_[0.0, np.cumsum(evidence)], detections.time_s[piece.frames]
    low = np.searchsorted(time_s, time_s - settings.turn_s)
    high = np.searchsorted(time_s, time_s + settings.turn_s, side="right")
    here = np.arange(len(evidence))
    before, after = total[here] - total[low], total[high] - total[here]
    turns = (np.sign(before) != np.sign(after)) & (np.minimum(np.abs(before), np.abs(after)) > settings.turn_nats)
    cuts = []
    strength = np.where(turns, np.abs(after - before), 0.0)
    while strength.any():
        cut = int(strength.argmax())
        cuts.append(cut)
        strength[low[cut] : high[cut]] = 0.0
    parts = np.split(here, sorted(cuts))
    return [Tracklet(piece.frames[part], piece.columns[part]) for part in parts if len(part)]
