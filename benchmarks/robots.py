"""Robots from their URDF alone, against the bars: `python -m benchmarks.robots [--only STAGE]`; `table` prints the docs' table."""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.robots_truth import NO_HUMANOIDS, TRUTH, Truth, judge, truth_path
from benchmarks.table import Row, data_folder, run
from contracts import examine, robot, robot_model, robot_retarget
from motion.errors import RobotError
from motion.human import HumanMotion
from retarget.body_map import body_map
from retarget.measure import QualityCard
from retarget.pipeline import RetargetSettings, retarget_motion
from retarget.smooth import SmoothSettings
from retarget.sources.base import read_recording
from robots import Robot, load_robot
from robots.onboard.add import add
from robots.onboard.analyse import analyse
from robots.onboard.draft import Draft
from robots.onboard.packages import find_packages, lost_meshes
from robots.urdf import read_urdf
from robots.yaml_loader import default_packages

CHECKS = (*robot.CHECKS, *robot_model.CHECKS, *robot_retarget.CHECKS)
VERDICTS = ("pass", "review", "reject", "fail")
SECONDS, FILM_HZ = 20, 5.0
BESIDE = {"g1": "g1", "g1_dex3": "g1_dex3", "talos": "talos", "alex_psyonic": "alex_psyonic", "icub": "icub"}
"""Drafted robot -> the hand-written one that it is compared with."""
_NUMBERS = {"foot_mm": 3.0, "hand_mm": 15.0, "limb_deg": 1.0, "slip_mm_s": 3.0}
"""Number of the card -> by how much a draft may be worse than what a person wrote."""


def named() -> dict[str, Truth]:
    """The robots that have to be right without a hand edit."""
    return {name: truth for name, truth in TRUTH.items() if truth.named}


def path_of(name: str) -> Path:
    """A robot's URDF; ends the program where it is not at hand."""
    path = truth_path(TRUTH[name], data_folder())
    return path or sys.exit(f"{TRUTH[name].urdf} is not at hand")


@cache
def _home() -> TemporaryDirectory[str]:
    return TemporaryDirectory()


@cache
def drafted(name: str) -> tuple[Draft, float]:
    """A robot drafted into a folder of its own, and the seconds that took."""
    begin = time.perf_counter()
    made, _ = add(path_of(name), Path(_home().name) / f"drafted_{name}")
    return made, time.perf_counter() - begin


def loaded(name: str) -> Robot:
    """The drafted robot, read back from its robot.yaml."""
    drafted(name)
    return load_robot(Path(_home().name) / f"drafted_{name}")


def segments() -> list[Row]:
    """What a person reads off the URDF and the draft has otherwise."""
    rows = []
    for name, truth in named().items():
        wrong = {what: found for what, found in judge(drafted(name)[0].anatomy, path_of(name), truth).items() if found}
        note = "; ".join(f"{what}: {found}" for what, found in wrong.items())
        rows.append(Row(f"{name}: segments and directions wrong", len(wrong), 0, at_least=False, note=note))
    return rows


def seconds() -> list[Row]:
    """Drafting, with the picture."""
    return [Row(f"{name}: seconds for add", drafted(name)[1], SECONDS, "s", at_least=False) for name in named()]


def checks() -> list[Row]:
    """The contract of every robot."""
    rows = []
    for name in named():
        failed = [outcome for outcome in examine(loaded(name), CHECKS) if outcome.result == "failed"]
        note = "; ".join(f"{outcome.says}: {outcome.why}" for outcome in failed)
        rows.append(Row(f"{name}: checks failed", len(failed), 0, at_least=False, note=note))
    return rows


@cache
def clip(name: str) -> HumanMotion:
    """A real recording: of a body, or of a right hand."""
    if name == "hand":
        return read_recording(data_folder() / "hands/dex_retargeting/human_joint_right.npz").motion
    return read_recording(next((data_folder() / "body/bandai_namco").glob(f"*_{name}_normal_001.bvh"))).motion


def card(which: Robot, name: str) -> QualityCard:
    """The quality card of a clip on a robot; the hand's comes from film and is smoothed as film is."""
    settings = RetargetSettings(smooth=SmoothSettings(cutoff_hz=FILM_HZ)) if name == "hand" else RetargetSettings()
    return retarget_motion(clip(name), body_map(which), settings).card


def clips() -> list[Row]:
    """Verdicts on a gesture and a walk, or on a right hand's clip; what a walk asks of weak motors is the robot's own affair."""
    rows = []
    for name, truth in named().items():
        if truth.kind != "hand":
            rows += [_verdict(name, "guide", bar=0), _verdict(name, "walk", bar=None)]
        elif truth.side == "right":
            rows.append(_verdict(name, "hand", bar=0))
    return rows


def _verdict(name: str, which: str, bar: float | None) -> Row:
    found = card(loaded(name), which)
    numbers = ", ".join(f"{key} {found.numbers[key]:.1f}" for key in _shown(found.numbers))
    note = "; ".join([found.verdict, numbers, *found.reasons[:1]])
    return Row(f"{name}: verdict on {which} (0 is pass)", VERDICTS.index(found.verdict), bar, at_least=False, note=note)


def _shown(numbers: Mapping[str, float]) -> Iterable[str]:
    wanted = ("foot_mm", "hand_mm", "fingertip_mm", "limb_deg", "slip_mm_s", "self_contact_pct")
    return (key for key in wanted if np.isfinite(numbers.get(key, np.nan)))


def beside() -> list[Row]:
    """Drafts against what a person wrote for the same robot, on the same clips."""
    rows = []
    for name, by_hand in BESIDE.items():
        for which in ("guide", "walk"):
            mine, theirs = card(loaded(name), which).numbers, card(load_robot(by_hand), which).numbers
            for key, slack in _NUMBERS.items():
                if np.isfinite(theirs.get(key, np.nan)):
                    note = f"written by hand: {theirs[key]:.1f}"
                    rows.append(Row(f"{name}, {which}: {key}", mine[key], theirs[key] + slack, at_least=False, note=note))
    return rows


def refusals() -> list[Row]:
    """Robots that are no humanoids: one clear error each."""
    taken = [Path(urdf).stem for urdf in NO_HUMANOIDS if _is_taken(urdf)]
    note = f"of {len(NO_HUMANOIDS)}; {', '.join(taken)}"
    return [Row("no humanoids taken for one", len(taken), 0, at_least=False, note=note)]


def _is_taken(urdf: str) -> bool:
    path = default_packages()[0] / urdf.removeprefix("package://")
    try:
        analyse(path, default_packages())
    except RobotError:
        return False
    return True


def three_commands() -> list[Row]:
    """H1-2 without meshes, by the commands of the docs: add, check, retarget."""
    here = Path(__file__).resolve().parent.parent
    recording = next((data_folder() / "body/bandai_namco").glob("*_guide_normal_001.bvh"))
    with TemporaryDirectory() as folder:
        commands = (
            ["robots", "add", str(path_of("h1_2"))],
            ["robots", "check", "h1_2/"],
            ["retarget", f"input={recording}", "robot=h1_2/", "output=guide.npz"],
        )
        begin = time.perf_counter()
        environment = os.environ | {"PYTHONPATH": str(here)}
        status = [subprocess.run([sys.executable, "-m", *words], cwd=folder, env=environment).returncode for words in commands]
        spent = time.perf_counter() - begin
        verdict = json.loads((Path(folder) / "guide.card.json").read_text())["verdict"] if not any(status) else "fail"
    return [
        Row("h1_2, three commands: failed", sum(map(bool, status)), 0, at_least=False),
        Row("h1_2, three commands: verdict (0 is pass)", VERDICTS.index(verdict), 0, at_least=False, note=verdict),
        Row("h1_2, three commands: seconds", spent, None, "s"),
    ]


def found_table(data: Path) -> str:
    """The table of docs/add_a_robot.md: what is found of every named robot at hand, without an edit."""
    lines = ["| robot | found | joints | meshes | segments right | least sure |", "|---|---|---|---|---|---|"]
    for name, truth in named().items():
        path = truth_path(truth, data)
        if path is None:
            continue
        anatomy = analyse(path, default_packages())
        wrong = sum(bool(found) for found in judge(anatomy, path, truth).values())
        least = min(anatomy.segments, key=lambda segment: anatomy.segments[segment].confidence)
        kind = f"{anatomy.side} {anatomy.kind}".strip().replace("_", " ")
        where = f"{least} {anatomy.segments[least].confidence:.2f}"
        total = len(judge(anatomy, path, truth))
        lines.append(f"| {name} | {kind} | {_joints_n(path)} | {_meshes(path)} | {total - wrong} of {total} | {where} |")
    return "\n".join(lines) + "\n"


def _joints_n(path: Path) -> int:

    return sum(joint.mimic is None for joint in read_urdf(path).joints)


def _meshes(path: Path) -> str:

    return "missing" if lost_meshes(path, (*find_packages(path), *default_packages())) else "yes"


STAGES = {
    "segments": segments,
    "seconds": seconds,
    "checks": checks,
    "clips": clips,
    "beside": beside,
    "refusals": refusals,
    "three_commands": three_commands,
}

if __name__ == "__main__":
    if sys.argv[1:] == ["table"]:
        sys.exit(print(found_table(data_folder()), end=""))
    run("robots", STAGES)
