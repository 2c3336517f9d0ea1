"""Hands of every shipped robot: tool frames, postures, what robot.yaml states of them and what is computed, and their chains."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motion.errors import RobotError, UnknownNameError
from motion.handling import GRASPS
from motion.transform import Array, Transform
from robots import load_robot
from robots.chain import Chain
from robots.hand_facts import hand_facts
from robots.hand_guess import GRASP_M
from robots.hands import hand_of, hand_sides
from robots.kinematics import Kinematics
from robots.robot import FramePoint, Robot
from robots.tool_frames import T_world_tool, tool_jacobian
from robots.upper_body import upper_body

FINGERED = ("g1_dex3", "alex_psyonic", "talos")
BARE = ("g1", "icub")
CLOSING = ("wrap", "pinch", "hook")
RADIUS_M = GRASP_M / 2
SKIN_M, TOUCH_M = 0.006, 0.008
"""Landmarks of pads are true to a few mm, and a tip need not touch with its middle."""
ALIKE_M = 2e-3
STEP = 1e-6


def pads_in_tool(robot: Robot, side: str, grasp: str, opening: Array) -> Array:
    """(T, F, 3) the fingers' pads, the thumb's first, in the tool frame."""
    hand = hand_of(robot, side)
    postures = np.tile(robot.rest_rad, (len(opening), 1))
    postures[:, robot.joint_index(hand.joint_names)] = hand.posture(grasp, opening)
    pads = Kinematics(robot).point_positions([finger.pad for finger in hand.fingers.values()], postures)
    tool = T_world_tool(robot, side, postures, Transform.identity())
    return np.stack([tool[t].inverse().apply(pads[t]) for t in range(len(opening))])


def unstated(name: str) -> Robot:
    """A shipped robot as if its robot.yaml said nothing of hands."""
    return replace(upper_body(load_robot(name)), hands={})


@pytest.mark.parametrize("name", [*FINGERED, *BARE])
def test_tool_axes_are_right_handed_and_mirrored(name: str) -> None:
    robot = upper_body(load_robot(name))
    assert hand_sides(robot) == ("left", "right")
    tools = {side: T_world_tool(robot, side, np.clip(robot.rest_rad, robot.lower_rad, robot.upper_rad)) for side in hand_sides(robot)}
    for pose in tools.values():
        assert np.linalg.det(pose.rotation()[0]) == pytest.approx(1.0)
    mirror = np.diag([1.0, -1.0, 1.0])
    np.testing.assert_allclose(tools["left"].position_m[0], mirror @ tools["right"].position_m[0], atol=ALIKE_M)
    # The mirror image of a frame is left-handed: of the tool's, y points the other way.
    np.testing.assert_allclose(tools["left"].rotation()[0], mirror @ tools["right"].rotation()[0] @ mirror, atol=0.02)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("name", FINGERED)
@pytest.mark.parametrize("stated", [True, False])
def test_closing_brings_pads_together_around_a_cylinder(name: str, side: str, stated: bool) -> None:
    robot = upper_body(load_robot(name)) if stated else unstated(name)
    opening = np.linspace(1.0, 0.0, 41)
    for grasp in CLOSING:
        if grasp == "hook" and not stated:
            continue  # a computed hook only bends the fingers
        pads = pads_in_tool(robot, side, grasp, opening)
        gap = np.linalg.norm(pads[:, 0] - pads[:, 1:3].mean(axis=1), axis=-1)
        assert gap[-1] < gap[0]
    pads = pads_in_tool(robot, side, "wrap", opening)
    away = np.linalg.norm(pads[..., :2], axis=-1)
    assert (away[0] > RADIUS_M - TOUCH_M).all()  # a cylinder fits into the open hand
    contact = []
    for finger in range(3):  # each stops where it touches
        near = np.flatnonzero(away[:, finger] < RADIUS_M + SKIN_M)
        assert len(near), f"finger {finger} never touches the cylinder; it stays {away[:, finger].min():.3f} m from its axis"
        contact.append(pads[near[0], finger])
    thumb, fingers = contact[0], (contact[1] + contact[2]) / 2
    palm = np.array([0.0, -RADIUS_M if side == "right" else RADIUS_M])
    assert _outside(np.stack([thumb[:2], fingers[:2], palm])) < TOUCH_M  # the axis lies between thumb, fingers and palm
    assert abs(thumb[2] - fingers[2]) < RADIUS_M


def _outside(triangle: Array) -> float:
    """How far the origin is from a triangle (3, 2); 0 inside."""
    grid = np.linspace(0.0, 1.0, 41)
    a, b = np.meshgrid(grid, grid)
    inside = a + b <= 1.0
    weights = np.stack([a[inside], b[inside], 1 - a[inside] - b[inside]], axis=1)
    return float(np.linalg.norm(weights @ triangle, axis=1).min())


@pytest.mark.parametrize("name", FINGERED)
def test_postures_keep_limits_and_know_every_grasp(name: str) -> None:
    robot = upper_body(load_robot(name))
    for side in hand_sides(robot):
        hand = hand_of(robot, side)
        assert next(iter(hand.fingers)) == "thumb"
        assert set(hand.postures) == set(GRASPS)
        columns = robot.joint_index(hand.joint_names)
        for grasp in GRASPS:
            track = hand.posture(grasp, np.array([1.0, 0.4, 0.0]))
            assert track.shape == (3, len(columns))
            assert (track >= robot.lower_rad[columns] - 1e-9).all()
            assert (track <= robot.upper_rad[columns] + 1e-9).all()
            np.testing.assert_allclose(track[1], 0.4 * track[0] + 0.6 * track[2], atol=1e-12)
    with pytest.raises(UnknownNameError, match="wrap"):
        hand.posture("warp", 0.5)


def test_a_hand_without_fingers_reaches_all_the_same() -> None:
    robot = upper_body(load_robot("icub"))
    hand = hand_of(robot, "right")
    assert hand.joint_names == ()
    assert not hand.fingers
    assert hand.posture("flat", np.ones(3)).shape == (3, 0)


def test_a_lone_hand_is_computed() -> None:
    robot = load_robot("allegro_right")
    assert hand_sides(robot) == ()
    with pytest.raises(RobotError, match="right_pinky_mcp"):
        hand_of(robot, "right")
    with pytest.raises(UnknownNameError, match="side"):
        hand_of(robot, "middle")


@pytest.mark.parametrize(
    ("name", "link"),
    [("g1_dex3", "right_hand_thumb_2_link"), ("alex_psyonic", "Left_index_L2"), ("talos", "gripper_right_fingertip_3_link")],
)
def test_a_chain_agrees_with_the_whole_robot(name: str, link: str) -> None:
    robot = load_robot(name)
    rng, kinematics, point = np.random.default_rng(0), Kinematics(robot), FramePoint(link, (0.01, -0.02, 0.03))
    q = rng.uniform(np.maximum(robot.lower_rad, -2.0), np.minimum(robot.upper_rad, 2.0), (20, len(robot.joint_names)))
    base = Transform.exp(rng.normal(size=(20, 6)))
    chain = Chain(robot, link, Transform(np.array(point.offset_m), np.array([1.0, 0.0, 0.0, 0.0])))
    pose, jacobian = chain.jacobians(q, base)
    whole = kinematics.frame_poses([link], q, base)[:, 0]
    np.testing.assert_allclose(pose.position_m, whole.apply(np.array(point.offset_m)), atol=1e-12)
    np.testing.assert_allclose(pose.rotation(), whole.rotation(), atol=1e-12)
    np.testing.assert_allclose(jacobian[:, :3], kinematics.point_jacobians([point], q, base)[:, 0, :, 6:], atol=1e-12)


def test_a_tool_jacobian_against_differences() -> None:
    robot = upper_body(load_robot("talos"))
    q = 0.5 * robot.rest_rad + 0.25 * (np.maximum(robot.lower_rad, -2.0) + np.minimum(robot.upper_rad, 2.0))
    _, jacobian = tool_jacobian(robot, "left", q)
    steps = STEP * np.eye(len(q))
    ahead, behind = (T_world_tool(robot, "left", q + sign * steps) for sign in (1.0, -1.0))
    np.testing.assert_allclose(jacobian[0, :3].T, (ahead.position_m - behind.position_m) / (2 * STEP), atol=1e-7)
    turn = (ahead.rotation() @ np.swapaxes(behind.rotation(), 1, 2) - np.eye(3)) / (2 * STEP)
    np.testing.assert_allclose(jacobian[0, 3:].T, np.stack([turn[:, 2, 1], turn[:, 0, 2], turn[:, 1, 0]], axis=1), atol=1e-6)


def test_reaching_keeps_limits_and_arrives() -> None:
    robot = upper_body(load_robot("g1_dex3"))
    chain = Chain(robot, "right_hand_palm_link", Transform.identity())
    rng = np.random.default_rng(1)
    bent = robot.rest_rad + np.where(
        np.isin(np.arange(len(robot.rest_rad)), chain.columns), rng.uniform(-0.3, 0.3, len(robot.rest_rad)), 0.0
    )
    bent = np.clip(bent, robot.lower_rad, robot.upper_rad)
    wanted = chain.poses(bent)
    q, error = chain.reach(wanted, robot.rest_rad, Transform.identity())
    assert error[0, 0] < 1e-4
    assert error[0, 1] < 1e-3
    assert (q >= robot.lower_rad).all()
    assert (q <= robot.upper_rad).all()
    np.testing.assert_allclose(chain.poses(q).position_m, wanted.position_m, atol=1e-4)


LIMITS = np.array([[-1.0, 1.0], [0.0, 2.0]])
BLOCK = {"palm": "palm", "tool_m": [0, 0, 0], "fingers_along": [1, 0, 0], "thumb_side": [0, 0, 1], "joints": ["a", "b"]}


def facts(**changes: object) -> object:
    return hand_facts(Path("robot.yaml"), {"right": {**BLOCK, **changes}}, ("palm", "tip"), ("a", "b"), LIMITS)


def test_facts_that_are_in_order() -> None:
    read = hand_facts(
        Path("robot.yaml"), {"right": {**BLOCK, "postures": {"wrap": {"open": [0, 0], "closed": [1, 2]}}}}, ("palm",), ("a", "b"), LIMITS
    )
    assert read["right"].postures == (("wrap", (0.0, 0.0), (1.0, 2.0)),)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"plam": "palm"}, "plam"),
        ({"palm": "plam"}, "plam"),
        ({"joints": ["a", "c"]}, "'c'"),
        ({"tool_m": [0, 0]}, "tool_m: wants"),
        ({"thumb_side": [1, 0, 0.1]}, "right angles"),
        ({"thumb_side": [0, 0, 0]}, "no length"),
        ({"postures": {"grab": {"open": [0, 0], "closed": [0, 0]}}}, "grab"),
        ({"postures": {"wrap": {"open": [0, 0]}}}, "open and closed"),
        ({"postures": {"wrap": {"open": [0], "closed": [0, 0]}}}, "1 numbers for 2 joints"),
        ({"postures": {"wrap": {"open": [0, 0], "closed": [0, 3]}}}, "outside its limits"),
        ({"joints": [], "postures": {"wrap": {"open": [], "closed": []}}}, "`joints:` is missing"),
    ],
)
def test_facts_that_are_not(changes: dict[str, object], words: str) -> None:
    with pytest.raises((RobotError, UnknownNameError), match=words):
        facts(**changes)


def test_facts_of_no_palm_or_no_side() -> None:
    with pytest.raises(RobotError, match="`palm:`, which is missing"):
        hand_facts(Path("robot.yaml"), {"left": {"tool_m": [0, 0, 0]}}, ("palm",), ("a",), LIMITS[:1])
    with pytest.raises(UnknownNameError, match="side"):
        hand_facts(Path("robot.yaml"), {"rigth": {}}, ("palm",), ("a",), LIMITS[:1])
