"""Deleting a film once its keypoints are safe: only when told so in plain words, and only after looking."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, MotionError, require
from motion.human import HumanMotion
from motion.provenance import file_sha256


def delete_film(film: Path, output: Path, confirmed: bool) -> str:
    """Delete a film, after its motion was written and has been read back.

    Args:
        film: the file itself; a link is refused, so that nothing is deleted somewhere else.
        output: the HumanMotion that was made of this very film: its provenance names the film's digest.
        confirmed: whether somebody said that the film may go, in so many words.

    Returns:
        what was deleted, in words.

    Raises:
        MotionError: not confirmed; the film is a link or no file; or the output was made of something else, or shows nothing.
        FileFormatError: the output cannot be read back.
    """
    require(confirmed, MotionError, f"{film}: is not deleted without confirmation. A film that is gone cannot be looked at again.")
    kept = "The film is kept."
    try:
        found = os.lstat(film)
    except OSError as error:
        raise MotionError(f"{film}: cannot be looked at ({error.strerror}). Nothing is deleted.") from error
    require(not stat.S_ISLNK(found.st_mode), MotionError, f"{film}: is a link. Name the film itself. {kept}")
    require(stat.S_ISREG(found.st_mode), MotionError, f"{film}: is no file. Nothing is deleted.")
    try:
        motion = HumanMotion.load(output)
    except FileFormatError as error:
        raise FileFormatError(f"{error} {kept}") from error
    require(bool(np.isfinite(motion.position_m).any()), MotionError, f"{output}: shows nothing at all. {kept}")
    parents = {parent.sha256 for parent in motion.provenance.parents}
    require(file_sha256(film) in parents, MotionError, f"{output}: was not made of {film}, by its provenance. {kept}")
    os.unlink(film)
    elsewhere = f"; {found.st_nlink - 1} other name(s) of the same file remain" if found.st_nlink > 1 else ""
    return f"deleted {film} ({found.st_size / 1e6:.1f} MB){elsewhere}. Copies on the phone, in its cloud and in backups are not touched."
