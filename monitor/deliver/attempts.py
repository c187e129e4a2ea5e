"""Which attempts to send are under way, in this process and perhaps in others, and which ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from monitor.clock import Clock
from monitor.deliver.outbox_rows import OutboxRow
from monitor.store.rows import Delivery

_ENDS_WITHIN = 10.0
_LASTS = timedelta(seconds=10)
"""An unfinished attempt of another process counts as under way for this long after it is seen.

Its process may have been killed, so it is repeated then.
"""
_BEGINS_WITHIN = timedelta(seconds=5)
"""A message that was not begun within this time after its attempt was recorded is not sent.

This process may have been suspended, and another may have sent it.
"""
_MOST_SEEN, _LONG_AGO = 1000, -1e6
_MOST_FINISHED = 10_000


@dataclass
class Attempts:
    """The attempts to send that may be under way. `is_ending` when this process begins no more."""

    clock: Clock
    is_ending: bool = False
    _under_way: set[asyncio.Future[None]] = field(default_factory=set)
    # When this process first saw each unfinished attempt of another, in seconds of the monotonic
    # clock.
    _seen: dict[tuple[str, str, int], float] = field(default_factory=dict)
    # Deliveries that this process finished, by notice and channel.
    _finished: dict[tuple[str, str], Delivery] = field(default_factory=dict)

    async def end(self) -> None:
        """Begin no more attempts.

        Wait up to ten seconds for those under way, because a cut-off one may be repeated.
        """
        self.is_ending = True
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_ENDS_WITHIN)

    @asynccontextmanager
    async def track(self) -> AsyncIterator[None]:
        """Make `end` wait for the attempt to send that the caller makes inside this context."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._under_way.add(ended)
        try:
            yield
        finally:
            self._under_way.discard(ended)
            ended.set_result(None)

    def note_own(self, attempt: Delivery) -> None:
        """Remember that this attempt is ours, so that `hold_unfinished` does not hold it."""
        self._note_unfinished(attempt, _LONG_AGO)

    def note_finished(self, delivery: Delivery) -> None:
        """Remember that a delivery was sent or given up.

        A store that is restored from a backup loses that. No one is notified twice all the same.
        """
        self._finished[delivery.notice, delivery.channel] = delivery
        if len(self._finished) > _MOST_FINISHED:
            del self._finished[next(iter(self._finished))]  # the oldest

    def has_finished(self, delivery: Delivery) -> bool:
        """Return whether this process has sent or given up a delivery."""
        return (delivery.notice, delivery.channel) in self._finished

    def find_lost(self, rows: Sequence[OutboxRow]) -> list[Delivery]:
        """Return the ends of those of these waiting deliveries that this process has finished."""
        keys = ((row.delivery.notice, row.delivery.channel) for row in rows)
        return [self._finished[key] for key in keys if key in self._finished]

    def hold_unfinished(self, rows: Sequence[OutboxRow], now: datetime) -> list[OutboxRow]:
        """Return the rows, with unfinished attempts of other processes held until they count as cut
        off.
        """
        return [replace(row, due=self._find_earliest(row, now)) for row in rows]

    def _find_earliest(self, row: OutboxRow, now: datetime) -> datetime:
        if not row.was_cut_off:
            return row.due
        steady = self.clock.monotonic()
        seen_for = timedelta(seconds=steady - self._note_unfinished(row.delivery, steady))
        return max(row.due, now + _LASTS - seen_for) if seen_for < _LASTS else row.due

    def may_begin(self, attempt: Delivery, recorded_at: float) -> bool:
        """Return whether a message may be sent whose attempt was recorded at `recorded_at`, by our
        monotonic clock.

        Both clocks are read, because one of them may stop while a machine sleeps.
        """
        began = attempt.began or self.clock.now()
        passed = timedelta(seconds=self.clock.monotonic() - recorded_at)
        return max(passed, self.clock.now() - began) < _BEGINS_WITHIN

    def _note_unfinished(self, attempt: Delivery, at: float) -> float:
        """Note that an unfinished attempt was seen `at`. Return when it was first seen (monotonic
        seconds).
        """
        if len(self._seen) >= _MOST_SEEN:
            del self._seen[next(iter(self._seen))]
        return self._seen.setdefault((attempt.notice, attempt.channel, attempt.attempts), at)
