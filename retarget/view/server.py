"""The web server of a page: up in a moment, so that browsers load their part of it while motions are still being read."""

from __future__ import annotations

import contextlib
import io
import logging

import viser


def open_server(host: str = "127.0.0.1", port: int = 8080) -> viser.ViserServer:
    """Serve an empty page."""
    # Browsers open connections ahead and drop them; websockets writes a traceback for each.
    logging.getLogger("websockets.server").setLevel(logging.CRITICAL)
    with contextlib.redirect_stdout(io.StringIO()):  # viser announces itself; the command says it in its own words
        return viser.ViserServer(host=host, port=port, label="Understudy", verbose=False)


def close_server(server: viser.ViserServer) -> None:
    """Stop serving."""
    with contextlib.redirect_stdout(io.StringIO()):
        server.stop()
