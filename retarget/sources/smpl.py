"""Files of the SMPL family (SMPL, SMPL-H, SMPL-X): rotations of joints, on an average body or on the licensed model's.

Read: AMASS (`poses`, `trans`), SMPL-X (`root_orient`, `pose_body`, `pose_hand`, `trans`), AIST++ (`smpl_poses`,
`smpl_trans`, `smpl_scaling`), and dumps (`global_orient`, `body_pose`, `transl`), as `.npz` or as plain pickles.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, UnderstudyError, require
from motion.landmarks import FINGERS, LANDMARKS, SIDES
from motion.pickles import read_pickle
from motion.store import array_names, kind_of, plain_arrays
from motion.transform import Array, Transform, so3_exp
from retarget.reading.named_pickles import is_phc, named_arrays, words_in
from retarget.reading.skeleton import Skeleton
from retarget.reading.smpl_arrays import SmplPose, is_smpl, smpl_pose
from retarget.reading.smpl_body import HEAD_TOP_M, STATURE_M, average_body, finger_tip, knuckle, size_of_standing
from retarget.reading.smpl_model import real_body
from retarget.sources.base import Reading, SourceOptions
from retarget.sources.finish import Recorded, reading_of

_PICKLED = tuple(map(frozenset, (("smpl_poses", "smpl_trans"), ("body_pose", "global_orient", "transl"), ("poses", "trans", "betas"))))


class SmplSource:
    """Reads `.npz` and `.pkl` files of the SMPL family."""

    name = "smpl"
    suffixes = (".npz", ".pkl")

    def accepts(self, path: Path) -> bool:
        """Whether the file holds rotations of joints and a translation under names of the family."""
        try:
            if path.suffix.lower() == ".pkl":
                return not is_phc(path) and any(names <= words_in(path, names) for names in _PICKLED)
            return is_smpl(array_names(path)) and kind_of(path) is None
        except UnderstudyError:
            return False

    def read(self, path: Path, options: SourceOptions) -> Reading:
        """Read rotations into a HumanMotion.

        Raises:
            FileFormatError: no such file, no rate, or no weights where a model was asked for.
        """
        arrays = named_arrays(path, read_pickle(path)) if path.suffix.lower() == ".pkl" else plain_arrays(path, leave_objects=True)
        said = smpl_pose(str(path), arrays)
        recorded = recorded_of(path, said, options)
        return reading_of(path, recorded, options)


def recorded_of(path: Path, said: SmplPose, options: SourceOptions, pelvis: Array | None = None) -> Recorded:
    """What a pose of the family says, as landmarks of a body; `pelvis` (T, 3) is where it stands, in place of the translation."""
    rate = options.rate_hz or said.rate_hz
    if rate is None:
        raise FileFormatError(f"{path}: the file carries no frame rate; state it with source.rate_hz= (60 for AIST++).")
    require(len(said.pose) > 0, FileFormatError, f"{path}: holds no frames.")
    local = so3_exp(said.pose)
    skeleton, words, also = _body(path, said, local, rate, options)
    root = said.translation + skeleton.offset[0] if pelvis is None else pelvis
    poses = skeleton.poses(local, root)
    fingers = _moving_hands(said)
    tracks = _tracks(skeleton, poses, fingers)
    return Recorded(
        format=f"{said.member}, array {said.words['poses']}",
        time_s=np.arange(len(root)) / rate,
        tracks=tracks,
        wxyz={name: poses.wxyz[:, column] for column, name in enumerate(skeleton.names) if name in LANDMARKS},
        inferred=frozenset({"head_top", *(name for name in tracks if name.endswith("_tip"))}),
        unit_m=1.0,
        words={
            "rate": f"{rate:g} Hz ({'stated' if options.rate_hz else 'in the file'})",
            **words,
            "fingers": f"of the {' and the '.join(fingers)} hand" if fingers else "not recorded",
            **{name: text for name, text in said.words.items() if name != "poses"},
        },
        also=also,
    )


def _body(
    path: Path, said: SmplPose, local: Array, rate: float, options: SourceOptions
) -> tuple[Skeleton, dict[str, str], tuple[Path, ...]]:
    """The skeleton to move, what is said of it, and the files that were read for it."""
    if options.model_folder is not None:
        skeleton, weights = real_body(str(path), Path(options.model_folder), said.member, said.gender, said.betas)
        return skeleton, {"body": f"{weights.name}, {len(said.betas)} betas, {said.gender}"}, (weights,)
    skeleton = average_body(said.member)
    if options.height_m is not None:
        return _scaled(skeleton, options.height_m / STATURE_M), {"body": f"average, scaled to the stated {options.height_m:g} m"}, ()
    world = skeleton.poses(local, said.translation).wxyz
    size = size_of_standing(skeleton, world, said.translation, rate)
    if size is None:
        text = f"average, {STATURE_M:g} m: no standing foot shows the person's size. State source.height_m=, or source.model_folder="
        return skeleton, {"body": text}, ()
    text = f"average, scaled to {size * STATURE_M:.2f} m: so feet that stand do not slide. source.model_folder= gives the real body"
    return _scaled(skeleton, size), {"body": text}, ()


def _scaled(skeleton: Skeleton, size: float) -> Skeleton:
    return Skeleton(skeleton.names, skeleton.parents, skeleton.offset * size)


def _moving_hands(said: SmplPose) -> tuple[str, ...]:
    """Hands whose fingers were recorded: a hand that holds one pose all along was not."""
    names = average_body(said.member).names
    moving = []
    for side in SIDES:
        joints = [k for k, name in enumerate(names) if name.startswith(side) and name.split("_")[1] in FINGERS]
        if joints and np.ptp(said.pose[:, joints], axis=0).max() > 1e-3:
            moving.append(side)
    return tuple(moving)


def _tracks(skeleton: Skeleton, poses: Transform, fingers: tuple[str, ...]) -> Mapping[str, Array]:
    """Landmark -> (T, 3): joints, the crown, the knuckles that turn with the wrist, and fingers where they were recorded."""
    knee = skeleton.names.index("left_knee")
    size = float(skeleton.offset[knee, 1] / average_body("SMPL body").offset[knee, 1])
    column = {name: index for index, name in enumerate(skeleton.names)}
    found = {name: poses.position_m[:, index] for name, index in column.items() if name in LANDMARKS and name.count("_") < 2}
    found["head_top"] = poses[:, column["head"]].apply(size * HEAD_TOP_M)
    for side in SIDES:
        for finger in FINGERS:
            first = f"{side}_{finger}_{'cmc' if finger == 'thumb' else 'mcp'}"
            wrist = poses[:, column[f"{side}_wrist"]]
            found[first] = poses.position_m[:, column[first]] if first in column else wrist.apply(size * knuckle(side, finger))
            if side in fingers:
                found |= _finger(poses, column, side, finger, size)
    return found


def _finger(poses: Transform, column: Mapping[str, int], side: str, finger: str, size: float) -> dict[str, Array]:
    names = ("mcp", "ip") if finger == "thumb" else ("pip", "dip")
    found = {f"{side}_{finger}_{name}": poses.position_m[:, column[f"{side}_{finger}_{name}"]] for name in names}
    last = poses[:, column[f"{side}_{finger}_{names[-1]}"]]
    return found | {f"{side}_{finger}_tip": last.apply(size * finger_tip(side, finger))}


SOURCE = SmplSource()
