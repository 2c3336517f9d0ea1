"""The contract of every robot: what robot.yaml says is true of the URDF. Names of the checks read as sentences."""

from __future__ import annotations

import numpy as np

from contracts.base import Check, NotApplicable, hold
from motion.landmarks import SIDES, mirror
from motion.transform import Array, Transform
from robots.collision import SelfCollision
from robots.kinematics import Kinematics
from robots.robot import FramePoint, Robot

STEP = 1e-6
MIRROR_M = 0.008
"""The thumbs of the Psyonic hands differ by 6 mm in their own URDF; everything else shipped mirrors within 1 mm."""
FLAT_M, TOE_M = 1e-3, 0.01
HANGING_DEG, FORWARD_DEG = 40.0, 20.0
_FOLDED_N = 100


def limits_gains_and_rest_are_legal(robot: Robot) -> None:
    """Every joint has a range, its rest lies in it, and speed, effort, acceleration and gains are above 0."""
    beyond = [
        name
        for name, lower, rest, upper in zip(robot.joint_names, robot.lower_rad, robot.rest_rad, robot.upper_rad, strict=True)
        if not (lower < upper and lower <= rest <= upper)
    ]
    hold(not beyond, f"no range (joints that mimic may take it), or rest outside of it: {', '.join(beyond)}")
    numbers = {"speed": robot.speed_radps, "effort": robot.effort_nm, "acceleration": robot.acceleration_radps2}
    for word, values in (numbers | {"kp": robot.kp, "kd": robot.kd}).items():
        hold(bool((values > 0).all()), f"{word} is not above 0: {_names(robot, values <= 0)}")
    hold(bool((robot.armature >= 0).all()), f"armature is below 0: {_names(robot, robot.armature < 0)}")


def _names(robot: Robot, which: np.ndarray) -> str:
    return ", ".join(np.array(robot.joint_names)[which])


def place_at_rest(robot: Robot) -> dict[str, Array]:
    """Landmark -> (3,) m in the rest posture, the base at its height over the floor."""
    return dict(zip(robot.landmarks, Kinematics(robot).landmark_positions(robot.rest_rad, _standing(robot))[0], strict=True))


def _standing(robot: Robot) -> Transform:
    """The base at its height over the floor, upright, as a batch of one."""
    return Transform(np.array([[0, 0, robot.base_height_m]]), np.array([[1.0, 0, 0, 0]]))


def _body(robot: Robot, *parts: str) -> dict[str, Array]:
    """The landmarks at rest of a robot that has these parts on both sides."""
    missing = [name for part in parts for side in SIDES if (name := f"{side}_{part}") not in robot.landmarks]
    if missing:
        raise NotApplicable(f"it has no {missing[0]}")
    return place_at_rest(robot)


def left_mirrors_right_at_rest(robot: Robot) -> None:
    """Landmarks of both sides are mirror images."""
    place = _body(robot, "shoulder", "hip")
    left = place["left_shoulder"] - place["right_shoulder"]
    across, middle = left / np.linalg.norm(left), (place["left_hip"] + place["right_hip"]) / 2
    off = {}
    for landmark, point in place.items():
        other = mirror(landmark)
        hold(other in place, f"{landmark} is there and {other} is not")
        if landmark.startswith("left_"):
            off[landmark] = float(np.abs(place[other] - point + 2 * across * ((point - middle) @ across)).max())
    worst = max(off, key=lambda name: off[name])
    hold(off[worst] <= MIRROR_M, f"{worst} is {1e3 * off[worst]:.0f} mm from where {mirror(worst)} would have it")


def it_stands_at_ease(robot: Robot) -> None:
    """Upright, arms hanging, toes ahead of heels, and left to the left of what is ahead."""
    place = _body(robot, "shoulder", "hip")
    up = np.array([0.0, 0, 1])
    trunk = place["left_shoulder"] + place["right_shoulder"] - place["left_hip"] - place["right_hip"]
    hold(_degrees(trunk, up) < HANGING_DEG, f"the trunk leans by {_degrees(trunk, up):.0f} degrees")
    left = place["left_shoulder"] - place["right_shoulder"]
    for side in SIDES:
        for a, b in (("shoulder", "elbow"), ("elbow", "wrist")):
            if {f"{side}_{a}", f"{side}_{b}"} <= place.keys():
                angle = _degrees(place[f"{side}_{a}"] - place[f"{side}_{b}"], up)
                hold(angle < HANGING_DEG, f"{side}_{a} to {side}_{b} is {angle:.0f} degrees from hanging down")
        if {f"{side}_heel", f"{side}_toe"} <= place.keys():
            foot = place[f"{side}_toe"] - place[f"{side}_heel"]
            angle = _degrees(foot, np.cross(left, up))
            hold(angle < FORWARD_DEG, f"the {side} foot points {angle:.0f} degrees away from ahead, seen from where left is")


def _degrees(a: Array, b: Array) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1))))


def jacobians_agree_with_finite_differences(robot: Robot) -> None:
    """Of every landmark, by every joint and by the base."""
    kinematics, rng = Kinematics(robot), np.random.default_rng(0)
    joints = np.clip(robot.rest_rad + 0.2 * rng.normal(size=len(robot.rest_rad)), robot.lower_rad, robot.upper_rad)
    q = kinematics.configuration(joints, Transform.exp(rng.normal(size=6)))
    tracker = kinematics.tracker(list(robot.landmarks.values()))
    tracker.update(q)
    position, jacobian = tracker.position_m, tracker.position_jacobian
    for column in range(kinematics.tangent_size):
        base, moved = np.zeros(6), joints.copy()
        in_base = column < kinematics.base_dofs
        (base if in_base else moved)[column if in_base else column - kinematics.base_dofs] += STEP
        tracker.update(kinematics.moved(q, base, moved))
        off = float(np.abs((tracker.position_m - position) / STEP - jacobian[:, :, column]).max(initial=0.0))
        what = "the base" if in_base else robot.joint_names[column - kinematics.base_dofs]
        hold(off < 2e-5, f"the Jacobian by {what} is off by {off:.2g}")


def inertias_agree_with_inverse_dynamics(robot: Robot) -> None:
    """The inertia a joint moves is the torque of a unit acceleration of it, less that of holding still."""
    kinematics = Kinematics(robot)
    posture, still = robot.rest_rad[None], np.zeros((1, len(robot.rest_rad)))
    held, inertia = kinematics.inverse_dynamics(posture, still, still)[0], kinematics.joint_inertias(posture)[0]
    for joint, name in enumerate(robot.joint_names):
        pushed = still.copy()
        pushed[0, joint] = 1.0
        torque = kinematics.inverse_dynamics(posture, still, pushed)[0, joint] - held[joint]
        hold(bool(np.isclose(inertia[joint], torque, rtol=1e-6, atol=1e-9)), f"{name}: {inertia[joint]:.4g} against {torque:.4g} kg m2")


def no_links_overlap_at_rest_and_some_do_when_folded_up(robot: Robot) -> None:
    """Self-contact is measured, and is none where the robot stands at ease."""
    collision = SelfCollision(Kinematics(robot))
    if not len(collision.counted.pairs):
        raise NotApplicable("no two links have collision shapes that could meet: self-contact is not seen")
    touching = ", ".join(f"{a} and {b}" for a, b in collision.touching(robot.rest_rad[None]))
    hold(not touching, f"at rest these overlap: {touching}")
    low, high = np.clip(robot.lower_rad, -3, 3), np.clip(robot.upper_rad, -3, 3)
    folded = np.random.default_rng(0).uniform(low, high, (_FOLDED_N, len(robot.rest_rad)))
    hold(bool(collision.frames(folded).any()), f"in {_FOLDED_N} random postures no links meet; are its collision shapes there?")


def standing_at_rest_puts_the_soles_on_the_floor(robot: Robot) -> None:
    """Ankles below knees below hips below shoulders, toes at the floor."""
    place = _feet(robot)
    for side in robot.soles:
        heights = [place[f"{side}_{part}"][2] for part in ("ankle", "knee", "hip", "shoulder") if f"{side}_{part}" in place]
        hold(bool(np.all(np.diff(heights) > 0)), f"ankle, knee, hip and shoulder on the {side} are not above each other")
        toe = float(place[f"{side}_toe"][2])
        hold(abs(toe) < TOE_M, f"{side}_toe is {1e3 * toe:.0f} mm above the floor")


def _feet(robot: Robot) -> dict[str, Array]:
    if not robot.soles:
        raise NotApplicable("it has no soles")
    return place_at_rest(robot)


def the_soles_are_rectangles_flat_on_the_floor(robot: Robot) -> None:
    """Both corners of each edge, left ones to the left, all within a millimetre of the floor at rest."""
    place = _feet(robot)
    kinematics = Kinematics(robot)
    across = place["left_hip"] - place["right_hip"]
    across = across / np.linalg.norm(across)
    for side, sole in robot.soles.items():
        hold(sole.width_m > 0, f"the {side} sole has no width")
        points = [FramePoint(sole.frame, (float(x), float(y), float(z))) for x, y, z in sole.corners_m]
        corners = kinematics.point_positions(points, robot.rest_rad, _standing(robot))[0]
        worst = float(np.abs(corners[:, 2]).max())
        hold(worst < FLAT_M, f"a corner of the {side} sole is {1e3 * worst:.1f} mm off the floor")
        for left, right in ((0, 1), (2, 3)):
            wide = float((corners[left] - corners[right]) @ across)
            hold(
                abs(wide - sole.width_m) < 0.06 * sole.width_m,
                f"the {side} sole's edges do not lie across: {wide:.3f} of {sole.width_m:g} m",
            )


_REPORT = "please report it, with the URDF"
CHECKS: tuple[Check[Robot], ...] = (
    Check("limits, gains and rest are legal", limits_gains_and_rest_are_legal, "`rest_rad:`, `speed_radps:`, `effort_nm:`, `motors:`"),
    Check("left mirrors right at rest", left_mirrors_right_at_rest, "landmarks or rest angles of the sides do not belong together"),
    Check("it stands at ease", it_stands_at_ease, "`rest_rad:`; or left and right are exchanged in `landmarks:`"),
    Check("Jacobians agree with finite differences", jacobians_agree_with_finite_differences, _REPORT),
    Check("inertias agree with inverse dynamics", inertias_agree_with_inverse_dynamics, "a link's inertia in the URDF is no inertia"),
    Check(
        "no links overlap at rest, some do when folded up",
        no_links_overlap_at_rest_and_some_do_when_folded_up,
        "raise the shoulders' roll in `rest_rad:`, list links under `no_collision:`, or `missing_meshes: stand_in`",
    ),
    Check("at rest the soles are on the floor", standing_at_rest_puts_the_soles_on_the_floor, "`soles:`, and legs in `rest_rad:`"),
    Check("the soles are flat rectangles", the_soles_are_rectangles_flat_on_the_floor, "`soles:`, and ankles in `rest_rad:`"),
)
