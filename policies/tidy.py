"""The cache of windows keeps within a size: what was used longest ago goes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from motion.errors import MotionError, require

LIMIT, _DEFAULT_GB = "UNDERSTUDY_WINDOWS_GB", 50.0
"""Environment variable with the size, in GB of 10^9 bytes."""


def limit_bytes() -> float:
    """How large the cache may become.

    Raises:
        MotionError: the environment says something that is no size.
    """
    said = os.environ.get(LIMIT, str(_DEFAULT_GB))
    good = said.replace(".", "", 1).isdigit()
    require(good, MotionError, f"{LIMIT} is {said!r}; a number of GB was wanted, e.g. {LIMIT}=20.")
    return 1e9 * float(said)


def tidy(cache: Path, about: str, keep: Collection[Path]) -> None:
    """Delete folders of a cache, those that were used longest ago first, until the others are within the limit.

    A program that has mapped files of a folder keeps them until it ends.

    Args:
        cache: its folders hold nothing but files.
        about: name of the file in each whose time says when it was last used; folders without it are being made, and stay.
        keep: folders that stay however large they are.
    """
    used = sorted(cache.glob(f"[!.]*/{about}"), key=lambda file: file.stat().st_mtime, reverse=True)
    folders = [*(folder for folder in keep if folder.is_dir()), *(file.parent for file in used if file.parent not in keep)]
    left = limit_bytes()
    for folder in folders:
        left -= sum(file.stat().st_size for file in folder.iterdir())
        if left < 0 and folder not in keep:
            (folder / about).unlink(missing_ok=True)  # nobody takes it for whole any more
            shutil.rmtree(folder, ignore_errors=True)
