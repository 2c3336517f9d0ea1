"""When attempts are taken over, and what is learnt from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.household.takeover import Ideal
from gap.alignment import Comparison, Warp
from gap.errors import ScoreError
from gap.refinement.corrections import Attempt, correct, phase_weights
from gap.refinement.moments import goes_on_at, moments
from gap.refinement.settings import RefinementSettings
from motion.demonstration import Demonstration
from motion.handling import Handling, HandTrack, Hold
from motion.transform import Transform
from tests.gap.refinement.conftest import RaiseHand, ideal_of


def compared(at: np.ndarray, strayed: np.ndarray, phases: tuple[str, ...] = ()) -> Comparison:
    steps = len(at)
    zeros = np.zeros((steps, 1))
    path = Warp(np.arange(steps), at, 0.0)
    return Comparison(path, at, ("elbow",), zeros, {}, {}, {}, phases or ("leave",) * steps, np.zeros(steps), strayed)


def test_a_failure_is_taken_over_from_straying_to_being_stuck() -> None:
    """Strayed at step 100, stuck from step 300 on: at once, half a second before the one, a second after the other, and between."""
    at, strayed = np.minimum(np.arange(500), 305), np.where(np.arange(500) >= 100, 2.0, 0.0)
    found = compared(at, strayed)
    assert moments(found, False, 4, 1.0) == [5, 75, 212, 350]
    assert moments(found, False, 3, 1.0) == [5, 75, 350]
    assert moments(found, False, 1, 1.0) == [75]
    assert moments(found, True, 3, 1.0) == [75]


def test_who_never_strayed_is_not_taken_over_after_a_success() -> None:
    found = compared(np.arange(200), np.zeros(200))
    assert moments(found, True, 2, 1.0) == []
    assert moments(found, False, 1, 1.0) == [169]  # stuck at 194, half a second before
    assert moments(compared(np.arange(8), np.full(8, 2.0)), False, 2, 1.0) == []


@pytest.mark.parametrize(("felt_n", "frame"), [(0.0, 49), (2.0, 80)])
def test_it_goes_on_before_a_grasp_that_was_missed(felt_n: float, frame: int) -> None:
    """The ideal holds the cup from frame 50 on; a hand that feels nothing at frame 80 has missed it."""
    time = np.arange(100) * 0.02
    hand = HandTrack(Transform.identity(100), np.ones(100), np.ones(100))
    handling = Handling(time, {"right": hand}, {"cup": Transform.identity(100)}, (Hold("right", "cup", 1.0, 1.9),))
    found = compared(np.arange(100), np.zeros(100))
    assert goes_on_at(found, 80, handling, np.array([9.0, felt_n]), ("left", "right"), 0.3) == frame


def test_phases_in_which_attempts_stray_weigh_more(held: Attempt) -> None:
    """Means of 0.5 and 4: the first is an eighth of the second, and at least half."""
    phases = ("approach cup",) * 10 + ("hold cup",) * 10
    strayed = np.r_[np.full(10, 0.5), np.full(10, 4.0)]
    attempt = replace(held, comparison=compared(np.arange(20), strayed, phases))
    assert phase_weights([attempt], 0.1) == {"approach cup": 0.125, "hold cup": 1.0}
    assert phase_weights([attempt], 0.5) == {"approach cup": 0.5, "hold cup": 1.0}
    assert phase_weights([replace(held, comparison=compared(np.arange(20), np.zeros(20), phases))], 0.5)["hold cup"] == 1.0


def test_a_correction_is_what_the_controller_did_after_the_attempt(raising: RaiseHand, held: Attempt) -> None:
    assert not held.done.success
    settings = RefinementSettings(takeovers=1, lead_s=0.06, bound_rad=2.0)
    found = correct(raising, [held], settings, {"leave": 0.7}, threads=1)
    assert [own.dropped for own in found] == [""]
    own, done = found[0], found[0].done
    assert done is not None
    assert done.success
    assert done.scene["worker"] == "worker_007"
    assert done.provenance.licence == "CC0"
    assert done.provenance.config["step"] == own.step
    first = max(0, own.step - 3)
    lead = own.step - first
    assert np.array_equal(done.actions[:lead], held.done.actions[first : own.step])
    assert done.signals["action_confidence"].tolist() == [0.0] * lead + [0.7] * (len(done.actions) - lead)
    assert len({len(track) for track in (*done.observations.values(), *done.signals.values(), done.actions)}) == 1


def test_what_the_recording_is_not_sure_of_weighs_less(raising: RaiseHand, held: Attempt) -> None:
    """By hand: 0.7 of the phase times 0.5 of the first action, and 1 of the others."""

    def labelled(done: Demonstration, ideal: Ideal) -> Demonstration:
        assert ideal.recording == "film"
        believed = np.ones(done.actions.shape)
        believed[:, 0] = 0.5
        return replace(done, signals={**done.signals, "action_confidence": believed})

    settings = RefinementSettings(takeovers=1, lead_s=0.06, bound_rad=2.0)
    done = correct(raising, [held], settings, {"leave": 0.7}, threads=1, labelled=labelled)[0].done
    assert done is not None
    trust = done.signals["action_confidence"]
    assert trust.shape == done.actions.shape
    assert np.allclose(trust[-1], [0.35, *[0.7] * (trust.shape[1] - 1)])
    assert not trust[0].any()


def test_how_far_a_correction_went_from_the_attempt(raising: RaiseHand, held: Attempt) -> None:
    settings = RefinementSettings(takeovers=1, bound_rad=2.0, lead_s=9.0)
    own = correct(raising, [held], settings, {}, threads=1)[0]
    assert own.done is not None
    end = min(own.step + 50, len(own.done.actions), len(held.done.actions))
    change = own.done.actions[own.step : end] - held.done.actions[own.step : end]
    assert own.action_change_rad == pytest.approx(np.sqrt(np.mean(change**2)))
    assert 0.0 < own.action_change_rad < 0.9
    hands = (one.observations["hand_position_m"][own.step : end] for one in (own.done, held.done))
    assert own.hand_shift_m == pytest.approx(np.linalg.norm(np.subtract(*hands), axis=-1).max())
    assert 0.04 < own.hand_shift_m < 0.5  # as the chore wants it


def test_corrections_that_fail_or_are_too_far_are_dropped(raising: RaiseHand, held: Attempt) -> None:
    low = replace(held, ideal=ideal_of(raising, held.ideal.seed, raised_rad=0.02))
    found = correct(raising, [low], RefinementSettings(takeovers=1), {}, threads=1)
    assert ["was not reached" in own.dropped for own in found] == [True]
    assert found[0].done is None
    far = correct(raising, [held], RefinementSettings(takeovers=1, bound_rad=1e-4), {}, threads=1)
    assert np.isnan([far[0].action_change_rad, far[0].hand_shift_m]).all()
    assert far[0].dropped == "a joint is more than 0.0001 rad off"


def test_settings_that_make_no_sense_are_refused() -> None:
    for name, value in (("attempts", 0), ("rounds", -1), ("weight", 0.0), ("least_weight", 1.5), ("lead_s", -1.0)):
        with pytest.raises(ScoreError, match=f"refine.{name}="):
            RefinementSettings(**{name: value})  # type: ignore[arg-type]
