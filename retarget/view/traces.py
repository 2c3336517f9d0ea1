"""How good a motion is, frame by frame: the curves under the picture, and the moments that somebody should look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from motion.transform import Array
from retarget.measure import NUMBERS, Gate, MeasureSettings, gates_of
from retarget.measure.feet import depths_mm, floats_mm, slips_mm_s
from retarget.measure.joints import acceleration_use_pct, speed_use_pct
from retarget.measure.stance import runs_of
from retarget.measure.statistics import evenly
from retarget.measure.tracking import limb_angles_deg
from retarget.rows import WORLD
from retarget.view.lineage import Shown
from robots.kinematics import Kinematics

_FRAME_GATES = {"foot_mm": 2.0, "hand_mm": 2.0, "fingertip_mm": 2.0, "limb_deg": 2.0, "slip_mm_s": 2.0, "float_mm": 2.0}
"""The card's bounds are of means over a clip; a frame is marked from so many times the bound on."""
_NEAR_S = 0.15
"""Marks of one kind that are nearer to each other are one."""
MOST_N = 8
"""Marks of one kind that are listed, the worst first."""


@dataclass(frozen=True)
class Trace:
    """One number over time.

    Attributes:
        name: tells it from others; of the quality card's numbers their own (`retarget.measure.NUMBERS`).
        label, unit: for headings.
        value: (T,), NaN where there is nothing.
        parts: (T,) index into `names` of the part that is worst.
        names: the parts: sides, limbs, joints.
        gate: bounds of one frame; None where the number informs only.
    """

    name: str
    label: str
    unit: str
    value: Array
    parts: np.ndarray
    names: tuple[str, ...]
    gate: Gate | None

    @property
    def heading(self) -> str:
        """The label with its unit."""
        return f"{self.label}, {self.unit}"


@dataclass(frozen=True)
class Mark:
    """Frames `start` to `stop` (exclusive) that somebody should look at, `worst` first of all, and why.

    `kind` is "unsolved", "broken", "reject", "unseen" or "review"; `severity` says which of one kind is worse.
    """

    start: int
    stop: int
    worst: int
    kind: str
    says: str
    severity: float = 0.0


def traces_of(shown: Shown) -> tuple[Trace, ...]:
    """The curves of a motion; only of the robot's joints where there is no person to compare it with."""
    tracks: dict[str, Mapping[str, Array]] = {}
    if shown.targets is not None:
        tracks |= _distances_mm(shown)
    scene, frames = shown.scene, len(shown.motion.time_s)
    if scene is not None:
        tracks["limb_deg"] = limb_angles_deg(scene)
        tracks["slip_mm_s"] = slips_mm_s(scene, scene.toe_m.__getitem__)
        tracks["float_mm"] = floats_mm(scene)
        tracks["penetration_max_mm"] = depths_mm(scene)
    robot, motion = shown.body.robot, shown.motion
    with np.errstate(invalid="ignore"):
        tracks["speed_use_max_pct"] = dict(zip(robot.joint_names, speed_use_pct(robot, motion).T, strict=True))
        tracks["acceleration_use_max_pct"] = dict(zip(robot.joint_names, acceleration_use_pct(robot, motion).T, strict=True))
    gates = gates_of(robot)
    found = (_trace(name, parts, frames, gates.get(name)) for name, parts in tracks.items())
    return tuple(trace for trace in found if trace is not None)


def _distances_mm(shown: Shown) -> dict[str, Mapping[str, Array]]:
    """How far feet, hands and fingertips are from where the solver was asked to put them."""
    targets, motion = shown.targets, shown.motion
    assert targets is not None
    place = points_of(shown.body.kinematics, shown)
    start = np.where((targets.vector_from == WORLD)[None, :, None], 0.0, place[:, targets.vector_from])
    off = np.linalg.norm(place[:, targets.vector_to] - start - targets.vector_m, axis=-1)
    off = np.where((targets.vector_weight > 0) & motion.solved[:, None], 1e3 * off, np.nan)
    by_name = dict(zip(targets.vector_names, off.T, strict=True))
    kinds = {"foot_mm": "_ankle", "hand_mm": "_wrist", "fingertip_mm": "_tip"}
    return {number: {name: track for name, track in by_name.items() if name.endswith(end)} for number, end in kinds.items()}


def points_of(kinematics: Kinematics, shown: Shown) -> Array:
    """(T, P, 3) the robot's points that the targets speak of."""
    assert shown.targets is not None
    return kinematics.point_positions(shown.targets.points, shown.motion.joint_position_rad, shown.motion.T_world_base)


def _trace(name: str, tracks: Mapping[str, Array], frames: int, gate: Gate | None) -> Trace | None:
    """The worst of some tracks, frame by frame; tracks of steps are put to the later frame. None where nothing is known."""
    if not tracks:
        return None
    values = np.full((frames, len(tracks)), np.nan)
    for column, track in enumerate(tracks.values()):
        values[frames - len(track) :, column] = track
    if not np.isfinite(values).any():
        return None
    filled = np.where(np.isfinite(values), values, -np.inf)
    worst = filled.argmax(1)
    value = filled[np.arange(frames), worst]
    factor = _FRAME_GATES.get(name, 1.0)
    bounds = None if gate is None or gate.is_floor else Gate(factor * gate.review, factor * gate.reject)
    number = NUMBERS[name]
    return Trace(name, number.label, number.unit, np.where(np.isfinite(value), value, np.nan), worst, tuple(tracks), bounds)


def marks_of(shown: Shown, traces: Sequence[Trace]) -> tuple[Mark, ...]:
    """Every moment that somebody should look at, in the order of time."""
    time_s = shown.motion.time_s
    marks = [Mark(run.start, run.stop, run.start, "unsolved", "no pose") for run in runs_of(~shown.motion.solved)]
    marks += _broken(shown)
    for trace in traces:
        marks += _beyond(trace, time_s)
    marks += _touching(shown)
    return tuple(sorted(marks, key=lambda mark: mark.start))


def gated_frames(traces: Sequence[Trace], frames: int) -> dict[str, np.ndarray]:
    """ "review" and "reject" -> (T,) frames in which a curve is beyond that bound."""
    gated = [(np.nan_to_num(trace.value), trace.gate) for trace in traces if trace.gate is not None]
    review, reject = np.zeros(frames, bool), np.zeros(frames, bool)
    for value, gate in gated:
        review |= value > gate.review
        reject |= value > gate.reject
    return {"review": review, "reject": reject}


def _broken(shown: Shown) -> Iterable[Mark]:
    inspection = shown.inspection
    if inspection is None:
        return
    for run in runs_of(shown.broken_frames()):
        said = spoken(inspection.landmarks, np.asarray(inspection.broken[run].any(axis=0)))
        yield Mark(run.start, run.stop, run.start, "broken", f"recording broken: {said}")


def _beyond(trace: Trace, time_s: Array) -> list[Mark]:
    """The moments in which a number is beyond its bounds, the worst `MOST_N` of them."""
    if trace.gate is None:
        return []
    with np.errstate(invalid="ignore"):
        beyond = np.asarray(np.nan_to_num(trace.value) > trace.gate.review)
    runs = joined(runs_of(beyond), time_s)
    marks = []
    for run in runs:
        worst = run.start + int(np.nanargmax(trace.value[run]))
        value, part = trace.value[worst], trace.names[trace.parts[worst]].replace("_", " ")
        kind = "reject" if value > trace.gate.reject else "review"
        marks.append(Mark(run.start, run.stop, worst, kind, f"{trace.label} {value:.0f} {trace.unit}, {part}", value / trace.gate.review))
    return sorted(marks, key=lambda mark: -mark.severity)[:MOST_N]


def _touching(shown: Shown) -> list[Mark]:
    """Measured frames in which links lie inside one another, where the card counts any: looking for them takes a while."""
    share, gate = ((shown.card or {}).get("numbers") or {}).get("self_contact_pct"), gates_of(shown.body.robot)["self_contact_pct"]
    if not share:
        return []
    chosen = evenly(np.flatnonzero(shown.motion.solved), MeasureSettings().frames_n)
    kind = "reject" if gate.verdict(share) == "reject" else "review"
    marks = []
    for (a, b), rows in shown.body.self_collision.touching(shown.motion.joint_position_rad[chosen]).items():
        for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
            start, stop = int(chosen[run[0]]), int(chosen[run[-1]]) + 1
            marks.append(Mark(start, stop, start, kind, f"inside one another: {a} and {b}", float(len(run))))
    return sorted(marks, key=lambda mark: -mark.severity)[:MOST_N]


def joined(runs: Sequence[slice], time_s: Array) -> list[slice]:
    """Runs of frames, those that are near to one another as one."""
    kept: list[slice] = []
    for run in runs:
        if kept and time_s[run.start] - time_s[kept[-1].stop - 1] < _NEAR_S:
            kept[-1] = slice(kept[-1].start, run.stop)
        else:
            kept.append(run)
    return kept


def spoken(names: Sequence[str], hit: np.ndarray) -> str:
    """The first three of the names that were hit."""
    said = [name.replace("_", " ") for name, bad in zip(names, hit, strict=True) if bad]
    return f"{', '.join(said[:3])}{' ...' if said[3:] else ''}"
