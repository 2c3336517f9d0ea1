"""The quality card itself: numbers, the verdict that the gates give, and reasons that a person understands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retarget.measure.numbers import GATES, NUMBERS, Gate, Verdict, severity


@dataclass(frozen=True)
class Finding:
    """A measured value (NaN: nothing to measure), and where in the motion it is worst, in words."""

    value: float
    where: str = ""


@dataclass(frozen=True)
class QualityCard:
    """What was measured of a motion.

    Attributes:
        numbers: name (`retarget.measure.NUMBERS`) -> value; NaN where there was nothing to measure.
        verdict: "pass", "review" or "reject"; the worst number decides.
        reasons: sentences, the worst first, then what else a reader should know.
        gates: the bounds that were applied.
    """

    numbers: Mapping[str, float]
    verdict: Verdict
    reasons: tuple[str, ...]
    gates: Mapping[str, Gate]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; NaN becomes null."""
        return {
            "numbers": {name: (float(value) if math.isfinite(value) else None) for name, value in self.numbers.items()},
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "gates": {name: [gate.review, gate.reject] for name, gate in self.gates.items()},
        }

    def verdict_of(self, name: str) -> Verdict:
        """The verdict on one number alone."""
        gate = self.gates.get(name)
        return "pass" if gate is None else gate.verdict(self.numbers.get(name, math.nan))


def card_of(
    findings: Mapping[str, Finding], gates: Mapping[str, Gate] = GATES, concerns: Sequence[str] = (), notes: Sequence[str] = ()
) -> QualityCard:
    """Judge what was found.

    Args:
        findings: name -> value and where.
        gates: name -> bounds.
        concerns: sentences each of which wants somebody to look.
        notes: sentences that a reader should know, and that judge nothing.
    """
    numbers = {name: findings[name].value for name in NUMBERS if name in findings}
    judged = [(gate.verdict(numbers.get(name, math.nan)), name) for name, gate in gates.items()]
    beyond = [(verdict, severity(numbers[name], gates[name]), name) for verdict, name in judged if verdict != "pass"]
    beyond.sort(key=lambda item: (item[0] != "reject", -item[1]))
    verdict: Verdict = "pass"
    if beyond or concerns:
        verdict = "reject" if any(item[0] == "reject" for item in beyond) else "review"
    sentences = [_sentence(name, findings[name], gates[name], judgement) for judgement, _, name in beyond]
    return QualityCard(numbers, verdict, (*sentences, *concerns, *notes), gates)


def _sentence(name: str, finding: Finding, gate: Gate, verdict: Verdict) -> str:
    number = NUMBERS[name]
    says = number.says or f"{number.label} is {{:.3g}}{' ' + number.unit if number.unit else ''}"
    where = f", {finding.where}" if finding.where else ""
    bound = gate.reject if verdict == "reject" else gate.review
    advice = f": {number.advice}" if number.advice else ""
    return f"{says.format(finding.value)}{where} ({name}; {verdict} {'below' if gate.is_floor else 'above'} {bound:g}){advice}."
