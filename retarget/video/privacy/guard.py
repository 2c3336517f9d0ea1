"""Nothing of a film is shown but the worker's own hands: everything else is reduced to a few patches of colour.

By construction, not by finding what must be hidden: a picture starts as a grid of some 24 x 14 cells, in which nobody can be
known again. Sharp are only narrow bands along the bones of the tracked hands; and of these, what lies near a head, or within
another person, is taken back. Where nothing looks for people, or where that fails, the picture stays blank.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from motion.transform import Array
from retarget.video.seen import BodySeen

PERSONAL_DATA = (
    "Keypoints are still personal data: size, proportions and way of moving can tell who somebody is. Keep and share them only as "
    "the recorded person's consent allows."
)
"""Belongs into the provenance of every motion that was made from a film, as `config["privacy"]`."""

FindPeople = Callable[[Array], Sequence[BodySeen]]
"""Finds the people in a picture (H, W, 3), uint8."""

_GRID = 24, 14
"""Cells along the longer and the shorter side."""
_BLANK = 40
_PALM = (0, 1, 5, 9, 13, 17)
_FINGERS = tuple(tuple(range(first, first + 4)) for first in range(1, 21, 4))
_BAND, _FEATHER = 0.16, 0.04
"""Half the width of what is sharp along a finger, and of its edge, in palm lengths."""
_HEAD_POINTS = slice(0, 11)
_HEAD_REACH, _HEAD_SHOULDERS = 2.2, 0.45
"""Radius of a head: times the reach of its points from their middle, and at least that share of the shoulders' distance."""
_SHOULDERS, _WRISTS = [11, 12], [15, 16]
_IN_VIEW = 0.3
_OTHERS_MARGIN = 0.15
_LEAST_SCORE = 0.6
"""Faces pasted beside hands on real films score 0.67 and more; what is seen in hands and tables mostly less."""
_AGAIN_REACH, _AGAIN_NEAR = (2.0, 3.0, 1.4), 0.7
"""Half the sides of the frames in which a head is looked for again, and how near to itself it has to be found; in its radii."""
_HAND_TAKEN, _HAND_NEAR = 1.4, 0.4
"""A "person" no larger than the hand, in its place (both in sizes of the hand), is the hand, taken for one."""
Item = TypeVar("Item")


@dataclass(frozen=True)
class Guard:
    """What must not be shown of a picture, in its pixels.

    Attributes:
        heads: (N, 3) x, y and radius.
        others: (M, 4) left, top, right and bottom of people other than the worker.
        blank: show nothing at all.
    """

    heads: Array
    others: Array
    blank: bool = False

    def __or__(self, other: Guard) -> Guard:
        """What either of two guards forbids; a blank one stays with its own picture."""
        return Guard(np.vstack([self.heads, other.heads]), np.vstack([self.others, other.others]), self.blank)


def no_guard() -> Guard:
    """Nothing to hide beyond what is always hidden."""
    return Guard(np.zeros((0, 3)), np.zeros((0, 4)))


def guard_of(rgb: Array, hands_px: Sequence[Array], find_people: FindPeople | None) -> Guard:
    """Look for people in a picture, and again, closer, at each head that seems to be there.

    Detectors take hands, cups and folds for people, most of all in pictures that hold little else. These are gone when the
    same spot is looked at in another frame; a face is not.

    Args:
        rgb: (H, W, 3), uint8.
        hands_px: (21, 2) each, the worker's hands that are tracked in this picture.
        find_people: None, or a finder that fails, makes the picture blank.
    """
    blank = Guard(np.zeros((0, 3)), np.zeros((0, 4)), blank=True)
    if find_people is None:
        return blank
    try:
        whole = _people_in(rgb, (0, 0, rgb.shape[1], rgb.shape[0]), find_people)
        candidates = [person for person in whole if not _is_hand(person, hands_px)]
        people = [person for person in candidates if _found_again(_head(person), rgb, find_people)]
    except Exception:  # whatever a detector dies of: nothing unchecked is shown
        return blank
    heads = [_head(person) for person in people]
    others = [_box(person) for person in people if not _is_worker(person, hands_px)]
    return Guard(np.array(heads).reshape(-1, 3), np.array(others).reshape(-1, 4))


def private(rgb: Array, hands_px: Sequence[Array], guard: Guard) -> Array:
    """(H, W, 3) uint8: what may be shown of a picture.

    Args:
        rgb: (H, W, 3), uint8.
        hands_px: (21, 2) each, the worker's tracked hands; without any nothing is sharp.
        guard: of this picture, and of those before and after it.
    """
    if guard.blank:
        return np.full_like(rgb, _BLANK)
    shown = reduced(rgb, guard)
    for hand in hands_px:
        left, top, right, bottom = _bounds(hand, rgb.shape)
        if left < right and top < bottom:
            part = np.s_[top:bottom, left:right]
            sharp = _sharpness(hand, (left, top, right, bottom), guard)[..., None]
            shown[part] = np.round(shown[part] * (1 - sharp) + rgb[part] * sharp).astype(np.uint8)
    return shown


def reduced(rgb: Array, guard: Guard) -> Array:
    """(H, W, 3) uint8: a picture as a grid of some 24 x 14 cells, smoothed; cells with a head have the picture's mean colour."""
    height, width = rgb.shape[:2]
    columns, rows = _GRID if width >= height else _GRID[::-1]
    cells = np.array(Image.fromarray(rgb).resize((columns, rows), Image.Resampling.BOX))
    x, y = (np.arange(columns) + 0.5) * width / columns, (np.arange(rows) + 0.5) * height / rows
    margin = np.hypot(width / columns, height / rows) / 2
    for cx, cy, radius in guard.heads:
        cells[np.hypot(x[None] - cx, y[:, None] - cy) < radius + margin] = cells.mean((0, 1)).astype(np.uint8)
    return np.array(Image.fromarray(cells).resize((width, height), Image.Resampling.BICUBIC))


def with_neighbours(
    items: Iterable[Item], time_of: Callable[[Item], float], around_s: float, most: int
) -> Iterator[tuple[Item, list[Item]]]:
    """Each item with those within `around_s` before and after it, itself among them; never more than `most` on either side."""
    before: deque[Item] = deque(maxlen=most)
    waiting: deque[Item] = deque()

    def next_one() -> tuple[Item, list[Item]]:
        item = waiting.popleft()
        while before and time_of(item) - time_of(before[0]) > around_s:
            before.popleft()
        near = [*before, item, *(one for one in waiting if time_of(one) - time_of(item) <= around_s)]
        before.append(item)
        return item, near

    for new in items:
        waiting.append(new)
        while len(waiting) > most or time_of(waiting[-1]) - time_of(waiting[0]) > around_s:
            yield next_one()
    while waiting:
        yield next_one()


def _palm_px(hand: Array) -> float:
    """Length of the palm in the picture, however the hand is turned."""
    along, across = float(np.linalg.norm(hand[9] - hand[0])), float(np.linalg.norm(hand[17] - hand[5]))
    return max(along, 1.1 * across, 0.5 * _size_px(hand))


def _bounds(hand: Array, shape: Sequence[int]) -> tuple[int, int, int, int]:
    """The part of the picture that a hand's sharp bands lie in."""
    margin = (_BAND + 3 * _FEATHER) * _palm_px(hand)
    (left, top), (right, bottom) = np.floor(hand.min(0) - margin), np.ceil(hand.max(0) + margin)
    return int(max(left, 0)), int(max(top, 0)), int(min(right, shape[1])), int(min(bottom, shape[0]))


def _sharpness(hand: Array, bounds: tuple[int, int, int, int], guard: Guard) -> Array:
    """(h, w) 0..1 how much of the film is shown in a part of the picture: bands along the bones, minus what is guarded."""
    left, top, right, bottom = bounds
    size, shift, feather = (right - left, bottom - top), np.array([left, top]), _FEATHER * _palm_px(hand)
    bands = Image.new("L", size)
    pen, width = ImageDraw.Draw(bands), max(1, round(2 * _BAND * _palm_px(hand)))
    points = [tuple(point) for point in hand - shift]
    palm = [points[k] for k in _PALM]
    pen.polygon(palm, fill=255)
    for line in ([*palm, palm[0]], *([points[k] for k in finger] for finger in _FINGERS)):
        for start, end in pairwise(line):
            pen.line([start, end], fill=255, width=width)
        for x, y in line:
            pen.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=255)
    hidden = Image.new("L", size)
    pen = ImageDraw.Draw(hidden)
    for cx, cy, radius in guard.heads - [left, top, 0]:
        pen.ellipse([cx - radius, cy - radius, cx + radius, cy + radius], fill=255)
    for x0, y0, x1, y1 in guard.others - [left, top, left, top]:
        pen.rectangle([x0, y0, x1, y1], fill=255)
    soft = [np.asarray(mask.filter(ImageFilter.GaussianBlur(feather)), float) / 255 for mask in (bands, hidden)]
    return np.where(np.asarray(hidden) > 0, 0.0, np.clip(2 * soft[0] - 1, 0, 1) * (1 - soft[1]))


def _people_in(rgb: Array, part: tuple[int, int, int, int], find_people: FindPeople) -> list[BodySeen]:
    left, top, right, bottom = part
    found = find_people(rgb[top:bottom, left:right])
    return [replace(one, image_px=one.image_px + [left, top]) for one in found if one.score >= _LEAST_SCORE]


def _found_again(head: Array, rgb: Array, find_people: FindPeople) -> bool:
    """Whether a head is found at the same place in one of a few other frames around it."""
    for reach in _AGAIN_REACH:
        again = [_head(person) for person in _people_in(rgb, _around(rgb, head[:2], reach * head[2]), find_people)]
        if any(math.dist(one[:2], head[:2]) < _AGAIN_NEAR * head[2] and 0.5 < one[2] / head[2] < 2 for one in again):
            return True
    return False


def _around(rgb: Array, middle: Array, reach: float) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a square, as far as it lies in the picture; never empty."""
    left, top = np.clip(middle - reach, 0, [rgb.shape[1] - 1, rgb.shape[0] - 1]).astype(int)
    right, bottom = np.clip(middle + reach, [left + 1, top + 1], [rgb.shape[1], rgb.shape[0]]).astype(int)
    return int(left), int(top), int(right), int(bottom)


def _size_px(hand: Array) -> float:
    return float(max(np.ptp(hand, axis=0).max(), 1.0))


def _is_hand(person: BodySeen, hands_px: Sequence[Array]) -> bool:
    """Whether a hand was taken for a person: no larger than it, and in its place."""
    middle = (person.image_px.min(0) + person.image_px.max(0)) / 2
    return any(
        _size_px(person.image_px) < _HAND_TAKEN * _size_px(hand)
        and np.linalg.norm(middle - (hand.min(0) + hand.max(0)) / 2) < _HAND_NEAR * _size_px(hand)
        for hand in hands_px
    )


def _is_worker(person: BodySeen, hands_px: Sequence[Array]) -> bool:
    """Whether one of the tracked hands is at one of the person's wrists."""
    return any(np.linalg.norm(person.image_px[_WRISTS] - hand[0], axis=1).min() < _size_px(hand) for hand in hands_px)


def _head(person: BodySeen) -> Array:
    points = person.image_px[_HEAD_POINTS]
    middle = points.mean(0)
    across = np.linalg.norm(np.subtract(*person.image_px[_SHOULDERS]))
    radius = max(_HEAD_REACH * np.linalg.norm(points - middle, axis=1).max(), _HEAD_SHOULDERS * across)
    return np.array([*middle, radius])


def _box(person: BodySeen) -> Array:
    seen = person.image_px[person.visibility > _IN_VIEW] if (person.visibility > _IN_VIEW).any() else person.image_px
    low, high = seen.min(0), seen.max(0)
    margin = _OTHERS_MARGIN * (high - low).max()
    return np.array([*(low - margin), *(high + margin)])
