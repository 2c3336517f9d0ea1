"""From strayed attempts to corrections: what the reference controller did from the states that the policy came to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from envs.disturbance import MILD, Disturbance
from envs.episodes import Episode
from envs.household.chore import Household
from envs.household.replay import FRAME
from envs.household.takeover import TAKEOVER, Ideal, Takeover, TakeoverReplay, reach_rad
from envs.plants import find_plant
from envs.reference import PERIOD_S
from envs.rollout import rollout
from gap.alignment import Comparison, Scales, compare, tracks_of_attempt, tracks_of_score
from gap.alignment.tracks import phases_of
from gap.refinement.moments import goes_on_at, moments
from gap.refinement.settings import RefinementSettings
from motion.demonstration import CONFIDENCE, Demonstration
from motion.landmarks import SIDES
from motion.provenance import record
from motion.transform import Array

_TOUCH_N = 0.3
_AT_FIRST_S = 1.0
_HANDS = "hand_position_m"
Labelled = Callable[[Demonstration, Ideal], Demonstration]
"""Adds what the recording behind an ideal says of itself to what the reference controller made of it."""


@dataclass(frozen=True)
class Attempt:
    """One attempt of the policy beside the person's ideal."""

    ideal: Ideal
    done: Demonstration
    comparison: Comparison


@dataclass(frozen=True)
class Correction:
    """One takeover of an attempt.

    Attributes:
        attempt: number of it in its round.
        step: of the attempt, at which it was taken over.
        frame: of the ideal, from which it went on.
        phase: of the ideal there.
        reach_rad: how far the farthest joint was off.
        dropped: why it is not learnt from; "" where it is.
        action_change_rad: root mean square over joints and the first second, of its actions less those of the attempt; NaN where it was
            not tried.
        hand_shift_m: how far a hand came, at most, from where the attempt had it in that second; NaN where it was not tried.
        done: the correction: the attempt's last moments and what came after; None where dropped.
    """

    attempt: int
    step: int
    frame: int
    phase: str
    reach_rad: float
    dropped: str
    action_change_rad: float = math.nan
    hand_shift_m: float = math.nan
    done: Demonstration | None = None


def beside_ideal(chore: Household, ideal: Ideal, done: Demonstration, scales: Scales | None = None) -> Comparison:
    """An episode beside the person's ideal for it."""
    return compare(tracks_of_attempt(chore, done), tracks_of_score(chore, ideal.score), phases_of(ideal.score.handling), scales)


def phase_weights(attempts: Sequence[Attempt], least: float) -> dict[str, float]:
    """Phase -> weight, `least` .. 1: in proportion to how far attempts strayed in it on average, 1 where they strayed most."""
    sums: dict[str, list[float]] = {}
    for attempt in attempts:
        for phase, found in attempt.comparison.by_phase().items():
            sums.setdefault(phase, []).append(found["strayed"])
    means = {phase: float(np.mean(values)) for phase, values in sums.items()}
    most = max(means.values(), default=0.0)
    return {phase: max(least, value / most) if most > 0 else 1.0 for phase, value in means.items()}


def correct(
    chore: Household,
    attempts: Sequence[Attempt],
    settings: RefinementSettings,
    weights: Mapping[str, float],
    slots: int = 16,
    threads: int = 0,
    disturbance: Disturbance = MILD,
    labelled: Labelled = lambda done, _: done,
) -> list[Correction]:
    """Take attempts over where they strayed, and keep what physics says came to a success.

    Args:
        chore: the chore.
        attempts: of one round.
        settings: of the refinement.
        weights: phase -> weight of an action; 1 where a phase is missing.
        slots, threads, disturbance: as the attempts were made with; threads may differ.
        labelled: says of a correction what the recording says of itself: `action_confidence`, by which phases' weights are multiplied.
    """
    tries = [own for number, attempt in enumerate(attempts) for own in _tries(number, attempt, settings)]
    near = [index for index, own in enumerate(tries) if own[0].reach_rad <= settings.bound_rad]
    near.sort(key=lambda index: tries[index][0].step)  # those beside each other are taken over at about the same time
    plant = find_plant("nominal")
    episodes = [Episode(attempts[tries[i][0].attempt].ideal.variant, plant, attempts[tries[i][0].attempt].ideal.seed, i) for i in near]
    takeovers = {(episode.variant, episode.seed, i): tries[i][1] for i, episode in zip(near, episodes, strict=True)}
    taking = replace(TAKEOVER, bound_rad=settings.bound_rad)
    done = rollout(chore, TakeoverReplay(chore, takeovers, taking=taking), episodes, slots, threads, disturbance) if near else []
    found = {}
    for i, result in zip(near, done, strict=True):
        own = _measured(chore, tries[i][0], attempts[tries[i][0].attempt].done, result)
        ideal = attempts[own.attempt].ideal
        found[i] = _judged(chore, own, attempts, labelled(result, ideal), settings, weights)
    far = f"a joint is more than {settings.bound_rad:g} rad off"
    return [found.get(index, replace(own[0], dropped=far)) for index, own in enumerate(tries)]


def _tries(number: int, attempt: Attempt, settings: RefinementSettings) -> list[tuple[Correction, Takeover]]:
    """Takeovers of an attempt that are worth a try."""
    done, comparison, score = attempt.done, attempt.comparison, attempt.ideal.score
    phases = phases_of(score.handling)
    out = []
    for step in moments(comparison, done.success, settings.takeovers, settings.strayed):
        felt_n = np.asarray(done.observations["hand_force_n"][step]).sum(-1)
        frame = goes_on_at(comparison, step, score.handling, felt_n, SIDES, _TOUCH_N)
        takeover = Takeover(score, done.actions[:step], frame)
        off_rad = reach_rad(takeover, done.signals["joint_position_rad"][step - 1])
        out.append((Correction(number, step, frame, phases[frame], off_rad, ""), takeover))
    return out


def _measured(chore: Household, own: Correction, attempt: Demonstration, done: Demonstration) -> Correction:
    """With how far it went from the attempt in the first second, or for as long as both go on."""
    end = min(own.step + round(_AT_FIRST_S / PERIOD_S), len(attempt.actions), len(done.actions))
    when, joints = slice(own.step, end), len(chore.robot.joint_names)
    change = done.actions[when, :joints] - attempt.actions[when, :joints]
    shift_m = np.linalg.norm(done.observations[_HANDS][when] - attempt.observations[_HANDS][when], axis=-1)
    return replace(own, action_change_rad=float(np.sqrt(np.mean(change**2))), hand_shift_m=float(shift_m.max()))


def _judged(
    chore: Household,
    own: Correction,
    attempts: Sequence[Attempt],
    done: Demonstration,
    settings: RefinementSettings,
    weights: Mapping[str, float],
) -> Correction:
    reason = chore.explain(done.signals, done.safety)
    if not reason and settings.safely and done.violations:
        reason = f"it violated {', '.join(done.violations)}"
    if reason:
        return replace(own, dropped=reason)
    attempt = attempts[own.attempt]
    phases = phases_of(attempt.ideal.score.handling)
    weight = np.array([weights.get(phases[min(frame, len(phases) - 1)], 1.0) for frame in done.signals[FRAME]])
    weight[: own.step] = 0.0
    believed = np.asarray(done.signals.get(CONFIDENCE, np.ones(len(weight))), float)  # (T,) or (T, A)
    trust = weight.reshape(-1, *(1,) * (believed.ndim - 1)) * believed
    first = max(0, own.step - round(settings.lead_s / PERIOD_S))
    return replace(own, done=_from(done, first, trust, attempt, own))


def _from(done: Demonstration, first: int, trust: Array, attempt: Attempt, own: Correction) -> Demonstration:
    """The part of an episode from a step on, with how much each of its actions counts."""
    ideal = attempt.ideal
    lineage = ideal.score.handling.provenance
    told = {"attempt": attempt.done.actor, "step": own.step, "frame": own.frame, "phase": own.phase, "reach_rad": own.reach_rad}
    source = f"{attempt.done.actor} in {done.chore}, {done.variant}, {done.seed}, taken over at step {own.step}"
    return replace(
        done,
        observations={name: track[first:] for name, track in done.observations.items()},
        actions=done.actions[first:],
        signals={**{name: track[first:] for name, track in done.signals.items()}, CONFIDENCE: trust[first:]},
        scene={**done.scene, "worker": ideal.worker} if ideal.worker else done.scene,
        provenance=record(source, "refine", lineage.parents, told, lineage.licence, lineage.consent),
    )
