"""Things marked by hand in pictures: places come back that pictures were made of; and the worked example, on the real film."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError, UnderstudyError
from motion.handling import COUNTER
from motion.human import HumanMotion
from motion.transform import Transform, rotate, so3_exp, wxyz_from_matrix
from retarget.handling.recorded import handling_of
from retarget.video.annotated import annotate_file, annotated, main
from retarget.video.cameras.lenses import named_camera
from retarget.video.convert import convert
from retarget.video.settings import FilmOptions, FilmSettings, SubjectSettings

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "annotated_cup" / "annotation.json"
SIZE_PX = (1920, 1080)
CAMERA = named_camera("egodex", *SIZE_PX)
EYE_M = np.array([0.0, 0.0, 1.5])
CUP_M, HEIGHT_M = np.array([[0.5, 0.05, 1.1], [0.45, -0.1, 1.2], [0.5, -0.1, 1.1]]), 0.12
STILL_M = np.array([0.9, -0.2, 1.1])
FRAMES = (0, 10, 20)


def looking(down_rad: float) -> np.ndarray:
    """(4,) camera to world: ahead along x, turned down; the camera's x is to the right, its y down."""
    level = wxyz_from_matrix(np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]))
    pitch = Transform(np.zeros(3), so3_exp(np.array([0.0, down_rad, 0.0])))
    return (pitch @ Transform(np.zeros(3), level)).wxyz


def film(downs_rad: np.ndarray) -> tuple[HumanMotion, dict]:
    """What a film says that believes its camera stood still, though it turned, and what somebody marked in it."""
    true = Transform(np.tile(EYE_M, (len(downs_rad), 1)), np.array([looking(down) for down in downs_rad]))
    believed = Transform(true.position_m, np.tile(looking(downs_rad[0]), (len(downs_rad), 1)))
    knuckle = np.tile([0.5, 0.1, 1.15], (len(downs_rad), 1))[:, None]
    seen = believed.apply(true.inverse().apply(knuckle[:, 0]))[:, None]
    signals = {"camera_position_m": believed.position_m, "camera_wxyz": believed.wxyz}
    motion = HumanMotion(np.arange(len(downs_rad)) / 30, ("left_middle_mcp",), seen, np.ones((len(downs_rad), 1)), signals=signals)

    def pixels(points_m: np.ndarray) -> dict[str, list[float]]:
        return {str(k): CAMERA.project(true[k].inverse().apply(point)).tolist() for k, point in zip(FRAMES, points_m, strict=True)}

    under, top = pixels(CUP_M), pixels(CUP_M + [0, 0, HEIGHT_M])
    marks = {frame: {"top_px": top[frame], "under_px": under[frame]} for frame in under}
    told = {"camera": "egodex", "size_px": SIZE_PX, "things": {"glass": {"height_m": HEIGHT_M, "frames": marks}}}
    told |= {"still_px": pixels(np.tile(STILL_M, (3, 1))), "counter": {"under": "glass", "frame": 0, "ahead_m": 0.2, "left_m": 0.1}}
    return motion, told | {"places": {"mark": {"under": "glass", "frame": 20}}}


def test_places_are_found_from_two_pixels() -> None:
    motion, told = film(np.full(25, 0.4))
    track = annotated(motion, told).objects["glass"]
    assert np.allclose(track.position_m[list(FRAMES)], CUP_M, atol=1e-6)
    assert np.allclose(track.position_m[5], CUP_M[:2].mean(0), atol=1e-6)  # halfway between two pictures
    assert np.isnan(track.position_m[21:]).all()  # nobody marked it there


def test_the_counter_lies_under_what_stands_on_it() -> None:
    done = annotated(*film(np.full(25, 0.4)))
    there = done.objects[COUNTER][0].inverse() @ done.objects["glass"][0]
    assert np.allclose(there.position_m, [0.2, 0.1, 0.0], atol=1e-6)
    assert done.objects["mark"].position_m[0] == pytest.approx([0.5, -0.1, 1.1], abs=1e-6)


def test_a_point_that_stands_still_takes_the_camera_s_turning_out() -> None:
    downs = np.interp(np.arange(25), FRAMES, [0.4, 0.5, 0.45])
    motion, told = film(downs)
    assert np.ptp(motion.position_m[:, 0, 2]) > 0.03  # as the film has it, a hand that rests rises and sinks
    done = annotated(motion, told)
    assert np.allclose(done.objects["glass"].position_m[list(FRAMES)], CUP_M, atol=2e-3)
    assert np.allclose(done.position_m[:, 0], [0.5, 0.1, 1.15], atol=5e-3)  # shortest turns leave a little roll
    assert np.allclose(rotate(done.signals["camera_wxyz"][10], [0, 0, 1.0]), rotate(looking(0.5), [0, 0, 1.0]), atol=5e-3)


def test_forces_are_those_that_were_said() -> None:
    motion, told = film(np.full(25, 0.4))
    done = annotated(motion, told | {"held": [{"side": "left", "start_s": 0.3, "end_s": 0.5, "force_n": 3.0}]})
    assert done.signals["left_grip_force_n"][[0, 12, 20]].tolist() == [0.0, 3.0, 0.0]
    assert not done.signals["right_grip_force_n"].any()


def test_a_motion_that_is_not_from_a_film_is_refused() -> None:
    motion, told = film(np.full(25, 0.4))
    with pytest.raises(FileFormatError, match="camera_position_m"):
        annotated(replace(motion, signals={}), told)


def test_an_annotation_that_lacks_a_part_is_refused(tmp_path: Path) -> None:
    motion, told = film(np.full(25, 0.4))
    motion.save(tmp_path / "motion.npz")
    (tmp_path / "told.json").write_text(json.dumps({key: value for key, value in told.items() if key != "things"}))
    with pytest.raises(FileFormatError, match="told.json"):
        annotate_file(tmp_path / "motion.npz", tmp_path / "told.json", tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()
    with pytest.raises(UnderstudyError, match="usage"):
        main([str(tmp_path / "motion.npz")])


def test_the_worked_example_is_understood(films: Path, models: Path, tmp_path: Path) -> None:
    """A left hand holds a cup while the right one takes its lid off. Sizes and distances are those of one eye: right to centimetres."""
    settings = FilmSettings(
        view="head", camera="egodex", models_dir=str(models), film=FilmOptions(tilt_deg=22.0), subject=SubjectSettings(hand_length_m=0.165)
    )
    convert(films / "egodex_sample" / "sample.mp4", tmp_path / "motion.npz", settings)
    assert main([str(tmp_path / "motion.npz"), str(EXAMPLE), f"output={tmp_path / 'annotated.npz'}"]) == 0
    motion = HumanMotion.load(tmp_path / "annotated.npz")
    assert motion.provenance.config["chore"] == "fragile_glass"
    handling = handling_of(motion).handling
    (hold,) = handling.holds
    assert (hold.side, hold.thing) == ("left", "glass")
    held = handling.during(hold)
    away = handling.hands["left"].T_counter_tool.position_m[held] - handling.things["glass"].position_m[held] - [0, 0, 0.05]
    assert np.median(np.linalg.norm(away, axis=-1)) < 0.08
