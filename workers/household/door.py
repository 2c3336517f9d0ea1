"""What the doors do with chores that have things: `python -m envs replay chore=pour_cup recordings=film/ output=demonstrations/`."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from envs.disturbance import MILD, Disturbance
from envs.household.refine import RefineSettings
from envs.household.replay import ReplayLaw
from motion.errors import UnderstudyError
from motion.human import HumanMotion
from understudy import build, files_of, needed, output_of, plain
from workers.household.film import ANY_ROBOT
from workers.household.replays import ReplayOptions, replays_table, write_replays


def replay(config: dict[str, Any]) -> int:
    """Turn recordings of a chore into demonstrations; 1 where none of them succeeded."""
    name = config["chore"]["name"]
    files = files_of(needed(config, "recordings", "film/"))
    own = [file for file in files if _is_of(HumanMotion.load(file), name)]
    if not own:
        raise UnderstudyError(f"recordings={config['recordings']}: none of the {len(files)} recordings is of {name}.")
    options = ReplayOptions(
        chore=name,
        robot=config["robot"]["name"] or ANY_ROBOT,
        base=config["chore"]["base"],
        variant=plain(config, "variant", str | None) or "",
        plant=config["plant"]["name"] if set(config["plant"]) == {"name"} else config["plant"],
        stage=plain(config, "stage", bool),
        refine=build(RefineSettings, config["refine"], "refine"),
        law=build(ReplayLaw, config["replay"], "replay"),
        disturbance=build(Disturbance, {**MILD.__dict__, **config["disturbance"]}, "disturbance"),
    )
    jobs = plain(config, "jobs", int | None, least=1)
    rows = write_replays(own, options, output_of(config, "demonstrations/"), plain(config, "format", str), jobs)
    Console().print(replays_table(rows))
    print(f"demonstrations in {config['output']}; replays.json says what became of each recording")
    return 0 if any(row.success for row in rows) else 1


def _is_of(motion: HumanMotion, chore: str) -> bool:
    """Whether a recording is of a chore, or does not say of which."""
    return str(motion.provenance.config.get("chore", chore)) == chore
