"""Door: `python -m robots list` and `python -m robots show ROBOT`."""

from __future__ import annotations

import sys

import numpy as np
from rich.console import Console
from rich.table import Column, Table

from motion.errors import UnderstudyError, UnknownNameError
from robots import catalogue, load_robot
from robots.kinematics import Kinematics

USAGE = """usage: python -m robots list           the shipped robots
       python -m robots show ROBOT     one robot: joints, limits, landmarks (a name, or a folder with robot.yaml)"""


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
    table = Table(
        Column("joint", min_width=max(map(len, robot.joint_names))),
        "lower rad",
        "upper rad",
        "rad/s",
        "Nm",
        "rest rad",
        "kp",
        "kd",
        "armature",
    )
    columns = (robot.lower_rad, robot.upper_rad, robot.speed_radps, robot.effort_nm, robot.rest_rad, robot.kp, robot.kd, robot.armature)
    for joint, row in zip(robot.joint_names, np.stack(columns, 1), strict=True):
        table.add_row(joint, *(f"{value:.4g}" for value in row))
    marks = Table("landmark", "link", "offset m")
    for landmark, point in robot.landmarks.items():
        marks.add_row(landmark, point.frame, " ".join(f"{value:g}" for value in point.offset_m))
    return [f"{robot.name}: {robot.description}", f"URDF: {robot.urdf}", f"licence: {robot.licence}", table, marks]


def main(words: list[str]) -> int:
    """Run the command line; returns the exit status."""
    console = Console()
    try:
        if words == ["list"]:
            console.print(listing())
        elif len(words) == 2 and words[0] == "show":
            for part in details(words[1]):
                console.print(part, highlight=False)
        elif not words or words[0] in ("-h", "--help"):
            console.print(USAGE, highlight=False)
        else:
            raise UnknownNameError("command", " ".join(words), ("list", "show ROBOT"), "python -m robots")
    except UnderstudyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
