"""The summary and the timeline say what was found, and hold nothing of the film."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console

from retarget.video.quality.show import quality_summary, write_timeline
from tests.retarget.video.good_film import FRAMES, good_film


def test_the_summary_shows_verdict_numbers_and_reasons() -> None:
    film = good_film().unseen("left", slice(0, 40)).spoiled(brightness=np.full(FRAMES, 0.05), faults=("breaks off [bold]",))
    console = Console(width=160, record=True)
    console.print(quality_summary(film.judged(), "film [1].mp4"))
    text = console.export_text()
    for words in ("film [1].mp4: review (profile v1)", "left hand", "55.56", "Breaks off [bold]", "Switch more light on."):
        assert words in text


def test_the_timeline_is_one_picture_for_any_film(tmp_path: Path) -> None:
    good = good_film()
    films = {
        "good": good,
        "bad": good.unseen("left", slice(10, 60)).spoiled(sharpness=np.full(FRAMES, 1e-6), unread_share=0.7),
        "empty": good.spoiled(tracks={}, hands={}),
    }
    for name, film in films.items():
        write_timeline(tmp_path / f"{name}.png", name, film.judged(), film.pictures, film.tracks, film.hands)
        with Image.open(tmp_path / f"{name}.png") as image:
            assert image.size[0] == 1100
            colours = np.asarray(image.convert("RGB")).reshape(-1, 3)
        orange = (np.abs(colours.astype(int) - [213, 94, 0]).sum(1) < 12).sum()
        assert (orange > 2000) == (name != "empty"), "the right hand's strip"
    assert len(list(tmp_path.iterdir())) == len(films)
