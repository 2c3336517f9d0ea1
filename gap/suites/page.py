"""The page of an evaluation: one HTML file that asks nothing of the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gap.report import Picture, Video, data_uri, environment, provenance_facts
from gap.suites.card import SuiteCard
from gap.suites.kept_back import held_out_table, splits_said
from gap.suites.pictures import curve_pictures, success_pictures
from gap.suites.tables import reading, suite_tables
from gap.tables import Table
from motion.store import write_text

MEANING = "every number here was measured in simulation, none on a real robot."
MOST_BYTES = 14_000_000
"""A page stays below this: films that do not fit any more are left out of it, and said to be."""
_PARENTS_SHOWN = 60


def write_suite_page(
    path: Path,
    card: SuiteCard,
    title: str,
    videos: Sequence[Video] = (),
    tables: Sequence[Table] = (),
    pictures: Sequence[Picture] = (),
    notes: Sequence[str] = (),
) -> Path:
    """Write the page.

    Args:
        path: of the HTML file.
        card: what is reported.
        title: of the page.
        videos: the worst episodes.
        tables: further ones, on safety and beside people.
        pictures: further ones.
        notes: paragraphs for its top.
    """
    first, *others = suite_tables(card)
    shown = _fitting(videos)
    left_out = [f"{len(videos) - len(shown)} more films of worst episodes lie in films/: the page would be too large."]
    sections = [
        _section("At a glance", [first], success_pictures(card), side_by_side=True),
        _section("Worst episodes", [], [], shown, side_by_side=True),
        _section("Tables", [*others, *(table for table in (held_out_table(card),) if table.rows)], []),
        _section("Robustness curves", [], curve_pictures(card)),
        _section("Safety and people", list(tables), list(pictures)),
        _section("Policies", [_policies(card)], []),
    ]
    page = (
        environment()
        .get_template("sections.html.j2")
        .render(
            title=title,
            claim=card.claim,
            meaning=MEANING,
            notes=(*notes, *(left_out if len(shown) < len(videos) else ())),
            facts=_facts(card),
            reading=reading(card),
            sections=[section for section in sections if section["tables"] or section["pictures"] or section["videos"]],
            provenance=provenance_facts(card.provenance),
            parents=card.provenance.parents[:_PARENTS_SHOWN],
            parents_left_out=max(0, len(card.provenance.parents) - _PARENTS_SHOWN),
        )
    )
    write_text(path, page)
    return path


def _section(
    title: str, tables: Sequence[Table], pictures: Sequence[Picture], videos: Sequence[Video] = (), side_by_side: bool = False
) -> dict[str, Any]:
    return {
        "title": title,
        "tables": list(tables),
        "pictures": [{"source": data_uri(one.png, "image/png"), "caption": one.caption} for one in pictures],
        "videos": [{"source": data_uri(one.mp4, "video/mp4"), "caption": one.caption} for one in videos],
        "side_by_side": side_by_side,
    }


def _fitting(videos: Sequence[Video]) -> list[Video]:
    """As many films, in order, as the page has room for beside its tables and plots."""
    room, kept = MOST_BYTES // 2, []
    for video in videos:
        room -= len(video.mp4) * 4 // 3
        if room < 0:
            break
        kept.append(video)
    return kept


def _facts(card: SuiteCard) -> list[tuple[str, str]]:
    alone = [rate for rate in card.rates if rate.chore != "all chores"]
    return [
        ("Robot", card.robot),
        ("Suite", f"{card.suite} {card.version}"),
        ("List of episodes", card.sha256[:16]),
        ("Splits", splits_said(card)),
        ("Code", ", ".join(commit[:12] for commit in card.code) or "not on record"),
        ("Policies", ", ".join(card.policies)),
        ("Chores", ", ".join(card.chores)),
        ("Episodes", str(sum(rate.episodes for rate in alone))),
        ("Stopped early", "where it was allowed" if card.stopped else "never"),
    ]


def _policies(card: SuiteCard) -> Table:
    """What is known of every policy."""
    names = tuple(dict.fromkeys(key for told in card.policies.values() for key in told))
    rows = tuple((policy, *(str(told.get(name, "-")) for name in names)) for policy, told in card.policies.items())
    return Table("Policies", ("Policy", *(name.replace("_", " ") for name in names)), rows)
