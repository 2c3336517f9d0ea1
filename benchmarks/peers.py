"""Other tools on our targets, through their public interfaces: pin-pink and mink for bodies, dex-retargeting for hands.

pin-pink and mink get what their users give them: one FrameTask per link, with the positions, orientations and weights
of our targets, a light posture and damping task, their own position and speed limits, and the daqp solver. One loop
drives both, so that the rule for when a frame is done is the same, and the same as ours. dex-retargeting runs the
configurations it ships, untouched.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from benchmarks.bodies import first_posture
from benchmarks.table import data_folder
from motion.errors import RobotError, require
from motion.robot_motion import RobotMotion
from motion.transform import Array, Transform, wxyz_from_matrix
from retarget.body_map import BodyMap
from retarget.problem import SolverSettings
from retarget.targets import WORLD, Targets

_DAMPING = 1e-3  # Levenberg-Marquardt, of every FrameTask
_POSTURE_COST, _STILL_COST = 0.05, 0.1  # per rad away from the rest posture, and per rad moved in a step


@dataclass(frozen=True)
class LinkTarget:
    """What one FrameTask is given: `position_m` (T, 3), `rotation` (T, 3, 3), and its two costs (0: not wanted)."""

    link: str
    position_m: Array
    rotation: Array
    position_cost: float
    orientation_cost: float


@dataclass(frozen=True)
class Followed:
    """What a tool made of one clip, and the seconds that its own calls took."""

    seconds: float
    motion: RobotMotion
    targets: Targets


def link_targets(body: BodyMap, item: Targets) -> Iterator[LinkTarget]:
    """Our targets as poses of links.

    There is no task for directions: knees and shoulders are placed along the wanted direction from the hip, at the
    robot's own length, with the direction's weight over that length.
    """
    place = {name: item.vector_m[:, k] for k, name in enumerate(item.vector_names) if item.vector_from[k] == WORLD}
    cost = {name: float(item.vector_weight[:, k].max()) for k, name in enumerate(item.vector_names)}
    for d, name in enumerate(item.direction_names):
        start, end = (point.partition("_on_")[0] for point in name.split(">"))
        if start.endswith("_hip") and end not in place:
            length = body.length_m(start, end)
            place[end] = place[start] + length * item.direction[:, d]
            cost[end] = float(item.direction_weight[:, d].max()) / length
    turns = zip(np.moveaxis(item.orientation, 1, 0), item.orientation_weight.max(0), strict=True)
    rotation = dict(zip(item.links, turns, strict=True))
    for name, position in place.items():
        point = body.robot.landmarks[name]
        require(
            not any(point.offset_m), RobotError, f"{name} of {body.robot.name} is not the origin of a link: a FrameTask cannot follow it."
        )
        turn, turn_cost = rotation.pop(point.frame, (np.tile(np.eye(3), (len(position), 1, 1)), 0.0))
        yield LinkTarget(point.frame, position, turn, cost[name], float(turn_cost))
    for link, (turn, turn_cost) in rotation.items():
        yield LinkTarget(link, np.zeros((len(turn), 3)), turn, 0.0, float(turn_cost))


class Tool(Protocol):
    """A tool set up for one clip."""

    def aim(self, frame: int) -> None:
        """Set the targets of a frame."""

    def step(self) -> float:
        """One step; returns the largest change of any coordinate (m, rad)."""

    def configuration(self) -> Array:
        """The tool's own configuration vector (nq,), copied."""

    def motion(self, configurations: Array) -> RobotMotion:
        """The robot's motion, from configurations (T, nq)."""


def follow(tool: Tool, item: Targets) -> Followed:
    """Take a tool through a clip: steps per frame until none is larger than our solver's own tolerance."""
    settings, out = SolverSettings(), []
    begin = time.perf_counter()
    for frame in range(len(item.time_s)):
        tool.aim(frame)
        for _ in range(settings.max_iterations):
            if tool.step() < settings.tolerance_rad:
                break
        out.append(tool.configuration())
    return Followed(time.perf_counter() - begin, tool.motion(np.array(out)), item)


class Pink:
    """pin-pink on the targets of one clip."""

    def __init__(self, body: BodyMap, item: Targets) -> None:
        import pink
        import pinocchio as pin
        from pink.limits import ConfigurationLimit, VelocityLimit
        from pink.tasks import DampingTask, FrameTask, PostureTask

        self.pink, self.pin, self.item, self.robot = pink, pin, item, body.robot
        self.model = pin.buildModelFromUrdf(str(body.robot.urdf), pin.JointModelFreeFlyer())
        self.columns = [self.model.joints[self.model.getJointId(name)].idx_q for name in body.robot.joint_names]
        self.wanted = list(link_targets(body, item))
        self.frames = [FrameTask(w.link, w.position_cost, w.orientation_cost, lm_damping=_DAMPING) for w in self.wanted]
        posture = PostureTask(cost=_POSTURE_COST)
        posture.set_target(self._configuration(body.robot.rest_rad, Transform.identity()))
        self.tasks = [*self.frames, posture, DampingTask(cost=_STILL_COST)]
        self.limits = [ConfigurationLimit(self.model), VelocityLimit(self.model)]
        self.dt = float(np.median(np.diff(item.time_s)))
        self.state = pink.Configuration(self.model, self.model.createData(), self._configuration(*first_posture(body, item)))

    def _configuration(self, joints: Array, base: Transform) -> Array:
        q = self.pin.neutral(self.model)
        q[:3], q[3:7], q[self.columns] = base.position_m, base.to_xyzw(), joints
        return q

    def aim(self, frame: int) -> None:
        for task, wanted in zip(self.frames, self.wanted, strict=True):
            task.set_target(self.pin.SE3(wanted.rotation[frame], wanted.position_m[frame]))

    def step(self) -> float:
        velocity = self.pink.solve_ik(self.state, self.tasks, self.dt, solver="daqp", limits=self.limits, safety_break=False)
        self.state.integrate_inplace(velocity, self.dt)
        return float(np.abs(velocity).max() * self.dt)

    def configuration(self) -> Array:
        return np.array(self.state.q)

    def motion(self, configurations: Array) -> RobotMotion:
        base = Transform.from_xyzw(configurations[:, :3], configurations[:, 3:7])
        done = np.ones(len(configurations), bool)
        return RobotMotion(self.robot.name, self.item.time_s, self.robot.joint_names, configurations[:, self.columns], base, done)


class Mink:
    """mink on the targets of one clip, with a MuJoCo model of the same URDF."""

    def __init__(self, body: BodyMap, item: Targets) -> None:
        import mink

        from envs.urdf_spec import urdf_to_spec

        self.mink, self.item, self.robot = mink, item, body.robot
        spec = urdf_to_spec(body.robot, "collision")
        spec.body(body.robot.base).add_freejoint(name="base")
        self.model = spec.compile()
        self.columns = [int(self.model.joint(name).qposadr[0]) for name in body.robot.joint_names]
        self.wanted = list(link_targets(body, item))
        self.frames = [mink.FrameTask(w.link, "body", w.position_cost, w.orientation_cost, lm_damping=_DAMPING) for w in self.wanted]
        self.poses = [[mink.SE3(row) for row in np.hstack([wxyz_from_matrix(w.rotation), w.position_m])] for w in self.wanted]
        posture = mink.PostureTask(self.model, cost=_POSTURE_COST)
        posture.set_target(self._configuration(body.robot.rest_rad, Transform.identity()))
        self.tasks = [*self.frames, posture, mink.DampingTask(self.model, cost=_STILL_COST)]
        speeds = dict(zip(body.robot.joint_names, body.robot.speed_radps, strict=True))
        self.limits = [mink.ConfigurationLimit(self.model), mink.VelocityLimit(self.model, speeds)]
        self.dt = float(np.median(np.diff(item.time_s)))
        self.state = mink.Configuration(self.model, self._configuration(*first_posture(body, item)))

    def _configuration(self, joints: Array, base: Transform) -> Array:
        q = np.zeros(self.model.nq)
        q[:3], q[3:7], q[self.columns] = base.position_m, base.wxyz, joints
        return q

    def aim(self, frame: int) -> None:
        for task, poses in zip(self.frames, self.poses, strict=True):
            task.set_target(poses[frame])

    def step(self) -> float:
        velocity = self.mink.solve_ik(self.state, self.tasks, self.dt, solver="daqp", limits=self.limits)
        self.state.integrate_inplace(velocity, self.dt)
        return float(np.abs(velocity).max() * self.dt)

    def configuration(self) -> Array:
        return np.array(self.state.q)

    def motion(self, configurations: Array) -> RobotMotion:
        base = Transform(configurations[:, :3], configurations[:, 3:7])
        done = np.ones(len(configurations), bool)
        return RobotMotion(self.robot.name, self.item.time_s, self.robot.joint_names, configurations[:, self.columns], base, done)


PEERS = {"pin-pink": Pink, "mink": Mink}


@dataclass(frozen=True)
class HandRun:
    """What dex-retargeting made of a film of a hand.

    Attributes:
        seconds: (T,) of every call.
        position_m: link -> (T, 3), in the frame of the person's joints.
        wanted_m: link -> (T, 3), where its configuration wants that link: the person's joint, unscaled. Position only.
        excess_rad: the furthest any joint went beyond its limits.
    """

    seconds: Array
    position_m: dict[str, Array]
    wanted_m: dict[str, Array]
    excess_rad: float


def dex_retargeting(hand: str, mode: str, joints_m: Array) -> HandRun:
    """dex-retargeting with the configuration it ships.

    Args:
        hand: "allegro" or "shadow".
        mode: "position" (offline; the hand flies), "vector" or "dexpilot" (teleoperation; the wrist stays).
        joints_m: (T, 21, 3), a right hand in MediaPipe's order.
    """
    from dex_retargeting.constants import HandType, RetargetingType, RobotName, get_default_config_path
    from dex_retargeting.retargeting_config import RetargetingConfig

    RetargetingConfig.set_default_urdf_dir(data_folder() / "robots")
    path = get_default_config_path(RobotName[hand], RetargetingType[mode], HandType.right)
    tool = RetargetingConfig.load_from_file(path).build()
    optimizer, asked = tool.optimizer, tool.optimizer.target_link_human_indices
    seconds, configurations = np.empty(len(joints_m)), []
    for frame, points in enumerate(joints_m):
        wanted = points[asked] if mode == "position" else points[asked[1]] - points[asked[0]]
        begin = time.perf_counter()
        q = tool.retarget(wanted)
        seconds[frame] = time.perf_counter() - begin
        configurations.append(q.copy())
    links = list(optimizer.body_names) if mode == "position" else list(optimizer.computed_link_names)
    wanted = {link: joints_m[:, index] for link, index in zip(links, asked, strict=True)} if mode == "position" else {}
    moved, limits = np.array(configurations)[:, optimizer.idx_pin2target], tool.joint_limits
    excess = max(float((limits[:, 0] - moved).max()), float((moved - limits[:, 1]).max()))
    return HandRun(seconds, _link_positions(optimizer.robot, links, configurations), wanted, excess)


def _link_positions(robot: Any, links: list[str], configurations: list[Array]) -> dict[str, Array]:
    out = {link: np.empty((len(configurations), 3)) for link in links}
    for frame, q in enumerate(configurations):
        robot.compute_forward_kinematics(q)
        for link, place in out.items():
            place[frame] = robot.get_link_pose(robot.get_link_index(link))[:3, 3]
    return out
