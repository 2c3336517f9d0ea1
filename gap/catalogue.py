"""What every metric of an episode is called, which unit it is stored in, and how it is printed."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One column of the episode rows.

    Attributes:
        title: for headings.
        unit: as stored (SI unless the name says otherwise); "1" for a pure number.
        meaning: one line for the reader of a report.
        shown_unit, shown_scale, digits: how it is printed; printed = stored * shown_scale.
    """

    title: str
    unit: str
    meaning: str
    shown_unit: str = ""
    shown_scale: float = 1.0
    digits: int = 2

    @property
    def heading(self) -> str:
        """Title with the unit printed."""
        unit = self.shown_unit or ("" if self.unit == "1" else self.unit)
        return f"{self.title} ({unit})" if unit else self.title


_TO_DEG = 180 / math.pi

PROGRESS = "progress"
"""The metric that is a share, 0..1."""
METRICS: dict[str, Metric] = {
    PROGRESS: Metric("Progress", "1", "how far the chore was done", shown_unit="%", shown_scale=100, digits=0),
    "joint_rmse_rad": Metric(
        "Joint RMSE", "rad", "root mean square joint error over steps and joints", shown_unit="deg", shown_scale=_TO_DEG
    ),
    "lag_corrected_rmse_rad": Metric(
        "RMSE, lag removed",
        "rad",
        "joint RMSE that remains once the reference is delayed by the lag",
        shown_unit="deg",
        shown_scale=_TO_DEG,
    ),
    "mpjpe_global_mm": Metric("MPJPE global", "mm", "mean distance of the robot's landmarks from where the reference puts them", digits=1),
    "mpjpe_root_mm": Metric("MPJPE root-relative", "mm", "the same, seen from the robot's base", digits=1),
    "lag_s": Metric(
        "Lag",
        "s",
        "how long the robot comes after its reference; a dash where it does not follow it",
        shown_unit="ms",
        shown_scale=1000,
        digits=0,
    ),
    "energy_j": Metric("Energy", "J", "integral of |torque x speed| over all joints", digits=0),
    "saturation_share": Metric(
        "Saturation", "1", "share of steps and joints at the torque limit", shown_unit="%", shown_scale=100, digits=1
    ),
    "sparc": Metric("SPARC", "1", "spectral arc length of the joint speed (Balasubramanian 2015); nearer to zero is smoother"),
    "ldlj": Metric(
        "LDLJ", "1", "log dimensionless jerk of the joint velocity (Balasubramanian 2015); nearer to zero is smoother", digits=1
    ),
    "gantry_mean_n": Metric("Gantry mean", "N", "mean force by which the gantry holds the base on its path", digits=0),
    "gantry_peak_n": Metric("Gantry peak", "N", "peak of that force", digits=0),
}
"""Name of the field of EpisodeResult -> what it is. A new metric is a line here, a field there and a function in gap.metrics."""

SAFETY = "safety."
"""Prefix of the columns that hold the chore's own safety numbers."""


_SUFFIXES = {"rad": "rad", "radps": "rad/s", "m": "m", "mm": "mm", "mps": "m/s", "s": "s", "n": "N", "nm": "Nm", "j": "J", "kg": "kg"}


def metric(name: str) -> Metric:
    """What a column is; of a chore's own safety number, what its name says ("peak_force_n" is in newtons)."""
    if name in METRICS:
        return METRICS[name]
    words = name.removeprefix(SAFETY).split("_")
    unit = _SUFFIXES.get(words[-1], "1") if len(words) > 1 else "1"
    title = " ".join(words if unit == "1" else words[:-1]).capitalize()
    return Metric(title, unit, "reported by the chore", digits=3)
