"""The HTTP server: uvicorn, run in the daemon's event loop.

The daemon handles signals and stops the server.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Iterator, Sequence
from functools import partial
from typing import cast

import uvicorn
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from monitor.errors import PortTaken
from monitor.web.connections import MAX_HEADER_BYTES, Connection, ConnectionLimiter, default_limiter
from monitor.web.credentials import unmapped
from monitor.web.local_socket import CONFIGURATION_HEADER, LocalSocket
from monitor.web.request import problem_response

_TWO_LENGTHS = "a request has either a Content-Length or a Transfer-Encoding"
"""A proxy may go by the other one of them. What it takes for the rest of the body would then be a
request in its name (RFC 9112, 6.1).
"""


_OTHER_MONITOR = "the monitor that serves this socket has another configuration"


class _UvicornServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the daemon: uvicorn would end the process before the daemon has stopped
        in order.
        """
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
        raise PortTaken(
            f"cannot listen on {address}: {exc.strerror}: free it, or choose another port"
        ) from exc
    return bound


class WebServer:
    """An HTTP server for one application.

    `X-Forwarded-For` and `X-Forwarded-Proto` are read only from clients in `proxies`, a list of
    addresses and networks.
    """

    def __init__(
        self,
        app: ASGIApp,
        pages: socket.socket,
        proxies: Sequence[str] = (),
        limiter: ConnectionLimiter | None = None,
        metrics: socket.socket | None = None,
        local: LocalSocket | None = None,
    ) -> None:
        """Prepare to serve `app` on the bound socket `pages`, and to users of this machine on
        `local`.

        On the socket `metrics`, serve only metrics and health.

        `limiter` limits connections. The default is `default_limiter`.
        """
        self._socket = pages
        self._metrics_socket = metrics
        self._local = local
        self.app = app
        self._proxies = [ipaddress.ip_network(proxy, strict=False) for proxy in proxies]
        # A request passes `_record_connection`, then `_apply_proxy_headers` (which replaces the
        # client's address and the scheme by those that trusted proxies send), then
        # `_call_current_app`, which calls the newest `self.app`.
        trusting = ProxyHeadersMiddleware(self._call_current_app, trusted_hosts=list(proxies))  # type: ignore[arg-type] # the types of uvicorn and starlette differ
        self._apply_proxy_headers = cast("ASGIApp", trusting)
        config = uvicorn.Config(
            self._record_connection,
            interface="asgi3",
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
            server_header=False,
            proxy_headers=False,
            http="h11",
            ws="none",
            h11_max_incomplete_event_size=MAX_HEADER_BYTES,
            # At most this many connections wait to be accepted. `limiter` does not count them yet,
            # so they are few.
            backlog=64,
        )
        # `load` sets uvicorn's own protocol class, which is then replaced.
        config.load()
        make_connection = partial(
            Connection, limiter=default_limiter(proxies) if limiter is None else limiter
        )
        config.http_protocol_class = make_connection  # type: ignore[assignment] # called as a class
        self._server = _UvicornServer(config)

    @property
    def address(self) -> str:
        """Return the address that the server listens on, `host:port`."""
        host, port = self._socket.getsockname()[:2]
        return f"{host}:{port}"

    async def run(self) -> None:
        """Serve until `stop`."""
        local = None if self._local is None else self._local.bound
        every = (self._socket, self._metrics_socket, local)
        try:
            await self._server.serve([one for one in every if one is not None])
        finally:
            if self._local is not None:
                self._local.remove()

    async def _record_connection(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record whether a trusted proxy sent a request and whether the metrics socket received it.

        Then pass it on. Refuse a request that has two lengths.
        """
        if {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}:
            refusal = problem_response(400, _TWO_LENGTHS, {"Connection": "close"})
            await refusal(scope, receive, send)
            return
        if self._local is not None and self._is_for_other_monitor(scope, self._local):
            await problem_response(421, _OTHER_MONITOR)(scope, receive, send)
            return
        # Proxy headers replace the client's address later, so the address of the connection is read
        # here.
        host, *port = scope.get("client") or ("",)
        host = unmapped(host)
        scope["client"] = (host, *port) if host else None
        # The configuration gives the two sockets different ports.
        for_metrics = (
            self._metrics_socket is not None
            and scope["server"][1] == self._metrics_socket.getsockname()[1]
        )
        by_proxy = bool(host) and any(ipaddress.ip_address(host) in one for one in self._proxies)
        scope.setdefault("state", {}).update(by_proxy=by_proxy, for_metrics=for_metrics)
        await self._apply_proxy_headers(scope, receive, send)

    @staticmethod
    def _is_for_other_monitor(scope: Scope, local: LocalSocket) -> bool:
        """Return whether a command sent a request that is for the monitor of another
        configuration.
        """
        asked = Headers(scope=scope).get(CONFIGURATION_HEADER)
        return asked is not None and asked != str(local.configuration)

    async def _call_current_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    def replace_app(self, app: ASGIApp) -> None:
        """Serve another application from now on."""
        self.app = app

    def stop(self) -> None:
        """Accept no more requests, finish the current ones, and return from `run`."""
        self._server.should_exit = True
