"""Requests that calendars are read again at once, before a breach of their promises is reported (rule 13)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from monitor.judge.doubt import BREACHES
from monitor.judge.verdict import Verdict
from schedules.announcement import Address
from schedules.contract.verdict import Kind, VerdictKind
from schedules.release import Release

LONGEST_WAIT = timedelta(seconds=10)
"""The longest that a verdict waits for its calendars to be read again. After that it is reported as doubtful."""
_LENGTH_OF_FIRST_LOOKS = timedelta(seconds=5)
"""After a slot, no calendar is read for this long, because the first looks need the budgets of the hosts."""

Requeue = Callable[[], None]


@dataclass(frozen=True, slots=True)
class WantedRead:
    """A calendar read that a verdict needs. It must begin at `since` or later. The wait for it ends at `deadline`."""

    since: datetime
    deadline: datetime


class DeferredRelease(Protocol):
    """A release with a verdict that may wait for a calendar read. If `waits_for_calendar`, it waits now."""

    release: Release
    wanted_read: WantedRead | None
    waits_for_calendar: bool


class PromiseCheck:
    """Keeps requests for calendar reads, and the releases that wait for them.

    The judge calls `request_needed_reads`. The reader of calendars calls `next_requested` and `record_read`.
    """

    def __init__(self) -> None:
        """Begin without requests."""
        self._last_read: dict[str, datetime] = {}
        self._requests: dict[str, dict[str, tuple[datetime, Requeue]]] = defaultdict(dict)
        self._wakeup = asyncio.Event()
        self.has_reader = False

    def request_needed_reads(self, watched: DeferredRelease, verdict: Verdict, judge_again: Requeue) -> datetime | None:
        """Request the calendar reads that a verdict needs, and set `watched.waits_for_calendar`.

        A breach is reported only after its calendars were read, or after the deadline. `judge_again` is called after
        each requested read. Return when the release must be judged again even without a read, or None.
        """
        watched.waits_for_calendar = False
        if not self.has_reader:  # a verdict must not wait for reads that no one makes
            return None
        since = confirmation_needed_since(verdict)
        if since is None:
            return self._request_early_read(watched.release, verdict, judge_again)
        wanted = watched.wanted_read
        if wanted is None or wanted.since != since:
            wanted = watched.wanted_read = WantedRead(since, max(verdict.at, since) + LONGEST_WAIT)
        if verdict.at < since:  # a read made now would be too early to count
            watched.waits_for_calendar = True
            return since
        if verdict.at >= wanted.deadline:
            return None
        release = watched.release
        watched.waits_for_calendar = self.request_reads(release.calendars, since, release.id, judge_again)
        return wanted.deadline if watched.waits_for_calendar else None

    def _request_early_read(self, release: Release, verdict: Verdict, judge_again: Requeue) -> datetime | None:
        """Request a read of the calendars although there is no breach yet, if a later one could come too late.

        Return None, or when to judge again and call this again: directly after a slot, hosts are needed for looks.
        """
        since = early_read_needed_since(verdict)
        if since is None:
            return None
        if verdict.at < since + _LENGTH_OF_FIRST_LOOKS:
            return since + _LENGTH_OF_FIRST_LOOKS
        self.request_reads(release.calendars, since, release.id, judge_again)
        return None

    def request_reads(self, calendars: Iterable[str], since: datetime, release: str, callback: Requeue) -> bool:
        """Request reads of those calendars that were not read since `since`. Return whether there are any.

        `callback` is called after each of these reads.
        """
        lacking = [name for name in calendars if name not in self._last_read or self._last_read[name] < since]
        for name in lacking:
            self._requests[name][release] = (since, callback)
        if lacking:
            self._wakeup.set()
        return bool(lacking)

    async def next_requested(self) -> list[str]:
        """Wait for requests, and return the calendars to read. Before the first call, no verdict is deferred."""
        self.has_reader = True
        await self._wakeup.wait()
        self._wakeup.clear()
        return sorted(name for name, waiting in self._requests.items() if waiting)

    def record_read(self, calendar: str, begun: datetime) -> None:
        """Record a read that began at `begun`, even a failed one, and call the callbacks of requests that it meets."""
        self._last_read[calendar] = max(begun, self._last_read.get(calendar, begun))
        requests = self._requests.pop(calendar, {})
        if later := {release: request for release, request in requests.items() if request[0] > begun}:
            self._requests[calendar] = later
            self._wakeup.set()
        for since, callback in requests.values():
            if since <= begun:
                callback()


def early_read_needed_since(verdict: Verdict) -> datetime | None:
    """Return the slot if the calendars must be read again at or after it, although there is no breach yet. Else None.

    The read is needed if the page's address was guessed and the page is not out. Such a page is proved late only when
    it appears. By then GOV.UK's announcement no longer shows the announced time, and cannot confirm it.
    """
    begins, page = None if verdict.slot is None else verdict.slot.begins(), verdict.page
    if begins is None or page is None or verdict.at < begins:
        return None
    was_guessed, is_out = verdict.address is not Address.ANNOUNCED, page.released.by is not None
    is_confirmed = verdict.confirmed is not None and verdict.confirmed >= begins  # by a read at the slot or later
    may_become_late = verdict.verdict in (VerdictKind.PENDING, VerdictKind.UNPROVEN)
    return begins if was_guessed and may_become_late and not is_out and not is_confirmed else None


def confirmation_needed_since(verdict: Verdict) -> datetime | None:
    """Return the earliest time of a calendar read that can confirm a breach's promise (rule 13). None: none is needed.

    If a part is late, a read at the slot or later is needed. If content was public early, a read after it was first
    seen is enough. No read is needed without a breach, after such a read, or before the slot if no sighting of early
    content is dated. If our clock is behind, the time can be after `verdict.at`, as sightings are dated by true time.
    """
    begins = None if verdict.slot is None else verdict.slot.begins()
    kinds = {finding.kind for finding in verdict.findings}
    has_breach = any(part.verdict in BREACHES for part in verdict.parts)
    if begins is None or not (has_breach or Kind.PROMISE_IN_DOUBT in kinds):
        return None
    # When early content was first seen. If a part is late, that does not matter: only a read after the slot is enough.
    sightings = [] if Kind.LATE in kinds else [exposure.start.by for exposure in verdict.exposures]
    if not sightings and verdict.at < begins:
        # While the promise is in doubt the verdict has no exposures. Use the time of the first sighting.
        sightings = [part.first_seen.by for part in verdict.parts]
    dated = [seen for seen in sightings if seen is not None]
    since = min(max(dated), begins) if dated else begins
    is_confirmed = verdict.confirmed is not None and verdict.confirmed >= since
    is_too_soon = not dated and verdict.at < begins
    return None if is_confirmed or is_too_soon else since
