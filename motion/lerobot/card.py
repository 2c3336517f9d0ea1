"""The data card: README.md of a data set, with the front matter that the Hugging Face hub reads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from motion.provenance import UNSTATED, Provenance

_HUB_LICENCES = ("apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "bsd-3-clause")
"""Licences that the hub knows by name; any other is "other" with its own name."""
_MOST_ROWS = 40
"""Rows of a table in the card."""


def card_text(
    head: Mapping[str, Any],
    info: Mapping[str, Any],
    tasks: Sequence[str],
    episodes: Sequence[Mapping[str, Any]],
    provenance: Provenance,
) -> str:
    """The card.

    Args:
        head: what all episodes share, as `understudy.json` has it.
        info: as `info.json` has it.
        tasks: in words.
        episodes: rows of the episode table.
        provenance: of the whole.
    """
    hours = info["total_frames"] * head["period_s"] / 3600
    name = f"{head['robot']}: {', '.join(sorted({row['chore'] for row in episodes}))}"
    parts = [
        f"# {name}",
        f"{len(episodes)} episodes of the robot `{head['robot']}` ({len(head['joint_names'])} joints) at {info['fps']} Hz: "
        f"{info['total_frames']} frames, {hours:.2f} hours. Split: `{head['split']}`. Layout: LeRobot {info['codebase_version']}.",
        "Actions are joint-position targets in rad, in the order of the joints below; units of the rest are in the table of columns.",
        "## Chores",
        _chores(episodes),
        "## Tasks",
        _listed(tasks),
        "## How it was made",
        _made(episodes, provenance),
        "## Columns",
        _columns(head["features"]),
        "## Joints",
        ", ".join(f"`{joint}`" for joint in head["joint_names"]),
    ]
    return _front(name, head, len(episodes), provenance) + "\n\n".join(parts) + "\n"


def _front(name: str, head: Mapping[str, Any], episodes: int, provenance: Provenance) -> str:
    """Front matter as the hub wants it."""
    front: dict[str, Any] = {"pretty_name": name, **_licence(provenance.licence)}
    front |= {"task_categories": ["robotics"], "tags": ["LeRobot", "understudy", "humanoid", head["robot"]]}
    front["configs"] = [{"config_name": "default", "data_files": "data/*/*.parquet"}]
    return f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---\n\n"


def _licence(licence: str) -> dict[str, str]:
    plain = licence.strip().lower().replace(" ", "-")
    if plain in _HUB_LICENCES:
        return {"license": plain}
    return {"license": "unknown"} if licence == UNSTATED else {"license": "other", "license_name": licence}


def _chores(episodes: Sequence[Mapping[str, Any]]) -> str:
    """Counts and success by chore, variant and plant."""
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in episodes:
        groups.setdefault((row["chore"], row["variant"], row["plant"]), []).append(row)
    lines = ["| chore | variant | plant | episodes | success | success, nothing violated |", "|---|---|---|---|---|---|"]
    for names, rows in sorted(groups.items())[:_MOST_ROWS]:
        good = [row for row in rows if row["success"]]
        safe = sum(not row["violations"] for row in good)
        judged = any(row["violations"] or json.loads(row["scene"]) for row in rows)  # limits come with chores that have things
        shares = (f"{len(good) / len(rows):.1%}", f"{safe / len(rows):.1%}" if judged else "not judged")
        lines.append(f"| {' | '.join(names)} | {len(rows)} | {' | '.join(shares)} |")
    return "\n".join(lines) + _rest(len(groups), "rows")


def _made(episodes: Sequence[Mapping[str, Any]], provenance: Provenance) -> str:
    origins = [json.loads(row["provenance"]) for row in episodes]
    lines = [
        f"- Actors: {_counted(row['actor'] for row in episodes)}.",
        f"- Steps: {_counted(one['tool'] or 'unnamed' for one in origins)}.",
    ]
    workers = [(json.loads(row["scene"]) | json.loads(row["facts"])).get("worker") for row in episodes]
    if any(workers):
        lines.append(f"- Workers: {_counted(str(worker) for worker in workers if worker)}.")
    lines += [f"- Licence: {provenance.licence}.", f"- Consent: {provenance.consent}."]
    lines.append(f"- Written by {provenance.tool}, commit {provenance.git_commit or 'unknown'}.")
    lines.append("- Origin, parents and settings of each episode are in `meta/episodes`; digests of all files in `meta/understudy.json`.")
    return "\n".join(lines)


def _counted(values: Iterable[str]) -> str:
    found = Counter(values)
    return ", ".join(f"{value} ({count})" for value, count in found.most_common(_MOST_ROWS)) + _rest(len(found), "kinds")


def _columns(features: Sequence[Mapping[str, Any]]) -> str:
    lines = ["| column | type | shape | unit |", "|---|---|---|---|"]
    lines += [f"| `{f['key']}` | {f['stored']} | {list(f['shape'])} | {f['unit']} |" for f in features]
    return "\n".join(lines)


def _listed(items: Sequence[str]) -> str:
    return "\n".join(f"- {item}" for item in items[:_MOST_ROWS]) + _rest(len(items), "tasks")


def _rest(count: int, what: str) -> str:
    return f"\n\n... and {count - _MOST_ROWS} more {what}." if count > _MOST_ROWS else ""
