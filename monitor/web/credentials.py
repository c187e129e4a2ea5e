"""What opens the few doors of the web that change something, and how often somebody may try a wrong key."""

from __future__ import annotations

import hmac
import ipaddress
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from alerts.signed_link import NOTICE_SEPARATOR, read_token
from monitor.clock import Clock

_MOST_CLIENTS = 10_000


class TokenScope(StrEnum):
    """What a program may do that shows a token: read the metrics; everything; and do what duty staff do as well."""

    METRICS = "metrics"
    READ = "read"
    DUTY = "duty"


@dataclass(frozen=True, slots=True)
class Keys:
    """The key that signs links in notices, and the tokens that programs show; empty where there is none.

    `token` opens everything that can be read, `metrics` the metrics alone.
    """

    link: bytes = field(default=b"", repr=False)
    token: bytes = field(default=b"", repr=False)
    metrics: bytes = field(default=b"", repr=False)

    def opened(self, token: str, now: datetime) -> tuple[str, str] | None:
        """Return the incident that a signed link opens and how the id of its notice begins; None for a wrong link."""
        found = read_token(token, self.link, now) if self.link else None
        return None if found is None else (found.partition(NOTICE_SEPARATOR)[0], found.partition(NOTICE_SEPARATOR)[2])

    def scope(self, shown: str) -> TokenScope | None:
        """Return what a token opens that is shown; takes as long for any wrong one."""
        told = ((self.token, TokenScope.DUTY), (self.metrics, TokenScope.METRICS))
        right = [scope for token, scope in told if hmac.compare_digest(shown.encode(), token) and token]
        return next(iter(right), None)


def bearer(authorization: str) -> str:
    """Return the token that an Authorization header bears, empty where it bears none."""
    scheme, _, shown = authorization.partition(" ")
    return shown.strip() if scheme.lower() == "bearer" else ""


@dataclass(slots=True)
class Throttle:
    """Lets whoever showed `most` wrong keys within a minute wait for the rest of it, and twice as long the next time.

    Counts by whatever names a guesser: an address, or the account that is guessed at.
    """

    clock: Clock
    most: int = 20
    span: float = 60.0
    longest: float = 960.0
    _failures: OrderedDict[str, tuple[float, int, float]] = field(default_factory=OrderedDict)

    def wait(self, client: str) -> int:
        """Return for how many seconds a client must not try again; 0 when it may."""
        began, count, span = self._failures.get(network_of(client), (0.0, 0, self.span))
        left = began + span - self.clock.monotonic()
        return max(1, round(left)) if count >= self.most and left > 0 else 0

    def failed(self, client: str) -> None:
        """Take note of a wrong key."""
        now, client = self.clock.monotonic(), network_of(client)
        began, count, span = self._failures.pop(client, (now, 0, self.span))
        if now - began < span:
            self._failures[client] = (began, count + 1, span)
        else:
            goes_on = count >= self.most and now - began < 2 * span
            self._failures[client] = (now, 1, min(2 * span, self.longest) if goes_on else self.span)
        if len(self._failures) > _MOST_CLIENTS:
            self._failures.popitem(last=False)


def network_of(client: str) -> str:
    """Return the network of an IPv6 address, of which everybody has more addresses than can be counted."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    return client if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))
