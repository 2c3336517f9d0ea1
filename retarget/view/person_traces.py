"""A recording frame by frame: how much of the person was seen, how fast it moves, and what is broken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from motion.human import HumanMotion
from motion.landmarks import BODY, hand_landmarks
from motion.transform import Array
from retarget.inspect import stretched
from retarget.measure.stance import runs_of
from retarget.view.recording import Recording
from retarget.view.traces import MOST_N, Mark, Trace, joined, spoken

_PARTS: Mapping[str, tuple[str, ...]] = {
    "body": tuple(name for name in BODY if not name.endswith("_wrist")),
    **{f"{side} hand": hand_landmarks(side) for side in ("left", "right")},
}


def seen_parts(human: HumanMotion) -> dict[str, np.ndarray]:
    """Part of the body -> (T,) whether it was seen, for the parts that are seen at all."""
    seen = np.asarray(np.isfinite(human.position_m).all(axis=-1))
    found = {}
    for part, names in _PARTS.items():
        columns = [human.landmarks.index(name) for name in names if human.has(name)]
        least = 2 if len(columns) > 1 else 1  # of a hand with fingers a wrist alone is not the hand
        found[part] = np.asarray(seen[:, columns].sum(axis=1) >= least)
    return {part: row for part, row in found.items() if row.any()} or {"body": np.zeros(len(seen), bool)}


def person_traces(recording: Recording) -> tuple[Trace, ...]:
    """The curves of a recording."""
    human = recording.human
    seen = 100 * np.isfinite(human.position_m).all(axis=-1).mean(axis=1)
    traces = [_plain("seen_pct", "landmarks seen", "%", seen[:, None], ("landmarks",))]
    if len(human.time_s) > 1:
        speed = np.linalg.norm(np.diff(human.position_m, axis=0), axis=-1) / np.diff(human.time_s)[:, None]
        speed = np.vstack([np.full(speed.shape[1], np.nan), speed])
        traces.append(_plain("speed_mps", "fastest landmark", "m/s", speed, human.landmarks))
    return tuple(trace for trace in traces if np.isfinite(trace.value).any())


def _plain(name: str, label: str, unit: str, values: Array, names: tuple[str, ...]) -> Trace:
    """The largest of some tracks (T, N), without bounds."""
    filled = np.where(np.isfinite(values), values, -np.inf)
    worst = filled.argmax(axis=1)
    value = filled[np.arange(len(filled)), worst]
    return Trace(name, label, unit, np.where(np.isfinite(value), value, np.nan), worst, names, None)


def person_marks(recording: Recording) -> tuple[Mark, ...]:
    """Every moment that somebody should look at, in the order of time."""
    return tuple(sorted((*_broken(recording), *_unseen(recording)), key=lambda mark: mark.start))


def _broken(recording: Recording) -> Iterator[Mark]:
    """Runs of broken frames: what changed its length there, else what jumped."""
    inspection, long = recording.inspection, stretched(recording.human)
    for run in joined(runs_of(inspection.broken_frames()), recording.time_s):
        hit, uneven = (np.asarray(wrong[run].any(axis=0)) for wrong in (inspection.broken, long))
        said = []
        if (hit & ~uneven).any():
            said.append(f"jumps: {spoken(inspection.landmarks, hit & ~uneven)}")
        if uneven.any():
            said.append(f"bones change length: {spoken(inspection.landmarks, uneven)}")
        worst = run.start + int(inspection.broken[run].sum(axis=1).argmax())
        yield Mark(run.start, run.stop, worst, "broken", "; ".join(said), float(inspection.broken[run].sum()))


def _unseen(recording: Recording) -> Iterator[Mark]:
    """The longest spans in which a part of the body that is seen elsewhere is not."""
    for part, seen in seen_parts(recording.human).items():
        spans = joined(runs_of(~seen), recording.time_s)
        for run in sorted(spans, key=lambda run: run.start - run.stop)[:MOST_N]:
            lasts_s = recording.time_s[run.stop - 1] - recording.time_s[run.start] + 1 / recording.human.rate_hz
            yield Mark(run.start, run.stop, run.start, "unseen", f"{part} not seen, {lasts_s:.2f} s", lasts_s)
