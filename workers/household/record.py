"""Recordings of people who handle things: what phone, trackers and force sensors made of it, and what was truly done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from envs.household.things import Thing
from motion.errors import UnknownNameError
from motion.handling import CAMERA, COUNTER, Handling
from motion.human import HumanMotion, Subject
from motion.landmarks import LANDMARKS, SIDES
from motion.lens import HEAD_LENS, SHELF_LENS
from motion.provenance import Provenance
from motion.provenance import record as record_provenance
from motion.resample import interpolate, interpolate_transform
from motion.transform import Array, Transform
from workers.camera import Errors, frame_times, observe, panning_camera
from workers.household.forces import grip_forces, safety_margin
from workers.household.perform import HandlingPerformance, perform_handling
from workers.household.tracker import TrackerErrors, feel, see_counter, see_itself, see_thing, under_counter
from workers.household.walking import headings
from workers.record import CONSENT, LICENCE, TRUTH, VIEWS, Recording, Worker, camera_poses

_TAKE, _CAMERA = 11, 12
_ARM_POINTS = 6
"""Places on each forearm and hand that can hide a thing."""


def record_handling(
    worker: Worker,
    handling: Handling,
    things: Sequence[Thing] = (),
    take_seed: int = 0,
    view: str = "head",
    errors: Errors | None = None,
    tracker: TrackerErrors | None = None,
) -> Recording:
    """Let a worker do a handling before a camera. The same arguments give the same arrays, bit for bit.

    Args:
        worker: who.
        handling: what their hands do, in the counter's frame.
        things: what is handled: weights, frictions and grips; all tracks of the handling are recorded, with or without.
        take_seed: which of the worker's takes.
        view: "head" sees what the worker sees, "shelf" the whole person; one who walks about is followed by who films them.
        errors: of the camera and its landmarks.
        tracker: of the things' tracks and the force sensors.

    Returns:
        `observed` and `truth` at the same times. Objects: every thing of the handling, `motion.handling.COUNTER`, and, where
        somebody walks with a phone on the head, `motion.handling.CAMERA`. Signals: "left_grip_force_n" and "right_grip_force_n".

    Raises:
        UnknownNameError: no such view.
    """
    if view not in VIEWS:
        raise UnknownNameError("view", view, VIEWS, "workers.household.record")
    errors, tracker = errors or Errors(), tracker or TrackerErrors()
    done = perform_handling(worker, handling, np.random.default_rng([_TAKE, worker.seed, take_seed]), things)
    rng = np.random.default_rng([_CAMERA, worker.seed, take_seed, VIEWS.index(view)])
    time_s = frame_times(done.performance.duration_s, worker.rate_hz, errors, rng)
    truth = _truth(worker, done, time_s, things, _provenance(worker, handling, take_seed, view, "as truly done"))
    position = truth.position_m
    lens = SHELF_LENS if view == "shelf" else HEAD_LENS
    camera = _camera(view, done, time_s, rng)
    seen, confidence = observe(time_s, position, camera, lens, errors, rng)
    if done.handling.stand is None:
        hidden = under_counter(position, camera.position_m, done.T_world_counter)
        seen, confidence = np.where(hidden[..., None], np.nan, seen), np.where(hidden, 0.0, confidence)
    held = {side: _held(done.handling, side, time_s) for side in SIDES}
    arms = _arms(position)
    objects = {
        name: see_thing(time_s, track, camera, lens, tracker, {side: held[side] == name for side in SIDES}, arms, rng)
        for name, track in truth.objects.items()
        if name != COUNTER
    }
    objects[COUNTER] = see_counter(done.T_world_counter, len(time_s), tracker, rng)
    if view == "head" and done.handling.stand is not None:
        objects[CAMERA] = see_itself(time_s, camera, tracker, rng)
        truth = replace(truth, objects={**truth.objects, CAMERA: camera})
    observed = replace(
        truth,
        position_m=seen,
        confidence=confidence,
        objects=objects,
        signals={name: feel(force, tracker, rng) for name, force in truth.signals.items()},
        provenance=_provenance(worker, handling, take_seed, view, f"seen by a {view} camera"),
    )
    return Recording(observed, truth)


def _camera(view: str, done: HandlingPerformance, time_s: Array, rng: np.random.Generator) -> Transform:
    """Poses of the camera, batch (T,); a phone on a shelf would lose who walks about."""
    stand = done.handling.stand
    if stand is None or view == "head":
        return camera_poses(view, done.performance, time_s, rng)
    return panning_camera(done.performance.base_at(time_s).position_m, float(headings(stand)[0]), rng)


def save_recording(recording: Recording, folder: Path, name: str) -> Path:
    """Write the observed motion as `name`.npz into a folder and the truth under the same name into `truth/` in it."""
    path = Path(folder) / f"{name}.npz"
    recording.truth.save(path.parent / TRUTH / path.name)
    recording.observed.save(path)
    return path


def _truth(worker: Worker, done: HandlingPerformance, time_s: Array, things: Sequence[Thing], provenance: Provenance) -> HumanMotion:
    position, handling = done.performance.landmarks_at(time_s), done.handling
    counter = Transform(np.tile(done.T_world_counter.position_m, (len(time_s), 1)), np.tile(done.T_world_counter.wxyz, (len(time_s), 1)))
    tracks = {name: done.T_world_counter @ interpolate_transform(handling.time_s, track, time_s) for name, track in handling.things.items()}
    tracks |= {
        thing.name: _on_floor(tracks[thing.name], done.T_world_counter) for thing in things if thing.on_floor and thing.name in tracks
    }
    margin = safety_margin(worker.seed)
    forces = {side: interpolate(handling.time_s, grip_forces(handling, side, margin, things), time_s) for side in SIDES}
    return HumanMotion(
        time_s=time_s,
        landmarks=LANDMARKS,
        position_m=position,
        confidence=np.ones(position.shape[:2]),
        objects={**tracks, COUNTER: counter},
        signals={f"{side}_grip_force_n": force for side, force in forces.items()},
        labels=handling.labels,
        subject=Subject(worker.name, round(worker.body.physique.stature_m, 3)),
        provenance=provenance,
    )


def _on_floor(track: Transform, T_world_counter: Transform) -> Transform:
    """A thing whose height counts from the floor (`envs.household.floor`), where a worker's floor is."""
    return Transform(track.position_m - [0.0, 0.0, T_world_counter.position_m[2]], track.wxyz)


def _provenance(worker: Worker, handling: Handling, take_seed: int, view: str, how: str) -> Provenance:
    config: Mapping[str, object] = {"worker_seed": worker.seed, "take_seed": take_seed, "view": view}
    source = f"simulated {worker.name}, {handling.provenance.source}, take {take_seed}, {how}"
    return record_provenance(source, "workers", config=config, licence=LICENCE, consent=CONSENT)


def _held(handling: Handling, side: str, time_s: Array) -> np.ndarray:
    """(T,) name of what a hand holds, "" where nothing."""
    names = np.full(len(time_s), "", dtype=object)
    for hold in handling.holds:
        if hold.side == side:
            names[(time_s >= hold.start_s) & (time_s <= hold.end_s)] = hold.thing
    return names


def _arms(position_m: Array) -> Array:
    """(T, 2, K, 3) points from each elbow over the wrist to the middle knuckle."""
    chains = []
    for side in SIDES:
        elbow, wrist, knuckle = (position_m[:, LANDMARKS.index(f"{side}_{name}")] for name in ("elbow", "wrist", "middle_mcp"))
        shares = np.linspace(0.3, 1.0, _ARM_POINTS)
        chains.append(np.stack([*(elbow + share * (wrist - elbow) for share in shares), (wrist + knuckle) / 2, knuckle], axis=1))
    return np.stack(chains, axis=1)
