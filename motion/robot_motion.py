"""RobotMotion: a person's motion as one robot would do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from motion.errors import MotionError, ShapeError, require
from motion.provenance import Provenance
from motion.store import entries_of, read_npz, write_npz
from motion.transform import Array, Transform

KIND = "robot_motion"


@dataclass(frozen=True)
class RobotMotion:
    """Joint and base motion of one robot.

    Attributes:
        robot: name of the robot.
        time_s: (T,) rising.
        joint_names: J names, in the order of the robot's `joint_names`.
        joint_position_rad: (T, J); rows of NaN where the frame is unsolved.
        T_world_base: base pose, batch (T,); NaN where unsolved.
        solved: (T,) bool; an unsolved frame is never a pose.
        contacts: sole name -> (T,) bool, as detected in the person's motion.
        observed: (T, J) bool, whether the recording shows what the joint should do (True) or the posture was filled in
            (False); None where nobody said.
        objects: name -> `T_world_object`, batch (T,), the things the person handled, where the robot should meet them.
        provenance: where it came from and what it may be used for.
    """

    robot: str
    time_s: Array
    joint_names: tuple[str, ...]
    joint_position_rad: Array
    T_world_base: Transform
    solved: np.ndarray
    contacts: Mapping[str, np.ndarray] = field(default_factory=dict)
    observed: np.ndarray | None = None
    objects: Mapping[str, Transform] = field(default_factory=dict)
    provenance: Provenance = Provenance(source="unknown")

    def __post_init__(self) -> None:
        frames, joints = len(self.time_s), len(self.joint_names)
        object.__setattr__(self, "time_s", np.asarray(self.time_s, float))
        object.__setattr__(self, "joint_position_rad", np.asarray(self.joint_position_rad, float))
        object.__setattr__(self, "solved", np.asarray(self.solved, bool))
        shape = self.joint_position_rad.shape
        require(shape == (frames, joints), ShapeError, f"joint_position_rad is {shape}; {(frames, joints)} was wanted.")
        require(self.solved.shape == (frames,), ShapeError, f"solved is {self.solved.shape}; {(frames,)} was wanted.")
        if self.observed is not None:
            object.__setattr__(self, "observed", np.asarray(self.observed, bool))
            require(self.observed.shape == shape, ShapeError, f"observed is {self.observed.shape}; {shape} was wanted.")
        for name, track in self.objects.items():
            require(len(track) == frames, ShapeError, f"object {name!r} has {len(track)} frames; the motion has {frames}.")
        require(len(self.T_world_base) == frames, ShapeError, f"T_world_base has {len(self.T_world_base)} frames; {frames} were wanted.")
        require(frames < 2 or bool((np.diff(self.time_s) > 0).all()), MotionError, "RobotMotion.time_s does not rise.")
        finite = np.isfinite(self.joint_position_rad).all(1) & np.isfinite(self.T_world_base.position_m).all(1)
        require(
            bool((finite == self.solved).all()), MotionError, "a frame holds numbers exactly where it is solved; this motion breaks that."
        )

    @property
    def rate_hz(self) -> float:
        """Median frame rate; 1 for a single frame."""
        return float(1 / np.median(np.diff(self.time_s))) if len(self.time_s) > 1 else 1.0

    def solved_spans(self, min_frames: int = 2) -> list[slice]:
        """Runs of solved frames, each at least `min_frames` long, in order."""
        edges = np.flatnonzero(np.diff(np.r_[0, self.solved.astype(int), 0]))
        return [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2) if b - a >= min_frames]

    def slice(self, frames: slice) -> RobotMotion:
        """The same motion over some of its frames."""
        return replace(
            self,
            time_s=self.time_s[frames],
            joint_position_rad=self.joint_position_rad[frames],
            T_world_base=self.T_world_base[frames],
            solved=self.solved[frames],
            contacts={name: np.asarray(track)[frames] for name, track in self.contacts.items()},
            observed=None if self.observed is None else self.observed[frames],
            objects={name: track[frames] for name, track in self.objects.items()},
        )

    def save(self, path: Path) -> None:
        """Write as npz with a JSON header."""
        header = {
            "robot": self.robot,
            "joint_names": self.joint_names,
            "provenance": self.provenance.to_json(),
            "units": "SI; world right-handed, z up; quaternions wxyz",
        }
        arrays = {
            "time_s": self.time_s,
            "joint_position_rad": self.joint_position_rad,
            "base_position_m": self.T_world_base.position_m,
            "base_wxyz": self.T_world_base.wxyz,
            "solved": self.solved,
            **{f"contact/{name}": np.asarray(value, bool) for name, value in self.contacts.items()},
        }
        if self.observed is not None:
            arrays["observed"] = self.observed
        for name, track in self.objects.items():
            arrays[f"object/{name}/position_m"], arrays[f"object/{name}/wxyz"] = track.position_m, track.wxyz
        write_npz(path, KIND, header, arrays)

    @classmethod
    def load(cls, path: Path) -> RobotMotion:
        """Read what `save` wrote.

        Raises:
            FileFormatError: not a robot-motion file, or one that lacks a part.
        """
        header, arrays = read_npz(path, KIND)
        with entries_of(path):
            names = sorted({key.split("/")[1] for key in arrays if key.startswith("object/")})
            return cls(
                robot=header["robot"],
                time_s=arrays["time_s"],
                joint_names=tuple(header["joint_names"]),
                joint_position_rad=arrays["joint_position_rad"],
                T_world_base=Transform(arrays["base_position_m"], arrays["base_wxyz"]),
                solved=arrays["solved"],
                contacts={key.split("/", 1)[1]: value for key, value in arrays.items() if key.startswith("contact/")},
                observed=arrays.get("observed"),
                objects={n: Transform(arrays[f"object/{n}/position_m"], arrays[f"object/{n}/wxyz"]) for n in names},
                provenance=Provenance.from_json(header["provenance"]),
            )
