"""What cameras would have seen of a demonstration: pictures for policies, drawn afterwards from what the simulation measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from envs.household.film import scene_of
from envs.household.picture import SceneRenderer
from envs.household.posed import Placement
from motion.demonstration import IMAGE, Demonstration
from motion.errors import ShapeError, require

_NONE_OF = {"bead_position_m": (0, 3), "hinge": (0,)}
"""Tracks without numbers, which a data set leaves out."""


def with_pictures(
    demonstration: Demonstration, renderer: SceneRenderer, every: int = 1, on_picture: Callable[[], object] | None = None
) -> Demonstration:
    """The same demonstration, in whose observations are the pictures (T, height, width, 3), uint8, of the renderer's cameras.

    A look comes before its action, and what is measured after it: a step is drawn as the step before it ended. The first is drawn
    as it ended itself, a control period later than it was, with hands and things still at rest.

    Args:
        demonstration: of a chore with things.
        renderer: of that chore, for the demonstration's robot.
        every: steps from one picture to the next, as of a camera that is slower than the control; until then the last one is seen.
        on_picture: called after every picture, for a progress bar.

    Raises:
        ShapeError: the chore is not the renderer's, the demonstration says nothing of its things, or `every` is below 1.
    """
    require(every >= 1, ShapeError, f"every is {every}; a picture cannot come more often than a step.")
    renderer.set_scene(scene_of(renderer.chore, demonstration))
    steps = len(demonstration.actions)
    signals = dict(demonstration.signals)
    for name, shape in _NONE_OF.items():
        signals.setdefault(name, np.zeros((steps, *shape)))
    _require_whole(renderer, signals)
    seen: dict[str, list[np.ndarray]] = {IMAGE + camera: [] for camera in renderer.cameras}
    for step in range(0, steps, every):
        renderer.place(Placement.of_signals(signals, max(0, step - 1)))
        for camera in renderer.cameras:
            seen[IMAGE + camera].append(renderer.picture(camera))
        if on_picture:
            on_picture()
    shown = np.arange(steps) // every
    pictures = {name: np.stack(track)[shown] for name, track in seen.items()}
    return replace(demonstration, observations={**demonstration.observations, **pictures})


def _require_whole(renderer: SceneRenderer, signals: Mapping[str, np.ndarray]) -> None:
    """Refuse beads or hinges that the scene has and the demonstration does not: they would be drawn where nobody saw them."""
    listing = renderer.chore.listing
    wanted: Sequence[tuple[str, int]] = (("bead_position_m", len(listing.beads)), ("hinge", len(listing.hinges)))
    for name, count in wanted:
        found = signals[name].shape[1]
        require(found == count, ShapeError, f"the demonstration has {found} of signal {name!r}; its scene has {count}.")
