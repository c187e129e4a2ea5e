"""The transport that channels get from the configuration, without a proxy and through one."""

from __future__ import annotations

from urllib.parse import urlsplit

from alerts.channels.http import Transports
from monitor.app.reporting_options import transports_of
from monitor.look.http.resolve import Proxy

DIRECT = transports_of(None, 30.0)


def through(proxy: str) -> Transports:
    """Return what makes transports through the proxy at a URL."""
    split = urlsplit(proxy)
    return transports_of(Proxy(split.hostname or "", split.port or 3128), 30.0)
