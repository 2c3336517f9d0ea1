"""What `python -m retarget input=CLIP robot=g1_dex3 output=motion.npz` and `python -m retarget read` do."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tqdm import tqdm

from motion.errors import UnderstudyError
from retarget.batch import Outcome, refuse_overwriting, retarget_many
from retarget.corpus_report import Clip, write_corpus
from retarget.hand_targets import HandSettings
from retarget.pipeline import RetargetSettings, find_recordings, output_names, retarget_file
from retarget.problem import SolverSettings
from retarget.show_card import coloured, say, show_card, show_reading
from retarget.smooth import SmoothSettings
from retarget.sources.base import SourceOptions, read_recording
from retarget.targets import TargetWeights
from robots import load_robot
from understudy import build, door, needed, output_of, path_of, plain

console = Console()


def settings_from(config: dict[str, Any]) -> RetargetSettings:
    """RetargetSettings from the door's plain values."""
    source, options = _source(config)
    return RetargetSettings(
        source=source,
        options=options,
        weights=build(TargetWeights, config["weights"], "weights"),
        hands=build(HandSettings, config["hands"], "hands"),
        smooth=build(SmoothSettings, config["smooth"], "smooth"),
        solver=build(SolverSettings, config["solver"], "solver"),
        self_contact=plain(config, "self_contact", bool),
    )


def _source(config: dict[str, Any]) -> tuple[str | None, SourceOptions]:
    """The format that was asked for, None to find it out, and what was stated about the recording."""
    source = dict(config["source"])
    name = source.pop("name", None)
    return None if name in (None, "auto") else str(name), build(SourceOptions, source, "source")


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
    show_card(console, done.card, path.name, done.understood)
    say(console, f"wrote {output}")
    return 0


def _many(paths: list[Path], outputs: list[Path], robot: str, folder: Path, settings: RetargetSettings, jobs: int) -> int:
    outcomes: list[Outcome] = []
    with tqdm(total=len(paths), unit="clip") as bar, closing(retarget_many(paths, outputs, robot, settings, jobs)) as done:
        for outcome in done:
            outcomes.append(outcome)
            bar.update()
    table = Table("recording", "frames", "verdict", "foot mm", "limb deg", "slip mm/s")
    for outcome in sorted(outcomes, key=lambda item: item.path):
        if outcome.card:
            numbers = outcome.card.numbers
            table.add_row(
                escape(outcome.path.name),
                str(outcome.frames_n),
                coloured(outcome.card.verdict),
                *(f"{numbers[k]:.1f}" for k in ("foot_mm", "limb_deg", "slip_mm_s")),
            )
    console.print(table)
    failures = [outcome for outcome in outcomes if outcome.card is None]
    clips = [Clip(outcome.output.stem, outcome.card, outcome.frames_n, outcome.seconds, outcome.error) for outcome in outcomes]
    _, page = write_corpus(folder, f"{folder.resolve().name} on {robot}", sorted(clips, key=lambda clip: clip.name))
    say(console, f"{len(outcomes) - len(failures)} written to {folder}, {len(failures)} failed; all cards side by side: {page}")
    for outcome in failures:
        say(console, f"- {outcome.error}")
    return 1 if failures else 0


def main(config: dict[str, Any]) -> int:
    """Retarget a recording, or all recordings of a folder or glob, onto a robot."""
    pattern = str(needed(config, "input", "clip.bvh"))
    output = path_of(needed(config, "output", "motion.npz"))
    robot, settings = str(config["robot"]["name"]), settings_from(config)
    jobs = plain(config, "jobs", int | None, least=1) or os.cpu_count() or 1
    load_robot(robot)  # a wrong robot is one error, not one per recording
    paths = find_recordings(pattern)
    outputs, single = _outputs(config, paths, "motion.npz")
    if single:
        return _one(paths[0], robot, outputs[0], settings)
    return _many(paths, outputs, robot, output, settings, min(len(paths), jobs))


def _outputs(config: dict[str, Any], paths: list[Path], example: str) -> tuple[list[Path], bool]:
    """One file to write per recording, none of them a recording; and whether `output` names a single file."""
    output = path_of(str(config["output"]))
    single = output.suffix == ".npz"
    if single and len(paths) > 1:
        raise UnderstudyError(f"output={output}: {len(paths)} recordings need a folder, not one file.")
    output_of(config, example, is_file=single)
    outputs = [output] if single else output_names(paths, output)
    refuse_overwriting(paths, outputs)
    return outputs, single


def read(config: dict[str, Any]) -> int:
    """Tell what recordings are; write them as HumanMotion files where `output` says so."""
    paths = find_recordings(str(needed(config, "input", "clip.bvh")))
    name, options = _source(config)
    outputs: list[Path | None] = [None] * len(paths) if config["output"] is None else [*_outputs(config, paths, "human.npz")[0]]
    failed = 0
    for path, output in tqdm(list(zip(paths, outputs, strict=True)), unit="file", disable=len(paths) == 1, leave=False):
        try:
            reading = read_recording(path, options, name)
        except UnderstudyError as error:
            if len(paths) == 1:
                raise
            failed += 1
            say(console, f"- {error}")
            continue
        if output is not None:
            reading.motion.save(output)
        show_reading(console, reading, path.name, str(output or ""))
    return 1 if failed else 0


read_command = door("read", {"source": SourceOptions}, "read")(read)
command = door(
    "retarget",
    {"source": SourceOptions, "weights": TargetWeights, "hands": HandSettings, "smooth": SmoothSettings, "solver": SolverSettings},
)(main)
