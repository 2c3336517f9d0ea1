"""One motion on the page: its three layers, where they stand, and which frame is shown at which time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import viser

from motion.landmarks import SIDES
from motion.transform import Array
from retarget.view.layers import PersonLayer, RobotLayer, TargetLayer, size_m
from retarget.view.lineage import Shown
from retarget.view.traces import marks_of, traces_of


@dataclass(frozen=True)
class Choice:
    """What the user chose to see."""

    person: bool = True
    targets: bool = False
    robot: bool = True
    beside_m: float = 0.9
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
        self.traces = traces_of(shown)
        self.marks = marks_of(shown, self.traces)
        self._place = _followed(_robot_place(shown))
        self._shift = _person_shift(shown, self._place) if shown.human is not None else None
        self.forward = _forward(shown)

    @property
    def is_hand(self) -> bool:
        """Whether the robot is a hand by itself."""
        return not self.shown.body.has("left_hip", "left_shoulder")

    @property
    def left(self) -> Array:
        """(3,) the robot's left in its first frame, level."""
        return np.array([-self.forward[1], self.forward[0], 0.0])

    def place(self, frame: int) -> Array:
        """(3,) where the robot is."""
        return np.asarray(self._place[frame])

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
        if self.person is not None and self._shift is not None:
            self.person.show(frame, choice.person, self._shift[frame] + choice.beside_m * self.left)
        if self.targets is not None:
            self.targets.show(frame, choice.targets)


def _robot_place(shown: Shown) -> Array:
    """(T, 3) the robot's base, or its wrist where it is a hand."""
    motion = shown.motion
    for side in SIDES:
        if not shown.body.has("left_hip", "left_shoulder") and f"{side}_wrist" in shown.body.robot.landmarks:
            wrist = shown.body.robot.landmarks[f"{side}_wrist"]
            return shown.body.kinematics.point_positions([wrist], motion.joint_position_rad, motion.T_world_base)[:, 0]
    return motion.T_world_base.position_m


def _person_shift(shown: Shown, robot: Array) -> Array:
    """(T, 3) what brings the person over the robot: hips over base and floor on floor, or wrist on wrist."""
    human = shown.human
    assert human is not None
    if human.has("left_hip", "right_hip"):
        middle = _followed((human.point("left_hip") + human.point("right_hip")) / 2)
        shift = robot - middle
        shift[:, 2] = -(shown.inspection.floor_m if shown.inspection else 0.0)
        return shift
    side = next((side for side in SIDES if human.has(f"{side}_wrist")), None)
    return robot - (_followed(human.point(f"{side}_wrist")) if side else np.nanmean(human.position_m, axis=(0, 1)))


def _followed(track: Array) -> Array:
    """A track (T, 3) with its gaps filled in, so that a camera can follow it."""
    frames = np.arange(len(track))
    known = np.isfinite(track).all(axis=1)
    if not known.any():
        return np.zeros_like(track)
    return np.stack([np.interp(frames, frames[known], column[known]) for column in track.T], axis=1)


def _forward(shown: Shown) -> Array:
    """(3,) where the robot's base looks in the first frame that has a pose, level."""
    solved = np.flatnonzero(shown.motion.solved)
    ahead = shown.motion.T_world_base[int(solved[0])].rotation()[:, 0] if len(solved) else np.array([1.0, 0, 0])
    level = np.array([ahead[0], ahead[1], 0.0])
    length = np.linalg.norm(level)
    return level / length if length > 0.1 else np.array([1.0, 0.0, 0.0])
