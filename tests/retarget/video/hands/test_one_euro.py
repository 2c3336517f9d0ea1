"""The One Euro filter against its paper, by hand, and what it is for: calm at rest, quick on the way."""

from __future__ import annotations

import numpy as np
import pytest

from motion.errors import MotionError
from motion.transform import Array
from retarget.video.hands.one_euro import OneEuro, OneEuroSettings, smoothing


def _filtered(time_s: Array, track: Array, settings: OneEuroSettings) -> Array:
    one = OneEuro(settings)
    return np.stack([one.push(t, p) for t, p in zip(time_s, track, strict=True)])


def test_alpha_by_hand() -> None:
    """Equation 4: tau = 1 / (2 pi 1) = 0.159155 s; alpha = 1 / (1 + 0.159155 / 0.1) = 0.385870."""
    assert smoothing(0.1, 1.0) == pytest.approx(0.385870, abs=1e-6)


def test_two_steps_by_hand() -> None:
    """min cutoff 1 Hz, beta 0.5, speed cutoff 1 Hz; x: 0, 1 at 0.1 s, 1 at 0.3 s.

    Step 1: raw speed 1 / 0.1 = 10; filtered 0.385870 * 10 = 3.858695; cutoff 1 + 0.5 * 3.858695 = 2.929348;
            alpha = 1 / (1 + 1 / (2 pi * 2.929348 * 0.1)) = 1 / (1 + 1 / 1.840563) = 0.647957; x = 0.647957.
    Step 2: raw speed (1 - 0.647957) / 0.2 = 1.760215, alpha of speed 1 / (1 + 0.159155 / 0.2) = 0.556862;
            speed 3.858695 + 0.556862 * (1.760215 - 3.858695) = 2.690131; cutoff 2.345066;
            alpha = 1 / (1 + 1 / (2 pi * 2.345066 * 0.2)) = 1 / (1 + 1 / 2.946897) = 0.746637;
            x = 0.647957 + 0.746637 * 0.352043 = 0.910805.
    """
    points = np.array([[[0.0, 0, 0]], [[1.0, 0, 0]], [[1.0, 0, 0]]])
    found = _filtered(np.array([0.0, 0.1, 0.3]), points, OneEuroSettings(1.0, 0.5, 1.0))
    np.testing.assert_allclose(found[:, 0, 0], [0.0, 0.647957, 0.910805], atol=2e-6)


def test_without_beta_it_is_a_plain_low_pass() -> None:
    time_s = np.arange(50) / 30
    found = _filtered(time_s, np.ones((50, 1, 3)) * (time_s > 0)[:, None, None], OneEuroSettings(2.0, 0.0))
    alpha = smoothing(1 / 30, 2.0)
    np.testing.assert_allclose(found[:, 0, 0], 1 - (1 - alpha) ** np.arange(50), atol=1e-12)


def test_at_rest_it_is_calm_and_on_the_way_it_lags_less_than_a_low_pass_as_calm() -> None:
    rng = np.random.default_rng(0)
    time_s = np.arange(120) / 30
    rest = rng.normal(0, 0.002, (120, 1, 3))
    way = np.zeros((120, 1, 3))
    way[:, 0, 0] = 1.0 * time_s
    euro, plain = OneEuroSettings(), OneEuroSettings(beta=0.0)
    assert _filtered(time_s, rest, euro)[30:].std() < 0.75 * rest[30:].std()
    lag_s = [float((way - _filtered(time_s, way, settings))[60:, 0, 0].mean()) for settings in (euro, plain)]
    assert lag_s[0] < 0.02 < 0.08 < lag_s[1]


def test_more_beta_is_less_lag_and_a_lower_cutoff_less_jitter() -> None:
    rng = np.random.default_rng(1)
    time_s = np.cumsum(rng.uniform(0.02, 0.05, 200))
    way = np.zeros((200, 1, 3))
    way[:, 0, 1] = time_s
    noise = rng.normal(0, 0.002, way.shape)
    lags = [np.abs(way - _filtered(time_s, way, OneEuroSettings(beta=beta)))[100:].max() for beta in (1.0, 5.0, 25.0)]
    jitters = [_filtered(time_s, noise, OneEuroSettings(cutoff)).std() for cutoff in (0.5, 1.0, 4.0)]
    assert lags == sorted(lags, reverse=True)
    assert jitters == sorted(jitters)


def test_points_are_filtered_each_by_itself_and_start_anew_after_a_gap() -> None:
    one = OneEuro()
    one.push(0.0, np.array([[0.0, 0, 0], [0.0, 0, 0]]))
    gone = one.push(0.1, np.array([[np.nan] * 3, [0.1, 0, 0]]))
    assert np.isnan(gone[0]).all()
    assert np.isfinite(gone[1]).all()
    back = one.push(0.2, np.array([[5.0, 0, 0], [0.1, 0, 0]]))
    np.testing.assert_array_equal(back[0], [5.0, 0, 0])
    assert np.isfinite(one.push(0.3, np.array([[5.1, 0, 0], [0.1, 0, 0]]))).all()


def test_time_has_to_rise() -> None:
    one = OneEuro()
    one.push(1.0, np.zeros((1, 3)))
    with pytest.raises(MotionError, match="rising order"):
        one.push(1.0, np.zeros((1, 3)))
