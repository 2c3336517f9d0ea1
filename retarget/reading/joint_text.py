"""Arrays of joints as JSON and CSV hold them: a table of joints, or a list of frames with a place per joint."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from motion.errors import FileFormatError, require
from motion.store import entries_of
from motion.transform import Array, wxyz_from_matrix
from retarget.reading import json_numbers
from retarget.reading.clock import is_time
from retarget.reading.csv_columns import header_of, read_columns
from retarget.reading.hand_names import hand_joint, side_of
from retarget.reading.joint_arrays import Block, JointArrays, described, joint_arrays, without_sentinels
from retarget.reading.text_tables import head_of, text_of

_NUMBER = (int, float, type(None))
_MATRIX_N, _COLUMNS_N = 16, 8
"""Numbers of a 4 x 4 matrix; and of a place: x, y, z, confidence, and wxyz."""
_CONFIDENCE = ("visibility", "confidence", "score")
_PLACES_KEYS = frozenset({"position_m", "positions", "position", "keypoints", "landmarks", "worldLandmarks", "pose_world_landmarks"})
_HEAD_BYTES = 100_000
_FRAMES_KEYS = ("frames", "instance_info")
"""The second is MMPose's."""
_NO_JOINTS = frozenset({"bbox", "bbox_score", "keypoint_scores", "track_id", "meta_info"})
_PLACE_KEYS = ("position", "position_m", "translation", "location")
_TURN_KEYS = ("wxyz", "orientation_wxyz")
_AXIS = re.compile(r"(?P<joint>.+?)[ ._:\-]?\(?(?P<axis>[xyz]|visibility|confidence|score|conf|q[wxyz])\)?([ _(\[](m|mm|cm)[)\]]?)?")
_NUMBERED = re.compile(r"(?P<list>\D*?)[ ._:\-]?(?P<number>\d+)")
_PLACE = re.compile(r"\[(\s*(-?\d[\d.eE+\-]*|null|NaN)\s*,){2,15}\s*(-?\d[\d.eE+\-]*|null|NaN)\s*\]|\"x\"\s*:[^{}]*\"z\"\s*:")
"""A list of 3 to 16 numbers, or an object with x and z."""
_AXIS_FIRST = re.compile(r"(?P<axis>[xyz])[ ._:\-]?(?P<joint>.*?\d+|[ ._:\-].+)")


def load_json(path: Path) -> JointArrays:
    """Joints of a JSON file.

    Either a table {"rate_hz" or "time_s", "joints": [names], "position_m": (T, J, 3)}, also as {"left": ..., "right": ...}
    with arrays or such tables; or a list of frames, by itself or as "frames", each with its time and, as deep as it likes,
    joint -> [x, y, z], {"x", "y", "z"} or a 4 x 4 matrix; or unnamed joints as a list of such places.

    Raises:
        FileFormatError: not JSON, or no joints in it.
    """
    try:
        data = json_numbers.loads(text_of(path))
    except json.JSONDecodeError as error:
        raise FileFormatError(f"{path}: not JSON, or cut off ({error}).") from error
    with entries_of(path):
        frames = data if isinstance(data, list) else _frames_of(data) if isinstance(data, dict) else None
        head = data if isinstance(data, dict) else {}
        if isinstance(frames, list) and all(isinstance(frame, dict) for frame in frames):
            require(len(frames) > 0, FileFormatError, f"{path}: holds no frames.")
            return _of_frames(path, frames, head)
        require(isinstance(data, dict), FileFormatError, f"{path}: wants an object with joints, or a list of frames.")
        return joint_arrays(path, dict(_tables(data)))


def _frames_of(data: Mapping[str, Any]) -> Any:
    return next((data[key] for key in _FRAMES_KEYS if key in data), None)


def looks_like_joints(path: Path) -> bool:
    """Whether the head of a JSON or CSV file speaks of joints."""
    if path.suffix.lower() == ".csv":
        return len(_csv_joints(header_of(path))) >= 3
    head = head_of(path, _HEAD_BYTES)
    words = set(re.findall(r'"([^"]{1,60})"', head))
    keys = set(re.findall(r'"([^"]{1,60})"\s*:', head))
    hands = sum(hand_joint(word) is not None for word in words)
    told = hands >= 5 or bool(keys & _PLACES_KEYS) or {"left", "right"} <= keys
    return head.lstrip()[:1] in "{[" and told and _PLACE.search(head) is not None


def _tables(data: Mapping[str, Any], side: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """Named arrays of a JSON object; what stands under "left" and "right" gets that word before its name."""
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _tables(value, f"{side}{key}_" if side_of(key) else side)
        elif isinstance(value, str) or (isinstance(value, list) and value and all(isinstance(item, str) for item in value)):
            yield key, np.array(value)
        elif isinstance(value, np.ndarray | list | int | float) and not isinstance(value, bool):
            array = np.array(value, dtype=float)
            yield f"{side}{key}" if array.ndim > 1 else key, array


def _of_frames(path: Path, frames: list[dict[str, Any]], head: Mapping[str, Any]) -> JointArrays:
    stamps_name = next((key for key, value in frames[0].items() if is_time(key) and isinstance(value, int | float)), "")
    seen: dict[str, dict[int, tuple[list[int], list[list[float]]]]] = {}
    for number, frame in enumerate(frames):
        for joint, place in _places(frame, ""):
            numbers, rows = seen.setdefault(joint, {}).setdefault(len(place), ([], []))
            numbers.append(number)
            rows.append(place)
    places = {joint: np.full((len(frames), _COLUMNS_N), np.nan) for joint in seen}
    for joint, by_length in seen.items():
        for length, (numbers, rows) in by_length.items():
            values = np.array(rows, float)
            places[joint][numbers, : min(length, _COLUMNS_N)] = _poses(values) if length == _MATRIX_N else values
    require(bool(places), FileFormatError, f"{path}: its frames hold no joint with x, y and z.")
    stamps = np.array([_number(frame.get(stamps_name)) for frame in frames]) if stamps_name else None
    header = {key: np.array(value) for key, value in head.items() if isinstance(value, int | float | str)}
    names = head.get("joints") or head.get("joint_names")
    blocks = _blocks(places, tuple(map(str, names)) if isinstance(names, list) else None)
    return described(header, blocks, stamps, stamps_name)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else np.nan


def _places(value: Any, name: str) -> Iterator[tuple[str, list[float]]]:
    """Joint (its path in the frame) -> x, y, z, confidence, w, x, y, z, as much of that as is there."""
    if isinstance(value, dict):
        if _is_place(value):
            yield name, [value["x"], value["y"], value["z"], _confidence(value)]
            return
        place = next((value[key] for key in _PLACE_KEYS if isinstance(value.get(key), list | dict)), None)
        if place is not None and _is_place(place):
            turn = next((value[key] for key in _TURN_KEYS if isinstance(value.get(key), list)), [np.nan] * 4)
            yield name, [*next(_places(place, name))[1][:3], _confidence(value), *map(_number, turn)]
            return
        for key, inner in value.items():
            if key not in _NO_JOINTS:
                yield from _places(inner, f"{name}/{key}" if name else key)
    elif isinstance(value, list) and value:
        if _is_place(value):
            yield name, value[:4]
        elif _is_matrix(value):
            yield name, value if len(value) == _MATRIX_N else [x for row in value for x in row]
        elif isinstance(value[0], dict | list):
            inner_list = value[0] if len(value) == 1 and isinstance(value[0], list) and not _is_place(value[0]) else value
            for k, inner in enumerate(inner_list):
                yield from _places(inner, f"{name}/{k}")


def _confidence(place: Mapping[str, Any]) -> Any:
    return place.get("visibility", place.get("confidence", place.get("score")))


def _is_place(value: Any) -> bool:
    if isinstance(value, dict):
        return "x" in value and "y" in value and "z" in value
    return isinstance(value, list) and 3 <= len(value) <= 5 and isinstance(value[0], _NUMBER) and isinstance(value[2], _NUMBER)


def _is_matrix(value: list[Any]) -> bool:
    rows = len(value) == 4 and all(isinstance(row, list) and len(row) == 4 for row in value)
    return rows or (len(value) == _MATRIX_N and isinstance(value[0], _NUMBER))


def _poses(flat: Array) -> Array:
    """x, y, z, no confidence, and wxyz (N, 8) of 4 x 4 matrices (N, 16), written row by row or, as Apple's simd does, column by column."""
    matrix = flat.reshape(-1, 4, 4)
    last = np.array([0.0, 0, 0, 1])
    by_columns = np.allclose(matrix[:, :, 3], last) and not np.allclose(matrix[:, 3], last)
    upright = matrix.swapaxes(1, 2) if by_columns else matrix
    return np.column_stack([upright[:, :3, 3], np.full(len(flat), np.nan), wxyz_from_matrix(upright[:, :3, :3])])


def _blocks(places: Mapping[str, Array], names: tuple[str, ...] | None) -> tuple[Block, ...]:
    """One block of all joints that have names, and one for each list of joints that are only numbered."""
    groups: dict[str, list[str]] = {}
    for joint in places:
        group, _, last = joint.rpartition("/")
        groups.setdefault(group if last.isdigit() else "", []).append(joint)
    return tuple(_block(group, joints, places, names) for group, joints in groups.items())


def _block(group: str, joints: list[str], places: Mapping[str, Array], names: tuple[str, ...] | None) -> Block:
    tracks = np.stack([places[joint] for joint in joints], axis=1)
    confidence = tracks[..., 3] if np.isfinite(tracks[..., 3]).any() else None
    wxyz = tracks[..., 4:] if np.isfinite(tracks[..., 4:]).any() else None
    said = names if names is not None and len(names) == len(joints) else None
    numbered = joints[0].rpartition("/")[2].isdigit()
    named = said if numbered else tuple(map(_short, joints))
    return Block(group or "joints", without_sentinels(tracks[..., :3]), named, side_of(group), confidence, wxyz)


def _short(joint: str) -> str:
    """The joint's own name, after the side where only the path to it tells one: hands/left/indexTip -> left indexTip."""
    path, _, name = joint.rpartition("/")
    side = side_of(path)
    return f"{side} {name}" if side and side_of(name) is None else name


def load_csv(path: Path) -> JointArrays:
    """Joints of a CSV file: a column per coordinate, named `left_wrist.x`, `left_wrist_x`, `x12` or `12_x`; time and confidence columns.

    Raises:
        FileFormatError: no table, or no joint with x, y and z.
    """
    header, values = read_columns(path)
    joints = _csv_joints(header)
    require(bool(joints), FileFormatError, f"{path}: no joint has the three columns x, y and z. Columns: {', '.join(header[:12])}.")
    places = {}
    for joint, columns in joints.items():
        order = ("x", "y", "z", "confidence", "qw", "qx", "qy", "qz")
        places[joint] = np.stack([values[:, columns[axis]] if axis in columns else np.full(len(values), np.nan) for axis in order], axis=1)
    stamps_name = next((name for name in header if is_time(name)), "")
    stamps = values[:, header.index(stamps_name)] if stamps_name else None
    numbers = [_NUMBERED.fullmatch(joint) for joint in places]
    if all(numbers):  # x0, y0, z0, ... or left_3_x: an order without names
        lists = [f"{match['list'] or 'joints'}/{match['number']}" for match in numbers if match]
        places = dict(zip(lists, places.values(), strict=True))
    return described({}, _blocks(places, None), stamps, stamps_name)


def _csv_joints(header: list[str]) -> dict[str, dict[str, int]]:
    """Joint -> its columns, of the joints that have x, y and z."""
    joints: dict[str, dict[str, int]] = {}
    for column, name in enumerate(header):
        found = _AXIS.fullmatch(name.strip().lower()) or _AXIS_FIRST.fullmatch(name.strip().lower())
        if found is None or is_time(name):
            continue
        axis = "confidence" if found["axis"] in (*_CONFIDENCE, "conf") else found["axis"]
        span = found.span("joint")
        joints.setdefault(name.strip()[span[0] : span[1]].strip(" ._:-"), {}).setdefault(axis, column)
    return {joint: columns for joint, columns in joints.items() if {"x", "y", "z"} <= columns.keys()}
