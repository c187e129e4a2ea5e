"""The web server, loaded only by who serves: 6 MB that others need not have."""

from __future__ import annotations

from socket import socket
from typing import TYPE_CHECKING

from monitor.web.queries import Queries

if TYPE_CHECKING:
    from monitor.web.server import WebServer


def listening(address: str) -> socket:
    """Return a socket that listens at an address. Raises `PortTaken`."""
    from monitor.web.server import listen  # noqa: PLC0415 # see above

    return listen(address)


def server(queries: Queries, bound: socket) -> WebServer:
    """Return the server of a queries, on a socket that listens already."""
    from monitor.web.app import application  # noqa: PLC0415 # see above
    from monitor.web.server import WebServer  # noqa: PLC0415 # see above

    return WebServer(application(queries), bound)
