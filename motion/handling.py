"""Handling: what hands do with things, before it belongs to a body: hand frames, openings, object tracks, holds.

It is what a recording of a person at work boils down to once bodies are left out, and what a robot is asked to do again.
Everything is in the counter's frame, so a person's and a robot's counter may stand at different heights.

The counter's frame lies in the middle of its front edge, on its top: x away from whoever works, y to their left, z up.
A hand's tool frame lies where it grasps: x along the fingers, z to the thumb's side of the palm, y completes. So in a hand
that is held out as for a handshake the tool's axes are the counter's. A right palm faces +y, a left one -y.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from motion.errors import MotionError, ShapeError, UnknownNameError, require
from motion.human import Label
from motion.provenance import Provenance
from motion.store import entries_of, read_npz, write_npz
from motion.transform import Array, Transform

KIND = "handling"
COUNTER = "counter"
"""Name of the object track that says where the counter's frame is."""
CAMERA = "head_camera"
"""Name of the object track of the phone on somebody's head (x right, y down, z into the scene): it goes where they walk."""
GRASPS: Mapping[str, str] = {
    "wrap": "fingers around a body, the thumb against them: cups, bottles, spoons",
    "nip": "fingertips on the thumb's tip, and cloth between them: it is held where they meet",
    "pinch": "fingertips against the thumb's tip: small and flat things",
    "hook": "fingers bent behind a bar, the thumb beside them: handles",
    "fork": "straight fingers on both sides of a blade: knobs",
    "flat": "an open hand that pushes or lies on something",
}


def stand_at(place: Array) -> Transform:
    """Level poses, batch (...,), of places (..., 3): x, y (m) and yaw (rad)."""
    place = np.asarray(place, float)
    half = place[..., 2] / 2
    flat = np.zeros_like(half)
    return Transform(np.stack([place[..., 0], place[..., 1], flat], axis=-1), np.stack([np.cos(half), flat, flat, np.sin(half)], axis=-1))


@dataclass(frozen=True)
class Hold:
    """A hand acts on a thing between two times (s).

    Attributes:
        side: "left" or "right".
        thing: its name.
        start_s, end_s: from the moment the fingers begin to close until they begin to open.
        grasp: one of `GRASPS`.
        force_n: grip force while holding, the sum of the fingers' normal forces; NaN where nobody measured it.
    """

    side: str
    thing: str
    start_s: float
    end_s: float
    grasp: str = "wrap"
    force_n: float = float("nan")

    def __post_init__(self) -> None:
        if self.grasp not in GRASPS:
            raise UnknownNameError("grasp", self.grasp, GRASPS)
        if self.side not in ("left", "right"):
            raise UnknownNameError("side", self.side, ("left", "right"))
        require(self.end_s > self.start_s, MotionError, f"hold of {self.thing}: it ends at {self.end_s:g} s, before {self.start_s:g} s.")


@dataclass(frozen=True)
class HandTrack:
    """One hand over T times.

    Attributes:
        T_counter_tool: batch (T,).
        opening: (T,) 1 open .. 0 closed as far as the grasp goes.
        wanted: (T,) 0..1 how much the hand's place matters; 0 where it hangs or rests.
        confidence: (T,) 0..1 how sure whoever recorded it is of the hand's place; 0 where it was only guessed. None: 1 throughout.
    """

    T_counter_tool: Transform
    opening: Array
    wanted: Array
    confidence: Array | None = None

    @property
    def certain(self) -> Array:
        """(T,) the confidence, 1 where nobody told any."""
        return np.ones(len(self.opening)) if self.confidence is None else np.asarray(self.confidence, float)


@dataclass(frozen=True)
class Handling:
    """What hands do with things.

    Attributes:
        time_s: (T,) rising.
        hands: side -> track; a side that does nothing may be missing.
        things: name -> `T_counter_thing`, batch (T,).
        holds: in order of their start; those of one side do not overlap.
        labels: sub-task spans.
        provenance: where it came from.
        stand: `T_counter_stand`, batch (T,), level: where whoever works stands. It is the frame that would be the counter's
            if they stood at their place before a counter; a body of any size knows its own way from there to its pelvis.
            None: they stay before the counter.
    """

    time_s: Array
    hands: Mapping[str, HandTrack]
    things: Mapping[str, Transform]
    holds: tuple[Hold, ...] = ()
    labels: tuple[Label, ...] = ()
    provenance: Provenance = field(default=Provenance(source="unknown"))
    stand: Transform | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "time_s", np.asarray(self.time_s, float))
        frames = len(self.time_s)
        require(frames > 1 and bool((np.diff(self.time_s) > 0).all()), MotionError, "Handling.time_s has to rise, over at least 2 times.")
        lengths = {name: len(track) for name, track in self.things.items()}
        for side, hand in self.hands.items():
            lengths |= {f"{side} tool": len(hand.T_counter_tool), f"{side} opening": len(hand.opening), f"{side} wanted": len(hand.wanted)}
            lengths[f"{side} confidence"] = len(hand.certain)
        if self.stand is not None:
            lengths["stand"] = len(self.stand)
        for name, length in lengths.items():
            require(length == frames, ShapeError, f"track {name!r} has {length} frames; the handling has {frames}.")
        for hold in self.holds:
            if hold.thing not in self.things:
                raise UnknownNameError("thing", hold.thing, self.things, "a hold")
            if hold.side not in self.hands:
                raise UnknownNameError("side", hold.side, self.hands, "a hold")
        object.__setattr__(self, "holds", tuple(sorted(self.holds, key=lambda hold: hold.start_s)))

    @property
    def duration_s(self) -> float:
        """From the first time to the last."""
        return float(self.time_s[-1] - self.time_s[0])

    def held(self, side: str) -> np.ndarray:
        """(T,) whether a hand holds anything."""
        return np.any([self.during(hold) for hold in self.holds if hold.side == side] or [np.zeros(len(self.time_s), bool)], axis=0)

    def during(self, hold: Hold) -> np.ndarray:
        """(T,) whether a time lies in a hold."""
        return np.asarray((self.time_s >= hold.start_s) & (self.time_s <= hold.end_s))

    def with_hand(self, side: str, track: HandTrack) -> Handling:
        """The same, with one hand's track replaced."""
        return replace(self, hands={**self.hands, side: track})

    def from_stand(self) -> Handling:
        """The same, as seen from where they stand: what hands and things do in a body's own surroundings. `stand` is None there."""
        if self.stand is None:
            return self
        back = self.stand.inverse()
        hands = {side: replace(hand, T_counter_tool=back @ hand.T_counter_tool) for side, hand in self.hands.items()}
        return replace(self, hands=hands, things={name: back @ track for name, track in self.things.items()}, stand=None)

    def save(self, path: Path) -> None:
        """Write as npz with a JSON header."""
        holds = [{**asdict(hold), "force_n": hold.force_n if np.isfinite(hold.force_n) else None} for hold in self.holds]
        header = {"holds": holds, "labels": [asdict(label) for label in self.labels], "provenance": self.provenance.to_json()}
        arrays: dict[str, np.ndarray] = {"time_s": self.time_s}
        for side, hand in self.hands.items():
            pose = hand.T_counter_tool
            arrays |= {f"hand/{side}/position_m": pose.position_m, f"hand/{side}/wxyz": pose.wxyz}
            arrays |= {f"hand/{side}/opening": np.asarray(hand.opening, float), f"hand/{side}/wanted": np.asarray(hand.wanted, float)}
            arrays |= {} if hand.confidence is None else {f"hand/{side}/confidence": np.asarray(hand.confidence, float)}
        for name, track in self.things.items():
            arrays |= {f"thing/{name}/position_m": track.position_m, f"thing/{name}/wxyz": track.wxyz}
        if self.stand is not None:
            arrays |= {"stand/position_m": self.stand.position_m, "stand/wxyz": self.stand.wxyz}
        write_npz(path, KIND, header, arrays)

    @classmethod
    def load(cls, path: Path) -> Handling:
        """Read what `save` wrote.

        Raises:
            FileFormatError: not a handling, or one that lacks a part.
        """
        header, arrays = read_npz(path, KIND)
        with entries_of(path):
            sides = sorted({key.split("/")[1] for key in arrays if key.startswith("hand/")})
            things = sorted({key.split("/")[1] for key in arrays if key.startswith("thing/")})
            holds = [{**hold, "force_n": float("nan") if hold["force_n"] is None else hold["force_n"]} for hold in header["holds"]]
            return cls(
                time_s=arrays["time_s"],
                hands={
                    side: HandTrack(
                        Transform(arrays[f"hand/{side}/position_m"], arrays[f"hand/{side}/wxyz"]),
                        arrays[f"hand/{side}/opening"],
                        arrays[f"hand/{side}/wanted"],
                        arrays.get(f"hand/{side}/confidence"),
                    )
                    for side in sides
                },
                things={name: Transform(arrays[f"thing/{name}/position_m"], arrays[f"thing/{name}/wxyz"]) for name in things},
                holds=tuple(Hold(**hold) for hold in holds),
                labels=tuple(Label(**label) for label in header["labels"]),
                provenance=Provenance.from_json(header["provenance"]),
                stand=Transform(arrays["stand/position_m"], arrays["stand/wxyz"]) if "stand/wxyz" in arrays else None,
            )
