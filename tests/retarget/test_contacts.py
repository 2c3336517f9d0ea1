"""What stands is known by construction; on real clips it covers what the plainest rule calls standing."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from motion.human import HumanMotion
from motion.provenance import record
from motion.transform import Transform, so3_exp
from retarget.contacts import TYPICAL_ANKLE_M, Contacts, ContactSettings, detect_contacts, level
from retarget.inspect import inspect
from retarget.sources.base import SourceOptions, read_recording
from tests.retarget.test_sources import CLIMB, CMU

STANCE_S, SWING_S = 0.5, 0.4
FEET = {"left_heel": (-0.05, 0.1), "left_toe": (0.18, 0.1), "right_heel": (-0.05, -0.1), "right_toe": (0.18, -0.1)}


def feet(time_s: np.ndarray, **tracks: np.ndarray) -> HumanMotion:
    """A recording of nothing but points of feet."""
    position = np.stack(list(tracks.values()), 1)
    return HumanMotion(time_s, tuple(tracks), position, np.isfinite(position).all(-1).astype(float), provenance=record("feet", "test"))


def still(time_s: np.ndarray, name: str, height_m: float = 0.0) -> np.ndarray:
    return np.tile([*FEET[name], height_m], (len(time_s), 1)).astype(float)


def standing_still(seconds: float = 2.0, rate_hz: float = 60.0) -> HumanMotion:
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    return feet(time, **{name: still(time, name) for name in FEET})


def moved(motion: HumanMotion, name: str, offset: np.ndarray) -> HumanMotion:
    """The motion with (T, 3) added to one landmark."""
    position = motion.position_m.copy()
    position[:, motion.landmarks.index(name)] += offset
    return dataclasses.replace(motion, position_m=position)


def swung(time_s: np.ndarray, ahead_s: float, length_m: float = 0.6) -> np.ndarray:
    """(T, 3) of a foot that stands `STANCE_S`, then swings `SWING_S` forward and up, over and over."""
    period = STANCE_S + SWING_S
    cycle, phase = np.divmod(time_s + ahead_s, period)
    share = np.clip((phase - STANCE_S) / SWING_S, 0, 1)
    smooth = share**2 * (3 - 2 * share)
    return np.c_[(cycle + smooth) * length_m, np.zeros(len(time_s)), 0.12 * np.sin(np.pi * share) ** 2]


def walk(rate_hz: float = 60.0, seconds: float = 5.0) -> HumanMotion:
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    steps = {"left": swung(time, 0.0), "right": swung(time, (STANCE_S + SWING_S) / 2)}
    return feet(time, **{name: still(time, name) + steps[name.split("_")[0]] for name in FEET})


def found(motion: HumanMotion, settings: ContactSettings | None = None) -> Contacts:
    return detect_contacts(motion, np.zeros(motion.position_m.shape[:2], bool), settings)


def spans(mask: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.r_[0, mask.astype(int), 0]))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


@pytest.mark.parametrize("rate_hz", [30.0, 60.0, 120.0])
def test_a_walk_stands_when_it_was_made_to(rate_hz: float) -> None:
    motion = walk(rate_hz)
    contacts = found(motion)
    assert contacts.floor_m == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_array_equal(contacts.up, [0, 0, 1])
    for name, mask in contacts.standing.items():
        ahead = 0.0 if name.startswith("left") else (STANCE_S + SWING_S) / 2
        phase = np.mod(motion.time_s + ahead, STANCE_S + SWING_S)
        inside = (phase < STANCE_S) & (motion.time_s > 0.1) & (motion.time_s < 4.9)
        swinging = (phase > STANCE_S + 0.08) & (phase < STANCE_S + SWING_S - 0.08)
        assert mask[inside].all(), name
        assert not mask[swinging].any(), name
        assert not contacts.level_m[name].any()


def test_speed_has_hysteresis() -> None:
    """At 0.33 m/s a stance goes on, for 0.06 s and 2 cm, but none begins."""
    motion = standing_still()
    creeping = np.clip(motion.time_s - 1.0, 0, 0.06)[:, None] * [0.33, 0, 0]
    assert found(moved(motion, "left_toe", creeping)).standing["left_toe"].all()
    sliding = motion.time_s[:, None] * [0.33, 0, 0]
    assert not found(moved(motion, "left_toe", sliding)).standing["left_toe"].any()


def test_a_heel_that_is_lifted_a_little_is_lifted_where_landmarks_are_good() -> None:
    motion = standing_still(4.0)
    lifted = (np.abs(motion.time_s - 2) < 0.15)[:, None] * [0, 0, 0.05]
    sharp = found(moved(motion, "left_heel", lifted)).standing["left_heel"]
    assert not sharp[np.abs(motion.time_s - 2) < 0.1].any()
    rough = moved(motion, "left_heel", np.random.default_rng(0).choice([0, 0.025], (240, 1)).repeat(1, 0) * [0, 0, 1.0])
    slow = dataclasses.replace(rough, time_s=rough.time_s * 10)  # scatter of 2.5 cm between frames that are still
    assert found(slow).standing["left_heel"].mean() > 0.95


def test_short_gaps_in_a_stance_are_bridged_and_long_ones_are_not() -> None:
    motion = standing_still(rate_hz=100.0)
    position = motion.position_m.copy()
    toe = motion.landmarks.index("left_toe")
    position[50:58, toe] = np.nan  # 0.08 s
    position[100:115, toe] = np.nan  # 0.15 s
    broken = np.zeros(position.shape[:2], bool)
    broken[150:153, toe] = True
    confidence = motion.confidence.copy()
    confidence[170:190, toe] = 0.2
    hidden = dataclasses.replace(motion, position_m=position, confidence=np.where(np.isnan(position[..., 0]), 0, confidence))
    contacts = detect_contacts(hidden, broken)
    assert spans(contacts.standing["left_toe"]) == [(0, 100), (115, 170), (190, 200)]
    assert contacts.strength["left_toe"][54] == 0  # nobody saw it there
    assert contacts.feet["left"].all()  # the heel stands on


def test_a_foot_that_creeps_is_a_new_stance_and_one_that_is_dragged_is_none() -> None:
    motion = standing_still(4.0)
    creeping = motion.time_s[:, None] * [0.03, 0, 0]
    runs = spans(found(moved(motion, "left_toe", creeping)).standing["left_toe"])
    assert len(runs) == 3  # 12 cm: 6 cm about the middle, and what is left on either side
    assert all((b - a) / 60 * 0.03 <= 0.06 + 1e-3 for a, b in runs)
    dragged = motion.time_s[:, None] * [0.2, 0, 0]
    both = moved(moved(motion, "left_toe", dragged), "left_heel", dragged)
    contacts = found(both)
    assert not contacts.feet["left"].any()
    assert contacts.feet["right"].all()
    everything = motion
    for name in FEET:
        everything = moved(everything, name, dragged)
    assert found(everything).feet["left"].mean() > 0.5  # film that slides: somebody has to stand


def test_a_stance_is_at_least_so_long() -> None:
    motion = walk()
    short = found(motion, ContactSettings(least_s=0.7))
    assert not any(mask.any() for mask in short.standing.values())


def test_strength_rises_and_falls_outside_the_stance_and_carries_confidence() -> None:
    motion = dataclasses.replace(walk(100.0), confidence=np.full((500, 4), 0.5))
    contacts = found(motion, ContactSettings(blend_s=0.05))
    mask, strength = contacts.standing["left_toe"], contacts.strength["left_toe"]
    np.testing.assert_allclose(strength[mask], 0.5)
    end = spans(mask)[0][1] - 1
    np.testing.assert_allclose(strength[end + 1 : end + 6], 0.5 * np.array([0.896, 0.648, 0.352, 0.104, 0.0]), atol=1e-9)  # 3 s^2 - 2 s^3


def test_toes_only_ankles_only_and_no_feet() -> None:
    motion = walk()
    toes = dataclasses.replace(
        motion, landmarks=("left_toe", "right_toe"), position_m=motion.position_m[:, [1, 3]], confidence=np.ones((300, 2))
    )
    assert set(found(toes).standing) == {"left_toe", "right_toe"}
    raised = motion.position_m[:, [0, 2]] + [0, 0, 0.11]
    ankles = dataclasses.replace(motion, landmarks=("left_ankle", "right_ankle"), position_m=raised, confidence=np.ones((300, 2)))
    contacts = found(ankles)
    assert not contacts.standing
    assert (contacts.feet["left"] == found(motion).feet["left"]).mean() > 0.98
    assert contacts.ankle_flat_m == pytest.approx(TYPICAL_ANKLE_M, abs=1e-6)
    assert contacts.floor_m + contacts.ankle_flat_m == pytest.approx(0.11, abs=1e-6)
    hands = dataclasses.replace(motion, landmarks=("left_wrist", "right_wrist"), position_m=raised, confidence=np.ones((300, 2)))
    assert not found(hands).feet
    assert found(hands).floor_m == 0.0


def test_what_is_never_sure_does_not_stand_but_there_is_a_floor() -> None:
    motion = standing_still()
    contacts = found(dataclasses.replace(motion, confidence=motion.confidence * 0.2))
    assert not contacts.feet["left"].any()
    assert contacts.floor_m == pytest.approx(0.0, abs=1e-9)


def test_a_single_frame_stands() -> None:
    assert found(standing_still(1 / 60)).feet["left"].tolist() == [True]


def test_a_box_is_stood_on_and_a_foot_held_up_is_not() -> None:
    """Left onto a box of 30 cm at 1 s, right follows at 2 s, left is held 30 cm above it from 4 s to 5 s."""
    time = np.arange(360) / 60.0

    def rise(start_s: float) -> np.ndarray:
        share = np.clip((time - start_s) / 0.4, 0, 1)
        return share**2 * (3 - 2 * share)

    left = 0.3 * rise(1.0) + 0.3 * (rise(4.0) - rise(5.0))
    right = 0.3 * rise(2.0)
    heights = {"left": left, "right": right}
    motion = feet(time, **{name: still(time, name) + heights[name.split("_")[0]][:, None] * [0, 0, 1.0] for name in FEET})
    contacts = found(motion)
    on_box = (time > 1.5) & (time < 3.95)
    assert contacts.standing["left_toe"][on_box].all()
    np.testing.assert_allclose(contacts.level_m["left_toe"][on_box], 0.3, atol=1e-3)
    assert not contacts.level_m["left_toe"][time < 1].any()
    assert not contacts.standing["left_toe"][(time > 4.3) & (time < 5.0)].any()
    assert contacts.standing["right_heel"][time > 2.5].all()
    assert contacts.floor_m == pytest.approx(0.0, abs=1e-6)


def tilted(motion: HumanMotion, degrees: float, height_m: float = 0.4) -> HumanMotion:
    world = Transform(np.array([0, 0, height_m]), so3_exp(np.radians(degrees) * np.array([0.6, -0.8, 0])))
    identity = Transform.identity(len(motion.time_s), 1)
    return dataclasses.replace(
        motion,
        position_m=world.apply(motion.position_m),
        segments=("left_foot",),
        segment_wxyz=(Transform(np.zeros(3), world.wxyz) @ identity).wxyz,
        objects={"cup": world @ Transform.identity(len(motion.time_s))},
    )


def test_a_tilted_world_is_stood_in_and_levelled() -> None:
    motion = walk()
    leaning = tilted(motion, 4.0)
    contacts, straight = found(leaning), found(motion)
    for name in FEET:
        assert (contacts.standing[name] == straight.standing[name]).mean() > 0.98
    upright = level(leaning, contacts)
    standing = np.stack([upright.point(name)[contacts.standing[name]][::10].mean(0) for name in FEET])
    np.testing.assert_allclose(standing[:, 2], 0.0, atol=5e-3)
    # Only the way round the vertical is free: what pointed up points up.
    np.testing.assert_allclose(Transform(np.zeros(3), upright.segment_wxyz[0, 0]).rotation()[:, 2], [0, 0, 1], atol=5e-3)
    np.testing.assert_allclose(upright.objects["cup"].position_m[:, 2], 0.0, atol=5e-3)
    small = level(tilted(motion, 0.5), found(tilted(motion, 0.5)))
    np.testing.assert_allclose(small.segment_wxyz[0], tilted(motion, 0.5).segment_wxyz[0], atol=1e-12)


def plain_rule(motion: HumanMotion, name: str) -> np.ndarray:
    """Low, and slow since the frame before."""
    point = motion.point(name)
    speed = np.r_[np.inf, np.linalg.norm(np.diff(point, axis=0), axis=-1) / np.diff(motion.time_s)]
    return np.asarray((point[:, 2] < np.nanpercentile(point[:, 2], 2) + 0.06) & (speed < 0.25))


def covered(motions: list[HumanMotion]) -> float:
    hit = total = 0
    for motion in motions:
        stance = inspect(motion).stance
        np.testing.assert_array_equal(stance.up, [0, 0, 1])
        for name in ("left_toe", "right_toe"):
            plain = plain_rule(motion, name)
            hit, total = hit + int((plain & stance.standing[name]).sum()), total + int(plain.sum())
    return hit / total


def test_real_stances_cover_the_plain_rule(bandai: list[Path], asap: list[Path], data: Path) -> None:
    assert covered([read_recording(path).motion for path in bandai]) >= 0.99
    assert covered([read_recording(path).motion for path in asap]) >= 0.95
    assert covered([read_recording(data / CMU).motion]) >= 0.93


def test_the_climber_stands_on_the_boxes(data: Path) -> None:
    """The boxes are 0.19 m and 0.96 m high; at the end the floor."""
    contacts = inspect(read_recording(data / CLIMB, SourceOptions(rate_hz=120)).motion).stance
    assert contacts.standing["left_toe"][1020:1440].all()
    for name in ("left_toe", "right_toe"):
        assert contacts.level_m[name][240] == pytest.approx(0.19, abs=0.02)
        assert contacts.level_m[name][1200] == pytest.approx(0.955, abs=0.02)
        assert contacts.level_m[name][-1] == 0.0


def test_a_kicking_foot_is_in_the_air(bandai: list[Path]) -> None:
    motion = read_recording(next(path for path in bandai if "kick" in path.stem)).motion
    contacts = inspect(motion).stance
    high = motion.point("right_toe")[:, 2] > 0.2
    assert high.sum() > 50
    assert not contacts.feet["right"][high].any()
    assert contacts.feet["left"][high].mean() > 0.5
