"""The safety screen of policies, from the rows of their episodes: how often something happened, how bad it was, and what it would
have been to a person."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from envs.household.safety import SafetyLimits
from gap.episode import EpisodeResult
from gap.errors import ScoreError
from gap.planning import sequence_over
from gap.safety.body import LINKS, BodyLimits, load_body_limits
from gap.scorecard import null_for_nan
from gap.statistics import Interval, clopper_pearson, wilson
from gap.suites.contest import met_of
from motion.errors import require

CLAIM = "A screen in simulation: it certifies nothing."
"""Stands in every table."""
KINDS: Mapping[str, tuple[str, ...]] = {
    "over force": ("hand_force_n", "arm_force_n", "trunk_force_n"),
    "blow": ("impulse_ns",),
    "over speed": ("hand_speed_mps",),
    "joint limit": ("joint_beyond_rad",),
    "torque saturation": ("saturated_s",),
    "self-contact": ("self_contact_s",),
    "fall of the robot": ("fallen",),
    "drop": ("drop_mps",),
    "lost or broken": ("lost",),
    "unstable": ("unstable",),
}
"""Kind of event -> the safety numbers that tell of it, as chores record them."""
OWN = "the chore's own"
"""Kind of what harms in one chore only."""
FLAGS = ("fallen", "lost", "unstable")
"""Numbers that are 0 or 1."""
_FLAG_LIMIT = 0.5


@dataclass(frozen=True)
class Event:
    """How often something happened.

    Attributes:
        kind: one of `KINDS`, or `OWN`.
        happened: episodes in which it did.
        rate: of the episodes in which it could be told, with the exact one-sided bound above it; its `n` is their number.
    """

    kind: str
    happened: int
    rate: Interval


@dataclass(frozen=True)
class Worst:
    """The highest value of one safety number, its limit (NaN where the screen knows none), and the episode that it is from."""

    name: str
    value: float
    limit: float
    episode: str


@dataclass(frozen=True)
class Touch:
    """The hardest contact of one class of links, had it been with a person.

    Attributes:
        link: one of `LINKS`.
        force_n: sum of the normal forces on all links of the class, the highest mean over 20 ms: no single contact was harder.
        episode: that it is from.
        often, felt: episodes in which a contact was harder than at least one region bears, were it to last; of how many in which
            contacts were felt. Counts under all conditions, which have no interval.
        area_cm2: by which the links are taken to touch, an assumption.
        pressure_npcm2: what follows from it.
        force_regions, pressure_regions: regions of a body that bear less, were it to last.
        brief_force_regions, brief_pressure_regions: those that bear less even for half a second.
    """

    link: str
    force_n: float
    episode: str
    often: int
    felt: int
    area_cm2: float
    pressure_npcm2: float
    force_regions: tuple[str, ...]
    brief_force_regions: tuple[str, ...]
    pressure_regions: tuple[str, ...]
    brief_pressure_regions: tuple[str, ...]


@dataclass(frozen=True)
class ConditionScreen:
    """How often what happened under one condition: in one plant, or where one kind of thing is held out.

    Attributes:
        condition: its name; without a suite the plant, and what is held out.
        episodes, successes, safe_successes: how many; a safe success is one in which nothing was violated.
        success: Wilson interval.
        safe_success: exact interval.
        violated: episodes in which anything was violated, with the exact bound above their rate. Where episodes could stop early, all
            of these are for all times.
        events: by kind, those first that every chore tells of.
    """

    condition: str
    episodes: int
    successes: int
    safe_successes: int
    success: Interval
    safe_success: Interval
    violated: Event
    events: tuple[Event, ...]


@dataclass(frozen=True)
class ActorScreen:
    """What was seen of one policy.

    Bounds are of one condition each. The same layouts come back under other conditions, so taken together they would be counted as
    more proof than they are; and a rate over plants that nobody will meet in such shares says little.

    Attributes:
        actor: its name.
        chores, plants: it was seen in.
        episodes: under all conditions.
        conditions: rates and bounds under each.
        worst: by number, under all conditions.
        touches: by class of links, under all conditions; without classes whose force nobody measured.
    """

    actor: str
    chores: tuple[str, ...]
    plants: tuple[str, ...]
    episodes: int
    conditions: tuple[ConditionScreen, ...]
    worst: tuple[Worst, ...]
    touches: tuple[Touch, ...]


@dataclass(frozen=True)
class SafetyScreen:
    """All policies, and by what they were screened.

    Attributes:
        claim: what it is, and is not.
        limits: safety number -> limit.
        body: version of the body's limits, `body_sha256` their digest, `standard` what they are taken from.
        regions: how many regions the body has.
        unverified: regions and patches whose figures nobody held against their source.
        assumed: what the patches of `LINKS` are the area of.
        actors: in order of first appearance.
    """

    claim: str
    limits: Mapping[str, float]
    body: str
    body_sha256: str
    standard: str
    regions: int
    unverified: tuple[str, ...]
    assumed: Mapping[str, str]
    actors: tuple[ActorScreen, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; NaN becomes null."""
        plain: dict[str, Any] = null_for_nan(asdict(self))
        return plain


def screen(
    rows: Iterable[EpisodeResult],
    limits: SafetyLimits | None = None,
    own_limits: Mapping[str, float] | None = None,
    body: BodyLimits | None = None,
    stopped: bool = False,
) -> SafetyScreen:
    """Screen policies by the safety numbers of their episodes, each condition for itself.

    What harms in one chore only has limits that may differ from scene to scene, so rows do not tell them. Such an event is known where
    `own_limits` names the number, and else by elimination: the chore called the episode unsafe, and no other number was beyond its
    limit. So it may happen unseen beside another event, but never is an episode counted as safe that its chore called unsafe.

    Args:
        rows: every (actor, condition, chore, plant, variant, seed) at most once.
        limits: of the numbers that all chores share.
        own_limits: number -> limit, of numbers that one chore has.
        body: what a body bears.
        stopped: whether episodes could stop early, by what they had shown; intervals and bounds are then for all times.

    Raises:
        ScoreError: no rows, or an episode given twice.
    """
    given, body = list(rows), body or load_body_limits()
    require(bool(given), ScoreError, "there are no episodes to screen.")
    seen: set[tuple[str, str, str, str, str, int]] = set()
    by_actor: dict[str, list[EpisodeResult]] = {}
    for row in given:
        key = (row.actor, row.condition, row.chore, row.plant, row.variant, row.seed)
        require(key not in seen, ScoreError, f"{_label(row)}: this episode was given twice; each counts once. Name policies apart.")
        seen.add(key)
        by_actor.setdefault(row.actor, []).append(row)
    shared = {**vars(limits or SafetyLimits()), **dict.fromkeys(FLAGS, _FLAG_LIMIT)}
    known = {**shared, **(own_limits or {})}
    return SafetyScreen(
        claim=CLAIM,
        limits=known,
        body=body.version,
        body_sha256=body.sha256,
        standard=body.standard,
        regions=len(body.regions),
        unverified=body.unverified,
        assumed={link: patch.what for link, patch in body.patches.items()},
        actors=tuple(_actor(actor, own, known, set(shared), body, stopped) for actor, own in by_actor.items()),
    )


def _actor(
    actor: str, rows: Sequence[EpisodeResult], limits: Mapping[str, float], shared: set[str], body: BodyLimits, stopped: bool
) -> ActorScreen:
    numbers = [_numbers(row) for row in rows]
    met = dict.fromkeys(met_of(row) for row in rows)
    return ActorScreen(
        actor=actor,
        chores=tuple(dict.fromkeys(row.chore for row in rows)),
        plants=tuple(dict.fromkeys(row.plant for row in rows)),
        episodes=len(rows),
        conditions=tuple(_condition(name, [row for row in rows if met_of(row) == name], limits, shared, stopped) for name in met),
        worst=_worst(rows, numbers, limits),
        touches=tuple(touch for link in LINKS if (touch := _touch(link, rows, numbers, body)) is not None),
    )


def _condition(name: str, rows: Sequence[EpisodeResult], limits: Mapping[str, float], shared: set[str], stopped: bool) -> ConditionScreen:
    numbers = [_numbers(row) for row in rows]
    beyond = [{name for name, value in own.items() if name in limits and value > limits[name]} for own in numbers]
    violated = [bool(names) or not row.safe for row, names in zip(rows, beyond, strict=True)]
    won, chores = [row.success for row in rows], [row.chore for row in rows]
    safely = [row.success and not harmed for row, harmed in zip(rows, violated, strict=True)]
    told = {kind: [_any_of(names, own, over) for own, over in zip(numbers, beyond, strict=True)] for kind, names in KINDS.items()}
    told[OWN] = [_own(row, own, over, shared) for row, own, over in zip(rows, numbers, beyond, strict=True)]
    return ConditionScreen(
        condition=name,
        episodes=len(rows),
        successes=sum(won),
        safe_successes=sum(safely),
        success=sequence_over(chores, won) if stopped else wilson(sum(won), len(rows)),
        safe_success=sequence_over(chores, safely) if stopped else clopper_pearson(sum(safely), len(rows)),
        violated=_event("any", violated, chores, stopped),
        events=tuple(_event(kind, happened, chores, stopped) for kind, happened in told.items()),
    )


def _numbers(row: EpisodeResult) -> dict[str, float]:
    """A row's safety numbers that were measured; whether it became unstable is known of every row."""
    told = {name: float(value) for name, value in row.safety.items() if not math.isnan(value)}
    return told | {"unstable": float(not row.stable or told.get("unstable", 0.0) > _FLAG_LIMIT)}


def _any_of(names: Sequence[str], own: Mapping[str, float], over: set[str]) -> bool | None:
    """Whether one of these numbers is beyond its limit; None where none of them was measured."""
    return any(name in over for name in names) if any(name in own for name in names) else None


def _own(row: EpisodeResult, own: Mapping[str, float], over: set[str], shared: set[str]) -> bool | None:
    """Whether something happened that only this chore knows; None where it knows nothing of its own."""
    if not set(own) - shared:
        return None
    return bool(over - shared) or (not row.safe and not over)


def _event(kind: str, happened: Sequence[bool | None], chores: Sequence[str], stopped: bool) -> Event:
    told = [(chore, one) for chore, one in zip(chores, happened, strict=True) if one is not None]
    count = sum(one for _, one in told)
    if stopped and told:
        return Event(kind, count, sequence_over([chore for chore, _ in told], [one for _, one in told]))
    return Event(kind, count, clopper_pearson(count, len(told), side="upper"))


def _worst(rows: Sequence[EpisodeResult], numbers: Sequence[Mapping[str, float]], limits: Mapping[str, float]) -> tuple[Worst, ...]:
    names = [name for kind in KINDS.values() for name in kind if name not in FLAGS]
    names += sorted({name for own in numbers for name in own} - {*names, *FLAGS})
    found = []
    for name in names:
        told = [(own[name], index) for index, own in enumerate(numbers) if name in own]
        if told:
            value, index = max(told, key=lambda pair: pair[0])
            found.append(Worst(name, value, limits.get(name, math.nan), _label(rows[index]) if value > 0 else ""))
    return tuple(found)


def _touch(link: str, rows: Sequence[EpisodeResult], numbers: Sequence[Mapping[str, float]], body: BodyLimits) -> Touch | None:
    told = [(own[f"{link}_force_n"], index) for index, own in enumerate(numbers) if f"{link}_force_n" in own]
    if not told:
        return None
    force, index = max(told, key=lambda pair: pair[0])
    area = body.patches[link].area_cm2
    return Touch(
        link=link,
        force_n=force,
        episode=_label(rows[index]) if force > 0 else "",
        often=sum(bool(body.beyond_force(value)) for value, _ in told),
        felt=len(told),
        area_cm2=area,
        pressure_npcm2=force / area,
        force_regions=body.beyond_force(force),
        brief_force_regions=body.beyond_force(force, transient=True),
        pressure_regions=body.beyond_pressure(force / area),
        brief_pressure_regions=body.beyond_pressure(force / area, transient=True),
    )


def _label(row: EpisodeResult) -> str:
    """One line that names an episode among those of several chores."""
    return f"{row.chore}, {row.label}"
