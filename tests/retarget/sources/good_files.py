"""One sound file of every format, small and quick to read; real recordings where there are any."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from motion.human import HumanMotion
from motion.landmarks import hand_landmarks
from motion.provenance import record
from retarget.reading.names import DIALECTS
from retarget.reading.orders import ORDERS
from retarget.sources.base import SourceOptions
from tests.retarget.sources.hands import closing_hand, in_order
from tests.retarget.sources.marker_files import RATE_HZ, person, write_c3d, write_qualisys, write_trc
from tests.retarget.sources.skeletons import acted, bvh_text
from tests.retarget.sources.test_egodex import episode
from tests.retarget.sources.test_joint_angles import table

FRAMES = 40


@dataclass(frozen=True)
class Good:
    """A sound file: the source that has to take it, and what has to be stated to read it."""

    source: str
    path: Path
    options: SourceOptions = SourceOptions()


def tracks() -> dict[str, np.ndarray]:
    """Landmark -> (T, 3): a person who bends knees and elbows, walking forward, in metres and z up."""
    return person(FRAMES)[0]


def smpl_order(points: Mapping[str, np.ndarray]) -> np.ndarray:
    """(T, 24, 3) in SMPL's order; joints without a landmark lie between their neighbours."""
    known = DIALECTS["smpl"]
    middle = (points["spine"] + points["chest"]) / 2
    return np.stack([points.get(known.get(name, ""), middle) for name in ORDERS["smpl_24"]], axis=1)


def bvh(folder: Path) -> Good:
    names = {landmark: joint for joint, landmark in reversed(DIALECTS["lafan1"].items())}
    path = folder / "walk.bvh"
    path.write_text(bvh_text(acted(frames=FRAMES), names, frame_time="0.01"))
    return Good("bvh", path)


def positions_npz(folder: Path) -> Good:
    np.savez(folder / "smpl.npz", joints=smpl_order(tracks()).astype(np.float32), fps=np.array(RATE_HZ))
    return Good("positions", folder / "smpl.npz")


def positions_npy(folder: Path) -> Good:
    np.save(folder / "smpl.npy", smpl_order(tracks()))
    return Good("positions", folder / "smpl.npy", SourceOptions(rate_hz=RATE_HZ))


def positions_csv(folder: Path) -> Good:
    points = tracks()
    header = ["time_s", *(f"{name}.{axis}" for name in points for axis in "xyz")]
    table = np.c_[np.arange(FRAMES) / RATE_HZ, np.stack(list(points.values()), axis=1).reshape(FRAMES, -1)]
    np.savetxt(folder / "points.csv", table, delimiter=",", header=",".join(header), comments="", fmt="%.6f")
    return Good("positions", folder / "points.csv")


def positions_json(folder: Path) -> Good:
    points = tracks()
    position = np.stack(list(points.values()), axis=1).round(6).tolist()
    (folder / "points.json").write_text(json.dumps({"rate_hz": RATE_HZ, "joints": list(points), "position_m": position}))
    return Good("positions", folder / "points.json")


def hand_npz(folder: Path) -> Good:
    np.savez(
        folder / "hand.npz",
        joints=in_order(closing_hand(), tuple(name.removeprefix("right_") for name in hand_landmarks("right"))),
        fps=np.array(RATE_HZ),
    )
    return Good("positions", folder / "hand.npz", SourceOptions(side="right"))


def trc(folder: Path) -> Good:
    return Good("trc", write_trc(folder / "walk.trc", person(FRAMES)[1]))


def c3d(folder: Path) -> Good:
    return Good("c3d", write_c3d(folder / "walk.c3d", person(FRAMES)[1]))


def qualisys(folder: Path) -> Good:
    return Good("qualisys", write_qualisys(folder / "walk.tsv", person(FRAMES)[1]))


def human_motion(folder: Path) -> Good:
    points = tracks()
    position = np.stack(list(points.values()), axis=1)
    made = HumanMotion(np.arange(FRAMES) / RATE_HZ, tuple(points), position, np.ones(position.shape[:2]), provenance=record("walk", "test"))
    made.save(folder / "walk.npz")
    return Good("human_motion", folder / "walk.npz")


def egodex(folder: Path) -> Good:
    return Good("egodex", episode(folder / "0.hdf5", FRAMES))


def joint_angles(folder: Path) -> Good:
    bend = [round(40 * (1 - float(np.cos(k / 6))), 3) for k in range(FRAMES)]
    angles = {
        f"{finger}_{joint}": bend for finger in ("index", "middle", "ring", "pinky") for joint in ("mcp_flex", "pip_flex", "dip_flex")
    }
    return Good("joint_angles", table(folder / "right_glove.csv", angles), SourceOptions(angle_unit="degrees"))


GENERATED: dict[str, Callable[[Path], Good]] = {
    function.__name__: function
    for function in (
        bvh,
        positions_npz,
        positions_npy,
        positions_csv,
        positions_json,
        hand_npz,
        trc,
        c3d,
        qualisys,
        human_motion,
        egodex,
        joint_angles,
    )
}


def asf_amc(folder: Path, data: Path) -> Good:
    shutil.copy(data / "body" / "cmu_amc" / "02.asf", folder / "02.asf")
    lines = (data / "body" / "cmu_amc" / "02_01.amc").read_text().split("\n")
    end = lines.index(str(FRAMES + 1))
    (folder / "02_01.amc").write_text("\n".join([*lines[:end], ""]))
    return Good("asf_amc", folder / "02_01.amc")


def deepmimic(folder: Path, data: Path) -> Good:
    return Good("deepmimic", Path(shutil.copyfile(data / "body" / "deepmimic" / "humanoid3d_walk.txt", folder / "walk.txt")))


def manus(folder: Path, data: Path) -> Good:
    with np.load(data / "hands" / "manus_glove" / "manus_right_subject-000_run-010.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    cut = {name: array[:FRAMES] if array.ndim and len(array) > FRAMES else array for name, array in arrays.items()}
    np.savez(folder / "glove.npz", **cut)
    return Good("manus", folder / "glove.npz", SourceOptions(side="right"))


def aria(folder: Path, data: Path) -> Good:
    source = data / "hands" / "aria_mps_hand_tracking" / "hand_tracking_results_v2.csv"
    return Good("aria", Path(shutil.copyfile(source, folder / "hand_tracking_results.csv")))


def smpl(folder: Path, data: Path) -> Good:
    with np.load(data / "reference" / "asap_smpl_to_g1" / "human_smpl" / "walk_level1_filter.npz", allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    cut = {name: array[:FRAMES] if array.ndim == 2 and len(array) > FRAMES else array for name, array in arrays.items()}
    np.savez(folder / "amass.npz", **cut)
    return Good("smpl", folder / "amass.npz")


def phc(folder: Path, data: Path) -> Good:
    from motion.pickles import read_pickle

    (name, clip), *_ = read_pickle(data / "reference" / "asap_smpl_to_g1" / "robot_g1" / "walk_level1_filter.pkl").items()
    cut = {key: value[:FRAMES] if isinstance(value, np.ndarray) and value.ndim else value for key, value in clip.items()}
    (folder / "clip.pkl").write_bytes(pickle.dumps({name: cut}))
    return Good("phc", folder / "clip.pkl")


REAL: dict[str, Callable[[Path, Path], Good]] = {function.__name__: function for function in (asf_amc, deepmimic, manus, aria, smpl, phc)}
