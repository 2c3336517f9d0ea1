"""One motion on the page: its three layers, where they stand, and which frame is shown at which time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import viser

from motion.transform import Array
from retarget.view.layers import PersonLayer, RobotLayer, TargetLayer
from retarget.view.lineage import Shown
from retarget.view.places import BESIDE_M, forward_of, is_hand, person_shift, robot_place, size_m
from retarget.view.traces import Mark, Trace, marks_of, traces_of


@dataclass(frozen=True)
class Choice:
    """What the user chose to see."""

    person: bool = True
    targets: bool = False
    robot: bool = True
    beside_m: float = BESIDE_M
    apart_m: float = 1.8
    follow: bool = True


class Lane:
    """One motion: layers, curves and marks.

    Args:
        scene: where it is drawn.
        root: name of its node.
        shown: the motion.
    """

    def __init__(self, scene: viser.SceneApi, root: str, shown: Shown) -> None:
        self.shown = shown
        self.node = scene.add_frame(root, show_axes=False)
        self.size_m = size_m(shown)
        self.robot = RobotLayer(scene, f"{root}/robot", shown)
        self.person = PersonLayer(scene, f"{root}/person", shown) if shown.human is not None else None
        self.targets = TargetLayer(scene, f"{root}/targets", shown) if shown.targets is not None else None
        self._place = robot_place(shown)
        self._shift = person_shift(shown, self._place) if shown.human is not None else None
        self.forward = forward_of(shown)

    @cached_property
    def traces(self) -> tuple[Trace, ...]:
        """The motion's curves; measured when first asked for."""
        return traces_of(self.shown)

    @cached_property
    def marks(self) -> tuple[Mark, ...]:
        """The moments that somebody should look at."""
        return marks_of(self.shown, self.traces)

    @property
    def is_hand(self) -> bool:
        """Whether the robot is a hand by itself."""
        return is_hand(self.shown)

    @property
    def left(self) -> Array:
        """(3,) the robot's left in its first frame, level."""
        return np.array([-self.forward[1], self.forward[0], 0.0])

    @property
    def middle(self) -> Array:
        """(3,) the middle of the robot's landmarks from its place, in the first frame that has a pose."""
        motion = self.shown.motion
        frame = int(np.argmax(motion.solved))
        rows = slice(frame, frame + 1)
        points = self.shown.body.kinematics.landmark_positions(motion.joint_position_rad[rows], motion.T_world_base[rows])[0]
        return np.nan_to_num(points.mean(0) - self._place[frame])

    def shift(self, frame: int) -> Array:
        """(3,) what brings the person over the robot in a frame."""
        return np.zeros(3) if self._shift is None else np.asarray(self._shift[frame])

    def show(self, frame: int, choice: Choice, aside: Array) -> None:
        """Draw a frame.

        Args:
            frame: of the motion.
            choice: which layers, and how far from one another.
            aside: (3,) where the lane stands beside the first one.
        """
        away = self._place[frame] * ([1, 1, 1] if self.is_hand else [1, 1, 0]) if choice.follow else np.zeros(3)
        self.node.position = aside - away
        self.robot.show(frame, choice.robot)
        if self.person is not None:
            self.person.show(frame, choice.person, self.shift(frame) + choice.beside_m * self.left)
        if self.targets is not None:
            self.targets.show(frame, choice.targets)
