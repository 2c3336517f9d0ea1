"""The robot's attempts against the person's ideal, and what is learnt from the difference, round after round."""

from gap.refinement.loop import Refined, Work, refine
from gap.refinement.records import Round, rounds_table
from gap.refinement.settings import RefinementSettings

__all__ = ["Refined", "RefinementSettings", "Round", "Work", "refine", "rounds_table"]
