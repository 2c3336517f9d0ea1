"""The quality card: how good a retargeted motion is, in numbers with gates, and what is wrong in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from motion.robot_motion import RobotMotion
from motion.transform import Array
from retarget.body_map import BodyMap
from retarget.solve import SolveReport
from retarget.targets import LIMBS, Targets
from robots.robot import FramePoint

_JUMP_RAD = 0.5
_AT_LIMIT_RAD = 1e-3
_REACH_MM = 50.0
_MIN_STANCE_S = 0.15
_COLLISION_FRAMES_N = 200


@dataclass(frozen=True)
class Gate:
    """A bound on one number: above `review` somebody should look, above `fail` it should not be used."""

    review: float
    fail: float


GATES: dict[str, Gate] = {
    "unsolved_pct": Gate(0.0, 5.0),
    "broken_data_pct": Gate(0.0, 5.0),
    "foot_mm": Gate(12.0, 40.0),
    "hand_mm": Gate(40.0, 120.0),
    "fingertip_mm": Gate(25.0, 60.0),
    "limb_deg": Gate(11.0, 20.0),
    "slip_mm_s": Gate(110.0, 300.0),
    "penetration_max_mm": Gate(40.0, 80.0),
    "jumps": Gate(0.0, 50.0),
    "self_contact_pct": Gate(5.0, 25.0),
    "position_violations": Gate(0.0, 0.0),
    "speed_violations": Gate(0.0, 0.0),
}
"""Review bounds lie at what the tools of the field reach on a dance clip; fail bounds well beyond."""


@dataclass(frozen=True)
class QualityCard:
    """Numbers (name ends in the unit), verdict ("good", "review", "fail") and reasons. NaN: nothing to measure."""

    numbers: Mapping[str, float]
    verdict: str
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; NaN becomes null."""
        numbers = {name: (None if np.isnan(value) else float(value)) for name, value in self.numbers.items()}
        return {"numbers": numbers, "verdict": self.verdict, "reasons": list(self.reasons)}


def measure(body: BodyMap, targets: Targets, motion: RobotMotion, report: SolveReport, self_contact: bool = True) -> QualityCard:
    """Measure a solved motion against its targets.

    Args:
        body, targets, motion, report: from the stages before.
        self_contact: whether to test links against each other (the slowest part).
    """
    numbers = {
        "unsolved_pct": 100 * float(np.mean(~motion.solved)),
        "broken_data_pct": 100 * float(np.mean(targets.inspection.broken.any(1))),
        **_tracking(targets, report),
        **_ground(body, motion),
        **_smoothness(motion),
        **_limits(body, motion),
        "self_contact_pct": _self_contact(body, motion) if self_contact else float("nan"),
    }
    never = _never_followed(targets, report)
    reasons, verdict = [*_data_reasons(targets), *never], "review" if never else "good"
    for name, gate in GATES.items():
        value = numbers.get(name, float("nan"))
        if value > gate.fail:
            verdict = "fail"
            reasons.append(f"{name} {value:.3g} is over {gate.fail:g}")
        elif value > gate.review:
            verdict = "review" if verdict == "good" else verdict
            reasons.append(f"{name} {value:.3g} is over {gate.review:g}")
    return QualityCard(numbers, verdict, tuple(reasons))


def _data_reasons(targets: Targets) -> Iterable[str]:
    inspection = targets.inspection
    rows = np.flatnonzero(inspection.broken.any(1))
    for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1) if len(rows) else ():
        who = [name for name, hit in zip(inspection.landmarks, np.asarray(inspection.broken[run].any(axis=0)), strict=True) if hit]
        span = f"frame {run[0]}" if len(run) == 1 else f"frames {run[0]}-{run[-1]}"
        yield f"the recording is broken at {span} ({targets.time_s[run[0]]:.2f} s): {', '.join(who[:4])}{' ...' if len(who) > 4 else ''}"


def _never_followed(targets: Targets, report: SolveReport) -> list[str]:
    """Feet and hands that have targets but were seen in no frame."""
    errors = report.residuals["vector_m"]
    return [
        f"{name} was never followed: the recording does not show enough of it"
        for column, name in enumerate(targets.vector_names)
        if name.endswith(("_ankle", "_wrist")) and not np.isfinite(errors[:, column]).any()
    ]


def _mean(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")


def _tracking(targets: Targets, report: SolveReport) -> dict[str, float]:
    vectors, directions = report.residuals["vector_m"], report.residuals["direction_rad"]

    def mm(word: str) -> Array:
        return 1e3 * vectors[:, [index for index, name in enumerate(targets.vector_names) if name.endswith(word)]]

    limbs = {f"{a}>{b}" for a, b in LIMBS}
    limb = np.degrees(directions[:, [index for index, name in enumerate(targets.direction_names) if name in limbs]])
    return {
        "foot_mm": _mean(mm("_ankle")),
        "hand_mm": _mean(mm("_wrist")),
        "fingertip_mm": _mean(mm("_tip")),
        "limb_deg": _mean(limb),
        "limb_p95_deg": float(np.nanpercentile(limb, 95)) if np.isfinite(limb).any() else float("nan"),
        "out_of_reach_pct": 100 * _mean((mm("_wrist") > _REACH_MM).any(1).astype(float)) if mm("_wrist").size else float("nan"),
    }


def _ground(body: BodyMap, motion: RobotMotion) -> dict[str, float]:
    """Slip while standing, drift per stance, and how far a sole sinks into the floor."""
    slip, drift, lowest = [], [], []
    for side, sole in body.robot.soles.items():
        points = [FramePoint(sole.frame, sole.heel_m), FramePoint(sole.frame, sole.toe_m)]
        place = body.kinematics.point_positions(points, motion.joint_position_rad, motion.T_world_base)
        lowest.append(place[..., 2].min(1))
        standing = motion.contacts.get(side)
        if standing is not None and len(place) > 1:
            level = place[..., :2].mean(1)
            speed = np.linalg.norm(np.diff(level, axis=0), axis=-1) / np.diff(motion.time_s)
            slip.append(speed[standing[1:] & standing[:-1]])
            drift.extend(_stance_drift(motion.time_s, level, standing))
    sinking = np.maximum(0.0, -np.stack(lowest)) if lowest else np.array([np.nan])
    return {
        "slip_mm_s": 1e3 * _mean(np.concatenate(slip)) if slip else float("nan"),
        "drift_mm": 1e3 * _mean(np.array(drift)) if drift else float("nan"),
        "penetration_max_mm": 1e3 * float(np.nanmax(sinking)) if np.isfinite(sinking).any() else float("nan"),
    }


def _stance_drift(time_s: Array, level: Array, standing: np.ndarray) -> list[float]:
    edges = np.flatnonzero(np.diff(np.r_[0, standing.astype(int), 0])).reshape(-1, 2)
    return [float(np.linalg.norm(level[b - 1] - level[a])) for a, b in edges if time_s[b - 1] - time_s[a] >= _MIN_STANCE_S]


def _smoothness(motion: RobotMotion) -> dict[str, float]:
    steps = np.diff(motion.joint_position_rad, axis=0)
    dt = float(np.median(np.diff(motion.time_s))) if len(motion.time_s) > 1 else 1.0
    jerk = np.diff(motion.joint_position_rad, 3, axis=0) / dt**3
    with np.errstate(invalid="ignore"):
        jumps = int((np.abs(steps) > _JUMP_RAD).any(1).sum())
    return {"jumps": jumps, "jerk_rad_s3": _mean(np.abs(jerk))}


def _limits(body: BodyMap, motion: RobotMotion) -> dict[str, float]:
    """Counts of joint-frames beyond a limit, checked without tolerance, and the share of them at a stop."""
    robot, joints = body.robot, motion.joint_position_rad
    speed = np.abs(np.diff(joints, axis=0)) / np.diff(motion.time_s)[:, None]
    with np.errstate(invalid="ignore"):
        outside = (joints < robot.lower_rad) | (joints > robot.upper_rad)
        at_stop = np.minimum(joints - robot.lower_rad, robot.upper_rad - joints) < _AT_LIMIT_RAD
        too_fast = speed > robot.speed_radps
    return {
        "position_violations": int(outside.sum()),
        "speed_violations": int(too_fast.sum()),
        "at_limit_pct": 100 * float(at_stop[motion.solved].mean()) if motion.solved.any() else float("nan"),
    }


def _self_contact(body: BodyMap, motion: RobotMotion) -> float:
    solved = np.flatnonzero(motion.solved)
    if not len(solved):
        return float("nan")
    chosen = solved[:: max(1, len(solved) // _COLLISION_FRAMES_N)]
    return 100 * float(body.self_collision.frames(motion.joint_position_rad[chosen]).mean())
