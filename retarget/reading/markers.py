"""What all marker files share: gaps, marker sets, joint centres, things beside the person."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, UnknownNameError, require
from motion.landmarks import SIDES
from motion.transform import Array, wxyz_from_matrix
from retarget.reading.joint_centres import JointCentres
from retarget.reading.marker_names import POINTS, SETS, plain, recognised, subject
from retarget.reading.rigid_clusters import objects_among, with_hidden
from retarget.sources.base import Reading, SourceOptions
from retarget.sources.finish import Recorded, reading_of

_SENTINEL = 1e6
_UNITS_PER_M = (1.0, 1 / 0.0254, 100.0, 1000.0)
_WIDTHS_M = {"asis": 0.25, "acromion": 0.35, "hip": 0.18, "shoulder": 0.35}
"""Typical distances of left and right, to tell the unit by."""
_WIDTH_FITS = 1.8
_LENGTHS = {"m": 1.0, "meters": 1.0, "metres": 1.0, "meter": 1.0, "metre": 1.0, "cm": 0.01, "centimeters": 0.01, "dm": 0.1, "mm": 0.001}
_LENGTHS |= {"millimeters": 0.001, "millimetres": 0.001, "millimeter": 0.001, "in": 0.0254, "inch": 0.0254, "inches": 0.0254}
_SKIN_CHANGE, _JOINT_CHANGE = 0.25, 0.45
"""Share by which a bone may change its length: skin slides over shoulders; estimated joints, such as Pose2Sim's, shake."""
_LEVELS = (("c7", "jugular", "left_acromion", "right_acromion"), ("left_asis", "right_asis"), ("left_knee", "right_knee"))
"""From above to below, what shows the vertical of a trunk."""
_CHAINS = (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist"))
_RIGID = tuple(tuple(f"{side}_{end}" for end in ends for side in SIDES) for ends in (("asis", "psis"), ("head_front", "head_back")))


@dataclass(frozen=True)
class Trajectories:
    """Markers as a file holds them.

    Attributes:
        format: of the file, in words.
        names: M names.
        position: (T, M, 3) in the file's unit and axes; NaN, and what stands for it, where unseen.
        time_s: (T,).
        unit: the file's word for its unit; None where it has none.
        up: vertical axis of nearly all such files.
        words: more of what was understood.
    """

    format: str
    names: tuple[str, ...]
    position: Array
    time_s: Array
    unit: str | None = None
    up: str = "z"
    words: Mapping[str, str] = field(default_factory=dict)


def reading_of_markers(path: Path, file: Trajectories, options: SourceOptions) -> Reading:
    """The reading of a marker file.

    Raises:
        FileFormatError: no frames, two people, markers of no known set, or what `reading_of` refuses.
    """
    where = str(path)
    require(len(file.time_s) > 0, FileFormatError, f"{where}: holds no frames.")
    require(bool(file.names), FileFormatError, f"{where}: holds no markers.")
    position, words = _without_gaps(file.position)
    tracks = {name: position[:, index] for index, name in enumerate(file.names)}
    unit_m, named = unit_of(file.unit, where), _named(where, file.names, options)
    used = {name for markers in named.markers.values() for name in markers}
    twice = sorted(name for name in used if file.names.count(name) > 1)
    require(not twice, FileFormatError, f"{where}: several markers are called {', '.join(twice)}; which is which cannot be told.")
    points = {point: np.mean([tracks[name] for name in markers], axis=0) for point, markers in named.markers.items()}
    points = {point: track for point, track in points.items() if np.isfinite(track).any()}
    require(bool(points) or not named.markers, FileFormatError, f"{where}: no marker of the body is seen in any frame.")
    _fill_rigid(points)
    centres = JointCentres(points, _units_per_m(points, options.unit_m or unit_m))
    _check_facing(where, centres.points)
    landmarks = centres.landmarks
    _check_is_body(where, file.names, landmarks, named)
    things = objects_among([name for name in file.names if name not in used], tracks, options.objects, where)
    pelvis = centres.pelvis_axes()
    recorded = Recorded(
        format=f"{file.format}, marker set {named.set}",
        time_s=file.time_s - file.time_s[0],
        tracks=landmarks,
        wxyz={"pelvis": wxyz_from_matrix(pelvis[1])} if pelvis else {},
        inferred=frozenset(centres.inferred | named.unsure),
        unit_m=unit_m,
        usual_up=file.up,
        bone_change=_JOINT_CHANGE if named.set == "joint_centres" else _SKIN_CHANGE,
        joints_n=len(file.names),
        objects=things,
        words={**file.words, **words, "markers": f"{len(used)} of {len(file.names)} used", "objects": ", ".join(things) or "none"},
    )
    return reading_of(path, recorded, options)


def unit_of(word: str | None, where: str) -> float | None:
    """Metres of a file's word for its unit; None where it has none.

    Raises:
        FileFormatError: a word that is no length.
    """
    if not (word or "").strip():
        return None
    found = _LENGTHS.get(str(word).strip().lower().rstrip("."))
    unknown = f"{where}: unit {str(word)[:20]!r} is not known. Known: {', '.join(_LENGTHS)}. State it with source.unit_m=."
    require(found is not None, FileFormatError, unknown)
    return found


@dataclass(frozen=True)
class _Named:
    """Which markers make which anatomical point, by what set, and which of the points are unsure."""

    set: str
    markers: Mapping[str, tuple[str, ...]]
    unsure: frozenset[str] = frozenset()


def _without_gaps(position: Array) -> tuple[Array, dict[str, str]]:
    """NaN where a marker is not seen: not finite, at the origin to the last digit, or a million units away."""
    gone = ~np.isfinite(position).all(-1)
    with np.errstate(invalid="ignore"):
        gone |= (position == 0).all(-1) | (np.abs(position) >= _SENTINEL).any(-1)
    return np.where(gone[..., None], np.nan, position), {"gaps": f"{gone.mean():.1%} of the marker positions"}


def _named(where: str, names: Sequence[str], options: SourceOptions) -> _Named:
    if options.joint_map is not None:
        return _Named(f"of {options.joint_map}", _mapped(names, options.joint_map))
    people = {subject(name) for name in names if any(plain(name) in table for table in SETS.values())}
    require(
        len(people) < 2,
        FileFormatError,
        f"{where}: holds markers of {len(people)} people ({', '.join(sorted(people))}). Write them to files of their own, "
        "or name one person's markers with source.joint_map=.",
    )
    found, points = recognised(names, options.side)
    markers: dict[str, tuple[str, ...]] = {}
    for name, point in points.items():
        if point in markers and plain(markers[point][0]) == plain(name):
            raise FileFormatError(f"{where}: the markers {markers[point][0]!r} and {name!r} have the same name; rename or remove one.")
        markers.setdefault(point, (name,))
    hand = found.endswith(" hand")
    unsure = {point for point in markers if point.endswith(("_pip", "_ip"))} | {f"{side}_wrist" for side in SIDES} if hand else set()
    return _Named(found, markers, frozenset(unsure))


def _mapped(names: Sequence[str], file: str) -> dict[str, tuple[str, ...]]:
    """Point -> markers, of a user's own map: marker -> point, or point -> list of markers."""
    found: dict[str, tuple[str, ...]] = {}
    bare = {name.rpartition(":")[2]: name for name in names} | {name: name for name in names}
    for key, value in _read_map(file).items():
        point, markers = (key, value) if isinstance(value, list) else (value, [key])
        if point not in POINTS:
            raise UnknownNameError("landmark", point, POINTS, file)
        for marker in markers:
            if marker not in bare:
                raise UnknownNameError("marker", marker, names, file)
        found[point] = (*found.get(point, ()), *(bare[marker] for marker in markers))
    return found


def _read_map(file: str) -> dict[str, str | list[str]]:
    try:
        table = json.loads(Path(file).read_text())
    except (OSError, ValueError) as error:
        raise FileFormatError(f"source.joint_map={file}: cannot be read as JSON ({error}).") from error
    entries = table.values() if isinstance(table, dict) else ()
    texts = [text for value in entries for text in (value if isinstance(value, list) else [value])]
    usable = isinstance(table, dict) and bool(texts) and all(isinstance(text, str) for text in texts)
    require(usable, FileFormatError, f"{file}: wants a JSON object of marker -> landmark, or of landmark -> list of markers.")
    return dict(table)


def _fill_rigid(points: dict[str, Array]) -> None:
    """Hidden markers of pelvis and headband, from the others of their group."""
    for group in _RIGID:
        if all(name in points for name in group):
            filled = with_hidden(np.stack([points[name] for name in group], axis=1))
            points |= {name: filled[:, index] for index, name in enumerate(group)}


def _units_per_m(points: Mapping[str, Array], unit_m: float | None) -> float:
    """How many units a metre has: by the file, unless the pelvis or the shoulders would be a giant's or a dwarf's."""
    for name, width_m in _WIDTHS_M.items():
        if f"left_{name}" in points and f"right_{name}" in points:
            width = float(np.nanmedian(np.linalg.norm(points[f"left_{name}"] - points[f"right_{name}"], axis=-1)))
            if not width > 0:
                continue
            if unit_m and abs(np.log(width * unit_m / width_m)) < np.log(_WIDTH_FITS):
                return 1 / unit_m
            return min(_UNITS_PER_M, key=lambda per_m: abs(np.log(width / per_m / width_m)))
    return 1 / (unit_m or 1e-3)


def _check_facing(where: str, points: Mapping[str, Array]) -> None:
    """Left is left, by what is in front and what behind: the spines of the pelvis, breastbone and backbone.

    Raises:
        FileFormatError: mirrored, or left and right names exchanged.
    """
    pairs = (("left_asis", "left_psis"), ("right_asis", "right_psis"), ("jugular", "c7"), ("xiphoid", "t10"))
    ahead = [points[front] - points[back] for front, back in pairs if front in points and back in points]
    across = [points[f"left_{n}"] - points[f"right_{n}"] for n in ("asis", "acromion") if {f"left_{n}", f"right_{n}"} <= points.keys()]
    levels = [[n for n in level if n in points] for level in _LEVELS]
    heights = [np.mean([points[n] for n in level], axis=0) for level in levels if level]
    if not ahead or not across or len(heights) < 2:
        return
    handed = np.einsum("ti,ti->t", np.cross(heights[0] - heights[1], ahead[0]), across[0])
    seen = handed[np.isfinite(handed)]
    if len(seen) and (seen < 0).mean() > 0.5:
        raise FileFormatError(f"{where}: left and right are exchanged (or the axes are left-handed): the markers of the trunk show it.")


def _check_is_body(where: str, names: Sequence[str], landmarks: Mapping[str, Array], named: _Named) -> None:
    """Refuse a file of which too little is known to be a person's motion."""
    bones = [(f"{side}_{a}", f"{side}_{b}") for side in SIDES for chain in _CHAINS for a, b in itertools.pairwise(chain)]
    enough = sum(a in landmarks and b in landmarks for a, b in bones)
    if enough or any(name.endswith("_tip") for name in landmarks):
        return
    raise FileFormatError(
        f"{where}: the markers are of no known set (nearest: {named.set}). Got: {', '.join(names[:60])}. Sets: {', '.join(SETS)}. "
        "Name them yourself: source.joint_map=map.json, an object of marker -> landmark or of landmark -> list of markers."
    )
