"""The least squares problem of a clip: its gradient, its matrix, and its windows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion.transform import Array
from retarget.video.bodies import clip_fit
from retarget.video.bodies.clip_fit import ClipTerms, fit_clip

_BONES = ((0, 1), (1, 2), (0, 2))


def _terms(frames: int, seed: int = 0) -> tuple[ClipTerms, Array]:
    """Three points that wander before a camera, and where they truly are."""
    rng = np.random.default_rng(seed)
    time_s = np.cumsum(rng.uniform(0.02, 0.05, frames))
    phase = np.array([0.0, 1.0, 2.0])
    place = np.stack(
        [0.3 * np.sin(time_s[:, None] + phase), 0.2 * np.cos(time_s[:, None] + phase), 3 + 0.1 * np.sin(time_s[:, None]) + 0 * phase], -1
    )
    a, b = np.array(_BONES).T
    way = place[:, b] - place[:, a]
    flat = place[..., :2] / place[..., 2:] + 0.002 * rng.standard_normal((frames, 3, 2))
    flat[5, 1] = np.nan
    terms = ClipTerms(
        time_s=time_s,
        flat=flat,
        flat_sigma=np.full((frames, 3), 0.003),
        a=a,
        b=b,
        way_m=way + 0.05 * rng.standard_normal(way.shape),
        way_information=np.broadcast_to(400.0 * np.eye(3), (*way.shape, 3)),
        length_m=np.linalg.norm(way, axis=-1).mean(0),
        slack_m=np.full(3, 0.05),
        still=rng.uniform(0, 1, (frames - 1, 3)),
        still_mps=0.3,
        acceleration_mps2=np.full(3, 5.0),
        place_m=place + 0.1 * rng.standard_normal(place.shape),
        place_sigma_m=np.full((frames, 3), 0.1),
    )
    return terms, place


def test_gradient_is_that_of_the_cost() -> None:
    terms, place = _terms(7)
    rng = np.random.default_rng(1)
    place = place + 0.02 * rng.standard_normal(place.shape)
    _, _, gradient = clip_fit._system(terms, place)
    step, wanted = 1e-6, np.zeros_like(place)
    for index in np.ndindex(place.shape):
        costs = []
        for sign in (1, -1):
            moved = place.copy()
            moved[index] += sign * step
            costs.append(clip_fit._system(terms, moved)[0])
        wanted[index] = (costs[0] - costs[1]) / (2 * step) / 2  # the cost is the sum of squares, the gradient of half of it
    np.testing.assert_allclose(gradient, wanted, rtol=1e-4, atol=1e-3 * np.abs(wanted).max())


def test_points_are_found_from_far_off() -> None:
    terms, place = _terms(60)
    start = place + np.random.default_rng(2).uniform(-0.5, 0.5, place.shape)
    found = fit_clip(terms, start, rounds=60)
    assert np.median(np.linalg.norm(found - place, axis=-1)) < 0.03


def test_one_wild_place_counts_little() -> None:
    terms, place = _terms(60)
    assert terms.place_m is not None
    wild = terms.place_m.copy()
    wild[30, 0] += [3.0, 0.0, 0.0]
    start = np.nan_to_num(place)
    apart = fit_clip(replace(terms, place_m=wild), start) - fit_clip(terms, start)
    assert np.abs(apart).max() < 0.03


def test_windows_agree_with_the_whole() -> None:
    terms, place = _terms(150)
    whole = fit_clip(terms, place)
    parts = fit_clip(terms, place, window_n=70, overlap_n=30)
    assert np.abs(whole - parts).max() < 0.005
