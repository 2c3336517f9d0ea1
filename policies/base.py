"""The one interface of a policy, the specification that binds it to a robot, and the list of policies that exist."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor, nn

from motion.demonstration import Demonstration
from motion.errors import CheckpointError, MotionError, ShapeError, UnknownNameError, require
from motion.plugins import plugins

if TYPE_CHECKING:
    from policies.windows import Batch, Windows


@dataclass(frozen=True)
class PolicyConfig:
    """Settings that every policy has; each policy adds its own in a subclass.

    Attributes:
        chunk_n: H, how many actions are predicted at once.
    """

    chunk_n: int = 8

    def __post_init__(self) -> None:
        require(self.chunk_n >= 1, ShapeError, f"chunk_n is {self.chunk_n}; at least 1 action has to be predicted.")


@dataclass(frozen=True)
class PolicySpec:
    """What a policy was made for. It travels with the weights.

    Attributes:
        robot: name of the robot.
        joint_names: J names, in the order of the robot's `joint_names`, and after them those of a driving base's speeds.
        observations: (name, shape of one observation) of what the policy reads, in the policy's order.
        chunk_n: H, actions predicted at once.
        period_s: control period.
    """

    robot: str
    joint_names: tuple[str, ...]
    observations: tuple[tuple[str, tuple[int, ...]], ...]
    chunk_n: int
    period_s: float

    def __post_init__(self) -> None:
        require(len(set(self.joint_names)) == len(self.joint_names), ShapeError, "PolicySpec.joint_names holds a name twice.")

    @property
    def joints(self) -> int:
        """J, the number of joints."""
        return len(self.joint_names)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Observation name -> shape of one observation."""
        return dict(self.observations)

    @classmethod
    def of(cls, demonstrations: Sequence[Demonstration], observation_names: Sequence[str], chunk_n: int) -> PolicySpec:
        """The specification that all the demonstrations share.

        Args:
            demonstrations: at least one.
            observation_names: what the policy reads.
            chunk_n: H.

        Raises:
            MotionError: there are none, or two of them differ in robot, joints, period or observation shape.
            UnknownNameError: an observation that the policy reads was not recorded.
        """
        require(bool(demonstrations), MotionError, "no demonstrations were given; record some, or check the path.")
        first = cls._of_one(demonstrations[0], observation_names, chunk_n)
        for number, other in enumerate(demonstrations):
            spec = cls._of_one(other, observation_names, chunk_n)
            odd = [field.name for field in fields(cls) if getattr(spec, field.name) != getattr(first, field.name)]
            if odd:
                raise MotionError(
                    f"demonstration {number} ({other.variant!r}) differs from the first in {odd[0]}: "
                    f"{getattr(spec, odd[0])} against {getattr(first, odd[0])}. Train on one kind at a time."
                )
        return first

    @classmethod
    def _of_one(cls, demonstration: Demonstration, observation_names: Sequence[str], chunk_n: int) -> PolicySpec:
        for name in observation_names:
            if name not in demonstration.observations:
                raise UnknownNameError("observation", name, demonstration.observations, f"demonstration {demonstration.variant!r}")
        shapes = tuple((name, tuple(demonstration.observations[name].shape[1:])) for name in observation_names)
        return cls(demonstration.robot, tuple(demonstration.joint_names), shapes, chunk_n, demonstration.period_s)

    def require_joints(self, joint_names: Sequence[str], where: str = "the robot") -> None:
        """Refuse a robot whose joints are not these, by name and in this order.

        Raises:
            CheckpointError: naming the joints that are missing and those that are too many.
        """
        missing = [name for name in self.joint_names if name not in joint_names]
        extra = [name for name in joint_names if name not in self.joint_names]
        if missing or extra:
            raise CheckpointError(
                f"{where} is not the robot {self.robot!r} that this policy was trained for: "
                f"missing joints: {', '.join(missing) or 'none'}; extra joints: {', '.join(extra) or 'none'}."
            )
        if tuple(joint_names) != self.joint_names:
            odd = next(i for i, (a, b) in enumerate(zip(joint_names, self.joint_names, strict=True)) if a != b)
            raise CheckpointError(
                f"{where} lists the joints of {self.robot!r} in another order: number {odd} is {joint_names[odd]!r}, "
                f"the policy's is {self.joint_names[odd]!r}. Reorder by name."
            )

    def require_period(self, period_s: float, where: str = "the environment") -> None:
        """Refuse another control period: what the policy knows of time, it knows in periods.

        Raises:
            CheckpointError: with both.
        """
        if abs(period_s - self.period_s) > 1e-9:
            raise CheckpointError(f"{where} has a control period of {period_s} s; the policy was trained at {self.period_s} s.")

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PolicySpec:
        """From what `to_json` gave."""
        observations = tuple((str(name), tuple(int(n) for n in shape)) for name, shape in data["observations"])
        return cls(**{**data, "joint_names": tuple(data["joint_names"]), "observations": observations})


class Policy(nn.Module, ABC):
    """A policy: from what is observed now to the next H joint-position targets.

    Every policy predicts actions as offsets from an anchor, e.g. from the reference that it is told to follow; a policy
    of absolute targets has an anchor of zeros. The four stages are apart, so that training runs the first two once.

    Attributes:
        name: what it is asked for by.
        Config: its settings, a frozen dataclass under `PolicyConfig`.
        observation_names: what it reads.
        optional_names: what it reads, too, where it was recorded.
    """

    name: ClassVar[str]
    Config: ClassVar[type[PolicyConfig]]
    observation_names: ClassVar[tuple[str, ...]]
    optional_names: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def read_names(cls, recorded: Iterable[str]) -> tuple[str, ...]:
        """What it reads of what was recorded."""
        known = frozenset(recorded)
        return (*cls.observation_names, *(name for name in cls.optional_names if name in known))

    def __init__(self, spec: PolicySpec, config: PolicyConfig) -> None:
        super().__init__()
        self.spec, self.config = spec, config

    @abstractmethod
    def inputs(self, observation: Mapping[str, Tensor]) -> Tensor:
        """What the network is fed: (N, F), raw units, from observations (N, ...). Pure: no weights, no statistics."""

    @abstractmethod
    def anchor_rad(self, observation: Mapping[str, Tensor]) -> Tensor:
        """What the predicted offsets are counted from: (N, H, J). Pure, too."""

    @abstractmethod
    def fit_statistics(self, windows: Windows) -> None:
        """Take the normalisation statistics from the training windows, once, before the first step."""

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """Scalar loss of a batch, divided by its valid, not by its padded, length."""

    @abstractmethod
    def predict(self, inputs: Tensor) -> Tensor:
        """Offsets (N, H, J), rad, from the anchor, for inputs (N, F). The same inputs give the same offsets in eval mode."""


def make_config(policy: type[Policy], settings: Mapping[str, Any]) -> PolicyConfig:
    """The policy's settings from plain values; what is not named keeps its default.

    Raises:
        UnknownNameError: a setting that the policy does not have.
    """
    known = [field.name for field in fields(policy.Config)]
    for key in settings:
        if key not in known:
            raise UnknownNameError("setting", key, known, f"policy {policy.name!r}")
    plain: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    return policy.Config(**plain)


def known_policies() -> dict[str, type[Policy]]:
    """Name -> class of every policy: the modules of this package, and the installed plug-ins (`motion.plugins`)."""
    package = importlib.import_module("policies")
    modules = [importlib.import_module(f"policies.{found.name}") for found in pkgutil.iter_modules(package.__path__)]
    return {policy.name: policy for module in modules for policy in _policies_in(module)} | plugins("policy")


def find_policy(name: str) -> type[Policy]:
    """The class of a policy by its name.

    Raises:
        UnknownNameError: listing the policies that exist.
    """
    known = known_policies()
    if name not in known:
        raise UnknownNameError("policy", name, known)
    return known[name]


def _policies_in(module: ModuleType) -> list[type[Policy]]:
    own = [thing for thing in vars(module).values() if inspect.isclass(thing) and thing.__module__ == module.__name__]
    return [thing for thing in own if issubclass(thing, Policy) and not inspect.isabstract(thing)]
