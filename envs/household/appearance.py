"""How a scene looks other than in training: cameras, light, colours and the camera's picture. Nothing of it changes the physics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from envs.disturbance import stream
from envs.household.viewpoints import CAMERAS
from motion.errors import ShapeError, require
from motion.transform import Array

MOST: Mapping[str, float] = {
    "camera_moved_m": 0.5,
    "camera_turned_rad": np.pi / 2,
    "view_scaled": 3.0,
    "light_scaled": 9.0,
    "light_turned_rad": 1.0,
    "light_mired": 150.0,
    "hue_rad": np.pi,
    "shade_scaled": 9.0,
    "blur": 0.2,
    "exposure_stops": 6.0,
    "gamma_scaled": 3.0,
    "noise": 1.0,
}
"""Field -> the strongest that still means something: a lamp that is turned farther may shine from below. The order is that of the
random numbers: new ones come last."""
_DAYLIGHT_K = 6500.0
_RED_GREEN_BLUE_M = np.array([610e-9, 550e-9, 465e-9])
_PLANCK_MK = 1.4388e-2
"""Second radiation constant h c / k, m K."""
DISPLAY_GAMMA = 2.2
"""Pictures hold light to the power of 1 / 2.2."""


@dataclass(frozen=True)
class Appearance:
    """How far the look of a scene is off, in every episode of a run. With each field at 0, nothing is.

    A strength is met in full; which way it goes (a direction in space, warmer or colder, more or less) is drawn from the
    episode's seed, the same way for every strength, so that episodes can be compared strength by strength. "Scaled" by s is
    multiplied or divided by 1 + s.

    Attributes:
        camera_moved_m: how far each camera is moved from its mount; the one on the head never into it.
        camera_turned_rad: how far each camera is turned about some axis.
        view_scaled: width of what cameras see at a given distance.
        light_scaled: all light; the sky stays.
        light_turned_rad: how far the lamp's direction is turned.
        light_mired: shift of the light's colour temperature from daylight (6500 K), in 1e6 / K as photographic filters have it; the
            sky stays.
        hue_rad: turn around the wheel of colours, of each thing and the counter by itself; what is grey stays grey.
        shade_scaled: brightness of each thing's and the counter's colour, each by itself.
        blur: standard deviation of a Gaussian blur, as a share of the picture's height.
        exposure_stops: exposure; a stop is twice the light, of which what is bright already gains little.
        gamma_scaled: the exponent of the camera's tone curve.
        noise: standard deviation of every pixel's noise, as a share of the full range, anew in every picture.
    """

    camera_moved_m: float = 0.0
    camera_turned_rad: float = 0.0
    view_scaled: float = 0.0
    light_scaled: float = 0.0
    light_turned_rad: float = 0.0
    light_mired: float = 0.0
    hue_rad: float = 0.0
    shade_scaled: float = 0.0
    blur: float = 0.0
    exposure_stops: float = 0.0
    gamma_scaled: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value, most = float(getattr(self, field.name)), MOST[field.name]
            says = f"appearance: {field.name} has to lie in 0 .. {most:.4g}; it is {value:g}."
            require(0 <= value <= most, ShapeError, says)

    @property
    def neutral(self) -> bool:
        """Whether everything looks as it always does."""
        return not any(getattr(self, field.name) for field in fields(self))


NEUTRAL = Appearance()
"""Everything looks as in training."""


@dataclass(frozen=True)
class Guise:
    """How one episode looks: an appearance's strengths, each with the way it goes.

    Attributes:
        moved_m: camera -> (3,) along its own right, down and ahead.
        turned_rad: camera -> (3,) rotation vector in the same axes.
        view: multiple of the width of what cameras see.
        light: (3,) multiples of red, green and blue of all light, as displayed.
        light_turned_rad: (3,) rotation vector in the world, before it is made to stand upright on the light's direction.
        hue_rad, shade: (P,) of the parts that can be recoloured, turn and multiple.
        blur: share of the picture's height.
        exposure: multiple of the light that reaches the film.
        gamma: exponent.
        noise: share of the full range.
        noise_seed: of the pictures' noise.
    """

    moved_m: Mapping[str, Array]
    turned_rad: Mapping[str, Array]
    view: float
    light: Array
    light_turned_rad: Array
    hue_rad: Array
    shade: Array
    blur: float
    exposure: float
    gamma: float
    noise: float
    noise_seed: int


def guise_of(appearance: Appearance, seed: int, task: str, parts: int) -> Guise:
    """How an episode looks.

    Args:
        appearance: its strengths.
        seed: of the episode.
        task: chore and variant, as of `envs.disturbance.stream`.
        parts: P, counter and things.
    """
    own = dict(zip(MOST, stream("look", seed, task).spawn(len(MOST)), strict=True))
    scale = {name: (1 + getattr(appearance, name)) ** _either_way(own[name]) for name in ("view_scaled", "light_scaled", "gamma_scaled")}
    mired = appearance.light_mired * _either_way(own["light_mired"])
    moves = {name: appearance.camera_moved_m * _direction(own["camera_moved_m"]) for name in CAMERAS}
    moves["head"][2] = abs(moves["head"][2])
    return Guise(
        moved_m=moves,
        turned_rad={name: appearance.camera_turned_rad * _direction(own["camera_turned_rad"]) for name in CAMERAS},
        view=scale["view_scaled"],
        light=scale["light_scaled"] ** (1 / DISPLAY_GAMMA) * light_of_mired(mired),
        light_turned_rad=appearance.light_turned_rad * _direction(own["light_turned_rad"]),
        hue_rad=appearance.hue_rad * _either_ways(own["hue_rad"], parts),
        shade=(1 + appearance.shade_scaled) ** _either_ways(own["shade_scaled"], parts),
        blur=appearance.blur,
        exposure=2 ** (appearance.exposure_stops * _either_way(own["exposure_stops"])),
        gamma=scale["gamma_scaled"],
        noise=appearance.noise,
        noise_seed=int(own["noise"].integers(2**62)),
    )


def light_of_mired(shift: float) -> Array:
    """(3,) multiples of red, green and blue, as displayed, of light whose colour temperature is shifted so far from daylight.

    The largest is 1, so that nothing burns out. Source: Planck's law at one wavelength for each colour.
    """
    inverse_k = np.array([1 / _DAYLIGHT_K, 1 / _DAYLIGHT_K + 1e-6 * shift])
    radiance = 1 / np.expm1(_PLANCK_MK * inverse_k[:, None] / _RED_GREEN_BLUE_M)
    colour = radiance[1] / radiance[0]
    return np.asarray((colour / colour.max()) ** (1 / DISPLAY_GAMMA))


def _either_way(rng: np.random.Generator) -> float:
    return float(_either_ways(rng, 1)[0])


def _either_ways(rng: np.random.Generator, count: int) -> Array:
    """(count,) of 1 and -1."""
    return np.asarray(rng.choice([-1.0, 1.0], count))


def _direction(rng: np.random.Generator) -> Array:
    """(3,) of length 1."""
    drawn = rng.standard_normal(3)
    return np.asarray(drawn / np.linalg.norm(drawn))
