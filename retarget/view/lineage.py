"""From a robot's motion on disk back to the person it was made from, and to what the solver was asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from motion.errors import FileFormatError, RobotError, UnderstudyError, UnknownNameError, require
from motion.human import HumanMotion
from motion.provenance import file_sha256
from motion.robot_motion import KIND, RobotMotion
from motion.store import kind_of
from motion.transform import Array
from retarget.body_map import BodyMap, body_map
from retarget.hand_targets import HandSettings
from retarget.inspect import Inspection
from retarget.measure.together import Scene, scene_of
from retarget.pipeline import RetargetSettings, prepared
from retarget.robot_motions import SUFFIXES, read_robot_motion, robot_named_by
from retarget.smooth import SmoothSettings
from retarget.sources.base import SourceOptions, read_recording
from retarget.targets import Targets, TargetWeights, build_targets
from robots import load_robot

_Settings = TypeVar("_Settings")


@dataclass(frozen=True)
class Shown:
    """A robot's motion with everything that can be shown beside it.

    Attributes:
        path: the motion's file.
        body, motion: the robot and its motion, joints in the robot's order.
        human: the person on the motion's clock; None where no recording is at hand.
        inspection: what the recording shows of itself, on the recording's own clock.
        targets: what the solver was asked for; None for other tools' motions.
        one_world: whether person and robot are known to share one world.
        card: the quality card beside the motion, as JSON values; empty where there is none.
        notes: sentences about what was found, and what was not.
    """

    path: Path
    body: BodyMap
    motion: RobotMotion
    human: HumanMotion | None = None
    inspection: Inspection | None = None
    targets: Targets | None = None
    one_world: bool = False
    card: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()

    @property
    def time_s(self) -> Array:
        """(T,) of its frames."""
        return self.motion.time_s

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return f"{self.path.name} on {self.body.robot.name}"

    def broken_frames(self) -> np.ndarray:
        """(T,) frames in which the recording is broken; none where it has another clock."""
        known = self.inspection is not None and len(self.inspection.broken) == len(self.time_s)
        return self.inspection.broken_frames() if self.inspection is not None and known else np.zeros(len(self.time_s), bool)

    @cached_property
    def scene(self) -> Scene | None:
        """Person and robot together, for measuring; None without a person."""
        if self.human is None:
            return None
        same = self.inspection is not None and len(self.inspection.broken) == len(self.human.time_s)
        return scene_of(self.body, self.human, self.motion, self.inspection if same else None, self.one_world)


@dataclass(frozen=True)
class _Person:
    """A recording as the motion followed it."""

    human: HumanMotion
    inspection: Inspection
    settings: RetargetSettings
    is_parent: bool
    notes: tuple[str, ...]


def load_shown(
    path: Path,
    robot: str | None = None,
    human: Path | None = None,
    rate_hz: float | None = None,
    settings: RetargetSettings | None = None,
) -> Shown:
    """Read a robot's motion, in our own or another tool's layout, and find the person it was made from.

    Args:
        path: the motion.
        robot: name or folder, where the file names none, or one that is not shipped.
        human: the recording; found by the motion's lineage otherwise.
        rate_hz: of robot motions that carry no rate.
        settings: how a recording is read that the motion was not made from.

    Raises:
        FileFormatError: not a motion, or a recording was named that does not exist.
        RobotError: the file names no robot.
        UnknownNameError: it names a robot that is not shipped.
    """
    require(path.is_file(), FileFormatError, f"{path}: no such file.")
    require(
        path.suffix.lower() in SUFFIXES and kind_of(path) in (None, KIND),
        FileFormatError,
        f"{path}: is no robot's motion (those end in {', '.join(SUFFIXES)}); make one of a recording with python -m retarget input=... .",
    )
    body = body_map(load_robot(_robot_of(path, robot)))
    reading = read_robot_motion(path, body.robot, rate_hz)
    card = _card(path)
    alone = Shown(path, body, reading.motion, card=card)
    try:
        person = _person_of(path, reading.motion, card, human, settings or RetargetSettings())
        return _together(alone, person, reading.own_clock)
    except UnderstudyError as error:
        if human is not None:
            raise
        return replace(alone, notes=(f"The person is not shown. {error}",))


def _together(alone: Shown, person: _Person, own_clock: bool) -> Shown:
    """The motion with its person beside it."""
    body, motion, settings = alone.body, alone.motion, person.settings
    if not own_clock:  # the file knows a rate only: its first frame is taken to be the recording's first
        motion = replace(motion, time_s=motion.time_s + person.human.time_s[0])
    shown = replace(alone, inspection=person.inspection, one_world=person.is_parent)
    if person.is_parent and motion.joint_names == body.robot.joint_names and _one_clock(motion.time_s, person.human.time_s):
        motion = replace(motion, time_s=person.human.time_s)
        targets = build_targets(body, person.human, settings.weights, person.inspection, settings.hands)
        return replace(shown, motion=motion, human=person.human, targets=targets, notes=person.notes)
    scene = scene_of(body, person.human, motion, person.inspection, one_world=person.is_parent)
    return replace(shown, motion=scene.motion, human=scene.human, notes=(*person.notes, *scene.notes))


def _one_clock(a_s: Array, b_s: Array) -> bool:
    """Whether two series of times are the same, frame for frame, but for how they were rounded."""
    if len(a_s) != len(b_s):
        return False
    step = float(np.median(np.diff(a_s))) if len(a_s) > 1 else 1.0
    return bool(np.abs(a_s - b_s).max() < 0.1 * step)


def _robot_of(path: Path, robot: str | None) -> str:
    named = robot or robot_named_by(path)
    require(named is not None, RobotError, f"{path}: names no robot; say whose motion it is with robot=NAME, or robot=FOLDER.")
    assert named is not None
    try:
        load_robot(named)
    except UnknownNameError as error:
        if robot is None:
            raise RobotError(f"{path}: is a motion of robot {named!r}, which is not shipped; name its folder with robot=FOLDER.") from error
        raise
    return named


def card_path(motion: Path) -> Path:
    """Where the quality card of a motion lies."""
    return motion.with_suffix(".card.json")


def _card(path: Path) -> Mapping[str, Any]:
    """The card beside a motion; empty where there is none that can be read."""
    try:
        card = json.loads(card_path(path).read_text())
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}


def _person_of(path: Path, motion: RobotMotion, card: Mapping[str, Any], human: Path | None, others: RetargetSettings) -> _Person:
    """The recording that was named, or the one that the motion's lineage leads to.

    Raises:
        FileFormatError: there is none, or it is no longer what the motion was made from.
    """
    ours = kind_of(path) == KIND
    settings = _settings_of(path, motion.provenance.config) if ours else others
    parents = {parent.sha256 for parent in motion.provenance.parents if parent.sha256} if ours else set()
    if human is not None:
        require(human.is_file(), FileFormatError, f"{human}: no such file.")
        is_parent = file_sha256(human) in parents
        said = () if is_parent or not ours else (f"{human.name} is not the recording that this motion was made from.",)
        return _prepared(human, settings if is_parent else others, is_parent, said)
    require(ours, FileFormatError, f"{path.name} does not say which recording it was made from; name it with human=FILE.")
    found = _recording(path, motion, card)
    require(
        file_sha256(found) in parents,
        FileFormatError,
        f"{found} has changed since the motion was made from it; name the right one with human=FILE.",
    )
    return _prepared(found, settings, True, ())


def _recording(path: Path, motion: RobotMotion, card: Mapping[str, Any]) -> Path:
    """The recording's file, where the card says or beside the motion."""
    names = [parent.name for parent in motion.provenance.parents]
    places = [path.parent / str(card["recording"])] if card.get("recording") else []
    places += [path.parent / name for name in names if name and Path(name).name == name]
    for place in places:
        if place.is_file() and place.resolve() != path.resolve():
            return place
    looked = ", ".join(str(place) for place in places) or "no file is named"
    raise FileFormatError(f"The recording {', '.join(names) or '(unnamed)'} was not found ({looked}); name it with human=FILE.")


def _prepared(path: Path, settings: RetargetSettings, is_parent: bool, notes: tuple[str, ...]) -> _Person:
    reading = read_recording(path, settings.options, settings.source)
    human, inspection, words = prepared(reading.motion, settings)
    return _Person(human, inspection, settings, is_parent, (*notes, *(f"{key}: {value}" for key, value in words.items())))


def _settings_of(path: Path, config: Mapping[str, Any]) -> RetargetSettings:
    """The settings that a motion says it was made with."""
    parts = {"options": SourceOptions, "weights": TargetWeights, "hands": HandSettings, "smooth": SmoothSettings}
    built: dict[str, Any] = {key: _built(path, key, kind, config.get(key) or {}) for key, kind in parts.items()}
    return RetargetSettings(source=config.get("source"), **built)


def _built(path: Path, key: str, kind: type[_Settings], values: Mapping[str, Any]) -> _Settings:
    """A settings dataclass from the JSON values of a motion's header."""
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    for name in values:
        require(name in known, FileFormatError, f"{path}: made with a setting {key}.{name} that this version does not know.")
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
