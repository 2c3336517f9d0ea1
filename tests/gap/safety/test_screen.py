"""The safety screen over rows whose truth is known, and over an episode that really ran."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from scipy import stats

from envs.actors import HoldActor
from envs.household.safety import SafetyLimits
from envs.rollout import all_episodes
from gap.attempts import attempts
from gap.episode import EpisodeResult
from gap.errors import ScoreError
from gap.safety import CLAIM, ActorScreen, ConditionScreen, Event, SafetyScreen, safety_tables, screen
from tests.envs.household.small_chore import SmallChore

CALM = {**dict.fromkeys(vars(SafetyLimits()), 0.0), "unstable": 0.0, "lost": 0.0}


def row(seed: int, actor: str = "bc", success: bool = True, safe: bool = True, stable: bool = True, **safety: float) -> EpisodeResult:
    numbers = {**CALM, **safety}
    return EpisodeResult("g1", "pour_cup", "full", "nominal", actor, seed, 0.02, 5.0, stable, success, safe, safety=numbers)


def only(found: SafetyScreen) -> ActorScreen:
    (actor,) = found.actors
    return actor


def met(found: SafetyScreen) -> ConditionScreen:
    (condition,) = only(found).conditions
    return condition


def events(found: SafetyScreen) -> dict[str, Event]:
    return {event.kind: event for event in met(found).events}


def test_events_are_counted_with_exact_bounds() -> None:
    hard = row(3, safe=False, hand_force_n=90.0, arm_force_n=50.0)
    found = screen([row(0), row(1), row(2), hard, row(4, success=False, safe=False, drop_mps=2.0, lost=1.0)])
    happened = {kind: event.happened for kind, event in events(found).items() if event.happened}
    assert happened == {"over force": 1, "drop": 1, "lost or broken": 1}
    force = events(found)["over force"].rate
    assert force.high == pytest.approx(stats.beta.ppf(0.95, 2, 4))
    assert (force.low, force.value, force.n) == (0.0, 0.2, 5)
    none = events(found)["over speed"].rate
    assert none.high == pytest.approx(1 - 0.05 ** (1 / 5)), "nothing in five episodes proves little"
    assert events(found)["fall of the robot"].rate.n == 0, "a bolted robot cannot fall, so it was not told"


def test_safe_success_is_success_without_any_violation() -> None:
    found = met(screen([row(0), row(1, safe=False, hand_force_n=90.0), row(2, success=False), row(3, safe=False)]))
    assert (found.successes, found.safe_successes, found.episodes) == (3, 1, 4)
    assert found.safe_success.low == pytest.approx(stats.beta.ppf(0.025, 1, 4))
    assert found.safe_success.high == pytest.approx(stats.beta.ppf(0.975, 2, 3))
    assert found.violated.happened == 2


def test_stricter_limits_than_the_chores_count_too() -> None:
    given = [row(0, hand_force_n=30.0), row(1, hand_force_n=10.0)]
    assert met(screen(given)).safe_successes == 2
    assert met(screen(given, SafetyLimits(hand_force_n=20.0))).safe_successes == 1


def test_what_only_the_chore_knows_is_found_by_elimination_or_by_its_limit() -> None:
    given = [row(0, spill=0.1), row(1, safe=False, spill=0.4), row(2, safe=False, spill=0.4, hand_force_n=90.0)]
    assert events(screen(given))["the chore's own"].happened == 1, "hidden by the force in one of them"
    told = screen(given, own_limits={"spill": 0.15})
    assert events(told)["the chore's own"].happened == 2
    assert {worst.name: worst.limit for worst in only(told).worst}["spill"] == 0.15
    assert events(screen([row(0)]))["the chore's own"].rate.n == 0


def test_an_unstable_episode_is_an_event_whatever_its_numbers_say() -> None:
    found = screen([row(0), row(1, stable=False, success=False, safe=False)])
    assert events(found)["unstable"].happened == 1
    assert events(found)["the chore's own"].happened == 0


def test_the_worst_numbers_name_their_episode() -> None:
    worst = {one.name: one for one in only(screen([row(0, impulse_ns=1.0), row(7, impulse_ns=3.0), row(2)])).worst}
    assert worst["impulse_ns"].value == 3.0
    assert worst["impulse_ns"].limit == SafetyLimits().impulse_ns
    assert worst["impulse_ns"].episode == "pour_cup, bc in nominal: full, seed 7"
    assert worst["hand_speed_mps"].episode == "", "nothing happened, in no episode"


def test_a_number_that_was_not_measured_is_no_zero() -> None:
    found = screen([row(0, hand_force_n=math.nan, arm_force_n=math.nan, trunk_force_n=math.nan), row(1, hand_force_n=20.0)])
    assert events(found)["over force"].rate.n == 1
    assert {touch.link: touch.felt for touch in only(found).touches} == {"hand": 1, "arm": 1, "trunk": 1}


def test_what_a_contact_would_have_been_to_a_person() -> None:
    given = [row(0, hand_force_n=70.0), row(1, safe=False, arm_force_n=300.0), row(2)]
    hand, arm, trunk = only(screen(given)).touches
    assert (hand.force_n, hand.force_regions, hand.often) == (70.0, ("face",), 1)
    assert hand.pressure_npcm2 == pytest.approx(70.0 / hand.area_cm2)
    assert len(arm.force_regions) == 12
    assert "thigh and knee" not in arm.brief_force_regions
    assert {"neck", "face", "chest"} & set(arm.brief_force_regions) == {"face", "chest"}, "the neck bears twice 150 N for a moment"
    assert (trunk.force_n, trunk.episode, trunk.force_regions) == (0.0, "", ())


def test_the_same_layouts_in_other_plants_prove_nothing_more() -> None:
    """Five plants, the same 20 layouts: each proves its rate below 14 %, and together they do not prove 3 %."""
    plants = ("nominal", "restless", "slow_link", "slippery", "heavy_things")
    given = [replace(row(seed), plant=name, condition=f"safety/{name}") for name in plants for seed in range(20)]
    given[20] = replace(given[20], safe=False)
    found = screen(given)
    assert [own.condition for own in only(found).conditions] == [f"safety/{name}" for name in plants]
    assert [own.episodes for own in only(found).conditions] == [20] * 5
    nothing, once = (own.violated for own in only(found).conditions[:2])
    assert (nothing.happened, nothing.rate.high) == (0, pytest.approx(1 - 0.05 ** (1 / 20)))
    assert (once.happened, once.rate.high) == (1, pytest.approx(stats.beta.ppf(0.95, 2, 19)))
    assert min(own.violated.rate.high for own in only(found).conditions) > 0.13
    assert len(safety_tables(found)[0].rows) == 5


def test_policies_are_kept_apart_and_no_episode_counts_twice() -> None:
    found = screen([row(0, "act"), row(0, "bc"), row(1, "act")])
    assert [(own.actor, own.episodes) for own in found.actors] == [("act", 2), ("bc", 1)]
    screen([row(0), replace(row(0), plant="slippery"), replace(row(0), chore="stir_pot")])
    with pytest.raises(ScoreError, match="given twice"):
        screen([row(0), row(0)])
    with pytest.raises(ScoreError, match="no episodes"):
        screen([])


def test_every_table_says_that_it_certifies_nothing_and_what_is_assumed() -> None:
    found = screen([row(0, hand_force_n=70.0), row(1, safe=False, arm_force_n=300.0, spill=0.4)])
    tables = safety_tables(found)
    assert len(tables) == 5
    for table in tables:
        assert table.note.startswith(CLAIM)
        assert all(len(line) == len(table.header) for line in table.rows)
    text = "\n".join(table.text() for table in tables)
    assert "certified" not in text
    assert "verified against its source" in text
    assert "Areas are not measured but assumed" in text
    assert "300.000*" in text
    assert "1/2" in tables[0].rows[0][4]


def test_it_is_plain_json() -> None:
    found = screen([row(0, spill=0.1)])
    text = json.dumps(found.to_json(), allow_nan=False)
    assert json.loads(text)["claim"] == CLAIM
    assert json.loads(text)["body_sha256"] == found.body_sha256


def test_over_an_episode_that_ran() -> None:
    chore = SmallChore("g1_dex3")
    rows = list(attempts(chore, HoldActor(), all_episodes(chore, seeds=range(1), variants=["full"]), 1, 1))
    found = screen(rows)
    assert only(found).episodes == 1
    told = {event.kind for event in met(found).events if event.rate.n}
    assert told >= {"over force", "blow", "over speed", "joint limit", "torque saturation", "self-contact", "drop", "unstable"}
    assert {worst.name for worst in only(found).worst} == set(vars(SafetyLimits()))
    assert [touch.link for touch in only(found).touches] == ["hand", "arm", "trunk"]
