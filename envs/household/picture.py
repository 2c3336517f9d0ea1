"""Pictures of a household: robot, counter, things and beads of any episode of a chore. No screen is needed."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

import mujoco
import numpy as np

from envs.canvas import Canvas
from envs.household.appearance import Guise
from envs.household.chore import Household
from envs.household.posed import Placement, PosedScene
from motion.errors import UnknownNameError
from motion.transform import Array, Transform, wxyz_from_matrix


class SceneRenderer:
    """Draws the scenes of one chore. Close it, or use it in a `with` block.

    Args:
        chore: a chore with things, for one robot.
        width, height: of the pictures, in pixels.
        cameras: some of `envs.household.viewpoints.CAMERAS`.
        fine: with shadows, smooth edges, round beads and detailed meshes, for print; many times slower.

    Attributes:
        parts: names of what `parts_seen` tells apart: "" (nothing, or floor), "robot", "counter", and all things.

    Raises:
        RenderError: no OpenGL here.
        RobotError: a head camera for a robot without a head.
        UnknownNameError: no such camera.
    """

    def __init__(
        self, chore: Household, width: int = 320, height: int = 240, cameras: Sequence[str] = ("head", "shelf"), fine: bool = False
    ) -> None:
        self.chore, self.posed = chore, PosedScene(chore, cameras, fine)
        self.cameras, self.parts = self.posed.cameras, self.posed.parts
        self._canvas = Canvas(self.posed.model, width, height, fine)

    def set_scene(self, scene: mujoco.MjModel, guise: Guise | None = None) -> None:
        """Draw this scene from now on, as it begins: a model of an episode, from `Household.setup` or from a simulation.

        With a guise cameras, light and colours are the guise's; `envs.household.guise.developed` does the rest of it.
        """
        self.posed.set_scene(scene, guise=guise)

    def set_episode(self, variant: str, seed: int) -> None:
        """Draw the scene of an episode from now on.

        Raises:
            UnknownNameError: no such variant.
        """
        setup = self.chore.setup(int(self.chore.variant_index([variant])[0]), seed)
        assert setup.scene is not None
        self.posed.set_scene(setup.scene, setup.facts["hinge_start"])

    def place(self, placement: Placement) -> None:
        """Put everything where it is; what is left of a simulation that broke down changes nothing."""
        self.posed.place(placement)

    def picture(self, camera: str) -> np.ndarray:
        """(height, width, 3), uint8, of what was placed.

        Raises:
            RenderError: the renderer is closed.
            UnknownNameError: a camera that it was not made with.
        """
        self._look(camera)
        return self._canvas.picture()

    def depth_m(self, camera: str) -> Array:
        """(height, width) distance along the camera's axis; some 100 m where there is nothing."""
        self._look(camera)
        return self._canvas.depth_m()

    def parts_seen(self, camera: str) -> np.ndarray:
        """(height, width) rows of `parts`: what each pixel belongs to."""
        self._look(camera)
        return np.asarray(self.posed.part_of[self._canvas.geoms()])

    def camera_pose(self, camera: str) -> Transform:
        """Where a camera is in the world: x right, y down, z into the scene, as in `motion.lens`."""
        self._check(camera)
        seen = self.posed.data.camera(camera)
        axes = seen.xmat.reshape(3, 3) * [1.0, -1.0, -1.0]
        return Transform(seen.xpos.copy(), wxyz_from_matrix(axes))

    def _check(self, camera: str) -> None:
        if camera not in self.cameras:
            raise UnknownNameError("camera", camera, self.cameras, "this renderer was made with")

    def _look(self, camera: str) -> None:
        self._check(camera)
        seen = mujoco.MjvCamera()
        seen.type, seen.fixedcamid = mujoco.mjtCamera.mjCAMERA_FIXED, self.posed.model.camera(camera).id
        self._canvas.look(self.posed.data, seen)

    def close(self) -> None:
        """Give the OpenGL context back; twice does no harm."""
        self._canvas.close()

    def __enter__(self) -> SceneRenderer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
