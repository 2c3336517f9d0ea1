"""Films of robots' motions, with the person beside each, several next to one another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from envs.render import Figure, RobotRenderer, Shot, View, write_video
from motion.errors import ShapeError, require
from motion.robot_motion import RobotMotion
from motion.transform import Array
from robots.robot import Robot

_INK = (40, 40, 40)


@dataclass(frozen=True)
class Tile:
    """One part of a film's picture.

    Attributes:
        robot, motion: what moves.
        frames: (S,) the frame of the motion in each of the film's pictures.
        figures: drawn with it; as many frames as the motion.
        azimuth_deg: direction of looking, as in `View`.
        caption: a few words above.
    """

    robot: Robot
    motion: RobotMotion
    frames: np.ndarray
    figures: tuple[Figure, ...] = ()
    azimuth_deg: float = 180.0
    caption: str = ""


def film_pictures(tiles: Sequence[Tile], time_s: Array, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Pictures (height, width, 3), uint8, tiles from left to right; a frame without a pose shows no robot.

    Args:
        tiles: what is shown.
        time_s: (S,) the time of each picture, written into it.
        size: width and height of each tile, pixels.
    """
    for tile in tiles:
        require(len(tile.frames) == len(time_s), ShapeError, f"a tile has {len(tile.frames)} pictures; the film has {len(time_s)}.")
    with ExitStack() as stack:
        renderers = [
            stack.enter_context(RobotRenderer(tile.robot, *size, View(tile.azimuth_deg, elevation_deg=-10, shadows=False)))
            for tile in tiles
        ]
        for renderer, tile in zip(renderers, tiles, strict=True):
            renderer.hold_aim(_shot(tile, int(frame)) for frame in tile.frames[:: max(1, len(tile.frames) // 100)])
        for index, moment in enumerate(time_s):
            parts = [renderer.draw(*_shot(tile, int(tile.frames[index]))) for renderer, tile in zip(renderers, tiles, strict=True)]
            words = [f"{tile.caption}  {moment:.2f} s" for tile in tiles]
            yield np.concatenate([_captioned(part, word) for part, word in zip(parts, words, strict=True)], axis=1)


def _shot(tile: Tile, frame: int) -> Shot:
    motion = tile.motion
    return motion.joint_position_rad[frame], motion.T_world_base[frame], [(figure, frame) for figure in tile.figures]


def _captioned(picture: np.ndarray, words: str) -> np.ndarray:
    image = Image.fromarray(picture)
    ImageDraw.Draw(image).text((8, 6), words, fill=_INK)
    return np.asarray(image)


def write_film(
    path: Path, tiles: Sequence[Tile], time_s: Array, size: tuple[int, int], fps: float, on_picture: Callable[[], object] | None = None
) -> Path:
    """Write a film (.mp4), whole or not at all.

    Args:
        path: the file.
        tiles, time_s, size: as for `film_pictures`.
        fps: pictures per second.
        on_picture: called after every picture, for a progress bar.
    """

    def counted() -> Iterator[np.ndarray]:
        for picture in film_pictures(tiles, time_s, size):
            yield picture
            if on_picture:
                on_picture()

    return write_video(path, counted(), fps)
