"""Hands alone: real films of a person's right hand on the hands that dex-retargeting ships configurations for."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import yaml

from benchmarks.bodies import bandai, streamed
from benchmarks.bodies import body as shipped
from benchmarks.peers import dex_retargeting
from benchmarks.table import Row, data_folder
from motion.human import HumanMotion
from motion.landmarks import FINGERS, HANDS, SIDES, hand_landmarks
from motion.provenance import record
from motion.resample import interpolate, resample_human
from motion.robot_motion import RobotMotion
from motion.segments import frame_from_axes, segment_frame
from motion.transform import Array, matrix_from_wxyz, normalized
from retarget.body_map import BodyMap, body_map
from retarget.inspect import inspect
from retarget.problem import SolverSettings
from retarget.targets import WORLD, Targets, build_targets
from robots import load_robot
from robots.robot import FramePoint

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
UNHURRIED = SolverSettings(method="streaming", speed_scale=1e3, acceleration_scale=1e3, max_step_rad=1e3, posture=0.05)
"""Limits that bind nobody: dex-retargeting has none, and Shadow's 2 rad/s are slower than the person's fingers. The posture
decides which way a finger folds where two ways reach the same points."""
_TENDONS = {f"{finger}J1": {"of": f"{finger}J2"} for finger in ("FF", "MF", "RF", "LF")}
"""In a Shadow hand one tendon bends the last two joints of a finger, which the URDF takes for free ones."""
TOUCH_M = 0.010
_BENT_SINE = 0.1  # of the elbow; straighter, its hinge says nothing
TELEOPERATION_HZ = 30.0
# Read off the rigid distances: 0 the wrist, 1-4 the thumb, then four fingers of five, each beginning inside the palm.
_MANUS_COLUMNS = (0, 1, 2, 3, 4, *(first + k for first in (5, 10, 15, 20) for k in (1, 2, 3, 4)))


@cache
def hand(name: str, tendons: bool = False) -> BodyMap:
    """One of the hands in `benchmarks/robots`, its URDF taken from the data folder; Shadow's with its tendons on demand."""
    with TemporaryDirectory() as temporary:
        return body_map(load_robot(hand_folder(name, Path(temporary), tendons)))


def hand_folder(name: str, parent: Path, tendons: bool = False) -> Path:
    """The folder of one of these hands, as a user would have it, made in `parent`."""
    folder = parent / name
    folder.mkdir()
    description = yaml.safe_load((Path(__file__).parent / "robots" / name / "robot.yaml").read_text())
    if tendons:
        description |= {"coupled": _TENDONS}
        description["rest_rad"] = {joint: angle for joint, angle in description["rest_rad"].items() if joint not in _TENDONS}
    (folder / "robot.yaml").write_text(yaml.safe_dump(description))
    (folder / _URDFS[name]).symlink_to(data_folder().resolve() / "robots" / _URDFS[name])
    return folder


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


def gloved(clips: Iterable[HumanMotion]) -> tuple[HumanMotion, ...]:
    """Clips without fingers, given the glove's on both hands, the left ones mirrored; every clip takes the next stretch.

    Both halves are real recordings; together they are a body and hands that move at once, which no recording here shows.
    """
    out, start_s = [], 0.0
    for clip in clips:
        length_s = float(clip.time_s[-1] - clip.time_s[0])
        start_s = start_s if start_s + length_s <= glove().time_s[-1] else 0.0
        out.append(_with_fingers(clip, interpolate(glove().time_s, _glove_in_hand(), start_s + clip.time_s - clip.time_s[0])))
        start_s += length_s
    return tuple(out)


@cache
def _glove_in_hand() -> Array:
    """(T, 20, 3) the glove's finger landmarks from the wrist, in the anatomical frame of the hand."""
    wxyz, _ = segment_frame(f"{SIDE}_hand", glove().point)
    away = glove().position_m[:, 1:] - glove().position_m[:, :1]
    return np.einsum("tji,tlj->tli", matrix_from_wxyz(wxyz), away)


def _with_fingers(clip: HumanMotion, in_hand: Array) -> HumanMotion:
    kept = [index for index, name in enumerate(clip.landmarks) if name not in HANDS]
    names, position = [clip.landmarks[index] for index in kept], [clip.position_m[:, kept]]
    for side in SIDES:
        fingers = in_hand * [1, 1 if side == SIDE else -1, 1]  # left and right differ along y
        position.append(clip.point(f"{side}_wrist")[:, None] + np.einsum("tij,tlj->tli", _straight_wrist(clip, side), fingers))
        names += hand_landmarks(side)[1:]
    together = np.concatenate(position, axis=1)
    confidence = np.hstack([clip.confidence[:, kept], np.ones((len(together), together.shape[1] - len(kept)))])
    return replace(clip, landmarks=tuple(names), position_m=together, confidence=confidence)


def _straight_wrist(clip: HumanMotion, side: str) -> Array:
    """(T, 3, 3) a hand in line with its forearm, turned as the elbow's hinge is; over straight elbows it is carried."""
    upper = clip.point(f"{side}_shoulder") - clip.point(f"{side}_elbow")
    fore = clip.point(f"{side}_elbow") - clip.point(f"{side}_wrist")
    hinge = np.cross(fore, upper)
    bent = np.flatnonzero(np.linalg.norm(np.cross(normalized(fore), normalized(upper)), axis=-1) > _BENT_SINE)
    if not len(bent):  # never: as it is in an arm that hangs
        return frame_from_axes("z", fore, "y", clip.point("left_hip") - clip.point("right_hip"))[0]
    frames = np.arange(len(hinge))
    hinge = np.stack([np.interp(frames, bent, normalized(hinge[bent])[:, axis]) for axis in range(3)], axis=-1)
    return frame_from_axes("z", fore, "y", hinge)[0]


def position_targets(body: BodyMap, human: HumanMotion, weight: float = POSITION_WEIGHT) -> Targets:
    """dex-retargeting's position task as targets of ours: the hand's points at the person's, unscaled; the hand flies.

    Args:
        body: one of `TASKS`.
        human: a right hand.
        weight: per metre.
    """
    names = TASKS[body.robot.name]
    wanted = np.stack([human.point(name) for name in names], axis=1)
    frames, rows = wanted.shape[:2]
    return Targets(
        time_s=human.time_s,
        points=tuple(FramePoint(body.robot.landmarks[name].frame) for name in names),  # links, as dex-retargeting asks for
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
        item = position_targets(body, human)
        streamed(body, item, UNHURRIED)  # warm-up
        begin = time.process_time()
        ours = streamed(body, item, UNHURRIED)
        cpu_fps = len(human.time_s) / (time.process_time() - begin)
        theirs = dex_retargeting(short, "position", human.position_m)
        place = body.kinematics.point_positions(item.points, ours.motion.joint_position_rad, ours.motion.T_world_base)
        error = position_error_mm(*({n: a[:, k] for k, n in enumerate(item.vector_names)} for a in (place, item.vector_m)))
        ours_fps, theirs_fps = (1 / float(seconds[SKIPPED_N:].mean()) for seconds in (ours.seconds, theirs.seconds))
        rows += [
            Row(f"{short}, position: frames/s", ours_fps, 7000, "frames/s", note=f"{cpu_fps:.0f} by process time"),
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


def gaps_m(human: HumanMotion, side: str = SIDE) -> dict[str, Array]:
    """Finger -> (T,) distance between its tip and the thumb's."""
    thumb = human.point(f"{side}_thumb_tip")
    return {finger: np.linalg.norm(human.point(f"{side}_{finger}_tip") - thumb, axis=-1) for finger in FINGERS[1:]}


def pinches(body: BodyMap, human: HumanMotion, motion: RobotMotion) -> dict[str, tuple[int, int]]:
    """Finger -> frames in which the person's tip is within 10 mm of the thumb's, and in how many of them the robot's is.

    The robot's landmarks are its pads: a gap of 0 is a touch of surfaces.

    A frame in which the robot has no pose counts as one in which it is not.
    """
    place = body.kinematics.landmark_positions(motion.joint_position_rad, motion.T_world_base)
    return kept_pinches(human, dict(zip(body.robot.landmarks, np.moveaxis(place, 1, 0), strict=True)))


def kept_pinches(human: HumanMotion, place: Mapping[str, Array], side: str = SIDE) -> dict[str, tuple[int, int]]:
    """As `pinches`, from landmark -> (T, 3) of the robot."""
    out = {}
    for finger, gap in gaps_m(human, side).items():
        if f"{side}_{finger}_tip" in place:
            touching = gap <= TOUCH_M
            with np.errstate(invalid="ignore"):
                robots = np.linalg.norm(place[f"{side}_{finger}_tip"] - place[f"{side}_thumb_tip"], axis=-1) <= TOUCH_M
            out[finger] = int(touching.sum()), int((touching & robots).sum())
    return out


def pinch_rows(body: BodyMap, human: HumanMotion, motion: RobotMotion, how: str = "", judged: bool = True) -> list[Row]:
    """Share of the person's pinches in which the robot pinches: by finger, and over all fingers, which is judged."""
    found = {finger: counts for finger, counts in pinches(body, human, motion).items() if counts[0]}
    what = f"{body.robot.name}, {human.provenance.source}{', ' if how else ''}{how}"
    rows = [
        Row(f"{what}: thumb and {finger}", 100 * kept / asked, None, "%", note=f"of {asked}") for finger, (asked, kept) in found.items()
    ]
    asked, kept = (sum(counts[k] for counts in found.values()) for k in (0, 1))
    if asked:
        rows.append(Row(f"{what}: all pinches kept", 100 * kept / asked, 95 if judged else None, "%", note=f"of {asked}"))
    return rows


def in_the_films_axes(human: HumanMotion) -> Array:
    """(T, 21, 3) joints turned, frame by frame, so that the palm lies as in the film. Source: Kabsch 1976.

    dex-retargeting's teleoperation wants hands in the axes that its own detector gives, which are the film's.
    """
    palm = [hand_landmarks(SIDE).index(f"{SIDE}_{name}") for name in ("wrist", "index_mcp", "middle_mcp", "ring_mcp", "pinky_mcp")]
    model = np.median(film().position_m[:, palm], axis=0)
    points = human.position_m - human.position_m[:, :1]
    u, _, vt = np.linalg.svd(np.einsum("pi,tpj->tij", model - model[0], points[:, palm]))
    turn = u * np.stack([np.ones(len(u)), np.ones(len(u)), np.linalg.det(u @ vt)], -1)[:, None] @ vt
    return np.einsum("tij,tlj->tli", turn, points)


def dexpilot_rows() -> list[Row]:
    """What dex-retargeting's own pinch-preserving mode keeps of the glove's pinches, at the rate of a camera.

    Between the ends of its links, which is what it looks at, as ours are between pads.
    """
    human, rows = resample_human(glove(), TELEOPERATION_HZ), []
    for name in TASKS:
        short = _URDFS[name].removesuffix("_hand")
        run = dex_retargeting(short, "dexpilot", in_the_films_axes(human))
        place = {mark: run.position_m[point.frame] for mark, point in hand(name).robot.landmarks.items() if point.frame in run.position_m}
        asked, kept = (sum(counts[k] for counts in kept_pinches(human, place).values()) for k in (0, 1))
        rows += [
            Row(f"{short}, dex-retargeting dexpilot, glove: all pinches kept", 100 * kept / asked, None, "%", note=f"of {asked}"),
            Row(f"{short}, dex-retargeting dexpilot: frames/s", 1 / float(run.seconds[SKIPPED_N:].mean()), None, "frames/s"),
        ]
    return rows


def gloved_pinch_rows(robot: str, out_of_reach: str = "") -> list[Row]:
    """Pinches of both hands of a whole robot, body and hands in one solve; a finger that cannot reach the thumb is quoted."""
    counts = {True: np.zeros(2), False: np.zeros(2)}
    for clip in gloved(bandai()):
        motion = streamed(shipped(robot), build_targets(shipped(robot), clip)).motion
        place = shipped(robot).kinematics.landmark_positions(motion.joint_position_rad, motion.T_world_base)
        tracks = dict(zip(shipped(robot).robot.landmarks, np.moveaxis(place, 1, 0), strict=True))
        for side in SIDES:
            for finger, found in kept_pinches(clip, tracks, side).items():
                counts[finger == out_of_reach] += found
    what, (asked, kept), (asked_far, kept_far) = f"{robot}, body and both gloved hands", counts[False], counts[True]
    rows = [Row(f"{what}: all pinches kept", 100 * kept / asked, 95, "%", note=f"of {asked:.0f}")]
    if asked_far:
        note = f"of {asked_far:.0f}; its pad cannot reach the thumb's"
        rows.append(Row(f"{what}: thumb and {out_of_reach}", 100 * kept_far / asked_far, None, "%", note=note))
    return rows


def pinch_stage() -> list[Row]:
    """Pinches of the film and of the glove, retargeted as any hand is, within the hands' own limits and without.

    The film has one pinch, of 20 frames, which begins faster than Shadow's 2 rad/s: within them it is quoted, not judged.
    """
    rows = []
    for human in (film(), glove()):
        for name in TASKS:
            item = build_targets(hand(name), human)
            rows += pinch_rows(hand(name), human, streamed(hand(name), item).motion, judged=human is glove())
            rows += pinch_rows(hand(name), human, streamed(hand(name), item, UNHURRIED).motion, "no limits")[-1:]
    rows += pinch_rows(
        shipped("allegro_right"), glove(), streamed(shipped("allegro_right"), build_targets(shipped("allegro_right"), glove())).motion
    )
    return [*rows, *gloved_pinch_rows("g1_dex3"), *gloved_pinch_rows("alex_psyonic", "pinky"), *dexpilot_rows()]
