"""Splits are frozen, their two sides never overlap, and chores draw from the side that is asked for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from envs.household.draws import Draws
from envs.household.splits import CURRENT, FOLDER, Box, Splits, digest_of, freeze, load_splits, within
from motion.errors import FileFormatError, UnderstudyError, UnknownNameError
from motion.provenance import file_sha256

SMALL = """
version: mine
held_out_chores: [b]
workers: {train: [0, 10], held_out: [10, 12]}
chores:
  a:
    objects: {radius_m: {train: [0.02, 0.03], held_out: [0.03, 0.04]}, height_m: {train: [0.1, 0.1]}}
    layouts: {cup: {of: [cup], train: {x_m: [0.1, 0.2], y_m: [-0.2, 0]}, held_out: {x_m: [0.2, 0.3], y_m: [-0.2, 0]}}}
  b: {objects: {}, layouts: {}}
"""


def written(folder: Path, text: str = SMALL) -> Path:
    (folder / "mine.yaml").write_text(text)
    return folder


def test_every_shipped_version_is_as_it_was_frozen() -> None:
    versions = sorted(path.stem for path in FOLDER.glob("*.yaml"))
    assert CURRENT in versions
    for version in versions:
        assert load_splits(version).sha256 == (FOLDER / f"{version}.sha256").read_text().strip()


def test_a_changed_number_is_refused_and_a_comment_is_not(tmp_path: Path) -> None:
    for path in FOLDER.glob(f"{CURRENT}.*"):
        shutil.copy(path, tmp_path)
    file = tmp_path / f"{CURRENT}.yaml"
    file.write_text("# more words\n" + file.read_text())
    assert load_splits(CURRENT, tmp_path).sha256 == load_splits(CURRENT).sha256
    load_splits.cache_clear()
    data = yaml.safe_load(file.read_text())
    data["workers"]["held_out"][1] += 1
    file.write_text(yaml.safe_dump(data))
    with pytest.raises(UnderstudyError, match="has changed since it was frozen.*new version"):
        load_splits(CURRENT, tmp_path)


def test_a_version_is_frozen_once(tmp_path: Path) -> None:
    with pytest.raises(UnderstudyError, match="never frozen"):
        load_splits("mine", written(tmp_path))
    assert freeze("mine", tmp_path) == load_splits("mine", tmp_path).sha256 == digest_of(yaml.safe_load(SMALL))
    before = file_sha256(tmp_path / "mine.sha256")
    with pytest.raises(UnderstudyError, match="are frozen"):
        freeze("mine", tmp_path)
    assert file_sha256(tmp_path / "mine.sha256") == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("held_out: [0.03, 0.04]", "held_out: [0.029, 0.04]", "a, radius_m: training .* overlap"),
        ("held_out: {x_m: [0.2, 0.3]", "held_out: {x_m: [0.19, 0.3]", "a, cup: the places .* overlap"),
        ("held_out: [10, 12]", "held_out: [9, 12]", "workers: .* overlap"),
        ("train: [0.02, 0.03]", "train: [0.03, 0.02]", "not a lowest and a highest"),
        ("train: [0.02, 0.03]", "trains: [0.02, 0.03]", "wanted .'train'"),
        ("held_out_chores: [b]", "held_out_chores: [c]", "unknown chore 'c'"),
        ("version: mine", "version: v9", "calls itself version 'v9'"),
    ],
)
def test_what_splits_cannot_be(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in SMALL
    with pytest.raises(UnderstudyError, match=message):
        freeze("mine", written(tmp_path, SMALL.replace(old, new)))
    assert not (tmp_path / "mine.sha256").exists()


def test_no_version_of_that_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'v1'"):
        load_splits("v11")
    with pytest.raises(FileFormatError, match="held_out_chores"):
        freeze("mine", written(tmp_path, "version: mine"))


def test_ranges_hold_what_is_drawn_from_them() -> None:
    assert [within(value, (0.1, 0.2)) for value in (0.0999, 0.1, 0.15, 0.2)] == [False, True, True, False]
    assert within(0.1, (0.1, 0.1))
    box = Box((0.1, 0.2), (-0.2, 0.0))
    assert box.holds(0.15, -0.1, 3.0)
    assert not box.holds(0.15, 0.1)
    assert (box.low, box.high) == ((0.1, -0.2), (0.2, 0.0))


def test_chores_draw_from_the_side_that_is_asked_for(splits: Splits) -> None:
    for axis in ("", "objects", "layouts"):
        for seed in range(30):
            draws = Draws("pour_cup", "full", axis, seed)
            value, (x, y, yaw) = draws.value("cup_radius_m", "cup"), draws.place("cup")
            quantity, region = splits.chore("pour_cup").objects["cup_radius_m"], splits.chore("pour_cup").layouts["cup"]
            assert quantity.held_out is not None
            assert region.held_out is not None
            assert within(value, quantity.held_out if axis == "objects" else quantity.train)
            assert (region.held_out if axis == "layouts" else region.train).holds(x, y, yaw)
            assert draws.drawn == {"cup_radius_m/cup": value}


def test_a_value_is_the_next_number_of_its_stream(splits: Splits) -> None:
    low, high = splits.chore("pour_cup").objects["cup_radius_m"].train
    one, same = Draws("pour_cup", "full", "", 3), Draws("pour_cup", "full", "", 3)
    assert one.value("cup_radius_m") == same.objects.uniform(low, high)


def test_unknown_quantities_and_regions_are_told() -> None:
    draws = Draws("pour_cup", "full", "", 0)
    with pytest.raises(UnknownNameError, match="Did you mean 'cup_radius_m'"):
        draws.value("cup_radius")
    with pytest.raises(UnknownNameError, match="layouts of pour_cup"):
        draws.place("mug")
    with pytest.raises(UnknownNameError, match="splits v1"):
        Draws("juggle", "full", "", 0).value("mass_kg")


def test_workers_are_on_one_side(splits: Splits) -> None:
    assert not set(splits.workers()) & set(splits.workers(held_out=True))
    assert splits.worker_is_held_out(splits.workers(held_out=True)[0])
    assert not splits.worker_is_held_out(splits.workers()[-1])


@pytest.fixture
def splits() -> Splits:
    return load_splits()
