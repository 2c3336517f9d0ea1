"""Hands on objects: what a person holds, the robot holds in the same way, at its own size of world."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from motion.human import HumanMotion
from motion.robot_motion import RobotMotion
from motion.segments import frame_from_axes
from motion.transform import Array, Transform, wxyz_from_matrix
from retarget.body_map import BodyMap, body_map
from retarget.measure import MeasureSettings, measure
from retarget.object_targets import GripSettings, held, place_in
from retarget.problem import SolverSettings
from retarget.solve import solve
from retarget.sources.base import read_recording
from retarget.targets import build_targets
from robots import load_robot
from tests.motion.bodies import still_person
from tests.retarget.test_partial import is_hand

CLIP = SolverSettings(self_distance=0.0)
MM = 1e3


@pytest.fixture(scope="module")
def body() -> BodyMap:
    return body_map(load_robot("g1_dex3"))


def lifting(frames: int = 90) -> HumanMotion:
    """The stick person lifts a box with both hands: 15 cm up and 5 cm ahead, from 1 s to 2 s; before and after they keep still."""
    person = still_person(frames, 30.0, elbow_rad=1.4)
    share = np.clip(person.time_s - 1, 0, 1)
    way = (share**2 * (3 - 2 * share))[:, None, None] * [0.05, 0.0, 0.15]
    hands = [index for index, name in enumerate(person.landmarks) if is_hand(name)]
    elbows = [index for index, name in enumerate(person.landmarks) if name.endswith("elbow")]
    position = person.position_m.copy()
    position[:, hands] += way
    position[:, elbows] += 0.4 * way
    between = position[:, [person.landmarks.index(f"{side}_wrist") for side in ("left", "right")]].mean(1)
    box = Transform(between + [0.1, 0.0, -0.02], np.tile([1.0, 0, 0, 0], (frames, 1)))
    return dataclasses.replace(person, position_m=position, objects={"box": box})


def carried(motion: HumanMotion, side: str, start_s: float, end_s: float) -> HumanMotion:
    """A recording with a thing 10 cm beyond the wrist, rigid with the forearm while carried; else it lies where it was left."""
    forearm = motion.point(f"{side}_wrist") - motion.point(f"{side}_elbow")
    rotation, _ = frame_from_axes("z", -forearm, "x", np.tile([1.0, 0, 0], (len(forearm), 1)))
    track = Transform(motion.point(f"{side}_wrist") + rotation @ [0.0, 0.0, -0.1], wxyz_from_matrix(rotation))
    first, last = np.searchsorted(motion.time_s, [start_s, end_s])
    return dataclasses.replace(motion, objects={"thing": track[np.clip(np.arange(len(forearm)), first, last)]})


def wrist_off_mm(body: BodyMap, human: HumanMotion, motion: RobotMotion, side: str, name: str) -> Array:
    """(T,) how far the robot's wrist is from the person's, both as seen from the object."""
    palm = body.points[f"{side}_wrist_on_palm"]
    wrist = body.kinematics.point_positions([palm], motion.joint_position_rad, motion.T_world_base)[:, 0]
    return MM * np.linalg.norm(place_in(motion.objects[name], wrist) - place_in(human.objects[name], human.point(f"{side}_wrist")), axis=-1)


def test_both_hands_keep_their_places_on_a_box(body: BodyMap) -> None:
    human = lifting()
    targets = build_targets(body, human)
    motion, report = solve(body, targets, CLIP)
    assert motion.solved.all()
    assert max(wrist_off_mm(body, human, motion, side, "box").max() for side in ("left", "right")) < 5
    card = measure(body, human, motion, targets, report, MeasureSettings(self_contact=False, forces=False))
    assert card.numbers["object_mm"] < 5
    assert card.numbers["object_deg"] < 8
    assert not any("never followed" in reason for reason in card.reasons)
    without, _ = solve(body, build_targets(body, dataclasses.replace(human, objects={})), CLIP)
    free = measure(body, human, dataclasses.replace(without, objects=motion.objects), settings=MeasureSettings(False, False))
    assert free.numbers["object_mm"] > 40  # at the robot's own scale the hands would be beside the box


def test_an_object_stands_at_its_scaled_place_and_keeps_its_orientation(body: BodyMap) -> None:
    human = lifting(4)
    apart = Transform(np.tile([2.0, 1.0, 0.0], (4, 1)), np.tile([0.8, 0.6, 0, 0], (4, 1)))
    targets = build_targets(body, dataclasses.replace(human, objects={"stool": apart}))
    hips = targets.vector_m[0, targets.vector_names.index("left_hip")]
    scale = body.length_m("left_hip", "left_knee", "left_ankle") / 0.84  # of the stick person's leg
    np.testing.assert_allclose(targets.objects["stool"].position_m[0], [2 * scale, scale, 0.0], atol=1e-6)
    np.testing.assert_allclose(targets.objects["stool"].wxyz, apart.wxyz)
    assert hips[2] == pytest.approx(scale * 0.92, abs=0.03)


@pytest.mark.parametrize(("clip", "span"), [("guide_normal", (0.8, 2.0)), ("walk_normal", (2.0, 5.0))])
def test_a_real_arm_carries_without_jumps(body: BodyMap, bandai: list[Path], clip: str, span: tuple[float, float]) -> None:
    human = carried(read_recording(next(path for path in bandai if clip in path.name)).motion, "right", *span)
    holds = held(human.time_s, human.point, "right", human.objects["thing"])
    assert abs(human.time_s[holds][0] - span[0]) < 0.15
    assert abs(human.time_s[holds][-1] - span[1]) < 0.25
    motion, _ = solve(body, build_targets(body, human), CLIP)
    plain, _ = solve(body, build_targets(body, dataclasses.replace(human, objects={})), CLIP)
    assert wrist_off_mm(body, human, motion, "right", "thing")[holds].max() < 15
    fastest = np.abs(np.diff(plain.joint_position_rad, axis=0)).max()
    assert np.abs(np.diff(motion.joint_position_rad, axis=0)).max() < 1.3 * fastest


def test_an_object_out_of_reach_stays_a_smooth_motion(body: BodyMap) -> None:
    """A box held at arms' length and further than any robot's arm: the hands go as far as they can."""
    human = lifting()
    far = np.where(np.array([is_hand(name) for name in human.landmarks])[:, None], [0.6, 0.0, 0.0], 0.0)
    box = human.objects["box"]
    human = dataclasses.replace(
        human, position_m=human.position_m + far, objects={"box": Transform(box.position_m + [0.6, 0.0, 0.0], box.wxyz)}
    )
    motion, _ = solve(body, build_targets(body, human), SolverSettings(self_distance=0.0))
    assert np.isfinite(motion.joint_position_rad[motion.solved]).all()
    assert motion.solved.mean() > 0.95
    assert np.abs(np.diff(motion.joint_position_rad[5:], axis=0)).max() < 0.2


def hand_beside(frames: int, place: Array, wrist: Array) -> np.ndarray:
    time_s = np.arange(frames) / 30
    nothing = np.full((frames, 3), np.nan)
    points = {"left_wrist": wrist}
    track = Transform(place, np.tile([1.0, 0, 0, 0], (frames, 1)))
    return held(time_s, lambda name: points.get(name, nothing), "left", track)


def test_a_grip_wants_nearness_and_a_shared_way() -> None:
    ahead = np.linspace(0, 1, 60)[:, None] * [1.0, 0.0, 0.0]
    still = np.zeros((60, 3))
    assert hand_beside(60, ahead + [0.2, 0, 0], ahead).all()  # carried along, 20 cm away
    assert not hand_beside(60, ahead + [0.5, 0, 0], ahead).any()  # too far away
    assert not hand_beside(60, still + [0.2, 0, 0], still).any()  # merely resting beside it
    assert hand_beside(60, still + [0.04, 0, 0], still).all()  # on it
    assert not hand_beside(60, still + [0.5, 0.1, 0], ahead).any()  # passing by at 10 cm, 0.5 m/s
    gone = ahead.copy()
    gone[:] = np.nan
    assert not hand_beside(60, still, gone).any()


def test_a_grip_has_hysteresis() -> None:
    """The hand wobbles on what it carries at up to 0.1 m/s: below `leave_mps`, and now and then below `enter_mps`."""
    settings = GripSettings()
    time = np.arange(90) / 30
    way = time[:, None] * [0.3, 0.0, 0.0]
    wobble = 0.1 / (2 * np.pi) * np.sin(2 * np.pi * time)[:, None] * [0.0, 1.0, 0.0]
    speed = 0.1
    assert settings.enter_mps < speed < settings.leave_mps
    assert hand_beside(90, way + [0.2, 0, 0], way + wobble).all()


def test_pillow_of_a_motion_capture(data: Path) -> None:
    """A real hand squeezes a real pillow every 2.8 s for a minute (Qualisys markers), without carrying it anywhere."""
    human, pillow = _dfki(data / "reference/dfki_pillow_hand/recording.tsv")
    holds = held(human.time_s, human.point, "right", pillow)
    starts = human.time_s[1:][np.diff(holds.astype(int)) == 1]
    assert 18 <= len(starts) <= 22
    assert np.median(np.diff(starts)) == pytest.approx(2.8, abs=0.1)
    away = np.linalg.norm(human.point("right_wrist") - pillow.position_m, axis=-1)
    assert away[holds].max() < 0.35
    assert away[~holds].max() > 0.45


def _dfki(path: Path) -> tuple[HumanMotion, Transform]:
    """Right hand and pillow of a marker recording, in m, every fifth of its 100 frames a second."""
    lines = path.read_text().splitlines()
    names = next(line for line in lines if line.startswith("MARKER_NAMES")).split("\t")[1:]
    start = next(index for index, line in enumerate(lines) if line.startswith("Frame\t")) + 1
    table = np.array([[float(cell) for cell in line.split("\t")[: 2 + 3 * len(names)]] for line in lines[start::5]])
    markers = np.where(table[:, 2:] == 0, np.nan, table[:, 2:] / MM).reshape(len(table), len(names), 3)
    track = dict(zip(names, np.moveaxis(markers, 1, 0), strict=True))
    points = {"right_wrist": (track["hand_left"] + track["hand_right"]) / 2, "right_elbow": track["right_elbow"]}
    points |= {
        f"right_{finger}_tip": track[f"{finger.replace('pinky', 'little')}_tip"] for finger in ("thumb", "index", "middle", "ring", "pinky")
    }
    rotation, _ = frame_from_axes("x", track["pillow_left"] - track["pillow_right"], "z", track["pillow_top"] - track["pillow_right"])
    pillow = Transform((track["pillow_left"] + track["pillow_right"]) / 2, wxyz_from_matrix(rotation))
    position = np.stack(list(points.values()), axis=1)
    confidence = np.isfinite(position).all(-1).astype(float)
    return HumanMotion(table[:, 1] - table[0, 1], tuple(points), position, confidence), pillow
