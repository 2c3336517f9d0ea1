"""The safety screen: what would have to be looked at before a policy comes near people. It certifies nothing."""

from gap.safety.body import BodyLimits, BodyRegion, Patch, load_body_limits
from gap.safety.screen import CLAIM, ActorScreen, ConditionScreen, Event, SafetyScreen, Touch, Worst, screen
from gap.safety.tables import safety_tables

__all__ = [
    "CLAIM",
    "ActorScreen",
    "BodyLimits",
    "BodyRegion",
    "ConditionScreen",
    "Event",
    "Patch",
    "SafetyScreen",
    "Touch",
    "Worst",
    "load_body_limits",
    "safety_tables",
    "screen",
]
