"""Events of the ledger, each one line of `calendar history`, and changes of titles as such
events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from schedules.promise import Promise
from schedules.slot import Slot
from schedules.times.json import fields_json, instant_from_json
from schedules.titles import read_title


class EventKind(StrEnum):
    """The kinds of ledger event."""

    ANNOUNCED = "announced"
    RE_DATED = "re-dated"
    TIME_CHANGED = "time-changed"
    SHORT_NOTICE = "short-notice"
    PRECISION_RAISED = "precision-raised"
    PRECISION_LOWERED = "precision-lowered"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    POSTPONED = "postponed"
    STATUS_DOUBT = "status-doubt"
    SETTLED = "settled"
    REINSTATED = "reinstated"
    CHANGED_AFTER_SLOT = "changed-after-slot"
    BACK_DATED = "back-dated"
    FIRST_SEEN_AFTER_SLOT = "first-seen-after-slot"
    CALENDARS_DISAGREE = "calendars-disagree"
    ZONE_DOUBT = "zone-doubt"
    UNLIKELY_DAY = "unlikely-day"
    UNANNOUNCED = "unannounced"
    RETITLED = "retitled"
    PERIOD_CHANGED = "period-changed"


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """One change that a read showed.

    `at` is the read that showed it, `since` the last earlier read that did not. `before` and
    `after` are the slots. `release` is empty for an event of a whole series.
    """

    what: EventKind
    at: datetime
    calendar: str
    release: str = ""
    since: datetime | None = None
    before: Slot | None = None
    after: Slot | None = None
    detail: str = ""


def event_of(
    what: EventKind,
    promise: Promise,
    before: Slot | None = None,
    detail: str = "",
    after: Slot | None = None,
) -> LedgerEvent:
    """Return an event of the read that showed a promise."""
    detail, after = detail or promise.status or promise.why, after or promise.slot
    return LedgerEvent(
        what,
        promise.learnt,
        promise.calendar,
        promise.release,
        promise.unlearnt,
        before,
        after,
        detail,
    )


@dataclass(frozen=True, slots=True)
class TitleChange:
    """One change of a title, shown by the read at `at` and not by the earlier one at `since` (None:
    not known).
    """

    at: datetime
    since: datetime | None
    before: str
    after: str

    @property
    def changes_period(self) -> bool:
        """Return whether the new title means another edition."""
        return read_title(self.before).period != read_title(self.after).period


def find_title_change(
    before: str, after: str, at: datetime, since: datetime | None
) -> tuple[TitleChange, ...]:
    """Return the change of a title, () if only blanks differ."""
    old, new = (" ".join(title.split()) for title in (before, after))
    if old == new:
        return ()
    return (TitleChange(at, since, old, new),)


def title_change_events(
    found: Iterable[TitleChange], calendar: str, release: str
) -> Iterator[LedgerEvent]:
    """Yield each change of a title as an event of the ledger."""
    for change in found:
        kind = EventKind.RETITLED
        if change.changes_period:
            kind = EventKind.PERIOD_CHANGED
        detail = f"“{change.after}”, was “{change.before}”"
        yield LedgerEvent(kind, change.at, calendar, release, change.since, detail=detail)


def title_change_json(change: TitleChange) -> dict[str, Any]:
    """Return a change of a title as JSON."""
    return fields_json(change, "at", "since", "before", "after")


def title_change_from_json(data: Mapping[str, Any]) -> TitleChange:
    """Return the change that `title_change_json` wrote."""
    at, since = datetime.fromisoformat(data["at"]), instant_from_json(data["since"])
    return TitleChange(at, since, data["before"], data["after"])
