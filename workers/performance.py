"""One take of a chore by one worker: the true motion of the body, before any camera sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from motion.human import Label
from motion.landmarks import LANDMARKS, SIDES, hand_landmarks
from motion.transform import Array, Transform, matrix_from_wxyz, wxyz_from_matrix
from workers.body import PALM_AXES, WorkerBody, pelvis_height_m
from workers.hand_model import HIGHEST_RAD, LOWEST_RAD, finger_points, finger_posture, joined, parted
from workers.minimum_jerk import progress
from workers.paths import Style, Workplace, plan
from workers.posture import PostureSolver, Wishes, everyday_limits, grip_point

SOLVE_HZ = 50.0
_OUTWARD_Y = {"left": 1.0, "right": -1.0}
CROUCH = 0.988
"""Height of the pelvis of somebody who stands at ease, as a part of its height on straight legs."""

_UPRIGHT = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""Rotation of the original's links (y up) in the world when the body stands straight."""


@dataclass(frozen=True)
class Performance:
    """What a body does, as smooth functions of time, sampled at F solved frames.

    Attributes:
        body: whose.
        time_s: (F,).
        joint_position_rad: (F, J).
        T_world_base: poses, batch (F,).
        fingers: side -> (F, 16) finger angles, rad, as `workers.hand_model.joined` stacks them.
        labels: what happens when.
    """

    body: WorkerBody
    time_s: Array
    joint_position_rad: Array
    T_world_base: Transform
    fingers: dict[str, Array]
    labels: tuple[Label, ...]

    @property
    def duration_s(self) -> float:
        """Length of the take."""
        return float(self.time_s[-1])

    def joints_at(self, time_s: Array) -> Array:
        """Joint positions (T, J), rad, within the joints' limits."""
        lower, upper = everyday_limits(self.body)
        return np.clip(CubicSpline(self.time_s, self.joint_position_rad)(time_s), lower, upper)

    def base_at(self, time_s: Array) -> Transform:
        """Poses of the base, batch (T,)."""
        wxyz = CubicSpline(self.time_s, self.T_world_base.wxyz)(time_s)
        return Transform(CubicSpline(self.time_s, self.T_world_base.position_m)(time_s), wxyz / np.linalg.norm(wxyz, axis=1, keepdims=True))

    def landmarks_at(self, time_s: Array) -> Array:
        """All landmarks of the vocabulary (T, L, 3), world, m."""
        body = self.body
        joints, base = self.joints_at(time_s), self.base_at(time_s)
        names = tuple(body.robot.landmarks)
        hands = [f"{side}_hand" for side in SIDES]
        points = [*body.robot.landmarks.values()]
        poses = body.kinematics.frame_poses([*(point.frame for point in points), *hands], joints, base)
        offset = np.array([point.offset_m for point in points])
        found = poses[:, : len(points)].apply(np.broadcast_to(offset, (len(time_s), *offset.shape)))
        position = dict(zip(names, np.moveaxis(found, 1, 0), strict=True))
        for index, side in enumerate(SIDES):
            position |= self._fingers_at(side, time_s, poses[:, len(points) + index])
        return np.stack([position[name] for name in LANDMARKS], axis=1)

    def _fingers_at(self, side: str, time_s: Array, hand: Transform) -> dict[str, Array]:
        angles = np.clip(CubicSpline(self.time_s, self.fingers[side])(time_s), LOWEST_RAD, HIGHEST_RAD)
        local = finger_points(self.body.hand, *parted(angles)) @ PALM_AXES[side]
        world = np.einsum("tij,tkj->tki", hand.rotation(), local) + hand.position_m[:, None]
        return dict(zip(hand_landmarks(side)[1:], np.moveaxis(world, 1, 0), strict=True))


def perform(body: WorkerBody, style: Style, chore: str, rng: np.random.Generator) -> Performance:
    """One take of a chore.

    Args:
        body: the worker's body.
        style: how the worker works.
        chore: a name in `workers.paths.CHORES`.
        rng: what makes this take different from the worker's others.
    """
    script = plan(chore, style, workplace(body, style), rng)
    count = int(np.ceil(script.duration_s * SOLVE_HZ)) + 1
    time_s = np.linspace(0.0, script.duration_s, count)
    other_side = "left" if style.main_side == "right" else "right"
    channels = {style.main_side: script.main.at(time_s), other_side: script.other.at(time_s)}
    joints, base = PostureSolver(body).solve(_wishes(body, channels, time_s, rng))
    fingers = {side: joined(*finger_posture(*np.clip(channels[side][:, 6:], -1.0, 1.0).T)) for side in SIDES}
    return Performance(body, time_s, joints, base, fingers, script.labels)


def workplace(body: WorkerBody, style: Style) -> Workplace:
    """The worktop that suits a worker, and where their hands hang."""
    physique = body.physique
    base = Transform(np.array([[0.0, 0.0, body.robot.base_height_m]]), np.array([[1.0, 0, 0, 0]]))
    x, y, z = body.kinematics.point_positions([grip_point(body, "left")], body.robot.rest_rad[None], base)[0, 0]
    rest = np.array([x, y, z, 0.0, 0.20, 0.15, 0.30, 0.10])
    return Workplace(physique.elbow_height_m - style.counter_below_elbow_m, physique.upper_arm_m + physique.forearm_m, rest)


def _wishes(body: WorkerBody, channels: dict[str, Array], time_s: Array, rng: np.random.Generator) -> Wishes:
    grip = {side: _positions(channels[side], side) for side in SIDES}
    palm = {side: palm_rotation(channels[side][:, 3:6], side) for side in SIDES}
    pelvis = np.array([0.0, 0.0, CROUCH * pelvis_height_m(body.physique)]) + sway(time_s, rng)
    gaze = gaze_point(grip, pelvis)
    return Wishes(grip, palm, pelvis, head_rotation(body, gaze), footprints(body, rng), lean_rad(body, grip))


def lean_rad(body: WorkerBody, grip: dict[str, Array]) -> Array:
    """Forward bend of the trunk (T,): people lean before their arms are straight."""
    furthest = np.maximum(*(grip[side][:, 0] for side in SIDES)) / (body.physique.upper_arm_m + body.physique.forearm_m)
    return 0.9 * np.logaddexp(0.0, 12 * (furthest - 0.75)) / 12


def _positions(channels: Array, side: str) -> Array:
    return channels[:, :3] * [1.0, _OUTWARD_Y[side], 1.0]


def palm_rotation(turns: Array, side: str) -> Array:
    """Rotations (T, 3, 3) with columns distal, radial, palmar, from inward, lift and pronation angles (T, 3), rad."""
    mirror = -_OUTWARD_Y[side]
    inward, lift, pronation = turns[:, 0] * mirror, -turns[:, 1], turns[:, 2] * mirror
    hanging = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, mirror], [-1.0, 0.0, 0.0]])  # fingers down, thumb ahead, palm inward
    return _about("z", inward) @ _about("y", lift) @ _about("z", pronation) @ hanging


def _about(axis: str, angle: Array) -> Array:
    half = angle / 2
    wxyz = np.zeros((len(angle), 4))
    wxyz[:, 0], wxyz[:, 1 + "xyz".index(axis)] = np.cos(half), np.sin(half)
    return matrix_from_wxyz(wxyz)


def sway(time_s: Array, rng: np.random.Generator) -> Array:
    """Quiet standing: a few mm of slow sway, and the weight shifted from leg to leg now and then.

    Source: Winter 1995, Gait & Posture 3(4): sway of some mm, mostly below 0.5 Hz.
    """
    hz, phase = rng.uniform(0.08, 0.45, (4, 2)), rng.uniform(0, 2 * np.pi, (4, 2))
    waves = np.sin(2 * np.pi * hz * time_s[:, None, None] + phase).sum(1) * [0.0022, 0.0018]
    side, shift = rng.choice([-1.0, 1.0]), np.zeros(len(time_s))
    at_s, here = rng.uniform(0.5, 2.5), 0.0
    while at_s < time_s[-1] - 1.0:
        there = side * rng.uniform(0.006, 0.022)
        shift += (there - here) * progress(np.clip((time_s - at_s) / rng.uniform(0.9, 1.5), 0, 1))
        at_s, side, here = at_s + rng.uniform(2.0, 4.0), -side, there
    return np.stack([waves[:, 0], waves[:, 1] + shift, np.zeros(len(time_s))], axis=1)


def gaze_point(grip: dict[str, Array], pelvis: Array, distant: Array | None = None) -> Array:
    """Between the hands, nearer the one that is further forward; hanging hands are not looked at, but what is `distant` (T, 3)."""
    ahead = np.stack([np.clip(grip[side][:, 0] - 0.20, 0.0, None) ** 2 for side in SIDES])
    weight = ahead / (ahead.sum(0) + 4e-3)
    distant = pelvis + np.array([3.0, 0.0, 0.2]) if distant is None else distant
    return sum((weight[i][:, None] * grip[side] for i, side in enumerate(SIDES)), (1 - weight.sum(0))[:, None] * distant)


def head_rotation(body: WorkerBody, gaze: Array) -> Array:
    """Head turned toward what is looked at; the eyes do the rest (about a third)."""
    eyes = np.array([0.05, 0.0, 0.93 * body.physique.stature_m])
    ahead = gaze - eyes
    yaw = 0.7 * np.arctan2(ahead[:, 1], ahead[:, 0])
    pitch = 0.65 * np.arctan2(-ahead[:, 2], np.hypot(ahead[:, 0], ahead[:, 1]))
    return _about("z", yaw) @ _about("y", pitch) @ _UPRIGHT


def footprints(body: WorkerBody, rng: np.random.Generator) -> dict[str, Transform]:
    """Feet under the hips and a little apart, toes a little outward."""
    physique, feet = body.physique, {}
    for side in SIDES:
        outward, forward = physique.hip_width_m / 2 + rng.uniform(0.02, 0.05), rng.uniform(-0.015, 0.015)
        turned = _about("z", np.array([_OUTWARD_Y[side] * rng.uniform(0.05, 0.20)]))[0] @ _UPRIGHT
        position = np.array([forward, _OUTWARD_Y[side] * outward, physique.ankle_height_m])
        feet[side] = Transform(position, wxyz_from_matrix(turned))
    return feet
