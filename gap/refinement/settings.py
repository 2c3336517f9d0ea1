"""Settings of a refinement."""

from __future__ import annotations

from dataclasses import dataclass

from gap.errors import ScoreError
from motion.errors import require


@dataclass(frozen=True)
class RefinementSettings:
    """How a policy is refined by its own attempts.

    Attributes:
        rounds: at most; 0 refines nothing.
        attempts: of the policy in each round, each in a layout of its own that no other round had.
        first_layout: seed of the first of these layouts; those of training, of validation and of the final score lie elsewhere.
        takeovers: of each attempt that failed; one that succeeded but strayed is taken over once.
        strayed: an attempt has strayed where the difference to the ideal is this many times `gap.alignment.Scales`.
        bound_rad: attempts with a joint farther than this from the ideal's are not taken over.
        lead_s: how much of the attempt before the takeover stays with a correction; its actions do not count.
        least_weight: of an action in the phase in which attempts strayed least; in the phase where they strayed most it is 1.
        safely: keep only corrections in which no safety number went beyond its limit.
        weight: how often a step of a correction is drawn in training, beside 1 for a step of a demonstration.
        steps: training steps of each round.
        patience: rounds in a row without a success rate above the best before, after which it stops.
    """

    rounds: int = 0
    attempts: int = 16
    first_layout: int = 700_000
    takeovers: int = 3
    strayed: float = 1.0
    bound_rad: float = 0.8
    lead_s: float = 0.5
    least_weight: float = 0.5
    safely: bool = False
    weight: float = 2.0
    steps: int = 1000
    patience: int = 3

    def __post_init__(self) -> None:
        for name, least in (("rounds", 0), ("attempts", 1), ("takeovers", 1), ("steps", 1), ("patience", 1), ("first_layout", 0)):
            require(getattr(self, name) >= least, ScoreError, f"refine.{name}={getattr(self, name)}; at least {least} was wanted.")
        for name in ("strayed", "bound_rad", "weight"):
            require(getattr(self, name) > 0, ScoreError, f"refine.{name}={getattr(self, name)}; more than 0 was wanted.")
        require(self.lead_s >= 0, ScoreError, f"refine.lead_s={self.lead_s}; at least 0 was wanted.")
        require(0 < self.least_weight <= 1, ScoreError, f"refine.least_weight={self.least_weight}; above 0, at most 1 was wanted.")
