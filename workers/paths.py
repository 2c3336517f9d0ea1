"""What the hands do in each chore: minimum-jerk paths with verbs.

Paths are written for a main and an other hand in coordinates that do not know left from right: forward, outward (to
the hand's own side) and up from the floor below the pelvis; turns likewise. Which hand is the main one is the
worker's handedness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from motion.errors import UnknownNameError
from motion.human import Label
from motion.transform import Array
from workers.minimum_jerk import Path, Stroke, reach, reach_time_s, rhythm

CHANNELS = ("forward_m", "outward_m", "up_m", "inward_rad", "lift_rad", "pronation_rad", "closing", "hooking")
"""Channels of a hand path.

The position is that of the grip point in the palm. A hand hangs with its palm to the thigh; `lift` raises the fingers
to the front, `pronation` turns the palm down (a lifted hand with pronation 0 has the thumb up), `inward` turns the
fingers to the other side. The last two are the finger synergies.
"""

_FLAT, _SPOON, _PINCH, _OPEN, _CUP = (0.02, -0.1), (0.85, 0.0), (0.55, -0.5), (0.08, 0.0), (0.38, 0.0)
_SETTING_OUT = 0.8
"""Tempo of the first reach: the hands come up from hanging, and elbows fold fastest then."""


@dataclass(frozen=True)
class Style:
    """How one worker works; the same in all of their takes.

    Attributes:
        main_side: the skilled hand.
        peak_mps: peak speed of a reach.
        amplitude: size of movements, 1 for ordinary.
        counter_below_elbow_m: height of the worktop below the elbow; Grandjean 1988 advises 0.10-0.15 m for light work.
        pause_s: usual length of a pause.
    """

    main_side: str
    peak_mps: float
    amplitude: float
    counter_below_elbow_m: float
    pause_s: float


def draw_style(rng: np.random.Generator) -> Style:
    """Draw one worker's style. One in ten is left-handed (Papadatou-Pastou et al. 2020: 10.6 %)."""
    return Style(
        main_side="left" if rng.random() < 0.106 else "right",
        peak_mps=float(rng.uniform(0.75, 1.05)),
        amplitude=float(rng.uniform(0.85, 1.15)),
        counter_below_elbow_m=float(rng.uniform(0.08, 0.18)),
        pause_s=float(rng.uniform(0.15, 0.45)),
    )


@dataclass(frozen=True)
class Workplace:
    """Where a worker stands and what they can reach.

    Attributes:
        counter_m: height of the worktop.
        reach_m: length of upper arm and forearm.
        rest: (8,) channels of a hanging hand.
    """

    counter_m: float
    reach_m: float
    rest: Array


@dataclass(frozen=True)
class Plan:
    """Both hands' paths and what they mean."""

    main: Path
    other: Path
    labels: tuple[Label, ...]

    @property
    def duration_s(self) -> float:
        """From the start to a short rest after the last movement."""
        return max(self.main.end_s, self.other.end_s) + 0.2


@dataclass
class _Script:
    """A plan being written: both hands move on from where they are."""

    rng: np.random.Generator
    style: Style
    place: Workplace
    strokes: dict[str, list[Stroke]] = field(default_factory=lambda: {"main": [], "other": []})
    labels: list[Label] = field(default_factory=list)
    now_s: float = 0.0

    def vary(self, value: float, share: float = 0.1) -> float:
        """The value, up to `share` more or less."""
        return float(value * self.rng.uniform(1 - share, 1 + share))

    def where(self, hand: str) -> Array:
        """Channels (8,) of a hand now."""
        return self.strokes[hand][-1].points[-1] if self.strokes[hand] else self.place.rest

    def do(self, verb: str, thing: str, strokes: Mapping[str, Stroke]) -> None:
        """Let hands make strokes that begin now; time goes on to the end of the longest."""
        for hand, stroke in strokes.items():
            self.strokes[hand].append(stroke)
        end_s = max(float(stroke.time_s[-1]) for stroke in strokes.values())
        self.labels.append(Label(self.now_s, end_s, verb, thing, "success"))
        self.now_s = end_s

    def go(self, verb: str, thing: str, hands: Mapping[str, Sequence[Array]], tempo: float = 1.0) -> None:
        """Reach with each hand through points (8,); hands that move together arrive together (Kelso et al. 1979)."""
        peak, ways = self.style.peak_mps * tempo, {hand: np.array([self.where(hand), *points]) for hand, points in hands.items()}
        length_s = max(reach_time_s(way, peak) for way in ways.values())
        self.do(verb, thing, {hand: reach(self.now_s, way, length_s) for hand, way in ways.items()})

    def beat(self, verb: str, thing: str, hand: str, points: Array, step_s: float) -> None:
        """Move one hand rhythmically through points (K, 8)."""
        self.do(verb, thing, {hand: rhythm(self.now_s, np.vstack([self.where(hand), points]), step_s)})

    def pause(self, verb: str = "pause") -> None:
        """Rest for a moment."""
        length_s = self.vary(self.style.pause_s, 0.5)
        self.labels.append(Label(self.now_s, self.now_s + length_s, verb))
        self.now_s += length_s

    def plan(self) -> Plan:
        """What was written, with a last label up to the end."""
        plan = Plan(Path(tuple(self.strokes["main"])), Path(tuple(self.strokes["other"])), ())
        return replace(plan, labels=(*self.labels, Label(self.now_s, plan.duration_s, "rest")))


def _hand(forward: float, outward: float, up: float, turns: tuple[float, float, float], fingers: tuple[float, float]) -> Array:
    return np.array([forward, outward, up, *turns, *fingers])


def _at(channels: Array, **changes: float) -> Array:
    """The same channels with some of them set anew."""
    out = channels.copy()
    for name, value in changes.items():
        out[CHANNELS.index(name)] = value
    return out


def _over_the_edge(script: _Script, hanging: Array, working: Array) -> Array:
    """Where a hand passes the worktop's edge between hanging and working: above it, fingers raised."""
    way = (hanging + working) / 2
    forward = min(0.45 * script.place.reach_m, 0.85 * working[0])
    return _at(way, forward_m=forward, up_m=script.place.counter_m + 0.06, lift_rad=0.85 * working[4])


def _up_and_over(script: _Script, target: Array) -> list[Array]:
    """From hanging over the edge of the worktop to the target."""
    return [_over_the_edge(script, script.place.rest, target), target]


def _go_home(script: _Script) -> None:
    rest = script.place.rest
    raised = [hand for hand in ("main", "other") if script.where(hand)[2] > rest[2] + 0.1]
    home = {hand: [_over_the_edge(script, rest, script.where(hand)), rest] for hand in raised}
    script.go("withdraw", "", home, tempo=0.8)


def _lean_on_counter(script: _Script) -> Array:
    """The other hand flat on the worktop."""
    place = script.place
    return _hand(0.52 * place.reach_m, script.vary(0.40) * place.reach_m, place.counter_m + 0.01, (0.15, 1.45, 1.40), _FLAT)


def wipe(script: _Script) -> None:
    """Back-and-forth strokes with a flat hand over a patch of the worktop, moving forward with every stroke."""
    place, rng = script.place, script.rng
    near, far = script.vary(0.62) * place.reach_m, script.vary(0.95, 0.06) * place.reach_m
    half = 0.24 * place.reach_m * script.style.amplitude
    centre, flat = 0.28 * place.reach_m, (0.10, 1.45, 1.45)
    down = place.counter_m + 0.012
    start = _hand(near, centre + half, down, flat, _FLAT)
    hands = {"main": _up_and_over(script, start), "other": _up_and_over(script, _lean_on_counter(script))}
    script.go("reach", "cloth", hands, tempo=_SETTING_OUT)
    step_s = script.vary(2.2 * half / (0.62 * script.style.peak_mps))
    for _ in range(2):
        count = int(rng.integers(2, 5))
        script.beat("wipe", "counter", "main", _wipe_strokes(script, near, far, centre, half, count), step_s / 2)
        near, far = far, near
        script.pause()
    _go_home(script)


def _wipe_strokes(script: _Script, near: float, far: float, centre: float, half: float, count: int) -> Array:
    """Points (2 count, 8): the middle and the end of each stroke; strokes bow away from the shoulder."""
    here, points = script.where("main"), []
    side = -np.sign(here[1] - centre)
    for index in range(count):
        forward = near + (far - near) * (index + 1) / count
        wobble = script.rng.normal(0.0, 0.006, 2)
        points.append(_at(here, forward_m=forward + 0.02, outward_m=centre + wobble[0], inward_rad=0.25))
        inward = 0.15 - 0.25 * side
        points.append(_at(here, forward_m=forward + wobble[1], outward_m=centre + side * half, inward_rad=inward))
        side = -side
    return np.array(points)


def stir(script: _Script) -> None:
    """Circles of a spoon in a pot; the other hand holds the pot by its handle."""
    place, rng = script.place, script.rng
    forward, outward = script.vary(0.70, 0.06) * place.reach_m, script.vary(0.10, 0.3) * place.reach_m
    radius = script.vary(0.055) * script.style.amplitude
    up = place.counter_m + script.vary(0.17)
    spoon = _hand(forward, outward + radius, up, (0.55, 1.35, 0.75), _SPOON)
    handle = _hand(forward - 0.04, 0.30 * place.reach_m, place.counter_m + 0.11, (0.75, 1.40, 0.45), _CUP)
    script.go("reach", "spoon", {"main": _up_and_over(script, spoon), "other": _up_and_over(script, handle)}, tempo=_SETTING_OUT)
    turn_s = script.vary(2 * np.pi * radius / (0.42 * script.style.peak_mps), 0.15)
    sense = 1.0 if rng.random() < 0.8 else -1.0
    for most in (3, 2):
        turns = int(rng.integers(most - 1, most + 1))
        script.beat("stir", "pot", "main", _circles(script, forward, outward, radius, sense, turns), turn_s / 8)
        script.pause()
    _go_home(script)


def _circles(script: _Script, forward: float, outward: float, radius: float, sense: float, turns: int) -> Array:
    """Points (8 turns, 8) of circles that begin and end at their outer side, not quite alike."""
    angle = np.arange(1, 8 * turns + 1) * (2 * np.pi / 8) * sense
    size = radius * (1 + 0.06 * np.sin(0.37 * angle + script.rng.uniform(0, 2 * np.pi)))
    size[-1] = radius
    points = np.tile(script.where("main"), (len(angle), 1))
    points[:, 0] = forward + size * np.sin(angle)
    points[:, 1] = outward + size * np.cos(angle)
    points[:, 3] += 0.12 * (np.cos(angle) - 1)
    return points


def fold(script: _Script) -> None:
    """Both hands take the far corners of a cloth, bring them over to the near edge and smooth the fold; then sideways."""
    place = script.place
    near, far = script.vary(0.52, 0.05) * place.reach_m, script.vary(0.98, 0.05) * place.reach_m
    half = script.vary(0.34) * place.reach_m * script.style.amplitude
    top = place.counter_m + 0.085  # pinching fingers point down
    corner = _hand(far, half, top, (0.10, 1.20, 1.15), _OPEN)
    both = ("main", "other")
    script.go("reach", "cloth", {hand: _up_and_over(script, corner) for hand in both}, tempo=_SETTING_OUT)
    _pinch(script, both)
    lift = _at(script.where("main"), forward_m=(near + far) / 2, up_m=top + script.vary(0.16) * script.style.amplitude)
    script.go("fold", "cloth", {hand: [lift, _at(script.where(hand), forward_m=near, lift_rad=1.05)] for hand in both}, tempo=0.8)
    _let_go(script, both)
    _smooth(script, both, half)
    script.pause()
    side = _at(corner, forward_m=(near + far) / 2, outward_m=half + 0.02)
    hold = _at(script.where("other"), outward_m=0.16 * place.reach_m)
    script.go("reach", "cloth", {"main": [_at(side, up_m=top + 0.05, outward_m=0.9 * half), side], "other": [hold]}, tempo=0.8)
    _pinch(script, ("main",))
    over = _at(script.where("main"), outward_m=0.3 * half, up_m=top + script.vary(0.13), inward_rad=0.35)
    across = _at(over, outward_m=0.02, up_m=top, forward_m=(near + far) / 2 + 0.06, inward_rad=0.55)
    script.go("fold", "cloth", {"main": [over, across]}, tempo=0.8)
    _let_go(script, ("main",))
    _go_home(script)


def _pinch(script: _Script, hands: Sequence[str]) -> None:
    script.go("grasp", "cloth", {hand: [_at(script.where(hand), closing=_PINCH[0], hooking=_PINCH[1])] for hand in hands})


def _let_go(script: _Script, hands: Sequence[str]) -> None:
    script.go("release", "cloth", {hand: [_at(script.where(hand), closing=_OPEN[0], hooking=_OPEN[1])] for hand in hands})


def _smooth(script: _Script, hands: Sequence[str], half: float) -> None:
    """Flat hands press the fold and sweep outward."""
    flat = {"closing": _FLAT[0], "hooking": _FLAT[1], "lift_rad": 1.40, "pronation_rad": 1.35, "up_m": script.place.counter_m + 0.015}
    middle = {hand: _at(script.where(hand), outward_m=0.45 * half, **flat) for hand in hands}
    script.go("smooth", "cloth", {hand: [middle[hand], _at(middle[hand], outward_m=half)] for hand in hands}, tempo=0.6)


def reach_place(script: _Script) -> None:
    """Cups, one after the other: reach, grasp, lift, carry, place, release."""
    place, rng = script.place, script.rng
    upright = place.counter_m + script.vary(0.055)
    other = _up_and_over(script, _lean_on_counter(script)) if rng.random() < 0.5 else [place.rest]
    for index in range(int(rng.integers(1, 3))):
        taken = _cup_hand(script, rng.uniform(0.75, 1.0), rng.uniform(0.45, 0.65), upright)
        put = _cup_hand(script, rng.uniform(0.70, 0.95), rng.uniform(-0.12, 0.15), upright)
        beside = _at(taken, forward_m=taken[0] - 0.08, outward_m=taken[1] + 0.03)
        to_cup = _up_and_over(script, beside) if index == 0 else [_at(beside, up_m=upright + 0.06)]
        hands = {"main": [*to_cup, taken]} | ({"other": other} if index == 0 else {})
        script.go("reach", "cup", hands, tempo=_SETTING_OUT if index == 0 else 1.0)
        script.go("grasp", "cup", {"main": [_at(taken, closing=_CUP[0], hooking=_CUP[1])]})
        _carry(script, put)
        script.go("release", "cup", {"main": [_at(script.where("main"), closing=_OPEN[0], hooking=_OPEN[1])]})
        script.go("withdraw", "", {"main": [_at(script.where("main"), forward_m=put[0] - 0.10, outward_m=put[1] + 0.05)]}, tempo=0.7)
    _go_home(script)


def _cup_hand(script: _Script, forward: float, outward: float, up: float) -> Array:
    """An open hand around an upright cup, thumb up and the fingers pointing away from the shoulder."""
    reach_m = script.place.reach_m
    inward = 0.55 - 0.9 * outward
    return _hand(forward * reach_m, outward * reach_m, up, (inward, 1.45, 0.25), _OPEN)


def _carry(script: _Script, put: Array) -> None:
    held = {"closing": _CUP[0], "hooking": _CUP[1]}
    here = script.where("main")
    height = here[2] + script.vary(0.12, 0.3) * script.style.amplitude
    script.go("lift", "cup", {"main": [_at(here, up_m=height)]}, tempo=0.6)
    script.go("carry", "cup", {"main": [_at(put, up_m=height, **held)]}, tempo=0.8)
    script.go("place", "cup", {"main": [_at(put, **held)]}, tempo=0.6)


CHORES: dict[str, Callable[[_Script], None]] = {"wipe": wipe, "stir": stir, "fold": fold, "reach_place": reach_place}


def plan(chore: str, style: Style, place: Workplace, rng: np.random.Generator) -> Plan:
    """Plan one take of a chore.

    Raises:
        UnknownNameError: no such chore.
    """
    if chore not in CHORES:
        raise UnknownNameError("chore", chore, CHORES)
    script = _Script(rng, style, place)
    script.pause("rest")
    CHORES[chore](script)
    return script.plan()
