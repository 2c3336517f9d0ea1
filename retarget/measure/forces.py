"""Could motors and floor make this motion: joint torques against their limits, and the centre of mass over the feet.

Positions at 30 Hz say little about accelerations, so joints and base are first smoothed by a Savitzky-Golay filter
(cubic, over 0.2 s; the base's quaternion by components, normalised), whose own derivatives are used. Inverse dynamics
then gives the joint torques and the wrench that the world must put on the base. The floor can push only at the soles'
corners, inside a friction cone: its forces are those that carry the base wrench, and among these the ones that load
the joints least (non-negative least squares, the base's rows outweighing the joints', its forces its moments). What is
left of the base wrench is not the joints' fault: it is counted as imbalance. In flight nothing pushes: the base is let
fall as it must, and the joints are judged by what remains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from motion.transform import Array, Transform, matrix_from_wxyz, quaternion_product
from retarget.measure.card import Finding
from retarget.measure.statistics import evenly, mean
from retarget.measure.together import Scene, sole_points
from robots.robot import Robot

GRAVITY_MPS2 = 9.81
_CONE_EDGES_N = 4
_NEAR_M = 0.02
"""A corner carries when it is this near to the floor, or, of a foot that stands, to the foot's lowest point."""
_BASE_WEIGHT = 1000.0
_WEIGHING_LEVER_M = 1.0
"""Moments are weighed as forces on so long a lever that no force beyond the weight is made up to mend a moment."""
_LIFT_SHARE, _LEVER_M = 0.1, 0.05
"""An imbalance is more than this share of the weight, or the weight on this lever."""
_DIRECTIONS_N = 360


@dataclass(frozen=True)
class _Moments:
    """Some moments of the smoothed motion: postures (S, J), poses (S,), tangent velocity and acceleration (S, N)."""

    frame: np.ndarray
    position_rad: Array
    T_world_base: Transform
    velocity: Array
    acceleration: Array


def torques(scene: Scene, frames_n: int, friction: float, smoothing_s: float) -> dict[str, Finding]:
    """Share of some evenly spread frames whose joint torques are within their limits; NaN where the motion is too short."""
    moments = _moments(scene, frames_n, smoothing_s)
    if moments is None:
        return {"torque_feasible_pct": Finding(np.nan), "unbalanced_pct": Finding(np.nan)}
    torque, unbalanced, standing = _torques(scene, moments, friction)
    use = np.abs(torque) / scene.body.robot.effort_nm
    feasible = (use <= 1).all(1)
    unbalanced_pct = 100 * float(unbalanced[standing].mean()) if standing.any() else np.nan
    return {
        "torque_feasible_pct": Finding(100 * float(feasible.mean()), _worst_joint(scene, moments, use)),
        "unbalanced_pct": Finding(unbalanced_pct),
    }


def _worst_joint(scene: Scene, moments: _Moments, use: Array) -> str:
    over = (use > 1).mean(0)
    if not over.any():
        return ""
    joint = int(over.argmax())
    at = scene.motion.time_s[moments.frame[int(use[:, joint].argmax())]]
    name = scene.body.robot.joint_names[joint]
    return f"most often {name} ({100 * over[joint]:.0f} % of the frames, {use[:, joint].max():.1f} times its limit at {at:.2f} s)"


def _moments(scene: Scene, frames_n: int, smoothing_s: float) -> _Moments | None:
    """The smoothed motion at some frames, from every run of solved frames that is long enough to be smoothed."""
    motion = scene.motion
    window = 2 * max(2, round(smoothing_s * motion.rate_hz / 2)) + 1
    spans = motion.solved_spans(window)
    if not spans or not _is_even(motion.time_s):
        return None
    chosen = evenly(np.concatenate([np.arange(span.start, span.stop) for span in spans]), frames_n)
    parts = [_smoothed(scene, span, window) for span in spans]
    position, base, wxyz, velocity, acceleration = (np.concatenate(part) for part in zip(*parts, strict=True))
    rows = np.searchsorted(np.concatenate([np.arange(span.start, span.stop) for span in spans]), chosen)
    return _Moments(chosen, position[rows], Transform(base[rows], wxyz[rows]), velocity[rows], acceleration[rows])


def _is_even(time_s: Array) -> bool:
    dt = np.diff(time_s)
    return len(dt) > 0 and bool(np.abs(dt - np.median(dt)).max() < 0.05 * np.median(dt))


def _smoothed(scene: Scene, span: slice, window: int) -> tuple[Array, Array, Array, Array, Array]:
    """Joints, base position, base wxyz, tangent velocity and acceleration of one run of frames."""
    from scipy.signal import savgol_filter  # only here: it takes half a second, and looking at a motion never needs it

    motion, dt = scene.motion, 1 / scene.motion.rate_hz

    def filtered(track: Array, order: int) -> Array:
        return np.asarray(savgol_filter(track, window, 3, deriv=order, delta=dt, axis=0))

    joints, base = motion.joint_position_rad[span], motion.T_world_base[span]
    position, velocity, acceleration = (filtered(joints, order) for order in range(3))
    if not scene.body.kinematics.base_dofs:
        return position, base.position_m, base.wxyz, velocity, acceleration
    signs = np.cumprod(np.r_[1.0, np.where((base.wxyz[1:] * base.wxyz[:-1]).sum(-1) < 0, -1.0, 1.0)])
    raw = filtered(base.wxyz * signs[:, None], 0)
    wxyz = raw / np.linalg.norm(raw, axis=-1, keepdims=True)
    spin = 2 * quaternion_product(wxyz * [1.0, -1, -1, -1], filtered(wxyz, 1))[..., 1:]
    inverse = np.swapaxes(matrix_from_wxyz(wxyz), -1, -2)
    linear, pull = ((inverse @ filtered(base.position_m, order)[..., None])[..., 0] for order in (1, 2))
    # The velocity is written in the turning base's own frame: its derivative lacks what the turning itself adds.
    twist, twist_rate = np.c_[linear, spin], np.c_[pull - np.cross(spin, linear), filtered(spin, 1)]
    return position, filtered(base.position_m, 0), wxyz, np.c_[twist, velocity], np.c_[twist_rate, acceleration]


def _torques(scene: Scene, moments: _Moments, friction: float) -> tuple[Array, np.ndarray, np.ndarray]:
    """Joint torques (S, J), whether the floor cannot carry the motion (S,), and whether anything stands (S,)."""
    robot, kinematics = scene.body.robot, scene.body.kinematics
    force = kinematics.whole_body_dynamics(moments.position_rad, moments.velocity, moments.acceleration, moments.T_world_base)
    base = kinematics.base_dofs
    rotor = robot.armature * moments.acceleration[:, base:]
    if not base or not robot.soles:  # something holds the base, and it is not the floor
        nobody = np.zeros(len(force), bool)
        return force[:, base:] + rotor, nobody, nobody
    points = [point for sole in robot.soles.values() for point in sole_points(sole)]
    carries = _carrying(scene)[moments.frame]
    standing = carries.any(1)
    torque, left = force[:, 6:] + rotor, force[:, :6].copy()
    pushes = kinematics.point_jacobians(points, moments.position_rad, moments.T_world_base)
    pushes = np.einsum("spdn,ed->spen", pushes, _cone(friction))  # generalised force of one newton along each cone's edge
    for s in np.flatnonzero(standing):
        edges = pushes[s][carries[s]].reshape(-1, pushes.shape[-1])
        torque[s], left[s] = _carried(edges, torque[s], left[s], robot, kinematics.mass_kg)
    flying = ~standing
    if flying.any():
        torque[flying] += _falling(scene, moments, flying, left[flying])
    weight = kinematics.mass_kg * GRAVITY_MPS2
    lifted, turned = np.linalg.norm(left[:, :3], axis=-1), np.linalg.norm(left[:, 3:], axis=-1)
    return torque, (lifted > _LIFT_SHARE * weight) | (turned > _LEVER_M * weight), standing


def _cone(friction: float) -> Array:
    """(E, 3) unit edges of the linearised friction cone about the vertical."""
    angle = np.pi / 4 + 2 * np.pi * np.arange(_CONE_EDGES_N) / _CONE_EDGES_N
    edges = np.c_[friction * np.cos(angle), friction * np.sin(angle), np.ones(_CONE_EDGES_N)]
    return np.asarray(edges / np.linalg.norm(edges, axis=1, keepdims=True))


def _carrying(scene: Scene) -> np.ndarray:
    """(T, P) corners that can carry: of a foot that stands by the person's label those near its lowest, else those near the floor."""
    columns = []
    for side, corners in scene.corner_m.items():
        height = corners[..., 2]
        with np.errstate(invalid="ignore"):
            near = height < _NEAR_M
            lowest = height < height.min(1, keepdims=True) + _NEAR_M
        labelled = scene.stance.get(side, np.zeros(len(height), bool))
        columns.append(np.where(labelled[:, None], lowest, near))
    return np.concatenate(columns, axis=1) if columns else np.zeros((len(scene.motion.time_s), 0), bool)


def _carried(edges: Array, torque: Array, wrench: Array, robot: Robot, mass_kg: float) -> tuple[Array, Array]:
    """Joint torques and what is left of the base wrench once the floor pushes along edges (E, N) as well as it can."""
    weight = mass_kg * GRAVITY_MPS2
    scale = _BASE_WEIGHT / np.r_[np.full(3, weight), np.full(3, weight * _WEIGHING_LEVER_M)]
    rows = np.concatenate([scale, 1 / robot.effort_nm])
    size, _ = nnls(weight * edges.T * rows[:, None], np.concatenate([wrench, torque]) * rows)
    pushed = weight * size @ edges
    return torque - pushed[6:], wrench - pushed[:6]


def _falling(scene: Scene, moments: _Moments, flying: np.ndarray, wrench: Array) -> Array:
    """By how much joint torques (F, J) change once the base accelerates as it must with nothing to hold it."""
    rows = scene.body.kinematics.base_inertia(moments.position_rad[flying], moments.T_world_base[flying])
    change = np.linalg.solve(rows[..., :6], -wrench[..., None])
    return np.asarray((np.swapaxes(rows[..., 6:], -1, -2) @ change)[..., 0])


def support(scene: Scene, frames_n: int) -> dict[str, Finding]:
    """Where the centre of mass is over the standing soles, in some evenly spread frames in which a foot stands."""
    sides = [side for side in scene.corner_m if side in scene.stance]
    standing = np.stack([scene.stance[side] for side in sides], 1) if sides else np.zeros((len(scene.motion.time_s), 0), bool)
    chosen = evenly(np.flatnonzero(standing.any(1) & scene.motion.solved), frames_n)
    if not len(chosen):
        return {"com_inside_pct": Finding(np.nan), "com_margin_mm": Finding(np.nan)}
    motion = scene.motion
    centre = scene.body.kinematics.centre_of_mass(motion.joint_position_rad[chosen], motion.T_world_base[chosen])[:, :2]
    corners = np.concatenate([scene.corner_m[side][chosen, :, :2] for side in sides], axis=1)
    counts = np.repeat(standing[chosen], [scene.corner_m[side].shape[1] for side in sides], axis=1)
    margin = 1e3 * hull_margin(corners, counts, centre)
    where = f"worst, {-margin.min():.0f} mm outside at {motion.time_s[chosen[margin.argmin()]]:.2f} s" if margin.min() < 0 else ""
    return {"com_inside_pct": Finding(100 * float((margin >= 0).mean()), where), "com_margin_mm": Finding(mean(margin))}


def hull_margin(corners: Array, counts: np.ndarray, point: Array) -> Array:
    """(S,) distance of points (S, 2) from the edge of the convex hull of corners (S, C, 2), below 0 outside.

    The distance is the least, over all directions, of the hull's reach beyond the point; directions are a degree apart,
    which is exact to one part in ten thousand.

    Args:
        counts: (S, C) which corners count; at least one in each row.
    """
    angle = 2 * np.pi * np.arange(_DIRECTIONS_N) / _DIRECTIONS_N
    directions = np.stack([np.cos(angle), np.sin(angle)])
    reach = np.where(counts[..., None], (corners - point[:, None]) @ directions, -np.inf).max(1)
    return np.asarray(reach.min(1))
