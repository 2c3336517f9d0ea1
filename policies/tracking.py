"""Where a run writes its numbers: always a plain CSV and JSON in the run's folder; also Weights & Biases when asked."""

from __future__ import annotations

import csv
import io
import itertools
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from motion.errors import UnknownNameError
from motion.provenance import Parent
from motion.store import write_text

MODES = ("disabled", "offline", "online")
METRICS, RUN = "metrics.csv", "run.json"


class Tracker:
    """Numbers of one run, by step.

    Args:
        folder: of the run; `metrics.csv` and `run.json` are written there, and W&B's own folder `wandb/`.
        mode: "disabled" (no W&B at all), "offline" (written to the folder, sent later by `wandb sync`) or "online".
        project: W&B's project.
        name: W&B's name of the run; the folder's name where empty.
        beside: settings that are recorded beside those that `describe` is told.

    Raises:
        UnknownNameError: another mode.
    """

    def __init__(
        self, folder: Path, mode: str = "disabled", project: str = "understudy", name: str = "", beside: Mapping[str, Any] | None = None
    ) -> None:
        if mode not in MODES:
            raise UnknownNameError("wandb mode", mode, MODES)
        self.folder, self._beside = Path(folder), dict(beside or {})
        self.folder.mkdir(parents=True, exist_ok=True)
        self._rows = _read_rows(self.folder / METRICS)
        self._about = _read_about(self.folder / RUN)
        self._waiting: list[tuple[Path, str]] = []
        self._run = _start_wandb(self.folder, mode, project, name or self.folder.name, self._about["id"]) if mode != "disabled" else None

    def describe(self, config: Mapping[str, Any], lineage: Iterable[Parent] = ()) -> None:
        """Record the settings of the run and the files that it was made from."""
        self._about |= {"config": self._beside | dict(config), "lineage": [asdict(parent) for parent in lineage]}
        self._write_about()
        if self._run is not None:
            self._run.config.update({**self._about["config"], "lineage": self._about["lineage"]}, allow_val_change=True)

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Record numbers that belong to a step; what is recorded already, e.g. told again after a restart, is not recorded twice."""
        row = {"step": repr(step), **{name: repr(float(value)) for name, value in values.items()}}
        newest = itertools.takewhile(lambda own: int(own["step"]) >= step, reversed(self._rows))
        waiting, self._waiting = self._waiting, []
        if row in newest:
            return
        known = self._columns()
        self._rows.append(row)
        if set(row) <= set(known):
            with open(self.folder / METRICS, "a", newline="") as stream:
                csv.DictWriter(stream, known).writerow(row)
        else:
            self._write_rows()
        if self._run is not None:
            self._run.log(dict(values), step=step)
        for path, name in waiting:
            self.show(path, name, step)

    def summarise(self, values: Mapping[str, Any]) -> None:
        """Record what is true of the whole run."""
        self._about["summary"] |= dict(values)
        self._write_about()
        if self._run is not None:
            self._run.summary.update(dict(values))

    def attach(self, path: Path, kind: str) -> None:
        """Keep a file or folder (a checkpoint, a report) with the W&B run, with its lineage; nothing to do without W&B."""
        if self._run is None:
            return
        import wandb

        artifact = wandb.Artifact(f"{self.folder.name}-{path.stem}", type=kind, metadata={"lineage": self._about["lineage"]})
        artifact.add_dir(str(path)) if path.is_dir() else artifact.add_file(str(path))
        self._run.log_artifact(artifact)

    def show(self, path: Path, name: str, step: int | None = None) -> None:
        """Show a film (mp4, gif) with the W&B run, beside the numbers of a step; without W&B it stays the file that it is.

        Args:
            path: of the film.
            name: that it is shown under.
            step: None: that of the numbers that are logged next. Until then the file has to stay.
        """
        if self._run is None:
            return
        if step is None:
            self._waiting.append((path, name))
            return
        import wandb

        kind = path.suffix.removeprefix(".")
        self._run.log({name: wandb.Video(str(path), format="gif" if kind == "gif" else "mp4")}, step=step)

    def rewind(self, step: int) -> None:
        """Forget rows after `step`: a resumed run writes them again."""
        self._rows = [row for row in self._rows if int(row["step"]) <= step]
        self._write_rows()

    def close(self) -> None:
        """Finish the W&B run; the files are complete at any time."""
        if self._run is not None:
            self._run.finish()
            self._run = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _columns(self) -> list[str]:
        return list(dict.fromkeys(name for row in self._rows for name in row))

    def _write_rows(self) -> None:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self._columns())
        writer.writeheader()
        writer.writerows(self._rows)
        write_text(self.folder / METRICS, text.getvalue())

    def _write_about(self) -> None:
        write_text(self.folder / RUN, json.dumps(self._about, indent=1))


def _read_rows(file: Path) -> list[dict[str, str]]:
    if not file.is_file():
        return []
    with open(file, newline="") as stream:
        return [{name: value for name, value in row.items() if value} for row in csv.DictReader(stream)]


def _read_about(file: Path) -> dict[str, Any]:
    fresh = {"id": secrets.token_hex(4), "config": {}, "lineage": [], "summary": {}}
    return fresh | (json.loads(file.read_text()) if file.is_file() else {})


def _start_wandb(folder: Path, mode: str, project: str, name: str, identity: str) -> Any:
    """A W&B run, or the same run again after a resume. W&B is imported only here: nobody needs it who does not ask for it."""
    import wandb

    settings: dict[str, Any] = {"mode": mode, "resume": "allow" if mode == "online" else None}
    return wandb.init(project=project, name=name, id=identity, dir=str(folder), **settings)
