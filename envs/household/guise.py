"""A guise put on: cameras, light and colours written into a model that is drawn, and pictures changed as a camera changes them."""

from __future__ import annotations

import zlib

import mujoco
import numpy as np
from scipy.ndimage import gaussian_filter

from envs.household.appearance import DISPLAY_GAMMA, Guise
from motion.transform import Array, quaternion_product, rotate, so3_exp

_FIELDS = ("cam_pos", "cam_quat", "cam_fovy", "light_dir0", "light_ambient", "light_diffuse", "light_specular", "geom_rgba", "flex_rgba")
_SHINE = ("ambient", "diffuse", "specular")
_CAMERA_AXES = np.array([1.0, -1.0, -1.0])
"""MuJoCo's cameras have y up and look along -z."""
_FULL = 255.0


class Plain:
    """How a model looks as it was made. `restore` undoes what `dress` did.

    Args:
        model: that is drawn.
    """

    def __init__(self, model: mujoco.MjModel) -> None:
        self._model = model
        self._kept = {name: getattr(model, name).copy() for name in _FIELDS}
        self._lamp = {name: getattr(model.vis.headlight, name).copy() for name in _SHINE}

    def restore(self) -> None:
        """Write it back."""
        for name, values in self._kept.items():
            getattr(self._model, name)[:] = values
        for name, values in self._lamp.items():
            getattr(self._model.vis.headlight, name)[:] = values


def dress(model: mujoco.MjModel, guise: Guise, geom_part: np.ndarray, flex_part: np.ndarray) -> None:
    """Write a guise into a plain model.

    Args:
        model: that is drawn.
        guise: P parts.
        geom_part, flex_part: (G,), (F,) rows of the guise's parts; -1 for what keeps its colour.
    """
    for camera in range(model.ncam):
        _move(model, camera, guise)
    for name in _SHINE:
        for shine in (getattr(model, f"light_{name}"), getattr(model.vis.headlight, name)):
            shine[:] = shine * guise.light
    for light in range(model.nlight):  # the lamp keeps beside the robot, and its direction in the world
        model.light_dir0[light] = _turned(model.light_dir0[light], guise.light_turned_rad)
    for colours, part in ((model.geom_rgba, geom_part), (model.flex_rgba, flex_part)):
        own = part >= 0
        colours[own, :3] = recoloured(colours[own, :3], guise.hue_rad[part[own]], guise.shade[part[own]])


def _move(model: mujoco.MjModel, camera: int, guise: Guise) -> None:
    name, wxyz = model.camera(camera).name, model.cam_quat[camera].copy()
    model.cam_pos[camera] += rotate(wxyz, guise.moved_m[name] * _CAMERA_AXES)
    model.cam_quat[camera] = quaternion_product(wxyz, so3_exp(guise.turned_rad[name] * _CAMERA_AXES))
    half = np.tan(np.radians(model.cam_fovy[camera]) / 2)
    model.cam_fovy[camera] = np.degrees(2 * np.arctan(guise.view * half))


def _turned(direction: Array, turn_rad: Array) -> Array:
    """A direction turned by the angle |turn_rad|, all of it: about the axis' part that stands upright on the direction."""
    angle = float(np.linalg.norm(turn_rad))
    unit = direction / np.linalg.norm(direction)
    upright = turn_rad - unit * (unit @ turn_rad)
    length = float(np.linalg.norm(upright))
    return direction if length < 1e-12 else rotate(so3_exp(upright * (angle / length)), direction)


def recoloured(rgb: Array, hue_rad: Array, shade: Array) -> Array:
    """Colours (N, 3) of 0..1, turned (N,) around the axis of greys and made brighter (N,) times, as far as there is room for it."""
    axis = np.full(3, 1 / np.sqrt(3))
    turned = rotate(so3_exp(hue_rad[:, None] * axis), np.asarray(rgb, float))
    return brighter(np.clip(turned, 0.0, 1.0), shade[:, None])


def brighter(level: Array, times: Array | float) -> Array:
    """Levels of 0..1 so many times brighter where they are dark, and never beyond 1: what saturates as film does, by 1 - exp(-light)."""
    return np.asarray(1.0 - (1.0 - level) ** times)


def developed(picture: np.ndarray, guise: Guise, camera: str, step: int) -> np.ndarray:
    """A picture (height, width, 3), uint8, as the guise's camera takes it: blurred, exposed, with its tone curve and noise.

    Args:
        picture: as it was drawn.
        guise: of the episode.
        camera: that took it; each has noise of its own.
        step: when; the same moment gives the same picture.
    """
    if guise.blur == guise.noise == 0 and guise.exposure == guise.gamma == 1:
        return picture
    light = (picture / _FULL) ** DISPLAY_GAMMA
    if guise.blur:
        sigma = guise.blur * len(picture)
        light = gaussian_filter(light, (sigma, sigma, 0.0), mode="nearest")
    shown = brighter(np.clip(light, 0.0, 1.0), guise.exposure) ** (guise.gamma / DISPLAY_GAMMA)
    if guise.noise:
        rng = np.random.default_rng([guise.noise_seed, zlib.crc32(camera.encode()), step])
        shown = shown + guise.noise * rng.standard_normal(shown.shape)
    return np.asarray(np.rint(np.clip(shown, 0.0, 1.0) * _FULL), np.uint8)
