"""Which of the people seen is the worker: one person kept over the film, with left and right told apart all the way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from motion.errors import FileFormatError, ShapeError, require
from motion.transform import Array
from retarget.reading.orders import ORDERS
from retarget.video.seen import BODY_POINTS_N, BodyDetections

BODY_POINTS = ORDERS["mediapipe_33"]
POINT = {name: index for index, name in enumerate(BODY_POINTS)}
"""Name of a detector's point -> its column."""
_SEEDS_N = 5
"""So many of the longest and largest paths are tried as the worker's."""
_OPEN_N = 8
"""No more people than this are linked from one picture to the next."""


@dataclass(frozen=True)
class PersonSettings:
    """When a person in one picture is the person of another.

    Attributes:
        step_share: how far, over their size, a person's points may move from one picture to the next, and
        speed_share_per_s: how much further per second in between.
        resize: factor by which a person's size may change while they are out of view.
        longest_s: how long somebody may be out of view for both parts to be linked point by point.
        least_s: a person seen for less than this beside the worker counts as a mistake of the detector, not as another person.
        exchange_cost: how much closer, over the person's size, exchanging left and right has to bring two pictures to be believed.
        exchanged_cost_per_s: what it costs to believe for longer that the detector exchanges left and right.
        exchanged_trust: visibility of points whose sides were exchanged, as a part of what the detector says.
    """

    step_share: float = 0.35
    speed_share_per_s: float = 2.0
    resize: float = 1.6
    longest_s: float = 0.5
    least_s: float = 0.5
    exchange_cost: float = 0.06
    exchanged_cost_per_s: float = 0.05
    exchanged_trust: float = 0.6


@dataclass(frozen=True)
class PersonTrack:
    """One person over T pictures, as a detector saw them.

    Attributes:
        time_s: (T,) rising.
        image_px: (T, 33, 2); NaN where unseen.
        relative_m: (T, 33, 3) as in `BodySeen`; NaN where unseen.
        visibility: (T, 33) in 0..1; 0 where unseen.
        score: (T,); 0 where unseen.
        others_n: how many other people were seen for more than a moment.
        exchanged: (T, 2) whether the left and right of the upper and of the lower body were exchanged back.
        words: what was found, for the reader.
    """

    time_s: Array
    image_px: Array
    relative_m: Array
    visibility: Array
    score: Array
    others_n: int = 0
    exchanged: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), bool))
    words: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        frames = len(self.time_s)
        if not len(self.exchanged):
            object.__setattr__(self, "exchanged", np.zeros((frames, 2), bool))
        shapes = {"image_px": (frames, BODY_POINTS_N, 2), "relative_m": (frames, BODY_POINTS_N, 3), "visibility": (frames, BODY_POINTS_N)}
        for name, shape in (shapes | {"score": (frames,), "exchanged": (frames, 2)}).items():
            found = np.shape(getattr(self, name))
            require(found == shape, ShapeError, f"PersonTrack.{name} is {found}; {shape} was wanted.")

    @property
    def seen(self) -> np.ndarray:
        """(T,) whether the person was seen."""
        return np.asarray(np.isfinite(self.image_px).all((1, 2)))


def follow_person(detections: BodyDetections, size_px: tuple[int, int], settings: PersonSettings | None = None) -> PersonTrack:
    """Follow the worker: who is large and in view for long, from picture to picture the same one.

    Args:
        detections: people seen.
        size_px: width and height of the pictures.
        settings: when a person in one picture is the person of another.

    Raises:
        FileFormatError: nobody is seen in any picture.
    """
    settings = settings or PersonSettings()
    frame, which = np.nonzero(np.isfinite(detections.image_px).all((2, 3)))
    require(len(frame) > 0, FileFormatError, "no person is seen in any picture: film the whole person, upright, in good light.")
    image = detections.image_px[frame, which]
    size = _size_px(image)
    paths = _linked(detections.time_s, frame, image, size, settings)
    worth = (size / np.hypot(*size_px)) ** 2 * np.nan_to_num(detections.score[frame, which])
    own = _joined(detections.time_s, frame, image, size, paths, worth, settings)
    track = _track(detections, frame[own], which[own])
    track = with_sides(track, settings)
    others = _others_n(detections.time_s, frame, paths, own, settings)
    seen = f"in {track.seen.mean():.0%} of {len(track.time_s)} pictures"
    words = {"person": f"the largest and longest seen, {seen}; other people: {others or 'none'}"}
    return replace(track, others_n=others, words=words | _exchanged_words(track))


def _size_px(image: Array) -> Array:
    """(N,) diagonal of the box around a person's points (N, 33, 2)."""
    return np.asarray(np.linalg.norm(image.max(1) - image.min(1), axis=-1))


def _linked(time_s: Array, frame: np.ndarray, image: Array, size: Array, settings: PersonSettings) -> list[list[int]]:
    """People seen (N,), sorted by frame, linked to paths: lists of their numbers."""
    paths: list[list[int]] = []
    for now in np.unique(frame):
        here = np.flatnonzero(frame == now) if len(frame) < 2 else np.arange(*np.searchsorted(frame, [now, now + 1]))
        open_paths = [path for path in paths[-_OPEN_N:] if time_s[now] - time_s[frame[path[-1]]] <= settings.longest_s]
        last = [path[-1] for path in open_paths]
        taken: set[int] = set()
        if last:
            off = _off(image[last], image[here], size[last], size[here])
            allowed = settings.step_share + settings.speed_share_per_s * (time_s[now] - time_s[frame[last]])
            off = np.where(off <= allowed[:, None], off, 1e6)
            for row, column in zip(*linear_sum_assignment(off), strict=True):
                if off[row, column] < 1e6:
                    open_paths[row].append(int(here[column]))
                    taken.add(int(column))
        paths += [[int(number)] for column, number in enumerate(here) if column not in taken]
    return paths


def _off(before: Array, after: Array, size_before: Array, size_after: Array) -> Array:
    """(P, Q) median distance of people's points (P, 33, 2) and (Q, 33, 2), over their size, sides apart or exchanged; wrong size counts."""
    size = np.sqrt(size_before[:, None] * size_after)
    apart = np.linalg.norm(before[:, None] - after[None], axis=-1)
    exchanged = np.linalg.norm(before[:, None] - after[None][:, :, _MIRRORED], axis=-1)
    near = np.minimum(np.median(apart, axis=-1), np.median(exchanged, axis=-1)) / size
    return np.asarray(near + np.abs(np.log(size_before[:, None] / size_after)))


def _joined(
    time_s: Array, frame: np.ndarray, image: Array, size: Array, paths: list[list[int]], worth: Array, settings: PersonSettings
) -> np.ndarray:
    """Numbers of the worker's detections: the path, with those before and after it of the same person, that is worth most."""
    seeds = sorted(paths, key=lambda path: -float(worth[path].sum()))
    best: list[int] = []
    for seed in seeds[:_SEEDS_N]:
        own = list(seed)
        for path in sorted(paths, key=lambda path: abs(frame[path[0]] - frame[seed[0]])):
            if path is not seed and _same_person(time_s, frame, image, size, own, path, settings):
                own = sorted([*own, *path], key=lambda k: frame[k])
        if not best or worth[own].sum() > worth[best].sum():
            best = own
    return np.array(best)


def _same_person(
    time_s: Array, frame: np.ndarray, image: Array, size: Array, own: list[int], path: list[int], settings: PersonSettings
) -> bool:
    """Whether a path lies in a gap of the person's, is about as large, and could be reached from either end of that gap."""
    first, last = frame[path[0]], frame[path[-1]]
    if any(first <= frame[k] <= last for k in own):
        return False
    if abs(np.log(np.median(size[path]) / np.median(size[own]))) > np.log(settings.resize):
        return False
    before, after = [k for k in own if frame[k] < first], [k for k in own if frame[k] > last]
    ends = [(before[-1], path[0])] if before else []
    ends += [(path[-1], after[0])] if after else []
    return all(_reachable(time_s[frame[b]] - time_s[frame[a]], image[a], image[b], size[a], settings) for a, b in ends)


def _reachable(lasts_s: float, before: Array, after: Array, size_px: float, settings: PersonSettings) -> bool:
    """Whether somebody could have gone from the one place in the picture to the other."""
    way = float(np.linalg.norm(before.mean(0) - after.mean(0)) / size_px)
    return way <= settings.step_share + settings.speed_share_per_s * lasts_s


def _others_n(time_s: Array, frame: np.ndarray, paths: list[list[int]], own: np.ndarray, settings: PersonSettings) -> int:
    """How many others: the most that were seen at once, of those who were there for more than a moment."""
    mine = set(own.tolist())
    count = np.zeros(len(time_s), int)
    for path in paths:
        if not mine & set(path) and time_s[frame[path[-1]]] - time_s[frame[path[0]]] >= settings.least_s:
            count[frame[path[0]] : frame[path[-1]] + 1] += 1
    return int(count.max())


def _track(detections: BodyDetections, frame: np.ndarray, which: np.ndarray) -> PersonTrack:
    frames = len(detections.time_s)
    image, relative = np.full((frames, BODY_POINTS_N, 2), np.nan), np.full((frames, BODY_POINTS_N, 3), np.nan)
    visibility, score = np.zeros((frames, BODY_POINTS_N)), np.zeros(frames)
    image[frame], relative[frame] = detections.image_px[frame, which], detections.relative_m[frame, which]
    visibility[frame] = np.clip(np.nan_to_num(detections.visibility[frame, which]), 0.0, 1.0)
    score[frame] = np.nan_to_num(detections.score[frame, which])
    return PersonTrack(detections.time_s, image, relative, visibility, score)


def with_sides(track: PersonTrack, settings: PersonSettings | None = None) -> PersonTrack:
    """The track with left and right exchanged back wherever that makes the person move on instead of turning over.

    Upper and lower body are judged each by itself: of every picture, whether its sides are as they are or exchanged, so that
    the whole clip moves as little as possible and as little as possible is exchanged.

    Source: Viterbi 1967, Error Bounds for Convolutional Codes: the cheapest path through two states per picture.
    """
    settings = settings or PersonSettings()
    image, relative, visibility = track.image_px.copy(), track.relative_m.copy(), track.visibility.copy()
    exchanged = np.zeros((len(track.time_s), 2), bool)
    for part, columns in enumerate((_UPPER, _LOWER)):
        exchanged[:, part] = _exchanged(track, columns, settings)
        here = np.flatnonzero(exchanged[:, part])
        for array in (image, relative, visibility):
            array[here[:, None], columns] = array[here[:, None], _MIRRORED[columns]]
        visibility[here[:, None], columns] *= settings.exchanged_trust
    return replace(track, image_px=image, relative_m=relative, visibility=visibility, exchanged=exchanged)


def _exchanged(track: PersonTrack, columns: np.ndarray, settings: PersonSettings) -> np.ndarray:
    """(T,) whether the sides of some points are exchanged."""
    out = np.zeros(len(track.time_s), bool)
    seen = np.flatnonzero(track.seen)
    if len(seen) < 2:
        return out
    now, other = track.image_px[seen][:, columns], track.image_px[seen][:, _MIRRORED[columns]]
    size = np.sqrt(_size_px(track.image_px[seen][:-1]) * _size_px(track.image_px[seen][1:]))
    stays = np.linalg.norm(now[1:] - now[:-1], axis=-1).mean(-1) / size
    turns = np.linalg.norm(now[1:] - other[:-1], axis=-1).mean(-1) / size + settings.exchange_cost
    gap = np.diff(track.time_s[seen]) > settings.longest_s
    stays, turns = np.where(gap, 0.0, stays), np.where(gap, 0.0, turns)
    own = settings.exchanged_cost_per_s * np.gradient(track.time_s[seen])
    out[seen] = _cheapest(stays, turns, own)
    return out


def _cheapest(stays: Array, turns: Array, exchanged: Array) -> np.ndarray:
    """(N,) states of the cheapest path: (N-1,) costs of staying in a state and of changing it, (N,) cost of being exchanged."""
    frames = len(exchanged)
    came_from = np.zeros((frames, 2), int)
    cost = np.array([0.0, exchanged[0]])
    for k in range(1, frames):
        ways = cost[:, None] + np.array([[stays[k - 1], turns[k - 1]], [turns[k - 1], stays[k - 1]]])
        came_from[k] = ways.argmin(0)
        cost = ways.min(0) + [0.0, exchanged[k]]
    state = np.zeros(frames, int)
    state[-1] = int(cost.argmin())
    for k in range(frames - 1, 0, -1):
        state[k - 1] = came_from[k, state[k]]
    return state.astype(bool)


def _exchanged_words(track: PersonTrack) -> dict[str, str]:
    count = int(track.exchanged.any(1).sum())
    return {"sides": f"the detector had left and right exchanged in {count} pictures; put right"} if count else {}


def _mirror(name: str) -> str:
    for side, other in (("left", "right"), ("right", "left")):
        if side in name:
            return name.replace(side, other)
    return name


_MIRRORED = np.array([POINT[_mirror(name)] for name in BODY_POINTS])
"""Column of each point's counterpart on the other side."""
_LOWER_WORDS = ("hip", "knee", "ankle", "heel", "foot_index")
_SIDED = [k for k in range(BODY_POINTS_N) if _MIRRORED[k] != k]
_LOWER = np.array([k for k in _SIDED if BODY_POINTS[k].endswith(_LOWER_WORDS)])
_UPPER = np.array([k for k in _SIDED if not BODY_POINTS[k].endswith(_LOWER_WORDS)])
