"""Targets of the hands: fingertips relative to the wrist, and where fingers bend."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np

from motion.landmarks import FINGERS
from motion.transform import Array
from retarget.body_map import BodyMap
from retarget.person import Person
from retarget.rows import Rows, TargetWeights


def hand_rows(rows: Rows, body: BodyMap, person: Person, side: str, weights: TargetWeights) -> None:
    """Fingertips relative to the wrist: the robot's own palm, turned as the person's, plus the scaled finger."""
    wrist, segment = f"{side}_wrist", f"{side}_hand"
    rotation, conditioning = person.orientation(segment)
    if not (body.has(wrist) and person.seen(wrist) and segment in body.link and np.isfinite(rotation).any()):
        return
    if not any(name == wrist for name, *_ in rows.vectors):
        _free_hand_rows(rows, body, person, side, weights)
    pose = body.kinematics.frame_poses([body.link[segment]], body.robot.rest_rad)[0, 0]
    palm = pose.rotation() @ body.link_R_segment[segment]
    for finger in FINGERS:
        knuckle, tip = f"{side}_{finger}_{'cmc' if finger == 'thumb' else 'mcp'}", f"{side}_{finger}_tip"
        if not (body.has(tip) and person.seen(knuckle, tip)):
            continue
        base = body.rest_m.get(knuckle, body.rest_m[f"{side}_middle_mcp"])
        scale = _finger_length(body.rest_m, side, finger, base) / _person_finger_length(person, side, finger)
        wanted = rotation @ (palm.T @ (base - body.rest_m[wrist])) + scale * (person.point(tip) - person.point(knuckle))
        rows.vector(tip, wanted, person.trust(wrist, knuckle, tip) * conditioning * weights.fingertip, start=f"{wrist}_on_palm")
        bend = f"{side}_{finger}_{'mcp' if finger == 'thumb' else 'pip'}"
        if body.has(knuckle, bend) and person.seen(knuckle, bend):
            # Where the finger bends, not only where it ends: else it may fold backwards to reach the same point.
            rows.direct(knuckle, bend, person.point(bend) - person.point(knuckle), person.trust(knuckle, bend) * weights.finger)


def _free_hand_rows(rows: Rows, body: BodyMap, person: Person, side: str, weights: TargetWeights) -> None:
    """A hand without an arm: the wrist itself is placed where the person's is."""
    segment, wrist = f"{side}_hand", f"{side}_wrist"
    rotation, conditioning = person.orientation(segment)
    rows.vector(wrist, person.point(wrist), person.trust(wrist) * weights.foot)
    rows.orient(segment, rotation, person.trust(wrist) * conditioning * weights.foot_orientation)


def _finger_chain(side: str, finger: str) -> list[str]:
    return [f"{side}_{finger}_{point}" for point in (("cmc", "mcp", "ip", "tip") if finger == "thumb" else ("mcp", "pip", "dip", "tip"))]


def _finger_length(rest_m: Mapping[str, Array], side: str, finger: str, base: Array) -> float:
    chain = [base, *(rest_m[name] for name in _finger_chain(side, finger)[1:] if name in rest_m)]
    return float(sum(np.linalg.norm(b - a) for a, b in itertools.pairwise(chain)))


def _person_finger_length(person: Person, side: str, finger: str) -> float:
    chain = [name for name in _finger_chain(side, finger) if person.seen(name)]
    return person.length_m(*chain)
