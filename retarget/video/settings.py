"""What a user may state about a film, and about whom it shows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from motion.errors import MotionError, UnknownNameError, require
from retarget.video.hands.steady import SteadySettings
from retarget.video.quality.profile import QualityProfile
from retarget.video.view import VIEWS

WHICH_HANDS = ("both", "left", "right")


@dataclass(frozen=True)
class SubjectSettings:
    """Whom the film shows, and what it may be used for; None: not known.

    Attributes:
        hand_length_m: from the wrist's crease to the tip of the straight middle finger.
        height_m: stature.
        pseudonym: never a name.
        licence, consent: what the film may be used for, and the reference to the person's consent.
    """

    hand_length_m: float | None = None
    height_m: float | None = None
    pseudonym: str = "unknown"
    licence: str | None = None
    consent: str | None = None

    def __post_init__(self) -> None:
        for name, low, high in (("hand_length_m", 0.08, 0.30), ("height_m", 0.5, 2.5)):
            value = getattr(self, name)
            usable = value is None or (math.isfinite(value) and low <= value <= high)
            require(usable, MotionError, f"subject.{name}={value}: no person's; it wants metres, {low:g} to {high:g}, or nothing.")


@dataclass(frozen=True)
class FilmOptions:
    """How a film is to be read, where the usual is wrong.

    Attributes:
        rotation_deg: turn pictures clockwise by 0, 90, 180 or 270, whatever the file says.
        mirrored: whether left and right are exchanged in the film, as some front cameras do.
        hands: "both", or the only one that is to be looked for: "left" or "right".
        hand_detector, body_detector: names of detectors, of those in `retarget/video/detectors/` or of plug-ins.
        tilt_deg: how far a camera on the head looks down from straight ahead; a camera on a shelf, from the level.
        poses_topic: for MCAP files with several: the one that holds the camera's poses.
        poses_offset_s: what to add to the time stamps of the poses to get the film's.
        clip_s: films longer than this are written as several files, of this length at most.
    """

    rotation_deg: int | None = None
    mirrored: bool = False
    hands: str = "both"
    hand_detector: str = "mediapipe_hands"
    body_detector: str = "mediapipe_pose"
    tilt_deg: float | None = None
    poses_topic: str | None = None
    poses_offset_s: float = 0.0
    clip_s: float = 300.0

    def __post_init__(self) -> None:
        if self.hands not in WHICH_HANDS:
            raise UnknownNameError("hand", self.hands, WHICH_HANDS, "film.hands")
        require(math.isfinite(self.clip_s) and self.clip_s >= 10, MotionError, f"film.clip_s={self.clip_s}: at least 10 seconds.")
        tilt = self.tilt_deg is None or -90 <= self.tilt_deg <= 90
        require(tilt, MotionError, f"film.tilt_deg={self.tilt_deg}: -90 (up) to 90 (down) degrees.")


@dataclass(frozen=True)
class FilmSettings:
    """All settings of the way from a film to a motion.

    Attributes:
        view: "auto", or one of `retarget.video.view.VIEWS`.
        camera: name of a lens, or path of a file of intrinsics; None: assumed.
        poses: path of a file that says where the camera was; None: unknown.
        overlay: whether to write a film of what was found.
        models_dir: folder of the detectors' bundles; None: fetched once.
        subject, film, steady, profile: see there.
    """

    view: str = "auto"
    camera: str | None = None
    poses: str | None = None
    overlay: bool = False
    models_dir: str | None = None
    subject: SubjectSettings = field(default_factory=SubjectSettings)
    film: FilmOptions = field(default_factory=FilmOptions)
    steady: SteadySettings = field(default_factory=SteadySettings)
    profile: QualityProfile = field(default_factory=QualityProfile)

    def __post_init__(self) -> None:
        if self.view not in ("auto", *VIEWS):
            raise UnknownNameError("view", self.view, ("auto", *VIEWS), "view")
