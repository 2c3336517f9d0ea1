"""Terms: every Jacobian against finite differences on every shipped robot, and what is added against what is shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from motion.transform import Array, Transform, matrix_from_wxyz, so3_exp
from retarget.body_map import BodyMap, body_map
from retarget.problem import Problem, SolverSettings
from retarget.targets import build_targets
from retarget.terms.base import Normal, Term
from retarget.terms.edge import Corner, edge
from retarget.terms.frame_orientation import FrameOrientation, frame_orientation
from retarget.terms.ground import Ground, ground
from retarget.terms.points import PointRows, joined, point_rows
from retarget.terms.self_distance import ROUND_M, SelfDistance, distance_row
from robots import catalogue, load_robot
from robots.kinematics import LinkStates
from robots.robot import FramePoint
from tests.motion.bodies import still_person

ROBOTS = tuple(catalogue())
STEP = 1e-6
EXACT = 1e-7
"""Central differences of smooth residuals of size 1: truncation 1e-12 times the third derivative, rounding 1e-10."""
POINT_TERMS = ("frame_position", "limb_direction", "fingertip_vector", "contact_stick", "frame_orientation")


@cache
def robot_body(name: str) -> BodyMap:
    return body_map(load_robot(name))


@cache
def robot_problem(name: str) -> Problem:
    body = robot_body(name)
    return Problem(body, build_targets(body, still_person(6, elbow_rad=1.0)), SolverSettings())


class Posture:
    """A robot somewhere in its range, turned and shifted, with what is needed to move it a little."""

    def __init__(self, body: BodyMap, seed: int) -> None:
        rng, robot = np.random.default_rng(seed), body.robot
        low, high = np.maximum(robot.lower_rad, -2.0), np.minimum(robot.upper_rad, 2.0)
        self.kinematics, self.joints = body.kinematics, rng.uniform(0.8 * low + 0.2 * high, 0.2 * low + 0.8 * high)
        self.q = self.kinematics.configuration(self.joints, Transform.exp(rng.normal(size=6) * 0.6))

    def moved(self, tangent: Array) -> Array:
        dofs = self.kinematics.base_dofs
        return self.kinematics.moved(self.q, tangent[:dofs], self.joints + tangent[dofs:])


def differences(posture: Posture, value: Callable[[Array], Array], step: float = STEP) -> Array:
    """(..., N) central differences of a value along every entry of the tangent vector."""
    units = step * np.eye(posture.kinematics.tangent_size)
    return np.stack([(value(posture.moved(unit)) - value(posture.moved(-unit))) / (2 * step) for unit in units], -1)


def rows_at(term: Term, states: LinkStates, frame: int = 0) -> Callable[[Array], Array]:
    def value(q: Array) -> Array:
        states.update(0, q)
        return term.rows(states, 0, frame)[0]

    return value


def agree(term: Term, states: LinkStates, posture: Posture, frame: int = 0) -> None:
    """The Jacobian (R, N, 3) of a term is the derivative of its residuals (R, 3)."""
    wanted = differences(posture, rows_at(term, states, frame))
    states.update(0, posture.q)
    residual, jacobian = term.rows(states, 0, frame)
    assert jacobian.shape == (*residual.shape[:1], posture.kinematics.tangent_size, 3)
    np.testing.assert_allclose(jacobian.transpose(0, 2, 1), wanted, atol=EXACT)


@pytest.mark.parametrize("name", ROBOTS)
@pytest.mark.parametrize("term", POINT_TERMS)
def test_jacobians_of_points_and_orientations(name: str, term: str) -> None:
    problem = robot_problem(name)
    if term not in problem.terms:
        assert term == "contact_stick"
        assert not problem.body.robot.soles
        return
    for seed in range(2):
        agree(problem.terms[term], problem.states(1), Posture(problem.body, seed), frame=3)


def driven_by_mimics(body: BodyMap) -> set[int]:
    """Joints that others copy."""
    return {body.robot.joint_names.index(rule.of) for rule in body.robot.mimic.values()}


@pytest.mark.parametrize("name", [name for name in ROBOTS if robot_body(name).robot.mimic])
def test_a_point_beyond_mimic_joints_moves_with_what_drives_them(name: str) -> None:
    """The fingertips' landmarks of a coupled hand: their Jacobian has the drive's column, summed over the chain."""
    body = robot_body(name)
    posture, wanted = Posture(body, 3), np.zeros((1, len(body.robot.landmarks), 3))
    problem = robot_problem(name)
    states = body.kinematics.link_states(sorted({point.frame for point in body.robot.landmarks.values()}), 1)

    marks = list(body.robot.landmarks.values())
    term = point_rows(states, [None] * len(marks), marks, np.ones(len(marks)), wanted, np.ones(wanted.shape[:2]))
    agree(term, states, posture)
    states.update(0, posture.q)
    moving = np.abs(term.rows(states, 0, 0)[1]).max((0, 2)) > 1e-6
    assert any(moving[problem.kinematics.base_dofs + joint] for joint in driven_by_mimics(body))


@pytest.mark.parametrize("degrees", [0.0, 1e-4, 0.05, 40.0, 120.0, 170.0, 179.0])
@pytest.mark.parametrize("name", ["g1", "alex_psyonic"])
def test_orientations_near_and_far(name: str, degrees: float) -> None:
    """The wanted orientation is made from the link's own, so that the angle is known; and the residual is that turn."""
    body = robot_body(name)
    posture, states = Posture(body, 1), robot_problem(name).states(1)
    rng = np.random.default_rng(2)
    links = [robot_problem(name).targets.links[0], *rng.choice(states.links, 3)]
    states.update(0, posture.q)
    own = states.placement[0, [states.links.index(link) for link in links], :9].reshape(-1, 3, 3).transpose(0, 2, 1)
    turn = rng.normal(size=(4, 3))
    turn *= np.deg2rad(degrees) / np.linalg.norm(turn, axis=-1, keepdims=True)
    wanted = matrix_from_wxyz(so3_exp(-turn)) @ own
    term = frame_orientation(states, links, wanted[None], np.ones((1, 4)))
    np.testing.assert_allclose(term.rows(states, 0, 0)[0], turn, atol=1e-9)
    agree(term, states, posture)


def test_ground_above_below_and_in_its_rounded_band() -> None:
    """Every corner of the soles at six heights over its own floor; a kink would show where the band begins and ends."""
    body = robot_body("g1")
    posture, corners = Posture(body, 5), body.sole_corners()
    states = body.kinematics.link_states(sorted({point.frame for point in corners}), 1)
    states.update(0, posture.q)
    height = np.array([_place(states, corner)[2] for corner in corners])
    for above in (-0.3, -0.0011, -0.0009, 0.0, 0.0005, 0.0009, 0.0011, 0.4):
        term = ground(states, corners, 1.0, height - above)
        states.update(0, posture.q)
        residual = term.rows(states, 0, 0)[0][:, 2]
        np.testing.assert_array_equal(term.rows(states, 0, 0)[0][:, :2], 0.0)
        assert (residual <= min(0.0, above) + 1e-12).all()
        assert (residual >= min(0.0, above) - 0.00026).all()  # rounding adds at most a quarter of its millimetre
        agree(term, states, posture)


def test_an_edge_pushes_up_or_back_whichever_is_nearer() -> None:
    """A point about an edge that is turned: in front of it, above it, and inside by either side."""
    body = robot_body("g1")
    posture, point = Posture(body, 6), FramePoint("left_wrist_yaw_link", (0.05, 0.02, -0.01))
    states = body.kinematics.link_states([point.frame], 1)
    states.update(0, posture.q)
    place, margin = _place(states, point), 0.005
    back, up = np.array([-0.6, 0.8, 0.0]), np.array([0.0, 0.0, 1.0])
    for behind, above in (
        (0.1, -0.1),
        (-0.1, 0.1),
        (0.006, -0.1),
        (-0.02, -0.1),
        (-0.1, -0.03),
        (0.004, -0.2),
        (-0.2, 0.003),
        (0.002, 0.004),
    ):
        term = edge(states, Corner((point,), place - behind * back - above * up, back, up, margin), 3.0)
        states.update(0, posture.q)
        residual, jacobian = (part[0] for part in term.rows(states, 0, 0))
        missing = max(0.0, min(margin - behind, margin - above))
        assert -missing - 1e-12 <= residual[0] <= -missing + 0.0021  # it sets in over 4 mm
        assert (residual[0] < 0.0) == (missing > 0.0)
        normal = Normal.zeros(1, states.tangent_size)
        term.add(states, 0, normal)
        np.testing.assert_allclose(normal.gradient[0], 9.0 * jacobian @ residual, atol=1e-12)
        np.testing.assert_allclose(np.tril(normal.hessian[0]), np.tril(9.0 * jacobian @ jacobian.T), atol=1e-12)
        agree(term, states, posture)


def _place(states: LinkStates, point: FramePoint) -> Array:
    placement = states.placement[0, states.links.index(point.frame)]
    return np.asarray(placement[:9].reshape(3, 3).T @ point.offset_m + placement[9:])


def crowded(body: BodyMap, states: LinkStates, term: SelfDistance) -> tuple[Posture, np.ndarray]:
    """Of some random postures the one with most near pairs, penetrating ones above all, and the pairs."""
    best: tuple[float, Posture, np.ndarray] | None = None
    for seed in range(20):
        posture = Posture(body, seed)
        states.update(0, posture.q)
        near = term.proxies.near(states.placement, term._link, term.margin_m)
        gap = term.proxies.measure(states.placement, term._link, near)[:, 0]
        score = (gap < 0).sum() + 0.1 * (gap > 0).sum()
        if best is None or score > best[0]:
            best = (score, posture, near)
    assert best is not None
    return best[1:]


@pytest.mark.parametrize("name", ROBOTS)
def test_self_distance_is_the_derivative_of_the_measured_gap(name: str) -> None:
    """Gaps are measured anew at every perturbed posture. Hulls have edges: where the two one-sided differences disagree
    the gap has a kink, and nothing is claimed; elsewhere, apart or inside one another, the Jacobian is the derivative."""
    body, states = robot_body(name), robot_problem(name).states(1)
    if not len(body.self_collision.proxies.pairs):
        pytest.skip("a hand by itself: its fingers may touch")
    term = SelfDistance(states, body.self_collision, 1.0, 0.1)
    posture, near = crowded(body, states, term)

    def gaps(q: Array) -> Array:
        states.update(0, q)
        return term.proxies.measure(states.placement, term._link, near)[:, 0]

    step = 1e-5
    here, units = gaps(posture.q), step * np.eye(posture.kinematics.tangent_size)
    ahead, behind = (np.stack([sign * (gaps(posture.moved(sign * unit)) - here) / step for unit in units], -1) for sign in (1, -1))
    states.update(0, posture.q)
    _, jacobian = term.rows(states, 0, 0)
    slope = np.clip((term.margin_m[near[:, 1]] - here) / ROUND_M, 0, 1)[:, None]  # the push sets in as a parabola
    smooth = np.abs(ahead - behind) < 1e-3
    assert smooth.mean() > 0.9
    off = np.abs(-jacobian[:, :, 0] - slope * (ahead + behind) / 2)[smooth]
    assert (off < 2e-3).mean() > 0.99, np.sort(off)[-20:]  # m per m: coal measures depths to a few 1e-8 m
    assert off.max() < 0.1 or (off < 0.1).mean() > 0.998
    assert ((here < 0).any(), (here > 0).any()) == (True, True)


def test_self_distance_pushes_only_what_is_nearer_than_the_margin() -> None:
    body, states = robot_body("g1"), robot_problem("g1").states(1)
    term = SelfDistance(states, body.self_collision, 3.0, 0.02)
    posture, near = crowded(body, states, term)
    states.update(0, posture.q)
    gap = term.proxies.measure(states.placement, term._link, near)[:, 0]
    residual, _ = term.rows(states, 0, 0)
    missing = np.maximum(0.0, term.margin_m[near[:, 1]] - gap)
    np.testing.assert_allclose(residual[:, 0], np.where(missing < ROUND_M, missing**2 / (2 * ROUND_M), missing - ROUND_M / 2))
    np.testing.assert_array_equal(residual[:, 1:], 0.0)
    resting = body.kinematics.configuration(body.robot.rest_rad)
    states.update(0, resting)
    normal = Normal.zeros(1, states.tangent_size)
    term.add(states, 0, normal)
    assert normal.cost[0] < 1e-9  # links that are close at rest are left as close


def weights_of(term: Term, frame: int, rows: int) -> Array:
    """(R,) weight of every row a term shows."""
    if isinstance(term, PointRows | FrameOrientation):
        return term.weight[frame]
    assert isinstance(term, Ground | SelfDistance)
    return np.full(rows, term.weight)


@pytest.mark.parametrize("name", ROBOTS)
def test_what_is_added_is_what_is_shown(name: str) -> None:
    """add == J'WJ, J'Wr, r'Wr of rows, for every term of a problem and for all point rows joined into one."""
    problem = robot_problem(name)
    states, posture = problem.states(1), Posture(problem.body, 7)
    low = ground(states, problem.body.sole_corners(), 7.0, np.full(len(problem.body.sole_corners()), 1.5))
    wide = SelfDistance(states, problem.body.self_collision, 11.0, 0.08)
    everything = {**problem.terms, "ground": low, "self_distance": wide} if low.links.size else {**problem.terms, "self_distance": wide}
    total = Normal.zeros(1, states.tangent_size)
    for label, term in everything.items():
        states.update(0, posture.q)
        normal, frame = Normal.zeros(1, states.tangent_size), 2
        term.add(states, frame, normal)
        residual, jacobian = term.rows(states, 0, frame)
        if isinstance(term, SelfDistance):
            jacobian = np.where(residual[:, None] > 0, jacobian, 0.0)[:, :, :1] * np.array([1.0, 0, 0])
        square = weights_of(term, frame, len(residual)) ** 2
        hessian = np.einsum("r,rni,rmi->nm", square, jacobian, jacobian)
        np.testing.assert_allclose(
            np.tril(normal.hessian[0]), np.tril(hessian), rtol=1e-9, atol=1e-9 * max(1, np.abs(hessian).max()), err_msg=label
        )
        np.testing.assert_allclose(
            normal.gradient[0], np.einsum("r,rni,ri->n", square, jacobian, residual), rtol=1e-9, atol=1e-7, err_msg=label
        )
        np.testing.assert_allclose(normal.cost[0], np.einsum("r,ri,ri->", square, residual, residual), rtol=1e-12, err_msg=label)
        if isinstance(term, PointRows):
            term.add(states, frame, total)
    assert total.cost[0] > 0
    together = Normal.zeros(1, states.tangent_size)
    joined([term for term in problem.terms.values() if isinstance(term, PointRows)]).add(states, 2, together)
    np.testing.assert_allclose(together.hessian, total.hessian, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(together.gradient, total.gradient, rtol=1e-12, atol=1e-12)


def test_slots_hold_the_frames_from_first_on() -> None:
    """Slot s is frame first + s: three frames added together are the three frames added one by one."""
    problem = robot_problem("g1")
    states, one = problem.states(3), problem.states(1)
    together = Normal.zeros(3, states.tangent_size)
    postures = [Posture(problem.body, seed) for seed in range(3)]
    for slot, posture in enumerate(postures):
        states.update(slot, posture.q)
    problem.add(states, 2, together)
    for slot, posture in enumerate(postures):
        alone = Normal.zeros(1, states.tangent_size)
        one.update(0, posture.q)
        problem.add(one, 2 + slot, alone)
        np.testing.assert_allclose(alone.gradient[0], together.gradient[slot], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(alone.hessian[0], together.hessian[slot], rtol=1e-9, atol=1e-6)


def test_nearest_points_are_carried_along_to_first_order() -> None:
    """Between two measurements of a clip gaps are followed, not measured: to second order in how far links moved."""
    problem = robot_problem("g1")
    states = problem.states(2)
    term = SelfDistance(states, problem.body.self_collision, 1.0, 0.05)
    postures = [crowded(problem.body, problem.states(1), term)[0], Posture(problem.body, 2)]
    size = 1e-3
    tangent = size * np.random.default_rng(0).normal(size=states.tangent_size)

    def costs(term: SelfDistance, share: float) -> Array:
        for slot, posture in enumerate(postures):
            states.update(slot, posture.moved(share * tangent))
        normal = Normal.zeros(2, states.tangent_size)
        term.add(states, 0, normal)
        return normal.cost

    start = costs(term, 0.0)
    followed = costs(term, 1.0)
    measured = costs(SelfDistance(states, problem.body.self_collision, 1.0, 0.05), 1.0)
    assert abs(followed.sum() - measured.sum()) < 0.1 * abs(measured.sum() - start.sum())
    term.refresh()
    np.testing.assert_allclose(costs(term, 1.0), measured, rtol=0.02)


def test_distance_rows_push_apart() -> None:
    """By hand: two points 1 m apart along x, each on its own sliding link; a margin of 1.5 m wants them 0.5 m further."""
    columns = np.zeros((2, 6))
    columns[:, 0] = 1.0
    support, factor, start = np.array([[0, 0], [1, 1]]), np.ones(2), np.array([0, 1, 2])
    witness = np.array([1.0, 0, 0, 0, 1, 0, 0, 1, 0, 0])
    residual, jacobian = np.empty(3), np.zeros((2, 3))
    distance_row(columns, start, support, factor, 0, 1, np.array([0, 1]), witness, 1.5, residual, jacobian)
    np.testing.assert_allclose(residual, [0.5 - ROUND_M / 2, 0, 0])
    np.testing.assert_array_equal(jacobian, [[1.0, 0, 0], [-1.0, 0, 0]])
