"""What was held out, in numbers: from the splits that a suite's layouts are drawn from."""

from __future__ import annotations

from envs.household.splits import Box, ChoreSplit, Range, load_splits
from gap.suites.card import SuiteCard
from gap.suites.conditions import HELD_OUT, load_suites
from gap.tables import DASH, Table

_UNITS = {"m": "m", "kg": "kg", "n": "N", "nm": "Nm", "rad": "rad", "mps": "m/s"}
_RECORDED = {
    "heldout_workers": ("workers", "those whom the policies have on record", "anybody else who recorded"),
    "heldout_chores": ("chores", "those that the policies have on record", "all others"),
}
"""Part of recordings -> what is held out, and who decides."""


def splits_said(card: SuiteCard) -> str:
    """Version and digest of the splits that layouts were drawn from."""
    splits = load_splits(load_suites(card.version).splits)
    return f"{splits.version} ({splits.sha256[:12]})"


def held_out_table(card: SuiteCard) -> Table:
    """Ranges of training and of the test, for each chore and part that was run."""
    splits = load_splits(load_suites(card.version).splits)
    rows = []
    for part in card.parts:
        if part in _RECORDED:
            rows.append((part, DASH, *_RECORDED[part]))
            continue
        for chore in (name for name in card.chores if name in splits.chores and part in HELD_OUT):
            told = _objects(splits.chore(chore)) if HELD_OUT[part] == "objects" else _layouts(splits.chore(chore))
            rows += [(part, chore, *row) for row in told]
    note = (
        f"Splits {splits_said(card)}. Drawn evenly; what is not named has the same range in training and test. Places are in the counter's "
        f"frame, for the right hand. Simulated workers of seeds {_span(splits.train_workers)} record for training, of "
        f"{_span(splits.held_out_workers)} for the test, seeds below the last."
    )
    return Table("What was held out", ("Part", "Chore", "What", "Training", "Held out"), tuple(rows), note)


def _objects(split: ChoreSplit) -> list[tuple[str, str, str]]:
    found = [(_named(name), _span(one.train), _span(one.held_out)) for name, one in split.objects.items() if one.held_out is not None]
    return [*found, ("kinds of things", "all others", ", ".join(split.held_out_families))] if split.held_out_families else found


def _layouts(split: ChoreSplit) -> list[tuple[str, str, str]]:
    return [
        (f"{name}: {_named(axis)}", _span(getattr(region.train, axis)), _span(getattr(region.held_out, axis)))
        for name, region in split.layouts.items()
        if region.held_out is not None
        for axis in vars(region.train)
        if _differs(region.train, region.held_out, axis)
    ]


def _differs(one: Box, other: Box, axis: str) -> bool:
    return bool(getattr(one, axis) != getattr(other, axis))


def _span(ends: Range | tuple[int, int]) -> str:
    return f"{ends[0]:g} to {ends[1]:g}"


def _named(name: str) -> str:
    words, _, ending = name.rpartition("_")
    return f"{words.replace('_', ' ')} ({_UNITS[ending]})" if ending in _UNITS else name.replace("_", " ")
