"""The card of a data set: README.md, in Markdown; everything that somebody has to know before they use it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from workers.dataset.make import Outcome
from workers.dataset.plan import AUGMENTED, RECORDED, TESTS, TRAIN, Recipe

_MOST_REASONS = 25
_SPLIT_WORDS = {
    TRAIN: "to train on",
    "test_objects": "things that training never has",
    "test_layouts": "places that training never has",
    "test_workers": "shown by workers that training never sees",
    "test_chores": "chores that training never sees",
}


def card_text(recipe: Recipe, index: Mapping[str, Any], outcomes: Sequence[Outcome]) -> str:
    """The card.

    Args:
        recipe: what the data set was made of.
        index: as `index.json` has it.
        outcomes: of all jobs.
    """
    parts = [
        f"# Demonstrations of {recipe.robot}: {', '.join(recipe.chores)}",
        _summary(recipe, index),
        "## Data sets",
        "One for each split and chore, in the LeRobot layout, each with a card of its own; `sha256` is the digest of its "
        "`meta/understudy.json`, which holds those of all its files.",
        _datasets(index["datasets"]),
        "## Splits",
        _splits(index),
        "## Where it comes from",
        _origin(recipe, index, outcomes),
        "## What was tried, and what was kept",
        _kept(outcomes),
        "Coverage by worker, kinds of things and layouts: `coverage.csv`, `coverage.png`. Every job: `jobs.json`.",
        "## What was dropped, and why",
        _dropped(outcomes),
        "## How it was made",
        _made(recipe, index),
    ]
    return "\n\n".join(parts) + "\n"


def _summary(recipe: Recipe, index: Mapping[str, Any]) -> str:
    parts = index["datasets"]
    hours = sum(part["frames"] / part["fps"] for part in parts) / 3600
    episodes = sum(part["episodes"] for part in parts)
    return f"{episodes} demonstrations, {hours:.2f} hours, robot `{recipe.robot}`, plant `{recipe.plant}`. Only successes are kept."


def _datasets(parts: Sequence[Mapping[str, Any]]) -> str:
    lines = ["| folder | episodes | frames | sha256 |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| `{p['folder']}` | {p['episodes']} | {p['frames']} | `{p['sha256'][:16]}` |" for p in parts)])


def _splits(index: Mapping[str, Any]) -> str:
    splits, there = index["splits"], {part["split"] for part in index["datasets"]}
    lines = [f"Version {splits['version']} (`{splits['sha256'][:16]}`). The leak check of the finished set found nothing."]
    lines += [f"- `{split}`: {_SPLIT_WORDS[split]}." for split in (TRAIN, *TESTS) if split in there]
    return "\n".join([lines[0], "", *lines[1:]])


def _origin(recipe: Recipe, index: Mapping[str, Any], outcomes: Sequence[Outcome]) -> str:
    workers = sorted({one.worker for one in outcomes if one.kept})
    licences, consents = ({part[what] for part in index["datasets"]} for what in ("licence", "consent"))
    lines = [
        f"- People: {len(workers)} simulated workers ({', '.join(workers[:8])}{', ...' if len(workers) > 8 else ''}), "
        f"filmed by a phone ({recipe.view}), with trackers and grip sensors as noisy as real ones.",
        "- Augmented demonstrations were carried over from recordings of the same split; each names its origin, the segments and what "
        "each of them followed, in its provenance.",
        f"- Licence: {' + '.join(sorted(licences)) or 'none'}.",
        f"- Consent: {' + '.join(sorted(consents)) or 'none'}.",
    ]
    return "\n".join(lines)


def _kept(outcomes: Sequence[Outcome]) -> str:
    lines = ["| chore | split | recorded | augmented | of these at the first attempt |", "|---|---|---|---|---|"]
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault((one.job.chore, one.job.split), []).append(one)
    for (chore, split), own in sorted(groups.items()):
        recorded, augmented = ([one for one in own if one.job.kind == kind] for kind in (RECORDED, AUGMENTED))
        cells = [f"{sum(one.kept for one in some)} of {len(some)}" for some in (recorded, augmented)]
        lines.append(f"| {chore} | {split} | {' | '.join(cells)} | {sum(one.first for one in augmented)} |")
    return "\n".join(lines)


def _dropped(outcomes: Sequence[Outcome]) -> str:
    found = Counter((one.job.chore, one.dropped_at, one.reason) for one in outcomes if not one.kept)
    if not found:
        return "Nothing."
    lines = ["| chore | step | reason | count |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(word.replace('|', '/') for word in key)} | {count} |" for key, count in found.most_common(_MOST_REASONS)]
    rest = len(found) - _MOST_REASONS
    return "\n".join(lines) + (f"\n\n... and {rest} more reasons, in `dropped.csv`." if rest > 0 else "")


def _made(recipe: Recipe, index: Mapping[str, Any]) -> str:
    settings = " ".join(f"{name}={_shown(value)}" for name, value in recipe.to_json().items())
    versions = ", ".join(f"{name} {number}" for name, number in index["versions"].items())
    command = f"```bash\npython -m workers dataset {settings} output=FOLDER\n```"
    return f"{command}\n\nCommit {index['git_commit'] or 'unknown'}; {versions}."


def _shown(value: Any) -> str:
    return "[" + ",".join(map(str, value)) + "]" if isinstance(value, list | tuple) else str(value)
