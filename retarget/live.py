"""Live retargeting, for teleoperation: one frame of landmarks in, one posture of the robot out, no later frame needed.

A short calibration recording gives what a single frame cannot: the person's lengths, the floor, and how their feet stand.
From then on the same targets and the same streaming solver as for recordings are used, on the last second of frames.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from motion.errors import MotionError, ShapeError, require
from motion.human import HumanMotion
from motion.landmarks import RIGID_BONES
from motion.transform import Array, Transform
from retarget.body_map import BodyMap
from retarget.contacts import Contacts
from retarget.hand_targets import HandSettings
from retarget.inspect import BONE_TOLERANCE, Inspection, inspect
from retarget.observed import observed_joints
from retarget.problem import Problem, SolverSettings
from retarget.rows import TargetWeights
from retarget.streaming import StreamingSolver
from retarget.targets import Targets, build_targets, measures


@dataclass(frozen=True)
class LiveSettings:
    """Settings of live retargeting.

    Attributes:
        window_s: how much of what came before is looked at, to tell a gap from what has gone out of view.
        reach_s: after a longer silence the robot moves no further than it could, from rest, within this time.
        jump_in: the first frame puts the robot straight where it wants it, as a recording does. Else the robot moves there
            from where it is, within its bounds.
        solver, weights, hands: as for recordings.
    """

    window_s: float = 1.0
    reach_s: float = 0.1
    jump_in: bool = False
    solver: SolverSettings = SolverSettings(method="streaming")
    weights: TargetWeights = TargetWeights()
    hands: HandSettings = HandSettings()


@dataclass(frozen=True)
class LiveFrame:
    """What one frame of landmarks gave.

    Attributes:
        time_s: of the frame.
        joint_position_rad: (J,) in the order of `joint_names`; within all bounds, whether solved or not.
        T_world_base: one pose.
        solved: whether the frame could be followed; where not, joints come to rest and the base stays.
        observed: (J,) whether the landmarks, rather than the rest posture, say where a joint is.
        latency_s: time that the call took.
    """

    time_s: float
    joint_position_rad: Array
    T_world_base: Transform
    solved: bool
    observed: np.ndarray
    latency_s: float


class LiveRetargeter:
    """Retargets a person frame by frame.

    Args:
        body: the robot.
        calibration: a few seconds of the person standing and moving a little, at the rate of the frames to come, with the same landmarks.
        settings: of live retargeting.
        start_rad: (J,) where the robot's joints are when the first frame comes; the rest posture by default.

    Attributes:
        landmarks: L names, in the order that `push` wants.
        joint_names: J names, in the order that it gives.

    Raises:
        MotionError: the calibration shows nothing that the robot could follow, or has less than two frames.
    """

    def __init__(
        self, body: BodyMap, calibration: HumanMotion, settings: LiveSettings | None = None, start_rad: Array | None = None
    ) -> None:
        require(len(calibration.time_s) > 1, MotionError, "a calibration of one frame tells no frame rate; give a second or more.")
        self.body, self.settings = body, settings or LiveSettings()
        self.landmarks, self.joint_names = calibration.landmarks, body.robot.joint_names
        self._motion = replace(calibration, segments=(), segment_wxyz=None, objects={}, signals={}, labels=())
        self._inspection = inspect(calibration)
        targets = build_targets(body, calibration, self.settings.weights, self._inspection, self.settings.hands)
        self._like = measures(body, calibration, self.settings.weights, self._inspection)
        self._bones = _usual_bones(calibration, self._inspection)
        # Which foot stands is not known live.
        self._problem = Problem(body, targets, replace(self.settings.solver.causal(), contact=0.0))
        self._warm_up(targets)
        start = None if self.settings.jump_in else body.robot.rest_rad if start_rad is None else np.asarray(start_rad, float)
        self._solver = StreamingSolver(self._problem, start, 1 / calibration.rate_hz)
        self._window: deque[tuple[float, Array, Array]] = deque()
        self._seen: dict[bytes, np.ndarray] = {}
        self._placed = False

    def push(self, time_s: float, position_m: Array, confidence: Array | None = None) -> LiveFrame:
        """Retarget one frame.

        Args:
            time_s: on any clock that rises; steps may differ.
            position_m: (L, 3) in the order of `landmarks`, in the calibration's world; NaN where unseen.
            confidence: (L,) 0..1; 1 by default.

        Raises:
            MotionError: the clock stands still or runs backwards, or a confidence is none.
            ShapeError: not the calibration's landmarks.
        """
        began = time.perf_counter()
        self._take(time_s, np.array(position_m, float), np.ones(len(self.landmarks)) if confidence is None else np.array(confidence, float))
        targets, solved = self._targets(), False
        if targets is not None and targets.usable[0]:
            self._problem = self._problem.following(targets)
            self._solver.follow(self._problem)
            solved = self._solver.step_at(0, time_s, self.settings.reach_s)
            self._placed = True
        elif self._placed:
            self._solver.coast(time_s)
        kinematics, q = self.body.kinematics, self._solver.q
        base = kinematics.base_pose(q)
        observed = self._observed(q) if solved else np.zeros(len(self.joint_names), bool)
        return LiveFrame(time_s, self._solver.joints.copy(), base, solved, observed, time.perf_counter() - began)

    def _take(self, time_s: float, position: Array, confidence: Array) -> None:
        """Add a frame to the window, unless it is none; what is stretched is not seen."""
        shape = (len(self.landmarks), 3)
        require(position.shape == shape, ShapeError, f"position_m is {position.shape}; the calibration's landmarks want {shape}.")
        require(confidence.shape == shape[:1], ShapeError, f"confidence is {confidence.shape}; {shape[:1]} was wanted.")
        last = self._window[-1][0] if self._window else -np.inf
        require(np.isfinite(time_s) and time_s > last, MotionError, f"frame at {time_s} s after one at {last} s: time has to rise.")
        start, end, usual = self._bones
        length = np.linalg.norm(position[start] - position[end], axis=-1)
        with np.errstate(invalid="ignore"):
            wrong = np.abs(length - usual) > BONE_TOLERANCE * usual
        position[np.r_[start[wrong], end[wrong]]] = np.nan
        seen = np.asarray(np.isfinite(position).all(axis=-1))
        self._window.append((float(time_s), np.where(seen[:, None], position, np.nan), np.where(seen, confidence, 0.0)))
        while self._window[0][0] < time_s - self.settings.window_s:
            self._window.popleft()

    def _targets(self) -> Targets | None:
        """Targets of the newest frame; None where it shows nothing at all."""
        if not (self._window[-1][2] > 0).any():
            return None
        times, position, confidence = (np.array(part) for part in zip(*self._window, strict=True))
        motion = replace(self._motion, time_s=times, position_m=position, confidence=confidence, segment_wxyz=None)
        found = replace(self._inspection, broken=np.zeros(confidence.shape, bool), stance=_unknown_stance(self._inspection.stance))
        targets = build_targets(self.body, motion, self.settings.weights, found, self.settings.hands, self._like)
        return _last_frame(targets)

    def _observed(self, q: Array) -> np.ndarray:
        """(J,) judged once for every set of targets that is seen together."""
        targets = self._problem.targets
        weights = (targets.vector_weight, targets.direction_weight, targets.orientation_weight)
        key = b"".join(np.packbits(weight[0] > 0).tobytes() for weight in weights)
        if key not in self._seen:
            self._seen[key] = observed_joints(self._problem, q[None], np.ones(1, bool))[0]
        return self._seen[key]

    def _warm_up(self, targets: Targets) -> None:
        """Solve one frame of the calibration, so that nothing has to be loaded or compiled when the first frame comes."""
        usable = np.flatnonzero(targets.usable)
        require(len(usable) > 0, MotionError, "no frame of the calibration can be followed; record it again.")
        StreamingSolver(self._problem).step(int(usable[0]))


def _usual_bones(motion: HumanMotion, inspection: Inspection) -> tuple[np.ndarray, np.ndarray, Array]:
    """Columns of both ends of the rigid bones that the calibration shows, and their usual lengths (m)."""
    bones = [(a, b) for a, b in RIGID_BONES if motion.has(a, b)]
    ends = np.array([[motion.landmarks.index(name) for name in bone] for bone in bones], int).reshape(-1, 2).T
    position = np.where(inspection.broken[..., None], np.nan, motion.position_m)
    length = np.linalg.norm(position[:, ends[0]] - position[:, ends[1]], axis=-1)
    return ends[0], ends[1], np.nanmedian(length, axis=0) if len(bones) else np.zeros(0)


def _unknown_stance(stance: Contacts) -> Contacts:
    """The calibration's floor; what stands now is not known before the foot has stood for a while."""
    return replace(stance, standing={}, strength={}, level_m={})


def _last_frame(targets: Targets) -> Targets:
    """Only the newest frame of some targets."""
    parts = ("time_s", "vector_m", "vector_weight", "direction", "direction_weight", "orientation", "orientation_weight", "usable")
    guessed = ("vector_guessed", "direction_guessed", "orientation_guessed")
    return replace(targets, **{name: value[-1:] for name in (*parts, *guessed) if (value := getattr(targets, name)) is not None})
