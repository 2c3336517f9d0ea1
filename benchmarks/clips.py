"""The clip solver on real clips: speed on one core, and what its motions are like, contacts and self-distance on."""

from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np

from benchmarks.bodies import bandai, bandai_targets, body
from benchmarks.table import Row
from retarget.measure import MeasureSettings, measure
from retarget.problem import SolverSettings
from retarget.solve import solve

REPEATS_N = 3
EVERY_FRAME = MeasureSettings(frames_n=10_000, forces=False)


def clip_seconds() -> tuple[float, int]:
    """Seconds and frames of the clip solver over all clips, its streaming start and its report included."""
    begin = time.perf_counter()
    for item in bandai_targets():
        solve(body(), item)
    return time.perf_counter() - begin, sum(len(item.time_s) for item in bandai_targets())


def clip_stage() -> list[Row]:
    """Bars of the clip solver. Slip and drift are judged where the person's toes stand, by the card's own rule."""
    clip_seconds()  # warm-up
    fps = max(frames / seconds for seconds, frames in (clip_seconds() for _ in range(REPEATS_N)))
    cards = {method: list(_cards(method)) for method in ("clip", "streaming")}
    own, limb = cards["clip"], {method: _mean(numbers, "limb_deg") for method, numbers in cards.items()}
    bounds = ("position_violations", "speed_violations", "acceleration_violations")
    return [
        Row("clip frames/s, G1 29, one core", fps, 1000, "frames/s", note=f"best of {REPEATS_N}, all of solving"),
        Row("clip slip", _mean(own, "slip_mm_s"), 10, "mm/s", at_least=False),
        Row("clip drift", _mean(own, "drift_mm"), 2, "mm", at_least=False),
        Row("clip deepest sole", max(card["penetration_max_mm"] for card in own), 1, "mm", at_least=False),
        Row("clip self-contact", _mean(own, "self_contact_pct"), 1, "% of frames", at_least=False),
        Row("clip jumps over 0.5 rad", _total(own, "jumps"), 0, at_least=False),
        Row("clip bound violations", sum(_total(own, name) for name in bounds), 0, at_least=False),
        Row("clip jerk", _mean(own, "jerk_rad_s3"), 500, "rad/s3", at_least=False),
        Row("clip limb direction error", limb["clip"], limb["streaming"], "deg", at_least=False, note="the bar is streaming's"),
        Row("clip unsolved frames", _mean(own, "unsolved_pct"), 0, "%", at_least=False),
        Row("clip float while standing", _mean(own, "float_mm"), None, "mm"),
        Row("the person's own slip", _mean(own, "person_slip_mm_s"), None, "mm/s"),
    ]


def _cards(method: str) -> Iterable[dict[str, float]]:
    for human, item in zip(bandai(), bandai_targets(), strict=True):
        motion, report = solve(body(), item, SolverSettings(method=method))
        yield dict(measure(body(), human, motion, item, report, EVERY_FRAME).numbers)


def _mean(cards: Iterable[dict[str, float]], key: str) -> float:
    return float(np.nanmean([card[key] for card in cards]))


def _total(cards: Iterable[dict[str, float]], key: str) -> float:
    return float(sum(card[key] for card in cards))
