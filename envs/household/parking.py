"""Parking: things that a chore has, but not in this episode, wait on a shelf in the cabinet under the counter.

All scenes of a chore have the same parts. What an episode does without cannot be left out, and must not fall either: it stands
where no hand comes and no camera looks, and sleeps.
"""

from __future__ import annotations

from dataclasses import replace

from envs.household.things import Shape, Thing

_HALF_M, _MIDDLE_M, _APART_M = (0.10, 0.30, 0.01), (0.45, 0.0, -0.31), 0.15
"""The shelf, within the cabinet; and the distance of what stands on it, wider than any thing that a hand can take."""


def shelf() -> Thing:
    """What parked things stand on: in every scene of a chore that parks any."""
    return Thing("shelf", (Shape("box", _HALF_M),), joint=None, position_m=_MIDDLE_M, role="scenery", half_m=_HALF_M)


def parked(thing: Thing, index: int) -> Thing:
    """A thing on the shelf, in its place number 0, 1, 2 or 3, from the right."""
    x, y, z = _MIDDLE_M
    return replace(thing.at((x, y + (index - 1.5) * _APART_M, z + _HALF_M[2])), parked=True)
