"""Person and robot side by side, as stills and as film, for the report."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from envs.render import Figure, RobotRenderer, View, frames_of_demonstration, write_video
from gap.report import Picture, Video
from motion.demonstration import Demonstration
from motion.human import HumanMotion
from motion.landmarks import BONES
from motion.resample import interpolate
from motion.robot_motion import RobotMotion
from motion.transform import Array
from robots.robot import Robot

_BESIDE_M = 0.95
_FPS = 12.5


@dataclass(frozen=True)
class Shown:
    """A motion to draw, with the person's recording where it is at hand."""

    name: str
    motion: RobotMotion
    human: HumanMotion | None = None


def person_figure(human: HumanMotion, time_s: Array, ground: Array, facing: Array) -> Figure:
    """The person as a stick figure to the robot's left, at the robot's times.

    Args:
        human: the recording.
        time_s: (T,) times, in the recording's own time.
        ground: (T, 2) where the robot's base is, over the floor.
        facing: (T, 2) unit vectors along which the robot looks.
    """
    names = [name for name in human.landmarks if np.isfinite(human.point(name)).any()]
    position = interpolate(human.time_s, human.points(names)[0], time_s)
    hips = interpolate(human.time_s, (human.point("left_hip") + human.point("right_hip")) / 2, time_s)
    feet = [position[..., names.index(name), 2] for name in ("left_toe", "right_toe") if name in names]
    left = np.stack([-facing[:, 1], facing[:, 0]], -1)
    place = np.zeros((len(time_s), 1, 3))
    place[:, 0, :2] = ground - hips[:, :2] + _BESIDE_M * left
    place[:, 0, 2] = -np.nanpercentile(np.minimum.reduce(feet), 5) if feet else 0.0
    bones = tuple((names.index(a), names.index(b)) for a, b in BONES if a in names and b in names)
    return Figure(position + place, bones)


def _robot_place(motion: RobotMotion) -> tuple[Array, Array]:
    forward = motion.T_world_base.rotation()[:, :2, 0]
    return motion.T_world_base.position_m[:, :2], forward / np.linalg.norm(forward, axis=-1, keepdims=True)


def still_strip(robot: Robot, shown: Shown, count: int = 5, size: tuple[int, int] = (300, 360)) -> Array:
    """`count` moments of a motion next to each other, (height, count * width, 3) uint8, person and robot in each."""
    motion = shown.motion
    solved = np.flatnonzero(motion.solved)
    moments = solved[np.linspace(0, len(solved) - 1, count + 2).astype(int)[1:-1]]
    figures = []
    if shown.human is not None and shown.human.has("left_hip", "right_hip"):
        figures = [person_figure(shown.human, motion.time_s, *_robot_place(motion))]
    tiles = []
    with RobotRenderer(robot, *size, _in_front(motion)) as renderer:
        for index in moments:
            drawn = [(figure, int(index)) for figure in figures]
            tiles.append(renderer.draw(motion.joint_position_rad[index], motion.T_world_base[index], drawn))
    return np.concatenate(tiles, axis=1)


def _in_front(motion: RobotMotion, shadows: bool = True) -> View:
    """A camera that looks the robot in the face, a little from its right, wherever it faces in the beginning."""
    forward = _robot_place(motion)[1][motion.solved][0]
    return View(azimuth_deg=float(np.degrees(np.arctan2(forward[1], forward[0]))) + 155.0, shadows=shadows)


def pictures(robot: Robot, shown: Sequence[Shown]) -> list[Picture]:
    """One strip of stills for each motion."""
    out = []
    for item in shown:
        stream = io.BytesIO()
        Image.fromarray(still_strip(robot, item)).save(stream, format="PNG", optimize=True)
        who = "Person and robot" if item.human is not None else "The robot"
        out.append(Picture(stream.getvalue(), f"{who}: {item.name}, as retargeted"))
    return out


def films(robot: Robot, shown: Sequence[Shown], episodes: Sequence[Demonstration]) -> list[Video]:
    """One film: the first learned actor's episode in each plant where it ran, one after the other, beside the person."""
    people = {item.name: item for item in shown}
    actors = list(dict.fromkeys(episode.actor for episode in episodes))
    chosen = [episode for episode in episodes if episode.actor == actors[0] and episode.variant in people] if actors else []
    if not chosen:
        return []
    frames = []
    for episode in chosen:
        item = people[episode.variant]
        time = item.motion.time_s[0] + episode.period_s * np.arange(1, len(episode.actions) + 1)
        figures = []
        if item.human is not None and item.human.has("left_hip", "right_hip"):
            ground = np.asarray(episode.signals["base_position_m"])[:, :2]
            facing = interpolate(item.motion.time_s, _robot_place(item.motion)[1], time)
            figures = [person_figure(item.human, time, ground, facing)]
        frames.append(frames_of_demonstration(robot, episode, _FPS, (480, 400), _in_front(item.motion, shadows=False), figures))
    with tempfile.TemporaryDirectory() as folder:
        film = write_video(Path(folder) / "film.mp4", (frame for part in frames for frame in part), _FPS).read_bytes()
    plants = ", then ".join(episode.plant for episode in chosen)
    return [Video(film, f"{actors[0]} following {chosen[0].variant} in simulation, beside the person: {plants}", "film.mp4")]
