"""Door: `python -m workers dataset chores=all workers=40 layouts=200 robot=g1_dex3 output=dataset/`."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from understudy import build, listed, output_of, plain
from workers.dataset.coverage import success_table
from workers.dataset.plan import Recipe
from workers.dataset.run import able_chores, make_dataset
from workers.household.film import ANY_ROBOT

_OWN = ("output", "jobs", "robot", "chores")


def main(config: dict[str, Any]) -> int:
    """Make a data set, or go on with one; 1 where no demonstration succeeded."""
    folder = output_of(config, "dataset/")
    asked = able_chores() if config["chores"] == "all" else [str(chore) for chore in listed(config["chores"])]
    parts = [chore.partition("/") for chore in asked]
    chores, tasks = [chore for chore, _, _ in parts], {chore: task for chore, _, task in parts if task}
    values = {key: value for key, value in config.items() if key not in _OWN}
    recipe = build(Recipe, {**values, "chores": chores, "tasks": tasks, "robot": config["robot"]["name"] or ANY_ROBOT}, "dataset")
    made = make_dataset(recipe, folder, plain(config, "jobs", int | None, least=1))
    Console().print(success_table(made.outcomes))
    print(f"data sets in {folder}: README.md describes them, index.json lists them, jobs.json says what became of each demonstration")
    return 0 if any(one.kept for one in made.outcomes) else 1
