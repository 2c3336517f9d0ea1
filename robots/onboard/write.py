"""A draft as the text of a robot.yaml, with what was found and how sure it is in its comments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from robots.onboard.draft import Draft

SURE = 0.5
_BARE = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.-")
_RESERVED = {"true", "false", "null", "yes", "no", "on", "off", "~", ""}
_ABOUT: Mapping[str, tuple[str, ...]] = {
    "packages": ("Where package:// was found, looking upwards from the URDF.",),
    "missing_meshes": ("Boxes with the links' inertia stand in for mesh files that are not there.",),
    "rest_rad": ("Standing at ease, found by least squares: arms hanging, toes forward, feet flat, fingers half open.",),
    "soles": ("A rectangle on the underside of the foot: the middles of its rear and front edges, and its width.",),
    "landmarks": ("Joint centres, knuckles and tips, with the confidence (0 to 1) of those that are not sure.",),
    "speed_radps": ("In place of limits that the URDF leaves out or states as placeholders: write the motors' own.",),
    "effort_nm": ("Likewise, estimated from the weight that a joint moves.",),
    "motors": (
        "Proposed for simulation: what a joint moves swings at 4 Hz and is held within 0.05 rad, damped to 0.7 of critical;",
        "full effort comes at an error of 0.1 to 0.6 rad; rotors of 1e-4 kg m2 per Nm. Write the motors' own where known.",
    ),
    "no_collision": ("Neighbours' hulls that overlap as soon as a joint between them turns.",),
}


def yaml_text(draft: Draft, source: str) -> str:
    """The file.

    Args:
        draft: the robot.
        source: name of the URDF, for the first line.
    """
    lines = [f"# Drafted from {source} by `python -m robots add`. Every key is explained in docs/add_a_robot.md."]
    lines += ["#", "# Confidence, 0 to 1:"]
    lines += [f"#   {part.name} {part.confidence:.2f} ({part.link}){f': {part.remark}' if part.remark else ''}" for part in draft.parts]
    if draft.unsure:
        lines += ["#", "# Please look at:", *(f"# - {sentence}" for sentence in draft.unsure)]
    for key, value in draft.keys.items():
        lines += [f"# {sentence}" for sentence in _ABOUT.get(key, ())]
        lines += _entry(key, value, draft)
        if key == "description":
            lines.append("# licence: of the robot's description")
    return "\n".join(lines) + "\n"


def _entry(key: str, value: Any, draft: Draft) -> Iterable[str]:
    if isinstance(value, Mapping):
        yield f"{key}:"
        for name, inner in value.items():
            yield f"  {_flow(name)}: {_flow(inner)}{_doubt(name, draft) if key == 'landmarks' else ''}"
    elif isinstance(value, list):
        yield f"{key}:"
        yield from (f"  - {_flow(inner)}" for inner in value)
    else:
        yield f"{key}: {_flow(value)}"


def _doubt(landmark: str, draft: Draft) -> str:
    found = draft.anatomy.landmarks.get(landmark)
    return f"  # {found.confidence:.2f}" if found is not None and found.confidence < SURE else ""


def _flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(name)}: {_flow(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | np.floating):
        return _number(float(value))
    return _word(str(value))


def _number(value: float) -> str:
    """A number that YAML reads as one: 1e-05 would be text."""
    text = f"{value:.10g}"
    return f"{value:.10f}".rstrip("0") if "e" in text else text


def _word(text: str) -> str:
    plain = set(text) <= _BARE and text.lower() not in _RESERVED and not _is_number(text) and text[0] not in "-."
    return text if plain else "'" + text.replace("'", "''") + "'"


def _is_number(text: str) -> bool:
    try:
        float(text.replace("_", ""))
    except ValueError:
        return False
    return True
