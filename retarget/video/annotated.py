"""Tracks of things that somebody marked by hand in a few pictures of a film: pixels -> `HumanMotion.objects`.

For each thing its height is stated, and in some pictures the pixels of the middle of its top and of its underside. It is taken to
stand upright, so the two pixels say how far away it is; how it leans is not seen. Where the camera's way is not known, one point
that stands still, marked in the same pictures, takes the camera's turning out. docs/objects.md has the format.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from motion.arguments import CommandError, split_words
from motion.errors import FileFormatError, require
from motion.handling import COUNTER
from motion.human import HumanMotion, Label
from motion.landmarks import SIDES
from motion.provenance import parent_of, record
from motion.store import entries_of
from motion.transform import Array, Transform, quaternion_product, rotate, so3_exp
from retarget.video.cameras.camera import Camera
from retarget.video.cameras.lenses import named_camera

USAGE = """usage: python -m retarget.video annotate MOTION.npz ANNOTATION.json output=ANNOTATED.npz

Adds tracks of things that were marked by hand in a few pictures of a film to the motion that was made of it."""
_UP = np.array([0.0, 0.0, 1.0])


def main(words: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    if not words or {"-h", "--help"} & set(words):
        print(USAGE)
        return 0
    files, values = split_words(words, ("output",), "python -m retarget.video annotate", inputs=())
    require(len(files) == 2 and bool(values.get("output")), CommandError, USAGE)
    done = annotate_file(Path(files[0]), Path(files[1]), Path(values["output"]))
    print(f"wrote {values['output']} with tracks of {', '.join(sorted(done.objects))}")
    return 0


def annotate_file(motion: Path, annotation: Path, output: Path) -> HumanMotion:
    """Add what an annotation says to a motion from a film, and write it.

    Raises:
        FileFormatError: an annotation that lacks a part, or a motion that is not from a film.
    """
    with entries_of(annotation):
        told = json.loads(annotation.read_text())
        own = HumanMotion.load(motion)
        done = annotated(own, told)
        config = {"annotation": annotation.name, **{key: told[key] for key in ("chore", "variant", "seed") if key in told}}
    provenance = record(
        f"{own.provenance.source}, things annotated by hand",
        "retarget.video.annotate",
        [parent_of(motion, own.provenance), parent_of(annotation)],
        config,
        own.provenance.licence,
        own.provenance.consent,
    )
    done = replace(done, provenance=provenance)
    done.save(output)
    return done


def annotated(motion: HumanMotion, told: Mapping[str, Any]) -> HumanMotion:
    """A motion with the things of an annotation, and without its camera's turning.

    Args:
        motion: from a film: signals "camera_position_m" and "camera_wxyz".
        told: as in docs/objects.md.
    """
    for name in ("camera_position_m", "camera_wxyz"):
        require(name in motion.signals, FileFormatError, f"{motion.provenance.source}: has no signal {name!r}, so it is not from a film.")
    camera = named_camera(told["camera"], *told["size_px"])
    if "still_px" in told:
        motion = _steadied(motion, camera, told["still_px"])
    objects = {name: _track(motion, camera, thing) for name, thing in told["things"].items()}
    counter = _counter(objects, motion, told[COUNTER])
    objects |= {name: _standing(objects, counter, place) for name, place in told.get("places", {}).items()}
    labels = tuple(Label(**label) for label in told.get("labels", ()))
    signals = {**motion.signals, **_forces(motion.time_s, told["held"])} if "held" in told else motion.signals
    return replace(motion, objects={**objects, COUNTER: counter}, labels=labels, signals=signals)


def _steadied(motion: HumanMotion, camera: Camera, still_px: Mapping[str, Sequence[float]]) -> HumanMotion:
    """The motion in a world in which a point that stands still does so: the camera is taken to turn, but to stay in its place."""
    frames = np.array(sorted(map(int, still_px)))
    eye = _eye(motion)[frames]
    rays = rotate(eye.wxyz, camera.rays(np.array([still_px[str(frame)] for frame in frames], float)))
    turns = np.array([_shortest_turn(ray, rays[0]) for ray in rays])
    turn = so3_exp(np.column_stack([np.interp(np.arange(len(motion.time_s)), frames, column) for column in turns.T]))
    middle = motion.signals["camera_position_m"]
    place = middle[:, None] + rotate(turn[:, None], motion.position_m - middle[:, None])
    assert motion.segment_wxyz is not None
    segments = quaternion_product(turn[:, None], motion.segment_wxyz)
    signals = {**motion.signals, "camera_wxyz": quaternion_product(turn, motion.signals["camera_wxyz"])}
    return replace(motion, position_m=place, segment_wxyz=segments, signals=signals)


def _shortest_turn(ray: Array, to: Array) -> Array:
    """(3,) rotation vector that takes one unit vector to another."""
    cross = np.cross(ray, to)
    sine = float(np.linalg.norm(cross))
    return cross / max(sine, 1e-12) * float(np.arctan2(sine, ray @ to))


def _eye(motion: HumanMotion) -> Transform:
    return Transform(motion.signals["camera_position_m"], motion.signals["camera_wxyz"])


def _track(motion: HumanMotion, camera: Camera, thing: Mapping[str, Any]) -> Transform:
    """T_world_thing (T,): upright, straight ways between the pictures in which it was marked; NaN before the first and after the last."""
    frames = np.array(sorted(map(int, thing["frames"])))
    marks = [thing["frames"][str(frame)] for frame in frames]
    top, under = (np.array([mark[part] for mark in marks], float) for part in ("top_px", "under_px"))
    eye = _eye(motion)[frames]
    below, above = (rotate(eye.wxyz, camera.rays(pixels)) for pixels in (under, top))
    height_m = float(thing["height_m"])
    places = eye.position_m + np.array([_along(low, high, height_m) for low, high in zip(below, above, strict=True)])
    every = np.arange(len(motion.time_s))
    track = np.column_stack([np.interp(every, frames, column, np.nan, np.nan) for column in places.T])
    seen = np.isfinite(track).all(-1)
    return Transform(track, np.where(seen[:, None], [1.0, 0.0, 0.0, 0.0], np.nan))


def _along(under: Array, top: Array, height_m: float) -> Array:
    """(3,) where on the ray of its underside an upright thing stands whose top lies on the other ray, in least squares."""
    (near, _), *_ = np.linalg.lstsq(np.column_stack([under, -top]), -height_m * _UP, rcond=None)
    return np.asarray(near * under)


def _standing(objects: Mapping[str, Transform], counter: Transform, place: Mapping[str, Any]) -> Transform:
    """T_world_place (T,): on the counter, under where a thing is in one picture."""
    pose = objects[place["under"]][int(place["frame"])]
    spot = np.append(pose.position_m[:2], counter.position_m[0, 2])
    return Transform(np.tile(spot, (len(counter), 1)), np.tile(pose.wxyz, (len(counter), 1)))


def _forces(time_s: Array, held: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
    """Signals of grip force (T,): what the annotation says in its spans, and none elsewhere."""
    forces = {f"{side}_grip_force_n": np.zeros(len(time_s)) for side in SIDES}
    for span in held:
        inside = (time_s >= span["start_s"]) & (time_s <= span["end_s"])
        forces[f"{span['side']}_grip_force_n"][inside] = float(span["force_n"])
    return forces


def _counter(objects: Mapping[str, Transform], motion: HumanMotion, told: Mapping[str, Any]) -> Transform:
    """T_world_counter (T,): at the height of a thing that stands on it, its front edge so far before that thing, facing as the camera."""
    frame = int(told["frame"])
    pose, ahead = objects[told["under"]][frame], rotate(motion.signals["camera_wxyz"][frame], [0.0, 0.0, 1.0])
    turn = so3_exp(np.arctan2(ahead[1], ahead[0]) * _UP)
    edge = pose.position_m - rotate(turn, [float(told["ahead_m"]), float(told["left_m"]), 0.0])
    return Transform(np.tile(edge, (len(motion.time_s), 1)), np.tile(turn, (len(motion.time_s), 1)))
