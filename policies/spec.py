"""The specification that binds a policy to a robot. No PyTorch here: what runs an exported policy needs it, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from motion.demonstration import Demonstration, Outline
from motion.errors import CheckpointError, MotionError, ShapeError, require


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
    def of(cls, demonstrations: Iterable[Demonstration | Outline], chunk_n: int) -> PolicySpec:
        """The specification that all the demonstrations share.

        Args:
            demonstrations: at least one, or their outlines; looked at one by one.
            chunk_n: H.

        Raises:
            MotionError: there are none, or two of them differ in robot, joints, period or observation shape.
            UnknownNameError: an observation that a policy needs was not recorded.
        """
        first: PolicySpec | None = None
        for number, other in enumerate(demonstrations):
            spec = cls._of_one(other, chunk_n)
            first = first or spec
            odd = [field.name for field in fields(cls) if getattr(spec, field.name) != getattr(first, field.name)]
            if odd:
                raise MotionError(
                    f"demonstration {number} ({other.variant!r}) differs from the first in {odd[0]}: "
                    f"{getattr(spec, odd[0])} against {getattr(first, odd[0])}. Train on one kind at a time."
                )
        if first is None:
            raise MotionError("no demonstrations were given; record some, or check the path.")
        return first

    @classmethod
    def _of_one(cls, demonstration: Demonstration | Outline, chunk_n: int) -> PolicySpec:
        from policies.readers import read_names  # brings PyTorch with it, which is needed only where one trains

        recorded = demonstration.shapes
        shapes = tuple((name, recorded[name]) for name in read_names(recorded, f"demonstration {demonstration.variant!r}"))
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
