"""Door: `python -m envs leaks`: whether a test set holds what training has seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from motion.arguments import CommandError, split_words
from motion.errors import FileFormatError, UnknownNameError, require

USAGE = """usage: python -m envs leaks train=FOLDER test=FOLDER [axes=workers,objects]

Fails with status 1, and a list, where a test holds what training has seen: the same episode or scene, and for each
axis what the frozen splits keep for tests, in training.

  train=FOLDER     demonstrations: a folder of npz files, or a data set in the LeRobot layout
  test=FOLDER      the same
  axes=AXIS,...    what the test claims to hold out, of chores, objects, layouts, workers; all of them by default"""
_KEYS = ("train", "test", "axes")
_NAME = "python -m envs leaks"
_OF_EPISODES = ("chore", "variant", "seed", "scene", "facts")


def main(words: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    if not words or {"-h", "--help"} & set(words):
        print(USAGE)
        return 0
    files, values = split_words(words, _KEYS, _NAME, inputs=())
    require(not files, CommandError, f"{', '.join(files)}: say train=FOLDER test=FOLDER.")
    for key in ("train", "test"):
        require(bool(values.get(key)), CommandError, f"{key}= is missing, e.g. {key}=demonstrations/.")
    # Only now: a wrong word should be said at once.
    from envs.household.leaks import AXES, leaks

    axes = values["axes"].split(",") if "axes" in values else list(AXES)
    for axis in axes:
        if axis not in AXES:
            raise UnknownNameError("axis", axis, AXES, "axes=")
    counts = dict.fromkeys(("train", "test"), 0)
    found = leaks(_counted(values, "train", counts), _counted(values, "test", counts), axes)
    sides = f"{counts['train']} demonstrations of training and {counts['test']} of the test"
    if found:
        print("\n".join([f"{len(found)} leaks between {sides}:", *(f"  - {line}" for line in found)]))
        return 1
    print(f"nothing leaked between {sides} ({', '.join(axes)})")
    return 0


def _counted(values: Mapping[str, str], side: str, counts: dict[str, int]) -> Iterator[Mapping[str, Any]]:
    for row in rows_of(Path(values[side]).expanduser()):
        counts[side] += 1
        yield row


def rows_of(folder: Path) -> Iterator[Mapping[str, Any]]:
    """What a leak check has to know of each episode: chore, variant, seed and scene.

    Args:
        folder: of npz demonstrations, or of a data set in the LeRobot layout.

    Raises:
        FileFormatError: neither of them, or a file that is no demonstration.
    """
    from motion.demonstration import Demonstration
    from motion.lerobot import Dataset
    from motion.lerobot.layout import INFO

    require(folder.is_dir(), FileFormatError, f"{folder}: no such folder.")
    if (folder / INFO).is_file():
        table = Dataset(folder).episodes
        yield from table.select([name for name in _OF_EPISODES if name in table.column_names]).to_pylist()
        return
    files = sorted(folder.glob("*.npz"))
    require(bool(files), FileFormatError, f"{folder}: holds neither demonstrations (.npz) nor a data set in the LeRobot layout.")
    for file in files:
        done = Demonstration.load(file)
        yield {"chore": done.chore, "variant": done.variant, "seed": done.seed, "scene": done.scene}
