"""The page about many films: need of a look first, every reason, and nothing from outside."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from retarget.video.quality.table import FilmRow, film_table
from tests.retarget.video.good_film import FRAMES, good_film


def rows() -> list[FilmRow]:
    dark = good_film().spoiled(brightness=np.full(FRAMES, 0.05))
    return [
        FilmRow("good.mp4", good_film().judged()),
        FilmRow("dark.mp4", dark.judged()),
        FilmRow("dark and gone.mp4", dark.unseen("left", slice(0, 60)).judged()),
        FilmRow("of nobody.mp4", good_film().spoiled(tracks={}, hands={}).judged()),
        FilmRow("<broken>.mp4", error="<broken>.mp4: not a film."),
    ]


def test_the_page_sorts_by_need_and_tells_every_reason(tmp_path: Path) -> None:
    film_table(tmp_path / "films.html", "Monday & Tuesday", rows())
    page = (tmp_path / "films.html").read_text()
    names = re.findall(r"<tr><td>(.*?)</td>", page)
    assert names == ["&lt;broken&gt;.mp4", "of nobody.mp4", "dark and gone.mp4", "dark.mp4", "good.mp4"]
    assert "<h1>Monday &amp; Tuesday</h1>" in page
    assert page.count("pictures are too dark (5 % is the most), at 0:00.0 to 0:03.0.") == 2
    assert "not a film." in page
    assert re.search(r'<b class="review">33.3</b> / <b class="" style="font-weight: 400">100</b>', page), "left hand's share is marked"
    assert not re.search(r"https?://|<img|<script", page)


def test_films_that_all_pass_and_none_at_all(tmp_path: Path) -> None:
    film_table(tmp_path / "one.html", "One", rows()[:1])
    assert "every film passes" in (tmp_path / "one.html").read_text()
    film_table(tmp_path / "none.html", "None", [])
    assert "0 films" in (tmp_path / "none.html").read_text()
