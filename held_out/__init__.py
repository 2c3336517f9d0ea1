"""What `python evaluate.py suite=NAME`, `compare A B` and `paired TABLE` do: it joins policies, recordings, chores and scores."""

from held_out.door import COMPARE, PAIRED, compare_evaluations, evaluate_suite, pair_with_reality

__all__ = ["COMMANDS", "compare_evaluations", "evaluate_suite", "pair_with_reality"]
COMMANDS = {COMPARE: compare_evaluations, PAIRED: pair_with_reality}
