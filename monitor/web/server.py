"""uvicorn in the daemon's own loop: it neither takes over signals nor outlives the stop."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Iterator, Sequence
from typing import cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

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
        self,
        app: ASGIApp,
        bound: socket.socket,
        proxies: Sequence[str] = (),
        room: Room | None = None,
        metrics: socket.socket | None = None,
    ) -> None:
        """Whoever connects to `metrics` is there for them alone."""
        self._bound = bound
        self._metrics = metrics
        self.app = app
        self._proxies = [ipaddress.ip_network(one, strict=False) for one in proxies]
        self._believing: ASGIApp = self._answer
        if proxies:
            believed = ProxyHeadersMiddleware(self._answer, trusted_hosts=list(proxies))  # type: ignore[arg-type] # uvicorn's own names for the same
            self._believing = cast("ASGIApp", believed)
        config = uvicorn.Config(
            self._enter,
            interface="asgi3",
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
            server_header=False,
            proxy_headers=False,
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
        await self._server.serve(sockets=[self._bound, *([self._metrics] if self._metrics is not None else [])])

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Who connects, before anything is believed of whom they ask for.
        host = (scope.get("client") or ("",))[0]
        own = self._metrics is not None and scope["server"][1] == self._metrics.getsockname()[1]
        by_proxy = bool(host) and any(ipaddress.ip_address(host) in one for one in self._proxies)
        scope.setdefault("state", {}).update(by_proxy=by_proxy, for_metrics=own)
        await self._believing(scope, receive, send)

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
