"""Where a standing sole is put: one place per stance, rigid, heel behind toe, by hand on a foot of 20 cm."""

from __future__ import annotations

import numpy as np
import pytest

from motion.transform import Array
from retarget.sticks import Stance, stick_sole

LENGTH, WIDTH = 0.2, 0.08
OWN = np.array([[-0.05, 0.04, 0], [-0.05, -0.04, 0], [0.15, 0.04, 0], [0.15, -0.04, 0]])
"""Heel left, heel right, toe left, toe right, from the ankle."""


def path(place: Array, heading: Array) -> Array:
    """(T, 4, 3) corners of a flat foot at (T, 2) places, turned by (T,) rad."""
    c, s = np.cos(heading), np.sin(heading)
    turn = np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], -2)
    corners = np.zeros((len(place), 4, 3))
    corners[..., :2] = place[:, None] + OWN[:, :2] @ turn.transpose(0, 2, 1)
    return corners


def stance(mask: np.ndarray, level: float = 0.0, strength: Array | None = None) -> Stance:
    return Stance(mask, mask.astype(float) if strength is None else strength, np.full(len(mask), level))


def rigid(places: Array) -> None:
    """A sole's own length and width, left corners to the left of right ones."""
    heel, toe = places[..., :2, :].mean(-2), places[..., 2:, :].mean(-2)
    np.testing.assert_allclose(np.linalg.norm(toe - heel, axis=-1), LENGTH, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(places[..., 0, :] - places[..., 1, :], axis=-1), WIDTH, atol=1e-9)
    left, ahead = places[..., 2, :] - places[..., 3, :], toe - heel
    assert (np.cross(ahead, left)[..., 2] > 0).all()


def test_a_foot_that_creeps_stands_in_one_place_as_long_as_it_is() -> None:
    """Its path creeps by 4 cm and turns by 0.1 rad: it is put where toe and heading are on average."""
    frames = 40
    creep = np.stack([np.linspace(0, 0.04, frames), np.full(frames, 0.3)], -1)
    walked, both = path(creep, np.linspace(0.2, 0.3, frames)), np.ones(frames, bool)
    sticks = stick_sole(walked, stance(both), stance(both))
    assert np.ptp(sticks.place_m, axis=0).max() == 0.0
    rigid(sticks.place_m)
    np.testing.assert_allclose(sticks.place_m[0, 2:, :2].mean(0), walked[:, 2:, :2].mean((0, 1)), atol=1e-12)
    heel, toe = sticks.place_m[0, :2].mean(0), sticks.place_m[0, 2:].mean(0)
    assert np.arctan2(*(toe - heel)[1::-1]) == pytest.approx(0.25, abs=1e-3)
    np.testing.assert_array_equal(sticks.strength, 1.0)


def test_a_heel_that_lifts_leaves_the_toe_where_it_was() -> None:
    """Flat, then on the toe alone: the toe's place is that of the flat time and does not move; the heel lets go."""
    frames = 30
    place = np.zeros((frames, 2))
    place[15:, 0] = np.linspace(0, 0.03, 15)  # the toe joint rolls on
    heel, toe = np.arange(frames) < 15, np.ones(frames, bool)
    sticks = stick_sole(path(place, np.zeros(frames)), stance(heel), stance(toe))
    np.testing.assert_allclose(sticks.place_m[:, 2:].mean(1), [[0.15, 0, 0]] * frames, atol=1e-12)
    np.testing.assert_allclose(sticks.place_m[:15, :2].mean(1), [[-0.05, 0, 0]] * 15, atol=1e-12)
    np.testing.assert_array_equal(sticks.strength[15:, :2], 0.0)
    np.testing.assert_array_equal(sticks.strength[:, 2:], 1.0)


def test_a_pivot_on_the_toe_puts_the_heel_down_elsewhere() -> None:
    """Heel down, up, and down again half a radian further round, the toe standing all the time."""
    frames = 60
    heading = np.clip(np.linspace(-0.5, 1.0, frames), 0.0, 0.5)
    toe_at = np.array([0.15, 0.0])
    walked = path(np.zeros((frames, 2)), heading)
    walked[..., :2] += (toe_at - walked[:, 2:, :2].mean(1))[:, None]
    heel = (heading == 0.0) | (heading == 0.5)
    sticks = stick_sole(walked, stance(heel), stance(np.ones(frames, bool)))
    rigid(sticks.place_m[heel])
    before, after = sticks.place_m[0, :2].mean(0), sticks.place_m[-1, :2].mean(0)
    np.testing.assert_allclose(before[:2], toe_at - [LENGTH, 0], atol=1e-9)
    np.testing.assert_allclose(after[:2], toe_at - LENGTH * np.array([np.cos(0.5), np.sin(0.5)]), atol=1e-9)
    assert np.ptp(sticks.place_m[:, 2:].mean(1), axis=0).max() < 1e-12


@pytest.mark.parametrize("edge", ["heel", "toe"])
def test_only_one_edge_stands(edge: str) -> None:
    frames = 12
    walked, yes, no = path(np.full((frames, 2), 0.4), np.zeros(frames)), np.ones(frames, bool), np.zeros(frames, bool)
    sticks = stick_sole(walked, stance(yes if edge == "heel" else no), stance(yes if edge == "toe" else no))
    own, other = (slice(0, 2), slice(2, 4)) if edge == "heel" else (slice(2, 4), slice(0, 2))
    np.testing.assert_allclose(sticks.place_m[:, own], walked[:, own], atol=1e-12)
    np.testing.assert_array_equal(sticks.strength[:, own], 1.0)
    np.testing.assert_array_equal(sticks.strength[:, other], 0.0)


def test_two_stances_have_two_places_and_the_step_between_belongs_to_the_nearer() -> None:
    frames = 41
    place = np.zeros((frames, 2))
    place[15:26, 0], place[26:, 0] = np.linspace(0, 0.5, 11), 0.5
    mask = (np.arange(frames) < 15) | (np.arange(frames) >= 26)
    sticks = stick_sole(path(place, np.zeros(frames)), stance(mask), stance(mask))
    x = sticks.place_m[:, 2:, 0].mean(1)
    np.testing.assert_allclose(x[:20], 0.15, atol=1e-12)
    np.testing.assert_allclose(x[21:], 0.65, atol=1e-12)
    np.testing.assert_array_equal(sticks.strength[~mask], 0.0)


def test_a_step_is_stood_on_at_its_own_height() -> None:
    walked, yes = path(np.zeros((8, 2)), np.zeros(8)), np.ones(8, bool)
    sticks = stick_sole(walked, stance(yes, 0.17), stance(yes, 0.17))
    np.testing.assert_array_equal(sticks.place_m[..., 2], 0.17)


def test_what_is_half_believed_holds_half_and_comes_late() -> None:
    """A stance of strength 0.5 at most: it keeps 0.5 in its middle, and below that falls faster than it was blended."""
    frames = 21
    blend = 0.5 * np.clip(np.minimum(np.arange(frames), np.arange(frames)[::-1]) / 5, 0, 1)
    mask = np.zeros(frames, bool)
    mask[5:16] = True
    sticks = stick_sole(path(np.zeros((frames, 2)), np.zeros(frames)), stance(mask, strength=blend), stance(mask, strength=blend))
    np.testing.assert_allclose(sticks.strength[5:16], 0.5)
    assert (sticks.strength[1:5] < blend[1:5, None]).all()
    assert (np.diff(sticks.strength[:6], axis=0) > 0).all()


def test_frames_without_a_path_hold_nothing_and_hurt_nothing() -> None:
    frames = 30
    walked, yes = path(np.zeros((frames, 2)), np.zeros(frames)), np.ones(frames, bool)
    whole = stick_sole(walked, stance(yes), stance(yes))
    walked = walked.copy()
    walked[10:14] = np.nan
    sticks = stick_sole(walked, stance(yes), stance(yes))
    assert np.isfinite(sticks.place_m).all()
    np.testing.assert_allclose(sticks.place_m, whole.place_m, atol=1e-12)
    nothing = stick_sole(np.full((frames, 4, 3), np.nan), stance(yes), stance(yes))
    np.testing.assert_array_equal(nothing.strength, 0.0)
    assert np.isfinite(nothing.place_m).all()
    flying = stick_sole(walked, stance(~yes), stance(~yes))
    np.testing.assert_array_equal(flying.strength, 0.0)
