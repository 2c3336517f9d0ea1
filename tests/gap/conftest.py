"""Demonstrations of a small simulated plant: every joint a second-order system under position control."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gap import EpisodeResult
from motion.demonstration import Demonstration
from motion.provenance import Parent, Provenance
from robots import Robot, load_robot

PERIOD_S, SUBSTEPS = 0.02, 20
PLANTS = {
    "nominal": {"gain": 1.0, "delay": 0, "inertia": 1.0},
    "weak_motors": {"gain": 0.35, "delay": 0, "inertia": 1.0},
    "slow_link": {"gain": 1.0, "delay": 3, "inertia": 1.0},
    "heavy_sticky": {"gain": 1.0, "delay": 0, "inertia": 2.5},
}
PARENT = Parent("clip.bvh", "ab" * 32, "CC BY-NC 4.0", "actor 3")


@pytest.fixture(scope="session")
def g1() -> Robot:
    return load_robot("g1")


def reference_motion(robot: Robot, steps: int, seed: int) -> np.ndarray:
    """(T, J) smooth sums of two sines per joint about the rest posture, rad."""
    rng = np.random.default_rng(seed)
    time = np.arange(steps)[:, None] * PERIOD_S
    wave = 0.0
    for _ in range(2):
        frequency, phase = rng.uniform(0.2, 0.9, len(robot.joint_names)), rng.uniform(0, 2 * np.pi, len(robot.joint_names))
        wave = wave + rng.uniform(0.03, 0.25, len(robot.joint_names)) * np.sin(2 * np.pi * frequency * time + phase)
    return np.asarray(robot.rest_rad + wave)


def _targets(actor: str, reference: np.ndarray) -> np.ndarray:
    if actor == "hold":
        return np.repeat(reference[:1], len(reference), axis=0)
    lead = {"replay": 0, "bc": 3, "expert": 4}[actor]
    return reference[np.minimum(np.arange(len(reference)) + lead, len(reference) - 1)]


def _simulate(robot: Robot, reference: np.ndarray, targets: np.ndarray, plant: str) -> dict[str, np.ndarray]:
    """Inertia q'' = clip(kp (target - q) - kd q'), the target delayed by whole periods."""
    p = PLANTS[plant]
    inertia = 0.6 * p["inertia"]
    position, velocity = reference[0].copy(), np.zeros(len(robot.joint_names))
    tracks: dict[str, list[np.ndarray]] = {"joint_position_rad": [], "joint_velocity_radps": [], "actuator_torque_nm": [], "saturated": []}
    for step in range(len(targets)):
        wanted = targets[max(step - p["delay"], 0)]
        for _ in range(SUBSTEPS):
            asked = p["gain"] * (120 * (wanted - position) - 12 * velocity)
            torque = np.clip(asked, -p["gain"] * robot.effort_nm, p["gain"] * robot.effort_nm)
            velocity = velocity + PERIOD_S / SUBSTEPS * torque / inertia
            position = position + PERIOD_S / SUBSTEPS * velocity
        for name, value in zip(tracks, (position, velocity, torque, asked != torque), strict=True):
            tracks[name].append(np.array(value))
    return {name: np.stack(values) for name, values in tracks.items()}


@pytest.fixture(scope="session")
def simulate(g1: Robot) -> Callable[..., Demonstration]:
    """simulate(actor, plant, variant, seed, steps) -> Demonstration of the G1."""

    def run(actor: str = "bc", plant: str = "nominal", variant: str = "clip_0", seed: int = 0, steps: int = 150) -> Demonstration:
        reference = reference_motion(g1, steps, sum(map(ord, variant)) + 1000 * seed)
        signals = _simulate(g1, reference, _targets(actor, reference), plant)
        rmse = np.sqrt(np.mean((signals["joint_position_rad"] - reference) ** 2))
        rng = np.random.default_rng(seed)
        base = np.array([0, 0, 0.75]) + np.cumsum(rng.normal(0, 5e-4, (steps, 3)), axis=0)
        upright = np.broadcast_to([1.0, 0, 0, 0], (steps, 4)).copy()
        signals |= {"reference_position_rad": reference, "base_position_m": base, "base_wxyz": upright, "reference_base_wxyz": upright}
        signals |= {"reference_base_position_m": np.tile([0, 0, 0.75], (steps, 1)), "gantry_force_n": 40 + 30 * rng.random(steps)}
        return Demonstration(
            robot="g1",
            chore="follow",
            variant=variant,
            plant=plant,
            actor=actor,
            seed=seed,
            period_s=PERIOD_S,
            joint_names=g1.joint_names,
            observations={},
            actions=reference,
            signals=signals,
            success=bool(rmse < 0.1),
            progress=float(np.clip(1.5 - rmse / 0.12, 0, 1)),
            safety={"peak_error_rad": float(np.abs(signals["joint_position_rad"] - reference).max())},
            provenance=Provenance("test plant", PARENT.licence, PARENT.consent, (PARENT,)),
        )

    return run


@pytest.fixture
def row() -> Callable[..., EpisodeResult]:
    """row(actor, plant, variant, seed, **numbers) -> EpisodeResult with hand-made numbers."""

    def make(actor: str = "bc", plant: str = "nominal", variant: str = "a", seed: int = 0, **numbers: object) -> EpisodeResult:
        fixed = {"robot": "g1", "chore": "follow", "period_s": 0.02, "duration_s": 3.0, "stable": True, "success": True}
        return EpisodeResult(**{**fixed, "actor": actor, "plant": plant, "variant": variant, "seed": seed, **numbers})  # type: ignore[arg-type]

    return make
