"""Command: `python -m policies play checkpoint=EXPORTED_FOLDER`. It imports neither PyTorch nor Hydra."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from importlib import import_module
from typing import Any

from motion.errors import UnderstudyError, UnknownNameError, require
from policies.deploy.exported import ExportedPolicy
from policies.deploy.handover import Handover, usual
from policies.deploy.lines import LinesRobot
from policies.deploy.player import Player, RobotSide

USAGE = """usage: python -m policies play checkpoint=FOLDER [key=value ...]
  checkpoint=FOLDER    what `python -m policies export` wrote
  robot=lines          JSON objects, line by line, on stdin and stdout; or module:name of a Python callable that
                       gives the robot's side (policies.deploy.RobotSide); the folder you are in is searched, too
  execute_n=null       periods from one look to the next; null: as many as is usual for the policy
  latency_n=0          periods from a look to the moment from which its chunk is carried out; 0 waits for it
  blend_n=0            places over which the committed actions fade into the new chunk's
  ensemble=null        or a number: average all chunks that tell of a moment, the k-th of them by exp(-ensemble k)
  periods=null         how many to play at most; null: until the robot's side ends
  threads=1            of the CPU, for the network"""


@dataclass(frozen=True)
class PlaySettings:
    """What can be said on the command line; of `Handover` its defaults.

    Attributes:
        checkpoint: folder of an exported policy.
        robot: "lines", or module:name.
        execute_n, latency_n, blend_n, ensemble: see `Handover`; execute_n None: as many as is usual for the policy.
        periods: at most so many; None: until the robot's side ends.
        threads: of the CPU.
    """

    checkpoint: str
    robot: str = "lines"
    execute_n: int | None = None
    latency_n: int = Handover.latency_n
    blend_n: int = Handover.blend_n
    ensemble: float | None = Handover.ensemble
    periods: int | None = None
    threads: int = 1


_KINDS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("execute_n", "latency_n", "blend_n", "periods", "threads"), int),
    "ensemble": float,
}


def main(words: Sequence[str]) -> int:
    """Play; returns the exit status."""
    if {"-h", "--help"} & set(words):
        print(USAGE)
        return 0
    settings = settings_of(words)
    lines: LinesRobot | None = None
    try:
        policy = ExportedPolicy(settings.checkpoint, settings.threads)
        execute_n = usual(policy.execute_n, settings.ensemble) if settings.execute_n is None else settings.execute_n
        handover = Handover(execute_n, settings.latency_n, settings.blend_n, settings.ensemble)
        with closing(Player(policy, handover)) as player:
            robot = _robot(settings.robot)
            lines = robot if isinstance(robot, LinesRobot) else None
            _play(player, robot, settings.periods, policy.name)
    except UnderstudyError as error:
        if lines is not None:
            lines.say({"error": str(error)})
        raise
    return 0


def settings_of(words: Sequence[str]) -> PlaySettings:
    """Settings of `key=value` words.

    Raises:
        UnknownNameError: a key that does not exist.
        UnderstudyError: a value of another kind, or no checkpoint.
    """
    known = [field.name for field in fields(PlaySettings)]
    given: dict[str, Any] = {}
    for word in words:
        key, _, value = word.partition("=")
        if key not in known:
            raise UnknownNameError("setting", key, known, "python -m policies play")
        try:
            given[key] = None if value == "null" else _KINDS.get(key, str)(value)
        except ValueError as error:
            raise UnderstudyError(f"{word}: a number was wanted.") from error
    require(bool(given.get("checkpoint")), UnderstudyError, "checkpoint= is missing, e.g. checkpoint=exported/. All settings: --help.")
    for key in ("latency_n", "blend_n", "threads", "robot"):
        require(given.get(key, 0) is not None, UnderstudyError, f"{key}=null: a value was wanted.")
    require(given.get("threads", 1) >= 1, UnderstudyError, f"threads={given.get('threads')}: at least 1 was wanted.")
    return PlaySettings(**given)


def _robot(name: str) -> RobotSide:
    """The robot's side by its name: a program at the other end of stdin and stdout, or a Python callable's."""
    if name == "lines":
        return LinesRobot(sys.stdin, sys.stdout)
    module, colon, attribute = name.partition(":")
    require(bool(module and colon and attribute), UnderstudyError, f"robot={name}: `lines`, or module:name, was wanted.")
    sys.path.insert(0, "")
    try:
        make = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UnderstudyError(f"robot={name} cannot be imported ({error}).") from error
    robot: RobotSide = make()
    return robot


def _play(player: Player, robot: RobotSide, periods: int | None, name: str) -> None:
    """All episodes of the robot's side; says at the end how timely they were."""
    player.require(robot.joint_names, robot.period_s)
    if isinstance(robot, LinesRobot):
        robot.welcome(player.spec, name)
    try:
        player.run(robot, periods)
        while isinstance(robot, LinesRobot) and robot.more and periods is None:
            player.run(robot)
    finally:
        print(player.summary(), file=sys.stderr)
