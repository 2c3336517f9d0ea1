"""Door: `python -m workers record chores=[stir,wipe] workers=4 output=film/`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from motion.errors import UnderstudyError
from understudy import door, needed
from workers import CHORES, record_many


def main(config: dict[str, Any]) -> int:
    """Let simulated workers film chores; the truth is kept beside, in `truth/`."""
    folder = Path(needed(config, "output", "film/"))
    chores = list(CHORES) if config["chores"] == "all" else config["chores"]
    if isinstance(chores, str):
        chores = [chores]
    if min(config["workers"], config["takes"]) < 1:
        raise UnderstudyError(f"workers={config['workers']} takes={config['takes']}: at least one of each is needed.")
    seeds = range(config["first_worker"], config["first_worker"] + config["workers"])
    files = record_many(chores, seeds, config["takes"], folder, config["view"], config["jobs"])
    print(f"{len(files)} recordings in {folder}, their truth in {files[0].parent / 'truth'}")
    return 0


command = door("workers", command="record")(main)

if __name__ == "__main__":
    command()
