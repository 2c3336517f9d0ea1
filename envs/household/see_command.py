"""Door: `python -m envs see`: a data set again, with the pictures that cameras would have seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from motion.arguments import CommandError, film_size, numbered, split_words
from motion.errors import require

USAGE = """usage: python -m envs see DATASET output=DATASET [key=value ...]

Writes a data set of a chore with things again, with pictures beside its other observations, for policies that look
(policy.pictures=[head]). They are drawn from what the simulation measured. The same command goes on where it stopped.

  output=DATASET     a folder of its own
  camera=head        or several: head,shelf,close,shoulder
  size=96x72         of each picture
  fps=12.5           pictures per second; until the next one the last is seen
  robot=FOLDER       of the demonstrations, where it is not one of ours

It draws without a screen: MUJOCO_GL=egl or osmesa chooses how."""
_KEYS = ("output", "camera", "size", "fps", "robot")
_NAME = "python -m envs see"


def main(words: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    if not words or {"-h", "--help"} & set(words):
        print(USAGE)
        return 0
    files, values = split_words(words, _KEYS, _NAME)
    require(len(files) == 1, CommandError, f"{len(files)} data sets were named; one is wanted: train/stir_pot/.")
    require("output" in values, CommandError, "output= is missing, e.g. output=seen/stir_pot.")
    size, fps = film_size(values, "96x72"), numbered(values, "fps", 12.5) or 12.5
    source, output = Path(files[0]).expanduser(), Path(values["output"]).expanduser()
    require(source.resolve() != output.resolve(), CommandError, f"output={output}: that is the data set itself; name a new folder.")
    written = write_seen(source, output, tuple(values.get("camera", "head").split(",")), size, fps, values.get("robot"))
    print(f"{written} demonstrations with pictures in {output}")
    return 0


def write_seen(source: Path, output: Path, cameras: Sequence[str], size: tuple[int, int], fps: float, robot: str | None = None) -> int:
    """Write a data set with pictures; returns the number of its episodes. Episodes that are there already are kept.

    Args:
        source, output: folders.
        cameras: some of `envs.household.viewpoints.CAMERAS`.
        size: width and height, pixels.
        fps: pictures per second; at most one per control period.
        robot: name or folder, where it is not the one that the data set names.

    Raises:
        FileFormatError: no data set there.
        UnknownNameError: no such camera, chore or robot.
        ShapeError: the demonstrations are not of one chore with things.
        RenderError: no OpenGL here.
    """
    # Only now: a wrong word should be said at once.
    from tqdm import tqdm

    from envs.household.film import chore_of
    from envs.household.picture import SceneRenderer
    from envs.household.seen import with_pictures
    from motion.lerobot import Dataset, DatasetWriter

    dataset = Dataset(source)
    chore = chore_of(dataset.episode(0), robot)
    every = max(1, round(1.0 / (fps * dataset.period_s)))
    drawn: dict[str, Any] = {"pictures": {"cameras": list(cameras), "size_px": list(size), "every": every}}
    with (
        SceneRenderer(chore, *size, cameras) as renderer,
        DatasetWriter(output, split=dataset.head.split if dataset.head else None) as writer,
    ):
        for index in tqdm(range(len(dataset)), unit="episode", desc=output.name):
            name = str(dataset.row(index).get("name") or index)
            if name not in writer:
                writer.add(with_pictures(dataset.episode(index), renderer, every), name, {**dataset.facts(index), **drawn})
        return len(writer)
