"""Tokens, signed links, and the limit on wrong guesses."""

from __future__ import annotations

import hmac
import ipaddress
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from alerts.signed_link import SEPARATOR, read_token
from monitor.clock import Clock

_MOST_CLIENTS = 10_000


class TokenScope(StrEnum):
    """The permissions of a token: read the metrics, read those of releases before their slot, read
    everything, or also act like staff on duty.
    """

    METRICS = "metrics"
    EMBARGOED = "embargoed"
    READ = "read"
    DUTY = "duty"


@dataclass(frozen=True, slots=True)
class SignedLink:
    """What a signed link is for: an incident, the beginning of the id of the notice that it came
    with, and the channel to which that was sent.
    """

    incident: str
    notice_beginning: str
    channel: str


@dataclass(frozen=True, slots=True)
class Keys:
    """The key that signs links in notices, and the configured tokens.

    An empty value means that there is none.

    `token` has the scope `TokenScope.DUTY`. The others have that of their name.
    """

    link: bytes = field(default=b"", repr=False)
    token: bytes = field(default=b"", repr=False)
    metrics: bytes = field(default=b"", repr=False)
    embargoed: bytes = field(default=b"", repr=False)

    def read_link(self, token: str, now: datetime) -> SignedLink | None:
        """Return what a signed link's token says, None if it is invalid."""
        content = read_token(token, self.link, now) if self.link else None
        if content is None:
            return None
        incident, _, sent = content.partition(SEPARATOR)
        notice_beginning, _, channel = sent.partition(SEPARATOR)
        return SignedLink(incident, notice_beginning, channel)

    def find_scope(self, token: str) -> TokenScope | None:
        """Return the scope of a token, None if it is not configured.

        Takes equally long for every wrong token.
        """
        known = (
            (self.token, TokenScope.DUTY),
            (self.metrics, TokenScope.METRICS),
            (self.embargoed, TokenScope.EMBARGOED),
        )
        matching = [
            scope for one, scope in known if hmac.compare_digest(token.encode(), one) and one
        ]
        return next(iter(matching), None)


class Guess(StrEnum):
    """What a wrong guess was for. Guesses for one kind do not delay those for another."""

    LINK = "link"
    TOKEN = "token"  # noqa: S105 # a kind, not a token
    PASSWORD = "password"  # noqa: S105 # a kind, not a password


@dataclass(slots=True)
class Throttle:
    """Makes a client wait after `most` wrong guesses of one kind within `span` seconds.

    If it continues after that, the next wait is twice as long, `longest` at most. A client is an
    address or account.
    """

    clock: Clock
    most: int = 20
    span: float = 60.0
    longest: float = 960.0
    # When the current span of a client began, its wrong guesses in the span, and the span's length.
    _failures: OrderedDict[tuple[Guess, str], tuple[float, int, float]] = field(
        default_factory=OrderedDict
    )

    def wait(self, kind: Guess, client: str) -> int:
        """Return for how many seconds a client must wait before it tries again; 0 if it need not
        wait.
        """
        failures = self._failures.get((kind, network_of(client)), (0.0, 0, self.span))
        began, count, span = failures
        remaining = began + span - self.clock.monotonic()
        return max(1, round(remaining)) if count >= self.most and remaining > 0 else 0

    def count_failure(self, kind: Guess, client: str) -> None:
        """Count a wrong guess of a client in its current span of time.

        If that has ended, begin a new span.

        A client with too many wrong guesses must wait until its span ends. If it guesses wrong
        again within another such span, its new span is twice as long. If there are too many
        clients, forget one: its last guess is oldest.
        """
        now, key = self.clock.monotonic(), (kind, network_of(client))
        began, count, span = self._failures.pop(key, (now, 0, self.span))
        if now - began < span:
            self._failures[key] = (began, count + 1, span)
        else:
            goes_on_after_wait = count >= self.most and now - began < 2 * span
            new_span = min(2 * span, self.longest) if goes_on_after_wait else self.span
            self._failures[key] = (now, 1, new_span)
        # Each guess has put its client at the end, so the first client has the oldest last guess.
        if len(self._failures) > _MOST_CLIENTS:
            self._failures.popitem(last=False)


def unmapped(address: str) -> str:
    """Return an IPv4 address that a socket of both families shows as `::ffff:192.0.2.1` as it is
    written elsewhere. Return other texts unchanged.
    """
    try:
        mapped = ipaddress.IPv6Address(address).ipv4_mapped
    except ValueError:
        return address
    return address if mapped is None else str(mapped)


def network_of(client: str) -> str:
    """Return the /64 network of an IPv6 address, because a client can use all of it.

    Return other texts unchanged.
    """
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    return (
        client if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))
    )
