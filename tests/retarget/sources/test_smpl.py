"""The SMPL family: an average body by hand arithmetic, every way to name the arrays, the person's size, and real weights' layout."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from motion.errors import FileFormatError
from motion.landmarks import SIDES
from retarget.reading.skeleton import Skeleton
from retarget.reading.smpl_body import ORDERS, ROOT_M, STATURE_M, average_body
from retarget.sources.base import SourceOptions, read_recording, source_for

_FRAMES = 40


def moving(joints: int = 22) -> tuple[np.ndarray, np.ndarray]:
    """Rotation vectors (T, J, 3) and translation (T, 3), z up: a person turned upright who sways, walks and moves the fingers."""
    phase = np.linspace(0, 4 * np.pi, _FRAMES)[:, None]
    pose = np.zeros((_FRAMES, joints, 3))
    pose[:, 1:] = 0.15 * np.sin(phase + np.arange(joints - 1))[..., None] * np.random.default_rng(0).uniform(-1, 1, (joints - 1, 3))
    upright = Rotation.from_euler("x", 90, degrees=True)
    pose[:, 0] = (Rotation.from_euler("z", 0.3 * np.sin(phase)) * upright).as_rotvec()
    return pose, np.concatenate([0.2 * phase, 0 * phase, 1.2 + 0 * phase], axis=1)


def amass(path: Path, joints: int = 22, **extra: object) -> Path:
    pose, trans = moving(joints)
    arrays = {
        "poses": pose.reshape(_FRAMES, -1),
        "trans": trans,
        "mocap_framerate": 60.0,
        "betas": np.zeros(16),
        "gender": "female",
    } | extra
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})  # type: ignore[arg-type]
    return path


def test_at_rest_by_hand(tmp_path: Path) -> None:
    upright = np.array([np.pi / 2, 0, 0])  # y up becomes z up; z, the front, becomes -y
    pose = np.zeros((2, 24, 3))
    pose[:, 0] = upright
    trans = np.array([[0.0, 0, 1.2], [1, 2, 1.2]])
    path = amass(tmp_path / "a.npz", poses=pose.reshape(2, -1), trans=trans)
    reading = read_recording(path)
    pelvis = trans + ROOT_M  # the root's own place is not turned
    np.testing.assert_allclose(reading.motion.point("pelvis"), pelvis, atol=1e-12)
    np.testing.assert_allclose(reading.motion.point("left_hip"), pelvis + [0.065, 0.01, -0.09], atol=1e-12)
    np.testing.assert_allclose(reading.motion.point("right_hip"), pelvis + [-0.065, 0.01, -0.09], atol=1e-12)
    np.testing.assert_allclose(reading.motion.point("right_knee"), pelvis + [-0.065 - 0.04, 0.015, -0.09 - 0.38], atol=1e-12)
    crown = reading.motion.point("head_top")[0, 2] - reading.motion.point("left_toe")[0, 2]
    assert crown == pytest.approx(STATURE_M, abs=0.05)
    assert "no standing foot" in reading.understood["body"]
    span = reading.motion.point("left_wrist") - reading.motion.point("right_wrist")
    assert np.linalg.norm(span[0]) + 2 * 0.19 == pytest.approx(STATURE_M, abs=0.06)  # as long as the person is tall


def test_every_way_to_name_the_arrays_gives_the_same_motion(tmp_path: Path) -> None:
    pose, trans = moving(52)
    body, hands = pose[:, 1:22].reshape(_FRAMES, 63), pose[:, 22:].reshape(_FRAMES, 90)
    whole = read_recording(amass(tmp_path / "amass.npz", 52)).motion
    face = np.concatenate([pose[:, :22], np.zeros((_FRAMES, 3, 3)), pose[:, 22:]], axis=1)
    matrices = Rotation.from_rotvec(pose[:, 1:22].reshape(-1, 3)).as_matrix().reshape(_FRAMES, 21, 3, 3)
    turned = {"poses": None, "trans": None}
    variants: dict[str, dict[str, object]] = {
        "amass, cut into joints": {"poses": pose},
        "smpl-x": {"poses": face.reshape(_FRAMES, -1), "mocap_framerate": None, "mocap_frame_rate": 60, "surface_model_type": "smplx"},
        "smpl-x in parts": turned
        | {"trans": trans, "root_orient": pose[:, 0], "pose_body": body, "pose_hand": hands, "pose_jaw": np.zeros((_FRAMES, 3))},
        "a dump": turned
        | {"global_orient": pose[:, :1], "body_pose": body, "transl": trans[:, None], "left_hand_pose": hands[:, :45]}
        | {"right_hand_pose": hands[:, 45:]},
        "a dump of matrices": turned
        | {"global_orient": Rotation.from_rotvec(pose[:, 0]).as_matrix()[:, None], "body_pose": matrices, "transl": trans}
        | {"left_hand_pose": hands[:, :45], "right_hand_pose": hands[:, 45:]},
    }
    for name, extra in variants.items():
        path = amass(tmp_path / "other.npz", **extra)  # type: ignore[arg-type]
        assert source_for(path).name == "smpl", name
        motion = read_recording(path).motion
        assert set(motion.landmarks) == set(whole.landmarks), name
        for landmark in whole.landmarks:
            np.testing.assert_allclose(motion.point(landmark), whole.point(landmark), atol=1e-7, err_msg=f"{name}, {landmark}")


def test_objects_beside_the_arrays_are_left_alone(tmp_path: Path) -> None:
    plain = read_recording(amass(tmp_path / "a.npz", 55)).motion
    reading = read_recording(amass(tmp_path / "b.npz", 55, markers_latent_vids=np.array({"LANK": 1}, dtype=object)))
    np.testing.assert_array_equal(reading.motion.position_m, plain.position_m)


def test_a_file_cut_off_is_one_clear_error(tmp_path: Path) -> None:
    path = amass(tmp_path / "a.npz")
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(FileFormatError, match="cannot be read as plain arrays"):
        read_recording(path, name="smpl")


def test_aist_scales_its_translation(tmp_path: Path) -> None:
    pose, trans = moving(24)
    to_y_up = Rotation.from_euler("x", -90, degrees=True)
    pose[:, 0] = (to_y_up * Rotation.from_rotvec(pose[:, 0])).as_rotvec()
    clip = {"smpl_poses": pose.reshape(_FRAMES, 72), "smpl_trans": 93.0 * to_y_up.apply(trans), "smpl_scaling": np.array([93.0])}
    (tmp_path / "gBR.pkl").write_bytes(pickle.dumps(clip))
    assert source_for(tmp_path / "gBR.pkl").name == "smpl"
    with pytest.raises(FileFormatError, match="60 for AIST"):
        read_recording(tmp_path / "gBR.pkl")
    reading = read_recording(tmp_path / "gBR.pkl", SourceOptions(rate_hz=60, height_m=STATURE_M))
    assert reading.understood["up"].startswith("y")
    np.testing.assert_allclose(np.diff(reading.motion.point("pelvis"), axis=0), np.diff(trans, axis=0), atol=1e-9)


def test_components_of_hands_are_left_out_and_said_to_be(tmp_path: Path) -> None:
    pose, trans = moving(22)
    parts = {"global_orient": pose[:, 0], "body_pose": pose[:, 1:].reshape(_FRAMES, 63), "transl": trans}
    hands = {"left_hand_pose": np.ones((_FRAMES, 12)), "right_hand_pose": np.ones((_FRAMES, 12))}
    extra: dict[str, object] = {"poses": None, "trans": None, **parts, **hands}
    reading = read_recording(amass(tmp_path / "a.npz", **extra))  # type: ignore[arg-type]
    assert "principal components" in reading.understood["hands"]
    assert not reading.motion.has("left_index_pip")
    assert reading.motion.has("left_index_mcp", "right_pinky_mcp")  # knuckles turn with the wrist


def test_fingers_close_to_the_palm(tmp_path: Path) -> None:
    pose, trans = moving(52)
    pose[:, 1:] = 0
    grip = np.linspace(0, 1, _FRAMES)
    for index, name in enumerate(ORDERS["SMPL-H"]):
        if "index" in name or "middle" in name or "ring" in name or "pinky" in name:
            pose[:, index, 2] = grip * (-1 if name.startswith("left") else 1)  # about the front-facing axis, palms down
    motion = read_recording(amass(tmp_path / "a.npz", poses=pose.reshape(_FRAMES, -1), trans=trans)).motion
    for side in SIDES:
        tip, mcp = motion.point(f"{side}_middle_tip"), motion.point(f"{side}_middle_mcp")
        assert tip[-1, 2] < mcp[-1, 2] - 0.03  # arms to the sides, palms down: fingers close downward
        assert abs(tip[0, 2] - mcp[0, 2]) < 0.005
        thumb = motion.point(f"{side}_thumb_tip") - motion.point(f"{side}_wrist")
        assert thumb[0, 1] < -0.04  # the thumbs are in front, which is -y here


def test_a_hand_that_holds_one_pose_was_not_recorded(tmp_path: Path) -> None:
    pose, _ = moving(52)
    pose[:, 22:37] = 0.2
    reading = read_recording(amass(tmp_path / "a.npz", poses=pose.reshape(_FRAMES, -1)))
    assert not reading.motion.has("left_index_tip")
    assert reading.motion.has("right_index_tip")
    assert reading.understood["fingers"] == "of the right hand"


def test_recordings_of_people(data: Path) -> None:
    files = sorted((data / "reference/asap_smpl_to_g1/human_smpl").glob("*.npz"))
    assert len(files) >= 10
    for path in files:
        assert source_for(path).name == "smpl"
        reading = read_recording(path)
        motion = reading.motion
        assert reading.understood["up"] == "z (detected)", path.stem
        assert reading.understood["sides"] == "left is left in 100% of the frames", path.stem
        assert motion.rate_hz == pytest.approx(30)
        balls = np.minimum(motion.point("left_toe")[:, 2], motion.point("right_toe")[:, 2])
        assert 0.0 < np.median(balls) < 0.1, path.stem
        assert 1.45 < np.percentile(motion.point("head_top")[:, 2] - balls, 90) < 1.8, path.stem
        assert set(motion.segments) >= {"pelvis", "left_foot", "right_hand"}


@pytest.mark.parametrize("size", [0.85, 1.0, 1.15])
def test_the_persons_size_is_found_by_feet_that_stand(data: Path, tmp_path: Path, size: float) -> None:
    for name in ("walk_level1_filter", "CR7_level1_filter", "squat_level2_filter"):
        with np.load(data / f"reference/asap_smpl_to_g1/human_smpl/{name}.npz") as clip:
            arrays = {key: clip[key] for key in clip.files}
        np.savez(tmp_path / "a.npz", **arrays | {"trans": arrays["trans"] * size})
        reading = read_recording(tmp_path / "a.npz")
        thigh = np.linalg.norm(reading.motion.point("left_hip") - reading.motion.point("left_knee"), axis=-1)
        average = np.linalg.norm(average_body("SMPL").offset[ORDERS["SMPL"].index("left_knee")])
        np.testing.assert_allclose(thigh, size * average, rtol=0.02)
    stated = read_recording(tmp_path / "a.npz", SourceOptions(height_m=1.87))
    assert "stated 1.87 m" in stated.understood["body"]
    thigh = np.linalg.norm(stated.motion.point("left_hip") - stated.motion.point("left_knee"), axis=-1)
    np.testing.assert_allclose(thigh, 1.87 / STATURE_M * average)


def test_the_average_legs_are_those_on_which_standing_feet_do_not_slide(data: Path) -> None:
    """Where a foot stands, trans moves against the leg: sum of R_joint b over its four bones b. Least squares gives the bones."""
    names = ("left_hip", "left_knee", "left_ankle", "left_toe")
    body = average_body("SMPL")
    ours = np.array([body.offset[body.names.index(name)] for name in names])
    bones = np.array([[0.08, -0.05, 0], [0, -0.42, 0], [0, -0.42, 0], [0, -0.05, 0.15]])  # begun from an anatomy book's
    clips = []
    for path in sorted((data / "reference/asap_smpl_to_g1/human_smpl").glob("*.npz")):
        with np.load(path) as clip:
            pose = clip["poses"].reshape(-1, 24, 3).astype(float)
            turned = Rotation.from_rotvec(pose.reshape(-1, 3)).as_quat(scalar_first=True).reshape(len(pose), 24, 4)
            clips.append((body.poses(turned, clip["trans"].astype(float)).rotation(), clip["trans"].astype(float)))
    for _ in range(10):
        rows, wanted = [], []
        for rotation, trans in clips:
            for side, mirror in (("left", 1.0), ("right", -1.0)):
                joints = [body.names.index(n) for n in ("pelvis", *(name.replace("left", side) for name in names[:3]))]
                turn = np.concatenate([rotation[:, joint] * [mirror, 1, 1] for joint in joints], axis=2)
                moved = np.diff(trans + turn @ bones.ravel(), axis=0) * 30
                still = np.linalg.norm(moved, axis=-1) < 0.15
                rows.append(np.diff(turn, axis=0)[still].reshape(-1, 12))
                wanted.append(-np.diff(trans, axis=0)[still].ravel())
        bones = np.linalg.lstsq(np.concatenate(rows), np.concatenate(wanted), rcond=None)[0].reshape(4, 3)
    np.testing.assert_allclose(ours, bones, atol=0.006)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"mocap_framerate": None}, r"no frame rate.*source\.rate_hz"),
        ({"mocap_framerate": 0.0}, "mocap_framerate is 0"),
        ({"trans": np.zeros((7, 3))}, r"40 frames of poses, but a translation \(7, 3\)"),
        ({"trans": np.full((_FRAMES, 3), np.nan)}, "no numbers"),
        ({"poses": np.zeros((_FRAMES, 69))}, "turns 23 joints; known are 22"),
        ({"poses": np.zeros((_FRAMES, 70))}, "three numbers per joint"),
        ({"poses": np.full((_FRAMES, 72), 90.0)}, "rotation vectors in radians"),
        ({"poses": np.zeros((0, 72)), "trans": np.zeros((0, 3))}, "no frames"),
        ({"trans": None}, "no source reads this file"),
    ],
)
def test_broken_files_are_one_clear_error(tmp_path: Path, extra: dict[str, object], message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        read_recording(amass(tmp_path / "a.npz", **extra))  # type: ignore[arg-type]


def weights(path: Path, member: str, seed: int = 0) -> Skeleton:
    """A file of weights laid out as the family's, and the skeleton that it means at betas of (1, -2): random, of no person."""
    rng, body = np.random.default_rng(seed), average_body(member)
    joints = np.zeros((len(body.names), 3))
    for index, parent in enumerate(body.parents):
        joints[index] = body.offset[index] + (joints[parent] if parent >= 0 else 0)
    vertices = np.concatenate([joints + rng.normal(0, 0.01, joints.shape), rng.normal(size=(9, 3))])
    directions = rng.normal(0, 0.003, (len(vertices), 3, 10))
    regressor = np.eye(len(joints), len(vertices))
    regressor[0, [0, 1]] = 0.5  # the pelvis: halfway between two vertices
    path.parent.mkdir(exist_ok=True)
    np.savez(path, v_template=vertices, shapedirs=directions, J_regressor=regressor, f=np.zeros((3, 3), int))
    shaped = vertices + directions[..., 0] - 2 * directions[..., 1]
    placed = np.concatenate([[(shaped[0] + shaped[1]) / 2], shaped[1 : len(joints)]])
    offset = np.array([placed[k] - placed[p] if p >= 0 else placed[k] for k, p in enumerate(body.parents)])
    return Skeleton(body.names, body.parents, offset)


def test_real_weights_give_the_shapes_own_bones(tmp_path: Path) -> None:
    weights(tmp_path / "models" / "SMPLH_MALE.npz", "SMPL-H", seed=1)
    weights(tmp_path / "models" / "SMPL_FEMALE.npz", "SMPL")
    female = weights(tmp_path / "models" / "SMPLH_FEMALE.npz", "SMPL-H")
    pose, trans = moving(52)
    path = amass(tmp_path / "a.npz", 52, betas=np.array([1.0, -2.0]))
    reading = read_recording(path, SourceOptions(model_folder=str(tmp_path / "models")))
    assert "SMPLH_FEMALE.npz" in reading.understood["body"]
    turned = Rotation.from_rotvec(pose.reshape(-1, 3)).as_quat(scalar_first=True).reshape(_FRAMES, 52, 4)
    expected = female.poses(turned, trans + female.offset[0])
    for name in ("pelvis", "left_wrist", "right_toe", "left_index_dip"):
        np.testing.assert_allclose(reading.motion.point(name), expected.position_m[:, female.names.index(name)], atol=1e-9)
    assert [parent.name for parent in reading.motion.provenance.parents] == ["a.npz", "SMPLH_FEMALE.npz"]


def test_weights_that_are_not_there_are_asked_for(tmp_path: Path) -> None:
    weights(tmp_path / "models" / "SMPL_FEMALE.npz", "SMPL")
    path = amass(tmp_path / "a.npz", 52)
    with pytest.raises(FileFormatError, match=r"no weights of SMPL-H \(52 joints, female\).*SMPL_FEMALE\.npz \(24 joints\)"):
        read_recording(path, SourceOptions(model_folder=str(tmp_path / "models")))
    with pytest.raises(FileFormatError, match=r"source\.model_folder=.*no such folder"):
        read_recording(path, SourceOptions(model_folder=str(tmp_path / "none")))
