"""The page: complete, closed, escaped, and honest about what it shows."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from gap import EpisodeResult, Picture, Scorecard, ScoreError, Table, Video, episode_results, episodes_provenance, score, write_report
from gap.plots import error_over_time_plot, metric_plot
from gap.report import INLINE_VIDEO_BYTES, split_cell
from motion.demonstration import Demonstration
from motion.provenance import Provenance
from robots import Robot

MP4 = b"\x00\x00\x00\x18ftypisom" + b"\x00" * 100
PNG = b"\x89PNG\r\n\x1a\n"
VOID = {"meta", "img", "br", "link"}
NASTY = '<script>alert("x")</script> & clip'


class Page(HTMLParser):
    """Collects tags, sources and text, and checks that every tag is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "poster", "srcset", "action", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text += data


@pytest.fixture(scope="module")
def demonstrations(simulate: Callable[..., Demonstration]) -> list[Demonstration]:
    return [
        simulate(actor, plant, variant, steps=80)
        for actor in ("bc", "hold")
        for plant in ("nominal", "slow_link")
        for variant in ("clip_0", NASTY)
    ]


@pytest.fixture(scope="module")
def scored(demonstrations: list[Demonstration], g1: Robot) -> tuple[Scorecard, list[EpisodeResult]]:
    rows = episode_results(demonstrations, g1)
    return score(rows, episodes_provenance(demonstrations)), rows


@pytest.fixture(scope="module")
def page(
    demonstrations: list[Demonstration], scored: tuple[Scorecard, list[EpisodeResult]], tmp_path_factory: pytest.TempPathFactory
) -> str:
    path = write_report(
        tmp_path_factory.mktemp("report") / "report.html",
        *scored,
        demonstrations,
        pictures=[Picture(PNG, f"person and robot {NASTY}")],
        videos=[Video(MP4, "the film")],
        title=f"Report of {NASTY}",
        notes=("A note.",),
        tables=[Table("Retargeting quality", ("Clip", "Foot (mm)"), ((NASTY, "9.5"),))],
        held_out=("clip_0",),
    )
    return path.read_text()


def test_page_is_well_formed_and_complete(page: str) -> None:
    parsed = Page(page)
    assert parsed.tags.count("img") == 6
    assert parsed.tags.count("video") == 1
    for words in (
        "Held out of training: clip_0",
        "Retargeting quality",
        "the film",
        "CC BY-NC 4.0",
        "clip.bvh",
        "Against the baselines",
        "A note.",
    ):
        assert words in parsed.text
    assert len(page) < 10_000_000


def test_page_asks_nothing_of_the_network(page: str) -> None:
    parsed = Page(page)
    assert parsed.sources
    assert all(source.startswith("data:") for source in parsed.sources)
    assert not {"script", "link", "iframe", "object", "embed"} & set(parsed.tags)
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_page_escapes_names(page: str) -> None:
    assert "<script" not in page
    assert NASTY in Page(page).text


def test_page_says_sim_to_sim(page: str) -> None:
    text = Page(page).text
    assert "sim-to-sim robustness" in text
    assert "none on a real robot" in text
    assert "sim-to-real" not in text


def test_inlined_pictures_are_whole(page: str) -> None:
    images = [source for source in Page(page).sources if source.startswith("data:image/png;base64,")]
    contents = [base64.b64decode(source.split(",", 1)[1]) for source in images]
    assert all(content.startswith(PNG) for content in contents)
    assert sum(content.endswith(b"IEND" + zlib.crc32(b"IEND").to_bytes(4, "big")) for content in contents) == 5


def test_large_films_lie_beside_the_page(scored: tuple[Scorecard, list[EpisodeResult]], tmp_path: Path) -> None:
    large = MP4 + b"\x00" * INLINE_VIDEO_BYTES
    path = write_report(tmp_path / "report.html", *scored, videos=[Video(MP4, "small"), Video(large, "large", "nominal.mp4")])
    assert "nominal.mp4" in Page(path.read_text()).sources
    assert (tmp_path / "nominal.mp4").read_bytes() == large
    with pytest.raises(ScoreError, match=r"two films are called 'a\.mp4'"):
        write_report(tmp_path / "report.html", *scored, videos=[Video(large, "1", "a.mp4"), Video(large, "2", "a.mp4")])


def test_smallest_report(row: Callable[..., EpisodeResult], tmp_path: Path) -> None:
    """One actor, one plant, one episode, nothing measured: no crash, no made-up number."""
    rows = [row()]
    text = Page(write_report(tmp_path / "r.html", score(rows, Provenance("test")), rows).read_text()).text
    assert "1/1" in text
    assert not re.search(r"\bnan\b", text, re.IGNORECASE)
    assert "unstated" in text


def test_what_is_no_picture_or_film_is_refused() -> None:
    with pytest.raises(ScoreError, match="not a PNG"):
        Picture(b"GIF89a", "x")
    with pytest.raises(ScoreError, match="not an MP4"):
        Video(b"\x1aE\xdf\xa3webm....", "x")
    with pytest.raises(ScoreError, match="plain file name"):
        Video(MP4, "x", "../x.mp4")


def test_plots_of_nothing(scored: tuple[Scorecard, list[EpisodeResult]], row: Callable[..., EpisodeResult]) -> None:
    card = score([row()], Provenance("test"))
    assert metric_plot(card, "lag_s") is None
    assert error_over_time_plot((), card) is None


def test_error_over_time_takes_the_recording_that_most_share(
    demonstrations: list[Demonstration], scored: tuple[Scorecard, list[EpisodeResult]]
) -> None:
    found = error_over_time_plot([demonstrations[1], *demonstrations[::2]], scored[0])
    assert found is not None
    assert "clip_0" in found[1]
    assert found[0].startswith(PNG)


def test_split_cell() -> None:
    assert split_cell("1.0 [0.5, 1.5]*") == ("1.0", "[0.5, 1.5]*")
    assert split_cell("plain") == ("plain", "")
    assert np.size(split_cell("3/4 [30, 95]")) == 2
