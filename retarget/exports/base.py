"""What every layout for writing has in common: what is written, what is said of it, and finding the layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from motion.errors import FileFormatError, MotionError, UnknownNameError, require
from motion.plugins import found_in
from motion.provenance import Parent, record
from motion.robot_motion import RobotMotion
from motion.transform import Array, Transform
from retarget.joint_orders import MUJOCO, joint_order
from retarget.resample import resampled
from robots.robot import Robot


@dataclass(frozen=True)
class Sheet:
    """What a layout writes: every frame a pose, joints in the order asked for.

    Attributes:
        robot: whose motion.
        motion: as it stands in the file, T frames, all solved but in our own layout.
        order: word for the order of joints.
        joint_names: in that order.
        joints_rad: (T, J) in that order.
        base: poses (T,).
        rate_hz: frames per second.
        words: plain JSON values that say what the numbers are, and whose.
    """

    robot: Robot
    motion: RobotMotion
    order: str
    joint_names: tuple[str, ...]
    joints_rad: Array
    base: Transform
    rate_hz: float
    words: Mapping[str, Any]


@dataclass(frozen=True)
class Export:
    """One layout. An export lives in one file of `retarget/exports/` as the constant EXPORT.

    Attributes:
        name: as in `format=`.
        suffix: ending of its files, with the dot.
        write: writes a sheet to a path, whole or not at all.
        quaternion: order of quaternions in the file.
        rate_hz: what those who read it take for granted; None keeps the motion's own rate.
        order: of joints that they take for granted.
        keeps_gaps: whether frames without a pose can be written.
        says: what of the numbers stands where in the file.
    """

    name: str
    suffix: str
    write: Callable[[Sheet, Path], None]
    quaternion: str
    rate_hz: float | None = None
    order: str = MUJOCO
    keeps_gaps: bool = False
    says: str = ""


@cache
def exports() -> dict[str, Export]:
    """Name -> layout, from this folder and from plug-ins."""
    return found_in("retarget.exports", "EXPORT", "export")


def export_named(name: str) -> Export:
    """The layout of that name.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in exports():
        raise UnknownNameError("export format", name, exports())
    return exports()[name]


def export_motion(
    motion: RobotMotion, robot: Robot, export: Export, output: Path, rate_hz: float | None = None, order: str | None = None
) -> dict[str, Any]:
    """Write a motion in a layout; gives what was written, in words.

    Args:
        motion: of that robot.
        robot: whose joints and bodies.
        export: the layout.
        output: file to write.
        rate_hz: None takes the layout's usual rate.
        order: of joints; None takes the layout's usual one.

    Raises:
        FileFormatError: `output` has another ending than the layout.
        MotionError: no frame is solved, or the motion is of another robot.
    """
    wanted = f"{output}: {export.name} is written as {export.suffix}; give the output that ending."
    require(output.suffix.lower() == export.suffix, FileFormatError, wanted)
    other = f"the motion is of robot {motion.robot}, with other joints than {robot.name}."
    require(motion.joint_names == robot.joint_names, MotionError, other)
    sheet = sheet_of(motion, robot, export, rate_hz, order)
    export.write(sheet, output)
    return dict(sheet.words)


def sheet_of(motion: RobotMotion, robot: Robot, export: Export, rate_hz: float | None = None, order: str | None = None) -> Sheet:
    """What a layout would write of a motion."""
    said = order or export.order
    names = joint_order(robot, said)
    kept, frames = (motion, "all") if export.keeps_gaps else _longest_run(motion)
    wanted_hz = rate_hz or export.rate_hz
    at_rate = resampled(kept, wanted_hz) if wanted_hz or not export.keeps_gaps else kept
    rate = wanted_hz or _neat(motion.rate_hz)
    left_out = [name for name in robot.joint_names if name not in names]
    origin = motion.provenance
    parents = origin.parents or (Parent(origin.source, "", origin.licence, origin.consent),)
    config = {"format": export.name, "rate_hz": rate, "joint_order": said}
    made = record(origin.source, "export", parents, config, origin.licence, origin.consent)
    words = {
        "format": export.name,
        "robot": robot.name,
        "units": "metres, radians, seconds; world right-handed, z up",
        "quaternions": export.quaternion,
        "rate_hz": rate,
        "frames": len(at_rate.time_s),
        "joint_order": said,
        "joint_names": list(names),
        "frames_of_the_input": frames,
        "resampled": "no" if at_rate is kept else f"from {motion.rate_hz:.6g} Hz",
        **({"joints_left_out": left_out} if left_out else {}),
        "source": made.source,
        "licence": made.licence,
        "consent": made.consent,
        "provenance": made.to_json(),
    }
    joints = at_rate.joint_position_rad[:, robot.joint_index(names)]
    return Sheet(robot, replace(at_rate, provenance=made), said, names, joints, at_rate.T_world_base, rate, words)


def _neat(rate_hz: float) -> float:
    """A rate worked out from times, without the last digits that times lose."""
    return float(round(rate_hz)) if abs(rate_hz - round(rate_hz)) < 1e-6 else rate_hz


def _longest_run(motion: RobotMotion) -> tuple[RobotMotion, str]:
    """The longest run of solved frames: layouts of others have no way to say that a frame has no pose."""
    spans = motion.solved_spans(1)
    require(bool(spans), MotionError, "no frame of the motion is solved; there is nothing to write.")
    span = max(spans, key=lambda span: span.stop - span.start)
    total = len(motion.time_s)
    if span == slice(0, total):
        return motion, "all"
    return (
        motion.slice(span),
        f"{span.start} to {span.stop - 1} of {total}; {int((~motion.solved).sum())} frames have no pose, and the longest run was written",
    )
