"""Exported graphs: the same numbers as the policy, in both formats, whatever the policy; and refused where they are not whole."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from motion.demonstration import Demonstration
from motion.errors import CheckpointError, UnknownNameError
from motion.provenance import Provenance
from policies import Policy, PolicyActor, PolicySpec, known_policies, load_policy, make_config, make_windows
from policies.actor import PolicyPredictor
from policies.deploy import ChunkActor, ExportedPolicy, Handover
from policies.deploy.predictor import checked
from policies.export import NetworkGraph, ReaderGraph, export_checkpoint, export_policy, write_onnx
from policies.readers.household import HouseholdReader

CHUNK, ATOL = 4, 1e-5
OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("act", {"latent_n": 4}),
    ("bc_rnn", {"head": "deterministic", "layers_n": 2}),
    ("diffusion", {"network": "transformer"}),
    ("diffusion", {"network": "unet"}),
    ("flow", {"network": "transformer", "start": "noise"}),
    ("flow", {"network": "unet", "solver": "midpoint"}),
]
"""Networks that a policy has beside its usual one."""
NETWORKS: list[tuple[str, dict[str, Any]]] = [*((name, {}) for name in sorted(known_policies())), *OTHERS]

pytestmark = pytest.mark.usefixtures("quick_export")


def small(policy_class: type[Policy]) -> dict[str, int]:
    """Settings of a small network of any policy; two looks where it is shown several."""
    wanted = {"chunk_n": CHUNK, "history_n": 2, "width": 32, "depth": 1, "sample_steps": 2}
    known = policy_class.Config.__dataclass_fields__
    return {name: value for name, value in wanted.items() if name in known}


def made(name: str, demonstrations: list[Demonstration], settings: Mapping[str, Any] | None = None) -> Policy:
    """A policy with statistics and weights that say something."""
    torch.manual_seed(0)
    policy_class = known_policies()[name]
    policy = policy_class(PolicySpec.of(demonstrations, CHUNK), make_config(policy_class, small(policy_class) | dict(settings or {})))
    policy.fit_statistics(make_windows(policy, demonstrations))
    with torch.no_grad():
        for weights in policy.parameters():
            weights.add_(0.05 * torch.randn_like(weights))
    return policy.eval()


@pytest.fixture
def observations(pendulum_demonstrations: list[Demonstration]) -> dict[str, np.ndarray]:
    """20 observations (20, ...), in a row."""
    return {name: np.array(track[:20], float) for name, track in pendulum_demonstrations[0].observations.items()}


@pytest.mark.parametrize(("name", "settings"), NETWORKS, ids=str)
def test_onnx_gives_the_policys_offsets(
    name: str,
    settings: dict[str, Any],
    pendulum_demonstrations: list[Demonstration],
    observations: dict[str, np.ndarray],
    tmp_path: Path,
) -> None:
    policy = made(name, pendulum_demonstrations, settings)
    own = PolicyPredictor(policy)
    looks = np.repeat(own.read(checked(policy.spec, observations, name))[0][:, None], policy.config.history_n, axis=1)
    write_onnx(NetworkGraph(policy), [torch.zeros(1, *looks.shape[1:])], tmp_path / "network.onnx", ["looks"], ["offsets"])
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    found = np.concatenate([session.run(["offsets"], {"looks": row[None]})[0] for row in looks])
    assert np.ptp(found, axis=0).min() > 1e-3
    np.testing.assert_allclose(found, own.predict(looks), atol=ATOL)


def test_the_reader_and_the_whole_give_the_policys_actions(
    pendulum_checkpoint: Path, pendulum_export: Path, observations: dict[str, np.ndarray], pendulum_rmse_rad: Callable[..., float]
) -> None:
    """Looks and anchors, and then in closed loop, through the same actor and the same physics, over 250 periods."""
    policy, exported = load_policy(pendulum_checkpoint), ExportedPolicy(pendulum_export)
    seen = checked(policy.spec, observations, "bc")
    for found, wanted in zip(exported.read(seen), PolicyPredictor(policy).read(seen), strict=True):
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=ATOL)
    ours = pendulum_rmse_rad(PolicyActor(policy, latency_n=1), "nominal")
    assert pendulum_rmse_rad(ChunkActor(exported, Handover(latency_n=1)), "nominal") == pytest.approx(ours, abs=ATOL)


@pytest.mark.parametrize(("name", "settings"), NETWORKS, ids=str)
def test_torchscript_gives_the_policys_actions(
    name: str,
    settings: dict[str, Any],
    pendulum_demonstrations: list[Demonstration],
    observations: dict[str, np.ndarray],
    tmp_path: Path,
) -> None:
    policy = made(name, pendulum_demonstrations, settings)
    folder = export_policy(policy, Provenance("a test"), tmp_path / "out", "torchscript")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\.", DeprecationWarning)
        network, reader = (torch.jit.load(str(folder / f"{part}.pt")) for part in ("network", "reader"))
    for row in range(0, 20, 5):
        seen = {key: torch.from_numpy(observations[key][row : row + 1]) for key in policy.spec.shapes}
        look, anchor = reader(*seen.values())
        torch.testing.assert_close(look, policy.inputs(seen).float(), atol=ATOL, rtol=1e-6)
        torch.testing.assert_close(anchor, policy.anchor_rad(seen), atol=ATOL, rtol=0)
        looks = look[:, None].repeat(1, policy.config.history_n, 1)
        torch.testing.assert_close(network(looks), policy.predict(looks), atol=ATOL, rtol=0)


def household() -> tuple[PolicySpec, dict[str, np.ndarray]]:
    """A specification of chores with things, and 5 observations; the last thing is none."""
    shapes = dict.fromkeys(HouseholdReader.names, (3,))
    shapes |= {"base_place": (3,), "hand_position_m": (2, 3), "hand_wxyz": (2, 4), "thing_position_m": (3, 3), "thing_wxyz": (3, 4)}
    shapes |= {"thing_half_m": (3, 3), "hinge": (2,), "hand_force_n": (2,), "elapsed_s": (1,), "chore": (1,)}
    rng = np.random.default_rng(1)
    seen = {name: rng.normal(size=(5, *shape)) for name, shape in shapes.items()}
    for name in ("hand_wxyz", "thing_wxyz"):
        seen[name] /= np.linalg.norm(seen[name], axis=-1, keepdims=True)
    seen["thing_wxyz"][:, -1] = 0.0
    seen["chore"][:, 0] = [-1, 0, 3, 15, 99]
    return PolicySpec("arms", ("one", "two", "three"), tuple(shapes.items()), CHUNK, 0.02), seen


def test_the_reader_of_chores_with_things_is_exported_too(tmp_path: Path) -> None:
    spec, seen = household()
    policy_class = known_policies()["bc"]
    policy = policy_class(spec, make_config(policy_class, {"chunk_n": CHUNK, "width": 8, "previous_action": True}))
    blank = [torch.zeros(1, *shape, dtype=torch.float64) for shape in spec.shapes.values()]
    write_onnx(ReaderGraph(policy), blank, tmp_path / "reader.onnx", list(seen), ["look", "anchor"])
    session = onnxruntime.InferenceSession(tmp_path / "reader.onnx", providers=["CPUExecutionProvider"])
    read = {found.name for found in session.get_inputs()}
    rows = [session.run(["look", "anchor"], {name: seen[name][row : row + 1] for name in read}) for row in range(5)]
    for found, wanted in zip(zip(*rows, strict=True), PolicyPredictor(policy).read(seen), strict=True):
        np.testing.assert_allclose(np.concatenate(found), wanted, rtol=1e-6, atol=ATOL)


def test_sizes_beyond_what_was_shown_count_as_the_nearest_exported_or_not(tmp_path: Path) -> None:
    """Things twice as large as the largest that was shown are treated like the largest; other numbers are not held back."""
    spec, seen = household()
    seen["thing_half_m"] = np.abs(seen["thing_half_m"])
    torch.manual_seed(0)
    policy_class = known_policies()["bc"]
    policy = policy_class(spec, make_config(policy_class, {"chunk_n": CHUNK, "width": 8, "pointers_n": 2})).eval()
    torch.nn.init.normal_(policy.get_parameter("leave.weight"))
    looks = policy.inputs({name: torch.from_numpy(track) for name, track in seen.items()}).float()
    assert policy.shown is not None
    policy.shown.take(looks.amin(0), looks.amax(0))
    largest, larger, other = ({**seen, "thing_half_m": np.broadcast_to(seen["thing_half_m"].max(0), (5, 3, 3))} for _ in range(3))
    larger["thing_half_m"] = 2 * larger["thing_half_m"]
    other["thing_position_m"] = seen["thing_position_m"] + 1.0
    own = PolicyPredictor(policy)
    first, second, third = (own.predict(own.read(checked(spec, each, "bc"))[0][:, None]) for each in (largest, larger, other))
    np.testing.assert_array_equal(first, second)
    assert np.abs(third - first).max() > 1e-3
    write_onnx(NetworkGraph(policy), [torch.zeros(1, 1, policy.look_n)], tmp_path / "network.onnx", ["looks"], ["offsets"])
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    rows = own.read(checked(spec, larger, "bc"))[0][:, None]
    found = np.concatenate([session.run(["offsets"], {"looks": row[None]})[0] for row in rows])
    np.testing.assert_allclose(found, second, atol=ATOL)


def test_what_is_written_says_what_it_is(pendulum_export: Path) -> None:
    assert sorted(path.name for path in pendulum_export.iterdir()) == ["exported.json", "network.onnx", "reader.onnx"]
    said = json.loads((pendulum_export / "exported.json").read_text())
    assert said["spec"]["joint_names"] == ["shoulder", "elbow"]
    assert (said["policy"], said["history_n"], said["reader"], said["spec"]["period_s"]) == ("bc", 2, "FollowReader", 0.02)
    origin = ExportedPolicy(pendulum_export).provenance
    assert (origin.licence, origin.consent) == ("CC-BY-4.0", "given")
    assert {parent.name for parent in origin.parents} == {"weights.safetensors", "config.json"}


def test_what_is_not_whole_is_refused(pendulum_checkpoint: Path, pendulum_export: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(pendulum_export, tmp_path / "out")
    graph = (folder / "network.onnx").read_bytes()
    (folder / "network.onnx").write_bytes(graph[:-1] + bytes([graph[-1] ^ 1]))
    with pytest.raises(CheckpointError, match=r"network.onnx is not the file that was saved"):
        ExportedPolicy(folder)
    (folder / "exported.json").write_text((folder / "exported.json").read_text().replace("elbow", "wrist"))
    with pytest.raises(CheckpointError, match="was changed after it was saved"):
        ExportedPolicy(folder)
    with pytest.raises(CheckpointError, match="no exported policy there"):
        ExportedPolicy(pendulum_checkpoint)


def test_what_cannot_be_played_is_refused(pendulum_checkpoint: Path, tmp_path: Path) -> None:
    checkpoint = shutil.copytree(pendulum_checkpoint, tmp_path / "saved")
    with pytest.raises(CheckpointError, match="is exported as torchscript; this runs onnx"):
        ExportedPolicy(export_checkpoint(checkpoint, tmp_path / "out", "torchscript"))
    with pytest.raises(UnknownNameError, match="Did you mean 'onnx'"):
        export_checkpoint(checkpoint, tmp_path / "out", "onxx")
    with pytest.raises(CheckpointError, match="holds a checkpoint"):
        export_checkpoint(checkpoint, checkpoint)
    assert (checkpoint / "weights.safetensors").is_file()
