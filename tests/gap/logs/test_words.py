"""What names of columns say."""

from __future__ import annotations

import math

import pytest

from gap.logs.words import Column, column_of, scale_of
from motion.errors import UnknownNameError


@pytest.mark.parametrize(
    ("name", "quantity", "joint", "unit"),
    [
        ("time", "time", "", ""),
        ("timestamp_us", "time", "", "us"),
        ("Time [ms]", "time", "", "ms"),
        ("t", "time", "", ""),
        ("position", "position", "", ""),
        ("left_knee_position_rad", "position", "left_knee", "rad"),
        ("left_knee_pos_deg", "position", "left_knee", "deg"),
        ("q_left_knee", "position", "left_knee", ""),
        ("q3", "position", "3", ""),
        ("dq12", "velocity", "12", ""),
        ("shoulder_pan.pos", "position", "shoulder_pan", ""),
        ("elbow.cmd", "command", "elbow", ""),
        ("target_elbow", "command", "elbow", ""),
        ("elbow_target_position_deg", "command", "elbow", "deg"),
        ("elbowTargetPos", "command", "elbow", ""),
        ("elbow_measured_torque", "torque", "elbow", ""),
        ("elbow_desired_torque_nm", "command_torque", "elbow", "Nm"),
        ("elbow/effort", "torque", "elbow", ""),
        ("elbow_desired_velocity", "command_velocity", "elbow", ""),
        ("elbow speed (rpm)", "velocity", "elbow", "rpm"),
        ("velocity_dps", "velocity", "", "deg/s"),
    ],
)
def test_quantity_joint_and_unit(name: str, quantity: str, joint: str, unit: str) -> None:
    assert column_of(name) == Column(quantity, joint, unit)


@pytest.mark.parametrize("name", ["temperature", "index", "elbow", "elbow_position_ms", "desired_acceleration", "motor_current", ""])
def test_other_names_say_nothing(name: str) -> None:
    assert column_of(name) is None


def test_scales() -> None:
    assert scale_of("position", "deg") == pytest.approx(math.pi / 180)
    assert scale_of("velocity", "rpm") * 60 == pytest.approx(2 * math.pi)
    with pytest.raises(UnknownNameError, match="unknown unit of time 'hours'.*Known: ms, ns, s, us"):
        scale_of("time", "hours")
