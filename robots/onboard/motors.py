"""Motors: gains from what a joint moves and holds, and limits where the URDF states none worth the name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from motion.transform import Array
from robots.kinematics import Kinematics
from robots.onboard.anatomy import Anatomy
from robots.robot import Robot
from robots.urdf import UrdfJoint

SWING_HZ, DAMPING, SAG_RAD = 4.0, 0.7, 0.05
FULL_EFFORT_RAD = (0.1, 0.6)
"""Error at which a motor gives all it has, at least and at most: a leg carries more than what hangs below its joint."""
ARMATURE_PER_NM = 1e-4
"""Rotor inertia at the joint over the motor's effort, kg m2 per Nm: as on a G1, whose rotors are known."""
HIGHEST_SPEED_RADPS, USUAL_SPEED_RADPS = 60.0, 12.0
HIGHEST_EFFORT_NM, LEG_EFFORT, HOLDING_EFFORT, LEAST_EFFORT_NM = 900.0, 0.6, 4.0, 0.5
"""A leg's motor gets this share of the robot's weight times the leg's length (a G1's have 0.4 to 0.7), any other this
multiple of what gravity asks of it at most."""
_POSTURES_N = 32
_GRAVITY = 9.81


@dataclass(frozen=True)
class Limits:
    """What robot.yaml has to say of speed and effort: joint -> value; and a sentence for each kind of trouble."""

    speed_radps: Mapping[str, float]
    effort_nm: Mapping[str, float]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Motor:
    """Gains of one joint: Nm/rad, Nm s/rad, kg m2."""

    kp: float
    kd: float
    armature: float


def placeholders(robot: Robot, joints: tuple[UrdfJoint, ...]) -> tuple[list[str], list[str]]:
    """Joints whose speed, and whose effort, the URDF leaves out, or states as 0 or as a number that no motor has."""
    speed, effort = [], []
    prismatic = {joint.name for joint in joints if joint.kind == "prismatic"}
    for name, fast, strong in zip(robot.joint_names, *_stated(robot, joints), strict=True):
        if not 0 < fast <= HIGHEST_SPEED_RADPS:
            speed.append(name)
        if not (0 < strong <= HIGHEST_EFFORT_NM or (name in prismatic and 0 < strong < np.inf)):
            effort.append(name)
    return speed, effort


def _stated(robot: Robot, joints: tuple[UrdfJoint, ...]) -> tuple[list[float], list[float]]:
    by_name = {joint.name: joint for joint in joints}
    return [by_name[name].speed for name in robot.joint_names], [by_name[name].effort for name in robot.joint_names]


def propose_limits(robot: Robot, anatomy: Anatomy, joints: tuple[UrdfJoint, ...], leg_m: float) -> Limits:
    """Limits for the joints whose own are placeholders.

    Args:
        robot: with the rest posture.
        anatomy: which joints are legs.
        joints: of the URDF.
        leg_m: length of a leg, hip to ankle; 0 without legs.
    """
    fast, strong = placeholders(robot, joints)
    legs = {name for part, chain in anatomy.chains.items() if part.endswith("_leg") for name in chain}
    kinematics = Kinematics(robot)
    holding = dict(zip(robot.joint_names, _holding(robot, kinematics), strict=True))
    standing = LEG_EFFORT * kinematics.mass_kg * _GRAVITY * leg_m
    effort = {name: _rounded(standing if name in legs else max(HOLDING_EFFORT * holding[name], LEAST_EFFORT_NM)) for name in strong}
    speed = dict.fromkeys(fast, USUAL_SPEED_RADPS)
    remarks = []
    if fast:
        said = f"{len(fast)} of {len(robot.joint_names)} joints have no speed limit worth the name in the URDF"
        remarks.append(f"{said}; {USUAL_SPEED_RADPS:g} rad/s was put in its place. Write the motors' own under speed_radps.")
    if strong:
        said = f"{len(strong)} of {len(robot.joint_names)} joints have no effort limit worth the name in the URDF"
        remarks.append(f"{said}; it was estimated from the robot's weight. Write the motors' own under effort_nm.")
    return Limits(speed, effort, tuple(remarks))


def propose_motors(robot: Robot) -> dict[str, Motor]:
    """Gains of every joint.

    kp swings the inertia that the joint moves (the mean over postures, rotor included) at 4 Hz, and at least holds it
    against gravity within 0.05 rad; full effort comes at an error of 0.1 to 0.6 rad. kd damps that to 0.7 of critical.
    The rotor's inertia is 1e-4 kg m2 per Nm of effort.
    """
    kinematics = Kinematics(robot)
    armature = ARMATURE_PER_NM * robot.effort_nm
    moved = kinematics.joint_inertias(_postures(robot)).mean(0) + armature
    swinging = moved * (2 * np.pi * SWING_HZ) ** 2
    stiffest, softest = (robot.effort_nm / error for error in FULL_EFFORT_RAD)
    kp = np.clip(np.maximum(swinging, _holding(robot, kinematics) / SAG_RAD), softest, stiffest)
    kd = 2 * DAMPING * np.sqrt(kp * moved)
    rows = zip(robot.joint_names, kp, kd, armature, strict=True)
    return {name: Motor(*map(_rounded, numbers)) for name, *numbers in rows}


def _postures(robot: Robot) -> Array:
    """(P, J) the rest posture, and others on the way from it to random ones."""
    low, high = np.clip(robot.lower_rad, -np.pi, np.pi), np.clip(robot.upper_rad, -np.pi, np.pi)
    random = np.random.default_rng(0).uniform(low, high, (_POSTURES_N, len(low)))
    return np.vstack([robot.rest_rad, (random + robot.rest_rad) / 2])


def _holding(robot: Robot, kinematics: Kinematics) -> Array:
    """(J,) the largest torque by which gravity pulls at each joint, the base held upright."""
    postures = _postures(robot)
    still = np.zeros_like(postures)
    return np.asarray(np.abs(kinematics.inverse_dynamics(postures, still, still)).max(0))


def _rounded(value: float) -> float:
    """Two digits: these are proposals."""
    return float(f"{value:.2g}")
