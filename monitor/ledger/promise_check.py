"""Requests to read calendars again at once, before a breach of what they promised is reported (rule 13)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol

from monitor.judge.doubt import BREACHES
from monitor.judge.verdict import Kind, Verdict, Word
from schedules.announcement import Address
from schedules.release import Release

PATIENCE = timedelta(seconds=10)
"""The longest that a verdict waits for its calendars to be read again. After that it is reported with the doubt."""
_FIRST_LOOKS = timedelta(seconds=5)
"""No calendar is read this soon after a slot: the first looks at what is due need the hosts' budgets."""

Requeue = Callable[[], None]


class DeferredRelease(Protocol):
    """A release whose verdict may wait for a calendar read.

    `asked` has the instant that the read must confirm and the end of the wait. `waits` is whether it waits now.
    """

    release: Release
    asked: tuple[datetime, datetime] | None
    waits: bool


class PromiseCheck:
    """Requests for calendar reads, and the releases that wait for them.

    The judging side calls `defer_for_calendar_read`. The reading side calls `next_requested` and `record_read`.
    """

    def __init__(self) -> None:
        """Begin without requests."""
        self._last_read: dict[str, datetime] = {}
        self._requests: dict[str, dict[str, tuple[datetime, Requeue]]] = defaultdict(dict)
        self._wakeup = asyncio.Event()
        self.is_read = False

    def defer_for_calendar_read(self, watched: DeferredRelease, verdict: Verdict, then: Requeue) -> datetime | None:
        """Request the calendar reads that a verdict needs. Return when to judge it again in any case, or None.

        Set `watched.waits`: whether the verdict must not be reported yet. `then` judges the release again after a read.
        """
        since, release, watched.waits = must_be_confirmed_since(verdict), watched.release, False
        if not self.is_read:
            return None
        if since is None:
            # Nothing is claimed yet: only make sure that the calendars are read soon after the slot.
            begins = should_be_read_since(verdict)
            if begins is not None and verdict.at < begins + _FIRST_LOOKS:
                return begins + _FIRST_LOOKS
            if begins is not None:
                self.request_reads(release.calendars, begins, release.id, then)
            return None
        if watched.asked is None or watched.asked[0] != since:
            watched.asked = (since, verdict.at + PATIENCE)
        until = watched.asked[1]
        watched.waits = verdict.at < until and self.request_reads(release.calendars, since, release.id, then)
        return until if watched.waits else None

    def request_reads(self, calendars: Iterable[str], since: datetime, release: str, then: Requeue) -> bool:
        """Request reads of those calendars that were not read since `since`. Return whether there are any.

        `then` is called after each of these reads.
        """
        lacking = [name for name in calendars if name not in self._last_read or self._last_read[name] < since]
        for name in lacking:
            self._requests[name][release] = (since, then)
        if lacking:
            self._wakeup.set()
        return bool(lacking)

    async def next_requested(self) -> list[str]:
        """Wait for requests, and return the calendars to read. Until the first call no verdict is deferred."""
        self.is_read = True
        await self._wakeup.wait()
        self._wakeup.clear()
        return sorted(name for name, waiting in self._requests.items() if waiting)

    def record_read(self, calendar: str, begun: datetime) -> None:
        """Record that a read of a calendar began at `begun`, with success or not, and call those that wait for it."""
        self._last_read[calendar] = max(begun, self._last_read.get(calendar, begun))
        waiting = self._requests.pop(calendar, {})
        for release, (since, then) in waiting.items():
            if since > begun:
                self._requests[calendar][release] = (since, then)
                self._wakeup.set()
            else:
                then()


def should_be_read_since(verdict: Verdict) -> datetime | None:
    """Return since when the calendars should have been read although nothing is claimed yet, or None.

    A page at a guessed address is known to be late only when it appears. By then GOV.UK's announcement no longer
    shows the announced time.
    """
    begins, page = None if verdict.slot is None else verdict.slot.begins(), verdict.page
    if begins is None or page is None or page.released.by is not None or verdict.address is Address.ANNOUNCED:
        return None
    is_known = verdict.confirmed is not None and verdict.confirmed >= begins
    is_open = verdict.word in (Word.PENDING, Word.UNPROVEN)
    return begins if is_open and not is_known and verdict.at >= begins else None


def must_be_confirmed_since(verdict: Verdict) -> datetime | None:
    """Return since when a read must confirm the promise (rule 13). None if one did or there is no breach."""
    begins = None if verdict.slot is None else verdict.slot.begins()
    is_breach = any(part.word in BREACHES for part in verdict.parts)
    if begins is None or not (is_breach or any(found.kind is Kind.PROMISE_IN_DOUBT for found in verdict.findings)):
        return None
    # While the promise is in doubt the verdict has no exposures. Use the time of the first sighting.
    exposed = [exposure.start.by for exposure in verdict.exposures]
    seen = exposed if exposed or verdict.at >= begins else [part.first_seen.by for part in verdict.parts]
    since = min([begins, *sorted(filter(None, seen))[-1:]])
    is_known = verdict.confirmed is not None and verdict.confirmed >= since
    return None if is_known or since > verdict.at else since
