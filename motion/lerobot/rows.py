"""Rows of the episode table, from demonstrations and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from motion.demonstration import Demonstration
from motion.errors import MotionError
from motion.lerobot.features import VIDEO, Feature, tracks_of
from motion.lerobot.stats import episode_stats, picture_stats
from motion.lerobot.tables import stats_depths


def episode_row(
    demonstration: Demonstration,
    features: Sequence[Feature],
    columns: Mapping[str, np.ndarray],
    name: str,
    task: str,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """The row of one episode, but for the files that it will lie in; as plain JSON values."""
    d, first, steps = demonstration, int(columns["index"][0]), len(demonstration.actions)
    row: dict[str, Any] = {"episode_index": int(columns["episode_index"][0]), "task_index": int(columns["task_index"][0])}
    row |= {"tasks": [task], "length": steps, "dataset_from_index": first, "dataset_to_index": first + steps, "name": name}
    row |= {"chore": d.chore, "variant": d.variant, "plant": d.plant, "actor": d.actor, "seed": int(d.seed)}
    row |= {"success": bool(d.success), "progress": float(d.progress)}
    row |= {"safety": json.dumps({key: float(value) for key, value in d.safety.items()})}
    row |= {"violations": list(d.violations), "scene": _plain_json(d.scene, name, "scene")}
    row |= {"facts": _plain_json(facts, name, "facts"), "provenance": json.dumps(d.provenance.to_json())}
    return row | _stats_columns(demonstration, features, columns)


def _plain_json(table: Mapping[str, Any], name: str, what: str) -> str:
    try:
        return json.dumps(dict(table))
    except TypeError as error:
        raise MotionError(f"{name}: {what} holds more than plain JSON values ({error}).") from error


def _stats_columns(demonstration: Demonstration, features: Sequence[Feature], columns: Mapping[str, np.ndarray]) -> dict[str, Any]:
    pictures = {f.key: tracks_of(demonstration)[f.group, f.name] for f in features if f.stored == VIDEO}
    found: dict[str, Any] = {}
    for key in stats_depths(features):
        stats = picture_stats(pictures[key]) if key in pictures else episode_stats(columns[key])
        found |= {f"stats/{key}/{name}": value.tolist() for name, value in stats.items()}
        found[f"stats/{key}/count"] = [int(stats["count"][0])]
    return found


def placed_rows(
    rows: Sequence[Mapping[str, Any]], at: Mapping[str, int], video_keys: Sequence[str], period_s: float
) -> list[dict[str, Any]]:
    """The rows of all episodes of one file, with the places of their frames and videos."""
    begin, out = rows[0]["dataset_from_index"], []
    for row in rows:
        full = dict(row) | {f"data/{part}": number for part, number in at.items()}
        full |= {f"meta/episodes/{part}": number for part, number in at.items()}
        span_s = [(row[f"dataset_{end}_index"] - begin) * period_s for end in ("from", "to")]
        for key in video_keys:
            full |= {f"videos/{key}/{part}": number for part, number in at.items()}
            full |= {f"videos/{key}/from_timestamp": span_s[0], f"videos/{key}/to_timestamp": span_s[1]}
        out.append(full)
    return out
