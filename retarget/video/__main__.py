"""Door: `python -m retarget.video film.mp4 output=motion.npz`."""

from __future__ import annotations

from retarget.video.door import command

if __name__ == "__main__":
    command()
