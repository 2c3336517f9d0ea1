"""Door: `python -m retarget render`: a film of a motion, beside the person that it was made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from motion.arguments import CommandError, film_output, film_size, numbered, split_words
from motion.errors import FileFormatError, require
from motion.landmarks import BODY, BONES
from retarget.view.command import INPUTS, NAME
from retarget.view.files import shown_files
from retarget.view.lineage import Shown
from retarget.view.places import Stand, clock_of, person_shift, robot_stand
from retarget.view.recording import Recording

if TYPE_CHECKING:
    from envs.figure import Figure
    from gap.films import Tile

USAGE = """usage: python -m retarget render MOTION.npz [SECOND.npz] output=FILM.mp4 [key=value ...]

Writes a film of a robot's motion with the person it was made from beside it; of two motions, side by side.

  output=FILM.mp4    the film
  size=640x480       of each motion's picture
  fps=25             pictures per second
  speed=1            of the motion; 0.5 is slow motion
  human=FILE         the recording; found by the motion's lineage otherwise. For two motions: human=A,B
  robot=NAME         for motions of other tools, or of a robot in a folder. For two motions: robot=A,B
  rate_hz=N          of motions that carry no rate (.csv)
  beside=0.9         how far from the robot the person stands, m; 0 lays one over the other

It draws without a screen: MUJOCO_GL=egl or osmesa chooses how."""
_BODY_RADIUS_M, _HAND_RADIUS_M = 0.014, 0.004


def main(words: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    if not words or {"-h", "--help"} & set(words):
        print(USAGE)
        return 0
    files, values = split_words(words, ("output", "size", "fps", "speed", "human", "robot", "rate_hz", "beside", "source."), NAME, INPUTS)
    output, size = film_output(values), film_size(values, "640x480")
    fps, speed = numbered(values, "fps", 25.0) or 25.0, numbered(values, "speed", 1.0) or 1.0
    shown = _motions(files, values)
    require(all(output.resolve() != item.path.resolve() for item in shown), FileFormatError, f"output={output} is a motion to be read.")
    from gap.films import write_film  # only now: the renderer takes a while, and a wrong word should be said at once

    clock_s, frames = clock_of([item.time_s for item in shown])
    moments = np.arange(clock_s[0], clock_s[-1] + 1e-9, speed / fps)
    ticks = np.clip(np.searchsorted(clock_s, moments - 1e-9), 0, len(clock_s) - 1)
    tiles = [_tile(item, frames[index][ticks], values) for index, item in enumerate(shown)]
    with tqdm(total=len(moments), unit="picture", desc=output.name, leave=False) as bar:
        write_film(output, tiles, moments, size, fps, bar.update)
    for item in shown:
        print(item.title, *item.notes, sep="\n- ")
    print(f"wrote {output}")
    return 0


def _motions(files: Sequence[str], values: Mapping[str, str]) -> list[Shown]:
    """What the command line names, robots' motions all."""
    motions = []
    for item in shown_files(files, values):
        if isinstance(item, Recording):
            raise CommandError(
                f"{item.path} is a recording; a film wants a robot's motion, with the person beside it. "
                f"Make one with python -m retarget input={item.path.name} robot=g1 output=motion.npz. "
                "The recording alone is shown by python -m retarget view."
            )
        motions.append(item)
    return motions


def _tile(shown: Shown, frames: np.ndarray, values: Mapping[str, str]) -> Tile:
    from gap.films import Tile

    stand = robot_stand(shown)
    figures = () if shown.human is None else _person(shown, stand, values)
    azimuth_deg = float(np.degrees(np.arctan2(stand.forward[1], stand.forward[0]))) + 155.0
    return Tile(shown.body.robot, shown.motion, frames, figures, azimuth_deg, f"{shown.path.stem}, {shown.body.robot.name}")


def _person(shown: Shown, stand: Stand, values: Mapping[str, str]) -> tuple[Figure, ...]:
    """The person to the robot's left: the body, and hands of thinner lines."""
    from envs.figure import Figure

    human, usual = shown.human, stand.beside_m
    assert human is not None
    beside = 0.0 if values.get("beside") == "0" else numbered(values, "beside", usual) or usual
    position = human.position_m + (person_shift(shown, stand) + beside * stand.left)[:, None]
    body = [name for name in human.landmarks if name in BODY]
    hands = [name for name in human.landmarks if name not in BODY or name.endswith("_wrist")]
    figures = []
    for names, radius in ((body, _BODY_RADIUS_M), (hands, _HAND_RADIUS_M)):
        bones = tuple((names.index(a), names.index(b)) for a, b in BONES if a in names and b in names)
        if bones:
            figures.append(Figure(position[:, [human.landmarks.index(name) for name in names]], bones, radius))
    return tuple(figures)
