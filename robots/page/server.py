"""The web server of a page: up in a moment, so that browsers load their part of it while motions are still being read."""

from __future__ import annotations

import contextlib
import io
import logging

import viser

PANEL_PX = 430
_AMBIENT = 1.6


def open_server(host: str = "127.0.0.1", port: int = 8080) -> viser.ViserServer:
    """Serve an empty page, lit and laid out.

    Browsers that are there before the motion is would otherwise prepare for the usual light, and then once more for ours.
    Shadows and reflections cost a browser without a GPU more than all the rest: there are none.
    """
    # Browsers open connections ahead and drop them; websockets writes a traceback for each.
    logging.getLogger("websockets.server").setLevel(logging.CRITICAL)
    with contextlib.redirect_stdout(io.StringIO()):  # viser announces itself; the command says it in its own words
        server = viser.ViserServer(host=host, port=port, label="Understudy", verbose=False)
    server.scene.configure_environment_map(hdri=None)
    server.scene.configure_default_lights(cast_shadow=False)
    server.scene.add_light_ambient("/light", intensity=_AMBIENT)
    server.gui.configure_theme(show_logo=False, show_share_button=False)
    server.gui.main_panel.dock_right()
    server.gui.main_panel.set_width(PANEL_PX)
    return server


def close_server(server: viser.ViserServer) -> None:
    """Stop serving."""
    with contextlib.redirect_stdout(io.StringIO()):
        server.stop()
