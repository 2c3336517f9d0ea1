"""From a recording on disk to a robot's motion on disk: the stages of this room in a row."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from itertools import count, islice
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, require
from motion.human import HumanMotion
from motion.provenance import Parent, parent_of, record
from motion.robot_motion import RobotMotion
from motion.store import kind_of, write_text
from retarget.body_map import BodyMap, body_map
from retarget.contacts import level
from retarget.hand_targets import HandSettings
from retarget.inspect import Inspection, inspect
from retarget.measure import MeasureSettings, QualityCard, measure
from retarget.problem import SolveReport, SolverSettings
from retarget.smooth import SmoothSettings, smooth
from retarget.solve import solve
from retarget.sources.base import SHARED_SUFFIXES, SourceOptions, accepting, read_recording, sources
from retarget.targets import TargetWeights, build_targets
from robots import Robot, load_robot


@dataclass(frozen=True)
class RetargetSettings:
    """Everything that shapes the result of retargeting, beside the recording and the robot."""

    source: str | None = None
    options: SourceOptions = SourceOptions()
    weights: TargetWeights = TargetWeights()
    hands: HandSettings = HandSettings()
    solver: SolverSettings = SolverSettings()
    smooth: SmoothSettings = SmoothSettings()
    self_contact: bool = True


@dataclass(frozen=True)
class Retargeted:
    """What retargeting one recording gives."""

    human: HumanMotion
    motion: RobotMotion
    report: SolveReport
    card: QualityCard
    understood: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=8)
def _body(robot: str) -> BodyMap:
    return body_map(load_robot(robot))


def retarget_motion(
    human: HumanMotion, robot: Robot | BodyMap, settings: RetargetSettings | None = None, on_frame: Callable[[int], object] | None = None
) -> Retargeted:
    """Retarget a recording that is already in memory.

    Args:
        human: the recording.
        robot: the robot, or its body map where many recordings are retargeted.
        settings: of all stages.
        on_frame: called with every frame's index, for a progress bar.
    """
    settings = settings or RetargetSettings()
    body = robot if isinstance(robot, BodyMap) else body_map(robot)
    human, inspection, words = prepared(human, settings)
    if body.robot.stand_ins and settings.self_contact:
        words = {**words, "self-contact": "measured on boxes where the robot's own shapes are missing"}
    targets = build_targets(body, human, settings.weights, inspection, settings.hands)
    motion, report = solve(body, targets, settings.solver, on_frame)
    source = human.provenance
    config = {
        "robot": body.robot.name,
        "source": settings.source,
        "options": asdict(settings.options),
        "weights": asdict(settings.weights),
        "hands": asdict(settings.hands),
        "solver": asdict(settings.solver),
        "smooth": asdict(settings.smooth),
    }
    parents = source.parents or (Parent(source.source, "", source.licence, source.consent),)
    provenance = record(source.source, "retarget", parents, config, source.licence, source.consent)
    motion = replace(motion, provenance=provenance)
    card = measure(body, human, motion, targets, report, MeasureSettings(self_contact=settings.self_contact))
    return Retargeted(human, motion, report, card, words)


def prepared(human: HumanMotion, settings: RetargetSettings) -> tuple[HumanMotion, Inspection, dict[str, str]]:
    """The recording as it is followed, smoothed and levelled, what it shows of itself, and what was done to it, in words."""
    human, inspection, words = smooth(human, settings.smooth)
    human, inspection, said = _levelled(human, inspection)
    return human, inspection, {**words, **said}


def _levelled(human: HumanMotion, inspection: Inspection) -> tuple[HumanMotion, Inspection, dict[str, str]]:
    """The recording in a world whose ground is flat, where the standing feet say clearly that it is not; and that in words."""
    tilt = float(np.degrees(np.arccos(min(1.0, inspection.stance.up[2]))))
    if tilt == 0.0:
        return human, inspection, {}
    upright = level(human, inspection.stance)
    found = inspect(upright)
    return upright, replace(found, broken=found.broken | inspection.broken), {"ground": f"tilted by {tilt:.1f} degrees; levelled"}


def retarget_file(
    path: Path,
    robot: str,
    output: Path,
    settings: RetargetSettings | None = None,
    on_start: Callable[[int], Callable[[int], object]] | None = None,
) -> Retargeted:
    """Retarget a file and write the motion to `output` (.npz), its quality card beside it (.card.json).

    Args:
        path: the recording.
        robot: name or folder.
        output: file to write.
        settings: of all stages.
        on_start: called with the number of frames; gives what is called with every frame's index.
    """
    require(output.suffix == ".npz", FileFormatError, f"{output}: a motion is written as .npz; give the output that ending.")
    require(output.resolve() != path.resolve(), FileFormatError, f"{output} is the recording itself; it would be overwritten.")
    settings = settings or RetargetSettings()
    reading = read_recording(path, settings.options, settings.source)
    on_frame = on_start(len(reading.motion.time_s)) if on_start else None
    done = retarget_motion(reading.motion, _body(robot), settings, on_frame)
    human = reading.motion.provenance
    parent = replace(parent_of(path), licence=human.licence, consent=human.consent)
    motion = replace(done.motion, provenance=replace(done.motion.provenance, parents=(parent,)))
    motion.save(output)
    understood = {**reading.understood, **done.understood}
    write_text(
        output.with_suffix(".card.json"),
        json.dumps(
            {"input": path.name, "recording": _seen_from(output.parent, path), "understood": understood, **done.card.to_json()}, indent=1
        ),
    )
    return replace(done, motion=motion, understood=understood)


def _seen_from(folder: Path, path: Path) -> str:
    """A file's path from a folder, so that both may move together; its full path where there is none (another drive)."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return path.resolve().as_posix()


def find_recordings(pattern: str) -> list[Path]:
    """Files meant by a path, a folder or a glob, sorted.

    A folder means all files in it and below that some source could read, without what this project made of them:
    folders named `truth`, robots' motions, demonstrations. Who wants those names them, or writes a glob.

    Raises:
        FileFormatError: nothing there.
    """
    path = Path(os.path.expanduser(pattern))
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if _may_be_recording(file, file.relative_to(path)))
    else:
        named = [path] if path.is_file() else map(Path, glob.glob(str(path), recursive=True))
        found = sorted(file for file in named if file.is_file())
    require(bool(found), FileFormatError, f"{pattern}: no recording there. Give a file, a folder, or a quoted glob.")
    return found


def _may_be_recording(file: Path, below: Path) -> bool:
    """Whether a file that was met in a folder, at `below` in it, is to be read."""
    suffixes = {suffix for source in sources().values() for suffix in source.suffixes}
    passed_over = "truth" in below.parts[:-1] or any(part.startswith(".") for part in below.parts)
    if passed_over or file.suffix.lower() not in suffixes or not file.is_file():
        return False
    if file.suffix.lower() == ".npz":
        return kind_of(file) in (None, "human_motion")
    return file.suffix.lower() not in SHARED_SUFFIXES or accepting(file) is not None


def output_names(inputs: list[Path], folder: Path) -> list[Path]:
    """One output per input in `folder`, no two alike.

    An output is named after its input. Inputs of one name get as much of their folders' names before it, and of their
    ending after it, as tells them apart.
    """
    alike: dict[str, list[Path]] = {}
    for path in inputs:
        alike.setdefault(path.stem, []).append(path)
    taken, names = set(alike), {}
    for stem, paths in alike.items():
        found = [stem] if len(paths) == 1 else _told_apart(paths, taken)
        taken.update(found)
        names[stem] = iter(found)
    return [folder / f"{next(names[path.stem])}.npz" for path in inputs]


def _told_apart(paths: list[Path], taken: set[str]) -> list[str]:
    """Different names for files of one name, none of them taken: the shortest that will do."""
    parts = [Path(os.path.abspath(path)).with_suffix("").parts[1:] for path in paths]
    deepest = max(map(len, parts))
    for depth, ending in [(2, False), (1, True), (2, True), *((n, e) for n in range(3, deepest + 1) for e in (False, True))]:
        pairs = zip(paths, parts, strict=True)
        names = ["_".join((*part[-depth:], *([path.suffix[1:]] if ending else []))) for path, part in pairs]
        if len(set(names)) == len(names) and not taken & set(names):
            return names
    numbered = (name for name in (f"{paths[0].stem}_{number}" for number in count(1)) if name not in taken)
    return list(islice(numbered, len(paths)))
