"""What `python evaluate.py suite=NAME` and `python evaluate.py compare A B` do: it joins policies, recordings, chores and scores."""

from held_out.door import COMPARE, compare_evaluations, evaluate_suite

__all__ = ["COMPARE", "compare_evaluations", "evaluate_suite"]
