"""RobotLog: what a robot's joints were told to do and what they did, as a real robot recorded it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gap.logs.words import TRACKS
from motion.errors import MotionError, ShapeError, UnknownNameError, require
from motion.provenance import Provenance
from motion.transform import Array

_HELD = ("command_rad", "command_velocity_radps", "command_torque_nm")
"""Tracks that stay as they are until the next one comes."""
LONGEST_GAP, _SURE_S = 5.0, 0.01
"""Between two readings that are more than so many of their usual periods apart nothing is known, unless they are as near as a few physics
steps."""
_SAME_S = 1e-9
"""Moments that are no farther apart are one."""


@dataclass(frozen=True)
class RobotLog:
    """One run of a robot; T moments, J joints. What was not recorded is None, a single reading that is missing NaN.

    Attributes:
        name: of the run.
        joint_names: J names.
        time_s: (T,) rising, from 0.
        position_rad: (T, J) measured.
        command_rad: (T, J) joint-position targets, as they stood at those moments.
        velocity_radps: (T, J) measured.
        torque_nm: (T, J) measured, or what the motors say they gave.
        command_velocity_radps: (T, J) joint-velocity targets beside the position; a motor then damps the difference, not all motion.
        command_torque_nm: (T, J) torque asked for beside the position.
        driven: (T,) bool, whether the motors were switched on; None: always.
        signals: name -> (T,) or (T, J), whatever else was recorded ("voltage_v").
        facts: what the file says of the run as a whole ("mass_kg").
        provenance: where it came from.
        guessed: quantities of which nobody said the unit, so that ours is taken.
        unit_hint: what else angles may be of which nobody said the unit, and what to do then: a sentence for those who refuse them.
        notes: what its reader could not read and left out, as clauses.
        simulated: whether it is known to come from a simulation.

    Raises:
        ShapeError: arrays that do not fit together.
        MotionError: time that does not rise, or positions that are nowhere finite.
    """

    name: str
    joint_names: tuple[str, ...]
    time_s: Array
    position_rad: Array
    command_rad: Array | None = None
    velocity_radps: Array | None = None
    torque_nm: Array | None = None
    command_velocity_radps: Array | None = None
    command_torque_nm: Array | None = None
    driven: np.ndarray | None = None
    signals: Mapping[str, Array] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    provenance: Provenance = field(default_factory=lambda: Provenance("unknown"))
    guessed: frozenset[str] = frozenset()
    unit_hint: str = ""
    notes: tuple[str, ...] = ()
    simulated: bool = False

    def __post_init__(self) -> None:
        moments, joints = len(self.time_s), len(self.joint_names)
        require(
            moments >= 2 and joints >= 1,
            ShapeError,
            f"log {self.name!r}: {moments} moments of {joints} joints; at least 2 of 1 are wanted.",
        )
        twice = sorted({name for name in self.joint_names if self.joint_names.count(name) > 1})
        require(not twice, ShapeError, f"log {self.name!r}: joint {', '.join(twice)} is there more than once.")
        for name, track in self.tracks().items():
            require(
                track.shape == (moments, joints), ShapeError, f"log {self.name!r}: {name} is {track.shape}; {(moments, joints)} was wanted."
            )
        require(
            self.driven is None or self.driven.shape == (moments,), ShapeError, f"log {self.name!r}: driven does not have {moments} values."
        )
        steps = np.diff(self.time_s)
        late = np.flatnonzero(~(steps > 0))
        if len(late):
            at = int(late[0])
            raise MotionError(
                f"log {self.name!r}: time does not rise: {self.time_s[at + 1]:g} s comes after {self.time_s[at]:g} s, in row {at + 1}."
            )
        require(bool(np.isfinite(self.position_rad).any()), MotionError, f"log {self.name!r}: no position was measured.")

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def period_s(self) -> float:
        """Usual time from one position to the next, of the joint that was read most often."""
        spacings = [_spacing_s(self.time_s[known]) for known in np.isfinite(self.position_rad).T if known.sum() > 1]
        return min(spacings, default=_spacing_s(self.time_s))

    @property
    def commanded(self) -> np.ndarray:
        """(J,) bool, whether a position or a torque was ever commanded."""
        return self._ever(self.command_rad) | self._ever(self.command_torque_nm)

    @property
    def by_torque(self) -> np.ndarray:
        """(J,) bool, whether a torque was commanded and never a position: the motor gives that torque, and holds nothing."""
        return self._ever(self.command_torque_nm) & ~self._ever(self.command_rad)

    @property
    def by_velocity(self) -> np.ndarray:
        """(J,) bool, whether velocities were commanded, and neither a position nor a torque."""
        return self._ever(self.command_velocity_radps) & ~self.commanded

    def _ever(self, track: Array | None) -> np.ndarray:
        """(J,) bool, whether a track ever says anything."""
        return np.zeros(len(self.joint_names), bool) if track is None else np.asarray(np.isfinite(track).any(axis=0))

    def tracks(self) -> dict[str, Array]:
        """The tracks of joints that there are, by name."""
        return {name: track for name in TRACKS.values() if (track := getattr(self, name)) is not None}

    def of_joints(self, names: Sequence[str]) -> RobotLog:
        """The same of these joints alone, in this order.

        Raises:
            UnknownNameError: a joint that was not recorded.
        """
        for name in names:
            if name not in self.joint_names:
                raise UnknownNameError("joint", name, self.joint_names, f"log {self.name!r}")
        columns = [self.joint_names.index(name) for name in names]
        parts: dict[str, Any] = {name: track[:, columns] for name, track in self.tracks().items()}
        parts["signals"] = {name: track[:, columns] if track.ndim == 2 else track for name, track in self.signals.items()}
        return replace(self, joint_names=tuple(names), **parts)

    def between(self, begin_s: float, end_s: float) -> RobotLog:
        """The moments from `begin_s` up to `end_s`; time begins at 0 again.

        Raises:
            ShapeError: there are fewer than two.
        """
        chosen = (self.time_s >= begin_s) & (self.time_s < end_s)
        parts: dict[str, Any] = {name: track[chosen] for name, track in self.tracks().items()}
        parts["signals"] = {name: track[chosen] for name, track in self.signals.items()}
        parts["driven"] = None if self.driven is None else self.driven[chosen]
        time_s = self.time_s[chosen]
        return replace(self, time_s=time_s - time_s[:1], **parts)

    def with_standing_commands(self) -> RobotLog:
        """The same, every command standing until the next one that there is; NaN before the first."""
        return replace(self, **{name: stood(track) for name, track in self.tracks().items() if name in _HELD})  # type: ignore[arg-type]

    def at(self, time_s: Array) -> RobotLog:
        """The same at other moments (N,): what was measured is interpolated, what was asked for stands until the next.

        NaN where nothing was recorded: outside the readings of a track and where they are far apart (`LONGEST_GAP`); of what was asked for,
        where no row of the log is near.

        Raises:
            MotionError: moments outside the log.
        """
        inside = len(time_s) > 0 and time_s[0] >= self.time_s[0] - _SAME_S and time_s[-1] <= self.time_s[-1] + _SAME_S
        require(inside, MotionError, f"log {self.name!r} lasts from 0 to {self.time_s[-1]:g} s; moments outside it were asked for.")
        last, apart_s = _last_before(time_s, self.time_s), np.diff(self.time_s, append=self.time_s[-1])
        lost = (apart_s[last] > _longest_s(self.period_s)) & (time_s > self.time_s[last] + _SAME_S)
        parts: dict[str, Any] = {
            name: np.where(lost[:, None], np.nan, track[last]) if name in _HELD else _interpolated(time_s, self.time_s, track)
            for name, track in self.tracks().items()
        }
        parts["signals"] = {name: _interpolated(time_s, self.time_s, track) for name, track in self.signals.items()}
        parts["driven"] = None if self.driven is None else self.driven[last]
        return replace(self, time_s=time_s, **parts)


def stood(track: Array) -> Array:
    """(T, J) of what is asked for: where nothing is said, what was asked for last; NaN before the first."""
    known = np.isfinite(track)
    last = np.maximum.accumulate(np.where(known, np.arange(len(track))[:, None], 0), axis=0)
    return np.asarray(np.take_along_axis(track, last, axis=0))


def standing(wanted_s: Array, time_s: Array, track: Array) -> Array:
    """(N, J) the row of a track (T, J) that stands at other moments (N,); NaN before the first."""
    last = _last_before(wanted_s, time_s)
    return np.where((last >= 0)[:, None], track[np.maximum(last, 0)], np.nan)


def _last_before(wanted_s: Array, time_s: Array) -> np.ndarray:
    """(N,) rows that are no later; -1: none."""
    return np.asarray(np.searchsorted(time_s, wanted_s + _SAME_S, side="right") - 1)


def _spacing_s(time_s: Array) -> float:
    """Usual time from one moment to the next."""
    return float(np.median(np.diff(time_s)))


def _longest_s(spacing_s: float) -> float:
    """Longest time between two readings of such a spacing over which they say what lies between."""
    return max(LONGEST_GAP * spacing_s, _SURE_S) + _SAME_S


def _interpolated(wanted_s: Array, time_s: Array, track: Array) -> Array:
    """Linear in time, column by column, each over the readings that it has."""
    columns = track.reshape(len(track), -1).astype(float)
    return np.stack([_between(wanted_s, time_s, column) for column in columns.T], axis=1).reshape(len(wanted_s), *track.shape[1:])


def _between(wanted_s: Array, time_s: Array, column: Array) -> Array:
    """(N,) between the readings of one column (T,)."""
    known = np.isfinite(column)
    own_s = time_s[known]
    if not len(own_s):
        return np.full(len(wanted_s), np.nan)
    before, after = _last_before(wanted_s, own_s), np.searchsorted(own_s, wanted_s - _SAME_S)
    inside = (before >= 0) & (after < len(own_s))
    apart_s = own_s[np.minimum(after, len(own_s) - 1)] - own_s[np.maximum(before, 0)]
    longest_s = _longest_s(_spacing_s(own_s)) if len(own_s) > 1 else 0.0
    return np.where(inside & (apart_s <= longest_s), np.interp(wanted_s, own_s, column[known]), np.nan)
