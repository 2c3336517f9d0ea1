"""Tables of a robot's logs beside their replay, and of the plant that was found; every number with its interval where it has one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from gap.blocks import BLOCKS, LEAST_BLOCK_S, NO_ENDS, Ends
from gap.differences import RunGap, rmse_over_runs
from gap.identification.identify import Identified
from gap.joint_differences import JointGap
from gap.tables import DASH, Table


def gap_tables(runs: Sequence[RunGap], simulated: bool = False) -> tuple[Table, ...]:
    """Joint by joint, by horizon, and of whole runs; nothing is called real where the logs are `simulated`."""
    tables = _gap_tables(runs)
    return tuple(_of_a_simulation(table) for table in tables) if simulated else tables


def _of_a_simulation(table: Table) -> Table:
    return replace(
        table, header=tuple(name.replace("real", "log") for name in table.header), note=table.note.replace("the real", "the log's")
    )


def _gap_tables(runs: Sequence[RunGap]) -> tuple[Table, ...]:
    header = ("run", "joint", "RMSE mrad", "worst mrad", "lag real ms", "lag sim ms", "RMSE as late mrad")
    rows = tuple((run.name, *_joint_row(own)) for run in runs for own in run.joints)
    states_header = ("run", "joint", "velocity mrad/s", "spectral", "W1 position mrad", "W1 velocity mrad/s")
    states = tuple((run.name, *_state_row(own)) for run in runs for own in run.joints)
    note = "Velocity: RMSE. Spectral: mean difference of the powers' logarithms up to 10 Hz. W1: between the states that both visit."
    tables = [
        Table("Joint by joint", header, rows, f"{_LAGS} {_ENDS}"),
        _horizon_table(runs),
        Table("Speeds, frequencies and states", states_header, states, note),
    ]
    felt = tuple((run.name, *_torque_row(own)) for run in runs for own in run.joints if math.isfinite(own.torque_rmse_nm))
    if felt:
        tables.append(Table("Torques and energy", ("run", "joint", "torque RMSE Nm", "energy real J", "energy sim J"), felt))
    return (*tables, _whole_table(runs))


_LAGS = "Lag: after the command. RMSE as late: what remains when the simulated joint comes as late as the real one."
_ENDS = (
    f"In brackets 95 % intervals: the run is cut into {BLOCKS} blocks, each of which is left out in turn; shorter than "
    f"{BLOCKS * LEAST_BLOCK_S:g} s it has none; nor has a number that is nearly all of one block, nor a worst moment."
)


def _of(own: JointGap | RunGap, name: str, scale: float, digits: int) -> str:
    """A number of it by name, with its interval."""
    return told(getattr(own, name), own.ends.get(name, NO_ENDS), scale, digits)


def _joint_row(own: JointGap) -> tuple[str, ...]:
    lags = (_of(own, name, 1000, 0) for name in ("lag_real_s", "lag_sim_s"))
    rmse, late = (_of(own, name, 1000, 1) for name in ("rmse_rad", "late_rmse_rad"))
    return (own.joint, rmse, mrad(own.worst_rad), *lags, late)


def _state_row(own: JointGap) -> tuple[str, ...]:
    kinds = (("velocity_rmse_radps", 1000, 1), ("spectral", 1, 2), ("position_w1_rad", 1000, 1), ("velocity_w1_radps", 1000, 1))
    return (own.joint, *(_of(own, name, scale, digits) for name, scale, digits in kinds))


def _torque_row(own: JointGap) -> tuple[str, ...]:
    return (own.joint, *(_of(own, name, 1, 3) for name in ("torque_rmse_nm", "energy_real_j", "energy_sim_j")))


def _horizon_table(runs: Sequence[RunGap]) -> Table:
    horizons = sorted({horizon_s for run in runs for horizon_s in run.horizon_rmse_rad})
    header = ("run", "what", *(f"{1000 * horizon_s:g} ms" for horizon_s in horizons))
    rows = []
    for run in runs:
        for what, values, ends, scale in (
            ("joints, mrad", run.horizon_rmse_rad, run.horizon_rmse_ends, 1000),
            ("landmarks, mm", run.horizon_mpjpe_mm, run.horizon_mpjpe_ends, 1),
        ):
            if values:
                rows.append((run.name, what, *(told(values.get(one, math.nan), ends.get(one, NO_ENDS), scale) for one in horizons)))
    note = "From the robot's own place and speed, every half second; as long as it is to a moment of the log."
    return Table("After so long on its own", header, tuple(rows), note)


def _whole_table(runs: Sequence[RunGap]) -> Table:
    header = ("run", "s", "RMSE mrad", "DTW mrad", "SPARC real", "SPARC sim", "LDLJ real", "LDLJ sim")
    kinds = (("rmse_rad", 1000, 1), ("dtw_rad", 1000, 1), *((name, 1, 2) for name in ("sparc_real", "sparc_sim", "ldlj_real", "ldlj_sim")))
    rows = [(run.name, f"{run.duration_s:.1f}", *(_of(run, name, scale, digits) for name, scale, digits in kinds)) for run in runs]
    if len(runs) > 1:
        total = rmse_over_runs(runs)
        said = told(total.value, (total.low, total.high), 1000)
        rows.append(("all", f"{sum(run.duration_s for run in runs):.1f}", said, *[DASH] * (len(header) - 3)))
    note = "DTW: distance once both are aligned in time. SPARC, LDLJ: smoothness, mean over pieces of 2 s; nearer to zero is smoother."
    return Table("Whole runs", header, tuple(rows), note)


def identified_tables(found: Identified) -> tuple[Table, ...]:
    """Runs before and after, and the numbers of the plant."""
    runs = tuple(
        (
            run.name,
            "no" if run.held_out else "yes",
            mrad(run.before),
            mrad(run.after),
            DASH if any(run.lost) else f"{100 * (run.after / run.before - 1):+.0f}",
        )
        for run in found.runs
    )
    numbers = tuple(
        (own.kind, own.where or "all", own.unit, f"{own.assumed:.3g}", _between(own.value, own.low, own.high), "yes" if own.seen else "no")
        for own in found.numbers
    )
    said = (
        "In brackets 95 % intervals. Seen: the logs leave open less than half of what was before; the others stand near what was "
        "assumed, or follow from those that are seen."
    )
    return (
        Table("Runs, before and after", ("run", "in the search", "before mrad", "after mrad", "change %"), runs),
        Table("The plant", ("number", "of", "unit", "assumed", "found", "seen"), numbers, said),
    )


def _between(value: float, low: float, high: float) -> str:
    return f"{value:.3g} [{low:.3g}, {high:.3g}]" if math.isfinite(low) else f"{value:.3g}"


def told(value: float, ends: Ends = NO_ENDS, scale: float = 1.0, digits: int = 1) -> str:
    """A number times `scale`, and its interval where it has one; a dash where it was not measured."""
    said = _number(scale * value, digits)
    if not math.isfinite(value + ends[0]):
        return said
    return f"{said} [{scale * ends[0]:.{digits}f}, {scale * ends[1]:.{digits}f}]"


def mrad(value: float) -> str:
    """An angle in rad as so many milliradians."""
    return _number(1000 * value, 1)


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else DASH
