"""Bounds by construction: whatever path and clock come in, position, speed and acceleration never leave theirs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motion.transform import Array
from retarget.limits import Bounds, chased, fastest, hold_bounds, reachable
from robots import load_robot

SHY = 1e-9
"""What a bound may be passed by, as a share of it: rounding aside, nothing."""
POSITIVE = st.floats(0.05, 50.0)


@dataclasses.dataclass
class Task:
    """A path of joints on some clock, and bounds."""

    path: Array
    time_s: Array
    lower: Array
    upper: Array
    speed: Array
    acceleration: Array

    def held(self) -> tuple[Array, int]:
        out = np.empty_like(self.path)
        return out, hold_bounds(self.path, self.time_s, self.lower, self.upper, self.speed, self.acceleration, out)


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    """Random walks, steps and waves that mean to break every bound, on clocks of 30 to 500 Hz that jitter."""
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    frames, joints, rate = draw(st.integers(2, 60)), 3, draw(st.floats(30.0, 500.0))
    jitter = draw(st.sampled_from([0.0, 0.3, 0.9]))
    time = np.cumsum(rng.uniform(1 - jitter, 1 + jitter, frames)) / rate
    rough = draw(st.sampled_from(["walk", "steps", "waves"]))
    size = draw(st.sampled_from([0.01, 0.3, 5.0]))
    noise = rng.normal(size=(frames, joints))
    smooth = np.sin(time[:, None] * rng.uniform(1, 60, joints))
    shapes = {"walk": np.cumsum(0.2 * noise, axis=0), "steps": np.sign(np.cumsum(noise, axis=0)), "waves": smooth}
    lower = rng.uniform(-2, 1, joints)
    span = np.where(rng.uniform(size=joints) < 0.2, 0.0, rng.uniform(0, 3, joints))
    scale = rng.uniform(0.1, 1, (2, joints))
    return Task(size * shapes[rough], time, lower, lower + span, draw(POSITIVE) * scale[0], 10 * draw(POSITIVE) * scale[1])


def use(path: Array, time_s: Array) -> tuple[Array, Array]:
    """Speeds (T - 1, J), and accelerations (T - 2, J) as retarget/limits.py defines them."""
    dt = np.diff(time_s)[:, None]
    velocity = np.diff(path, axis=0) / dt
    return np.abs(velocity), np.abs(np.diff(velocity, axis=0)) / ((dt[1:] + dt[:-1]) / 2)


@settings(max_examples=300, deadline=None)
@given(tasks())
def test_no_bound_is_ever_passed(task: Task) -> None:
    out, changed = task.held()
    assert (out >= task.lower).all()
    assert (out <= task.upper).all()
    speed, acceleration = use(out, task.time_s)
    # Differences of positions that were rounded: nothing can be said more exactly than this.
    rounding = 8 * np.finfo(float).eps * max(1.0, np.abs(out).max()) / np.diff(task.time_s).min()
    assert (speed <= task.speed * (1 + SHY) + rounding).all()
    assert (acceleration <= task.acceleration * (1 + SHY) + 4 * rounding / np.diff(task.time_s).min()).all()
    assert changed == (out != task.path).sum()


@settings(max_examples=100, deadline=None)
@given(tasks())
def test_what_keeps_its_bounds_stays_as_it_is_bit_for_bit(task: Task) -> None:
    """The outcome of one pass keeps all bounds, and can stop before its limits; with bounds a hair wider it is left alone."""
    held, _ = task.held()
    wide = dataclasses.replace(
        task,
        path=held,
        lower=task.lower - 1e-6,
        upper=task.upper + 1e-6,
        speed=task.speed * (1 + 1e-6),
        acceleration=task.acceleration * (1 + 1e-6) + 1e-4,
    )
    again, changed = wide.held()
    np.testing.assert_array_equal(again, held)
    assert changed == 0


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**31), st.floats(30.0, 500.0), POSITIVE, POSITIVE)
def test_a_next_place_always_exists(seed: int, rate_hz: float, speed: float, acceleration: float) -> None:
    """Whatever is chosen among what is reachable, braking stays reachable: the edges never cross, and keep all bounds."""
    rng = np.random.default_rng(seed)
    lower, upper = -rng.uniform(0, 2), rng.uniform(0, 2)
    here, velocity, last_dt = rng.uniform(lower, upper), 0.0, 0.0
    for _ in range(60):
        dt = rng.uniform(0.2, 3.0) / rate_hz
        low, high = reachable(here, velocity, last_dt, dt, lower, upper, speed, 10 * acceleration)
        assert lower <= low <= high <= upper
        for place in (low, high):
            new = (place - here) / dt
            assert abs(new) <= speed * (1 + SHY) + 1e-12 / dt
            if last_dt:
                assert abs(new - velocity) <= 10 * acceleration * (last_dt + dt) / 2 * (1 + SHY) + 1e-12 / dt
        place = low + (high - low) * rng.choice([0.0, 0.0, 1.0, 1.0, rng.uniform()])
        velocity, last_dt, here = (place - here) / dt, dt, place


def test_the_bounds_are_used_up_and_no_more_is_given_away_than_needed() -> None:
    """By hand: from rest, 2 rad/s2 at 10 Hz: after the first (free) frame the speed rises by 0.2 rad/s a frame up to 1 rad/s."""
    time = np.arange(12) / 10
    path = np.where(np.arange(12) < 2, 0.0, 9.0)[:, None]
    out = np.empty_like(path)
    hold_bounds(path, time, np.array([-10.0]), np.array([10.0]), np.array([1.0]), np.array([2.0]), out)
    speed = np.diff(out[:, 0]) * 10
    np.testing.assert_allclose(speed[:7], [0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.0], atol=1e-12)


@pytest.mark.parametrize("rate_hz", [30.0, 120.0, 500.0])
@pytest.mark.parametrize("size", [0.02, 0.5, 2.0])
def test_a_step_is_approached_without_swinging_past_and_joined(rate_hz: float, size: float) -> None:
    time = np.arange(int(4 * rate_hz)) / rate_hz
    path = np.where(time < 0.1, 0.0, size)[:, None]
    out = np.empty_like(path)
    hold_bounds(path, time, np.array([-3.0]), np.array([3.0]), np.array([4.0]), np.array([30.0]), out)
    assert (np.diff(out[:, 0]) >= -1e-12).all()
    assert (out <= size + 1e-15).all()
    assert (out[-1] == size).all()
    least = size / 4.0 + 4.0 / 30.0 + 0.1 if size > 16 / 30 else 0.1 + 2 * np.sqrt(size / 30)
    arrived = time[np.argmax(out[:, 0] > 0.99 * size)]
    assert arrived < 0.1 + 2.5 * (least - 0.1) + 4 / rate_hz, "half of the acceleration is kept for the path's own"


@pytest.mark.parametrize("rate_hz", [60.0, 200.0])
def test_a_path_that_moves_is_caught_up_and_followed_again(rate_hz: float) -> None:
    """A wave with a jump in it: the wave before it is untouched, and some time after it the motion is the wave again."""
    time = np.arange(int(4 * rate_hz)) / rate_hz
    wave = 0.5 * np.sin(3 * time)
    path = (wave + np.where((time > 1.0) & (time < 1.05), 1.0, 0.0))[:, None]
    out = np.empty_like(path)
    bounds = (np.array([-3.0]), np.array([3.0]), np.array([5.0]), np.array([60.0]))
    hold_bounds(path, time, *bounds, out)
    calm = np.empty_like(path)
    hold_bounds(wave[:, None].copy(), time, *bounds, calm)
    np.testing.assert_array_equal(calm[:, 0], wave)
    np.testing.assert_array_equal(out[time <= 1.0, 0], wave[time <= 1.0])
    np.testing.assert_array_equal(out[time > 2.5, 0], wave[time > 2.5])


def test_chasing_keeps_to_a_path_it_is_on() -> None:
    assert chased(0.3, 0.3, 0.41, 0.01, 5.0) == 0.41
    assert 0.3 < chased(0.3, 0.5, 0.5, 0.01, 5.0) < 0.5
    assert 0.5 < chased(0.7, 0.5, 0.5, 0.01, 5.0) < 0.7


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 3), POSITIVE, st.floats(0.001, 0.1))
def test_from_the_fastest_step_one_can_just_stop(room: float, acceleration: float, dt: float) -> None:
    """One step at `fastest`, then braking by `acceleration` in ever finer steps: it ends at the limit, not past it."""
    velocity, place = fastest(room, acceleration, dt), 0.0
    place += velocity * dt
    fine = 1e-4
    velocity -= acceleration * (dt + fine) / 2
    while velocity > 0:
        place += velocity * fine
        velocity -= acceleration * fine
        if place > room:
            break
    assert place <= room * (1 + 1e-9) + 1e-12
    assert fastest(-0.1, acceleration, dt) == 0.0


def test_a_robots_bounds_are_shares_of_its_own_and_finite() -> None:
    robot = load_robot("g1")
    bounds = Bounds.of(robot, 0.5, 0.25, 1000.0)
    assert (bounds.speed_radps < 0.5 * robot.speed_radps).all()
    np.testing.assert_allclose(bounds.speed_radps, 0.5 * robot.speed_radps, rtol=1e-8)
    np.testing.assert_allclose(bounds.acceleration_radps2, 0.25 * robot.acceleration_radps2, rtol=1e-8)
    endless = dataclasses.replace(robot, lower_rad=np.full(29, -np.inf), upper_rad=np.full(29, np.inf))
    assert np.isfinite(Bounds.of(endless).lower_rad).all()
    assert (Bounds.of(robot, 1.0, 1.0, 2.0).speed_radps <= 2.0).all()


def test_no_frames_are_none() -> None:
    room, bound = np.full((2, 3), 7.0), np.ones(3)
    assert hold_bounds(room[:0], np.zeros(0), -bound, bound, bound, bound, room[:0]) == 0
    assert (room == 7.0).all()  # compiled code does not check where it writes
