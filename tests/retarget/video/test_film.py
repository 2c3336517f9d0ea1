"""From films to motions in memory: parts without seams, the world that poses and gravity make, sides, and what is said of it all."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from motion.human import HumanMotion
from motion.landmarks import hand_landmarks
from motion.provenance import file_sha256
from motion.transform import Transform
from retarget.video.film import Clip, clip_spans, clips_of
from retarget.video.hands.steady import SteadySettings
from retarget.video.poses.base import PHONE_AXES
from retarget.video.privacy.guard import PERSONAL_DATA
from retarget.video.settings import FilmOptions, FilmSettings, SubjectSettings
from tests.retarget.video.short_films import BOTH_HANDS, ONE_HAND, film_of, pictures_of

SMALL_PX = 480
RAW = SteadySettings(wrist_hz=None)
Y_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
"""To ARKit's world, whose y is up, from ours."""
FLIP = np.diag([1.0, -1, -1])
"""From ARKit's camera axes (x right, y up, z back) to ours (x right, y down, z ahead), and back."""


def one_clip(path: Path, models: Path, **settings: object) -> Clip:
    """The only clip of a film."""
    (clip,) = clips_of(path, FilmSettings(models_dir=str(models), **settings))  # type: ignore[arg-type]
    return clip


def motion_of(clip: Clip) -> HumanMotion:
    assert clip.motion is not None, clip.quality.findings
    return clip.motion


def camera_of(motion: HumanMotion) -> Transform:
    return Transform(motion.signals["camera_position_m"], motion.signals["camera_wxyz"])


def before_camera(motion: HumanMotion, side: str = "right") -> np.ndarray:
    """(T, 21, 3) a hand in the camera's frame."""
    hand = np.stack([motion.point(name) for name in hand_landmarks(side)], axis=1)
    return np.asarray(camera_of(motion).inverse()[:, None].apply(hand))


@pytest.mark.parametrize(
    ("times", "clip_s", "bounds"),
    [
        (np.arange(11.0), 20, [(0, 11)]),  # shorter than a part
        (np.arange(11.0), 10, [(0, 11)]),  # exactly one
        (np.arange(12.0), 10, [(0, 6), (6, 12)]),  # 11 s in two parts of 5.5 s: the first picture at or after 5.5 s is number 6
        (100 + np.arange(31.0), 10, [(0, 10), (10, 20), (20, 31)]),  # any clock
        (np.array([0.0, 1, 2, 28, 29, 30]), 10, [(0, 3), (3, 6)]),  # no part without a picture
        (np.array([7.0]), 10, [(0, 1)]),
    ],
)
def test_parts_by_hand(times: np.ndarray, clip_s: float, bounds: list[tuple[int, int]]) -> None:
    assert [(span.start, span.stop) for span in clip_spans(times, clip_s)] == bounds


def head_poses(path: Path, time_s: np.ndarray) -> Transform:
    """A head that turns by 20 degrees, walks at 0.1 m/s and bends down by 0.4 m in the end, written as ARKit would; z up."""
    yaw = 0.35 * np.sin(time_s)
    ahead = np.stack([np.cos(yaw), np.sin(yaw), 0 * yaw], axis=-1)
    right = np.stack([np.sin(yaw), -np.cos(yaw), 0 * yaw], axis=-1)
    matrix = np.tile(np.eye(4), (len(time_s), 1, 1))
    matrix[:, :3, :3] = np.stack([right, np.broadcast_to([0.0, 0, -1], right.shape), ahead], axis=-1)
    late = np.clip((time_s / time_s[-1] - 0.5) / 0.3, 0, 1)
    matrix[:, :3, 3] = np.stack([0.1 * time_s, 0 * time_s, 1.6 - 0.4 * late], axis=-1)
    stored = matrix.copy()
    stored[:, :3, :3] = Y_UP @ matrix[:, :3, :3] @ FLIP
    stored[:, :3, 3] = matrix[:, :3, 3] @ Y_UP.T
    frames = [{"timestamp": 4711 + at, "transform": pose.T.tolist()} for at, pose in zip(time_s, stored, strict=True)]
    path.write_text(json.dumps({"frames": frames}))
    return Transform.from_matrix(matrix)


def test_parts_of_a_long_film_meet_without_a_seam(films: Path, models: Path, tmp_path: Path) -> None:
    path = film_of(tmp_path / "film.mp4", pictures_of(films / ONE_HAND, 124, SMALL_PX), rate_hz=12)
    head_poses(tmp_path / "arkit.json", np.arange(124) / 12)
    settings = FilmSettings(view="head", poses=str(tmp_path / "arkit.json"), models_dir=str(models))
    (whole,) = clips_of(path, settings)
    parts = list(clips_of(path, dataclasses.replace(settings, film=FilmOptions(clip_s=10))))
    assert [(part.index, part.clips_n) for part in parts] == [(0, 2), (1, 2)]
    assert whole.span_s == (parts[0].span_s[0], parts[1].span_s[1])
    assert parts[1].span_s[0] - parts[0].span_s[1] == pytest.approx(1 / 12, abs=2e-3)
    one, (first, second) = motion_of(whole), map(motion_of, parts)
    assert first.landmarks == second.landmarks == one.landmarks
    assert not any(name.startswith("left_wrist") for name in one.landmarks)
    assert first.time_s[0] == second.time_s[0] == 0
    joined = np.concatenate([first.position_m, second.position_m])
    assert len(joined) == 124
    np.testing.assert_array_equal(np.isnan(joined), np.isnan(one.position_m))
    assert np.nanmax(np.linalg.norm(joined - one.position_m, axis=-1)) < 2e-3
    np.testing.assert_allclose(camera_of(second).position_m, camera_of(one).position_m[len(first.time_s) :], atol=1e-9)


def test_hands_move_with_the_head_whose_poses_are_given(films: Path, models: Path, tmp_path: Path) -> None:
    pictures = pictures_of(films / BOTH_HANDS, 60, SMALL_PX)
    path = film_of(tmp_path / "film.mp4", pictures)
    head = head_poses(tmp_path / "arkit.json", np.arange(len(pictures)) / 30)
    still = motion_of(one_clip(path, models, view="head", camera="egodex", steady=RAW))
    clip = one_clip(path, models, view="head", camera="egodex", steady=RAW, poses=str(tmp_path / "arkit.json"))
    moved = motion_of(clip)
    assert clip.words["poses"] == "ARKit"
    camera = camera_of(moved)
    np.testing.assert_allclose(camera.rotation(), head.rotation(), atol=2e-3)
    np.testing.assert_allclose(camera.position_m - camera.position_m[0], head.position_m - head.position_m[0], atol=2e-3)
    assert np.percentile(camera.position_m[:, 2], 90) == pytest.approx(0.95 * 1.7, abs=1e-3)
    assert np.ptp(camera_of(still).position_m, axis=0).max() == 0
    for side in ("left", "right"):
        both = before_camera(moved, side), before_camera(still, side)
        assert np.isfinite(both[0]).mean() > 0.7
        np.testing.assert_allclose(*both, atol=1e-6, equal_nan=True)
        first, last = np.flatnonzero(np.isfinite(both[0][:, 0, 0]))[[0, -1]]
        walked, stayed = (motion.point(f"{side}_wrist")[last] - motion.point(f"{side}_wrist")[first] for motion in (moved, still))
        assert np.linalg.norm(walked - stayed) > 0.2


def test_gravity_of_the_phone_tilts_the_world(films: Path, models: Path, tmp_path: Path) -> None:
    path = film_of(tmp_path / "film.mp4", pictures_of(films / BOTH_HANDS, longest_px=SMALL_PX))
    down = np.array([0, np.cos(np.radians(50)), np.sin(np.radians(50))])
    rows = [f"{4711 + at / 100:.2f},{','.join(f'{value:.6f}' for value in 9.81 * PHONE_AXES.T @ down)},0,0,0" for at in range(66)]
    (tmp_path / "imu.csv").write_text("\n".join(["timestamp,a_x,a_y,a_z,alpha_x,alpha_y,alpha_z", *rows]) + "\n")
    felt = motion_of(one_clip(path, models, view="head", steady=RAW, poses=str(tmp_path / "imu.csv")))
    stated = motion_of(one_clip(path, models, view="head", steady=RAW, film=FilmOptions(tilt_deg=50)))
    usual = motion_of(one_clip(path, models, view="head", steady=RAW))
    for motion, tilt_deg in ((felt, 50), (stated, 50), (usual, 35)):
        looks = camera_of(motion).rotation()[:, :, 2]
        np.testing.assert_allclose(np.degrees(np.arcsin(-looks[:, 2])), tilt_deg, atol=0.01)
    np.testing.assert_allclose(felt.point("right_wrist"), stated.point("right_wrist"), atol=1e-4)
    rise_m = (usual.point("right_wrist") - felt.point("right_wrist"))[:, 2]
    assert np.isfinite(rise_m).mean() > 0.9  # a picture or two without the hand say nothing of the tilt
    assert np.nanmin(rise_m) > 0.02
    np.testing.assert_allclose(before_camera(felt), before_camera(usual), atol=1e-6)


def test_mirrored_films_show_the_same_hand(films: Path, models: Path, tmp_path: Path) -> None:
    pictures = pictures_of(films / ONE_HAND)
    straight = film_of(tmp_path / "straight.mp4", pictures)
    mirrored = film_of(tmp_path / "mirrored.mp4", [picture[:, ::-1] for picture in pictures])
    true, put_right, left_as_it_is = (
        motion_of(one_clip(path, models, view="hands", film=FilmOptions(mirrored=said)))
        for path, said in ((straight, False), (mirrored, True), (mirrored, False))
    )
    assert true.landmarks == put_right.landmarks == hand_landmarks("right")
    assert left_as_it_is.landmarks == hand_landmarks("left")
    off = np.linalg.norm(put_right.position_m - true.position_m, axis=-1)
    assert np.median(off) < 3e-3
    across = np.linalg.norm((left_as_it_is.position_m - true.position_m)[..., 1], axis=-1)
    assert np.median(across) > 0.03


@pytest.mark.parametrize("side", ["left", "right"])
def test_one_hand_is_wanted(side: str, films: Path, models: Path, tmp_path: Path) -> None:
    path = film_of(tmp_path / "film.mp4", pictures_of(films / BOTH_HANDS))
    clip = one_clip(path, models, view="head", film=FilmOptions(hands=side))
    assert set(clip.understood.tracks) == set(clip.understood.worker.hands) == {side}
    fingers = {name.partition("_")[0] for name in motion_of(clip).landmarks if "index" in name}
    assert fingers == {side}


def test_what_is_written_about_a_film(films: Path, models: Path, tmp_path: Path) -> None:
    path = film_of(tmp_path / "film.mp4", pictures_of(films / ONE_HAND))
    said = SubjectSettings(hand_length_m=0.185, pseudonym="worker 7", licence="CC BY 4.0", consent="form 12")
    clip = one_clip(path, models, view="hands", subject=said)
    motion = motion_of(clip)
    origin = motion.provenance
    assert (origin.licence, origin.consent, origin.source) == ("CC BY 4.0", "form 12", "film film.mp4")
    assert [(parent.name, parent.sha256) for parent in origin.parents] == [("film.mp4", file_sha256(path))]
    assert origin.config["privacy"] == PERSONAL_DATA
    assert origin.config["settings"]["subject"]["hand_length_m"] == 0.185
    assert origin.config["understood"]["hand length"] == clip.words["hand length"] == "185 mm, stated"
    assert origin.config["quality"] == {"verdict": clip.quality.verdict, "profile": "v1"}
    assert origin.tool.startswith("retarget.video ")
    assert motion.subject.pseudonym == "worker 7"


def test_nothing_stated_is_unstated_and_no_pixels_are_kept(films: Path, models: Path, tmp_path: Path) -> None:
    path = film_of(tmp_path / "film.mp4", pictures_of(films / ONE_HAND))
    (tmp_path / "camera.json").write_text(json.dumps({"width_px": 1280, "height_px": 720, "focal_px": [1000, 1000]}))
    motion = motion_of(one_clip(path, models, view="hands", camera=str(tmp_path / "camera.json")))
    assert (motion.provenance.licence, motion.provenance.consent) == ("unstated", "unstated")
    assert {parent.name for parent in motion.provenance.parents} == {"film.mp4", "camera.json"}
    motion.save(tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as stored:
        assert not [name for name in stored.files if stored[name].dtype == np.uint8]
        assert sum(stored[name].nbytes for name in stored.files if name != "header_json") < 20 * (21 * 4 + 30) * 8
    assert not {"image_px", "pictures"} & set(motion.signals)


def test_where_the_camera_is_lost_nothing_is_placed(films: Path, models: Path, tmp_path: Path) -> None:
    """30 s, the tracker lost from 7 to 23 s: the parts before and after are as good as ever, the one between is left out."""
    pictures = pictures_of(films / ONE_HAND, longest_px=SMALL_PX)
    path = film_of(tmp_path / "film.mp4", 2 * pictures, rate_hz=40 / 30)
    rows = [(at, 0, 0, 1.6, *((0, 0, 0, 0) if 7 < at < 23 else (0.5, -0.5, 0.5, -0.5))) for at in np.arange(0, 30.01, 0.1)]
    text = "\n".join(",".join(f"{value:.4f}" for value in row) for row in rows)
    (tmp_path / "poses.csv").write_text(f"time_s,x_m,y_m,z_m,qw,qx,qy,qz\n{text}\n")
    settings = FilmSettings(view="head", poses=str(tmp_path / "poses.csv"), models_dir=str(models), film=FilmOptions(clip_s=10))
    clips = list(clips_of(path, settings))
    assert [clip.motion is not None for clip in clips] == [True, False, True]
    assert clips[1].quality.verdict == "exclude"
    assert "nothing in it can be placed in the world" in clips[1].quality.findings[0].reason
    finger = motion_of(clips[0]).point("right_index_tip")
    known = motion_of(clips[0]).time_s <= 7
    assert np.isfinite(finger[known]).all()
    assert np.isnan(finger[~known]).all()
