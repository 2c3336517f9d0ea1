"""What the page shows of one motion: the person, what the solver was asked for, and the robot. One frame at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import viser

from motion.human import HumanMotion
from motion.landmarks import BODY, BONES
from motion.transform import Array, Transform, normalized, wxyz_from_matrix
from retarget.inspect import Inspection
from retarget.rows import WORLD
from retarget.view.lineage import Shown
from retarget.view.places import size_m
from robots.page.skin import Skin

Colour = tuple[int, int, int]
SEEN: Colour = (225, 95, 10)
INFERRED: Colour = (150, 150, 160)
BROKEN: Colour = (214, 39, 40)
WANTED: Colour = (30, 160, 70)
GUESSED: Colour = (150, 200, 160)
MISSED: Colour = (214, 39, 40)
WAY: Colour = (60, 120, 220)
STANDS: Colour = (190, 60, 190)
OBJECT: Colour = (120, 90, 50)
_SURE = 0.6
"""Landmarks of less confidence than this are shown as inferred: heels that no tracker saw have 0.5."""
_DIRECTION_SHARE = 0.12
"""Length of a wanted direction's line, as a share of the robot's size."""


class RobotLayer:
    """The robot's meshes, and the things that its motion carries."""

    def __init__(self, scene: viser.SceneApi, root: str, shown: Shown) -> None:
        self._shown = shown
        self.node = scene.add_frame(root, show_axes=False)
        self.skin = Skin(scene, root, shown.body.robot, shown.body.kinematics)
        self._objects = _object_nodes(scene, root, shown.motion.objects, size_m(shown))

    def show(self, frame: int, wanted: bool) -> None:
        """Put every link where it is in a frame; a frame without a pose shows no robot."""
        motion = self._shown.motion
        self.node.visible = wanted and bool(motion.solved[frame])
        if not self.node.visible:
            return
        rows = slice(frame, frame + 1)
        self.skin.pose(motion.joint_position_rad[rows], motion.T_world_base[rows])
        _place_objects(self._objects, motion.objects, frame, np.zeros(3))


def _object_nodes(scene: viser.SceneApi, root: str, names: Iterable[str], size: float) -> dict[str, viser.SceneNodeHandle]:
    return {name: _object_node(scene, f"{root}/object_{index}", size) for index, name in enumerate(names)}


def _object_node(scene: viser.SceneApi, name: str, size: float) -> viser.SceneNodeHandle:
    """A box with axes for a thing whose shape nobody knows."""
    edge = 0.05 * size
    node = scene.add_frame(name, axes_length=2 * edge, axes_radius=0.08 * edge)
    scene.add_box(f"{name}/box", color=OBJECT, dimensions=(edge, edge, edge), cast_shadow=False, receive_shadow=False)
    return node


def _place_objects(nodes: dict[str, viser.SceneNodeHandle], tracks: Mapping[str, Transform], frame: int, shift: Array) -> None:
    for name, node in nodes.items():
        pose = tracks[name][frame]
        node.visible = bool(np.isfinite(pose.position_m).all() and np.isfinite(pose.wxyz).all())
        if node.visible:
            node.position, node.wxyz = pose.position_m + shift, pose.wxyz


class Lines:
    """Line segments of which another number may be shown every frame."""

    def __init__(self, scene: viser.SceneApi, name: str, thickness_m: float) -> None:
        self._node = scene.add_line_segments(name, np.zeros((1, 2, 3)), np.zeros((1, 2, 3), np.uint8), thickness=thickness_m, visible=False)

    def show(self, ends: Array, colours: np.ndarray) -> None:
        """Draw segments (N, 2, 3) in colours (N, 3)."""
        self._node.visible = bool(len(ends))
        if len(ends):
            self._node.points = ends.astype(np.float32)
            _recolour(self._node, np.repeat(colours[:, None], 2, axis=1).astype(np.uint8))


class Dots:
    """Points of which another number may be shown every frame."""

    def __init__(self, scene: viser.SceneApi, name: str, size: float) -> None:
        self._node = scene.add_point_cloud(
            name, np.zeros((1, 3), np.float32), np.zeros((1, 3), np.uint8), point_size=size, point_shape="circle", visible=False
        )

    def show(self, points: Array, colours: np.ndarray) -> None:
        """Draw points (N, 3) in colours (N, 3)."""
        self._node.visible = bool(len(points))
        if len(points):
            self._node.points = points.astype(np.float32)
            _recolour(self._node, colours.astype(np.uint8))


def _recolour(node: viser.LineSegmentsHandle | viser.PointCloudHandle, colours: np.ndarray) -> None:
    """Send colours only where they are others than before; most frames have the same."""
    if not np.array_equal(node.colors, colours):
        node.colors = colours


class PersonLayer:
    """The person as a stick figure: what was seen, what was inferred, and what is broken, in different colours."""

    def __init__(self, scene: viser.SceneApi, root: str, human: HumanMotion, inspection: Inspection | None, size: float) -> None:
        self._human = human
        self.node = scene.add_frame(root, show_axes=False)
        names = self._human.landmarks
        bones = [(names.index(a), names.index(b)) for a, b in BONES if a in names and b in names]
        thick = [(a, b) for a, b in bones if names[a] in BODY and names[b] in BODY]
        self._bones = (np.array(thick, int).reshape(-1, 2), np.array([bone for bone in bones if bone not in thick], int).reshape(-1, 2))
        self._lines = Lines(scene, f"{root}/body", 0.022), Lines(scene, f"{root}/hands", 0.006)
        self._dots = Dots(scene, f"{root}/joints", 0.006 if not thick else 0.02)
        self._dotted = np.array([index for index, name in enumerate(names) if name in BODY or not thick], int)
        self._colours = _coloured(human, inspection)
        self._objects = _object_nodes(scene, root, human.objects, size)

    def show(self, frame: int, wanted: bool, shift: Array) -> None:
        """Draw a frame, moved by `shift` (3,)."""
        self.node.visible = wanted
        if not wanted:
            return
        position, colour = self._human.position_m[frame] + shift, self._colours[frame]
        seen = np.isfinite(position).all(axis=1)
        for lines, bones in zip(self._lines, self._bones, strict=True):
            drawn = bones[seen[bones].all(axis=1)]
            sure = (colour[drawn[:, 0]] == SEEN).all(axis=1)
            lines.show(position[drawn], np.where(sure[:, None], colour[drawn[:, 1]], colour[drawn[:, 0]]))
        dots = self._dotted[seen[self._dotted]]
        self._dots.show(position[dots], colour[dots])
        _place_objects(self._objects, self._human.objects, frame, shift)


def _coloured(human: HumanMotion, inspection: Inspection | None) -> np.ndarray:
    """(T, L, 3) the colour of every landmark in every frame."""
    colours = np.where((human.confidence >= _SURE)[..., None], SEEN, INFERRED).astype(np.uint8)
    if inspection is not None and inspection.broken.shape == colours.shape[:2]:
        colours[inspection.broken] = BROKEN
    return colours


class TargetLayer:
    """What the solver was asked for: places, directions, orientations and standing corners, and how far they were missed."""

    def __init__(self, scene: viser.SceneApi, root: str, shown: Shown) -> None:
        assert shown.targets is not None
        self._shown, self._targets = shown, shown.targets
        self.node = scene.add_frame(root, show_axes=False)
        size = size_m(shown)
        self._wanted = Dots(scene, f"{root}/wanted", 0.012 * size**0.5)
        self._stands = Dots(scene, f"{root}/stands", 0.008)
        self._lines = Lines(scene, f"{root}/lines", 0.005 * size**0.5)
        self._length = _DIRECTION_SHARE * size
        links = max(1, len(self._targets.links))
        self._axes = scene.add_batched_axes(
            f"{root}/axes",
            np.tile([1.0, 0, 0, 0], (links, 1)),
            np.zeros((links, 3)),
            axes_length=self._length,
            axes_radius=0.03 * self._length,
            visible=False,
        )

    def show(self, frame: int, wanted: bool) -> None:
        """Draw a frame; without the robot's pose only what is wanted in the world itself."""
        solved = bool(self._shown.motion.solved[frame])
        self.node.visible = wanted and solved
        if not self.node.visible:
            return
        motion, targets, rows = self._shown.motion, self._targets, slice(frame, frame + 1)
        kinematics, joints, base = self._shown.body.kinematics, motion.joint_position_rad[rows], motion.T_world_base[rows]
        place = kinematics.point_positions(targets.points, joints, base)[0]
        start = np.where((targets.vector_from == WORLD)[:, None], 0.0, place[targets.vector_from])
        drawn = targets.vector_weight[frame] > 0
        goal, reached = (start + targets.vector_m[frame])[drawn], place[targets.vector_to][drawn]
        self._wanted.show(goal, _guessed_colours(targets.vector_guessed, frame)[drawn] if drawn.any() else np.zeros((0, 3)))
        missed = np.stack([reached, goal], axis=1)
        ways = self._directions(place, frame)
        colours = np.concatenate([np.tile(MISSED, (len(missed), 1)), np.tile(WAY, (len(ways), 1))])
        self._lines.show(np.concatenate([missed, ways]), colours)
        standing = targets.stick_m[frame][targets.stick_strength[frame] > 0] if targets.stick_m.size else np.zeros((0, 3))
        self._stands.show(standing, np.tile(STANDS, (len(standing), 1)))
        self._orient(frame, joints, base)

    def _directions(self, place: Array, frame: int) -> Array:
        """(N, 2, 3) lines along the wanted directions, from the points where they begin."""
        targets = self._targets
        drawn = targets.direction_weight[frame] > 0
        start = place[targets.direction_from[drawn]]
        return np.stack([start, start + self._length * normalized(targets.direction[frame][drawn])], axis=1)

    def _orient(self, frame: int, joints: Array, base: Transform) -> None:
        targets = self._targets
        drawn = np.flatnonzero(targets.orientation_weight[frame] > 0)
        self._axes.visible = bool(len(drawn))
        if len(drawn):
            poses = self._shown.body.kinematics.frame_poses([targets.links[index] for index in drawn], joints, base)[0]
            self._axes.batched_positions = poses.position_m.astype(np.float32)
            self._axes.batched_wxyzs = wxyz_from_matrix(targets.orientation[frame][drawn]).astype(np.float32)


def _guessed_colours(guessed: np.ndarray | None, frame: int) -> np.ndarray:
    """(K, 3) colours of rows that were seen, and of those that stand in for what was not."""
    assert guessed is not None
    return np.where(guessed[frame][:, None], GUESSED, WANTED)
