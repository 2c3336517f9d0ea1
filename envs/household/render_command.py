"""Door: `python -m envs render`: a film of a demonstration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from motion.arguments import CommandError, film_output, film_size, is_true, numbered, split_words
from motion.demonstration import Demonstration
from motion.errors import FileFormatError, require

USAGE = """usage: python -m envs render DEMONSTRATION.npz output=FILM.mp4 [key=value ...]

Writes a film of what a robot did in a chore with things; a motion followed in simulation is shown, too.

  output=FILM.mp4     the film
  camera=shelf,head   cameras side by side: head (as on a worker's phone), shelf, close, shoulder; of things only
  size=480x360        of each camera's picture
  fps=25              pictures per second
  speed=1             of what is shown; 0.5 is slow motion
  fine=true           shadows and detail; many times slower
  robot=FOLDER        of the demonstration, where it is not one of ours

It draws without a screen: MUJOCO_GL=egl or osmesa chooses how."""
_KEYS = ("output", "camera", "size", "fps", "speed", "fine", "robot")
_NAME = "python -m envs render"


def main(words: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    if not words or {"-h", "--help"} & set(words):
        print(USAGE)
        return 0
    files, values = split_words(words, _KEYS, _NAME)
    output, size = film_output(values), film_size(values, "480x360")
    fps, speed = numbered(values, "fps", 25.0) or 25.0, numbered(values, "speed", 1.0) or 1.0
    fine, cameras = is_true(values, "fine"), tuple(values.get("camera", "shelf,head").split(","))
    demonstration = demonstration_of(files)
    # Only now: the renderer takes a while, and a wrong word should be said at once.
    from tqdm import tqdm

    from envs.chores.registry import household_chores
    from envs.household.film import FilmSettings, chore_of, film_steps, render_demonstration

    robot = values.get("robot")
    if demonstration.chore not in household_chores():
        return _followed(demonstration, robot, output, size, fps)
    settings = FilmSettings(cameras, size, fps, speed, fine)
    chore = chore_of(demonstration, robot)
    with tqdm(total=len(film_steps(demonstration, settings)), unit="picture", desc=output.name, leave=False) as bar:
        render_demonstration(demonstration, output, settings, chore, bar.update)
    print(f"wrote {output}")
    return 0


def demonstration_of(files: Sequence[str]) -> Demonstration:
    """The one demonstration that the command line names.

    Raises:
        CommandError: none, or several.
        FileFormatError: no such file, or another kind of file.
    """
    require(len(files) == 1, CommandError, f"{len(files)} files were named; one is wanted: demonstration.npz.")
    path = Path(files[0]).expanduser()
    require(path.is_file(), FileFormatError, f"{path}: no such file.")
    return Demonstration.load(path)


def _followed(demonstration: Demonstration, robot: str | None, output: Path, size: tuple[int, int], fps: float) -> int:
    """A film of a chore without things: the robot alone."""
    from envs.render import frames_of_demonstration, write_video
    from robots import load_robot

    write_video(output, frames_of_demonstration(load_robot(robot or demonstration.robot), demonstration, fps, size), fps)
    print(f"wrote {output}")
    return 0
