"""An exported policy: two ONNX graphs and one JSON. It needs NumPy and onnxruntime, and runs no code from the files.

Its files::

    network.onnx    looks -> offsets: network, weights and normalisers
    reader.onnx     observations -> one look, and what the actions are counted from
    exported.json   specification with joint names, shapes, provenance, digests
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from motion.errors import CheckpointError
from motion.provenance import Provenance
from motion.transform import Array
from policies.sealed import existing_folder, read_sealed, require_files
from policies.spec import PolicySpec

DESCRIPTION, KIND, VERSION = "exported.json", "exported_policy", 1
ENDINGS = {"onnx": "onnx", "torchscript": "pt"}
"""Format -> ending of its graphs' files."""
LOOKS, OFFSETS, LOOK, ANCHOR = "looks", "offsets", "look", "anchor"
"""Names of what goes into the graphs and comes out; what goes into the reader's are the observations' own."""


class ExportedPolicy:
    """A policy as two functions of arrays (`policies.deploy.predictor.Predictor`); each row goes through the graphs by itself.

    Args:
        folder: what `python -m policies export format=onnx` wrote.
        threads: of the CPU.

    Attributes:
        spec, history_n, execute_n, name: as of the policy that it was exported from.
        reader: name of what turns observations into looks.
        provenance: of the export.

    Raises:
        CheckpointError: missing, damaged, changed, of another format, or onnxruntime is not installed.
    """

    def __init__(self, folder: Path | str, threads: int = 1) -> None:
        folder = Path(folder)
        described = read_description(folder)
        if described["export"] != "onnx":
            raise CheckpointError(f"{folder} is exported as {described['export']}; this runs onnx. Export it again with format=onnx.")
        self.spec, self.history_n, self.name = PolicySpec.from_json(described["spec"]), int(described["history_n"]), described["policy"]
        self.execute_n = int(described.get("execute_n", 1))
        self.reader, self.provenance = described["reader"], Provenance.from_json(described["provenance"])
        self._network, self._reader = (_session(folder / f"{graph}.onnx", threads) for graph in ("network", "reader"))
        # What does not bear on the inputs (an observation that is only anchored to) may have been left out of the graph.
        self._read_names = [found.name for found in self._reader.get_inputs()]

    def read(self, observation: Mapping[str, Array]) -> tuple[np.ndarray, Array]:
        """One look (N, F), float32, and the anchor (N, H or 1, A), rad, of checked observations (N, ...), float64."""
        rows = [self._read_row(observation, row) for row in range(len(next(iter(observation.values()))))]
        return np.concatenate([look for look, _ in rows]), np.concatenate([anchor for _, anchor in rows])

    def predict(self, looks: np.ndarray) -> Array:
        """Offsets (N, H, A), rad, float64, of looks (N, T, F)."""
        return np.concatenate([self._network.run([OFFSETS], {LOOKS: row[None]})[0] for row in looks]).astype(np.float64)

    def _read_row(self, observation: Mapping[str, Array], row: int) -> list[np.ndarray]:
        fed = {name: observation[name][row : row + 1] for name in self._read_names}
        found: list[np.ndarray] = self._reader.run([LOOK, ANCHOR], fed)
        return found


def load_exported(folder: Path | str, threads: int = 1) -> ExportedPolicy:
    """The exported policy of a folder; see `ExportedPolicy`."""
    return ExportedPolicy(folder, threads)


def read_description(folder: Path | str) -> dict[str, Any]:
    """`exported.json` of an exported policy, checked, and the files beside it.

    Raises:
        CheckpointError: missing, damaged or changed.
    """
    place = existing_folder(Path(folder))
    if place is None or not (place / DESCRIPTION).is_file():
        raise CheckpointError(f"{folder}: no exported policy there. Write one: python -m policies export checkpoint=... output={folder}")
    described = read_sealed(place / DESCRIPTION, KIND, VERSION)
    require_files(place, described["files"])
    return described


def _session(file: Path, threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise CheckpointError("onnxruntime is not installed; it runs exported policies: pip install onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    try:
        return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own exceptions have no common root
        raise CheckpointError(f"{file} cannot be run by onnxruntime ({error}).") from error
