"""Where a page is served. Apart from the server, which takes a moment to load: a wrong port should be said at once."""

from __future__ import annotations

import errno
import socket

from motion.arguments import CommandError


def check_port(host: str, port: int) -> None:
    """Refuse a port that somebody uses: viser would take another one silently.

    Raises:
        CommandError: in use, or not to be served from here.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CommandError(f"port {port} of {host} is in use; take another one, e.g. port={port + 1}.") from error
            raise CommandError(f"host={host} port={port}: cannot be served from here ({error.strerror or error}).") from error
        except OverflowError as error:
            raise CommandError(f"port={port}: ports go from 1 to 65535.") from error


def address_of(host: str, port: int) -> str:
    """What to type into a browser."""
    return f"http://{'localhost' if host in ('0.0.0.0', '127.0.0.1') else host}:{port}"
