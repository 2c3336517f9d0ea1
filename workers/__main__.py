"""Doors: `python -m workers record chores=[stir,pour_cup] workers=4 output=film/`, and `python -m workers dataset`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from motion.errors import UnknownNameError
from understudy import door, listed, output_of, plain
from workers import CHORES, record_many
from workers.household.film import films_by_hand, record_chores


def main(config: dict[str, Any]) -> int:
    """Let simulated workers film chores; the truth is kept beside, in `truth/`."""
    folder = output_of(config, "film/")
    chores = {"all": list(CHORES), "household": list(films_by_hand())}.get(str(config["chores"])) or listed(config["chores"])
    for chore in chores:
        if chore not in CHORES and chore not in films_by_hand():
            raise UnknownNameError("chore", chore, [*CHORES, *films_by_hand(), "all", "household"], "chores=")
    first, workers = plain(config, "first_worker", int, least=0), plain(config, "workers", int, least=1)
    takes, jobs = plain(config, "takes", int, least=1), plain(config, "jobs", int | None, least=1)
    layouts, first_layout = plain(config, "layouts", int, least=1), plain(config, "first_layout", int, least=0)
    seeds = range(first, first + workers)
    files: list[Path] = []
    free, handled = [chore for chore in chores if chore in CHORES], [chore for chore in chores if chore not in CHORES]
    if free:
        files += record_many(free, seeds, takes, folder, config["view"], jobs)
    if handled:
        variant = plain(config, "variant", str | None) or ""
        files += record_chores(handled, seeds, layouts, folder, variant, first_layout, takes, config["view"], jobs)
    print(f"{len(files)} recordings in {folder}, their truth in {files[0].parent / 'truth'}")
    return 0


def dataset(config: dict[str, Any]) -> int:
    """From recordings to a finished data set; its code is loaded when it is asked for."""
    return int(import_module("workers.dataset.door").main(config))


def command() -> None:
    """The command that the first word names."""
    if sys.argv[1:2] == ["dataset"]:
        door("dataset", command="dataset")(dataset)()
    door("workers", command="record")(main)()


if __name__ == "__main__":
    command()
