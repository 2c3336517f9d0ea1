"""Leaks: what a test holds that training has seen, found in the facts that demonstrations carry."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from envs.household.splits import CURRENT, Box, LeakError, Region, Splits, load_splits, within
from motion.demonstration import Demonstration
from motion.errors import FileFormatError, UnknownNameError, require

Axis = Literal["chores", "objects", "layouts", "workers"]
AXES: tuple[Axis, ...] = get_args(Axis)
NEAR_M = 0.01
"""Scenes that are set from a recording stand where its tracks say, a little off: places this near to the other side's are of neither."""
_SHOWN = 20
_WORKER = re.compile(r"worker_(\d+)")


@dataclass(frozen=True)
class Seen:
    """What an episode tells of itself.

    Attributes:
        chore, variant, seed: which.
        scene: what stood there and who showed it, as in `Demonstration.scene`.
    """

    chore: str
    variant: str
    seed: int
    scene: Mapping[str, Any]

    @property
    def axis(self) -> str:
        """What its variant holds out; "" for none."""
        return self.variant.partition("@")[2]

    @property
    def worker(self) -> str:
        """Pseudonym of who showed it; "" where nobody did."""
        return str(self.scene.get("worker") or "")

    def __str__(self) -> str:
        return f"{self.chore} {self.variant} seed {self.seed}"


def seen_of(episode: Demonstration | Mapping[str, Any]) -> Seen:
    """The facts of a demonstration, or of a row of a data set (`scene` and `facts` may be JSON text, as tables keep them).

    Raises:
        FileFormatError: a row without chore, variant or seed.
    """
    if isinstance(episode, Demonstration):
        return Seen(episode.chore, episode.variant, episode.seed, episode.scene)
    missing = [name for name in ("chore", "variant", "seed") if name not in episode]
    require(not missing, FileFormatError, f"a row of a leak check lacks {', '.join(missing)}; it has {', '.join(sorted(episode))}.")
    scene = _plain(episode.get("facts")) | _plain(episode.get("scene"))
    return Seen(str(episode["chore"]), str(episode["variant"]), int(episode["seed"]), scene)


def _plain(value: Any) -> dict[str, Any]:
    return dict(json.loads(value) if isinstance(value, str) else value or {})


def check_leaks(
    train: Iterable[Demonstration | Mapping[str, Any]],
    test: Iterable[Demonstration | Mapping[str, Any]],
    axes: Sequence[str] = AXES,
    version: str = CURRENT,
) -> None:
    """Fail loudly where a test holds what training has seen.

    Args:
        train, test: demonstrations, or rows with chore, variant, seed and scene.
        axes: what the test claims to hold out. Leave out "chores" where training is meant to see every chore.
        version: of the splits.

    Raises:
        LeakError: something leaked; the message lists what.
        UnknownNameError: no such axis or version.
    """
    found = leaks(train, test, axes, version)
    more = [f"... and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    listed = "".join(f"\n  - {line}" for line in [*found[:_SHOWN], *more])
    require(not found, LeakError, f"{len(found)} leaks between training and test, by splits {version}:{listed}")


def leaks(
    train: Iterable[Demonstration | Mapping[str, Any]],
    test: Iterable[Demonstration | Mapping[str, Any]],
    axes: Sequence[str] = AXES,
    version: str = CURRENT,
) -> list[str]:
    """What leaked, a line each, in order of training; nothing for a clean split. Arguments and errors as for `check_leaks`."""
    for axis in axes:
        if axis not in AXES:
            raise UnknownNameError("axis", axis, AXES)
    splits, (learned, tested) = load_splits(version), ([seen_of(row) for row in rows] for rows in (train, test))
    checks: Mapping[str, Callable[[Sequence[Seen], Sequence[Seen], Splits], list[str]]] = {
        "chores": _chores,
        "objects": _objects,
        "layouts": _layouts,
        "workers": _workers,
    }
    found = _episodes(learned, tested)
    unknown = {(seen.chore, seen.axis) for seen in tested if seen.axis in axes and seen.chore not in splits.chores}
    found += [f"chore {name} is not in the splits, so nobody can say that its {axis} did not leak" for name, axis in sorted(unknown)]
    for axis in AXES:
        if axis in axes:
            found += checks[axis](learned, tested, splits)
    return list(dict.fromkeys(found))


def _episodes(train: Sequence[Seen], test: Sequence[Seen]) -> list[str]:
    """The same episode, or the same scene under another name, on both sides."""
    known = {(seen.chore, seen.variant, seen.seed) for seen in train}
    scenes = {seen.scene["sha256"]: seen for seen in train if seen.scene.get("sha256")}
    found = [f"episode {seen} is in training, too" for seen in test if (seen.chore, seen.variant, seen.seed) in known]
    same = [(seen, scenes.get(seen.scene.get("sha256", ""))) for seen in test]
    return found + [f"the scene of {seen} is that of {twin} in training" for seen, twin in same if twin and str(twin) != str(seen)]


def _chores(train: Sequence[Seen], test: Sequence[Seen], splits: Splits) -> list[str]:
    both = sorted({seen.chore for seen in train} & {seen.chore for seen in test} & set(splits.held_out_chores))
    return [f"chore {name} is held out, and is on both sides" for name in both]


def _workers(train: Sequence[Seen], test: Sequence[Seen], splits: Splits) -> list[str]:
    known, asked = ({seen.worker for seen in side if seen.worker} for side in (train, test))
    kept = [name for name in sorted(known - asked) if (told := _WORKER.fullmatch(name)) and splits.worker_is_held_out(int(told[1]))]
    found = [f"worker {name} is on both sides" for name in sorted(known & asked)]
    return found + [f"worker {name} is held out, and is in training" for name in kept]


def _objects(train: Sequence[Seen], test: Sequence[Seen], splits: Splits) -> list[str]:
    """Held-out numbers or families in training, or those of training where a test says that they are held out."""
    found = [f"{seen} is in training, whose variant holds out objects" for seen in train if seen.axis == "objects"]
    for seen, wrong in [*((row, True) for row in train if row.axis != "objects"), *((row, False) for row in test if row.axis == "objects")]:
        if seen.chore not in splits.chores:
            continue
        where, split = "held out, in training" if wrong else "one of training, in the test", splits.chore(seen.chore)
        told = seen.scene.get("drawn", {})
        for name, quantity in split.objects.items():
            own = {key: value for key, value in told.items() if key.partition("/")[0] == name}
            if quantity.held_out is not None and not own:
                found.append(f"{seen} does not tell its {name}, so nobody can say that nothing leaked")
            ends = quantity.range(wrong) if quantity.held_out is not None else None
            found += [f"{key} = {value:.4g} is {where}: {seen}" for key, value in own.items() if ends and within(value, ends)]
        changed = seen.scene.get("changed") if wrong else None
        found += [f"the plant changed {', '.join(changed)}, maybe into what is held out, in training: {seen}"] if changed else []
        families = {str(family) for family in seen.scene.get("families", {}).values()} & set(split.held_out_families)
        found += [f"family {family!r} is held out, in training: {seen}" for family in sorted(families) if wrong]
    return found


def _layouts(train: Sequence[Seen], test: Sequence[Seen], splits: Splits) -> list[str]:
    """Held-out places in training, or none of them where a test says that layouts are held out."""
    found = [f"{seen} is in training, whose variant holds out layouts" for seen in train if seen.axis == "layouts"]
    for seen in train:
        if seen.chore in splits.chores and seen.axis != "layouts":
            away = sorted(name for name, side in _sides(seen, splits).items() if side == "held_out")
            found += [f"{name} stands at {_told(seen, name)}, held out, in training: {seen}" for name in away]
    for seen in test:
        if seen.chore in splits.chores and seen.axis == "layouts" and not {"held_out", "between"} & set(_sides(seen, splits).values()):
            found.append(f"nothing stands where layouts are held out, in the test: {seen}")
    return found


def _sides(seen: Seen, splits: Splits) -> dict[str, str]:
    """Thing -> the side that its place is on: "train", "held_out", "between" (too near to both), or "elsewhere"."""
    places = seen.scene.get("places", {})
    out: dict[str, str] = {}
    for region in splits.chore(seen.chore).layouts.values():
        if region.held_out is not None:
            out |= {name: _side(region, places[name]) for name in region.of if name in places}
    return out


def _side(region: Region, place: Sequence[float]) -> str:
    assert region.held_out is not None
    train, held_out = _about(region.train, place), _about(region.held_out, place)
    if train and held_out:
        return "between"
    inside = region.train if train else region.held_out
    return ("train" if train else "held_out") if (train or held_out) and inside.holds(*place) else "elsewhere"


def _about(box: Box, place: Sequence[float]) -> bool:
    """Whether a place lies within a box or a little beside it."""
    x, y, yaw = place
    grown = Box((box.x_m[0] - NEAR_M, box.x_m[1] + NEAR_M), (box.y_m[0] - NEAR_M, box.y_m[1] + NEAR_M), box.yaw_rad)
    return grown.holds(x, y, yaw)


def _told(seen: Seen, name: str) -> str:
    x, y, _ = seen.scene["places"][name]
    return f"({x:.3f}, {y:.3f}) m"
