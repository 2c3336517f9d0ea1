"""Canvas: a model drawn into memory, without a screen. The one file that talks to MuJoCo's renderer."""

from __future__ import annotations

from types import TracebackType

import mujoco
import numpy as np

from envs.gl import RenderError, gl_context
from motion.transform import Array

_SHAPES_N = 4000


class Canvas:
    """Pictures of one model. Close it, or use it in a `with` block.

    Args:
        model: what is drawn.
        width, height: of the pictures, in pixels.
        shadows: whether lights cast them.

    Attributes:
        model: what is drawn.
        scene: its shapes as of the last `look`; more may be added to them.
        width, height: in pixels.

    Raises:
        RenderError: no OpenGL here.
    """

    def __init__(self, model: mujoco.MjModel, width: int, height: int, shadows: bool = False) -> None:
        self.model, self.width, self.height = model, width, height
        self.scene = mujoco.MjvScene(model, maxgeom=_SHAPES_N)
        self.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = shadows
        self.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
        self._option, self._rect = mujoco.MjvOption(), mujoco.MjrRect(0, 0, width, height)
        model.vis.global_.offwidth, model.vis.global_.offheight = width, height
        self._gl = gl_context(width, height)
        self._context: mujoco.MjrContext | None = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR

    def look(self, data: mujoco.MjData, camera: mujoco.MjvCamera, shown: mujoco.mjtCatBit = mujoco.mjtCatBit.mjCAT_ALL) -> None:
        """Put the shapes of a state, seen by a camera, into `scene`.

        Raises:
            RenderError: it is closed.
        """
        if self._context is None:
            raise RenderError("the renderer is closed.")
        mujoco.mjv_updateScene(self.model, data, self._option, None, camera, shown, self.scene)

    def picture(self) -> np.ndarray:
        """`scene` as (height, width, 3), uint8."""
        self._draw()
        out = np.empty((self.height, self.width, 3), np.uint8)
        mujoco.mjr_readPixels(out, None, self._rect, self._context)
        return out[::-1].copy()

    def depth_m(self) -> Array:
        """(height, width) distance along the camera's axis; as far as is drawn where there is nothing."""
        self._draw()
        raw = np.empty((self.height, self.width), np.float32)
        mujoco.mjr_readPixels(None, raw, self._rect, self._context)
        near, far = (plane * self.model.stat.extent for plane in (self.model.vis.map.znear, self.model.vis.map.zfar))
        # The buffer holds near (far - z) / (z (far - near)): 1 at the near plane, 0 at the far one.
        return np.asarray(near * far / (near + raw[::-1].astype(float) * (far - near)))

    def geoms(self) -> np.ndarray:
        """(height, width) id of the geom that is seen; -1 where there is none."""
        marks = [mujoco.mjtRndFlag.mjRND_SEGMENT, mujoco.mjtRndFlag.mjRND_IDCOLOR]
        for mark in marks:
            self.scene.flags[mark] = True
        colour = self.picture().astype(np.int64)
        for mark in marks:
            self.scene.flags[mark] = False
        shapes = self.scene.geoms[: self.scene.ngeom]
        owner = np.full(self.scene.ngeom + 1, -1)
        for shape in shapes:
            if shape.segid >= 0 and shape.objtype == mujoco.mjtObj.mjOBJ_GEOM:
                owner[shape.segid + 1] = shape.objid
        return np.asarray(owner[colour @ [1, 1 << 8, 1 << 16]])

    def _draw(self) -> None:
        if self._context is None:
            raise RenderError("the renderer is closed.")
        self._gl.make_current()
        mujoco.mjr_render(self._rect, self.scene, self._context)

    def close(self) -> None:
        """Give the OpenGL context back; twice does no harm."""
        if self._context is not None:
            self._gl.make_current()
            self._context.free()
            self._gl.free()
            self._context = None

    def __enter__(self) -> Canvas:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
