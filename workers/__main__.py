"""Door: `python -m workers record chores=[stir,wipe] workers=4 output=film/`."""

from __future__ import annotations

from typing import Any

from understudy import door, listed, output_of, plain
from workers import CHORES, record_many


def main(config: dict[str, Any]) -> int:
    """Let simulated workers film chores; the truth is kept beside, in `truth/`."""
    folder = output_of(config, "film/")
    chores = list(CHORES) if config["chores"] == "all" else listed(config["chores"])
    first, workers = plain(config, "first_worker", int, least=0), plain(config, "workers", int, least=1)
    takes, jobs = plain(config, "takes", int, least=1), plain(config, "jobs", int | None, least=1)
    files = record_many(chores, range(first, first + workers), takes, folder, config["view"], jobs)
    print(f"{len(files)} recordings in {folder}, their truth in {files[0].parent / 'truth'}")
    return 0


command = door("workers", command="record")(main)

if __name__ == "__main__":
    command()
