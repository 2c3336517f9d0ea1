"""Hands on objects: does the robot's hand keep its pose relative to what it holds, while the person's does."""

from __future__ import annotations

import numpy as np

from motion.landmarks import SIDES
from motion.segments import segment_frame
from motion.transform import Array, Transform, matrix_from_wxyz, quaternion_product, so3_log, wxyz_from_matrix
from retarget.measure.card import Finding
from retarget.measure.statistics import mean, worst_at
from retarget.measure.together import Scene
from retarget.object_targets import held, place_in


def objects(scene: Scene) -> dict[str, Finding]:
    """Distance and angle of the wrist from its pose relative to each object, over frames in which the person holds it."""
    away, turned = {}, {}
    for side in SIDES:
        for name in scene.human.objects.keys() & scene.motion.objects.keys():
            person, robot = scene.human.objects[name], scene.motion.objects[name]
            holds = held(scene.human.time_s, scene.human.point, side, person)
            if not holds.any() or f"{side}_wrist" not in scene.landmark_m:
                continue
            palm, hand = _robot_hand(scene, side)
            error = place_in(robot, palm) - place_in(person, scene.human.point(f"{side}_wrist"))
            away[f"{side} hand on {name}"] = np.where(holds, 1e3 * np.linalg.norm(error, axis=-1), np.nan)
            theirs, ours = _relative(person, _person_hand(scene, side)), _relative(robot, hand)
            angle = np.linalg.norm(so3_log(quaternion_product(theirs * [1.0, -1, -1, -1], ours)), axis=-1)
            turned[f"{side} hand on {name}"] = np.where(holds, np.degrees(angle), np.nan)
    return {
        "object_mm": Finding(mean(*away.values()), worst_at(scene.motion.time_s, away, "{:.0f} mm")),
        "object_deg": Finding(mean(*turned.values()), worst_at(scene.motion.time_s, turned, "{:.0f} deg")),
    }


def _robot_hand(scene: Scene, side: str) -> tuple[Array, Array]:
    """The wrist (T, 3) as fixed in the palm, and the hand segment's orientation (T, 4), NaN for a robot without one."""
    body, motion = scene.body, scene.motion
    link = body.link.get(f"{side}_hand")
    if link is None:
        return scene.landmark_m[f"{side}_wrist"], np.full((len(motion.time_s), 4), np.nan)
    pose = body.kinematics.frame_poses([link], motion.joint_position_rad, motion.T_world_base)[:, 0]
    palm = pose.apply(np.array(body.points[f"{side}_wrist_on_palm"].offset_m))
    return palm, wxyz_from_matrix(matrix_from_wxyz(pose.wxyz) @ body.link_R_segment[f"{side}_hand"])


def _person_hand(scene: Scene, side: str) -> Array:
    """Orientation (T, 4) of the person's hand, measured or from landmarks."""
    human, segment = scene.human, f"{side}_hand"
    if segment in human.segments:
        assert human.segment_wxyz is not None
        return human.segment_wxyz[:, human.segments.index(segment)]
    return segment_frame(segment, human.point)[0]


def _relative(track: Transform, wxyz: Array) -> Array:
    return quaternion_product(track.wxyz * [1.0, -1, -1, -1], wxyz)
