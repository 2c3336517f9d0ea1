"""What a handling asks of a robot's arms: places and axes of the tool frames, in the base's frame."""

from __future__ import annotations

import numpy as np

from motion.handling import Handling
from motion.transform import Array, Transform
from retarget.contacts import Contacts
from retarget.handling.arms import Arms
from retarget.handling.settings import HandlingSettings
from retarget.handling.tips import TIPS
from retarget.inspect import Inspection
from retarget.targets import WORLD, Targets
from retarget.terms.edge import Corner
from robots.robot import FramePoint

_ANCHOR = 1e-6
"""Weight of a row on a hand that nobody wants anywhere: frames without any row would count as unseen."""


def tool_targets(arms: Arms, handling: Handling, T_base_counter: Transform, settings: HandlingSettings, edge_m: float = 0.0) -> Targets:
    """Targets of the arms for a handling at the result's own times.

    Args:
        arms: of the robot.
        handling: at these times.
        T_base_counter: one pose.
        settings: weights.
        edge_m: height over the counter's frame of the edge that arms keep clear of.
    """
    frames = len(handling.time_s)
    places, weights, axes, axis_weights, names = [], [], [], [], []
    points: list[FramePoint] = []
    for side, hand in handling.hands.items():
        T_base_tool = T_base_counter @ hand.T_counter_tool
        wanted = np.clip(np.asarray(hand.wanted, float), 0.0, 1.0)
        places.append(T_base_tool.position_m)
        weights.append(np.maximum(settings.position * wanted, _ANCHOR))
        axes.append(np.moveaxis(T_base_tool.rotation(), -1, 1))
        axis_weights.append(wanted[:, None] * np.array(settings.axis_weights()))
        names.append(f"{side}_tool")
        points.extend(arms.points[side])
    count = len(names)
    first = 4 * np.arange(count)
    trunk = _trunk(arms)
    rest = arms.body.kinematics.frame_poses(trunk, arms.body.robot.rest_rad).rotation()
    return Targets(
        time_s=handling.time_s,
        points=tuple(points),
        links=trunk,
        vector_names=tuple(names),
        vector_from=np.full(count, WORLD),
        vector_to=first,
        vector_m=np.stack(places, axis=1),
        vector_weight=np.stack(weights, axis=1),
        direction_names=tuple(f"{name}_{axis}" for name in names for axis in "xyz"),
        direction_from=np.repeat(first, 3),
        direction_to=(first[:, None] + [1, 2, 3]).ravel(),
        direction=np.concatenate(axes, axis=1),
        direction_weight=np.concatenate(axis_weights, axis=1),
        orientation_names=("trunk",) * len(trunk),
        orientation=np.repeat(rest, frames, axis=0),
        orientation_weight=np.full((frames, len(trunk)), settings.trunk),
        usable=np.ones(frames, bool),
        inspection=_nothing_inspected(frames),
        corner=_counter(_outline(arms, handling), T_base_counter, edge_m, settings.clearance_m),
    )


def _outline(arms: Arms, handling: Handling) -> tuple[FramePoint, ...]:
    """What keeps off the counter: fingers that take cloth have to touch it."""
    return arms.bare if any(hold.grasp == TIPS for hold in handling.holds) else arms.outline


def _counter(outline: tuple[FramePoint, ...], T_base_counter: Transform, edge_m: float, margin_m: float) -> Corner:
    """The counter's body: beyond its front edge, under its top."""
    turn = T_base_counter.rotation()
    return Corner(outline, T_base_counter.position_m + edge_m * turn[:, 2], -turn[:, 0], turn[:, 2].copy(), margin_m)


def _trunk(arms: Arms) -> tuple[str, ...]:
    """The link that carries both shoulders, where it moves at all."""
    point = arms.body.points.get("left_shoulder_on_trunk")
    if point is None or not len(arms.body.kinematics.support(arms.body.kinematics.frame_id(point.frame))):
        return ()
    return (point.frame,)


def _nothing_inspected(frames: int) -> Inspection:
    """A handling has no landmarks, no floor and no feet."""
    none: dict[str, Array] = {}
    stance = Contacts(none, none, none, none, 0.0, 0.0, np.array([0.0, 0.0, 1.0]))
    return Inspection((), np.zeros((frames, 0), bool), 0.0, 0.0, {}, stance)
