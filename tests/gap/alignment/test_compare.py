"""How an attempt differs from the ideal, on tracks whose differences are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gap.alignment import Tracks, compare
from gap.alignment.tracks import phases_of
from gap.errors import ScoreError
from motion.errors import UnknownNameError
from motion.handling import Handling, HandTrack, Hold
from motion.transform import Transform, so3_exp

MOMENTS = 50
PHASES = ("approach cup",) * 20 + ("hold cup",) * 30


def placed(x_m: np.ndarray, turn_rad: float = 0.0) -> Transform:
    position = np.stack([x_m, np.zeros_like(x_m), np.zeros_like(x_m)], axis=1)
    return Transform(position, np.tile(so3_exp(np.array([0.0, 0.0, turn_rad])), (len(x_m), 1)))


@pytest.fixture
def ideal() -> Tracks:
    """A hand that goes half a metre along x, with a cup in it from moment 20 on."""
    along = np.linspace(0.0, 0.5, MOMENTS)
    joints = np.stack([along, 0 * along], axis=1)
    return Tracks(("elbow", "wrist"), joints, {"right": placed(along)}, {"cup": placed(np.maximum(along, along[20]))}, ("cup",))


def test_the_same_motion_does_not_differ(ideal: Tracks) -> None:
    found = compare(ideal, ideal, PHASES)
    assert found.strayed.max() == 0.0
    assert found.late_s.tolist() == [0.0] * MOMENTS
    assert found.phases == PHASES


def test_a_pause_is_late_but_does_not_differ(ideal: Tracks) -> None:
    """Ten moments of standing still at moment 30 are 0.2 s."""
    rows = np.r_[0:30, [30] * 10, 30:MOMENTS]
    attempt = replace(
        ideal,
        joint_rad=ideal.joint_rad[rows],
        hands={"right": ideal.hands["right"][rows]},
        things={"cup": ideal.things["cup"][rows]},
    )
    found = compare(attempt, ideal, PHASES)
    assert found.strayed.max() == pytest.approx(0.0, abs=1e-9)
    assert found.late_s[-1] == pytest.approx(0.2)
    assert found.late_s[29] == 0.0


def test_differences_by_joint_hand_thing_and_phase(ideal: Tracks) -> None:
    """From moment 20 on the wrist is 0.1 rad off and the cup lies 3 cm to the side and is turned by 0.2 rad."""
    joints = ideal.joint_rad.copy()
    joints[20:, 1] += 0.1
    cup = ideal.things["cup"]
    aside = cup.position_m + np.array([0.0, 0.03, 0.0])
    turned = np.tile(so3_exp(np.array([0.0, 0.0, 0.2])), (MOMENTS, 1))
    late = np.arange(MOMENTS) >= 20
    moved = Transform(np.where(late[:, None], aside, cup.position_m), np.where(late[:, None], turned, cup.wxyz))
    found = compare(replace(ideal, joint_rad=joints, things={"cup": moved}), ideal, PHASES)
    assert found.by_joint()["elbow"] == pytest.approx(0.0, abs=1e-9)
    assert found.by_joint()["wrist"] == pytest.approx(0.1 * np.sqrt(30 / 50))
    told = {(phase, kind, name): value for phase, kind, name, value in found.differences()}
    assert told["hold cup", "thing_m", "cup"] == pytest.approx(0.03)
    assert told["hold cup", "thing_rad", "cup"] == pytest.approx(0.2)
    assert told["approach cup", "thing_m", "cup"] == 0.0
    assert told["hold cup", "joint_rad", "wrist"] == pytest.approx(0.1)
    phases = found.by_phase()
    assert phases["approach cup"]["strayed"] == 0.0
    assert phases["hold cup"]["strayed"] > 1.0
    assert phases["hold cup"]["share"] == pytest.approx(0.6)


def test_a_turn_about_its_own_vertical_counts_only_on_a_hinge(ideal: Tracks) -> None:
    cup = ideal.things["cup"]
    turned = {"cup": Transform(cup.position_m, np.tile(so3_exp(np.array([0.0, 0.0, 1.5])), (MOMENTS, 1)))}
    tilted = {"cup": Transform(cup.position_m, np.tile(so3_exp(np.array([0.3, 0.0, 0.0])), (MOMENTS, 1)))}
    loose = replace(ideal, hinged=())
    assert compare(replace(loose, things=turned), loose, PHASES).strayed.max() == pytest.approx(0.0, abs=1e-9)
    assert compare(replace(ideal, things=turned), ideal, PHASES).strayed.max() > 1.0
    assert compare(replace(loose, things=tilted), loose, PHASES).thing_rad["cup"] == pytest.approx(np.full(MOMENTS, 0.3))


def test_a_failed_attempt_is_paired_with_what_it_came_to(ideal: Tracks) -> None:
    """The hand goes on, but the cup stays where it was: the attempt never gets far into the holding."""
    attempt = replace(ideal, hands={"right": ideal.hands["right"][[0] * MOMENTS]}, things={"cup": ideal.things["cup"][[0] * MOMENTS]})
    attempt = replace(attempt, joint_rad=ideal.joint_rad[[0] * MOMENTS])
    assert compare(attempt, ideal, PHASES).at.max() == 0


def test_a_thing_that_rests_in_the_ideal_is_not_compared(ideal: Tracks) -> None:
    bowl = placed(np.full(MOMENTS, 0.3))
    away = placed(np.full(MOMENTS, 0.4))
    found = compare(replace(ideal, things={**ideal.things, "bowl": away}), replace(ideal, things={**ideal.things, "bowl": bowl}), PHASES)
    assert set(found.thing_m) == {"cup"}


def test_what_does_not_fit_is_refused(ideal: Tracks) -> None:
    with pytest.raises(ScoreError, match="different joints"):
        compare(replace(ideal, joint_names=("wrist", "elbow")), ideal, PHASES)
    with pytest.raises(ScoreError, match="periods"):
        compare(replace(ideal, period_s=0.1), ideal, PHASES)
    with pytest.raises(ScoreError, match="phases for"):
        compare(ideal, ideal, PHASES[:3])
    with pytest.raises(UnknownNameError, match="unknown thing 'cup'"):
        compare(replace(ideal, things={}), ideal, PHASES)
    with pytest.raises(ScoreError, match="have others"):
        replace(ideal, things={"cup": placed(np.zeros(3))})


def test_phases_follow_the_holds() -> None:
    """A hold from 1 s to 2 s, closed at 1.5 s, and another from 3 s on: one moment each 0.5 s."""
    time = np.arange(0.0, 5.0, 0.5)
    opening = np.where(time < 1.0, 1.0, np.where(time < 1.5, 0.5, 0.0))
    opening[time > 2.0] = 1.0
    opening[time >= 3.0] = 0.0
    hand = HandTrack(Transform.identity(len(time)), opening, np.ones(len(time)))
    things = {name: Transform.identity(len(time)) for name in ("cup", "lid")}
    handling = Handling(time, {"right": hand}, things, (Hold("right", "cup", 1.0, 2.0), Hold("right", "lid", 3.0, 3.5)))
    assert phases_of(handling) == (
        "approach cup",
        "approach cup",
        "grasp cup",
        "hold cup",
        "hold cup",
        "approach lid",
        "hold lid",
        "hold lid",
        "leave",
        "leave",
    )
