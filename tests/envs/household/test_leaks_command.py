"""`python -m envs leaks`: clean folders and data sets pass in one line, leaks are listed, wrong words are said at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envs.household.leaks_command import main
from envs.household.splits import load_splits
from motion.arguments import CommandError
from motion.demonstration import Demonstration
from motion.errors import FileFormatError, UnknownNameError
from motion.lerobot import write_dataset
from tests.e2e.test_doors import run
from tests.envs.household.running import made
from tests.motion.lerobot.episodes import episode


def shown(variant: str, seed: int, worker: int) -> Demonstration:
    """A demonstration by a worker that tells the scene which the chore really draws."""
    chore = made("pour_cup")
    scene = {**chore.facts_of_scene(chore.variants.index(variant), seed), "worker": f"worker_{worker:03d}", "changed": []}
    return episode(seed, chore="pour_cup", variant=variant, scene=scene, actor=f"worker_{worker:03d}_{seed}")


def saved(folder: Path, demonstrations: list[Demonstration], layout: str) -> Path:
    if layout == "lerobot":
        write_dataset(demonstrations, folder)
    else:
        for one in demonstrations:
            one.save(folder / f"{one.actor}.npz")
    return folder


@pytest.mark.parametrize("layouts", [("npz", "npz"), ("npz", "lerobot"), ("lerobot", "npz")], ids="-".join)
def test_clean_sets_pass_and_leaks_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str], layouts: tuple[str, str]) -> None:
    held_out = load_splits().workers(held_out=True)[0]
    learned, asked = [shown("full", seed, seed) for seed in range(3)], [shown("full@objects", 7, held_out)]
    train, test = saved(tmp_path / "train", learned, layouts[0]), saved(tmp_path / "test", asked, layouts[1])
    assert main([f"train={train}", f"test={test}"]) == 0
    said = "nothing leaked between 3 demonstrations of training and 1 of the test (chores, objects, layouts, workers)\n"
    assert capsys.readouterr().out == said

    known = saved(tmp_path / "known", [shown("full@objects", 8, 2), replace(learned[1], actor="again")], layouts[1])
    assert main([f"train={train}", f"test={known}", "axes=workers,objects"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "3 leaks between 3 demonstrations of training and 2 of the test:",
        "  - episode pour_cup full seed 1 is in training, too",
        "  - worker worker_001 is on both sides",
        "  - worker worker_002 is on both sides",
    ]
    other = saved(tmp_path / "other", [shown("full@objects", 8, 2)], layouts[1])
    assert main([f"train={train}", f"test={other}", "axes=objects"]) == 0


def test_wrong_words_are_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="test= is missing"):
        main(["train=here"])
    with pytest.raises(CommandError, match="say train=FOLDER test=FOLDER"):
        main([str(tmp_path)])
    with pytest.raises(UnknownNameError, match="Did you mean 'workers'"):
        main(["train=here", "test=there", "axes=worker"])
    with pytest.raises(UnknownNameError, match="Did you mean 'train'"):
        main(["trian=here", "test=there"])
    with pytest.raises(FileFormatError, match="nowhere: no such folder"):
        main([f"train={tmp_path / 'nowhere'}", f"test={tmp_path}"])
    with pytest.raises(FileFormatError, match="holds neither"):
        main([f"train={tmp_path}", f"test={tmp_path}"])


def test_a_file_that_is_no_demonstration_is_named(tmp_path: Path) -> None:
    saved(tmp_path / "train", [shown("full", 0, 0)], "npz")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "clip.npz").write_bytes(b"no demonstration")
    with pytest.raises(FileFormatError, match=r"clip\.npz"):
        main([f"train={tmp_path / 'train'}", f"test={tmp_path / 'bad'}"])


def test_by_the_door(tmp_path: Path) -> None:
    saved(tmp_path / "set", [shown("full", 0, 0)], "npz")
    done = run(tmp_path, "-m", "envs", "leaks", "train=set", "test=set")
    assert done.status == 1
    assert "worker worker_000 is on both sides" in done.out
    assert "Traceback" not in done.err
    wrong = run(tmp_path, "-m", "envs", "leaks", "train=set", "test=none")
    assert wrong.status == 2
    assert wrong.err == "error: none: no such folder.\n"
