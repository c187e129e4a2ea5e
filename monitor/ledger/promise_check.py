"""Requests to read calendars again at once, before a breach of their promises is reported
(`docs/decides.md#where-the-promise-is-in-doubt`).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.judge.doubt import BREACHES
from monitor.judge.verdict import Verdict
from schedules.announcement import Address
from schedules.contract.verdict import FindingKind, VerdictKind
from schedules.release import Release

LONGEST_WAIT = timedelta(seconds=10)
"""The longest that a verdict waits for its calendars to be read again. After that it is reported as
doubtful.
"""
_LENGTH_OF_FIRST_LOOKS = timedelta(seconds=5)
"""After a slot, no calendar is read for this long, because the first looks need the budgets of the
hosts.
"""

Requeue = Callable[[], None]


@dataclass(frozen=True, slots=True)
class WantedRead:
    """A calendar read that a verdict needs.

    It must begin at `since` or later. The wait for it ends at `deadline`.
    """

    since: datetime
    deadline: datetime


@dataclass(frozen=True, slots=True)
class CalendarWait:
    """Whether a verdict waits now for the calendar read that it needs, or last needed.

    `judge_at`: if no read comes, the release must be judged again then. None: only if one comes.
    """

    wanted: WantedRead | None = None
    is_on: bool = False
    judge_at: datetime | None = None


class PromiseCheck:
    """Keeps requests for calendar reads, and the releases that wait for them.

    The judge calls `request_needed_reads`. The reader of calendars calls `next_requested` and
    `record_read`.
    """

    def __init__(self) -> None:
        """Begin without requests."""
        self._last_read: dict[str, datetime] = {}
        self._requests: dict[str, dict[str, tuple[datetime, Requeue]]] = defaultdict(dict)
        self._wakeup = asyncio.Event()
        self.has_reader = False

    def request_needed_reads(
        self, release: Release, verdict: Verdict, before: CalendarWait, judge_again: Requeue
    ) -> CalendarWait:
        """Request the calendar reads that a verdict needs, and return how it waits for them.

        A breach is reported only after its calendars were read, or after a deadline. `judge_again`
        is called after each requested read. `before` is the wait of the verdict before.
        """
        wanted = before.wanted
        if not self.has_reader:  # a verdict must not wait for reads that no one makes
            return CalendarWait(wanted)
        # a read counts only if it begins at this time or later
        since = confirmation_needed_since(verdict)
        if since is None:
            early = self._request_early_confirmation(release, verdict, judge_again)
            return CalendarWait(wanted, judge_at=early)
        if wanted is None or wanted.since != since:
            wanted = WantedRead(since, max(verdict.at, since) + LONGEST_WAIT)
        if verdict.at < since:  # a read that begins now would not count
            return CalendarWait(wanted, is_on=True, judge_at=since)
        is_on = verdict.at < wanted.deadline and self.request_reads(release, since, judge_again)
        return CalendarWait(wanted, is_on=is_on, judge_at=wanted.deadline if is_on else None)

    def _request_early_confirmation(
        self, release: Release, verdict: Verdict, judge_again: Requeue
    ) -> datetime | None:
        """Request a read of the calendars if the promise must be confirmed already before a breach.

        If it is too early for that, return when to judge the release again, which calls this method
        again. Else None.
        """
        slot = early_confirmation_needed_since(verdict)
        if slot is None:
            return None
        # In the first seconds after the slot, the hosts of the calendars are needed for looks.
        if verdict.at < slot + _LENGTH_OF_FIRST_LOOKS:
            return slot + _LENGTH_OF_FIRST_LOOKS
        self.request_reads(release, slot, judge_again)
        return None

    def request_reads(self, release: Release, since: datetime, callback: Requeue) -> bool:
        """Request reads of the calendars of a release that were not read since `since`.

        Return whether there are any.

        `callback` is called after each of these reads.
        """
        lacking = [
            name
            for name in release.calendars
            if name not in self._last_read or self._last_read[name] < since
        ]
        for name in lacking:
            self._requests[name][release.id] = (since, callback)
        if lacking:
            self._wakeup.set()
        return bool(lacking)

    async def next_requested(self) -> list[str]:
        """Wait for requests, and return the calendars to read.

        Until the first call, no verdict waits for such a read.
        """
        self.has_reader = True
        await self._wakeup.wait()
        self._wakeup.clear()
        return sorted(name for name, waiting in self._requests.items() if waiting)

    def record_read(self, calendar: str, begun: datetime) -> None:
        """Record a read that began at `begun`, even a failed one, and call the callbacks of
        requests that it meets.
        """
        self._last_read[calendar] = max(begun, self._last_read.get(calendar, begun))
        requests = self._requests.pop(calendar, {})
        if later := {
            release: (since, callback)
            for release, (since, callback) in requests.items()
            if since > begun
        }:
            self._requests[calendar] = later
            self._wakeup.set()
        for since, callback in requests.values():
            if since <= begun:
                callback()


def early_confirmation_needed_since(verdict: Verdict) -> datetime | None:
    """Return the slot if a calendar read at the slot or later must confirm it before there is a
    breach. Else None.

    This is so while a page at a guessed address is not out. When the page appears late, that is a
    breach. But then GOV.UK's announcement redirects to the page, no longer shows the slot, and
    cannot confirm it.
    """
    begins, page = verdict.slot_begins, verdict.page
    if begins is None or page is None or verdict.at < begins:
        return None
    is_guessed, is_out = verdict.address is not Address.ANNOUNCED, page.released.by is not None
    last_confirmed = verdict.confirmed  # the time of the last read that showed the slot
    is_confirmed = last_confirmed is not None and last_confirmed >= begins
    may_become_late = verdict.verdict in (VerdictKind.PENDING, VerdictKind.UNPROVEN)
    return begins if is_guessed and may_become_late and not is_out and not is_confirmed else None


def confirmation_needed_since(verdict: Verdict) -> datetime | None:
    """Return the time from which on a calendar read can confirm the promise of a breach.

    None: no read is needed.

    Example: the slot is 9:30, and content was public at 9:10. A read at 9:12 that shows 9:30
    confirms this breach. If a part is late, only a read at 9:30 or later confirms it.
    """
    begins = verdict.slot_begins
    kinds = {finding.kind for finding in verdict.findings}
    has_breach = any(part.verdict in BREACHES for part in verdict.parts)
    if begins is None or not (has_breach or FindingKind.PROMISE_IN_DOUBT in kinds):
        return None
    first_seen = (
        [] if FindingKind.LATE in kinds else [exposure.start.by for exposure in verdict.exposures]
    )
    if not first_seen and verdict.at < begins:
        # While the promise is in doubt, the verdict has no exposures.
        first_seen = [part.first_seen.by for part in verdict.parts]
    dated = [time for time in first_seen if time is not None]
    # One read must confirm all exposures, so it must come after the last of them. These times are
    # true times. If our clock is behind, they can be later than `verdict.at`.
    since = min(max(dated), begins) if dated else begins
    last_confirmed = verdict.confirmed
    is_confirmed = last_confirmed is not None and last_confirmed >= since
    # before the slot, no time is known at which content was public
    is_too_soon = not dated and verdict.at < begins
    return None if is_confirmed or is_too_soon else since
