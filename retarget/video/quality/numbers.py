"""The numbers of a film's quality: what each means, what a reason says of it, and how to film better."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Number:
    """One number.

    Attributes:
        label: short, for headings.
        unit: of the value; empty for a count.
        meaning: one line.
        says: the reason's sentence, with the value at {value} and whose it is at {part}; empty where it never judges.
        advice: how to film it better.
    """

    label: str
    unit: str
    meaning: str
    says: str = ""
    advice: str = ""


_STEADY = "Fix the phone firmly, so that it does not swing, and give it more light for shorter exposures."
_AGAIN = "Copy the film from the phone again, as the original file; if it is so there, record again."
_IN_VIEW = "Tilt the phone so that the work is in the middle of the picture, and check with a short trial film."
_LIGHT = "More light on the hands, no bright window behind them, sleeves and gloves of another colour than the table."

NUMBERS: dict[str, Number] = {
    "seconds": Number("length", "s", "from the first picture to the last", "the film is {value:.2f} s long", "Film the whole chore."),
    "rate_hz": Number(
        "rate", "Hz", "pictures per second, by the median step of the time stamps", "{value:.3g} pictures per second",
        "Film with 30 pictures per second or more. Slow motion and time lapse have to be sent with true time stamps.",
    ),
    "short_side_px": Number(
        "shorter side", "px", "of the picture", "the picture's shorter side is {value:.0f} pixels", "Film in 1080p, and send the original."
    ),
    "missing_pct": Number(
        "missing", "%", "pictures that the steps of the time stamps leave out",
        "{value:.1f} % of the pictures are missing between the others",
        "Close other apps, and leave room in the phone's memory: it drops pictures where it is too busy.",
    ),
    "gap_s": Number(
        "longest gap", "s", "longest time between two pictures", "there is no picture for {value:.2f} s",
        "Do not pause a recording; start a new film. Films that were joined have to be sent one by one.",
    ),
    "uneven_pct": Number(
        "uneven", "%", "steps of the time stamps more than 30 % off their median", "{value:.0f} % of the time stamps are uneven",
        "Send the phone's own file: messengers and editors stamp anew. " + _LIGHT,
    ),
    "bad_stamps_pct": Number(
        "bad stamps", "%", "pictures whose time stamp stood still, ran backwards or was missing",
        "{value:.1f} % of the time stamps cannot be right", _AGAIN,
    ),
    "unread_pct": Number(
        "unread", "%", "pictures that the file claims and that cannot be read",
        "{value:.1f} % of the file cannot be read", _AGAIN,
    ),
    "dark_pct": Number("dark", "%", "pictures that are too dark", "{value:.0f} % of the pictures are too dark", "Switch more light on."),
    "bright_pct": Number(
        "over-exposed", "%", "pictures that are too bright", "{value:.0f} % of the pictures are over-exposed",
        "Keep lamps and windows out of the picture; tap on the hands to set the exposure.",
    ),
    "blurred_pct": Number(
        "blurred", "%", "pictures that are out of focus or smeared", "{value:.0f} % of the pictures are blurred",
        "Clean the lens and set the focus to the hands. " + _STEADY,
    ),
    "repeated_pct": Number(
        "repeated", "%", "pictures that are the one before, shown again", "{value:.1f} % of the pictures repeat the one before", _AGAIN
    ),
    "frozen_s": Number(
        "frozen", "s", "longest time over which the picture stands still",
        "the picture stands still for {value:.2f} s", _AGAIN,
    ),
    "any_seen_pct": Number(
        "any hand", "%", "pictures in which a hand is seen", "a hand is seen in {value:.0f} % of the pictures only", _IN_VIEW
    ),
    "both_seen_pct": Number("both hands", "%", "pictures in which both hands are seen"),
    "seen_pct": Number("seen", "%", "pictures in which it is seen", "the {part} is seen in {value:.0f} % of the pictures only", _IN_VIEW),
    "filled_pct": Number("filled", "%", "pictures in which it was filled in between others"),
    "dropouts": Number("dropouts", "", "times that it was lost before the end"),
    "dropouts_per_min": Number(
        "dropouts per minute", "1/min", "times per minute that it was lost in the middle of the picture",
        "the {part} is lost in view {value:.0f} times per minute", _LIGHT,
    ),
    "dropout_s": Number("longest dropout", "s", "longest time that it was lost, in view or out of it"),
    "missed_pct": Number(
        "missed", "%", "pictures in which it is not seen, between such in which it is, and not because it left the picture",
        "the {part} is lost in view in {value:.0f} % of the pictures", _LIGHT,
    ),
    "missed_s": Number(
        "longest miss", "s", "longest such time", "the {part} is lost in view for {value:.2f} s",
        _LIGHT + " Turn the work, or the phone, so that one hand does not hide the other.",
    ),
    "hand_px": Number(
        "size", "px", "longer side of the box around the hand, median", "the {part} is {value:.0f} pixels large",
        "Go nearer, or film in 1080p.",
    ),
    "border_pct": Number(
        "at the border", "%", "pictures with it at the border, of those in which it is seen",
        "the {part} is at the border in {value:.0f} % of the pictures", _IN_VIEW,
    ),
    "jitter_pct": Number(
        "flutter", "%", "what no movement explains in the picture, of the hand's size",
        "the {part} flutters in the picture, by {value:.1f} % of its size", _STEADY,
    ),
    "jitter_mm": Number(
        "jitter", "mm", "what no movement explains of the points in space, per axis",
        "the {part} jitters by {value:.1f} mm in space", _STEADY,
    ),
    "outlier_pct": Number(
        "outliers", "%", "pictures with a wrist faster, or pushed harder, than everyday movements are",
        "the {part} jumps in {value:.1f} % of the pictures", _STEADY + " Move as usual, not as fast as you can.",
    ),
    "speed_max_mps": Number("fastest", "m/s", "fastest step of the wrist"),
    "bone_change_pct": Number(
        "bone change", "%", "spread of the palm's shape as the detector drew it",
        "the palm of the {part} changes its shape by {value:.0f} %",
        _LIGHT + " Show the back of the hand or the palm, not the edge.",
    ),
    "stretched_pct": Number(
        "stretched", "%", "pictures in which the detector drew the palm wrongly",
        "the palm of the {part} is drawn wrongly in {value:.0f} % of the pictures",
        _LIGHT + " Show the back of the hand or the palm, not the edge.",
    ),
    "reprojection_px": Number("reprojection", "px", "from the points seen to the points in space as the camera sees them, median"),
    "reprojection_pct": Number(
        "reprojection of size", "%", "the same, of the hand's size",
        "the {part} in space misses the one in the picture by {value:.1f} % of its size",
        "State the right camera (camera=): another lens, a crop or a stabiliser changes its numbers.",
    ),
    "person_pct": Number(
        "person", "%", "pictures in which the person is seen", "the person is seen in {value:.0f} % of the pictures only",
        "Set the camera so far away that the person stays in the picture, from head to feet where steps matter.",
    ),
    "body_jitter_mm": Number(
        "body jitter", "mm", "what no movement explains of the body's points, per axis", "the body jitters by {value:.0f} mm",
        "Let the camera stand firmly, nearer to the person, in good light.",
    ),
    "limb_change_pct": Number(
        "limb change", "%", "spread of the limbs' lengths, median over the limbs", "the limbs change their length by {value:.0f} %",
        "Film from the front or at an angle, so that arms and legs do not point at the camera, in clothes that show where they are.",
    ),
    "swapped_pct": Number(
        "swapped", "%", "pictures in which the detector took one hand for the other, and was corrected",
        "left and right were mixed up, and corrected, in {value:.0f} % of the pictures",
        "Look whether the sides are right. Do not film through a mirror, nor with the front camera. " + _LIGHT,
    ),
    "handovers": Number(
        "changes of side", "", "times that a hand is lost in view while the other side appears",
        "{value:.0f} times a hand seems to turn into the other one",
        "Look whether the sides are right there, and whether a part of the film is mirrored.",
    ),
}  # fmt: skip
"""In the order in which they are shown."""
