"""Every number of the quality card: what it means, from where on somebody should look, and what a reason says of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from motion.errors import UnknownNameError
from robots.robot import Robot

Verdict = Literal["pass", "review", "reject"]


@dataclass(frozen=True)
class Gate:
    """Bounds of one number: beyond `review` somebody should look, beyond `reject` it should not be used.

    Beyond is above; for a number of which more is better `reject` lies below `review`, and beyond is below.
    """

    review: float
    reject: float

    @property
    def is_floor(self) -> bool:
        """Whether more is better."""
        return self.reject < self.review

    def verdict(self, value: float) -> Verdict:
        """The verdict on a value; what could not be measured (NaN) passes."""
        sign = -1 if self.is_floor else 1
        if sign * value > sign * self.reject:
            return "reject"
        return "review" if sign * value > sign * self.review else "pass"


@dataclass(frozen=True)
class Number:
    """One number of the card.

    Attributes:
        label: short, for headings.
        unit: of the value; empty for a count.
        meaning: one line.
        gate: its bounds; None where it informs and does not judge.
        says: the reason's sentence, with the value at {}.
        advice: what to do about it.
    """

    label: str
    unit: str
    meaning: str
    gate: Gate | None = None
    says: str = ""
    advice: str = ""


_SMOOTHER = "smooth a noisy recording (smooth.cutoff_hz=5), or let contacts hold the feet"
_LIMITED = "the motion has to be limited before a robot gets it; if `python -m retarget` made it, please report a bug"

NUMBERS: dict[str, Number] = {
    "unsolved_pct": Number(
        "unsolved", "%", "frames without a pose", Gate(0, 5), "{:.1f} % of the frames have no pose",
        "cut or repair the recording there; where links are in each other's way, try solver.clip_iterations=60",
    ),
    "broken_data_pct": Number(
        "broken data",
        "%",
        "frames of the recording in which a landmark jumps or a limb changes its length",
        Gate(0, 5),
        "{:.1f} % of the recording's frames are broken",
        "cut or repair it; what is broken is listed",
    ),
    "inferred_pct": Number(
        "inferred",
        "%",
        "joint angles that the recording does not show and that were filled in",
        Gate(60, 90),
        "{:.0f} % of the joint angles are filled in, not seen",
        "record what is missing, or use the joints that were seen only",
    ),
    "foot_mm": Number(
        "foot error", "mm", "ankle from its target, mean", Gate(20, 50), "the feet are {:.1f} mm from their targets on average",
        "out of reach, or too fast for the legs; raise weights.foot",
    ),
    "hand_mm": Number(
        "hand error", "mm", "wrist from its target, mean", Gate(80, 160), "the hands are {:.0f} mm from their targets on average",
        "an arm at its stop, or a wrong landmark in robot.yaml",
    ),
    "fingertip_mm": Number(
        "fingertip error", "mm", "fingertip from its target, relative to the wrist, mean", Gate(25, 60),
        "the fingertips are {:.1f} mm from their targets on average", "the hand cannot close so; raise weights.fingertip",
    ),
    "out_of_reach_pct": Number("out of reach", "%", "frames with a wrist more than 50 mm from its target"),
    "limb_deg": Number(
        "limb direction", "deg", "angle between the person's and the robot's thighs, shanks, upper arms and forearms, mean", Gate(11, 20),
        "the limbs point {:.1f} deg away from the person's on average", "joints at their stops, or wrong landmarks in robot.yaml",
    ),
    "limb_p95_deg": Number("limb direction p95", "deg", "the same, 95th percentile"),
    "object_mm": Number(
        "hand on object", "mm", "wrist from its place relative to an object, while the person holds it, mean", Gate(20, 60),
        "a hand is {:.0f} mm from its place on what it holds on average", "out of reach, or the robot's hand is in its way; weights.held",
    ),
    "object_deg": Number("hand turned on object", "deg", "hand from its orientation relative to the object, likewise"),
    "slip_mm_s": Number(
        "slip", "mm/s", "horizontal speed of the sole's toe while the person's foot stands, mean", Gate(100, 300),
        "standing feet slide at {:.0f} mm/s on average", _SMOOTHER,
    ),
    "slip_p95_mm_s": Number("slip p95", "mm/s", "the same, 95th percentile"),
    "person_slip_mm_s": Number("person's slip", "mm/s", "the same of the person's own toes: what the recording itself slides"),
    "drift_mm": Number(
        "drift", "mm", "way of the sole's toe from the first to the last frame of a stance, mean", Gate(20, 100),
        "a standing foot drifts {:.0f} mm from start to end of its stance on average", _SMOOTHER,
    ),
    "float_mm": Number(
        "float", "mm", "height of the sole's lowest point over the floor while the person's foot stands, mean", Gate(20, 80),
        "standing feet hang {:.0f} mm over the floor on average", "check the floor's height and robot.yaml's soles",
    ),
    "float_max_mm": Number("float max", "mm", "the same, highest"),
    "penetration_max_mm": Number(
        "penetration max", "mm", "deepest point of a sole under the floor", Gate(40, 80), "a sole sinks {:.0f} mm into the floor",
        "check the floor's height and robot.yaml's soles; raise the weight of the ground",
    ),
    "penetration_mm": Number("penetration", "mm", "the same, mean over all frames"),
    "jumps": Number("jumps", "", "steps in which a joint moves more than 0.5 rad"),
    "jump_pct": Number(
        "jumps", "%", "the same, share of all steps", Gate(0, 5), "in {:.1f} % of the steps a joint moves more than 0.5 rad",
        "a joint that folds over at its stop, or a person faster than the robot",
    ),
    "jerk_rad_s3": Number(
        "jerk", "rad/s3", "third derivative of the joints, mean size", Gate(1900, 6000), "the joints jerk at {:.0f} rad/s3 on average",
        "smooth a noisy recording (smooth.cutoff_hz=5)",
    ),
    "speed_use_pct": Number("speed use", "%", "joint speed over its limit, 99.9th percentile"),
    "speed_use_max_pct": Number(
        "speed use max", "%", "the same, highest", Gate(100, 200), "a joint moves at {:.0f} % of its speed limit", _LIMITED
    ),
    "acceleration_use_pct": Number("acceleration use", "%", "joint acceleration over its limit, 99.9th percentile"),
    "acceleration_use_max_pct": Number(
        "acceleration use max", "%", "the same, highest", Gate(100, 400), "a joint accelerates at {:.0f} % of its limit", _LIMITED
    ),
    "beyond_stop_deg": Number(
        "beyond a stop", "deg", "farthest that a joint goes beyond a stop", Gate(0, 5), "a joint goes {:.2g} deg beyond its stop", _LIMITED
    ),
    "position_violations": Number("angle violations", "", "joint angles beyond a stop, counted without tolerance"),
    "speed_violations": Number("speed violations", "", "joint steps faster than the limit, likewise"),
    "acceleration_violations": Number("acceleration violations", "", "joint accelerations over the limit, likewise"),
    "at_limit_pct": Number("at a stop", "%", "joint angles within 0.001 rad of a stop"),
    "self_contact_pct": Number(
        "self-contact", "%", "frames with links more than 2 mm inside each other", Gate(5, 25),
        "links lie inside each other in {:.1f} % of the frames",
        "the robot is thicker than the person; solver.self_distance=300, or no_collision in robot.yaml where shapes overlap by design",
    ),
    "torque_feasible_pct": Number(
        "torque feasible", "%", "frames in which every joint's torque is within its limit", Gate(85, 40),
        "only {:.0f} % of the frames are within the torque limits", "slow the motion down, or bend the knees less deeply",
    ),
    "unbalanced_pct": Number("unbalanced", "%", "standing frames in which no force from the floor could carry the motion as it is"),
    "com_inside_pct": Number("mass over feet", "%", "standing frames with the centre of mass over the standing soles"),
    "com_margin_mm": Number("mass margin", "mm", "how far inside the standing soles the centre of mass is, mean; below 0 is outside"),
}  # fmt: skip
"""In the order of the card. Review bounds lie near what the field's tools reach on a dance clip; reject bounds well beyond."""

GATES: dict[str, Gate] = {name: number.gate for name, number in NUMBERS.items() if number.gate is not None}
"""The gates that hold where a robot states none of its own."""


def gates_of(robot: Robot) -> dict[str, Gate]:
    """The gates with a robot's own in their place.

    Raises:
        UnknownNameError: the robot states a gate for a number that the card does not have.
    """
    own = robot.gates
    for name in own:
        if name not in NUMBERS:
            raise UnknownNameError("number", name, NUMBERS, f"the gates of robot {robot.name}")
    return GATES | {name: Gate(*map(float, bounds)) for name, bounds in own.items()}


def severity(value: float, gate: Gate) -> float:
    """How bad a value is: 0 on the review bound, 1 on the reject bound, more beyond. For the order of reasons."""
    width = gate.reject - gate.review
    return (value - gate.review) / width if width else math.inf
