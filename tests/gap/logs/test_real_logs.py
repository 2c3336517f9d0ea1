"""Real robots' logs: an arm, a servo, a pendulum and two humanoids, as their makers wrote them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gap.logs import LogOptions, read_logs
from gap.metrics import lag_s
from motion.errors import FileFormatError

SO101 = {
    "Rotation": "shoulder_pan",
    "Pitch": "shoulder_lift",
    "Elbow": "elbow_flex",
    "Wrist_Pitch": "wrist_flex",
    "Wrist_Roll": "wrist_roll",
    "Jaw": "gripper",
}


@pytest.fixture(scope="module")
def robot_logs(data: Path) -> Path:
    """Folder of all of them."""
    return data / "robot_logs"


def test_arm(robot_logs: Path) -> None:
    logs = {log.name: log for log in read_logs(robot_logs / "sage_so101", LogOptions(joints=SO101))}
    assert list(logs) == ["figure_eight", "hold_under_gravity", "pick_place", "step_response"]
    eight = logs["figure_eight"]
    assert eight.joint_names == tuple(SO101.values())
    assert eight.command_rad is not None
    assert eight.period_s == pytest.approx(0.02, abs=1e-4)
    at = eight.at(np.arange(0, eight.time_s[-1], 0.02))
    assert at.command_rad is not None
    assert 0.1 <= lag_s(at.position_rad, at.command_rad, 0.02) <= 0.14


def test_servo(robot_logs: Path) -> None:
    logs = read_logs(robot_logs / "bam_xl330")
    assert len(logs) == 10
    assert {log.joint_names for log in logs} == {("xl330",)}
    assert {log.facts["mass_kg"] for log in logs} == {0.49}
    assert {log.facts["kp"] for log in logs} == {100, 200, 400, 800}
    dropped = next(log for log in logs if log.facts["trajectory"] == "lift_and_drop")
    assert dropped.driven is not None
    assert dropped.driven[0]
    assert not dropped.driven[-1]
    assert all(np.abs(log.signals["load"]).max() < 2000 for log in logs)
    with pytest.raises(FileFormatError, match=r"the format bam has time in s, .*read.units=\{position: deg\} cannot be"):
        read_logs(robot_logs / "bam_xl330", LogOptions(units={"position": "deg"}))


def test_pendulum(robot_logs: Path) -> None:
    logs = read_logs(robot_logs / "dfki_pendulum", LogOptions(units={"position": "rad"}))
    assert [log.name for log in logs] == ["energy_shaping_data_measured", "pd_sysid_data_measured"]
    for log in logs:
        assert log.joint_names == ("joint",)
        assert set(log.tracks()) == {
            "position_rad",
            "command_rad",
            "velocity_radps",
            "torque_nm",
            "command_velocity_radps",
            "command_torque_nm",
        }


def test_humanoid_with_commands(robot_logs: Path) -> None:
    """The maker's pickle and the arrays beside it hold the same."""
    with pytest.raises(FileFormatError, match=r"the format poppy has .*position in deg, .*read.units=\{position: rad\} cannot be"):
        read_logs(robot_logs / "poppy_walk" / "scratchbuf.real.pkl", LogOptions(units={"position": "rad"}))
    pickled = read_logs(robot_logs / "poppy_walk" / "scratchbuf.real.pkl")
    arrays = read_logs(robot_logs / "poppy_walk" / "scratchbuf.real.npz", LogOptions(units={"position": "deg", "velocity": "deg/s"}))
    assert len(pickled) == len(arrays) == 61
    for one, other in zip(pickled, arrays, strict=True):
        assert one.joint_names == other.joint_names
        assert one.command_rad is not None
        assert other.command_rad is not None
        np.testing.assert_allclose(one.position_rad, other.position_rad)
        np.testing.assert_allclose(one.command_rad, other.command_rad)
        np.testing.assert_allclose(one.time_s, other.time_s, atol=1e-12)


def test_humanoid_without_commands(robot_logs: Path) -> None:
    path = robot_logs / "icub_walk" / "walking.mat"
    with pytest.raises(FileFormatError, match="could each be the .* Say which one with read.columns="):
        read_logs(path)
    columns = {"time": "estimatorJointsTime", "position": "estimatorJointsPos", "velocity": "estimatorJointsVel"}
    (log,) = read_logs(path, LogOptions(columns=columns))
    assert log.command_rad is None
    assert len(log) == 1188
    assert len(log.joint_names) == 26
    assert log.period_s == pytest.approx(0.01, rel=0.05)
