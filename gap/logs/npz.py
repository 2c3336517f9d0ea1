"""Arrays in a `.npz`: (T, J) of each quantity, (T,) of time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gap.logs.arrays import runs_of
from gap.logs.base import LogOptions
from gap.logs.log import RobotLog
from gap.logs.words import POSITION, column_of
from motion.provenance import parent_of, record
from motion.store import array_names, plain_arrays


class NpzFormat:
    """Reads `.npz` with arrays that are called what they are."""

    name = "npz"
    reads = ".npz with arrays of time, position, command .."

    def accepts(self, path: Path) -> bool:
        """Whether one of the arrays is called as positions are."""
        if path.suffix != ".npz" or not path.is_file():
            return False
        return any((said := column_of(own)) is not None and said.quantity == POSITION for own in array_names(path))

    def read(self, path: Path, options: LogOptions) -> Iterable[RobotLog]:
        """The runs that are in the arrays."""
        arrays = plain_arrays(path, leave_objects=True)
        return runs_of(path.stem, arrays, options, record(f"arrays {path.name}", "log", [parent_of(path)]))


FORMAT = NpzFormat()
