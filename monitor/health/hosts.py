"""Hosts that cannot be reached, are looked at too seldom, or answer nothing usable. Pure; instants are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.clock import Clock
from monitor.judge.runs import Blind
from monitor.look.fetch import Answer, Failure, Reason
from monitor.look.reading import NO_WORKER
from monitor.look.sighting import Sighting, State

_UNREACHED = {Reason.DNS, Reason.CONNECT, Reason.TIMEOUT}
_SAYS_NOTHING = {Reason.POOL, Reason.REFUSED_ADDRESS, Reason.MONITOR_FAULT}
_LEAST_FAILED = 3
_UNREACHED_GROWS = timedelta(seconds=30)


class Connectivity:
    """Takes every look's outcome and tells of spans in which no host at all could be reached.

    Nothing is reached once three looks in a row failed without a connection, at two hosts or more, cause `network`;
    where all of them failed for want of an address the cause is `dns`, and a lone host is enough. What answers
    anything, a reset or an error page, was reached. A span is told of again while it grows, and when it ends.
    """

    def __init__(self, told: Callable[[Blind], None]) -> None:
        self._told = told
        self._known: set[str] = set()
        self._failed: set[str] = set()
        self._reasons: set[Reason] = set()
        self._looks = 0
        self._since: datetime | None = None
        self._cause = ""
        self._until: datetime | None = None

    def note(self, host: str, outcome: Answer | Failure) -> None:
        """Take in one look, in the order in which they ended."""
        self._known.add(host)
        reason = outcome.reason if isinstance(outcome, Failure) else None
        if reason is not None and reason in _UNREACHED:
            self._fail(host, reason, outcome)
        elif self._looks and reason not in _SAYS_NOTHING:
            self._reached(outcome.sent)

    def _fail(self, host: str, reason: Reason, outcome: Answer | Failure) -> None:
        self._since = self._since or outcome.sent
        self._failed.add(host)
        self._reasons.add(reason)
        self._looks += 1
        # A cause that was told stays that of the span: another would be a second span.
        self._cause = self._cause or self._named()
        if self._cause and (self._until is None or outcome.received - self._until >= _UNREACHED_GROWS):
            self._tell(outcome.received)

    def _named(self) -> str:
        if self._looks < _LEAST_FAILED:
            return ""
        is_names = self._reasons == {Reason.DNS}
        if len(self._failed) < 2 and not (is_names and len(self._known) == 1):
            return ""
        return "dns" if is_names else "network"

    def _reached(self, at: datetime) -> None:
        if self._cause:
            self._tell(at)
        self._failed, self._reasons = set(), set()
        self._looks, self._since, self._cause, self._until = 0, None, "", None

    def _tell(self, until: datetime) -> None:
        self._until = until
        if self._since is not None and until > self._since:
            self._told(Blind(self._since, until, self._cause))


TOO_FAR = 10.0
"""Looks this many times as far apart as they should be leave their host as good as unwatched."""
CHECKED = timedelta(seconds=10)
_STARVED_GROWS = timedelta(minutes=1)


class StarvedHosts:
    """Asks now and then how far each host's looks are spread out, and tells of spans in which that is too far."""

    def __init__(self, clock: Clock, stretch: Callable[[], Mapping[str, float]], told: Callable[[Blind], None]) -> None:
        self._clock = clock
        self._stretch = stretch
        self._told = told
        self._since: dict[str, datetime] = {}
        self._until: dict[str, datetime] = {}

    async def check(self) -> None:
        """Ask once; a recurring job."""
        now, stretch = self._clock.now(), self._stretch()
        starved = {host for host, times in stretch.items() if times >= TOO_FAR}
        for host in starved:
            since = self._since.setdefault(host, now)
            if now - self._until.setdefault(host, since) >= _STARVED_GROWS:
                self._tell(host, now)
        for host in set(self._since) - starved:
            self._tell(host, now)
            del self._since[host], self._until[host]

    def _tell(self, host: str, now: datetime) -> None:
        self._until[host] = now
        if now > self._since[host]:
            self._told(Blind(self._since[host], now, "budget", host))


_LEAST_SILENT = 3
_LONG = timedelta(seconds=10)
_LATELY = timedelta(minutes=10)
"""A host that was not looked at for longer says nothing of now."""


@dataclass(frozen=True, slots=True)
class Unheard:
    """A span in which no look at a host proved anything: since when, until the last look, how many, and its reason."""

    since: datetime
    until: datetime
    looks: int
    why: str

    @property
    def is_long(self) -> bool:
        """Tell whether it is worth telling: three looks or more, over ten seconds or more."""
        return self.looks >= _LEAST_SILENT and self.until - self.since >= _LONG


class SilentHosts:
    """Takes every look and tells of hosts none of whose looks prove anything any more."""

    def __init__(self) -> None:
        self._unheard: dict[str, Unheard] = {}

    def note(self, host: str, sighting: Sighting) -> None:
        """Take in one look; one that proved anything ends the host's silence, what we could not read does not count."""
        if sighting.why == NO_WORKER:
            return
        if sighting.state is not State.UNKNOWN:
            if self._unheard:
                self._unheard.pop(host, None)
            return
        known = self._unheard.get(host)
        if known is None or sighting.sent - known.until > _LATELY:
            known = Unheard(sighting.sent, sighting.sent, 0, "")
        why = sighting.why or str(sighting.status or "")
        self._unheard[host] = replace(known, until=sighting.received, looks=known.looks + 1, why=why)

    def unheard(self, now: datetime) -> dict[str, Unheard]:
        """Return the spans of just now that are worth telling, by host."""
        lately = ((host, one) for host, one in sorted(self._unheard.items()) if now - one.until <= _LATELY)
        return {host: silence for host, silence in lately if silence.is_long}
