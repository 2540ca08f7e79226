"""Checks the port on which a process is to listen."""

from __future__ import annotations

import socket

from app.errors import Rejected


def check_port(host: str, port: int, *, variables: str) -> None:
    """Raise Rejected when *port* is taken.

    Granian listens with SO_REUSEPORT, so it does not fail when another process uses the port in the same way: each
    would get a part of the calls.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Rejected(f"{variables}: can't listen on {host}:{port} ({error.strerror})") from error
