"""The quality card, and what was understood of a recording, in the terminal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from motion.human import HumanMotion
from motion.landmarks import BODY, SIDES, hand_landmarks
from retarget.measure import NUMBERS, QualityCard
from retarget.sources.base import Reading

COLOURS = {"pass": "green", "review": "yellow", "reject": "red", "exclude": "red", "failed": "dim"}


def say(console: Console, line: str) -> None:
    """A line with names in it: brackets are brackets, and a long path stays in one piece."""
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def coloured(verdict: str) -> str:
    """A verdict in its colour."""
    return f"[{COLOURS[verdict]}]{verdict}[/]"


def card_table(card: QualityCard, title: str) -> Table:
    """The quality card as a table for the terminal: every number that was measured, with its gates."""
    table = Table("measure", "value", "unit", "review", "reject", title=f"{escape(title)}: {coloured(card.verdict)}", title_justify="left")
    for name, value in card.numbers.items():
        gate = card.gates.get(name)
        if value == value:
            sign = "<" if gate and gate.is_floor else ">"
            bounds = (f"{sign} {gate.review:g}", f"{sign} {gate.reject:g}") if gate else ("", "")
            colour = COLOURS[card.verdict_of(name)] if card.verdict_of(name) != "pass" else "default"
            table.add_row(name, f"[{colour}]{value:.2f}[/]", NUMBERS[name].unit, *bounds)
    return table


def show_card(console: Console, card: QualityCard, title: str, understood: Mapping[str, str]) -> None:
    """What was understood of the files, the card, and the reasons for its verdict."""
    for key, value in understood.items():
        say(console, f"{key}: {value}")
    console.print(card_table(card, title))
    for reason in card.reasons:
        say(console, f"- {reason}")


def show_reading(console: Console, reading: Reading, title: str, written: str = "") -> None:
    """What was understood of a recording, how much of each part was seen, and how big the person is."""
    motion = reading.motion
    table = Table(show_header=False, title=escape(title), title_justify="left", box=None)
    for key, value in {**reading.understood, "seen": _seen(motion), **_span(motion)}.items():
        table.add_row(key, escape(value))
    if written:
        table.add_row("written", escape(written))
    console.print(table)


def _seen(motion: HumanMotion) -> str:
    """Share of frames in which each part of the body was seen."""
    parts = {"body": [name for name in BODY if not name.endswith("_wrist")]}
    parts |= {f"{side} hand": list(hand_landmarks(side)[1:]) for side in SIDES}
    seen = np.asarray(np.isfinite(motion.position_m).all(axis=-1))
    shares = []
    for part, names in parts.items():
        columns = [index for index, name in enumerate(motion.landmarks) if name in names]
        shares.append(f"{part} {seen[:, columns].any(axis=1).mean():.0%} ({len(columns)} landmarks)" if columns else f"no {part}")
    return ", ".join(shares)


def _span(motion: HumanMotion) -> dict[str, str]:
    low, high = (pick(motion.position_m.reshape(-1, 3), axis=0) for pick in (np.nanmin, np.nanmax))
    return {"space": f"{' x '.join(f'{value:.2f}' for value in high - low)} m, lowest point at {low[2]:.2f} m"}
