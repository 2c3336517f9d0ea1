"""Observations as a policy wants them: by name, in its shapes, with zeros for things that are not there. No PyTorch here."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from motion.demonstration import Demonstration
from motion.errors import MotionError, ShapeError, UnknownNameError, require
from motion.words import TEXT, text_features
from policies.spec import GOAL, GOAL_TURN, MAY_LACK, PADDED, THINGS, THINGS_TURN, PolicySpec, is_picture


def dtype_of(name: str) -> type[np.generic]:
    """What numbers an observation holds."""
    return np.uint8 if is_picture(name) else np.float64


def fitted(spec: PolicySpec, observation: Mapping[str, np.ndarray], where: str) -> dict[str, np.ndarray]:
    """Copies (N, ...) of the observations that a policy reads, float64 and pictures uint8, in the shapes of its specification.

    Args:
        spec: the policy's.
        observation: (N, ...) by name; what the policy does not read is left out.
        where: whose they are, for complaints.

    Raises:
        UnknownNameError: one is not there.
        ShapeError: one is of another shape, pictures are no uint8, there are more things than the policy knows, or they differ in N.
    """
    arrays = {name: _fitted(name, shape, observation, where) for name, shape in spec.observations}
    counts = {name: len(array) for name, array in arrays.items()}
    require(len(set(counts.values())) == 1, ShapeError, f"observations differ in their number of episodes: {counts}.")
    return arrays


def _fitted(name: str, shape: tuple[int, ...], observation: Mapping[str, np.ndarray], where: str) -> np.ndarray:
    if name not in observation:
        if name in MAY_LACK and observation:
            return np.zeros((len(next(iter(observation.values()))), *shape))
        raise UnknownNameError("observation", name, observation, where)
    found = np.asarray(observation[name])
    if is_picture(name) and found.dtype != np.uint8:
        raise ShapeError(f"observation {name!r} in {where} holds {found.dtype}; pictures are uint8, 0 to 255.")
    said = f"observation {name!r} in {where} is {found.shape}; (N, {', '.join(map(str, shape))}) was wanted"
    if name not in PADDED:
        require(found.shape[1:] == shape and found.ndim == len(shape) + 1, ShapeError, f"{said}.")
        return np.array(found, dtype_of(name))  # a copy: what an environment hands out may be read-only
    fits = found.ndim == len(shape) + 1 and found.shape[2:] == shape[1:] and found.shape[1] <= shape[0]
    require(fits, ShapeError, f"{said}, or fewer of them.")
    array = np.zeros((len(found), *shape))
    array[:, : found.shape[1]] = found
    return array


def goal_of(demonstration: Demonstration) -> dict[str, np.ndarray]:
    """Where a demonstration's things were in the end, in each of its T steps: `goal_position_m` (T, K, 3), `goal_wxyz` (T, K, 4).

    That is hindsight: whatever came of an episode is what it shows how to do. Source: Andrychowicz et al. 2017, "Hindsight
    experience replay".

    Raises:
        UnknownNameError: it does not say where things were.
    """
    goal = {}
    for name, source in ((GOAL, THINGS), (GOAL_TURN, THINGS_TURN)):
        if source not in demonstration.observations:
            raise UnknownNameError("observation", source, demonstration.observations, f"demonstration {demonstration.variant!r}")
        track = np.asarray(demonstration.observations[source], float)
        goal[name] = np.broadcast_to(track[-1:], track.shape)
    return goal


def text_of(demonstration: Demonstration) -> dict[str, np.ndarray]:
    """What a demonstration says was to be done, in each of its T steps: `text` (T, 256), as `motion.words` has it.

    Raises:
        MotionError: it says nothing.
    """
    says = f"demonstration {demonstration.variant!r} does not say in words what was to be done; policy.text=true learns from that."
    require(bool(demonstration.scene.get(TEXT)), MotionError, says)
    features = text_features(str(demonstration.scene[TEXT]))
    return {TEXT: np.broadcast_to(features, (len(demonstration.actions), len(features)))}


def observed(spec: PolicySpec, demonstration: Demonstration) -> dict[str, np.ndarray]:
    """What a policy would have seen in each of a demonstration's T steps; a goal that was not told is the end that it came to, and what
    was to be done is told in its own words.

    Raises:
        UnknownNameError, ShapeError: as `fitted`.
        MotionError: it does not say in words what was to be done, and the policy is told that.
    """
    goal = goal_of(demonstration) if GOAL in spec.shapes and GOAL not in demonstration.observations else {}
    text = text_of(demonstration) if TEXT in spec.shapes else {}
    return fitted(spec, {**goal, **text, **demonstration.observations}, f"demonstration {demonstration.variant!r}")
