"""Thresholds of the quality control of films, under one version that is written into every result."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from motion.errors import MotionError, require
from retarget.settings import check_numbers

_BOUNDS = ("exclude_min_", "exclude_max_", "min_", "max_")


@dataclass(frozen=True)
class QualityProfile:
    """Thresholds of the quality control; chosen on five published films, and on copies of them that were spoiled on purpose.

    A number beyond `min_` or `max_` asks for review, beyond `exclude_min_` or `exclude_max_` it excludes the film: that is
    kept for faults of integrity. What follows the prefix is a name of `retarget.video.quality.numbers.NUMBERS`.

    Attributes:
        version: changes with any number below; kept in conf/film_quality/<version>.yaml.
        dark_brightness, bright_brightness: mean grey level below which a picture is dark, above which it is over-exposed.
        blurred_sharpness: variance of the Laplacian over the square of the mean grey level; below it a picture is blurred.
        blurred_drop: so is one whose sharpness falls below this share of the median within `around_s`.
        repeated_change: mean change of grey level up to which a picture is the one before, shown again.
        border_share: a hand with a point this near to the edge of the picture (share of its shorter side) is at the border.
        takes_part_pct: a hand seen in fewer pictures than this does not take part, and is not judged by itself.
        fast_mps, sudden_mps2: a wrist faster, or pushed harder, than this is no everyday movement.
        stretched_share: a palm with a bone off its usual length by more than this share of the palm is drawn wrongly.
        handover_s: a hand that is lost in view, while the other side appears within this time, has changed sides.
        around_s: what counts as near in time.
    """

    version: str = "v1"

    dark_brightness: float = 0.12
    bright_brightness: float = 0.85
    blurred_sharpness: float = 4.5e-4
    blurred_drop: float = 0.4
    repeated_change: float = 3e-5
    border_share: float = 0.03
    takes_part_pct: float = 5.0
    fast_mps: float = 6.0
    sudden_mps2: float = 150.0
    stretched_share: float = 0.3
    handover_s: float = 0.2
    around_s: float = 0.5

    min_seconds: float = 1.0
    min_rate_hz: float = 20.0
    min_short_side_px: float = 360.0
    max_missing_pct: float = 2.0
    max_gap_s: float = 0.2
    max_uneven_pct: float = 10.0
    max_dark_pct: float = 5.0
    max_bright_pct: float = 5.0
    max_blurred_pct: float = 10.0
    max_repeated_pct: float = 5.0
    max_frozen_s: float = 0.5

    min_any_seen_pct: float = 90.0
    min_seen_pct: float = 70.0
    max_missed_pct: float = 10.0
    max_missed_s: float = 0.5
    max_dropouts_per_min: float = 40.0
    min_hand_px: float = 60.0
    max_border_pct: float = 30.0
    max_jitter_pct: float = 2.0
    max_jitter_mm: float = 5.0
    max_outlier_pct: float = 1.5
    max_bone_change_pct: float = 12.0
    max_stretched_pct: float = 20.0
    max_reprojection_pct: float = 8.0
    max_swapped_pct: float = 10.0
    max_handovers: float = 0.0

    min_person_pct: float = 90.0
    max_body_jitter_mm: float = 20.0
    max_limb_change_pct: float = 15.0

    exclude_min_rate_hz: float = 1.0
    exclude_max_rate_hz: float = 1000.0
    exclude_max_bad_stamps_pct: float = 5.0
    exclude_max_unread_pct: float = 50.0
    exclude_max_repeated_pct: float = 50.0
    exclude_min_any_seen_pct: float = 2.0
    exclude_min_person_pct: float = 2.0

    def __post_init__(self) -> None:
        check_numbers(self, "film_quality", above_zero=("around_s", "fast_mps", "sudden_mps2"))
        for field in dataclasses.fields(self):
            hard = getattr(self, f"exclude_{field.name}", None)
            soft = getattr(self, field.name)
            later = hard is None or (hard <= soft if field.name.startswith("min_") else hard >= soft)
            message = f"film_quality.exclude_{field.name}={hard} excludes before {field.name}={soft} asks for review."
            require(later, MotionError, message)

    @property
    def name(self) -> str:
        """The version, and which of its numbers were changed."""
        usual = QualityProfile(self.version)
        changed = [field.name for field in dataclasses.fields(self) if getattr(self, field.name) != getattr(usual, field.name)]
        return f"{self.version} with {', '.join(f'{key}={getattr(self, key):g}' for key in changed)}" if changed else self.version

    def bound(self, prefix: str, number: str) -> float | None:
        """The bound of a number; None where there is none.

        Args:
            prefix: "min_", "max_", "exclude_min_" or "exclude_max_".
            number: a name of `NUMBERS`.
        """
        return getattr(self, prefix + number, None)


def bounded() -> set[str]:
    """Names of the numbers that a profile has bounds for."""
    found = set()
    for field in dataclasses.fields(QualityProfile):
        prefix = next((prefix for prefix in _BOUNDS if field.name.startswith(prefix)), None)
        if prefix:
            found.add(field.name.removeprefix(prefix))
    return found
