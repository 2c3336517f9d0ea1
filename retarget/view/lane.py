"""One file on the page: what is drawn of it, where it stands, which frame is shown at which time, and what is said of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import final

import numpy as np
import viser

from motion.transform import Array
from retarget.view import words
from retarget.view.layers import PersonLayer, RobotLayer, TargetLayer
from retarget.view.lineage import Shown
from retarget.view.person_traces import person_marks, person_traces, seen_parts
from retarget.view.places import BESIDE_M, Stand, person_shift, person_stand, robot_stand
from retarget.view.recording import Recording
from retarget.view.traces import Mark, Trace, gated_frames, marks_of, traces_of


@dataclass(frozen=True)
class Choice:
    """What the user chose to see."""

    person: bool = True
    targets: bool = False
    robot: bool = True
    beside_m: float = BESIDE_M
    apart_m: float = 2 * BESIDE_M
    follow: bool = True


class Lane(ABC):
    """One file: layers, curves and marks.

    Args:
        scene: where it is drawn.
        root: name of its node.
        path: the file.
        time_s: (T,) its frames.
        stand: where it stands.
        absent: (T,) frames in which there is nobody, `absent_says` why.
    """

    absent_says: str

    def __init__(self, scene: viser.SceneApi, root: str, path: Path, time_s: Array, stand: Stand, absent: np.ndarray) -> None:
        self.path, self.time_s, self.stand, self.absent = path, time_s, stand, absent
        self.node = scene.add_frame(root, show_axes=False)

    @property
    def layers(self) -> frozenset[str]:
        """Which of the layers person, targets and robot it has."""
        return frozenset(name for name in ("person", "targets", "robot") if getattr(self, name, None) is not None)

    @property
    @abstractmethod
    def traces(self) -> tuple[Trace, ...]:
        """The curves; measured when first asked for."""

    @property
    @abstractmethod
    def marks(self) -> tuple[Mark, ...]:
        """The moments that somebody should look at."""

    @property
    @abstractmethod
    def states(self) -> Mapping[str, np.ndarray]:
        """Kind of mark -> (T,) frames that are so, the gravest kind last."""

    @property
    @abstractmethod
    def headline(self) -> str:
        """What it is, in a line of markdown."""

    @property
    @abstractmethod
    def pages(self) -> Mapping[str, str]:
        """Heading of a tab -> what it says of this lane, in markdown."""

    def show(self, frame: int, choice: Choice, aside: Array) -> None:
        """Draw a frame.

        Args:
            frame: of the motion.
            choice: which layers, and how far from one another.
            aside: (3,) where the lane stands beside the first one.
        """
        self.node.position = aside - self.stand.origin_m[frame if choice.follow else 0]
        self._show(frame, choice)

    @abstractmethod
    def _show(self, frame: int, choice: Choice) -> None:
        """Draw the layers of a frame."""


@final
class RobotLane(Lane):
    """A robot's motion with its person and its targets, as far as they are known."""

    absent_says = "no pose"

    def __init__(self, scene: viser.SceneApi, root: str, shown: Shown) -> None:
        super().__init__(scene, root, shown.path, shown.time_s, robot_stand(shown), ~shown.motion.solved)
        self.shown = shown
        self.robot = RobotLayer(scene, f"{root}/robot", shown)
        self.person, self._shift = None, np.zeros((len(shown.time_s), 3))
        if shown.human is not None:
            self.person = PersonLayer(scene, f"{root}/person", shown.human, shown.inspection, self.stand.size_m)
            self._shift = person_shift(shown, self.stand)
        self.targets = TargetLayer(scene, f"{root}/targets", shown) if shown.targets is not None else None

    @cached_property
    def traces(self) -> tuple[Trace, ...]:
        """The motion's curves."""
        return traces_of(self.shown)

    @cached_property
    def marks(self) -> tuple[Mark, ...]:
        """Frames without a pose, with a broken recording, or beyond a bound."""
        return marks_of(self.shown, self.traces)

    @cached_property
    def states(self) -> Mapping[str, np.ndarray]:
        """Frames beyond a bound, broken, or without a pose."""
        return {**gated_frames(self.traces, len(self.time_s)), "broken": self.shown.broken_frames(), "unsolved": self.absent}

    @property
    def headline(self) -> str:
        """The file, the robot and the card's verdict."""
        return words.motion_headline(self.shown)

    @property
    def pages(self) -> Mapping[str, str]:
        """The card, the reading's report and the origin."""
        return words.motion_pages(self.shown, self.robot.skin.missing)

    def shift(self, frame: int) -> Array:
        """(3,) what brings the person over the robot in a frame."""
        return np.asarray(self._shift[frame])

    def _show(self, frame: int, choice: Choice) -> None:
        self.robot.show(frame, choice.robot)
        if self.person is not None:
            self.person.show(frame, choice.person, self.shift(frame) + choice.beside_m * self.stand.left)
        if self.targets is not None:
            self.targets.show(frame, choice.targets)


@final
class PersonLane(Lane):
    """A person's recording by itself."""

    absent_says = "nobody seen"

    def __init__(self, scene: viser.SceneApi, root: str, recording: Recording) -> None:
        self._parts = seen_parts(recording.human)
        nobody = ~np.any([*self._parts.values()], axis=0)
        super().__init__(scene, root, recording.path, recording.time_s, person_stand(recording), nobody)
        self.recording = recording
        self.person = PersonLayer(scene, f"{root}/person", recording.human, recording.inspection, self.stand.size_m)

    @cached_property
    def traces(self) -> tuple[Trace, ...]:
        """How much was seen, and how fast it moves."""
        return person_traces(self.recording)

    @cached_property
    def marks(self) -> tuple[Mark, ...]:
        """Frames that are broken, and parts that are not seen."""
        return person_marks(self.recording)

    @cached_property
    def states(self) -> Mapping[str, np.ndarray]:
        """Frames in which a part is unseen, something is broken, or there is nobody."""
        unseen = ~np.all([*self._parts.values()], axis=0)
        return {"unseen": unseen, "broken": self.recording.inspection.broken_frames(), "unsolved": self.absent}

    @property
    def headline(self) -> str:
        """The file and its length."""
        return words.recording_headline(self.recording)

    @property
    def pages(self) -> Mapping[str, str]:
        """The reading's report and the origin."""
        return words.recording_pages(self.recording)

    def _show(self, frame: int, choice: Choice) -> None:
        self.person.show(frame, choice.person, np.zeros(3))


def lane_of(scene: viser.SceneApi, root: str, item: Shown | Recording) -> Lane:
    """The lane of a motion or a recording."""
    return PersonLane(scene, root, item) if isinstance(item, Recording) else RobotLane(scene, root, item)
