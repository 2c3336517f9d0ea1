"""The numbers of replaying a handling with real contact."""

from __future__ import annotations

from dataclasses import dataclass

from envs.reference import PERIOD_S


@dataclass(frozen=True)
class ReplayLaw:
    """How a handling is replayed.

    Attributes:
        grip_margin: least grip force as a multiple of what friction needs.
        least_grip_n: no grip is softer.
        fragile_share: no grip presses a fragile thing harder than this share of what breaks it.
        close_per_s: how fast fingers close until they touch, in whole closings.
        press_per_s: how fast they close on when they lack all the force they want; they open up to three times as fast.
        touch_share: a touch is felt from this share of the wanted force on.
        dead_band: a force this near the wanted one, as a share of it, is left alone.
        wait_s: how long the motion waits, at most, for a grip to be felt.
        follow_per_s: how fast the held thing is led to its track, as a share of its error.
        bound_m, bound_rad: of all corrections of a hand.
        speed_mps, speed_radps: of a correction.
        lead_in_s: how long before a grasp the hand begins to be led to the thing.
        linger_s: how long after letting go a correction stays, so that fingers that gripped open where they held.
        fade_s: in what time it then falls to a third.
        lead_s: how far ahead of a period's start the motion is aimed at.
        damping: of the inverse that turns corrections of a hand into joints; m or rad per rad.
        drive_per_s: how fast a planar base is brought back to its path, as a share of how far it is off.
        knows_things: whether grips know how heavy, smooth and fragile things are; else they press as the person did.
    """

    grip_margin: float = 2.0
    least_grip_n: float = 3.0
    fragile_share: float = 0.5
    close_per_s: float = 1.2
    press_per_s: float = 0.3
    touch_share: float = 0.1
    dead_band: float = 0.15
    wait_s: float = 0.8
    follow_per_s: float = 3.0
    bound_m: float = 0.04
    bound_rad: float = 0.35
    speed_mps: float = 0.10
    speed_radps: float = 0.6
    lead_in_s: float = 1.2
    linger_s: float = 0.4
    fade_s: float = 0.4
    lead_s: float = 0.75 * PERIOD_S
    damping: float = 0.05
    drive_per_s: float = 4.0
    knows_things: bool = True

    @property
    def bounds(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Of a correction: its speed (m/s, rad/s), and how far it goes (m, rad)."""
        return (self.speed_mps, self.speed_radps), (self.bound_m, self.bound_rad)


LAW = ReplayLaw()
