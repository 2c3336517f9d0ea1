"""Steps that a recording labels as mistakes or as their corrections: learnt as all others, or not at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion.demonstration import CONFIDENCE, CORRECTION, MISTAKE, Demonstration


def without_labelled(demonstration: Demonstration, mistakes: str, corrections: str) -> Demonstration:
    """The same demonstration, its actions not believed where they are left out.

    What is left out stays in the looks: a chunk that begins in a mistake still teaches what follows it. So a robot that comes to
    be where somebody erred learns how they went on.

    Args:
        demonstration: with `label_mistake` and `label_correction` (T,), where it has any labels.
        mistakes, corrections: "use", or "exclude".
    """
    excluded = [name for name, choice in ((MISTAKE, mistakes), (CORRECTION, corrections)) if choice == "exclude"]
    marked = [np.asarray(demonstration.signals[name], bool) for name in excluded if name in demonstration.signals]
    if not any(mark.any() for mark in marked):
        return demonstration
    gone = np.any(marked, axis=0)
    trust = np.array(demonstration.signals.get(CONFIDENCE, np.ones(len(gone))), float)
    trust[gone] = 0.0
    return replace(demonstration, signals={**demonstration.signals, CONFIDENCE: trust})
