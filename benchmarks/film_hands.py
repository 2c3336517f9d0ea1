"""How well hands come out of one camera: against simulated workers, whose hands are known, and against a recording.

`python -m benchmarks.film_hands` prints the first; `benchmarks/film.py`, which has the films, both. Nobody measured the
errors of a detector's points on real film, because nobody knows where the points truly are. What can be measured there is
in `Noise`, beside the numbers chosen from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from motion.landmarks import LANDMARKS, SIDES, hand_landmarks
from motion.lens import HEAD_LENS
from motion.transform import Array, Transform, rotate, so3_exp
from retarget.video.cameras.camera import Camera
from retarget.video.hands.hand_size import FINGER_POINTS, hand_axes, hand_length, hand_shape
from retarget.video.hands.lift_hand import LiftSettings, as_drawn, lift_hands
from retarget.video.hands.steady import SteadySettings, steady
from retarget.video.hands.tracks import TrackSettings, track_hands
from retarget.video.paths import HandPath
from retarget.video.seen import HandDetections
from workers.camera import head_camera
from workers.performance import perform
from workers.record import Worker, draw_worker

RATE_HZ = 30.0
_NEAREST_M = 0.15


@dataclass(frozen=True)
class Noise:
    """Errors of a detector; standard deviations, in hand lengths or rad. Measured on the four films of hands, 1,056 frames.

    Attributes:
        white: of a point, frame by frame. Second differences over sqrt(6): 0.0004 to 0.0016 before standing cameras, where hands
            move slowly; 0.008 to 0.010 on the head, with the hand's own acceleration in it.
        common: part of the frame's error that all points share; a third to a half of the above.
        drift: slow error of a point, time constant `drift_s`. Points lie 0.008 (standing) to 0.017 (head) from the best hand of
            constant bones, which follows part of the error: more is taken. They forget it within 0.2 s (head) to 0.5 s.
        bias: of a point, the whole film long, in the hand's own axes. The constant part of the same: 0.004 to 0.011.
        wrist_times: how much worse the wrist and the thumb's base are: 2 to 4 times in all films.
        breathing: of the relative shape's size, slowly. The palm's size there varies by 0.04 to 0.18.
        bone_breathing: of each of its bones. 0.05 to 0.38, half of all bones more than 0.12.
        depth: its depth is this part of the true one. The depth that makes a film's bones most constant is 0.7 to 0.95 of what was
            drawn; noise in depth looks the same, so less than that is taken.
        depth_spread: slowly varying.
        tilt_rad: its orientation is wrong by this much about axes across the line of sight, slowly, and by half of it about that
            line. Lifted palms and drawn ones differ by 5 to 22 degrees (medians of films).
        bone_rad: direction of each of its bones, slowly.
        label_lies: share of frames that call the hand the other one. 4 of 182 detections on the head, none else.
        slow_s: time constant of the relative shape's errors.
    """

    white: float = 0.008
    common: float = 0.004
    drift: float = 0.018
    drift_s: float = 0.3
    bias: float = 0.011
    wrist_times: float = 2.5
    breathing: float = 0.10
    bone_breathing: float = 0.12
    depth: float = 1.1
    depth_spread: float = 0.1
    tilt_rad: float = 0.18
    bone_rad: float = 0.2
    label_lies: float = 0.022
    slow_s: float = 0.7


@dataclass(frozen=True)
class Filmed:
    """What a camera on a worker's head filmed, and what was truly there.

    Attributes:
        detections: of T frames.
        camera: the lens.
        T_world_camera: (T,).
        truth_m: side -> (T, 21, 3) in the world.
        hand_length_m: of the worker.
    """

    detections: HandDetections
    camera: Camera
    T_world_camera: Transform
    truth_m: dict[str, Array]
    hand_length_m: float


def film(worker_seed: int, chore: str, noise: Noise | None = None, longest_s: float = 20.0) -> Filmed:
    """A simulated worker's chore, seen from their head by a noisy detector. The same arguments give the same arrays."""
    noise = noise or Noise()
    worker, rng = draw_worker(worker_seed), np.random.default_rng([worker_seed, len(chore)])
    time_s, position, head = _performed(worker, chore, rng, longest_s)
    lens = HEAD_LENS
    camera = Camera(lens.width_px, lens.height_px, (lens.focal_px, lens.focal_px), (lens.width_px / 2, lens.height_px / 2), name="known")
    truth = {side: position[:, [LANDMARKS.index(name) for name in hand_landmarks(side)]] for side in SIDES}
    local = {side: head.inverse()[:, None].apply(points) for side, points in truth.items()}
    length = worker.body.hand.length_m
    return Filmed(_detected(time_s, local, camera, length, noise, rng), camera, head, truth, length)


def _performed(worker: Worker, chore: str, rng: np.random.Generator, longest_s: float) -> tuple[Array, Array, Transform]:
    done = perform(worker.body, worker.style, chore, rng)
    time_s = np.arange(0.0, min(done.duration_s, longest_s), 1 / RATE_HZ)
    poses = worker.body.kinematics.frame_poses(["middle_head"], done.joints_at(time_s), done.base_at(time_s))
    return time_s, done.landmarks_at(time_s), head_camera(poses[:, 0], worker.body.physique.head_and_neck_m, rng)


def _detected(
    time_s: Array, local: dict[str, Array], camera: Camera, length_m: float, noise: Noise, rng: np.random.Generator
) -> HandDetections:
    """Hands of which nine tenths are in the picture, in shuffled columns."""
    count = len(time_s)
    image, relative = np.full((count, 2, 21, 2), np.nan), np.full((count, 2, 21, 3), np.nan)
    right, score = np.full((count, 2), np.nan), np.full((count, 2), np.nan)
    first = rng.random(count) < 0.5
    for index, side in enumerate(SIDES):
        points = local[side] + _bias(local[side], length_m, noise, rng)
        pixels = camera.project(points)
        inside = ((pixels > 0) & (pixels < [camera.width_px, camera.height_px])).all(-1).mean(1) >= 0.9
        inside &= points[:, 0, 2] > _NEAREST_M
        size_px = camera.focal_px[0] * length_m / np.maximum(points[:, 0, 2], _NEAREST_M)
        column = np.where(first, index, 1 - index)
        at = np.flatnonzero(inside), column[inside]
        image[at] = (pixels + size_px[:, None, None] * _image_noise(time_s, noise, rng))[inside]
        relative[at] = _drawn(time_s, local[side], camera, noise, rng)[inside]
        lies = rng.random(count) < noise.label_lies
        right[at] = np.where((side == "right") ^ lies, 0.95, 0.05)[inside]
        score[at] = 0.95
    return HandDetections(time_s, image, relative, right, score)


def _point_sizes(noise: Noise) -> Array:
    return np.where(np.isin(np.arange(21), [0, 1]), noise.wrist_times, 1.0)[:, None]


def _bias(points_m: Array, length_m: float, noise: Noise, rng: np.random.Generator) -> Array:
    """(T, 21, 3) where the detector takes the points to be, for good, in the axes of the hand."""
    off = rng.standard_normal((21, 3)) * noise.bias * length_m * _point_sizes(noise)
    return np.einsum("tij,kj->tki", hand_axes(points_m), off)


def _image_noise(time_s: Array, noise: Noise, rng: np.random.Generator) -> Array:
    """(T, 21, 2) in hand lengths."""
    white = rng.standard_normal((len(time_s), 21, 2)) * noise.white * _point_sizes(noise)
    common = rng.standard_normal((len(time_s), 1, 2)) * noise.common
    return white + common + noise.drift * _point_sizes(noise) * _wander(time_s, (21, 2), noise.drift_s, rng)


def _wander(time_s: Array, shape: tuple[int, ...], slow_s: float, rng: np.random.Generator) -> Array:
    """Ornstein-Uhlenbeck processes (T, *shape) of deviation 1."""
    out = rng.standard_normal((len(time_s), *shape))
    for frame, step_s in enumerate(np.diff(time_s), start=1):
        stays = np.exp(-step_s / slow_s)
        out[frame] = stays * out[frame - 1] + np.sqrt(1 - stays**2) * out[frame]
    return out


def _drawn(time_s: Array, local_m: Array, camera: Camera, noise: Noise, rng: np.random.Generator) -> Array:
    """(T, 21, 3) the detector's relative shape of true hands (T, 21, 3): tilted, flattened, of breathing size and bones."""
    shape = as_drawn(local_m - local_m[:, :1], camera.flat(camera.project(local_m)))
    turn = _wander(time_s, (3,), noise.slow_s, rng) * noise.tilt_rad * [1, 1, 0.5]
    shape = rotate(so3_exp(turn)[:, None], shape)
    out = np.empty_like(shape)
    out[:, 0] = shape[:, 0]
    for chain in FINGER_POINTS:
        line = [0, *chain]
        size = 1 + noise.bone_breathing * _wander(time_s, (4, 1), noise.slow_s, rng)
        turn = noise.bone_rad * _wander(time_s, (4, 3), noise.slow_s, rng) * np.array([0.3, 1, 1, 1])[:, None]
        bones = rotate(so3_exp(turn), np.diff(shape[:, line], axis=1)) * size
        out[:, list(chain)] = np.cumsum(bones, axis=1)
    depth = noise.depth + noise.depth_spread * _wander(time_s, (), noise.slow_s, rng)
    out[..., 2] *= depth[:, None]
    return out * (1 + noise.breathing * _wander(time_s, (1, 1), noise.slow_s, rng))


@dataclass(frozen=True)
class HandErrors:
    """Medians over hands and frames.

    Attributes:
        frames_n: hands compared.
        wrist_mm: distance of the wrist from the true one.
        wrist_at_half_metre_mm: the same, were all hands half a metre away.
        depth_mm: its part along the line of sight.
        turn_deg: of the palm's axes (`motion.segments`).
        tips_mm: of the fingertips in the hand's own axes.
        wrong_side_n: hands that were given to the other side.
    """

    frames_n: int
    wrist_mm: float
    wrist_at_half_metre_mm: float
    depth_mm: float
    turn_deg: float
    tips_mm: float
    wrong_side_n: int


def synthetic_errors(
    worker_seeds: Iterable[int] = range(4),
    chores: Iterable[str] = ("wipe", "stir", "fold", "reach_place"),
    noise: Noise | None = None,
    length_known: bool = True,
    smoothing: SteadySettings | None = None,
    lift: LiftSettings | None = None,
) -> HandErrors:
    """Errors of hands in the world, over all takes, the camera's lens and poses known."""
    rows = []
    chores = tuple(chores)
    for seed in worker_seeds:
        for chore in chores:
            rows += _take_errors(film(seed, chore, noise), length_known, smoothing or SteadySettings(), lift or LiftSettings())
    wrist, half, depth, turn, tips, wrong = (np.concatenate(column) for column in zip(*rows, strict=True))
    return HandErrors(
        frames_n=len(wrist),
        wrist_mm=_median(1e3 * wrist),
        wrist_at_half_metre_mm=_median(1e3 * half),
        depth_mm=_median(1e3 * depth),
        turn_deg=_median(np.degrees(turn)),
        tips_mm=_median(1e3 * tips),
        wrong_side_n=int(wrong.sum()),
    )


def _median(values: Array) -> float:
    return round(float(np.median(values)), 2)


def _take_errors(filmed: Filmed, length_known: bool, smoothing: SteadySettings, lift: LiftSettings) -> list[tuple[Array, ...]]:
    tracks = track_hands(filmed.detections, TrackSettings(view="head"))
    length = hand_length(tracks, filmed.hand_length_m if length_known else None)
    paths = lift_hands(tracks, filmed.camera, hand_shape(tracks, *length), lift)
    steadied = {side: steady(path, filmed.T_world_camera, None, smoothing)[0] for side, path in paths.items()}
    return [_path_errors(path, filmed) for path in steadied.values()]


def _path_errors(path: HandPath, filmed: Filmed) -> tuple[Array, ...]:
    there = np.isfinite(path.position_m).all((1, 2))
    found, true = path.position_m[there], filmed.truth_m[path.side][there]
    other = filmed.truth_m["left" if path.side == "right" else "right"][there]
    off = found[:, 0] - true[:, 0]
    distance = np.linalg.norm(off, axis=-1)
    sight = true[:, 0] - filmed.T_world_camera.position_m[there]
    away = np.linalg.norm(sight, axis=-1)
    axes, true_axes = hand_axes(found), hand_axes(true)
    turn = np.arccos(np.clip((np.einsum("tij,tij->t", axes, true_axes) - 1) / 2, -1, 1))
    tips = [chain[-1] for chain in FINGER_POINTS]
    local, true_local = (np.einsum("tij,tki->tkj", a, p[:, tips] - p[:, :1]) for a, p in ((axes, found), (true_axes, true)))
    wrong = np.linalg.norm(found[:, 0] - other[:, 0], axis=-1) < distance
    return (
        distance,
        distance * 0.5 / away,
        np.abs((off * sight).sum(-1) / away),
        turn,
        np.linalg.norm(local - true_local, axis=-1).mean(1),
        wrong,
    )


def direction_error(path: HandPath, recorded_m: Array) -> tuple[float, float]:
    """Degrees between a film's hand and recorded joints (T, 21, 3) of the same film, medians over frames.

    Recorded joints stand in a frame of their own, which turns with the wrist. So both are compared in the hand's own axes
    (`motion.segments`).

    Returns:
        of the direction from the wrist to the index knuckle, and the mean over all finger bones.
    """
    there = np.isfinite(path.position_m).all((1, 2))
    ours, theirs = (_in_axes(points) for points in (path.position_m[there], recorded_m[there]))
    bones = [_angle_deg(np.diff(ours[:, chain], axis=1), np.diff(theirs[:, chain], axis=1)) for chain in FINGER_POINTS]
    index = _angle_deg(ours[:, 5] - ours[:, 0], theirs[:, 5] - theirs[:, 0])
    return float(np.median(index)), float(np.median(np.concatenate(bones, axis=1).mean(1)))


def _in_axes(points_m: Array) -> Array:
    return np.einsum("tij,tki->tkj", hand_axes(points_m), points_m - points_m[:, :1])


def _angle_deg(a: Array, b: Array) -> Array:
    cross = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.asarray(np.degrees(np.arctan2(cross, (a * b).sum(-1))))


def recorded_hand(data: Path) -> Array:
    """(T, 21, 3) the joints that were recorded beside the film `dex_retargeting`."""
    with np.load(data / "hands" / "dex_retargeting" / "human_joint_right.npz", allow_pickle=False) as file:
        return np.asarray(file[file.files[0]], float)


if __name__ == "__main__":
    print("hand length known:   ", synthetic_errors())
    print("hand length unknown: ", synthetic_errors(length_known=False))
