"""Readers: what a policy's network is fed, and what its actions are counted from, for each kind of chore."""

from policies.readers.base import Reader
from policies.readers.find import make_reader, read_names

__all__ = ["Reader", "make_reader", "read_names"]
