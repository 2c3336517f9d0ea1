"""What can be wrong with a set of episodes that is to be scored."""

from __future__ import annotations

from motion.errors import UnderstudyError


class ScoreError(UnderstudyError):
    """Episodes cannot be scored together, or a statistic was asked of numbers that cannot carry it."""
