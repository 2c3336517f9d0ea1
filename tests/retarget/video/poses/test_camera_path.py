"""One known motion of a phone on a head, written in every format of camera poses and read back; and what is no such file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError, MotionError, UnderstudyError, UnknownNameError
from motion.transform import Array, Transform
from retarget.video.poses.base import PoseOptions
from retarget.video.poses.camera_path import CameraPath, camera_path, head_fixed, levelled, standing, standing_by_gravity
from retarget.video.poses.clock import FilmClock, on_film_clock
from tests.retarget.video import pose_writers as writers

_UPRIGHT = FilmClock(3.03, 91, 0)
_TURNED = FilmClock(3.03, 91, 90)
"""The film of the motion: 91 pictures at 30 Hz, stored lying and turned clockwise by 90 degrees."""

_POSES: dict[str, tuple[str, Callable[[Path], None], FilmClock]] = {
    "ARKit by columns": ("arkit.json", writers.arkit, _TURNED),
    "ARKit by rows": ("arkit.json", lambda path: writers.arkit(path, by_columns=False), _TURNED),
    "ARKit, 16 numbers": ("arkit.json", lambda path: writers.arkit(path, flat=True), _TURNED),
    "Record3D": ("metadata", lambda path: writers.record3d(path, first=True), _UPRIGHT),
    "Stray Scanner": ("odometry.csv", writers.stray, _TURNED),
    "TUM": ("trajectory.txt", writers.tum, _UPRIGHT),
    "ours": ("poses.csv", writers.ours, _UPRIGHT),
    "Aria": ("closed_loop_trajectory.csv", writers.aria, _TURNED),
    "EgoDex": ("0.hdf5", writers.egodex, _TURNED),
    "MCAP, JSON": ("a.mcap", writers.mcap_json, _TURNED),
    "MCAP, Protobuf": ("a.mcap", writers.mcap_protobuf, _TURNED),
    "MCAP, ROS 2 pose": ("a.mcap", writers.mcap_ros_pose, _TURNED),
    "MCAP, ROS 2 transforms": ("a.mcap", writers.mcap_ros_tf, _TURNED),
    "MCAP, ROS 2 odometry": ("a.mcap", writers.mcap_ros_odometry, _TURNED),
}


def _apart(a: Transform, b: Transform) -> tuple[float, float]:
    """Metres and degrees between poses, at most."""
    between = (a.inverse() @ b).log()
    return float(np.abs(between[:, :3]).max()), float(np.degrees(np.linalg.norm(between[:, 3:], axis=-1)).max())


def _written(what: str, folder: Path) -> tuple[Path, FilmClock]:
    name, write, film = _POSES[what]
    write(folder / name)
    return folder / name, film


@pytest.mark.parametrize("what", _POSES)
def test_every_format_gives_the_same_path(what: str, tmp_path: Path) -> None:
    path = camera_path(*_written(what, tmp_path))
    time, truth = writers.motion()
    assert path.kind == "pose"
    found, known = path.at(time)
    assert known.all()
    metres, degrees = _apart(found, truth)
    assert metres < 1e-4
    assert degrees < 0.02
    assert path.words["poses"]


def test_between_poses_the_camera_moves_evenly(tmp_path: Path) -> None:
    path = camera_path(*_written("ours", tmp_path))
    _, truth = writers.motion()
    found, known = path.at(np.array([0.5 / 30]))
    assert known.all()
    np.testing.assert_allclose(found.position_m[0], (truth.position_m[0] + truth.position_m[1]) / 2, atol=1e-6)


def test_without_gravity_the_first_camera_is_assumed_to_look_down(tmp_path: Path) -> None:
    writers.record3d(tmp_path / "metadata")
    path = camera_path(tmp_path / "metadata", _UPRIGHT)
    found, _ = path.at(np.zeros(1))
    np.testing.assert_allclose(found.wxyz, head_fixed().T_world_camera.wxyz, atol=1e-6)
    assert "assumed" in path.words["vertical"]
    _, truth = writers.motion()
    moved = path.at(writers.motion()[0])[0]
    assert _apart(moved[:1].inverse() @ moved, truth[:1].inverse() @ truth)[1] < 0.01


_FELT: dict[str, tuple[str, Callable[[Path], None]]] = {
    "iPhone": ("imu.csv", writers.stray_imu),
    "Android": ("imu.csv", lambda path: writers.stray_imu(path, sign=-1.0)),
    "in g": ("imu.csv", lambda path: writers.stray_imu(path, size=1.0)),
    "shaken": ("imu.csv", lambda path: writers.stray_imu(path, shake=0.1)),
    "Sensor Logger": ("Gravity.csv", writers.logger_gravity),
    "ROS 2": ("a.mcap", writers.mcap_ros_imu),
}


@pytest.mark.parametrize("what", _FELT)
def test_gravity_gives_roll_and_pitch(what: str, tmp_path: Path) -> None:
    name, write = _FELT[what]
    write(tmp_path / name)
    path = camera_path(tmp_path / name, _TURNED)
    assert path.kind == "gravity"
    time, truth = writers.motion()
    found, known = path.at(time[9:-9])
    assert known.all()
    down, felt = -truth.rotation()[9:-9, 2], -found.rotation()[:, 2]
    apart = np.degrees(np.arccos(np.clip((down * felt).sum(-1), -1, 1)))
    assert np.median(apart) < 1.5
    ahead = found.rotation() @ [0, -1, 1]
    np.testing.assert_allclose(ahead[:, 1], 0, atol=1e-4)
    assert (ahead[:, 0] > 1).all()


def test_what_is_level_and_what_looks_down() -> None:
    """By hand: level, the camera looks along the world's x, its right along -y; straight down, the top of its picture points along x."""
    level, below = Transform(np.zeros((2, 3)), levelled(np.array([[0.0, 1, 0], [0, 0, 1]]))).rotation()
    np.testing.assert_allclose(level, [[0, 0, 1], [-1, 0, 0], [0, -1, 0]], atol=1e-12)
    np.testing.assert_allclose(below @ [0, -1, 0], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(below @ [0, 0, 1], [0, 0, -1], atol=1e-12)


def test_a_head_of_which_nothing_is_known_looks_down() -> None:
    poses, known = head_fixed(30).at(np.array([0.0, 100.0]))
    assert known.all()
    np.testing.assert_allclose(poses.apply(np.array([0.0, 0, 1])), [[np.cos(np.pi / 6), 0, -0.5]] * 2, atol=1e-12)
    assert "30 degrees" in head_fixed(30).words["poses"]
    np.testing.assert_allclose(standing().at(np.zeros(1))[0].apply(np.array([0.0, 0, 1])), [[1, 0, 0]], atol=1e-12)


def test_a_standing_camera_takes_the_mean_of_gravity(tmp_path: Path) -> None:
    writers.stray_imu(tmp_path / "imu.csv", shake=0.05)
    still = standing_by_gravity(camera_path(tmp_path / "imu.csv", _TURNED))
    ahead = still.at(np.zeros(1))[0].apply(np.array([0.0, 0, 1]))[0]
    assert abs(np.degrees(np.arcsin(-ahead[2])) - 35) < 5
    with pytest.raises(MotionError, match="gravity"):
        standing_by_gravity(head_fixed())


def _line(time: Array, gone: slice | None = None) -> CameraPath:
    place = np.stack([time, 0 * time, 0 * time], -1)
    if gone is not None:
        place[gone] = np.nan
    return CameraPath("pose", time, Transform(place, Transform.identity(len(time)).wxyz))


def test_long_gaps_ends_and_lost_poses_are_not_known() -> None:
    time = np.r_[np.arange(0, 1.01, 0.1), 1.5, 1.6]
    poses, known = _line(time, slice(3, 5)).at(np.array([-0.04, -0.06, 0.05, 0.25, 0.3, 0.35, 0.5, 1.2, 1.5, 1.55, 1.64, 1.7]))
    assert known.tolist() == [True, False, True, False, False, False, True, False, True, True, True, False]
    assert np.isnan(poses.position_m[~known]).all()
    assert np.isnan(poses.wxyz[~known]).all()
    np.testing.assert_allclose(poses.position_m[known, 0], [0, 0.05, 0.5, 1.5, 1.55, 1.6], atol=1e-12)


def test_a_camera_found_anew_elsewhere_is_not_between(tmp_path: Path) -> None:
    writers.ours(tmp_path / "poses.csv")
    lines = (tmp_path / "poses.csv").read_text().splitlines()
    for k in range(50, len(lines)):
        cells = lines[k].split(",")
        lines[k] = ",".join([cells[0], str(float(cells[1]) + 3), *cells[2:]])
    (tmp_path / "poses.csv").write_text("\n".join(lines) + "\n")
    path = camera_path(tmp_path / "poses.csv", _UPRIGHT)
    assert path.words["poses jump"].startswith("1 times, first at 1.6 s")
    _, known = path.at(np.array([48.0, 48.5, 49.0]) / 30)
    assert known.tolist() == [True, False, True]


def test_clocks() -> None:
    film = FilmClock(10.0, 301, 0)
    stamp = np.arange(301) / 30
    assert on_film_clock("f", stamp + 0.5, film).time_s[0] == 0.5
    assert on_film_clock("f", stamp + 5000, film).time_s[0] == 0
    np.testing.assert_allclose(on_film_clock("f", stamp * 1e9 + 1.7e18, film).time_s, stamp, atol=1e-5)
    np.testing.assert_allclose(on_film_clock("f", stamp * 1e6 + 1e12, film).time_s, stamp, atol=1e-5)
    late = on_film_clock("f", np.arange(900) / 30 + 5000, film, offset_s=-4.0)
    assert late.time_s[0] == -4
    assert "as stated" in late.words["poses' clock"]
    twice = on_film_clock("f", np.r_[stamp[:50], stamp[49:]], film)
    assert len(twice.time_s) == 301
    assert "1" in twice.words["poses left out"]


def test_topics_are_chosen_by_name(tmp_path: Path) -> None:
    writers.mcap_json(tmp_path / "a.mcap", ("/left", "/right"))
    with pytest.raises(FileFormatError, match="/left, /right"):
        camera_path(tmp_path / "a.mcap", _TURNED)
    assert "/right" in camera_path(tmp_path / "a.mcap", _TURNED, PoseOptions(topic="/right")).words["topic"]
    with pytest.raises(UnknownNameError, match="/left"):
        camera_path(tmp_path / "a.mcap", _TURNED, PoseOptions(topic="/lefd"))


def _cut(name: str, write: Callable[[Path], None]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        write(folder / name)
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: int(len(whole) * 0.6)])
        return folder / name

    return make


def _text(name: str, text: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_text(text)
        return folder / name

    return make


def _changed(name: str, write: Callable[[Path], None], change: Callable[[str], str]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        write(folder / name)
        (folder / name).write_text(change((folder / name).read_text()))
        return folder / name

    return make


def _frames(change: Callable[[Array], Array]) -> Callable[[str], str]:
    """A change of every matrix of ARKit's JSON."""

    def changed(text: str) -> str:
        table = json.loads(text)
        for frame in table["frames"]:
            frame["cameraTransform"] = change(np.array(frame["cameraTransform"])).tolist()
        return json.dumps(table)

    return changed


def _backwards(text: str) -> str:
    lines = text.splitlines()
    return "\n".join([lines[0], *lines[:0:-1]]) + "\n"


def _aria_alone(folder: Path) -> Path:
    writers.aria(folder / "closed_loop_trajectory.csv")
    (folder / "online_calibration.jsonl").unlink()
    return folder / "closed_loop_trajectory.csv"


_HEADER = "time_s,x_m,y_m,z_m,qw,qx,qy,qz\n"
_BAD: dict[str, tuple[Callable[[Path], Path], type[UnderstudyError], str]] = {
    "no such file": (lambda folder: folder / "none.json", FileFormatError, "no such file"),
    "words": (_text("a.txt", "no poses at all\n"), FileFormatError, "Known"),
    "a table of something else": (_text("a.csv", "time,price\n0,1\n"), FileFormatError, "Known"),
    "JSON of something else": (_text("a.json", '{"hands": [1, 2]}'), FileFormatError, "no list of frames"),
    "frames without matrices": (_text("a.json", '[{"timestamp": 0, "fov": 3}]'), FileFormatError, "not every frame has a matrix"),
    "frames without times": (_text("a.json", '[{"pose": [[1]]}]'), FileFormatError, "not every frame has a time"),
    "cut JSON": (_cut("a.json", writers.arkit), FileFormatError, "cut off or broken"),
    "cut MCAP": (_cut("a.mcap", writers.mcap_json), FileFormatError, "cut off or broken"),
    "cut HDF5": (_cut("a.hdf5", writers.egodex), FileFormatError, "Known"),
    "mirrored": (_changed("a.json", writers.arkit, _frames(lambda m: m * [[-1], [1], [1], [1]])), FileFormatError, "mirrored"),
    "scaled": (_changed("a.json", writers.arkit, _frames(lambda m: m @ np.diag([2, 2, 2, 1.0]))), FileFormatError, "no rotations"),
    "no poses' matrices": (_changed("a.json", writers.arkit, _frames(lambda m: m + 0.5)), FileFormatError, "neither in the last row"),
    "quaternions not unit": (_text("a.csv", _HEADER + "0,0,0,0,1,0,0,0\n1,0,0,0,1,1,0,0\n"), FileFormatError, "not of length 1"),
    "backwards": (_changed("a.csv", writers.ours, _backwards), FileFormatError, "do not rise"),
    "Aria's glasses alone": (_aria_alone, FileFormatError, "online_calibration.jsonl"),
    "gravity taken out": (_changed("a.csv", lambda p: writers.stray_imu(p, size=0.1), str), FileFormatError, "taken out"),
    "an empty table": (_text("a.csv", _HEADER), FileFormatError, "Known"),
    "all lost": (_text("a.csv", _HEADER + "".join(f"{k},0,0,0,0,0,0,0\n" for k in range(4))), FileFormatError, "lost in all"),
}


@pytest.mark.parametrize("what", _BAD)
def test_what_is_no_file_of_poses_is_refused_in_one_sentence(what: str, tmp_path: Path) -> None:
    make, error, says = _BAD[what]
    path = make(tmp_path)
    with pytest.raises(error, match=says) as found:
        camera_path(path, _TURNED)
    assert str(path) in str(found.value)


@pytest.mark.parametrize(
    ("what", "film", "says"),
    [
        ("ARKit by rows", FilmClock(20.0, 600, 90), "poses last 3.0 s, the film 20.0 s"),
        ("Stray Scanner", FilmClock(1.0, 30, 90), "poses_offset_s="),
        ("Stray Scanner", FilmClock(3.03, 182, 90), "91 poses for a film of 182 pictures"),
        ("EgoDex", FilmClock(None, 300, 90), "91 poses for a film of 300 pictures"),
    ],
)
def test_poses_of_another_film_are_refused(what: str, film: FilmClock, says: str, tmp_path: Path) -> None:
    path, _ = _written(what, tmp_path)
    with pytest.raises(MotionError, match=says):
        camera_path(path, film)


def test_a_stated_offset_has_to_meet_the_film(tmp_path: Path) -> None:
    path, _ = _written("ours", tmp_path)
    longer = FilmClock(5.0, 150, 0)
    moved = camera_path(path, longer, PoseOptions(offset_s=1.0))
    _, known = moved.at(np.array([0.5, 1.0, 3.9, 4.5]))
    assert known.tolist() == [False, True, True, False]
    with pytest.raises(MotionError, match="cover 0.0 s"):
        camera_path(path, longer, PoseOptions(offset_s=60.0))
    with pytest.raises(FileFormatError, match="known: z, y"):
        PoseOptions(up="x")
