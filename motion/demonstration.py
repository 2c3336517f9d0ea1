"""Demonstration: one episode of a robot in a chore, by an expert, a baseline or a policy; and the Actor that acts in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from motion.errors import MotionError, ShapeError, require
from motion.provenance import Provenance
from motion.store import entries_of, read_header, read_npz, write_npz
from motion.transform import Array

KIND = "demonstration"
IMAGE = "image_"
"""What names of pictures in observations begin with; the camera's follows."""
CONFIDENCE = "action_confidence"
"""Signal (T,) or (T, J), 0..1: how far a demonstration's actions are believed; 1 where it was not recorded."""
MISTAKE, CORRECTION = "label_mistake", "label_correction"
"""Signals (T,) bool: whether whoever showed it was just making a mistake, or putting one right; absent where nobody says."""
_PLAIN = ("robot", "chore", "variant", "plant", "actor", "seed", "period_s", "joint_names", "success", "progress", "safety")


@dataclass(frozen=True)
class Demonstration:
    """One episode at a fixed control period; T steps.

    Attributes:
        robot: name of the robot.
        chore: name of the chore.
        variant: which task within the chore (for `follow`, the name of the motion followed).
        plant: the plant that it ran in.
        actor: who acted ("expert", "hold", "replay", a policy's name).
        seed: seed of the episode.
        period_s: control period.
        joint_names: J names.
        observations: name -> (T, ...), what the actor saw before each action.
        actions: (T, J) joint-position targets, rad.
        signals: name -> (T, ...), what the simulation measured after each action; see docs/conventions.md.
        success: as judged by the chore.
        progress: 0..1.
        safety: name -> number.
        violations: names of the safety numbers beyond their limit.
        scene: what stood there and who showed it, as plain JSON values: "text" (what was to be done), "sha256", "side", "families",
            "places", "drawn", "changed" (things that the plant made other than the scene has them), and "worker" where a person did.
        provenance: where it came from.
    """

    robot: str
    chore: str
    variant: str
    plant: str
    actor: str
    seed: int
    period_s: float
    joint_names: tuple[str, ...]
    observations: Mapping[str, np.ndarray]
    actions: Array
    signals: Mapping[str, np.ndarray]
    success: bool
    progress: float
    safety: Mapping[str, float] = field(default_factory=dict)
    violations: tuple[str, ...] = ()
    scene: Mapping[str, Any] = field(default_factory=dict)
    provenance: Provenance = Provenance(source="unknown")

    def __post_init__(self) -> None:
        steps = len(self.actions)
        require(steps > 0, MotionError, f"{self.variant}: the demonstration has no steps.")
        shape = np.shape(self.actions)
        require(shape == (steps, len(self.joint_names)), ShapeError, f"actions are {shape}; {(steps, len(self.joint_names))} was wanted.")
        for name, track in {**self.observations, **self.signals}.items():
            require(len(track) == steps, ShapeError, f"track {name!r} has {len(track)} steps; the actions have {steps}.")

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Observation name -> shape of one observation."""
        return {name: tuple(np.shape(track)[1:]) for name, track in self.observations.items()}

    def outline(self) -> Outline:
        """The same without its tracks."""
        shared = {field.name: getattr(self, field.name) for field in fields(Outline) if field.name != "steps_n"}
        return Outline(**shared, steps_n=len(self.actions))

    def save(self, path: Path) -> None:
        """Write as npz with a JSON header."""
        header = {name: getattr(self, name) for name in _PLAIN}
        header |= {"safety": dict(self.safety), "violations": list(self.violations), "scene": dict(self.scene)}
        header |= {"provenance": self.provenance.to_json()}
        arrays = {"actions": np.asarray(self.actions)}
        arrays |= {f"observation/{name}": np.asarray(value) for name, value in self.observations.items()}
        arrays |= {f"signal/{name}": np.asarray(value) for name, value in self.signals.items()}
        write_npz(path, KIND, header, arrays)

    @classmethod
    def load(cls, path: Path) -> Demonstration:
        """Read what `save` wrote.

        Raises:
            FileFormatError: not a demonstration, or one that lacks a part.
        """
        header, arrays = read_npz(path, KIND)
        plain = {name: header[name] for name in _PLAIN}
        groups = {
            group: {key.split("/", 1)[1]: value for key, value in arrays.items() if key.startswith(f"{group}/")}
            for group in ("observation", "signal")
        }
        with entries_of(path):
            plain["joint_names"] = tuple(plain["joint_names"])
            plain["violations"] = tuple(header.get("violations", ()))
            plain["scene"] = dict(header.get("scene", {}))
            plain["provenance"] = Provenance.from_json(header["provenance"])
            return cls(**plain, actions=arrays["actions"], observations=groups["observation"], signals=groups["signal"])


@dataclass(frozen=True)
class Outline:
    """What a demonstration is, without its tracks: enough to list, choose and weigh it.

    Attributes:
        robot, chore, variant, seed, period_s, joint_names, success, violations, scene, provenance: as of `Demonstration`.
        shapes: observation name -> shape of one observation.
        steps_n: T.
    """

    robot: str
    chore: str
    variant: str
    seed: int
    period_s: float
    joint_names: tuple[str, ...]
    success: bool
    violations: tuple[str, ...]
    scene: Mapping[str, Any]
    provenance: Provenance
    shapes: Mapping[str, tuple[int, ...]]
    steps_n: int

    @classmethod
    def load(cls, path: Path) -> Outline:
        """Of a file that `Demonstration.save` wrote; its tracks are not unpacked.

        Raises:
            FileFormatError: not a demonstration, or one that lacks a part.
        """
        header, shapes = read_header(path, KIND)
        with entries_of(path):
            plain = {name: header[name] for name in ("robot", "chore", "variant", "seed", "period_s", "success")}
            return cls(
                **plain,
                joint_names=tuple(header["joint_names"]),
                violations=tuple(header.get("violations", ())),
                scene=dict(header.get("scene", {})),
                provenance=Provenance.from_json(header["provenance"]),
                shapes={name.split("/", 1)[1]: shape[1:] for name, shape in shapes.items() if name.startswith("observation/")},
                steps_n=shapes["actions"][0],
            )


class Actor(Protocol):
    """Whatever acts in an environment: a policy, a baseline, an expert. The same in envs, evaluation and deployment."""

    name: str
    execute_n: int

    def reset(self, episodes: int) -> None:
        """Begin `episodes` parallel episodes; called before the first `act`."""
        ...

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """Joint-position targets (N, H, J), rad, for the next H periods, from observations (N, ...).

        The first `execute_n` of the H are carried out before the next call; H >= `execute_n`.
        """
        ...
