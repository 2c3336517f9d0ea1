"""What is behind the difference between a log and its replay: the one fault, put into the simulation, that explains most of it.

Every fault is tried on every joint alone and on all together, at many sizes; all trials are simulated side by side. What is left is
explained by the next fault, and so on, until one explains little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from envs.model import RobotModel
from envs.plant_draws import nominal_draw, torque_scale_nm
from envs.plants import MAX_DELAY_S
from envs.table import TableTop, has_table
from gap.replay import Conditions, Recorded, Stretch, reached_m, replayed, stretches
from motion.errors import UnknownNameError
from motion.transform import Array

LEAST_SHARE = 0.1
"""A fault that explains less than this share of what is left is not named."""
ALIKE = 1.05
"""Faults that leave so little more than the best one cannot be told from it."""
MOST_FAULTS = 4
_FINE, _POINTS, _ROUNDS = 6, 5, 5
"""How many faults are looked at closely; sizes at a time, and how often the range is narrowed about the best."""
_WIDTHS = (0.4, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03)
"""By which shares sizes are changed, again and again, until they fit together."""
_LOST_RAD = 1.0
_FLOOR_RAD = 1e-6


@dataclass(frozen=True)
class FaultKind:
    """What can be wrong.

    Attributes:
        unit: of the size.
        sizes: that are tried first, rising; for friction as shares of the torque limit, for damping of kd, for a table how far the robot
            would have gone into it.
        none: size of no fault.
        sentence: says it, with `{size}` and `{where}`.
        of: "joint", "landmark" or "" (the whole robot).
    """

    unit: str
    sizes: tuple[float, ...]
    none: float
    sentence: str
    of: str = "joint"


FAULTS: Mapping[str, FaultKind] = {
    "delay": FaultKind(
        "s", (0.004, 0.01, 0.02, 0.04, 0.07, 0.11, 0.16, MAX_DELAY_S), 0.0, "commands reach the motors {size:.0f} ms late", ""
    ),
    "friction": FaultKind(
        "Nm",
        (0.001, 0.003, 0.01, 0.03, 0.07, 0.15, 0.3),
        0.0,
        "dry friction of {size:.2g} Nm in {where}: it stops short, on either side",
    ),
    "damping": FaultKind(
        "Nm s/rad", (0.05, 0.15, 0.4, 1.0, 2.5, 6.0), 0.0, "viscous friction of {size:.2g} Nm s/rad in {where}: the faster, the later"
    ),
    "gain": FaultKind("x", (0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.2, 1.5, 2.5), 1.0, "gains of {size:.0%} of what is assumed in {where}"),
    "payload": FaultKind("kg", (0.02, 0.06, 0.15, 0.4, 1.0, 2.0), 0.0, "{size:.2g} kg at {where} that nobody told of", "landmark"),
    "table": FaultKind(
        "m",
        (0.002, 0.005, 0.01, 0.02, 0.04, 0.08),
        0.0,
        "the robot presses on something that simulation lacks, as on a table {size:+.0f} mm from the height of its base",
        "",
    ),
}
"""What is looked for. A fault of all joints has one size: the same share of each joint's torque limit, kd or kp."""


CALLED: Mapping[str, str] = {
    "delay": "delay",
    "friction": "dry friction",
    "damping": "viscous friction",
    "gain": "gains",
    "payload": "payload",
    "table": "a table that is pressed on",
}
"""Kind of fault -> what it is called in a sentence."""
_IN_THOUSANDTHS = ("delay", "table")


@dataclass(frozen=True)
class Fault:
    """Something that is wrong.

    Attributes:
        kind: one of `FAULTS`.
        where: joint or landmark; "" for all joints, or the whole robot.
        size: in the kind's unit; of all joints, the mean over them; of a table, the height of its top above the base.
        share: of the squared difference that was left, which it explains.
        alike: other faults that explain nearly as much: they cannot be told apart by these logs.
    """

    kind: str
    where: str
    size: float
    share: float
    alike: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """E.g. "friction elbow"."""
        return f"{self.kind} {self.where}".strip()

    def sentence(self) -> str:
        """What it means, in plain words."""
        size = 1000 * self.size if self.kind in _IN_THOUSANDTHS else self.size
        said = FAULTS[self.kind].sentence.format(size=size, where=self.where or "all joints")
        unsure = f" (or {', '.join(self.alike)}: these logs cannot tell)" if self.alike else ""
        return f"{said[0].upper()}{said[1:]}; explains {self.share:.0%} of what was left{unsure}."


@dataclass(frozen=True)
class _Trial:
    """A fault of some size in addition to what is wrong already; sizes as in `FaultKind.sizes`."""

    kind: str
    where: str
    index: int | None

    def put(self, lab: _Lab, told: Conditions, size: float) -> Conditions:
        plant = told.plant
        if self.kind == "delay":
            return told._replace(delay_s=min(MAX_DELAY_S, told.late_s + size))
        if self.kind == "table":
            before_m = -np.inf if told.table is None else told.table.height_m
            return told._replace(table=TableTop(max(before_m, lab.lowest_m + size)))
        attribute, change = {
            "friction": ("friction_nm", size * lab.scale_nm),
            "damping": ("damping", size * lab.nominal.kd),
            "gain": ("kp", (size - 1) * plant.kp),
            "payload": ("payload_kg", np.full(len(plant.payload_kg), size)),
        }[self.kind]
        own = getattr(plant, attribute).copy()
        chosen = slice(None) if self.index is None else self.index
        own[chosen] += change[chosen]
        return told._replace(plant=replace(plant, **{attribute: own}))

    def told(self, lab: _Lab, size: float) -> float:
        """In the kind's unit."""
        if self.kind == "table":
            return lab.lowest_m + size
        scale = {"friction": lab.scale_nm, "damping": lab.nominal.kd}.get(self.kind)
        if scale is None:
            return size
        return float(size * (scale.mean() if self.index is None else scale[self.index]))


def diagnose(
    model: RobotModel,
    chosen: Sequence[Stretch],
    kinds: Iterable[str] = tuple(FAULTS),
    payloads: Iterable[str] = (),
    most: int = MOST_FAULTS,
    threads: int = 1,
    progress: Callable[[Fault], None] = lambda fault: None,
) -> tuple[Fault, ...]:
    """The faults that explain the difference, the one that explains most first.

    Args:
        model: of the robot, nominal; a table is only looked for where it has one, and its links have shapes.
        chosen: stretches of its logs.
        kinds: of faults that may be.
        payloads: landmarks that may carry something.
        most: at most so many.
        threads: of the CPU.
        progress: is told every fault when it is found, its size still open.

    Raises:
        UnknownNameError: a kind or landmark that does not exist.
    """
    lab, payloads = _Lab(model, tuple(chosen), threads), tuple(payloads)
    trials = _trials(model, chosen, looked_for(model, chosen, tuple(kinds), payloads), payloads)
    wrong: tuple[tuple[_Trial, float], ...] = ()
    found: list[Fault] = []
    left = float(lab.costs([wrong])[0])
    while trials and len(found) < most:
        best, size, cost, alike = _search(lab, trials, wrong)
        share = 1 - cost / left if left > 0 else 0.0
        if share < LEAST_SHARE or left < _FLOOR_RAD**2:
            break
        wrong, left = _settled(lab, (*wrong, (best, size)))
        found.append(Fault(best.kind, best.where, 0.0, share, alike))
        progress(found[-1])
    return tuple(replace(fault, size=trial.told(lab, size)) for fault, (trial, size) in zip(found, wrong, strict=True))


def together(recordings: Sequence[Recorded], horizon_s: float) -> tuple[tuple[Stretch, ...], tuple[tuple[str, str], ...]]:
    """Stretches of those recordings that can be replayed side by side, and the names of the others with what is different about them.

    The others are of other joints, other kinds of commands or another period than those of which most was recorded, or give stretches of
    less than half the length of the longest: all would be cut to theirs.

    Args:
        recordings: of one robot.
        horizon_s: of the stretches.

    Raises:
        MotionError: a recording of which nowhere enough is known.
    """
    groups: dict[tuple[object, ...], list[Recorded]] = {}
    for own in recordings:
        groups.setdefault(own.kind, []).append(own)
    most = max(groups.values(), key=lambda group: sum(own.moments * own.period_s for own in group))
    others = [(own.log.name, _other(own, most[0])) for group in groups.values() if group is not most for own in group]
    found = [stretches([own], horizon_s) for own in most]
    least = max(mine[0].end - mine[0].begin for mine in found) / 2
    short = [own.log.name for own, mine in zip(most, found, strict=True) if mine[0].end - mine[0].begin < least]
    chosen = tuple(one for mine in found for one in mine if one.end - one.begin >= least)
    return chosen, (*others, *((name, "too short") for name in short))


def _other(one: Recorded, usual: Recorded) -> str:
    """Why two recordings cannot be replayed side by side."""
    alike = np.array_equal(one.columns, usual.columns) and round(one.period_s - usual.period_s, 9) == 0
    return "other joints are told a torque alone" if alike else "other joints or another period"


def looked_for(model: RobotModel, chosen: Sequence[Stretch], kinds: Sequence[str], payloads: Sequence[str]) -> tuple[str, ...]:
    """Those kinds of faults that can be tried on some stretches: a payload where landmarks are named, a table where links have shapes.

    Raises:
        UnknownNameError: a kind or landmark that does not exist.
    """
    require_known(model, kinds, payloads)
    shaped = has_table(model) and bool(np.isfinite(reached_m(model, [own.recorded for own in chosen[:1]])))
    impossible = {*(() if payloads else ("payload",)), *(() if shaped else ("table",))}
    return tuple(kind for kind in kinds if kind not in impossible)


def require_known(model: RobotModel, kinds: Iterable[str], payloads: Iterable[str]) -> None:
    """Refuse faults and landmarks that do not exist.

    Raises:
        UnknownNameError: there is one.
    """
    for what, names, known in (("fault", kinds, FAULTS), ("landmark", payloads, model.robot.landmarks)):
        for name in names:
            if name not in known:
                raise UnknownNameError(what, name, known)


class _Lab:
    """Where faults are tried."""

    def __init__(self, model: RobotModel, chosen: tuple[Stretch, ...], threads: int) -> None:
        self.model, self.chosen, self.threads = model, chosen, threads
        self.nominal, self.scale_nm = nominal_draw(model), torque_scale_nm(model.robot)
        self.lowest_m = reached_m(model, [own.recorded for own in chosen]) if has_table(model) else np.inf

    def costs(self, sets: Sequence[Sequence[tuple[_Trial, float]]]) -> Array:
        """(P,) mean squared differences, rad2, with P sets of faults."""
        conditions = []
        for faults in sets:
            told = Conditions(self.nominal)
            for trial, size in faults:
                told = trial.put(self, told, size)
            conditions.append(told)
        error = np.nan_to_num(replayed(self.model, conditions, self.chosen, self.threads).error_rad, nan=_LOST_RAD)
        return np.asarray((error**2).mean(axis=(1, 2, 3)))


def _settled(lab: _Lab, wrong: tuple[tuple[_Trial, float], ...]) -> tuple[tuple[tuple[_Trial, float], ...], float]:
    """The same faults with sizes that fit together, and what they leave."""
    best, cost = list(wrong), float(lab.costs([wrong])[0])
    for width in _WIDTHS if len(wrong) > 1 else ():
        for number, (trial, size) in enumerate(best):
            none = FAULTS[trial.kind].none
            sizes = [none + (size - none) * (1 + width * step) for step in (-1.0, -0.5, 0.5, 1.0)]
            values = lab.costs([[*best[:number], (trial, other), *best[number + 1 :]] for other in sizes])
            if values.min() < cost:
                best[number], cost = (trial, sizes[int(values.argmin())]), float(values.min())
    return tuple(best), cost


def _trials(model: RobotModel, chosen: Sequence[Stretch], kinds: Iterable[str], payloads: Iterable[str]) -> list[_Trial]:
    robot, joints = model.robot, chosen[0].recorded.columns
    places: dict[str, list[tuple[str, int | None]]] = {
        "": [("", None)],
        "joint": [*([("", None)] if len(joints) > 1 else []), *((robot.joint_names[column], int(column)) for column in joints)],
        "landmark": [(name, list(robot.landmarks).index(name)) for name in payloads],
    }
    return [_Trial(kind, *place) for kind in kinds for place in places[FAULTS[kind].of]]


def _search(lab: _Lab, trials: Sequence[_Trial], wrong: tuple[tuple[_Trial, float], ...]) -> tuple[_Trial, float, float, tuple[str, ...]]:
    """The trial that leaves least beside what is wrong already, its size, what it leaves, and those that leave nearly as little."""

    def costs(pairs: Sequence[tuple[_Trial, float]]) -> Array:
        return lab.costs([(*wrong, pair) for pair in pairs])

    pairs = [(trial, size) for trial in trials for size in FAULTS[trial.kind].sizes]
    values = costs(pairs)
    tried: dict[_Trial, dict[float, float]] = {}
    for (trial, size), value in zip(pairs, values, strict=True):
        tried.setdefault(trial, {})[size] = float(value)
    close = sorted(trials, key=lambda trial: min(tried[trial].values()))[:_FINE]
    for _ in range(_ROUNDS):
        pairs = [(trial, size) for trial in close for size in _between(tried[trial], FAULTS[trial.kind].none)]
        for (trial, size), value in zip(pairs, costs(pairs), strict=True):
            tried[trial][size] = float(value)
    best = min(close, key=lambda trial: min(tried[trial].values()))
    size, cost = min(tried[best].items(), key=lambda one: one[1])
    alike = [trial for trial in close if trial is not best and min(tried[trial].values()) <= ALIKE * cost + _FLOOR_RAD**2]
    return best, size, cost, tuple(Fault(trial.kind, trial.where, 0.0, 0.0).name for trial in alike)


def _between(tried: Mapping[float, float], none: float) -> list[float]:
    """Sizes on both sides of the best so far, up to its neighbours."""
    sizes = sorted({*tried, none})
    best = min(tried, key=lambda size: tried[size])
    at = sizes.index(best)
    low, high = sizes[max(at - 1, 0)], sizes[min(at + 1, len(sizes) - 1)]
    return [float(size) for size in np.linspace(low, high, _POINTS + 2)[1:-1] if size not in tried and size != none]
