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

from gap.diagnosis import Fault
from gap.differences import JointGap, RunGap
from gap.identification.identify import Identified
from gap.plots import plain, png
from gap.report import Picture, data_uri, environment, provenance_facts
from gap.scorecard import null_for_nan
from gap.tables import DASH, Table
from motion.provenance import Provenance
from motion.store import write_text

CLAIM = "simulation against a real robot's logs"
MEANING = "the robot's own commands, carried out again in MuJoCo on a fixed base, nothing touched. No claim about contact or about chores."
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
    """
    shown = [
        {
            "title": section.title,
            "tables": section.tables,
            "pictures": [{"source": data_uri(picture.png, "image/png"), "caption": picture.caption} for picture in section.pictures],
        }
        for section in sections
    ]
    page = (
        environment()
        .get_template("logs.html.j2")
        .render(
            title=title,
            claim=CLAIM,
            meaning=MEANING,
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


def gap_reading(runs: Sequence[RunGap], faults: Sequence[Fault] | None) -> tuple[str, ...]:
    """Sentences on replays of logs; `faults` is None where none were looked for."""
    total = float(np.sqrt(np.mean([run.rmse_rad**2 for run in runs])))
    worst = max(runs, key=lambda run: run.rmse_rad)
    said = [
        f"Simulated joints are {_mrad(total)} mrad from the real ones (root mean square over {len(runs)} "
        f"run{'s' if len(runs) > 1 else ''}); most in {worst.name}, where {worst.worst.joint} is off by {_mrad(worst.worst.rmse_rad)} mrad."
    ]
    lags = [(own.lag_real_s, own.lag_sim_s) for run in runs for own in run.joints if math.isfinite(own.lag_real_s + own.lag_sim_s)]
    if lags:
        real, sim = (1000 * float(np.median(side)) for side in zip(*lags, strict=True))
        said.append(f"Real joints come {real:.0f} ms after their commands, simulated ones {sim:.0f} ms (medians of joints that move).")
    said += [fault.sentence() for fault in faults or ()]
    if faults is not None and not faults:
        said.append("No single fault (delay, dry or viscous friction, gains, payload) explains a tenth of the difference.")
    if any(run.unsigned_torque for run in runs):
        said.append("The log's torques have no sign: only their sizes are compared.")
    return tuple(said)


def identified_reading(found: Identified) -> tuple[str, ...]:
    """Sentences on a plant that was found."""
    said = []
    for held_out, words in ((True, "that were held out"), (False, "that the search saw")):
        runs = [run for run in found.runs if run.held_out == held_out]
        if runs:
            before, after = (float(np.sqrt(np.mean([getattr(run, name) ** 2 for run in runs]))) for name in ("before", "after"))
            names = ", ".join(run.name for run in runs)
            said.append(
                f"In runs {words} ({names}) the difference falls from {_mrad(before)} to {_mrad(after)} mrad, by {1 - after / before:.0%}."
            )
    if not any(run.held_out for run in found.runs):
        said.append("No run was held out: how well the plant holds elsewhere is not known. Say held_out=[NAME].")
    unseen = [number.name for number in found.numbers if not number.seen]
    if unseen:
        said.append(f"These logs do not say, or only together with others: {', '.join(unseen)}.")
    return tuple(said)


# Tables.


def gap_tables(runs: Sequence[RunGap]) -> tuple[Table, ...]:
    """Joint by joint, by horizon, and of whole runs."""
    header = ("run", "joint", "RMSE mrad", "worst mrad", "lag real ms", "lag sim ms", "RMSE as late mrad", "velocity mrad/s", "torque Nm")
    rows = tuple((run.name, *_joint_row(own)) for run in runs for own in run.joints)
    more = ("run", "joint", "spectral", "W1 position mrad", "W1 velocity mrad/s", "energy real J", "energy sim J")
    states = tuple((run.name, *_state_row(own)) for run in runs for own in run.joints)
    said = "Lag: after the command. RMSE as late: what remains when the simulated joint comes as late as the real one."
    note = "Spectral: mean difference of the powers' logarithms up to 10 Hz. W1: between the states that the two visit, whenever."
    return (
        Table("Joint by joint", header, rows, said),
        _horizon_table(runs),
        Table("Frequencies, states and energy", more, states, note),
        _whole_table(runs),
    )


def _joint_row(own: JointGap) -> tuple[str, ...]:
    lags = (_number(1000 * own.lag_real_s, 0), _number(1000 * own.lag_sim_s, 0))
    errors = (_mrad(own.rmse_rad), _mrad(own.worst_rad))
    return (own.joint, *errors, *lags, _mrad(own.late_rmse_rad), _mrad(own.velocity_rmse_radps), _number(own.torque_rmse_nm, 3))


def _state_row(own: JointGap) -> tuple[str, ...]:
    states = (_mrad(own.position_w1_rad), _mrad(own.velocity_w1_radps))
    return (own.joint, _number(own.spectral, 2), *states, _number(own.energy_real_j, 3), _number(own.energy_sim_j, 3))


def _horizon_table(runs: Sequence[RunGap]) -> Table:
    horizons = sorted({horizon_s for run in runs for horizon_s in run.horizon_rmse_rad})
    header = ("run", "what", *(f"{1000 * horizon_s:g} ms" for horizon_s in horizons))
    rows = []
    for run in runs:
        for what, values, scale in (("joints, mrad", run.horizon_rmse_rad, 1000.0), ("landmarks, mm", run.horizon_mpjpe_mm, 1.0)):
            if values:
                rows.append((run.name, what, *(_number(scale * values.get(horizon_s, math.nan), 1) for horizon_s in horizons)))
    return Table(
        "After so long on its own", header, tuple(rows), "From the robot's own place and speed, every half second; the first is one step."
    )


def _whole_table(runs: Sequence[RunGap]) -> Table:
    header = ("run", "s", "RMSE mrad", "DTW mrad", "SPARC real", "SPARC sim", "LDLJ real", "LDLJ sim")
    rows = tuple(
        (
            run.name,
            f"{run.duration_s:.1f}",
            _mrad(run.rmse_rad),
            _mrad(run.dtw_rad),
            *(_number(value, 2) for value in (run.sparc_real, run.sparc_sim, run.ldlj_real, run.ldlj_sim)),
        )
        for run in runs
    )
    return Table(
        "Whole runs", header, rows, "DTW: distance once both are aligned in time. SPARC, LDLJ: smoothness, nearer to zero is smoother."
    )


def identified_tables(found: Identified) -> tuple[Table, ...]:
    """Runs before and after, and the numbers of the plant."""
    runs = tuple(
        (
            run.name,
            "no" if run.held_out else "yes",
            _mrad(run.before),
            _mrad(run.after),
            f"{100 * (run.after / run.before - 1):+.0f}",
        )
        for run in found.runs
    )
    numbers = tuple(
        (own.kind, own.where or "all", own.unit, f"{own.assumed:.3g}", _between(own.value, own.low, own.high), "yes" if own.seen else "no")
        for own in found.numbers
    )
    said = "95 % intervals. Seen: less than half of what was open is left; other numbers stand where they were assumed, or follow."
    return (
        Table("Runs, before and after", ("run", "in the search", "before mrad", "after mrad", "change %"), runs),
        Table("The plant", ("number", "of", "unit", "assumed", "found", "seen"), numbers, said),
    )


def _between(value: float, low: float, high: float) -> str:
    return f"{value:.3g} [{low:.3g}, {high:.3g}]"


def _mrad(value: float) -> str:
    return _number(1000 * value, 1)


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else DASH


# Pictures.


def run_picture(run: RunGap, after: RunGap | None = None) -> Picture:
    """Command, robot and simulation over time, the joints that differ most."""
    order = sorted(range(len(run.joints)), key=lambda k: -run.joints[k].rmse_rad)[:_SHOWN_JOINTS]
    figure = Figure(figsize=(12, 1.9 * len(order) + 0.6), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, k in zip(figure.subplots(len(order), 1, sharex=True, squeeze=False)[:, 0], order, strict=True):
        if run.command_rad is not None:
            axes.plot(run.time_s, run.command_rad[:, k], color="#9aa4ad", lw=1, label="command")
        axes.plot(run.time_s, run.real_rad[:, k], color="#000000", lw=1.3, label="robot")
        axes.plot(run.time_s, run.sim_rad[:, k], color="#D55E00", lw=1, label="simulated" if after is None else "simulated before")
        if after is not None:
            axes.plot(after.time_s, after.sim_rad[:, k], color="#0072B2", lw=1, label="simulated, identified")
        axes.set_ylabel(f"{run.joints[k].joint}\n(rad)")
        plain(axes)
    figure.axes[-1].set_xlabel("time (s)")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    return Picture(png(figure), f"{run.name}: what was commanded, what the robot did, and what the simulation does.")


# JSON.


def gap_json(runs: Sequence[RunGap], faults: Sequence[Fault] | None) -> dict[str, Any]:
    """Plain data, without the tracks; faults are null where none were looked for."""
    tracks = ("time_s", "real_rad", "sim_rad", "command_rad")
    told = [{name: value for name, value in vars(run).items() if name not in tracks} for run in runs]
    for run, data in zip(runs, told, strict=True):
        data["joints"] = [asdict(own) for own in run.joints]
        data["rmse_rad"] = run.rmse_rad
    named = None if faults is None else [{**asdict(fault), "sentence": fault.sentence()} for fault in faults]
    return null_for_nan({"claim": CLAIM, "runs": told, "faults": named})


def identified_json(found: Identified) -> dict[str, Any]:
    """Plain data; the plants are files of their own."""
    runs = [
        {"name": run.name, "held_out": run.held_out, "before_rad": dict(zip(found.joint_names, map(float, run.before_rad), strict=True))}
        | {"after_rad": dict(zip(found.joint_names, map(float, run.after_rad), strict=True)), "before": run.before, "after": run.after}
        for run in found.runs
    ]
    return null_for_nan({"claim": CLAIM, "runs": runs, "numbers": [asdict(own) for own in found.numbers]})
