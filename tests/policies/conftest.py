"""A small world of real physics for the policies: servo-driven pendulums, an expert who corrects, and disturbances."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from motion.demonstration import Actor, Demonstration
from motion.provenance import Provenance
from motion.transform import Array
from policies import Checkpoint, PolicySpec, find_policy, fit, make_config, make_windows, save_checkpoint
from policies.export import export_checkpoint
from tests.policies.made_runs import CONFIG

PERIOD_S, SUBSTEPS, AHEAD = 0.02, 10, 25
JOINTS = ("shoulder", "elbow")
_INERTIA_KGM2, _GRAVITY_NM = np.array([0.12, 0.06]), np.array([2.5, 1.0])
_KP, _KD, _DAMPING = 20.0, 2.0, 0.1
_FEEDBACK, _FEEDBACK_S = 1.5, 0.05


@dataclass(frozen=True)
class PendulumPlant:
    """How the pendulums differ from what the expert knows."""

    motor: float = 1.0
    delay_steps: int = 0
    mass: float = 1.0
    friction_nm: float = 0.0


PLANTS = {
    "nominal": PendulumPlant(),
    "weak_motors": PendulumPlant(motor=0.7),
    "slow_link": PendulumPlant(delay_steps=1),
    "heavy_sticky": PendulumPlant(mass=1.4, friction_nm=0.3),
}


def reference_rad(episodes: int, steps: int, seed: int) -> Array:
    """Smooth references (N, steps, J): sums of sines, at most a few rad/s, with a bend of their own per episode."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(steps) * PERIOD_S
    amplitude = rng.uniform(0.1, 0.5, (episodes, 3, len(JOINTS), 1))
    omega, phase = rng.uniform(1.0, 6.0, amplitude.shape), rng.uniform(0, 2 * np.pi, amplitude.shape)
    waves = amplitude * np.sin(omega * time_s + phase)
    return np.moveaxis(waves.sum(1), 1, 2) + rng.uniform(-0.4, 0.4, (episodes, 1, len(JOINTS)))


def expert_rad(reference: Array, step: int, position: Array, velocity: Array) -> Array:
    """What the expert commands at `step` (N, J): inverse dynamics of the nominal plant, and a correction of the tracking error."""
    now, soon, late = (reference[:, step + shift] for shift in (0, 1, 2))
    rate, acceleration = (late - now) / (2 * PERIOD_S), (late - 2 * soon + now) / PERIOD_S**2
    torque = _INERTIA_KGM2 * acceleration + (_KD + _DAMPING) * rate + _GRAVITY_NM * np.sin(soon)
    return soon + torque / _KP + _FEEDBACK * (now - position + _FEEDBACK_S * ((soon - now) / PERIOD_S - velocity))


def observe(reference: Array, step: int, position: Array, velocity: Array, previous: Array) -> dict[str, Array]:
    """What an actor sees before step `step`, with the names and shapes of the chore `follow`; the reference is held at its end."""
    rows = np.minimum(step + 1 + np.arange(AHEAD), reference.shape[1] - 1)
    return {
        "joint_position_rad": position,
        "joint_velocity_radps": velocity,
        "previous_action_rad": previous,
        "reference_rad": reference[:, rows],
    }


def advance(plant: PendulumPlant, target: Array, position: Array, velocity: Array, push_nm: Array) -> tuple[Array, Array]:
    """One control period of the pendulums (semi-implicit Euler)."""
    dt = PERIOD_S / SUBSTEPS
    for _ in range(SUBSTEPS):
        motor = plant.motor * (_KP * (target - position) - _KD * velocity)
        load = _DAMPING * velocity + plant.friction_nm * np.tanh(velocity / 0.05) + plant.mass * _GRAVITY_NM * np.sin(position)
        velocity = velocity + dt * (motor - load + push_nm) / (plant.mass * _INERTIA_KGM2)
        position = position + dt * velocity
    return position, velocity


def simulate(actor: Actor | None, reference: Array, plant: PendulumPlant, seed: int = 0, push_nm: float = 0.0) -> dict[str, Array]:
    """Run N episodes at once; `actor=None` is the expert. Pushes last 0.2 s. Tracks are (N, T, ...)."""
    rng = np.random.default_rng(seed)
    episodes, steps = reference.shape[0], reference.shape[1] - 2
    position, velocity = reference[:, 1].copy(), (reference[:, 2] - reference[:, 0]) / (2 * PERIOD_S)
    sent = [reference[:, 1].copy()] * (plant.delay_steps + 1)
    tracks: dict[str, list[Array]] = {}
    if actor is not None:
        actor.reset(episodes)
    for step in range(1, steps):
        if step % 10 == 1:
            push = push_nm * rng.normal(size=position.shape) * (rng.random(position.shape) < 0.5)
        seen = observe(reference, step, position, velocity, sent[-1])
        action = expert_rad(reference, step, position, velocity) if actor is None else actor.act(seen)[:, 0]
        sent.append(action)
        position, velocity = advance(plant, sent[-1 - plant.delay_steps], position, velocity, push)
        error = position - reference[:, step + 1]
        for name, value in {**seen, "action": action, "error": error}.items():
            tracks.setdefault(name, []).append(value)
    return {name: np.stack(values, axis=1) for name, values in tracks.items()}


def record(episodes: int, steps: int, seed: int) -> list[Demonstration]:
    """Demonstrations of the expert under pushes in the nominal plant."""
    tracks = simulate(None, reference_rad(episodes, steps, seed), PLANTS["nominal"], seed, push_nm=1.5)
    error, actions = tracks.pop("error"), tracks.pop("action")
    return [
        Demonstration(
            robot="pendulums",
            chore="follow",
            variant=f"sines {seed}/{n}",
            plant="nominal",
            actor="expert",
            seed=seed,
            period_s=PERIOD_S,
            joint_names=JOINTS,
            observations={name: track[n] for name, track in tracks.items()},
            actions=actions[n],
            signals={"error_rad": error[n]},
            success=True,
            progress=1.0,
        )
        for n in range(episodes)
    ]


def tracking_rmse_rad(actor: Actor | None, plant: str, seed: int = 99) -> float:
    """Tracking error of an actor over 12 references that nobody was trained on."""
    error = simulate(actor, reference_rad(12, 250, seed), PLANTS[plant], seed)["error"]
    return float(np.sqrt(np.mean(error**2)))


@pytest.fixture(scope="session")
def pendulum_demonstrations() -> list[Demonstration]:
    """Six short episodes."""
    return record(episodes=6, steps=62, seed=3)


@pytest.fixture(scope="session")
def record_pendulums() -> Callable[..., list[Demonstration]]:
    """`record`, for tests that need other amounts."""
    return record


@pytest.fixture(scope="session")
def pendulum_rmse_rad() -> Callable[..., float]:
    """`tracking_rmse_rad`."""
    return tracking_rmse_rad


@pytest.fixture(scope="session")
def pendulum_tracks() -> Callable[..., dict[str, Array]]:
    """Tracks (N, T, ...) of an actor that is asked in every period, in the nominal plant."""
    return lambda actor, episodes, steps: simulate(actor, reference_rad(episodes, steps, 7), PLANTS["nominal"])


@pytest.fixture(scope="session")
def quick_export() -> Iterator[None]:
    """PyTorch prepares its hundreds of ONNX translations anew for every graph, which takes longer than the graph: here, once."""
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(functools.cache(ONNXRegistry.from_torchlib)))
        yield


@pytest.fixture(scope="session")
def pendulum_checkpoint(pendulum_demonstrations: list[Demonstration], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved `bc` with two looks, chunks of 6 and what a linear law knows of the pendulums, not trained further."""
    torch.manual_seed(0)
    policy_class = find_policy("bc")
    settings = {"chunk_n": 6, "history_n": 2, "width": 8}
    policy = policy_class(PolicySpec.of(pendulum_demonstrations, 6), make_config(policy_class, settings))
    policy.fit_statistics(make_windows(policy, pendulum_demonstrations))
    origin = Provenance("a test", "CC-BY-4.0", "given")
    folder = tmp_path_factory.mktemp("pendulums") / "saved"
    save_checkpoint(folder, Checkpoint(policy.eval(), {}, origin))
    return folder


@pytest.fixture(scope="session")
def pendulum_export(pendulum_checkpoint: Path, quick_export: None) -> Path:
    """The same as ONNX. To be looked at only."""
    return export_checkpoint(pendulum_checkpoint, pendulum_checkpoint.with_name("exported"))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """The networks are tiny; threads would only wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def straight(pendulum_demonstrations: list[Demonstration], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 40 steps without an interruption."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("straight")
    fit(pendulum_demonstrations, CONFIG, out)
    return out
