"""What a robot's log says by itself: how its joints moved and, where commands are in it, how they followed. Nothing is simulated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gap.blocks import NO_ENDS, Ends, blocks_of
from gap.differences import smoothness_ends
from gap.joint_differences import LEAD_S, lags_with_ends, rms_with_ends
from gap.log_tables import mrad, told
from gap.logs import RobotLog
from gap.metrics import joint_rmse_rad, lag_corrected_rmse_rad, nearest_lag_s
from gap.replay import smoothed_speed
from gap.tables import DASH, Table
from motion.transform import Array

CLAIM = "what a real robot's logs say by themselves"
MEANING = "how its joints moved and, where commands were recorded, how they followed. Nothing was simulated."
SIMULATED_CLAIM = "what simulated logs say by themselves"
SIMULATED_MEANING = "how joints moved in the simulation that wrote them, and how they followed. Nothing is said of a real robot."
_EVEN_S = 0.004
"""Logs that are denser are looked at at fewer moments."""


@dataclass(frozen=True)
class JointMeasured:
    """One joint in one run; NaN where it was not recorded.

    Attributes:
        joint: its name.
        least_rad, most_rad: where it was.
        speed_rms_radps, speed_peak_radps: of its smoothed positions.
        lag_s: how long it comes after the command; NaN where it stands, too.
        error_rmse_rad: root of the mean squared difference from the command of that moment.
        torque_rms_nm: as measured.
        ends: name of a number -> ends of its 95 % interval (`gap.blocks`).
    """

    joint: str
    least_rad: float
    most_rad: float
    speed_rms_radps: float
    speed_peak_radps: float
    lag_s: float
    error_rmse_rad: float
    torque_rms_nm: float
    ends: Mapping[str, Ends]


@dataclass(frozen=True)
class RunMeasured:
    """One run.

    Attributes:
        name: of the log.
        duration_s, period_s: from the first moment to the last; usual time between two.
        commanded: whether positions or torques that were commanded were recorded.
        by_velocity: whether velocities were, and neither of these.
        missing: share of positions, at even times, that are not known: no readings are near.
        longest_wait_s: longest time between two moments.
        joints: K.
        nearest_lag_s: by how much later commands lie nearest to what all joints did; NaN where there are none, they stand, or
            they would have to be taken early.
        off_rmse_rad, late_rmse_rad: how far all joints then are from commands of that moment, and from such late ones.
        sparc, ldlj: smoothness of the joints' common speed, mean over pieces of two seconds.
        ends: name of a number -> ends of its 95 % interval.
        time_s, position_rad, command_rad: (T,), (T, K) for pictures.
    """

    name: str
    duration_s: float
    period_s: float
    commanded: bool
    by_velocity: bool
    missing: float
    longest_wait_s: float
    joints: tuple[JointMeasured, ...]
    nearest_lag_s: float
    off_rmse_rad: float
    late_rmse_rad: float
    sparc: float
    ldlj: float
    ends: Mapping[str, Ends]
    time_s: Array
    position_rad: Array
    command_rad: Array | None


def measured(log: RobotLog) -> RunMeasured:
    """What one log says."""
    period_s = max(log.period_s, _EVEN_S)
    even = log.with_standing_commands().at(np.arange(0.0, log.time_s[-1] - log.time_s[0] + 1e-9, period_s) + log.time_s[0])
    speed, blocks = smoothed_speed(even.position_rad, period_s), blocks_of(len(even), period_s)
    late_s = off_rad = late_rad = math.nan
    unknown = [(math.nan, NO_ENDS)] * len(log.joint_names)
    numbers = {"speed_rms_radps": rms_with_ends(speed, blocks), "lag_s": unknown, "error_rmse_rad": unknown, "torque_rms_nm": unknown}
    if even.command_rad is not None:
        numbers["error_rmse_rad"] = rms_with_ends(even.position_rad - even.command_rad, blocks)
        told = _told(even)
        if told is not None:
            done, asked = told
            numbers["lag_s"] = lags_with_ends(done, asked, period_s, blocks_of(len(done), period_s))
            late_s = nearest_lag_s(done, asked, period_s)
            late_s = late_s if late_s >= -LEAD_S else math.nan
            off_rad, late_rad = joint_rmse_rad(done, asked), lag_corrected_rmse_rad(done, asked, period_s, late_s)
    if even.torque_nm is not None:
        numbers["torque_rms_nm"] = rms_with_ends(even.torque_nm, blocks)
    joints = tuple(
        JointMeasured(
            name,
            -_most(-log.position_rad[:, k]),
            _most(log.position_rad[:, k]),
            speed_peak_radps=_most(np.abs(speed[:, k])),
            **{what: own[k][0] for what, own in numbers.items()},
            ends={what: own[k][1] for what, own in numbers.items()},
        )
        for k, name in enumerate(log.joint_names)
    )
    smooth = smoothness_ends(speed, period_s, blocks)
    return RunMeasured(
        log.name,
        float(log.time_s[-1] - log.time_s[0]),
        log.period_s,
        bool(log.commanded.any()),
        bool(log.by_velocity.any() and not log.commanded.any()),
        float(np.mean(~np.isfinite(even.position_rad))),
        float(np.diff(log.time_s).max()),
        joints,
        late_s,
        off_rad,
        late_rad,
        **{name: number for name, (number, _) in smooth.items()},
        ends={name: ends for name, (_, ends) in smooth.items()},
        time_s=even.time_s - even.time_s[0],
        position_rad=even.position_rad,
        command_rad=even.command_rad,
    )


def _told(even: RobotLog) -> tuple[Array, Array] | None:
    """(T, K) positions and their commands from the first to the last moment at which all are known; None where any is missing between."""
    assert even.command_rad is not None
    known = np.flatnonzero(np.isfinite(even.position_rad).all(axis=1) & np.isfinite(even.command_rad).all(axis=1))
    if len(known) < 2 or len(known) != known[-1] + 1 - known[0]:
        return None
    return even.position_rad[known], even.command_rad[known]


def _most(values: Array) -> float:
    """The largest of those that are known; NaN where none is."""
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else math.nan


def measured_claim_of(logs: Sequence[RobotLog]) -> tuple[str, str]:
    """What is claimed of some logs, and what that means; nothing of a real robot where one of them was simulated."""
    return (SIMULATED_CLAIM, SIMULATED_MEANING) if any(log.simulated for log in logs) else (CLAIM, MEANING)


def silent_reading(runs: Sequence[RunMeasured]) -> tuple[str, ...]:
    """Sentences on runs that cannot be carried out again."""
    silent = [run.name for run in runs if not run.commanded and not run.by_velocity]
    fast = [run.name for run in runs if run.by_velocity]
    again = "nothing can be carried out again, so neither how far simulation is from them nor how the robot follows can be said."
    said = [f"No commands were recorded in {shortened(silent)}: {again}"] if silent else []
    if fast:
        said.append(f"Velocities alone were commanded in {shortened(fast)}, which are not carried out: {again}")
    return tuple(said)


def measured_reading(runs: Sequence[RunMeasured], robot: str | None) -> tuple[str, ...]:
    """Sentences on logs of which no replay is told; `robot` is None where none was named."""
    said = list(silent_reading(runs))
    if robot is None and any(run.commanded for run in runs):
        said.append("No robot was named, so nothing was simulated. Say robot=FOLDER for that.")
    run, joint = max(((run, joint) for run in runs for joint in run.joints), key=lambda one: one[1].most_rad - one[1].least_rad)
    said.append(
        f"{joint.joint} moves most: over {math.degrees(joint.most_rad - joint.least_rad):.0f} degrees in {run.name}"
        + (f", at up to {joint.speed_peak_radps:.1f} rad/s." if math.isfinite(joint.speed_peak_radps) else ".")
    )
    lags = [1000 * joint.lag_s for run in runs for joint in run.joints if math.isfinite(joint.lag_s)]
    if lags:
        said.append(
            f"Joints come {np.median(lags):.0f} ms after their commands (median of those that move; {min(lags):.0f} to {max(lags):.0f})."
        )
    late = sorted((run for run in runs if math.isfinite(run.nearest_lag_s)), key=lambda run: run.nearest_lag_s)
    if late:
        middle = late[len(late) // 2]
        over_all = f" (over all runs {1000 * late[0].nearest_lag_s:.0f} to {1000 * late[-1].nearest_lag_s:.0f} ms)" if len(late) > 1 else ""
        said.append(
            f"Commands lie nearest to what the joints did when they are taken {1000 * middle.nearest_lag_s:.0f} ms late: "
            f"{mrad(middle.late_rmse_rad)} mrad off in {middle.name}, {mrad(middle.off_rmse_rad)} as they are{over_all}."
        )
    gaps = [run.name for run in runs if run.missing > 0 or run.longest_wait_s > 3 * run.period_s]
    if gaps:
        said.append(f"Readings are missing, or come late, in {shortened(gaps)}.")
    return tuple(said)


def shortened(names: Sequence[str]) -> str:
    """Names in a sentence: three at most, or two and how many others."""
    return ", ".join(names) if len(names) <= 3 else f"{names[0]}, {names[1]} and {len(names) - 2} others"


def measured_tables(runs: Sequence[RunMeasured]) -> tuple[Table, ...]:
    """Joint by joint, and whole runs; columns of what no log holds are left out."""
    kinds = (
        ("speed_rms_radps", "speed RMS mrad/s", 1000, 0),
        ("lag_s", "lag ms", 1000, 0),
        ("error_rmse_rad", "off command mrad", 1000, 1),
    )
    all_kinds = (*kinds, ("torque_rms_nm", "torque RMS Nm", 1, 3))
    shown = [kind for kind in all_kinds if any(math.isfinite(getattr(own, kind[0])) for run in runs for own in run.joints)]
    header = ("run", "joint", "from deg", "to deg", "peak mrad/s", *(title for _, title, _, _ in shown))
    rows = tuple(
        (
            run.name,
            own.joint,
            *(f"{math.degrees(value):.1f}" for value in (own.least_rad, own.most_rad)),
            told(own.speed_peak_radps, scale=1000, digits=0),
            *(told(getattr(own, name), own.ends[name], scale, digits) for name, _, scale, digits in shown),
        )
        for run in runs
        for own in run.joints
    )
    follows = any(math.isfinite(run.nearest_lag_s) for run in runs)
    whole = tuple(
        (
            run.name,
            f"{run.duration_s:.2f}",
            f"{1 / run.period_s:.0f}",
            f"{1000 * run.longest_wait_s:.0f}",
            f"{100 * run.missing:.1f}" if run.missing else DASH,
            "yes" if run.commanded else "velocities" if run.by_velocity else "no",
            *(
                (told(run.off_rmse_rad, scale=1000), told(run.nearest_lag_s, scale=1000, digits=0), told(run.late_rmse_rad, scale=1000))
                if follows
                else ()
            ),
            told(run.sparc, run.ends["sparc"], digits=2),
            told(run.ldlj, run.ends["ldlj"], digits=2),
        )
        for run in runs
    )
    ways = ("off command mrad", "nearest if late by ms", "then off mrad") if follows else ()
    header_whole = ("run", "s", "Hz", "longest wait ms", "missing %", "commands", *ways, "SPARC", "LDLJ")
    return Table("As measured, joint by joint", header, rows), Table("As measured, whole runs", header_whole, whole)


def measured_json(runs: Sequence[RunMeasured]) -> list[dict[str, Any]]:
    """Plain data, without the tracks."""
    tracks = ("time_s", "position_rad", "command_rad")
    return [
        {**{name: value for name, value in vars(run).items() if name not in tracks}, "joints": [asdict(own) for own in run.joints]}
        for run in runs
    ]
