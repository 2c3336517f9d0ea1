"""The links of a robot's hands by finger, from its landmarks."""

from __future__ import annotations

from motion.errors import RobotError, require
from motion.landmarks import FINGERS
from robots.robot import Robot
from robots.urdf import read_urdf

PALM = "palm"
HAND_PARTS: tuple[str, ...] = (*FINGERS, PALM)
"""Parts of a hand that feel force, in the order of observations; a hand without one of them feels nothing there."""


def hand_root(robot: Robot, side: str) -> str:
    """The link from which on everything is hand.

    Raises:
        RobotError: robot.yaml names no such wrist.
    """
    name = f"{side}_wrist"
    require(name in robot.landmarks, RobotError, f"{robot.name}: robot.yaml names no {name}; a chore needs both hands.")
    return robot.landmarks[name].frame


def hand_parts(robot: Robot, side: str) -> dict[str, tuple[str, ...]]:
    """Links of each of `HAND_PARTS` that the hand has: a finger's own links, and all others as the palm."""
    root, children = hand_root(robot, side), _children(robot)
    chains = {
        finger: _chain(robot, robot.landmarks[f"{side}_{finger}_tip"].frame, root)
        for finger in FINGERS
        if f"{side}_{finger}_tip" in robot.landmarks
    }
    shared = [link for chain in chains.values() for link in chain]
    parts = {finger: tuple(link for link in chain if shared.count(link) == 1) for finger, chain in chains.items()}
    taken = {link for links in parts.values() for link in links}
    parts[PALM] = tuple(link for link in _below(children, root) if link not in taken)
    return parts


def _children(robot: Robot) -> dict[str, list[str]]:
    urdf = read_urdf(robot.urdf)
    children: dict[str, list[str]] = {}
    for joint in (*urdf.joints, *urdf.fixed):
        children.setdefault(joint.parent, []).append(joint.child)
    return children


def _below(children: dict[str, list[str]], link: str) -> list[str]:
    return [link, *(found for child in children.get(link, ()) for found in _below(children, child))]


def _chain(robot: Robot, tip: str, root: str) -> list[str]:
    """From a fingertip's link up to, but without, the hand's first link."""
    urdf = read_urdf(robot.urdf)
    parent = {joint.child: joint.parent for joint in (*urdf.joints, *urdf.fixed)}
    chain, link = [], tip
    while link != root:
        require(link in parent, RobotError, f"{robot.name}: link {tip} does not hang on {root}; look at the landmarks of that hand.")
        chain.append(link)
        link = parent[link]
    return chain
