"""Self-collision of a robot's links: which pairs of links count, and which postures bring them into one another."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from motion.compiled import compiled
from motion.landmarks import FINGERS, SIDES
from motion.transform import Array
from robots.kinematics import Kinematics, LinkShapes
from robots.robot import Robot

_TINY = 1e-12
_CLOSE_M, _CLOSER_M = 0.03, 0.001
_SAMPLES_N = 200
_FEW_JOINTS = 3


class CollisionPairs:
    """Pairs of collision shapes: capsules find those that are near, convex hulls measure them.

    Attributes:
        links: names of the links that carry the shapes, one per shape.
        pairs: (P, 2) shapes that are looked at.
    """

    def __init__(self, shapes: LinkShapes, capsule: Array, pairs: np.ndarray) -> None:
        self._shapes, self._capsule = shapes, capsule
        self.links, self.pairs = shapes.links, pairs

    def near(self, placement: Array, link: np.ndarray, within_m: Array) -> np.ndarray:
        """(K, 2) frame and pair of all capsules nearer than `within_m` (P,) to each other.

        Args:
            placement: (S, L, 12) as in LinkStates.
            link: (G,) index in it of every shape's link.
            within_m: distance between capsules, which is at most that between the shapes.
        """
        out = np.empty((16 * len(placement) + 64, 2), np.int64)
        count = near_pairs(placement, link, self._capsule, self.pairs, within_m, out)
        if count > len(out):
            out = np.empty((count, 2), np.int64)
            near_pairs(placement, link, self._capsule, self.pairs, within_m, out)
        return out[:count]

    def measure(self, placement: Array, link: np.ndarray, near: np.ndarray) -> Array:
        """(K, 10) of (frame, pair) rows of `near`: signed distance, nearest points, normal; see LinkShapes.witnesses."""
        shapes = self.pairs[near[:, 1]]
        return self._shapes.witnesses(shapes, placement[near[:, :1], link[shapes]])


class SelfCollision:
    """Which frames of a motion have links inside one another.

    Pairs that touch at rest do not count, nor do neighbours, nor fingers of a hand on an arm: they meet in every grasp. Those of
    a hand by itself do.

    Args:
        kinematics: of the robot.
        margin_m: depth from which an overlap counts.

    Attributes:
        counted: the pairs that count.
        proxies: the same for solvers, less links that follow each other at a small gap and never touch.
        in_hand: (P,) which of the proxies' pairs lie within one hand: they may touch, or fingers could not pinch.
        rest_m: (P,) distance of the proxies' pairs in the rest posture.
    """

    def __init__(self, kinematics: Kinematics, margin_m: float = 0.002) -> None:
        self._kinematics, self._margin = kinematics, margin_m
        shapes = kinematics.shapes()
        self._names = sorted(set(shapes.links))
        self._link = np.array([self._names.index(name) for name in shapes.links], np.int64)
        capsule = np.array([fit_capsule(points) for points in shapes.enclosing_points()]).reshape(-1, 7)
        pairs = self._may_meet(shapes)
        rest = link_distances(kinematics, shapes, kinematics.robot.rest_rad[None], pairs)[0]
        pairs, rest = pairs[rest > -margin_m], rest[rest > -margin_m]
        self.counted = CollisionPairs(shapes, capsule, pairs)
        follows = np.array([shapes.joints_between(*pair) <= _FEW_JOINTS for pair in pairs.tolist()], bool)
        close = np.flatnonzero((rest < _CLOSE_M) & follows)
        samples = _random_postures(kinematics.robot, _SAMPLES_N)
        nearest = link_distances(kinematics, shapes, samples, pairs[close]).min(0, initial=np.inf)
        keep = np.ones(len(pairs), bool)
        keep[close[nearest > np.minimum(rest[close] - _CLOSER_M, 0.0)]] = False
        self.proxies, self.rest_m = CollisionPairs(shapes, capsule, pairs[keep]), rest[keep]
        hands = [np.isin(shapes.joints[pairs[keep]], kinematics.joints_below(links)).all(1) for links in _knuckles(kinematics.robot)]
        self.in_hand = np.logical_or.reduce(hands) if hands else np.zeros(keep.sum(), bool)

    def frames(self, joint_position_rad: Array) -> np.ndarray:
        """(T,) whether links overlap in postures (T, J)."""
        out = np.zeros(len(joint_position_rad), bool)
        for touching in self.touching(joint_position_rad).values():
            out[touching] = True
        return out

    def touching(self, joint_position_rad: Array) -> dict[tuple[str, str], np.ndarray]:
        """Links that overlap in some of the postures (T, J) -> the frames in which they do, the most frequent first."""
        frame, pair, depth = self._depths(joint_position_rad)
        hits: dict[tuple[str, str], set[int]] = {}
        for f, p in zip(frame[depth > self._margin], pair[depth > self._margin], strict=True):
            first, second = (self.counted.links[shape] for shape in self.counted.pairs[p])
            hits.setdefault((first, second), set()).add(int(f))
        return {links: np.array(sorted(frames)) for links, frames in sorted(hits.items(), key=lambda item: -len(item[1]))}

    def deepest(self, joint_position_rad: Array) -> float:
        """How deep links are inside one another at worst in postures (T, J), m; 0 where none are."""
        return float(self._depths(joint_position_rad)[2].max(initial=0.0))

    def _depths(self, joint_position_rad: Array) -> tuple[np.ndarray, np.ndarray, Array]:
        """Frame, pair and depth (K,), m, of all pairs that may overlap by more than the margin."""
        placement = self._placements(joint_position_rad)
        near = self.counted.near(placement, self._link, np.full(len(self.counted.pairs), -self._margin))
        return near[:, 0], near[:, 1], -self.counted.measure(placement, self._link, near)[:, 0]

    def _may_meet(self, shapes: LinkShapes) -> np.ndarray:
        robot = self._kinematics.robot
        allowed = {frozenset(pair) for pair in robot.no_collision}
        hands = [set(self._kinematics.joints_below(links)) for links in _knuckles(robot, on_arms=True)]
        pairs = [
            (a, b)
            for a, b in itertools.combinations(range(len(shapes.links)), 2)
            if shapes.joints_between(a, b) > 1
            and frozenset((shapes.links[a], shapes.links[b])) not in allowed
            and not any({shapes.joints[a], shapes.joints[b]} <= hand for hand in hands)
        ]
        return np.array(pairs, np.int64).reshape(-1, 2)

    def _placements(self, joint_position_rad: Array) -> Array:
        return _placements(self._kinematics, self._names, joint_position_rad)


def link_distances(kinematics: Kinematics, shapes: LinkShapes, joint_position_rad: Array, pairs: np.ndarray) -> Array:
    """(T, P) signed distances of pairs (P, 2) of shapes in postures (T, J)."""
    names = sorted(set(shapes.links))
    link = np.array([names.index(name) for name in shapes.links], np.int64)
    placement = _placements(kinematics, names, joint_position_rad)
    frames, each = np.repeat(np.arange(len(placement)), len(pairs)), np.tile(pairs, (len(placement), 1))
    return shapes.witnesses(each, placement[frames[:, None], link[each]])[:, 0].reshape(len(placement), len(pairs))


def _placements(kinematics: Kinematics, links: Sequence[str], joint_position_rad: Array) -> Array:
    """(T, L, 12) of links in postures (T, J)."""
    states = kinematics.link_states(links, len(joint_position_rad))
    for frame, joints in enumerate(joint_position_rad):
        states.update(frame, kinematics.configuration(joints))
    return states.placement


def fit_capsule(points: Array) -> Array:
    """(7,) ends and radius of a capsule that encloses points (P, 3): about the principal axis that makes it smallest."""
    centre = (points.min(0) + points.max(0)) / 2
    _, _, axes = np.linalg.svd(points - points.mean(0), full_matrices=False)
    best, smallest = np.zeros(7), np.inf
    for axis in axes:
        along = (points - centre) @ axis
        across = np.linalg.norm(points - centre - along[:, None] * axis, axis=1)
        radius = across.max()
        reach = np.sqrt(np.maximum(radius**2 - across**2, 0.0))
        low, high = (along + reach).min(), (along - reach).max()
        low, high = (low, high) if low <= high else ((low + high) / 2,) * 2
        volume = np.pi * radius**2 * (high - low + 4 / 3 * radius)
        if volume < smallest:
            smallest, best = volume, np.concatenate([centre + low * axis, centre + high * axis, [radius]])
    return best


@compiled
def segment_distance(a, b, c, d):  # type: ignore[no-untyped-def]
    """Distance between the segments ab and cd. Source: Ericson, Real-Time Collision Detection, 5.1.9."""
    u, v, w = b - a, d - c, a - c
    uu, vv, uv, uw, vw = u @ u, v @ v, u @ v, u @ w, v @ w
    determinant = uu * vv - uv * uv
    s = min(max((uv * vw - uw * vv) / determinant, 0.0), 1.0) if determinant > _TINY else 0.0
    t = (uv * s + vw) / vv if vv > _TINY else 0.0
    if t < 0.0 or t > 1.0 or vv <= _TINY:
        t = min(max(t, 0.0), 1.0)
        s = min(max((uv * t - uw) / uu, 0.0), 1.0) if uu > _TINY else 0.0
    gap = w + s * u - t * v
    return np.sqrt(gap @ gap)


@compiled
def near_pairs(placement, link, capsule, pairs, within, out):  # type: ignore[no-untyped-def]
    """Fill `out` (K, 2) with (frame, pair) of the capsules nearer than `within`; returns how many there are, maybe more than K.

    Args:
        placement: (S, L, 12) of the links.
        link: (G,) link of each shape; `capsule`: (G, 7) in its link's frame; `pairs`: (P, 2) of shapes.
        within: (P,) m.
    """
    shapes, count = len(link), 0
    ends, middle, half = np.empty((shapes, 2, 3)), np.empty((shapes, 3)), np.empty(shapes)
    for s in range(len(placement)):
        for g in range(shapes):
            m = placement[s, link[g]]
            square = 0.0
            for i in range(3):
                for e in range(2):
                    c = capsule[g, 3 * e : 3 * e + 3]
                    ends[g, e, i] = m[9 + i] + m[i] * c[0] + m[3 + i] * c[1] + m[6 + i] * c[2]
                middle[g, i] = (ends[g, 0, i] + ends[g, 1, i]) / 2
                square += (ends[g, 1, i] - ends[g, 0, i]) ** 2
            half[g] = np.sqrt(square) / 2
        for p in range(len(pairs)):
            a, b = pairs[p, 0], pairs[p, 1]
            reach = within[p] + capsule[a, 6] + capsule[b, 6]
            x, y, z = middle[a, 0] - middle[b, 0], middle[a, 1] - middle[b, 1], middle[a, 2] - middle[b, 2]
            far = reach + half[a] + half[b]
            if x * x + y * y + z * z > far * far:
                continue
            if segment_distance(ends[a, 0], ends[a, 1], ends[b, 0], ends[b, 1]) < reach:
                if count < len(out):
                    out[count, 0], out[count, 1] = s, p
                count += 1
    return count


def _random_postures(robot: Robot, count: int) -> Array:
    """(count, J) postures within the limits, the same ones every time."""
    low, high = np.clip(robot.lower_rad, -np.pi, np.pi), np.clip(robot.upper_rad, -np.pi, np.pi)
    return np.random.default_rng(0).uniform(low, high, (count, len(low)))


def _knuckles(robot: Robot, on_arms: bool = False) -> list[list[str]]:
    """Links of the knuckles of each hand, or of those that hang on an arm: a hand by itself is all there is to measure."""
    hands = []
    for side in SIDES:
        marks = [mark for finger in FINGERS[1:] if (mark := f"{side}_{finger}_mcp") in robot.landmarks]
        if marks and (not on_arms or f"{side}_elbow" in robot.landmarks):
            hands.append([robot.landmarks[mark].frame for mark in marks])
    return hands
