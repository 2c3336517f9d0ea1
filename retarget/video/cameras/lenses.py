"""Lenses that can be named instead of calibrated: phones and action cameras by what their makers publish.

Makers give the focal length that would show the same angle on 35 mm film (43.27 mm across the diagonal). Phones measure it over
the diagonal of their 4:3 sensor; 16:9 film keeps the sensor's width. Video then loses a margin to stabilisation: phones take about
10 %, by phone and mode 0 to 20 %. So a named phone lens is right to about 10 %, and depths from it likewise; a calibration is better.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from motion.errors import FileFormatError, UnknownNameError
from retarget.video.cameras.camera import Camera

_FILM_DIAGONAL_MM = 43.27
_PHONE_SHAPE = 4 / 3


@dataclass(frozen=True)
class Lens:
    """A lens by its published angle.

    Attributes:
        equivalent_mm: focal length on 35 mm film.
        margin: share of the picture's width that video loses to stabilisation.
        shape: width over height of the picture whose diagonal the focal length was published for; 0 for the film's own.
        words: whose it is.
    """

    equivalent_mm: float
    margin: float
    shape: float
    words: str

    def focal_px(self, width_px: int, height_px: int) -> float:
        """Focal length in pixels of a film's pictures, upright or lying."""
        long, short = max(width_px, height_px), min(width_px, height_px)
        shape = self.shape or long / short
        diagonal_px = long * math.hypot(1, 1 / shape)
        return self.equivalent_mm / _FILM_DIAGONAL_MM * diagonal_px / (1 - self.margin)


LENSES: dict[str, Lens] = {
    "iphone_wide": Lens(26, 0.1, _PHONE_SHAPE, "main camera of iPhones 11 to 16, 26 mm"),
    "iphone_pro_wide": Lens(24, 0.1, _PHONE_SHAPE, "main camera of iPhones 14 Pro to 16 Pro, 24 mm"),
    "iphone_ultrawide": Lens(13, 0.1, _PHONE_SHAPE, "ultra wide camera of iPhones 11 to 16, 13 mm"),
    "pixel_wide": Lens(25, 0.1, _PHONE_SHAPE, "main camera of Pixels 6 to 9, 25 mm"),
    "galaxy_wide": Lens(24, 0.1, _PHONE_SHAPE, "main camera of Galaxy S21 to S24, 23 to 24 mm"),
    "galaxy_ultrawide": Lens(13, 0.1, _PHONE_SHAPE, "ultra wide camera of Galaxy S21 to S24, 13 mm"),
    "gopro_linear": Lens(19, 0.0, 0.0, "GoPro HERO8 and later, Linear, 19 mm"),
}
"""By name. Published by Apple, Google, Samsung and GoPro in their technical specifications."""

_EGODEX_PX, _EGODEX_SIZE = 736.6339, (1920, 1080)
"""Vision Pro's main camera: the same in every file of EgoDex (its README), and in logs of Apple's camera access."""
_FISHEYES = {
    "gopro_wide": "GoPro's Wide bends lines; film in Linear, or calibrate and undistort the film",
    "gopro_superview": "SuperView stretches the picture unevenly; film in Linear",
    "aria_rgb": "Aria's lens is a fisheye; undistort the film to a pinhole with projectaria_tools and give that camera as a file",
}
_USUAL = {
    "head": "iphone_wide",
    "third_person": "iphone_wide",
    "hands": "iphone_wide",
}


def lens_names() -> list[str]:
    """What can be named."""
    return sorted([*LENSES, "egodex"])


def named_camera(name: str, width_px: int, height_px: int) -> Camera:
    """A lens by name, for a film's pictures; its centre in their middle.

    Raises:
        UnknownNameError: no such lens; the message lists what there is.
        FileFormatError: a lens whose pictures no pinhole describes, or a film of another shape.
    """
    if name in _FISHEYES:
        raise FileFormatError(f"camera={name} cannot be used: {_FISHEYES[name]}.")
    if name == "egodex":
        return _egodex(width_px, height_px)
    if name not in LENSES:
        raise UnknownNameError("camera", name, lens_names(), "camera= (which may also name a calibration file)")
    lens = LENSES[name]
    margin = f", less {100 * lens.margin:.0f} % for stabilisation" if lens.margin else ""
    return _centred(lens.focal_px(width_px, height_px), width_px, height_px, f"{name}: {lens.words}{margin}; right to about 10 %")


def assumed_camera(view: str, width_px: int, height_px: int) -> Camera:
    """The lens that such films are usually taken with; its name says that it is assumed."""
    name = _USUAL.get(view, "iphone_wide")
    lens = LENSES[name]
    words = f"assumed: no camera= was given, so a phone's main camera ({lens.equivalent_mm:g} mm); depths may be off by 20 %"
    return _centred(lens.focal_px(width_px, height_px), width_px, height_px, words)


def _egodex(width_px: int, height_px: int) -> Camera:
    scale = width_px / _EGODEX_SIZE[0]
    if abs(height_px - scale * _EGODEX_SIZE[1]) > 1:
        raise FileFormatError(f"camera=egodex is for pictures of 1920 x 1080 px or that shape; the film has {width_px} x {height_px}.")
    return _centred(_EGODEX_PX * scale, width_px, height_px, "egodex: Vision Pro's camera, as its README gives it")


def _centred(focal_px: float, width_px: int, height_px: int, words: str) -> Camera:
    return Camera(width_px, height_px, (focal_px, focal_px), (width_px / 2, height_px / 2), name=words)
