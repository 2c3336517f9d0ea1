"""A person and a robot on one clock and in one world, and everything that the measures share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from motion.errors import MotionError, require
from motion.human import HumanMotion
from motion.landmarks import SIDES
from motion.resample import human_at
from motion.robot_motion import RobotMotion
from motion.transform import Array, normalized
from retarget.body_map import BodyMap
from retarget.inspect import Inspection, inspect
from retarget.measure.stance import stances_of
from retarget.targets import LIMBS
from robots.robot import FramePoint, Robot, Sole

_SAME_CLOCK_S = 1e-6
_TURNED_DEG = 15.0
_ACROSS = (("right_hip", "left_hip"), ("right_shoulder", "left_shoulder"))


@dataclass(frozen=True)
class Scene:
    """What the measures look at, over the T frames that person and robot share.

    Attributes:
        body, motion: the robot and its motion.
        human: the person on the robot's clock, without what is broken.
        landmark_m: robot's landmark -> (T, 3) in the world.
        corner_m: side -> (T, C, 3) points of the sole's underside; `toe_m`: side -> (T, 3) its toe end.
        stance: side -> (T,) whether the person's foot stands.
        turn_rad: by how much the robot's world is turned about the vertical against the person's.
        notes: what had to be done to bring the two together.
    """

    body: BodyMap
    human: HumanMotion
    motion: RobotMotion
    landmark_m: Mapping[str, Array]
    corner_m: Mapping[str, Array]
    toe_m: Mapping[str, Array]
    stance: Mapping[str, np.ndarray]
    turn_rad: float
    notes: tuple[str, ...]


def scene_of(
    body: BodyMap, human: HumanMotion, motion: RobotMotion, inspection: Inspection | None = None, one_world: bool = False
) -> Scene:
    """Bring a person and a robot's motion together.

    Args:
        body: the robot.
        human: the recording.
        motion: the robot's motion, made by whatever tool.
        inspection: of the recording, on its own clock; found here by default.
        one_world: both are known to share one world, so their headings are not compared.

    Raises:
        MotionError: the motion is another robot's, or the two share no time.
    """
    clean = _without_broken(human, inspection or inspect(human))
    motion = _in_order(body.robot, motion)
    clean, motion, notes = _on_one_clock(clean, motion)
    landmarks, corners, toes = _robot_points(body, motion)
    turn = 0.0 if one_world else _turn_between(clean, landmarks)
    if abs(np.degrees(turn)) < _TURNED_DEG:
        turn = 0.0
    else:
        notes.append(
            f"the robot's world is turned by {np.degrees(turn):.0f} deg about the vertical against the person's; "
            "directions are compared after turning it back."
        )
    stance = stances_of(clean)
    if not stance and body.robot.soles:
        notes.append("the recording shows no toes: slip, drift, float and balance are not measured.")
    return Scene(body, clean, motion, landmarks, corners, toes, stance, turn, tuple(notes))


def sole_points(sole: Sole) -> list[FramePoint]:
    """The corners of a sole's underside, as points of its link."""
    return [FramePoint(sole.frame, (float(x), float(y), float(z))) for x, y, z in sole.corners_m]


def _without_broken(human: HumanMotion, inspection: Inspection) -> HumanMotion:
    if not inspection.broken.any():
        return human
    position = np.where(inspection.broken[..., None], np.nan, human.position_m)
    return replace(human, position_m=position, confidence=np.where(inspection.broken, 0.0, human.confidence))


def _in_order(robot: Robot, motion: RobotMotion) -> RobotMotion:
    """The motion with its joints in the robot's order."""
    if motion.joint_names == robot.joint_names:
        return motion
    missing = [name for name in robot.joint_names if name not in motion.joint_names]
    require(
        not missing,
        MotionError,
        f"the motion (robot {motion.robot}) lacks joints of robot {robot.name}: {', '.join(missing[:6])}{' ...' if missing[6:] else ''}. "
        f"It has: {', '.join(motion.joint_names[:6])} ...",
    )
    columns = [motion.joint_names.index(name) for name in robot.joint_names]
    observed = None if motion.observed is None else motion.observed[:, columns]
    return replace(motion, joint_names=robot.joint_names, joint_position_rad=motion.joint_position_rad[:, columns], observed=observed)


def _on_one_clock(human: HumanMotion, motion: RobotMotion) -> tuple[HumanMotion, RobotMotion, list[str]]:
    """The person on the robot's clock, over the time that both share, and words about what was done."""
    theirs, ours = human.time_s, motion.time_s
    if len(theirs) == len(ours) and np.abs(theirs - ours).max() < _SAME_CLOCK_S:
        return human, motion, []
    shared = (ours >= theirs[0] - _SAME_CLOCK_S) & (ours <= theirs[-1] + _SAME_CLOCK_S)
    require(
        shared.sum() >= 2,
        MotionError,
        f"person ({theirs[0]:.2f}..{theirs[-1]:.2f} s) and robot ({ours[0]:.2f}..{ours[-1]:.2f} s) share less than two frames: "
        "nothing can be compared. Are they the same clip, at the right rates?",
    )
    rows = slice(int(np.argmax(shared)), int(len(shared) - np.argmax(shared[::-1])))
    cut, at = motion.slice(rows), human_at(human, ours[rows])
    notes = []
    if abs(human.rate_hz - motion.rate_hz) > 0.01 * motion.rate_hz:
        notes.append(f"the person ({human.rate_hz:.4g} Hz) was brought onto the robot's clock ({motion.rate_hz:.4g} Hz).")
    whole, kept = max(theirs[-1] - theirs[0], ours[-1] - ours[0]), cut.time_s[-1] - cut.time_s[0]
    if whole - kept > 2.5 / min(human.rate_hz, motion.rate_hz):
        notes.append(f"only the {kept:.2f} s that person and robot share are measured; the longer of the two lasts {whole:.2f} s.")
    return at, cut, notes


def _robot_points(body: BodyMap, motion: RobotMotion) -> tuple[dict[str, Array], dict[str, Array], dict[str, Array]]:
    """Landmarks, sole corners and sole toes in the world, from one pass of forward kinematics."""
    robot, soles = body.robot, body.robot.soles
    wanted = [*robot.landmarks.values()]
    for sole in soles.values():
        wanted += [FramePoint(sole.frame, sole.toe_m), *sole_points(sole)]
    links = list(dict.fromkeys(point.frame for point in wanted))
    poses = body.kinematics.frame_poses(links, motion.joint_position_rad, motion.T_world_base)
    which = np.array([links.index(point.frame) for point in wanted], int)
    points = poses[:, which].apply(np.array([point.offset_m for point in wanted]).reshape(1, -1, 3))
    landmarks = dict(zip(robot.landmarks, np.moveaxis(points, 1, 0), strict=False))
    corners, toes, start = {}, {}, len(robot.landmarks)
    for side, sole in soles.items():
        end = start + 1 + len(sole.corners_m)
        toes[side], corners[side] = points[:, start], points[:, start + 1 : end]
        start = end
    return landmarks, corners, toes


def _turn_between(human: HumanMotion, landmark_m: Mapping[str, Array]) -> float:
    """The turn about the vertical (rad) that brings the person's bones nearest to the robot's, least squares over all frames."""
    sine, cosine = 0.0, 0.0
    for a, b in (*LIMBS, *_ACROSS):
        if a in landmark_m and b in landmark_m:
            u, v = normalized(human.point(b) - human.point(a)), normalized(landmark_m[b] - landmark_m[a])
            sine += float(np.nansum(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]))
            cosine += float(np.nansum(u[:, 0] * v[:, 0] + u[:, 1] * v[:, 1]))
    return float(np.arctan2(sine, cosine))


def labelled_steps(standing: np.ndarray) -> np.ndarray:
    """(T - 1,) steps both of whose frames stand."""
    return standing[1:] & standing[:-1]


def soles_seen(scene: Scene) -> list[str]:
    """Sides with a sole and with labels of the person's foot."""
    return [side for side in SIDES if side in scene.corner_m and side in scene.stance]
