"""Whole-body postures that put the hands where a chore wants them: damped Gauss-Newton, frame after frame.

One least-squares problem per frame: feet stay where they stand (firmly), the grip points of both hands follow their
paths and orientations, the head turns toward the hands, the pelvis keeps over the feet, and every joint is drawn
toward standing at ease by as much as it is stiff. Each residual is divided by the error that it may cost (m or rad).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.errors import MotionError, require
from motion.landmarks import SIDES
from motion.transform import Array, Transform, matrix_from_wxyz
from robots.robot import FramePoint
from workers.body import BASE, PALM_AXES, WorkerBody

_FOOT_M, _FOOT_RAD = 2e-4, 1e-3
_HEAD_RAD = 0.10
_CHANGE_RAD = 0.15
"""What a change against the frame before may cost: keeps postures from wandering where nothing else decides."""

_EASE_RAD = {
    "cervical": 0.35,
    "clavicle": 0.10,
    "shoulder_Y": 0.5,
    "elbow_Y": 0.8,
    "wrist_Z": 0.45,
    "wrist_X": 0.30,
}
_EASE_OTHERS_RAD = 0.9
"""How far a joint strays from its rest as lightly as the others do: the stiffer, the smaller."""

_HELD = 1e12
_LONGEST_STEP = 0.3
"""Longest step of any joint (rad) and of the base (m, rad) in one iteration."""

_FIRST_STEPS = 60
"""Iterations of the first frame, which starts from standing at ease."""

_RANGE_RAD = {
    "lumbar_Z": (-0.25, 1.0),
    "lumbar_X": (-0.35, 0.35),
    "thoracic_Z": (-0.25, 0.6),
    "thoracic_X": (-0.30, 0.30),
    "thoracic_Y": (-0.50, 0.50),
    "cervical_Z": (-0.50, 0.90),
    "cervical_X": (-0.40, 0.40),
    "cervical_Y": (-1.10, 1.10),
    "clavicle_joint_X": (-0.10, 0.45),
    "shoulder_Z": (-0.90, 2.80),
    "shoulder_X": (-0.30, 2.50),
    "shoulder_Y": (-1.00, 1.40),
    "elbow_Z": (0.08, 2.45),
    "elbow_Y": (0.10, 2.95),
    "wrist_Z": (-1.15, 1.15),
    "wrist_X": (-0.55, 0.35),
    "knee_Z": (0.02, 2.4),
}
"""Everyday range of motion, within the limits of the URDF (American Academy of Orthopaedic Surgeons, rounded)."""


@dataclass(frozen=True)
class Firmness:
    """Errors that cost as much as a joint's stray from its ease: the smaller, the firmer.

    Attributes:
        hand_m, hand_rad: of a hand's place and turn.
        pelvis_m, pelvis_rad: of the pelvis over the feet.
        trunk_rad: how far a joint of the trunk strays as lightly as the others do.
    """

    hand_m: float = 3e-3
    hand_rad: float = 0.12
    pelvis_m: float = 0.02
    pelvis_rad: float = 0.06
    trunk_rad: float = 0.10


@dataclass(frozen=True)
class Wishes:
    """What a posture shall do, over T frames. World: z up, metres.

    Attributes:
        grip_m: side -> (T, 3) the grip point of the hand.
        palm: side -> (T, 3, 3) rotations whose columns are the directions distal, radial and palmar of the hand.
        pelvis: (T, 3) position of the pelvis.
        head: (T, 3, 3) rotation of the head's link in the world.
        feet: side -> pose of the foot's link, () the same in all frames, or (T,).
        lean_rad: (T,) how far the trunk bends forward to reach.
    """

    grip_m: dict[str, Array]
    palm: dict[str, Array]
    pelvis_m: Array
    head: Array
    feet: dict[str, Transform]
    lean_rad: Array

    def __len__(self) -> int:
        return len(self.pelvis_m)

    def positions(self) -> Array:
        """(T, 5, 3): grip points, feet, pelvis; left before right."""
        feet = [np.broadcast_to(self.feet[side].position_m, (len(self), 3)) for side in SIDES]
        return np.stack([*(self.grip_m[side] for side in SIDES), *feet, self.pelvis_m], axis=1)

    def rotations(self) -> Array:
        """(T, 6, 3, 3): links of hands, feet, pelvis and head; left before right."""
        hands = [self.palm[side] @ PALM_AXES[side] for side in SIDES]
        still = [*(matrix_from_wxyz(self.feet[side].wxyz) for side in SIDES), np.eye(3)]
        return np.stack([*hands, *(np.broadcast_to(rotation, (len(self), 3, 3)) for rotation in still), self.head], axis=1)


def grip_point(body: WorkerBody, side: str) -> FramePoint:
    """The middle of the palm's surface, fixed in the hand's link."""
    distal, _, palmar = PALM_AXES[side]
    x, y, z = 0.45 * body.physique.hand_length_m * distal + 0.02 * palmar
    return FramePoint(f"{side}_hand", (float(x), float(y), float(z)))


def everyday_limits(body: WorkerBody) -> tuple[Array, Array]:
    """(J,) lower and upper limits in rad: the everyday range, nowhere wider than the URDF's."""
    lower, upper = body.robot.lower_rad.copy(), body.robot.upper_rad.copy()
    for index, name in enumerate(body.robot.joint_names):
        for part, (low, high) in _RANGE_RAD.items():
            if name.endswith(part):
                lower[index], upper[index] = max(lower[index], low), min(upper[index], high)
    return lower, upper


class PostureSolver:
    """Solves the postures of one body.

    Args:
        body: whose.
        firm: what is kept how firmly.
    """

    def __init__(self, body: WorkerBody, firm: Firmness | None = None) -> None:
        firm = firm or Firmness()
        self.body = body
        points = [grip_point(body, side) for side in SIDES]
        points += [FramePoint(f"{side}_foot") for side in SIDES] + [FramePoint(BASE)]
        links = [f"{side}_hand" for side in SIDES] + [f"{side}_foot" for side in SIDES] + [BASE, "middle_head"]
        self._tracker = body.kinematics.tracker([*points, *(point for link in links for point in _axes_of(link))])
        self._lower, self._upper = everyday_limits(body)
        self._lumbar, self._thoracic = body.robot.joint_index(["middle_lumbar_Z", "middle_thoracic_Z"])
        allowed_m = [firm.hand_m, firm.hand_m, _FOOT_M, _FOOT_M, firm.pelvis_m]
        allowed_rad = [firm.hand_rad, firm.hand_rad, _FOOT_RAD, _FOOT_RAD, firm.pelvis_rad, _HEAD_RAD]
        # A small turn by an angle moves the tips of three unit axes by sqrt(2) of it in all.
        turns = np.repeat(1 / np.array(allowed_rad), 9) / np.sqrt(2)
        self._weight = np.concatenate([np.repeat(1 / np.array(allowed_m), 3), turns])
        names = body.robot.joint_names
        at_ease = {"lumbar": firm.trunk_rad, "thoracic": firm.trunk_rad, **_EASE_RAD}
        ease = [next((value for part, value in at_ease.items() if part in name), _EASE_OTHERS_RAD) for name in names]
        self._stiff = np.array(ease) ** -2.0

    def solve(self, wishes: Wishes, steps: int = 3) -> tuple[Array, Transform]:
        """Postures of all frames.

        Args:
            wishes: T frames.
            steps: Gauss-Newton steps per frame; the first frame takes as many as it needs.

        Returns:
            joint positions (T, J), rad, and the pose of the base, batch (T,).

        Raises:
            MotionError: the first posture does not stand on its feet.
        """
        kinematics, joints = self.body.kinematics, self.body.robot.rest_rad.copy()
        positions, rotations = wishes.positions(), wishes.rotations()
        q = kinematics.configuration(joints, Transform(wishes.pelvis_m[0], np.array([1.0, 0, 0, 0])))
        found, bases = np.empty((len(wishes), len(joints))), np.empty((len(wishes), len(q)))
        for t in range(len(wishes)):
            before, ease = joints, self._ease_at(wishes.lean_rad[t])
            for _ in range(steps if t else _FIRST_STEPS):
                q, joints = self._step(q, joints, before if t else joints, ease, positions[t], rotations[t])
            found[t], bases[t] = joints, q
        self._check_feet(bases[0], positions[0])
        return found, kinematics.base_pose(bases)

    def _check_feet(self, q: Array, wanted: Array) -> None:
        self._tracker.update(q)
        slip = np.linalg.norm(self._tracker.position_m[2:4] - wanted[2:4], axis=1).max()
        require(slip < 1e-3, MotionError, f"the first posture stands {slip * 1e3:.1f} mm off its footprints.")

    def _ease_at(self, lean_rad: float) -> Array:
        """Posture (J,) of standing at ease, the trunk bent forward."""
        rest = self.body.robot.rest_rad.copy()
        rest[self._lumbar] += 0.6 * lean_rad
        rest[self._thoracic] += 0.4 * lean_rad
        return rest

    def _step(self, q: Array, joints: Array, before: Array, ease: Array, position: Array, rotation: Array) -> tuple[Array, Array]:
        """One Gauss-Newton step, cut at the joint limits."""
        self._tracker.update(q)
        error, jacobian = self._residuals(position, rotation)
        normal = jacobian.T @ jacobian
        gradient = jacobian.T @ error
        gradient[6:] += self._stiff * (ease - joints) + _CHANGE_RAD**-2 * (before - joints)
        against = ((joints <= self._lower) & (gradient[6:] < 0)) | ((joints >= self._upper) & (gradient[6:] > 0))
        diagonal = np.arange(6, len(gradient))
        # A joint that pushes against its limit is held, and leaves the work to the others.
        normal[diagonal, diagonal] += self._stiff + _CHANGE_RAD**-2 + _HELD * against
        step = np.clip(np.linalg.solve(normal, gradient), -_LONGEST_STEP, _LONGEST_STEP)
        joints = np.clip(joints + step[6:], self._lower, self._upper)
        return self.body.kinematics.moved(q, step[:6], joints), joints

    def _residuals(self, position: Array, rotation: Array) -> tuple[Array, Array]:
        """Weighted errors (69,) and their Jacobian (69, N): positions, then the links' axes as directions."""
        found, moving = self._tracker.position_m, self._tracker.position_jacobian
        count = len(position)
        axes, turning = found[count:].reshape(-1, 4, 3), moving[count:].reshape(-1, 4, 3, moving.shape[-1])
        turn = np.swapaxes(rotation, 1, 2) - (axes[:, 1:] - axes[:, :1])
        error = np.concatenate([(position - found[:count]).ravel(), turn.ravel()])
        rows = np.concatenate([moving[:count], (turning[:, 1:] - turning[:, :1]).reshape(-1, *moving.shape[1:])])
        jacobian = rows.reshape(-1, moving.shape[-1])
        return error * self._weight, jacobian * self._weight[:, None]


def _axes_of(link: str) -> tuple[FramePoint, ...]:
    """Origin and the three unit points of a link: their differences are the columns of its rotation."""
    corners = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    return tuple(FramePoint(link, corner) for corner in corners)
