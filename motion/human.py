"""HumanMotion: what a person did, whatever the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from motion.errors import MotionError, ShapeError, UnknownNameError, require
from motion.landmarks import LANDMARKS, require_known
from motion.provenance import Provenance
from motion.segments import SEGMENTS
from motion.store import entries_of, read_npz, write_npz
from motion.transform import Array, Transform

KIND = "human_motion"


@dataclass(frozen=True)
class Subject:
    """The person: a pseudonym, never a name, and the stature where it is known (m)."""

    pseudonym: str = "unknown"
    height_m: float | None = None


@dataclass(frozen=True)
class Label:
    """What happens between two times (s): verb, object, outcome ("success", "failure", "")."""

    start_s: float
    end_s: float
    verb: str
    object: str = ""
    outcome: str = ""


@dataclass(frozen=True)
class HumanMotion:
    """Landmarks of one person over time. World: right-handed, z up, metres.

    Attributes:
        time_s: (T,) rising.
        landmarks: L names of the vocabulary in `motion.landmarks`.
        position_m: (T, L, 3); NaN where unseen.
        confidence: (T, L) in 0..1; 0 where unseen.
        segments: S segment names (`motion.segments`) whose orientation the source measured; may be empty.
        segment_wxyz: (T, S, 4) orientation of those segments in the world; NaN where unknown.
        objects: name -> `T_world_object`, a Transform of batch (T,).
        signals: name -> (T,) or (T, k), e.g. "left_grip_force_n".
        labels: time spans.
        subject: whose motion it is.
        provenance: where it came from and what it may be used for.
    """

    time_s: Array
    landmarks: tuple[str, ...]
    position_m: Array
    confidence: Array
    segments: tuple[str, ...] = ()
    segment_wxyz: Array | None = None
    objects: Mapping[str, Transform] = field(default_factory=dict)
    signals: Mapping[str, Array] = field(default_factory=dict)
    labels: tuple[Label, ...] = ()
    subject: Subject = Subject()
    provenance: Provenance = Provenance(source="unknown")

    def __post_init__(self) -> None:
        frames, names = len(self.time_s), len(self.landmarks)
        require_known(self.landmarks, self.provenance.source)
        for name in self.segments:
            if name not in SEGMENTS:
                raise UnknownNameError("segment", name, SEGMENTS, self.provenance.source)
        if self.segment_wxyz is None:
            object.__setattr__(self, "segment_wxyz", np.zeros((frames, 0, 4)))
        wanted = {
            "time_s": (frames,),
            "position_m": (frames, names, 3),
            "confidence": (frames, names),
            "segment_wxyz": (frames, len(self.segments), 4),
        }
        for field_name, shape in wanted.items():
            array = np.asarray(getattr(self, field_name), float)
            require(array.shape == shape, ShapeError, f"HumanMotion.{field_name} is {array.shape}; {shape} was wanted.")
            object.__setattr__(self, field_name, array)
        require(frames > 0, MotionError, f"{self.provenance.source}: the motion has no frames.")
        require(len(set(self.landmarks)) == names, MotionError, "HumanMotion.landmarks holds a name twice.")
        self._check_confidence()
        steps = np.diff(self.time_s)
        if frames > 1 and not (steps > 0).all():
            bad = int(np.argmin(steps > 0))
            raise MotionError(
                f"{self.provenance.source}: time_s does not rise at frame {bad + 1} "
                f"({self.time_s[bad]:.4f} s -> {self.time_s[bad + 1]:.4f} s)."
            )
        lengths = {name: len(track) for name, track in self.objects.items()} | {name: len(track) for name, track in self.signals.items()}
        for name, length in lengths.items():
            require(length == frames, ShapeError, f"track {name!r} has {length} frames; the motion has {frames}.")

    def _check_confidence(self) -> None:
        wrong = np.argwhere(~((self.confidence >= 0) & (self.confidence <= 1)))
        if len(wrong):
            frame, column = wrong[0]
            raise MotionError(
                f"{self.provenance.source}: the confidence of {self.landmarks[column]} at frame {frame} is "
                f"{self.confidence[frame, column]:g}; it lies in 0..1, and is 0 where unseen."
            )

    @property
    def rate_hz(self) -> float:
        """Median frame rate; 1 for a single frame."""
        return float(1 / np.median(np.diff(self.time_s))) if len(self.time_s) > 1 else 1.0

    def has(self, *names: str) -> bool:
        """Whether every landmark named is there and seen at least once."""
        return all(name in self.landmarks and np.isfinite(self.point(name)).any() for name in names)

    def point(self, name: str) -> Array:
        """Positions (T, 3) of one landmark; all NaN for a name of the vocabulary that this motion lacks."""
        require_known([name])
        if name not in self.landmarks:
            return np.full((len(self.time_s), 3), np.nan)
        return self.position_m[:, self.landmarks.index(name)]

    def points(self, names: Sequence[str] = LANDMARKS) -> tuple[Array, Array]:
        """Positions (T, len(names), 3) and confidences (T, len(names)), NaN and 0 where a landmark is missing."""
        position = np.stack([self.point(name) for name in names], axis=1)
        column = {name: index for index, name in enumerate(self.landmarks)}
        confidence = np.stack(
            [self.confidence[:, column[name]] if name in column else np.zeros(len(self.time_s)) for name in names], axis=1
        )
        return position, np.where(np.isfinite(position).all(-1), confidence, 0.0)

    def slice(self, frames: slice) -> HumanMotion:
        """The same motion over some of its frames."""
        assert self.segment_wxyz is not None
        return replace(
            self,
            time_s=self.time_s[frames],
            position_m=self.position_m[frames],
            confidence=self.confidence[frames],
            segment_wxyz=self.segment_wxyz[frames],
            objects={name: track[frames] for name, track in self.objects.items()},
            signals={name: track[frames] for name, track in self.signals.items()},
        )

    def save(self, path: Path) -> None:
        """Write as npz with a JSON header."""
        assert self.segment_wxyz is not None
        header = {
            "landmarks": self.landmarks,
            "segments": self.segments,
            "labels": [asdict(label) for label in self.labels],
            "subject": asdict(self.subject),
            "provenance": self.provenance.to_json(),
            "units": "SI; world right-handed, z up; quaternions wxyz",
        }
        arrays: dict[str, np.ndarray] = {
            "time_s": self.time_s,
            "position_m": self.position_m,
            "confidence": self.confidence,
            "segment_wxyz": self.segment_wxyz,
        }
        for name, track in self.objects.items():
            arrays[f"object/{name}/position_m"], arrays[f"object/{name}/wxyz"] = track.position_m, track.wxyz
        arrays |= {f"signal/{name}": track for name, track in self.signals.items()}
        write_npz(path, KIND, header, arrays)

    @classmethod
    def load(cls, path: Path) -> HumanMotion:
        """Read what `save` wrote.

        Raises:
            FileFormatError: not a human-motion file, or one that lacks a part.
        """
        header, arrays = read_npz(path, KIND)
        with entries_of(path):
            return cls._from_entries(header, arrays)

    @classmethod
    def _from_entries(cls, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> HumanMotion:
        names = sorted({key.split("/")[1] for key in arrays if key.startswith("object/")})
        return cls(
            time_s=arrays["time_s"],
            landmarks=tuple(header["landmarks"]),
            position_m=arrays["position_m"],
            confidence=arrays["confidence"],
            segments=tuple(header["segments"]),
            segment_wxyz=arrays["segment_wxyz"],
            objects={n: Transform(arrays[f"object/{n}/position_m"], arrays[f"object/{n}/wxyz"]) for n in names},
            signals={key.split("/", 1)[1]: value for key, value in arrays.items() if key.startswith("signal/")},
            labels=tuple(Label(**label) for label in header["labels"]),
            subject=Subject(**header["subject"]),
            provenance=Provenance.from_json(header["provenance"]),
        )
