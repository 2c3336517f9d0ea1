"""One hand along the chain from a person's recording to a robot's attempt: how it moves at the same moments, in the same frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from gap.alignment.compare import Scales
from gap.alignment.tracks import Tracks
from gap.alignment.warping import Warp
from gap.human.corrections import BAND_HZ, Correction, corrections, smoothed, velocities
from gap.human.recording import Recording, is_mirrored, recorded_at
from motion.handling import Handling, Hold
from motion.resample import interpolate
from motion.transform import Array, Transform, rotate

PERSON, ASKED, REFERENCE, ATTEMPT = "person", "asked", "reference", "attempt"
_CLOCK_S = 0.3
"""Deviation of the smoothing of the attempt's clock: pairs of frames come in steps, time does not."""
_STILL = 1e-4
"""Share of the usual weight that a moment has in which nothing moves, and which so says nothing of time."""
_MIRROR = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
"""Velocity and angular velocity of a hand, in its own frame, as seen in a mirror."""
_OTHER = {"left": "right", "right": "left"}


@dataclass(frozen=True)
class Chain:
    """One hand, at the M moments of the ideal.

    Attributes:
        corrections: that the person made.
        velocity: `PERSON`, `ASKED`, `REFERENCE`, `ATTEMPT` -> (M, 6) velocity (m/s) and angular velocity (rad/s), up to 5 Hz, as seen
            from the person's hand, so that rooms, layouts and mirrors do not matter; NaN at moments that it did not come to. Without
            `ASKED` where the person is only known by what was asked.
    """

    corrections: tuple[Correction, ...]
    velocity: Mapping[str, Array]


def chains(handling: Handling, reference: Tracks, attempt: Tracks, warp: Warp, recording: Recording | None = None) -> dict[str, Chain]:
    """Side -> chain, of the hands that the person holds something with.

    Args:
        handling: what was asked of the hands; M moments, those of the reference.
        reference: the retargeted motion.
        attempt: T moments.
        warp: from the attempt's moments to the reference's.
        recording: the person's own; without it the person is the handling, which has been smoothed already.
    """
    clock, period = attempt_at(warp, reference), reference.period_s
    frames = np.arange(len(reference), dtype=float)
    found = {}
    for side in (side for side in reference.hands if any(hold.side == side for hold in handling.holds)):
        asked = handling.hands[side].T_counter_tool
        parts = {
            ASKED: _seen_from(asked, _at(asked, frames, period)),
            REFERENCE: _seen_from(asked, _at(reference.hands[side], frames, period)),
            ATTEMPT: _seen_from(asked, _at(attempt.hands[side], clock, period)),
        }
        if recording is None:
            near = _edges(handling.holds, side, float(handling.time_s[0]))
            found[side] = Chain(corrections(asked, near, period), {PERSON: parts.pop(ASKED), **parts})
        else:
            own, velocity = _person(side, handling, recording, period)
            found[side] = Chain(own, {PERSON: velocity, **parts})
    return found


def attempt_at(warp: Warp, reference: Tracks) -> Array:
    """(M,) frame of the attempt, between two, that belongs to each moment of the reference; NaN for those it did not come to.

    Where nothing moves, a pairing takes a little distance for a little time. So moments count for as much as they say of time: by the
    squared speed of the reference's trend, in the scales in which it was paired.
    """
    last, scales = int(warp.second.max()), Scales()
    count = np.bincount(warp.second, minlength=last + 1)
    late = np.bincount(warp.second, warp.first, minlength=last + 1) / count - np.arange(last + 1)
    moving = [reference.joint_rad / (scales.joint_rad * np.sqrt(len(reference.joint_names)))]
    moving += [track.position_m / scales.hand_m for track in reference.hands.values()]
    speed = smoothed(np.concatenate(moving, axis=1), reference.period_s, BAND_HZ[0], order=1)
    weight = (speed[: last + 1] ** 2).sum(1)
    weight = weight + _STILL * max(float(weight.mean()), 1e-12)
    frames = _CLOCK_S / reference.period_s
    share = gaussian_filter1d(weight, frames, mode="nearest")
    found = np.full(len(reference), np.nan)
    found[: last + 1] = np.arange(last + 1) + gaussian_filter1d(weight * late, frames, mode="nearest") / share
    return np.asarray(np.maximum.accumulate(found))


def _person(side: str, handling: Handling, recording: Recording, period_s: float) -> tuple[tuple[Correction, ...], Array]:
    """Corrections of the recorded hand, as moments of the ideal, and its velocity (M, 6) at these."""
    mirrored = is_mirrored(recording.holds, handling.holds)
    own = _OTHER[side] if mirrored else side
    if own not in recording.hands:
        return (), np.full((len(handling.time_s), 6), np.nan)
    track, times = recording.hands[own], recorded_at(recording.holds, handling.holds, handling.time_s)
    near = _edges(recording.holds, own, float(recording.time_s[0]))
    placed = (_placed(one, recording.time_s, times) for one in corrections(track, near, period_s))
    frames = np.clip((times - recording.time_s[0]) / period_s, 0, len(track) - 1)
    hand = track[np.rint(frames).astype(int)]
    velocity = _seen_from(hand, _at(track, frames, period_s)) * (_MIRROR if mirrored else 1.0)
    return tuple(one for one in placed if one is not None and np.isfinite(velocity[one.frames]).all()), velocity


def _placed(one: Correction, recorded_s: Array, times: Array) -> Correction | None:
    """A correction of the recording, as moments of the ideal; None where the ideal has left it out."""
    whole = times[0] <= recorded_s[one.begin] and recorded_s[one.end] <= times[-1]
    begin, end = (int(np.argmin(np.abs(times - recorded_s[frame]))) for frame in (one.begin, one.end))
    return Correction(begin, end) if whole and end - begin >= 2 else None


def _at(track: Transform, frames: Array, period_s: float) -> Array:
    """(M, 6) velocities of a track at frames (M,), between two where need be; NaN where there is none."""
    there = np.isfinite(frames)
    out = np.full((len(frames), 6), np.nan)
    out[there] = interpolate(np.arange(len(track), dtype=float), velocities(track, period_s), frames[there])
    return out


def _seen_from(hand: Transform, velocity: Array) -> Array:
    """Velocities (M, 6) as seen from a hand, batch (M,)."""
    back = hand.wxyz * np.array([1.0, -1.0, -1.0, -1.0])
    return np.concatenate([rotate(back, velocity[:, :3]), rotate(back, velocity[:, 3:])], axis=1)


def _edges(holds: Sequence[Hold], side: str, first_s: float) -> list[float]:
    """When holds of a hand begin and end, since the first frame."""
    return [at - first_s for hold in holds if hold.side == side for at in (hold.start_s, hold.end_s)]
