"""Detects hosts that cannot be reached, are looked at too rarely, or send no usable responses."""

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
_NO_EVIDENCE = {Reason.POOL, Reason.REFUSED_ADDRESS, Reason.MONITOR_FAULT}
_LEAST_FAILED = 3
_UNREACHED_GROWS = timedelta(seconds=30)


class Connectivity:
    """Reports blind spans in which no host could be reached, from the outcome of every look.

    A span begins after three failed connections in a row at two or more hosts, with cause `network`. If all failed to
    resolve a name, the cause is `dns`, and one host is enough if it is the only one. Any response ends the span, even a
    reset. A span is reported again while it grows, and when it ends.
    """

    def __init__(self, on_blind: Callable[[Blind], None]) -> None:
        self._on_blind = on_blind
        self._known: set[str] = set()
        self._failed: set[str] = set()
        self._reasons: set[Reason] = set()
        self._looks = 0
        self._since: datetime | None = None
        self._cause = ""
        self._until: datetime | None = None

    def note(self, host: str, outcome: Answer | Failure) -> None:
        """Note the outcome of one look. Call it in the order in which looks end."""
        self._known.add(host)
        reason = outcome.reason if isinstance(outcome, Failure) else None
        if reason is not None and reason in _UNREACHED:
            self._note_failure(host, reason, outcome)
        elif self._looks and reason not in _NO_EVIDENCE:
            self._end_outage(outcome.sent)

    def _note_failure(self, host: str, reason: Reason, outcome: Answer | Failure) -> None:
        self._since = self._since or outcome.sent
        self._failed.add(host)
        self._reasons.add(reason)
        self._looks += 1
        # A reported cause is kept, because a span with another cause would be a second span.
        self._cause = self._cause or self._find_cause()
        if self._cause and (self._until is None or outcome.received - self._until >= _UNREACHED_GROWS):
            self._report_blind(outcome.received)

    def _find_cause(self) -> str:
        """Return the cause of the failures in a row, or an empty text if they do not show an outage yet."""
        if self._looks < _LEAST_FAILED:
            return ""
        is_names = self._reasons == {Reason.DNS}
        if len(self._failed) < 2 and not (is_names and len(self._known) == 1):
            return ""
        return "dns" if is_names else "network"

    def _end_outage(self, at: datetime) -> None:
        if self._cause:
            self._report_blind(at)
        self._failed, self._reasons = set(), set()
        self._looks, self._since, self._cause, self._until = 0, None, "", None

    def _report_blind(self, until: datetime) -> None:
        self._until = until
        if self._since is not None and until > self._since:
            self._on_blind(Blind(self._since, until, self._cause))


TOO_FAR = 10.0
"""A host whose looks are this many times wider apart than planned counts as unwatched."""
CHECK_EVERY = timedelta(seconds=10)
_STARVED_GROWS = timedelta(minutes=1)


class StarvedHosts:
    """Reports blind spans in which a host's looks are spaced too widely, because its budget is too small."""

    def __init__(
        self, clock: Clock, stretch: Callable[[], Mapping[str, float]], on_blind: Callable[[Blind], None]
    ) -> None:
        self._clock = clock
        self._stretch = stretch
        self._on_blind = on_blind
        self._since: dict[str, datetime] = {}
        self._until: dict[str, datetime] = {}

    async def check(self) -> None:
        """Check all hosts once. This is a recurring job."""
        now, stretch = self._clock.now(), self._stretch()
        starved = {host for host, times in stretch.items() if times >= TOO_FAR}
        for host in starved:
            since = self._since.setdefault(host, now)
            if now - self._until.setdefault(host, since) >= _STARVED_GROWS:
                self._report_blind(host, now)
        for host in set(self._since) - starved:
            self._report_blind(host, now)
            del self._since[host], self._until[host]

    def _report_blind(self, host: str, now: datetime) -> None:
        self._until[host] = now
        if now > self._since[host]:
            self._on_blind(Blind(self._since[host], now, "budget", host))


_LEAST_SILENT = 3
_SILENT_AFTER = timedelta(seconds=10)
_RECENT = timedelta(minutes=10)
"""A host without looks for longer is not reported."""


@dataclass(frozen=True, slots=True)
class SilentHost:
    """A span in which no look at a host proved anything, with the number of looks and the last reason."""

    since: datetime
    until: datetime
    looks: int
    why: str

    @property
    def is_long(self) -> bool:
        """Return whether it should be reported: three or more looks in ten or more seconds."""
        return self.looks >= _LEAST_SILENT and self.until - self.since >= _SILENT_AFTER


class SilentHosts:
    """Finds hosts whose looks no longer prove anything, from every look."""

    def __init__(self) -> None:
        self._silent: dict[str, SilentHost] = {}

    def note(self, host: str, sighting: Sighting) -> None:
        """Note one look. A proof ends the host's silence. A response that we could not read does not count."""
        if sighting.why == NO_WORKER:
            return
        if sighting.state is not State.UNKNOWN:
            if self._silent:
                self._silent.pop(host, None)
            return
        known = self._silent.get(host)
        if known is None or sighting.sent - known.until > _RECENT:
            known = SilentHost(sighting.sent, sighting.sent, 0, "")
        why = sighting.why or str(sighting.status or "")
        self._silent[host] = replace(known, until=sighting.received, looks=known.looks + 1, why=why)

    def silent_now(self, now: datetime) -> dict[str, SilentHost]:
        """Return the hosts to report at `now`."""
        recent = ((host, one) for host, one in sorted(self._silent.items()) if now - one.until <= _RECENT)
        return {host: silence for host, silence in recent if silence.is_long}
