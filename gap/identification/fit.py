"""The plant under which simulated runs come nearest to the real ones: least squares over stretches of logs, with priors.

The optimiser is MuJoCo's (`mujoco.minimize`, as in its `sysid`); all finite differences of a step are simulated side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mujoco.minimize
import numpy as np

from envs.model import RobotModel
from envs.plant_draws import PlantDraw
from envs.table import TABLE, has_table
from gap.identification.first_guess import first_guess
from gap.identification.unknowns import KINDS, STIFFNESS, Unknown, plant_of
from gap.replay import Recorded, Replayed, Stretch, reached_m, replayed, stretches
from motion.errors import ShapeError, require
from motion.transform import Array

NOISE_RAD = 0.01
"""What simulation and reality may differ by where the plant is right; larger differences count less than their square."""
APART_S = 0.25
"""Differences nearer in time than this say the same thing twice."""
TOGETHER_S = 4.0
"""Differences nearer in time than this depend on each other: one cause may be behind them."""
HORIZON_S = 8.0
MOST_LEFT = 3.0
"""Where the plant that was found leaves more, root mean square in units of `NOISE_RAD`, it does not explain its logs."""
ITERATIONS = 20
_STEP, _ENOUGH = 3e-3, 1e-3
"""In spreads: of the finite differences, and below which a step is no step."""
_BROAD = 0.05
"""In spreads: differences to both sides by which it is told how sure numbers are. Dry friction makes simulations rough: over shorter ones
they seem to say more than they do."""
_LOST_RAD = 1.0
_ABOVE_M = (0.0, 0.005, 0.01, 0.02, 0.04)
"""How far above the lowest point that the robot reached a table may be, where the search begins."""


@dataclass(frozen=True)
class Fitted:
    """What was found.

    Attributes:
        unknowns: U.
        x: (U,) standardised numbers: how many spreads from what is assumed.
        covariance: (U, U) of them; a number of which the data say nothing has a variance of 1.
        cost: half the sum of squares, with what is assumed among it; first as guessed, then as found.
        left: differences that remain, root mean square in units of noise; large ones count less than their square.
    """

    unknowns: tuple[Unknown, ...]
    x: Array
    covariance: Array
    cost: tuple[float, float]
    left: float

    @property
    def explains(self) -> bool:
        """Whether the plant explains its logs, so that how sure its numbers are can be said."""
        return self.left <= MOST_LEFT

    @property
    def spread(self) -> Array:
        """(U,) standard deviations that remain of what was assumed; 1: the data say nothing."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))


def fit(
    model: RobotModel,
    unknowns: Sequence[Unknown],
    recordings: Sequence[Recorded],
    nominal: PlantDraw,
    horizon_s: float = HORIZON_S,
    iterations: int = ITERATIONS,
    threads: int = 1,
    about: Array | None = None,
    progress: Callable[[int, float], None] = lambda step, cost: None,
) -> Fitted:
    """Find the unknowns.

    Args:
        model, unknowns, nominal: what is looked for in which robot.
        recordings: of it.
        horizon_s: of the stretches that logs are cut into; each begins where the robot was.
        iterations: at most.
        threads: of the CPU.
        about: (U,) standardised numbers to begin with, and from which differences are paid for; None: a first guess, and what is assumed.
        progress: is told the number of each step, and the cost.
    """
    centre = np.zeros(len(unknowns)) if about is None else about
    chosen = _stretches(recordings, horizon_s)
    problem = _Problem(model, tuple(unknowns), chosen, nominal, centre, threads)
    if about is not None:
        begins = [about]
    elif any(own.kind == TABLE for own in unknowns):
        begins = _on_a_table(problem, recordings, chosen, iterations, progress)
    else:
        begins = [_least(problem, [centre, first_guess(model.robot, unknowns, recordings)])]
    x, first, _ = min((_searched(problem, begin, iterations, progress) for begin in begins), key=lambda found: found[2])
    residual, jacobian = _about(problem, x)
    cost = (first, float(0.5 * (residual**2).sum()))
    left = float(np.sqrt((residual[: len(problem.causes)] ** 2).sum() / problem.worth))
    covariance = _covariance(jacobian, residual[:, 0], problem.causes, left)
    return Fitted(tuple(unknowns), x[:, 0], covariance, cost, left)


def _searched(problem: _Problem, begin: Array, iterations: int, progress: Callable[[int, float], None]) -> tuple[Array, float, float]:
    """(U, 1) numbers that leave least, from some others (U,) on; the cost there, and here."""

    def tell(trace: list[mujoco.minimize.IterLog]) -> None:
        progress(len(trace), float(trace[-1].objective))

    found, trace = mujoco.minimize.least_squares(
        begin.copy(),
        problem,
        problem.bounds,
        eps=np.float64(_STEP),
        max_iter=iterations,
        xtol=_ENOUGH,
        verbose=mujoco.minimize.Verbosity.SILENT,
        iter_callback=tell,
    )
    return np.asarray(found).reshape(-1, 1), float(trace[0].objective), float(trace[-1].objective)


def _about(problem: _Problem, x: Array) -> tuple[Array, Array]:
    """Residuals (R, 1) at x (U, 1), and their derivatives (R, U) over broad steps within the bounds."""
    ends = [np.clip(x + way * _BROAD * np.eye(len(x)), *problem.bounds) for way in (-1, 1)]
    found = problem(np.concatenate([x, *ends], axis=1))
    below, above = np.split(found[:, 1:], 2, axis=1)
    return found[:, :1], (above - below) / (np.diag(ends[1]) - np.diag(ends[0]))


def _on_a_table(
    problem: _Problem,
    recordings: Sequence[Recorded],
    chosen: Sequence[tuple[Stretch, ...]],
    iterations: int,
    progress: Callable[[int, float], None],
) -> list[Array]:
    """Where searches with a table begin: where one without it ends, and where all would; at heights of the table that the robot came to.

    A table that is not touched says nothing of where it is; among numbers that are far off, one that is touched is soon pushed aside; and
    numbers that were found without it have learnt to do without it.
    """
    model, unknowns = problem.model, problem.unknowns
    message = f"{model.robot.name}: no table can be looked for in a model without one (model_with_table), or whose links have no shapes."
    require(has_table(model) and np.isfinite(reached_m(model, recordings[:1])), ShapeError, message)
    others = np.array([own.kind not in (TABLE, STIFFNESS) for own in unknowns])
    usual = np.zeros((2, len(unknowns)))
    if not others.any():
        return [_least(problem, _at_heights(problem, recordings, usual[:1]))]
    kept = tuple(own for own in unknowns if own.kind not in (TABLE, STIFFNESS))
    usual[1, others] = first_guess(model.robot, kept, recordings)
    without = _Problem(model, kept, chosen, problem.nominal, np.zeros(len(kept)), problem.threads)
    ended = np.zeros((1, len(unknowns)))
    ended[0, others] = _searched(without, _least(without, list(usual[:, others])), max(1, iterations // 2), progress)[0][:, 0]
    return [_least(problem, _at_heights(problem, recordings, places)) for places in (ended, usual)]


def _at_heights(problem: _Problem, recordings: Sequence[Recorded], places: Array) -> list[Array]:
    """Places (n, U), each with the table at every height above the lowest point that the robot came to there."""
    which = next(k for k, own in enumerate(problem.unknowns) if own.kind == TABLE)
    found = []
    for place in places:
        lowest_m = reached_m(problem.model, recordings, plant_of(problem.unknowns, place, problem.nominal).plant.zero_rad)
        for above_m in _ABOVE_M:
            height = (lowest_m + above_m - problem.unknowns[which].assumed) / KINDS[TABLE].spread
            found.append(np.where(np.arange(len(place)) == which, height, place))
    return found


def _least(problem: _Problem, places: Sequence[Array]) -> Array:
    """The place that leaves least."""
    return places[int((problem(np.stack(places, axis=1)) ** 2).sum(axis=0).argmin())]


def _stretches(recordings: Sequence[Recorded], horizon_s: float) -> list[tuple[Stretch, ...]]:
    """All of them; those of one length and period together, so that none is cut."""
    lengths: dict[tuple[int, float], list[Stretch]] = {}
    for stretch in (one for own in recordings for one in stretches([own], horizon_s)):
        lengths.setdefault((stretch.end - stretch.begin, round(stretch.recorded.period_s, 9)), []).append(stretch)
    return [tuple(found) for found in lengths.values()]


class _Problem:
    """Residuals of vectors of unknowns.

    Attributes:
        model, unknowns, nominal, threads: as of `fit`.
        bounds: (U, 1) each, standardised.
        causes: (R,) of each difference in the last answer: those with one number may have one cause.
        worth: how many differences these count for: of those nearer than `APART_S` to each other, as one.
    """

    def __init__(
        self,
        model: RobotModel,
        unknowns: tuple[Unknown, ...],
        chosen: Sequence[tuple[Stretch, ...]],
        nominal: PlantDraw,
        centre: Array,
        threads: int,
    ) -> None:
        self.model, self.unknowns, self.nominal, self.threads = model, unknowns, nominal, threads
        self._chosen = chosen
        self.bounds = [np.array(side)[:, None] for side in zip(*(own.bounds for own in unknowns), strict=True)]
        self._centre = centre[:, None]
        self.causes, self.worth = np.zeros(0, int), 0.0

    def __call__(self, x: Array) -> Array:
        """(R + U, n) of vectors (U, n): differences of positions in units of noise, then how far from the centre."""
        conditions = [plant_of(self.unknowns, column, self.nominal) for column in x.T]
        rows, causes, first, worth = [], [], 0, 0.0
        for chosen in self._chosen:
            found = replayed(self.model, conditions, chosen, self.threads)
            error, cause = _differences(found)
            worth += error.shape[1] * _weight(found) ** 2
            rows.append(error)
            causes.append(cause + first)
            first += int(cause.max()) + 1
        self.causes, self.worth = np.concatenate(causes), worth
        return np.concatenate([*rows, (x - self._centre).T], axis=1).T


def _differences(found: Replayed) -> tuple[Array, np.ndarray]:
    """(P, R) differences of positions in units of noise, weighted for how many say the same; (R,) which may have one cause."""
    error = np.nan_to_num(found.error_rad[:, :, 1:], nan=_LOST_RAD) / NOISE_RAD
    bent = np.sign(error) * np.sqrt(2 * (np.sqrt(1 + error**2) - 1))  # its square grows like the difference where that is large
    stretch, moment = np.arange(error.shape[1])[:, None], np.arange(error.shape[2])
    long = int(error.shape[2] * found.period_s // TOGETHER_S) + 1
    cause = stretch * long + (moment * found.period_s // TOGETHER_S).astype(int)
    return (_weight(found) * bent).reshape(len(error), -1), np.repeat(cause.ravel(), error.shape[3])


def _weight(found: Replayed) -> float:
    return float(np.sqrt(min(1.0, found.period_s / APART_S)))


def _covariance(jacobian: Array, residual: Array, causes: np.ndarray, left: float) -> Array:
    """Of what is assumed and the data together, where differences of one cause depend on each other.

    Few causes may cancel by chance, so what as many independent differences would leave open is added; and so is the step that the search
    would still take.

    Source: the sandwich estimator with clusters, K.-Y. Liang and S. L. Zeger, Biometrika 73 (1986), with the prior as data.
    """
    of_data = jacobian[: len(causes)]
    scores = np.zeros((int(causes.max()) + 1, jacobian.shape[1]))
    np.add.at(scores, causes, of_data * residual[: len(causes), None])
    inverse = np.linalg.inv(jacobian.T @ jacobian)  # the prior's rows are among it
    open_yet = inverse @ (scores.T @ scores + left**2 * of_data.T @ of_data + np.eye(len(inverse))) @ inverse
    step = inverse @ jacobian.T @ residual
    return np.asarray(open_yet + np.outer(step, step))
