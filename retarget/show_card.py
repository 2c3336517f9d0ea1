"""The quality card in the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from retarget.measure import NUMBERS, QualityCard

COLOURS = {"pass": "green", "review": "yellow", "reject": "red", "failed": "dim"}


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
