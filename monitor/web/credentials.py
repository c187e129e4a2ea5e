"""What opens the few doors of the web that change something, and how often somebody may try a wrong key."""

from __future__ import annotations

import hmac
import ipaddress
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime

from alerts.signed_link import read
from monitor.clock import Clock

_MOST_CLIENTS = 10_000


@dataclass(frozen=True, slots=True)
class Keys:
    """The key that signs links in notices, and the tokens that programs show; empty where there is none.

    `token` opens everything that can be read, `metrics` the metrics alone.
    """

    link: bytes = field(default=b"", repr=False)
    token: bytes = field(default=b"", repr=False)
    metrics: bytes = field(default=b"", repr=False)

    def incident(self, token: str, now: datetime) -> str | None:
        """Return the incident that a signed link stands for, None for a false or outdated one."""
        return read(token, self.link, now) if self.link else None

    def opens(self, authorization: str) -> bool:
        """Tell whether an Authorization header bears the token; takes as long for any wrong one."""
        return _bears(authorization, self.token)

    def opens_metrics(self, authorization: str) -> bool:
        """Tell whether an Authorization header bears a token that is good for the metrics."""
        either = [_bears(authorization, token) for token in (self.metrics, self.token)]
        return any(either)


def _bears(authorization: str, token: bytes) -> bool:
    scheme, _, shown = authorization.partition(" ")
    right = hmac.compare_digest(shown.strip().encode(), token)
    return bool(token) and scheme.lower() == "bearer" and right


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
