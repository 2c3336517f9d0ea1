"""Bodies in every order: recognised by bones and sides, in the format's axes; image coordinates, shuffles and mirrors are refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError
from motion.transform import Array, matrix_from_wxyz
from retarget.reading.names import landmark_columns
from retarget.reading.orders import HAND_ORDERS, ORDERS
from retarget.sources.base import SourceOptions, accepting, read_recording, source_for, sources
from tests.motion.bodies import standing_points
from tests.retarget.sources.hands import closing_hand, in_order

FACE = {"nose": (0.10, 0), "eye": (0.08, 0.03), "ear": (0.0, 0.07)}
ESTIMATED = ("mediapipe_33", "coco_17", "coco_wholebody_133", "halpe_26", "openpose_25", "h36m_17")


def person(frames: int = 40) -> dict[str, Array]:
    """Landmark, or part of the face -> (T, 3): bends elbows and knees, and walks along x by a metre."""
    phases = np.linspace(0, 2 * np.pi, frames)
    poses = [standing_points(0.6 + 0.5 * np.sin(phase), 0.5 + 0.3 * np.sin(phase)) for phase in phases]
    path = np.stack([np.linspace(0, 1, frames), 0 * phases, 0 * phases], axis=1)
    points = {name: np.array([pose[name] for pose in poses]) + path for name in poses[0]}
    for side, sign in (("left", 1), ("right", -1)):
        points |= {f"{side}_{name}": points["head"] + [x, sign * y, 0] for name, (x, y) in FACE.items() if y}
        hand = closing_hand(side, frames)
        points |= {f"{side}_{joint}": track + points[f"{side}_wrist"] for joint, track in hand.items()}
    return points | {"nose": points["head"] + [FACE["nose"][0], 0, -0.03]}


def in_body_order(points: dict[str, Array], order: str) -> Array:
    """(T, J, 3); joints that the vocabulary does not have lie between those beside them."""
    names = ORDERS[order]
    _, columns = landmark_columns(names, order)
    by_column = {column: landmark for landmark, column in columns.items()}
    middle = (points["chest"] + points["pelvis"]) / 2
    return np.stack([points.get(by_column.get(k, name), middle) for k, name in enumerate(names)], axis=1)


def y_down(points: Array) -> Array:
    """Of a camera that looks along our y at the person from their right: x ahead, y down, z to their left."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1)


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_is_recognised(tmp_path: Path, order: str) -> None:
    points = person()
    raw = in_body_order(points, order)
    np.savez(tmp_path / "body.npz", joints=y_down(raw) if order in ESTIMATED else raw, fps=30)
    assert [s.name for s in sources().values() if ".npz" in s.suffixes and s.accepts(tmp_path / "body.npz")] == ["positions"]
    reading = read_recording(tmp_path / "body.npz")
    assert f"order {order} (recognised" in reading.understood["format"]
    assert reading.understood["up"].startswith("-y" if order in ESTIMATED else "z")
    assert reading.understood["sides"].startswith("left is left in 100%")
    for name in ("left_shoulder", "right_elbow", "left_wrist", "right_hip", "left_knee", "right_ankle"):
        np.testing.assert_allclose(reading.motion.point(name), points[name], atol=1e-9, err_msg=name)


def test_columns_after_the_position_are_confidences(tmp_path: Path) -> None:
    raw = y_down(in_body_order(person(), "mediapipe_33"))
    visibility = np.full((*raw.shape[:2], 2), 0.9)
    visibility[7, 15] = 0.2  # the left wrist
    np.save(tmp_path / "pose.npy", np.concatenate([raw, visibility], axis=-1))
    motion = read_recording(tmp_path / "pose.npy", SourceOptions(rate_hz=30)).motion
    wrist = motion.landmarks.index("left_wrist")
    assert motion.confidence[7, wrist] == pytest.approx(0.2)
    assert motion.confidence[8, wrist] == pytest.approx(0.9)
    assert motion.confidence[8, motion.landmarks.index("left_index_mcp")] == pytest.approx(0.45)  # one rough point per finger
    pixels = np.concatenate([raw, 700 * visibility], axis=-1)
    np.save(tmp_path / "odd.npy", pixels)
    with pytest.raises(FileFormatError, match=r"fourth column of 'array' reaches from 0 to 630; it should be a confidence"):
        read_recording(tmp_path / "odd.npy", SourceOptions(rate_hz=30))


def test_a_face_turns_the_head(tmp_path: Path) -> None:
    raw = y_down(in_body_order(person(), "mediapipe_33"))
    for name in ("left_ear", "right_ear", "left_eye", "right_eye"):
        raw[:, ORDERS["mediapipe_33"].index(name)] = y_down(person()[name])
    np.savez(tmp_path / "pose.npz", joints=raw, fps=30)
    motion = read_recording(tmp_path / "pose.npz").motion
    head = matrix_from_wxyz(motion.segment_wxyz[:, motion.segments.index("head")])
    np.testing.assert_allclose(head, np.broadcast_to(np.eye(3), head.shape), atol=1e-6)


def noisy(raw: Array, scale_m: float = 0.012) -> Array:
    """As an estimator sees it: every joint shakes by itself."""
    return raw + np.random.default_rng(3).normal(scale=scale_m, size=raw.shape)


def test_a_film_that_shakes_is_read_and_a_shuffle_is_not(tmp_path: Path) -> None:
    raw = noisy(y_down(in_body_order(person(120), "coco_17")), 0.02)
    np.savez(tmp_path / "film.npz", keypoints=raw, fps=30)
    assert "coco_17" in read_recording(tmp_path / "film.npz").understood["format"]
    rng = np.random.default_rng(0)
    for _ in range(10):
        np.savez(tmp_path / "shuffled.npz", keypoints=raw[:, rng.permutation(17)], fps=30)
        with pytest.raises(FileFormatError):
            read_recording(tmp_path / "shuffled.npz")
        with pytest.raises(FileFormatError):
            read_recording(tmp_path / "shuffled.npz", SourceOptions(joint_names="coco_17"))


def test_limbs_that_breathe_get_their_usual_length_back(tmp_path: Path) -> None:
    """A forearm seen a quarter too long in frame 5 gets its length back, nothing else moves, and the confidence falls to four fifths."""
    points = person()
    raw = in_body_order(points, "coco_17")
    elbow, wrist = (ORDERS["coco_17"].index(f"left_{name}") for name in ("elbow", "wrist"))
    raw[5, wrist] = raw[5, elbow] + 1.25 * (raw[5, wrist] - raw[5, elbow])
    np.savez(tmp_path / "film.npz", keypoints=raw, fps=30)
    reading = read_recording(tmp_path / "film.npz")
    others = np.arange(len(raw)) != 5
    np.testing.assert_allclose(reading.motion.point("left_wrist")[others], points["left_wrist"][others], atol=1e-9)
    np.testing.assert_allclose(reading.motion.point("left_shoulder"), points["left_shoulder"], atol=1e-9)
    for near, far in (("left_elbow", "left_wrist"), ("left_shoulder", "left_elbow")):
        length = [np.linalg.norm(place(far)[5] - place(near)[5]) for place in (reading.motion.point, points.__getitem__)]
        assert length[0] == pytest.approx(length[1], abs=1e-4)
    strayed = np.linalg.norm(raw[5, wrist] - points["left_wrist"][5])
    assert np.linalg.norm(reading.motion.point("left_wrist")[5] - points["left_wrist"][5]) < 0.8 * strayed
    assert reading.motion.confidence[4:7, reading.motion.landmarks.index("left_wrist")] == pytest.approx([1, 0.8, 1])
    assert reading.understood["bones"] == "limbs set to their usual length; they were off by 0% at most in 95% of the frames"
    raw[5, wrist] = raw[5, elbow] + 3 * (raw[5, wrist] - raw[5, elbow])
    np.savez(tmp_path / "film.npz", keypoints=raw, fps=30)
    wild = read_recording(tmp_path / "film.npz").motion
    # That far off is no breathing: left for the inspection to find, and hardly believed.
    np.testing.assert_allclose(wild.point("left_wrist")[5], raw[5, wrist], atol=1e-9)
    assert wild.confidence[5, wild.landmarks.index("left_wrist")] == pytest.approx(1 / 3.75)


def test_steady_limbs_do_not_pile_up_errors(tmp_path: Path) -> None:
    """Joints that shake by 3 cm each: ends of limbs are no farther from where they were than before."""
    points = person(200)
    raw = in_body_order(points, "coco_17")
    np.savez(tmp_path / "film.npz", keypoints=raw + np.random.default_rng(1).normal(0, 0.03, raw.shape), fps=30)
    with np.load(tmp_path / "film.npz") as film:
        seen = film["keypoints"]
    motion = read_recording(tmp_path / "film.npz").motion
    ends = ("left_wrist", "right_wrist", "left_ankle", "right_ankle")
    before = [np.linalg.norm(seen[:, ORDERS["coco_17"].index(name)] - points[name], axis=-1) for name in ends]
    after = [np.linalg.norm(motion.point(name) - points[name], axis=-1) for name in ends]
    assert np.mean(after) < np.mean(before)


def test_a_mirrored_body_without_toes_is_refused_by_its_knees(tmp_path: Path) -> None:
    raw = in_body_order(person(), "coco_17") * [1, -1, 1]
    np.savez(tmp_path / "mirrored.npz", keypoints=raw, fps=30)
    with pytest.raises(FileFormatError, match="left and right are exchanged"):
        read_recording(tmp_path / "mirrored.npz", SourceOptions(joint_names="coco_17"))


def test_pixels_and_image_landmarks_are_refused(tmp_path: Path) -> None:
    flat = y_down(in_body_order(person(), "coco_wholebody_133"))
    pixels = np.stack([400 * flat[..., 0] + 500, 400 * flat[..., 1] + 800, np.full(flat.shape[:2], 0.8)], axis=-1)
    np.savez(tmp_path / "pixels.npz", keypoints=pixels, fps=30)
    with pytest.raises(FileFormatError, match=r"third column \(0.8 to 0.8\) is no depth.*3D estimator"):
        read_recording(tmp_path / "pixels.npz")
    raw = y_down(in_body_order(person(), "mediapipe_33"))
    image = np.stack([0.3 + 0.2 * raw[..., 0], 0.9 + 0.4 * raw[..., 1], 0.2 * (raw[..., 2] - 0.0)], axis=-1)
    np.savez(tmp_path / "image.npz", pose=image, fps=30)
    for options in (SourceOptions(), SourceOptions(joint_names="mediapipe_33")):
        with pytest.raises(FileFormatError, match=r"between 0 and 1 everywhere.*pose_world_landmarks"):
            read_recording(tmp_path / "image.npz", options)


def holistic(points: dict[str, Array]) -> dict[str, Array]:
    """World landmarks of a body around its hips, and of each hand around itself."""
    body = y_down(in_body_order(points, "mediapipe_33"))
    arrays = {"pose_world_landmarks": body - (body[:, [23]] + body[:, [24]]) / 2}
    for side in ("left", "right"):
        joints = {name.removeprefix(f"{side}_"): track for name, track in points.items() if name.startswith(side)}
        hand = y_down(in_order(joints, HAND_ORDERS["mediapipe_21"]))
        arrays[f"{side}_hand_world_landmarks"] = hand - hand.mean(1, keepdims=True)
    return arrays


def test_a_body_with_its_hands_puts_them_together(tmp_path: Path) -> None:
    points = person()
    np.savez(tmp_path / "holistic.npz", fps=30, **holistic(points))
    motion = read_recording(tmp_path / "holistic.npz").motion
    hips = (points["left_hip"] + points["right_hip"]) / 2
    for name in ("left_wrist", "left_index_tip", "right_thumb_mcp", "right_knee"):
        np.testing.assert_allclose(motion.point(name), points[name] - hips, atol=1e-9, err_msg=name)
    understood = read_recording(tmp_path / "holistic.npz").understood
    assert understood["path"].startswith("hips at the origin in every frame")
    assert understood["left hand set"].startswith("to the body's wrist")


def test_frames_as_mediapipes_results_are_dumped(tmp_path: Path) -> None:
    """A list of frames, of each a list of people, of each a list of x, y, z and visibility; in one frame nobody is seen."""
    body = holistic(person())["pose_world_landmarks"]
    frames = []
    for k, frame in enumerate(body):
        people = [[{"x": x, "y": y, "z": z, "visibility": 0.8, "presence": 0.9} for x, y, z in frame.tolist()]]
        frames.append({"timestamp_ms": 40 * k, "pose_world_landmarks": people if k != 4 else []})
    (tmp_path / "film.json").write_text(json.dumps({"frames": frames}))
    assert source_for(tmp_path / "film.json").name == "positions"
    motion = read_recording(tmp_path / "film.json").motion
    assert motion.rate_hz == pytest.approx(25)
    assert "mediapipe_33" in read_recording(tmp_path / "film.json").understood["format"]
    assert np.isnan(motion.point("left_knee")[4]).all()
    assert motion.confidence[5, motion.landmarks.index("left_knee")] == pytest.approx(0.8)


def test_joints_under_our_own_names_need_no_dialect(tmp_path: Path) -> None:
    points = {name: track for name, track in person(10).items() if not name.endswith(("eye", "ear")) and name != "nose"}
    table = {"fps": 20, "joint_names": list(points), "positions": np.stack(list(points.values()), axis=1).tolist()}
    (tmp_path / "body.json").write_text(json.dumps(table))
    motion = read_recording(tmp_path / "body.json").motion
    np.testing.assert_allclose(motion.point("right_ring_dip"), points["right_ring_dip"], atol=1e-9)
    assert motion.rate_hz == pytest.approx(20)


def test_two_people_in_one_file_are_asked_about(tmp_path: Path) -> None:
    raw = in_body_order(person(), "smpl_24")
    np.savez(tmp_path / "two.npz", someone=raw, another=raw, fps=30)
    with pytest.raises(FileFormatError, match=r"2 arrays look like joint positions.*source\.array="):
        read_recording(tmp_path / "two.npz")
    motion = read_recording(tmp_path / "two.npz", SourceOptions(array="another")).motion
    np.testing.assert_allclose(motion.point("neck"), person()["neck"], atol=1e-9)


def mmpose(path: Path, people: int = 1) -> Path:
    """Frames as MMPose writes its 3D predictions: instances with keypoints, scores and a box."""
    raw = y_down(in_body_order(person(), "coco_wholebody_133"))
    instance = [
        {"keypoints": frame.tolist(), "keypoint_scores": [0.9] * 133, "bbox": [[0, 0, 100, 200]], "bbox_score": 0.9} for frame in raw
    ]
    frames = [{"frame_id": k + 1, "instances": [one] * people} for k, one in enumerate(instance)]
    path.write_text(json.dumps({"meta_info": {"num_keypoints": 133}, "instance_info": frames}))
    return path


def test_predictions_of_a_whole_body(tmp_path: Path) -> None:
    reading = read_recording(mmpose(tmp_path / "film.json"), SourceOptions(rate_hz=30))
    assert "coco_wholebody_133" in reading.understood["format"]
    np.testing.assert_allclose(reading.motion.point("left_ring_tip"), person()["left_ring_tip"], atol=1e-9)
    with pytest.raises(FileFormatError, match="no frame rate"):
        read_recording(tmp_path / "film.json")


def test_one_of_two_people_in_a_film_is_named(tmp_path: Path) -> None:
    path = mmpose(tmp_path / "film.json", people=2)
    with pytest.raises(FileFormatError, match=r"several bodies.*instances/0/keypoints, instances/1/keypoints.*source\.array="):
        read_recording(path, SourceOptions(rate_hz=30))
    motion = read_recording(path, SourceOptions(rate_hz=30, array="instances/1/keypoints")).motion
    np.testing.assert_allclose(motion.point("right_hip"), person()["right_hip"], atol=1e-9)


def test_world_landmarks_count_where_image_landmarks_stand_beside_them(tmp_path: Path) -> None:
    world = holistic(person())["pose_world_landmarks"]
    image = np.stack([0.5 + 0.2 * world[..., 0], 0.5 + 0.4 * world[..., 1], 0.2 * world[..., 2]], axis=-1)
    np.savez(tmp_path / "film.npz", pose_landmarks=image, pose_world_landmarks=world, fps=30)
    frames = [{"pose_landmarks": a.tolist(), "pose_world_landmarks": b.tolist()} for a, b in zip(image, world, strict=True)]
    (tmp_path / "film.json").write_text(json.dumps({"fps": 30, "frames": frames}))
    for path in (tmp_path / "film.npz", tmp_path / "film.json"):
        reading = read_recording(path)
        assert "array 'pose_world_landmarks'" in reading.understood["format"]
        hips = (person()["left_hip"] + person()["right_hip"]) / 2
        np.testing.assert_allclose(reading.motion.point("right_ankle"), person()["right_ankle"] - hips, atol=1e-9)


def test_other_json_is_no_recording(data: Path) -> None:
    for name in ("joint_orders.json", "hands/manus_glove/manus_right_subject-000_run-010.json"):
        assert accepting(data / name) is None
    assert accepting(next((data / "robot_logs" / "bam_xl330").glob("*.json"))) is None


def test_an_upper_body_and_people_side_by_side(tmp_path: Path) -> None:
    raw = y_down(in_body_order(person(), "mediapipe_33"))
    upper = np.where(np.arange(33)[None, :, None] < 23, raw, np.nan)
    np.savez(tmp_path / "upper.npz", pose=upper[:, None], fps=30)  # one person among one
    reading = read_recording(tmp_path / "upper.npz")
    assert reading.understood["up"] == "-y (by the format)"
    np.testing.assert_allclose(reading.motion.point("left_wrist"), person()["left_wrist"], atol=1e-9)
    np.savez(tmp_path / "two.npz", pose=np.stack([raw, raw], axis=1), fps=30)
    with pytest.raises(FileFormatError, match=r"0 arrays look like joint positions \(T, J, 3\) of one person.*pose \(40, 2, 33, 3\)"):
        read_recording(tmp_path / "two.npz")
    np.savez(tmp_path / "flat.npz", pose=raw[..., :2], fps=30)
    with pytest.raises(FileFormatError, match=r"two columns are keypoints in an image.*pose \(40, 33, 2\)"):
        read_recording(tmp_path / "flat.npz")


def test_a_child_is_asked_for_the_unit_not_for_the_order(tmp_path: Path) -> None:
    raw = 0.6 * in_body_order(person(), "coco_17")
    np.savez(tmp_path / "child.npz", keypoints=raw, fps=30)
    with pytest.raises(FileFormatError, match=r"no usual unit.*source\.unit_m="):
        read_recording(tmp_path / "child.npz")
    motion = read_recording(tmp_path / "child.npz", SourceOptions(unit_m=1.0)).motion
    np.testing.assert_allclose(motion.point("left_wrist"), 0.6 * person()["left_wrist"], atol=1e-9)
