"""Which attempts to send are under way, in this process and perhaps in others, and which ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from monitor.clock import Clock
from monitor.deliver.outbox_rows import OutboxRow
from monitor.store.rows import Delivery

_ENDS_WITHIN = 10.0
_LASTS = timedelta(seconds=10)
"""An unfinished attempt of another process counts as under way for this long after it is seen.

Its process may have been killed, so it is repeated then.
"""
_BEGINS_WITHIN = timedelta(seconds=5)
"""Less than `_LASTS`, so that no message is sent when another process may repeat its attempt."""
_LONG_AGO = -1e6
"""Monotonic seconds. An attempt first seen then is not held."""
_MOST_REMEMBERED = 10_000


@dataclass
class Attempts:
    """Attempts to send that this process makes, and those of other processes that it has seen.

    Callers begin no attempt if `is_ending`.
    """

    clock: Clock
    is_ending: bool = False
    _under_way: set[asyncio.Future[None]] = field(default_factory=set)
    _first_seen: dict[tuple[str, str, int], float] = field(default_factory=dict)
    _finished: dict[tuple[str, str], Delivery] = field(default_factory=dict)

    async def end(self) -> None:
        """Set `is_ending`.

        Wait `_ENDS_WITHIN` at most for tracked attempts, because a cut-off one may be repeated.
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
        """Remember that a delivery was sent or given up, for the last 10,000 deliveries.

        A store that is restored from a backup does not know it. This process still sends none of
        them again, but the next one may.
        """
        self._finished[delivery.notice, delivery.channel] = delivery
        _forget_oldest(self._finished)

    def has_finished(self, delivery: Delivery) -> bool:
        """Return whether a delivery was noted as finished."""
        return (delivery.notice, delivery.channel) in self._finished

    def find_lost(self, rows: Sequence[OutboxRow]) -> list[Delivery]:
        """Return the ends of those of these waiting deliveries that were noted as finished."""
        keys = ((row.delivery.notice, row.delivery.channel) for row in rows)
        return [self._finished[key] for key in keys if key in self._finished]

    def hold_unfinished(self, rows: Sequence[OutboxRow], now: datetime) -> list[OutboxRow]:
        """Return the rows, due no earlier than an attempt of another process may be repeated."""
        return [replace(row, due=self._find_due(row, now)) for row in rows]

    def _find_due(self, row: OutboxRow, now: datetime) -> datetime:
        if not row.was_cut_off:
            return row.due
        monotonic = self.clock.monotonic()
        seen_for = timedelta(seconds=monotonic - self._note_unfinished(row.delivery, monotonic))
        if seen_for >= _LASTS:
            return row.due
        return max(row.due, now + _LASTS - seen_for)

    def may_begin(self, attempt: Delivery, recorded_at: float) -> bool:
        """Return whether a message may be sent whose attempt was recorded at `recorded_at`, by our
        monotonic clock. After `_BEGINS_WITHIN`, another process may have sent it.

        Both clocks are read, because one of them may stop while a machine sleeps.
        """
        began = attempt.began or self.clock.now()
        passed = timedelta(seconds=self.clock.monotonic() - recorded_at)
        return max(passed, self.clock.now() - began) < _BEGINS_WITHIN

    def _note_unfinished(self, attempt: Delivery, at: float) -> float:
        """Note that an unfinished attempt was seen `at`. Return when it was first seen (monotonic
        seconds).
        """
        key = (attempt.notice, attempt.channel, attempt.attempts)
        first_seen = self._first_seen.setdefault(key, at)
        _forget_oldest(self._first_seen)
        return first_seen


def _forget_oldest(memory: dict[Any, Any]) -> None:
    if len(memory) > _MOST_REMEMBERED:
        del memory[next(iter(memory))]
