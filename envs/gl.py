"""Off-screen OpenGL: choosing between EGL and OSMesa, and saying what to install where there is neither."""

from __future__ import annotations

import ctypes.util
import os
from typing import Any, Protocol

from motion.errors import UnderstudyError, UnknownNameError

_LIBRARIES = {"egl": "EGL", "osmesa": "OSMesa"}
_HELP = (
    "Pictures need one of: EGL (Debian: apt install libegl1 libegl-mesa0 libgl1-mesa-dri libopengl0) "
    "or OSMesa (apt install libosmesa6); choose with MUJOCO_GL=egl or MUJOCO_GL=osmesa."
)


class RenderError(UnderstudyError):
    """No picture can be drawn on this machine."""


class GLContext(Protocol):
    """What MuJoCo's context classes have in common."""

    def make_current(self) -> None:
        """Draw into this context from now on."""
        ...

    def free(self) -> None:
        """Give it back."""
        ...


def gl_backend() -> str:
    """ "egl" or "osmesa": what MUJOCO_GL says, else the first whose library is installed.

    Raises:
        UnknownNameError: MUJOCO_GL names another.
        RenderError: neither is installed.
    """
    wanted = os.environ.get("MUJOCO_GL", "").lower()
    if wanted:
        if wanted not in _LIBRARIES:
            raise UnknownNameError("off-screen renderer", wanted, _LIBRARIES, "the environment variable MUJOCO_GL")
        return wanted
    for name, library in _LIBRARIES.items():
        if ctypes.util.find_library(library):
            return name
    raise RenderError(f"no OpenGL library for drawing without a screen was found. {_HELP}")


def gl_context(width: int, height: int) -> GLContext:
    """A current off-screen context of at least that size.

    Raises:
        RenderError: the library is there but gives no context.
    """
    backend = gl_backend()
    try:
        module: Any = __import__(f"mujoco.{backend}", fromlist=["GLContext"])
        context: GLContext = module.GLContext(width, height)
        context.make_current()
    except (ImportError, AttributeError, RuntimeError, OSError) as error:
        raise RenderError(f"{backend} gives no OpenGL context ({type(error).__name__}: {error}). {_HELP}") from error
    return context
