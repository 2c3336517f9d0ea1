"""An attempt against the person: things, forces, durations, and an episode that really ran."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from envs.actors import HoldActor
from envs.episodes import Episode
from envs.household.replay import Score
from envs.household.takeover import Ideal
from envs.plants import find_plant
from envs.rollout import rollout
from gap.alignment import Tracks
from gap.errors import ScoreError
from gap.human import Recording, compare_with_person, human_table
from gap.human.compare import HumanGap, ObjectGap, aligned_by_trend, force_gap, object_gaps
from gap.human.picture import human_plot
from motion.demonstration import Demonstration
from motion.errors import UnknownNameError
from motion.handling import Handling, HandTrack, Hold
from motion.provenance import Provenance
from motion.robot_motion import RobotMotion
from motion.transform import Transform, quaternion_product, so3_exp
from robots.tool_frames import T_world_tool
from tests.envs.household.small_chore import SmallChore
from tests.gap.human.made import PERIOD_S, delayed, gross_m, handling, poses, small_m, tracks

PERSON = poses(gross_m() + small_m())


def moved(own: Tracks, shift_m: tuple[float, float, float] = (0.0, 0.0, 0.0), turn_rad: tuple[float, float, float] = (0, 0, 0)) -> Tracks:
    """The same with its cup elsewhere, or turned."""
    cup = own.things["cup"]
    other = Transform(cup.position_m + np.array(shift_m), quaternion_product(cup.wxyz, so3_exp(np.array(turn_rad, float))))
    return replace(own, things={"cup": other})


def cup_of(attempt: Tracks, hinged: tuple[str, ...] = ()) -> ObjectGap:
    reference = replace(tracks(PERSON), hinged=hinged)
    attempt = replace(attempt, hinged=hinged)
    return object_gaps(attempt, reference, aligned_by_trend(attempt, reference, handling(PERSON)))["cup"]


def test_a_thing_that_goes_the_persons_way_is_not_off() -> None:
    found = cup_of(tracks(PERSON))
    assert (found.mean_m, found.max_m, found.end_m, found.end_rad) == pytest.approx((0, 0, 0, 0), abs=1e-9)
    assert found.path_ratio == pytest.approx(1.0)


def test_a_delay_is_no_distance() -> None:
    found = cup_of(delayed(tracks(PERSON), 25))
    assert found.max_m < 0.004
    assert found.path_ratio == pytest.approx(1.0, abs=0.01)


def test_how_far_and_how_turned() -> None:
    found = cup_of(moved(tracks(PERSON), (0.0, 0.0, 0.02), (0.3, 0.0, 0.0)))
    assert (found.mean_m, found.end_m) == pytest.approx((0.02, 0.02), abs=1e-3)
    assert 0.02 <= found.max_m < 0.03, "a little more, where the pairing takes distance for time"
    assert found.end_rad == pytest.approx(0.3)
    spun = moved(tracks(PERSON), turn_rad=(0.0, 0.0, 0.7))
    assert cup_of(spun).end_rad == pytest.approx(0.0, abs=1e-7), "how a cup is turned about its axis does not matter"
    assert cup_of(spun, ("cup",)).end_rad == pytest.approx(0.7), "how a door is does"


def test_half_the_way_is_half_the_path() -> None:
    cup = tracks(PERSON).things["cup"]
    short = Transform(cup.position_m[0] + 0.5 * (cup.position_m - cup.position_m[0]), cup.wxyz)
    found = cup_of(replace(tracks(PERSON), things={"cup": short}))
    assert found.path_ratio == pytest.approx(0.5, abs=0.01)
    assert found.end_m == pytest.approx(0.125, abs=1e-3)


def test_forces_by_hand() -> None:
    person = np.array([0.0, 4.0, 8.0, 4.0, math.nan])
    found = force_gap(np.array([0.0, 8.0, 16.0, 8.0, 99.0]), person, 8.0)
    assert found.correlation == pytest.approx(1.0)
    assert (found.rms_n, found.peak_ratio) == pytest.approx((math.sqrt((16 + 64 + 16) / 4), 2.0))
    idle = force_gap(np.zeros(5), person, 8.0)
    assert math.isnan(idle.correlation)
    assert idle.peak_ratio == 0.0
    assert force_gap(np.ones(2), person[:2], 8.0).peak_ratio == 0.125, "of the person's highest, though it did not come to that"


@pytest.mark.parametrize(("person", "peak_n"), [(np.full(4, np.nan), math.nan), (np.full(4, 0.3), 0.3), (np.full(4, np.nan), 9.0)])
def test_no_force_is_not_a_force_of_zero(person: np.ndarray, peak_n: float) -> None:
    assert all(math.isnan(value) for value in vars(force_gap(np.ones(4), person, peak_n)).values())


FRAMES = 150


@pytest.fixture(scope="module")
def chore() -> SmallChore:
    return SmallChore("g1_dex3")


@pytest.fixture(scope="module")
def ideal(chore: SmallChore) -> Ideal:
    """Somebody who bends an elbow, with 6 mm too little and then the rest, and takes the first thing 30 cm along."""
    robot, time = chore.robot, np.arange(FRAMES) * PERIOD_S
    posture = np.tile(robot.rest_rad, (FRAMES, 1))
    share = np.clip(time / 1.0, 0, 1)
    posture[:, robot.joint_names.index("right_elbow_joint")] -= 0.3 * share**3 * (10 - 15 * share + 6 * share**2)
    base = chore.station.T_world_base
    bases = Transform(np.tile(base.position_m, (FRAMES, 1)), np.tile(base.wxyz, (FRAMES, 1)))
    hand = chore.station.T_world_counter.inverse() @ T_world_tool(robot, "right", posture, bases)
    small = np.clip((time - 1.3) / 0.3, 0, 1)
    hand = Transform(hand.position_m + 0.006 * (small**3 * (10 - 15 * small + 6 * small**2))[:, None], hand.wxyz)
    thing = chore.listing.things[0]
    carried = np.column_stack([0.3 + 0 * time, 0.3 * np.clip((time - 1.8) / 1.0, 0, 1), 0 * time])
    things = {thing: Transform(carried, np.tile([1.0, 0, 0, 0], (FRAMES, 1)))}
    origin = Provenance("somebody", "CC0", "given")
    told = Handling(
        time,
        {"right": HandTrack(hand, np.ones(FRAMES), np.ones(FRAMES))},
        things,
        (Hold("right", thing, 1.7, 2.9),),
        provenance=origin,
    )
    motion = RobotMotion(robot.name, time, robot.joint_names, posture, bases, np.ones(FRAMES, bool), provenance=origin)
    return Ideal("full", 5, Score(motion, told), "film", "worker_007")


@pytest.fixture(scope="module")
def idle(chore: SmallChore) -> Demonstration:
    return rollout(chore, HoldActor(), [Episode("full", find_plant("nominal"), 5)], 1, 1)[0]


@pytest.fixture(scope="module")
def recording(ideal: Ideal) -> Recording:
    told = ideal.score.handling
    return Recording(
        told.time_s, {"right": told.hands["right"].T_counter_tool}, {"right": np.where(told.time_s > 1.7, 9.0, 0.1)}, told.holds
    )


@pytest.fixture(scope="module")
def gap(chore: SmallChore, ideal: Ideal, idle: Demonstration, recording: Recording) -> HumanGap:
    return compare_with_person(chore, ideal, idle, recording)


def test_an_episode_that_did_nothing(chore: SmallChore, ideal: Ideal, idle: Demonstration, gap: HumanGap) -> None:
    thing = chore.listing.things[0]
    assert (gap.actor, gap.recording, gap.worker, gap.success) == ("hold", "film", "worker_007", False)
    assert gap.objects[thing].path_ratio < 0.1
    assert gap.contacts.missing == (f"right {thing}",)
    assert gap.contacts.robot == ()
    assert math.isnan(gap.duration_ratio), "it failed, so nobody knows how long it would have taken"
    assert gap.forces["right"].peak_ratio == 0.0
    assert gap.forces["right"].rms_n <= 9.0
    right = gap.adjustments["right"]
    assert right.corrections == 1
    assert right.kept["asked"].gain == pytest.approx(1.0, abs=0.01)
    assert abs(right.kept["reference"].gain) < 0.1, "the retargeted elbow knows nothing of it"
    assert math.isnan(right.kept["policy"].gain)
    bare = compare_with_person(chore, ideal, idle)
    assert math.isnan(bare.forces["right"].rms_n)
    assert "asked" not in bare.adjustments["right"].kept


def test_it_is_plain_json(gap: HumanGap) -> None:
    told = json.loads(json.dumps(gap.to_json(), allow_nan=False))
    assert told["duration_ratio"] is None
    assert told["contacts"]["edits"] == 1
    assert HumanGap.from_json(told).to_json() == told


def test_another_layout_an_unstable_attempt_or_a_missing_signal_is_refused(chore: SmallChore, ideal: Ideal, idle: Demonstration) -> None:
    with pytest.raises(ScoreError, match="seed 5; the attempt is full, seed 6"):
        compare_with_person(chore, ideal, replace(idle, seed=6))
    broken = {**idle.signals, "wrist_m": idle.signals["wrist_m"] * math.nan}
    with pytest.raises(ScoreError, match="became unstable"):
        compare_with_person(chore, ideal, replace(idle, signals=broken))
    for missing in ("touch", "hand_force_n"):
        signals = {name: track for name, track in idle.signals.items() if name != missing}
        with pytest.raises(UnknownNameError, match=missing):
            compare_with_person(chore, ideal, replace(idle, signals=signals))


def test_the_table_has_a_column_for_each_actor_and_intervals_over_recordings(gap: HumanGap) -> None:
    gaps = [replace(gap, recording=f"film {k % 5}", contacts=replace(gap.contacts, edits=k)) for k in range(8)]
    found = human_table([*gaps, replace(gap, actor="bc")])
    few = human_table([replace(one, recording=f"film {k % 4}") for k, one in enumerate(gaps)])
    assert dict(row[:2] for row in few.rows)["Holds: edits to the person's order"] == "3.50", "four recordings make no interval"
    assert found.header == ("Measure", "hold", "bc")
    lines = {row[0]: row[1:] for row in found.rows}
    mean, one = lines["Holds: edits to the person's order"]
    low, high = (float(end) for end in mean.split("[")[1].rstrip("]").split(","))
    assert mean.startswith("3.50 [")
    assert low < 3.5 < high
    assert one == "1.00", "one attempt has no interval"
    assert "Duration, robot / person" not in lines, "nobody succeeded"
    assert "hold: 8 attempts, 5 recordings; bc: 1 attempt, 1 recording" in found.note
    with pytest.raises(ScoreError):
        human_table([])


def test_the_picture_is_one(chore: SmallChore, ideal: Ideal, idle: Demonstration, recording: Recording) -> None:
    assert human_plot(chore, ideal, idle, recording).startswith(b"\x89PNG")
    with pytest.raises(UnknownNameError, match="pan"):
        human_plot(chore, ideal, idle, recording, thing="pan")
