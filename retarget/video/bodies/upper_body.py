"""What a camera on the head says of the body under it: a plausible upper body from the head's pose and the wrists. No legs.

Nobody saw it: all of it is inferred, and says so. The head stands on the neck; below it hangs the trunk, leaning where the head
sank and went ahead; the line of the shoulders follows head and hands slowly; arms are two bones to the wrists, the elbow low,
outward, and behind the hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from motion.errors import MotionError, ShapeError, require
from motion.landmarks import SIDES, hand_landmarks
from motion.segments import segment_frame
from motion.transform import Array, Transform, matrix_from_wxyz, normalized, wxyz_from_matrix
from retarget.partial_targets import trunk_down
from retarget.spans import bridged
from retarget.video.bodies.body_bones import DEFAULT_STATURE_M, DEFAULT_STATURE_SPREAD
from retarget.video.paths import BodyPath, HandPath

CONFIDENCE = 0.5
"""Of what is inferred from poses that were measured."""
_OUT_OF_REACH = 0.4
"""Part of it that is left to the shoulder of an arm whose hand is farther than it reaches."""
_NECK_TO_TOP, _HEAD_ON_NECK = 0.135, 0.45
"""Base of the neck to the vertex over stature (ANSUR II), and where on that way the head's joint is."""
_TRUNK, _SHOULDERS_BELOW_NECK, _CHEST_BELOW_NECK = 0.35, 0.075, 0.13
_HALF_SHOULDERS, _HALF_CLAVICLES = 0.103, 0.021
_UPPER_ARM, _FOREARM = 0.160, 0.151
"""Over stature: hips to the base of the neck, heights below it, half widths, lengths. Sources: ANSUR II; de Leva 1996; the shoulders
as in Drillis and Contini 1966."""
_FROM_SIDE = {"left": 1.0, "right": -1.0}


@dataclass(frozen=True)
class UpperBodySettings:
    """How a body hangs under a head.

    Attributes:
        tilt_rad: how far a phone on the forehead looks down when the head is upright.
        ahead_share, over_neck_share: where the phone is before and over the base of the neck, over stature.
        head_share: how much the head's heading counts for that of the shoulders, beside the hands', which count by their
            distance from the neck in metres.
        turn_s: width of the smoothing of the shoulders' heading: a trunk turns more slowly than a head.
        steady_s: width of the smoothing of where elbows point.
        outward, backward: where an elbow points beside down.
        behind_hand: how much an elbow points away from the hand, where the hand's orientation is known; down counts as 1.
        forward_share: how far a shoulder goes towards a hand that is out of reach, over stature.
    """

    tilt_rad: float = 0.70
    ahead_share: float = 0.064
    over_neck_share: float = 0.097
    head_share: float = 0.6
    turn_s: float = 0.7
    steady_s: float = 0.1
    outward: float = 0.4
    backward: float = 0.5
    behind_hand: float = 1.0
    forward_share: float = 0.05


UPPER_BODY: tuple[str, ...] = (
    *("chest", "neck", "head", "head_top"),
    *(f"{side}_{name}" for side in SIDES for name in ("clavicle", "shoulder", "elbow")),
)
"""What is inferred. Wrists are not among them: hands were seen, and carry their own."""


@dataclass(frozen=True)
class UpperBody:
    """What was inferred below a head.

    Attributes:
        body: in the world.
        head_wxyz: (T, 4) orientation of the head in the axes of `motion.segments`; NaN where the camera's pose is unknown.
    """

    body: BodyPath
    head_wxyz: Array


def head_from_camera(T_world_camera: Transform, height_m: float | None = None, settings: UpperBodySettings | None = None) -> Transform:
    """T_world_head (T,), in the axes of `motion.segments`, at the base of the neck, of who wears the camera on the forehead.

    The camera looks ahead and down by the tilt, its picture upright.
    """
    settings, stature = settings or UpperBodySettings(), height_m or DEFAULT_STATURE_M
    sine, cosine = np.sin(settings.tilt_rad), np.cos(settings.tilt_rad)
    # Columns: where the head's x (ahead), y (left) and z (up) point in the camera's frame (right, down, ahead).
    head_in_camera = np.array([[0.0, -1.0, 0.0], [-sine, 0.0, -cosine], [cosine, 0.0, -sine]])
    rotation = matrix_from_wxyz(T_world_camera.wxyz) @ head_in_camera
    offset = np.array([settings.ahead_share, 0.0, settings.over_neck_share]) * stature
    return Transform(T_world_camera.position_m - rotation @ offset, wxyz_from_matrix(rotation))


def infer_upper_body(
    time_s: Array,
    T_world_camera: Transform,
    hands: Mapping[str, HandPath],
    height_m: float | None = None,
    settings: UpperBodySettings | None = None,
) -> UpperBody:
    """A plausible upper body of who wears the camera on the forehead, in the world.

    Args:
        time_s: (T,) rising.
        T_world_camera: poses (T,) of the camera; NaN where unknown.
        hands: side -> path in the world.
        height_m: stature; `body_bones.DEFAULT_STATURE_M` where None.
        settings: how a body hangs under a head.

    Raises:
        ShapeError: tracks of other lengths.
        MotionError: the camera's pose is never known.
    """
    T_world_head = head_from_camera(T_world_camera, height_m, settings)
    wrists = {side: hand.position_m[:, 0] for side, hand in hands.items()}
    turned = {side: _hand_wxyz(side, hand) for side, hand in hands.items()}
    return UpperBody(body_below(time_s, T_world_head, wrists, turned, height_m, settings), T_world_head.wxyz)


def _hand_wxyz(side: str, hand: HandPath) -> Array:
    columns = {name: column for column, name in enumerate(hand_landmarks(side))}
    return segment_frame(f"{side}_hand", lambda name: hand.position_m[:, columns[name]])[0]


def body_below(
    time_s: Array,
    T_world_head: Transform,
    wrists_m: Mapping[str, Array],
    hands_wxyz: Mapping[str, Array] | None = None,
    height_m: float | None = None,
    settings: UpperBodySettings | None = None,
) -> BodyPath:
    """A plausible upper body in the world.

    Args:
        time_s: (T,) rising.
        T_world_head: poses (T,) of the head at the base of the neck, as from `head_from_camera`.
        wrists_m: side -> (T, 3); NaN where unseen. An arm whose wrist is unseen, or out of reach, is not inferred.
        hands_wxyz: side -> (T, 4) orientation of the hand in the axes of `motion.segments`; NaN where unknown.
        height_m: stature; `body_bones.DEFAULT_STATURE_M` where None.
        settings: how a body hangs under a head.

    Raises:
        ShapeError: tracks of other lengths.
        MotionError: the head's pose is never known.
    """
    settings, stature = settings or UpperBodySettings(), height_m or DEFAULT_STATURE_M
    frames = len(time_s)
    for name, track in {"T_world_head": T_world_head.position_m, **wrists_m}.items():
        require(np.shape(track) == (frames, 3), ShapeError, f"{name} below a head is {np.shape(track)}; ({frames}, 3) was wanted.")
    neck, head = bridged(time_s, T_world_head.position_m), matrix_from_wxyz(T_world_head.wxyz)
    known = np.asarray(np.isfinite(neck).all(-1) & np.isfinite(head).all((1, 2)))
    require(bool(known.any()), MotionError, "the head's pose is not known in any frame: no body can be inferred below it.")
    forward = _heading(time_s, neck, head, wrists_m, settings)
    down = trunk_down(time_s, neck, _TRUNK * stature, forward)
    left = np.stack([-forward[:, 1], forward[:, 0], np.zeros(frames)], axis=-1)
    up = head[:, :, 2]
    middle = neck + _SHOULDERS_BELOW_NECK * stature * down
    places = {
        "chest": neck + _CHEST_BELOW_NECK * stature * down,
        "neck": neck,
        "head": neck + _HEAD_ON_NECK * _NECK_TO_TOP * stature * up,
        "head_top": neck + _NECK_TO_TOP * stature * up,
    }
    reached = np.ones((frames, 2), bool)
    for index, (side, sign) in enumerate(_FROM_SIDE.items()):
        shoulder = middle + sign * _HALF_SHOULDERS * stature * left
        wrist = wrists_m.get(side, np.full((frames, 3), np.nan))
        hand = None if hands_wxyz is None or side not in hands_wxyz else matrix_from_wxyz(hands_wxyz[side])
        shoulder, elbow, reached[:, index] = _arm(time_s, shoulder, wrist, hand, sign * left, forward, stature, settings)
        places |= {
            f"{side}_clavicle": middle + sign * _HALF_CLAVICLES * stature * left,
            f"{side}_shoulder": shoulder,
            f"{side}_elbow": elbow,
        }
    seen = {side: np.asarray(np.isfinite(wrists_m[side]).all(-1)) for side in SIDES if side in wrists_m}
    return _path(time_s, places, known, reached, _words(seen, reached, height_m))


def _heading(time_s: Array, neck: Array, head: Array, wrists_m: Mapping[str, Array], settings: UpperBodySettings) -> Array:
    """(T, 3) level unit vectors to where the chest faces."""
    looks = normalized(head[:, :, 0] * [1.0, 1.0, 0.0])
    tracks = [bridged(time_s, np.asarray(track)) for track in wrists_m.values() if np.isfinite(track).any()]
    hands = np.mean([track - neck for track in tracks], axis=0) if tracks else np.zeros(neck.shape)
    both = settings.head_share * np.nan_to_num(looks) + hands * [1.0, 1.0, 0.0]
    rate = 1 / np.median(np.diff(time_s)) if len(time_s) > 1 else 1.0
    slow = normalized(gaussian_filter1d(both, settings.turn_s * rate, axis=0, mode="nearest"))
    return np.where(np.isfinite(slow), slow, [1.0, 0.0, 0.0])


def _arm(
    time_s: Array,
    shoulder: Array,
    wrist: Array,
    hand: Array | None,
    outward: Array,
    forward: Array,
    stature: float,
    settings: UpperBodySettings,
) -> tuple[Array, Array, np.ndarray]:
    """Shoulder and elbow (T, 3) of one arm, and whether the wrist is within reach (T,). NaN where the wrist is unseen."""
    upper, fore = _UPPER_ARM * stature, _FOREARM * stature
    way = wrist - shoulder
    lack = np.maximum(np.linalg.norm(way, axis=-1) - (upper + fore), 0.0)
    seen = np.isfinite(way).all(-1)
    goes = np.minimum(np.nan_to_num(lack), settings.forward_share * stature)
    shoulder = shoulder + goes[:, None] * np.nan_to_num(normalized(way))
    way = wrist - shoulder
    distance, along = np.linalg.norm(way, axis=-1), normalized(way)
    middle_m = (distance**2 + upper**2 - fore**2) / (2 * distance)
    aside_m = np.sqrt(np.maximum(upper**2 - middle_m**2, 0.0))
    points = np.array([0.0, 0.0, -1.0]) + settings.outward * outward - settings.backward * forward
    if hand is not None:
        behind = wrist + fore * hand[:, :, 2] - (shoulder + middle_m[:, None] * along)
        points = points + settings.behind_hand * np.nan_to_num(normalized(behind))
    points = points - (points * along).sum(-1, keepdims=True) * along
    elbow = shoulder + middle_m[:, None] * along + aside_m[:, None] * _steady(time_s, points, settings.steady_s, along)
    reached = np.nan_to_num(lack) <= settings.forward_share * stature
    return shoulder, np.where((seen & reached)[:, None], elbow, np.nan), reached


def _steady(time_s: Array, points: Array, width_s: float, along: Array) -> Array:
    """(T, 3) unit vectors across others, smoothed over time; NaN where they were."""
    if not np.isfinite(points).any():
        return points
    rate = 1 / np.median(np.diff(time_s)) if len(time_s) > 1 else 1.0
    calm = gaussian_filter1d(bridged(time_s, normalized(points)), width_s * rate, axis=0, mode="nearest")
    return normalized(calm - (calm * along).sum(-1, keepdims=True) * along)


def _path(time_s: Array, places: Mapping[str, Array], known: np.ndarray, reached: np.ndarray, words: dict[str, str]) -> BodyPath:
    position = np.stack([places[name] for name in UPPER_BODY], axis=1)
    position = np.where(known[:, None, None], position, np.nan)
    confidence = np.where(np.isfinite(position).all(-1), CONFIDENCE, 0.0)
    for index, side in enumerate(SIDES):
        confidence[~reached[:, index], UPPER_BODY.index(f"{side}_shoulder")] *= _OUT_OF_REACH
    image = np.full((*position.shape[:2], 2), np.nan)
    return BodyPath(time_s, UPPER_BODY, position, confidence, image, np.zeros(len(time_s), bool), frozenset(UPPER_BODY), words)


def _words(seen: Mapping[str, np.ndarray], reached: np.ndarray, height_m: float | None) -> dict[str, str]:
    stature = f"{height_m:.2f} m as stated" if height_m else f"{DEFAULT_STATURE_M:.2f} m taken, plus or minus {DEFAULT_STATURE_SPREAD:.0%}"
    arms = ", ".join(f"{side} in {mask.mean():.0%}" for side, mask in seen.items() if mask.any()) or "none"
    words = {"upper body": f"inferred from head and wrists, nobody saw it; no legs; stature {stature}; arms: {arms} of the frames"}
    far = float(np.mean(~reached))
    if far > 0:
        words["out of reach"] = (
            f"a wrist is farther than an arm reaches in {far:.0%} of the frames, so no elbow is inferred there: "
            "state camera=, subject.height_m and subject.hand_length_m"
        )
    return words
