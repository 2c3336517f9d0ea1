"""Loading demonstrations with their lineage, and the split by episode."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from motion.demonstration import Demonstration
from motion.errors import FileFormatError, MotionError
from motion.provenance import Provenance, file_sha256
from policies.data import load_demonstrations, split_episodes


def variants(demonstrations: list[Demonstration]) -> set[str]:
    """Their variants."""
    return {demonstration.variant for demonstration in demonstrations}


def test_files_folders_and_memory_may_be_mixed(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    first, second, third = pendulum_demonstrations[:3]
    licensed = replace(first, provenance=Provenance("x", licence="CC-BY-4.0", consent="not a person"))
    licensed.save(tmp_path / "folder" / "b.npz")
    second.save(tmp_path / "folder" / "a.npz")
    loaded, parents = load_demonstrations([tmp_path / "folder", third])
    assert [d.variant for d in loaded] == [second.variant, first.variant, third.variant]
    assert parents[0].sha256 == file_sha256(tmp_path / "folder" / "a.npz")
    assert (parents[1].licence, parents[1].consent) == ("CC-BY-4.0", "not a person")


def test_the_digest_in_memory_follows_the_content(pendulum_demonstrations: list[Demonstration]) -> None:
    first = pendulum_demonstrations[0]
    digests = [load_demonstrations([d])[1][0].sha256 for d in (first, replace(first), replace(first, actions=first.actions + 1e-9))]
    assert digests[0] == digests[1] != digests[2]


def test_nothing_found_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MotionError, match="no demonstrations"):
        load_demonstrations(tmp_path)
    with pytest.raises(FileFormatError, match="no such file"):
        load_demonstrations(tmp_path / "gone.npz")


def test_a_motion_is_never_on_both_sides(pendulum_demonstrations: list[Demonstration]) -> None:
    """Six motions, each recorded three times under other pushes."""
    repeated = [replace(d, seed=seed) for d in pendulum_demonstrations for seed in range(3)]
    training, validation = split_episodes(repeated, 0.34, seed=0)
    assert (len(training), len(validation)) == (12, 6)
    assert variants(training).isdisjoint(variants(validation))
    assert split_episodes(repeated, 0.34, seed=0)[1] == validation
    assert any(variants(split_episodes(repeated, 0.34, seed=s)[1]) != variants(validation) for s in range(1, 5))


def test_a_single_motion_is_shared_out_by_episode(pendulum_demonstrations: list[Demonstration]) -> None:
    one = [replace(pendulum_demonstrations[0], seed=seed) for seed in range(5)]
    training, validation = split_episodes(one, 0.1, seed=0)
    assert (len(training), len(validation)) == (4, 1)


def test_no_validation_on_request(pendulum_demonstrations: list[Demonstration]) -> None:
    training, validation = split_episodes(pendulum_demonstrations, 0, seed=0)
    assert (len(training), validation) == (6, [])


@pytest.mark.parametrize("fraction", [-0.1, 1.0])
def test_a_fraction_that_is_none_is_refused(pendulum_demonstrations: list[Demonstration], fraction: float) -> None:
    with pytest.raises(MotionError, match="validation_fraction"):
        split_episodes(pendulum_demonstrations, fraction, seed=0)
