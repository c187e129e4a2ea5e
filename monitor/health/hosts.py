"""Detects that no host can be reached, that a host is looked at too rarely or sends nothing usable,
and that responses are not read for lack of a worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from monitor.clock import Clock
from monitor.health.metrics import Metrics
from monitor.judge.runs import Blind
from monitor.look.fetch import Answer, Failure, Reason
from monitor.look.reading import NO_WORKER, SMALL_BODY
from monitor.look.sighting import Sighting, State

_UNREACHED = {Reason.DNS, Reason.CONNECT, Reason.TIMEOUT}
_NO_EVIDENCE = {Reason.POOL, Reason.REFUSED_ADDRESS, Reason.MONITOR_FAULT}
_MIN_FAILURES = 3
_REPORT_EVERY = timedelta(seconds=30)


@dataclass(slots=True)
class Connectivity:
    """Reports blind spans in which no host could be reached, from the outcome of every look.

    It takes three failed looks in a row at two hosts (cause `network`, or `dns` if names could not
    be resolved), or three with the cause `dns` at the only host that was ever looked at. The span
    begins with the first of them. Anything else that comes back ends it, even a reset. It is
    reported while it grows, and at its end.
    """

    on_blind: Callable[[Blind], None]
    _known_hosts: set[str] = field(default_factory=set)
    # About the failures in a row, the first of which was sent at `_since`.
    _failed_hosts: set[str] = field(default_factory=set)
    _reasons: set[Reason] = field(default_factory=set)
    _failures: int = 0
    _since: datetime | None = None
    # What was reported, and until when.
    _cause: str = ""
    _reported_until: datetime | None = None

    def note(self, host: str, outcome: Answer | Failure) -> None:
        """Count a look that did not reach its host, or end the outage.

        Looks must be noted in the order in which they end.
        """
        self._known_hosts.add(host)
        reason = outcome.reason if isinstance(outcome, Failure) else None
        if reason is not None and reason in _UNREACHED:
            self._note_failure(host, reason, outcome.sent, outcome.received)
        elif self._failures and reason not in _NO_EVIDENCE:
            self._end_outage(outcome.sent)

    def _note_failure(self, host: str, reason: Reason, sent: datetime, ended: datetime) -> None:
        self._since = self._since or sent
        self._failed_hosts.add(host)
        self._reasons.add(reason)
        self._failures += 1
        # The first cause stays, because another one would begin a second blind span.
        self._cause = self._cause or self._find_cause()
        if self._cause and (
            self._reported_until is None or ended - self._reported_until >= _REPORT_EVERY
        ):
            self._report_blind(ended)

    def _find_cause(self) -> str:
        """Return the cause of an outage, empty if there is none yet."""
        if self._failures < _MIN_FAILURES:
            return ""
        cause = "dns" if self._reasons == {Reason.DNS} else "network"
        is_only_host = len(self._known_hosts) == 1
        return cause if len(self._failed_hosts) >= 2 or (cause == "dns" and is_only_host) else ""

    def _end_outage(self, at: datetime) -> None:
        """Report the end of an outage, if there was one, and forget the failures."""
        if self._cause:
            self._report_blind(at)
        self._failed_hosts, self._reasons = set(), set()
        self._failures, self._since, self._cause, self._reported_until = 0, None, "", None

    def _report_blind(self, until: datetime) -> None:
        self._reported_until = until
        if self._since is not None and until > self._since:
            self.on_blind(Blind(self._since, until, self._cause))


STARVED_FROM = 10.0
"""A host whose looks are this many times further apart than planned counts as unwatched."""
CHECK_EVERY = timedelta(seconds=10)
_REPORT_STARVED_EVERY = timedelta(minutes=1)


@dataclass(slots=True)
class StarvedHosts:
    """Reports blind spans in which a host's budget is far too small for its looks.

    `stretch` returns, by host, how many times further apart than planned its looks are.
    """

    clock: Clock
    stretch: Callable[[], Mapping[str, float]]
    on_blind: Callable[[Blind], None]
    # Both are by host.
    _since: dict[str, datetime] = field(default_factory=dict)
    _reported_until: dict[str, datetime] = field(default_factory=dict)

    async def check(self) -> None:
        """Report the span of each unwatched host: each minute, and at its end."""
        now = self.clock.now()
        starved = {host for host, factor in self.stretch().items() if factor >= STARVED_FROM}
        for host in starved:
            since = self._since.setdefault(host, now)
            if now - self._reported_until.setdefault(host, since) >= _REPORT_STARVED_EVERY:
                self._report_blind(host, now)
        for host in set(self._since) - starved:
            self._report_blind(host, now)
            del self._since[host], self._reported_until[host]

    def _report_blind(self, host: str, now: datetime) -> None:
        self._reported_until[host] = now
        if now > self._since[host]:
            self.on_blind(Blind(self._since[host], now, "budget", host))


_MIN_SILENT_LOOKS = 3
_SILENT_AFTER = timedelta(seconds=10)
_RECENT = timedelta(minutes=10)
"""A host without looks for longer is not reported."""


@dataclass(frozen=True, slots=True)
class SilentHost:
    """A span in which no look at a host proved anything, and the last reason."""

    since: datetime
    until: datetime
    looks: int
    why: str


@dataclass(slots=True)
class SilentHosts:
    """Finds hosts whose looks no longer prove anything, from every look."""

    _silent: dict[str, SilentHost] = field(default_factory=dict)

    def note(self, host: str, sighting: Sighting) -> None:
        """Note one look. Our own lack of workers is ignored."""
        if sighting.why == NO_WORKER:
            return
        if sighting.state is not State.UNKNOWN:
            self._silent.pop(host, None)
            return
        known = self._silent.get(host)
        if known is None or sighting.sent - known.until > _RECENT:
            known = SilentHost(sighting.sent, sighting.sent, 0, "")
        why = sighting.why or str(sighting.status or "")
        self._silent[host] = replace(known, until=sighting.received, looks=known.looks + 1, why=why)

    def silent_now(self, now: datetime) -> dict[str, SilentHost]:
        """Return the hosts whose latest looks proved nothing, if there were enough of them."""
        return {
            host: silence
            for host, silence in sorted(self._silent.items())
            if silence.looks >= _MIN_SILENT_LOOKS
            and silence.until - silence.since >= _SILENT_AFTER
            and now - silence.until <= _RECENT
        }


@dataclass(slots=True)
class WorkerHealth:
    """Records attempts to start a worker, and reports a blind span for each host whose responses
    are not read for lack of one.

    The span begins when the first such response was received, and ends when a worker starts.
    `fault` is why the last one did not start, or empty.
    """

    clock: Clock
    counters: Metrics
    on_blind: Callable[[Blind], None]
    fault: str = ""
    _failing_since: datetime | None = None
    # When the first unread response of each host was received.
    _unread: dict[str, datetime] = field(default_factory=dict)
    _reported_at: datetime | None = None

    def note_start_attempt(self, began: datetime, fault: str) -> None:
        """Note an attempt to start a worker, which failed if there is a `fault`, and
        report spans.
        """
        now, self.fault = self.clock.now(), fault
        if fault:
            self.counters.worker_start_failures.inc()
            self._failing_since = self._failing_since or began
            if self._unread and (
                self._reported_at is None or now - self._reported_at >= _REPORT_EVERY
            ):
                self._report_blind(now)
            return
        self._report_blind(now)
        self._failing_since, self._reported_at = None, None
        self._unread.clear()

    def note_unread(self, host: str, received: datetime) -> None:
        """Note that a host's response was not read for lack of a worker."""
        if self._failing_since is not None:
            self._unread.setdefault(host, received)

    def reasons(self) -> list[str]:
        """Return why large responses cannot be read, empty if they can."""
        if self._failing_since is None:
            return []
        larger = (
            f"no calendar and nothing larger than {SMALL_BODY // 1024} KB can be read since"
            f" {self._failing_since:%H:%M:%S} UTC"
        )
        return [f"{larger}: no worker process starts"]

    def _report_blind(self, now: datetime) -> None:
        self._reported_at = now
        for host, since in self._unread.items():
            self.on_blind(Blind(since, now, NO_WORKER, host))
