"""Doors: `python -m retarget.video film.mp4 output=motion.npz`, and `python -m retarget.video annotate` (`retarget.video.annotated`)."""

from __future__ import annotations

import sys

from retarget.video.annotated import main as annotate
from retarget.video.door import command
from understudy import status_of

if __name__ == "__main__":
    if sys.argv[1:2] == ["annotate"]:
        sys.exit(status_of(lambda: annotate(sys.argv[2:])))
    command()
