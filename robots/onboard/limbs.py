"""Limbs: mirrored chains with a hinge between two long bones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.transform import Array
from robots.onboard.geometry import across, distance_to_line, meeting_point, unit
from robots.onboard.mirror import Symmetry
from robots.onboard.tree import Bodies

_SHORTEST = 0.15
"""A branch shorter than this share of the robot is no limb."""
_BALL_JOINTS_N = 3
_TOE, _BONE = 0.1, 0.6
"""Parallel hinges this far apart have a toe between them (over the limb from knee to end) or a bone (over the one before)."""
_ENOUGH_BEFORE = {1: 0.6, 2: 0.8, 3: 1.0}
"""Joints before an elbow or a knee -> its weight: hips and shoulders turn every way, and a clavicle's far end is no elbow."""
_TO_END = 2.1
"""Where a last link ends, as a multiple of how far out its centre of mass is."""
WRIST_SHARE = 0.62
"""Where a wrist is on a forearm and a hand of one piece, as a share of the way from the elbow to its end."""


@dataclass(frozen=True)
class Limb:
    """One limb: `start` (shoulder, hip), `middle` (elbow, knee), `end` (wrist, ankle), (3,) each in the world.

    Attributes:
        chain: bodies from the trunk outwards, the last being hand or foot.
        hinge: index in `chain` of the elbow or knee.
        distal: bodies that the wrist's or ankle's joints move; none where hand and forearm are one.
        tip: (3,) where the last body ends.
        quality: 0..1, how much the bones look like a limb's: across the hinge, between joints that meet in a point.
        margin: 0..1, how far behind the second best hinge is.
        score_m: of the hinge; both sides' count together.
    """

    chain: tuple[int, ...]
    hinge: int
    distal: tuple[int, ...]
    start: Array
    middle: Array
    end: Array
    tip: Array
    quality: float
    margin: float
    score_m: float

    @property
    def hinge_body(self) -> int:
        """The body that the elbow or knee moves."""
        return self.chain[self.hinge]

    @property
    def upper_body(self) -> int:
        """The body of the upper arm or thigh."""
        return self.chain[self.hinge - 1]

    @property
    def end_body(self) -> int:
        """The body that the last wrist or ankle joint moves: hand or foot; the last of the limb where it has none."""
        return self.distal[-1] if self.distal else self.chain[-1]

    @property
    def jointed(self) -> tuple[int, ...]:
        """The chain as far as wrist or ankle: without jaws and toes."""
        return self.chain[: self.chain.index(self.end_body) + 1]

    @property
    def proximal(self) -> tuple[int, ...]:
        """The bodies that the shoulder's or hip's joints move."""
        return self.chain[max(0, self.hinge - _BALL_JOINTS_N) : self.hinge]

    @property
    def length_m(self) -> float:
        """Of both bones."""
        return float(np.linalg.norm(self.start - self.middle) + np.linalg.norm(self.middle - self.end))


@dataclass(frozen=True)
class LimbPair:
    """Two limbs that are each other's mirror image, and the body they hang on."""

    carrier: int
    limbs: tuple[Limb, Limb]

    def middle_of(self, name: str) -> Array:
        """The middle between the two sides' `start`, `middle` or `end`."""
        return np.asarray((getattr(self.limbs[0], name) + getattr(self.limbs[1], name)) / 2)

    @property
    def length_m(self) -> float:
        """Of one limb."""
        return self.limbs[0].length_m


@dataclass(frozen=True)
class Branches:
    """The trunk, and what branches off it.

    Attributes:
        trunk: bodies that carry something on both sides or lie on the plane.
        pairs: limb pairs, the longest first.
    """

    trunk: tuple[int, ...]
    pairs: tuple[LimbPair, ...]


def find_branches(bodies: Bodies, symmetry: Symmetry) -> Branches:
    """The trunk and the limb pairs of a robot."""
    trunk, siblings = _walk_trunk(bodies, symmetry)
    found = [pair for a, b in siblings for pair in [_limb_pair(bodies, a, b)] if pair is not None]
    longest = max((pair.length_m for pair in found), default=0.0)
    kept = sorted((pair for pair in found if pair.length_m > 0.3 * longest), key=lambda pair: -pair.length_m)
    return Branches(trunk, tuple(kept))


def _walk_trunk(bodies: Bodies, symmetry: Symmetry) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
    trunk, pairs = [0], []
    for body in trunk:  # grows as it goes
        done: set[int] = set()
        for child in bodies.children[body]:
            if child in done:
                continue
            image = _image(bodies, symmetry, child, body)
            if image != child and image not in done:
                pairs.append((child, image))
                done |= {child, image}
            else:
                trunk.append(child)
    return tuple(trunk), pairs


def _image(bodies: Bodies, symmetry: Symmetry, child: int, parent: int) -> int:
    """The sibling that mirrors a branch, by a vote of all bodies in it: single ones may lie on the plane, as clavicles do."""
    direct = int(symmetry.partner[child])
    if direct != child and direct in bodies.children[parent]:
        return direct
    votes = dict.fromkeys(bodies.children[parent], 0)
    for body in bodies.below[child]:
        for sibling in votes:
            votes[sibling] += symmetry.partner[body] in bodies.below[sibling]
    best = max(votes, key=lambda sibling: votes[sibling])
    return best if votes[best] else child


def _limb_pair(bodies: Bodies, a: int, b: int) -> LimbPair | None:
    reach = bodies.reach_m(a)
    if reach < _SHORTEST * bodies.size_m or bodies.steps[a] < 3:
        return None
    chains = [main_chain(bodies, branch, reach) for branch in (a, b)]
    count = min(map(len, chains))
    if count < 3:
        return None
    splits = [_splits(bodies, chain[:count]) for chain in chains]
    common = sorted(set(splits[0]) & set(splits[1]), key=lambda hinge: splits[0][hinge].score_m + splits[1][hinge].score_m)
    if not common or min(split[common[-1]].score_m for split in splits) < 0.01 * bodies.size_m:
        return None
    left, right = (_with_margin(split, common) for split in splits)
    return LimbPair(int(bodies.parent[a]), (left, right))


def _with_margin(split: dict[int, Limb], common: list[int]) -> Limb:
    best = split[common[-1]]
    second = split[common[-2]].score_m if len(common) > 1 else 0.0
    return Limb(**{**vars(best), "margin": max(0.0, 1 - second / best.score_m)})


def main_chain(bodies: Bodies, branch: int, length_m: float) -> tuple[int, ...]:
    """The bodies from a branch's first to its hand or foot: the farthest child each time, until all children are small."""
    chain = [branch]
    while bodies.children[chain[-1]]:
        children = bodies.children[chain[-1]]
        if len(chain) >= 3 and len(children) >= 2 and all(_is_small(bodies, child, length_m) for child in children):
            break
        chain.append(max(children, key=lambda child: _farness(bodies, child, branch, length_m)))
    return tuple(chain)


def _is_small(bodies: Bodies, body: int, length_m: float) -> bool:
    return bool(bodies.reach_m(body) < 0.3 * length_m and bodies.steps[body] <= 7)


def _farness(bodies: Bodies, body: int, branch: int, length_m: float) -> tuple[bool, float]:
    away = float(np.linalg.norm(bodies.point_m[body] - bodies.point_m[branch]))
    return not bodies.following[body], bodies.reach_m(body) + away + 0.02 * length_m * float(bodies.steps[body])


def tip_of(bodies: Bodies, body: int) -> Array:
    """Where a last body ends: its farthest point, or beyond its centre of mass where nothing else is stated."""
    points = np.vstack([bodies.extent_m[body], bodies.point_m[list(bodies.children[body])].reshape(-1, 3)])
    origin = bodies.point_m[body]
    farthest = points[np.linalg.norm(points - origin, axis=1).argmax()]
    if bodies.children[body]:
        return np.asarray(farthest)
    guess = origin + _TO_END * (bodies.centre_m[body] - origin)
    return np.asarray(max(farthest, guess, key=lambda point: float(np.linalg.norm(point - origin))))


def _splits(bodies: Bodies, chain: tuple[int, ...]) -> dict[int, Limb]:
    """Index of every joint that could be the elbow or knee -> the limb that it would make."""
    tip = tip_of(bodies, chain[-1])
    found = (_split(bodies, chain, hinge, tip) for hinge in range(1, len(chain)))
    return {limb.hinge: limb for limb in found if limb is not None}


def _split(bodies: Bodies, chain: tuple[int, ...], hinge: int, tip: Array) -> Limb | None:
    body, turning = chain[hinge], [other for other in chain[:hinge] if not bodies.sliding[other]]
    if bodies.sliding[body] or not turning:
        return None
    near = turning[-_BALL_JOINTS_N:]
    start, start_miss = _ball(bodies.point_m[near], bodies.axis[near], bodies.point_m[body])
    distal = _distal(bodies, chain, hinge, tip)
    end, end_miss = _end(bodies, distal, bodies.point_m[body], tip)
    axis = bodies.axis[body]
    middle = bodies.point_m[body] + axis * (axis @ ((start + end) / 2 - bodies.point_m[body]))
    bones = [float(np.linalg.norm(point - middle)) + 1e-9 for point in (start, end)]
    sines = [float(np.linalg.norm(across(unit(point - middle), axis))) for point in (start, end)]
    roundness = [1 - 0.3 * min(1.0, miss / bone) for miss, bone in zip((start_miss, end_miss), bones, strict=True)]
    score = min(bones) * float(np.prod(sines)) ** 2 * float(np.prod(roundness)) * _ENOUGH_BEFORE[min(len(near), _BALL_JOINTS_N)]
    quality = float(min(sines) * (1 - min(1.0, start_miss / bones[0])))
    return Limb(chain, hinge, distal, start, middle, end, tip, quality, 0.0, float(score))


def _ball(points: Array, axes: Array, beyond: Array) -> tuple[Array, float]:
    """Where a shoulder's or hip's lines meet. One line far off the others' meeting point is a joint of its own (a clavicle)."""
    place, miss = meeting_point(points, axes)
    if len(points) == _BALL_JOINTS_N and miss > 0.08 * np.linalg.norm(place - beyond):
        last, last_miss = meeting_point(points[1:], axes[1:])
        if last_miss < 0.3 * miss:
            return last, last_miss
    return place, miss


def _distal(bodies: Bodies, chain: tuple[int, ...], hinge: int, tip: Array) -> tuple[int, ...]:
    """The joints of a wrist or ankle: up to three beyond the hinge, but none of fingers, jaws or toes.

    A bird's leg has a bone more, behind a second knee: its ankle is the one beyond.
    """
    knee = bodies.point_m[chain[hinge]]
    bone = tip - knee
    out: list[int] = []
    for body in chain[hinge + 1 :][:_BALL_JOINTS_N]:
        apart = max((_apart(bodies, other, body, unit(bone)) for other in out), default=0.0)
        if bodies.sliding[body] or bodies.following[body]:
            break
        if apart > _TOE * np.linalg.norm(bone):
            if apart < _BONE * np.linalg.norm(bodies.point_m[out[-1]] - knee):
                break
            out = []
        out.append(body)
    return tuple(out)


def _apart(bodies: Bodies, before: int, body: int, bone: Array) -> float:
    """How far a hinge is from one before it that is parallel to it, with a bone of its own between them; 0 for others, in m."""
    parallel = abs(bodies.axis[before] @ bodies.axis[body]) > 0.95
    crosses = abs(bodies.axis[before] @ bone) < 0.7
    return distance_to_line(bodies.point_m[body], bodies.point_m[before], bodies.axis[before]) if parallel and crosses else 0.0


def _end(bodies: Bodies, distal: tuple[int, ...], hinge: Array, tip: Array) -> tuple[Array, float]:
    if not distal:
        return tip, 0.0
    near = list(distal)
    place, miss = meeting_point(bodies.point_m[near], bodies.axis[near])
    length = float(np.linalg.norm(tip - hinge))
    if len(near) == 1 and abs(bodies.axis[near[0]] @ unit(tip - hinge)) > 0.9:
        return _beyond_roll(bodies.point_m[near[0]], bodies.axis[near[0]], hinge, tip), 0.0
    if np.linalg.norm(place - hinge) < 0.15 * length:
        return bodies.point_m[near[-1]], 0.0
    return place, miss


def _beyond_roll(roll: Array, axis: Array, hinge: Array, tip: Array) -> Array:
    """The wrist of an arm that only rolls there, somewhere along its forearm: where its joint is, or farther out."""
    onward = axis * np.sign(axis @ (tip - hinge))
    return np.asarray(roll + onward * max(0.0, WRIST_SHARE * float((tip - hinge) @ onward) - float((roll - hinge) @ onward)))
