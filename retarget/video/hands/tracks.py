"""Whose hand is which: detections of single frames become at most one left and one right hand over time.

A frame's own label lies now and then, so nothing is decided frame by frame. Detections that surely belong together
become tracklets; then all tracklets of the clip are given to the left hand, the right hand or nobody at once, so that
the summed evidence is best: labels, the way fingers bend, hands that go on where they were last seen. Sides rest on
evidence alone, so clips that overlap agree wherever both saw a hand well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.landmarks import SIDES
from motion.transform import Array
from retarget.video.hands.assign_sides import LEFT, NOBODY, RIGHT, Candidate, best_sides
from retarget.video.hands.tracklets import LinkSettings, Tracklet, hand_scale_px, right_evidence, same_hand_twice, tracklets
from retarget.video.seen import HandDetections

_CODE = {"left": LEFT, "right": RIGHT}
_FAINT_GAIN = 0.02
"""What a frame is worth whose score is just at the threshold."""
_OWN_QUANTILE = 0.75
"""The worker's hands are the larger ones: so large, of all that are seen, are theirs taken to be."""


@dataclass(frozen=True)
class TrackSettings:
    """How hands are told apart.

    Attributes:
        hands: "both", "left" or "right": which of the worker's hands are wanted.
        view: "head", "third_person" or "hands"; decides how much smaller than the other a hand may be.
        least_score: detections below this are no hands.
        start_cost_s: a hand that appears from nowhere and stays for less than this, at full score, is not believed.
        remembered_s: a hand that comes back within this time is expected near where it left.
        switch_cost: evidence, in nats, that it takes to believe that a track goes over to the other hand.
        smallest: share of the worker's hand in the picture below which a hand is somebody else's; by view.
        from_above: share below which a hand that reaches in from above is somebody else's, in head view.
        link: what makes detections of neighbouring frames one hand.
    """

    hands: str = "both"
    view: str = "head"
    least_score: float = 0.3
    start_cost_s: float = 0.2
    remembered_s: float = 1.0
    switch_cost: float = 6.0
    smallest: tuple[tuple[str, float], ...] = (("head", 0.33), ("third_person", 0.6), ("hands", 0.4))
    from_above: float = 0.6
    link: LinkSettings = LinkSettings()


@dataclass(frozen=True)
class HandTrack:
    """One hand over T frames as the detector saw it; what is unseen is NaN.

    Attributes:
        side: "left" or "right".
        time_s: (T,) rising.
        image_px: (T, 21, 2).
        relative_m: (T, 21, 3).
        score: (T,) of the detector; 0 where unseen.
        sure: (T,) evidence for this side in nats, summed over the piece of track that the frame belongs to; 0 where unseen.
        relabelled: (T,) whether the detector called it the other hand in this frame.
    """

    side: str
    time_s: Array
    image_px: Array
    relative_m: Array
    score: Array
    sure: Array
    relabelled: np.ndarray

    @property
    def seen(self) -> np.ndarray:
        """(T,) whether the hand was seen."""
        return np.asarray(np.isfinite(self.image_px).all((1, 2)))


@dataclass(frozen=True)
class Sides:
    """Which hand each detection is.

    Attributes:
        side: (T, K) of `LEFT`, `RIGHT` and `NOBODY`.
        sure: (T, K) evidence for that side in nats.
        relabelled_n: detections whose own label says the other side.
        rejected: why -> how many detections were left out.
    """

    side: np.ndarray
    sure: Array
    relabelled_n: int
    rejected: dict[str, int]


def track_hands(detections: HandDetections, settings: TrackSettings | None = None) -> dict[str, HandTrack]:
    """The worker's hands over the T frames of some detections: "left", "right", both or none of them as keys."""
    sides = find_sides(detections, settings or TrackSettings())
    return {side: _track(detections, sides, side) for side in SIDES if (sides.side == _CODE[side]).any()}


def find_sides(detections: HandDetections, settings: TrackSettings) -> Sides:
    """Left hand, right hand or nobody's, for every detection of the clip at once."""
    present = np.isfinite(detections.image_px).all((2, 3)) & np.isfinite(detections.score)
    faint = present & (detections.score < settings.least_score)
    twice = same_hand_twice(detections, present & ~faint, settings.link)
    usable = present & ~faint & ~twice
    pieces = tracklets(detections, usable, settings.link)
    evidence = right_evidence(detections)
    allowed = np.array([side in (settings.hands, "both") or settings.hands == "both" for side in SIDES])
    found = best_sides(_candidates(detections, pieces, evidence, settings), settings.remembered_s, settings.switch_cost, allowed)
    side, sure = np.full(usable.shape, NOBODY), np.zeros(usable.shape)
    for piece, code in zip(pieces, found, strict=True):
        own = evidence[piece.frames, piece.columns].sum()
        side[piece.frames, piece.columns] = code
        sure[piece.frames, piece.columns] = own if code == RIGHT else -own if code == LEFT else 0.0
    label_right = detections.right > 0.5
    relabelled = ((side == RIGHT) & ~label_right) | ((side == LEFT) & label_right)
    rejected = {"score too low": int(faint.sum()), "same hand twice": int(twice.sum())}
    rejected["short-lived, of implausible size, or a third hand"] = int((usable & (side == NOBODY)).sum())
    return Sides(side, sure, int(relabelled.sum()), rejected)


def _candidates(detections: HandDetections, pieces: list[Tracklet], evidence: Array, settings: TrackSettings) -> list[Candidate]:
    scale = hand_scale_px(detections)
    all_px = np.concatenate([scale[piece.frames, piece.columns] for piece in pieces]) if pieces else np.full(1, np.nan)
    own = float(np.quantile(all_px, _OWN_QUANTILE))
    period_s = float(np.median(np.diff(detections.time_s))) if len(detections.time_s) > 1 else 1.0
    return [_candidate(detections, piece, evidence, scale, own, period_s, settings) for piece in pieces]


def _candidate(
    detections: HandDetections, piece: Tracklet, evidence: Array, scale: Array, own: float, period_s: float, settings: TrackSettings
) -> Candidate:
    at = piece.frames, piece.columns
    score = detections.score[at]
    gain = np.maximum(score - settings.least_score, _FAINT_GAIN).sum() / (1 - settings.least_score) * period_s / settings.start_cost_s
    image, size = detections.image_px[at], scale[at]
    ratio = float(np.median(size) / own)
    if ratio < dict(settings.smallest)[settings.view] or (settings.view == "head" and ratio < settings.from_above and _from_above(image)):
        gain = -np.inf
    return Candidate(
        start_s=float(detections.time_s[piece.frames[0]]),
        end_s=float(detections.time_s[piece.frames[-1]]),
        period_s=period_s,
        first_px=image[0],
        last_px=image[-1],
        size_px=float(np.median(size)),
        right=float(evidence[at].sum()),
        gain=float(gain),
    )


def _from_above(image_px: Array) -> bool:
    """Whether hands (T, 21, 2) mostly reach downward into the picture: their wrists lie above their knuckles."""
    reach = image_px[:, 9] - image_px[:, 0]
    return bool(np.median(reach[:, 1] / np.maximum(np.linalg.norm(reach, axis=-1), 1e-9)) > 0.7)


def _track(detections: HandDetections, sides: Sides, side: str) -> HandTrack:
    mine = sides.side == _CODE[side]
    frame, column = np.nonzero(mine)
    count = len(detections.time_s)
    image, relative = np.full((count, *detections.image_px.shape[2:]), np.nan), np.full((count, *detections.relative_m.shape[2:]), np.nan)
    score, sure, relabelled = np.zeros(count), np.zeros(count), np.zeros(count, bool)
    image[frame], relative[frame] = detections.image_px[frame, column], detections.relative_m[frame, column]
    score[frame], sure[frame] = detections.score[frame, column], sides.sure[frame, column]
    relabelled[frame] = (detections.right[frame, column] > 0.5) != (side == "right")
    return HandTrack(side, detections.time_s, image, relative, score, sure, relabelled)
