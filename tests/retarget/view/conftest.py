"""A person who shifts their weight, filmed with one broken frame, and a robot's motion made from it."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from motion.human import HumanMotion
from motion.transform import Transform
from retarget.pipeline import RetargetSettings, retarget_file
from retarget.problem import SolverSettings
from tests.retarget.acting import shifting

BROKEN_FRAME = 40


def filmed() -> HumanMotion:
    """The person, a cup in front of them, and a left elbow that jumps away for one frame."""
    person = shifting(frames=90)
    position = person.position_m.copy()
    position[BROKEN_FRAME, person.landmarks.index("left_elbow")] += [0.9, 0.0, 0.0]
    confidence = person.confidence.copy()
    confidence[:, person.landmarks.index("left_heel")] = 0.5
    cup = Transform(position[:, person.landmarks.index("right_wrist")] + [0.5, 0.0, 0.2], [[1.0, 0, 0, 0]] * 90)
    return dataclasses.replace(person, position_m=position, confidence=confidence, objects={"cup": cup})


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with film/clip.npz, motions/clip.npz and motions/clip.card.json."""
    folder = tmp_path_factory.mktemp("view")
    os.makedirs(folder / "film")
    filmed().save(folder / "film" / "clip.npz")
    settings = RetargetSettings(solver=SolverSettings(method="streaming"), self_contact=False)
    retarget_file(folder / "film" / "clip.npz", "g1", folder / "motions" / "clip.npz", settings)
    return folder
