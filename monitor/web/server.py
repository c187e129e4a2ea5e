"""uvicorn in the daemon's own loop: it neither takes over signals nor outlives the stop."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from monitor.errors import PortTaken
from monitor.web.access_log import Access
from monitor.web.connections import LONGEST_HEAD, Room, bounded, room_of


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the daemon, which would otherwise be ended without its orderly stop."""
        yield


def listen(address: str) -> socket.socket:
    """Bind `host:port`. Raises `PortTaken`."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host.strip("[]"), int(port)))
    except OSError as exc:
        bound.close()
        raise PortTaken(f"cannot listen on {address}: {exc.strerror}") from exc
    return bound


class WebServer:
    """Serves an application on a bound socket until told to stop. `proxies` are believed when they say who asks."""

    def __init__(
        self, app: ASGIApp, bound: socket.socket, proxies: Sequence[str] = (), room: Room | None = None
    ) -> None:
        self._bound = bound
        self.app = app
        config = uvicorn.Config(
            self._answer,
            interface="asgi3",
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
            http="h11",
            ws="none",
            h11_max_incomplete_event_size=LONGEST_HEAD,
            # So many are taken in at once before any of them is counted.
            backlog=64,
        )
        self._server = _Server(bounded(config, room_of(proxies) if room is None else room))

    @property
    def address(self) -> str:
        """Return the address that is listened on, `host:port`."""
        host, port = self._bound.getsockname()[:2]
        return f"{host}:{port}"

    async def run(self) -> None:
        """Serve until `stop`."""
        await self._server.serve(sockets=[self._bound])

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The application of that moment: another may take its place.
        await self.app(scope, receive, send)

    def serve(self, app: ASGIApp) -> None:
        """Have another application answer from now on; streams of the one before it end."""
        if isinstance(self.app, Access):
            self.app.close()
        self.app = app

    def stop(self) -> None:
        """Take no more requests, finish those under way, end streams, and return from `run`."""
        self.serve(self.app)
        self._server.should_exit = True
