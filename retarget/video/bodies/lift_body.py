"""One person's body in metres before one camera: from points in pictures and a detector's idea of depth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from motion.errors import FileFormatError, require
from motion.landmarks import SIDES
from motion.transform import Array, normalized
from retarget.reading.estimated import head_of_a_face
from retarget.spans import bridged, runs
from retarget.video.bodies.body_bones import COLUMNS, DEFAULT_STATURE_SPREAD, INDEX, Bones, bones_of
from retarget.video.bodies.body_landmarks import FittedBody, body_path, long_gone
from retarget.video.bodies.clip_fit import ClipTerms, fit_clip
from retarget.video.bodies.person import POINT, PersonTrack
from retarget.video.cameras.camera import Camera
from retarget.video.paths import BodyPath

END_POINTS = np.array([name.endswith(("wrist", "index", "pinky", "ankle", "heel", "foot_index")) for name in INDEX])
"""(N,) which of the fitted points are on hands and feet."""
FOOT_COLUMNS = tuple(INDEX[f"{side}_{part}"] for side in SIDES for part in ("ankle", "heel", "foot_index"))
_CALM_S = 0.05
"""Width of the smoothing before a foot's speed is taken: detectors tremble."""
_LEAST_SURE, _LEAST_POINTS = 0.05, 4
"""Points count at least so much, and at least so many place a body."""


@dataclass(frozen=True)
class LiftSettings:
    """How much to believe what is known of a body.

    Attributes:
        image_share: standard deviation of a sure point in the picture, over the person's size there.
        unseen_below: visibility of what is not seen, but made up by the detector.
        least_visibility: what a detector sees less surely counts as no surer than this.
        depth_share, depth_m: standard deviation of a bone's extent along the ray, as a part of its length and in metres.
        across_share: of its extent across the ray, as a part of its length; the picture says that better.
        acceleration_mps2, end_acceleration_mps2: usual accelerations of trunk and limbs, and of hands and feet.
        still_mps: speed of a foot that stands.
        still_share_per_s: a foot is still while it moves less than this part of the person's size per second in the picture.
        fill_s: who is out of view for no longer than this is filled in.
        rounds: steps of the fit, at most.
    """

    image_share: float = 0.008
    unseen_below: float = 0.2
    least_visibility: float = 0.25
    depth_share: float = 0.6
    depth_m: float = 0.02
    across_share: float = 0.6
    acceleration_mps2: float = 8.0
    end_acceleration_mps2: float = 15.0
    still_mps: float = 0.08
    still_share_per_s: float = 0.06
    fill_s: float = 0.5
    rounds: int = 20


def lift_body(track: PersonTrack, camera: Camera, height_m: float | None = None, settings: LiftSettings | None = None) -> BodyPath:
    """The body in the camera's frame, bones of constant length, gaps of up to `fill_s` filled.

    Args:
        track: the person.
        camera: that took the film.
        height_m: stature; `body_bones.DEFAULT_STATURE_M` where None, and the size of everything is as uncertain as that.
        settings: how much to believe what is known.

    Raises:
        FileFormatError: the person is never seen.
    """
    settings = settings or LiftSettings()
    track = _in_view(track, camera, settings.unseen_below)
    enough = bool((np.isfinite(track.image_px[:, COLUMNS]).all(-1).sum(1) >= _LEAST_POINTS).any())
    require(enough, FileFormatError, "no person is seen in any picture: film the whole person, upright, in good light.")
    bones = bones_of(track.relative_m, track.visibility, height_m)
    flat = camera.flat(track.image_px)
    shape = bones.scale * turned_to_ray(track.relative_m, flat)
    start = _placed(shape[:, COLUMNS], flat[:, COLUMNS], track.visibility[:, COLUMNS])
    position = np.full(start.shape, np.nan)
    for run in runs(~long_gone(track.time_s, np.asarray(np.isfinite(start).all((1, 2))), settings.fill_s)):
        terms = _terms(track, flat, shape, bones, run, settings)
        position[run] = fit_clip(terms, _filled(track.time_s[run], start[run]), settings.rounds)
    fitted = FittedBody(track.time_s, position, track.visibility[:, COLUMNS], track.image_px[:, COLUMNS], bones.stature_m, settings.fill_s)
    return body_path(fitted, track.words | {"body": _words(bones, height_m)})


def _in_view(track: PersonTrack, camera: Camera, unseen_below: float) -> PersonTrack:
    """The track without points beyond the picture's border or behind a table, which detectors make up."""
    size = np.array([camera.width_px, camera.height_px])
    with np.errstate(invalid="ignore"):
        inside = np.asarray(((track.image_px >= 0) & (track.image_px <= size)).all(-1)) & (track.visibility >= unseen_below)
    return replace(track, image_px=np.where(inside[..., None], track.image_px, np.nan), visibility=np.where(inside, track.visibility, 0.0))


def head_in_camera(track: PersonTrack, camera: Camera) -> Array:
    """Orientation (T, 4) wxyz of the head, in the axes of `motion.segments`, in the camera's frame; NaN where unseen."""
    relative = turned_to_ray(track.relative_m, camera.flat(track.image_px))
    head = head_of_a_face({name: relative[:, column] for name, column in POINT.items()})
    assert head is not None
    return head[1]


def _words(bones: Bones, height_m: float | None) -> str:
    if height_m is not None:
        return f"limbs of constant length, for a stature of {height_m:.2f} m as stated"
    return (
        f"limbs of constant length; stature not stated, {bones.stature_m:.2f} m taken: sizes and distances may be off by "
        f"{DEFAULT_STATURE_SPREAD:.0%} (one standard deviation of adults); state subject.height_m="
    )


def turned_to_ray(relative_m: Array, flat: Array) -> Array:
    """A detector's relative points (T, 33, 3) in the camera's axes.

    A detector looks at a cut-out of the picture as if its own axis went through the person: it is turned, the shortest
    way, to where the person is in the picture.

    Args:
        relative_m: (T, 33, 3).
        flat: (T, 33, 2) where the points' rays meet the plane one metre ahead.
    """
    seen = np.any(np.isfinite(flat).all(-1), axis=1)
    middle = np.full((len(flat), 2), np.nan)
    middle[seen] = np.nanmedian(flat[seen], axis=1)
    middle = np.concatenate([middle, np.ones((len(flat), 1))], axis=-1)
    x, y, z = np.moveaxis(middle / np.linalg.norm(middle, axis=-1, keepdims=True), -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([np.stack([zero, zero, x], -1), np.stack([zero, zero, y], -1), np.stack([-x, -y, zero], -1)], -2)
    turn = np.eye(3) + cross + cross @ cross / (1 + z)[:, None, None]
    return np.asarray(relative_m @ np.swapaxes(turn, 1, 2))


def _filled(time_s: Array, position: Array) -> Array:
    return bridged(time_s, position.reshape(len(position), -1)).reshape(position.shape)


def _placed(shape: Array, flat: Array, visibility: Array, rounds: int = 6) -> Array:
    """Shapes (T, N, 3) put where their points lie on the rays, as nearly as can be, robustly. NaN where unseen.

    With x the place, (shape + x)_xy = flat (shape + x)_z is linear in x: weighted least squares, points that are far off
    counting less from round to round.
    """
    rows = np.zeros((*flat.shape, 3))
    rows[..., 0, 0] = rows[..., 1, 1] = 1
    rows[..., 2] = -flat
    aim = flat * shape[..., 2:] - shape[..., :2]
    there = np.isfinite(aim).all(-1)
    rows, aim = np.where(there[..., None, None], rows, 0.0), np.where(there[..., None], aim, 0.0)
    sure = np.where(there, np.maximum(visibility, _LEAST_SURE), 0.0)
    weight, seen = sure, there.sum(1) >= _LEAST_POINTS
    place = np.full((len(shape), 3), np.nan)
    for _ in range(rounds):
        matrix = np.einsum("tn,tnki,tnkj->tij", weight[seen], rows[seen], rows[seen])
        place[seen] = np.linalg.solve(matrix, np.einsum("tn,tnki,tnk->ti", weight[seen], rows[seen], aim[seen])[..., None])[..., 0]
        off = np.linalg.norm(np.einsum("tnki,ti->tnk", rows, place) - aim, axis=-1)
        usual = np.nanmedian(np.where(there, off, np.nan)[seen], axis=1)
        weight = sure.copy()
        weight[seen] /= 1 + (off[seen] / (2 * usual[:, None] + 1e-9)) ** 2
    return np.asarray(shape + place[:, None])


def _terms(track: PersonTrack, flat: Array, shape: Array, bones: Bones, run: slice, settings: LiftSettings) -> ClipTerms:
    flat, shape = flat[run][:, COLUMNS], shape[run][:, COLUMNS]
    sure = np.maximum(track.visibility[run][:, COLUMNS], settings.least_visibility)
    size = _size(flat)
    way = shape[:, bones.b] - shape[:, bones.a]
    both = np.minimum(sure[:, bones.a], sure[:, bones.b])
    return ClipTerms(
        time_s=track.time_s[run],
        flat=flat,
        flat_sigma=settings.image_share * size[:, None] / sure,
        a=bones.a,
        b=bones.b,
        way_m=normalized(way) * bones.length_m[:, None],
        way_information=_information(flat, bones, both, settings),
        slack_m=bones.slack_m,
        length_m=bones.length_m,
        still=_still(track.time_s[run], flat, size, settings),
        still_mps=settings.still_mps,
        acceleration_mps2=np.where(END_POINTS, settings.end_acceleration_mps2, settings.acceleration_mps2),
    )


def _size(flat: Array) -> Array:
    """(T,) diagonal of the box around a person's points (T, N, 2); the clip's usual one where unseen."""
    seen = np.any(np.isfinite(flat).all(-1), axis=1)
    size = np.full(len(flat), np.nan)
    size[seen] = np.linalg.norm(np.nanmax(flat[seen], axis=1) - np.nanmin(flat[seen], axis=1), axis=-1)
    return np.where(seen, size, np.nanmedian(size))


def _information(flat: Array, bones: Bones, sure: Array, settings: LiftSettings) -> Array:
    """(T, B, 3, 3) inverse covariance of the bones' ways: little along the ray, less across it."""
    middle = (flat[:, bones.a] + flat[:, bones.b]) / 2
    ray = np.concatenate([middle, np.ones((*middle.shape[:2], 1))], axis=-1)
    ray = np.nan_to_num(ray / np.linalg.norm(ray, axis=-1, keepdims=True))
    outer = ray[..., :, None] * ray[..., None, :]
    along = sure / (settings.depth_m + settings.depth_share * bones.length_m)
    across = sure / (settings.depth_m + settings.across_share * bones.length_m)
    return np.asarray(along[..., None, None] ** 2 * outer + across[..., None, None] ** 2 * (np.eye(3) - outer))


def _still(time_s: Array, flat: Array, size: Array, settings: LiftSettings) -> Array:
    """(T - 1, N) how surely each point of a foot stands from one frame to the next: by its speed in the picture."""
    return still_from_speed(time_s, flat, settings.still_share_per_s * size)


def still_from_speed(time_s: Array, path: Array, slow: Array | float) -> Array:
    """(T - 1, N) how surely each point of a foot stands from one frame to the next: 1 at rest, 0.6 at the speed `slow`.

    Args:
        time_s: (T,) rising.
        path: (T, N, k) in space or in a picture; NaN where unseen.
        slow: (T,) or one, in units of `path` per second.
    """
    out = np.zeros((len(path) - 1, path.shape[1]))
    if len(path) < 3:
        return out
    for column in FOOT_COLUMNS:
        track = bridged(time_s, path[:, column])
        if np.isfinite(track).all():
            calm = gaussian_filter1d(track, _CALM_S / np.median(np.diff(time_s)), axis=0, mode="nearest")
            speed = np.linalg.norm(np.gradient(calm, time_s, axis=0), axis=-1)
            still = np.exp(-0.5 * (speed / slow) ** 2)
            out[:, column] = np.minimum(still[1:], still[:-1])
    return out
