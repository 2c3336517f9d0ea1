"""Work over the cores: processes do not outlive whoever started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_SLEEPERS = """
import multiprocessing, threading, time
from motion.cores import over_cores

def tell():
    while len(multiprocessing.active_children()) < 2:
        time.sleep(0.05)
    time.sleep(1.0)
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)

threading.Thread(target=tell, daemon=True).start()
list(over_cores(time.sleep, [(120,), (120,)], 2))
"""


def _lives(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc here")
def test_processes_end_where_their_parent_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", _SLEEPERS], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        children = [int(word) for word in parent.stdout.readline().split()]
        assert len(children) == 2
        assert all(_lives(child) for child in children)
        os.kill(parent.pid, signal.SIGKILL)
    until = time.monotonic() + 20.0
    while any(_lives(child) for child in children) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(_lives(child) for child in children)
