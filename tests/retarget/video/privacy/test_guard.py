"""Nothing of a film survives but the worker's own hands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt, gaussian_filter

from retarget.video.detectors.mediapipe_people import BUNDLE, open_people
from retarget.video.pictures.reader import Film
from retarget.video.privacy.guard import Guard, guard_of, no_guard, private, reduced, with_neighbours
from retarget.video.seen import BodySeen
from tests.retarget.video.good_film import hand_shape

RNG = np.random.default_rng(3)
NOISE = RNG.integers(0, 256, (360, 640, 3), dtype=np.uint8)
HAND = hand_shape() * 120 + [320, 240]


@pytest.fixture(scope="module")
def find(models: Path) -> Iterator[Callable]:
    with open_people(models / BUNDLE) as people:
        yield people


def detail(rgb: np.ndarray) -> float:
    """Energy of what is finer than some 3 pixels."""
    grey = rgb.astype(float).mean(-1)
    return float(np.var(grey - gaussian_filter(grey, 3)))


def bones_mask(hand: np.ndarray, shape: tuple[int, int], reach_px: float) -> np.ndarray:
    """Pixels within a distance of the hand's bones, drawn densely, and of its palm."""
    marks = np.ones(shape, bool)
    chains = [[0, *range(k, k + 4)] for k in range(1, 21, 4)] + [[0, 1, 5, 9, 13, 17, 0]]
    ends = [pair for chain in chains for pair in pairwise(chain)]
    for a, b in ends:
        for share in np.linspace(0, 1, 200):
            x, y = hand[a] + share * (hand[b] - hand[a])
            marks[min(max(round(y), 0), shape[0] - 1), min(max(round(x), 0), shape[1] - 1)] = False
    return np.asarray(distance_transform_edt(marks) <= reach_px)


def test_the_background_holds_no_detail_in_either_orientation() -> None:
    for picture in (NOISE, NOISE.transpose(1, 0, 2)):
        assert detail(reduced(picture, no_guard())) < 1e-4 * detail(picture)
        assert np.array_equal(private(picture, [], no_guard()), reduced(picture, no_guard()))


def test_only_narrow_bands_along_the_bones_are_sharp() -> None:
    shown, plain = private(NOISE, [HAND], no_guard()), reduced(NOISE, no_guard())
    near = bones_mask(HAND, NOISE.shape[:2], reach_px=0.2 * 60)  # a band is 0.16 palms wide on either side; the palm is 60 px
    middle = bones_mask(HAND, NOISE.shape[:2], reach_px=2)
    image = Image.new("1", (640, 360))
    ImageDraw.Draw(image).polygon([tuple(HAND[k]) for k in (0, 1, 5, 9, 13, 17)], fill=1)
    palm = np.asarray(image)
    assert np.array_equal(shown[~near & ~palm], plain[~near & ~palm])
    assert np.mean(np.abs(shown[middle].astype(int) - NOISE[middle])) < 4


def test_heads_and_other_people_take_the_hand_back() -> None:
    head = Guard(np.array([[*HAND[12], 40.0]]), np.zeros((0, 4)))
    others = Guard(np.zeros((0, 3)), np.array([[0.0, 0.0, 640.0, 360.0]]))
    y, x = np.mgrid[:360, :640]
    inside = np.hypot(x - HAND[12, 0], y - HAND[12, 1]) < 38
    assert np.array_equal(private(NOISE, [HAND], head)[inside], reduced(NOISE, head)[inside])
    assert detail(private(NOISE, [HAND], head)[200:240, 300:340]) > 0.1 * detail(NOISE)
    assert np.array_equal(private(NOISE, [HAND], others), reduced(NOISE, others))


def test_a_head_is_not_even_patches() -> None:
    picture = np.zeros((360, 640, 3), np.uint8)
    picture[:, 320:] = 200
    shown = reduced(picture, Guard(np.array([[320.0, 180.0, 60.0]]), np.zeros((0, 4))))
    assert np.ptp(shown[150:210, 290:350].astype(int)) <= 2


def test_without_a_finder_or_when_it_fails_nothing_is_shown() -> None:
    def broken(rgb: np.ndarray) -> list[BodySeen]:
        raise RuntimeError("out of memory")

    for finder in (None, broken):
        guard = guard_of(NOISE, [HAND], finder)
        assert guard.blank
        assert np.ptp(private(NOISE, [HAND], guard)) == 0
    assert not guard_of(NOISE, [HAND], lambda rgb: []).blank


def person_at(middle: tuple[float, float], size: float, score: float = 0.9) -> BodySeen:
    points = np.array([[0.0, -0.4]] * 11 + [[0.0, 0.1]] * 22) + np.array([[0.05 * (k % 3 - 1), 0.02 * (k % 2)] for k in range(33)])
    points[[11, 12]] = [[-0.15, -0.2], [0.15, -0.2]]
    points[32] = [0.0, 0.6]
    return BodySeen(np.array(middle) + size * points, np.zeros((33, 3)), np.ones(33), score)


def test_people_are_believed_where_they_are_found_again() -> None:
    person = person_at((150, 150), 200)

    def steady(rgb: np.ndarray) -> list[BodySeen]:
        left, top = _corner(rgb)
        return [BodySeen(person.image_px - [left, top], person.relative_m, person.visibility, person.score)]

    def fickle(rgb: np.ndarray) -> list[BodySeen]:
        return [person] if rgb.shape == NOISE.shape else []

    assert len(guard_of(NOISE, [HAND], steady).heads) == len(guard_of(NOISE, [HAND], steady).others) == 1
    assert len(guard_of(NOISE, [HAND], fickle).heads) == 0
    unsure = person_at((150, 150), 200, score=0.4)
    assert len(guard_of(NOISE, [], lambda rgb: [unsure]).heads) == 0


def _corner(part: np.ndarray) -> tuple[int, int]:
    """Where a part of NOISE was cut out."""
    start = (part.__array_interface__["data"][0] - NOISE.__array_interface__["data"][0]) // 3
    return start % 640, start // 640


def test_guards_are_remembered_before_and_after_within_a_constant_number() -> None:
    times = [0.0, 0.1, 0.2, 0.3, 1.0]
    found = list(with_neighbours(times, float, 0.15, most=30))
    assert found == [(0.0, [0.0, 0.1]), (0.1, [0.0, 0.1, 0.2]), (0.2, [0.1, 0.2, 0.3]), (0.3, [0.2, 0.3]), (1.0, [1.0])]
    taken = iter(range(10_000))
    first = next(with_neighbours(taken, lambda number: 0.0, 1.0, most=5))
    assert first == (0, [0, 1, 2, 3, 4, 5])
    assert next(taken) == 6, "no more is read ahead than may wait"
    united = Guard(np.ones((1, 3)), np.zeros((0, 4))) | Guard(np.ones((2, 3)), np.ones((1, 4)), blank=True)
    assert (united.heads.shape, united.others.shape, united.blank) == ((3, 3), (1, 4), False)


def test_the_face_beside_the_hand_does_not_survive(films: Path, find: Callable) -> None:
    hand = np.array([[532.0, 430.0], *(hand_shape()[1:] * 230 + [540, 470])])
    for picture in islice(Film(films / "mimic_hand" / "index_mcp.mp4"), 0, 120, 40):
        guard = guard_of(picture.rgb, [hand], find)
        shown, face = private(picture.rgb, [hand], guard), np.s_[0:190, 720:920]
        assert len(guard.heads) >= 1
        assert np.hypot(*(guard.heads[0, :2] - [810, 60])) < 90
        assert detail(shown[face]) < 0.002 * detail(picture.rgb[face])
        assert np.ptp(shown[20:100, 760:860].astype(int)) < 60, "not even its patches"


def test_two_people_from_afar_do_not_survive(films: Path, find: Callable) -> None:
    picture = next(iter(Film(films / "pose2sim_single" / "cam02.mp4")))
    shown = private(picture.rgb, [], guard_of(picture.rgb, [], find))
    assert detail(shown) < 0.002 * detail(picture.rgb)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (-0.9, -0.2), (0.6, -0.8)])
def test_a_face_over_or_next_to_the_hand_does_not_survive(films: Path, find: Callable, shift: tuple[float, float]) -> None:
    portrait = Image.open(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg").convert("RGB").resize((307, 360))
    picture = Image.fromarray(next(iter(Film(films / "egodex_sample" / "sample.mp4", longest_px=1280))).rgb)
    hand = hand_shape() * 150 + [640, 420]
    corner = np.round([640 + 150 * shift[0] - 153, 350 + 150 * shift[1] - 110]).astype(int)
    picture.paste(portrait, tuple(corner))
    rgb = np.asarray(picture)
    shown = private(rgb, [hand], guard_of(rgb, [hand], find))
    face = np.s_[corner[1] + 50 : corner[1] + 180, corner[0] + 95 : corner[0] + 215]
    assert detail(shown[face]) < 0.01 * detail(rgb[face])
