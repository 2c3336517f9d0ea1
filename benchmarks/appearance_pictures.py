"""Picture for docs/appearance.md: `python -m benchmarks.appearance_pictures [output=appearance.png] [seeds=5,5] [robot=g1_dex3]`.

What the head's camera sees at the start of two chores: as in training, and with every kind of another appearance in three strengths.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.chore_runs import ROBOT
from envs.chores.registry import make_household
from envs.disturbance import Disturbance
from envs.episodes import Episode, Episodes
from envs.household.appearance import NEUTRAL, Appearance
from envs.household.chore import Household
from envs.household.eyes import Eyes
from envs.plants import find_plant
from motion.arguments import split_words
from motion.errors import UnderstudyError, require
from motion.store import write_atomically
from understudy import status_of

CHORES = ("tidy_counter", "operate_appliance")
STRENGTHS: Mapping[str, tuple[float, float, float]] = {
    "camera_moved_m": (0.02, 0.05, 0.1),
    "camera_turned_rad": (0.05, 0.1, 0.2),
    "view_scaled": (0.05, 0.15, 0.3),
    "light_scaled": (0.2, 0.5, 1.0),
    "light_turned_rad": (0.3, 0.6, 1.0),
    "light_mired": (30.0, 75.0, 150.0),
    "hue_rad": (0.5, 1.2, 3.0),
    "shade_scaled": (0.2, 0.5, 1.0),
    "blur": (0.005, 0.01, 0.02),
    "exposure_stops": (0.5, 1.0, 2.0),
    "gamma_scaled": (0.2, 0.5, 1.0),
    "noise": (0.02, 0.05, 0.1),
}
"""Kind -> weak, middling, strong."""
SIZE, MOST_BYTES = (120, 90), 400_000
_COLOURS = (256, 192, 128, 96, 64)
_GAP_PX, _NAMES_PX = 3, 128
_INK, _PAPER = (40, 40, 40), (255, 255, 255)


def starts(chore: Household, seed: int, appearances: Sequence[Appearance], size: tuple[int, int] = SIZE) -> list[np.ndarray]:
    """The start of one episode through the head's camera (height, width, 3), in each appearance."""
    episodes = Episodes(chore, 1, disturbance=Disturbance(start_noise_rad=0.0))
    episodes.reset([0], [Episode(chore.variants[0], find_plant("nominal"), seed)])
    pictures = []
    for appearance in appearances:
        eyes = Eyes(chore, ("head",), size, appearance)
        pictures.append(eyes.pictures(episodes, 0)["head"])
        eyes.close()
    return pictures


def sheet(robot: str, seeds: Sequence[int], size: tuple[int, int] = SIZE) -> Image.Image:
    """A row for each kind; of each chore, with its seed, a column as in training and one for each strength."""
    kinds = [field.name for field in fields(Appearance)]
    worn = [NEUTRAL, *(Appearance(**{kind: strength}) for kind in kinds for strength in STRENGTHS[kind])]
    wide, high = size[0] + _GAP_PX, size[1] + _GAP_PX + 13
    out = Image.new("RGB", (_NAMES_PX + 4 * len(CHORES) * wide, len(kinds) * high), _PAPER)
    pen, font = ImageDraw.Draw(out), ImageFont.load_default(size=11)
    for column, (name, seed) in enumerate(zip(CHORES, seeds, strict=True)):
        plain, *other = starts(make_household(name, robot), seed, worn, size)
        for row, kind in enumerate(kinds):
            pen.text((2, row * high + size[1] // 2), kind, fill=_INK, font=font)
            shown = [("as in training", plain), *zip(map(str, STRENGTHS[kind]), other[3 * row : 3 * row + 3], strict=True)]
            for place, (word, picture) in enumerate(shown):
                corner = _NAMES_PX + (4 * column + place) * wide, row * high
                out.paste(Image.fromarray(picture), corner)
                pen.text((corner[0], corner[1] + size[1]), word, fill=_INK, font=font)
    return out


def as_png(image: Image.Image, most_bytes: int = MOST_BYTES) -> bytes:
    """A PNG with as many colours as fit into so many bytes.

    Raises:
        UnderstudyError: it does not fit.
    """
    for colours in _COLOURS:
        buffer = io.BytesIO()
        image.quantize(colours, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
        if buffer.tell() <= most_bytes:
            return buffer.getvalue()
    raise UnderstudyError(f"a picture of {image.size} does not fit into {most_bytes} bytes.")


def main(words: Sequence[str]) -> int:
    """Write the sheet."""
    folders, values = split_words(words, ("output", "seeds", "robot"), "python -m benchmarks.appearance_pictures")
    require(not folders, UnderstudyError, f"{folders}: what is that? output=, seeds= and robot= are known.")
    seeds = values.get("seeds", "5,5").split(",")
    wanted = len(seeds) == len(CHORES) and all(seed.isdecimal() for seed in seeds)
    require(wanted, UnderstudyError, f"seeds={values.get('seeds')}: one for each of {', '.join(CHORES)} was wanted, as in seeds=5,5.")
    path = Path(values.get("output", "docs/images/appearance.png"))
    content = as_png(sheet(values.get("robot", ROBOT), [int(seed) for seed in seeds]))
    write_atomically(path, lambda stream: stream.write(content))  # type: ignore[arg-type, return-value]
    print(f"{path}: {len(content) / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(status_of(lambda: main(sys.argv[1:])))
