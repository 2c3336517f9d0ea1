"""The rest posture: standing at ease, found by least squares on the frames of the segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import OptimizeResult, least_squares
from scipy.spatial.transform import Rotation

from motion.landmarks import FINGERS, SIDES, mirror
from motion.transform import Array, matrix_from_wxyz
from robots.kinematics import Kinematics, PointTracker
from robots.onboard.anatomy import Anatomy
from robots.onboard.geometry import xyz
from robots.robot import FramePoint, Robot
from robots.urdf import read_urdf

ELBOW_RAD, KNEE_RAD, ARMS_OUT_RAD = 0.35, 0.3, 0.12
_OFF_STOP_RAD, _TINY_RAD = 0.02, 1e-6
_STARTS_N = 8
_MIRROR_PER_M, _NEAR_ZERO = 40.0, 0.02
_WEIGHT: Mapping[str, float] = {"foot": 8.0, "hand": 0.5, "upper_arm": 1.0, "forearm": 1.0, "thigh": 1.5, "shank": 1.5}
_CENTRES = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
_TWIST = 0.5
"""A limb's turn about itself weighs less than where it points: many robots cannot choose it."""


@dataclass(frozen=True)
class Rest:
    """A rest posture.

    Attributes:
        joint_rad: (J,) in the robot's order.
        off_deg: segment -> angle between its frame and the one that is wanted of it.
    """

    joint_rad: Array
    off_deg: Mapping[str, float]


def body_axes(anatomy: Anatomy) -> Array:
    """(3, 3) forward, left and up as columns, in the frame of the root link."""
    return np.stack([anatomy.forward, anatomy.left, anatomy.up], axis=1)


def wanted_turns(arms_out_rad: float = ARMS_OUT_RAD) -> dict[str, Array]:
    """Segment -> (3, 3), its frame at ease, in the body's own axes (x forward, y left, z up)."""
    turns = {name: np.eye(3) for name in ("pelvis", "chest", "head")}
    for side, sign in zip(SIDES, (1, -1), strict=True):
        out = _about("x", sign * arms_out_rad)
        turns |= {f"{side}_upper_arm": out, f"{side}_forearm": out @ _about("y", -ELBOW_RAD)}
        turns |= {f"{side}_hand": out @ _about("y", -ELBOW_RAD), f"{side}_foot": np.eye(3)}
        turns |= {f"{side}_thigh": _about("y", -KNEE_RAD / 2), f"{side}_shank": _about("y", KNEE_RAD / 2)}
    return turns


def _about(axis: str, angle: float) -> Array:
    return np.asarray(Rotation.from_euler(axis, angle).as_matrix())


def find_rest(
    robot: Robot,
    anatomy: Anatomy,
    turned: Mapping[str, Array] | None = None,
    arms_out_rad: float = ARMS_OUT_RAD,
    start_rad: Array | None = None,
) -> Rest:
    """Joint angles of standing at ease, within the limits, alike on both sides; fingers half open.

    Args:
        robot: the URDF's robot; its rest posture and landmarks do not matter.
        anatomy: what it is a body of.
        turned: segment -> (3, 3), its frame in its link, where it is known better than in `anatomy` (feet with soles).
        arms_out_rad: by how much the arms are held away from the body.
        start_rad: (J,) where to look first, and alone; by default zero and some random postures.
    """
    body = _Body(robot, anatomy, turned or {}, wanted_turns(arms_out_rad))
    low, high = body.bounds
    rng = np.random.default_rng(0)
    near = np.clip(body.home, low, high)
    spread = np.minimum(high, near + 1.5) - (floor := np.maximum(low, near - 1.5))
    starts = [near, *(floor + spread * rng.uniform(size=len(low)) for _ in range(_STARTS_N - 1))]
    starts = [np.clip(start_rad, low, high)] if start_rad is not None else starts
    starts = starts if body.segments else []

    def settled(start: Array) -> OptimizeResult:
        return least_squares(body.residual, start, body.jacobian, (low, high), max_nfev=60, x_scale=1.0)

    found = [settled(start) for start in starts]
    if found:  # each side may have settled in a valley of its own: try both for both
        first = min(found, key=lambda result: result.cost).x
        found += [settled(np.clip(both, low, high)) for both in body.alike(first)]
    best = min(found, key=lambda result: result.cost).x if found else near
    posture = np.clip(_half_open(body, best), robot.lower_rad, robot.upper_rad)
    return Rest(posture, body.off_deg(posture))


class _Body:
    """Residuals of a posture: frames against those wanted, sides against each other, joints against zero."""

    def __init__(self, robot: Robot, anatomy: Anatomy, turned: Mapping[str, Array], wanted: Mapping[str, Array]) -> None:
        self.robot, self.anatomy, self.kinematics = robot, anatomy, Kinematics(robot)
        axes = body_axes(anatomy)
        self.segments = [name for name in anatomy.segments if name in wanted and not _is_lone_hand(anatomy, name)]
        self._wanted = np.array([axes @ wanted[name] for name in self.segments]).reshape(-1, 3, 3)
        self._turned = {name: turned.get(name, matrix_from_wxyz(np.array(anatomy.segments[name].wxyz))) for name in self.segments}
        self._axis_weight = np.array([_weights(name) for name in self.segments]).reshape(-1, 3)
        centres = [f"left_{part}" for part in _CENTRES]
        self._pairs = [name for name in centres if {name, mirror(name)} <= anatomy.landmarks.keys()]
        self._flip = np.eye(3) - 2 * np.outer(anatomy.left, anatomy.left)
        self._tracker, self._middle = self._points(), np.zeros(3)
        lifts = {
            joint.name for joint in read_urdf(robot.urdf).joints if joint.kind == "prismatic" and np.isfinite(joint.upper - joint.lower)
        }
        self._lifts = np.array([name in lifts for name in robot.joint_names])
        self._range = np.clip(robot.upper_rad - robot.lower_rad, _TINY_RAD, 2 * np.pi)
        if self._pairs:
            first, second = self._sides(self._place(self.home))
            self._middle = np.mean([first, second], axis=(0, 1))

    @property
    def bounds(self) -> tuple[Array, Array]:
        """(J,) limits, a little inside of the stops."""
        margin = np.minimum(_OFF_STOP_RAD, 0.1 * (self.robot.upper_rad - self.robot.lower_rad))
        low, high = self.robot.lower_rad + margin, self.robot.upper_rad - margin
        return low, np.maximum(high, low + _TINY_RAD)

    def _points(self) -> PointTracker:
        points = []
        for name in self.segments:
            link = self.anatomy.segments[name].link
            points += [FramePoint(link), *(FramePoint(link, xyz(column)) for column in self._turned[name].T)]
        for pair in self._pairs:
            points += [FramePoint(found.frame, found.offset_m) for found in (self.anatomy.landmarks[n] for n in (pair, mirror(pair)))]
        return self.kinematics.tracker(points)

    def _place(self, joints: Array) -> Array:
        self._tracker.update(self.kinematics.configuration(joints))
        return self._tracker.position_m

    def _sides(self, place: Array) -> tuple[Array, Array]:
        pairs = place[4 * len(self.segments) :].reshape(-1, 2, 3)
        return pairs[:, 0], pairs[:, 1]

    def _axes(self, place: Array) -> Array:
        """(S, 3, 3) frames of the segments, axes as columns."""
        points = place[: 4 * len(self.segments)].reshape(-1, 4, 3)
        return np.asarray((points[:, 1:] - points[:, :1]).transpose(0, 2, 1))

    def residual(self, joints: Array) -> Array:
        """(R,) of a posture (J,)."""
        place = self._place(joints)
        frames = (self._axes(place) - self._wanted) * self._axis_weight[:, None, :]
        left, right = self._sides(place)
        apart = (left - self._middle) @ self._flip - (right - self._middle)
        return np.concatenate([frames.ravel(), _MIRROR_PER_M * apart.ravel(), _NEAR_ZERO * (joints - self.home) / self._range])

    @property
    def home(self) -> Array:
        """(J,) zero, as near as the limits allow; lifts half way up."""
        lower, upper = self.robot.lower_rad, self.robot.upper_rad
        home = np.clip(0.0, lower, upper)
        home[self._lifts] = (lower[self._lifts] + upper[self._lifts]) / 2
        return home

    def jacobian(self, joints: Array) -> Array:
        """(R, J) of the same."""
        self._place(joints)
        slope = self._tracker.position_jacobian[:, :, self.kinematics.base_dofs :]
        points = slope[: 4 * len(self.segments)].reshape(-1, 4, 3, slope.shape[-1])
        frames = (points[:, 1:] - points[:, :1]).transpose(0, 2, 1, 3) * self._axis_weight[:, None, :, None]
        pairs = slope[4 * len(self.segments) :].reshape(-1, 2, 3, slope.shape[-1])
        apart = np.einsum("pij,ik->pkj", pairs[:, 0], self._flip) - pairs[:, 1]
        rows = [part.reshape(-1, slope.shape[-1]) for part in (frames, _MIRROR_PER_M * apart)]
        return np.concatenate([*rows, np.diag(_NEAR_ZERO / self._range)])

    def alike(self, joints: Array) -> list[Array]:
        """The posture (J,) with the right side as the left, and with the left side as the right."""
        sides: list[Array] = []
        for side in SIDES:
            out = joints.copy()
            for source, target, sign in self._partners(side):
                out[target] = sign * joints[source]
            sides.append(out)
        return sides

    def _partners(self, side: str) -> list[tuple[int, int, float]]:
        """Joint of a side, the one in its place on the other side, and the sign between their angles: mirrored, axes turn round."""
        axes = self._joint_axes()
        names = self.robot.joint_names
        out = []
        for part, chain in self.anatomy.chains.items():
            other = self.anatomy.chains.get(mirror(part), ()) if part.startswith(side) else ()
            for a, b in zip(chain, other, strict=False):
                if a in names and b in names and len(chain) == len(other):
                    sign = -1.0 if (self._flip @ axes[a]) @ axes[b] > 0 else 1.0
                    out.append((names.index(a), names.index(b), sign))
        return out

    def _joint_axes(self) -> dict[str, Array]:
        """Joint -> its axis (3,) in the frame of the root, all joints at zero."""
        joints = read_urdf(self.robot.urdf).joints
        poses = self.kinematics.frame_poses([joint.child for joint in joints], np.zeros((1, len(self.robot.joint_names))))[0]
        turns = poses.rotation()
        return {joint.name: turns[index] @ joint.axis for index, joint in enumerate(joints)}

    def off_deg(self, joints: Array) -> dict[str, float]:
        """Segment -> angle between its frame and the wanted one."""
        trace = np.einsum("sij,sij->s", self._axes(self._place(joints)), self._wanted)
        angles = np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1)))
        return dict(zip(self.segments, map(float, angles), strict=True))


def _is_lone_hand(anatomy: Anatomy, segment: str) -> bool:
    """A hand by itself has nothing to hang from: it lies as its URDF has it."""
    return anatomy.kind == "hand"


def _weights(segment: str) -> tuple[float, float, float]:
    part = segment.split("_", 1)[-1]
    weight = _WEIGHT.get(part, 1.0)
    return (_TWIST * weight, _TWIST * weight, weight) if part in ("upper_arm", "forearm") else (weight, weight, weight)


BEND_SHARE, BEND_RAD, HALF = 0.3, 0.5, 0.5
_FINGER_M, _LAZY = 0.05, 0.1
_FLEXES = 0.5
"""A finger's joint bends it where at least this share of the tip's motion goes towards the palm; else it spreads it."""


def _half_open(body: _Body, joints: Array) -> Array:
    """The posture with every finger bent by a third of its range, at most half a radian per joint."""
    out = joints.copy()
    for side in SIDES:
        tips = _tips(body.anatomy, side)
        fingers = {name: tip for name, tip in tips.items() if not name.endswith("thumb")}
        for name, tip in fingers.items():
            out = _bent(body, out, body.anatomy.chains[name], tip, _palm(body, out, side))
        thumb = tips.get(f"{side}_thumb")
        if thumb is not None and fingers:
            meeting = body.kinematics.point_positions([*fingers.values()], out[None])[0, :2].mean(0)
            out = _half_way(body, out, body.anatomy.chains[f"{side}_thumb"], thumb, meeting)
    return out


def _half_way(body: _Body, joints: Array, chain: Sequence[str], tip: FramePoint, meeting: Array) -> Array:
    """The posture with a thumb half way to where its tip is as near to the fingertips as it can be."""
    names = [name for name in chain if name in body.robot.joint_names]
    if not names:
        return joints
    columns = body.robot.joint_index(names)
    low, high = (bound[columns] for bound in body.bounds)
    home = np.clip(joints[columns], low, high)
    posture = joints.copy()

    def apart(angles: Array) -> Array:
        posture[columns] = angles
        tip_m = body.kinematics.point_positions([tip], posture[None])[0, 0]
        return np.concatenate([(tip_m - meeting) / _FINGER_M, _LAZY * (angles - home)])

    nearest = least_squares(apart, home, bounds=(low, high), max_nfev=40).x
    posture[columns] = home + HALF * np.clip(nearest - home, -2 * BEND_RAD, 2 * BEND_RAD)
    return posture


def _tips(anatomy: Anatomy, side: str) -> dict[str, FramePoint]:
    """Finger -> its tip, of all that have joints."""
    names = [f"{side}_{finger}" for finger in FINGERS]
    found = {name: anatomy.landmarks.get(f"{name}_tip") for name in names if name in anatomy.chains}
    return {name: FramePoint(tip.frame, tip.offset_m) for name, tip in found.items() if tip is not None}


def _palm(body: _Body, joints: Array, side: str) -> Array:
    """(3,) out of the palm: to the right of a left hand's own frame, to the left of a right hand's."""
    found = body.anatomy.segments[f"{side}_hand"]
    turn = body.kinematics.frame_poses([found.link], joints[None])[0, 0].rotation() @ matrix_from_wxyz(np.array(found.wxyz))
    return np.asarray(-turn[:, 1] if side == "left" else turn[:, 1])


def _bent(body: _Body, joints: Array, chain: Sequence[str], tip: FramePoint, towards: Array) -> Array:
    """The posture with a finger's joints turned so that its tip goes that way."""
    out, robot = joints.copy(), body.robot
    for name in chain:
        if name not in robot.joint_names:
            continue
        index = robot.joint_names.index(name)
        slope = body.kinematics.point_jacobians([tip], joints[None])[0, 0, :, body.kinematics.base_dofs + index]
        share = float(slope @ towards) / max(float(np.linalg.norm(slope)), 1e-9)
        if abs(share) < _FLEXES:
            continue
        stop = robot.upper_rad[index] if share > 0 else robot.lower_rad[index]
        bend = min(BEND_SHARE * abs(stop - joints[index]), BEND_RAD)
        out[index] = joints[index] + np.sign(share) * bend
    return out
