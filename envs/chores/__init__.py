"""Chores: what a robot is asked to do, one file each."""

from envs.chores.base import Chore, Moment, Start, Verdict
from envs.chores.follow import Follow, FollowRules
from envs.chores.registry import find_chore, known_chores

__all__ = ["Chore", "Follow", "FollowRules", "Moment", "Start", "Verdict", "find_chore", "known_chores"]
