"""Which camera took a film: named, from a file, or assumed.

Our own file is JSON: {"width_px": 1920, "height_px": 1080, "focal_px": [1400, 1400], "centre_px": [960, 540],
"distortion": [k1, k2, p1, p2, k3]}; `centre_px` is the middle and `distortion` zero where left out. Also read, by content:

- a 3 x 3 matrix: JSON `K`, `matrix`, `camera_matrix`, `intrinsics` or `intrinsic_matrix`, by rows or by columns (Record3D, ARKit), or
  three lines of numbers (Stray Scanner's camera_matrix.csv);
- OpenCV's and ROS's calibrations in YAML or JSON (`camera_matrix`, `dist_coeffs` or `distortion_coefficients`, `image_width`);
- COLMAP's cameras.txt; the `fl_x`, `fl_y`, `cx`, `cy` of NeRF tools' transforms.json; EgoDex' HDF5.

Numbers of another picture size are scaled where the shape is the same, and turned where the picture is.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import yaml

from motion.errors import FileFormatError, require
from motion.store import entries_of
from motion.transform import Array
from retarget.reading.text_tables import text_of
from retarget.video.cameras.camera import Camera
from retarget.video.cameras.camera_fit import checked, fitted
from retarget.video.cameras.lenses import assumed_camera, lens_names, named_camera

_MATRIX_KEYS = ("K", "camera_matrix", "matrix", "intrinsics", "intrinsic_matrix", "cameraIntrinsics", "intrinsic")
_WIDTH_KEYS, _HEIGHT_KEYS = ("width_px", "image_width", "width", "w"), ("height_px", "image_height", "height", "h")
_SIZE_KEYS = ("image_size", "imageResolution", "img_size", "resolution", "size")
_BENDING_KEYS = ("distortion", "dist_coeffs", "dist_coeff", "dist", "distortion_coefficients", "distCoeffs", "distortions")
_COLMAP: dict[str, tuple[str, ...]] = {
    "SIMPLE_PINHOLE": ("f", "cx", "cy"),
    "PINHOLE": ("fx", "fy", "cx", "cy"),
    "SIMPLE_RADIAL": ("f", "cx", "cy", "k1"),
    "RADIAL": ("f", "cx", "cy", "k1", "k2"),
    "OPENCV": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2"),
    "FULL_OPENCV": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"),
}
_COLMAP_LINE = re.compile(r"^\s*\d+\s+([A-Z_]+)\s+(\d+)\s+(\d+)((?:\s+[-+.\deE]+)+)\s*$", re.MULTILINE)
_MIDDLE_SHARE = 0.06
"""A matrix without a picture size has its centre within this share of the middle; so the size can be told."""
_HDF = b"\x89HDF\r\n\x1a\n"


def camera_of(said: str | None, width_px: int, height_px: int, view: str, rotation_deg: int = 0) -> Camera:
    """The camera of a film's upright pictures.

    Args:
        said: a lens of `lenses.LENSES` or "egodex", a file, or None.
        width_px, height_px: of the upright pictures.
        view: "head", "third_person" or "hands"; decides what is assumed where nothing is said.
        rotation_deg: how far the film's stored pictures are turned clockwise to stand upright.

    Raises:
        UnknownNameError: neither a lens nor a file.
        FileFormatError: a file that holds no camera, one that no film has, or one of pictures of another shape.
    """
    if said is None or not str(said).strip():
        return assumed_camera(view, width_px, height_px)
    path = Path(said)
    looks_like_file = bool(path.suffix) or len(path.parts) > 1 or path.exists()
    if not looks_like_file:
        return named_camera(str(said), width_px, height_px)
    require(path.is_file(), FileFormatError, f"camera={said}: no such file, and no lens of that name. Lenses: {', '.join(lens_names())}.")
    return read_camera(path, width_px, height_px, rotation_deg)


def read_camera(path: Path, width_px: int, height_px: int, rotation_deg: int = 0) -> Camera:
    """The camera of a file, for a film's upright pictures.

    Raises:
        FileFormatError: as in `camera_of`.
    """
    with entries_of(path):
        cameras = _cameras(path, width_px, height_px)
    if len(cameras) > 1:
        cameras = [camera for camera in cameras if {camera.width_px, camera.height_px} == {width_px, height_px}] or cameras
    require(
        len(cameras) == 1,
        FileFormatError,
        f"{path}: holds {len(cameras)} cameras of pictures of {', '.join(f'{c.width_px} x {c.height_px}' for c in cameras)} px; "
        "leave one in it.",
    )
    return fitted(checked(cameras[0], str(path)), width_px, height_px, rotation_deg, str(path))


def _cameras(path: Path, width_px: int, height_px: int) -> list[Camera]:
    with open(path, "rb") as stream:
        if stream.read(8) == _HDF:
            return [_egodex(path, width_px, height_px)]
    text = text_of(path)
    lines = _COLMAP_LINE.findall(text)
    if lines:
        return [_colmap(path, *line) for line in lines]
    rows = _number_rows(text)
    if rows is not None:
        return [_from_matrix(path, rows, {}, width_px, height_px)]
    return [_from_table(path, _table(path, text), width_px, height_px)]


def _table(path: Path, text: str) -> Mapping[str, Any]:
    """The names and values of a JSON or YAML file; a bare matrix is its "K"."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        try:
            plain = re.sub(r"^%YAML.*\n|!!opencv-matrix|!!python/\S+", "", text, flags=re.MULTILINE)
            found = yaml.safe_load(plain)
        except yaml.YAMLError as error:
            raise FileFormatError(f"{path}: neither JSON nor YAML that can be read ({str(error).splitlines()[0]}).") from error
    if isinstance(found, list):
        return {"K": found}
    require(
        isinstance(found, dict),
        FileFormatError,
        f"{path}: holds no camera: there are no names with values in it.",
    )
    return found


def _from_table(path: Path, table: Mapping[str, Any], width_px: int, height_px: int) -> Camera:
    kind = str(table.get("distortion_model", table.get("camera_model", table.get("model", "")))).lower()
    bent_otherwise = "fisheye" in kind or kind in ("equidistant", "omnidirectional", "rational_polynomial_fisheye")
    require(not bent_otherwise, FileFormatError, f"{path}: a {kind} lens; only Brown's distortion is known. Undistort the film first.")
    if "focal_px" in table:
        return _own(path, table)
    if "fl_x" in table:
        return _nerf(path, table)
    key = next((key for key in _MATRIX_KEYS if key in table), None)
    require(
        key is not None,
        FileFormatError,
        f"{path}: holds no camera. It names {', '.join(map(str, list(table)[:6])) or 'nothing'}; wanted: focal_px, or a matrix under "
        f"{', '.join(_MATRIX_KEYS)}.",
    )
    return _from_matrix(path, _square(path, _plain(table[str(key)])), table, width_px, height_px)


def _own(path: Path, table: Mapping[str, Any]) -> Camera:
    width, height = _size(table) or (0, 0)
    require(width > 0 and height > 0, FileFormatError, f"{path}: says focal_px without width_px and height_px.")
    focal = np.broadcast_to(np.asarray(table["focal_px"], float), 2)
    centre = np.asarray(table.get("centre_px", (width / 2, height / 2)), float)
    return _camera(path, width, height, (*focal, *centre), _bending(table), str(table.get("name", path.name)))


def _nerf(path: Path, table: Mapping[str, Any]) -> Camera:
    width, height = _size(table) or (0, 0)
    require(width > 0 and height > 0, FileFormatError, f"{path}: says fl_x without w and h.")
    numbers = [float(table[key]) for key in ("fl_x", "cx", "cy")]
    bending = [float(table.get(key, 0)) for key in ("k1", "k2", "p1", "p2", "k3", "k4")]
    return _camera(path, width, height, (numbers[0], float(table.get("fl_y", numbers[0])), *numbers[1:]), bending, path.name)


def _from_matrix(path: Path, matrix: Array, table: Mapping[str, Any], width_px: int, height_px: int) -> Camera:
    numbers = (matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2])
    width, height = _size(table) or _size_by_centre(path, matrix[0, 2], matrix[1, 2], width_px, height_px)
    return _camera(path, width, height, numbers, _bending(table), f"{path.name}{'' if _size(table) else ', its size told by its centre'}")


def _size_by_centre(path: Path, cx: float, cy: float, width_px: int, height_px: int) -> tuple[int, int]:
    """The picture size of a matrix that names none: twice the centre is nearly the film's, turned or scaled."""
    for width, height in ((width_px, height_px), (height_px, width_px)):
        scale = math.sqrt(abs(cx * cy) / (width * height)) * 2
        off = max(abs(cx / (scale * width) - 0.5), abs(cy / (scale * height) - 0.5)) if scale > 0 else math.inf
        if off < _MIDDLE_SHARE:
            exact = abs(scale - 1) < _MIDDLE_SHARE
            return (width, height) if exact else (round(2 * cx), round(height / width * 2 * cx))
    raise FileFormatError(
        f"{path}: wrong intrinsics size: its centre ({cx:g}, {cy:g}) px is not the middle of pictures shaped like the film's, "
        f"{width_px} x {height_px}. Say the size they belong to (width_px, height_px in our JSON)."
    )


def _size(table: Mapping[str, Any]) -> tuple[int, int] | None:
    for width, height in zip(_WIDTH_KEYS, _HEIGHT_KEYS, strict=True):
        if width in table and height in table:
            return int(table[width]), int(table[height])
    for key in _SIZE_KEYS:
        if key in table:
            value = table[key]
            pair = [value["width"], value["height"]] if isinstance(value, dict) else list(value)
            return int(pair[0]), int(pair[1])
    return None


def _bending(table: Mapping[str, Any]) -> list[float]:
    key = next((key for key in _BENDING_KEYS if key in table), None)
    return [float(number) for number in np.ravel(_plain(table[key]))] if key is not None and table[key] is not None else []


def _plain(value: Any) -> Array:
    """Numbers of a list, or of OpenCV's {rows, cols, data}."""
    if isinstance(value, dict) and "data" in value:
        shaped = np.asarray(value["data"], float)
        return shaped.reshape(int(value["rows"]), int(value["cols"])) if "rows" in value and "cols" in value else shaped
    return np.asarray(value, float)


def _square(path: Path, matrix: Array) -> Array:
    """A 3 x 3 matrix by rows, of one by rows or by columns."""
    require(matrix.size == 9, FileFormatError, f"{path}: its camera matrix holds {matrix.size} numbers; 9 make one.")
    square = matrix.reshape(3, 3)
    by_columns = np.allclose(square[:2, 2], 0) and bool((square[2, :2] > 0).all())
    square = square.T if by_columns else square
    whole = np.allclose(square[2], [0, 0, 1]) and abs(square[1, 0]) < 1e-6
    require(bool(whole), FileFormatError, f"{path}: its matrix is no camera's; (fx, 0, cx), (0, fy, cy), (0, 0, 1) was expected.")
    return np.asarray(square)


def _number_rows(text: str) -> Array | None:
    """(3, 3) of a file of nothing but three lines of three numbers."""
    lines = [re.split(r"[,;\s]+", line.strip().strip(",;")) for line in text.strip().splitlines() if line.strip()]
    if [len(line) for line in lines] != [3, 3, 3]:
        return None
    try:
        return np.array(lines, float)
    except ValueError:
        return None


def _colmap(path: Path, model: str, width: str, height: str, params: str) -> Camera:
    require(model in _COLMAP, FileFormatError, f"{path}: COLMAP's model {model} is not known. Known: {', '.join(_COLMAP)}.")
    numbers = [float(number) for number in params.split()]
    names = _COLMAP[model]
    require(len(numbers) == len(names), FileFormatError, f"{path}: {model} has {len(names)} numbers, not {len(numbers)}.")
    by = dict(zip(names, numbers, strict=True))
    focal = (by.get("fx", by.get("f", 0.0)), by.get("fy", by.get("f", 0.0)))
    bending = [by.get(key, 0.0) for key in ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")]
    return _camera(path, int(width), int(height), (*focal, by["cx"], by["cy"]), bending, f"{path.name}, COLMAP {model}")


def _egodex(path: Path, width_px: int, height_px: int) -> Camera:
    with h5py.File(path, "r") as file:
        require("camera/intrinsic" in file, FileFormatError, f"{path}: an HDF5 file without camera/intrinsic.")
        matrix = _square(path, np.asarray(file["camera/intrinsic"][()], float))
    return _from_matrix(path, matrix, {}, width_px, height_px)


def _camera(path: Path, width: int, height: int, numbers: Sequence[float], bending: Sequence[float], name: str) -> Camera:
    require(
        not any(bending[5:]),
        FileFormatError,
        f"{path}: its lens has {len(bending)} distortion numbers; five of Brown's model are known (k1 k2 p1 p2 k3). Calibrate with those.",
    )
    k1, k2, p1, p2, k3 = [*map(float, bending), 0.0, 0.0, 0.0, 0.0, 0.0][:5]
    fx, fy, cx, cy = map(float, numbers)
    return checked(Camera(width, height, (fx, fy), (cx, cy), (k1, k2, p1, p2, k3), name), str(path))
