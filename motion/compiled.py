"""Compiled functions: machine code that is kept on disk, where there is a place to keep it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function of numbers and arrays when it is first called, and keep the result for the next process.

    Where neither the installation nor a home can be written, every process compiles anew.
    """
    try:
        return njit(cache=True)(function)
    except RuntimeError:  # numba finds no place for its cache
        return njit(function)
