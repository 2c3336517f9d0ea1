"""Where several cameras stand: Qualisys, Pose2Sim and AniPose calibrations, and our own.

Our own is JSON, as `write_calibration` makes it:

    {"cameras": {"cam01": {"width_px": 1920, "height_px": 1080, "focal_px": [1400, 1400], "centre_px": [960, 540],
                           "distortion": [0, 0, 0, 0, 0], "position_m": [0, 0, 1.5], "wxyz": [1, 0, 0, 0]}}}

`position_m` and `wxyz` are T_world_camera: world z up, camera x right, y down, z ahead.
"""

from __future__ import annotations

import json
import re
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from motion.errors import FileFormatError, ShapeError, require
from motion.store import entries_of, write_text
from motion.transform import Array, Transform, so3_exp, wxyz_from_matrix
from retarget.reading.text_tables import text_of
from retarget.video.cameras.camera import Camera
from retarget.video.cameras.camera_fit import checked, fitted, turn_deg
from retarget.video.cameras.triangulate import View
from retarget.video.poses.camera_path import turned_with_picture

_SUBPIXELS = 64
"""Qualisys states intrinsics in 64ths of a pixel."""
_ROOM_M = 60.0
"""Cameras farther apart than this are not: the file is in millimetres."""
_RIGHT_UP_BACK = np.diag([1.0, -1.0, -1.0])
"""Axes of Qualisys' cameras, x right, y up, z back, in ours."""


def read_calibration(path: Path) -> dict[str, View]:
    """Cameras by name, and T_world_camera of each.

    Raises:
        FileFormatError: no such file, another format, or numbers that no camera has.
    """
    text = text_of(path)
    begin = text.lstrip()[:1]
    read = _qualisys if begin == "<" else _own if begin == "{" else _toml
    with entries_of(path):
        views = read(path, text)
    require(bool(views), FileFormatError, f"{path}: holds no camera. Known: Qualisys .qca.txt, Pose2Sim or AniPose .toml, our JSON.")
    return {name: (checked(camera, f"{path}, {name}"), T_world_camera) for name, (camera, T_world_camera) in views.items()}


def write_calibration(path: Path, views: Mapping[str, View]) -> None:
    """Write cameras in our own layout, whole or not at all."""
    cameras = {
        name: {
            "width_px": camera.width_px,
            "height_px": camera.height_px,
            "focal_px": list(camera.focal_px),
            "centre_px": list(camera.centre_px),
            "distortion": list(camera.distortion),
            "position_m": T_world_camera.position_m.tolist(),
            "wxyz": T_world_camera.wxyz.tolist(),
            "name": camera.name,
        }
        for name, (camera, T_world_camera) in views.items()
    }
    write_text(path, json.dumps({"cameras": cameras}, indent=1))


def camera_of_film(film: Path, views: Mapping[str, View], size_px: tuple[int, int], rotation_deg: int = 0) -> tuple[str, View]:
    """The calibrated camera that took a film, by name: cam01.mp4 is cam01's; and its numbers for the film's pictures.

    Args:
        film: the file; of its name the camera's has to be a whole part: "2024-05-01_cam01_take3.mp4".
        views: as `read_calibration` gives them.
        size_px: width and height of the film's upright pictures.
        rotation_deg: as in `fitted`.

    Raises:
        FileFormatError: none or several cameras fit the name, or the camera's pictures have another shape.
    """
    parts = re.split(r"[^a-z0-9]+", film.stem.lower())
    exact = [name for name in views if name.lower() == film.stem.lower()]
    found = exact or [name for name in views if re.split(r"[^a-z0-9]+", name.lower()) == parts or name.lower() in parts]
    require(
        len(found) == 1,
        FileFormatError,
        f"{film}: {'no camera' if not found else 'more than one camera'} of the calibration has its name. "
        f"Cameras: {', '.join(views)}. Name the film after its camera.",
    )
    return found[0], _upright(views[found[0]], size_px, rotation_deg, f"{film}, camera {found[0]}")


def _upright(view: View, size_px: tuple[int, int], rotation_deg: int, where: str) -> View:
    """The view of upright pictures. Where it lies as they do it is theirs: films are calibrated as they are shown."""
    camera, T_world_camera = view
    if (camera.width_px > camera.height_px) == (size_px[0] > size_px[1]):
        return fitted(camera, *size_px, 0, where), T_world_camera
    turn = turn_deg(camera, *size_px, rotation_deg)
    rotation = turned_with_picture(T_world_camera.rotation(), turn)
    return fitted(camera, *size_px, rotation_deg, where), Transform(T_world_camera.position_m, wxyz_from_matrix(rotation))


def _qualisys(path: Path, text: str) -> dict[str, View]:
    """Rows of Qualisys' rotation are the camera's axes in the world: x right, y up, z back; positions are in mm."""
    try:
        root = ElementTree.fromstring(text.encode())
    except ElementTree.ParseError as error:
        raise FileFormatError(f"{path}: no readable XML ({error}).") from error
    views = {}
    for index, node in enumerate(root.iter("camera")):
        name = node.get("serial") or f"camera {index + 1}"
        pose, lens = node.find("transform"), node.find("intrinsic")
        if pose is None or lens is None:
            continue
        require(
            node.get("viewrotation", "0") == "0",
            FileFormatError,
            f"{path}, {name}: its view is rotated by {node.get('viewrotation')} degrees; export the calibration of the pictures as filmed.",
        )
        rows = np.array([[float(pose.attrib[f"r{i}{j}"]) for j in (1, 2, 3)] for i in (1, 2, 3)])
        position = np.array([float(pose.attrib[axis]) for axis in "xyz"]) / 1000
        views[name] = (_qualisys_lens(lens.attrib, f"{path}, {name}"), _placed(position, (_RIGHT_UP_BACK @ rows).T, f"{path}, {name}"))
    return views


def _qualisys_lens(lens: Mapping[str, str], where: str) -> Camera:
    def px(name: str) -> float:
        return float(lens[name]) / _SUBPIXELS

    radial, tangential = "radialDistortion", "tangentalDistortion"
    return Camera(
        width_px=round(px("sensorMaxU") - px("sensorMinU") + 1),
        height_px=round(px("sensorMaxV") - px("sensorMinV") + 1),
        focal_px=(px("focalLengthU"), px("focalLengthV")),
        centre_px=(px("centerPointU") - px("sensorMinU"), px("centerPointV") - px("sensorMinV")),
        distortion=_five([float(lens.get(key, 0)) for key in (f"{radial}1", f"{radial}2", f"{tangential}1", f"{tangential}2")], where),
        name="Qualisys calibration",
    )


def _toml(path: Path, text: str) -> dict[str, View]:
    """Rotation vectors and translations that take the world into the camera, as OpenCV gives them."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FileFormatError(f"{path}: no calibration that is known: Qualisys XML, Pose2Sim TOML, our JSON ({error}).") from error
    cameras = {str(table.get("name", key)): table for key, table in tables.items() if isinstance(table, dict) and "matrix" in table}
    views = {}
    for name, table in cameras.items():
        where = f"{path}, {name}"
        require(not table.get("fisheye"), FileFormatError, f"{where}: a fisheye lens; only Brown's distortion is known.")
        matrix = np.array(table["matrix"], float)
        camera = Camera(
            width_px=round(table["size"][0]),
            height_px=round(table["size"][1]),
            focal_px=(float(matrix[0, 0]), float(matrix[1, 1])),
            centre_px=(float(matrix[0, 2]), float(matrix[1, 2])),
            distortion=_five(table.get("distortions", []), where),
            name="TOML calibration",
        )
        T_camera_world = Transform(np.array(table["translation"], float), so3_exp(np.array(table["rotation"], float)))
        views[name] = (camera, T_camera_world.inverse())
    return _in_metres(views)


def _own(path: Path, text: str) -> dict[str, View]:
    try:
        cameras: dict[str, Any] = json.loads(text)["cameras"]
    except json.JSONDecodeError as error:
        raise FileFormatError(f"{path}: no readable JSON ({error}).") from error
    views = {}
    for name, table in cameras.items():
        where = f"{path}, {name}"
        camera = Camera(
            width_px=int(table["width_px"]),
            height_px=int(table["height_px"]),
            focal_px=(float(table["focal_px"][0]), float(table["focal_px"][1])),
            centre_px=(float(table["centre_px"][0]), float(table["centre_px"][1])),
            distortion=_five(table.get("distortion", []), where),
            name=str(table.get("name", "our calibration")),
        )
        try:
            views[name] = (camera, Transform(np.array(table["position_m"], float), np.array(table["wxyz"], float)))
        except ShapeError as error:
            raise FileFormatError(f"{where}: {error}") from error
    return views


def _in_metres(views: dict[str, View]) -> dict[str, View]:
    """The same; positions of a file in millimetres become metres."""
    where = np.array([T_world_camera.position_m for _, T_world_camera in views.values()])
    if len(where) == 0 or np.linalg.norm(where - where.mean(0), axis=-1).max() < _ROOM_M:
        return views
    return {name: (camera, Transform(T.position_m / 1000, T.wxyz)) for name, (camera, T) in views.items()}


def _placed(position_m: Array, rotation: Array, where: str) -> Transform:
    rigid = np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3) and np.linalg.det(rotation) > 0
    require(bool(rigid), FileFormatError, f"{where}: its rotation matrix is none (mirrored, or its rows are not at right angles).")
    return Transform(position_m, wxyz_from_matrix(rotation))


def _five(numbers: Sequence[float], where: str) -> tuple[float, float, float, float, float]:
    """OpenCV's distortion, filled up to five numbers.

    Raises:
        FileFormatError: more than five numbers that are not zero.
    """
    given = [float(number) for number in numbers]
    require(
        not any(given[5:]),
        FileFormatError,
        f"{where}: {len(given)} distortion numbers; five of Brown's model are known (k1 k2 p1 p2 k3). Calibrate with those alone.",
    )
    k1, k2, p1, p2, k3 = [*given, 0.0, 0.0, 0.0, 0.0, 0.0][:5]
    return k1, k2, p1, p2, k3
