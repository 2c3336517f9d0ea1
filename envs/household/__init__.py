"""Chores with things: scenes from primitives, hands that feel, stages of progress, and what counts as unsafe."""
