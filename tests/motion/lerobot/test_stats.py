"""Statistics against NumPy over all frames at once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from motion.lerobot import Dataset, write_dataset
from motion.lerobot.stats import LEVELS, episode_stats, picture_stats, pooled_stats
from motion.transform import Array
from tests.motion.lerobot.episodes import episodes


def pooled(parts: list[Array]) -> dict[str, Array]:
    each = [episode_stats(part) for part in parts]
    return pooled_stats({name: np.stack([one[name] for one in each]) for name in each[0]})


def test_one_episode_by_hand() -> None:
    stats = episode_stats(np.array([[0.0], [1], [2], [3], [4]]))
    assert {name: value.tolist() for name, value in stats.items() if name in ("min", "max", "mean", "count", "q50", "q10")} == {
        "min": [0.0],
        "max": [4.0],
        "mean": [2.0],
        "count": [5.0],
        "q50": [2.0],
        "q10": [0.4],
    }
    assert stats["std"] == pytest.approx(np.sqrt(2))  # (4 + 1 + 0 + 1 + 4) / 5


def test_what_was_not_seen_is_left_out() -> None:
    stats = episode_stats(np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]]))
    assert stats["mean"][0] == 2.0
    assert np.isnan([stats[name][1] for name in ("min", "max", "mean", "std", "q50")]).all()


def test_pooled_moments_are_those_of_all_frames() -> None:
    rng = np.random.default_rng(0)
    parts = [rng.normal(loc, 1 + loc, size=(count, 3)) for loc, count in ((0, 40), (2, 300), (5, 7))]
    stats, every = pooled(parts), np.concatenate(parts)
    for name in ("min", "max", "mean", "std"):
        np.testing.assert_allclose(stats[name], getattr(np, name)(every, axis=0), rtol=1e-12)
    assert stats["count"] == [347]


def test_pooled_quantiles_are_near_those_of_all_frames() -> None:
    """Episodes at very different places: the mean of their quantiles would be far off, the mixture is not."""
    rng = np.random.default_rng(1)
    parts = [rng.normal(place, 0.3, size=(200, 2)) for place in (-3, 0, 0, 4)]
    stats, every = pooled(parts), np.concatenate(parts)
    for name, level in LEVELS.items():
        np.testing.assert_allclose(stats[name], np.quantile(every, level, axis=0), atol=0.2)
    averaged = np.mean([episode_stats(part)["q01"] for part in parts], axis=0)
    assert (np.abs(averaged - np.quantile(every, 0.01, axis=0)) > 2).all()


def test_a_constant_and_a_switch() -> None:
    steady, switch = np.full((50, 1), 7.0), (np.arange(50) < 10).astype(float)[:, None]
    stats = pooled([np.hstack([steady, switch]), np.hstack([steady, switch])])
    assert [stats[name][0] for name in LEVELS] == pytest.approx([7.0] * 5)
    assert [stats[name][1] for name in ("q01", "q10", "q50")] == pytest.approx([0, 0, 0], abs=1e-6)
    assert stats["q90"][1] == pytest.approx(1.0, abs=0.01)


def test_an_episode_in_which_nothing_was_seen_has_no_weight() -> None:
    stats = pooled([np.full((10, 1), np.nan), np.arange(5.0)[:, None]])
    assert stats["mean"] == [2.0]
    assert stats["q50"] == pytest.approx([2.0])


def test_pictures_are_judged_by_colour_between_0_and_1() -> None:
    pictures = np.zeros((10, 8, 8, 3), np.uint8)
    pictures[..., 0] = 255
    stats = picture_stats(pictures)
    assert stats["mean"].tolist() == [[[1.0]], [[0.0]], [[0.0]]]
    assert stats["count"] == [10]


def test_statistics_of_a_data_set_are_those_of_its_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    write_dataset(episodes(5, pictures=True), tmp_path / "set")
    dataset = Dataset(tmp_path / "set")
    stats = dataset.stats()
    assert set(stats) == set(dataset.info["features"]) - {"observation.stage"}
    for key in ("action", "observation.state", "timestamp", "next.success", "observation.object.pose"):
        values = np.array(dataset.column(key), float).reshape(dataset.info["total_frames"], -1)
        for name in ("min", "max", "mean", "std"):
            np.testing.assert_allclose(stats[key][name], getattr(np, name)(values, axis=0), rtol=1e-9, atol=1e-12)
    assert stats["observation.images.head"]["mean"].shape == (3, 1, 1)
    assert json.loads((tmp_path / "set/meta/stats.json").read_text())["action"]["count"] == [50]  # 8 + 9 + 10 + 11 + 12
