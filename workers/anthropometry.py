"""Body sizes of simulated workers, drawn from published anthropometry.

Sources:
    ANSUR II: Gordon et al., 2012 Anthropometric Survey of U.S. Army Personnel, NATICK/TR-15/007 (4,082 men, 1,986
        women). Stature, hand length and breadth by sex; proportions of stature as means and standard deviations over
        the subjects of the public data. A military sample: fitter and younger than the population at large.
    Drillis & Contini 1966, Body Segment Parameters, as in Winter 2009, fig. 4.1: elbow height 0.630 of stature.
    de Leva 1996, J. Biomech. 29(9): upper arm between joint centres, 0.1618 (men) and 0.1586 (women) of stature.
    Bell et al. 1990, J. Biomech. 23(6): hip joint centres stand 0.72 of the distance of the iliac spines apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Sex = Literal["female", "male"]


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation over people."""

    mean: float
    deviation: float

    def draw(self, rng: np.random.Generator) -> float:
        """One person's value, redrawn beyond 2.5 deviations: workers are ordinary people."""
        z = rng.standard_normal()
        while abs(z) > 2.5:
            z = rng.standard_normal()
        return self.mean + self.deviation * float(z)


STATURE_M: dict[Sex, Spread] = {"female": Spread(1.6285, 0.0642), "male": Spread(1.7562, 0.0686)}
"""Stature (ANSUR II)."""

HAND_LENGTH_M: dict[Sex, Spread] = {"female": Spread(0.1811, 0.0101), "male": Spread(0.1933, 0.0099)}
"""Wrist crease to tip of the middle finger (ANSUR II)."""

HAND_BREADTH_M: dict[Sex, Spread] = {"female": Spread(0.0782, 0.0038), "male": Spread(0.0883, 0.0044)}
"""Across the heads of the metacarpals (ANSUR II)."""

_BIACROMIAL: dict[Sex, Spread] = {"female": Spread(0.2243, 0.0095), "male": Spread(0.2367, 0.0095)}
_UPPER_ARM: dict[Sex, Spread] = {"female": Spread(0.1586, 0.0052), "male": Spread(0.1618, 0.0052)}
_FOREARM = Spread(0.1511, 0.0067)
_THIGH = Spread(0.2476, 0.0113)
_SHANK = Spread(0.2267, 0.0088)
_ANKLE_HEIGHT = Spread(0.0405, 0.0032)
_FOOT = Spread(0.1534, 0.0055)
_HIP_WIDTH = Spread(0.099, 0.006)
_NECK_AND_HEAD = Spread(0.135, 0.004)

_ACROMION_TO_CENTRE_INWARD = 0.01
"""Shoulder centres lie about this part of stature inside the acromia."""
_SHOULDER_OF_TRUNK = 0.786
"""Shoulder centres on the way from hips to C7: heights of 0.790 between 0.515 and 0.865 of stature. The first is the
published elbow height plus the upper arm."""

_HAND_FOLLOWS_STATURE = 0.65
"""Correlation of hand length with stature; tall people have long hands."""


@dataclass(frozen=True)
class Physique:
    """One body, joint centre to joint centre, in m. Left and right are equal.

    Attributes:
        sex: "female" or "male".
        stature_m: floor to vertex.
        upper_arm_m, forearm_m, thigh_m, shank_m: shoulder-elbow, elbow-wrist, hip-knee, knee-ankle.
        ankle_height_m: ankle above the floor.
        foot_m: heel to toe.
        trunk_m: hips to the base of the neck (C7), upright.
        shoulder_above_hip_m: height of the shoulder centres above the hip centres.
        head_and_neck_m: base of the neck to vertex.
        shoulder_width_m, hip_width_m: between the two joint centres.
        hand_length_m: wrist to tip of the middle finger.
        hand_breadth_m: across the heads of the metacarpals.
    """

    sex: Sex
    stature_m: float
    upper_arm_m: float
    forearm_m: float
    thigh_m: float
    shank_m: float
    ankle_height_m: float
    foot_m: float
    trunk_m: float
    shoulder_above_hip_m: float
    head_and_neck_m: float
    shoulder_width_m: float
    hip_width_m: float
    hand_length_m: float
    hand_breadth_m: float

    @property
    def hip_height_m(self) -> float:
        """Hip centres above the floor on straight legs."""
        return self.thigh_m + self.shank_m + self.ankle_height_m

    @property
    def elbow_height_m(self) -> float:
        """Elbows above the floor, standing, arms hanging; 0.63 of stature in Drillis & Contini."""
        return self.hip_height_m + self.shoulder_above_hip_m - self.upper_arm_m


def draw_physique(rng: np.random.Generator, sex: Sex | None = None) -> Physique:
    """Draw one body.

    Segments are drawn as proportions of the drawn stature. The trunk takes up what legs and head leave, so that the
    parts add up to the stature.

    Args:
        rng: where the randomness comes from; the same state gives the same body.
        sex: drawn with even odds when None.
    """
    sex = sex or ("female" if rng.random() < 0.5 else "male")
    stature = STATURE_M[sex].draw(rng)
    part = {name: spread.draw(rng) * stature for name, spread in _proportions(sex).items()}
    inward = 2 * _ACROMION_TO_CENTRE_INWARD * stature
    trunk = stature - part["thigh"] - part["shank"] - part["ankle"] - part["head"]
    return Physique(
        sex=sex,
        stature_m=stature,
        upper_arm_m=part["upper_arm"],
        forearm_m=part["forearm"],
        thigh_m=part["thigh"],
        shank_m=part["shank"],
        ankle_height_m=part["ankle"],
        foot_m=part["foot"],
        trunk_m=trunk,
        shoulder_above_hip_m=_SHOULDER_OF_TRUNK * trunk,
        head_and_neck_m=part["head"],
        shoulder_width_m=part["biacromial"] - inward,
        hip_width_m=part["hip_width"],
        hand_length_m=_correlated(rng, HAND_LENGTH_M[sex], STATURE_M[sex], stature),
        hand_breadth_m=_correlated(rng, HAND_BREADTH_M[sex], STATURE_M[sex], stature),
    )


def _proportions(sex: Sex) -> dict[str, Spread]:
    return {
        "upper_arm": _UPPER_ARM[sex],
        "forearm": _FOREARM,
        "thigh": _THIGH,
        "shank": _SHANK,
        "ankle": _ANKLE_HEIGHT,
        "foot": _FOOT,
        "head": _NECK_AND_HEAD,
        "biacromial": _BIACROMIAL[sex],
        "hip_width": _HIP_WIDTH,
    }


def _correlated(rng: np.random.Generator, size: Spread, stature: Spread, stature_m: float) -> float:
    """A size with its published mean and spread that goes with stature as far as hands do."""
    rho = _HAND_FOLLOWS_STATURE
    shared = (stature_m - stature.mean) / stature.deviation
    own = Spread(0.0, 1.0).draw(rng)
    return size.mean + size.deviation * (rho * shared + float(np.sqrt(1 - rho**2)) * own)
