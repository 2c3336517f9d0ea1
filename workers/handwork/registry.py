"""Scripts by the name of their chore: one module of this package each, and plug-ins ("handwork.<chore>")."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules

import numpy as np

from envs.household.scene import Scene
from motion.errors import UnknownNameError
from motion.handling import Handling
from motion.plugins import plugins
from workers import handwork as package
from workers.handwork.engine import Script
from workers.handwork.style import HandStyle

_ENGINE = ("engine", "poses", "props", "registry", "style", "tape", "verbs", "walking", "ways")
"""Modules of this package that are no chore's; every other one has a `script`."""
ScriptOf = Callable[[Script], None]


def known_scripts() -> dict[str, ScriptOf]:
    """Every chore's script by the chore's name."""
    return {name: find_script(name) for name in _chores()}


def find_script(chore: str) -> ScriptOf:
    """The script of a chore.

    Raises:
        UnknownNameError: nobody wrote one.
    """
    known = _chores()
    if chore not in known:
        raise UnknownNameError("handwork", chore, known)
    outside = plugins("handwork")
    found: ScriptOf = outside[chore] if chore in outside else import_module(f"{package.__name__}.{chore}").script
    return found


def handwork(scene: Scene, style: HandStyle, rng: np.random.Generator) -> Handling:
    """What a worker's hands do in a scene, in the counter's frame, at 50 Hz.

    Args:
        scene: what stands on the counter.
        style: whose hands.
        rng: what varies from take to take.

    Raises:
        UnknownNameError: nobody wrote a script for the chore.
    """
    written = Script(scene, style, rng)
    find_script(scene.chore)(written)
    return written.handling()


def _chores() -> list[str]:
    own = [found.name for found in iter_modules(package.__path__) if found.name not in _ENGINE]
    return sorted({*own, *plugins("handwork")})
