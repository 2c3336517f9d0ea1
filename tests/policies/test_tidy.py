"""The cache of windows does not grow for ever."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from motion.errors import MotionError
from policies.tidy import LIMIT, limit_bytes, tidy

ABOUT = "windows.json"


def kept(cache: Path, name: str, age_s: float, size: int = 1000) -> Path:
    folder = cache / name
    folder.mkdir()
    (folder / "inputs.bin").write_bytes(bytes(size))
    (folder / ABOUT).touch()
    os.utime(folder / ABOUT, (1e9 - age_s, 1e9 - age_s))
    return folder


def test_what_was_used_longest_ago_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT, "0.0000025")
    old, newer, fresh = (kept(tmp_path, name, age_s) for name, age_s in (("old", 9), ("newer", 5), ("fresh", 7)))
    (tmp_path / ".being_made").mkdir()
    (tmp_path / "unfinished").mkdir()
    tidy(tmp_path, ABOUT, keep=[fresh])
    assert not old.exists()
    assert newer.is_dir()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".being_made", "fresh", "newer", "unfinished"]
    tidy(tmp_path, ABOUT, keep=[kept(tmp_path, "large", 0, size=9000)])
    assert sorted(path.name for path in tmp_path.iterdir()) == [".being_made", "large", "unfinished"]


def test_all_that_a_run_uses_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is more than the limit, was used longest ago, or is not there yet."""
    monkeypatch.setenv(LIMIT, "0.0000005")
    training, other, validation = (kept(tmp_path, name, age_s) for name, age_s in (("training", 9), ("other", 5), ("validation", 1)))
    tidy(tmp_path, ABOUT, keep=[validation, training, tmp_path / "not_yet"])
    assert training.is_dir()
    assert validation.is_dir()
    assert not other.exists()


def test_the_limit_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT, "20")
    assert limit_bytes() == 20e9
    monkeypatch.setenv(LIMIT, "much")
    with pytest.raises(MotionError, match="UNDERSTUDY_WINDOWS_GB=20"):
        limit_bytes()
