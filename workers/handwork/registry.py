"""Scripts by the name of their chore: the modules of this package that have a `script`, and plug-ins ("handwork.<chore>")."""

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

ScriptOf = Callable[[Script], None]


def known_scripts() -> dict[str, ScriptOf]:
    """Every chore's script by the chore's name."""
    modules = {found.name: import_module(f"{package.__name__}.{found.name}") for found in iter_modules(package.__path__)}
    return {name: module.script for name, module in modules.items() if hasattr(module, "script")} | plugins("handwork")


def handwork(scene: Scene, style: HandStyle, rng: np.random.Generator) -> Handling:
    """What a worker's hands do in a scene, in the counter's frame, at 50 Hz.

    Args:
        scene: what stands on the counter.
        style: whose hands.
        rng: what varies from take to take.

    Raises:
        UnknownNameError: nobody wrote a script for the chore.
    """
    known = known_scripts()
    if scene.chore not in known:
        raise UnknownNameError("handwork", scene.chore, known)
    written = Script(scene, style, rng)
    known[scene.chore](written)
    return written.handling()
