"""How well the person of a film was seen, and how well what was made of them holds together."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from motion.landmarks import RIGID_BONES, SIDES
from retarget.spans import runs
from retarget.video.paths import BodyPath
from retarget.video.quality.measured import Measured, longest_s, median, noise, pct, spans_of
from retarget.video.quality.of_hands import measure_outliers
from retarget.video.quality.profile import QualityProfile

_PART = "body"
_SEEN_SHARE = 0.5
_NORMAL_OVER_MAD = 1.4826


def body_seen(path: BodyPath) -> np.ndarray:
    """(T,) whether at least half of the landmarks that are seen at all were seen."""
    there = np.asarray(np.isfinite(path.image_px).all(-1))
    ever = there.any(0)
    return np.asarray(there[:, ever].mean(1) >= _SEEN_SHARE) if ever.any() else np.zeros(len(path.time_s), bool)


def measure_body(path: BodyPath, profile: QualityProfile) -> Iterator[Measured]:
    """All numbers of the body."""
    time_s, seen = path.time_s, body_seen(path)
    yield Measured("person_pct", pct(seen), spans_of(time_s, ~seen))
    if not seen.any():
        return
    lost = np.zeros(len(time_s), bool)
    for run in runs(~seen):
        lost[run] = run.start > 0 and run.stop < len(seen)
    yield Measured("missed_s", longest_s(time_s, lost), spans_of(time_s, lost, join_s=0, most=1), _PART)
    yield Measured("filled_pct", pct(path.filled), spans_of(time_s, path.filled), _PART)
    columns = [k for k, name in enumerate(path.landmarks) if name not in path.inferred and np.isfinite(path.position_m[:, k]).any()]
    shake = 1e3 * noise(time_s, path.position_m[:, columns])
    yield Measured("body_jitter_mm", median(shake), spans_of(time_s, shake > profile.max_body_jitter_mm))
    yield Measured("limb_change_pct", _limb_change_pct(path))
    for side in SIDES:
        if (wrist := f"{side}_wrist") in path.landmarks:
            point = path.position_m[:, path.landmarks.index(wrist)]
            yield from measure_outliers(time_s, point, profile, f"{side} wrist")


def _limb_change_pct(path: BodyPath) -> float:
    """Median over the rigid bones of the spread of their length."""
    column = {name: k for k, name in enumerate(path.landmarks)}
    spreads = []
    for a, b in RIGID_BONES:
        if a in column and b in column:
            length = np.linalg.norm(path.position_m[:, column[a]] - path.position_m[:, column[b]], axis=-1)
            usual = median(length)
            spreads.append(100 * _NORMAL_OVER_MAD * median(np.abs(length / usual - 1)) if usual > 0 else math.nan)
    return median(np.array(spreads))
