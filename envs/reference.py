"""The motion that a robot is to follow, on the control clock: postures, velocities, accelerations, base, landmarks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation, RotationSpline

from envs.model import GANTRY_LEAD_S, TIMESTEP_S, RobotModel
from envs.planar import driven_base, locked_joints, lost_on_wheels
from motion.errors import MotionError, UnknownNameError, require
from motion.provenance import Parent, parent_of
from motion.robot_motion import RobotMotion
from motion.transform import Array, Transform
from robots.kinematics import Kinematics

Unsolved = Literal["refuse", "longest_span"]

PERIOD_S = 0.02
SUBSTEPS = round(PERIOD_S / TIMESTEP_S)
_SHORTEST_S = 0.1


@dataclass(frozen=True)
class Reference:
    """A motion at 50 Hz, T frames; frame k + 1 is where the robot should be after step k.

    Attributes:
        name: of the motion.
        joint_position_rad, joint_velocity_radps, joint_acceleration_radps2: (T, J), within the joint limits.
        T_world_base: batch (T,).
        base_velocity: (6,) of the base at the start: linear (m/s) in the world, angular (rad/s) in the base.
        gantry: (T - 1, S, 7) where the gantry aims during the S physics steps of each period; ahead of the base by
            the gantry's own lag.
        landmark_m: (T, L, 3) in the world.
        lost_height_m, lost_lean_rad: (T,) what a planar base leaves out of the motion's own base; 0 for others.
        parent: what it was made from.
    """

    name: str
    joint_position_rad: Array
    joint_velocity_radps: Array
    joint_acceleration_radps2: Array
    T_world_base: Transform
    base_velocity: Array
    gantry: Array
    landmark_m: Array
    lost_height_m: Array
    lost_lean_rad: Array
    parent: Parent

    @property
    def steps(self) -> int:
        """Control periods from the first frame to the last."""
        return len(self.joint_position_rad) - 1


def make_reference(
    name: str,
    motion: RobotMotion,
    model: RobotModel,
    kinematics: Kinematics,
    unsolved: Unsolved = "refuse",
    parent: Parent | None = None,
) -> Reference:
    """A motion as a reference for one robot model.

    Joints and base positions are cubic splines through the frames (so that velocities and accelerations exist),
    joints clipped to their limits; a fixed base ignores the motion's base, and a planar one keeps what a level base at its
    height can do of it, without the joints of the locked legs.

    Args:
        name: what the motion is called.
        motion: of this robot, at any frame rate.
        model: the robot and its base mode.
        kinematics: of the robot.
        unsolved: what to do about frames without a pose: refuse the motion, or follow its longest solved span.
        parent: of its lineage; made from the motion's own numbers where it is left out.

    Raises:
        MotionError: another robot's motion, unsolved frames, or less than 0.1 s of it.
        UnknownNameError: a joint that is not the robot's.
    """
    require(motion.robot == model.robot.name, MotionError, f"{name}: a motion of robot {motion.robot!r} cannot drive {model.robot.name!r}.")
    span = _span(name, motion, unsolved)
    time = motion.time_s[span] - motion.time_s[span][0]
    require(time[-1] >= _SHORTEST_S, MotionError, f"{name}: {time[-1]:.3f} s of motion; at least {_SHORTEST_S} s is needed.")
    ticks = PERIOD_S * np.arange(int(np.floor(time[-1] / PERIOD_S + 1e-9)) + 1)
    joints = motion.joint_position_rad[span][:, _columns(name, motion, model)]
    position, velocity, acceleration = _joint_tracks(time, joints, ticks, model)
    whole = motion.T_world_base[span]
    bases = _Bases(time, driven_base(whole, model.robot.base_height_m) if model.base_mode == "planar" else whole, model)
    pose, lost = bases.at(ticks), _lost(time, whole, ticks, model)
    return Reference(
        name=name,
        joint_position_rad=position,
        joint_velocity_radps=velocity,
        joint_acceleration_radps2=acceleration,
        T_world_base=pose,
        base_velocity=bases.velocity_at_start(),
        gantry=bases.gantry(len(ticks) - 1),
        landmark_m=kinematics.landmark_positions(position, pose) if model.robot.landmarks else np.zeros((len(ticks), 0, 3)),
        lost_height_m=lost[0],
        lost_lean_rad=lost[1],
        parent=parent or _parent_in_memory(name, motion),
    )


def _lost(time: Array, poses: Transform, ticks: Array, model: RobotModel) -> Array:
    """(2, T) height (m) and lean (rad) that a planar base leaves out of base poses; 0 for others."""
    if model.base_mode != "planar":
        return np.zeros((2, len(ticks)))
    return np.stack([np.interp(ticks, time, track) for track in lost_on_wheels(poses, model.robot.base_height_m)])


def _span(name: str, motion: RobotMotion, unsolved: Unsolved) -> slice:
    if motion.solved.all():
        return slice(0, len(motion.solved))
    missing = np.flatnonzero(~motion.solved)
    spans = motion.solved_spans()
    if unsolved == "longest_span" and spans:
        return max(spans, key=lambda span: span.stop - span.start)
    raise MotionError(
        f"{name}: {len(missing)} of {len(motion.solved)} frames are unsolved (the first is {missing[0]}) and are never made up. "
        "Retarget it again, cut it, or follow its longest solved span (unsolved='longest_span')."
    )


def _columns(name: str, motion: RobotMotion, model: RobotModel) -> np.ndarray:
    """Columns of the motion in the robot's joint order; those of legs that are locked for a planar base are left out."""
    locked = locked_joints(model.robot) if model.base_mode == "planar" else ()
    model.robot.joint_index([joint for joint in motion.joint_names if joint not in locked])
    for joint in model.robot.joint_names:
        if joint not in motion.joint_names:
            raise UnknownNameError("joint", joint, motion.joint_names, f"motion {name}")
    return np.array([motion.joint_names.index(joint) for joint in model.robot.joint_names], int)


def _joint_tracks(time: Array, joints: Array, ticks: Array, model: RobotModel) -> tuple[Array, Array, Array]:
    spline = CubicSpline(time, joints, axis=0)
    wanted = spline(ticks)
    position = np.clip(wanted, model.robot.lower_rad, model.robot.upper_rad)
    inside = position == wanted
    return position, np.where(inside, spline(ticks, 1), 0.0), np.where(inside, spline(ticks, 2), 0.0)


class _Bases:
    """The base between the motion's frames."""

    def __init__(self, time: Array, poses: Transform, model: RobotModel) -> None:
        self._fixed = model.fixed_pose() if model.base_mode == "fixed" else None
        self._end = float(time[-1])
        self._position = CubicSpline(time, poses.position_m, axis=0)
        self._rotation = RotationSpline(time, Rotation.from_quat(poses.wxyz, scalar_first=True))

    def at(self, times: Array) -> Transform:
        """Poses at times (...,), held beyond the ends."""
        if self._fixed is not None:
            shape = np.shape(times)
            return Transform(np.broadcast_to(self._fixed.position_m, (*shape, 3)), np.broadcast_to(self._fixed.wxyz, (*shape, 4)))
        inside = np.clip(times, 0, self._end)
        wxyz = self._rotation(inside.ravel()).as_quat(scalar_first=True).reshape(*inside.shape, 4)
        return Transform(self._position(inside), wxyz)

    def velocity_at_start(self) -> Array:
        if self._fixed is not None:
            return np.zeros(6)
        poses = self.at(np.array([0.0, 1e-4]))
        turn = (poses[0].inverse() @ poses[1]).log()[3:] / 1e-4
        return np.concatenate([self._position(0.0, 1), turn])

    def gantry(self, steps: int) -> Array:
        times = (np.arange(steps)[:, None] * SUBSTEPS + np.arange(SUBSTEPS)) * TIMESTEP_S
        pose = self.at(times + GANTRY_LEAD_S)
        return np.concatenate([pose.position_m, pose.wxyz], axis=-1)


def _parent_in_memory(name: str, motion: RobotMotion) -> Parent:
    digest = hashlib.sha256(repr((motion.robot, motion.joint_names)).encode())
    for track in (motion.time_s, motion.joint_position_rad, motion.T_world_base.position_m, motion.T_world_base.wxyz):
        digest.update(np.ascontiguousarray(track).tobytes())
    return Parent(name, digest.hexdigest(), motion.provenance.licence, motion.provenance.consent)


Motions = RobotMotion | str | Path | Mapping[str, RobotMotion] | Sequence[str | Path]


def named_motions(motions: Motions) -> dict[str, tuple[RobotMotion, Parent]]:
    """Motions and their lineage by name: as given, or the stem of the file; a lone motion is called "motion".

    Raises:
        MotionError: nothing was given, or two files of one name.
        FileFormatError: a file is not a robot motion.
    """
    if isinstance(motions, RobotMotion):
        motions = {"motion": motions}
    if isinstance(motions, Mapping):
        found = {name: (motion, _parent_in_memory(name, motion)) for name, motion in motions.items()}
    else:
        paths = [Path(motions)] if isinstance(motions, str | Path) else [Path(path) for path in motions]
        loaded = [(path, RobotMotion.load(path)) for path in paths]
        found = {path.stem: (motion, parent_of(path, motion.provenance)) for path, motion in loaded}
        require(len(found) == len(paths), MotionError, "two of the motion files have one name; give them as a mapping.")
    require(bool(found), MotionError, "no motion was given.")
    return found
