"""Acclaim's ASF/AMC, as CMU publishes it: a skeleton (`.asf`), and per frame the turns of its bones (`.amc`).

Directions and axes in an ASF stand in the world of the rest pose. A bone's turns M about its own axes C are C M C^-1 in
that world, and chain from bone to bone. Source: Acclaim file formats, Lander 1998, Working with Motion Capture File Formats.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, require
from motion.transform import Array, quaternion_product, rotate
from retarget.reading.generic_names import named_tracks, skeleton_columns
from retarget.reading.numbers import parse_named_numbers
from retarget.reading.skeleton import Skeleton, euler_wxyz
from retarget.sources.base import Reading, SourceOptions
from retarget.sources.finish import Recorded, reading_of

_INCH_M = 0.0254
_CMU_RATE_HZ = 120.0
_NAME = re.compile(rb"^[ \t]*([A-Za-z]\S*)", re.MULTILINE)
_FIRST_FRAME = re.compile(rb"^[ \t]*\d+[ \t]*\r?$", re.MULTILINE)


@dataclass(frozen=True)
class Bone:
    """One bone of an ASF: unit direction and length, its own axes (their turns in the order of `axes`), and what it can do."""

    direction: tuple[float, ...] = (0.0, 0.0, 0.0)
    length: float = 0.0
    axis: tuple[float, ...] = (0.0, 0.0, 0.0)
    axes: str = "XYZ"
    dof: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asf:
    """A skeleton: bones by name, the root first; each one's parent; a unit of length in metres; whether its angles are degrees."""

    bones: Mapping[str, Bone]
    parents: Mapping[str, str]
    unit_m: float = _INCH_M
    degrees: bool = True


def read_asf(path: Path) -> Asf:
    """Parse a skeleton.

    Raises:
        FileFormatError: not ASF, cut off, or bones without a place in the hierarchy.
    """
    lines = [line.split("#")[0].split() for line in path.read_text(errors="replace").splitlines()]
    sections: dict[str, list[list[str]]] = {}
    for words in lines:
        if words and words[0].startswith(":"):
            sections[words[0].lower()] = current = []
        elif words and sections:
            current.append(words)
    wanted = (":root", ":bonedata", ":hierarchy")
    missing = [name for name in wanted if not sections.get(name)]
    require(not missing, FileFormatError, f"{path}: no ASF skeleton; it lacks {', '.join(missing)}.")
    try:
        units = {words[0].lower(): words[1] for words in sections.get(":units", []) if len(words) > 1}
        bones = {"root": _root(sections[":root"]), **_bones(sections[":bonedata"])}
        unit = _INCH_M / float(units.get("length", 1.0))
    except (IndexError, KeyError, ValueError, ZeroDivisionError) as error:
        raise FileFormatError(f"{path}: the skeleton cannot be read ({type(error).__name__}: {error}).") from error
    parents = _hierarchy(path, sections[":hierarchy"], bones)
    order = {"root": bones["root"], **{name: bones[name] for name in parents}}
    return Asf(order, parents, unit, not units.get("angle", "deg").lower().startswith("rad"))


def _root(lines: Sequence[Sequence[str]]) -> Bone:
    found = {words[0].lower(): words[1:] for words in lines}
    return Bone(axes=found.get("axis", ["XYZ"])[0].upper(), dof=tuple(word.lower() for word in found["order"]))


def _bones(lines: Sequence[Sequence[str]]) -> dict[str, Bone]:
    bones: dict[str, Bone] = {}
    found: dict[str, list[str]] = {}
    for words in lines:
        if words[0] == "begin":
            found = {}
        elif words[0] == "end":
            direction, axis = (tuple(map(float, found[key][:3])) for key in ("direction", "axis"))
            turns = tuple(word.lower() for word in found.get("dof", []))
            bones[found["name"][0]] = Bone(direction, float(found["length"][0]), axis, found["axis"][3].upper(), turns)
        else:
            found[words[0].lower()] = list(words[1:])
    return bones


def _hierarchy(path: Path, lines: Sequence[Sequence[str]], bones: Mapping[str, Bone]) -> dict[str, str]:
    """Bone -> parent, parents before children."""
    parents: dict[str, str] = {}
    for parent, *children in lines:
        if parent in ("begin", "end"):
            continue
        for name in (parent, *children):
            require(
                name in bones, FileFormatError, f"{path}: the hierarchy names the bone {name!r}; there is none. Bones: {', '.join(bones)}."
            )
        rooted = parent == "root" or parent in parents
        require(rooted, FileFormatError, f"{path}: the bone {parent!r} stands in the hierarchy before it hangs anywhere.")
        parents |= dict.fromkeys(children, parent)
    lost = [name for name in bones if name != "root" and name not in parents]
    require(not lost, FileFormatError, f"{path}: bones without a place in the hierarchy: {', '.join(lost)}.")
    return parents


def read_amc(path: Path, asf: Asf) -> dict[str, Array]:
    """Channels (T, k) of each bone that moves, as written.

    Raises:
        FileFormatError: not AMC, cut off, or bones and numbers that the skeleton does not have.
    """
    data = path.read_bytes()
    begin = _FIRST_FRAME.search(data)
    if begin is None:
        raise FileFormatError(f"{path}: no AMC; no line holds the number of a frame.")
    order = [name.decode(errors="replace") for name in _first_names(data, begin.start())]
    for name in order:
        require(name in asf.bones, FileFormatError, f"{path}: moves the bone {name!r}; the skeleton has {', '.join(asf.bones)}.")
    missing = [name for name, bone in asf.bones.items() if bone.dof and name not in order]
    lacks = f"{path}: its first frame lacks the bones {', '.join(missing)}: it is cut off, or the skeleton is another's."
    require(not missing, FileFormatError, lacks)
    widths = [len(asf.bones[name].dof) for name in order]
    values, words = parse_named_numbers(data[begin.start() :])
    frames, row = len(words) // max(len(order), 1), 1 + sum(widths)
    whole = frames > 0 and len(words) == frames * len(order) and len(values) == frames * row
    if not whole or (words.reshape(frames, -1) != words[: len(order)]).any():
        raise FileFormatError(
            f"{path}: a frame names {len(order)} bones and holds {row} numbers by its skeleton; the file holds {len(words)} names and "
            f"{len(values)} numbers, or names in another order. It is cut off, or the skeleton is another's."
        )
    table = values.reshape(frames, row)
    require(bool(np.isfinite(table).all()), FileFormatError, f"{path}: holds values that are no numbers.")
    require(
        bool((np.diff(table[:, 0]) == 1).all()),
        FileFormatError,
        f"{path}: the numbers of the frames do not rise by one: frames are missing.",
    )
    return dict(zip(order, np.split(table[:, 1:], np.cumsum(widths)[:-1], axis=1), strict=True))


def _first_names(data: bytes, begin: int) -> list[bytes]:
    """The bones that the first frame names, which a frame does in the same order as all others."""
    names: list[bytes] = []
    for found in _NAME.finditer(data, begin):
        if found[1] in names:
            break
        names.append(found[1])
    return names


def _own_axes(bone: Bone, degrees: bool) -> Array:
    angle = np.array(bone.axis)[::-1]  # the axis named first turns first, about axes that stand
    return euler_wxyz((np.deg2rad(angle) if degrees else angle)[None, None], _axis_numbers(bone.axes[::-1])[None])[0, 0]


def _axis_numbers(letters: str) -> Array:
    return np.array(["XYZ".index(letter) for letter in letters])


def local_wxyz(asf: Asf, channels: Mapping[str, Array], frames: int, degrees: bool) -> Array:
    """Turns (T, J, 4) of every bone against its parent, in the axes of the rest pose's world."""
    angle, axis = np.zeros((frames, len(asf.bones), 3)), np.full((len(asf.bones), 3), -1)
    for index, (name, bone) in enumerate(asf.bones.items()):
        turns = [k for k, dof in enumerate(bone.dof) if dof in ("rx", "ry", "rz")][::-1] if name in channels else []
        angle[:, index, : len(turns)] = channels[name][:, turns] if turns else 0.0
        axis[index, : len(turns)] = ["xyz".index(bone.dof[k][1]) for k in turns]
    own = np.stack([_own_axes(bone, asf.degrees) for bone in asf.bones.values()])
    turned = quaternion_product(own, euler_wxyz(np.deg2rad(angle) if degrees else angle, axis))
    return quaternion_product(turned, own * [1.0, -1, -1, -1])


def skeleton_of(asf: Asf) -> Skeleton:
    """The joints where the bones begin, each named by its bone, in the file's unit."""
    names = list(asf.bones)
    reach = {name: bone.length * np.array(bone.direction) for name, bone in asf.bones.items()}
    offsets = [reach[asf.parents[name]] if name in asf.parents else np.zeros(3) for name in names]
    return Skeleton(tuple(names), tuple(names.index(asf.parents[name]) if name in asf.parents else -1 for name in names), np.array(offsets))


def find_skeleton(path: Path, stated: str | None) -> Path:
    """The `.asf` of an `.amc`: the one stated, of the same name, of the subject (02_01.amc: 02.asf), or the only one in the folder.

    Raises:
        FileFormatError: there is none, or several could be it.
    """
    if stated is not None:
        require(Path(stated).is_file(), FileFormatError, f"source.skeleton={stated}: no such file.")
        return Path(stated)
    beside = {file.stem: file for file in sorted(path.parent.iterdir()) if file.suffix.lower() == ".asf"}
    for stem in (path.stem, path.stem.partition("_")[0]):
        if stem in beside:
            return beside[stem]
    if len(beside) == 1:
        return next(iter(beside.values()))
    found = ", ".join(file.name for file in beside.values()) or "none"
    raise FileFormatError(f"{path}: its skeleton is not beside it (.asf files there: {found}). State it with source.skeleton=path.asf.")


def _upright_axis(tracks: Mapping[str, Array]) -> str | None:
    """The axis along which the rest pose stands: shoulders over ankles."""
    ends = [tracks.get(name) for name in ("left_shoulder", "left_ankle")]
    if ends[0] is None or ends[1] is None:
        return None
    up = (ends[0] - ends[1])[0]
    axis = int(np.abs(up).argmax())
    return ("-" if up[axis] < 0 else "") + "xyz"[axis]


class AsfAmcSource:
    """Reads `.amc` files, with the `.asf` that belongs to them."""

    name = "asf_amc"
    suffixes = (".amc",)

    def accepts(self, path: Path) -> bool:
        """Whether a line near the beginning is the number of a frame, and the next one names a bone."""
        with open(path, "rb") as stream:
            head = stream.read(4096)
        first = _FIRST_FRAME.search(head)
        return first is not None and _NAME.match(head[first.end() :].lstrip()) is not None

    def read(self, path: Path, options: SourceOptions) -> Reading:
        """Read the turns of the bones into a HumanMotion."""
        skeleton_path = find_skeleton(path, options.skeleton)
        asf = read_asf(skeleton_path)
        channels = read_amc(path, asf)
        frames = len(next(iter(channels.values())))
        degrees = b":RADIANS" not in path.read_bytes()[:4096].upper()
        skeleton, wxyz = skeleton_of(asf), local_wxyz(asf, channels, frames, degrees)
        poses = skeleton.poses(wxyz, _root_track(asf, channels, frames))
        naming = skeleton_columns(skeleton.names, skeleton.parents, str(path), options.joint_map)
        tracks = named_tracks(naming, poses.position_m, str(path))
        ends = _ends(asf, poses.position_m, poses.wxyz) if naming.dialect == "cmu" else {}
        still = skeleton.poses(np.tile([1.0, 0, 0, 0], (1, len(skeleton.names), 1)), np.zeros((1, 3)))
        recorded = Recorded(
            format=f"ASF/AMC, dialect {naming.dialect}",
            time_s=np.arange(frames) / (options.rate_hz or _CMU_RATE_HZ),
            tracks=tracks | ends,
            wxyz={name: poses.wxyz[:, column] for name, column in naming.columns.items()},
            unit_m=asf.unit_m,
            up=_upright_axis({name: still.position_m[:, column] for name, column in naming.columns.items()}),
            joints_n=len(asf.bones),
            pseudonym=f"skeleton_{hashlib.sha256(skeleton_path.read_bytes()).hexdigest()[:8]}",
            words={
                "skeleton": skeleton_path.name,
                "rate": "stated" if options.rate_hz else f"{_CMU_RATE_HZ:g} Hz (CMU's convention: the file carries none)",
                **naming.words,
            },
            also=(skeleton_path,),
        )
        return reading_of(path, recorded, options)


def _root_track(asf: Asf, channels: Mapping[str, Array], frames: int) -> Array:
    """(T, 3) where the root stands, in the file's unit."""
    track = np.zeros((frames, 3))
    for column, dof in enumerate(asf.bones["root"].dof if "root" in channels else ()):
        if dof in ("tx", "ty", "tz"):
            track[:, "xyz".index(dof[1])] = channels["root"][:, column]
    return track


def _ends(asf: Asf, position: Array, wxyz: Array) -> dict[str, Array]:
    """Landmarks at the far ends of CMU's last bones: crown, and of the hand, whose fingers are one bone, the middle finger's joint."""
    wanted = {"head": "head_top", "lfingers": "left_middle_pip", "rfingers": "right_middle_pip"}
    found, names = {}, list(asf.bones)
    for name in set(wanted) & set(names):
        bone, index = asf.bones[name], names.index(name)
        found[wanted[name]] = position[:, index] + rotate(wxyz[:, index], bone.length * np.array(bone.direction))
    return found


SOURCE = AsfAmcSource()
