"""A robot's attempt against the person's recording: where things went, who held what when, how hard, how long, how finely."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from envs.household.chore import Household
from envs.household.takeover import Ideal
from gap.alignment import Comparison, Tracks, compare, tracks_of_attempt, tracks_of_score
from gap.alignment.tracks import phases_of
from gap.episode import is_stable
from gap.errors import ScoreError
from gap.human.adjustments import Adjustments, Kept, adjustments
from gap.human.contacts import Contact, ContactGap, contact_gap, person_contacts, robot_contacts
from gap.human.corrections import BAND_HZ, smoothed
from gap.human.recording import Recording, is_mirrored, recorded_at
from gap.scorecard import null_for_nan
from motion.demonstration import Demonstration
from motion.errors import UnknownNameError, require
from motion.handling import Handling
from motion.landmarks import SIDES
from motion.resample import interpolate
from motion.transform import Array, Transform, quaternion_product, rotate, so3_log

_GOES_M = 0.02
"""A thing that goes less far has no path to speak of."""
_GRIPS_N = 0.5
"""A hand that never grips harder does not grip; sensors' noise stays below."""
_FORCE = "hand_force_n"


@dataclass(frozen=True)
class ObjectGap:
    """One thing that the person moves.

    Attributes:
        mean_m, max_m: distance from where the person had it, at the moments that belong together.
        path_ratio: length of its path over that of the person's; NaN where they did not carry it anywhere.
        end_m, end_rad: from where, and from how, it stood at the person's end: tilt, or all of the turn where it hangs on a hinge.
    """

    mean_m: float
    max_m: float
    path_ratio: float
    end_m: float
    end_rad: float


@dataclass(frozen=True)
class ForceGap:
    """One hand's grip: the sum of the normal forces on it, beside the person's, at the moments that belong together.

    NaN where the recording has no force, or the hand does not grip in it.

    Attributes:
        correlation: -1..1 of the two over time; NaN also where one of them is constant.
        rms_n: root mean square difference.
        peak_ratio: highest force over the person's.
    """

    correlation: float
    rms_n: float
    peak_ratio: float


@dataclass(frozen=True)
class HumanGap:
    """One attempt against the person.

    Attributes:
        actor, plant, variant, seed, success: which attempt it was, and what became of it.
        recording, worker: what it is held against.
        objects: thing -> how it was moved.
        contacts: in which order.
        forces: side -> how hard.
        duration_ratio: time until the last hold has ended, over the person's; NaN for an attempt that failed, or held nothing.
        adjustments: side -> what of the person's small corrections is left.
    """

    actor: str
    plant: str
    variant: str
    seed: int
    success: bool
    recording: str
    worker: str
    objects: Mapping[str, ObjectGap]
    contacts: ContactGap
    forces: Mapping[str, ForceGap]
    duration_ratio: float
    adjustments: Mapping[str, Adjustments]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; NaN becomes null."""
        plain: dict[str, Any] = null_for_nan(asdict(self))
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> HumanGap:
        """From what `to_json` gave."""
        contacts = data["contacts"]
        trains = {side: tuple(Contact(**one) for one in contacts[side]) for side in ("person", "robot")}
        names = {key: tuple(contacts[key]) for key in ("missing", "additional")}
        return cls(
            **{
                **data,
                "objects": {name: ObjectGap(**_nan_for_null(one)) for name, one in data["objects"].items()},
                "contacts": ContactGap(**{**_nan_for_null(contacts), **trains, **names}),
                "forces": {side: ForceGap(**_nan_for_null(one)) for side, one in data["forces"].items()},
                "duration_ratio": math.nan if data["duration_ratio"] is None else data["duration_ratio"],
                "adjustments": {side: _adjustments(one) for side, one in data["adjustments"].items()},
            }
        )


def _nan_for_null(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: math.nan if value is None else value for key, value in data.items()}


def _adjustments(data: Mapping[str, Any]) -> Adjustments:
    return Adjustments(**{**data, "kept": {link: Kept(**_nan_for_null(one)) for link, one in data["kept"].items()}})


def compare_with_person(chore: Household, ideal: Ideal, attempt: Demonstration, recording: Recording | None = None) -> HumanGap:
    """Hold an attempt against what the person did.

    Args:
        chore: of both.
        ideal: the person's recording, carried over to the attempt's layout and retargeted.
        attempt: the episode.
        recording: the recording itself, of which the ideal was made; without it there are no forces, and corrections are those that
            were left when it was read.

    Raises:
        ScoreError: an attempt in another layout, or one that became unstable; a recording that the ideal was not made from.
        UnknownNameError: a signal that every chore with things records is missing.
    """
    own, its = (ideal.variant, ideal.seed), (attempt.variant, attempt.seed)
    require(own == its, ScoreError, f"the ideal is for {own[0]}, seed {own[1]}; the attempt is {its[0]}, seed {its[1]}.")
    where = f"attempt {attempt.variant}, seed {attempt.seed}"
    require(is_stable(attempt), ScoreError, f"{where}, became unstable: there is nothing to hold against a person.")
    if _FORCE not in attempt.signals:
        raise UnknownNameError("signal", _FORCE, attempt.signals, where)
    handling, reference, tracks = ideal.score.handling, tracks_of_score(chore, ideal.score), tracks_of_attempt(chore, attempt)
    aligned = aligned_by_trend(tracks, reference, handling)
    contacts = contact_gap(person_contacts(handling), robot_contacts(attempt, chore.listing.things))
    force = np.asarray(attempt.signals[_FORCE], float).sum(-1)
    return HumanGap(
        actor=attempt.actor,
        plant=attempt.plant,
        variant=attempt.variant,
        seed=attempt.seed,
        success=attempt.success,
        recording=ideal.recording,
        worker=ideal.worker,
        objects=object_gaps(tracks, reference, aligned),
        contacts=contacts,
        forces=_forces(force, aligned, handling, recording),
        duration_ratio=_last_s(contacts.robot) / _last_s(contacts.person) if attempt.success and contacts.person else math.nan,
        adjustments=adjustments(handling, reference, tracks, aligned.warp, recording),
    )


def aligned_by_trend(attempt: Tracks, reference: Tracks, handling: Handling) -> Comparison:
    """The two beside each other, paired by their smooth trends (below 1 Hz) alone.

    So the pairing does not follow corrections, and cannot make those that merely look alike agree.
    """
    return compare(_trend(attempt), _trend(reference), phases_of(handling))


def object_gaps(attempt: Tracks, reference: Tracks, aligned: Comparison) -> dict[str, ObjectGap]:
    """Thing -> how its way differs from the reference's, of the things that the reference moves."""
    return {name: _object(attempt.things[name], reference.things[name], aligned, name, attempt) for name in aligned.thing_m}


def force_gap(robot_n: Array, person_n: Array, peak_n: float) -> ForceGap:
    """Grip forces of a robot's hand and a person's at the same moments; see `ForceGap`.

    Args:
        robot_n, person_n: (T,); the person's NaN where it was not measured.
        peak_n: the person's highest, also at moments that the robot did not come to; NaN where none was measured.
    """
    felt = np.isfinite(person_n)
    if not felt.any() or not peak_n >= _GRIPS_N:
        return ForceGap(math.nan, math.nan, math.nan)
    robot, person = robot_n[felt], person_n[felt]
    varies = robot.std() > 0 and person.std() > 0
    return ForceGap(
        correlation=float(np.corrcoef(robot, person)[0, 1]) if varies else math.nan,
        rms_n=float(np.sqrt(((robot - person) ** 2).mean())),
        peak_ratio=float(robot.max() / peak_n),
    )


def _object(own: Transform, its: Transform, aligned: Comparison, name: str, tracks: Tracks) -> ObjectGap:
    apart = np.linalg.norm(own.position_m - its.position_m[aligned.at], axis=-1)
    length, wanted = (_length_m(track, tracks.period_s) for track in (own, its))
    return ObjectGap(
        mean_m=float(apart.mean()),
        max_m=float(apart.max()),
        path_ratio=length / wanted if wanted >= _GOES_M else math.nan,
        end_m=float(np.linalg.norm(own.position_m[-1] - its.position_m[-1])),
        end_rad=_turned_rad(own[-1], its[-1], name in tracks.hinged),
    )


def _length_m(track: Transform, period_s: float) -> float:
    steps = np.diff(smoothed(track.position_m, period_s, BAND_HZ[1]), axis=0)
    return float(np.linalg.norm(steps, axis=-1).sum())


def _turned_rad(own: Transform, its: Transform, hinged: bool) -> float:
    if hinged:
        return float(np.linalg.norm(so3_log(quaternion_product(own.wxyz, its.wxyz * np.array([1.0, -1.0, -1.0, -1.0])))))
    up = np.array([0.0, 0.0, 1.0])
    return float(np.arccos(np.clip((rotate(own.wxyz, up) * rotate(its.wxyz, up)).sum(), -1.0, 1.0)))


def _forces(robot_n: Array, aligned: Comparison, handling: Handling, recording: Recording | None) -> dict[str, ForceGap]:
    """Side -> force, of the hands that the person holds something with."""
    sides = [side for side in SIDES if any(hold.side == side for hold in handling.holds)]
    if recording is None:
        return dict.fromkeys(sides, ForceGap(math.nan, math.nan, math.nan))
    mirrored = is_mirrored(recording.holds, handling.holds)
    times, found = recorded_at(recording.holds, handling.holds, handling.time_s), {}
    for side in sides:
        own = SIDES[1 - SIDES.index(side)] if mirrored else side
        grip = recording.grip_n.get(own, np.full(len(recording.time_s), np.nan))
        person = interpolate(recording.time_s, grip, times)
        peak_n = float(np.nanmax(person)) if np.isfinite(person).any() else math.nan
        found[side] = force_gap(robot_n[:, SIDES.index(side)], person[aligned.at], peak_n)
    return found


def _trend(tracks: Tracks) -> Tracks:
    def smooth(track: Transform) -> Transform:
        return Transform(smoothed(track.position_m, tracks.period_s, BAND_HZ[0]), track.wxyz)

    return replace(
        tracks,
        joint_rad=smoothed(tracks.joint_rad, tracks.period_s, BAND_HZ[0]),
        hands={side: smooth(track) for side, track in tracks.hands.items()},
        things={name: smooth(track) for name, track in tracks.things.items()},
    )


def _last_s(contacts: tuple[Contact, ...]) -> float:
    return max((one.end_s for one in contacts), default=math.nan)
