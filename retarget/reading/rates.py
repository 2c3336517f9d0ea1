"""Frame rates behind rounded frame times."""

from __future__ import annotations

# Where two fit a frame time of few digits, the one that stands first is taken.
_COMMON_HZ = (30.0, 60.0, 120.0, 25.0, 50.0, 100.0, 240.0, 24.0, 48.0, 90.0, 180.0, 200.0, 72.0, 144.0, 29.97, 59.94, 119.88, 23.976)


def nominal_rate_hz(frame_time_s: float, decimals: int) -> float:
    """The rate that a frame time means, which a file gives with so many digits after the point: 0.0333 s is 30 Hz.

    A frame time that is exact for a whole rate keeps it; one that is no common rate's is taken as it stands.
    """
    rate = 1 / frame_time_s
    if abs(rate - round(rate)) < 1e-6:
        return float(round(rate))
    fitting = (common for common in _COMMON_HZ if abs(1 / common - frame_time_s) <= 0.5001 * 10.0**-decimals + 1e-6 * frame_time_s)
    near = next(fitting, rate)
    return near if abs(near / rate - 1) < 0.05 else rate
