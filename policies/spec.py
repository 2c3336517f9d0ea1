"""The specification that binds a policy to a robot. No PyTorch here: what runs an exported policy needs it, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from motion.demonstration import IMAGE, Demonstration, Outline
from motion.errors import CheckpointError, MotionError, ShapeError, require
from motion.words import TEXT, TEXT_N

THINGS, THINGS_TURN, SIZES, HINGE = "thing_position_m", "thing_wxyz", "thing_half_m", "hinge"
GOAL, GOAL_TURN = "goal_position_m", "goal_wxyz"
FORCE = "hand_force_n"
PADDED = (THINGS, THINGS_TURN, SIZES, HINGE, GOAL, GOAL_TURN)
"""Observations with a row per thing or hinge: where a policy knows chores with more of them, the rest are zeros. No thing that is
there has a `thing_wxyz` of zeros."""
DRIVING = "base_yaw_radps"
"""The last action of robots whose base drives (`envs.chores.base`)."""
MAY_LACK = (HINGE,)
"""Of these, what is not recorded where there is none."""


@dataclass(frozen=True)
class Reads:
    """What a policy reads of all that was recorded.

    Attributes:
        cameras: whose pictures.
        things: where things are, how large they are, and how far doors are open.
        goal: where things shall be in the end.
        text: what is to be done, in words; in place of the chore's number.
    """

    cameras: tuple[str, ...] = ()
    things: bool = True
    goal: bool = False
    text: bool = False


USUAL = Reads()


def is_picture(name: str) -> bool:
    """Whether an observation of this name is pictures: uint8 (N, height, width, 3)."""
    return name.startswith(IMAGE)


def _most(name: str, ours: tuple[int, ...] | None, theirs: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """The shape that has room for both; None where there is none."""
    if name in MAY_LACK:
        ours, theirs = ours or theirs, theirs or ours
    if ours is None or theirs is None:
        return None
    if name in PADDED and len(ours) == len(theirs) and ours[1:] == theirs[1:]:
        return (max(ours[0], theirs[0]), *ours[1:])
    return ours if ours == theirs else None


@dataclass(frozen=True)
class PolicySpec:
    """What a policy was made for. It travels with the weights.

    Attributes:
        robot: name of the robot.
        joint_names: J names, in the order of the robot's `joint_names`, and after them those of a driving base's speeds.
        observations: (name, shape of one observation) of what the policy reads, in the policy's order; of those with a row for
            each thing the most that any of its chores has.
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
    def drives(self) -> bool:
        """Whether the policy drives the robot's base."""
        return DRIVING in self.joint_names

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Observation name -> shape of one observation."""
        return dict(self.observations)

    @property
    def pictures(self) -> tuple[str, ...]:
        """Names of the observations that are pictures."""
        return tuple(name for name, _ in self.observations if is_picture(name))

    @classmethod
    def of(cls, demonstrations: Iterable[Demonstration | Outline], chunk_n: int, reads: Reads = USUAL) -> PolicySpec:
        """The specification that all the demonstrations share; they may differ in how many things there are.

        Args:
            demonstrations: at least one, or their outlines; looked at one by one.
            chunk_n: H.
            reads: what of them is read.

        Raises:
            MotionError: there are none, or two of them differ in robot, joints, period or observation shape.
            UnknownNameError: an observation that a policy needs was not recorded.
        """
        shared: PolicySpec | None = None
        for number, other in enumerate(demonstrations):
            spec = cls._of_one(other, chunk_n, reads)
            shared = shared or spec
            both = {**shared.shapes, **spec.shapes}
            most = tuple((name, _most(name, shared.shapes.get(name), spec.shapes.get(name))) for name in both)
            odd = [f.name for f in fields(cls) if f.name != "observations" and getattr(spec, f.name) != getattr(shared, f.name)]
            if odd or any(shape is None for _, shape in most):
                name = odd[0] if odd else "observations"
                raise MotionError(
                    f"demonstration {number} ({other.variant!r}) differs from the first in {name}: "
                    f"{getattr(spec, name)} against {getattr(shared, name)}. Train on one kind at a time."
                )
            shared = replace(shared, observations=tuple((name, shape) for name, shape in most if shape is not None))
        if shared is None:
            raise MotionError("no demonstrations were given; record some, or check the path.")
        return shared

    @classmethod
    def _of_one(cls, demonstration: Demonstration | Outline, chunk_n: int, reads: Reads) -> PolicySpec:
        from policies.readers import read_names  # brings PyTorch with it, which is needed only where one trains

        # Where nothing hangs on a hinge, no number is seen of hinges; files tell that, data sets do not.
        recorded = {name: shape for name, shape in demonstration.shapes.items() if 0 not in shape}
        if reads.goal and THINGS in recorded:  # where things ended is known of every demonstration that says where they are
            recorded = {GOAL: recorded[THINGS], GOAL_TURN: recorded.get(THINGS_TURN, ()), **recorded}
        if reads.text:
            recorded = {TEXT: (TEXT_N,), **recorded}
        shapes = tuple((name, recorded[name]) for name in read_names(recorded, f"demonstration {demonstration.variant!r}", reads))
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
