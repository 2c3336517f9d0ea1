"""A checkpoint as graphs that run without this project's code: ONNX, or TorchScript.

The network and the reader become one graph each, for one robot (N = 1), with weights, statistics and channels inside.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from motion.errors import CheckpointError, UnknownNameError
from motion.provenance import Provenance, parent_of, record
from policies.base import Policy
from policies.checkpoint import CONFIG, WEIGHTS, load_checkpoint
from policies.deploy.exported import ANCHOR, DESCRIPTION, ENDINGS, KIND, LOOK, LOOKS, OFFSETS, VERSION
from policies.deploy.predictor import blank
from policies.sealed import existing_folder, whole_folder, write_sealed

_THEIR_OWN = (
    (FutureWarning, r"`isinstance\(treespec"),  # torch.export uses what torch.utils is about to drop
    (DeprecationWarning, r"`torch\.jit\."),  # TorchScript is no longer developed; robots still run it
    (UserWarning, r"The tensor attributes? .*_flat_weights"),  # recurrent layers keep their weights in a list, too
    (torch.jit.TracerWarning, ""),  # that shapes become constants, which is wanted: one robot
)
"""Warnings of PyTorch about its own parts, which whoever exports can do nothing about."""


class NetworkGraph(nn.Module):
    """Looks (1, T, F), raw -> offsets (1, H, A), rad."""

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self.policy = policy

    def forward(self, looks: Tensor) -> Tensor:
        """`Policy.predict`."""
        return self.policy.predict(looks)


class ReaderGraph(nn.Module):
    """Observations (1, ...), float64 and uint8, in the specification's order -> one look (1, F), float32, and the anchor, float64."""

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self.names, self.policy = tuple(policy.spec.shapes), policy

    def forward(self, *observation: Tensor) -> tuple[Tensor, Tensor]:
        """`Policy.read` and `Policy.anchor_rad`."""
        named = dict(zip(self.names, observation, strict=True))
        return self.policy.read(named), self.policy.anchor_rad(named).double()


def export_checkpoint(checkpoint: Path | str, output: Path | str, format: str = "onnx") -> Path:
    """Write the exported policy of a checkpoint, in place of what was at `output`; returns that folder.

    Args:
        checkpoint: folder, e.g. `runs/mine/best`.
        output: folder.
        format: "onnx", which `python -m policies play` runs, or "torchscript".

    Raises:
        CheckpointError: the checkpoint cannot be loaded.
        UnknownNameError: another format.
    """
    loaded = load_checkpoint(checkpoint)
    place = existing_folder(Path(checkpoint))
    assert place is not None  # it was loaded from there
    parents = [parent_of(place / name, loaded.provenance) for name in (CONFIG, WEIGHTS)]
    provenance = record(f"export of policy {loaded.policy.name!r}", "policies export", parents, {"format": format})
    return export_policy(loaded.policy, provenance, output, format)


def export_policy(policy: Policy, provenance: Provenance, output: Path | str, format: str = "onnx") -> Path:
    """Write a policy's graphs and their description; see `export_checkpoint`."""
    if format not in ENDINGS:
        raise UnknownNameError("format", format, ENDINGS, "format=")
    output = Path(output)
    if (output / CONFIG).is_file():
        raise CheckpointError(f"{output} holds a checkpoint, which an export would replace. Choose another output=.")
    write: Callable[..., None] = {"onnx": write_onnx, "torchscript": write_torchscript}[format]
    policy = policy.eval().requires_grad_(False)
    looks = torch.zeros(1, policy.config.history_n, policy.look_n)
    nothing = [torch.from_numpy(values) for values in blank(policy.spec).values()]
    with whole_folder(output) as folder:
        write(NetworkGraph(policy), [looks], folder / f"network.{ENDINGS[format]}", [LOOKS], [OFFSETS])
        write(ReaderGraph(policy), nothing, folder / f"reader.{ENDINGS[format]}", list(policy.spec.shapes), [LOOK, ANCHOR])
        write_sealed(folder / DESCRIPTION, KIND, VERSION, _description(policy, provenance, format))
    return output


def _description(policy: Policy, provenance: Provenance, format: str) -> dict[str, Any]:
    spec = policy.spec
    return {
        "policy": policy.name,
        "export": format,
        "spec": spec.to_json(),
        "history_n": policy.config.history_n,
        "execute_n": policy.execute_n,
        "reader": type(policy.reader).__name__,
        "inputs": {LOOKS: [1, policy.config.history_n, policy.look_n]},
        "outputs": {OFFSETS: [1, spec.chunk_n, spec.joints]},
        "provenance": provenance.to_json(),
    }


def write_onnx(graph: nn.Module, examples: Sequence[Tensor], file: Path, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Write one graph as ONNX, its shapes those of the examples.

    By way of `torch.export`: the older way (`dynamo=False`) is quicker, but gives wrong numbers for attention.
    """
    with _quiet():
        torch.onnx.export(
            graph.eval(),
            tuple(examples),
            file,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def write_torchscript(graph: nn.Module, examples: Sequence[Tensor], file: Path, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Write one graph as TorchScript; what goes in and comes out has an order there, but no names."""
    with _quiet(), torch.no_grad():
        torch.jit.freeze(torch.jit.trace(graph.eval(), tuple(examples), check_trace=False)).save(str(file))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without PyTorch's warnings about itself, and its notes on what is not installed or was left as it is."""
    notes = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript")]
    before = [note.level for note in notes]
    with warnings.catch_warnings():
        for category, message in _THEIR_OWN:
            warnings.filterwarnings("ignore", message, category)
        for note in notes:
            note.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for note, level in zip(notes, before, strict=True):
                note.setLevel(level)
