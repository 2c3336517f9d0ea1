"""The whole way, from people's recordings to a score, with the commands that a user would type.

Simulated workers film four chores; the recordings are retargeted onto the Unitree G1 with Dex3 hands and replayed in
simulation by an expert; a small policy learns from it and is scored on recordings of workers that it has never seen.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import time

OUT = "runs/demo"
NOTE = (
    "The expert that the policy learned from worked in plants drawn anew for every episode, from ranges that reach as far as the "
    "perturbed plants here: this is robustness within what was trained for. Workers 100 to 102 were never seen in training."
)
STAGES: tuple[tuple[str, str], ...] = (
    ("film", f"-m workers record workers=9 output={OUT}/film"),
    ("film, held-out workers", f"-m workers record workers=3 first_worker=100 output={OUT}/film_held_out"),
    ("retarget", f"-m retarget input='{OUT}/film/*.npz' robot=g1_dex3 smooth.cutoff_hz=4 output={OUT}/motions"),
    ("retarget, held out", f"-m retarget input='{OUT}/film_held_out/*.npz' robot=g1_dex3 smooth.cutoff_hz=4 output={OUT}/motions_held_out"),
    ("replay", f"-m envs replay motions={OUT}/motions output={OUT}/demonstrations seeds=2 unsolved=longest_span"),
    ("train", f"train.py demonstrations={OUT}/demonstrations output={OUT}/policy train.steps=600"),
    (
        "evaluate",
        f"evaluate.py checkpoint={OUT}/policy/best motions={OUT}/motions_held_out output={OUT} unsolved=longest_span "
        f"recordings={OUT}/film_held_out cards={OUT}/motions_held_out 'notes=[\"{NOTE}\"]'",
    ),
)


def main() -> int:
    """Run every stage; stop at the first that fails."""
    shutil.rmtree(OUT, ignore_errors=True)
    begin = time.monotonic()
    for name, words in STAGES:
        print(f"\n== {name}: python {words}", flush=True)
        start = time.monotonic()
        status = subprocess.run([sys.executable, *shlex.split(words)], check=False).returncode
        if status:
            print(f"the stage {name!r} failed with status {status}", file=sys.stderr)
            return status
        print(f"== {name}: {time.monotonic() - start:.0f} s", flush=True)
    print(f"\ndone in {time.monotonic() - begin:.0f} s; open {OUT}/report.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
