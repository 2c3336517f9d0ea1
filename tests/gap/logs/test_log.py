"""RobotLog: what it refuses, joints and moments chosen from it, and what stands between two moments."""

from __future__ import annotations

import numpy as np
import pytest

from gap.logs import RobotLog
from motion.errors import MotionError, ShapeError, UnknownNameError

TIME = np.array([0.0, 0.1, 0.2, 0.4])


def log(**changes: object) -> RobotLog:
    """Two joints, four moments."""
    told = {"name": "a", "joint_names": ("hip", "knee"), "time_s": TIME, "position_rad": np.arange(8.0).reshape(4, 2)}
    return RobotLog(**{**told, "command_rad": 10 + np.arange(8.0).reshape(4, 2), **changes})  # type: ignore[arg-type]


def test_moments_between_are_interpolated_and_commands_stand() -> None:
    found = log(signals={"voltage_v": np.array([1.0, 2.0, 3.0, 5.0])}, driven=np.array([True, True, False, False])).at(
        np.array([0.05, 0.1, 0.3])
    )
    np.testing.assert_allclose(found.position_rad, [[1, 2], [2, 3], [5, 6]])
    assert found.command_rad is not None
    assert found.driven is not None
    np.testing.assert_allclose(found.command_rad, [[10, 11], [12, 13], [14, 15]])
    np.testing.assert_allclose(found.signals["voltage_v"], [1.5, 2, 4])
    assert found.driven.tolist() == [True, True, False]


def test_what_no_reading_is_near_is_not_known() -> None:
    """Each column has its own readings: the knee is read every second moment; for a second nothing is written down."""
    time_s = np.r_[np.arange(0, 1, 0.1), np.arange(2, 3, 0.1)]
    position = np.column_stack([time_s, 2 * time_s])
    position[1::2, 1] = np.nan
    whole = log(time_s=time_s, position_rad=position, command_rad=position, signals={"heat": np.where(time_s % 1 < 0.05, time_s, np.nan)})
    assert whole.period_s == pytest.approx(0.1)
    wanted_s = np.array([0.0, 0.15, 0.9, 0.95, 1.5, 2.0, 2.05, 2.85])
    found = whole.at(wanted_s)
    hip = np.where(np.abs(wanted_s - 1.45) < 0.52, np.nan, wanted_s)
    np.testing.assert_allclose(found.position_rad[:, 0], hip)
    knee = np.where(np.isin(wanted_s, [0.9, 0.95, 1.5, 2.85]), np.nan, 2 * wanted_s)
    np.testing.assert_allclose(found.position_rad[:, 1], knee)
    assert found.command_rad is not None
    np.testing.assert_allclose(found.command_rad[:, 0], [0.0, 0.1, 0.9, np.nan, np.nan, 2.0, 2.0, 2.8])
    np.testing.assert_allclose(found.signals["heat"], [0.0, 0.15, 0.9, 0.95, 1.5, 2.0, np.nan, np.nan])
    once = log(position_rad=np.column_stack([np.arange(4.0), [np.nan, 1, np.nan, np.nan]])).at(TIME)
    np.testing.assert_array_equal(once.position_rad[:, 1], [np.nan, 1, np.nan, np.nan])


def test_moments_outside_are_refused() -> None:
    with pytest.raises(MotionError, match="lasts from 0 to 0.4 s"):
        log().at(np.array([0.1, 0.5]))


def test_part_begins_at_zero() -> None:
    part = log().between(0.1, 0.4)
    np.testing.assert_allclose(part.time_s, [0, 0.1])
    np.testing.assert_allclose(part.position_rad, [[2, 3], [4, 5]])


def test_joints_by_name() -> None:
    chosen = log(signals={"load": np.arange(8.0).reshape(4, 2)}).of_joints(["knee"])
    assert chosen.joint_names == ("knee",)
    np.testing.assert_allclose(chosen.position_rad[:, 0], [1, 3, 5, 7])
    np.testing.assert_allclose(chosen.signals["load"][:, 0], [1, 3, 5, 7])
    with pytest.raises(UnknownNameError, match="unknown joint 'kne'.*Did you mean 'knee'"):
        log().of_joints(["kne"])


def test_period_is_the_usual_one() -> None:
    assert log().period_s == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"time_s": np.array([0, 0.1, 0.1, 0.2])}, MotionError, "0.1 s comes after 0.1 s, in row 2"),
        ({"time_s": np.array([0, 0.1, np.nan, 0.2])}, MotionError, "time does not rise"),
        ({"position_rad": np.full((4, 2), np.nan)}, MotionError, "no position was measured"),
        ({"torque_nm": np.zeros((4, 3))}, ShapeError, r"torque_nm is \(4, 3\); \(4, 2\) was wanted"),
        ({"joint_names": ("hip", "hip")}, ShapeError, "joint hip is there more than once"),
        ({"driven": np.ones(3, bool)}, ShapeError, "driven does not have 4 values"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, object], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        log(**changes)
