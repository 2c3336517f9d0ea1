"""Pictures that do not stand upright, told by hands and people drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest

from retarget.video.paths import BodyPath
from retarget.video.turned import body_turned, hands_turned
from tests.retarget.video.good_film import good_film

CLOCKWISE = np.array([[0.0, 1.0], [-1.0, 0.0]])
"""Row vectors times this: a picture turned clockwise by a quarter, x to the right, y down."""


def turned_hands(quarters: int) -> str:
    film = good_film()
    turn = np.linalg.matrix_power(CLOCKWISE, quarters)
    for side, track in film.tracks.items():
        film = film.with_track(side, image_px=track.image_px @ turn)
    return hands_turned(film.tracks)


@pytest.mark.parametrize(("quarters", "said"), [(1, "from the left"), (2, "from above"), (3, "from the right")])
def test_hands_of_a_turned_picture(quarters: int, said: str) -> None:
    assert said in turned_hands(quarters)
    assert "film.rotation_deg=" in turned_hands(quarters)


def test_hands_of_an_upright_picture_and_one_hand_alone() -> None:
    film = good_film()
    assert hands_turned(film.tracks) == ""
    assert hands_turned({"left": film.tracks["left"]}) == ""
    assert hands_turned(film.unseen("left", slice(5, None)).tracks) == ""


def body(trunk_px: tuple[float, float], frames: int = 20) -> BodyPath:
    """A person whose shoulders are so far from the hips in the picture."""
    names = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
    image = np.tile(500 + np.array([trunk_px, trunk_px, (0, 0), (0, 0)], float), (frames, 1, 1))
    seen = np.ones((frames, 4))
    return BodyPath(np.arange(frames) / 30, names, np.zeros((frames, 4, 3)), seen, image, np.zeros(frames, bool), frozenset(), {})


@pytest.mark.parametrize(
    ("trunk_px", "said"), [((5, -90), ""), ((60, -80), ""), ((90, 5), "the person lies"), ((0, 90), "the person stands on the head")]
)
def test_people(trunk_px: tuple[float, float], said: str) -> None:
    found = body_turned(body(trunk_px))
    assert said in found
    assert bool(found) == bool(said)


def test_people_hardly_seen_are_not_judged() -> None:
    assert body_turned(body((90, 0), frames=5)) == ""
