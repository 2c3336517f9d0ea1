"""The least-squares problem of some targets: its terms are built here and solved elsewhere, so that they can be looked at."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from motion.errors import UnknownNameError
from motion.transform import Array, normalized
from retarget.body_map import BodyMap
from retarget.limits import Bounds, hold_bounds
from retarget.settings import check_numbers
from retarget.targets import WORLD, Targets
from retarget.terms.balance import Balance
from retarget.terms.base import Normal, Term
from retarget.terms.contact_stick import contact_stick
from retarget.terms.edge import edge
from retarget.terms.fingertip_vector import fingertip_vector
from retarget.terms.frame_orientation import FrameOrientation, frame_orientation
from retarget.terms.frame_position import frame_position
from retarget.terms.ground import ground
from retarget.terms.limb_direction import limb_direction
from retarget.terms.points import PointRows, joined
from retarget.terms.self_distance import SelfDistance
from retarget.terms.static_torque import StaticTorque
from robots.kinematics import LinkStates

_MARGIN_SHARE = 0.1
_ENDLESS_NM = 1e9
METHODS = ("clip", "streaming")
_ABOVE_ZERO = ("speed_scale", "acceleration_scale", "static_torque_share", "max_step_rad", "max_iterations", "first_iterations")


@dataclass(frozen=True)
class SolverSettings:
    """Settings of the solvers. Weights multiply residuals before they are squared.

    Attributes:
        method: "clip", the whole recording at once; "streaming", frame by frame, no frame knowing of a later one.
        posture: per rad of leaving the rest posture; fills in what was not seen.
        limit_margin: per rad within `limit_margin_rad` of a joint's stop (at most a tenth of its range).
        limb: factor of the limbs' directions (clip): where feet are held something has to give, and not the limbs.
        acceleration: per rad/s2 of a joint, and m/s2 of the base (clip).
        contact: per m that a standing corner of a sole leaves its place (clip).
        ground: per m that a corner of a sole is under the floor.
        edge: per m that a point of the robot is in what stands in its way.
        self_distance: per m that two links are nearer than `self_distance_m` (clip); 0 lets them pass through each other.
        balance: per m that the centre of mass is outside the standing soles (clip); 0 lets it go where the person's did.
        static_torque: per share of its limit that a motor has to hold beyond `static_torque_share` of it (clip); 0 asks nothing.
        bound: per rad/s and 0.01 rad/s2 by which a joint passes its bounds before they are enforced (clip).
        stream_velocity, stream_acceleration: per rad/s and rad/s2 of a joint (streaming).
        stream_contact: per m that a standing corner of a sole leaves where it was in the frame before (streaming).
        stream_self_distance: as self_distance (streaming).
        speed_scale, acceleration_scale: share of the limits that may be used.
        max_step_rad: no joint moves further in a frame (of median length): at the rates of film that is a jump.
        damping: per unit of every Gauss-Newton step.
        tolerance_rad: a frame has converged when no part of the step was larger (streaming).
        tolerance_cost: nor, once an iteration gained less than this share of the cost (streaming).
        max_iterations: per frame (streaming).
        first_iterations: for the first frame, which starts from the rest posture (streaming).
        clip_tolerance: the clip has converged once an iteration gained less than this share of the cost.
        clip_iterations: of the whole clip.
    """

    method: str = "clip"
    posture: float = 0.02
    limit_margin: float = 0.3
    limit_margin_rad: float = 0.05
    limb: float = 1.2
    acceleration: float = 1e-3
    contact: float = 100.0
    ground: float = 1000.0
    edge: float = 100.0
    self_distance: float = 150.0
    self_distance_m: float = 0.01
    balance: float = 0.0
    static_torque: float = 0.0
    static_torque_share: float = 0.8
    bound: float = 1.0
    stream_velocity: float = 0.003
    stream_acceleration: float = 1e-4
    stream_contact: float = 150.0
    stream_self_distance: float = 0.0
    speed_scale: float = 1.0
    acceleration_scale: float = 1.0
    max_step_rad: float = 0.48
    damping: float = 1e-3
    tolerance_rad: float = 0.02
    tolerance_cost: float = 1e-4
    max_iterations: int = 30
    first_iterations: int = 200
    clip_tolerance: float = 1e-2
    clip_iterations: int = 20

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UnknownNameError("solver.method", self.method, METHODS, "how a recording is solved")
        check_numbers(self, "solver", _ABOVE_ZERO)

    def causal(self) -> SolverSettings:
        """The settings of the streaming solver."""
        own = replace(self, contact=self.stream_contact, self_distance=self.stream_self_distance)
        return replace(own, method="streaming", balance=0.0, static_torque=0.0, limb=1.0)

    def start(self) -> SolverSettings:
        """The settings of the stream that a clip starts from: links that it keeps apart need not be torn apart later."""
        return replace(self.causal(), self_distance=self.self_distance)


class Problem:
    """The terms of some targets.

    Attributes:
        terms: name -> term that depends on one frame's kinematics.
        followed: those of them that follow the person.
        bounds: of the joints.
        links: of the robot, that the terms want.
    """

    def __init__(self, body: BodyMap, targets: Targets, settings: SolverSettings | None = None) -> None:
        self.body, self.targets, self.settings = body, targets, settings or SolverSettings()
        self.kinematics = body.kinematics
        dt = float(np.median(np.diff(targets.time_s))) if len(targets.time_s) > 1 else 1.0
        fastest = self.settings.max_step_rad / dt
        self.bounds = Bounds.of(body.robot, self.settings.speed_scale, self.settings.acceleration_scale, fastest)
        spread = np.minimum(body.robot.upper_rad - body.robot.lower_rad, 1e6)
        self.margin_rad = np.minimum(self.settings.limit_margin_rad, _MARGIN_SHARE * spread)
        soles = {point.frame for point in targets.stick_points} | {sole.frame for sole in body.robot.soles.values()}
        shapes = body.self_collision.proxies.links if self.settings.self_distance else ()
        barred = targets.corner.points if targets.corner and self.settings.edge else ()
        points = {point.frame for point in (*targets.points, *barred)}
        self.links = tuple(sorted({body.robot.base, *points, *targets.links, *soles, *shapes}))
        self.terms = self._build()
        self._fuse()

    def following(self, targets: Targets) -> Problem:
        """The same problem for other targets; quick where these have the same rows, for live use. Bounds stay as they are."""
        if "contact_stick" in self.terms or not _same_rows(self.targets, targets):
            other = Problem(self.body, targets, self.settings)
            other.bounds = self.bounds
            return other
        other = copy.copy(self)
        other.targets, wanted = targets, _wanted(targets)
        other.followed = {name: replace(term, wanted=wanted[name][0], weight=wanted[name][1]) for name, term in self.followed.items()}
        other.terms = {**self.terms, **other.followed}
        other._fuse()
        return other

    def _fuse(self) -> None:
        """Points that are wanted somewhere are one call. A stream decides where soles stick as it goes: they stay apart."""
        apart = {"contact_stick"} if self.settings.method == "streaming" else set()
        points = [term for name, term in self.terms.items() if isinstance(term, PointRows) and name not in apart]
        fused = {id(term) for term in points}
        self._fused = [joined(points), *(term for term in self.terms.values() if id(term) not in fused)]

    def _build(self) -> dict[str, Term]:
        states, body, targets, settings = self.states(1), self.body, self.targets, self.settings
        self.followed: dict[str, PointRows | FrameOrientation] = {
            "frame_position": frame_position(states, body, targets),
            "limb_direction": limb_direction(states, body, targets, settings.limb),
            "fingertip_vector": fingertip_vector(states, body, targets),
            "frame_orientation": frame_orientation(states, targets.links, targets.orientation, targets.orientation_weight),
        }
        terms: dict[str, Term] = {**self.followed}
        if settings.contact and targets.stick_points:
            terms["contact_stick"] = contact_stick(states, body, targets, settings.contact)
        corners = body.sole_corners() if settings.ground else ()
        if corners:
            terms["ground"] = ground(states, corners, settings.ground)
        if targets.corner and settings.edge:
            terms["edge"] = edge(states, targets.corner, settings.edge)
        if settings.self_distance:
            terms["self_distance"] = SelfDistance(states, body.self_collision, settings.self_distance, settings.self_distance_m)
        if targets.stick_points and (settings.balance or settings.static_torque):
            loads = self.kinematics.loads(targets.stick_points)
            if settings.balance:
                terms["balance"] = Balance(loads, targets.stick_m, targets.stick_strength, settings.balance)
            if settings.static_torque:
                effort, share = np.minimum(body.robot.effort_nm, _ENDLESS_NM), settings.static_torque_share
                terms["static_torque"] = StaticTorque(loads, targets.stick_strength, effort, share, settings.static_torque)
        return terms

    def states(self, frames: int) -> LinkStates:
        """Room for the kinematics of some frames, of the links that the terms want."""
        return self.kinematics.link_states(self.links, frames)

    @cached_property
    def base_link(self) -> int:
        """Index of the base in the links of `states`."""
        return self.links.index(self.body.robot.base)

    def add(self, states: LinkStates, first: int, normal: Normal) -> None:
        """Add all terms of the frames from `first` on to the normal equations."""
        for term in self._fused:
            term.add(states, first, normal)

    def refresh(self) -> bool:
        """Have distances measured anew when next evaluated; returns whether there are any."""
        distance = self.terms.get("self_distance")
        if isinstance(distance, SelfDistance):
            distance.refresh()
        return distance is not None

    def held(self, joints: Array, frames: np.ndarray) -> Array:
        """Joints (S, J) of some rising frames (S,), brought within all bounds; what is within stays as it is."""
        out, bounds = np.empty_like(joints), self.bounds
        time_s = self.targets.time_s[frames]
        hold_bounds(joints, time_s, bounds.lower_rad, bounds.upper_rad, bounds.speed_radps, bounds.acceleration_radps2, out)
        return out


def _same_rows(a: Targets, b: Targets) -> bool:
    """Whether targets have the same rows between the same points."""
    indices = ("vector_from", "vector_to", "direction_from", "direction_to")
    return a.points == b.points and a.links == b.links and all(np.array_equal(getattr(a, name), getattr(b, name)) for name in indices)


def _wanted(targets: Targets) -> dict[str, tuple[Array, Array]]:
    """What each term that follows the person wants, and its weights."""
    placed = targets.vector_from == WORLD
    wanted = {
        "frame_position": (targets.vector_m[:, placed], targets.vector_weight[:, placed]),
        "limb_direction": (targets.direction, targets.direction_weight),
        "fingertip_vector": (targets.vector_m[:, ~placed], targets.vector_weight[:, ~placed]),
        "frame_orientation": (targets.orientation, targets.orientation_weight),
    }
    return {name: (np.ascontiguousarray(value), np.ascontiguousarray(weight)) for name, (value, weight) in wanted.items()}


def errors_of(problem: Problem, q: Array, solved: np.ndarray) -> dict[str, Array]:
    """How far off configurations q (T, nq) are, as in `SolveReport.residuals`; NaN where not solved or unseen."""
    targets, frames = problem.targets, np.flatnonzero(solved)
    states = problem.states(len(frames))
    for slot, frame in enumerate(frames):
        states.update(slot, q[frame])
    residual = {name: term.residuals(states, frames) for name, term in problem.followed.items()}
    vector = np.empty((len(frames), len(targets.vector_to)))
    vector[:, targets.vector_from == WORLD] = np.linalg.norm(residual["frame_position"], axis=-1)
    vector[:, targets.vector_from != WORLD] = np.linalg.norm(residual["fingertip_vector"], axis=-1)
    wanted = targets.direction[frames]
    chord = np.linalg.norm(normalized(residual["limb_direction"] + wanted) - wanted, axis=-1)
    turn = np.linalg.norm(residual["frame_orientation"], axis=-1)
    kinds = {
        "vector_m": (vector, targets.vector_weight),
        "direction_rad": (2 * np.arcsin(np.minimum(chord / 2, 1)), targets.direction_weight),
        "orientation_rad": (turn, targets.orientation_weight),
    }
    out = {}
    for name, (error, weight) in kinds.items():
        out[name] = np.full(weight.shape, np.nan)
        out[name][frames] = np.where(weight[frames] > 0, error, np.nan)
    return out


@dataclass(frozen=True)
class SolveReport:
    """How the solver fared.

    Attributes:
        converged: (T,) bool.
        iterations: (T,).
        residuals: kind of target -> (T, n) errors: m for vectors, rad for directions and orientations; NaN where unseen.
    """

    converged: np.ndarray
    iterations: np.ndarray
    residuals: dict[str, Array]
