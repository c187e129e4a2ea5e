"""Blind spans: periods in which this monitor or another on the same store could not see."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate

import structlog

from monitor.health.metrics import Metrics
from monitor.judge.runs import Blind
from monitor.look.sighting import Sighting
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import Tasks

_log = structlog.get_logger(__name__)
_MINUTE = timedelta(minutes=1)
_LONGEST_UNREPORTED_STEP = timedelta(seconds=1)
"""The poller notices a longer step back of our clock, and reports it for all targets at once."""


class BlindSpans:
    """All blind spans of this monitor, and those of other monitors on the same store, in time
    order.

    A span with the begin, cause and scope of a known one extends it and never shortens it. The
    store does the same, so that `replay` judges from the same spans. New ones are written to the
    store.
    """

    def __init__(self, monitor: str, rejudge_all: Callable[[], None], counters: Metrics) -> None:
        """Begin without blind spans, which are times without usable looks.

        Call `rejudge_all` after each new span.
        """
        self.monitor, self._rejudge_all, self._counters = monitor, rejudge_all, counters
        self._writer: Writer | None = None
        self._unwritten: list[Blind] = []  # noted before `start_writing` gave a writer
        self._tasks = Tasks()
        # For each span, by cause, begin, host and target: the instant up to which its seconds were
        # added to the metric.
        self._counted_until: dict[tuple[str, datetime, str, str], datetime] = {}
        # If our clock goes back from 9:30:05 to 9:30:00, looks seem older than the last run of
        # their target. By target: the end of that run, 9:30:05. Until then, only the first such
        # look is noted as a blind span.
        self._caught_up_at: dict[str, datetime] = {}
        # By begin, cause, host, target and monitor.
        self._longest: dict[tuple[datetime, str, str, str, str], Blind] = {}
        self.spans: Sequence[Blind] = []
        # Item i is the latest end of the spans 0 to i, so the items are in time order.
        self._latest_end: list[datetime] = []

    def add(self, spans: Iterable[Blind]) -> None:
        """Add spans, or extend known ones, without writing them or judging releases again."""
        has_changed = False
        for span in spans:
            key = (span.begins, span.cause, span.host, span.target, span.monitor)
            known = self._longest.get(key)
            if known is None or known.ends < span.ends:
                self._longest[key] = span
                has_changed = True
        if has_changed:
            self.spans = sorted(self._longest.values(), key=lambda span: span.begins)
            self._latest_end = list(accumulate((span.ends for span in self.spans), max))

    def after(self, instant: datetime) -> Sequence[Blind]:
        """Return the spans that ended after an instant, and perhaps a few more, in time order."""
        if not self._latest_end or self._latest_end[-1] <= instant:
            return []
        return self.spans[bisect_right(self._latest_end, instant) :]

    @property
    def last_end(self) -> datetime | None:
        """Return the latest end of all spans, or None."""
        return self._latest_end[-1] if self._latest_end else None

    def start_writing(self, writer: Writer) -> None:
        """Write spans through this writer from now on, first those noted so far."""
        self._writer = writer
        unwritten, self._unwritten = self._unwritten, []
        for span in unwritten:
            self.note(span)

    def note(self, span: Blind) -> None:
        """Add a new or longer span, and `write` it in the background.

        It is added at once, so that `correct_dates` finds it before it is written.
        """
        span = replace(span, monitor=self.monitor)
        self.add([span])
        if self._writer is None:
            self._unwritten.append(span)
        else:
            self._tasks.start(self.write(span, self._writer))

    async def write(self, span: Blind, writer: Writer) -> None:
        """Write a span that was added, count its new seconds in the metric, and have all releases
        judged again.
        """
        span = replace(span, monitor=self.monitor)
        key = (span.cause, span.begins, span.host, span.target)
        counted_until = self._counted_until.get(key, span.begins)
        self._counted_until[key] = max(counted_until, span.ends)
        self._counters.blind.labels(span.cause).inc(
            max(0.0, (span.ends - counted_until).total_seconds())
        )
        await writer.write(lambda tx: tx.add_blind(span), is_fact=True)
        self._rejudge_all()
        # Log a span at its beginning, and once for each further minute.
        minutes_before = (counted_until - span.begins) // _MINUTE
        minutes = (span.ends - span.begins) // _MINUTE
        if counted_until == span.begins or minutes > minutes_before:
            _log.warning(
                "blind",
                cause=span.cause,
                begins=span.begins.isoformat(),
                ends=span.ends.isoformat(),
            )

    def add_and_rejudge(self, spans: Iterable[Blind]) -> None:
        """Add spans that are stored already, and have all releases judged again."""
        self.add(spans)
        self._rejudge_all()

    def correct_dates(self, step: timedelta, now: datetime) -> None:
        """Move the instants of our spans after `now` by `step` (negative), because the clock was
        ahead.
        """
        ours = (span for span in self._longest.values() if span.monitor == self.monitor)
        corrected = {span: span.moved_back(step, now) for span in ours if span.ends > now}
        if not corrected:
            return
        self._longest = {key: span for key, span in self._longest.items() if span not in corrected}
        self.add(corrected.values())
        if self._writer is not None:
            spans, new_spans = list(corrected), list(corrected.values())
            replace_all = partial(Transaction.replace_blind_spans, spans=spans, corrected=new_spans)
            self._tasks.start(self._writer.write(replace_all))
        self._unwritten = [corrected.get(span, span) for span in self._unwritten]

    def note_out_of_order(self, sighting: Sighting, catches_up_at: datetime) -> None:
        """Log that a sighting seems older than the last run of its target, because our clock went
        back.

        Until `catches_up_at`, the end of that run, no look at the target counts: note a blind span.
        """
        if self._caught_up_at.get(sighting.target) == catches_up_at:
            return  # an earlier sighting before the end of the same run was logged
        self._caught_up_at[sighting.target] = catches_up_at
        _log.warning("sighting_out_of_order", target=sighting.target)
        # After a longer step, the poller itself reports a blind span for all targets.
        if catches_up_at - sighting.received <= _LONGEST_UNREPORTED_STEP:
            self.note(Blind(sighting.received, catches_up_at, "clock", target=sighting.target))

    def forget_target(self, target: str) -> None:
        """Forget a target that was dropped."""
        self._caught_up_at.pop(target, None)
