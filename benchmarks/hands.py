"""Hands alone: real films of a person's right hand on the hands that dex-retargeting ships configurations for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.bodies import streamed
from benchmarks.peers import dex_retargeting
from benchmarks.table import Row, data_folder
from motion.human import HumanMotion
from motion.landmarks import FINGERS, hand_landmarks
from motion.provenance import record
from motion.robot_motion import RobotMotion
from motion.transform import Array
from retarget.body_map import BodyMap, body_map
from retarget.inspect import inspect
from retarget.solve import SolverSettings
from retarget.targets import WORLD, Targets, build_targets
from robots import load_robot

SIDE = "right"
POSITION_WEIGHT = 10.0
SKIPPED_N = 5
"""First frames that neither side is judged on: each starts from a posture of its own."""
_MIDDLE = dict.fromkeys(FINGERS, "pip") | {"thumb": "mcp"}


def position_task(fingers: Iterable[str]) -> tuple[str, ...]:
    """The landmarks that dex-retargeting's position configurations ask for: every finger's tip and a joint halfway."""
    fingers = tuple(fingers)
    return (*(f"{SIDE}_{finger}_tip" for finger in fingers), *(f"{SIDE}_{finger}_{_MIDDLE[finger]}" for finger in fingers))


TASKS: Mapping[str, tuple[str, ...]] = {"allegro_dex_right": position_task(FINGERS[:4]), "shadow_right": position_task(FINGERS)}
"""Robot -> landmarks of its position task, in the order of dex-retargeting's configuration."""

_URDFS = {"allegro_dex_right": "allegro_hand", "shadow_right": "shadow_hand"}
_BARS_MM = {"allegro_dex_right": 12.6, "shadow_right": 5.3}
_UNHURRIED = 1e3  # speed limits that bind nobody: dex-retargeting has none, and Shadow's 2 rad/s are slower than the hand
TOUCH_M = 0.010
# Read off the rigid distances: 0 the wrist, 1-4 the thumb, then four fingers of five, each beginning inside the palm.
_MANUS_COLUMNS = (0, 1, 2, 3, 4, *(first + k for first in (5, 10, 15, 20) for k in (1, 2, 3, 4)))


@cache
def hand(name: str) -> BodyMap:
    """One of the hands in `benchmarks/robots`, its URDF taken from the data folder."""
    text = (Path(__file__).parent / "robots" / name / "robot.yaml").read_text()
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / name
        folder.mkdir()
        (folder / "robot.yaml").write_text(text)
        (folder / _URDFS[name]).symlink_to(data_folder().resolve() / "robots" / _URDFS[name])
        return body_map(load_robot(folder))


@cache
def film() -> HumanMotion:
    """621 frames of a right hand at 30 frames/s, found in a film; the wrist stays at the origin."""
    path = data_folder() / "hands" / "dex_retargeting" / "human_joint_right.npz"
    with np.load(path, allow_pickle=False) as data:
        return _right_hand(path, np.arange(len(data["joints"])) / float(data["fps"]), data["joints"])


@cache
def glove() -> HumanMotion:
    """5,000 frames of a right hand in a MANUS glove, about 115 frames/s."""
    path = data_folder() / "hands" / "manus_glove" / "manus_right_subject-000_run-010.npz"
    with np.load(path, allow_pickle=False) as data:
        stamps = data["timestamps"]
        rising = np.r_[True, np.diff(np.maximum.accumulate(stamps)) > 0]
        return _right_hand(path, (stamps - stamps[0])[rising], data["data"][rising][:, _MANUS_COLUMNS, :3].astype(float))


def _right_hand(path: Path, time_s: Array, position_m: Array) -> HumanMotion:
    return HumanMotion(
        time_s=time_s,
        landmarks=hand_landmarks(SIDE),
        position_m=position_m,
        confidence=np.ones(position_m.shape[:2]),
        provenance=record(path.name, "benchmark"),
    )


def position_targets(body: BodyMap, human: HumanMotion, weight: float = POSITION_WEIGHT) -> Targets:
    """dex-retargeting's position task as targets of ours: the hand's points at the person's, unscaled; the hand flies.

    Args:
        body: one of `TASKS`.
        human: a right hand.
        weight: per metre. The posture's weight per radian beside it moves points by a fraction of a millimetre and
            decides which way a finger folds where two ways reach the same points.
    """
    names = TASKS[body.robot.name]
    wanted = np.stack([human.point(name) for name in names], axis=1)
    frames, rows = wanted.shape[:2]
    return Targets(
        time_s=human.time_s,
        points=tuple(body.robot.landmarks[name] for name in names),
        links=(),
        vector_names=names,
        vector_from=np.full(rows, WORLD),
        vector_to=np.arange(rows),
        vector_m=wanted,
        vector_weight=np.full((frames, rows), weight),
        direction_names=(),
        direction_from=np.zeros(0, int),
        direction_to=np.zeros(0, int),
        direction=np.zeros((frames, 0, 3)),
        direction_weight=np.zeros((frames, 0)),
        orientation_names=(),
        orientation=np.zeros((frames, 0, 3, 3)),
        orientation_weight=np.zeros((frames, 0)),
        usable=np.ones(frames, bool),
        inspection=inspect(human),
    )


def position_error_mm(place: Mapping[str, Array], wanted: Mapping[str, Array]) -> float:
    """Mean distance over links and frames, the first frames left out."""
    return 1e3 * float(np.mean([np.linalg.norm(place[name] - wanted[name], axis=-1)[SKIPPED_N:] for name in wanted]))


def position_rows() -> list[Row]:
    """Our streaming solver and dex-retargeting on the same film, task, links and frames; their speed limits are none."""
    import torch

    torch.set_num_threads(1)
    rows, human = [], film()
    for name in TASKS:
        body, short = hand(name), _URDFS[name].removesuffix("_hand")
        item, settings = position_targets(body, human), SolverSettings(speed_scale=_UNHURRIED)
        streamed(body, item, settings)  # warm-up
        ours, theirs = streamed(body, item, settings), dex_retargeting(short, "position", human.position_m)
        place = body.kinematics.point_positions(item.points, ours.motion.joint_position_rad, ours.motion.T_world_base)
        error = position_error_mm(*({n: a[:, k] for k, n in enumerate(item.vector_names)} for a in (place, item.vector_m)))
        ours_fps, theirs_fps = (1 / float(seconds[SKIPPED_N:].mean()) for seconds in (ours.seconds, theirs.seconds))
        rows += [
            Row(f"{short}, position: frames/s", ours_fps, 7000, "frames/s"),
            Row(f"{short}, position: mean error", error, _BARS_MM[name], "mm", at_least=False),
            Row(f"{short}, position: joints beyond a stop", _beyond_stops(body, ours.motion), 0, at_least=False),
            Row(f"{short}, position: unsolved frames", float((~ours.motion.solved).sum()), 0, at_least=False),
            Row(f"{short}, position: times dex-retargeting", ours_fps / theirs_fps, None, "x"),
            Row(f"{short}, dex-retargeting: frames/s", theirs_fps, None, "frames/s"),
            Row(f"{short}, dex-retargeting: mean error", position_error_mm(theirs.position_m, theirs.wanted_m), None, "mm"),
            Row(f"{short}, dex-retargeting: farthest beyond a stop", theirs.excess_rad, None, "rad"),
        ]
    return rows


def _beyond_stops(body: BodyMap, motion: RobotMotion) -> float:
    joints = motion.joint_position_rad[motion.solved]
    return float(((joints < body.robot.lower_rad) | (joints > body.robot.upper_rad)).sum())


def gaps_m(human: HumanMotion) -> dict[str, Array]:
    """Finger -> (T,) distance between its tip and the thumb's."""
    thumb = human.point(f"{SIDE}_thumb_tip")
    return {finger: np.linalg.norm(human.point(f"{SIDE}_{finger}_tip") - thumb, axis=-1) for finger in FINGERS[1:]}


def pinches(body: BodyMap, human: HumanMotion, motion: RobotMotion) -> dict[str, tuple[int, int]]:
    """Finger -> frames in which the person's tip is within 10 mm of the thumb's, and in how many of them the robot's is.

    A frame in which the robot has no pose counts as one in which it is not.
    """
    place = body.kinematics.landmark_positions(motion.joint_position_rad, motion.T_world_base)
    robot = dict(zip(body.robot.landmarks, np.moveaxis(place, 1, 0), strict=True))
    out = {}
    for finger, gap in gaps_m(human).items():
        if f"{SIDE}_{finger}_tip" in robot:
            touching = gap <= TOUCH_M
            with np.errstate(invalid="ignore"):
                robots = np.linalg.norm(robot[f"{SIDE}_{finger}_tip"] - robot[f"{SIDE}_thumb_tip"], axis=-1) <= TOUCH_M
            out[finger] = int(touching.sum()), int((touching & robots).sum())
    return out


def pinch_rows(body: BodyMap, human: HumanMotion, motion: RobotMotion) -> list[Row]:
    """Share of the person's pinches in which the robot pinches: by finger, and over all fingers, which is judged."""
    found = {finger: counts for finger, counts in pinches(body, human, motion).items() if counts[0]}
    what = f"{body.robot.name}, {human.provenance.source}"
    rows = [
        Row(f"{what}: thumb and {finger}", 100 * kept / asked, None, "%", note=f"of {asked}") for finger, (asked, kept) in found.items()
    ]
    asked, kept = (sum(counts[k] for counts in found.values()) for k in (0, 1))
    if asked:
        rows.append(Row(f"{what}: all pinches kept", 100 * kept / asked, 95, "%", note=f"of {asked}"))
    return rows


def pinch_stage() -> list[Row]:
    """Pinches of the film and of the glove, retargeted as any hand is."""
    rows = []
    for human in (film(), glove()):
        for name in TASKS:
            body = hand(name)
            rows += pinch_rows(body, human, streamed(body, build_targets(body, human)).motion)
    return rows
