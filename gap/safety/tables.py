"""The safety screen as tables. Each says what it is not."""

from __future__ import annotations

from gap.catalogue import metric
from gap.safety.screen import Event, SafetyScreen, Touch, Worst
from gap.statistics import Interval
from gap.tables import DASH, Table, number

_UNITS = {"ns": "Ns", "deg": "deg"}
"""Endings of names that the catalogue does not read as units."""
_MANY = 4
"""More regions than this are counted, not named."""


def safety_tables(screen: SafetyScreen) -> tuple[Table, ...]:
    """Safe success, events, worst numbers, and what contacts would have been to a person; without those that would be empty."""
    tables = (_safe_success(screen), _events(screen), _worst(screen), _forces(screen), _pressures(screen))
    return tuple(table for table in tables if table.rows)


_STOPPED = "Where it could stop early, intervals and bounds are for all times instead."
_EACH = "Each condition for itself: the same layouts come back under the next, so they are not added up."


def _safe_success(screen: SafetyScreen) -> Table:
    rows = tuple(
        (
            actor.actor,
            own.condition,
            str(own.episodes),
            f"{own.successes}/{own.episodes} {_ends(own.success)}",
            f"{own.safe_successes}/{own.episodes} {_ends(own.safe_success)}",
            f"{own.violated.happened}/{own.violated.rate.n}",
            _percent(own.violated.rate.high),
        )
        for actor in screen.actors
        for own in actor.conditions
    )
    header = ("Actor", "Condition", "Episodes", "Success", "Safe success", "Violated anything", "Proved below (%)")
    note = (
        "Safe success: success, and nothing violated in the whole episode. In brackets 95 % intervals in per cent: Wilson of success, "
        f"Clopper-Pearson of safe success. Proved below: one-sided 95 % Clopper-Pearson bound. {_STOPPED} {_EACH}"
    )
    return Table("Safe success", header, rows, f"{screen.claim} {note}")


def _events(screen: SafetyScreen) -> Table:
    rows = tuple(
        (actor.actor, own.condition, *_event(event))
        for actor in screen.actors
        for own in actor.conditions
        for event in own.events
        if event.rate.n
    )
    note = (
        "Episodes with such an event, of those in which it could be told. Proved below: one-sided 95 % Clopper-Pearson bound, each for "
        f"itself. {_STOPPED} {_EACH} Numbers of an episode that became unstable are those of its finite part. The chore's own: what only "
        "this chore calls harm, as far as nothing else was violated."
    )
    return Table(
        "Safety events", ("Actor", "Condition", "Event", "Episodes", "Rate (%)", "Proved below (%)"), rows, f"{screen.claim} {note}"
    )


def _event(event: Event) -> tuple[str, ...]:
    return event.kind, f"{event.happened}/{event.rate.n}", _percent(event.rate.value), _percent(event.rate.high)


def _worst(screen: SafetyScreen) -> Table:
    rows = tuple((own.actor, *_worst_row(worst)) for own in screen.actors for worst in own.worst)
    note = (
        "The highest of any episode under any condition; a star: beyond its limit. Forces are means over 20 ms. A dash: the limit is "
        "the chore's own, and may differ by scene."
    )
    return Table("Worst", ("Actor", "Number", "Worst", "Limit", "Episode"), rows, f"{screen.claim} {note}")


def _worst_row(worst: Worst) -> tuple[str, ...]:
    shown = metric(worst.name)
    star = "*" if worst.value > worst.limit else ""
    words, _, ending = worst.name.rpartition("_")
    heading = f"{words.replace('_', ' ').capitalize()} ({_UNITS[ending]})" if ending in _UNITS else shown.heading
    return heading, number(worst.value, shown) + star, number(worst.limit, shown), worst.episode or DASH


def _forces(screen: SafetyScreen) -> Table:
    rows = tuple((own.actor, *_force_row(touch, screen.regions)) for own in screen.actors for touch in own.touches)
    header = ("Actor", "Links", "Force (N)", "Lasting, too much for", "Brief, too much for", "Episodes beyond any", "Episode of the worst")
    note = (
        "The hardest contact of each class of links, whatever it was with, beside what regions of a person's body bear. The force is the "
        "sum over all links of one class on one side, a grip's opposite fingers included, and the robot's own links where it touches "
        f"itself: no single contact was harder. {_figures(screen)}"
    )
    return Table("Had it been a person's body: force", header, rows, f"{screen.claim} {note}")


def _force_row(touch: Touch, regions: int) -> tuple[str, ...]:
    named = (_named(touch.force_regions, regions), _named(touch.brief_force_regions, regions))
    often = f"{touch.often}/{touch.felt}"
    return touch.link, f"{touch.force_n:.0f}", *named, often, touch.episode or DASH


def _pressures(screen: SafetyScreen) -> Table:
    rows = tuple((own.actor, *_pressure_row(touch, screen.regions)) for own in screen.actors for touch in own.touches)
    header = ("Actor", "Links", "Area (cm2), assumed", "Pressure (N/cm2)", "Lasting, too much for", "Brief, too much for")
    areas = "; ".join(f"{link}: {what}" for link, what in screen.assumed.items())
    note = f"The same contacts. Areas are not measured but assumed, and so are pressures, which rest on them ({areas}). {_figures(screen)}"
    return Table("Had it been a person's body: pressure", header, rows, f"{screen.claim} {note}")


def _pressure_row(touch: Touch, regions: int) -> tuple[str, ...]:
    named = (_named(touch.pressure_regions, regions), _named(touch.brief_pressure_regions, regions))
    return touch.link, f"{touch.area_cm2:g}", f"{touch.pressure_npcm2:.0f}", *named


def _figures(screen: SafetyScreen) -> str:
    """Where the body's figures come from, and whether anybody looked."""
    if not screen.unverified:
        checked = "Every figure was held against its source."
    elif len(screen.unverified) == screen.regions + len(screen.assumed):
        checked = "None of the figures has been verified against its source."
    else:
        checked = f"Not verified against their source: {', '.join(screen.unverified)}."
    read = "Lasting: as if the peak, a mean over 20 ms, did not end. Brief: within half a second."
    return f"{read} {screen.standard}; figures {screen.body} ({screen.body_sha256[:12]}). {checked}"


def _named(names: tuple[str, ...], regions: int) -> str:
    if not names:
        return "none"
    if len(names) == regions:
        return f"all {regions}"
    return ", ".join(names) if len(names) <= _MANY else f"{len(names)} of {regions}, {names[0]} and {names[1]} among them"


def _percent(share: float) -> str:
    return DASH if share != share else f"{100 * share:.1f}"


def _ends(interval: Interval) -> str:
    return f"[{_percent(interval.low)}, {_percent(interval.high)}]" if interval.has_ends else ""
