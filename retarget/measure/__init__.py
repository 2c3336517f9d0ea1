"""The quality card: how good a robot's motion is beside the person's, in numbers with gates, and what is wrong in words."""

from retarget.measure.card import Finding, QualityCard, card_of
from retarget.measure.measuring import MeasureSettings, measure
from retarget.measure.numbers import GATES, NUMBERS, Gate, Number, Verdict, gates_of

__all__ = [
    "GATES",
    "NUMBERS",
    "Finding",
    "Gate",
    "MeasureSettings",
    "Number",
    "QualityCard",
    "Verdict",
    "card_of",
    "gates_of",
    "measure",
]
