"""Joint centres from markers on the skin, by published rules; each joint the file itself holds is left as it is.

Sources:
    hip: Harrington et al. 2007, Journal of Biomechanics 40(3), from the pelvis's width and depth.
    knee and ankle without an inner marker: the chord of Davis et al. 1991, Human Movement Science 10(5).
    shoulder: Rab et al. 2002, Gait & Posture 15(3), 17 % of the distance of the acromia below them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from motion.landmarks import FINGERS, LANDMARKS, SIDES
from motion.segments import frame_from_axes
from motion.transform import Array, normalized
from retarget.reading.average_hand import FIRST_JOINT_M, finger_chain, place_in_palm

_MARKER_RADIUS_M = 0.007
_HALF_WIDTH_M = {"knee": 0.050, "ankle": 0.035, "elbow": 0.033}
"""Half the width of a typical adult's joint over its bones. Source: ANSUR II 2012, means of women and men, rounded."""
_SHOULDER_DROP = 0.17
_TOP_ABOVE_BAND_M, _BASE_BELOW_BAND_M = 0.095, 0.035
"""From the middle of a headband to the crown, and to the head's lower joint. Source: ANSUR II 2012, rounded."""


class JointCentres:
    """Adds joint centres (T, 3) to anatomical points, in the file's own axes; `inferred` names those that are guesses."""

    def __init__(self, points: Mapping[str, Array], units_per_m: float) -> None:
        self.points: dict[str, Array] = dict(points)
        self.inferred: set[str] = set()
        self._per_m = units_per_m
        self._add_trunk()
        for side in SIDES:
            self._add_hip(side)
        for side in SIDES:
            self._add_leg(side)
            self._add_shoulder(side)
        for side in SIDES:
            self._add_arm(side)
            self._add_knuckles(side)
        self._add_head()

    @property
    def landmarks(self) -> dict[str, Array]:
        """Those of the points that are landmarks."""
        return {name: track for name, track in self.points.items() if name in LANDMARKS}

    def _has(self, *names: str) -> bool:
        return all(name in self.points for name in names)

    def _middle(self, *names: str) -> Array | None:
        """The middle of points, None where one is missing."""
        return sum(self.points[name] for name in names) / len(names) if self._has(*names) else None  # type: ignore[return-value]

    def _set(self, name: str, track: Array | None, inferred: bool = False) -> None:
        if track is not None and name not in self.points:
            self.points[name] = track
            self.inferred |= {name} if inferred else set()

    def _add_trunk(self) -> None:
        self._set("neck", self._middle("c7", "jugular"))
        self._set("chest", self._middle("t10", "xiphoid"))

    def pelvis_axes(self) -> tuple[Array, Array, float] | None:
        """Middle of the front spines (T, 3), rotations (T, 3, 3) with x forward, y left, z up, and the depth; None without spines."""
        if not self._has("left_asis", "right_asis"):
            return None
        back = self._middle("left_psis", "right_psis")
        back = self.points.get("sacrum") if back is None else back
        if back is None:
            return None
        front = (self.points["left_asis"] + self.points["right_asis"]) / 2
        axes, _ = frame_from_axes("y", self.points["left_asis"] - self.points["right_asis"], "x", front - back)
        return front, axes, float(np.nanmedian(np.linalg.norm(front - back, axis=-1)))

    def _add_hip(self, side: str) -> None:
        pelvis = self.pelvis_axes()
        if pelvis is None:
            return
        front, axes, depth = pelvis
        width = float(np.nanmedian(np.linalg.norm(self.points["left_asis"] - self.points["right_asis"], axis=-1)))
        mm = self._per_m / 1e3
        lateral = 0.33 * width + 7.3 * mm
        offset = np.array([-0.24 * depth - 9.9 * mm, lateral if side == "left" else -lateral, -0.30 * width - 10.9 * mm])
        self._set(f"{side}_hip", front + axes @ offset)

    def _add_leg(self, side: str) -> None:
        s = f"{side}_"
        self._set(s + "knee", self._middle(s + "knee_lateral", s + "knee_medial"))
        self._set(s + "knee", self._chord("knee", s + "hip", s + "knee_lateral", s + "thigh", side))
        self._set(s + "ankle", self._middle(s + "ankle_lateral", s + "ankle_medial"))
        self._set(s + "ankle", self._chord("ankle", s + "knee", s + "ankle_lateral", s + "shank", side))
        self._set(s + "toe", self._middle(s + "toe_medial", s + "toe_lateral"))
        self._set(s + "toe", self.points.get(s + "toe_lateral"), inferred=True)

    def _chord(self, joint: str, upper: str, lateral: str, wand: str, side: str) -> Array | None:
        """The centre that lies half a width from the outer marker, at a right angle to the bone, away from the wand.

        Where the wand says another side than the pelvis, or there is none, the pelvis's left and right count.
        """
        if not self._has(upper, lateral):
            return None
        bone, reach = self.points[upper] - self.points[lateral], (_HALF_WIDTH_M[joint] + _MARKER_RADIUS_M) * self._per_m
        length = np.linalg.norm(bone, axis=-1, keepdims=True)
        along = bone / length
        inward = self._inward(side, along)
        if wand in self.points:
            away = self.points[lateral] - self.points[wand]
            away = normalized(away - (away * along).sum(-1, keepdims=True) * along)
            inward = np.where(((away * inward).sum(-1, keepdims=True) > 0.5), away, inward)
        cosine = np.clip(reach / length, 0, 1)
        return self.points[lateral] + reach * (cosine * along + np.sqrt(1 - cosine**2) * inward)

    def _inward(self, side: str, along: Array) -> Array:
        """(T, 3) towards the body's middle, across a bone: by the hips, or the outer markers of both legs."""
        for name in ("asis", "hip", "knee_lateral", "ankle_lateral"):
            if self._has(f"left_{name}", f"right_{name}"):
                across = self.points[f"left_{name}"] - self.points[f"right_{name}"]
                across = -across if side == "left" else across
                return normalized(across - (across * along).sum(-1, keepdims=True) * along)
        return np.full_like(along, np.nan)

    def _add_shoulder(self, side: str) -> None:
        if f"{side}_acromion" not in self.points:
            return
        acromion, down = self.points[f"{side}_acromion"], self._down()
        top = self._middle("left_acromion", "right_acromion")
        both = top is not None
        top = top if both else self.points.get("neck")
        if top is None or down is None:
            self._set(f"{side}_shoulder", acromion, inferred=True)
            return
        drop = 2 * _SHOULDER_DROP * np.linalg.norm(acromion - top, axis=-1, keepdims=True)
        self._set(f"{side}_shoulder", acromion + drop * normalized(down - top), inferred=not both)

    def _down(self) -> Array | None:
        """A point in the middle of the body, below the shoulders."""
        for names in (("left_hip", "right_hip"), ("left_asis", "right_asis"), ("t10", "xiphoid")):
            if self._has(*names):
                return self._middle(*names)
        return self.points.get("pelvis")

    def _add_arm(self, side: str) -> None:
        s = f"{side}_"
        self._set(s + "wrist", self._middle(s + "wrist_thumb", s + "wrist_pinky"))
        self._set(s + "elbow", self._middle(s + "elbow_lateral", s + "elbow_medial"))
        if s + "elbow" in self.points or s + "elbow_lateral" not in self.points:
            return
        elbow = self.points[s + "elbow_lateral"]
        if not self._has(s + "shoulder", s + "wrist"):
            self._set(s + "elbow", elbow, inferred=True)
            return
        reach = (_HALF_WIDTH_M["elbow"] + _MARKER_RADIUS_M) * self._per_m
        upper, lower = self.points[s + "shoulder"] - elbow, self.points[s + "wrist"] - elbow
        self._set(s + "elbow", elbow + reach * (_hinge(upper, lower, reach) if side == "right" else _hinge(lower, upper, reach)))

    def _add_knuckles(self, side: str) -> None:
        """Where the fingers of an average hand begin, of a hand whose back and wrist wear markers."""
        s = f"{side}_"
        if not self._has(s + "wrist", s + "wrist_thumb", s + "wrist_pinky", s + "hand_back"):
            return
        wrist, across = self.points[s + "wrist"], self.points[s + "wrist_thumb"] - self.points[s + "wrist_pinky"]
        axes, _ = frame_from_axes("z", wrist - self.points[s + "hand_back"], "x", across)
        palm = float(np.linalg.norm(FIRST_JOINT_M["middle"])) * self._per_m
        for finger in FINGERS:
            place = wrist + palm * (axes @ place_in_palm(finger, side))
            self._set(s + finger_chain(finger)[0], place, inferred=True)

    def _add_head(self) -> None:
        corners = [f"{side}_head_{end}" for end in ("front", "back") for side in SIDES]
        if not self._has(*corners):
            return
        left_front, right_front, left_back, right_back = (self.points[name] for name in corners)
        band = (left_front + right_front + left_back + right_back) / 4
        up = normalized(np.cross(left_front + right_front - left_back - right_back, left_front + left_back - right_front - right_back))
        self._set("head_top", band + _TOP_ABOVE_BAND_M * self._per_m * up, inferred=True)
        self._set("head", band - _BASE_BELOW_BAND_M * self._per_m * up, inferred=True)


def _hinge(a: Array, b: Array, reach: float) -> Array:
    """(T, 3) unit vectors across the plane of shoulder, joint and wrist, towards the joint's centre; zero where undefined.

    From the marker, which lies `reach` beside that plane, shoulder and wrist are seen along `a` and `b`. So the vector n
    has n.a = n.b = reach: its part in the plane of a and b follows from that, and the rest lies along a x b.
    """
    aa, ab, bb = ((x * y).sum(-1, keepdims=True) for x, y in ((a, a), (a, b), (b, b)))
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = reach * ((bb - ab) * a + (aa - ab) * b) / (aa * bb - ab**2)
    size = np.linalg.norm(inside, axis=-1, keepdims=True)
    inside = np.where(size > 1, inside / np.maximum(size, 1), inside)
    return np.nan_to_num(inside + np.sqrt(np.clip(1 - size**2, 0, 1)) * normalized(np.cross(a, b)))
