"""Tables of `[[channel]]` for tests, with secrets that are given as text, and how their addresses
are reached.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, TypeAdapter

from alerts.channels.base import Outbound
from alerts.channels.settings import ChannelSettings
from monitor.app.options import make_outbound
from monitor.clock import SystemClock
from monitor.config.settings import NetworkSettings
from monitor.look.guard import Guard
from monitor.look.http.resolve import Proxies, Proxy, Resolver
from monitor.look.http.transport import HttpTransport
from schedules.values import Secret, write_duration

_TABLES: TypeAdapter[Any] = TypeAdapter(ChannelSettings)
_SECRETS = {
    "alertmanager": "token",
    "apprise": "url",
    "mail": "password",
    "notify": "key",
    "pagerduty": "routing_key",
    "webhook": "secret",
}


class KnownSecret(Secret):
    """A secret with a text chosen by the test."""

    text: str = Field(repr=False)

    def reveal(self) -> str:
        return self.text


def channel_settings(kind: str, name: str = "c", **keys: object) -> Any:  # noqa: ANN401 # the table of any kind
    """Return the table of a channel. Seconds may be given as a number, its secret as text."""
    table: dict[str, object] = {"name": name, "kind": kind}
    for key, value in keys.items():
        if isinstance(value, str) and key == _SECRETS.get(kind):
            table[key] = KnownSecret(env="A_TEST", text=value)
        elif key in {"timeout", "hold", "hold_others"} and isinstance(value, int | float):
            table[key] = write_duration(timedelta(seconds=value))
        else:
            table[key] = value
    return _TABLES.validate_python(table)


DIRECT = make_outbound(NetworkSettings())


def through(proxy: str) -> Outbound:
    """Return how addresses are reached through a proxy.

    One on this machine itself is reached through it too.
    """
    split = urlsplit(proxy)
    proxies = Proxies(Proxy(split.hostname or "", split.port or 3128, tunnels_http=False))
    resolver = Resolver(Guard(anywhere=True), proxies=proxies)
    return lambda _, tls, seconds: HttpTransport(
        SystemClock(), resolver, seconds=seconds, context=tls
    )
