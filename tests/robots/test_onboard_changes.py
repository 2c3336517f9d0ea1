"""The same robot told differently is the same robot: nothing hangs on names, order, signs, size or the root's frame."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from benchmarks.robots_truth import TRUTH, truth_path
from motion.transform import Array, matrix_from_wxyz
from robots.onboard.analyse import analyse
from robots.onboard.anatomy import Anatomy
from robots.yaml_loader import default_packages
from tests.robots.urdf_changes import changed, renamed, reordered, scaled, with_flipped_axes, with_sensors, with_turned_root

ROBOTS = ("h1_2", "poppy", "icub_nomesh", "g1_dex3", "talos", "tiago_pro", "alex_psyonic", "human", "allegro_left_dex", "shadow_right")
YAW = Rotation.from_euler("z", 90, degrees=True)
Y_UP = Rotation.from_matrix([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
SKEW = Rotation.from_euler("xyz", [20, 30, 40], degrees=True)
NEAR_M, TURNED_DEG = 0.004, 3.0
Change = Callable[[ElementTree.Element], object]


@cache
def _plain(name: str, data: Path, folder: Path) -> tuple[Path, Anatomy]:
    """The robot's URDF and its anatomy, as text alone: a copy leaves relative mesh files behind."""
    path = truth_path(TRUTH[name], data)
    if path is None:
        pytest.skip(f"{TRUTH[name].urdf} is not at hand")
    return path, analyse(changed(path, folder), default_packages())


@pytest.fixture
def plain(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Anatomy]]:
    return lambda name: _plain(name, data, tmp_path_factory.getbasetemp())


@pytest.mark.parametrize("name", ROBOTS)
def test_names_mean_nothing(name: str, plain: Callable[[str], tuple[Path, Anatomy]], tmp_path: Path) -> None:
    path, before = plain(name)
    links: dict[str, str] = {}
    after = analyse(changed(path, tmp_path, lambda robot: links.update(renamed(robot))), default_packages())
    assert _differences(before, after, links=links) == []


@pytest.mark.parametrize("change", [reordered, with_flipped_axes], ids=["order", "signs"])
@pytest.mark.parametrize("name", ROBOTS)
def test_order_and_signs_mean_nothing(name: str, change: Change, plain: Callable[[str], tuple[Path, Anatomy]], tmp_path: Path) -> None:
    path, before = plain(name)
    assert _differences(before, analyse(changed(path, tmp_path, change), default_packages())) == []


@pytest.mark.parametrize("factor", [0.5, 2.0])
@pytest.mark.parametrize("name", ROBOTS)
def test_size_means_nothing(name: str, factor: float, plain: Callable[[str], tuple[Path, Anatomy]], tmp_path: Path) -> None:
    path, before = plain(name)
    after = analyse(changed(path, tmp_path, partial(scaled, factor=factor)), default_packages())
    assert _differences(before, after, factor=factor) == []


@pytest.mark.parametrize("rotation", [YAW, Y_UP, YAW * YAW], ids=["y forward", "y up", "x back"])
@pytest.mark.parametrize("name", ROBOTS)
def test_the_roots_frame_means_nothing(name: str, rotation: Rotation, plain: Callable[[str], tuple[Path, Anatomy]], tmp_path: Path) -> None:
    path, before = plain(name)
    after = analyse(changed(path, tmp_path, partial(with_turned_root, rotation=rotation)), default_packages())
    assert _differences(before, after, rotation=rotation) == []


@pytest.mark.parametrize("name", ["h1_2", "talos", "human", "shadow_right"])
def test_a_root_frame_along_nothing_of_the_body(name: str, plain: Callable[[str], tuple[Path, Anatomy]], tmp_path: Path) -> None:
    path, before = plain(name)
    after = analyse(changed(path, tmp_path, partial(with_turned_root, rotation=SKEW)), default_packages())
    assert _differences(before, after, rotation=SKEW, near_m=0.01) == []


@pytest.mark.parametrize("name", ROBOTS)
def test_sensors_are_no_limbs(name: str, plain: Callable[[str], tuple[Path, Anatomy]], tmp_path: Path) -> None:
    """Where no shape is known a fingertip is its last frame, and a sensor on it moves it by as much as it sticks out."""
    path, before = plain(name)
    after = analyse(changed(path, tmp_path, with_sensors), default_packages())
    assert _differences(before, after, near_m=0.012, turned_deg=25.0) == []


def _differences(
    before: Anatomy,
    after: Anatomy,
    links: dict[str, str] | None = None,
    rotation: Rotation | None = None,
    factor: float = 1.0,
    near_m: float = NEAR_M,
    turned_deg: float = TURNED_DEG,
) -> list[str]:
    """What of an anatomy is not as before, up to the change."""
    assert (before.kind, before.side) == (after.kind, after.side)
    assert set(before.landmarks) == set(after.landmarks)
    assert set(before.segments) == set(after.segments)
    turn = np.eye(3) if rotation is None else rotation.as_matrix()
    new = links or {}
    assert after.forward @ turn @ before.forward > 0.999
    assert after.up @ turn @ before.up > 0.999
    out = []
    for name, point in before.landmarks.items():
        other = after.landmarks[name]
        offset = (turn if point.frame == before.base else np.eye(3)) @ point.offset_m * factor
        if other.frame != new.get(point.frame, point.frame) or np.linalg.norm(offset - other.offset_m) > near_m * factor:
            out.append(f"{name}: {point} became {other}")
    for name, segment in before.segments.items():
        found = after.segments[name]
        own = (turn if segment.link == before.base else np.eye(3)) @ matrix_from_wxyz(np.array(segment.wxyz))
        if found.link != new.get(segment.link, segment.link) or _angle_deg(own, matrix_from_wxyz(np.array(found.wxyz))) > turned_deg:
            out.append(f"{name}: {segment} became {found}")
    return out


def _angle_deg(a: Array, b: Array) -> float:
    return float(np.degrees(np.arccos(np.clip((np.trace(a.T @ b) - 1) / 2, -1, 1))))
