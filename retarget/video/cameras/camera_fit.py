"""A camera's numbers made to fit a film: other picture sizes, turned pictures, and what no lens of a film can be."""

from __future__ import annotations

import math
from dataclasses import replace

from motion.errors import FileFormatError, require
from retarget.video.cameras.camera import Camera

_PADDED_SHARE = 0.01
"""Sizes whose shapes differ by no more come from encoders, which want even blocks: 1088 lines for 1080."""
_WIDEST_RAD, _NARROWEST_RAD = math.radians(170), math.radians(4)
_SQUARE_SHARE = 0.25
"""Pixels are square, or nearly: (fx, fy) differ by no more than this."""


def checked(camera: Camera, where: str) -> Camera:
    """The same camera, if it can be one.

    Raises:
        FileFormatError: focal lengths not above zero or far apart, a centre outside the picture, a field of view that no film has.
    """
    (fx, fy), (cx, cy) = camera.focal_px, camera.centre_px
    numbers = (fx, fy, cx, cy, *camera.distortion, camera.width_px, camera.height_px)
    require(all(math.isfinite(number) for number in numbers), FileFormatError, f"{where}: holds numbers that are not finite.")
    require(fx > 0 and fy > 0, FileFormatError, f"{where}: its focal length is {fx:g} x {fy:g} px; both have to be above 0.")
    size = f"{camera.width_px} x {camera.height_px}"
    inside = 0 < cx < camera.width_px and 0 < cy < camera.height_px
    require(inside, FileFormatError, f"{where}: its centre ({cx:g}, {cy:g}) px lies outside the picture of {size} px.")
    alike = abs(fx - fy) <= _SQUARE_SHARE * max(fx, fy)
    require(alike, FileFormatError, f"{where}: focal lengths of {fx:g} and {fy:g} px differ too much; pixels of films are square.")
    across = 2 * math.atan(max(camera.width_px / fx, camera.height_px / fy) / 2)
    require(
        _NARROWEST_RAD <= across <= _WIDEST_RAD,
        FileFormatError,
        f"{where}: a focal length of {fx:g} px sees {math.degrees(across):.0f} degrees in a picture of {size} px; "
        f"films see {math.degrees(_NARROWEST_RAD):.0f} to {math.degrees(_WIDEST_RAD):.0f}. Is it in pixels of that size?",
    )
    return camera


def turned(camera: Camera, clockwise_deg: int) -> Camera:
    """The same camera for the picture turned clockwise by 0, 90, 180 or 270 degrees."""
    for _ in range(clockwise_deg // 90 % 4):
        (fx, fy), (cx, cy), (k1, k2, p1, p2, k3) = camera.focal_px, camera.centre_px, camera.distortion
        camera = replace(
            camera,
            width_px=camera.height_px,
            height_px=camera.width_px,
            focal_px=(fy, fx),
            centre_px=(camera.height_px - cy, cx),
            distortion=(k1, k2, p2, -p1, k3),
        )
    return camera


def scaled(camera: Camera, width_px: int, height_px: int) -> Camera:
    """The same camera for the picture shrunk or grown to fit into another size, in the middle where the shapes differ a little."""
    scale = min(width_px / camera.width_px, height_px / camera.height_px)
    margin = ((width_px - scale * camera.width_px) / 2, (height_px - scale * camera.height_px) / 2)
    return replace(
        camera,
        width_px=width_px,
        height_px=height_px,
        focal_px=(float(camera.focal_px[0] * scale), float(camera.focal_px[1] * scale)),
        centre_px=(float(camera.centre_px[0] * scale + margin[0]), float(camera.centre_px[1] * scale + margin[1])),
    )


def turn_deg(camera: Camera, width_px: int, height_px: int, rotation_deg: int) -> int:
    """How far a camera is to be turned clockwise, 0, 90, 180 or 270 degrees, to be that of a film's upright pictures.

    A lying picture is the sensor's own, as phones store it; a standing one is of a phone held upright, which turns it by 90 degrees.

    Args:
        camera: of pictures that lie or stand.
        width_px, height_px: of the film's upright pictures.
        rotation_deg: how far the film's stored pictures are turned clockwise to stand upright.
    """
    quarter = rotation_deg in (90, 270)
    if (camera.width_px > camera.height_px) == (width_px > height_px):
        return 180 if rotation_deg == 180 and width_px > height_px else 0
    if camera.width_px > camera.height_px:
        return rotation_deg if quarter else 90
    return rotation_deg if quarter else (rotation_deg + 270) % 360


def fitted(camera: Camera, width_px: int, height_px: int, rotation_deg: int, where: str) -> Camera:
    """The camera for the upright pictures of a film; what was changed stands in its name.

    Args:
        camera: of the pictures of some size.
        width_px, height_px: of the film's upright pictures.
        rotation_deg: how far the film's stored pictures are turned clockwise to stand upright: 0, 90, 180 or 270.
        where: file, for messages.

    Raises:
        FileFormatError: numbers of a picture of another shape.
    """
    checked(camera, where)
    turn = turn_deg(camera, width_px, height_px, rotation_deg)
    upright = turned(camera, turn)
    if _same_shape(upright.width_px, upright.height_px, width_px, height_px):
        words = [camera.name]
        if turn:
            known = "as the film says" if rotation_deg else "as phones held upright do; the film does not say"
            words.append(f"turned {turn} degrees clockwise ({known})")
        if (upright.width_px, upright.height_px) != (width_px, height_px):
            words.append(f"scaled from {upright.width_px} x {upright.height_px}")
            words += ["with borders where the shapes differ"] if upright.width_px * height_px != upright.height_px * width_px else []
            upright = scaled(upright, width_px, height_px)
        return replace(upright, name=", ".join(words))
    raise FileFormatError(
        f"{where}: wrong intrinsics size: they belong to pictures of {camera.width_px} x {camera.height_px} px, the film has "
        f"{width_px} x {height_px}. Only the same shape can be scaled; calibrate in the film's own mode, or name a lens."
    )


def _same_shape(width_px: int, height_px: int, other_width_px: int, other_height_px: int) -> bool:
    return abs(math.log(width_px * other_height_px / (height_px * other_width_px))) <= _PADDED_SHARE
