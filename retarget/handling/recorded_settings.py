"""What is taken for a hold, a rest, a hanging hand, when a recording is read as a handling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

VERBS: Mapping[str, str] = {
    "push": "flat",
    "press": "flat",
    "wipe": "flat",
    "stir": "wrap",
    "pour": "wrap",
}
"""Verb of a label -> grasp word that it leaves no doubt about."""


@dataclass(frozen=True)
class RecordedSettings:
    """How a recording is read.

    Attributes:
        rate_hz: of the handling.
        smooth_s: deviation of the zero-phase Gaussian over things' tracks (40 ms: 3 dB down at 3.3 Hz; hands that carry
            move below 2 Hz).
        hand_smooth_s: of the one over hands.
        stray: a sample further than this many deviations from the median around it is dropped.
        enter_n, leave_n: grip force at which a hold begins and ends.
        bridge_s: shorter gaps in a hold are none.
        least_s: shorter holds are none.
        near_m: a hand further than this from a thing's origin does not hold it; doors are wide.
        moved_m, moved_rad: a thing that moves by more within `moved_s` moves; less is the tracker's drift.
        moved_s: see there. It has to exceed the tracker's noise after smoothing, and a slow lift has to exceed it.
        still_s: shorter rests are part of the movement.
        spread_m: a rest that wanders by more than this was none.
        drift_s: a tracker's drift is another one after so long: what a track is off where a rest ends fades over this.
        rest_height_m: thing -> height of its origin over the counter when it stands; known sizes make better scenes.
        drop_m: a thing let go higher than this above where it then stands was dropped there.
        snap_m: a resting thing this near to its height stands at it.
        snap_rad: a resting thing of which one axis is this near to the vertical has it there.
        sliding_m, sliding_rad: a hand that moves on its thing by more than this within a hold slides, and is followed.
        give_m: how far a firm grip gives way, and a hand's track is off for seconds: what is unsure about a thing that is known
            by its hand.
        blend_m, blend_s: distance from the thing, and time, within which a hand is led to where the thing really is.
        hang_m, hang_behind_m: a hand lower than this above the counter, or further than this before its edge, hangs.
        unseen_s: a hand unseen for longer before or after a frame hangs as far as anybody knows; so does one that is low
            for longer.
        ramp_s: how long it takes to be wanted.
        stand_smooth_s: deviation of the Gaussian over where somebody walks: bodies sway from step to step.
        grasps: thing -> grasp word of whoever holds it, whatever the fingers look like: "nip" for a corner of cloth.
        verbs: verb of a label -> grasp word that it leaves no doubt about.
    """

    rate_hz: float = 50.0
    smooth_s: float = 0.04
    hand_smooth_s: float = 0.03
    stray: float = 5.0
    enter_n: float = 0.4
    leave_n: float = 0.25
    bridge_s: float = 0.15
    least_s: float = 0.2
    near_m: float = 0.40
    moved_m: float = 0.015
    moved_rad: float = 0.12
    moved_s: float = 0.4
    still_s: float = 0.3
    spread_m: float = 0.025
    drift_s: float = 4.0
    rest_height_m: Mapping[str, float] = field(default_factory=dict)
    drop_m: float = 0.006
    snap_m: float = 0.015
    snap_rad: float = 0.12
    sliding_m: float = 0.015
    sliding_rad: float = 0.20
    give_m: float = 0.003
    blend_m: float = 0.15
    blend_s: float = 0.6
    hang_m: float = -0.02
    hang_behind_m: float = 0.08
    unseen_s: float = 0.4
    ramp_s: float = 0.2
    stand_smooth_s: float = 0.3
    grasps: Mapping[str, str] = field(default_factory=dict)
    verbs: Mapping[str, str] = field(default_factory=lambda: dict(VERBS))
