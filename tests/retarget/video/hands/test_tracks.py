"""Left stays left: labels that lie, hands that cross, come back, double up, or belong to somebody else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motion.transform import Array
from retarget.video.hands.tracks import TrackSettings, find_sides, track_hands
from retarget.video.seen import HandDetections
from tests.retarget.video.made_hands import hand, seen, still, times

COUNT = 60


def _pair(left_x: Array, right_x: Array, y: float = 0.05) -> HandDetections:
    """Two hands half a metre away at these x (T,)."""
    sides = {"left": left_x, "right": right_x}
    places = {side: np.stack([x, np.full(len(x), y), np.full(len(x), 0.5)], axis=1) for side, x in sides.items()}
    places["right"][:, 1] += 0.02
    return seen([(side, hand(side, place)) for side, place in places.items()])


def _shuffled(detections: HandDetections, seed: int = 0) -> HandDetections:
    """The same, each frame's hands in any order."""
    order = np.random.default_rng(seed).permuted(np.tile(np.arange(detections.score.shape[1]), (len(detections.time_s), 1)), axis=1)
    rows = np.arange(len(order))[:, None]
    names = ("image_px", "relative_m", "right", "score")
    return replace(detections, **{name: getattr(detections, name)[rows, order] for name in names})


def _blind(detections: HandDetections, frames: slice | np.ndarray, column: int) -> HandDetections:
    parts = {name: getattr(detections, name).copy() for name in ("image_px", "relative_m", "right", "score")}
    for values in parts.values():
        values[frames, column] = np.nan
    return replace(detections, **parts)


def _apart() -> HandDetections:
    return _pair(np.full(COUNT, -0.12), np.full(COUNT, 0.12))


def _is(detections: HandDetections, column: int, found: Array) -> Array:
    """(T,) where a track is that column's hand."""
    return np.asarray(np.isclose(found, detections.image_px[:, column]).all((1, 2)))


def test_two_hands_in_any_order_of_columns() -> None:
    straight = _apart()
    tracks = track_hands(_shuffled(straight))
    assert _is(straight, 0, tracks["left"].image_px).all()
    assert _is(straight, 1, tracks["right"].image_px).all()


def test_labels_that_lie_are_put_right_and_counted() -> None:
    straight = _apart()
    lying = straight.right.copy()
    lying[[5, 20, 21, 40], 0] = 0.98  # both hands "Right", as in four frames of a real film
    tracks = track_hands(replace(straight, right=lying))
    assert _is(straight, 0, tracks["left"].image_px).all()
    assert np.flatnonzero(tracks["left"].relabelled).tolist() == [5, 20, 21, 40]
    assert not tracks["right"].relabelled.any()


def test_crossing_hands_keep_their_sides() -> None:
    way = np.linspace(-0.2, 0.2, COUNT)
    crossing = _pair(way, -way)
    tracks = track_hands(_shuffled(crossing, 3))
    assert _is(crossing, 0, tracks["left"].image_px).sum() >= COUNT - 2
    assert _is(crossing, 1, tracks["right"].image_px).sum() >= COUNT - 2
    assert not _is(crossing, 1, tracks["left"].image_px).any()


def test_a_hand_that_leaves_comes_back_as_itself_elsewhere() -> None:
    film = _pair(np.r_[np.full(30, -0.2), np.full(60, 0.25)], np.full(90, 0.0))
    film = _blind(film, slice(30, 60), 0)
    tracks = track_hands(_shuffled(film, 1))
    seen_frames = np.r_[0:30, 60:90]
    assert _is(film, 0, tracks["left"].image_px)[seen_frames].all()
    assert not tracks["left"].seen[30:60].any()
    assert tracks["right"].seen.all()


def test_a_detector_that_slides_to_the_other_hand_is_noticed() -> None:
    """One detection, first of the left hand, then of the right one, which lies on it."""
    way = np.zeros(120)
    film = _pair(way, way, y=0.0)
    first = np.arange(120) < 60
    parts = {name: getattr(film, name).copy() for name in ("image_px", "relative_m", "right", "score")}
    for name, values in parts.items():
        merged = np.where(first.reshape(-1, *[1] * (values.ndim - 2)), values[:, 0], values[:, 1])
        parts[name] = merged[:, None]
    tracks = track_hands(replace(film, **parts))
    assert abs(int(tracks["left"].seen.sum()) - 60) <= 3
    assert abs(int(tracks["right"].seen.sum()) - 60) <= 3


def test_the_same_hand_found_twice_is_one() -> None:
    film = seen([("right", hand("right", still((0.0, 0.1, 0.5), COUNT))), ("left", hand("right", still((0.004, 0.1, 0.5), COUNT)))])
    worse = film.score * [1.0, 0.8]
    sides = find_sides(replace(film, score=worse), TrackSettings())
    assert sides.rejected["same hand twice"] == COUNT
    assert set(track_hands(replace(film, score=worse))) == {"right"}


@pytest.mark.parametrize("frames", [1, 2, 4])
def test_a_second_hand_for_a_moment_is_not_believed(frames: int) -> None:
    film = _blind(_apart(), slice(0, 30), 0)
    film = _blind(film, slice(30 + frames, COUNT), 0)
    assert set(track_hands(film)) == {"right"}


def test_faint_hands_are_none() -> None:
    film = _apart()
    assert set(track_hands(replace(film, score=film.score * [0.2, 1.0]))) == {"right"}


def test_somebody_elses_hands_are_left_out() -> None:
    """Another person's right hand, two metres off, and one that reaches in from above, a metre off."""
    own = hand("right", still((0.1, 0.1, 0.5), COUNT))
    far = hand("left", still((-0.5, -0.2, 2.0), COUNT))
    above = hand("left", still((-0.3, -0.2, 1.0), COUNT), turn=np.tile([0.0, 0.0, np.pi], (COUNT, 1)))
    assert set(track_hands(seen([("right", own), ("left", far)]))) == {"right"}
    assert set(track_hands(seen([("right", own), ("left", above)]))) == {"right"}
    assert set(track_hands(seen([("right", own), ("left", above)]), TrackSettings(view="hands"))) == {"left", "right"}


def test_a_third_hand_is_nobodys() -> None:
    hands = [("left", -0.2), ("right", 0.1), ("right", 0.35)]
    film = seen([(side, hand(side, still((x, 0.1, 0.5), COUNT))) for side, x in hands])
    film = replace(film, score=film.score * [1.0, 1.0, 0.7])
    tracks = track_hands(film)
    assert _is(film, 1, tracks["right"].image_px).all()
    assert find_sides(film, TrackSettings()).rejected["short-lived, of implausible size, or a third hand"] == COUNT


def test_only_the_hand_that_is_wanted() -> None:
    assert set(track_hands(_apart(), TrackSettings(hands="left"))) == {"left"}


def test_hands_that_flicker_side_by_side_are_kept() -> None:
    """Each is missed in half of the frames, at random, and both move."""
    way = 0.1 * np.sin(np.linspace(0, 12, 120))
    film = _pair(way - 0.1, way + 0.1)
    missed = np.random.default_rng(0).random((120, 2)) < 0.5
    for column in (0, 1):
        film = _blind(film, np.flatnonzero(missed[:, column]), column)
    tracks = track_hands(_shuffled(film, 2))
    for column, side in enumerate(("left", "right")):
        assert (_is(film, column, tracks[side].image_px) == ~missed[:, column]).mean() > 0.95


def test_no_hands_are_no_tracks() -> None:
    nothing = _blind(_blind(_apart(), slice(None), 0), slice(None), 1)
    assert track_hands(nothing) == {}


def test_one_frame_is_a_film_too() -> None:
    film = _apart()
    one = HandDetections(times(1), film.image_px[:1], film.relative_m[:1], film.right[:1], film.score[:1])
    assert set(track_hands(one)) == {"left", "right"}
