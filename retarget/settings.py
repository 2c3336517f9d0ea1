"""Checks of settings: numbers that no solver could use are refused where they are given."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection

from motion.errors import MotionError, require


def check_numbers(settings: object, where: str, above_zero: Collection[str] = ()) -> None:
    """Refuse numbers of a settings dataclass that are not finite, below 0, or 0 where they have to be above.

    Args:
        settings: the dataclass.
        where: its name in the settings, for the message.
        above_zero: names of fields that may not be 0.

    Raises:
        MotionError: naming the first.
    """
    for field in dataclasses.fields(settings):  # type: ignore[arg-type]
        value, above = getattr(settings, field.name), field.name in above_zero
        if isinstance(value, int | float):
            fine = math.isfinite(value) and (value > 0 if above else value >= 0)
            require(fine, MotionError, f"{where}.{field.name}={value:g} has to be a number {'above' if above else 'of at least'} 0.")
