"""Films of demonstrations in a household: what happened, from one or more cameras, with words below about how it went."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from envs.chores.registry import make_household
from envs.episodes import Episode, Episodes
from envs.household.chore import Household
from envs.household.hands import HAND_PARTS
from envs.household.picture import SceneRenderer
from envs.household.posed import Placement
from envs.household.viewpoints import check_cameras
from envs.plants import Plant, find_plant, known_plants
from envs.render import write_video
from motion.demonstration import Demonstration
from motion.errors import ShapeError, require
from motion.landmarks import SIDES
from motion.transform import Array
from robots.robot import Robot

_INK, _PAPER, _DONE = (40, 40, 40), (245, 245, 243), (20, 130, 60)
_LINES_N, _LINE_SHARE = 2, 0.062
"""Lines of the caption, and the height of each as a share of the picture's."""
_LEAST_LINE_PX = 13


@dataclass(frozen=True)
class FilmSettings:
    """How a film is made.

    Attributes:
        cameras: side by side, from left to right.
        size: width and height of each camera's picture, pixels.
        fps: pictures per second.
        speed: of what is shown; 0.5 is slow motion.
        fine: shadows and detail; many times slower.
    """

    cameras: tuple[str, ...] = ("shelf", "head")
    size: tuple[int, int] = (480, 360)
    fps: float = 25.0
    speed: float = 1.0
    fine: bool = False


def chore_of(demonstration: Demonstration, robot: str | Robot | None = None) -> Household:
    """The chore that a demonstration was made in.

    Args:
        demonstration: of a chore with things.
        robot: the one that it names, where that is not one of ours.

    Raises:
        UnknownNameError: no such chore or robot.
    """
    return make_household(demonstration.chore, robot if robot is not None else demonstration.robot)


def scene_of(chore: Household, demonstration: Demonstration) -> mujoco.MjModel:
    """The scene's model as it was simulated, in the plant where that is known here, nominal otherwise.

    Raises:
        ShapeError: the demonstration is of another chore, or of a robot with other joints.
    """
    own = chore.robot.joint_names
    require(demonstration.chore == chore.name, ShapeError, f"a demonstration of {demonstration.chore!r} cannot be shown as {chore.name!r}.")
    where = f"the demonstration's joints are not those of {chore.robot.name}: {len(demonstration.joint_names)} and {len(own)}."
    require(demonstration.joint_names[: len(own)] == own, ShapeError, where)
    plant: Plant = find_plant(demonstration.plant if demonstration.plant in known_plants() else "nominal")
    episodes = Episodes(chore, 1)
    episodes.reset([0], [Episode(demonstration.variant, plant, demonstration.seed)])
    return episodes.model_of(0)


def render_demonstration(
    demonstration: Demonstration,
    path: Path,
    settings: FilmSettings = FilmSettings(),
    chore: Household | None = None,
    on_picture: Callable[[], object] | None = None,
) -> Path:
    """Write a film (.mp4) of a demonstration, whole or not at all.

    Args:
        demonstration: of a chore with things; its scene is drawn anew from chore, variant and seed.
        path: the file.
        settings: cameras and size.
        chore: of the demonstration, for its robot; found by the names in it otherwise.
        on_picture: called after every picture, for a progress bar.

    Raises:
        RenderError: no OpenGL here.
        ShapeError: the chore is not the demonstration's.
        UnknownNameError: no such chore, robot or camera.
    """

    def counted() -> Iterator[np.ndarray]:
        for picture in demonstration_pictures(demonstration, settings, chore):
            yield picture
            if on_picture:
                on_picture()

    return write_video(path, counted(), settings.fps)


def film_steps(demonstration: Demonstration, settings: FilmSettings) -> np.ndarray:
    """(S,) the demonstration's step in each of the film's pictures."""
    steps = len(demonstration.actions)
    apart = settings.speed / settings.fps / demonstration.period_s
    return np.minimum(np.arange(0, max(steps - 1, 0) + 1e-9, apart).round().astype(int), steps - 1)


def demonstration_pictures(
    demonstration: Demonstration, settings: FilmSettings = FilmSettings(), chore: Household | None = None
) -> Iterator[np.ndarray]:
    """Pictures (height, width, 3), uint8, of a demonstration; cameras side by side, a caption below."""
    check_cameras(settings.cameras)
    own = chore or chore_of(demonstration)
    scene = scene_of(own, demonstration)
    with SceneRenderer(own, *settings.size, settings.cameras, settings.fine) as renderer:
        renderer.set_scene(scene)
        for step in film_steps(demonstration, settings):
            renderer.place(Placement.of_signals(demonstration.signals, int(step)))
            seen = np.concatenate([renderer.picture(camera) for camera in settings.cameras], axis=1)
            yield np.concatenate([seen, caption(seen.shape[1], settings.size[1], words_at(own, demonstration, int(step)))], axis=0)


def words_at(chore: Household, demonstration: Demonstration, step: int) -> tuple[str, str]:
    """What there is to say about a step: which episode, and how far it has come with what force."""
    time_s, last = (step + 1) * demonstration.period_s, step == len(demonstration.actions) - 1
    ending = ("  success" if demonstration.success else "  no success") if last else ""
    title = f"{demonstration.chore} {demonstration.variant}, seed {demonstration.seed}, {demonstration.robot}  {time_s:.2f} s{ending}"
    left, right = hand_forces_n(demonstration)[step]
    return title, f"{reached_words(chore, demonstration, step)}  force left {left:.1f} N, right {right:.1f} N"


def reached_words(chore: Household, demonstration: Demonstration, step: int) -> str:
    """How many stages were reached until a step, and which last."""
    reached = np.asarray(demonstration.signals["stage_reached"])
    at = {stage.name: int(np.argmax(reached[:, k] > 0)) for k, stage in enumerate(chore.stages) if reached[step, k] > 0}
    newest = max(at, key=lambda name: at[name]).replace("_", " ") if at else "none yet"
    return f"stages {len(at)} of {len(chore.stages)}: {newest}"


def hand_forces_n(demonstration: Demonstration) -> Array:
    """(T, 2) sum of the normal forces on the left and on the right hand.

    Raises:
        ShapeError: not measured.
    """
    force = np.asarray(demonstration.signals.get("hand_force_n", np.zeros(0)), float)
    shape = (len(demonstration.actions), len(SIDES), len(HAND_PARTS))
    require(force.shape == shape, ShapeError, f"signal hand_force_n is {force.shape}; {shape} was wanted.")
    return np.asarray(force.sum(2))


def caption(width: int, picture_height: int, lines: Sequence[str]) -> np.ndarray:
    """A strip (height, width, 3), uint8, with lines of words, to go below a picture of some height."""
    line = max(_LEAST_LINE_PX, round(_LINE_SHARE * picture_height))
    strip = Image.new("RGB", (width, (_LINES_N * line + line // 2) // 2 * 2), _PAPER)
    pen, font = ImageDraw.Draw(strip), ImageFont.load_default(size=0.74 * line)
    for row, words in enumerate(lines):
        pen.text((line // 2, line // 4 + row * line), words, fill=_DONE if words.endswith("  success") else _INK, font=font)
    return np.asarray(strip)
