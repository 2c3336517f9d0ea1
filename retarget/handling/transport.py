"""One handling, done in another layout: each of its segments is carried over by the thing that it belongs to.

What a hand does on its way to a thing, and with it until it has left its place, moves with where that thing stands; what it
does to another thing with it, with that other one; what lies between is blended. Things of other sizes are taken at their own
grips, and act with their own lips, tips and undersides. Which segment belongs to what is read off the handling (`acts`), so a
recording of a real person is transported as well as a simulated one. Pure geometry: whether it works is for physics to say.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from motion.errors import UnknownNameError
from motion.handling import Handling, HandTrack, Hold, stand_at
from motion.transform import Array, Transform, quaternion_product, rotate, so3_exp, so3_log
from retarget.handling.acts import FREE, HOME, Act, acts_of, frames_of, nearest_points, plan_of
from retarget.handling.layout import Layout, SolidGrip, yaw_of
from retarget.handling.moves import STAY, UP, Move, mixed, move_between, moving, share_between, way_m, wrapped

_FACING_M = 0.6
"""Where somebody stops this near to a thing, they have come to it."""


@dataclass(frozen=True)
class TransportSettings:
    """How segments are carried over.

    Attributes:
        yaw_per_m: how much a hand turns to where it comes from, per m that a round thing stands farther to the left: it is the
            same forearm, from the same elbow.
        yaw_range_rad: a right hand is not turned beyond these; mirrored for a left one.
        near_m: a hand this near to where it takes or leaves a thing belongs to the thing: it reaches 11 cm ahead of its tool
            frame and slides in from 14 cm behind.
        contact_s: deviation of the smoothing of where two things act on each other.
        blend_s: no blend between two things is shorter.
        longest: a way that has become longer takes longer, by this factor at most.
        pace_s: deviation of the smoothing of that factor.
        spare: a grip that is this many times what just holds the thing need not be harder for a heavier one.
    """

    yaw_per_m: float = 2.6
    yaw_range_rad: tuple[float, float] = (-0.4, 1.05)
    near_m: float = 0.2
    contact_s: float = 0.25
    blend_s: float = 0.4
    longest: float = 3.0
    pace_s: float = 0.15
    spare: float = 4.0


@dataclass(frozen=True)
class Transported:
    """A handling in another layout.

    Attributes:
        handling: what is to be done there, on its own clock.
        plan: its segments as plain JSON values, on the clock of the handling that it was made from.
    """

    handling: Handling
    plan: list[dict[str, object]]


def transported(handling: Handling, before: Layout, after: Layout, settings: TransportSettings | None = None) -> Transported:
    """Carry a handling over to another layout.

    Args:
        handling: what was done.
        before: the things that it was done with; where they stood is read off the handling's own tracks.
        after: the things that it is to be done with.
        settings: how.

    Raises:
        UnknownNameError: a thing of a hold is missing in one of the layouts.
    """
    for hold in handling.holds:
        for layout in (before, after):
            if hold.thing not in layout.solids:
                raise UnknownNameError("thing", hold.thing, layout.solids, "a layout")
    known = {name: track for name, track in handling.things.items() if name in before.solids and name in after.solids}
    work = _Transport(replace(handling, things=known), before, after, settings or TransportSettings())
    for number in range(len(handling.holds)):
        work.carry(number)
    return Transported(work.result(), plan_of(work.acts, work.handling))


class _Transport:
    """Transport under way: tracks of the things so far, and what each hold's hand does with them."""

    def __init__(self, handling: Handling, before: Layout, after: Layout, settings: TransportSettings) -> None:
        self.handling, self.before, self.after, self.settings = handling, before, after, settings
        self.home = {name: self._home(name) for name in handling.things}
        self.now = dict(self.home)
        self.things = {name: self.home[name](track) for name, track in handling.things.items()}
        self.acts: dict[int, tuple[Act, ...]] = {}
        self._held: dict[int, tuple[int, int, Transform]] = {}
        self._leads: dict[int, tuple[Move, Move]] = {}
        self._rise_m = max(0.0, _tallest_m(after) - _tallest_m(before))

    def result(self) -> Handling:
        """What is to be done."""
        hands = {side: self._hand(side) for side in self.handling.hands}
        moved = replace(self.handling, hands=hands, things=self.things, holds=self._holds(), stand=self._stand())
        return _paced(self.handling, moved, self.settings)

    # Where things stand at first.

    def _home(self, name: str) -> Move:
        """How the place where a thing stands at first moves. What is taken turns as its hand does; other loose round things do not turn."""
        old, new = self.handling.things[name][0], self.after.solids[name]
        taken = next((hold for hold in self.handling.holds if hold.thing == name and new.loose), None)
        turn = 0.0 if new.is_round and new.loose else float(yaw_of(new.pose.wxyz) - yaw_of(old.wxyz))
        if taken is not None:
            turn = self._taken_turn_rad(taken, turn)
        return moving(old, new.pose.position_m, wrapped(turn))

    def _taken_turn_rad(self, hold: Hold, turn_rad: float) -> float:
        """How much a hand turns that takes a thing which has turned: any way where the grip lets it, else by one of its grips.

        Physics does not care how a thing is called that lies the same after a quarter turn, and holds by another side.
        """
        frame, sign = frames_of(self.handling, hold)[0], 1.0 if hold.side == "right" else -1.0
        old, new = self.handling.things[hold.thing].position_m[0], self.after.solids[hold.thing].pose.position_m
        yaw = float(yaw_of(self.handling.hands[hold.side].T_counter_tool.wxyz[frame]))
        low, high = self.settings.yaw_range_rad
        wanted = sign * float(
            np.clip(sign * (yaw + self.settings.yaw_per_m * (new[1] - old[1])), min(low, sign * yaw), max(high, sign * yaw))
        )
        grips, own = self._grips(hold)
        if own is None or own.spins:
            return wanted - yaw if own is not None else turn_rad
        turns = [turn_rad + grip.yaw_rad - own.yaw_rad for grip in grips]
        return min(turns, key=lambda angle: abs(wrapped(yaw + angle - wanted)))

    def _grips(self, hold: Hold) -> tuple[list[SolidGrip], SolidGrip | None]:
        """The new thing's grips for a hold, and the old thing's own one: of its grasp, nearest to where and how the hand was."""
        frame = frames_of(self.handling, hold)[0]
        old, new = self.before.solids[hold.thing], self.after.solids[hold.thing]
        tool = self.handling.things[hold.thing][frame].inverse() @ self.handling.hands[hold.side].T_counter_tool[frame]
        yaw = float(yaw_of(tool.wxyz))

        def off(grip: SolidGrip) -> float:
            turned = 0.0 if grip.spins else abs(wrapped(yaw - grip.yaw_rad))
            return float(np.linalg.norm(tool.position_m - np.array(grip.position_m))) + 0.05 * turned

        own = min((grip for grip in old.grips if grip.grasp == hold.grasp), key=off, default=None)
        fits = [] if own is None else [grip for grip in new.grips if grip.grasp == own.grasp and grip.spins == own.spins]
        return fits, own if fits else None

    # Holds.

    def carry(self, number: int) -> None:
        """Carry one hold over: the thing's track, and the hand's while it has it."""
        hold = self.handling.holds[number]
        start, end = frames_of(self.handling, hold)
        own, tool = self.handling.things[hold.thing][start : end + 1], self.handling.hands[hold.side].T_counter_tool[start : end + 1]
        first = last = self.now[hold.thing]
        lift = self._grip_shift_m(hold)
        if self.after.solids[hold.thing].loose:
            self.acts[number] = acts_of(self.handling, hold, self.before)
            path = self._path(hold.thing, self.acts[number], start, end)
            last = move_between(own[-1], path[-1])
            self._write(hold.thing, start, end, path, last)
        else:
            self.acts[number], path = (Act(start, end, HOME),), first(own)
        in_thing = own.inverse() @ tool
        self._held[number] = (start, end, path @ Transform(in_thing.position_m + lift, in_thing.wxyz))
        self._leads[number] = (first.lifted(rotate(path.wxyz[0], lift)), last.lifted(rotate(path.wxyz[-1], lift)))
        self.now[hold.thing] = last

    def _grip_shift_m(self, hold: Hold) -> Array:
        """(3,) how much farther up or out a hand has the new thing, in the thing's frame."""
        grips, own = self._grips(hold)
        if own is None:
            return np.zeros(3)
        return np.array(min(grips, key=lambda grip: abs(wrapped(grip.yaw_rad - own.yaw_rad))).position_m) - np.array(own.position_m)

    def _write(self, name: str, start: int, end: int, path: Transform, last: Move) -> None:
        """A thing's track from a hold on."""
        after = last(self.handling.things[name][end + 1 :])
        parts = [(getattr(self.things[name][:start], part), getattr(path, part), getattr(after, part)) for part in ("position_m", "wxyz")]
        self.things[name] = Transform(*(np.concatenate(part) for part in parts))

    def _path(self, name: str, acts: Sequence[Act], start: int, end: int) -> Transform:
        """(end - start + 1,) what a held thing does: each act as its reference has it, and blends between."""
        frames = slice(start, end + 1)
        way = way_m(*self._going(name))
        out = self.now[name](self.handling.things[name][frames])
        for before, act in itertools.pairwise(acts):
            share = share_between(way, *self._apart(before.end, act.start, start, end))[frames]
            out = mixed(out, self._act(name, act.reference, frames), share)
            out.position_m[:, 2] += self._rise_m * 4 * share * (1 - share)
        return out

    def _going(self, name: str) -> tuple[Transform, ...]:
        """Tracks that tell how far a hold has come: where somebody walks, mostly theirs."""
        own = self.handling.things[name]
        return (own,) if self.handling.stand is None else (self.handling.stand,)

    def _apart(self, left: int, right: int, first: int, last: int) -> tuple[int, int]:
        """Ends of a blend that is not too short, within first .. last."""
        time, least = self.handling.time_s, self.settings.blend_s
        while time[right] - time[left] < least and (left > first or right < last):
            left, right = max(left - 1, first), min(right + 1, last)
        return left, right

    def _act(self, name: str, reference: str, frames: slice) -> Transform:
        """What a held thing does in some frames, were it all one act on `reference`."""
        own = self.handling.things[name][frames]
        if reference == HOME:
            return self.home[name](own)
        if reference == FREE:
            return STAY(own)
        old, new = self.handling.things[reference][frames], self.things[reference][frames]
        one, other, _ = nearest_points(own, old, [np.array(self.before.solids[each].half_m) for each in (name, reference)])
        rate = 1 / float(np.median(np.diff(self.handling.time_s)))
        one, other = (gaussian_filter1d(points, self.settings.contact_s * rate, axis=0, mode="nearest") for points in (one, other))
        turn = so3_exp(self._act_turn_rad(name, reference, old, new) * UP)
        kept = quaternion_product(turn, own.wxyz)
        there = new.position_m + rotate(quaternion_product(turn, old.wxyz), other * self._scale(reference))
        between = rotate(turn, own.apply(one) - old.apply(other))
        return Transform(there + between - rotate(kept, one * self._scale(name)), kept)

    def _scale(self, name: str) -> Array:
        """(3,) how many times larger a thing is."""
        return np.array(self.after.solids[name].half_m) / np.array(self.before.solids[name].half_m)

    def _act_turn_rad(self, name: str, reference: str, old: Transform, new: Transform) -> float:
        """How an act on a thing is turned: as that thing is; about a round one as forearms come to it."""
        if not self.after.solids[reference].is_round:
            return wrapped(float(yaw_of(new.wxyz[0]) - yaw_of(old.wxyz[0])))
        return float(self.settings.yaw_per_m * (new.position_m[:, 1] - old.position_m[:, 1]).mean())

    # Hands.

    def _hand(self, side: str) -> HandTrack:
        """A hand that goes with its things and is blended between them."""
        track = self.handling.hands[side]
        tool, way = track.T_counter_tool, way_m(track.T_counter_tool)
        own = sorted((number for number, hold in enumerate(self.handling.holds) if hold.side == side), key=lambda n: self._held[n][0])
        if not own:
            return replace(track, T_counter_tool=self._with_stand(tool))
        out, end = self._with_stand(tool), 0
        for number in own:
            first, last, _ = self._held[number]
            share = share_between(way, *self._gap(tool, end, first))
            out = mixed(out, self._leads[number][0](tool), share)
            out.position_m[:, 2] += self._rise_m * 4 * share * (1 - share)
            after = self._leads[number][1](tool)
            late = (np.arange(len(way)) > last)[:, None]
            out = Transform(np.where(late, after.position_m, out.position_m), np.where(late, after.wxyz, out.wxyz))
            end = last
        share = share_between(way, *self._gap(tool, end, len(way) - 1, ends=False))
        out = mixed(out, self._with_stand(tool), share)
        for number in own:
            first, last, poses = self._held[number]
            out.position_m[first : last + 1], out.wxyz[first : last + 1] = poses.position_m, poses.wxyz
        return replace(track, T_counter_tool=out)

    def _gap(self, tool: Transform, start: int, end: int, ends: bool = True) -> tuple[int, int]:
        """Frames within start .. end from which on a hand is free of what it left, and from which on it belongs to what it takes."""
        left, right, near = start, end, self.settings.near_m
        if start > 0:
            far = np.linalg.norm(tool.position_m[start:end] - tool.position_m[start], axis=-1) > near
            left = start + (int(np.argmax(far)) if far.any() else (end - start) // 2)
        if ends:
            far = np.linalg.norm(tool.position_m[start:end] - tool.position_m[end], axis=-1) > near
            right = start + (int(np.flatnonzero(far)[-1]) + 1 if far.any() else (end - start) // 2)
        if right <= left:
            left, right = self._apart((left + right) // 2, (left + right) // 2, start, end)
        return left, right

    def _holds(self) -> tuple[Hold, ...]:
        """Holds with the force that the new things need, where that is more."""
        return tuple(replace(hold, force_n=hold.force_n * self._harder(hold)) for hold in self.handling.holds)

    def _harder(self, hold: Hold) -> float:
        """How many times as hard a hold has to be: as many times over what just holds the thing as it was, or as is enough."""
        before, after = self.before.solids[hold.thing].load_n, self.after.solids[hold.thing].load_n
        if min(before, after) <= 0:
            return 1.0
        return max(1.0, after / max(before, hold.force_n / self.settings.spare if np.isfinite(hold.force_n) else 0.0))

    # Who walks.

    def _with_stand(self, tool: Transform) -> Transform:
        """A free hand goes along with who walks."""
        stand, moved = self.handling.stand, self._stand()
        return tool if stand is None or moved is None else moved @ stand.inverse() @ tool

    def _stand(self) -> Transform | None:
        """Where they stand: they come from the new start, and to each thing as they came to the old one."""
        stand = self.handling.stand
        if stand is None:
            return None
        way = way_m(stand)
        anchors = [(0, 0, move_between(stand[0], stand_at(np.array(self.after.stand))))]
        for number in sorted(self._held, key=lambda n: self._held[n][0]):
            first, last, _ = self._held[number]
            acts = self.acts[number]
            anchors += [(first, acts[0].end, self._leads[number][0]), (max(acts[-1].start, first), last, self._leads[number][1])]
        anchors.append((len(way) - 1, len(way) - 1, self._arrival(stand[-1], anchors[-1][2])))
        out = anchors[0][2](stand)
        for (_, left, _), (right, _, move) in itertools.pairwise(anchors):
            out = mixed(out, replace(move, shift_m=move.shift_m * [1.0, 1.0, 0.0])(stand), share_between(way, left, max(right, left + 1)))
        return out

    def _arrival(self, stand: Transform, last: Move) -> Move:
        """How the place where they stop moves: with the thing that they have come to, else as before."""
        away = {name: float(np.linalg.norm((self.handling.things[name].position_m[-1] - stand.position_m)[:2])) for name in self.things}
        nearest = min(away, key=lambda name: away[name], default="")
        return self.now[nearest] if nearest and away[nearest] < _FACING_M else last


def _tallest_m(layout: Layout) -> float:
    """Height of the tallest loose thing."""
    return max((2 * solid.half_m[2] for solid in layout.solids.values() if solid.loose), default=0.0)


def _paced(old: Handling, new: Handling, settings: TransportSettings) -> Handling:
    """The new handling on a clock that runs slower where its ways have become longer."""
    time = old.time_s
    frames = settings.pace_s / float(np.median(np.diff(time)))
    slower = np.ones(len(time) - 1)
    for was, now in _pairs(old, new):
        for was_steps, now_steps, floor in zip(_steps(was), _steps(now), (0.05, 0.2), strict=True):
            pace, wanted = (gaussian_filter1d(steps, frames, mode="nearest") for steps in (was_steps, now_steps))
            slower = np.maximum(slower, wanted / np.maximum(pace, floor * np.diff(time)))
    slower = gaussian_filter1d(np.clip(slower, 1.0, settings.longest), frames, mode="nearest")
    clock = time[0] + np.concatenate([[0.0], np.cumsum(np.diff(time) * slower)])

    def at(when_s: float) -> float:
        return float(np.interp(when_s, time, clock))

    holds = tuple(replace(hold, start_s=at(hold.start_s), end_s=at(hold.end_s)) for hold in new.holds)
    labels = tuple(replace(label, start_s=at(label.start_s), end_s=at(label.end_s)) for label in new.labels)
    return replace(new, time_s=clock, holds=holds, labels=labels)


def _pairs(old: Handling, new: Handling) -> list[tuple[Transform, Transform]]:
    """Tracks before and after: hands, held things, and who walks."""
    pairs = [(hand.T_counter_tool, new.hands[side].T_counter_tool) for side, hand in old.hands.items()]
    if old.stand is not None and new.stand is not None:
        pairs.append((old.stand, new.stand))
    return pairs


def _steps(track: Transform) -> tuple[Array, Array]:
    """(T - 1,) m and rad from frame to frame."""
    turn = quaternion_product(track.wxyz[:-1] * [1.0, -1, -1, -1], track.wxyz[1:])
    return np.linalg.norm(np.diff(track.position_m, axis=0), axis=-1), np.linalg.norm(so3_log(turn), axis=-1)
