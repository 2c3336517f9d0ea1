"""What `robots add` prints: the parts one by one, what to look at, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from motion.landmarks import FINGERS
from robots.onboard.draft import Draft, Part
from robots.onboard.write import SURE


def print_report(console: Console, draft: Draft, folder: Path, failing: Sequence[str] = ()) -> None:
    """Print a draft that was written to `folder`, and sentences on what of its contract fails."""
    table = Table(*(Column(title, overflow="fold") for title in ("part", "link", "confidence", "remark")))
    for part in _by_finger(draft.parts):
        colour = "green" if part.confidence >= SURE else "red"
        table.add_row(part.name, escape(part.link), f"[{colour}]{part.confidence:.2f}", escape(part.remark))
    console.print(f"{draft.keys['description']}, seen from its {draft.anatomy.base}", highlight=False, markup=False)
    console.print(table)
    for sentence in (*draft.unsure, *failing):
        console.print(f"- {sentence}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"wrote {folder / 'robot.yaml'} and {folder / 'mapping.png'}", highlight=False, markup=False, soft_wrap=True)
    slash = f"{folder}/"
    console.print("Next:", highlight=False)
    for command in (f"python -m robots check {slash}", f"python -m retarget input=clip.bvh robot={slash} output=motion.npz"):
        console.print(f"  {command}", highlight=False, markup=False, soft_wrap=True)


def _by_finger(parts: Iterable[Part]) -> Iterable[Part]:
    """The parts with the bones of a finger as one, as sure as the least sure of them."""
    fingers: dict[str, Part] = {}
    out: list[Part] = []
    for part in parts:
        side, finger, *_ = (*part.name.split("_"), "")
        name = f"{side}_{finger}"
        if finger not in FINGERS:
            out.append(part)
        elif name not in fingers:
            fingers[name] = replace(part, name=name)
        else:
            least = min(fingers[name].confidence, part.confidence)
            fingers[name] = replace(fingers[name], confidence=least, link=f"{fingers[name].link} {part.link}")
    return [*out, *fingers.values()]
