"""Contexts and who prompts from them: a clock that waits for grips, and nothing told but the recording and what is seen."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from motion.context import AHEAD, Context, Prompter, with_context
from motion.demonstration import Demonstration
from motion.errors import FileFormatError, MotionError, ShapeError
from tests.motion.contexts import CLOSED, FORCE_N, FRAMES, JOINTS, PERIOD_S, WAIT_S, small_context, small_observation

WAITS = round(WAIT_S / PERIOD_S)


def clocks(force_n: float, periods: int = FRAMES, context: Context | None = None) -> list[float]:
    prompter = Prompter([context or small_context()])
    return [float(prompter.tell(small_observation(step, 1, force_n))["reference_clock_s"][0, 0]) for step in range(periods)]


def demonstration(steps: int) -> Demonstration:
    seen = [small_observation(step, 1, 4.0 if step > CLOSED else 0.0) for step in range(steps)]
    tracks = {name: np.concatenate([one[name] for one in seen]) for name in seen[0]}
    return Demonstration("small", "take", "full", "nominal", "x", 0, PERIOD_S, JOINTS, tracks, np.zeros((steps, 3)), {}, True, 1.0)


def test_the_clock_waits_until_the_grip_is_felt_but_not_for_ever() -> None:
    felt, never = clocks(FORCE_N), clocks(0.0)
    np.testing.assert_allclose(felt, np.arange(FRAMES) * PERIOD_S)
    assert never.count(never[CLOSED]) == 1 + WAITS
    np.testing.assert_allclose(never[CLOSED + WAITS :], felt[CLOSED : FRAMES - WAITS])


def test_a_clock_that_never_waits_goes_with_time() -> None:
    np.testing.assert_allclose(clocks(0.0, context=small_context().unwaiting), np.arange(FRAMES) * PERIOD_S)


def test_what_comes_next_is_told_and_the_last_of_it_held() -> None:
    context, prompter = small_context(), Prompter([small_context()])
    told = [prompter.tell(small_observation(step, 1, FORCE_N)) for step in range(FRAMES + 3)]
    np.testing.assert_array_equal(told[3]["reference_plan_rad"][0], context.plan_rad[3 : 3 + AHEAD])
    np.testing.assert_array_equal(told[3]["reference_before_rad"][0], context.plan_rad[2])
    np.testing.assert_array_equal(told[0]["reference_before_rad"], small_observation(0)["previous_action_rad"])
    np.testing.assert_array_equal(told[-1]["reference_plan_rad"][0], np.tile(context.plan_rad[-1], (AHEAD, 1)))


def test_of_all_things_the_one_at_the_hand_is_told_and_as_it_is_seen() -> None:
    prompter = Prompter([small_context()])
    for step in range(12):
        seen = small_observation(step, 1, FORCE_N)
        told = prompter.tell(seen)
    np.testing.assert_array_equal(told["reference_seen_position_m"][0, 1], seen["thing_position_m"][0, 1])
    assert not told["reference_seen_position_m"][0, 0].any()  # the left hand is at nothing
    assert not told["reference_seen_wxyz"][0, 0].any()


def test_things_of_other_names_in_another_order_are_told_alike() -> None:
    context = small_context()
    renamed = replace(context, things=("dish", "mug"), thing=np.where(context.thing >= 0, 1 - context.thing, -1))
    one, other = Prompter([context]), Prompter([renamed])
    for step in range(FRAMES):
        seen = small_observation(step, 1, FORCE_N)
        swapped = {name: value[:, ::-1] if name.startswith("thing") else value for name, value in seen.items()}
        told, same = one.tell(seen), other.tell(swapped)
        assert all(np.array_equal(told[name], same[name]) for name in told)


def test_robots_side_by_side_are_told_as_each_would_be_alone() -> None:
    contexts = [small_context(0), small_context(1).unwaiting]
    together, alone = Prompter(contexts), [Prompter([context]) for context in contexts]
    for step in range(FRAMES):
        seen = small_observation(step, 2)
        told = together.tell(seen)
        for row, prompter in enumerate(alone):
            own = prompter.tell({name: value[row : row + 1] for name, value in seen.items()})
            assert all(np.array_equal(told[name][row], own[name][0]) for name in own)


def test_a_demonstration_is_told_afterwards_what_it_would_have_been_told() -> None:
    done = with_context(demonstration(20), small_context())
    prompter = Prompter([small_context()])
    needed = ("thing_position_m", "thing_wxyz", "hand_force_n", "previous_action_rad")
    for step in range(20):
        told = prompter.tell({name: done.observations[name][step : step + 1] for name in needed})
        assert all(np.array_equal(done.observations[name][step], told[name][0]) for name in told)
    assert set(demonstration(20).observations) < set(done.observations)


def test_previous_actions_are_those_that_were_wanted() -> None:
    bare = demonstration(20)
    bare = replace(bare, actions=np.random.default_rng(1).standard_normal((20, 3)))
    done = with_context(bare, small_context())
    np.testing.assert_array_equal(done.observations["previous_action_rad"][1:], bare.actions[:-1])
    np.testing.assert_array_equal(done.observations["previous_action_rad"][0], bare.observations["previous_action_rad"][0])


def test_a_context_comes_back_from_its_file(tmp_path: Path) -> None:
    context = small_context()
    context.save(tmp_path / "one.npz")
    found = Context.load(tmp_path / "one.npz")
    for one in fields(Context):
        np.testing.assert_array_equal(getattr(found, one.name), getattr(context, one.name))
    (tmp_path / "text.npz").write_text("none")
    with pytest.raises(FileFormatError):
        Context.load(tmp_path / "text.npz")


def test_what_does_not_fit_is_refused() -> None:
    context = small_context()
    with pytest.raises(ShapeError, match=r"Context.reach is \(40, 2, 3, 5\); \(40, 2, 3, 6\) was wanted"):
        replace(context, reach=context.reach[..., :5])
    with pytest.raises(MotionError, match="2 robots, but 1 contexts"):
        Prompter([context]).tell(small_observation(0, 2))
    with pytest.raises(MotionError, match="3 things are seen"):
        Prompter([context]).tell({**small_observation(0), "thing_position_m": np.zeros((1, 3, 3))})
    with pytest.raises(MotionError, match="the context is for small"):
        with_context(replace(demonstration(5), robot="other"), context)
