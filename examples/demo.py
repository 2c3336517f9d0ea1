"""The whole way, from people's recordings to a score, with the commands that a user would type.

Simulated workers film four chores; the recordings are retargeted onto the Unitree G1 with Dex3 hands and replayed in
simulation by an expert; a small policy learns from it and is scored on recordings of workers that it has never seen.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

OUT = Path("runs/demo")
TRAINING_WORKERS, HELD_OUT_WORKERS = 9, 3
STAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("film", ("-m", "workers", "record", f"workers={TRAINING_WORKERS}", f"output={OUT}/film")),
    ("film, held-out workers", ("-m", "workers", "record", f"workers={HELD_OUT_WORKERS}", f"first_worker=100 output={OUT}/film_held_out")),
    ("retarget", ("-m", "retarget", f"input='{OUT}/film/*.npz' robot=g1_dex3 smooth.cutoff_hz=4 output={OUT}/motions")),
    (
        "retarget, held out",
        ("-m", "retarget", f"input='{OUT}/film_held_out/*.npz' robot=g1_dex3 smooth.cutoff_hz=4 output={OUT}/motions_held_out"),
    ),
    ("replay", ("-m", "envs", "replay", f"motions={OUT}/motions output={OUT}/demonstrations seeds=2 unsolved=longest_span")),
    ("train", ("train.py", f"demonstrations={OUT}/demonstrations output={OUT}/policy train.steps=600")),
    (
        "evaluate",
        (
            "evaluate.py",
            f"checkpoint={OUT}/policy/best motions={OUT}/motions_held_out output={OUT} unsolved=longest_span",
            f"recordings={OUT}/film_held_out cards={OUT}/motions_held_out",
        ),
    ),
)


def main() -> int:
    """Run every stage; stop at the first that fails."""
    shutil.rmtree(OUT, ignore_errors=True)
    begin = time.monotonic()
    for name, parts in STAGES:
        words = [word for part in parts for word in part.split(" ")]
        print(f"\n== {name}: python {' '.join(words)}", flush=True)
        start = time.monotonic()
        status = subprocess.run(
            [sys.executable, *(word.replace("'", "") if "*" not in word else word for word in words)], check=False
        ).returncode
        if status:
            print(f"the stage {name!r} failed with status {status}", file=sys.stderr)
            return status
        print(f"== {name}: {time.monotonic() - start:.0f} s", flush=True)
    print(f"\ndone in {time.monotonic() - begin:.0f} s; open {OUT}/report.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
