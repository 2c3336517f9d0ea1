"""Shared fixtures: real recordings where they are at hand, and one thread per small matrix."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest

REPO = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of real recordings; the test is skipped where it is absent."""
    folder = Path(os.environ.get("UNDERSTUDY_DATA", REPO.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no recordings at {folder}; set UNDERSTUDY_DATA")
    return folder


@pytest.fixture(scope="session")
def bandai(data: Path) -> list[Path]:
    """The Bandai-Namco BVH clips, sorted."""
    return sorted((data / "body" / "bandai_namco").glob("*.bvh"))


@pytest.fixture(scope="session")
def asap(data: Path) -> list[Path]:
    """The ASAP pairs' human side: 24 SMPL joint positions."""
    return sorted((data / "reference" / "asap_smpl_to_g1" / "robot_g1").glob("*.npz"))


@pytest.fixture(scope="session")
def films(data: Path) -> Path:
    """Folder of real films."""
    return data / "video"


@pytest.fixture(scope="session")
def models(data: Path) -> Path:
    """Folder of the detectors' bundles, beside that of the recordings; the test is skipped where it is absent."""
    folder = Path(os.environ.get("UNDERSTUDY_MODELS", data.parent / "models"))
    if not folder.is_dir():
        pytest.skip(f"no detectors' bundles at {folder}; set UNDERSTUDY_MODELS")
    return folder
