"""Pictures and films of a robot's motion, with a person drawn beside or over it. No screen is needed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import mujoco
import numpy as np

from envs.canvas import Canvas
from envs.figure import Figure
from envs.gl import RenderError
from envs.planar import acting_robot
from envs.visual_spec import visual_spec
from motion.demonstration import Demonstration
from motion.errors import ShapeError, require
from motion.robot_motion import RobotMotion
from motion.transform import Array, Transform
from robots.robot import Robot


@dataclass(frozen=True)
class View:
    """Where the camera stands. It follows the base.

    Attributes:
        azimuth_deg: direction of looking in the world; 180 looks a robot that faces +x in the face, 150 shows its right
            side too.
        elevation_deg: negative looks down.
        distance_m: from the point looked at; None shows the whole robot and the figures, in all pictures of a film.
        shadows: whether the light casts them; twice the time.
    """

    azimuth_deg: float = 150.0
    elevation_deg: float = -12.0
    distance_m: float | None = None
    shadows: bool = True


@dataclass(frozen=True)
class Postures:
    """What is drawn, frame by frame: joints (T, J) and base poses (T,); NaN rows draw no robot."""

    joint_position_rad: Array
    T_world_base: Transform
    time_s: Array
    figures: tuple[Figure, ...] = field(default=())


Shot = tuple[Array, Transform, Sequence[tuple[Figure, int]]]


class RobotRenderer:
    """Draws postures of one robot. Close it, or use it in a `with` block.

    Args:
        robot: the robot.
        width, height: of the picture, in pixels.
        view: where the camera stands.

    Raises:
        RenderError: no OpenGL here.
    """

    def __init__(self, robot: Robot, width: int = 640, height: int = 480, view: View = View()) -> None:
        self.robot, self.view = robot, view
        self._model = visual_spec(robot).compile()
        self._data = mujoco.MjData(self._model)
        self._address = np.array([self._model.joint(name).qposadr[0] for name in robot.joint_names])
        self._camera = mujoco.MjvCamera()
        self._held_aim: tuple[Array, Array] | None = None
        self._canvas = Canvas(self._model, width, height, view.shadows)

    def draw(self, joint_position_rad: Array, T_world_base: Transform, figures: Sequence[tuple[Figure, int]] = ()) -> np.ndarray:
        """One picture (height, width, 3), uint8.

        Args:
            joint_position_rad: (J,); NaN draws no robot.
            T_world_base: one pose.
            figures: each with the frame of it to draw.
        """
        points = [figure.frame(index) for figure, index in figures]
        visible = self._pose(joint_position_rad, T_world_base)
        self._aim(*self._extent(points, visible))
        shown = mujoco.mjtCatBit.mjCAT_ALL if visible else mujoco.mjtCatBit.mjCAT_STATIC
        self._canvas.look(self._data, self._camera, shown)
        for (figure, _), position in zip(figures, points, strict=True):
            self._add(figure, position)
        return self._canvas.picture()

    def hold_aim(self, shots: Iterable[Shot]) -> None:
        """Choose one distance, and one place beside the base to look at, that suit all of a film's pictures.

        Args:
            shots: joints (J,), base pose and figures of each picture, as for `draw`.
        """
        extents = []
        for joints, pose, figures in shots:
            visible = self._pose(joints, pose)
            extents.append(self._extent([figure.frame(index) for figure, index in figures], visible))
        low, high = (np.array([extent[which] - extent[0] for extent in extents]) for which in (1, 2))
        middle = (low + high).mean(0) / 2
        self._held_aim = middle, np.maximum(high.max(0) - middle, middle - low.min(0))

    def _pose(self, joint_position_rad: Array, T_world_base: Transform) -> bool:
        """Put the robot there; False, and nothing done, for a frame without a pose."""
        if not (np.isfinite(joint_position_rad).all() and np.isfinite(T_world_base.position_m).all()):
            return False
        qpos = self._data.qpos
        qpos[:3], qpos[3:7] = T_world_base.position_m, T_world_base.wxyz
        qpos[self._address] = joint_position_rad
        for name, rule in self.robot.mimic.items():
            source = joint_position_rad[self.robot.joint_names.index(rule.of)]
            self._data.joint(name).qpos[0] = rule.multiplier * source + rule.offset
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        return True

    def _extent(self, points: Sequence[Array], robot_too: bool) -> tuple[Array, Array, Array]:
        """The base (or the middle of the figures), and the lowest and highest corner of everything drawn."""
        drawn = [points_m[np.isfinite(points_m).all(1)] for points_m in points]
        bodies = self._data.xpos[1:] if robot_too or not sum(map(len, drawn)) else np.zeros((0, 3))
        seen = np.concatenate([bodies, *drawn])
        low, high = seen.min(0), seen.max(0)
        return (self._data.qpos[:3].copy() if robot_too else (low + high) / 2), low, high

    def _aim(self, base: Array, low: Array, high: Array) -> None:
        """Look at the middle of everything drawn, from as far as it takes to see it whole."""
        middle, half = ((low + high) / 2 - base, (high - low) / 2) if self._held_aim is None else self._held_aim
        half = np.maximum(half, 0.08)
        self._camera.lookat[:] = base + middle
        wide, high_tan = float(np.linalg.norm(half[:2])), np.tan(np.radians(float(self._model.vis.global_.fovy)) / 2)
        wanted = wide + 1.15 * max(half[2] / high_tan, wide / (high_tan * self._canvas.width / self._canvas.height))
        self._camera.distance = self.view.distance_m or wanted
        self._camera.azimuth, self._camera.elevation = self.view.azimuth_deg, self.view.elevation_deg

    def _add(self, figure: Figure, position: Array) -> None:
        drawn = np.flatnonzero(np.isfinite(position).all(axis=1))
        for point in position[drawn]:
            self._shape(mujoco.mjtGeom.mjGEOM_SPHERE, figure, [1.5 * figure.radius_m, 0, 0], point)
        for a, b in figure.bones:
            if a in drawn and b in drawn:
                geom = self._shape(mujoco.mjtGeom.mjGEOM_CAPSULE, figure, [figure.radius_m, 0, 0], np.zeros(3))
                mujoco.mjv_connector(geom, mujoco.mjtGeom.mjGEOM_CAPSULE, figure.radius_m, position[a], position[b])

    def _shape(self, kind: mujoco.mjtGeom, figure: Figure, size: Sequence[float], position: Array) -> mujoco.MjvGeom:
        scene = self._canvas.scene
        require(scene.ngeom < scene.maxgeom, RenderError, f"more than {scene.maxgeom} shapes in one picture.")
        geom = scene.geoms[scene.ngeom]
        mujoco.mjv_initGeom(geom, kind, np.asarray(size, float), position, np.eye(3).ravel(), np.asarray(figure.rgba, np.float32))
        scene.ngeom += 1
        return geom

    def close(self) -> None:
        """Give the OpenGL context back; twice does no harm."""
        self._canvas.close()

    def __enter__(self) -> RobotRenderer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def frames_of_motion(
    robot: Robot,
    motion: RobotMotion,
    fps: float = 25.0,
    size: tuple[int, int] = (640, 480),
    view: View = View(),
    figures: Sequence[Figure] = (),
) -> np.ndarray:
    """Pictures (T, height, width, 3), uint8, of a motion at `fps`; unsolved frames show no robot.

    Args:
        robot: whose motion it is.
        motion: the motion.
        fps: pictures per second of motion.
        size: width and height, pixels.
        view: where the camera stands.
        figures: drawn with it; each has as many frames as the motion.
    """
    postures = Postures(motion.joint_position_rad, motion.T_world_base, motion.time_s, tuple(figures))
    return np.stack(list(_pictures(robot, postures, fps, size, view)))


def frames_of_demonstration(
    robot: Robot,
    episode: Demonstration,
    fps: float = 25.0,
    size: tuple[int, int] = (640, 480),
    view: View = View(),
    figures: Sequence[Figure] = (),
) -> np.ndarray:
    """Pictures (T, height, width, 3), uint8, of an episode as it was simulated; legs that it did not move stand as they were locked."""
    robot, signals = acting_robot(robot, episode.joint_names), episode.signals
    pose = Transform(signals["base_position_m"], signals["base_wxyz"])
    time = episode.period_s * np.arange(1, len(episode.actions) + 1)
    return np.stack(list(_pictures(robot, Postures(signals["joint_position_rad"], pose, time, tuple(figures)), fps, size, view)))


def _pictures(robot: Robot, postures: Postures, fps: float, size: tuple[int, int], view: View) -> Iterator[np.ndarray]:
    frames = len(postures.time_s)
    for figure in postures.figures:
        require(len(figure.position_m) == frames, ShapeError, f"a figure has {len(figure.position_m)} frames; the motion has {frames}.")
    moments = np.arange(postures.time_s[0], postures.time_s[-1] + 1e-9, 1 / fps)
    after = np.clip(np.searchsorted(postures.time_s, moments), 1, max(frames - 1, 1))
    nearer_before = moments - postures.time_s[after - 1] <= postures.time_s[np.minimum(after, frames - 1)] - moments
    nearest = np.where(nearer_before, after - 1, after)
    shots: list[Shot] = [
        (postures.joint_position_rad[index], postures.T_world_base[index], [(figure, int(index)) for figure in postures.figures])
        for index in nearest
    ]
    with RobotRenderer(robot, *size, view) as renderer:
        renderer.hold_aim(shots)
        for shot in shots:
            yield renderer.draw(*shot)


def write_video(path: Path, frames: Iterable[np.ndarray], fps: float = 25.0) -> Path:
    """Write an h264 film (yuv420p, which every player and browser shows), whole or not at all.

    Args:
        path: the .mp4 to write.
        frames: pictures (height, width, 3), uint8, all of one size; an odd last row or column is cut off.
        fps: pictures per second.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        _encode(partial, path, frames, fps)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _encode(partial: Path, path: Path, frames: Iterable[np.ndarray], fps: float) -> None:
    from fractions import Fraction

    import av

    with av.open(str(partial), "w") as container:
        stream = None
        for frame in frames:
            height, width = (side - side % 2 for side in frame.shape[:2])
            if stream is None:
                stream = container.add_stream("h264", rate=Fraction(fps).limit_denominator(1000))
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame[:height, :width]), format="rgb24")
            container.mux(stream.encode(picture))
        require(stream is not None, ShapeError, f"{path}: a film needs at least one picture.")
        assert stream is not None
        container.mux(stream.encode())
