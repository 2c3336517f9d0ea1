"""Door: `python -m robots list`, `show ROBOT`, `add URDF` and `check ROBOT`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from motion.errors import UnderstudyError, UnknownNameError
from motion.transform import Array
from robots import Robot, catalogue, load_robot
from robots.kinematics import Kinematics
from robots.stand_ins import missing_meshes

USAGE = """usage: python -m robots list           the shipped robots
       python -m robots show ROBOT     one robot: joints, limits, landmarks (a name, or a folder with robot.yaml)
       python -m robots add URDF       draft a robot.yaml; [output=FOLDER] [packages=FOLDER,...] [overwrite=true]
       python -m robots check ROBOT    whether it satisfies the contract of every robot; exit status 1 where it does not"""
ADD_KEYS = ("output", "packages", "overwrite")
COLOURS: dict[Literal["passed", "failed", "skipped"], str] = {"passed": "green", "failed": "red", "skipped": "yellow"}


def listing() -> Table:
    """All shipped robots, one row each."""
    table = Table("robot", "joints", "mass kg", "rest height m", "hands", "description")
    for name in catalogue():
        robot = load_robot(name)
        hands = sum(any(mark.startswith(side) and mark.endswith("_tip") for mark in robot.landmarks) for side in ("left", "right"))
        mass = Kinematics(robot).mass_kg
        table.add_row(name, str(len(robot.joint_names)), f"{mass:.1f}", f"{robot.base_height_m:.2f}", str(hands), robot.description)
    return table


def details(name: str) -> list[Table | str]:
    """Everything about one robot."""
    robot = load_robot(name)
    limits = {
        "lower rad": robot.lower_rad,
        "upper rad": robot.upper_rad,
        "rad/s": robot.speed_radps,
        "rad/s2": robot.acceleration_radps2,
        "Nm": robot.effort_nm,
    }
    motors = {"rest rad": robot.rest_rad, "kp": robot.kp, "kd": robot.kd, "armature": robot.armature}
    marks = Table("landmark", "link", "offset m")
    for landmark, point in robot.landmarks.items():
        marks.add_row(landmark, point.frame, " ".join(f"{value:g}" for value in point.offset_m))
    words = [f"{robot.name}: {robot.description}", f"URDF: {robot.urdf}", f"licence: {robot.licence or 'not stated'}"]
    if robot.stand_ins:
        lost = missing_meshes(robot)
        words.append(f"shapes: {len(lost)} mesh files are missing; boxes with the links' inertia stand in for shapes that are not there")
    return [*words, _by_joint(robot, limits), _by_joint(robot, motors), *_coupled(robot), marks, *_soles(robot), *_gates(robot)]


def _by_joint(robot: Robot, columns: Mapping[str, Array]) -> Table:
    table = Table(Column("joint", min_width=max(map(len, robot.joint_names))), *columns)
    for joint, row in zip(robot.joint_names, np.stack(list(columns.values()), 1), strict=True):
        table.add_row(joint, *(f"{value:.4g}" for value in row))
    return table


def _coupled(robot: Robot) -> list[Table | str]:
    table = Table(Column("coupled joint", no_wrap=True), Column("follows", no_wrap=True), "factor", "offset rad")
    for joint, rule in robot.mimic.items():
        table.add_row(joint, rule.of, f"{rule.multiplier:.4g}", f"{rule.offset:.4g}")
    return [table] if robot.mimic else []


def _soles(robot: Robot) -> list[Table | str]:
    table = Table("sole", "link", "heel m", "toe m", "width m")
    for side, sole in robot.soles.items():
        ends = (" ".join(f"{value:g}" for value in point) for point in (sole.heel_m, sole.toe_m))
        table.add_row(side, sole.frame, *ends, f"{sole.width_m:g}")
    return [table] if robot.soles else []


def _gates(robot: Robot) -> list[Table | str]:
    table = Table("gate", "review from", "reject from")
    for name, (review, reject) in robot.gates.items():
        table.add_row(name, f"{review:g}", f"{reject:g}")
    return [table] if robot.gates else []


def check(name: str, console: Console) -> int:
    """Run the contract of every robot on one; returns the exit status."""
    from contracts import examine, robot, robot_model, robot_retarget  # only here: they bring every engine with them

    checks = (*robot.CHECKS, *robot_model.CHECKS, *robot_retarget.CHECKS)
    table = Table("check", "result", "why, and what to do")
    outcomes = []
    for outcome in examine(load_robot(name), checks):
        outcomes.append(outcome)
        words = ". ".join(escape(part) for part in (outcome.why, outcome.advice) if part)
        table.add_row(outcome.says, f"[{COLOURS[outcome.result]}]{outcome.result}", words)
    console.print(table)
    count = Counter(outcome.result for outcome in outcomes)
    console.print(", ".join(f"{count[result]} {result}" for result in COLOURS), highlight=False)
    return int(count["failed"] > 0)


def add(urdf: str, words: Sequence[str], console: Console) -> int:
    """Draft the robot.yaml of a URDF; returns the exit status."""
    from robots.onboard.add import add as write_draft  # only here: it draws
    from robots.onboard.report import print_report

    given = _settings(words)
    folder = Path(given["output"]).expanduser() if "output" in given else None
    packages = [Path(part).expanduser() for part in given.get("packages", "").strip("[]").split(",") if part]
    draft, folder = write_draft(Path(urdf).expanduser(), folder, packages, given.get("overwrite") == "true")
    print_report(console, draft, folder, _foretold(folder))
    return 0


def _foretold(folder: Path) -> list[str]:
    """What `check` will find wrong, as far as that is quickly known."""
    from contracts import examine, robot  # only here: they bring engines with them

    failed = [outcome for outcome in examine(load_robot(folder), robot.CHECKS) if outcome.result == "failed"]
    return [f"`check` fails, {outcome.says}: {outcome.why}. What to do: {outcome.advice}." for outcome in failed]


def _settings(words: Sequence[str]) -> dict[str, str]:
    """`key=value` words of `add`."""
    given = {}
    for word in words:
        key, _, value = word.partition("=")
        if key not in ADD_KEYS or not value:
            raise UnknownNameError("setting", word, (f"{name}=..." for name in ADD_KEYS), "python -m robots add")
        if key == "overwrite" and value not in ("true", "false"):
            raise UnknownNameError("choice", value, ("true", "false"), "overwrite=")
        given[key] = value
    return given


def main(words: list[str]) -> int:
    """Run the command line; returns the exit status."""
    console = Console()
    try:
        if words == ["list"]:
            console.print(listing())
        elif len(words) == 2 and words[0] == "show":
            for part in details(words[1]):
                console.print(part, highlight=False)
        elif len(words) >= 2 and words[0] == "add":
            return add(words[1], words[2:], console)
        elif len(words) == 2 and words[0] == "check":
            return check(words[1], console)
        elif not words or words[0] in ("-h", "--help"):
            console.print(USAGE, highlight=False)
        else:
            raise UnknownNameError("command", " ".join(words), ("list", "show ROBOT", "add URDF", "check ROBOT"), "python -m robots")
    except UnderstudyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror or error}.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
