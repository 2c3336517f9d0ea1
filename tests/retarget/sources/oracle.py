"""What reading a broken file may come to: one clear error, or the motion of the sound file. Anything else is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from motion.errors import UnderstudyError
from motion.human import HumanMotion
from retarget.sources.base import Reading, SourceOptions, read_recording

_TYPICAL_M, _WORST_M = 0.004, 0.03
_SAME_TIME = 0.6


def outcome(path: Path, options: SourceOptions, sound: HumanMotion, name: str | None = None) -> tuple[str, Reading | None]:
    """The error's words, or "read" and the reading, which is the sound motion's; fails for anything else."""
    try:
        reading = read_recording(path, options, name)
    except UnderstudyError as error:
        said = str(error)
        assert "\n" not in said, f"not one line: {said}"
        assert len(said) < 2500, f"{len(said)} characters: {said[:200]}"
        assert any(word in said for word in (path.name, path.stem, "source.")), f"says neither the file nor the setting: {said}"
        assert "Traceback" not in said
        return said, None
    off = difference(reading.motion, sound)
    assert off is None, f"{path.name} gives another motion, and no error: {off}; understood: {dict(reading.understood)}"
    return "read", reading


def difference(motion: HumanMotion, sound: HumanMotion) -> str | None:
    """How a motion differs from a sound one, whichever way it looks and wherever it stands; None where it does not."""
    shared = [name for name in sound.landmarks if name in motion.landmarks]
    if len(shared) < 0.6 * len(sound.landmarks):
        return f"{len(shared)} of {len(sound.landmarks)} landmarks"
    period = 1 / sound.rate_hz
    nearest = np.abs(motion.time_s[:, None] - sound.time_s[None]).argmin(1)
    near = np.abs(motion.time_s - sound.time_s[nearest]) < _SAME_TIME * period
    if not near.all():
        return f"{int((~near).sum())} frames at times that the sound file does not have"
    ours = np.stack([motion.point(name) for name in shared], axis=1)
    theirs = np.stack([sound.point(name) for name in shared], axis=1)[nearest]
    seen = np.isfinite(ours).all(-1) & np.isfinite(theirs).all(-1)
    if not seen.any():
        return "nothing that both see"
    off = np.linalg.norm(_turned_onto(ours[seen], theirs[seen]) - theirs[seen], axis=-1)
    if np.median(off) > _TYPICAL_M or np.percentile(off, 99) > _WORST_M:
        return f"{1e3 * np.median(off):.0f} mm off, {1e3 * np.percentile(off, 99):.0f} mm at worst"
    return None


def _turned_onto(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Points (N, 3) turned about the vertical and moved to fit others best; heights may only be moved."""
    a, b = ours - ours.mean(0), theirs - theirs.mean(0)
    turn = np.arctan2((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum(), (a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1]).sum())
    c, s = np.cos(turn), np.sin(turn)
    return np.asarray(a @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]).T + theirs.mean(0))
