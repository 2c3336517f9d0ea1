"""The camera, and whole recordings."""

from __future__ import annotations

import numpy as np
import pytest

from motion.errors import UnknownNameError
from motion.human import HumanMotion
from motion.landmarks import BODY, HANDS, LANDMARKS
from motion.transform import Transform
from workers.camera import BORDER, Errors, Lens, back_project, centrality, frame_times, head_camera, look_at, observe, project
from workers.record import record, record_many

LENS = Lens(width_px=1920, height_px=1080, focal_px=960.0)
PERFECT = Errors(image_px=0, depth_share=0, drift_px=0, drift_share=0, lost_share=0, jitter=0, dropped=0)


def camera(frames: int = 1) -> Transform:
    """Two metres ahead at a height of one metre, looking back along -x."""
    return look_at(np.tile([2.0, 0.0, 1.0], (frames, 1)), np.tile([0.0, 0.0, 1.0], (frames, 1)))


def test_projection_by_hand_arithmetic() -> None:
    points = np.array([[[0.0, 0.0, 1.0], [0.0, 0.5, 1.0], [1.0, 0.0, 1.25]]])
    pixels, depth = project(points, camera(), LENS)
    assert depth[0] == pytest.approx([2.0, 2.0, 1.0])
    assert pixels[0, 0] == pytest.approx([960, 540])
    assert pixels[0, 1] == pytest.approx([960 + 960 * 0.5 / 2, 540])  # the person's left is at the right of the image
    assert pixels[0, 2] == pytest.approx([960, 540 - 960 * 0.25 / 1])  # up is up
    assert back_project(pixels, depth, camera(), LENS) == pytest.approx(points)


def test_outside_the_image_and_behind_the_camera_is_unseen() -> None:
    names = ("pelvis", "spine", "chest", "neck")
    points = np.array([[[0.0, 0.0, 1.0], [0.0, 2.1, 1.0], [3.0, 0.0, 1.0], [0.0, 0.0, 2.2]]])  # seen, too far left, behind, too high
    position, confidence = observe(np.zeros(1), points, camera(), LENS, PERFECT, np.random.default_rng(0), names)
    assert np.isnan(position[0, 1:]).all()
    assert (confidence[0, 1:] == 0).all()
    assert position[0, 0] == pytest.approx(points[0, 0])
    assert confidence[0, 0] > 0.8


def test_confidence_falls_toward_the_border() -> None:
    border_px = BORDER * LENS.height_px
    pixels = np.array([[960.0, 540.0], [border_px, 540.0], [border_px / 2, 540.0], [0.0, 540.0], [-1.0, 540.0], [np.nan, np.nan]])
    assert centrality(pixels, LENS) == pytest.approx([1.0, 1.0, 0.5, 0.0, np.nan, np.nan], nan_ok=True)


def still(frames: int, errors: Errors) -> tuple[np.ndarray, np.ndarray]:
    """Errors (T, L, 3) in px, px and share of depth, for a person who stands in the middle of the image."""
    points = np.tile(np.array([0.0, 0.0, 1.0]), (frames, len(LANDMARKS), 1))
    time_s = np.arange(frames) / 50
    position, confidence = observe(time_s, points, camera(frames), LENS, errors, np.random.default_rng(3))
    pixels, depth = project(position, camera(frames), LENS)
    return np.concatenate([pixels - [960, 540], (depth / 2.0 - 1.0)[..., None]], axis=-1), confidence


def test_noise_has_the_stated_size_and_fingers_share_their_hands() -> None:
    errors = Errors(image_px=1.5, depth_share=0.002, drift_px=0, drift_share=0, lost_share=0)
    shift, _ = still(400, errors)
    body, fingers = shift[:, : len(BODY)], shift[:, len(BODY) :]
    assert body[..., :2].std() == pytest.approx(1.5, rel=0.03)
    assert body[..., 2].std() == pytest.approx(0.002, rel=0.03)
    wrist = np.repeat(shift[:, [LANDMARKS.index("left_wrist"), LANDMARKS.index("right_wrist")]], len(HANDS) // 2, axis=1)
    assert (fingers - wrist)[..., :2].std() == pytest.approx(errors.finger_share * 1.5, rel=0.03)


def test_bias_drifts_slowly() -> None:
    errors = Errors(image_px=0, depth_share=0, drift_px=2.0, drift_share=0.003, drift_s=1.0, settle_s=0.2, lost_share=0)
    shift, _ = still(1500, errors)
    body = shift[:, : len(BODY), :2]
    assert body.std() == pytest.approx(2.0, rel=0.1)
    speed = np.diff(body, axis=0).std() * 50
    # Two first-order lags in a row move with a root-mean-square speed of sigma / sqrt(slow fast).
    assert speed == pytest.approx(2.0 / np.sqrt(1.0 * 0.2), rel=0.08)


def test_dropouts_come_in_bursts_and_take_whole_hands() -> None:
    _, confidence = still(3000, Errors(lost_share=0.06, lost_s=0.2))
    left = confidence[:, [LANDMARKS.index(name) for name in HANDS if name.startswith("left")]] == 0
    assert (left.all(1) == left.any(1)).all()
    lost = left[:, 0]
    bursts = (np.diff(lost.astype(int)) == 1).sum() + lost[0]
    assert 0.02 < lost.mean() < 0.12
    assert lost.sum() / bursts > 4  # frames per burst: 0.2 s is ten of them


def test_time_stamps_rise_are_irregular_and_miss_frames() -> None:
    errors = Errors(dropped=0.05)
    time_s = frame_times(10.0, 50.0, errors, np.random.default_rng(0))
    steps = np.diff(time_s) * 50
    assert (steps > 0).all()
    assert time_s[0] >= 0
    assert time_s[-1] <= 10.0
    assert np.median(steps) == pytest.approx(1.0, abs=0.02)
    assert 0.05 < steps[steps < 1.5].std() < 0.12
    assert 0.02 < (steps > 1.5).mean() < 0.09
    assert frame_times(1.0, 50.0, PERFECT, np.random.default_rng(0)) == pytest.approx(np.arange(51) / 50)


def test_head_camera_looks_ahead_and_down() -> None:
    upright = Transform(np.array([[0.0, 0.0, 1.5]]), np.array([[np.sqrt(0.5), np.sqrt(0.5), 0, 0]]))  # y up turned to z up
    pose = head_camera(upright, 0.24, np.random.default_rng(0))
    right, down, ahead = pose.rotation()[0].T
    assert right == pytest.approx([0, -1, 0], abs=1e-12)
    assert ahead[0] > 0.6
    assert ahead[2] < -0.5
    assert down[2] < 0
    assert pose.position_m[0, 0] > 0.05
    assert pose.position_m[0, 2] > 1.6


@pytest.mark.parametrize("view", ["shelf", "head"])
def test_recording_is_the_same_bit_for_bit_and_another_take_is_not(view: str) -> None:
    first, again, other = record("stir", 1, 0, view), record("stir", 1, 0, view), record("stir", 1, 1, view)
    for a, b in ((first.observed, again.observed), (first.truth, again.truth)):
        assert a.time_s.tobytes() == b.time_s.tobytes()
        assert a.position_m.tobytes() == b.position_m.tobytes()
        assert a.confidence.tobytes() == b.confidence.tobytes()
        assert a.labels == b.labels
    assert len(other.truth.time_s) != len(first.truth.time_s) or not np.array_equal(other.truth.position_m, first.truth.position_m)


def test_shelf_recording_sees_nearly_all_to_a_few_millimetres() -> None:
    recording = record("fold", 2, 0)
    seen, truth = recording.observed, recording.truth
    assert seen.landmarks == truth.landmarks == LANDMARKS
    assert (seen.time_s == truth.time_s).all()
    error_m = np.linalg.norm(seen.position_m - truth.position_m, axis=-1)
    assert np.isnan(error_m).mean() < 0.08
    assert 0.003 < np.nanmean(error_m) < 0.015
    assert np.nanmax(error_m) < 0.06
    assert ((seen.confidence > 0) == np.isfinite(seen.position_m).all(-1)).all()
    assert (truth.confidence == 1).all()
    assert np.isfinite(truth.position_m).all()


def test_head_recording_sees_the_hands_at_work_but_not_the_head() -> None:
    seen = record("wipe", 2, 0, "head").observed
    work = [label for label in seen.labels if label.verb == "wipe"]
    frames = (seen.time_s >= work[0].start_s) & (seen.time_s <= work[-1].end_s)
    hands = seen.confidence[frames][:, [LANDMARKS.index(name) for name in HANDS]]
    assert (hands > 0).mean() > 0.75
    assert seen.confidence[:, LANDMARKS.index("head")].max() == 0


def test_recording_says_what_it_is() -> None:
    seen = record("wipe", 4, 0).observed
    assert seen.provenance.consent == "not a person"
    assert seen.provenance.licence == "CC0-1.0"
    assert "simulated worker" in seen.provenance.source
    assert seen.subject.pseudonym == "worker_004"
    assert seen.provenance.config == {"chore": "wipe", "worker_seed": 4, "take_seed": 0, "view": "shelf"}


def test_unknown_chore_and_view_name_what_exists() -> None:
    with pytest.raises(UnknownNameError, match="wipe"):
        record("wip", 0)
    with pytest.raises(UnknownNameError, match="shelf"):
        record("wipe", 0, view="self")


def test_many_recordings_do_not_depend_on_the_number_of_processes(tmp_path) -> None:
    alone = record_many(["stir"], [0, 1], 1, tmp_path / "one", processes=1)
    spread = record_many(["stir"], [0, 1], 1, tmp_path / "two", processes=2)
    assert [path.name for path in alone] == [path.name for path in spread] == ["worker_000_stir_00.npz", "worker_001_stir_00.npz"]
    for a, b in zip(alone, spread, strict=True):
        for path, twin in ((a, b), (a.parent / "truth" / a.name, b.parent / "truth" / b.name)):
            first, second = HumanMotion.load(path), HumanMotion.load(twin)
            assert first.position_m.tobytes() == second.position_m.tobytes()
            assert first.labels == second.labels
