"""What opens the few doors of the web that change something, and how often somebody may try a wrong key."""

from __future__ import annotations

import hmac
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime

from alerts.signed_link import read
from monitor.clock import Clock

_MOST_CLIENTS = 10_000


@dataclass(frozen=True, slots=True)
class Keys:
    """The key that signs links in notices, and the token a program shows; empty where there is none."""

    link: bytes = field(default=b"", repr=False)
    token: bytes = field(default=b"", repr=False)

    def incident(self, token: str, now: datetime) -> str | None:
        """Return the incident that a signed link stands for, None for a false or outdated one."""
        return read(token, self.link, now) if self.link else None

    def opens(self, authorization: str) -> bool:
        """Tell whether an Authorization header bears the token; takes as long for any wrong one."""
        scheme, _, shown = authorization.partition(" ")
        right = hmac.compare_digest(shown.strip().encode(), self.token)
        return bool(self.token) and scheme.lower() == "bearer" and right


@dataclass(slots=True)
class Throttle:
    """Lets a client that showed `most` wrong keys within a minute wait for the rest of it."""

    clock: Clock
    most: int = 20
    span: float = 60.0
    _failures: OrderedDict[str, tuple[float, int]] = field(default_factory=OrderedDict)

    def wait(self, client: str) -> int:
        """Return for how many seconds a client must not try again; 0 when it may."""
        began, count = self._failures.get(client, (0.0, 0))
        left = began + self.span - self.clock.monotonic()
        return max(1, round(left)) if count >= self.most and left > 0 else 0

    def failed(self, client: str) -> None:
        """Take note of a wrong key."""
        now = self.clock.monotonic()
        began, count = self._failures.pop(client, (now, 0))
        self._failures[client] = (now, 1) if now - began >= self.span else (began, count + 1)
        if len(self._failures) > _MOST_CLIENTS:
            self._failures.popitem(last=False)
