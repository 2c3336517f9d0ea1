"""The one interface of a policy, and the list of policies that exist."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from motion.errors import ShapeError, UnknownNameError, require
from motion.plugins import plugins
from policies.normalise import Normaliser, Shown
from policies.pictures import Eyes
from policies.pointers import Pointers
from policies.readers import make_reader
from policies.spec import PolicySpec, Reads

if TYPE_CHECKING:
    from policies.windows import Batch, Windows


_UNKNOWN_NOISE = 0.1
"""Of inputs of which nobody knows the usual noise, as a share of their scale."""


@dataclass(frozen=True)
class PolicyConfig:
    """Settings that every policy has; each policy adds its own in a subclass.

    Attributes:
        chunk_n: H, how many actions are predicted at once.
        execute_n: how many of them are carried out before the next look, unless whoever runs the policy says otherwise. 0: two thirds
            of the chunk in chores with things, where a grip has to hold, and else 1.
        history_n: T, how many looks in a row it is shown, one per control period, the newest last.
        previous_action: whether the policy is told its previous action. It says how hard the motors pull, and so what
            the load is; but a policy that is told may also learn to repeat itself instead of looking at the robot.
        clip: normalised inputs of the network are kept within this many scales.
        input_noise: how much is added to the inputs in training, as a multiple of what the reader knows to be usual (`Reader.noise`),
            or else of a tenth of each one's scale. What a robot meets when it acts by itself is never quite what was recorded;
            with few demonstrations this noise is worth many.
        pointers_n: how many pointers pick among the things (`policies.pointers`), so that what is learnt with one holds for all.
            0: the policy is told of all of them, one after the other.
        things: whether the policy is told where things are, how large, and how far doors are open. On a real robot nobody knows
            that without a camera: set it to false beside `pictures`.
        goal: whether it is told where things shall be in the end; trained on where they were.
        text: whether it is told in words what is to be done, in place of the chore's number; trained on the demonstrations' words.
        pictures: cameras that it sees through, e.g. ("head",), each by an eye of its own (`policies.pictures`).
        picture_px: width and height that pictures are reduced to; None as they were recorded.
        picture_marks_n: places that each eye tells.
        picture_shift_px: in training, pictures are moved by up to so many pixels.
        picture_colour: in training, brightness, contrast and colours vary by up to this share.
    """

    chunk_n: int = 8
    execute_n: int = 0
    history_n: int = 1
    previous_action: bool = False
    clip: float = 5.0
    input_noise: float = 0.0
    pointers_n: int = 0
    things: bool = True
    goal: bool = False
    text: bool = False
    pictures: tuple[str, ...] = ()
    picture_px: tuple[int, int] | None = None
    picture_marks_n: int = 32
    picture_shift_px: int = 4
    picture_colour: float = 0.1

    def __post_init__(self) -> None:
        require(self.chunk_n >= 1, ShapeError, f"chunk_n is {self.chunk_n}; at least 1 action has to be predicted.")
        require(self.execute_n >= 0, ShapeError, f"execute_n is {self.execute_n}; at least 0 was wanted.")
        require(self.history_n >= 1, ShapeError, f"history_n is {self.history_n}; at least 1 look is needed.")
        require(self.pointers_n >= 0, ShapeError, f"pointers_n is {self.pointers_n}; at least 0 was wanted.")
        require(self.input_noise >= 0, ShapeError, f"input_noise is {self.input_noise}; a spread is not negative.")
        require(self.picture_marks_n >= 1, ShapeError, f"picture_marks_n is {self.picture_marks_n}; at least 1 was wanted.")
        least = min(self.picture_shift_px, self.picture_colour)
        require(least >= 0, ShapeError, "picture_shift_px and picture_colour cannot be negative.")
        require(len(set(self.pictures)) == len(self.pictures), ShapeError, f"pictures {self.pictures} names a camera twice.")

    @property
    def reads(self) -> Reads:
        """What is read of what was recorded."""
        return Reads(self.pictures, self.things, self.goal, self.text)


class Policy(nn.Module, ABC):
    """A policy: from what is observed now to the next H joint-position targets.

    What it reads, and what its actions are counted from, is its reader's business (`policies.readers`), so that every
    policy learns every chore. The anchor is added outside the network, e.g. the reference that the robot is told to follow.
    Where it sees pictures, what its eyes tell of them stands behind the reader's inputs in every look.
    Subclasses give `errors` and `chunk`, both in normalised units.

    Attributes:
        name: what it is asked for by.
        Config: its settings, a frozen dataclass under `PolicyConfig`.
        reader: makes the network's inputs and the anchor from observations.
        eyes: read its pictures; None where it sees none.
        pointers: pick among things; None where they do not.
        look_n: F, numbers of one look, the eyes' among them.
        seen_n: S, numbers of one look as the network is fed them.
    """

    name: ClassVar[str]
    Config: ClassVar[type[PolicyConfig]]

    def __init__(self, spec: PolicySpec, config: PolicyConfig) -> None:
        super().__init__()
        self.spec, self.config = spec, config
        self.reader = make_reader(spec, config.previous_action)
        self.eyes = Eyes(spec, config) if spec.pictures else None
        self.look_n = self.reader.width + (self.eyes.width if self.eyes is not None else 0)
        self.input_normaliser, self.offset_normaliser = Normaliser(self.reader.width), Normaliser(spec.chunk_n * spec.joints)
        self.shown = Shown(self.reader.kept) if self.reader.kept is not None else None
        told = self.reader.told if config.pointers_n else None
        self.pointers = Pointers(told, self.reader.width, config.pointers_n) if told is not None else None
        self.seen_n = self.look_n + (self.pointers.width - self.reader.width if self.pointers is not None else 0)

    @property
    def execute_n(self) -> int:
        """How many actions of a chunk are carried out before the next look, unless whoever runs it says otherwise."""
        chunk_n = self.spec.chunk_n
        return min(chunk_n, self.config.execute_n or max(1, round(self.reader.carried_out * chunk_n)))

    def inputs(self, observation: Mapping[str, Tensor]) -> Tensor:
        """What the reader makes of observations (N, ...): (N, F without the eyes'), raw units. No weights, no statistics."""
        return self.reader.inputs(observation)

    def read(self, observation: Mapping[str, Tensor]) -> Tensor:
        """One look (N, F), float32, raw units, of observations (N, ...), each by itself: inputs, and what the eyes tell."""
        inputs = self.inputs(observation).float()
        if self.eyes is None:
            return inputs
        rows = [self.eyes(row[None]) for row in self.eyes.gather(observation)]  # another number at once may round differently
        return torch.cat([inputs, torch.cat(rows)], dim=1)

    def looks(self, batch: Batch) -> Tensor:
        """Looks (B, T, F) of windows, raw units."""
        if self.eyes is None:
            return batch.inputs
        require(batch.pictures is not None, ShapeError, f"policy {self.name!r} looks at {', '.join(self.spec.pictures)}; none were given.")
        assert batch.pictures is not None
        return torch.cat([batch.inputs, self.eyes(batch.pictures)], dim=-1)

    def anchor_rad(self, observation: Mapping[str, Tensor]) -> Tensor:
        """What the predicted offsets are counted from: (N, H, J), or (N, 1, J) for all places of the chunk alike."""
        return self.reader.anchor_rad(observation)

    def fit_statistics(self, windows: Windows) -> None:
        """Take the normalisation statistics from the training windows, once, before the first step.

        Statistics are taken after the reader's transform, and of recorded actions only; all places of the chunk share
        their joint's.
        """
        found = windows.statistics
        self.input_normaliser.take(found.inputs_mean, found.inputs_deviation, self.reader.floor)
        if self.shown is not None:
            self.shown.take(found.inputs_least, found.inputs_most)
        first = Normaliser(self.spec.joints)
        first.take(found.offset_mean, found.offset_deviation, self.reader.offset_floor)
        self.offset_normaliser.mean.copy_(first.mean.repeat(self.spec.chunk_n))
        self.offset_normaliser.scale.copy_(first.scale.repeat(self.spec.chunk_n))

    def loss(self, batch: Batch) -> Tensor:
        """Weighted mean of `errors` (scalar): actions that are held, or not believed, count as little as their weight says."""
        wanted = self.offset_normaliser(batch.offset_rad.flatten(1)).view_as(batch.offset_rad)
        looks = self.looks(batch)
        if self.training and self.config.input_noise:  # pictures have a noise of their own
            noise = self._usual_noise() * torch.randn_like(looks[..., : self.reader.width])
            looks = looks + self.config.input_noise * functional.pad(noise, (0, self.look_n - self.reader.width))
        error = self.errors(self.seen(looks), wanted, batch.weight)
        each = error.shape[-1] // batch.weight.shape[-1]  # joints that share a weight
        return (error * batch.weight).sum() / (each * batch.weight.sum())

    def _usual_noise(self) -> Tensor:
        """(F,) of the inputs, raw units."""
        scale, known = self.input_normaliser.scale, self.reader.noise
        return _UNKNOWN_NOISE * scale if known is None else known.to(scale)

    def predict(self, looks: Tensor) -> Tensor:
        """Offsets (N, H, J), rad, from the anchor, for looks (N, T, F). The same looks give the same offsets in eval mode; what the reader
        keeps (`Reader.kept`) counts as the nearest that was shown."""
        if self.shown is not None:
            looks = torch.cat([self.shown(looks[..., : self.reader.width]), looks[..., self.reader.width :]], dim=-1)
        chunk = self.chunk(self.seen(looks))
        return self.offset_normaliser.inverse(chunk.flatten(1)).view_as(chunk)

    def seen(self, looks: Tensor) -> Tensor:
        """Looks (N, T, F) as the network is fed them, (N, T, S): normalised, kept within `clip`, things picked by pointers."""
        return self.normalised(looks).clamp(-self.config.clip, self.config.clip)

    def normalised(self, looks: Tensor) -> Tensor:
        """The same, not yet kept within `clip`; what eyes tell is normalised already, and stands behind."""
        inputs = looks[..., : self.reader.width]
        told = self.input_normaliser(inputs)
        if self.pointers is not None:
            told = self.pointers(inputs, told.clamp(-self.config.clip, self.config.clip))
        return told if self.eyes is None else torch.cat([told, looks[..., self.reader.width :]], dim=-1)

    @abstractmethod
    def errors(self, seen: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
        """What is to be made small, at every place of the chunk: (B, H, J), all of it normalised.

        Args:
            seen: (B, T, S) looks.
            wanted: (B, H, J) recorded offsets. Places of weight 0 hold nothing that may be learnt: see `networks.held`.
            weight: (B, H, 1 or J); 0 after an episode's end.
        """

    @abstractmethod
    def chunk(self, seen: Tensor) -> Tensor:
        """Normalised offsets (N, H, J) for looks (N, T, S); in eval mode the same for the same, row by row."""


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
    names = [found.name for found in pkgutil.iter_modules(package.__path__) if not found.name.startswith("_")]  # nor the door
    modules = [importlib.import_module(f"policies.{name}") for name in names]
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
