"""Assess what people and the publishing tool ticked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from alerts.ticks import Tick
from monitor.deliver.ticks import select_ticks
from monitor.readiness.facts import DueRelease
from monitor.readiness.line import Area, Line, Readiness
from schedules.times.words import moment

TICKED_BY_PEOPLE = {
    Tick.SCHEDULED: "scheduled in the publishing tool",
    Tick.FILES_UPLOADED: "files uploaded",
    Tick.LIST_SENT: "pre-release access list sent and bound",
    Tick.SECOND_NAMED: "second person named",
}
"""What is ticked before a slot, in words."""


def assess_ticks(due: DueRelease, now: datetime, zone: str) -> Iterator[Line]:
    """Yield a line for each tick that the publishing tool contradicts or that is missing."""
    title, release = due.release.title, due.release.id
    last = {tick: act.at for tick, act in select_ticks(due.ticks)}
    for check, reason, todo in _find_contradictions(due, last, now, zone):
        yield Line(Area.TICKS, check, title, Readiness.NOT_READY, reason, todo, release)
    missing = [words for tick, words in TICKED_BY_PEOPLE.items() if tick not in last]
    if missing:
        reason = f"not ticked: {', '.join(missing)}"
        todo = "Tick what is done on the page of the release."
        yield Line(Area.TICKS, "ticks", title, Readiness.NOT_KNOWN, reason, todo, release)
    else:
        yield Line(Area.TICKS, "ticks", title, Readiness.READY, "all is ticked", release=release)


def _find_contradictions(
    due: DueRelease, last: dict[Tick, datetime], now: datetime, zone: str
) -> Iterator[tuple[str, str, str]]:
    """Yield the name of a check, the reason, and what to do.

    `last` is when each was last ticked.
    """
    promise = due.promised.promise
    scheduled, otherwise = last.get(Tick.SCHEDULED), last.get(Tick.SCHEDULED_OTHERWISE)
    if otherwise is not None and (scheduled is None or scheduled < otherwise):
        at = moment(otherwise, zone, now)
        reason = f"the publishing tool has another time than the announced one, ticked at {at}"
        yield "scheduled", reason, "Correct the time in the publishing tool, and tick it again."
    elif scheduled is not None and promise is not None and scheduled < promise.learnt:
        reason = f"scheduled before {promise.calendar} showed a new time"
        yield "scheduled", reason, "Schedule it for the new time, and tick it again."
    published = last.get(Tick.PUBLISHED)
    if published is not None:
        reason = f"the publishing tool reported it as published at {moment(published, zone, now)}"
        yield "published", reason, "Open its page. If it is out, follow the steps of its incident."
