"""Skin: a robot's meshes on a page."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import viser

from motion.transform import Array, Transform
from robots.kinematics import Kinematics
from robots.meshes import Rgba, extent_m
from robots.robot import Robot
from robots.visuals import VisualShape, robot_visuals, simplified

FACES_N, LEAST_FACES_N, LARGE_M = 450, 90, 0.25
"""Most faces of a shape as large as `LARGE_M`, and of the smallest: robots' descriptions hold up to a million, and browsers
may have to draw without a GPU."""


class Skin:
    """One mesh per colour, whose bones are the links. Browsers move bones with less ado than nodes.

    Args:
        scene: where it is drawn.
        root: name of a node that is there.
        robot, kinematics: the robot.

    Attributes:
        links: the links that are drawn; one of several colours is named once for each.
        bones: of each of them, where it stands in the world.
        missing: a sentence for every mesh that could not be read.
    """

    def __init__(self, scene: viser.SceneApi, root: str, robot: Robot, kinematics: Kinematics) -> None:
        visuals = robot_visuals(robot)
        self.missing, self._kinematics = visuals.missing, kinematics
        self.links: list[str] = []
        self.bones: list[viser.MeshSkinnedBoneHandle] = []
        by_colour: dict[Rgba, list[VisualShape]] = defaultdict(list)
        for shape in visuals.shapes:
            if shape.link in kinematics.frames:
                by_colour[shape.rgba].append(_plain(shape))
        for index, (rgba, shapes) in enumerate(by_colour.items()):
            links = list(dict.fromkeys(shape.link for shape in shapes))
            self.bones += _skinned(scene, f"{root}/{index}", links, shapes, rgba).bones
            self.links += links

    def pose(self, joint_position_rad: Array, T_world_base: Transform) -> None:
        """Put every link where it is.

        Args:
            joint_position_rad: (1, J).
            T_world_base: batch (1,).
        """
        poses = self._kinematics.frame_poses(self.links, joint_position_rad, T_world_base)[0]
        for bone, position, wxyz in zip(self.bones, poses.position_m, poses.wxyz, strict=True):
            bone.position, bone.wxyz = position, wxyz


def _plain(shape: VisualShape) -> VisualShape:
    """A shape with as few faces as its size deserves."""
    share = extent_m(shape.vertices_m) / LARGE_M
    return simplified([shape], int(np.clip(share * FACES_N, LEAST_FACES_N, FACES_N)))[0]


def _skinned(scene: viser.SceneApi, name: str, links: list[str], shapes: list[VisualShape], rgba: Rgba) -> viser.MeshSkinnedHandle:
    """Shapes of one colour as one mesh, every vertex fixed to the bone of its link."""
    starts = np.cumsum([0, *(len(shape.vertices_m) for shape in shapes)])
    owner = np.concatenate([np.full(len(shape.vertices_m), links.index(shape.link)) for shape in shapes])
    return scene.add_mesh_skinned(
        name,
        np.concatenate([shape.vertices_m for shape in shapes]),
        np.concatenate([shape.faces + start for shape, start in zip(shapes, starts, strict=False)]),
        bone_wxyzs=np.tile([1.0, 0.0, 0.0, 0.0], (len(links), 1)),
        bone_positions=np.zeros((len(links), 3)),
        skin_weights=np.eye(len(links))[owner],
        color=np.array(rgba[:3]),
        opacity=rgba[3] if rgba[3] < 1 else None,
        flat_shading=True,
        side="double",
        cast_shadow=False,
        receive_shadow=False,
    )
