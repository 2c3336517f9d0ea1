"""Cameras named, read from every layout, scaled and turned; and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from motion.errors import FileFormatError, UnknownNameError
from retarget.video.cameras.camera import Camera
from retarget.video.cameras.camera_files import camera_of
from retarget.video.cameras.camera_fit import fitted, scaled, turned
from retarget.video.cameras.lenses import LENSES, lens_names

_K = [[1400.0, 0, 950], [0, 1410, 545], [0, 0, 1]]
_COLUMNS = [list(column) for column in zip(*_K, strict=True)]


def _written(folder: Path, name: str, text: str | dict | list) -> str:
    path = folder / name
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return str(path)


_LAYOUTS: dict[str, str | dict | list] = {
    "own.json": {"width_px": 1920, "height_px": 1080, "focal_px": [1400, 1410], "centre_px": [950, 545]},
    "rows.json": {"K": _K, "width": 1920, "height": 1080},
    "bare.json": _K,
    "columns.json": {"intrinsics": _COLUMNS, "imageResolution": {"width": 1920, "height": 1080}},
    "record3d.json": {"K": [number for column in _COLUMNS for number in column], "w": 1920, "h": 1080, "fps": 60, "poses": []},
    "opencv.json": {"camera_matrix": _K, "dist_coeffs": [[0, 0, 0, 0, 0]], "image_width": 1920, "image_height": 1080},
    "nerf.json": {"fl_x": 1400, "fl_y": 1410, "cx": 950, "cy": 545, "w": 1920, "h": 1080},
    "camera_matrix.csv": "1400.0, 0.0, 950.0\n0.0, 1410.0, 545.0\n0.0, 0.0, 1.0\n",
    "cameras.txt": "# Camera list\n# CAMERA_ID, MODEL\n1 PINHOLE 1920 1080 1400 1410 950 545\n",
    "ros.yaml": "image_width: 1920\nimage_height: 1080\n"
    "camera_matrix:\n  rows: 3\n  cols: 3\n  data: [1400, 0, 950, 0, 1410, 545, 0, 0, 1]\n"
    "distortion_model: plumb_bob\ndistortion_coefficients:\n  rows: 1\n  cols: 5\n  data: [0, 0, 0, 0, 0]\n",
    "opencv.yaml": "%YAML:1.0\n---\nimage_width: 1920\nimage_height: 1080\n"
    "camera_matrix: !!opencv-matrix\n   rows: 3\n   cols: 3\n   dt: d\n"
    "   data: [1400., 0., 950., 0., 1410., 545., 0., 0., 1.]\ndistortion_coefficients: !!opencv-matrix\n   rows: 1\n   cols: 5\n   dt: d\n"
    "   data: [0., 0., 0., 0., 0.]\n",
}


@pytest.mark.parametrize("name", _LAYOUTS)
def test_every_layout_gives_the_same_camera(name: str, tmp_path: Path) -> None:
    camera = camera_of(_written(tmp_path, name, _LAYOUTS[name]), 1920, 1080, "head")
    assert (camera.width_px, camera.height_px) == (1920, 1080)
    np.testing.assert_allclose([*camera.focal_px, *camera.centre_px], [1400, 1410, 950, 545])


def test_distortion_is_read_in_opencvs_order(tmp_path: Path) -> None:
    said = _written(tmp_path, "c.json", {"camera_matrix": _K, "dist_coeffs": [0.1, 0.2, 0.3, 0.4, 0.5], "image_size": [1920, 1080]})
    assert camera_of(said, 1920, 1080, "head").distortion == (0.1, 0.2, 0.3, 0.4, 0.5)


def test_egodex_files_carry_their_camera(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "0.hdf5", "w") as file:
        file["camera/intrinsic"] = np.array([[736.6339, 0, 960], [0, 736.6339, 540], [0, 0, 1]])
    found = camera_of(str(tmp_path / "0.hdf5"), 1920, 1080, "head")
    named = camera_of("egodex", 1920, 1080, "head")
    assert found.focal_px == named.focal_px == (736.6339, 736.6339)


@pytest.mark.parametrize("name", LENSES)
def test_named_lenses_see_what_such_lenses_see(name: str) -> None:
    camera = camera_of(name, 1920, 1080, "head")
    across = 2 * np.degrees(np.arctan(960 / camera.focal_px[0]))
    low, high = (95, 115) if "ultra" in name else (80, 95) if "gopro" in name else (55, 72)
    assert low < across < high
    upright = camera_of(name, 1080, 1920, "head")
    assert upright.focal_px == camera.focal_px
    assert upright.centre_px == camera.centre_px[::-1]


def test_nothing_said_is_an_assumption_and_says_so() -> None:
    assert camera_of(None, 1280, 720, "hands").name.startswith("assumed")


def test_sizes_are_scaled_and_turned() -> None:
    camera = Camera(1920, 1080, (1400.0, 1410.0), (950.0, 545.0), (0.1, -0.05, 0.002, -0.003, 0.01))
    half = fitted(camera, 960, 540, 0, "film")
    assert (half.focal_px, half.centre_px, half.distortion) == ((700.0, 705.0), (475.0, 272.5), camera.distortion)
    upright = fitted(camera, 540, 960, 270, "film")
    assert (upright.width_px, upright.height_px) == (540, 960)
    assert "270" in upright.name


def test_a_turned_camera_sees_turned_points() -> None:
    """Turned clockwise, what was at (x, y) is at (height - y, x); in the camera's axes (x, y) becomes (-y, x)."""
    camera = Camera(1920, 1080, (1400.0, 1410.0), (950.0, 545.0), (0.1, -0.05, 0.002, -0.003, 0.01))
    points = np.array([[0.3, 0.2, 1.0], [-0.5, 0.1, 2.0]])
    before = camera.project(points)
    after = turned(camera, 90).project(points[:, [1, 0, 2]] * [-1, 1, 1])
    np.testing.assert_allclose(after, np.stack([1080 - before[:, 1], before[:, 0]], -1))
    assert turned(turned(camera, 90), 270) == camera


def test_borders_of_encoders_keep_the_rays() -> None:
    """1088 columns squeezed into 1080, with borders above and below: rays stay where the picture went."""
    camera = Camera(1088, 1920, (1680.0, 1680.0), (540.0, 950.0))
    fits = scaled(camera, 1080, 1920)
    share = 1080 / 1088
    seen = np.array([100.0, 200.0])
    np.testing.assert_allclose(fits.flat(seen * share + [0, (1920 - share * 1920) / 2]), camera.flat(seen))


def test_a_matrix_without_size_is_scaled_by_its_centre(tmp_path: Path) -> None:
    said = _written(tmp_path, "camera_matrix.csv", "1450,0,960\n0,1450,720\n0,0,1")
    camera = camera_of(said, 640, 480, "head")
    np.testing.assert_allclose(camera.focal_px, 1450 / 3)
    upright = camera_of(said, 480, 640, "head", rotation_deg=90)
    np.testing.assert_allclose([*upright.focal_px, *upright.centre_px], [1450 / 3, 1450 / 3, 240, 320])


_BAD: dict[str, tuple[str | dict | list, str]] = {
    "of another shape": ({"K": _K, "width": 1920, "height": 1440}, "wrong intrinsics size"),
    "centre far off, no size": ([[1400, 0, 400], [0, 1400, 900], [0, 0, 1]], "wrong intrinsics size"),
    "negative focal": ({"width_px": 1920, "height_px": 1080, "focal_px": -5}, "above 0"),
    "centre outside": ({"width_px": 1920, "height_px": 1080, "focal_px": 1400, "centre_px": [2500, 500]}, "outside"),
    "sees too much": ({"width_px": 1920, "height_px": 1080, "focal_px": 50}, "degrees"),
    "in millimetres": ({"width_px": 1920, "height_px": 1080, "focal_px": 4.2}, "degrees"),
    "sees nothing": ({"width_px": 1920, "height_px": 1080, "focal_px": 99999}, "degrees"),
    "uneven": ({"width_px": 1920, "height_px": 1080, "focal_px": [1400, 600]}, "square"),
    "not finite": ({"K": [[float("nan"), 0, 950], [0, 1400, 545], [0, 0, 1]], "width": 1920, "height": 1080}, "finite"),
    "no camera": ({"frames": []}, "holds no camera"),
    "words": ("nothing but words", "holds no camera"),
    "broken": ('{"K": [[1, 2', "neither JSON nor YAML"),
    "four numbers": ({"K": [1, 2, 3, 4], "w": 1920, "h": 1080}, "9 make one"),
    "no camera's matrix": ({"K": [[1, 2, 3], [4, 5, 6], [7, 8, 9]], "w": 1920, "h": 1080}, "no camera's"),
    "fisheye": ({"K": _K, "w": 1920, "h": 1080, "distortion_model": "equidistant"}, "Undistort"),
    "eight numbers": ({"K": _K, "w": 1920, "h": 1080, "dist_coeffs": [0, 0, 0, 0, 0, 1, 1, 1]}, "five"),
    "words for numbers": ({"width_px": 1920, "height_px": 1080, "focal_px": "wide"}, "not of the kind"),
    "fisheye of COLMAP": ("1 OPENCV_FISHEYE 1920 1080 1400 1400 960 540 0 0 0 0\n", "not known"),
}


@pytest.mark.parametrize("what", _BAD)
def test_what_is_no_camera_is_refused_in_one_sentence(what: str, tmp_path: Path) -> None:
    text, says = _BAD[what]
    path = tmp_path / "camera.json"
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    with pytest.raises(FileFormatError, match=says) as error:
        camera_of(str(path), 1920, 1080, "head")
    assert str(path) in str(error.value)


def test_unknown_names_list_what_there_is() -> None:
    with pytest.raises(UnknownNameError, match="iphone_wide"):
        camera_of("iphone_wise", 1920, 1080, "head")
    with pytest.raises(FileFormatError, match="no such file"):
        camera_of("missing.json", 1920, 1080, "head")
    with pytest.raises(FileFormatError, match="Linear"):
        camera_of("gopro_wide", 1920, 1080, "head")
    assert "egodex" in lens_names()
