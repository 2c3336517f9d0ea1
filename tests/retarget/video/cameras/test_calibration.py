"""Cameras of several views, in the layouts that calibrations come in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError
from motion.transform import Transform, so3_log
from retarget.video.cameras.calibration import camera_of_film, read_calibration, write_calibration
from retarget.video.cameras.camera import Camera
from retarget.video.cameras.refine_cameras import refine_cameras
from retarget.video.cameras.triangulate import triangulate, unswapped
from retarget.video.detectors.mediapipe_pose import DETECTOR as PEOPLE
from retarget.video.pictures.reader import Film, probe

_MIRROR = np.array([0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9, *(k + 1 if k % 2 else k - 1 for k in range(11, 33))])
"""For each of MediaPipe's 33 points its counterpart on the other side."""
_JOINTS = np.array([11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28])
"""Shoulders, elbows, wrists, hips, knees, ankles, left before right."""
_SEEN_PX = np.array(
    [
        [[109.1, 1061.0], [519.9, 1063.9], [665, 1520], [945, 1423]],
        [[437.4, 1038.9], [789.5, 1084.7], [273, 1315], [631, 1345]],
        [[874.4, 1234.6], [485.7, 1432.1], [262, 970], [62, 1058]],
    ]
)
"""Two stickers on the treadmill and the tops of its two posts, read off the first pictures of cam01, cam02 and cam03 by eye."""


def _views() -> dict[str, tuple[Camera, Transform]]:
    camera = Camera(1920, 1080, (1400.0, 1410.0), (950.0, 545.0), (0.1, -0.05, 0.002, -0.003, 0.01), "a lens")
    return {f"cam{k}": (camera, Transform.exp(np.array([k, 2.0, 1.5, 0.3, -0.2 * k, 1.0]))) for k in (1, 2)}


def _same(a: dict[str, tuple[Camera, Transform]], b: dict[str, tuple[Camera, Transform]]) -> None:
    assert list(a) == list(b)
    for name in a:
        np.testing.assert_allclose((a[name][1].inverse() @ b[name][1]).log(), 0, atol=1e-9)
        np.testing.assert_allclose(a[name][0].project(np.array([0.2, 0.1, 1.0])), b[name][0].project(np.array([0.2, 0.1, 1.0])))


def test_our_own_comes_back(tmp_path: Path) -> None:
    write_calibration(tmp_path / "cameras.json", _views())
    _same(read_calibration(tmp_path / "cameras.json"), _views())


@pytest.mark.parametrize("unit", [1.0, 1000.0])
def test_toml_gives_where_the_world_stands_in_the_camera(unit: float, tmp_path: Path) -> None:
    lines = []
    for name, (camera, T_world_camera) in _views().items():
        T = T_world_camera.inverse()
        (fx, fy), (cx, cy) = camera.focal_px, camera.centre_px
        k1, k2, p1, p2, k3 = camera.distortion
        away = T.position_m * unit
        lines += [
            f'[{name}_table]\nname = "{name}"\nsize = [1920.0, 1080.0]\nmatrix = [[{fx}, 0.0, {cx}], [0.0, {fy}, {cy}], [0.0, 0.0, 1.0]]',
            f"distortions = [{k1}, {k2}, {p1}, {p2}, {k3}]\nrotation = {so3_log(T.wxyz).tolist()}\ntranslation = {away.tolist()}",
            "fisheye = false",
        ]
    path = tmp_path / "calib.toml"
    path.write_text("\n".join([*lines, "[metadata]\nerror = 0.0\n"]))
    _same(read_calibration(path), _views())


def test_qualisys_cameras_agree_on_things_that_stand_still(data: Path) -> None:
    """The published calibration is some 10 px off in these films; any other reading of its axes is hundreds of pixels off."""
    folder = data / "video" / "pose2sim_single"
    calibration = read_calibration(folder / "Calib.qca.txt")
    assert list(calibration) == ["cam01", "cam02", "cam03", "cam04"]
    sizes = {"cam01": (1080, 1920), "cam02": (1080, 1920), "cam03": (1088, 1920)}
    views = [camera_of_film(folder / f"{name}.mp4", calibration, size)[1] for name, size in sizes.items()]
    found = triangulate(views, _SEEN_PX[:, None], np.ones((3, 1, 4)), robust=False)
    assert np.median(found.reprojection_px) < 12
    height_m = found.position_m[0, :, 2]
    np.testing.assert_allclose(height_m, [0, 0, 0.18, 0.18], atol=0.02)


def test_films_are_matched_by_name() -> None:
    views = _views()
    name, (camera, _) = camera_of_film(Path("2024_cam2_take1.mp4"), views, (960, 540))
    assert name == "cam2"
    assert camera.width_px == 960
    for film in ("front.mp4", "cam12.mp4", "cam1_cam2.mp4"):
        with pytest.raises(FileFormatError, match="cam1, cam2"):
            camera_of_film(Path(film), views, (1920, 1080))
    with pytest.raises(FileFormatError, match="wrong intrinsics size"):
        camera_of_film(Path("cam1.mp4"), views, (1440, 1080))


_QCA = """<?xml version='1.0'?><calibration><cameras><camera serial="cam01" viewrotation="0">
<transform r11="{r}" r12="0" r13="0" r21="0" r22="1" r23="0" r31="0" r32="0" r33="1" x="1000" y="0" z="2000"/>
<intrinsic centerPointU="61440" centerPointV="34560" focalLengthU="89600" focalLengthV="89600" sensorMaxU="122816" sensorMaxV="69056"
 sensorMinU="0" sensorMinV="0" radialDistortion1="0" radialDistortion2="0" tangentalDistortion1="0" tangentalDistortion2="0"/>
</camera></cameras></calibration>"""


def test_qualisys_by_hand(tmp_path: Path) -> None:
    """Identity rows: x right, y up, z back, 64ths of a pixel, millimetres. What is below, at -z, is straight ahead of the camera."""
    (tmp_path / "c.qca.txt").write_text(_QCA.format(r=1))
    camera, T_world_camera = read_calibration(tmp_path / "c.qca.txt")["cam01"]
    assert (camera.width_px, camera.height_px, camera.focal_px, camera.centre_px) == (1920, 1080, (1400.0, 1400.0), (960.0, 540.0))
    np.testing.assert_allclose(camera.project(T_world_camera.inverse().apply(np.array([1.0, 0, 0]))), [960, 540])
    np.testing.assert_allclose(camera.project(T_world_camera.inverse().apply(np.array([1.2, 0.1, 0]))), [960 + 140, 540 - 70])


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("mirrored", _QCA.format(r=-1), "rotation matrix is none"),
        ("rotated", _QCA.format(r=1).replace('viewrotation="0"', 'viewrotation="90"'), "rotated by 90"),
        ("broken", _QCA[:300], "no readable XML"),
        ("empty", "<calibration/>", "holds no camera"),
        ("incomplete", _QCA.format(r=1).replace("focalLengthU", "focal"), "not of the kind"),
        ("fisheye", "[c]\nsize = [10, 10]\nmatrix = [[9, 0, 5], [0, 9, 5], [0, 0, 1]]\nfisheye = true", "fisheye"),
        ("config", "[project]\nframe_rate = 60\n", "holds no camera"),
        ("words", "no calibration", "no calibration that is known"),
        ("json", '{"views": 3}', "not of the kind"),
    ],
)
def test_what_is_no_calibration_is_refused(name: str, text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(FileFormatError, match=says) as error:
        read_calibration(path)
    assert str(path) in str(error.value)


def test_three_films_of_one_person_agree_within_six_pixels(films: Path, models: Path) -> None:
    """Every fifth picture. The cameras are put back by the person; things that stand still, and had no part in it, then agree better."""
    folder = films / "pose2sim_single"
    calibration = read_calibration(folder / "Calib.qca.txt")
    seen, weight, views = [], [], []
    for name in ("cam01", "cam02", "cam03"):
        film = folder / f"{name}.mp4"
        info = probe(film)
        views.append(camera_of_film(film, calibration, (info.width_px, info.height_px), info.rotation_deg)[1])
        with PEOPLE.open({bundle: models / bundle for bundle in PEOPLE.bundles}, info.rate_hz) as eye:
            bodies = [eye.detect(picture.rgb, picture.time_s) for picture in Film(film) if picture.index % 5 == 0]
        largest = [max(people, key=lambda body: float(np.ptp(body.image_px[:, 1]))) for people in bodies]
        seen.append([body.image_px for body in largest])
        weight.append([body.visibility for body in largest])
    image_px, trust, swapped = unswapped(views, np.array(seen), np.array(weight), _MIRROR)
    assert swapped[1].any()
    assert not swapped[[0, 2]].any()
    refined = refine_cameras(views, image_px[:, :, _JOINTS], trust[:, :, _JOINTS])
    assert refined.before_px > 10
    found = triangulate(refined.views, image_px[:, :, _JOINTS], trust[:, :, _JOINTS])
    assert found.used.mean() > 0.85
    assert np.median(found.reprojection_px[found.used]) <= 6
    still = [np.median(triangulate(v, _SEEN_PX[:, None], np.ones((3, 1, 4)), robust=False).reprojection_px) for v in (views, refined.views)]
    assert still[0] > 8
    assert still[1] < 5
    thigh_m = np.linalg.norm(found.position_m[:, 6] - found.position_m[:, 8], axis=-1)
    assert 0.33 < np.median(thigh_m) < 0.45
    assert np.std(thigh_m) < 0.03
