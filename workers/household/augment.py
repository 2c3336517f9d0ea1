"""Many demonstrations from few: what was done in one layout is carried over to others, and kept where physics agrees."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from envs.household.scene import Scene
from envs.household.things import Grip, Thing
from motion.demonstration import Demonstration
from motion.handling import Handling
from motion.provenance import Parent, record
from motion.transform import Transform
from retarget.handling.layout import Layout, Solid, SolidGrip, mirrored_handling, mirrored_layout, yaw_of
from retarget.handling.transport import TransportSettings, transported

_GRAVITY = 9.81
_STILL_M = 0.02
"""A thing that moves less than this stands."""
_FLAT_M = 0.01
"""Half the height of what one steps over."""
_WAYS = 12
"""Ways through a room that are compared, where somebody walks."""
Told = TypeVar("Told")


@dataclass(frozen=True)
class Origin:
    """A demonstration that others are made from.

    Attributes:
        name: of it.
        handling: what hands did in it.
        scene: what stood there.
        parent: its entry in the lineage of what is made from it.
    """

    name: str
    handling: Handling
    scene: Scene
    parent: Parent | None = None


def layout_of(scene: Scene) -> Layout:
    """A scene, as transport sees it: objects and fixtures, without what this episode does without."""
    there = [thing for thing in scene.things if thing.role in ("object", "fixture") and not thing.parked]
    return Layout({thing.name: _solid(scene, thing) for thing in there}, scene.stand)


def _solid(scene: Scene, thing: Thing) -> Solid:
    grips = tuple(_grip(grip) for grip in thing.grips.values())
    loose = thing.joint is not None and thing.joint.kind == "free"
    return Solid(_pose(scene, thing), thing.half_m, grips, loose, thing.mass_kg * _GRAVITY / max(thing.friction, 0.05))


def _pose(scene: Scene, thing: Thing) -> Transform:
    return _pose(scene, scene.thing(thing.parent)) @ thing.pose if thing.parent else thing.pose


def _grip(grip: Grip) -> SolidGrip:
    spins = abs(grip.spin[2]) > 0.5
    return SolidGrip(grip.grasp, grip.position_m, float(yaw_of(np.array(grip.wxyz))), spins)


def carried_over(origin: Origin, scene: Scene, settings: TransportSettings | None = None) -> Handling:
    """What an origin's hands would do in another scene, mirrored where that suits the other hand.

    Raises:
        UnknownNameError: the scene has not got the things that were handled.
    """
    before, handling = layout_of(origin.scene), origin.handling
    mirror = origin.scene.side != scene.side
    if mirror:
        before, handling = mirrored_layout(before), mirrored_handling(handling)
    done = transported(handling, before, layout_of(scene), settings)
    plan = {"parent": origin.name, "mirrored": mirror, "segments": done.plan}
    parents = (origin.parent,) if origin.parent is not None else handling.provenance.parents
    own = handling.provenance
    lineage = record(
        f"{own.source}, carried over to {scene.chore} {scene.variant} {scene.seed}", "augment", parents, plan, own.licence, own.consent
    )
    return replace(done.handling, provenance=lineage)


def with_lineage(demonstration: Demonstration, handling: Handling, worker: str) -> Demonstration:
    """A demonstration of a handling that was carried over, with what that says of itself, and who showed its origin."""
    own = demonstration.provenance
    provenance = replace(own, config={**own.config, "handling": dict(handling.provenance.config)})
    return replace(demonstration, provenance=provenance, scene={**demonstration.scene, "worker": worker})


def nearest_scenes(scenes: Sequence[Scene], scene: Scene) -> list[int]:
    """Numbers of the scenes that have the same objects as another one, those first whose things would have to be moved least."""
    fitting = [number for number, own in enumerate(scenes) if _objects(own) == _objects(scene)]
    return sorted(fitting, key=lambda number: _moved_m(scenes[number], scene))


def _objects(scene: Scene) -> set[str]:
    """What is there to be handled; what merely stands there may differ."""
    return {thing.name for thing in scene.things if thing.role == "object" and not thing.parked}


def _moved_m(one: Scene, other: Scene) -> float:
    """Mean distance of the things that both have, what is mirrored as seen in the mirror."""
    before, after = layout_of(one), layout_of(other)
    before = mirrored_layout(before) if one.side != other.side else before
    both = [name for name in before.solids if name in after.solids]
    away = [before.solids[name].pose.position_m - after.solids[name].pose.position_m for name in both]
    return float(np.linalg.norm(away, axis=-1).mean()) if away else 0.0


def least_air_m(handling: Handling, scene: Scene) -> float:
    """How near somebody on foot comes to what stands in a room: from their stand to the nearest rim; infinite for who stays."""
    stand, solids = handling.stand, layout_of(scene).solids
    if stand is None:
        return float("inf")
    tall = {name: solid for name, solid in solids.items() if solid.half_m[2] > _FLAT_M}
    there = [solid for name, solid in tall.items() if not solid.loose and name not in handling.things]
    there += [tall[name] for name, track in handling.things.items() if name in tall and np.ptp(track.position_m, axis=0).max() < _STILL_M]
    rims = [np.linalg.norm((stand.position_m - one.pose.position_m)[:, :2], axis=-1).min() - max(one.half_m[:2]) for one in there]
    return float(min(rims, default=float("inf")))


def freest_first(carried: Iterator[tuple[Told, Handling]], scene: Scene, count: int) -> Iterator[tuple[Told, Handling]]:
    """The first `count` handlings that were carried over to a scene; of somebody on foot, those with the freest way among the first.

    Args:
        carried: handlings and what is known of each, the best first; no more are taken than needed.
        scene: where they were carried over to.
        count: how many are wanted.
    """
    first = next(carried, None)
    if first is None:
        return
    if first[1].stand is None:
        yield first
        yield from itertools.islice(carried, count - 1)
        return
    on_foot = [first, *itertools.islice(carried, _WAYS - 1)]
    yield from sorted(on_foot, key=lambda pair: -least_air_m(pair[1], scene))[:count]
