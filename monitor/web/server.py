"""uvicorn in the daemon's own event loop. The daemon keeps its signals and stops the server."""

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
from monitor.web.access_log import AccessLog
from monitor.web.connections import LONGEST_HEAD, ConnectionLimiter, default_limiter, limit_connections


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the daemon: uvicorn would end the process before the daemon has stopped in order."""
        yield


def bind_address(address: str) -> socket.socket:
    """Return a socket bound to `host:port`. Raises `PortTaken`."""
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
    """Serves an application on a bound socket. Only `proxies` (addresses, networks) can state the client's address."""

    def __init__(
        self,
        app: ASGIApp,
        bound: socket.socket,
        proxies: Sequence[str] = (),
        limiter: ConnectionLimiter | None = None,
        metrics: socket.socket | None = None,
    ) -> None:
        """Serve only metrics and health on the socket `metrics`, if there is one."""
        self._bound = bound
        self._metrics = metrics
        self.app = app
        self._proxies = [ipaddress.ip_network(one, strict=False) for one in proxies]
        self._behind_proxies: ASGIApp = self._call_current_app
        if proxies:
            trusting = ProxyHeadersMiddleware(self._call_current_app, trusted_hosts=list(proxies))  # type: ignore[arg-type] # uvicorn's own names for the same
            self._behind_proxies = cast("ASGIApp", trusting)
        config = uvicorn.Config(
            self._mark_connection,
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
            # The limits below count a connection only after it was accepted.
            backlog=64,
        )
        self._server = _Server(limit_connections(config, default_limiter(proxies) if limiter is None else limiter))

    @property
    def address(self) -> str:
        """Return the address that the server listens on, `host:port`."""
        host, port = self._bound.getsockname()[:2]
        return f"{host}:{port}"

    async def run(self) -> None:
        """Serve until `stop`."""
        await self._server.serve(sockets=[self._bound, *([self._metrics] if self._metrics is not None else [])])

    async def _mark_connection(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The address of the connection itself, read before proxy headers replace it.
        host = (scope.get("client") or ("",))[0]
        for_metrics = self._metrics is not None and scope["server"][1] == self._metrics.getsockname()[1]
        by_proxy = bool(host) and any(ipaddress.ip_address(host) in one for one in self._proxies)
        scope.setdefault("state", {}).update(by_proxy=by_proxy, for_metrics=for_metrics)
        await self._behind_proxies(scope, receive, send)

    async def _call_current_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Read for each request, because `replace_app` can replace the application.
        await self.app(scope, receive, send)

    def replace_app(self, app: ASGIApp) -> None:
        """Serve another application from now on, and end the event streams of the previous one."""
        if isinstance(self.app, AccessLog):
            self.app.close()
        self.app = app

    def stop(self) -> None:
        """Accept no more requests, finish the current ones, end event streams, and return from `run`."""
        self.replace_app(self.app)
        self._server.should_exit = True
