"""What the panel says of a file, in markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from motion.provenance import Provenance
from retarget.measure import NUMBERS
from retarget.view.lineage import Shown
from retarget.view.recording import Recording


def motion_headline(shown: Shown) -> str:
    """The file, the robot and the card's verdict."""
    return f"**{shown.path.name}** on **{shown.body.robot.name}**: {(shown.card or {}).get('verdict', 'no card')}"


def recording_headline(recording: Recording) -> str:
    """The file, its length and its rate."""
    human = recording.human
    return f"**{recording.path.name}**: {human.time_s[-1] - human.time_s[0]:.2f} s at {human.rate_hz:.4g} Hz"


def motion_pages(shown: Shown, not_drawn: Sequence[str]) -> dict[str, str]:
    """Tab -> what it says of a robot's motion."""
    origin = [f"robot's description: {shown.body.robot.licence or 'licence unstated'}", *shown.notes]
    origin += [f"not drawn: {note}" for note in not_drawn[:3]]
    pages = {"Card": _card(shown)}
    if shown.card and shown.card.get("understood"):
        pages["Understood"] = _understood(shown.path.name, shown.card["understood"])
    return pages | {"Origin": _origin(shown.path.name, shown.motion.provenance, origin)}


def recording_pages(recording: Recording) -> dict[str, str]:
    """Tab -> what it says of a recording."""
    name, human = recording.path.name, recording.human
    stature = f", {human.subject.height_m:.2f} m tall" if human.subject.height_m else ""
    origin = _origin(name, human.provenance, [f"person: {human.subject.pseudonym}{stature}"])
    return {"Understood": _understood(name, recording.understood), "Origin": origin}


def _card(shown: Shown) -> str:
    """The card's verdict, reasons and numbers."""
    card = shown.card
    if not card:
        return f"No quality card lies beside {shown.path.name}."
    reasons = _list(card.get("reasons", ()) or ("nothing to say",))
    numbers = ((name, value) for name, value in card.get("numbers", {}).items() if value is not None and name in NUMBERS)
    table = "\n".join(f"| {NUMBERS[name].label} | {value:.4g} | {NUMBERS[name].unit} |" for name, value in numbers)
    return f"**{shown.path.name}: {card.get('verdict', '')}**\n\n{reasons}\n\n| measure | value | |\n|---|---|---|\n{table}"


def _understood(name: str, understood: Mapping[str, str]) -> str:
    """The reading's report."""
    return f"**{name}**\n{_list(f'{key}: {value}' for key, value in understood.items())}"


def _origin(name: str, origin: Provenance, more: Sequence[str]) -> str:
    """Where a file came from and what it may be used for."""
    parents = ", ".join(parent.name for parent in origin.parents) or "none"
    lines = (
        f"source: {origin.source}",
        f"licence: {origin.licence}",
        f"consent: {origin.consent}",
        f"made from: {parents}",
        f"by: {origin.tool or 'unknown'}, commit {origin.git_commit[:12] or 'unknown'}",
        *more,
    )
    return f"**{name}**\n{_list(lines)}"


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
