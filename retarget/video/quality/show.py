"""A film's quality for people: a table for the terminal, and a strip over time as a picture that holds nothing of the film."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from motion.store import write_atomically
from motion.transform import Array
from retarget.show_card import COLOURS
from retarget.video.hands.tracks import HandTrack
from retarget.video.paths import HandPath
from retarget.video.quality.judge import FilmQuality, Finding
from retarget.video.quality.measured import noise
from retarget.video.quality.numbers import NUMBERS
from retarget.video.quality.of_pictures import blurred, repeated
from retarget.video.seen import PictureStats

_SHADES = {"left": "#0072B2", "right": "#D55E00"}
_MARKS = {"review": "#E69F00", "exclude": "#C62F2F"}
_HANDS = ("left_hand_", "right_hand_")


def quality_summary(quality: FilmQuality, title: str) -> Group:
    """Verdict, the numbers that are not 0, side by side for both hands, and the reasons, for the terminal."""
    heading = f"{escape(title)}: [{COLOURS[quality.verdict]}]{quality.verdict}[/] (profile {escape(quality.profile.name)})"
    table = Table("measure", "film", "left hand", "right hand", "unit", title=heading, title_justify="left")
    flagged = {found.what: found.verdict for found in quality.findings}
    for name, number in NUMBERS.items():
        cells = [_cell(quality, flagged, key) for key in (name, *(hand + name for hand in _HANDS))]
        cells[0] = cells[0] or _cell(quality, flagged, f"body_{name}")
        if any(cells):
            table.add_row(number.label, *cells, number.unit)
    return Group(table, *(Text(f"- {found.verdict}: {found.sentence}") for found in quality.findings))


def _cell(quality: FilmQuality, flagged: Mapping[str, str], key: str) -> str:
    value = quality.numbers.get(key, np.nan)
    if not np.isfinite(value):
        return ""
    if key in flagged:
        return f"[{COLOURS[flagged[key]]}]{value:.4g}[/]"
    return f"{value:.4g}" if value else ""


def write_timeline(
    path: Path, title: str, quality: FilmQuality, pictures: PictureStats, tracks: Mapping[str, HandTrack], hands: Mapping[str, HandPath]
) -> None:
    """Write a picture (.png) of when each hand was seen, filled and unsteady, how the pictures were, and what was found.

    Args:
        path: the file; written whole or not at all.
        title: a heading.
        quality: what `judge` found.
        pictures, tracks, hands: as `judge` got them.
    """
    from matplotlib.figure import Figure  # only here: it takes a quarter of a second to import

    rows = max(1, len(quality.findings))
    figure = Figure(figsize=(10, 4.6 + 0.24 * rows), layout="constrained")
    axes = figure.subplots(4, 1, sharex=True, height_ratios=[1, 1.4, 1.2, 0.35 + 0.3 * rows])
    figure.suptitle(f"{title}: {quality.verdict} (profile {quality.profile.name})", x=0.01, ha="left", fontsize=11)
    _draw_seen(axes[0], tracks, hands)
    _draw_unsteady(axes[1], tracks, quality)
    _draw_pictures(axes[2], pictures, quality)
    _draw_findings(axes[3], quality.findings, pictures.time_s)
    axes[3].set_xlabel("time in s")
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.tick_params(labelsize=8)
    write_atomically(path, lambda stream: figure.savefig(stream, format="png", dpi=110))


def _draw_seen(axes: Any, tracks: Mapping[str, HandTrack], hands: Mapping[str, HandPath]) -> None:
    for row, (side, track) in enumerate(tracks.items()):
        _strip(axes, track.time_s, track.seen, row, _SHADES[side], 1.0)
        if side in hands:
            _strip(axes, hands[side].time_s, hands[side].filled, row, _SHADES[side], 0.35)
    axes.set_yticks(range(len(tracks)), [f"{side} hand" for side in tracks])
    axes.set_ylim(-0.6, max(1, len(tracks)) - 0.4)
    axes.set_title("seen (full), filled in (pale)", fontsize=8, loc="left")


def _strip(axes: Any, time_s: Array, mask: np.ndarray, row: int, colour: str, opacity: float) -> None:
    axes.fill_between(time_s, row - 0.35, row + 0.35, where=mask, color=colour, alpha=opacity, linewidth=0, step="mid")


def _draw_unsteady(axes: Any, tracks: Mapping[str, HandTrack], quality: FilmQuality) -> None:
    for side, track in tracks.items():
        size = quality.numbers.get(f"{side}_hand_hand_px", np.nan)
        if np.isfinite(size):
            axes.plot(track.time_s, 100 * noise(track.time_s, track.image_px) / size, color=_SHADES[side], linewidth=0.9)
    axes.axhline(quality.profile.max_jitter_pct, color=_MARKS["review"], linewidth=0.8, linestyle="--")
    axes.set_ylim(0, None)
    axes.set_title("flutter in the picture, % of the hand's size (line: asks for review, by the median)", fontsize=8, loc="left")


def _draw_pictures(axes: Any, pictures: PictureStats, quality: FilmQuality) -> None:
    axes.plot(pictures.time_s, pictures.brightness, color="#444444", linewidth=0.9)
    marks = (("blurred", blurred, "#CC79A7", 0.0), ("the same again", repeated, "#000000", 0.1))
    for words, measure, colour, height in marks:
        mask = measure(pictures, quality.profile)
        axes.fill_between(pictures.time_s, height, height + 0.08, where=mask, color=colour, linewidth=0, step="mid", label=words)
    axes.set_ylim(0, 1)
    axes.set_title("brightness; below: blurred (pink), the same picture again (black)", fontsize=8, loc="left")


def _draw_findings(axes: Any, findings: tuple[Finding, ...], time_s: Array) -> None:
    whole = [(float(time_s[0]), float(time_s[-1]))] if len(time_s) else []
    for row, found in enumerate(findings):
        for start, stop in found.spans_s or whole:
            axes.plot([start, stop], [row, row], color=_MARKS[found.verdict], linewidth=5, solid_capstyle="projecting")
    axes.set_yticks(range(len(findings)), [found.what.replace("_", " ") for found in findings])
    axes.set_ylim(max(1, len(findings)) - 0.4, -0.6)
    axes.set_title("what was found" if findings else "nothing was found", fontsize=8, loc="left")
