"""What every detector has in common, and finding the right one. A detector is one file of this folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Literal, Protocol

from motion.errors import UnknownNameError
from motion.plugins import found_in
from motion.transform import Array
from retarget.video.seen import BodySeen, HandSeen

Sees = Literal["hands", "bodies"]


class Eye(Protocol):
    """An open detector, following one film."""

    def detect(self, rgb: Array, time_s: float) -> Sequence[HandSeen] | Sequence[BodySeen]:
        """What is seen in the next picture.

        Args:
            rgb: (H, W, 3) uint8, upright, contiguous.
            time_s: of the picture; rises from call to call.
        """
        ...


class Detector(Protocol):
    """Finds hands or people in pictures. It lives in one file of `retarget/video/detectors/` as the constant DETECTOR.

    Attributes:
        name: of the detector.
        sees: "hands" or "bodies".
        bundles: names of the weights it needs, as `retarget.video.detectors.models` lists them.
    """

    name: str
    sees: Sees
    bundles: tuple[str, ...]

    def open(self, bundles: Mapping[str, Path], rate_hz: float) -> AbstractContextManager[Eye]:
        """Load the weights, for one film.

        Args:
            bundles: name -> file, for every name of `bundles`.
            rate_hz: of the film.

        Raises:
            FileFormatError: a file does not hold what its name says.
        """
        ...


@cache
def detectors() -> dict[str, Detector]:
    """Name -> detector, from this folder and from plug-ins ("detector.<name>")."""
    return found_in("retarget.video.detectors", "DETECTOR", "detector")


def detector_for(name: str) -> Detector:
    """The detector of a name.

    Raises:
        UnknownNameError: there is none; the message lists what exists.
    """
    known = detectors()
    if name not in known:
        raise UnknownNameError("detector", name, known)
    return known[name]
