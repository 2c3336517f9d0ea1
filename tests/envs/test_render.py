"""Pictures: the robot is in them, the figure is in them, and what cannot be drawn is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from envs.actors import ReplayActor
from envs.chores.follow import Follow
from envs.episodes import Episode
from envs.figure import Figure
from envs.gl import RenderError, gl_backend
from envs.plants import PLANTS
from envs.render import RobotRenderer, View, frames_of_demonstration, frames_of_motion, write_video
from envs.rollout import rollout
from motion.errors import ShapeError, UnknownNameError
from motion.robot_motion import RobotMotion
from motion.transform import Array, Transform
from robots import load_robot
from robots.robot import Robot

SIZE = (160, 120)
PLAIN = View(shadows=False)
GREEN = (0.0, 1.0, 0.0, 1.0)


def standing(robot: Robot, x_m: float = 0.0) -> Transform:
    return Transform(np.array([x_m, 0, robot.base_height_m]), np.array([1.0, 0, 0, 0]))


def green(picture: np.ndarray) -> np.ndarray:
    red, other, blue = np.moveaxis(picture.astype(int), -1, 0)
    return (other > red + 60) & (other > blue + 60)


def robot_pixels(robot: Robot, posture: Array, pose: Transform) -> np.ndarray:
    """Where the picture differs from the same picture without the robot."""
    with RobotRenderer(robot, *SIZE, replace(PLAIN, distance_m=2.5)) as renderer:
        with_robot = renderer.draw(posture, pose).astype(int)
        marker = Figure(np.full((1, 1, 3), np.nan))
        without = renderer.draw(np.full_like(posture, np.nan), pose, [(marker, 0)]).astype(int)
    return np.abs(with_robot - without).max(-1) > 8


@pytest.mark.parametrize("name", ["g1_dex3", "icub", "allegro_right"])
def test_the_whole_robot_is_in_the_middle_of_the_picture(name: str) -> None:
    robot = load_robot(name)
    with RobotRenderer(robot, *SIZE, PLAIN) as renderer:
        picture = renderer.draw(robot.rest_rad, standing(robot, x_m=7.0))
    assert picture.shape == (120, 160, 3)
    assert picture.dtype == np.uint8
    rim = np.concatenate([picture[:2].reshape(-1, 3), picture[:, :2].reshape(-1, 3), picture[:, -2:].reshape(-1, 3)])
    assert rim.min() > 100, "something dark touches the rim"
    assert picture[30:90, 50:110].min() < 100, "nothing dark in the middle"


def test_a_robot_stands_upright_on_the_floor(g1: Robot) -> None:
    pixels = robot_pixels(g1, g1.rest_rad, standing(g1))
    rows, columns = np.nonzero(pixels)
    assert 300 < pixels.sum() < 5000
    assert np.ptp(rows) > 1.8 * np.ptp(columns)


def test_an_unsolved_frame_shows_no_robot(g1: Robot, swing: RobotMotion) -> None:
    joints, position, solved = swing.joint_position_rad.copy(), swing.T_world_base.position_m.copy(), swing.solved.copy()
    joints[:20], position[:20], solved[:20] = np.nan, np.nan, False
    holed = replace(swing, joint_position_rad=joints, T_world_base=Transform(position, swing.T_world_base.wxyz), solved=solved)
    frames = frames_of_motion(g1, holed, fps=4, size=SIZE, view=PLAIN)
    assert frames.shape == (7, 120, 160, 3)  # 1.5 s at 4 per second, both ends
    dark = (frames.max(-1) < 90).sum((1, 2))
    assert dark[0] == dark[1] == 0
    assert dark[4] > 20


def test_a_person_is_drawn_where_it_was_put(g1: Robot) -> None:
    points = np.array([[[0, 0, 0.2], [0, 0, 1.2], [np.nan, 0, 0]]])
    beside = Figure(points, bones=((0, 1), (1, 2)), radius_m=0.03, offset_m=(0.0, 0.9, 0.0), rgba=GREEN)
    over = replace(beside, offset_m=(0.3, 0.0, 0.0))
    with RobotRenderer(g1, *SIZE, replace(PLAIN, azimuth_deg=180.0)) as renderer:
        alone = renderer.draw(g1.rest_rad, standing(g1))
        pictures = [renderer.draw(g1.rest_rad, standing(g1), [(figure, 0)]) for figure in (beside, over)]
    assert not green(alone).any()
    columns = [np.nonzero(green(picture))[1].mean() for picture in pictures]
    assert columns[1] == pytest.approx(80, abs=6)  # in front of the robot: the middle
    assert columns[0] > 95  # its left is on the right of whoever looks it in the face


def test_episodes_are_drawn_as_they_were_simulated(follow: Follow) -> None:
    run = rollout(follow, ReplayActor(), [Episode("short", PLANTS["nominal"], 0)], threads=1)[0]
    frames = frames_of_demonstration(follow.model.robot, run, fps=5, size=SIZE, view=PLAIN)
    assert frames.shape == (4, 120, 160, 3)
    assert (frames[0] != frames[-1]).any()


def test_a_film_can_be_watched(tmp_path: Path) -> None:
    frames = np.zeros((10, 121, 161, 3), np.uint8)
    frames[5:, :, :, 0] = 200
    path = write_video(tmp_path / "deep" / "film.mp4", frames, fps=12.5)
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        pictures = [frame.to_ndarray(format="rgb24") for frame in film.decode(stream)]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert float(stream.average_rate or 0) == 12.5
    assert len(pictures) == 10
    assert pictures[0].shape == (120, 160, 3)
    assert pictures[9][..., 0].mean() > 150 > 50 > pictures[0][..., 0].mean()
    with pytest.raises(ShapeError, match="at least one"):
        write_video(tmp_path / "empty.mp4", [])


def test_figures_of_another_length_are_refused(g1: Robot, swing: RobotMotion) -> None:
    with pytest.raises(ShapeError, match="3 frames; the motion has 46"):
        frames_of_motion(g1, swing, figures=[Figure(np.zeros((3, 1, 3)))], size=SIZE)


def test_a_closed_renderer_says_so(g1: Robot) -> None:
    renderer = RobotRenderer(g1, *SIZE, PLAIN)
    renderer.close()
    renderer.close()
    with pytest.raises(RenderError, match="closed"):
        renderer.draw(g1.rest_rad, standing(g1))


def test_a_machine_without_opengl_gets_one_clear_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "metal")
    with pytest.raises(UnknownNameError, match="egl, osmesa"):
        gl_backend()
    monkeypatch.delenv("MUJOCO_GL")
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    with pytest.raises(RenderError, match="apt install libegl1"):
        gl_backend()
    monkeypatch.setattr("ctypes.util.find_library", lambda name: name if name == "OSMesa" else None)
    assert gl_backend() == "osmesa"


def test_a_film_keeps_its_distance(g1: Robot, swing: RobotMotion) -> None:
    """The floor's horizon and the robot's hips stay where they are while the arms rise."""
    frames = frames_of_motion(g1, swing, fps=4, size=SIZE, view=PLAIN).astype(int)
    assert np.abs(frames[:, :8] - frames[:1, :8]).max() <= 2, "the horizon moves"
    centre = [np.nonzero(frame.max(-1) < 90)[1].mean() for frame in frames]
    assert np.ptp(centre) < 6
