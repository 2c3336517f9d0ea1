"""What of a person's small corrections is left in the reference that was retargeted from them, and in the robot's attempt."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gap.alignment.tracks import Tracks
from gap.alignment.warping import Warp
from gap.human.chain import ASKED, ATTEMPT, PERSON, REFERENCE, Chain, chains
from gap.human.corrections import added
from gap.human.recording import Recording
from motion.handling import Handling
from motion.transform import Array

POLICY = "policy"
LINKS = (ASKED, REFERENCE, ATTEMPT, POLICY)
"""From the person to what was asked of the robot's hands, to the retargeted reference, to the attempt; and from reference to attempt."""
LEAST_MPS, LEAST_TURN_RADPS = 0.005, 0.05
"""Of corrections that add less than this, as a root mean square, nothing is said: there is none to be kept."""


@dataclass(frozen=True)
class Kept:
    """What one motion has of another's corrections; NaN where the other made none, or this one did not come so far.

    Attributes:
        gain: how much of them: least-squares factor from what they add to a hand's velocity to what this one adds at the same
            moments. 1: all; 0: nothing.
        coherence: 0..1 how alike: squared correlation of the two. Where it is low, the gain says little.
        size: how large this one's own sub-movements are at these moments, whatever their direction; root mean square over theirs.
        turn: gain of the turning; NaN where the other's corrections do not turn the hand.
    """

    gain: float
    coherence: float
    size: float
    turn: float


@dataclass(frozen=True)
class Adjustments:
    """Micro-adjustments of one hand.

    Attributes:
        corrections: how many the person made.
        compared: how many of these lie within what the attempt came to.
        kept: one of `LINKS` -> what is left; `ASKED` only where the recording itself was given.
    """

    corrections: int
    compared: int
    kept: Mapping[str, Kept]


def adjustments(
    handling: Handling, reference: Tracks, attempt: Tracks, warp: Warp, recording: Recording | None = None
) -> dict[str, Adjustments]:
    """Side -> what is left of the corrections of that hand; arguments as of `gap.human.chain.chains`.

    The warp must not be told by the corrections themselves, or others that merely look alike would be laid over them.
    """
    return {side: _of_hand(chain) for side, chain in chains(handling, reference, attempt, warp, recording).items()}


def kept(first: Sequence[Array], second: Sequence[Array]) -> Kept:
    """What another motion adds (n, 6) of corrections (n, 6) at the same moments; see `Kept`."""
    if not first:
        return Kept(math.nan, math.nan, math.nan, math.nan)
    one, other = np.concatenate(list(first)), np.concatenate(list(second))
    gain, coherence, size = _regressed(one[:, :3], other[:, :3], LEAST_MPS)
    return Kept(gain, coherence, size, _regressed(one[:, 3:], other[:, 3:], LEAST_TURN_RADPS)[0])


def _of_hand(chain: Chain) -> Adjustments:
    spans = [one.frames for one in chain.corrections]
    came = [span for span in spans if np.isfinite(chain.velocity[ATTEMPT][span]).all()]

    def between(one: str, other: str, there: Sequence[np.ndarray]) -> Kept:
        return kept(*([added(chain.velocity[name][span]) for span in there] for name in (one, other)))

    links = {name: between(PERSON, name, spans) for name in (ASKED, REFERENCE) if name in chain.velocity}
    links |= {ATTEMPT: between(PERSON, ATTEMPT, came), POLICY: between(REFERENCE, ATTEMPT, came)}
    return Adjustments(len(spans), len(came), links)


def _regressed(one: Array, other: Array, least: float) -> tuple[float, float, float]:
    """Gain, coherence and size of one velocity (n, 3) in another; NaN where the first is nothing."""
    if np.sqrt((one * one).sum(1).mean()) < least:
        return math.nan, math.nan, math.nan
    own, both, its = float((one * one).sum()), float((one * other).sum()), float((other * other).sum())
    return both / own, both * both / (own * its) if its > 0 else math.nan, math.sqrt(its / own)
