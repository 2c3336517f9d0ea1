"""How one worker's hands work; the same in all of their takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class HandStyle:
    """One worker's hands. The defaults are a careful, unhurried worker who makes no mistakes.

    Attributes:
        main_side: the skilled hand.
        peak_mps: peak speed of a reach; deliberate handling on a worktop is about half as fast as a free reach.
        close_s: how long the fingers take to close on a thing.
        clearance_m: how high things are lifted over what they stand on.
        grip_margin: grip force over the least that holds; people keep 1.4 to 2 (Westling & Johansson 1984).
        pause_s: usual length of a pause.
        miss_rate: share of grasps that close on nothing and are done again.
        misplace_rate: share of things that are put down in a wrong place first and corrected.
        wobble_m: standard deviation of where a thing is put, against where it was meant to be.
        wobble_rad: the same of a hand's yaw at a grasp.
        walk_mps: usual walking speed; in a room full of things people walk at about half of that on the street.
    """

    main_side: str = "right"
    peak_mps: float = 0.40
    close_s: float = 0.8
    clearance_m: float = 0.08
    grip_margin: float = 1.6
    pause_s: float = 0.2
    miss_rate: float = 0.0
    misplace_rate: float = 0.0
    wobble_m: float = 0.0
    wobble_rad: float = 0.0
    walk_mps: float = 0.52


def draw_hand_style(rng: np.random.Generator, main_side: str = "right") -> HandStyle:
    """Draw one worker's style."""
    return HandStyle(
        main_side=main_side,
        peak_mps=float(rng.uniform(0.32, 0.5)),
        close_s=float(rng.uniform(0.7, 1.0)),
        clearance_m=float(rng.uniform(0.07, 0.10)),
        grip_margin=float(rng.uniform(1.4, 2.0)),
        pause_s=float(rng.uniform(0.1, 0.4)),
        miss_rate=float(rng.uniform(0.0, 0.10)),
        misplace_rate=float(rng.uniform(0.0, 0.10)),
        wobble_m=float(rng.uniform(0.001, 0.006)),
        wobble_rad=float(rng.uniform(0.02, 0.10)),
        walk_mps=float(rng.uniform(0.48, 0.56)),
    )
