"""EpisodeResult: one flat row of numbers for one episode, and the Parquet file that holds many."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from envs.chores.base import BASE_ACTIONS
from envs.planar import acting_robot
from gap import metrics
from gap.catalogue import METRICS, SAFETY
from gap.errors import ScoreError
from motion.demonstration import Demonstration
from motion.errors import FileFormatError, UnknownNameError, require
from motion.provenance import Parent, Provenance, record
from motion.store import FORMAT, write_atomically
from motion.transform import Array, Transform
from robots.kinematics import Kinematics
from robots.robot import Robot

KIND = "episodes"
VERSION = 1
_NEEDED = ("joint_position_rad", "joint_velocity_radps", "actuator_torque_nm")
_UNITS = {name: metric.unit for name, metric in METRICS.items()} | {"period_s": "s", "duration_s": "s"}


@dataclass(frozen=True)
class EpisodeResult:
    """One episode in numbers. A metric that could not be measured is NaN.

    Attributes:
        robot, chore, variant, plant, actor, seed: which episode it was.
        period_s, duration_s: control period, length.
        stable: whether every number of the simulation stayed finite; an unstable episode is a failure without metrics.
        success: as judged by the chore, and stable.
        safe: whether no safety number was beyond its limit.
        progress: 0..1.
        joint_rmse_rad .. gantry_peak_n: see `gap.catalogue.METRICS`.
        safety: the chore's own safety numbers.
        condition: of a suite (`gap.suites`), what the episode met; "" elsewhere.
    """

    robot: str
    chore: str
    variant: str
    plant: str
    actor: str
    seed: int
    period_s: float
    duration_s: float
    stable: bool
    success: bool
    safe: bool = True
    progress: float = math.nan
    joint_rmse_rad: float = math.nan
    lag_corrected_rmse_rad: float = math.nan
    mpjpe_global_mm: float = math.nan
    mpjpe_root_mm: float = math.nan
    lag_s: float = math.nan
    energy_j: float = math.nan
    saturation_share: float = math.nan
    sparc: float = math.nan
    ldlj: float = math.nan
    gantry_mean_n: float = math.nan
    gantry_peak_n: float = math.nan
    safety: Mapping[str, float] = field(default_factory=dict)
    condition: str = ""

    @property
    def label(self) -> str:
        """One line that names the episode."""
        return f"{self.actor} in {self.plant}: {self.variant}, seed {self.seed}"

    @property
    def key(self) -> tuple[str, int]:
        """What pairs it with the same task of another actor or plant: recording and seed."""
        return self.variant, self.seed

    def numbers(self) -> dict[str, float]:
        """Every metric and safety number by column name."""
        return {name: getattr(self, name) for name in METRICS} | {SAFETY + name: value for name, value in self.safety.items()}


def episode_results(demonstrations: Iterable[Demonstration], robot: Robot) -> list[EpisodeResult]:
    """One row per demonstration, in their order.

    Args:
        demonstrations: of this robot.
        robot: whose landmarks are compared; in episodes of a planar base those that are not on its locked legs.

    Raises:
        ScoreError: a demonstration of another robot.
        UnknownNameError: a signal that every chore must record is missing, or a joint is not the robot's.
    """
    own: dict[bool, Kinematics] = {}

    def kinematics(demonstration: Demonstration) -> Kinematics:
        drives = _drives(demonstration)
        if drives not in own:
            own[drives] = Kinematics(acting_robot(robot, demonstration.joint_names) if drives else robot)
        return own[drives]

    return [episode_result(demonstration, kinematics(demonstration)) for demonstration in demonstrations]


def _drives(demonstration: Demonstration) -> bool:
    """Whether its base drove, the legs locked."""
    return set(BASE_ACTIONS) <= set(demonstration.joint_names)


def episode_result(demonstration: Demonstration, kinematics: Kinematics) -> EpisodeResult:
    """The row of one demonstration; raises as `episode_results` does."""
    d, robot = demonstration, kinematics.robot
    require(d.robot == robot.name, ScoreError, f"{d.variant}: a demonstration of robot {d.robot!r} cannot be scored as {robot.name!r}.")
    for name in _NEEDED:
        if name not in d.signals:
            raise UnknownNameError("signal", name, d.signals, f"demonstration {d.variant}")
    stable = is_stable(d)
    measured: dict[str, Any] = (
        {"progress": d.progress, **_effort(d), **_tracking(d), **_landmark_errors(d, kinematics)} if stable else {"progress": 0.0}
    )
    return EpisodeResult(
        robot=d.robot,
        chore=d.chore,
        variant=d.variant,
        plant=d.plant,
        actor=d.actor,
        seed=d.seed,
        period_s=d.period_s,
        duration_s=len(d.actions) * d.period_s,
        stable=stable,
        success=bool(d.success) and stable,
        safe=not d.violations and stable,
        safety={name: float(value) for name, value in d.safety.items()},
        **measured,
    )


def is_stable(demonstration: Demonstration) -> bool:
    """Whether all signals and actions of a demonstration are finite."""
    tracks = [np.asarray(track) for track in (*demonstration.signals.values(), demonstration.actions)]
    return all(bool(np.isfinite(track).all()) for track in tracks if track.dtype.kind == "f")


def _effort(d: Demonstration) -> dict[str, float]:
    velocity = np.asarray(d.signals["joint_velocity_radps"], float)
    arc, jerk = metrics.smoothness(velocity, 1 / d.period_s)
    out = {"energy_j": metrics.energy_j(d.signals["actuator_torque_nm"], velocity, d.period_s), "sparc": arc, "ldlj": jerk}
    if "saturated" in d.signals:
        out["saturation_share"] = metrics.saturation_share(d.signals["saturated"])
    if "gantry_force_n" in d.signals:
        force = np.asarray(d.signals["gantry_force_n"], float)
        out |= {"gantry_mean_n": float(force.mean()), "gantry_peak_n": float(force.max())}
    return out


def _tracking(d: Demonstration) -> dict[str, float]:
    """Joint errors; nothing for a chore without a reference."""
    if "reference_position_rad" not in d.signals:
        return {}
    attempt, reference = d.signals["joint_position_rad"], d.signals["reference_position_rad"]
    lag = metrics.lag_s(attempt, reference, d.period_s)
    return {
        "joint_rmse_rad": metrics.joint_rmse_rad(attempt, reference),
        "lag_s": lag,
        "lag_corrected_rmse_rad": metrics.lag_corrected_rmse_rad(attempt, reference, d.period_s, lag),
    }


def _landmark_errors(d: Demonstration, kinematics: Kinematics) -> dict[str, float]:
    """Landmark errors, in the world and from the base. The base frame is where kinematics puts a robot at the origin."""
    if "reference_position_rad" not in d.signals or not kinematics.robot.landmarks:
        return {}
    order = _columns(d, kinematics.robot)
    tracks = (np.asarray(d.signals[name], float) for name in ("joint_position_rad", "reference_position_rad"))
    attempt, reference = (kinematics.landmark_positions(track[:, order]) for track in tracks)
    out = {"mpjpe_root_mm": metrics.mpjpe_mm(attempt, reference)}
    if "reference_base_position_m" in d.signals:
        in_world = (_base(d, prefix)[:, None].apply(points) for prefix, points in (("", attempt), ("reference_", reference)))
        out["mpjpe_global_mm"] = metrics.mpjpe_mm(*in_world)
    return out


def _columns(d: Demonstration, robot: Robot) -> np.ndarray:
    """Columns of the demonstration in the robot's joint order."""
    place = {name: index for index, name in enumerate(d.joint_names) if name not in BASE_ACTIONS}
    robot.joint_index(tuple(place))
    for name in robot.joint_names:
        if name not in place:
            raise UnknownNameError("joint", name, d.joint_names, f"demonstration {d.variant}")
    return np.array([place[name] for name in robot.joint_names], int)


def _base(d: Demonstration, prefix: str) -> Transform:
    """T_world_base of the attempt ("") or of the reference ("reference_")."""
    position: Array = np.asarray(d.signals[f"{prefix}base_position_m"], float)
    return Transform(position, np.asarray(d.signals[f"{prefix}base_wxyz"], float))


def episodes_provenance(demonstrations: Iterable[Demonstration], step: str = "score") -> Provenance:
    """Provenance of what is made of these demonstrations: their own parents, once each, with licences and consents."""
    parents: dict[Parent, None] = {}
    for demonstration in demonstrations:
        own = demonstration.provenance
        found = own.parents or (Parent(own.source, "", own.licence, own.consent),)
        parents |= dict.fromkeys(found)
    return record("episodes", step, parents)


def write_episodes(path: Path, results: Sequence[EpisodeResult], provenance: Provenance) -> None:
    """Write rows as Parquet: one column per field, `safety.<name>` per safety number, units and provenance in the schema.

    Raises:
        ScoreError: no rows.
    """
    require(bool(results), ScoreError, f"{path}: there are no episodes to write.")
    rows = [_row(result) for result in results]
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [pa.array([row.get(name) for row in rows], type=_type(name)) for name in names]
    header = {"format": FORMAT, "kind": KIND, "version": VERSION, "provenance": provenance.to_json()}
    schema = pa.schema(
        [pa.field(name, _type(name), metadata={"unit": _UNITS[name]} if name in _UNITS else None) for name in names],
        metadata={FORMAT: json.dumps(header, allow_nan=False)},
    )
    write_atomically(Path(path), lambda stream: pq.write_table(pa.Table.from_arrays(columns, schema=schema), stream))


def read_episodes(path: Path) -> tuple[list[EpisodeResult], Provenance]:
    """Rows and provenance of a file written by `write_episodes`.

    Raises:
        FileFormatError: not such a file.
    """
    try:
        table = pq.read_table(path)
        header = json.loads((table.schema.metadata or {})[FORMAT.encode()])
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise FileFormatError(f"{path}: not an episode table ({type(error).__name__}: {error}).") from error
    wanted = (FORMAT, KIND, VERSION)
    got = (header.get("format"), header.get("kind"), header.get("version"))
    require(got == wanted, FileFormatError, f"{path}: holds {got}; {wanted} was wanted.")
    return [_result(row) for row in table.to_pylist()], Provenance.from_json(header["provenance"])


def _row(result: EpisodeResult) -> dict[str, Any]:
    plain = {entry.name: getattr(result, entry.name) for entry in fields(result) if entry.name != "safety"}
    return plain | {SAFETY + name: value for name, value in result.safety.items()}


def _result(row: Mapping[str, Any]) -> EpisodeResult:
    safety = {name.removeprefix(SAFETY): value for name, value in row.items() if name.startswith(SAFETY) and value is not None}
    return EpisodeResult(**{name: value for name, value in row.items() if not name.startswith(SAFETY)}, safety=safety)


_COLUMN_TYPES = {"str": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}
_TYPES = {entry.name: _COLUMN_TYPES[str(entry.type)] for entry in fields(EpisodeResult) if entry.name != "safety"}


def _type(name: str) -> pa.DataType:
    return _TYPES.get(name, pa.float64())
