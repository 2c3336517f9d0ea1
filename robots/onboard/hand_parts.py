"""Hands: knuckles, finger joints and fingertips; three palm points where there are no fingers."""

from __future__ import annotations

import itertools

import numpy as np

from motion.transform import Array
from robots.onboard.geometry import across, frame, unit
from robots.onboard.hands import Digit, Hand
from robots.onboard.plan import Frame, Point, Surface
from robots.onboard.tree import Bodies

_FINGERS = ("index", "middle", "ring", "pinky")
_FINGER_JOINTS, _THUMB_JOINTS = ("mcp", "pip", "dip"), ("cmc", "mcp", "ip")
_SAME_PLACE = 0.14
"""Joints nearer to each other than this share of the digit are one joint of a person's."""
_PAD_RAD = np.radians(30.0)
"""Where a fingertip touches in a pinch: this far from its end towards the palm."""
_STUB = 0.3
_KNUCKLES, _HALF_PALM = 0.55, 0.3
"""Of a hand without fingers: where its knuckles would be, over its length, and half its width over the way to them."""


def finger_points(bodies: Bodies, surface: Surface, hand: Hand, side: str, sure: float) -> dict[str, Point]:
    """Landmarks of a hand with a thumb; a person's fingers are given out from the thumb's side on."""
    thumbward = hand.toward_thumb({1: "right", -1: "left"}.get(hand.chirality, side))
    ordered = sorted(hand.fingers, key=lambda digit: -float(digit.base @ thumbward))[: len(_FINGERS)]
    out: dict[str, Point] = {}
    for name, digit in zip(_FINGERS, ordered, strict=False):
        flexing = [body for body in digit.chain if abs(bodies.axis[body] @ digit.axis) > 0.7 and not bodies.sliding[body]]
        joints = _three(bodies, _apart(bodies, digit, flexing or list(digit.chain)))
        out |= _digit_points(bodies, surface, digit, f"{side}_{name}", dict(zip(_FINGER_JOINTS, joints, strict=False)), hand.normal, sure)
    assert hand.thumb is not None
    thumb = hand.digits[hand.thumb]
    joints = _apart(bodies, thumb, [body for body in thumb.chain if not bodies.sliding[body]] or list(thumb.chain))
    joints = [joints[0], *joints[1:][-2:]]
    toward = unit(np.mean([digit.tip for digit in ordered], axis=0) - thumb.tip)
    out |= _digit_points(bodies, surface, thumb, f"{side}_thumb", dict(zip(_THUMB_JOINTS, joints, strict=False)), toward, sure)
    return out | _missing_knuckles(bodies, hand, side, ordered, thumbward, sure)


def _missing_knuckles(bodies: Bodies, hand: Hand, side: str, ordered: list[Digit], thumbward: Array, sure: float) -> dict[str, Point]:
    """Index, middle and little finger's knuckles span the palm, whatever fingers a hand has."""
    if len(ordered) > 2:
        return {}
    first, last = ordered[0].base, ordered[-1].base
    if len(ordered) == 1:
        last = first - 0.5 * ordered[0].length_m * thumbward
    middle = Point(hand.palm, (first + last) / 2, sure)
    return {f"{side}_middle_mcp": middle, f"{side}_pinky_mcp": Point(hand.palm, last, sure)}


def _apart(bodies: Bodies, digit: Digit, joints: list[int]) -> list[int]:
    """The joints that are a bone apart; of several in one place, the first."""
    out = [joints[0]]
    for body in joints[1:]:
        if np.linalg.norm(bodies.point_m[body] - bodies.point_m[out[-1]]) > _SAME_PLACE * digit.length_m:
            out.append(body)
    return out


def _three(bodies: Bodies, joints: list[int]) -> list[int]:
    """At most three: the first, the last, and the one nearest to halfway."""
    if len(joints) <= 3:
        return joints
    half = (bodies.point_m[joints[0]] + bodies.point_m[joints[-1]]) / 2
    middle = min(joints[1:-1], key=lambda body: float(np.linalg.norm(bodies.point_m[body] - half)))
    return [joints[0], middle, joints[-1]]


def _digit_points(
    bodies: Bodies, surface: Surface, digit: Digit, name: str, joints: dict[str, int], palmar: Array, sure: float
) -> dict[str, Point]:
    out = {f"{name}_{joint}": Point(body, bodies.point_m[body], sure) for joint, body in joints.items()}
    last = digit.chain[-1]
    return out | {f"{name}_tip": Point(last, fingertip(bodies, surface, last, palmar), 0.8 * sure)}


def fingertip(bodies: Bodies, surface: Surface, last: int, palmar: Array) -> Array:
    """The pad of a finger's last body: on its skin, between its end and its palm side; its end where no shape is known."""
    origin = bodies.point_m[last]
    skin, end = surface(last), _bone_end(bodies, last)
    if not len(skin):
        return end
    along = unit(skin.mean(0) - origin)
    inward = unit(across(palmar, along))
    support = np.cos(_PAD_RAD) * along + np.sin(_PAD_RAD) * inward
    touch = skin[(skin @ support).argmax()] - origin
    return np.asarray(origin + (touch @ along) * along + (touch @ inward) * inward)


def _bone_end(bodies: Bodies, last: int) -> Array:
    """Where a last bone ends without its shape: a frame of the URDF's own there, or twice as far as its centre of mass."""
    origin = bodies.point_m[last]
    twice = 2 * bodies.centre_m[last] - origin
    before = origin - bodies.point_m[bodies.parent[last]]
    if np.linalg.norm(twice - origin) < 0.3 * np.linalg.norm(before):
        twice = origin + 0.8 * before
    places = [twice, *(bodies.pose[link][:3, 3] for link in bodies.links[last][1:])]
    frames = [place for place in places[1:] if np.linalg.norm(place - origin) > 0.7 * np.linalg.norm(twice - origin)]
    return np.asarray(max(frames, key=lambda place: float(np.linalg.norm(place - origin))) if frames else twice)


def gripper_points(bodies: Bodies, surface: Surface, hand: Hand, side: str, wrist: Array, palm_y: Array, sure: float) -> dict[str, Point]:
    """Palm points and tips of a gripper: the jaw on the palm's side, or the jaw alone against several, is the thumb.

    Args:
        palm_y: (3,) the hand's left when the arm hangs, as the forearm has it; only its sign along the jaws' way counts.
    """
    inward = -1.0 if side == "left" else 1.0
    facing = hand.normal * (1.0 if hand.normal @ palm_y * inward >= 0 else -1.0)
    tips = _jaw_tips(bodies, surface, hand)
    middle = np.mean([place for _, place in tips], axis=0)
    thumbs, fingers = ([tip for tip in tips if bool((tip[1] - middle) @ facing > 0) is near] for near in (True, False))
    if thumbs and fingers and len(thumbs) > len(fingers):
        thumbs, fingers, facing = fingers, thumbs, -facing
    out = blunt_points(bodies, hand.palm, hand.knuckles, np.cross(hand.direction, facing * inward), side, wrist, sure)
    if not thumbs or not fingers:
        return out
    fingers.sort(key=lambda tip: -float(tip[1] @ (out[f"{side}_index_mcp"].place - out[f"{side}_pinky_mcp"].place)))
    named = {"thumb": thumbs[0], "index": fingers[0]} | ({"pinky": fingers[-1]} if len(fingers) > 1 else {})
    return out | {f"{side}_{name}_tip": Point(body, place, 0.5 * sure) for name, (body, place) in named.items()}


def _jaw_tips(bodies: Bodies, surface: Surface, hand: Hand) -> list[tuple[int, Array]]:
    """The bodies at the gripper's far end, and where each ends."""
    ends = []
    for body in bodies.below[hand.palm]:
        if not bodies.children[body]:
            skin = surface(body)
            points = skin if len(skin) else bodies.extent_m[body]
            ends.append((body, points[(points @ hand.direction).argmax()], bodies.centre_m[body]))
    far = max(float((end - hand.knuckles) @ hand.direction) for _, end, _ in ends)
    kept = [(body, end, centre) for body, end, centre in ends if (end - hand.knuckles) @ hand.direction > 0.7 * far]
    return [(body, centre + hand.direction * ((end - centre) @ hand.direction)) for body, end, centre in kept]


def blunt_points(bodies: Bodies, palm: int, knuckles: Array, forward: Array, side: str, wrist: Array, sure: float) -> dict[str, Point]:
    """Three palm points about the place where knuckles are or would be; `forward` (3,) is the index finger's side."""
    away = knuckles - wrist
    half = _HALF_PALM * float(np.linalg.norm(away)) * unit(across(forward, unit(away)))
    places = {"index": knuckles + half, "middle": knuckles, "pinky": knuckles - half}
    return {f"{side}_{name}_mcp": Point(palm, place, sure) for name, place in places.items()}


def blunt_direction(bodies: Bodies, palm: int, wrist: Array, forearm: Array) -> Array:
    """(3,) unit, along a hand without fingers: as the forearm lies, unless the wrist is bent at zero."""
    toward = unit(bodies.centre_m[palm] - wrist)
    return forearm if toward @ forearm > 0.5 or not np.any(toward) else toward


def blunt_knuckles(bodies: Bodies, surface: Surface, palm: int, wrist: Array, along: Array, tip: Array) -> Array:
    """Where the knuckles of a hand without fingers would be, given its direction (3,) unit."""
    skin = surface(palm)
    far = float((tip - wrist) @ along)
    end = float(((skin - wrist) @ along).max()) if len(skin) else 0.0
    if end < _STUB * far:  # no shape, or one that ends at the wrist
        end = max(far, float(((bodies.extent_m[palm] - wrist) @ along).max()), 1e-3)
    # The hand itself begins at the last of the wrist's joints.
    begin = float(np.clip((bodies.point_m[palm] - wrist) @ along, 0.0, 0.5 * end))
    return np.asarray(wrist + (begin + _KNUCKLES * (end - begin)) * along)


def finger_frames(points: dict[str, Point], side: str, forward: Array) -> dict[str, Frame]:
    """Finger bones: z from the far end to the near one, x the hand's."""
    out = {}
    for finger in ("thumb", *_FINGERS):
        joints = [points.get(f"{side}_{finger}_{joint}") for joint in (*(_THUMB_JOINTS if finger == "thumb" else _FINGER_JOINTS), "tip")]
        for bone, (a, b) in zip(("proximal", "middle", "distal"), itertools.pairwise(joints), strict=True):
            if a is not None and b is not None:
                rotation = frame("z", a.place - b.place, "x", forward)
                if np.isfinite(rotation).all():
                    out[f"{side}_{finger}_{bone}"] = Frame(a.body, rotation, b.sure)
    return out
