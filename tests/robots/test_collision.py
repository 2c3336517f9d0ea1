"""Self-collision by hand: three boxes in a row on two hinges; capsules and distances of the shipped robots against SciPy and coal."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from motion.transform import Transform
from robots import catalogue, load_robot
from robots.collision import SelfCollision, fit_capsule, segment_distance
from robots.kinematics import Kinematics
from robots.robot import Robot

BOX = """<link name="{name}"><inertial><mass value="1"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>
  <collision><origin xyz="0.5 0 0"/><geometry><box size="0.8 0.2 0.2"/></geometry></collision></link>"""
HINGE = """<joint name="{child}_hinge" type="revolute"><parent link="{parent}"/><child link="{child}"/><origin xyz="1 0 0"/>
  <axis xyz="0 0 1"/><limit lower="-3.1" upper="3.1" velocity="1" effort="1"/></joint>"""
FOLDED = [2.2, 2.2]  # the third box comes back across the first
BENT = [0.0, 3.0]  # the third box lies on the second, its neighbour


def chain(folder: Path, yaml: str = "") -> Robot:
    boxes = "".join(BOX.format(name=name) for name in ("one", "two", "three"))
    hinges = HINGE.format(parent="one", child="two") + HINGE.format(parent="two", child="three")
    (folder / "chain.urdf").write_text(f'<robot name="chain">{boxes}{hinges}</robot>')
    (folder / "robot.yaml").write_text(f"urdf: chain.urdf\nfloating: false\n{yaml}")
    return load_robot(folder)


@pytest.mark.parametrize(("yaml", "counts"), [("", True), ("no_collision: [[one, three]]\n", False)])
def test_only_pairs_that_count_count(tmp_path: Path, yaml: str, counts: bool) -> None:
    collision = SelfCollision(Kinematics(chain(tmp_path, yaml)))
    np.testing.assert_array_equal(collision.frames(np.array([[0, 0], FOLDED, BENT])), [False, counts, False])


def test_what_touches_is_named_and_measured(tmp_path: Path) -> None:
    collision = SelfCollision(Kinematics(chain(tmp_path)))
    postures = np.array([[0, 0], FOLDED, BENT, FOLDED])
    (links,) = collision.touching(postures).items()
    assert set(links[0]) == {"one", "three"}
    np.testing.assert_array_equal(links[1], [1, 3])
    assert 0.05 < collision.deepest(postures) < 0.3
    assert collision.deepest(postures[[0]]) == 0


def test_pairs_that_touch_at_rest_do_not_count(tmp_path: Path) -> None:
    robot = chain(tmp_path, "rest_rad: {two_hinge: 2.2, three_hinge: 2.2}\n")
    assert not SelfCollision(Kinematics(robot)).frames(np.array([FOLDED, [0, 0]])).any()


def test_shapes_know_their_links_and_the_joints_between_them(tmp_path: Path) -> None:
    shapes = Kinematics(chain(tmp_path)).shapes()
    assert shapes.links == ("one", "two", "three")
    assert [shapes.joints_between(a, b) for a, b in ((0, 0), (0, 1), (1, 2), (0, 2))] == [0, 1, 1, 2]


def test_a_little_overlap_is_within_the_margin(tmp_path: Path) -> None:
    robot, folded = chain(tmp_path), np.array([FOLDED])
    assert SelfCollision(Kinematics(robot), margin_m=0.002).frames(folded).all()
    assert not SelfCollision(Kinematics(robot), margin_m=0.5).frames(folded).any()


BAR = """<?xml version="1.0"?><COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">
<asset><up_axis>{up}</up_axis></asset>
<library_geometries><geometry id="bar"><mesh><source id="p"><float_array id="a" count="24">{points}</float_array><technique_common>
<accessor source="#a" count="8" stride="3"><param name="X" type="float"/><param name="Y" type="float"/><param name="Z" type="float"/>
</accessor></technique_common></source><vertices id="v"><input semantic="POSITION" source="#p"/></vertices><triangles count="12">
<input semantic="VERTEX" source="#v" offset="0"/>
<p>0 1 3 0 3 2 4 6 7 4 7 5 0 4 5 0 5 1 2 3 7 2 7 6 0 2 6 0 6 4 1 5 7 1 7 3</p></triangles></mesh></geometry></library_geometries>
<library_visual_scenes><visual_scene id="s"><node id="n"><instance_geometry url="#bar"/></node></visual_scene></library_visual_scenes>
<scene><instance_visual_scene url="#s"/></scene></COLLADA>"""


@pytest.mark.parametrize(("up", "reaches"), [("Y_UP", False), ("Z_UP", True)])
def test_a_mesh_whose_y_axis_points_up_stands(tmp_path: Path, up: str, reaches: bool) -> None:
    """A bar from y = 0.3 to y = 0.7 of its file: standing above the third link it meets nothing, lying it sweeps the first."""
    chain(tmp_path)
    points = " ".join(f"{x} {y} {z}" for x in (0.4, 0.6) for y in (0.3, 0.7) for z in (-0.05, 0.05))
    text = (tmp_path / "chain.urdf").read_text()
    first, mark, rest = text.partition('<link name="three">')
    bar = rest.replace('<origin xyz="0.5 0 0"/><geometry><box size="0.8 0.2 0.2"/>', '<geometry><mesh filename="bar.dae"/>', 1)
    (tmp_path / up).mkdir()
    (tmp_path / up / "bar.dae").write_text(BAR.format(up=up, points=points))
    (tmp_path / up / "chain.urdf").write_text(first + mark + bar)
    (tmp_path / up / "robot.yaml").write_text("urdf: chain.urdf\nfloating: false\n")
    postures = np.random.default_rng(0).uniform(-3, 3, (300, 2))
    assert SelfCollision(Kinematics(load_robot(tmp_path / up))).frames(postures).any() == reaches


def outside(capsule: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(P,) by how much points are outside of a capsule."""
    a, b, radius = capsule[:3], capsule[3:6], capsule[6]
    along = np.clip(((points - a) @ (b - a)) / max((b - a) @ (b - a), 1e-30), 0, 1)
    return np.linalg.norm(points - a - along[:, None] * (b - a), axis=1) - radius


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 40), st.sampled_from(["cloud", "rod", "plate", "line"]))
def test_a_capsule_encloses_its_points(seed: int, count: int, shape: str) -> None:
    rng = np.random.default_rng(seed)
    size = {"cloud": (1, 1, 1), "rod": (1, 0.1, 0.1), "plate": (1, 1, 0.01), "line": (1, 0, 0)}[shape]
    points = rng.normal(size=(count, 3)) * size @ np.linalg.qr(rng.normal(size=(3, 3)))[0] + rng.normal(size=3)
    capsule = fit_capsule(points)
    assert outside(capsule, points).max() < 1e-9
    around = np.linalg.norm(points - (points.max(0) + points.min(0)) / 2, axis=1).max()  # the ball that does it, too
    assert np.linalg.norm(capsule[3:6] - capsule[:3]) / 2 + capsule[6] <= 2.0 * around + 1e-9


def test_a_rods_capsule_lies_along_it() -> None:
    """By hand: a bar of 1 x 0.2 x 0.2 is as thick as its diagonal, and its caps shorten the axis."""
    points = np.array([[x, y, z] for x in (0, 1) for y in (-0.1, 0.1) for z in (-0.1, 0.1)])
    capsule = fit_capsule(points)
    assert capsule[6] == pytest.approx(0.1 * np.sqrt(2))
    np.testing.assert_allclose(sorted(capsule[[0, 3]]), [0.0, 1.0], atol=1e-12)
    np.testing.assert_allclose(capsule[[1, 2, 4, 5]], 0.0, atol=1e-12)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(["free", "parallel", "crossing", "point", "points"]))
def test_segments_are_as_far_apart_as_their_nearest_points(seed: int, case: str) -> None:
    """Against bounded least squares over where on either segment the nearest points are."""
    rng = np.random.default_rng(seed)
    a, b, c, d = rng.normal(size=(4, 3))
    if case == "parallel":
        d = c + rng.normal() * (b - a)
    if case == "crossing":
        d = 2 * (a + rng.uniform() * (b - a)) - c
    if case in ("point", "points"):
        b = a
    if case == "points":
        d = c
    best = lsq_linear(np.stack([b - a, c - d], axis=1), c - a, (0, 1), tol=1e-14).x
    wanted = np.linalg.norm(a + best[0] * (b - a) - c - best[1] * (d - c))
    assert segment_distance(a, b, c, d) == pytest.approx(wanted, abs=1e-7)
    assert segment_distance(c, d, a, b) == pytest.approx(wanted, abs=1e-7)


@cache
def shipped(name: str) -> tuple[Kinematics, SelfCollision]:
    kinematics = Kinematics(load_robot(name))
    return kinematics, SelfCollision(kinematics)


def placed(name: str, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Placements (S, L, 12) in random postures, bases turned, and the link (G,) of every shape."""
    kinematics, collision = shipped(name)
    robot, rng = kinematics.robot, np.random.default_rng(1)
    names = sorted(set(collision.counted.links))
    states = kinematics.link_states(names, frames)
    for frame in range(frames):
        joints = rng.uniform(np.maximum(robot.lower_rad, -2), np.minimum(robot.upper_rad, 2))
        states.update(frame, kinematics.configuration(joints, Transform.exp(rng.normal(size=6))))
    return states.placement, np.array([names.index(link) for link in collision.counted.links])


@pytest.mark.parametrize("name", catalogue())
def test_near_pairs_miss_none_that_is_closer_than_asked(name: str) -> None:
    """Every pair is measured, and those within 2 cm must be among those that the capsules let through."""
    _, collision = shipped(name)
    placement, link = placed(name, 4)
    pairs = collision.counted.pairs
    every = np.stack([np.repeat(np.arange(4), len(pairs)), np.tile(np.arange(len(pairs)), 4)], axis=1)
    gap = collision.counted.measure(placement, link, every)[:, 0]
    within = 0.02
    let = {tuple(row) for row in collision.counted.near(placement, link, np.full(len(pairs), within)).tolist()}
    assert {tuple(row) for row in every[gap < within].tolist()} <= let
    assert (gap < within).any()
    assert len(let) < len(every), "and they do pass over most"


@pytest.mark.parametrize("name", ["g1", "talos", "allegro_right"])
def test_witnesses_lie_apart_along_their_normal(name: str) -> None:
    """second - first = gap * normal, the normal a unit vector; and the other way round it is the same gap."""
    _, collision = shipped(name)
    placement, link = placed(name, 2)
    pairs = collision.counted.pairs
    near = collision.counted.near(placement, link, np.full(len(pairs), 0.05))
    seen = collision.counted.measure(placement, link, near)
    gap, first, second, normal = seen[:, 0], seen[:, 1:4], seen[:, 4:7], seen[:, 7:]
    np.testing.assert_allclose(np.linalg.norm(normal, axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(second - first, gap[:, None] * normal, atol=1e-5)
    assert (gap > 0).any()


def test_frames_that_overlap_are_those_whose_measured_depth_says_so() -> None:
    kinematics, collision = shipped("g1")
    robot = kinematics.robot
    joints = np.random.default_rng(3).uniform(0.6 * robot.lower_rad, 0.6 * robot.upper_rad, (12, 29))
    names = sorted(set(collision.counted.links))
    states = kinematics.link_states(names, len(joints))
    for frame, posture in enumerate(joints):
        states.update(frame, kinematics.configuration(posture))
    link = np.array([names.index(name) for name in collision.counted.links])
    count = len(collision.counted.pairs)
    every = np.stack([np.repeat(np.arange(12), count), np.tile(np.arange(count), 12)], axis=1)
    depth = -collision.counted.measure(states.placement, link, every)[:, 0].reshape(12, count).min(axis=1)
    np.testing.assert_array_equal(collision.frames(joints), depth > 0.002)
    assert 0 < collision.frames(joints).sum() < 12
    assert not collision.frames(robot.rest_rad[None]).any()
