"""Spans in which nothing could be seen: written down, counted, and judged again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate

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
        self._known = SpansInOrder()

    @property
    def spans(self) -> Sequence[Blind]:
        """Return all of them in time order."""
        return self._known.spans

    def after(self, instant: datetime) -> Sequence[Blind]:
        """Return those that ended after an instant, and perhaps a few more; in time order."""
        return self._known.after(instant)

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
        self._known.add(spans)


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


class SpansInOrder:
    """Blind spans in time order.

    One that begins at the same instant for the same cause and scope as another extends it, and never shortens it: the
    same as in the store, so that what is judged now is judged alike ever after.
    """

    def __init__(self) -> None:
        self._longest: dict[tuple[datetime, str, str, str, str], Blind] = {}
        # For each span when the last of those up to it ended.
        self._ended: list[datetime] = []
        self.spans: Sequence[Blind] = []

    def add(self, spans: Iterable[Blind]) -> None:
        """Take in spans; most are known already, and cost no walk through the others."""
        is_new = False
        for span in spans:
            key = (span.begins, span.cause, span.host, span.target, span.monitor)
            known = self._longest.get(key)
            if known is None or known.ends < span.ends:
                self._longest[key], is_new = span, True
        if is_new:
            self.spans = sorted(self._longest.values(), key=lambda one: one.begins)
            self._ended = list(accumulate((one.ends for one in self.spans), max))

    def after(self, instant: datetime) -> Sequence[Blind]:
        """Return those that ended after an instant, and perhaps a few more."""
        if not self._ended or self._ended[-1] <= instant:
            return []
        return self.spans[bisect_right(self._ended, instant) :]


def _is_worth_a_line(span: Blind, until: datetime) -> bool:
    """Tell whether a blind span known `until` then is to be logged anew: at its beginning, and once a minute after."""
    grown, known = span.ends - span.begins, until - span.begins
    return until == span.begins or grown // _MINUTE > known // _MINUTE
