"""Marker files: joint centres by hand arithmetic, every writer's layout, gaps, objects, and one real recording."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError, UnknownNameError
from motion.transform import rotate, so3_exp
from retarget.reading.c3d_file import read_c3d
from retarget.sources.base import SourceOptions, read_recording, source_for
from tests.retarget.sources.marker_files import RATE_HZ, person, table_of, write_c3d, write_qualisys, write_trc

JOINTS = [f"{side}_{name}" for side in ("left", "right") for name in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist", "middle_mcp")]
WRITERS = {"trc": write_trc, "c3d": write_c3d, "tsv": write_qualisys}


@pytest.mark.parametrize("suffix", WRITERS)
def test_joint_centres_are_where_they_were(tmp_path: Path, suffix: str) -> None:
    centres, markers = person()
    reading = read_recording(WRITERS[suffix](tmp_path / f"walk.{suffix}", markers))
    motion = reading.motion
    assert "plug_in_gait" in reading.understood["format"]
    assert reading.understood["sides"].startswith("left is left in 100%")
    assert reading.understood["up"].startswith("y" if suffix == "trc" else "z")
    assert reading.understood["unit"] == "by the format (0.001 m)"
    assert motion.rate_hz == pytest.approx(RATE_HZ)
    for name in [*JOINTS, "neck", "chest"]:
        np.testing.assert_allclose(_level(motion.point(name), suffix), centres[name], atol=2e-5, err_msg=name)
    np.testing.assert_allclose(_level(motion.point("left_heel"), suffix), centres["left_heel"] + [0, 0, 0.03], atol=1e-5)
    np.testing.assert_allclose(_level(motion.point("head"), suffix), centres["head"], atol=1e-5)
    assert motion.confidence[0, motion.landmarks.index("head_top")] == 0.5  # a guess from the headband, and said to be
    assert motion.segments[0] == "pelvis"
    assert 1.4 < motion.point("head_top")[0, 2] < 2.1


def _level(track: np.ndarray, suffix: str) -> np.ndarray:
    """Back into the person's own axes: a file whose y is up was turned about x by a quarter."""
    return np.stack([-track[:, 1], track[:, 0], track[:, 2]], -1) if suffix == "trc" else track


@pytest.mark.parametrize(("unit", "scale"), [("mm", 1000.0), ("m", 1.0), ("cm", 100.0), ("inches", 1 / 0.0254), ("meters", 1.0)])
def test_units_come_from_the_header(tmp_path: Path, unit: str, scale: float) -> None:
    centres, markers = person(5)
    for write, suffix in ((write_trc, "trc"), (write_c3d, "c3d")):
        motion = read_recording(write(tmp_path / f"walk.{suffix}", markers, unit=unit, scale=scale)).motion
        np.testing.assert_allclose(_level(motion.point("left_hip"), suffix), centres["left_hip"], atol=2e-5)


@pytest.mark.parametrize("suffix", ["trc", "c3d", "tsv"])
def test_a_hidden_marker_is_nan_and_a_pelvis_stands_in_for_one_of_its_own(tmp_path: Path, suffix: str) -> None:
    centres, markers = person()
    for name in ("LKNE", "RASI"):
        markers[name][7] = np.nan
    motion = read_recording(WRITERS[suffix](tmp_path / f"walk.{suffix}", markers)).motion
    assert np.isnan(motion.point("left_knee")[7]).all()
    assert motion.confidence[7, motion.landmarks.index("left_knee")] == 0
    assert np.isfinite(motion.point("left_knee")[[6, 8]]).all()
    np.testing.assert_allclose(_level(motion.point("right_hip"), suffix)[7], centres["right_hip"][7], atol=1e-4)


def test_inner_markers_count_before_the_chord(tmp_path: Path) -> None:
    centres, markers = person(5)
    for s, side, y in (("L", "left", 1), ("R", "right", -1)):
        markers[f"{s}KNE"], markers[f"{s}KNEM"] = (centres[f"{side}_knee"] + [0, d * y, 0] for d in (0.08, -0.04))
    motion = read_recording(write_c3d(tmp_path / "walk.c3d", markers)).motion
    np.testing.assert_allclose(motion.point("left_knee"), centres["left_knee"] + [0, 0.02, 0], atol=1e-5)


def test_the_names_of_other_sets(tmp_path: Path) -> None:
    _, markers = person(5)
    words = {"ASI": "IAS", "PSI": "IPS", "KNE": "FLE", "ANK": "FAL", "HEE": "FCC", "TOE": "FM2", "SHO": "CAJ", "ELB": "HLE"}
    words |= {"WRA": "RSP", "WRB": "USP", "FIN": "HM3"}
    opensim = {"ASI": ".ASIS", "PSI": ".PSIS", "KNE": ".Knee.Lat", "ANK": ".Ankle.Lat", "HEE": ".Heel", "TOE": ".Toe.Tip"}
    opensim |= {"SHO": ".Acromium", "ELB": ".Elbow", "WRA": ".Wrist.Lat", "WRB": ".Wrist.Med"}
    for found, table in (("ior", words), ("helen_hayes", opensim)):
        renamed = {name[0] + table[name[1:]]: track for name, track in markers.items() if name[1:] in table}
        reading = read_recording(write_c3d(tmp_path / "walk.c3d", renamed))
        assert reading.understood["format"] == f"C3D markers, marker set {found}"
        assert reading.motion.has("left_hip", "right_knee", "left_ankle", "right_shoulder", "left_elbow", "right_wrist", "left_toe")


def test_a_file_of_joint_centres_is_taken_as_it_is(tmp_path: Path) -> None:
    centres, _ = person(5)
    names = {"Hip": "hip", "Knee": "knee", "Ankle": "ankle", "BigToe": "toe", "Heel": "heel", "Shoulder": "shoulder", "Elbow": "elbow"}
    names |= {"Wrist": "wrist"}
    tracks = {s + name: centres[f"{side}_{joint}"] for s, side in (("R", "right"), ("L", "left")) for name, joint in names.items()}
    tracks |= {"Neck": centres["neck"], "Head": centres["head_top"], "Nose": centres["head"]}
    reading = read_recording(write_trc(tmp_path / "pose2sim.trc", tracks, "m", 1.0, blank=False))
    assert "joint_centres" in reading.understood["format"]
    assert reading.understood["markers"] == "18 of 19 used"
    np.testing.assert_allclose(_level(reading.motion.point("right_toe"), "trc"), centres["right_toe"], atol=1e-6)


def test_a_map_of_ones_own_names_landmarks_markers_and_means(tmp_path: Path) -> None:
    centres, markers = person(5)
    strange = {f"m{k}": track for k, track in enumerate(markers.values())}
    path = write_c3d(tmp_path / "walk.c3d", strange)
    with pytest.raises(FileFormatError, match=r"of no known set.*Got: m0, m1.*source\.joint_map=map\.json"):
        read_recording(path)
    number = {name: f"m{k}" for k, name in enumerate(markers)}
    table: dict[str, object] = {number[f"{s[0].upper()}ASI"]: f"{s}_asis" for s in ("left", "right")}
    table |= {number[f"{s[0].upper()}PSI"]: f"{s}_psis" for s in ("left", "right")}
    table |= {number[f"{s[0].upper()}SHO"]: f"{s}_shoulder" for s in ("left", "right")}
    table |= {f"{s}_wrist": [number[f"{s[0].upper()}WRA"], number[f"{s[0].upper()}WRB"]] for s in ("left", "right")}
    table |= {number[f"{s[0].upper()}ELB"]: f"{s}_elbow" for s in ("left", "right")}
    (tmp_path / "map.json").write_text(json.dumps(table))
    options = SourceOptions(joint_map=str(tmp_path / "map.json"))
    motion = read_recording(path, options).motion
    np.testing.assert_allclose(motion.point("left_wrist"), centres["left_wrist"], atol=1e-5)
    np.testing.assert_allclose(motion.point("right_hip"), centres["right_hip"], atol=1e-5)  # from the pelvis, by regression
    (tmp_path / "map.json").write_text(json.dumps({"m1": "left_elbo"}))
    with pytest.raises(UnknownNameError, match="Did you mean 'left_elbow'"):
        read_recording(path, options)
    (tmp_path / "map.json").write_text(json.dumps({"left_elbow": ["m1", "n2"]}))
    with pytest.raises(UnknownNameError, match="unknown marker 'n2'"):
        read_recording(path, options)


def test_two_people_are_told_apart_by_their_prefix(tmp_path: Path) -> None:
    centres, markers = person(5)
    one = {f"Anna:{name}": track for name, track in markers.items()}
    np.testing.assert_allclose(
        read_recording(write_c3d(tmp_path / "one.c3d", one)).motion.point("left_hip"), centres["left_hip"], atol=1e-5
    )
    two = one | {f"Ben:{name}": track + [0, 1, 0] for name, track in markers.items()}
    with pytest.raises(FileFormatError, match=r"markers of 2 people \(Anna, Ben\)"):
        read_recording(write_c3d(tmp_path / "two.c3d", two))


def turning_box(frames: int = 40) -> dict[str, np.ndarray]:
    """Four markers of a box that rises 1 cm a frame and turns 2 degrees a frame about the vertical."""
    corners = np.array([[0.2, 0.1, 0.0], [-0.2, 0.1, 0.05], [-0.2, -0.1, 0.0], [0.2, -0.12, 0.1]])
    turn = so3_exp(np.radians(2.0) * np.arange(frames)[:, None] * [0, 0, 1.0])
    rise = np.arange(frames)[:, None] * [0, 0, 0.01]
    return {f"box_{k + 1}": rotate(turn, corner) + [0.6, 0, 0.8] + rise for k, corner in enumerate(corners)}


def test_markers_of_a_rigid_thing_become_an_object(tmp_path: Path) -> None:
    _, markers = person()
    box = turning_box()
    box["box_2"][11] = np.nan
    motion = read_recording(write_c3d(tmp_path / "carry.c3d", markers | box)).motion
    track = motion.objects["box"]
    np.testing.assert_allclose(np.diff(track.position_m[:, 2]), 0.01, atol=1e-5)
    turned = (track[:-1].inverse() @ track[1:]).wxyz
    np.testing.assert_allclose(np.abs(turned[:, 3]), np.sin(np.radians(1.0)), atol=1e-5)
    assert list(motion.objects) == ["box"]
    for words in ("RTH{}", "Unlabeled{}", "R.Thigh.{}", "*{}"):  # a cluster on the thigh, and what nobody named
        others = {words.format(k): track for k, track in enumerate(box.values())}
        assert not read_recording(write_c3d(tmp_path / "carry.c3d", markers | others)).motion.objects
    soft = {name: point + 0.1 * np.sin(k + np.arange(40))[:, None] for k, (name, point) in enumerate(turning_box().items())}
    path = write_c3d(tmp_path / "soft.c3d", markers | soft)
    assert not read_recording(path).motion.objects
    assert list(read_recording(path, SourceOptions(objects="box")).motion.objects) == ["box"]
    with pytest.raises(FileFormatError, match=r"source\.objects=lid: 'lid' needs 3 markers"):
        read_recording(path, SourceOptions(objects="lid"))


@pytest.mark.parametrize("blank", [True, False])
def test_trc_as_several_tools_write_it(tmp_path: Path, blank: bool) -> None:
    _, markers = person(5)
    path = write_trc(tmp_path / "a.trc", markers, blank=blank)
    wanted = read_recording(path).motion.position_m
    text = path.read_text()
    variants = {
        "carriage returns and a mark": "\ufeff" + text.replace("\n", "\r\n"),
        "a tab more in every line": "".join(
            f"{line}\t\n" if line[:1].isdigit() and "mm" not in line else f"{line}\n" for line in text.split("\n")
        ),
        "no number of markers": text.replace("\tNumMarkers", "").replace(f"\t{len(markers)}\tmm", "\tmm"),
        "blank lines at the end": text + "\n\t\t\n",
    }
    for name, variant in variants.items():
        path.write_text(variant, newline="")
        np.testing.assert_array_equal(read_recording(path).motion.position_m, wanted, err_msg=name)
    path.write_text(text.replace("\t\t\n", "\t\t\n", 1).replace("mm", "MM"))
    np.testing.assert_array_equal(read_recording(path).motion.position_m, wanted)


def test_times_rounded_to_milliseconds_do_not_shake(tmp_path: Path) -> None:
    _, markers = person(30)
    path = write_trc(tmp_path / "a.trc", markers)
    lines = path.read_text().replace("100.00", "60.00").split("\n")
    for k in range(30):
        cells = lines[6 + k].split("\t")
        lines[6 + k] = "\t".join([cells[0], f"{k / 60:.3f}", *cells[2:]])
    path.write_text("\n".join(lines))
    np.testing.assert_allclose(np.diff(read_recording(path).motion.time_s), 1 / 60, atol=1e-12)


def test_c3d_reads_what_ezc3d_reads(tmp_path: Path) -> None:
    import ezc3d

    _, markers = person(12)
    path = write_c3d(tmp_path / "a.c3d", markers, Y_SCREEN="+Z")
    ours, theirs = read_c3d(path), ezc3d.c3d(str(path))
    np.testing.assert_array_equal(ours.position, theirs["data"]["points"][:3].transpose(2, 1, 0))
    assert list(ours.labels) == theirs["parameters"]["POINT"]["LABELS"]["value"]
    assert ours.rate_hz == theirs["parameters"]["POINT"]["RATE"]["value"][0]
    assert ours.parameters["POINT:Y_SCREEN"] in ("+Z", ["+Z"])


def integer_c3d(processor: int) -> bytes:
    """A C3D file by hand: two points, one frame, 16-bit integers of 0.1 mm, as one of three processors writes them."""
    big = ">" if processor == 86 else "<"

    def real(value: float) -> bytes:
        raw = np.array([value * 4 if processor == 85 else value], big + "f4").tobytes()
        return raw[2:] + raw[:2] if processor == 85 else raw

    def whole(*values: int) -> bytes:
        return np.array(values, big + "i2").tobytes()

    header = bytes([2, 0x50]) + whole(2, 0, 1, 1, 0) + real(0.1) + whole(3, 0) + real(50.0)
    labels = b"ABCD"
    group = bytes([5, 0xFF]) + b"POINT" + whole(3) + b"\0"
    label = bytes([6, 1]) + b"LABELS" + whole(2 + 2 + 2 + 4 + 1) + bytes([0xFF, 2, 2, 2]) + labels + b"\0"
    rate = bytes([4, 1]) + b"RATE" + whole(2 + 1 + 1 + 4 + 1) + bytes([4, 0]) + real(50.0) + b"\0"
    scale = bytes([5, 1]) + b"SCALE" + whole(0) + bytes([4, 0]) + real(0.1) + b"\0"
    parameters = bytes([1, 0x50, 1, processor]) + group + label + rate + scale
    data = whole(10, -20, 30, 0) + whole(40, 50, 60, -1)
    return header.ljust(512, b"\0") + parameters.ljust(512, b"\0") + data.ljust(512, b"\0")


@pytest.mark.parametrize("processor", [84, 85, 86])
def test_c3d_of_integers_and_of_every_processor_by_hand(tmp_path: Path, processor: int) -> None:
    (tmp_path / "a.c3d").write_bytes(integer_c3d(processor))
    file = read_c3d(tmp_path / "a.c3d")
    assert (file.labels, file.rate_hz) == (("AB", "CD"), 50.0)
    np.testing.assert_allclose(file.position[0, 0], [1.0, -2.0, 3.0], rtol=1e-6)
    assert np.isnan(file.position[0, 1]).all()  # residual -1


def test_a_c3d_cut_off_anywhere_is_one_error(tmp_path: Path) -> None:
    _, markers = person(3)
    data = write_c3d(tmp_path / "a.c3d", markers).read_bytes()
    for count in range(0, len(data) - 512, 37):
        (tmp_path / "cut.c3d").write_bytes(data[:count])
        with pytest.raises(FileFormatError, match=r"cut\.c3d"):
            read_c3d(tmp_path / "cut.c3d")


def test_a_real_hand_beside_a_real_pillow(data: Path) -> None:
    path = data / "reference" / "dfki_pillow_hand" / "recording.tsv"
    assert source_for(path).name == "qualisys"
    reading = read_recording(path)
    motion = reading.motion
    assert reading.understood["format"] == "Qualisys markers, marker set right hand"
    assert (len(motion.time_s), motion.rate_hz) == (6000, pytest.approx(100))
    np.testing.assert_allclose(motion.point("right_index_tip")[0], [0.225936, 0.199537, 0.481317], atol=1e-9)  # the file's first row
    np.testing.assert_allclose(motion.point("right_wrist")[0], [0.064447, 0.1458995, 0.45185], atol=1e-9)  # hand_left and hand_right
    knuckle, wrist = motion.point("right_middle_mcp"), motion.point("right_wrist")
    np.testing.assert_allclose(np.linalg.norm(knuckle - wrist, axis=-1), 0.098, atol=1e-6)  # an average hand's, along the back of this one
    assert (
        np.linalg.norm(motion.point("right_middle_pip") - knuckle, axis=-1)
        < np.linalg.norm(motion.point("right_middle_pip") - wrist, axis=-1)
    ).all()
    thumb, pinky = (np.linalg.norm(motion.point(f"right_{f}_mcp") - motion.point("right_thumb_ip"), axis=-1) for f in ("index", "pinky"))
    assert (thumb < pinky).all()
    assert motion.confidence[:, motion.landmarks.index("right_middle_mcp")].max() == 0.5
    lengths = np.linalg.norm(motion.point("right_elbow") - motion.point("right_wrist"), axis=-1)
    assert 0.2 < np.median(lengths) < 0.3
    assert list(motion.objects) == ["pillow"]
    middle = np.array([[314.169, 109.185, 213.389], [633.600, 215.459, 96.484], [371.959, 289.915, 223.330]]).mean(0) / 1e3
    np.testing.assert_allclose(motion.objects["pillow"].position_m[0], middle, atol=2e-3)
    assert motion.confidence[:, motion.landmarks.index("right_thumb_tip")].mean() == pytest.approx(0.918, abs=1e-3)


def test_a_frame_in_which_nothing_is_seen_stays_a_frame(tmp_path: Path) -> None:
    _, markers = person(9)
    path = write_qualisys(tmp_path / "a.tsv", markers)
    lines = path.read_text().split("\n")
    lines[12] = "\t" * (3 * len(markers) - 1)
    path.write_text("\n".join(lines))
    motion = read_recording(path).motion
    assert len(motion.time_s) == 9
    assert np.flatnonzero(~np.isfinite(motion.point("left_knee")).all(1)).tolist() == [4]


def test_mirrored_and_exchanged_markers_are_refused(tmp_path: Path) -> None:
    _, markers = person(5)
    mirrored = {name: track * [1, -1, 1] for name, track in markers.items()}
    exchanged = {({"L": "R", "R": "L"}.get(n[0], n[0]) + n[1:]) if n not in ("CLAV",) else n: t for n, t in markers.items()}
    lower = {name: track for name, track in mirrored.items() if name[1:] in ("ASI", "PSI", "THI", "KNE", "TIB", "ANK", "HEE", "TOE")}
    for tracks in (mirrored, exchanged, lower):
        with pytest.raises(FileFormatError, match="left and right are exchanged"):
            read_recording(write_c3d(tmp_path / "a.c3d", tracks))


def test_legs_alone_are_read(tmp_path: Path) -> None:
    centres, markers = person(5)
    lower = {name: track for name, track in markers.items() if name[1:] in ("ASI", "PSI", "THI", "KNE", "TIB", "ANK", "HEE", "TOE")}
    motion = read_recording(write_c3d(tmp_path / "gait.c3d", lower)).motion
    np.testing.assert_allclose(motion.point("right_ankle"), centres["right_ankle"], atol=1e-5)
    assert not motion.has("left_shoulder")


def test_table_of_is_right_handed() -> None:
    tracks = {"a": np.array([[1.0, 0, 0]]), "b": np.array([[0.0, 1, 0]]), "c": np.array([[0.0, 0, 1]])}
    assert np.linalg.det(table_of(tracks, 1.0, "y")[0]) == pytest.approx(1)


def test_one_arm_keeps_its_shoulder(tmp_path: Path) -> None:
    centres, markers = person()
    arm = {name: track for name, track in markers.items() if name in ("C7", "T10", "CLAV", "STRN", "RSHO", "RELB", "RWRA", "RWRB")}
    motion = read_recording(write_trc(tmp_path / "arm.trc", arm)).motion
    assert "left_shoulder" not in motion.landmarks
    off = centres["right_shoulder"] - _level(motion.point("right_shoulder"), "trc")
    assert np.abs(off).max() < 0.03
    assert motion.confidence[0, motion.landmarks.index("right_shoulder")] == 0.5
