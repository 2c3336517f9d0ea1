"""Hands end where they truly were in the world, however the phone was held and whatever app logged its poses.

The truth, the pictures and the files are made by `phones`, from what makers publish; the way from there is the film's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np
import pytest

from motion.transform import Array, Transform, wxyz_from_matrix
from retarget.video.cameras.calibration import camera_of_film
from retarget.video.cameras.camera import Camera
from retarget.video.cameras.camera_files import read_camera
from retarget.video.film import Opened, open_film
from retarget.video.paths import HandPath
from retarget.video.pictures.reader import probe
from retarget.video.poses.base import PoseOptions
from retarget.video.poses.camera_path import camera_path, standing
from retarget.video.poses.clock import FilmClock, clock_of
from retarget.video.seen import HandDetections, PictureStats
from retarget.video.settings import FilmOptions, FilmSettings, SubjectSettings
from retarget.video.understand import Seen, shape_of_hand, tracked, understand
from tests.retarget.video import phones
from tests.retarget.video.filming import film
from tests.retarget.video.phones import Phone, phone

_NEAR_MM, _NEAR_DEG = 4.0, 1.0
"""Smoothing of a hand and a head that move costs about a millimetre; a convention taken wrongly costs hundreds."""
_LOGS: dict[str, tuple[str, Callable[[Path, Phone], Path]]] = {
    "ARKit": ("arkit.json", phones.arkit),
    "Stray Scanner": ("odometry.csv", phones.stray),
    "Record3D": ("metadata", phones.record3d),
    "TUM": ("trajectory.txt", phones.tum),
    "ours": ("poses.csv", phones.ours),
}
_Hands = Mapping[str, Array]


def _found(
    owner: Phone, folder: Path, poses: Path, view: str = "head", found: HandDetections | None = None, **options: object
) -> tuple[Opened, Mapping[str, HandPath]]:
    """The film opened, and hands in the world, by the way that a film goes after its pictures were looked at."""
    subject = SubjectSettings(hand_length_m=phones.HAND_LENGTH_M, height_m=1.7)
    lens = str(phones.intrinsics(folder / "lens.json"))
    settings = FilmSettings(view=view, camera=lens, poses=str(poses), subject=subject, film=FilmOptions(**options))  # type: ignore[arg-type]
    opened = open_film(phones.filmed(owner, folder / "film.mp4"), settings)
    hands = found or phones.detected(owner, phones.hands_of(owner))
    ones = np.ones(len(hands.time_s))
    seen = Seen(hands, None, PictureStats(hands.time_s, 0.5 * ones, 0.01 * ones, 0.1 * ones))
    shape = shape_of_hand(tracked(hands, view, settings), settings)
    return opened, understand(seen, shape, opened.camera, opened.poses, view, settings).worker.hands


def _apart(found: Mapping[str, HandPath], truth: _Hands, level: bool = True) -> tuple[float, float]:
    """Median mm between wrists, and degrees between palms' directions; a constant height is free, as the floor is assumed."""
    assert set(found) == set(truth)
    far, turned = [], []
    for side, path in found.items():
        off = path.position_m - truth[side]
        off = off - [0, 0, np.nanmedian(off[..., 2]) if level else 0.0]
        a, b = (points[:, 9] - points[:, 0] for points in (path.position_m, truth[side]))
        far.append(np.nanmedian(np.linalg.norm(off[:, 0], axis=-1)))
        turned.append(np.nanmedian(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(-1))))
    return 1e3 * float(max(far)), float(np.degrees(max(turned)))


def _around_the_head(owner: Phone, hands: _Hands) -> dict[str, Array]:
    """The same hands about the camera, z up, x where the camera looks and its picture's top point, made level."""
    ahead = (owner.upright[..., 2] - owner.upright[..., 1]) * [1, 1, 0]
    ahead = ahead / np.linalg.norm(ahead, axis=-1, keepdims=True)
    up = np.broadcast_to([0.0, 0, 1], ahead.shape)
    axes = np.stack([ahead, np.cross(up, ahead), up], axis=1)
    return {side: np.einsum("tij,tnj->tni", axes, points - owner.place_m[:, None]) for side, points in hands.items()}


@pytest.mark.parametrize("held", phones.HELD)
@pytest.mark.parametrize("log", _LOGS)
def test_hands_are_where_they_were(log: str, held: str, tmp_path: Path) -> None:
    name, write = _LOGS[log]
    owner = phone(held)
    opened, hands = _found(owner, tmp_path, write(tmp_path / name, owner))
    assert opened.film.info.rotation_deg == owner.shown_deg
    far_mm, turned_deg = _apart(hands, phones.hands_of(owner))
    assert far_mm < _NEAR_MM
    assert turned_deg < _NEAR_DEG


@pytest.mark.parametrize("held", phones.HELD)
@pytest.mark.parametrize("name", ["imu.csv", "Gravity.csv"])
def test_gravity_alone_gives_roll_and_pitch(name: str, held: str, tmp_path: Path) -> None:
    """An iPhone's accelerometer points down at rest, an Android's up."""
    owner = phone(held, moves=0.3)
    poses = (phones.stray_imu if name == "imu.csv" else phones.android_gravity)(tmp_path / name, owner)
    far_mm, turned_deg = _apart(_found(owner, tmp_path, poses)[1], _around_the_head(owner, phones.hands_of(owner)))
    assert far_mm < _NEAR_MM
    assert turned_deg < _NEAR_DEG


def test_gravity_of_a_phone_on_a_shelf(tmp_path: Path) -> None:
    owner = phone(moves=0.0)
    hands = _found(owner, tmp_path, phones.stray_imu(tmp_path / "imu.csv", owner), view="hands")[1]
    far_mm, turned_deg = _apart(hands, _around_the_head(owner, phones.hands_of(owner)), level=False)
    assert far_mm < _NEAR_MM
    assert turned_deg < _NEAR_DEG


@pytest.mark.parametrize("held", phones.HELD)
def test_gravity_before_the_camera_beside_the_screen(held: str, tmp_path: Path) -> None:
    owner = phone(held, front=True, moves=0.0)
    path = camera_path(phones.stray_imu(tmp_path / "imu.csv", owner), FilmClock(2.0, 50, owner.shown_deg, front=True))
    up = np.einsum("tij,i->tj", owner.upright, [0.0, 0, 1])
    np.testing.assert_allclose(path.T_world_camera.rotation()[:, 2], up, atol=1e-5)


def test_a_stated_offset_is_added_to_the_poses(tmp_path: Path) -> None:
    """The phone logged for 0.4 s before the film began."""
    longer = phone(frames_n=70)
    owner = Phone(longer.held, longer.place_m[10:60], longer.turn[10:60], longer.sensor)
    opened, hands = _found(owner, tmp_path, phones.arkit(tmp_path / "arkit.json", longer), poses_offset_s=-0.4)
    assert opened.poses.words["poses' clock"].endswith("-0.4 s as stated")
    assert _apart(hands, phones.hands_of(owner))[0] < _NEAR_MM


def test_hands_are_nowhere_while_the_poses_are_lost(tmp_path: Path) -> None:
    owner = phone()
    lines = phones.ours(tmp_path / "poses.csv", owner).read_text().splitlines()
    (tmp_path / "poses.csv").write_text("\n".join(lines[:11] + lines[36:]) + "\n")
    hands = _found(owner, tmp_path, tmp_path / "poses.csv")[1]
    for path in hands.values():
        assert np.isnan(path.position_m[10:35]).all()
        assert np.isfinite(path.position_m[:10]).all()
    assert _apart(hands, phones.hands_of(owner))[0] < _NEAR_MM


def test_pictures_at_an_even_rate_go_with_poses_that_were_not(tmp_path: Path) -> None:
    """Stray Scanner numbers its pictures evenly; its poses tell when each was taken, and that some between were lost."""
    owner = phone()
    lines = phones.stray(tmp_path / "odometry.csv", owner).read_text().splitlines()
    late = [f"{float(line.split(',')[0]) + (0.16 if k >= 20 else 0.0):.6f},{line.split(',', 1)[1]}" for k, line in enumerate(lines[1:])]
    (tmp_path / "odometry.csv").write_text("\n".join([lines[0], *late]) + "\n")
    opened, hands = _found(owner, tmp_path, tmp_path / "odometry.csv")
    assert "paired" in opened.poses.words["poses' clock"]
    assert _apart(hands, phones.hands_of(owner))[0] < _NEAR_MM


def test_pictures_that_were_turned_before_they_were_stored(tmp_path: Path) -> None:
    """The app wrote standing pictures; ARKit's poses are of the lying ones."""
    owner = phone()
    info = probe(film(tmp_path / "film.mp4", phones.FRAMES_N, (108, 192)))
    path = camera_path(phones.arkit(tmp_path / "arkit.json", owner), clock_of(info))
    np.testing.assert_allclose(path.T_world_camera.rotation(), owner.upright, atol=1e-5)


@pytest.mark.parametrize("by_matrix", [False, True])
def test_a_mirrored_film_put_right_keeps_the_poses_of_its_sensor(by_matrix: bool, tmp_path: Path) -> None:
    """Mirrored when it was stored, or to be shown so; either way the sensor's own picture is turned by 90 degrees."""
    owner = phone(front=True)
    turned = film(tmp_path / "film.mp4", phones.FRAMES_N, (192, 108), turned_deg=-90, mirrored=by_matrix)
    shown = probe(turned)  # a phone's (0, 1, 1, 0): turned clockwise, then left for right
    assert (shown.rotation_deg, shown.mirrored) == ((270, True) if by_matrix else (90, False))
    clock = clock_of(probe(turned, unmirror=True), front=True)
    assert clock.rotation_deg == 90
    log = phones.arkit(tmp_path / "arkit.json", owner)
    opened = open_film(turned, FilmSettings(view="head", poses=str(log), film=FilmOptions(mirrored=True)))
    for path in (camera_path(log, clock), opened.poses):
        np.testing.assert_allclose(path.T_world_camera.rotation(), owner.upright, atol=1e-5)


def test_arias_pictures_stand_upright_though_its_camera_lies(tmp_path: Path) -> None:
    """vrs_to_mp4 turns them by 90 degrees clockwise before it stores them; the file says nothing of a rotation."""
    owner = phone()
    T_device_camera = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]).T, np.array([0.05, -0.01, 0.02])
    device = owner.sensed @ T_device_camera[0].T
    place = owner.place_m - device @ T_device_camera[1]
    names = [*(f"t{axis}_world_device" for axis in "xyz"), *(f"q{axis}_world_device" for axis in "xyzw")]
    rows = np.column_stack([1e6 * (900 + owner.time_s), place, phones.xyzw(device)])
    text = "\n".join(["tracking_timestamp_us," + ",".join(names), *(",".join(f"{value:.9f}" for value in row) for row in rows)])
    (tmp_path / "closed_loop_trajectory.csv").write_text(text + "\n")
    x, y, z, w = phones.xyzw(T_device_camera[0])
    (tmp_path / "online_calibration.jsonl").write_text(
        f'{{"CameraCalibrations": [{{"Label": "camera-rgb", "T_Device_Camera": {{"Translation": {T_device_camera[1].tolist()}, '
        f'"UnitQuaternion": [{w}, [{x}, {y}, {z}]]}}}}]}}\n'
    )
    path = camera_path(tmp_path / "closed_loop_trajectory.csv", FilmClock(2.0, 50, 0))
    np.testing.assert_allclose(path.T_world_camera.rotation(), owner.upright, atol=1e-5)
    np.testing.assert_allclose(path.T_world_camera.position_m, owner.place_m, atol=1e-6)


def test_egodex_looks_where_its_matrices_say(tmp_path: Path) -> None:
    owner = phone("top to the left")
    matrix = phones.arkit_matrices(owner)
    matrix[:, :3, 1:3] *= -1  # its pictures are projected with x right, y down, z ahead
    with h5py.File(tmp_path / "0.hdf5", "w") as file:
        file["transforms/camera"] = matrix
    path = camera_path(tmp_path / "0.hdf5", FilmClock(50 / 30, 50, 0), PoseOptions())
    np.testing.assert_allclose(path.T_world_camera.rotation(), owner.upright, atol=1e-5)


def test_a_lens_measured_upright_belongs_to_the_lying_film_too(tmp_path: Path) -> None:
    """By hand: turned clockwise the sensor's centre (990, 520) is at (1080 - 520, 990) in the upright picture."""
    text = '{"width_px": 1080, "height_px": 1920, "focal_px": 1400, "centre_px": [560, 990]}'
    (tmp_path / "lens.json").write_text(text)
    expected = {0: (1920, 1080, 990, 520), 180: (1920, 1080, 930, 560), 90: (1080, 1920, 560, 990)}
    for rotation_deg, (width, height, *centre) in expected.items():
        assert read_camera(tmp_path / "lens.json", width, height, rotation_deg).centre_px == tuple(centre)


@pytest.mark.parametrize("held", ["upright", "upside down"])
def test_a_calibration_of_lying_pictures_serves_the_film_that_stands(held: str) -> None:
    """The camera is turned, and where it stands in the room with it: what is seen of the room stays where it is seen."""
    owner = phone(held, moves=0.0, frames_n=1)
    points = phones.hands_of(owner)["left"][0]
    sensed = Transform(owner.place_m[0], wxyz_from_matrix(owner.sensed[0]))
    lying = Camera(phones.WIDE, phones.HIGH, (phones.FOCAL, phones.FOCAL), phones.CENTRE)
    _, (camera, pose) = camera_of_film(Path("a.mp4"), {"a": (lying, sensed)}, (phones.HIGH, phones.WIDE), owner.shown_deg)
    np.testing.assert_allclose(camera.project(pose.inverse().apply(points)), phones.shown_px(owner, points[None])[0], atol=1e-6)


def test_a_stated_tilt_of_a_phone_on_a_shelf_is_taken() -> None:
    """By hand: 30 degrees down, up is cos 30 against the picture's down and sin 30 against where the camera looks."""
    path = standing(30.0)
    assert path.kind == "gravity"
    np.testing.assert_allclose(path.T_world_camera.rotation()[0, 2], [0, -np.sqrt(0.75), -0.5], atol=1e-9)


def test_poses_of_shown_pictures_are_turned_on_with_them(tmp_path: Path) -> None:
    """Record3D, until 1.10, saved standing pictures of a phone that lay; whoever states a rotation turns their poses too."""
    lying = phone("top to the left")
    saved = Phone("upright", lying.place_m, lying.turn, lying.sensor)  # as if it had been upright: turned by 90 degrees
    info = probe(film(tmp_path / "film.mp4", phones.FRAMES_N, (108, 192)), 270)
    clock = clock_of(info, said_deg=0)
    for log in (phones.record3d(tmp_path / "metadata", saved), phones.tum(tmp_path / "trajectory.txt", saved)):
        rotation = camera_path(log, clock).T_world_camera.rotation()
        np.testing.assert_allclose(rotation, lying.upright, atol=1e-5)
