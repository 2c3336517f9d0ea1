"""The page on a robot's logs: how far simulation is from them, what is behind it, and the plant that was found; one HTML file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gap.diagnosis import CALLED, Fault
from gap.differences import RunGap, rmse_over_runs
from gap.identification.identify import Identified
from gap.log_tables import mrad, told
from gap.logs import RobotLog
from gap.measured import RunMeasured, shortened
from gap.plots import plain, png
from gap.replay import Replayed
from gap.report import Picture, data_uri, environment, provenance_facts
from gap.scorecard import null_for_nan
from gap.tables import Table
from motion.provenance import Provenance
from motion.store import write_text
from motion.transform import Array

CLAIM = "simulation against a real robot's logs"
MEANING = (
    "the robot's own commands, carried out again in MuJoCo on a fixed base; nothing is touched but a table, if one is named. "
    "No claim about chores."
)
SIMULATED_CLAIM = "simulation against simulated logs: sim-to-sim"
SIMULATED_MEANING = f"the logs were recorded in simulation, so nothing is said of a real robot: {MEANING}"
_LEAST_TOLD = 0.01
"""Shares of a run below this are not told of, or as this much."""
_SHOWN_JOINTS = 6
_PARENTS_SHOWN = 60


@dataclass(frozen=True)
class Section:
    """Tables and pictures under a heading."""

    title: str
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()


def write_log_report(
    path: Path,
    title: str,
    facts: Sequence[tuple[str, str]],
    reading: Sequence[str],
    sections: Sequence[Section],
    provenance: Provenance,
    notes: Sequence[str] = (),
    claim: tuple[str, str] = (CLAIM, MEANING),
) -> Path:
    """Write the page.

    Args:
        path: of the HTML file.
        title: of the page.
        facts: name and value, for its top.
        reading: sentences that say what the numbers mean.
        sections: the rest.
        provenance: of what is told.
        notes: paragraphs for the top.
        claim: what the page claims, and what that means.
    """
    shown = [
        {
            "title": section.title,
            "tables": section.tables,
            "pictures": [{"source": data_uri(picture.png, "image/png"), "caption": picture.caption} for picture in section.pictures],
            "videos": (),
            "side_by_side": False,
        }
        for section in sections
    ]
    page = (
        environment()
        .get_template("sections.html.j2")
        .render(
            title=title,
            claim=claim[0],
            meaning=claim[1],
            notes=tuple(notes),
            facts=list(facts),
            reading=tuple(reading),
            sections=shown,
            provenance=provenance_facts(provenance),
            parents=provenance.parents[:_PARENTS_SHOWN],
            parents_left_out=max(0, len(provenance.parents) - _PARENTS_SHOWN),
        )
    )
    write_text(path, page)
    return path


# What the numbers mean.


def claim_of(logs: Sequence[RobotLog]) -> tuple[str, str]:
    """What is claimed of replays of some logs, and what that means; of none of a real robot where one of them was simulated."""
    return (SIMULATED_CLAIM, SIMULATED_MEANING) if any(log.simulated for log in logs) else (CLAIM, MEANING)


def gap_reading(
    runs: Sequence[RunGap], faults: Sequence[Fault] | None, tried: Sequence[str] = (), simulated: bool = False
) -> tuple[str, ...]:
    """Sentences on replays of logs.

    Args:
        runs: of the logs.
        faults: that were found; None where none were looked for.
        tried: kinds of faults that were.
        simulated: whether the logs come from a simulation.
    """
    said, real = _broken(runs), "recorded" if simulated else "real"
    whole = [run for run in runs if not run.lost]
    if whole:
        total, worst = rmse_over_runs(whole), max(whole, key=lambda run: run.rmse_rad)
        over = told(total.value, (total.low, total.high), 1000)
        counted = f"{len(whole)}{f' of {len(runs)}' if len(whole) < len(runs) else ''} run{'s' if len(runs) > 1 else ''}"
        said.append(
            f"Simulated joints are {over} mrad from the {real} ones (root mean square over {counted}); "
            f"most in {worst.name}, where {worst.worst.joint} is off by {mrad(worst.worst.rmse_rad)} mrad."
        )
    said += _of_the_logs(runs)
    lags = [(own.lag_real_s, own.lag_sim_s) for run in runs for own in run.joints if math.isfinite(own.lag_real_s + own.lag_sim_s)]
    if lags:
        done, sim = (1000 * np.array(side) for side in zip(*lags, strict=True))
        said.append(
            f"{real.capitalize()} joints come {np.median(done):.0f} ms after their commands, simulated ones {np.median(sim):.0f} ms "
            f"(medians of joints that move; all lie within {_range(done)} and {_range(sim)})."
        )
    said += [fault.sentence() for fault in faults or ()]
    if faults is not None and not faults:
        kinds = ", ".join(CALLED[kind] for kind in tried)
        none = (
            f"No single fault ({kinds}) explains a tenth of the difference." if kinds else "None of the faults asked for can be tried here."
        )
        said.append(none)
    if any(run.unsigned_torque for run in runs):
        said.append("The log's torques have no sign: only their sizes are compared.")
    return tuple(said)


def notes_reading(logs: Sequence[RobotLog]) -> tuple[str, ...]:
    """Sentences on what readers of logs left out."""
    notes: dict[str, list[str]] = {}
    for log in logs:
        for note in log.notes:
            notes.setdefault(note, []).append(log.name)
    return tuple(f"Left out of {shortened(names)}: {note}." for note, names in notes.items())


def commands_reading(logs: Sequence[RobotLog]) -> tuple[str, ...]:
    """Sentences on joints of logs with commands that were told something else than positions."""
    words = {
        "by_torque": "told a torque and never a position, so driven by that torque alone, without gains",
        "by_velocity": "told velocities alone, which are not carried out; held where a run begins, and not compared",
    }
    said = []
    for which, how in words.items():
        mine = [(log, np.flatnonzero(getattr(log, which))) for log in logs if log.commanded.any() and getattr(log, which).any()]
        joints = dict.fromkeys(log.joint_names[column] for log, columns in mine for column in columns)
        if mine:
            said.append(f"{', '.join(joints)} in {shortened([log.name for log, _ in mine])}: {how}.")
    return tuple(said)


def left_out_reading(left_out: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Sentences on logs in which no faults were looked for; names, and why."""
    whys: dict[str, list[str]] = {}
    for name, why in left_out:
        whys.setdefault(why, []).append(name)
    return tuple(f"Faults were not looked for in {shortened(names)}: {why}." for why, names in whys.items())


def _broken(runs: Sequence[RunGap]) -> list[str]:
    """That simulations broke down, and when: what they did before says nothing of how far they are."""
    shares = [f"{run.name} ({run.lost:.0%} of its moments lost)" for run in runs if run.lost]
    if not shares:
        return []
    return [f"The simulation broke down in {shortened(shares)}: how far it is from the robot there cannot be said."]


def _of_the_logs(runs: Sequence[RunGap]) -> list[str]:
    """What of the logs was not carried out, or not as it was written down."""
    said = []
    cut = [f"{run.name} ({run.left_out:.0%} left out)" for run in runs if run.left_out >= _LEAST_TOLD]
    if cut:
        said.append(
            f"Only the longest piece in which motors were on, and positions and commands known, was carried out of {shortened(cut)}."
        )
    unsaid = [f"{run.name} ({max(run.unsaid, _LEAST_TOLD):.0%})" for run in runs if run.unsaid]
    if unsaid:
        said.append(f"Commands are missing in {shortened(unsaid)}: there the last one was taken to stand.")
    still = dict.fromkeys(name for run in runs for name in run.still)
    if still:
        names = [run.name for run in runs if run.still]
        said.append(f"Nobody commanded {', '.join(still)} in {shortened(names)}: held where a run begins, and not compared.")
    return said


def _range(values: Array) -> str:
    return f"{values.min():.0f} to {values.max():.0f}"


def identified_reading(found: Identified) -> tuple[str, ...]:
    """Sentences on a plant that was found."""
    said = []
    for held_out, words in ((True, "that were held out"), (False, "that the search saw")):
        runs = [run for run in found.runs if run.held_out == held_out and not any(run.lost)]
        if runs:
            before, after = (float(np.sqrt(np.mean([getattr(run, name) ** 2 for run in runs]))) for name in ("before", "after"))
            names = ", ".join(run.name for run in runs)
            said.append(
                f"In runs {words} ({names}) the difference falls from {mrad(before)} to {mrad(after)} mrad, by {1 - after / before:.0%}."
            )
    for number, plant in enumerate(("that was assumed", "that was found")):
        lost = [f"{run.name} ({run.lost[number]:.0%} of its moments lost)" for run in found.runs if run.lost[number]]
        if lost:
            said.append(f"In the plant {plant}, the simulation broke down in {shortened(lost)}: how far it is there cannot be said.")
    if not any(run.held_out for run in found.runs):
        said.append("No run was held out: how well the plant holds elsewhere is not known. Say held_out=[NAME].")
    if found.table is not None:
        said.append(
            f"The robot pressed on something {1000 * found.table.height_m:+.0f} mm from the height of its base that gives way with "
            f"{found.table.stiffness_npm:.0f} N/m: no part of the plant, but there in what is left after."
        )
    if not found.explains:
        said.append("Its own logs differ from this plant by more than noise explains: numbers have no intervals.")
    unseen = [number.name for number in found.numbers if not number.seen]
    if unseen:
        said.append(f"These logs do not say, or only together with others: {', '.join(unseen)}.")
    return tuple(said)


# Pictures.


def run_picture(run: RunGap) -> Picture:
    """Command, robot and simulation over time, the joints that differ most."""
    order = sorted(range(len(run.joints)), key=lambda k: -run.joints[k].rmse_rad)[:_SHOWN_JOINTS]
    lines = [*_recorded_lines(run.time_s, run.real_rad, run.command_rad), (run.time_s, run.sim_rad, "#D55E00", "simulated")]
    names = [own.joint for own in run.joints]
    return Picture(_lines(names, order, lines), f"{run.name}: what was commanded, what the robot did, and what the simulation does.")


def before_and_after_picture(found: Replayed) -> Picture:
    """Command, robot and the simulation in two plants, the first assumed and the second found; the joints that differed most."""
    own = found.stretches[0]
    now, joints = slice(own.begin, own.end + 1), np.sqrt(np.nanmean(found.error_rad[0, 0] ** 2, axis=0))
    order = [int(k) for k in np.argsort(-joints, kind="stable")[:_SHOWN_JOINTS]]
    time_s = found.period_s * np.arange(own.end - own.begin + 1)
    command = own.recorded.even.command_rad
    lines = _recorded_lines(time_s, found.measured[0], None if command is None else command[now])
    lines += [
        (time_s, found.simulated[0, 0], "#D55E00", "simulated before"),
        (time_s, found.simulated[1, 0], "#0072B2", "simulated, identified"),
    ]
    said = f"{own.recorded.log.name}: what was commanded, what the robot did, and what the simulation did before and does now."
    return Picture(_lines(found.joint_names, order, lines), said)


def measured_picture(run: RunMeasured) -> Picture:
    """Command and robot over time, the joints that move most."""
    order = sorted(range(len(run.joints)), key=lambda k: run.joints[k].least_rad - run.joints[k].most_rad)[:_SHOWN_JOINTS]
    names, said = [own.joint for own in run.joints], "what was commanded, and " if run.command_rad is not None else ""
    return Picture(
        _lines(names, order, _recorded_lines(run.time_s, run.position_rad, run.command_rad)), f"{run.name}: {said}what the robot did."
    )


_Line = tuple[Array, Array, str, str]


def _recorded_lines(time_s: Array, position_rad: Array, command_rad: Array | None) -> list[_Line]:
    command: list[_Line] = [] if command_rad is None else [(time_s, command_rad, "#9aa4ad", "command")]
    return [*command, (time_s, position_rad, "#000000", "robot")]


def _lines(names: Sequence[str], order: Sequence[int], lines: Sequence[_Line]) -> bytes:
    """Joints below each other; time, tracks (T, K), colour and name of every line."""
    figure = Figure(figsize=(12, 1.9 * len(order) + 0.6), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, k in zip(figure.subplots(len(order), 1, sharex=True, squeeze=False)[:, 0], order, strict=True):
        for time_s, track, colour, label in lines:
            axes.plot(time_s, track[:, k], color=colour, lw=1.3 if label == "robot" else 1, label=label)
        axes.set_ylabel(f"{names[k]}\n(rad)")
        plain(axes)
    figure.axes[-1].set_xlabel("time (s)")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    return png(figure)


# JSON.


def gap_json(runs: Sequence[RunGap], faults: Sequence[Fault] | None, claim: str = CLAIM) -> dict[str, Any]:
    """Plain data, without the tracks; faults are null where none were looked for."""
    tracks = ("time_s", "real_rad", "sim_rad", "command_rad")
    plain_runs = [{name: value for name, value in vars(run).items() if name not in tracks} for run in runs]
    for run, data in zip(runs, plain_runs, strict=True):
        data["joints"] = [asdict(own) for own in run.joints]
        data["rmse_rad"] = run.rmse_rad
    total = rmse_over_runs(runs)
    named = None if faults is None else [{**asdict(fault), "sentence": fault.sentence()} for fault in faults]
    return null_for_nan({"claim": claim, "rmse_rad": asdict(total), "runs": plain_runs, "faults": named})


def identified_json(found: Identified, claim: str = CLAIM) -> dict[str, Any]:
    """Plain data; the plants are files of their own."""
    runs = [
        {"name": run.name, "held_out": run.held_out, "before_rad": dict(zip(found.joint_names, map(float, run.before_rad), strict=True))}
        | {"after_rad": dict(zip(found.joint_names, map(float, run.after_rad), strict=True)), "before": run.before, "after": run.after}
        | {"lost": run.lost}
        for run in found.runs
    ]
    return null_for_nan({"claim": claim, "runs": runs, "numbers": [asdict(own) for own in found.numbers]})
