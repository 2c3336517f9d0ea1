"""Pictures for docs/chores.md: `python -m benchmarks.chore_pictures [demonstrations/] [output=docs/images] [robot=g1_dex3]`.

Of every chore its start and its success, side by side. They are of the first successful demonstration in the folder, a safe one
where there is one; of chores that the folder has none of, and without a folder, of a person's true recording replayed.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.chore_runs import ROBOT, WORKERS
from envs.chores.registry import household_chores, make_household
from envs.household.chore import Household
from envs.household.film import scene_of
from envs.household.picture import SceneRenderer
from envs.household.posed import Placement
from motion.arguments import split_words
from motion.demonstration import Demonstration
from motion.errors import UnderstudyError, require
from motion.store import write_atomically
from understudy import status_of
from workers.household.demonstrate import Source, demonstrate
from workers.household.film import record_chore

SIZE, MOST_BYTES = (480, 360), 120_000
"""Of each of the two pictures, pixels; and of the file."""
CAMERAS = {"operate_appliance": "shoulder", "walk_clutter": "shelf", "fetch_item": "shelf"}
"""From where a chore is best seen; "close" for all others."""
_FINER, _GAP_PX, _TRIES = 2, 6, 10
_QUALITIES = (90, 80, 70, 60, 50, 40, 30)
_INK, _PAPER = (40, 40, 40), (255, 255, 255)


def start_and_success(demonstration: Demonstration, chore: Household, camera: str, size: tuple[int, int] = SIZE) -> np.ndarray:
    """The first and the last moment (height, 2 width + gap, 3), uint8, in fine detail."""
    large = tuple(_FINER * side for side in size)
    with SceneRenderer(chore, *large, cameras=(camera,), fine=True) as renderer:
        renderer.set_scene(scene_of(chore, demonstration))
        tiles = [_tile(renderer, demonstration, camera, step, word, size) for step, word in ((0, "start"), (-1, "success"))]
    gap = np.full((size[1], _GAP_PX, 3), 255, np.uint8)
    return np.concatenate([tiles[0], gap, tiles[1]], axis=1)


def _tile(renderer: SceneRenderer, demonstration: Demonstration, camera: str, step: int, word: str, size: tuple[int, int]) -> np.ndarray:
    renderer.place(Placement.of_signals(demonstration.signals, step % len(demonstration.actions)))
    image = Image.fromarray(renderer.picture(camera)).resize(size, Image.Resampling.LANCZOS)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(size=16)
    place = (8, size[1] - 26)
    pen.rectangle(pen.textbbox(place, word, font=font, anchor="la"), fill=_PAPER)
    pen.text(place, word, fill=_INK, font=font)
    return np.asarray(image)


def write_jpeg(path: Path, picture: np.ndarray, most_bytes: int = MOST_BYTES) -> int:
    """Write a picture as well as fits into so many bytes; returns how many it took."""
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=quality, optimize=True)
        content = buffer.getvalue()
        if len(content) <= most_bytes:
            write_atomically(path, lambda stream, content=content: stream.write(content))  # type: ignore[misc]
            return len(content)
    raise UnderstudyError(f"{path}: a picture of {picture.shape} does not fit into {most_bytes} bytes.")


def successful(files: Iterable[Path], chore: str, robot: str) -> Demonstration | None:
    """The first successful demonstration of a chore by a robot, a safe one where there is one."""
    found = [Demonstration.load(path) for path in files]
    done = [one for one in found if one.chore == chore and one.robot == robot and one.success]
    return min(done, key=lambda one: len(one.violations), default=None)


def oracle(chore: Household, tries: int = _TRIES) -> Demonstration:
    """A true recording replayed in its own scene: the first safe success of some seeds, else the first success."""
    best: Demonstration | None = None
    for seed in range(tries):
        motion = record_chore(chore.name, chore.variants[0], seed, seed % WORKERS).truth
        done = demonstrate(chore, [Source(str(seed), chore.variants[0], seed, motion=motion)], stage=False)[0].demonstration
        best = best or done
        if done is not None and not done.violations:
            return done
    if best is None:
        raise UnderstudyError(f"{chore.name}: none of {tries} recordings was replayed to success.")
    return best


def main(words: Sequence[str]) -> int:
    """Write `chore_NAME.jpg` for every chore."""
    folders, values = split_words(words, ("output", "robot"), "python -m benchmarks.chore_pictures")
    files = sorted(path for folder in folders for path in Path(folder).rglob("*.npz"))
    require(not folders or bool(files), UnderstudyError, f"{', '.join(folders)}: no demonstrations there.")
    robot, output = values.get("robot", ROBOT), Path(values.get("output", "docs/images"))
    for name in household_chores():
        chore = make_household(name, robot)
        shown = successful(files, name, chore.robot.name) or oracle(chore)
        path = output / f"chore_{name}.jpg"
        size = write_jpeg(path, start_and_success(shown, chore, CAMERAS.get(name, "close")))
        print(f"{path}: {size / 1000:.0f} kB, seed {shown.seed}, unsafe: {', '.join(shown.violations) or 'no'}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(status_of(lambda: main(sys.argv[1:])))
