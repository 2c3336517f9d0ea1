"""What `python evaluate.py gap` and `python evaluate.py identify` do: a real robot's logs beside its simulation (`gap.replay`)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rich.console import Console
from tqdm import tqdm

from envs.model import RobotModel
from envs.plant_draws import draw
from envs.plants import Plant, find_plant, write_plant
from envs.table import TableTop, model_with_table
from gap.diagnosis import Fault, diagnose, looked_for, require_known, together
from gap.differences import run_gap
from gap.identification.identify import Identified, identify
from gap.log_report import (
    Section,
    before_and_after_picture,
    claim_of,
    commands_reading,
    gap_json,
    gap_reading,
    identified_json,
    identified_reading,
    left_out_reading,
    measured_picture,
    notes_reading,
    run_picture,
    write_log_report,
)
from gap.log_tables import gap_tables, identified_tables
from gap.logs import LogOptions, RobotLog, read_logs
from gap.measured import measured, measured_claim_of, measured_json, measured_reading, measured_tables, silent_reading
from gap.pseudo_real import pseudo_real
from gap.replay import Conditions, Recorded, joints_of, recorded, replayed, stretches
from gap.report import Picture
from gap.scorecard import null_for_nan
from gap.tables import Table
from motion.errors import FileFormatError, UnknownNameError, require
from motion.provenance import Provenance, record
from motion.store import write_text
from robots import load_robot
from understudy import build, door, listed, needed, output_of, path_of, plain, plant_of

console = Console(width=140)
PAGE, NUMBERS = "report.html", "gap.json"
_TAKEN = "Training and evaluation take either, e.g. plant=FILE."
_PICTURES = 20
"""Runs that are drawn, at most."""
_LISTED, _ROWS = 12, 60
"""Names of runs, and rows of a table, that are shown where there is little room."""
_DIAGNOSED_S, _DIAGNOSED = 8.0, 8
"""Faults are looked for in so many stretches of this length, evenly from all logs."""


def compare_logs(config: dict[str, Any]) -> int:
    """Logs beside their replay in one plant; logs without commands, or of no named robot, by themselves."""
    logs = _logs(config)
    if config["robot"]["name"] is None and config["pseudo_real"] is None:
        return _tell_measured(config, logs, None)
    model = _model(config)
    logs = _in_place_of(logs, config, model)
    commanded = tuple(log for log in logs if log.commanded.any())
    if not commanded:
        return _tell_measured(config, logs, model)
    return _tell_replayed(config, commanded, tuple(log for log in logs if not log.commanded.any()), model)


def _tell_measured(config: dict[str, Any], logs: tuple[RobotLog, ...], model: RobotModel | None) -> int:
    """What the logs say, nothing simulated."""
    if model is not None:
        for log in logs:
            joints_of(log, model)  # every joint is one of the robot's
    output, runs = output_of(config, "runs/gap"), [measured(log) for log in logs]
    name = None if model is None else model.robot.name
    provenance, tables = _provenance("gap", logs, name, config), measured_tables(runs)
    reading = measured_reading(runs, name) + notes_reading(logs)
    sections = [Section("Numbers", tables), Section("Runs", (), tuple(measured_picture(run) for run in runs[:_PICTURES]))]
    claim = measured_claim_of(logs)
    _write(output / NUMBERS, null_for_nan({"claim": claim[0], "measured": measured_json(runs)}), provenance)
    title = "A robot's logs" if name is None else f"{name}: its logs"
    write_log_report(output / PAGE, title, _facts(name, logs), reading, sections, provenance, _left_out(runs), claim)
    _say(reading, tables, output, [PAGE, NUMBERS])
    return 0


def _left_out(runs: Sequence[object]) -> list[str]:
    return [f"Pictures of the first {_PICTURES} of {len(runs)} runs."] if len(runs) > _PICTURES else []


def _tell_replayed(config: dict[str, Any], logs: tuple[RobotLog, ...], silent: tuple[RobotLog, ...], model: RobotModel) -> int:
    """Logs with commands beside their replay; `silent` ones are told of as they were measured."""
    output = output_of(config, "runs/gap")
    plant, threads = find_plant(plant_of(config["plant"])), _threads(config)
    told = [recorded(log, model, plain(config, "period_s", float, least=0)) for log in logs]
    kinds, payloads = ([str(name) for name in listed(config[key])] for key in ("faults", "payloads"))
    require_known(model, kinds, payloads)
    table = None if config["table"]["height_m"] is None else build(TableTop, dict(config["table"]), "table")
    own = Conditions(draw(plant, model, np.random.default_rng(0)), table=table)
    runs = [run_gap(model, one, own, threads) for one in tqdm(told, unit="run", desc="replay")]
    faults, tried, others = (None, (), ()) if table else _faults(model, told, kinds, payloads, plant, threads)
    provenance = _provenance("gap", (*logs, *silent), model.robot.name, config)
    aside = [measured(log) for log in silent]
    claim, simulated = claim_of(logs), any(log.simulated for log in logs)
    reading = gap_reading(runs, faults, tried, simulated) + commands_reading(logs) + left_out_reading(others)
    reading += notes_reading((*logs, *silent)) + silent_reading(aside)
    sections = [Section("Numbers", gap_tables(runs, simulated)), Section("Runs", (), tuple(run_picture(run) for run in runs[:_PICTURES]))]
    if aside:
        sections.append(Section("Runs that cannot be carried out again", measured_tables(aside)))
    _write(output / NUMBERS, {**gap_json(runs, faults, claim[0]), "measured": null_for_nan(measured_json(aside))}, provenance)
    notes = [f"Plant: {plant.name}" + (f", {plant.description}." if plant.description else "."), *_left_out(runs)]
    if table is not None:
        notes.append(f"On a table {1000 * table.height_m:+.0f} mm from the height of the base, of {table.stiffness_npm:.0f} N/m.")
    title, facts = f"{model.robot.name}: simulation beside its logs", _facts(model.robot.name, (*logs, *silent))
    write_log_report(output / PAGE, title, facts, reading, sections, provenance, notes, claim)
    _say(reading, gap_tables(runs, simulated)[:1], output, [PAGE, NUMBERS])
    return 0


def find_plant_of_logs(config: dict[str, Any]) -> int:
    """Logs -> a plant."""
    output, model = output_of(config, "runs/found"), _model(config)
    logs = _in_place_of(_logs(config), config, model)
    name, threads = str(config["name"]), _threads(config)
    held_out, kinds, payloads = ([str(one) for one in listed(config[key])] for key in ("held_out", "find", "payloads"))
    iterations, horizon_s = plain(config, "iterations", int, least=1), plain(config, "horizon_s", float, least=0.1)
    with tqdm(unit="step", desc="identify") as bar:

        def progress(what: str, step: int, cost: float) -> None:
            bar.set_postfix_str(f"{what}: {cost:.4g}")
            bar.update()

        found = identify(model, logs, held_out, kinds, payloads, name, horizon_s, iterations, threads, progress)
    provenance = _provenance("identify", logs, model.robot.name, config)
    reading, tables = identified_reading(found) + commands_reading(logs) + notes_reading(logs), identified_tables(found)
    claim = claim_of(logs)
    _write(output / NUMBERS, identified_json(found, claim[0]), provenance)
    for plant in (found.plant, found.varied):
        write_plant(output / f"{plant.name}.yaml", plant, _said(plant, logs, held_out, provenance))
    pictures = _before_and_after(model, logs, found, threads)
    sections = [Section("Numbers", tables), Section("Runs, before and after", (), pictures)]
    facts = _facts(model.robot.name, logs)
    notes = [f"Beside this page: {name}.yaml is the plant; {name}_varied.yaml draws it anew. {_TAKEN}"]
    write_log_report(output / PAGE, f"{model.robot.name}: the plant of its logs", facts, reading, sections, provenance, notes, claim)
    _say(reading, tables, output, [PAGE, NUMBERS, f"{name}.yaml", f"{name}_varied.yaml"])
    return 0


def _model(config: Mapping[str, Any]) -> RobotModel:
    robot = load_robot(str(needed({"robot": config["robot"]["name"]}, "robot", "examples/arms/so101")))
    return model_with_table(robot)


def _in_place_of(logs: tuple[RobotLog, ...], config: Mapping[str, Any], model: RobotModel) -> tuple[RobotLog, ...]:
    """The logs; or, where `pseudo_real=` names a plant, what its simulation would have written in their place."""
    if config["pseudo_real"] is None:
        return logs
    plant, rng = find_plant(plant_of(config["pseudo_real"])), np.random.default_rng(0)
    own = draw(plant, model, rng)
    return tuple(pseudo_real(log, model, own, plant.name, rng) for log in tqdm(logs, unit="run", desc=plant.name))


def _logs(config: dict[str, Any]) -> tuple[RobotLog, ...]:
    """The runs that are asked for."""
    told = _reading(config["reading"]) | dict(config["read"] or {})
    options = build(LogOptions, {key: value for key, value in told.items() if value is not None}, "read")
    logs = read_logs(path_of(needed(config, "log", "logs/")), options, config["format"])
    wanted = [str(name) for name in listed(config["runs"])] if config["runs"] else [log.name for log in logs]
    for name in wanted:
        if name not in [log.name for log in logs]:
            raise UnknownNameError("run", name, [log.name for log in logs])
    return tuple(log for log in logs if log.name in wanted)


def _reading(path: object) -> dict[str, Any]:
    """Settings of `read` that a file holds."""
    if path is None:
        return {}
    file = path_of(path)
    require(file.is_file(), FileFormatError, f"reading={file}: no such file; a YAML file with joints, units, columns .. was wanted.")
    try:
        data = yaml.safe_load(file.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FileFormatError(f"reading={file}: no YAML ({error}).") from error
    require(isinstance(data, dict), FileFormatError, f"reading={file}: joints, units, columns .. were wanted.")
    return dict(data)


def _threads(config: Mapping[str, Any]) -> int:
    return plain(config, "threads", int | None, least=1) or os.cpu_count() or 1


def _faults(
    model: RobotModel, told: list[Recorded], kinds: list[str], payloads: list[str], plant: Plant, threads: int
) -> tuple[tuple[Fault, ...] | None, tuple[str, ...], tuple[tuple[str, str], ...]]:
    """What is behind the difference, of which kinds of faults, and logs that were left out, with why.

    None in a plant that is not nominal, or where nobody asks.
    """
    if not kinds or plant.changes or plant.action_delay_s != (0.0, 0.0):
        return None, (), ()
    with tqdm(unit="fault", desc="diagnose") as bar:
        found, others = together(told, _DIAGNOSED_S)
        chosen = [found[k] for k in np.unique(np.linspace(0, len(found) - 1, _DIAGNOSED).astype(int))]

        def progress(fault: Fault) -> None:
            bar.set_postfix_str(fault.name)
            bar.update()

        faults = diagnose(model, chosen, kinds, payloads, threads=threads, progress=progress)
        return faults, looked_for(model, chosen, kinds, payloads), others


def _before_and_after(model: RobotModel, logs: tuple[RobotLog, ...], found: Identified, threads: int) -> tuple[Picture, ...]:
    before, after = (draw(plant, model, np.random.default_rng(0)) for plant in (find_plant("nominal"), found.plant))
    conditions = [Conditions(before), Conditions(after, table=found.table)]
    told = (stretches([recorded(log, model)])[:1] for log in logs[:_PICTURES])
    return tuple(before_and_after_picture(replayed(model, conditions, own, threads)) for own in told)


def _provenance(step: str, logs: tuple[RobotLog, ...], robot: str | None, config: Mapping[str, Any]) -> Provenance:
    parents = dict.fromkeys(parent for log in logs for parent in log.provenance.parents)
    return record(f"logs of {robot or 'a robot'}", step, parents, json.loads(json.dumps(config, default=str)))


def _facts(robot: str | None, logs: tuple[RobotLog, ...]) -> list[tuple[str, str]]:
    seconds = sum(float(log.time_s[-1] - log.time_s[0]) for log in logs)
    names = [log.name for log in logs]
    shown = ", ".join(names) if len(names) <= _LISTED else f"{', '.join(names[:_LISTED])} and {len(names) - _LISTED} others"
    return [
        ("Robot", robot or "not named"),
        ("Runs", f"{len(logs)}: {shown}"),
        ("Recorded", f"{seconds:.0f} s at about {1 / logs[0].period_s:.0f} Hz"),
        ("Joints", ", ".join(logs[0].joint_names)),
    ]


def _said(plant: Plant, logs: tuple[RobotLog, ...], held_out: list[str], provenance: Provenance) -> str:
    learnt = [log.name for log in logs if log.name not in held_out]
    return (
        f"Found in the runs {', '.join(learnt)} by {provenance.tool}; held out: {', '.join(held_out) or 'none'}.\n"
        f"Licence of the logs: {provenance.licence}. {plant.description}"
    )


def _write(path: Path, data: Mapping[str, Any], provenance: Provenance) -> None:
    write_text(path, json.dumps({**data, "provenance": provenance.to_json()}, indent=1) + "\n")


def _say(reading: Sequence[str], tables: Sequence[Table], output: Path, names: list[str]) -> None:
    """In a terminal: short tables as they are, of long ones the beginning."""
    shown = [replace(table, rows=table.rows[:_ROWS], note=_cut(table)) for table in tables]
    console.print("\n\n".join(table.text() for table in shown), highlight=False, markup=False)
    console.print("\n" + "\n".join(reading), highlight=False, markup=False)
    print(f"wrote {output}: {', '.join(names)}")


def _cut(table: Table) -> str:
    left = len(table.rows) - _ROWS
    return f".. and {left} rows more, in {PAGE}. {table.note}".rstrip() if left > 0 else table.note


gap = door("gap", {"read": LogOptions}, command="gap")(compare_logs)
identify_door = door("identify", {"read": LogOptions}, command="identify")(find_plant_of_logs)
COMMANDS = {"gap": gap, "identify": identify_door}
