"""What `robots add` prints: the parts one by one, what to look at, and what to do next."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from robots.onboard.draft import Draft
from robots.onboard.write import SURE


def print_report(console: Console, draft: Draft, folder: Path) -> None:
    """Print a draft that was written to `folder`."""
    table = Table(*(Column(title, overflow="fold") for title in ("part", "link", "confidence", "remark")))
    for part in draft.parts:
        colour = "green" if part.confidence >= SURE else "red"
        table.add_row(part.name, escape(part.link), f"[{colour}]{part.confidence:.2f}", escape(part.remark))
    console.print(f"{draft.keys['description']}, seen from its {draft.anatomy.base}", highlight=False, markup=False)
    console.print(table)
    for sentence in draft.unsure:
        console.print(f"- {sentence}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"wrote {folder / 'robot.yaml'} and {folder / 'mapping.png'}", highlight=False, markup=False, soft_wrap=True)
    slash = f"{folder}/"
    console.print("Next:", highlight=False)
    for command in (f"python -m robots check {slash}", f"python -m retarget input=clip.bvh robot={slash} output=motion.npz"):
        console.print(f"  {command}", highlight=False, markup=False, soft_wrap=True)
