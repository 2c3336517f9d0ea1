"""Hands in every order and naming: recognised by their bones, left is left, and what is exchanged, mirrored or flat is refused."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError
from motion.landmarks import hand_landmarks
from motion.segments import segment_frame
from motion.transform import matrix_from_wxyz, so3_exp
from retarget.reading.hand_names import hand_joint
from retarget.reading.orders import HAND_ORDERS
from retarget.reading.recognise import check_hand_order, hand_order
from retarget.sources.base import SourceOptions, read_recording, source_for, sources
from tests.retarget.sources.hands import closing_hand, in_order, y_up

FILM = Path("hands/dex_retargeting/human_joint_right.npz")
Y_UP = {"openxr_26", "visionos_27"}


@pytest.mark.parametrize("order", HAND_ORDERS)
@pytest.mark.parametrize("side", ["left", "right"])
def test_every_order_is_recognised_and_left_is_left(tmp_path: Path, order: str, side: str) -> None:
    points = closing_hand(side)
    raw = in_order(points, HAND_ORDERS[order])
    np.savez(tmp_path / "hand.npz", joints=y_up(raw) if order in Y_UP else raw, fps=30)
    reading = read_recording(tmp_path / "hand.npz")
    assert f"order {order} (recognised" in reading.understood["format"]
    assert reading.understood["hand"].startswith(f"{side} (fingers bend")
    motion = reading.motion
    for joint in HAND_ORDERS[order]:
        if joint in points:
            np.testing.assert_allclose(motion.point(f"{side}_{joint}"), points[joint], atol=1e-9, err_msg=joint)
    assert motion.point(f"{side}_index_tip")[0, 2] < motion.point(f"{side}_wrist")[0, 2] - 0.15  # up is up, metres are metres
    assert [s.name for s in sources().values() if ".npz" in s.suffixes and s.accepts(tmp_path / "hand.npz")] == ["positions"]


def test_a_real_hand_in_another_order_is_recognised_and_shuffled_is_refused(tmp_path: Path, data: Path) -> None:
    film = np.load(data / FILM)["joints"]
    mediapipe = HAND_ORDERS["mediapipe_21"]
    for order in ("mediapipe_21", "mano_21", "interhand_21"):
        assert hand_order(film[:, [mediapipe.index(joint) for joint in HAND_ORDERS[order]]]) == order
    rng = np.random.default_rng(0)
    accepted = sum(hand_order(film[::30, rng.permutation(21)]) is not None for _ in range(60))
    assert accepted <= 2  # chance makes a likely hand now and then
    np.savez(tmp_path / "shuffled.npz", joints=film[:, rng.permutation(21)], fps=30)
    with pytest.raises(FileFormatError, match=r"names of its 21 joints are not known.*mano_21"):
        read_recording(tmp_path / "shuffled.npz")
    with pytest.raises(FileFormatError, match=r"no hand has|seem to be exchanged"):
        read_recording(tmp_path / "shuffled.npz", SourceOptions(joint_names="mediapipe_21"))


def test_two_exchanged_joints_of_a_real_hand_are_named(tmp_path: Path, data: Path) -> None:
    film = np.load(data / FILM)["joints"]
    film[:, [6, 15]] = film[:, [15, 6]]
    np.savez(tmp_path / "exchanged.npz", joints=film, fps=30)
    with pytest.raises(FileFormatError, match="index_pip and ring_dip of the hand seem to be exchanged"):
        read_recording(tmp_path / "exchanged.npz", SourceOptions(joint_names="mediapipe_21"))


def test_hardly_any_exchange_goes_unseen(data: Path) -> None:
    """Exchanged joints that leave a likely hand are those that are neighbours in the thumb or side by side; most are seen."""
    film, order = np.load(data / FILM)["joints"][::8], HAND_ORDERS["mediapipe_21"]
    check_hand_order("film", order, film)
    seen = 0
    pairs = list(combinations(range(21), 2))[::6]
    for a, b in pairs:
        exchanged = film.copy()
        exchanged[:, [a, b]] = exchanged[:, [b, a]]
        try:
            check_hand_order("film", order, exchanged)
        except FileFormatError:
            seen += 1
    assert seen > 0.7 * len(pairs)


@pytest.mark.parametrize(
    ("name", "joint"),
    [
        ("XR_HAND_JOINT_INDEX_METACARPAL_EXT", None),
        ("XR_HAND_JOINT_THUMB_METACARPAL_EXT", (None, "thumb_cmc")),
        ("XR_HAND_JOINT_LITTLE_PROXIMAL_EXT", (None, "pinky_mcp")),
        ("index-finger-phalanx-intermediate", (None, "index_pip")),
        ("thumb-phalanx-distal", (None, "thumb_ip")),
        ("thumbKnuckle", (None, "thumb_cmc")),
        ("littleFingerIntermediateTip", (None, "pinky_dip")),
        ("leftRingFingerKnuckle", ("left", "ring_mcp")),
        ("rightHand", ("right", "wrist")),
        ("forearmWrist", None),
        ("forearmArm", (None, "elbow")),
        ("MIDDLE_FINGER_MCP", (None, "middle_mcp")),
        ("R_Index3", ("right", "index_dip")),
        ("left_forefinger1", ("left", "index_mcp")),
        ("left_shoulder", None),
        ("nose", None),
    ],
)
def test_names_of_hands_in_any_style(name: str, joint: tuple[str | None, str] | None) -> None:
    assert hand_joint(name) == joint


def visionos_names() -> dict[str, str]:
    """Our joint -> Apple's name."""
    names = {"wrist": "wrist", "thumb_cmc": "thumbKnuckle", "thumb_mcp": "thumbIntermediateBase", "thumb_ip": "thumbIntermediateTip"}
    names["thumb_tip"] = "thumbTip"
    for finger, theirs in (("index", "index"), ("middle", "middle"), ("ring", "ring"), ("pinky", "little")):
        parts = zip(("mcp", "pip", "dip", "tip"), ("Knuckle", "IntermediateBase", "IntermediateTip", "Tip"), strict=True)
        names |= {f"{finger}_{ours}": f"{theirs}Finger{part}" for ours, part in parts}
    return names


def test_a_headsets_frames_with_matrices_by_name(tmp_path: Path) -> None:
    """Frame by frame, both hands, Apple's names, column by column as simd writes matrices, and irregular times."""
    hands = {side: closing_hand(side, 12, (0, 0.3 if side == "left" else -0.3, 1.0)) for side in ("left", "right")}
    times = 100.0 + np.cumsum(np.r_[0, [0.033] * 5, 0.1, [0.033] * 5])
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])
    frames = []
    for k, time in enumerate(times):
        frame: dict[str, object] = {"timestamp": float(time)}
        for side, points in hands.items():
            joints = {}
            for ours, theirs in visionos_names().items():
                matrix = np.eye(4)
                matrix[:3, :3], matrix[:3, 3] = turn, y_up(points[ours][k])
                joints[theirs] = matrix.T.tolist()
            joints["forearmArm"] = y_up(points["wrist"][k] + [0, 0, 0.25]).tolist()
            frame[side] = None if side == "left" and k == 3 else joints
        frames.append(frame)
    path = tmp_path / "headset.json"
    path.write_text(json.dumps(frames))
    assert source_for(path).name == "positions"
    reading = read_recording(path)
    motion = reading.motion
    assert reading.understood["up"] == "y (by the format)"
    assert reading.understood["hands"] == "left checked by its bend, right checked by its bend"
    assert reading.understood["frames missing"] == "1 gaps, the longest 0.1 s"
    np.testing.assert_allclose(motion.time_s, times - 100.0)
    np.testing.assert_allclose(motion.point("right_pinky_dip"), hands["right"]["pinky_dip"], atol=1e-9)
    np.testing.assert_allclose(motion.point("left_elbow")[0], [0, 0.3, 1.25], atol=1e-9)
    assert np.isnan(motion.point("left_wrist")[3]).all()
    assert motion.confidence[3, motion.landmarks.index("left_wrist")] == 0
    assert set(motion.segments) == {"left_hand", "right_hand"}


def test_tables_of_both_hands_in_one_file(tmp_path: Path) -> None:
    order = HAND_ORDERS["webxr_25"]
    hands = {side: closing_hand(side, 20, (0, 0.2 if side == "left" else -0.2, 1)) for side in ("left", "right")}
    raw = {side: in_order(points, order) for side, points in hands.items()}
    np.savez(tmp_path / "both.npz", left_hand=raw["left"], right_hand=raw["right"], timestamps=np.arange(20) * 20.0)
    table = {"time_s": (np.arange(20) / 50).tolist(), "left": raw["left"].tolist(), "right": raw["right"].tolist()}
    (tmp_path / "both.json").write_text(json.dumps(table))
    for path in (tmp_path / "both.npz", tmp_path / "both.json"):
        motion = read_recording(path).motion
        assert motion.rate_hz == pytest.approx(50)  # 20 ms apart: the stamps are milliseconds
        assert set(motion.landmarks) == {*hand_landmarks("left"), *hand_landmarks("right")}
        np.testing.assert_allclose(motion.point("left_ring_pip"), hands["left"]["ring_pip"], atol=1e-9)


def test_a_named_table_with_measured_orientations(tmp_path: Path) -> None:
    names = [f"right_{joint}" for joint in HAND_ORDERS["mediapipe_21"]]
    points = closing_hand("right", 20)
    turns = so3_exp(np.stack([np.linspace(0, 1, 20), np.zeros(20), np.zeros(20)], axis=1))
    rotated = {name: np.einsum("tij,tj->ti", matrix_from_wxyz(turns), track) for name, track in points.items()}
    table = {"rate_hz": 50, "joints": names, "position_m": in_order(rotated, HAND_ORDERS["mediapipe_21"]).tolist()}
    table["wxyz"] = np.repeat(turns[:, None], 21, axis=1).tolist()
    (tmp_path / "table.json").write_text(json.dumps(table))
    motion = read_recording(tmp_path / "table.json").motion
    assert motion.segments == ("right_hand",)
    derived, _ = segment_frame("right_hand", motion.point)
    np.testing.assert_allclose(np.abs((motion.segment_wxyz[:, 0] * derived).sum(-1)), 1, atol=1e-6)


@pytest.mark.parametrize("layout", ["{joint}_{axis}", "{joint}.{axis}", "{axis}_{joint}"])
def test_csv_with_a_column_per_coordinate(tmp_path: Path, layout: str) -> None:
    points = closing_hand("left", 10)
    header, columns = ["time_ms"], [1000.0 + 40 * np.arange(10)]
    for joint, track in points.items():
        for k, axis in enumerate("xyz"):
            header.append(layout.format(joint=f"left_{joint}", axis=axis))
            columns.append(track[:, k])
    lines = [",".join("" if np.isnan(x) else f"{x:.9f}" for x in row) for row in np.stack(columns, axis=1)]
    lines[4] = lines[4].split(",")[0] + "," * (len(header) - 1)  # a frame in which nothing is seen
    path = tmp_path / "hand.csv"
    path.write_text("\n".join([",".join(header), *lines]) + "\n")
    assert [s.name for s in sources().values() if ".csv" in s.suffixes and s.accepts(path)] == ["positions"]
    motion = read_recording(path).motion
    assert motion.rate_hz == pytest.approx(25)
    np.testing.assert_allclose(motion.point("left_middle_tip")[:4], points["middle_tip"][:4], atol=1e-8)
    assert np.isnan(motion.point("left_middle_tip")[4]).all()


@pytest.mark.parametrize("named", ["left", "right"])
def test_a_hand_under_the_other_sides_name_is_refused(tmp_path: Path, named: str) -> None:
    other = "right" if named == "left" else "left"
    np.savez(tmp_path / "hand.npz", **{f"{named}_hand": in_order(closing_hand(other), HAND_ORDERS["mediapipe_21"])}, fps=30)
    with pytest.raises(FileFormatError, match=f"the {named} hand bends as a {other} one does.*mirrored"):
        read_recording(tmp_path / "hand.npz")


def test_missing_hands_and_doubled_times(tmp_path: Path) -> None:
    raw = in_order(closing_hand("right", 10), HAND_ORDERS["mediapipe_21"])
    raw[2], raw[3], raw[4], raw[5] = 0.0, -1.0, 1e9, np.nan
    stamps = np.array([0, 1, 2, 3, 4, 5, 6, 6, 5, 9]) / 30
    np.savez(tmp_path / "hand.npz", hand=raw, time_s=stamps)
    reading = read_recording(tmp_path / "hand.npz")
    assert reading.understood["frames left out"] == "2 whose time did not rise"
    np.testing.assert_allclose(reading.motion.time_s, stamps[[0, 1, 2, 3, 4, 5, 6, 9]])
    wrist = reading.motion.point("right_index_tip")
    assert np.isnan(wrist[2:6]).all()
    assert np.isfinite(wrist[[0, 1, 6, 7]]).all()


def test_image_landmarks_are_refused(tmp_path: Path) -> None:
    """As MediaPipe gives them in an image: x and y in 0..1, z from the wrist; and in pixels with a score."""
    world = in_order(closing_hand("right"), HAND_ORDERS["mediapipe_21"])
    image = np.stack([0.5 + world[..., 0], 0.7 - world[..., 2], world[..., 1] * 1e-1], axis=-1)
    np.savez(tmp_path / "image.npz", hand=image, fps=30)
    with pytest.raises(FileFormatError, match=r"between 0 and 1.*hand_world_landmarks"):
        read_recording(tmp_path / "image.npz")
    pixels = np.concatenate([image[..., :2] * 640, np.full_like(image[..., :1], 0.9)], axis=-1)
    np.savez(tmp_path / "pixels.npz", hand=pixels, fps=30)
    with pytest.raises(FileFormatError, match=r"third column \(0.9 to 0.9\) is no depth"):
        read_recording(tmp_path / "pixels.npz")


def test_a_hand_in_json_that_is_cut_off_is_one_clear_error(tmp_path: Path) -> None:
    table = json.dumps({"rate_hz": 30, "right": in_order(closing_hand(), HAND_ORDERS["mediapipe_21"]).tolist()})
    (tmp_path / "cut.json").write_text(table[: len(table) // 2])
    with pytest.raises(FileFormatError, match=r"cut\.json: not JSON, or cut off"):
        read_recording(tmp_path / "cut.json", name="positions")


def test_hands_around_their_own_wrists(tmp_path: Path) -> None:
    """Both wrists at the origin in every frame: not missing, and said to have no common room; a hand that is all zeros is missing."""
    order = HAND_ORDERS["mediapipe_21"]
    hands = {side: closing_hand(side, 12) for side in ("left", "right")}
    names = [f"{side}_{joint}" for side in hands for joint in order]
    position = np.concatenate([in_order(points, order) for points in hands.values()], axis=1)
    position[3, :21] = 0.0
    table = {"rate_hz": 30, "joints": names, "position_m": position.tolist()}
    (tmp_path / "hands.json").write_text(json.dumps(table))
    reading = read_recording(tmp_path / "hands.json")
    assert reading.understood["hands' places"].startswith("each hand around the origin")
    assert np.isfinite(np.delete(reading.motion.point("right_wrist"), 3, axis=0)).all()  # in frame 3 it cannot be told from a missing one
    assert np.isnan(reading.motion.point("left_index_tip")[3]).all()
    assert np.isfinite(reading.motion.point("left_index_tip")[[2, 4]]).all()


def test_places_with_orientations_frame_by_frame(tmp_path: Path) -> None:
    points = closing_hand("left", 12)
    frames = [
        {
            "time": k / 60,
            "joints": {f"left_{name}": {"position": track[k].tolist(), "wxyz": [1, 0, 0, 0]} for name, track in points.items()},
        }
        for k in range(12)
    ]
    (tmp_path / "hand.json").write_text(json.dumps({"frames": frames}))
    motion = read_recording(tmp_path / "hand.json").motion
    assert motion.rate_hz == pytest.approx(60)
    assert motion.segments == ("left_hand",)
    np.testing.assert_allclose(motion.point("left_thumb_ip"), points["thumb_ip"], atol=1e-9)


def test_an_order_stated_wrongly_is_refused(tmp_path: Path, data: Path) -> None:
    np.savez(tmp_path / "hand.npz", joints=np.load(data / FILM)["joints"], fps=30)
    with pytest.raises(FileFormatError, match="was stated to be in the order mano_21, but its bones are those of mediapipe_21"):
        read_recording(tmp_path / "hand.npz", SourceOptions(joint_names="mano_21"))


def test_time_stamps_of_another_number_than_frames(tmp_path: Path) -> None:
    np.savez(tmp_path / "hand.npz", hand=in_order(closing_hand(), HAND_ORDERS["mediapipe_21"]), time_s=np.arange(39) / 30)
    with pytest.raises(FileFormatError, match="has 39 time stamps 'time_s' for 40 frames"):
        read_recording(tmp_path / "hand.npz")
