"""Workers film chores with things: the same arguments give the same bits, and everybody meets layouts of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motion.errors import UnknownNameError
from motion.handling import COUNTER
from motion.human import HumanMotion
from workers.household.film import films_by_hand, hand_style, record_chore, record_chores
from workers.household.record import save_recording
from workers.record import CONSENT, LICENCE, draw_worker

CHORE = "fragile_glass"


def arrays(motion: HumanMotion) -> dict[str, np.ndarray]:
    poses = {f"{name}/{part}": getattr(track, part) for name, track in motion.objects.items() for part in ("position_m", "wxyz")}
    return {"time_s": motion.time_s, "position_m": motion.position_m, "confidence": motion.confidence, **poses, **motion.signals}


def same(one: HumanMotion, other: HumanMotion) -> bool:
    ours, theirs = arrays(one), arrays(other)
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name], equal_nan=True) for name in ours)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Two workers, a layout each."""
    return record_chores([CHORE], [0, 1], 1, tmp_path_factory.mktemp("film"), first_layout=5, jobs=1)


def test_every_worker_meets_layouts_of_their_own(files: tuple[Path, ...]) -> None:
    names = ["worker_000_fragile_glass_full_0005_00.npz", "worker_001_fragile_glass_full_0006_00.npz"]
    assert [path.name for path in files] == names
    assert sorted(path.name for path in (files[0].parent / "truth").iterdir()) == names


def test_the_same_arguments_give_the_same_bits(files: tuple[Path, ...], tmp_path: Path) -> None:
    again = record_chore(CHORE, "", 5, 0)
    path = save_recording(again, tmp_path, "again")
    assert same(HumanMotion.load(path), HumanMotion.load(files[0]))
    assert same(HumanMotion.load(path.parent / "truth" / path.name), HumanMotion.load(files[0].parent / "truth" / files[0].name))
    assert not same(record_chore(CHORE, "", 5, 0, take=1).truth, again.truth)


def test_a_recording_says_what_it_is(files: tuple[Path, ...]) -> None:
    for number, path in enumerate(files):
        motion = HumanMotion.load(path)
        told = {name: motion.provenance.config[name] for name in ("chore", "variant", "seed", "worker_seed", "take", "view")}
        wanted = {"chore": CHORE, "variant": "full", "seed": 5 + number, "worker_seed": number, "take": 0, "view": "head"}
        assert told == wanted
        assert (motion.provenance.licence, motion.provenance.consent) == (LICENCE, CONSENT)
        assert motion.subject.pseudonym == f"worker_{number:03d}"
        assert {"glass", COUNTER} <= set(motion.objects)
        assert {label.verb for label in motion.labels} >= {"grasp", "lift", "place"}


def test_a_worker_has_one_style_of_hand_in_all_takes() -> None:
    assert hand_style(draw_worker(3)) == hand_style(draw_worker(3))
    assert hand_style(draw_worker(3)) != hand_style(draw_worker(4))


def test_what_does_not_exist_is_said_before_anything_is_written(tmp_path: Path) -> None:
    assert CHORE in films_by_hand()
    with pytest.raises(UnknownNameError, match="Did you mean 'fragile_glass'"):
        record_chores(["fragile_glas"], [0], 1, tmp_path / "film", jobs=1)
    with pytest.raises(UnknownNameError, match="unknown variant 'ful'"):
        record_chores([CHORE], [0], 1, tmp_path / "film", variant="ful", jobs=1)
    with pytest.raises(UnknownNameError, match="unknown view 'heat'"):
        record_chores([CHORE], [0], 1, tmp_path / "film", view="heat", jobs=1)
    assert not list(tmp_path.iterdir())
