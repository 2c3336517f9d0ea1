"""What every benchmark prints and writes: rows of (bar, measured, met)."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from motion.provenance import git_commit, library_versions
from motion.store import write_text

FOLDER = Path("runs/benchmarks")


@dataclass(frozen=True)
class Row:
    """One bar. `at_least` says which side of the bar is good; a bar of None is quoted, not judged."""

    name: str
    measured: float
    bar: float | None = None
    unit: str = ""
    at_least: bool = True
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None where there is none."""
        if self.bar is None:
            return None
        return bool(self.measured >= self.bar if self.at_least else self.measured <= self.bar)


def data_folder() -> Path:
    """Where the real recordings lie; ends the program with one line where they are absent."""
    folder = Path(os.environ.get("UNDERSTUDY_DATA", Path(__file__).resolve().parent.parent.parent / "shared" / "data"))
    if not folder.is_dir():
        sys.exit(f"no recordings at {folder}; set UNDERSTUDY_DATA")
    return folder


def run(
    name: str,
    stages: Mapping[str, Callable[[], list[Row]]],
    words: list[str] | None = None,
    options: Sequence[argparse.ArgumentParser] = (),
) -> None:
    """Run the stages, print the table, write it, exit 1 when a bar is missed.

    `--only` takes a stage, which alone is run, or part of a row's name. `options` have been read; they are shown by `--help`.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", parents=list(options))
    parser.add_argument("--only", metavar="ROW", help=f"a stage ({', '.join(stages)}) or part of a row's name")
    only = parser.parse_args(words).only
    chosen = {key: stage for key, stage in stages.items() if only is None or only == key or only not in stages}
    rows = []
    for key, stage in (bar := tqdm(chosen.items(), unit="stage")):
        bar.set_postfix_str(key)
        for row in stage():
            rows.append(row)
            bar.write(f"{row.name}: {row.measured:.4g} {row.unit} {row.note}".rstrip(), sys.stderr)
    rows = [row for row in rows if only is None or only in stages or only in row.name]
    if not rows:
        sys.exit(f"no row has {only!r} in its name")
    width = max(len(row.name) for row in rows)
    print(f"{'':{width}}  {'bar':>12}  {'measured':>12}  met")
    for row in rows:
        wanted = "" if row.bar is None else f"{'>=' if row.at_least else '<='} {row.bar:g}"
        met = {True: "yes", False: "NO", None: ""}[row.met]
        print(f"{row.name:{width}}  {wanted:>12}  {row.measured:>12.4g}  {met:3}  {row.unit} {row.note}".rstrip())
    machine = {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    entries = [asdict(row) | {"measured": float(row.measured), "met": row.met} for row in rows]
    document = {"benchmark": name, "rows": entries, "machine": machine}
    document |= {"versions": library_versions(), "git_commit": git_commit()}
    write_text(FOLDER / f"{name}{'.only' if only else ''}.json", json.dumps(document, indent=1))
    sys.exit(any(row.met is False for row in rows))
