"""Door: `python -m retarget input=CLIP robot=g1_dex3 output=motion.npz`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from motion.errors import UnderstudyError
from retarget.batch import Outcome, retarget_many
from retarget.measure import GATES, QualityCard
from retarget.pipeline import RetargetSettings, find_recordings, output_names, retarget_file
from retarget.smooth import SmoothSettings
from retarget.solve import SolverSettings
from retarget.sources.base import SourceOptions
from retarget.targets import TargetWeights
from robots import load_robot
from understudy import build, door, needed

console = Console()


def settings_from(config: dict[str, Any]) -> RetargetSettings:
    """RetargetSettings from the door's plain values."""
    source = dict(config["source"])
    name = source.pop("name", None)
    return RetargetSettings(
        source=None if name in (None, "auto") else name,
        options=build(SourceOptions, source, "source"),
        weights=build(TargetWeights, config["weights"], "weights"),
        smooth=build(SmoothSettings, config["smooth"], "smooth"),
        solver=build(SolverSettings, config["solver"], "solver"),
        self_contact=config["self_contact"],
    )


def card_table(card: QualityCard, title: str) -> Table:
    """The quality card as a table for the terminal."""
    table = Table("measure", "value", "review above", "fail above", title=f"{title}: {card.verdict}", title_justify="left")
    for name, value in card.numbers.items():
        gate = GATES.get(name)
        if value == value:
            table.add_row(name, f"{value:.2f}", *((f"{gate.review:g}", f"{gate.fail:g}") if gate else ("", "")))
    return table


def _one(path: Path, robot: str, output: Path, settings: RetargetSettings) -> int:
    bars: list[tqdm] = []

    def on_start(frames: int) -> Any:
        bars.append(tqdm(total=frames, unit="frame", desc=path.name, leave=False))
        return lambda _: bars[0].update()

    try:
        done = retarget_file(path, robot, output, settings, on_start)
    finally:
        for bar in bars:
            bar.close()
    for key, value in done.understood.items():
        console.print(f"{key}: {value}", highlight=False)
    console.print(card_table(done.card, path.name))
    for reason in done.card.reasons:
        console.print(f"- {reason}", highlight=False)
    console.print(f"wrote {output}", highlight=False)
    return 0


def _many(paths: list[Path], robot: str, folder: Path, settings: RetargetSettings, jobs: int) -> int:
    if folder.suffix == ".npz":
        raise UnderstudyError(f"output={folder}: {len(paths)} recordings need a folder, not one file.")
    outcomes: list[Outcome] = []
    with tqdm(total=len(paths), unit="clip") as bar:
        for outcome in retarget_many(paths, output_names(paths, folder), robot, settings, jobs):
            outcomes.append(outcome)
            bar.update()
    table = Table("recording", "frames", "verdict", "foot mm", "limb deg", "slip mm/s")
    for outcome in sorted(outcomes, key=lambda item: item.path):
        if outcome.card:
            numbers = outcome.card.numbers
            table.add_row(
                outcome.path.name,
                str(outcome.frames_n),
                outcome.card.verdict,
                *(f"{numbers[k]:.1f}" for k in ("foot_mm", "limb_deg", "slip_mm_s")),
            )
    console.print(table)
    failures = [outcome for outcome in outcomes if outcome.card is None]
    console.print(f"{len(outcomes) - len(failures)} written to {folder}, {len(failures)} failed", highlight=False)
    for outcome in failures:
        console.print(f"- {outcome.error}", highlight=False, markup=False)
    return 1 if failures else 0


def main(config: dict[str, Any]) -> int:
    """Retarget a recording, or all recordings of a folder or glob, onto a robot."""
    pattern = str(needed(config, "input", "clip.bvh"))
    output = Path(needed(config, "output", "motion.npz"))
    robot, settings = str(config["robot"]["name"]), settings_from(config)
    load_robot(robot)  # a wrong robot is one error, not one per recording
    paths = find_recordings(pattern)
    if len(paths) == 1 and output.suffix == ".npz":
        return _one(paths[0], robot, output, settings)
    return _many(paths, robot, output, settings, min(len(paths), config["jobs"] or os.cpu_count() or 1))


command = door("retarget", {"source": SourceOptions, "weights": TargetWeights, "smooth": SmoothSettings, "solver": SolverSettings})(main)

if __name__ == "__main__":
    command()
