"""Which of the people seen is the worker: one person kept over the film, with left and right told apart all the way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from motion.errors import FileFormatError, ShapeError, require
from motion.landmarks import SIDES
from motion.transform import Array
from retarget.reading.orders import ORDERS
from retarget.video.seen import BODY_POINTS_N, BodyDetections

BODY_POINTS = ORDERS["mediapipe_33"]
POINT = {name: index for index, name in enumerate(BODY_POINTS)}
"""Name of a detector's point -> its column."""
_SEEDS_N = 5
"""So many of the longest and largest paths are tried as the worker's."""
_AROUND_N = 2
"""So many pictures before and after say where somebody usually is."""
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
        wild_share: who is further than this, over their size, from where they are just before and after is not there at all.
        exchange_cost: how much closer, over the person's size, exchanging left and right has to bring two pictures to be believed.
        exchanged_cost_per_s: what it costs to believe for longer that the detector exchanges left and right.
        exchanged_trust: visibility of points whose sides were exchanged, as a part of what the detector says.
    """

    step_share: float = 0.35
    speed_share_per_s: float = 2.0
    resize: float = 1.6
    longest_s: float = 0.5
    least_s: float = 0.5
    wild_share: float = 0.12
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
    track, wild_n = without_wild(with_sides(track, settings), settings)
    others = _others_n(detections.time_s, frame, paths, own, settings)
    seen = f"in {track.seen.mean():.0%} of {len(track.time_s)} pictures"
    words = {"person": f"the largest and longest seen, {seen}; other people: {others or 'none'}"}
    return replace(track, others_n=others, words=words | _exchanged_words(track, wild_n))


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

    Of every picture, whether the sides of the upper and of the lower body are as they are or exchanged, so that the whole clip
    moves as little as possible and as little as possible is exchanged. Detectors mostly exchange both together.

    A detector that exchanges sides believes to see a back for a front: what points ahead of a body is turned in depth, too.

    Source: Viterbi 1967, Error Bounds for Convolutional Codes: the cheapest path through four states per picture.
    """
    settings = settings or PersonSettings()
    image, relative, visibility = track.image_px.copy(), track.relative_m.copy(), track.visibility.copy()
    exchanged = np.zeros((len(track.time_s), 2), bool)
    seen = np.flatnonzero(track.seen)
    if len(seen) > 1:
        exchanged[seen] = _exchanged(track.time_s[seen], track.image_px[seen], settings)
    for part, columns in enumerate(_PARTS):
        here = np.flatnonzero(exchanged[:, part])
        for array in (image, relative, visibility):
            array[here[:, None], columns] = array[here[:, None], _MIRRORED[columns]]
        visibility[here[:, None], columns] *= settings.exchanged_trust
        for pivots, turned in _FACING[part]:
            depth = relative[here[:, None], pivots, 2].mean(1, keepdims=True)
            relative[here[:, None], turned, 2] = 2 * depth - relative[here[:, None], turned, 2]
    return replace(track, image_px=image, relative_m=relative, visibility=visibility, exchanged=exchanged)


def _exchanged(time_s: Array, image: Array, settings: PersonSettings) -> np.ndarray:
    """(N, 2) whether the sides of either part of the body are exchanged, in pictures in which the person was seen."""
    size = _size_px(image)
    gap = np.diff(time_s) > settings.longest_s
    steps = np.zeros((len(image) - 1, 2, 2))  # picture, part, stays or turns
    for part, columns in enumerate(_PARTS):
        now, other = image[:, columns], image[:, _MIRRORED[columns]]
        for turns, before in enumerate((now, other)):
            moved = np.linalg.norm(now[1:] - before[:-1], axis=-1).mean(-1)
            steps[:, part, turns] = np.where(gap, 0.0, moved / np.sqrt(size[:-1] * size[1:]))
    costs = steps[:, 0][:, _TURNS[..., 0]] + steps[:, 1][:, _TURNS[..., 1]]
    costs = costs + np.where(gap[:, None, None], 0.0, settings.exchange_cost * _EXCHANGES)
    own = settings.exchanged_cost_per_s * np.gradient(time_s)[:, None] * _STATES.sum(1)
    return np.asarray(_STATES[_cheapest(costs, own)].astype(bool))


def _cheapest(steps: Array, own: Array) -> np.ndarray:
    """(N,) states of the cheapest path: (N-1, S, S) costs of going from one state to another, (N, S) of being in one."""
    frames, states = own.shape
    came_from = np.zeros((frames, states), int)
    cost = own[0]
    for k in range(1, frames):
        ways = cost[:, None] + steps[k - 1]
        came_from[k] = ways.argmin(0)
        cost = ways.min(0) + own[k]
    state = np.zeros(frames, int)
    state[-1] = int(cost.argmin())
    for k in range(frames - 1, 0, -1):
        state[k - 1] = came_from[k, state[k]]
    return state


def without_wild(track: PersonTrack, settings: PersonSettings | None = None) -> tuple[PersonTrack, int]:
    """The track without pictures in which the whole person is somewhere else than just before and after, and how many those are."""
    settings = settings or PersonSettings()
    seen = np.flatnonzero(track.seen)
    if len(seen) < 2 * _AROUND_N + 1:
        return track, 0
    image = track.image_px[seen]
    near = np.pad(image, ((_AROUND_N, _AROUND_N), (0, 0), (0, 0)), mode="edge")
    usual = np.median([near[k : k + len(image)] for k in range(2 * _AROUND_N + 1)], axis=0)
    off = np.median(np.linalg.norm(image - usual, axis=-1), axis=-1) / _size_px(usual)
    wild = seen[off > settings.wild_share]
    arrays = {name: getattr(track, name).copy() for name in ("image_px", "relative_m", "visibility", "score")}
    for name, nothing in (("image_px", np.nan), ("relative_m", np.nan), ("visibility", 0.0), ("score", 0.0)):
        arrays[name][wild] = nothing
    return replace(track, **arrays), len(wild)


def _exchanged_words(track: PersonTrack, wild_n: int) -> dict[str, str]:
    count = int(track.exchanged.any(1).sum())
    words = {"sides": f"the detector had left and right exchanged in {count} pictures; put right"} if count else {}
    return words | ({"wild pictures": f"{wild_n} in which the detector had the person somewhere else; left out"} if wild_n else {})


def _mirror(name: str) -> str:
    for side, other in (("left", "right"), ("right", "left")):
        if side in name:
            return name.replace(side, other)
    return name


def _columns(*names: str) -> np.ndarray:
    return np.array([POINT[name] for name in names])


_MIRRORED = np.array([POINT[_mirror(name)] for name in BODY_POINTS])
"""Column of each point's counterpart on the other side."""
_LOWER_WORDS = ("hip", "knee", "ankle", "heel", "foot_index")
_SIDED = [k for k in range(BODY_POINTS_N) if _MIRRORED[k] != k]
_PARTS = (
    np.array([k for k in _SIDED if not BODY_POINTS[k].endswith(_LOWER_WORDS)]),
    np.array([k for k in _SIDED if BODY_POINTS[k].endswith(_LOWER_WORDS)]),
)
"""Columns of the upper and of the lower body that have a side."""
_FACING: tuple[tuple[tuple[np.ndarray, np.ndarray], ...], ...] = (
    (
        (_columns("left_ear", "right_ear"), np.arange(POINT["mouth_right"] + 1)),
        (_columns("left_shoulder", "right_shoulder"), _columns("left_shoulder", "right_shoulder")),
        *((_columns(f"{side}_elbow"), _columns(*(f"{side}_{name}" for name in ("wrist", "pinky", "index", "thumb")))) for side in SIDES),
    ),
    (
        (_columns("left_hip", "right_hip"), _columns("left_hip", "right_hip")),
        *((_columns(f"{side}_ankle"), _columns(f"{side}_heel", f"{side}_foot_index")) for side in SIDES),
    ),
)
"""Of the upper and of the lower body: pivots, and points whose depth beside them tells front from back."""
_STATES = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
"""Whether upper and lower body are exchanged."""
_TURNS = np.abs(_STATES[:, None] - _STATES[None])
_EXCHANGES = np.array([0.0, 1.5, 1.0])[_TURNS.sum(-1)]
"""What it costs to go from state to state: one part alone costs more than both at once."""
