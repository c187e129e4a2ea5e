"""Spans in which nothing could be seen: written down, counted, and judged again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from monitor.health.metrics import Metrics
from monitor.judge.runs import Blind, Run
from monitor.look.sighting import Sighting
from monitor.store.writer import Writer
from monitor.threads import Tasks
from monitor.watch.judging_queue import JudgingQueue

_log = structlog.get_logger(__name__)
_MINUTE, _MOMENT = timedelta(minutes=1), timedelta(seconds=1)


class BlindSpans:
    """Every blind span of this monitor, and those that others on the same store had."""

    def __init__(self, monitor: str, queue: JudgingQueue, counters: Metrics) -> None:
        """Know of none of this monitor's. What is noted before `begin` is written then."""
        self._monitor = monitor
        self._queue = queue
        self._counters = counters
        self._writer: Writer | None = None
        self._found: list[Blind] = []
        self._tasks = Tasks()
        self._until: dict[tuple[str, datetime, str, str], datetime] = {}
        self.spans: Sequence[Blind] = []

    def begin(self, writer: Writer) -> None:
        """Write down through this writer from now on."""
        self._writer = writer
        found, self._found = self._found, []
        for span in found:
            self.note(span)

    def note(self, span: Blind) -> None:
        """Have a blind span written down, or how far one has grown, and judged; nobody waits for it."""
        if self._writer is None:
            self._found.append(span)
        else:
            self._tasks.start(self.write(span, self._writer))

    async def write(self, span: Blind, writer: Writer) -> None:
        """Write down a blind span, or how far one has grown, and have what it touches judged again."""
        span = replace(span, monitor=self._monitor)
        counted = self._until.get(key := (span.cause, span.begins, span.host, span.target), span.begins)
        self._until[key] = max(counted, span.ends)
        self._counters.blind.labels(span.cause).inc(max(0.0, (span.ends - counted).total_seconds()))
        await writer.write(lambda tx: tx.add_blind(span), apart=True)
        self.take([span])
        if _is_worth_a_line(span, counted):
            _log.warning("blind", cause=span.cause, begins=span.begins.isoformat(), ends=span.ends.isoformat())

    def take(self, spans: Iterable[Blind]) -> None:
        """Take in spans that are written down already, and have everything judged again."""
        self.learn(spans)
        self._queue.everything()

    def learn(self, spans: Iterable[Blind]) -> None:
        """Take in spans that other monitors wrote down; whoever asked for them judges."""
        for span in spans:
            self.spans = extended(self.spans, span)


class OutOfOrderLooks:
    """Tells once that our clock went back: until it catches up, what a target shows cannot be put in order."""

    def __init__(self, blind: BlindSpans) -> None:
        self._blind = blind
        self._told: dict[str, datetime] = {}

    def tell(self, sighting: Sighting, last: Run | None) -> None:
        """Take note of a sighting that is older than the last run of its target."""
        until = sighting.received if last is None else last.last_received
        if self._told.get(sighting.target) == until:
            return
        self._told[sighting.target] = until
        _log.warning("sighting_out_of_order", target=sighting.target)
        # Whoever waits for the next look notices more than that, and tells of it for all targets at once.
        if until - sighting.received <= _MOMENT:
            self._blind.note(Blind(sighting.received, until, "clock", target=sighting.target))

    def forget(self, target: str) -> None:
        """Let go of a target that nobody looks at any more."""
        self._told.pop(target, None)


def extended(spans: Sequence[Blind], span: Blind) -> list[Blind]:
    """Return blind spans with one more, in time order.

    One that begins at the same instant for the same cause and scope is extended, and never shortened: the
    same as in the store, so that what is judged now is judged alike ever after.
    """
    known = next((one for one in spans if replace(one, ends=span.ends) == span), None)
    others = [one for one in spans if one is not known]
    longest = span if known is None else replace(span, ends=max(known.ends, span.ends))
    return sorted([*others, longest], key=lambda one: one.begins)


def _is_worth_a_line(span: Blind, until: datetime) -> bool:
    """Tell whether a blind span known `until` then is to be logged anew: at its beginning, and once a minute after."""
    grown, known = span.ends - span.begins, until - span.begins
    return until == span.begins or grown // _MINUTE > known // _MINUTE
