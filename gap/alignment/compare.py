"""How an attempt differs from the ideal: per joint, hand and thing, at each moment and in each phase, and in its timing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gap.alignment.tracks import Tracks
from gap.alignment.warping import Warp, warp
from gap.errors import ScoreError
from motion.errors import UnknownNameError, require
from motion.transform import Array, Transform, quaternion_product, rotate, so3_log

_MOVES_M = 0.02
"""A thing, or a point `_LEVER_M` beside its centre, that goes less far than this in the ideal does not move."""
_LEVER_M = 0.1


@dataclass(frozen=True)
class Scales:
    """Differences that weigh alike when moments are paired, and when it is said how far an attempt has strayed.

    Attributes:
        joint_rad: root mean square over all joints.
        hand_m: of a hand.
        thing_m: of a thing that the person moves, or of a point 0.1 m above its centre, for its tilt; where it hangs on a hinge,
            of one beside its centre, too.
    """

    joint_rad: float = 0.3
    hand_m: float = 0.06
    thing_m: float = 0.03


@dataclass(frozen=True)
class Comparison:
    """An attempt of T moments beside an ideal of M, as attempt minus ideal.

    Attributes:
        warp: which moments belong together.
        at: (T,) the ideal's moment that belongs to each of the attempt's.
        joint_names: J names.
        joint_rad: (T, J).
        hand_m: side -> (T,) distance.
        thing_m, thing_rad: name -> (T,) distance, and angle between: of the verticals, or of all of it where the thing hangs on a
            hinge; of the things that the ideal moves.
        phases: (T,) what the ideal does at `at`.
        late_s: (T,) how far the attempt is behind the ideal's clock; negative where it is ahead.
        strayed: (T,) the largest of the differences of hands and things, as multiples of `Scales`.
    """

    warp: Warp
    at: np.ndarray
    joint_names: tuple[str, ...]
    joint_rad: Array
    hand_m: Mapping[str, Array]
    thing_m: Mapping[str, Array]
    thing_rad: Mapping[str, Array]
    phases: tuple[str, ...]
    late_s: Array
    strayed: Array

    def by_joint(self) -> dict[str, float]:
        """Root mean square difference of each joint, rad."""
        return dict(zip(self.joint_names, np.sqrt((self.joint_rad**2).mean(axis=0)).tolist(), strict=True))

    def differences(self) -> Iterator[tuple[str, str, str, float]]:
        """(phase, kind, name, value): root mean squares over a phase; kinds are "joint_rad", "hand_m", "thing_m" and "thing_rad"."""
        phases = np.array(self.phases)
        joints = dict(zip(self.joint_names, self.joint_rad.T, strict=True))
        kinds = {"joint_rad": joints, "hand_m": self.hand_m, "thing_m": self.thing_m, "thing_rad": self.thing_rad}
        for phase in dict.fromkeys(self.phases):
            there = phases == phase
            for kind, tracks in kinds.items():
                for name, values in tracks.items():
                    yield phase, kind, name, float(np.sqrt((values[there] ** 2).mean()))

    def by_phase(self) -> dict[str, dict[str, float]]:
        """Phase -> means over its moments: "joint_rad" (root mean square), "hand_m" and "thing_m" (of the farthest), "strayed", "share"."""
        names, phases = list(dict.fromkeys(self.phases)), np.array(self.phases)
        farthest = {"hand_m": _farthest(self.hand_m, len(self.at)), "thing_m": _farthest(self.thing_m, len(self.at))}
        found = {}
        for name in names:
            there = phases == name
            means = {key: float(values[there].mean()) for key, values in farthest.items()}
            joint = float(np.sqrt((self.joint_rad[there] ** 2).mean()))
            found[name] = {"joint_rad": joint, **means, "strayed": float(self.strayed[there].mean()), "share": float(there.mean())}
        return found


def compare(attempt: Tracks, ideal: Tracks, phases: Sequence[str], scales: Scales | None = None, open_end: bool = True) -> Comparison:
    """Pair the moments of an attempt with those of an ideal, and measure how far they are apart.

    Args:
        attempt: T moments.
        ideal: M moments, of the same joints; its things have to be among the attempt's.
        phases: (M,) what the ideal does.
        scales: see `Scales`.
        open_end: whether the attempt may end before the ideal does, as one that failed, or that was done sooner.

    Raises:
        ScoreError: other joints, periods or lengths.
        UnknownNameError: a hand or thing that the attempt does not have.
    """
    scales = scales or Scales()
    require(attempt.joint_names == ideal.joint_names, ScoreError, "attempt and ideal are of different joints, or in another order.")
    require(attempt.period_s == ideal.period_s, ScoreError, f"periods are {attempt.period_s:g} s and {ideal.period_s:g} s; one was wanted.")
    require(len(phases) == len(ideal), ScoreError, f"{len(phases)} phases for {len(ideal)} moments of the ideal.")
    for kind, own, known in (("hand", ideal.hands, attempt.hands), ("thing", ideal.things, attempt.things)):
        for name in own:
            if name not in known:
                raise UnknownNameError(kind, name, known, "the attempt")
    moved = {name: _levers(name in ideal.hinged) for name, track in ideal.things.items() if _moves(track, name in ideal.hinged)}
    found = warp(_features(attempt, ideal, moved, scales), _features(ideal, ideal, moved, scales), open_end)
    at = found.second_at()
    hand_m = {side: _apart_m(attempt.hands[side], track[at]) for side, track in ideal.hands.items()}
    thing_m = {name: _apart_m(attempt.things[name], ideal.things[name][at]) for name in moved}
    points = [(_points(attempt.things[name], arms), _points(ideal.things[name][at], arms)) for name, arms in moved.items()]
    tips = [np.linalg.norm(one - other, axis=-1).max(-1) for one, other in points]
    strayed = [*(distance / scales.hand_m for distance in hand_m.values()), *(distance / scales.thing_m for distance in tips)]
    return Comparison(
        warp=found,
        at=at,
        joint_names=attempt.joint_names,
        joint_rad=attempt.joint_rad - ideal.joint_rad[at],
        hand_m=hand_m,
        thing_m=thing_m,
        thing_rad={name: _apart_rad(attempt.things[name], ideal.things[name][at], name in ideal.hinged) for name in moved},
        phases=tuple(phases[moment] for moment in at),
        late_s=(np.arange(len(at)) - at) * attempt.period_s,
        strayed=np.max(strayed, axis=0) if strayed else np.zeros(len(at)),
    )


def _features(tracks: Tracks, ideal: Tracks, moved: Mapping[str, Array], scales: Scales) -> Array:
    """(T, F) numbers whose differences are in `scales`."""
    parts = [tracks.joint_rad / (scales.joint_rad * np.sqrt(len(tracks.joint_names)))]
    parts += [tracks.hands[side].position_m / scales.hand_m for side in ideal.hands]
    for name, arms in moved.items():
        parts.append(_points(tracks.things[name], arms).reshape(len(tracks), -1) / (scales.thing_m * np.sqrt(len(arms))))
    return np.concatenate(parts, axis=1)


def _levers(hinged: bool) -> Array:
    """(n, 3) points of a thing, in its frame, whose places tell where it is and how it is turned."""
    return _LEVER_M * np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]][: 3 if hinged else 2])


def _points(track: Transform, arms: Array) -> Array:
    """(T, n, 3) where such points are."""
    return np.asarray(track.position_m[:, None] + rotate(track.wxyz[:, None], arms))


def _moves(track: Transform, hinged: bool) -> bool:
    """Whether a thing is moved; one that is not seen all the time cannot be compared, and counts as unmoved."""
    points = _points(track, _levers(hinged))
    return bool(np.isfinite(points).all() and np.ptp(points, axis=0).max() > _MOVES_M)


def _apart_m(one: Transform, other: Transform) -> Array:
    return np.asarray(np.linalg.norm(one.position_m - other.position_m, axis=-1))


def _apart_rad(one: Transform, other: Transform, hinged: bool) -> Array:
    if not hinged:
        up = np.array([0.0, 0.0, 1.0])
        cosine = (rotate(one.wxyz, up) * rotate(other.wxyz, up)).sum(-1)
        return np.asarray(np.arccos(np.clip(cosine, -1.0, 1.0)))
    turn = quaternion_product(one.wxyz, other.wxyz * np.array([1.0, -1.0, -1.0, -1.0]))
    return np.asarray(np.linalg.norm(so3_log(turn), axis=-1))


def _farthest(distances: Mapping[str, Array], moments: int) -> Array:
    return np.max(list(distances.values()), axis=0) if distances else np.zeros(moments)
