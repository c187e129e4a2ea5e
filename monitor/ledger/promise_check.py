"""Calendars that are read once more, at once, before people are told of a breach of what they promised."""

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
"""How long a verdict waits at most for its calendars to be read again; then the doubt is told with it."""
_FIRST_LOOKS = timedelta(seconds=5)
"""So long the first looks at what is due have their hosts to themselves."""

Then = Callable[[], None]


class Waiting(Protocol):
    """A release whose verdict may wait: as of when and until when it was `asked`, and whether it `waits` now."""

    release: Release
    asked: tuple[datetime, datetime] | None
    waits: bool


class PromiseCheck:
    """What is to be read, and who waits for it. `holds` is asked when judging, `next` and `answered` when reading."""

    def __init__(self) -> None:
        """Begin with nothing to be read."""
        self._begun: dict[str, datetime] = {}
        self._waiting: dict[str, dict[str, tuple[datetime, Then]]] = defaultdict(dict)
        self._bell = asyncio.Event()
        self.is_read = False

    def holds(self, watched: Waiting, verdict: Verdict, then: Then) -> datetime | None:
        """Have what a verdict rests on read again; return when to judge it anew, whatever is read: None when not.

        `watched.waits` is whether it is held back until then at most. `then` judges it again.
        """
        since, release, watched.waits = must_stand_since(verdict), watched.release, False
        if not self.is_read:
            return None
        if since is None:
            begins = missing_since(verdict)
            if begins is not None and verdict.at < begins + _FIRST_LOOKS:
                return begins + _FIRST_LOOKS
            if begins is not None:
                self.ask(release.calendars, begins, release.id, then)
            return None
        if watched.asked is None or watched.asked[0] != since:
            watched.asked = (since, verdict.at + PATIENCE)
        until = watched.asked[1]
        watched.waits = verdict.at < until and self.ask(release.calendars, since, release.id, then)
        return until if watched.waits else None

    def ask(self, calendars: Iterable[str], since: datetime, release: str, then: Then) -> bool:
        """Have calendars read that were not read `since`; tell whether there are any. `then` is called after each."""
        lacking = [name for name in calendars if name not in self._begun or self._begun[name] < since]
        for name in lacking:
            self._waiting[name][release] = (since, then)
        if lacking:
            self._bell.set()
        return bool(lacking)

    async def next(self) -> list[str]:
        """Wait until a calendar is to be read; return all that are. Nobody waits for a reader that never asked."""
        self.is_read = True
        await self._bell.wait()
        self._bell.clear()
        return sorted(name for name, waiting in self._waiting.items() if waiting)

    def answered(self, calendar: str, begun: datetime) -> None:
        """Note that a calendar was read, well or not, from `begun` on."""
        self._begun[calendar] = max(begun, self._begun.get(calendar, begun))
        waiting = self._waiting.pop(calendar, {})
        for release, (since, then) in waiting.items():
            if since > begun:
                self._waiting[calendar][release] = (since, then)
                self._bell.set()
            else:
                then()


def missing_since(verdict: Verdict) -> datetime | None:
    """Return as of when a promise is to be read again though nothing is claimed by it yet; None when it need not be.

    A page at an address that nobody announced is known to be late only once it shows, and once it does GOV.UK's
    announcement tells no time any more.
    """
    begins, page = None if verdict.slot is None else verdict.slot.begins(), verdict.page
    if begins is None or page is None or page.released.by is not None or verdict.address is Address.ANNOUNCED:
        return None
    is_known = verdict.confirmed is not None and verdict.confirmed >= begins
    is_open = verdict.word in (Word.PENDING, Word.UNPROVEN)
    return begins if is_open and not is_known and verdict.at >= begins else None


def must_stand_since(verdict: Verdict) -> datetime | None:
    """Return as of when the promise should be known to stand, None when it is or nothing is claimed by it."""
    begins = None if verdict.slot is None else verdict.slot.begins()
    is_breach = any(part.word in BREACHES for part in verdict.parts)
    if begins is None or not (is_breach or any(found.kind is Kind.PROMISE_IN_DOUBT for found in verdict.findings)):
        return None
    # What is withheld by reason of the doubt shows no exposure, but when it was seen.
    exposed = [exposure.start.by for exposure in verdict.exposures]
    seen = exposed if exposed or verdict.at >= begins else [part.first_seen.by for part in verdict.parts]
    since = min([begins, *sorted(filter(None, seen))[-1:]])
    is_known = verdict.confirmed is not None and verdict.confirmed >= since
    return None if is_known or since > verdict.at else since
