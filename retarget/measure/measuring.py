"""Measure any robot's motion against the person's: our own solve, or whatever another tool made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from motion.human import HumanMotion
from motion.robot_motion import RobotMotion
from motion.transform import Array
from retarget.body_map import BodyMap
from retarget.inspect import Inspection, inspect
from retarget.measure.card import Finding, QualityCard, card_of
from retarget.measure.feet import feet
from retarget.measure.forces import support, torques
from retarget.measure.joints import joints, self_contact
from retarget.measure.numbers import gates_of
from retarget.measure.objects import objects
from retarget.measure.together import scene_of
from retarget.measure.tracking import limbs, never_followed, solver_error
from retarget.problem import SolveReport
from retarget.targets import Targets


@dataclass(frozen=True)
class MeasureSettings:
    """What to measure, and how closely.

    Attributes:
        self_contact: whether to test links against each other (the slowest part).
        forces: whether to compute torques and balance.
        frames_n: self-contact, torques and balance are measured in at most so many frames, evenly spread.
        friction: of soles on the floor.
        smoothing_s: window over which positions are smoothed before they are differentiated for torques.
    """

    self_contact: bool = True
    forces: bool = True
    frames_n: int = 200
    friction: float = 0.8
    smoothing_s: float = 0.2


def measure(
    body: BodyMap,
    human: HumanMotion,
    motion: RobotMotion,
    targets: Targets | None = None,
    report: SolveReport | None = None,
    settings: MeasureSettings | None = None,
) -> QualityCard:
    """Measure a robot's motion.

    Args:
        body: the robot.
        human: the recording that the motion was made from.
        motion: the robot's motion. Where its clock differs, the person is brought onto it, over the time both share.
        targets, report: of our own solve, for the distance from the targets; other tools' motions do without.
        settings: what to measure.

    Raises:
        MotionError: the motion lacks joints of the robot, or shares no time with the recording.
    """
    settings = settings or MeasureSettings()
    inspection = targets.inspection if targets else inspect(human)
    scene = scene_of(body, human, motion, inspection, one_world=targets is not None)
    findings = {
        "unsolved_pct": _unsolved(scene.motion),
        "broken_data_pct": Finding(100 * float(np.mean(inspection.broken.any(1)))),
        **(solver_error(targets, report) if targets and report else {}),
        **limbs(scene),
        **objects(scene),
        **feet(scene),
        **joints(scene),
        **(self_contact(scene, settings.frames_n) if settings.self_contact else {}),
        **(torques(scene, settings.frames_n, settings.friction, settings.smoothing_s) if settings.forces else {}),
        **(support(scene, settings.frames_n) if settings.forces else {}),
    }
    concerns = never_followed(targets, report) if targets and report else []
    return card_of(findings, gates_of(body.robot), concerns, [*_broken(inspection, human.time_s), *scene.notes])


def _unsolved(motion: RobotMotion) -> Finding:
    lost = np.flatnonzero(~motion.solved)
    where = f"first at {motion.time_s[lost[0]]:.2f} s" if len(lost) else ""
    return Finding(100 * len(lost) / len(motion.solved), where)


def _broken(inspection: Inspection, time_s: Array) -> Iterator[str]:
    """Sentences about every run of broken frames of the recording."""
    rows = np.flatnonzero(inspection.broken.any(1))
    for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1) if len(rows) else ():
        who = [name for name, hit in zip(inspection.landmarks, np.asarray(inspection.broken[run].any(axis=0)), strict=True) if hit]
        span = f"frame {run[0]}" if len(run) == 1 else f"frames {run[0]}-{run[-1]}"
        yield f"the recording is broken at {span} ({time_s[run[0]]:.2f} s): {', '.join(who[:4])}{' ...' if len(who) > 4 else ''}"
