"""The command line of `view`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from motion.arguments import CommandError
from motion.errors import UnknownNameError
from retarget.view.command import main

REPO = Path(__file__).resolve().parents[3]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_wrong_words_are_one_clear_error(studio: Path) -> None:
    motion = str(studio / "motions" / "clip.npz")
    with pytest.raises(UnknownNameError, match="Did you mean 'port'"):
        main([motion, "prt=8080"])
    with pytest.raises(CommandError, match="one or two are wanted"):
        main([motion, motion, motion, f"port={free_port()}"])
    with pytest.raises(CommandError, match="port=-1"):
        main([motion, "port=-1"])
    with pytest.raises(CommandError, match="65535"):
        main([motion, "port=70000"])
    with pytest.raises(CommandError, match="open=maybe"):
        main([motion, "open=maybe"])


def test_a_port_in_use_is_named(studio: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"port {port} .* is in use"):
            main([str(studio / "motions" / "clip.npz"), f"port={port}"])


@pytest.mark.parametrize("when", ["Ctrl-C ends it", "clip.npz on g1"])
def test_ctrl_c_ends_it_cleanly(studio: Path, when: str) -> None:
    """While the motion is still being read, and when it is shown."""
    words = [sys.executable, "-m", "retarget", "view", str(studio / "motions" / "clip.npz"), f"port={free_port()}"]
    environment = {**os.environ, "PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    heeded = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # also where the tests themselves run in the background
    with subprocess.Popen(words, env=environment, text=True, preexec_fn=heeded, **pipes) as running:
        assert running.stdout is not None
        assert any(when in line for line in iter(running.stdout.readline, ""))
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=20)
    assert (running.returncode, said) == (0, "")
