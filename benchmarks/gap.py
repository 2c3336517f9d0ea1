"""Real robots' logs against their bars: `python -m benchmarks.gap [--only STAGE]`.

`faults` puts faults into a simulated arm and asks what they are; `so101`, `xl330` and `pendulum` identify plants from real logs, which are
looked for in $UNDERSTUDY_DATA/robot_logs, and judge them on what was held out; `coverage` asks how often printed intervals hold the truth,
`simpler` reproduces published tables.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import yaml

from benchmarks.gap_coverage import KINDS, coverage
from benchmarks.gap_simpler import simpler
from benchmarks.parallel import in_order
from benchmarks.table import Row, data_folder, run
from envs.model import RobotModel
from envs.open_loop import Orders, carry_out
from envs.plant_draws import PlantDraw, nominal_draw
from envs.table import TABLE, TableTop, model_with_table
from gap.diagnosis import FAULTS, Fault, diagnose
from gap.identification.identify import Identified, identify
from gap.identification.unknowns import STIFFNESS, USUAL
from gap.logs import LogOptions, RobotLog, read_logs
from gap.measured import measured
from gap.replay import Conditions, held, reached_m, recorded, stretches
from gap.statistics import wilson
from motion.transform import Array
from robots import load_robot

ARMS = Path(__file__).resolve().parent.parent / "examples" / "arms"
CASES, NAMED, SIZED, DELAY_MS = 100, 90.0, 90.0, 2.0
HELD_OUT = {"so101": 50.0, "xl330": 40.0, "pendulum": 40.0}
LAG_MS = (100.0, 140.0)
_PERIOD_S, _STEPS, _DURATION_S, _NOISE_RAD = 0.02, 10, 8.0, 0.0005
_PAYLOAD, _STIFFNESS_NPM = "right_wrist", (300.0, 3000.0)


# Faults that were put in.


@dataclass(frozen=True)
class Put:
    """A fault that was put in; `where` is "" for all joints or the whole robot. The size is in the kind's unit; of a table its height."""

    kind: str
    where: str
    size: float


def faults(cases: int, jobs: int) -> list[Row]:
    """Single faults, drawn at random, and what they are said to be."""
    found = in_order(_case, [(seed,) for seed in range(cases)], jobs, "fault", "faults")
    first = [(put, told[0] if told else None) for put, told in found]
    right = [(put, told) for put, told in first if told is not None and told.kind == put.kind]
    placed = [told for put, told in right if told.where == put.where]
    sizes = [abs(told.size / put.size - 1) for put, told in right if put.kind not in ("delay", "table") and told.where == put.where]
    delays, heights = ([1000 * abs(told.size - put.size) for put, told in right if put.kind == kind] for kind in ("delay", "table"))
    named = wilson(len(right), len(first))
    wrong = [
        f"{put.kind} {put.where} {put.size:.3g} said to be {told.name if told else 'nothing'}"
        for put, told in first
        if told is None or told.kind != put.kind
    ]
    each = ", ".join(f"{kind} {sum(put.kind == kind for put, _ in right)}/{sum(put.kind == kind for put, _ in first)}" for kind in FAULTS)
    return [
        Row("named", 100 * named.value, NAMED, "%", note=f"[{100 * named.low:.0f}, {100 * named.high:.0f}]; {each}; {'; '.join(wrong)}"),
        Row("joint told, too", 100 * len(placed) / len(first), unit="%"),
        Row(
            "size within 15 %",
            100 * float(np.mean(np.array(sizes) <= 0.15)),
            SIZED,
            "%",
            note=f"worst {100 * max(sizes, default=float('nan')):.0f} %",
        ),
        Row("worst delay", max(delays, default=float("nan")), DELAY_MS, "ms", at_least=False, note=f"{len(delays)} delays"),
        Row("worst height of a table", max(heights, default=float("nan")), unit="mm", note=f"{len(heights)} tables"),
    ]


def _case(seed: int) -> tuple[Put, tuple[Fault, ...]]:
    model, rng = _model("so101"), np.random.default_rng(seed)
    put = _drawn(model, rng)
    conditions, noise = _with(model, put), np.random.default_rng([seed, 1])
    told = _told(model, rng)
    if put.kind == "table":  # so far above the lowest point that the robot comes to without it
        free = recorded(_made(model, Conditions(nominal_draw(model)), told, noise), model)
        put = replace(put, size=reached_m(model, [free]) + put.size)
        conditions = conditions._replace(table=TableTop(put.size, float(rng.uniform(*_STIFFNESS_NPM))))
    log = _made(model, conditions, told, noise)
    return put, diagnose(model, stretches([recorded(log, model)]), payloads=[_PAYLOAD], most=1)


def _drawn(model: RobotModel, rng: np.random.Generator) -> Put:
    kind = str(rng.choice(list(FAULTS)))
    joint = str(rng.choice(["", *model.robot.joint_names[:-1]]))  # the gripper's last link moves nothing that matters
    if kind == "delay":
        return Put(kind, "", float(rng.uniform(0.005, 0.15)))
    if kind == "payload":
        return Put(kind, _PAYLOAD, float(rng.uniform(0.1, 0.6)))
    if kind == "table":
        return Put(kind, "", float(rng.uniform(0.01, 0.06)))
    nominal = nominal_draw(model)
    index = model.robot.joint_names.index(joint) if joint else 0
    if kind == "gain":
        return Put(kind, joint, float(rng.choice([rng.uniform(0.3, 0.75), rng.uniform(1.4, 2.2)])))
    share, scale = (rng.uniform(0.01, 0.1), nominal.effort_nm) if kind == "friction" else (rng.uniform(0.3, 3.0), nominal.kd)
    return Put(kind, joint, float(share * scale[index]))


def _with(model: RobotModel, put: Put) -> Conditions:
    nominal = nominal_draw(model)
    return Conditions(_plant_with(model, put, nominal), put.size if put.kind == "delay" else 0.0)


def _plant_with(model: RobotModel, put: Put, nominal: PlantDraw) -> PlantDraw:
    chosen = np.array([put.where in ("", name) for name in model.robot.joint_names])
    if put.kind == "friction":
        return replace(nominal, friction_nm=np.where(chosen, put.size, 0.0))
    if put.kind == "damping":
        return replace(nominal, damping=np.where(chosen, put.size, 0.0))
    if put.kind == "gain":
        return replace(nominal, kp=np.where(chosen, put.size, 1.0) * nominal.kp)
    if put.kind == "payload":
        return replace(nominal, payload_kg=np.array([put.size]))
    return nominal


def _told(model: RobotModel, rng: np.random.Generator) -> Array:
    """(T, J) commands: waves of several speeds about a posture."""
    joints = len(model.robot.joint_names)
    time_s = np.arange(0, _DURATION_S, _PERIOD_S)
    size, speed, phase = rng.uniform(0.05, 0.3, (3, joints)), rng.uniform(0.5, 6.0, (3, joints)), rng.uniform(0, 6.3, (3, joints))
    waves = (size * np.sin(speed * time_s[:, None, None] + phase)).sum(axis=1)
    robot = model.robot
    return np.clip(0.5 * (robot.lower_rad + robot.upper_rad) + waves, 0.95 * robot.lower_rad, 0.95 * robot.upper_rad)


def _made(model: RobotModel, conditions: Conditions, told: Array, rng: np.random.Generator) -> RobotLog:
    """What the arm does with them, as a 50 Hz log with an encoder's noise."""
    time_s = _PERIOD_S * np.arange(len(told))
    command = held(time_s, told, model.model.opt.timestep * np.arange(len(time_s) * _STEPS + 1) - conditions.late_s)
    orders = Orders(told[:1], np.zeros((1, told.shape[1])), command[None])
    done = carry_out(model, [conditions.plant], orders, _STEPS, tables=[conditions.table])
    position = done.position_rad[0, 0, :-1] + rng.normal(0, _NOISE_RAD, told.shape)
    return RobotLog("made", model.robot.joint_names, time_s, position, told)


def _model(arm: str) -> RobotModel:
    return model_with_table(load_robot(ARMS / arm))


# Real logs.


def so101(jobs: int) -> list[Row]:
    """An arm of six servos that presses on its table in three of its four runs; each run held out in turn."""
    names = ("pick_place", "step_response", "hold_under_gravity", "figure_eight")
    return in_order(_so101_without, [(name,) for name in names], jobs, "run", "so101")


def _so101_without(name: str) -> Row:
    logs = _logs("sage_so101", LogOptions(**yaml.safe_load((ARMS / "so101" / "sage.yaml").read_text())))
    found = identify(_model("so101"), logs, [name], (*USUAL, TABLE, STIFFNESS))
    row = _fall(f"so101, {name} held out", found, HELD_OUT["so101"])
    assert found.table is not None
    return replace(row, note=f"{row.note}; table {1000 * found.table.height_m:+.0f} mm, {found.table.stiffness_npm:.0f} N/m")


def so101_lag() -> list[Row]:
    """How late its commands lie nearest to what it did, as the page says it: the median of its runs."""
    runs = [measured(log) for log in _logs("sage_so101", LogOptions(**yaml.safe_load((ARMS / "so101" / "sage.yaml").read_text())))]
    late = float(np.median([1000 * run.nearest_lag_s for run in runs]))
    said = ", ".join(f"{run.name} {1000 * run.nearest_lag_s:.0f}" for run in runs)
    moved = [1000 * joint.lag_s for run in runs for joint in run.joints if np.isfinite(joint.lag_s)]
    return [
        Row("so101, commands nearest if late by", late, LAG_MS[0], "ms", note=said),
        Row("so101, the same, at most", late, LAG_MS[1], "ms", at_least=False),
        Row(
            "so101, movement late by",
            float(np.median(moved)),
            unit="ms",
            note=f"median of joints that move; {min(moved):.0f} to {max(moved):.0f}",
        ),
    ]


def xl330(threads: int) -> list[Row]:
    """A servo that swings a mass, with four gains; a waveform that was not seen is held out at two of them."""
    logs = {log.name: log for log in _logs("bam_xl330", LogOptions())}
    rows = []
    for gain in (100, 400):
        own = [log for log in logs.values() if log.facts["kp"] == gain and log.facts["trajectory"] != "lift_and_drop"]
        held_out = [log.name for log in own if log.facts["trajectory"] == "sin_time_square"]
        rows.append(_fall(f"xl330, gain {gain}", identify(_model("xl330"), own, held_out, threads=threads), HELD_OUT["xl330"]))
    return rows


def pendulum(threads: int) -> list[Row]:
    """A drive that swings a weight by position, speed and torque; how heavy it is, is looked for too. Each half of the run is held out."""
    whole = next(log for log in _logs("dfki_pendulum", LogOptions(units={"position": "rad"})) if log.name.startswith("pd_sysid"))
    half = whole.time_s[-1] / 2
    parts = [replace(whole.between(0, half), name="first half"), replace(whole.between(half, 2 * half + 1), name="second half")]
    rows = []
    for name, bar in (("second half", HELD_OUT["pendulum"]), ("first half", None)):
        found = identify(_model("pendulum"), parts, [name], payloads=["right_wrist"], horizon_s=1.0, threads=threads)
        rows.append(_fall(f"pendulum, {name} held out", found, bar))
    return rows


def _logs(folder: str, options: LogOptions) -> tuple[RobotLog, ...]:
    return read_logs(data_folder() / "robot_logs" / folder, options)


def _fall(name: str, found: Identified, bar: float | None) -> Row:
    """By how much the difference falls in what was held out."""
    held_out = [one for one in found.runs if one.held_out]
    before, after = (float(np.sqrt(np.mean([getattr(one, key) ** 2 for one in held_out]))) for key in ("before", "after"))
    seen = ", ".join(f"{one.name} {100 * (1 - one.after / one.before):.0f} %" for one in found.runs if not one.held_out)
    said = f"{1000 * before:.1f} -> {1000 * after:.1f} mrad; seen: {seen}"
    return Row(name, 100 * (1 - after / before), bar, "%", note=said)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--cases", type=int, default=CASES, help="faults that are put in")
    parser.add_argument("--scale", type=float, default=1.0, help="times as many simulations for coverage")
    parser.add_argument("--kinds", nargs="+", default=[], choices=list(KINDS), metavar="KIND", help=f"of intervals: {', '.join(KINDS)}")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes, or threads")
    return parser


if __name__ == "__main__":
    known, _ = _parser().parse_known_args()
    stages: dict[str, Callable[[], list[Row]]] = {
        "faults": partial(faults, known.cases, known.jobs),
        **{stage.__name__: partial(stage, known.jobs) for stage in (so101, xl330, pendulum)},
        "so101_lag": so101_lag,
        "coverage": partial(coverage, known.jobs, known.scale, known.kinds),
        "simpler": simpler,
    }
    run("gap", stages, options=[_parser()])
